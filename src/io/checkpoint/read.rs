//! Reading a model's parameters from a safetensors file.

use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
};

use safetensors::{Dtype, tensor::TensorView};

use super::{
    decode::{decode, decodes, dtype},
    parse::parse,
    prefix::prefix,
};
use crate::{Error, Layout, Result, Scalar, replace};

/// Parameters as a checkpoint held them, and what was done to read them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Checkpoint<S> {
    /// θ, in the order of the layout; all values are finite.
    pub theta: Vec<S>,
    /// Blocks whose tensors were of another type than `S`, and that type, in the order of the layout.
    /// Narrower types are read exactly, wider ones rounded.
    pub converted: Vec<(String, String)>,
    /// Tensors that were left out, sorted: counters of batches, and those that
    /// [`CheckpointReader::allow_extra`] let pass.
    pub ignored: Vec<String>,
    /// Blocks that the file did not have, from the parameters given to
    /// [`CheckpointReader::allow_missing_from`], in the order of the layout.
    pub filled: Vec<String>,
    /// What all the file's names begin with and the layout's do not, such as `module.`; mostly empty.
    pub prefix: String,
}

/// Reads the parameters of a layout from safetensors files: each block from the tensor of its name.
///
/// **Strict** unless told otherwise: every block must be there, in its shape, in `F64`, `F32`, `F16` or
/// `BF16`, and finite in `S`; there may be no other tensors, but for `num_batches_tracked`, the counters of
/// PyTorch's batch normalisations. All that does not fit comes in one error.
///
/// **Prefixes.** Wrappers put a prefix before all names (`module.`, `_orig_mod.`, `model.`). Of the
/// prefixes, ending in a dot, that all names of the file share, it strips the one under which most blocks
/// are found, the shorter of two as good; none if the names are good as they are.
///
/// A file is not trusted: damage is an error; at no moment does reading hold more than 64 bytes for each byte of the
/// file, and 64 KiB, beside θ, which gets its memory when all blocks have been found.
///
/// ```
/// use loss_landscape::{Block, CheckpointReader, Error, Layout, from_checkpoint_bytes, to_checkpoint_bytes};
///
/// let old = Layout::new([Block::weight("fc.weight", [2, 3], 0), Block::bias("fc.bias", [2])])?;
/// let file = to_checkpoint_bytes(&old, &[1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])?;
///
/// let new = Layout::new([Block::weight("fc.weight", [2, 3], 0), Block::bias("scale", [1])])?;
/// let error = from_checkpoint_bytes::<f64>(&new, &file).unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the checkpoint does not fit the layout: 1 missing (`scale`); 1 not in the layout (`fc.bias`)",
/// );
/// let start = [0.0; 7];
/// let read = CheckpointReader::new(&new).allow_extra(true).allow_missing_from(&start).read_bytes(&file)?;
/// assert_eq!(read.theta, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.0]);
/// assert_eq!((read.ignored, read.filled), (vec!["fc.bias".to_owned()], vec!["scale".to_owned()]));
/// assert_eq!(read.converted, [("fc.weight".to_owned(), "F32".to_owned())]);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct CheckpointReader<'a, S> {
    pub(super) layout: &'a Layout,
    extra: bool,
    pub(super) fill: Option<&'a [S]>,
}

/// Reads a checkpoint strictly, from a safetensors file; see [`CheckpointReader`].
///
/// ```
/// use loss_landscape::{Layout, read_checkpoint, write_checkpoint};
///
/// let layout = Layout::flat(2)?;
/// let path = std::env::temp_dir().join(format!("checkpoint-{}.safetensors", std::process::id()));
/// write_checkpoint(&layout, &[0.5_f64, -1.0], &path)?;
/// assert_eq!(read_checkpoint::<f32>(&layout, &path)?.theta, [0.5, -1.0]);
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// # Errors
/// As [`CheckpointReader::read`].
pub fn read_checkpoint<S: Scalar>(layout: &Layout, path: impl AsRef<Path>) -> Result<Checkpoint<S>> {
    CheckpointReader::new(layout).read(path)
}

