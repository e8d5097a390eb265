//! Activations that stand alone: ReLU where nothing precedes it to be fused with, and tanh.

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use super::layer::{Layer, LayerContext};
use crate::simd::{ChannelSums, Elementwise, Epilogue, Real, ScaledTensor, TensorShape, dispatch, run};

/// max(0, z).
#[derive(Debug)]
pub(crate) struct Rectify {
    pub(crate) inputs: [usize; 1],
    pub(crate) out: usize,
    pub(crate) shape: TensorShape,
}

fn pass<S: Real>(shape: TensorShape, x: &[S], epilogue: Epilogue<'_, S>, out: &mut [S]) {
    dispatch(ChannelSums { shape, terms: &[ScaledTensor { x, factors: None }], shifts: None, epilogue, out });
}

impl<S: Real> Layer<S> for Rectify {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn rectified(&self) -> bool {
        true
    }

    fn passes(&self, _input: usize) -> bool {
        true
    }

    fn value(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        pass(self.shape, context.value(self.inputs[0]), Epilogue { relu: true, ..Epilogue::default() }, out);
    }

    fn delta(&self, _input: usize, context: &LayerContext<'_, S>, epilogue: Epilogue<'_, S>, out: &mut [S]) {
        pass(self.shape, context.delta(self.out), epilogue, out);
    }

    fn tangent(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        let mask = Some(context.value(self.out));
        match context.tangent(self.inputs[0]) {
            Some(x) => pass(self.shape, x, Epilogue { mask, ..Epilogue::default() }, out),
            None => out.fill(S::zero()),
        }
    }

    fn tangent_delta(
        &self,
        _input: usize,
        context: &LayerContext<'_, S>,
        epilogue: Epilogue<'_, S>,
        out: &mut [S],
    ) {
        pass(self.shape, context.tangent_delta(self.out), epilogue, out);
    }
}

/// tanh z.
#[derive(Debug)]
pub(crate) struct Tanh {
    pub(crate) inputs: [usize; 1],
    pub(crate) out: usize,
}

struct TanhValues<'a, S> {
    out: &'a mut [S],
    x: &'a [S],
}

impl<S: Real> Elementwise for TanhValues<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, x } = self;
        for (out, &x) in out.iter_mut().zip(x) {
            *out = x.tanh_fast();
        }
    }
}

/// x · (1 − a²)
struct TimesTanhSlope<'a, S> {
    out: &'a mut [S],
    x: &'a [S],
    a: &'a [S],
    epilogue: Epilogue<'a, S>,
}

impl<S: Real> Elementwise for TimesTanhSlope<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, x, a, epilogue } = self;
        for (at, (&x, &a)) in x.iter().zip(a).enumerate() {
            epilogue.put(x * (S::one() - a * a), out, at);
        }
    }
}

/// Rδ · (1 − a²) − 2 · a · Ra · δ
struct TanhCurvature<'a, S> {
    out: &'a mut [S],
    tangent_delta: &'a [S],
    delta: &'a [S],
    a: &'a [S],
    tangent: &'a [S],
    epilogue: Epilogue<'a, S>,
}

impl<S: Real> Elementwise for TanhCurvature<'_, S> {
    #[inline(always)]
    fn apply(self) {
        let Self { out, tangent_delta, delta, a, tangent, epilogue } = self;
        for (at, (((&td, &d), &a), &ta)) in tangent_delta.iter().zip(delta).zip(a).zip(tangent).enumerate() {
            epilogue.put(td * (S::one() - a * a) - (a + a) * ta * d, out, at);
        }
    }
}

impl<S: Real> Layer<S> for Tanh {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn value(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        run(TanhValues { out, x: context.value(self.inputs[0]) });
    }

    fn delta(&self, _input: usize, context: &LayerContext<'_, S>, epilogue: Epilogue<'_, S>, out: &mut [S]) {
        run(TimesTanhSlope { out, x: context.delta(self.out), a: context.value(self.out), epilogue });
    }

    fn tangent(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        match context.tangent(self.inputs[0]) {
            Some(x) => {
                run(TimesTanhSlope { out, x, a: context.value(self.out), epilogue: Epilogue::default() });
            }
            None => out.fill(S::zero()),
        }
    }

    fn tangent_delta(
        &self,
        _input: usize,
        context: &LayerContext<'_, S>,
        epilogue: Epilogue<'_, S>,
        out: &mut [S],
    ) {
        let (own, input) = (self.out, context.tangents.get(self.out, context.groups));
        run(TanhCurvature {
            out,
            tangent_delta: context.tangent_delta(own),
            delta: context.delta(own),
            a: context.value(own),
            tangent: input,
            epilogue,
        });
    }
}
