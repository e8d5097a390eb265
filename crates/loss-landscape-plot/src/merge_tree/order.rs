//! The order of branches from left to right.

use std::collections::VecDeque;

/// For each branch the level at which it ends, and the one that goes on; none for those that never end.
pub(super) type Ends = Vec<Option<(f64, usize)>>;

/// The numbers of all branches from left to right, so that no line crosses another: around each branch stand those that
/// end in it, the lower their saddle the nearer, each with all that ends in it; on both sides as many as can be.
pub(super) fn order(ends: &Ends) -> Vec<usize> {
    let mut depths = vec![None; ends.len()];
    let mut way = Vec::new();
    for start in 0..ends.len() {
        let mut at = start;
        let mut depth = loop {
            match (depths[at], ends[at]) {
                (Some(depth), _) => break depth,
                (None, None) => {
                    depths[at] = Some(0_usize);
                    break 0;
                }
                (None, Some((_, into))) => {
                    way.push(at);
                    at = into;
                }
            }
        };
        for passed in way.drain(..).rev() {
            depth += 1;
            depths[passed] = Some(depth);
        }
    }
    // What ends in a branch before the branch itself, at one level too.
    let mut ending: Vec<(f64, usize, usize)> =
        (0..ends.len()).filter_map(|k| ends[k].map(|(level, into)| (level, k, into))).collect();
    ending.sort_by(|a, b| a.0.total_cmp(&b.0).then(depths[b.1].cmp(&depths[a.1])).then(a.1.cmp(&b.1)));

    let mut blocks: Vec<VecDeque<usize>> = (0..ends.len()).map(|k| VecDeque::from([k])).collect();
    // Branches on the left and on the right of each.
    let mut beside = vec![[0_usize; 2]; ends.len()];
    for (_, branch, into) in ending {
        let mut block = std::mem::take(&mut blocks[branch]);
        let side = usize::from(beside[into][1] <= beside[into][0]);
        beside[into][side] += block.len();
        if side == 1 {
            blocks[into].append(&mut block);
        } else {
            block.append(&mut blocks[into]);
            blocks[into] = block;
        }
    }
    blocks.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use proptest::{collection, prelude::any};

    use super::*;

    #[test]
    fn the_deepest_stands_in_the_middle() {
        assert_eq!(order(&vec![None, Some((1.0, 0)), Some((2.0, 0)), Some((0.5, 1))]), [2, 0, 1, 3]);
        assert_eq!(order(&vec![None, None, Some((1.0, 0))]), [0, 2, 1]);
        assert_eq!(order(&Vec::new()), Vec::<usize>::new());
    }

    proptest::proptest! {
        /// Between the end of a branch and the one that goes on, all others have ended.
        #[test]
        fn no_line_crosses_another(parents in collection::vec((any::<u16>(), 0_u8..6), 1..40)) {
            // Each ends in one before it, not above that one's own end.
            let mut ends: Ends = Vec::new();
            for (k, (parent, step)) in parents.into_iter().enumerate() {
                let into = usize::from(parent) % k.max(1);
                let top = ends.get(into).copied().flatten().map_or(100.0, |(level, _)| level);
                ends.push((k > 0).then(|| (top - f64::from(step), into)));
            }
            let order = order(&ends);
            let mut places = vec![0; ends.len()];
            order.iter().enumerate().for_each(|(place, &k)| places[k] = place);
            for (k, end) in ends.iter().enumerate() {
                let Some((level, into)) = *end else { continue };
                let (from, to) = (places[k].min(places[into]), places[k].max(places[into]));
                for &between in &order[from + 1..to] {
                    proptest::prop_assert!(ends[between].is_some_and(|(end, _)| end <= level), "{ends:?} {order:?}");
                }
            }
        }
    }
}
