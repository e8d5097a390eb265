//! The shape of grids, against gudhi, closed forms and a flood fill.

use std::{fs, path::Path};

use loss_landscape::{
    Curve, Error, Surface,
    ndarray::{Array1, Array2},
    topology::{Hill, Merge, Neighbours, Topology, TopologyReport, TreeFeature},
};
use proptest::prelude::*;
use serde_json::Value;

const BOTH: [Neighbours; 2] = [Neighbours::Four, Neighbours::Eight];

fn numbers(len: usize) -> Vec<f64> {
    (0..len).map(|i| i as f64).collect()
}

fn surface([rows, columns]: [usize; 2], values: Vec<f64>) -> Surface {
    let values = Array2::from_shape_vec((rows, columns), values).unwrap();
    Surface::from_channels(&numbers(rows), &numbers(columns), [("loss".to_owned(), values)]).unwrap()
}

fn curve(values: Vec<f64>) -> Curve {
    let at = numbers(values.len());
    Curve::from_channels(&at, [("loss".to_owned(), Array1::from_vec(values))]).unwrap()
}

fn shape(size: [usize; 2], values: &[f64], neighbours: Neighbours) -> TopologyReport {
    Topology::new().neighbours(neighbours).of(&surface(size, values.to_vec())).unwrap()
}

/// Births and deaths as bits, sorted.
fn pairs(report: &TopologyReport, dimension: usize) -> Vec<[u64; 2]> {
    let pairs = report.pairs().into_iter().filter(|pair| pair.dimension == dimension);
    let mut pairs: Vec<_> = pairs.map(|pair| [pair.birth.to_bits(), pair.death.to_bits()]).collect();
    pairs.sort_unstable();
    pairs
}

/// All that must hold of any report.
fn consistent(report: &TopologyReport) {
    let (minima, merges, nodes) = (&report.minima, &report.merges, &report.tree.nodes);
    assert_eq!(nodes.len(), minima.len() + merges.len());
    assert!(merges.is_sorted_by(|a, b| a.at.value <= b.at.value));
    assert!(minima.is_sorted_by(|a, b| a.persistence >= b.persistence));
    for (position, minimum) in minima.iter().enumerate() {
        assert_eq!(report.basin(minimum.at.index), Some(position), "a minimum is in its own basin");
        match minimum.merge.map(|merge| &merges[merge]) {
            Some(merge) => {
                assert_eq!(merge.ends, position);
                assert_eq!(minimum.persistence, merge.at.value - minimum.at.value);
                assert!(minimum.depth <= minimum.persistence);
                assert!(minima[merge.continues].at.value <= minimum.at.value);
            }
            None => assert_eq!(minimum.persistence, f64::INFINITY),
        }
        let count = report.basins.iter().filter(|basin| **basin == Some(position)).count();
        assert_eq!(minimum.basin_points, count);
    }
    let share: f64 = minima.iter().map(|minimum| minimum.basin_share).sum();
    assert!(minima.is_empty() || (share - 1.0).abs() < 1e-12);
    let mut children = vec![0; nodes.len()];
    for (position, node) in nodes.iter().enumerate() {
        if let Some(parent) = node.parent {
            assert!(parent > position && nodes[parent].value >= node.value);
            children[parent] += 1;
        }
    }
    for (node, children) in nodes.iter().zip(children) {
        assert_eq!(children, if matches!(node.feature, TreeFeature::Minimum(_)) { 0 } else { 2 });
    }
    assert!(merges.iter().all(|merge| merge.between[0] != merge.between[1]));
}

#[test]
fn pairs_are_those_of_gudhi_to_the_bit() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/topology");
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    assert_eq!(names.len(), 10);
    let number = |value: &Value| value.as_f64().unwrap_or(f64::INFINITY);
    let list = |value: &Value| -> Vec<f64> { value.as_array().unwrap().iter().map(number).collect() };
    for path in names {
        let file: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let (size, values) = (list(&file["shape"]), list(&file["values"]));
        for (construction, neighbours) in ["vertices", "top_dimensional_cells"].into_iter().zip(BOTH) {
            let topology = Topology::new().neighbours(neighbours);
            let report = match size[..] {
                [_] => topology.of(&curve(values.clone())),
                [m, n] => topology.of(&surface([m as usize, n as usize], values.clone())),
                _ => panic!("{size:?}"),
            };
            let report = report.unwrap();
            consistent(&report);
            for (dimension, expected) in file[construction].as_object().unwrap() {
                let bits = |pair: &Value| [0, 1].map(|k| number(&pair[k]).to_bits());
                let mut expected: Vec<_> = expected.as_array().unwrap().iter().map(bits).collect();
                expected.sort_unstable();
                let found = pairs(&report, dimension.parse().unwrap());
                assert_eq!(found, expected, "{}, {construction}, dimension {dimension}", path.display());
            }
        }
    }
}

