//! Histograms of several samples over the same bins.

use crate::{
    Error, Result, Scale, Series, axis::scale::Extent, caption, checks::check_range, curves::chart::Chart,
    curves::draw, figure::Draw, figure::Figure, plane::shared::SharedScale, svg::Drawing,
};

/// The bins unless the caller says how many.
const BINS: usize = 60;
/// The most bins, so that a figure stays small.
const MOST_BINS: usize = 10_000;

/// Histograms of several samples on one axis, as outlines with shared bins: the weights of two networks, or any other
/// values whose distributions are to be compared.
///
/// Bins are of equal width over the range of all values of all samples, or over [`range`](Self::range), and the same
/// for every sample; the last one holds its upper end. Heights are **densities**: the share of the sample in a bin over
/// the width of the bin, so that samples of different sizes can be compared and each has area 1. Values that are not
/// finite or outside the range are left out, and counted below the figure; shares are those of all finite values. An
/// SVG document has about 420 by 360 px.
///
/// # Example
///
/// ```
/// use loss_landscape_plot::{Figure, HistogramFigure};
///
/// let weights = |scale: f64| (0..2000).map(|k| scale * (f64::from(k) * 0.7).sin()).collect::<Vec<_>>();
/// let svg = HistogramFigure::new()
///     .group("small batch", &weights(1.0))
///     .group("full batch", &weights(0.3))
///     .bins(40)
///     .x_label("weight")
///     .title("Weights of two networks")
///     .to_svg()?;
/// assert!(svg.contains("40 bins"));
/// # Ok::<(), loss_landscape_plot::Error>(())
/// ```
///
/// # Errors
/// Drawing ends in [`Error::Empty`] without samples, [`Error::NoFiniteValue`] if no value of any is finite,
/// [`Error::Bins`] for no bins or more than 10,000, [`Error::Range`] for the range, and [`Error::NotFinite`] for a
/// guide.
#[derive(Clone, Debug)]
#[must_use]
pub struct HistogramFigure {
    groups: Vec<(String, Vec<f64>)>,
    bins: usize,
    range: Option<(f64, f64)>,
    chart: Chart,
}

impl Default for HistogramFigure {
    fn default() -> Self {
        Self::new()
    }
}

impl HistogramFigure {
    /// A figure without samples; at least one must be added.
    pub fn new() -> Self {
        let chart = Chart { left_label: "density".to_owned(), left_scale: Scale::Linear, ..Chart::default() };
        Self { groups: Vec::new(), bins: BINS, range: None, chart }
    }

    /// Adds a sample. One with an empty label is not listed in the legend.
    pub fn group(mut self, label: impl Into<String>, values: &[f64]) -> Self {
        self.groups.push((label.into(), values.to_vec()));
        self
    }

    /// How many bins there are, 60 by default.
    pub fn bins(mut self, bins: usize) -> Self {
        self.bins = bins;
        self
    }

    /// The ends of the first and the last bin, instead of those of the values.
    pub fn range(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }

    /// The title above the figure; none by default.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.chart.title = title.into();
        self
    }

    /// The label of the horizontal axis; none by default.
    pub fn x_label(mut self, label: impl Into<String>) -> Self {
        self.chart.x_label = label.into();
        self
    }

    /// The label of the vertical axis; `density` by default.
    pub fn y_label(mut self, label: impl Into<String>) -> Self {
        self.chart.left_label = label.into();
        self
    }

    /// Adds a vertical line at `x` with a label, which may be empty.
    pub fn guide(mut self, x: f64, label: impl Into<String>) -> Self {
        self.chart.guide(x, label);
        self
    }

    fn ends(&self) -> Result<(f64, f64)> {
        const WHAT: &str = "range of the histogram";
        let values = self.groups.iter().flat_map(|(_, values)| values.iter().copied());
        let extent = Extent::of(values).ok_or_else(|| Error::NoFiniteValue { what: WHAT.to_owned() })?;
        if let Some(range) = self.range {
            check_range(WHAT, range, false)?;
            return Ok(range);
        }
        // Equal values stand in the middle of a range that numbers can tell apart.
        if extent.min < extent.max { Ok((extent.min, extent.max)) } else { Ok(extent.range(false)) }
    }

    /// The chart with an outline for each sample.
    fn chart(&self) -> Result<Chart> {
        if self.groups.is_empty() {
            return Err(Error::Empty { what: "samples" });
        }
        if self.bins == 0 || self.bins > MOST_BINS {
            return Err(Error::Bins { bins: self.bins, most: MOST_BINS });
        }
        let (low, high) = self.ends()?;
        let edges: Vec<f64> = (0..=self.bins)
            .map(|k| {
                let part = k as f64 / self.bins as f64;
                low * (1.0 - part) + high * part
            })
            .collect();
        let mut chart = self.chart.clone();
        chart.cut = true;
        let [mut hidden, mut outside, mut all] = [0, 0, 0];
        let mut top = 0.0_f64;
        for (label, values) in &self.groups {
            let counts = counts(&edges, values);
            let finite = values.iter().filter(|value| value.is_finite()).count();
            let seen: usize = counts.iter().sum();
            (all, hidden, outside) =
                (all + values.len(), hidden + values.len() - finite, outside + finite - seen);
            let heights: Vec<f64> = counts
                .iter()
                .zip(edges.windows(2))
                .map(|(count, edge)| *count as f64 / finite.max(1) as f64 / (edge[1] - edge[0]))
                // Bins as narrow as numbers get have no height that is one.
                .map(|height| if height.is_finite() { height } else { f64::MAX })
                .collect();
            top = heights.iter().copied().fold(top, f64::max);
            let (x, y) = outline(&edges, &heights);
            chart.series.push(Series::new(label.as_str(), &x, &y).filled());
        }
        chart.left_range = Some((0.0, if top > 0.0 { (1.05 * top).min(f64::MAX) } else { 1.0 }));
        chart.notes.push(format!("{} bins", self.bins));
        let counted = [(hidden, "not finite"), (outside, "outside the bins")];
        chart.notes.extend(counted.into_iter().filter_map(|(n, what)| caption::note(n, all, "values", what)));
        Ok(chart)
    }
}

