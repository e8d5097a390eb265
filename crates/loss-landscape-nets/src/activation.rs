//! The function between the layers of a network.

use loss_landscape_kernels::Nonlinearity;

use crate::fingerprint::Fingerprint;

/// The activation between layers; the last layer has none.
///
/// ```
/// use loss_landscape_nets::{Activation, Criterion, Mlp};
///
/// let net = Mlp::<f32>::new(&[64, 16, 10], Activation::Tanh, Criterion::CrossEntropy, 0)?;
/// assert_eq!(net.activation(), Activation::Tanh);
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Activation {
    /// max(0, z); its derivative at 0 is taken as 0.
    Relu,
    /// tanh z.
    Tanh,
}

impl Activation {
    /// As the kernels know it.
    pub(crate) fn kernel(self) -> Nonlinearity {
        match self {
            Self::Relu => Nonlinearity::Relu,
            Self::Tanh => Nonlinearity::Tanh,
        }
    }

    pub(crate) fn write_fingerprint(self, out: &mut Fingerprint) {
        out.number(match self {
            Self::Relu => 0,
            Self::Tanh => 1,
        });
    }
}
