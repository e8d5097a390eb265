//! All numbers that were read off trainings and landscapes, in one long table.

use std::f64::consts::LN_10;

use loss_landscape::{
    Curve, Surface,
    measure::{Level, Measure, Reading},
    statistics::Sample,
    topology::Topology,
};

use crate::{Job, Lab, Result};

/// Measures of the table, by the names that it has for them.
pub mod name {
    /// 1 where the error on the training images is at most [`super::TRAINED`].
    pub const TRAINS: &str = "trains";
    /// Share of the training images that is wrong.
    pub const TRAIN_ERROR: &str = "train error";
    /// Share of the test images that is wrong.
    pub const TEST_ERROR: &str = "test error";
    /// Norm of all weights.
    pub const WEIGHT_NORM: &str = "weight norm";
    /// Distance along a filter-normalised line to half a nat above the minimiser.
    pub const WIDTH: &str = "width";
    /// Share of the plane below ln 10.
    pub const BASIN: &str = "basin share";
    /// Share of triples of points at which the loss bends down.
    pub const BENDS_DOWN: &str = "convexity violations";
    /// Minima with a persistence of a tenth of a nat.
    pub const MINIMA: &str = "persistent minima";
    /// Median over the plane, log₁₀.
    pub const MEDIAN_LOSS: &str = "median loss (log10)";
    /// Maximum over the plane, log₁₀.
    pub const LARGEST_LOSS: &str = "largest loss (log10)";
    /// See [`super::roughness`].
    pub const ROUGHNESS: &str = "roughness";
    /// ln of the ratio of plain widths, small over large batch.
    pub const PLAIN_RATIO: &str = "ln plain width ratio";
    /// ln of the ratio of weight norms, small over large batch.
    pub const NORM_RATIO: &str = "ln weight norm ratio";
    /// Median over a map of |λ_min/λ_max|.
    pub const MEDIAN_RATIO: &str = "median eigenvalue ratio";
    /// The same where the loss is below ln 10 and bends nowhere down.
    pub const CONVEX_RATIO: &str = "eigenvalue ratio where convex";
    /// Rank correlation over the points of a map, of the ratio with how far the loss bends down there.
    pub const RATIO_BEND: &str = "rank correlation of ratio and bending";
    /// Share of the points that are certified.
    pub const CERTIFIED: &str = "certified points";
    /// Loss at a random start, with the statistics of the data.
    pub const START_LOSS: &str = "loss at the start";
    /// Convexity violations around a random start.
    pub const START_BENDS: &str = "convexity violations at the start";
    /// Roughness around a random start.
    pub const START_ROUGHNESS: &str = "roughness at the start";
    /// Standard deviation of the loss within 0.4 of a random start.
    pub const START_SPREAD: &str = "spread of losses at the start";
    /// Share of a path in its principal plane.
    pub const PLANE_SHARE: &str = "path in the principal plane";
    /// That of a random walk.
    pub const WALK_SHARE: &str = "random walk in its principal plane";
    /// The difference of the two.
    pub const PLANE_EXCESS: &str = "principal plane beyond a random walk";
    /// Share of a path in a random plane.
    pub const RANDOM_SHARE: &str = "path in a random plane";
}

/// A training error up to this counts as trained.
pub const TRAINED: f64 = 0.1;
/// The rise of the loss, in nats, that bounds a width.
pub const RISE: f64 = 0.5;
/// The same for plain widths on the line between two minimisers, which ends half its length beyond either.
pub const PLAIN_RISE: f64 = 0.1;
/// The least persistence of a minimum that is counted, in nats, and what bends down by less is not counted.
pub const PERSISTENCE: f64 = 0.1;
const TOLERANCE: f64 = 1e-3;
/// Losses below this are as good as 0 where logarithms are taken.
const FLOOR: f64 = 1e-6;

/// One number.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The cell.
    pub network: String,
    /// The number of the training.
    pub training: usize,
    /// The number of the draw of directions, where it depends on one.
    pub draw: Option<usize>,
    /// What was measured.
    pub measure: &'static str,
    /// The number.
    pub value: f64,
    /// Whether the true value may be larger, since the axes end before it is known.
    pub at_least: bool,
}

/// All of them, in the order of the jobs.
#[derive(Clone, Debug, Default)]
pub struct Measurements {
    rows: Vec<Row>,
}

