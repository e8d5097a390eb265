//! The adapter, through its public interface.

#[path = "../common/mod.rs"]
mod common;

mod bad_input;
mod derivatives;
mod example;
mod left_alone;
mod surfaces;
