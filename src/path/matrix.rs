//! Barriers between several minimisers.

use std::{fmt, path::PathBuf};

use ndarray::Array2;

use super::{Barrier, barrier::short};
use crate::{Buffers, Curve, Error, Loss, Model, Observer, Result, Sweep, landscape::SweepEnd};

/// Measures the barriers of the straight lines between each pair of several minimisers; [`barrier_matrix`] is this with
/// its defaults.
///
/// Every pair is a [sweep](Sweep::segment) of its own from t = 0 at the one with the lower number, on a grid of
/// [`points`](Self::points) values of t. **Cost.** n(n−1)/2 sweeps for n minimisers.
///
/// ```
/// use loss_landscape::{FnModel, Layout, path::Barriers};
///
/// // Three wells, at −1, 0 and 2: the middle one is shallow.
/// let loss = |t: &[f64], depth: &f64| (t[0] + 1.0).powi(2) * (t[0].powi(2) + depth) * (t[0] - 2.0).powi(2);
/// let model = FnModel::new(Layout::flat(1)?, vec![0.0], loss)?;
/// let matrix = Barriers::new(&model, &[&[-1.0], &[0.0], &[2.0]])
///     .names(["left", "middle", "right"])
///     .data("train", &0.1)
///     .points(101)
///     .threads(2)
///     .run()?;
/// assert_eq!((matrix.len(), matrix.channel()), (3, "train loss"));
/// let barrier = matrix.barrier(0, 2).expect("measured");
/// assert!(barrier.height > 1.0 && matrix.heights()[[2, 0]] == barrier.height);
/// println!("{matrix}");
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[must_use = "nothing is measured until it is run"]
pub struct Barriers<'a, M: Model + ?Sized, D: ?Sized> {
    model: &'a M,
    minimisers: Vec<&'a [M::Scalar]>,
    names: Option<Vec<String>>,
    data: Vec<(String, &'a D)>,
    points: usize,
    buffers: Buffers,
    threads: Option<usize>,
    observer: Option<&'a dyn Observer>,
    journals: Option<PathBuf>,
}

/// The barriers of the straight lines between each pair of several minimisers, with the curves that they were measured
/// on. [`Barriers`] makes it, and has an example.
///
/// It is of the loss on the first data set. Of any other channel of the curves:
///
/// ```
/// use loss_landscape::{Layout, Loss, Model, OracleError, path::{Barrier, barrier_matrix}};
///
/// /// A loss with two wells, and how near the closer one is.
/// struct Wells(Layout, Vec<f64>);
/// # impl Model for Wells {
/// #     type Scalar = f64;
/// #     fn layout(&self) -> &Layout { &self.0 }
/// #     fn parameters(&self) -> &[f64] { &self.1 }
/// # }
///
/// impl Loss<()> for Wells {
///     fn loss(&self, t: &[f64], _: &()) -> Result<f64, OracleError> {
///         Ok((t[0] * t[0] - 1.0).powi(2))
///     }
///     fn channels(&self) -> Vec<String> {
///         vec!["loss".into(), "score".into()]
///     }
///     fn measure(&self, t: &[f64], data: &(), out: &mut [f64]) -> Result<(), OracleError> {
///         out.copy_from_slice(&[self.loss(t, data)?, -(t[0].abs() - 1.0).abs()]);
///         Ok(())
///     }
/// }
///
/// let matrix = barrier_matrix(&Wells(Layout::flat(1)?, vec![1.0]), &(), &[&[-1.0], &[1.0]])?;
/// assert_eq!(matrix.barrier(1, 0).map(|barrier| barrier.height), Some(1.0));
/// let score = Barrier::fall(matrix.curve(0, 1).expect("measured"), "score")?;
/// assert_eq!(score.height, 1.0);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// # Files
///
/// With the feature `serde` it is serialised with all curves, and read back. The feature `npz` adds `write_npz`, matrices
/// for numpy, and `csv` adds `write_csv`, a line a pair.
#[derive(Clone, Debug)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "UncheckedMatrix")
)]
pub struct BarrierMatrix {
    names: Vec<String>,
    channel: String,
    pairs: Vec<Pair>,
}

