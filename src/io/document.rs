//! Results as self-describing documents: how serde serialises surfaces and curves, and what formats of arrays say of
//! them.

use std::{borrow::Cow, collections::HashMap, fmt, marker::PhantomData, ops::Range};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeSeed, MapAccess, SeqAccess, Visitor},
    ser::{SerializeMap, SerializeStruct},
};

use super::table::{Content, Table, check_kind, distinct, from_content, kind};
use crate::{
    Error, GridDimension, Landscape, Result,
    landscape::SweepReport,
    wire::{
        VERSION,
        forms::{self, Float},
    },
};

/// What a format of arrays says beside them, as JSON.
#[cfg(any(feature = "npz", feature = "csv"))]
#[derive(Serialize)]
pub(super) struct Metadata<'t> {
    format: String,
    version: u64,
    channels: &'t [String],
    report: &'t SweepReport,
}

/// [`Metadata`] as it is read.
#[cfg(any(feature = "npz", feature = "csv"))]
#[derive(Deserialize)]
struct ReadMetadata<const PLANE: bool> {
    #[serde(rename = "format", deserialize_with = "check_format::<PLANE, _>")]
    _format: (),
    #[serde(rename = "version", deserialize_with = "check_version")]
    _version: (),
    channels: Vec<String>,
    report: SweepReport,
}

/// A result as it is read; rows are those of one α.
#[derive(Deserialize)]
#[serde(bound = "")]
pub(super) struct Document<const PLANE: bool> {
    #[serde(rename = "format", deserialize_with = "check_format::<PLANE, _>")]
    _format: (),
    #[serde(rename = "version", deserialize_with = "check_version")]
    _version: (),
    #[serde(with = "forms")]
    alpha: Vec<f64>,
    #[serde(default, with = "forms")]
    beta: Option<Vec<f64>>,
    /// In the order of `values` where it is left out.
    #[serde(default)]
    channels: Option<Vec<String>>,
    values: Channels<PLANE>,
    /// All where it is left out.
    #[serde(default)]
    computed: Option<Grid<bool, PLANE>>,
    #[serde(default)]
    report: Option<SweepReport>,
}

/// Names, and the values of all points.
struct Channels<const PLANE: bool>(Vec<(String, Grid<Float, PLANE>)>);

/// Entries of all points, row by row: on a plane a list of rows, on a line one list.
struct Grid<T, const PLANE: bool> {
    entries: Vec<T>,
    shape: Vec<usize>,
}

/// Reads entries to the end of a vector, and returns how many.
struct Row<'v, T>(&'v mut Vec<T>);

/// Entries of a range of points that are made as they are written.
struct Entries<'f, F> {
    points: Range<usize>,
    /// Points in a row; 0 on a line.
    columns: usize,
    entry: &'f F,
}

#[cfg(any(feature = "npz", feature = "csv"))]
impl<'t> Metadata<'t> {
    pub(super) fn of(table: &Table<'t>) -> Self {
        let (channels, report) = (table.channels, table.report);
        Self { format: format_name(table.beta.is_some()), version: VERSION, channels, report }
    }

    /// The channels and the report that a file says it has.
    pub(super) fn parse(
        text: &[u8],
        plane: bool,
        format: &'static str,
    ) -> Result<(Vec<String>, SweepReport)> {
        if plane {
            let ReadMetadata::<true> { channels, report, .. } = super::json::parse(text, format)?;
            Ok((channels, report))
        } else {
            let ReadMetadata::<false> { channels, report, .. } = super::json::parse(text, format)?;
            Ok((channels, report))
        }
    }
}

impl<const PLANE: bool> Document<PLANE> {
    /// What it holds, its shapes checked.
    pub(super) fn content(self, format: &'static str) -> Result<Content> {
        let Self { alpha, beta, channels: names, values: Channels(mut channels), computed, report, .. } =
            self;
        check_kind(beta.is_some(), PLANE, format)?;
        if let Some(names) = names {
            distinct(&names)?;
            let mut found: HashMap<String, Grid<Float, PLANE>> = channels.into_iter().collect();
            let take = |name: String| match found.remove(&name) {
                Some(values) => Ok((name, values)),
                None => Err(Error::UnknownChannel { name, names: found.keys().cloned().collect() }),
            };
            channels = names.into_iter().map(take).collect::<Result<_>>()?;
        }
        let shape: Vec<usize> = [alpha.len()].into_iter().chain(beta.as_ref().map(Vec::len)).collect();
        for (channel, Grid { shape: found, .. }) in &channels {
            if *found != shape {
                let (channel, found) = (channel.clone(), found.clone());
                return Err(Error::ChannelShape { channel, found, expected: shape });
            }
        }
        let floats = |grid: Grid<Float, PLANE>| grid.entries.into_iter().map(|Float(value)| value).collect();
        let channels = channels.into_iter().map(|(name, values)| (name, floats(values))).collect();
        Ok(Content { alpha, beta, channels, computed: computed.map(|grid| grid.entries), report })
    }
}

/// The name of a document's format.
fn format_name(plane: bool) -> String {
    format!("loss-landscape {}", kind(plane))
}