#[test]
fn the_double_well_has_two_minima_of_persistence_one() {
    for neighbours in BOTH {
        let at: Vec<f64> = (-16..=16).map(|i| f64::from(i) / 8.0).collect();
        let loss = Array2::from_shape_fn((33, 33), |(i, j)| (at[i] * at[i] - 1.0).powi(2) + at[j] * at[j]);
        let surface = Surface::from_channels(&at, &at, [("loss".to_owned(), loss)]).unwrap();
        let report = Topology::new().neighbours(neighbours).of(&surface).unwrap();
        let pairs: Vec<[f64; 2]> = report.pairs().iter().map(|pair| [pair.birth, pair.death]).collect();
        assert_eq!(pairs, [[0.0, f64::INFINITY], [0.0, 1.0]]);
        assert_eq!(
            report.minima.iter().map(|m| m.at.coordinates).collect::<Vec<_>>(),
            [[-1.0, 0.0], [1.0, 0.0]]
        );
        // The ridge in the middle goes to the first of the two.
        assert_eq!(report.minima.iter().map(|m| m.basin_points).collect::<Vec<_>>(), [17 * 33, 16 * 33]);
        let distance = report.saddle_distance.unwrap();
        assert_eq!((distance.edges, distance.height, distance.plane), (2, 1.0, 1.0));
        assert_eq!((distance.relative_height, distance.weighted_height), (1.0 / 13.0, 0.5));
    }
}

#[test]
fn rastrigins_function_has_121_minima_and_100_hills() {
    let at: Vec<f64> = (-128..=128).map(|i| f64::from(i) * 0.04).collect();
    let wave = |x: f64| x * x + 10.0 - 10.0 * (std::f64::consts::TAU * x).cos();
    let loss = Array2::from_shape_fn((257, 257), |(i, j)| wave(at[i]) + wave(at[j]));
    let surface = Surface::from_channels(&at, &at, [("loss".to_owned(), loss)]).unwrap();
    for neighbours in BOTH {
        let report = Topology::new().neighbours(neighbours).of(&surface).unwrap();
        consistent(&report);
        assert_eq!((report.minima.len(), report.merges.len(), report.hills.len()), (121, 120, 100));
        assert_eq!((report.minima[0].at.coordinates, report.minima[0].at.value), ([0.0, 0.0], 0.0));
        // One in each square around a pair of whole numbers.
        let whole = |x: f64| x.round() as i64;
        let squares = report.minima.iter().map(|m| m.at.coordinates.map(whole));
        assert_eq!(squares.collect::<std::collections::BTreeSet<_>>().len(), 121);
    }
}

#[test]
fn what_is_left_out_joins_the_basin_across_its_saddle() {
    // The dent at 5 belongs to the well at 3, though the deeper one at 0 is what goes on when they merge.
    let curve = curve(vec![0.0, 4.0, 3.0, 1.0, 6.0, 5.0, 9.0]);
    let report = Topology::new().persistence_above(1.0).of(&curve).unwrap();
    consistent(&report);
    assert_eq!((report.minima.len(), report.left_out), (2, 1));
    assert_eq!(report.basins.iter().map(|basin| basin.unwrap()).collect::<Vec<_>>(), [0, 0, 1, 1, 1, 1, 1]);
    assert_eq!(report.minima[1].depth, 3.0);
    let fine = Topology::new().of(&curve).unwrap();
    assert_eq!((fine.minima[2].at.value, fine.minima[2].persistence), (5.0, 1.0));
    assert_eq!((fine.merges[1].continues, fine.merges[1].between), (0, [2, 1]));
}

