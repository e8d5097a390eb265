//! Minima and saddles over two directions, marked on a figure.

use loss_landscape::topology::TopologyReport;

use crate::{
    Error, Result, caption,
    geometry::{Point, Rect},
    svg::{Anchor, Label, PathData, Svg, Text},
};

/// Minima that are marked unless said otherwise.
const MOST: usize = 200;
const INK: &str = "#000";
const GROUND: &str = "#fff";
/// Half the size of a dot and of a diamond.
const DOT: f64 = 3.0;
const DIAMOND: f64 = 4.0;
const NUMBER: f64 = 8.5;
/// From a dot to the edge of its number.
const OFFSET: f64 = 5.0;
/// Least space between a number and what is not its own.
const CLEAR: f64 = 1.5;

/// Minima and saddles of a surface, to be marked on a figure of it, flat or shaded: a dot for each minimum, with its number, and a
/// diamond for each saddle.
///
/// Numbers count from 1 in the order in which the minima were given, for those of a report the most persistent first,
/// and stand where there is room for them. The caption tells the marks apart and counts what is not shown.
///
/// # Example
///
/// ```
/// use loss_landscape::{Surface, topology::Topology};
/// use loss_landscape_plot::{ContourFigure, CriticalPoints, Figure, Scale};
/// use ndarray::Array2;
///
/// let at: Vec<f64> = (-8..=8).map(|i| f64::from(i) / 4.0).collect();
/// let loss = Array2::from_shape_fn((17, 17), |(i, j)| 0.1 + (at[i] * at[i] - 1.0).powi(2) + at[j] * at[j]);
/// let surface = Surface::from_channels(&at, &at, [("loss".to_owned(), loss)])?;
/// let report = Topology::new().of(&surface)?;
/// let figure = ContourFigure::from(&surface).scale(Scale::Log).critical_points(&report);
/// assert!(figure.to_svg()?.contains("● 2 minima (1: the most persistent), ◇ 1 saddle"));
///
/// // The same from plain numbers, the saddle being that at which the second minimum (index 1) ends.
/// let points = CriticalPoints::new([[-1.0, 0.0], [1.0, 0.0]]).saddle(0.0, 0.0, 1);
/// let figure = ContourFigure::from(&surface).critical_points(points);
/// assert!(figure.to_svg()?.contains("● 2 minima, ◇ 1 saddle"));
/// # Ok::<(), loss_landscape_plot::Error>(())
/// ```
///
/// # Errors
/// A figure with these marks ends in [`Error::NotFinite`] for a position that is not finite, and in [`Error::Saddle`]
/// for a saddle of a minimum that is not there.
#[derive(Clone, Debug)]
#[must_use]
pub struct CriticalPoints {
    minima: Vec<MarkedMinimum>,
    /// Positions, and the index of the minimum that ends there.
    saddles: Vec<([f64; 2], usize)>,
    most: usize,
    numbered: bool,
    by_persistence: bool,
    /// Minima and hills that the report left out.
    left_out: usize,
}

#[derive(Clone, Debug)]
struct MarkedMinimum {
    at: [f64; 2],
    certain: bool,
}

/// Marks in pixels.
#[derive(Debug)]
pub(crate) struct PlacedCriticalPoints<'a> {
    minima: Vec<(Point, bool)>,
    saddles: Vec<Point>,
    numbers: Vec<Text<'a>>,
}

impl CriticalPoints {
    /// Minima at these positions (x, y), in the units of the axes.
    pub fn new(minima: impl IntoIterator<Item = [f64; 2]>) -> Self {
        let minima = minima.into_iter().map(|at| MarkedMinimum { at, certain: true }).collect();
        let saddles = Vec::new();
        Self { minima, saddles, most: MOST, numbered: true, by_persistence: false, left_out: 0 }
    }

    /// The minima of a report, and the saddles at which they end. Minima that are not
    /// [certain](loss_landscape::topology::Minimum::certain) are crossed; how many the report left out is told in the
    /// caption. [`From`] does the same.
    pub fn from_report(report: &TopologyReport) -> Self {
        let mut points = Self::new(report.minima.iter().map(|minimum| minimum.at.coordinates));
        for (index, minimum) in report.minima.iter().enumerate() {
            points.minima[index].certain = minimum.certain;
        }
        points.saddles = report.merges.iter().map(|merge| (merge.at.coordinates, merge.ends)).collect();
        Self { by_persistence: true, left_out: report.left_out, ..points }
    }

    /// Adds the saddle at (`x`, `y`), in the units of the axes, at which the minimum with the index `ends` merges with
    /// a deeper one.
    pub fn saddle(mut self, x: f64, y: f64, ends: usize) -> Self {
        self.saddles.push(([x, y], ends));
        self
    }

