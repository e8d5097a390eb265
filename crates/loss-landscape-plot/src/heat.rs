//! Heat maps: one coloured cell for each point.

use ndarray::ArrayView2;

use super::bands::Bands;
use super::field::{Field, field_builders};
use super::heat_draw;
use super::png::png_output;
use super::sheet::{overlay_builders, sheet_builders};
use super::svg::Fragment;
use crate::Error;

/// A heat map of values over two directions: each point is a cell of one colour, with nothing
/// interpolated between points.
///
/// A cell reaches halfway to its neighbours, and as far beyond the outermost points. Cells whose value
/// is not finite, or not positive on a logarithmic scale, are hatched in grey; they are counted below the
/// figure, as are values outside an explicit colour range. There are 129 colours, too many to see steps.
///
/// Neighbouring cells of one colour are stored as one rectangle. Grids finer than about 420 × 420 points whose
/// values are so rough that this leaves more than 180,000 are drawn in square blocks of points, in the colour
/// of their mean (of logarithms on a logarithmic scale), which the caption says; a block with a missing point is
/// hatched. Nothing is checked before [`to_svg`](Self::to_svg).
///
/// # Example
///
/// ```
/// use loss_landscape_plot::HeatFigure;
/// use ndarray::Array2;
///
/// let axis: Vec<f64> = (0..21).map(|k| f64::from(k) / 10.0 - 1.0).collect();
/// let accuracy = Array2::from_shape_fn((21, 21), |(i, j)| (-axis[i].powi(2) - axis[j].powi(2)).exp());
/// let svg = HeatFigure::new(&axis, &axis, accuracy.view())
///     .color_range(0.0, 1.0)
///     .value_label("accuracy")
///     .trajectory(&[0.8, 0.3, 0.1, 0.0], &[0.9, 0.5, 0.0, 0.0])
///     .to_svg()?;
/// assert!(svg.contains("trajectory from"));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct HeatFigure {
    pub(super) field: Field,
}

impl HeatFigure {
    /// A figure of `values`, where `values[[i, j]]` belongs to (`x[i]`, `y[j]`): the first index
    /// runs along the horizontal axis. `x` and `y` must increase strictly, at any spacing.
    #[must_use]
    #[allow(clippy::needless_pass_by_value, reason = "views are passed by value throughout ndarray")]
    pub fn new(x: &[f64], y: &[f64], values: ArrayView2<'_, f64>) -> Self {
        let mut field = Field::new(x, y, &values);
        field.sheet.cells = true;
        Self { field }
    }

    field_builders!(difference);
    sheet_builders!(field.sheet);
    overlay_builders!(field.sheet);
    field_builders!(colors);

    /// The figure as an SVG document, about 420 by 360 px.
    ///
    /// # Errors
    ///
    /// - [`Error::TooFewPoints`], [`Error::NotFinite`] or [`Error::AxisOrder`] if an
    ///   axis has fewer than two points, one that is not finite, or one not above the last;
    /// - [`Error::Length`] if the shape of the values is not that of the axes;
    /// - [`Error::NoFiniteValue`] if no value is finite, [`Error::NoPositiveValue`] if none
    ///   is positive on a logarithmic scale;
    /// - [`Error::Range`] for a colour range that is not finite, empty, or not positive on a
    ///   logarithmic scale;
    /// - [`Error::NotFinite`] for a marker whose position is not finite; [`Error::Length`] or
    ///   [`Error::PointIndex`] for a trajectory of unequal lengths, or a label that has no point.
    pub fn to_svg(&self) -> Result<String, Error> {
        Ok(self.draw(None)?.into_document())
    }

    png_output!();

