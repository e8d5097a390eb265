//! Drawing of a heat map whose input is checked and whose scale is known.

use ndarray::Array2;

use crate::{
    geometry::Rect,
    plane::{
        bands::Bands, canvas::Canvas, colorbar::Ramp, shades::Shades, shared::SharedScale,
        values::PlaneValues,
    },
    svg::{Drawing, PathData},
};

/// Most rectangles that a file should hold; more are drawn in blocks.
const MOST_TILES: usize = 180_000;
/// In place of a shade, where there is no value.
const MISSING: usize = usize::MAX;

/// Cells of one shade: `from` included, `to` not, along both axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Tile {
    shade: usize,
    from: [usize; 2],
    to: [usize; 2],
}

/// Draws the figure.
pub(super) fn draw(data: &PlaneValues, scale: Option<&SharedScale>, bands: &Bands) -> Drawing {
    let mut canvas = Canvas::new(&data.sheet);
    let shades = Shades::new(data.sheet.color_map);
    let fractions = data.values.mapv(|v| Shades::fraction(bands, v).clamp(0.0, 1.0));
    let (size, tiles) = (1..=fractions.len())
        .map(|size| (size, merged(&shaded(&fractions, size))))
        .find(|(_, tiles)| tiles.len() <= MOST_TILES)
        .unwrap_or_default();

    let [x, y] = canvas.edges();
    let pixel = |edges: &[f64], k: usize| edges[(k * size).min(edges.len() - 1)];
    let mut paths: Vec<PathData> = shades.colors.iter().map(|_| PathData::default()).collect();
    let mut missing = Vec::new();
    for Tile { shade, from, to } in tiles {
        let (left, right) = (pixel(&x, from[0]), pixel(&x, to[0]));
        let (bottom, top) = (pixel(&y, from[1]), pixel(&y, to[1]));
        let rect = Rect { x: left, y: top, width: right - left, height: bottom - top };
        match paths.get_mut(shade) {
            Some(path) => path.rect(&rect),
            None => missing.push(rect),
        }
    }
    for (path, color) in paths.iter().zip(&shades.colors) {
        canvas.tiles(path, &color.hex());
    }
    canvas.unknown(&missing);
    canvas.overlay();
    let mut notes = data.notes(bands);
    if size > 1 {
        notes.push(format!("drawn in blocks of {size}×{size} points, by their means"));
    }
    canvas.finish(&data.bar(Ramp::smooth(bands, &shades.colors), bands, scale), &notes)
}

/// The shades of square blocks of points, the last of each row and column smaller if need be.
fn shaded(fractions: &Array2<f64>, size: usize) -> Array2<usize> {
    let (nx, ny) = fractions.dim();
    Array2::from_shape_fn((nx.div_ceil(size), ny.div_ceil(size)), |(i, j)| {
        let block = fractions
            .slice(ndarray::s![i * size..((i + 1) * size).min(nx), j * size..((j + 1) * size).min(ny)]);
        let mean = block.sum() / block.len() as f64;
        if mean.is_nan() { MISSING } else { Shades::index(mean) }
    })
}

