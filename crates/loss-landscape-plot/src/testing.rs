//! What tests read out of a figure.

use roxmltree::{Document, Node};

use crate::geometry::Point;

/// Evenly spaced coordinates.
pub(crate) fn axis(lo: f64, hi: f64, n: usize) -> Vec<f64> {
    (0..n).map(|k| lo + (hi - lo) * k as f64 / (n - 1) as f64).collect()
}

/// The texts of a document, subscripts as plain letters; not their halos.
pub(crate) fn texts(svg: &str) -> Vec<String> {
    let document = Document::parse(svg).expect("well-formed");
    let text =
        |n: Node<'_, '_>| n.descendants().filter(Node::is_text).filter_map(|d| d.text()).collect::<String>();
    document
        .descendants()
        .filter(|n| n.has_tag_name("text") && !n.has_attribute("stroke"))
        .map(text)
        .collect()
}

/// Absolute points of the first ring or line of each path whose attribute has this value.
pub(crate) fn paths(svg: &str, attribute: &str, value: &str) -> Vec<Vec<Point>> {
    let document = Document::parse(svg).expect("well-formed");
    let wanted = |n: &Node<'_, '_>| n.has_tag_name("path") && n.attribute(attribute) == Some(value);
    document.descendants().filter(wanted).filter_map(|n| n.attribute("d")).map(points).collect()
}

fn points(data: &str) -> Vec<Point> {
    let first = data.trim_start_matches('M').split('M').next().unwrap_or("");
    let (start, rest) = first.trim_end_matches('z').split_once('l').expect("a line");
    // Relative numbers: a sign or a blank starts the next.
    let numbers = |s: &str| -> Vec<f64> {
        s.replace('-', " -").split_whitespace().map(|n| n.parse().expect("a number")).collect()
    };
    let mut points = vec![[numbers(start)[0], numbers(start)[1]]];
    for step in numbers(rest).chunks(2) {
        let last = points[points.len() - 1];
        points.push([last[0] + step[0], last[1] + step[1]]);
    }
    points
}

/// Least and greatest coordinate along a dimension.
pub(crate) fn bounds(points: &[Point], dimension: usize) -> (f64, f64) {
    let along = points.iter().map(|p| p[dimension]);
    along.fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)))
}
