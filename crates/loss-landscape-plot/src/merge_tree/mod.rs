//! Merge trees: which minima of a surface merge at which level.

mod branches;
mod draw;
mod order;

use loss_landscape::topology::TopologyReport;

pub use self::branches::Branch;
use crate::{
    Error, Result, Scale,
    axis::numbers::brief,
    figure::{Draw, Figure},
    plane::shared::SharedScale,
    svg::Drawing,
};

/// Branches that are drawn unless said otherwise.
const MOST: usize = 40;

/// A figure of a merge tree: a branch for each minimum, from its own level up to that of the saddle at which it merges
/// with a deeper one.
///
/// Levels are on the vertical axis, linear or logarithmic. Branches stand side by side so that no two lines cross,
/// with the number of their minimum below, counted from 1 in the order in which they were given; those of
/// [`CriticalPoints`](crate::CriticalPoints) made of the same report are the same. Where branches know the share of the
/// points that flow to their minimum, wider ones have larger shares. Nothing else is meant by horizontal distances. A
/// branch that never ends reaches the upper edge.
///
/// Only the most persistent branches are drawn, 40 unless [`most`](Self::most) says otherwise; the others are counted
/// in the caption. [`uncertain`](Branch::uncertain) branches are dashed, those within a [`floor`](Self::floor) grey. An
/// SVG document has about 420 by 370 px.
///
/// # Example
///
/// ```
/// use loss_landscape_plot::{Branch, Figure, MergeTreeFigure};
///
/// // The second minimum ends at 0.9 in the first, the third before that in the second.
/// let svg = MergeTreeFigure::new([
///     Branch::new(0.1).share(0.6),
///     Branch::new(0.3).ends(0.9, 0).share(0.3),
///     Branch::new(0.5).ends(0.6, 1).share(0.1),
/// ])
/// .y_label("training loss")
/// .to_svg()?;
/// assert!(svg.contains("60 %"));
/// # Ok::<(), loss_landscape_plot::Error>(())
/// ```
///
/// # Errors
/// Drawing ends in [`Error::Empty`] without branches; [`Error::NotFinite`] for a minimum or a level that is not finite;
/// [`Error::Branch`] for a branch that ends below its minimum, in one that is not there, or in one that is not alive at
/// that level; [`Error::Share`] for a share that is not from 0 to 1; [`Error::NoPositiveValue`] if no branch reaches
/// above 0 on a logarithmic axis; [`Error::Floor`] for a floor that is not finite or below 0.
#[derive(Clone, Debug)]
#[must_use]
pub struct MergeTreeFigure {
    branches: Vec<Branch>,
    title: String,
    y_label: String,
    scale: Scale,
    most: usize,
    floor: f64,
    /// What was left out before the figure was made.
    notes: Vec<String>,
}

impl MergeTreeFigure {
    /// A figure of these branches.
    pub fn new(branches: impl IntoIterator<Item = Branch>) -> Self {
        Self {
            branches: branches.into_iter().collect(),
            title: String::new(),
            y_label: String::new(),
            scale: Scale::Auto,
            most: MOST,
            floor: 0.0,
            notes: Vec::new(),
        }
    }

    /// A figure of the minima of a report, with their basins, its vertical axis labelled with the channel. Minima that
    /// are not [certain](loss_landscape::topology::Minimum::certain) are dashed; what the report left out is counted in
    /// the caption. [`From`] does the same.
    ///
    /// # Example
    /// ```
    /// use loss_landscape::{Surface, topology::Topology};
    /// use loss_landscape_plot::{Figure, MergeTreeFigure};
    /// use ndarray::Array2;
    ///
    /// let at: Vec<f64> = (-8..=8).map(|i| f64::from(i) / 4.0).collect();
    /// let loss = Array2::from_shape_fn((17, 17), |(i, j)| (at[i] * at[i] - 1.0).powi(2) + at[j] * at[j]);
    /// let surface = Surface::from_channels(&at, &at, [("loss".to_owned(), loss)])?;
    /// let figure = MergeTreeFigure::from_report(&Topology::new().of(&surface)?).title("Two wells");
    /// assert!(figure.to_svg()?.contains("Two wells"));
    /// # Ok::<(), loss_landscape_plot::Error>(())
    /// ```
    pub fn from_report(report: &TopologyReport) -> Self {
        let branches = report.minima.iter().map(|minimum| {
            let branch = Branch::new(minimum.at.value).share(minimum.basin_share);
            let merge = minimum.merge.and_then(|merge| report.merges.get(merge));
            let branch = merge.map_or(branch.clone(), |merge| branch.ends(merge.at.value, merge.continues));
            if minimum.certain { branch } else { branch.uncertain() }
        });
        let mut figure = Self::new(branches).y_label(&report.channel);
        if report.left_out > 0 {
            let why = match report.noise_factor {
                Some(_) => "within the noise".to_owned(),
                None => format!("of a persistence up to {}", brief(report.persistence_above)),
            };
            figure.notes.push(format!("{} minima and hills {why} left out", report.left_out));
        }
        figure
    }

