//! What a warm map may not do: call a point good that is not certified, or leave points off that it could have seen.

use std::f64::consts::TAU;

use loss_landscape::{
    Block, Direction, Directions, EigenRatio, Gradient, HessianProduct, Layout, Loss, Model, OracleError,
    RandomDirections, RatioMap, Sweep,
    curvature::{HessianOperator, RatioState, SymmetricOperator},
    oracle::Slice,
};
use loss_landscape_nets::{Activation, Criterion, Mlp, Samples};
use nalgebra::DMatrix;
use ndarray::Array2;

const N: usize = 60;
const TOLERANCE: f64 = 0.005;

/// A Hessian that is diagonal, and of which one eigenvalue falls below all others inside a bump of a few cells, halfway
/// between the points that start cold: its eigenvector is orthogonal to those of all points outside.
struct Bump {
    layout: Layout,
    theta: Vec<f64>,
}

impl Bump {
    fn new() -> Self {
        let layout = Layout::new([Block::weight("w", [N, 1], 0)]).unwrap();
        Self { layout, theta: vec![0.0; N] }
    }

    fn curvature([alpha, beta]: [f64; 2], i: usize) -> f64 {
        match i {
            2 => {
                let square = (alpha - 0.01).powi(2) + (beta + 0.02).powi(2);
                -0.05 - 0.25 * (-square / (2.0 * 0.12_f64.powi(2))).exp()
            }
            3 => -0.2,
            4 => 1.0,
            i => 0.3 * (i as f64 / N as f64) - 0.1,
        }
    }

    fn ratio(at: [f64; 2]) -> f64 {
        let least = (0..N).map(|i| Self::curvature(at, i)).fold(f64::MAX, f64::min);
        least.abs()
    }

    fn plane(&self) -> Directions<f64> {
        let unit = |i: usize| {
            let mut values = vec![0.0; N];
            values[i] = 1.0;
            Direction::new(&self.layout, values).unwrap()
        };
        Directions::new(unit(0), unit(1)).unwrap()
    }

    fn off(map: &RatioMap) -> Vec<(usize, usize)> {
        let is_off = |(i, j): (usize, usize), found: f64| {
            (found - Self::ratio([map.alpha()[i], map.beta()[j]])).abs() > TOLERANCE
        };
        map.ratio()
            .indexed_iter()
            .filter(|(place, found)| is_off(*place, **found))
            .map(|(place, _)| place)
            .collect()
    }
}

impl Model for Bump {
    type Scalar = f64;
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn parameters(&self) -> &[f64] {
        &self.theta
    }
}

impl Loss<()> for Bump {
    fn loss(&self, _: &[f64], (): &()) -> Result<f64, OracleError> {
        unreachable!("a map of curvature needs no loss")
    }
}

impl Gradient<()> for Bump {
    fn gradient(&self, _: &[f64], (): &(), _: &mut [f64]) -> Result<f64, OracleError> {
        unreachable!("and no gradient where the product is known")
    }
}

impl HessianProduct<()> for Bump {
    fn hessian_product(&self, theta: &[f64], v: &[f64], (): &(), out: &mut [f64]) -> Result<(), OracleError> {
        for i in 0..N {
            out[i] = Self::curvature([theta[0], theta[1]], i) * v[i];
        }
        Ok(())
    }
}

/// Every value that is off is one that the map does not call certified, and an audit of all points finds and mends
/// every one of them.
#[test]
fn what_neighbours_cannot_show_an_audit_does() {
    let model = Bump::new();
    let map = |audit: usize, seed: u64| {
        // So sure that no certified point is wrong by chance.
        let ratio = EigenRatio::new().confidence(1.0 - 1e-9).seed(seed).audit(audit);
        let sweep = Sweep::plane(&model, model.plane()).data("", &());
        sweep.alpha(-1.0..=1.0, 25).beta(-1.0..=1.0, 25).eigen_ratio(&ratio).unwrap()
    };
    let mut missed = 0;
    for seed in 0..6 {
        let alone = map(0, seed);
        assert_eq!((alone.audits()[0].points, alone.audits()[0].off), (0, 0));
        assert_eq!(alone.audits()[0].upper_bound, 1.0);
        let off = Bump::off(&alone);
        for &(i, j) in &off {
            assert_eq!(alone.states()[[i * 25 + j, 0]], Some(RatioState::Warm), "[{i}, {j}]");
        }
        missed += off.len();
        let whole = map(625, seed);
        let audit = whole.audits()[0];
        assert!(Bump::off(&whole).is_empty(), "{:?}", Bump::off(&whole));
        assert!(whole.states().iter().all(|state| *state == Some(RatioState::Certified)));
        assert!(audit.off == off.len() && audit.points >= off.len(), "{audit:?}, {} off", off.len());
        // The audit draws from the same points, whatever their number.
        let some = map(30, seed).audits()[0];
        assert!(some.points == 30 && some.off <= off.len() && some.upper_bound < 1.0);
    }
    assert!(missed > 0, "without an audit the bump stays unseen at some points, or this proves nothing");
}

