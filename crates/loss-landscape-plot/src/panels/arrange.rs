//! Panels put together: rows and columns, the title over them, the colour bar that they share.

use crate::{
    geometry::Rect,
    layout::FRAME_SIDE,
    plane::{
        bands::Bands,
        colorbar::{Bar, BarPart, Beyond, Ramp},
        shades::Shades,
        values::Shareable,
    },
    svg::{Drawing, Svg, Text},
};

/// Font size of the title over all panels.
const TITLE: f64 = 14.5;
const TITLE_HEIGHT: f64 = 26.0;
const GAP: f64 = 10.0;

/// One colour bar for several panels.
pub(super) struct CommonBar<'a> {
    pub(super) bands: &'a Bands,
    /// The panels that it is for, by their number, and what they hold.
    pub(super) panels: Vec<(usize, Shareable<'a>)>,
}

/// Places of panels: columns as wide and rows as high as their largest panel.
struct Places {
    columns: usize,
    widths: Vec<f64>,
    /// Heights above and below the upper edge of the plotting areas of each row.
    tops: Vec<f64>,
    below: Vec<f64>,
    /// Where the first row begins.
    start: f64,
}

impl Places {
    fn new(drawn: &[Drawing], columns: usize, start: f64) -> Self {
        let rows = drawn.len().div_ceil(columns);
        let mut places = Self {
            columns,
            widths: vec![0.0; columns],
            tops: vec![0.0; rows],
            below: vec![0.0; rows],
            start,
        };
        for (k, panel) in drawn.iter().enumerate() {
            let [column, row] = places.cell(k);
            places.widths[column] = panel.width.max(places.widths[column]);
            places.tops[row] = panel.top.max(places.tops[row]);
            places.below[row] = (panel.height - panel.top).max(places.below[row]);
        }
        places
    }

    fn cell(&self, panel: usize) -> [usize; 2] {
        [panel % self.columns, panel / self.columns]
    }

    /// Where a column begins; for the number of columns, where the next would.
    fn left(&self, column: usize) -> f64 {
        self.widths[..column].iter().map(|width| width + GAP).sum()
    }

    /// Where a row begins; for the number of rows, where the next would.
    fn top(&self, row: usize) -> f64 {
        self.start
            + self.tops[..row].iter().zip(&self.below).map(|(top, below)| top + below + GAP).sum::<f64>()
    }

    /// The upper edge of the plotting areas of a row.
    fn frame_top(&self, row: usize) -> f64 {
        self.top(row) + self.tops[row]
    }
}

/// Arranges panels in rows of at most `columns`.
pub(super) fn arrange(
    drawn: &[Drawing],
    columns: usize,
    title: &str,
    bar: Option<&CommonBar<'_>>,
) -> Drawing {
    let start = if title.is_empty() { 0.0 } else { TITLE_HEIGHT };
    let mut places = Places::new(drawn, columns.clamp(1, drawn.len().max(1)), start);
    let bar = bar.map(|bar| bar.draw(&mut places));
    let width = places.left(places.columns) - GAP;
    let mut svg = Svg::default();
    Text::new([width / 2.0, 17.0], title).size(TITLE).fit(width - 16.0).draw(&mut svg);
    for (k, panel) in drawn.iter().enumerate() {
        let [column, row] = places.cell(k);
        let (x, y) = (places.left(column), places.frame_top(row) - panel.top);
        svg.tag("g").attr("transform", &format!("translate({x:.2} {y:.2})")).open();
        svg.raw(&panel.body);
        svg.close();
    }
    svg.raw(&bar.unwrap_or_default());
    Drawing { width, height: places.top(places.tops.len()) - GAP, top: start, body: svg.finish() }
}

impl CommonBar<'_> {
    /// Whether one bar can tell the colours of all: they have one map.
    pub(super) fn suffices(&self) -> bool {
        let mut maps = self.panels.iter().map(|(_, panel)| panel.values.sheet.color_map);
        let first = maps.next();
        maps.all(|map| Some(map) == first)
    }

    /// What each panel still tells: what its values are, where that differs.
    pub(super) fn left_to_panels(&self) -> BarPart {
        if self.common_label().is_some() { BarPart::Nothing } else { BarPart::Label }
    }

    /// The label of all panels, if they have one.
    fn common_label(&self) -> Option<&str> {
        let mut labels = self.panels.iter().map(|(_, panel)| panel.values.sheet.value_label.as_str());
        let first = labels.next()?;
        labels.all(|label| label == first).then_some(first)
    }

    /// Draws the bar to the right of the last column that has one of its panels, as high as their rows, and widens
    /// that column.
    fn draw(&self, places: &mut Places) -> String {
        let cells: Vec<[usize; 2]> = self.panels.iter().map(|(k, _)| places.cell(*k)).collect();
        let column = cells.iter().map(|cell| cell[0]).max().unwrap_or(0);
        let (first, last) =
            cells.iter().fold((usize::MAX, 0), |(first, last), cell| (first.min(cell[1]), last.max(cell[1])));
        let (top, bottom) = (places.frame_top(first), places.frame_top(last) + FRAME_SIDE);
        let frame =
            Rect { x: places.left(column), y: top, width: places.widths[column], height: bottom - top };

        let map = self.panels[0].1.values.sheet.color_map;
        let smooth = self.panels.iter().any(|(_, panel)| panel.smooth);
        let colors = if smooth { Shades::new(map).colors } else { self.bands.colors(map) };
        let ramp = if smooth { Ramp::smooth(self.bands, &colors) } else { Ramp::banded(self.bands, &colors) };
        let beyond = self.panels.iter().map(|(_, panel)| panel.values.beyond(self.bands)).fold(
            Beyond::default(),
            |all, one| Beyond { below: all.below || one.below, above: all.above || one.above },
        );
        let bar = Bar { ramp, beyond, label: self.common_label().unwrap_or(""), part: BarPart::All };
        let mut svg = Svg::default();
        places.widths[column] += bar.draw(&mut svg, &frame) + 4.0;
        svg.finish()
    }
}
