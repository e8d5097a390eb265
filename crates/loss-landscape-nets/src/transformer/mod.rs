//! Decoder-only transformers with GPT-2's shapes and names, computed with matrix products.
//!
//! Every matrix is [units, columns], a column for each token of a chunk of sequences, so that the loops of the perceptron
//! and of normalisations serve here too. From the shape to what is asked of it: [`gpt`](Gpt) knows the layout, `pass` the
//! memory and the forward pass, `backward` and `tangent` the derivatives; `attention`, `linear` and `layer_norm` are the
//! layers with all of theirs.

mod attention;
mod backward;
mod evaluation;
mod gpt;
mod hessian;
mod layer_norm;
mod linear;
mod network;
mod pass;
mod plane;
mod tangent;

pub use gpt::Gpt;
pub use network::Transformer;

pub(crate) use evaluation::{gradient, measure, sample_losses, sample_worker};
pub(crate) use hessian::TransformerHessian;
pub(crate) use plane::prepare;
