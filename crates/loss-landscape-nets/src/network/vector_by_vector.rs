//! Products with several vectors, for workers that compute them one after another.

use loss_landscape::{Layout, OracleError, Scalar};

/// Calls `product` with each of the vectors of length `n` and its place in `out`; each call has all threads.
pub(crate) fn vector_by_vector<S: Scalar>(
    layout: &Layout,
    n: usize,
    vectors: &[S],
    out: &mut [S],
    mut product: impl FnMut(&[S], &mut [S]) -> Result<(), OracleError>,
) -> Result<(), OracleError> {
    layout.ensure_length("the vector", n)?;
    let count = vectors.len() / n;
    // Without this a vector without a place would be left out in silence.
    layout.ensure_length("the product", out.len() / count.max(1))?;
    vectors.chunks_exact(n).zip(out.chunks_exact_mut(n)).try_for_each(|(v, out)| product(v, out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vector_has_a_place_or_none_is_multiplied() {
        let layout = Layout::flat(2).unwrap();
        let doubled = |n: usize, vectors: &[f64], out: &mut [f64]| {
            vector_by_vector(&layout, n, vectors, out, |v, out| {
                out.iter_mut().zip(v).for_each(|(out, v)| *out = 2.0 * v);
                Ok(())
            })
        };
        let mut out = [0.0; 4];
        doubled(2, &[1.0, 2.0, 3.0, 4.0], &mut out).unwrap();
        assert_eq!(out, [2.0, 4.0, 6.0, 8.0]);
        let error = doubled(3, &[1.0; 6], &mut [0.0; 6]).unwrap_err();
        assert!(error.to_string().contains("the vector"), "{error}");
        for room in [0, 1, 2, 3] {
            let mut out = vec![0.0; room];
            let error = doubled(2, &[1.0; 4], &mut out).unwrap_err();
            assert!(error.to_string().contains("the product"), "{error}");
            assert!(out.iter().all(|&value| value == 0.0));
        }
        assert!(doubled(2, &[1.0; 2], &mut [0.0; 1]).is_err());
    }
}
