//! What a layer of a user's own must answer, and what is answered for it.

use std::fmt;

use loss_landscape::Block;

use super::differences;

/// A layer of your own, as a piece of a chain: [`Chain::custom`](crate::Chain::custom).
///
/// It maps a sample of channels × height × width to another, with parameters or none. Two methods are required: the
/// [`value`](Self::value), and a [`fingerprint`](Self::fingerprint) by which journals know it again. A network with
/// such a layer has losses, gradients and Hessian-vector products, is trained, written to checkpoints and
/// [re-estimated](crate::Network::reestimated) as any other.
///
/// Slices are in `f64`, in networks of `f32` too; what a layer gives is rounded to the network's scalar. All samples
/// are side by side, [samples, channels, height, width], up to 16 at a time. Which ones come together is not yours to
/// know: **each sample's results must depend on that sample and the parameters alone**, and be the same at every call.
/// One layer is called from many threads at once. Whatever is to be written holds zeros before.
///
/// **Derivatives.** What is not given is computed by central differences of four points in `f64`, with steps of 2⁻¹⁰
/// in the largest coordinate. They are good for layers that bend on the scale of 1, as activations do, and not within
/// 0.002 of a kink, on whose other side they look. With n values in a sample and p parameters:
///
/// | method | by default a difference of | cost | relative error in tests, below |
/// | --- | --- | --- | --- |
/// | [`by_input`](Self::by_input) | values, input by input | 4n values | 1e-11 |
/// | [`by_parameters`](Self::by_parameters) | values, parameter by parameter | 4p values | 1e-11 |
/// | [`tangent`](Self::tangent) | values along a direction | 4 values | 1e-11 |
/// | [`by_input_tangent`](Self::by_input_tangent) | `by_input` along a direction | 4 of those | 1e-11, or 1e-8 |
/// | [`by_parameters_tangent`](Self::by_parameters_tangent) | `by_parameters` along a direction | 4 of those | 1e-11, or 1e-8 |
///
/// The larger errors are those of differences of differences. The first two are worth writing for any layer but the
/// smallest. [`check_gradient`](loss_landscape::check::check_gradient) and
/// [`check_hessian_product`](loss_landscape::check::check_hessian_product) test a network with the layer.
///
/// ```
/// use loss_landscape::{Block, Gradient, HessianProduct, Model};
/// use loss_landscape_nets::{
///     Architecture, Chain, Criterion, CustomLayer, LayerPoint, Network, Sgd, digits,
/// };
///
/// /// x · σ(β·x), with a β that learns.
/// #[derive(Debug)]
/// struct Swish;
///
/// fn sigmoid(z: f64) -> f64 {
///     1.0 / (1.0 + (-z).exp())
/// }
///
/// impl CustomLayer for Swish {
///     fn fingerprint(&self) -> String {
///         "swish 1".to_owned()
///     }
///
///     fn parameters(&self, _input: [usize; 3]) -> Vec<Block> {
///         vec![Block::bias("beta", [1])]
///     }
///
///     fn initial(&self, _: [usize; 3], parameters: &mut [f64], _: &mut dyn FnMut() -> f64) {
///         parameters[0] = 1.0;
///     }
///
///     fn value(&self, at: &LayerPoint<'_>, out: &mut [f64]) {
///         for (out, x) in out.iter_mut().zip(at.x) {
///             *out = x * sigmoid(at.parameters[0] * x);
///         }
///     }
///
///     fn by_input(&self, at: &LayerPoint<'_>, delta: &[f64], out: &mut [f64]) {
///         for ((out, x), delta) in out.iter_mut().zip(at.x).zip(delta) {
///             let z = at.parameters[0] * x;
///             let s = sigmoid(z);
///             *out = delta * (s + z * s * (1.0 - s));
///         }
///     }
///
///     fn by_parameters(&self, at: &LayerPoint<'_>, delta: &[f64], out: &mut [f64]) {
///         for (x, delta) in at.x.iter().zip(delta) {
///             let s = sigmoid(at.parameters[0] * x);
///             out[0] += delta * x * x * s * (1.0 - s);
///         }
///     }
///     // The derivatives of these three along directions are left to differences.
/// }
///
/// let chain = Chain::new()
///     .conv3x3("conv", 4, 2)
///     .batch_norm("bn")
///     .custom("swish", Swish)
///     .global_average_pool()
///     .linear("head", 10);
/// let architecture = Architecture::new([1, 8, 8], chain)?;
/// assert_eq!(architecture.layout().block("swish.beta")?.shape(), [1]);
///
/// let mut net = Network::<f32>::new(&architecture, Criterion::CrossEntropy, 0)?;
/// let (train, _) = digits::<f32>()?;
/// Sgd::new(0.1).momentum(0.9).batch_size(128).epochs(1).train(&mut net, &train)?;
/// let mut gradient = vec![0.0; net.layout().len()];
/// let mut product = gradient.clone();
/// net.gradient(net.parameters(), &train, &mut gradient)?;
/// net.hessian_product(net.parameters(), &gradient, &train, &mut product)?;
/// assert!(product[net.layout().block("swish.beta")?.range()][0] != 0.0);
/// # Ok::<(), loss_landscape::OracleError>(())
/// ```
pub trait CustomLayer: fmt::Debug + Send + Sync {
    /// States what the layer computes: its kind, a version, and all its settings, such as `"swish 1"`.
    ///
    /// Journals of sweeps hold a hash of it: two layers that compute something else must state something else. It does
    /// not state parameters.
    fn fingerprint(&self) -> String;

