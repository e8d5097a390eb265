//! Passes through a transformer, one chunk of sequences at a time: their sizes, their memory, and the one forward.

use loss_landscape_kernels::{LANES, Matrix, SmoothValues, Store, product};

use super::{
    attention::{self, HeadScratch},
    gpt::{ACTIVATION, BlockPlaces, Places},
    network::Transformer,
};
use crate::{
    criterion::{self, LossSink, LossSums, TargetSlice},
    data::{TokenSlice, Tokens},
    real::Real,
};

/// The sizes of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dims {
    pub(super) width: usize,
    pub(super) heads: usize,
    pub(super) vocabulary: usize,
    pub(super) causal: bool,
    pub(super) sequences: usize,
    /// Tokens of a sequence.
    pub(super) length: usize,
    /// Columns of all matrices: those of the tokens, and dead ones that fill them up to an odd number of vectors. Rows a
    /// power of two apart would compete for the same places in the cache.
    pub(super) columns: usize,
}

impl Dims {
    pub(super) fn new<S: Real>(net: &Transformer<S>, sequences: usize, length: usize) -> Self {
        let columns = ((sequences * length).div_ceil(LANES) | 1) * LANES;
        let shape = &net.shape;
        Self {
            width: shape.width,
            heads: shape.heads,
            vocabulary: shape.vocabulary,
            causal: shape.causal,
            sequences,
            length,
            columns,
        }
    }

    pub(super) fn head_size(self) -> usize {
        self.width / self.heads
    }

    pub(super) fn attention_scale<S: Real>(self) -> S {
        S::from_f64(1.0 / (self.head_size() as f64).sqrt())
    }

    /// Values of the matrices with `width` units.
    pub(super) fn len(self) -> usize {
        self.width * self.columns
    }

    /// Weights of all heads of one block. What does not fit into a number fits into no memory either, and is refused.
    fn weights(self) -> usize {
        let of_head = self.length.saturating_mul(self.length);
        of_head.saturating_mul(self.sequences * self.heads)
    }

    /// Sets the dead columns to 0.
    pub(super) fn clear_dead<S: Real>(self, x: &mut [S]) {
        let live = self.sequences * self.length;
        for row in x.chunks_exact_mut(self.columns) {
            row[live..].fill(S::zero());
        }
    }
}

/// What the layers of a block give, or derivatives by that, or R of either: [units, columns].
#[derive(Debug)]
pub(super) struct BlockState<S> {
    /// After the first normalisation.
    pub(super) normal1: Vec<S>,
    /// Queries, keys, values.
    pub(super) qkv: Vec<S>,
    /// The weights of each head of each sequence, [keys, queries].
    pub(super) weights: Vec<S>,
    /// The outputs of all heads.
    pub(super) heads: Vec<S>,
    /// After the first skip connection.
    pub(super) middle: Vec<S>,
    /// After the second normalisation.
    pub(super) normal2: Vec<S>,
    /// Before and after the activation.
    pub(super) z: Vec<S>,
    pub(super) active: Vec<S>,
}

/// The same of all blocks, of what goes between them, and of what comes after.
#[derive(Debug)]
pub(super) struct PassState<S> {
    /// What goes into each block, and comes out of the last.
    pub(super) between: Vec<Vec<S>>,
    pub(super) blocks: Vec<BlockState<S>>,
    /// After the last normalisation.
    pub(super) last: Vec<S>,
    /// [vocabulary, columns]; after the loss the softmax.
    pub(super) outputs: Vec<S>,
}

/// How much a pass keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// What the next layer needs.
    Outputs,
    /// What goes between blocks, and one block at a time: for derivatives that are used where they are made.
    Between,
    /// All blocks: what derivatives need of values.
    All,
}

impl Keep {
    /// How many matrices between blocks, and how many blocks, of a transformer with so many.
    fn counts(self, layers: usize) -> [usize; 2] {
        match self {
            Self::Outputs => [2, 1],
            Self::Between => [layers + 1, 1],
            Self::All => [layers + 1, layers],
        }
    }
}

impl<S: Real> BlockState<S> {
    fn new(dims: Dims) -> Self {
        let matrix = |times: usize| vec![S::zero(); times * dims.len()];
        Self {
            normal1: matrix(1),
            qkv: matrix(3),
            weights: vec![S::zero(); dims.weights()],
            heads: matrix(1),
            middle: matrix(1),
            normal2: matrix(1),
            z: matrix(4),
            active: matrix(4),
        }
    }