/// Two minimisers, the first with the lower number.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Pair {
    numbers: [usize; 2],
    /// None if the sweep was cancelled before.
    curve: Option<Curve>,
    /// None without a finite value at both ends.
    barrier: Option<Barrier>,
}

/// A matrix as it was read.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
struct UncheckedMatrix {
    names: Vec<String>,
    channel: String,
    pairs: Vec<Pair>,
}

/// The barriers between minimisers on 31 points of each line, the first data set named `""`: 31·n(n−1)/2
/// evaluations for n minimisers. [`Barriers`] has the options.
///
/// ```
/// use loss_landscape::{FnModel, Layout, path::barrier_matrix};
///
/// let bowl = FnModel::new(Layout::flat(2)?, vec![0.0; 2], |t: &[f64], _: &()| t[0] * t[0] + t[1] * t[1])?;
/// let matrix = barrier_matrix(&bowl, &(), &[&[1.0, 0.0], &[0.0, 1.0], &[3.0, 3.0]])?;
/// assert!(matrix.heights().iter().all(|height| *height == 0.0)); // a convex loss has none
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// # Errors
/// As [`Barriers::run`].
pub fn barrier_matrix<M, D>(model: &M, data: &D, minimisers: &[&[M::Scalar]]) -> Result<BarrierMatrix>
where
    M: Loss<D> + Sync + ?Sized,
    D: Sync + ?Sized,
{
    Barriers::new(model, minimisers).data("", data).run()
}

