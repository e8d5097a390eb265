//! Interpolation from scattered neighbours: polyharmonic splines with polynomials.
//!
//! s(x) = Σ λ_i ‖x − x_i‖⁵ + a quadratic polynomial, with Σ λ_i q(x_i) = 0 for all such q. It reproduces quadratic
//! polynomials, has no length scale to tune, and allows neighbours anywhere. The same matrix yields an estimate of the
//! error, as in kriging: the power function, which grows with the distance from the neighbours, times the roughness of
//! the values in the norm of the spline (H. Wendland, *Scattered Data Approximation* (2005), chapters 8 and 11).

use super::factor::Factor;

/// The weights of the neighbours of one point, in memory that is reused for the next point.
#[derive(Debug, Default)]
pub(super) struct Spline {
    factor: Factor,
    /// Offsets from the point, divided by the distance of the farthest neighbour.
    offsets: Vec<[f64; 2]>,
    /// The monomials in use, by their exponents.
    powers: Vec<[i32; 2]>,
    /// Orthonormal columns, which show whether the monomials are independent on the neighbours.
    columns: Vec<f64>,
    weights: Vec<f64>,
    power: f64,
    side: Vec<f64>,
    /// A copy of the right-hand side, which solving replaces.
    kept: Vec<f64>,
}

/// The highest degree of the polynomials. On the surfaces of networks in the bench, neither cubic polynomials, nor the
/// radius to the power of 3 or 7, nor more neighbours did better.
const DEGREE: i32 = 2;

/// The number of neighbours that each polynomial needs.
const NEIGHBORS_EACH: f64 = 1.6;

/// A polynomial is left out if less than this share of it, on the neighbours, is independent of the others.
const DEPENDENT: f64 = 1e-4;

/// The largest factor by which the weights may amplify an error of the values.
const AMPLIFICATION: f64 = 20.0;

/// The fewest values, beyond those that fix the polynomial, from which roughness can be estimated.
const LEAST_FREE: usize = 3;

impl Spline {
    /// Finds the weights for neighbours at these offsets from the point, which must differ.
    ///
    /// The degree is lowered until the neighbours determine the polynomial without amplifying errors; the last resort
    /// is a constant, their mean. False without neighbours.
    pub(super) fn fit(&mut self, offsets: &[[f64; 2]]) -> bool {
        let farthest = offsets.iter().map(|[x, y]| x.hypot(*y)).fold(0.0, f64::max);
        if farthest <= 0.0 {
            return false;
        }
        self.offsets.clear();
        self.offsets.extend(offsets.iter().map(|[x, y]| [x / farthest, y / farthest]));
        for degree in (0..=DEGREE).rev() {
            self.choose_powers(degree);
            let enough = self.powers.len() as f64 * NEIGHBORS_EACH <= offsets.len() as f64;
            if (enough || degree == 0) && self.fit_degree(degree) {
                return true;
            }
        }
        let count = offsets.len();
        self.powers.clear();
        self.weights.clear();
        self.weights.resize(count, 1.0 / count as f64);
        self.power = f64::INFINITY;
        true
    }

    /// Σ w_i f_i.
    pub(super) fn value(&self, values: impl Iterator<Item = f64>) -> f64 {
        self.weights.iter().zip(values).map(|(w, f)| w * f).sum()
    }

    /// The estimated error of the value, up to a factor that is calibrated on held-out points; infinite if unknown.
    pub(super) fn error(&mut self, values: impl Iterator<Item = f64>) -> f64 {
        let count = self.offsets.len();
        if !self.power.is_finite() || count < self.powers.len() + LEAST_FREE {
            return f64::INFINITY;
        }
        self.side.clear();
        self.side.extend(values);
        // A constant changes the result by rounding alone, which this avoids.
        let mean = self.side.iter().sum::<f64>() / count as f64;
        self.side.iter_mut().for_each(|f| *f -= mean);
        self.kept.clear();
        self.kept.extend_from_slice(&self.side);
        self.side.resize(count + self.powers.len(), 0.0);
        self.factor.solve(&mut self.side);
        let square: f64 = self.side.iter().zip(&self.kept).map(|(l, f)| l * f).sum();
        (square.max(0.0) / (count - self.powers.len()) as f64).sqrt() * self.power
    }

    /// Solves with the polynomials chosen.
    fn fit_degree(&mut self, degree: i32) -> bool {
        let count = self.offsets.len();
        let terms = self.powers.len();
        self.factor.start(count + terms);
        for i in 0..count {
            for j in 0..i {
                let [x, y] = [0, 1].map(|k| self.offsets[i][k] - self.offsets[j][k]);
                let value = radial(x.hypot(y), degree);
                self.factor.set(i, j, value);
                self.factor.set(j, i, value);
            }
            for (k, powers) in self.powers.iter().enumerate() {
                let value = monomial(self.offsets[i], *powers);
                self.factor.set(i, count + k, value);
                self.factor.set(count + k, i, value);
            }
        }
        if !self.factor.factorize() {
            return false;
        }
        self.side.clear();
        self.side.extend(self.offsets.iter().map(|[x, y]| radial(x.hypot(*y), degree)));
        // At the point itself every monomial but 1 is 0.
        self.side.extend(self.powers.iter().map(|powers| f64::from(u8::from(*powers == [0, 0]))));
        self.kept.clear();
        self.kept.extend_from_slice(&self.side);
        self.factor.solve(&mut self.side);
        // ‖δ − Σ w_i δ_i‖² = φ(0) − 2 wᵀφ + wᵀΦw, and Φw = φ − Pμ.
        let square: f64 = -self.side.iter().zip(&self.kept).map(|(w, t)| w * t).sum::<f64>();
        self.weights.clear();
        self.weights.extend_from_slice(&self.side[..count]);
        self.power = square.max(0.0).sqrt();
        self.weights.iter().map(|w| w.abs()).sum::<f64>() <= AMPLIFICATION
    }

