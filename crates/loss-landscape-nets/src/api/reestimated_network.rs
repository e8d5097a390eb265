//! What users ask of a network whose statistics are taken anew.

use loss_landscape::{Layout, Loss, Model, OracleError, oracle::Prepared, oracle::Slice};

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
    fn loss(&self, theta: &[S], data: &Samples<S>) -> Result<f64, OracleError> {
        self.net.loss(&self.parameters_at(theta)?, data)
    }

    fn fingerprint(&self, data: &Samples<S>) -> Option<u64> {
        Some((S::compiled().reestimated.fingerprint)(self, data))
    }

    fn channels(&self) -> Vec<String> {
        self.net.channels()
    }

    fn measure(&self, theta: &[S], data: &Samples<S>, out: &mut [f64]) -> Result<(), OracleError> {
        self.net.measure(&self.parameters_at(theta)?, data, out)
    }

    fn prepare<'a>(
        &'a self,
        plane: &'a Slice<'a, S>,
        data: &'a Samples<S>,
    ) -> Result<Option<Box<dyn Prepared + 'a>>, OracleError> {
        self.net.check_samples(data)?;
        self.layout().ensure_length("the plane", plane.len())?;
        Ok(Some((S::compiled().reestimated.prepare)(self, plane, data)?))
    }
}
