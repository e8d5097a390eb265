//! How much memory is held: by readers of files that nobody vouches for, and by the Lanczos process.

mod bound;
mod checkpoints;
mod curvature;
mod files;
mod hostile;

// One test, since the counters are the whole program's.
#[test]
fn memory_is_bounded() {
    checkpoints::memory_is_bounded_by_the_file();
    curvature::memory_is_what_it_says();
    files::memory_is_bounded_by_the_file();
    hostile::no_file_makes_a_reader_panic_or_hold_more_than_a_multiple_of_it();
}
