//! Drawing of a contour figure whose input is checked and whose scale is known.

use ndarray::Array2;

use crate::{
    geometry::{Polyline, isolines::Tracer},
    plane::{
        bands::Bands,
        canvas::{Canvas, LineStyle, traced},
        colorbar::Ramp,
        shared::SharedScale,
        values::PlaneValues,
    },
    svg::Drawing,
};

/// Draws the figure.
pub(super) fn draw(data: &PlaneValues, splines: bool, scale: Option<&SharedScale>, bands: &Bands) -> Drawing {
    let mut canvas = Canvas::new(&data.sheet);
    let gridded = |canvas: &Canvas<'_>, values: &Array2<f64>| {
        let grid = canvas.grid(values.mapv(|v| bands.mapping.forward(v)));
        if splines { grid.splined() } else { grid }
    };
    let grid = gridded(&canvas, &data.values);
    let colors = bands.colors(data.sheet.color_map);
    let trace = |tracer: &mut Tracer<'_>, level: f64| {
        traced(tracer, bands.mapping.forward(level), bands.levels.len())
    };

    // The lowest colour everywhere, then for each level the region at or above it: later regions
    // cover earlier ones, so there are no seams between bands.
    canvas.ground(colors[0]);
    let padded = grid.padded();
    let mut tracer = Tracer::new(&padded);
    for (&level, color) in bands.levels.iter().zip(&colors[1..]) {
        canvas.area(&trace(&mut tracer, level), &color.hex());
    }
    let styles = LineStyle::between(&colors);
    if let Some(ends) = data.interval_ends() {
        // The region that is at or above a level by the upper end, without that by the lower: isolines of both, filled
        // by the even-odd rule.
        let grids = ends.map(|end| gridded(&canvas, &end).padded());
        let [mut low, mut high] = grids.each_ref().map(Tracer::new);
        for (&level, style) in bands.levels.iter().zip(&styles) {
            let mut rings = trace(&mut high, level);
            rings.extend(trace(&mut low, level));
            canvas.shade(&rings, style);
        }
    }
    canvas.mask(&grid);
    let mut tracer = Tracer::new(&grid);
    let mut lines: Vec<(usize, Polyline)> = Vec::new();
    for (k, &level) in bands.levels.iter().enumerate() {
        lines.extend(trace(&mut tracer, level).into_iter().map(|line| (k, line)));
    }
    canvas.isolines(&lines, bands, &styles);
    canvas.finish(&data.bar(Ramp::banded(bands, &colors), bands, scale), &data.notes(bands))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ContourFigure, Error, Figure,
        axis::scale::Scale,
        layout,
        testing::{axis, bounds, paths, rings},
    };

    /// The first filled band above the lowest.
    fn first_band(svg: &str) -> Vec<[f64; 2]> {
        paths(svg, "fill-rule", "evenodd").swap_remove(0)
    }

    #[test]
    fn the_first_index_runs_along_the_horizontal_axis() {
        // One high point at i = 3 of 5, j = 1 of 3: right of the centre, in the middle.
        let (x, y) = (axis(0.0, 4.0, 5), axis(0.0, 2.0, 3));
        let mut values = Array2::zeros((5, 3));
        values[[3, 1]] = 1.0;
        let svg = ContourFigure::new(&x, &y, values.view()).levels([0.5]).to_svg().unwrap();
        let band = first_band(&svg);
        let (left, top, side) = (layout::SIDE, layout::TOP, layout::FRAME_SIDE);
        let close = |(l, h): (f64, f64), lo: f64, hi: f64| (l - lo).abs() < 0.02 && (h - hi).abs() < 0.02;
        assert!(close(bounds(&band, 0), left + side * 2.5 / 4.0, left + side * 3.5 / 4.0), "{band:?}");
        assert!(close(bounds(&band, 1), top + side * 0.25, top + side * 0.75), "{band:?}");
    }

    #[test]
    fn the_second_index_runs_upwards_along_uneven_coordinates() {
        let values = Array2::from_shape_fn((2, 3), |(_, j)| [0.0, 0.0, 1.0][j]);
        let svg =
            ContourFigure::new(&[0.0, 1.0], &[0.0, 3.0, 4.0], values.view()).levels([0.5]).to_svg().unwrap();
        let (_, lowest) = bounds(&first_band(&svg), 1);
        let expected = layout::TOP + layout::FRAME_SIDE * 0.5 / 4.0;
        assert!((lowest - expected).abs() < 0.02, "{lowest} {expected}");
    }

    #[test]
    fn isolines_are_shaded_as_far_as_two_standard_errors() {
        // Along x the value is x, and its error a tenth: the isoline of 2 may be from 1.8 to 2.2.
        let (x, y) = (axis(0.0, 4.0, 9), axis(0.0, 1.0, 2));
        let values = Array2::from_shape_fn((9, 2), |(i, _)| x[i]);
        let errors = Array2::from_elem((9, 2), 0.1);
        let figure = || ContourFigure::new(&x, &y, values.view()).levels([2.0]);
        let svg = figure().standard_error(errors.view()).to_svg().unwrap();
        let (left, side) = (layout::SIDE, layout::FRAME_SIDE);
        let across = |point: &[f64; 2]| (point[0] - left) / side * 4.0;
        let least = |ring: &Vec<[f64; 2]>| ring.iter().map(across).fold(f64::INFINITY, f64::min);
        let starts: Vec<f64> = rings(&svg, "fill-opacity", "0.35").iter().map(least).collect();
        // Both rings reach to the right end; between their left ends is what the even-odd rule fills.
        assert!(
            starts.len() == 2 && (starts[0] - 1.8).abs() < 0.01 && (starts[1] - 2.2).abs() < 0.01,
            "{starts:?}"
        );
        assert!(!figure().to_svg().unwrap().contains("fill-opacity"));
        let narrow = Array2::zeros((8, 2));
        assert!(matches!(figure().standard_error(narrow.view()).to_svg(), Err(Error::Length { .. })));
    }

    /// Of a bowl on 9×9 points the straight isoline leaves the circle by a fiftieth of its radius, the spline hardly.
    #[test]
    fn splines_draw_a_circle_as_a_circle() {
        let x = axis(-1.0, 1.0, 9);
        let bowl = Array2::from_shape_fn((9, 9), |(i, j)| x[i] * x[i] + x[j] * x[j]);
        let figure = || ContourFigure::new(&x, &x, bowl.view()).levels([0.3]);
        let off = |figure: ContourFigure| {
            let svg = figure.to_svg().unwrap();
            let half = layout::FRAME_SIDE / 2.0;
            let radius = |point: &[f64; 2]| {
                ((point[0] - layout::SIDE) / half - 1.0).hypot((point[1] - layout::TOP) / half - 1.0)
            };
            let rings = rings(&svg, "fill-rule", "evenodd");
            let inner = rings.iter().find(|ring| ring.iter().all(|point| radius(point) < 0.7)).unwrap();
            // Chords between two points of a ring count too.
            let middles = inner.windows(2).map(|pair| [0, 1].map(|k| f64::midpoint(pair[0][k], pair[1][k])));
            let radii = inner.iter().copied().chain(middles).map(|point| radius(&point));
            radii.map(|radius| (radius / 0.3_f64.sqrt() - 1.0).abs()).fold(0.0, f64::max)
        };
        let (straight, curved) = (off(figure()), off(figure().splines()));
        assert!(straight > 0.01 && curved < 0.001, "{straight} {curved}");
        assert!(!figure().to_svg().unwrap().contains("cubic splines"));
        assert_eq!(figure().splines().splines().to_svg().unwrap().matches("cubic splines").count(), 1);
    }

    #[test]
    fn splines_leave_unknown_cells_unknown_and_shade_errors() {
        let x = axis(0.0, 1.0, 5);
        let mut values = Array2::from_shape_fn((5, 5), |(i, j)| x[i] + x[j]);
        values[[2, 2]] = f64::NAN;
        let errors = Array2::from_elem((5, 5), 0.05);
        let figure = ContourFigure::new(&x, &x, values.view()).standard_error(errors.view()).splines();
        let svg = figure.to_svg().unwrap();
        roxmltree::Document::parse(&svg).unwrap();
        assert!(!svg.contains("NaN") && svg.contains("1 of 25 points not finite"));
        assert!(!rings(&svg, "fill-opacity", "0.35").is_empty());
    }

    #[test]
    fn intervals_down_to_zero_and_unknown_errors_are_drawn() {
        let values = ndarray::array![[1.0, 10.0], [100.0, 1000.0]];
        let errors = ndarray::array![[1.0, 10.0], [f64::NAN, f64::INFINITY]];
        let figure = ContourFigure::new(&[0.0, 1.0], &[0.0, 1.0], values.view()).scale(Scale::Log);
        let svg = figure.standard_error(errors.view()).to_svg().unwrap();
        roxmltree::Document::parse(&svg).unwrap();
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn logarithmic_isolines_interpolate_logarithms() {
        let values = ndarray::array![[1.0, 1.0], [1e4, 1e4]];
        let of = |scale: Scale| {
            let svg = ContourFigure::new(&[0.0, 1.0], &[0.0, 1.0], values.view())
                .scale(scale)
                .levels([100.0])
                .to_svg()
                .unwrap();
            let (left, _) = bounds(&first_band(&svg), 0);
            (left - layout::SIDE) / layout::FRAME_SIDE
        };
        assert!((of(Scale::Auto) - 0.5).abs() < 1e-4);
        assert!((of(Scale::Linear) - 99.0 / 9999.0).abs() < 1e-4);
    }
}
