//! Linear layers whose weights are [inputs, outputs], as GPT-2's `Conv1D`, on matrices [units, columns].

use std::ops::Range;

use loss_landscape_kernels::{AddBiasAndActivate, AddRowSums, Matrix, Store, product};

use crate::real::Real;

/// The parameters of one layer, in θ.
#[derive(Clone, Debug)]
pub(super) struct LinearPlace {
    pub(super) weight: Range<usize>,
    pub(super) bias: Range<usize>,
    pub(super) outputs: usize,
}

impl LinearPlace {
    fn inputs(&self) -> usize {
        self.weight.len() / self.outputs
    }

    fn weight<'a, S>(&self, theta: &'a [S]) -> Matrix<'a, S> {
        Matrix::new(&theta[self.weight.clone()], self.inputs(), self.outputs)
    }

    /// Wᵀ·x + b
    pub(super) fn forward<S: Real>(&self, theta: &[S], x: &[S], out: &mut [S]) {
        let columns = x.len() / self.inputs();
        product(Store::Replace, self.weight(theta).t(), Matrix::new(x, self.inputs(), columns), out);
        self.add_bias(theta, out);
    }

    /// W·δ
    pub(super) fn back<S: Real>(&self, theta: &[S], delta: &[S], out: &mut [S]) {
        let columns = delta.len() / self.outputs;
        product(Store::Replace, self.weight(theta), Matrix::new(delta, self.outputs, columns), out);
    }

    /// Adds x·δᵀ and the row sums of δ.
    pub(super) fn add_gradient<S: Real>(&self, x: &[S], delta: &[S], gradient: &mut [S]) {
        self.add_weight_gradient(x, delta, gradient);
        AddRowSums { out: &mut gradient[self.bias.clone()], matrix: delta }.run();
    }

    /// Adds x·δᵀ.
    pub(super) fn add_weight_gradient<S: Real>(&self, x: &[S], delta: &[S], gradient: &mut [S]) {
        let columns = delta.len() / self.outputs;
        product(
            Store::Add,
            Matrix::new(x, self.inputs(), columns),
            Matrix::new(delta, self.outputs, columns).t(),
            &mut gradient[self.weight.clone()],
        );
    }

    /// R of [`forward`](Self::forward): Vᵀ·x + Wᵀ·Rx + Rb
    pub(super) fn tangent<S: Real>(&self, [theta, v]: [&[S]; 2], [x, tangent]: [&[S]; 2], out: &mut [S]) {
        let columns = x.len() / self.inputs();
        product(Store::Replace, self.weight(v).t(), Matrix::new(x, self.inputs(), columns), out);
        product(Store::Add, self.weight(theta).t(), Matrix::new(tangent, self.inputs(), columns), out);
        self.add_bias(v, out);
    }

    /// R of [`back`](Self::back): V·δ + W·Rδ
    pub(super) fn tangent_back<S: Real>(
        &self,
        [theta, v]: [&[S]; 2],
        [delta, tangent]: [&[S]; 2],
        out: &mut [S],
    ) {
        let columns = delta.len() / self.outputs;
        product(Store::Replace, self.weight(v), Matrix::new(delta, self.outputs, columns), out);
        product(Store::Add, self.weight(theta), Matrix::new(tangent, self.outputs, columns), out);
    }

    fn add_bias<S: Real>(&self, parameters: &[S], out: &mut [S]) {
        AddBiasAndActivate { z: out, bias: &parameters[self.bias.clone()], activation: None }.run();
    }
}
