//! Matrix products: a safe wrapper of the `gemm` crate.
//!
//! The only file of the crate with `unsafe`. `gemm` takes raw pointers and strides; the wrapper
//! checks that every element it will touch is in the slice it came from. The safe alternative,
//! ndarray's product, takes 1.2 to 2.7 times as long on the shapes of a small network
//! (`cargo bench --bench mlp`).
//!
//! The tests of this file run under Miri, which takes `gemm`'s kernels without vectors, and under the address
//! sanitizer, which takes those of the processor:
//!
//! ```text
//! MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test -p loss-landscape-nets --lib gemm
//! RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address cargo test -p loss-landscape-nets --lib gemm \
//!     --target x86_64-unknown-linux-gnu
//! ```
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

    /// How many elements the slice must have for every (i, j) to be in it.
    fn reach(&self) -> Option<usize> {
        if self.rows == 0 || self.columns == 0 {
            return Some(0);
        }
        let last_row = (self.rows - 1).checked_mul(self.row_stride)?;
        let last_column = (self.columns - 1).checked_mul(self.column_stride)?;
        last_row.checked_add(last_column)?.checked_add(1)
    }
}

/// How a product is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// c ← a·b
    Replace,
    /// c ← c + a·b
    Add,
}

/// The product of two matrices, written to `out` row by row, on the calling thread.
///
/// # Panics
/// If shapes do not fit or a slice is too short; callers inside the crate see to that.
pub(crate) fn product<S: Scalar>(into: Store, a: Matrix<'_, S>, b: Matrix<'_, S>, out: &mut [S]) {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    assert_eq!(k, b.rows, "inner sizes of a matrix product");
    assert!(a.reach().is_some_and(|reach| reach <= a.data.len()), "the left matrix fits into its slice");
    assert!(b.reach().is_some_and(|reach| reach <= b.data.len()), "the right matrix fits into its slice");
    assert!(m.checked_mul(n).is_some_and(|size| size <= out.len()), "the result fits into its slice");
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
            into == Store::Add,
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

    /// Small whole numbers: products are exact in any order of summation. The vector has no more room than that, so
    /// that the address sanitizer sees any access beyond.
    fn matrix<S: Scalar>(rows: usize, columns: usize, seed: usize) -> Vec<S> {
        (0..rows * columns).map(|i| S::from_f64(((i * 7 + seed * 13) % 11) as f64 - 5.0)).collect()
    }

    fn check<S: Scalar>([m, k, n]: [usize; 3], [ta, tb]: [bool; 2]) {
        let (a, b) = (matrix::<S>(m, k, 1), matrix::<S>(k, n, 2));
        let left = if ta { Matrix::new(&a, k, m).t() } else { Matrix::new(&a, m, k) };
        let right = if tb { Matrix::new(&b, n, k).t() } else { Matrix::new(&b, k, n) };
        let at = |m: &Matrix<'_, S>, i: usize, j: usize| m.data[i * m.row_stride + j * m.column_stride];
        let mut out = matrix(m, n, 3);
        let old = out.clone();
        product(Store::Add, left, right, &mut out);
        let mut fresh = vec![S::nan(); m * n + 1];
        product(Store::Replace, left, right, &mut fresh);
        for i in 0..m {
            for j in 0..n {
                let sum = (0..k).fold(S::zero(), |sum, l| sum + at(&left, i, l) * at(&right, l, j));
                assert_eq!(out[i * n + j], old[i * n + j] + sum);
                assert_eq!(fresh[i * n + j], sum);
            }
        }
        assert!(fresh[m * n].is_nan(), "nothing is written past the end");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 256 }))]

        #[test]
        fn products_are_sums_of_products(m in 1..40_usize, k in 1..40_usize, n in 1..40_usize, ta: bool, tb: bool) {
            check::<f32>([m, k, n], [ta, tb]);
            check::<f64>([m, k, n], [ta, tb]);
        }
    }

    /// Shapes around the blocks of the kernels, and so large that `gemm` packs.
    #[test]
    fn products_of_the_networks_shapes() {
        let shapes = [[1, 300, 1], [10, 16, 24], [10, 16, 256], [16, 64, 29], [33, 100, 65], [128, 17, 130]];
        // Miri takes a minute for the larger ones.
        for &shape in if cfg!(miri) { &shapes[..2] } else { &shapes[..] } {
            for transposed in [[false, false], [true, false], [false, true], [true, true]] {
                check::<f32>(shape, transposed);
                check::<f64>(shape, transposed);
            }
        }
    }

    #[test]
    #[should_panic(expected = "the left matrix fits into its slice")]
    fn a_short_slice_is_refused() {
        let (a, b) = ([0.0_f32; 5], [0.0_f32; 6]);
        product(Store::Replace, Matrix::new(&a, 2, 3), Matrix::new(&b, 3, 2), &mut [0.0; 4]);
    }

    #[test]
    #[should_panic(expected = "the result fits into its slice")]
    fn a_short_result_is_refused() {
        let (a, b) = ([0.0_f32; 6], [0.0_f32; 6]);
        product(Store::Replace, Matrix::new(&a, 2, 3), Matrix::new(&b, 3, 2), &mut [0.0; 3]);
    }
}