#[test]
fn one_standard_error_proves_every_pair_above_twice_its_bound() {
    // 1001 points on y = |x| with a wrong 0.2 here and there: all below the bound for an error of 0.05.
    let wrong = |i: usize| if i % 7 == 3 { 0.2 } else { 0.0 };
    let values: Vec<f64> = (0..1001).map(|i| (i as f64 - 500.0).abs() / 100.0 + wrong(i)).collect();
    let rough = curve(values.clone());
    assert!(Topology::new().of(&rough).unwrap().minima.len() > 100);
    let report = Topology::new().standard_error(0.05).of(&rough).unwrap();
    consistent(&report);
    assert_eq!(report.minima.len(), 1);
    let factor = (2.0 * (1001.0 / 0.05_f64).ln()).sqrt();
    assert!((report.noise_factor.unwrap() - factor).abs() < 1e-9);
    // As a channel: both points of the pair (2, 3) are known exactly, and one of the pair (9, 10) is not known at all.
    let mut errors = vec![0.05; 1001];
    (errors[2], errors[3]) = (0.0, 0.0);
    (errors[9], errors[10]) = (0.0, f64::NAN);
    let channels =
        [("loss", values), ("error", errors)].map(|(name, v)| (name.to_owned(), Array1::from_vec(v)));
    let both = Curve::from_channels(&numbers(1001), channels).unwrap();
    let report = Topology::new().standard_errors("error").of(&both).unwrap();
    assert_eq!(report.minima.iter().map(|m| m.at.index[0]).collect::<Vec<_>>(), [499, 2]);
}

#[test]
fn a_grid_without_values_has_no_minima() {
    for neighbours in BOTH {
        let report = shape(
            [2, 3],
            &[f64::NAN, f64::INFINITY, f64::NAN, f64::NEG_INFINITY, f64::NAN, f64::NAN],
            neighbours,
        );
        consistent(&report);
        assert_eq!((report.points, report.holes), (0, 6));
        assert!(report.minima.is_empty() && report.hills.is_empty() && report.saddle_distance.is_none());
        assert_eq!(report.basin([1, 2]), None);
        let one = shape([1, 1], &[3.0], neighbours);
        assert_eq!((one.minima.len(), one.hills.len(), one.minima[0].basin_share), (1, 0, 1.0));
    }
}

#[test]
fn wrong_settings_are_refused() {
    let curve = curve(vec![0.0, 1.0]);
    let error = |topology: Topology| topology.of(&curve).unwrap_err();
    assert!(matches!(error(Topology::new().channel("x")), Error::UnknownChannel { .. }));
    assert!(matches!(error(Topology::new().standard_errors("x")), Error::UnknownChannel { .. }));
    let settings = [
        Topology::new().persistence_above(-1.0),
        Topology::new().persistence_above(f64::NAN),
        Topology::new().standard_error(-0.1),
        Topology::new().standard_error(f64::NAN),
        Topology::new().confidence(1.0),
        Topology::new().confidence(f64::NAN),
    ];
    for topology in settings {
        assert!(matches!(error(topology.clone()), Error::Setting { .. }), "{topology:?}");
    }
}

