//! What users ask of a multilayer perceptron.

use loss_landscape::{
    GaussNewtonProduct, Gradient, HessianProduct, Layout, Loss, Model, OracleError, SampleLosses,
    matching::PermutationSpec,
    oracle::Slice,
    oracle::{GaussNewtonWorker, HessianWorker, Prepared, SampleWorker},
};
use ndarray::Array2;

use super::{net_scalar::NetScalar, trainable::Trainable};
#[cfg(doc)]
use crate::error::Error;
use crate::{
    activation::Activation, criterion::Criterion, data::Samples, error::Result, mlp::Mlp, train::Learner,
};

impl<S: NetScalar> Mlp<S> {
    /// A network of these sizes, inputs first, outputs last, with random parameters.
    ///
    /// Weights and biases of a layer are uniform in ±1/√inputs, as PyTorch's `Linear` draws them,
    /// from stream 0 of the seed.
    ///
    /// # Errors
    /// [`Error::LayerSizes`] for fewer than two sizes or a size of zero, [`Error::OutOfMemory`] or
    /// [`Error::Core`] for sizes too large.
    pub fn new(sizes: &[usize], activation: Activation, criterion: Criterion, seed: u64) -> Result<Self> {
        (S::compiled().mlp.random)(sizes, activation, criterion, seed)
    }

    /// The same network with other parameters.
    ///
    /// # Errors
    /// [`Error::Core`] for θ of another length, or with a value that is NaN or infinite.
    pub fn at(mut self, theta: Vec<S>) -> Result<Self> {
        self.blocks.ensure_finite("θ", &theta)?;
        self.theta = theta;
        Ok(self)
    }

    /// How many bytes the first layer's products may take in a sweep, for each data set; 1 GiB by
    /// default.
    ///
    /// They take (2 on a line, 3 on a plane, all points of a curve) × samples × units of the first layer
    /// × the size of the scalar. Where that is more, every point multiplies the first layer anew; losses then differ
    /// by rounding.
    #[must_use]
    pub fn plane_memory(self, bytes: u64) -> Self {
        Self { plane_memory: bytes, ..self }
    }

    /// How many bytes each thread may keep for Hessian-vector products at one θ; 1 GiB by default.
    ///
    /// Kept are activations and derivatives: 2 × samples × units of all layers × the size of the scalar.
    /// Where that is more, every product computes them anew, which makes it about 1.7 times as expensive.
    #[must_use]
    pub fn hessian_memory(self, bytes: u64) -> Self {
        Self { hessian_memory: bytes, ..self }
    }

    /// The layer sizes, inputs first, outputs last.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// The activation between layers.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// The loss.
    pub fn criterion(&self) -> Criterion {
        self.criterion
    }

    /// Which hidden units may be listed in another order without changing the function: a group for each hidden layer,
    /// named `fc1`, `fc2` and so on. For [`WeightMatching`](loss_landscape::matching::WeightMatching):
    ///
    /// ```
    /// use loss_landscape::{Model, matching::{Permutations, WeightMatching}};
    /// use loss_landscape_nets::{Activation, Criterion, Mlp};
    ///
    /// let net = Mlp::<f32>::new(&[64, 32, 16, 10], Activation::Relu, Criterion::CrossEntropy, 0)?;
    /// let spec = net.permutation_spec();
    /// let shuffled = Permutations::random(&spec, 1).apply(net.parameters())?;
    /// let matched = WeightMatching::new().run(&spec, net.parameters(), &shuffled)?;
    /// assert_eq!(matched.theta(), net.parameters());
    /// # Ok::<(), loss_landscape_nets::Error>(())
    /// ```
    pub fn permutation_spec(&self) -> PermutationSpec {
        self.hidden_units()
    }

    /// The outputs before the softmax, [samples, outputs].
    ///
    /// # Errors
    /// [`Error::Core`] for θ of another length, [`Error::SampleShape`] for samples that do not fit.
    pub fn outputs(&self, theta: &[S], data: &Samples<S>) -> Result<Array2<S>> {
        (S::compiled().mlp.model.outputs)(self, theta, data)
    }
}

impl<S: NetScalar> Model for Mlp<S> {
    type Scalar = S;

    fn layout(&self) -> &Layout {
        &self.blocks
    }

    fn parameters(&self) -> &[S] {
        &self.theta
    }
}

impl<S: NetScalar> Loss<Samples<S>> for Mlp<S> {
    fn loss(&self, theta: &[S], data: &Samples<S>) -> Result<f64, OracleError> {
        let mut out = [0.0];
        self.measure(theta, data, &mut out)?;
        Ok(out[0])
    }