impl<'a, M: Model + ?Sized, D: ?Sized> Barriers<'a, M, D> {
    /// Between these minimisers of a model: two or more parameter vectors of its layout.
    pub fn new(model: &'a M, minimisers: &[&'a [M::Scalar]]) -> Self {
        Self {
            model,
            minimisers: minimisers.to_vec(),
            names: None,
            data: Vec::new(),
            points: 31,
            buffers: Buffers::Still,
            threads: None,
            observer: None,
            journals: None,
        }
    }

    /// The names of the minimisers, for tables and figures; their numbers from 0 by default.
    pub fn names(mut self, names: impl IntoIterator<Item: Into<String>>) -> Self {
        self.names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Adds a data set, as [`Sweep::data`]; the matrix is of the first.
    pub fn data(mut self, name: impl Into<String>, data: &'a D) -> Self {
        self.data.push((name.into(), data));
        self
    }

    /// The number of values of t from 0 to 1, both included; 31 by default. An odd number has the middle among them.
    pub fn points(mut self, points: usize) -> Self {
        self.points = points;
        self
    }

    /// Whether buffers are interpolated too. By default they stay as in the minimiser with the lower number, so that the
    /// loss at the other end is not that of the other minimiser where buffers matter.
    pub fn buffers(mut self, buffers: Buffers) -> Self {
        self.buffers = buffers;
        self
    }

    /// The number of threads of each sweep, as [`Sweep::threads`].
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Watches each sweep in turn. Where it cancels one, the pairs after it are not measured.
    pub fn observer(mut self, observer: &'a dyn Observer) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Writes the points of each pair to a [journal](Sweep::journal) of its own in this folder, `pair-0-1.journal` and so
    /// on, so that the same call goes on where it was interrupted. The folder must exist.
    pub fn journals(mut self, folder: impl Into<PathBuf>) -> Self {
        self.journals = Some(folder.into());
        self
    }

    /// Sweeps every line and measures its barrier.
    ///
    /// Points that fail are recorded in the curves, and [missing](Barrier::missing) from the barriers; a pair without
    /// a finite value at both ends has no barrier.
    ///
    /// # Errors
    /// [`Error::Minimisers`] for fewer than two; [`Error::MinimiserNames`]; [`Error::InPair`] with what the sweep
    /// between two minimisers fails with, such as [`Error::NonFinite`].
    pub fn run(&self) -> Result<BarrierMatrix>
    where
        M: Loss<D> + Sync,
        D: Sync,
    {
        let count = self.minimisers.len();
        if count < 2 {
            return Err(Error::Minimisers { found: count });
        }
        let names = match &self.names {
            Some(names) if names.len() != count => {
                return Err(Error::MinimiserNames { names: names.len(), minimisers: count });
            }
            Some(names) => names.clone(),
            None => (0..count).map(|number| number.to_string()).collect(),
        };
        let mut matrix = BarrierMatrix { names, channel: String::new(), pairs: Vec::new() };
        let mut cancelled = false;
        for numbers in pairs(count) {
            let curve = if cancelled {
                None
            } else {
                let in_pair = |source| Error::InPair { pair: numbers, source: Box::new(source) };
                Some(self.curve(numbers).map_err(in_pair)?)
            };
            if let Some(curve) = &curve {
                cancelled = curve.report().end == SweepEnd::Cancelled;
                matrix.channel.clone_from(&curve.channels()[0]);
            }
            let barrier = curve.as_ref().and_then(|curve| Barrier::rise(curve, &curve.channels()[0]).ok());
            matrix.pairs.push(Pair { numbers, curve, barrier });
        }
        Ok(matrix)
    }

    fn curve(&self, [first, second]: [usize; 2]) -> Result<Curve>
    where
        M: Loss<D> + Sync,
        D: Sync,
    {
        let mut sweep = Sweep::segment(self.model, self.minimisers[first], self.minimisers[second])
            .buffers(self.buffers)
            .alpha(0.0..=1.0, self.points);
        for (name, data) in &self.data {
            sweep = sweep.data(name.clone(), *data);
        }
        if let Some(threads) = self.threads {
            sweep = sweep.threads(threads);
        }
        if let Some(observer) = self.observer {
            sweep = sweep.observer(observer);
        }
        if let Some(folder) = &self.journals {
            sweep = sweep.journal(folder.join(format!("pair-{first}-{second}.journal")));
        }
        sweep.run()
    }
}

impl<M: Model + ?Sized, D: ?Sized> fmt::Debug for Barriers<'_, M, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barriers")
            .field("minimisers", &self.minimisers.len())
            .field("names", &self.names)
            .field("points", &self.points)
            .field("buffers", &self.buffers)
            .field("threads", &self.threads)
            .field("journals", &self.journals)
            .finish_non_exhaustive()
    }
}

impl BarrierMatrix {
    /// The number of minimisers.
    #[allow(clippy::len_without_is_empty, reason = "there are always two or more")]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// The names of the minimisers.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The channel that it is of: the first of the first data set.
    pub fn channel(&self) -> &str {
        &self.channel
    }

    /// The barrier between two minimisers, in either order; its t runs from the one with the lower number. None on the
    /// diagonal, for numbers that there are not, and where the sweep was cancelled before or an end has no
    /// finite value.
    pub fn barrier(&self, i: usize, j: usize) -> Option<&Barrier> {
        self.pair(i, j)?.barrier.as_ref()
    }

    /// The curve between two minimisers, from the one with the lower number at t = 0. None on the diagonal, for numbers
    /// that there are not, and where the sweep was cancelled before.
    pub fn curve(&self, i: usize, j: usize) -> Option<&Curve> {
        self.pair(i, j)?.curve.as_ref()
    }

    /// The heights of all barriers: symmetric, 0 on the diagonal, NaN where none is known. Where points are
    /// [missing](Self::missing) a height is a lower bound.
    pub fn heights(&self) -> Array2<f64> {
        self.matrix(0.0, |pair| pair.barrier.as_ref().map_or(f64::NAN, |barrier| barrier.height))
    }

