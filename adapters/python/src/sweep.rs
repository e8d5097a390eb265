//! Sweeps: Python says where, how and what; the core runs, without Python's lock.

use std::{ops::ControlFlow, path::PathBuf};

use loss_landscape::{
    Adaptive, Direction, Directions, EigenRatio, ErrorScale, Execution, Geometry, GridDimension, Here,
    Observer, OnBadPoint, Plane, Progress, RatioMap, Sampled, SampledLandscape, Sweep,
    curvature::RatioState,
    path::{BentPath, PathShape},
};
use ndarray::{Ix1, Ix2};
use numpy::IntoPyArray;
use pyo3::{exceptions::PyBaseException, prelude::*};

use crate::{
    errors::{OrRaise, Raised, argument},
    layout::{PyDirection, PyScalar, Vector, buffers, direction_of, json, mask_of, random_of, vector_of},
    oracle::{AnyModel, PyModel, SETS, with_model},
    results::PyLandscape,
};

/// An axis: equally spaced, or the coordinates themselves.
#[derive(FromPyObject)]
enum AxisArgument {
    Range((f64, f64, usize)),
    Values(Vec<f64>),
}

/// How a sweep runs; the fields are those of Python's `_Options`.
#[derive(FromPyObject)]
pub(crate) struct Options {
    alpha: Option<AxisArgument>,
    beta: Option<AxisArgument>,
    journal: Option<PathBuf>,
    shard: Option<(usize, usize)>,
    threads: usize,
    /// `raise`, `record` or `stop`.
    on_error: String,
    memory_limit: u64,
    observer: Option<Py<PyAny>>,
}

/// What is measured at each point; the fields are those of Python's `_What`.
#[derive(FromPyObject)]
pub(crate) struct What {
    /// `loss`, `adaptive`, `sampled`, `draws` or `ratio`.
    kind: String,
    /// Of draws.
    draws: usize,
    /// Of adaptive sweeps and ratio maps.
    tolerance: Option<f64>,
    budget: Option<usize>,
    levels: Vec<f64>,
    scale: String,
    seed: u64,
    confidence: Option<f64>,
    certified: bool,
    audit: Option<usize>,
    max_products: Option<usize>,
    mask: Option<Vec<String>>,
    /// Of sampled sweeps: one of three targets, and the spacing of the lattice.
    relative_error: Option<f64>,
    standard_error: Option<f64>,
    share: Option<f64>,
    spacing: Option<usize>,
}

/// Where a sweep goes; the fields are those of Python's `_Where`.
#[derive(FromPyObject)]
pub(crate) struct Where<'py> {
    /// `line`, `plane`, `segment`, `curve`, `random line` or `random plane`.
    kind: String,
    directions: Vec<PyDirection>,
    points: Vec<Vector<'py>>,
    settings: String,
    mask: Option<Vec<String>>,
    move_buffers: bool,
}

/// A ratio map beside its landscape: states and ends by point and data set, audits, and counts, as arrays and text.
pub(crate) type RatioParts = (Py<PyAny>, Vec<Vec<Option<String>>>, String);

/// The adaptive part of a surface: estimated errors and a JSON text.
type AdaptiveParts = (Py<PyAny>, String);

/// What a sweep gives back, a dictionary in Python.
#[derive(Default, IntoPyObject)]
pub(crate) struct Outcome {
    landscapes: Vec<PyLandscape>,
    ratio: Option<RatioParts>,
    adaptive: Option<AdaptiveParts>,
    /// A JSON text of how the draws went.
    draws: Option<String>,
    /// A JSON text of what was sampled.
    sampled: Option<String>,
    /// The exception that ended the sweep.
    error: Option<Py<PyBaseException>>,
}

/// Tells Python of every point, looks for Ctrl-C, and stops where either says so.
struct Watch<'a> {
    observer: Option<Py<PyAny>>,
    raised: &'a Raised,
}

impl Watch<'_> {
    fn tell(&self, work: impl FnOnce(Python<'_>, &Bound<'_, PyAny>) -> PyResult<bool>) -> ControlFlow<()> {
        let go_on = Python::attach(|py| {
            py.check_signals()?;
            self.observer.as_ref().map_or(Ok(true), |observer| work(py, observer.bind(py)))
        });
        match go_on {
            Ok(true) => ControlFlow::Continue(()),
            Ok(false) => ControlFlow::Break(()),
            Err(error) => {
                let _ = self.raised.keep(error);
                ControlFlow::Break(())
            }
        }
    }
}

