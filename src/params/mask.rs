//! A choice of blocks, by name pattern and by role.

use super::{Layout, Role};
use crate::{Error, Result, Scalar};

/// A choice of blocks of a layout, for the directions that move them or the Hessian over them.
///
/// ```
/// use loss_landscape::{Block, Layout, Mask, Role};
///
/// let layout = Layout::new([
///     Block::weight("layer1.conv.weight", [4, 1, 3, 3], 0),
///     Block::bias("layer1.conv.bias", [4]),
///     Block::weight("linear.weight", [10, 4], 0),
/// ])?;
/// let weights = Mask::role(&layout, Role::Weight);
/// let first = Mask::name(&layout, "layer1.*")?;
/// assert_eq!(weights.and(&first)?.selected(), 36);
/// assert_eq!(first.not().selected(), 40);
/// assert_eq!(first.not().or(&weights)?.ranges(), [0..36, 40..80]);
///
/// let mut vector = vec![1.0; layout.len()];
/// weights.apply(&mut vector)?; // zero in the bias
/// assert_eq!(vector.iter().sum::<f64>(), 76.0);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// Serialised (feature `serde`) it is an object of the layout and the names of the blocks `chosen`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(into = "Names", try_from = "Names")
)]
pub struct Mask {
    layout: Layout,
    chosen: Vec<bool>,
}

impl Mask {
    /// All blocks.
    pub fn all(layout: &Layout) -> Self {
        Self { layout: layout.clone(), chosen: vec![true; layout.blocks().len()] }
    }

    /// The blocks of one role. If there are none, the mask chooses nothing.
    pub fn role(layout: &Layout, role: Role) -> Self {
        let chosen = layout.blocks().iter().map(|block| block.role() == role).collect();
        Self { layout: layout.clone(), chosen }
    }

    /// The blocks that training moves: all but buffers.
    pub fn trained(layout: &Layout) -> Self {
        Self::role(layout, Role::Buffer).not()
    }

    /// The blocks whose whole name matches a pattern: `*` stands for any characters, none included,
    /// `?` for exactly one.
    ///
    /// # Errors
    /// [`Error::PatternMatchesNothing`], since a pattern without a match is nearly always a mistake.
    pub fn name(layout: &Layout, pattern: &str) -> Result<Self> {
        let glyphs: Vec<char> = pattern.chars().collect();
        let chosen: Vec<bool> = (layout.blocks().iter())
            .map(|block| matches(&glyphs, &block.name().chars().collect::<Vec<_>>()))
            .collect();
        if chosen.contains(&true) {
            return Ok(Self { layout: layout.clone(), chosen });
        }
        Err(Error::PatternMatchesNothing {
            pattern: pattern.to_owned(),
            names: layout.blocks().iter().map(|b| b.name().to_owned()).collect(),
        })
    }

    /// The blocks that both masks choose.
    ///
    /// # Errors
    /// [`Error::LayoutMismatch`] if the masks are of different layouts.
    pub fn and(&self, other: &Self) -> Result<Self> {
        self.combine(other, |a, b| a && b)
    }

    /// The blocks that at least one of the masks chooses.
    ///
    /// # Errors
    /// [`Error::LayoutMismatch`] if the masks are of different layouts.
    pub fn or(&self, other: &Self) -> Result<Self> {
        self.combine(other, |a, b| a || b)
    }

    /// The blocks that this mask leaves out.
    #[must_use]
    pub fn not(&self) -> Self {
        Self { layout: self.layout.clone(), chosen: self.chosen.iter().map(|chosen| !chosen).collect() }
    }

    /// The layout from whose blocks it chooses.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Whether the block at this position of the layout is chosen; false past the last block.
    pub fn contains(&self, block: usize) -> bool {
        self.chosen.get(block).copied().unwrap_or(false)
    }

    /// The number of parameters in the chosen blocks.
    pub fn selected(&self) -> usize {
        self.layout
            .blocks()
            .iter()
            .zip(&self.chosen)
            .filter(|(_, chosen)| **chosen)
            .map(|(b, _)| b.len())
            .sum()
    }

