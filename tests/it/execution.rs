//! How an oracle reaches threads: shared, on the calling thread alone, or an instance for each.

use std::{
    cell::RefCell,
    collections::HashSet,
    rc::Rc,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread::{self, ThreadId},
};

use loss_landscape::{
    Adaptive, Block, EigenRatio, Error, FnModel, Gradient, HessianProduct, Journal, Layout, Loss, Model,
    OracleError, RandomDirections, Surface, Sweep,
};

/// A model with scratch memory that no other thread may see, as a network behind a handle has; Σ cos 3tᵢ.
struct Local {
    layout: Layout,
    theta: Vec<f64>,
    scratch: Rc<RefCell<Vec<f64>>>,
    home: ThreadId,
}

impl Local {
    fn new() -> Self {
        let (layout, theta) = (Layout::flat(4).unwrap(), vec![0.1, -0.2, 0.3, 0.4]);
        Self { layout, theta, scratch: Rc::default(), home: thread::current().id() }
    }

    #[expect(clippy::unnecessary_wraps, reason = "`per_thread` takes factories that may fail")]
    fn load() -> Result<Self, OracleError> {
        Ok(Self::new())
    }
}

impl Model for Local {
    type Scalar = f64;
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn parameters(&self) -> &[f64] {
        &self.theta
    }
}

impl Loss<f64> for Local {
    fn loss(&self, theta: &[f64], data: &f64) -> Result<f64, OracleError> {
        assert_eq!(thread::current().id(), self.home, "a model stays on its thread");
        let mut scratch = self.scratch.borrow_mut();
        scratch.clear();
        scratch.extend(theta.iter().map(|t| (data * t).cos()));
        Ok(scratch.iter().sum())
    }
}

impl Gradient<f64> for Local {
    fn gradient(&self, theta: &[f64], data: &f64, out: &mut [f64]) -> Result<f64, OracleError> {
        out.iter_mut().zip(theta).for_each(|(out, t)| *out = -data * (data * t).sin());
        self.loss(theta, data)
    }
}

impl HessianProduct<f64> for Local {}

fn shared() -> FnModel<f64, impl Fn(&[f64], &f64) -> f64 + Sync> {
    let theta = Local::new().theta;
    let loss = |theta: &[f64], data: &f64| theta.iter().map(|t| (data * t).cos()).sum::<f64>();
    FnModel::new(Layout::flat(4).unwrap(), theta, loss).unwrap()
}

fn bits(surface: &Surface) -> Vec<u64> {
    surface.values().iter().map(|value| value.to_bits()).collect()
}

#[test]
fn the_bits_are_those_of_a_shared_model() {
    let (local, shared) = (Local::new(), shared());
    let expected = Sweep::plane(&shared, RandomDirections::new(3)).data("", &3.0).threads(2).run().unwrap();
    let here = Sweep::plane(&local, RandomDirections::new(3)).data("", &3.0).here().run().unwrap();
    assert_eq!((bits(&here), here.report().threads), (bits(&expected), 1));
    for threads in [1, 3] {
        let sweep = Sweep::plane(&local, RandomDirections::new(3)).data("", &3.0).threads(threads);
        let found = sweep.per_thread(Local::load).run().unwrap();
        assert_eq!((bits(&found), found.report().threads), (bits(&expected), threads));
    }
}

