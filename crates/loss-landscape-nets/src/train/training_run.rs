//! The loop of a training, the same for all rules.

use std::ops::{ControlFlow, Range};

use loss_landscape::{Layout, Mask, Scalar};
use ndarray_rand::rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{
    learner::{BatchMeans, Learner},
    observer::{EpochProgress, StepProgress, TrainingObserver},
    report::{Epoch, Snapshot, TrainingEnd, TrainingReport},
    settings::Settings,
    update_rule::UpdateRule,
    update_steps::UpdateSteps,
};
use crate::{
    data::{Augment, Samples},
    error::Result,
    memory::with_room,
};

/// The mini-batches of a training, one at a time in the same memory.
struct Batches<'a, S> {
    data: &'a Samples<S>,
    size: usize,
    order: Vec<usize>,
    shuffles: ChaCha8Rng,
    batch: Samples<S>,
    augment: Augment,
    draws: ChaCha8Rng,
    scratch: Vec<S>,
}

/// A training at work.
struct TrainingRun<'a, S> {
    settings: &'a Settings,
    rule: Box<dyn UpdateSteps<S>>,
    learner: Box<dyn Learner<S> + 'a>,
    batches: Batches<'a, S>,
    /// What is no buffer.
    trained: Vec<Range<usize>>,
    /// θ, and what it was before the step: to return to if it goes wrong.
    theta: Vec<S>,
    before: Vec<S>,
    gradient: Vec<S>,
    report: TrainingReport<S>,
}

/// What a training starts from.
pub(crate) struct TrainingStart<'a, S> {
    pub(crate) learner: Box<dyn Learner<S> + 'a>,
    pub(crate) layout: &'a Layout,
    pub(crate) theta: &'a [S],
    pub(crate) data: &'a Samples<S>,
}

/// Trains a network from where it is: θ where it ends, and what there is to report. Settings, rule and samples are
/// checked already.
pub(crate) fn train<S: Scalar>(
    settings: &Settings,
    rule: &UpdateRule,
    start: TrainingStart<'_, S>,
    observer: &mut dyn TrainingObserver<S>,
) -> (Vec<S>, Result<TrainingReport<S>>) {
    let TrainingStart { learner, layout, theta, data } = start;
    let training = TrainingRun {
        settings,
        rule: rule.steps(settings.weight_decay, theta.len()),
        learner,
        batches: Batches::new(data, settings),
        trained: Mask::trained(layout).ranges(),
        before: theta.to_vec(),
        gradient: vec![S::zero(); theta.len()],
        theta: theta.to_vec(),
        report: TrainingReport { end: TrainingEnd::Complete, epochs: vec![], steps: 0, snapshots: vec![] },
    };
    training.run(observer)
}

impl<'a, S: Scalar> Batches<'a, S> {
    fn new(data: &'a Samples<S>, settings: &Settings) -> Self {
        let size = settings.batch_size.min(data.len());
        let mut draws = ChaCha8Rng::seed_from_u64(settings.seed);
        draws.set_stream(1);
        Self {
            data,
            size,
            order: (0..data.len()).collect(),
            shuffles: ChaCha8Rng::seed_from_u64(settings.seed),
            batch: data.first(size),
            augment: settings.augment,
            draws,
            scratch: Vec::new(),
        }
    }

    /// Mini-batches in an epoch.
    fn count(&self) -> usize {
        self.data.len().div_ceil(self.size)
    }

    fn shuffle(&mut self) {
        self.order.shuffle(&mut self.shuffles);
    }

    /// A mini-batch of the epoch since the last shuffling.
    fn get(&mut self, index: usize) -> &Samples<S> {
        let end = ((index + 1) * self.size).min(self.order.len());
        self.data.gather(&self.order[index * self.size..end], &mut self.batch);
        self.augment.apply(&mut self.batch, &mut self.scratch, &mut self.draws);
        &self.batch
    }
}

