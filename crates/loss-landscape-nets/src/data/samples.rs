//! Data for networks: inputs, and a label or target values for each.

use std::ops::Range;

use loss_landscape::Scalar;
use ndarray::Array2;

use super::chosen::check_chosen;
use crate::{
    criterion::{Criterion, TargetSlice},
    error::{Error, Result},
    fingerprint::Fingerprint,
};

/// A data set: inputs [samples, features], and a class label or target values for each sample.
///
/// Inputs that are images know their shape [channels, height, width]; see [`images`](Self::images). A
/// network that takes features takes them too, row-major in that order.
///
/// ```
/// use loss_landscape_nets::Samples;
/// use ndarray::array;
///
/// let xor = Samples::labelled(array![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], vec![0, 1, 1, 0])?;
/// assert_eq!((xor.len(), xor.features()), (4, 2));
/// let line = Samples::regression(array![[0.0], [1.0]], array![[1.0], [3.0]])?;
/// assert_eq!(line.len(), 2);
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Samples<S> {
    inputs: Vec<S>,
    features: usize,
    image: Option<[usize; 3]>,
    targets: Targets<S>,
    len: usize,
}

#[derive(Clone, Debug)]
enum Targets<S> {
    Labels(Vec<u32>),
    Values { values: Vec<S>, outputs: usize },
}

impl<S> Samples<S> {
    /// The number of samples.
    #[allow(clippy::len_without_is_empty, reason = "a data set is never empty")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The number of features of an input.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The shape of an input, [channels, height, width], if the inputs are images.
    pub fn image_shape(&self) -> Option<[usize; 3]> {
        self.image
    }

    /// The inputs, sample by sample.
    pub fn inputs(&self) -> &[S] {
        &self.inputs
    }

    /// The labels, if the samples are for classification.
    pub fn labels(&self) -> Option<&[u32]> {
        match &self.targets {
            Targets::Labels(labels) => Some(labels),
            Targets::Values { .. } => None,
        }
    }

    /// The same samples, their features taken as images of [channels, height, width], row-major.
    ///
    /// ```
    /// use loss_landscape_nets::Samples;
    /// use ndarray::Array2;
    ///
    /// let images = Samples::labelled(Array2::<f32>::zeros((2, 12)), vec![0, 1])?.into_images([3, 2, 2])?;
    /// assert_eq!(images.image_shape(), Some([3, 2, 2]));
    /// # Ok::<(), loss_landscape_nets::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::ImageShape`] if the shape does not hold as many values as a sample has features.
    pub fn into_images(self, shape: [usize; 3]) -> Result<Self> {
        let size = shape.iter().try_fold(1_usize, |size, &n| size.checked_mul(n));
        if size == Some(self.features) {
            Ok(Self { image: Some(shape), ..self })
        } else {
            Err(Error::ImageShape { shape, features: self.features })
        }
    }

    /// The inputs, to change in place; whoever does keeps them finite.
    pub(super) fn inputs_mut(&mut self) -> &mut [S] {
        &mut self.inputs
    }
}

impl<S: Scalar> Samples<S> {
    pub(crate) fn checked_labelled(inputs: Array2<S>, labels: Vec<u32>) -> Result<Self> {
        let (inputs, len, features) = checked("the input", inputs)?;
        if labels.len() != len {
            return Err(Error::SampleShape { what: "the labels", found: labels.len(), expected: len });
        }
        Ok(Self { inputs, features, image: None, targets: Targets::Labels(labels), len })
    }

    pub(crate) fn checked_regression(inputs: Array2<S>, targets: Array2<S>) -> Result<Self> {
        let (inputs, len, features) = checked("the input", inputs)?;
        let (values, count, outputs) = checked("the target", targets)?;
        if count != len {
            return Err(Error::SampleShape { what: "the targets", found: count, expected: len });
        }
        Ok(Self { inputs, features, image: None, targets: Targets::Values { values, outputs }, len })
    }

    pub(crate) fn selection(&self, indices: &[usize]) -> Result<Self> {
        if indices.is_empty() {
            return Err(Error::NoSamples);
        }
        if let Some(position) = indices.iter().position(|&index| index >= self.len) {
            return Err(Error::SampleOutOfRange { position, index: indices[position], len: self.len });
        }
        let targets = match &self.targets {
            Targets::Labels(_) => Targets::Labels(Vec::new()),
            Targets::Values { outputs, .. } => Targets::Values { values: Vec::new(), outputs: *outputs },
        };
        let mut chosen =
            Self { inputs: Vec::new(), features: self.features, image: self.image, targets, len: 0 };
        self.gather(indices, &mut chosen);
        Ok(chosen)
    }

    /// All inputs and targets.
    pub(crate) fn write_fingerprint(&self, out: &mut Fingerprint) {
        out.count(self.features);
        out.counts(self.image.as_ref().map_or(&[], |image| image.as_slice()));
        out.values(&self.inputs);
        match &self.targets {
            Targets::Labels(labels) => {
                out.number(0);
                out.values(&labels.iter().map(|&label| f64::from(label)).collect::<Vec<_>>());
            }
            Targets::Values { values, outputs } => {
                out.number(1);
                out.count(*outputs);
                out.values(values);
            }
        }
    }

