//! What a random walk shows in its principal planes.

use crate::{Result, memory, symmetric};

/// The share of the variance in each principal component of a random walk of so many snapshots, by falling share:
/// `snapshots` − 1 values whose sum is 1; none for fewer than two snapshots.
///
/// The walk takes independent steps of one distribution of mean zero, in so many dimensions that steps are orthogonal
/// to each other and equally long. The shares are those of the expected Gram matrix, whose eigenvalues are known: about
/// the mean, 1/(4·sin²(πk/2T)) for T snapshots and k = 1, 2, …; about the end, 1/(4·sin²((2k−1)π/(4T−2))). Long walks
/// have 60.8 %, 15.2 % and 6.75 % about their mean (Antognini and Sohl-Dickstein,
/// [2018](https://arxiv.org/abs/1806.08805)), and 81.1 %, 9.0 % and 3.2 % about their end.
///
/// ```
/// use loss_landscape::trajectory::random_walk_shares;
///
/// let (centred, from_end) = (random_walk_shares(10_000, true), random_walk_shares(10_000, false));
/// assert!((centred[0] - 0.6079).abs() < 1e-4 && (from_end[0] - 0.8106).abs() < 1e-4);
/// // Two dimensions "explain" three quarters or nine tenths of pure noise.
/// assert!(centred[0] + centred[1] > 0.75 && from_end[0] + from_end[1] > 0.9);
/// ```
pub fn random_walk_shares(snapshots: usize, centred: bool) -> Vec<f64> {
    let count = snapshots.saturating_sub(1);
    let period = if centred { 2.0 * snapshots as f64 } else { 4.0 * snapshots as f64 - 2.0 };
    let eigenvalues: Vec<f64> = (1..=count)
        .map(|k| {
            let multiple = if centred { k as f64 } else { (2 * k - 1) as f64 };
            (multiple * std::f64::consts::PI / period).sin().powi(-2)
        })
        .collect();
    shares(&eigenvalues)
}

/// The same for a walk whose steps have these squared lengths.
pub(super) fn walk_of_steps(squares: &[f64], centred: bool) -> Result<Vec<f64>> {
    let t = squares.len() + 1;
    let mut gram = memory::filled("the Gram matrix of a random walk", t * t, 0.0)?;
    // What two snapshots share on their way to the end are the steps after the later one.
    let mut rest = 0.0;
    for last in (0..t - 1).rev() {
        rest += squares[last];
        for other in 0..=last {
            gram[last * t + other] = rest;
            gram[other * t + last] = rest;
        }
    }
    if centred {
        centre(&mut gram, t);
    }
    let mut eigenvalues = spectrum(&mut gram, t)?;
    eigenvalues.truncate(t - 1);
    Ok(shares(&eigenvalues))
}

/// Makes a Gram matrix of differences from any one point that of differences from the mean.
pub(super) fn centre(gram: &mut [f64], t: usize) {
    let means: Vec<f64> = gram.chunks_exact(t).map(|row| row.iter().sum::<f64>() / t as f64).collect();
    let whole = means.iter().sum::<f64>() / t as f64;
    for (row, mean) in gram.chunks_exact_mut(t).zip(&means) {
        for (value, other) in row.iter_mut().zip(&means) {
            *value -= mean + other - whole;
        }
    }
}

/// The eigenvalues of a finite symmetric matrix, descending, none below zero; eigenvectors are then its columns in
/// that order.
pub(super) fn spectrum(matrix: &mut [f64], t: usize) -> Result<Vec<f64>> {
    let mut values = memory::filled("the spectrum of a trajectory", t, 0.0)?;
    let mut off = memory::filled("the spectrum of a trajectory", t.saturating_sub(1), 0.0)?;
    // A power of two keeps bits, and squares of the entries in range.
    let largest = matrix.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let unit = if largest > 0.0 { largest.log2().floor().clamp(-1000.0, 1000.0).exp2() } else { 1.0 };
    for value in matrix.iter_mut() {
        *value /= unit;
    }
    symmetric::reduce(matrix, &mut values, &mut off);
    // It fails for values that are not finite alone.
    symmetric::eigen(&mut values, &mut off, matrix);
    values.reverse();
    matrix.chunks_exact_mut(t).for_each(<[f64]>::reverse);
    Ok(values.into_iter().map(|value| value.max(0.0) * unit).collect())
}

/// Each value over their sum; zeros if that is zero.
pub(super) fn shares(values: &[f64]) -> Vec<f64> {
    let sum: f64 = values.iter().sum();
    values.iter().map(|value| if sum > 0.0 { value / sum } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;

    #[test]
    fn closed_forms_are_the_spectra_of_the_expected_gram_matrices() {
        for t in [2, 3, 4, 17, 60] {
            for centred in [false, true] {
                let (known, found) =
                    (random_walk_shares(t, centred), walk_of_steps(&vec![2.5; t - 1], centred).unwrap());
                assert_eq!((known.len(), found.len()), (t - 1, t - 1));
                for (known, found) in known.iter().zip(&found) {
                    assert_relative_eq!(known, found, max_relative = 1e-10);
                }
                assert_relative_eq!(known.iter().sum::<f64>(), 1.0, max_relative = 1e-14);
            }
        }
        assert!(random_walk_shares(0, true).is_empty() && random_walk_shares(1, false).is_empty());
    }

    #[test]
    fn long_walks_have_the_published_shares() {
        let square = std::f64::consts::PI.powi(2);
        for (k, share) in random_walk_shares(1_000_000, true).iter().take(5).enumerate() {
            assert_relative_eq!(*share, 6.0 / square / ((k + 1) as f64).powi(2), max_relative = 2e-6);
        }
        for (k, share) in random_walk_shares(1_000_000, false).iter().take(5).enumerate() {
            assert_relative_eq!(*share, 8.0 / square / ((2 * k + 1) as f64).powi(2), max_relative = 2e-6);
        }
    }

    #[test]
    fn one_long_step_among_short_ones_is_one_dimension() {
        let found = walk_of_steps(&[1e-8, 1e-8, 1.0, 1e-8], false).unwrap();
        assert!(found[0] > 0.999_999, "{found:?}");
        let scaled = walk_of_steps(&[1e-308, 1e-308, 1e-300, 1e-308], false).unwrap();
        assert_relative_eq!(found[0], scaled[0], max_relative = 1e-12);
    }
}
