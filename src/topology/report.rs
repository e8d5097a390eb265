//! What is known of the shape of a landscape.

use std::fmt;

use super::Neighbours;

/// The minima of a curve or surface, how they merge as the level rises, and its hills.
/// [`Topology::of`](super::Topology::of) returns it; the page of [`Topology`](super::Topology) says how each figure is
/// defined.
///
/// ```
/// use loss_landscape::{Surface, ndarray::Array2, topology::Topology};
///
/// let at: Vec<f64> = (-8..=8).map(|i| f64::from(i) / 4.0).collect();
/// let well = |x: f64, y: f64| (x * x - 1.0).powi(2) + y * y; // two wells at (±1, 0), a pass of height 1 at (0, 0)
/// let loss = Array2::from_shape_fn((17, 17), |(i, j)| well(at[i], at[j]));
/// let report = Topology::new().of(&Surface::from_channels(&at, &at, [("loss".to_owned(), loss)])?)?;
///
/// let [left, right] = &report.minima[..] else { panic!("two wells") };
/// assert_eq!((left.at.coordinates, left.persistence), ([-1.0, 0.0], f64::INFINITY));
/// assert_eq!((right.at.coordinates, right.persistence), ([1.0, 0.0], 1.0));
/// assert_eq!((left.depth, left.certain), (1.0, true));
/// let pass = &report.merges[0];
/// assert_eq!((pass.at.coordinates, pass.at.value, pass.between), ([0.0, 0.0], 1.0, [1, 0]));
/// assert_eq!(report.basin([16, 8]), Some(1)); // the point (2, 0) flows to the right well
/// assert_eq!(report.saddle_distance.as_ref().map(|distance| (distance.height, distance.plane)), Some((1.0, 1.0)));
/// println!("{report}"); // shape of `loss`: 2 minima, 1 merge, 0 hills; saddle–minimum distance 1
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// # Files
///
/// With the features `json`, `npz` and `csv`, a report is written and read back exactly, `write_json(path)` and the
/// like.
///
/// - **JSON** is an object of `format` (`"loss-landscape topology"`), `version` and `report`: the fields here under
///   their names. Numbers that are not finite are the texts `"NaN"`, `"Infinity"` and `"-Infinity"`.
/// - **npz** has an array for each column of each table: `minimum_index` (k×2), `minimum_coordinates` (k×2) and
///   `minimum_value`, `_merge`, `_persistence`, `_depth`, `_basin_points`, `_basin_share`, `_certain` and
///   `_basin_beside_hole` (k); `merge_index`, `_coordinates`, `_value`, `_ends`, `_continues`, `_between` (k×2) and
///   `_certain`; `hill_index`, `_coordinates`, `_value`, `_pass_index`, `_pass_coordinates`, `_pass_value`,
///   `_persistence` and `_certain`; `pair_dimension`, `_birth`, `_death` and `_certain`, the
///   [pairs](Self::pairs); `node_value` and `_parent`, the merge tree; `point_basin`, row by row. Positions count from
///   0, and −1 stands for none. The rest is in `metadata`, the bytes of a JSON text.
/// - **CSV** has the same, a line for each row of each table, whose first field says of which (`minimum`, `merge` …).
///   What a table does not have is empty, as is none. A first line `# {…}` holds the rest; pandas reads the file with
///   `comment="#"`.
///
/// Pairs and tree are made anew from minima and merges where npz and CSV are read.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct TopologyReport {
    /// The channel.
    pub channel: String,
    /// Which points were neighbours.
    pub neighbours: Neighbours,
    /// Points along α and along β; 1 along β on a line.
    pub shape: [usize; 2],
    /// Points whose value is finite.
    pub points: usize,
    /// Points whose value is not.
    pub holes: usize,
    /// Persistences that are not above this value were left out; 0 unless asked for.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub persistence_above: f64,
    /// Where standard errors were given, the factor c of [`Topology::confidence`](super::Topology::confidence).
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub noise_factor: Option<f64>,
    /// Minima, the most persistent first (in a grid without holes that is the lowest point), of equal ones the lowest
    /// first.
    pub minima: Vec<Minimum>,
    /// Saddles where components of the sublevel sets merge, ascending. There is one less than there are minima; in a
    /// grid that holes cut into pieces, one less in each piece.
    pub merges: Vec<Merge>,
    /// The same as a tree.
    pub tree: MergeTree,
    /// Maxima inside a surface that are surrounded by lower ground, the most persistent first, of equal ones the
    /// highest first. Always empty on a line.
    pub hills: Vec<Hill>,
    /// Minima and hills of a persistence above 0 that were left out, for being below the persistence asked for or not
    /// above the noise.
    pub left_out: usize,
    /// For each point, row by row, the position of the minimum that it flows to; none in holes. See
    /// [`basin`](Self::basin).
    pub basins: Vec<Option<usize>>,
    /// How far saddles are from their minima on average; none if nothing merges.
    pub saddle_distance: Option<SaddleDistance>,
}

