//! An orthonormal basis of long vectors, made to subtract its components from another vector.

use crate::Scalar;

/// The number of elements that are worked on at a time; those of 40 vectors fit into the second-level cache.
const TILE: usize = 1024;
/// The number of independent partial sums of an inner product.
const LANES: usize = 16;

/// Vectors of one length, orthonormal to rounding. Memory is taken when vectors are added, and kept for later ones.
#[derive(Debug)]
pub(in crate::curvature) struct Basis<S> {
    n: usize,
    vectors: Vec<Vec<S>>,
    used: usize,
}

impl<S: Scalar> Basis<S> {
    pub(in crate::curvature) fn new(n: usize) -> Self {
        Self { n, vectors: Vec::new(), used: 0 }
    }

    pub(in crate::curvature) fn len(&self) -> usize {
        self.used
    }

    pub(in crate::curvature) fn clear(&mut self) {
        self.used = 0;
    }

    pub(in crate::curvature) fn get(&self, index: usize) -> &[S] {
        &self.vectors[index]
    }

    /// Adds the vector `scale`·v.
    pub(in crate::curvature) fn push(&mut self, v: &[S], scale: f64) {
        if self.used == self.vectors.len() {
            self.vectors.push(vec![S::zero(); self.n]);
        }
        let scale = S::from_f64(scale);
        for (q, &v) in self.vectors[self.used].iter_mut().zip(v) {
            *q = scale * v;
        }
        self.used += 1;
    }

    /// c ← Qᵀ·w.
    pub(in crate::curvature) fn project(&self, w: &[S], c: &mut [f64]) {
        c.fill(0.0);
        for (index, w) in w.chunks(TILE).enumerate() {
            self.project_tile(index * TILE, w, c);
        }
    }

    /// w ← w − Q·c, and then `again` ← Qᵀ·w with the new w; the basis is read once. Returns ‖w‖².
    pub(in crate::curvature) fn subtract(&self, w: &mut [S], c: &[f64], again: &mut [f64]) -> f64 {
        again.fill(0.0);
        let mut square = 0.0;
        for (index, w) in w.chunks_mut(TILE).enumerate() {
            let start = index * TILE;
            let range = start..start + w.len();
            let mut fours = c.chunks_exact(4);
            let mut j = 0;
            for c in &mut fours {
                let c = [c[0], c[1], c[2], c[3]].map(S::from_f64);
                let q = [0, 1, 2, 3].map(|k| &self.vectors[j + k][range.clone()]);
                for ((((w, &a), &b), &d), &e) in w.iter_mut().zip(q[0]).zip(q[1]).zip(q[2]).zip(q[3]) {
                    *w -= (a * c[0] + b * c[1]) + (d * c[2] + e * c[3]);
                }
                j += 4;
            }
            for &c in fours.remainder() {
                let c = S::from_f64(c);
                for (w, &q) in w.iter_mut().zip(&self.vectors[j][range.clone()]) {
                    *w -= c * q;
                }
                j += 1;
            }
            square += inner(w, w);
            self.project_tile(start, w, again);
        }
        square
    }

    /// Replaces the basis by its combinations with the columns `columns` of z, a k×k matrix row by row,
    /// where k is the length of the basis. It goes tile by tile, so that it needs no memory for a second basis.
    pub(in crate::curvature) fn combine(&mut self, z: &[f64], columns: &[usize]) {
        let k = self.used;
        let mut room = vec![S::zero(); columns.len() * TILE];
        for start in (0..self.n).step_by(TILE) {
            let width = TILE.min(self.n - start);
            let room = &mut room[..columns.len() * width];
            for (&column, out) in columns.iter().zip(room.chunks_exact_mut(width)) {
                self.combination(start, z, column, out);
            }
            for (q, out) in self.vectors[..k].iter_mut().zip(room.chunks_exact(width)) {
                q[start..start + width].copy_from_slice(out);
            }
        }
        self.used = columns.len();
    }

    /// Writes the combination with column `column` of z.
    pub(in crate::curvature) fn combined(&self, z: &[f64], column: usize, out: &mut [S]) {
        for (index, out) in out.chunks_mut(TILE).enumerate() {
            self.combination(index * TILE, z, column, out);
        }
    }

