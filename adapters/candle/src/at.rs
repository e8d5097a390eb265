//! Variables at another θ for the time of a call, and back again whatever happens in it.

use std::{collections::HashSet, sync::Mutex};

use candle_core::{Tensor, TensorId, Var};
use loss_landscape::OracleError;

use crate::{Error, NamedVars, Result, parts::Tensors};

/// The variables that are at another θ at this moment. Models on two threads must not share any: each would measure
/// the other's points.
static IN_USE: Mutex<Option<HashSet<TensorId>>> = Mutex::new(None);

/// The claim of one call on variables, taken back when it is dropped.
struct Claim<'v>(&'v [Var]);

/// Variables that get their own values back when this is dropped, also by a panic.
struct Away<'v> {
    vars: &'v [Var],
    own: Vec<Tensor>,
    _claim: Claim<'v>,
}

/// Calls with the variables at the θ of these tensors. Their own values are saved before and put back after, to the bit.
///
/// A copy of them is made each time, on the device: a user may train on between two calls.
pub(crate) fn elsewhere<T>(
    vars: &NamedVars,
    tensors: &mut dyn Tensors,
    call: impl FnOnce() -> Result<T, OracleError>,
) -> Result<T, OracleError> {
    let mut away = Away::new(vars)?;
    for (var, tensor) in vars.vars.iter().zip(tensors) {
        var.set(&tensor?)?;
    }
    let outcome = call();
    // An error of the device on the way back is worse than any other.
    away.back()?;
    outcome
}

impl<'v> Claim<'v> {
    fn new(vars: &'v NamedVars) -> Result<Self> {
        let mut in_use = IN_USE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let in_use = in_use.get_or_insert_default();
        if let Some(number) = vars.vars.iter().position(|var| in_use.contains(&var.id())) {
            return Err(Error::InUse { name: vars.name(number).to_owned() });
        }
        in_use.extend(vars.vars.iter().map(|var| var.id()));
        Ok(Self(&vars.vars))
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut in_use = IN_USE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(in_use) = in_use.as_mut() {
            for var in self.0 {
                in_use.remove(&var.id());
            }
        }
    }
}

impl<'v> Away<'v> {
    fn new(vars: &'v NamedVars) -> Result<Self> {
        let claim = Claim::new(vars)?;
        let own = vars.vars.iter().map(|var| var.as_detached_tensor().copy());
        Ok(Self { own: own.collect::<candle_core::Result<_>>()?, vars: &vars.vars, _claim: claim })
    }

    fn back(&mut self) -> Result<()> {
        // All of them are tried, so that one error leaves one variable behind and not several.
        let mut first = Ok(());
        for (var, own) in self.vars.iter().zip(self.own.drain(..)) {
            let set = var.set(&own);
            if first.is_ok() {
                first = set;
            }
        }
        Ok(first?)
    }
}

impl Drop for Away<'_> {
    fn drop(&mut self) {
        // After `back` there is nothing left to put back.
        drop(self.back());
    }
}
