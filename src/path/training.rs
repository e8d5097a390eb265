//! The training of a curve: gradient descent of its bends on the mean loss along it.

use std::{
    ops::{ControlFlow, Range},
    time::Instant,
};

use ndarray_rand::rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{BentPath, PathStep, PathTrainingEnd, PathTrainingReport, StepRule, step_rule::RuleState};
use crate::{
    Error, Gradient, Mask, OracleError, Result, Scalar, Slice, landscape::PointFailure, memory, model::catch,
};

/// Streams of the seed's generator that no direction of the same seed has.
const T_STREAM: u64 = 1 << 63;
const BATCH_STREAM: u64 = T_STREAM + 1;

/// Trains a curve between two parameter vectors: moves its bends so that the mean loss along it falls, min E_t L(γ(t))
/// with t uniform from 0 to 1, while both ends stand still.
///
/// This is the method of Garipov et al. ([2018](https://arxiv.org/abs/1802.10026)). Every step draws t, and moves each
/// bend by its share of the gradient there, ∂γ/∂bend·∇L(γ(t)); for one bend of a Bezier curve that is 2t(1−t)·∇L. The
/// mean over uniform t is the paper's practical objective: it weighs parts of the curve by t and not by their length.
/// The learning rate is that of their code: constant for half of the steps, then falling linearly to a hundredth at nine
/// tenths; [`constant`](Self::constant) keeps it.
///
/// Buffers of the bends are not trained. Gradients come from the whole data ([`run`](Self::run)), from a mini-batch a
/// step ([`run_batches`](Self::run_batches)), or from a function of yours ([`run_with`](Self::run_with)).
///
/// **Cost.** [`draws`](Self::draws) gradients a step, in parallel over draws in rayon's current pool; memory for two
/// vectors of the length of θ a draw, and three a bend (with Adam four). Same seed, same bits, for any number of
/// threads, if the gradient has them.
///
/// ```
/// use loss_landscape::{FnModel, Layout, path::{BentPath, PathTraining, StepRule}};
/// use std::ops::ControlFlow;
///
/// // A valley along the unit circle: (x² + y² − 1)².
/// let gradient = |t: &[f64], _step: usize, out: &mut [f64]| {
///     let off = t[0] * t[0] + t[1] * t[1] - 1.0;
///     out.copy_from_slice(&[4.0 * off * t[0], 4.0 * off * t[1]]);
///     Ok(off * off)
/// };
/// let start = BentPath::chain(&Layout::flat(2)?, &[1.0, 0.0], &[0.0, 1.0], 3)?;
/// let training = PathTraining::new(0.02).rule(StepRule::adam()).steps(500).draws(4).seed(7);
/// let trained = training.run_with(&start, gradient, |_| ControlFlow::Continue(()))?;
/// for bend in trained.path.bends() {
///     assert!((bend[0].hypot(bend[1]) - 1.0).abs() < 0.06); // each has found the valley
/// }
/// assert_eq!(trained.path.points()[0], start.points()[0]);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
#[must_use = "a training does nothing until it is run"]
pub struct PathTraining {
    learning_rate: f64,
    rule: StepRule,
    steps: usize,
    draws: usize,
    seed: u64,
    constant: bool,
}

/// A trained curve, with the report of its training.
///
/// ```
/// use loss_landscape::{Layout, path::{BentPath, PathTraining, TrainedPath}};
/// use std::ops::ControlFlow;
///
/// let start = BentPath::bezier(&Layout::flat(1)?, &[0.0_f64], &[0.0], 1)?;
/// let towards_one = |t: &[f64], _step: usize, out: &mut [f64]| {
///     out[0] = 2.0 * (t[0] - 1.0);
///     Ok((t[0] - 1.0).powi(2))
/// };
/// let TrainedPath { path, report, .. } =
///     PathTraining::new(0.2).steps(300).run_with(&start, towards_one, |_| ControlFlow::Continue(()))?;
/// assert_eq!(report.hashes, path.hashes());
/// assert!((path.bends()[0][0] - 2.5).abs() < 0.1); // the mean over t of (2t(1−t)·x − 1)² is least at x = 5/2
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TrainedPath<S> {
    /// The curve with the bends of the last good step.
    pub path: BentPath<S>,
    /// How the training went.
    pub report: PathTrainingReport,
}