    /// To the size of a chunk, which is never larger than the first was.
    fn resize(&mut self, dims: Dims) {
        let Self { normal1, qkv, weights, heads, middle, normal2, z, active } = self;
        weights.resize(dims.weights(), S::zero());
        for (matrix, times) in
            [(normal1, 1), (qkv, 3), (heads, 1), (middle, 1), (normal2, 1), (z, 4), (active, 4)]
        {
            matrix.resize(times * dims.len(), S::zero());
        }
    }
}

/// Values of a [`PassState`].
pub(super) fn state_len(dims: Dims, layers: usize, keep: Keep) -> usize {
    let [between, blocks] = keep.counts(layers);
    let block = dims.len().saturating_mul(15).saturating_add(dims.weights());
    let others = dims.len().saturating_mul(between + 1).saturating_add(dims.vocabulary * dims.columns);
    block.saturating_mul(blocks).saturating_add(others)
}

impl<S: Real> PassState<S> {
    pub(super) fn new(dims: Dims, layers: usize, keep: Keep) -> Self {
        let [between, blocks] = keep.counts(layers);
        Self {
            between: (0..between).map(|_| vec![S::zero(); dims.len()]).collect(),
            blocks: (0..blocks).map(|_| BlockState::new(dims)).collect(),
            last: vec![S::zero(); dims.len()],
            outputs: vec![S::zero(); dims.vocabulary * dims.columns],
        }
    }

    pub(super) fn resize(&mut self, dims: Dims) {
        self.blocks.iter_mut().for_each(|block| block.resize(dims));
        for matrix in self.between.iter_mut().chain([&mut self.last]) {
            matrix.resize(dims.len(), S::zero());
        }
        self.outputs.resize(dims.vocabulary * dims.columns, S::zero());
    }
}

/// A thread's memory besides that of the matrices.
#[derive(Debug)]
pub(super) struct Scratch<S> {
    pub(super) head: HeadScratch<S>,
    /// Three values a column.
    pub(super) columns: Vec<S>,
    /// A label for each column; 0 where there is none.
    pub(super) labels: Vec<u32>,
    /// The columns that do not count: those of tokens without a target, and dead ones.
    pub(super) out: Vec<usize>,
}

impl<S: Real> Scratch<S> {
    pub(super) fn new(dims: Dims) -> Self {
        Self {
            head: HeadScratch::new(dims.length),
            columns: vec![S::zero(); 3 * dims.columns],
            labels: Vec::with_capacity(dims.columns),
            out: Vec::with_capacity(dims.columns),
        }
    }

    /// Takes the targets of a chunk.
    pub(super) fn take_targets(&mut self, dims: Dims, chunk: TokenSlice<'_>) {
        let Self { labels, out, .. } = self;
        labels.clear();
        labels.extend_from_slice(chunk.targets);
        labels.resize(dims.columns, 0);
        out.clear();
        if let Some(counted) = chunk.counted {
            out.extend(counted.iter().enumerate().filter(|(_, counted)| !**counted).map(|(at, _)| at));
        }
        out.extend(chunk.targets.len()..dims.columns);
        for &column in &*out {
            labels[column] = 0;
        }
    }

    /// Sets the columns that do not count to 0.
    pub(super) fn clear_uncounted(&self, dims: Dims, x: &mut [S]) {
        for row in x.chunks_exact_mut(dims.columns) {
            for &column in &self.out {
                row[column] = S::zero();
            }
        }
    }
}

/// Writes the sum of both embeddings of each token into its column.
pub(super) fn embed<S: Real>(dims: Dims, places: &Places, theta: &[S], tokens: &[u32], out: &mut [S]) {
    let (of_tokens, of_positions) = (&theta[places.tokens.clone()], &theta[places.positions.clone()]);
    for (at, tokens) in tokens.chunks(LANES).enumerate() {
        for unit in 0..dims.width {
            let row = &mut out[unit * dims.columns + at * LANES..][..tokens.len()];
            for (lane, (out, &token)) in row.iter_mut().zip(tokens).enumerate() {
                let position = (at * LANES + lane) % dims.length;
                *out = of_tokens[token as usize * dims.width + unit]
                    + of_positions[position * dims.width + unit];
            }
        }
    }
    dims.clear_dead(out);
}

/// Adds δ of each column to the embeddings of its token and its position.
pub(super) fn add_embedding_gradient<S: Real>(
    dims: Dims,
    places: &Places,
    tokens: &[u32],
    delta: &[S],
    gradient: &mut [S],
) {
    for (at, tokens) in tokens.chunks(LANES).enumerate() {
        for unit in 0..dims.width {
            let row = &delta[unit * dims.columns + at * LANES..][..tokens.len()];
            for (lane, (&delta, &token)) in row.iter().zip(tokens).enumerate() {
                let position = (at * LANES + lane) % dims.length;
                gradient[places.tokens.start + token as usize * dims.width + unit] += delta;
                gradient[places.positions.start + position * dims.width + unit] += delta;
            }
        }
    }
}

