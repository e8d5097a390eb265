//! The parts of the Hessian, H = G + R, against dense ones by PyTorch (`tests/pytorch/gauss_newton.py`), and what must
//! hold of them in any network.

use loss_landscape::{
    GaussNewtonProduct, Layout, Mask, Model, Role,
    curvature::{
        GaussNewtonOperator, GaussNewtonSplit, HessianPart, Lanczos, SymmetricOperator, TraceEstimator,
    },
};
use loss_landscape_nets::{
    Activation, Architecture, Chain, Conv, Criterion, Mlp, NetScalar, Network, Pool, Samples, Skips, digits,
};

use crate::common::{
    Reference, Swish, hashed_network, hashed_regression, hashed_samples, hashed_theta, hashed_vector,
    relative_error,
};

/// A network with products of all parts, of either kind.
trait Net<S: NetScalar>: GaussNewtonProduct<Samples<S>, Scalar = S> + Sync {}

impl<S: NetScalar, M: GaussNewtonProduct<Samples<S>, Scalar = S> + Sync> Net<S> for M {}

fn mlp<S: NetScalar>(sizes: &[usize], activation: Activation, criterion: Criterion) -> Mlp<S> {
    let net = Mlp::new(sizes, activation, criterion, 0).unwrap();
    let theta = hashed_theta(net.layout(), 0, 1.0);
    net.at(theta).unwrap()
}

fn conv<S: NetScalar>(criterion: Criterion) -> Network<S> {
    let body = Chain::new().conv(Conv::new("c2", 4, 3).bias(true));
    let chain = Chain::new()
        .conv3x3("c1", 4, 1)
        .batch_norm("b1")
        .relu()
        .skip(body, Chain::new())
        .tanh()
        .max_pool(Pool::new(2).stride(2))
        .batch_norm("b2")
        .linear("fc", 3);
    hashed_network(&Architecture::new([2, 6, 5], chain).unwrap(), criterion, 0, 1.0)
}

type Case<S> = (&'static str, Box<dyn Net<S>>, Samples<S>);

/// The networks of PyTorch's script, with their data.
fn cases<S: NetScalar>() -> Vec<Case<S>> {
    use Activation::{Relu, Tanh};
    use Criterion::{CrossEntropy, MeanSquaredError};
    vec![
        ("mlp_tanh", Box::new(mlp(&[5, 7, 4], Tanh, CrossEntropy)), hashed_samples(300, 5, 4)),
        ("mlp_relu", Box::new(mlp(&[5, 7, 6, 4], Relu, CrossEntropy)), hashed_samples(40, 5, 4)),
        ("mlp_squares", Box::new(mlp(&[5, 7, 4], Tanh, MeanSquaredError)), hashed_regression(40, 5, 4)),
        ("conv", Box::new(conv(CrossEntropy)), hashed_samples(37, 60, 3)),
        ("conv_squares", Box::new(conv(MeanSquaredError)), hashed_regression(37, 60, 3)),
        ("linear", Box::new(mlp(&[5, 4], Tanh, CrossEntropy)), hashed_samples(40, 5, 4)),
    ]
}

/// Products with the parts in the order H, G, R, from one worker.
fn products<S: NetScalar>(net: &dyn Net<S>, data: &Samples<S>, v: &[S]) -> [Vec<S>; 3] {
    let mut worker = net.gauss_newton_worker(data).unwrap();
    worker.at(net.parameters()).unwrap();
    let [mut g, mut h, mut r] = [(); 3].map(|()| vec![S::from_f64(f64::NAN); v.len()]);
    // G first, so that H must fill in what G did not need.
    worker.gauss_newton_products(v.len(), v, &mut g).unwrap();
    worker.product(v, &mut h).unwrap();
    worker.rest_products(v.len(), v, &mut r).unwrap();
    [h, g, r]
}

fn trained<S: NetScalar>(layout: &Layout, v: &[S]) -> Vec<f64> {
    let ranges = Mask::trained(layout).ranges();
    ranges.into_iter().flatten().map(|index| v[index].as_f64()).collect()
}

fn dot<S: NetScalar>(a: &[S], b: &[S]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a.as_f64() * b.as_f64()).sum()
}

