//! Every kind of sweep over the processes of `mpirun`, compared by process 0 with what one process finds alone. It is a
//! program and no test of cargo's, since `mpirun` starts it; `test.sh` does.

use std::{
    env,
    error::Error,
    path::PathBuf,
    process,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use loss_landscape::{
    Adaptive, EigenRatio, Executor, Gradient, GridDimension, HessianProduct, Landscape, Layout, Loss, Model,
    OracleError, Plane, RandomDirections, SampleLosses, Sampled, Sweep, content_hash,
};
use loss_landscape_mpi::Mpi;

/// The mean over x of (Σᵢ sin((1 + i/10)·tᵢ + x))².
struct Wave {
    layout: Layout,
    theta: Vec<f64>,
    gradients: AtomicUsize,
    /// After how many gradients the process dies.
    left: Option<usize>,
    /// How long a gradient takes at least, so that no process is done before the others begin.
    pause: Duration,
}

impl Wave {
    fn new(left: Option<usize>, pause: Duration) -> Result<Self, Box<dyn Error>> {
        let theta = (0..8_u32).map(|i| f64::from(i).cos()).collect();
        Ok(Self { layout: Layout::flat(8)?, theta, gradients: AtomicUsize::new(0), left, pause })
    }

    fn factor(i: usize) -> f64 {
        1.0 + i as f64 / 10.0
    }

    fn sum(theta: &[f64], x: f64) -> f64 {
        theta.iter().enumerate().map(|(i, t)| (Self::factor(i) * t + x).sin()).sum()
    }

    fn plane(&self) -> Sweep<'_, Self, [f64], Plane<f64>> {
        Sweep::plane(self, RandomDirections::new(3)).alpha(-1.0..=1.0, 17).beta(-1.0..=1.0, 13).threads(1)
    }
}

impl Model for Wave {
    type Scalar = f64;
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn parameters(&self) -> &[f64] {
        &self.theta
    }
}

impl Loss<[f64]> for Wave {
    fn loss(&self, theta: &[f64], data: &[f64]) -> Result<f64, OracleError> {
        Ok(data.iter().map(|x| Self::sum(theta, *x).powi(2)).sum::<f64>() / data.len() as f64)
    }
    fn fingerprint(&self, data: &[f64]) -> Option<u64> {
        Some(content_hash(data))
    }
}

impl Gradient<[f64]> for Wave {
    fn gradient(&self, theta: &[f64], data: &[f64], out: &mut [f64]) -> Result<f64, OracleError> {
        if self.left.is_some_and(|left| left <= self.gradients.fetch_add(1, Ordering::Relaxed)) {
            process::abort();
        }
        thread::sleep(self.pause);
        out.fill(0.0);
        for x in data {
            let sum = Self::sum(theta, *x);
            for (i, (out, t)) in out.iter_mut().zip(theta).enumerate() {
                let factor = Self::factor(i);
                *out += 2.0 * sum * factor * (factor * t + x).cos() / data.len() as f64;
            }
        }
        self.loss(theta, data)
    }
}

impl HessianProduct<[f64]> for Wave {}

impl SampleLosses<[f64]> for Wave {
    fn sample_count(&self, data: &[f64]) -> usize {
        data.len()
    }
    fn sample_losses(
        &self,
        theta: &[f64],
        data: &[f64],
        samples: &[usize],
        out: &mut [f64],
    ) -> Result<(), OracleError> {
        samples.iter().zip(out).for_each(|(&sample, out)| *out = Self::sum(theta, data[sample]).powi(2));
        Ok(())
    }
}

fn text<D: GridDimension>(landscape: &Landscape<D>) -> String {
    let bits: Vec<u64> = landscape.values().iter().map(|value| value.to_bits()).collect();
    format!("{bits:x?} {:?} {}", landscape.computed(), landscape.report().end)
}

/// Every kind of sweep, each as text; alone without an executor.
fn every_kind(
    mpi: Option<&Mpi>,
    data: &[f64],
    journal: Option<PathBuf>,
) -> Result<Vec<String>, Box<dyn Error>> {
    // `DIE=2:1500` is process 2, after 1,500 gradients.
    let death = env::var("DIE").ok().filter(|_| journal.is_some());
    let death = death.as_ref().and_then(|death| death.split_once(':'));
    let own = mpi.map(|mpi| mpi.process().to_string());
    let left = death.filter(|(process, _)| Some(*process) == own.as_deref()).map(|(_, left)| left.parse());
    // `PAUSE=20000`: a gradient takes 20 ms.
    let pause = match env::var("PAUSE") {
        Ok(pause) => pause.parse()?,
        Err(_) => 200,
    };
    let wave =
        Wave::new(left.transpose()?, Duration::from_micros(if journal.is_some() { pause } else { 0 }))?;
    let few = &data[..5];
    let plane = || match mpi {
        Some(mpi) => wave.plane().data("train", few).executor(mpi),
        None => wave.plane().data("train", few),
    };
    let mut all = vec![text(&plane().data("test", data).run()?)];
    let adaptive = Adaptive::new().tolerance(1e-3).budget(150);
    let adapted = plane().alpha(-1.0..=1.0, 25).beta(-1.0..=1.0, 25).adaptive(&adaptive)?;
    all.push(text(&adapted));
    let ratio = EigenRatio::new().seed(5).audit(9);
    let map = match journal {
        Some(path) => plane().journal(path).eigen_ratio(&ratio)?,
        None => plane().eigen_ratio(&ratio)?,
    };
    if let Some(found) = &map.report().resumed
        && mpi.is_some_and(|mpi| mpi.process() == 0)
    {
        println!("{} points of the map were in its journal", found.points);
    }
    all.push(format!("{} {:?} {:?}", text(&map), map.states(), map.audits()));
    let sampled = match mpi {
        Some(mpi) => wave.plane().data("many", data).executor(mpi),
        None => wave.plane().data("many", data),
    };
    let sampled = sampled.sampled(&Sampled::new().relative_error(0.05).spacing(4))?;
    all.push(format!("{} {}", text(&sampled), sampled.sampling()));
    all.extend(plane().draws(3)?.iter().map(text));
    Ok(all)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mpi = Mpi::connect()?;
    if env::var("ABSENT").is_ok_and(|absent| absent == mpi.process().to_string()) {
        return Err("it has no data".into());
    }
    let journal = env::args().nth(1).map(PathBuf::from);
    // Data that process 0 alone has.
    let mut bytes = Vec::new();
    if mpi.process() == 0 {
        let values = (0..700_u32).map(|k| (f64::from(k) * 0.37).sin());
        bytes = values.flat_map(f64::to_le_bytes).collect();
    }
    mpi.broadcast(&mut bytes)?;
    let data: Vec<f64> = bytes.as_chunks().0.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect();
    let (together, alone) = (every_kind(Some(&mpi), &data, journal)?, every_kind(None, &data, None)?);
    for (kind, (together, alone)) in together.iter().zip(&alone).enumerate() {
        if together != alone {
            return Err(format!("sweep {kind} differs in process {}", mpi.process()).into());
        }
    }
    if mpi.process() == 0 {
        println!("{} sweeps in {} processes have the bits of one", together.len(), mpi.processes());
    }
    Ok(())
}
