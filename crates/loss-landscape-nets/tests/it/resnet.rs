//! ResNet-20 with and without skips against PyTorch, at trained parameters: losses to 1e-8 relative in `f64` and 1e-3
//! in `f32`, gradients and products in the norm of every block.

use crate::common::{Reference, assert_close_in_every_block, first, relative_error, widened};
use loss_landscape::{
    Direction, Directions, Gradient, HessianProduct, Layout, Loss, Model, Normalization, Policy, Role, Sweep,
    curvature::{HessianOperator, Lanczos},
};
use loss_landscape_nets::{Architecture, Criterion, NetScalar, Network, Samples, Skips, digits};
use safetensors::{Dtype, SafeTensors};

struct Case<S> {
    net: Network<S>,
    train: Samples<S>,
    test: Samples<S>,
    expected: Reference,
}

fn inputs<S: NetScalar>(data: &Samples<S>) -> Samples<S> {
    // The reference normalised its images in single precision.
    let values = data
        .inputs()
        .iter()
        .map(|&v| S::from_f64(f64::from((v.as_f64() as f32 - 0.3053) / 0.3762)))
        .collect();
    let values = ndarray::Array2::from_shape_vec((data.len(), 64), values).unwrap();
    Samples::labelled(values, data.labels().unwrap().to_vec()).unwrap()
}

fn case<S: NetScalar>(skips: Skips) -> Case<S> {
    let name = if skips == Skips::With { "resnet20" } else { "resnet20_noshort" };
    let architecture = Architecture::resnet(20, [1, 8, 8], 10, skips).unwrap();
    let path = format!("{}/tests/data/{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut theta = Vec::new();
    for block in architecture.layout().blocks() {
        let tensor = file.tensor(block.name()).unwrap();
        assert_eq!((tensor.dtype(), tensor.shape()), (Dtype::F32, block.shape()), "{}", block.name());
        let values = tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
        theta.extend(values.map(|v| S::from_f64(f64::from(v))));
    }
    let net = Network::new(&architecture, Criterion::CrossEntropy, 0).unwrap().at(theta).unwrap();
    let (train, test) = digits::<S>().unwrap();
    Case {
        net,
        train: inputs(&train),
        test: inputs(&test),
        expected: Reference::load(&format!("{name}_expected")),
    }
}

/// f(0), f(1), … over the parameters that are trained, 0 at buffers.
fn raw<S: NetScalar>(layout: &Layout, f: impl Fn(f64) -> f64) -> Vec<S> {
    let mut out = vec![S::zero(); layout.len()];
    let mut index = 0.0;
    for block in layout.blocks().iter().filter(|block| block.role() != Role::Buffer) {
        for value in &mut out[block.range()] {
            *value = S::from_f64(f(index));
            index += 1.0;
        }
    }
    out
}

/// A vector over the parameters that are trained as one over all, 0 at buffers.
fn with_buffers(layout: &Layout, trained: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; layout.len()];
    let mut rest = trained;
    for block in layout.blocks().iter().filter(|block| block.role() != Role::Buffer) {
        let (own, tail) = rest.split_at(block.len());
        out[block.range()].copy_from_slice(own);
        rest = tail;
    }
    assert!(rest.is_empty());
    out
}

fn directions<S: NetScalar>(net: &Network<S>) -> [Direction<S>; 2] {
    let layout = net.layout();
    [raw(layout, |i| (i + 1.0).sin()), raw(layout, |i| (2.0 * i + 1.0).cos())].map(|values| {
        let direction = Direction::new(layout, values).unwrap();
        direction.normalized(net.parameters(), &Normalization::original(Policy::Still)).unwrap()
    })
}

fn close(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance * expected.abs(), "{found} against {expected}");
}

fn losses<S: NetScalar>(tolerance: f64, logits: f64) {
    for skips in [Skips::With, Skips::Without] {
        let Case { net, train, test, expected } = case::<S>(skips);
        let found = net.outputs(net.parameters(), &first(&test, 8)).unwrap();
        let error = relative_error(found.iter().map(|v| v.as_f64()), expected.get("logits_first_8_test"));
        assert!(error < logits, "logits: {error:e}");
        for (data, name) in [(&train, "train_loss_accuracy"), (&test, "test_loss_accuracy")] {
            let mut out = [0.0; 2];
            net.measure(net.parameters(), data, &mut out).unwrap();
            let expected = expected.get(name);
            close(out[0], expected[0], tolerance);
            assert!((out[1] - expected[1]).abs() < 1e-12, "{out:?} against {expected:?}");
        }
    }
}

