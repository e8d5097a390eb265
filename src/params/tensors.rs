//! Layouts out of named tensors, and the way between a flat vector and named tensors.

use super::{Block, Layout, Role};
use crate::{Error, Result, Scalar};

/// A tensor that is to become a block, with its neighbours: what the rule of [`Layout::from_tensors`] goes by.
///
/// ```
/// use loss_landscape::{Layout, NamedTensor, Role};
///
/// // A rule may look at the rest of the module: here a shift is what has a scale beside it.
/// let rule = |tensor: &NamedTensor<'_>| match (tensor.parameter(), tensor.sibling("scale")) {
///     ("kernel", _) => Some((Role::Weight, Some(tensor.shape().len() - 1))),
///     ("scale", _) => Some((Role::NormScale, None)),
///     ("offset", Some(_)) => Some((Role::NormShift, None)),
///     ("offset", None) => Some((Role::Bias, None)),
///     _ => None,
/// };
/// let shapes = [("norm.scale", [4].as_slice()), ("norm.offset", &[4]), ("dense.offset", &[2])];
/// let layout = Layout::from_tensors(shapes, rule)?;
/// assert_eq!(layout.block("norm.offset")?.role(), Role::NormShift);
/// assert_eq!(layout.block("dense.offset")?.role(), Role::Bias);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct NamedTensor<'a> {
    name: &'a str,
    shape: &'a [usize],
    /// All tensors, sorted by name.
    all: &'a [(String, Vec<usize>)],
}

impl<'a> NamedTensor<'a> {
    /// The whole name: `layer1.0.bn1.weight`.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The shape.
    pub fn shape(&self) -> &'a [usize] {
        self.shape
    }

    /// What the tensor is called in its module, the name behind the last dot: `weight`.
    pub fn parameter(&self) -> &'a str {
        self.name.rsplit_once('.').map_or(self.name, |(_, parameter)| parameter)
    }

    /// The module, the name before the last dot: `layer1.0.bn1`; empty without a dot.
    pub fn module(&self) -> &'a str {
        self.name.rsplit_once('.').map_or("", |(module, _)| module)
    }

    /// The shape of another tensor of the same module.
    pub fn sibling(&self, parameter: &str) -> Option<&'a [usize]> {
        let name = match self.module() {
            "" => parameter.to_owned(),
            module => format!("{module}.{parameter}"),
        };
        let place = self.all.binary_search_by(|(other, _)| other.as_str().cmp(&name)).ok()?;
        Some(&self.all[place].1)
    }
}

/// The role and filter axis of a tensor in a PyTorch state dict, for [`Layout::from_tensors`]; candle names the same
/// modules in the same way.
///
/// | last part of the name | shape | role |
/// | --- | --- | --- |
/// | `weight` | of 2 axes or more | [`Role::Weight`], filters on axis 0 |
/// | `weight` | of 1 axis | [`Role::NormScale`] |
/// | `bias` beside a `weight` of 1 axis | any | [`Role::NormShift`] |
/// | `bias` otherwise | any | [`Role::Bias`] |
/// | `running_mean`, `running_var` | any | [`Role::Buffer`] |
/// | anything else | | none |
///
/// It goes by names alone, and so it is **wrong** for transposed convolutions (their filters are on axis 1), for
/// layer normalisations over several axes (their scale looks like a weight) and for the `weight` of a `PReLU` (it looks
/// like a scale); whether an embedding's rows should be filters is up to you. Put a rule for those before it:
///
/// ```
/// use loss_landscape::{Layout, Role, pytorch_roles};
///
/// let layout = Layout::from_tensors(
///     [("conv.weight", [8, 3, 3, 3].as_slice()), ("bn.weight", &[8]), ("bn.bias", &[8]), ("up.weight", &[8, 4, 2, 2])],
///     |tensor| match tensor.module() {
///         "up" => Some((Role::Weight, Some(1))),
///         _ => pytorch_roles(tensor),
///     },
/// )?;
/// assert_eq!(layout.block("conv.weight")?.filter_axis(), Some(0));
/// assert_eq!(layout.block("up.weight")?.filter_axis(), Some(1));
/// assert_eq!(layout.block("bn.bias")?.role(), Role::NormShift);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub fn pytorch_roles(tensor: &NamedTensor<'_>) -> Option<(Role, Option<usize>)> {
    match (tensor.parameter(), tensor.shape().len()) {
        ("weight", 0) => None,
        ("weight", 1) => Some((Role::NormScale, None)),
        ("weight", _) => Some((Role::Weight, Some(0))),
        ("bias", _) if tensor.sibling("weight").is_some_and(|weight| weight.len() == 1) => {
            Some((Role::NormShift, None))
        }
        ("bias", _) => Some((Role::Bias, None)),
        ("running_mean" | "running_var", _) => Some((Role::Buffer, None)),
        _ => None,
    }
}

