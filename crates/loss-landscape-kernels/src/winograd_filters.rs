//! Filters transformed for Winograd's minimal filtering F(2×2, 3×3).

use std::array;

use crate::{
    filter_bank::{BLOCK, FilterBank},
    kernel_scalar::KernelScalar,
};

/// Rows and columns of a transformed filter.
pub(crate) const SIDE: usize = 4;
/// Numbers in a transformed filter.
pub(crate) const POINTS: usize = SIDE * SIDE;
/// Numbers in a filter.
const TAPS: usize = 9;

impl FilterBank {
    /// Length of a bank transformed for [`Winograd3x3`](crate::Winograd3x3):
    /// `[block of outputs][row][column][input][output in its block]`, of four rows and columns.
    pub fn winograd_len(self) -> usize {
        self.outputs.div_ceil(BLOCK) * POINTS * self.inputs * BLOCK
    }

    /// Transforms a bank of 3×3 filters; outputs that fill up the last block are 0.
    pub fn pack_winograd<S: KernelScalar>(self, bank: &[S], packed: &mut [S]) {
        (S::kernels().pack_winograd)(self, bank, packed);
    }

    /// Transforms the [transposed](Self::transposed) of a bank.
    pub fn pack_winograd_transposed<S: KernelScalar>(self, bank: &[S], packed: &mut [S]) {
        (S::kernels().pack_winograd_transposed)(self, bank, packed);
    }

    pub(crate) fn transformed_into<S: KernelScalar>(self, bank: &[S], packed: &mut [S]) {
        self.transform_by(packed, |o, i, tap| bank[(o * self.inputs + i) * TAPS + tap]);
    }

    pub(crate) fn transposed_transformed_into<S: KernelScalar>(self, bank: &[S], packed: &mut [S]) {
        self.transposed()
            .transform_by(packed, |o, i, tap| bank[(i * self.inputs + o) * TAPS + TAPS - 1 - tap]);
    }

    /// G g Gᵀ of every filter g.
    fn transform_by<S: KernelScalar>(self, packed: &mut [S], tap: impl Fn(usize, usize, usize) -> S) {
        let blocks = packed.chunks_exact_mut(POINTS * self.inputs * BLOCK);
        for (first, packed) in (0..self.outputs).step_by(BLOCK).zip(blocks) {
            for input in 0..self.inputs {
                let tap = |row: usize, column: usize| {
                    array::from_fn(|k| match first + k {
                        output if output < self.outputs => tap(output, input, row * 3 + column),
                        _ => S::zero(),
                    })
                };
                let columns: [[[S; BLOCK]; SIDE]; 3] =
                    array::from_fn(|column| transformed(array::from_fn(|row| tap(row, column))));
                for row in 0..SIDE {
                    let points = transformed(columns.map(|column| column[row]));
                    for (column, values) in points.iter().enumerate() {
                        let at = ((row * SIDE + column) * self.inputs + input) * BLOCK;
                        packed[at..at + BLOCK].copy_from_slice(values);
                    }
                }
            }
        }
    }
}

/// G g, where G has the rows (1, 0, 0), (½, ½, ½), (½, −½, ½) and (0, 0, 1); for a block of outputs.
fn transformed<S: KernelScalar>(g: [[S; BLOCK]; 3]) -> [[S; BLOCK]; SIDE] {
    let half = S::nearest(0.5);
    let outer: [S; BLOCK] = array::from_fn(|k| half * (g[0][k] + g[2][k]));
    let inner: [S; BLOCK] = array::from_fn(|k| half * g[1][k]);
    let sum = array::from_fn(|k| outer[k] + inner[k]);
    let difference = array::from_fn(|k| outer[k] - inner[k]);
    [g[0], sum, difference, g[2]]
}
