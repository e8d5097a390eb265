//! How measures are read off the values of a grid.

use std::fmt;

use crate::{Error, Result};

/// What a measure of one landscape gives.
///
/// ```
/// use loss_landscape::measure::Reading;
///
/// let readings = [Reading::Value(0.5), Reading::AtLeast(1.0), Reading::Unknown];
/// assert_eq!(readings.map(|reading| reading.value()), [Some(0.5), None, None]);
/// assert_eq!(readings[1].to_string(), "at least 1");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Reading {
    /// A finite value.
    Value(f64),
    /// The grid ends before the value is known: it is this or more.
    AtLeast(f64),
    /// Points that decide it were not computed, failed, or are not finite.
    Unknown,
}

/// The values of a channel over α and β.
pub(super) struct Plane<'v> {
    pub(super) axes: [&'v [f64]; 2],
    /// 1 for a line, whose β is the single value 0.
    pub(super) dimensions: usize,
    /// Row by row.
    pub(super) values: &'v [f64],
}

/// The lowest point.
pub(super) struct Lowest {
    pub(super) offset: Reading,
    pub(super) drop: Reading,
}

impl Reading {
    /// The value, if it is known.
    pub fn value(self) -> Option<f64> {
        if let Self::Value(value) = self { Some(value) } else { None }
    }

    /// Whether its number, if it has one, is finite.
    #[cfg(feature = "json")]
    pub(crate) fn is_finite(self) -> bool {
        match self {
            Self::Value(value) | Self::AtLeast(value) => value.is_finite(),
            Self::Unknown => true,
        }
    }

    fn of(value: f64) -> Self {
        if value.is_finite() { Self::Value(value) } else { Self::Unknown }
    }
}

