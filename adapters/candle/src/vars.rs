//! The variables of a network by name, and the layout that their names and shapes make.

use std::{cell::RefCell, collections::HashMap, fmt};

use candle_core::{DType, Device, Var};
use candle_nn::VarMap;
use loss_landscape::{Layout, NamedTensor, Role, pytorch_roles};

use crate::{Error, Result};

/// The variables of a network with their names, and the roles and filter axes that follow from them.
///
/// Its `Display` is a table of what was decided. Look at it once: [directions](loss_landscape::RandomDirections) are
/// normalised filter by filter.
///
/// ```
/// use candle_core::{DType, Device};
/// use candle_nn::{VarBuilder, VarMap};
/// use loss_landscape::Role;
/// use loss_landscape_candle::{NamedVars, candle_roles};
///
/// let map = VarMap::new();
/// let vb = VarBuilder::from_varmap(&map, DType::F32, &Device::Cpu);
/// candle_nn::linear(4, 3, vb.pp("fc"))?;
/// candle_nn::embedding(7, 4, vb.pp("tokens"))?;
///
/// // An embedding looks like a linear layer. Its rows may be filters, or all of it one.
/// let vars = NamedVars::with_rule(&map, |tensor| match tensor.module() {
///     "tokens" => Some((Role::Weight, None)),
///     _ => candle_roles(tensor),
/// })?;
/// assert_eq!(
///     vars.to_string(),
///     "name           shape   role    filters\n\
///      fc.bias        [3]     Bias    -\n\
///      fc.weight      [3, 4]  Weight  3 along axis 0\n\
///      tokens.weight  [7, 4]  Weight  all of it\n\
///      43 parameters of F32 on Cpu\n"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct NamedVars {
    pub(crate) vars: Vec<Var>,
    pub(crate) layout: Layout,
}

/// What variables can be read from: a [`VarMap`], whose variables are taken in the order of their names; a list of
/// names and variables, in its own order; or [`NamedVars`] that were made before. Sealed.
///
/// ```
/// use candle_core::{DType, Device, Var};
/// use loss_landscape_candle::NamedVars;
///
/// let weight = Var::zeros((2, 3), DType::F64, &Device::Cpu)?;
/// let vars = NamedVars::of(vec![("fc.weight", weight)])?;
/// assert_eq!(vars.layout().len(), 6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait IntoNamedVars: sealed::Sealed {
    /// The same with roles by [`candle_roles`], or as they were.
    ///
    /// # Errors
    /// As [`NamedVars::of`].
    fn into_named_vars(self) -> Result<NamedVars>;
}

/// The role and filter axis of a tensor as candle's layers name it.
///
/// [`pytorch_roles`], since candle has PyTorch's names and shapes, and for recurrent layers `weight_ih_…` and
/// `weight_hh_…` (weights, filters on axis 0), `bias_ih_…` and `bias_hh_…` (biases). Like that one it goes by names,
/// and is **wrong** for transposed convolutions, whose filters are on axis 1, for layer normalisations over several
/// axes and for the `weight` of a PReLU.
///
/// ```
/// use loss_landscape::{Layout, Role};
/// use loss_landscape_candle::candle_roles;
///
/// let shapes = [("lstm.weight_ih_l0", [16, 4].as_slice()), ("lstm.bias_hh_l0", &[16]), ("norm.weight", &[4])];
/// let layout = Layout::from_tensors(shapes, candle_roles)?;
/// let roles: Vec<Role> = layout.blocks().iter().map(|block| block.role()).collect();
/// assert_eq!(roles, [Role::Weight, Role::Bias, Role::NormScale]);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
pub fn candle_roles(tensor: &NamedTensor<'_>) -> Option<(Role, Option<usize>)> {
    let recurrent = |kind: &str| {
        ["_ih_", "_hh_"]
            .iter()
            .any(|gate| tensor.parameter().strip_prefix(kind).is_some_and(|n| n.starts_with(gate)))
    };
    if recurrent("weight") && tensor.shape().len() == 2 {
        Some((Role::Weight, Some(0)))
    } else if recurrent("bias") {
        Some((Role::Bias, None))
    } else {
        pytorch_roles(tensor)
    }
}

impl NamedVars {
    /// The variables with roles and filter axes by [`candle_roles`].
    ///
    /// # Errors
    /// [`Error::NoRole`] with all names that fit no rule, [`Error::NoVars`], [`Error::Twice`], [`Error::MixedTypes`],
    /// [`Error::Type`], [`Error::MixedDevices`], [`Error::NotContiguous`]; [`Error::Core`] as
    /// [`Layout::from_tensors`].
    pub fn of(vars: impl IntoNamedVars) -> Result<Self> {
        vars.into_named_vars()
    }

    /// The variables with roles and filter axes by a rule of yours, which can fall back on [`candle_roles`]; the
    /// example of [`NamedVars`] does.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn with_rule(
        vars: impl IntoNamedList,
        rule: impl FnMut(&NamedTensor<'_>) -> Option<(Role, Option<usize>)>,
    ) -> Result<Self> {
        let named = vars.into_list();
        ensure_alike(&named)?;
        let layout = layout(&named, rule)?;
        Ok(Self { vars: named.into_iter().map(|(_, var)| var).collect(), layout })
    }

