//! Sweeps along a curve.

use std::borrow::Cow;

use ndarray::Ix1;

use super::BentPath;
use crate::{
    DirectionSource, Error, Geometry, Layout, Model, Result, Sweep,
    engine::{axis::Axis, run::Origin},
    landscape::DirectionRecord,
    params::content_hash,
    slice::SliceKind,
    sweep::{Placed, sealed::Sealed},
};

/// A curve as where a sweep goes. [`Sweep::along`] makes it; its name is needed where a type says what a sweep goes
/// over:
///
/// ```
/// use loss_landscape::{Curve, FnModel, Layout, Loss, Model, Sweep, path::{Along, BentPath}};
///
/// fn finely<M: Loss<()> + Sync>(sweep: Sweep<'_, M, (), Along<'_, M::Scalar>>) -> loss_landscape::Result<Curve> {
///     sweep.alpha(0.0..=1.0, 501).run()
/// }
///
/// let model = FnModel::new(Layout::flat(1)?, vec![1.0], |t: &[f64], _: &()| (t[0] * t[0] - 1.0).powi(2))?;
/// let path = BentPath::bezier(model.layout(), &[-1.0], &[1.0], 1)?;
/// assert_eq!(finely(Sweep::along(&model, &path).data("", &()))?.shape(), [501]);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Along<'a, S> {
    path: &'a BentPath<S>,
}

impl<S> Sealed for Along<'_, S> {}

impl<'a, M: Model + ?Sized, D: ?Sized> Sweep<'a, M, D, Along<'a, M::Scalar>> {
    /// A sweep along a curve between two parameter vectors. By default it has 101 values of t from 0 to 1, both ends
    /// and the middle among them; the axis is called α as those of all sweeps. The model's own parameters play no part.
    ///
    /// A journal knows the curve by the hashes of its points.
    ///
    /// ```
    /// use loss_landscape::{FnModel, Layout, Model, Sweep, path::{BentPath, PathShape}};
    ///
    /// let ring = |t: &[f64], _: &()| (t[0] * t[0] + t[1] * t[1] - 1.0).powi(2);
    /// let model = FnModel::new(Layout::flat(2)?, vec![1.0, 0.0], ring)?;
    /// let corner = vec![vec![1.0, 0.0], vec![1.0, 1.0], vec![0.0, 1.0]];
    /// let path = BentPath::new(model.layout(), PathShape::Bezier, corner)?;
    /// let curve = Sweep::along(&model, &path).data("", &()).run()?;
    /// assert_eq!((curve.loss()[0], curve.loss()[50], curve.loss()[100]), (0.0, 0.015625, 0.0));
    /// println!("{}", curve.report().provenance.directions[0].source); // bend 1 of a bezier curve of 3 points
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// The call that starts the sweep fails with [`Error::LayoutMismatch`] for a curve of another layout, and with
    /// [`Error::ZeroDirection`] for one that does not move.
    pub fn along(model: &'a M, path: &'a BentPath<M::Scalar>) -> Self {
        Self::over(model, Along { path })
    }
}

impl<M: Model + ?Sized> Geometry<M> for Along<'_, M::Scalar> {
    type Dim = Ix1;

    /// 101 points of a sweep of losses, 49 of a ratio map.
    fn default_axis(points: usize) -> Axis {
        Axis::range(0.0..=1.0, 2 * points - 1)
    }

    fn place<'g>(&'g self, layout: &'g Layout, _: &'g [M::Scalar]) -> Result<Placed<'g, M::Scalar>> {
        let (points, shape) = (self.path.points(), self.path.shape());
        layout.ensure_same(self.path.layout())?;
        if points.iter().all(|point| *point == points[0]) {
            return Err(Error::ZeroDirection { which: "curve's".to_owned() });
        }
        let record = |(number, point): (usize, &Vec<M::Scalar>)| {
            let source = DirectionSource::CurvePoint { shape, point: number, points: points.len() };
            DirectionRecord::of_point(source, content_hash(point))
        };
        let records = points.iter().enumerate().skip(1).map(record).collect();
        Ok(Placed {
            origin: Origin::of("curve", layout, &points[0], records, None)?,
            kind: SliceKind::Curve(shape),
            layout,
            vectors: points.iter().map(|point| Cow::Borrowed(point.as_slice())).collect(),
        })
    }
}
