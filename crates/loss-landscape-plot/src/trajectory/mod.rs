//! The path of a training over its principal plane, and what that plane does not show.

use loss_landscape::trajectory::TrajectoryReport;

use crate::{
    ContourFigure, CurveFigure, Error, Panels, Result, Series,
    axis::numbers::brief,
    figure::{Draw, Figure},
    plane::shared::SharedScale,
    svg::Drawing,
};

/// A figure of a path over a plane, in two panels: the path as it is projected into the plane, over the contours there,
/// and for each snapshot how far it lies off the plane, with the loss on the path beside the loss at its projection.
///
/// A path that is drawn on a surface is drawn where it is not: the second panel says by how much. Losses are on its
/// left axis, solid on the path and dashed on the plane, distances on the right one: solid from the plane and, where
/// they are known, dashed from the last snapshot. The caption of the first panel says what share of the variance the
/// plane holds, beside what a random walk would have there.
///
/// An SVG document has about 850 by 390 px.
///
/// # Example
///
/// ```
/// use loss_landscape_plot::{ContourFigure, Figure, TrajectoryFigure};
/// use ndarray::Array2;
///
/// let axis: Vec<f64> = (0..21).map(|k| f64::from(k) / 5.0 - 1.0).collect();
/// let loss = Array2::from_shape_fn((21, 21), |(i, j)| axis[i].powi(2) + 4.0 * axis[j].powi(2));
/// let plane = ContourFigure::new(&axis, &axis, loss.view()).value_label("loss");
/// let svg = TrajectoryFigure::new(plane, &[2.0, 1.0, 0.3, 0.0], &[1.0, 0.1, -0.1, 0.0], &[0.5, 0.8, 0.2, 0.0])
///     .losses(&[8.2, 1.7, 0.2, 0.0], &[8.0, 1.04, 0.13, 0.0])
///     .variance(0.93, 0.91, 0.95)
///     .to_svg()?;
/// assert!(svg.contains("the plane holds 93.0 % of the variance"));
/// # Ok::<(), loss_landscape_plot::Error>(())
/// ```
///
/// # Errors
/// Drawing ends in the errors of the contour figure; [`Error::Length`] for coordinates, distances, losses or steps that
/// are not one for each snapshot; [`Error::TooFewPoints`] for fewer than two snapshots; [`Error::NotIncreasing`] or
/// [`Error::NotFinite`] for steps; [`Error::NoFiniteValue`] where no distance or no loss is finite; [`Error::Share`]
/// for a share of the variance that is not from 0 to 1; [`Error::TrajectoryLabel`] for a label of no snapshot.
#[derive(Clone, Debug)]
#[must_use]
pub struct TrajectoryFigure {
    plane: ContourFigure,
    x: Vec<f64>,
    y: Vec<f64>,
    off_plane: Vec<f64>,
    distances: Option<Vec<f64>>,
    /// On the path, and on the plane.
    losses: Option<[Vec<f64>; 2]>,
    loss_label: String,
    steps: Option<Vec<f64>>,
    step_label: String,
    labels: Vec<(usize, String)>,
    variance: Option<[f64; 3]>,
    title: String,
}

impl TrajectoryFigure {
    /// A path through the points (`x[t]`, `y[t]`) of the plane, in the units of the axes of `plane`, whose snapshots
    /// lie `off_plane[t]` off it. The contours keep all that was set on them.
    pub fn new(plane: ContourFigure, x: &[f64], y: &[f64], off_plane: &[f64]) -> Self {
        Self {
            plane,
            x: x.to_vec(),
            y: y.to_vec(),
            off_plane: off_plane.to_vec(),
            distances: None,
            losses: None,
            loss_label: "loss".to_owned(),
            steps: None,
            step_label: "snapshot".to_owned(),
            labels: Vec::new(),
            variance: None,
            title: String::new(),
        }
    }

    /// The path of a report over contours of its plane, with distances and shares of the variance.
    /// [`losses`](Self::losses) adds those of [`PathLosses`](loss_landscape::trajectory::PathLosses).
    ///
    /// # Example
    /// ```
    /// use loss_landscape::{FnModel, Layout, Sweep, trajectory::PrincipalPlane};
    /// use loss_landscape_plot::{ContourFigure, Figure, TrajectoryFigure};
    ///
    /// let loss = |t: &[f64], _: &()| 0.5 * (30.0 * t[0] * t[0] + t[1] * t[1] + 0.1 * t[2] * t[2]);
    /// let mut theta = [1.0, 1.0, 1.0];
    /// let mut path = vec![theta];
    /// for _ in 0..40 {
    ///     for (t, curvature) in theta.iter_mut().zip([30.0, 1.0, 0.1]) {
    ///         *t -= 0.06 * curvature * *t;
    ///     }
    ///     path.push(theta);
    /// }
    /// let model = FnModel::new(Layout::flat(3)?, theta.to_vec(), loss)?;
    /// let trajectory = PrincipalPlane::new().run(&Layout::flat(3)?, &path)?;
    /// let [alpha, beta] = trajectory.report().ranges(0.1);
    /// let losses = trajectory.losses(&model, &path, &())?;
    /// let sweep = Sweep::plane(&model, trajectory.directions().clone()).data("", &());
    /// let surface = sweep.alpha(alpha, 25).beta(beta, 25).run()?;
    ///
    /// let figure = TrajectoryFigure::from_report(ContourFigure::from(&surface), trajectory.report())
    ///     .losses(&losses.on_path, &losses.on_plane);
    /// assert!(figure.to_svg()?.contains("a random walk of 41 snapshots: 90.1 %"));
    /// # Ok::<(), loss_landscape_plot::Error>(())
    /// ```
    pub fn from_report(plane: ContourFigure, report: &TrajectoryReport) -> Self {
        let along = |k: usize| report.coordinates.get(k).map_or(&[][..], Vec::as_slice);
        let two = |shares: &[f64]| shares.iter().take(2).sum::<f64>().min(1.0);
        Self::new(plane, along(0), along(1), &report.off_plane).distances(&report.distances).variance(
            two(&report.shares),
            two(&report.random_walk),
            two(&report.random_walk_of_steps),
        )
    }

