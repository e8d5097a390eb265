//! Colours without visible steps.

use crate::{
    colors::{ColorMap, Rgb},
    plane::bands::Bands,
};

/// Odd, so that one shade is around the middle of the scale.
const COUNT: usize = 129;

/// Equal steps over a scale, each in the colour of its middle.
#[derive(Debug)]
pub(crate) struct Shades {
    pub(crate) colors: Vec<Rgb>,
}

impl Shades {
    pub(crate) fn new(map: ColorMap) -> Self {
        Self { colors: (0..COUNT).map(|k| map.at((k as f64 + 0.5) / COUNT as f64)).collect() }
    }

    /// The step at a fraction of the scale; the nearest for fractions beyond its ends.
    pub(crate) fn index(fraction: f64) -> usize {
        ((fraction * COUNT as f64) as usize).min(COUNT - 1)
    }

    /// The place of a value on the scale, from 0 to 1 and beyond; NaN where it has none.
    pub(crate) fn fraction(bands: &Bands, value: f64) -> f64 {
        if bands.shows(value) { bands.fraction(value).clamp(-1e3, 1e3) } else { f64::NAN }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_the_scale_is_one_shade() {
        let shades = Shades::new(ColorMap::BlueRed);
        assert_eq!(shades.colors[Shades::index(0.5)], ColorMap::BlueRed.at(0.5));
        assert_eq!((Shades::index(-0.1), Shades::index(0.0), Shades::index(1.0)), (0, 0, COUNT - 1));
        assert_eq!(Shades::index(f64::INFINITY), COUNT - 1);
    }
}