    /// Sets the values outside the chosen blocks to zero.
    ///
    /// # Errors
    /// [`Error::Length`] if the vector does not fit the layout.
    pub fn apply<S: Scalar>(&self, vector: &mut [S]) -> Result<()> {
        self.layout.ensure_length("the vector to mask", vector.len())?;
        for (block, _) in self.layout.blocks().iter().zip(&self.chosen).filter(|(_, chosen)| !**chosen) {
            vector[block.range()].fill(S::zero());
        }
        Ok(())
    }

    /// The chosen parameters as ranges of the flat vector, ascending; adjacent blocks are joined to one range.
    pub fn ranges(&self) -> Vec<std::ops::Range<usize>> {
        let mut ranges: Vec<std::ops::Range<usize>> = Vec::new();
        for (block, _) in self.layout.blocks().iter().zip(&self.chosen).filter(|(_, chosen)| **chosen) {
            match ranges.last_mut() {
                Some(last) if last.end == block.range().start => last.end = block.range().end,
                _ => ranges.push(block.range()),
            }
        }
        ranges
    }

    /// The ranges in a stated form, for journals: `0..640,650..660`.
    pub(crate) fn ranges_text(&self) -> String {
        self.ranges()
            .iter()
            .map(|range| format!("{}..{}", range.start, range.end))
            .collect::<Vec<_>>()
            .join(",")
    }

    fn combine(&self, other: &Self, rule: fn(bool, bool) -> bool) -> Result<Self> {
        self.layout.ensure_same(&other.layout)?;
        let chosen = self.chosen.iter().zip(&other.chosen).map(|(&a, &b)| rule(a, b)).collect();
        Ok(Self { layout: self.layout.clone(), chosen })
    }
}

/// The serialised form.
#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    layout: Layout,
    chosen: Vec<String>,
}

#[cfg(feature = "serde")]
impl From<Mask> for Names {
    fn from(Mask { layout, chosen }: Mask) -> Self {
        let blocks = layout.blocks().iter().zip(chosen).filter(|(_, chosen)| *chosen);
        let chosen = blocks.map(|(block, _)| block.name().to_owned()).collect();
        Self { layout, chosen }
    }
}

#[cfg(feature = "serde")]
impl TryFrom<Names> for Mask {
    type Error = Error;

    fn try_from(Names { layout, chosen }: Names) -> Result<Self> {
        for name in &chosen {
            layout.block(name)?;
        }
        let names: std::collections::HashSet<&str> = chosen.iter().map(String::as_str).collect();
        let chosen = layout.blocks().iter().map(|block| names.contains(block.name())).collect();
        Ok(Self { layout, chosen })
    }
}

/// Glob matching in linear space: on a mismatch go back to the last `*` and let it take one more.
fn matches(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Block;

    #[test]
    fn patterns() {
        let m = |pattern: &str, name: &str| {
            matches(&pattern.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>())
        };
        assert!(m("*", "") && m("*", "a") && m("a*c", "abbc") && m("?c", "bc") && m("*.weight", "fc.weight"));
        assert!(m("l*.c*.w", "layer.conv.w") && m("**a", "bca"));
        assert!(!m("fc", "fc.weight") && !m("?", "") && !m("a?", "a") && !m("*b", "abc") && !m("", "a"));
    }

    #[test]
    fn masks_zero_the_rest_and_refuse_other_layouts() {
        let layout = Layout::new([Block::weight("w", [2], 0), Block::bias("b", [2])]).unwrap();
        let mut v = [1.0_f64; 4];
        Mask::role(&layout, Role::Bias).apply(&mut v).unwrap();
        assert_eq!(v, [0.0, 0.0, 1.0, 1.0]);
        assert!(matches!(Mask::name(&layout, "conv*"), Err(Error::PatternMatchesNothing { .. })));
        let other = Layout::flat(4).unwrap();
        assert!(matches!(Mask::all(&layout).and(&Mask::all(&other)), Err(Error::LayoutMismatch { .. })));
        assert!(matches!(Mask::all(&layout).apply(&mut [0.0_f32; 3]), Err(Error::Length { .. })));
        assert_eq!(Mask::role(&layout, Role::Buffer).or(&Mask::all(&layout)).unwrap().selected(), 4);
    }
}
