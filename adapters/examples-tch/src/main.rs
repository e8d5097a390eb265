//! A network of tch's, which is libtorch in Rust: its landscape, with gradients and exact Hessian-vector products.
//!
//!     LIBTORCH_USE_PYTORCH=1 cargo run --release    # with PyTorch 2.13 in the Python of the PATH
//!
//! The repository's tests check its types, and do not run it.
//!
//! A tensor of tch's is `Send` and not `Sync`, so that threads cannot share a model: sweeps run `.here()`, and libtorch
//! divides each point among its own threads.

use std::error::Error;

use loss_landscape::{
    Gradient, HessianProduct, Layout, Loss, Model, OracleError, RandomDirections, Role, Sweep,
    check::{check_gradient, check_hessian_product},
    curvature::eigen_extremes,
    pytorch_roles,
};
use tch::{
    Device, Kind, Tensor,
    nn::{self, Module},
};

/// Inputs and targets.
type Data = (Tensor, Tensor);

/// A network whose variables are in a `VarStore`, and a closure that computes its loss.
struct Landscape<F> {
    loss: F,
    layout: Layout,
    /// One for each block. They share their memory with the network's.
    variables: Vec<Tensor>,
    theta: Vec<f64>,
}

impl<F: Fn(&Data) -> Tensor> Landscape<F> {
    fn new(store: &nn::VarStore, loss: F) -> Result<Self, Box<dyn Error>> {
        // tch's map has no order.
        let mut named: Vec<(String, Tensor)> = store.variables().into_iter().collect();
        named.sort_by(|a, b| a.0.cmp(&b.0));
        let mut shapes = Vec::new();
        for (name, tensor) in &named {
            let shape = tensor.size().into_iter().map(usize::try_from).collect::<Result<Vec<_>, _>>()?;
            shapes.push((name.clone(), shape));
        }
        let layout = Layout::from_tensors(shapes, pytorch_roles)?;
        let variables: Vec<Tensor> = named.into_iter().map(|(_, tensor)| tensor).collect();
        let mut theta = Vec::with_capacity(layout.len());
        for variable in &variables {
            theta.extend(to_vec(variable)?);
        }
        Ok(Self { loss, layout, variables, theta })
    }

    /// Calls with the variables at θ, and puts back what was there. Errors of libtorch come as panics of tch; the sweep
    /// catches them, and `Back` puts back.
    fn at<T>(&self, theta: &[f64], call: impl FnOnce() -> Result<T, OracleError>) -> Result<T, OracleError> {
        let _back =
            Back { variables: &self.variables, own: self.variables.iter().map(Tensor::copy).collect() };
        self.layout.ensure_length("θ", theta.len())?;
        for (variable, block) in self.variables.iter().zip(self.layout.blocks()) {
            let values = Tensor::from_slice(&theta[block.range()]);
            set(variable, &values.reshape(variable.size()));
        }
        call()
    }

    /// The gradient of the loss by the trained variables, as tensors that can be differentiated again.
    fn gradients(&self, loss: &Tensor) -> Result<Vec<Tensor>, OracleError> {
        let trained: Vec<&Tensor> = self.trained().map(|(variable, _)| variable).collect();
        Ok(Tensor::f_run_backward(&[loss], &trained, true, true)?)
    }

    fn trained(&self) -> impl Iterator<Item = (&Tensor, &loss_landscape::Block)> {
        self.variables.iter().zip(self.layout.blocks()).filter(|(_, block)| block.role() != Role::Buffer)
    }

    fn write(&self, tensors: &[Tensor], out: &mut [f64]) -> Result<(), OracleError> {
        out.fill(0.0); // buffers have no gradient
        for (tensor, (_, block)) in tensors.iter().zip(self.trained()) {
            out[block.range()].copy_from_slice(&to_vec(tensor)?);
        }
        Ok(())
    }
}

/// Puts variables back when it is dropped.
struct Back<'a> {
    variables: &'a [Tensor],
    own: Vec<Tensor>,
}

impl Drop for Back<'_> {
    fn drop(&mut self) {
        for (variable, own) in self.variables.iter().zip(&self.own) {
            set(variable, own);
        }
    }
}

fn set(variable: &Tensor, values: &Tensor) {
    tch::no_grad(|| variable.shallow_clone().copy_(values));
}

fn to_vec(tensor: &Tensor) -> Result<Vec<f64>, tch::TchError> {
    Vec::try_from(&tensor.detach().to_kind(Kind::Double).to_device(Device::Cpu).flatten(0, -1))
}

impl<F> Model for Landscape<F> {
    type Scalar = f64;
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn parameters(&self) -> &[f64] {
        &self.theta
    }
}

impl<F: Fn(&Data) -> Tensor> Loss<Data> for Landscape<F> {
    fn loss(&self, theta: &[f64], data: &Data) -> Result<f64, OracleError> {
        self.at(theta, || Ok(tch::no_grad(|| (self.loss)(data)).double_value(&[])))
    }
}

impl<F: Fn(&Data) -> Tensor> Gradient<Data> for Landscape<F> {
    fn gradient(&self, theta: &[f64], data: &Data, out: &mut [f64]) -> Result<f64, OracleError> {
        self.at(theta, || {
            let loss = (self.loss)(data);
            self.write(&self.gradients(&loss)?, out)?;
            Ok(loss.double_value(&[]))
        })
    }
}

impl<F: Fn(&Data) -> Tensor> HessianProduct<Data> for Landscape<F> {
    fn hessian_product(
        &self,
        theta: &[f64],
        v: &[f64],
        data: &Data,
        out: &mut [f64],
    ) -> Result<(), OracleError> {
        self.at(theta, || {
            // The derivative of ⟨∇L, v⟩.
            let gradients = self.gradients(&(self.loss)(data))?;
            let along = gradients.iter().zip(self.trained()).map(|(gradient, (variable, block))| {
                (gradient * Tensor::from_slice(&v[block.range()]).reshape(variable.size())).sum(Kind::Double)
            });
            let along = along.reduce(|sum, part| sum + part).ok_or("nothing is trained")?;
            self.write(&self.gradients(&along)?, out)
        })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    tch::manual_seed(1);
    let mut store = nn::VarStore::new(Device::Cpu);
    let root = store.root();
    let net = nn::seq()
        .add(nn::linear(&root / "hidden", 2, 8, nn::LinearConfig::default()))
        .add_fn(Tensor::tanh)
        .add(nn::linear(&root / "out", 8, 1, nn::LinearConfig::default()));
    store.double();
    let x = Tensor::randn([100, 2], (Kind::Double, Device::Cpu));
    let y = x.square().sum_dim_intlist(1, true, Kind::Double).sqrt();
    let data = (x, y);

    let model = Landscape::new(&store, |(x, y)| (net.forward(x) - y).square().mean(Kind::Double))?;
    for block in model.layout().blocks() {
        println!("{block}");
    }
    let before = to_vec(&model.variables[0])?;
    println!("gradient off by {:.0e}", check_gradient(&model, model.parameters(), &data)?.error);
    let check = check_hessian_product(&model, model.parameters(), &data)?;
    println!("products off by {:.0e}", check.error);
    assert!(check.error < 1e-6 && check.asymmetry < 1e-12, "{check:?}");
    let surface = Sweep::plane(&model, RandomDirections::new(42)).data("train", &data).here().run()?;
    assert!(surface.report().bad_points.is_empty());
    assert_eq!(to_vec(&model.variables[0])?, before);
    println!("{surface}\n{}", eigen_extremes(&model, &data)?);
    Ok(())
}
