//! The parts of the core's results that figures are drawn from.

use loss_landscape::{Curve, SampledLandscape, Surface, curvature::DensityEstimate};
use ndarray::{ArrayView1, ArrayView2};

use crate::Result;

/// The labels of the axes of a surface.
pub(crate) const LABELS: [&str; 2] = ["α", "β"];

/// The coordinates along both axes of a surface.
pub(crate) fn axes(surface: &Surface) -> [&[f64]; 2] {
    [surface.alpha(), surface.beta()]
}

/// One channel of a surface, [α, β].
pub(crate) fn channel<'a>(surface: &'a Surface, name: &str) -> Result<ArrayView2<'a, f64>> {
    Ok(surface.channel(name)?)
}

/// The name of the first channel of a surface, and its values. A surface has at least one channel.
pub(crate) fn first_channel(surface: &Surface) -> (&str, ArrayView2<'_, f64>) {
    (&surface.channels()[0], surface.loss())
}

/// The standard errors of a channel of a sampled surface, [α, β].
pub(crate) fn standard_error<'a>(sampled: &'a SampledLandscape, name: &str) -> Result<ArrayView2<'a, f64>> {
    Ok(sampled.standard_error(name)?)
}

/// Those of its first channel.
pub(crate) fn first_standard_error(sampled: &SampledLandscape) -> ArrayView2<'_, f64> {
    sampled.error()
}

/// How much of a full sweep a sampled one took.
pub(crate) fn sampled_note(sampled: &SampledLandscape) -> String {
    format!("{:.1} % of all samples evaluated", 100.0 * sampled.share())
}

/// One channel along a curve.
pub(crate) fn curve_channel<'a>(curve: &'a Curve, name: &str) -> Result<ArrayView1<'a, f64>> {
    Ok(curve.channel(name)?)
}

/// The name of the first channel along a curve, and its values. A curve has at least one channel.
pub(crate) fn first_curve_channel(curve: &Curve) -> (&str, ArrayView1<'_, f64>) {
    (&curve.channels()[0], curve.loss())
}

/// Where a density of Gaussians of this width is drawn: evenly over all its nodes and a little beyond, close enough
/// to show each Gaussian.
pub(crate) fn density_points(estimate: &DensityEstimate, width: f64) -> Vec<f64> {
    let [low, high] = estimate.range();
    let margin = (0.05 * (high - low)).max(4.0 * width);
    let span = high - low + 2.0 * margin;
    let steps = (2.0 * span / width).ceil().clamp(1000.0, 4000.0);
    (0..=steps as usize).map(|k| low - margin + span * (k as f64 / steps)).collect()
}

#[cfg(test)]
mod tests {
    use loss_landscape::{
        Curve, EigenRatio, Gradient, HessianProduct, Layout, Loss, Model, OracleError, RandomDirections,
        SampleLosses, Sampled, Sweep,
        curvature::{FnOperator, RatioState, SpectralDensity},
    };
    use ndarray::{Array1, Array2};

    use super::*;
    use crate::{
        ContourFigure, CurveFigure, DensityFigure, Error, Figure, HeatFigure, RatioFigure, Series,
        SurfaceFigure,
    };

    fn surface() -> Surface {
        let values = |shift: f64| Array2::from_shape_fn((4, 3), |(i, j)| shift + (i * j) as f64);
        let channels = [("train loss".to_owned(), values(1.0)), ("test loss".to_owned(), values(2.0))];
        Surface::from_channels(&[-1.0, 0.0, 1.0, 2.0], &[0.0, 0.5, 1.0], channels).unwrap()
    }

    fn assert_same(a: &impl Figure, b: &impl Figure) {
        assert_eq!(a.to_svg().unwrap(), b.to_svg().unwrap());
    }

    #[test]
    fn figures_of_a_surface_are_those_of_its_parts_with_labels() {
        let surface = surface();
        let (x, y, test) = (surface.alpha(), surface.beta(), surface.channel("test loss").unwrap());
        let labelled = |figure: ContourFigure| figure.x_label("α").y_label("β").value_label("test loss");
        let [straight, first] =
            ["test loss", "train loss"].map(|name| ContourFigure::from_surface(&surface, name).unwrap());
        assert_same(&straight, &labelled(ContourFigure::new(x, y, test)));
        assert_same(&ContourFigure::from(&surface), &first);
        let labelled = |figure: HeatFigure| figure.x_label("α").y_label("β").value_label("test loss");
        let [straight, first] =
            ["test loss", "train loss"].map(|name| HeatFigure::from_surface(&surface, name).unwrap());
        assert_same(&straight, &labelled(HeatFigure::new(x, y, test)));
        assert_same(&HeatFigure::from(&surface), &first);
        let labelled = |figure: SurfaceFigure| figure.x_label("α").y_label("β").value_label("test loss");
        let [straight, first] =
            ["test loss", "train loss"].map(|name| SurfaceFigure::from_surface(&surface, name).unwrap());
        assert_same(&straight, &labelled(SurfaceFigure::new(x, y, test)));
        assert_same(&SurfaceFigure::from(&surface), &first);
        assert!(matches!(ContourFigure::from_surface(&surface, "loss"), Err(Error::Core(_))));
    }