#[test]
fn a_state_says_what_is_known() {
    let model = Bump::new();
    let map = |ratio: EigenRatio| {
        let sweep = Sweep::plane(&model, model.plane()).data("", &());
        sweep.alpha(-1.0..=1.0, 17).beta(-1.0..=1.0, 17).eigen_ratio(&ratio).unwrap()
    };
    let warm = map(EigenRatio::new());
    let [state, certified, low, high] =
        ["state", "certified", "ratio low", "ratio high"].map(|name| warm.channel(name).unwrap());
    for (point, found) in warm.states().iter().enumerate() {
        let place = [point / 17, point % 17];
        let known =
            warm.ratio()[place] - low[place] <= TOLERANCE && high[place] - warm.ratio()[place] <= TOLERANCE;
        assert_eq!(known, *found == Some(RatioState::Certified), "{place:?}");
        assert_eq!(known, certified[place] == 1.0);
        let number = [RatioState::Marked, RatioState::Warm, RatioState::Certified]
            .iter()
            .position(|s| Some(*s) == *found);
        assert_eq!(number.map(|number| number as f64), Some(state[place]));
    }
    // 2 % of 289 points.
    assert_eq!(warm.audits()[0].points, 6);
    assert!(warm.points_computed_again() >= 6);
    let cold = map(EigenRatio::new().certified(true));
    assert!(cold.states().iter().all(|state| *state == Some(RatioState::Certified)));
    assert_eq!((cold.audits()[0].points, cold.points_computed_again(), cold.cold_points()), (0, 0, 289));
    // A point that no product certifies has a mark.
    let marked = map(EigenRatio::new().max_products(1));
    assert!(marked.uncertain().iter().all(|marked| *marked));
    assert!(marked.states().iter().all(|state| *state == Some(RatioState::Marked)));
}

fn spirals() -> Samples<f64> {
    let inputs = Array2::from_shape_fn((120, 2), |(i, k)| {
        let along = (i / 3) as f64 / 40.0;
        let angle = 4.5 * along + (i % 3) as f64 * TAU / 3.0;
        (0.2 + 1.3 * along) * if k == 0 { angle.cos() } else { angle.sin() }
    });
    Samples::labelled(inputs, (0..120).map(|i| i % 3).collect()).unwrap()
}

/// Small ReLU networks are the hardest: their Hessians jump. Before a point had to agree with its neighbours to the
/// tolerance, several points of each of these maps were off without a mark.
#[test]
fn small_networks_are_seldom_off() {
    let data = spirals();
    let net = Mlp::<f64>::new(&[2, 10, 3], Activation::Relu, Criterion::CrossEntropy, 13).unwrap();
    let (mut off, mut points) = (0, 0);
    for seed in 0..4 {
        let dirs = RandomDirections::new(seed).pair(&net).unwrap();
        let plane =
            Slice::plane(net.layout(), net.parameters(), dirs.first().values(), dirs.second().values())
                .unwrap();
        let map = Sweep::plane(&net, dirs.clone())
            .data("", &data)
            .alpha(-3.0..=3.0, 21)
            .beta(-3.0..=3.0, 21)
            .eigen_ratio(&EigenRatio::new().seed(seed))
            .unwrap();
        let mut theta = net.parameters().to_vec();
        let mut hessian = HessianOperator::new(&net, &theta, &data).unwrap();
        let n = hessian.dimension();
        let units = DMatrix::<f64>::identity(n, n);
        let mut columns = vec![0.0; n * n];
        for ((i, j), &found) in map.ratio().indexed_iter() {
            plane.theta_into([map.alpha()[i], map.beta()[j]], &mut theta);
            hessian.move_to(&theta).unwrap();
            hessian.apply_several(units.as_slice(), &mut columns).unwrap();
            let dense = DMatrix::from_column_slice(n, n, &columns);
            let spectrum = (0.5 * (&dense + dense.transpose())).symmetric_eigenvalues();
            let exact = (spectrum.min() / spectrum.max()).abs();
            points += 1;
            off +=
                usize::from((found - exact).abs() > TOLERANCE * exact.max(1.0) && !map.uncertain()[[i, j]]);
        }
    }
    assert!(off <= 2, "{off} of {points}");
}
