//! What every format holds of a result, and the methods that every format has.

use std::{borrow::Cow, collections::HashSet};

use ndarray::{ArrayD, IxDyn};

use super::document;
use crate::{
    Error, GridDimension, Landscape, Result,
    landscape::{Parts, SweepEnd, SweepReport},
};

/// A result to be written.
pub(super) struct Table<'a> {
    pub(super) alpha: &'a [f64],
    /// None for a curve.
    pub(super) beta: Option<&'a [f64]>,
    pub(super) channels: &'a [String],
    /// [point × channel], points row by row.
    pub(super) values: Cow<'a, [f64]>,
    pub(super) computed: Cow<'a, [bool]>,
    pub(super) report: &'a SweepReport,
}

/// A result as it was read, nothing of it checked.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub(super) alpha: Vec<f64>,
    /// None for a curve.
    pub(super) beta: Option<Vec<f64>>,
    /// Names, and values of all points, row by row.
    pub(super) channels: Vec<(String, Vec<f64>)>,
    /// None if all points are.
    pub(super) computed: Option<Vec<bool>>,
    pub(super) report: Option<SweepReport>,
}

impl Table<'_> {
    /// Points in a row: those of one α.
    #[cfg(feature = "csv")]
    pub(super) fn columns(&self) -> usize {
        self.beta.map_or(1, <[f64]>::len)
    }

    /// The number of points along the axes.
    #[cfg(feature = "npz")]
    pub(super) fn shape(&self) -> Vec<usize> {
        [self.alpha.len()].into_iter().chain(self.beta.map(<[f64]>::len)).collect()
    }

    /// The values of one channel, points row by row.
    #[cfg(feature = "npz")]
    pub(super) fn channel(&self, k: usize) -> impl Iterator<Item = f64> + '_ {
        self.values.iter().skip(k).step_by(self.channels.len()).copied()
    }
}

impl Content {
    /// The result, checked. It costs as much memory again.
    fn parts(self, format: &'static str) -> Result<Parts> {
        let shape: Vec<usize> =
            [self.alpha.len()].into_iter().chain(self.beta.as_ref().map(Vec::len)).collect();
        let mut channels = Vec::with_capacity(self.channels.len());
        names_fit(&self.channels, format)?;
        for (name, values) in self.channels {
            let len = values.len();
            let Ok(values) = ArrayD::from_shape_vec(IxDyn(&shape), values) else {
                return Err(Error::ChannelShape { channel: name, found: vec![len], expected: shape });
            };
            channels.push((name, values));
        }
        let mut parts = Parts::from_channels(self.alpha, self.beta, channels)?;
        let total = parts.computed.len();
        if let Some(computed) = self.computed {
            if computed.len() != total {
                return Err(wrong(format, "`computed`", format!("{total} values"), computed.len()));
            }
            parts.computed = computed;
        }
        let done = parts.computed.iter().filter(|&&done| done).count();
        match self.report {
            Some(report) => {
                check(&report, [parts.alpha.len(), parts.beta.len()], done, format)?;
                parts.report = report;
            }
            None if done < total => {
                let columns = parts.beta.len();
                parts.report.computed = done;
                parts.report.end = SweepEnd::Cancelled;
                parts.report.bad_points.retain(|bad| parts.computed[bad.index[0] * columns + bad.index[1]]);
            }
            None => {}
        }
        Ok(parts)
    }
}

/// Refuses long names of channels with many values that are not finite: each such point keeps the name, which can
/// be as long as the rest of the file.
fn names_fit(channels: &[(String, Vec<f64>)], format: &'static str) -> Result<()> {
    let values: usize = channels.iter().map(|(_, values)| values.len()).sum();
    let mut left = 128 * values.max(512);
    for (name, values) in channels {
        let count = values.iter().filter(|value| !value.is_finite()).count();
        let Some(rest) = left.checked_sub(count.saturating_mul(name.len())) else {
            let start: String = name.chars().take(60).collect();
            let expected = format!("shorter, since {count} values that are not finite refer to it");
            return Err(wrong(
                format,
                format!("the name `{start}...`"),
                expected,
                format!("{} bytes", name.len()),
            ));
        };
        left = rest;
    }
    Ok(())
}

/// A report must be one of these points, since others count and index by it.
fn check(report: &SweepReport, shape: [usize; 2], done: usize, format: &'static str) -> Result<()> {
    let total = shape[0] * shape[1];
    if report.total != total {
        return Err(wrong(format, "`total` of the report", total, report.total));
    }
    if report.computed != done {
        return Err(wrong(format, "`computed` of the report", done, report.computed));
    }
    let (names, hashes) = (report.provenance.data.len(), report.provenance.data_hashes.len());
    if hashes != names {
        return Err(wrong(format, "`data_hashes` of the report", format!("{names} of them"), hashes));
    }
    match report.bad_points.iter().find(|bad| bad.index[0] >= shape[0] || bad.index[1] >= shape[1]) {
        Some(bad) => Err(wrong(
            format,
            "the index of a bad point",
            format!("below {shape:?}"),
            format!("{:?}", bad.index),
        )),
        None => Ok(()),
    }
}

/// What formats hold of a landscape.
pub(super) fn table<D: GridDimension>(landscape: &Landscape<D>) -> Table<'_> {
    Table {
        alpha: landscape.alpha(),
        beta: landscape.columns_axis(),
        channels: landscape.channels(),
        values: Cow::Borrowed(landscape.flat_values()),
        computed: match landscape.computed().as_slice() {
            Some(computed) => Cow::Borrowed(computed),
            None => landscape.computed().iter().copied().collect(),
        },
        report: landscape.report(),
    }
}

/// The landscape of these values.
pub(super) fn from_content<D: GridDimension>(content: Content, format: &'static str) -> Result<Landscape<D>> {
    check_kind(content.beta.is_some(), D::AXES == 2, format)?;
    content.parts(format).map(Landscape::assemble)
}

impl<D: GridDimension> serde::Serialize for Landscape<D> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        document::serialize(&table(self), serializer)
    }
}

impl<'de, D: GridDimension> serde::Deserialize<'de> for Landscape<D> {
    fn deserialize<E: serde::Deserializer<'de>>(deserializer: E) -> Result<Self, E::Error> {
        document::deserialize(deserializer)
    }
}

/// Refuses a curve where a surface is asked for, and the other way round.
pub(super) fn check_kind(found: bool, expected: bool, format: &'static str) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(wrong(format, "the result", format!("a {}", kind(expected)), format!("a {}", kind(found))))
}

pub(super) fn kind(plane: bool) -> &'static str {
    if plane { "surface" } else { "curve" }
}

/// A file that holds something else than it should.
#[allow(clippy::needless_pass_by_value, reason = "what callers have just made for it")]
pub(super) fn wrong(
    format: &'static str,
    place: impl ToString,
    expected: impl ToString,
    found: impl ToString,
) -> Error {
    let (place, expected, found) = (place.to_string(), expected.to_string(), found.to_string());
    Error::Format { format, place, expected, found }
}

/// Refuses names that come twice, before one array is read for each of them.
pub(super) fn distinct(names: &[String]) -> Result<()> {
    if names.iter().collect::<HashSet<_>>().len() < names.len() {
        return Err(Error::Channels { channels: names.to_vec() });
    }
    Ok(())
}

/// A channel's name as an identifier of other languages.
#[cfg(feature = "npz")]
pub(super) fn identifier(name: &str) -> String {
    name.replace(' ', "_")
}
