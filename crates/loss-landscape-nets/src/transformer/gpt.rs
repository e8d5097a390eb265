//! The shape of a decoder-only transformer, and where its parameters are.

use std::ops::Range;

use loss_landscape::{
    Block, Layout, Role,
    matching::{PermutationSpec, UnitGroup},
};
use loss_landscape_kernels::Smooth;

use crate::{
    error::{CountSetting, Result},
    fingerprint::Fingerprint,
};

use super::{layer_norm::NormPlace, linear::LinearPlace};

/// The shape of a decoder-only transformer as GPT-2 (Radford et al. 2019): embeddings of tokens and positions, blocks of
/// causal attention and of two linear layers with GELU (the tanh form) between, each after a layer normalisation
/// (ε = 1e-5) and with a skip connection, a last normalisation, and a head that is the embedding of tokens.
///
/// Blocks have the names and shapes of Hugging Face's `GPT2LMHeadModel`: `transformer.h.0.attn.c_attn.weight` is
/// width × 3·width, queries, keys and values side by side, its filters along the outputs, which are axis 1.
///
/// ```
/// use loss_landscape_nets::Gpt;
///
/// let gpt = Gpt::new(65, 128).width(192).heads(6).layers(6);
/// assert_eq!(gpt.layout()?.len(), 65 * 192 + 128 * 192 + 6 * (12 * 192 * 192 + 13 * 192) + 2 * 192);
/// // GPT-2 itself.
/// let gpt2 = Gpt::new(50_257, 1024).prefix("");
/// assert_eq!(gpt2.layout()?.len(), 124_439_808);
/// assert_eq!(gpt2.layout()?.block("h.11.mlp.c_fc.weight")?.shape(), [768, 3072]);
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Gpt {
    pub(super) vocabulary: usize,
    pub(super) positions: usize,
    pub(super) width: usize,
    pub(super) heads: usize,
    pub(super) layers: usize,
    pub(super) tied: bool,
    pub(super) causal: bool,
    prefix: String,
}

/// What is added to variances, and the function between the linear layers of a block.
pub(super) const EPSILON: f64 = 1e-5;
pub(super) const ACTIVATION: Smooth = Smooth::GeluTanh;

/// The parameters in θ.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) tokens: Range<usize>,
    pub(super) positions: Range<usize>,
    pub(super) blocks: Vec<BlockPlaces>,
    pub(super) norm: NormPlace,
    /// The embedding of tokens, if it is tied.
    pub(super) head: Range<usize>,
}

/// Those of one block.
#[derive(Clone, Debug)]
pub(super) struct BlockPlaces {
    pub(super) norm1: NormPlace,
    pub(super) attention: LinearPlace,
    pub(super) projection: LinearPlace,
    pub(super) norm2: NormPlace,
    pub(super) hidden: LinearPlace,
    pub(super) output: LinearPlace,
}

impl Gpt {
    /// For so many different tokens, in sequences of up to so many positions: 12 layers of width 768 with 12 heads, as
    /// GPT-2.
    pub fn new(vocabulary: usize, positions: usize) -> Self {
        Self {
            vocabulary,
            positions,
            width: 768,
            heads: 12,
            layers: 12,
            tied: true,
            causal: true,
            prefix: "transformer.".to_owned(),
        }
    }

    /// The values of a token between blocks; the linear layers of a block have four times as many between them.
    pub fn width(self, width: usize) -> Self {
        Self { width, ..self }
    }

    /// The heads of each attention: a divisor of the width.
    pub fn heads(self, heads: usize) -> Self {
        Self { heads, ..self }
    }

    /// The number of blocks.
    pub fn layers(self, layers: usize) -> Self {
        Self { layers, ..self }
    }

    /// Whether the head is the embedding of tokens (as in GPT-2), or has a weight `lm_head.weight` of its own.
    pub fn tied(self, tied: bool) -> Self {
        Self { tied, ..self }
    }

    /// Whether a token sees only those before it and itself (as in GPT-2), or all of its sequence.
    pub fn causal(self, causal: bool) -> Self {
        Self { causal, ..self }
    }

    /// What the names of all blocks but `lm_head.weight` begin with: `transformer.` as in checkpoints of a
    /// `GPT2LMHeadModel`, or nothing as in those of a `GPT2Model`.
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// The blocks, in the order of the state dict.
    ///
    /// # Errors
    /// [`Error::CountOutOfRange`](crate::Error::CountOutOfRange) for a size of 0, a width that heads do not share out
    /// evenly, and sizes beyond 2²⁴ tokens, positions or width, or 2¹² layers.
    pub fn layout(&self) -> Result<Layout> {
        self.check()?;
        let (prefix, d) = (&self.prefix, self.width);
        let table = |name: &str, rows: usize| Block::weight(format!("{prefix}{name}.weight"), [rows, d], 0);
        let norm = |name: &str| {
            [("weight", Role::NormScale), ("bias", Role::NormShift)]
                .map(|(part, role)| Block::new(format!("{prefix}{name}.{part}"), [d], role, None))
        };
        let linear = |name: &str, inputs: usize, outputs: usize| {
            [
                Block::weight(format!("{prefix}{name}.weight"), [inputs, outputs], 1),
                Block::bias(format!("{prefix}{name}.bias"), [outputs]),
            ]
        };
        let mut blocks = vec![table("wte", self.vocabulary), table("wpe", self.positions)];
        for i in 0..self.layers {
            blocks.extend(norm(&format!("h.{i}.ln_1")));
            blocks.extend(linear(&format!("h.{i}.attn.c_attn"), d, 3 * d));
            blocks.extend(linear(&format!("h.{i}.attn.c_proj"), d, d));
            blocks.extend(norm(&format!("h.{i}.ln_2")));
            blocks.extend(linear(&format!("h.{i}.mlp.c_fc"), d, 4 * d));
            blocks.extend(linear(&format!("h.{i}.mlp.c_proj"), 4 * d, d));
        }
        blocks.extend(norm("ln_f"));
        if !self.tied {
            blocks.push(Block::weight("lm_head.weight", [self.vocabulary, d], 0));
        }
        Ok(Layout::new(blocks)?)
    }

