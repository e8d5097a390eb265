//! Principal planes of snapshots that are not in memory.

use std::ops::Range;

use loss_landscape::{
    Layout,
    trajectory::{PrincipalPlane, Snapshots},
};

use crate::bound::peak;

/// So many snapshots of 200,000 parameters, computed where they are read.
struct Waves(usize);

impl Snapshots<f32> for Waves {
    fn count(&self) -> usize {
        self.0
    }

    fn ensure_fits(&self, layout: &Layout) -> loss_landscape::Result<()> {
        layout.ensure_length("a wave", 200_000)
    }

    fn read(&self, index: usize, range: Range<usize>, out: &mut [f32]) -> loss_landscape::Result<()> {
        for (out, i) in out.iter_mut().zip(range) {
            *out = ((i % 97 + index * index) as f32).sin();
        }
        Ok(())
    }
}

pub(crate) fn memory_does_not_grow_with_the_number_of_snapshots() {
    let layout = Layout::flat(200_000).unwrap();
    let held = |snapshots| {
        let (found, held) = peak(|| PrincipalPlane::new().memory(1 << 20).run(&layout, &Waves(snapshots)));
        assert_eq!(found.unwrap().report().snapshots, snapshots);
        held
    };
    // The threads of the pool are started once.
    held(4);
    let components = 2 * 4 * 200_000;
    let block = 1 << 20;
    for snapshots in [4, 60] {
        let bound = components + 2 * block + 5 * 8 * snapshots * snapshots;
        assert!(held(snapshots) < bound, "{} bytes of {bound} for {snapshots}", held(snapshots));
    }
}
