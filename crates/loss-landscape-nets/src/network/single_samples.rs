//! Losses of single samples of a network, those that are asked for.

use loss_landscape::{
    OracleError,
    oracle::{Point, SampleWorker, Slice},
};

use super::{
    chunk_state::{ChunkState, Keep},
    conv_network::Network,
};
use crate::{data::Samples, error::Result, layers::Weights, real::Real};

/// One thread's scratch memory: samples that do not lie together are copied to a chunk of their own.
struct ChosenSamples<'a, S> {
    net: &'a Network<S>,
    data: &'a Samples<S>,
    chunk: usize,
    state: ChunkState<S>,
    weights: Weights<S>,
    batch: Samples<S>,
}

/// The same over the points of a slice.
struct SamplesAtPoints<'a, S> {
    slice: &'a Slice<'a, S>,
    theta: Vec<S>,
    /// The point whose parameters these are.
    point: Option<Point>,
    samples: ChosenSamples<'a, S>,
}

/// The channels of chosen samples at θ.
pub(crate) fn sample_losses<S: Real>(
    net: &Network<S>,
    theta: &[S],
    data: &Samples<S>,
    samples: &[usize],
    out: &mut [f64],
) -> Result<()> {
    net.ready(theta, data)?;
    let mut chosen = ChosenSamples::new(net, data);
    net.plan.load(theta, &mut chosen.weights);
    chosen.evaluate(samples, out)
}

/// The worker of one thread of a sweep.
pub(crate) fn sample_worker<'a, S: Real>(
    net: &'a Network<S>,
    slice: &'a Slice<'a, S>,
    data: &'a Samples<S>,
) -> Result<Box<dyn SampleWorker + 'a>> {
    net.check_samples(data)?;
    net.blocks().ensure_length("the plane", slice.len())?;
    let theta = vec![S::zero(); slice.len()];
    Ok(Box::new(SamplesAtPoints { slice, theta, point: None, samples: ChosenSamples::new(net, data) }))
}

impl<'a, S: Real> ChosenSamples<'a, S> {
    /// For data that fit the network.
    fn new(net: &'a Network<S>, data: &'a Samples<S>) -> Self {
        let chunk = net.sweep_chunk().min(data.len());
        let state = ChunkState::new(&net.plan, chunk, Keep::Outputs);
        Self { net, data, chunk, state, weights: net.plan.weights(false), batch: data.first(chunk) }
    }

    /// At the parameters whose weights are loaded.
    fn evaluate(&mut self, samples: &[usize], out: &mut [f64]) -> Result<()> {
        let channels = self.net.criterion.channel_count();
        self.data.check_chosen(samples, out.len(), channels)?;
        let plan = &self.net.plan;
        for (samples, out) in samples.chunks(self.chunk).zip(out.chunks_mut(self.chunk * channels)) {
            let (inputs, wanted) = self.data.chosen(samples, &mut self.batch);
            self.state.forward(plan, &self.weights, inputs);
            self.state.finish_each(plan, wanted, out, channels);
        }
        Ok(())
    }
}

impl<S: Real> SampleWorker for SamplesAtPoints<'_, S> {
    fn evaluate(&mut self, point: Point, samples: &[usize], out: &mut [f64]) -> Result<(), OracleError> {
        if self.point != Some(point) {
            self.slice.theta_into(point.coordinates, &mut self.theta);
            self.samples.net.plan.load(&self.theta, &mut self.samples.weights);
            self.point = Some(point);
        }
        Ok(self.samples.evaluate(samples, out)?)
    }
}
