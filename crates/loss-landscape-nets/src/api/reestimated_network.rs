//! What users ask of a network whose statistics are taken anew.

use loss_landscape::{BoxError, Layout, Loss, Model, Plane, Prepared};

use super::net_scalar::NetScalar;
#[cfg(doc)]
use crate::error::Error;
use crate::{data::Samples, error::Result, network::Reestimated};

impl<S: NetScalar> Reestimated<'_, S> {
    /// θ with the statistics of the data at θ in its buffers.
    ///
    /// # Errors
    /// [`Error::Core`] for θ of another length.
    pub fn parameters_at(&self, theta: &[S]) -> Result<Vec<S>> {
        (S::compiled().reestimated.with_statistics)(self, theta)
    }
}

impl<S: NetScalar> Model for Reestimated<'_, S> {
    type Scalar = S;

    fn layout(&self) -> &Layout {
        self.net.layout()
    }

    fn parameters(&self) -> &[S] {
        self.net.parameters()
    }
}

impl<S: NetScalar> Loss<Samples<S>> for Reestimated<'_, S> {
    fn loss(&self, theta: &[S], data: &Samples<S>) -> Result<f64, BoxError> {
        self.net.loss(&self.parameters_at(theta)?, data)
    }

    fn fingerprint(&self, data: &Samples<S>) -> Option<u64> {
        Some((S::compiled().reestimated.fingerprint)(self, data))
    }

    fn channels(&self) -> Vec<String> {
        self.net.channels()
    }

    fn measure(&self, theta: &[S], data: &Samples<S>, out: &mut [f64]) -> Result<(), BoxError> {
        self.net.measure(&self.parameters_at(theta)?, data, out)
    }

    fn prepare<'a>(
        &'a self,
        plane: &'a Plane<'a, S>,
        data: &'a Samples<S>,
    ) -> Result<Box<dyn Prepared + 'a>, BoxError> {
        self.net.check_samples(data)?;
        self.layout().ensure_length("the plane", plane.len())?;
        Ok((S::compiled().reestimated.prepare)(self, plane, data)?)
    }
}
