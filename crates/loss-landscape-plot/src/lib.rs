//! Figures and pages of loss landscapes, from the results of the crate [`loss_landscape`] or from plain arrays.
//!
//! Contours, shaded surfaces, heat maps, curves, eigenvalue ratios, spectra, paths of trainings and merge trees are
//! written as SVG, with the features `png` and `pdf` as PNG and PDF, and with the feature `html` as one page to turn
//! and zoom in a browser.
//!
//! ```
//! use loss_landscape::{FnModel, Layout, RandomDirections, grid_2d};
//! use loss_landscape_plot::{ContourFigure, Figure};
//!
//! let model = FnModel::new(Layout::flat(2)?, vec![2.0, 1.0], |t: &[f64], _: &()| t[0] * t[0] + t[1] * t[1])?;
//! let surface = grid_2d(&model, &(), RandomDirections::new(42).pair(&model)?)?;
//! let figure = ContourFigure::from_surface(&surface, "loss")?.title("A bowl");
//! # std::env::set_current_dir(std::env::temp_dir()).unwrap();
//! figure.save("bowl.svg")?;
//! # std::fs::remove_file("bowl.svg").unwrap();
//! # Ok::<(), loss_landscape_plot::Error>(())
//! ```
//!
//! # What there is
//!
//! - [`ContourFigure`]: a loss over two directions, as filled bands between numbered lines with a colour bar;
//! - [`SurfaceFigure`]: the same as a shaded surface, its height linear or logarithmic;
//! - [`HeatFigure`]: any values over two directions, a coloured cell for each point;
//! - [`RatioFigure`]: the ratio of the extreme eigenvalues of the Hessian over two directions, with the regions marked
//!   where the loss is locally convex or has no positive curvature;
//! - [`CurveFigure`]: [`Series`] over one direction, such as loss and accuracy, on one or two axes;
//! - [`DensityFigure`]: spectral densities on a logarithmic axis, with bands of uncertainty;
//! - [`FanFigure`]: the loss along a line over many draws of random directions, as median and bands;
//! - [`HistogramFigure`]: values of several samples, such as the weights of two networks, over the same bins;
//! - [`MeasureFigure`]: one number of several networks, each with its draws and the interval of the mean;
//! - [`MatrixFigure`]: a number for each pair, such as barriers between minimisers, as coloured cells;
//! - [`MergeTreeFigure`]: minima of a surface, the most persistent of hundreds, as branches that end at their saddles;
//! - [`PersistenceFigure`]: where minima and hills begin and end, and which persist;
//! - [`TrajectoryFigure`]: the path of a training over its principal plane, and beside it what that plane does not
//!   show: distances from it, and the loss on the path beside the loss on the plane;
//! - [`Panels`]: several of these in one document, on one scale with one colour bar if asked.
//!
//! Each is made straight from a result: [`ContourFigure::from_surface`], [`SurfaceFigure::from_surface`],
//! [`HeatFigure::from_surface`], [`RatioFigure::from_map`], [`CurveFigure::from_curve`],
//! [`DensityFigure::from_estimate`], [`FanFigure::from_draws`], [`Panels::from_draws`],
//! [`MatrixFigure::from_barriers`], [`MergeTreeFigure::from_report`], [`TrajectoryFigure::from_report`], or [`From`]
//! where there is nothing to choose; or with `new` from slices and arrays, which need not come from the core:
//! `values[[i, j]]` always belongs to (`x[i]`, `y[j]`).
//!
//! Every figure is a [`Figure`]: `to_svg`, `to_png` and `to_pdf` give text and bytes, `save` writes a file in the
//! format that its ending names, replaced as a whole. [`ContourFigure::difference`] and [`HeatFigure::difference`]
//! compare two surfaces, with colours that diverge from zero; contours, heat maps and ratio maps draw markers,
//! trajectories, and minima and saddles ([`CriticalPoints`]) over the plane, shaded surfaces minima and saddles.
//!
//! A page holds landscapes with several channels each, to turn, zoom and read values from; its module is `page`.
//!
//! # What figures promise
//!
//! - Data are shown as they are: nothing is smoothed or clipped in silence. What a figure cannot show (values that are
//!   not finite, not positive on a logarithmic scale, or outside a range that was set) is hatched, striped or left out,
//!   and counted in the caption.
//! - The same figure gives the same bytes.
//! - An SVG document uses nothing that converters for SVG 1.1 do not know, so that it goes through cairosvg, Inkscape
//!   or rsvg-convert into LaTeX. Text stays text, in the viewer's sans-serif font. Sizes are in CSS pixels.
//! - Files stay small: of a grid of 1,001 × 1,001 smooth values less than 5 MB, however it is drawn.
//! - Nothing is checked before a figure is drawn; then [`Error`] says what was wrong, with its values. The library
//!   prints nothing and does not panic on a caller's input.
//!
//! # Features
//!
//! None is on by default; each adds, none changes what is there.
//!
//! - `png`: `Figure::to_png`, and files that end in `.png`. No font need be installed: a part of DejaVu Sans is built
//!   in (Latin, Greek, Cyrillic, arrows, mathematical signs, subscripts and superscripts); a character that it lacks is
//!   an empty box. Adds `resvg`, 45 crates in all.
//! - `pdf`: `Figure::to_pdf`, and files that end in `.pdf`: one page of vectors, its text set in the same font, of
//!   which the letters that occur are embedded. Adds `krilla`, 90 crates in all, those of `png` among them.
//! - `html`: the module `page`. Adds no crates.
//!
//! # What it does not do
//!
//! - It computes no landscapes: that is the core's work.
//! - It does not show a window, and reads no files.
//! - It is not a plotting library: figures have the parts that papers on loss landscapes need, in one style. For others
//!   write the result as npz, CSV or for ParaView.
#![cfg_attr(docsrs, feature(doc_cfg))]
// Of the library alone: tests may unwrap.
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::todo,
        clippy::print_stdout,
        clippy::print_stderr
    )
)]

mod axis;
mod caption;
mod checks;
mod colors;
mod contour;
mod curves;
mod density;
mod error;
#[cfg(any(feature = "png", feature = "pdf"))]
mod export;
mod fan;
mod figure;
mod geometry;
mod heat;
mod histogram;
mod layout;
mod matrix;
mod measures;
mod merge_tree;
#[cfg(feature = "html")]
#[cfg_attr(docsrs, doc(cfg(feature = "html")))]
pub mod page;
mod panels;
mod persistence;
mod plane;
mod ratio;
mod results;
mod surface;
mod svg;
#[cfg(test)]
mod testing;
mod trajectory;

pub use axis::scale::Scale;
pub use colors::ColorMap;
pub use contour::ContourFigure;
pub use curves::{CurveFigure, Series};
pub use density::DensityFigure;
pub use error::{Error, Result};
pub use fan::FanFigure;
pub use figure::Figure;
pub use heat::HeatFigure;
pub use histogram::HistogramFigure;
pub use matrix::MatrixFigure;
pub use measures::MeasureFigure;
pub use merge_tree::{Branch, MergeTreeFigure};
pub use panels::Panels;
pub use persistence::PersistenceFigure;
pub use plane::critical_points::CriticalPoints;
pub use ratio::RatioFigure;
pub use surface::SurfaceFigure;
pub use trajectory::TrajectoryFigure;

/// The example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
