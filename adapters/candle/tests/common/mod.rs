//! A small convolutional network of candle's, and its training on the digits.

mod digits;

pub(crate) use digits::digits;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::{
    Conv2d, Conv2dConfig, Linear, Module, Optimizer, SGD, VarBuilder, VarMap, loss::cross_entropy,
};

/// Images [n, 1, 8, 8] and labels [n].
pub(crate) type Data = (Tensor, Tensor);

/// Two convolutions and a linear layer, with tanh or ReLU.
pub(crate) struct Cnn {
    convs: [Conv2d; 2],
    fc: Linear,
    smooth: bool,
}

impl Cnn {
    pub(crate) fn new(vb: &VarBuilder<'_>, smooth: bool) -> Result<Self> {
        let halving = Conv2dConfig { padding: 1, stride: 2, ..Conv2dConfig::default() };
        let convs = [
            candle_nn::conv2d(1, 4, 3, halving, vb.pp("conv1"))?,
            candle_nn::conv2d(4, 8, 3, halving, vb.pp("conv2"))?,
        ];
        Ok(Self { convs, fc: candle_nn::linear(32, 10, vb.pp("fc"))?, smooth })
    }

    pub(crate) fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let mut x = x.clone();
        for conv in &self.convs {
            x = conv.forward(&x)?;
            x = if self.smooth { x.tanh()? } else { x.relu()? };
        }
        self.fc.forward(&x.flatten_from(1)?)
    }

    pub(crate) fn loss(&self, (x, y): &Data) -> Result<Tensor> {
        cross_entropy(&self.forward(x)?, y)
    }

    /// The loss, and the share of right answers.
    pub(crate) fn figures(&self, (x, y): &Data) -> Result<[Tensor; 2]> {
        let logits = self.forward(x)?;
        let right = logits.argmax(1)?.eq(y)?.to_dtype(DType::F32)?.mean_all()?;
        Ok([cross_entropy(&logits, y)?, right])
    }
}

/// A network with weights that are the same every time: candle does not seed its generator on the CPU.
pub(crate) fn fresh(dtype: DType, smooth: bool) -> Result<(VarMap, Cnn)> {
    let mut map = VarMap::new();
    let net = Cnn::new(&VarBuilder::from_varmap(&map, dtype, &Device::Cpu), smooth)?;
    let mut named: Vec<_> =
        map.data().lock().unwrap().iter().map(|(name, var)| (name.clone(), var.clone())).collect();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    let mut state = 1_u64;
    for (name, var) in named {
        let fan_in = var.elem_count() / var.dims()[0];
        let scale = (3.0 / fan_in as f64).sqrt() * if name.ends_with("bias") { 0.1 } else { 1.0 };
        let values: Vec<f64> = (0..var.elem_count())
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                scale * ((state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0)
            })
            .collect();
        map.set_one(name, Tensor::from_vec(values, var.shape(), &Device::Cpu)?.to_dtype(dtype)?)?;
    }
    Ok((map, net))
}

/// The first samples.
pub(crate) fn first((x, y): &Data, samples: usize) -> Result<Data> {
    Ok((x.narrow(0, 0, samples)?, y.narrow(0, 0, samples)?))
}

/// Trains by plain gradient descent over batches.
pub(crate) fn train(map: &VarMap, net: &Cnn, (x, y): &Data, epochs: usize) -> Result<()> {
    const BATCH: usize = 64;
    let mut sgd = SGD::new(map.all_vars(), 0.3)?;
    for _ in 0..epochs {
        for batch in 0..x.dim(0)? / BATCH {
            let batch = (x.narrow(0, batch * BATCH, BATCH)?, y.narrow(0, batch * BATCH, BATCH)?);
            sgd.backward_step(&net.loss(&batch)?)?;
        }
    }
    Ok(())
}

/// The bits of all variables, by name.
pub(crate) fn bits(map: &VarMap) -> Vec<(String, Vec<u64>)> {
    let map = map.data().lock().unwrap();
    let mut all: Vec<_> = map
        .iter()
        .map(|(name, var)| {
            let values = var.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1::<f64>().unwrap();
            (name.clone(), values.into_iter().map(f64::to_bits).collect())
        })
        .collect();
    all.sort();
    all
}
