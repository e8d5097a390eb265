//! Losses of single samples: they add up to the loss, and are the same bits whichever are asked for.

use loss_landscape::{
    Loss, Model, OracleError, RandomDirections, SampleLosses,
    oracle::{Point, Slice},
};
use loss_landscape_nets::{Activation, Architecture, Criterion, Error, Mlp, Network, Samples, Skips, digits};
use ndarray::Array2;

/// The means of channels, added up as a pass over all samples adds them: in `chunk`s of samples.
fn means(values: &[f64], channels: usize, chunk: usize) -> Vec<f64> {
    let samples = values.len() / channels;
    let mut totals = vec![0.0; channels];
    for chunk in values.chunks(chunk * channels) {
        let mut sums = vec![0.0; channels];
        for sample in chunk.chunks_exact(channels) {
            sums.iter_mut().zip(sample).for_each(|(sum, value)| *sum += value);
        }
        totals.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
    }
    totals.iter().map(|total| total / samples as f64).collect()
}

/// Subsets of `count` samples: all, one, neighbours, and scattered ones of several sizes.
fn subsets(count: usize) -> Vec<Vec<usize>> {
    let every = |n: usize, from: usize| (from..count).step_by(n).collect();
    vec![
        (0..count).collect(),
        vec![count / 2],
        (3..40).collect(),
        every(2, 1),
        every(7, 3),
        every(31, 0),
        (0..count).filter(|i| i % 5 != 2 || i % 3 == 0).collect(),
        vec![0, 17, count - 1],
    ]
}

/// The losses of all samples at θ, of which all subsets and the workers give the same bits.
fn all_ways<M>(net: &M, data: &Samples<M::Scalar>) -> Vec<f64>
where
    M: SampleLosses<Samples<<M as Model>::Scalar>>,
{
    let (channels, theta) = (net.channels().len(), net.parameters());
    let mut all = vec![f64::NAN; data.len() * channels];
    let numbers: Vec<usize> = (0..data.len()).collect();
    net.sample_losses(theta, data, &numbers, &mut all).unwrap();
    assert_eq!(net.sample_count(data), data.len());
    let direction = RandomDirections::new(3).one(net).unwrap();
    let slice = Slice::line(net.layout(), theta, direction.values()).unwrap();
    let mut worker = net.sample_worker(&slice, data).unwrap();
    let point = |alpha: f64| Point { number: 0, coordinates: [alpha, 0.0] };
    for samples in subsets(data.len()) {
        let mut some = vec![f64::NAN; samples.len() * channels];
        net.sample_losses(theta, data, &samples, &mut some).unwrap();
        for (sample, found) in samples.iter().zip(some.chunks_exact(channels)) {
            assert_eq!(found, &all[sample * channels..][..channels], "sample {sample} of {}", samples.len());
        }
        let mut again = vec![f64::NAN; some.len()];
        worker.evaluate(point(0.3), &samples, &mut again).unwrap();
        assert_ne!(some, again, "at another point");
        worker.evaluate(point(0.0), &samples, &mut again).unwrap();
        assert_eq!(some, again, "a worker at θ");
    }
    all
}

fn measured<M: Loss<Samples<<M as Model>::Scalar>>>(net: &M, data: &Samples<M::Scalar>) -> Vec<f64> {
    let mut out = vec![f64::NAN; net.channels().len()];
    net.measure(net.parameters(), data, &mut out).unwrap();
    out
}

#[test]
fn a_perceptrons_samples_add_up_to_its_loss() {
    let (train, _) = digits::<f32>().unwrap();
    for (sizes, activation) in [(&[64, 32, 10][..], Activation::Relu), (&[64, 17, 9, 10], Activation::Tanh)] {
        let net = Mlp::<f32>::new(sizes, activation, Criterion::CrossEntropy, 3).unwrap();
        let all = all_ways(&net, &train);
        assert_eq!(means(&all, 2, 256), measured(&net, &train));
    }
    let x = Array2::from_shape_fn((600, 5), |(i, j)| ((i * 5 + j) as f64).sin());
    let y = Array2::from_shape_fn((600, 3), |(i, j)| ((i * 3 + j) as f64).cos());
    let data = Samples::regression(x, y).unwrap();
    let net = Mlp::<f64>::new(&[5, 7, 3], Activation::Tanh, Criterion::MeanSquaredError, 1).unwrap();
    let all = all_ways(&net, &data);
    assert_eq!(means(&all, 1, 256), measured(&net, &data));
}

#[test]
fn a_networks_samples_add_up_to_its_loss() {
    let (train, _) = digits::<f32>().unwrap();
    let train = train.select(&(0..301).collect::<Vec<_>>()).unwrap();
    for architecture in [
        Architecture::resnet(20, [1, 8, 8], 10, Skips::With).unwrap(),
        Architecture::vgg9([1, 8, 8], 10).unwrap(),
    ] {
        let net = Network::<f32>::new(&architecture, Criterion::CrossEntropy, 2).unwrap();
        let all = all_ways(&net, &train);
        // Chunks are whole sixteens, as many as suit the network.
        let measured = measured(&net, &train);
        assert!((1..=8).any(|groups| means(&all, 2, 16 * groups) == measured));
    }
}

#[test]
fn samples_that_are_not_there_are_refused() {
    let data = Samples::labelled(Array2::<f32>::zeros((40, 4)), vec![0; 40]).unwrap();
    let net = Mlp::<f32>::new(&[4, 3, 2], Activation::Relu, Criterion::CrossEntropy, 1).unwrap();
    let ask = |samples: &[usize], room: usize| -> OracleError {
        net.sample_losses(net.parameters(), &data, samples, &mut vec![0.0; room]).unwrap_err()
    };
    let cause = |error: OracleError| *error.into_boxed().downcast::<Error>().unwrap();
    assert!(matches!(cause(ask(&[0, 40], 4)), Error::SampleOutOfRange { position: 1, index: 40, len: 40 }));
    assert!(matches!(cause(ask(&[3, 3], 4)), Error::SampleOrder { position: 1, index: 3, before: 3 }));
    assert!(matches!(cause(ask(&[0, 1], 3)), Error::SampleShape { found: 3, expected: 4, .. }));
    net.sample_losses(net.parameters(), &data, &[], &mut []).unwrap();
}
