//! Linear assignment: partners for all rows of a square matrix, so that the sum over the pairs is largest.

use ndarray::Array2;

use crate::{Error, Result};

/// One column for each row of a square matrix, each column once, with the largest sum of the values that are chosen.
///
/// Found by shortest augmenting paths (Jonker and Volgenant, Computing 38, 1987) in at most some n³ steps, and far
/// fewer where most rows have a favourite column of their own. The dual prices bound every other choice from above, so
/// that [`upper_bound`](Self::upper_bound) − [`total`](Self::total), which is 0 up to rounding, proves the choice. For
/// whole numbers below 2⁵³ over n all steps are exact.
///
/// Where several choices have the same sum, the same one is found each time, on any machine, but not one that could be
/// told in advance.
///
/// ```
/// use loss_landscape::{matching::Assignment, ndarray::array};
///
/// // Greedy picks of 9 would leave 1 for the last row.
/// let similarity = array![[9.0, 8.0, 0.0], [8.0, 6.0, 0.0], [0.0, 7.0, 1.0]];
/// let found = Assignment::largest(&similarity)?;
/// assert_eq!(found.columns(), [1, 0, 2]);
/// assert_eq!((found.total(), found.upper_bound()), (17.0, 17.0));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    columns: Vec<usize>,
    total: f64,
    upper_bound: f64,
}

/// Row or column without a partner.
const NONE: usize = usize::MAX;

impl Assignment {
    /// The choice with the largest sum.
    ///
    /// # Errors
    /// [`Error::NotSquare`]; [`Error::Similarity`] for a value that is NaN or infinite.
    pub fn largest(similarity: &Array2<f64>) -> Result<Self> {
        let (n, columns) = similarity.dim();
        if n != columns {
            return Err(Error::NotSquare { rows: n, columns });
        }
        if let Some(((row, column), &value)) = similarity.indexed_iter().find(|(_, value)| !value.is_finite())
        {
            return Err(Error::Similarity { row, column, value });
        }
        // A power of two keeps bits, and sums of the entries in range.
        let largest = similarity.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
        let unit = if largest > 0.0 { largest.log2().floor().clamp(-1000.0, 1000.0).exp2() } else { 1.0 };
        let costs: Vec<f64> = similarity.iter().map(|value| -value / unit).collect();
        let mut search = Search::new(&costs, n);
        for row in 0..n {
            if search.column_of[row] == NONE {
                search.augment(row);
            }
        }
        let total = (0..n).map(|row| similarity[[row, search.column_of[row]]]).sum();
        // Prices of rows made anew from those of the columns: feasible whatever was rounded before.
        let rows = (0..n).map(|row| search.lowest(row));
        let bound = -(rows.sum::<f64>() + search.column_prices.iter().sum::<f64>()) * unit;
        Ok(Self { columns: search.column_of, total, upper_bound: bound })
    }

    /// The column of each row.
    pub fn columns(&self) -> &[usize] {
        &self.columns
    }

    /// The sum of the chosen values.
    pub fn total(&self) -> f64 {
        self.total
    }

    /// No choice has a larger sum than this, up to rounding.
    pub fn upper_bound(&self) -> f64 {
        self.upper_bound
    }

    /// The columns alone.
    pub fn into_columns(self) -> Vec<usize> {
        self.columns
    }
}

/// A partial assignment of least cost among those of its rows. Reduced costs, cost − row price − column price, are
/// never negative, and 0 for pairs.
struct Search<'a> {
    costs: &'a [f64],
    n: usize,
    row_prices: Vec<f64>,
    column_prices: Vec<f64>,
    column_of: Vec<usize>,
    row_of: Vec<usize>,
    /// For each column the length of the shortest path to it, and the row before it on that path.
    distance: Vec<f64>,
    before: Vec<usize>,
    /// The columns, those first whose distances are final.
    order: Vec<usize>,
}

impl<'a> Search<'a> {
    /// Pairs rows with columns that are cheapest for both.
    fn new(costs: &'a [f64], n: usize) -> Self {
        let mut column_prices = vec![f64::INFINITY; n];
        for row in costs.chunks_exact(n.max(1)) {
            for (price, cost) in column_prices.iter_mut().zip(row) {
                *price = price.min(*cost);
            }
        }
        let mut search = Self {
            costs,
            n,
            row_prices: vec![0.0; n],
            column_prices,
            column_of: vec![NONE; n],
            row_of: vec![NONE; n],
            distance: vec![0.0; n],
            before: vec![NONE; n],
            order: (0..n).collect(),
        };
        for row in 0..n {
            let price = search.lowest(row);
            search.row_prices[row] = price;
            let tight = |&column: &usize| {
                search.row_of[column] == NONE
                    && search.costs[row * n + column] - search.column_prices[column] == price
            };
            if let Some(column) = (0..n).find(tight) {
                search.column_of[row] = column;
                search.row_of[column] = row;
            }
        }
        search
    }

    /// The least cost of a row after the prices of the columns.
    fn lowest(&self, row: usize) -> f64 {
        let costs = &self.costs[row * self.n..(row + 1) * self.n];
        costs.iter().zip(&self.column_prices).map(|(cost, price)| cost - price).fold(f64::INFINITY, f64::min)
    }