/// The role and filter axis of a tensor in a record of burn, for [`Layout::from_tensors`].
///
/// | last part of the name | shape | role |
/// | --- | --- | --- |
/// | `weight` | of 2 axes: `Linear`, which is [in, out] | [`Role::Weight`], filters on axis 1 |
/// | `weight` | of 3 axes or more: convolutions | [`Role::Weight`], filters on axis 0 |
/// | `gamma`, `beta` | any | [`Role::NormScale`], [`Role::NormShift`] |
/// | `bias` | any | [`Role::Bias`] |
/// | `running_mean`, `running_var` | any | [`Role::Buffer`] |
/// | anything else | | none |
///
/// It goes by names and the number of axes alone, and so it is **wrong** for transposed convolutions (filters on axis 1)
/// and embeddings (rows are on axis 0). Put a rule for those before it, as the example of [`pytorch_roles`] does. For
/// candle, [`pytorch_roles`] is right: its modules have PyTorch's names and shapes.
///
/// ```
/// use loss_landscape::{Layout, Role, burn_roles};
///
/// let shapes = [("linear1.weight", [64, 10].as_slice()), ("norm.gamma", &[8]), ("conv.weight", &[8, 3, 3, 3])];
/// let layout = Layout::from_tensors(shapes, burn_roles)?;
/// // Ten units with 64 inputs each: the rows of PyTorch are columns here.
/// assert_eq!((layout.blocks()[0].filter_axis(), layout.blocks()[0].filters()), (Some(1), 10));
/// assert_eq!(layout.block("norm.gamma")?.role(), Role::NormScale);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub fn burn_roles(tensor: &NamedTensor<'_>) -> Option<(Role, Option<usize>)> {
    match (tensor.parameter(), tensor.shape().len()) {
        ("weight", 2) => Some((Role::Weight, Some(1))),
        ("weight", 3..) => Some((Role::Weight, Some(0))),
        ("gamma", _) => Some((Role::NormScale, None)),
        ("beta", _) => Some((Role::NormShift, None)),
        ("bias", _) => Some((Role::Bias, None)),
        ("running_mean" | "running_var", _) => Some((Role::Buffer, None)),
        _ => None,
    }
}

