//! What tests read out of a figure.

use ndarray::Array2;
use roxmltree::{Document, Node};

use crate::{
    Branch, ContourFigure, CriticalPoints, CurveFigure, DensityFigure, Figure, HeatFigure, MergeTreeFigure,
    PersistenceFigure, RatioFigure, Series, SurfaceFigure, TrajectoryFigure, geometry::Point,
};

/// Evenly spaced coordinates.
pub(crate) fn axis(lo: f64, hi: f64, n: usize) -> Vec<f64> {
    (0..n).map(|k| lo + (hi - lo) * k as f64 / (n - 1) as f64).collect()
}

/// Every kind of figure, with text of all scripts in its title.
pub(crate) fn one_of_each() -> Vec<Box<dyn Figure>> {
    let x = axis(-1.0, 1.0, 9);
    let bowl = Array2::from_shape_fn((9, 9), |(i, j)| 0.01 + x[i].powi(2) + x[j].powi(2));
    let bowl = bowl.view();
    let line: Vec<f64> = x.iter().map(|x| 0.1 + x * x).collect();
    let marks = CriticalPoints::new([[0.0, 0.0], [0.5, 0.5]]).saddle(0.2, 0.2, 1);
    vec![
        Box::new(ContourFigure::new(&x, &x, bowl).trajectory(&x, &x).title("θ*, −1, λₘᵢₙ, 10⁻³")),
        Box::new(HeatFigure::new(&x, &x, bowl).title("‖θ‖ · α").critical_points(marks)),
        Box::new(SurfaceFigure::new(&x, &x, bowl).title("Größe ß")),
        Box::new(RatioFigure::new(&x, &x, bowl, bowl)),
        Box::new(CurveFigure::new().series(Series::new("loss", &x, &line))),
        Box::new(DensityFigure::new().series(Series::new("", &x, &line))),
        Box::new(MergeTreeFigure::new([
            Branch::new(0.1).share(0.7),
            Branch::new(0.2).ends(0.5, 0).uncertain(),
        ])),
        Box::new(PersistenceFigure::new().minimum(0.0, f64::INFINITY).minimum(0.1, 0.4).hill(0.2, 0.5)),
        Box::new(
            TrajectoryFigure::new(ContourFigure::new(&x, &x, bowl), &x, &x, &line).variance(0.9, 0.8, 0.7),
        ),
    ]
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

/// Absolute points of all rings of the paths whose attribute has this value.
pub(crate) fn rings(svg: &str, attribute: &str, value: &str) -> Vec<Vec<Point>> {
    let document = Document::parse(svg).expect("well-formed");
    let wanted = |n: &Node<'_, '_>| n.has_tag_name("path") && n.attribute(attribute) == Some(value);
    let data = document.descendants().filter(wanted).filter_map(|n| n.attribute("d"));
    data.flat_map(|d| d.split('M').skip(1)).map(|ring| points(&format!("M{ring}"))).collect()
}

/// The points at which the lines or dots of a hatching begin and end, which the width of their strokes tells.
pub(crate) fn hatched(svg: &str, width: &str) -> Vec<Point> {
    let document = Document::parse(svg).expect("well-formed");
    let wanted = |n: &Node<'_, '_>| n.has_tag_name("path") && n.attribute("stroke-width") == Some(width);
    let pieces = |n: Node<'_, '_>| {
        let data = n.attribute("d").unwrap_or("");
        data.split('M').skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let start = |piece: &str| {
        let end = piece.find(['l', 'a']).expect("a line or a dot");
        points(&format!("M{}l0 0", &piece[..end]))[0]
    };
    document
        .descendants()
        .filter(wanted)
        .flat_map(pieces)
        .flat_map(
            |piece| if piece.contains('a') { vec![start(&piece)] } else { points(&format!("M{piece}")) },
        )
        .collect()
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
