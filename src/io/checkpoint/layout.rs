//! The layout of a safetensors file, by a rule that says what its tensors are.

use std::{fs::File, io::Read, path::Path};

use super::{parse::header, read::is_counter};
use crate::{Error, Layout, NamedTensor, Result, Role};

impl Layout {
    /// The layout of the tensors of a safetensors file, with roles and filter axes by a rule: [`pytorch_roles`] (for
    /// candle too), [`burn_roles`], or yours. Only the header of the file is read.
    ///
    /// Blocks come in the order of the file's data, which is that of the program that wrote it: PyTorch's `save_file` and
    /// candle sort tensors, in ways of their own. **A seed draws its directions in the order of the layout**, so that it
    /// draws others where the same tensors come in another order. PyTorch's counters `num_batches_tracked` are left out,
    /// as they are by [`read_checkpoint`](crate::read_checkpoint).
    ///
    /// ```
    /// use loss_landscape::{Block, Layout, pytorch_roles, read_checkpoint, write_checkpoint};
    ///
    /// let path = std::env::temp_dir().join(format!("layout-{}.safetensors", std::process::id()));
    /// # let saved = Layout::new([Block::weight("fc.weight", [2, 3], 0), Block::bias("fc.bias", [2])])?;
    /// # write_checkpoint(&saved, &[1.0_f32; 8], &path)?;
    /// // A checkpoint of a network that this crate does not know.
    /// let layout = Layout::from_checkpoint(&path, pytorch_roles)?;
    /// let theta = read_checkpoint::<f32>(&layout, &path)?.theta;
    /// assert_eq!((layout.block("fc.weight")?.filters(), theta.len()), (2, 8));
    /// # std::fs::remove_file(&path).unwrap();
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// [`pytorch_roles`]: crate::pytorch_roles
    /// [`burn_roles`]: crate::burn_roles
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::InFile`] with [`Error::Safetensors`] or [`Error::PyTorchFile`] for what is no safetensors
    /// file, [`Error::NoRole`] for a tensor that the rule does not know, or as [`Layout::new`].
    pub fn from_checkpoint(
        path: impl AsRef<Path>,
        rule: impl FnMut(&NamedTensor<'_>) -> Option<(Role, Option<usize>)>,
    ) -> Result<Self> {
        let path = path.as_ref();
        let file_error = |source| Error::File { path: path.to_owned(), source };
        let mut file = File::open(path).map_err(file_error)?;
        let length = file.metadata().map_err(file_error)?.len();
        let read = |bytes: &mut [u8]| file.read_exact(bytes).map_err(file_error);
        of_header(length, read, rule).map_err(|error| match error {
            Error::File { .. } => error,
            other => Error::InFile { path: path.to_owned(), source: Box::new(other) },
        })
    }

    /// The same for the bytes of a file.
    ///
    /// # Errors
    /// As [`from_checkpoint`](Self::from_checkpoint), without a path.
    pub fn from_checkpoint_bytes(
        mut bytes: &[u8],
        rule: impl FnMut(&NamedTensor<'_>) -> Option<(Role, Option<usize>)>,
    ) -> Result<Self> {
        let length = bytes.len() as u64;
        let read = |out: &mut [u8]| {
            // `header` asks for no more than there is.
            bytes.read_exact(out).map_err(|source| Error::Safetensors { source: Box::new(source) })
        };
        of_header(length, read, rule)
    }
}

fn of_header(
    length: u64,
    read: impl FnMut(&mut [u8]) -> Result<()>,
    rule: impl FnMut(&NamedTensor<'_>) -> Option<(Role, Option<usize>)>,
) -> Result<Layout> {
    let (_, metadata) = header(length, read)?;
    let tensors = metadata.tensors();
    let mut tensors: Vec<_> = tensors.iter().filter(|(name, _)| !is_counter(name)).collect();
    // Tensors without values begin where others do.
    tensors.sort_by(|(a, first), (b, second)| (first.data_offsets, a).cmp(&(second.data_offsets, b)));
    Layout::from_tensors(tensors.into_iter().map(|(name, info)| (name.as_str(), info.shape.as_slice())), rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Block, burn_roles, pytorch_roles, to_checkpoint_bytes};

    #[test]
    fn blocks_come_in_the_order_of_the_file() {
        let saved = Layout::new([
            Block::weight("z.weight", [2, 3], 0),
            Block::new("z.running_mean", [2], Role::Buffer, None),
            Block::bias("a.bias", [1]),
        ]);
        let bytes = to_checkpoint_bytes(&saved.unwrap(), &[1.0_f64; 9]).unwrap();
        let layout = Layout::from_checkpoint_bytes(&bytes, pytorch_roles).unwrap();
        let mut names: Vec<&str> = layout.blocks().iter().map(Block::name).collect();
        let order: Vec<usize> = {
            let text = String::from_utf8_lossy(&bytes);
            let begin = |name: &str| {
                let rest = text.split_once(&format!("\"{name}\"")).unwrap().1;
                let offsets = rest.split_once("\"data_offsets\":[").unwrap().1;
                offsets.split(',').next().unwrap().parse().unwrap()
            };
            names.iter().map(|name| begin(name)).collect()
        };
        assert!(order.is_sorted(), "{order:?}");
        names.sort_unstable();
        assert_eq!(names, ["a.bias", "z.running_mean", "z.weight"]);
        let burn = Layout::from_checkpoint_bytes(&bytes, burn_roles).unwrap();
        assert_eq!(burn.block("z.weight").unwrap().filter_axis(), Some(1));
        assert_eq!(layout.block("z.weight").unwrap().filter_axis(), Some(0));
    }

    #[test]
    fn what_is_no_checkpoint_or_has_no_role_is_an_error() {
        let layout = Layout::new([Block::weight("odd", [2, 3], 0)]).unwrap();
        let bytes = to_checkpoint_bytes(&layout, &[1.0_f32; 6]).unwrap();
        let error = Layout::from_checkpoint_bytes(&bytes, pytorch_roles).unwrap_err();
        assert!(matches!(&error, Error::NoRole { block, .. } if block == "odd"), "{error}");
        for cut in 0..bytes.len() {
            assert!(Layout::from_checkpoint_bytes(&bytes[..cut], pytorch_roles).is_err(), "{cut}");
        }
        let nowhere = Layout::from_checkpoint("no such file", pytorch_roles).unwrap_err();
        assert!(matches!(nowhere, Error::File { .. }));
        let path = std::env::temp_dir().join(format!("loss-landscape-layout-{}.pt", std::process::id()));
        std::fs::write(&path, b"PK\x03\x04 and so on, a long file").unwrap();
        let error = Layout::from_checkpoint(&path, pytorch_roles).unwrap_err().to_string();
        std::fs::remove_file(&path).unwrap();
        assert!(error.contains("torch.save"), "{error}");
    }
}
