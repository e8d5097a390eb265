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
    pub(crate) values: Vec<f64>,
    pub(crate) computed: Vec<bool>,
    /// Point, number of the data set.
    pub(crate) bad: Vec<(usize, usize, BadPoint)>,
}

impl Known {
    /// A sweep of which no point is known yet.
    pub(crate) fn nothing(header: &Header) -> Result<Self> {
        Self::empty(header.records().unwrap_or(usize::MAX), header.stride())
    }

    /// Room for `points` points with `stride` values each, of which none is known.
    pub(crate) fn empty(points: usize, stride: usize) -> Result<Self> {
        Ok(Self {
            values: filled("the values of the grid", points.saturating_mul(stride), f64::NAN)?,
            computed: filled("the values of the grid", points, false)?,
            bad: Vec::new(),
        })
    }

    /// Copies the values of a point into those of the running sweep; false if the point is not known.
    pub(crate) fn show(
        &self,
        point: usize,
        stride: usize,
        values: &mut [f64],
        computed: &mut [bool],
    ) -> bool {
        if self.computed[point] {
            let range = point * stride..(point + 1) * stride;
            values[range.clone()].copy_from_slice(&self.values[range]);
            computed[point] = true;
        }
        self.computed[point]
    }

    /// Keeps one value a point: where it was computed twice, the second counts, with what failed there.
    pub(crate) fn merge_passes(&mut self, points: usize, stride: usize) {
        let Self { values, computed, bad } = self;
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
    pub(crate) fn get(&self, header: &Header, point: usize) -> Option<&[f64]> {
        self.computed[point].then(|| &self.values[point * header.stride()..][..header.stride()])
    }

    /// Adds a point. Its data sets that failed, or have values that are not finite, are listed as bad.
    pub(crate) fn take(
        &mut self,
        header: &Header,
        point: usize,
        values: &[f64],
        failures: &[(usize, PointFailure)],
    ) {
        self.values[point * header.stride()..][..header.stride()].copy_from_slice(values);
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
