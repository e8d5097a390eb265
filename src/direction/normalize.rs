//! Normalisation: the length of a direction, filter by filter or layer by layer.

use std::fmt;

use ndarray::Axis;

use crate::{
    Block, Layout, Result, Role, Scalar,
    params::norm,
    wire::{fields, named},
};

/// How the entries of a direction are scaled, in blocks that the [`Policy`] normalises.
///
/// θ_f and d_f are one filter of the parameters and of the direction, θ_b and d_b one block; all norms are Euclidean
/// (of a filter: Frobenius).
///
/// | norm | formula | for each | name in the original repository |
/// | --- | --- | --- | --- |
/// | [`Filter`](Self::Filter), the paper's | d_f ← d_f · ‖θ_f‖ / ‖d_f‖ | filter | `filter` |
/// | [`Layer`](Self::Layer) | d_b ← d_b · ‖θ_b‖ / ‖d_b‖ | block | `layer` |
/// | [`Weight`](Self::Weight) | d ← d · θ | entry | `weight` |
/// | [`UnitFilter`](Self::UnitFilter) | d_f ← d_f / ‖d_f‖ | filter | `dfilter` |
/// | [`UnitLayer`](Self::UnitLayer) | d_b ← d_b / ‖d_b‖ | block | `dlayer` |
/// | [`None`](Self::None) | d ← d | | (no norm) |
///
/// The first three are relative to θ: a step of α = 1 changes a filter, a block or an entry by as much as it is large,
/// so that networks whose weights differ in scale can be compared. The others are not.
///
/// ```
/// use loss_landscape::{Block, Direction, Layout, Norm, Normalization};
///
/// let layout = Layout::new([Block::weight("w", [2, 2], 0)])?;
/// let theta = [3.0, 4.0, 0.0, 12.0]; // two filters of norms 5 and 12
/// for (norm, expected) in [
///     (Norm::Filter, [5.0, 0.0, 0.0, 12.0]),
///     (Norm::Layer, [7.8, 0.0, 0.0, 10.4]),
///     (Norm::Weight, [9.0, 0.0, 0.0, 48.0]),
///     (Norm::UnitFilter, [1.0, 0.0, 0.0, 1.0]),
///     (Norm::UnitLayer, [0.6, 0.0, 0.0, 0.8]),
///     (Norm::None, [3.0, 0.0, 0.0, 4.0]),
/// ] {
///     let rule = Normalization::default().with_norm(norm);
///     let direction = Direction::new(&layout, vec![3.0, 0.0, 0.0, 4.0])?.normalized(&theta, &rule)?;
///     let off = direction.values().iter().zip(expected).map(|(d, expected): (&f64, f64)| (d - expected).abs());
///     assert!(off.fold(0.0, f64::max) < 1e-14, "{norm}: {:?}", direction.values());
/// }
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Norm {
    /// Entries stay as they were drawn.
    None,
    /// Each filter gets the norm of the same filter of θ: section 4 of the paper.
    #[default]
    Filter,
    /// Each block gets the norm of the same block of θ.
    Layer,
    /// Each entry is multiplied with the same entry of θ.
    Weight,
    /// Each filter gets the norm 1.
    UnitFilter,
    /// Each block gets the norm 1.
    UnitLayer,
}

/// What happens to the direction in a block of one kind.
///
/// ```
/// use loss_landscape::{Block, Direction, Layout, Normalization, Policy};
///
/// let layout = Layout::new([Block::bias("b", [2])])?;
/// let theta = [3.0, 4.0];
/// for (policy, expected) in [
///     (Policy::Still, [0.0, 0.0]),
///     (Policy::Copy, [3.0, 4.0]), // θ itself
///     (Policy::Normalize, [5.0, 0.0]), // as drawn, with the norm of θ
/// ] {
///     let rule = Normalization::default().with_biases(policy);
///     let direction = Direction::new(&layout, vec![2.0, 0.0])?.normalized(&theta, &rule)?;
///     assert_eq!(direction.values(), expected);
/// }
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Policy {
    /// The block stands still: the direction is zero there.
    Still,
    /// The direction is θ itself there, so that a step of α multiplies the block by 1 + α. This is
    /// what the original repository does to entries of rank 1 unless told to ignore them.
    Copy,
    /// The block is normalised like weights; without a filter axis it is one filter.
    Normalize,
}

