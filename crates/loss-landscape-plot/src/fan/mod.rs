//! Fan charts: how a loss along a line is distributed over draws of random directions.

use loss_landscape::{
    Curve, Draws,
    draws::{Band, BandSettings},
};
use ndarray::Ix1;

use crate::{
    Result, Scale, Series,
    curves::{chart::Chart, draw},
    figure::{Draw, Figure},
    plane::shared::SharedScale,
    results,
    svg::Drawing,
};

/// A fan chart of the draws along a line: the median, a wide band from the 10 % to the 90 % quantile and a narrow one
/// between the quartiles, for one network or several.
///
/// The bands are about *directions*: of ten directions, eight lie in the wide band at each coordinate. They say nothing
/// of another training. Draws that are not finite at a coordinate are left out there, and counted below the figure. An
/// SVG document has about 420 by 360 px.
///
/// # Example
///
/// ```
/// use loss_landscape::{FnModel, Layout, RandomDirections, Sweep};
/// use loss_landscape_plot::{FanFigure, Figure};
///
/// let loss = |t: &[f64], _: &()| t.iter().enumerate().map(|(i, t)| i as f64 * (t - 1.0).powi(2)).sum::<f64>();
/// let model = FnModel::new(Layout::flat(10)?, vec![1.0; 10], loss)?;
/// let draws = Sweep::line(&model, RandomDirections::new(42)).data("", &()).draws(20)?;
/// let svg = FanFigure::from_draws(&draws, "loss")?.lines().title("Twenty directions").to_svg()?;
/// assert!(svg.contains("median of 20 draws"));
/// # Ok::<(), loss_landscape_plot::Error>(())
/// ```
///
/// # Errors
/// Drawing ends in [`Error::Empty`](crate::Error::Empty) without draws, [`Error::Core`](crate::Error::Core) for
/// quantiles outside 0 to 1, and in the errors that [`CurveFigure`](crate::CurveFigure) lists.
#[derive(Clone, Debug)]
#[must_use]
pub struct FanFigure {
    chart: Chart,
    fans: Vec<Fan>,
    /// The shares below the edges of each band, from the widest to the narrowest.
    quantiles: Vec<[f64; 2]>,
    lines: bool,
}

/// The draws of one network, of one channel.
#[derive(Clone, Debug)]
struct Fan {
    label: String,
    draws: Draws<Ix1>,
}

impl Default for FanFigure {
    fn default() -> Self {
        Self::new()
    }
}

impl FanFigure {
    /// A figure without draws; some must be added.
    pub fn new() -> Self {
        Self {
            chart: Chart { x_label: results::LABELS[0].to_owned(), ..Chart::default() },
            fans: Vec::new(),
            quantiles: vec![[0.1, 0.9], [0.25, 0.75]],
            lines: false,
        }
    }

    /// A figure of one channel of these draws.
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) for a channel that the draws do not have.
    pub fn from_draws(draws: &Draws<Ix1>, channel: &str) -> Result<Self> {
        let label =
            if draws.len() == 1 { "1 draw".to_owned() } else { format!("median of {} draws", draws.len()) };
        Ok(Self::new().draws(label, draws, channel)?.y_label(channel))
    }

    /// Adds a channel of the draws of a network, in a colour of its own.
    ///
    /// # Errors
    /// [`Error::Core`](crate::Error::Core) for a channel that the draws do not have.
    pub fn draws(mut self, label: impl Into<String>, draws: &Draws<Ix1>, channel: &str) -> Result<Self> {
        let curves = draws.iter().map(|curve| {
            let values = curve.channel(channel)?.to_owned();
            Curve::from_channels(curve.alpha(), [(channel.to_owned(), values)])
        });
        let draws = Draws::new(curves.collect::<loss_landscape::Result<Vec<_>>>()?)?;
        self.fans.push(Fan { label: label.into(), draws });
        Ok(self)
    }

    /// The shares of draws below the lower and upper edge of each band, such as `[[0.05, 0.95]]`; 10 % to 90 % and 25 %
    /// to 75 % by default.
    pub fn quantiles(mut self, bands: impl IntoIterator<Item = [f64; 2]>) -> Self {
        self.quantiles = bands.into_iter().collect();
        self
    }

    /// Draws each draw as a thin line too.
    pub fn lines(mut self) -> Self {
        self.lines = true;
        self
    }

    /// The title above the figure; none by default.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.chart.title = title.into();
        self
    }

    /// The label of the horizontal axis; α by default.
    pub fn x_label(mut self, label: impl Into<String>) -> Self {
        self.chart.x_label = label.into();
        self
    }

    /// The label of the vertical axis; the name of the channel in a figure [from draws](Self::from_draws).
    pub fn y_label(mut self, label: impl Into<String>) -> Self {
        self.chart.left_label = label.into();
        self
    }

    /// The scale of the vertical axis; [`Scale::Auto`] by default.
    pub fn scale(mut self, scale: Scale) -> Self {
        self.chart.left_scale = scale;
        self
    }

    /// The ends of the vertical axis, instead of those of the data with a margin of 4 %.
    pub fn range(mut self, low: f64, high: f64) -> Self {
        self.chart.left_range = Some((low, high));
        self
    }

    /// Adds a vertical line at `x` with a label, which may be empty.
    pub fn guide(mut self, x: f64, label: impl Into<String>) -> Self {
        self.chart.guide(x, label);
        self
    }

    /// The chart with all series, the faintest first.
    fn chart(&self) -> Result<Chart> {
        let mut chart = self.chart.clone();
        let (mut hidden, mut values) = (0, 0);
        for (color, fan) in self.fans.iter().enumerate() {
            let channel = fan.draws.channels()[0].clone();
            let of = |[low, high]: [f64; 2]| -> Result<Band<Ix1>> {
                Ok(fan.draws.band(&channel, &BandSettings::new().quantiles(low, high))?)
            };
            let series =
                |label: &str, values: &[f64]| Series::new(label, fan.draws.alpha(), values).color(color);
            if self.lines {
                let lines = fan.draws.iter().map(|draw| series("", &draw.loss().to_vec()).thin());
                chart.series.extend(lines);
            }
            // Without bands, the median alone.
            let bands = if self.quantiles.is_empty() { &[[0.5; 2]][..] } else { &self.quantiles };
            for (number, &quantiles) in bands.iter().enumerate() {
                let band = of(quantiles)?;
                let last = number + 1 == bands.len();
                if last {
                    hidden += band.counts.iter().map(|count| band.draws - count).sum::<usize>();
                    values += band.counts.len() * band.draws;
                }
                let [median, low, high] = [&band.median, &band.low, &band.high].map(|values| values.to_vec());
                let line = series(if last { &fan.label } else { "" }, &median);
                chart.series.push(if self.quantiles.is_empty() { line } else { line.band(&low, &high) });
            }
        }
        if !self.quantiles.is_empty() && !self.fans.is_empty() {
            let percent = |share: f64| format!("{}", (1e4 * share).round() / 100.0);
            let bands =
                self.quantiles.iter().map(|[low, high]| format!("{} to {} %", percent(*low), percent(*high)));
            chart.notes.push(format!("bands: {} of draws", bands.collect::<Vec<_>>().join(", ")));
        }
        // Lines of their own are counted as any others are.
        if hidden > 0 && !self.lines {
            chart.notes.push(format!("{hidden} of {values} values of single draws not finite, left out"));
        }
        Ok(chart)
    }
}

