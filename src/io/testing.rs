//! What the tests of all formats share: any result, comparison to the bit, and hostile bytes.

use proptest::prelude::*;

use super::{
    json::report::tests::{essence, report},
    table::{Content, Table},
};
use crate::{Result, landscape::SweepReport};

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
            use proptest::prelude::*;

            use crate::{
                Curve, Surface,
                io::{
                    table::Tabled,
                    testing::{damage, results, same},
                },
            };

            proptest! {
                #[test]
                fn what_is_written_is_read_back(content in results()) {
                    if content.beta.is_some() {
                        let surface = Surface::from_content(content, $format).unwrap();
                        let bytes = $encode(&surface.table()).unwrap();
                        let read = Surface::from_content($decode(&bytes).unwrap(), $format).unwrap();
                        same(&read.table(), &surface.table(), $one_nan)?;
                        prop_assert!(Curve::from_content($decode(&bytes).unwrap(), $format).is_err());
                    } else {
                        let curve = Curve::from_content(content, $format).unwrap();
                        let bytes = $encode(&curve.table()).unwrap();
                        let read = Curve::from_content($decode(&bytes).unwrap(), $format).unwrap();
                        same(&read.table(), &curve.table(), $one_nan)?;
                        prop_assert!(Surface::from_content($decode(&bytes).unwrap(), $format).is_err());
                    }
                }

                #[test]
                fn no_damage_makes_it_panic(
                    content in results(),
                    damages in prop::collection::vec(damage(), 1..4),
                    junk in prop::collection::vec(any::<u8>(), 0..300),
                ) {
                    let try_both = |bytes: &[u8]| {
                        let surface = $decode(bytes).and_then(|content| Surface::from_content(content, $format));
                        let curve = $decode(bytes).and_then(|content| Curve::from_content(content, $format));
                        (surface.is_ok(), curve.is_ok())
                    };
                    prop_assert_eq!(try_both(&junk), (false, false));
                    let bytes = match content.beta.is_some() {
                        true => $encode(&Surface::from_content(content, $format).unwrap().table()).unwrap(),
                        false => $encode(&Curve::from_content(content, $format).unwrap().table()).unwrap(),
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
