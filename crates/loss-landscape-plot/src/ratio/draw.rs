//! Drawing of a map of eigenvalue ratios whose input is checked and whose scale is known.

use ndarray::{Array2, Zip};

use crate::{
    geometry::{
        Polyline,
        isolines::{PixelGrid, Tracer},
    },
    plane::{
        bands::Bands,
        canvas::{Canvas, LineStyle, traced},
        colorbar::{Bar, BarPart, Beyond, Ramp},
        sheet::Sheet,
    },
    ratio::eigenvalues::{Curvature, Eigenvalues},
    svg::{Drawing, hatching::Hatching},
};

/// The sign of the least eigenvalue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Saddle,
    Convex,
}

/// Draws the figure; `notes` go into the caption.
pub(super) fn draw(
    sheet: &Sheet,
    eigenvalues: &Eigenvalues,
    bands: &Bands,
    points: &Array2<Curvature>,
    notes: &[String],
) -> Drawing {
    let mut canvas = Canvas::new(sheet);
    let colors = bands.colors(sheet.color_map);
    let count = bands.levels.len();
    let where_known = |values: Array2<f64>| -> Array2<f64> {
        Zip::from(&values).and(points).map_collect(|&v, point| if point.is_known() { v } else { f64::NAN })
    };
    let rings = |grid: &PixelGrid| traced(&mut Tracer::new(&grid.padded()), 0.0, count);

    // The first level is 0, so that the second colour is that of the lowest band.
    canvas.ground(colors[1]);
    let mut lines: Vec<(usize, Polyline)> = Vec::new();
    let least = canvas.grid(where_known(eigenvalues.min.clone()));
    lines.extend(traced(&mut Tracer::new(&least), 0.0, count).into_iter().map(|line| (0, line)));
    for (k, &level) in bands.levels.iter().enumerate().skip(1) {
        for side in [Sign::Saddle, Sign::Convex] {
            let grid = canvas.grid(where_known(excess(eigenvalues, side, level)));
            canvas.area(&rings(&grid), &colors[k + 1].hex());
            lines.extend(traced(&mut Tracer::new(&grid), 0.0, count).into_iter().map(|line| (k, line)));
        }
    }
    let greatest = canvas.grid(where_known(eigenvalues.max.mapv(|v| -v)));
    canvas.hatched(&rings(&least), Hatching::Dots);
    canvas.hatched(&rings(&greatest), Hatching::Crossed);
    canvas.mask(&least);
    if let Some(flags) = &eigenvalues.uncertain {
        let marked = Zip::from(flags).and(points).map_collect(|&flag, point| flag && point.is_known());
        canvas.crosses(&marked);
    }
    let mut styles = LineStyle::between(&colors);
    styles[0] = styles[0].clone().heavy();
    canvas.isolines(&lines, bands, &styles);

    let beyond = Beyond { below: false, above: points.iter().any(|&point| eigenvalues.is_beyond(point)) };
    let ramp = Ramp::banded(bands, &colors);
    canvas.finish(&Bar { ramp, beyond, label: &sheet.value_label, part: BarPart::All }, notes)
}

