//! Filters in the order in which the convolution kernels read them.

use loss_landscape::Scalar;

/// Output channels that a kernel computes together.
pub(crate) const BLOCK: usize = 4;

/// A bank of filters: [outputs, inputs, side, side].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FilterBank {
    pub(crate) outputs: usize,
    pub(crate) inputs: usize,
    pub(crate) side: usize,
}

impl FilterBank {
    #[cfg(test)]
    pub(crate) fn len(self) -> usize {
        self.outputs * self.inputs * self.side * self.side
    }

    /// The bank that carries derivatives back: inputs and outputs exchanged, taps turned round.
    pub(crate) fn transposed(self) -> Self {
        Self { outputs: self.inputs, inputs: self.outputs, side: self.side }
    }

    /// Length of a packed bank: [block of outputs][row][input][column][output in its block].
    pub(crate) fn packed_len(self) -> usize {
        self.outputs.div_ceil(BLOCK) * self.block_len()
    }

    /// Length of a packed block of outputs.
    pub(crate) fn block_len(self) -> usize {
        self.side * self.row_len()
    }

    /// Length of one row of taps in a packed block.
    pub(crate) fn row_len(self) -> usize {
        self.inputs * self.side * BLOCK
    }

    /// Packs a bank; outputs that fill up the last block are 0.
    pub(crate) fn pack<S: Scalar>(self, bank: &[S], packed: &mut [S]) {
        self.pack_by(packed, |o, i, row, column| {
            bank[((o * self.inputs + i) * self.side + row) * self.side + column]
        });
    }

    /// Packs the [transposed](Self::transposed) of a bank.
    pub(crate) fn pack_transposed<S: Scalar>(self, bank: &[S], packed: &mut [S]) {
        let last = self.side - 1;
        self.transposed().pack_by(packed, |o, i, row, column| {
            bank[((i * self.inputs + o) * self.side + last - row) * self.side + last - column]
        });
    }

    fn pack_by<S: Scalar>(self, packed: &mut [S], value: impl Fn(usize, usize, usize, usize) -> S) {
        let mut places = packed.iter_mut();
        for first in (0..self.outputs).step_by(BLOCK) {
            for row in 0..self.side {
                for input in 0..self.inputs {
                    for column in 0..self.side {
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
