//! Drawing of a matrix whose input is checked.

use super::MatrixFigure;
use crate::{
    Result,
    axis::{numbers, scale::Extent},
    caption::{self, note},
    geometry::{Point, Rect, chords::Inside},
    layout,
    plane::{
        bands::{BandOptions, Bands},
        colorbar::{Bar, BarPart, Beyond, Ramp},
        shades::Shades,
    },
    svg::{
        Anchor, Drawing, PathData, Svg, TICK, TITLE, Text,
        hatching::{Hatching, UNKNOWN_GROUND},
        text_width,
    },
};

/// The least size of a number that can be read, and how much of a cell it may take.
const LEAST: f64 = 6.0;
const SHARE: f64 = 0.86;
/// The widest that a name may be, in pixels, and its distance from the frame.
const WIDEST: f64 = 120.0;
const GAP: f64 = 6.0;
/// How names turn that do not fit below their columns.
const TURN: f64 = 40.0;

pub(super) fn draw(figure: &MatrixFigure) -> Result<Drawing> {
    let MatrixFigure { names, values, at_least, .. } = figure;
    let count = names.len();
    let pairs = || values.indexed_iter().filter(|((i, j), _)| i != j).map(|(at, value)| (at, *value));
    let extent = Extent::of(pairs().map(|(_, value)| value));
    let options = BandOptions { scale: figure.scale, range: figure.range, ..BandOptions::default() };
    let bands = Bands::resolve(extent, &options)?;
    let shades = Shades::new(figure.color_map);

    let widest = names.iter().map(|name| text_width(name, TICK)).fold(0.0, f64::max).min(WIDEST);
    let side = layout::FRAME_SIDE / count as f64;
    let left = (widest + GAP + 4.0).max(layout::SIDE);
    let frame = Rect { x: left, y: layout::TOP, width: layout::FRAME_SIDE, height: layout::FRAME_SIDE };
    let cell = |i: usize, j: usize| {
        let [x, y] = [frame.x + side * j as f64, frame.y + side * i as f64];
        Rect { x, y, width: side, height: side }
    };

    let mut svg = Svg::default();
    let mut paths: Vec<PathData> = shades.colors.iter().map(|_| PathData::default()).collect();
    let mut unknown = Vec::new();
    for ((i, j), value) in pairs() {
        let fraction = Shades::fraction(&bands, value);
        if value.is_finite() && !fraction.is_nan() {
            paths[Shades::index(fraction.clamp(0.0, 1.0))].rect(&cell(i, j));
        } else {
            unknown.push(cell(i, j));
        }
    }
    let fill = |svg: &mut Svg, path: &PathData, color: &str| {
        if !path.is_empty() {
            let tag = svg.tag("path").attr("d", path.as_str()).attr("fill", color);
            tag.attr("shape-rendering", "crispEdges").end();
        }
    };
    for (path, color) in paths.iter().zip(&shades.colors) {
        fill(&mut svg, path, &color.hex());
    }
    let mut ground = PathData::default();
    for rect in &unknown {
        ground.rect(rect);
    }
    fill(&mut svg, &ground, UNKNOWN_GROUND);
    let corners: Vec<[Point; 4]> = unknown.iter().map(Rect::corners).collect();
    let rings: Vec<&[Point]> = corners.iter().map(|ring| &ring[..]).collect();
    Hatching::Unknown.draw(&mut svg, &rings, Inside::Odd);

    let number = |(i, j): (usize, usize), value: f64| {
        let sign = if at_least[[i, j]] { "≥" } else { "" };
        format!("{sign}{}", numbers::brief(value))
    };
    let known = || pairs().filter(|(_, value)| value.is_finite() && bands.shows(*value));
    let longest = known().map(|(at, value)| text_width(&number(at, value), TICK)).fold(1.0, f64::max);
    let size = (TICK * SHARE * side / longest).min(TICK).min(SHARE * side);
    if size >= LEAST {
        for ((i, j), value) in known() {
            let color = shades.colors[Shades::index(Shades::fraction(&bands, value).clamp(0.0, 1.0))];
            let rect = cell(i, j);
            Text::new([rect.x + side / 2.0, rect.y + side / 2.0], number((i, j), value).as_str())
                .size(size)
                .fill(if color.is_dark() { "#fff" } else { "#000" })
                .draw(&mut svg);
        }
    }

    layout::draw_frame(&mut svg, &frame);
    let below = draw_names(names, &frame, side, widest, &mut svg);
    let bar = Bar {
        ramp: Ramp::smooth(&bands, &shades.colors),
        beyond: Beyond {
            below: known().any(|(_, value)| value < bands.lo),
            above: known().any(|(_, value)| value > bands.hi),
        },
        label: &figure.value_label,
        part: BarPart::All,
    };
    let beside = bar.draw(&mut svg, &frame);
    let width = bar.figure_width(frame.right(), beside);
    Text::new([frame.x + frame.width / 2.0, frame.y - 14.0], figure.title.as_str())
        .size(TITLE)
        .fit(2.0 * (frame.width / 2.0 + frame.x - 4.0))
        .draw(&mut svg);

    let total = count * (count - 1);
    let notes = [
        note(unknown.len(), total, "cells", "not known"),
        note(known().filter(|(at, _)| at_least[*at]).count(), total, "cells", "a lower bound (≥)"),
        note(
            known().filter(|(_, value)| *value < bands.lo || *value > bands.hi).count(),
            total,
            "cells",
            "outside the colour range",
        ),
        (size < LEAST).then(|| "numbers left out, since they do not fit their cells".to_owned()),
    ];
    // The caption goes below the names.
    let around = Rect { height: frame.height + below, ..frame };
    Ok(caption::finish(svg, &notes.into_iter().flatten().collect::<Vec<_>>(), &around, width))
}

/// Writes the names beside the rows and below the columns, and returns by how much the latter reach below the
/// space that axes have.
fn draw_names(names: &[String], frame: &Rect, side: f64, widest: f64, svg: &mut Svg) -> f64 {
    // Lines of small cells are closer than text is high.
    let size = (0.9 * side).min(TICK);
    let turned = widest > SHARE * side + 4.0;
    for (k, name) in names.iter().enumerate() {
        let middle = side * (k as f64 + 0.5);
        Text::new([frame.x - GAP, frame.y + middle], name.as_str())
            .size(size)
            .fit(WIDEST)
            .anchor(Anchor::End)
            .draw(svg);
        let text = Text::new([frame.x + middle, frame.bottom() + GAP + 3.0], name.as_str()).size(size);
        let text = text.fit(WIDEST);
        if turned { text.anchor(Anchor::End).rotate(-TURN).draw(svg) } else { text.lowered(3.0).draw(svg) }
    }
    if turned {
        let reach = widest * TURN.to_radians().sin() + GAP + TICK;
        return (reach - layout::BOTTOM + 4.0).max(0.0);
    }
    // No label stands below the names.
    GAP + TICK + 6.0 - layout::BOTTOM
}
