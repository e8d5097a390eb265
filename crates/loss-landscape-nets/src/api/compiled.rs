//! All work that is generic over the scalar, compiled here for the scalars that there are.
//!
//! Generic code is compiled where it is used: in the crate of the user, at the user's level of optimisation, and
//! once more in every test program. So what users call is a thin method that goes through a table of pointers to
//! functions, and this crate fills that table for `f32` and for `f64`.

#![allow(clippy::type_complexity, reason = "a list of the functions' types, each of which is used once")]

use std::path::Path;

use loss_landscape::{
    OracleError,
    oracle::Slice,
    oracle::{GaussNewtonWorker, Prepared, SampleWorker},
};
use ndarray::{Array2, Array4};

use crate::{
    activation::Activation,
    criterion::Criterion,
    data::{self, Augment, Idx, Samples, Tokens},
    error::Result,
    fingerprint::Fingerprint,
    mlp::{self, Mlp, MlpHessian},
    network::{self, Architecture, Network, NetworkHessian, Reestimated},
    real::Real,
    train::{self, Learner, Settings, TrainingObserver, TrainingReport, TrainingStart, UpdateRule},
    transformer::{self, Gpt, Transformer, TransformerHessian},
};

/// The functions of the crate for one scalar.
#[allow(missing_debug_implementations, reason = "pointers to functions")]
pub struct Compiled<S> {
    pub(super) data: DataFunctions<S>,
    pub(super) mlp: MlpFunctions<S>,
    pub(super) network: NetworkFunctions<S>,
    pub(super) reestimated: ReestimatedFunctions<S>,
    pub(super) transformer: TransformerFunctions<S>,
    pub(super) train: TrainFunction<S>,
}

pub(super) struct DataFunctions<S> {
    pub(super) labelled: fn(Array2<S>, Vec<u32>) -> Result<Samples<S>>,
    pub(super) regression: fn(Array2<S>, Array2<S>) -> Result<Samples<S>>,
    pub(super) rows: fn(Array4<S>) -> Result<(Array2<S>, [usize; 3])>,
    pub(super) select: fn(&Samples<S>, &[usize]) -> Result<Samples<S>>,
    pub(super) normalized: fn(Samples<S>, &[f64], &[f64]) -> Result<Samples<S>>,
    pub(super) augmented: fn(&Augment, &Samples<S>, u64) -> Result<Samples<S>>,
    pub(super) labelled_images: fn(&Idx<'_>, &Idx<'_>, f64) -> Result<Samples<S>>,
    pub(super) cifar10_images: fn(&[u8]) -> Result<Samples<S>>,
    pub(super) cifar10_files: fn(&[&Path]) -> Result<Samples<S>>,
}

/// What a network of kind `N` answers.
pub(super) struct ModelFunctions<S, N> {
    pub(super) outputs: fn(&N, &[S], &Samples<S>) -> Result<Array2<S>>,
    pub(super) measure: fn(&N, &[S], &Samples<S>, &mut [f64]) -> Result<(), OracleError>,
    pub(super) gradient: fn(&N, &[S], &Samples<S>, &mut [S]) -> Result<f64, OracleError>,
    /// For many products at one θ, with the Hessian and its parts.
    pub(super) hessian: for<'a> fn(&'a N, &'a Samples<S>) -> Box<dyn GaussNewtonWorker<S> + 'a>,
    /// For losses over a line or a plane.
    pub(super) prepare: for<'a> fn(&'a N, &'a Slice<'a, S>, &'a Samples<S>) -> Result<Box<dyn Prepared + 'a>>,
    /// The channels of single samples.
    pub(super) sample_losses: fn(&N, &[S], &Samples<S>, &[usize], &mut [f64]) -> Result<()>,
    pub(super) sample_worker:
        for<'a> fn(&'a N, &'a Slice<'a, S>, &'a Samples<S>) -> Result<Box<dyn SampleWorker + 'a>>,
    pub(super) fingerprint: fn(&N, &Samples<S>) -> u64,
    pub(super) learner: for<'a> fn(&'a N, usize) -> Result<Box<dyn Learner<S> + 'a>>,
}

pub(super) struct MlpFunctions<S> {
    pub(super) random: fn(&[usize], Activation, Criterion, u64) -> Result<Mlp<S>>,
    pub(super) model: ModelFunctions<S, Mlp<S>>,
}

pub(super) struct NetworkFunctions<S> {
    pub(super) random: fn(&Architecture, Criterion, u64) -> Result<Network<S>>,
    pub(super) copy: fn(&Network<S>) -> Network<S>,
    pub(super) model: ModelFunctions<S, Network<S>>,
    /// For a single product: keeps nothing of what depends on θ alone.
    pub(super) hessian_once: for<'a> fn(&'a Network<S>, &'a Samples<S>) -> Box<dyn GaussNewtonWorker<S> + 'a>,
    pub(super) bytes_of_sweep: fn(&Network<S>) -> u64,
}

