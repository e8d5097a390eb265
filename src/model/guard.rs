//! Calls into code that users wrote: its errors and panics become this crate's errors.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::OracleError;
use crate::{Error, Result};

/// Calls an oracle outside the points of a sweep, where its error or panic ends the whole call.
pub(crate) fn guarded<T>(during: &str, call: impl FnOnce() -> Result<T, OracleError>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Error::Oracle { during: during.to_owned(), source: error.into_boxed() }),
        Err(payload) => {
            Err(Error::OraclePanicked { during: during.to_owned(), message: panic_message(payload.as_ref()) })
        }
    }
}

/// The text of a panic, which is nearly always a string.
pub(crate) fn panic_message(payload: &(dyn Any + Send)) -> String {
    (payload.downcast_ref::<&str>().map(ToString::to_string))
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".to_owned())
}
