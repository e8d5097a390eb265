//! Shaded surfaces over two directions.

use ndarray::ArrayView2;

use super::bands::Bands;
use super::field::{Field, field_builders};
use super::mesh::Mesh;
use super::png::png_output;
use super::shades::Shades;
use super::sheet::sheet_builders;
use super::surface_draw;
use super::svg::Fragment;
use crate::Error;

/// Where the surface is seen from unless set, in degrees.
const AZIMUTH: f64 = -60.0;
const ELEVATION: f64 = 45.0;
/// Most cells along an axis; fewer where the file would be larger than the bytes below.
const MOST_CELLS: [usize; 4] = [200, 140, 100, 70];
const MOST_BYTES: usize = 4_500_000;
/// Least elevation: lower, the near edge hides the rest.
const LEAST_ELEVATION: f64 = 5.0;

/// A shaded surface whose height and colour are the values over two directions: figure 1 of Li et al. (2018).
///
/// Heights are linear or logarithmic as colours are, one scale for both, with its numbers at an upright edge
/// and at the colour bar. Light from the upper left shows the shape; seen from below, the surface is darker.
/// The projection is parallel: equal lengths along an axis are equal in the picture wherever they lie.
///
/// What a surface cannot show is marked and counted below the figure:
///
/// - cells with a corner that is not finite, or not positive on a logarithmic scale, are holes, hatched in grey
///   on the base;
/// - what is outside an explicit [`height_range`](Self::height_range) is cut off flat, and striped.
///
/// Coarse grids are divided more finely, bilinear between their points, and lit by slopes that change
/// smoothly. Of grids with more than 201 points along an axis (fewer if the surface is so ragged that the file
/// would exceed 4.5 MB) every second point is drawn, or every third and so on, which the caption says; a hole stays one, but an extreme between the points drawn does not
/// show. Nothing is checked before [`to_svg`](Self::to_svg).
///
/// # Example
///
/// ```
/// use loss_landscape_plot::{Scale, SurfaceFigure};
/// use ndarray::Array2;
///
/// let axis: Vec<f64> = (0..31).map(|k| f64::from(k) / 15.0 - 1.0).collect();
/// let loss = Array2::from_shape_fn((31, 31), |(i, j)| 0.01 + 9.0 * axis[i].powi(2) + axis[j].powi(2));
/// let svg = SurfaceFigure::new(&axis, &axis, loss.view())
///     .scale(Scale::Log)
///     .height_range(0.01, 5.0)
///     .x_label("α")
///     .y_label("β")
///     .value_label("training loss")
///     .to_svg()?;
/// assert!(svg.contains("above the height range"));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct SurfaceFigure {
    pub(super) field: Field,
    azimuth: f64,
    elevation: f64,
}

impl SurfaceFigure {
    /// A figure of `values`, where `values[[i, j]]` belongs to (`x[i]`, `y[j]`). `x` and `y` must increase
    /// strictly, at any spacing.
    #[must_use]
    #[allow(clippy::needless_pass_by_value, reason = "views are passed by value throughout ndarray")]
    pub fn new(x: &[f64], y: &[f64], values: ArrayView2<'_, f64>) -> Self {
        Self { field: Field::new(x, y, &values), azimuth: AZIMUTH, elevation: ELEVATION }
    }

    sheet_builders!(field.sheet);
    field_builders!();

    /// Values at the base and at the top of the box, and at the ends of the colour map, instead of the least
    /// and greatest finite value. What lies outside is cut off, striped, and counted in the caption.
    #[must_use]
    pub fn height_range(mut self, lo: f64, hi: f64) -> Self {
        self.field.bands.range = Some((lo, hi));
        self
    }

    /// The side to look from, in degrees from −360 to 360: 0 from the high end of the first axis, 90 from
    /// the high end of the second, −90 from its low end; −60 unless set.
    #[must_use]
    pub fn azimuth(mut self, degrees: f64) -> Self {
        self.azimuth = degrees;
        self
    }

