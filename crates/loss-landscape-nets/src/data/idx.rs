//! IDX files, the format of MNIST and its kin: bytes with a shape.

use std::{borrow::Cow, path::Path};

use loss_landscape::Scalar;
use ndarray::Array2;

use super::{
    input_file::{in_file, read},
    samples::Samples,
};
use crate::error::{Error, NumberSetting, Result};

/// An array of bytes with its shape, as an IDX file holds it.
///
/// ```
/// use loss_landscape_nets::{Idx, idx_from_bytes};
///
/// let idx: Idx = idx_from_bytes(&[0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9])?;
/// assert_eq!((idx.shape, idx.values.to_vec()), (vec![3], vec![7, 8, 9]));
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx<'a> {
    /// The sizes, outermost first; for images [images, rows, columns].
    pub shape: Vec<usize>,
    /// The bytes, row-major.
    pub values: Cow<'a, [u8]>,
}

/// Reads an IDX file of unsigned bytes.
///
/// ```no_run
/// use loss_landscape_nets::read_idx;
///
/// assert_eq!(read_idx("train-images-idx3-ubyte")?.shape, [60_000, 28, 28]);
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
///
/// # Errors
/// [`Error::Unreadable`] for a file that cannot be read, [`Error::InFile`] with what [`idx_from_bytes`] finds wrong.
pub fn read_idx(path: impl AsRef<Path>) -> Result<Idx<'static>> {
    let path = path.as_ref();
    let bytes = read(path)?;
    let Idx { shape, values } = idx_from_bytes(&bytes).map_err(|error| in_file(path, error))?;
    Ok(Idx { shape, values: Cow::Owned(values.into_owned()) })
}

/// Reads the bytes of an IDX file of unsigned bytes; nothing is copied or allocated but the shape.
///
/// The header is 0, 0, 8 (unsigned byte), the number of sizes, and each size as a big-endian `u32`.
///
/// ```
/// use loss_landscape_nets::idx_from_bytes;
///
/// let file = [0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6];
/// let idx = idx_from_bytes(&file)?;
/// assert_eq!((idx.shape, &idx.values[..]), (vec![2, 3], &[1, 2, 3, 4, 5, 6][..]));
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
///
/// # Errors
/// [`Error::Idx`] for a file of another kind, cut short, with bytes left over, or with sizes that
/// are not those of its values.
pub fn idx_from_bytes(bytes: &[u8]) -> Result<Idx<'_>> {
    let wrong = |reason, expected: u64, found: u64| Error::Idx { reason, expected, found };
    let Some((&[zero, none, kind, dimensions], mut rest)) = bytes.split_first_chunk::<4>() else {
        return Err(wrong("the header is cut short", 4, bytes.len() as u64));
    };
    if zero != 0 || none != 0 {
        return Err(wrong(
            "the first two bytes are not zero",
            0,
            u64::from(u16::from_be_bytes([zero, none])),
        ));
    }
    if kind != 8 {
        return Err(wrong("the values are not unsigned bytes", 8, u64::from(kind)));
    }
    let mut shape = Vec::with_capacity(usize::from(dimensions));
    let mut size = 1_u64;
    for index in 0..usize::from(dimensions) {
        let Some((length, tail)) = rest.split_first_chunk::<4>() else {
            return Err(wrong("the sizes are cut short", u64::from(dimensions), index as u64));
        };
        let length = u32::from_be_bytes(*length);
        shape.push(length as usize);
        // Saturating, not overflowing: 2⁶⁴ − 1 values are more than any file holds.
        size = size.saturating_mul(u64::from(length));
        rest = tail;
    }
    if rest.len() as u64 != size {
        return Err(wrong("the number of values is not the product of the sizes", size, rest.len() as u64));
    }
    Ok(Idx { shape, values: Cow::Borrowed(rest) })
}