/// One drawn point of the curve, with its loss and gradient.
struct Drawn<S> {
    t: f64,
    theta: Vec<S>,
    gradient: Vec<S>,
    outcome: Result<f64, PointFailure>,
}

impl PathTraining {
    /// A training with this learning rate: SGD with momentum 0.9, 1,000 steps, one draw a step, seed 0.
    pub fn new(learning_rate: f64) -> Self {
        let rule = StepRule::Sgd { momentum: 0.9 };
        Self { learning_rate, rule, steps: 1000, draws: 1, seed: 0, constant: false }
    }

    /// How steps move the bends; SGD with momentum 0.9 by default.
    pub fn rule(self, rule: StepRule) -> Self {
        Self { rule, ..self }
    }

    /// The number of steps, 1,000 by default.
    pub fn steps(self, steps: usize) -> Self {
        Self { steps, ..self }
    }

    /// The number of t that a step draws, 1 by default: one in each of as many equal parts of [0, 1], which together
    /// are as good as more of them drawn anywhere. A step costs as many gradients.
    pub fn draws(self, draws: usize) -> Self {
        Self { draws, ..self }
    }

    /// The seed of the draws, and of the order of mini-batches; 0 by default. They are of `ChaCha8Rng`, in streams of
    /// their own, so that the directions of the same seed are independent of them.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Whether the learning rate stays what it is; by default it falls in the second half of the steps.
    pub fn constant(self, constant: bool) -> Self {
        Self { constant, ..self }
    }

    /// Trains a curve on the gradient of the loss over all data. The module's [page](crate::path) has an example.
    ///
    /// A loss or gradient that fails or is not finite is no error: the training ends, with the curve of the step before
    /// ([`PathTrainingEnd`]).
    ///
    /// # Errors
    /// [`Error::LayoutMismatch`] for a curve of another layout than the model's; [`Error::Setting`] for a setting out
    /// of range, or a curve without bends; [`Error::OutOfMemory`].
    pub fn run<M, D>(&self, model: &M, data: &D, path: &BentPath<M::Scalar>) -> Result<TrainedPath<M::Scalar>>
    where
        M: Gradient<D> + Sync + ?Sized,
        D: Sync + ?Sized,
    {
        path.layout().ensure_same(model.layout())?;
        self.train(
            path,
            |_| ControlFlow::Continue(()),
            |_, slice, drawn| {
                drawn.par_iter_mut().for_each(|drawn| {
                    drawn.measure(slice, |theta, out| model.gradient(theta, data, out));
                });
            },
        )
    }

    /// Trains a curve on the gradients of mini-batches, data sets of their own: one for each step, in an order that is
    /// shuffled anew whenever all have had their turn. They should be of one size, since each counts the same.
    ///
    /// ```
    /// use loss_landscape::{Gradient, Layout, Loss, Model, OracleError, path::{BentPath, PathTraining}};
    ///
    /// struct Mean(Layout, Vec<f64>);
    /// # impl Model for Mean {
    /// #     type Scalar = f64;
    /// #     fn layout(&self) -> &Layout { &self.0 }
    /// #     fn parameters(&self) -> &[f64] { &self.1 }
    /// # }
    ///
    /// impl Loss<Vec<f64>> for Mean {
    ///     fn loss(&self, t: &[f64], x: &Vec<f64>) -> Result<f64, OracleError> {
    ///         Ok(x.iter().map(|x| (x - t[0]).powi(2)).sum::<f64>() / x.len() as f64)
    ///     }
    /// }
    ///
    /// impl Gradient<Vec<f64>> for Mean {
    ///     fn gradient(&self, t: &[f64], x: &Vec<f64>, out: &mut [f64]) -> Result<f64, OracleError> {
    ///         out[0] = x.iter().map(|x| 2.0 * (t[0] - x)).sum::<f64>() / x.len() as f64;
    ///         self.loss(t, x)
    ///     }
    /// }
    ///
    /// let model = Mean(Layout::flat(1)?, vec![0.0]);
    /// let batches = [vec![0.9, 1.0], vec![1.1, 0.8], vec![1.3, 0.9]];
    /// let start = BentPath::bezier(model.layout(), &[0.0], &[0.0], 1)?;
    /// let trained = PathTraining::new(0.1).steps(600).run_batches(&model, &batches, &start)?;
    /// assert!((trained.path.bends()[0][0] - 2.5).abs() < 0.2);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](Self::run); [`Error::NoData`] without mini-batches.
    pub fn run_batches<M, D>(
        &self,
        model: &M,
        batches: &[D],
        path: &BentPath<M::Scalar>,
    ) -> Result<TrainedPath<M::Scalar>>
    where
        M: Gradient<D> + Sync + ?Sized,
        D: Sync,
    {
        path.layout().ensure_same(model.layout())?;
        if batches.is_empty() {
            return Err(Error::NoData);
        }
        let mut generator = self.generator(BATCH_STREAM);
        let mut order: Vec<usize> = (0..batches.len()).collect();
        self.train(
            path,
            |_| ControlFlow::Continue(()),
            |step, slice, drawn| {
                let turn = step % order.len();
                if turn == 0 {
                    shuffle(&mut order, &mut generator);
                }
                let data = &batches[order[turn]];
                drawn.par_iter_mut().for_each(|drawn| {
                    drawn.measure(slice, |theta, out| model.gradient(theta, data, out));
                });
            },
        )
    }