impl Layout {
    /// A layout of these tensors, in their order, with roles and filter axes by a rule: your closure, or
    /// [`pytorch_roles`]. Nothing is guessed without one.
    ///
    /// ```
    /// use loss_landscape::{Layout, Role, pytorch_roles};
    ///
    /// let shapes = [("fc.weight", [10, 64].as_slice()), ("fc.bias", &[10])];
    /// let layout = Layout::from_tensors(shapes, pytorch_roles)?;
    /// assert_eq!(layout.blocks()[0].filters(), 10);
    /// assert_eq!(layout.blocks()[1].role(), Role::Bias);
    ///
    /// // Keras has filters on the last axis.
    /// let shapes = [("dense/kernel", [64, 10].as_slice()), ("dense/bias", &[10])];
    /// let layout = Layout::from_tensors(shapes, |tensor| match tensor.name().rsplit('/').next() {
    ///     Some("kernel") => Some((Role::Weight, Some(tensor.shape().len() - 1))),
    ///     Some("bias") => Some((Role::Bias, None)),
    ///     _ => None,
    /// })?;
    /// assert_eq!(layout.blocks()[0].filters(), 10);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NoRole`] for a tensor that the rule does not know; as [`Layout::new`].
    pub fn from_tensors<N: Into<String>, D: Into<Vec<usize>>>(
        tensors: impl IntoIterator<Item = (N, D)>,
        mut rule: impl FnMut(&NamedTensor<'_>) -> Option<(Role, Option<usize>)>,
    ) -> Result<Self> {
        let tensors: Vec<(String, Vec<usize>)> =
            tensors.into_iter().map(|(name, shape)| (name.into(), shape.into())).collect();
        let mut all = tensors.clone();
        all.sort();
        let block = |(name, shape): (String, Vec<usize>)| match rule(&NamedTensor {
            name: &name,
            shape: &shape,
            all: &all,
        }) {
            Some((role, axis)) => Ok(Block::new(name, shape, role, axis)),
            None => Err(Error::NoRole { block: name, shape }),
        };
        Self::new(tensors.into_iter().map(block).collect::<Result<Vec<_>>>()?)
    }

    /// The flat vector of named tensors: `tensor` gives the values of each block, row by row.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use loss_landscape::{Layout, pytorch_roles};
    ///
    /// let layout = Layout::from_tensors([("fc.weight", [1, 2].as_slice()), ("fc.bias", &[1])], pytorch_roles)?;
    /// let tensors = HashMap::from([("fc.bias", vec![3.0_f32]), ("fc.weight", vec![1.0, 2.0])]);
    /// let theta = layout.gather(|block| tensors.get(block.name()).ok_or("there is no such tensor"))?;
    /// assert_eq!(theta, [1.0, 2.0, 3.0]);
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// `tensor` may return slices, vectors or arrays; its errors, of any type, come back with the name of the block. A
    /// framework's own call fits in: `layout.gather(|block| vars[block.name()].flatten_all()?.to_vec1::<f32>())`.
    ///
    /// # Errors
    /// [`Error::Tensor`] with what `tensor` fails with; [`Error::TensorLength`].
    pub fn gather<S, V, E>(&self, tensor: impl FnMut(&Block) -> Result<V, E>) -> Result<Vec<S>>
    where
        S: Scalar,
        V: AsRef<[S]>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut vector = vec![S::zero(); self.len()];
        self.gather_into(&mut vector, tensor)?;
        Ok(vector)
    }

    /// [`gather`](Self::gather) into a vector that is there, such as a gradient's.
    ///
    /// # Errors
    /// As that one; [`Error::Length`] for the vector.
    pub fn gather_into<S, V, E>(
        &self,
        vector: &mut [S],
        mut tensor: impl FnMut(&Block) -> Result<V, E>,
    ) -> Result<()>
    where
        S: Scalar,
        V: AsRef<[S]>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.ensure_length("the vector to gather tensors in", vector.len())?;
        for block in self.blocks() {
            let values = tensor(block).map_err(|error| of_tensor(block, error))?;
            let values = values.as_ref();
            if values.len() != block.len() {
                let (block, shape) = (block.name().to_owned(), block.shape().to_vec());
                return Err(Error::TensorLength { block, len: values.len(), shape });
            }
            vector[block.range()].copy_from_slice(values);
        }
        Ok(())
    }

    /// Hands each block its part of a flat vector, in the order of the layout.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use loss_landscape::{Error, Layout, pytorch_roles};
    ///
    /// let layout = Layout::from_tensors([("fc.weight", [1, 2].as_slice()), ("fc.bias", &[1])], pytorch_roles)?;
    /// let mut tensors = HashMap::new();
    /// layout.scatter(&[1.0_f64, 2.0, 3.0], |block, values| {
    ///     tensors.insert(block.name().to_owned(), (block.shape().to_vec(), values.to_vec()));
    ///     Ok::<(), Error>(())
    /// })?;
    /// assert_eq!(tensors["fc.weight"], (vec![1, 2], vec![1.0, 2.0]));
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] for the vector; [`Error::Tensor`] with what `put` fails with and the name of the block.
    pub fn scatter<S, E>(
        &self,
        vector: &[S],
        mut put: impl FnMut(&Block, &[S]) -> Result<(), E>,
    ) -> Result<()>
    where
        S: Scalar,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.ensure_length("the vector to scatter", vector.len())?;
        for block in self.blocks() {
            put(block, &vector[block.range()]).map_err(|error| of_tensor(block, error))?;
        }
        Ok(())
    }
}