    /// How many minima to mark at most, the first ones, with their saddles; 200 by default. The others are counted in
    /// the caption.
    pub fn most(self, minima: usize) -> Self {
        Self { most: minima, ..self }
    }

    /// Whether minima have numbers, where there is room for them; they do by default.
    pub fn numbers(self, numbers: bool) -> Self {
        Self { numbered: numbers, ..self }
    }

    pub(crate) fn check(&self) -> Result<()> {
        let minima = self.minima.iter().map(|minimum| ("the minima", minimum.at));
        let saddles = self.saddles.iter().map(|(at, _)| ("the saddles", *at));
        for (what, at) in minima.chain(saddles) {
            if let Some(index) = at.iter().position(|value| !value.is_finite()) {
                return Err(Error::NotFinite { what: what.to_owned(), index, value: at[index] });
            }
        }
        match self.saddles.iter().position(|(_, ends)| *ends >= self.minima.len()) {
            Some(index) => {
                let (ends, minima) = (self.saddles[index].1, self.minima.len());
                Err(Error::Saddle { index, ends, minima })
            }
            None => Ok(()),
        }
    }

    fn shown(&self) -> (&[MarkedMinimum], impl Iterator<Item = [f64; 2]> + '_) {
        let most = self.most.min(self.minima.len());
        (&self.minima[..most], self.saddles.iter().filter(move |(_, ends)| *ends < most).map(|(at, _)| *at))
    }

    /// What the marks are, and which are not drawn: those that are not inside the axes, or not seen there.
    pub(crate) fn notes(
        &self,
        inside: impl Fn(f64, f64) -> bool,
        seen: impl Fn(f64, f64) -> bool,
    ) -> Vec<String> {
        let is_inside = |at: &[f64; 2]| inside(at[0], at[1]);
        let is_drawn = |at: &[f64; 2]| is_inside(at) && seen(at[0], at[1]);
        let (minima, saddles) = self.shown();
        let saddles: Vec<[f64; 2]> = saddles.collect();
        let count =
            |count: usize, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
        let drawn: Vec<&MarkedMinimum> = minima.iter().filter(|minimum| is_drawn(&minimum.at)).collect();
        let drawn_saddles = saddles.iter().filter(|at| is_drawn(at)).count();
        let mut key = format!("● {}", count(drawn.len(), "minimum", "minima"));
        if self.numbered && self.by_persistence && drawn.len() > 1 {
            key += " (1: the most persistent)";
        }
        if drawn_saddles > 0 {
            key.extend([", ◇ ", &count(drawn_saddles, "saddle", "saddles")]);
        }
        let uncertain = drawn.iter().filter(|minimum| !minimum.certain).count();
        let all = minima.len() + saddles.len();
        let inside =
            minima.iter().map(|minimum| &minimum.at).chain(&saddles).filter(|at| is_inside(at)).count();
        let (away, hidden) = (all - inside, inside - drawn.len() - drawn_saddles);
        let rest = self.minima.len() - minima.len();
        let rest_note = if self.by_persistence { "not marked, the least persistent" } else { "not marked" };
        let may_differ = "may differ for points without a value (⊗)";
        [
            Some(key),
            caption::note(uncertain, self.minima.len(), "minima", may_differ),
            caption::note(rest, self.minima.len(), "minima", rest_note),
            caption::note(away, all, "minima and saddles", "outside the axes"),
            caption::note(hidden, all, "minima and saddles", "hidden behind the surface"),
            (self.left_out > 0)
                .then(|| format!("{} less persistent minima and hills left out", self.left_out)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The marks inside `frame`, where `at` gives the pixel of a position. Their boxes, and those of the numbers, are
    /// added to `taken`, which the numbers keep out of.
    pub(crate) fn lay_out<'a>(
        &self,
        at: impl Fn([f64; 2]) -> Point,
        inside: impl Fn(f64, f64) -> bool,
        frame: &Rect,
        taken: &mut Vec<Rect>,
    ) -> PlacedCriticalPoints<'a> {
        let is_inside = |p: [f64; 2]| inside(p[0], p[1]);
        let (minima, saddles) = self.shown();
        let saddles: Vec<Point> = saddles.filter(|p| is_inside(*p)).map(&at).collect();
        let shown = minima.iter().enumerate().filter(|(_, minimum)| is_inside(minimum.at));
        let minima: Vec<(usize, Point, bool)> =
            shown.map(|(k, minimum)| (k, at(minimum.at), minimum.certain)).collect();
        taken.extend(minima.iter().map(|(_, p, _)| square(*p, DOT + 1.0)));
        taken.extend(saddles.iter().map(|p| square(*p, DIAMOND)));
        let mut numbers = Vec::new();
        for (k, p, _) in minima.iter().filter(|_| self.numbered) {
            let own = square(*p, DOT + 1.0);
            if let Some(text) = place(&(k + 1).to_string(), *p, frame, |other| *other == own, taken) {
                taken.push(text.bounds());
                numbers.push(text);
            }
        }
        let minima = minima.into_iter().map(|(_, p, certain)| (p, certain)).collect();
        PlacedCriticalPoints { minima, saddles, numbers }
    }
}

/// The minima and saddles of a report, as by [`from_report`](CriticalPoints::from_report).
impl From<&TopologyReport> for CriticalPoints {
    fn from(report: &TopologyReport) -> Self {
        Self::from_report(report)
    }
}

impl PlacedCriticalPoints<'_> {
    pub(crate) fn draw(self, svg: &mut Svg) {
        for [x, y] in self.saddles {
            let mut diamond = PathData::default();
            let r = DIAMOND;
            diamond.polyline(&[[x, y - r], [x + r, y], [x, y + r], [x - r, y]], true);
            for (stroke, width) in [(GROUND, "3"), (INK, "1.1")] {
                let tag = svg.tag("path").attr("d", diamond.as_str()).attr("fill", GROUND);
                tag.attr("stroke", stroke).attr("stroke-width", width).end();
            }
        }
        for ([x, y], certain) in self.minima {
            let dot = svg.tag("circle").num("cx", x).num("cy", y);
            if certain {
                let dot = dot.num("r", DOT).attr("fill", INK);
                dot.attr("stroke", GROUND).attr("stroke-width", "1.2").end();
                continue;
            }
            let r = DOT + 1.0;
            dot.num("r", r).attr("fill", GROUND).attr("stroke", INK).attr("stroke-width", "1.1").end();
            let mut cross = PathData::default();
            let arm = 0.7 * r;
            cross.polyline(&[[x - arm, y - arm], [x + arm, y + arm]], false);
            cross.polyline(&[[x - arm, y + arm], [x + arm, y - arm]], false);
            svg.tag("path").attr("d", cross.as_str()).attr("stroke", INK).attr("stroke-width", "1.1").end();
        }
        for number in self.numbers {
            number.draw(svg);
        }
    }
}

