//! The points of a sweep that are known before it begins.

use super::header::Header;
use crate::{
    Result,
    landscape::{BadPoint, PointFailure},
    memory::filled,
};

/// Values by point, data set and channel, and the points that were bad.
#[derive(Debug)]
pub(crate) struct Known {
    /// Values of a point.
    pub(crate) stride: usize,
    pub(crate) values: Vec<f64>,
    pub(crate) computed: Vec<bool>,
    /// Point, number of the data set.
    pub(crate) bad: Vec<(usize, usize, BadPoint)>,
}

impl Known {
    /// A sweep of which no point is known yet.
    pub(crate) fn nothing(header: &Header) -> Result<Self> {
        Self::empty(header.records(), header.stride())
    }

    /// Room for `points` points with `stride` values each, of which none is known.
    pub(crate) fn empty(points: usize, stride: usize) -> Result<Self> {
        let what = "the values of the grid";
        #[expect(clippy::expect_used, reason = "grids are refused whose values no address space holds")]
        let values = points.checked_mul(stride).expect("the size of the grid was checked");
        Ok(Self {
            stride,
            values: filled(what, values, f64::NAN)?,
            computed: filled(what, points, false)?,
            bad: Vec::new(),
        })
    }

    /// How many points are known.
    pub(crate) fn count(&self) -> usize {
        self.computed.iter().filter(|&&computed| computed).count()
    }

    /// Copies a point to where its values are looked for; false if it is not known.
    pub(crate) fn reveal(&self, point: usize, found: &mut Self) -> bool {
        if let Some(values) = self.get(point) {
            found.values[point * self.stride..][..self.stride].copy_from_slice(values);
            found.computed[point] = true;
        }
        self.computed[point]
    }

    /// Keeps one value a point: where it was computed twice, the second counts, with what failed there.
    pub(crate) fn merge_passes(&mut self, points: usize) {
        let Self { stride, values, computed, bad } = self;
        let stride = *stride;
        for point in 0..computed.len().saturating_sub(points) {
            if computed[points + point] {
                values.copy_within((points + point) * stride..(points + point + 1) * stride, point * stride);
                bad.retain(|(other, ..)| *other != point);
                computed[point] = true;
            }
        }
        for (point, ..) in bad.iter_mut() {
            *point %= points;
        }
        bad.sort_by_key(|&(point, set, _)| (point, set));
        values.truncate(points * stride);
        computed.truncate(points);
    }

    /// The values of a point, if it is known.
    pub(crate) fn get(&self, point: usize) -> Option<&[f64]> {
        self.computed[point].then(|| &self.values[point * self.stride..][..self.stride])
    }

    /// Adds a point. Its data sets that failed, or have values that are not finite, are listed as bad.
    pub(crate) fn take(
        &mut self,
        header: &Header,
        point: usize,
        values: &[f64],
        failures: &[(usize, PointFailure)],
    ) {
        self.values[point * self.stride..][..self.stride].copy_from_slice(values);
        self.computed[point] = true;
        let (index, coordinates) = header.place(point);
        for (set, values) in values.chunks(header.channels.len()).enumerate() {
            let failed = failures.iter().find(|(other, _)| *other == set).map(|(_, failure)| failure.clone());
            let failure = failed.or_else(|| {
                let k = values.iter().take(header.finite).position(|value| !value.is_finite())?;
                Some(PointFailure::NonFinite { channel: header.channels[k].clone(), value: values[k] })
            });
            if let Some(failure) = failure {
                let data = header.provenance.data[set].clone();
                self.bad.push((point, set, BadPoint { index, coordinates, data, failure }));
            }
        }
    }
}

/// Whether all values have the same bits. Two NaN agree whatever their bits, which differ from machine to machine.
pub(crate) fn agree(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()))
}