/// Images and labels out of two IDX files, the images' values divided by `scale`.
pub(crate) fn labelled_images<S: Scalar>(
    images: &Idx<'_>,
    labels: &Idx<'_>,
    scale: f64,
) -> Result<Samples<S>> {
    NumberSetting::ImageScale.check(scale)?;
    let count = images.shape.first().copied().unwrap_or(0);
    let features = images.values.len().checked_div(count).unwrap_or(0);
    if labels.shape.len() != 1 {
        return Err(Error::SampleShape {
            what: "the shape of the labels",
            found: labels.shape.len(),
            expected: 1,
        });
    }
    let values = images.values.iter().map(|&value| S::from_f64(f64::from(value) / scale)).collect();
    let found = images.values.len();
    let inputs = Array2::from_shape_vec((count, features), values).map_err(|_| Error::SampleShape {
        what: "the images",
        found,
        expected: count * features,
    })?;
    let samples =
        Samples::checked_labelled(inputs, labels.values.iter().map(|&label| u32::from(label)).collect())?;
    match images.shape[..] {
        [_, height, width] => samples.into_images([1, height, width]),
        [_, channels, height, width] => samples.into_images([channels, height, width]),
        _ => Ok(samples),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{labelled_images_from_bytes, read_labelled_images};

    #[test]
    fn damaged_and_hostile_files_are_refused() {
        let good = [0, 0, 8, 1, 0, 0, 0, 2, 5, 6];
        assert!(idx_from_bytes(&good).is_ok());
        for cut in 0..good.len() {
            assert!(idx_from_bytes(&good[..cut]).is_err(), "cut to {cut} bytes");
        }
        assert!(idx_from_bytes(&[&good[..], &[7]].concat()).is_err(), "a byte too many");
        let mut float = good;
        float[2] = 0x0d;
        assert!(matches!(idx_from_bytes(&float), Err(Error::Idx { expected: 8, found: 13, .. })));
        let liar = [0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
        assert!(matches!(idx_from_bytes(&liar), Err(Error::Idx { expected: u64::MAX, found: 1, .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), header: bool) {
            let file = if header { [&[0, 0, 8, 2][..], &bytes].concat() } else { bytes };
            if let Ok(idx) = idx_from_bytes(&file) {
                prop_assert_eq!(idx.values.len(), idx.shape.iter().product::<usize>());
            }
        }
    }

    #[test]
    fn files_that_do_not_belong_together_are_refused() {
        let images = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4];
        let labels = [0, 0, 8, 1, 0, 0, 0, 2, 0, 1];
        let samples = labelled_images_from_bytes::<f64>(&images, &labels, 4.0).unwrap();
        assert_eq!(samples.inputs(), [0.25, 0.5, 0.75, 1.0]);
        assert_eq!((samples.features(), samples.image_shape()), (2, Some([1, 1, 2])));
        let three = [0, 0, 8, 1, 0, 0, 0, 3, 0, 1, 2];
        let error = labelled_images_from_bytes::<f64>(&images, &three, 4.0);
        assert!(matches!(error, Err(Error::SampleShape { found: 3, expected: 2, .. })));
        assert!(labelled_images_from_bytes::<f64>(&images, &images, 4.0).is_err());
        let none = [0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
        let no_labels = [0, 0, 8, 1, 0, 0, 0, 0];
        assert!(matches!(labelled_images_from_bytes::<f64>(&none, &no_labels, 4.0), Err(Error::NoSamples)));
        assert!(matches!(
            labelled_images_from_bytes::<f64>(&images, &labels, 0.0),
            Err(Error::NumberOutOfRange { .. })
        ));
    }

    #[test]
    fn the_rank_says_the_image_shape() {
        let labels = [0, 0, 8, 1, 0, 0, 0, 1, 3];
        let rank4 = [0, 0, 8, 4, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6];
        let samples = labelled_images_from_bytes::<f32>(&rank4, &labels, 1.0).unwrap();
        assert_eq!((samples.image_shape(), samples.features()), (Some([3, 1, 2]), 6));
        let rank2 = [0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3];
        let samples = labelled_images_from_bytes::<f32>(&rank2, &labels, 1.0).unwrap();
        assert_eq!((samples.image_shape(), samples.features()), (None, 3));
    }

    #[test]
    fn files_give_what_their_bytes_give() {
        let images = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4];
        let labels = [0, 0, 8, 1, 0, 0, 0, 2, 0, 1];
        let folder = std::env::temp_dir().join(format!("loss-landscape-idx-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = |name: &str| folder.join(name);
        for (name, bytes) in [("images", &images[..]), ("labels", &labels[..]), ("cut", &labels[..9])] {
            std::fs::write(path(name), bytes).unwrap();
        }
        assert_eq!(read_idx(path("images")).unwrap(), idx_from_bytes(&images).unwrap());
        let samples = read_labelled_images::<f64>(path("images"), path("labels"), 4.0).unwrap();
        assert_eq!(samples.inputs(), [0.25, 0.5, 0.75, 1.0]);
        let cut = read_labelled_images::<f64>(path("images"), path("cut"), 4.0).unwrap_err();
        assert!(matches!(&cut, Error::InFile { path: p, .. } if *p == path("cut")), "{cut}");
        let none = read_idx(path("none")).unwrap_err();
        assert!(matches!(&none, Error::Unreadable { path: p, .. } if *p == path("none")), "{none}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