/// A point of the grid with its value.
///
/// ```
/// use loss_landscape::{Curve, ndarray::array, topology::Topology};
///
/// let loss = array![2.0, 0.5, 3.0];
/// let curve = Curve::from_channels(&[-1.0, 0.0, 1.0], [("loss".to_owned(), loss)])?;
/// let lowest = Topology::new().of(&curve)?.minima[0].at;
/// assert_eq!((lowest.index, lowest.coordinates, lowest.value), ([1, 0], [0.0, 0.0], 0.5));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Site {
    /// The indices (i, j); j is 0 on a line.
    pub index: [usize; 2],
    /// The coordinates (α, β); β is 0 on a line.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub coordinates: [f64; 2],
    /// The value of the channel.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub value: f64,
}

/// A local minimum: a component of the sublevel sets begins here. [`TopologyReport`] has an example.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Minimum {
    /// Where it is, and how low.
    pub at: Site,
    /// The position in [`merges`](TopologyReport::merges) where its component merges with one that has a lower
    /// minimum; none if it never does.
    pub merge: Option<usize>,
    /// How far the level rises from here until then (the persistence of its pair), infinite if it never merges.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub persistence: f64,
    /// How far the level rises until its component merges with any other, the height of the lowest way out; infinite
    /// if it never does. Where its minimum is the higher one, that is the persistence.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub depth: f64,
    /// The number of points that flow here.
    pub basin_points: usize,
    /// Their share of all finite points, above 0 and at most 1.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub basin_share: f64,
    /// Whether the minimum, its persistence and its depth stay what they are whatever values the holes have: no point
    /// of its component, until it merges, is beside a hole. Always in a grid without holes.
    pub certain: bool,
    /// Whether a point of its basin is beside a hole, so that other points may belong to it.
    pub basin_beside_hole: bool,
}

/// A saddle where two components of the sublevel sets merge. [`TopologyReport`] has an example.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Merge {
    /// Where it is, and how high.
    pub at: Site,
    /// The position of the higher minimum, whose component ends here: the younger one of the elder rule.
    pub ends: usize,
    /// The position of the lower minimum, whose component goes on.
    pub continues: usize,
    /// The positions of the minima whose basins touch here, first the one on the side of [`ends`](Self::ends). They
    /// are `ends` and `continues` themselves unless others have merged with these below.
    pub between: [usize; 2],
    /// [`Minimum::certain`] of the minimum whose component ends.
    pub certain: bool,
}

/// The merge tree of the sublevel sets: leaves are minima, inner nodes are merges with two children each. Nodes come
/// before their parents. (Of three components that meet in one point, two merge first, and the third one then.) Where
/// holes cut the grid into pieces, each piece has a tree.
///
/// ```
/// use loss_landscape::{Curve, ndarray::array, topology::{Topology, TreeFeature}};
///
/// let loss = array![0.0, 3.0, 1.0, 2.0, 1.5, 4.0];
/// let curve = Curve::from_channels(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [("loss".to_owned(), loss)])?;
/// let tree = Topology::new().of(&curve)?.tree;
/// let nodes: Vec<_> = tree.nodes.iter().map(|node| (node.feature, node.value, node.parent)).collect();
/// assert_eq!(nodes, [
///     (TreeFeature::Minimum(0), 0.0, Some(4)),
///     (TreeFeature::Minimum(1), 1.0, Some(3)),
///     (TreeFeature::Minimum(2), 1.5, Some(3)),
///     (TreeFeature::Merge(0), 2.0, Some(4)), // of the minima 1 and 2
///     (TreeFeature::Merge(1), 3.0, None),    // of these with minimum 0
/// ]);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct MergeTree {
    /// All minima in their order, then all merges in theirs.
    pub nodes: Vec<TreeNode>,
}

