//! CIFAR-10 in its binary format: photographs of ten classes.

use std::path::Path;

use loss_landscape::Scalar;
use ndarray::Array4;

use super::{
    images::rows,
    input_file::{in_file, read},
    samples::Samples,
};
use crate::{
    error::{Error, Result},
    memory::reserve,
};

const SHAPE: [usize; 3] = [3, 32, 32];
const PIXELS: usize = 3 * 32 * 32;
/// A label and the pixels.
const RECORD: usize = 1 + PIXELS;
const CLASSES: u32 = 10;

/// The images of one file's bytes.
pub(crate) fn cifar10_images<S: Scalar>(bytes: &[u8]) -> Result<Samples<S>> {
    let (mut inputs, mut labels) = (Vec::new(), Vec::new());
    append_records(bytes, &mut inputs, &mut labels)?;
    images_of(inputs, labels)
}

/// The images of several files.
pub(crate) fn cifar10_files<S: Scalar>(paths: &[&Path]) -> Result<Samples<S>> {
    let (mut inputs, mut labels) = (Vec::new(), Vec::new());
    for path in paths {
        append_records(&read(path)?, &mut inputs, &mut labels).map_err(|error| in_file(path, error))?;
    }
    images_of(inputs, labels)
}

/// Appends the records of one file.
fn append_records<S: Scalar>(bytes: &[u8], inputs: &mut Vec<S>, labels: &mut Vec<u32>) -> Result<()> {
    if bytes.is_empty() {
        return Err(Error::NoSamples);
    }
    let (records, rest) = bytes.as_chunks::<RECORD>();
    if !rest.is_empty() {
        return Err(Error::Cifar10 { len: bytes.len(), record: RECORD });
    }
    if let Some(index) = records.iter().position(|record| u32::from(record[0]) >= CLASSES) {
        return Err(Error::LabelOutOfRange {
            index,
            label: records[index][0].into(),
            classes: CLASSES as usize,
        });
    }
    let values: [S; 256] = std::array::from_fn(|byte| S::from_f64(byte as f64 / 255.0));
    let size = records.len() * PIXELS;
    reserve(inputs, "the images", size)?;
    for [label, pixels @ ..] in records {
        labels.push(u32::from(*label));
        inputs.extend(pixels.iter().map(|&pixel| values[usize::from(pixel)]));
    }
    Ok(())
}

fn images_of<S: Scalar>(inputs: Vec<S>, labels: Vec<u32>) -> Result<Samples<S>> {
    let [channels, height, width] = SHAPE;
    let found = inputs.len();
    let images = Array4::from_shape_vec((labels.len(), channels, height, width), inputs)
        .map_err(|_| Error::SampleShape { what: "the images", found, expected: labels.len() * PIXELS })?;
    let (rows, shape) = rows(images)?;
    Samples::checked_labelled(rows, labels)?.into_images(shape)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::*;
    use crate::{cifar10_from_bytes, read_cifar10};

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
        let samples = cifar10_from_bytes::<f64>(&file(&[3, 9])).unwrap();
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
        assert!(matches!(cifar10_from_bytes::<f32>(&[]), Err(Error::NoSamples)));
        for len in [1, 3072, 3074, good.len() - 1] {
            assert!(
                matches!(cifar10_from_bytes::<f32>(&good[..len]), Err(Error::Cifar10 { len: l, .. }) if l == len),
                "{len}"
            );
        }
        let label = cifar10_from_bytes::<f32>(&file(&[0, 9, 10, 255])).unwrap_err();
        assert!(matches!(label, Error::LabelOutOfRange { index: 2, label: 10, classes: 10 }), "{label}");
        // CIFAR-100 has two labels.
        assert!(matches!(
            cifar10_from_bytes::<f32>(&vec![0; 2 * 3074]),
            Err(Error::Cifar10 { len: 6148, record: 3073 })
        ));
    }

    #[test]
    fn files_are_joined_and_errors_name_theirs() {
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
        let samples = read_cifar10::<f32>([path("a.bin"), path("b.bin")]).unwrap();
        assert_eq!(samples.labels(), Some([5, 6, 7].as_slice()));
        assert_eq!(samples.inputs()[..3072], samples.inputs()[2 * 3072..]);
        let error = read_cifar10::<f32>([path("a.bin"), path("none.bin")]).unwrap_err();
        assert!(matches!(&error, Error::Unreadable { path: p, .. } if *p == path("none.bin")), "{error}");
        let error = read_cifar10::<f32>([path("a.bin"), path("short.bin")]).unwrap_err();
        assert!(
            matches!(&error, Error::InFile { path: p, source } if *p == path("short.bin")
                && matches!(**source, Error::Cifar10 { len: 3072, .. })),
            "{error}"
        );
        let message = read_cifar10::<f32>([path("label.bin")]).unwrap_err().to_string();
        assert!(message.contains("label.bin") && message.contains("label 77 of sample 0"), "{message}");
        assert!(matches!(read_cifar10::<f32>([] as [&str; 0]), Err(Error::NoSamples)));
    }
}
