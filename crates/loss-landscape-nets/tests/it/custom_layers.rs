//! Layers of a user's own, in networks: PyTorch's derivatives, built-in layers' results, and what is wrong with them.

use crate::{
    common::{Reference, Swish, hashed, hashed_network, hashed_samples, hashed_vector, relative_error},
    networks::{Case, agrees_with},
};
use loss_landscape::{
    Block, CheckpointReader, Gradient, HessianProduct, Loss, Model, RandomDirections, Role, Sweep,
    write_checkpoint,
};
use loss_landscape_nets::{
    Architecture, Chain, Conv, Criterion, CustomLayer, Error, LayerDirection, LayerPoint, Network, Samples,
    Sgd,
};

/// Every pixel's channels by a matrix, less an offset that is a buffer: a 1×1 convolution.
#[derive(Debug)]
struct Mix {
    outputs: usize,
}

impl Mix {
    /// Calls `each` with the places of an output, an input and a weight.
    fn each(&self, at: &LayerPoint<'_>, mut each: impl FnMut(usize, usize, usize)) {
        let [inputs, height, width] = at.input;
        let pixels = height * width;
        for sample in 0..at.samples {
            for (output, input) in (0..self.outputs).flat_map(|o| (0..inputs).map(move |i| (o, i))) {
                for pixel in 0..pixels {
                    each(
                        (sample * self.outputs + output) * pixels + pixel,
                        (sample * inputs + input) * pixels + pixel,
                        output * inputs + input,
                    );
                }
            }
        }
    }
}

impl CustomLayer for Mix {
    fn fingerprint(&self) -> String {
        format!("mix {}", self.outputs)
    }

    fn output(&self, [inputs, height, width]: [usize; 3]) -> Result<[usize; 3], String> {
        if inputs == 1 { Err("two channels or more".to_owned()) } else { Ok([self.outputs, height, width]) }
    }

    fn parameters(&self, [inputs, ..]: [usize; 3]) -> Vec<Block> {
        let offset = Block::new("offset", [1], Role::Buffer, None);
        vec![Block::weight("weight", [self.outputs, inputs, 1, 1], 0), offset]
    }

    fn initial(&self, [inputs, ..]: [usize; 3], parameters: &mut [f64], normal: &mut dyn FnMut() -> f64) {
        let deviation = (2.0 / inputs as f64).sqrt();
        let weights = self.outputs * inputs;
        for weight in &mut parameters[..weights] {
            *weight = deviation * normal();
        }
    }

    fn value(&self, at: &LayerPoint<'_>, out: &mut [f64]) {
        let offset = at.parameters[at.parameters.len() - 1];
        out.fill(-offset);
        self.each(at, |output, input, weight| out[output] += at.parameters[weight] * at.x[input]);
    }

    fn by_input(&self, at: &LayerPoint<'_>, delta: &[f64], out: &mut [f64]) {
        self.each(at, |output, input, weight| out[input] += at.parameters[weight] * delta[output]);
    }

    fn by_parameters(&self, at: &LayerPoint<'_>, delta: &[f64], out: &mut [f64]) {
        self.each(at, |output, input, weight| out[weight] += at.x[input] * delta[output]);
        // Not used: buffers stand still.
        out[at.parameters.len() - 1] = f64::NAN;
    }
}

fn swishes(swish: Swish) -> Architecture {
    let chain = Chain::new()
        .custom("a1", swish)
        .conv(Conv::new("c1", 6, 3).bias(true))
        .custom("a2", swish)
        .batch_norm("b1")
        .relu()
        .skip(Chain::new().conv3x3("c2", 6, 1).custom("a3", swish), Chain::new())
        .relu()
        .global_average_pool()
        .linear("fc", 4)
        .custom("a4", swish);
    Architecture::new([2, 5, 6], chain).unwrap()
}

#[test]
fn a_layer_with_all_derivatives_is_pytorchs() {
    agrees_with(&Case::new("swishes", Ok(swishes(Swish::Exact)), 19), &Reference::load("pieces"));
}

