//! Drawing of a merge tree that is checked.

use super::{
    MergeTreeFigure,
    branches::Branch,
    order::{Ends, order},
};
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
    svg::{Drawing, INK, LABEL, PathData, Svg, TITLE, Text},
};

/// Space at the side without an axis.
const BARE_SIDE: f64 = 16.0;
/// Room below the lowest minimum and above the highest saddle, as shares of the axis.
const ROOM: [f64; 2] = [0.04, 0.08];
/// Lines of branches: without shares, and the narrowest and the widest with them.
const LINE: f64 = 1.6;
const WIDTHS: [f64; 2] = [1.0, 9.0];
const GREY: &str = "#9a9a9a";
const FAINT: &str = "#dcdcdc";
/// Font sizes of the numbers and the shares below the frame.
const NUMBER: f64 = 8.5;
const SHARE: f64 = 7.5;

/// A branch with its place.
struct Placed<'b> {
    branch: &'b Branch,
    /// Its index among all, and where it ends: the level, and the horizontal place of the one that goes on.
    index: usize,
    end: Option<(f64, f64)>,
    x: f64,
    width: f64,
    /// Whether it is above the floor.
    counts: bool,
}

/// Draws the figure.
pub(super) fn draw(figure: &MergeTreeFigure) -> Result<Drawing> {
    let branches = &figure.branches;
    let mut ranked: Vec<usize> = (0..branches.len()).collect();
    ranked.sort_by(|&a, &b| branches[b].persistence().total_cmp(&branches[a].persistence()));
    ranked.truncate(figure.most);
    let levels = |k: usize| [Some(branches[k].minimum), branches[k].end.map(|(level, _)| level)];
    let extent = Extent::of(ranked.iter().flat_map(|&k| levels(k)).flatten());
    let what = || "the levels of a merge tree".to_owned();
    let extent = extent.ok_or_else(|| Error::NoFiniteValue { what: what() })?;
    let log = figure.scale.is_log(&extent, []);
    if log && extent.max <= 0.0 {
        return Err(Error::NoPositiveValue { what: what() });
    }
    let (lo, hi) = padded(extent.range(log), log, ROOM);
    let axis = Axis::new(lo, hi, log, 7);
    // What ends at or below 0 is nowhere on a logarithmic axis.
    let drawn: Vec<usize> = ranked
        .iter()
        .copied()
        .filter(|&k| !log || branches[k].end.is_none_or(|(level, _)| level > 0.0))
        .collect();

    let left = axis.space();
    let width = (layout::WIDTH - left - BARE_SIDE).max(layout::FRAME_SIDE);
    let frame = Rect { x: left, y: layout::TOP, width, height: layout::FRAME_SIDE };
    let placed = place(figure, &drawn, &frame);
    let height = |level: f64| {
        let t = axis.fraction(level);
        frame.bottom() - if t.is_nan() { 0.0 } else { t.clamp(0.0, 1.0) } * frame.height
    };

    let mut svg = Svg::default();
    draw_leaders(&mut svg, &placed, &frame, &height);
    for branch in &placed {
        draw_branch(&mut svg, branch, &frame, &height);
    }
    let spacing = frame.width / placed.len().max(1) as f64;
    for branch in &placed {
        draw_marks(&mut svg, branch, spacing, log, &height);
    }
    layout::draw_frame(&mut svg, &frame);
    axis.draw(&mut svg, &frame, Side::Left, &figure.y_label, INK);
    draw_numbers(&mut svg, &placed, &frame, spacing);
    Text::new([frame.x + frame.width / 2.0, layout::TOP - 14.0], figure.title.as_str())
        .size(TITLE)
        .fit(frame.width + 2.0 * BARE_SIDE)
        .draw(&mut svg);
    Ok(caption::finish(svg, &notes(figure, &ranked, &placed, log), &frame, frame.right() + BARE_SIDE))
}

