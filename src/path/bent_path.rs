//! A curve between two parameter vectors, as its points.

use crate::{
    Buffers, Directions, Error, Layout, PathShape, Result, Role, Scalar, Slice, params::content_hash,
};

/// A curve from θ_a to θ_b along bends: a Bezier curve, or a polygonal chain, as Garipov et al. (2018,
/// <https://arxiv.org/abs/1802.10026>) join minimisers by.
///
/// The parameter t runs from 0 at θ_a to 1 at θ_b. It is not the length of the way: a chain spends an equal share of t
/// on each piece, whatever its length, and a Bezier curve is slow where its points are dense. At both ends the curve is
/// θ_a and θ_b to the bit, and parameters that are equal in all points stand still.
///
/// A new curve is straight, with its bends evenly on the line. [`PathTraining`](super::PathTraining) moves the bends,
/// [`Sweep::along`](crate::Sweep::along) evaluates a model on the curve.
///
/// **Buffers**, such as running statistics of batch normalisations, stay as in θ_a by default
/// ([`Buffers::Still`]), and the end is then θ_b with the buffers of θ_a; with [`Buffers::Move`] they are those of the
/// straight line at the same t.
///
/// ```
/// use loss_landscape::{Layout, path::{BentPath, PathShape}};
///
/// let layout = Layout::flat(2)?;
/// let (a, b) = ([0.0, 0.0], [4.0, 2.0]);
/// let straight = BentPath::bezier(&layout, &a, &b, 1)?;
/// assert_eq!(straight.points(), [vec![0.0, 0.0], vec![2.0, 1.0], vec![4.0, 2.0]]);
/// assert_eq!(straight.at(0.25), [1.0, 0.5]);
///
/// let bent = BentPath::new(&layout, PathShape::Bezier, vec![a.to_vec(), vec![2.0, 9.0], b.to_vec()])?;
/// assert_eq!(bent.at(0.5), [2.0, 5.0]);
/// assert_eq!(bent.bends(), [vec![2.0, 9.0]]);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BentPath<S> {
    layout: Layout,
    shape: PathShape,
    points: Vec<Vec<S>>,
}

/// The plane through the three points of a curve with one bend, and where they are in it.
/// [`BentPath::plane`] makes it.
///
/// The whole curve lies in this plane, so that it can be drawn over a surface:
///
/// ```
/// use loss_landscape::{FnModel, Layout, Sweep, path::{BentPath, PathShape}};
///
/// let layout = Layout::flat(3)?;
/// let points = vec![vec![1.0, 0.0, 0.0], vec![1.0, 1.0, 0.0], vec![0.0, 1.0, 0.0]];
/// let path = BentPath::new(&layout, PathShape::Bezier, points)?;
/// let plane = path.plane()?;
/// let [x, y] = plane.coordinates(&[0.0, 0.5, 1.0]);
/// assert!((x[1] - 0.5 * x[2]).abs() < 1e-12 && (y[1] - 0.5 * plane.points[1][1]).abs() < 1e-12);
///
/// // Around θ_a, which is the origin of the plane.
/// let loss = |t: &[f64], _: &()| (t[0] * t[0] + t[1] * t[1] - 1.0).powi(2) + t[2] * t[2];
/// let model = FnModel::new(layout, path.points()[0].clone(), loss)?;
/// let surface = Sweep::plane(&model, plane.directions).data("", &()).alpha_at(&[0.0, x[1]]).beta_at(&[0.0, y[1]]).run()?;
/// let on_curve = loss(&path.at(0.5), &());
/// assert!((surface.loss()[[1, 1]] - on_curve).abs() < 1e-12);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PathPlane<S> {
    /// Orthonormal directions: the first from θ_a to θ_b, the second at a right angle towards the bend. The origin is
    /// θ_a: sweep it around a model whose parameters these are.
    pub directions: Directions<S>,
    /// (α, β) of θ_a, the bend and θ_b. Those of θ_a are 0, and the bend lies above the α axis.
    pub points: [[f64; 2]; 3],
    shape: PathShape,
}

impl<S: Scalar> BentPath<S> {
    /// A curve of given points: θ_a, the bends, θ_b. Buffers are those of the points.
    ///
    /// # Errors
    /// [`Error::PathPoints`] unless there are 2 to 64; [`Error::Length`] or [`Error::NonFinite`] for one that does not
    /// fit or is not finite.
    pub fn new(layout: &Layout, shape: PathShape, points: Vec<Vec<S>>) -> Result<Self> {
        let refs: Vec<&[S]> = points.iter().map(Vec::as_slice).collect();
        Slice::curve(layout, shape, &refs)?;
        Ok(Self { layout: layout.clone(), shape, points })
    }