impl Observer for Watch<'_> {
    fn started(&self, total: usize) {
        let _ = self.tell(|_, observer| observer.call_method1("started", (total,)).map(|_| true));
    }

    fn resumed(&self, done: usize) {
        let _ = self.tell(|_, observer| observer.call_method1("resumed", (done,)).map(|_| true));
    }

    fn point(&self, progress: &Progress<'_>) -> ControlFlow<()> {
        self.tell(|_, observer| {
            let Progress { done, total, draw, index, coordinates, values, .. } = *progress;
            let answer =
                observer.call_method1("point", (done, total, draw, index, coordinates, values.to_vec()))?;
            Ok(answer.is_none() || answer.is_truthy()?)
        })
    }

    fn interrupted(&self, index: [usize; 2], coordinates: [f64; 2], data: &str) {
        self.raised.note(index, coordinates, data);
    }

    fn finished(&self) {
        let _ = self.tell(|_, observer| observer.call_method0("finished").map(|_| true));
    }
}

/// Runs a sweep.
#[pyfunction]
pub(crate) fn sweep(
    py: Python<'_>,
    oracle: &Bound<'_, PyAny>,
    place: Where<'_>,
    options: Options,
    what: What,
) -> PyResult<Outcome> {
    let model = AnyModel::new(oracle, options.on_error != "raise")?;
    let names: Vec<String> = oracle.getattr("_data_names")?.extract()?;
    if names.len() > SETS.len() {
        return Err(argument(format!("{} data sets are more than {}", names.len(), SETS.len())));
    }
    with_model!(&model, model => run(py, model, &names, &place, &options, &what))
}

fn run<S: PyScalar>(
    py: Python<'_>,
    model: &PyModel<S>,
    names: &[String],
    place: &Where<'_>,
    options: &Options,
    what: &What,
) -> PyResult<Outcome> {
    let layout = loss_landscape::Model::layout(model);
    let directions =
        place.directions.iter().map(direction_of::<S>).collect::<PyResult<Vec<Direction<S>>>>()?;
    let points = place.points.iter().map(vector_of::<S>).collect::<PyResult<Vec<Vec<S>>>>()?;
    let mut directions = directions.into_iter();
    let mut next = || directions.next().ok_or_else(|| argument("a direction is missing"));
    let job = Job { py, model, names, options, what };
    match place.kind.as_str() {
        "line" => job.over(Sweep::line(model, next()?)),
        "plane" => job.over_plane(Sweep::plane(model, Directions::new(next()?, next()?).or_raise()?)),
        "random line" => {
            let random = random_of(&place.settings, mask_of(layout, place.mask.clone())?)?;
            job.draws(Sweep::line(model, random))
        }
        "random plane" => {
            let random = random_of(&place.settings, mask_of(layout, place.mask.clone())?)?;
            job.draws(job.with_beta(Sweep::plane(model, random)))
        }
        "segment" => {
            let [a, b] = points.as_slice() else { return Err(argument("a segment has two ends")) };
            layout.ensure_length("θ_b", b.len()).or_raise()?;
            job.over(Sweep::segment(model, a, b).buffers(buffers(place.move_buffers)))
        }
        shape @ ("bezier" | "chain") => {
            let shape = if shape == "chain" { PathShape::Chain } else { PathShape::Bezier };
            let path = BentPath::new(layout, shape, points).or_raise()?;
            job.over(Sweep::along(model, &path))
        }
        other => Err(argument(format!("there is no sweep over `{other}`"))),
    }
}

struct Job<'j, 'py, S> {
    py: Python<'py>,
    model: &'j PyModel<S>,
    names: &'j [String],
    options: &'j Options,
    what: &'j What,
}

/// A dimension whose landscapes Python knows.
pub(crate) trait Known: GridDimension + Sized {
    fn wrap(landscape: loss_landscape::Landscape<Self>) -> PyLandscape;
}

impl Known for Ix1 {
    fn wrap(landscape: loss_landscape::Curve) -> PyLandscape {
        landscape.into()
    }
}

impl Known for Ix2 {
    fn wrap(landscape: loss_landscape::Surface) -> PyLandscape {
        landscape.into()
    }
}