pub(super) struct ReestimatedFunctions<S> {
    pub(super) new: for<'a> fn(&'a Network<S>, &'a Samples<S>, usize) -> Result<Reestimated<'a, S>>,
    pub(super) with_statistics: fn(&Reestimated<'_, S>, &[S]) -> Result<Vec<S>>,
    pub(super) prepare: for<'a> fn(
        &'a Reestimated<'a, S>,
        &'a Slice<'a, S>,
        &'a Samples<S>,
    ) -> Result<Box<dyn Prepared + 'a>>,
    pub(super) fingerprint: fn(&Reestimated<'_, S>, &Samples<S>) -> u64,
}

pub(super) struct TransformerFunctions<S> {
    pub(super) random: fn(&Gpt, u64) -> Result<Transformer<S>>,
    pub(super) measure: fn(&Transformer<S>, &[S], &Tokens, &mut [f64]) -> Result<(), OracleError>,
    pub(super) gradient: fn(&Transformer<S>, &[S], &Tokens, &mut [S]) -> Result<f64, OracleError>,
    /// With so many bytes for what depends on θ alone.
    pub(super) hessian: for<'a> fn(&'a Transformer<S>, &'a Tokens, u64) -> Box<dyn GaussNewtonWorker<S> + 'a>,
    pub(super) prepare:
        for<'a> fn(&'a Transformer<S>, &'a Slice<'a, S>, &'a Tokens) -> Result<Box<dyn Prepared + 'a>>,
    pub(super) sample_losses: fn(&Transformer<S>, &[S], &Tokens, &[usize], &mut [f64]) -> Result<()>,
    pub(super) sample_worker:
        for<'a> fn(&'a Transformer<S>, &'a Slice<'a, S>, &'a Tokens) -> Result<Box<dyn SampleWorker + 'a>>,
    pub(super) fingerprint: fn(&Transformer<S>, &Tokens) -> u64,
}

type TrainFunction<S> = fn(
    &Settings,
    &UpdateRule,
    TrainingStart<'_, S>,
    &mut dyn TrainingObserver<S>,
) -> (Vec<S>, Result<TrainingReport<S>>);

impl<S: Real> Compiled<S> {
    pub(super) const fn new() -> Self {
        Self {
            data: DataFunctions {
                labelled: Samples::checked_labelled,
                regression: Samples::checked_regression,
                rows: data::rows,
                select: Samples::selection,
                normalized: Samples::normalized_channels,
                augmented: Augment::applied,
                labelled_images: data::labelled_images,
                cifar10_images: data::cifar10_images,
                cifar10_files: data::cifar10_files,
            },
            mlp: MlpFunctions {
                random: Mlp::random,
                model: ModelFunctions {
                    outputs: mlp::outputs,
                    measure: mlp::measure,
                    gradient: mlp::gradient,
                    hessian: |net, data| Box::new(MlpHessian::new(net, data)),
                    prepare: mlp::prepare,
                    sample_losses: mlp::sample_losses,
                    sample_worker: mlp::sample_worker,
                    fingerprint: mlp_fingerprint,
                    learner: |net, batch_size| Ok(mlp::learner(net, batch_size)),
                },
            },
            network: NetworkFunctions {
                random: Network::random,
                copy: Network::copy,
                model: ModelFunctions {
                    outputs: network::outputs,
                    measure: network::measure,
                    gradient: network::gradient,
                    hessian: |net, data| Box::new(NetworkHessian::new(net, data, net.hessian_memory)),
                    prepare: |net, plane, data| network::prepare(net, plane, data, None),
                    sample_losses: network::sample_losses,
                    sample_worker: network::sample_worker,
                    fingerprint: network_fingerprint,
                    learner: network::learner,
                },
                hessian_once: |net, data| Box::new(NetworkHessian::new(net, data, 0)),
                bytes_of_sweep: Network::bytes_of_sweep,
            },
            reestimated: ReestimatedFunctions {
                new: reestimated_new,
                with_statistics: reestimated_parameters,
                prepare: reestimated_prepare,
                fingerprint: reestimated_fingerprint,
            },
            transformer: TransformerFunctions {
                random: Transformer::random,
                measure: transformer::measure,
                gradient: transformer::gradient,
                hessian: |net, data, memory| Box::new(TransformerHessian::new(net, data, memory)),
                prepare: transformer::prepare,
                sample_losses: transformer::sample_losses,
                sample_worker: transformer::sample_worker,
                fingerprint: transformer_fingerprint,
            },
            train: train::train,
        }
    }
}

fn reestimated_new<'a, S: Real>(
    net: &'a Network<S>,
    data: &'a Samples<S>,
    batch: usize,
) -> Result<Reestimated<'a, S>> {
    Reestimated::new(net, data, batch)
}

fn reestimated_parameters<S: Real>(of: &Reestimated<'_, S>, theta: &[S]) -> Result<Vec<S>> {
    of.with_statistics(theta)
}

fn reestimated_prepare<'a, S: Real>(
    of: &'a Reestimated<'a, S>,
    plane: &'a Slice<'a, S>,
    data: &'a Samples<S>,
) -> Result<Box<dyn Prepared + 'a>> {
    network::prepare(of.net, plane, data, Some(of))
}

fn mlp_fingerprint<S: Real>(net: &Mlp<S>, data: &Samples<S>) -> u64 {
    fingerprint(data, "mlp", |out| net.write_fingerprint(out))
}

fn network_fingerprint<S: Real>(net: &Network<S>, data: &Samples<S>) -> u64 {
    fingerprint(data, "network", |out| net.write_fingerprint(out))
}

fn reestimated_fingerprint<S: Real>(of: &Reestimated<'_, S>, data: &Samples<S>) -> u64 {
    fingerprint(data, "reestimated", |out| of.write_fingerprint(out))
}

fn transformer_fingerprint<S: Real>(net: &Transformer<S>, data: &Tokens) -> u64 {
    let mut out = Fingerprint::new::<S>("transformer");
    net.write_fingerprint(&mut out);
    data.write_fingerprint(&mut out);
    out.hash()
}

/// Of a network of some kind and a data set.
fn fingerprint<S: Real>(data: &Samples<S>, kind: &str, write: impl FnOnce(&mut Fingerprint)) -> u64 {
    let mut out = Fingerprint::new::<S>(kind);
    write(&mut out);
    data.write_fingerprint(&mut out);
    out.hash()
}