    /// A Bezier curve with this many bends, 1 to 62, on the straight line; buffers stay as in θ_a.
    ///
    /// # Errors
    /// As [`straight`](Self::straight).
    pub fn bezier(layout: &Layout, a: &[S], b: &[S], bends: usize) -> Result<Self> {
        Self::straight(layout, PathShape::Bezier, [a, b], bends, Buffers::Still)
    }

    /// A polygonal chain with this many bends, 1 to 62, on the straight line; buffers stay as in θ_a.
    ///
    /// # Errors
    /// As [`straight`](Self::straight).
    pub fn chain(layout: &Layout, a: &[S], b: &[S], bends: usize) -> Result<Self> {
        Self::straight(layout, PathShape::Chain, [a, b], bends, Buffers::Still)
    }

    /// The straight line between two parameter vectors, with bends evenly on it: the start of a training. With the
    /// same number of bends, a Bezier curve and a chain begin as the same function of t.
    ///
    /// # Errors
    /// [`Error::Length`] or [`Error::NonFinite`] for an end that does not fit or is not finite;
    /// [`Error::PathPoints`] for more than 62 bends.
    pub fn straight(
        layout: &Layout,
        shape: PathShape,
        ends: [&[S]; 2],
        bends: usize,
        buffers: Buffers,
    ) -> Result<Self> {
        let [a, b] = ends;
        layout.ensure_finite("θ_a", a)?;
        layout.ensure_finite("θ_b", b)?;
        if bends > crate::slice::MOST_POINTS - 2 {
            let points = bends.saturating_add(2);
            return Err(Error::PathPoints { points, most: crate::slice::MOST_POINTS });
        }
        let mut end = b.to_vec();
        if buffers == Buffers::Still {
            for block in layout.blocks().iter().filter(|block| block.role() == Role::Buffer) {
                end[block.range()].copy_from_slice(&a[block.range()]);
            }
        }
        let line = Slice::checked_curve(PathShape::Chain, vec![a, &end]);
        let points = (0..bends + 2)
            .map(|i| {
                let mut point = vec![S::zero(); layout.len()];
                line.theta_into([i as f64 / (bends + 1) as f64, 0.0], &mut point);
                point
            })
            .collect();
        Ok(Self { layout: layout.clone(), shape, points })
    }

    /// The layout of its points.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// How it runs along its points.
    pub fn shape(&self) -> PathShape {
        self.shape
    }

    /// Its points: θ_a, the bends, θ_b.
    pub fn points(&self) -> &[Vec<S>] {
        &self.points
    }

    /// The points between its ends.
    pub fn bends(&self) -> &[Vec<S>] {
        &self.points[1..self.points.len() - 1]
    }

    /// θ at t, from 0 to 1; beyond, a Bezier curve goes on as the same polynomial and a chain straight.
    pub fn at(&self, t: f64) -> Vec<S> {
        let mut theta = vec![S::zero(); self.layout.len()];
        self.slice().theta_into([t, 0.0], &mut theta);
        theta
    }

    /// The plane that contains a curve with one bend, through its three points
    /// ([section 3 of Garipov et al.](https://arxiv.org/abs/1802.10026)). [`PathPlane`] has an example.
    ///
    /// A curve with more bends lies in no plane; the plane of its points in which it moves most is that of
    /// [`PrincipalPlane`](crate::trajectory::PrincipalPlane).
    ///
    /// # Errors
    /// [`Error::PathPlane`] for another number of bends; [`Error::ZeroDirection`] if its ends are equal;
    /// [`Error::ParallelDirections`] if the bend is on the straight line through them, as before a training.
    pub fn plane(&self) -> Result<PathPlane<S>> {
        let [a, bend, b] = self.points.as_slice() else {
            return Err(Error::PathPlane { points: self.points.len() });
        };
        // Buffers that stand still are equal in all three.
        let (directions, [start, end, bend]) =
            Directions::through(&self.layout, [a, b, bend], Buffers::Move)?;
        Ok(PathPlane { directions, points: [start, bend, end], shape: self.shape })
    }

    /// The [`content_hash`](crate::content_hash) of each point, as results name the curve.
    pub fn hashes(&self) -> Vec<u64> {
        self.points.iter().map(|point| content_hash(point)).collect()
    }

