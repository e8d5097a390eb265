//! Filled, labelled contours of a loss over two directions.

use ndarray::ArrayView2;

use super::bands::Bands;
use super::contour_draw;
use super::field::{Field, field_builders};
use super::png::png_output;
use super::sheet::{overlay_builders, sheet_builders};
use super::svg::Fragment;
use crate::Error;

/// A contour figure of a loss over two directions: filled bands, labelled isolines, colour bar.
///
/// Nothing is smoothed: isolines are linear interpolations between neighbouring grid points, on
/// the scale that is drawn (of the logarithm where colours are logarithmic). Lines are stored to
/// about 0.03 px; only for data as rough as noise on a fine grid are details below a pixel
/// dropped, to bound the file. Cells with a corner that is not finite are hatched in grey, and
/// the points are counted below the figure, as are values outside an explicit colour range.
///
/// Nothing is checked before [`to_svg`](Self::to_svg).
///
/// # Example
///
/// ```
/// use loss_landscape_plot::ContourFigure;
/// use ndarray::Array2;
///
/// let x: Vec<f64> = (0..31).map(|k| f64::from(k) / 15.0 - 1.0).collect();
/// let y: Vec<f64> = (0..21).map(|k| f64::from(k) / 10.0 - 1.0).collect();
/// let loss = Array2::from_shape_fn((31, 21), |(i, j)| 0.02 + x[i].powi(2) + 9.0 * y[j].powi(2));
/// let svg = ContourFigure::new(&x, &y, loss.view())
///     .title("ResNet-56")
///     .x_label("α")
///     .y_label("β")
///     .value_label("training loss")
///     .marker(0.0, 0.0, "θ*")
///     .to_svg()?;
/// assert!(svg.starts_with("<svg"));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct ContourFigure {
    pub(super) field: Field,
}

impl ContourFigure {
    /// A figure of `values`, where `values[[i, j]]` belongs to (`x[i]`, `y[j]`): the first index
    /// runs along the horizontal axis. `x` and `y` must increase strictly, at any spacing.
    #[must_use]
    #[allow(clippy::needless_pass_by_value, reason = "views are passed by value throughout ndarray")]
    pub fn new(x: &[f64], y: &[f64], values: ArrayView2<'_, f64>) -> Self {
        Self { field: Field::new(x, y, &values) }
    }

    field_builders!(difference);
    sheet_builders!(field.sheet);
    overlay_builders!(field.sheet);
    field_builders!(colors);

    /// Values at which to draw isolines, in any order, instead of about ten round numbers. Must be
    /// finite, and positive on a logarithmic scale. An empty list draws none.
    #[must_use]
    pub fn levels(mut self, levels: impl Into<Vec<f64>>) -> Self {
        self.field.bands.levels = Some(levels.into());
        self
    }

    /// The figure as an SVG document, about 420 by 360 px.
    ///
    /// # Errors
    ///
    /// - [`Error::TooFewPoints`], [`Error::NotFinite`] or [`Error::AxisOrder`] if an
    ///   axis has fewer than two points, one that is not finite, or one not above the last;
    /// - [`Error::Length`] if the shape of the values is not that of the axes;
    /// - [`Error::NoFiniteValue`] if no value is finite, [`Error::NoPositiveValue`] if none
    ///   is positive on a logarithmic scale;
    /// - [`Error::Level`] or [`Error::Range`] for a level or colour range that is not
    ///   finite, not positive on a logarithmic scale, or (the range) empty;
    /// - [`Error::NotFinite`] for a marker whose position is not finite; [`Error::Length`] or
    ///   [`Error::PointIndex`] for a trajectory of unequal lengths, or a label that has no point.
    pub fn to_svg(&self) -> Result<String, Error> {
        Ok(self.draw(None)?.into_document())
    }

    png_output!();