impl Plane<'_> {
    fn columns(&self) -> usize {
        self.axes[1].len()
    }

    fn at(&self, [i, j]: [usize; 2]) -> f64 {
        self.values[i * self.columns() + j]
    }

    fn distance(&self, [i, j]: [usize; 2]) -> f64 {
        self.axes[0][i].hypot(self.axes[1][j])
    }

    fn points(&self) -> impl Iterator<Item = ([usize; 2], f64)> {
        let columns = self.columns();
        self.values.iter().enumerate().map(move |(point, &value)| ([point / columns, point % columns], value))
    }

    fn names(&self) -> &'static [&'static str] {
        &["α", "β"][..self.dimensions]
    }

    fn centre(&self) -> Result<[usize; 2]> {
        let find = |axis: usize| {
            let reason = "has no point at 0";
            let place = self.axes[axis].iter().position(|&x| x == 0.0);
            place.ok_or_else(|| Error::NoCentre { axis: self.names()[axis], reason })
        };
        Ok([find(0)?, find(1)?])
    }

    fn is_border(&self, index: [usize; 2]) -> bool {
        (0..self.dimensions).any(|axis| index[axis] == 0 || index[axis] + 1 == self.axes[axis].len())
    }

    pub(super) fn curvature(&self, axis: usize) -> Result<Reading> {
        let Some(&name) = self.names().get(axis) else {
            let needs = if self.dimensions == 1 { "0, the one axis of a curve" } else { "0 or 1" };
            return Err(Error::Setting { setting: "the axis", value: axis as f64, needs });
        };
        let centre = self.centre()?;
        let coordinates = self.axes[axis];
        let reason = "has no neighbours of 0 at equal distances";
        let place = centre[axis];
        if place == 0 || place + 1 == coordinates.len() {
            return Err(Error::NoCentre { axis: name, reason });
        }
        let (left, right) = (-coordinates[place - 1], coordinates[place + 1]);
        // Ranges that are symmetric about 0 give neighbours that are, up to rounding.
        if (left - right).abs() > 1e-9 * left.max(right) {
            return Err(Error::NoCentre { axis: name, reason });
        }
        let step = f64::midpoint(left, right);
        let beside = |step: isize| {
            let mut index = centre;
            index[axis] = index[axis].wrapping_add_signed(step);
            self.at(index)
        };
        Ok(Reading::of((beside(1) - 2.0 * self.at(centre) + beside(-1)) / (step * step)))
    }

    pub(super) fn radius(&self, level: impl Fn(f64) -> Result<f64>) -> Result<Reading> {
        let centre = self.centre()?;
        let value = self.at(centre);
        let level = level(value)?;
        if is_unknown(value) || level.is_nan() {
            return Ok(Reading::Unknown);
        }
        if value > level {
            return Ok(Reading::Value(0.0));
        }
        let (mut nearest, mut unknown) = (f64::INFINITY, f64::INFINITY);
        for (index, value) in self.points() {
            if is_unknown(value) {
                unknown = unknown.min(self.distance(index));
                continue;
            }
            for axis in 0..self.dimensions {
                let mut next = index;
                next[axis] += 1;
                if next[axis] == self.axes[axis].len() {
                    continue;
                }
                let other = self.at(next);
                if !is_unknown(other) && (value > level) != (other > level) {
                    nearest = nearest.min(self.crossing(index, next, level));
                }
            }
        }
        let ends = (0..self.dimensions).flat_map(|axis| {
            let coordinates = self.axes[axis];
            [-coordinates[0], coordinates[coordinates.len() - 1]]
        });
        let extent = ends.fold(f64::INFINITY, f64::min);
        Ok(if unknown <= nearest.min(extent) {
            Reading::Unknown
        } else if nearest <= extent {
            Reading::Value(nearest)
        } else {
            Reading::AtLeast(extent)
        })
    }

    /// The distance from the centre of the place between two neighbours at which the level is crossed.
    fn crossing(&self, a: [usize; 2], b: [usize; 2], level: f64) -> f64 {
        let (below, above) = if self.at(a) > level { (b, a) } else { (a, b) };
        let (low, high) = (self.at(below), self.at(above));
        // Towards infinity, all that is known is that the last finite point is below.
        let share = if high.is_finite() { (level - low) / (high - low) } else { 0.0 };
        let between = |axis: usize| {
            let [from, to] = [below, above].map(|index| self.axes[axis][index[axis]]);
            from + share * (to - from)
        };
        between(0).hypot(between(1))
    }

    pub(super) fn share_below(&self, level: impl Fn(f64) -> Result<f64>) -> Result<Reading> {
        let centre = self.centre()?;
        let level = level(self.at(centre))?;
        if level.is_nan() || self.values.iter().copied().any(is_unknown) {
            return Ok(Reading::Unknown);
        }
        let weights = self.axes.map(weights);
        let (mut below, mut all) = (0.0, 0.0);
        for ([i, j], value) in self.points() {
            let weight = weights[0][i] * weights[1][j];
            all += weight;
            below += if value <= level { weight } else { 0.0 };
        }
        Ok(Reading::of(below / all))
    }

    pub(super) fn lowest(&self) -> Result<Lowest> {
        let centre = self.centre()?;
        let known = self.points().filter(|(_, value)| value.is_finite());
        // The nearest of equal ones.
        let lowest =
            known.min_by(|a, b| a.1.total_cmp(&b.1).then(self.distance(a.0).total_cmp(&self.distance(b.0))));
        let unknown = Lowest { offset: Reading::Unknown, drop: Reading::Unknown };
        let Some((index, value)) = lowest else { return Ok(unknown) };
        if self.values.iter().copied().any(is_unknown) || !self.at(centre).is_finite() {
            return Ok(unknown);
        }
        let reading = if self.is_border(index) { Reading::AtLeast } else { Reading::Value };
        Ok(Lowest { offset: reading(self.distance(index)), drop: reading(self.at(centre) - value) })
    }

    pub(super) fn bends_down(&self, tolerance: f64) -> Reading {
        let (mut bent, mut triples) = (0_usize, 0_usize);
        for axis in 0..self.dimensions {
            let coordinates = self.axes[axis];
            for (index, value) in self.points() {
                let place = index[axis];
                let mut step = 1;
                while step <= place && place + step < coordinates.len() {
                    let beside = |at: usize| {
                        let mut index = index;
                        index[axis] = at;
                        (coordinates[at], self.at(index))
                    };
                    let ((x, left), (z, right)) = (beside(place - step), beside(place + step));
                    step *= 2;
                    if ![left, value, right].into_iter().all(f64::is_finite) {
                        continue;
                    }
                    let share = (coordinates[place] - x) / (z - x);
                    let chord = left + share * (right - left);
                    let rounding = 4.0 * f64::EPSILON * (left.abs() + value.abs() + right.abs());
                    triples += 1;
                    bent += usize::from(value - chord > tolerance + rounding);
                }
            }
        }
        if triples == 0 { Reading::Unknown } else { Reading::Value(bent as f64 / triples as f64) }
    }
}