impl Measurements {
    /// Reads the results of jobs, all of which are done.
    ///
    /// # Errors
    /// Those of the [`Lab`] for a result that cannot be read or is of something else.
    pub fn of(lab: &Lab, jobs: &[Job]) -> Result<Self> {
        let mut all = Self::default();
        let mut done: Vec<Job> = Vec::new();
        for job in jobs {
            for job in job.needs().into_iter().chain([*job]) {
                if !done.contains(&job) {
                    all.read(lab, &job)?;
                    done.push(job);
                }
            }
        }
        Ok(all)
    }

    /// Every row.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    fn read(&mut self, lab: &Lab, job: &Job) -> Result<()> {
        let (cell, training) = (job.cell(), job.training());
        let network = cell.name();
        let mut add = |draw, measure, reading: Reading| {
            let (value, at_least) = match reading {
                Reading::Value(value) => (value, false),
                Reading::AtLeast(value) => (value, true),
                Reading::Unknown => return,
            };
            if value.is_finite() {
                self.rows.push(Row { network: network.clone(), training, draw, measure, value, at_least });
            }
        };
        let mut one = |draw, measure, value| add(draw, measure, Reading::Value(value));
        match *job {
            Job::Train(..) => {
                let record = lab.record(&cell, training)?;
                one(None, name::TRAINS, f64::from(u8::from(record.train_error <= TRAINED)));
                one(None, name::TRAIN_ERROR, record.train_error);
                one(None, name::TEST_ERROR, record.test_error);
                one(None, name::WEIGHT_NORM, record.weight_norm);
                if crate::claims::is_followed(&cell, lab.setting()) {
                    let path = lab.path(&cell, training)?;
                    let [share, walk] =
                        [&path.shares, &path.random_walk].map(|shares| shares.iter().take(2).sum::<f64>());
                    one(None, name::PLANE_SHARE, share);
                    one(None, name::WALK_SHARE, walk);
                    one(None, name::PLANE_EXCESS, share - walk);
                    one(None, name::RANDOM_SHARE, path.random_plane);
                }
            }
            Job::Lines(..) => {
                let width = Measure::Radius(Level::AboveCentre(RISE));
                for (draw, curve) in lab.lines(&cell, training)?.iter().enumerate() {
                    add(Some(draw), name::WIDTH, width.of(curve, "train loss")?);
                }
            }
            Job::Planes(..) => {
                for (draw, surface) in lab.planes(&cell, training)?.iter().enumerate() {
                    let of = |measure: Measure| measure.of(surface, "train loss");
                    add(Some(draw), name::BASIN, of(Measure::ShareBelow(Level::Value(LN_10)))?);
                    add(Some(draw), name::BENDS_DOWN, of(Measure::BendsDown { tolerance: TOLERANCE })?);
                    let mut one = |measure, value| add(Some(draw), measure, Reading::Value(value));
                    let shape = Topology::new().persistence_above(PERSISTENCE).of(surface)?;
                    one(name::MINIMA, shape.minima.len() as f64);
                    one(name::ROUGHNESS, roughness_of_plane(surface));
                    let losses = sorted_losses(surface);
                    if let Some(last) = losses.last() {
                        one(name::MEDIAN_LOSS, losses[losses.len() / 2].max(FLOOR).log10());
                        one(name::LARGEST_LOSS, last.max(FLOOR).log10());
                    }
                }
            }
            Job::Segment(a, b, _) => {
                let curve = lab.segment(&a, &b, training)?;
                let [small, large] = plain_widths(&curve);
                if small > 0.0 && large > 0.0 {
                    one(None, name::PLAIN_RATIO, (small / large).ln());
                }
                let norms = [lab.record(&a, training)?, lab.record(&b, training)?];
                let [small, large] = norms.map(|record| record.weight_norm);
                one(None, name::NORM_RATIO, (small / large).ln());
            }
            Job::Map(..) => {
                let [map, losses] = lab.map(&cell, training)?;
                let found = MapReading::of(&map, &losses)?;
                one(None, name::MEDIAN_RATIO, found.median);
                if let Some(value) = found.where_convex {
                    one(None, name::CONVEX_RATIO, value);
                }
                if let Some(value) = found.correlation {
                    one(None, name::RATIO_BEND, value);
                }
                one(None, name::CERTIFIED, found.certified);
            }
            Job::Start(..) => {
                let surface = lab.plane(job)?;
                let loss = surface.loss();
                let middle = [loss.nrows() / 2, loss.ncols() / 2];
                one(None, name::START_LOSS, loss[middle]);
                one(None, name::START_ROUGHNESS, roughness_of_plane(&surface));
                let near = surface.alpha().iter().enumerate().flat_map(|(i, a)| {
                    let loss = &loss;
                    surface.beta().iter().enumerate().filter_map(move |(j, b)| {
                        (a.abs() <= 0.41 && b.abs() <= 0.41).then_some(loss[[i, j]])
                    })
                });
                let near: Vec<f64> = near.filter(|loss| loss.is_finite()).collect();
                if near.len() > 1 {
                    one(None, name::START_SPREAD, Sample::new(near)?.deviation());
                }
                let bends = Measure::BendsDown { tolerance: TOLERANCE }.of(&surface, "train loss")?;
                add(None, name::START_BENDS, bends);
            }
            Job::Path(..) | Job::Picture(..) => {}
        }
        Ok(())
    }

    /// The values of one measure of a cell, a list for each training that has any.
    pub fn groups(&self, network: &str, measure: &str) -> Vec<Vec<f64>> {
        let mut groups: Vec<(usize, Vec<f64>)> = Vec::new();
        for row in self.rows.iter().filter(|row| row.network == network && row.measure == measure) {
            match groups.iter_mut().find(|(training, _)| *training == row.training) {
                Some((_, values)) => values.push(row.value),
                None => groups.push((row.training, vec![row.value])),
            }
        }
        groups.sort_by_key(|(training, _)| *training);
        groups.into_iter().map(|(_, values)| values).collect()
    }

    /// The mean over draws, for each training.
    pub fn means(&self, network: &str, measure: &str) -> Vec<f64> {
        self.groups(network, measure).iter().map(|values| mean(values)).collect()
    }

    /// The means of two measures of each training that has both.
    pub fn pairs(&self, network: &str, [x, y]: [&str; 2]) -> Vec<[f64; 2]> {
        let of = |measure: &str, training: usize| {
            let rows = self
                .rows
                .iter()
                .filter(|row| row.network == network && row.measure == measure && row.training == training);
            let values: Vec<f64> = rows.map(|row| row.value).collect();
            (!values.is_empty()).then(|| mean(&values))
        };
        let most = self.rows.iter().map(|row| row.training + 1).max().unwrap_or(0);
        (0..most).filter_map(|training| Some([of(x, training)?, of(y, training)?])).collect()
    }

    /// How many values of a measure of these cells are lower bounds, and how many there are.
    pub fn bounded(&self, networks: &[String], measure: &str) -> [usize; 2] {
        let rows =
            || self.rows.iter().filter(|row| row.measure == measure && networks.contains(&row.network));
        [rows().filter(|row| row.at_least).count(), rows().count()]
    }
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn sorted_losses(surface: &Surface) -> Vec<f64> {
    let mut losses: Vec<f64> = surface.loss().iter().copied().filter(|loss| loss.is_finite()).collect();
    losses.sort_by(f64::total_cmp);
    losses
}