/// Runs along the first axis, joined with equal ones in the next rows.
fn merged(shades: &Array2<usize>) -> Vec<Tile> {
    let (nx, ny) = shades.dim();
    let mut done = Vec::new();
    // The tiles that reach to the row before, by increasing `from[0]`.
    let mut open: Vec<Tile> = Vec::new();
    for j in 0..ny {
        let mut before = open.into_iter().peekable();
        open = Vec::new();
        let mut start = 0;
        while start < nx {
            let shade = shades[[start, j]];
            let end = (start..nx).find(|&i| shades[[i, j]] != shade).unwrap_or(nx);
            while let Some(tile) = before.next_if(|t| t.from[0] < start) {
                done.push(tile);
            }
            let mut tile = Tile { shade, from: [start, j], to: [end, j + 1] };
            if let Some(above) = before.next_if(|t| t.from[0] == start) {
                if above.to[0] == end && above.shade == shade {
                    tile.from = above.from;
                } else {
                    done.push(above);
                }
            }
            open.push(tile);
            start = end;
        }
        done.extend(before);
    }
    done.extend(open);
    done
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ColorMap, Figure, HeatFigure,
        layout::{FRAME_SIDE, SIDE, TOP},
        testing::{axis, bounds, paths},
    };

    /// Colours cell by cell, whatever tiles they come from; panics where two overlap.
    fn painted(tiles: &[Tile], (nx, ny): (usize, usize)) -> Array2<usize> {
        let mut shades = Array2::from_elem((nx, ny), 77);
        for tile in tiles {
            for i in tile.from[0]..tile.to[0] {
                for j in tile.from[1]..tile.to[1] {
                    assert_eq!(shades[[i, j]], 77);
                    shades[[i, j]] = tile.shade;
                }
            }
        }
        shades
    }

    #[test]
    fn merged_tiles_paint_every_cell_once_in_its_colour() {
        let mut state = 7_u64;
        for (nx, ny, colors) in [(1, 1, 1), (9, 7, 1), (9, 7, 2), (30, 20, 3), (5, 40, 9)] {
            let shades = Array2::from_shape_fn((nx, ny), |_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) as usize % colors
            });
            let tiles = merged(&shades);
            assert_eq!(painted(&tiles, (nx, ny)), shades);
            assert!(colors > 1 || tiles.len() == 1);
        }
    }

    #[test]
    fn cells_lie_around_their_points_on_uneven_axes() {
        // Three columns from -0.5 to 4, the last 2 wide; two rows.
        let values = ndarray::array![[0.0, 0.0], [0.0, 0.0], [0.0, 1.0]];
        let svg = HeatFigure::new(&[0.0, 1.0, 3.0], &[0.0, 1.0], values.view()).to_svg().unwrap();
        let highest = paths(&svg, "fill", &Shades::new(ColorMap::Viridis).colors[128].hex());
        let (left, right) = bounds(&highest[0], 0);
        let (top, bottom) = bounds(&highest[0], 1);
        let close = |a: f64, b: f64| (a - b).abs() < 0.011;
        assert!(
            close(left, SIDE + FRAME_SIDE * 2.5 / 4.5) && close(right, SIDE + FRAME_SIDE),
            "{left} {right}"
        );
        assert!(close(top, TOP) && close(bottom, TOP + FRAME_SIDE / 2.0), "{top} {bottom}");
    }

    #[test]
    fn blocks_average_and_hide_nothing_that_is_missing() {
        let mut fractions = Array2::from_shape_fn((5, 4), |(i, _)| if i % 2 == 0 { 0.0 } else { 1.0 });
        fractions[[4, 3]] = f64::NAN;
        let shades = shaded(&fractions, 2);
        assert_eq!(shades.dim(), (3, 2));
        assert_eq!(shades[[0, 0]], Shades::index(0.5));
        assert_eq!((shades[[2, 0]], shades[[2, 1]]), (Shades::index(0.0), MISSING));
    }

    #[test]
    fn fine_grids_stay_bounded_and_say_so() {
        let x = axis(-1.0, 1.0, 501);
        let smooth = Array2::from_shape_fn((501, 501), |(i, j)| x[i] * x[i] + x[j]);
        let svg = HeatFigure::new(&x, &x, smooth.view()).to_svg().unwrap();
        assert!(svg.len() < 3_000_000 && !svg.contains("blocks"), "{}", svg.len());
        let noise =
            Array2::from_shape_fn((501, 501), |(i, j)| ((i * 7919 + j * 104_729) as f64 * 0.61803).fract());
        let svg = HeatFigure::new(&x, &x, noise.view()).to_svg().unwrap();
        assert!(svg.len() < 5_000_000 && svg.contains("drawn in blocks of 2×2 points"), "{}", svg.len());
    }
}
