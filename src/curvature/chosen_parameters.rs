//! The parameters of chosen blocks as vectors of their own, and products of a whole layout restricted to them.

use std::ops::Range;

use crate::{Error, Layout, Mask, OracleError, Result, Scalar};

/// The parameters of chosen blocks, in the order of the layout.
#[derive(Clone, Debug)]
pub(super) struct ChosenParameters<S> {
    layout: Layout,
    /// The chosen parameters, as the fewest possible ranges of θ.
    ranges: Vec<Range<usize>>,
    len: usize,
    /// Vectors and products of full length, if not all parameters are chosen.
    full: [Vec<S>; 2],
}

impl<S: Scalar> ChosenParameters<S> {
    /// All parameters except buffers, or those that a mask chooses.
    pub(super) fn new(layout: &Layout, mask: Option<&Mask>) -> Result<Self> {
        let trained = Mask::trained(layout);
        let mask = mask.unwrap_or(&trained);
        layout.ensure_same(mask.layout())?;
        if mask.selected() == 0 {
            return Err(Error::EmptyMask);
        }
        Ok(Self {
            layout: layout.clone(),
            ranges: mask.ranges(),
            len: mask.selected(),
            full: [Vec::new(), Vec::new()],
        })
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// A vector of theirs as a vector of the whole layout, with zeros elsewhere.
    pub(super) fn embed(&self, v: &[S]) -> Result<Vec<S>> {
        if v.len() != self.len {
            return Err(Error::OperatorLength {
                what: "the vector".into(),
                len: v.len(),
                expected: self.len,
            });
        }
        let mut whole = vec![S::zero(); self.layout.len()];
        scatter(&self.ranges, v, &mut whole);
        Ok(whole)
    }

    /// Their part of a vector of the whole layout.
    pub(super) fn restrict(&self, whole: &[S]) -> Result<Vec<S>> {
        self.layout.ensure_length("the vector", whole.len())?;
        let mut v = vec![S::zero(); self.len];
        gather(&self.ranges, whole, &mut v);
        Ok(v)
    }

    /// Multiplies several vectors of theirs by `products`, which multiplies vectors of the whole layout, and gets their
    /// length, the vectors and the place for the products.
    pub(super) fn multiply(
        &mut self,
        vectors: &[S],
        out: &mut [S],
        products: impl FnOnce(usize, &[S], &mut [S]) -> Result<(), OracleError>,
    ) -> Result<(), OracleError> {
        let (n, whole) = (self.len, self.layout.len());
        if n == whole {
            return products(n, vectors, out);
        }
        let count = vectors.len() / n;
        let [full, product] = &mut self.full;
        full.resize(count * whole, S::zero());
        product.resize(count * whole, S::zero());
        // An element that the model leaves unwritten must not pass for a product.
        product.fill(S::from_f64(f64::NAN));
        full.fill(S::zero());
        for (v, full) in vectors.chunks_exact(n).zip(full.chunks_exact_mut(whole)) {
            scatter(&self.ranges, v, full);
        }
        products(whole, full, product)?;
        for (out, product) in out.chunks_exact_mut(n).zip(product.chunks_exact(whole)) {
            gather(&self.ranges, product, out);
        }
        Ok(())
    }
}

fn scatter<S: Scalar>(ranges: &[Range<usize>], v: &[S], whole: &mut [S]) {
    let mut from = 0;
    for range in ranges {
        whole[range.clone()].copy_from_slice(&v[from..from + range.len()]);
        from += range.len();
    }
}

fn gather<S: Scalar>(ranges: &[Range<usize>], whole: &[S], v: &mut [S]) {
    let mut from = 0;
    for range in ranges {
        v[from..from + range.len()].copy_from_slice(&whole[range.clone()]);
        from += range.len();
    }
}
