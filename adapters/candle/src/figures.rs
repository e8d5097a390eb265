//! What a closure returns: the loss, and whatever else was measured on the way.

use candle_core::{DType, Tensor};

use crate::{Error, Result};

/// What a closure returns: the loss as one tensor, or an array or vector of it and of further figures. Each is a tensor
/// of one value, of any type. Sealed.
///
/// ```
/// use candle_core::{Result, Tensor};
/// use candle_nn::loss::cross_entropy;
///
/// /// The loss of logits, and the share of right answers.
/// fn figures(logits: &Tensor, labels: &Tensor) -> Result<[Tensor; 2]> {
///     let right = logits.argmax(1)?.eq(labels)?.to_dtype(candle_core::DType::F32)?;
///     Ok([cross_entropy(logits, labels)?, right.mean_all()?])
/// }
/// # let logits = Tensor::new(&[[2.0_f32, 0.0], [0.0, 1.0]], &candle_core::Device::Cpu)?;
/// # let labels = Tensor::new(&[0_u32, 0], &candle_core::Device::Cpu)?;
/// # assert_eq!(figures(&logits, &labels)?[1].to_scalar::<f32>()?, 0.5);
/// # Ok::<(), candle_core::Error>(())
/// ```
pub trait Figures: sealed::Sealed {
    #[doc(hidden)]
    fn tensors(&self) -> &[Tensor];
}

impl Figures for Tensor {
    fn tensors(&self) -> &[Tensor] {
        std::slice::from_ref(self)
    }
}

impl<const N: usize> Figures for [Tensor; N] {
    fn tensors(&self) -> &[Tensor] {
        self
    }
}

impl Figures for Vec<Tensor> {
    fn tensors(&self) -> &[Tensor] {
        self
    }
}

mod sealed {
    use candle_core::Tensor;
    pub trait Sealed {}
    impl Sealed for Tensor {}
    impl<const N: usize> Sealed for [Tensor; N] {}
    impl Sealed for Vec<Tensor> {}
}

/// The loss among the figures of a closure, which has as many as there are channels.
pub(crate) fn loss<'f>(figures: &'f impl Figures, channels: &[String]) -> Result<&'f Tensor> {
    let tensors = figures.tensors();
    if tensors.len() != channels.len() {
        return Err(Error::Figures { channels: channels.to_vec(), found: tensors.len() });
    }
    ensure_number(&tensors[0], &channels[0])?;
    Ok(&tensors[0])
}

/// Writes the figures of a closure.
pub(crate) fn write(figures: &impl Figures, channels: &[String], out: &mut [f64]) -> Result<()> {
    loss(figures, channels)?;
    for ((tensor, channel), out) in figures.tensors().iter().zip(channels).zip(out) {
        *out = number(tensor, channel)?;
    }
    Ok(())
}

/// The value of a tensor of one value.
pub(crate) fn number(tensor: &Tensor, channel: &str) -> Result<f64> {
    ensure_number(tensor, channel)?;
    let one = tensor.detach().reshape(())?;
    Ok(match one.dtype() {
        DType::F64 => one.to_scalar()?,
        DType::F32 => f64::from(one.to_scalar::<f32>()?),
        // Not every device has f64, but all have these types' values in f32.
        DType::F16 | DType::BF16 => f64::from(one.to_dtype(DType::F32)?.to_scalar::<f32>()?),
        _ => one.to_device(&candle_core::Device::Cpu)?.to_dtype(DType::F64)?.to_scalar()?,
    })
}

fn ensure_number(tensor: &Tensor, channel: &str) -> Result<()> {
    if tensor.elem_count() == 1 {
        return Ok(());
    }
    Err(Error::NotOneNumber { channel: channel.to_owned(), shape: tensor.dims().to_vec() })
}