/// The part of an axis that is nearest to each point; a single one has all.
fn weights(axis: &[f64]) -> Vec<f64> {
    let last = axis.len() - 1;
    if last == 0 {
        return vec![1.0];
    }
    (0..=last).map(|i| (axis[(i + 1).min(last)] - axis[i.saturating_sub(1)]) / 2.0).collect()
}

/// Whether nothing is known of a value; +∞ is above all.
fn is_unknown(value: f64) -> bool {
    value.is_nan() || value == f64::NEG_INFINITY
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => write!(f, "{value}"),
            Self::AtLeast(value) => write!(f, "at least {value}"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        Curve, Surface,
        measure::{Level, Measure},
    };
    use ndarray::Array2;

    fn surface(axis: &[f64], loss: impl Fn(f64, f64) -> f64) -> Surface {
        let n = axis.len();
        let loss = Array2::from_shape_fn((n, n), |(i, j)| loss(axis[i], axis[j]));
        Surface::from_channels(axis, axis, [("loss".to_owned(), loss)]).unwrap()
    }

    fn axis(points: i32, end: f64) -> Vec<f64> {
        (-points..=points).map(|i| f64::from(i) * end / f64::from(points)).collect()
    }

    fn curve(alpha: &[f64], loss: &[f64]) -> Curve {
        Curve::from_channels(alpha, [("loss".to_owned(), loss.to_vec().into())]).unwrap()
    }

    #[test]
    fn a_bowl_has_its_closed_forms() {
        let bowl = surface(&axis(100, 2.0), |x, y| 3.0 + x * x + 4.0 * (y - 0.5).powi(2));
        let of = |measure: Measure| measure.of(&bowl, "loss").unwrap().value().unwrap();
        assert!((of(Measure::Curvature { axis: 0 }) - 2.0).abs() < 1e-9);
        assert!((of(Measure::Curvature { axis: 1 }) - 8.0).abs() < 1e-9);
        assert_eq!((of(Measure::Offset), of(Measure::Drop)), (0.5, 1.0));
        // x² + 4(y − ½)² ≤ 4 is nearest to the origin at y = ½ − 1.
        assert!((of(Measure::Radius(Level::AboveCentre(3.0))) - 0.5).abs() < 1e-3);
        assert_eq!(of(Measure::Radius(Level::Value(3.5))), 0.0);
        // An ellipse of area 2π·1 in 16.
        let share = of(Measure::ShareBelow(Level::Value(7.0)));
        assert!((share - std::f64::consts::PI / 8.0).abs() < 2e-3, "{share}");
        assert_eq!(of(Measure::BendsDown { tolerance: 0.0 }), 0.0);
        let outside = Measure::Radius(Level::Value(1e3)).of(&bowl, "loss").unwrap();
        assert_eq!(outside, Reading::AtLeast(2.0));
    }

    #[test]
    fn a_ridge_bends_down_and_a_tolerance_hides_it() {
        let wave = surface(&axis(16, 1.0), |x, _| (std::f64::consts::PI * 4.0 * x).cos());
        let share = |tolerance| Measure::BendsDown { tolerance }.of(&wave, "loss").unwrap().value().unwrap();
        // Eight points a period. A row has 31 + 29 + 25 + 17 + 1 triples along α; at 1, 2 and 4 steps those on the three
        // points of a crest bend down, 11 + 9 + 9 of them. A column, of which there are as many, has none.
        assert_eq!(share(1e-12), 29.0 / 206.0);
        assert_eq!(share(2.1), 0.0);
        // Along β nothing changes, which is no bend.
        let flat = surface(&axis(8, 1.0), |_, y| 0.1 + y / 3.0);
        assert_eq!(Measure::BendsDown { tolerance: 0.0 }.of(&flat, "loss").unwrap(), Reading::Value(0.0));
    }

    #[test]
    fn the_border_and_what_is_not_known_are_said() {
        let alpha = [-1.0, -0.5, 0.0, 0.5, 1.0];
        let of = |loss: [f64; 5], measure: Measure| measure.of(&curve(&alpha, &loss), "loss").unwrap();
        let slope = [5.0, 4.0, 3.0, 2.0, 1.0];
        assert_eq!(of(slope, Measure::Offset), Reading::AtLeast(1.0));
        assert_eq!(of(slope, Measure::Drop), Reading::AtLeast(2.0));
        let radius = Measure::Radius(Level::Value(2.0));
        assert_eq!(of([9.0, 1.0, 1.0, 1.0, f64::NAN], radius), Reading::Value(0.5625));
        assert_eq!(of([9.0, f64::NAN, 1.0, 1.0, 9.0], radius), Reading::Unknown);
        assert_eq!(of([1.0, 1.0, 1.0, 1.0, f64::INFINITY], radius), Reading::Value(0.5));
        assert_eq!(of([1.0, 1.0, f64::NAN, 1.0, 9.0], radius), Reading::Unknown);
        assert_eq!(of([1.0, 1.0, f64::INFINITY, 1.0, 9.0], radius), Reading::Value(0.0));
        let share = Measure::ShareBelow(Level::Value(2.0));
        assert_eq!(of([9.0, 1.0, 1.0, 1.0, f64::INFINITY], share), Reading::Value(0.75));
        assert_eq!(of([f64::NAN, 1.0, 1.0, 1.0, 1.0], share), Reading::Unknown);
        assert_eq!(of([f64::NAN; 5], Measure::Offset), Reading::Unknown);
        assert_eq!(of([f64::NAN; 5], Measure::BendsDown { tolerance: 0.0 }), Reading::Unknown);
        assert_eq!(of([1.0, f64::NAN, 1.0, 1.0, 9.0], Measure::Curvature { axis: 0 }), Reading::Unknown);
    }

    #[test]
    fn grids_and_settings_that_give_nothing_say_why() {
        let line = curve(&[0.5, 1.0], &[1.0, 2.0]);
        let error = |curve: &Curve, measure: Measure| measure.of(curve, "loss").unwrap_err().to_string();
        assert_eq!(error(&line, Measure::Offset), "the axis α has no point at 0");
        let uneven = curve(&[-1.0, 0.0, 0.5], &[1.0; 3]);
        let curvature = |axis| Measure::Curvature { axis };
        assert_eq!(error(&uneven, curvature(0)), "the axis α has no neighbours of 0 at equal distances");
        assert_eq!(error(&uneven, curvature(1)), "the axis must be 0, the one axis of a curve, not 1");
        assert_eq!(error(&curve(&[0.0, 1.0], &[1.0; 2]), curvature(0)), error(&uneven, curvature(0)));
        let measure = Measure::Radius(Level::TimesCentre(f64::NAN));
        assert_eq!(error(&uneven, measure), "the level must be finite, not NaN");
        let measure = Measure::BendsDown { tolerance: -1.0 };
        assert_eq!(error(&uneven, measure), "the tolerance must be 0 or more, and finite, not -1");
        assert!(matches!(Measure::Offset.of(&uneven, "x"), Err(Error::UnknownChannel { .. })));
    }

    proptest! {
        /// The share below a level grows with it, and so does the radius.
        #[test]
        fn basins_grow_with_their_level(values in prop::collection::vec(-3.0_f64..3.0, 25), low in 0.0_f64..2.0, more in 0.0_f64..2.0) {
            let axis = axis(2, 1.0);
            let loss = Array2::from_shape_vec((5, 5), values).unwrap();
            let surface = Surface::from_channels(&axis, &axis, [("loss".to_owned(), loss)]).unwrap();
            let size = |measure: Measure| match measure.of(&surface, "loss").unwrap() {
                Reading::Value(value) => value,
                Reading::AtLeast(value) => value + 1e-9,
                Reading::Unknown => f64::NAN,
            };
            let (low, high) = (Level::AboveCentre(low), Level::AboveCentre(low + more));
            prop_assert!(size(Measure::Radius(low)) <= size(Measure::Radius(high)));
            prop_assert!(size(Measure::ShareBelow(low)) <= size(Measure::ShareBelow(high)));
            // The disc of the radius is below the level.
            let radius = size(Measure::Radius(low));
            let level = surface.loss()[[2, 2]] + match low { Level::AboveCentre(rise) => rise, _ => 0.0 };
            for ((i, j), value) in surface.loss().indexed_iter() {
                prop_assert!(axis[i].hypot(axis[j]) > radius - 1e-12 || *value <= level);
            }
        }
    }
}
