//! Where snapshots come from: vectors in memory, or anything that can be read in parts.

use std::ops::Range;

use crate::{Layout, Result, Scalar};

/// The parameters of one model at several moments of a training, in their order.
///
/// Slices, vectors and arrays of parameter vectors are snapshots, and so are files on disk (feature `safetensors`):
/// `CheckpointReader::snapshots`. What reads snapshots asks for ranges of them, so that they need not be in memory all
/// at once; a format of your own takes three methods:
///
/// ```
/// use std::ops::Range;
/// use loss_landscape::{Layout, trajectory::{PrincipalPlane, Snapshots}};
///
/// /// A damped rotation, whose state at any time is known.
/// struct Spiral;
///
/// impl Snapshots<f64> for Spiral {
///     fn count(&self) -> usize {
///         20
///     }
///     fn ensure_fits(&self, layout: &Layout) -> loss_landscape::Result<()> {
///         layout.ensure_length("the spiral", 2)
///     }
///     fn read(&self, index: usize, range: Range<usize>, out: &mut [f64]) -> loss_landscape::Result<()> {
///         let time = index as f64 / 3.0;
///         let state = [time.cos() / (1.0 + time), time.sin() / (1.0 + time)];
///         out.copy_from_slice(&state[range]);
///         Ok(())
///     }
/// }
///
/// let trajectory = PrincipalPlane::new().run(&Layout::flat(2)?, &Spiral)?;
/// assert!(trajectory.report().off_plane.iter().all(|distance| *distance < 1e-12)); // it has no third dimension
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub trait Snapshots<S: Scalar>: Sync {
    /// The number of snapshots.
    fn count(&self) -> usize;

    /// Checks that every snapshot has the parameters of this layout.
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length), [`Error::LayoutMismatch`](crate::Error::LayoutMismatch), or others of
    /// yours.
    fn ensure_fits(&self, layout: &Layout) -> Result<()>;

    /// Writes the parameters of one range of the flat vector into `out`, which is as long as the range. The index is
    /// below the [count](Self::count), and the range ends within the layout. Several threads may call it at once.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File), or others of yours.
    fn read(&self, index: usize, range: Range<usize>, out: &mut [S]) -> Result<()>;

    /// What errors call a snapshot: `snapshot 3` by default, counted from 0.
    fn name(&self, index: usize) -> String {
        format!("snapshot {index}")
    }
}

impl<S: Scalar, V: AsRef<[S]> + Sync> Snapshots<S> for [V] {
    fn count(&self) -> usize {
        self.len()
    }

    fn ensure_fits(&self, layout: &Layout) -> Result<()> {
        let mut snapshots = self.iter().enumerate();
        snapshots.try_for_each(|(index, snapshot)| {
            layout.ensure_length(&Snapshots::<S>::name(self, index), snapshot.as_ref().len())
        })
    }

    fn read(&self, index: usize, range: Range<usize>, out: &mut [S]) -> Result<()> {
        out.copy_from_slice(&self[index].as_ref()[range]);
        Ok(())
    }
}

impl<S: Scalar, V: AsRef<[S]> + Sync> Snapshots<S> for Vec<V> {
    fn count(&self) -> usize {
        self.len()
    }

    fn ensure_fits(&self, layout: &Layout) -> Result<()> {
        Snapshots::<S>::ensure_fits(self.as_slice(), layout)
    }

    fn read(&self, index: usize, range: Range<usize>, out: &mut [S]) -> Result<()> {
        self.as_slice().read(index, range, out)
    }
}

impl<S: Scalar, V: AsRef<[S]> + Sync, const N: usize> Snapshots<S> for [V; N] {
    fn count(&self) -> usize {
        N
    }

    fn ensure_fits(&self, layout: &Layout) -> Result<()> {
        Snapshots::<S>::ensure_fits(self.as_slice(), layout)
    }

    fn read(&self, index: usize, range: Range<usize>, out: &mut [S]) -> Result<()> {
        self.as_slice().read(index, range, out)
    }
}
