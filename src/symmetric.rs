//! Eigenvalues and eigenvectors of small symmetric matrices: the projected operators of Lanczos runs, and the Gram
//! matrices of trajectories.
//!
//! A tridiagonal matrix is diagonalised by the implicit QL algorithm with Wilkinson's shift[^1]. Only the requested
//! rows of the eigenvectors are computed: residuals need the last one, quadrature the first, Ritz vectors all of them.
//! A full matrix is made tridiagonal by Householder reflections first.
//!
//! [^1]: J. H. Wilkinson, C. Reinsch, *Handbook for Automatic Computation*, volume II (1971), II/3, II/4.

/// The most sweeps for one eigenvalue; two or three are usual.
const MOST_SWEEPS: usize = 60;

/// Diagonalises the tridiagonal matrix with this diagonal and off-diagonal, in place.
///
/// `off` is one shorter than `diagonal`, which holds the eigenvalues, ascending, on return. `rows` is [r, n], row by
/// row: on entry, rows of the identity (or of any matrix Z); on return, the same rows of the matrix of eigenvectors (of
/// Z times that matrix), in the order of the eigenvalues. It is false if an eigenvalue did not converge, which has only
/// been seen for values that are not finite.
pub(crate) fn eigen(diagonal: &mut [f64], off: &mut [f64], rows: &mut [f64]) -> bool {
    let n = diagonal.len();
    if !diagonal.iter().chain(&*off).all(|value| value.is_finite()) {
        return false;
    }
    for first in 0..n {
        for sweep in 0.. {
            let last = (first..n - 1)
                .find(|&i| {
                    let scale = diagonal[i].abs() + diagonal[i + 1].abs();
                    // The absolute term is for blocks of zeros next to values that have underflowed.
                    off[i].abs() <= f64::EPSILON * scale || off[i].abs() < f64::MIN_POSITIVE
                })
                .unwrap_or(n - 1);
            if last == first {
                break;
            }
            if sweep == MOST_SWEEPS {
                return false;
            }
            chase(diagonal, off, rows, first, last);
        }
    }
    sort(diagonal, rows);
    true
}

/// One implicit QL sweep over the unreduced block from `first` to `last`.
fn chase(diagonal: &mut [f64], off: &mut [f64], rows: &mut [f64], first: usize, last: usize) {
    let n = diagonal.len();
    let slope = (diagonal[first + 1] - diagonal[first]) / (2.0 * off[first]);
    let root = slope.hypot(1.0);
    let mut g = diagonal[last] - diagonal[first] + off[first] / (slope + root.copysign(slope));
    let (mut sine, mut cosine, mut shift) = (1.0, 1.0, 0.0);
    for i in (first..last).rev() {
        let f = sine * off[i];
        let b = cosine * off[i];
        let length = f.hypot(g);
        if i + 1 < last {
            off[i + 1] = length;
        }
        if length == 0.0 {
            // The block splits in two here, which the next sweep sees.
            diagonal[i + 1] -= shift;
            return;
        }
        (sine, cosine) = (f / length, g / length);
        let d = diagonal[i + 1] - shift;
        let r = (diagonal[i] - d) * sine + 2.0 * cosine * b;
        shift = sine * r;
        diagonal[i + 1] = d + shift;
        g = cosine * r - b;
        for row in rows.chunks_exact_mut(n) {
            let (low, high) = (row[i], row[i + 1]);
            row[i + 1] = sine * low + cosine * high;
            row[i] = cosine * low - sine * high;
        }
    }
    diagonal[first] -= shift;
    off[first] = g;
}

/// Sorts the eigenvalues, ascending, and the columns of `rows` with them.
fn sort(diagonal: &mut [f64], rows: &mut [f64]) {
    let n = diagonal.len();
    for i in 1..n {
        let mut j = i;
        while j > 0 && diagonal[j - 1] > diagonal[j] {
            diagonal.swap(j - 1, j);
            for row in rows.chunks_exact_mut(n) {
                row.swap(j - 1, j);
            }
            j -= 1;
        }
    }
}

