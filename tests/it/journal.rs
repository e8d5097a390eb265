//! Sweeps that go on where they were stopped: same bits, nothing twice, nothing of another sweep.

use std::{
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use loss_landscape::{
    Curve, EigenRatio, Error, FnModel, Journal, Layout, Loss, Model, Observer, OracleError, Plane, Progress,
    RandomDirections, RatioMap, Surface, Sweep, ndarray::Ix2, report::SweepEnd,
};
use proptest::prelude::*;

use crate::quadratic::Quadratic;

/// A file of its own in the temporary folder, gone in the end.
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

/// Counts what it is asked for; fails, panics and overflows at some points.
struct Counting {
    layout: Layout,
    theta: Vec<f64>,
    calls: AtomicUsize,
}

impl Counting {
    fn new() -> Self {
        let layout = Layout::flat(3).unwrap();
        Self { layout, theta: vec![1.0, -0.5, 0.25], calls: AtomicUsize::new(0) }
    }

    fn calls(&self) -> usize {
        self.calls.swap(0, Ordering::Relaxed)
    }
}

impl Model for Counting {
    type Scalar = f64;
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn parameters(&self) -> &[f64] {
        &self.theta
    }
}

impl Loss<u64> for Counting {
    fn loss(&self, theta: &[f64], data: &u64) -> Result<f64, OracleError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let value = theta.iter().map(|t| (t * *data as f64).sin()).sum::<f64>();
        if value > 2.0 {
            return Err("too high".into());
        }
        assert!(value > -2.0, "too low");
        Ok(if value.abs() < 0.05 { f64::INFINITY } else { value })
    }

    fn fingerprint(&self, data: &u64) -> Option<u64> {
        Some(*data)
    }
}

fn grid<'a>(model: &'a Counting, data: &'a [u64; 2]) -> Sweep<'a, Counting, u64, Plane<f64>> {
    Sweep::plane(model, RandomDirections::new(7).pair(model).unwrap())
        .data("train", &data[0])
        .data("test\nset", &data[1])
        .alpha(-3.0..=3.0, 9)
        .beta(-2.0..=2.0, 7)
}

fn bits(surface: &Surface) -> Vec<u64> {
    surface.values().iter().map(|value| value.to_bits()).collect()
}

fn same(a: &Surface, b: &Surface) {
    assert_eq!(bits(a), bits(b));
    assert_eq!((a.alpha(), a.beta(), a.channels()), (b.alpha(), b.beta(), b.channels()));
    assert_eq!((a.computed(), a.report().computed), (b.computed(), b.report().computed));
    assert_eq!(a.report().provenance, b.report().provenance);
    let texts = |s: &Surface| s.report().bad_points.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(texts(a), texts(b));
    assert_eq!(a.report().end, b.report().end);
}

const DATA: [u64; 2] = [1, 3];
const POINTS: usize = 63;

#[test]
fn a_journal_cut_anywhere_is_finished_to_the_same_bits() {
    let model = Counting::new();
    let whole = grid(&model, &DATA).run().unwrap();
    assert!(whole.report().bad_points.len() > 4, "{:?}", whole.report().bad_points);
    assert_eq!(model.calls(), 2 * POINTS);
    let file = Scratch::new("cut");
    let first = grid(&model, &DATA).journal(&file.0).threads(2).run().unwrap();
    same(&first, &whole);
    assert!(first.report().resumed.is_none());
    assert_eq!(model.calls(), 2 * POINTS);
    let bytes = fs::read(&file.0).unwrap();
    for cut in
        [0, 1, 40, 200, bytes.len() - 1, bytes.len()].into_iter().chain((600..bytes.len()).step_by(331))
    {
        fs::write(&file.0, &bytes[..cut]).unwrap();
        let known = Journal::from_bytes(&bytes[..cut]).map_or(0, |journal| journal.computed());
        let resumed = grid(&model, &DATA).journal(&file.0).threads(1 + cut % 3).run().unwrap();
        same(&resumed, &whole);
        assert_eq!(model.calls(), 2 * (POINTS - known), "cut at {cut}");
        let found = resumed.report().resumed.clone();
        assert_eq!(found.as_ref().map_or(0, |found| found.points), known);
        assert!(found.is_none_or(|found| found.damaged.is_empty()));
        assert_eq!(Journal::read([&file.0]).unwrap().computed(), POINTS);
    }
}

