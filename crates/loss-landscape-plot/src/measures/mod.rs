//! A measure of several networks, each with the interval of its mean over draws.

mod draw;

use loss_landscape::{measure::Measured, statistics::TwoLevel};

use crate::{
    Result, Scale,
    figure::{Draw, Figure},
    plane::shared::SharedScale,
    svg::Drawing,
};

/// A chart of one measure for several networks: a dot for each draw, and the interval of the mean.
///
/// A reading of which only a lower bound is known is a triangle that points to the right; then the median takes the
/// place of the mean, which does not exist, and is drawn hollow. With two networks or more the caption compares the
/// spread between networks with that between the draws of one: where the second is large, one random direction does
/// not tell these networks apart. An SVG document is about 420 px wide and 34 px a row high.
///
/// # Example
///
/// ```
/// use loss_landscape::measure::{Measured, Reading};
/// use loss_landscape_plot::{Figure, MeasureFigure};
///
/// let measured = |values: &[f64]| Measured::new("curvature along d", values.iter().map(|&v| Reading::Value(v)));
/// let svg = MeasureFigure::new()
///     .group("with skips", &measured(&[1.1, 1.3, 0.9, 1.2, 1.4]))
///     .group("without", &measured(&[6.2, 5.1, 7.7, 5.9, 6.4]))
///     .to_svg()?;
/// assert!(svg.contains("without"));
/// # Ok::<(), loss_landscape_plot::Error>(())
/// ```
///
/// # Errors
/// Drawing ends in [`Error::Empty`](crate::Error::Empty) without networks,
/// [`Error::NoFiniteValue`](crate::Error::NoFiniteValue) if nothing is known of any,
/// [`Error::NoPositiveValue`](crate::Error::NoPositiveValue) on a logarithmic axis if none is positive,
/// [`Error::Range`](crate::Error::Range) for the range of the axis, and [`Error::Core`](crate::Error::Core) for a
/// confidence that is not between 0 and 1.
#[derive(Clone, Debug)]
#[must_use]
pub struct MeasureFigure {
    groups: Vec<Group>,
    /// Of those to come.
    color: Option<usize>,
    confidence: f64,
    title: String,
    /// The name of the first measure where it is not set.
    x_label: Option<String>,
    /// What the dots are, in the plural.
    dots: String,
    scale: Scale,
    range: Option<(f64, f64)>,
}

#[derive(Clone, Debug)]
struct Group {
    label: String,
    measured: Measured,
    /// Its place among the colours.
    color: usize,
}

impl Default for MeasureFigure {
    fn default() -> Self {
        Self::new()
    }
}

impl MeasureFigure {
    /// A figure without networks; at least one must be added.
    pub fn new() -> Self {
        Self {
            groups: Vec::new(),
            color: None,
            confidence: 0.95,
            title: String::new(),
            x_label: None,
            dots: "draws".to_owned(),
            scale: Scale::Auto,
            range: None,
        }
    }

    /// Adds a network, below the others.
    pub fn group(mut self, label: impl Into<String>, measured: &Measured) -> Self {
        let color = self.color.unwrap_or(self.groups.len());
        self.groups.push(Group { label: label.into(), measured: measured.clone(), color });
        self
    }

    /// The colour of the networks that are added after this, 0 to 5 and repeating: dark blue, red, yellow, black, teal,
    /// violet. By default each has its own.
    pub fn color(mut self, index: usize) -> Self {
        self.color = Some(index);
        self
    }

    /// The probability with which intervals hold, 0.95 by default.
    pub fn confidence(mut self, confidence: f64) -> Self {
        self.confidence = confidence;
        self
    }

    /// The title above the figure; none by default.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// The label of the axis; the name of the first measure by default.
    pub fn x_label(mut self, label: impl Into<String>) -> Self {
        self.x_label = Some(label.into());
        self
    }

    /// What each dot is, in the plural, for the caption: `draws` by default, or `trainings`.
    ///
    /// ```
    /// use loss_landscape::measure::{Measured, Reading};
    /// use loss_landscape_plot::{Figure, MeasureFigure};
    ///
    /// let errors = Measured::new("test error", [0.02, 0.03, 0.01].map(Reading::Value));
    /// let svg = MeasureFigure::new().group("ResNet-20", &errors).dots("trainings").to_svg()?;
    /// assert!(svg.contains("dots: trainings"));
    /// # Ok::<(), loss_landscape_plot::Error>(())
    /// ```
    pub fn dots(mut self, what: impl Into<String>) -> Self {
        self.dots = what.into();
        self
    }

    /// The scale of the axis; [`Scale::Auto`] by default.
    pub fn scale(mut self, scale: Scale) -> Self {
        self.scale = scale;
        self
    }

    /// The ends of the axis, instead of those of the data with a margin. What is outside is cut off at the frame and
    /// counted in the caption.
    pub fn range(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }

