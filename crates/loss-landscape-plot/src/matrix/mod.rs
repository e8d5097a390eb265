//! A symmetric matrix as coloured cells with their numbers: barriers between minimisers.

mod draw;

use loss_landscape::path::BarrierMatrix;
use ndarray::{Array2, ArrayView2};

use crate::{
    ColorMap, Error, Result, Scale,
    checks::{check_range, check_shape},
    figure::{Draw, Figure},
    plane::shared::SharedScale,
    svg::Drawing,
};

/// A figure of one number for each pair of named things, such as the barriers between minimisers: a matrix of coloured
/// cells, the number in each, the names beside rows and below columns. Row 0 is the highest.
///
/// The diagonal is left blank, since it is no pair. A cell without a finite value is hatched, as is one that is not
/// positive on a logarithmic scale; they are counted below the figure. Numbers have three digits; where they do not fit
/// their cells they are left out, and the caption says so. The scale is linear unless set otherwise. An SVG document has
/// about 420 by 360 px.
///
/// # Example
///
/// ```
/// use loss_landscape_plot::{Figure, MatrixFigure};
/// use ndarray::array;
///
/// let barriers = array![[0.0, 0.8, 0.1], [0.8, 0.0, 0.3], [0.1, 0.3, 0.0]];
/// let figure = MatrixFigure::new(["small batch", "large batch", "Adam"], barriers.view());
/// let svg = figure.title("Barriers").value_label("train loss").to_svg()?;
/// assert!(svg.contains("small batch") && svg.contains(">0.8<"));
/// # Ok::<(), loss_landscape_plot::Error>(())
/// ```
///
/// # Errors
/// Drawing ends in an [`Error`]: `TooFewPoints` for fewer than two names; `Length` for values of another shape than
/// names × names; `NoFiniteValue` or `NoPositiveValue` if there is nothing to draw; `Range` for a colour range.
#[derive(Clone, Debug)]
#[must_use]
pub struct MatrixFigure {
    names: Vec<String>,
    values: Array2<f64>,
    /// Where the value is a lower bound.
    at_least: Array2<bool>,
    title: String,
    value_label: String,
    color_map: ColorMap,
    scale: Scale,
    range: Option<(f64, f64)>,
}

impl MatrixFigure {
    /// A figure of `values`, where `values[[i, j]]` belongs to the names `i` (row) and `j` (column).
    #[allow(clippy::needless_pass_by_value, reason = "views are passed by value throughout ndarray")]
    pub fn new(names: impl IntoIterator<Item: Into<String>>, values: ArrayView2<'_, f64>) -> Self {
        Self {
            names: names.into_iter().map(Into::into).collect(),
            values: values.to_owned(),
            at_least: Array2::from_elem(values.dim(), false),
            title: String::new(),
            value_label: String::new(),
            color_map: ColorMap::default(),
            scale: Scale::Linear,
            range: None,
        }
    }

    /// A figure of the barriers between minimisers, with the matrix's names and channel. Barriers of curves with missing
    /// points carry a ≥; pairs without a barrier are hatched.
    ///
    /// # Example
    /// ```
    /// use loss_landscape::{FnModel, Layout, path::Barriers};
    /// use loss_landscape_plot::{Figure, MatrixFigure};
    ///
    /// let wells = |t: &[f64], _: &()| (t[0] * t[0] - 1.0).powi(2);
    /// let model = FnModel::new(Layout::flat(1)?, vec![1.0], wells)?;
    /// let barriers = Barriers::new(&model, &[&[-1.0], &[1.0], &[0.5]]).names(["left", "right", "slope"]);
    /// let matrix = barriers.data("train", &()).run()?;
    /// let svg = MatrixFigure::from_barriers(&matrix).title("Two wells").to_svg()?;
    /// assert!(svg.contains("slope") && svg.contains("barrier of train loss"));
    /// # Ok::<(), loss_landscape_plot::Error>(())
    /// ```
    pub fn from_barriers(matrix: &BarrierMatrix) -> Self {
        let (heights, missing) = (matrix.heights(), matrix.missing());
        let label = format!("barrier of {}", matrix.channel());
        Self::new(matrix.names(), heights.view())
            .at_least(missing.mapv(|count| count > 0).view())
            .value_label(label)
    }

    /// Marks cells whose value is a lower bound with a ≥; they are counted in the caption. By default there are none.
    #[allow(clippy::needless_pass_by_value, reason = "views are passed by value throughout ndarray")]
    pub fn at_least(mut self, at_least: ArrayView2<'_, bool>) -> Self {
        self.at_least = at_least.to_owned();
        self
    }

    /// The title above the figure; none by default.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// The label of the colour bar: what the values are, and in which unit; none by default.
    pub fn value_label(mut self, label: impl Into<String>) -> Self {
        self.value_label = label.into();
        self
    }

    /// The colours of the values; [`ColorMap::Viridis`] by default.
    pub fn color_map(mut self, map: ColorMap) -> Self {
        self.color_map = map;
        self
    }

    /// Linear or logarithmic colours; linear by default, since barriers may be 0.
    pub fn scale(mut self, scale: Scale) -> Self {
        self.scale = scale;
        self
    }

    /// Values at the ends of the colour map, instead of the least and greatest finite value. What is outside has the
    /// colour of the nearer end and is counted in the caption.
    pub fn color_range(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }

    fn check(&self) -> Result<()> {
        let count = self.names.len();
        if count < 2 {
            return Err(Error::TooFewPoints { what: "matrix".to_owned(), len: count, least: 2 });
        }
        check_shape("values", self.values.dim(), (count, count))?;
        check_shape("lower bounds", self.at_least.dim(), (count, count))?;
        self.range.map_or(Ok(()), |range| check_range("colour range", range, false))
    }
}