/// The gradient, and a product at the same place.
fn derivatives(net: &Network<f64>, data: &Samples<f64>) -> [Vec<f64>; 2] {
    let mut gradient = vec![f64::NAN; net.layout().len()];
    let mut product = gradient.clone();
    net.gradient(net.parameters(), data, &mut gradient).unwrap();
    net.hessian_product(net.parameters(), &hashed_vector(net.layout(), 5), data, &mut product).unwrap();
    [gradient, product]
}

#[test]
fn differences_stand_in_for_derivatives_that_are_not_given() {
    let data = hashed_samples(19, 60, 4);
    let net = |swish| hashed_network::<f64>(&swishes(swish), Criterion::CrossEntropy, 0, 1.0);
    let exact = net(Swish::Exact);
    let loss = exact.loss(exact.parameters(), &data).unwrap();
    let expected = derivatives(&exact, &data);
    for (swish, tolerances) in [(Swish::Slopes, [1e-15, 1e-11]), (Swish::Value, [1e-11, 1e-8])] {
        let net = net(swish);
        assert_eq!(net.loss(net.parameters(), &data).unwrap().to_bits(), loss.to_bits());
        for ((found, expected), tolerance) in
            derivatives(&net, &data).into_iter().zip(&expected).zip(tolerances)
        {
            let error = relative_error(found, expected.iter().copied());
            assert!(error <= tolerance, "{swish:?}: {error:e}, {tolerance:e} allowed");
        }
    }
}

/// p·x², added to what is there: the trait promises zeros.
#[derive(Debug)]
struct Adds;

impl CustomLayer for Adds {
    fn fingerprint(&self) -> String {
        "adds".to_owned()
    }

    fn value(&self, at: &LayerPoint<'_>, out: &mut [f64]) {
        for (out, x) in out.iter_mut().zip(at.x) {
            *out += at.parameters[0] * x * x;
        }
    }
}

#[test]
fn differences_hand_layers_zeros_to_write_into() {
    let at = LayerPoint { input: [1, 1, 2], samples: 2, x: &[3.0, -1.0, 0.5, 2.0], parameters: &[1.5] };
    let along = LayerDirection { x: &[1.0, 0.5, -1.0, 2.0], parameters: &[2.0] };
    let delta = [1.0, -2.0, 0.5, 1.0];
    let each = |value: fn(f64, f64) -> f64| -> Vec<f64> {
        at.x.iter().zip(along.x).map(|(x, dx)| value(*x, *dx)).collect()
    };
    let dot = |values: Vec<f64>| vec![values.iter().zip(delta).map(|(value, delta)| value * delta).sum()];
    let by_delta = |values: Vec<f64>| -> Vec<f64> { values.iter().zip(delta).map(|(v, d)| v * d).collect() };
    let of = |len: usize, write: &dyn Fn(&mut [f64])| {
        let mut out = vec![0.0; len];
        write(&mut out);
        out
    };
    close(&of(4, &|out| Adds.by_input(&at, &delta, out)), &by_delta(each(|x, _| 3.0 * x)));
    close(&of(1, &|out| Adds.by_parameters(&at, &delta, out)), &dot(each(|x, _| x * x)));
    close(&of(4, &|out| Adds.tangent(&at, &along, out)), &each(|x, dx| 3.0 * x * dx + 2.0 * x * x));
    // Differences of differences.
    let second = of(4, &|out| Adds.by_input_tangent(&at, &along, &delta, out));
    let expected = by_delta(each(|x, dx| 3.0 * dx + 4.0 * x));
    assert!(relative_error(second.iter().copied(), expected.iter().copied()) < 1e-8, "{second:?}");
    let second = of(1, &|out| Adds.by_parameters_tangent(&at, &along, &delta, out));
    let expected = dot(each(|x, dx| 2.0 * x * dx));
    assert!(relative_error(second.iter().copied(), expected.iter().copied()) < 1e-8, "{second:?}");
}