fn against_pytorch<S: NetScalar>(tolerance: f64) {
    let reference = Reference::load("gauss_newton");
    for (name, net, data) in cases::<S>() {
        let layout = net.layout();
        let [expected_g, expected_r] = ["gv", "rv"].map(|what| reference.get(&format!("{name}.{what}")));
        let n = expected_g.len() / 3;
        let scale = expected_g.iter().fold(0.0_f64, |most, g| most.max(g.abs()));
        for k in 0..3 {
            let v = hashed_vector(layout, (6 + k as u64) * 1_000_000_000);
            let [h, g, r] = products(&*net, &data, &v).map(|product| trained(layout, &product));
            let [expected_g, expected_r] = [&expected_g, &expected_r].map(|all| &all[k * n..(k + 1) * n]);
            let expected_h: Vec<f64> = expected_g.iter().zip(expected_r).map(|(g, r)| g + r).collect();
            for (part, found, expected) in
                [("G", &g, expected_g), ("R", &r, expected_r), ("H", &h, &expected_h)]
            {
                let gap = found.iter().zip(expected).fold(0.0_f64, |most, (f, e)| most.max((f - e).abs()));
                assert!(gap < tolerance * scale, "{part} of {name}: {gap:e} of {scale}");
            }
            assert!(
                name != "linear" || r.iter().all(|r| *r == 0.0),
                "R of a linear model is 0, not rounding"
            );
        }
    }
}

#[test]
fn products_with_all_parts_f64() {
    against_pytorch::<f64>(1e-11);
}

#[test]
fn products_with_all_parts_f32() {
    against_pytorch::<f32>(1e-5);
}

/// Exact to rounding, as all of it is for so few parameters.
#[test]
fn reports_say_what_dense_matrices_say() {
    let reference = Reference::load("gauss_newton");
    let split = GaussNewtonSplit::new()
        .lanczos(Lanczos::new().tolerance(1e-9).confidence(1.0 - 1e-9))
        .trace(TraceEstimator::new().max_products(400))
        .probes(200);
    for (name, net, data) in cases::<f64>() {
        let get = |what: &str| reference.get(&format!("{name}.{what}"));
        let report = split.report(&*net, net.parameters(), &data).unwrap();
        let scale = get("ends")[1];
        let close = |what: &str, found: f64, expected: f64| {
            assert!((found - expected).abs() < 1e-9 * scale, "{what} of {name}: {found} against {expected}");
        };
        let parts = [&report.gauss_newton, &report.rest, &report.hessian];
        for (part, expected) in parts.into_iter().zip(get("ends").chunks_exact(2)) {
            close("λ_min", part.lambda_min, expected[0]);
            close("λ_max", part.lambda_max, expected[1]);
            assert!(part.bounds[0] <= expected[0] + 1e-12 && expected[1] <= part.bounds[1] + 1e-12, "{name}");
            assert!(part.vectors.is_none());
        }
        let [g, r] = [&report.gauss_newton_trace, &report.rest_trace].map(|trace| trace.value);
        close("tr G", g, get("traces")[0]);
        close("tr R", r, get("traces")[1]);
        close("the trace's share", report.trace_share, g / (g + r));
        assert_eq!(report.trace_share_error, 0.0);
        for (k, expected) in get("energies").into_iter().enumerate() {
            let error = (report.energies[k] - expected).abs();
            assert!(error <= 4.0 * report.energy_errors[k] + 1e-12, "Σλ² of {name}: {error}");
        }
        assert!((report.lowest[0] + report.lowest[1] - report.hessian.lambda_min).abs() < 1e-12 * scale);
        assert!((report.highest[0] + report.highest[1] - report.hessian.lambda_max).abs() < 1e-12 * scale);
        if name != "linear" {
            close("G along the lowest eigenvector", report.lowest[0], get("lowest")[0]);
            close("R along the lowest eigenvector", report.lowest[1], get("lowest")[1]);
            assert_eq!(report.hessian.is_convex(), Some(false));
        }
        assert!(report.gauss_newton.lambda_min > -1e-12 * scale, "{name}: G has no negative eigenvalue");
        let text = report.to_string();
        assert!(text.contains("λ_max(G)") && text.contains(&format!("{} parameters", get("gv").len() / 3)));
    }
}