impl<S: Scalar> TrainingRun<'_, S> {
    /// The steps of the whole training.
    fn total(&self) -> usize {
        self.settings.epochs.saturating_mul(self.batches.count())
    }

    /// θ where it ends, and what there is to report.
    fn run(mut self, observer: &mut dyn TrainingObserver<S>) -> (Vec<S>, Result<TrainingReport<S>>) {
        observer.started(self.settings.epochs, self.total());
        let outcome = self.epochs(observer);
        observer.finished();
        (self.theta, outcome.map(|()| self.report))
    }

    fn epochs(&mut self, observer: &mut dyn TrainingObserver<S>) -> Result<()> {
        if self.settings.snapshots.is_some() {
            self.snapshot()?;
        }
        for epoch in 0..self.settings.epochs {
            if let ControlFlow::Break(end) = self.epoch(epoch, observer)? {
                self.report.end = end;
                break;
            }
        }
        match self.report.snapshots.last() {
            Some(last) if last.steps < self.report.steps => self.snapshot(),
            _ => Ok(()),
        }
    }

    fn epoch(
        &mut self,
        epoch: usize,
        observer: &mut dyn TrainingObserver<S>,
    ) -> Result<ControlFlow<TrainingEnd>> {
        let learning_rate = self.settings.rate(epoch);
        let count = self.batches.count();
        let (mut loss, mut accuracy) = (0.0, None);
        let mut stopped = false;
        if self.settings.shuffle {
            self.batches.shuffle();
        }
        for step in 0..count {
            let means = match self.step(epoch, step, learning_rate)? {
                ControlFlow::Continue(means) => means,
                ControlFlow::Break(end) => return Ok(ControlFlow::Break(end)),
            };
            let samples = self.batches.batch.len() as f64;
            loss += means.loss * samples;
            if let Some(fraction) = means.accuracy {
                *accuracy.get_or_insert(0.0) += fraction * samples;
            }
            let (done, total) = (self.report.steps, self.total());
            let progress = StepProgress { done, total, epoch, step, loss: means.loss, learning_rate };
            stopped = observer.step(&progress).is_break();
            // After its last step an epoch is finished, stopped or not.
            if stopped && step + 1 < count {
                return Ok(ControlFlow::Break(TrainingEnd::Stopped));
            }
        }
        let samples = self.batches.data.len() as f64;
        let accuracy = accuracy.map(|sum: f64| sum / samples);
        let finished = Epoch { loss: loss / samples, accuracy, learning_rate };
        self.report.epochs.push(finished);
        if self.settings.snapshots.is_some_and(|every| (epoch + 1).is_multiple_of(every)) {
            self.snapshot()?;
        }
        let total = self.settings.epochs;
        let progress = EpochProgress { done: epoch + 1, total, epoch: finished, theta: &self.theta };
        stopped |= observer.epoch(&progress).is_break();
        Ok(if stopped { ControlFlow::Break(TrainingEnd::Stopped) } else { ControlFlow::Continue(()) })
    }

    /// One step, or how the training ended at it.
    fn step(&mut self, epoch: usize, step: usize, rate: f64) -> Result<ControlFlow<TrainingEnd, BatchMeans>> {
        let batch = self.batches.get(step);
        self.before.copy_from_slice(&self.theta);
        let means = self.learner.gradient(&mut self.theta, batch, &mut self.gradient);
        let means = means.inspect_err(|_| self.theta.copy_from_slice(&self.before))?;
        self.rule.step(&self.trained, rate, &mut self.theta, &self.gradient);
        if !means.loss.is_finite() || self.theta.iter().any(|t| !t.is_finite()) {
            self.theta.copy_from_slice(&self.before);
            return Ok(ControlFlow::Break(TrainingEnd::Diverged { epoch, step, loss: means.loss }));
        }
        self.report.steps += 1;
        Ok(ControlFlow::Continue(means))
    }

    fn snapshot(&mut self) -> Result<()> {
        let mut theta = with_room("a snapshot of θ", self.theta.len())?;
        theta.extend_from_slice(&self.theta);
        let (epoch, steps) = (self.report.epochs.len(), self.report.steps);
        self.report.snapshots.push(Snapshot { epoch, steps, theta });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::{
        Activation, Adam, Criterion, Error, Mlp, Sgd, Trainable, criterion::TargetSlice, train::BatchMeans,
    };
    use loss_landscape::{Block, Model, Role};

    /// w·x + b, halved squared error, with a buffer between: how many samples went by, and a running
    /// mean of inputs.
    struct Fake {
        layout: Layout,
        theta: Vec<f64>,
        /// After this number of gradients: NaN as the loss, NaN in the gradient, or an error.
        fails: Option<(usize, Failure)>,
    }

    #[derive(Clone, Copy)]
    enum Failure {
        Loss,
        Gradient,
        Error,
    }

    struct FakeLearner {
        calls: usize,
        fails: Option<(usize, Failure)>,
    }

    impl Fake {
        fn new(fails: Option<(usize, Failure)>) -> Self {
            let layout = Layout::new([
                Block::weight("w", [1, 1], 0),
                Block::new("running", [2], Role::Buffer, None),
                Block::bias("b", [1]),
            ]);
            Self { layout: layout.unwrap(), theta: vec![0.5, 0.0, 4.0, -0.5], fails }
        }
    }

    impl Model for Fake {
        type Scalar = f64;
        fn layout(&self) -> &Layout {
            &self.layout
        }
        fn parameters(&self) -> &[f64] {
            &self.theta
        }
    }

    impl Trainable<f64> for Fake {
        fn check(&self, data: &Samples<f64>) -> Result<()> {
            data.check(1, 1, Criterion::MeanSquaredError)
        }
        fn learner(&self, _: usize) -> Result<Box<dyn Learner<f64> + '_>> {
            Ok(Box::new(FakeLearner { calls: 0, fails: self.fails }))
        }
        fn theta_mut(&mut self) -> &mut [f64] {
            &mut self.theta
        }
    }

    impl Learner<f64> for FakeLearner {
        fn gradient(
            &mut self,
            theta: &mut [f64],
            batch: &Samples<f64>,
            out: &mut [f64],
        ) -> Result<BatchMeans> {
            let (x, wanted) = batch.slice(0..batch.len());
            let TargetSlice::Values(y) = wanted else { return Err(Error::NoSamples) };
            out.fill(0.0);
            let mut loss = 0.0;
            for (x, y) in x.iter().zip(y) {
                let gap = theta[0] * x + theta[3] - y;
                loss += 0.5 * gap * gap / batch.len() as f64;
                out[0] += gap * x / batch.len() as f64;
                out[3] += gap / batch.len() as f64;
            }
            theta[1] += batch.len() as f64;
            theta[2] = 0.9 * theta[2] + 0.1 * x.iter().sum::<f64>() / batch.len() as f64;
            let failure = self.fails.filter(|&(after, _)| after == self.calls).map(|(_, failure)| failure);
            self.calls += 1;
            match failure {
                None => {}
                Some(Failure::Loss) => loss = f64::NAN,
                Some(Failure::Gradient) => out[3] = f64::NAN,
                Some(Failure::Error) => return Err(Error::NoSamples),
            }
            Ok(BatchMeans { loss, accuracy: None })
        }
    }

    /// Five samples of y = 2x − 1.
    fn data() -> Samples<f64> {
        let x = array![[0.0], [1.0], [2.0], [-1.0], [0.5]];
        let y = x.mapv(|x| 2.0 * x - 1.0);
        Samples::regression(x, y).unwrap()
    }

    #[test]
    fn steps_and_decay_leave_buffers_to_the_network() {
        let data = data();
        let [mut sgd, mut adam, mut nesterov] = [(); 3].map(|()| Fake::new(None));
        Sgd::new(0.1).weight_decay(0.5).batch_size(2).epochs(4).train(&mut sgd, &data).unwrap();
        Adam::new(0.1).weight_decay(0.5).batch_size(2).epochs(4).train(&mut adam, &data).unwrap();
        let rule = Sgd::new(0.1).momentum(0.9).nesterov(true).weight_decay(0.5);
        rule.batch_size(2).epochs(4).train(&mut nesterov, &data).unwrap();
        let start = Fake::new(None);
        for net in [&adam, &nesterov] {
            assert_eq!(net.theta[1..3], sgd.theta[1..3], "buffers do not depend on the rule");
        }
        assert_eq!(sgd.theta[1], 20.0, "every sample went by once an epoch");
        assert!(sgd.theta[2] > 0.0 && sgd.theta[2] < 4.0);
        assert!(sgd.theta[0] != start.theta[0] && sgd.theta[3] != start.theta[3]);
    }

    #[test]
    fn what_goes_wrong_leaves_the_state_before_it() {
        struct Stop<'a>(&'a mut Vec<f64>);
        impl TrainingObserver<f64> for Stop<'_> {
            fn step(&mut self, progress: &StepProgress) -> ControlFlow<()> {
                self.0.push(progress.loss);
                assert_eq!((progress.done, progress.total), (self.0.len(), 30));
                assert_eq!((progress.epoch, progress.step), ((self.0.len() - 1) / 3, (self.0.len() - 1) % 3));
                if progress.done == 5 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }
            fn epoch(&mut self, _: &EpochProgress<'_, f64>) -> ControlFlow<()> {
                ControlFlow::Continue(())
            }
        }

        let data = data();
        let sgd = Sgd::new(0.1).momentum(0.9).batch_size(2).seed(4).epochs(10).snapshots(1);
        // Three steps an epoch: five steps are one epoch and two steps.
        let mut steps = Vec::new();
        let mut expected = Fake::new(None);
        let stopped = sgd.train_observed(&mut expected, &data, &mut Stop(&mut steps)).unwrap();
        assert_eq!((stopped.end, stopped.steps, stopped.epochs.len()), (TrainingEnd::Stopped, 5, 1));
        assert_eq!(expected.theta[1], 9.0, "2 + 2 + 1 and 2 + 2 samples");
        for failure in [Failure::Loss, Failure::Gradient] {
            let mut net = Fake::new(Some((5, failure)));
            let report = sgd.train(&mut net, &data).unwrap();
            let TrainingEnd::Diverged { epoch: 1, step: 2, loss } = report.end else {
                panic!("{:?}", report.end)
            };
            assert_eq!(loss.is_nan(), matches!(failure, Failure::Loss));
            assert_eq!(net.theta, expected.theta);
            assert_eq!(report.epochs, stopped.epochs);
            assert_eq!(report.snapshots, stopped.snapshots);
            let last = report.snapshots.last().unwrap();
            assert_eq!((last.epoch, last.steps, &last.theta), (1, 5, &net.theta));
        }
        let mut net = Fake::new(Some((5, Failure::Error)));
        assert!(matches!(sgd.train(&mut net, &data), Err(Error::NoSamples)));
        assert_eq!(net.theta, expected.theta);
    }

    #[test]
    fn snapshots_are_shorter_trainings() {
        let data = data();
        let adam = Adam::new(0.05).batch_size(2).seed(9).learning_rate_steps(&[(3, 0.5)]);
        let mut net = Fake::new(None);
        let report = adam.clone().epochs(7).snapshots(3).train(&mut net, &data).unwrap();
        let epochs: Vec<usize> = report.snapshots.iter().map(|snapshot| snapshot.epoch).collect();
        assert_eq!(epochs, [0, 3, 6, 7]);
        for snapshot in &report.snapshots {
            let mut net = Fake::new(None);
            adam.clone().epochs(snapshot.epoch).train(&mut net, &data).unwrap();
            assert_eq!((snapshot.steps, &snapshot.theta), (3 * snapshot.epoch, &net.theta));
        }
        assert_eq!(report.snapshots[3].theta, net.theta);
        let exact = adam.clone().epochs(6).snapshots(3).train(&mut Fake::new(None), &data).unwrap();
        assert_eq!(exact.snapshots, report.snapshots[..3], "the end is not kept twice");
        let none = adam.clone().epochs(0).snapshots(3).train(&mut Fake::new(None), &data).unwrap();
        assert_eq!(none.snapshots, report.snapshots[..1]);
        assert!(adam.epochs(2).train(&mut Fake::new(None), &data).unwrap().snapshots.is_empty());
    }

    #[test]
    fn observers_see_every_epoch_and_may_stop() {
        let data = data();
        let sgd = Sgd::new(0.1).batch_size(2).learning_rate_steps(&[(1, 0.5), (2, 0.1)]);
        let mut seen = Vec::new();
        let mut thetas = Vec::new();
        let mut net = Fake::new(None);
        let mut observer = |progress: &EpochProgress<'_, f64>| {
            assert_eq!(progress.total, 100);
            seen.push((progress.done, progress.epoch));
            thetas.push(progress.theta.to_vec());
            if progress.done == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let stopped = sgd.clone().epochs(100).train_observed(&mut net, &data, &mut observer).unwrap();
        assert_eq!((stopped.end, stopped.steps), (TrainingEnd::Stopped, 9));
        assert_eq!(seen, (1..=3).zip(stopped.epochs.iter().copied()).collect::<Vec<_>>());
        let rates: Vec<f64> = stopped.epochs.iter().map(|epoch| epoch.learning_rate).collect();
        approx::assert_relative_eq!(rates[..], [0.1, 0.05, 0.005], max_relative = 1e-15);
        let mut shorter = Fake::new(None);
        let report = sgd.epochs(3).train(&mut shorter, &data).unwrap();
        assert_eq!((&shorter.theta, &report.epochs), (&net.theta, &stopped.epochs));
        assert_eq!(thetas.last(), Some(&net.theta));
    }

    /// An observer that breaks at the last step of an epoch finds the epoch finished; one that panics
    /// leaves the network alone.
    #[test]
    fn edges_of_observers() {
        #[derive(Default)]
        struct Last(usize, Option<[usize; 2]>, bool);
        impl TrainingObserver<f64> for Last {
            fn started(&mut self, epochs: usize, steps: usize) {
                self.1 = Some([epochs, steps]);
            }
            fn step(&mut self, progress: &StepProgress) -> ControlFlow<()> {
                if progress.step == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }
            fn epoch(&mut self, _: &EpochProgress<'_, f64>) -> ControlFlow<()> {
                self.0 += 1;
                ControlFlow::Continue(())
            }
            fn finished(&mut self) {
                self.2 = true;
            }
        }
        let sgd = Sgd::new(0.1).batch_size(2).epochs(4);
        let mut last = Last::default();
        let report = sgd.train_observed(&mut Fake::new(None), &data(), &mut last).unwrap();
        assert_eq!((report.end, report.epochs.len(), last.0), (TrainingEnd::Stopped, 1, 1));
        assert_eq!((last.1, last.2), (Some([4, 12]), true));

        let mut net = Fake::new(None);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut observer = |_: &EpochProgress<'_, f64>| panic!("on purpose");
            sgd.train_observed(&mut net, &data(), &mut observer)
        }));
        assert!(outcome.is_err());
        assert_eq!(net.theta, Fake::new(None).theta);
    }

    #[test]
    fn losses_and_accuracies_are_means_over_samples() {
        // A rate this small leaves the parameters where they are, to rounding: an epoch's means are
        // then those of the data, short last mini-batch or not.
        use loss_landscape::Loss;
        let x = ndarray::Array2::from_shape_fn((7, 2), |(i, j)| ((3 * i + j) as f64).sin());
        let data = Samples::labelled(x, vec![0, 1, 2, 0, 1, 2, 0]).unwrap();
        let net = Mlp::new(&[2, 4, 3], Activation::Tanh, Criterion::CrossEntropy, 2).unwrap();
        let mut whole = [0.0; 2];
        net.measure(net.parameters(), &data, &mut whole).unwrap();
        let report = Sgd::new(1e-14).batch_size(3).epochs(1).train(&mut net.clone(), &data).unwrap();
        approx::assert_relative_eq!(report.epochs[0].loss, whole[0], max_relative = 1e-12);
        approx::assert_relative_eq!(report.epochs[0].accuracy.unwrap(), whole[1], max_relative = 1e-14);
    }

    #[test]
    fn same_seed_same_bits() {
        let x = ndarray::Array2::from_shape_fn((50, 3), |(i, j)| ((3 * i + j) as f32).sin());
        let data = Samples::labelled(x, (0..50).map(|i| i % 4).collect()).unwrap();
        let train = |seed, rule: &dyn Fn(&mut Mlp<f32>, u64) -> TrainingReport<f32>| {
            let mut net = Mlp::new(&[3, 8, 4], Activation::Relu, Criterion::CrossEntropy, 1).unwrap();
            let report = rule(&mut net, seed);
            (net.parameters().to_vec(), report)
        };
        let sgd = Sgd::new(0.1).momentum(0.9).nesterov(true).weight_decay(1e-3).batch_size(7).epochs(4);
        let adam = Adam::new(0.01).weight_decay(1e-3).batch_size(7).epochs(4).snapshots(1);
        let sgd = |net: &mut Mlp<f32>, seed| sgd.clone().seed(seed).train(net, &data).unwrap();
        let adam = |net: &mut Mlp<f32>, seed| adam.clone().seed(seed).train(net, &data).unwrap();
        for rule in [&sgd as &dyn Fn(&mut Mlp<f32>, u64) -> _, &adam] {
            assert_eq!(train(1, rule), train(1, rule));
            assert_ne!(train(1, rule).0, train(2, rule).0);
        }
    }
}