    fn fingerprint(&self, data: &Samples<S>) -> Option<u64> {
        Some((S::compiled().mlp.model.fingerprint)(self, data))
    }

    fn channels(&self) -> Vec<String> {
        self.criterion.channels()
    }

    fn measure(&self, theta: &[S], data: &Samples<S>, out: &mut [f64]) -> Result<(), OracleError> {
        (S::compiled().mlp.model.measure)(self, theta, data, out)
    }

    fn prepare<'a>(
        &'a self,
        plane: &'a Slice<'a, S>,
        data: &'a Samples<S>,
    ) -> Result<Option<Box<dyn Prepared + 'a>>, OracleError> {
        self.check_samples(data)?;
        self.blocks.ensure_length("the plane", plane.len())?;
        Ok(Some((S::compiled().mlp.model.prepare)(self, plane, data)?))
    }
}

impl<S: NetScalar> SampleLosses<Samples<S>> for Mlp<S> {
    fn sample_count(&self, data: &Samples<S>) -> usize {
        data.len()
    }

    /// Samples that do not lie together are copied. What is [prepared](Loss::prepare) for the plane of a full sweep is
    /// not used: every sample goes through all layers.
    fn sample_losses(
        &self,
        theta: &[S],
        data: &Samples<S>,
        samples: &[usize],
        out: &mut [f64],
    ) -> Result<(), OracleError> {
        Ok((S::compiled().mlp.model.sample_losses)(self, theta, data, samples, out)?)
    }

    fn sample_worker<'a>(
        &'a self,
        slice: &'a Slice<'a, S>,
        data: &'a Samples<S>,
    ) -> Result<Box<dyn SampleWorker + 'a>, OracleError> {
        Ok((S::compiled().mlp.model.sample_worker)(self, slice, data)?)
    }
}

impl<S: NetScalar> Gradient<Samples<S>> for Mlp<S> {
    fn gradient(&self, theta: &[S], data: &Samples<S>, out: &mut [S]) -> Result<f64, OracleError> {
        (S::compiled().mlp.model.gradient)(self, theta, data, out)
    }
}

impl<S: NetScalar> HessianProduct<Samples<S>> for Mlp<S> {
    /// Exact, by the R-operator[^1]: one pass forward and one back, each with its derivative along v.
    ///
    /// [^1]: B. Pearlmutter, *Fast exact multiplication by the Hessian*, Neural Computation 6 (1994).
    fn hessian_product(
        &self,
        theta: &[S],
        v: &[S],
        data: &Samples<S>,
        out: &mut [S],
    ) -> Result<(), OracleError> {
        self.ready(theta, data)?;
        let mut worker = (S::compiled().mlp.model.hessian)(self, data);
        worker.at(theta)?;
        worker.product(v, out)
    }

    /// Keeps activations and derivatives at θ; see [`hessian_memory`](Self::hessian_memory).
    fn hessian_worker<'a>(
        &'a self,
        data: &'a Samples<S>,
    ) -> Result<Box<dyn HessianWorker<S> + 'a>, OracleError> {
        self.check_samples(data)?;
        Ok((S::compiled().mlp.model.hessian)(self, data))
    }
}

impl<S: NetScalar> GaussNewtonProduct<Samples<S>> for Mlp<S> {
    /// Exact: the derivative of the outputs along v, the second derivatives of the criterion, which is convex in the
    /// outputs, and a plain pass back.
    fn gauss_newton_product(
        &self,
        theta: &[S],
        v: &[S],
        data: &Samples<S>,
        out: &mut [S],
    ) -> Result<(), OracleError> {
        self.ready(theta, data)?;
        let mut worker = (S::compiled().mlp.model.hessian)(self, data);
        worker.at(theta)?;
        worker.gauss_newton_products(v.len(), v, out)
    }

    /// Keeps what [`hessian_worker`](HessianProduct::hessian_worker) keeps. R·v is computed as such, and not as the
    /// difference H·v − G·v: it is exactly 0 where the outputs are linear in θ.
    fn gauss_newton_worker<'a>(
        &'a self,
        data: &'a Samples<S>,
    ) -> Result<Box<dyn GaussNewtonWorker<S> + 'a>, OracleError> {
        self.check_samples(data)?;
        Ok((S::compiled().mlp.model.hessian)(self, data))
    }
}

impl<S: NetScalar> Trainable<S> for Mlp<S> {
    fn check(&self, data: &Samples<S>) -> Result<()> {
        self.check_samples(data)
    }

    fn learner(&self, batch_size: usize) -> Result<Box<dyn Learner<S> + '_>> {
        (S::compiled().mlp.model.learner)(self, batch_size)
    }

    fn theta_mut(&mut self) -> &mut [S] {
        &mut self.theta
    }
}
