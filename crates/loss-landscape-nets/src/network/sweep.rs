//! A network over a line or a plane: parameters folded once for each point, chunk after chunk of samples.

use super::{
    first::{At, First},
    model::Network,
    pass::{Keep, State},
    reestimated::{Estimate, Reestimated},
    strands::Strands,
};
use crate::{NetScalar, Result, Samples, Sums, layers::Weights};
use loss_landscape::{
    OracleError,
    oracle::{Point, Prepared, Slice, Worker},
};

/// One plane and one data set.
struct NetworkPlane<'a, S> {
    net: &'a Network<S>,
    plane: &'a Slice<'a, S>,
    data: &'a Samples<S>,
    strands: Strands,
    first: Option<First<S>>,
    /// Where statistics are taken anew at every point.
    reestimated: Option<&'a Reestimated<'a, S>>,
}

/// One thread's scratch memory.
struct NetworkWorker<'a, S> {
    plane: &'a NetworkPlane<'a, S>,
    state: State<S>,
    theta: Vec<S>,
    weights: Weights<S>,
    /// What the first layer's products are multiplied with.
    factors: Vec<S>,
    estimate: Option<Estimate<S>>,
    /// The point whose parameters these are.
    point: Option<Point>,
}

pub(super) fn prepare<'a, S: NetScalar>(
    net: &'a Network<S>,
    plane: &'a Slice<'a, S>,
    data: &'a Samples<S>,
    reestimated: Option<&'a Reestimated<'a, S>>,
) -> Result<Box<dyn Prepared + 'a>> {
    let strands = Strands::new::<S>(data.len(), net.sweep_chunk(), 0);
    let first = First::new(net, plane, data, &strands)?;
    Ok(Box::new(NetworkPlane { net, plane, data, strands, first, reestimated }))
}

impl<S: NetScalar> Prepared for NetworkPlane<'_, S> {
    fn worker(&self) -> Result<Box<dyn Worker + '_>, OracleError> {
        let plan = self.net.plan();
        Ok(Box::new(NetworkWorker {
            plane: self,
            state: State::new(plan, self.strands.chunk.min(self.data.len()), Keep::Outputs),
            theta: vec![S::zero(); self.plane.len()],
            weights: Weights::new(plan, false),
            factors: Vec::new(),
            estimate: self.reestimated.map(Estimate::new),
            point: None,
        }))
    }

    fn chunks(&self) -> usize {
        // Whoever takes a chunk would have to take the statistics of all data first.
        if self.reestimated.is_some() { 1 } else { self.strands.chunks() }
    }

    fn divisor(&self) -> f64 {
        self.data.len() as f64
    }

    fn worker_memory(&self) -> Option<u64> {
        // What an estimate of statistics takes is not counted anywhere.
        self.reestimated.is_none().then(|| self.net.sweep_memory() as u64)
    }
}

impl<S: NetScalar> NetworkWorker<'_, S> {
    /// Moves to a point.
    fn at(&mut self, point: Point) {
        let NetworkPlane { net, plane, reestimated, .. } = self.plane;
        if self.point == Some(point) {
            return;
        }
        plane.theta_into(point.coordinates, &mut self.theta);
        if let (Some(reestimated), Some(estimate)) = (reestimated, &mut self.estimate) {
            estimate.write(reestimated, &mut self.theta);
        }
        self.weights.set(net.plan(), &self.theta);
        self.point = Some(point);
    }

    /// Loss and hits of a chunk at a point, summed.
    fn share(&mut self, point: Point, chunk: usize) -> Sums {
        let NetworkPlane { net, plane, data, strands, first, .. } = self.plane;
        let range = strands.range(chunk);
        let Some(first) = first else { return net.share(&mut self.state, &self.weights, data, range) };
        let coefficients = plane.coefficients(point.coordinates);
        let at = At { coefficients, theta: &self.theta, plain: &self.weights.plain };
        self.state.forward_from(net.plan(), &self.weights, range.len(), |out| {
            first.combine(net, chunk, &at, &mut self.factors, out);
        });
        self.state.finish(net.architecture().outputs(), data.slice(range).1)
    }
}

impl<S: NetScalar> Worker for NetworkWorker<'_, S> {
    fn evaluate(&mut self, points: &[Point], chunk: usize, out: &mut [f64]) -> Result<(), OracleError> {
        let channels = (out.len() / points.len().max(1)).max(1);
        let chunks = match self.plane.reestimated {
            Some(_) => 0..self.plane.strands.chunks(),
            None => chunk..chunk + 1,
        };
        for (&point, out) in points.iter().zip(out.chunks_exact_mut(channels)) {
            self.at(point);
            out.fill(0.0);
            for chunk in chunks.clone() {
                let sums = self.share(point, chunk);
                for (out, sum) in out.iter_mut().zip([sums.loss, sums.hits]) {
                    *out += sum;
                }
            }
        }
        Ok(())
    }
}
