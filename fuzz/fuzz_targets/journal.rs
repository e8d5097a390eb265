#![no_main]
use loss_landscape::{Curve, Journal, Surface};
use loss_landscape_fuzz::{bounded, seal_journal, sealed_mutator};

sealed_mutator!(seal_journal);

libfuzzer_sys::fuzz_target!(|file: &[u8]| {
    let Ok(journal) = bounded(file, Journal::from_bytes) else { return };
    let missing: usize = journal.gaps().iter().map(ExactSizeIterator::len).sum();
    assert_eq!(journal.computed() + missing, journal.total());
    let _ = (journal.to_string(), journal.damage().len(), journal.provenance());
    // A result has all points of the sweep, of which a short head may announce many.
    let lines = |key: &[u8]| file.windows(key.len()).filter(|line| *line == key).count();
    let values = journal.total().saturating_mul(lines(b"\ndata: ") * lines(b"\nchannel: "));
    if values < 4096 {
        let _ = Surface::from_journal(&journal);
        let _ = Curve::from_journal(&journal);
    }
});
