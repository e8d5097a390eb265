//! Losses and gradients of a transformer.

use loss_landscape::{
    OracleError,
    oracle::{SampleWorker, Slice, samplewise},
};
use loss_landscape_kernels::zeros;

use super::{
    backward,
    network::Transformer,
    pass::{self, Dims, Keep, PassState, Scratch, chunk_of},
};
use crate::{
    criterion::LossSums,
    data::Tokens,
    error::Result,
    network::{ScratchPool, WorkSplit, add_up},
    real::Real,
};

/// The loss and the accuracy.
pub(crate) fn measure<S: Real>(
    net: &Transformer<S>,
    theta: &[S],
    data: &Tokens,
    out: &mut [f64],
) -> Result<(), OracleError> {
    net.ready(theta, data)?;
    let split = WorkSplit::new::<S>(data.len(), chunk_of(net, data), 0);
    let pool = ScratchPool::new();
    let sums: Vec<Vec<LossSums>> = split.run(|chunks| {
        pool.with(
            || ForwardMemory::new(net, split.chunk, data.sequence_length()),
            |memory| chunks.map(|chunk| memory.loss(net, theta, data, split.range(chunk))).collect(),
        )
    });
    // Chunk by chunk, as a sweep adds them.
    let mut total = LossSums::default();
    for &sums in sums.iter().flatten() {
        total += sums;
    }
    total.write_means(data.counted(), out);
    Ok(())
}

/// The channels of single sequences.
pub(crate) fn sample_losses<S: Real>(
    net: &Transformer<S>,
    theta: &[S],
    data: &Tokens,
    samples: &[usize],
    out: &mut [f64],
) -> Result<()> {
    net.ready(theta, data)?;
    let mut memory = ForwardMemory::new(net, 1, data.sequence_length());
    memory.each_loss(net, theta, data, samples, out)
}

/// The worker of one thread of a sweep.
pub(crate) fn sample_worker<'a, S: Real>(
    net: &'a Transformer<S>,
    slice: &'a Slice<'a, S>,
    data: &'a Tokens,
) -> Result<Box<dyn SampleWorker + 'a>> {
    net.check_tokens(data)?;
    net.blocks.ensure_length("the plane", slice.len())?;
    let mut memory = ForwardMemory::new(net, 1, data.sequence_length());
    Ok(samplewise(slice, move |theta: &[S], samples: &[usize], out: &mut [f64]| {
        Ok(memory.each_loss(net, theta, data, samples, out)?)
    }))
}

/// Writes the gradient and returns the loss.
pub(crate) fn gradient<S: Real>(
    net: &Transformer<S>,
    theta: &[S],
    data: &Tokens,
    out: &mut [S],
) -> Result<f64, OracleError> {
    net.ready(theta, data)?;
    net.blocks.ensure_length("the gradient", out.len())?;
    let keep = [Keep::All, Keep::Between];
    net.ensure_pass(data, &keep)?;
    let split = WorkSplit::new::<S>(data.len(), chunk_of(net, data), theta.len());
    let pool = ScratchPool::new();
    let scale = 1.0 / data.counted() as f64;
    let most = Dims::new(net, split.chunk, data.sequence_length());
    let parts = split.run(|chunks| {
        let mut gradient = zeros(theta.len());
        let mut loss = 0.0;
        let memory = || {
            let [values, deltas] = keep.map(|keep| PassState::new(most, net.places.blocks.len(), keep));
            (values, deltas, Scratch::new(most))
        };
        pool.with(memory, |(values, deltas, scratch)| {
            for chunk in chunks {
                let range = split.range(chunk);
                let dims = Dims::new(net, range.len(), data.sequence_length());
                let chunk = data.slice(range);
                values.resize(dims);
                deltas.resize(dims);
                loss += pass::loss(net, dims, theta, chunk, values, scratch).loss;
                backward::start(dims, values, deltas, scratch, scale);
                let gradient = Some(&mut gradient[..]);
                backward::backward(net, dims, theta, chunk.tokens, values, deltas, scratch, gradient);
            }
        });
        (loss, gradient)
    });
    let (losses, gradients): (Vec<f64>, Vec<_>) = parts.into_iter().unzip();
    out.copy_from_slice(&add_up(gradients));
    Ok(losses.iter().sum::<f64>() / data.counted() as f64)
}

/// One thread's memory for losses.
pub(super) struct ForwardMemory<S> {
    state: PassState<S>,
    scratch: Scratch<S>,
}

impl<S: Real> ForwardMemory<S> {
    /// For chunks of up to so many sequences.
    pub(super) fn new(net: &Transformer<S>, sequences: usize, length: usize) -> Self {
        let dims = Dims::new(net, sequences, length);
        Self {
            state: PassState::new(dims, net.places.blocks.len(), Keep::Outputs),
            scratch: Scratch::new(dims),
        }
    }

    /// Loss and hits of consecutive sequences, summed over the tokens that count.
    pub(super) fn loss(
        &mut self,
        net: &Transformer<S>,
        theta: &[S],
        data: &Tokens,
        range: std::ops::Range<usize>,
    ) -> LossSums {
        let dims = Dims::new(net, range.len(), data.sequence_length());
        self.state.resize(dims);
        pass::loss(net, dims, theta, data.slice(range), &mut self.state, &mut self.scratch)
    }

    /// The channels of chosen sequences: their share of the mean over targets, times the number of sequences. Each is
    /// computed by itself, so that its bits do not depend on the others.
    fn each_loss(
        &mut self,
        net: &Transformer<S>,
        theta: &[S],
        data: &Tokens,
        samples: &[usize],
        out: &mut [f64],
    ) -> Result<()> {
        data.check_chosen(samples, out.len(), 2)?;
        let scale = data.len() as f64 / data.counted() as f64;
        for (&sample, out) in samples.iter().zip(out.chunks_exact_mut(2)) {
            let sums = self.loss(net, theta, data, sample..sample + 1);
            out.copy_from_slice(&[sums.loss * scale, sums.hits * scale]);
        }
        Ok(())
    }
}
