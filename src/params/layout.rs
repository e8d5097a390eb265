//! The layout: which named blocks a flat parameter vector is made of, in which order.

use std::{collections::HashMap, sync::Arc};

use super::{Block, Role};
use crate::{Error, Result, Scalar};

/// The named blocks of a model's parameters, in their order in the flat vector θ.
///
/// Cheap to clone: clones share one description. Two layouts are equal if all their blocks are.
///
/// ```
/// use loss_landscape::{Block, Layout, Role};
///
/// let layout = Layout::new([
///     Block::weight("fc.weight", [10, 64], 0),
///     Block::bias("fc.bias", [10]),
///     Block::new("norm.running_mean", [10], Role::Buffer, None),
/// ])?;
/// assert_eq!(layout.len(), 660);
/// assert_eq!(layout.blocks()[1].range(), 640..650);
/// assert_eq!(layout.block("fc.bias")?.role(), Role::Bias);
/// let (block, index) = layout.locate(65).expect("a position below 660");
/// assert_eq!((block.name(), index), ("fc.weight", 65));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// Serialised (feature `serde`) it is the list of its blocks, checked as by [`new`](Self::new) on the way in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(into = "Vec<Block>", try_from = "Vec<Block>")
)]
pub struct Layout {
    blocks: Arc<[Block]>,
    len: usize,
}

impl Layout {
    /// A layout of these blocks, in this order and without gaps.
    ///
    /// # Errors
    /// [`Error::EmptyLayout`] without blocks; [`Error::EmptyBlock`] for a shape with a zero;
    /// [`Error::DuplicateBlock`] for two blocks of one name; [`Error::FilterAxis`] for a filter
    /// axis that the shape does not have; [`Error::TooManyParameters`] if the number of parameters
    /// overflows.
    pub fn new(blocks: impl IntoIterator<Item = Block>) -> Result<Self> {
        let mut blocks: Vec<Block> = blocks.into_iter().collect();
        let mut names = HashMap::new();
        let mut len = 0_usize;
        for (index, block) in blocks.iter_mut().enumerate() {
            if let Some(first) = names.insert(block.name().to_owned(), index) {
                return Err(Error::DuplicateBlock { block: block.name().to_owned(), first, second: index });
            }
            if block.shape().contains(&0) {
                return Err(Error::EmptyBlock {
                    block: block.name().to_owned(),
                    shape: block.shape().to_vec(),
                });
            }
            if let Some(axis) = block.filter_axis().filter(|&axis| axis >= block.shape().len()) {
                return Err(Error::FilterAxis {
                    block: block.name().to_owned(),
                    axis,
                    shape: block.shape().to_vec(),
                });
            }
            block.place(len);
            len = (block.shape().iter())
                .try_fold(1_usize, |product, &n| product.checked_mul(n))
                .and_then(|n| len.checked_add(n))
                .filter(|&n| isize::try_from(n).is_ok())
                .ok_or_else(|| Error::TooManyParameters {
                    block: block.name().to_owned(),
                    shape: block.shape().to_vec(),
                })?;
        }
        if blocks.is_empty() {
            return Err(Error::EmptyLayout);
        }
        for block in &mut blocks {
            block.set_total(len);
        }
        Ok(Self { blocks: blocks.into(), len })
    }

    /// One block of weights named `theta` that is a single filter: the quick way for a function of
    /// `len` numbers.
    ///
    /// # Errors
    /// [`Error::EmptyBlock`] if `len` is zero.
    pub fn flat(len: usize) -> Result<Self> {
        Self::new([Block::new("theta", [len], Role::Weight, None)])
    }