/// A node of a [`MergeTree`].
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct TreeNode {
    /// What it is.
    pub feature: TreeFeature,
    /// Its value.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub value: f64,
    /// The position in [`nodes`](MergeTree::nodes) of the merge above it; none for a root.
    pub parent: Option<usize>,
}

/// What a node of a [`MergeTree`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum TreeFeature {
    /// A leaf: the position of a minimum.
    Minimum(usize),
    /// An inner node: the position of a merge.
    Merge(usize),
}

/// A maximum that is surrounded by lower ground: around it, the sublevel sets have a loop from the height of its pass
/// to its own. A maximum from which a path leads to the border without going down has none and is not listed.
///
/// ```
/// use loss_landscape::{Surface, ndarray::array, topology::Topology};
///
/// let loss = array![[9.0, 1.0, 0.0, 1.0], [1.0, 5.0, 2.0, 0.0], [0.0, 1.0, 1.0, 1.0]];
/// let axis: Vec<f64> = (0..4).map(f64::from).collect();
/// let report = Topology::new().of(&Surface::from_channels(&axis[..3], &axis, [("loss".to_owned(), loss)])?)?;
/// let hill = &report.hills[0];
/// assert_eq!((hill.at.index, hill.at.value, hill.pass.map(|pass| pass.value)), ([1, 1], 5.0, Some(1.0)));
/// assert_eq!((report.hills.len(), hill.persistence), (1, 4.0)); // the 9 is at the border
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Hill {
    /// Where it is, and how high.
    pub at: Site,
    /// The highest point at which a way from here leads to higher ground or to the border; none if holes cut it off.
    pub pass: Option<Site>,
    /// How far it rises above its pass, infinite without one.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub persistence: f64,
    /// Whether it stays what it is whatever values the holes have: no point above its pass that is connected with it is
    /// beside a hole.
    pub certain: bool,
}

/// How far saddles are from their minima, as means over the saddle–minimum edges of the [`MergeTree`]: each minimum
/// that merges with another, with the first saddle at which it does.
///
/// [`height`](Self::height) is the saddle–minimum average distance (SMAD) of J. Chen et al.
/// ([arXiv 2602.07135](https://arxiv.org/abs/2602.07135)), and the two after it are the variants of the program that
/// its authors publish: *distance* means a difference of values there. A distance in the plane is added.
/// [`TopologyReport`] has an example.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SaddleDistance {
    /// The number k of edges: all minima, but for those that merge with none.
    pub edges: usize,
    /// (1/k)·Σ (f(saddle) − f(minimum)), in the unit of the channel: the mean of [`Minimum::depth`].
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub height: f64,
    /// `height` divided by the range of the channel's finite values.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub relative_height: f64,
    /// (1/k)·Σ (f(saddle) − f(minimum))·[`basin_share`](Minimum::basin_share).
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub weighted_height: f64,
    /// The mean Euclidean distance of saddle and minimum in the coordinates (α, β).
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub plane: f64,
}

/// A persistence pair: a feature of the sublevel sets that begins at one level and ends at another.
/// [`TopologyReport::pairs`] has an example.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PersistencePair {
    /// 0 for components, which are minima; 1 for loops, which are hills.
    pub dimension: usize,
    /// The level where it begins: of the minimum, or of the hill's pass, −∞ without one.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub birth: f64,
    /// The level where it ends: of the merge, ∞ without one, or of the hill.
    #[cfg_attr(feature = "serde", serde(with = "crate::wire::forms"))]
    pub death: f64,
    /// The indices (i, j) of the point where it begins, unless it is −∞.
    pub birth_index: Option<[usize; 2]>,
    /// Those of the point where it ends, unless it is ∞.
    pub death_index: Option<[usize; 2]>,
    /// Whether the pair is the same for any values in the holes.
    pub certain: bool,
}