    /// The height to look from, in degrees from 5 (nearly level) to 90 (from above); 45 unless set.
    #[must_use]
    pub fn elevation(mut self, degrees: f64) -> Self {
        self.elevation = degrees;
        self
    }

    /// The figure as an SVG document, about 420 by 360 px, of up to 40,000 small areas.
    ///
    /// # Errors
    ///
    /// - [`Error::TooFewPoints`], [`Error::NotFinite`] or [`Error::AxisOrder`] if an
    ///   axis has fewer than two points, one that is not finite, or one not above the last;
    /// - [`Error::Length`] if the shape of the values is not that of the axes;
    /// - [`Error::NoFiniteValue`] if no value is finite, [`Error::NoPositiveValue`] if none
    ///   is positive on a logarithmic scale;
    /// - [`Error::Range`] for a height range that is not finite, empty, or not positive on a
    ///   logarithmic scale;
    /// - [`Error::View`] for an azimuth or elevation that is not finite or out of bounds.
    pub fn to_svg(&self) -> Result<String, Error> {
        Ok(self.draw(None)?.into_document())
    }

    png_output!();

    /// Draws with the figure's own scale, or one shared with other figures.
    pub(super) fn draw(&self, shared: Option<&Bands>) -> Result<Fragment, Error> {
        self.field.check()?;
        let angles =
            [("azimuth", self.azimuth, -360.0, 360.0), ("elevation", self.elevation, LEAST_ELEVATION, 90.0)];
        for (what, degrees, lo, hi) in angles {
            if !(lo..=hi).contains(&degrees) {
                return Err(Error::View { what, degrees, lo, hi });
            }
        }
        let bands = self.field.resolve(shared)?;
        let [x, y] = self.field.sheet.axes();
        let place = |axis: &super::axes::Axis, values: &[f64]| -> Vec<f64> {
            values.iter().map(|&v| axis.fraction(v)).collect()
        };
        let (u, v) = (place(&x, &self.field.sheet.x), place(&y, &self.field.sheet.y));
        let heights = self.field.values.mapv(|v| Shades::fraction(&bands, v));
        let draw = |most| {
            let mesh = Mesh::new(&u, &v, &heights, most);
            let notes = self.notes(&bands, &mesh);
            surface_draw::draw(&self.field, &bands, &mesh, [self.azimuth, self.elevation], &notes)
        };
        let [most, fewer @ ..] = MOST_CELLS;
        let first = draw(most);
        let smaller = |drawn: Fragment, &most: &usize| {
            if drawn.body.len() > MOST_BYTES { draw(most) } else { drawn }
        };
        Ok(fewer.iter().fold(first, smaller))
    }

