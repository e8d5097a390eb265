//! What a hostile file of a result can make its reader allocate: a multiple of the file's own size.

use loss_landscape::{Curve, Surface, ndarray::Array2};
use stats_alloc::Region;

use crate::ALLOCATOR;

/// All bytes that reading asks for, freed and moved ones too, for each byte of the file; and whether it was read.
fn taken<T>(file: &[u8], read: impl Fn(&[u8]) -> loss_landscape::Result<T>) -> (f64, bool) {
    let region = Region::new(ALLOCATOR);
    let read = read(file);
    let change = region.change();
    (change.bytes_allocated as f64 / file.len() as f64, read.is_ok())
}

/// The bytes that a writer puts into a file.
fn written(write: impl Fn(&std::path::Path) -> loss_landscape::Result<()>) -> Vec<u8> {
    let path = std::env::temp_dir().join(format!("loss-landscape-memory-{}", std::process::id()));
    write(&path).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    bytes
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
    let npz = written(|path| surface.write_npz(path));
    good("npz", 8.0, &npz, &Surface::from_npz_bytes);
    let json = written(|path| surface.write_json(path));
    good("json", 8.0, &json, &Surface::from_json_bytes);
    let csv = written(|path| surface.write_csv(path));
    good("csv", 16.0, &csv, &Surface::from_csv_bytes);
    let hdf5 = written(|path| surface.write_hdf5(path));
    good("hdf5", 8.0, &hdf5, &Surface::from_hdf5_bytes);
    lies(&npz, 20.0, Surface::from_npz_bytes);
    lies(&hdf5, 20.0, Surface::from_hdf5_bytes);
    // Structures that our files do not have.
    for name in ["original.h5", "latest.h5"] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/files");
        lies(&std::fs::read(folder.join(name)).unwrap(), 20.0, Surface::from_hdf5_bytes);
    }

    // JSON of the parts that take most.
    let head = "{\"format\":\"loss-landscape surface\",\"version\":1,\"x\":[";
    for part in ["0,", "[0],", "\"\",", "{\"\":0},", "[],", "{},", "null,", "[\"NaN\",\"\"],", "true,"] {
        let text = format!("{head}{}0]}}", part.repeat(100_000));
        let (bad, read) = taken(text.as_bytes(), Surface::from_json_bytes);
        assert!(!read && bad < 40.0, "{bad}: {part}");
    }
    // Many channels out of one.
    let names = vec!["\"a\""; 10_000].join(",");
    let text = format!(
        "{{\"format\":\"loss-landscape curve\",\"version\":1,\"alpha\":[0],\"channels\":[{names}],\"values\":{{\"a\":[0]}}}}"
    );
    let (bad, read) = taken(text.as_bytes(), Curve::from_json_bytes);
    assert!(!read && bad < 40.0, "{bad}");

    // CSV of the same kind.
    let names: Vec<String> = (0..100_000).map(|i| format!("{i:x}")).collect();
    let bad_points: Vec<String> = (0..100_000).map(|i| format!("{i},nan\n")).collect();
    for text in [
        format!("alpha,{}\n", ",".repeat(1_000_000)),
        format!("alpha,{}\n0\n", names.join(",")),
        format!("alpha,loss\n{}", "0\n".repeat(1_000_000)),
        format!("alpha\n{}", "0\n".repeat(1_000_000)),
        format!("alpha,loss\n0{}", ",0".repeat(1_000_000)),
        format!("alpha,loss\n{}", bad_points.concat()),
        format!("{}alpha,loss\n0,1\n", "# a: b\n".repeat(100_000)),
    ] {
        let (bad, _) = taken(text.as_bytes(), Curve::from_csv_bytes);
        assert!(bad < 40.0, "{bad}: {text:.60}");
    }
}
