//! Sweeps, journals and operators of the core over networks.

use loss_landscape::{
    Adaptive, Block, Error, ErrorScale, Gradient, HessianProduct, Layout, Loss, Mask, Model, OracleError,
    RandomDirections, Role, Sweep,
    curvature::{HessianOperator, Lanczos, SymmetricOperator, eigen_extremes},
    grid_2d,
};
use loss_landscape_nets::{Activation, Architecture, Chain, Criterion, Mlp, Network, Samples, digits};
use ndarray::Array2;

#[test]
fn data_that_does_not_fit_the_network_is_named() {
    let net = Mlp::<f32>::new(&[3, 2], Activation::Relu, Criterion::CrossEntropy, 0).unwrap();
    let dirs = RandomDirections::new(0).pair(&net).unwrap();
    let labels = Samples::labelled(Array2::zeros((4, 3)), vec![0, 1, 1, 2]).unwrap();
    let error = grid_2d(&net, &labels, dirs).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the oracle failed while preparing the plane for data set ``: \
         label 2 of sample 3 is out of range for 2 classes"
    );
    assert!(matches!(
        Mlp::<f32>::new(&[3], Activation::Relu, Criterion::CrossEntropy, 0),
        Err(loss_landscape_nets::Error::LayerSizes { .. })
    ));
    assert!(matches!(
        Mlp::<f32>::new(&[3, 0, 2], Activation::Relu, Criterion::CrossEntropy, 0),
        Err(loss_landscape_nets::Error::LayerSizes { .. })
    ));
    let huge = Mlp::<f32>::new(&[1, 1 << 60], Activation::Relu, Criterion::CrossEntropy, 0);
    assert!(matches!(huge, Err(loss_landscape_nets::Error::OutOfMemory { .. })));
    assert!(net.clone().at(vec![0.0; 7]).is_err());
    assert!(net.at(vec![f32::NAN; 8]).is_err());
}

#[test]
fn networks_know_their_data_again() {
    let (train, test) = digits::<f32>().unwrap();
    let net =
        |units| Mlp::<f32>::new(&[64, units, 10], Activation::Relu, Criterion::CrossEntropy, 0).unwrap();
    let one = net(4).fingerprint(&train).unwrap();
    assert_eq!(net(4).fingerprint(&digits().unwrap().0), Some(one), "what is equal has one fingerprint");
    assert_ne!(net(4).fingerprint(&test), Some(one));
    assert_ne!(net(5).fingerprint(&train), Some(one));
    let other = train.select(&(1..train.len()).chain([0]).collect::<Vec<_>>()).unwrap();
    assert_ne!(net(4).fingerprint(&other), Some(one), "the order decides the last digits");
    let network = |relu: bool| {
        let chain = Chain::new().conv3x3("conv", 2, 2).batch_norm("bn");
        let chain = if relu { chain.relu() } else { chain.tanh() };
        let architecture =
            Architecture::new([1, 8, 8], chain.global_average_pool().linear("fc", 10)).unwrap();
        Network::<f32>::new(&architecture, Criterion::CrossEntropy, 0).unwrap()
    };
    let wide =
        Chain::new().conv3x3("conv", 2, 2).batch_norm("bn").relu().global_average_pool().linear("fc", 10);
    let wide = Architecture::new([1, 4, 16], wide).unwrap();
    let wide = Network::<f32>::new(&wide, Criterion::CrossEntropy, 0).unwrap();
    assert_ne!(wide.fingerprint(&train), network(true).fingerprint(&train), "the shape of the images");
    let (a, b) = (network(true), network(false));
    assert_ne!(a.fingerprint(&train), b.fingerprint(&train));
    assert_ne!(a.reestimated(&train, 64).unwrap().fingerprint(&test), a.fingerprint(&test));
    assert_ne!(
        a.reestimated(&train, 64).unwrap().fingerprint(&test),
        a.reestimated(&train, 65).unwrap().fingerprint(&test)
    );
}

