//! Random changes of images that keep their classes: crops and flips.

use loss_landscape::Scalar;
use ndarray_rand::rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::samples::Samples;
use crate::error::{CountSetting, Error, Result};

/// Augmentation of images for training: a random crop after padding, and a random horizontal flip, drawn
/// anew for each image.
///
/// For CIFAR-10 the paper's networks were trained with `Augment::new().crop(4).flip(true)`. Nothing is on
/// by default.
///
/// The padding is 0 in the units of the data: black for values from 0 to 1, the mean once they are
/// [normalised](Samples::normalized).
///
/// **Draws.** For each image in its turn: with a crop its offset y, then its offset x, each uniform in
/// 0..=2·padding as `u32`; with flips a `bool`. So one generator gives one result, and nothing but the number
/// of images before it decides what an image gets.
///
/// ```
/// use loss_landscape_nets::{Augment, digits};
///
/// let (train, _) = digits::<f32>()?;
/// let augment = Augment::new().crop(1).flip(true);
/// let once = augment.augmented(&train, 0)?;
/// assert_eq!((once.len(), once.image_shape()), (1437, Some([1, 8, 8])));
/// assert_ne!(once.inputs(), train.inputs());
/// assert_eq!(once.inputs(), augment.augmented(&train, 0)?.inputs());
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct Augment {
    padding: usize,
    flip: bool,
}

impl Augment {
    /// No augmentation.
    pub fn new() -> Self {
        Self::default()
    }

    /// Pads each image with `padding` zeros on each side and cuts a piece of its old size out at random;
    /// 0 for no crop.
    ///
    /// It must be smaller than the images' height and width, so that no image becomes all zeros.
    pub fn crop(self, padding: usize) -> Self {
        Self { padding, ..self }
    }

    /// Whether to swap left and right of each image with probability ½, after the crop.
    pub fn flip(self, flip: bool) -> Self {
        Self { flip, ..self }
    }

    /// A copy of the samples, each image changed once, with draws from stream 0 of the seed.
    pub(crate) fn applied<S: Scalar>(&self, samples: &Samples<S>, seed: u64) -> Result<Samples<S>> {
        self.check(samples)?;
        let mut copy = samples.clone();
        self.apply(&mut copy, &mut Vec::new(), &mut ChaCha8Rng::seed_from_u64(seed));
        Ok(copy)
    }

    /// Checks that it can be applied to batches of these samples.
    pub(crate) fn check<S: Scalar>(&self, samples: &Samples<S>) -> Result<()> {
        if *self == Self::new() {
            return Ok(());
        }
        let Some([_, height, width]) = samples.image_shape() else {
            return Err(Error::NotImages { what: "augmentation", features: samples.features() });
        };
        let fits = self.padding == 0 || self.padding < height.min(width);
        CountSetting::CropPadding.ensure(fits, self.padding)
    }

    /// Changes each image of a batch in place. Its [`check`](Self::check) has found the batch good. `scratch` gets
    /// the size of an image, once.
    pub(crate) fn apply<S: Scalar>(
        &self,
        batch: &mut Samples<S>,
        scratch: &mut Vec<S>,
        generator: &mut ChaCha8Rng,
    ) {
        if *self == Self::new() {
            return;
        }
        let [channels, height, width] = batch.image_shape().expect("the samples were checked to be images");
        let offsets = (self.padding as u32).saturating_mul(2);
        for image in batch.inputs_mut().chunks_exact_mut(channels * height * width) {
            if self.padding > 0 {
                let y = generator.random_range(0..=offsets) as usize;
                let x = generator.random_range(0..=offsets) as usize;
                scratch.clear();
                scratch.extend_from_slice(image);
                let planes = image.chunks_exact_mut(height * width).zip(scratch.chunks_exact(height * width));
                for (to, from) in planes {
                    crop(to, from, [height, width], [y, x], self.padding);
                }
            }
            if self.flip && generator.random() {
                image.chunks_exact_mut(width).for_each(<[S]>::reverse);
            }
        }
    }
}