    #[test]
    fn figures_of_a_curve_have_one_channel_and_take_more() {
        let channels = [("loss", [2.0, 0.5, 1.0]), ("accuracy", [0.1, 0.9, 0.5])];
        let channels = channels.map(|(name, values)| (name.to_owned(), Array1::from(values.to_vec())));
        let curve = Curve::from_channels(&[-1.0, 0.0, 1.0], channels).unwrap();
        let by_hand = CurveFigure::new()
            .series(Series::new("accuracy", &[-1.0, 0.0, 1.0], &[0.1, 0.9, 0.5]))
            .x_label("α");
        let straight = CurveFigure::from_curve(&curve, "accuracy").unwrap();
        assert_eq!(straight.to_svg().unwrap(), by_hand.to_svg().unwrap());
        let first = CurveFigure::from_curve(&curve, "loss").unwrap();
        assert_eq!(CurveFigure::from(&curve).to_svg().unwrap(), first.to_svg().unwrap());
        let error = Series::from_curve(&curve, "losses").unwrap_err();
        assert!(matches!(error, Error::Core(_)) && error.to_string().contains("losses"), "{error}");
    }

    /// (θ₀·x + θ₁ − y)² of each sample.
    struct Line(Layout, Vec<f64>);

    impl Line {
        fn one(theta: &[f64], x: f64) -> f64 {
            (theta[0] * x + theta[1] - (3.0 * x).sin()).powi(2)
        }
    }

    impl Model for Line {
        type Scalar = f64;

        fn layout(&self) -> &Layout {
            &self.0
        }

        fn parameters(&self) -> &[f64] {
            &self.1
        }
    }

    impl Loss<[f64]> for Line {
        fn loss(&self, theta: &[f64], data: &[f64]) -> Result<f64, OracleError> {
            Ok(data.iter().map(|x| Self::one(theta, *x)).sum::<f64>() / data.len() as f64)
        }
    }

    impl SampleLosses<[f64]> for Line {
        fn sample_count(&self, data: &[f64]) -> usize {
            data.len()
        }

        fn sample_losses(
            &self,
            theta: &[f64],
            data: &[f64],
            samples: &[usize],
            out: &mut [f64],
        ) -> Result<(), OracleError> {
            samples.iter().zip(out).for_each(|(&sample, out)| *out = Self::one(theta, data[sample]));
            Ok(())
        }
    }

    #[test]
    fn a_figure_of_a_sampled_surface_has_its_errors_and_its_share() {
        let model = Line(Layout::flat(2).unwrap(), vec![1.0, 0.0]);
        let data: Vec<f64> = (0..900).map(|i| f64::from(i).sin()).collect();
        let sweep = Sweep::plane(&model, RandomDirections::new(2)).data("train", data.as_slice());
        let sweep = sweep.alpha(-1.0..=1.0, 11).beta(-1.0..=1.0, 9);
        let sampled = sweep.sampled(&Sampled::new().relative_error(0.1)).unwrap();
        let error = sampled.standard_error("train loss").unwrap();
        assert_eq!(error, sampled.error());
        let by_hand = ContourFigure::from_surface(&sampled, "train loss").unwrap().standard_error(error);
        let figure = ContourFigure::from_sampled(&sampled, "train loss").unwrap();
        let share = format!("{:.1} % of all samples evaluated", 100.0 * sampled.share());
        assert!(figure.to_svg().unwrap().contains(&share));
        assert_same(&figure, &by_hand.note(share));
        assert_same(&ContourFigure::from(&sampled), &figure);
        assert!(HeatFigure::from_surface(&sampled, "train loss standard error").is_ok());
        let none = ContourFigure::from_sampled(&sampled, "train samples");
        assert!(matches!(none, Err(Error::Core(_))));
    }

    /// x⁴ + y² − z², whose Hessian has one negative eigenvalue.
    struct Saddle(Layout, Vec<f64>);

    impl Model for Saddle {
        type Scalar = f64;

        fn layout(&self) -> &Layout {
            &self.0
        }

        fn parameters(&self) -> &[f64] {
            &self.1
        }
    }

    impl Loss<()> for Saddle {
        fn loss(&self, theta: &[f64], (): &()) -> Result<f64, OracleError> {
            Ok(theta[0].powi(4) + theta[1].powi(2) - theta[2].powi(2))
        }
    }

    impl Gradient<()> for Saddle {
        fn gradient(&self, theta: &[f64], (): &(), out: &mut [f64]) -> Result<f64, OracleError> {
            out.copy_from_slice(&[4.0 * theta[0].powi(3), 2.0 * theta[1], -2.0 * theta[2]]);
            self.loss(theta, &())
        }
    }

    impl HessianProduct<()> for Saddle {}