fn square([x, y]: Point, half: f64) -> Rect {
    Rect { x: x - half, y: y - half, width: 2.0 * half, height: 2.0 * half }
}

/// The number beside its dot, where it covers nothing; none if there is no such side.
fn place<'a>(
    number: &str,
    [x, y]: Point,
    frame: &Rect,
    is_own: impl Fn(&Rect) -> bool,
    taken: &[Rect],
) -> Option<Text<'a>> {
    let far = OFFSET + 4.5;
    let sides = [
        (OFFSET, 0.0, Anchor::Start),
        (-OFFSET, 0.0, Anchor::End),
        (0.0, -far, Anchor::Middle),
        (0.0, far, Anchor::Middle),
        (5.5, -far, Anchor::Start),
        (5.5, far, Anchor::Start),
        (-5.5, -far, Anchor::End),
        (-5.5, far, Anchor::End),
    ];
    sides.into_iter().find_map(|(dx, dy, anchor)| {
        let text = Text::new([x + dx, y + dy], Label::from(number)).size(NUMBER).anchor(anchor);
        let Rect { x, y, width, height } = text.bounds();
        let wide =
            Rect { x: x - CLEAR, y: y - CLEAR, width: width + 2.0 * CLEAR, height: height + 2.0 * CLEAR };
        let fits = wide.corners().iter().all(|&corner| frame.contains(corner));
        let free = fits && !taken.iter().any(|other| other.overlaps(&wide) && !is_own(other));
        free.then(|| text.fill(INK).halo(GROUND))
    })
}

#[cfg(test)]
mod tests {
    use loss_landscape::{Surface, topology::Topology};
    use ndarray::Array2;

    use super::*;
    use crate::{ContourFigure, Figure, HeatFigure, Scale, testing::texts};

    const FRAME: Rect = Rect { x: 0.0, y: 0.0, width: 100.0, height: 100.0 };

    fn rastrigin() -> Surface {
        let at: Vec<f64> = (-64..=64).map(|i| f64::from(i) * 0.08).collect();
        let wave = |x: f64| x * x + 10.0 - 10.0 * (std::f64::consts::TAU * x).cos();
        let loss = Array2::from_shape_fn((129, 129), |(i, j)| 0.1 + wave(at[i]) + wave(at[j]));
        Surface::from_channels(&at, &at, [("loss".to_owned(), loss)]).unwrap()
    }

