//! Softmax attention of several heads, and its derivatives.
//!
//! Queries, keys and values are [3·width, columns], a sequence being consecutive columns. For each sequence and head the
//! weights P are [keys, queries]: the softmax of Kᵀ·Q/√size over keys, and the output is V·P.

use loss_landscape_kernels::{
    LargestOutputs, Matrix, Softmax, SoftmaxBend, SoftmaxTangent, Store, product, strided_product,
};

use super::pass::Dims;
use crate::real::Real;

/// Scratch memory for one head of one sequence.
#[derive(Debug)]
pub(super) struct HeadScratch<S> {
    /// [keys, queries], twice.
    weights: [Vec<S>; 2],
    /// Three values a query.
    sums: Vec<S>,
}

/// Which rows of queries, keys and values.
#[derive(Clone, Copy)]
enum Part {
    Query,
    Key,
    Value,
}

/// One head of one sequence.
#[derive(Clone, Copy)]
struct Head {
    dims: Dims,
    sequence: usize,
    number: usize,
}

impl<S: Real> HeadScratch<S> {
    pub(super) fn new(length: usize) -> Self {
        Self {
            weights: [(); 2].map(|()| vec![S::zero(); length * length]),
            sums: vec![S::zero(); 3 * length],
        }
    }

    /// The values of one.
    pub(super) fn len(length: usize) -> usize {
        length.saturating_mul(length).saturating_mul(2).saturating_add(3 * length)
    }
}

impl Head {
    fn all(dims: Dims) -> impl Iterator<Item = Self> {
        (0..dims.sequences)
            .flat_map(move |sequence| (0..dims.heads).map(move |number| Self { dims, sequence, number }))
    }

    /// Where its rows begin in a matrix of outputs, [width, columns].
    fn start(self) -> usize {
        self.number * self.dims.head_size() * self.dims.columns + self.sequence * self.dims.length
    }

    fn part_start(self, part: Part) -> usize {
        let before = match part {
            Part::Query => 0,
            Part::Key => 1,
            Part::Value => 2,
        };
        before * self.dims.width * self.dims.columns + self.start()
    }

    /// Its columns of a matrix that begins at `start`: [size, length].
    fn matrix<S>(self, x: &[S], start: usize) -> Matrix<'_, S> {
        Matrix::strided(&x[start..], self.dims.head_size(), self.dims.length, self.dims.columns)
    }

    fn part<S>(self, qkv: &[S], part: Part) -> Matrix<'_, S> {
        self.matrix(qkv, self.part_start(part))
    }

    fn outputs<S>(self, o: &[S]) -> Matrix<'_, S> {
        self.matrix(o, self.start())
    }

    /// Its weights among all.
    fn weights(self) -> std::ops::Range<usize> {
        let size = self.dims.length * self.dims.length;
        let index = self.sequence * self.dims.heads + self.number;
        index * size..(index + 1) * size
    }

    /// A matrix of weights.
    fn square<S>(self, p: &[S]) -> Matrix<'_, S> {
        Matrix::new(p, self.dims.length, self.dims.length)
    }

    /// Writes or adds to its columns of a matrix that begins at `start`.
    fn store<S: Real>(self, into: Store, a: Matrix<'_, S>, b: Matrix<'_, S>, out: &mut [S], start: usize) {
        strided_product(into, a, b, &mut out[start..], self.dims.columns);
    }

    /// Sets what a query does not see.
    fn mask<S: Real>(self, p: &mut [S], value: S) {
        if self.dims.causal {
            for (key, row) in p.chunks_exact_mut(self.dims.length).enumerate() {
                row[..key].fill(value);
            }
        }
    }
}

/// Weights and outputs.
pub(super) fn forward<S: Real>(
    dims: Dims,
    qkv: &[S],
    p: &mut [S],
    o: &mut [S],
    scratch: &mut HeadScratch<S>,
) {
    let scale = dims.attention_scale::<S>();
    for head in Head::all(dims) {
        let p = &mut p[head.weights()];
        product(Store::Replace, head.part(qkv, Part::Key).t(), head.part(qkv, Part::Query), p);
        for value in p.iter_mut() {
            *value *= scale;
        }
        head.mask(p, S::neg_infinity());
        let (largest, rest) = scratch.sums.split_at_mut(dims.length);
        let totals = &mut rest[..dims.length];
        LargestOutputs { outputs: p, largest, first: totals }.run();
        Softmax { outputs: p, largest, totals }.run();
        head.mask(p, S::zero());
        head.store(Store::Replace, head.part(qkv, Part::Value), head.square(p), o, head.start());
    }
    dims.clear_dead(o);
}

