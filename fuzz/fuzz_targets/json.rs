#![no_main]
use loss_landscape::{Curve, Surface, SweepReport};
use loss_landscape_fuzz::bounded;

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    let _ = bounded(file, Surface::from_json_bytes);
    let _ = bounded(file, Curve::from_json_bytes);
    if let Ok(text) = std::str::from_utf8(file)
        && let Ok(report) = bounded(file, |_| SweepReport::from_json(text))
    {
        let written = report.to_json();
        assert_eq!(SweepReport::from_json(&written).map(|read| read.to_json()).ok(), Some(written));
    }
});