    /// Draws with the figure's own scale, or one shared with other figures.
    pub(super) fn draw(&self, shared: Option<&Bands>) -> Result<Fragment, Error> {
        self.field.check()?;
        Ok(heat_draw::draw(&self.field, &self.field.resolve(shared)?))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::super::probe::{axis, texts};
    use super::super::{ColorMap, Scale, axes};
    use super::*;

    fn figure(nx: usize, ny: usize, f: impl Fn(f64, f64) -> f64) -> HeatFigure {
        let (x, y) = (axis(-1.0, 1.0, nx), axis(-1.0, 1.0, ny));
        let values = Array2::from_shape_fn((nx, ny), |(i, j)| f(x[i], y[j]));
        HeatFigure::new(&x, &y, values.view())
    }

    #[test]
    fn missing_cells_are_hatched_and_counted() {
        let mut figure = figure(8, 6, |x, y| 0.1 + x * x + y * y);
        assert!(!figure.to_svg().unwrap().contains("url(#"));
        figure.field.values[[3, 4]] = f64::NAN;
        figure.field.values[[4, 4]] = f64::INFINITY;
        figure.field.values[[7, 0]] = 0.0;
        let svg = figure.scale(Scale::Log).color_range(0.2, 5.0).to_svg().unwrap();
        assert_eq!(svg.matches("fill=\"url(#").count(), 1);
        let caption = texts(&svg).join(" | ");
        assert!(caption.contains("2 of 48 points not finite"), "{caption}");
        assert!(caption.contains("1 of 48 points not positive"), "{caption}");
        assert!(caption.contains("of 48 points outside the colour range"), "{caption}");
    }

    #[test]
    fn trajectories_are_drawn_in_the_coordinates_of_the_axes() {
        // Cells of the outermost points reach beyond them: the axes are -0.5 to 10.5 and -1 to 3.
        let (x, y) = (axis(0.0, 10.0, 11), [0.0, 2.0]);
        let svg = HeatFigure::new(&x, &y, Array2::zeros((11, 2)).view())
            .labelled_trajectory(&[0.0, 5.0, 20.0], &[3.0, 1.0, 1.0], [(1, "middle")])
            .to_svg()
            .unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let number = |n: &roxmltree::Node<'_, '_>, name| n.attribute(name).unwrap().parse::<f64>().unwrap();
        let centers: Vec<[f64; 2]> = document
            .descendants()
            .filter(|n| n.has_tag_name("circle"))
            .map(|n| [number(&n, "cx"), number(&n, "cy")])
            .collect();
        let at =
            |u: f64, v: f64| [axes::SIDE + u * axes::FRAME_SIDE, axes::TOP + (1.0 - v) * axes::FRAME_SIDE];
        // Two dots, then the ring at the start; the end is outside.
        let expected = [at(0.5 / 11.0, 1.0), at(0.5, 0.5), at(0.5 / 11.0, 1.0)];
        assert_eq!(centers.len(), 3);
        let close = |a: &[f64; 2], b: &[f64; 2]| (a[0] - b[0]).hypot(a[1] - b[1]) < 0.02;
        assert!(centers.iter().zip(&expected).all(|(a, b)| close(a, b)), "{centers:?}");
        let caption = texts(&svg);
        assert!(caption.contains(&"middle".to_owned()));
        assert!(
            caption.iter().any(|t| t.contains("1 of 3 trajectory points outside the axes")),
            "{caption:?}"
        );
    }

    #[test]
    fn zero_has_the_middle_colour_of_a_diverging_map() {
        let zero = ColorMap::BlueRed.at(0.5).hex();
        let svg = figure(3, 3, |x, _| 5.0 * x).diverging().to_svg().unwrap();
        // Once as cells, once in the colour bar.
        assert_eq!(svg.matches(&zero).count(), 2);
        let same = Array2::from_elem((3, 3), 4.0);
        let axis = [0.0, 1.0, 2.0];
        let svg = HeatFigure::difference(&axis, &axis, same.view(), same.view()).unwrap().to_svg().unwrap();
        assert_eq!(svg.matches(&zero).count(), 2);
    }

    #[test]
    fn hostile_values_are_drawn_or_refused_without_panic() {
        let fields: [&dyn Fn(f64, f64) -> f64; 6] = [
            &|_, _| 2.0,
            &|x, y| x * y * f64::MAX,
            &|x, _| if x > 0.0 { 5e-324 } else { 0.0 },
            &|x, _| 10f64.powf(300.0 * x),
            &|x, y| if x > y { f64::INFINITY } else { f64::NEG_INFINITY },
            &|x, y| if (x, y) == (-1.0, -1.0) { 1.0 } else { f64::NAN },
        ];
        for (k, f) in fields.iter().enumerate() {
            for scale in [Scale::Auto, Scale::Linear, Scale::Log] {
                match figure(5, 4, f).scale(scale).to_svg() {
                    Ok(svg) => {
                        roxmltree::Document::parse(&svg).unwrap();
                        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{k}");
                    }
                    Err(Error::NoFiniteValue { .. } | Error::NoPositiveValue { .. }) => {}
                    Err(other) => panic!("{k}: {other}"),
                }
            }
        }
        let values = ndarray::array![[0.0, 1.0], [2.0, 3.0]];
        for x in [[f64::MIN, f64::MAX], [0.0, 5e-324], [1.0, 1.0 + f64::EPSILON]] {
            roxmltree::Document::parse(&HeatFigure::new(&x, &x, values.view()).to_svg().unwrap()).unwrap();
        }
    }
}
