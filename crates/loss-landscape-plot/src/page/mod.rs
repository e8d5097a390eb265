//! Landscapes as one HTML file, to turn and zoom in a browser.
//!
//! A [`Page`] holds one or more [`PageLandscape`]s: values over two directions in one or more channels, of one or
//! several draws of the directions, trajectories over them, their minima and saddles, and where they came from.
//! [`Page::to_html`] makes one file of it, which needs neither network nor server: surfaces to turn and zoom beside their
//! contours, side by side with linked views, linear or logarithmic, with the values under the pointer and the provenance
//! of each, and a slider through its draws.
//!
//! Numbers are stored exactly: every `f64` is in the file with all its bits, NaN and infinities included,
//! for 10.7 bytes a value. The page draws in single precision, shows nine significant digits, and marks
//! and counts what is not finite, not positive on a logarithmic scale, or clipped. Nothing is smoothed.
//! The same input gives the same bytes.
//!
//! The viewer is a script of 104 kB over WebGL 2; a browser without it shows contours alone, and says so.
//! Where drawing is slow, as without a graphics processor, pictures are simpler while they move. Everything
//! can be reached by keyboard.
//!
//! # Example
//!
//! ```
//! use loss_landscape_plot::page::{Page, PageLandscape};
//! use ndarray::Array2;
//!
//! let alpha: Vec<f64> = (0..51).map(|k| f64::from(k) / 25.0 - 1.0).collect();
//! let beta: Vec<f64> = (0..31).map(|k| f64::from(k) / 15.0 - 1.0).collect();
//! let loss = Array2::from_shape_fn((51, 31), |(i, j)| 0.02 + alpha[i].powi(2) + 9.0 * beta[j].powi(2));
//! let accuracy = loss.mapv(|loss| (-loss).exp());
//! let html = Page::new("A network")
//!     .landscape(
//!         PageLandscape::new("without skips", &alpha, &beta)
//!             .channel("train loss", loss.view())
//!             .channel("train accuracy", accuracy.view())
//!             .trajectory("SGD", &[-0.9, -0.3, 0.0], &[0.5, 0.1, 0.0])
//!             .provenance([("seed", "42"), ("norm", "filter")]),
//!     )
//!     .to_html()?;
//! # assert!(html.starts_with("<!DOCTYPE html>"));
//! # Ok::<(), loss_landscape_plot::Error>(())
//! ```

mod data;
mod document;
mod encode;
mod from_surface;
mod landscape;

pub use landscape::PageLandscape;

use std::path::Path;

use loss_landscape::files;

use crate::{Error, Result, checks::check_unique};

/// A page of landscapes.
///
/// Landscapes share their controls: one channel is shown of all of them, on one scale unless switched off,
/// they turn together, and go through their [draws](PageLandscape::from_draws) together. One that lacks the channel says
/// so, and the scale is that of all draws.
///
/// Nothing is checked before [`to_html`](Self::to_html).
///
/// # Example
///
/// Two landscapes side by side:
///
/// ```
/// use loss_landscape_plot::page::{Page, PageLandscape};
/// use ndarray::array;
///
/// let mut page = Page::new("Sharp and flat").caption("Both along the same directions.");
/// for (name, curvature) in [("sharp", 9.0), ("flat", 1.0)] {
///     let loss = array![[curvature, 1.0], [0.5, f64::NAN]];
///     page = page.landscape(PageLandscape::new(name, &[0.0, 1.0], &[0.0, 1.0]).channel("loss", loss.view()));
/// }
/// let html = page.to_html()?;
/// # assert!(html.contains("sharp"));
/// # Ok::<(), loss_landscape_plot::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Page {
    title: String,
    caption: String,
    landscapes: Vec<PageLandscape>,
}

