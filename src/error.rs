//! The one error type of the crate.

/// A result with this crate's [`Error`].
///
/// ```
/// use loss_landscape::{Block, Layout, Result};
///
/// /// A fully connected layer, as PyTorch stores it.
/// fn dense(inputs: usize, outputs: usize) -> Result<Layout> {
///     Layout::new([Block::weight("weight", [outputs, inputs], 0), Block::bias("bias", [outputs])])
/// }
///
/// assert_eq!(dense(64, 10)?.len(), 650);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What was wrong with a call. Every variant carries the values that were wrong, and its text names them.
///
/// A bad point of a sweep is data, not an error: see [`BadPoint`](crate::report::BadPoint).
///
/// `?` turns it into the `Box<dyn Error>` of a `main`. To react to one cause, match its variant:
///
/// ```
/// use loss_landscape::{Error, FnModel, Layout, RandomDirections, Sweep};
///
/// let model = FnModel::new(Layout::flat(2)?, vec![1.0, 2.0], |t: &[f64], _: &()| t[0] * t[1])?;
/// let grid = |points| {
///     let sweep = Sweep::plane(&model, RandomDirections::new(1)).data("", &()).memory_limit(100_000);
///     sweep.alpha(-1.0..=1.0, points).beta(-1.0..=1.0, points).run()
/// };
/// // The finest grid that fits the memory allowed.
/// let surface = match grid(1001) {
///     Err(Error::GridTooLarge { limit, bytes, .. }) => {
///         assert!(bytes.is_some_and(|bytes| bytes > limit));
///         grid(101)?
///     }
///     other => other?,
/// };
/// assert_eq!(surface.shape(), [101, 101]);
///
/// let error = model_without_a_layer().unwrap_err();
/// assert_eq!(error.to_string(), "there is no block `fc`; the layout has [\"theta\"]");
/// # fn model_without_a_layer() -> Result<(), Error> { Layout::flat(2)?.block("fc").map(|_| ()) }
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A layout without blocks.
    #[error("a layout needs at least one block")]
    EmptyLayout,
    /// A block without parameters.
    #[error("block `{block}` of shape {shape:?} holds no parameters")]
    EmptyBlock {
        /// The block.
        block: String,
        /// Its shape, with a zero.
        shape: Vec<usize>,
    },
    /// A name that two blocks share.
    #[error("block {second} has the name `{block}` that block {first} has already")]
    DuplicateBlock {
        /// The name.
        block: String,
        /// The position of the first.
        first: usize,
        /// The position of the second.
        second: usize,
    },
    /// A tensor for which a naming rule gives no role.
    #[error("no role is known for the tensor `{block}` of shape {shape:?}: the rule gives none")]
    NoRole {
        /// Its name.
        block: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// A tensor that does not have as many values as its block.
    #[error("the tensor for block `{block}` has {len} values, not those of the shape {shape:?}")]
    TensorLength {
        /// The block.
        block: String,
        /// The number of values.
        len: usize,
        /// The shape of the block.
        shape: Vec<usize>,
    },
    /// What a caller's function failed with for a block.
    #[error("block `{block}`: {source}")]
    Tensor {
        /// The block.
        block: String,
        /// Its error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A filter axis that is not an axis of the shape.
    #[error("filter axis {axis} of block `{block}` is out of range for its shape {shape:?}")]
    FilterAxis {
        /// The block.
        block: String,
        /// The axis asked for.
        axis: usize,
        /// The shape.
        shape: Vec<usize>,
    },
    /// More parameters than an address space holds.
    #[error("with block `{block}` of shape {shape:?} the number of parameters overflows")]
    TooManyParameters {
        /// The block at which the sum overflowed.
        block: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// A block name that the layout does not have.
    #[error("there is no block `{block}`; the layout has {names:?}")]
    UnknownBlock {
        /// The name asked for.
        block: String,
        /// The names there are.
        names: Vec<String>,
    },
    /// A filter that a block does not have.
    #[error("there is no filter {index} in block `{block}`, which has {filters}")]
    FilterIndex {
        /// The block.
        block: String,
        /// The index asked for.
        index: usize,
        /// The number of filters.
        filters: usize,
    },
    /// A pattern of block names that matches none.
    #[error("the pattern `{pattern}` matches no block of {names:?}")]
    PatternMatchesNothing {
        /// The pattern.
        pattern: String,
        /// The names there are.
        names: Vec<String>,
    },
    /// A mask that chooses no parameter.
    #[error("the mask chooses no parameter")]
    EmptyMask,
    /// A vector that is not as long as the layout.
    #[error("{what} has {len} values where the layout has {expected} parameters")]
    Length {
        /// Which vector.
        what: String,
        /// Its length.
        len: usize,
        /// The length of the layout.
        expected: usize,
    },
    /// Two layouts that differ.
    #[error("the layouts differ first at block {index}: {left} against {right}")]
    LayoutMismatch {
        /// The position of the first block that differs.
        index: usize,
        /// That block of the one layout.
        left: String,
        /// That block of the other.
        right: String,
    },
    /// A value that is NaN or infinite where it must not be.
    #[error("{what} is {value} at index {index} of block `{block}`")]
    NonFinite {
        /// Which vector.
        what: String,
        /// The block.
        block: String,
        /// The position inside the block, row-major.
        index: usize,
        /// The value.
        value: f64,
    },
    /// A direction of norm zero, along which nothing changes.
    #[error("the {which} direction is zero everywhere")]
    ZeroDirection {
        /// Which direction.
        which: String,
    },
    /// A curve of too few points, or of more than a curve may have.
    #[error("a curve has its two ends and the bends between them, {most} points at most, not {points}")]
    PathPoints {
        /// The number of points, ends included.
        points: usize,
        /// The most there may be.
        most: usize,
    },
    /// A curve through more points than a plane holds.
    #[error("a plane holds a curve of three points, its ends and one bend, not one of {points}")]
    PathPlane {
        /// The number of points, ends included.
        points: usize,
    },
    /// A curve without a value at one of its ends, which a barrier is measured from.
    #[error("the curve has no finite `{channel}` at t = {at}: a barrier is measured from both of its ends")]
    BarrierEnd {
        /// The channel.
        channel: String,
        /// The end: 0 or 1.
        at: f64,
    },
    /// Fewer minimisers than a comparison needs.
    #[error("barriers are between two minimisers or more, not {found}")]
    Minimisers {
        /// How many there are.
        found: usize,
    },
    /// Another number of names than of minimisers.
    #[error("there are {names} names for {minimisers} minimisers")]
    MinimiserNames {
        /// The number of names.
        names: usize,
        /// The number of minimisers.
        minimisers: usize,
    },
    /// What went wrong between two of several minimisers.
    #[error("between minimisers {pair:?}: {source}")]
    InPair {
        /// Their numbers, from 0.
        pair: [usize; 2],
        /// What it was.
        source: Box<Self>,
    },
    /// Two directions along one line, which span no plane.
    #[error("the two directions are parallel and span no plane: their cosine is {cosine}")]
    ParallelDirections {
        /// The cosine of the angle between them: about 1 or −1.
        cosine: f64,
    },
    /// Snapshots that lie in fewer dimensions than components are asked for: too few of them, equal ones, or ones on a
    /// line.
    #[error(
        "{components} principal components need snapshots in as many dimensions: {snapshots} of them span {dimensions}"
    )]
    TrajectoryDimensions {
        /// The number of snapshots.
        snapshots: usize,
        /// The dimensions that they span, up to rounding.
        dimensions: usize,
        /// The components asked for.
        components: usize,
    },
    /// Snapshots so far apart that squares of their distances overflow.
    #[error("the squared distance of snapshot {snapshot} from the last one is {value}")]
    TrajectoryOverflow {
        /// The snapshot.
        snapshot: usize,
        /// Its squared distance: infinite or NaN.
        value: f64,
    },
    /// Another number of snapshots than a trajectory was made of.
    #[error("there are {found} snapshots where the trajectory has {expected}")]
    TrajectoryLength {
        /// The number of snapshots.
        found: usize,
        /// The number of the trajectory.
        expected: usize,
    },
    /// A group of hidden units that makes no sense.
    #[error("the group `{group}` {reason}")]
    UnitGroup {
        /// The group.
        group: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Hidden units on an axis that a block does not have.
    #[error("the group `{group}` names axis {axis} of block `{block}`, whose shape is {shape:?}")]
    UnitAxis {
        /// The group of units.
        group: String,
        /// The block.
        block: String,
        /// The axis.
        axis: usize,
        /// The shape of the block.
        shape: Vec<usize>,
    },
    /// An axis that does not have as many indices as the hidden units on it take.
    #[error(
        "the group `{group}` has {units} units with {} each from {start} on along axis {axis} of block `{block}`, which \
         has {length}", display_count(*run, "index", "indices")
    )]
    UnitExtent {
        /// The group of units.
        group: String,
        /// The number of units.
        units: usize,
        /// The consecutive indices of each unit.
        run: usize,
        /// The first index.
        start: usize,
        /// The block.
        block: String,
        /// The axis.
        axis: usize,
        /// The length of the axis.
        length: usize,
    },
    /// An index of an axis that belongs to two hidden units.
    #[error("index {index} of axis {axis} of block `{block}` is in the groups `{first}` and `{second}`")]
    UnitOverlap {
        /// The block.
        block: String,
        /// The axis.
        axis: usize,
        /// The first such index.
        index: usize,
        /// The group that names it first.
        first: String,
        /// The other group, or the same.
        second: String,
    },
    /// An order of hidden units that does not have each of them once.
    #[error(
        "the order of the group `{group}` has {len} entries and goes wrong at number {index}: it must have each of 0..{units} \
         once"
    )]
    NotAPermutation {
        /// The group of units.
        group: String,
        /// The number of its units.
        units: usize,
        /// The number of entries.
        len: usize,
        /// The first entry that is out of range or comes again, or the length.
        index: usize,
    },
    /// Another number of permutations than there are groups of hidden units.
    #[error("there are {found} permutations for {groups} groups of units")]
    PermutationCount {
        /// The number of permutations.
        found: usize,
        /// The number of groups.
        groups: usize,
    },
    /// A matrix of similarities that is not square.
    #[error("an assignment needs a square matrix, not one of {rows}×{columns}")]
    NotSquare {
        /// The number of rows.
        rows: usize,
        /// The number of columns.
        columns: usize,
    },
    /// A similarity that is NaN or infinite.
    #[error("the similarity of unit {row} of the first and unit {column} of the second is {value}")]
    Similarity {
        /// The unit of the first, the row.
        row: usize,
        /// The unit of the second, the column.
        column: usize,
        /// The similarity.
        value: f64,
    },
    /// A range with too few points.
    #[error("{points} points on the axis {axis}: both ends are points, so it takes 2 or more")]
    Resolution {
        /// The axis.
        axis: &'static str,
        /// The number of points asked for.
        points: usize,
    },
    /// A range that is reversed, empty or not finite.
    #[error("the range {start}..={end} of {axis} must be finite and run upwards")]
    Range {
        /// The axis.
        axis: &'static str,
        /// The start.
        start: f64,
        /// The end.
        end: f64,
    },
    /// Coordinates that do not run upwards or are not finite.
    #[error("the coordinates of {axis} must be finite and run upwards, but number {index} is {value}")]
    Coordinates {
        /// The axis.
        axis: &'static str,
        /// The position of the first bad coordinate.
        index: usize,
        /// Its value.
        value: f64,
    },
    /// A grid whose values would not fit the memory limit; found before anything is allocated.
    #[error(
        "{} points with {channels} channels need {} of memory; the limit is {limit} bytes",
        display_shape(shape), bytes.map_or_else(|| "more than 2^64 bytes".to_owned(), |b| format!("{b} bytes"))
    )]
    GridTooLarge {
        /// The number of points on each axis.
        shape: Vec<usize>,
        /// Channels of all data sets together.
        channels: usize,
        /// Bytes needed, unless that overflows.
        bytes: Option<u64>,
        /// The limit; see [`Sweep::memory_limit`](crate::Sweep::memory_limit).
        limit: u64,
    },
    /// Memory that the system did not give.
    #[error("the system does not give the {bytes} bytes needed for {what}")]
    OutOfMemory {
        /// What they were for.
        what: &'static str,
        /// How many.
        bytes: u64,
    },
    /// A sweep without data; [`Sweep::data`](crate::Sweep::data) gives it some.
    #[error("a sweep needs at least one data set: give it one with `.data(name, &data)`")]
    NoData,
    /// An oracle that names several channels, and leaves [`Loss::measure`](crate::Loss::measure), which writes the
    /// loss alone, as it is.
    #[error(
        "the oracle has the channels {channels:?}, but writes the loss alone: implement `Loss::measure`, which writes \
         one value for each of `Loss::channels`"
    )]
    Unmeasured {
        /// The channels of the oracle.
        channels: Vec<String>,
    },
    /// An oracle that wants the sweep to end, and its point left for the next run: returned from an oracle, this is no
    /// bad point. The sweep ends as if an observer had cancelled it; neither its result nor its journal knows the point.
    /// So an adapter to a language with exceptions passes one on, and Ctrl-C within an evaluation is no failure of the
    /// network.
    ///
    /// ```
    /// use loss_landscape::{Error, FnModel, Layout, OracleError, RandomDirections, Sweep, report::SweepEnd};
    ///
    /// let loss = |t: &[f64], _: &()| -> Result<f64, OracleError> {
    ///     if t[0] > 1.0 { Err(Error::Interrupted.into()) } else { Ok(t[0]) }
    /// };
    /// let model = FnModel::new(Layout::flat(1)?, vec![1.0], loss)?;
    /// let curve = Sweep::line(&model, RandomDirections::new(7)).data("", &()).threads(1).run()?;
    /// assert_eq!(curve.report().end, SweepEnd::Cancelled);
    /// assert!(curve.report().bad_points.is_empty());
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    #[error("the oracle was interrupted")]
    Interrupted,
    /// Two data sets of one name.
    #[error("two data sets are named `{name}`")]
    DuplicateData {
        /// The name.
        name: String,
    },
    /// An oracle that names no channels or one name twice, or data sets whose channels would have the same name.
    #[error("the channels {channels:?} must be one or more different names")]
    Channels {
        /// The names, with the names of the data sets before them.
        channels: Vec<String>,
    },
    /// A channel that a result does not have.
    #[error("there is no channel `{name}`; the result has {names:?}")]
    UnknownChannel {
        /// The name asked for.
        name: String,
        /// The names there are.
        names: Vec<String>,
    },
    /// Processes that should run one sweep together, and run different ones.
    #[error("process {process} does not run the sweep of process 0: {}", differences.join("; "))]
    OtherSweep {
        /// The process.
        process: usize,
        /// What differs: the name, the value in that process, the value in process 0.
        differences: Vec<String>,
    },
    /// A process that has no part in a sweep of several any more, and process 0 goes on without it: it does not reach
    /// process 0, or cannot send what it found; or its executor is none of its processes.
    #[error("process {process} cannot go on with its sweep: {source}")]
    Executor {
        /// The process.
        process: usize,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// In the other processes of a sweep: process 0 has ended it without a result.
    #[error("process 0 ended the sweep: {reason}")]
    EndedByProcess0 {
        /// Its error, in words.
        reason: String,
    },
    /// A pool of no threads.
    #[error("a sweep needs at least one thread")]
    ZeroThreads,
    /// A thread pool that could not be started.
    #[error("the pool of {threads} threads could not be started")]
    ThreadPool {
        /// The number of threads.
        threads: usize,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An oracle that failed outside a sweep's points: while preparing, in a derivative check, or in a product
    /// of its Hessian.
    #[error("the oracle failed while {during}: {source}")]
    Oracle {
        /// What it was asked for.
        during: String,
        /// Its error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An oracle that panicked outside a sweep's points.
    #[error("the oracle panicked while {during}: {message}")]
    OraclePanicked {
        /// What it was asked for.
        during: String,
        /// The message of the panic.
        message: String,
    },
    /// A loss that is NaN or infinite at the point around which something is measured.
    #[error("the loss at θ is {value}, from which nothing can be measured")]
    NonFiniteLoss {
        /// The loss.
        value: f64,
    },
    /// A gradient of norm zero, along which there is nothing to see.
    #[error("the gradient is 0 in all {parameters} parameters, and no direction")]
    ZeroGradient {
        /// The number of parameters chosen.
        parameters: usize,
    },
    /// A Hessian with too few different eigenvalues for a plane of eigenvectors.
    #[error("a plane takes 2 eigenvectors of different eigenvalues; {found} was found")]
    FewEigenvectors {
        /// The number found.
        found: usize,
    },
    /// Perturbations relative to parameters that are all 0.
    #[error("all {parameters} parameters are 0, and perturbations relative to them as well")]
    NothingToPerturb {
        /// The number of parameters chosen.
        parameters: usize,
    },
    /// An operator on vectors of length 0.
    #[error("the operator is of dimension 0")]
    EmptyOperator,
    /// A vector that is not as long as those of an operator.
    #[error("{what} has {len} values where the operator's vectors have {expected}")]
    OperatorLength {
        /// Which vector.
        what: String,
        /// Its length.
        len: usize,
        /// The dimension of the operator.
        expected: usize,
    },
    /// A product of an operator and a vector that is NaN or infinite.
    #[error("product number {product} is {value} at index {index}")]
    NonFiniteProduct {
        /// The number of products before it.
        product: usize,
        /// The first index that is not finite, in the operator's vectors.
        index: usize,
        /// The value there.
        value: f64,
    },
    /// Less memory allowed than the computation needs at least.
    #[error("{what} needs {bytes} bytes of memory at least; the limit is {limit} bytes")]
    MemoryLimit {
        /// What needs it.
        what: &'static str,
        /// Bytes needed at least.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// Draws of directions that are given, and would all be the same.
    #[error(
        "the directions are given, so that there is nothing to draw: pass `RandomDirections` for several draws"
    )]
    FixedDirections,
    /// Landscapes that are no draws of one sweep.
    #[error("landscape {draw} is no draw of the same sweep: its {what} differ from those of the first")]
    DrawsDiffer {
        /// The index of the landscape.
        draw: usize,
        /// What differs.
        what: &'static str,
    },
    /// An axis without the point at 0, or without neighbours of it that a measure takes.
    #[error("the axis {axis} {reason}")]
    NoCentre {
        /// The axis.
        axis: &'static str,
        /// What it lacks.
        reason: &'static str,
    },
    /// Measures of different numbers of draws in one table.
    #[error("the measure `{name}` is of {draws} draws, and others in the table are of {expected}")]
    MeasureDraws {
        /// The measure.
        name: String,
        /// Its number of draws.
        draws: usize,
        /// That of the first one.
        expected: usize,
    },
    /// A measure of which only a lower bound is known in some draws.
    #[error(
        "of `{name}` only a lower bound is known in {bounded} of {draws} draws, since the grid ends before: take wider \
         axes, or the median"
    )]
    OnlyBounds {
        /// The measure.
        name: String,
        /// The number of draws with a bound only.
        bounded: usize,
        /// The number of draws.
        draws: usize,
    },
    /// Too few values for what is asked of them.
    #[error("{what} needs {needs} values or more, not {values}")]
    SampleSize {
        /// What was asked for.
        what: &'static str,
        /// How many values there are.
        values: usize,
        /// How many it takes.
        needs: usize,
    },
    /// A value of a sample that is not finite.
    #[error("value number {index} of the sample is {value}")]
    SampleValue {
        /// Its index.
        index: usize,
        /// The value.
        value: f64,
    },
    /// A setting that makes no sense.
    #[error("{setting} must be {needs}, not {value}")]
    Setting {
        /// Which setting.
        setting: &'static str,
        /// The condition.
        needs: &'static str,
        /// What it was.
        value: f64,
    },
    /// A file that could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What is no file, where a file is to be written; see [`files::write`](crate::files::write).
    #[error("{}: {reason}", display_place(path, place, kind))]
    NotAFile {
        /// The path that was asked for.
        path: std::path::PathBuf,
        /// Where symbolic links lead to from there; the same path without any.
        place: std::path::PathBuf,
        /// What is there, such as `a directory` or `a block device`.
        kind: &'static str,
        /// Why it is not written to.
        reason: &'static str,
    },
    /// A folder in which no file can be made or replaced; see [`files::write`](crate::files::write).
    #[error(
        "{} could not be written: a new file is made beside it first, and the folder {} does not allow that: {source}",
        path.display(), folder.display()
    )]
    FolderRefuses {
        /// The file that was to be written.
        path: std::path::PathBuf,
        /// The folder.
        folder: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that could be read, but whose content is wrong.
    #[error("{}: {source}", path.display())]
    InFile {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        source: Box<Self>,
    },
    /// A file that should be a journal.
    #[error("{} is no journal: {reason}", path.display())]
    NotAJournal {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A journal of another sweep than the one that should go on with it.
    #[error("{} is a journal of another sweep: {}", path.display(), differences.join("; "))]
    JournalMismatch {
        /// The journal.
        path: std::path::PathBuf,
        /// What differs: the name, the value in the journal, the value now.
        differences: Vec<String>,
    },
    /// A journal that another sweep is writing.
    #[error("another sweep is writing the journal {}", path.display())]
    JournalInUse {
        /// The journal.
        path: std::path::PathBuf,
    },
    /// A point to which two records give different values.
    #[error(
        "point [{}, {}] at ({}, {}) has one value in {} and another in {}",
        index[0], index[1], coordinates[0], coordinates[1], first.display(), second.display()
    )]
    JournalConflict {
        /// The indices of the point.
        index: [usize; 2],
        /// Its coordinates.
        coordinates: [f64; 2],
        /// A journal.
        first: std::path::PathBuf,
        /// Another one, or the same.
        second: std::path::PathBuf,
    },
    /// A journal that could not be written any further, for example because the disk is full.
    #[error("the sweep ended, since {} could not be written; it keeps {points} points: {source}", path.display())]
    JournalWrite {
        /// The journal.
        path: std::path::PathBuf,
        /// Points that are in it.
        points: usize,
        /// Why.
        source: std::io::Error,
    },
    /// No journals to read.
    #[error("there are no journals to read")]
    NoJournals,
    /// A journal of another kind of sweep than is asked for.
    #[error("the journal is of `{found}`, not of {expected}")]
    JournalKind {
        /// The sweep that it belongs to.
        found: String,
        /// The sweep that was expected.
        expected: &'static str,
    },
    /// An adaptive sweep of one shard of several: each of its stages needs all points before it.
    #[error(
        "an adaptive sweep has no shards: each stage needs all points before it, and {k} of {n} has a part"
    )]
    AdaptiveShard {
        /// The shard.
        k: usize,
        /// The number of shards.
        n: usize,
    },
    /// A sampled sweep of one shard of several: all of its points need the lattice.
    #[error("a sampled sweep has no shards: all points need its lattice, and {k} of {n} has a part")]
    SampledShard {
        /// The shard.
        k: usize,
        /// The number of shards.
        n: usize,
    },
    /// A budget of evaluations that the lattice of a sampled sweep takes nearly all of.
    #[error(
        "a share of {share} of all evaluations is too little: {nodes} of {points} points are evaluated in full, and with \
         32 samples for each of the others that is {least:.4}; a larger spacing takes less"
    )]
    SampleBudget {
        /// The budget.
        share: f64,
        /// Points evaluated in full.
        nodes: usize,
        /// All points.
        points: usize,
        /// The least share that is enough.
        least: f64,
    },
    /// A data set without samples.
    #[error("the data set `{data}` has no samples")]
    NoSamples {
        /// Its name.
        data: String,
    },
    /// Losses of single samples whose mean is not the loss.
    #[error(
        "`{channel}` of `{data}` is {own}, but the mean over its {samples} samples is {mean}: an oracle that is sampled \
         must yield means of what `SampleLosses` gives"
    )]
    SampleMeans {
        /// The channel.
        channel: String,
        /// The data set.
        data: String,
        /// The number of its samples.
        samples: usize,
        /// The mean over the samples.
        mean: f64,
        /// What the oracle itself yields.
        own: f64,
    },
    /// A sample whose loss is NaN or infinite.
    #[error("`{channel}` of sample {sample} is {value}")]
    NonFiniteSample {
        /// The channel.
        channel: String,
        /// The number of the sample.
        sample: usize,
        /// Its value.
        value: f64,
    },
    /// A shard number that is not below the number of shards.
    #[error("there is no shard {k} of {n}: they are counted from 0")]
    Shard {
        /// The shard.
        k: usize,
        /// The number of shards.
        n: usize,
    },
    /// Bytes that are not a safetensors file, or tensors that cannot be stored in one.
    #[cfg(feature = "safetensors")]
    #[error("not a valid safetensors file: {source}")]
    Safetensors {
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file of PyTorch's own where safetensors should be. Reading one would mean to run the program in it.
    #[cfg(feature = "safetensors")]
    #[error(
        "not a safetensors file but {found}; convert it in Python: \
         `from safetensors.torch import save_file; \
         save_file(torch.load(\"model.pt\", map_location=\"cpu\", weights_only=True), \"model.safetensors\")`, \
         with the state dict alone where the file holds more"
    )]
    PyTorchFile {
        /// What it is, by its first bytes.
        found: &'static str,
    },
    /// A checkpoint whose tensors are not the blocks of the layout: all that is wrong, in one error.
    #[cfg(feature = "safetensors")]
    #[error(
        "the checkpoint does not fit the layout: {}",
        display_misfits(missing, extra, misshapen, mistyped)
    )]
    Checkpoint {
        /// Blocks that the file does not have, in the order of the layout.
        missing: Vec<String>,
        /// Tensors that are no blocks, sorted.
        extra: Vec<String>,
        /// Blocks of another shape: their names, their shapes in the file, and those of the layout.
        misshapen: Vec<(String, Vec<usize>, Vec<usize>)>,
        /// Blocks whose tensors are not of 16, 32 or 64 bit floating point: their names and types.
        mistyped: Vec<(String, String)>,
    },
    /// A block name that a safetensors file gives another meaning.
    #[cfg(feature = "safetensors")]
    #[error("a safetensors file cannot hold a block named `{block}`")]
    CheckpointName {
        /// The name.
        block: String,
    },
    /// A channel whose values do not have the shape of the axes.
    #[error(
        "channel `{channel}` has {} values where the axes have {}",
        display_shape(found),
        display_shape(expected)
    )]
    ChannelShape {
        /// The channel.
        channel: String,
        /// Its shape.
        found: Vec<usize>,
        /// The number of points on each axis.
        expected: Vec<usize>,
    },
    /// Bytes that do not follow the syntax of their format, or lack a field.
    #[error("not a valid {format} file: {reason}")]
    Parse {
        /// The format.
        format: &'static str,
        /// What is wrong, and where.
        reason: String,
    },
    /// Bytes that are not a result in this format: damaged, or something else altogether.
    #[error("not a valid {format} file: {place} should be {expected}, not {found}")]
    Format {
        /// The format.
        format: &'static str,
        /// Where in the file.
        place: String,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A result that a format cannot hold.
    #[error("{format} cannot hold this result: {reason}")]
    Unwritable {
        /// The format.
        format: &'static str,
        /// Why not.
        reason: String,
    },
}