#[test]
fn what_is_changed_in_the_middle_is_told_and_done_again() {
    let model = Counting::new();
    let whole = grid(&model, &DATA).run().unwrap();
    let file = Scratch::new("middle");
    grid(&model, &DATA).journal(&file.0).run().unwrap();
    let bytes = fs::read(&file.0).unwrap();
    let start = bytes.windows(4).position(|four| four == b"\x93pt\n").unwrap();
    for at in (start..bytes.len() - 70).step_by(61) {
        let mut broken = bytes.clone();
        broken[at] ^= 0x10;
        fs::write(&file.0, &broken).unwrap();
        model.calls();
        let resumed = grid(&model, &DATA).journal(&file.0).run().unwrap();
        same(&resumed, &whole);
        assert_eq!(model.calls(), 2, "one point is done again");
        let found = resumed.report().resumed.clone().unwrap();
        assert_eq!((found.points, found.torn, found.damaged.len()), (POINTS - 1, 0, 1));
        assert!(found.damaged[0].contains(&(at as u64)));
        let journal = Journal::read([&file.0]).unwrap();
        assert_eq!((journal.computed(), journal.damage().len()), (POINTS, 1));
    }
}

#[test]
fn a_journal_of_another_sweep_is_refused_with_what_differs() {
    let model = Counting::new();
    let file = Scratch::new("other");
    grid(&model, &DATA).journal(&file.0).run().unwrap();
    let before = fs::read(&file.0).unwrap();
    let refused = |sweep: Sweep<'_, Counting, u64, Plane<f64>>| match sweep.journal(&file.0).run() {
        Err(Error::JournalMismatch { differences, .. }) => differences,
        other => panic!("{other:?}"),
    };
    let expect = |differences: Vec<String>, words: &[&str]| {
        assert_eq!(differences.len(), words.len(), "{differences:?}");
        for (difference, word) in differences.iter().zip(words) {
            assert!(difference.starts_with(word), "{difference}");
        }
    };
    expect(refused(grid(&model, &DATA).alpha(-3.0..=3.0, 8)), &["alpha: 9 from -3 to 3 (hash "]);
    expect(refused(grid(&model, &DATA).beta(-2.0..=2.5, 7)), &["beta"]);
    expect(refused(grid(&model, &[1, 4])), &["data"]);
    expect(refused(grid(&model, &DATA).data("more", &DATA[0])), &["data"]);
    let other = Counting { theta: vec![1.0, -0.5, 0.26], ..Counting::new() };
    // Directions are normalised against θ.
    expect(refused(grid(&other, &DATA)), &["theta", "direction"]);
    let line = Sweep::line(&model, RandomDirections::new(7).one(&model).unwrap()).data("train", &DATA[0]);
    assert!(matches!(line.journal(&file.0).run(), Err(Error::JournalMismatch { .. })));
    assert_eq!(fs::read(&file.0).unwrap(), before, "what was computed is not lost");
    fs::write(&file.0, "notes of the day\n").unwrap();
    assert!(matches!(grid(&model, &DATA).journal(&file.0).run(), Err(Error::NotAJournal { .. })));
    assert_eq!(fs::read(&file.0).unwrap(), b"notes of the day\n");
    let nowhere = std::env::temp_dir().join("no such folder").join("a.journal");
    assert!(matches!(grid(&model, &DATA).journal(nowhere).run(), Err(Error::File { .. })));
}

#[test]
fn a_second_sweep_on_a_journal_is_refused_while_the_first_runs() {
    let file = Scratch::new("busy");
    let model = Counting::new();
    let tried = AtomicUsize::new(0);
    let observer = |progress: &Progress<'_>| {
        // Each try waits a fifth of a second for the other sweep to end.
        if [1, POINTS / 2, POINTS].contains(&progress.done) {
            let second = grid(&model, &DATA).journal(&file.0).run();
            assert!(matches!(second, Err(Error::JournalInUse { .. })), "{second:?}");
            tried.fetch_add(1, Ordering::Relaxed);
        }
        ControlFlow::Continue(())
    };
    grid(&model, &DATA).journal(&file.0).observer(&observer).threads(1).run().unwrap();
    assert_eq!(tried.into_inner(), 3);
    assert!(grid(&model, &DATA).journal(&file.0).run().is_ok(), "the lock ends with the sweep");
}

