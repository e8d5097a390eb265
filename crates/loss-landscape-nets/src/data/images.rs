//! Samples that are images: their memory order, and the normalisation of their channels.

use loss_landscape::Scalar;
use ndarray::{Array2, Array4};

use super::samples::Samples;
use crate::error::{Error, NumberSetting, Result};

impl<S: Scalar> Samples<S> {
    pub(crate) fn normalized_channels(mut self, mean: &[f64], deviation: &[f64]) -> Result<Self> {
        let (features, channels) = (self.features(), self.image_shape().map_or(1, |[channels, ..]| channels));
        for (what, found) in [("the mean", mean.len()), ("the deviation", deviation.len())] {
            if found != channels {
                return Err(Error::SampleShape { what, found, expected: channels });
            }
        }
        mean.iter().try_for_each(|&mean| NumberSetting::ChannelMean.check(mean))?;
        deviation.iter().try_for_each(|&deviation| NumberSetting::ChannelDeviation.check(deviation))?;
        let plane = features / channels;
        for (index, sample) in self.inputs_mut().chunks_exact_mut(features).enumerate() {
            let planes = sample.chunks_exact_mut(plane).zip(mean.iter().zip(deviation));
            for (channel, (values, (mean, deviation))) in planes.enumerate() {
                for (at, value) in values.iter_mut().enumerate() {
                    *value = S::from_f64((value.as_f64() - mean) / deviation);
                    if !value.is_finite() {
                        return Err(Error::NonFiniteSample {
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
pub(crate) fn rows<S: Scalar>(images: Array4<S>) -> Result<(Array2<S>, [usize; 3])> {
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
        assert!(matches!(Samples::images(numbered(0), vec![]), Err(Error::NoSamples)));
        assert!(matches!(
            Samples::<f32>::images(Array4::zeros((1, 0, 2, 2)), vec![0]),
            Err(Error::NoSamples)
        ));
        let two = Samples::images(numbered(3), vec![0, 1]);
        assert!(matches!(two, Err(Error::SampleShape { found: 2, expected: 3, .. })));
        let targets = Samples::image_regression(numbered(3), Array2::zeros((2, 1)));
        assert!(matches!(targets, Err(Error::SampleShape { found: 2, expected: 3, .. })));
        let mut images = numbered(2);
        images[[1, 1, 0, 2]] = f64::INFINITY;
        let infinite = Samples::image_regression(images, Array2::zeros((2, 1)));
        assert!(matches!(infinite, Err(Error::NonFiniteSample { index: 1, position: 14, .. })));
        let good = Samples::image_regression(numbered(2), Array2::zeros((2, 1))).unwrap();
        assert_eq!((good.image_shape(), good.labels()), (Some([2, 3, 4]), None));
    }

    #[test]
    fn a_shape_must_hold_the_features() {
        let flat = Samples::labelled(Array2::<f32>::zeros((2, 12)), vec![0, 0]).unwrap();
        assert_eq!(flat.image_shape(), None);
        for shape in [[1, 3, 3], [0, 3, 4], [usize::MAX, 2, 2], [1 << 32, 1 << 32, 12]] {
            let error = flat.clone().into_images(shape).unwrap_err();
            assert!(matches!(error, Error::ImageShape { features: 12, shape: s } if s == shape), "{error}");
        }
        let message = flat.clone().into_images([1, 3, 3]).unwrap_err().to_string();
        assert!(message.contains("1×3×3") && message.contains("12"), "{message}");
        assert_eq!(flat.into_images([3, 2, 2]).unwrap().image_shape(), Some([3, 2, 2]));
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
            assert!(
                matches!(normalized(&[0.0; 2], &[1.0, bad]), Err(Error::NumberOutOfRange { .. })),
                "{bad}"
            );
        }
        assert!(matches!(normalized(&[0.0, f64::NAN], &[1.0; 2]), Err(Error::NumberOutOfRange { .. })));
        // The first value of channel 1 is 100, the deviation the least that there is.
        let overflow = normalized(&[0.0; 2], &[1.0, f64::from_bits(1)]);
        assert!(matches!(overflow, Err(Error::NonFiniteSample { index: 0, position: 12, .. })));
    }
}
