//! Drawing of a persistence diagram that is checked.

use super::{Pair, PersistenceFigure};
use crate::{
    Error, Result,
    axis::{
        Axis, Side,
        numbers::brief,
        scale::{Extent, padded},
    },
    caption,
    colors::CURVES,
    geometry::{Point, Rect},
    layout,
    svg::{Anchor, Drawing, INK, PathData, Svg, TITLE, Text},
};

/// Space at the side without an axis, which has the sign for what never ends.
const BARE_SIDE: f64 = 20.0;
/// Room at both ends of the axes, as shares of them.
const ROOM: [f64; 2] = [0.05, 0.08];
const RADIUS: f64 = 3.2;
/// Points of the edge of what is within the floor.
const STEPS: usize = 64;

/// Draws the figure.
pub(super) fn draw(figure: &PersistenceFigure) -> Result<Drawing> {
    let levels = figure.pairs.iter().flat_map(|pair| [pair.birth, pair.death]);
    let what = || "the levels of a persistence diagram".to_owned();
    let extent = Extent::of(levels).ok_or_else(|| Error::NoFiniteValue { what: what() })?;
    let log = figure.scale.is_log(&extent, []);
    if log && extent.max <= 0.0 {
        return Err(Error::NoPositiveValue { what: what() });
    }
    let (lo, hi) = padded(extent.range(log), log, ROOM);
    let axis = Axis::new(lo, hi, log, 6);
    let frame =
        Rect { x: axis.space(), y: layout::TOP, width: layout::FRAME_SIDE, height: layout::FRAME_SIDE };
    let shown = |pair: &&Pair| pair.birth.is_finite() && !(log && pair.birth <= 0.0);
    let at = |birth: f64, death: f64| -> Point {
        let up = if death == f64::INFINITY { 1.0 } else { axis.fraction(death).clamp(0.0, 1.0) };
        [frame.x + axis.fraction(birth).clamp(0.0, 1.0) * frame.width, frame.bottom() - up * frame.height]
    };

    let mut svg = Svg::default();
    if let Some(floor) = figure.floor {
        shade(&mut svg, &axis, &frame, (lo, hi), floor, &at);
    }
    let mut diagonal = PathData::default();
    diagonal.polyline(&[[frame.x, frame.bottom()], [frame.right(), frame.y]], false);
    svg.tag("path").attr("d", diagonal.as_str()).attr("stroke", "#777").attr("stroke-width", "0.8").end();
    layout::draw_frame(&mut svg, &frame);
    for pair in figure.pairs.iter().filter(shown) {
        mark(&mut svg, pair, at(pair.birth, pair.death));
    }
    if figure.pairs.iter().filter(shown).any(|pair| pair.death == f64::INFINITY) {
        let text = Text::new([frame.right() + 5.0, frame.y], "∞").size(12.0).anchor(Anchor::Start);
        text.draw(&mut svg);
    }
    let label = |verb: &str| match figure.value_label.as_str() {
        "" => format!("{verb} at"),
        values => format!("{verb} at ({values})"),
    };
    axis.draw(&mut svg, &frame, Side::Bottom, &label("begins"), INK);
    axis.draw(&mut svg, &frame, Side::Left, &label("ends"), INK);
    Text::new([frame.x + frame.width / 2.0, layout::TOP - 14.0], figure.title.as_str())
        .size(TITLE)
        .fit(frame.width + 2.0 * BARE_SIDE)
        .draw(&mut svg);
    Ok(caption::finish(svg, &notes(figure, log), &frame, frame.right() + BARE_SIDE))
}

/// Fills what lies between the diagonal and the floor above it.
fn shade(
    svg: &mut Svg,
    axis: &Axis,
    frame: &Rect,
    (lo, hi): (f64, f64),
    floor: f64,
    at: &impl Fn(f64, f64) -> Point,
) {
    let births = (0..=STEPS).map(|k| {
        let share = k as f64 / STEPS as f64;
        if axis.is_log() { lo.powf(1.0 - share) * hi.powf(share) } else { (1.0 - share) * lo + share * hi }
    });
    let mut ring: Vec<Point> = births.map(|birth| at(birth, (birth + floor).min(f64::MAX))).collect();
    ring.extend([[frame.right(), frame.y], [frame.x, frame.bottom()]]);
    let mut path = PathData::default();
    path.polyline(&ring, true);
    svg.tag("path").attr("d", path.as_str()).attr("fill", "#e4e4e4").end();
}

/// A dot for a minimum, a triangle for a hill, hollow where it is not certain.
fn mark(svg: &mut Svg, pair: &Pair, [x, y]: Point) {
    let ink = CURVES[usize::from(pair.hill)].hex();
    let fill = if pair.certain { ink.as_str() } else { "#fff" };
    let stroke = if pair.certain { "#fff" } else { ink.as_str() };
    let tag = if pair.hill {
        let r = 1.2 * RADIUS;
        let mut triangle = PathData::default();
        triangle.polyline(&[[x, y - r], [x + 0.9 * r, y + 0.6 * r], [x - 0.9 * r, y + 0.6 * r]], true);
        svg.tag("path").attr("d", triangle.as_str())
    } else {
        svg.tag("circle").num("cx", x).num("cy", y).num("r", RADIUS)
    };
    tag.attr("fill", fill).attr("stroke", stroke).attr("stroke-width", "0.9").end();
}

fn notes(figure: &PersistenceFigure, log: bool) -> Vec<String> {
    let total = figure.pairs.len();
    let count = |f: &dyn Fn(&Pair) -> bool| figure.pairs.iter().filter(|pair| f(pair)).count();
    let some = |count: usize, mark: &str, one: &str, many: &str| {
        (count > 0).then(|| format!("{mark} {count} {}", if count == 1 { one } else { many }))
    };
    let kinds = [
        some(count(&|pair| !pair.hill), "●", "minimum", "minima"),
        some(count(&|pair| pair.hill), "▲", "hill", "hills"),
    ];
    let within = |pair: &Pair, floor: f64| pair.death - pair.birth <= floor;
    let floor = figure.floor.unwrap_or(0.0);
    let below = figure.floor.map_or(0, |floor| count(&|pair| within(pair, floor)));
    let not_positive = |pair: &Pair| log && pair.birth.is_finite() && pair.birth <= 0.0;
    let what = format!("not above a persistence of {} (shaded)", brief(floor));
    [
        Some(kinds.into_iter().flatten().collect::<Vec<_>>().join(", ")),
        caption::note(
            count(&|pair| !pair.certain),
            total,
            "features",
            "may differ for points without a value (hollow)",
        ),
        caption::note(below, total, "features", &what),
        caption::note(
            count(&|pair| pair.birth.is_infinite()),
            total,
            "features",
            "that begin at no level not shown",
        ),
        caption::note(count(&not_positive), total, "features", "not positive (logarithmic axes)"),
    ]
    .into_iter()
    .flatten()
    .collect()
}
