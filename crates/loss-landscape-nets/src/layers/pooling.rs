//! Pools: the maximum or the mean of windows, and the mean over the image.

use loss_landscape_kernels::{
    AddAtLargest, Epilogue, ImageMeans, PoolWindows, SpreadOverImage, SpreadOverWindows, TakeAtLargest,
    TensorShape, WindowMeans,
};

use super::{
    layer::{Layer, LayerContext},
    linear_map::LinearMap,
};
use crate::real::Real;

/// The maximum of windows; of equal values the first counts.
#[derive(Debug)]
pub(crate) struct MaxPool {
    pub(crate) inputs: [usize; 1],
    pub(crate) out: usize,
    pub(crate) windows: PoolWindows,
}

impl MaxPool {
    fn back<S: Real>(
        &self,
        delta: &[S],
        context: &LayerContext<'_, S>,
        epilogue: Epilogue<'_, S>,
        out: &mut [S],
    ) {
        if !epilogue.add {
            out.fill(S::zero());
        }
        AddAtLargest {
            out,
            x: context.value(self.inputs[0]),
            top: context.value(self.out),
            delta,
            windows: self.windows,
        }
        .run();
        epilogue.finish_gathered(out);
    }
}

impl<S: Real> Layer<S> for MaxPool {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn value(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        let x = context.value(self.inputs[0]);
        TakeAtLargest { out, x, from: x, windows: self.windows }.run();
    }

    fn delta(&self, _input: usize, context: &LayerContext<'_, S>, epilogue: Epilogue<'_, S>, out: &mut [S]) {
        self.back(context.delta(self.out), context, epilogue, out);
    }

    fn tangent(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        match context.tangent(self.inputs[0]) {
            Some(from) => {
                TakeAtLargest { out, x: context.value(self.inputs[0]), from, windows: self.windows }.run();
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
        self.back(context.tangent_delta(self.out), context, epilogue, out);
    }
}

/// The mean of windows.
#[derive(Debug)]
pub(crate) struct AveragePool {
    pub(crate) windows: PoolWindows,
}

impl LinearMap for AveragePool {
    fn apply<S: Real>(&self, x: &[S], out: &mut [S]) {
        WindowMeans { out, x, windows: self.windows }.run();
    }

    fn apply_transposed<S: Real>(&self, delta: &[S], epilogue: Epilogue<'_, S>, out: &mut [S]) {
        if !epilogue.add {
            out.fill(S::zero());
        }
        SpreadOverWindows { out, delta, windows: self.windows }.run();
        epilogue.finish_gathered(out);
    }
}

/// The mean over the image.
#[derive(Debug)]
pub(crate) struct GlobalMean {
    pub(crate) input: TensorShape,
}

impl LinearMap for GlobalMean {
    fn apply<S: Real>(&self, x: &[S], out: &mut [S]) {
        ImageMeans { out, x, input: self.input }.run();
    }

    fn apply_transposed<S: Real>(&self, delta: &[S], epilogue: Epilogue<'_, S>, out: &mut [S]) {
        SpreadOverImage { out, delta, input: self.input, epilogue }.run();
    }
}
