//! Whole networks, seen from inside the crate.

mod instruction_sets;
mod training_mode_derivatives;