    /// Chooses the monomials up to a degree that are independent on the neighbours, by Gram–Schmidt, low degrees first.
    fn choose_powers(&mut self, degree: i32) {
        let count = self.offsets.len();
        self.powers.clear();
        self.columns.clear();
        for total in 0..=degree {
            for b in 0..=total {
                let powers = [total - b, b];
                let first = self.columns.len();
                self.columns.extend(self.offsets.iter().map(|x| monomial(*x, powers)));
                let (others, column) = self.columns.split_at_mut(first);
                let before = norm(column);
                for other in others.chunks_exact(count) {
                    let share: f64 = other.iter().zip(&*column).map(|(a, b)| a * b).sum();
                    column.iter_mut().zip(other).for_each(|(a, b)| *a -= share * b);
                }
                let after = norm(column);
                if after > DEPENDENT * before {
                    for a in column.iter_mut() {
                        *a /= after;
                    }
                    self.powers.push(powers);
                } else {
                    self.columns.truncate(first);
                }
            }
        }
    }
}

/// The radial function that is conditionally positive definite with polynomials of this degree: −r, r³, −r⁵.
fn radial(r: f64, degree: i32) -> f64 {
    match degree {
        0 => -r,
        1 => r.powi(3),
        _ => -r.powi(5),
    }
}

fn monomial([x, y]: [f64; 2], [a, b]: [i32; 2]) -> f64 {
    x.powi(a) * y.powi(b)
}

fn norm(column: &[f64]) -> f64 {
    column.iter().map(|x| x * x).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(count: usize) -> Vec<[f64; 2]> {
        // The R2 sequence: even and on no lines.
        let part = |k: usize, step: f64| 2.0 * (k as f64 * step).fract() - 1.0;
        (1..=count).map(|k| [part(k, 0.754_877_666), part(k, 0.569_840_291)]).collect()
    }

    fn value(offsets: &[[f64; 2]], f: impl Fn(f64, f64) -> f64) -> (f64, f64) {
        let mut spline = Spline::default();
        assert!(spline.fit(offsets));
        let values = || offsets.iter().map(|[x, y]| f(*x, *y));
        (spline.value(values()), spline.error(values()))
    }

    #[test]
    fn quadratic_polynomials_are_reproduced() {
        let quadratic = |x: f64, y: f64| 2.0 - x + 3.0 * y + x * x - 4.0 * x * y + 0.5 * y * y;
        let (found, error) = value(&spread(24), quadratic);
        assert!((found - 2.0).abs() < 1e-12 && error < 1e-6, "{found} {error}");
        let cubic = |x: f64, y: f64| quadratic(x, y) + (x + 0.5).powi(3);
        let (found, error) = value(&spread(24), cubic);
        let off = (found - cubic(0.0, 0.0)).abs();
        assert!(off > 1e-6 && error > off / 10.0, "not of a higher degree: {off} {error}");
        assert!(
            (value(&spread(5), |x, y| 1.0 - x + 2.0 * y).0 - 1.0).abs() < 1e-12,
            "fewer points, a lower degree"
        );
        assert_eq!(value(&spread(1), |_, _| 4.0), (4.0, f64::INFINITY));
    }

    #[test]
    fn points_in_a_row_or_in_two_do_as_well_as_they_can() {
        let row: Vec<[f64; 2]> = [-2.0, -1.0, 1.0, 2.0, 3.0, -3.0].map(|x| [x, 0.0]).to_vec();
        assert!((value(&row, |x, _| 1.0 + x + x * x).0 - 1.0).abs() < 1e-12);
        let mut rows = row.clone();
        rows.extend(row.iter().map(|[x, _]| [*x, 1.0]));
        rows.extend(row.iter().map(|[x, _]| [x + 0.5, 1.0]));
        let (found, _) = value(&rows, |x, y| 1.0 + x + x * x + 5.0 * y + 2.0 * x * y);
        assert!((found - 1.0).abs() < 1e-11, "{found}");
    }

    #[test]
    fn one_sided_neighbors_do_not_amplify() {
        let far: Vec<[f64; 2]> = spread(24).iter().map(|[x, y]| [x * 0.1 + 1.0, y * 0.1]).collect();
        let mut spline = Spline::default();
        assert!(spline.fit(&far));
        assert!(spline.weights.iter().map(|w| w.abs()).sum::<f64>() <= AMPLIFICATION);
        assert!((spline.weights.iter().sum::<f64>() - 1.0).abs() < 1e-9, "constants stay");
    }

    #[test]
    fn the_error_knows_distance_and_roughness() {
        let wave = |k: f64| move |x: f64, y: f64| (k * x).sin() * (k * y).cos();
        let shrunk = |s: f64| spread(24).iter().map(|[x, y]| [x * s, y * s]).collect::<Vec<_>>();
        let (_, near) = value(&shrunk(0.1), wave(3.0));
        let (_, far) = value(&shrunk(0.4), wave(3.0));
        let (_, rough) = value(&shrunk(0.4), wave(6.0));
        assert!(near < far / 20.0 && far < rough / 4.0, "{near} {far} {rough}");
    }
}
