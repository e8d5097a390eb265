//! Matrix products: a safe wrapper of the crates `gemm-f32` and `gemm-f64`.
//!
//! The only file of the libraries with `unsafe`. They take raw pointers and strides; the wrapper
//! checks that every element it will touch is in the slice it came from. The safe alternative,
//! ndarray's product, takes 1.2 to 2.7 times as long on the shapes of a small network
//! (`cargo bench -p loss-landscape-nets --bench mlp`).
//!
//! Its tests (`tests/it/gemm.rs`) run under Miri, which takes `gemm`'s kernels without vectors, and under the address
//! sanitizer, which takes those of the processor:
//!
//! ```text
//! MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test -p loss-landscape-kernels --test it gemm
//! RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address cargo test -p loss-landscape-kernels --test it gemm \
//!     --target x86_64-unknown-linux-gnu
//! ```
#![allow(unsafe_code, reason = "the matrix product takes raw pointers; bounds are checked right before")]

use gemm_common::Parallelism;

use crate::kernel_scalar::KernelScalar;

/// A matrix in a slice: element (i, j) is at `i·row_stride + j·column_stride`.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, S> {
    data: &'a [S],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a, S> Matrix<'a, S> {
    /// The first `rows·columns` elements, row by row.
    pub fn new(data: &'a [S], rows: usize, columns: usize) -> Self {
        Self { data, rows, columns, row_stride: columns, column_stride: 1 }
    }

    /// `rows` times `columns` elements, of which one row begins `stride` elements after the one before.
    pub fn strided(data: &'a [S], rows: usize, columns: usize, stride: usize) -> Self {
        Self { data, rows, columns, row_stride: stride, column_stride: 1 }
    }

    /// The transposed matrix, without copying.
    #[must_use]
    pub fn t(self) -> Self {
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

/// A product of `gemm-f32` or `gemm-f64`: sizes m, n and k; the result, its strides by column and by row, and whether to
/// add to it; both matrices and their strides; factors of the old values and of the product; whether to conjugate; threads.
pub(crate) type RawProduct<S> = unsafe fn(
    usize,
    usize,
    usize,
    *mut S,
    isize,
    isize,
    bool,
    *const S,
    isize,
    isize,
    *const S,
    isize,
    isize,
    S,
    S,
    bool,
    bool,
    bool,
    Parallelism,
);

/// How a product is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// c ← a·b
    Replace,
    /// c ← c + a·b
    Add,
}

/// The product of two matrices, written to `out` row by row, on the calling thread.
///
/// # Panics
/// If shapes do not fit or a slice is too short; callers see to that.
pub fn product<S: KernelScalar>(into: Store, a: Matrix<'_, S>, b: Matrix<'_, S>, out: &mut [S]) {
    let columns = b.columns;
    (S::kernels().product)(into, a, b, out, columns);
}

/// The same, one row of the result beginning `stride` elements after the one before.
///
/// # Panics
/// As [`product`], and for a stride shorter than a row.
pub fn strided_product<S: KernelScalar>(
    into: Store,
    a: Matrix<'_, S>,
    b: Matrix<'_, S>,
    out: &mut [S],
    stride: usize,
) {
    (S::kernels().product)(into, a, b, out, stride);
}

pub(crate) fn checked_product<S: KernelScalar>(
    into: Store,
    a: Matrix<'_, S>,
    b: Matrix<'_, S>,
    out: &mut [S],
    stride: usize,
) {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    assert_eq!(k, b.rows, "inner sizes of a matrix product");
    assert!(a.reach().is_some_and(|reach| reach <= a.data.len()), "the left matrix fits into its slice");
    assert!(b.reach().is_some_and(|reach| reach <= b.data.len()), "the right matrix fits into its slice");
    assert!(n <= stride, "rows of the result do not overlap");
    let result = Matrix::strided(&*out, m, n, stride);
    assert!(result.reach().is_some_and(|reach| reach <= out.len()), "the result fits into its slice");
    // SAFETY: the assertions above show that a, b and out hold all m×k, k×n and m×n elements at
    // their strides. `out` is borrowed mutably, so it overlaps neither, and its rows do not overlap
    // each other, being no longer than their stride. A stride that leads to another row or column is
    // below its slice's length and so fits in isize; one along a single row or column is multiplied
    // with 0. Old values of `out` are read only with `Add`.
    unsafe {
        S::raw_product()(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            stride.cast_signed(),
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
            Parallelism::None,
        );
    }
}
