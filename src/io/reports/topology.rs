//! What a shape out of a file must hold.

use super::{Misfit, Report};
use crate::topology::{Merge, MergeTree, Minimum, TopologyReport};

super::all_files!(TopologyReport);

impl Report for TopologyReport {
    const NAME: &'static str = "topology";

    fn check(&self) -> Result<(), Misfit> {
        let [rows, columns] = self.shape;
        let total = rows.checked_mul(columns);
        if total != Some(self.basins.len()) {
            let expected = format!("one for each of {rows}×{columns} points");
            return Err(Misfit::new("the basins", expected, self.basins.len()));
        }
        if self.points.checked_add(self.holes) != total {
            let found = format!("{} and {}", self.points, self.holes);
            return Err(Misfit::new("points and holes", format!("{} together", self.basins.len()), found));
        }
        let of_merges = self.merges.iter().map(|merge| merge.at.index);
        let of_hills =
            self.hills.iter().flat_map(|hill| [Some(hill.at.index), hill.pass.map(|pass| pass.index)]);
        let of_minima = self.minima.iter().map(|minimum| minimum.at.index);
        let outside = |[i, j]: &[usize; 2]| *i >= rows || *j >= columns;
        if let Some(index) = of_minima.chain(of_merges).chain(of_hills.flatten()).find(outside) {
            return Err(Misfit::new("an index", format!("below {:?}", self.shape), format!("{index:?}")));
        }
        check_merges(&self.minima, &self.merges)?;
        let count = self.minima.len();
        if let Some(basin) = self.basins.iter().flatten().find(|basin| **basin >= count) {
            return Err(Misfit::new("a basin", format!("that of one of {count} minima"), basin));
        }
        if self.tree != MergeTree::of(self.minima.iter().map(|minimum| minimum.at.value), &self.merges) {
            return Err(Misfit::new("the merge tree", "that of its minima and merges", "another"));
        }
        Ok(())
    }
}

/// Checks that merges ascend and name minima that are alive, and minima their merges.
pub(super) fn check_merges(minima: &[Minimum], merges: &[Merge]) -> Result<(), Misfit> {
    let count = minima.len();
    let mut ended = vec![None; count];
    let mut last = f64::NEG_INFINITY;
    for (position, merge) in merges.iter().enumerate() {
        let place = || format!("merge {position}");
        let [first, second] = merge.between;
        if let Some(k) = [merge.ends, merge.continues, first, second].into_iter().find(|k| *k >= count) {
            return Err(Misfit::new(place(), format!("of one of {count} minima"), format!("of {k}")));
        }
        let alive = |k: usize| ended[k].is_none();
        if merge.ends == merge.continues || !alive(merge.ends) || !alive(merge.continues) {
            return Err(Misfit::new(place(), "of two minima that have not ended", "of one that has"));
        }
        if merge.at.value < last || merge.at.value.is_nan() {
            return Err(Misfit::new(place(), format!("at {last} or above"), merge.at.value));
        }
        last = merge.at.value;
        ended[merge.ends] = Some(position);
    }
    match minima.iter().zip(&ended).position(|(minimum, ended)| minimum.merge != *ended) {
        Some(k) => {
            let of = |merge: Option<usize>| merge.map_or("none".to_owned(), |merge| merge.to_string());
            Err(Misfit::new(format!("the merge of minimum {k}"), of(ended[k]), of(minima[k].merge)))
        }
        None => Ok(()),
    }
}
