//! The pieces of work that claims ask for, each with one file for its result.

use serde::{Deserialize, Serialize};

use crate::{Cell, Folder, Setting, cell::Kind};

/// A piece of work around one training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Job {
    /// The training itself, and the principal plane of its path if it is asked for.
    Train(Cell, usize),
    /// Lines along filter-normalised random directions, so many draws.
    Lines(Cell, usize, usize),
    /// Planes of such directions, so many draws.
    Planes(Cell, usize, usize),
    /// The line to the minimiser of another cell.
    Segment(Cell, Cell, usize),
    /// A map of the eigenvalue ratio, and the loss at the same points.
    Map(Cell, usize),
    /// A plane around the random start of the training.
    Start(Cell, usize),
    /// The principal plane of the path, with the training that it is of.
    Path(Cell, usize),
    /// A plane in many points, for a picture.
    Picture(Cell, usize),
}

/// Seconds of the parts of a job, for one network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe {
    /// Of a gradient, for one image.
    pub(crate) gradient: f64,
    /// Of a loss, for one image.
    pub(crate) loss: f64,
}

/// What is known of a training besides its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingRecord {
    /// The cell.
    pub network: String,
    /// The number of the training, which is the seed of its start and of its shuffling.
    pub training: usize,
    /// The hash of the checkpoint's bytes (XXH3).
    pub file_hash: String,
    /// The hash of θ, as results have it.
    pub theta_hash: String,
    /// Whether all of it was done; a training that diverged has the parameters before that step.
    pub complete: bool,
    /// Steps taken.
    pub steps: usize,
    /// Over all training images, with the running statistics.
    pub train_loss: f64,
    /// The share that is wrong.
    pub train_error: f64,
    /// Over all test images.
    pub test_loss: f64,
    /// The share that is wrong.
    pub test_error: f64,
    /// The Euclidean norm of all weights of convolutions and linear layers.
    pub weight_norm: f64,
}

/// How the path of a training lies in its principal plane.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PathRecord {
    /// Shares of the squared length of the path in each component, the leading ones.
    pub shares: Vec<f64>,
    /// The same for a random walk of the same lengths of steps.
    pub random_walk: Vec<f64>,
    /// The share in a plane of two random directions.
    pub random_plane: f64,
    /// Coordinates of the snapshots in the plane.
    pub coordinates: [Vec<f64>; 2],
    /// Their distances from it.
    pub off_plane: Vec<f64>,
    /// Their distances from the last.
    pub distances: Vec<f64>,
}

impl Job {
    /// The cell that it is around.
    pub fn cell(&self) -> Cell {
        match *self {
            Self::Train(cell, _)
            | Self::Lines(cell, ..)
            | Self::Planes(cell, ..)
            | Self::Segment(cell, ..)
            | Self::Map(cell, _)
            | Self::Start(cell, _)
            | Self::Path(cell, _)
            | Self::Picture(cell, _) => cell,
        }
    }

    /// The number of the training.
    pub fn training(&self) -> usize {
        match *self {
            Self::Train(_, training)
            | Self::Lines(_, training, _)
            | Self::Planes(_, training, _)
            | Self::Segment(_, _, training)
            | Self::Map(_, training)
            | Self::Start(_, training)
            | Self::Path(_, training)
            | Self::Picture(_, training) => training,
        }
    }

    /// The jobs that must be done before it.
    pub(crate) fn needs(&self) -> Vec<Self> {
        let (cell, training) = (self.cell(), self.training());
        match *self {
            Self::Train(..) | Self::Start(..) => vec![],
            Self::Segment(a, b, _) => vec![Self::Train(a, training), Self::Train(b, training)],
            _ => vec![Self::Train(cell, training)],
        }
    }

    /// What it is, for whoever waits.
    pub fn name(&self) -> String {
        let (cell, number) = (self.cell().name(), self.training() + 1);
        match self {
            Self::Train(..) => format!("training {number} of {cell}"),
            Self::Lines(..) => format!("lines around training {number} of {cell}"),
            Self::Planes(..) => format!("planes around training {number} of {cell}"),
            Self::Segment(..) => format!("the line from training {number} of {cell}"),
            Self::Map(..) => format!("eigenvalue ratios around training {number} of {cell}"),
            Self::Start(..) => format!("the start of training {number} of {cell}"),
            Self::Path(..) => format!("the path of training {number} of {cell}"),
            Self::Picture(..) => format!("the picture of training {number} of {cell}"),
        }
    }

    /// The file of its result, which is there once it is done.
    pub fn file(&self) -> String {
        let key = format!("{}-{}", self.cell().key(), self.training());
        match self {
            Self::Train(..) => format!("trainings/{key}.json"),
            Self::Lines(..) => format!("lines/{key}.npz"),
            Self::Planes(..) => format!("planes/{key}.npz"),
            Self::Segment(..) => format!("segments/{key}.npz"),
            Self::Map(..) => format!("maps/{key}.npz"),
            Self::Start(..) => format!("starts/{key}.npz"),
            Self::Path(..) => format!("paths/{key}.npz"),
            Self::Picture(..) => format!("pictures/{key}.npz"),
        }
    }

    pub(crate) fn is_done(&self, folder: &Folder) -> bool {
        folder.has(&self.file())
    }

    /// Its estimated seconds.
    pub(crate) fn seconds(&self, probe: &Probe, setting: &Setting, images: usize) -> f64 {
        let Probe { gradient, loss } = *probe;
        let samples = setting.samples_of(self.cell().side);
        let points = |points: usize| points as f64 * samples as f64 * loss;
        match self {
            Self::Train(cell, _) => (cell.epochs * images) as f64 * gradient,
            Self::Lines(_, _, draws) => points(setting.line_points * draws),
            Self::Planes(_, _, draws) => points(setting.plane_points.pow(2) * draws),
            // Statistics first, then the loss.
            Self::Segment(..) => 2.5 * points(setting.segment_points),
            // A product costs about three gradients, and a point 20 products from a cold start, fewer from a warm one.
            Self::Map(..) => (setting.map_points.pow(2) * setting.map_samples) as f64 * 16.0 * 3.0 * gradient,
            Self::Start(..) => 2.5 * points(setting.plane_points.pow(2)),
            Self::Path(..) => points(setting.plane_points.pow(2)),
            Self::Picture(..) => points(setting.picture_points.pow(2)),
        }
    }
}

/// The networks of jobs with the sides of their images, each once.
pub(crate) fn networks(jobs: &[Job]) -> Vec<(Kind, usize)> {
    let mut networks: Vec<_> = jobs.iter().map(|job| (job.cell().kind, job.cell().side)).collect();
    networks.sort_unstable();
    networks.dedup();
    networks
}
