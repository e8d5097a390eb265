//! Every reader against files that nobody vouches for: those that fuzzing found (`tests/data/hostile`, one folder
//! a reader), and what the library writes, cut short anywhere. No panic, and memory bounded by the file.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use loss_landscape::{
    Block, CheckpointReader, Curve, Draws, FnModel, Journal, Layout, OracleError, RandomDirections, Role,
    Surface, Sweep, from_checkpoint_bytes,
    measure::{Measure, MeasureTable},
    ndarray::Ix2,
    report::SweepReport,
    to_checkpoint_bytes,
    topology::{Topology, TopologyReport},
    trajectory::{PathRecord, PrincipalPlane},
};

use crate::bound::bounded;

/// A reader, by the name of its folder: how often it took the bytes for a whole file.
type Reader = (&'static str, fn(&[u8]) -> usize);

const READERS: [Reader; 5] = [
    ("journal", journal),
    ("npz", |file| {
        bounded(file, Surface::from_npz_bytes).into_iter().count()
            + bounded(file, Curve::from_npz_bytes).into_iter().count()
            + bounded(file, TopologyReport::from_npz_bytes).into_iter().count()
            + bounded(file, PathRecord::from_npz_bytes).into_iter().count()
            + bounded(file, Draws::<Ix2>::from_npz_bytes).into_iter().count()
            + bounded(file, MeasureTable::from_npz_bytes).into_iter().count()
    }),
    ("safetensors", safetensors),
    ("json", |file| {
        let report = bounded(file, |file| serde_json::from_slice::<SweepReport>(file));
        bounded(file, Surface::from_json_bytes).into_iter().count()
            + bounded(file, Curve::from_json_bytes).into_iter().count()
            + bounded(file, TopologyReport::from_json_bytes).into_iter().count()
            + bounded(file, PathRecord::from_json_bytes).into_iter().count()
            + bounded(file, Draws::<Ix2>::from_json_bytes).into_iter().count()
            + bounded(file, MeasureTable::from_json_bytes).into_iter().count()
            + report.into_iter().count()
    }),
    ("csv", |file| {
        bounded(file, Surface::from_csv_bytes).into_iter().count()
            + bounded(file, Curve::from_csv_bytes).into_iter().count()
            + bounded(file, TopologyReport::from_csv_bytes).into_iter().count()
            + bounded(file, PathRecord::from_csv_bytes).into_iter().count()
            + bounded(file, Draws::<Ix2>::from_csv_bytes).into_iter().count()
            + bounded(file, MeasureTable::from_csv_bytes).into_iter().count()
    }),
];

fn journal(file: &[u8]) -> usize {
    let Ok(journal) = bounded(file, Journal::from_bytes) else { return 0 };
    let missing: usize = journal.gaps().iter().map(ExactSizeIterator::len).sum();
    assert_eq!(journal.computed() + missing, journal.total());
    // A result has all points of the sweep, of which a short head may announce many.
    if journal.total() < 1000 {
        let _ = (Surface::from_journal(&journal), Curve::from_journal(&journal));
    }
    1
}

fn layout() -> Layout {
    let blocks = [
        Block::weight("conv1.weight", [2, 1, 1, 2], 0),
        Block::new("bn1.weight", [2], Role::NormScale, None),
        Block::bias("temperature", []),
    ];
    Layout::new(blocks).unwrap()
}

fn safetensors(file: &[u8]) -> usize {
    let (layout, start) = (layout(), [1.0; 7]);
    let strict = bounded(file, |file| from_checkpoint_bytes::<f32>(&layout, file));
    let lax = CheckpointReader::new(&layout).allow_extra(true).allow_missing_from(&start);
    let lax = bounded(file, |file| lax.read_bytes(file));
    assert!(lax.iter().all(|read| read.theta.iter().all(|value: &f64| value.is_finite())));
    strict.into_iter().count() + lax.into_iter().count()
}

/// Files as the library writes them, of every reader: values that are not finite, two data sets, a grid that is
/// not square, a curve, points that failed or are missing.
fn written() -> Vec<(&'static str, Vec<u8>)> {
    let folder = std::env::temp_dir().join(format!("loss-landscape-hostile-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let loss = |theta: &[f64], data: &f64| -> Result<f64, OracleError> {
        let value = (theta[0] * theta[1] + data) * 0.5;
        if value > 0.6 { Err("too \"high\"".into()) } else { Ok(value.ln()) }
    };
    let model = FnModel::new(Layout::flat(2).unwrap(), vec![0.5, 0.5], loss).unwrap();
    let direction = || RandomDirections::new(1).one(&model).unwrap();
    let at = |name: &str| folder.join(name);
    let surface = Sweep::plane(&model, RandomDirections::new(1).pair(&model).unwrap())
        .data("train", &0.25)
        .data("test", &0.5)
        .alpha(-1.0..=1.0, 4)
        .beta(-1.0..=1.0, 3);
    let part = surface.shard(0, 2).journal(at("shard")).run().unwrap();
    assert!(part.report().bad_points.len() > 1, "{:?}", part.report().bad_points);
    let curve = Sweep::line(&model, direction()).data("", &0.0).alpha(-1.0..=1.0, 5);
    let curve = curve.journal(at("line")).run().unwrap();
    let read = |name: &str| fs::read(at(name)).unwrap();
    let (shard, line) = (read("shard"), read("line"));
    let joined = [&shard[..], &shard[..shard.len() - 5], &shard].concat();
    let theta: Vec<f64> = (0..7).map(f64::from).collect();
    let shape = Topology::new().of(&part).unwrap();
    let path = [[2.0, 0.0, 1.0], [1.0, -1.0, 0.5], [0.2, 0.1, 0.0], [0.0, 0.0, 0.0]];
    let path = PrincipalPlane::new().run(&Layout::flat(3).unwrap(), &path).unwrap();
    let path = PathRecord::from(path.report());
    let draws = Sweep::plane(&model, RandomDirections::new(3)).data("train", &0.25).alpha(-1.0..=1.0, 3);
    let draws = draws.beta(-1.0..=1.0, 2).draws(3).unwrap();
    let measured = draws.measure("train loss", &Measure::BendsDown { tolerance: 0.0 }).unwrap();
    let table = MeasureTable::new(vec![measured.clone(), measured]).unwrap();
    let singles: Vec<f32> = theta.iter().map(|&value| value as f32).collect();
    let files = vec![
        ("journal", shard),
        ("journal", line),
        ("journal", joined),
        ("npz", part.to_npz_bytes().unwrap()),
        ("npz", curve.to_npz_bytes().unwrap()),
        ("safetensors", to_checkpoint_bytes(&layout(), &theta).unwrap()),
        ("safetensors", to_checkpoint_bytes(&layout(), &singles).unwrap()),
        ("json", part.to_json_bytes().unwrap()),
        ("json", curve.to_json_bytes().unwrap()),
        ("json", serde_json::to_vec(part.report()).unwrap()),
        ("csv", part.to_csv_bytes().unwrap()),
        ("csv", curve.to_csv_bytes().unwrap()),
        ("json", shape.to_json_bytes().unwrap()),
        ("npz", shape.to_npz_bytes().unwrap()),
        ("csv", shape.to_csv_bytes().unwrap()),
        ("json", path.to_json_bytes().unwrap()),
        ("npz", path.to_npz_bytes().unwrap()),
        ("csv", path.to_csv_bytes().unwrap()),
        ("json", draws.to_json_bytes().unwrap()),
        ("npz", draws.to_npz_bytes().unwrap()),
        ("csv", draws.to_csv_bytes().unwrap()),
        ("json", table.to_json_bytes().unwrap()),
        ("npz", table.to_npz_bytes().unwrap()),
        ("csv", table.to_csv_bytes().unwrap()),
    ];
    fs::remove_dir_all(&folder).unwrap();
    files
}

fn reader(name: &str) -> fn(&[u8]) -> usize {
    READERS.iter().find(|(reader, _)| *reader == name).unwrap().1
}

pub(crate) fn no_file_makes_a_reader_panic_or_hold_more_than_a_multiple_of_it() {
    let written = written();
    write_seeds(&written);
    for (name, file) in &written {
        let read = reader(name);
        assert!(read(file) > 0, "a whole {name} file is read");
        for cut in 0..file.len() {
            read(&file[..cut]);
        }
    }
    beginnings(written[0].1.clone());
    for (name, whole) in [("accuracy", 1), (&"long".repeat(1000), 0)] {
        assert_eq!(reader("npz")(&halves(name)), whole, "{} bytes", name.len());
    }
    for (name, file) in long_names() {
        assert_eq!(reader(name)(&file), 0, "{name}");
    }
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/hostile");
    for (name, read) in READERS {
        let mut files = 0;
        for entry in fs::read_dir(data.join(name)).unwrap() {
            let path = entry.unwrap().path();
            eprintln!("{}", path.display());
            let whole = read(&fs::read(&path).unwrap());
            // By other programs, and good.
            let good = path.file_name().is_some_and(|name| name == "by-numpy");
            assert!(whole > 0 || !good, "{}", path.display());
            files += 1;
        }
        assert!(files > 5, "{files} files for {name}");
    }
}

/// A name of half a file for each value of the other half.
fn long_names() -> Vec<(&'static str, Vec<u8>)> {
    let name = "n".repeat(100_000);
    let csv =
        format!("alpha,{name}\n") + &(0..15_000).map(|i| format!("{i},nan\n")).collect::<Vec<_>>().concat();
    let numbers = |text: &str| vec![text; 15_000].join(",");
    let alpha = (0..15_000).map(|i| i.to_string()).collect::<Vec<_>>().join(",");
    let json = format!(
        r#"{{"format":"loss-landscape curve","version":2,"alpha":[{alpha}],"values":{{"{name}":[{}]}}}}"#,
        numbers("\"NaN\"")
    );
    vec![("csv", csv.into_bytes()), ("json", json.into_bytes())]
}

/// An npz of 300×300 values of two bytes, each of which becomes a point that is not finite.
fn halves(channel: &str) -> Vec<u8> {
    let axis: Vec<u8> = (0..300).flat_map(|i| f64::from(i).to_le_bytes()).collect();
    let nan: Vec<u8> = std::iter::repeat_n([0, 0x7e], 90_000).flatten().collect();
    let array = |descr: &str, shape: &str, data: &[u8]| {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
        [b"\x93NUMPY\x01\x00\x76\x00", format!("{header:<117}\n").as_bytes(), data].concat()
    };
    let axis = array("<f8", "300,", &axis);
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in [("alpha", &axis), ("beta", &axis), (channel, &array("<f2", "300, 300", &nan))] {
        let offset = archive.len() as u32;
        let mut common = [20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0].to_vec();
        for field in [crc32(data), data.len() as u32, data.len() as u32, name.len() as u32] {
            common.extend(field.to_le_bytes());
        }
        archive.extend([b"PK\x03\x04", &common[..], name.as_bytes(), data].concat());
        directory.extend([b"PK\x01\x02\x14\x00", &common[..], &[0; 10]].concat());
        directory.extend([&offset.to_le_bytes(), name.as_bytes()].concat());
    }
    let (size, offset) = (directory.len() as u32, archive.len() as u32);
    archive.extend([&directory[..], b"PK\x05\x06\0\0\0\0\x03\0\x03\0"].concat());
    archive.extend([size.to_le_bytes(), offset.to_le_bytes()].concat());
    archive.extend([0; 2]);
    archive
}

/// CRC-32 as zip has it, bit by bit.
fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    })
}

/// A journal of little but beginnings of records, each of which would be checked as far as the end.
fn beginnings(mut file: Vec<u8>) {
    let record = file.windows(4).position(|four| four == b"\x93pt\n").unwrap();
    let whole = file.split_off(record);
    let beginnings = 1 << 19;
    for k in 0..beginnings {
        file.extend(b"\x93pt\n");
        file.extend((8 * (beginnings - k) as u32).to_le_bytes());
    }
    file.extend(&whole);
    let start = Instant::now();
    let journal = Journal::from_bytes(&file).unwrap();
    // 1.1 TB to check otherwise.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(journal.damage().len(), 1);
}

/// Writes what the library writes as a first corpus for the targets in `fuzz/`; see there.
/// Without its variable, the folder to write to, it does nothing.
fn write_seeds(written: &[(&str, Vec<u8>)]) {
    let Some(folder) = std::env::var_os("LOSS_LANDSCAPE_SEEDS") else { return };
    for (number, (name, file)) in written.iter().enumerate() {
        let folder = Path::new(&folder).join(name);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("written-{number}")), file).unwrap();
    }
}