    /// Trains a curve on gradients of yours, and tells an observer of every step, which may end the training.
    ///
    /// `gradient(θ, step, out)` writes ∇L(θ), one value for each parameter, and returns L(θ). It is called on the
    /// calling thread, [`draws`](Self::draws) times for each step from 0 on, which is all that it needs to choose a
    /// mini-batch. What it writes at buffers is ignored.
    ///
    /// ```
    /// use std::ops::ControlFlow;
    /// use loss_landscape::{Layout, path::{BentPath, PathTraining, PathTrainingEnd}};
    ///
    /// let data = [0.9, 1.1, 1.2, 0.8];
    /// let gradient = |theta: &[f64], step: usize, out: &mut [f64]| {
    ///     let batch = &data[2 * (step % 2)..][..2];
    ///     out[0] = batch.iter().map(|x| theta[0] - x).sum();
    ///     Ok(batch.iter().map(|x| (theta[0] - x).powi(2)).sum::<f64>() / 2.0)
    /// };
    /// let start = BentPath::bezier(&Layout::flat(1)?, &[0.0], &[0.0], 1)?;
    /// let enough = |step: &loss_landscape::path::PathStep| {
    ///     if step.done < 20 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    /// };
    /// let trained = PathTraining::new(0.1).run_with(&start, gradient, enough)?;
    /// assert!(matches!(trained.report.end, PathTrainingEnd::Cancelled));
    /// assert_eq!(trained.report.losses.len(), 20);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Setting`] and [`Error::OutOfMemory`], as [`run`](Self::run).
    pub fn run_with<S: Scalar>(
        &self,
        path: &BentPath<S>,
        mut gradient: impl FnMut(&[S], usize, &mut [S]) -> Result<f64, OracleError>,
        observer: impl FnMut(&PathStep) -> ControlFlow<()>,
    ) -> Result<TrainedPath<S>> {
        self.train(path, observer, |step, slice, drawn| {
            for drawn in drawn {
                drawn.measure(slice, |theta, out| gradient(theta, step, out));
                if drawn.outcome.is_err() {
                    break;
                }
            }
        })
    }