#[test]
fn adaptive_sweeps_maps_and_journals_work_without_sharing() {
    let local = Local::new();
    let plane = || Sweep::plane(&local, RandomDirections::new(3)).data("", &1.0);
    let adaptive = Adaptive::new().budget(300);
    let here = plane().here().adaptive(&adaptive).unwrap();
    let threads = plane().threads(2).per_thread(Local::load).adaptive(&adaptive).unwrap();
    assert_eq!((bits(&here), here.evaluations()), (bits(&threads), threads.evaluations()));

    let small = || plane().alpha(-0.5..=0.5, 9).beta(-0.5..=0.5, 9);
    let here = small().here().eigen_ratio(&EigenRatio::default()).unwrap();
    let threads = small().threads(3).per_thread(Local::load).eigen_ratio(&EigenRatio::default()).unwrap();
    assert_eq!(bits(&here), bits(&threads));
    assert_eq!(here.ends(), threads.ends());

    let path = std::env::temp_dir().join(format!("loss-landscape-execution-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let half = plane().shard(0, 2).journal(&path).here().run().unwrap();
    let whole = plane().journal(&path).threads(2).per_thread(Local::load).run().unwrap();
    assert_eq!(whole.report().resumed.as_ref().unwrap().points, half.report().computed);
    assert!(Journal::read([&path]).unwrap().gaps().is_empty());
    std::fs::remove_file(&path).unwrap();
    assert_eq!(bits(&whole), bits(&plane().here().run().unwrap()));
}

#[test]
fn every_thread_gets_one_instance_whatever_the_stages() {
    let local = Local::new();
    let (made, threads) = (AtomicUsize::new(0), Mutex::new(HashSet::new()));
    let factory = || {
        made.fetch_add(1, Ordering::Relaxed);
        threads.lock().unwrap().insert(thread::current().id());
        Local::load()
    };
    let sweep = Sweep::plane(&local, RandomDirections::new(3)).data("", &1.0).threads(3).per_thread(factory);
    sweep.adaptive(&Adaptive::new()).unwrap();
    assert_eq!((made.into_inner(), threads.into_inner().unwrap().len()), (3, 3));
}

#[test]
fn a_factory_that_fails_ends_the_sweep_before_any_point() {
    let local = Local::new();
    let sweep = || Sweep::line(&local, RandomDirections::new(3)).data("", &1.0).threads(2);
    let error = sweep().per_thread(|| Err("no such file".into())).run().unwrap_err();
    assert_eq!(error.to_string(), "the oracle failed while making a thread's model: no such file");
    let error = sweep().per_thread(|| panic!("out of handles")).run().unwrap_err();
    assert!(matches!(error, Error::OraclePanicked { .. }) && error.to_string().ends_with("out of handles"));
    let other = || {
        let layout = Layout::new([Block::bias("b", [4])])?;
        Ok(Local { layout, ..Local::new() })
    };
    assert!(matches!(sweep().per_thread(other).run(), Err(Error::LayoutMismatch { index: 0, .. })));
}

#[test]
fn more_threads_than_are_useful_are_cut_and_the_report_says_so() {
    let model = shared();
    let processors = thread::available_parallelism().unwrap().get();
    let line = |threads| {
        Sweep::line(&model, RandomDirections::new(3)).data("", &1.0).alpha(-1.0..=1.0, 5).threads(threads)
    };
    assert_eq!(line(100_000).run().unwrap().report().threads, 16.max(processors));
    assert_eq!(line(2).run().unwrap().report().threads, 2);
    let grid = Sweep::plane(&model, RandomDirections::new(3)).data("", &1.0).threads(100_000);
    assert_eq!(grid.run().unwrap().report().threads, 1024);
}

#[test]
fn a_journal_that_cannot_check_the_data_says_so() {
    let path = std::env::temp_dir().join(format!("loss-landscape-unchecked-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let model = shared();
    let line = |data| {
        Sweep::line(&model, RandomDirections::new(3)).data("train", data).journal(&path).run().unwrap()
    };
    assert!(line(&1.0).report().resumed.is_none());
    let changed = line(&2.0);
    assert_eq!(changed.report().resumed.as_ref().unwrap().unchecked_data, ["train"]);
    std::fs::remove_file(&path).unwrap();

    let model = model.fingerprint_by(|data: &f64| data.to_bits());
    let line = |data| Sweep::line(&model, RandomDirections::new(3)).data("train", data).journal(&path).run();
    line(&1.0).unwrap();
    assert!(line(&1.0).unwrap().report().resumed.as_ref().unwrap().unchecked_data.is_empty());
    assert!(matches!(line(&2.0), Err(Error::JournalMismatch { .. })));
    std::fs::remove_file(&path).unwrap();
}