    pub(super) fn slice(&self) -> Slice<'_, S> {
        Slice::checked_curve(self.shape, self.points.iter().map(Vec::as_slice).collect())
    }

    pub(super) fn points_mut(&mut self) -> &mut [Vec<S>] {
        &mut self.points
    }
}

impl<S> PathPlane<S> {
    /// The coordinates (α, β) of the curve at these t: all α, then all β.
    pub fn coordinates(&self, t: &[f64]) -> [Vec<f64>; 2] {
        [0, 1].map(|axis| {
            let points = self.points.map(|point| [point[axis]]);
            let slice = Slice::checked_curve(self.shape, points.iter().map(<[f64; 1]>::as_slice).collect());
            let at = |t: &f64| {
                let mut value = [0.0];
                slice.theta_into([*t, 0.0], &mut value);
                value[0]
            };
            t.iter().map(at).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Block;

    #[test]
    fn buffers_stand_still_or_move_with_the_line() {
        let layout =
            Layout::new([Block::bias("b", [2]), Block::new("mean", [1], Role::Buffer, None)]).unwrap();
        let (a, b) = ([0.0, 1.0, 0.1], [2.0, 3.0, 0.7]);
        let path = |buffers| BentPath::straight(&layout, PathShape::Bezier, [&a, &b], 2, buffers).unwrap();
        let still = path(Buffers::Still);
        assert!([0.0, 0.3, 0.77, 1.0].iter().all(|t| still.at(*t)[2] == 0.1));
        assert_eq!(still.points()[3], [2.0, 3.0, 0.1]);
        let moving = path(Buffers::Move);
        for t in [0.0, 0.3, 0.77, 1.0] {
            assert!((moving.at(t)[2] - (0.1 + 0.6 * t)).abs() < 1e-15);
            assert!((moving.at(t)[0] - 2.0 * t).abs() < 1e-15);
        }
        assert_eq!(moving.at(1.0), b);
    }

    #[test]
    fn the_plane_of_a_curve_contains_it() {
        let layout = Layout::flat(30).unwrap();
        let theta = |seed: f64| -> Vec<f64> { (0..30).map(|i| (seed * f64::from(i + 1)).sin()).collect() };
        for shape in [PathShape::Bezier, PathShape::Chain] {
            let path = BentPath::new(&layout, shape, vec![theta(0.3), theta(1.7), theta(2.9)]).unwrap();
            let plane = path.plane().unwrap();
            let t = [0.0, 0.1, 0.4, 0.5, 0.8, 1.0];
            let [x, y] = plane.coordinates(&t);
            for (k, t) in t.iter().enumerate() {
                let found = plane.directions.project(&path.points()[0], &path.at(*t)).unwrap();
                assert!(found.residual < 1e-13, "{found:?}");
                assert!((found.coordinates[0] - x[k]).abs() < 1e-12);
                assert!((found.coordinates[1] - y[k]).abs() < 1e-12);
            }
            assert!(plane.points[1][1] > 0.0 && plane.points[2][1] == 0.0);
        }
    }

    #[test]
    fn what_is_no_curve_or_spans_no_plane_is_refused() {
        let layout = Layout::flat(2).unwrap();
        let (a, b) = ([0.0_f64, 0.0], [1.0, 2.0]);
        let straight = BentPath::bezier(&layout, &a, &b, 1).unwrap();
        assert!(matches!(straight.plane(), Err(Error::ParallelDirections { .. })));
        let chain = BentPath::chain(&layout, &a, &b, 2).unwrap();
        assert!(matches!(chain.plane(), Err(Error::PathPlane { points: 4 })));
        let bends = |bends| BentPath::chain(&layout, &a, &b, bends);
        assert!(matches!(bends(63), Err(Error::PathPoints { points: 65, .. })));
        assert!(matches!(bends(usize::MAX), Err(Error::PathPoints { .. })));
        assert!(matches!(BentPath::bezier(&layout, &a, &[1.0], 1), Err(Error::Length { len: 1, .. })));
        let nan = BentPath::bezier(&layout, &[f64::NAN, 0.0], &b, 1);
        assert!(matches!(nan, Err(Error::NonFinite { index: 0, .. })));
        let points = vec![vec![0.0, 0.0], vec![1.0, f64::INFINITY], vec![0.0, 1.0]];
        let error = BentPath::new(&layout, PathShape::Chain, points).unwrap_err().to_string();
        assert!(error.starts_with("point 1 of the curve is inf at index 1"), "{error}");
    }
}