/// A field that is 0 where the ratio has the given level on one side of λ_min = 0, positive where
/// the ratio is greater there: the ratio without its division, so that neither λ_max = 0 nor the
/// kink at λ_min = 0 disturbs its interpolation.
fn excess(eigenvalues: &Eigenvalues, side: Sign, level: f64) -> Array2<f64> {
    Zip::from(&eigenvalues.min).and(&eigenvalues.max).map_collect(|&min, &max| match side {
        Sign::Saddle => -min - level * max,
        // Two negative eigenvalues are a matter of the other side.
        Sign::Convex => min - level * if min < 0.0 { max.max(0.0) } else { max },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Figure, RatioFigure,
        layout::{FRAME_SIDE, SIDE},
        testing::{bounds, hatched, paths},
    };

    /// A map over [0, 1] of eigenvalues at both ends of the horizontal axis.
    fn ends(min: [f64; 2], max: [f64; 2]) -> RatioFigure {
        let of = |v: [f64; 2]| Array2::from_shape_fn((2, 3), |(i, _)| v[i]);
        RatioFigure::new(&[0.0, 1.0], &[0.0, 1.0, 3.0], of(min).view(), of(max).view())
    }

    /// Horizontal extent of the path with this attribute, as a share of the frame.
    fn extents(svg: &str, attribute: &str, value: &str) -> Vec<(f64, f64)> {
        let share = |x: f64| (x - SIDE) / FRAME_SIDE;
        let of = |path: &Vec<[f64; 2]>| -> (f64, f64) {
            let (l, h) = bounds(path, 0);
            (share(l), share(h))
        };
        paths(svg, attribute, value).iter().map(of).collect()
    }

    /// The extent of all lines of one ink.
    fn extent(svg: &str, hatching: Hatching) -> Option<(f64, f64)> {
        let (_, _, width) = hatching.strokes()[hatching.strokes().len() - 1];
        let ends = hatched(svg, width);
        let share = |x: f64| (x - SIDE) / FRAME_SIDE;
        (!ends.is_empty()).then(|| bounds(&ends, 0)).map(|(l, h)| (share(l), share(h)))
    }

    fn close(found: (f64, f64), lo: f64, hi: f64) -> bool {
        (found.0 - lo).abs() < 1e-4 && (found.1 - hi).abs() < 1e-4
    }

    #[test]
    fn the_zero_line_is_that_of_the_least_eigenvalue() {
        let svg = ends([-1.0, 3.0], [100.0, 4.0]).levels([]).to_svg().unwrap();
        let lines = extents(&svg, "stroke-width", "1.6");
        assert!(lines.iter().all(|&line| close(line, 0.25, 0.25)) && !lines.is_empty(), "{lines:?}");
        let (from, to) = extent(&svg, Hatching::Dots).unwrap();
        assert!((0.245..0.28).contains(&from) && (0.97..1.005).contains(&to), "{from} {to}");
    }

    #[test]
    fn bands_fall_to_zero_and_rise_again_across_it() {
        let svg = ends([1.0, -1.0], [2.0, 2.0]).levels([0.1, 0.3]).to_svg().unwrap();
        let bands = extents(&svg, "fill-rule", "evenodd");
        // Saddle and convex side of 0.1, then of 0.3.
        let expected = [(0.6, 1.0), (0.0, 0.4), (0.8, 1.0), (0.0, 0.2)];
        assert_eq!(bands.len(), 4);
        assert!(bands.iter().zip(expected).all(|(&b, (lo, hi))| close(b, lo, hi)), "{bands:?}");
    }

    #[test]
    fn no_positive_curvature_is_beyond_every_level_and_crossed() {
        let svg = ends([-1.0, -1.0], [3.0, -1.0]).limit(4.0).levels([2.0]).to_svg().unwrap();
        let bands = extents(&svg, "fill-rule", "evenodd");
        // λ_max is 0.5 at 5/8 of the way, 0 at 3/4.
        assert!(bands.len() == 1 && close(bands[0], 0.625, 1.0), "{bands:?}");
        assert!(close(extent(&svg, Hatching::Crossed).unwrap(), 0.75, 1.0));
    }

    #[test]
    fn cells_without_a_ratio_are_hatched() {
        let mut figure = ends([-1.0, 1.0], [2.0, 2.0]);
        for (min, max) in [(f64::NAN, 1.0), (0.0, 0.0), (-1.0, f64::INFINITY)] {
            (figure.eigenvalues.min[[0, 0]], figure.eigenvalues.max[[0, 0]]) = (min, max);
            let svg = figure.to_svg().unwrap();
            assert!(extent(&svg, Hatching::Unknown).is_some_and(|e| close(e, 0.0, 1.0)), "{min} {max}");
        }
    }
}
