//! Where the work is done: data, trainings, sweeps, each result kept in the folder of the study.

use std::{ops::ControlFlow, time::Instant};

use loss_landscape::{
    Curve, Directions, Draws, EigenRatio, Gradient, Loss, Mask, Model, Observer, Progress, RandomDirections,
    Role, Surface, Sweep, content_hash, from_checkpoint_bytes,
    ndarray::{Ix1, Ix2},
    report::SweepEnd,
    to_checkpoint_bytes,
    trajectory::PrincipalPlane,
};
use loss_landscape_nets::{
    EpochProgress, Network, StepProgress, TrainingEnd, TrainingObserver, TrainingReport,
};

use crate::{
    Cell, Error, Folder, Job, Meter, PathRecord, Result, Setting, TrainingRecord,
    cell::Kind,
    folder::file_hash,
    images::Images,
    job::{Probe, networks},
};

/// Seeds of directions: the kind of result, and the training in the last three digits.
const LINES: u64 = 1_000;
const PLANES: u64 = 2_000;
const MAPS: u64 = 3_000;
const STARTS: u64 = 4_000;
const PATHS: u64 = 5_000;
const PICTURES: u64 = 6_000;
/// Lines reach from −LINE to LINE.
const LINE: f64 = 1.5;
/// Mini-batches of statistics at random starts and between minimisers.
const STATISTICS_BATCH: usize = 128;

/// The data and the folder of a study, and whoever watches.
#[derive(Debug)]
pub struct Lab {
    setting: Setting,
    folder: Folder,
    meter: Meter,
    /// Of each size.
    images: Vec<Images>,
    deadline: Option<Instant>,
}

/// Tells a meter of the points of a sweep, and stops when the time is spent.
struct Watch<'a> {
    meter: &'a Meter,
    deadline: Option<Instant>,
}

impl Watch<'_> {
    fn go_on(&self) -> ControlFlow<()> {
        if self.deadline.is_some_and(|deadline| Instant::now() > deadline) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

impl Observer for Watch<'_> {
    fn point(&self, progress: &Progress<'_>) -> ControlFlow<()> {
        self.meter.share(progress.done as f64 / progress.total as f64);
        self.go_on()
    }
}

impl TrainingObserver<f32> for Watch<'_> {
    fn step(&mut self, progress: &StepProgress) -> ControlFlow<()> {
        self.meter.share(progress.done as f64 / progress.total as f64);
        self.go_on()
    }

    fn epoch(&mut self, _: &EpochProgress<'_, f32>) -> ControlFlow<()> {
        self.go_on()
    }
}

impl Lab {
    /// The lab of a study in this folder. Nothing is computed yet.
    ///
    /// # Errors
    /// Those of [`Folder::open`].
    pub fn open(folder: Folder, setting: &Setting, meter: Meter) -> Result<Self> {
        let images = Images::of(setting)?;
        Ok(Self { setting: setting.clone(), folder, meter, images, deadline: None })
    }

    /// The images that a cell's networks are for.
    fn images(&self, cell: &Cell) -> Result<&Images> {
        let found = self.images.iter().find(|images| images.side == cell.side);
        found.ok_or(Error::Setting {
            setting: "the side of images",
            value: cell.side,
            needs: "one of the setting's",
        })
    }

    /// The same, which stops at this moment with [`Error::TimeSpent`].
    #[must_use]
    pub fn until(self, deadline: Option<Instant>) -> Self {
        Self { deadline, ..self }
    }

    /// The setting of the study.
    pub fn setting(&self) -> &Setting {
        &self.setting
    }

    /// Its folder.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Does what is not done yet of these jobs, and of those that they need. Returns the seconds that it took.
    ///
    /// # Errors
    /// The first error of a job; what was finished stays.
    pub fn run(&self, jobs: &[Job]) -> Result<f64> {
        let mut ordered: Vec<Job> = Vec::new();
        for job in jobs {
            for job in job.needs().into_iter().chain([*job]) {
                if !ordered.contains(&job) {
                    ordered.push(job);
                }
            }
        }
        let all = ordered.len();
        ordered.retain(|job| !job.is_done(&self.folder));
        if ordered.is_empty() {
            self.meter.say(&format!("All {all} results are there."));
            return Ok(0.0);
        }
        let mut probes = Vec::new();
        for network in networks(&ordered) {
            probes.push((network, self.probe(network)?));
        }
        let seconds = |job: &Job| {
            let Cell { kind, side, .. } = job.cell();
            let probe = probes.iter().find(|(network, _)| *network == (kind, side));
            probe.map_or(0.0, |(_, probe)| job.seconds(probe, &self.setting, self.images[0].train.len()))
        };
        let total: f64 = ordered.iter().map(seconds).sum();
        self.meter.say(&format!(
            "{} of {all} results are to be computed: about {}, by probes of {} networks.",
            ordered.len(),
            crate::progress::time(total),
            probes.len()
        ));
        self.meter.begin(ordered.len(), total);
        for job in &ordered {
            self.meter.job(&job.name(), seconds(job));
            self.do_job(job)?;
            self.meter.end();
        }
        Ok(self.meter.seconds())
    }

