#![no_main]
use std::sync::LazyLock;

use loss_landscape::{Block, CheckpointReader, Direction, Layout, Role, from_checkpoint_bytes};
use loss_landscape_fuzz::bounded;

static LAYOUT: LazyLock<Layout> = LazyLock::new(|| {
    let blocks = [
        Block::weight("conv1.weight", [2, 1, 1, 2], 0),
        Block::new("bn1.weight", [2], Role::NormScale, None),
        Block::bias("temperature", []),
    ];
    Layout::new(blocks).expect("good blocks")
});

libfuzzer_sys::fuzz_target!(
    init: {
        LazyLock::force(&LAYOUT);
    },
    |file: &[u8]| {
        let _ = bounded(file, |file| from_checkpoint_bytes::<f32>(&LAYOUT, file));
        let _ = bounded(file, |file| Direction::<f32>::from_safetensors_bytes(&LAYOUT, file));
        let start = [1.0; 7];
        let lax = CheckpointReader::new(&LAYOUT).allow_extra(true).allow_missing_from(&start);
        let read: Result<_, _> = bounded(file, |file| lax.read_bytes(file));
        assert!(read.is_err() || read.is_ok_and(|read| read.theta.iter().all(|value: &f64| value.is_finite())));
    }
);
