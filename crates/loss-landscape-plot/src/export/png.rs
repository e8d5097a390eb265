//! Figures as PNG.

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::Tree,
};

use crate::{Error, Result, export};

/// What errors call the format.
const FORMAT: &str = "PNG";
const MOST_PIXELS: u32 = 100_000_000;

/// Draws a document of this crate as PNG.
pub(crate) fn rasterize(svg: &str, pixels_per_unit: f64) -> Result<Vec<u8>> {
    draw(&export::tree(FORMAT, svg)?, pixels_per_unit)
}

fn draw(tree: &Tree, pixels_per_unit: f64) -> Result<Vec<u8>> {
    let [width, height] =
        [tree.size().width(), tree.size().height()].map(|side| (f64::from(side) * pixels_per_unit).round());
    let refused = || Error::Resolution { pixels_per_unit, width, height, most: MOST_PIXELS };
    // False for NaN too.
    let fits = width >= 1.0 && height >= 1.0 && width * height <= f64::from(MOST_PIXELS);
    let mut pixels = fits.then(|| Pixmap::new(width as u32, height as u32)).flatten().ok_or_else(refused)?;
    let scale = pixels_per_unit as f32;
    resvg::render(tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().map_err(|e| Error::Render { format: FORMAT, source: Box::new(e) })
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, sync::Arc};

    use ndarray::Array2;
    use resvg::usvg::fontdb::Database;

    use super::*;
    use crate::{
        Figure, Panels, SurfaceFigure,
        export::{FAMILY, tree_with},
        testing::{axis, one_of_each},
    };

    fn decoded(png: &[u8]) -> Pixmap {
        Pixmap::decode_png(png).unwrap()
    }

    fn colors(image: &Pixmap) -> usize {
        image.pixels().iter().map(|p| (p.red(), p.green(), p.blue())).collect::<HashSet<_>>().len()
    }

    fn dark(image: &Pixmap) -> usize {
        image.pixels().iter().filter(|p| p.red() < 90 && p.green() < 90 && p.blue() < 90).count()
    }

    #[test]
    fn every_figure_has_the_size_asked_for_and_is_not_blank() {
        for (k, figure) in one_of_each().into_iter().enumerate() {
            let panels = Panels::new().panel(figure);
            let svg = panels.to_svg().unwrap();
            let document = roxmltree::Document::parse(&svg).unwrap();
            let side = |name| document.root_element().attribute(name).unwrap().parse::<f64>().unwrap();
            let image = decoded(&panels.to_png(1.5).unwrap());
            let size = [image.width(), image.height()].map(f64::from);
            assert_eq!(size, [side("width"), side("height")].map(|s| (1.5 * s).round()), "{k}");
            assert!(colors(&image) > 20 && dark(&image) > 100, "{k}: {}", colors(&image));
            let corner = image.pixels()[0];
            assert_eq!((corner.red(), corner.green(), corner.alpha()), (255, 255, 255));
        }
    }

    #[test]
    fn nothing_shines_through_the_seams_of_a_surface() {
        let x = axis(-1.0, 1.0, 51);
        // Nearly flat, in nearly one colour: cells are areas of their own, and the wall behind is far lighter.
        let flat = Array2::from_shape_fn((51, 51), |(i, j)| 2.0 + 0.03 * ((i + j) % 2) as f64);
        for (azimuth, elevation, resolution) in [(-60.0, 45.0, 1.0), (-60.0, 45.0, 2.7), (17.0, 25.0, 1.3)] {
            let figure = SurfaceFigure::new(&x, &x, flat.view()).height_range(0.0, 4.0);
            let figure = figure.azimuth(azimuth).elevation(elevation);
            let image = decoded(&figure.to_png(resolution).unwrap());
            // Around the middle of the box, where the surface is.
            let at = |x: f64, y: f64| {
                let pixel = image.pixel((x * resolution) as u32, (y * resolution) as u32).unwrap();
                [pixel.red(), pixel.green(), pixel.blue()]
            };
            let middle = at(171.0, 183.0);
            assert!(middle != [255; 3] && middle != [0xf6; 3]);
            for dx in -60..=60 {
                for dy in -4..=4 {
                    let color = at(171.0 + f64::from(dx), 183.0 + f64::from(dy));
                    let off = color.iter().zip(middle).map(|(a, b)| a.abs_diff(b)).max();
                    assert!(off <= Some(16), "{azimuth} {elevation} {resolution}: {color:?}, not {middle:?}");
                }
            }
        }
    }

    #[test]
    fn text_is_drawn_without_any_installed_font() {
        for figure in one_of_each() {
            let svg = Panels::new().panel(figure).to_svg().unwrap();
            let with = decoded(&rasterize(&svg, 2.0).unwrap());
            let without =
                decoded(&draw(&tree_with(FORMAT, &svg, Arc::new(Database::new())).unwrap(), 2.0).unwrap());
            assert!(dark(&with) > dark(&without) + 300, "{} {}", dark(&with), dark(&without));
        }
    }

    #[test]
    fn the_font_has_the_signs_that_figures_use() {
        // What it lacks is drawn as a box, so that all missing signs look the same.
        let drawn = |sign: char| {
            let svg = format!(
                "<svg xmlns='http://www.w3.org/2000/svg' width='20' height='20' font-family='{FAMILY}'>\
                 <text x='3' y='15' font-size='12'>{sign}</text></svg>"
            );
            decoded(&rasterize(&svg, 2.0).unwrap()).data().to_vec()
        };
        let missing = drawn('漢');
        assert!(missing.iter().any(|&p| p != 0));
        for sign in "Az09−×·±°|‖λθαβγδεμρσ∇∂Σ√∞≤≥≈∈→←⁻⁰¹²³₀₁₂○◆…–—„“ÄßéåŁЖ".chars()
        {
            assert!(drawn(sign) != missing, "{sign}");
        }
    }

    #[test]
    fn resolutions_without_pixels_or_with_too_many_are_refused() {
        let panels = Panels::new().panel(one_of_each().swap_remove(4));
        for resolution in [0.0, -1.0, 1e-9, 1e3, f64::NAN, f64::INFINITY] {
            assert!(matches!(panels.to_png(resolution), Err(Error::Resolution { .. })), "{resolution}");
        }
        assert!(matches!(Panels::new().to_png(1.0), Err(Error::Empty { .. })));
    }

    #[test]
    fn the_same_figure_is_the_same_bytes() {
        let panels = Panels::new().panel(one_of_each().swap_remove(2));
        assert_eq!(panels.to_png(2.0).unwrap(), panels.to_png(2.0).unwrap());
    }
}
