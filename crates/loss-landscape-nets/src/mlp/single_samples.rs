//! Losses of single samples of a multilayer perceptron, those that are asked for.

use loss_landscape::oracle::{SampleWorker, Slice, samplewise};

use super::{
    dense_pass::{CHUNK, DensePass},
    perceptron::Mlp,
};
use crate::{data::Samples, error::Result, real::Real};

/// One thread's scratch memory: samples that do not lie together are copied to a chunk of their own.
struct ChosenSamples<'a, S> {
    net: &'a Mlp<S>,
    data: &'a Samples<S>,
    pass: DensePass<S>,
    batch: Samples<S>,
    /// The fewest samples of a pass: fewer are filled up with copies of the last one.
    width: usize,
    filled: Vec<usize>,
    /// The channels of a pass that was filled up.
    room: Vec<f64>,
}

/// Products of a matrix of up to this many elements are computed in another order, and would have other bits.
const SMALL_PRODUCT: usize = 256;

/// The channels of chosen samples at θ.
pub(crate) fn sample_losses<S: Real>(
    net: &Mlp<S>,
    theta: &[S],
    data: &Samples<S>,
    samples: &[usize],
    out: &mut [f64],
) -> Result<()> {
    net.ready(theta, data)?;
    ChosenSamples::new(net, data).evaluate(theta, samples, out)
}

/// The worker of one thread of a sweep.
pub(crate) fn sample_worker<'a, S: Real>(
    net: &'a Mlp<S>,
    slice: &'a Slice<'a, S>,
    data: &'a Samples<S>,
) -> Result<Box<dyn SampleWorker + 'a>> {
    net.check_samples(data)?;
    net.blocks.ensure_length("the plane", slice.len())?;
    let mut chosen = ChosenSamples::new(net, data);
    Ok(samplewise(slice, move |theta: &[S], samples: &[usize], out: &mut [f64]| {
        Ok(chosen.evaluate(theta, samples, out)?)
    }))
}

impl<'a, S: Real> ChosenSamples<'a, S> {
    /// For data that fit the network.
    fn new(net: &'a Mlp<S>, data: &'a Samples<S>) -> Self {
        // A single row is a small product however many samples there are.
        let rows = net.layers.iter().map(|layer| layer.outputs).filter(|rows| *rows > 1);
        let width = rows.map(|rows| (SMALL_PRODUCT / rows + 1).next_multiple_of(16)).max().unwrap_or(1);
        Self {
            net,
            data,
            pass: DensePass::new(net, CHUNK),
            batch: data.first(CHUNK),
            width: width.min(CHUNK),
            filled: Vec::with_capacity(CHUNK),
            room: vec![0.0; CHUNK * net.criterion.channel_count()],
        }
    }

    fn evaluate(&mut self, theta: &[S], samples: &[usize], out: &mut [f64]) -> Result<()> {
        let channels = self.net.criterion.channel_count();
        self.data.check_chosen(samples, out.len(), channels)?;
        for (samples, out) in samples.chunks(CHUNK).zip(out.chunks_mut(CHUNK * channels)) {
            if samples.len() >= self.width {
                let (inputs, wanted) = self.data.chosen(samples, &mut self.batch);
                self.pass.forward(self.net, theta, inputs);
                self.pass.finish_each(wanted, samples.len(), out);
            } else {
                self.fill_up(samples);
                let (inputs, wanted) = self.batch.slice(0..self.width);
                self.pass.forward(self.net, theta, inputs);
                let room = &mut self.room[..self.width * channels];
                self.pass.finish_each(wanted, self.width, room);
                out.copy_from_slice(&room[..out.len()]);
            }
        }
        Ok(())
    }

    /// Copies samples, and the last of them again and again.
    fn fill_up(&mut self, samples: &[usize]) {
        self.filled.clear();
        self.filled.extend_from_slice(samples);
        self.filled.resize(self.width, samples[samples.len() - 1]);
        self.data.gather(&self.filled, &mut self.batch);
    }
}
