//! Gradients and Hessian-vector products of random networks of all pieces, against central differences.

use crate::common::{Swish, hashed, hashed_inputs, hashed_network, hashed_samples, hashed_vector};
use loss_landscape::{Gradient, HessianProduct, Loss, Model, Role};
use loss_landscape_nets::{
    Architecture, Chain, Conv, Criterion, Error, Gelu, Network, Piece, Pool, Samples, Sides,
};
use ndarray::Array2;
use proptest::prelude::*;

/// A piece still to be made to fit the shape that it will be given.
#[derive(Clone, Debug)]
enum Part {
    /// Pairs are of height and width.
    Conv {
        channels: usize,
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        dilation: [usize; 2],
        groups: usize,
        bias: bool,
    },
    Same {
        channels: usize,
        half: usize,
    },
    Norm,
    /// Into so many groups, if that is possible.
    GroupNorm(usize),
    LayerNorm,
    Relu,
    Tanh,
    Gelu(Gelu),
    Dropout,
    Adaptive([usize; 2]),
    PixelLinear {
        outputs: usize,
        bias: bool,
    },
    /// The hidden pixels of two layers over pixels.
    OverPixels(usize),
    Max(Pool),
    Average(Pool),
    Mean,
    Linear {
        outputs: usize,
        bias: bool,
    },
    /// Whether to project although the shapes are the same.
    Skip(Vec<Part>, bool),
    /// With derivatives of its own: products by differences are symmetric to fewer digits.
    Custom,
    Concat(Vec<Vec<Part>>),
}

type Shape = [usize; 3];

/// Names the layers as they come.
#[derive(Default)]
struct Builder {
    layers: usize,
    kinks: bool,
}

/// Height and width of what a convolution gives.
fn conv_sizes(conv: &Conv, [_, height, width]: Shape) -> [Option<usize>; 2] {
    let pairs = |sides: Sides| [sides.height, sides.width];
    let [kernel, stride, padding, dilation] =
        [conv.kernel, conv.stride, conv.padding, conv.dilation].map(pairs);
    [(0, height), (1, width)].map(|(axis, length)| {
        let reach = (kernel[axis] - 1) * dilation[axis] + 1;
        Some((length + 2 * padding[axis]).checked_sub(reach)? / stride[axis] + 1)
    })
}

fn windows(pool: Pool, length: usize) -> usize {
    let rest = (length + 2 * pool.padding).saturating_sub(pool.window);
    let count = if pool.ceil { rest.div_ceil(pool.stride) } else { rest / pool.stride } + 1;
    if pool.ceil && (count - 1) * pool.stride >= length + pool.padding { count - 1 } else { count }
}

/// With a window of at most `room`, and no more padding than half of it.
fn fitted(pool: Pool, room: usize) -> Pool {
    let window = pool.window.min(room);
    let padding = pool.padding.min(window / 2);
    Pool::new(window).stride(pool.stride).padding(padding).count_padding(pool.count_padding)
}

impl Builder {
    fn name(&mut self) -> String {
        self.layers += 1;
        format!("l{}", self.layers)
    }

    fn chain(&mut self, parts: &[Part], shape: Shape) -> (Chain, Shape) {
        parts.iter().fold((Chain::new(), shape), |(chain, shape), part| self.part(part, chain, shape))
    }

    fn conv(&mut self, chain: Chain, mut conv: Conv, shape: Shape) -> Option<(Chain, Shape)> {
        let [height, width] = conv_sizes(&conv, shape);
        let shape = [conv.channels, height?, width?];
        conv.name = self.name();
        Some((chain.conv(conv), shape))
    }

