//! Shaded surfaces over two directions.

mod box_axes;
mod draw;
mod mesh;
mod projection;
mod sight;

use loss_landscape::Surface;
use ndarray::ArrayView2;

use self::mesh::Mesh;
use crate::{
    ColorMap, CriticalPoints, Error, Result, Scale,
    axis::Axis,
    figure::{Draw, Figure},
    plane::{
        bands::Bands,
        shades::Shades,
        shared::SharedScale,
        values::{PlaneValues, Shareable},
    },
    svg::Drawing,
};

/// Where the surface is seen from by default, in degrees.
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
/// The projection is parallel: equal lengths along an axis are equal in the picture wherever they are.
///
/// What a surface cannot show is marked and counted below the figure:
///
/// - cells with a corner that is not finite, or not positive on a logarithmic scale, are holes, hatched in grey
///   on the base;
/// - what is outside an explicit [`height_range`](Self::height_range) is cut off flat, and striped;
/// - [minima and saddles](Self::critical_points) behind a part of the surface are left out, and counted.
///
/// Coarse grids are divided more finely, bilinear between their points, and lit by slopes that change
/// smoothly. Of grids with more than 201 points along an axis (fewer if the surface is so ragged that the file
/// would exceed 4.5 MB) every second point is drawn, or every third and so on, which the caption says; a hole stays
/// one, but an extreme between the points drawn does not show. An SVG document has about 420 by 360 px and up to
/// 40,000 small areas.
///
/// # Example
///
/// ```
/// use loss_landscape_plot::{Figure, Scale, SurfaceFigure};
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
/// # Ok::<(), loss_landscape_plot::Error>(())
/// ```
///
/// # Errors
/// Drawing ends in [`Error::TooFewPoints`], [`Error::NotFinite`] or [`Error::NotIncreasing`] for an axis;
/// [`Error::Length`] for values of another shape than that of the axes; [`Error::NoFiniteValue`] or
/// [`Error::NoPositiveValue`] if there is nothing to draw; [`Error::Range`] for a height range; [`Error::Angle`] for an
/// azimuth or elevation; [`Error::NotFinite`] or [`Error::Saddle`] for a minimum or saddle.
#[derive(Clone, Debug)]
#[must_use]
pub struct SurfaceFigure {
    data: PlaneValues,
    azimuth: f64,
    elevation: f64,
}

impl SurfaceFigure {
    /// A figure of `values`, where `values[[i, j]]` belongs to (`x[i]`, `y[j]`): `x` and `y` must
    /// increase strictly, at any spacing.
    #[allow(clippy::needless_pass_by_value, reason = "views are passed by value throughout ndarray")]
    pub fn new(x: &[f64], y: &[f64], values: ArrayView2<'_, f64>) -> Self {
        Self::of(PlaneValues::new(x, y, &values))
    }

    /// A figure of one channel of a surface, its axes labelled α and β, its values with the name of the channel. Points
    /// that were not computed are missing. [`From`] takes the first channel, which is the loss on the first data set.
    ///
    /// # Example
    /// ```
    /// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep};
    /// use loss_landscape_plot::{SurfaceFigure, Figure};
    ///
    /// let model = FnModel::new(Layout::flat(2)?, vec![2.0, 1.0], |t: &[f64], _: &()| t[0] * t[0] + t[1] * t[1])?;
    /// let surface = Sweep::plane(&model, RandomDirections::new(42).pair(&model)?).data("train", &()).run()?;
    /// let svg = SurfaceFigure::from_surface(&surface, "train loss")?.title("A bowl").to_svg()?;
    /// assert!(svg.contains("train loss") && svg.contains("β"));
    /// let same = SurfaceFigure::from(&surface).title("A bowl").to_svg()?;
    /// assert_eq!(same, svg);
    /// # Ok::<(), loss_landscape_plot::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] for a channel that the surface does not have.
    pub fn from_surface(surface: &Surface, channel: &str) -> Result<Self> {
        Ok(Self::of(PlaneValues::from_surface(surface, channel)?))
    }