#[test]
fn logits_losses_and_accuracies_f64() {
    losses::<f64>(1e-8, 1e-10);
}

#[test]
fn logits_losses_and_accuracies_f32() {
    losses::<f32>(1e-3, 1e-4);
}

fn surfaces<S: NetScalar>(tolerance: f64) {
    for skips in [Skips::With, Skips::Without] {
        let Case { net, train, expected, .. } = case::<S>(skips);
        let [x, y] = directions(&net);
        let surface = Sweep::plane(&net, Directions::new(x, y).unwrap())
            .data("", &train)
            .alpha_at(&expected.get("surface.x"))
            .beta_at(&expected.get("surface.y"))
            .run()
            .unwrap();
        let losses = surface.channel("loss").unwrap();
        assert_eq!(losses.len(), 20);
        for (&found, expected) in losses.iter().zip(expected.get("surface.loss")) {
            close(found, expected, tolerance);
        }
    }
}

#[test]
fn surfaces_f64() {
    surfaces::<f64>(1e-8);
}

#[test]
fn surfaces_f32() {
    surfaces::<f32>(1e-3);
}

/// A block whose norm is smaller than this of all blocks' is compared with that.
const FLOOR: f64 = 1e-4;

fn derivatives<S: NetScalar>(tolerance: f64, product_tolerance: f64) {
    for skips in [Skips::With, Skips::Without] {
        let Case { net, train, expected, .. } = case::<S>(skips);
        let data = first(&train, 256);
        let [x, y] = directions::<S>(&net);
        let quarter = S::from_f64(0.25);
        let at = |i: usize| net.parameters()[i] + quarter * x.values()[i] - quarter * y.values()[i];
        let theta: Vec<S> = (0..net.layout().len()).map(at).collect();
        let mut out = vec![S::zero(); theta.len()];
        net.gradient(&theta, &data, &mut out).unwrap();
        let compare = |what: &str, found: &[S], tolerance: f64| {
            let expected = with_buffers(net.layout(), &expected.get_f32(&format!("off_centre.{what}")));
            assert_close_in_every_block(what, net.layout(), [&widened(found), &expected], tolerance, FLOOR);
        };
        compare("gradient", &out, tolerance);
        let v = raw::<S>(net.layout(), |i| (3.0 * i + 2.0).sin());
        net.hessian_product(&theta, &v, &data, &mut out).unwrap();
        compare("hvp", &out, product_tolerance);
        let mut worker = net.hessian_worker(&data).unwrap();
        let mut again = vec![S::zero(); theta.len()];
        worker.at(&theta).unwrap();
        worker.product(&v, &mut again).unwrap();
        assert_eq!(out, again, "kept or computed anew, the same bits");
        for block in net.layout().blocks().iter().filter(|block| block.role() == Role::Buffer) {
            assert!(out[block.range()].iter().all(|&v| v == S::zero()));
        }
    }
}

#[test]
fn gradients_and_products_f64() {
    // Both are stored in single precision.
    derivatives::<f64>(1e-7, 1e-7);
}

#[test]
fn gradients_and_products_f32() {
    derivatives::<f32>(1e-3, 1e-2);
}

#[test]
fn extreme_eigenvalues_f64() {
    let expected = Reference::load("spectra");
    for (skips, name) in [(Skips::With, "resnet20"), (Skips::Without, "resnet20_noshort")] {
        let Case { net, train, .. } = case::<f64>(skips);
        let data = first(&train, 64);
        let [x, y] = directions(&net);
        let step = x.values().iter().zip(y.values()).map(|(x, y)| 0.25 * x - 0.25 * y);
        let theta: Vec<f64> = net.parameters().iter().zip(step).map(|(t, step)| t + step).collect();
        let mut hessian = HessianOperator::new(&net, &theta, &data).unwrap();
        let found = Lanczos::new().tolerance(1e-5).pairs(&mut hessian, 3, 3).unwrap();
        let wanted = ["bottom3", "top3"].map(|ends| expected.get(&format!("{name}.{ends}"))).concat();
        let error = relative_error(found.values.iter().copied(), wanted);
        assert!(error < 1e-6, "{error:e} after {} products", found.products);
    }
}