impl Figure for FanFigure {}

impl Draw for FanFigure {
    fn draw(&self, _: Option<&SharedScale>) -> Result<Drawing> {
        draw::draw(&self.chart()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Error,
        testing::{bounds, paths, texts},
    };

    const ALPHA: [f64; 3] = [-1.0, 0.0, 1.0];

    fn draws(rows: &[[f64; 3]]) -> Draws<Ix1> {
        let curve = |row: &[f64; 3]| {
            Curve::from_channels(&ALPHA, [("loss".to_owned(), row.to_vec().into())]).unwrap()
        };
        Draws::new(rows.iter().map(curve).collect()).unwrap()
    }

    #[test]
    fn bands_are_quantiles_and_lines_are_draws() {
        let rows: Vec<[f64; 3]> = (0..=10).map(|k| [f64::from(k), 5.0, 10.0]).collect();
        let figure = FanFigure::from_draws(&draws(&rows), "loss").unwrap().range(0.0, 10.0);
        let svg = figure.to_svg().unwrap();
        let bands = paths(&svg, "fill-opacity", ".25");
        assert_eq!(bands.len(), 2);
        let height = |v: f64| crate::layout::TOP + crate::layout::FRAME_SIDE * (10.0 - v) / 10.0;
        for (band, [low, high]) in bands.iter().zip([[1.0, 9.0], [2.5, 7.5]]) {
            // At α = −1; at α = 1 all are 10.
            let (_, bottom) = bounds(band, 1);
            assert!((bottom - height(low)).abs() < 0.02, "{band:?} {high}");
        }
        assert_eq!(paths(&svg, "stroke-opacity", ".35").len(), 0);
        assert_eq!(paths(&figure.lines().to_svg().unwrap(), "stroke-opacity", ".35").len(), 11);
        let texts = texts(&svg);
        for text in ["median of 11 draws", "α", "loss", "bands: 10 to 90 %, 25 to 75 % of draws"] {
            assert!(texts.iter().any(|found| found == text), "{text}: {texts:?}");
        }
    }

    #[test]
    fn what_is_not_finite_is_counted() {
        let gaps = draws(&[[1.0, 2.0, f64::NAN], [2.0, 2.0, 3.0], [f64::INFINITY, 1.0, 2.0]]);
        let svg = FanFigure::from_draws(&gaps, "loss").unwrap().to_svg().unwrap();
        assert!(svg.contains("2 of 9 values of single draws not finite, left out"), "{svg}");
        let none = draws(&[[f64::NAN; 3]]);
        let error = FanFigure::from_draws(&none, "loss").unwrap().to_svg().unwrap_err();
        assert!(matches!(error, Error::NoFiniteValue { .. }));
    }

    #[test]
    fn bad_input_is_refused_and_the_same_input_gives_the_same_bytes() {
        let some = draws(&[[1.0, 0.5, 2.0], [3.0, 0.5, 2.5]]);
        assert!(matches!(FanFigure::from_draws(&some, "x"), Err(Error::Core(_))));
        assert!(matches!(FanFigure::new().to_svg(), Err(Error::Empty { what: "series" })));
        let figure = || FanFigure::from_draws(&some, "loss").unwrap();
        assert!(matches!(figure().quantiles([[0.1, 1.5]]).to_svg(), Err(Error::Core(_))));
        let two = || figure().draws("<other>", &some, "loss").unwrap().lines().guide(0.0, "θ").title("t");
        let svg = two().to_svg().unwrap();
        assert_eq!(svg, two().to_svg().unwrap());
        roxmltree::Document::parse(&svg).unwrap();
        let bare = figure().quantiles([]).to_svg().unwrap();
        assert!(paths(&bare, "fill-opacity", ".25").is_empty() && !bare.contains("bands"));
    }
}