    /// The blocks in their order.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The number of parameters, buffers included: the length of θ.
    #[allow(clippy::len_without_is_empty, reason = "a layout is never empty")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// A hash of all names, shapes, roles and filter axes: XXH3, 64 bits, of a line for each block, which gives the
    /// bytes of the name, the name, the shape, the role and the filter axis:
    /// `9 fc.weight shape=10,64 role=weight filter_axis=0`; `-` where there is no axis.
    pub(crate) fn content_hash(&self) -> u64 {
        let mut hasher = xxhash_rust::xxh3::Xxh3::new();
        for block in self.blocks() {
            let shape: Vec<String> = block.shape().iter().map(ToString::to_string).collect();
            let axis = block.filter_axis().map_or_else(|| "-".to_owned(), |axis| axis.to_string());
            let (name, shape, role) = (block.name(), shape.join(","), block.role().word());
            // The length first, since a name may hold anything.
            let line = format!("{} {name} shape={shape} role={role} filter_axis={axis}\n", name.len());
            hasher.update(line.as_bytes());
        }
        hasher.digest()
    }

    /// The block of this name.
    ///
    /// # Errors
    /// [`Error::UnknownBlock`] if there is none.
    pub fn block(&self, name: &str) -> Result<&Block> {
        self.blocks.iter().find(|block| block.name() == name).ok_or_else(|| Error::UnknownBlock {
            block: name.to_owned(),
            names: self.blocks.iter().map(|b| b.name().to_owned()).collect(),
        })
    }

    /// The block that holds a position of the flat vector, and the position inside it, row-major; None past the end.
    pub fn locate(&self, index: usize) -> Option<(&Block, usize)> {
        let found = self.blocks.partition_point(|block| block.range().end <= index);
        let block = self.blocks.get(found)?;
        Some((block, index - block.range().start))
    }

    /// Checks that another layout has the same blocks.
    ///
    /// ```
    /// use loss_landscape::{Block, Error, Layout};
    ///
    /// let layout = Layout::new([Block::weight("w", [4, 2], 0)])?;
    /// let other = Layout::new([Block::weight("w", [2, 4], 0)])?;
    /// assert!(matches!(layout.ensure_same(&other), Err(Error::LayoutMismatch { index: 0, .. })));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::LayoutMismatch`] with the first block that differs.
    pub fn ensure_same(&self, other: &Self) -> Result<()> {
        if Arc::ptr_eq(&self.blocks, &other.blocks) {
            return Ok(());
        }
        let count = self.blocks.len().max(other.blocks.len());
        let first = (0..count).find(|&i| self.blocks.get(i) != other.blocks.get(i));
        let describe = |layout: &Self, i: usize| {
            layout.blocks.get(i).map_or_else(|| "no block".to_owned(), ToString::to_string)
        };
        match first {
            None => Ok(()),
            Some(index) => Err(Error::LayoutMismatch {
                index,
                left: describe(self, index),
                right: describe(other, index),
            }),
        }
    }

    /// Checks that a vector has one value for each parameter.
    ///
    /// # Errors
    /// [`Error::Length`], with `what` naming the vector.
    pub fn ensure_length(&self, what: &str, len: usize) -> Result<()> {
        if len == self.len {
            Ok(())
        } else {
            Err(Error::Length { what: what.to_owned(), len, expected: self.len })
        }
    }

