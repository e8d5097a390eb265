#![no_main]
use loss_landscape::{Curve, Draws, Surface, measure::MeasureTable, ndarray::Ix2, topology::TopologyReport, trajectory::PathRecord};
use loss_landscape_fuzz::bounded;

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    let _ = bounded(file, Surface::from_csv_bytes);
    let _ = bounded(file, Curve::from_csv_bytes);
    let _ = bounded(file, TopologyReport::from_csv_bytes);
    let _ = bounded(file, PathRecord::from_csv_bytes);
    let _ = bounded(file, Draws::<Ix2>::from_csv_bytes);
    let _ = bounded(file, MeasureTable::from_csv_bytes);
});
