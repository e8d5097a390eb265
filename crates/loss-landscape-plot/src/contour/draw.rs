//! Drawing of a contour figure whose input is checked and whose scale is known.

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
pub(super) fn draw(data: &PlaneValues, scale: Option<&SharedScale>, bands: &Bands) -> Drawing {
    let mut canvas = Canvas::new(&data.sheet);
    let grid = canvas.grid(data.values.mapv(|v| bands.mapping.forward(v)));
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
    canvas.mask(&grid);
    let mut tracer = Tracer::new(&grid);
    let mut lines: Vec<(usize, Polyline)> = Vec::new();
    for (k, &level) in bands.levels.iter().enumerate() {
        lines.extend(trace(&mut tracer, level).into_iter().map(|line| (k, line)));
    }
    canvas.isolines(&lines, bands, &LineStyle::between(&colors));
    canvas.finish(&data.bar(Ramp::banded(bands, &colors), bands, scale), &data.notes(bands))
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use crate::{
        ContourFigure, Figure,
        axis::scale::Scale,
        layout,
        testing::{axis, bounds, paths},
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
