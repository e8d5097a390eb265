//! The predictions at all points from those computed, with an estimated error for each.

use rayon::prelude::*;

use super::{
    lattice::{Lattice, Near},
    spline::Spline,
};

/// Whether a point can be interpolated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Computed, finite or not.
    Computed,
    /// There are finite points in every direction; it can be interpolated.
    Between,
    /// There are points that are not finite in some directions: the value may be finite or not.
    Border,
    /// There are points that are not finite in all directions.
    Beyond,
}

/// One prediction for each point.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) places: Vec<Place>,
    /// By point and channel; the computed value at computed points, NaN where there is no prediction.
    pub(super) values: Vec<f64>,
    /// The raw error of each point, the largest of its channels: 0 where computed, infinite if unknown.
    pub(super) errors: Vec<f64>,
    /// The square of the distance to the nearest computed point.
    pub(super) spacings: Vec<f64>,
    channels: usize,
}

/// Neighbours in one interpolation.
pub(super) const NEIGHBORS: usize = 24;

/// The number of nearest points from which the neighbours are chosen.
const CANDIDATES: usize = 60;

/// Neighbours that each eighth of the circle may have before the remaining places go to the nearest points.
const IN_EACH_DIRECTION: usize = 2;
const _: () = assert!(8 * IN_EACH_DIRECTION <= NEIGHBORS);

/// The memory that one thread reuses from point to point.
#[derive(Default)]
struct Scratch {
    spline: Spline,
    found: Vec<(f64, usize)>,
    neighbors: Vec<usize>,
    offsets: Vec<[f64; 2]>,
}

impl Field {
    /// For `points` points and `channels` channels.
    pub(super) fn new(points: usize, channels: usize) -> Self {
        Self {
            places: vec![Place::Between; points],
            values: vec![f64::NAN; points * channels],
            errors: vec![f64::INFINITY; points],
            spacings: vec![f64::INFINITY; points],
            channels,
        }
    }

    pub(super) fn at(&self, point: usize) -> &[f64] {
        &self.values[point * self.channels..][..self.channels]
    }

    /// Predicts every point from those computed, whose values are in `known`, by point and channel. The leading
    /// channels, one for each of `units`, decide which points are finite, and how large errors are, in these units.
    pub(super) fn update(&mut self, lattice: &Lattice, known: &[f64], computed: &[bool], units: &[f64]) {
        let (channels, leading) = (self.channels, units.len());
        let mut near = Near::new(lattice, computed.iter().filter(|done| **done).count());
        (0..lattice.len()).filter(|point| computed[*point]).for_each(|point| near.insert(point));
        let of = |point: usize| &known[point * channels..][..channels];
        let usable = |point: usize| of(point)[..leading].iter().all(|value| value.is_finite());
        let predicted = self.values.par_chunks_mut(channels).zip(&mut self.places);
        let predicted = predicted.zip(&mut self.errors).zip(&mut self.spacings).enumerate();
        predicted.for_each_init(Scratch::default, |scratch, (point, (((values, place), error), spacing))| {
            if computed[point] {
                values.copy_from_slice(of(point));
                (*place, *error, *spacing) = (Place::Computed, 0.0, 0.0);
                return;
            }
            values.fill(f64::NAN);
            *place = scratch.surround(lattice, &near, lattice.at(point), usable);
            *spacing = scratch.found.first().map_or(f64::INFINITY, |(square, _)| *square);
            *error = f64::INFINITY;
            if *place != Place::Between || !scratch.spline.fit(&scratch.offsets) {
                return;
            }
            let Scratch { spline, neighbors, .. } = scratch;
            for (channel, value) in values.iter_mut().enumerate() {
                *value = spline.value(neighbors.iter().map(|&other| of(other)[channel]));
            }
            let errors = units.iter().enumerate().map(|(channel, unit)| {
                let error = spline.error(neighbors.iter().map(|&other| of(other)[channel]));
                if error > 0.0 { error / unit } else { error }
            });
            *error = errors.fold(0.0, f64::max);
        });
    }
}

