//! The handwritten digits: a small real data set that comes with the crate.

use ndarray::Array2;

use super::{NetScalar, Samples, parse_idx};
use crate::{Error, Result};

/// Images and labels out of two IDX files, as MNIST and its kin come: each image becomes one input
/// of values divided by `scale` (255 for MNIST, 16 for the [`digits`]).
///
/// Images of sizes [samples, height, width] get the [image shape](Samples::image_shape) [1, height, width],
/// of [samples, channels, height, width] that of all three; others get none.
///
/// # Errors
/// [`Error::Idx`] for files that are no IDX files, [`Error::SampleShape`] if there is not a label
/// for each image, [`Error::EmptyData`], [`Error::Setting`] for a scale that is not positive.
pub fn labelled_images<S: NetScalar>(images: &[u8], labels: &[u8], scale: f64) -> Result<Samples<S>> {
    if !(scale.is_finite() && scale > 0.0) {
        return Err(Error::Setting {
            setting: "the scale of the images",
            needs: "positive and finite",
            value: scale,
        });
    }
    let (images, labels) = (parse_idx(images)?, parse_idx(labels)?);
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
    let samples = Samples::labelled(inputs, labels.values.iter().map(|&label| u32::from(label)).collect())?;
    match images.shape[..] {
        [_, height, width] => samples.with_image_shape([1, height, width]),
        [_, channels, height, width] => samples.with_image_shape([channels, height, width]),
        _ => Ok(samples),
    }
}

/// The handwritten digits, train (1,437) and test (360): 64 features from 0 to 1 that are images of
/// [1, 8, 8], classes 0 to 9.
///
/// They are the 8×8 images of the UCI repository's *Optical Recognition of Handwritten Digits*[^1]
/// that scikit-learn ships, under CC BY 4.0, and part of the crate: nothing is downloaded.
///
/// [^1]: E. Alpaydin, C. Kaynak (1998), DOI 10.24432/C50P49.
///
/// ```
/// let (train, test) = loss_landscape_nets::digits::<f32>()?;
/// assert_eq!((train.len(), test.len(), train.features()), (1437, 360, 64));
/// assert_eq!(train.image_shape(), Some([1, 8, 8]));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// # Errors
/// None in practice: the files are part of the crate.
pub fn digits<S: NetScalar>() -> Result<(Samples<S>, Samples<S>)> {
    let train = labelled_images(
        include_bytes!("../data/digits/train-images.idx3-ubyte"),
        include_bytes!("../data/digits/train-labels.idx1-ubyte"),
        16.0,
    )?;
    let test = labelled_images(
        include_bytes!("../data/digits/test-images.idx3-ubyte"),
        include_bytes!("../data/digits/test-labels.idx1-ubyte"),
        16.0,
    )?;
    Ok((train, test))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_do_not_belong_together_are_refused() {
        let images = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4];
        let labels = [0, 0, 8, 1, 0, 0, 0, 2, 0, 1];
        let samples = labelled_images::<f64>(&images, &labels, 4.0).unwrap();
        assert_eq!(samples.inputs(), [0.25, 0.5, 0.75, 1.0]);
        assert_eq!((samples.features(), samples.image_shape()), (2, Some([1, 1, 2])));
        let three = [0, 0, 8, 1, 0, 0, 0, 3, 0, 1, 2];
        let error = labelled_images::<f64>(&images, &three, 4.0);
        assert!(matches!(error, Err(Error::SampleShape { found: 3, expected: 2, .. })));
        assert!(labelled_images::<f64>(&images, &images, 4.0).is_err());
        let none = [0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2];
        let no_labels = [0, 0, 8, 1, 0, 0, 0, 0];
        assert!(matches!(labelled_images::<f64>(&none, &no_labels, 4.0), Err(Error::EmptyData)));
        assert!(matches!(labelled_images::<f64>(&images, &labels, 0.0), Err(Error::Setting { .. })));
    }

    #[test]
    fn the_rank_says_the_image_shape() {
        let labels = [0, 0, 8, 1, 0, 0, 0, 1, 3];
        let rank4 = [0, 0, 8, 4, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6];
        let samples = labelled_images::<f32>(&rank4, &labels, 1.0).unwrap();
        assert_eq!((samples.image_shape(), samples.features()), (Some([3, 1, 2]), 6));
        let rank2 = [0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3];
        let samples = labelled_images::<f32>(&rank2, &labels, 1.0).unwrap();
        assert_eq!((samples.image_shape(), samples.features()), (None, 3));
    }
}