#[test]
fn lines_and_interpolations_have_journals_too() {
    let model = Counting::new();
    let file = Scratch::new("line");
    let direction = || RandomDirections::new(3).one(&model).unwrap();
    let whole = Sweep::line(&model, direction()).data("", &DATA[0]).run().unwrap();
    let stop = |progress: &Progress<'_>| {
        if progress.done == 20 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let line = || Sweep::line(&model, direction()).data("", &DATA[0]).journal(&file.0).threads(1);
    let part = line().observer(&stop).run().unwrap();
    assert_eq!((part.report().end, part.report().computed), (SweepEnd::Cancelled, 20));
    model.calls();
    let rest = line().run().unwrap();
    assert_eq!(model.calls(), 31);
    let bits = |curve: &Curve| curve.values().iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&rest), bits(&whole));
    let read = Curve::from_journal(&Journal::read([&file.0]).unwrap()).unwrap();
    assert_eq!(bits(&read), bits(&whole));
    assert!(matches!(
        Surface::from_journal(&Journal::read([&file.0]).unwrap()),
        Err(Error::JournalKind { .. })
    ));

    let (a, b) = ([0.0, 0.5, 1.0], [1.0, 0.5, 0.0]);
    let between = || Sweep::segment(&model, &a, &b).data("", &DATA[0]);
    let whole = between().run().unwrap();
    let file = Scratch::new("between");
    between().journal(&file.0).shard(0, 2).run().unwrap();
    assert_eq!(bits(&between().journal(&file.0).run().unwrap()), bits(&whole));
    assert!(matches!(line().journal(&file.0).run(), Err(Error::JournalMismatch { .. })));
}

/// Remembers what an observer was told.
#[derive(Default)]
struct Told {
    total: AtomicUsize,
    resumed: AtomicUsize,
    last: AtomicUsize,
    points: AtomicUsize,
}

impl Observer for Told {
    fn started(&self, total: usize) {
        self.total.store(total, Ordering::Relaxed);
    }
    fn resumed(&self, done: usize) {
        self.resumed.store(done, Ordering::Relaxed);
    }
    fn point(&self, progress: &Progress<'_>) -> ControlFlow<()> {
        assert_eq!(progress.total, self.total.load(Ordering::Relaxed));
        self.last.fetch_max(progress.done, Ordering::Relaxed);
        self.points.fetch_add(1, Ordering::Relaxed);
        ControlFlow::Continue(())
    }
}

#[test]
fn observers_are_told_what_was_there() {
    let model = Counting::new();
    let file = Scratch::new("told");
    let told = Told::default();
    grid(&model, &DATA).shard(1, 4).journal(&file.0).observer(&told).run().unwrap();
    let numbers = |told: &Told| {
        [&told.total, &told.resumed, &told.last, &told.points].map(|n| n.load(Ordering::Relaxed))
    };
    assert_eq!(numbers(&told), [16, 0, 16, 16], "points 1, 5, ..., 61 of 63");
    let told = Told::default();
    grid(&model, &DATA).journal(&file.0).observer(&told).run().unwrap();
    assert_eq!(numbers(&told), [63, 16, 63, 47]);
}