impl Scratch {
    /// Chooses the neighbours of a place: the nearest, but some in every direction that has any, and none that is
    /// hidden by a nearer point in its direction that is not finite.
    fn surround(
        &mut self,
        lattice: &Lattice,
        near: &Near<'_>,
        at: [f64; 2],
        usable: impl Fn(usize) -> bool,
    ) -> Place {
        near.nearest(at, CANDIDATES, &mut self.found);
        self.neighbors.clear();
        self.offsets.clear();
        let offset = |point: usize| {
            let there = lattice.at(point);
            [there[0] - at[0], there[1] - at[1]]
        };
        // The nearest in each direction: the square of its distance, and whether it is finite.
        let mut first: [Option<(f64, bool)>; 8] = [None; 8];
        for &(square, point) in &self.found {
            first[direction(offset(point))].get_or_insert((square, usable(point)));
        }
        // A point does not count if nearer ones in both adjacent directions contradict it.
        let hides = |k: usize, (square, finite): (f64, bool)| {
            first[k % 8].is_some_and(|(other, is_finite)| other < square && is_finite != finite)
        };
        let seen = |k: usize| first[k].filter(|there| !(hides(k + 1, *there) && hides(k + 7, *there)));
        let finite = (0..8).filter_map(seen).filter(|(_, finite)| *finite).count();
        if finite < (0..8).filter_map(seen).count() || finite == 0 {
            return if finite > 0 { Place::Border } else { Place::Beyond };
        }
        // First the share of every direction, then the nearest of the rest.
        let mut counts = [0_usize; 8];
        let mut behind = [false; 8];
        let mut rest = Vec::with_capacity(self.found.len());
        for &(_, point) in &self.found {
            let direction = direction(offset(point));
            behind[direction] |= !usable(point);
            if behind[direction] {
                continue;
            }
            counts[direction] += 1;
            if counts[direction] <= IN_EACH_DIRECTION {
                self.neighbors.push(point);
            } else {
                rest.push(point);
            }
        }
        self.neighbors.extend(rest.into_iter().take(NEIGHBORS - self.neighbors.len()));
        self.offsets.extend(self.neighbors.iter().map(|&point| offset(point)));
        Place::Between
    }
}

/// The eighth of the circle to which an offset points; the first is centred on the first axis.
fn direction([x, y]: [f64; 2]) -> usize {
    // Neighbours on a lattice are along axes and diagonals, which are the middles of eighths.
    const TAN: f64 = std::f64::consts::SQRT_2 - 1.0;
    let (wide, high) = (x.abs(), y.abs());
    match (high <= TAN * wide, wide <= TAN * high, x > 0.0, y > 0.0) {
        (true, _, true, _) => 0,
        (true, _, false, _) => 4,
        (_, true, _, true) => 2,
        (_, true, _, false) => 6,
        (_, _, true, true) => 1,
        (_, _, false, true) => 3,
        (_, _, false, false) => 5,
        (_, _, true, false) => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_eighths_of_the_circle_around_the_axes() {
        for k in 0..64 {
            // Between the borders, a little off each middle.
            let angle = std::f64::consts::TAU * (f64::from(k) + 0.5) / 64.0;
            let expected = (angle / std::f64::consts::FRAC_PI_4).round() as usize % 8;
            assert_eq!(direction([angle.cos(), angle.sin()]), expected, "{k}");
        }
    }

    #[test]
    fn places_tell_what_lies_around_a_point() {
        let axis: Vec<f64> = (0..9).map(f64::from).collect();
        let lattice = Lattice::new(&axis, &axis);
        // Every second point; those of the last rows are NaN, and a plane elsewhere.
        let plane = |point: usize| if point / 9 >= 6 { f64::NAN } else { 1.0 + (point % 9) as f64 };
        let computed: Vec<bool> = (0..81).map(|point| (point / 9) % 2 == 0 && (point % 9) % 2 == 0).collect();
        let known: Vec<f64> =
            (0..81).map(|point| if computed[point] { plane(point) } else { f64::NAN }).collect();
        let mut field = Field::new(81, 1);
        field.update(&lattice, &known, &computed, &[1.0]);
        let at = |i: usize, j: usize| i * 9 + j;
        assert_eq!(field.places[at(2, 2)], Place::Computed);
        assert_eq!((field.errors[at(2, 2)], field.spacings[at(2, 2)]), (0.0, 0.0));
        assert_eq!(field.places[at(3, 3)], Place::Between);
        assert!((field.at(at(3, 3))[0] - 4.0).abs() < 1e-12 && field.errors[at(3, 3)] < 1e-6);
        assert_eq!(field.places[at(5, 3)], Place::Border, "finite above, NaN below");
        assert!(field.at(at(5, 3))[0].is_nan());
        assert_eq!(field.places[at(7, 3)], Place::Beyond);
        assert!((field.spacings[at(3, 3)] - 2.0 / 64.0).abs() < 1e-15);
    }
}
