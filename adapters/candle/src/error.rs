//! What can be wrong with variables and closures.

use candle_core::{DType, DeviceLocation};

/// The error of this crate. Whatever is wrong with a closure at one point of a sweep is recorded there, with this text.
///
/// ```
/// use candle_core::{DType, Device, Var};
/// use loss_landscape_candle::{Error, NamedVars};
///
/// let half = Var::zeros(3, DType::F16, &Device::Cpu)?;
/// let error = NamedVars::of(vec![("fc.bias", half)]).unwrap_err();
/// assert!(matches!(error, Error::Type { .. }));
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A map or list without variables.
    #[error("there are no variables: is the network built from this VarMap, and before this call?")]
    NoVars,
    /// Names for which the rule gives no role, with their shapes.
    #[error("no role is known for {}; {}", listed(.tensors), how_to_say(.tensors))]
    NoRole {
        /// All of them.
        tensors: Vec<(String, Vec<usize>)>,
    },
    /// Two names for one variable, which would move it twice.
    #[error("`{first}` and `{second}` are one variable: list it once")]
    Twice {
        /// The name that comes first.
        first: String,
        /// The other.
        second: String,
    },
    /// Variables of several types.
    #[error(
        "`{first}` is {first_type:?} and `{second}` is {second_type:?}: θ is one vector, and needs one type; build \
         the network with one DType"
    )]
    MixedTypes {
        /// A variable.
        first: String,
        /// Its type.
        first_type: DType,
        /// The first variable of another type.
        second: String,
        /// Its type.
        second_type: DType,
    },
    /// Variables of a type that is neither `f32` nor `f64`, or not the one of the model.
    #[error("`{name}` is {found:?}, and not {expected}")]
    Type {
        /// The first variable.
        name: String,
        /// Its type.
        found: DType,
        /// What it could be.
        expected: &'static str,
    },
    /// Variables on several devices.
    #[error("`{first}` is on {first_device:?} and `{second}` on {second_device:?}: move all to one device")]
    MixedDevices {
        /// A variable.
        first: String,
        /// Where it is.
        first_device: DeviceLocation,
        /// The first variable elsewhere.
        second: String,
        /// Where that is.
        second_device: DeviceLocation,
    },
    /// A variable that candle cannot set, since its values are not stored one after another.
    #[error("the variable `{name}` is not contiguous, and candle sets only those that are")]
    NotContiguous {
        /// Its name.
        name: String,
    },
    /// A closure that returned a tensor of several values where one is measured.
    #[error(
        "the closure returned a tensor of shape {shape:?} as `{channel}`, which must be one number: take its mean"
    )]
    NotOneNumber {
        /// What it was for.
        channel: String,
        /// What came.
        shape: Vec<usize>,
    },
    /// A closure that returned more or fewer figures than there are channels.
    #[error(
        "the closure returned {found} tensors for the channels {channels:?}: name the ones behind the loss with \
         `further_channels`"
    )]
    Figures {
        /// The names.
        channels: Vec<String>,
        /// How many there were.
        found: usize,
    },
    /// A loss that no variable has an influence on.
    #[error(
        "no gradient reaches any of the {vars} variables: is the network that the closure calls built from them, and \
         is nothing detached on the way to the loss?"
    )]
    NoGradient {
        /// How many there are.
        vars: usize,
    },
    /// Variables that are at another θ at this moment, on another thread.
    #[error(
        "the variable `{name}` is being evaluated elsewhere at this moment: a model for each thread needs variables of \
         its own, so build a VarMap and a network inside the factory"
    )]
    InUse {
        /// The first of them.
        name: String,
    },
    /// Second derivatives that candle was not started for.
    #[error(
        "candle keeps what second derivatives need only if CANDLE_GRAD_DO_NOT_DETACH=1 is in the environment when the \
         program starts; without it, products are differences of gradients"
    )]
    NoSecondDerivatives,
    /// What candle says.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// What the core says, such as of a θ that is not finite.
    #[error(transparent)]
    Core(#[from] loss_landscape::Error),
}

/// A result with this crate's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The most names that a message lists.
const MOST: usize = 20;

fn listed(tensors: &[(String, Vec<usize>)]) -> String {
    let mut names: Vec<String> =
        tensors.iter().take(MOST).map(|(name, shape)| format!("`{name}` of shape {shape:?}")).collect();
    if tensors.len() > MOST {
        names.push(format!("{} more", tensors.len() - MOST));
    }
    names.join(", ")
}

fn how_to_say(tensors: &[(String, Vec<usize>)]) -> String {
    let (name, rank) = tensors.first().map_or(("…", 0), |(name, shape)| (name.as_str(), shape.len()));
    let role = if rank > 1 { "Role::Weight, Some(0)" } else { "Role::Bias, None" };
    format!(
        "say them with NamedVars::with_rule(&vars, |tensor| match tensor.name() {{ \"{name}\" => Some(({role})), _ \
         => candle_roles(tensor) }})"
    )
}
