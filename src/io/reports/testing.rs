//! The properties of all formats: what is written is read back; damage is an error or another report, never a panic.

use ndarray::{Array1, Array2, Ix1, Ix2};
use proptest::prelude::*;

use super::{Report, csv, json, npz, tables::Tabular};
use crate::{
    Curve, Draws, Result, Surface,
    draws::DrawsReport,
    io::testing::damage,
    landscape::PointFailure,
    measure::{MeasureTable, Measured, Reading},
    topology::{Neighbours, Topology, TopologyReport},
    trajectory::{PathFailure, PathLosses, PathRecord, TrajectoryReport},
};

/// A format: its two functions.
struct Format<R> {
    name: &'static str,
    encode: fn(&R) -> Result<Vec<u8>>,
    decode: fn(&[u8]) -> Result<R>,
}

fn formats<R: Tabular>() -> [Format<R>; 3] {
    [
        Format { name: "JSON", encode: json::encode, decode: json::decode },
        Format { name: "npz", encode: npz::encode, decode: npz::decode },
        Format { name: "CSV", encode: csv::encode, decode: csv::decode },
    ]
}

/// Shapes of small grids with plateaus and holes, with and without noise.
fn topologies() -> impl Strategy<Value = TopologyReport> {
    let value = prop_oneof![
        6 => (-4..9_i8).prop_map(|v| f64::from(v) / 3.0),
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, -0.0, 1e300]),
    ];
    let grid = (1..6_usize, 1..6_usize, any::<bool>()).prop_flat_map(move |(rows, columns, plane)| {
        let columns = if plane { columns } else { 1 };
        (Just((rows, columns, plane)), prop::collection::vec(value.clone(), rows * columns))
    });
    (grid, any::<bool>(), prop::option::of(0.0..0.2_f64), 0.0..0.5_f64).prop_map(
        |(((rows, columns, plane), values), eight, error, above)| {
            let neighbours = if eight { Neighbours::Eight } else { Neighbours::Four };
            let topology = Topology::new().neighbours(neighbours).persistence_above(above);
            let topology = error.map_or(topology.clone(), |error| topology.standard_error(error));
            let axis = |len: usize| (0..len).map(|i| i as f64 / 7.0 - 0.3).collect::<Vec<_>>();
            let name = "a, \"loss\"\n# 1".to_owned();
            if plane {
                let values = Array2::from_shape_vec((rows, columns), values).unwrap();
                topology.of(&Surface::from_channels(&axis(rows), &axis(columns), [(name, values)]).unwrap())
            } else {
                topology.of(&Curve::from_channels(&axis(rows), [(name, Array1::from(values))]).unwrap())
            }
            .unwrap()
        },
    )
}

/// Trajectories with any values in them.
fn records() -> impl Strategy<Value = PathRecord> {
    let finite = || any::<f64>().prop_filter("finite", |value| value.is_finite());
    (2..6_usize, 2..4_usize).prop_flat_map(move |(t, components)| {
        let of = move |len: usize| prop::collection::vec(finite(), len);
        let loss = || prop::collection::vec(prop_oneof![finite(), Just(f64::NAN), Just(f64::INFINITY)], t);
        let failure = (0..t, any::<bool>(), ".{0,9}").prop_map(|(snapshot, on_plane, text)| PathFailure {
            snapshot,
            on_plane,
            failure: PointFailure::Panic(text),
        });
        let losses = (loss(), loss(), prop::collection::vec(failure, 0..3))
            .prop_map(|(on_path, on_plane, failures)| PathLosses { on_path, on_plane, failures });
        let by_component = (of(t - 1), of(t - 1), of(t - 1), of(t - 1));
        let by_snapshot = (prop::collection::vec(of(t), components), of(t), of(t));
        (by_component, by_snapshot, prop::option::of(losses), any::<bool>()).prop_map(
            move |(components, snapshots, losses, centred)| PathRecord {
                report: TrajectoryReport {
                    snapshots: t,
                    parameters: 7,
                    centred,
                    dimensions: t - 1,
                    eigenvalues: components.0,
                    shares: components.1,
                    random_walk: components.2,
                    random_walk_of_steps: components.3,
                    coordinates: snapshots.0,
                    distances: snapshots.1,
                    off_plane: snapshots.2,
                },
                losses,
            },
        )
    })
}