    fn train<S: Scalar>(
        &self,
        path: &BentPath<S>,
        mut observer: impl FnMut(&PathStep) -> ControlFlow<()>,
        mut measure: impl FnMut(usize, &Slice<'_, S>, &mut [Drawn<S>]),
    ) -> Result<TrainedPath<S>> {
        let started = Instant::now();
        self.check(path)?;
        let len = path.layout().len();
        let vector = || memory::filled("the vectors of a training", len, S::zero());
        let new_drawn = || Ok(Drawn { t: 0.0, theta: vector()?, gradient: vector()?, outcome: Ok(0.0) });
        let mut drawn = (0..self.draws).map(|_| new_drawn()).collect::<Result<Vec<_>>>()?;
        let mut path = path.clone();
        let bends = path.bends().len();
        let states = || (0..bends).map(|_| RuleState::new(self.rule, len)).collect::<Result<Vec<_>>>();
        let (mut states, mut before) = (states()?, path.bends().to_vec());
        let mut bend_gradient = vector()?;
        let trained = Mask::trained(path.layout()).ranges();
        let mut generator = self.generator(T_STREAM);
        let mut losses = memory::with_capacity("the losses of a training", self.steps)?;
        let mut end = PathTrainingEnd::Complete;
        for step in 0..self.steps {
            for (k, drawn) in drawn.iter_mut().enumerate() {
                drawn.t = (k as f64 + uniform(&mut generator)) / self.draws as f64;
                drawn.outcome = Ok(0.0);
            }
            measure(step, &path.slice(), &mut drawn);
            let failed =
                drawn.iter().find_map(|drawn| Some((drawn.t, drawn.outcome.as_ref().err()?.clone())));
            if let Some((t, failure)) = failed {
                end = PathTrainingEnd::Failed { step, t, failure };
                break;
            }
            let rate = self.rate(step);
            for (spare, bend) in before.iter_mut().zip(path.bends()) {
                spare.copy_from_slice(bend);
            }
            let coefficients: Vec<Vec<f64>> =
                drawn.iter().map(|drawn| path.slice().coefficients([drawn.t, 0.0]).collect()).collect();
            for (k, state) in states.iter_mut().enumerate() {
                let shares: Vec<f64> = coefficients.iter().map(|c| c[k + 1]).collect();
                gradient_of_bend(&trained, &shares, &drawn, &mut bend_gradient);
                state.step(&trained, rate, &mut path.points_mut()[k + 1], &bend_gradient);
            }
            if !path.bends().iter().flatten().all(|value| value.is_finite()) {
                path.points_mut()[1..=bends].clone_from_slice(&before);
                end = PathTrainingEnd::Diverged { step };
                break;
            }
            let loss = drawn.iter().flat_map(|drawn| &drawn.outcome).sum::<f64>() / self.draws as f64;
            losses.push(loss);
            let seen = PathStep { done: step + 1, total: self.steps, loss, learning_rate: rate };
            if observer(&seen).is_break() && step + 1 < self.steps {
                end = PathTrainingEnd::Cancelled;
                break;
            }
        }
        let report = PathTrainingReport {
            end,
            losses,
            steps: self.steps,
            draws: self.draws,
            seed: self.seed,
            learning_rate: self.learning_rate,
            rule: self.rule,
            shape: path.shape(),
            points: path.points().len(),
            hashes: path.hashes(),
            elapsed: started.elapsed(),
        };
        Ok(TrainedPath { path, report })
    }

    fn check<S: Scalar>(&self, path: &BentPath<S>) -> Result<()> {
        let refuse = |setting, needs, value| Err(Error::Setting { setting, needs, value });
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return refuse("the learning rate", "finite and above 0", self.learning_rate);
        }
        self.rule.check()?;
        for (setting, value) in [
            ("the number of steps", self.steps),
            ("the number of draws", self.draws),
            ("the number of bends", path.bends().len()),
        ] {
            if value == 0 {
                return refuse(setting, "1 or more", 0.0);
            }
        }
        Ok(())
    }

    /// The learning rate of a step: Garipov's schedule.
    fn rate(&self, step: usize) -> f64 {
        let done = step as f64 / self.steps as f64;
        let factor = if self.constant || done <= 0.5 {
            1.0
        } else if done <= 0.9 {
            1.0 - (done - 0.5) / 0.4 * 0.99
        } else {
            0.01
        };
        factor * self.learning_rate
    }

    fn generator(&self, stream: u64) -> ChaCha8Rng {
        let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
        generator.set_stream(stream);
        generator
    }
}

