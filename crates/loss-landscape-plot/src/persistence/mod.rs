//! Persistence diagrams: where features of sublevel sets begin and end.

mod draw;

use loss_landscape::topology::TopologyReport;

use crate::{
    Error, Result, Scale,
    figure::{Draw, Figure},
    plane::shared::SharedScale,
    svg::Drawing,
};

/// A persistence diagram: a mark for each minimum at the level where it begins and the level where it ends, and for
/// each hill in the same way. The higher above the diagonal, the more persistent.
///
/// Minima are dots; they begin at their own level and end at that of their saddle. Hills are triangles; they begin at
/// their pass and end at their top. What may differ for points without a value is hollow. Features that never end stand
/// on the upper edge; those that begin at no level are counted in the caption. Both axes have the same ends and the
/// same scale. An SVG document has about 360 by 350 px.
///
/// # Example
///
/// ```
/// use loss_landscape::{Surface, topology::Topology};
/// use loss_landscape_plot::{Figure, PersistenceFigure};
/// use ndarray::Array2;
///
/// let at: Vec<f64> = (-8..=8).map(|i| f64::from(i) / 4.0).collect();
/// let loss = Array2::from_shape_fn((17, 17), |(i, j)| (at[i] * at[i] - 1.0).powi(2) + at[j] * at[j]);
/// let surface = Surface::from_channels(&at, &at, [("loss".to_owned(), loss)])?;
/// let report = Topology::new().of(&surface)?;
/// let svg = PersistenceFigure::from(&report).floor(0.1).to_svg()?;
/// assert!(svg.contains("● 2 minima"));
///
/// // The same from plain numbers: a minimum at 0 that never ends, and one that ends at 1.
/// let plain = PersistenceFigure::new().minimum(0.0, f64::INFINITY).minimum(0.0, 1.0);
/// assert!(plain.to_svg()?.contains("● 2 minima"));
/// # Ok::<(), loss_landscape_plot::Error>(())
/// ```
///
/// # Errors
/// Drawing ends in [`Error::Empty`] without features; [`Error::Pair`] for one that ends below where it begins, or whose
/// levels are NaN; [`Error::NoFiniteValue`] if no level is finite, [`Error::NoPositiveValue`] if none is positive on
/// logarithmic axes; [`Error::Floor`] for a floor that is not finite or below 0.
#[derive(Clone, Debug)]
#[must_use]
pub struct PersistenceFigure {
    pairs: Vec<Pair>,
    title: String,
    value_label: String,
    scale: Scale,
    floor: Option<f64>,
}

/// A feature.
#[derive(Clone, Copy, Debug)]
struct Pair {
    hill: bool,
    birth: f64,
    death: f64,
    certain: bool,
}

impl Default for PersistenceFigure {
    fn default() -> Self {
        Self::new()
    }
}

impl PersistenceFigure {
    /// A figure without features; at least one must be added.
    pub fn new() -> Self {
        let (title, value_label) = (String::new(), String::new());
        Self { pairs: Vec::new(), title, value_label, scale: Scale::Auto, floor: None }
    }

    /// The minima and hills of a report, the axes labelled with its channel. [`From`] does the same.
    pub fn from_report(report: &TopologyReport) -> Self {
        let mut figure = Self::new().value_label(&report.channel);
        figure.pairs = report
            .pairs()
            .into_iter()
            .map(|pair| Pair {
                hill: pair.dimension > 0,
                birth: pair.birth,
                death: pair.death,
                certain: pair.certain,
            })
            .collect();
        figure
    }

    /// Adds a minimum that begins at one level and ends at another, ∞ if it never does.
    pub fn minimum(mut self, birth: f64, death: f64) -> Self {
        self.pairs.push(Pair { hill: false, birth, death, certain: true });
        self
    }

    /// Adds a hill from the level of its pass, −∞ if it has none, to its own.
    pub fn hill(mut self, birth: f64, death: f64) -> Self {
        self.pairs.push(Pair { hill: true, birth, death, certain: true });
        self
    }

    /// The title above the figure; none by default.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// What the levels are, and in which unit, for the labels of both axes; none by default.
    pub fn value_label(mut self, label: impl Into<String>) -> Self {
        self.value_label = label.into();
        self
    }

    /// The scale of both axes; [`Scale::Auto`] by default. On logarithmic ones, features that begin or end at 0 or
    /// below are left out, and counted in the caption.
    pub fn scale(mut self, scale: Scale) -> Self {
        self.scale = scale;
        self
    }

    /// Shades what does not persist more than this, and counts it: features that noise explains. For values with a
    /// standard error s, that of [`Topology::confidence`](loss_landscape::topology::Topology::confidence) is 2·c·s.
    pub fn floor(mut self, persistence: f64) -> Self {
        self.floor = Some(persistence);
        self
    }