    /// The blocks, one for each variable, in the same order.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The variables, in the order of the layout's blocks.
    pub fn vars(&self) -> &[Var] {
        &self.vars
    }

    /// Where they are.
    pub fn device(&self) -> &Device {
        self.vars[0].device()
    }

    pub(crate) fn dtype(&self) -> DType {
        self.vars[0].dtype()
    }

    /// The name of the variable with this number.
    pub(crate) fn name(&self, number: usize) -> &str {
        self.layout.blocks()[number].name()
    }
}

impl fmt::Display for NamedVars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = vec![["name", "shape", "role", "filters"].map(str::to_owned)];
        for block in self.layout.blocks() {
            let filters = match (block.role(), block.filter_axis()) {
                (_, Some(axis)) => format!("{} along axis {axis}", block.filters()),
                (Role::Weight, None) => "all of it".to_owned(),
                _ => "-".to_owned(),
            };
            let shape = format!("{:?}", block.shape());
            rows.push([block.name().to_owned(), shape, format!("{:?}", block.role()), filters]);
        }
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let [names, shapes, roles] = [width(0), width(1), width(2)];
        for [name, shape, role, filters] in &rows {
            writeln!(f, "{name:names$}  {shape:shapes$}  {role:roles$}  {filters}")?;
        }
        let place = self.device().location();
        writeln!(f, "{} parameters of {:?} on {place:?}", self.layout.len(), self.dtype())
    }
}

/// A [`VarMap`], or a list of names and variables. Sealed.
///
/// ```
/// use candle_core::{DType, Device, Var};
/// use loss_landscape::Role;
/// use loss_landscape_candle::NamedVars;
///
/// let gate = Var::zeros((2, 3), DType::F32, &Device::Cpu)?;
/// let vars = NamedVars::with_rule(vec![("gate", gate)], |_| Some((Role::Weight, Some(1))))?;
/// assert_eq!(vars.layout().blocks()[0].filters(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait IntoNamedList: sealed::Sealed {
    #[doc(hidden)]
    fn into_list(self) -> Vec<(String, Var)>;
}

impl IntoNamedList for &VarMap {
    fn into_list(self) -> Vec<(String, Var)> {
        // A lock that a panic has poisoned still has its variables.
        let map = self.data().lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut named: Vec<(String, Var)> =
            map.iter().map(|(name, var)| (name.clone(), var.clone())).collect();
        drop(map);
        named.sort_by(|a, b| a.0.cmp(&b.0));
        named
    }
}

impl<N: Into<String>> IntoNamedList for Vec<(N, Var)> {
    fn into_list(self) -> Vec<(String, Var)> {
        self.into_iter().map(|(name, var)| (name.into(), var)).collect()
    }
}

impl IntoNamedVars for &VarMap {
    fn into_named_vars(self) -> Result<NamedVars> {
        NamedVars::with_rule(self, candle_roles)
    }
}

impl<N: Into<String>> IntoNamedVars for Vec<(N, Var)> {
    fn into_named_vars(self) -> Result<NamedVars> {
        NamedVars::with_rule(self, candle_roles)
    }
}

impl IntoNamedVars for NamedVars {
    fn into_named_vars(self) -> Result<NamedVars> {
        Ok(self)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for &candle_nn::VarMap {}
    impl<N: Into<String>> Sealed for Vec<(N, candle_core::Var)> {}
    impl Sealed for super::NamedVars {}
}

/// One type that can be a parameter's, one device, no variable twice.
fn ensure_alike(named: &[(String, Var)]) -> Result<()> {
    let Some((first, one)) = named.first() else { return Err(Error::NoVars) };
    let mut seen = HashMap::new();
    for (name, var) in named {
        if let Some(earlier) = seen.insert(var.id(), name) {
            return Err(Error::Twice { first: earlier.clone(), second: name.clone() });
        }
        if var.dtype() != one.dtype() {
            return Err(Error::MixedTypes {
                first: first.clone(),
                first_type: one.dtype(),
                second: name.clone(),
                second_type: var.dtype(),
            });
        }
        let [here, there] = [one, var].map(|var| var.device().location());
        if here != there {
            return Err(Error::MixedDevices {
                first: first.clone(),
                first_device: here,
                second: name.clone(),
                second_device: there,
            });
        }
        if !var.is_contiguous() {
            return Err(Error::NotContiguous { name: name.clone() });
        }
    }
    match one.dtype() {
        DType::F32 | DType::F64 => Ok(()),
        found => Err(Error::Type { name: first.clone(), found, expected: "f32 or f64" }),
    }
}

/// As [`Layout::from_tensors`], with all tensors that the rule does not know in one error.
fn layout(
    named: &[(String, Var)],
    mut rule: impl FnMut(&NamedTensor<'_>) -> Option<(Role, Option<usize>)>,
) -> Result<Layout> {
    let unknown = RefCell::new(Vec::new());
    let shapes = named.iter().map(|(name, var)| (name.clone(), var.dims().to_vec()));
    let layout = Layout::from_tensors(shapes, |tensor| {
        rule(tensor).or_else(|| {
            unknown.borrow_mut().push((tensor.name().to_owned(), tensor.shape().to_vec()));
            Some((Role::Bias, None))
        })
    })?;
    match unknown.into_inner() {
        tensors if tensors.is_empty() => Ok(layout),
        tensors => Err(Error::NoRole { tensors }),
    }
}
