#![no_main]
use loss_landscape::{Curve, RandomDirections, Surface, SweepReport, topology::TopologyReport, trajectory::PathRecord};
use loss_landscape_fuzz::bounded;

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    if let Ok(surface) = bounded(file, Surface::from_json_bytes) {
        let written = surface.to_json_bytes().expect("what was read can be written");
        let read = Surface::from_json_bytes(&written).expect("what was written can be read");
        assert_eq!(read.to_json_bytes().expect("and written again"), written);
    }
    let _ = bounded(file, Curve::from_json_bytes);
    let _ = bounded(file, TopologyReport::from_json_bytes);
    let _ = bounded(file, PathRecord::from_json_bytes);
    let _ = bounded(file, Draws::<Ix2>::from_json_bytes);
    let _ = bounded(file, MeasureTable::from_json_bytes);
    let _ = bounded(file, |file| serde_json::from_slice::<SweepReport>(file));
    let _ = bounded(file, |file| serde_json::from_slice::<RandomDirections>(file));
});
