//! What a hostile checkpoint can make its reader allocate: a multiple of the file's own size.

use loss_landscape::{Layout, from_checkpoint_bytes};

use crate::bound::{FACTOR, peak};

/// The most bytes that reading holds at once, for each byte of the file; and whether it was read.
fn taken(layout: &Layout, header: &str, values: usize) -> (f64, bool) {
    let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; values]].concat();
    let (read, peak) = peak(|| from_checkpoint_bytes::<f64>(layout, &file));
    (peak as f64 / file.len() as f64, read.is_ok())
}

pub(crate) fn memory_is_bounded_by_the_file() {
    let entry = |len: usize, rest: &str| {
        format!(r#"{{"theta":{{"dtype":"F16","shape":[{len}{rest}],"data_offsets":[0,{}]}}}}"#, 2 * len)
    };
    let large = Layout::flat(1_000_000).unwrap();
    let (good, read) = taken(&large, &entry(1_000_000, ""), 2_000_000);
    assert!(read && good < 4.1, "F16 is a quarter of f64: {good}");
    let (lie, read) = taken(&large, &entry(1_000_000, ""), 10);
    assert!(!read && lie < FACTOR as f64, "no byte for values that are not there: {lie}");

    let four = Layout::flat(4).unwrap();
    let ones = ",1".repeat((1 << 17) + 1);
    let unknown = entry(4, "").replace("[4]", &format!("[4],\"x\":[0{ones}]"));
    let tensors: Vec<String> = (0..=1 << 15)
        .map(|i| format!(r#""{i}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#))
        .collect();
    for (header, values) in [
        (entry(4, &ones), 8),
        (unknown, 8),
        (format!("{{{}}}", tensors.join(",")), 0),
        (format!("{{\"{}\":1}}", "n".repeat(1_000_000)), 0),
        ("[".repeat(1_000_000), 0),
    ] {
        let (bad, _) = taken(&four, &header, values);
        assert!(bad < FACTOR as f64, "{bad}: {header:.60}");
    }
}
