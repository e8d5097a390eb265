//! The snapshots of a training as safetensors files, read in parts.

use std::{
    collections::{BTreeMap, HashSet},
    fs::File,
    io::{Read, Seek, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
};

use safetensors::{Dtype, tensor::TensorInfo};

use super::{CheckpointReader, decode::decode, parse::header, prefix::prefix};
use crate::{Error, Layout, Result, Scalar, trajectory::Snapshots};

/// The snapshots of a training as safetensors files, one each. [`CheckpointReader::snapshots`] opens them.
///
/// Nothing but their headers is read when they are opened. After that every read takes the bytes of the asked range
/// alone, so that no file is ever in memory as a whole;
/// [`PrincipalPlane`](crate::trajectory::PrincipalPlane) reads each of them twice. A file is open only while it is
/// read. Values are checked as they are read.
///
/// ```
/// use loss_landscape::{CheckpointReader, Layout, trajectory::PrincipalPlane, write_checkpoint};
///
/// let folder = std::env::temp_dir().join(format!("snapshots-{}", std::process::id()));
/// std::fs::create_dir_all(&folder).unwrap();
/// let layout = Layout::flat(100)?;
/// let mut paths = Vec::new();
/// for epoch in 0..5 {
///     let theta: Vec<f32> = (0..100).map(|i| ((i + 7 * epoch) as f32).sin()).collect();
///     paths.push(folder.join(format!("{epoch}.safetensors")));
///     write_checkpoint(&layout, &theta, &paths[epoch])?;
/// }
/// let files = CheckpointReader::<f32>::new(&layout).snapshots(&paths)?;
/// let trajectory = PrincipalPlane::new().run(&layout, &files)?;
/// assert_eq!(trajectory.report().snapshots, 5);
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct CheckpointFiles<'a, S> {
    layout: Layout,
    fill: Option<&'a [S]>,
    files: Vec<Place>,
}

/// A file, and where in it each block of the layout begins.
#[derive(Clone, Debug)]
struct Place {
    path: PathBuf,
    /// The type of the tensor and the position of its first byte; none for a block that is not in the file.
    blocks: Vec<Option<(Dtype, u64)>>,
}

impl<'a, S: Scalar> CheckpointReader<'a, S> {
    /// Opens files as the snapshots of a training, in this order. Each is judged as [`read`](Self::read) judges a file,
    /// and has its own prefix and types of tensors.
    ///
    /// # Errors
    /// [`Error::File`] if one cannot be read; [`Error::InFile`] with [`Error::Safetensors`] or [`Error::Checkpoint`];
    /// [`Error::Length`] or [`Error::NonFinite`] for the parameters to take missing blocks from.
    pub fn snapshots<F: AsRef<Path>>(
        &self,
        paths: impl IntoIterator<Item = F>,
    ) -> Result<CheckpointFiles<'a, S>> {
        if let Some(theta) = self.fill {
            self.layout.ensure_finite("the θ to take missing blocks from", theta)?;
        }
        let names: HashSet<&str> = self.layout.blocks().iter().map(crate::Block::name).collect();
        let mut files = Vec::new();
        for path in paths {
            let path = path.as_ref().to_owned();
            let file_error = |source| Error::File { path: path.clone(), source };
            let mut file = File::open(&path).map_err(file_error)?;
            let length = file.metadata().map_err(file_error)?.len();
            let in_file = |error| match error {
                Error::File { .. } => error,
                other => Error::InFile { path: path.clone(), source: Box::new(other) },
            };
            let (start, metadata) =
                header(length, |bytes| file.read_exact(bytes).map_err(file_error)).map_err(in_file)?;
            let tensors = metadata.tensors();
            let mut tensors: BTreeMap<&str, &TensorInfo> =
                tensors.iter().map(|(name, info)| (name.as_str(), *info)).collect();
            let prefix = prefix(&tensors.keys().copied().collect::<Vec<_>>(), &names).to_owned();
            let found: Vec<Option<&TensorInfo>> = (self.layout.blocks().iter())
                .map(|block| tensors.remove(format!("{prefix}{}", block.name()).as_str()))
                .collect();
            let rest: Vec<String> = tensors.keys().map(ToString::to_string).collect();
            let shapes: Vec<_> =
                found.iter().map(|info| info.map(|info| (info.dtype, info.shape.as_slice()))).collect();
            self.judge(&shapes, &rest).map_err(in_file)?;
            let place = |info: &TensorInfo| (info.dtype, start + info.data_offsets.0 as u64);
            let blocks = found.iter().map(|info| info.map(place)).collect();
            files.push(Place { path, blocks });
        }
        Ok(CheckpointFiles { layout: self.layout.clone(), fill: self.fill, files })
    }
}

