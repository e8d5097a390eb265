//! Files of other programs: what numpy and Python wrote is read, and damage to it is an error.

use std::{fs, path::Path};

use loss_landscape::{Curve, Error, Surface};
use proptest::prelude::*;

type Read = fn(&[u8]) -> loss_landscape::Result<Surface>;

fn file(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/files").join(name)).unwrap()
}

const FILES: [(&str, Read); 6] = [
    ("surface.npz", Surface::from_npz_bytes),
    ("fortran.npz", Surface::from_npz_bytes),
    ("original_by_script.npz", Surface::from_npz_bytes),
    ("latest_by_script.npz", Surface::from_npz_bytes),
    ("surface.json", Surface::from_json_bytes),
    ("surface.csv", Surface::from_csv_bytes),
];

/// What `tests/python/round_trip.py` puts at point [i, j].
fn expected(i: usize, j: usize) -> f64 {
    match (i, j) {
        (0, 0) => -0.0,
        (1, 0) => f64::NAN,
        (2, 0) => f64::INFINITY,
        (3, 0) => f64::NEG_INFINITY,
        _ => (i as f64 + 0.1) / (j as f64 + 0.3),
    }
}

#[test]
fn values_are_at_their_points() {
    for (name, read) in FILES {
        let surface = read(&file(name)).unwrap();
        assert_eq!(surface.alpha(), [-1.0, -0.5, 0.1, 2.0, 1e300], "{name}");
        assert_eq!(surface.beta(), [-1.0, 0.25, 1.5], "{name}");
        for ((i, j), &value) in surface.channel("train loss").unwrap().indexed_iter() {
            let expected = expected(i, j);
            let same = value.to_bits() == expected.to_bits() || value.is_nan() && expected.is_nan();
            assert!(same, "{name}: {value} at [{i}, {j}], not {expected}");
        }
        assert_eq!(surface.report().bad_points.len(), 3, "{name}");
    }
    for name in ["curve.npz", "curve_by_script.npz"] {
        let curve = Curve::from_npz_bytes(&file(name)).unwrap();
        for (i, value) in curve.channel("train loss").unwrap().iter().enumerate() {
            let expected = expected(i, 0);
            assert!(
                value.to_bits() == expected.to_bits() || value.is_nan() && expected.is_nan(),
                "{name}: {value}"
            );
        }
    }
}

#[test]
fn whatever_numpy_has_as_numbers_is_read_and_the_rest_left_out() {
    let surface = Surface::from_npz_bytes(&file("types.npz")).unwrap();
    assert_eq!(surface.channels(), ["half", "positive", "small"]);
    for ((i, j), &value) in surface.channel("half").unwrap().indexed_iter() {
        let exact = expected(i, j);
        // Eleven bits of mantissa, rounded to nearest.
        let near = (value - exact).abs() <= exact.abs() / 2048.0;
        assert!(near || value == exact || value.is_nan() && exact.is_nan(), "{value} at [{i}, {j}]");
        assert_eq!(surface.channel("positive").unwrap()[[i, j]], f64::from(u8::from(exact > 0.0)));
        assert_eq!(surface.channel("small").unwrap()[[i, j]], (3 * i + j) as f64);
    }
    let error = surface.channel("labels").unwrap_err().to_string();
    assert_eq!(error, "there is no channel `labels`; the result has [\"half\", \"positive\", \"small\"]");
    let error = Surface::from_npz_bytes(&file("transposed.npz")).unwrap_err().to_string();
    assert_eq!(
        error,
        "not a valid npz file: one array besides the axes should be an array of numbers of the shape [5, 3], that of \
         `alpha` and `beta`, not `loss` (<f8 of the shape [3, 5], which is transposed)"
    );
}

#[test]
fn what_could_be_a_bomb_is_refused() {
    let error = Surface::from_npz_bytes(&file("compressed.npz")).unwrap_err().to_string();
    assert!(error.contains("should be stored, as numpy.savez does, not compressed"), "{error}");
}

#[test]
fn a_file_cut_anywhere_is_an_error() {
    for (name, read) in FILES {
        let whole = file(name);
        let text = name == "surface.csv";
        // Text that ends after some line may be whole; it is the header that must be.
        for cut in 0..if text { 22 } else { whole.len() } {
            let error = read(&whole[..cut]).unwrap_err();
            let named = text || matches!(error, Error::Format { .. } | Error::Parse { .. });
            assert!(named, "{name} cut to {cut} bytes: {error}");
        }
    }
}

proptest! {
    #[test]
    fn no_damage_makes_a_reader_panic(
        which in 0..FILES.len(),
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<[u8; 8]>(), 0..9_usize), 1..6),
    ) {
        let (name, read) = FILES[which];
        let mut bytes = file(name);
        for (at, junk, length) in places {
            let at = at.index(bytes.len());
            match length {
                0 => bytes[at] ^= 1 << (junk[0] % 8),
                length => {
                    let junk = if junk[0] % 4 == 0 { [0xff; 8] } else { junk };
                    for (byte, junk) in bytes[at..].iter_mut().zip(&junk[..length]) {
                        *byte = *junk;
                    }
                }
            }
            let _ = read(&bytes);
        }
    }
}
