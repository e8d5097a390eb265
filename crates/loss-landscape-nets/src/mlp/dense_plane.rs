//! A plane prepared for a multilayer perceptron: the first layer's products, computed once.

use std::sync::atomic::{AtomicBool, Ordering};

use loss_landscape::{
    OracleError,
    oracle::Slice,
    oracle::{Point, Prepared, Worker},
};
use loss_landscape_kernels::{AddBiasAndActivate, CombineBasis, Matrix, Store, product};
use rayon::prelude::*;

use super::{
    dense_pass::{CHUNK, DensePass},
    perceptron::Mlp,
};
use crate::{criterion::LossSums, data::Samples, error::Result, memory::ensure_room, real::Real};

/// The first layer's outputs for each vector of the basis, or nothing if they take too much
/// memory or overflow; shared by all threads.
struct MlpPlane<'a, S> {
    net: &'a Mlp<S>,
    plane: &'a Slice<'a, S>,
    data: &'a Samples<S>,
    /// By tile of samples, then by vector of the basis: [units, samples of the tile].
    products: Option<Vec<S>>,
    tile: usize,
}

/// One thread's scratch memory.
struct MlpWorker<'a, S> {
    plane: &'a MlpPlane<'a, S>,
    pass: DensePass<S>,
    /// The points of the call before, whose parameters `thetas` holds.
    points: Vec<Point>,
    /// For each point of a call its parameters: those after the first layer, or all.
    thetas: Vec<S>,
    /// For each point of a call its coefficients in the basis.
    coefficients: Vec<S>,
}

/// Bytes of the second-level cache that a tile's products and activations may fill.
const CACHE: usize = 512 << 10;
/// Bytes of parameters that a worker keeps, at most, for the points of one call.
const THETAS: usize = 1 << 20;

pub(crate) fn prepare<'a, S: Real>(
    net: &'a Mlp<S>,
    plane: &'a Slice<'a, S>,
    data: &'a Samples<S>,
) -> Result<Box<dyn Prepared + 'a>> {
    let vectors = plane.basis().len();
    let units = net.layers[0].outputs;
    let tile = (CACHE / (size_of::<S>() * units * (vectors + 1)) / 16 * 16).clamp(16, CHUNK);
    // A chunk is a whole number of tiles.
    let tile = CHUNK / CHUNK.div_ceil(tile).next_power_of_two();
    let size = [vectors, data.len(), units].iter().try_fold(1_usize, |a, &b| a.checked_mul(b));
    let size =
        size.filter(|&n| n.checked_mul(size_of::<S>()).is_some_and(|bytes| bytes as u64 <= net.plane_memory));
    let products = match size {
        Some(size) => first_layer(net, plane, data, tile, size)?,
        None => None,
    };
    Ok(Box::new(MlpPlane { net, plane, data, products, tile }))
}

/// W·x + b of the first layer for every vector of the basis; tiles in parallel. Nothing if one of
/// them overflows: its combination with coefficient 0 would be NaN where the loss is not.
fn first_layer<S: Real>(
    net: &Mlp<S>,
    plane: &Slice<'_, S>,
    data: &Samples<S>,
    tile: usize,
    size: usize,
) -> Result<Option<Vec<S>>> {
    // Whether there is memory; the zeros then come untouched from the system, and their pages are
    // first written by the threads that fill them.
    ensure_room::<S>("the first layer's products", size)?;
    let mut products = vec![S::zero(); size];
    let layer = &net.layers[0];
    let vectors = plane.basis().len();
    let overflow = AtomicBool::new(false);
    products.par_chunks_mut(tile * vectors * layer.outputs).enumerate().for_each(|(index, products)| {
        let samples = products.len() / (vectors * layer.outputs);
        let inputs = data.slice(index * tile..index * tile + samples).0;
        for (vector, out) in plane.basis().iter().zip(products.chunks_exact_mut(samples * layer.outputs)) {
            let weight = Matrix::new(&vector[layer.weight.clone()], layer.outputs, layer.inputs);
            product(Store::Replace, weight, Matrix::new(inputs, samples, layer.inputs).t(), out);
            AddBiasAndActivate { z: out, bias: &vector[layer.bias.clone()], activation: None }.run();
            if !out.iter().all(|value| value.is_finite()) {
                overflow.store(true, Ordering::Relaxed);
            }
        }
    });
    Ok((!overflow.into_inner()).then_some(products))
}

impl<S: Real> MlpPlane<'_, S> {
    /// The parameters that a point must be given for: those after the first layer, or all.
    fn part(&self) -> std::ops::Range<usize> {
        let first = if self.products.is_some() { self.net.layers[0].bias.end } else { 0 };
        first..self.plane.len()
    }
}

impl<S: Real> Prepared for MlpPlane<'_, S> {
    fn worker(&self) -> Result<Box<dyn Worker + '_>, OracleError> {
        Ok(Box::new(MlpWorker {
            plane: self,
            pass: DensePass::new(self.net, self.data.len()),
            points: Vec::with_capacity(self.batch()),
            thetas: vec![S::zero(); self.batch() * self.part().len()],
            coefficients: Vec::with_capacity(self.batch() * self.plane.basis().len()),
        }))
    }

    fn chunks(&self) -> usize {
        self.data.len().div_ceil(CHUNK)
    }

    fn divisor(&self) -> f64 {
        self.data.len() as f64
    }

    fn batch(&self) -> usize {
        (THETAS / (size_of::<S>() * self.part().len().max(1))).clamp(1, 16)
    }
}

impl<S: Real> Worker for MlpWorker<'_, S> {
    fn evaluate(&mut self, points: &[Point], chunk: usize, out: &mut [f64]) -> Result<(), OracleError> {
        let MlpPlane { net, plane, data, products, tile } = self.plane;
        let part = self.plane.part();
        if self.points != points {
            self.points.clear();
            self.points.extend_from_slice(points);
            self.thetas.resize(points.len() * part.len(), S::zero());
            for (&point, theta) in points.iter().zip(self.thetas.chunks_exact_mut(part.len().max(1))) {
                plane.part_into(point.coordinates, part.clone(), theta);
            }
            self.coefficients.clear();
            for &point in points {
                self.coefficients.extend(plane.coefficients(point.coordinates).map(S::from_f64));
            }
        }
        out.fill(0.0);
        let channels = out.len() / points.len().max(1);
        let range = self.pass.chunk(chunk);
        let mut add = |k: usize, sums: LossSums| {
            for (out, value) in out[k * channels..(k + 1) * channels].iter_mut().zip([sums.loss, sums.hits]) {
                *out += value;
            }
        };
        let theta = |k: usize| &self.thetas[k * part.len()..(k + 1) * part.len()];
        if let Some(products) = products {
            let units = net.layers[0].outputs;
            let vectors = plane.basis().len();
            let activation = (net.layers.len() > 1).then_some(net.activation.kernel());
            for start in range.clone().step_by(*tile) {
                let samples = (range.end - start).min(*tile);
                let basis = &products[start * vectors * units..][..samples * vectors * units];
                let wanted = data.slice(start..start + samples).1;
                for (k, c) in self.coefficients.chunks_exact(vectors).enumerate() {
                    let first = &mut self.pass.first_layer()[..samples * units];
                    CombineBasis { out: first, basis, c, activation }.run();
                    self.pass.forward_rest(net, theta(k), samples);
                    add(k, self.pass.finish(wanted, samples));
                }
            }
        } else {
            for k in 0..points.len() {
                add(k, self.pass.loss(net, theta(k), data, chunk));
            }
        }
        Ok(())
    }
}
