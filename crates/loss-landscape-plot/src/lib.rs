//! Publication-quality figures of loss landscapes, as SVG and PNG.
//!
//! - [`ContourFigure`]: a loss over two directions, as filled contours with numbers on the lines
//!   and a colour bar, and the way of a training over them;
//! - [`SurfaceFigure`]: the same as a shaded surface, its height linear or logarithmic;
//! - [`HeatFigure`]: any values over two directions, a coloured cell for each point;
//! - [`RatioFigure`]: the ratio of the extreme eigenvalues of the Hessian over two directions, with
//!   the regions marked where the loss is locally convex or has no positive curvature;
//! - [`CurveFigure`]: loss and accuracy over one direction, on two axes;
//! - [`DensityFigure`]: spectral densities, on a logarithmic axis, with bands of uncertainty;
//! - [`Panels`]: several of these in one document, on one scale if wanted.
//!
//! [`ContourFigure::difference`] and [`HeatFigure::difference`] compare two surfaces, with colours that
//! diverge from zero.
//!
//! Figures are drawn from plain slices and arrays, show data as it is (no smoothing), and say in a
//! caption what they cannot show: values that are not finite, not positive on a logarithmic scale,
//! or outside an explicit range. The same input gives the same bytes. In an SVG text stays text, in the
//! viewer's sans-serif font; sizes are in CSS pixels.
//!
//! With the feature `png` each figure also has `to_png(pixels_per_unit)`. No font need be installed: a
//! part of DejaVu Sans is built in (Latin, Greek, Cyrillic, arrows, mathematical signs, subscripts and
//! superscripts); a character that it lacks is an empty box.
//!
//! # Example
//!
//! ```
//! use loss_landscape_plot::{ContourFigure, Curve, CurveFigure, Panels};
//! use ndarray::Array2;
//!
//! let alpha: Vec<f64> = (0..21).map(|k| f64::from(k) / 10.0 - 1.0).collect();
//! let along: Vec<f64> = alpha.iter().map(|a| 0.1 + a * a).collect();
//! let over = Array2::from_shape_fn((21, 21), |(i, j)| 0.1 + alpha[i].powi(2) + alpha[j].powi(2));
//! let svg = Panels::new()
//!     .panel(CurveFigure::new().curve(Curve::new("train loss", &alpha, &along)).x_label("α"))
//!     .panel(ContourFigure::new(&alpha, &alpha, over.view()).x_label("α").y_label("β"))
//!     .title("around the minimiser")
//!     .to_svg()?;
//! // std::fs::write("landscape.svg", svg)?;
//! # assert!(svg.ends_with("</svg>\n"));
//! # Ok::<(), loss_landscape::Error>(())
//! ```

mod areas;
mod axes;
mod bands;
mod box_axes;
mod canvas;
mod caption;
mod color;
mod colorbar;
mod contour;
mod contour_draw;
mod curve;
mod curves;
mod curves_draw;
mod density;
mod error;
mod field;
mod heat;
mod heat_draw;
mod isolines;
mod labels;
mod legend;
mod markers;
mod mesh;
mod numbers;
mod overlay;
#[cfg(feature = "html")]
pub mod page;
mod panels;
mod patterns;
mod png;
mod polyline;
#[cfg(test)]
mod probe;
mod ratio;
mod ratio_draw;
mod scale;
mod shades;
mod sheet;
mod surface;
mod surface_draw;
mod svg;
mod text;
mod ticks;
mod trajectory;
mod view;

pub use color::ColorMap;
pub use contour::ContourFigure;
pub use curve::Curve;
pub use curves::CurveFigure;
pub use density::DensityFigure;
pub use error::{Error, Result};
pub use heat::HeatFigure;
pub use panels::{Panel, Panels};
pub use ratio::RatioFigure;
pub use scale::Scale;
pub use surface::SurfaceFigure;
