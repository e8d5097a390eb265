//! A network over a line or a plane: parameters folded once for each point, chunk after chunk of samples.

use super::{
    first::{At, First},
    model::Network,
    pass::{Keep, State},
    strands::Strands,
};
use crate::{
    BoxError, Plane, Point, Prepared, Result, Worker,
    nets::{NetScalar, Samples, layers::Weights},
};

/// One plane and one data set.
struct NetworkPlane<'a, S> {
    net: &'a Network<S>,
    plane: &'a Plane<'a, S>,
    data: &'a Samples<S>,
    strands: Strands,
    first: Option<First<S>>,
}

/// One thread's scratch memory.
struct NetworkWorker<'a, S> {
    plane: &'a NetworkPlane<'a, S>,
    state: State<S>,
    theta: Vec<S>,
    weights: Weights<S>,
    /// What the first layer's products are multiplied with.
    factors: Vec<S>,
    /// The point whose parameters these are.
    point: Option<Point>,
}

pub(super) fn prepare<'a, S: NetScalar>(
    net: &'a Network<S>,
    plane: &'a Plane<'a, S>,
    data: &'a Samples<S>,
) -> Result<Box<dyn Prepared + 'a>> {
    let strands = Strands::new::<S>(data.len(), net.sweep_chunk(), 0);
    let first = First::new(net, plane, data, &strands)?;
    Ok(Box::new(NetworkPlane { net, plane, data, strands, first }))
}

impl<S: NetScalar> Prepared for NetworkPlane<'_, S> {
    fn worker(&self) -> Box<dyn Worker + '_> {
        let plan = self.net.plan();
        Box::new(NetworkWorker {
            plane: self,
            state: State::new(plan, self.strands.chunk.min(self.data.len()), Keep::Outputs),
            theta: vec![S::zero(); self.plane.len()],
            weights: Weights::new(plan, false),
            factors: Vec::new(),
            point: None,
        })
    }

    fn chunks(&self) -> usize {
        self.strands.chunks()
    }

    fn divisor(&self) -> f64 {
        self.data.len() as f64
    }
}

impl<S: NetScalar> Worker for NetworkWorker<'_, S> {
    fn evaluate(&mut self, points: &[Point], chunk: usize, out: &mut [f64]) -> Result<(), BoxError> {
        let NetworkPlane { net, plane, data, strands, first } = self.plane;
        let outputs = net.architecture().outputs();
        let channels = out.len() / points.len().max(1);
        for (&point, out) in points.iter().zip(out.chunks_exact_mut(channels.max(1))) {
            if self.point != Some(point) {
                plane.theta_into(point, &mut self.theta);
                self.weights.set(net.plan(), &self.theta);
                self.point = Some(point);
            }
            let range = strands.range(chunk);
            let sums = if let Some(first) = first {
                let wanted = data.slice(range.clone()).1;
                let coefficients = plane.coefficients(point);
                let at = At { coefficients, theta: &self.theta, plain: &self.weights.plain };
                self.state.forward_from(net.plan(), &self.weights, range.len(), |out| {
                    first.combine(net, chunk, &at, &mut self.factors, out);
                });
                self.state.finish(outputs, wanted)
            } else {
                net.share(&mut self.state, &self.weights, data, range)
            };
            for (out, sum) in out.iter_mut().zip([sums.loss, sums.hits]) {
                *out = sum;
            }
        }
        Ok(())
    }
}
