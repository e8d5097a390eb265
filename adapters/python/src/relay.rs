//! Calls of an oracle that threads of the core hand to the thread that Python called from.
//!
//! What runs on the threads of a pool would call a module from there, several at a time, where Ctrl-C does not arrive
//! and PyTorch has other settings. So the pool has one thread, and this one answers it.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use loss_landscape::{
    Error, Gradient, HessianProduct, Layout, Loss, Model, OracleError, oracle::HessianWorker,
};
use pyo3::prelude::*;

use crate::{
    errors::argument,
    layout::PyScalar,
    oracle::{PyModel, SETS},
};

/// A model whose calls are answered by another thread.
pub(crate) struct Relay<S> {
    layout: Layout,
    theta: Vec<S>,
    requests: Sender<Request<S>>,
}

/// What is asked for, of a data set.
struct Request<S> {
    what: What,
    set: usize,
    /// θ, or the vector of a product.
    vector: Vec<S>,
    answer: SyncSender<Result<Answer<S>, OracleError>>,
}

#[derive(Clone, Copy)]
enum What {
    Loss,
    Gradient,
    HessianAt,
    Product,
}

struct Answer<S> {
    /// The loss, or the estimated error of products.
    number: f64,
    vector: Vec<S>,
}

/// Runs with a relay of the model on a thread of its own, and answers its calls on this one.
pub(crate) fn relayed<S: PyScalar, T: Send>(
    py: Python<'_>,
    model: &PyModel<S>,
    work: impl FnOnce(&Relay<S>) -> T + Send,
) -> PyResult<T> {
    py.detach(|| {
        let (requests, incoming) = channel();
        let relay = Relay { layout: model.layout().clone(), theta: model.parameters().to_vec(), requests };
        std::thread::scope(|scope| {
            let done = scope.spawn(move || {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
                let answer = pool.map(|pool| pool.install(|| work(&relay)));
                // Without the relay no more requests come.
                drop(relay);
                answer
            });
            answer_all(model, &incoming);
            match done.join() {
                Ok(answer) => answer.map_err(|error| argument(error.to_string())),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    })
}

fn answer_all<S: PyScalar>(model: &PyModel<S>, incoming: &Receiver<Request<S>>) {
    let mut hessian: Option<Box<dyn HessianWorker<S> + '_>> = None;
    for Request { what, set, mut vector, answer } in incoming {
        let set = &SETS[set];
        let found = match what {
            What::Loss => model.loss(&vector, set).map(|number| Answer { number, vector: Vec::new() }),
            What::Gradient => {
                let theta = vector.clone();
                model.gradient(&theta, set, &mut vector).map(|number| Answer { number, vector })
            }
            What::HessianAt => model.hessian_worker(set).and_then(|worker| {
                hessian.insert(worker).at(&vector)?;
                Ok(Answer { number: 0.0, vector: Vec::new() })
            }),
            What::Product => match &mut hessian {
                Some(worker) => {
                    let v = vector.clone();
                    worker
                        .product(&v, &mut vector)
                        .map(|()| Answer { number: worker.product_error(), vector })
                }
                None => Err(Error::Interrupted.into()),
            },
        };
        // Who asked is waiting, or has ended with all that it did.
        let _ = answer.send(found);
    }
}

impl<S: PyScalar> Relay<S> {
    fn ask(&self, what: What, set: usize, vector: &[S]) -> Result<Answer<S>, OracleError> {
        let (answer, found) = sync_channel(1);
        let request = Request { what, set, vector: vector.to_vec(), answer };
        self.requests.send(request).map_err(|_| Error::Interrupted)?;
        found.recv().map_err(|_| Error::Interrupted)?
    }
}

impl<S: PyScalar> Model for Relay<S> {
    type Scalar = S;

    fn layout(&self) -> &Layout {
        &self.layout
    }

    fn parameters(&self) -> &[S] {
        &self.theta
    }
}

impl<S: PyScalar> Loss<usize> for Relay<S> {
    fn loss(&self, theta: &[S], set: &usize) -> Result<f64, OracleError> {
        Ok(self.ask(What::Loss, *set, theta)?.number)
    }
}

impl<S: PyScalar> Gradient<usize> for Relay<S> {
    fn gradient(&self, theta: &[S], set: &usize, out: &mut [S]) -> Result<f64, OracleError> {
        let Answer { number, vector } = self.ask(What::Gradient, *set, theta)?;
        out.copy_from_slice(&vector);
        Ok(number)
    }
}

impl<S: PyScalar> HessianProduct<usize> for Relay<S> {
    fn hessian_product(&self, theta: &[S], v: &[S], set: &usize, out: &mut [S]) -> Result<(), OracleError> {
        let mut worker = self.hessian_worker(set)?;
        worker.at(theta)?;
        worker.product(v, out)
    }

    fn hessian_worker<'a>(&'a self, set: &'a usize) -> Result<Box<dyn HessianWorker<S> + 'a>, OracleError> {
        Ok(Box::new(RelayedProducts { relay: self, set: *set, error: 0.0 }))
    }
}

struct RelayedProducts<'a, S> {
    relay: &'a Relay<S>,
    set: usize,
    error: f64,
}

impl<S: PyScalar> HessianWorker<S> for RelayedProducts<'_, S> {
    fn at(&mut self, theta: &[S]) -> Result<(), OracleError> {
        self.relay.ask(What::HessianAt, self.set, theta).map(drop)
    }

    fn product(&mut self, v: &[S], out: &mut [S]) -> Result<(), OracleError> {
        let Answer { number, vector } = self.relay.ask(What::Product, self.set, v)?;
        self.error = number;
        out.copy_from_slice(&vector);
        Ok(())
    }

    fn product_error(&self) -> f64 {
        self.error
    }
}