impl<S: Scalar> Drawn<S> {
    /// Moves to the point of the curve and measures there; a panic ends here.
    fn measure(
        &mut self,
        slice: &Slice<'_, S>,
        gradient: impl FnOnce(&[S], &mut [S]) -> Result<f64, OracleError>,
    ) {
        slice.theta_into([self.t, 0.0], &mut self.theta);
        // What the gradient leaves unwritten must not pass for a value.
        self.gradient.fill(S::from_f64(f64::NAN));
        let not_finite =
            |channel: &str, value| PointFailure::NonFinite { channel: channel.to_owned(), value };
        self.outcome = match catch(|| gradient(&self.theta, &mut self.gradient)) {
            Ok(loss) if !loss.is_finite() => Err(not_finite("loss", loss)),
            Ok(loss) => match self.gradient.iter().find(|value| !value.is_finite()) {
                Some(value) => Err(not_finite("gradient", value.as_f64())),
                None => Ok(loss),
            },
            Err(failure) => Err(PointFailure::of(failure)),
        };
    }
}

/// The gradient of the mean loss over the drawn points with respect to one bend, of which each point has a share.
fn gradient_of_bend<S: Scalar>(trained: &[Range<usize>], shares: &[f64], drawn: &[Drawn<S>], out: &mut [S]) {
    for range in trained {
        out[range.clone()].fill(S::zero());
        for (share, drawn) in shares.iter().zip(drawn) {
            // A chain's bends are moved by their own pieces alone.
            if *share == 0.0 {
                continue;
            }
            let share = S::from_f64(share / shares.len() as f64);
            for (out, &g) in out[range.clone()].iter_mut().zip(&drawn.gradient[range.clone()]) {
                *out += share * g;
            }
        }
    }
}

/// From 0 to below 1, 53 bits.
fn uniform(generator: &mut impl RngCore) -> f64 {
    (generator.next_u64() >> 11) as f64 * 0.5_f64.powi(53)
}

