#![no_main]
use loss_landscape::{Curve, Surface};
use loss_landscape_fuzz::{bounded, seal_hdf5, sealed_mutator};

sealed_mutator!(seal_hdf5);

libfuzzer_sys::fuzz_target!(
    // The library turns panics of `hdf5-pure` into errors; libFuzzer's hook would end the process before. A panic
    // that comes out of the library still ends it.
    init: std::panic::set_hook(Box::new(|_| ())),
    |file: &[u8]| {
        let _ = bounded(file, Surface::from_hdf5_bytes);
        let _ = bounded(file, Curve::from_hdf5_bytes);
    }
);
