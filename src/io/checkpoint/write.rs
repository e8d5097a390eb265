//! Writing a model's parameters as a safetensors file.

use std::{borrow::Cow, path::Path};

use safetensors::{Dtype, View};

use super::{decode::dtype, parse::damaged};
use crate::{Error, Layout, Result, Scalar, replace};

/// The key of a file's own data, which no tensor can have.
pub(super) const METADATA: &str = "__metadata__";

/// Writes parameters as a safetensors file: each block of the layout as a tensor of its name and shape,
/// in `F32` or `F64` as the scalar is.
///
/// PyTorch reads it with `model.load_state_dict(safetensors.torch.load_file(path))` where blocks are named
/// as its modules name theirs; [`read_checkpoint`](crate::read_checkpoint) reads it back to the bit. The
/// same θ gives the same bytes. A file of that name is replaced as a whole, in the way of
/// [`files::write`](crate::files::write).
///
/// ```
/// use loss_landscape::{Layout, read_checkpoint, write_checkpoint};
///
/// let (layout, theta) = (Layout::flat(3)?, vec![1.0_f32, 2.0, 3.0]);
/// let path = std::env::temp_dir().join(format!("theta-{}.safetensors", std::process::id()));
/// write_checkpoint(&layout, &theta, &path)?;
/// assert_eq!(read_checkpoint::<f32>(&layout, &path)?.theta, theta);
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// # Errors
/// As [`to_checkpoint_bytes`] and [`files::write`](crate::files::write).
pub fn write_checkpoint<S: Scalar>(layout: &Layout, theta: &[S], path: impl AsRef<Path>) -> Result<()> {
    replace::write(path, to_checkpoint_bytes(layout, theta)?)
}

/// The bytes of the file that [`write_checkpoint`] writes.
///
/// # Errors
/// [`Error::Length`] or [`Error::NonFinite`] for θ, [`Error::CheckpointName`] for a block named
/// `__metadata__`, [`Error::Safetensors`] for names that take more than the 100 MB that the format allows.
pub fn to_checkpoint_bytes<S: Scalar>(layout: &Layout, theta: &[S]) -> Result<Vec<u8>> {
    bytes(layout, theta, Vec::new())
}

/// The bytes of such a file with these metadata, whose order in the file is any.
pub(super) fn bytes<S: Scalar>(
    layout: &Layout,
    theta: &[S],
    mut metadata: Vec<(String, String)>,
) -> Result<Vec<u8>> {
    layout.ensure_finite("θ", theta)?;
    if let Some(block) = layout.blocks().iter().find(|block| block.name() == METADATA) {
        return Err(Error::CheckpointName { block: block.name().to_owned() });
    }
    let tensors = (layout.blocks().iter())
        .map(|block| (block.name(), Tensor { shape: block.shape(), values: &theta[block.range()] }));
    // Some programs read no file without it.
    metadata.push(("format".to_owned(), "pt".to_owned()));
    let metadata = Some(metadata.into_iter().collect());
    safetensors::serialize(tensors, metadata).map_err(damaged)
}

/// A block's part of θ, turned into bytes when it is its turn.
struct Tensor<'a, S> {
    shape: &'a [usize],
    values: &'a [S],
}

