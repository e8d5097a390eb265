//! Data for transformers: sequences of tokens, and the token that each position should predict.

use std::ops::Range;

use ndarray::Array2;

use super::chosen::check_chosen;
use crate::{
    error::{Error, Result},
    fingerprint::Fingerprint,
};

/// A data set of sequences of tokens, all of one length, with the token to predict at each position.
///
/// A token is a number below the size of the vocabulary. Targets may be left out of the loss, as those of padding are.
///
/// ```
/// use loss_landscape_nets::Tokens;
/// use ndarray::array;
///
/// // Each token of a text is to predict the next.
/// let data = Tokens::next_token(&array![[3, 1, 4, 1], [5, 9, 2, 6]])?;
/// assert_eq!((data.len(), data.sequence_length(), data.counted()), (2, 3, 6));
/// // The end of the second sequence is padding.
/// let mask = array![[true, true, true], [true, false, false]];
/// assert_eq!(data.counting(&mask)?.counted(), 4);
/// # Ok::<(), loss_landscape_nets::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    inputs: Vec<u32>,
    targets: Vec<u32>,
    /// Whether each target counts; all do if there is no mask.
    mask: Option<Vec<bool>>,
    /// Tokens of a sequence.
    length: usize,
    /// Sequences.
    len: usize,
    /// Targets that count.
    counted: usize,
}

/// Consecutive sequences.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TokenSlice<'a> {
    pub(crate) tokens: &'a [u32],
    pub(crate) targets: &'a [u32],
    pub(crate) counted: Option<&'a [bool]>,
}

impl Tokens {
    /// Sequences, [sequences, length], and for each position the token to predict there.
    ///
    /// # Errors
    /// [`Error::NoSamples`] without sequences or positions, [`Error::SampleShape`] for targets of another shape.
    pub fn new(tokens: &Array2<u32>, targets: &Array2<u32>) -> Result<Self> {
        let (len, length) = tokens.dim();
        if len == 0 || length == 0 {
            return Err(Error::NoSamples);
        }
        let (rows, columns) = targets.dim();
        if rows != len {
            return Err(Error::SampleShape { what: "the targets", found: rows, expected: len });
        }
        if columns != length {
            return Err(Error::SampleShape { what: "a target", found: columns, expected: length });
        }
        let [inputs, targets] = [tokens, targets].map(|of| of.iter().copied().collect());
        Ok(Self { inputs, targets, mask: None, length, len, counted: len * length })
    }

    /// Windows of a text, [sequences, length + 1], in which each token is to predict the next one.
    ///
    /// # Errors
    /// [`Error::NoSamples`] without windows of two tokens or more.
    pub fn next_token(text: &Array2<u32>) -> Result<Self> {
        let (len, columns) = text.dim();
        if len == 0 || columns < 2 {
            return Err(Error::NoSamples);
        }
        let part = |first: usize| text.slice(ndarray::s![.., first..first + columns - 1]).to_owned();
        Self::new(&part(0), &part(1))
    }

    /// The same sequences, of which only the targets where `mask` is true count.
    ///
    /// # Errors
    /// [`Error::SampleShape`] for a mask of another shape; [`Error::EmptyMask`] with the first sequence of which nothing
    /// would count.
    pub fn counting(self, mask: &Array2<bool>) -> Result<Self> {
        let (rows, columns) = mask.dim();
        if rows != self.len {
            return Err(Error::SampleShape { what: "the mask", found: rows, expected: self.len });
        }
        if columns != self.length {
            return Err(Error::SampleShape {
                what: "a row of the mask",
                found: columns,
                expected: self.length,
            });
        }
        if let Some(sequence) = mask.rows().into_iter().position(|row| !row.iter().any(|counts| *counts)) {
            return Err(Error::EmptyMask { sequence });
        }
        let mask: Vec<bool> = mask.iter().copied().collect();
        let counted = mask.iter().filter(|counts| **counts).count();
        Ok(Self { mask: Some(mask), counted, ..self })
    }

