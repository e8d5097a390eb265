//! Sharpness against closed forms: on a quadratic the worst case is ρ²·λ_max/2 and the average ρ²·tr/2 at the minimum,
//! of H or of diag(|θ|)·H·diag(|θ|).

use loss_landscape::{
    Error, FnModel, Gradient, Layout, Loss, Mask, Model, OracleError, RandomDirections, Role,
    curvature::{Extremes, Lanczos, Sharpness, SharpnessReport, SharpnessScale, TraceEstimator},
    measure::{MeasureTable, Reading},
};
use nalgebra::DMatrix;

use crate::quadratic::Quadratic;

const SCALES: [SharpnessScale; 2] = [SharpnessScale::Plain, SharpnessScale::Relative];

/// λ_max and the trace of diag(c)·A·diag(c) in these parameters.
fn truth(model: &Quadratic, scale: SharpnessScale, chosen: impl Fn(usize) -> bool) -> [f64; 2] {
    let n = model.minimum.len();
    let c = |i: usize| match scale {
        _ if !chosen(i) => 0.0,
        SharpnessScale::Relative => model.minimum[i].abs(),
        _ => 1.0,
    };
    let scaled = DMatrix::from_fn(n, n, |i, j| c(i) * model.a[(i, j)] * c(j));
    [scaled.clone().symmetric_eigenvalues().max(), scaled.trace()]
}

fn spectrum() -> Vec<f64> {
    (0..20).map(|i| 0.1 + f64::from(i * i) / 40.0).collect()
}

#[test]
fn closed_forms_of_a_quadratic_at_its_minimum() {
    let model = Quadratic::new(&spectrum());
    let weights = Mask::name(&model.layout, "w").unwrap();
    let with_buffers = Mask::all(&model.layout);
    for scale in SCALES {
        for (mask, chosen) in [(None, 18), (Some(&weights), 16), (Some(&with_buffers), 18)] {
            let [top, trace] = truth(&model, scale, |i| i < chosen);
            for radius in [1e-3, 0.5, 30.0] {
                let mut sharpness = Sharpness::new(radius).scale(scale).draws(2000).steps(2000);
                sharpness = sharpness.lanczos(Lanczos::new().tolerance(1e-9)).seed(3);
                if let Some(mask) = mask {
                    sharpness = sharpness.mask(mask);
                }
                let report = sharpness.report(&model, model.parameters(), &()).unwrap();
                let (worst, average) = (radius.powi(2) * top / 2.0, radius.powi(2) * trace / 2.0);
                assert!((report.worst.value / worst - 1.0).abs() < 1e-9, "{report}");
                assert!((report.quadratic_worst() / worst - 1.0).abs() < 1e-9, "{report}");
                assert!((report.quadratic_average() / average - 1.0).abs() < 1e-9, "{report}");
                // From every random start, since a ball has one maximum up to its sign.
                let alone = sharpness.worst(&model, model.parameters(), &()).unwrap();
                assert!(alone.rises.iter().all(|rise| (rise / worst - 1.0).abs() < 1e-6), "{alone:?}");
                assert!(alone.value <= worst * (1.0 + 1e-12) && alone.rises.len() == 8);
                assert!(report.worst.rises.len() == 10 && report.worst.alignment > 1.0 - 1e-6);
                assert!((report.worst.reach - 1.0).abs() < 1e-12 && report.gradient_norm == 0.0);
                let found = &report.average;
                assert!((found.value - average).abs() < 4.0 * found.standard_error, "{report}");
                assert!(found.standard_error < 0.05 * average && found.counted == 2000);
                assert_eq!(report.parameters, chosen);
            }
        }
    }
}

/// 2,000 repetitions of 16 draws of a skewed law.
#[test]
fn intervals_of_the_average_hold_as_often_as_they_say() {
    let model = Quadratic::new(&spectrum());
    let [_, trace] = truth(&model, SharpnessScale::Plain, |i| i < 18);
    for antithetic in [false, true] {
        let held = (0..2000).filter(|&seed| {
            let sharpness = Sharpness::new(0.1).draws(16).antithetic(antithetic).seed(seed);
            let [low, high] = sharpness.average(&model, model.parameters(), &()).unwrap().interval;
            (low..=high).contains(&(0.01 * trace / 2.0))
        });
        let held = held.count();
        assert!((1860..=1940).contains(&held), "{held} of 2000");
    }
}

