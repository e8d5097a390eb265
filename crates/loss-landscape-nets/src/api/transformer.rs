//! What users ask of a transformer.

use loss_landscape::{
    GaussNewtonProduct, Gradient, HessianProduct, Layout, Loss, Model, OracleError, SampleLosses,
    matching::PermutationSpec,
    oracle::{GaussNewtonWorker, HessianWorker, Prepared, SampleWorker, Slice},
};

use super::net_scalar::NetScalar;
#[cfg(doc)]
use crate::error::Error;
use crate::{
    criterion::Criterion,
    data::Tokens,
    error::Result,
    transformer::{Gpt, Transformer},
};

impl<S: NetScalar> Transformer<S> {
    /// A transformer with random parameters, drawn as Hugging Face's GPT-2 draws them: weights and embeddings from
    /// N(0, 0.02²), the last weights of each branch (`c_proj`) from N(0, 0.02²/(2·layers)), biases 0, normalisations
    /// with scale 1 and shift 0. From stream 0 of the seed, block by block.
    ///
    /// # Errors
    /// Those of [`Gpt::layout`]; [`Error::OutOfMemory`] for a transformer that does not fit in memory.
    pub fn new(shape: &Gpt, seed: u64) -> Result<Self> {
        (S::compiled().transformer.random)(shape, seed)
    }

    /// The same transformer with other parameters.
    ///
    /// # Errors
    /// [`Error::Core`] for θ of another length, or with a value that is NaN or infinite.
    pub fn at(mut self, theta: Vec<S>) -> Result<Self> {
        self.blocks.ensure_finite("θ", &theta)?;
        self.theta = theta;
        Ok(self)
    }

    /// How many bytes a Hessian worker may keep of what depends on θ alone; 1 GiB by default.
    ///
    /// Kept are values and derivatives of every layer for all sequences. Where that is more, every product computes
    /// them anew: one forward and one backward pass more.
    #[must_use]
    pub fn hessian_memory(mut self, bytes: u64) -> Self {
        self.hessian_memory = bytes;
        self
    }

    /// The shape.
    pub fn shape(&self) -> &Gpt {
        &self.shape
    }

    /// What may be listed in another order without changing the function: the heads of each attention
    /// (`transformer.h.0.attn`), and the hidden units of each block (`transformer.h.0.mlp.c_fc`).
    ///
    /// ```
    /// use loss_landscape::{Model, matching::Permutations};
    /// use loss_landscape_nets::{Gpt, Transformer};
    ///
    /// let net = Transformer::<f32>::new(&Gpt::new(10, 16).width(16).heads(4).layers(2), 0)?;
    /// let spec = net.permutation_spec();
    /// let sizes: Vec<usize> = spec.groups().iter().map(|group| group.units()).collect();
    /// assert_eq!(sizes, [4, 64, 4, 64]);
    /// let shuffled = Permutations::random(&spec, 1).apply(net.parameters())?;
    /// assert_ne!(shuffled, net.parameters());
    /// # Ok::<(), loss_landscape_nets::Error>(())
    /// ```
    pub fn permutation_spec(&self) -> PermutationSpec {
        self.units()
    }
}

impl<S: NetScalar> Model for Transformer<S> {
    type Scalar = S;

    fn layout(&self) -> &Layout {
        &self.blocks
    }

    fn parameters(&self) -> &[S] {
        &self.theta
    }
}

impl<S: NetScalar> Loss<Tokens> for Transformer<S> {
    fn loss(&self, theta: &[S], data: &Tokens) -> Result<f64, OracleError> {
        let mut out = [0.0];
        self.measure(theta, data, &mut out)?;
        Ok(out[0])
    }

    fn fingerprint(&self, data: &Tokens) -> Option<u64> {
        Some((S::compiled().transformer.fingerprint)(self, data))
    }

    fn channels(&self) -> Vec<String> {
        Criterion::CrossEntropy.channels()
    }

