//! One named block of parameters: a weight matrix, a bias, the scale of a normalisation.

use ndarray::{ArrayViewD, ArrayViewMutD, Axis, IxDyn};

use crate::{Error, Result};

/// What the parameters of a block do in the network.
///
/// The paper normalises the filters of weights, and sets the direction to zero elsewhere. The role says which block is
/// which, so that nothing is guessed from a name or a rank. [`Normalization`](crate::Normalization) has a
/// [`Policy`](crate::Policy) for each kind, and a [`Mask`](crate::Mask) chooses blocks by role:
///
/// ```
/// use loss_landscape::{Block, FnModel, Layout, Mask, RandomDirections, Role};
///
/// let layout = Layout::new([
///     Block::weight("conv.weight", [8, 3, 3, 3], 0),
///     Block::new("bn.weight", [8], Role::NormScale, None),
///     Block::new("bn.bias", [8], Role::NormShift, None),
///     Block::new("bn.running_mean", [8], Role::Buffer, None),
/// ])?;
/// let weights = Mask::role(&layout, Role::Weight);
/// assert_eq!((weights.selected(), Mask::trained(&layout).selected()), (216, 232));
///
/// // By default a direction moves the weights alone.
/// let model = FnModel::new(layout, vec![1.0; 240], |theta: &[f64], _: &()| theta[0])?;
/// let direction = RandomDirections::new(1).one(&model)?;
/// assert!(direction.values()[216..].iter().all(|value| *value == 0.0));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Role {
    /// Weights of a linear layer or a convolution.
    Weight,
    /// A bias added to a layer's output.
    Bias,
    /// The scale γ of a batch, layer or group normalisation.
    NormScale,
    /// The shift β of a batch, layer or group normalisation.
    NormShift,
    /// State that no gradient trains, such as the running mean and variance of a batch normalisation.
    Buffer,
}

/// A named block of parameters: its shape, its role and the axis that numbers its filters.
///
/// A block is a description; the numbers live in the flat vector θ, and the block's methods view
/// its part of any such vector without copying. Values are in row-major order.
///
/// ```
/// use loss_landscape::{Block, Layout};
///
/// // A convolution as PyTorch stores it, [out, in, height, width]: filters are numbered by axis 0.
/// let layout = Layout::new([
///     Block::weight("conv.weight", [2, 1, 3, 3], 0),
///     Block::bias("conv.bias", [2]),
/// ])?;
/// let theta: Vec<f32> = (0..layout.len()).map(|i| i as f32).collect();
/// let conv = layout.block("conv.weight")?;
/// assert_eq!(conv.view(&theta)?.shape(), [2, 1, 3, 3]);
/// assert_eq!(conv.filter(&theta, 1)?[[0, 0, 0]], 9.0);
/// assert_eq!(layout.block("conv.bias")?.slice(&theta)?, [18.0, 19.0]);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// Two blocks are equal if their names, shapes, roles and filter axes are, wherever they are in their layouts.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct Block {
    name: String,
    shape: Vec<usize>,
    role: Role,
    filter_axis: Option<usize>,
    #[cfg_attr(feature = "serde", serde(skip))]
    offset: usize,
    #[cfg_attr(feature = "serde", serde(skip))]
    total: usize,
}

impl Role {
    /// Its name in hashes, which is that of its serialised form.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Weight => "weight",
            Self::Bias => "bias",
            Self::NormScale => "norm_scale",
            Self::NormShift => "norm_shift",
            Self::Buffer => "buffer",
        }
    }
}

impl Block {
    /// A block of weights whose filters are the slices at each index of `filter_axis`.
    ///
    /// Axis 0 fits PyTorch's `Linear` ([out, in]: a filter is a neuron's incoming weights) and
    /// `Conv2d` ([out, in, h, w]); axis 1 fits its transposed convolutions, the last axis Keras.
    pub fn weight(name: impl Into<String>, shape: impl Into<Vec<usize>>, filter_axis: usize) -> Self {
        Self::new(name, shape, Role::Weight, Some(filter_axis))
    }

    /// A bias; it has no filters of its own.
    pub fn bias(name: impl Into<String>, shape: impl Into<Vec<usize>>) -> Self {
        Self::new(name, shape, Role::Bias, None)
    }

