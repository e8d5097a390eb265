//! What users make samples with.

use ndarray::{Array2, Array4};

use super::net_scalar::NetScalar;
#[cfg(doc)]
use crate::error::Error;
use crate::{data::Samples, error::Result};

impl<S: NetScalar> Samples<S> {
    /// Samples for classification; labels count from 0.
    ///
    /// # Errors
    /// [`Error::NoSamples`], [`Error::SampleShape`] if there is not a label for each sample,
    /// [`Error::NonFiniteSample`] for an input that is NaN or infinite. Whether labels are in range is
    /// checked against the network that gets them.
    pub fn labelled(inputs: Array2<S>, labels: Vec<u32>) -> Result<Self> {
        (S::compiled().data.labelled)(inputs, labels)
    }

    /// Samples for regression; targets are [samples, outputs].
    ///
    /// # Errors
    /// As [`labelled`](Self::labelled).
    pub fn regression(inputs: Array2<S>, targets: Array2<S>) -> Result<Self> {
        (S::compiled().data.regression)(inputs, targets)
    }

    /// The samples at these indices, in this order; an index may come more than once.
    ///
    /// # Errors
    /// [`Error::NoSamples`] for no index, [`Error::SampleOutOfRange`] for one that is out of range.
    pub fn select(&self, indices: &[usize]) -> Result<Self> {
        (S::compiled().data.select)(self, indices)
    }

    /// Images for classification, [samples, channels, height, width]; labels count from 0.
    ///
    /// ```
    /// use loss_landscape_nets::Samples;
    /// use ndarray::Array4;
    ///
    /// let images = Array4::from_shape_fn((2, 3, 4, 5), |(n, c, y, x)| (n + c + y + x) as f32);
    /// let samples = Samples::images(images, vec![0, 1])?;
    /// assert_eq!((samples.features(), samples.image_shape()), (60, Some([3, 4, 5])));
    /// # Ok::<(), loss_landscape_nets::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`labelled`](Self::labelled).
    pub fn images(inputs: Array4<S>, labels: Vec<u32>) -> Result<Self> {
        let (inputs, shape) = (S::compiled().data.rows)(inputs)?;
        Self::labelled(inputs, labels)?.into_images(shape)
    }

    /// Images for regression, [samples, channels, height, width]; targets are [samples, outputs].
    ///
    /// # Errors
    /// As [`labelled`](Self::labelled).
    pub fn image_regression(inputs: Array4<S>, targets: Array2<S>) -> Result<Self> {
        let (inputs, shape) = (S::compiled().data.rows)(inputs)?;
        Self::regression(inputs, targets)?.into_images(shape)
    }

    /// (x − mean) / deviation, with one mean and one deviation for each channel of images, or one of both
    /// for all features of samples that are no images.
    ///
    /// It is computed in `f64` and rounded once. Take mean and deviation of the *train* set, for the test
    /// set too.
    ///
    /// ```
    /// use loss_landscape_nets::digits;
    ///
    /// let (train, test) = digits::<f32>()?;
    /// let white = train.inputs().iter().position(|&x| x == 1.0).unwrap();
    /// let train = train.normalized(&[0.3], &[0.4])?;
    /// assert_eq!(train.inputs()[white], 1.75);
    /// let test = test.normalized(&[0.3], &[0.4])?;
    /// # Ok::<(), loss_landscape_nets::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::SampleShape`] if there is not one mean and one deviation for each channel,
    /// [`Error::NumberOutOfRange`] for a mean that is not finite or a deviation that is not positive and finite,
    /// [`Error::NonFiniteSample`] for a result that overflows.
    pub fn normalized(self, mean: &[f64], deviation: &[f64]) -> Result<Self> {
        (S::compiled().data.normalized)(self, mean, deviation)
    }
}
