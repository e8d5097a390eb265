//! Small dense linear systems: LU with partial pivoting, in memory that is reused for the next system.

/// A square matrix, row by row, which is replaced by its factors.
#[derive(Debug, Default)]
pub(super) struct Factor {
    n: usize,
    matrix: Vec<f64>,
    order: Vec<usize>,
    room: Vec<f64>,
}

/// A pivot this much smaller than the largest entry means that the matrix is singular.
const SINGULAR: f64 = 1e-13;

impl Factor {
    /// Starts a matrix of n×n zeros.
    pub(super) fn start(&mut self, n: usize) {
        self.n = n;
        self.matrix.clear();
        self.matrix.resize(n * n, 0.0);
    }

    pub(super) fn set(&mut self, row: usize, column: usize, value: f64) {
        self.matrix[row * self.n + column] = value;
    }

    /// Factorises; false if the matrix is singular or not finite.
    pub(super) fn factorize(&mut self) -> bool {
        let n = self.n;
        let largest = self.matrix.iter().fold(0.0_f64, |m, a| m.max(a.abs()));
        self.order.clear();
        self.order.extend(0..n);
        for k in 0..n {
            let size = |i: usize| self.matrix[i * n + k].abs();
            let pivot = (k..n).fold(k, |best, i| if size(i) > size(best) { i } else { best });
            // False for NaN too.
            let is_sound = size(pivot) > SINGULAR * largest && largest.is_finite();
            if !is_sound {
                return false;
            }
            if pivot != k {
                self.order.swap(pivot, k);
                let (above, below) = self.matrix.split_at_mut(pivot * n);
                above[k * n..(k + 1) * n].swap_with_slice(&mut below[..n]);
            }
            let (above, below) = self.matrix.split_at_mut((k + 1) * n);
            let first = &above[k * n..];
            for row in below.chunks_exact_mut(n) {
                let factor = row[k] / first[k];
                row[k] = factor;
                for (a, b) in row[k + 1..].iter_mut().zip(&first[k + 1..]) {
                    *a -= factor * b;
                }
            }
        }
        true
    }

    /// Solves the system for a right-hand side, in place.
    pub(super) fn solve(&mut self, side: &mut [f64]) {
        let n = self.n;
        self.room.clear();
        self.room.extend(self.order.iter().map(|&i| side[i]));
        for i in 1..n {
            let row = &self.matrix[i * n..i * n + i];
            let known: f64 = row.iter().zip(&self.room).map(|(a, x)| a * x).sum();
            self.room[i] -= known;
        }
        for i in (0..n).rev() {
            let row = &self.matrix[i * n..(i + 1) * n];
            let known: f64 = row[i + 1..].iter().zip(&self.room[i + 1..]).map(|(a, x)| a * x).sum();
            self.room[i] = (self.room[i] - known) / row[i];
        }
        side.copy_from_slice(&self.room);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systems_are_solved_and_singular_ones_refused() {
        let mut factor = Factor::default();
        for n in [1, 2, 7, 30] {
            factor.start(n);
            let entry =
                |i: usize, j: usize| ((i * 31 + 7) * (j * 17 + 5) * (i + 2 * j + 3) % 101) as f64 - 50.0;
            // Zeros on the diagonal, so that rows must be exchanged.
            let entry = |i: usize, j: usize| if i == j && n > 1 { 0.0 } else { entry(i, j) };
            (0..n * n).for_each(|k| factor.set(k / n, k % n, entry(k / n, k % n)));
            assert!(factor.factorize(), "{n}");
            let x: Vec<f64> = (0..n).map(|i| i as f64 - 2.5).collect();
            let mut side: Vec<f64> = (0..n).map(|i| (0..n).map(|j| entry(i, j) * x[j]).sum()).collect();
            factor.solve(&mut side);
            assert!(side.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-10), "{n}: {side:?}");
        }
        factor.start(3);
        (0..9).for_each(|k| factor.set(k / 3, k % 3, (k / 3 + k % 3) as f64));
        assert!(!factor.factorize(), "rank 2");
        factor.start(1);
        factor.set(0, 0, f64::NAN);
        assert!(!factor.factorize());
    }
}
