//! What users ask of a convolutional network.

use loss_landscape::{
    GaussNewtonProduct, Gradient, HessianProduct, Layout, Loss, Model, OracleError, SampleLosses,
    oracle::Slice,
    oracle::{GaussNewtonWorker, HessianWorker, Prepared, SampleWorker},
};
use ndarray::Array2;

use super::{net_scalar::NetScalar, trainable::Trainable};
#[cfg(doc)]
use crate::error::Error;
use crate::{
    criterion::Criterion,
    data::Samples,
    error::Result,
    network::{Architecture, Network, Reestimated},
    train::Learner,
};

impl<S: NetScalar> Clone for Network<S> {
    fn clone(&self) -> Self {
        (S::compiled().network.copy)(self)
    }
}

impl<S: NetScalar> Network<S> {
    /// A network with random parameters, as the paper's code draws them: convolutions from
    /// N(0, 2/fan-in) (He et al. 2015), linear weights from N(0, 1e-6), biases 0; normalisations with
    /// scale 1, shift 0, mean 0 and variance 1. From stream 0 of the seed.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] for a network that does not fit in memory; [`Error::Core`] if a layer of your own begins
    /// with a value that is NaN or infinite.
    pub fn new(architecture: &Architecture, criterion: Criterion, seed: u64) -> Result<Self> {
        (S::compiled().network.random)(architecture, criterion, seed)
    }

    /// The same network with other parameters, buffers included.
    ///
    /// # Errors
    /// [`Error::Core`] for θ of another length, or with a value that is NaN or infinite.
    pub fn at(mut self, theta: Vec<S>) -> Result<Self> {
        self.layout().ensure_finite("θ", &theta)?;
        self.theta = theta;
        Ok(self)
    }

    /// How many bytes the first layer's products may take in a sweep, for each data set; 1 GiB by
    /// default.
    ///
    /// A first layer with 96 or more inputs for each output is multiplied once for the whole plane, and
    /// combined at every point: (2 on a line, 3 on a plane, all points of a curve of up to 8) × samples ×
    /// outputs × the size of the scalar.
    /// With fewer inputs, such as a 3×3 convolution of three channels, multiplying anew should cost less
    /// than reading those products from memory, and it is done at every point. Combined losses differ by rounding.
    #[must_use]
    pub fn plane_memory(self, bytes: u64) -> Self {
        Self { plane_memory: bytes, ..self }
    }

    /// How many bytes a Hessian worker may keep of what depends on θ alone; 1 GiB by default.
    ///
    /// Kept are values and derivatives of every layer for all samples. Where that is more, every
    /// product computes them anew: one forward and one backward pass more.
    #[must_use]
    pub fn hessian_memory(self, bytes: u64) -> Self {
        Self { hessian_memory: bytes, ..self }
    }

    /// The architecture.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The loss.
    pub fn criterion(&self) -> Criterion {
        self.criterion
    }

    /// Bytes of scratch memory that each thread of a sweep needs: a chunk's tensors, and the
    /// parameters plain, folded and packed.
    pub fn sweep_memory(&self) -> u64 {
        (S::compiled().network.bytes_of_sweep)(self)
    }

    /// The outputs before the softmax, [samples, outputs].
    ///
    /// # Errors
    /// [`Error::Core`] for θ of another length; [`Error::SampleShape`], or [`Error::LayerShape`] for images of
    /// another shape, for samples that do not fit.
    pub fn outputs(&self, theta: &[S], data: &Samples<S>) -> Result<Array2<S>> {
        (S::compiled().network.model.outputs)(self, theta, data)
    }

    /// The same network with statistics taken anew at every θ from `data`, in mini-batches of `batch`.
    ///
    /// # Errors
    /// [`Error::SampleShape`] or [`Error::LayerShape`] for samples that do not fit, [`Error::CountOutOfRange`] for a
    /// batch of 0, [`Error::OutOfMemory`] for one that is too large.
    pub fn reestimated<'a>(&'a self, data: &'a Samples<S>, batch: usize) -> Result<Reestimated<'a, S>> {
        (S::compiled().reestimated.new)(self, data, batch)
    }
}

