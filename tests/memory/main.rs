//! How much memory is held: by readers of files that nobody vouches for, by the Lanczos process, and by principal
//! planes.

mod bound;
mod checkpoints;
mod curvature;
mod files;
mod hostile;
mod trajectory;

// One test, since the counters are the whole program's.
#[test]
fn memory_is_bounded() {
    checkpoints::memory_is_bounded_by_the_file();
    curvature::memory_is_what_it_says();
    files::memory_is_bounded_by_the_file();
    hostile::no_file_makes_a_reader_panic_or_hold_more_than_a_multiple_of_it();
    trajectory::memory_does_not_grow_with_the_number_of_snapshots();
}