    /// For each pair the number of points without a finite value: 0 if it is complete, all points where it was not
    /// measured.
    pub fn missing(&self) -> Array2<usize> {
        let points = self.pairs.iter().find_map(|pair| Some(pair.curve.as_ref()?.alpha().len())).unwrap_or(0);
        self.matrix(0, |pair| match (&pair.barrier, &pair.curve) {
            (Some(barrier), _) => barrier.missing.len(),
            (None, Some(curve)) => curve.loss().iter().filter(|value| !value.is_finite()).count(),
            (None, None) => points,
        })
    }

    /// The pair with the highest barrier; none if none is known. Of several, the first.
    pub fn highest(&self) -> Option<([usize; 2], &Barrier)> {
        let known = self.pairs.iter().filter_map(|pair| Some((pair.numbers, pair.barrier.as_ref()?)));
        known.reduce(|most, other| if other.1.height > most.1.height { other } else { most })
    }

    /// Every pair with its numbers, curve and barrier, in the order (0, 1), (0, 2), …, (1, 2), ….
    #[cfg(any(feature = "npz", feature = "csv"))]
    pub(crate) fn pairs(&self) -> impl Iterator<Item = ([usize; 2], Option<&Curve>, Option<&Barrier>)> {
        self.pairs.iter().map(|pair| (pair.numbers, pair.curve.as_ref(), pair.barrier.as_ref()))
    }

    fn pair(&self, i: usize, j: usize) -> Option<&Pair> {
        let numbers = [i.min(j), i.max(j)];
        self.pairs.iter().find(|pair| pair.numbers == numbers)
    }

    fn matrix<T: Copy>(&self, diagonal: T, entry: impl Fn(&Pair) -> T) -> Array2<T> {
        let mut matrix = Array2::from_elem((self.len(), self.len()), diagonal);
        for pair in &self.pairs {
            let [i, j] = pair.numbers;
            let entry = entry(pair);
            (matrix[[i, j]], matrix[[j, i]]) = (entry, entry);
        }
        matrix
    }
}

/// A table of heights to three digits, `≥` before those with missing points and `?` where none is known.
impl fmt::Display for BarrierMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cell = |i: usize, j: usize| match self.barrier(i, j) {
            _ if i == j => "–".to_owned(),
            None => "?".to_owned(),
            Some(barrier) if barrier.is_complete() => short(barrier.height),
            Some(barrier) => format!("≥{}", short(barrier.height)),
        };
        let rows: Vec<Vec<String>> =
            (0..self.len()).map(|i| (0..self.len()).map(|j| cell(i, j)).collect()).collect();
        let wide = |texts: &mut dyn Iterator<Item = &String>| texts.map(|text| text.chars().count()).max();
        let side = wide(&mut self.names.iter()).unwrap_or(0);
        let width = wide(&mut self.names.iter().chain(rows.iter().flatten())).unwrap_or(0);
        write!(f, "barriers of `{}`\n{:side$}", self.channel, "")?;
        for name in &self.names {
            write!(f, "  {name:>width$}")?;
        }
        for (name, row) in self.names.iter().zip(&rows) {
            write!(f, "\n{name:>side$}")?;
            for cell in row {
                write!(f, "  {cell:>width$}")?;
            }
        }
        Ok(())
    }
}

#[cfg(feature = "serde")]
impl TryFrom<UncheckedMatrix> for BarrierMatrix {
    type Error = String;

    fn try_from(UncheckedMatrix { names, channel, pairs: found }: UncheckedMatrix) -> Result<Self, String> {
        let expected = names.len().saturating_mul(names.len().saturating_sub(1)) / 2;
        if found.len() != expected || !found.iter().map(|pair| pair.numbers).eq(pairs(names.len())) {
            return Err(format!(
                "the pairs should be all {expected} of {} minimisers, in order",
                names.len()
            ));
        }
        Ok(Self { names, channel, pairs: found })
    }
}

/// All pairs of numbers below `count`, the lower first.
fn pairs(count: usize) -> impl Iterator<Item = [usize; 2]> {
    (0..count).flat_map(move |i| (i + 1..count).map(move |j| [i, j]))
}
