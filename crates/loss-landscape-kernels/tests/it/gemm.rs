//! The matrix product against sums written down plainly.

use loss_landscape_kernels::{KernelScalar, Matrix, Store, product, strided_product};
use proptest::prelude::*;

/// Small whole numbers: products are exact in any order of summation. The vector has no more room than that, so
/// that the address sanitizer sees any access beyond.
fn matrix<S: KernelScalar>(rows: usize, columns: usize, seed: usize) -> Vec<S> {
    (0..rows * columns).map(|i| S::nearest(((i * 7 + seed * 13) % 11) as f64 - 5.0)).collect()
}

fn check<S: KernelScalar>([m, k, n]: [usize; 3], [ta, tb]: [bool; 2]) {
    let (a, b) = (matrix::<S>(m, k, 1), matrix::<S>(k, n, 2));
    let left = if ta { Matrix::new(&a, k, m).t() } else { Matrix::new(&a, m, k) };
    let right = if tb { Matrix::new(&b, n, k).t() } else { Matrix::new(&b, k, n) };
    let left_at = |i: usize, l: usize| a[if ta { l * m + i } else { i * k + l }];
    let right_at = |l: usize, j: usize| b[if tb { j * k + l } else { l * n + j }];
    let mut out = matrix(m, n, 3);
    let old = out.clone();
    product(Store::Add, left, right, &mut out);
    let mut fresh = vec![S::nan(); m * n + 1];
    product(Store::Replace, left, right, &mut fresh);
    for i in 0..m {
        for j in 0..n {
            let sum = (0..k).fold(S::zero(), |sum, l| sum + left_at(i, l) * right_at(l, j));
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

/// Parts of larger matrices, as the heads of an attention are.
#[test]
fn parts_of_matrices_are_multiplied_and_written_in_their_place() {
    let [m, k, n, stride] = [5, 3, 4, 9];
    let (a, b) = (matrix::<f64>(m, stride, 1), matrix::<f64>(k, stride, 2));
    let (left, right) = (Matrix::strided(&a[2..], m, k, stride), Matrix::strided(&b[1..], k, n, stride));
    let old = matrix::<f64>(m, stride, 3);
    for into in [Store::Replace, Store::Add] {
        let mut out = old.clone();
        // The last row ends where the slice ends.
        strided_product(into, left, right, &mut out[stride - n..], stride);
        for (at, (&out, &old)) in out.iter().zip(&old).enumerate() {
            let (i, j) = (at / stride, at % stride);
            let expected = match j.checked_sub(stride - n) {
                None => old,
                Some(j) => {
                    let sum: f64 = (0..k).map(|l| a[2 + i * stride + l] * b[1 + l * stride + j]).sum();
                    if into == Store::Add { old + sum } else { sum }
                }
            };
            assert_eq!(out, expected, "row {i}, column {j}");
        }
    }
}

#[test]
#[should_panic(expected = "rows of the result do not overlap")]
fn rows_of_the_result_may_not_overlap() {
    let (a, b) = (matrix::<f64>(2, 2, 1), matrix::<f64>(2, 3, 2));
    strided_product(Store::Add, Matrix::new(&a, 2, 2), Matrix::new(&b, 2, 3), &mut [0.0; 9], 2);
}