    fn watch(&self) -> Watch<'_> {
        Watch { meter: &self.meter, deadline: self.deadline }
    }

    /// How long a gradient and a loss take, for one image: the least of three times, since others may use the machine.
    fn probe(&self, (kind, side): (Kind, usize)) -> Result<Probe> {
        let cell = Cell { side, ..Cell::plain(kind, 1) };
        let net = cell.start(0)?;
        let few = self.images(&cell)?.train.select(&(0..128).collect::<Vec<_>>())?;
        let mut out = vec![0.0; net.layout().len()];
        let (mut gradient, mut loss) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..3 {
            let started = Instant::now();
            net.gradient(net.parameters(), &few, &mut out)?;
            gradient = gradient.min(started.elapsed().as_secs_f64() / few.len() as f64);
            let sweep = Sweep::line(&net, RandomDirections::new(0)).data("", &few).alpha(-0.1..=0.1, 4);
            let started = Instant::now();
            sweep.run()?;
            loss = loss.min(started.elapsed().as_secs_f64() / (4 * few.len()) as f64);
        }
        Ok(Probe { gradient, loss })
    }

    fn do_job(&self, job: &Job) -> Result<()> {
        if self.watch().go_on().is_break() {
            return Err(Error::TimeSpent);
        }
        match *job {
            Job::Train(cell, training) => self.do_training(cell, training),
            Job::Start(cell, training) => self.do_start(job, &cell, training),
            Job::Segment(a, b, training) => self.do_segment(job, &a, &b, training),
            Job::Map(cell, training) => self.do_map(job, &cell, training),
            Job::Lines(cell, training, draws) => {
                let net = self.network(&cell, training)?;
                let sweep = Sweep::line(&net, RandomDirections::new(LINES + training as u64))
                    .data("train", &self.images(&cell)?.shown)
                    .alpha(-LINE..=LINE, self.setting.line_points);
                let watch = self.watch();
                let sweep = sweep.journal(self.journal(job)?).observer(&watch);
                let draws = self.finished(job, sweep.draws(draws))?;
                ended(draws.report().end)?;
                self.keep(job, &draws.to_npz_bytes()?)
            }
            Job::Planes(cell, training, draws) => {
                let net = self.network(&cell, training)?;
                let points = self.setting.plane_points;
                let sweep = Sweep::plane(&net, RandomDirections::new(PLANES + training as u64))
                    .data("train", &self.images(&cell)?.shown)
                    .alpha(-1.0..=1.0, points)
                    .beta(-1.0..=1.0, points);
                let watch = self.watch();
                let sweep = sweep.journal(self.journal(job)?).observer(&watch);
                let draws = self.finished(job, sweep.draws(draws))?;
                ended(draws.report().end)?;
                // Another program computes the first plane of some networks again.
                if training == 0 && matches!(cell.kind, Kind::ResNet { width: 1, skips: false, .. }) {
                    let pair = RandomDirections::new(PLANES + training as u64).pair(&net)?;
                    let name = format!("directions/{}-{training}.safetensors", cell.key());
                    self.folder.write(name, pair.to_safetensors_bytes()?)?;
                }
                self.keep(job, &draws.to_npz_bytes()?)
            }
            Job::Path(cell, training) => {
                let net = self.network(&cell, training)?;
                let name = path_directions(&cell, training);
                let path: PathRecord = self.path(&cell, training)?;
                let plane = Directions::from_safetensors_bytes(net.layout(), &self.folder.read(&name)?)?;
                let [alpha, beta] = path.ranges();
                self.surface(job, &net, plane, [alpha, beta], self.setting.plane_points)
            }
            Job::Picture(cell, training) => {
                let net = self.network(&cell, training)?;
                let plane = RandomDirections::new(PICTURES + training as u64).pair(&net)?;
                self.surface(job, &net, plane, [[-1.0, 1.0]; 2], self.setting.picture_points)
            }
        }
    }

    fn do_training(&self, cell: Cell, training: usize) -> Result<()> {
        let mut net = cell.start(training)?;
        let follows = crate::claims::is_followed(&cell, &self.setting);
        let Images { train, test, .. } = self.images(&cell)?;
        let report = cell.train(training, follows, &mut net, train, &mut self.watch())?;
        if report.end == TrainingEnd::Stopped {
            return Err(Error::TimeSpent);
        }
        if follows {
            self.keep_path(&cell, training, &net, &report)?;
        }
        let bytes = to_checkpoint_bytes(net.layout(), net.parameters())?;
        let mut means = [[0.0; 2]; 2];
        for (data, means) in [train, test].into_iter().zip(&mut means) {
            net.measure(net.parameters(), data, means)?;
        }
        let [[train_loss, train_accuracy], [test_loss, test_accuracy]] = means;
        let ranges = Mask::role(net.layout(), Role::Weight).ranges();
        let squares = ranges.into_iter().flat_map(|range| &net.parameters()[range]);
        let record = TrainingRecord {
            network: cell.name(),
            training,
            file_hash: file_hash(&bytes),
            theta_hash: format!("{:016x}", content_hash(net.parameters())),
            complete: report.end == TrainingEnd::Complete,
            steps: report.steps,
            train_loss,
            train_error: 1.0 - train_accuracy,
            test_loss,
            test_error: 1.0 - test_accuracy,
            weight_norm: squares.map(|w| f64::from(*w).powi(2)).sum::<f64>().sqrt(),
        };
        // The record last: it says that the training is done.
        self.folder.write(checkpoint(&cell, training), bytes)?;
        self.folder.write_json(&Job::Train(cell, training).file(), &record)
    }

    /// The principal plane of a training, and what random directions hold of its path.
    fn keep_path(
        &self,
        cell: &Cell,
        training: usize,
        net: &Network<f32>,
        report: &TrainingReport<f32>,
    ) -> Result<()> {
        let path: Vec<&[f32]> = report.snapshots.iter().map(|snapshot| snapshot.theta.as_slice()).collect();
        let found = PrincipalPlane::new().run(net.layout(), &path)?;
        let random = RandomDirections::new(PATHS + training as u64).pair(net)?;
        let trained = Mask::trained(net.layout());
        let last = net.parameters();
        let (mut inside, mut all) = (0.0, 0.0);
        for theta in &path[..path.len() - 1] {
            // Buffers are no part of the path.
            let mut there = last.to_vec();
            for range in trained.ranges() {
                there[range.clone()].copy_from_slice(&theta[range]);
            }
            let at = random.project(last, &there)?;
            all += at.distance.powi(2);
            inside += at.distance.powi(2) - at.residual.powi(2);
        }
        let of = found.report();
        let few = |values: &[f64]| values.iter().copied().take(10).collect();
        let record = PathRecord {
            shares: few(&of.shares),
            random_walk: few(&of.random_walk_of_steps),
            random_plane: if all > 0.0 { inside / all } else { 0.0 },
            coordinates: [of.coordinates[0].clone(), of.coordinates[1].clone()],
            off_plane: of.off_plane.clone(),
            distances: of.distances.clone(),
        };
        self.folder.write(path_directions(cell, training), found.directions().to_safetensors_bytes()?)?;
        self.folder.write_json(&path_record(cell, training), &record)
    }

    fn do_segment(&self, job: &Job, a: &Cell, b: &Cell, training: usize) -> Result<()> {
        let [small, large] = [self.network(a, training)?, self.network(b, training)?];
        let watch = self.watch();
        // Running variances, extrapolated beyond the ends, would be negative.
        let anew = small.reestimated(&self.images(a)?.shown, STATISTICS_BATCH)?;
        let curve = Sweep::segment(&anew, small.parameters(), large.parameters())
            .data("train", &self.images(a)?.shown)
            .alpha(-0.5..=1.5, self.setting.segment_points)
            .journal(self.journal(job)?)
            .observer(&watch)
            .run();
        let curve = self.finished(job, curve)?;
        ended(curve.report().end)?;
        self.keep(job, &curve.to_npz_bytes()?)
    }

    fn do_map(&self, job: &Job, cell: &Cell, training: usize) -> Result<()> {
        let net = self.network(cell, training)?;
        let points = self.setting.map_points;
        let plane = RandomDirections::new(MAPS + training as u64).pair(&net)?;
        let ratio = EigenRatio::new().tolerance(0.02).confidence(0.999).max_products(120);
        let watch = self.watch();
        let mapped = &self.images(cell)?.mapped;
        let sweep = || {
            let sweep = Sweep::plane(&net, plane.clone()).data("train", mapped);
            sweep.alpha(-1.0..=1.0, points).beta(-1.0..=1.0, points)
        };
        let map = sweep().journal(self.journal(job)?).observer(&watch).eigen_ratio(&ratio);
        let map = self.finished(job, map)?;
        ended(map.report().end)?;
        self.folder.write(losses_of_map(cell, training), sweep().run()?.to_npz_bytes()?)?;
        self.keep(job, &map.to_npz_bytes()?)
    }

    fn do_start(&self, job: &Job, cell: &Cell, training: usize) -> Result<()> {
        let net = cell.start(training)?;
        let anew = net.reestimated(&self.images(cell)?.shown, STATISTICS_BATCH)?;
        let points = self.setting.plane_points;
        let watch = self.watch();
        let surface = Sweep::plane(&anew, RandomDirections::new(STARTS + training as u64))
            .data("train", &self.images(cell)?.shown)
            .alpha(-1.0..=1.0, points)
            .beta(-1.0..=1.0, points)
            .journal(self.journal(job)?)
            .observer(&watch)
            .run();
        let surface = self.finished(job, surface)?;
        ended(surface.report().end)?;
        self.keep(job, &surface.to_npz_bytes()?)
    }

    fn surface(
        &self,
        job: &Job,
        net: &Network<f32>,
        plane: Directions<f32>,
        [alpha, beta]: [[f64; 2]; 2],
        points: usize,
    ) -> Result<()> {
        let watch = self.watch();
        let surface = Sweep::plane(net, plane)
            .data("train", &self.images(&job.cell())?.shown)
            .alpha(alpha[0]..=alpha[1], points)
            .beta(beta[0]..=beta[1], points)
            .journal(self.journal(job)?)
            .observer(&watch)
            .run();
        let surface = self.finished(job, surface)?;
        ended(surface.report().end)?;
        self.keep(job, &surface.to_npz_bytes()?)
    }

    /// The journal of a job at work.
    fn journal(&self, job: &Job) -> Result<std::path::PathBuf> {
        let path = self.folder.path(journal_name(job));
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)
                .map_err(|source| Error::Write { path: parent.to_owned(), source })?;
        }
        Ok(path)
    }

    /// The result of a sweep, or why it could not be written.
    fn finished<T>(&self, job: &Job, result: loss_landscape::Result<T>) -> Result<T> {
        result.map_err(|error| match error {
            loss_landscape::Error::JournalWrite { path, source, .. } => Error::Write { path, source },
            loss_landscape::Error::JournalMismatch { .. } | loss_landscape::Error::NotAJournal { .. } => {
                Error::Damaged { path: self.folder.path(journal_name(job)), why: error.to_string() }
            }
            other => Error::Core(other),
        })
    }

    /// Keeps the result of a job, whose journal is not needed any more.
    fn keep(&self, job: &Job, bytes: &[u8]) -> Result<()> {
        self.folder.write(job.file(), bytes)?;
        self.folder.remove(&journal_name(job));
        Ok(())
    }

    /// The record of a training.
    ///
    /// # Errors
    /// [`Error::Read`] or [`Error::Damaged`].
    pub fn record(&self, cell: &Cell, training: usize) -> Result<TrainingRecord> {
        self.folder.read_json(&Job::Train(*cell, training).file())
    }

    /// The record of the path of a training.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub fn path(&self, cell: &Cell, training: usize) -> Result<PathRecord> {
        self.folder.read_json(&path_record(cell, training))
    }

    /// The network of a training, its checkpoint checked against its hash.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] if it does not match.
    pub fn network(&self, cell: &Cell, training: usize) -> Result<Network<f32>> {
        let record = self.record(cell, training)?;
        let name = checkpoint(cell, training);
        let bytes = self.folder.read(&name)?;
        let found = file_hash(&bytes);
        if found != record.file_hash {
            return Err(Error::Checkpoint {
                path: self.folder.path(name),
                found,
                expected: record.file_hash,
            });
        }
        let net = cell.start(training)?;
        let theta = from_checkpoint_bytes(net.layout(), &bytes)?.theta;
        Ok(net.at(theta)?)
    }

    /// The lines around a training.
    ///
    /// # Errors
    /// [`Error::OtherParameters`] if they are around others; [`Error::Read`] or [`Error::Damaged`].
    pub fn lines(&self, cell: &Cell, training: usize) -> Result<Draws<Ix1>> {
        let job = Job::Lines(*cell, training, 0);
        let draws = self.decoded(&job.file(), Draws::<Ix1>::from_npz_bytes)?;
        self.ensure_of(&job, draws[0].report().provenance.theta_hash)?;
        Ok(draws)
    }

    /// The planes around a training.
    ///
    /// # Errors
    /// As [`lines`](Self::lines).
    pub fn planes(&self, cell: &Cell, training: usize) -> Result<Draws<Ix2>> {
        let job = Job::Planes(*cell, training, 0);
        let draws = self.decoded(&job.file(), Draws::<Ix2>::from_npz_bytes)?;
        self.ensure_of(&job, draws[0].report().provenance.theta_hash)?;
        Ok(draws)
    }

    /// The line between two minimisers.
    ///
    /// # Errors
    /// As [`lines`](Self::lines).
    pub fn segment(&self, a: &Cell, b: &Cell, training: usize) -> Result<Curve> {
        let job = Job::Segment(*a, *b, training);
        let curve = self.decoded(&job.file(), Curve::from_npz_bytes)?;
        self.ensure_of(&job, curve.report().provenance.theta_hash)?;
        Ok(curve)
    }

    /// A map of eigenvalue ratios, and the losses at its points.
    ///
    /// # Errors
    /// As [`lines`](Self::lines).
    pub fn map(&self, cell: &Cell, training: usize) -> Result<[Surface; 2]> {
        let job = Job::Map(*cell, training);
        let map = self.decoded(&job.file(), Surface::from_npz_bytes)?;
        self.ensure_of(&job, map.report().provenance.theta_hash)?;
        let losses = self.decoded(&losses_of_map(cell, training), Surface::from_npz_bytes)?;
        self.ensure_of(&job, losses.report().provenance.theta_hash)?;
        Ok([map, losses])
    }

    /// The plane of any other job.
    ///
    /// # Errors
    /// As [`lines`](Self::lines).
    pub fn plane(&self, job: &Job) -> Result<Surface> {
        let surface = self.decoded(&job.file(), Surface::from_npz_bytes)?;
        if !matches!(job, Job::Start(..)) {
            self.ensure_of(job, surface.report().provenance.theta_hash)?;
        }
        Ok(surface)
    }

    fn decoded<T>(&self, name: &str, decode: impl Fn(&[u8]) -> loss_landscape::Result<T>) -> Result<T> {
        decode(&self.folder.read(name)?)
            .map_err(|error| Error::Damaged { path: self.folder.path(name), why: error.to_string() })
    }

    /// Whether a result is around the parameters of its training.
    fn ensure_of(&self, job: &Job, found: Option<u64>) -> Result<()> {
        let record = self.record(&job.cell(), job.training())?;
        if found.map(|hash| format!("{hash:016x}")) == Some(record.theta_hash) {
            return Ok(());
        }
        let training = Job::Train(job.cell(), job.training()).name();
        Err(Error::OtherParameters { path: self.folder.path(job.file()), training })
    }
}

impl PathRecord {
    /// The ends of both axes: the path, and a tenth more at both ends.
    fn ranges(&self) -> [[f64; 2]; 2] {
        self.coordinates.each_ref().map(|values| {
            let low = values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let room = 0.1 * (high - low).max(1e-6);
            [low - room, high + room]
        })
    }
}

fn journal_name(job: &Job) -> String {
    format!("journals/{}.journal", job.file().replace('/', "-"))
}

/// The checkpoint of a training.
pub fn checkpoint(cell: &Cell, training: usize) -> String {
    format!("trainings/{}-{training}.safetensors", cell.key())
}

fn path_record(cell: &Cell, training: usize) -> String {
    format!("paths/{}-{training}.json", cell.key())
}

fn path_directions(cell: &Cell, training: usize) -> String {
    format!("paths/{}-{training}.safetensors", cell.key())
}

fn losses_of_map(cell: &Cell, training: usize) -> String {
    format!("maps/{}-{training}-losses.npz", cell.key())
}

fn ended(end: SweepEnd) -> Result<()> {
    if end == SweepEnd::Cancelled { Err(Error::TimeSpent) } else { Ok(()) }
}