impl<'j, S: PyScalar> Job<'j, '_, S> {
    fn with_beta<X>(
        &self,
        sweep: Sweep<'j, PyModel<S>, usize, Plane<S>, X>,
    ) -> Sweep<'j, PyModel<S>, usize, Plane<S>, X> {
        match &self.options.beta {
            None => sweep,
            Some(AxisArgument::Range((low, high, points))) => sweep.beta(*low..=*high, *points),
            Some(AxisArgument::Values(values)) => sweep.beta_at(values),
        }
    }

    fn configured<'o, W, X>(
        &self,
        mut sweep: Sweep<'o, PyModel<S>, usize, W, X>,
        watch: &'o Watch<'_>,
    ) -> Sweep<'o, PyModel<S>, usize, W, X>
    where
        'j: 'o,
    {
        for (name, set) in self.names.iter().zip(&SETS) {
            sweep = sweep.data(name.clone(), set);
        }
        let Options { alpha, journal, shard, on_error, memory_limit, .. } = self.options;
        sweep = match alpha {
            None => sweep,
            Some(AxisArgument::Range((low, high, points))) => sweep.alpha(*low..=*high, *points),
            Some(AxisArgument::Values(values)) => sweep.alpha_at(values),
        };
        if let Some(path) = journal {
            sweep = sweep.journal(path);
        }
        if let Some((k, n)) = shard {
            sweep = sweep.shard(*k, *n);
        }
        let on_bad = if on_error == "stop" { OnBadPoint::Stop } else { OnBadPoint::Record };
        sweep.on_bad_point(on_bad).memory_limit(*memory_limit).observer(watch)
    }

    fn watch(&self) -> Watch<'j> {
        let observer = self.options.observer.as_ref().map(|observer| observer.clone_ref(self.py));
        Watch { observer, raised: self.model.raised() }
    }

    /// The answer of the core, unless an exception ended the call: that one comes with what is done by then, or alone.
    fn outcome<T>(&self, answer: loss_landscape::Result<T>) -> PyResult<(T, Option<Py<PyBaseException>>)> {
        match (answer, self.model.raised().take()) {
            (Ok(answer), raised) => Ok((answer, raised.map(|raised| raised.into_value(self.py)))),
            (Err(_), Some(raised)) => Err(raised),
            (Err(error), None) => Err(crate::errors::exception(&error)),
        }
    }

    fn over_plane(&self, sweep: Sweep<'j, PyModel<S>, usize, Plane<S>>) -> PyResult<Outcome> {
        let sweep = self.with_beta(sweep);
        if self.what.kind != "adaptive" {
            return self.over(sweep);
        }
        let settings = self.adaptive()?;
        let watch = self.watch();
        let sweep = self.configured(sweep.here(), &watch);
        let answer = detached(self.py, || sweep.adaptive(&settings));
        let (surface, error) = self.outcome(answer)?;
        let errors = surface.estimated_error().clone().into_pyarray(self.py).into_any().unbind();
        let held_out = surface.held_out().map(|held| format!("{held:?}"));
        let about = serde_json::json!({
            "evaluations": surface.evaluations(),
            "end": format!("{:?}", surface.end()),
            "held_out": held_out,
        });
        let landscapes = vec![PyLandscape::from((*surface).clone())];
        Ok(Outcome { landscapes, adaptive: Some((errors, about.to_string())), error, ..Outcome::default() })
    }

    fn adaptive(&self) -> PyResult<Adaptive> {
        let What { tolerance, budget, levels, scale, seed, .. } = self.what;
        let mut adaptive = Adaptive::new().levels(levels).seed(*seed);
        if let Some(tolerance) = tolerance {
            adaptive = adaptive.tolerance(*tolerance);
        }
        if let Some(budget) = budget {
            adaptive = adaptive.budget(*budget);
        }
        Ok(adaptive.scale(match scale.as_str() {
            "auto" => ErrorScale::Auto,
            "linear" => ErrorScale::Linear,
            "log" => ErrorScale::Log,
            other => {
                return Err(argument(format!("`{other}` is no scale: one of 'auto', 'linear' and 'log'")));
            }
        }))
    }

    fn over<W>(&self, sweep: Sweep<'j, PyModel<S>, usize, W>) -> PyResult<Outcome>
    where
        W: Geometry<PyModel<S>, Dim: Known> + Send + Sync,
        Here: Execution<PyModel<S>, usize>,
    {
        let watch = self.watch();
        match (self.what.kind.as_str(), self.options.threads) {
            ("loss", threads) => {
                let answer = if threads == 1 {
                    let sweep = self.configured(sweep.here(), &watch);
                    detached(self.py, || sweep.run())
                } else {
                    let sweep = self.configured(sweep, &watch).threads(threads);
                    detached(self.py, || sweep.run())
                };
                let (landscape, error) = self.outcome(answer)?;
                Ok(Outcome { landscapes: vec![W::Dim::wrap(landscape)], error, ..Outcome::default() })
            }
            ("ratio", 1) => {
                let ratio = self.eigen_ratio()?;
                let sweep = self.configured(sweep.here(), &watch);
                let answer = detached(self.py, || sweep.eigen_ratio(&ratio));
                let (map, error) = self.outcome(answer)?;
                let (landscape, parts) = ratio_parts(self.py, map);
                Ok(Outcome { landscapes: vec![landscape], ratio: Some(parts), error, ..Outcome::default() })
            }
            ("sampled", 1) => {
                let sampled = self.sampled();
                let sweep = self.configured(sweep.here(), &watch);
                let answer = detached(self.py, || sweep.sampled(&sampled));
                let (sampled, error) = self.outcome(answer)?;
                let about = Some(about_sampling(&sampled));
                let landscapes = vec![W::Dim::wrap(sampled.into_landscape())];
                Ok(Outcome { landscapes, sampled: about, error, ..Outcome::default() })
            }
            ("ratio" | "adaptive" | "sampled", threads) if threads != 1 => {
                Err(argument("only losses are swept on several threads"))
            }
            (kind, _) => Err(argument(format!("a sweep over a {kind} needs a plane"))),
        }
    }

    fn draws<W>(&self, sweep: Sweep<'j, PyModel<S>, usize, W>) -> PyResult<Outcome>
    where
        W: loss_landscape::RandomGeometry<PyModel<S>> + Geometry<PyModel<S>, Dim: Known> + Send + Sync,
    {
        let watch = self.watch();
        let sweep = self.configured(sweep.here(), &watch);
        let count = self.what.draws;
        let answer = detached(self.py, || sweep.draws(count));
        let (draws, error) = self.outcome(answer)?;
        let report = Some(json(draws.report())?);
        let landscapes = draws.into_landscapes().into_iter().map(W::Dim::wrap).collect();
        Ok(Outcome { landscapes, draws: report, error, ..Outcome::default() })
    }

    fn sampled(&self) -> Sampled {
        let What { relative_error, standard_error, share, spacing, seed, .. } = *self.what;
        let mut sampled = Sampled::new().seed(seed);
        if let Some(error) = relative_error {
            sampled = sampled.relative_error(error);
        }
        if let Some(error) = standard_error {
            sampled = sampled.standard_error(error);
        }
        if let Some(share) = share {
            sampled = sampled.budget(share);
        }
        match spacing {
            Some(spacing) => sampled.spacing(spacing),
            None => sampled,
        }
    }

    fn eigen_ratio(&self) -> PyResult<EigenRatio> {
        let What { tolerance, confidence, certified, audit, max_products, seed, mask, .. } = self.what;
        let mut ratio = EigenRatio::new().certified(*certified).seed(*seed);
        if let Some(tolerance) = tolerance {
            ratio = ratio.tolerance(*tolerance);
        }
        if let Some(confidence) = confidence {
            ratio = ratio.confidence(*confidence);
        }
        if let Some(audit) = audit {
            ratio = ratio.audit(*audit);
        }
        if let Some(products) = max_products {
            ratio = ratio.max_products(*products);
        }
        match mask_of(loss_landscape::Model::layout(self.model), mask.clone())? {
            Some(mask) => Ok(ratio.mask(&mask)),
            None => Ok(ratio),
        }
    }
}

/// Runs without Python's lock.
fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> T + Send) -> T {
    py.detach(work)
}