    fn part(&mut self, part: &Part, chain: Chain, shape: Shape) -> (Chain, Shape) {
        let [channels, height, width] = shape;
        let room = height.min(width);
        match part {
            &Part::Conv { channels: outputs, kernel, stride, padding, dilation, groups, bias } => {
                let divides = channels.is_multiple_of(groups) && outputs.is_multiple_of(groups);
                let groups = if divides { groups } else { 1 };
                let padding = [0, 1].map(|axis| padding[axis] % kernel[axis]);
                let conv = Conv::new("", outputs, kernel).padding(padding).dilation(dilation);
                let smaller = Conv::new("", outputs, kernel.map(|side| side.min(room))).padding(0);
                let [conv, smaller] =
                    [conv, smaller].map(|conv| conv.stride(stride).groups(groups).bias(bias));
                self.conv(chain.clone(), conv, shape)
                    .or_else(|| self.conv(chain.clone(), smaller, shape))
                    .unwrap_or((chain, shape))
            }
            &Part::Same { channels, half } => {
                let conv = Conv::new("", channels, 2 * half + 1);
                self.conv(chain.clone(), conv, shape).unwrap_or((chain, shape))
            }
            Part::Norm => (chain.batch_norm(self.name()), shape),
            // With an ε large enough for differences: the function bends on its scale.
            &Part::GroupNorm(groups) => {
                let groups = if channels.is_multiple_of(groups) { groups } else { 1 };
                (chain.piece(Piece::GroupNorm { name: self.name(), groups, epsilon: 0.1 }), shape)
            }
            Part::LayerNorm => (chain.piece(Piece::LayerNorm { name: self.name(), epsilon: 0.1 }), shape),
            &Part::Gelu(form) => (chain.gelu(form), shape),
            Part::Dropout => (chain.dropout(), shape),
            &Part::Adaptive(sides) => (chain.adaptive_average_pool(sides), [channels, sides[0], sides[1]]),
            &Part::PixelLinear { outputs, bias } => {
                let piece = Piece::PixelLinear { name: self.name(), outputs, bias };
                (chain.piece(piece), [outputs, height, width])
            }
            &Part::OverPixels(hidden) => {
                let two = Chain::new().pixel_linear(self.name(), hidden).gelu(Gelu::Exact);
                (chain.transposed(two.pixel_linear(self.name(), height * width)), shape)
            }
            Part::Relu => {
                self.kinks = true;
                (chain.relu(), shape)
            }
            Part::Tanh => (chain.tanh(), shape),
            &Part::Max(pool) => {
                self.kinks = true;
                // The last window may reach over the edge by less than a step.
                let room = if pool.ceil { room + pool.stride - 1 } else { room };
                let pool = fitted(pool, room).ceil(pool.ceil);
                (chain.max_pool(pool), [channels, windows(pool, height), windows(pool, width)])
            }
            &Part::Average(pool) => {
                let pool = fitted(pool, room);
                (chain.average_pool(pool), [channels, windows(pool, height), windows(pool, width)])
            }
            Part::Mean => (chain.global_average_pool(), [channels, 1, 1]),
            &Part::Linear { outputs, bias } => {
                (chain.piece(Piece::Linear { name: self.name(), outputs, bias }), [outputs, 1, 1])
            }
            Part::Custom => (chain.custom(self.name(), Swish::Exact), shape),
            Part::Skip(parts, project) => self.skip(parts, *project, chain, shape),
            Part::Concat(branches) => {
                let built: Vec<_> = branches.iter().map(|parts| self.chain(parts, shape)).collect();
                let fits = built.iter().all(|(_, [_, h, w])| [*h, *w] == built[0].1[1..]);
                let channels = built.iter().map(|(_, shape)| shape[0]).sum();
                let [_, height, width] = if fits { built[0].1 } else { [0, 1, 1] };
                let branches = built.into_iter().map(|(c, _)| if fits { c } else { c.global_average_pool() });
                (chain.concat(branches), [channels, height, width])
            }
        }
    }

    /// A skip with a convolution of the right geometry as its shortcut where the identity does not fit.
    fn skip(&mut self, parts: &[Part], project: bool, chain: Chain, shape: Shape) -> (Chain, Shape) {
        let scope = self.name();
        let (body, out) = self.chain(parts, shape);
        if out == shape && !project {
            return (chain.scope(scope, Chain::new().skip(body, Chain::new())), out);
        }
        let conv = |(side, stride): (usize, usize)| Conv::new("", out[0], side).stride(stride);
        let geometries = (1..6).flat_map(|side| (1..4).map(move |stride| (side, stride))).map(conv);
        let fits = |conv: &Conv| conv_sizes(conv, shape) == [Some(out[1]), Some(out[2])];
        let [plain, unpadded] = [false, true]
            .map(|bare| geometries.clone().map(|conv| if bare { conv.padding(0) } else { conv }).find(fits));
        let (body, out, shortcut) = match plain.or(unpadded) {
            Some(mut conv) => {
                conv.name = self.name();
                (body, out, Chain::new().conv(conv))
            }
            None => (
                body.global_average_pool(),
                [out[0], 1, 1],
                Chain::new().conv1x1(self.name(), out[0], 1).global_average_pool(),
            ),
        };
        (chain.scope(scope, Chain::new().skip(body, shortcut.batch_norm(self.name()))), out)
    }
}