/// Draws of curves with any values, some not computed, and a report as a sweep gives it.
fn curves() -> impl Strategy<Value = Draws<Ix1>> {
    let value = prop_oneof![4 => any::<f64>(), 1 => Just(f64::NAN), 1 => Just(-0.0)];
    (1..5_usize, 1..4_usize, 1..3_usize).prop_flat_map(move |(draws, points, channels)| {
        let values = prop::collection::vec(value.clone(), draws * points * channels);
        (values, prop::collection::vec(0..3_u8, draws * points), 0..1_u64 << 51).prop_map(
            move |(values, computed, nanos)| {
                let axis: Vec<f64> = (0..points).map(|i| i as f64 / 3.0 - 0.1).collect();
                let curve = |draw: usize| {
                    let of = |k: usize| {
                        let own = values[draw * points * channels..].iter().skip(k).step_by(channels);
                        (format!("a,\"{k}\"\n#"), own.take(points).copied().collect::<Array1<f64>>())
                    };
                    let curve = Curve::from_channels(&axis, (0..channels).map(of)).unwrap();
                    let done = computed[draw * points..][..points].iter().map(|&c| c > 0).collect();
                    with_computed(&curve, done)
                };
                let draws = Draws::new((0..draws).map(curve).collect()).unwrap();
                let report = DrawsReport {
                    elapsed: std::time::Duration::from_nanos(nanos),
                    threads: 3,
                    ..draws.report().clone()
                };
                draws.reported(report)
            },
        )
    })
}

/// The same curve, of which these points are computed.
fn with_computed(curve: &Curve, computed: Vec<bool>) -> Curve {
    let mut report = curve.report().clone();
    report.computed = computed.iter().filter(|&&done| done).count();
    let parts = crate::landscape::Parts {
        alpha: curve.alpha().to_vec(),
        beta: vec![0.0],
        values: curve.flat_values().to_vec(),
        computed,
        channels: curve.channels().to_vec(),
        report,
    };
    Curve::assemble(parts)
}

/// Two draws of a surface.
fn surfaces() -> Draws<Ix2> {
    let surface = |shift: f64| {
        let loss = Array2::from_shape_fn((3, 2), |(i, j)| shift + (i * 2 + j) as f64);
        Surface::from_channels(&[-1.0, 0.0, 1.0], &[0.0, 0.5], [("loss".to_owned(), loss)]).unwrap()
    };
    Draws::new(vec![surface(0.0), surface(0.25)]).unwrap()
}

fn measures() -> impl Strategy<Value = MeasureTable> {
    let number = || any::<f64>().prop_filter("finite", |value| value.is_finite());
    let reading = prop_oneof![
        number().prop_map(Reading::Value),
        number().prop_map(Reading::AtLeast),
        Just(Reading::Unknown)
    ];
    (0..4_usize, 0..5_usize).prop_flat_map(move |(measures, draws)| {
        let measured = (".{0,9}", prop::collection::vec(reading.clone(), draws));
        let measured = measured.prop_map(|(name, readings)| Measured::new(name, readings));
        prop::collection::vec(measured, measures).prop_map(|measures| MeasureTable::new(measures).unwrap())
    })
}

/// All of it as text: NaN equals itself, and −0 differs from 0.
fn text(report: &impl Report) -> String {
    serde_json::to_string(report).unwrap()
}

fn comes_back<R: Tabular>(report: &R) -> std::result::Result<(), TestCaseError> {
    for Format { name, encode, decode } in formats::<R>() {
        let bytes = encode(report).unwrap();
        let read = decode(&bytes).map_err(|error| TestCaseError::fail(format!("{name}: {error}")))?;
        prop_assert_eq!(text(&read), text(report), "{}", name);
        prop_assert_eq!(encode(&read).unwrap(), bytes, "{}", name);
    }
    Ok(())
}