impl TopologyReport {
    /// The position in [`minima`](Self::minima) of the minimum that a point flows to; none in a hole, or outside.
    pub fn basin(&self, index: [usize; 2]) -> Option<usize> {
        let [rows, columns] = self.shape;
        let inside = index[0] < rows && index[1] < columns;
        inside.then(|| self.basins.get(index[0] * columns + index[1]).copied().flatten()).flatten()
    }

    /// The minima and hills as persistence pairs, in this order.
    ///
    /// ```
    /// use loss_landscape::{Curve, ndarray::array, topology::Topology};
    ///
    /// let loss = array![0.0, 3.0, 1.0, 2.0];
    /// let curve = Curve::from_channels(&[0.0, 1.0, 2.0, 3.0], [("loss".to_owned(), loss)])?;
    /// let pairs = Topology::new().of(&curve)?.pairs();
    /// assert_eq!((pairs[0].birth, pairs[0].death), (0.0, f64::INFINITY)); // the lowest point
    /// assert_eq!((pairs[1].birth, pairs[1].death), (1.0, 3.0));
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    pub fn pairs(&self) -> Vec<PersistencePair> {
        let minima = self.minima.iter().map(|minimum| {
            let merge = minimum.merge.and_then(|merge| self.merges.get(merge));
            PersistencePair {
                dimension: 0,
                birth: minimum.at.value,
                death: merge.map_or(f64::INFINITY, |merge| merge.at.value),
                birth_index: Some(minimum.at.index),
                death_index: merge.map(|merge| merge.at.index),
                certain: minimum.certain,
            }
        });
        let hills = self.hills.iter().map(|hill| PersistencePair {
            dimension: 1,
            birth: hill.pass.map_or(f64::NEG_INFINITY, |pass| pass.value),
            death: hill.at.value,
            birth_index: hill.pass.map(|pass| pass.index),
            death_index: Some(hill.at.index),
            certain: hill.certain,
        });
        minima.chain(hills).collect()
    }
}

impl MergeTree {
    /// The tree of minima of these values, whose merges come ascending and name minima that are there.
    pub(crate) fn of(minima: impl Iterator<Item = f64>, merges: &[Merge]) -> Self {
        let leaf =
            |(k, value): (usize, f64)| TreeNode { feature: TreeFeature::Minimum(k), value, parent: None };
        let mut nodes: Vec<TreeNode> = minima.enumerate().map(leaf).collect();
        // The node that stands for the component of each minimum.
        let mut tops: Vec<usize> = (0..nodes.len()).collect();
        for (k, merge) in merges.iter().enumerate() {
            let node = nodes.len();
            nodes[tops[merge.ends]].parent = Some(node);
            nodes[tops[merge.continues]].parent = Some(node);
            tops[merge.continues] = node;
            nodes.push(TreeNode { feature: TreeFeature::Merge(k), value: merge.at.value, parent: None });
        }
        Self { nodes }
    }
}

/// One line: the numbers of minima, merges and hills, of what was left out, is not certain or a hole.
impl fmt::Display for TopologyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |number: usize, one: &str, many: &str| {
            format!("{number} {}", if number == 1 { one } else { many })
        };
        write!(f, "shape of `{}`: {}", self.channel, count(self.minima.len(), "minimum", "minima"))?;
        write!(f, ", {}", count(self.merges.len(), "merge", "merges"))?;
        write!(f, ", {}", count(self.hills.len(), "hill", "hills"))?;
        if self.left_out > 0 {
            write!(f, "; {} left out", self.left_out)?;
        }
        if self.holes > 0 {
            let minima = self.minima.iter().filter(|minimum| !minimum.certain).count();
            let uncertain = minima + self.hills.iter().filter(|hill| !hill.certain).count();
            let holes = count(self.holes, "hole", "holes");
            write!(f, "; {uncertain} not certain for {holes}")?;
        }
        if let Some(distance) = &self.saddle_distance {
            write!(f, "; saddle–minimum distance {}", distance.height)?;
        }
        Ok(())
    }
}
