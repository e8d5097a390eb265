//! What a sweep says of itself, as JSON and back.

use std::{sync::Arc, time::Duration};

use super::tree::{Json, Node};
use crate::{
    Result,
    landscape::{BadPoint, DirectionRecord, PointFailure, Provenance, SweepEnd, SweepReport},
};

/// The version of what [`metadata`] writes, and of the JSON files.
pub(in crate::io) const VERSION: usize = 1;

impl SweepReport {
    /// The report as a JSON object: termination, points, failures with their texts, seconds, threads and
    /// provenance. Numbers are exact; those that are not finite are the texts `"NaN"`, `"Infinity"` and
    /// `"-Infinity"`. Hashes are 16 hexadecimal digits.
    ///
    /// ```
    /// use loss_landscape::{FnModel, Layout, RandomDirections, grid_2d, report::SweepReport};
    ///
    /// let model = FnModel::new(Layout::flat(2)?, vec![1.0, 2.0], |t: &[f64], _: &()| t[0] * t[1])?;
    /// let surface = grid_2d(&model, &(), RandomDirections::new(1).pair(&model)?)?;
    /// let text = surface.report().to_json();
    /// assert_eq!(SweepReport::from_json(&text)?.provenance, surface.report().provenance);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    pub fn to_json(&self) -> String {
        write(self).to_string()
    }

    /// Reads what [`to_json`](Self::to_json) wrote. The oracle's errors come back as their texts, and the
    /// elapsed time to the nanosecond (of sweeps shorter than a month).
    ///
    /// # Errors
    /// [`Error::Format`](crate::Error::Format).
    pub fn from_json(text: &str) -> Result<Self> {
        read(&Json::parse(text.as_bytes(), "JSON")?.root("JSON"))
    }
}

/// What a format that holds arrays says of them: what they are, the channels in order, and the report.
#[cfg(any(feature = "npz", feature = "csv", feature = "hdf5"))]
pub(in crate::io) fn metadata(table: &crate::io::table::Table<'_>) -> Json {
    Json::object([
        ("format", Json::text(format!("loss-landscape {}", table.kind()))),
        ("version", Json::count(VERSION)),
        ("channels", Json::texts(table.channels)),
        ("report", write(table.report)),
    ])
}

/// Channels and report out of what [`metadata`] wrote for a surface or a curve.
#[cfg(any(feature = "npz", feature = "csv", feature = "hdf5"))]
pub(in crate::io) fn read_metadata(node: &Node<'_>, plane: bool) -> Result<(Vec<String>, SweepReport)> {
    check_kind(node, crate::io::table::kind(plane))?;
    Ok((node.get("channels")?.texts()?, read(&node.get("report")?)?))
}

/// Refuses what is another kind of result, or of a later version.
pub(in crate::io) fn check_kind(node: &Node<'_>, kind: &str) -> Result<()> {
    let (found, expected) = (node.get("format")?, format!("loss-landscape {kind}"));
    if found.text()? != expected {
        return Err(found.wrong(format!("{expected:?}")));
    }
    let version = node.get("version")?;
    if version.count()? == VERSION { Ok(()) } else { Err(version.wrong(VERSION)) }
}

pub(in crate::io) fn write(report: &SweepReport) -> Json {
    Json::object([
        ("end", Json::text(end(report.end))),
        ("total", Json::count(report.total)),
        ("computed", Json::count(report.computed)),
        ("bad_points", Json::List(report.bad_points.iter().map(bad_point).collect())),
        ("elapsed_seconds", Json::Number(report.elapsed.as_secs_f64())),
        ("threads", Json::count(report.threads)),
        ("provenance", provenance(&report.provenance)),
    ])
}

pub(in crate::io) fn read(node: &Node<'_>) -> Result<SweepReport> {
    let (ended, elapsed) = (node.get("end")?, node.get("elapsed_seconds")?);
    let text = ended.text()?;
    let found = ENDS.into_iter().find(|&one| end(one) == text);
    Ok(SweepReport {
        end: found.ok_or_else(|| ended.wrong("a way to end"))?,
        total: node.get("total")?.count()?,
        computed: node.get("computed")?.count()?,
        bad_points: node.get("bad_points")?.list()?.map(|bad| read_bad_point(&bad)).collect::<Result<_>>()?,
        elapsed: Duration::try_from_secs_f64(elapsed.number()?).map_err(|_| elapsed.wrong("a duration"))?,
        threads: node.get("threads")?.count()?,
        resumed: None,
        provenance: read_provenance(&node.get("provenance")?)?,
    })
}

