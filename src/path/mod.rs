//! Paths between minimisers: barriers of straight lines, and curves that are trained to go around them.
//!
//! A loss that rises between two minimisers seems to say that they lie in different valleys. The [`Barrier`] measures
//! the rise along any curve, and a [`BarrierMatrix`] that between each pair of several minimisers. Often a bent path of
//! low loss joins the two all the same (Garipov et al. 2018[^1], Draxler et al. 2018[^2]): [`PathTraining`] finds a
//! [`BentPath`], a Bezier curve or a polygonal chain, with gradients of your model, and [`Sweep::along`](crate::Sweep::along)
//! evaluates whatever the model measures along it.
//!
//! ```
//! use loss_landscape::{FnModel, Gradient, Layout, Loss, Model, OracleError, Sweep, path::{Barrier, BentPath, PathTraining}};
//!
//! /// A valley along the unit circle: (x² + y² − 1)².
//! struct Ring(Layout, Vec<f64>);
//!
//! impl Model for Ring {
//!     type Scalar = f64;
//!     fn layout(&self) -> &Layout {
//!         &self.0
//!     }
//!     fn parameters(&self) -> &[f64] {
//!         &self.1
//!     }
//! }
//!
//! impl Loss<()> for Ring {
//!     fn loss(&self, t: &[f64], _: &()) -> Result<f64, OracleError> {
//!         Ok((t[0] * t[0] + t[1] * t[1] - 1.0).powi(2))
//!     }
//! }
//!
//! impl Gradient<()> for Ring {
//!     fn gradient(&self, t: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
//!         let off = t[0] * t[0] + t[1] * t[1] - 1.0;
//!         out.copy_from_slice(&[4.0 * off * t[0], 4.0 * off * t[1]]);
//!         self.loss(t, data)
//!     }
//! }
//!
//! let (a, b) = ([1.0, 0.0], [0.0, 1.0]);
//! let ring = Ring(Layout::flat(2)?, a.to_vec());
//! let line = Sweep::segment(&ring, &a, &b).data("", &()).alpha(0.0..=1.0, 101).run()?;
//! assert_eq!(Barrier::rise(&line, "loss")?.height, 0.25); // half-way, at (½, ½)
//!
//! let start = BentPath::bezier(ring.layout(), &a, &b, 1)?;
//! let trained = PathTraining::new(0.1).steps(400).seed(1).run(&ring, &(), &start)?;
//! let curve = Sweep::along(&ring, &trained.path).data("", &()).run()?;
//! assert!(Barrier::rise(&curve, "loss")?.height < 0.01);
//! # Ok::<(), loss_landscape::Error>(())
//! ```
//!
//! [^1]: T. Garipov, P. Izmailov, D. Podoprikhin, D. Vetrov, A. G. Wilson, *Loss surfaces, mode connectivity, and fast
//!     ensembling of DNNs*, NeurIPS 2018, <https://arxiv.org/abs/1802.10026>.
//! [^2]: F. Draxler, K. Veschgini, M. Salmhofer, F. A. Hamprecht, *Essentially no barriers in neural network energy
//!     landscape*, ICML 2018, <https://arxiv.org/abs/1803.00885>.

mod along;
mod barrier;
mod bent_path;
mod matrix;
mod report;
mod step_rule;
mod training;

pub use crate::slice::PathShape;
pub use along::Along;
pub use barrier::Barrier;
pub use bent_path::{BentPath, PathPlane};
pub use matrix::{BarrierMatrix, Barriers, barrier_matrix};
pub use report::{PathStep, PathTrainingEnd, PathTrainingReport};
pub use step_rule::StepRule;
pub use training::{PathTraining, TrainedPath};