/// Outputs are linear in every single weight, so that R has no diagonal, and it is there nevertheless.
#[test]
fn without_curved_activations_the_rest_has_no_trace() {
    let (train, _) = digits::<f64>().unwrap();
    let net = mlp::<f64>(&[64, 8, 10], Activation::Relu, Criterion::CrossEntropy);
    let split = GaussNewtonSplit::new().trace(TraceEstimator::new().max_products(1000));
    let report = split.report(&net, net.parameters(), &train).unwrap();
    assert!(report.rest_trace.value.abs() < 1e-12 * report.gauss_newton_trace.value, "{report}");
    assert!((report.trace_share - 1.0).abs() < 1e-12 && report.rest.lambda_min < -0.01, "{report}");
    assert!(report.energies[1] > 0.01 * report.energies[0], "{report}");
}

#[test]
fn g_is_semidefinite_symmetric_and_adds_up() {
    let check = |name: &str, net: &dyn Net<f64>, data: &Samples<f64>| {
        let layout = net.layout();
        let [v, w] = [11, 12].map(|base| hashed_vector::<f64>(layout, base * 1_000_000_000));
        let ([h, g, r], [_, gw, rw]) = (products(net, data, &v), products(net, data, &w));
        let sum: Vec<f64> = g.iter().zip(&r).map(|(g, r)| g + r).collect();
        let error = relative_error(sum, h.iter().copied());
        assert!(error < 1e-13, "H − G − R of {name}: {error:e}");
        assert!(dot(&v, &g) > 0.0 && dot(&w, &gw) > 0.0, "{name}");
        for (what, left, right) in [("G", dot(&w, &g), dot(&v, &gw)), ("R", dot(&w, &r), dot(&v, &rw))] {
            let scale = (dot(&g, &g) * dot(&w, &w)).sqrt();
            assert!((left - right).abs() < 1e-13 * scale, "{what} of {name}: {left} against {right}");
        }
        let buffers = Mask::role(layout, Role::Buffer).ranges();
        assert!(buffers.into_iter().flatten().all(|i| g[i] == 0.0 && r[i] == 0.0), "{name}");
    };
    for (name, net, data) in cases::<f64>() {
        check(name, &*net, &data);
    }
    let resnet = Architecture::resnet(20, [1, 8, 8], 10, Skips::With).unwrap();
    let net = hashed_network::<f64>(&resnet, Criterion::CrossEntropy, 0, 0.7);
    check("ResNet-20", &net, &hashed_samples(50, 64, 10));
    let grouped = Chain::new()
        .conv(Conv::new("c1", 6, [3, 1]).stride([2, 1]).bias(true))
        .custom("swish", Swish::Exact)
        .conv(Conv::new("c2", 6, 3).groups(6).dilation(2))
        .batch_norm("n")
        .relu()
        .conv(Conv::new("c3", 4, 3).groups(2))
        .linear("fc", 3);
    let net =
        hashed_network(&Architecture::new([2, 6, 5], grouped).unwrap(), Criterion::CrossEntropy, 0, 1.0);
    check("in groups, with a layer of its own", &net, &hashed_samples(37, 60, 3));
}

