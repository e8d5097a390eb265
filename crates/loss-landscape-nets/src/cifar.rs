//! CIFAR-10 in its binary format: photographs of ten classes.

use std::{fs, path::Path};

use ndarray::Array4;

use super::{NetScalar, Samples};
use crate::{Error, Result};

const SHAPE: [usize; 3] = [3, 32, 32];
const PIXELS: usize = 3 * 32 * 32;
/// A label and the pixels.
const RECORD: usize = 1 + PIXELS;
const CLASSES: u32 = 10;

/// Images out of the bytes of one file of CIFAR-10's binary version: [samples, 3, 32, 32] with values
/// from 0 to 1, labels 0 to 9.
///
/// A record is a byte of label and 3,072 bytes of pixels, the red, green and blue plane, each row by row.
/// `data_batch_1.bin` to `data_batch_5.bin` hold the 50,000 train images, `test_batch.bin` the 10,000 test
/// images[^1]; [`cifar10_files`] reads several at once. The crate does not download them.
///
/// The paper's experiments normalise the channels by mean and deviation of the train set; so does
/// [`Samples::normalized`]:
///
/// ```
/// use loss_landscape_nets::cifar10;
///
/// let file = vec![1; 2 * 3073]; // stands for the bytes of `data_batch_1.bin`
/// let mean = [125.3, 123.0, 113.9].map(|v| v / 255.0);
/// let deviation = [63.0, 62.1, 66.7].map(|v| v / 255.0);
/// let train = cifar10::<f32>(&file)?.normalized(&mean, &deviation)?;
/// assert_eq!((train.len(), train.image_shape()), (2, Some([3, 32, 32])));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// [^1]: A. Krizhevsky, *Learning multiple layers of features from tiny images* (2009).
///
/// # Errors
/// [`Error::EmptyData`] for no bytes, [`Error::Cifar`] for a length that is no multiple of 3,073,
/// [`Error::Label`] with the record for a label above 9, [`Error::OutOfMemory`].
pub fn cifar10<S: NetScalar>(bytes: &[u8]) -> Result<Samples<S>> {
    let (mut inputs, mut labels) = (Vec::new(), Vec::new());
    append(bytes, &mut inputs, &mut labels)?;
    samples(inputs, labels)
}

/// Images out of several files as [`cifar10`] reads them, one behind the other.
///
/// ```no_run
/// use loss_landscape_nets::cifar10_files;
///
/// let train = cifar10_files::<f32>((1..=5).map(|i| format!("cifar-10-batches-bin/data_batch_{i}.bin")))?;
/// let test = cifar10_files::<f32>(["cifar-10-batches-bin/test_batch.bin"])?;
/// assert_eq!((train.len(), test.len()), (50_000, 10_000));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// # Errors
/// [`Error::File`] for a file that cannot be read; [`Error::InFile`] with what [`cifar10`] finds wrong with
/// one; [`Error::EmptyData`] for no files.
pub fn cifar10_files<S: NetScalar>(paths: impl IntoIterator<Item: AsRef<Path>>) -> Result<Samples<S>> {
    let (mut inputs, mut labels) = (Vec::new(), Vec::new());
    for path in paths {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
        append(&bytes, &mut inputs, &mut labels)
            .map_err(|error| Error::InFile { path: path.to_owned(), source: Box::new(error) })?;
    }
    samples(inputs, labels)
}

/// Appends the records of one file.
fn append<S: NetScalar>(bytes: &[u8], inputs: &mut Vec<S>, labels: &mut Vec<u32>) -> Result<()> {
    if bytes.is_empty() {
        return Err(Error::EmptyData);
    }
    let (records, rest) = bytes.as_chunks::<RECORD>();
    if !rest.is_empty() {
        return Err(Error::Cifar { len: bytes.len(), record: RECORD });
    }
    if let Some(index) = records.iter().position(|record| u32::from(record[0]) >= CLASSES) {
        return Err(Error::Label { index, label: records[index][0].into(), classes: CLASSES as usize });
    }
    let values: [S; 256] = std::array::from_fn(|byte| S::from_f64(byte as f64 / 255.0));
    let size = records.len() * PIXELS;
    inputs.try_reserve(size).map_err(|_| Error::OutOfMemory {
        what: "the images",
        bytes: (size as u64).saturating_mul(size_of::<S>() as u64),
    })?;
    for [label, pixels @ ..] in records {
        labels.push(u32::from(*label));
        inputs.extend(pixels.iter().map(|&pixel| values[usize::from(pixel)]));
    }
    Ok(())
}

