//! What a user writes.

#[test]
fn from_a_var_map_to_a_figure_takes_at_most_25_lines() {
    let example = include_str!("../../examples/digits.rs");
    let (_, rest) = example.split_once("// From here").unwrap();
    let (program, _) = rest.split_once("// To here").unwrap();
    let lines = program.lines().skip(1).filter(|line| !line.trim().is_empty()).count();
    assert!((10..=25).contains(&lines), "{lines}");
}