/// The same bits for any number of threads, whether states are kept, and in whatever order parts are asked for.
#[test]
fn products_have_the_same_bits_however_they_are_computed() {
    let architecture = Architecture::resnet(8, [1, 8, 8], 10, Skips::With).unwrap();
    let net = hashed_network::<f32>(&architecture, Criterion::CrossEntropy, 0, 0.7);
    let data = hashed_samples(300, 64, 10);
    let perceptron = mlp::<f32>(&[64, 9, 10], Activation::Tanh, Criterion::CrossEntropy);
    let [v, short] = [net.layout(), perceptron.layout()].map(|layout| hashed_vector(layout, 1_000_000));
    let bits =
        |products: [Vec<f32>; 3]| products.map(|p| p.into_iter().map(f32::to_bits).collect::<Vec<_>>());
    let of = |net: &dyn Net<f32>, v: &[f32], threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        bits(pool.install(|| products(net, &data, v)))
    };
    let (first, second) = (of(&net, &v, 1), of(&perceptron, &short, 1));
    let (forgetful, other) = (net.clone().hessian_memory(0), perceptron.clone().hessian_memory(0));
    for threads in [1, 2, 4] {
        assert!(of(&net, &v, threads) == first && of(&forgetful, &v, threads) == first, "{threads}");
        assert!(of(&perceptron, &short, threads) == second && of(&other, &short, threads) == second);
    }
    // From elsewhere and back, R first, several vectors in one call, and single products.
    for (net, v, [h, g, r]) in [(&net as &dyn Net<f32>, &v, &first), (&perceptron, &short, &second)] {
        let n = v.len();
        let mut worker = net.gauss_newton_worker(&data).unwrap();
        let mut out = vec![f32::NAN; 2 * n];
        let twice = [v.as_slice(), v].concat();
        let same =
            |out: &[f32], expected: &[u32]| out.iter().map(|o| o.to_bits()).eq(expected.iter().copied());
        worker.at(v).unwrap();
        worker.product(v, &mut out[..n]).unwrap();
        worker.at(net.parameters()).unwrap();
        worker.rest_products(n, &twice, &mut out).unwrap();
        assert!(same(&out[..n], r) && same(&out[n..], r));
        worker.gauss_newton_products(n, &twice, &mut out).unwrap();
        assert!(same(&out[..n], g) && same(&out[n..], g));
        worker.products(n, &twice, &mut out).unwrap();
        assert!(same(&out[..n], h) && same(&out[n..], h));
        net.gauss_newton_product(net.parameters(), v, &data, &mut out[..n]).unwrap();
        assert!(same(&out[..n], g));
        net.hessian_product(net.parameters(), v, &data, &mut out[..n]).unwrap();
        assert!(same(&out[..n], h));
    }
}

#[test]
fn parts_are_restricted_to_blocks() {
    let net = conv::<f64>(Criterion::CrossEntropy);
    let data = hashed_samples(37, 60, 3);
    let mask = Mask::name(net.layout(), "c*").unwrap();
    let split = GaussNewtonSplit::new().mask(&mask).lanczos(Lanczos::new().vectors(true));
    let report = split.report(&net, net.parameters(), &data).unwrap();
    assert_eq!(report.parameters, 72 + 144 + 4);
    let mut operator =
        GaussNewtonOperator::new(&net, net.parameters(), &data).unwrap().masked(&mask).unwrap();
    assert_eq!((operator.part(), operator.dimension()), (HessianPart::GaussNewton, 220));
    let v = operator.restrict(&hashed_vector(net.layout(), 5)).unwrap();
    let mut product = vec![0.0; 220];
    operator.apply(&v, &mut product).unwrap();
    let mut whole = vec![0.0; net.layout().len()];
    net.gauss_newton_product(net.parameters(), &operator.embed(&v).unwrap(), &data, &mut whole).unwrap();
    assert_eq!(product, operator.restrict(&whole).unwrap());
    assert!(report.hessian.vectors.is_some() && report.rest.vectors.is_some());
    let few = GaussNewtonSplit::new().probes(1).report(&net, net.parameters(), &data).unwrap_err();
    assert!(few.to_string().contains("the number of probes must be 2 or more"), "{few}");
}

#[test]
fn what_does_not_fit_is_an_error() {
    for (name, net, data) in cases::<f64>() {
        let mut worker = net.gauss_newton_worker(&data).unwrap();
        let n = net.layout().len();
        let mut out = vec![0.0; n];
        assert!(worker.gauss_newton_products(n, &vec![0.0; n], &mut out).is_err(), "{name}: never at a θ");
        worker.at(net.parameters()).unwrap();
        assert!(worker.gauss_newton_products(3, &[0.0; 3], &mut [0.0; 3]).is_err(), "{name}");
        assert!(net.gauss_newton_product(net.parameters(), &[], &data, &mut []).is_err(), "{name}");
        assert!(net.gauss_newton_product(&[0.0], &vec![0.0; n], &data, &mut out).is_err(), "{name}");
    }
}