#[test]
fn a_slope_is_odd_and_antithetic_draws_do_not_see_it() {
    let mut model = Quadratic::new(&spectrum());
    let flat = Sharpness::new(0.01).antithetic(true).average(&model, model.parameters(), &()).unwrap();
    model.slope.fill(10.0);
    let sharpness = Sharpness::new(0.01);
    let steep = sharpness.clone().antithetic(true).average(&model, model.parameters(), &()).unwrap();
    assert!((steep.value / flat.value - 1.0).abs() < 1e-9);
    let plain = sharpness.average(&model, model.parameters(), &()).unwrap();
    assert!(plain.standard_error > 20.0 * steep.standard_error, "{plain:?} {steep:?}");
    // To first order the worst case is ρ times the norm of the gradient.
    let report = sharpness.report(&model, model.parameters(), &()).unwrap();
    let slope = 0.01 * 10.0 * 18.0_f64.sqrt();
    assert!((report.gradient_norm - 10.0 * 18.0_f64.sqrt()).abs() < 1e-9);
    assert!((slope..slope + report.quadratic_worst() + 1e-12).contains(&report.worst.value), "{report}");
}

/// Nothing rises from the top of a hill.
#[test]
fn a_maximum_is_not_sharp() {
    let down: Vec<f64> = spectrum().iter().map(|l| -l).collect();
    let model = Quadratic::new(&down);
    let report = Sharpness::new(0.1).report(&model, model.parameters(), &()).unwrap();
    assert!(report.worst.value.abs() < 1e-12 && report.quadratic_worst() == 0.0, "{report}");
    assert!(report.average.value < 0.0 && report.average.interval[1] < 0.0, "{report}");
}

#[test]
fn draws_are_those_of_random_directions_and_of_the_caller() {
    let model = Quadratic::new(&spectrum());
    let theta = model.parameters();
    for scale in SCALES {
        let sharpness = Sharpness::new(0.3).scale(scale).draws(20).seed(11);
        let found = sharpness.average(&model, theta, &()).unwrap();
        let raw = loss_landscape::Normalization::default()
            .with_norm(loss_landscape::Norm::None)
            .with_biases(loss_landscape::Policy::Normalize)
            .with_buffers(loss_landscape::Policy::Normalize);
        let draws: Vec<Vec<f64>> = (0..20)
            .map(|k| {
                RandomDirections::new(11).stream(k).normalization(raw).one(&model).unwrap().into_values()
            })
            .collect();
        let rise = |z: &Vec<f64>| {
            let c = |i: usize| if scale == SharpnessScale::Plain { 1.0 } else { theta[i].abs() };
            let moved: Vec<f64> =
                (0..20).map(|i| theta[i] + if i < 18 { 0.3 * c(i) * z[i] } else { 0.0 }).collect();
            model.loss(&moved, &()).unwrap()
        };
        let mean = draws.iter().map(rise).sum::<f64>() / 20.0;
        assert!((found.value / mean - 1.0).abs() < 1e-13, "{found:?}");
        let given = sharpness.average_over(&model, theta, &(), &draws).unwrap();
        assert_eq!((given.value, given.interval, given.draws), (found.value, found.interval, 20));
        let short = sharpness.average_over(&model, theta, &(), &[[0.0; 3]]).unwrap_err();
        assert!(short.to_string().contains("draw 0 has 3 values"), "{short}");
    }
}

