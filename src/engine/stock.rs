//! The points of a stage that nobody has taken yet.

use super::rows::Rows;

/// One or several pieces of a stage, of which threads and processes take runs of consecutive points.
pub(super) struct Stock<'v>(Vec<Rows<'v>>);

impl<'v> Stock<'v> {
    pub(super) fn new(mut pieces: Vec<Rows<'v>>) -> Self {
        pieces.retain(|rows| !rows.is_empty());
        Self(pieces)
    }

    /// How many points there are.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(Rows::len).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The point that would be taken first.
    pub(super) fn first(&self) -> Option<usize> {
        self.0.last().map(|rows| rows.number(0))
    }

    /// The points that a thread takes next: an eighth of its share of what is left, in whole batches, and at most so
    /// many in whole batches. None if there are none.
    pub(super) fn take_run(&mut self, threads: usize, batch: usize, most: Option<usize>) -> Option<Rows<'v>> {
        let share = (self.len() / (8 * threads)).min(most.unwrap_or(usize::MAX));
        let run = if share > batch { share.next_multiple_of(batch) } else { share };
        self.take(run.max(batch.div_ceil(4)))
    }

    /// At most so many points of one piece; none if there are none.
    pub(super) fn take(&mut self, most: usize) -> Option<Rows<'v>> {
        let rows = self.0.last_mut()?;
        let taken = rows.take_front(most.min(rows.len()));
        if rows.is_empty() {
            self.0.pop();
        }
        Some(taken)
    }

    /// Puts points back.
    pub(super) fn put(&mut self, rows: Rows<'v>) {
        if !rows.is_empty() {
            self.0.push(rows);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::rows::Room;

    #[test]
    fn pieces_are_one_stock() {
        let points: Vec<usize> = (10..50).collect();
        let mut room = Room::new(points.len(), 1).unwrap();
        let mut all = room.rows(&points, 1);
        let (front, nothing) = (all.take_front(3), all.take_front(0));
        let mut stock = Stock::new(vec![all, nothing, front]);
        assert_eq!((stock.len(), stock.is_empty(), stock.first()), (40, false, Some(10)));
        let mut taken = Vec::new();
        let run = stock.take_run(1, 2, None).unwrap();
        assert_eq!(
            run.numbers().collect::<Vec<_>>(),
            [10, 11, 12],
            "an eighth in whole batches is six, of a piece of three"
        );
        stock.put(run);
        while let Some(run) = stock.take_run(1, 2, Some(2)) {
            assert!(!run.is_empty() && run.len() <= 2);
            taken.extend(run.numbers());
        }
        taken.sort_unstable();
        assert_eq!(taken, points);
        assert!(stock.is_empty() && stock.take(usize::MAX).is_none());
    }
}