    /// Checks that a network of this shape can take the samples.
    pub(crate) fn check(&self, features: usize, outputs: usize, criterion: Criterion) -> Result<()> {
        if self.features != features {
            return Err(Error::SampleShape { what: "an input", found: self.features, expected: features });
        }
        match (&self.targets, criterion) {
            (Targets::Labels(labels), Criterion::CrossEntropy) => {
                match labels.iter().position(|&label| label as usize >= outputs) {
                    None => Ok(()),
                    Some(index) => {
                        Err(Error::LabelOutOfRange { index, label: labels[index] as usize, classes: outputs })
                    }
                }
            }
            (Targets::Values { outputs: found, .. }, Criterion::MeanSquaredError) => {
                if *found == outputs {
                    Ok(())
                } else {
                    Err(Error::SampleShape { what: "a target", found: *found, expected: outputs })
                }
            }
            (_, criterion) => Err(Error::WrongTargets { criterion }),
        }
    }

    /// Inputs and targets of consecutive samples.
    pub(crate) fn slice(&self, range: Range<usize>) -> (&[S], TargetSlice<'_, S>) {
        let inputs = &self.inputs[range.start * self.features..range.end * self.features];
        let wanted = match &self.targets {
            Targets::Labels(labels) => TargetSlice::Labels(&labels[range]),
            Targets::Values { values, outputs } => {
                TargetSlice::Values(&values[range.start * outputs..range.end * outputs])
            }
        };
        (inputs, wanted)
    }

    /// Inputs and targets of samples with ascending numbers: in their place if they are consecutive, and otherwise
    /// copied to `batch`.
    pub(crate) fn chosen<'a>(
        &'a self,
        indices: &[usize],
        batch: &'a mut Self,
    ) -> (&'a [S], TargetSlice<'a, S>) {
        match *indices {
            [first, .., last] if last - first + 1 == indices.len() => self.slice(first..last + 1),
            [only] => self.slice(only..only + 1),
            _ => {
                self.gather(indices, batch);
                batch.slice(0..indices.len())
            }
        }
    }

    /// Checks numbers of samples, and the room for `channels` values of each.
    pub(crate) fn check_chosen(&self, indices: &[usize], room: usize, channels: usize) -> Result<()> {
        check_chosen(self.len, indices, room, channels)
    }

    /// The first samples, `count` of them at most: memory for mini-batches of that size.
    pub(crate) fn first(&self, count: usize) -> Self {
        let len = count.min(self.len);
        let targets = match &self.targets {
            Targets::Labels(labels) => Targets::Labels(labels[..len].to_vec()),
            Targets::Values { values, outputs } => {
                Targets::Values { values: values[..len * outputs].to_vec(), outputs: *outputs }
            }
        };
        let inputs = self.inputs[..len * self.features].to_vec();
        Self { inputs, features: self.features, image: self.image, targets, len }
    }

    /// Overwrites `batch` with the samples of these indices, reusing its memory.
    pub(crate) fn gather(&self, indices: &[usize], batch: &mut Self) {
        (batch.features, batch.image) = (self.features, self.image);
        batch.inputs.clear();
        for &i in indices {
            batch.inputs.extend_from_slice(&self.inputs[i * self.features..(i + 1) * self.features]);
        }
        match (&self.targets, &mut batch.targets) {
            (Targets::Labels(from), Targets::Labels(to)) => {
                to.clear();
                to.extend(indices.iter().map(|&i| from[i]));
            }
            (Targets::Values { values, outputs }, Targets::Values { values: to, outputs: width }) => {
                *width = *outputs;
                to.clear();
                for &i in indices {
                    to.extend_from_slice(&values[i * outputs..(i + 1) * outputs]);
                }
            }
            _ => unreachable!("a batch is made of the samples that it is filled from"),
        }
        batch.len = indices.len();
    }
}