#[test]
fn a_report_is_read_back_as_it_was() {
    let values = [3.0, 0.1, f64::NAN, 2.0, 5.0, 0.3, 1.0, 1.0, 4.0, 0.5, 2.5, 7.0];
    let topology = Topology::new().neighbours(Neighbours::Four).standard_error(0.01).confidence(0.9);
    let text = serde_json::to_string(&topology).unwrap();
    let topology: Topology = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&topology).unwrap(), text);
    assert!(serde_json::from_str::<Topology>(r#"{"neighbors": "four"}"#).is_err());
    let report = topology.of(&surface([3, 4], values.to_vec())).unwrap();
    let text = serde_json::to_string(&report).unwrap();
    assert!(
        text.contains(r#""persistence":"Infinity""#) && text.contains(r#""neighbours":"four""#),
        "{text}"
    );
    assert_eq!(serde_json::from_str::<TopologyReport>(&text).unwrap(), report);
}

/// Components of the points that a rule chooses, by a flood fill: the points of each.
fn components([rows, columns]: [usize; 2], eight: bool, chosen: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
    let (mut seen, mut all) = (vec![false; rows * columns], Vec::new());
    for start in 0..rows * columns {
        if seen[start] || !chosen(start) {
            continue;
        }
        seen[start] = true;
        let (mut component, mut next) = (Vec::new(), vec![start]);
        while let Some(point) = next.pop() {
            component.push(point);
            let (i, j) = (point / columns, point % columns);
            for (other, seen) in seen.iter_mut().enumerate() {
                let (di, dj) = (i.abs_diff(other / columns), j.abs_diff(other % columns));
                let near = if eight { di.max(dj) == 1 } else { di + dj == 1 };
                if near && !*seen && chosen(other) {
                    *seen = true;
                    next.push(other);
                }
            }
        }
        all.push(component);
    }
    all
}

/// A grid with ties, and with holes where the value is the last.
fn grids(values: i32) -> impl Strategy<Value = ([usize; 2], Vec<f64>)> {
    (1_usize..7, 1_usize..7).prop_flat_map(move |(rows, columns)| {
        let value = (0..values).prop_map(f64::from);
        (Just([rows, columns]), prop::collection::vec(value, rows * columns))
    })
}

fn with_holes((size, mut values): ([usize; 2], Vec<f64>), hole: f64) -> ([usize; 2], Vec<f64>) {
    for value in &mut values {
        if *value == hole {
            *value = f64::NAN;
        }
    }
    (size, values)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The number of pairs that are alive from one level to another is the number of components of the higher sublevel
    /// set with a point in the lower one: which is what defines them.
    #[test]
    fn pairs_count_the_components_of_a_flood_fill(grid in grids(9), four: bool) {
        let (size, values) = with_holes(grid, 8.0);
        let neighbours = if four { Neighbours::Four } else { Neighbours::Eight };
        let report = shape(size, &values, neighbours);
        consistent(&report);
        for high in 0..8 {
            let high = f64::from(high);
            let flooded = components(size, !four, |point| values[point] <= high);
            for low in 0..=high as i32 {
                let low = f64::from(low);
                let expected = flooded.iter().filter(|c| c.iter().any(|&point| values[point] <= low)).count();
                let alive = |birth: f64, death: f64| birth <= low && death > high;
                let pairs = report.pairs();
                let found = pairs.iter().filter(|p| p.dimension == 0 && alive(p.birth, p.death)).count();
                prop_assert_eq!(found, expected, "from {} to {}", low, high);
            }
        }
        let pieces = components(size, !four, |point| !values[point].is_nan()).len();
        prop_assert_eq!(report.minima.len() - report.merges.len(), pieces);
        prop_assert_eq!(report.holes, values.iter().filter(|value| value.is_nan()).count());
    }

    /// The same for loops: each encloses a component of the points above it, in the other neighbourhood, that does not
    /// reach the border.
    #[test]
    fn hills_count_what_the_sublevel_sets_enclose((size, values) in grids(8), four: bool) {
        let report = shape(size, &values, if four { Neighbours::Four } else { Neighbours::Eight });
        let [rows, columns] = size;
        let end = |i: usize, len: usize| i == 0 || i + 1 == len;
        let border = |point: usize| end(point / columns, rows) || end(point % columns, columns);
        for low in 0..8 {
            let low = f64::from(low);
            let above = components(size, four, |point| values[point] > low);
            for high in low as i32..8 {
                let high = f64::from(high);
                let enclosed = |component: &&Vec<usize>| {
                    component.iter().all(|&p| !border(p)) && component.iter().any(|&p| values[p] > high)
                };
                let pairs = report.pairs();
                let loops = pairs.iter().filter(|p| p.dimension == 1 && p.birth <= low && p.death > high);
                prop_assert_eq!(loops.count(), above.iter().filter(enclosed).count());
            }
        }
    }

    /// Whatever the holes hold, what is certain is found again.
    #[test]
    fn what_is_certain_holds_for_any_values_in_the_holes(
        grid in grids(12),
        four: bool,
        filling in prop::collection::vec(-3_i32..15, 36),
    ) {
        let (size, values) = with_holes(grid, 11.0);
        let neighbours = if four { Neighbours::Four } else { Neighbours::Eight };
        let report = shape(size, &values, neighbours);
        let mut filled = values.clone();
        for (value, filling) in filled.iter_mut().zip(filling) {
            if value.is_nan() {
                *value = f64::from(filling);
            }
        }
        let whole = shape(size, &filled, neighbours);
        for minimum in report.minima.iter().filter(|minimum| minimum.certain) {
            let again = whole.minima.iter().find(|other| other.at == minimum.at);
            let again = again.map(|other| (other.persistence, other.depth, other.merge.map(|m| whole.merges[m].at)));
            let here = (minimum.persistence, minimum.depth, minimum.merge.map(|m| report.merges[m].at));
            prop_assert_eq!(again, Some(here));
        }
        for hill in report.hills.iter().filter(|hill| hill.certain) {
            prop_assert!(whole.hills.iter().any(|other| other == hill));
        }
        if report.holes == 0 {
            prop_assert!(report.minima.iter().all(|minimum| minimum.certain && !minimum.basin_beside_hole));
            prop_assert!(report.hills.iter().all(|hill| hill.certain));
            prop_assert!(report.merges.iter().all(|merge| merge.certain));
        }
    }

    /// Only the order of the values matters.
    #[test]
    fn a_monotone_map_changes_values_and_nothing_else(grid in grids(12), four: bool) {
        let (size, values) = with_holes(grid, 11.0);
        let neighbours = if four { Neighbours::Four } else { Neighbours::Eight };
        let map = |value: f64| (value - 5.0).powi(3) + 7.0;
        let mapped: Vec<f64> = values.iter().map(|value| map(*value)).collect();
        let (before, after) = (shape(size, &values, neighbours), shape(size, &mapped, neighbours));
        // The order by persistence may change, so that minima are known by their points.
        let facts = |report: &TopologyReport, map: &dyn Fn(f64) -> f64| {
            let point = |m: usize| report.minima[m].at.index;
            let merge = |m: &Merge| {
                let height = map(m.at.value).to_bits();
                (m.at.index, height, point(m.ends), point(m.continues), m.between.map(point), m.certain)
            };
            let hill = |h: &Hill| (h.at.index, h.pass.map(|pass| pass.index), h.certain);
            let mut merges: Vec<_> = report.merges.iter().map(merge).collect();
            let mut hills: Vec<_> = report.hills.iter().map(hill).collect();
            merges.sort_unstable();
            hills.sort_unstable();
            let basins: Vec<_> = report.basins.iter().map(|basin| basin.map(point)).collect();
            (merges, hills, basins)
        };
        prop_assert_eq!(facts(&before, &map), facts(&after, &|value| value));
    }

    /// Leaving out by a threshold leaves out the pairs below it and changes no other, and each basin of what is kept is
    /// made of whole basins.
    #[test]
    fn a_threshold_leaves_out_pairs_and_joins_basins((size, values) in grids(12), four: bool, above in 0_i32..8) {
        let surface = surface(size, values);
        let topology = Topology::new().neighbours(if four { Neighbours::Four } else { Neighbours::Eight });
        let all = topology.of(&surface).unwrap();
        let kept = topology.persistence_above(f64::from(above)).of(&surface).unwrap();
        consistent(&kept);
        let mut expected = all.pairs();
        expected.retain(|pair| pair.death - pair.birth > f64::from(above));
        prop_assert_eq!(kept.pairs(), expected);
        prop_assert_eq!(kept.left_out, all.pairs().len() - kept.pairs().len());
        let mut owners = vec![None; all.minima.len()];
        for (fine, coarse) in all.basins.iter().zip(&kept.basins) {
            let owner = &mut owners[fine.unwrap()];
            prop_assert!(owner.is_none_or(|owner| Some(owner) == *coarse));
            *owner = *coarse;
        }
    }

    /// Errors that differ from point to point leave a consistent report as well.
    #[test]
    fn any_errors_leave_a_tree(
        (size, values) in grids(12),
        four: bool,
        errors in prop::collection::vec(0.0_f64..0.6, 36),
    ) {
        let [rows, columns] = size;
        let array = |v: &[f64]| Array2::from_shape_vec((rows, columns), v[..rows * columns].to_vec()).unwrap();
        let channels = [("loss".to_owned(), array(&values)), ("error".to_owned(), array(&errors))];
        let surface = Surface::from_channels(&numbers(rows), &numbers(columns), channels).unwrap();
        let topology = Topology::new().neighbours(if four { Neighbours::Four } else { Neighbours::Eight });
        let all = topology.of(&surface).unwrap();
        let report = topology.standard_errors("error").of(&surface).unwrap();
        consistent(&report);
        let factor = report.noise_factor.unwrap();
        let at = |index: [usize; 2]| errors[index[0] * columns + index[1]];
        let real = all.pairs().into_iter().filter(|pair| {
            let ends = pair.birth_index.zip(pair.death_index);
            ends.is_none_or(|(birth, death)| pair.death - pair.birth > factor * (at(birth) + at(death)))
        });
        prop_assert_eq!(report.pairs(), real.collect::<Vec<_>>());
    }
}