    #[test]
    fn every_minimum_and_saddle_of_a_report_is_where_it_should_be() {
        let (surface, topology) = (rastrigin(), Topology::new());
        let report = topology.of(&surface).unwrap();
        let svg = ContourFigure::from(&surface).scale(Scale::Log).critical_points(&report).to_svg().unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let dots: Vec<_> = document.descendants().filter(|n| n.has_tag_name("circle")).collect();
        assert_eq!(dots.len(), 121);
        let number = |n: &roxmltree::Node<'_, '_>, name| n.attribute(name).unwrap().parse::<f64>().unwrap();
        let (left, top, side) = (crate::layout::SIDE, crate::layout::TOP, crate::layout::FRAME_SIDE);
        for (dot, minimum) in dots.iter().zip(&report.minima) {
            let [x, y] = minimum.at.coordinates.map(|v| (v + 5.12) / 10.24);
            assert!((number(dot, "cx") - left - x * side).abs() < 0.02);
            assert!((number(dot, "cy") - top - (1.0 - y) * side).abs() < 0.02);
        }
        let caption = texts(&svg).join(" ");
        assert!(caption.contains("● 121 minima (1: the most persistent), ◇ 120 saddles"), "{caption}");
        let few = HeatFigure::from(&surface).critical_points(CriticalPoints::from(&report).most(30)).to_svg();
        let few = few.unwrap();
        assert_eq!(few.matches("<circle").count(), 30);
        assert!(texts(&few).join(" ").contains("91 of 121 minima not marked, the least persistent"), "{few}");
        // Without numbers the first thirty are the same.
        let plain = CriticalPoints::from(&report).most(30).numbers(false);
        let plain = HeatFigure::from(&surface).critical_points(plain).to_svg().unwrap();
        assert!(texts(&plain).len() < texts(&few).len());
    }

    #[test]
    fn numbers_cover_neither_marks_nor_each_other() {
        let close: Vec<[f64; 2]> =
            (0..30).map(|k| [f64::from(k % 6) * 9.0 + 20.0, f64::from(k / 6) * 9.0 + 20.0]).collect();
        let points = CriticalPoints::new(close).saddle(24.0, 24.0, 1);
        let mut taken = Vec::new();
        let placed = points.lay_out(|p| p, |_, _| true, &FRAME, &mut taken);
        assert_eq!((placed.minima.len(), placed.saddles.len()), (30, 1));
        assert!(!placed.numbers.is_empty() && placed.numbers.len() < 30);
        let boxes: Vec<Rect> = placed.numbers.iter().map(Text::bounds).collect();
        for (k, bounds) in boxes.iter().enumerate() {
            assert!(placed.minima.iter().all(|(p, _)| !bounds.contains(*p)));
            assert!(boxes[..k].iter().all(|other| !other.overlaps(bounds)));
        }
    }

    #[test]
    fn what_is_not_certain_or_outside_is_told() {
        let mut loss = Array2::from_shape_fn((9, 9), |(i, j)| (i as f64 - 4.0).powi(2) + j as f64);
        loss[[1, 1]] = f64::NAN;
        let at: Vec<f64> = (0..9).map(f64::from).collect();
        let surface = Surface::from_channels(&at, &at, [("loss".to_owned(), loss)]).unwrap();
        let report = Topology::new().of(&surface).unwrap();
        let svg = HeatFigure::from(&surface).critical_points(&report).to_svg().unwrap();
        assert!(texts(&svg).join(" ").contains("minima may differ for points without a value (⊗)"), "{svg}");
        let svg = HeatFigure::from(&surface).critical_points(CriticalPoints::new([[1.0, 1.0], [50.0, 1.0]]));
        assert!(svg.to_svg().unwrap().contains("1 of 2 minima and saddles outside the axes"));
    }

    #[test]
    fn bad_marks_are_refused() {
        let axis = [0.0, 1.0];
        let refused = |points: CriticalPoints| {
            let values = Array2::from_shape_fn((2, 2), |(i, j)| (i + j) as f64);
            ContourFigure::new(&axis, &axis, values.view()).critical_points(points).to_svg().unwrap_err()
        };
        let at = [0.5, 0.5];
        assert!(matches!(refused(CriticalPoints::new([[0.5, f64::NAN]])), Error::NotFinite { index: 1, .. }));
        let saddle = CriticalPoints::new([at]).saddle(f64::INFINITY, 0.0, 0);
        assert!(matches!(refused(saddle), Error::NotFinite { index: 0, .. }));
        let error = refused(CriticalPoints::new([at]).saddle(0.0, 0.0, 1));
        assert_eq!(error.to_string(), "saddle 0 ends minimum 1, but there are 1");
    }
}
