#![no_main]
use loss_landscape::{Curve, Draws, Surface, measure::MeasureTable, ndarray::Ix2, topology::TopologyReport, trajectory::PathRecord};
use loss_landscape_fuzz::{bounded, seal_npz, sealed_mutator};

sealed_mutator!(seal_npz);

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    let _ = bounded(file, Surface::from_npz_bytes);
    let _ = bounded(file, Curve::from_npz_bytes);
    let _ = bounded(file, TopologyReport::from_npz_bytes);
    let _ = bounded(file, PathRecord::from_npz_bytes);
    let _ = bounded(file, Draws::<Ix2>::from_npz_bytes);
    let _ = bounded(file, MeasureTable::from_npz_bytes);
});
