#![doc = include_str!("../README.md")]

mod at;
mod error;
mod exact;
mod figures;
mod fingerprint;
mod model;
mod parts;
mod rebuilt;
mod scalar;
mod vars;

pub use error::{Error, Result};
pub use exact::ExactProducts;
pub use figures::Figures;
pub use fingerprint::tensor_fingerprint;
pub use model::CandleModel;
pub use rebuilt::RebuiltModel;
pub use scalar::CandleScalar;
pub use vars::{IntoNamedList, IntoNamedVars, NamedVars, candle_roles};
