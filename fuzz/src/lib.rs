//! What the fuzz targets share: a bound on memory, and checksums put right after mutations.

// The tests' own: one bound, stated once.
#[path = "../../tests/memory/bound.rs"]
mod bound;
mod seal;

pub use bound::bounded;
pub use seal::{seal_journal, seal_npz};

/// Mutates as libFuzzer does, then mostly puts the checksums right, without which few mutations would get far.
#[macro_export]
macro_rules! sealed_mutator {
    ($seal:path) => {
        libfuzzer_sys::fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
            let size = libfuzzer_sys::fuzzer_mutate(data, size, max_size);
            if seed % 8 != 0 {
                $seal(&mut data[..size]);
            }
            size
        });
    };
}