/// Whose rule is followed where the paper and its authors' code differ.
///
/// ```
/// use loss_landscape::{Block, Direction, Layout, Normalization, Policy};
///
/// // A transposed convolution has its filters on axis 1: three of two values each.
/// let layout = Layout::new([Block::weight("up", [2, 3], 1)])?;
/// let theta = [1.0; 6];
/// let first = |rule: &Normalization| {
///     let direction = Direction::new(&layout, vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?.normalized(&theta, rule)?;
///     let d = direction.into_values();
///     let square = |values: &[f64]| values.iter().map(|d| d * d).sum::<f64>();
///     Ok::<_, loss_landscape::Error>((square(&[d[0], d[3]]), square(&d[..3])))
/// };
/// let (column, _) = first(&Normalization::default())?;
/// assert!((column - 2.0).abs() < 1e-12); // the paper: the filter, as θ's
/// let (_, row) = first(&Normalization::original(Policy::Still))?;
/// assert!((row - 3.0).abs() < 1e-8); // the original repository: whatever is on axis 0
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Conformance {
    /// The paper: exact norms, with the roles and filter axes of the layout.
    #[default]
    Paper,
    /// The original repository: 1e-10 is added to the norm of a filter of the direction, blocks of
    /// rank 2 and more are weights with filters on axis 0, blocks of rank 0 and 1 follow the policy
    /// for biases whatever their role, buffers the policy for buffers.
    Original,
}

/// How a direction is normalised: which norm, and what happens to biases, to the parameters of
/// normalisation layers and to buffers.
///
/// The default is the paper's rule: [`Norm::Filter`] for weights, everything else stands still.
///
/// ```
/// use loss_landscape::{Norm, Normalization, Policy};
///
/// let paper = Normalization::default();
/// let original = Normalization::original(Policy::Copy).with_norm(Norm::Layer);
/// assert_ne!(paper, original);
/// assert_eq!(paper.to_string(), "filter; biases still, normalisation parameters still, buffers still");
/// ```
///
/// `Display` is for people. Journals and safetensors files hold the rule as a line,
/// `norm=filter biases=still norm_parameters=still buffers=still conformance=paper`; serialised (feature `serde`) it is
/// an object of these keys, and keys left out have the paper's values:
///
/// ```
/// # #[cfg(feature = "json")] {
/// # use loss_landscape::{Norm, Normalization};
/// let rule: Normalization = serde_json::from_str(r#"{"norm": "layer"}"#).unwrap();
/// assert_eq!(rule, Normalization::default().with_norm(Norm::Layer));
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(default, deny_unknown_fields)
)]
pub struct Normalization {
    norm: Norm,
    biases: Policy,
    norm_parameters: Policy,
    buffers: Policy,
    conformance: Conformance,
}

impl Default for Normalization {
    fn default() -> Self {
        Self {
            norm: Norm::Filter,
            biases: Policy::Still,
            norm_parameters: Policy::Still,
            buffers: Policy::Still,
            conformance: Conformance::Paper,
        }
    }
}

impl Normalization {
    /// The rule of the original repository, [`Conformance::Original`], with one policy for all
    /// entries of rank 0 and 1: [`Policy::Still`] is its `ignore='biasbn'`, [`Policy::Copy`] what
    /// it does without.
    pub fn original(rank_one: Policy) -> Self {
        Self { biases: rank_one, conformance: Conformance::Original, ..Self::default() }
    }

    /// The norm to use; [`Norm::Filter`] by default.
    #[must_use]
    pub fn with_norm(self, norm: Norm) -> Self {
        Self { norm, ..self }
    }

    /// Whose rule to follow; [`Conformance::Paper`] by default.
    #[must_use]
    pub fn with_conformance(self, conformance: Conformance) -> Self {
        Self { conformance, ..self }
    }

    /// The policy for biases; they stand still by default. Under [`Conformance::Original`] it is the policy for all
    /// blocks of rank 0 and 1 except buffers.
    #[must_use]
    pub fn with_biases(self, biases: Policy) -> Self {
        Self { biases, ..self }
    }