fn display_count(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn display_shape(shape: &[usize]) -> String {
    shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("×")
}

/// What is at a path, or at the end of the links from there.
fn display_place(path: &std::path::Path, place: &std::path::Path, kind: &str) -> String {
    if path == place {
        return format!("{} is {kind}", path.display());
    }
    format!("{} leads to {}, which is {kind}", path.display(), place.display())
}

/// Counts of all four, and the first three of each.
#[cfg(feature = "safetensors")]
fn display_misfits(
    missing: &[String],
    extra: &[String],
    misshapen: &[(String, Vec<usize>, Vec<usize>)],
    mistyped: &[(String, String)],
) -> String {
    let quoted = |names: &[String]| names.iter().take(3).map(|name| format!("`{name}`")).collect();
    let shapes = misshapen.iter().take(3);
    let types = mistyped.iter().take(3);
    let lists: [(&str, usize, Vec<String>); 4] = [
        ("missing", missing.len(), quoted(missing)),
        ("not in the layout", extra.len(), quoted(extra)),
        (
            "of another shape",
            misshapen.len(),
            shapes.map(|(name, found, expected)| format!("`{name}` {found:?}, not {expected:?}")).collect(),
        ),
        (
            "not of floating point",
            mistyped.len(),
            types.map(|(name, dtype)| format!("`{name}` of {dtype}")).collect(),
        ),
    ];
    let describe = |(what, count, first): &(&str, usize, Vec<String>)| {
        let more = if first.len() < *count { ", ..." } else { "" };
        format!("{count} {what} ({}{more})", first.join(", "))
    };
    lists.iter().filter(|(_, count, _)| *count > 0).map(describe).collect::<Vec<_>>().join("; ")
}
