//! Maps of the eigenvalue ratio with journals: warm starts go on where they were, shards start cold.

use std::{fs, path::PathBuf};

use loss_landscape::ndarray::Ix2;
use loss_landscape::{EigenRatio, Error, Journal, Plane, RandomDirections, RatioMap, Sweep};
use loss_landscape_nets::{Activation, Criterion, Mlp, Samples, digits};

struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("loss-landscape-{}-{name}", std::process::id()));
        let _ = fs::remove_file(&path);
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn net() -> Mlp<f64> {
    Mlp::new(&[64, 4, 10], Activation::Tanh, Criterion::CrossEntropy, 0).unwrap()
}

fn data() -> Samples<f64> {
    digits::<f64>().unwrap().1.select(&(0..60).collect::<Vec<_>>()).unwrap()
}

fn sweep<'a>(net: &'a Mlp<f64>, data: &'a Samples<f64>) -> Sweep<'a, Mlp<f64>, Samples<f64>, Plane<f64>> {
    let sides = -0.5..=0.5;
    Sweep::plane(net, RandomDirections::new(1)).data("", data).alpha(sides.clone(), 9).beta(sides, 9)
}

fn warm() -> EigenRatio {
    EigenRatio::new().tolerance(0.02)
}

fn cold() -> EigenRatio {
    warm().certified(true)
}

fn same(a: &RatioMap, b: &RatioMap) {
    let bits = |map: &RatioMap| map.values().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(a), bits(b));
    assert_eq!((a.ends(), a.products(), a.cold_points()), (b.ends(), b.products(), b.cold_points()));
    assert_eq!(a.uncertain(), b.uncertain());
}

#[test]
fn a_map_cut_anywhere_goes_on_from_its_neighbours() {
    let (net, data) = (net(), data());
    let whole = sweep(&net, &data).eigen_ratio(&warm()).unwrap();
    assert!(whole.cold_points() < 40, "most points of the map start warm, {} cold", whole.cold_points());
    let file = Scratch::new("map");
    same(&sweep(&net, &data).journal(&file.0).eigen_ratio(&warm()).unwrap(), &whole);
    let bytes = fs::read(&file.0).unwrap();
    for part in 1..8 {
        fs::write(&file.0, &bytes[..bytes.len() * part / 8]).unwrap();
        let resumed = sweep(&net, &data).journal(&file.0).threads(1 + part % 3).eigen_ratio(&warm()).unwrap();
        let known = resumed.report().resumed.as_ref().map_or(0, |found| found.points);
        assert!((1..81).contains(&known), "{known}");
        same(&resumed, &whole);
        same(&RatioMap::from_journal(&Journal::read([&file.0]).unwrap()).unwrap(), &whole);
    }
}

#[test]
fn shards_of_a_map_make_the_map_without_warm_starts() {
    let (net, data) = (net(), data());
    let whole = sweep(&net, &data).eigen_ratio(&cold()).unwrap();
    let files: Vec<Scratch> = (0..3).map(|k| Scratch::new(&format!("map-{k}"))).collect();
    for (k, file) in files.iter().enumerate() {
        let part = sweep(&net, &data).shard(k, 3).journal(&file.0).eigen_ratio(&warm()).unwrap();
        assert_eq!(part.report().computed, 27);
    }
    let journal = Journal::read(files.iter().map(|file| &file.0)).unwrap();
    same(&RatioMap::from_journal(&journal).unwrap(), &whole);
    // With warm starts a map is another one, to the bit.
    let other = sweep(&net, &data).journal(&files[0].0).eigen_ratio(&warm());
    assert!(matches!(other, Err(Error::JournalMismatch { .. })), "{other:?}");
    let finer = sweep(&net, &data).journal(&files[0].0).eigen_ratio(&cold().tolerance(0.01));
    assert!(matches!(finer, Err(Error::JournalMismatch { .. })));
}

#[test]
fn a_journal_of_losses_is_no_map() {
    let (net, data) = (net(), data());
    let file = Scratch::new("losses");
    let losses = Sweep::plane(&net, RandomDirections::new(1)).data("", &data);
    losses.alpha(0.0..=1.0, 3).beta(0.0..=1.0, 3).journal(&file.0).run().unwrap();
    let journal = Journal::read([&file.0]).unwrap();
    assert!(matches!(RatioMap::<Ix2>::from_journal(&journal), Err(Error::JournalKind { .. })));
    assert!(matches!(
        sweep(&net, &data).journal(&file.0).eigen_ratio(&warm()),
        Err(Error::JournalMismatch { .. })
    ));
}