    /// The number of sequences.
    #[allow(clippy::len_without_is_empty, reason = "a data set is never empty")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// How many tokens a sequence has.
    pub fn sequence_length(&self) -> usize {
        self.length
    }

    /// How many targets count, over all sequences: losses are means over them.
    pub fn counted(&self) -> usize {
        self.counted
    }

    /// Checks that all tokens, and all targets that count, are below the size of the vocabulary.
    pub(crate) fn check(&self, vocabulary: usize) -> Result<()> {
        let counts = |at: usize| self.mask.as_ref().is_none_or(|mask| mask[at]);
        let refused = |at: usize, token: u32, what| {
            let (sequence, position) = (at / self.length, at % self.length);
            Err(Error::TokenOutOfRange { what, sequence, position, token, vocabulary })
        };
        let outside = |token: u32| token as usize >= vocabulary;
        if let Some(at) = self.inputs.iter().position(|&token| outside(token)) {
            return refused(at, self.inputs[at], "token");
        }
        let targets = self.targets.iter().enumerate();
        match targets.into_iter().find(|&(at, &target)| counts(at) && outside(target)) {
            Some((at, &target)) => refused(at, target, "target"),
            None => Ok(()),
        }
    }

    /// Checks numbers of sequences, and the room for `channels` values of each.
    pub(crate) fn check_chosen(&self, indices: &[usize], room: usize, channels: usize) -> Result<()> {
        check_chosen(self.len, indices, room, channels)
    }

    /// Consecutive sequences.
    pub(crate) fn slice(&self, range: Range<usize>) -> TokenSlice<'_> {
        let range = range.start * self.length..range.end * self.length;
        TokenSlice {
            tokens: &self.inputs[range.clone()],
            targets: &self.targets[range.clone()],
            counted: self.mask.as_ref().map(|mask| &mask[range]),
        }
    }

    pub(crate) fn write_fingerprint(&self, out: &mut Fingerprint) {
        out.count(self.length);
        let numbers = |of: &[u32]| of.iter().map(|&token| f64::from(token)).collect::<Vec<_>>();
        out.values(&numbers(&self.inputs));
        out.values(&numbers(&self.targets));
        out.flag(self.mask.is_some());
        if let Some(mask) = &self.mask {
            out.values(&mask.iter().map(|&counts| f64::from(u8::from(counts))).collect::<Vec<_>>());
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn sequences_that_do_not_fit_are_refused() {
        let none = Array2::<u32>::zeros((0, 3));
        assert!(matches!(Tokens::new(&none, &none), Err(Error::NoSamples)));
        assert!(matches!(Tokens::next_token(&array![[1]]), Err(Error::NoSamples)));
        let two = array![[1, 2], [3, 4]];
        assert!(matches!(
            Tokens::new(&two, &array![[1, 2]]),
            Err(Error::SampleShape { what: "the targets", found: 1, expected: 2 })
        ));
        assert!(matches!(
            Tokens::new(&two, &array![[1], [2]]),
            Err(Error::SampleShape { what: "a target", found: 1, expected: 2 })
        ));
        let data = Tokens::new(&two, &two).unwrap();
        assert!(matches!(
            data.clone().counting(&array![[true, false], [false, false]]),
            Err(Error::EmptyMask { sequence: 1 })
        ));
        assert!(matches!(data.clone().counting(&array![[true, true]]), Err(Error::SampleShape { .. })));
        let error = data.check(4).unwrap_err();
        assert_eq!(
            error.to_string(),
            "token 4 of sequence 1 at position 1 is out of range for a vocabulary of 4"
        );
        assert!(data.check(5).is_ok());
    }

    #[test]
    fn targets_that_do_not_count_may_be_any_number() {
        let data = Tokens::new(&array![[0, 1]], &array![[9, 1]]).unwrap();
        assert!(matches!(data.check(2), Err(Error::TokenOutOfRange { what: "target", token: 9, .. })));
        assert!(data.counting(&array![[false, true]]).unwrap().check(2).is_ok());
    }
}
