//! What wrappers put before the names of all tensors.

use std::collections::HashSet;

/// What to strip of all names, which are sorted.
pub(super) fn prefix<'n>(names: &[&'n str], blocks: &HashSet<&str>) -> &'n str {
    let (Some(first), Some(last)) = (names.first(), names.last()) else { return "" };
    // What the first and the last in order share, all share.
    let shared = first.bytes().zip(last.bytes()).take_while(|(a, b)| a == b).count();
    let longest = blocks.iter().map(|block| block.len()).max().unwrap_or(0);
    let hits = |length: usize| {
        let rests = names.iter().map(|name| &name[length..]);
        // The length first: long names of many dots would be hashed over and over.
        rests.filter(|rest| rest.len() <= longest && blocks.contains(rest)).count()
    };
    let (mut best, mut most) = (0, hits(0));
    for (dot, _) in first.bytes().enumerate().take(shared).filter(|&(_, byte)| byte == b'.') {
        let found = hits(dot + 1);
        if found > most {
            (best, most) = (dot + 1, found);
        }
    }
    &first[..best]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_the_one_under_which_most_blocks_are() {
        let of = |names: &[&str], blocks: &[&str]| {
            let mut names = names.to_vec();
            names.sort_unstable();
            prefix(&names, &blocks.iter().copied().collect()).to_owned()
        };
        let blocks = ["fc.weight", "fc.bias"];
        assert_eq!(of(&["fc.weight", "fc.bias"], &blocks), "");
        assert_eq!(of(&["m.fc.weight", "m.fc.bias"], &blocks), "m.");
        assert_eq!(of(&["a.b.fc.weight", "a.b.fc.bias", "a.b.fc.x"], &blocks), "a.b.");
        assert_eq!(of(&["m.fc.weight", "fc.bias"], &blocks), "", "not all have it");
        assert_eq!(of(&["mfc.weight", "mfc.bias"], &blocks), "", "no dot");
        assert_eq!(of(&["m.fc.weight", "m.fc.bias"], &["other"]), "", "no block is found");
        assert_eq!(of(&["m.fc.weight"], &["fc.weight", "m.fc.weight"]), "", "good as it is");
        assert_eq!(of(&["m.w", "m.m.w"], &["w", "m.w"]), "m.", "two found instead of one");
        assert_eq!(of(&["ä.b.w", "ä.ö.w"], &["ö.w"]), "ä.");
        assert_eq!(of(&["x.", "x.."], &[""]), "x.");
        assert_eq!(of(&[], &blocks), "");
    }

    #[test]
    fn long_names_of_many_dots_take_no_time() {
        let name = ".".repeat(1_000_000);
        let other = format!("{name}w");
        assert_eq!(prefix(&[&name, &other], &HashSet::from(["w"])).len(), 1_000_000);
    }
}
