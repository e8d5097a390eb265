//! A network of burn's: its landscape, with gradients by burn's autodiff.
//!
//!     cargo run --release
//!
//! The repository's tests check its types, and run it only when asked (`./test.sh target run`), for compiling takes long.
//!
//! What you write for your own network is `Landscape`, and the three walks over its parameters. A burn module is a
//! value: at each θ a copy of it gets other tensors, and the network itself is never touched.

use std::error::Error;

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    nn::{Linear, LinearConfig},
    prelude::{Device, Tensor, TensorData},
    tensor::Gradients,
};
use loss_landscape::{
    Gradient, HessianProduct, Layout, Loss, Model, OracleError, RandomDirections, Sweep, burn_roles,
    check::check_gradient, curvature::eigen_extremes,
};

/// Your network, as you have it.
#[derive(Module, Debug)]
struct Net {
    hidden: Linear,
    out: Linear,
}

impl Net {
    fn new(device: &Device) -> Self {
        Self { hidden: LinearConfig::new(2, 8).init(device), out: LinearConfig::new(8, 1).init(device) }
    }

    fn loss(&self, (x, y): &Data) -> Tensor<1> {
        let error = self.out.forward(self.hidden.forward(x.clone()).tanh()) - y.clone();
        (error.clone() * error).mean()
    }
}

/// Points in the plane, and their radii.
type Data = (Tensor<2>, Tensor<2>);

/// The network as a model: a layout, and θ as one vector.
struct Landscape {
    net: Net,
    layout: Layout,
    theta: Vec<f32>,
}

impl Landscape {
    fn new(net: Net) -> Result<Self, Box<dyn Error>> {
        let mut read = Read::default();
        net.visit(&mut read);
        // `burn_roles` knows that a `Linear` of burn's has its filters on axis 1.
        let layout = Layout::from_tensors(read.tensors, burn_roles)?;
        Ok(Self { net, layout, theta: read.theta })
    }

    /// The network at another θ.
    fn at(&self, theta: &[f32]) -> Result<Net, OracleError> {
        self.layout.ensure_length("θ", theta.len())?;
        Ok(self.net.clone().map(&mut Put { theta }))
    }
}

/// Reads names, shapes and values.
#[derive(Default)]
struct Read {
    path: Vec<String>,
    tensors: Vec<(String, Vec<usize>)>,
    theta: Vec<f32>,
}

impl ModuleVisitor for Read {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }
    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.tensors.push((self.path.join("."), param.val().dims().to_vec()));
        self.theta.extend(param.val().into_data().iter::<f32>());
    }
}

/// Hands out θ in the order in which it was read.
struct Put<'a> {
    theta: &'a [f32],
}

impl ModuleMapper for Put<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        param.map(|old| {
            let (own, rest) = self.theta.split_at(old.dims().iter().product());
            self.theta = rest;
            let new = TensorData::new(own.to_vec(), old.dims());
            Tensor::from_data(new, &old.device()).set_require_grad(old.is_require_grad())
        })
    }
}

/// Reads gradients in the same order; buffers have none.
struct ReadGradients<'a> {
    gradients: &'a Gradients,
    out: Vec<f32>,
}

impl ModuleVisitor for ReadGradients<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        match param.val().grad(self.gradients) {
            Some(gradient) => self.out.extend(gradient.into_data().iter::<f32>()),
            None => self.out.extend(vec![0.0; param.val().dims().iter().product()]),
        }
    }
}

impl Model for Landscape {
    type Scalar = f32;
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn parameters(&self) -> &[f32] {
        &self.theta
    }
}

impl Loss<Data> for Landscape {
    fn loss(&self, theta: &[f32], data: &Data) -> Result<f64, OracleError> {
        Ok(self.at(theta)?.loss(data).into_scalar::<f32>().into())
    }
}

impl Gradient<Data> for Landscape {
    fn gradient(&self, theta: &[f32], data: &Data, out: &mut [f32]) -> Result<f64, OracleError> {
        let net = self.at(theta)?;
        let loss = net.loss(data);
        let gradients = loss.backward();
        let mut read = ReadGradients { gradients: &gradients, out: Vec::with_capacity(out.len()) };
        net.visit(&mut read);
        out.copy_from_slice(&read.out);
        Ok(loss.into_scalar::<f32>().into())
    }
}

// burn differentiates once: products are differences of its gradients.
impl HessianProduct<Data> for Landscape {}

fn main() -> Result<(), Box<dyn Error>> {
    let device = Device::flex().autodiff();
    device.seed(1);
    let points: Vec<f32> = (0..200_u8).map(|i| (f32::from(i) * 0.7).sin()).collect();
    let radii: Vec<f32> = points.chunks(2).map(|point| point[0].hypot(point[1])).collect();
    let data = (
        Tensor::from_data(TensorData::new(points, [100, 2]), &device),
        Tensor::from_data(TensorData::new(radii, [100, 1]), &device),
    );

    let model = Landscape::new(Net::new(&device))?;
    for block in model.layout().blocks() {
        println!("{block}");
    }
    let check = check_gradient(&model, model.parameters(), &data)?;
    println!("gradient off by {:.0e}", check.error);
    assert!(check.error < 0.02, "{check:?}"); // differences of losses in f32 are good for two digits
    let surface = Sweep::plane(&model, RandomDirections::new(42)).data("train", &data).here().run()?;
    assert!(surface.report().bad_points.is_empty());
    println!("{surface}\n{}", eigen_extremes(&model, &data)?);
    Ok(())
}