impl<S: NetScalar> Model for Network<S> {
    type Scalar = S;

    fn layout(&self) -> &Layout {
        self.architecture.layout()
    }

    fn parameters(&self) -> &[S] {
        &self.theta
    }
}

impl<S: NetScalar> Loss<Samples<S>> for Network<S> {
    fn loss(&self, theta: &[S], data: &Samples<S>) -> Result<f64, OracleError> {
        let mut out = [0.0];
        self.measure(theta, data, &mut out)?;
        Ok(out[0])
    }

    fn fingerprint(&self, data: &Samples<S>) -> Option<u64> {
        Some((S::compiled().network.model.fingerprint)(self, data))
    }

    fn channels(&self) -> Vec<String> {
        self.criterion.channels()
    }

    fn measure(&self, theta: &[S], data: &Samples<S>, out: &mut [f64]) -> Result<(), OracleError> {
        (S::compiled().network.model.measure)(self, theta, data, out)
    }

    fn prepare<'a>(
        &'a self,
        plane: &'a Slice<'a, S>,
        data: &'a Samples<S>,
    ) -> Result<Option<Box<dyn Prepared + 'a>>, OracleError> {
        self.check_samples(data)?;
        self.layout().ensure_length("the plane", plane.len())?;
        Ok(Some((S::compiled().network.model.prepare)(self, plane, data)?))
    }
}

impl<S: NetScalar> SampleLosses<Samples<S>> for Network<S> {
    fn sample_count(&self, data: &Samples<S>) -> usize {
        data.len()
    }

    /// Samples that do not lie together are copied into sixteens of their own, which takes little beside their
    /// convolutions; a number that is a multiple of 16 is best.
    fn sample_losses(
        &self,
        theta: &[S],
        data: &Samples<S>,
        samples: &[usize],
        out: &mut [f64],
    ) -> Result<(), OracleError> {
        Ok((S::compiled().network.model.sample_losses)(self, theta, data, samples, out)?)
    }

    fn sample_worker<'a>(
        &'a self,
        slice: &'a Slice<'a, S>,
        data: &'a Samples<S>,
    ) -> Result<Box<dyn SampleWorker + 'a>, OracleError> {
        Ok((S::compiled().network.model.sample_worker)(self, slice, data)?)
    }
}

impl<S: NetScalar> Gradient<Samples<S>> for Network<S> {
    fn gradient(&self, theta: &[S], data: &Samples<S>, out: &mut [S]) -> Result<f64, OracleError> {
        (S::compiled().network.model.gradient)(self, theta, data, out)
    }
}

impl<S: NetScalar> HessianProduct<Samples<S>> for Network<S> {
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
        let mut worker = (S::compiled().network.hessian_once)(self, data);
        worker.at(theta)?;
        worker.product(v, out)
    }

    /// Keeps values and derivatives at θ; see [`hessian_memory`](Self::hessian_memory).
    fn hessian_worker<'a>(
        &'a self,
        data: &'a Samples<S>,
    ) -> Result<Box<dyn HessianWorker<S> + 'a>, OracleError> {
        self.check_samples(data)?;
        Ok((S::compiled().network.model.hessian)(self, data))
    }
}

impl<S: NetScalar> GaussNewtonProduct<Samples<S>> for Network<S> {
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
        let mut worker = (S::compiled().network.hessian_once)(self, data);
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
        Ok((S::compiled().network.model.hessian)(self, data))
    }
}

impl<S: NetScalar> Trainable<S> for Network<S> {
    fn check(&self, data: &Samples<S>) -> Result<()> {
        self.check_samples(data)
    }

    fn learner(&self, batch_size: usize) -> Result<Box<dyn Learner<S> + '_>> {
        (S::compiled().network.model.learner)(self, batch_size)
    }

    fn theta_mut(&mut self) -> &mut [S] {
        &mut self.theta
    }
}
