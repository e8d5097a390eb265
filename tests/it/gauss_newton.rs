//! The split H = G + R for a model that writes one method: outputs with known derivatives, closed forms.

use loss_landscape::{
    Block, Error, GaussNewtonProduct, Gradient, HessianProduct, Layout, Loss, Mask, Model, OracleError, Role,
    curvature::{
        GaussNewtonOperator, GaussNewtonReport, GaussNewtonSplit, HessianPart, Lanczos, Probe,
        SpectralDensity, SymmetricOperator, TraceEstimator, TraceMethod,
    },
    measure::MeasureTable,
};

/// Outputs zᵢ = tᵢ³ and the loss Σ (zᵢ − 1)²/2: G = diag(9tᵢ⁴), R = diag(6tᵢ·(zᵢ − 1)); the last is a buffer.
struct Cubes {
    layout: Layout,
    theta: Vec<f64>,
    /// What products with G fail with, or leave unwritten.
    fails: bool,
    unwritten: bool,
}

impl Cubes {
    fn new(n: usize) -> Self {
        let blocks = [
            Block::weight("w", [n - 3, 1], 0),
            Block::bias("b", [2]),
            Block::new("m", [1], Role::Buffer, None),
        ];
        let theta = (0..n).map(|i| 0.4 + 0.05 * i as f64).collect();
        Self { layout: Layout::new(blocks).unwrap(), theta, fails: false, unwritten: false }
    }

    fn parts(t: f64) -> [f64; 2] {
        [9.0 * t.powi(4), 6.0 * t * (t.powi(3) - 1.0)]
    }

    /// The diagonals of G and R, without the buffer.
    fn diagonals(&self) -> [Vec<f64>; 2] {
        let trained = &self.theta[..self.theta.len() - 1];
        [0, 1].map(|part| trained.iter().map(|&t| Self::parts(t)[part]).collect())
    }
}

impl Model for Cubes {
    type Scalar = f64;
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn parameters(&self) -> &[f64] {
        &self.theta
    }
}

impl Loss<()> for Cubes {
    fn loss(&self, theta: &[f64], (): &()) -> Result<f64, OracleError> {
        Ok(theta.iter().map(|t| (t.powi(3) - 1.0).powi(2) / 2.0).sum())
    }
}

impl Gradient<()> for Cubes {
    fn gradient(&self, theta: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
        out.iter_mut().zip(theta).for_each(|(out, t)| *out = (t.powi(3) - 1.0) * 3.0 * t * t);
        *out.last_mut().unwrap() = 0.0;
        self.loss(theta, data)
    }
}

impl HessianProduct<()> for Cubes {
    fn hessian_product(&self, theta: &[f64], v: &[f64], (): &(), out: &mut [f64]) -> Result<(), OracleError> {
        for ((out, &t), v) in out.iter_mut().zip(theta).zip(v) {
            *out = Self::parts(t).iter().sum::<f64>() * v;
        }
        *out.last_mut().unwrap() = 0.0;
        Ok(())
    }
}

impl GaussNewtonProduct<()> for Cubes {
    fn gauss_newton_product(
        &self,
        theta: &[f64],
        v: &[f64],
        (): &(),
        out: &mut [f64],
    ) -> Result<(), OracleError> {
        if self.fails {
            return Err("no outputs today".into());
        }
        let written = if self.unwritten { 1 } else { out.len() };
        for ((out, &t), v) in out.iter_mut().zip(theta).zip(v).take(written) {
            *out = Self::parts(t)[0] * v;
        }
        if !self.unwritten {
            *out.last_mut().unwrap() = 0.0;
        }
        Ok(())
    }
}

fn ends(diagonal: &[f64]) -> [f64; 2] {
    let fold = |rule: fn(f64, f64) -> f64, from| diagonal.iter().copied().fold(from, rule);
    [fold(f64::min, f64::INFINITY), fold(f64::max, f64::NEG_INFINITY)]
}

fn sum(g: &[f64], r: &[f64]) -> Vec<f64> {
    g.iter().zip(r).map(|(g, r)| g + r).collect()
}

/// The same with differences of gradients for products with H.
struct Estimated(Cubes);