    /// The title above the figure; none by default.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.data.sheet.title = title.into();
        self
    }

    /// The label of the axis of the first index; none by default.
    pub fn x_label(mut self, label: impl Into<String>) -> Self {
        self.data.sheet.x_label = label.into();
        self
    }

    /// The label of the axis of the second index; none by default.
    pub fn y_label(mut self, label: impl Into<String>) -> Self {
        self.data.sheet.y_label = label.into();
        self
    }

    /// The label of the colour bar: what the values are, and in which unit; none by default.
    pub fn value_label(mut self, label: impl Into<String>) -> Self {
        self.data.sheet.value_label = label.into();
        self
    }

    /// The colours of the values; [`ColorMap::Viridis`] by default.
    pub fn color_map(mut self, map: ColorMap) -> Self {
        self.data.sheet.color_map = map;
        self
    }

    /// Linear or logarithmic heights and colours; [`Scale::Auto`] by default.
    pub fn scale(mut self, scale: Scale) -> Self {
        self.data.bands.scale = scale;
        self
    }

    /// Values at the base and at the top of the box, and at the ends of the colour map, instead of the least and
    /// greatest finite value. What is outside is cut off, striped, and counted in the caption.
    pub fn height_range(mut self, low: f64, high: f64) -> Self {
        self.data.bands.range = Some((low, high));
        self
    }

    /// The side to look from, in degrees from −360 to 360: 0 from the high end of the first axis, 90 from the high
    /// end of the second, −90 from its low end; −60 by default.
    pub fn azimuth(mut self, degrees: f64) -> Self {
        self.azimuth = degrees;
        self
    }

    /// The height to look from, in degrees from 5 (nearly level) to 90 (from above); 45 by default.
    pub fn elevation(mut self, degrees: f64) -> Self {
        self.elevation = degrees;
        self
    }

    /// Marks minima and saddles on the surface: those of a [`TopologyReport`](loss_landscape::topology::TopologyReport)
    /// by a reference to it, or any [`CriticalPoints`]. Later ones take the place of earlier ones. Those that the surface
    /// hides are left out, and the caption counts them: another [`azimuth`](Self::azimuth) or a higher
    /// [`elevation`](Self::elevation) may show them.
    ///
    /// # Example
    /// ```
    /// use loss_landscape::{Surface, topology::Topology};
    /// use loss_landscape_plot::{Figure, SurfaceFigure};
    /// use ndarray::Array2;
    ///
    /// let at: Vec<f64> = (-8..=8).map(|i| f64::from(i) / 4.0).collect();
    /// let loss = Array2::from_shape_fn((17, 17), |(i, j)| (at[i] * at[i] - 1.0).powi(2) + at[j] * at[j]);
    /// let surface = Surface::from_channels(&at, &at, [("loss".to_owned(), loss)])?;
    /// let report = Topology::new().of(&surface)?;
    /// let figure = SurfaceFigure::from(&surface).height_range(0.0, 3.0).critical_points(&report);
    /// assert!(figure.clone().elevation(80.0).to_svg()?.contains("● 2 minima (1: the most persistent), ◇ 1 saddle"));
    /// assert!(figure.elevation(10.0).to_svg()?.contains("3 of 3 minima and saddles hidden behind the surface"));
    /// # Ok::<(), loss_landscape_plot::Error>(())
    /// ```
    pub fn critical_points(mut self, points: impl Into<CriticalPoints>) -> Self {
        self.data.sheet.critical_points = Some(points.into());
        self
    }

    fn of(data: PlaneValues) -> Self {
        Self { data, azimuth: AZIMUTH, elevation: ELEVATION }
    }

    fn check_angles(&self) -> Result<()> {
        let angles =
            [("azimuth", self.azimuth, -360.0, 360.0), ("elevation", self.elevation, LEAST_ELEVATION, 90.0)];
        match angles.into_iter().find(|(_, degrees, least, greatest)| !(least..=greatest).contains(&degrees))
        {
            Some((angle, degrees, least, greatest)) => Err(Error::Angle { angle, degrees, least, greatest }),
            None => Ok(()),
        }
    }

    /// What the figure does not show, for its caption.
    fn notes(&self, bands: &Bands, mesh: &Mesh) -> Vec<String> {
        let data = &self.data;
        let above = data.note(|v| bands.shows(v) && v > bands.hi, "above the height range (striped)");
        let below = data.note(|v| bands.shows(v) && v < bands.lo, "below the height range (striped)");
        let [nx, ny] = mesh.taken;
        let thinned = (nx < data.sheet.x.len() || ny < data.sheet.y.len()).then(|| {
            let (all_x, all_y) = (data.sheet.x.len(), data.sheet.y.len());
            format!("{nx}×{ny} of {all_x}×{all_y} points drawn")
        });
        data.missing_notes(bands).into_iter().chain([above, below, thinned]).flatten().collect()
    }
}

/// A figure of the first channel, as by `from_surface`.
impl From<&Surface> for SurfaceFigure {
    fn from(surface: &Surface) -> Self {
        Self::of(PlaneValues::from_first_channel(surface))
    }
}

impl Figure for SurfaceFigure {}

impl Draw for SurfaceFigure {
    fn draw(&self, scale: Option<&SharedScale>) -> Result<Drawing> {
        self.data.check()?;
        self.check_angles()?;
        let bands = self.data.resolve(scale)?;
        let [x, y] = self.data.sheet.axes();
        let fractions =
            |axis: &Axis, values: &[f64]| values.iter().map(|&v| axis.fraction(v)).collect::<Vec<_>>();
        let (u, v) = (fractions(&x, &self.data.sheet.x), fractions(&y, &self.data.sheet.y));
        let heights = self.data.values.mapv(|v| Shades::fraction(&bands, v));
        let draw = |most| {
            let mesh = Mesh::new(&u, &v, &heights, most);
            let notes = self.notes(&bands, &mesh);
            draw::draw(&self.data, scale, &bands, &mesh, [self.azimuth, self.elevation], &notes)
        };
        let [most, fewer @ ..] = MOST_CELLS;
        let first = draw(most);
        let smaller = |drawn: Drawing, &most: &usize| {
            if drawn.body.len() > MOST_BYTES { draw(most) } else { drawn }
        };
        Ok(fewer.iter().fold(first, smaller))
    }

