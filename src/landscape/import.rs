//! Landscapes from values of other programs, and from files.

use std::collections::HashSet;

use ndarray::{Array1, Array2, ArrayD};

use super::{BadPoint, Curve, Parts, PointFailure, Surface, SweepReport};
use crate::{Error, Result};

impl Curve {
    /// A curve of values from another program; see [`Surface::from_channels`].
    ///
    /// ```
    /// use loss_landscape::{Curve, ndarray::array};
    ///
    /// let curve = Curve::from_channels(&[-1.0, 0.0, 1.0], [("loss".to_owned(), array![1.0, 0.0, 1.0])])?;
    /// assert_eq!(curve.loss()[1], 0.0);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Surface::from_channels`].
    pub fn from_channels(
        alpha: &[f64],
        channels: impl IntoIterator<Item = (String, Array1<f64>)>,
    ) -> Result<Self> {
        let channels = channels.into_iter().map(|(name, values)| (name, values.into_dyn()));
        Parts::from_channels(alpha.to_vec(), None, channels.collect()).map(Self::assemble)
    }
}

impl Surface {
    /// A surface of values from another program, for files and figures. `[i, j]` of each channel is the point (α_i,
    /// β_j).
    ///
    /// Its report counts all points as computed, and lists those that are not finite. Its provenance is the default, in
    /// which nothing is known.
    ///
    /// ```
    /// use loss_landscape::{Surface, ndarray::array};
    ///
    /// let loss = array![[2.0, 1.0, 2.0], [1.0, 0.0, f64::NAN]];
    /// let surface = Surface::from_channels(&[0.0, 1.0], &[-1.0, 0.0, 1.0], [("train loss".to_owned(), loss)])?;
    /// assert_eq!(surface.channel("train loss")?[[1, 1]], 0.0);
    /// assert_eq!(surface.report().bad_points[0].index, [1, 2]);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Resolution`] or [`Error::Coordinates`] for an axis that is empty, not finite or not increasing;
    /// [`Error::Channels`] if there are no channels or two of one name; [`Error::ChannelShape`].
    pub fn from_channels(
        alpha: &[f64],
        beta: &[f64],
        channels: impl IntoIterator<Item = (String, Array2<f64>)>,
    ) -> Result<Self> {
        let channels = channels.into_iter().map(|(name, values)| (name, values.into_dyn()));
        Parts::from_channels(alpha.to_vec(), Some(beta.to_vec()), channels.collect()).map(Self::assemble)
    }
}

impl Parts {
    /// Checks axes and channels; a line has no `beta`. Points that are not finite are listed.
    pub(crate) fn from_channels(
        alpha: Vec<f64>,
        beta: Option<Vec<f64>>,
        channels: Vec<(String, ArrayD<f64>)>,
    ) -> Result<Self> {
        let alpha = checked("α", alpha)?;
        let beta = beta.map(|beta| checked("β", beta)).transpose()?;
        let shape: Vec<usize> = [alpha.len()].into_iter().chain(beta.as_ref().map(Vec::len)).collect();
        let names: Vec<String> = channels.iter().map(|(name, _)| name.clone()).collect();
        if names.is_empty() || names.iter().collect::<HashSet<_>>().len() < names.len() {
            return Err(Error::Channels { channels: names });
        }
        for (channel, values) in &channels {
            if values.shape() != shape {
                let (channel, found) = (channel.clone(), values.shape().to_vec());
                return Err(Error::ChannelShape { channel, found, expected: shape });
            }
        }
        // Each channel already has this number of values, so that the product cannot overflow.
        let points: usize = shape.iter().product();
        let values = point_by_point(channels, points);
        let beta = beta.unwrap_or_else(|| vec![0.0]);
        let bad_points = not_finite(&alpha, &beta, &names, &values);
        let report = SweepReport::imported(points, bad_points);
        Ok(Self { alpha, beta, values, computed: vec![true; points], channels: names, report })
    }
}

/// The values of all channels, [point × channel]. Those of a single one are taken as they are.
fn point_by_point(mut channels: Vec<(String, ArrayD<f64>)>, points: usize) -> Vec<f64> {
    if channels.len() == 1 && channels[0].1.is_standard_layout() {
        let (values, start) = channels.swap_remove(0).1.into_raw_vec_and_offset();
        if values.len() == points {
            return values;
        }
        // What was sliced out of a larger array.
        return values.into_iter().skip(start.unwrap_or(0)).take(points).collect();
    }
    let mut values = vec![0.0; points * channels.len()];
    for (k, (_, channel)) in channels.iter().enumerate() {
        for (point, &value) in values.chunks_exact_mut(channels.len()).zip(channel) {
            point[k] = value;
        }
    }
    values
}

fn checked(name: &'static str, axis: Vec<f64>) -> Result<Vec<f64>> {
    ensure_upwards(name, &axis)?;
    Ok(axis)
}

