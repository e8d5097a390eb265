//! A network over a line or a plane: parameters folded once for each point, chunk after chunk of samples.

use super::{
    model::Network,
    pass::{Keep, State},
    strands::Strands,
};
use crate::{
    BoxError, Plane, Point, Prepared, Worker,
    nets::{NetScalar, Samples, layers::Weights},
};

/// One plane and one data set.
struct NetworkPlane<'a, S> {
    net: &'a Network<S>,
    plane: &'a Plane<'a, S>,
    data: &'a Samples<S>,
    strands: Strands,
}

/// One thread's scratch memory.
struct NetworkWorker<'a, S> {
    plane: &'a NetworkPlane<'a, S>,
    state: State<S>,
    theta: Vec<S>,
    weights: Weights<S>,
    /// The point whose parameters these are.
    point: Option<Point>,
}

pub(super) fn prepare<'a, S: NetScalar>(
    net: &'a Network<S>,
    plane: &'a Plane<'a, S>,
    data: &'a Samples<S>,
) -> Box<dyn Prepared + 'a> {
    let strands = net.strands(data.len(), net.sweep_chunk(), 0);
    Box::new(NetworkPlane { net, plane, data, strands })
}

impl<S: NetScalar> Prepared for NetworkPlane<'_, S> {
    fn worker(&self) -> Box<dyn Worker + '_> {
        let plan = self.net.plan();
        Box::new(NetworkWorker {
            plane: self,
            state: State::new(plan, self.strands.chunk.min(self.data.len()), Keep::Outputs),
            theta: vec![S::zero(); self.plane.len()],
            weights: Weights::new(plan, false),
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
        let NetworkPlane { net, plane, data, strands } = self.plane;
        let channels = out.len() / points.len().max(1);
        for (&point, out) in points.iter().zip(out.chunks_exact_mut(channels.max(1))) {
            if self.point != Some(point) {
                plane.theta_into(point, &mut self.theta);
                self.weights.set(net.plan(), &self.theta);
                self.point = Some(point);
            }
            let sums = net.share(&mut self.state, &self.weights, data, strands.range(chunk));
            for (out, sum) in out.iter_mut().zip([sums.loss, sums.hits]) {
                *out = sum;
            }
        }
        Ok(())
    }
}