/// out ← out + x
pub(super) fn add<S: Real>(out: &mut [S], x: &[S]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out += x;
    }
}

/// From a block's input to its output.
#[allow(clippy::too_many_arguments, reason = "a pass reads many tensors, which no one type owns")]
fn forward_block<S: Real>(
    dims: Dims,
    places: &BlockPlaces,
    theta: &[S],
    x: &[S],
    state: &mut BlockState<S>,
    next: &mut [S],
    scratch: &mut HeadScratch<S>,
) {
    let BlockState { normal1, qkv, weights, heads, middle, normal2, z, active } = state;
    places.norm1.forward(theta, x, normal1);
    places.attention.forward(theta, normal1, qkv);
    attention::forward(dims, qkv, weights, heads, scratch);
    places.projection.forward(theta, heads, middle);
    add(middle, x);
    places.norm2.forward(theta, middle, normal2);
    places.hidden.forward(theta, normal2, z);
    SmoothValues { out: active, z, function: ACTIVATION }.run();
    places.output.forward(theta, active, next);
    add(next, middle);
}

/// The outputs before the softmax, [vocabulary, columns].
pub(super) fn forward<S: Real>(
    net: &Transformer<S>,
    dims: Dims,
    theta: &[S],
    tokens: &[u32],
    state: &mut PassState<S>,
    scratch: &mut Scratch<S>,
) {
    let places = &net.places;
    embed(dims, places, theta, tokens, &mut state.between[0]);
    let count = state.between.len();
    for (index, block) in places.blocks.iter().enumerate() {
        let of_block = index % state.blocks.len();
        let (from, to) = (index % count, (index + 1) % count);
        let mut next = std::mem::take(&mut state.between[to]);
        let (x, block_state) = (&state.between[from], &mut state.blocks[of_block]);
        forward_block(dims, block, theta, x, block_state, &mut next, &mut scratch.head);
        state.between[to] = next;
    }
    let x = &state.between[places.blocks.len() % count];
    places.norm.forward(theta, x, &mut state.last);
    let head = Matrix::new(&theta[places.head.clone()], dims.vocabulary, dims.width);
    let last = Matrix::new(&state.last, dims.width, dims.columns);
    product(Store::Replace, head, last, &mut state.outputs);
}

/// What becomes of the losses of tokens: those that count are handed on.
struct CountedTokens<'a, T> {
    out: &'a [usize],
    sink: T,
}

impl<T: LossSink> LossSink for CountedTokens<'_, T> {
    fn loss(&mut self, column: usize, loss: f64) {
        if self.out.binary_search(&column).is_err() {
            self.sink.loss(column, loss);
        }
    }

    fn hit(&mut self, column: usize, hit: bool) {
        if self.out.binary_search(&column).is_err() {
            self.sink.hit(column, hit);
        }
    }
}

/// Loss and hits of a chunk, summed over the tokens that count; outputs become the softmax.
pub(super) fn loss<S: Real>(
    net: &Transformer<S>,
    dims: Dims,
    theta: &[S],
    chunk: TokenSlice<'_>,
    state: &mut PassState<S>,
    scratch: &mut Scratch<S>,
) -> LossSums {
    forward(net, dims, theta, chunk.tokens, state, scratch);
    scratch.take_targets(dims, chunk);
    let mut sink = CountedTokens { out: &scratch.out, sink: LossSums::default() };
    let wanted = TargetSlice::Labels(&scratch.labels);
    criterion::evaluate_into(&mut state.outputs, wanted, dims.columns, &mut scratch.columns, &mut sink);
    sink.sink
}

/// Columns of a chunk at least and at most, about.
const COLUMNS: [usize; 2] = [256, 1024];
/// Values of one matrix [width, columns] of a chunk, about: with more columns products are faster, but all matrices of
/// a chunk are in memory.
const MATRIX: usize = 1 << 18;
/// Chunks for threads to share, if each has the least number of columns.
const CHUNKS: usize = 8;

/// Sequences of a chunk of data.
pub(super) fn chunk_of<S: Real>(net: &Transformer<S>, data: &Tokens) -> usize {
    let [least, most] = COLUMNS;
    let shared = (data.len() * data.sequence_length()).div_ceil(CHUNKS).clamp(least, most);
    let columns = (MATRIX / net.shape.width).clamp(least, shared);
    (columns / data.sequence_length()).max(1)
}
