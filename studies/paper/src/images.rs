//! The images of a study: the handwritten digits, and the same enlarged.

use loss_landscape::ndarray::Array4;
use loss_landscape_nets::{Samples, digits};

use crate::{Result, Setting, cell::SIDE};

/// Mean and deviation of the training images' pixels.
const PIXELS: [f64; 2] = [0.3053, 0.3762];

/// Images of one size.
#[derive(Debug)]
pub(crate) struct Images {
    /// Pixels along each side.
    pub(crate) side: usize,
    pub(crate) train: Samples<f32>,
    pub(crate) test: Samples<f32>,
    /// The images of landscapes, and of maps.
    pub(crate) shown: Samples<f32>,
    pub(crate) mapped: Samples<f32>,
}

impl Images {
    /// The digits, and those of the setting's other sizes.
    pub(crate) fn of(setting: &Setting) -> Result<Vec<Self>> {
        let (train, test) = digits::<f32>()?;
        let [train, test] = [train, test].map(|data| data.normalized(&[PIXELS[0]], &[PIXELS[1]]));
        let (train, test) = (train?, test?);
        let sides = [SIDE].into_iter().chain(setting.larger.iter().map(|larger| larger.side));
        let with_side = |side| {
            let [train, test] = [&train, &test].map(|data| enlarged(data, side));
            let train = train?;
            let first = |count: usize| train.select(&(0..count.min(train.len())).collect::<Vec<_>>());
            let (shown, mapped) = (first(setting.samples_of(side))?, first(setting.map_samples)?);
            Ok(Self { side, test: test?, shown, mapped, train })
        };
        sides.map(with_side).collect()
    }
}

/// Images of [`SIDE`] pixels along each side with another number of them, between pixels straight lines along both axes
/// (the values of a pixel are those of its middle, and hold on to the border).
fn enlarged(data: &Samples<f32>, side: usize) -> Result<Samples<f32>> {
    if side == SIDE {
        return Ok(data.clone());
    }
    let scale = SIDE as f64 / side as f64;
    let place = |pixel: usize| {
        let at = ((pixel as f64 + 0.5) * scale - 0.5).clamp(0.0, (SIDE - 1) as f64);
        let before = (at.floor() as usize).min(SIDE - 2);
        (before, (at - before as f64) as f32)
    };
    let images = Array4::from_shape_fn((data.len(), 1, side, side), |(image, _, i, j)| {
        let ((row, down), (column, right)) = (place(i), place(j));
        let value = |row: usize, column: usize| data.inputs()[(image * SIDE + row) * SIDE + column];
        let along = |row: usize| (1.0 - right) * value(row, column) + right * value(row, column + 1);
        (1.0 - down) * along(row) + down * along(row + 1)
    });
    Ok(Samples::images(images, data.labels().unwrap_or_default().to_vec())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slope stays one between the middles of the outermost pixels, and is level beyond them.
    #[test]
    fn enlarged_images_are_straight_between_pixels() {
        let image = Array4::from_shape_fn((1, 1, SIDE, SIDE), |(.., i, j)| (3 * i + j) as f32);
        let large = enlarged(&Samples::images(image.clone(), vec![4]).unwrap(), 32).unwrap();
        assert_eq!((large.image_shape(), large.labels()), (Some([1, 32, 32]), Some(&[4][..])));
        let at = |i: usize, j: usize| large.inputs()[32 * i + j];
        let middle = |pixel: usize| ((pixel as f32 + 0.5) / 4.0 - 0.5).clamp(0.0, 7.0);
        for (i, j) in [(0, 0), (1, 7), (2, 2), (13, 20), (31, 3), (31, 31)] {
            assert!((at(i, j) - 3.0 * middle(i) - middle(j)).abs() < 1e-5, "{i} {j}");
        }
        let same = enlarged(&Samples::images(image, vec![4]).unwrap(), SIDE).unwrap();
        assert_eq!(same.inputs()[9], 4.0);
    }
}
