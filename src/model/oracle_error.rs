//! The error of code that users write: anything that went wrong in an oracle, and can be sent between threads.

use std::{error::Error as StdError, fmt};

use crate::Error;

/// The error of an oracle: a box around any error, or around a text.
///
/// `?` makes it from any error that is `Send + Sync`, and from texts; `?` also turns it into the `Box<dyn Error>` that
/// many a `main` returns.
///
/// ```
/// use loss_landscape::OracleError;
///
/// fn parse(text: &str) -> Result<f64, OracleError> {
///     if text.is_empty() {
///         return Err("there is no number".into());
///     }
///     Ok(text.parse()?)
/// }
///
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     assert_eq!(parse("0.5")?, 0.5);
///     assert_eq!(parse("").unwrap_err().to_string(), "there is no number");
///     Ok(())
/// }
/// ```
///
/// Like other boxes of any error, it does not implement [`std::error::Error`] itself, since it could then not be made
/// from every error. [`as_error`](Self::as_error) and [`into_boxed`](Self::into_boxed) give the error inside.
pub struct OracleError(Box<dyn StdError + Send + Sync>);

impl OracleError {
    /// The error inside.
    ///
    /// ```
    /// use loss_landscape::OracleError;
    ///
    /// let error = OracleError::from("one".parse::<f64>().unwrap_err());
    /// assert!(error.as_error().downcast_ref::<std::num::ParseFloatError>().is_some());
    /// ```
    pub fn as_error(&self) -> &(dyn StdError + Send + Sync + 'static) {
        &*self.0
    }

    /// The error inside, to keep.
    pub fn into_boxed(self) -> Box<dyn StdError + Send + Sync> {
        self.0
    }
}

impl<E: Into<Box<dyn StdError + Send + Sync>>> From<E> for OracleError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl From<OracleError> for Box<dyn StdError> {
    fn from(error: OracleError) -> Self {
        error.0
    }
}

/// For an oracle that was called directly; in a sweep the error says during which step it happened.
impl From<OracleError> for Error {
    fn from(error: OracleError) -> Self {
        match error.0.downcast::<Self>() {
            Ok(own) => *own,
            Err(source) => Self::Oracle { during: "called directly".to_owned(), source },
        }
    }
}

impl fmt::Debug for OracleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for OracleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_errors_come_out_as_they_went_in() {
        let own = || -> Result<(), OracleError> { Err(Error::EmptyMask)? };
        assert!(matches!(Error::from(own().unwrap_err()), Error::EmptyMask));
        let other = Error::from(OracleError::from("no data today"));
        assert_eq!(other.to_string(), "the oracle failed while called directly: no data today");
    }
}
