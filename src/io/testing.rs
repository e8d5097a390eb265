//! What the tests of all formats share: any result, comparison to the bit, and hostile bytes.

use std::{sync::Arc, time::Duration};

use proptest::prelude::*;

use super::table::{Content, Table};
use crate::{
    DirectionSource, Norm, Normalization, PathShape, Policy, Result,
    landscape::{BadPoint, DirectionRecord, PointFailure, Provenance, SweepEnd, SweepReport},
};

/// Any result that a sweep could have: odd names, all bits of f64, points not computed.
pub(super) fn results() -> impl Strategy<Value = Content> {
    let axis = || prop::collection::vec(any::<f64>().prop_filter("finite", |v| v.is_finite()), 1..5);
    let sorted = |mut axis: Vec<f64>| {
        axis.sort_by(f64::total_cmp);
        axis.dedup_by(|a, b| a == b);
        axis
    };
    let names = prop::collection::vec("[a-zλ ,;:#/.\"'\\\\\n]{0,6}", 1..4);
    (axis(), prop::option::of(axis()), names).prop_flat_map(move |(alpha, beta, names)| {
        let (alpha, beta) = (sorted(alpha), beta.map(sorted));
        let columns = beta.as_ref().map_or(1, Vec::len);
        let points = alpha.len() * columns;
        let values = prop::collection::vec(prop::collection::vec(bits(), points), names.len());
        let computed = prop::collection::vec(any::<bool>(), points);
        (values, computed).prop_flat_map(move |(values, computed)| {
            let (alpha, beta) = (alpha.clone(), beta.clone());
            let names = names.iter().enumerate().map(|(i, name)| format!("{name}{i}"));
            let channels: Vec<(String, Vec<f64>)> = names.zip(values).collect();
            let done = computed.iter().filter(|&&done| done).count();
            report([alpha.len(), columns], done).prop_map(move |report: SweepReport| Content {
                alpha: alpha.clone(),
                beta: beta.clone(),
                channels: channels.clone(),
                computed: Some(computed.clone()),
                report: Some(report),
            })
        })
    })
}

fn failure() -> impl Strategy<Value = PointFailure> {
    prop_oneof![
        (".{0,9}", prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]))
            .prop_map(|(channel, value)| PointFailure::NonFinite { channel, value }),
        ".{0,30}".prop_map(|text| PointFailure::Error(Arc::from(
            Box::<dyn std::error::Error + Send + Sync>::from(text)
        ))),
        ".{0,30}".prop_map(PointFailure::Panic),
    ]
}

fn direction() -> impl Strategy<Value = DirectionRecord> {
    let source = prop_oneof![
        (any::<u64>(), any::<u64>()).prop_map(|(seed, stream)| DirectionSource::Random { seed, stream }),
        Just(DirectionSource::Between),
        any::<f64>().prop_map(|eigenvalue| DirectionSource::Eigenvector { eigenvalue }),
        any::<f64>().prop_map(|norm| DirectionSource::Gradient { norm }),
        any::<f64>().prop_map(|eigenvalue| DirectionSource::EigenvectorAcross { eigenvalue }),
        (any::<u64>(), any::<u64>())
            .prop_map(|(seed, stream)| DirectionSource::RandomAcross { seed, stream }),
        (any::<bool>(), 1..63_usize).prop_map(|(smooth, point)| DirectionSource::CurvePoint {
            shape: if smooth { PathShape::Bezier } else { PathShape::Chain },
            point,
            points: 64,
        }),
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
pub(super) fn report(shape: [usize; 2], computed: usize) -> impl Strategy<Value = SweepReport> {
    let bad = (0..shape[0], 0..shape[1], any::<[f64; 2]>(), ".{0,5}", failure()).prop_map(
        |(i, j, coordinates, data, failure)| BadPoint { index: [i, j], coordinates, data, failure },
    );
    (
        prop::sample::select(vec![
            SweepEnd::Complete,
            SweepEnd::Cancelled,
            SweepEnd::BadPoint,
            SweepEnd::Partial,
        ]),
        prop::collection::vec(bad, 0..3),
        0..1_u64 << 51,
        0..9_usize,
        prop::collection::vec(".{0,5}", 0..3),
        provenance(),
    )
        .prop_map(move |(end, bad_points, nanos, threads, machines, provenance)| SweepReport {
            end,
            total: shape[0] * shape[1],
            computed,
            bad_points,
            elapsed: Duration::from_nanos(nanos),
            resumed: None,
            threads,
            machines,
            provenance,
        })
}

/// What there is to compare of a report: errors compare by their texts, NaN equals itself.
pub(super) fn essence(report: &SweepReport) -> String {
    let texts: Vec<String> = report.bad_points.iter().map(ToString::to_string).collect();
    let kinds: Vec<_> = report.bad_points.iter().map(|bad| std::mem::discriminant(&bad.failure)).collect();
    let SweepReport { end, total, computed, elapsed, threads, machines, provenance, .. } = report;
    format!(
        "{end:?} {total} {computed} {elapsed:?} {threads} {machines:?} {provenance:?} {texts:?} {kinds:?}"
    )
}

/// f64 of all bits, often special.
fn bits() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, -1.0, 5e-324]),
        -10.0..10.0,
    ]
}