    /// Gives this row a column, along the shortest path to one that is free.
    fn augment(&mut self, first: usize) {
        let n = self.n;
        self.distance.fill(f64::INFINITY);
        self.order.iter_mut().enumerate().for_each(|(index, column)| *column = index);
        let (mut row, mut length, mut done) = (first, 0.0, 0);
        let last = loop {
            let costs = &self.costs[row * n..(row + 1) * n];
            let (mut nearest, mut shortest) = (done, f64::INFINITY);
            for place in done..n {
                let column = self.order[place];
                let through = length + (costs[column] - self.row_prices[row] - self.column_prices[column]);
                if through < self.distance[column] {
                    self.distance[column] = through;
                    self.before[column] = row;
                }
                // Of columns equally far, a free one ends the search.
                let distance = self.distance[column];
                if distance < shortest || distance == shortest && self.row_of[column] == NONE {
                    (nearest, shortest) = (place, distance);
                }
            }
            let column = self.order[nearest];
            length = shortest;
            if self.row_of[column] == NONE {
                break column;
            }
            self.order.swap(done, nearest);
            done += 1;
            row = self.row_of[column];
        };
        self.row_prices[first] += length;
        for &column in &self.order[..done] {
            let change = length - self.distance[column];
            self.column_prices[column] -= change;
            self.row_prices[self.row_of[column]] += change;
        }
        let mut column = last;
        loop {
            let row = self.before[column];
            self.row_of[column] = row;
            std::mem::swap(&mut self.column_of[row], &mut column);
            if row == first {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray_rand::rand::{Rng, SeedableRng};
    use proptest::prelude::*;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// The largest sum over all permutations of the rows from `row` on.
    fn by_trying_all(similarity: &Array2<f64>, row: usize, taken: &mut Vec<bool>) -> f64 {
        let n = similarity.nrows();
        if row == n {
            return 0.0;
        }
        let mut best = f64::NEG_INFINITY;
        for column in 0..n {
            if !std::mem::replace(&mut taken[column], true) {
                best = best.max(similarity[[row, column]] + by_trying_all(similarity, row + 1, taken));
                taken[column] = false;
            }
        }
        best
    }

    fn is_permutation(columns: &[usize]) -> bool {
        let mut sorted = columns.to_vec();
        sorted.sort_unstable();
        sorted.into_iter().eq(0..columns.len())
    }

    proptest! {
        #[test]
        fn the_sum_is_that_of_the_best_of_all_permutations(
            n in 0_usize..=7, range in 1_i32..200, seed in any::<u64>(),
        ) {
            // Whole numbers, with many ties where their range is narrow.
            let mut generator = ChaCha8Rng::seed_from_u64(seed);
            let similarity = Array2::from_shape_fn((n, n), |_| f64::from(generator.random_range(-range..=range)));
            let found = Assignment::largest(&similarity).unwrap();
            prop_assert!(is_permutation(found.columns()));
            prop_assert_eq!(found.total(), by_trying_all(&similarity, 0, &mut vec![false; n]));
            prop_assert_eq!(found.total(), found.upper_bound());
        }

        #[test]
        fn the_bound_proves_large_assignments(n in 1_usize..=80, scale in -250_i32..250, seed in any::<u64>()) {
            let mut generator = ChaCha8Rng::seed_from_u64(seed);
            let unit = 10.0_f64.powi(scale);
            let similarity = Array2::from_shape_fn((n, n), |_| unit * generator.random_range(-1.0..1.0));
            let found = Assignment::largest(&similarity).unwrap();
            prop_assert!(is_permutation(found.columns()));
            let total: f64 = (0..n).map(|row| similarity[[row, found.columns()[row]]]).sum();
            prop_assert_eq!(found.total(), total);
            // No choice is better than the bound: the gap is rounding alone.
            let gap = (found.upper_bound() - found.total()).abs();
            prop_assert!(gap <= 1e-13 * n as f64 * unit, "{gap:e} at {unit:e}");
        }

        #[test]
        fn whole_numbers_are_proven_exactly(n in 1_usize..=80, range in 1_i64..1_000_000_000, seed in any::<u64>()) {
            let mut generator = ChaCha8Rng::seed_from_u64(seed);
            let similarity = Array2::from_shape_fn((n, n), |_| generator.random_range(-range..=range) as f64);
            let found = Assignment::largest(&similarity).unwrap();
            prop_assert_eq!(found.total(), found.upper_bound());
        }
    }

    #[test]
    fn hard_cases_are_solved() {
        // Machol and Wien's: every row wants the same columns in the same order.
        let n = 60;
        let similarity = Array2::from_shape_fn((n, n), |(i, j)| -(((i + 1) * (j + 1)) as f64));
        let found = Assignment::largest(&similarity).unwrap();
        assert!(found.columns().iter().copied().eq((0..n).rev()));
        assert_eq!(found.total(), found.upper_bound());
        let equal = Assignment::largest(&Array2::zeros((5, 5))).unwrap();
        assert!(is_permutation(equal.columns()) && equal.upper_bound() == 0.0);
        let huge = Assignment::largest(&Array2::from_diag(&ndarray::arr1(&[1e308, 1e308]))).unwrap();
        assert_eq!(huge.columns(), [0, 1]);
        assert_eq!(Assignment::largest(&Array2::zeros((0, 0))).unwrap().total(), 0.0);
    }

    #[test]
    fn what_is_no_square_of_finite_numbers_is_refused() {
        let wide = Array2::zeros((2, 3));
        assert!(matches!(Assignment::largest(&wide), Err(Error::NotSquare { rows: 2, columns: 3 })));
        let mut bad = Array2::zeros((2, 2));
        bad[[1, 0]] = f64::NAN;
        assert!(matches!(Assignment::largest(&bad), Err(Error::Similarity { row: 1, column: 0, .. })));
    }
}