fn gelu() -> impl Strategy<Value = Part> {
    prop_oneof![Just(Part::Gelu(Gelu::Exact)), Just(Part::Gelu(Gelu::Tanh))]
}

fn part() -> impl Strategy<Value = Part> {
    // Mostly square, and side by side.
    let pair = |range: std::ops::Range<usize>| {
        (range.clone(), range, 0..3_usize).prop_map(|(a, b, kind)| if kind == 0 { [a, b] } else { [a; 2] })
    };
    let dilation = prop_oneof![2 => Just([1, 1]), 1 => pair(1..4)];
    let groups = prop_oneof![2 => Just(1_usize), 1 => 2..5_usize];
    let conv = (1..5_usize, pair(1..6), pair(1..4), pair(0..5), dilation, groups, any::<bool>()).prop_map(
        |(channels, kernel, stride, padding, dilation, groups, bias)| Part::Conv {
            channels,
            kernel,
            stride,
            padding,
            dilation,
            groups,
            bias,
        },
    );
    let pool = (1..4_usize, 1..4_usize, any::<bool>(), 0..2_usize, any::<bool>());
    let pool = pool.prop_map(|(side, stride, ceil, padding, count)| {
        Pool::new(side).stride(stride).ceil(ceil).padding(padding).count_padding(count)
    });
    let leaf = prop_oneof![
        4 => conv,
        4 => (1..5_usize, 0..3_usize).prop_map(|(channels, half)| Part::Same { channels, half }),
        4 => Just(Part::Norm),
        4 => Just(Part::Relu),
        3 => Just(Part::Tanh),
        2 => gelu(),
        2 => (1..4_usize).prop_map(Part::GroupNorm),
        2 => Just(Part::LayerNorm),
        1 => Just(Part::Dropout),
        1 => (1..6_usize, 1..6_usize).prop_map(|(height, width)| Part::Adaptive([height, width])),
        2 => (1..5_usize, any::<bool>()).prop_map(|(outputs, bias)| Part::PixelLinear { outputs, bias }),
        1 => (1..4_usize).prop_map(Part::OverPixels),
        2 => pool.clone().prop_map(Part::Max),
        2 => pool.prop_map(|pool| Part::Average(pool.ceil(false))),
        1 => Just(Part::Custom),
        1 => Just(Part::Mean),
        1 => (1..6_usize, any::<bool>()).prop_map(|(outputs, bias)| Part::Linear { outputs, bias }),
    ];
    leaf.prop_recursive(2, 12, 4, |inner| {
        let chain = prop::collection::vec(inner, 0..4);
        prop_oneof![
            (chain.clone(), any::<bool>()).prop_map(|(parts, project)| Part::Skip(parts, project)),
            prop::collection::vec(chain, 1..4).prop_map(Part::Concat),
        ]
    })
}

/// The last pieces: any that leave one pixel.
fn ending() -> impl Strategy<Value = Vec<Part>> {
    let flat = prop_oneof![
        3 => (1..6_usize, any::<bool>()).prop_map(|(outputs, bias)| Part::Linear { outputs, bias }),
        1 => Just(Part::Mean),
    ];
    let tail = prop_oneof![
        Just(Part::Norm),
        Just(Part::Relu),
        Just(Part::Tanh),
        gelu(),
        Just(Part::LayerNorm),
        Just(Part::Max(Pool::new(1))),
        Just(Part::Skip(vec![], false)),
    ];
    (flat, prop::collection::vec(tail, 0..3)).prop_map(|(flat, mut tail)| {
        tail.insert(0, flat);
        tail
    })
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn scaled(a: &[f64], factor: f64) -> Vec<f64> {
    a.iter().map(|a| factor * a).collect()
}

fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// What a comparison with a central difference says.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    Right,
    /// The one-sided differences are as far apart as the derivative is from their mean, or more: a kink
    /// is between, on one side of which the derivative is right.
    Kink,
    Wrong {
        error: f64,
        allowed: f64,
    },
}