    fn combination(&self, start: usize, z: &[f64], column: usize, out: &mut [S]) {
        out.fill(S::zero());
        for (j, q) in self.vectors[..self.used].iter().enumerate() {
            let weight = S::from_f64(z[j * self.used + column]);
            for (out, &q) in out.iter_mut().zip(&q[start..]) {
                *out += weight * q;
            }
        }
    }

    fn project_tile(&self, start: usize, w: &[S], c: &mut [f64]) {
        let part = |j: usize| &self.vectors[j][start..start + w.len()];
        let mut fours = c.chunks_exact_mut(4);
        let mut j = 0;
        for c in &mut fours {
            for (c, sum) in c.iter_mut().zip(inner_four([part(j), part(j + 1), part(j + 2), part(j + 3)], w))
            {
                *c += sum;
            }
            j += 4;
        }
        for c in fours.into_remainder() {
            *c += inner(part(j), w);
            j += 1;
        }
    }
}

/// ⟨a, b⟩, summed in a fixed order: sixteen partial sums in each tile, and the tiles in f64.
pub(in crate::curvature) fn dot<S: Scalar>(a: &[S], b: &[S]) -> f64 {
    a.chunks(TILE).zip(b.chunks(TILE)).map(|(a, b)| inner(a, b)).sum()
}

/// ⟨a, b⟩ of one tile.
fn inner<S: Scalar>(a: &[S], b: &[S]) -> f64 {
    let mut sums = [S::zero(); LANES];
    let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a.as_f64() * b.as_f64()).sum();
    for (a, b) in a.zip(b) {
        for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().map(|sum| sum.as_f64()).sum::<f64>() + rest
}

/// The inner products of four vectors with the vector w, which is read once.
fn inner_four<S: Scalar>(q: [&[S]; 4], w: &[S]) -> [f64; 4] {
    const LANES: usize = 8;
    let mut sums = [[S::zero(); LANES]; 4];
    let whole = w.len() / LANES * LANES;
    let [a, b, c, d] = q.map(|q| q[..whole].chunks_exact(LANES));
    for ((((w, a), b), c), d) in w[..whole].chunks_exact(LANES).zip(a).zip(b).zip(c).zip(d) {
        for lane in 0..LANES {
            sums[0][lane] += a[lane] * w[lane];
            sums[1][lane] += b[lane] * w[lane];
            sums[2][lane] += c[lane] * w[lane];
            sums[3][lane] += d[lane] * w[lane];
        }
    }
    let mut totals = [0.0; 4];
    for ((total, sums), q) in totals.iter_mut().zip(sums).zip(q) {
        let rest: f64 = q[whole..].iter().zip(&w[whole..]).map(|(q, w)| q.as_f64() * w.as_f64()).sum();
        *total = sums.iter().map(|sum| sum.as_f64()).sum::<f64>() + rest;
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(n: usize, seed: f64) -> Vec<f64> {
        (0..n).map(|i| (seed * (i + 1) as f64).sin()).collect()
    }

    #[test]
    fn what_is_left_is_orthogonal_and_the_parts_add_up() {
        for n in [2, 15, 16, 1023, 1024, 2500] {
            let count = 7.min(n);
            let mut basis = Basis::new(n);
            let mut c = Vec::new();
            for k in 0..count {
                let mut w = vector(n, 1.0 + k as f64);
                c.resize(k, 0.0);
                let mut again = vec![0.0; k];
                basis.project(&w, &mut c);
                basis.subtract(&mut w, &c, &mut again);
                let square = basis.subtract(&mut w, &again.clone(), &mut again);
                basis.push(&w, square.sqrt().recip());
            }
            for i in 0..count {
                for j in 0..=i {
                    let expected = f64::from(u8::from(i == j));
                    assert!((dot(basis.get(i), basis.get(j)) - expected).abs() < 1e-14, "{n}: {i} {j}");
                }
            }
            // Mirrored: the last becomes the first.
            let before: Vec<Vec<f64>> = (0..count).map(|i| basis.get(i).to_vec()).collect();
            let mut z = vec![0.0; count * count];
            for i in 0..count {
                z[i * count + (count - 1 - i)] = 1.0;
            }
            let mut out = vec![0.0; n];
            basis.combined(&z, 0, &mut out);
            assert_eq!(out, before[count - 1]);
            basis.combine(&z, &[0, count - 1]);
            assert_eq!((basis.len(), basis.get(0)), (2, before[count - 1].as_slice()));
            assert_eq!(basis.get(1), before[0]);
        }
    }
}