impl Model for Estimated {
    type Scalar = f64;
    fn layout(&self) -> &Layout {
        &self.0.layout
    }
    fn parameters(&self) -> &[f64] {
        &self.0.theta
    }
}

impl Loss<()> for Estimated {
    fn loss(&self, theta: &[f64], data: &()) -> Result<f64, OracleError> {
        self.0.loss(theta, data)
    }
}

impl Gradient<()> for Estimated {
    fn gradient(&self, theta: &[f64], data: &(), out: &mut [f64]) -> Result<f64, OracleError> {
        self.0.gradient(theta, data, out)
    }
}

impl HessianProduct<()> for Estimated {}

impl GaussNewtonProduct<()> for Estimated {
    fn gauss_newton_product(
        &self,
        theta: &[f64],
        v: &[f64],
        data: &(),
        out: &mut [f64],
    ) -> Result<(), OracleError> {
        self.0.gauss_newton_product(theta, v, data, out)
    }
}

#[test]
fn bounds_know_the_error_of_differences() {
    let model = Estimated(Cubes::new(9));
    let report = GaussNewtonSplit::new().report(&model, model.parameters(), &()).unwrap();
    for (part, extremes) in [(0, &report.hessian), (1, &report.rest)] {
        assert!(extremes.product_error > 0.0 && extremes.product_error < 1e-3, "{part}: {extremes:?}");
    }
    assert!(report.gauss_newton.product_error == 0.0);
    let [g, r] = model.0.diagonals();
    let whole: Vec<f64> = g.iter().zip(&r).map(|(g, r)| g + r).collect();
    for (extremes, spectrum) in [(&report.hessian, &whole), (&report.rest, &r)] {
        let least = spectrum.iter().copied().fold(f64::INFINITY, f64::min);
        let most = spectrum.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        assert!(extremes.bounds[0] <= least && most <= extremes.bounds[1], "{extremes:?}");
    }
}

#[test]
fn every_estimator_takes_every_part() {
    let model = Cubes::new(24);
    let [g, r] = model.diagonals();
    let h = sum(&g, &r);
    let mut operator = GaussNewtonOperator::new(&model, &model.theta, &()).unwrap();
    assert_eq!((operator.part(), operator.dimension()), (HessianPart::GaussNewton, 23));
    for (part, diagonal) in [(HessianPart::GaussNewton, g), (HessianPart::Rest, r), (HessianPart::Whole, h)] {
        operator.set_part(part);
        let [low, high] = ends(&diagonal);
        let found = Lanczos::new().tolerance(1e-8).run(&mut operator).unwrap();
        assert!((found.lambda_min - low).abs() < 1e-9 && (found.lambda_max - high).abs() < 1e-9, "{part}");
        assert!(found.bounds[0] <= low && high <= found.bounds[1]);
        let trace = TraceEstimator::new().run(&mut operator).unwrap();
        assert!((trace.value - diagonal.iter().sum::<f64>()).abs() < 1e-9, "{part}");
        let range = SpectralDensity::new().steps(23).run(&mut operator).unwrap().range();
        assert!((range[0] - low).abs() < 1e-6 && (range[1] - high).abs() < 1e-6, "{part}: {range:?}");
    }
    operator.move_to(&[0.0; 24]).unwrap();
    assert_eq!(Lanczos::new().run(&mut operator).unwrap().lambda_max, 0.0);
    assert!(matches!(operator.move_to(&[0.0; 3]), Err(Error::Length { .. })));
}

