//! The scalars of networks.

use super::compiled::Compiled;
use crate::real::Real;

/// The scalars that networks compute in: [`f32`] and [`f64`].
///
/// `f32` has exponentials of its own that vectorise, right to 3 units in the last place; `f64`
/// takes the platform's. The trait is sealed. Functions over both are generic over it:
///
/// ```
/// use loss_landscape_nets::{Activation, Criterion, Mlp, NetScalar, digits};
/// use loss_landscape::{Loss, Model};
///
/// fn loss_at_the_start<S: NetScalar>() -> Result<f64, loss_landscape::OracleError> {
///     let (train, _) = digits::<S>()?;
///     let net = Mlp::<S>::new(&[64, 10], Activation::Relu, Criterion::CrossEntropy, 0)?;
///     net.loss(net.parameters(), &train)
/// }
///
/// assert!((loss_at_the_start::<f32>()? - loss_at_the_start::<f64>()?).abs() < 1e-6);
/// # Ok::<(), loss_landscape::OracleError>(())
/// ```
pub trait NetScalar: Real {
    /// The functions of this crate for the scalar.
    #[doc(hidden)]
    fn compiled() -> &'static Compiled<Self>;
}

impl NetScalar for f32 {
    fn compiled() -> &'static Compiled<Self> {
        static COMPILED: Compiled<f32> = Compiled::new();
        &COMPILED
    }
}

impl NetScalar for f64 {
    fn compiled() -> &'static Compiled<Self> {
        static COMPILED: Compiled<f64> = Compiled::new();
        &COMPILED
    }
}