    /// The policy for scales and shifts of normalisation layers; they stand still by default.
    #[must_use]
    pub fn with_norm_parameters(self, norm_parameters: Policy) -> Self {
        Self { norm_parameters, ..self }
    }

    /// The policy for buffers; they stand still by default.
    #[must_use]
    pub fn with_buffers(self, buffers: Policy) -> Self {
        Self { buffers, ..self }
    }

    /// Normalises a direction in place, in one pass over θ and the direction; [`Norm`] has the formulas.
    ///
    /// A filter (or block) of the direction that is zero everywhere stays zero. Where θ is zero everywhere, it becomes
    /// zero under the norms relative to θ. [`Direction::report`](crate::Direction::report) counts both.
    ///
    /// ```
    /// use loss_landscape::{Block, Layout, Normalization};
    ///
    /// let layout = Layout::new([Block::weight("w", [2, 2], 0)])?;
    /// let mut direction = [1.0, 0.0, 2.0, 2.0];
    /// Normalization::default().apply(&layout, &[3.0, 4.0, 0.0, 0.0], &mut direction)?;
    /// assert_eq!(direction, [5.0, 0.0, 0.0, 0.0]);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`](crate::Error::Length) for vectors that do not fit the layout,
    /// [`Error::NonFinite`](crate::Error::NonFinite) if one of them is not finite, or the result
    /// is not.
    pub fn apply<S: Scalar>(&self, layout: &Layout, theta: &[S], direction: &mut [S]) -> Result<()> {
        layout.ensure_finite("θ", theta)?;
        layout.ensure_finite("the direction", direction)?;
        for block in layout.blocks() {
            let range = block.range();
            match self.policy(block) {
                Policy::Still => direction[range].fill(S::zero()),
                Policy::Copy => direction[range.clone()].copy_from_slice(&theta[range]),
                Policy::Normalize => self.normalize(block, theta, direction)?,
            }
        }
        layout.ensure_finite("the normalised direction", direction)
    }

    /// The norm.
    pub fn norm(&self) -> Norm {
        self.norm
    }

    /// What happens to a block under this rule.
    ///
    /// ```
    /// use loss_landscape::{Block, Normalization, Policy, Role};
    ///
    /// let scale = Block::new("bn.weight", [8], Role::NormScale, None);
    /// assert_eq!(Normalization::default().policy(&scale), Policy::Still);
    /// assert_eq!(Normalization::original(Policy::Copy).policy(&scale), Policy::Copy); // it goes by rank
    /// ```
    pub fn policy(&self, block: &Block) -> Policy {
        if self.conformance == Conformance::Original && block.role() != Role::Buffer {
            return if block.shape().len() > 1 { Policy::Normalize } else { self.biases };
        }
        match block.role() {
            Role::Weight => Policy::Normalize,
            Role::Bias => self.biases,
            Role::NormScale | Role::NormShift => self.norm_parameters,
            Role::Buffer => self.buffers,
        }
    }

    /// The axis whose slices are scaled one by one; None if the block is scaled as a whole.
    pub(super) fn group_axis(&self, block: &Block) -> Option<usize> {
        match (self.norm, self.conformance) {
            (Norm::Filter | Norm::UnitFilter, Conformance::Paper) => block.filter_axis(),
            (Norm::Filter | Norm::UnitFilter, Conformance::Original) => {
                (block.shape().len() > 1).then_some(0)
            }
            _ => None,
        }
    }

    fn normalize<S: Scalar>(&self, block: &Block, theta: &[S], direction: &mut [S]) -> Result<()> {
        let relative = match self.norm {
            Norm::None => return Ok(()),
            Norm::Weight => {
                for (d, &t) in direction[block.range()].iter_mut().zip(&theta[block.range()]) {
                    *d *= t;
                }
                return Ok(());
            }
            Norm::Filter | Norm::Layer => true,
            Norm::UnitFilter | Norm::UnitLayer => false,
        };
        let by_filter = matches!(self.norm, Norm::Filter | Norm::UnitFilter);
        let epsilon = if by_filter && self.conformance == Conformance::Original { 1e-10 } else { 0.0 };
        let factor = |theta: f64, direction: f64| {
            if direction == 0.0 { 0.0 } else { (if relative { theta } else { 1.0 }) / (direction + epsilon) }
        };
        let theta = block.view(theta)?;
        let mut direction = block.view_mut(direction)?;
        let scale = |value: &mut S, factor: f64| *value = S::from_f64(value.as_f64() * factor);
        if let Some(axis) = self.group_axis(block).map(Axis) {
            for (mut d, t) in direction.axis_iter_mut(axis).zip(theta.axis_iter(axis)) {
                let factor = factor(norm(&t), norm(&d));
                d.map_inplace(|value| scale(value, factor));
            }
        } else {
            let factor = factor(norm(&theta), norm(&direction));
            direction.map_inplace(|value| scale(value, factor));
        }
        Ok(())
    }
}