const ENDS: [SweepEnd; 4] = [SweepEnd::Complete, SweepEnd::Cancelled, SweepEnd::BadPoint, SweepEnd::Partial];

fn end(end: SweepEnd) -> &'static str {
    match end {
        SweepEnd::Complete => "complete",
        SweepEnd::Cancelled => "cancelled",
        SweepEnd::BadPoint => "bad point",
        SweepEnd::Partial => "partial",
    }
}

fn bad_point(bad: &BadPoint) -> Json {
    let failure = match &bad.failure {
        PointFailure::NonFinite { channel, value } => Json::object([
            ("kind", Json::text("not finite")),
            ("channel", Json::text(channel)),
            ("value", Json::Number(*value)),
        ]),
        PointFailure::Error(error) => {
            Json::object([("kind", Json::text("error")), ("message", Json::text(error.to_string()))])
        }
        PointFailure::Panic(message) => {
            Json::object([("kind", Json::text("panic")), ("message", Json::text(message))])
        }
    };
    Json::object([
        ("index", Json::List(bad.index.map(Json::count).into())),
        ("coordinates", Json::Numbers(bad.coordinates.into())),
        ("data", Json::text(&bad.data)),
        ("failure", failure),
    ])
}

fn read_bad_point(node: &Node<'_>) -> Result<BadPoint> {
    let (index, coordinates, failure) = (node.get("index")?, node.get("coordinates")?, node.get("failure")?);
    let (&[i, j], &[alpha, beta]) = (index.numbers()?, coordinates.numbers()?) else {
        return Err(node.wrong("a point of two indices and two coordinates"));
    };
    let whole = |value: f64| {
        let fits = (0.0..9e15).contains(&value) && value.fract() == 0.0;
        fits.then_some(value as usize).ok_or_else(|| index.wrong("two whole numbers"))
    };
    let kind = failure.get("kind")?;
    let message = || Ok::<_, crate::Error>(failure.get("message")?.text()?.to_owned());
    let failure = match kind.text()? {
        "not finite" => PointFailure::NonFinite {
            channel: failure.get("channel")?.text()?.to_owned(),
            value: failure.get("value")?.number()?,
        },
        "error" => {
            PointFailure::Error(Arc::from(Box::<dyn std::error::Error + Send + Sync>::from(message()?)))
        }
        "panic" => PointFailure::Panic(message()?),
        _ => return Err(kind.wrong("a kind of failure")),
    };
    Ok(BadPoint {
        index: [whole(i)?, whole(j)?],
        coordinates: [alpha, beta],
        data: node.get("data")?.text()?.to_owned(),
        failure,
    })
}

fn hash(hash: u64) -> Json {
    Json::text(format!("{hash:016x}"))
}

fn provenance(provenance: &Provenance) -> Json {
    let direction = |record: &DirectionRecord| {
        let normalization = record.normalization.map_or(Json::Null, |rule| Json::text(rule.to_string()));
        Json::object([
            ("source", Json::text(record.source.to_string())),
            ("normalization", normalization),
            ("hash", hash(record.hash)),
        ])
    };
    let hashes = provenance.data_hashes.iter().copied();
    Json::object([
        ("crate", Json::text("loss-landscape")),
        ("version", Json::text(&provenance.version)),
        ("scalar", Json::text(&provenance.scalar)),
        ("theta_hash", provenance.theta_hash.map_or(Json::Null, hash)),
        ("directions", Json::List(provenance.directions.iter().map(direction).collect())),
        ("cosine", provenance.cosine.map_or(Json::Null, Json::Number)),
        ("data", Json::texts(&provenance.data)),
        ("data_hashes", Json::List(hashes.map(|one| one.map_or(Json::Null, hash)).collect())),
    ])
}

fn read_provenance(node: &Node<'_>) -> Result<Provenance> {
    let direction = |node: Node<'_>| {
        let normalization = node.get("normalization")?.option();
        Ok(DirectionRecord {
            source: node.get("source")?.parse("a source of a direction")?,
            normalization: normalization.map(|rule| rule.parse("a normalisation")).transpose()?,
            hash: node.get("hash")?.hash()?,
        })
    };
    Ok(Provenance {
        version: node.get("version")?.text()?.to_owned(),
        scalar: node.get("scalar")?.text()?.to_owned(),
        theta_hash: node.get("theta_hash")?.option().map(|hash| hash.hash()).transpose()?,
        directions: node.get("directions")?.list()?.map(direction).collect::<Result<_>>()?,
        cosine: node.get("cosine")?.option().map(|cosine| cosine.number()).transpose()?,
        data: node.get("data")?.texts()?,
        data_hashes: (node.get("data_hashes")?.list()?)
            .map(|hash| hash.option().map(|hash| hash.hash()).transpose())
            .collect::<Result<_>>()?,
    })
}