/// A figure of the barriers between minimisers, as by `from_barriers`.
impl From<&BarrierMatrix> for MatrixFigure {
    fn from(matrix: &BarrierMatrix) -> Self {
        Self::from_barriers(matrix)
    }
}

impl Figure for MatrixFigure {}

impl Draw for MatrixFigure {
    fn draw(&self, _: Option<&SharedScale>) -> Result<Drawing> {
        self.check()?;
        draw::draw(self)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::{
        svg::hatching::UNKNOWN_GROUND,
        testing::{paths, texts},
    };

    fn figure(values: &Array2<f64>) -> MatrixFigure {
        let names: Vec<String> = (0..values.nrows()).map(|k| format!("net {k}")).collect();
        MatrixFigure::new(names, values.view())
    }

    #[test]
    fn cells_have_their_numbers_and_the_diagonal_is_blank() {
        let values = array![[7.0, 0.25, 1e-5], [0.25, 7.0, -3.0], [1e-5, -3.0, 7.0]];
        let svg = figure(&values).to_svg().unwrap();
        let texts = texts(&svg);
        let count = |text: &str| texts.iter().filter(|found| *found == text).count();
        assert_eq!((count("0.25"), count("1e−5"), count("7")), (2, 2, 0));
        assert_eq!((count("net 0"), count("net 2")), (2, 2));
        assert!(count("−3") >= 2);
        assert_eq!(svg, figure(&values).to_svg().unwrap());
        roxmltree::Document::parse(&svg).unwrap();
    }

    #[test]
    fn the_first_row_is_the_highest() {
        let values = array![[0.0, 1.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]];
        let svg = figure(&values).to_svg().unwrap();
        let highest = paths(&svg, "fill", &ColorMap::Viridis.at(128.5 / 129.0).hex());
        let (top, left) = (crate::layout::TOP, crate::layout::SIDE);
        let close = |a: f64, b: f64| (a - b).abs() < 0.02;
        let third = crate::layout::FRAME_SIDE / 3.0;
        assert!(close(crate::testing::bounds(&highest[0], 0).0, left + third));
        assert!(close(crate::testing::bounds(&highest[0], 1).0, top));
    }

    #[test]
    fn what_is_unknown_is_hatched_and_counted() {
        let values = array![[0.0, f64::NAN, 2.0], [f64::NAN, 0.0, 1.0], [2.0, 1.0, 0.0]];
        let mut bounds = Array2::from_elem((3, 3), false);
        bounds[[0, 2]] = true;
        bounds[[2, 0]] = true;
        let svg = figure(&values).at_least(bounds.view()).to_svg().unwrap();
        assert_eq!(svg.matches(UNKNOWN_GROUND).count(), 1);
        let texts = texts(&svg);
        assert!(texts.contains(&"≥2".to_owned()), "{texts:?}");
        let caption = texts.join(" | ");
        assert!(caption.contains("2 of 6 cells not known"), "{caption}");
        assert!(caption.contains("2 of 6 cells a lower bound"), "{caption}");
        let svg = figure(&values).scale(Scale::Log).color_range(1.5, 3.0).to_svg().unwrap();
        let caption = crate::testing::texts(&svg).join(" | ");
        assert!(caption.contains("2 of 6 cells outside the colour range"), "{caption}");
    }

    #[test]
    fn many_cells_lose_their_numbers_and_long_names_are_turned() {
        let values = Array2::from_shape_fn((40, 40), |(i, j)| 0.123 * (i + j) as f64);
        let names = (0..40).map(|k| format!("a rather long name of network {k}"));
        let svg = MatrixFigure::new(names, values.view()).to_svg().unwrap();
        let caption = texts(&svg).join(" | ");
        assert!(caption.contains("numbers left out, since they do not fit"), "{caption}");
        assert!(svg.contains("rotate(-40"));
    }

    #[test]
    fn bad_matrices_are_refused_and_hostile_ones_drawn() {
        let refused = |figure: MatrixFigure| figure.to_svg().unwrap_err();
        let two = array![[0.0, 1.0], [1.0, 0.0]];
        assert!(matches!(refused(MatrixFigure::new(["a"], two.view())), Error::TooFewPoints { len: 1, .. }));
        assert!(matches!(refused(MatrixFigure::new(["a", "b", "c"], two.view())), Error::Length { .. }));
        let bounds = Array2::from_elem((3, 3), true);
        assert!(matches!(refused(figure(&two).at_least(bounds.view())), Error::Length { .. }));
        assert!(matches!(refused(figure(&two).color_range(1.0, 1.0)), Error::Range { .. }));
        let unknown = Array2::from_elem((2, 2), f64::NAN);
        assert!(matches!(refused(figure(&unknown)), Error::NoFiniteValue { .. }));
        let zero = Array2::zeros((2, 2));
        assert!(matches!(refused(figure(&zero).scale(Scale::Log)), Error::NoPositiveValue { .. }));
        for value in [0.0, f64::MAX, 5e-324, -1e300] {
            for scale in [Scale::Auto, Scale::Linear] {
                let values = array![[0.0, value], [f64::INFINITY, 0.0]];
                let svg = figure(&values).scale(scale).title("<&>").to_svg().unwrap();
                roxmltree::Document::parse(&svg).unwrap();
                assert!(!svg.contains("NaN") && !svg.contains("inf"));
            }
        }
    }
}