/// Branches at equal distances, the most persistent first.
fn place<'b>(figure: &'b MergeTreeFigure, drawn: &[usize], frame: &Rect) -> Vec<Placed<'b>> {
    let branches = &figure.branches;
    let mut positions = vec![None; branches.len()];
    drawn.iter().enumerate().for_each(|(position, &k)| positions[k] = Some(position));
    // The next one that is drawn: what a branch ends in is at least as persistent, so that few are passed.
    let survivor = |mut k: usize| loop {
        match (positions[k], branches[k].end) {
            (Some(position), _) => break Some(position),
            (None, Some((_, into))) => k = into,
            (None, None) => break None,
        }
    };
    let ends: Ends = drawn
        .iter()
        .map(|&k| branches[k].end.and_then(|(level, into)| Some((level, survivor(into)?))))
        .collect();
    let step = frame.width / drawn.len().max(1) as f64;
    let mut places = vec![0.0; drawn.len()];
    order(&ends).into_iter().enumerate().for_each(|(place, k)| {
        places[k] = frame.x + (place as f64 + 0.5) * step;
    });
    let largest = drawn.iter().filter_map(|&k| branches[k].share).fold(0.0, f64::max);
    let [narrow, wide] = [WIDTHS[0], WIDTHS[1].min(0.7 * step).max(WIDTHS[0])];
    let mut placed: Vec<Placed<'b>> = Vec::with_capacity(drawn.len());
    for (position, &index) in drawn.iter().enumerate() {
        let branch = &branches[index];
        let share = branch.share.filter(|_| largest > 0.0).map(|share| share / largest);
        placed.push(Placed {
            branch,
            index,
            end: ends[position].map(|(level, into)| (level, places[into])),
            x: places[position],
            width: share.map_or(LINE.min(0.7 * step).max(0.5), |share| narrow + share * (wide - narrow)),
            counts: branch.persistence() > figure.floor,
        });
    }
    placed
}

/// Lines from the minima to their numbers.
fn draw_leaders(svg: &mut Svg, placed: &[Placed<'_>], frame: &Rect, height: &impl Fn(f64) -> f64) {
    let mut path = PathData::default();
    for branch in placed {
        path.polyline(&[[branch.x, height(branch.branch.minimum)], [branch.x, frame.bottom()]], false);
    }
    svg.tag("path").attr("d", path.as_str()).attr("stroke", FAINT).attr("stroke-width", "0.7").end();
}

impl Placed<'_> {
    fn ink(&self) -> String {
        if self.counts { CURVES[0].hex() } else { GREY.to_owned() }
    }
}

/// The upright of a branch, and the line to the one that goes on.
fn draw_branch(svg: &mut Svg, placed: &Placed<'_>, frame: &Rect, height: &impl Fn(f64) -> f64) {
    let bottom = height(placed.branch.minimum);
    let top = placed.end.map_or(frame.y, |(level, _)| height(level));
    let mut lines: Vec<([Point; 2], f64)> = vec![([[placed.x, bottom], [placed.x, top]], placed.width)];
    lines.extend(placed.end.map(|(_, x)| ([[placed.x, top], [x, top]], WIDTHS[0])));
    for (line, width) in lines {
        let mut path = PathData::default();
        path.polyline(&line, false);
        let tag = svg
            .tag("path")
            .attr("d", path.as_str())
            .attr("fill", "none")
            .attr("stroke", &placed.ink())
            .num("stroke-width", width);
        if placed.branch.certain { tag } else { tag.attr("stroke-dasharray", "3 2") }.end();
    }
}