#[test]
fn shards_merge_in_any_order_into_the_whole() {
    let model = Counting::new();
    let whole = grid(&model, &DATA).run().unwrap();
    let files: Vec<Scratch> = (0..3).map(|k| Scratch::new(&format!("shard-{k}"))).collect();
    for (k, file) in files.iter().enumerate() {
        let part = grid(&model, &DATA).shard(k, 3).journal(&file.0).run().unwrap();
        assert_eq!((part.report().end, part.report().computed), (SweepEnd::Partial, 21));
        let mine: Vec<usize> = (0..POINTS).filter(|&p| part.computed()[[p / 7, p % 7]]).collect();
        assert_eq!(mine, (k..POINTS).step_by(3).collect::<Vec<_>>());
    }
    for order in [[0, 1, 2], [2, 0, 1], [1, 2, 0]] {
        let journal = Journal::read(order.map(|k| &files[k].0)).unwrap();
        assert!(journal.gaps().is_empty() && journal.damage().is_empty());
        same(&Surface::from_journal(&journal).unwrap(), &whole);
    }
    let two = Journal::read([&files[2].0, &files[0].0, &files[2].0]).unwrap();
    assert_eq!(two.gaps(), (0..21).map(|k| 3 * k + 1..3 * k + 2).collect::<Vec<_>>());
    assert_eq!(two.to_string(), "plane, 9×7 points, 42 computed, 21 missing");
    let part = Surface::from_journal(&two).unwrap();
    assert_eq!((part.report().end, part.report().computed), (SweepEnd::Partial, 42));
    // A merged journal is one that a sweep fills up; so are journals that were simply joined.
    let merged = Scratch::new("merged");
    two.write(&merged.0).unwrap();
    model.calls();
    same(&grid(&model, &DATA).journal(&merged.0).run().unwrap(), &whole);
    assert_eq!(model.calls(), 2 * 21);
    let joined: Vec<u8> = files.iter().flat_map(|file| fs::read(&file.0).unwrap()).collect();
    fs::write(&merged.0, joined).unwrap();
    let resumed = grid(&model, &DATA).journal(&merged.0).run().unwrap();
    same(&resumed, &whole);
    assert!(resumed.report().resumed.clone().unwrap().damaged.is_empty());
    assert_eq!(model.calls(), 0);
}

#[test]
fn shards_that_do_not_belong_together_are_refused() {
    let model = Counting::new();
    let (a, b) = (Scratch::new("a"), Scratch::new("b"));
    assert!(matches!(grid(&model, &DATA).shard(3, 3).run(), Err(Error::Shard { k: 3, n: 3 })));
    assert!(matches!(grid(&model, &DATA).shard(0, 0).run(), Err(Error::Shard { .. })));
    assert!(matches!(grid(&model, &DATA).shard(0, 0).cost(), Err(Error::Shard { .. })));
    grid(&model, &DATA).shard(0, 2).journal(&a.0).run().unwrap();
    grid(&model, &[1, 9]).shard(1, 2).journal(&b.0).run().unwrap();
    assert!(matches!(Journal::read([&a.0, &b.0]), Err(Error::JournalMismatch { .. })));
    assert!(matches!(Journal::read(Vec::<PathBuf>::new()), Err(Error::NoJournals)));
    // The same sweep to all that a journal knows, yet other values: without a fingerprint nobody can tell.
    let run = |scale: f64, file: &Scratch| {
        let loss = move |t: &[f64], (): &()| scale * t[0];
        let model = FnModel::new(Layout::flat(1).unwrap(), vec![1.0], loss).unwrap();
        let sweep = Sweep::plane(&model, RandomDirections::new(1).pair(&model).unwrap()).data("", &());
        sweep.alpha(0.0..=1.0, 3).beta(0.0..=1.0, 3).threads(1).journal(&file.0).run().unwrap();
    };
    let (c, d) = (Scratch::new("c"), Scratch::new("d"));
    run(1.0, &c);
    run(2.0, &d);
    match Journal::read([&c.0, &d.0]) {
        Err(Error::JournalConflict { index: [0, 0], first, second, .. }) => {
            assert_eq!((first, second), (c.0.clone(), d.0.clone()));
        }
        other => panic!("{other:?}"),
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(
        cut in 0_usize..6000,
        changes in prop::collection::vec((0_usize..6000, any::<u8>()), 0..6),
    ) {
        let bytes = sample();
        let mut bytes = bytes[..cut.min(bytes.len())].to_vec();
        for (at, byte) in changes {
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
        }
        if let Ok(journal) = Journal::from_bytes(&bytes) {
            let whole = Journal::from_bytes(sample()).unwrap();
            prop_assert!(journal.computed() <= whole.computed());
            let _ = Surface::from_journal(&journal);
        }
    }
}

/// The bytes of a journal.
fn sample() -> &'static [u8] {
    static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    BYTES.get_or_init(|| {
        let file = Scratch::new("sample");
        grid(&Counting::new(), &DATA).journal(&file.0).run().unwrap();
        fs::read(&file.0).unwrap()
    })
}

