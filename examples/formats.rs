//! One landscape in every format, for other programs; and back from theirs.
//!
//! Sweeps a small function over two data sets, on a grid that is not square, with a wall behind which it is
//! infinite, a hole where it is not a number and a point where it fails; writes surfaces, curves, directions,
//! parameters, a shape and a path in all formats to a folder, and reads each of them back. Run it with
//!
//!     cargo run --release --example formats -- write formats
//!
//! `check FOLDER` instead reads the files that `tests/python/round_trip.py` writes, and compares.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use loss_landscape::{
    Curve, Direction, Directions, Draws, Layout, Loss, Model, OnBadPoint, OracleError, RandomDirections,
    Surface, Sweep, VtkHeight,
    measure::{Level, Measure, MeasureTable},
    ndarray::{Array2, Ix2},
    read_checkpoint,
    topology::{Topology, TopologyReport},
    trajectory::{PathRecord, PrincipalPlane},
    write_checkpoint,
};

/// A bowl with a wall, a hole and a trap; the data set says how steep it is.
struct Bowl {
    layout: Layout,
    theta: Vec<f64>,
}

impl Model for Bowl {
    type Scalar = f64;

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn parameters(&self) -> &[f64] {
        &self.theta
    }
}

impl Loss<f64> for Bowl {
    fn loss(&self, theta: &[f64], steepness: &f64) -> Result<f64, OracleError> {
        match (theta[0], theta[1]) {
            (x, y) if x > 1.9 && y > 2.4 => Err("the trap \"snapped\"\n".into()),
            (x, _) if x > 1.9 => Ok(f64::INFINITY),
            (x, y) if x < 0.1 && y < 1.6 => Ok(f64::NAN),
            (x, y) => Ok(steepness * ((x - 1.0).powi(2) + 0.1 * (y - 2.0).powi(2)) + 0.1),
        }
    }

    fn channels(&self) -> Vec<String> {
        vec!["loss".to_owned(), "accuracy".to_owned()]
    }

    fn measure(&self, theta: &[f64], steepness: &f64, out: &mut [f64]) -> Result<(), OracleError> {
        out[0] = self.loss(theta, steepness)?;
        out[1] = if out[0].is_finite() { 1.0 / (1.0 + out[0]) } else { out[0] };
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", folder] => write(Path::new(folder)),
        ["check", folder] => check(Path::new(folder)),
        _ => Err("formats write FOLDER, or formats check FOLDER".into()),
    }
}

fn write(folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let bowl = Bowl { layout: Layout::flat(2)?, theta: vec![1.0, 2.0] };
    let (east, north) = (vec![1.0, 0.0], vec![0.0, 1.0]);
    let plane = || {
        Directions::new(
            Direction::new(&bowl.layout, east.clone())?,
            Direction::new(&bowl.layout, north.clone())?,
        )
    };
    let grid = |alpha, beta| -> Result<_, loss_landscape::Error> {
        Ok(Sweep::plane(&bowl, plane()?)
            .data("train", &1.0)
            .data("test", &1.5)
            .alpha(-1.0..=1.0, alpha)
            .beta(-0.5..=0.5, beta)
            .threads(1))
    };
    let line = Sweep::line(&bowl, Direction::new(&bowl.layout, east.clone())?).data("", &1.0);
    let curve = line.alpha(-1.0..=1.0, 7).run()?;
    for (name, surface) in [
        ("surface", grid(5, 3)?.run()?),
        // Ends at the first bad point: some of it is not computed.
        ("stopped", grid(4, 3)?.alpha(-0.8..=1.0, 4).on_bad_point(OnBadPoint::Stop).run()?),
        // h52vtp.py takes nothing else.
        ("square", grid(4, 4)?.alpha(-0.8..=0.8, 4).run()?),
    ] {
        let path = |extension: &str| folder.join(format!("{name}.{extension}"));
        surface.write_json(path("json"))?;
        surface.write_npz(path("npz"))?;
        surface.write_csv(path("csv"))?;
        surface.write_vtk(path("vts"), &VtkHeight::new("train loss").clip(5.0))?;
        for read in [
            Surface::read_json(path("json"))?,
            Surface::read_npz(path("npz"))?,
            Surface::read_csv(path("csv"))?,
        ] {
            let same = read.channels() == surface.channels()
                && read
                    .values()
                    .iter()
                    .zip(surface.values())
                    .all(|(a, b)| a.total_cmp(b).is_eq() || a.is_nan() && b.is_nan())
                && read.computed() == surface.computed()
                && read.to_json_bytes()? == surface.to_json_bytes()?;
            assert!(same, "{name} is not what was written");
        }
    }
    let path = |extension: &str| folder.join(format!("curve.{extension}"));
    curve.write_json(path("json"))?;
    curve.write_npz(path("npz"))?;
    curve.write_csv(path("csv"))?;
    write_checkpoint(&bowl.layout, &bowl.theta, folder.join("theta.safetensors"))?;
    let random = RandomDirections::new(3).pair(&bowl)?;
    random.first().write_safetensors(folder.join("direction.safetensors"))?;
    random.write_safetensors(folder.join("plane.safetensors"))?;
    reports(folder, &bowl)?;
    println!("Written to {}.", folder.display());
    Ok(())
}