impl Page {
    /// A page with this title and nothing on it yet.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), caption: String::new(), landscapes: Vec::new() }
    }

    /// A sentence or two below the title. Plain text.
    pub fn caption(mut self, caption: impl Into<String>) -> Self {
        self.caption = caption.into();
        self
    }

    /// Adds a landscape to the right of those there are.
    pub fn landscape(mut self, landscape: PageLandscape) -> Self {
        self.landscapes.push(landscape);
        self
    }

    /// The page as an HTML document: about 114 kB and 10.7 bytes a value, in memory as in the file. The page
    /// itself holds 8 bytes a value.
    ///
    /// # Errors
    /// [`Error::Empty`] without landscapes, or for a landscape without channels; [`Error::DuplicateName`] for two
    /// landscapes, two channels or trajectories of one landscape of the same name, or two shapes of one channel and
    /// draw; [`Error::TooFewPoints`], [`Error::NotFinite`] or [`Error::NotIncreasing`] for an axis, the first two for a
    /// trajectory too;
    /// [`Error::Length`] if the shape of a channel or topology is not that of the axes, the coordinates of a trajectory
    /// differ in number, or there are topologies of more draws than there are; [`Error::Core`] for a topology of a
    /// channel that is not there.
    pub fn to_html(&self) -> Result<String> {
        if self.landscapes.is_empty() {
            return Err(Error::Empty { what: "landscapes" });
        }
        check_unique("landscapes", self.landscapes.iter().map(PageLandscape::name))?;
        for landscape in &self.landscapes {
            landscape.check()?;
        }
        Ok(document::write(&self.title, &self.caption, &self.landscapes))
    }

    /// Writes the page to a file, whatever its name. A file that is there is replaced as a whole; see
    /// [`loss_landscape::files::write`], which also says what happens to links, pipes and devices.
    ///
    /// # Errors
    /// Those of [`to_html`](Self::to_html); [`Error::File`] if the file cannot be written, [`Error::Core`] if what is
    /// there is no file or its folder refuses.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        files::write(path, self.to_html()?).map_err(Error::writing)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    fn landscape(name: &str) -> PageLandscape {
        PageLandscape::new(name, &[0.0, 1.0], &[0.0, 1.0, 2.0]).channel("loss", Array2::ones((2, 3)).view())
    }

    fn refused(landscape: PageLandscape) -> Error {
        Page::new("").landscape(landscape).to_html().unwrap_err()
    }

    #[test]
    fn pages_without_anything_to_show_are_refused() {
        assert!(matches!(Page::new("t").to_html(), Err(Error::Empty { what: "landscapes" })));
        let bare = PageLandscape::new("bare", &[0.0, 1.0], &[0.0, 1.0]);
        assert!(matches!(refused(bare), Error::Empty { what: "channels" }));
    }

    #[test]
    fn names_that_occur_twice_are_refused() {
        let error = Page::new("").landscape(landscape("a")).landscape(landscape("a")).to_html().unwrap_err();
        assert_eq!(error.to_string(), "two landscapes are named `a`");
        let error = refused(landscape("a").channel("loss", Array2::ones((2, 3)).view()));
        assert_eq!(error.to_string(), "two channels are named `loss`");
        let error =
            refused(landscape("a").trajectory("SGD", &[0.0], &[0.0]).trajectory("SGD", &[0.0], &[0.0]));
        assert_eq!(error.to_string(), "two trajectories are named `SGD`");
    }

    #[test]
    fn arrays_that_do_not_fit_are_refused() {
        let error = refused(landscape("a").channel("swapped", Array2::ones((3, 2)).view()));
        assert_eq!(
            error.to_string(),
            "first dimension of channel `swapped` of `a` has 3 elements, expected 2"
        );
        let error = refused(landscape("a").channel("long", Array2::ones((2, 4)).view()));
        assert!(matches!(error, Error::Length { len: 4, expected: 3, .. }), "{error}");
        let error = refused(landscape("a").trajectory("SGD", &[0.0, 1.0], &[0.0]));
        assert!(matches!(error, Error::Length { len: 1, expected: 2, .. }), "{error}");
    }

    #[test]
    fn coordinates_that_make_no_axis_are_refused() {
        let with = |x: &[f64]| {
            PageLandscape::new("a", x, &[0.0, 1.0]).channel("loss", Array2::zeros((x.len(), 2)).view())
        };
        assert!(matches!(refused(with(&[0.0])), Error::TooFewPoints { len: 1, .. }));
        assert!(matches!(refused(with(&[])), Error::TooFewPoints { len: 0, .. }));
        assert!(matches!(refused(with(&[0.0, f64::NAN])), Error::NotFinite { index: 1, .. }));
        assert!(matches!(refused(with(&[0.0, 0.0])), Error::NotIncreasing { index: 1, .. }));
        let error = refused(landscape("a").trajectory("SGD", &[0.0], &[f64::INFINITY]));
        assert_eq!(error.to_string(), "coordinate 0 of trajectory `SGD` of `a` is not finite: inf");
        assert!(matches!(
            refused(landscape("a").trajectory("SGD", &[], &[])),
            Error::TooFewPoints { len: 0, .. }
        ));
    }
}
