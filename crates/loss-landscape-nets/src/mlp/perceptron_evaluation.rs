//! Losses, outputs and gradients of a multilayer perceptron.

use loss_landscape::OracleError;
use ndarray::Array2;

use super::{dense_pass::DensePass, perceptron::Mlp};
use crate::{
    criterion::LossSums,
    data::Samples,
    error::{Error, Result},
    real::Real,
    train::{BatchMeans, Learner},
};

/// The outputs before the softmax, [samples, outputs].
pub(crate) fn outputs<S: Real>(net: &Mlp<S>, theta: &[S], data: &Samples<S>) -> Result<Array2<S>> {
    net.blocks.ensure_length("θ", theta.len())?;
    if data.features() != net.sizes[0] {
        let (found, expected) = (data.features(), net.sizes[0]);
        return Err(Error::SampleShape { what: "an input", found, expected });
    }
    let mut pass = DensePass::new(net, data.len());
    let mut all = Array2::zeros((data.len(), net.last_layer().outputs));
    for chunk in 0..pass.chunks() {
        let range = pass.chunk(chunk);
        let outputs = pass.forward(net, theta, data.slice(range.clone()).0);
        for (unit, outputs) in outputs.chunks_exact(range.len()).enumerate() {
            for (sample, &output) in range.clone().zip(outputs) {
                all[[sample, unit]] = output;
            }
        }
    }
    Ok(all)
}

/// The loss, and the accuracy of labels.
pub(crate) fn measure<S: Real>(
    net: &Mlp<S>,
    theta: &[S],
    data: &Samples<S>,
    out: &mut [f64],
) -> Result<(), OracleError> {
    net.ready(theta, data)?;
    let mut pass = DensePass::new(net, data.len());
    let mut total = LossSums::default();
    for chunk in 0..pass.chunks() {
        total += pass.loss(net, theta, data, chunk);
    }
    total.write_means(data.len(), out);
    Ok(())
}

/// Writes the gradient and returns the loss.
pub(crate) fn gradient<S: Real>(
    net: &Mlp<S>,
    theta: &[S],
    data: &Samples<S>,
    out: &mut [S],
) -> Result<f64, OracleError> {
    net.ready(theta, data)?;
    net.blocks.ensure_length("the gradient", out.len())?;
    let mut pass = DensePass::new(net, data.len());
    Ok(pass.gradient(net, theta, data, out).loss / data.len() as f64)
}

/// Memory for the gradients of one training in mini-batches of at most `batch_size` samples.
pub(crate) fn learner<S: Real>(net: &Mlp<S>, batch_size: usize) -> Box<dyn Learner<S> + '_> {
    Box::new(MlpLearner { net, pass: DensePass::new(net, batch_size) })
}

/// The gradients of one training.
struct MlpLearner<'a, S> {
    net: &'a Mlp<S>,
    pass: DensePass<S>,
}

impl<S: Real> Learner<S> for MlpLearner<'_, S> {
    fn gradient(&mut self, theta: &mut [S], batch: &Samples<S>, out: &mut [S]) -> Result<BatchMeans> {
        let sums = self.pass.gradient(self.net, theta, batch, out);
        let samples = batch.len() as f64;
        let accuracy = batch.labels().map(|_| sums.hits / samples);
        Ok(BatchMeans { loss: sums.loss / samples, accuracy })
    }
}