#[test]
fn an_adaptive_sweep_makes_the_same_choices_again() {
    use loss_landscape::{Adaptive, Sweep};
    struct Bowl(Layout, Vec<f64>, AtomicUsize);
    impl Model for Bowl {
        type Scalar = f64;
        fn layout(&self) -> &Layout {
            &self.0
        }
        fn parameters(&self) -> &[f64] {
            &self.1
        }
    }
    impl Loss<()> for Bowl {
        fn loss(&self, theta: &[f64], (): &()) -> Result<f64, OracleError> {
            self.2.fetch_add(1, Ordering::Relaxed);
            Ok(0.1 + theta.iter().map(|t| (2.0 * t).sin().powi(2)).sum::<f64>())
        }
    }
    let model = Bowl(Layout::flat(3).unwrap(), vec![0.3; 3], AtomicUsize::new(0));
    let asked = |budget: usize| {
        let dirs = RandomDirections::new(1).pair(&model).unwrap();
        let sweep = Sweep::plane(&model, dirs).data("", &());
        let adaptive = Adaptive::new().budget(budget).tolerance(1e-6);
        (sweep.alpha(-1.0..=1.0, 21).beta(-1.0..=1.0, 21), adaptive)
    };
    let plain = |budget: usize| {
        let (sweep, adaptive) = asked(budget);
        sweep.adaptive(&adaptive).unwrap()
    };
    let journalled = |budget: usize, path: &Path, threads: usize| {
        let (sweep, adaptive) = asked(budget);
        sweep.journal(path).threads(threads).adaptive(&adaptive).unwrap()
    };
    let bits = |surface: &Surface| surface.values().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    let whole = plain(150);
    assert_eq!(model.2.swap(0, Ordering::Relaxed), 150);
    let file = Scratch::new("adaptive");
    let first = journalled(150, &file.0, 2);
    assert_eq!(bits(&first), bits(&whole));
    let bytes = fs::read(&file.0).unwrap();
    for part in 2..8 {
        fs::write(&file.0, &bytes[..bytes.len() * part / 8]).unwrap();
        let known = Journal::read([&file.0]).unwrap().computed();
        model.2.store(0, Ordering::Relaxed);
        let resumed = journalled(150, &file.0, 1 + part % 2);
        assert_eq!(model.2.load(Ordering::Relaxed), 150 - known);
        assert_eq!(bits(&resumed), bits(&whole));
        assert_eq!((resumed.computed(), resumed.evaluations()), (whole.computed(), 150));
    }
    // Values do not depend on why they were asked for: a larger budget goes on, and so does the whole grid.
    model.2.store(0, Ordering::Relaxed);
    journalled(180, &file.0, 2);
    assert!(model.2.load(Ordering::Relaxed) < 180);
    let known = Journal::read([&file.0]).unwrap().computed();
    model.2.store(0, Ordering::Relaxed);
    let dirs = RandomDirections::new(1).pair(&model).unwrap();
    let grid = Sweep::plane(&model, dirs).data("", &()).alpha(-1.0..=1.0, 21).beta(-1.0..=1.0, 21);
    assert!(grid.journal(&file.0).run().unwrap().computed().iter().all(|&computed| computed));
    assert_eq!(model.2.load(Ordering::Relaxed), 441 - known);
}

#[test]
fn a_damaged_head_loses_nothing() {
    let model = Counting::new();
    let file = Scratch::new("head");
    let whole = grid(&model, &DATA).journal(&file.0).run().unwrap();
    let bytes = fs::read(&file.0).unwrap();
    for at in [3, 30, 90] {
        let mut broken = bytes.clone();
        broken[at] ^= 4;
        fs::write(&file.0, &broken).unwrap();
        model.calls();
        let resumed = grid(&model, &DATA).journal(&file.0).run().unwrap();
        same(&resumed, &whole);
        assert_eq!(model.calls(), 0);
        assert!(resumed.report().resumed.as_ref().unwrap().damaged[0].contains(&(at as u64)));
        assert_eq!(fs::read(&file.0).unwrap(), bytes, "the head is whole again");
    }
}