    /// The loss at each snapshot, and at its projection into the plane.
    pub fn losses(mut self, on_path: &[f64], on_plane: &[f64]) -> Self {
        self.losses = Some([on_path, on_plane].map(<[f64]>::to_vec));
        self
    }

    /// The label of the axis of the losses; `loss` by default.
    pub fn loss_label(mut self, label: impl Into<String>) -> Self {
        self.loss_label = label.into();
        self
    }

    /// The distance of each snapshot from the last one.
    pub fn distances(mut self, distances: &[f64]) -> Self {
        self.distances = Some(distances.to_vec());
        self
    }

    /// Where on the horizontal axis of the second panel each snapshot stands, such as its epoch, ascending, and the
    /// label of that axis. By default these are the numbers of the snapshots, from 0 on.
    pub fn steps(mut self, label: impl Into<String>, steps: &[f64]) -> Self {
        self.step_label = label.into();
        self.steps = Some(steps.to_vec());
        self
    }

    /// Labels at some of the snapshots, given by their indices, in the first panel.
    pub fn labels<L: Into<String>>(mut self, labels: impl IntoIterator<Item = (usize, L)>) -> Self {
        self.labels.extend(labels.into_iter().map(|(index, label)| (index, label.into())));
        self
    }

    /// The share of the variance in the plane, and what it would be for a random walk of as many snapshots, and for one
    /// whose steps are as long as those of the path; each from 0 to 1.
    pub fn variance(mut self, share: f64, random_walk: f64, random_walk_of_steps: f64) -> Self {
        self.variance = Some([share, random_walk, random_walk_of_steps]);
        self
    }

    /// The title above both panels; none by default.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    fn check(&self) -> Result<()> {
        let expected = self.x.len();
        let losses = self
            .losses
            .iter()
            .flat_map(|[path, plane]| [("losses on the path", path), ("losses on the plane", plane)]);
        let others =
            [("second coordinates of the path", &self.y), ("distances off the plane", &self.off_plane)];
        let distances =
            self.distances.iter().map(|distances| ("distances from the last snapshot", distances));
        let steps = self.steps.iter().map(|steps| ("steps of the path", steps));
        for (what, values) in others.into_iter().chain(losses).chain(distances).chain(steps) {
            if values.len() != expected {
                return Err(Error::Length { what: what.to_owned(), len: values.len(), expected });
            }
        }
        match self.variance.iter().flatten().find(|share| !(0.0..=1.0).contains(*share)) {
            Some(&value) => Err(Error::Share { what: "the variance".to_owned(), value }),
            None => Ok(()),
        }
    }

    fn plane(&self) -> ContourFigure {
        let labels = self.labels.iter().map(|(index, label)| (*index, label.as_str()));
        let plane = self.plane.clone().labelled_trajectory(&self.x, &self.y, labels);
        let Some(shares) = self.variance else { return plane };
        let [share, walk, steps] = shares.map(|share| format!("{:.1} %", 100.0 * share));
        plane
            .note(format!("the plane holds {share} of the variance"))
            .note(format!("a random walk of {} snapshots: {walk}", self.x.len()))
            .note(format!("one with steps of the same lengths: {steps}"))
    }

    fn off_plane(&self) -> CurveFigure {
        let count = 0..self.x.len();
        let steps = self.steps.clone().unwrap_or_else(|| count.map(|t| t as f64).collect());
        let series = |label: &str, values: &[f64]| Series::new(label, &steps, values);
        let mut figure =
            CurveFigure::new().x_label(self.step_label.as_str()).title("What the plane does not show");
        let distance = "distance";
        if let Some([path, plane]) = &self.losses {
            figure = figure
                .series(series("loss on the path", path))
                .series(series("loss on the plane", plane).dashed())
                .left_label(self.loss_label.as_str())
                .right_label(distance);
            let gaps = path.iter().zip(plane).map(|(path, plane)| (path - plane).abs()).enumerate();
            let finite = gaps.filter(|(_, gap)| gap.is_finite());
            if let Some((t, gap)) = finite.reduce(|most, other| if other.1 > most.1 { other } else { most }) {
                let at = format!("{} {}", self.step_label, brief(steps[t]));
                figure = figure.note(format!("the two losses differ by up to {} ({at})", brief(gap)));
            }
        } else {
            figure = figure.left_label(distance);
        }
        let right = |series: Series| if self.losses.is_some() { series.right_axis() } else { series };
        figure = figure.series(right(series("distance from the plane", &self.off_plane)));
        if let Some(distances) = &self.distances {
            figure = figure.series(right(series("from the last snapshot", distances)).dashed());
        }
        figure
    }
}