    fn check(&self) -> Result<()> {
        let small = |value: usize, most: usize| (1..=most).contains(&value);
        // Predictions are compared as numbers of single precision, which counts no further.
        CountSetting::Vocabulary.ensure(small(self.vocabulary, 1 << 24), self.vocabulary)?;
        CountSetting::Positions.ensure(small(self.positions, 1 << 24), self.positions)?;
        CountSetting::Width.ensure(small(self.width, 1 << 24), self.width)?;
        let heads = self.heads > 0 && self.width.is_multiple_of(self.heads);
        CountSetting::Heads.ensure(heads, self.heads)?;
        CountSetting::Layers.ensure(small(self.layers, 1 << 12), self.layers)
    }

    /// Where the parameters are: the layout's blocks one after the other.
    pub(super) fn places(&self, layout: &Layout) -> Places {
        let mut blocks = layout.blocks().iter();
        let mut next = || blocks.next().expect("a layout of this shape");
        let [tokens, positions] = [(); 2].map(|()| next().range());
        let of_block = |next: &mut dyn FnMut() -> Range<usize>, outputs: usize| LinearPlace {
            weight: next(),
            bias: next(),
            outputs,
        };
        let mut range = || next().range();
        let d = self.width;
        let blocks_of_layers = (0..self.layers)
            .map(|_| BlockPlaces {
                norm1: NormPlace { scale: range(), shift: range() },
                attention: of_block(&mut range, 3 * d),
                projection: of_block(&mut range, d),
                norm2: NormPlace { scale: range(), shift: range() },
                hidden: of_block(&mut range, 4 * d),
                output: of_block(&mut range, d),
            })
            .collect();
        let norm = NormPlace { scale: range(), shift: range() };
        let head = if self.tied { tokens.clone() } else { range() };
        Places { tokens, positions, blocks: blocks_of_layers, norm, head }
    }

    /// The hidden units of each block, and its heads.
    pub(super) fn unit_groups(&self, layout: &Layout) -> PermutationSpec {
        let (prefix, d) = (&self.prefix, self.width);
        let size = d / self.heads;
        let groups = (0..self.layers).flat_map(|i| {
            let name = |part: &str| format!("{prefix}h.{i}.{part}");
            let [attention, projection] = ["attn.c_attn", "attn.c_proj"].map(name);
            let [hidden, output] = ["mlp.c_fc", "mlp.c_proj"].map(name);
            let mut heads = UnitGroup::new(name("attn"), self.heads);
            for start in [0, d, 2 * d] {
                heads = heads.part(format!("{attention}.weight"), 1, start, size);
                heads = heads.part(format!("{attention}.bias"), 0, start, size);
            }
            let units = UnitGroup::new(&hidden, 4 * d)
                .axis(format!("{hidden}.weight"), 1)
                .axis(format!("{hidden}.bias"), 0)
                .axis(format!("{output}.weight"), 0);
            [heads.part(format!("{projection}.weight"), 0, 0, size), units]
        });
        PermutationSpec::new(layout, groups).expect("every block has these parameters")
    }

    pub(super) fn write_fingerprint(&self, out: &mut Fingerprint) {
        out.counts(&[self.vocabulary, self.positions, self.width, self.heads, self.layers]);
        out.flag(self.tied);
        out.flag(self.causal);
        out.text(&self.prefix);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn sizes_that_make_no_transformer_are_refused() {
        let small = || Gpt::new(5, 8).width(6).heads(2).layers(1);
        assert!(small().layout().is_ok());
        let refused = |gpt: Gpt| match gpt.layout() {
            Err(Error::CountOutOfRange { setting, value }) => (setting, value),
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(Gpt { vocabulary: 0, ..small() }), (CountSetting::Vocabulary, 0));
        assert_eq!(refused(Gpt { positions: 0, ..small() }), (CountSetting::Positions, 0));
        assert_eq!(refused(small().width(0)), (CountSetting::Width, 0));
        assert_eq!(refused(small().heads(4)), (CountSetting::Heads, 4));
        assert_eq!(refused(small().heads(0)), (CountSetting::Heads, 0));
        assert_eq!(refused(small().layers(0)), (CountSetting::Layers, 0));
    }
}
