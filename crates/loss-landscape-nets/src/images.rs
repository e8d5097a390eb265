//! Samples that are images: their shape, and the normalisation of their channels.

use ndarray::{Array2, Array4};

use super::{NetScalar, Samples};
use crate::{Error, Result};

impl<S: NetScalar> Samples<S> {
    /// Images for classification, [samples, channels, height, width]; labels count from 0.
    ///
    /// ```
    /// use loss_landscape_nets::Samples;
    /// use ndarray::Array4;
    ///
    /// let images = Array4::from_shape_fn((2, 3, 4, 5), |(n, c, y, x)| (n + c + y + x) as f32);
    /// let samples = Samples::images(images, vec![0, 1])?;
    /// assert_eq!((samples.features(), samples.image_shape()), (60, Some([3, 4, 5])));
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`labelled`](Self::labelled).
    pub fn images(inputs: Array4<S>, labels: Vec<u32>) -> Result<Self> {
        let (inputs, shape) = rows(inputs)?;
        Self::labelled(inputs, labels)?.with_image_shape(shape)
    }

    /// Images for regression, [samples, channels, height, width]; targets are [samples, outputs].
    ///
    /// # Errors
    /// As [`labelled`](Self::labelled).
    pub fn image_regression(inputs: Array4<S>, targets: Array2<S>) -> Result<Self> {
        let (inputs, shape) = rows(inputs)?;
        Self::regression(inputs, targets)?.with_image_shape(shape)
    }

    /// The same samples, their features taken as images of [channels, height, width], row-major.
    ///
    /// # Errors
    /// [`Error::ImageShape`] if the shape does not hold as many values as a sample has features.
    pub fn with_image_shape(self, shape: [usize; 3]) -> Result<Self> {
        let size = shape.iter().try_fold(1_usize, |size, &n| size.checked_mul(n));
        if size == Some(self.features()) {
            Ok(self.shaped(shape))
        } else {
            Err(Error::ImageShape { shape, features: self.features() })
        }
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
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::SampleShape`] if there is not one mean and one deviation for each channel,
    /// [`Error::Setting`] for a mean that is not finite or a deviation that is not positive and finite,
    /// [`Error::SampleValue`] for a result that overflows.
    pub fn normalized(mut self, mean: &[f64], deviation: &[f64]) -> Result<Self> {
        let (features, channels) = (self.features(), self.image_shape().map_or(1, |[channels, ..]| channels));
        for (what, found) in [("the mean", mean.len()), ("the deviation", deviation.len())] {
            if found != channels {
                return Err(Error::SampleShape { what, found, expected: channels });
            }
        }
        let wrong = |setting, needs| move |&value: &f64| Error::Setting { setting, needs, value };
        if let Some(value) = mean.iter().find(|mean| !mean.is_finite()) {
            return Err(wrong("the mean of a channel", "finite")(value));
        }
        if let Some(value) = deviation.iter().find(|d| !(d.is_finite() && **d > 0.0)) {
            return Err(wrong("the deviation of a channel", "positive and finite")(value));
        }
        let plane = features / channels;
        for (index, sample) in self.inputs_mut().chunks_exact_mut(features).enumerate() {
            let planes = sample.chunks_exact_mut(plane).zip(mean.iter().zip(deviation));
            for (channel, (values, (mean, deviation))) in planes.enumerate() {
                for (at, value) in values.iter_mut().enumerate() {
                    *value = S::from_f64((value.as_f64() - mean) / deviation);
                    if !value.is_finite() {
                        return Err(Error::SampleValue {
                            what: "the normalised input",
                            index,
                            position: channel * plane + at,
                            value: value.as_f64(),
                        });
                    }
                }
            }
        }
        Ok(self)
    }
}

/// Images as rows of features, and the shape of one.
fn rows<S: NetScalar>(images: Array4<S>) -> Result<(Array2<S>, [usize; 3])> {
    let (samples, channels, height, width) = images.dim();
    let features = channels * height * width;
    let found = images.len();
    let images = if images.is_standard_layout() { images } else { images.as_standard_layout().into_owned() };
    let rows = images.into_shape_with_order((samples, features)).map_err(|_| Error::SampleShape {
        what: "the images",
        found,
        expected: samples.saturating_mul(features),
    })?;
    Ok((rows, [channels, height, width]))
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Array4, array, s};

    use super::*;

    /// Every value says where it is: digits of sample, channel, row, column.
    fn numbered(samples: usize) -> Array4<f64> {
        Array4::from_shape_fn((samples, 2, 3, 4), |(n, c, y, x)| (1000 * n + 100 * c + 10 * y + x) as f64)
    }

    #[test]
    fn any_memory_order_gives_the_same_images() {
        let expected: Vec<f64> = numbered(3).iter().copied().collect();
        let channels_last = numbered(3).permuted_axes([0, 2, 3, 1]).as_standard_layout().into_owned();
        let sliced =
            ndarray::concatenate![ndarray::Axis(0), numbered(1), numbered(3)].slice_move(s![1.., .., .., ..]);
        for images in [numbered(3), channels_last.permuted_axes([0, 3, 1, 2]), sliced] {
            let samples = Samples::images(images, vec![0, 1, 2]).unwrap();
            assert_eq!((samples.len(), samples.features(), samples.image_shape()), (3, 24, Some([2, 3, 4])));
            assert_eq!(samples.inputs(), expected);
            assert_eq!(samples.inputs()[24 + 12 + 4 + 1], 1111.0);
        }
    }

    #[test]
    fn images_are_checked_as_other_samples_are() {
        assert!(matches!(Samples::images(numbered(0), vec![]), Err(Error::EmptyData)));
        assert!(matches!(
            Samples::<f32>::images(Array4::zeros((1, 0, 2, 2)), vec![0]),
            Err(Error::EmptyData)
        ));
        let two = Samples::images(numbered(3), vec![0, 1]);
        assert!(matches!(two, Err(Error::SampleShape { found: 2, expected: 3, .. })));
        let targets = Samples::image_regression(numbered(3), Array2::zeros((2, 1)));
        assert!(matches!(targets, Err(Error::SampleShape { found: 2, expected: 3, .. })));
        let mut images = numbered(2);
        images[[1, 1, 0, 2]] = f64::INFINITY;
        let infinite = Samples::image_regression(images, Array2::zeros((2, 1)));
        assert!(matches!(infinite, Err(Error::SampleValue { index: 1, position: 14, .. })));
        let good = Samples::image_regression(numbered(2), Array2::zeros((2, 1))).unwrap();
        assert_eq!((good.image_shape(), good.labels()), (Some([2, 3, 4]), None));
    }

    #[test]
    fn a_shape_must_hold_the_features() {
        let flat = Samples::labelled(Array2::<f32>::zeros((2, 12)), vec![0, 0]).unwrap();
        assert_eq!(flat.image_shape(), None);
        for shape in [[1, 3, 3], [0, 3, 4], [usize::MAX, 2, 2], [1 << 32, 1 << 32, 12]] {
            let error = flat.clone().with_image_shape(shape).unwrap_err();
            assert!(matches!(error, Error::ImageShape { features: 12, shape: s } if s == shape), "{error}");
        }
        let message = flat.clone().with_image_shape([1, 3, 3]).unwrap_err().to_string();
        assert!(message.contains("1×3×3") && message.contains("12"), "{message}");
        assert_eq!(flat.with_image_shape([3, 2, 2]).unwrap().image_shape(), Some([3, 2, 2]));
    }

    #[test]
    fn each_channel_has_its_mean_and_deviation() {
        let (mean, deviation) = ([5.0, 107.0], [2.0, 0.5]);
        let normalized =
            Samples::images(numbered(3), vec![0; 3]).unwrap().normalized(&mean, &deviation).unwrap();
        let naive = numbered(3);
        for ((n, c, y, x), value) in naive.indexed_iter() {
            let found = normalized.inputs()[n * 24 + c * 12 + y * 4 + x];
            assert_eq!(found, (value - mean[c]) / deviation[c], "at {n}, {c}, {y}, {x}");
        }
        assert_eq!(normalized.image_shape(), Some([2, 3, 4]));
        let flat = Samples::labelled(array![[1.0, 2.0], [3.0, 4.0]], vec![0, 1]).unwrap();
        assert_eq!(flat.normalized(&[1.0], &[4.0]).unwrap().inputs(), [0.0, 0.25, 0.5, 0.75]);
    }

    #[test]
    fn normalisations_that_make_no_sense_are_refused() {
        let images = Samples::images(numbered(1), vec![0]).unwrap();
        let normalized = |mean: &[f64], deviation: &[f64]| images.clone().normalized(mean, deviation);
        assert!(matches!(
            normalized(&[0.0], &[1.0, 1.0]),
            Err(Error::SampleShape { what: "the mean", found: 1, expected: 2 })
        ));
        assert!(matches!(
            normalized(&[0.0; 2], &[1.0; 3]),
            Err(Error::SampleShape { what: "the deviation", found: 3, expected: 2 })
        ));
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(normalized(&[0.0; 2], &[1.0, bad]), Err(Error::Setting { .. })), "{bad}");
        }
        assert!(matches!(normalized(&[0.0, f64::NAN], &[1.0; 2]), Err(Error::Setting { .. })));
        // The first value of channel 1 is 100, the deviation the least that there is.
        let overflow = normalized(&[0.0; 2], &[1.0, f64::from_bits(1)]);
        assert!(matches!(overflow, Err(Error::SampleValue { index: 0, position: 12, .. })));
    }
}