/// Compares two results: values to the bit, but that all NaN are one where `one_nan`.
pub(super) fn same(a: &Table<'_>, b: &Table<'_>, one_nan: bool) -> Result<(), TestCaseError> {
    let bits = |values: &[f64]| -> Vec<u64> {
        let one = |value: &f64| if one_nan && value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
        values.iter().map(one).collect()
    };
    prop_assert_eq!(bits(a.alpha), bits(b.alpha));
    prop_assert_eq!(a.beta.map(bits), b.beta.map(bits));
    prop_assert_eq!(a.channels, b.channels);
    prop_assert_eq!(bits(&a.values), bits(&b.values));
    prop_assert_eq!(&a.computed, &b.computed);
    prop_assert_eq!(essence(a.report), essence(b.report));
    Ok(())
}

/// Something to do to a file: cut it, flip a bit, write over it, put something in.
#[derive(Clone, Debug)]
pub(super) enum Damage {
    Cut(usize),
    Flip(usize, u8),
    Over(usize, Vec<u8>),
    Insert(usize, Vec<u8>),
}

pub(super) fn damage() -> impl Strategy<Value = Damage> {
    let junk = || {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 1..12),
            // Sizes and digits, which hurt most.
            prop::sample::select(vec![vec![0xff; 8], vec![0xff; 4], vec![0; 8], b"99999999".to_vec()]),
        ]
    };
    prop_oneof![
        any::<usize>().prop_map(Damage::Cut),
        (any::<usize>(), 0..8_u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        (any::<usize>(), junk()).prop_map(|(at, junk)| Damage::Over(at, junk)),
        (any::<usize>(), junk()).prop_map(|(at, junk)| Damage::Insert(at, junk)),
    ]
}

impl Damage {
    pub(super) fn apply(&self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        let len = bytes.len().max(1);
        match self {
            Self::Cut(at) => bytes.truncate(at % len),
            Self::Flip(at, bit) => {
                if let Some(byte) = bytes.get_mut(at % len) {
                    *byte ^= 1 << bit;
                }
            }
            Self::Over(at, junk) => {
                let at = at % len;
                for (byte, junk) in bytes.iter_mut().skip(at).zip(junk) {
                    *byte = *junk;
                }
            }
            Self::Insert(at, junk) => {
                let at = at % len;
                bytes.splice(at..at, junk.iter().copied());
            }
        }
        bytes
    }
}

/// The properties of a format: what is written is read back; damage is an error or another result, never a panic.
macro_rules! format_properties {
    ($one_nan:literal, $encode:path, $decode:path, $format:literal) => {
        mod properties {
            use ndarray::{Ix1, Ix2};
            use proptest::prelude::*;

            use crate::io::{
                table::{from_content, table},
                testing::{damage, results, same},
            };

            proptest! {
                #[test]
                fn what_is_written_is_read_back(content in results()) {
                    if content.beta.is_some() {
                        let surface = from_content::<Ix2>(content, $format).unwrap();
                        let bytes = $encode(&table(&surface)).unwrap();
                        let read = from_content::<Ix2>($decode(&bytes, true).unwrap(), $format).unwrap();
                        same(&table(&read), &table(&surface), $one_nan)?;
                        prop_assert!($decode(&bytes, false).is_err());
                    } else {
                        let curve = from_content::<Ix1>(content, $format).unwrap();
                        let bytes = $encode(&table(&curve)).unwrap();
                        let read = from_content::<Ix1>($decode(&bytes, false).unwrap(), $format).unwrap();
                        same(&table(&read), &table(&curve), $one_nan)?;
                        prop_assert!($decode(&bytes, true).is_err());
                    }
                }

                #[test]
                fn no_damage_makes_it_panic(
                    content in results(),
                    damages in prop::collection::vec(damage(), 1..4),
                    junk in prop::collection::vec(any::<u8>(), 0..300),
                ) {
                    let try_both = |bytes: &[u8]| {
                        let (surface, curve) = ($decode(bytes, true), $decode(bytes, false));
                        let surface = surface.and_then(|content| from_content::<Ix2>(content, $format));
                        let curve = curve.and_then(|content| from_content::<Ix1>(content, $format));
                        (surface.is_ok(), curve.is_ok())
                    };
                    prop_assert_eq!(try_both(&junk), (false, false));
                    let bytes = match content.beta.is_some() {
                        true => $encode(&table(&from_content::<Ix2>(content, $format).unwrap())).unwrap(),
                        false => $encode(&table(&from_content::<Ix1>(content, $format).unwrap())).unwrap(),
                    };
                    let mut bad = bytes;
                    for damage in &damages {
                        bad = damage.apply(&bad);
                        try_both(&bad);
                    }
                }
            }
        }
    };
}
pub(super) use format_properties;