fn of_tensor(block: &Block, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Tensor { block: block.name().to_owned(), source: error.into() }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_pytorch_have_these_roles() {
        let tensors = [
            ("conv1.weight", vec![4, 3, 3, 3], Some((Role::Weight, Some(0)))),
            ("conv1.bias", vec![4], Some((Role::Bias, None))),
            ("layer1.0.bn1.weight", vec![4], Some((Role::NormScale, None))),
            ("layer1.0.bn1.bias", vec![4], Some((Role::NormShift, None))),
            ("layer1.0.bn1.running_mean", vec![4], Some((Role::Buffer, None))),
            ("layer1.0.bn1.running_var", vec![4], Some((Role::Buffer, None))),
            ("fc.bias", vec![10], Some((Role::Bias, None))),
            ("fc.weight", vec![10, 4], Some((Role::Weight, Some(0)))),
            ("weight", vec![2], Some((Role::NormScale, None))),
            ("bias", vec![2], Some((Role::NormShift, None))),
        ];
        let shapes = tensors.iter().map(|(name, shape, _)| (*name, shape.clone()));
        let layout = Layout::from_tensors(shapes, pytorch_roles).unwrap();
        for (block, (name, shape, expected)) in layout.blocks().iter().zip(&tensors) {
            assert_eq!((block.name(), block.shape()), (*name, shape.as_slice()));
            assert_eq!(Some((block.role(), block.filter_axis())), *expected, "{name}");
        }
        for (name, shape) in
            [("bn.num_batches_tracked", vec![1]), ("weight_ih_l0", vec![4, 2]), ("weight", vec![])]
        {
            let error = Layout::from_tensors([(name, shape.clone())], pytorch_roles).unwrap_err();
            let expected =
                format!("no role is known for the tensor `{name}` of shape {shape:?}: the rule gives none");
            assert_eq!(error.to_string(), expected);
        }
        let twice = Layout::from_tensors([("a.bias", [1]), ("a.bias", [2])], pytorch_roles);
        assert!(matches!(twice, Err(Error::DuplicateBlock { .. })));
    }

    #[test]
    fn errors_name_the_block() {
        let layout =
            Layout::from_tensors([("a.weight", vec![2, 2]), ("a.bias", vec![2])], pytorch_roles).unwrap();
        let short =
            layout.gather::<f64, _, &str>(|block| Ok(vec![0.0; block.len() - block.shape().len() % 2]));
        assert_eq!(
            short.unwrap_err().to_string(),
            "the tensor for block `a.bias` has 1 values, not those of the shape [2]"
        );
        let missing = layout.gather(|block| match block.name() {
            "a.weight" => Ok([0.0_f32; 4].to_vec()),
            _ => Err("it is on another device"),
        });
        assert_eq!(missing.unwrap_err().to_string(), "block `a.bias`: it is on another device");
        let failed = layout.scatter(&[0.0_f32; 6], |_, _| Err(std::io::Error::other("no")));
        assert_eq!(failed.unwrap_err().to_string(), "block `a.weight`: no");
        assert!(matches!(layout.scatter(&[0.0_f32; 5], |_, _| Ok::<_, &str>(())), Err(Error::Length { .. })));
        let mut five = [0.0_f32; 5];
        let length = layout.gather_into(&mut five, |_| Ok::<_, &str>([0.0; 4]));
        assert!(matches!(length, Err(Error::Length { len: 5, expected: 6, .. })));
    }

    proptest! {
        #[test]
        fn what_is_scattered_is_gathered_to_the_bit(
            shapes in prop::collection::vec(prop::collection::vec(1_usize..4, 0..4), 1..7),
            bits in prop::collection::vec(any::<u64>(), 1..40),
        ) {
            let tensors = shapes.into_iter().enumerate().map(|(i, shape)| (format!("{}.{i}", i % 2), shape));
            let layout = Layout::from_tensors(tensors, |tensor| {
                let axis = tensor.shape().len().checked_sub(1);
                Some((if axis.is_some() { Role::Weight } else { Role::Bias }, axis))
            })
            .unwrap();
            let theta: Vec<f64> = bits.iter().map(|&bits| f64::from_bits(bits)).cycle().take(layout.len()).collect();
            let mut tensors = HashMap::new();
            let mut order = Vec::new();
            layout.scatter(&theta, |block, values| {
                order.push(block.name().to_owned());
                assert!(tensors.insert(block.name().to_owned(), values.to_vec()).is_none());
                Ok::<_, &str>(())
            })
            .unwrap();
            prop_assert!(order.iter().zip(layout.blocks()).all(|(name, block)| name == block.name()));
            let back = layout.gather(|block| tensors.get(block.name()).ok_or("missing")).unwrap();
            prop_assert!(back.iter().zip(&theta).all(|(a, b): (&f64, &f64)| a.to_bits() == b.to_bits()));
            prop_assert_eq!(back.len(), theta.len());
        }
    }
}