/// The roughness of a line: the share of the total variation of ln L that a single valley does not explain. 0 where the
/// loss falls to one lowest point and rises from it; near 1 where it goes up and down all the way.
pub fn roughness(losses: &[f64]) -> Option<f64> {
    let logs: Vec<f64> = losses.iter().filter(|l| l.is_finite()).map(|l| l.max(FLOOR).ln()).collect();
    let [first, last] = [*logs.first()?, *logs.last()?];
    let lowest = logs.iter().copied().fold(f64::INFINITY, f64::min);
    let variation: f64 = logs.windows(2).map(|w| (w[1] - w[0]).abs()).sum();
    let valley = first + last - 2.0 * lowest;
    let share = if variation > 0.0 { (variation - valley) / variation } else { 0.0 };
    // What is left of a single valley is rounding.
    Some(if share > 1e-9 { share } else { 0.0 })
}

/// The mean roughness of the rows and columns of a plane.
fn roughness_of_plane(surface: &Surface) -> f64 {
    let loss = surface.loss();
    let lines = loss.rows().into_iter().chain(loss.columns());
    let found: Vec<f64> = lines.filter_map(|line| roughness(&line.to_vec())).collect();
    if found.is_empty() { f64::NAN } else { mean(&found) }
}

/// How far outwards from either end of the line between two minimisers the loss stays within [`PLAIN_RISE`] of the end's own:
/// before 0 and beyond 1, so that neither sees the other. Half the line's length at most.
fn plain_widths(curve: &Curve) -> [f64; 2] {
    let (alpha, loss) = (curve.alpha(), curve.loss());
    let loss: Vec<f64> = loss.to_vec();
    let near = |end: f64| {
        let distance = |i: &usize| (alpha[*i] - end).abs();
        (0..alpha.len()).min_by(|i, j| distance(i).total_cmp(&distance(j))).unwrap_or(0)
    };
    let walk = |start: usize, towards: isize| {
        let level = loss[start] + PLAIN_RISE;
        let mut at = start;
        loop {
            let Some(next) = at.checked_add_signed(towards).filter(|next| *next < loss.len()) else {
                return (alpha[at] - alpha[start]).abs();
            };
            if loss[next] > level || !loss[next].is_finite() {
                let part = ((level - loss[at]) / (loss[next] - loss[at])).clamp(0.0, 1.0);
                let part = if part.is_finite() { part } else { 0.0 };
                return (alpha[at] - alpha[start]).abs() + part * (alpha[next] - alpha[at]).abs();
            }
            at = next;
        }
    };
    [walk(near(0.0), -1), walk(near(1.0), 1)]
}