    fn check(&self) -> Result<()> {
        if self.pairs.is_empty() {
            return Err(Error::Empty { what: "features" });
        }
        if let Some(value) = self.floor.filter(|floor| !(*floor >= 0.0 && floor.is_finite())) {
            return Err(Error::Floor { value });
        }
        let wrong = |pair: &Pair| pair.birth.is_nan() || pair.death.is_nan() || pair.birth > pair.death;
        match self.pairs.iter().position(wrong) {
            Some(index) => {
                let Pair { birth, death, .. } = self.pairs[index];
                Err(Error::Pair { index, birth, death })
            }
            None => Ok(()),
        }
    }
}

/// A figure of the minima and hills of a report, as by [`from_report`](PersistenceFigure::from_report).
impl From<&TopologyReport> for PersistenceFigure {
    fn from(report: &TopologyReport) -> Self {
        Self::from_report(report)
    }
}

impl Figure for PersistenceFigure {}

impl Draw for PersistenceFigure {
    fn draw(&self, _: Option<&SharedScale>) -> Result<Drawing> {
        self.check()?;
        draw::draw(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{layout, testing::texts};

    fn figure() -> PersistenceFigure {
        PersistenceFigure::new()
            .minimum(0.1, f64::INFINITY)
            .minimum(0.2, 0.9)
            .minimum(0.5, 0.52)
            .hill(0.3, 1.0)
            .value_label("loss")
    }

    #[test]
    fn marks_are_at_birth_and_death_on_equal_axes() {
        let svg = figure().scale(Scale::Linear).title("t").to_svg().unwrap();
        assert_eq!(svg, figure().scale(Scale::Linear).title("t").to_svg().unwrap());
        let document = roxmltree::Document::parse(&svg).unwrap();
        let number = |n: &roxmltree::Node<'_, '_>, name| n.attribute(name).unwrap().parse::<f64>().unwrap();
        let dots: Vec<[f64; 2]> = document
            .descendants()
            .filter(|n| n.has_tag_name("circle"))
            .map(|n| [number(&n, "cx"), number(&n, "cy")])
            .collect();
        assert_eq!(dots.len(), 3);
        let up = |dot: &[f64; 2]| layout::TOP + layout::FRAME_SIDE - dot[1];
        // The first never ends.
        assert!((dots[0][1] - layout::TOP).abs() < 0.02);
        // Both axes have one scale: 0.9 is seven tenths of the way from 0.2 to 1.2.
        let per_unit = (dots[2][0] - dots[1][0]) / 0.3;
        assert!(((up(&dots[1]) - up(&dots[2])) / 0.38 - per_unit).abs() < 0.1, "{dots:?}");
        let texts = texts(&svg);
        for text in ["t", "begins at (loss)", "ends at (loss)", "∞"] {
            assert!(texts.iter().any(|t| t == text), "{text}: {texts:?}");
        }
        assert!(texts.join(" ").contains("● 3 minima, ▲ 1 hill"), "{texts:?}");
    }

    #[test]
    fn what_is_within_the_floor_or_not_shown_is_counted() {
        let caption = |figure: PersistenceFigure| texts(&figure.to_svg().unwrap()).join(" ");
        let shown = caption(figure().floor(0.1));
        assert!(shown.contains("1 of 4 features not above a persistence of 0.1 (shaded)"), "{shown}");
        let shown = caption(figure().hill(f64::NEG_INFINITY, 0.7));
        assert!(shown.contains("1 of 5 features that begin at no level not shown"), "{shown}");
        let shown = caption(figure().minimum(-1.0, 0.7).scale(Scale::Log));
        assert!(shown.contains("1 of 5 features not positive (logarithmic axes)"), "{shown}");
    }

    #[test]
    fn hostile_numbers_do_not_panic_and_bad_ones_are_refused() {
        for (birth, death) in [(0.0, 0.0), (f64::MIN, f64::MAX), (5e-324, 1e300), (1.0, f64::INFINITY)] {
            for scale in [Scale::Auto, Scale::Linear, Scale::Log] {
                for floor in [0.0, 1e-300, 1.0, f64::MAX] {
                    let figure = PersistenceFigure::new().minimum(birth, death).scale(scale).floor(floor);
                    match figure.to_svg() {
                        Ok(svg) => {
                            roxmltree::Document::parse(&svg).unwrap();
                            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
                        }
                        Err(error) => assert!(matches!(error, Error::NoPositiveValue { .. }), "{error}"),
                    }
                }
            }
        }
        let refused = |figure: PersistenceFigure| figure.to_svg().unwrap_err();
        assert!(matches!(refused(PersistenceFigure::new()), Error::Empty { what: "features" }));
        assert!(matches!(refused(figure().minimum(1.0, 0.5)), Error::Pair { index: 4, .. }));
        assert!(matches!(refused(figure().hill(f64::NAN, 0.5)), Error::Pair { .. }));
        assert!(matches!(refused(figure().floor(-1.0)), Error::Floor { .. }));
        let nowhere = PersistenceFigure::new().minimum(f64::NEG_INFINITY, f64::INFINITY);
        assert!(matches!(refused(nowhere), Error::NoFiniteValue { .. }));
    }
}