fn survives<R: Tabular>(report: &R, damages: &[crate::io::testing::Damage], junk: &[u8]) {
    for Format { encode, decode, .. } in formats::<R>() {
        assert!(decode(junk).is_err());
        let mut bytes = encode(report).unwrap();
        for damage in damages {
            bytes = damage.apply(&bytes);
            if let Ok(read) = decode(&bytes) {
                assert!(read.check().is_ok());
            }
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_of_a_shape_is_read_back(report in topologies()) {
        prop_assert!(report.check().is_ok(), "{:?}", report.check());
        comes_back(&report)?;
        for format in formats::<PathRecord>() {
            let other = formats::<TopologyReport>().into_iter().find(|other| other.name == format.name).unwrap();
            prop_assert!((format.decode)(&(other.encode)(&report).unwrap()).is_err());
        }
    }

    #[test]
    fn what_is_written_of_a_trajectory_is_read_back(record in records()) {
        comes_back(&record)?;
    }

    #[test]
    fn what_is_written_of_draws_and_measures_is_read_back(draws in curves(), table in measures()) {
        comes_back(&draws)?;
        comes_back(&table)?;
    }

    #[test]
    fn no_damage_makes_a_reader_of_reports_panic(
        (report, record, draws, table) in (topologies(), records(), curves(), measures()),
        damages in prop::collection::vec(damage(), 1..4),
        junk in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        survives(&report, &damages, &junk);
        survives(&record, &damages, &junk);
        survives(&draws, &damages, &junk);
        survives(&surfaces(), &damages, &junk);
        survives(&table, &damages, &junk);
    }
}

fn two_wells() -> TopologyReport {
    let loss = ndarray::array![[0.0, 3.0, 1.0], [5.0, 4.0, f64::NAN]];
    let surface = Surface::from_channels(&[0.0, 1.0], &[0.0, 0.5, 1.0], [("loss".to_owned(), loss)]).unwrap();
    Topology::new().of(&surface).unwrap()
}

#[test]
fn the_files_are_these_texts() {
    let csv = String::from_utf8(two_wells().to_csv_bytes().unwrap()).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert!(
        lines[0]
            .starts_with("# {\"format\":\"loss-landscape topology\",\"version\":2,\"report\":{\"channel\"")
    );
    assert_eq!(
        lines[1..],
        [
            "table,i,j,alpha,beta,value,merge,persistence,depth,basin_points,basin_share,certain,basin_beside_hole,\
             ends,continues,between_1,between_2,pass_i,pass_j,pass_alpha,pass_beta,pass_value,dimension,birth,death,\
             parent,basin",
            "minimum,0,0,0.0,0.0,0.0,,inf,3.0,4,0.8,0,1,,,,,,,,,,,,,,",
            "minimum,0,2,0.0,1.0,1.0,0,2.0,2.0,1,0.2,0,1,,,,,,,,,,,,,,",
            "merge,0,1,0.0,0.5,3.0,,,,,,0,,1,0,1,0,,,,,,,,,,",
            "pair,,,,,,,,,,,0,,,,,,,,,,,0,0.0,inf,,",
            "pair,,,,,,,,,,,0,,,,,,,,,,,0,1.0,3.0,,",
            "node,,,,,0.0,,,,,,,,,,,,,,,,,,,,2,",
            "node,,,,,1.0,,,,,,,,,,,,,,,,,,,,2,",
            "node,,,,,3.0,,,,,,,,,,,,,,,,,,,,,",
            "point,,,,,,,,,,,,,,,,,,,,,,,,,,0",
            "point,,,,,,,,,,,,,,,,,,,,,,,,,,0",
            "point,,,,,,,,,,,,,,,,,,,,,,,,,,1",
            "point,,,,,,,,,,,,,,,,,,,,,,,,,,0",
            "point,,,,,,,,,,,,,,,,,,,,,,,,,,0",
            "point,,,,,,,,,,,,,,,,,,,,,,,,,,",
        ]
    );
    let json = String::from_utf8(two_wells().to_json_bytes().unwrap()).unwrap();
    assert!(json.starts_with(
        "{\n\"format\":\"loss-landscape topology\",\n\"version\":2,\n\"report\":{\"channel\":\"loss\""
    ));
}

#[test]
fn what_does_not_fit_is_named() {
    let text = String::from_utf8(two_wells().to_json_bytes().unwrap()).unwrap();
    let error = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}: {text}");
        TopologyReport::from_json_bytes(text.replacen(from, to, 1).as_bytes()).unwrap_err().to_string()
    };
    for (from, to, expected) in [
        ("topology", "surface", "the format should be \"loss-landscape topology\""),
        ("\"version\":2", "\"version\":9", "the version of the format should be 2, not 9"),
        ("\"shape\":[2,3]", "\"shape\":[2,2]", "the basins should be one for each of 2×2 points, not 6"),
        ("\"points\":5", "\"points\":6", "points and holes should be 6 together, not 6 and 1"),
        ("\"index\":[0,2]", "\"index\":[0,3]", "an index should be below [2, 3], not [0, 3]"),
        ("\"ends\":1", "\"ends\":2", "merge 0 should be of one of 2 minima, not of 2"),
        ("\"ends\":1", "\"ends\":0", "merge 0 should be of two minima that have not ended"),
        ("\"merge\":0,", "\"merge\":null,", "the merge of minimum 1 should be 0, not none"),
        ("\"parent\":2", "\"parent\":7", "the merge tree should be that of its minima and merges"),
    ] {
        let found = error(from, to);
        assert!(found.contains(expected), "{found}");
    }
    let csv = String::from_utf8(two_wells().to_csv_bytes().unwrap()).unwrap();
    let error = |from: &str, to: &str| {
        assert!(csv.contains(from), "{from}");
        TopologyReport::from_csv_bytes(csv.replacen(from, to, 1).as_bytes()).unwrap_err().to_string()
    };
    for (from, to, expected) in [
        ("# {", "# [", "line 1 should be a comment"),
        ("basin_share", "share", "the header should be with the columns of `basin_share`, not without"),
        ("minimum,0,2", "maximum,0,2", "the table of line 4 should be one of minimum, merge"),
        ("merge,0,1,", "merge,0,", "line 5 should be 27 fields, not 26"),
        ("minimum,0,2,", "minimum,0.5,2,", "field 2 of line 4 should be a number of its kind, not 0.5"),
        ("merge,0,1,", "merge,,1,", "merge 0 should be whole, not without an index"),
    ] {
        let found = error(from, to);
        assert!(found.contains(expected), "{found}");
    }
}

