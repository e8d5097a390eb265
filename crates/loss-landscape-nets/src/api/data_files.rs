//! What users read data with: the digits, IDX and CIFAR-10 files, and their augmentation.

use std::path::Path;

use super::net_scalar::NetScalar;
#[cfg(doc)]
use crate::error::Error;
use crate::{
    data::{Augment, Samples, idx_from_bytes, read_idx},
    error::Result,
};

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
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
///
/// # Errors
/// None in practice: the files are part of the crate.
pub fn digits<S: NetScalar>() -> Result<(Samples<S>, Samples<S>)> {
    let train = labelled_images_from_bytes(
        include_bytes!("../../data/digits/train-images.idx3-ubyte"),
        include_bytes!("../../data/digits/train-labels.idx1-ubyte"),
        16.0,
    )?;
    let test = labelled_images_from_bytes(
        include_bytes!("../../data/digits/test-images.idx3-ubyte"),
        include_bytes!("../../data/digits/test-labels.idx1-ubyte"),
        16.0,
    )?;
    Ok((train, test))
}

/// Images and labels out of two IDX files, as MNIST and its kin come; see [`labelled_images_from_bytes`].
///
/// ```no_run
/// use loss_landscape_nets::read_labelled_images;
///
/// let train = read_labelled_images::<f32>("train-images-idx3-ubyte", "train-labels-idx1-ubyte", 255.0)?;
/// assert_eq!((train.len(), train.image_shape()), (60_000, Some([1, 28, 28])));
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
///
/// # Errors
/// [`Error::Unreadable`] for a file that cannot be read, [`Error::InFile`] for one that is no IDX file; otherwise
/// those of [`labelled_images_from_bytes`].
pub fn read_labelled_images<S: NetScalar>(
    images: impl AsRef<Path>,
    labels: impl AsRef<Path>,
    scale: f64,
) -> Result<Samples<S>> {
    (S::compiled().data.labelled_images)(&read_idx(images)?, &read_idx(labels)?, scale)
}

/// Images and labels out of the bytes of two IDX files, as MNIST and its kin come: each image becomes one input
/// of values divided by `scale` (255 for MNIST, 16 for the [`digits`]).
///
/// Images of sizes [samples, height, width] get the [image shape](Samples::image_shape) [1, height, width],
/// of [samples, channels, height, width] that of all three; others get none.
///
/// ```
/// use loss_landscape_nets::labelled_images_from_bytes;
///
/// let images = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 255, 255, 0];
/// let labels = [0, 0, 8, 1, 0, 0, 0, 2, 7, 3];
/// let samples = labelled_images_from_bytes::<f32>(&images, &labels, 255.0)?;
/// assert_eq!((samples.inputs(), samples.labels()), (&[0.0, 1.0, 1.0, 0.0][..], Some(&[7, 3][..])));
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
///
/// # Errors
/// [`Error::Idx`] for files that are no IDX files, [`Error::SampleShape`] if there is not a label
/// for each image, [`Error::NoSamples`], [`Error::NumberOutOfRange`] for a scale that is not positive.
pub fn labelled_images_from_bytes<S: NetScalar>(
    images: &[u8],
    labels: &[u8],
    scale: f64,
) -> Result<Samples<S>> {
    (S::compiled().data.labelled_images)(&idx_from_bytes(images)?, &idx_from_bytes(labels)?, scale)
}

/// Images out of several files as [`cifar10_from_bytes`] reads them, one after the other.
///
/// ```no_run
/// use loss_landscape_nets::read_cifar10;
///
/// let train = read_cifar10::<f32>((1..=5).map(|i| format!("cifar-10-batches-bin/data_batch_{i}.bin")))?;
/// let test = read_cifar10::<f32>(["cifar-10-batches-bin/test_batch.bin"])?;
/// assert_eq!((train.len(), test.len()), (50_000, 10_000));
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
///
/// # Errors
/// [`Error::Unreadable`] for a file that cannot be read; [`Error::InFile`] with what [`cifar10_from_bytes`] finds
/// wrong with one; [`Error::NoSamples`] for no files.
pub fn read_cifar10<S: NetScalar>(paths: impl IntoIterator<Item: AsRef<Path>>) -> Result<Samples<S>> {
    let paths: Vec<_> = paths.into_iter().collect();
    (S::compiled().data.cifar10_files)(&paths.iter().map(AsRef::as_ref).collect::<Vec<_>>())
}

/// Images out of the bytes of one file of CIFAR-10's binary version: [samples, 3, 32, 32] with values
/// from 0 to 1, labels 0 to 9.
///
/// A record is a byte of label and 3,072 bytes of pixels, the red, green and blue plane, each row by row.
/// `data_batch_1.bin` to `data_batch_5.bin` hold the 50,000 train images, `test_batch.bin` the 10,000 test
/// images[^1]; [`read_cifar10`] reads several at once. The crate does not download them.
///
/// The paper's experiments normalise the channels by mean and deviation of the train set; so does
/// [`Samples::normalized`]:
///
/// ```
/// use loss_landscape_nets::cifar10_from_bytes;
///
/// let file = vec![1; 2 * 3073]; // stands for the bytes of `data_batch_1.bin`
/// let mean = [125.3, 123.0, 113.9].map(|v| v / 255.0);
/// let deviation = [63.0, 62.1, 66.7].map(|v| v / 255.0);
/// let train = cifar10_from_bytes::<f32>(&file)?.normalized(&mean, &deviation)?;
/// assert_eq!((train.len(), train.image_shape()), (2, Some([3, 32, 32])));
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
///
/// [^1]: A. Krizhevsky, *Learning multiple layers of features from tiny images* (2009).
///
/// # Errors
/// [`Error::NoSamples`] for no bytes, [`Error::Cifar10`] for a length that is no multiple of 3,073,
/// [`Error::LabelOutOfRange`] with the record for a label above 9, [`Error::OutOfMemory`].
pub fn cifar10_from_bytes<S: NetScalar>(bytes: &[u8]) -> Result<Samples<S>> {
    (S::compiled().data.cifar10_images)(bytes)
}

impl Augment {
    /// A copy of the samples, each image changed once, with draws from stream 0 of the seed.
    ///
    /// # Errors
    /// [`Error::NotImages`] for samples that are no images, [`Error::CountOutOfRange`] for a padding that is not
    /// smaller than they are.
    pub fn augmented<S: NetScalar>(&self, samples: &Samples<S>, seed: u64) -> Result<Samples<S>> {
        (S::compiled().data.augmented)(self, samples, seed)
    }
}