    /// The spread between and within networks, where all have values enough.
    fn levels(&self) -> Option<TwoLevel> {
        let samples = self.groups.iter().map(|group| group.measured.sample().ok());
        TwoLevel::of(&samples.collect::<Option<Vec<_>>>()?).ok()
    }
}

impl Figure for MeasureFigure {}

impl Draw for MeasureFigure {
    fn draw(&self, _: Option<&SharedScale>) -> Result<Drawing> {
        draw::draw(self)
    }
}

#[cfg(test)]
mod tests {
    use loss_landscape::measure::Reading;

    use super::*;
    use crate::{
        Error,
        testing::{paths, texts},
    };

    fn measured(values: &[f64]) -> Measured {
        Measured::new("radius", values.iter().map(|&value| Reading::Value(value)))
    }

    #[test]
    fn draws_are_dots_and_means_have_their_interval() {
        let one = measured(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        let svg = MeasureFigure::new().group("a", &one).range(0.0, 6.0).to_svg().unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let circles: Vec<_> = document.descendants().filter(|node| node.has_tag_name("circle")).collect();
        assert_eq!(circles.len(), 5 + 1);
        let x = |node: &roxmltree::Node<'_, '_>| node.attribute("cx").unwrap().parse::<f64>().unwrap();
        let (first, last, mean) = (x(&circles[0]), x(&circles[4]), x(&circles[5]));
        assert!((mean - f64::midpoint(first, last)).abs() < 0.02);
        // From 0 to 6: the interval reaches t·s/√5 = 2.776·0.7071 to both sides.
        let unit = (last - first) / 4.0;
        let bar = &paths(&svg, "stroke-width", "2.2")[0];
        assert!((bar[1][0] - bar[0][0] - 2.0 * 2.776_445 * 0.5_f64.sqrt() * unit).abs() < 0.05, "{bar:?}");
        assert!(texts(&svg).iter().any(|text| text == "radius"));
    }

    #[test]
    fn bounds_are_triangles_and_the_median_takes_the_place_of_the_mean() {
        let readings = (1..=7).map(|k| Reading::Value(f64::from(k))).chain([Reading::AtLeast(8.0); 2]);
        let bounded = Measured::new("radius", readings.chain([Reading::Unknown]));
        let svg =
            MeasureFigure::new().group("a", &bounded).group("b", &measured(&[1.0, 2.0])).to_svg().unwrap();
        let all = texts(&svg).join(" | ");
        assert!(all.contains("2 of 12 draws only bounded below"), "{all}");
        assert!(all.contains("1 of 12 draws unknown"), "{all}");
        assert!(all.contains("hollow: medians"), "{all}");
        assert!(!all.contains("between networks"), "{all}");
    }

    #[test]
    fn the_caption_compares_networks_with_draws() {
        let figure = MeasureFigure::new()
            .group("a", &measured(&[1.0, 1.2, 0.8]))
            .group("b", &measured(&[5.0, 5.1, 4.9]));
        let all = texts(&figure.to_svg().unwrap()).join(" | ");
        assert!(all.contains("of the variance is between networks"), "{all}");
        // One value each has no spread within.
        let single = MeasureFigure::new().group("a", &measured(&[1.0])).group("b", &measured(&[5.0]));
        let svg = single.to_svg().unwrap();
        assert!(!svg.contains("of the variance") && paths(&svg, "stroke-width", "2.2").is_empty());
    }

    #[test]
    fn bad_input_is_refused_and_hostile_values_do_not_panic() {
        assert!(matches!(MeasureFigure::new().to_svg(), Err(Error::Empty { .. })));
        let none = Measured::new("x", [Reading::Unknown]);
        assert!(matches!(MeasureFigure::new().group("a", &none).to_svg(), Err(Error::NoFiniteValue { .. })));
        let some = MeasureFigure::new().group("a", &measured(&[1.0, 2.0]));
        assert!(matches!(some.clone().confidence(1.0).to_svg(), Err(Error::Core(_))));
        assert!(matches!(some.clone().range(2.0, 1.0).to_svg(), Err(Error::Range { .. })));
        assert_eq!(some.to_svg().unwrap(), some.to_svg().unwrap());
        let negative = MeasureFigure::new().group("a", &measured(&[-1.0, -2.0])).scale(Scale::Log);
        assert!(matches!(negative.to_svg(), Err(Error::NoPositiveValue { .. })));
        for values in [[0.0, 0.0], [f64::MAX, f64::MIN], [5e-324, 1e300], [-1.0, 1e-300]] {
            for scale in [Scale::Auto, Scale::Linear, Scale::Log] {
                let figure = MeasureFigure::new().group("<a>", &measured(&values)).scale(scale);
                if let Ok(svg) = figure.to_svg() {
                    roxmltree::Document::parse(&svg).unwrap();
                    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{values:?}");
                }
            }
        }
    }
}