    /// Channels, height and width of what it gives for a sample of `input`; the same shape by default.
    ///
    /// # Errors
    /// What the layer needs, such as `"an even number of channels"`, if `input` does not fit. It becomes the end of an
    /// [`Error::LayerShape`](crate::Error::LayerShape) that names the layer and the shape.
    fn output(&self, input: [usize; 3]) -> Result<[usize; 3], String> {
        Ok(input)
    }

    /// Its blocks of parameters for samples of `input`: shapes, roles, and names that follow the layer's and a dot.
    /// None by default.
    ///
    /// Buffers are handed to the layer with the other parameters, and stand still: derivatives by them are not used.
    fn parameters(&self, _input: [usize; 3]) -> Vec<Block> {
        Vec::new()
    }

    /// Writes the parameters of a new network, block after block.
    ///
    /// They are 1 for scales of normalisations and 0 for all others if it does nothing. `normal` gives the next number
    /// from N(0, 1) of the network's seed.
    fn initial(&self, _input: [usize; 3], _parameters: &mut [f64], _normal: &mut dyn FnMut() -> f64) {}

    /// Writes what it gives, [samples, …] of the shape that [`output`](Self::output) says.
    fn value(&self, at: &LayerPoint<'_>, out: &mut [f64]);

    /// Writes the derivative of Σ `delta` · value by the inputs. `delta` is as long as the values, `out` as the inputs.
    fn by_input(&self, at: &LayerPoint<'_>, delta: &[f64], out: &mut [f64]) {
        differences::by_input(self, at, delta, out);
    }

    /// Adds the derivative of Σ `delta` · value by the parameters, the sum being over the samples too.
    ///
    /// Never called for a layer without parameters.
    fn by_parameters(&self, at: &LayerPoint<'_>, delta: &[f64], out: &mut [f64]) {
        differences::by_parameters(self, at, delta, out);
    }

    /// Writes the derivative of the values along a direction of inputs and parameters.
    fn tangent(&self, at: &LayerPoint<'_>, along: &LayerDirection<'_>, out: &mut [f64]) {
        differences::tangent(self, at, along, out);
    }

    /// Writes the derivative of what [`by_input`](Self::by_input) gives along a direction of inputs and parameters,
    /// `delta` standing still.
    fn by_input_tangent(
        &self,
        at: &LayerPoint<'_>,
        along: &LayerDirection<'_>,
        delta: &[f64],
        out: &mut [f64],
    ) {
        differences::by_input_tangent(self, at, along, delta, out);
    }

    /// Adds the derivative of what [`by_parameters`](Self::by_parameters) gives along a direction of inputs and
    /// parameters, `delta` standing still. Never called for a layer without parameters.
    fn by_parameters_tangent(
        &self,
        at: &LayerPoint<'_>,
        along: &LayerDirection<'_>,
        delta: &[f64],
        out: &mut [f64],
    ) {
        differences::by_parameters_tangent(self, at, along, delta, out);
    }
}

/// Where a [`CustomLayer`] is asked for something: samples and parameters.
///
/// ```
/// use loss_landscape_nets::{CustomLayer, LayerDirection, LayerPoint};
///
/// #[derive(Debug)]
/// struct Square;
///
/// impl CustomLayer for Square {
///     fn fingerprint(&self) -> String {
///         "square 1".to_owned()
///     }
///
///     fn value(&self, at: &LayerPoint<'_>, out: &mut [f64]) {
///         for (out, x) in out.iter_mut().zip(at.x) {
///             *out = x * x;
///         }
///     }
/// }
///
/// // A layer can be tried alone: two samples of one channel of one pixel, by differences.
/// let at = LayerPoint { input: [1, 1, 1], samples: 2, x: &[3.0, -1.0], parameters: &[] };
/// let (mut slopes, mut bend) = ([0.0; 2], [0.0; 2]);
/// Square.by_input(&at, &[1.0, 1.0], &mut slopes);
/// assert!((slopes[0] - 6.0).abs() < 1e-10 && (slopes[1] + 2.0).abs() < 1e-10);
/// let along = LayerDirection { x: &[1.0, 0.5], parameters: &[] };
/// Square.by_input_tangent(&at, &along, &[1.0, 1.0], &mut bend);
/// assert!((bend[0] - 2.0).abs() < 1e-7 && (bend[1] - 1.0).abs() < 1e-7);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LayerPoint<'a> {
    /// Channels, height and width of a sample.
    pub input: [usize; 3],
    /// How many samples there are: at least one.
    pub samples: usize,
    /// The inputs, [samples, channels, height, width].
    pub x: &'a [f64],
    /// The layer's parameters, block after block.
    pub parameters: &'a [f64],
}

/// A direction in which a [`CustomLayer`] is differentiated; [`LayerPoint`] has an example.
#[derive(Clone, Copy, Debug)]
pub struct LayerDirection<'a> {
    /// Of the inputs, as many as there are.
    pub x: &'a [f64],
    /// Of the parameters, as many as there are; 0 at buffers.
    pub parameters: &'a [f64],
}
