//! The ends of the spectra of networks, held against PyTorch's dense Hessians at nine points of a plane,
//! in all parameters and in the weights alone.

use crate::common::{Reference, raw, reference};
use crate::lanczos_checks::sound;
use loss_landscape::{
    Direction, Gradient, HessianProduct, Layout, Loss, Mask, Model, Normalization, OracleError, Policy, Role,
    curvature::{Extremes, HessianOperator, Lanczos, LanczosEnd, SymmetricOperator, eigen_extremes},
};
use loss_landscape_nets::{Activation, Mlp, NetScalar, Samples};

/// Point 4 of the reference is the minimiser.
const MINIMISER: usize = 4;
const TOLERANCES: [f64; 7] = [1e-1, 1e-2, 5e-3, 1e-3, 1e-4, 1e-5, 1e-6];

/// A network, its data, and what PyTorch says of its curvature.
struct Plane<S: NetScalar> {
    net: Mlp<S>,
    data: Samples<S>,
    reference: Reference,
    axes: [Direction<S>; 2],
}

/// The Hessian in all parameters, or in weights alone.
#[derive(Clone, Copy, Debug)]
enum In {
    All,
    Weights,
}

impl<S: NetScalar> Plane<S> {
    fn new(activation: Activation) -> Self {
        let (net, data, reference) = reference::<S>(activation);
        let axis = |values: Vec<S>| {
            let rule = Normalization::original(Policy::Still);
            Direction::new(net.layout(), values).unwrap().normalized(net.parameters(), &rule).unwrap()
        };
        let axes = [axis(raw(|i| (i + 1.0).sin())), axis(raw(|i| (2.0 * i + 1.0).cos()))];
        Self { net, data, reference, axes }
    }

    fn theta(&self, point: usize) -> Vec<S> {
        let at = self.reference.get("spectrum.points");
        let [x, y] = [at[2 * point], at[2 * point + 1]];
        let [dx, dy] = &self.axes;
        let move_one = |((t, dx), dy): ((&S, &S), &S)| t.as_f64() + x * dx.as_f64() + y * dy.as_f64();
        let moved = self.net.parameters().iter().zip(dx.values()).zip(dy.values()).map(move_one);
        moved.map(S::from_f64).collect()
    }

    fn hessian(&self, point: usize, within: In) -> HessianOperator<'_, S> {
        let all = HessianOperator::new(&self.net, &self.theta(point), &self.data).unwrap();
        match within {
            In::All => all,
            In::Weights => all.masked(&Mask::role(self.net.layout(), Role::Weight)).unwrap(),
        }
    }

    /// Ascending.
    fn spectrum(&self, point: usize, within: In) -> Vec<f64> {
        let (name, n) = match within {
            In::All => ("spectrum.eigenvalues", 1210),
            In::Weights => ("spectrum.eigenvalues_rank2_only", 1184),
        };
        self.reference.get(name)[point * n..(point + 1) * n].to_vec()
    }
}

/// Remembers the products of one run for the next, which asks for the same ones as long as the same seed
/// gives the same bits.
struct Remembering<A: SymmetricOperator> {
    operator: A,
    /// Vectors, each with its product.
    known: Vec<[Vec<A::Scalar>; 2]>,
    next: usize,
    computed: usize,
}

impl<A: SymmetricOperator> Remembering<A> {
    fn new(operator: A) -> Self {
        Self { operator, known: Vec::new(), next: 0, computed: 0 }
    }

    fn run(&mut self, lanczos: &Lanczos) -> Extremes<A::Scalar> {
        self.next = 0;
        let found = lanczos.run(self).unwrap();
        assert_eq!(found.products, self.next);
        found
    }
}

impl<A: SymmetricOperator> SymmetricOperator for Remembering<A> {
    type Scalar = A::Scalar;
    fn dimension(&self) -> usize {
        self.operator.dimension()
    }
    fn apply(&mut self, v: &[A::Scalar], out: &mut [A::Scalar]) -> Result<(), OracleError> {
        if let Some([_, product]) = self.known.get(self.next).filter(|[known, _]| known == v) {
            out.copy_from_slice(product);
        } else {
            self.operator.apply(v, out)?;
            self.known.truncate(self.next);
            self.known.push([v.to_vec(), out.to_vec()]);
            self.computed += 1;
        }
        self.next += 1;
        Ok(())
    }
}