    #[test]
    fn a_figure_of_a_map_is_that_of_its_parts_with_labels() {
        let model = Saddle(Layout::flat(3).unwrap(), vec![1.0, 1.0, 1.0]);
        let directions = RandomDirections::new(1).pair(&model).unwrap();
        let map = Sweep::plane(&model, directions).data("", &()).alpha(-0.5..=0.5, 5).beta(-0.5..=0.5, 4);
        let map = map.eigen_ratio(&EigenRatio::new()).unwrap();
        let by_hand = RatioFigure::new(map.alpha(), map.beta(), map.lambda_min(), map.lambda_max())
            .uncertain(map.uncertain().view())
            .x_label("α")
            .y_label("β");
        let straight = RatioFigure::from_map(&map).to_svg().unwrap();
        assert_eq!(straight, by_hand.to_svg().unwrap());
        assert_eq!(RatioFigure::from(&map).to_svg().unwrap(), straight);
    }

    /// Σ tᵢ⁴ − (i + 1)·tᵢ².
    struct Quartic(Layout, Vec<f64>);

    impl Model for Quartic {
        type Scalar = f64;
        fn layout(&self) -> &Layout {
            &self.0
        }
        fn parameters(&self) -> &[f64] {
            &self.1
        }
    }

    impl Loss<()> for Quartic {
        fn loss(&self, theta: &[f64], (): &()) -> Result<f64, OracleError> {
            Ok(theta.iter().zip(1..).map(|(t, i)| t.powi(4) - f64::from(i) * t.powi(2)).sum())
        }
    }

    impl Gradient<()> for Quartic {
        fn gradient(&self, theta: &[f64], (): &(), out: &mut [f64]) -> Result<f64, OracleError> {
            for ((out, t), i) in out.iter_mut().zip(theta).zip(1..) {
                *out = 4.0 * t.powi(3) - 2.0 * f64::from(i) * t;
            }
            self.loss(theta, &())
        }
    }

    impl HessianProduct<()> for Quartic {}

    #[test]
    fn a_figure_of_a_map_says_what_is_not_certified() {
        let model = Quartic(Layout::flat(12).unwrap(), vec![1.0; 12]);
        let map = |certified| {
            let sweep = Sweep::plane(&model, RandomDirections::new(1)).data("", &());
            let ratio = EigenRatio::new().audit(8).certified(certified);
            sweep.alpha(-0.1..=0.1, 9).beta(-0.1..=0.1, 9).eigen_ratio(&ratio).unwrap()
        };
        let warm_map = map(false);
        let warm = warm_map.states().iter().filter(|state| **state == Some(RatioState::Warm)).count();
        assert!(warm > 8, "{warm}");
        let svg = RatioFigure::from_map(&warm_map).to_svg().unwrap();
        let note = format!("{warm} of 81 points warm: as neighbours lead to expect, not certified");
        assert!(
            svg.contains(&note) && svg.contains("of 8 drawn 0 were off: at most 31.2 % of the warm (95 %)")
        );
        assert!(!RatioFigure::from_map(&map(true)).to_svg().unwrap().contains("warm"));
    }

    /// An estimate for a matrix with these eigenvalues.
    fn estimate(spectrum: &[f64], probes: usize) -> DensityEstimate {
        let mut operator = FnOperator::new(spectrum.len(), |v: &[f64], out: &mut [f64]| {
            out.iter_mut().zip(spectrum).zip(v).for_each(|((out, l), v)| *out = l * v);
            Ok(())
        });
        SpectralDensity::new().probes(probes).steps(20).run(&mut operator).unwrap()
    }

    #[test]
    fn a_density_is_drawn_finely_over_all_its_nodes() {
        let spectrum: Vec<f64> = (0..200).map(|i| if i < 2 { 10.0 } else { f64::from(i).sin() }).collect();
        let found = estimate(&spectrum, 4);
        let (width, [low, high]) = (found.default_width(), found.range());
        let at = density_points(&found, width);
        assert!(at[0] < low - 3.9 * width && at[at.len() - 1] > high + 3.9 * width);
        let step = at.windows(2).map(|pair| pair[1] - pair[0]).fold(0.0, f64::max);
        assert!(step <= 0.51 * width && at.len() <= 4001, "{step} {width} {}", at.len());
        let density = found.density(&at, Some(width)).unwrap();
        let area: f64 = density.values.iter().sum::<f64>() * step;
        assert!((area - 1.0).abs() < 1e-3, "{area}");
        let figure = DensityFigure::from_estimate(&found).unwrap();
        let by_hand = Series::new("4 probes", &at, &density.values).band(&density.lower, &density.upper);
        assert_eq!(figure.to_svg().unwrap(), DensityFigure::new().series(by_hand).to_svg().unwrap());
    }

    #[test]
    fn a_density_at_one_eigenvalue_from_one_probe_is_drawn() {
        for eigenvalue in [0.0, 5.0] {
            let figure = DensityFigure::from_estimate(&estimate(&[eigenvalue; 30], 1)).unwrap();
            assert!(figure.to_svg().unwrap().contains("1 probe"));
        }
        let narrow = Series::from_density("", &estimate(&[1.0, 2.0], 2), Some(0.0));
        assert!(matches!(narrow, Err(Error::Core(_))));
    }
}