    fn shareable(&self) -> Option<Shareable<'_>> {
        Some(Shareable { values: &self.data, smooth: true })
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::{
        Scale,
        svg::hatching::{Hatching, UNKNOWN_GROUND},
        testing::{axis, hatched, texts},
    };

    fn figure(nx: usize, ny: usize, f: impl Fn(f64, f64) -> f64) -> SurfaceFigure {
        let (x, y) = (axis(-1.0, 1.0, nx), axis(-1.0, 1.0, ny));
        let values = Array2::from_shape_fn((nx, ny), |(i, j)| f(x[i], y[j]));
        SurfaceFigure::new(&x, &y, values.view())
    }

    #[test]
    fn holes_and_cuts_are_marked_and_counted() {
        let mut figure = figure(21, 21, |x, y| 0.1 + x * x + y * y);
        let plain = figure.to_svg().unwrap();
        assert!(!plain.contains(UNKNOWN_GROUND) && !texts(&plain).iter().any(|t| t.contains("points")));
        figure.data.values[[3, 4]] = f64::NAN;
        figure.data.values[[4, 4]] = f64::INFINITY;
        figure.data.values[[18, 4]] = -1.0;
        let svg = figure.scale(Scale::Log).height_range(0.15, 1.5).to_svg().unwrap();
        assert_eq!(svg.matches(UNKNOWN_GROUND).count(), 1);
        for hatching in [Hatching::Unknown, Hatching::Cut] {
            assert!(!hatched(&svg, hatching.strokes()[0].2).is_empty(), "{hatching:?}");
        }
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

    /// Two wells at x = ±½ with a pass between them.
    #[test]
    fn minima_and_saddles_lie_on_the_surface_unless_it_hides_them() {
        let wells = || figure(41, 41, |x, y| 4.0 * (x * x - 0.25).powi(2) + 0.1 * x + y * y);
        let marks = || CriticalPoints::new([[-0.5, 0.0], [0.5, 0.0]]).saddle(0.0, 0.0, 1);
        let from_above = wells().elevation(80.0).critical_points(marks()).to_svg().unwrap();
        let caption = texts(&from_above).join(" ");
        assert!(caption.contains("● 2 minima, ◇ 1 saddle") && !caption.contains("hidden"), "{caption}");
        let document = roxmltree::Document::parse(&from_above).unwrap();
        let dots: Vec<_> = document.descendants().filter(|node| node.has_tag_name("circle")).collect();
        assert_eq!(dots.len(), 2);
        // Nothing but marks, numbers and the caption is added to the figure without them.
        let plain = wells().elevation(80.0).to_svg().unwrap();
        assert!(!plain.contains("<circle") && plain.len() < from_above.len());
        // From the low end of the second axis, as level as can be, the near wall hides all three.
        let level = wells().azimuth(-90.0).elevation(5.0).critical_points(marks()).to_svg().unwrap();
        assert!(!level.contains("<circle"));
        assert!(texts(&level).join(" ").contains("3 of 3 minima and saddles hidden behind the surface"));
        // What is outside the axes is not hidden, and over a hole there is a place on the base.
        let away = wells().critical_points(CriticalPoints::new([[0.0, 0.0], [7.0, 0.0]])).to_svg().unwrap();
        let caption = texts(&away).join(" ");
        assert!(caption.contains("1 of 2 minima and saddles outside the axes"), "{caption}");
        let holed = figure(11, 11, |x, _| if x > 0.0 { f64::NAN } else { x });
        let holed = holed.critical_points(CriticalPoints::new([[0.0, 0.0], [0.5, 0.5]])).to_svg().unwrap();
        assert_eq!(holed.matches("<circle").count(), 2);
        let bad = wells().critical_points(CriticalPoints::new([[f64::NAN, 0.0]])).to_svg();
        assert!(matches!(bad, Err(Error::NotFinite { index: 0, .. })));
        let bad = wells().critical_points(CriticalPoints::new([[0.0, 0.0]]).saddle(0.0, 0.0, 1)).to_svg();
        assert!(matches!(bad, Err(Error::Saddle { .. })));
    }

    #[test]
    fn views_out_of_bounds_are_refused() {
        for (azimuth, elevation) in
            [(f64::NAN, 30.0), (400.0, 30.0), (0.0, 4.0), (0.0, 91.0), (0.0, f64::INFINITY)]
        {
            let error = figure(3, 3, |x, _| x).azimuth(azimuth).elevation(elevation).to_svg().unwrap_err();
            assert!(matches!(error, Error::Angle { .. }), "{error}");
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
