//! HDF5 files that nobody vouches for.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hdf5_pure::{DType, Dataset, File, FormatError, Layout};

use super::source::Bytes;
use crate::{Error, Result, io::table::wrong};

/// A file whose datasets are read under guard.
///
/// The crate `hdf5-pure` returns errors for damage, but believes a dataset's extent and allocates it. So every
/// dataset must lie in one piece in the file, be of plain numbers and smaller than the file, all that are read
/// together too. And since it is a hundred thousand lines that we did not write, a panic in it is an error here
/// (not with `panic = "abort"`); none was ever seen.
pub(super) struct Guarded {
    file: File,
    bytes: Bytes,
    /// Bytes that datasets may still have.
    left: usize,
}

/// A dataset: its extent and its values.
pub(super) struct Array<T> {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<T>,
}

impl Guarded {
    pub(super) fn open(bytes: &[u8]) -> Result<Self> {
        let (left, bytes) = (bytes.len(), Bytes::new(bytes));
        let open = || File::from_source(bytes.clone()).map_err(|error| error.to_string());
        let file = guarded("the file", open)?;
        Ok(Self { file, bytes, left })
    }

    /// The numbers of a dataset, exactly; none if there is no such dataset.
    pub(super) fn numbers(&mut self, path: &str) -> Result<Option<Array<f64>>> {
        self.read(path, |dataset| match dataset.dtype().map_err(|error| error.to_string())? {
            DType::F64 | DType::F32 => dataset.read_f64().map_err(|error| error.to_string()),
            other => Err(format!("of {other}, not floating point")),
        })
    }

    /// The bytes of a dataset.
    pub(super) fn bytes(&mut self, path: &str) -> Result<Option<Array<u8>>> {
        self.read(path, |dataset| match dataset.dtype().map_err(|error| error.to_string())? {
            DType::U8 => dataset.read_u8().map_err(|error| error.to_string()),
            other => Err(format!("of {other}, not bytes")),
        })
    }

    fn read<T>(
        &mut self,
        path: &str,
        read: impl FnOnce(&Dataset) -> Result<Vec<T>, String>,
    ) -> Result<Option<Array<T>>> {
        let dataset = guarded(path, || match self.file.dataset(path) {
            Ok(dataset) => Ok(Some(dataset)),
            Err(hdf5_pure::Error::Format(FormatError::PathNotFound(_))) => Ok(None),
            Err(error) => Err(error.to_string()),
        })?;
        let Some(dataset) = dataset else { return Ok(None) };
        if !self.bytes.is_numeric() {
            return Err(wrong("HDF5", format!("`{path}`"), "of plain numbers", "of another type"));
        }
        let array = guarded(path, || {
            let text = |error: hdf5_pure::Error| error.to_string();
            // Chunks may be compressed, and their sizes lie once more; other files are none of this one.
            match dataset.layout().map_err(text)? {
                Layout::Compact { .. } | Layout::Contiguous { address: Some(_), .. } => {}
                Layout::Chunked { .. } => return Err("in chunks".to_owned()),
                _ => return Err("not in the file".to_owned()),
            }
            let shape = dataset.shape().map_err(text)?;
            let size = dataset.element_size().map_err(text)?;
            let shape: Option<Vec<usize>> = shape.iter().map(|&n| usize::try_from(n).ok()).collect();
            let bytes = shape
                .as_ref()
                .zip(usize::try_from(size).ok())
                .and_then(|(shape, size)| shape.iter().try_fold(size, |bytes, &n| bytes.checked_mul(n)));
            let (Some(shape), Some(bytes)) = (shape, bytes.filter(|&bytes| bytes <= self.left)) else {
                return Err("larger than the file".to_owned());
            };
            let values = read(&dataset)?;
            if values.len() != shape.iter().product::<usize>() {
                return Err("not as large as its shape".to_owned());
            }
            Ok((bytes, Array { shape, values }))
        });
        let (bytes, array) = array?;
        self.left -= bytes;
        Ok(Some(array))
    }
}

/// Calls into the crate, whose panics become errors.
fn guarded<T>(place: &str, call: impl FnOnce() -> Result<T, String>) -> Result<T> {
    let outcome =
        catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err("a panic of its reader".to_owned()));
    outcome.map_err(|found| wrong("HDF5", format!("`{place}`"), "readable", found))
}

/// A dataset that must be there.
pub(super) fn required<T>(array: Option<T>, path: &str) -> Result<T, Error> {
    array.ok_or_else(|| wrong("HDF5", format!("`{path}`"), "a dataset", "missing"))
}