/// The step of differences, along a vector of length 1.
const STEP: f64 = 1e-5;
/// Others, for a normalisation after large values: it bends on the scale of its ε, which may be too small for that step,
/// and what it leaves of the values may be too little beside their rounding.
const OTHER_STEPS: [f64; 4] = [1e-6, 1e-7, 1e-4, 1e-3];
/// The largest share of a derivative that may be put down to rounding at other steps than the first.
const SHARE: f64 = 1e-3;

/// Compares a derivative with those on both sides; `noise` is what rounding does to them.
fn judge(derivative: &[f64], above: &[f64], below: &[f64], noise: f64) -> Verdict {
    let central = scaled(&sum(above, below), 0.5);
    let error = norm(&sum(derivative, &scaled(&central, -1.0)));
    let allowed = 1e-6 * norm(&central) + noise;
    if error <= allowed {
        Verdict::Right
    } else if norm(&sum(above, &scaled(below, -1.0))) >= error {
        Verdict::Kink
    } else {
        Verdict::Wrong { error, allowed }
    }
}

/// The gradient and the product along d, of length 1, against differences: at one step after the other until both are
/// right. A wrong one is right at no step, unless it is wrong by less than rounding, or by less than [`SHARE`].
fn along(net: &Network<f64>, data: &Samples<f64>, d: &[f64]) -> [Verdict; 2] {
    let theta = net.parameters();
    let at = |step: f64| {
        let moved = sum(theta, &scaled(d, step));
        let mut gradient = vec![f64::NAN; theta.len()];
        net.gradient(&moved, data, &mut gradient).unwrap();
        (net.loss(&moved, data).unwrap(), gradient)
    };
    let (loss, slope) = at(0.0);
    let mut product = vec![f64::NAN; theta.len()];
    net.hessian_product(theta, d, data, &mut product).unwrap();
    for block in net.layout().blocks().iter().filter(|block| block.role() == Role::Buffer) {
        assert!(
            block.range().all(|index| slope[index] == 0.0 && product[index] == 0.0),
            "buffers stand still"
        );
    }
    let noise = |size: f64, step: f64, derivative: &[f64]| {
        let noise = 1e-14 * (1.0 + size) / step;
        if step == STEP { noise } else { noise.min(SHARE * norm(derivative)) }
    };
    let with = |step: f64| {
        let [(low, low_slope), (high, high_slope)] = [-step, step].map(at);
        // Less the bend of the loss, which would hide a kink of its size.
        let bend = step / 2.0 * dot(d, &product);
        let slopes = [(high - loss) / step - bend, (loss - low) / step + bend];
        let along = [dot(&slope, d)];
        let gradient = judge(&along, &slopes[..1], &slopes[1..], noise(loss, step, &along));
        let side = |a: &[f64], b: &[f64]| scaled(&sum(a, &scaled(b, -1.0)), 1.0 / step);
        let (above, below) = (side(&high_slope, &slope), side(&slope, &low_slope));
        [gradient, judge(&product, &above, &below, noise(norm(&slope), step, &product))]
    };
    let mut found = with(STEP);
    for step in OTHER_STEPS {
        if found == [Verdict::Right; 2] {
            break;
        }
        for (found, other) in found.iter_mut().zip(with(step)) {
            if other == Verdict::Right {
                *found = other;
            }
        }
    }
    found
}

/// Along the gradient, where it is largest, and along a vector of hashes.
fn directions(net: &Network<f64>, data: &Samples<f64>, seed: u64) -> Vec<Vec<f64>> {
    let mut gradient = vec![f64::NAN; net.parameters().len()];
    net.gradient(net.parameters(), data, &mut gradient).unwrap();
    let candidates = [gradient, hashed_vector(net.layout(), seed + 1_000_000)];
    candidates.into_iter().filter(|d| norm(d) > 0.0).map(|d| scaled(&d, 1.0 / norm(&d))).collect()
}

