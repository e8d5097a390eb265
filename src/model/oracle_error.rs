//! The error of what users write: anything that went wrong in an oracle, and can cross threads.

use std::{error::Error as StdError, fmt};

use crate::Error;

/// The error of an oracle: a box around any error, or around a text.
///
/// `?` makes it of any error that is `Send + Sync`, and of texts; `?` also turns it into the `Box<dyn Error>` that
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
/// Like other boxes of any error it does not implement [`std::error::Error`] itself, since it could then not be made
/// of every error; [`as_error`](Self::as_error) and [`into_boxed`](Self::into_boxed) give what is inside.
pub struct OracleError(Box<dyn StdError + Send + Sync>);

impl OracleError {
    /// The error inside.
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

/// An oracle that was called by hand; errors of a sweep name what they happened in.
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
