//! How much memory is asked for: by readers of hostile files, and by the Lanczos process.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

mod checkpoints;
mod curvature;
mod files;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

// One test, since the counter is the whole program's.
#[test]
fn memory_is_bounded() {
    checkpoints::memory_is_bounded_by_the_file();
    curvature::memory_is_what_it_says();
    files::memory_is_bounded_by_the_file();
}
