//! The choice of the points to compute next, and of the points drawn at random to check the others.

use ndarray_rand::rand::{RngCore, seq::index};

use super::{
    field::{Field, Place},
    lattice::{Lattice, Near},
};

/// The state of an interpolation, and what the choice goes by.
pub(super) struct Choose<'a> {
    pub(super) lattice: &'a Lattice,
    pub(super) field: &'a Field,
    /// The factor by which raw errors are multiplied.
    pub(super) calibration: f64,
    pub(super) tolerance: f64,
    /// The levels of each leading channel, on its scale; None if the whole surface matters.
    pub(super) levels: Option<&'a [Vec<f64>]>,
    /// The units of errors of the leading channels.
    pub(super) units: &'a [f64],
}

impl Choose<'_> {
    /// The estimated error of a point.
    pub(super) fn error(&self, point: usize) -> f64 {
        // An unknown error is infinite, and stays so even if the factor is 0.
        let raw = self.field.errors[point];
        if raw.is_finite() { raw * self.calibration } else { raw }
    }

    /// At most `most` points, ascending. They are the points whose estimated errors exceed the tolerance most, and
    /// those at the border of regions that are not finite, widest gaps first; if there are enough of both, each get
    /// half of the places. No two chosen points are nearer to each other than to the nearest computed point.
    pub(super) fn doubtful(&self, most: usize) -> Vec<usize> {
        let of =
            |place: Place| (0..self.lattice.len()).filter(move |&point| self.field.places[point] == place);
        let mut between: Vec<(f64, usize)> = of(Place::Between)
            .map(|point| (self.error(point), point))
            .filter(|&(error, point)| error > self.tolerance && self.matters(point))
            .collect();
        let mut border: Vec<(f64, usize)> =
            of(Place::Border).map(|point| (self.field.spacings[point], point)).collect();
        for list in [&mut between, &mut border] {
            list.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        }
        let mut chosen = Vec::new();
        let mut near = Near::new(self.lattice, 2 * most);
        self.spread(
            &border,
            if between.is_empty() { most } else { most.div_ceil(2) },
            &mut chosen,
            &mut near,
        );
        self.spread(&between, most, &mut chosen, &mut near);
        chosen.sort_unstable();
        chosen
    }

    /// `count` random points, ascending, among the interpolated ones: of those that matter, and, where contours decide
    /// what matters, a third of them of those that do not.
    pub(super) fn random(&self, count: usize, generator: &mut impl RngCore) -> Vec<usize> {
        let between = |point: &usize| self.field.places[*point] == Place::Between;
        let (matter, rest): (Vec<usize>, Vec<usize>) =
            (0..self.lattice.len()).filter(between).partition(|&point| self.matters(point));
        let of_rest = (count / 3).max(count.saturating_sub(matter.len())).min(rest.len());
        let of_matter = (count - of_rest).min(matter.len());
        let mut drawn = Vec::with_capacity(count);
        for (from, amount) in [(matter, of_matter), (rest, of_rest)] {
            drawn.extend(index::sample(generator, from.len(), amount).into_iter().map(|k| from[k]));
        }
        drawn.sort_unstable();
        drawn
    }

    /// Whether an error at this point would be seen. Without levels it always would; with levels, if a contour may pass
    /// between the point and a neighbour.
    pub(super) fn matters(&self, point: usize) -> bool {
        let Some(levels) = self.levels else { return true };
        levels.iter().zip(self.units).enumerate().any(|(channel, (levels, unit))| {
            let range = |point: usize| {
                let (value, error) = (self.field.at(point)[channel], self.error(point) * unit);
                // If nothing is known about the error, the value may be anything.
                if error.is_nan() {
                    [f64::NEG_INFINITY, f64::INFINITY]
                } else {
                    [value - error, value + error]
                }
            };
            let own = range(point);
            self.lattice.sides(point).map(range).chain([own]).any(|side| {
                let (lo, hi) = (own[0].min(side[0]), own[1].max(side[1]));
                levels.iter().any(|level| lo <= *level && *level <= hi)
            })
        })
    }

    fn spread(&self, from: &[(f64, usize)], most: usize, chosen: &mut Vec<usize>, near: &mut Near<'_>) {
        for &(_, point) in from {
            if chosen.len() >= most {
                break;
            }
            if !near.any_within(self.lattice.at(point), self.field.spacings[point]) {
                near.insert(point);
                chosen.push(point);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray_rand::rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// A lattice of 21×21, every fourth point computed, of a step along the first axis.
    fn stepped(with: impl Fn(&Choose<'_>)) {
        let axis: Vec<f64> = (0..21).map(f64::from).collect();
        let lattice = Lattice::new(&axis, &axis);
        let computed: Vec<bool> =
            (0..441).map(|point| (point / 21) % 4 == 0 && (point % 21) % 4 == 0).collect();
        let step = |point: usize| 1.0 / (1.0 + (-((point / 21) as f64 - 10.0)).exp());
        let known: Vec<f64> =
            (0..441).map(|point| if computed[point] { step(point) } else { f64::NAN }).collect();
        let mut field = Field::new(441, 1);
        field.update(&lattice, &known, &computed, &[1.0]);
        let (lattice, field) = (&lattice, &field);
        with(&Choose { lattice, field, calibration: 1.0, tolerance: 1e-3, levels: None, units: &[1.0] });
    }

    #[test]
    fn doubtful_points_are_the_worst_and_keep_their_distance() {
        stepped(|choose| {
            let chosen = choose.doubtful(30);
            assert!(chosen.len() > 5 && chosen.len() <= 30 && chosen.is_sorted());
            let worst = choose.field.errors.iter().copied().fold(0.0, f64::max);
            assert!(chosen.iter().any(|point| choose.field.errors[*point] == worst));
            assert!(chosen.iter().all(|point| choose.error(*point) > 1e-3));
            for (a, b) in
                chosen.iter().flat_map(|a| chosen.iter().map(move |b| (*a, *b))).filter(|(a, b)| a != b)
            {
                let [p, q] = [a, b].map(|point| choose.lattice.at(point));
                let square = (p[0] - q[0]).powi(2) + (p[1] - q[1]).powi(2);
                assert!(square >= choose.field.spacings[a].min(choose.field.spacings[b]), "{a} {b}");
            }
            let calm = Choose { tolerance: 10.0, ..*choose };
            assert!(calm.doubtful(30).is_empty());
        });
    }

    #[test]
    fn levels_make_the_points_beside_them_matter() {
        stepped(|choose| {
            let levels = [vec![0.5]];
            let beside = Choose { levels: Some(&levels), calibration: 1e-3, ..*choose };
            let matter: Vec<usize> = (0..441).filter(|point| beside.matters(*point)).collect();
            assert!(matter.iter().all(|point| (8..=12).contains(&(point / 21))), "{matter:?}");
            assert!((0..21).all(|j| matter.contains(&(10 * 21 + j))), "the step is at row 10");
            let doubted = Choose { levels: Some(&levels), calibration: 1e3, ..*choose };
            assert!((0..441).filter(|point| doubted.matters(*point)).count() > matter.len());
            assert!((0..441).all(|point| choose.matters(point)));
        });
    }

    #[test]
    fn random_points_are_those_left_and_of_one_seed() {
        stepped(|choose| {
            let draw = |seed, count| choose.random(count, &mut ChaCha8Rng::seed_from_u64(seed));
            let drawn = draw(1, 60);
            assert_eq!((drawn.len(), drawn == draw(1, 60), drawn == draw(2, 60)), (60, true, false));
            assert!(drawn.windows(2).all(|w| w[0] < w[1]));
            assert!(drawn.iter().all(|point| choose.field.places[*point] == Place::Between));
            assert_eq!(draw(1, 10_000).len(), 441 - 36, "all that are left");
        });
    }
}