    /// A block of any role. Without a filter axis the whole block is one filter.
    ///
    /// Nothing is checked here; [`Layout::new`](crate::Layout::new) checks all blocks together.
    pub fn new(
        name: impl Into<String>,
        shape: impl Into<Vec<usize>>,
        role: Role,
        filter_axis: Option<usize>,
    ) -> Self {
        Self { name: name.into(), shape: shape.into(), role, filter_axis, offset: 0, total: 0 }
    }

    /// The name, unique in its layout.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The shape; a scalar has the shape `[]`.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// What the parameters do.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The axis that numbers the filters; None if the whole block is one filter.
    pub fn filter_axis(&self) -> Option<usize> {
        self.filter_axis
    }

    /// The number of parameters.
    #[allow(clippy::len_without_is_empty, reason = "a block of a layout is never empty")]
    pub fn len(&self) -> usize {
        self.shape.iter().fold(1, |product: usize, &n| product.saturating_mul(n))
    }

    /// The number of filters: the length of the filter axis, or 1.
    pub fn filters(&self) -> usize {
        self.filter_axis.map_or(1, |axis| self.shape.get(axis).copied().unwrap_or(0))
    }

    /// The position of the block in the flat vector.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset.saturating_add(self.len())
    }

    /// The block's part of a flat vector.
    ///
    /// # Errors
    /// [`Error::Length`] if `vector` is not as long as the layout.
    pub fn slice<'a, T>(&self, vector: &'a [T]) -> Result<&'a [T]> {
        self.check_length(vector.len())?;
        Ok(&vector[self.range()])
    }

    /// The block's part of a flat vector, to write to.
    ///
    /// # Errors
    /// [`Error::Length`] if `vector` is not as long as the layout.
    pub fn slice_mut<'a, T>(&self, vector: &'a mut [T]) -> Result<&'a mut [T]> {
        self.check_length(vector.len())?;
        Ok(&mut vector[self.range()])
    }

    /// The block as an array of its shape.
    ///
    /// # Errors
    /// [`Error::Length`] if `vector` is not as long as the layout.
    pub fn view<'a, T>(&self, vector: &'a [T]) -> Result<ArrayViewD<'a, T>> {
        let slice = self.slice(vector)?;
        #[expect(clippy::expect_used, reason = "the slice of a block has as many values as its shape")]
        Ok(ArrayViewD::from_shape(IxDyn(&self.shape), slice).expect("a value for each place of the block"))
    }

    /// The block as an array of its shape, to write to.
    ///
    /// # Errors
    /// [`Error::Length`] if `vector` is not as long as the layout.
    pub fn view_mut<'a, T>(&self, vector: &'a mut [T]) -> Result<ArrayViewMutD<'a, T>> {
        let slice = self.slice_mut(vector)?;
        #[expect(clippy::expect_used, reason = "the slice of a block has as many values as its shape")]
        Ok(ArrayViewMutD::from_shape(IxDyn(&self.shape), slice).expect("a value for each place of the block"))
    }

    /// Filter `index`: the slice at that index of the filter axis, or the whole block if it has none.
    ///
    /// ```
    /// use loss_landscape::{Block, Layout};
    ///
    /// let layout = Layout::new([Block::weight("w", [3, 2], 0)])?;
    /// let theta = [3.0, 4.0, 0.0, 1.0, 2.0, 2.0];
    /// let block = layout.block("w")?;
    /// let norms = (0..block.filters())
    ///     .map(|index| Ok(block.filter(&theta, index)?.iter().map(|t: &f64| t * t).sum::<f64>().sqrt()))
    ///     .collect::<Result<Vec<f64>, loss_landscape::Error>>()?;
    /// assert_eq!(norms[..2], [5.0, 1.0]);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] if `vector` is not as long as the layout, [`Error::FilterIndex`] if there
    /// are no more than `index` filters.
    pub fn filter<'a, T>(&self, vector: &'a [T], index: usize) -> Result<ArrayViewD<'a, T>> {
        self.check_filter(index)?;
        let view = self.view(vector)?;
        Ok(match self.filter_axis {
            Some(axis) => view.index_axis_move(Axis(axis), index),
            None => view,
        })
    }

    /// Filter `index`, to write to.
    ///
    /// ```
    /// use loss_landscape::{Block, Layout};
    ///
    /// let layout = Layout::new([Block::weight("w", [3, 2], 0)])?;
    /// let mut theta = [1.0; 6];
    /// layout.block("w")?.filter_mut(&mut theta, 1)?.fill(0.0); // prunes a neuron
    /// assert_eq!(theta, [1.0, 1.0, 0.0, 0.0, 1.0, 1.0]);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`filter`](Self::filter).
    pub fn filter_mut<'a, T>(&self, vector: &'a mut [T], index: usize) -> Result<ArrayViewMutD<'a, T>> {
        self.check_filter(index)?;
        let view = self.view_mut(vector)?;
        Ok(match self.filter_axis {
            Some(axis) => view.index_axis_move(Axis(axis), index),
            None => view,
        })
    }

    pub(super) fn place(&mut self, offset: usize) {
        self.offset = offset;
    }

    pub(super) fn set_total(&mut self, total: usize) {
        self.total = total;
    }

    fn check_length(&self, len: usize) -> Result<()> {
        // A block that no layout has placed has no total, and views nothing.
        if len == self.total && self.total > 0 { Ok(()) } else { Err(self.length_error(len)) }
    }

    fn length_error(&self, len: usize) -> Error {
        Error::Length {
            what: format!("the vector to view block `{}` of", self.name),
            len,
            expected: self.total,
        }
    }

    fn check_filter(&self, index: usize) -> Result<()> {
        if index < self.filters() {
            Ok(())
        } else {
            Err(Error::FilterIndex { block: self.name.clone(), index, filters: self.filters() })
        }
    }
}

