//! Checks of what callers give: coordinates, ranges, shapes, names.

use crate::{Error, Result};

/// Checks that coordinates along an axis are at least two, finite, and strictly increasing.
pub(crate) fn check_coordinates(what: &str, values: &[f64]) -> Result<()> {
    if values.len() < 2 {
        return Err(Error::TooFewPoints { what: what.to_owned(), len: values.len(), least: 2 });
    }
    if let Some(index) = values.iter().position(|v| !v.is_finite()) {
        return Err(Error::NotFinite { what: what.to_owned(), index, value: values[index] });
    }
    if let Some(k) = values.windows(2).position(|w| w[0] >= w[1]) {
        return Err(Error::NotIncreasing {
            what: what.to_owned(),
            index: k + 1,
            previous: values[k],
            value: values[k + 1],
        });
    }
    Ok(())
}

/// Checks a range given by the caller.
pub(crate) fn check_range(what: &str, (low, high): (f64, f64), log: bool) -> Result<()> {
    if low.is_finite() && high.is_finite() && low < high && (!log || low > 0.0) {
        return Ok(());
    }
    Err(Error::Range { what: what.to_owned(), low, high, log })
}

/// Checks that an array has one element for each point of a grid of `expected` points.
pub(crate) fn check_shape(what: &str, shape: (usize, usize), expected: (usize, usize)) -> Result<()> {
    for (dimension, len, expected) in [("first", shape.0, expected.0), ("second", shape.1, expected.1)] {
        if len != expected {
            return Err(Error::Length { what: format!("{dimension} dimension of {what}"), len, expected });
        }
    }
    Ok(())
}

/// Refuses a name that occurs twice.
#[cfg(feature = "html")]
pub(crate) fn check_unique<'a>(what: &'static str, names: impl Iterator<Item = &'a str>) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(Error::DuplicateName { what, name: name.to_owned() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_checked() {
        assert!(check_coordinates("x axis", &[0.0, 1.0]).is_ok());
        assert_eq!(
            check_coordinates("x axis", &[0.0, 1.0, 1.0]).unwrap_err().to_string(),
            "x axis is not strictly increasing at index 2: 1 follows 1"
        );
        assert!(matches!(
            check_coordinates("x axis", &[0.0, f64::NAN]),
            Err(Error::NotFinite { index: 1, .. })
        ));
        assert!(matches!(check_coordinates("x axis", &[0.0]), Err(Error::TooFewPoints { len: 1, .. })));
    }
}