/// A map's journal has two eigenvectors a point, which are not kept in memory: they are copied from the file.
#[test]
fn a_journal_of_a_map_is_written_as_it_was_read_unless_its_file_has_changed() {
    let [file, copy] = ["map", "map-copy"].map(Scratch::new);
    let model = Quadratic::new(&(0..100).map(f64::from).collect::<Vec<_>>());
    let sweep = || {
        let sweep = Sweep::plane(&model, RandomDirections::new(2)).data("", &()).threads(1);
        sweep.alpha(-1.0..=1.0, 5).beta(-1.0..=1.0, 5)
    };
    let map = sweep().journal(&file.0).eigen_ratio(&EigenRatio::new()).unwrap();
    let journal = Journal::read([&file.0]).unwrap();
    let bytes = fs::read(&file.0).unwrap();
    assert!(bytes.len() > 25 * 160, "no vectors in {} bytes", bytes.len());
    journal.write(&copy.0).unwrap();
    assert_eq!(Journal::from_bytes(&bytes).unwrap().to_bytes().unwrap(), fs::read(&copy.0).unwrap());
    let again = sweep().journal(&copy.0).eigen_ratio(&EigenRatio::new()).unwrap();
    assert_eq!((again.values(), again.states()), (map.values(), map.states()));
    assert_eq!(again.report().resumed.as_ref().map(|resumed| resumed.points), Some(25));
    assert_eq!(RatioMap::<Ix2>::from_journal(&journal).unwrap().states(), map.states());

    let mut changed = bytes.clone();
    let records = bytes.iter().position(|&byte| byte == 0x93).unwrap();
    changed[records..].iter_mut().for_each(|byte| *byte ^= 1);
    fs::write(&file.0, &changed).unwrap();
    let before = fs::read(&copy.0).unwrap();
    let error = journal.write(&copy.0).unwrap_err();
    assert!(matches!(&error, Error::NotAJournal { path, .. } if *path == file.0), "{error}");
    assert!(error.to_string().contains("changed after it was read"), "{error}");
    assert_eq!(fs::read(&copy.0).unwrap(), before);
    fs::remove_file(&file.0).unwrap();
    assert!(matches!(journal.to_bytes(), Err(Error::File { .. })));
}

#[test]
fn failures_can_be_tried_again_and_give_way_to_values() {
    let model = Counting::new();
    let file = Scratch::new("failures");
    let whole = grid(&model, &DATA).journal(&file.0).run().unwrap();
    let failed = |surface: &Surface| {
        let failed =
            surface.report().bad_points.iter().filter(|bad| !bad.failure.to_string().contains(" is "));
        failed.map(|bad| bad.index).collect::<std::collections::BTreeSet<_>>().len()
    };
    assert!(failed(&whole) > 0);
    let journal = Journal::read([&file.0]).unwrap();
    let good = journal.clone().without_failures();
    assert_eq!(good.computed(), POINTS - failed(&whole));
    let again = Scratch::new("again");
    good.write(&again.0).unwrap();
    model.calls();
    same(&grid(&model, &DATA).journal(&again.0).run().unwrap(), &whole);
    assert_eq!(model.calls(), 2 * failed(&whole));
    // A journal that another sweep writes is left alone.
    let tried = AtomicUsize::new(0);
    let observer = |progress: &Progress<'_>| {
        if [1, POINTS / 2, POINTS].contains(&progress.done) {
            assert!(matches!(good.write(&again.0), Err(Error::JournalInUse { .. })));
            tried.fetch_add(1, Ordering::Relaxed);
        }
        ControlFlow::Continue(())
    };
    fs::remove_file(&again.0).unwrap();
    grid(&model, &DATA).journal(&again.0).observer(&observer).threads(1).run().unwrap();
    assert_eq!(tried.into_inner(), 3);
    // One that was only begun is empty beside another one.
    let begun = Scratch::new("begun");
    fs::write(&begun.0, &fs::read(&file.0).unwrap()[..20]).unwrap();
    assert_eq!(Journal::read([&begun.0, &file.0]).unwrap().computed(), POINTS);
    assert!(matches!(Journal::read([&begun.0]), Err(Error::NotAJournal { .. })));
}