fn samples<S: NetScalar>(inputs: Vec<S>, labels: Vec<u32>) -> Result<Samples<S>> {
    let [channels, height, width] = SHAPE;
    let found = inputs.len();
    let images = Array4::from_shape_vec((labels.len(), channels, height, width), inputs)
        .map_err(|_| Error::SampleShape { what: "the images", found, expected: labels.len() * PIXELS })?;
    Samples::images(images, labels)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// The byte at a place of an image; no two rows, columns or planes alike.
    fn pixel(seed: usize, channel: usize, y: usize, x: usize) -> u8 {
        (seed.wrapping_mul(89) + channel * 101 + y * 17 + x * 5) as u8
    }

    fn file(labels: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (n, &label) in labels.iter().enumerate() {
            bytes.push(label);
            for channel in 0..3 {
                for y in 0..32 {
                    bytes.extend((0..32).map(|x| pixel(n, channel, y, x)));
                }
            }
        }
        bytes
    }

    /// A folder of files that goes with the value.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str, files: &[(&str, Vec<u8>)]) -> Self {
            let path = std::env::temp_dir().join(format!("loss-landscape-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            for (name, bytes) in files {
                fs::write(path.join(name), bytes).unwrap();
            }
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn every_pixel_is_where_the_format_says() {
        let samples = cifar10::<f64>(&file(&[3, 9])).unwrap();
        assert_eq!((samples.len(), samples.features(), samples.image_shape()), (2, 3072, Some([3, 32, 32])));
        assert_eq!(samples.labels(), Some([3, 9].as_slice()));
        for n in 0..2 {
            for (channel, y, x) in [(0, 0, 0), (0, 0, 31), (0, 31, 0), (1, 0, 0), (1, 7, 20), (2, 31, 31)] {
                let found = samples.inputs()[((n * 3 + channel) * 32 + y) * 32 + x];
                assert_eq!(found, f64::from(pixel(n, channel, y, x)) / 255.0, "{n} {channel} {y} {x}");
            }
        }
        let all: Vec<f64> = file(&[3]).iter().skip(1).map(|&byte| f64::from(byte) / 255.0).collect();
        assert_eq!(&samples.inputs()[..3072], all);
    }

    #[test]
    fn damaged_files_are_refused() {
        let good = file(&[0, 1, 2]);
        assert!(matches!(cifar10::<f32>(&[]), Err(Error::EmptyData)));
        for len in [1, 3072, 3074, good.len() - 1] {
            assert!(
                matches!(cifar10::<f32>(&good[..len]), Err(Error::Cifar { len: l, .. }) if l == len),
                "{len}"
            );
        }
        let label = cifar10::<f32>(&file(&[0, 9, 10, 255])).unwrap_err();
        assert!(matches!(label, Error::Label { index: 2, label: 10, classes: 10 }), "{label}");
        // CIFAR-100 has two labels.
        assert!(matches!(cifar10::<f32>(&vec![0; 2 * 3074]), Err(Error::Cifar { len: 6148, record: 3073 })));
    }

    #[test]
    fn files_come_one_behind_the_other_and_errors_name_theirs() {
        let mut damaged = file(&[1]);
        damaged.pop();
        let folder = Folder::new(
            "cifar",
            &[
                ("a.bin", file(&[5, 6])),
                ("b.bin", file(&[7])),
                ("short.bin", damaged),
                ("label.bin", file(&[77])),
            ],
        );
        let path = |name: &str| folder.0.join(name);
        let samples = cifar10_files::<f32>([path("a.bin"), path("b.bin")]).unwrap();
        assert_eq!(samples.labels(), Some([5, 6, 7].as_slice()));
        assert_eq!(samples.inputs()[..3072], samples.inputs()[2 * 3072..]);
        let error = cifar10_files::<f32>([path("a.bin"), path("none.bin")]).unwrap_err();
        assert!(matches!(&error, Error::File { path: p, .. } if *p == path("none.bin")), "{error}");
        let error = cifar10_files::<f32>([path("a.bin"), path("short.bin")]).unwrap_err();
        assert!(
            matches!(&error, Error::InFile { path: p, source } if *p == path("short.bin")
                && matches!(**source, Error::Cifar { len: 3072, .. })),
            "{error}"
        );
        let message = cifar10_files::<f32>([path("label.bin")]).unwrap_err().to_string();
        assert!(message.contains("label.bin") && message.contains("label 77 of sample 0"), "{message}");
        assert!(matches!(cifar10_files::<f32>([] as [&str; 0]), Err(Error::EmptyData)));
    }
}
