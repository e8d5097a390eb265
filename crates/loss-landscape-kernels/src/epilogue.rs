//! What becomes of a sum before it is stored, so that no pass over memory is made for it alone.

#![allow(clippy::inline_always, reason = "only what is inlined is compiled for the chosen instruction set")]

use pulp::Simd;

use crate::kernel_scalar::KernelScalar;

/// In this order: + what is stored already, + another tensor, then ReLU, then 0 where a third tensor
/// is 0 or negative. All tensors have the shape of the result.
#[derive(Clone, Copy, Debug)]
pub struct Epilogue<'a, S> {
    /// Adds to what is stored already.
    pub add: bool,
    /// Adds this.
    pub plus: Option<&'a [S]>,
    /// Takes the larger of the sum and 0; NaN stays.
    pub relu: bool,
    /// 0 where this is 0 or negative, else the result: the slope of a ReLU, from its values.
    pub mask: Option<&'a [S]>,
}

impl<S> Default for Epilogue<'_, S> {
    fn default() -> Self {
        Self { add: false, plus: None, relu: false, mask: None }
    }
}

impl<S: KernelScalar> Epilogue<'_, S> {
    /// Stores `sum` at `index`: for layers that are not worth vectors of their own.
    #[inline(always)]
    pub fn put(&self, sum: S, out: &mut [S], index: usize) {
        let mut sum = sum;
        if self.add {
            sum += out[index];
        }
        if let Some(plus) = self.plus {
            sum += plus[index];
        }
        if self.relu && sum < S::zero() {
            sum = S::zero();
        }
        if self.mask.is_some_and(|mask| mask[index] <= S::zero()) {
            sum = S::zero();
        }
        out[index] = sum;
    }

    /// Stores consecutive sums from `start` on, whatever is asked for done with all of them before the next, so that
    /// every loop is one over vectors.
    #[inline(always)]
    pub(crate) fn put_all(&self, sums: &mut [S], out: &mut [S], start: usize) {
        let range = start..start + sums.len();
        let out = &mut out[range.clone()];
        if self.add {
            for (sum, &out) in sums.iter_mut().zip(&*out) {
                *sum += out;
            }
        }
        if let Some(plus) = self.plus {
            for (sum, &plus) in sums.iter_mut().zip(&plus[range.clone()]) {
                *sum += plus;
            }
        }
        if self.relu {
            for sum in &mut *sums {
                *sum = if *sum < S::zero() { S::zero() } else { *sum };
            }
        }
        if let Some(mask) = self.mask {
            for (sum, &mask) in sums.iter_mut().zip(&mask[range]) {
                *sum = if mask <= S::zero() { S::zero() } else { *sum };
            }
        }
        out.copy_from_slice(sums);
    }
}

/// Sums that are finished together: they stay in the first-level cache.
pub(crate) const AT_ONCE: usize = 256;

impl<'a, S: KernelScalar> Epilogue<'a, S> {
    /// What has been gathered in place of `out`, finished. `add` was left to the gathering.
    pub fn finish_gathered(self, out: &mut [S]) {
        (S::kernels().finish_gathered)(self, out);
    }

    pub(crate) fn gathered(self, out: &mut [S]) {
        let finish = Epilogue { add: false, ..self };
        for at in 0..out.len() {
            finish.put(out[at], out, at);
        }
    }

    #[inline(always)]
    pub(crate) fn vectors<V: Simd>(self) -> EpilogueVectors<'a, S, V> {
        EpilogueVectors {
            add: self.add,
            plus: self.plus.map(S::vectors::<V>),
            relu: self.relu,
            mask: self.mask.map(S::vectors::<V>),
        }
    }
}

/// The same in vectors.
pub(crate) struct EpilogueVectors<'a, S: KernelScalar, V: Simd> {
    add: bool,
    plus: Option<&'a [S::Vector<V>]>,
    relu: bool,
    mask: Option<&'a [S::Vector<V>]>,
}

impl<S: KernelScalar, V: Simd> EpilogueVectors<'_, S, V> {
    /// Stores `sum` at `index`.
    #[inline(always)]
    pub(crate) fn store(&self, simd: V, sum: S::Vector<V>, out: &mut [S::Vector<V>], index: usize) {
        let mut sum = sum;
        let out = &mut out[index];
        if self.add {
            sum = S::sum(simd, *out, sum);
        }
        if let Some(plus) = self.plus {
            sum = S::sum(simd, sum, plus[index]);
        }
        if self.relu {
            sum = S::relu(simd, sum);
        }
        if let Some(mask) = self.mask {
            sum = S::where_positive(simd, mask[index], sum);
        }
        *out = sum;
    }
}
