//! What a hostile file of a result can make its reader allocate: a multiple of the file's own size.

use loss_landscape::{Curve, Surface, ndarray::Array2};

use crate::bound::{FACTOR, peak};

/// Entries in a row: a vector that grows by doubling holds three times as many just then.
const WORST: usize = (1 << 16) + 1;

/// The most bytes that reading holds at once, for each byte of the file; and whether it was read.
fn taken<T>(file: &[u8], read: impl Fn(&[u8]) -> loss_landscape::Result<T>) -> (f64, bool) {
    let (read, peak) = peak(|| read(file));
    (peak as f64 / file.len() as f64, read.is_ok())
}

fn surface(rows: usize, columns: usize) -> Surface {
    let axis = |n: usize| (0..n).map(|i| i as f64).collect::<Vec<_>>();
    let loss = Array2::from_shape_fn((rows, columns), |(i, j)| (i * j) as f64 / 7.0);
    Surface::from_channels(&axis(rows), &axis(columns), [("loss".to_owned(), loss)]).unwrap()
}

/// Writes all ones, or a size that could be, over every word of the file's ends, where its sizes are.
fn lies(good: &[u8], most: f64, read: impl Fn(&[u8]) -> loss_landscape::Result<Surface>) {
    let len = good.len();
    for at in (0..len).filter(|at| *at < 4000 || *at > len - 4000) {
        for lie in [[0xff; 8], [0, 0, 0, 0, 1, 0, 0, 0], [0xff, 0xff, 0xff, 0, 0, 0, 0, 0]] {
            let mut bad = good.to_vec();
            for (byte, lie) in bad[at..].iter_mut().zip(lie) {
                *byte = lie;
            }
            let (bad, _) = taken(&bad, &read);
            assert!(bad < most, "{bad} with {lie:?} at {at} of {len}");
        }
    }
}

pub(crate) fn memory_is_bounded_by_the_file() {
    let surface = surface(60, 40);
    let good =
        |name: &str, most: f64, file: &[u8], read: &dyn Fn(&[u8]) -> loss_landscape::Result<Surface>| {
            let (taken, read) = taken(file, read);
            assert!(read && taken < most, "{name}: {taken}");
        };
    let npz = surface.to_npz_bytes().unwrap();
    good("npz", 8.0, &npz, &Surface::from_npz_bytes);
    let json = surface.to_json_bytes().unwrap();
    good("json", 8.0, &json, &Surface::from_json_bytes);
    let csv = surface.to_csv_bytes().unwrap();
    good("csv", 16.0, &csv, &Surface::from_csv_bytes);
    lies(&npz, 20.0, Surface::from_npz_bytes);

    // JSON of the parts that take most, wherever a reader looks, and in a field that it does not know.
    let around = [
        ("\"x\":[", "0]"),
        ("\"alpha\":[", "0]"),
        ("\"channels\":[", "\"\"]"),
        ("\"values\":{\"a\":[", "[0]]}"),
        ("\"values\":{\"a\":[[", "0]]}"),
        ("\"values\":{", "\"a\":[[0]]}"),
        ("\"computed\":[", "[true]]"),
        ("\"computed\":[[", "true]]"),
        ("\"report\":{\"bad_points\":[", "0]}"),
        ("\"report\":{\"provenance\":{\"data\":[", "\"\"]}}"),
        ("\"report\":{\"provenance\":{\"data_hashes\":[", "null]}}"),
        ("\"report\":{\"provenance\":{\"directions\":[", "0]}}"),
    ];
    let bad_point = r#"{"index":[0,0],"coordinates":[0,0],"data":"","failure":{"panic":""}},"#;
    let direction = r#"{"source":"given","normalization":null,"hash":"0123456789abcdef"},"#;
    let parts = [
        "0,",
        "[0],",
        "\"\",",
        "{\"\":0},",
        "[],",
        "{},",
        "null,",
        "[\"NaN\",\"\"],",
        "true,",
        "[true],",
        "\"NaN\",",
        "[1,2],",
        "\"a\":[],",
        "\"a\":[[0]],",
        "\"0123456789abcdef\",",
        bad_point,
        direction,
    ];
    for (before, after) in around {
        for part in parts {
            let head = "{\"format\":\"loss-landscape surface\",\"version\":2,";
            let text = format!("{head}{before}{}{after}}}", part.repeat(WORST));
            let (bad, read) = taken(text.as_bytes(), Surface::from_json_bytes);
            assert!(!read && bad < FACTOR as f64, "{bad}: {before}{part}");
        }
    }
    // A whole file whose points are all listed as bad.
    let axis: Vec<String> = (0..WORST).map(|i| i.to_string()).collect();
    let (axis, nans) = (axis.join(","), vec!["\"NaN\""; WORST].join(","));
    for name in ["a".to_owned(), "n".repeat(128)] {
        let values = format!(r#""values":{{"{name}":[{nans}]}}"#);
        let text = format!(r#"{{"format":"loss-landscape curve","version":2,"alpha":[{axis}],{values}}}"#);
        let (bad, read) = taken(text.as_bytes(), Curve::from_json_bytes);
        assert!(read && bad < FACTOR as f64, "{bad}");
    }
    // Many channels out of one.
    let names = vec!["\"a\""; WORST].join(",");
    let text = format!(
        "{{\"format\":\"loss-landscape curve\",\"version\":2,\"alpha\":[0],\"channels\":[{names}],\
         \"values\":{{\"a\":[0]}}}}"
    );
    let (bad, read) = taken(text.as_bytes(), Curve::from_json_bytes);
    assert!(!read && bad < FACTOR as f64, "{bad}");

    // CSV of the same kind.
    let names: Vec<String> = (0..WORST).map(|i| format!("{i:x}")).collect();
    let bad_points: Vec<String> = (0..WORST).map(|i| format!("{i},nan\n")).collect();
    let long = "n".repeat(128);
    for text in [
        format!("alpha,{long}\n{}", bad_points.concat()),
        format!("alpha,{}\n", ",".repeat(16 * WORST)),
        format!("alpha,{}\n0\n", names.join(",")),
        format!("alpha,loss\n{}", "0\n".repeat(16 * WORST)),
        format!("alpha\n{}", "0\n".repeat(16 * WORST)),
        format!("alpha,loss\n0{}", ",0".repeat(16 * WORST)),
        format!("alpha,loss\n{}", bad_points.concat()),
        format!("{}alpha,loss\n0,1\n", "# a: b\n".repeat(WORST)),
    ] {
        let (bad, _) = taken(text.as_bytes(), Curve::from_csv_bytes);
        assert!(bad < FACTOR as f64, "{bad}: {text:.60}");
    }
}