#[test]
fn losses_that_are_not_finite_are_counted_and_said() {
    let layout = Layout::flat(3).unwrap();
    // Not defined on the one side, an error far out, and a panic farther out.
    let loss = |t: &[f64], (): &()| -> Result<f64, OracleError> {
        assert!(t[1].abs() < 2.0, "too far");
        if t[1].abs() > 1.0 { Err("far".into()) } else { Ok((0.5 + t[0]).sqrt() + t[2] * t[2]) }
    };
    let model = FnModel::new(layout, vec![0.0; 3], loss).unwrap();
    let found = Sharpness::new(0.6).draws(400).average(&model, model.parameters(), &()).unwrap();
    assert!(found.counted < 400 && found.counted + found.bad == 400 && found.bad > 80, "{found:?}");
    assert!(found.value.is_finite() && found.failure.is_some());
    let pairs = Sharpness::new(0.6).draws(400).antithetic(true);
    let found = pairs.average(&model, model.parameters(), &()).unwrap();
    assert!(found.counted < 400 && found.bad >= 400 - found.counted, "a pair is left out as a whole");
    let nothing = Sharpness::new(1e6).draws(3).average(&model, model.parameters(), &()).unwrap();
    assert!(nothing.value.is_nan() && nothing.counted == 0 && nothing.bad == 3);
    assert_eq!(nothing.interval, [f64::NEG_INFINITY, f64::INFINITY]);
    assert_eq!(nothing.standard_error, f64::INFINITY);
    let one = Sharpness::new(1e-3).draws(1).average(&model, model.parameters(), &()).unwrap();
    assert!(one.value.is_finite() && one.standard_error == f64::INFINITY, "one draw has no spread");
    let outside = Sharpness::new(0.1).average(&model, &[-1.0, 0.0, 0.0], &()).unwrap_err();
    assert!(outside.to_string().contains("the loss at θ is NaN"), "{outside}");
    let failing = Sharpness::new(0.1).average(&model, &[0.0, 1.5, 0.0], &()).unwrap_err();
    assert!(matches!(failing, Error::Oracle { .. }), "{failing}");
}

/// A bowl with a wall: L = ‖θ‖² up to ‖θ‖∞ = ½, and no number beyond.
struct Walled(Layout);

impl Model for Walled {
    type Scalar = f64;
    fn layout(&self) -> &Layout {
        &self.0
    }
    fn parameters(&self) -> &[f64] {
        &[0.0; 2]
    }
}

impl Loss<()> for Walled {
    fn loss(&self, theta: &[f64], (): &()) -> Result<f64, OracleError> {
        let inside = theta.iter().all(|t| t.abs() <= 0.5);
        Ok(if inside { theta[0] * theta[0] + 2.0 * theta[1] * theta[1] } else { f64::INFINITY })
    }
}

impl Gradient<()> for Walled {
    fn gradient(&self, theta: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
        out.copy_from_slice(&[2.0 * theta[0], 4.0 * theta[1]]);
        self.loss(theta, data)
    }
}

impl loss_landscape::HessianProduct<()> for Walled {}

#[test]
fn bounds_know_the_error_of_differences() {
    let model = Walled(Layout::flat(2).unwrap());
    let theta = [0.25, 0.125];
    for scale in SCALES {
        let report = Sharpness::new(0.01).scale(scale).report(&model, &theta, &()).unwrap();
        let squares = theta.map(|t| if scale == SharpnessScale::Plain { 1.0 } else { t * t });
        let spectrum = [2.0 * squares[0], 4.0 * squares[1]];
        let Extremes { bounds, product_error, .. } = report.extremes;
        assert!(product_error > 0.0 && product_error < 1e-6, "{product_error}");
        assert!(bounds[0] <= spectrum[0].min(spectrum[1]) && spectrum[0].max(spectrum[1]) <= bounds[1]);
    }
}

#[test]
fn ascents_stay_where_the_loss_is_finite() {
    let model = Walled(Layout::flat(2).unwrap());
    let found = Sharpness::new(0.6).restarts(20).worst(&model, &[0.0; 2], &()).unwrap();
    assert!(found.value > 0.55 && found.value <= 0.75 && found.bad > 0, "{found:?}");
    assert_eq!(found.failure.map(|failure| failure.to_string()).unwrap(), "`loss` is inf");
    let far = Sharpness::new(100.0).restarts(4).worst(&model, &[0.0; 2], &()).unwrap();
    assert!(far.value == 0.0 && far.bad == 4 && far.rises.iter().all(|rise| rise.is_nan()), "{far:?}");
    assert!(far.reach == 0.0 && far.alignment.is_nan());
}

