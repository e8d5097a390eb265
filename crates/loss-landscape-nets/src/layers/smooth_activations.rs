//! Activations without kinks that are derived from what goes in: GELU.

use loss_landscape_kernels::{Epilogue, Smooth, SmoothCurvature, SmoothValues, TimesSmoothSlope};

use super::layer::{Layer, LayerContext};
use crate::real::Real;

/// f(z), value by value.
#[derive(Debug)]
pub(crate) struct SmoothActivation {
    pub(crate) inputs: [usize; 1],
    pub(crate) out: usize,
    pub(crate) function: Smooth,
}

impl<S: Real> Layer<S> for SmoothActivation {
    fn inputs(&self) -> &[usize] {
        &self.inputs
    }

    fn value(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        SmoothValues { out, z: context.value(self.inputs[0]), function: self.function }.run();
    }

    fn delta(&self, _input: usize, context: &LayerContext<'_, S>, epilogue: Epilogue<'_, S>, out: &mut [S]) {
        let (x, z) = (context.delta(self.out), context.value(self.inputs[0]));
        TimesSmoothSlope { out, x, z, function: self.function, epilogue }.run();
    }

    fn tangent(&self, context: &LayerContext<'_, S>, out: &mut [S]) {
        let Some(x) = context.tangent(self.inputs[0]) else { return out.fill(S::zero()) };
        let (z, epilogue) = (context.value(self.inputs[0]), Epilogue::default());
        TimesSmoothSlope { out, x, z, function: self.function, epilogue }.run();
    }

    fn tangent_delta(
        &self,
        _input: usize,
        context: &LayerContext<'_, S>,
        epilogue: Epilogue<'_, S>,
        out: &mut [S],
    ) {
        SmoothCurvature {
            out,
            tangent_delta: context.tangent_delta(self.out),
            delta: context.delta(self.out),
            z: context.value(self.inputs[0]),
            tangent: context.tangents.get(self.inputs[0], context.groups),
            function: self.function,
            epilogue,
        }
        .run();
    }
}