#[test]
fn a_trajectory_whose_parts_differ_in_length_is_refused() {
    let path = [[3.0, 0.0, 0.0], [1.0, 1.0, 0.5], [0.5, -0.5, 0.0], [0.0, 0.0, 0.0]];
    let layout = crate::Layout::flat(3).unwrap();
    let trajectory = crate::trajectory::PrincipalPlane::new().run(&layout, &path).unwrap();
    let record = PathRecord::from(trajectory.report());
    comes_back(&record).unwrap();
    let losses = PathLosses { on_path: vec![1.0; 3], on_plane: vec![1.0; 4], failures: Vec::new() };
    let text = record.with_losses(&losses).to_json_bytes().unwrap();
    let error = PathRecord::from_json_bytes(&text).unwrap_err().to_string();
    assert!(error.contains("the values of a trajectory should be 4 of them, not 3"), "{error}");
}

#[test]
fn draws_of_surfaces_are_a_table_of_all_their_points() {
    comes_back(&surfaces()).unwrap();
    let csv = String::from_utf8(surfaces().to_csv_bytes().unwrap()).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[1], "table,draw,alpha,beta,value_1,computed");
    assert_eq!((lines[2], lines[13], lines.len()), ("point,0,-1.0,0.0,0.0,1", "point,1,1.0,0.5,5.25,1", 14));
    let error = |from: &str, to: &str| {
        assert!(csv.contains(from), "{from}");
        Draws::<Ix2>::from_csv_bytes(csv.replacen(from, to, 1).as_bytes()).unwrap_err().to_string()
    };
    for (from, to, expected) in [
        ("point,1,", "point,0,", "the points should be every point of one grid once"),
        ("point,1,1.0,0.5,5.25,1\n", "", "the points should be as many in each of 2 draws, not 11"),
        (
            "\"draws\":2,\"total\":12",
            "\"draws\":3,\"total\":12",
            "the counts of the report should be [2, 12, 12, 0]",
        ),
        (
            "\"channels\":[\"loss\"]",
            "\"channels\":[]",
            "the columns `value` should be 0, one for each channel, not 1",
        ),
        ("draws of surfaces", "draws of curves", "the format should be \"loss-landscape draws of surfaces\""),
    ] {
        let found = error(from, to);
        assert!(found.contains(expected), "{found}");
    }
    assert!(Draws::<Ix1>::from_csv_bytes(csv.as_bytes()).is_err());
    let table =
        MeasureTable::new(vec![Measured::new("a", [Reading::AtLeast(1.0), Reading::Unknown])]).unwrap();
    let csv = String::from_utf8(table.to_csv_bytes().unwrap()).unwrap();
    assert!(csv.ends_with("table,value_1,known_1\ndraw,1.0,2\ndraw,NaN,0\n"), "{csv}");
    let error =
        MeasureTable::from_csv_bytes(csv.replace("1.0,2", "1.0,7").as_bytes()).unwrap_err().to_string();
    assert!(error.contains("what is known of a reading should be 0, 1 or 2, not 7"), "{error}");
    let few = Measured::new("b", [Reading::Unknown]);
    assert!(MeasureTable::new(vec![table.measures()[0].clone(), few]).is_err());
}