/// The shape of a rough surface with a hole, and a path with losses, one of which fails.
fn reports(folder: &Path, bowl: &Bowl) -> Result<(), Box<dyn Error>> {
    let at: Vec<f64> = (0..9).map(|i| f64::from(i) / 4.0 - 1.0).collect();
    let mut loss = Array2::from_shape_fn((9, 7), |(i, j)| (5.0 * at[i]).sin() + (7.0 * at[j]).cos() + at[i]);
    loss[[7, 5]] = f64::NAN;
    let surface = Surface::from_channels(&at, &at[..7], [("rough".to_owned(), loss)])?;
    let shape = Topology::new().of(&surface)?;
    let snapshots = [[2.0, 2.5], [1.9, 2.0], [1.2, 2.2], [1.0, 2.0]];
    let path = PrincipalPlane::new().run(&bowl.layout, &snapshots)?;
    let losses = path.losses(bowl, &snapshots, &1.0)?;
    let path = PathRecord::from(path.report()).with_losses(&losses);
    let file = |name: &str| folder.join(name);
    shape.write_json(file("shape.json"))?;
    shape.write_npz(file("shape.npz"))?;
    shape.write_csv(file("shape.csv"))?;
    path.write_json(file("path.json"))?;
    path.write_npz(file("path.npz"))?;
    path.write_csv(file("path.csv"))?;
    let written = shape.to_json_bytes()?;
    for read in [
        TopologyReport::read_json(file("shape.json"))?,
        TopologyReport::read_npz(file("shape.npz"))?,
        TopologyReport::read_csv(file("shape.csv"))?,
    ] {
        assert_eq!(read.to_json_bytes()?, written, "the shape is not what was written");
    }
    let written = path.to_json_bytes()?;
    for read in [
        PathRecord::read_json(file("path.json"))?,
        PathRecord::read_npz(file("path.npz"))?,
        PathRecord::read_csv(file("path.csv"))?,
    ] {
        assert_eq!(read.to_json_bytes()?, written, "the path is not what was written");
    }
    draws(folder, bowl)
}

/// Three draws of a plane, some of whose points fail, and two measures of them.
fn draws(folder: &Path, bowl: &Bowl) -> Result<(), Box<dyn Error>> {
    let plane = Sweep::plane(bowl, RandomDirections::new(5)).data("train", &1.0).data("test", &1.5);
    let draws = plane.alpha(-1.0..=1.0, 5).beta(-1.0..=1.0, 3).threads(1).draws(3)?;
    let of = |measure: Measure| draws.measure("train loss", &measure);
    let measures =
        MeasureTable::new(vec![of(Measure::Offset)?, of(Measure::ShareBelow(Level::AboveCentre(0.5)))?])?;
    let file = |name: &str| folder.join(name);
    draws.write_json(file("draws.json"))?;
    draws.write_npz(file("draws.npz"))?;
    draws.write_csv(file("draws.csv"))?;
    measures.write_json(file("measures.json"))?;
    measures.write_npz(file("measures.npz"))?;
    measures.write_csv(file("measures.csv"))?;
    let written = draws.to_json_bytes()?;
    for read in [
        Draws::<Ix2>::read_json(file("draws.json"))?,
        Draws::<Ix2>::read_npz(file("draws.npz"))?,
        Draws::<Ix2>::read_csv(file("draws.csv"))?,
    ] {
        assert_eq!(read.to_json_bytes()?, written, "draws are not what was written");
    }
    for read in [
        MeasureTable::read_json(file("measures.json"))?,
        MeasureTable::read_npz(file("measures.npz"))?,
        MeasureTable::read_csv(file("measures.csv"))?,
    ] {
        assert_eq!(read, measures, "measures are not what was written");
    }
    Ok(())
}