/// What is read off a map.
struct MapReading {
    median: f64,
    where_convex: Option<f64>,
    correlation: Option<f64>,
    certified: f64,
}

impl MapReading {
    fn of(map: &Surface, losses: &Surface) -> Result<Self> {
        let (ratio, state) = (map.channel("train ratio")?, map.channel("train state")?);
        let loss = losses.channel("train loss")?;
        let (rows, columns) = loss.dim();
        let (mut ratios, mut bends, mut convex) = (Vec::new(), Vec::new(), Vec::new());
        for i in 0..rows {
            for j in 0..columns {
                if !ratio[[i, j]].is_finite() || !loss[[i, j]].is_finite() {
                    continue;
                }
                ratios.push(ratio[[i, j]]);
                // How far the loss bends down between neighbours, relative to itself; the larger of both axes.
                let mut bend = f64::NEG_INFINITY;
                let mut see = |a: f64, b: f64| {
                    let here = loss[[i, j]];
                    let value = (here - f64::midpoint(a, b)) / here.max(FLOOR);
                    if value.is_finite() {
                        bend = bend.max(value);
                    }
                };
                if i > 0 && i + 1 < rows {
                    see(loss[[i - 1, j]], loss[[i + 1, j]]);
                }
                if j > 0 && j + 1 < columns {
                    see(loss[[i, j - 1]], loss[[i, j + 1]]);
                }
                if bend.is_finite() {
                    bends.push([ratio[[i, j]], bend]);
                    if bend <= 0.0 && loss[[i, j]] < LN_10 {
                        convex.push(ratio[[i, j]]);
                    }
                }
            }
        }
        let certified = state.iter().filter(|state| **state == 2.0).count() as f64 / state.len() as f64;
        let correlation = crate::statistics::spearman(&bends);
        Ok(Self {
            median: median(&mut ratios),
            where_convex: (!convex.is_empty()).then(|| median(&mut convex)),
            correlation,
            certified,
        })
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    match n {
        0 => f64::NAN,
        _ if n % 2 == 1 => values[n / 2],
        _ => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use loss_landscape::ndarray::Array1;

    #[test]
    fn a_single_valley_is_smooth_and_a_saw_is_rough() {
        assert_eq!(roughness(&[9.0, 3.0, 1.0, 2.0, 8.0]), Some(0.0));
        assert_eq!(roughness(&[2.0; 5]), Some(0.0));
        assert_eq!(roughness(&[]), None);
        // Up and down between 1 and e: a variation of 8, of which the valley explains none.
        let saw: Vec<f64> = (0..9).map(|i| if i % 2 == 0 { 1.0 } else { std::f64::consts::E }).collect();
        assert!((roughness(&saw).unwrap() - 1.0).abs() < 1e-12);
        // Two valleys of depth 1 from a height of 2: variation 2 + 1 + 1 + 2, of which 4 is one valley.
        let two: Vec<f64> = [2.0_f64, 0.0, 1.0, 0.0, 2.0].map(f64::exp).to_vec();
        assert!((roughness(&two).unwrap() - 2.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn plain_widths_are_measured_outwards_from_both_ends() {
        // 1.6α² at 0 and (α − 1)²/2.5 at 1: a rise of a tenth after 1/4 and 1/2.
        let alpha: Vec<f64> = (-20..=60).map(|i| f64::from(i) / 20.0).collect();
        let loss = alpha.iter().map(|a| (1.6 * a * a).min((a - 1.0) * (a - 1.0) / 2.5));
        let loss: Array1<f64> = loss.collect();
        let curve = Curve::from_channels(&alpha, [("train loss".to_owned(), loss)]).unwrap();
        let [small, large] = plain_widths(&curve);
        assert!((small - 0.25).abs() < 0.02 && (large - 0.5).abs() < 0.02, "{small}, {large}");
    }
}
