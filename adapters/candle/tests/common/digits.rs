//! The handwritten digits of the networks' crate, as tensors of candle's.

use candle_core::{DType, Device, Result, Tensor};

/// Images [n, 1, 8, 8] of values from 0 to 1 and labels [n], for training and test.
pub(crate) fn digits(dtype: DType) -> Result<[(Tensor, Tensor); 2]> {
    let train: [&[u8]; 2] = [
        include_bytes!("../../../../crates/loss-landscape-nets/data/digits/train-images.idx3-ubyte"),
        include_bytes!("../../../../crates/loss-landscape-nets/data/digits/train-labels.idx1-ubyte"),
    ];
    let test: [&[u8]; 2] = [
        include_bytes!("../../../../crates/loss-landscape-nets/data/digits/test-images.idx3-ubyte"),
        include_bytes!("../../../../crates/loss-landscape-nets/data/digits/test-labels.idx1-ubyte"),
    ];
    Ok([tensors(train, dtype)?, tensors(test, dtype)?])
}

fn tensors([images, labels]: [&[u8]; 2], dtype: DType) -> Result<(Tensor, Tensor)> {
    // After the headers, a byte for each pixel and label.
    let x: Vec<f32> = images[16..].iter().map(|pixel| f32::from(*pixel) / 16.0).collect();
    let y: Vec<u32> = labels[8..].iter().map(|label| u32::from(*label)).collect();
    let samples = y.len();
    let x = Tensor::from_vec(x, (samples, 1, 8, 8), &Device::Cpu)?.to_dtype(dtype)?;
    Ok((x, Tensor::from_vec(y, samples, &Device::Cpu)?))
}