    fn measure(&self, theta: &[S], data: &Tokens, out: &mut [f64]) -> Result<(), OracleError> {
        (S::compiled().transformer.measure)(self, theta, data, out)
    }

    fn prepare<'a>(
        &'a self,
        plane: &'a Slice<'a, S>,
        data: &'a Tokens,
    ) -> Result<Option<Box<dyn Prepared + 'a>>, OracleError> {
        Ok(Some((S::compiled().transformer.prepare)(self, plane, data)?))
    }
}

impl<S: NetScalar> SampleLosses<Tokens> for Transformer<S> {
    fn sample_count(&self, data: &Tokens) -> usize {
        data.len()
    }

    /// A sample is a sequence. Its loss is the sum over its targets that count, divided by how many count in a sequence
    /// on average: so the mean over sequences is the loss, even where a mask leaves different numbers of targets.
    fn sample_losses(
        &self,
        theta: &[S],
        data: &Tokens,
        samples: &[usize],
        out: &mut [f64],
    ) -> Result<(), OracleError> {
        Ok((S::compiled().transformer.sample_losses)(self, theta, data, samples, out)?)
    }

    fn sample_worker<'a>(
        &'a self,
        slice: &'a Slice<'a, S>,
        data: &'a Tokens,
    ) -> Result<Box<dyn SampleWorker + 'a>, OracleError> {
        Ok((S::compiled().transformer.sample_worker)(self, slice, data)?)
    }
}

impl<S: NetScalar> Gradient<Tokens> for Transformer<S> {
    fn gradient(&self, theta: &[S], data: &Tokens, out: &mut [S]) -> Result<f64, OracleError> {
        (S::compiled().transformer.gradient)(self, theta, data, out)
    }
}

impl<S: NetScalar> HessianProduct<Tokens> for Transformer<S> {
    /// Exact, by the R-operator[^1]: one pass forward and one back, each with its derivative along v.
    ///
    /// [^1]: B. Pearlmutter, *Fast exact multiplication by the Hessian*, Neural Computation 6 (1994).
    fn hessian_product(&self, theta: &[S], v: &[S], data: &Tokens, out: &mut [S]) -> Result<(), OracleError> {
        self.ready(theta, data)?;
        let mut worker = (S::compiled().transformer.hessian)(self, data, 0);
        worker.at(theta)?;
        worker.product(v, out)
    }

    /// Keeps values and derivatives at θ; see [`hessian_memory`](Self::hessian_memory).
    fn hessian_worker<'a>(&'a self, data: &'a Tokens) -> Result<Box<dyn HessianWorker<S> + 'a>, OracleError> {
        self.check_tokens(data)?;
        Ok((S::compiled().transformer.hessian)(self, data, self.hessian_memory))
    }
}

impl<S: NetScalar> GaussNewtonProduct<Tokens> for Transformer<S> {
    /// Exact: the derivative of the outputs along v, the second derivatives of the cross-entropy, which is convex in the
    /// outputs, and a plain pass back.
    fn gauss_newton_product(
        &self,
        theta: &[S],
        v: &[S],
        data: &Tokens,
        out: &mut [S],
    ) -> Result<(), OracleError> {
        self.ready(theta, data)?;
        let mut worker = (S::compiled().transformer.hessian)(self, data, 0);
        worker.at(theta)?;
        worker.gauss_newton_products(v.len(), v, out)
    }

    /// Keeps what [`hessian_worker`](HessianProduct::hessian_worker) keeps. R·v is computed as such, and not as the
    /// difference H·v − G·v.
    fn gauss_newton_worker<'a>(
        &'a self,
        data: &'a Tokens,
    ) -> Result<Box<dyn GaussNewtonWorker<S> + 'a>, OracleError> {
        self.check_tokens(data)?;
        Ok((S::compiled().transformer.hessian)(self, data, self.hessian_memory))
    }
}