/// Cuts a plane of its old size, with its corner at `offset`, out of one that has zeros around it.
fn crop<S: Scalar>(
    to: &mut [S],
    from: &[S],
    [height, width]: [usize; 2],
    [y, x]: [usize; 2],
    padding: usize,
) {
    // Of the piece, the rows and columns inside the old plane: the first, and the one after the last.
    let inside = |offset: usize, size: usize| {
        padding.saturating_sub(offset).min(size)..(size + padding).saturating_sub(offset).min(size)
    };
    let columns = inside(x, width);
    to.fill(S::zero());
    for row in inside(y, height) {
        let (start, source) = (row * width, (row + y - padding) * width);
        let begin = columns.start + x - padding;
        to[start + columns.start..start + columns.end]
            .copy_from_slice(&from[source + begin..source + begin + columns.len()]);
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, Array4};

    use super::*;

    const SHAPE: [usize; 3] = [2, 5, 7];

    /// Images whose values are all different and not 0.
    fn numbered(samples: usize) -> Samples<f64> {
        let [channels, height, width] = SHAPE;
        let mut next = 0.0;
        let images = Array4::from_shape_simple_fn((samples, channels, height, width), || {
            next += 1.0;
            next
        });
        Samples::images(images, vec![0; samples]).unwrap()
    }

    /// The value of a pixel, 0 outside the image.
    fn value(samples: &Samples<f64>, n: usize, channel: usize, y: Option<usize>, x: Option<usize>) -> f64 {
        let [channels, height, width] = SHAPE;
        match (y.filter(|&y| y < height), x.filter(|&x| x < width)) {
            (Some(y), Some(x)) => samples.inputs()[((n * channels + channel) * height + y) * width + x],
            _ => 0.0,
        }
    }

    /// What was drawn for each image, found by trying all there is against the formula.
    fn draws(before: &Samples<f64>, after: &Samples<f64>, padding: usize) -> Vec<(usize, usize, bool)> {
        let [channels, height, width] = SHAPE;
        let fits = |n: usize, oy: usize, ox: usize, flip: bool| {
            (0..channels).all(|c| {
                (0..height).all(|y| {
                    (0..width).all(|x| {
                        let column = if flip { width - 1 - x } else { x };
                        let from = value(
                            before,
                            n,
                            c,
                            (y + oy).checked_sub(padding),
                            (column + ox).checked_sub(padding),
                        );
                        value(after, n, c, Some(y), Some(x)) == from
                    })
                })
            })
        };
        (0..before.len())
            .map(|n| {
                let all = (0..=2 * padding)
                    .flat_map(|y| (0..=2 * padding).map(move |x| (y, x)))
                    .flat_map(|(y, x)| [(y, x, false), (y, x, true)]);
                let found: Vec<_> = all.filter(|&(y, x, flip)| fits(n, y, x, flip)).collect();
                assert!(!found.is_empty(), "image {n} is no crop and flip of the old one");
                found[0]
            })
            .collect()
    }

    #[test]
    fn every_crop_is_that_of_the_formula() {
        let [_, height, width] = SHAPE;
        for padding in 0..=4 {
            for y in 0..=2 * padding {
                for x in 0..=2 * padding {
                    let from: Vec<f64> = (1..=height * width).map(|i| i as f64).collect();
                    let mut to = vec![f64::NAN; height * width];
                    crop(&mut to, &from, [height, width], [y, x], padding);
                    for (at, &found) in to.iter().enumerate() {
                        let row = (at / width + y).checked_sub(padding).filter(|&row| row < height);
                        let column = (at % width + x).checked_sub(padding).filter(|&column| column < width);
                        let expected = match (row, column) {
                            (Some(row), Some(column)) => from[row * width + column],
                            _ => 0.0,
                        };
                        assert_eq!(found, expected, "padding {padding}, offset {y}, {x}, at {at}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_image_is_cropped_and_flipped_by_the_documented_draws() {
        let before = numbered(500);
        for (padding, flip) in [(0, true), (2, false), (1, true), (4, true)] {
            let augment = Augment::new().crop(padding).flip(flip);
            let after = augment.augmented(&before, 7).unwrap();
            let mut generator = ChaCha8Rng::seed_from_u64(7);
            let expected: Vec<_> = (0..before.len())
                .map(|_| {
                    let mut offset = || match padding {
                        0 => 0,
                        _ => generator.random_range(0..=2 * padding as u32) as usize,
                    };
                    let (y, x) = (offset(), offset());
                    (y, x, flip && generator.random::<bool>())
                })
                .collect();
            assert_eq!(draws(&before, &after, padding), expected, "padding {padding}, flip {flip}");
        }
    }

    #[test]
    fn offsets_and_flips_are_uniform() {
        let (before, padding) = (numbered(9000), 1);
        let after = Augment::new().crop(padding).flip(true).augmented(&before, 3).unwrap();
        let mut counts = Array2::<f64>::zeros((9, 2));
        for (y, x, flip) in draws(&before, &after, padding) {
            counts[[y * 3 + x, usize::from(flip)]] += 1.0;
        }
        // χ² of 18 classes: 17 degrees of freedom, below 50 but once in 24,000 seeds.
        let expected = 9000.0 / 18.0;
        let chi: f64 = counts.iter().map(|count| (count - expected).powi(2) / expected).sum();
        assert!(chi < 50.0, "{chi}: {counts}");
    }

    #[test]
    fn a_generator_gives_one_result_and_goes_on() {
        let augment = Augment::new().crop(2).flip(true);
        let (mut scratch, mut generator) = (Vec::new(), ChaCha8Rng::seed_from_u64(1));
        let (mut first, mut second) = (numbered(20), numbered(20));
        augment.apply(&mut first, &mut scratch, &mut generator);
        let (capacity, memory) = (scratch.capacity(), scratch.as_ptr());
        augment.apply(&mut second, &mut scratch, &mut generator);
        assert_eq!((scratch.capacity(), scratch.as_ptr()), (capacity, memory));
        assert_ne!(first.inputs(), second.inputs());
        // Batches of 20 and 20 are a batch of 40.
        let both: Vec<f64> = augment.augmented(&numbered(20), 1).unwrap().inputs().to_vec();
        assert_eq!(first.inputs(), both);
        let order: Vec<usize> = (0..20).chain(0..20).collect();
        let forty = augment.augmented(&numbered(20).select(&order).unwrap(), 1).unwrap();
        assert_eq!(forty.inputs()[both.len()..], *second.inputs());
        assert_ne!(augment.augmented(&numbered(20), 2).unwrap().inputs(), both);
    }

    #[test]
    fn what_cannot_be_augmented_is_refused_and_nothing_needs_no_images() {
        let flat = Samples::labelled(Array2::<f32>::zeros((2, 12)), vec![0, 0]).unwrap();
        for augment in [Augment::new().crop(1), Augment::new().flip(true)] {
            let error = augment.check(&flat).unwrap_err();
            assert!(matches!(error, Error::NotImages { features: 12, .. }), "{error}");
        }
        assert_eq!(Augment::new().augmented(&flat, 0).unwrap().inputs(), flat.inputs());
        let images = numbered(2);
        assert!(Augment::new().crop(4).check(&images).is_ok());
        for padding in [5, 6, 7, usize::MAX] {
            let error = Augment::new().crop(padding).augmented(&images, 0).unwrap_err();
            assert!(matches!(error, Error::CountOutOfRange { value, .. } if value == padding), "{error}");
        }
    }
}