/// A dot at the minimum, a diamond at the saddle.
fn draw_marks(svg: &mut Svg, placed: &Placed<'_>, spacing: f64, log: bool, height: &impl Fn(f64) -> f64) {
    let ink = placed.ink();
    if !log || placed.branch.minimum > 0.0 {
        let radius = (0.5 * placed.width).max((0.35 * spacing).clamp(1.4, 3.0));
        let tag = svg.tag("circle").num("cx", placed.x).num("cy", height(placed.branch.minimum));
        tag.num("r", radius).attr("fill", &ink).end();
    }
    // On the dot where both are near, so that neither hides the other.
    if let Some((level, _)) = placed.end {
        let (x, y, r) = (placed.x, height(level), (0.3 * spacing).clamp(1.2, 3.6));
        let mut diamond = PathData::default();
        diamond.polyline(&[[x, y - r], [x + r, y], [x, y + r], [x - r, y]], true);
        let tag = svg.tag("path").attr("d", diamond.as_str()).attr("fill", "#fff");
        tag.attr("stroke", &ink).attr("stroke-width", "1").end();
    }
}

/// Below the frame, as far as there is room: the number of each minimum, and its share.
fn draw_numbers(svg: &mut Svg, placed: &[Placed<'_>], frame: &Rect, spacing: f64) {
    let share = |branch: &Placed<'_>| branch.branch.share.map(percent);
    let widest = |texts: &mut dyn Iterator<Item = String>, size: f64| {
        texts.map(|text| crate::svg::text_width(&text, size)).fold(0.0, f64::max)
    };
    let shares_fit = widest(&mut placed.iter().filter_map(share), SHARE) + 2.0 <= spacing;
    let mut taken: Vec<Rect> = Vec::new();
    // The most persistent come first.
    for branch in placed {
        let number = (branch.index + 1).to_string();
        let text = Text::new([branch.x, frame.bottom() + 7.5], number.as_str()).size(NUMBER);
        let bounds = text.bounds();
        let wide = Rect { x: bounds.x - 2.0, width: bounds.width + 4.0, ..bounds };
        if taken.iter().any(|other| other.overlaps(&wide)) {
            continue;
        }
        taken.push(bounds);
        text.draw(svg);
        if let Some(share) = share(branch).filter(|_| shares_fit) {
            Text::new([branch.x, frame.bottom() + 16.5], share.as_str()).size(SHARE).fill("#555").draw(svg);
        }
    }
    let shares = shares_fit && placed.iter().any(|branch| branch.branch.share.is_some());
    let label = if shares { "minima, and the share of points that flow there" } else { "minima" };
    Text::new([frame.x + frame.width / 2.0, frame.bottom() + 28.0], label)
        .size(LABEL)
        .fit(frame.width)
        .draw(svg);
}

/// A share in percent, to two digits.
fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    match percent {
        0.0 => "0 %".to_owned(),
        _ if percent < 0.1 => "<0.1 %".to_owned(),
        _ if percent < 9.95 => format!("{percent:.1} %"),
        _ => format!("{percent:.0} %"),
    }
}

fn notes(figure: &MergeTreeFigure, ranked: &[usize], placed: &[Placed<'_>], log: bool) -> Vec<String> {
    let total = figure.branches.len();
    let mut notes =
        vec![if total == 1 { "● minimum".to_owned() } else { "● minimum, ◇ saddle".to_owned() }];
    if placed.iter().any(|branch| branch.branch.share.is_some()) && placed.len() > 1 {
        notes.push("wider: more points flow there".to_owned());
    }
    if placed.iter().any(|branch| !branch.branch.certain) {
        notes.push("dashed: may differ for points without a value".to_owned());
    }
    let left_out = total - ranked.len();
    notes.extend(caption::note(left_out, total, "minima", "left out, the least persistent"));
    let below = placed.iter().filter(|branch| !branch.counts).count();
    let floor = format!("not above a persistence of {} (grey)", brief(figure.floor));
    notes.extend(caption::note(below, total, "minima", &floor));
    if log {
        let low = placed.iter().filter(|branch| branch.branch.minimum <= 0.0).count();
        notes.extend(caption::note(low, total, "minima", "not positive, drawn to the lower edge"));
        let hidden = ranked.len() - placed.len();
        notes.extend(caption::note(hidden, total, "branches", "not positive (logarithmic axis)"));
    }
    notes.extend(figure.notes.iter().cloned());
    notes
}