/// Refuses an axis without coordinates, or whose coordinates are not finite or not strictly increasing.
pub(crate) fn ensure_upwards(axis: &'static str, values: &[f64]) -> Result<()> {
    if values.is_empty() {
        return Err(Error::Resolution { axis, points: 0 });
    }
    let upwards = |i: usize| values[i].is_finite() && (i == 0 || values[i - 1] < values[i]);
    match (0..values.len()).find(|&i| !upwards(i)) {
        Some(index) => Err(Error::Coordinates { axis, index, value: values[index] }),
        None => Ok(()),
    }
}

/// The points with a channel that is not finite, and the first such channel of each.
fn not_finite(alpha: &[f64], beta: &[f64], names: &[String], values: &[f64]) -> Vec<BadPoint> {
    let first = |values: &[f64]| values.iter().position(|value| !value.is_finite());
    let points = || values.chunks_exact(names.len());
    // A file of two bytes a value leaves no room for a vector that doubles.
    let mut bad = Vec::with_capacity(points().filter(|values| first(values).is_some()).count());
    for (point, values) in points().enumerate() {
        let Some(k) = first(values) else { continue };
        let index = [point / beta.len(), point % beta.len()];
        bad.push(BadPoint {
            index,
            coordinates: [alpha[index[0]], beta[index[1]]],
            data: String::new(),
            failure: PointFailure::NonFinite { channel: names[k].clone(), value: values[k] },
        });
    }
    bad
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array, s};

    use crate::{Curve, Error, Surface};

    fn named(name: &str, values: Array2<f64>) -> (String, Array2<f64>) {
        (name.to_owned(), values)
    }

    #[test]
    fn values_keep_their_places_in_any_memory_order() {
        let loss = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
        // The same values, column by column in memory.
        let columns = Array2::from_shape_fn((3, 2), |(j, i)| loss[[i, j]]).reversed_axes();
        let inner =
            Array2::from_shape_fn((4, 3), |(i, j)| if (1..3).contains(&i) { loss[[i - 1, j]] } else { 9.0 })
                .slice_move(s![1..3, ..]);
        for one in [loss.clone(), columns.clone(), inner] {
            let surface = Surface::from_channels(&[0.0, 0.5], &[1.0, 2.0, 4.0], [named("one", one)]).unwrap();
            assert_eq!(surface.loss(), loss);
        }
        let channels = [named("a", loss.clone()), named("b", columns)];
        let surface = Surface::from_channels(&[0.0, 0.5], &[1.0, 2.0, 4.0], channels).unwrap();
        assert_eq!(surface.channel("a").unwrap(), loss);
        assert_eq!(surface.channel("b").unwrap(), loss);
        assert_eq!((surface.report().total, surface.report().computed), (6, 6));
        assert!(surface.computed().iter().all(|done| *done));
        assert_eq!(surface.report().provenance.to_string(), "unknown");
    }

    #[test]
    fn what_is_not_finite_is_listed() {
        let loss = array![[1.0, f64::INFINITY], [f64::NAN, 0.0]];
        let fine = Array2::zeros((2, 2));
        let surface =
            Surface::from_channels(&[0.0, 1.0], &[5.0, 7.0], [named("fine", fine), named("loss", loss)])
                .unwrap();
        let bad: Vec<String> = surface.report().bad_points.iter().map(ToString::to_string).collect();
        assert_eq!(bad, ["point [0, 1] at (0, 7): `loss` is inf", "point [1, 0] at (1, 5): `loss` is NaN"]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let one = || Array2::zeros((1, 2));
        let surface = |alpha: &[f64], beta: &[f64], channels: Vec<(String, Array2<f64>)>| {
            Surface::from_channels(alpha, beta, channels).unwrap_err()
        };
        let error = surface(&[0.0], &[0.0, 1.0], vec![named("a", Array2::zeros((2, 1)))]);
        assert_eq!(error.to_string(), "channel `a` has 2×1 values where the axes have 1×2");
        let error = surface(&[0.0], &[1.0, 1.0], vec![named("a", one())]);
        assert!(matches!(error, Error::Coordinates { axis: "β", index: 1, .. }), "{error}");
        assert!(matches!(surface(&[], &[1.0], vec![]), Error::Resolution { points: 0, .. }));
        assert!(matches!(surface(&[0.0], &[0.0, 1.0], vec![]), Error::Channels { .. }));
        let twice = vec![named("a", one()), named("a", one())];
        assert!(matches!(surface(&[0.0], &[0.0, 1.0], twice), Error::Channels { .. }));
        let curve = Curve::from_channels(&[0.0, f64::NAN], [("a".to_owned(), array![1.0, 2.0])]);
        assert!(matches!(curve, Err(Error::Coordinates { index: 1, .. })));
    }
}