impl<S: Scalar> Snapshots<S> for CheckpointFiles<'_, S> {
    fn count(&self) -> usize {
        self.files.len()
    }

    fn ensure_fits(&self, layout: &Layout) -> Result<()> {
        self.layout.ensure_same(layout)
    }

    fn read(&self, index: usize, range: Range<usize>, out: &mut [S]) -> Result<()> {
        let Place { path, blocks } = &self.files[index];
        let file_error = |source| Error::File { path: path.clone(), source };
        let mut file = File::open(path).map_err(file_error)?;
        let mut bytes = Vec::new();
        for (block, place) in self.layout.blocks().iter().zip(blocks) {
            let whole = block.range();
            let part = whole.start.max(range.start)..whole.end.min(range.end);
            if part.is_empty() {
                continue;
            }
            let out = &mut out[part.start - range.start..part.end - range.start];
            match (place, self.fill) {
                (Some((dtype, start)), _) => {
                    let size = dtype.bitsize() / 8;
                    file.seek(SeekFrom::Start(start + (size * (part.start - whole.start)) as u64))
                        .map_err(file_error)?;
                    bytes.resize(size * part.len(), 0);
                    file.read_exact(&mut bytes).map_err(file_error)?;
                    decode(*dtype, &bytes, out);
                }
                (None, Some(fill)) => out.copy_from_slice(&fill[part]),
                // Files with missing blocks are refused unless there is something to take them from.
                (None, None) => {}
            }
        }
        Ok(())
    }

    fn name(&self, index: usize) -> String {
        format!("{}, as {},", self.files[index].path.display(), S::NAME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Block, to_checkpoint_bytes, write_checkpoint};

    fn layout() -> Layout {
        Layout::new([Block::weight("w", [3, 2], 0), Block::bias("b", [3]), Block::bias("c", [])]).unwrap()
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("loss-landscape-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn every_range_is_the_part_of_the_whole() {
        let (layout, folder) = (layout(), folder("ranges"));
        let theta: Vec<f32> = (0..10).map(|i| i as f32 - 3.25).collect();
        let path = folder.join("a");
        write_checkpoint(&layout, &theta, &path).unwrap();
        let files = CheckpointReader::<f64>::new(&layout).snapshots([&path]).unwrap();
        for start in 0..10 {
            for end in start..=10 {
                let mut out = vec![f64::NAN; end - start];
                files.read(0, start..end, &mut out).unwrap();
                assert!(
                    out.iter().zip(&theta[start..end]).all(|(a, b)| *a == f64::from(*b)),
                    "{start}..{end}"
                );
            }
        }
        // A part of another model, the rest taken from θ.
        let part = Layout::new([Block::bias("m.b", [3]), Block::bias("m.other", [1])]).unwrap();
        write_checkpoint(&part, &[7.0_f32, 8.0, 9.0, 1.0], &path).unwrap();
        let start = [0.5_f64; 10];
        let reader = CheckpointReader::new(&layout).allow_extra(true).allow_missing_from(&start);
        let mut out = [0.0; 10];
        reader.snapshots([&path]).unwrap().read(0, 0..10, &mut out).unwrap();
        assert_eq!(out, [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 7.0, 8.0, 9.0, 0.5]);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn files_are_judged_when_they_are_opened() {
        let (layout, folder) = (layout(), folder("judged"));
        let (good, bad) = (folder.join("good"), folder.join("bad"));
        write_checkpoint(&layout, &[1.0_f32; 10], &good).unwrap();
        let open = || CheckpointReader::<f32>::new(&layout).snapshots([&good, &bad]).map(|_| ()).unwrap_err();
        assert!(matches!(open(), Error::File { path, .. } if path == bad));
        let other = Layout::new([Block::weight("w", [2, 3], 0), Block::bias("b", [4])]).unwrap();
        write_checkpoint(&other, &[1.0_f32; 10], &bad).unwrap();
        let Error::InFile { path, source } = open() else { panic!() };
        assert_eq!(path, bad);
        assert!(matches!(*source, Error::Checkpoint { missing, misshapen, .. }
            if missing == ["c"] && misshapen.len() == 2));
        let bytes = to_checkpoint_bytes(&layout, &[1.0_f32; 10]).unwrap();
        for cut in 0..bytes.len() {
            std::fs::write(&bad, &bytes[..cut]).unwrap();
            let error = open();
            assert!(
                matches!(&error, Error::InFile { source, .. } if matches!(**source, Error::Safetensors { .. })),
                "cut to {cut} bytes: {error}"
            );
        }
        std::fs::write(&bad, [&bytes[..], &[0]].concat()).unwrap();
        assert!(matches!(open(), Error::InFile { .. }));
        std::fs::write(&bad, [&u64::MAX.to_le_bytes()[..], b"{}"].concat()).unwrap();
        assert!(matches!(open(), Error::InFile { .. }));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_file_that_shrinks_or_holds_nan_is_named() {
        let (layout, folder) = (layout(), folder("shrinks"));
        let path = folder.join("a");
        let mut bytes = to_checkpoint_bytes(&layout, &[1.0_f32; 10]).unwrap();
        std::fs::write(&path, &bytes).unwrap();
        let files = CheckpointReader::<f32>::new(&layout).snapshots([&path, &path]).unwrap();
        let plane = crate::trajectory::PrincipalPlane::new();
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        std::fs::write(&path, &bytes).unwrap();
        let error = plane.run(&layout, &files).unwrap_err();
        assert!(matches!(&error, Error::NonFinite { what, .. } if what.contains("shrinks")), "{error}");
        std::fs::write(&path, &bytes[..end - 4]).unwrap();
        let error = plane.run(&layout, &files).unwrap_err();
        assert!(matches!(&error, Error::File { path: named, .. } if *named == path), "{error}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