/// What a sampled landscape knows beyond its values, as JSON.
fn about_sampling<D: Known>(sampled: &SampledLandscape<D>) -> String {
    let report = sampled.sampling();
    let sets = report.sets.iter().map(|set| {
        serde_json::json!({
            "data": set.data,
            "samples": set.samples,
            "evaluations": set.evaluations,
            "share": set.share,
            "in_full": set.in_full,
            "too_few": set.too_few,
            "median_error": set.median_error,
            "error_95": set.error_95,
            "largest_error": set.largest_error,
        })
    });
    let about = serde_json::json!({
        "share": sampled.share(),
        "spacing": report.spacing,
        "nodes": report.nodes,
        "sets": sets.collect::<Vec<_>>(),
        "text": report.to_string(),
    });
    about.to_string()
}

/// What a ratio map knows beyond its values.
pub(crate) fn ratio_parts<D: Known>(py: Python<'_>, map: RatioMap<D>) -> (PyLandscape, RatioParts) {
    let uncertain = map.uncertain().into_pyarray(py).into_any().unbind();
    let word = |state: &Option<RatioState>| {
        state.map(|state| match state {
            RatioState::Marked => "marked".to_owned(),
            RatioState::Warm => "warm".to_owned(),
            RatioState::Certified => "certified".to_owned(),
        })
    };
    let states = map.states().rows().into_iter().map(|row| row.iter().map(word).collect()).collect();
    let audits: Vec<_> = map.audits().iter().map(|a| (a.points, a.off, a.upper_bound)).collect();
    let about = serde_json::json!({
        "products": map.products(),
        "cold_points": map.cold_points(),
        "points_computed_again": map.points_computed_again(),
        "audits": audits,
        "reason": map.reason(),
    });
    let landscape = D::wrap((*map).clone());
    (landscape, (uncertain, states, about.to_string()))
}