/// The values row by row, and their shape; neither may be empty, no value NaN or infinite.
fn checked<S: Scalar>(what: &'static str, array: Array2<S>) -> Result<(Vec<S>, usize, usize)> {
    let (len, width) = array.dim();
    if len == 0 || width == 0 {
        return Err(Error::NoSamples);
    }
    let values: Vec<S> = if array.is_standard_layout() && array.as_slice().is_some() {
        let (values, offset) = array.into_raw_vec_and_offset();
        if offset.unwrap_or(0) == 0 && values.len() == len * width {
            values
        } else {
            values.into_iter().skip(offset.unwrap_or(0)).take(len * width).collect()
        }
    } else {
        array.iter().copied().collect()
    };
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        let (index, position) = (at / width, at % width);
        return Err(Error::NonFiniteSample { what, index, position, value: values[at].as_f64() });
    }
    Ok((values, len, width))
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array, s};

    use super::*;

    #[test]
    fn bad_samples_are_refused() {
        assert!(matches!(Samples::<f32>::labelled(Array2::zeros((0, 3)), vec![]), Err(Error::NoSamples)));
        assert!(matches!(Samples::<f32>::labelled(Array2::zeros((2, 0)), vec![0, 0]), Err(Error::NoSamples)));
        let short = Samples::<f32>::labelled(Array2::zeros((2, 3)), vec![0]);
        assert!(matches!(short, Err(Error::SampleShape { found: 1, expected: 2, .. })));
        let nan = Samples::labelled(array![[0.0, 0.0], [0.0, f64::NAN]], vec![0, 0]);
        assert!(matches!(nan, Err(Error::NonFiniteSample { index: 1, position: 1, .. })));
        let samples = Samples::<f64>::labelled(Array2::zeros((3, 2)), vec![0, 1, 10]).unwrap();
        assert!(matches!(
            samples.check(2, 10, Criterion::CrossEntropy),
            Err(Error::LabelOutOfRange { index: 2, label: 10, .. })
        ));
        assert!(matches!(
            samples.check(3, 11, Criterion::CrossEntropy),
            Err(Error::SampleShape { found: 2, .. })
        ));
        assert!(matches!(samples.check(2, 11, Criterion::MeanSquaredError), Err(Error::WrongTargets { .. })));
        assert!(samples.check(2, 11, Criterion::CrossEntropy).is_ok());
    }

    #[test]
    fn any_memory_order_gives_the_same_rows() {
        let array = array![[9.0, 9.0], [1.0, 2.0], [3.0, 4.0]];
        let slice = array.slice(s![1.., ..]).to_owned();
        let reversed = array![[1.0, 3.0], [2.0, 4.0]].reversed_axes();
        let sliced = array.slice_move(s![1.., ..]);
        for array in [slice, reversed, sliced] {
            assert_eq!(Samples::labelled(array, vec![0, 0]).unwrap().inputs(), [1.0, 2.0, 3.0, 4.0]);
        }
    }

    #[test]
    fn gathering_picks_samples() {
        let all = Samples::labelled(array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], vec![7, 8, 9]).unwrap();
        let mut batch = all.first(2);
        assert_eq!((batch.inputs(), batch.labels()), (&[1.0, 2.0, 3.0, 4.0][..], Some(&[7, 8][..])));
        all.gather(&[2, 0], &mut batch);
        assert_eq!(batch.inputs(), [5.0, 6.0, 1.0, 2.0]);
        assert_eq!(batch.labels(), Some([9, 7].as_slice()));
        assert_eq!(batch.len(), 2);
    }

    #[test]
    fn a_selection_holds_what_was_asked_for_in_that_order() {
        let all = Samples::regression(
            array![[1.0_f32, 2.0], [3.0, 4.0], [5.0, 6.0]],
            array![[10.0, 11.0, 12.0], [20.0, 21.0, 22.0], [30.0, 31.0, 32.0]],
        )
        .unwrap()
        .into_images([2, 1, 1])
        .unwrap();
        let chosen = all.select(&[2, 0, 2]).unwrap();
        assert_eq!((chosen.len(), chosen.features(), chosen.image_shape()), (3, 2, Some([2, 1, 1])));
        assert_eq!(chosen.inputs(), [5.0, 6.0, 1.0, 2.0, 5.0, 6.0]);
        let (inputs, TargetSlice::Values(values)) = chosen.slice(1..3) else { panic!("labels") };
        assert_eq!(inputs, [1.0, 2.0, 5.0, 6.0]);
        assert_eq!(values, [10.0, 11.0, 12.0, 30.0, 31.0, 32.0]);
        let whole = all.select(&[0, 1, 2]).unwrap();
        assert_eq!((whole.inputs(), whole.len()), (all.inputs(), 3));
    }

    #[test]
    fn selections_of_nothing_or_of_what_is_not_there_are_refused() {
        let all = Samples::labelled(array![[1.0], [3.0], [5.0]], vec![7, 8, 9]).unwrap();
        assert!(matches!(all.select(&[]), Err(Error::NoSamples)));
        let error = all.select(&[0, 2, 3, 9]).unwrap_err();
        assert!(matches!(error, Error::SampleOutOfRange { position: 2, index: 3, len: 3 }), "{error}");
        assert_eq!(all.select(&[1]).unwrap().labels(), Some([8].as_slice()));
    }

    #[test]
    fn gathering_takes_the_shapes_along() {
        let images = Samples::regression(array![[1.0, 2.0], [3.0, 4.0]], array![[1.0], [2.0]]).unwrap();
        let images = images.into_images([1, 2, 1]).unwrap();
        let mut batch = Samples::regression(array![[0.0]], array![[0.0, 0.0]]).unwrap();
        images.gather(&[1], &mut batch);
        assert_eq!((batch.features(), batch.image_shape()), (2, Some([1, 2, 1])));
        assert!(batch.check(2, 1, Criterion::MeanSquaredError).is_ok());
        assert_eq!(batch.inputs(), [3.0, 4.0]);
    }
}