    /// The title above the figure; none by default.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// The label of the vertical axis: what the values are, and in which unit; none by default.
    pub fn y_label(mut self, label: impl Into<String>) -> Self {
        self.y_label = label.into();
        self
    }

    /// The scale of the vertical axis; [`Scale::Auto`] by default. On a logarithmic one, branches whose minimum is not
    /// positive begin at the lower edge, and those that end there are left out; both are counted in the caption.
    pub fn scale(mut self, scale: Scale) -> Self {
        self.scale = scale;
        self
    }

    /// How many branches to draw at most, the most persistent ones, of equal ones those given first; 40 by default, and
    /// never fewer than 1.
    pub fn most(mut self, branches: usize) -> Self {
        self.most = branches.max(1);
        self
    }

    /// The persistence that a branch must be above to count: the others are drawn in grey, and counted. 0 by default.
    /// For a surface whose values have a standard error s, that of [`Topology::confidence`] is 2·c·s.
    ///
    /// [`Topology::confidence`]: loss_landscape::topology::Topology::confidence
    pub fn floor(mut self, persistence: f64) -> Self {
        self.floor = persistence;
        self
    }

    fn check(&self) -> Result<()> {
        if !(self.floor >= 0.0 && self.floor.is_finite()) {
            return Err(Error::Floor { value: self.floor });
        }
        branches::check(&self.branches)
    }
}

/// A figure of the minima of a report, as by [`from_report`](MergeTreeFigure::from_report).
impl From<&TopologyReport> for MergeTreeFigure {
    fn from(report: &TopologyReport) -> Self {
        Self::from_report(report)
    }
}

impl Figure for MergeTreeFigure {}

impl Draw for MergeTreeFigure {
    fn draw(&self, _: Option<&SharedScale>) -> Result<Drawing> {
        self.check()?;
        draw::draw(self)
    }
}

#[cfg(test)]
mod tests {
    use loss_landscape::{Surface, topology::Topology};
    use ndarray::Array2;

    use super::*;
    use crate::{layout, testing::texts};

    fn three() -> MergeTreeFigure {
        MergeTreeFigure::new([
            Branch::new(0.1).share(0.6),
            Branch::new(0.3).ends(0.9, 0).share(0.3),
            Branch::new(0.5).ends(0.6, 1).share(0.1),
        ])
    }

    fn rastrigin(cells: usize) -> Surface {
        let at: Vec<f64> = (0..=cells).map(|i| 10.24 * i as f64 / cells as f64 - 5.12).collect();
        let wave = |x: f64| x * x + 10.0 - 10.0 * (std::f64::consts::TAU * x).cos();
        let loss = Array2::from_shape_fn((at.len(), at.len()), |(i, j)| wave(at[i]) + wave(at[j]));
        Surface::from_channels(&at, &at, [("loss".to_owned(), loss)]).unwrap()
    }

    fn circles(svg: &str) -> usize {
        svg.matches("<circle").count()
    }

    #[test]
    fn each_branch_has_a_minimum_a_number_and_a_share() {
        let svg = three().title("t & t").y_label("loss").to_svg().unwrap();
        assert_eq!(circles(&svg), 3);
        let texts = texts(&svg);
        for text in ["t & t", "loss", "1", "2", "3", "60 %", "30 %", "10 %"] {
            assert!(texts.iter().any(|t| t == text), "{text}: {texts:?}");
        }
        assert!(!svg.contains("stroke-dasharray"));
        assert_eq!(svg, three().title("t & t").y_label("loss").to_svg().unwrap());
    }

    #[test]
    fn a_tree_of_hundreds_shows_the_most_persistent_and_counts_the_rest() {
        let report = Topology::new().of(&rastrigin(128)).unwrap();
        assert_eq!(report.minima.len(), 121);
        let svg = MergeTreeFigure::from(&report).to_svg().unwrap();
        assert_eq!(circles(&svg), 40);
        assert!(texts(&svg).join(" ").contains("81 of 121 minima left out, the least persistent"));
        let all = MergeTreeFigure::from_report(&report).most(500).to_svg().unwrap();
        assert_eq!(circles(&all), 121);
        assert!(!all.contains("left out") && all.len() < 60_000, "{}", all.len());
        let few = Topology::new().persistence_above(18.0).of(&rastrigin(128)).unwrap();
        let svg = MergeTreeFigure::from(&few).to_svg().unwrap();
        let note = format!("{} minima and hills of a persistence up to 18 left out", few.left_out);
        assert!(texts(&svg).join(" ").contains(&note), "{svg}");
        let noisy = Topology::new().standard_error(1.8).of(&rastrigin(128)).unwrap();
        let svg = MergeTreeFigure::from(&noisy).to_svg().unwrap();
        assert!(noisy.left_out > 0 && texts(&svg).join(" ").contains("within the noise left out"));
    }