/// The mean number of products at each tolerance, over nine points and both sets of parameters.
fn against_pytorch(activation: Activation) -> Vec<f64> {
    let plane = Plane::<f64>::new(activation);
    let mut products = vec![0.0; TOLERANCES.len()];
    for within in [In::All, In::Weights] {
        for point in 0..9 {
            let spectrum = plane.spectrum(point, within);
            let largest = spectrum[spectrum.len() - 1];
            let mut hessian = Remembering::new(plane.hessian(point, within));
            for (tolerance, products) in TOLERANCES.into_iter().zip(&mut products) {
                let context = format!("{activation:?} {within:?} {point} {tolerance:e}");
                let found = hessian.run(&Lanczos::new().tolerance(tolerance));
                assert_eq!(found.end, LanczosEnd::Certified, "{context}");
                let error = sound(&found, &spectrum, tolerance, 1e-9, &context);
                assert_eq!((found.restarts, found.confidence, &found.vectors), (0, 0.999, &None));
                assert!(found.asymmetry < 1e-13, "{context}: {:e}", found.asymmetry);
                assert_eq!(found.is_convex(), Some(false), "{context}");
                *products += found.products as f64 / 18.0;
                if tolerance == 5e-3 {
                    // As the documentation says.
                    assert!((17..=28).contains(&found.products), "{context}: {}", found.products);
                }
                if tolerance == 1e-6 {
                    assert!(error < 1e-12, "{context}: {error:e}");
                    let off = (found.lambda_min - spectrum[0]).abs().max((found.lambda_max - largest).abs());
                    assert!(off < 1e-9 * largest, "{context}: {:e}", off / largest);
                    assert_eq!(hessian.computed, found.products, "the looser runs are its beginnings");
                }
            }
        }
    }
    println!("{activation:?}: {products:.1?} products");
    products
}

/// Products may not become many more than they are, with a tenth to spare.
fn no_dearer_than(products: &[f64], known: [f64; 7]) {
    for (found, known) in products.iter().zip(known) {
        assert!(*found < 1.1 * known, "{products:?} against {known:?}");
    }
}

#[test]
fn tanh_at_every_point_and_tolerance() {
    let products = against_pytorch(Activation::Tanh);
    no_dearer_than(&products, [12.4, 19.9, 21.4, 24.1, 26.7, 28.7, 30.4]);
}

#[test]
fn relu_at_every_point_and_tolerance() {
    let products = against_pytorch(Activation::Relu);
    no_dearer_than(&products, [12.2, 21.7, 24.3, 28.2, 31.1, 33.1, 35.1]);
}

#[test]
fn single_precision_finds_the_same() {
    for activation in [Activation::Tanh, Activation::Relu] {
        let plane = Plane::<f32>::new(activation);
        for (point, within) in [(0, In::All), (3, In::Weights), (MINIMISER, In::All), (7, In::Weights)] {
            let spectrum = plane.spectrum(point, within);
            let largest = spectrum[spectrum.len() - 1];
            let mut hessian = Remembering::new(plane.hessian(point, within));
            for tolerance in [1e-1, 1e-2, 1e-3] {
                let context = format!("f32 {activation:?} {within:?} {point} {tolerance:e}");
                let found = hessian.run(&Lanczos::new().tolerance(tolerance));
                assert_eq!(found.end, LanczosEnd::Certified, "{context}");
                sound(&found, &spectrum, tolerance, 1e-6, &context);
                assert!(found.asymmetry < 1e-5, "{context}: {:e}", found.asymmetry);
                let off = (found.lambda_min - spectrum[0]).abs().max((found.lambda_max - largest).abs());
                assert!(tolerance > 1e-3 || off < 1e-4 * largest, "{context}: {off:e}");
            }
            // Rounding of the products shows in QᵀAQ, and a tolerance below it is refused.
            let found = hessian.run(&Lanczos::new().tolerance(1e-8));
            assert_eq!(found.end, LanczosEnd::Asymmetric);
        }
    }
}

/// At the minimiser eigenvalues crowd near zero on the side of λ_min. Residuals alone stop a run there
/// after a few products, with a ratio that is a tenth of the true one.
#[test]
fn a_small_residual_near_a_minimiser_proves_nothing() {
    let plane = Plane::<f64>::new(Activation::Tanh);
    let spectrum = plane.spectrum(MINIMISER, In::All);
    let truth = (spectrum[0] / spectrum[1209]).abs();
    assert!((truth - 0.00914).abs() < 1e-5);
    let mut hessian = Remembering::new(plane.hessian(MINIMISER, In::All));
    for seed in 0..3 {
        let lanczos = Lanczos::new().tolerance(0.005).seed(seed);
        let loose = hessian.run(&lanczos.clone().by_residuals(true));
        assert_eq!(loose.end, LanczosEnd::Residuals);
        assert!(loose.products <= 6 && loose.ratio() < 0.0015, "{loose:?}");
        let [_, to] = loose.residual_interval();
        assert!(to < truth && truth - loose.ratio() > 0.005, "{to}");
        // It says itself that it knows little.
        sound(&loose, &spectrum, f64::INFINITY, 1e-9, "by residuals");
        assert!(loose.ratio_interval()[1] > 0.1);
        let certified = hessian.run(&lanczos);
        assert_eq!(certified.end, LanczosEnd::Certified);
        assert!((certified.ratio() - truth).abs() < 0.005, "{certified:?}");
    }
}