    /// Draws with the figure's own scale, or one shared with other figures.
    pub(super) fn draw(&self, shared: Option<&Bands>) -> Result<Fragment, Error> {
        self.field.check()?;
        Ok(contour_draw::draw(&self.field, &self.field.resolve(shared)?))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::super::Scale;
    use super::super::probe::{axis, texts};
    use super::*;

    fn figure(nx: usize, ny: usize, f: impl Fn(f64, f64) -> f64) -> ContourFigure {
        let (x, y) = (axis(-1.0, 1.0, nx), axis(-1.0, 1.0, ny));
        let values = Array2::from_shape_fn((nx, ny), |(i, j)| f(x[i], y[j]));
        ContourFigure::new(&x, &y, values.view())
    }

    #[test]
    fn points_not_drawn_are_counted_and_masked() {
        let mut figure = figure(51, 51, |x, y| 0.1 + x * x + y * y);
        let plain = figure.to_svg().unwrap();
        assert!(!plain.contains("fill=\"url(#") && !plain.contains("not finite"));
        figure.field.values[[3, 4]] = f64::NAN;
        figure.field.values[[40, 5]] = f64::INFINITY;
        figure.field.values[[41, 5]] = f64::NEG_INFINITY;
        let svg = figure.color_range(0.2, 5.0).marker(7.0, 0.0, "far").to_svg().unwrap();
        assert_eq!(svg.matches("fill=\"url(#").count(), 1);
        let caption = texts(&svg).join(" | ");
        assert!(caption.contains("3 of 2601 points not finite"), "{caption}");
        let outside = axis(-1.0, 1.0, 51);
        let outside = outside
            .iter()
            .flat_map(|x| outside.iter().map(move |y| 0.1 + x * x + y * y))
            .filter(|&v| v < 0.2)
            .count();
        assert!(caption.contains(&format!("{outside} of 2601 points outside the colour range")));
        assert!(caption.contains("1 of 1 markers outside the axes"), "{caption}");
    }

    #[test]
    fn text_of_the_caller_is_escaped() {
        let nasty = "<a & \"b\"> \u{7}]]>";
        let svg = figure(3, 4, |x, y| x + y)
            .title(nasty)
            .x_label(nasty)
            .y_label(nasty)
            .value_label(nasty)
            .marker(0.0, 0.0, nasty)
            .to_svg()
            .unwrap();
        let shown = "<a & \"b\"> \u{fffd}]]>";
        assert_eq!(texts(&svg).iter().filter(|t| *t == shown).count(), 5);
    }

    #[test]
    fn output_is_deterministic_and_small() {
        let draw = || {
            figure(51, 51, |x, y| 0.02 + 30.0 * (x + 0.5 * y).powi(2) + 150.0 * (y - 0.4 * x).powi(2))
                .to_svg()
                .unwrap()
        };
        let svg = draw();
        assert_eq!(svg, draw());
        assert!(svg.len() < 150_000, "{}", svg.len());
        let labels = texts(&svg);
        assert!(labels.iter().filter(|t| *t == "10").count() >= 2, "{labels:?}");
    }

    #[test]
    fn fine_grids_stay_bounded() {
        let smooth = figure(501, 501, |x, y| 1.0 + x * x + (3.0 * y).sin());
        assert!(smooth.to_svg().unwrap().len() < 300_000);
        let noise = figure(201, 201, |x, y| ((x * 4321.7).sin() * (y * 1234.5).cos() * 1e4).fract());
        assert!(noise.to_svg().unwrap().len() < 5_000_000);
    }

    #[test]
    fn hostile_values_are_drawn_or_refused_without_panic() {
        let fields: [&dyn Fn(f64, f64) -> f64; 9] = [
            &|_, _| 2.0,
            &|_, _| 0.0,
            &|x, _| 10f64.powf(300.0 * x),
            &|x, y| x * y * f64::MAX,
            &|x, _| if x > 0.0 { f64::MAX } else { f64::MIN },
            &|x, _| if x > 0.0 { 5e-324 } else { 0.0 },
            &|x, _| 1.0 + f64::EPSILON * x.round(),
            &|x, y| {
                if x > y { f64::INFINITY } else { f64::NEG_INFINITY }
            },
            &|x, y| {
                if (x, y) == (-1.0, -1.0) { 1.0 } else { f64::NAN }
            },
        ];
        for (k, f) in fields.iter().enumerate() {
            for scale in [Scale::Auto, Scale::Linear, Scale::Log] {
                for (nx, ny) in [(2, 2), (5, 4)] {
                    match figure(nx, ny, f).scale(scale).to_svg() {
                        Ok(svg) => {
                            roxmltree::Document::parse(&svg).unwrap();
                            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{k}");
                        }
                        Err(Error::NoFiniteValue { .. } | Error::NoPositiveValue { .. }) => {}
                        Err(other) => panic!("{k}: {other}"),
                    }
                }
            }
        }
    }

    #[test]
    fn hostile_axes_are_drawn_without_panic() {
        let values = ndarray::array![[0.0, 1.0], [2.0, 3.0]];
        for x in [[f64::MIN, f64::MAX], [0.0, 5e-324], [1.0, 1.0 + f64::EPSILON], [1e300, 2e300]] {
            let svg = ContourFigure::new(&x, &x, values.view()).marker(x[0], x[1], "m").to_svg();
            roxmltree::Document::parse(&svg.unwrap()).unwrap();
        }
    }

    #[test]
    fn wrong_shapes_are_refused() {
        let empty = Array2::zeros((0, 0));
        assert!(matches!(
            ContourFigure::new(&[], &[], empty.view()).to_svg(),
            Err(Error::TooFewPoints { len: 0, .. })
        ));
        let one = Array2::zeros((1, 1));
        assert!(matches!(
            ContourFigure::new(&[0.0], &[0.0], one.view()).to_svg(),
            Err(Error::TooFewPoints { len: 1, .. })
        ));
        let swapped = Array2::zeros((2, 3));
        let error = ContourFigure::new(&[0.0, 1.0, 2.0], &[0.0, 1.0], swapped.view()).to_svg().unwrap_err();
        assert!(matches!(error, Error::Length { len: 2, expected: 3, .. }), "{error}");
        assert!(matches!(
            figure(3, 3, |x, _| x).marker(f64::NAN, 0.0, "m").to_svg(),
            Err(Error::NotFinite { .. })
        ));
    }

    #[test]
    fn differences_have_the_colour_of_zero_where_the_surfaces_agree() {
        let (x, y) = (axis(-1.0, 1.0, 9), axis(-1.0, 1.0, 9));
        let bowl = Array2::from_shape_fn((9, 9), |(i, j)| 1.0 + x[i] * x[i] + y[j] * y[j]);
        let same = ContourFigure::difference(&x, &y, bowl.view(), bowl.view()).unwrap().to_svg().unwrap();
        assert!(same.contains(&super::super::ColorMap::BlueRed.at(0.5).hex()));
        let tilted = Array2::from_shape_fn((9, 9), |(i, j)| bowl[[i, j]] - x[i]);
        let svg = ContourFigure::difference(&x, &y, bowl.view(), tilted.view()).unwrap().to_svg().unwrap();
        let numbers = texts(&svg);
        assert!(numbers.contains(&"0.0".to_owned()) && numbers.contains(&"−0.8".to_owned()), "{numbers:?}");
        assert!(ContourFigure::difference(&x, &y, bowl.view(), bowl.slice(ndarray::s![1.., ..])).is_err());
    }
}
