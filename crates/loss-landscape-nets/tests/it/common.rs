//! What several tests share: PyTorch's answers, and the network they belong to.
#![allow(dead_code, reason = "each test program uses its part")]

use loss_landscape::{Block, Layout, Role};
use loss_landscape_nets::{
    Activation, Architecture, Criterion, CustomLayer, LayerDirection, LayerPoint, Mlp, NetScalar, Network,
    Samples, digits,
};
use ndarray::Array2;
use safetensors::SafeTensors;

/// The tensors of one reference file; `tests/pytorch` has the scripts that wrote them.
pub(crate) struct Reference {
    bytes: Vec<u8>,
}

impl Reference {
    pub(crate) fn load(name: &str) -> Self {
        let path = format!("{}/tests/data/{name}.safetensors", env!("CARGO_MANIFEST_DIR"));
        Self { bytes: std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}")) }
    }

    pub(crate) fn get(&self, name: &str) -> Vec<f64> {
        let file = SafeTensors::deserialize(&self.bytes).unwrap();
        let tensor = file.tensor(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        tensor.data().chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
    }

    /// What the file says of itself under this name.
    pub(crate) fn note(&self, name: &str) -> String {
        let (_, metadata) = SafeTensors::read_metadata(&self.bytes).unwrap();
        metadata.metadata().as_ref().and_then(|notes| notes.get(name)).expect(name).clone()
    }

    /// A tensor that is stored in single precision.
    pub(crate) fn get_f32(&self, name: &str) -> Vec<f64> {
        let file = SafeTensors::deserialize(&self.bytes).unwrap();
        let tensor = file.tensor(name).unwrap_or_else(|error| panic!("{name}: {error}"));
        let values = tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
        values.map(f64::from).collect()
    }

    /// A parameter vector, its blocks in the order of the network's layout.
    pub(crate) fn vector<S: NetScalar>(&self, prefix: &str) -> Vec<S> {
        ["fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"]
            .iter()
            .flat_map(|block| self.get(&format!("{prefix}.{block}")))
            .map(S::from_f64)
            .collect()
    }
}

/// The reference network at minimiser a, its data and its answers.
pub(crate) fn reference<S: NetScalar>(activation: Activation) -> (Mlp<S>, Samples<S>, Reference) {
    let reference = Reference::load(match activation {
        Activation::Tanh => "mlp_tanh",
        _ => "mlp_relu",
    });
    let net = Mlp::new(&[64, 16, 10], activation, Criterion::CrossEntropy, 0).unwrap();
    let net = net.at(reference.vector("minimiser_a")).unwrap();
    (net, digits().unwrap().0, reference)
}

/// The first digits, each of 64 values.
pub(crate) fn first<S: NetScalar>(data: &Samples<S>, count: usize) -> Samples<S> {
    let values = Array2::from_shape_vec((count, 64), data.inputs()[..count * 64].to_vec()).unwrap();
    Samples::labelled(values, data.labels().unwrap()[..count].to_vec()).unwrap()
}

/// The raw directions of the reference, before normalisation.
pub(crate) fn raw<S: NetScalar>(f: impl Fn(f64) -> f64) -> Vec<S> {
    (0..1210).map(|i| S::from_f64(f(f64::from(i)))).collect()
}

/// The hash that PyTorch's script takes its numbers from.
pub(crate) fn splitmix(index: u64) -> u64 {
    let mut z = index.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// A number from −1 to 1 for each index.
pub(crate) fn hashed(index: u64) -> f64 {
    2.0 * unit(index) - 1.0
}

fn unit(index: u64) -> f64 {
    (splitmix(index) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Parameters that are hashes of their positions, counted from `base`, running statistics too.
pub(crate) fn hashed_theta<S: NetScalar>(layout: &Layout, base: u64, gain: f64) -> Vec<S> {
    let mut theta = vec![S::zero(); layout.len()];
    for block in layout.blocks() {
        let fan_in: usize = block.shape()[1..].iter().product();
        for index in block.range() {
            let (u, r) = (unit(base + index as u64), hashed(base + index as u64));
            theta[index] = S::from_f64(match block.role() {
                Role::Weight => gain * r * (6.0 / fan_in as f64).sqrt(),
                Role::NormScale => 0.5 + u,
                Role::Buffer if block.name().ends_with("running_var") => 0.5 + u,
                Role::NormShift | Role::Buffer => 0.2 * r,
                _ => 0.1 * r,
            });
        }
    }
    theta
}

/// A network of hashed parameters.
pub(crate) fn hashed_network<S: NetScalar>(
    architecture: &Architecture,
    criterion: Criterion,
    base: u64,
    gain: f64,
) -> Network<S> {
    let theta = hashed_theta(architecture.layout(), base, gain);
    Network::new(architecture, criterion, 0).unwrap().at(theta).unwrap()
}

/// Hashed inputs [samples, features].
pub(crate) fn hashed_inputs<S: NetScalar>(samples: usize, features: usize) -> Array2<S> {
    let value = |(n, j): (usize, usize)| S::from_f64(hashed(1_000_000_000 + (n * features + j) as u64));
    Array2::from_shape_fn((samples, features), value)
}

/// Hashed inputs with hashed labels.
pub(crate) fn hashed_samples<S: NetScalar>(samples: usize, features: usize, classes: usize) -> Samples<S> {
    let label = |n| (splitmix(3_000_000_000 + n) % classes as u64) as u32;
    Samples::labelled(hashed_inputs(samples, features), (0..samples as u64).map(label).collect()).unwrap()
}

/// Hashed inputs with hashed values to give.
pub(crate) fn hashed_regression<S: NetScalar>(samples: usize, features: usize, outputs: usize) -> Samples<S> {
    let value = |(n, j): (usize, usize)| S::from_f64(hashed(5_000_000_000 + (n * outputs + j) as u64));
    let targets = Array2::from_shape_fn((samples, outputs), value);
    Samples::regression(hashed_inputs(samples, features), targets).unwrap()
}

/// Hashes counted from `base`, one for each parameter, 0 at buffers.
pub(crate) fn hashed_vector<S: NetScalar>(layout: &Layout, base: u64) -> Vec<S> {
    let mut vector = vec![S::zero(); layout.len()];
    for block in layout.blocks().iter().filter(|block| block.role() != Role::Buffer) {
        for index in block.range() {
            vector[index] = S::from_f64(hashed(base + index as u64));
        }
    }
    vector
}

/// For every block the inner product of its part with hashed numbers, as PyTorch's script takes it.
pub(crate) fn projected(layout: &Layout, vector: &[f64]) -> Vec<f64> {
    let q = |index: usize| hashed(4_000_000_000 + index as u64);
    let blocks = layout.blocks().iter();
    blocks.map(|block| block.range().map(|index| vector[index] * q(index)).sum()).collect()
}

/// For every block but the buffers, ‖found − expected‖ ≤ `tolerance`·‖expected‖; a block whose norm is below
/// `floor` times the whole vector's is compared with that.
pub(crate) fn assert_close_in_every_block(
    what: &str,
    layout: &Layout,
    pair: [&[f64]; 2],
    tolerance: f64,
    floor: f64,
) {
    let (error, block) = worst_block(layout, pair, floor);
    assert!(error <= tolerance, "{what} at {block}: {error:e}, {tolerance:e} allowed");
}

/// The largest ‖found − expected‖/‖expected‖ of a block, and its name: as
/// [`assert_close_in_every_block`] has them. NaN is larger than all numbers.
pub(crate) fn worst_block<'a>(
    layout: &'a Layout,
    [found, expected]: [&[f64]; 2],
    floor: f64,
) -> (f64, &'a str) {
    assert_eq!([found.len(), expected.len()], [layout.len(); 2]);
    let least = floor * norm(expected);
    let blocks = layout.blocks().iter().filter(|block| block.role() != Role::Buffer);
    let errors = blocks.map(|block| {
        let (found, expected) = (&found[block.range()], &expected[block.range()]);
        let gap: Vec<f64> = found.iter().zip(expected).map(|(f, e)| f - e).collect();
        (norm(&gap) / norm(expected).max(least), block.name())
    });
    errors.max_by(|a, b| a.0.abs().total_cmp(&b.0.abs())).expect("a network has parameters")
}

pub(crate) fn norm(vector: &[f64]) -> f64 {
    vector.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// In double precision.
pub(crate) fn widened<S: NetScalar>(vector: &[S]) -> Vec<f64> {
    vector.iter().map(|v| v.as_f64()).collect()
}

/// ‖found − expected‖∞ / ‖expected‖∞.
pub(crate) fn relative_error(
    found: impl IntoIterator<Item = f64>,
    expected: impl IntoIterator<Item = f64>,
) -> f64 {
    let (found, expected): (Vec<f64>, Vec<f64>) =
        (found.into_iter().collect(), expected.into_iter().collect());
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(0.0_f64, |m, e| m.max(e.abs()));
    let worst = found
        .iter()
        .zip(&expected)
        .map(|(f, e)| (f - e).abs())
        .fold(0.0, |m: f64, e| if e.is_nan() { f64::NAN } else { m.max(e) });
    worst / scale
}

/// x · σ(β·x), and how much of its derivatives is left to differences.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Swish {
    /// Nothing.
    Exact,
    /// What is differentiated along directions.
    Slopes,
    /// All.
    Value,
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

impl Swish {
    /// σ(z), and its first and second derivative.
    fn slopes(z: f64) -> [f64; 3] {
        let s = sigmoid(z);
        let first = s * (1.0 - s);
        [s, first, first * (1.0 - 2.0 * s)]
    }
}

/// A value-only copy, whose derivatives are the trait's own.
#[derive(Debug)]
struct ByDifferences;

impl CustomLayer for ByDifferences {
    fn fingerprint(&self) -> String {
        "swish".to_owned()
    }

    fn value(&self, at: &LayerPoint<'_>, out: &mut [f64]) {
        Swish::Exact.value(at, out);
    }
}

/// The slopes alone.
#[derive(Debug)]
struct BySlopes;

impl CustomLayer for BySlopes {
    fn fingerprint(&self) -> String {
        "swish".to_owned()
    }

    fn value(&self, at: &LayerPoint<'_>, out: &mut [f64]) {
        Swish::Exact.value(at, out);
    }

    fn by_input(&self, at: &LayerPoint<'_>, delta: &[f64], out: &mut [f64]) {
        Swish::Exact.by_input(at, delta, out);
    }

    fn by_parameters(&self, at: &LayerPoint<'_>, delta: &[f64], out: &mut [f64]) {
        Swish::Exact.by_parameters(at, delta, out);
    }
}

impl Swish {
    /// The layer by which it is differentiated where it does not do so itself.
    fn stand_in(self) -> Option<&'static dyn CustomLayer> {
        match self {
            Self::Exact => None,
            Self::Slopes => Some(&BySlopes),
            Self::Value => Some(&ByDifferences),
        }
    }
}

impl CustomLayer for Swish {
    fn fingerprint(&self) -> String {
        format!("swish {self:?}")
    }

    fn parameters(&self, _input: [usize; 3]) -> Vec<Block> {
        vec![Block::bias("beta", [1])]
    }

    fn value(&self, at: &LayerPoint<'_>, out: &mut [f64]) {
        assert_eq!([at.x.len(), out.len()], [at.samples * at.input.iter().product::<usize>(); 2]);
        for (out, x) in out.iter_mut().zip(at.x) {
            *out = x * sigmoid(at.parameters[0] * x);
        }
    }

    fn by_input(&self, at: &LayerPoint<'_>, delta: &[f64], out: &mut [f64]) {
        if let Some(other) = self.stand_in() {
            return other.by_input(at, delta, out);
        }
        for ((out, x), delta) in out.iter_mut().zip(at.x).zip(delta) {
            let z = at.parameters[0] * x;
            let [s, first, _] = Self::slopes(z);
            *out = delta * (s + z * first);
        }
    }

    fn by_parameters(&self, at: &LayerPoint<'_>, delta: &[f64], out: &mut [f64]) {
        if let Some(other) = self.stand_in() {
            return other.by_parameters(at, delta, out);
        }
        for (x, delta) in at.x.iter().zip(delta) {
            let [_, first, _] = Self::slopes(at.parameters[0] * x);
            out[0] += delta * x * x * first;
        }
    }

    fn tangent(&self, at: &LayerPoint<'_>, along: &LayerDirection<'_>, out: &mut [f64]) {
        if let Some(other) = self.stand_in() {
            return other.tangent(at, along, out);
        }
        for ((out, x), dx) in out.iter_mut().zip(at.x).zip(along.x) {
            let z = at.parameters[0] * x;
            let [s, first, _] = Self::slopes(z);
            *out = dx * (s + z * first) + along.parameters[0] * x * x * first;
        }
    }

    fn by_input_tangent(
        &self,
        at: &LayerPoint<'_>,
        along: &LayerDirection<'_>,
        delta: &[f64],
        out: &mut [f64],
    ) {
        if let Some(other) = self.stand_in() {
            return other.by_input_tangent(at, along, delta, out);
        }
        for (((out, x), dx), delta) in out.iter_mut().zip(at.x).zip(along.x).zip(delta) {
            let z = at.parameters[0] * x;
            let dz = at.parameters[0] * dx + along.parameters[0] * x;
            let [_, first, second] = Self::slopes(z);
            *out = delta * dz * (2.0 * first + z * second);
        }
    }

    fn by_parameters_tangent(
        &self,
        at: &LayerPoint<'_>,
        along: &LayerDirection<'_>,
        delta: &[f64],
        out: &mut [f64],
    ) {
        if let Some(other) = self.stand_in() {
            return other.by_parameters_tangent(at, along, delta, out);
        }
        for ((x, dx), delta) in at.x.iter().zip(along.x).zip(delta) {
            let dz = at.parameters[0] * dx + along.parameters[0] * x;
            let [_, first, second] = Self::slopes(at.parameters[0] * x);
            out[0] += delta * (2.0 * x * dx * first + x * x * second * dz);
        }
    }
}
