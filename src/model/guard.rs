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

impl OracleFailure {
    fn into_error(self, during: &str) -> Error {
        let during = during.to_owned();
        match self {
            Self::Error(error) => Error::Oracle { during, source: error.into_boxed() },
            Self::Panic(message) => Error::OraclePanicked { during, message },
        }
    }
}

/// Calls what users wrote; a panic ends here.
pub(crate) fn catch<T>(call: impl FnOnce() -> Result<T, OracleError>) -> Result<T, OracleFailure> {
    let (mut call, mut outcome) = (Some(call), None);
    catch_panic(&mut || outcome = call.take().map(|call| call()))?;
    #[expect(clippy::expect_used, reason = "the call is there to be taken, and did not panic")]
    outcome.expect("an outcome").map_err(OracleFailure::Error)
}

/// Not generic, so that unwinding is compiled once and not for each of a user's oracles.
fn catch_panic(call: &mut dyn FnMut()) -> Result<(), OracleFailure> {
    catch_unwind(AssertUnwindSafe(call))
        .map_err(|payload| OracleFailure::Panic(panic_message(payload.as_ref())))
}

/// Calls an oracle outside the points of a sweep: there its error or panic ends the call.
pub(crate) fn guarded<T>(during: &str, call: impl FnOnce() -> Result<T, OracleError>) -> Result<T> {
    catch(call).map_err(|failure| failure.into_error(during))
}

/// The text of a panic, which is nearly always a string.
fn panic_message(payload: &(dyn Any + Send)) -> String {
    (payload.downcast_ref::<&str>().map(ToString::to_string))
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