impl Figure for TrajectoryFigure {}

impl Draw for TrajectoryFigure {
    fn draw(&self, _: Option<&SharedScale>) -> Result<Drawing> {
        self.check()?;
        Panels::new().panel(self.plane()).panel(self.off_plane()).title(self.title.as_str()).draw(None)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;
    use crate::testing::texts;

    const X: [f64; 4] = [2.0, 1.0, 0.3, 0.0];
    const OFF: [f64; 4] = [0.5, 0.8, 0.2, 0.0];

    fn plane() -> ContourFigure {
        let axis: Vec<f64> = (0..11).map(|k| f64::from(k) / 2.0 - 1.0).collect();
        let loss = Array2::from_shape_fn((11, 11), |(i, j)| axis[i].powi(2) + 4.0 * axis[j].powi(2));
        ContourFigure::new(&axis, &axis, loss.view()).title("plane")
    }

    fn figure() -> TrajectoryFigure {
        TrajectoryFigure::new(plane(), &X, &[0.0; 4], &OFF)
    }

    #[test]
    fn both_panels_say_what_they_show() {
        let whole = figure()
            .losses(&[9.0, 2.0, f64::NAN, 0.1], &[8.0, 1.75, 0.2, 0.1])
            .distances(&[2.1, 1.3, 0.4, 0.0])
            .steps("epoch", &[0.0, 1.0, 5.0, 10.0])
            .labels([(0, "start & co")])
            .variance(0.931, 0.9, 0.95)
            .loss_label("nats")
            .title("whole");
        let svg = whole.to_svg().unwrap();
        assert_eq!(svg, whole.to_svg().unwrap());
        let texts = texts(&svg);
        for text in ["plane", "whole", "start & co", "epoch", "nats", "loss on the path", "loss on the plane"]
        {
            assert!(texts.iter().any(|t| t == text), "{text}: {texts:?}");
        }
        let caption = texts.join(" ");
        for note in [
            "the plane holds 93.1 % of the variance",
            "a random walk of 4 snapshots: 90.0 %",
            "one with steps of the same lengths: 95.0 %",
            "the two losses differ by up to 1 (epoch 0)",
            "1 of 16 points not finite",
            "trajectory from ○ to ◆",
        ] {
            assert!(caption.contains(note), "{note}: {caption}");
        }
    }

    #[test]
    fn distances_alone_are_on_the_left_axis() {
        let texts = texts(&figure().to_svg().unwrap());
        assert!(
            texts.iter().any(|t| t == "distance") && !texts.iter().any(|t| t.contains("loss")),
            "{texts:?}"
        );
        assert!(!texts.iter().any(|t| t.contains("variance")));
    }

    #[test]
    fn bad_input_is_refused() {
        let refused = |figure: TrajectoryFigure| figure.to_svg().unwrap_err();
        let three = [1.0, 2.0, 3.0];
        for (figure, what) in [
            (TrajectoryFigure::new(plane(), &X, &three, &OFF), "second coordinates"),
            (TrajectoryFigure::new(plane(), &X, &X, &three), "distances off the plane"),
            (figure().losses(&three, &X), "losses on the path"),
            (figure().losses(&X, &three), "losses on the plane"),
            (figure().distances(&three), "distances from the last snapshot"),
            (figure().steps("epoch", &three), "steps"),
        ] {
            let error = refused(figure);
            assert!(matches!(&error, Error::Length { len: 3, expected: 4, .. }), "{error}");
            assert!(error.to_string().contains(what), "{error}");
        }
        assert!(matches!(refused(figure().variance(0.5, 1.5, 0.5)), Error::Share { value: 1.5, .. }));
        assert!(matches!(refused(figure().steps("", &[0.0, 1.0, 1.0, 2.0])), Error::NotIncreasing { .. }));
        assert!(matches!(refused(figure().labels([(4, "end")])), Error::TrajectoryLabel { .. }));
        assert!(matches!(refused(TrajectoryFigure::new(plane(), &[], &[], &[])), Error::Empty { .. }));
        let one = TrajectoryFigure::new(plane(), &[1.0], &[1.0], &[1.0]);
        assert!(matches!(refused(one), Error::TooFewPoints { .. }));
        let none = TrajectoryFigure::new(plane(), &X, &X, &[f64::NAN; 4]);
        assert!(matches!(refused(none), Error::NoFiniteValue { .. }));
    }
}