#[test]
fn other_seeds_are_other_runs_with_the_same_answer_and_equal_seeds_are_equal() {
    let plane = Plane::<f64>::new(Activation::Relu);
    let spectrum = plane.spectrum(1, In::Weights);
    let truth = (spectrum[0] / spectrum[1183]).abs();
    let run = |seed, stream| {
        let lanczos = Lanczos::new().tolerance(0.01).seed(seed).stream(stream).vectors(true);
        lanczos.run(&mut plane.hessian(1, In::Weights)).unwrap()
    };
    let mut found = vec![run(0, 0), run(1, 0), run(0, 1)];
    assert_eq!(found[1], run(1, 0), "to the bit");
    for (i, one) in found.iter().enumerate() {
        assert!((one.ratio() - truth).abs() < 0.01);
        for other in &found[..i] {
            assert_ne!(one.lambda_min.to_bits(), other.lambda_min.to_bits());
            assert_ne!(one.bounds[0].to_bits(), other.bounds[0].to_bits());
        }
    }
    found.truncate(1);
    let [low, _] = found[0].vectors.take().unwrap();
    let mut hessian = plane.hessian(1, In::Weights);
    assert_eq!(hessian.restrict(&hessian.embed(&low).unwrap()).unwrap(), low);
    // The residual is the one promised.
    let mut product = vec![0.0; 1184];
    hessian.apply(&low, &mut product).unwrap();
    let square: f64 = product.iter().zip(&low).map(|(p, v)| (p - found[0].lambda_min * v).powi(2)).sum();
    let promised = found[0].residuals[0];
    assert!((square.sqrt() / promised - 1.0).abs() < 1e-6, "{} against {promised}", square.sqrt());
}

/// A network whose Hessian is known by its gradient alone.
struct ByGradient<'a>(&'a Mlp<f64>, Vec<f64>);

impl Model for ByGradient<'_> {
    type Scalar = f64;
    fn layout(&self) -> &Layout {
        self.0.layout()
    }
    fn parameters(&self) -> &[f64] {
        &self.1
    }
}

impl Loss<Samples<f64>> for ByGradient<'_> {
    fn loss(&self, theta: &[f64], data: &Samples<f64>) -> Result<f64, OracleError> {
        self.0.loss(theta, data)
    }
}

impl Gradient<Samples<f64>> for ByGradient<'_> {
    fn gradient(&self, theta: &[f64], data: &Samples<f64>, out: &mut [f64]) -> Result<f64, OracleError> {
        self.0.gradient(theta, data, out)
    }
}

impl HessianProduct<Samples<f64>> for ByGradient<'_> {}

#[test]
fn differences_of_gradients_are_enough() {
    let plane = Plane::<f64>::new(Activation::Tanh);
    let model = ByGradient(&plane.net, plane.theta(0));
    let spectrum = plane.spectrum(0, In::All);
    let found = eigen_extremes(&model, &plane.data).unwrap();
    let exact = eigen_extremes(&plane.net.clone().at(plane.theta(0)).unwrap(), &plane.data).unwrap();
    assert_eq!((found.end, exact.end), (LanczosEnd::Certified, LanczosEnd::Certified));
    assert_eq!(found.products, exact.products);
    for (differences, exact, truth) in [
        (found.lambda_min, exact.lambda_min, spectrum[0]),
        (found.lambda_max, exact.lambda_max, spectrum[1209]),
    ] {
        assert!((differences / exact - 1.0).abs() < 1e-6, "{differences} against {exact}");
        assert!((differences / truth - 1.0).abs() < 1e-5, "{differences} against {truth}");
    }
    // Part of the differences' error shows as asymmetry, and the bounds allow for that part.
    assert!(found.asymmetry > 1e3 * exact.asymmetry && found.asymmetry < 1e-7, "{:e}", found.asymmetry);
    sound(&found, &spectrum, 1e-3, 1e-6, "differences");
}
