//! Levels, colour range and scale of a contour figure, and the colours between levels.

use crate::{
    Error, Result,
    axis::{
        scale::{Extent, Mapping, Scale},
        ticks,
    },
    checks::check_range,
    colors::{ColorMap, Rgb},
};

/// Most levels chosen automatically.
const MOST_LEVELS: usize = 13;

/// What the caller asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct BandOptions {
    pub(crate) scale: Scale,
    pub(crate) levels: Option<Vec<f64>>,
    pub(crate) range: Option<(f64, f64)>,
    /// Zero in the middle of the colours.
    pub(crate) centred: bool,
}

/// The resolved scale.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bands {
    pub(crate) mapping: Mapping,
    /// Colour range in data units.
    pub(crate) lo: f64,
    pub(crate) hi: f64,
    /// Ascending, without repetitions.
    pub(crate) levels: Vec<f64>,
}

impl Bands {
    /// Scale, range and levels for data of which `extent` is known.
    pub(crate) fn resolve(extent: Option<Extent>, options: &BandOptions) -> Result<Self> {
        let what = "values";
        let extent = extent.ok_or_else(|| Error::NoFiniteValue { what: what.to_owned() })?;
        let given = options.levels.as_deref().unwrap_or(&[]);
        let ends = options.range.iter().flat_map(|&(lo, hi)| [lo, hi]);
        let centred = options.centred;
        let log = !centred && options.scale.is_log(&extent, given.iter().copied().chain(ends));
        if log && extent.max <= 0.0 {
            return Err(Error::NoPositiveValue { what: what.to_owned() });
        }
        if let Some(index) = given.iter().position(|v| !v.is_finite() || (log && *v <= 0.0)) {
            return Err(Error::Level { index, value: given[index], log });
        }
        if let Some(range) = options.range {
            check_range("colour range", range, log)?;
        }
        let (mut lo, mut hi) = options.range.unwrap_or_else(|| extent.range(log));
        if centred {
            hi = lo.abs().max(hi.abs());
            lo = -hi;
        }
        // One colour tells of one value, unless it tells of its sign.
        let single = extent.min >= extent.max && !(centred && extent.max != 0.0);
        let mut levels = match &options.levels {
            Some(levels) => levels.clone(),
            None if options.range.is_none() && single => Vec::new(),
            None if log => ticks::logarithmic(lo, hi, MOST_LEVELS),
            None => ticks::linear(lo, hi, MOST_LEVELS),
        };
        if options.levels.is_none() {
            // Isolines at the ends of an explicit range show where colours are clipped.
            let ends = options.range.is_some();
            levels.retain(|&v| if ends { v >= lo && v <= hi } else { v > lo && v < hi });
        }
        levels.sort_by(f64::total_cmp);
        levels.dedup();
        let largest = [lo, hi, extent.min, extent.max]
            .into_iter()
            .chain(levels.iter().copied())
            .fold(0.0, |m: f64, v| m.max(v.abs()));
        Ok(Self { mapping: Mapping::new(log, largest), lo, hi, levels })
    }

    /// Colours below the first level, between levels, and above the last: one more than levels.
    pub(crate) fn colors(&self, map: ColorMap) -> Vec<Rgb> {
        let ends = |k: usize| -> f64 {
            let level = |k: usize| self.fraction(self.levels[k]).clamp(0.0, 1.0);
            let low = if k == 0 { 0.0 } else { level(k - 1) };
            let high = if k == self.levels.len() { 1.0 } else { level(k) };
            f64::midpoint(low, high)
        };
        (0..=self.levels.len()).map(|k| map.at(ends(k))).collect()
    }

    /// Whether the scale has a place for the value.
    pub(crate) fn shows(&self, value: f64) -> bool {
        !self.mapping.forward(value).is_nan()
    }

    /// Position in the colour range, 0 to 1 inside it.
    pub(crate) fn fraction(&self, value: f64) -> f64 {
        self.mapping.fraction(value, self.lo, self.hi)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(values: &[f64], options: &BandOptions) -> Result<Bands> {
        Bands::resolve(Extent::of(values.iter().copied()), options)
    }

    #[test]
    fn default_levels_are_round_and_inside() {
        let bands = resolve(&[0.02, 300.0], &BandOptions::default()).unwrap();
        assert!(bands.mapping.is_log());
        assert_eq!(bands.levels.len(), 12);
        assert!((bands.levels[0] - 0.05).abs() < 1e-12);
        let bands = resolve(&[2.3, 2.4], &BandOptions::default()).unwrap();
        assert!(!bands.mapping.is_log());
        assert!((8..=12).contains(&bands.levels.len()), "{:?}", bands.levels);
    }

    #[test]
    fn equal_values_have_one_band() {
        let bands = resolve(&[2.0, 2.0], &BandOptions::default()).unwrap();
        assert!(bands.levels.is_empty());
        assert_eq!(bands.colors(ColorMap::Viridis).len(), 1);
        assert!(bands.lo < 2.0 && bands.hi > 2.0);
    }

    #[test]
    fn colours_rise_with_the_levels() {
        let options = BandOptions { levels: Some(vec![3.0, 1.0, 1.0, 2.0]), ..BandOptions::default() };
        let bands = resolve(&[0.0, 4.0], &options).unwrap();
        assert_eq!(bands.levels, [1.0, 2.0, 3.0]);
        let colors = bands.colors(ColorMap::Viridis);
        assert_eq!(colors[0], ColorMap::Viridis.at(0.125));
        assert_eq!(colors[3], ColorMap::Viridis.at(0.875));
    }

    #[test]
    fn centred_colours_have_zero_in_the_middle() {
        let centred = BandOptions { centred: true, scale: Scale::Log, ..BandOptions::default() };
        let bands = resolve(&[-0.3, 2.0], &centred).unwrap();
        assert_eq!((bands.lo, bands.hi, bands.fraction(0.0)), (-2.0, 2.0, 0.5));
        let mirrored: Vec<f64> = bands.levels.iter().rev().map(|v| 0.0 - v).collect();
        assert!(bands.levels.contains(&0.0) && bands.levels == mirrored, "{:?}", bands.levels);
        let bands = resolve(&[0.0, 0.0], &centred).unwrap();
        assert_eq!(bands.colors(ColorMap::BlueRed), [ColorMap::BlueRed.at(0.5)]);
        let all_higher = resolve(&[3.0, 3.0], &centred).unwrap();
        assert!(all_higher.levels.len() > 2 && all_higher.lo == -all_higher.hi);
    }

    #[test]
    fn bad_requests_are_refused() {
        let log = |levels: Option<Vec<f64>>, range| BandOptions {
            scale: Scale::Log,
            levels,
            range,
            centred: false,
        };
        assert!(matches!(
            resolve(&[1.0, 2.0], &log(Some(vec![1.0, 0.0]), None)),
            Err(Error::Level { index: 1, log: true, .. })
        ));
        assert!(matches!(
            resolve(&[1.0, 2.0], &log(None, Some((0.0, 1.0)))),
            Err(Error::Range { log: true, .. })
        ));
        assert!(matches!(resolve(&[-1.0, 0.0], &log(None, None)), Err(Error::NoPositiveValue { .. })));
        assert!(matches!(resolve(&[f64::NAN], &BandOptions::default()), Err(Error::NoFiniteValue { .. })));
    }
}
