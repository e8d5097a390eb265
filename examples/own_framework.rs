//! A network of a framework of your own: parameters in named tensors, a forward pass, perhaps gradients.
//!
//! What a framework has is sketched in the module `framework`; what you write is `Landscape` and its three `impl`s. Run
//! it with
//!
//!     cargo run --release --example own_framework

use std::{collections::BTreeMap, error::Error};

use framework::{Data, Net};
use loss_landscape::{
    EigenRatio, Gradient, HessianProduct, Layout, Loss, Model, OracleError, RandomDirections, Sweep,
    check::{check_gradient, check_hessian_product},
    pytorch_roles,
};
use loss_landscape_plot::{ContourFigure, Figure, Panels, RatioFigure};

/// Your network, as this crate sees it: a layout, and θ as one flat vector.
struct Landscape {
    net: Net,
    layout: Layout,
    theta: Vec<f32>,
}

impl Landscape {
    fn new(net: Net) -> Result<Self, loss_landscape::Error> {
        // Names and shapes are the framework's; roles and filter axes come from a rule, here PyTorch's.
        let shapes = net.tensors().iter().map(|(name, tensor)| (name.clone(), tensor.shape.clone()));
        let layout = Layout::from_tensors(shapes, pytorch_roles)?;
        let theta = layout
            .gather(|block| net.tensors().get(block.name()).map(|t| &t.values).ok_or("no such tensor"))?;
        Ok(Self { net, layout, theta })
    }

    /// The network at another θ. A framework that can take views of one vector need not copy.
    fn at(&self, theta: &[f32]) -> Result<Net, OracleError> {
        let mut net = self.net.clone();
        self.layout.scatter(theta, |block, values| {
            let tensor = net.tensors_mut().get_mut(block.name()).ok_or("no such tensor")?;
            tensor.values.copy_from_slice(values);
            Ok::<(), &str>(())
        })?;
        Ok(net)
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
        Ok(self.at(theta)?.loss(data))
    }
}

impl Gradient<Data> for Landscape {
    fn gradient(&self, theta: &[f32], data: &Data, out: &mut [f32]) -> Result<f64, OracleError> {
        let (loss, gradients) = self.at(theta)?.backward(data);
        self.layout.gather_into(out, |block| gradients.get(block.name()).ok_or("no gradient"))?;
        Ok(loss)
    }
}

// Hessian-vector products by differences of your gradients, with an error that the bounds know.
impl HessianProduct<Data> for Landscape {}

fn main() -> Result<(), Box<dyn Error>> {
    let data = Data::ring(200);
    let model = Landscape::new(Net::trained(&data))?;
    println!("gradient off by {:.0e}", check_gradient(&model, model.parameters(), &data)?.error);
    println!("products off by {:.0e}", check_hessian_product(&model, model.parameters(), &data)?.error);

    let plane = || Sweep::plane(&model, RandomDirections::new(1)).data("train", &data);
    let surface = plane().run()?;
    let map = plane().alpha(-1.0..=1.0, 13).beta(-1.0..=1.0, 13).eigen_ratio(&EigenRatio::new())?;
    println!("{surface}");
    if let Some(reason) = map.reason() {
        println!("{reason}");
    }
    Panels::new()
        .panel(ContourFigure::from(&surface).title("loss"))
        .panel(RatioFigure::from_map(&map).title("|λₘᵢₙ / λₘₐₓ|"))
        .save("own_framework.svg")?;
    Ok(())
}

/// Stands for your framework.
mod framework {
    use super::BTreeMap;

    #[derive(Clone)]
    pub(crate) struct Tensor {
        pub(crate) shape: Vec<usize>,
        pub(crate) values: Vec<f32>,
    }

    /// Points in the plane, and whether they are outside a circle.
    pub(crate) struct Data(Vec<([f32; 2], f32)>);

    /// 2 inputs, 8 tanh units, a logit.
    #[derive(Clone)]
    pub(crate) struct Net(BTreeMap<String, Tensor>);

    const UNITS: usize = 8;

    impl Data {
        pub(crate) fn ring(points: u16) -> Self {
            let point = |i: u16| {
                let (angle, radius) = (f32::from(i) * 2.4, f32::from(i % 20) / 10.0);
                ([radius * angle.cos(), radius * angle.sin()], f32::from(u8::from(radius > 0.95)))
            };
            Self((0..points).map(point).collect())
        }
    }

    impl Net {
        pub(crate) fn trained(data: &Data) -> Self {
            let tensor = |shape: &[usize], scale: f32| {
                let count: usize = shape.iter().product();
                let values = (0..count).map(|i| scale * ((i * i * 7 + 3 * i) as f32).sin()).collect();
                Tensor { shape: shape.to_vec(), values }
            };
            let tensors = [
                ("hidden.weight", tensor(&[UNITS, 2], 1.5)),
                ("hidden.bias", tensor(&[UNITS], 0.5)),
                ("out.weight", tensor(&[1, UNITS], 1.0)),
                ("out.bias", tensor(&[1], 0.0)),
            ];
            let mut net = Self(tensors.map(|(name, tensor)| (name.to_owned(), tensor)).into_iter().collect());
            for _ in 0..800 {
                let (_, gradients) = net.backward(data);
                for (name, tensor) in &mut net.0 {
                    tensor.values.iter_mut().zip(&gradients[name]).for_each(|(value, g)| *value -= 1.5 * g);
                }
            }
            net
        }

        pub(crate) fn tensors(&self) -> &BTreeMap<String, Tensor> {
            &self.0
        }

        pub(crate) fn tensors_mut(&mut self) -> &mut BTreeMap<String, Tensor> {
            &mut self.0
        }

        pub(crate) fn loss(&self, data: &Data) -> f64 {
            self.backward(data).0
        }

        /// The mean logistic loss, and its gradient by name.
        pub(crate) fn backward(&self, data: &Data) -> (f64, BTreeMap<String, Vec<f32>>) {
            let [w, b, v, c] =
                ["hidden.weight", "hidden.bias", "out.weight", "out.bias"].map(|name| &self.0[name].values);
            let (mut dw, mut db, mut dv, mut dc) =
                (vec![0.0; 2 * UNITS], vec![0.0; UNITS], vec![0.0; UNITS], vec![0.0]);
            let mut loss = 0.0;
            for (x, y) in &data.0 {
                let hidden: Vec<f32> =
                    (0..UNITS).map(|u| (w[2 * u] * x[0] + w[2 * u + 1] * x[1] + b[u]).tanh()).collect();
                let logit = c[0] + hidden.iter().zip(v).map(|(h, v)| h * v).sum::<f32>();
                loss += f64::from(logit.max(0.0) - logit * y) + f64::from((-logit.abs()).exp()).ln_1p();
                let d = (1.0 / (1.0 + (-logit).exp()) - y) / data.0.len() as f32;
                dc[0] += d;
                for u in 0..UNITS {
                    dv[u] += d * hidden[u];
                    let inner = d * v[u] * (1.0 - hidden[u] * hidden[u]);
                    db[u] += inner;
                    dw[2 * u] += inner * x[0];
                    dw[2 * u + 1] += inner * x[1];
                }
            }
            let named = [("hidden.weight", dw), ("hidden.bias", db), ("out.weight", dv), ("out.bias", dc)];
            let named = named.map(|(name, gradient)| (name.to_owned(), gradient)).into_iter().collect();
            (loss / data.0.len() as f64, named)
        }
    }
}