#[cfg(test)]
pub(in crate::io) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{DirectionSource, Norm, Normalization, Policy};

    fn failure() -> impl Strategy<Value = PointFailure> {
        prop_oneof![
            (".{0,9}", prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]))
                .prop_map(|(channel, value)| PointFailure::NonFinite { channel, value }),
            ".{0,30}".prop_map(|text| PointFailure::Error(Arc::from(Box::<
                dyn std::error::Error + Send + Sync,
            >::from(text)))),
            ".{0,30}".prop_map(PointFailure::Panic),
        ]
    }

    fn direction() -> impl Strategy<Value = DirectionRecord> {
        let source = prop_oneof![
            (any::<u64>(), any::<u64>()).prop_map(|(seed, stream)| DirectionSource::Random { seed, stream }),
            Just(DirectionSource::Between),
            any::<f64>().prop_map(|eigenvalue| DirectionSource::Eigenvector { eigenvalue }),
            Just(DirectionSource::Given),
        ];
        let rule = prop::option::of(Just(Normalization::original(Policy::Copy).with_norm(Norm::Layer)));
        (source, rule, any::<u64>()).prop_map(|(source, normalization, hash)| DirectionRecord {
            source,
            normalization,
            hash,
        })
    }

    fn provenance() -> impl Strategy<Value = Provenance> {
        (
            ".{0,9}",
            "f32|f64|",
            prop::option::of(any::<u64>()),
            prop::collection::vec(direction(), 0..3),
            prop::option::of(-1.0..1.0_f64),
            prop::collection::vec(".{0,9}", 0..3),
        )
            .prop_map(|(version, scalar, theta_hash, directions, cosine, data)| Provenance {
                version,
                scalar,
                theta_hash,
                directions,
                cosine,
                data_hashes: data.iter().map(|name: &String| theta_hash.filter(|_| name.len() > 2)).collect(),
                data,
            })
    }

    /// Reports of a grid of this shape, of which so many points are computed.
    pub(in crate::io) fn report(shape: [usize; 2], computed: usize) -> impl Strategy<Value = SweepReport> {
        let bad = (0..shape[0], 0..shape[1], any::<[f64; 2]>(), ".{0,5}", failure()).prop_map(
            |(i, j, coordinates, data, failure)| BadPoint { index: [i, j], coordinates, data, failure },
        );
        (
            prop::sample::select(ENDS.to_vec()),
            prop::collection::vec(bad, 0..3),
            0..1_u64 << 51,
            0..9_usize,
            provenance(),
        )
            .prop_map(move |(end, bad_points, nanos, threads, provenance)| SweepReport {
                end,
                total: shape[0] * shape[1],
                computed,
                bad_points,
                elapsed: Duration::from_nanos(nanos),
                resumed: None,
                threads,
                provenance,
            })
    }

    /// What there is to compare of a report: errors compare by their texts, NaN equals itself.
    pub(in crate::io) fn essence(report: &SweepReport) -> String {
        let texts: Vec<String> = report.bad_points.iter().map(ToString::to_string).collect();
        let kinds: Vec<_> =
            report.bad_points.iter().map(|bad| std::mem::discriminant(&bad.failure)).collect();
        let SweepReport { end, total, computed, elapsed, threads, provenance, .. } = report;
        format!("{end:?} {total} {computed} {elapsed:?} {threads} {provenance:?} {texts:?} {kinds:?}")
    }

    proptest! {
        #[test]
        fn reports_are_read_as_they_are_written(report in report([3, 4], 7)) {
            let text = report.to_json();
            let read = SweepReport::from_json(&text).unwrap();
            prop_assert_eq!(essence(&read), essence(&report));
            prop_assert_eq!(read.to_json(), text);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,60}", report in report([2, 2], 4), at: usize, bit in 0..8_u8) {
            prop_assert!(SweepReport::from_json(&text).is_err());
            let whole = report.to_json();
            let mut cut = at % whole.len();
            while !whole.is_char_boundary(cut) {
                cut -= 1;
            }
            prop_assert!(SweepReport::from_json(&whole[..cut]).is_err());
            let mut bytes = whole.into_bytes();
            let at = at % bytes.len();
            bytes[at] ^= 1 << bit;
            if let Ok(text) = std::str::from_utf8(&bytes) {
                let _ = SweepReport::from_json(text);
            }
        }
    }
}
