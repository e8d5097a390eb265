//! Parameters: one flat vector, and the layout that names its blocks and filters.

mod block;
mod layout;
mod mask;
mod tensors;

pub use block::{Block, Role};
pub use layout::Layout;
pub use mask::Mask;
pub use tensors::{NamedTensor, burn_roles, pytorch_roles};

use crate::Scalar;

/// The content hash of a vector: XXH3, 64 bits, of its little-endian bytes.
///
/// Equal vectors have equal hashes, on every machine and in every version. It is no cryptographic hash. Results record
/// it of θ and of the directions; as a [`fingerprint`](crate::Loss::fingerprint) it recognises data that have changed:
///
/// ```
/// use loss_landscape::{FnModel, Layout, RandomDirections, content_hash, line_1d};
///
/// let loss = |theta: &[f64], data: &[f64]| data.iter().map(|x| (x - theta[0]).powi(2)).sum::<f64>();
/// let model = FnModel::new(Layout::flat(1)?, vec![0.5], loss)?.fingerprint_by(content_hash::<f64>);
/// let data = [0.0, 1.0];
/// let curve = line_1d(&model, data.as_slice(), RandomDirections::new(1))?;
/// let provenance = &curve.report().provenance;
/// assert_eq!(provenance.theta_hash, Some(content_hash(&[0.5])));
/// assert_eq!(provenance.data_hashes, [Some(content_hash(&data))]);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// For data of several arrays, mix their hashes, in a fixed order: `content_hash(&x) ^
/// content_hash(&y).rotate_left(1)`.
pub fn content_hash<S: Scalar>(vector: &[S]) -> u64 {
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    let mut bytes = Vec::with_capacity(8 * 1024);
    for chunk in vector.chunks(1024) {
        bytes.clear();
        for &value in chunk {
            value.append_bytes(&mut bytes);
        }
        hasher.update(&bytes);
    }
    hasher.digest()
}

/// ⟨a, b⟩, summed in f64 in order.
pub(crate) fn dot<'a, 'b, S: Scalar>(
    a: impl IntoIterator<Item = &'a S>,
    b: impl IntoIterator<Item = &'b S>,
) -> f64 {
    a.into_iter().zip(b).map(|(a, b)| a.as_f64() * b.as_f64()).sum()
}

/// ‖a‖, summed in f64 in order; scaled when the squares would overflow or vanish.
pub(crate) fn norm<'a, S: Scalar>(a: impl IntoIterator<Item = &'a S, IntoIter: Clone>) -> f64 {
    let values = a.into_iter();
    let square: f64 = values.clone().map(|a| a.as_f64() * a.as_f64()).sum();
    if square.is_normal() || square.is_nan() {
        return square.sqrt();
    }
    let largest = values.clone().fold(0.0_f64, |m, a| m.max(a.as_f64().abs()));
    if largest == 0.0 || !largest.is_finite() {
        return largest;
    }
    largest * values.map(|a| (a.as_f64() / largest).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;

    #[test]
    fn norms_neither_overflow_nor_vanish() {
        assert_eq!(norm(&[3.0_f64, 4.0]), 5.0);
        assert_relative_eq!(norm(&[3e200_f64, 4e200]), 5e200, max_relative = 1e-15);
        assert_relative_eq!(norm(&[3e-200_f64, 4e-200]), 5e-200, epsilon = 0.0, max_relative = 1e-15);
        assert_eq!(norm(&[0.0_f32, 0.0]), 0.0);
        assert!(norm(&[f64::NAN]).is_nan());
    }

    #[test]
    fn hashes_see_every_bit() {
        assert_ne!(content_hash(&[0.0_f64]), content_hash(&[-0.0_f64]));
        assert_ne!(content_hash(&[1.0_f32; 1024]), content_hash(&[1.0_f32; 1025]));
    }
}
