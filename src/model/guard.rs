//! Calls into code that users wrote: its errors and panics become this crate's errors.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::OracleError;
use crate::{Error, Result};

/// How a call of what users wrote failed.
#[derive(Debug)]
pub(crate) enum OracleFailure {
    Error(OracleError),
    /// With its message.
    Panic(String),
}

/// Calls what users wrote; a panic ends here.
pub(crate) fn catch<T>(call: impl FnOnce() -> Result<T, OracleError>) -> Result<T, OracleFailure> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(outcome) => outcome.map_err(OracleFailure::Error),
        Err(payload) => Err(OracleFailure::Panic(panic_message(payload.as_ref()))),
    }
}

/// Calls an oracle outside the points of a sweep: there its error or panic ends the call.
pub(crate) fn guarded<T>(during: &str, call: impl FnOnce() -> Result<T, OracleError>) -> Result<T> {
    let during = || during.to_owned();
    catch(call).map_err(|failure| match failure {
        OracleFailure::Error(error) => Error::Oracle { during: during(), source: error.into_boxed() },
        OracleFailure::Panic(message) => Error::OraclePanicked { during: during(), message },
    })
}

/// The text of a panic, which is nearly always a string.
fn panic_message(payload: &(dyn Any + Send)) -> String {
    (payload.downcast_ref::<&str>().map(ToString::to_string))
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
