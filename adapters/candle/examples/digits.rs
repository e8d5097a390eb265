//! A convolutional network that candle trains on the digits, and its surface.
//!
//!     cargo run --release --example digits

#[path = "../tests/common/digits.rs"]
mod data;

use std::error::Error;

use candle_core::{DType, Device, Tensor};
use candle_nn::{
    AdamW, Conv2d, Conv2dConfig, Linear, Module, Optimizer, VarBuilder, VarMap, loss::cross_entropy,
};
use loss_landscape::{RandomDirections, Sweep};
use loss_landscape_candle::{CandleModel, tensor_fingerprint};
use loss_landscape_plot::{ContourFigure, Figure, Scale};

type Data = (Tensor, Tensor);

/// Your network, as you have it.
struct Cnn {
    conv: Conv2d,
    fc: Linear,
}

impl Cnn {
    fn new(vb: &VarBuilder<'_>) -> candle_core::Result<Self> {
        let config = Conv2dConfig { padding: 1, stride: 2, ..Conv2dConfig::default() };
        let conv = candle_nn::conv2d(1, 16, 3, config, vb.pp("conv"))?;
        Ok(Self { conv, fc: candle_nn::linear(256, 10, vb.pp("fc"))? })
    }

    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        self.fc.forward(&self.conv.forward(x)?.relu()?.flatten_from(1)?)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let [train, test] = data::digits(DType::F32)?;
    let map = VarMap::new();
    let net = Cnn::new(&VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu))?;
    let mut adam = AdamW::new_lr(map.all_vars(), 0.02)?;
    for _ in 0..30 {
        adam.backward_step(&cross_entropy(&net.forward(&train.0)?, &train.1)?)?;
    }
    landscape(&map, &net, &train, &test)
}

// From here: what the landscape takes.
fn landscape(map: &VarMap, net: &Cnn, train: &Data, test: &Data) -> Result<(), Box<dyn Error>> {
    let model = CandleModel::new(map, |(x, y): &Data| {
        let logits = net.forward(x)?;
        let accuracy = logits.argmax(1)?.eq(y)?.to_dtype(DType::F32)?.mean_all()?;
        Ok([cross_entropy(&logits, y)?, accuracy])
    })?
    .further_channels(["accuracy"])
    .fingerprint_by(|(x, y): &Data| tensor_fingerprint([x, y]));
    println!("{}", model.vars());

    let surface = Sweep::plane(&model, RandomDirections::new(42))
        .data("train", train)
        .data("test", test)
        .alpha(-1.0..=1.0, 11)
        .beta(-1.0..=1.0, 11)
        .here()
        .run()?;
    println!("{surface}");
    ContourFigure::from(&surface).scale(Scale::Log).save("digits.svg")?;
    Ok(())
}
// To here.
