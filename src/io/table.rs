//! What every format holds of a result, and the methods that every format has.

use std::{borrow::Cow, collections::HashSet};

use ndarray::{ArrayD, IxDyn};

use super::document;
use crate::{Curve, Error, Result, Surface, SweepReport, Termination, sweep::options::Swept};

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

/// A result that formats can hold.
pub(super) trait Tabled: Sized {
    /// Whether it has an axis β.
    const PLANE: bool;

    fn table(&self) -> Table<'_>;

    fn from_swept(swept: Swept) -> Self;
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
    fn swept(self, format: &'static str) -> Result<Swept> {
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
        let mut swept = Swept::from_channels(self.alpha, self.beta, &channels)?;
        let total = swept.computed.len();
        if let Some(computed) = self.computed {
            if computed.len() != total {
                return Err(wrong(format, "`computed`", format!("{total} values"), computed.len()));
            }
            swept.computed = computed;
        }
        let done = swept.computed.iter().filter(|&&done| done).count();
        match self.report {
            Some(report) => {
                check(&report, [swept.alpha.len(), swept.beta.len()], done, format)?;
                swept.report = report;
            }
            None if done < total => {
                let columns = swept.beta.len();
                swept.report.computed = done;
                swept.report.termination = Termination::Cancelled;
                swept.report.bad_points.retain(|bad| swept.computed[bad.index[0] * columns + bad.index[1]]);
            }
            None => {}
        }
        Ok(swept)
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

/// The result of these values.
pub(super) fn from_content<T: Tabled>(content: Content, format: &'static str) -> Result<T> {
    check_kind(content.beta.is_some(), T::PLANE, format)?;
    content.swept(format).map(T::from_swept)
}

impl Tabled for Surface {
    const PLANE: bool = true;

    fn table(&self) -> Table<'_> {
        Table {
            alpha: self.alpha(),
            beta: Some(self.beta()),
            channels: self.channels(),
            values: flat(self.values()),
            computed: flat(self.computed()),
            report: self.report(),
        }
    }

    fn from_swept(swept: Swept) -> Self {
        Self::new(swept)
    }
}

impl Tabled for Curve {
    const PLANE: bool = false;

    fn table(&self) -> Table<'_> {
        Table {
            alpha: self.alpha(),
            beta: None,
            channels: self.channels(),
            values: flat(self.values()),
            computed: flat(self.computed()),
            report: self.report(),
        }
    }

    fn from_swept(swept: Swept) -> Self {
        Self::new(swept)
    }
}

/// An array's elements, row by row.
fn flat<T: Copy, D: ndarray::Dimension>(array: &ndarray::Array<T, D>) -> Cow<'_, [T]> {
    array.as_slice().map_or_else(|| array.iter().copied().collect::<Vec<_>>().into(), Cow::Borrowed)
}

impl serde::Serialize for Surface {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        document::serialize(&self.table(), serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Surface {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        document::deserialize(deserializer)
    }
}

impl serde::Serialize for Curve {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        document::serialize(&self.table(), serializer)
    }
}

impl<'de> serde::Deserialize<'de> for Curve {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
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

/// The methods of one format: how a surface and a curve are written to a file and to bytes, and read from both.
#[cfg(feature = "json")]
macro_rules! format_methods {
    (
        $format:literal, $encode:path, $decode:path,
        $write:ident, $to:ident, $read:ident, $from:ident, $(#[$doc:meta])*
    ) => {
        crate::io::table::format_methods!(
            @ Surface, true, $format, $encode, $decode, $write, $to, $read, $from, $(#[$doc])*
        );
        crate::io::table::format_methods!(
            @ Curve, false, $format, $encode, $decode, $write, $to, $read, $from,
            /// Writes the curve as
            #[doc = concat!("[`Surface::", stringify!($write), "`](crate::Surface::", stringify!($write), ")")]
            /// writes a surface, but without `beta`.
            ///
            /// # Errors
            /// As that one.
        );
    };
    (
        @ $result:ident, $plane:literal, $format:literal, $encode:path, $decode:path,
        $write:ident, $to:ident, $read:ident, $from:ident, $(#[$doc:meta])*
    ) => {
        impl $result {
            $(#[$doc])*
            pub fn $write(&self, path: impl AsRef<std::path::Path>) -> Result<()> {
                crate::replace::write(path.as_ref(), &self.$to()?)
            }

            #[doc = concat!("The bytes of the file that `", stringify!($write), "` writes.")]
            ///
            /// # Errors
            /// As that one, but for [`Error::File`](crate::Error::File).
            pub fn $to(&self) -> Result<Vec<u8>> {
                $encode(&crate::io::table::Tabled::table(self))
            }

            #[doc = concat!("Reads the file that `", stringify!($write), "` wrote.")]
            ///
            /// # Errors
            /// [`Error::File`](crate::Error::File); [`Error::InFile`](crate::Error::InFile) with what
            #[doc = concat!("[`", stringify!($from), "`](Self::", stringify!($from), ") finds wrong.")]
            pub fn $read(path: impl AsRef<std::path::Path>) -> Result<Self> {
                crate::replace::read(path.as_ref(), Self::$from)
            }

            #[doc = concat!("Reads the bytes of a file that `", stringify!($write), "` wrote.")]
            ///
            /// They are not trusted: damage is an error, and at no moment does reading hold more than 64 bytes for
            /// each byte of the file, and 64 KiB.
            ///
            /// # Errors
            /// [`Error::Parse`](crate::Error::Parse) or [`Error::Format`](crate::Error::Format); for axes and channels
            /// as [`from_channels`](Self::from_channels).
            pub fn $from(bytes: &[u8]) -> Result<Self> {
                from_content($decode(bytes, $plane)?, $format)
            }
        }
    };
}
#[cfg(feature = "json")]
pub(super) use format_methods;