impl fmt::Display for Norm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Filter => "filter",
            Self::Layer => "layer",
            Self::Weight => "weight",
            Self::UnitFilter => "dfilter",
            Self::UnitLayer => "dlayer",
        })
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Still => "still",
            Self::Copy => "copy",
            Self::Normalize => "normalised",
        })
    }
}

impl fmt::Display for Normalization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { norm, biases, norm_parameters, buffers, conformance } = self;
        match conformance {
            Conformance::Paper => write!(
                f,
                "{norm}; biases {biases}, normalisation parameters {norm_parameters}, buffers {buffers}"
            ),
            Conformance::Original => {
                write!(f, "{norm} as in the original repository; rank 1 {biases}, buffers {buffers}")
            }
        }
    }
}

const NORMS: [Norm; 6] =
    [Norm::None, Norm::Filter, Norm::Layer, Norm::Weight, Norm::UnitFilter, Norm::UnitLayer];
const POLICIES: [Policy; 3] = [Policy::Still, Policy::Copy, Policy::Normalize];
const CONFORMANCES: [Conformance; 2] = [Conformance::Paper, Conformance::Original];

impl Norm {
    fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Filter => "filter",
            Self::Layer => "layer",
            Self::Weight => "weight",
            Self::UnitFilter => "unit_filter",
            Self::UnitLayer => "unit_layer",
        }
    }
}

impl Policy {
    fn word(self) -> &'static str {
        match self {
            Self::Still => "still",
            Self::Copy => "copy",
            Self::Normalize => "normalize",
        }
    }
}

impl Conformance {
    fn word(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Original => "original",
        }
    }
}

impl Normalization {
    /// The machine form: see the type.
    pub(crate) fn to_line(self) -> String {
        let Self { norm, biases, norm_parameters, buffers, conformance } = self;
        format!(
            "norm={} biases={} norm_parameters={} buffers={} conformance={}",
            norm.word(),
            biases.word(),
            norm_parameters.word(),
            buffers.word(),
            conformance.word()
        )
    }

