//! Losses, outputs and gradients of a convolutional network.

use std::ops::Range;

use loss_landscape::OracleError;
use loss_landscape_kernels::{AlignedBuffer, LANES, zeros};
use ndarray::Array2;

use super::{
    chunk_state::{ChunkState, Keep},
    conv_network::Network,
    scratch_pool::ScratchPool,
    work_split::{WorkSplit, add_up},
};
use crate::{criterion::LossSums, data::Samples, error::Result, layers::Weights, real::Real};

/// The outputs before the softmax, [samples, outputs].
pub(crate) fn outputs<S: Real>(net: &Network<S>, theta: &[S], data: &Samples<S>) -> Result<Array2<S>> {
    net.blocks().ensure_length("θ", theta.len())?;
    net.check_inputs(data)?;
    let weights = loaded(net, theta, false);
    let outputs = net.plan.outputs();
    let split = WorkSplit::new::<S>(data.len(), net.sweep_chunk(), 0);
    let parts = split.run(|chunks| {
        let mut state = ChunkState::new(&net.plan, split.chunk, Keep::Outputs);
        let mut part = Vec::new();
        for chunk in chunks {
            let range = split.range(chunk);
            let samples = range.len();
            let values = state.forward(&net.plan, &weights, data.slice(range).0);
            part.extend((0..samples).flat_map(|sample| {
                let group = &values[sample / LANES * outputs * LANES..];
                (0..outputs).map(move |output| group[output * LANES + sample % LANES])
            }));
        }
        part
    });
    let all = Array2::from_shape_vec((data.len(), outputs), parts.concat());
    Ok(all.expect("every sample has given its outputs"))
}

/// The loss, and the accuracy of labels.
pub(crate) fn measure<S: Real>(
    net: &Network<S>,
    theta: &[S],
    data: &Samples<S>,
    out: &mut [f64],
) -> Result<(), OracleError> {
    net.ready(theta, data)?;
    let weights = loaded(net, theta, false);
    let split = WorkSplit::new::<S>(data.len(), net.sweep_chunk(), 0);
    let pool = ScratchPool::new();
    let sums: Vec<Vec<LossSums>> = split.run(|chunks| {
        pool.with(
            || ChunkState::new(&net.plan, split.chunk, Keep::Outputs),
            |state| chunks.map(|chunk| chunk_loss(net, state, &weights, data, split.range(chunk))).collect(),
        )
    });
    // Chunk by chunk, as a sweep adds them.
    let mut total = LossSums::default();
    for &sums in sums.iter().flatten() {
        total += sums;
    }
    total.write_means(data.len(), out);
    Ok(())
}

/// Writes the gradient and returns the loss.
pub(crate) fn gradient<S: Real>(
    net: &Network<S>,
    theta: &[S],
    data: &Samples<S>,
    out: &mut [S],
) -> Result<f64, OracleError> {
    net.ready(theta, data)?;
    net.blocks().ensure_length("the gradient", out.len())?;
    let plan = &net.plan;
    let weights = loaded(net, theta, true);
    let split = WorkSplit::new::<S>(data.len(), net.gradient_chunk(), plan.fold.len);
    let pool = ScratchPool::new();
    let scale = 1.0 / data.len() as f64;
    let parts = split.run(|chunks| {
        let mut gradient = zeros(plan.fold.len);
        let mut loss = 0.0;
        let memory = || {
            let state = ChunkState::new(plan, split.chunk.min(data.len()), Keep::Values);
            (state, AlignedBuffer::new(plan.scratch_len()))
        };
        pool.with(memory, |(state, scratch)| {
            for chunk in chunks {
                let range = split.range(chunk);
                let wanted = data.slice(range.clone()).1;
                loss += chunk_loss(net, state, &weights, data, range).loss;
                state.backward(plan, &weights, wanted, scale, scratch, Some(&mut gradient));
            }
        });
        (loss, gradient)
    });
    let (losses, gradients): (Vec<f64>, Vec<_>) = parts.into_iter().unzip();
    let mut gradient = add_up(gradients);
    plan.put_in_order(&mut gradient);
    plan.fold.pull(theta, &gradient, out);
    let loss: f64 = losses.iter().sum();
    Ok(loss / data.len() as f64)
}

/// Loss and hits of consecutive samples, summed.
pub(super) fn chunk_loss<S: Real>(
    net: &Network<S>,
    state: &mut ChunkState<S>,
    weights: &Weights<S>,
    data: &Samples<S>,
    range: Range<usize>,
) -> LossSums {
    let (inputs, wanted) = data.slice(range);
    state.forward(&net.plan, weights, inputs);
    state.finish(&net.plan, wanted)
}

fn loaded<S: Real>(net: &Network<S>, theta: &[S], backward: bool) -> Weights<S> {
    let mut weights = net.plan.weights(backward);
    net.plan.load(theta, &mut weights);
    weights
}