/// The products of the worker: ⟨u, Hv⟩ = ⟨v, Hu⟩, H(2v) = 2·Hv to the bit, and nothing from buffers.
fn symmetric_and_linear(net: &Network<f64>, data: &Samples<f64>, seed: u64) {
    let layout = net.layout();
    let mut worker = net.hessian_worker(data).unwrap();
    worker.at(net.parameters()).unwrap();
    let mut times = |v: &[f64]| {
        let mut product = vec![f64::NAN; v.len()];
        worker.product(v, &mut product).unwrap();
        product
    };
    let [u, v] = [2_000_000, 3_000_000].map(|base| hashed_vector::<f64>(layout, seed + base));
    let (hu, hv) = (times(&u), times(&v));
    let gap = (dot(&u, &hv) - dot(&v, &hu)).abs();
    // A Hessian of zero is rounding, which need not be symmetric.
    let allowed = 1e-12 * norm(&u) * norm(&hv) + 1e-15 * norm(&u) * norm(&v);
    assert!(gap <= allowed, "asymmetric by {gap:e}, {allowed:e} allowed");
    assert_eq!(times(&scaled(&v, 2.0)), scaled(&hv, 2.0));
    let mut moved = v.clone();
    for block in layout.blocks().iter().filter(|block| block.role() == Role::Buffer) {
        moved[block.range()].fill(3.0);
    }
    assert_eq!(times(&moved), hv, "buffers of the vector are left out");
    let mut alone = vec![f64::NAN; v.len()];
    net.hessian_product(net.parameters(), &v, data, &mut alone).unwrap();
    assert_eq!(alone, hv, "kept or computed anew, the same bits");
}

fn check(
    parts: &[Part],
    input: Shape,
    samples: usize,
    squared: bool,
    seed: u64,
) -> Result<(), TestCaseError> {
    let mut builder = Builder::default();
    let (chain, _) = builder.chain(parts, input);
    let architecture = match Architecture::new(input, chain) {
        Ok(architecture) => architecture,
        Err(Error::Core(loss_landscape::Error::EmptyLayout)) => {
            return Err(TestCaseError::reject("no parameters"));
        }
        Err(error) => return Err(TestCaseError::fail(format!("the builder is wrong: {error}"))),
    };
    let (features, outputs) = (input.iter().product(), architecture.outputs());
    let (criterion, data) = if squared {
        let wanted = |(n, j): (usize, usize)| hashed(seed + 77 + (n * outputs + j) as u64);
        let targets = Array2::from_shape_fn((samples, outputs), wanted);
        (Criterion::MeanSquaredError, Samples::regression(hashed_inputs(samples, features), targets).unwrap())
    } else {
        (Criterion::CrossEntropy, hashed_samples(samples, features, outputs))
    };
    let net = |attempt: u64| hashed_network::<f64>(&architecture, criterion, seed + (attempt << 32), 0.7);

    symmetric_and_linear(&net(0), &data, seed);
    let mut last = Vec::new();
    for attempt in 0..8 {
        let net = net(attempt);
        let found = directions(&net, &data, seed);
        last = found.iter().flat_map(|d| along(&net, &data, d)).collect();
        let wrong = last.iter().find(|verdict| matches!(verdict, Verdict::Wrong { .. }));
        prop_assert!(wrong.is_none(), "attempt {attempt}: {last:?}");
        if last.iter().all(|verdict| *verdict == Verdict::Right) {
            return Ok(());
        }
        prop_assert!(builder.kinks, "a kink in a smooth network: {last:?}");
    }
    Err(TestCaseError::fail(format!("no place without a kink: {last:?}")))
}

/// The softmax takes the place of the outputs, which these endings would read.
#[test]
fn networks_may_end_in_what_reads_its_own_output() {
    for ending in [Part::Relu, Part::Tanh, Part::Max(Pool::new(2))] {
        let same = Part::Same { channels: 3, half: 1 };
        for last in [Part::Linear { outputs: 3, bias: true }, same.clone()] {
            let parts = [same.clone(), Part::Norm, Part::Tanh, last, ending.clone()];
            let input = if matches!(ending, Part::Max(_)) { [2, 3, 2] } else { [2, 1, 1] };
            for squared in [false, true] {
                if matches!((&ending, &parts[3]), (Part::Max(_), Part::Linear { .. })) {
                    continue;
                }
                check(&parts, input, 19, squared, 5).unwrap_or_else(|error| panic!("{parts:?}: {error}"));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn derivatives_of_any_network_agree_with_differences(
        body in prop::collection::vec(part(), 0..7),
        ending in ending(),
        input in [1..4_usize, 1..10_usize, 1..10_usize],
        samples in 1..41_usize,
        squared: bool,
        seed in 0..1_u64 << 30,
    ) {
        check(&[body, ending].concat(), input, samples, squared, seed)?;
    }
}