/// Reads a checkpoint strictly, from the bytes of a safetensors file; see [`CheckpointReader`].
///
/// # Errors
/// As [`CheckpointReader::read_bytes`].
pub fn from_checkpoint_bytes<S: Scalar>(layout: &Layout, bytes: &[u8]) -> Result<Checkpoint<S>> {
    CheckpointReader::new(layout).read_bytes(bytes)
}

impl<'a, S: Scalar> CheckpointReader<'a, S> {
    /// A strict reader.
    pub fn new(layout: &'a Layout) -> Self {
        Self { layout, extra: false, fill: None }
    }

    /// Whether to ignore tensors that are no blocks; not by default.
    pub fn allow_extra(self, allow: bool) -> Self {
        Self { extra: allow, ..self }
    }

    /// Takes blocks that the file does not have from `theta`, instead of refusing the file. One block at
    /// least must be in the file.
    pub fn allow_missing_from(self, theta: &'a [S]) -> Self {
        Self { fill: Some(theta), ..self }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be read; [`Error::InFile`] with what [`read_bytes`](Self::read_bytes) finds wrong.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Checkpoint<S>> {
        replace::read(path.as_ref(), |bytes| self.read_bytes(bytes))
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// [`Error::Safetensors`] for bytes that are no such file, or a damaged one; [`Error::PyTorchFile`] for what
    /// `torch.save` writes, with a way to convert it; [`Error::Checkpoint`] with
    /// all that does not fit the layout; [`Error::NonFinite`] for a value that is NaN or infinite in `S`;
    /// [`Error::Length`] or [`Error::NonFinite`] for the parameters to take missing blocks from;
    /// [`Error::OutOfMemory`].
    pub fn read_bytes(&self, bytes: &[u8]) -> Result<Checkpoint<S>> {
        if let Some(theta) = self.fill {
            self.layout.ensure_finite("the θ to take missing blocks from", theta)?;
        }
        let file = parse(bytes)?;
        let blocks: HashSet<&str> = self.layout.blocks().iter().map(crate::Block::name).collect();
        let mut tensors: BTreeMap<&str, TensorView<'_>> = file.iter().collect();
        let prefix = prefix(&tensors.keys().copied().collect::<Vec<_>>(), &blocks).to_owned();
        let names: Vec<String> =
            self.layout.blocks().iter().map(|block| format!("{prefix}{}", block.name())).collect();
        let found: Vec<Option<TensorView<'_>>> =
            names.iter().map(|name| tensors.remove(name.as_str())).collect();
        let ignored: Vec<String> = tensors.keys().map(ToString::to_string).collect();
        let shapes: Vec<_> = (found.iter())
            .map(|tensor| tensor.as_ref().map(|tensor| (tensor.dtype(), tensor.shape())))
            .collect();
        let filled = self.judge(&shapes, &ignored)?;

        let mut theta = Vec::new();
        theta.try_reserve_exact(self.layout.len()).map_err(|_| Error::OutOfMemory {
            what: "the parameters of the checkpoint",
            bytes: (self.layout.len() as u64).saturating_mul(size_of::<S>() as u64),
        })?;
        match self.fill {
            Some(fill) => theta.extend_from_slice(fill),
            None => theta.resize(self.layout.len(), S::zero()),
        }
        let mut converted = Vec::new();
        for (block, tensor) in self.layout.blocks().iter().zip(&found) {
            let Some(tensor) = tensor else { continue };
            decode(tensor.dtype(), tensor.data(), &mut theta[block.range()]);
            if tensor.dtype() != dtype::<S>() {
                converted.push((block.name().to_owned(), tensor.dtype().to_string()));
            }
        }
        self.layout.ensure_finite(&format!("the checkpoint, as {},", S::NAME), &theta)?;
        Ok(Checkpoint { theta, converted, ignored, filled, prefix })
    }

    /// The blocks that are missing, if they may be and all else fits; `found` are the types and shapes of the blocks'
    /// tensors, `rest` the names of tensors that are no blocks.
    pub(super) fn judge(&self, found: &[Option<(Dtype, &[usize])>], rest: &[String]) -> Result<Vec<String>> {
        let (mut missing, mut misshapen, mut mistyped) = (Vec::new(), Vec::new(), Vec::new());
        for (block, tensor) in self.layout.blocks().iter().zip(found) {
            let name = || block.name().to_owned();
            match tensor {
                None => missing.push(name()),
                Some((dtype, shape)) => {
                    if *shape != block.shape() {
                        misshapen.push((name(), shape.to_vec(), block.shape().to_vec()));
                    }
                    if !decodes(*dtype) {
                        mistyped.push((name(), dtype.to_string()));
                    }
                }
            }
        }
        let extra: Vec<String> = if self.extra {
            Vec::new()
        } else {
            rest.iter().filter(|name| !is_counter(name)).cloned().collect()
        };
        // A file that has nothing of the layout is another model's, whatever is allowed.
        let absent = !missing.is_empty() && (self.fill.is_none() || missing.len() == found.len());
        if absent || !(extra.is_empty() && misshapen.is_empty() && mistyped.is_empty()) {
            let missing = if absent { missing } else { Vec::new() };
            return Err(Error::Checkpoint { missing, extra, misshapen, mistyped });
        }
        Ok(missing)
    }
}

/// Whether a tensor is the counter of batches of one of PyTorch's batch normalisations.
pub(super) fn is_counter(name: &str) -> bool {
    name.rsplit('.').next() == Some("num_batches_tracked")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Block, Role, to_checkpoint_bytes};

    fn file(tensors: &[(&str, Dtype, &[usize], Vec<u8>)]) -> Vec<u8> {
        let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
            (*name, TensorView::new(*dtype, shape.to_vec(), bytes).unwrap())
        });
        safetensors::serialize(views, None).unwrap()
    }

    fn singles(values: &[f32]) -> Vec<u8> {
        values.iter().flat_map(|v| v.to_le_bytes()).collect()
    }

    /// A convolution and its batch normalisation, as PyTorch names them.
    fn layout() -> Layout {
        Layout::new([
            Block::weight("conv1.weight", [2, 1, 1, 2], 0),
            Block::new("bn1.weight", [2], Role::NormScale, None),
            Block::new("bn1.bias", [2], Role::NormShift, None),
            Block::new("bn1.running_mean", [2], Role::Buffer, None),
            Block::bias("temperature", []),
        ])
        .unwrap()
    }

    const THETA: [f32; 11] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0];

    fn pytorch(prefix: &str) -> Vec<u8> {
        let name = |name: &str| format!("{prefix}{name}");
        let names = ["bn1.bias", "bn1.num_batches_tracked", "bn1.running_mean", "bn1.weight", "conv1.weight"]
            .map(name);
        let temperature = name("temperature");
        file(&[
            (&names[0], Dtype::F32, &[2], singles(&THETA[6..8])),
            (&names[1], Dtype::I64, &[], vec![1; 8]),
            (&names[2], Dtype::F32, &[2], singles(&THETA[8..10])),
            (&names[3], Dtype::F32, &[2], singles(&THETA[4..6])),
            (&names[4], Dtype::F32, &[2, 1, 1, 2], singles(&THETA[..4])),
            (&temperature, Dtype::F32, &[], singles(&THETA[10..])),
        ])
    }

    #[test]
    fn blocks_come_by_name_whatever_their_order_and_prefix() {
        for prefix in ["", "module.", "_orig_mod.module.", "model."] {
            let read = from_checkpoint_bytes::<f32>(&layout(), &pytorch(prefix)).unwrap();
            assert_eq!(read.theta, THETA);
            assert_eq!(read.prefix, prefix);
            assert_eq!(read.ignored, [format!("{prefix}bn1.num_batches_tracked")]);
            assert!(read.converted.is_empty() && read.filled.is_empty());
            let wide = from_checkpoint_bytes::<f64>(&layout(), &pytorch(prefix)).unwrap();
            assert_eq!(wide.theta, THETA.map(f64::from));
            assert_eq!(wide.converted.len(), 5);
            assert_eq!(wide.converted[0], ("conv1.weight".to_owned(), "F32".to_owned()));
        }
    }

    #[test]
    fn a_prefix_is_stripped_only_if_all_have_it_and_blocks_do_not() {
        let fc = Layout::new([Block::weight("fc.weight", [1, 1], 0), Block::bias("fc.bias", [1])]).unwrap();
        let one = || singles(&[1.0]);
        let names =
            |weight, bias| file(&[(weight, Dtype::F32, &[1, 1], one()), (bias, Dtype::F32, &[1], one())]);
        assert_eq!(from_checkpoint_bytes::<f32>(&fc, &names("fc.weight", "fc.bias")).unwrap().prefix, "");
        assert_eq!(
            from_checkpoint_bytes::<f32>(&fc, &names("net.fc.weight", "net.fc.bias")).unwrap().prefix,
            "net."
        );
        let mixed = from_checkpoint_bytes::<f32>(&fc, &names("net.fc.weight", "fc.bias")).unwrap_err();
        assert!(
            matches!(&mixed, Error::Checkpoint { missing, extra, .. }
                if missing == &["fc.weight"] && extra == &["net.fc.weight"]),
            "{mixed}"
        );
        // Without a dot it is another name.
        assert!(from_checkpoint_bytes::<f32>(&fc, &names("xfc.weight", "xfc.bias")).is_err());
    }

    #[test]
    fn all_that_does_not_fit_is_in_one_error() {
        let other = file(&[
            ("conv1.weight", Dtype::F32, &[1, 2, 1, 2], singles(&[0.0; 4])),
            ("bn1.weight", Dtype::I64, &[2], vec![0; 16]),
            ("bn1.bias", Dtype::F32, &[2], singles(&[0.0; 2])),
            ("bn1.num_batches_tracked", Dtype::I64, &[], vec![0; 8]),
            ("z", Dtype::F32, &[0], vec![]),
            ("fc.1", Dtype::F32, &[1], singles(&[0.0])),
            ("fc.2", Dtype::F32, &[1], singles(&[0.0])),
            ("fc.3", Dtype::F32, &[1], singles(&[0.0])),
        ]);
        let error = from_checkpoint_bytes::<f32>(&layout(), &other).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the checkpoint does not fit the layout: 2 missing (`bn1.running_mean`, `temperature`); \
             4 not in the layout (`fc.1`, `fc.2`, `fc.3`, ...); \
             1 of another shape (`conv1.weight` [1, 2, 1, 2], not [2, 1, 1, 2]); \
             1 not of floating point (`bn1.weight` of I64)"
        );
        let Error::Checkpoint { missing, extra, misshapen, mistyped } = error else { panic!() };
        assert_eq!((missing.len(), extra.len(), misshapen.len(), mistyped.len()), (2, 4, 1, 1));
    }

    #[test]
    fn what_is_allowed_is_reported() {
        let some = file(&[
            ("bn1.bias", Dtype::F32, &[2], singles(&[0.5, -0.5])),
            ("head", Dtype::I8, &[1], vec![0]),
            ("num_batches_tracked", Dtype::I64, &[], vec![0; 8]),
        ]);
        let (layout, start) = (layout(), THETA.map(|v| -v));
        let reader = CheckpointReader::new(&layout);
        let both = reader.allow_extra(true).allow_missing_from(&start).read_bytes(&some).unwrap();
        assert_eq!(both.theta[..6], start[..6]);
        assert_eq!(both.theta[6..8], [0.5, -0.5]);
        assert_eq!(both.theta[8..], start[8..]);
        assert_eq!(both.filled, ["conv1.weight", "bn1.weight", "bn1.running_mean", "temperature"]);
        assert_eq!(both.ignored, ["head", "num_batches_tracked"]);
        let extra = reader.allow_missing_from(&start).read_bytes(&some).unwrap_err();
        assert!(
            matches!(&extra, Error::Checkpoint { missing, extra, .. } if missing.is_empty() && extra == &["head"]),
            "{extra}"
        );
        let missing = reader.allow_extra(true).read_bytes(&some).unwrap_err();
        assert!(
            matches!(&missing, Error::Checkpoint { missing, extra, .. } if missing.len() == 4 && extra.is_empty()),
            "{missing}"
        );
        let foreign = file(&[("head", Dtype::F32, &[1], singles(&[0.0]))]);
        let error = reader.allow_extra(true).allow_missing_from(&start).read_bytes(&foreign).unwrap_err();
        assert!(matches!(&error, Error::Checkpoint { missing, .. } if missing.len() == 5), "{error}");
        let short = reader.allow_missing_from(&start[1..]).read_bytes(&some);
        assert!(matches!(short, Err(Error::Length { len: 10, expected: 11, .. })));
    }

    #[test]
    fn values_that_are_not_finite_in_the_scalar_are_named() {
        let layout = Layout::new([Block::bias("a", [1]), Block::bias("b", [2])]).unwrap();
        let doubles = |b: [f64; 2]| {
            let bytes = b.iter().flat_map(|v| v.to_le_bytes()).collect();
            file(&[("a", Dtype::F64, &[1], vec![0; 8]), ("b", Dtype::F64, &[2], bytes)])
        };
        assert_eq!(from_checkpoint_bytes::<f64>(&layout, &doubles([0.0, 1e39])).unwrap().theta[2], 1e39);
        let narrow = from_checkpoint_bytes::<f32>(&layout, &doubles([0.0, 1e39])).unwrap_err();
        assert_eq!(narrow.to_string(), "the checkpoint, as f32, is inf at index 1 of block `b`");
        let nan = from_checkpoint_bytes::<f64>(&layout, &doubles([f64::NAN, 0.0])).unwrap_err();
        assert!(matches!(&nan, Error::NonFinite { block, index: 0, .. } if block == "b"), "{nan}");
        let halves = [
            ("a", Dtype::BF16, &[1][..], vec![0x80, 0x3f]),
            ("b", Dtype::F16, &[2][..], vec![0x00, 0x3c, 0x00, 0xc0]),
        ];
        let read = from_checkpoint_bytes::<f32>(&layout, &file(&halves)).unwrap();
        assert_eq!(read.theta, [1.0, 1.0, -2.0]);
        let converted = [("a", "BF16"), ("b", "F16")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(read.converted, converted);
    }

    #[test]
    fn a_file_cut_short_or_too_long_is_refused() {
        let good = pytorch("module.");
        for cut in 0..good.len() {
            let error = from_checkpoint_bytes::<f32>(&layout(), &good[..cut]).unwrap_err();
            assert!(matches!(error, Error::Safetensors { .. }), "cut to {cut} bytes: {error}");
        }
        let long = [&good[..], &[0]].concat();
        assert!(matches!(from_checkpoint_bytes::<f32>(&layout(), &long), Err(Error::Safetensors { .. })));
    }

    #[test]
    fn flipped_bits_never_panic_and_never_pass_for_the_same_header() {
        let good = pytorch("");
        let header = 8 + u64::from_le_bytes(good[..8].try_into().unwrap()) as usize;
        for at in 0..header {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[at] ^= 1 << bit;
                // A changed name or type of the counter, or white space, may pass; the values must not change.
                if let Ok(read) = from_checkpoint_bytes::<f32>(&layout(), &bad) {
                    assert_eq!(read.theta, THETA, "bit {bit} of byte {at}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0_usize..400) {
            let _ = from_checkpoint_bytes::<f32>(&layout(), &bytes);
            let header = [&(bytes.len() as u64).to_le_bytes()[..], &bytes, &[0; 8]].concat();
            let _ = from_checkpoint_bytes::<f32>(&layout(), &header);
            let mut good = to_checkpoint_bytes(&layout(), &THETA).unwrap();
            let at = at % good.len();
            let end = (at + bytes.len()).min(good.len());
            good[at..end].copy_from_slice(&bytes[..end - at]);
            let _ = from_checkpoint_bytes::<f32>(&layout(), &good);
        }
    }
}