impl PartialEq for Block {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.shape, self.role, self.filter_axis)
            == (&other.name, &other.shape, other.role, other.filter_axis)
    }
}

impl Eq for Block {}

/// The form in which errors name a block: name, shape, role, filter axis.
impl std::fmt::Display for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`{}` {:?} {:?}", self.name, self.shape, self.role)?;
        match self.filter_axis {
            Some(axis) => write!(f, " with filter axis {axis}"),
            None => write!(f, " without a filter axis"),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Block, Error, Layout};

    #[test]
    fn filters_follow_the_axis() {
        // Transposed convolution: filters on axis 1, so a filter is not contiguous.
        let layout = Layout::new([Block::weight("up", [2, 3, 2], 1)]).unwrap();
        let theta: Vec<f64> = (0..12).map(f64::from).collect();
        let block = layout.block("up").unwrap();
        assert_eq!(block.filters(), 3);
        let filter: Vec<f64> = block.filter(&theta, 2).unwrap().iter().copied().collect();
        assert_eq!(filter, [4.0, 5.0, 10.0, 11.0]);
    }

    #[test]
    fn writing_through_a_filter_changes_the_vector() {
        let layout = Layout::new([Block::bias("b", [1]), Block::weight("w", [2, 2], 0)]).unwrap();
        let mut theta = vec![0.0_f32; 5];
        layout.block("w").unwrap().filter_mut(&mut theta, 1).unwrap().fill(7.0);
        assert_eq!(theta, [0.0, 0.0, 0.0, 7.0, 7.0]);
    }

    #[test]
    fn blocks_outside_a_layout_view_nothing() {
        let block = Block::weight("w", [2], 5);
        assert_eq!(block.filters(), 0);
        assert!(block.filter(&[0.0, 0.0], 0).is_err());
        assert!(Block::bias("b", [3]).slice::<f64>(&[]).is_err());
        assert_eq!(Block::bias("b", [usize::MAX, 2]).range().end, usize::MAX);
    }

    #[test]
    fn wrong_lengths_and_indices_are_errors() {
        let layout = Layout::new([Block::weight("w", [2, 2], 0)]).unwrap();
        let block = layout.block("w").unwrap();
        let long = [0.0_f64; 5];
        assert!(matches!(block.view(&long), Err(Error::Length { len: 5, expected: 4, .. })));
        assert!(matches!(block.filter(&long[..4], 2), Err(Error::FilterIndex { index: 2, filters: 2, .. })));
    }
}
