//! Sampled sweeps of a line or a plane.

use super::{
    control::Control,
    draw::Draw,
    landscape::{SampledLandscape, SetFacts, with_errors},
    lattice::Lattice,
    point::{LEAST, Rule, SampledMeasurement, affordable},
    settings::{Sampled, Target},
    store::Stores,
};
use crate::{
    Error, Execution, Landscape, Model, Result, SampleLosses,
    engine::{settings::Grid, stages::Stages},
    model::guarded,
    sweep::{Geometry, LOSS_POINTS, Plan, Sweep},
};

impl<M: Model + ?Sized, D: ?Sized, W: Geometry<M>, X> Sweep<'_, M, D, W, X> {
    /// Estimates the loss at every point from some of the samples, and says how sure each estimate is.
    ///
    /// A loss is a mean over samples. At every 4th or 5th point along each axis all of them are evaluated, and what each
    /// has there is kept. At the points between, the lattice's losses predict that of every sample. Some samples are
    /// drawn, those the more probably whose prediction is the more in doubt, and correct the mean of all predictions.
    /// More are drawn until the standard error is as [asked for](Sampled); a point that would need more than 70 % of
    /// the samples is finished in full. The oracle must know the losses of single samples: [`SampleLosses`].
    ///
    /// **Cost.** What the lattice costs is a share of a full sweep (a 21st for 51×51 points with a spacing of 5), what
    /// the points between cost is a number of samples, 64 at least. So it pays the more, the more samples there are;
    /// `cargo bench -p loss-landscape-nets --bench sampled` has tables. Further channels, such as the accuracy, are
    /// estimated from the same samples, with errors of their own, which do not steer.
    ///
    /// **How sure.** Errors are those of drawing samples, given the data: an interval holds the mean over this data set.
    /// They are widened by Student's t for the number and the kurtosis of what was drawn, and by one sample more than what
    /// was drawn, off by a quarter of what its prediction may be off by. Of 95 % intervals (1.96 standard errors to both
    /// sides) of points that were not finished in full, between 93 and 98 % held on networks, on quadratics with known
    /// values, and where samples weigh very differently, and up to all of them where nearly all predictions are exact
    /// (`cargo bench --bench sampled_coverage`). Of the accuracies of networks 90 to 95 % held. **What
    /// no node of the lattice shows is not known:** where a few samples have losses that are large at one point and
    /// nowhere around it, a draw may miss them, and the point stops too early. For lognormal losses that are new at every
    /// point, 93 % of the intervals held with σ = 1; with σ = 1.5 most points were finished in full, and of the intervals of
    /// those that stopped before, no more than 72 % held. Draws at different points are independent.
    ///
    /// **Values that are not finite.** If a sample that was drawn has a loss that is NaN or infinite, the point is bad,
    /// and its record names the sample. Whether others have one is not known: a point may have a finite estimate where
    /// the full sweep has none.
    ///
    /// **Memory.** Nodes keep 4 bytes for each sample and channel, and as many for the loss once more: 73 MB for 121 nodes, 50,000
    /// samples and two channels. Each thread takes some 60 bytes a sample. Both count against
    /// [`memory_limit`](Self::memory_limit).
    ///
    /// The result has the same bits for any number of threads, and after any interruption with a
    /// [`journal`](Self::journal), which then holds the losses of single samples at the lattice too. There are no
    /// shards, since all points need the lattice.
    ///
    /// ```
    /// use loss_landscape::{Layout, Loss, Model, OracleError, RandomDirections, SampleLosses, Sampled, Sweep};
    ///
    /// struct Line {
    ///     layout: Layout,
    ///     theta: Vec<f64>,
    /// }
    ///
    /// impl Line {
    ///     fn one(theta: &[f64], (x, y): (f64, f64)) -> f64 {
    ///         (theta[0] * x + theta[1] - y).powi(2)
    ///     }
    /// }
    /// # impl Model for Line {
    /// #     type Scalar = f64;
    /// #     fn layout(&self) -> &Layout { &self.layout }
    /// #     fn parameters(&self) -> &[f64] { &self.theta }
    /// # }
    /// # impl Loss<[(f64, f64)]> for Line {
    /// #     fn loss(&self, theta: &[f64], data: &[(f64, f64)]) -> Result<f64, OracleError> {
    /// #         Ok(data.iter().map(|sample| Self::one(theta, *sample)).sum::<f64>() / data.len() as f64)
    /// #     }
    /// # }
    ///
    /// impl SampleLosses<[(f64, f64)]> for Line {
    ///     fn sample_count(&self, data: &[(f64, f64)]) -> usize {
    ///         data.len()
    ///     }
    ///     fn sample_losses(
    ///         &self,
    ///         theta: &[f64],
    ///         data: &[(f64, f64)],
    ///         samples: &[usize],
    ///         out: &mut [f64],
    ///     ) -> Result<(), OracleError> {
    ///         samples.iter().zip(out).for_each(|(&sample, out)| *out = Self::one(theta, data[sample]));
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let line = Line { layout: Layout::flat(2)?, theta: vec![2.0, 1.0] };
    /// let data: Vec<_> = (0..4000).map(|i| f64::from(i).sin()).map(|x| (x, 2.0 * x + 1.0 + (9.0 * x).cos())).collect();
    /// let sweep = Sweep::plane(&line, RandomDirections::new(1)).data("train", data.as_slice());
    /// let surface = sweep.alpha(-1.0..=1.0, 25).beta(-1.0..=1.0, 25).sampled(&Sampled::new().relative_error(0.01))?;
    /// assert!(surface.share() < 0.15);
    /// assert!(surface.standard_error("train loss")?.iter().zip(surface.loss()).all(|(e, loss)| *e <= 0.01 * loss));
    /// println!("{}", surface.sampling());
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// An oracle without [`SampleLosses`] does not compile:
    ///
    /// ```compile_fail,E0277
    /// use loss_landscape::{FnModel, Layout, RandomDirections, Sampled, Sweep};
    ///
    /// let model = FnModel::new(Layout::flat(2)?, vec![1.0; 2], |t: &[f64], _: &()| t[0] * t[1])?;
    /// Sweep::plane(&model, RandomDirections::new(1)).data("", &()).sampled(&Sampled::new())?;
    /// // error[E0277]: `FnModel<…>` does not say what the loss of a single sample of `()` is, and cannot be sampled
    /// // note: implement `SampleLosses<D>`: how many samples there are, and the channels of those with given numbers
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](Self::run); [`Error::Setting`] for a target that is not positive and finite, a budget that is not
    /// between 0 and 1, or a spacing below 2; [`Error::SampleBudget`] for a budget that leaves fewer than 32 samples for
    /// the points between nodes; [`Error::NoSamples`] for a data set of none; [`Error::SampleMeans`] if the losses of all
    /// samples do not add up to the loss, which is checked at the node nearest to (0, 0); [`Error::MemoryLimit`];
    /// [`Error::SampledShard`]. A point that fails is no error: see
    /// [`SweepReport::bad_points`](crate::report::SweepReport::bad_points).
    pub fn sampled(self, sampled: &Sampled) -> Result<SampledLandscape<W::Dim>>
    where
        M: SampleLosses<D>,
        X: Execution<M, D>,
    {
        sampled.check()?;
        if let Some((k, n)) = self.settings().shard {
            return Err(Error::SampledShard { k, n });
        }
        let channels = guarded("naming its channels", || Ok(self.model().channels()))?;
        let with_errors = with_errors(&channels);
        let grid = self.grid(LOSS_POINTS, with_errors.len())?;
        let sets = self.set_facts()?;
        let samples: Vec<usize> = sets.iter().map(|set| set.samples).collect();
        let spacing = sampled.spacing_for(samples.iter().copied().max().unwrap_or(0));
        let lattice = Lattice::new(&grid.alpha, &grid.beta, spacing);
        ensure_budget(sampled, &grid, &lattice, &sets)?;
        self.ensure_sample_memory(&grid, &lattice, &samples, channels.len())?;
        let stores = Stores::new(&lattice, &samples, channels.len());
        let placed = self.placed()?;
        let names: Vec<String> = sets.iter().map(|set| set.name.clone()).collect();
        let measurement = SampledMeasurement {
            rule: Rule { target: sampled.target, seed: sampled.seed },
            lattice: &lattice,
            stores: &stores,
            channels: &channels,
            sets: &names,
            checked: lattice.centre(),
            points: grid.points(),
        };
        let plan = Plan {
            settings: sampled.text(spacing),
            keeper: Some(&stores),
            finite: with_errors.len(),
            passes: 1,
            channels: with_errors,
            stages: stages(&lattice, grid.points()),
        };
        let parts = self.evaluate(&placed, &measurement, grid, plan)?;
        let landscape = Landscape::assemble(parts);
        Ok(SampledLandscape::new(landscape, channels.len(), spacing, lattice.len(), sets))
    }

    /// The data sets, none of them empty.
    fn set_facts(&self) -> Result<Vec<SetFacts>>
    where
        M: SampleLosses<D>,
    {
        let facts = |(name, data): &(String, &D)| {
            let samples = guarded("counting its samples", || Ok(self.model().sample_count(data)))?;
            match samples {
                0 => Err(Error::NoSamples { data: name.clone() }),
                _ => Ok(SetFacts { name: name.clone(), samples, too_few: samples < LEAST }),
            }
        };
        self.data_sets().iter().map(facts).collect()
    }

    /// Refuses what would not fit the memory: values, what nodes keep, and what each thread works with.
    fn ensure_sample_memory(
        &self,
        grid: &Grid,
        lattice: &Lattice,
        samples: &[usize],
        channels: usize,
    ) -> Result<()> {
        let settings = self.settings();
        let values = (grid.points() * samples.len() * (8 * (2 * channels + 1) + 1)) as u64;
        let kept = Stores::bytes(lattice.len(), samples, channels);
        let threads = settings.threads.unwrap_or_else(rayon::current_num_threads).max(1) as u64;
        let each = Control::bytes_per_sample(channels) + Draw::BYTES_PER_SAMPLE + 9 + 16 * channels as u64;
        let all = samples.iter().fold(0_u64, |sum, samples| sum.saturating_add(*samples as u64));
        let scratch = all.saturating_mul(each).saturating_mul(threads);
        let bytes = values.saturating_add(kept).saturating_add(scratch);
        if bytes > settings.memory_limit {
            let what = "the losses of single samples, which a sampled sweep keeps at its lattice,";
            return Err(Error::MemoryLimit { what, bytes, limit: settings.memory_limit });
        }
        Ok(())
    }
}

/// The node at which samples are compared with the loss, then all others, then what lies between.
fn stages<'s>(lattice: &Lattice, points: usize) -> Stages<'s> {
    let nodes: Vec<usize> = lattice.points().collect();
    let centre = nodes[lattice.centre()];
    let others = nodes.iter().copied().filter(|point| *point != centre).collect();
    let between = (0..points).filter(|point| lattice.node(*point).is_none()).collect();
    Stages::Fixed(vec![vec![centre], others, between])
}

/// Refuses a budget that leaves too little for the points between nodes.
fn ensure_budget(sampled: &Sampled, grid: &Grid, lattice: &Lattice, sets: &[SetFacts]) -> Result<()> {
    let (points, nodes) = (grid.points(), lattice.len());
    let Target::Budget(share) = sampled.target else { return Ok(()) };
    let short = |set: &&SetFacts| {
        !set.too_few && nodes < points && affordable(share, points, nodes, set.samples) < LEAST
    };
    match sets.iter().find(short) {
        Some(set) => {
            let between = (points - nodes) as f64 * LEAST as f64 / set.samples as f64;
            let least = (nodes as f64 + between) / points as f64;
            Err(Error::SampleBudget { share, nodes, points, least })
        }
        None => Ok(()),
    }
}