impl<S: Scalar> View for Tensor<'_, S> {
    fn dtype(&self) -> Dtype {
        dtype::<S>()
    }

    fn shape(&self) -> &[usize] {
        self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let mut bytes = Vec::with_capacity(self.data_len());
        for &value in self.values {
            value.append_bytes(&mut bytes);
        }
        bytes.into()
    }

    fn data_len(&self) -> usize {
        size_of_val(self.values)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use safetensors::SafeTensors;

    use super::*;
    use crate::{Block, from_checkpoint_bytes};

    fn layout() -> Layout {
        Layout::new([
            Block::weight("fc.weight", [3, 2], 0),
            Block::bias("a bias, `quoted` \"so\"", [3]),
            Block::bias("temperature", []),
        ])
        .unwrap()
    }

    #[test]
    fn the_file_holds_names_shapes_and_values() {
        let theta: Vec<f32> = (0..10).map(|i| i as f32 - 4.5).collect();
        let bytes = to_checkpoint_bytes(&layout(), &theta).unwrap();
        assert_eq!(bytes, to_checkpoint_bytes(&layout(), &theta).unwrap());
        let file = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(file.len(), 3);
        let weight = file.tensor("fc.weight").unwrap();
        assert_eq!((weight.dtype(), weight.shape()), (Dtype::F32, [3, 2].as_slice()));
        let expected: Vec<u8> = theta[..6].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(weight.data(), expected);
        let scalar = file.tensor("temperature").unwrap();
        assert!(scalar.shape().is_empty());
        assert_eq!(scalar.data(), 4.5_f32.to_le_bytes());
        let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
        assert_eq!(metadata.metadata().as_ref().unwrap()["format"], "pt");
        let doubles = to_checkpoint_bytes(&layout(), &[0.1_f64; 10]).unwrap();
        let file = SafeTensors::deserialize(&doubles).unwrap();
        assert_eq!(file.tensor("temperature").unwrap().dtype(), Dtype::F64);
    }

    #[test]
    fn what_could_not_be_read_back_is_not_written() {
        let short = to_checkpoint_bytes(&layout(), &[0.0_f64; 9]);
        assert!(matches!(short, Err(Error::Length { len: 9, expected: 10, .. })));
        let mut theta = [0.0_f64; 10];
        theta[7] = f64::INFINITY;
        let error = to_checkpoint_bytes(&layout(), &theta).unwrap_err();
        assert!(
            matches!(&error, Error::NonFinite { block, index: 1, .. } if block.starts_with("a bias")),
            "{error}"
        );
        let reserved = Layout::new([Block::bias("__metadata__", [1])]).unwrap();
        let error = to_checkpoint_bytes(&reserved, &[1.0_f32]).unwrap_err();
        assert!(matches!(&error, Error::CheckpointName { block } if block == "__metadata__"), "{error}");
    }

    #[test]
    fn a_path_that_cannot_be_written_is_named() {
        let missing = std::env::temp_dir().join("no such folder").join("x.safetensors");
        let error = write_checkpoint(&layout(), &[0.0_f32; 10], &missing).unwrap_err();
        assert!(matches!(&error, Error::File { path, .. } if *path == missing), "{error}");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back_to_the_bit(
            shapes in prop::collection::vec(prop::collection::vec(1_usize..4, 0..4), 1..6),
            bits in prop::collection::vec(any::<u64>(), 1..50),
        ) {
            let blocks = shapes.into_iter().enumerate().map(|(i, shape)| Block::bias(format!("block.{i}"), shape));
            let layout = Layout::new(blocks).unwrap();
            let doubles: Vec<f64> = bits.iter().map(|&bits| f64::from_bits(bits)).collect();
            let finite = |value: f64| if value.is_finite() { value } else { -0.0 };
            let theta: Vec<f64> = doubles.iter().copied().map(finite).cycle().take(layout.len()).collect();
            let read = from_checkpoint_bytes::<f64>(&layout, &to_checkpoint_bytes(&layout, &theta).unwrap()).unwrap();
            prop_assert!(read.theta.iter().zip(&theta).all(|(a, b)| a.to_bits() == b.to_bits()));
            prop_assert!(read.converted.is_empty() && read.ignored.is_empty() && read.prefix.is_empty());
            let singles: Vec<f32> = (bits.iter())
                .map(|&bits| f32::from_bits(bits as u32))
                .map(|value| if value.is_finite() { value } else { -0.0 })
                .cycle()
                .take(layout.len())
                .collect();
            let read = from_checkpoint_bytes::<f32>(&layout, &to_checkpoint_bytes(&layout, &singles).unwrap()).unwrap();
            prop_assert!(read.theta.iter().zip(&singles).all(|(a, b)| a.to_bits() == b.to_bits()));
        }
    }
}