#[test]
fn a_report_is_right_and_comes_back_from_its_serialised_form() {
    let model = Cubes::new(24);
    let mask = Mask::name(&model.layout, "w").unwrap();
    let split = GaussNewtonSplit::new().lanczos(Lanczos::new().tolerance(1e-9)).mask(&mask);
    let text = serde_json::to_string(&split).unwrap();
    let split: GaussNewtonSplit = serde_json::from_str(&text).unwrap();
    let report = split.report(&model, &model.theta, &()).unwrap();
    let [g, r] = model.diagonals().map(|diagonal| diagonal[..21].to_vec());
    let h = sum(&g, &r);
    let least = h.iter().position(|value| *value == ends(&h)[0]).unwrap();
    assert_eq!(report.parameters, 21);
    assert!((report.lowest[0] - g[least]).abs() < 1e-9 && (report.lowest[1] - r[least]).abs() < 1e-9);
    let [tr_g, tr_r] = [g.iter().sum::<f64>(), r.iter().sum::<f64>()];
    assert!((report.trace_share - tr_g / (tr_g + tr_r)).abs() < 1e-12 && report.trace_share_error == 0.0);
    // Diagonal matrices have no spread over signs.
    let energy = |diagonal: &[f64]| diagonal.iter().map(|d| d * d).sum::<f64>();
    assert!((report.energies[0] - energy(&g)).abs() < 1e-9 && (report.energies[1] - energy(&r)).abs() < 1e-9);
    assert!(report.to_string().contains("over 21 parameters is H = G + R"), "{report}");
    let json = serde_json::to_value(&report).unwrap();
    let back: GaussNewtonReport<f64> = serde_json::from_value(json).unwrap();
    assert_eq!(back, report);
    let table = GaussNewtonReport::table([&report]);
    let named = |name: &str| {
        let column = table.measures().iter().find(|measured| measured.name() == name).unwrap();
        column.readings()[0].value().unwrap()
    };
    assert_eq!(named("λ_max(G)"), report.gauss_newton.lambda_max);
    assert_eq!(named("bound below λ_min(R)"), report.rest.bounds[0]);
    assert_eq!(named("trace of R"), report.rest_trace.value);
    assert_eq!(named("share of G in the trace"), report.trace_share);
    assert_eq!([named("energy of G"), named("energy of R")], report.energies);
    assert_eq!(named("standard error of the energy of R"), report.energy_errors[1]);
    assert_eq!(MeasureTable::from_npz_bytes(&table.to_npz_bytes().unwrap()).unwrap(), table);
    let kept = split.lanczos(Lanczos::new().vectors(true)).report(&model, &model.theta, &()).unwrap();
    assert_eq!(kept.hessian.vectors.map(|[low, high]| [low.len(), high.len()]), Some([21, 21]));
}

/// With independent probes of traces that are not exact, the share's error is as large as it says.
#[test]
fn the_error_of_the_share_is_that_of_the_traces() {
    let model = Cubes::new(24);
    let [g, r] = model.diagonals().map(|diagonal| diagonal.iter().sum::<f64>());
    let exact = g / (g + r);
    let (mut squares, mut stated) = (0.0, 0.0);
    let runs = 300;
    for seed in 0..runs {
        // Gaussian probes see the trace of a diagonal matrix with an error.
        let trace = TraceEstimator::new()
            .method(TraceMethod::Hutchinson)
            .probe(Probe::Gaussian)
            .max_products(20)
            .seed(2 * seed);
        let split = GaussNewtonSplit::new().trace(trace).probes(2);
        let report = split.report(&model, &model.theta, &()).unwrap();
        squares += (report.trace_share - exact).powi(2) / runs as f64;
        stated += report.trace_share_error.powi(2) / runs as f64;
    }
    let quotient = (squares / stated).sqrt();
    assert!((0.85..1.25).contains(&quotient), "{quotient}");
}

#[test]
fn what_goes_wrong_is_said() {
    let mut model = Cubes::new(24);
    let report = |model: &Cubes, split: GaussNewtonSplit| split.report(model, &model.theta, &()).unwrap_err();
    let few = report(&model, GaussNewtonSplit::new().probes(1)).to_string();
    assert!(few.contains("the number of probes must be 2 or more"), "{few}");
    let other = Mask::all(&Layout::flat(24).unwrap());
    assert!(matches!(report(&model, GaussNewtonSplit::new().mask(&other)), Error::LayoutMismatch { .. }));
    model.unwritten = true;
    let unwritten = report(&model, GaussNewtonSplit::new());
    assert!(matches!(unwritten, Error::NonFiniteProduct { .. }), "{unwritten}");
    model.fails = true;
    let failed = report(&model, GaussNewtonSplit::new()).to_string();
    assert!(failed.contains("no outputs today"), "{failed}");
}
