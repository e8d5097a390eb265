//! Figures as PNG, drawn with a built-in font.

use std::sync::{Arc, OnceLock};

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree, fontdb::Database},
};

use crate::{Error, Result};

/// A part of DejaVu Sans; `font/README.md` says which and how it was made.
const FONT: &[u8] = include_bytes!("font/DejaVuSans-subset.ttf");
const FAMILY: &str = "DejaVu Sans";
const MOST_PIXELS: u32 = 100_000_000;

/// Draws a document of this crate as PNG.
pub(crate) fn rasterize(svg: &str, pixels_per_unit: f64) -> Result<Vec<u8>> {
    draw(svg, pixels_per_unit, fonts())
}

fn fonts() -> Arc<Database> {
    static FONTS: OnceLock<Arc<Database>> = OnceLock::new();
    let load = || {
        let mut fonts = Database::new();
        fonts.load_font_data(FONT.to_vec());
        fonts.set_sans_serif_family(FAMILY);
        Arc::new(fonts)
    };
    FONTS.get_or_init(load).clone()
}

fn draw(svg: &str, pixels_per_unit: f64, fontdb: Arc<Database>) -> Result<Vec<u8>> {
    let options = Options { fontdb, font_family: FAMILY.to_owned(), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|e| Error::Render { source: Box::new(e) })?;
    let [width, height] =
        [tree.size().width(), tree.size().height()].map(|side| (f64::from(side) * pixels_per_unit).round());
    let refused = || Error::Resolution { pixels_per_unit, width, height, most: MOST_PIXELS };
    // False for NaN too.
    let fits = width >= 1.0 && height >= 1.0 && width * height <= f64::from(MOST_PIXELS);
    let mut pixels = fits.then(|| Pixmap::new(width as u32, height as u32)).flatten().ok_or_else(refused)?;
    let scale = pixels_per_unit as f32;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
    pixels.encode_png().map_err(|e| Error::Render { source: Box::new(e) })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use ndarray::Array2;

    use super::*;
    use crate::{
        ContourFigure, CurveFigure, DensityFigure, Figure, HeatFigure, Panels, RatioFigure, Series,
        SurfaceFigure, testing::axis,
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

    /// Every kind of figure, with text of all scripts in its title.
    fn figures() -> Vec<Box<dyn Figure>> {
        let x = axis(-1.0, 1.0, 9);
        let bowl = Array2::from_shape_fn((9, 9), |(i, j)| 0.01 + x[i].powi(2) + x[j].powi(2));
        let bowl = bowl.view();
        let line: Vec<f64> = x.iter().map(|x| 0.1 + x * x).collect();
        vec![
            Box::new(ContourFigure::new(&x, &x, bowl).trajectory(&x, &x).title("θ*, −1, λₘᵢₙ, 10⁻³")),
            Box::new(HeatFigure::new(&x, &x, bowl).title("‖θ‖ · α")),
            Box::new(SurfaceFigure::new(&x, &x, bowl).title("Größe ß")),
            Box::new(RatioFigure::new(&x, &x, bowl, bowl)),
            Box::new(CurveFigure::new().series(Series::new("loss", &x, &line))),
            Box::new(DensityFigure::new().series(Series::new("", &x, &line))),
        ]
    }

    #[test]
    fn every_figure_has_the_size_asked_for_and_is_not_blank() {
        for (k, figure) in figures().into_iter().enumerate() {
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
        assert_eq!(fonts().len(), 1);
        for figure in figures() {
            let svg = Panels::new().panel(figure).to_svg().unwrap();
            let with = decoded(&rasterize(&svg, 2.0).unwrap());
            let without = decoded(&draw(&svg, 2.0, Arc::new(Database::new())).unwrap());
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
        let panels = Panels::new().panel(figures().swap_remove(4));
        for resolution in [0.0, -1.0, 1e-9, 1e3, f64::NAN, f64::INFINITY] {
            assert!(matches!(panels.to_png(resolution), Err(Error::Resolution { .. })), "{resolution}");
        }
        assert!(matches!(Panels::new().to_png(1.0), Err(Error::Empty { .. })));
    }

    #[test]
    fn the_same_figure_is_the_same_bytes() {
        let panels = Panels::new().panel(figures().swap_remove(2));
        assert_eq!(panels.to_png(2.0).unwrap(), panels.to_png(2.0).unwrap());
    }
}