    /// Reads what [`to_line`](Self::to_line) writes.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let [norm, biases, norm_parameters, buffers, conformance] =
            fields(line, ["norm", "biases", "norm_parameters", "buffers", "conformance"])?;
        let policy = |word| named(&POLICIES, Policy::word, word);
        Some(Self {
            norm: named(&NORMS, Norm::word, norm)?,
            biases: policy(biases)?,
            norm_parameters: policy(norm_parameters)?,
            buffers: policy(buffers)?,
            conformance: named(&CONFORMANCES, Conformance::word, conformance)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Error;

    fn layout() -> Layout {
        Layout::new([
            Block::weight("w", [2, 2], 1),
            Block::bias("b", [2]),
            Block::new("gamma", [2], Role::NormScale, None),
            Block::new("mean", [2], Role::Buffer, None),
        ])
        .unwrap()
    }

    const THETA: [f64; 10] = [3.0, 1.0, 4.0, 0.0, 5.0, 12.0, 1.0, 1.0, 2.0, 2.0];

    fn apply(rule: Normalization, mut d: [f64; 10]) -> [f64; 10] {
        rule.apply(&layout(), &THETA, &mut d).unwrap();
        d
    }

    #[test]
    fn the_papers_rule_scales_filters_along_their_axis() {
        // Filters are columns: norms 5 and 1.
        let d = apply(Normalization::default(), [1.0, 3.0, 0.0, 4.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0]);
        approx::assert_relative_eq!(d[..4], [5.0, 3.0 / 5.0, 0.0, 4.0 / 5.0], max_relative = 1e-15);
        assert_eq!(d[4..], [0.0; 6]);
    }

    #[test]
    fn policies_reach_their_roles() {
        let rule = Normalization::default()
            .with_biases(Policy::Normalize)
            .with_norm_parameters(Policy::Copy)
            .with_buffers(Policy::Normalize);
        let d = apply(rule, [1.0, 1.0, 1.0, 1.0, 0.0, 2.0, 9.0, 9.0, 1.0, 0.0]);
        assert_eq!(d[4..8], [0.0, 13.0, 1.0, 1.0]);
        assert!((d[8] - 8.0_f64.sqrt()).abs() < 1e-15 && d[9] == 0.0);
    }

    #[test]
    fn the_original_goes_by_rank_and_axis_zero() {
        let d = apply(Normalization::original(Policy::Copy), [1.0; 10]);
        let row = 10.0_f64.sqrt() / (2.0_f64.sqrt() + 1e-10);
        assert!((d[0] - row).abs() < 1e-14 && (d[1] - row).abs() < 1e-14);
        assert_eq!(d[4..8], THETA[4..8], "rank 1 copies θ, normalisation scales too");
        assert_eq!(d[8..], [0.0, 0.0], "buffers stand still unless asked");
        let by_hand =
            Normalization::default().with_biases(Policy::Copy).with_conformance(Conformance::Original);
        assert_eq!(by_hand, Normalization::original(Policy::Copy));
    }

    #[test]
    fn results_that_overflow_are_errors() {
        let layout = Layout::flat(1).unwrap();
        let rule = Normalization::default().with_norm(Norm::Weight);
        let error = rule.apply(&layout, &[1e30_f32], &mut [1e30_f32]).unwrap_err();
        assert!(matches!(error, Error::NonFinite { index: 0, .. }), "{error}");
    }

    #[test]
    fn the_lines_of_rules_are_these() {
        let lines = [
            (
                Normalization::default(),
                "norm=filter biases=still norm_parameters=still buffers=still conformance=paper",
            ),
            (
                Normalization::original(Policy::Copy)
                    .with_norm(Norm::UnitLayer)
                    .with_norm_parameters(Policy::Normalize),
                "norm=unit_layer biases=copy norm_parameters=normalize buffers=still conformance=original",
            ),
        ];
        for (rule, line) in lines {
            assert_eq!(rule.to_line(), line);
            assert_eq!(Normalization::from_line(line), Some(rule));
        }
    }

    #[test]
    fn every_rule_is_read_as_it_is_written() {
        let mut lines = std::collections::HashSet::new();
        for norm in NORMS {
            for (biases, norm_parameters, buffers) in POLICIES
                .iter()
                .flat_map(|&a| POLICIES.iter().map(move |&b| (a, b)))
                .flat_map(|(a, b)| POLICIES.iter().map(move |&c| (a, b, c)))
            {
                for conformance in CONFORMANCES {
                    let rule = Normalization { norm, biases, norm_parameters, buffers, conformance };
                    assert_eq!(Normalization::from_line(&rule.to_line()), Some(rule));
                    assert!(lines.insert(rule.to_line()));
                }
            }
        }
    }

    #[test]
    #[cfg(feature = "json")]
    fn the_words_are_those_of_serde() {
        let json = |value: &dyn Fn() -> serde_json::Result<String>| value().unwrap();
        for norm in NORMS {
            assert_eq!(json(&|| serde_json::to_string(&norm)), format!("{:?}", norm.word()));
        }
        for policy in POLICIES {
            assert_eq!(json(&|| serde_json::to_string(&policy)), format!("{:?}", policy.word()));
        }
        for conformance in CONFORMANCES {
            assert_eq!(json(&|| serde_json::to_string(&conformance)), format!("{:?}", conformance.word()));
        }
        let unknown = serde_json::from_str::<Normalization>(r#"{"norms": "layer"}"#);
        assert!(unknown.unwrap_err().to_string().contains("unknown field `norms`"));
    }

    proptest! {
        #[test]
        fn prose_and_junk_are_no_rules(cut in 0_usize..78, text in ".{0,20}") {
            let whole = Normalization::default();
            for text in [&text, &whole.to_line()[..cut], &whole.to_string()] {
                prop_assert_eq!(Normalization::from_line(text), None);
            }
        }
    }
}