/// Makes the symmetric n×n matrix `a` tridiagonal by reflections: A = Z·T·Zᵀ.
///
/// On return `a` holds Z, row by row, and `diagonal` and `off` hold T; [`eigen`] with `a` as its rows then
/// gives the eigenvectors of A as columns.
pub(crate) fn reduce(a: &mut [f64], diagonal: &mut [f64], off: &mut [f64]) {
    let n = diagonal.len();
    let mut z = vec![0.0; n * n];
    for i in 0..n {
        z[i * n + i] = 1.0;
    }
    let (mut v, mut p) = (vec![0.0; n], vec![0.0; n]);
    for k in 0..n.saturating_sub(2) {
        // Reflects column k below the diagonal onto its first element.
        let tail = k + 1..n;
        let largest = tail.clone().fold(0.0_f64, |m, i| m.max(a[i * n + k].abs()));
        if largest == 0.0 {
            continue;
        }
        let length = largest * tail.clone().map(|i| (a[i * n + k] / largest).powi(2)).sum::<f64>().sqrt();
        let head = a[(k + 1) * n + k];
        for i in tail.clone() {
            v[i] = a[i * n + k] / length;
        }
        v[k + 1] += 1.0_f64.copysign(head);
        // The reflection is H = I − v·vᵀ / |v[k+1]|, with ‖v‖² = 2·|v[k+1]|.
        let scale = v[k + 1].abs().recip();
        // A ← H·A·H = A − v·qᵀ − q·vᵀ with q = scale·A·v − (scale²/2)·(vᵀAv)·v.
        for i in k..n {
            p[i] = scale * tail.clone().map(|j| a[i * n + j] * v[j]).sum::<f64>();
        }
        let half = scale / 2.0 * tail.clone().map(|i| v[i] * p[i]).sum::<f64>();
        for i in tail.clone() {
            p[i] -= half * v[i];
        }
        for i in k..n {
            for j in k..n {
                let vi = if i > k { v[i] } else { 0.0 };
                let vj = if j > k { v[j] } else { 0.0 };
                a[i * n + j] -= vi * p[j] + p[i] * vj;
            }
        }
        for row in z.chunks_exact_mut(n) {
            let along = scale * tail.clone().map(|j| row[j] * v[j]).sum::<f64>();
            for j in tail.clone() {
                row[j] -= along * v[j];
            }
        }
    }
    for i in 0..n {
        diagonal[i] = a[i * n + i];
        if i + 1 < n {
            off[i] = a[(i + 1) * n + i];
        }
    }
    a.copy_from_slice(&z);
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;

    /// ‖A·Z − Z·Λ‖∞ and ‖Zᵀ·Z − I‖∞ for eigenvectors as columns of `z`.
    fn defects(a: &[f64], z: &[f64], values: &[f64]) -> (f64, f64) {
        let n = values.len();
        let (mut residual, mut orthogonality) = (0.0_f64, 0.0_f64);
        for c in 0..n {
            for i in 0..n {
                let product: f64 = (0..n).map(|j| a[i * n + j] * z[j * n + c]).sum();
                residual = residual.max((product - values[c] * z[i * n + c]).abs());
                let inner: f64 = (0..n).map(|j| z[j * n + i] * z[j * n + c]).sum();
                orthogonality = orthogonality.max((inner - f64::from(u8::from(i == c))).abs());
            }
        }
        (residual, orthogonality)
    }

    fn identity(n: usize) -> Vec<f64> {
        (0..n * n).map(|i| f64::from(u8::from(i % (n + 1) == 0))).collect()
    }

    fn full(diagonal: &[f64], off: &[f64]) -> Vec<f64> {
        let n = diagonal.len();
        let mut a = vec![0.0; n * n];
        for i in 0..n {
            a[i * n + i] = diagonal[i];
            if i + 1 < n {
                a[i * n + i + 1] = off[i];
                a[(i + 1) * n + i] = off[i];
            }
        }
        a
    }

    #[test]
    fn the_second_difference_has_known_eigenvalues() {
        let n = 40;
        let (mut d, mut e) = (vec![2.0; n], vec![-1.0; n - 1]);
        let mut last = vec![0.0; n];
        last[n - 1] = 1.0;
        assert!(eigen(&mut d, &mut e, &mut last));
        for (k, &value) in d.iter().enumerate() {
            let angle = std::f64::consts::PI * (k + 1) as f64 / (n + 1) as f64;
            assert_relative_eq!(value, 2.0 - 2.0 * angle.cos(), max_relative = 1e-11);
            let component = (2.0 / (n + 1) as f64).sqrt() * (n as f64 * angle).sin();
            assert_relative_eq!(last[k].abs(), component.abs(), max_relative = 1e-10);
        }
    }

    #[test]
    fn any_tridiagonal_matrix_is_diagonalised() {
        for (n, seed) in [(1, 0.3), (2, 0.7), (3, 1.1), (17, 2.3), (60, 3.1)] {
            for scale in [1.0, 1e-150, 1e150] {
                let mut d: Vec<f64> = (0..n).map(|i| scale * (seed * (i * i) as f64).sin()).collect();
                let mut e: Vec<f64> =
                    (1..n).map(|i| if i % 5 == 0 { 0.0 } else { scale * (seed * i as f64).cos() }).collect();
                let (a, mut z) = (full(&d, &e), identity(n));
                assert!(eigen(&mut d, &mut e, &mut z));
                assert!(d.is_sorted());
                let (residual, orthogonality) = defects(&a, &z, &d);
                assert!(residual < 1e-13 * scale && orthogonality < 1e-13, "{n}: {residual} {orthogonality}");
            }
        }
    }

    #[test]
    fn multiples_zeros_and_what_is_not_finite() {
        let (mut d, mut e) = (vec![3.0; 5], vec![0.0; 4]);
        assert!(eigen(&mut d, &mut e, &mut []));
        assert_eq!(d, [3.0; 5]);
        let (mut d, mut e) = (vec![0.0; 4], vec![0.0; 3]);
        assert!(eigen(&mut d, &mut e, &mut []) && d == [0.0; 4]);
        assert!(!eigen(&mut [1.0, f64::NAN], &mut [0.5], &mut []));
        assert!(!eigen(&mut [1.0, 2.0], &mut [f64::INFINITY], &mut []));
    }

    #[test]
    fn full_matrices_are_reduced_first() {
        for n in [1, 2, 3, 8, 33] {
            let mut a = vec![0.0; n * n];
            for i in 0..n {
                for j in 0..=i {
                    let value = ((i * 7 + j * 13) as f64).sin();
                    a[i * n + j] = value;
                    a[j * n + i] = value;
                }
            }
            let (mut z, mut d, mut e) = (a.clone(), vec![0.0; n], vec![0.0; n.saturating_sub(1)]);
            reduce(&mut z, &mut d, &mut e);
            assert!(eigen(&mut d, &mut e, &mut z));
            let (residual, orthogonality) = defects(&a, &z, &d);
            assert!(residual < 1e-13 * n as f64 && orthogonality < 1e-13, "{n}: {residual} {orthogonality}");
        }
    }
}