/// δ of queries, keys and values, and δ of the weights, from δ of the outputs.
pub(super) fn back<S: Real>(
    dims: Dims,
    [qkv, p]: [&[S]; 2],
    delta_o: &[S],
    delta_p: &mut [S],
    delta_qkv: &mut [S],
    scratch: &mut HeadScratch<S>,
) {
    for head in Head::all(dims) {
        let p = &p[head.weights()];
        let by_weights = &mut delta_p[head.weights()];
        let delta = head.outputs(delta_o);
        product(Store::Replace, head.part(qkv, Part::Value).t(), delta, by_weights);
        head.store(Store::Replace, delta, head.square(p).t(), delta_qkv, head.part_start(Part::Value));
        let by_scores = &mut scratch.weights[0];
        by_scores.copy_from_slice(by_weights);
        let (mean, scale) = (&mut scratch.sums[..dims.length], dims.attention_scale());
        SoftmaxTangent { outputs: p, tangent: by_scores, mean, scale }.run();
        let by_scores = head.square(by_scores);
        let (query, key) = (head.part(qkv, Part::Query), head.part(qkv, Part::Key));
        head.store(Store::Replace, key, by_scores, delta_qkv, head.part_start(Part::Query));
        head.store(Store::Replace, query, by_scores.t(), delta_qkv, head.part_start(Part::Key));
    }
    dims.clear_dead(delta_qkv);
}

/// R of weights and outputs.
pub(super) fn tangent<S: Real>(
    dims: Dims,
    [qkv, p]: [&[S]; 2],
    tangent_qkv: &[S],
    tangent_p: &mut [S],
    tangent_o: &mut [S],
    scratch: &mut HeadScratch<S>,
) {
    for head in Head::all(dims) {
        let (p, along) = (&p[head.weights()], &mut tangent_p[head.weights()]);
        let parts = |part: Part| [head.part(qkv, part), head.part(tangent_qkv, part)];
        let ([query, query_r], [key, key_r]) = (parts(Part::Query), parts(Part::Key));
        product(Store::Replace, key_r.t(), query, along);
        product(Store::Add, key.t(), query_r, along);
        let (mean, scale) = (&mut scratch.sums[..dims.length], dims.attention_scale());
        SoftmaxTangent { outputs: p, tangent: along, mean, scale }.run();
        let [value, value_r] = parts(Part::Value);
        head.store(Store::Replace, value_r, head.square(p), tangent_o, head.start());
        head.store(Store::Add, value, head.square(along), tangent_o, head.start());
    }
    dims.clear_dead(tangent_o);
}

/// What R of δ is made of.
pub(super) struct AttentionTangents<'a, S> {
    pub(super) qkv: &'a [S],
    pub(super) p: &'a [S],
    pub(super) tangent_qkv: &'a [S],
    pub(super) tangent_p: &'a [S],
    pub(super) delta_o: &'a [S],
    pub(super) delta_p: &'a [S],
    pub(super) tangent_delta_o: &'a [S],
}

/// R of δ of queries, keys and values.
pub(super) fn tangent_back<S: Real>(
    dims: Dims,
    of: &AttentionTangents<'_, S>,
    out: &mut [S],
    scratch: &mut HeadScratch<S>,
) {
    let scale = dims.attention_scale();
    let HeadScratch { weights: [by_scores, along], sums } = scratch;
    for head in Head::all(dims) {
        let weights = head.weights();
        let (p, tangent_p) = (&of.p[weights.clone()], &of.tangent_p[weights.clone()]);
        let delta_p = &of.delta_p[weights];
        let parts = |part: Part| [head.part(of.qkv, part), head.part(of.tangent_qkv, part)];
        let [value, value_r] = parts(Part::Value);
        let (delta, delta_r) = (head.outputs(of.delta_o), head.outputs(of.tangent_delta_o));
        // R of δ of the weights, and with it of the scores.
        product(Store::Replace, value_r.t(), delta, along);
        product(Store::Add, value.t(), delta_r, along);
        SoftmaxTangent { outputs: p, tangent: along, mean: &mut sums[..dims.length], scale }.run();
        let means = &mut sums[..2 * dims.length];
        SoftmaxBend { out: along, outputs: p, tangent: tangent_p, delta: delta_p, means, scale }.run();
        by_scores.copy_from_slice(delta_p);
        SoftmaxTangent { outputs: p, tangent: by_scores, mean: &mut sums[..dims.length], scale }.run();
        let start = head.part_start(Part::Value);
        head.store(Store::Replace, delta_r, head.square(p).t(), out, start);
        head.store(Store::Add, delta, head.square(tangent_p).t(), out, start);
        let (scores, scores_r) = (head.square(by_scores), head.square(along));
        let ([query, query_r], [key, key_r]) = (parts(Part::Query), parts(Part::Key));
        let start = head.part_start(Part::Query);
        head.store(Store::Replace, key_r, scores, out, start);
        head.store(Store::Add, key, scores_r, out, start);
        let start = head.part_start(Part::Key);
        head.store(Store::Replace, query_r, scores.t(), out, start);
        head.store(Store::Add, query, scores_r.t(), out, start);
    }
    dims.clear_dead(out);
}