/// The same network with the matrix built in, or as a layer of one's own, and a parameter vector of each.
fn mixed() -> [Network<f64>; 2] {
    let around = |middle: Chain| {
        let chain = Chain::new().conv3x3("c", 4, 1).tanh().then(middle).batch_norm("b").relu();
        Architecture::new([2, 4, 4], chain.global_average_pool().linear("fc", 3)).unwrap()
    };
    let [built_in, own] =
        [Chain::new().conv1x1("mix", 5, 1), Chain::new().custom("mix", Mix { outputs: 5 })].map(around);
    let mut theta: Vec<f64> = (0..own.layout().len() as u64).map(|i| 1.0 + 0.5 * hashed(i)).collect();
    let offset = own.layout().block("mix.offset").unwrap().range();
    theta[offset.clone()].fill(0.0);
    let mut without = theta.clone();
    without.remove(offset.start);
    [(built_in, without), (own, theta)]
        .map(|(net, theta)| Network::new(&net, Criterion::CrossEntropy, 0).unwrap().at(theta).unwrap())
}

/// A vector over the layout of the layer of one's own without its buffer.
fn without_offset(net: &Network<f64>, vector: &[f64]) -> Vec<f64> {
    let offset = net.layout().block("mix.offset").unwrap().range();
    let mut vector = vector.to_vec();
    vector.remove(offset.start);
    vector
}

fn close(found: &[f64], expected: &[f64]) {
    let error = relative_error(found.iter().copied(), expected.iter().copied());
    assert!(error < 1e-11, "{error:e}");
}

#[test]
fn a_layer_of_ones_own_learns_as_the_one_that_is_built_in() {
    let [mut built_in, mut own] = mixed();
    let data = hashed_samples(70, 32, 3);
    let losses = |net: &Network<f64>| {
        let anew = net.reestimated(&data, 32).unwrap().loss(net.parameters(), &data).unwrap();
        [net.loss(net.parameters(), &data).unwrap(), anew]
    };
    close(&losses(&own), &losses(&built_in));
    let mut gradients = [&built_in, &own].map(|net| {
        let mut gradient = vec![f64::NAN; net.layout().len()];
        net.gradient(net.parameters(), &data, &mut gradient).unwrap();
        gradient
    });
    close(&without_offset(&own, &gradients[1]), &gradients[0]);
    // Along the same vector, a buffer of which is left out.
    let offset = own.layout().block("mix.offset").unwrap().range();
    assert_eq!(gradients[1][offset.clone()], [0.0]);
    gradients[1][offset.clone()].fill(3.0);
    let products = [&built_in, &own].into_iter().zip(&gradients).map(|(net, v)| {
        let mut product = vec![f64::NAN; v.len()];
        net.hessian_product(net.parameters(), v, &data, &mut product).unwrap();
        product
    });
    let products: Vec<Vec<f64>> = products.collect();
    assert_eq!(products[1][offset.clone()], [0.0]);
    close(&without_offset(&own, &products[1]), &products[0]);
    for net in [&mut built_in, &mut own] {
        Sgd::new(0.1).momentum(0.9).weight_decay(1e-3).batch_size(24).epochs(2).train(net, &data).unwrap();
    }
    close(&without_offset(&own, own.parameters()), built_in.parameters());
    close(&losses(&own), &losses(&built_in));
    // The buffer is used, and it has not moved.
    let mut moved = own.parameters().to_vec();
    assert_eq!(moved[offset.clone()], [0.0]);
    moved[offset].fill(0.5);
    assert_ne!(own.loss(&moved, &data).unwrap(), own.loss(own.parameters(), &data).unwrap());
}

#[test]
fn bits_do_not_depend_on_threads() {
    let net = hashed_network::<f32>(&swishes(Swish::Slopes), Criterion::CrossEntropy, 0, 1.0);
    let data = hashed_samples::<f32>(300, 60, 4);
    let [first, others @ ..] = [1, 2, 4].map(|threads| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| {
            let mut gradient = vec![f32::NAN; net.layout().len()];
            net.gradient(net.parameters(), &data, &mut gradient).unwrap();
            let mut product = gradient.clone();
            net.hessian_product(net.parameters(), &gradient, &data, &mut product).unwrap();
            let mut trained = net.clone();
            Sgd::new(0.1).batch_size(100).epochs(1).train(&mut trained, &data).unwrap();
            let surface = Sweep::plane(&net, RandomDirections::new(1).pair(&net).unwrap())
                .data("", &data)
                .alpha(-0.5..=0.5, 2)
                .beta(-0.5..=0.5, 2)
                .threads(threads)
                .run()
                .unwrap();
            let losses =
                surface.channel("loss").unwrap().iter().map(|loss| loss.to_bits()).collect::<Vec<_>>();
            let bits = [gradient, product, trained.parameters().to_vec()].concat();
            (bits.iter().map(|value| value.to_bits()).collect::<Vec<_>>(), losses)
        })
    });
    assert!(others.iter().all(|other| *other == first));
}

