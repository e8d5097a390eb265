//! Filters in the order in which the convolution kernels read them.

use crate::kernel_scalar::KernelScalar;

/// Output channels that a kernel computes together.
pub(crate) const BLOCK: usize = 4;

/// Results in a short row, at most.
const SHORT: usize = 4;
/// Bytes of filters that stay in a second-level cache beside what they are multiplied with.
const CACHED: usize = 256 << 10;

/// A bank of filters: [outputs, inputs, rows, columns].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterBank {
    /// Output channels.
    pub outputs: usize,
    /// Input channels.
    pub inputs: usize,
    /// The rows and columns of a filter.
    pub kernel: [usize; 2],
}

impl FilterBank {
    /// The bank that carries derivatives back: inputs and outputs exchanged, taps turned round.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self { outputs: self.inputs, inputs: self.outputs, ..self }
    }

    /// Length of a packed bank: `[block of outputs][row][input][column][output in its block]`.
    pub fn packed_len(self) -> usize {
        self.outputs.div_ceil(BLOCK) * self.block_len()
    }

    /// Length of a packed block of outputs.
    pub fn block_len(self) -> usize {
        self.kernel[0] * self.row_len()
    }

    /// Length of one row of taps in a packed block.
    pub fn row_len(self) -> usize {
        self.inputs * self.kernel[1] * BLOCK
    }

    /// Whether a block of filters serves all rows of all groups before the next block is fetched, instead of all blocks
    /// one row after the other: where rows are so short that filters from memory are used for too few results.
    pub(crate) fn come_first<S>(self, width: usize) -> bool {
        width <= SHORT && self.packed_len() * size_of::<S>() > CACHED
    }

    /// Packs a bank; outputs that fill up the last block are 0.
    pub fn pack<S: KernelScalar>(self, bank: &[S], packed: &mut [S]) {
        (S::kernels().pack)(self, bank, packed);
    }

    /// Packs the [transposed](Self::transposed) of a bank.
    pub fn pack_transposed<S: KernelScalar>(self, bank: &[S], packed: &mut [S]) {
        (S::kernels().pack_transposed)(self, bank, packed);
    }

    pub(crate) fn packed_into<S: KernelScalar>(self, bank: &[S], packed: &mut [S]) {
        let [rows, columns] = self.kernel;
        self.pack_by(packed, |o, i, row, column| {
            bank[((o * self.inputs + i) * rows + row) * columns + column]
        });
    }

    pub(crate) fn transposed_into<S: KernelScalar>(self, bank: &[S], packed: &mut [S]) {
        let [rows, columns] = self.kernel;
        self.transposed().pack_by(packed, |o, i, row, column| {
            bank[((i * self.inputs + o) * rows + rows - 1 - row) * columns + columns - 1 - column]
        });
    }

    fn pack_by<S: KernelScalar>(self, packed: &mut [S], value: impl Fn(usize, usize, usize, usize) -> S) {
        let mut places = packed.iter_mut();
        for first in (0..self.outputs).step_by(BLOCK) {
            for row in 0..self.kernel[0] {
                for input in 0..self.inputs {
                    for column in 0..self.kernel[1] {
                        for (output, place) in (first..first + BLOCK).zip(places.by_ref()) {
                            *place = if output < self.outputs {
                                value(output, input, row, column)
                            } else {
                                S::zero()
                            };
                        }
                    }
                }
            }
        }
    }
}
