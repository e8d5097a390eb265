//! Matrix products: a safe wrapper of the `gemm` crate.
//!
//! The only file of the crate with `unsafe`. `gemm` takes raw pointers and strides; the wrapper
//! checks that every element it will touch lies in the slice it came from. The safe alternative,
//! ndarray's product, takes 1.2 to 2.7 times as long on the shapes of a small network
//! (`cargo bench --bench mlp`).
#![allow(unsafe_code, reason = "the matrix product takes raw pointers; bounds are checked right before")]

use loss_landscape::Scalar;

/// A matrix in a slice: element (i, j) is at `i·row_stride + j·column_stride`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a, S> {
    data: &'a [S],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a, S> Matrix<'a, S> {
    /// The first `rows·columns` elements, row by row.
    pub(crate) fn new(data: &'a [S], rows: usize, columns: usize) -> Self {
        Self { data, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// The transposed matrix, without copying.
    pub(crate) fn t(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// How many elements the slice must have for every (i, j) to lie in it.
    fn reach(&self) -> Option<usize> {
        if self.rows == 0 || self.columns == 0 {
            return Some(0);
        }
        let last_row = (self.rows - 1).checked_mul(self.row_stride)?;
        let last_column = (self.columns - 1).checked_mul(self.column_stride)?;
        last_row.checked_add(last_column)?.checked_add(1)
    }
}

/// What happens to the old values of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Into {
    /// c ← a·b
    Replace,
    /// c ← c + a·b
    Add,
}

/// The product of two matrices, written to `out` row by row, on the calling thread.
///
/// # Panics
/// If shapes do not fit or a slice is too short; callers inside the crate see to that.
pub(crate) fn product<S: Scalar>(into: Into, a: Matrix<'_, S>, b: Matrix<'_, S>, out: &mut [S]) {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    assert_eq!(k, b.rows, "inner sizes of a matrix product");
    assert!(a.reach().is_some_and(|reach| reach <= a.data.len()), "the left matrix lies in its slice");
    assert!(b.reach().is_some_and(|reach| reach <= b.data.len()), "the right matrix lies in its slice");
    assert!(m.checked_mul(n).is_some_and(|size| size <= out.len()), "the result lies in its slice");
    // SAFETY: the assertions above show that a, b and out hold all m×k, k×n and m×n elements at
    // their strides. `out` is borrowed mutably, so it overlaps neither, and its rows do not overlap
    // each other. Strides are below the slices' lengths and so fit in isize. S is f32 or f64 (the
    // trait is sealed), for which `gemm` has kernels; it reads old values of `out` only with `Add`.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n.cast_signed(),
            into == Into::Add,
            a.data.as_ptr(),
            a.column_stride.cast_signed(),
            a.row_stride.cast_signed(),
            b.data.as_ptr(),
            b.column_stride.cast_signed(),
            b.row_stride.cast_signed(),
            S::one(),
            S::one(),
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matrix(rows: usize, columns: usize, seed: usize) -> Vec<f64> {
        (0..rows * columns).map(|i| ((i * 7 + seed * 13) % 11) as f64 - 5.0).collect()
    }

    proptest! {
        #[test]
        fn products_are_sums_of_products(m in 1..40_usize, k in 1..40_usize, n in 1..40_usize, ta: bool, tb: bool) {
            let (a, b) = (matrix(m, k, 1), matrix(k, n, 2));
            let left = if ta { Matrix::new(&a, k, m).t() } else { Matrix::new(&a, m, k) };
            let right = if tb { Matrix::new(&b, n, k).t() } else { Matrix::new(&b, k, n) };
            let at = |m: &Matrix<'_, f64>, i: usize, j: usize| m.data[i * m.row_stride + j * m.column_stride];
            let mut out = matrix(m, n, 3);
            let old = out.clone();
            product(Into::Add, left, right, &mut out);
            let mut fresh = vec![f64::NAN; m * n + 1];
            product(Into::Replace, left, right, &mut fresh);
            for i in 0..m {
                for j in 0..n {
                    // Small whole numbers: exact in any order of summation.
                    let sum: f64 = (0..k).map(|l| at(&left, i, l) * at(&right, l, j)).sum();
                    prop_assert_eq!(out[i * n + j], old[i * n + j] + sum);
                    prop_assert_eq!(fresh[i * n + j], sum);
                }
            }
            prop_assert!(fresh[m * n].is_nan(), "nothing is written past the end");
        }
    }

    #[test]
    #[should_panic(expected = "the left matrix lies in its slice")]
    fn a_short_slice_is_refused() {
        let (a, b) = ([0.0_f32; 5], [0.0_f32; 6]);
        product(Into::Replace, Matrix::new(&a, 2, 3), Matrix::new(&b, 3, 2), &mut [0.0; 4]);
    }

    #[test]
    #[should_panic(expected = "the result lies in its slice")]
    fn a_short_result_is_refused() {
        let (a, b) = ([0.0_f32; 6], [0.0_f32; 6]);
        product(Into::Replace, Matrix::new(&a, 2, 3), Matrix::new(&b, 3, 2), &mut [0.0; 3]);
    }
}