    /// What the figure does not show, for its caption.
    fn notes(&self, bands: &Bands, mesh: &Mesh) -> Vec<String> {
        let field = &self.field;
        let above = field.note(|v| bands.shows(v) && v > bands.hi, "above the height range (striped)");
        let below = field.note(|v| bands.shows(v) && v < bands.lo, "below the height range (striped)");
        let [nx, ny] = mesh.taken;
        let thinned = (nx < field.sheet.x.len() || ny < field.sheet.y.len()).then(|| {
            let (all_x, all_y) = (field.sheet.x.len(), field.sheet.y.len());
            format!("{nx}×{ny} of {all_x}×{all_y} points drawn")
        });
        field.missing_notes(bands).into_iter().chain([above, below, thinned]).flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::super::Scale;
    use super::super::probe::{axis, texts};
    use super::*;

    fn figure(nx: usize, ny: usize, f: impl Fn(f64, f64) -> f64) -> SurfaceFigure {
        let (x, y) = (axis(-1.0, 1.0, nx), axis(-1.0, 1.0, ny));
        let values = Array2::from_shape_fn((nx, ny), |(i, j)| f(x[i], y[j]));
        SurfaceFigure::new(&x, &y, values.view())
    }

    #[test]
    fn holes_and_cuts_are_marked_and_counted() {
        let mut figure = figure(21, 21, |x, y| 0.1 + x * x + y * y);
        let plain = figure.to_svg().unwrap();
        assert!(!plain.contains("url(#") && !texts(&plain).iter().any(|t| t.contains("points")));
        figure.field.values[[3, 4]] = f64::NAN;
        figure.field.values[[4, 4]] = f64::INFINITY;
        figure.field.values[[18, 4]] = -1.0;
        let svg = figure.scale(Scale::Log).height_range(0.15, 1.5).to_svg().unwrap();
        assert_eq!(svg.matches("fill=\"url(#loss-landscape-hatch)\"").count(), 1);
        assert!(svg.contains("fill=\"url(#loss-landscape-stripes)\""));
        let x = axis(-1.0, 1.0, 21);
        let count = |f: &dyn Fn(f64) -> bool| {
            let all =
                x.iter().enumerate().flat_map(|(i, a)| x.iter().enumerate().map(move |(j, b)| (i, j, a, b)));
            all.filter(|&(i, j, a, b)| ![(3, 4), (4, 4), (18, 4)].contains(&(i, j)) && f(0.1 + a * a + b * b))
                .count()
        };
        let caption = texts(&svg).join(" | ");
        for note in [
            "2 of 441 points not finite".to_owned(),
            "1 of 441 points not positive (logarithmic scale)".to_owned(),
            format!("{} of 441 points above the height range (striped)", count(&|v| v > 1.5)),
            format!("{} of 441 points below the height range (striped)", count(&|v| v < 0.15)),
        ] {
            assert!(caption.contains(&note), "{note}: {caption}");
        }
    }

    #[test]
    fn fine_grids_say_how_many_points_they_show() {
        let svg = figure(401, 11, |x, y| x * y).to_svg().unwrap();
        assert!(texts(&svg).contains(&"201×11 of 401×11 points drawn".to_owned()));
    }

    #[test]
    fn views_out_of_bounds_are_refused() {
        for (azimuth, elevation) in
            [(f64::NAN, 30.0), (400.0, 30.0), (0.0, 4.0), (0.0, 91.0), (0.0, f64::INFINITY)]
        {
            let error = figure(3, 3, |x, _| x).azimuth(azimuth).elevation(elevation).to_svg().unwrap_err();
            assert!(matches!(error, Error::View { .. }), "{error}");
        }
        let error = figure(3, 3, |x, _| x).elevation(4.0).to_svg().unwrap_err().to_string();
        assert_eq!(error, "elevation of 4°, expected one from 5° to 90°");
    }

    #[test]
    fn hostile_values_are_drawn_or_refused_without_panic() {
        let fields: [&dyn Fn(f64, f64) -> f64; 7] = [
            &|_, _| 2.0,
            &|_, _| 0.0,
            &|x, y| x * y * f64::MAX,
            &|x, _| if x > 0.0 { 5e-324 } else { 0.0 },
            &|x, _| 10f64.powf(300.0 * x),
            &|x, y| if x > y { f64::INFINITY } else { f64::NEG_INFINITY },
            &|x, y| if (x, y) == (-1.0, -1.0) { 1.0 } else { f64::NAN },
        ];
        for (k, f) in fields.iter().enumerate() {
            for scale in [Scale::Auto, Scale::Linear, Scale::Log] {
                for azimuth in [-90.0, 33.0] {
                    match figure(5, 2, f).scale(scale).azimuth(azimuth).to_svg() {
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
        let values = ndarray::array![[0.0, 1.0], [2.0, 3.0]];
        for x in [[f64::MIN, f64::MAX], [0.0, 5e-324], [1.0, 1.0 + f64::EPSILON]] {
            roxmltree::Document::parse(&SurfaceFigure::new(&x, &x, values.view()).to_svg().unwrap()).unwrap();
        }
    }
}
