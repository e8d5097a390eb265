//! A transformer over a slice: threads with memory of their own.

use loss_landscape::{
    OracleError,
    oracle::{Point, Prepared, Slice, Worker},
};

use super::{evaluation::ForwardMemory, network::Transformer, pass::chunk_of};
use crate::{data::Tokens, error::Result, network::WorkSplit, real::Real};

struct TransformerPlane<'a, S> {
    net: &'a Transformer<S>,
    slice: &'a Slice<'a, S>,
    data: &'a Tokens,
    split: WorkSplit,
}

/// One thread.
struct TransformerWorker<'a, S> {
    plane: &'a TransformerPlane<'a, S>,
    theta: Vec<S>,
    /// The point whose parameters these are.
    point: Option<Point>,
    memory: ForwardMemory<S>,
}

/// The losses over a slice.
pub(crate) fn prepare<'a, S: Real>(
    net: &'a Transformer<S>,
    slice: &'a Slice<'a, S>,
    data: &'a Tokens,
) -> Result<Box<dyn Prepared + 'a>> {
    net.check_tokens(data)?;
    net.blocks.ensure_length("the plane", slice.len())?;
    let split = WorkSplit::new::<S>(data.len(), chunk_of(net, data), 0);
    Ok(Box::new(TransformerPlane { net, slice, data, split }))
}

impl<S: Real> Prepared for TransformerPlane<'_, S> {
    fn worker(&self) -> Result<Box<dyn Worker + '_>, OracleError> {
        Ok(Box::new(TransformerWorker {
            plane: self,
            theta: vec![S::zero(); self.slice.len()],
            point: None,
            memory: ForwardMemory::new(self.net, self.split.chunk, self.data.sequence_length()),
        }))
    }

    fn chunks(&self) -> usize {
        self.split.chunks()
    }

    fn divisor(&self) -> f64 {
        self.data.counted() as f64
    }

    fn worker_memory(&self) -> Option<u64> {
        Some(self.net.bytes_of_sweep(self.data))
    }
}

impl<S: Real> Worker for TransformerWorker<'_, S> {
    fn evaluate(&mut self, points: &[Point], chunk: usize, out: &mut [f64]) -> Result<(), OracleError> {
        let Self { plane, theta, point: held, memory } = self;
        let channels = out.len() / points.len().max(1);
        for (&point, out) in points.iter().zip(out.chunks_exact_mut(channels.max(1))) {
            if *held != Some(point) {
                plane.slice.theta_into(point.coordinates, theta);
                *held = Some(point);
            }
            let sums = memory.loss(plane.net, theta, plane.data, plane.split.range(chunk));
            for (out, sum) in out.iter_mut().zip([sums.loss, sums.hits]) {
                *out = sum;
            }
        }
        Ok(())
    }
}
