//! A network over a line or a plane: parameters folded once for each point, chunk after chunk of samples.

use loss_landscape::{
    OracleError,
    oracle::Slice,
    oracle::{Point, Prepared, Worker},
};

use super::{
    chunk_state::{ChunkState, Keep},
    conv_network::Network,
    evaluation::chunk_loss,
    prepared_first_layer::{FoldedPoint, PreparedFirstLayer},
    reestimated::{Reestimated, StatisticsEstimate},
    work_split::WorkSplit,
};
use crate::{criterion::LossSums, data::Samples, error::Result, layers::Weights, real::Real};

/// One plane and one data set.
struct NetworkPlane<'a, S> {
    net: &'a Network<S>,
    plane: &'a Slice<'a, S>,
    data: &'a Samples<S>,
    split: WorkSplit,
    first: Option<PreparedFirstLayer<S>>,
    /// Where statistics are taken anew at every point.
    reestimated: Option<&'a Reestimated<'a, S>>,
}

/// One thread's scratch memory.
struct NetworkWorker<'a, S> {
    plane: &'a NetworkPlane<'a, S>,
    state: ChunkState<S>,
    theta: Vec<S>,
    weights: Weights<S>,
    /// What the first layer's products are multiplied with.
    factors: Vec<S>,
    estimate: Option<StatisticsEstimate<S>>,
    /// The point whose parameters these are.
    point: Option<Point>,
}

pub(crate) fn prepare<'a, S: Real>(
    net: &'a Network<S>,
    plane: &'a Slice<'a, S>,
    data: &'a Samples<S>,
    reestimated: Option<&'a Reestimated<'a, S>>,
) -> Result<Box<dyn Prepared + 'a>> {
    let split = WorkSplit::new::<S>(data.len(), net.sweep_chunk(), 0);
    let first = PreparedFirstLayer::new(net, plane, data, &split)?;
    Ok(Box::new(NetworkPlane { net, plane, data, split, first, reestimated }))
}

impl<S: Real> Prepared for NetworkPlane<'_, S> {
    fn worker(&self) -> Result<Box<dyn Worker + '_>, OracleError> {
        let plan = &self.net.plan;
        Ok(Box::new(NetworkWorker {
            plane: self,
            state: ChunkState::new(plan, self.split.chunk.min(self.data.len()), Keep::Outputs),
            theta: vec![S::zero(); self.plane.len()],
            weights: plan.weights(false),
            factors: Vec::new(),
            estimate: self.reestimated.map(StatisticsEstimate::new),
            point: None,
        }))
    }

    fn chunks(&self) -> usize {
        // Whoever takes a chunk would have to take the statistics of all data first.
        if self.reestimated.is_some() { 1 } else { self.split.chunks() }
    }

    fn divisor(&self) -> f64 {
        self.data.len() as f64
    }

    fn worker_memory(&self) -> Option<u64> {
        // What an estimate of statistics takes is not counted anywhere.
        self.reestimated.is_none().then(|| self.net.bytes_of_sweep())
    }
}

impl<S: Real> NetworkWorker<'_, S> {
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
        net.plan.load(&self.theta, &mut self.weights);
        self.point = Some(point);
    }

    /// Loss and hits of a chunk at a point, summed.
    fn chunk_loss(&mut self, point: Point, chunk: usize) -> LossSums {
        let NetworkPlane { net, plane, data, split, first, .. } = self.plane;
        let range = split.range(chunk);
        let Some(first) = first else { return chunk_loss(net, &mut self.state, &self.weights, data, range) };
        let at = FoldedPoint { plane, point, theta: &self.theta, plain: &self.weights.plain };
        self.state.forward_from(&net.plan, &self.weights, range.len(), |out| {
            first.combine(net, chunk, &at, &mut self.factors, out);
        });
        self.state.finish(&net.plan, data.slice(range).1)
    }
}

impl<S: Real> Worker for NetworkWorker<'_, S> {
    fn evaluate(&mut self, points: &[Point], chunk: usize, out: &mut [f64]) -> Result<(), OracleError> {
        let channels = (out.len() / points.len().max(1)).max(1);
        let chunks = match self.plane.reestimated {
            Some(_) => 0..self.plane.split.chunks(),
            None => chunk..chunk + 1,
        };
        for (&point, out) in points.iter().zip(out.chunks_exact_mut(channels)) {
            self.at(point);
            out.fill(0.0);
            for chunk in chunks.clone() {
                let sums = self.chunk_loss(point, chunk);
                for (out, sum) in out.iter_mut().zip([sums.loss, sums.hits]) {
                    *out += sum;
                }
            }
        }
        Ok(())
    }
}