#[test]
fn blocks_begin_as_the_layer_says_and_go_to_checkpoints_and_back() {
    let [_, own] = mixed();
    let fresh = |seed| Network::<f32>::new(own.architecture(), Criterion::CrossEntropy, seed).unwrap();
    let net = fresh(1);
    let weights = |net: &Network<f32>| {
        let block = net.layout().block("mix.weight").unwrap();
        assert_eq!((block.shape(), block.role()), (&[5, 4, 1, 1][..], Role::Weight));
        net.parameters()[block.range()].to_vec()
    };
    assert!(weights(&net).iter().all(|weight| *weight != 0.0));
    assert_eq!(weights(&net), weights(&fresh(1)));
    assert_ne!(weights(&net), weights(&fresh(2)));
    let path = std::env::temp_dir().join(format!("custom-layer-{}.safetensors", std::process::id()));
    write_checkpoint(net.layout(), net.parameters(), &path).unwrap();
    let read = CheckpointReader::<f32>::new(net.layout()).read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(read.theta, net.parameters());
}

#[test]
fn what_a_layer_states_tells_fingerprints_apart() {
    let data = hashed_samples::<f64>(5, 60, 4);
    let of =
        |swish| hashed_network(&swishes(swish), Criterion::CrossEntropy, 0, 1.0).fingerprint(&data).unwrap();
    assert_ne!(of(Swish::Exact), of(Swish::Value));
    assert_eq!(of(Swish::Exact), of(Swish::Exact));
    assert_eq!(swishes(Swish::Exact).chain(), swishes(Swish::Exact).chain());
    assert_ne!(swishes(Swish::Exact).chain(), swishes(Swish::Value).chain());
}

/// Gives no pixel, or begins with NaN.
#[derive(Debug)]
struct Broken {
    empty: bool,
}

impl CustomLayer for Broken {
    fn fingerprint(&self) -> String {
        "broken".to_owned()
    }

    fn output(&self, input: [usize; 3]) -> Result<[usize; 3], String> {
        Ok(if self.empty { [1, 0, 1] } else { input })
    }

    fn parameters(&self, _input: [usize; 3]) -> Vec<Block> {
        vec![Block::bias("a", [2])]
    }

    fn initial(&self, _input: [usize; 3], parameters: &mut [f64], _normal: &mut dyn FnMut() -> f64) {
        parameters[1] = f64::NAN;
    }

    fn value(&self, _at: &LayerPoint<'_>, _out: &mut [f64]) {}
}

#[test]
fn a_layer_that_does_not_fit_is_named_with_what_it_needs() {
    let of = |input, chain: Chain| Architecture::new(input, chain.global_average_pool().linear("fc", 2));
    let unfit = |input, chain| of(input, chain).unwrap_err().to_string();
    let scoped = unfit([1, 4, 4], Chain::new().scope("s", Chain::new().custom("mix", Mix { outputs: 2 })));
    assert!(
        scoped.contains("`s.mix` cannot take 1×4×4") && scoped.contains("two channels or more"),
        "{scoped}"
    );
    let empty = unfit([2, 4, 4], Chain::new().custom("e", Broken { empty: true }));
    assert!(empty.contains("`e` cannot take 2×4×4") && empty.contains("not 1×0×1"), "{empty}");
    let twice = Chain::new().custom("a", Swish::Exact).custom("a", Swish::Exact);
    assert!(unfit([2, 4, 4], twice).contains("a.beta"));
    let architecture = of([2, 4, 4], Chain::new().custom("n", Broken { empty: false })).unwrap();
    match Network::<f32>::new(&architecture, Criterion::CrossEntropy, 0) {
        Err(Error::Core(loss_landscape::Error::NonFinite { block, index: 1, .. })) => {
            assert_eq!(block, "n.a");
        }
        other => panic!("{other:?}"),
    }
}