#[test]
fn masks_and_layouts_that_do_not_fit_are_refused() {
    let data = digits::<f64>().unwrap().0;
    let net = Mlp::new(&[64, 4, 10], Activation::Tanh, Criterion::CrossEntropy, 0).unwrap();
    let hessian = || HessianOperator::new(&net, net.parameters(), &data).unwrap();
    let none = Mask::role(net.layout(), Role::Buffer);
    assert!(matches!(hessian().masked(&none).unwrap_err(), Error::EmptyMask));
    let buffers = Buffers(Layout::new([Block::new("mean", [2], Role::Buffer, None)]).unwrap());
    assert!(matches!(eigen_extremes(&buffers, &()).unwrap_err(), Error::EmptyMask));
    let other = Layout::new([Block::weight("fc1.weight", [4, 64], 0)]).unwrap();
    assert!(matches!(hessian().masked(&Mask::all(&other)).unwrap_err(), Error::LayoutMismatch { .. }));
    assert!(matches!(
        HessianOperator::new(&net, &net.parameters()[1..], &data).unwrap_err(),
        Error::Length { len: 309, expected: 310, .. }
    ));
    let mut theta = net.parameters().to_vec();
    theta[300] = f64::NAN;
    assert!(matches!(HessianOperator::new(&net, &theta, &data).unwrap_err(), Error::NonFinite { .. }));
    let mut biases = hessian().masked(&Mask::role(net.layout(), Role::Bias)).unwrap();
    assert!(matches!(biases.move_to(&theta).unwrap_err(), Error::NonFinite { .. }));
    assert_eq!(biases.dimension(), 14);
    assert!(matches!(
        biases.embed(&[0.0; 15]).unwrap_err(),
        Error::OperatorLength { len: 15, expected: 14, .. }
    ));
    assert!(matches!(biases.restrict(&[0.0; 14]).unwrap_err(), Error::Length { len: 14, expected: 310, .. }));
    assert!(matches!(
        Lanczos::new().run_from(&mut biases, net.parameters()).unwrap_err(),
        Error::OperatorLength { len: 310, expected: 14, .. }
    ));
}

#[test]
fn several_data_sets_and_channels_share_the_points() {
    let (train, test) = digits::<f32>().unwrap();
    let net = Mlp::new(&[64, 6, 10], Activation::Tanh, Criterion::CrossEntropy, 3).unwrap();
    let directions = RandomDirections::new(7).pair(&net).unwrap();
    let sweep = |steering: Option<&[&str]>| {
        let sweep = Sweep::plane(&net, directions.clone()).data("train", &train).data("test", &test);
        let adaptive = Adaptive::new().budget(300);
        sweep.adaptive(&steering.map_or(adaptive.clone(), |channels| adaptive.steered_by(channels)))
    };
    let surface = sweep(None).unwrap();
    assert_eq!(surface.channels(), ["train loss", "train accuracy", "test loss", "test accuracy"]);
    assert_eq!(surface.scale("test loss").unwrap(), ErrorScale::Log);
    assert_eq!(surface.scale("test accuracy").unwrap(), ErrorScale::Linear);
    let accuracy = surface.channel("test accuracy").unwrap();
    assert!(accuracy.iter().all(|share| (0.0..=1.0).contains(share)));
    let only = sweep(Some(&["test loss"])).unwrap();
    assert_eq!(only.scale("train loss").unwrap(), ErrorScale::Linear);
    assert!(matches!(sweep(Some(&["loss"])), Err(Error::UnknownChannel { .. })));
    assert!(matches!(sweep(Some(&[])), Err(Error::UnknownChannel { .. })));
}

/// A model of nothing but buffers.
struct Buffers(Layout);

impl Model for Buffers {
    type Scalar = f64;
    fn layout(&self) -> &Layout {
        &self.0
    }
    fn parameters(&self) -> &[f64] {
        &[1.0, 2.0]
    }
}

impl Loss<()> for Buffers {
    fn loss(&self, _: &[f64], (): &()) -> Result<f64, OracleError> {
        Ok(0.0)
    }
}

impl Gradient<()> for Buffers {
    fn gradient(&self, _: &[f64], (): &(), out: &mut [f64]) -> Result<f64, OracleError> {
        out.fill(0.0);
        Ok(0.0)
    }
}

impl HessianProduct<()> for Buffers {}