    #[test]
    fn what_holes_may_change_is_dashed_and_what_is_below_the_floor_is_grey() {
        let mut loss = Array2::from_shape_fn((9, 9), |(i, j)| (i as f64 - 4.0).powi(2) + j as f64);
        loss[[1, 1]] = f64::NAN;
        let at: Vec<f64> = (0..9).map(f64::from).collect();
        let surface = Surface::from_channels(&at, &at, [("loss".to_owned(), loss)]).unwrap();
        let svg = MergeTreeFigure::from(&Topology::new().of(&surface).unwrap()).to_svg().unwrap();
        assert!(svg.contains("stroke-dasharray") && texts(&svg).join(" ").contains("dashed"));
        let svg = three().floor(0.2).to_svg().unwrap();
        assert!(
            texts(&svg).join(" ").contains("1 of 3 minima not above a persistence of 0.2 (grey)"),
            "{svg}"
        );
        assert_eq!(svg.matches("fill=\"#9a9a9a\"").count(), 1);
    }

    #[test]
    fn a_logarithmic_axis_says_what_it_cannot_show() {
        let figure = MergeTreeFigure::new([
            Branch::new(-1.0),
            Branch::new(0.5).ends(40.0, 0),
            Branch::new(-0.5).ends(-0.25, 0),
        ]);
        let svg = figure.clone().scale(Scale::Log).to_svg().unwrap();
        let caption = texts(&svg).join(" ");
        assert!(caption.contains("1 of 3 minima not positive, drawn to the lower edge"), "{caption}");
        assert!(caption.contains("1 of 3 branches not positive (logarithmic axis)"), "{caption}");
        assert_eq!(circles(&svg), 1);
        assert_eq!(circles(&figure.to_svg().unwrap()), 3);
        let negative = MergeTreeFigure::new([Branch::new(-1.0)]).scale(Scale::Log);
        assert!(matches!(negative.to_svg(), Err(Error::NoPositiveValue { .. })));
    }

    #[test]
    fn everything_is_inside_the_frame_for_hostile_numbers() {
        for branches in [
            vec![Branch::new(0.0)],
            vec![Branch::new(f64::MIN), Branch::new(f64::MIN).ends(f64::MAX, 0)],
            vec![Branch::new(5e-324), Branch::new(1e300).ends(f64::MAX, 0)],
            vec![Branch::new(1.0), Branch::new(1.0).ends(1.0, 0), Branch::new(1.0).ends(1.0, 1)],
        ] {
            for scale in [Scale::Auto, Scale::Linear, Scale::Log] {
                let Ok(svg) = MergeTreeFigure::new(branches.clone()).scale(scale).to_svg() else { continue };
                assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
                let document = roxmltree::Document::parse(&svg).unwrap();
                for circle in document.descendants().filter(|n| n.has_tag_name("circle")) {
                    let y: f64 = circle.attribute("cy").unwrap().parse().unwrap();
                    assert!((layout::TOP..=layout::TOP + layout::FRAME_SIDE).contains(&y), "{y}");
                }
            }
        }
    }

    #[test]
    fn bad_input_is_refused() {
        let refused = |branches: &[Branch]| MergeTreeFigure::new(branches.to_vec()).to_svg().unwrap_err();
        assert!(matches!(refused(&[]), Error::Empty { what: "branches" }));
        assert!(matches!(refused(&[Branch::new(f64::NAN)]), Error::NotFinite { index: 0, .. }));
        let root = Branch::new(0.0);
        let with = |other: Branch| refused(&[root.clone(), other]);
        assert!(matches!(with(Branch::new(1.0).ends(f64::INFINITY, 0)), Error::NotFinite { index: 1, .. }));
        assert!(matches!(with(Branch::new(1.0).ends(0.5, 0)), Error::Branch { index: 1, .. }));
        assert!(matches!(with(Branch::new(1.0).ends(2.0, 2)), Error::Branch { into: 2, .. }));
        assert!(matches!(with(Branch::new(1.0).ends(2.0, 1)), Error::Branch { into: 1, .. }));
        assert!(matches!(with(Branch::new(-2.0).ends(-1.0, 0)), Error::Branch { into: 0, .. }));
        let circle = [Branch::new(0.0).ends(1.0, 1), Branch::new(0.0).ends(1.0, 0)];
        let error = refused(&circle);
        assert!(matches!(error, Error::Branch { index: 0, .. }), "{error}");
        assert!(matches!(with(Branch::new(1.0).share(1.5)), Error::Share { .. }));
        assert!(matches!(three().floor(f64::NAN).to_svg(), Err(Error::Floor { .. })));
    }
}