#[test]
fn what_makes_no_sense_is_refused_by_name() {
    let model = Quadratic::new(&spectrum());
    let theta = model.parameters();
    let message = |sharpness: &Sharpness| {
        let errors = [
            sharpness.average(&model, theta, &()).map(|_| ()),
            sharpness.worst(&model, theta, &()).map(|_| ()),
            sharpness.report(&model, theta, &()).map(|_| ()),
        ];
        let texts = errors.map(|error| error.unwrap_err().to_string());
        assert!(texts[0] == texts[1] && texts[1] == texts[2]);
        texts[0].clone()
    };
    for radius in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert!(message(&Sharpness::new(radius)).contains("the radius must be finite and above 0"));
    }
    let sharpness = Sharpness::new(0.1);
    assert!(message(&sharpness.clone().draws(0)).contains("the number of draws must be 1 or more"));
    assert!(message(&sharpness.clone().restarts(0)).contains("the number of restarts must be 1 or more"));
    assert!(message(&sharpness.clone().steps(0)).contains("the steps of an ascent must be 1 or more"));
    assert!(
        message(&sharpness.clone().confidence(1.0)).contains("the confidence must be above 0 and below 1")
    );
    let buffers = Mask::role(&model.layout, Role::Buffer);
    assert!(message(&sharpness.clone().mask(&buffers)).contains("the mask chooses no parameter"));
    let other = Mask::all(&Layout::flat(20).unwrap());
    assert!(message(&sharpness.clone().mask(&other)).contains("the layouts differ"));
    let none = sharpness.average_over(&model, theta, &(), &[[0.0; 20]; 0]).unwrap_err();
    assert!(none.to_string().contains("the number of draws"), "{none}");

    let relative = sharpness.clone().scale(SharpnessScale::Relative);
    let zero = relative.average(&model, &[0.0; 20], &()).unwrap_err();
    assert_eq!(zero.to_string(), "all 18 parameters are 0, and perturbations relative to them as well");
    assert!(sharpness.average(&model, &[0.0; 20], &()).is_ok());
    assert!(matches!(sharpness.worst(&model, &[0.0; 3], &()), Err(Error::Length { .. })));
    assert!(matches!(sharpness.worst(&model, &[f64::NAN; 20], &()), Err(Error::NonFinite { .. })));
}

#[test]
fn settings_and_reports_are_serialised() {
    let model = Quadratic::new(&spectrum());
    let sharpness = Sharpness::new(0.1)
        .scale(SharpnessScale::Relative)
        .draws(1)
        .trace(TraceEstimator::new().max_products(40));
    let text = serde_json::to_string(&sharpness).unwrap();
    let back: Sharpness = serde_json::from_str(&text).unwrap();
    let report = back.report(&model, model.parameters(), &()).unwrap();
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["scale"], "relative");
    assert_eq!(json["average"]["standard_error"], "Infinity");
    let mut again: SharpnessReport<f64> = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&again).unwrap(), json);
    assert_eq!(report.worst.value, sharpness.report(&model, model.parameters(), &()).unwrap().worst.value);
    assert!(report.to_string().ends_with("(arXiv 2302.07011)."));

    again.average.counted = 0;
    let table = SharpnessReport::table([&report, &again]);
    let row: Vec<Reading> = table.measures().iter().map(|measured| measured.readings()[1]).collect();
    let Extremes { lambda_min, lambda_max, bounds, .. } = report.extremes;
    let value = Reading::Value;
    let expected = [
        value(report.loss),
        value(report.gradient_norm),
        value(report.average.value),
        // Of one draw.
        Reading::Unknown,
        value(1.0),
        Reading::AtLeast(report.worst.value),
        value(lambda_min),
        value(bounds[0]),
        value(lambda_max),
        value(bounds[1]),
        value(report.trace.value),
        value(report.trace.standard_error),
    ];
    assert_eq!(row, expected);
    assert_eq!(MeasureTable::from_csv_bytes(&table.to_csv_bytes().unwrap()).unwrap(), table);
    assert_eq!(MeasureTable::from_npz_bytes(&table.to_npz_bytes().unwrap()).unwrap(), table);
    assert_eq!(MeasureTable::from_json_bytes(&table.to_json_bytes().unwrap()).unwrap(), table);
    let short: Sharpness = serde_json::from_str(r#"{"radius": 0.2}"#).unwrap();
    assert!(short.average(&model, model.parameters(), &()).unwrap().draws == 100);
    assert!(serde_json::from_str::<Sharpness>(r#"{"rho": 0.2}"#).is_err());
}