/// A random order (Fisher and Yates).
fn shuffle(order: &mut [usize], generator: &mut impl RngCore) {
    for last in (1..order.len()).rev() {
        let below = (u128::from(generator.next_u64()) * (last as u128 + 1)) >> 64;
        order.swap(last, below as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Block, Buffers, Layout, PathShape, Role};

    /// Σ (sin(i + 1)·θᵢ + θᵢ²·θᵢ₊₁), with its gradient.
    fn wavy(theta: &[f64], out: &mut [f64]) -> f64 {
        let n = theta.len();
        out.fill(0.0);
        let mut loss = 0.0;
        for i in 0..n {
            let (tilt, next) = ((i as f64 + 1.0).sin(), (i + 1) % n);
            loss += tilt * theta[i] + theta[i].powi(2) * theta[next];
            out[i] += tilt + 2.0 * theta[i] * theta[next];
            out[next] += theta[i].powi(2);
        }
        loss
    }

    #[test]
    fn the_gradient_of_a_bend_is_that_of_the_mean_loss() {
        let layout = Layout::flat(5).unwrap();
        let point = |k: f64| -> Vec<f64> { (0..5).map(|i| (k + 1.7 * f64::from(i)).sin()).collect() };
        let t = [0.05, 0.3, 0.55, 0.81];
        for (shape, bends) in [(PathShape::Bezier, 1), (PathShape::Bezier, 3), (PathShape::Chain, 2)] {
            let points: Vec<Vec<f64>> = (0..bends + 2).map(|k| point(k as f64)).collect();
            let mean_loss = |points: &[Vec<f64>]| {
                let path = BentPath::new(&layout, shape, points.to_vec()).unwrap();
                t.iter().map(|t| wavy(&path.at(*t), &mut [0.0; 5])).sum::<f64>() / t.len() as f64
            };
            let path = BentPath::new(&layout, shape, points.clone()).unwrap();
            let drawn: Vec<Drawn<f64>> = t
                .iter()
                .map(|&t| {
                    let mut drawn =
                        Drawn { t, theta: vec![0.0; 5], gradient: vec![0.0; 5], outcome: Ok(0.0) };
                    drawn.measure(&path.slice(), |theta, out| Ok(wavy(theta, out)));
                    drawn
                })
                .collect();
            for bend in 1..=bends {
                let share = |t: &f64| path.slice().coefficients([*t, 0.0]).nth(bend).unwrap();
                let shares: Vec<f64> = t.iter().map(share).collect();
                let mut found = [f64::NAN; 5];
                gradient_of_bend(std::slice::from_ref(&(0..5)), &shares, &drawn, &mut found);
                for i in 0..5 {
                    let at = |step: f64| {
                        let mut points = points.clone();
                        points[bend][i] += step;
                        mean_loss(&points)
                    };
                    let difference = (at(1e-5) - at(-1e-5)) / 2e-5;
                    assert!(
                        (found[i] - difference).abs() < 1e-9,
                        "{shape} {bend}: {} {difference}",
                        found[i]
                    );
                }
            }
        }
    }

    #[test]
    fn draws_are_uniform_and_one_in_each_part() {
        let layout = Layout::flat(1).unwrap();
        let path = BentPath::bezier(&layout, &[0.0], &[1.0], 1).unwrap();
        let drawn_t = |draws, seed| {
            let mut t = Vec::new();
            let training = PathTraining::new(1e-12).steps(2000).draws(draws).seed(seed);
            let gradient = |theta: &[f64], _: usize, out: &mut [f64]| {
                // On the straight line from 0 to 1, θ is t.
                t.push(theta[0]);
                out[0] = 0.0;
                Ok(0.0)
            };
            training.run_with(&path, gradient, |_| ControlFlow::Continue(())).unwrap();
            t
        };
        let t = drawn_t(4, 3);
        assert!(t.chunks(4).all(|t| (0..4).all(|k| (k as f64 / 4.0..(k + 1) as f64 / 4.0).contains(&t[k]))));
        let t = drawn_t(1, 3);
        let mean = t.iter().sum::<f64>() / 2000.0;
        let square = t.iter().map(|t| t * t).sum::<f64>() / 2000.0;
        assert!((mean - 0.5).abs() < 0.02 && (square - 1.0 / 3.0).abs() < 0.02, "{mean} {square}");
        assert_eq!(t, drawn_t(1, 3));
        assert_ne!(t, drawn_t(1, 4));
        // The draws of a seed never change.
        let first = (t[0] * 1e9).round() / 1e9;
        assert_eq!(first, 0.904_389_258, "the first t of seed 3");
    }

    #[test]
    fn every_batch_has_its_turn() {
        let mut order: Vec<usize> = (0..7).collect();
        let mut generator = PathTraining::new(1.0).seed(5).generator(BATCH_STREAM);
        let mut firsts = [0; 7];
        for _ in 0..7000 {
            shuffle(&mut order, &mut generator);
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert!(sorted.iter().copied().eq(0..7));
            firsts[order[0]] += 1;
        }
        assert!(firsts.iter().all(|count| (850..1150).contains(count)), "{firsts:?}");
    }

    #[test]
    fn the_rate_falls_to_a_hundredth() {
        let training = PathTraining::new(2.0).steps(100);
        assert_eq!([0, 50, 95].map(|step| training.rate(step)), [2.0, 2.0, 0.02]);
        assert!((training.rate(70) - 2.0 * 0.505).abs() < 1e-12);
        assert_eq!(training.constant(true).rate(99), 2.0);
    }

    #[test]
    fn buffers_of_bends_stand_still_whatever_the_gradient_says() {
        let layout =
            Layout::new([Block::bias("b", [1]), Block::new("mean", [1], Role::Buffer, None)]).unwrap();
        let ends = [&[0.0, 0.5][..], &[1.0, 0.7]];
        for rule in [StepRule::Sgd { momentum: 0.5 }, StepRule::adam()] {
            let path = BentPath::straight(&layout, PathShape::Bezier, ends, 2, Buffers::Move).unwrap();
            let gradient = |theta: &[f64], _: usize, out: &mut [f64]| {
                out.copy_from_slice(&[2.0 * (theta[0] - 3.0), 1e6]);
                Ok((theta[0] - 3.0).powi(2))
            };
            let training = PathTraining::new(0.05).rule(rule).steps(50);
            let trained = training.run_with(&path, gradient, |_| ControlFlow::Continue(())).unwrap().path;
            for (before, after) in path.points().iter().zip(trained.points()) {
                assert_eq!(before[1], after[1]);
            }
            assert!(path.bends().iter().zip(trained.bends()).all(|(before, after)| before[0] < after[0]));
        }
    }
}