fn check_format<'de, const PLANE: bool, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    let (found, expected) = (Cow::<str>::deserialize(deserializer)?, format_name(PLANE));
    if found == expected {
        return Ok(());
    }
    let found: String = found.chars().take(60).collect();
    Err(de::Error::custom(format!("the format should be {expected:?}, not {found:?}")))
}

fn check_version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    let found = u64::deserialize(deserializer)?;
    if found == VERSION {
        return Ok(());
    }
    Err(de::Error::custom(format!("the version of the format should be {VERSION}, not {found}")))
}

/// Serialises a result: `format`, `version`, `alpha`, `beta` (of a surface), `channels`, `values`, `computed` and
/// `report`.
pub(super) fn serialize<S: Serializer>(table: &Table<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut document = serializer.serialize_struct("Landscape", 7 + usize::from(table.beta.is_some()))?;
    document.serialize_field("format", &format_name(table.beta.is_some()))?;
    document.serialize_field("version", &VERSION)?;
    document.serialize_field("alpha", &Floats(table.alpha))?;
    if let Some(beta) = table.beta {
        document.serialize_field("beta", &Floats(beta))?;
    }
    document.serialize_field("channels", table.channels)?;
    document.serialize_field("values", &Values(table))?;
    document.serialize_field("computed", &table.entries(&|point| table.computed[point]))?;
    document.serialize_field("report", table.report)?;
    document.end()
}

/// Deserialises a result, checked.
pub(super) fn deserialize<'de, G: GridDimension, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Landscape<G>, D::Error> {
    let is_plane = G::AXES == 2;
    let content = if is_plane {
        Document::<true>::deserialize(deserializer)?.content(kind(true))
    } else {
        Document::<false>::deserialize(deserializer)?.content(kind(false))
    };
    content.and_then(|content| from_content(content, kind(is_plane))).map_err(de::Error::custom)
}

struct Floats<'v>(&'v [f64]);

impl Serialize for Floats<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|&value| Float(value)))
    }
}

/// The values of all channels, each under its name.
struct Values<'t>(&'t Table<'t>);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(table) = self;
        let count = table.channels.len();
        let mut map = serializer.serialize_map(Some(count))?;
        for (k, name) in table.channels.iter().enumerate() {
            map.serialize_entry(name, &table.entries(&|point| Float(table.values[point * count + k])))?;
        }
        map.end()
    }
}

impl Table<'_> {
    fn entries<'f, F>(&self, entry: &'f F) -> Entries<'f, F> {
        let columns = self.beta.map_or(0, <[f64]>::len);
        Entries { points: 0..self.computed.len(), columns, entry }
    }
}

impl<T: Serialize, F: Fn(usize) -> T> Serialize for Entries<'_, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { points, columns, entry } = self;
        if *columns == 0 {
            return serializer.collect_seq(points.clone().map(entry));
        }
        let row = |start| Entries { points: start..start + columns, columns: 0, entry: *entry };
        serializer.collect_seq(points.clone().step_by(*columns).map(row))
    }
}

impl<'de, const PLANE: bool> Deserialize<'de> for Channels<PLANE> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ChannelsVisitor)
    }
}

struct ChannelsVisitor<const PLANE: bool>;

impl<'de, const PLANE: bool> Visitor<'de> for ChannelsVisitor<PLANE> {
    type Value = Channels<PLANE>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of the values of each channel")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Channels<PLANE>, A::Error> {
        let mut channels = Vec::new();
        while let Some(channel) = entries.next_entry()? {
            channels.push(channel);
        }
        Ok(Channels(channels))
    }
}

impl<'de, T: Deserialize<'de>, const PLANE: bool> Deserialize<'de> for Grid<T, PLANE> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if PLANE {
            return deserializer.deserialize_seq(RowsVisitor(PhantomData));
        }
        let mut entries = Vec::new();
        let len = Row(&mut entries).deserialize(deserializer)?;
        entries.shrink_to_fit();
        Ok(Self { entries, shape: vec![len] })
    }
}

struct RowsVisitor<T, const PLANE: bool>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const PLANE: bool> Visitor<'de> for RowsVisitor<T, PLANE> {
    type Value = Grid<T, PLANE>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows, one for each α")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Self::Value, A::Error> {
        let (mut entries, mut shape) = (Vec::new(), [0, 0]);
        while let Some(len) = rows.next_element_seed(Row(&mut entries))? {
            if shape[0] > 0 && shape[1] != len {
                let (first, row) = (shape[1], shape[0]);
                return Err(de::Error::custom(format!("row 0 has {first} entries and row {row} has {len}")));
            }
            shape = [shape[0] + 1, len];
        }
        entries.shrink_to_fit();
        Ok(Grid { entries, shape: shape.to_vec() })
    }
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Row<'_, T> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Row<'_, T> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of one entry a point")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<usize, A::Error> {
        let start = self.0.len();
        while let Some(entry) = entries.next_element()? {
            self.0.push(entry);
        }
        Ok(self.0.len() - start)
    }
}