/// What the Python script puts at point [i, j], or for a curve at [i, 0].
fn expected(i: usize, j: usize) -> f64 {
    match (i, j) {
        (0, 0) => -0.0,
        (1, 0) => f64::NAN,
        (2, 0) => f64::INFINITY,
        (3, 0) => f64::NEG_INFINITY,
        _ => (i as f64 + 0.1) / (j as f64 + 0.3),
    }
}

fn check(folder: &Path) -> Result<(), Box<dyn Error>> {
    let same = |found: f64, at: (usize, usize), tolerance: f64, path: &PathBuf| {
        let expected = expected(at.0, at.1);
        let equal = found.total_cmp(&expected).is_eq()
            || found.is_nan() && expected.is_nan()
            || (found - expected).abs() <= tolerance * expected.abs();
        assert!(equal, "{}: {found} at {at:?}, not {expected}", path.display());
    };
    let mut count = 0;
    let mut surface = |name: &str, read: &dyn Fn(&PathBuf) -> loss_landscape::Result<Surface>| {
        let path = folder.join(name);
        if !path.exists() {
            println!("{name} is not there");
            return Ok::<_, loss_landscape::Error>(());
        }
        let surface = read(&path)?;
        assert_eq!((surface.shape(), surface.beta()), ([5, 3], [-1.0, 0.25, 1.5].as_slice()), "{name}");
        for (at, &value) in surface.channel("train loss")?.indexed_iter() {
            same(value, at, 0.0, &path);
        }
        if surface.channels().len() > 1 {
            // Percent come back as fractions, to rounding.
            for (at, &value) in surface.channel("train accuracy")?.indexed_iter() {
                same(value, at, 1e-15, &path);
            }
        }
        count += 1;
        Ok(())
    };
    surface("surface.npz", &|path| Surface::read_npz(path))?;
    surface("fortran.npz", &|path| Surface::read_npz(path))?;
    surface("rewritten.npz", &|path| Surface::read_npz(path))?;
    surface("surface.json", &|path| Surface::read_json(path))?;
    surface("surface.csv", &|path| Surface::read_csv(path))?;
    // Out of the original repository's HDF5, by the script beside this crate.
    surface("original_by_script.npz", &|path| Surface::read_npz(path))?;
    surface("latest_by_script.npz", &|path| Surface::read_npz(path))?;
    for (name, curve) in [
        ("curve.npz", Curve::read_npz as fn(PathBuf) -> loss_landscape::Result<Curve>),
        ("curve.json", Curve::read_json),
        ("curve.csv", Curve::read_csv),
        ("curve_by_script.npz", Curve::read_npz),
    ] {
        let path = folder.join(name);
        if path.exists() {
            for (i, &value) in curve(path.clone())?.channel("train loss")?.iter().enumerate() {
                same(value, (i, 0), 0.0, &path);
            }
            count += 1;
        }
    }
    let path = folder.join("direction.safetensors");
    if path.exists() {
        let layout = Layout::flat(2)?;
        let direction = Direction::<f64>::read_safetensors(&layout, &path)?;
        assert_eq!(direction.values(), [0.1, -2.5]);
        assert_eq!(read_checkpoint::<f64>(&layout, &path)?.theta, [0.1, -2.5]);
        count += 1;
    }
    println!("{count} files by Python hold what they should");
    Ok(())
}