/// How many values are in each bin.
fn counts(edges: &[f64], values: &[f64]) -> Vec<usize> {
    let bins = edges.len() - 1;
    let mut counts = vec![0; bins];
    for value in values.iter().filter(|value| **value >= edges[0] && **value <= edges[bins]) {
        let bin = edges.partition_point(|edge| edge <= value);
        counts[(bin - 1).min(bins - 1)] += 1;
    }
    counts
}

/// The outline of the bins. Both points of a vertical part have neighbouring coordinates, since those of a series
/// increase.
fn outline(edges: &[f64], heights: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (mut x, mut y) = (Vec::new(), Vec::new());
    let mut put = |at: f64, height: f64| {
        let after = x.last().is_none_or(|last: &f64| at > *last);
        x.push(if after { at } else { x[x.len() - 1].next_up() });
        y.push(height);
    };
    let mut before = 0.0;
    for (edge, height) in edges.iter().zip(heights) {
        put(*edge, before);
        put(edge.next_up(), *height);
        before = *height;
    }
    // The last edge may be the largest number.
    if let Some(last) = edges.last() {
        put(last.next_down(), before);
        put(*last, 0.0);
    }
    (x, y)
}

impl Figure for HistogramFigure {}

impl Draw for HistogramFigure {
    fn draw(&self, _: Option<&SharedScale>) -> Result<Drawing> {
        draw::draw(&self.chart()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{paths, texts};

    #[test]
    fn every_sample_has_area_one_over_the_same_bins() {
        let (few, many) = ([0.0, 1.0, 1.5, 4.0], (0..1000).map(|k| f64::from(k) / 250.0).collect::<Vec<_>>());
        let figure = HistogramFigure::new().group("few", &few).group("many", &many).bins(8);
        let chart = figure.chart().unwrap();
        assert!(chart.series.iter().all(|series| series.x == chart.series[0].x));
        for series in &chart.series {
            // Trapezoids under the outline, whose vertical parts have no width.
            let pairs = series.x.windows(2).zip(series.y.windows(2));
            let area: f64 = pairs.map(|(x, y)| (x[1] - x[0]) * f64::midpoint(y[0], y[1])).sum();
            assert!((area - 1.0).abs() < 1e-9, "{area}");
        }
        // 0 | 1 1.5 | 4, with the upper end in the last bin.
        assert_eq!(counts(&[0.0, 1.0, 2.0, 3.0, 4.0], &few), [1, 2, 0, 1]);
    }

    #[test]
    fn steps_are_drawn_vertical_and_start_and_end_at_zero() {
        let svg =
            HistogramFigure::new().group("", &[0.0, 0.1, 1.9]).bins(2).range(0.0, 2.0).to_svg().unwrap();
        let line = &paths(&svg, "stroke-width", "1.6")[0];
        let (first, last) = (line[0], line[line.len() - 1]);
        assert!((first[1] - last[1]).abs() < 1e-9, "{line:?}");
        for pair in line.windows(2) {
            let (dx, dy) = ((pair[1][0] - pair[0][0]).abs(), (pair[1][1] - pair[0][1]).abs());
            assert!(dx < 0.02 || dy < 0.02, "{line:?}");
        }
        // Two thirds in the first bin, a third in the second.
        let heights: Vec<f64> = line.iter().map(|p| first[1] - p[1]).collect();
        let top = heights.iter().copied().fold(0.0, f64::max);
        assert!(heights.iter().any(|height| (height / top - 0.5).abs() < 0.01), "{heights:?}");
    }

    #[test]
    fn what_is_left_out_is_counted() {
        let figure = HistogramFigure::new().group("a", &[0.5, f64::NAN, 7.0, -1.0]).range(0.0, 1.0).bins(10);
        let all = texts(&figure.to_svg().unwrap()).join(" | ");
        assert!(all.contains("1 of 4 values not finite") && all.contains("2 of 4 values outside"), "{all}");
    }

    #[test]
    fn bad_input_is_refused_and_hostile_values_do_not_panic() {
        let one = HistogramFigure::new().group("a", &[1.0, 2.0]);
        assert!(matches!(HistogramFigure::new().to_svg(), Err(Error::Empty { what: "samples" })));
        for bins in [0, MOST_BINS + 1] {
            assert!(matches!(one.clone().bins(bins).to_svg(), Err(Error::Bins { .. })));
        }
        assert!(matches!(one.clone().range(1.0, 1.0).to_svg(), Err(Error::Range { .. })));
        assert!(matches!(one.clone().guide(f64::NAN, "").to_svg(), Err(Error::NotFinite { .. })));
        let none = HistogramFigure::new().group("a", &[f64::NAN]);
        assert!(matches!(none.to_svg(), Err(Error::NoFiniteValue { .. })));
        assert_eq!(one.to_svg().unwrap(), one.to_svg().unwrap());
        for values in [[0.0, 0.0], [f64::MAX, f64::MIN], [5e-324, 0.0], [1.0, 1.0 + f64::EPSILON]] {
            let svg = HistogramFigure::new().group("<a>", &values).to_svg().unwrap();
            roxmltree::Document::parse(&svg).unwrap();
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{values:?}");
        }
    }
}