    /// Checks that a vector fits and that all its values are finite. An oracle can use it on what comes from elsewhere:
    ///
    /// ```
    /// use loss_landscape::{Block, Error, Layout};
    ///
    /// let layout = Layout::new([Block::weight("w", [2, 2], 0), Block::bias("b", [2])])?;
    /// let theta = [0.0, 1.0, 2.0, 3.0, 4.0, f64::NAN];
    /// let error = layout.ensure_finite("the checkpoint", &theta).unwrap_err();
    /// assert_eq!(error.to_string(), "the checkpoint is NaN at index 1 of block `b`");
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`], or [`Error::NonFinite`] with the block and the index inside it of the
    /// first value that is NaN or infinite.
    pub fn ensure_finite<S: Scalar>(&self, what: &str, vector: &[S]) -> Result<()> {
        self.ensure_length(what, vector.len())?;
        match vector.iter().position(|value| !value.is_finite()) {
            None => Ok(()),
            Some(position) => Err(self.non_finite(what.to_owned(), position, vector[position].as_f64())),
        }
    }

    /// The error for a value that is NaN or infinite at this position of a flat vector.
    pub(crate) fn non_finite(&self, what: String, position: usize, value: f64) -> Error {
        #[expect(clippy::expect_used, reason = "every position of a vector of this length is in a block")]
        let (block, index) = self.locate(position).expect("a position in the layout");
        Error::NonFinite { what, block: block.name().to_owned(), index, value }
    }
}

impl From<Layout> for Vec<Block> {
    fn from(layout: Layout) -> Self {
        layout.blocks.to_vec()
    }
}

impl TryFrom<Vec<Block>> for Layout {
    type Error = Error;

    fn try_from(blocks: Vec<Block>) -> Result<Self> {
        Self::new(blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Layout {
        Layout::new([Block::weight("w", [3, 2], 0), Block::bias("b", [3])]).unwrap()
    }

    #[test]
    fn bad_layouts_are_refused() {
        assert!(matches!(Layout::new([]), Err(Error::EmptyLayout)));
        assert!(matches!(Layout::flat(0), Err(Error::EmptyBlock { .. })));
        let twice = Layout::new([Block::bias("b", [1]), Block::bias("c", [1]), Block::bias("b", [2])]);
        assert!(matches!(twice, Err(Error::DuplicateBlock { first: 0, second: 2, .. })));
        let axis = Layout::new([Block::weight("w", [3, 2], 2)]);
        assert!(matches!(axis, Err(Error::FilterAxis { axis: 2, .. })));
        let huge = Layout::new([Block::weight("w", [usize::MAX, 3], 0)]);
        assert!(matches!(huge, Err(Error::TooManyParameters { .. })));
        let huge = Layout::new([Block::bias("a", [usize::MAX / 2]), Block::bias("b", [usize::MAX / 2])]);
        assert!(matches!(huge, Err(Error::TooManyParameters { .. })));
    }

    #[test]
    fn the_hash_is_of_the_stated_form_and_stays() {
        let layout = Layout::new([
            Block::weight("fc.weight", [10, 64], 0),
            Block::bias("scale", []),
            Block::new("norm.running_mean", [10], Role::Buffer, None),
        ])
        .unwrap();
        let form = "9 fc.weight shape=10,64 role=weight filter_axis=0\n5 scale shape= role=bias filter_axis=-\n\
                    17 norm.running_mean shape=10 role=buffer filter_axis=-\n";
        assert_eq!(layout.content_hash(), xxhash_rust::xxh3::xxh3_64(form.as_bytes()));
        assert_eq!(layout.content_hash(), 16_146_138_674_823_020_735);
    }

    #[test]
    fn the_first_difference_is_named() {
        let other = Layout::new([Block::weight("w", [3, 2], 0), Block::bias("b", [4])]).unwrap();
        let message = two().ensure_same(&other).unwrap_err().to_string();
        assert!(
            message.contains("block 1") && message.contains("[3]") && message.contains("[4]"),
            "{message}"
        );
        let axis = Layout::new([Block::weight("w", [3, 2], 1), Block::bias("b", [3])]).unwrap();
        assert!(matches!(two().ensure_same(&axis), Err(Error::LayoutMismatch { index: 0, .. })));
        let shorter = Layout::new([Block::weight("w", [3, 2], 0)]).unwrap();
        let message = two().ensure_same(&shorter).unwrap_err().to_string();
        assert!(message.contains("no block"), "{message}");
        assert!(two().ensure_same(&two()).is_ok());
    }

    #[test]
    fn the_first_bad_value_is_named() {
        let mut theta = vec![0.0_f32; 9];
        theta[7] = f32::NAN;
        let error = two().ensure_finite("θ", &theta).unwrap_err();
        assert!(matches!(&error, Error::NonFinite { block, index: 1, .. } if block == "b"), "{error}");
        assert!(matches!(two().ensure_finite("θ", &theta[1..]), Err(Error::Length { len: 8, .. })));
    }

    #[test]
    fn every_position_is_in_one_block() {
        let layout = two();
        assert_eq!(layout.locate(5).map(|(b, i)| (b.name(), i)), Some(("w", 5)));
        assert_eq!(layout.locate(6).map(|(b, i)| (b.name(), i)), Some(("b", 0)));
        assert!(layout.locate(9).is_none());
    }
}
