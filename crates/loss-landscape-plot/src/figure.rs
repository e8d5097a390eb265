//! What every figure can do: be written as SVG, PNG or PDF, and stand beside others.

use std::{fmt::Debug, path::Path};

use loss_landscape::files;

#[cfg(any(feature = "png", feature = "pdf"))]
use crate::export;
use crate::{
    Error, Result,
    plane::{shared::SharedScale, values::Shareable},
    svg::Drawing,
};

/// Pixels of a PNG file for each unit of the SVG document.
#[cfg(feature = "png")]
const PIXELS_PER_UNIT: f64 = 2.5;

/// The endings that [`Figure::save`] knows.
const ENDINGS: &str = match (cfg!(feature = "png"), cfg!(feature = "pdf")) {
    (true, true) => ".svg, .png or .pdf",
    (true, false) => ".svg or .png (.pdf needs the feature `pdf`)",
    (false, true) => ".svg or .pdf (.png needs the feature `png`)",
    (false, false) => ".svg (.png and .pdf need the features `png` and `pdf`)",
};

/// How a figure is drawn. Not exported, so that [`Figure`] is sealed: what is drawn may change.
pub trait Draw: Debug + Send + Sync {
    /// Checks the figure and draws it, on a scale shared with others if it can follow the one that is given.
    fn draw(&self, scale: Option<&SharedScale>) -> Result<Drawing>;

    /// What the figure brings to a scale shared with others; nothing where it has a scale of its own kind.
    fn shareable(&self) -> Option<Shareable<'_>> {
        None
    }
}

/// A figure: contours, a surface, curves, or several of them as [`Panels`](crate::Panels).
///
/// A figure is a description. Nothing is checked or drawn before one of the methods here is called, and each call
/// checks and draws anew; the same figure gives the same bytes. Sizes are in CSS pixels, the units of the SVG
/// document.
///
/// The trait is implemented by the figures of this crate, by references to them and by boxes, and cannot be
/// implemented elsewhere. Figures of different kinds fit one `Vec<Box<dyn Figure>>`.
///
/// # Example
///
/// ```
/// use loss_landscape_plot::{ContourFigure, CurveFigure, Figure, Panels, Series};
/// use ndarray::array;
///
/// let loss = array![[2.0, 1.0], [1.5, 0.1]];
/// let figures: Vec<Box<dyn Figure>> = vec![
///     Box::new(ContourFigure::new(&[0.0, 1.0], &[0.0, 1.0], loss.view())),
///     Box::new(CurveFigure::new().series(Series::new("loss", &[0.0, 1.0], &[2.0, 0.1]))),
/// ];
/// let mut panels = Panels::new();
/// for figure in figures {
///     assert!(figure.to_svg()?.starts_with("<svg"));
///     panels = panels.panel(figure);
/// }
/// let path = std::env::temp_dir().join(format!("loss-landscape-panels-{}.svg", std::process::id()));
/// panels.save(&path)?;
/// # assert_eq!(std::fs::read_to_string(&path).unwrap(), panels.to_svg()?);
/// # std::fs::remove_file(path).unwrap();
/// # Ok::<(), loss_landscape_plot::Error>(())
/// ```
pub trait Figure: Draw {
    /// The figure as an SVG document. Text stays text, in the viewer's sans-serif font, and nothing is used that
    /// converters for SVG 1.1 do not know.
    ///
    /// # Errors
    /// Those of the figure, which its own page lists: what was set or given cannot be drawn.
    fn to_svg(&self) -> Result<String> {
        Ok(self.draw(None)?.into_document())
    }

    /// The figure as a PNG image with `pixels_per_unit` pixels to a unit of the SVG document, on white: 1 for
    /// the size that it has on a screen, 3 for a column of a printed page. 100 million pixels at most, 4 bytes
    /// of memory each.
    ///
    /// # Errors
    /// Those of [`to_svg`](Self::to_svg), and [`Error::Resolution`] if the image would have no pixels or too
    /// many.
    #[cfg(feature = "png")]
    #[cfg_attr(docsrs, doc(cfg(feature = "png")))]
    fn to_png(&self, pixels_per_unit: f64) -> Result<Vec<u8>> {
        export::png::rasterize(&self.to_svg()?, pixels_per_unit)
    }

    /// The figure as a PDF document of one page, as large as the figure on paper: 0.75 points (1/96 inch) to a unit of
    /// the SVG document, so that a figure of 420 units is 11.1 cm wide. All is vectors; text can be searched and
    /// copied, and the letters that it needs of the built-in font are embedded.
    ///
    /// # Example
    /// ```
    /// use loss_landscape_plot::{CurveFigure, Figure, Series};
    ///
    /// let figure = CurveFigure::new().series(Series::new("loss", &[0.0, 1.0], &[2.0, 0.1]));
    /// let pdf = figure.to_pdf()?;
    /// assert!(pdf.starts_with(b"%PDF-"));
    /// # Ok::<(), loss_landscape_plot::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`to_svg`](Self::to_svg).
    #[cfg(feature = "pdf")]
    #[cfg_attr(docsrs, doc(cfg(feature = "pdf")))]
    fn to_pdf(&self) -> Result<Vec<u8>> {
        export::pdf::convert(&self.to_svg()?)
    }

    /// Writes the figure to a file, in the format that its ending names: `.svg`; with the feature `png` also
    /// `.png`, of 2.5 pixels to a unit, which is 300 dots per inch in a column of 9 cm; with the feature `pdf` also
    /// `.pdf`. Upper case is fine.
    ///
    /// A file that is there is replaced as a whole, so that no reader sees half a figure: see
    /// [`loss_landscape::files::write`], which also says what happens to links, pipes and devices.
    ///
    /// # Errors
    /// [`Error::FileEnding`] for another ending, before anything is drawn; [`Error::File`] if the file cannot be
    /// written, [`Error::Core`] if what is there is no file or its folder refuses; those of [`to_svg`](Self::to_svg).
    fn save(&self, path: impl AsRef<Path>) -> Result<()>
    where
        Self: Sized,
    {
        save(self, path.as_ref())
    }
}

impl<F: Draw + ?Sized> Draw for &F {
    fn draw(&self, scale: Option<&SharedScale>) -> Result<Drawing> {
        (**self).draw(scale)
    }

    fn shareable(&self) -> Option<Shareable<'_>> {
        (**self).shareable()
    }
}

impl<F: Draw + ?Sized> Draw for Box<F> {
    fn draw(&self, scale: Option<&SharedScale>) -> Result<Drawing> {
        (**self).draw(scale)
    }

    fn shareable(&self) -> Option<Shareable<'_>> {
        (**self).shareable()
    }
}

impl<F: Figure + ?Sized> Figure for &F {}
impl<F: Figure + ?Sized> Figure for Box<F> {}

/// Writes the figure in the format that the ending of the file names.
fn save(figure: &impl Figure, path: &Path) -> Result<()> {
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_lowercase);
    match ending.as_deref() {
        Some("svg") => files::write(path, figure.to_svg()?).map_err(Error::writing),
        #[cfg(feature = "png")]
        Some("png") => files::write(path, figure.to_png(PIXELS_PER_UNIT)?).map_err(Error::writing),
        #[cfg(feature = "pdf")]
        Some("pdf") => files::write(path, figure.to_pdf()?).map_err(Error::writing),
        _ => Err(Error::FileEnding { path: path.to_owned(), expected: ENDINGS }),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use loss_landscape::{
        Curve, Draws,
        measure::{Measured, Reading},
    };
    use ndarray::Array2;

    use super::*;
    use crate::{
        ContourFigure, CurveFigure, DensityFigure, FanFigure, HeatFigure, MatrixFigure, MeasureFigure,
        Panels, RatioFigure, Series, SurfaceFigure, svg::hatching::UNKNOWN_GROUND, testing::axis,
    };

    fn figure() -> CurveFigure {
        CurveFigure::new().series(Series::new("loss", &[0.0, 1.0], &[1.0, 2.0]))
    }

    #[test]
    fn the_ending_of_a_file_decides_what_is_written() {
        let folder = std::env::temp_dir().join(format!("loss-landscape-save-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for name in ["figure.svg", "FIGURE.SVG"] {
            figure().save(folder.join(name)).unwrap();
            assert_eq!(fs::read_to_string(folder.join(name)).unwrap(), figure().to_svg().unwrap());
        }
        #[cfg(feature = "png")]
        {
            figure().save(folder.join("figure.png")).unwrap();
            let written = fs::read(folder.join("figure.png")).unwrap();
            assert_eq!(written, figure().to_png(PIXELS_PER_UNIT).unwrap());
        }
        #[cfg(feature = "pdf")]
        {
            figure().save(folder.join("figure.pdf")).unwrap();
            assert_eq!(fs::read(folder.join("figure.pdf")).unwrap(), figure().to_pdf().unwrap());
        }
        for name in ["figure.eps", "figure", "svg"] {
            let error = figure().save(folder.join(name)).unwrap_err();
            assert!(matches!(&error, Error::FileEnding { path, .. } if path.ends_with(name)), "{error}");
            assert!(error.to_string().contains(name) && !folder.join(name).exists());
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_figure_that_cannot_be_drawn_leaves_the_file_as_it_was() {
        let path = std::env::temp_dir().join(format!("loss-landscape-kept-{}.svg", std::process::id()));
        fs::write(&path, "old").unwrap();
        assert!(matches!(CurveFigure::new().save(&path), Err(Error::Empty { .. })));
        assert_eq!(fs::read(&path).unwrap(), b"old");
        fs::remove_file(path).unwrap();
        let nowhere = std::env::temp_dir().join("no such folder").join("figure.svg");
        assert!(matches!(figure().save(nowhere), Err(Error::File { .. })));
        // What is there decides, as for every file of the core.
        let folder = std::env::temp_dir().join(format!("loss-landscape-folder-{}.svg", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let error = figure().save(&folder).unwrap_err();
        assert!(matches!(&error, Error::Core(loss_landscape::Error::NotAFile { .. })), "{error}");
        assert!(error.to_string().contains("svg is a directory: "), "{error}");
        assert!(fs::read_dir(&folder).unwrap().next().is_none());
        fs::remove_dir(folder).unwrap();
    }

    /// What a converter for SVG 1.1 must know to draw our figures. Neither `paint-order` nor baselines are in it, nor
    /// patterns, which some draw with gaps or as coarse pixels.
    #[test]
    fn documents_keep_to_the_plain_part_of_svg() {
        const ELEMENTS: [&str; 7] = ["svg", "g", "path", "rect", "circle", "text", "tspan"];
        const ATTRIBUTES: [&str; 25] = [
            "width",
            "height",
            "viewBox",
            "font-family",
            "font-size",
            "text-anchor",
            "transform",
            "x",
            "y",
            "dy",
            "cx",
            "cy",
            "r",
            "rx",
            "d",
            "fill",
            "fill-opacity",
            "fill-rule",
            "stroke",
            "stroke-width",
            "stroke-opacity",
            "stroke-linejoin",
            "stroke-linecap",
            "stroke-dasharray",
            "shape-rendering",
        ];
        for (k, figure) in every_kind().into_iter().enumerate() {
            let svg = figure.to_svg().unwrap();
            let document = roxmltree::Document::parse(&svg).unwrap();
            assert!(k > 3 || svg.contains(UNKNOWN_GROUND), "{k}");
            for node in document.descendants().filter(roxmltree::Node::is_element) {
                assert!(ELEMENTS.contains(&node.tag_name().name()), "{k}: {node:?}");
                for attribute in node.attributes() {
                    assert!(ATTRIBUTES.contains(&attribute.name()), "{k}: {attribute:?}");
                }
            }
        }
    }

    /// Figures of all kinds with all that can be drawn on them, alone and together.
    fn every_kind() -> Vec<Box<dyn Figure>> {
        let x = axis(-1.0, 1.0, 9);
        let mut loss = Array2::from_shape_fn((9, 9), |(i, j)| 0.01 + x[i].powi(2) + x[j].powi(2));
        loss[[1, 2]] = f64::NAN;
        let loss = loss.view();
        let along: Vec<f64> = x.iter().map(|x| 0.1 + x * x).collect();
        let series = || Series::new("λₘᵢₙ", &x, &along).band(&along, &[2.0; 9]).filled();
        let contour = ContourFigure::new(&x, &x, loss).marker(0.0, 0.0, "θ*").value_label("loss λₘₐₓ");
        let contour = contour
            .labelled_trajectory(&x, &along, [(0, "start")])
            .x_label("α")
            .y_label("β")
            .title("a title");
        let heat = HeatFigure::new(&x, &x, loss).trajectory(&x, &along).color_range(0.1, 1.0);
        let surface = SurfaceFigure::new(&x, &x, loss).height_range(0.1, 1.0).x_label("a direction");
        let points = Array2::from_elem((9, 9), true);
        let ratio = RatioFigure::new(&x, &x, loss, loss).uncertain(points.view()).marker(0.0, 0.0, "θ*");
        let curves =
            CurveFigure::new().series(series().dashed()).series(series().right_axis()).guide(0.3, "here");
        let density = DensityFigure::new().series(series()).extremes(-1.0, 1.0);
        let curves_of_draws = [1.0, 2.0, f64::NAN].map(|last| {
            let mut values = along.clone();
            values[8] = last;
            Curve::from_channels(&x, [("loss".to_owned(), values.into())]).unwrap()
        });
        let draws = Draws::new(curves_of_draws.to_vec()).unwrap();
        let fan = FanFigure::from_draws(&draws, "loss").unwrap().lines().guide(0.0, "θ");
        let some = Measured::new("m", [Reading::Value(1.0), Reading::Value(2.0), Reading::AtLeast(3.0)]);
        let measures = MeasureFigure::new().group("a", &some).group("b", &some).title("t");
        let cells = ndarray::array![[0.0, 1.0], [f64::NAN, 0.0]];
        let matrix =
            MatrixFigure::new(["a name", "θ"], cells.view()).at_least(cells.mapv(|v| v > 0.0).view());
        let panels = Panels::new().title("all").panel(contour.clone()).panel(heat.clone()).shared_scale();
        vec![
            Box::new(contour),
            Box::new(heat),
            Box::new(surface),
            Box::new(ratio),
            Box::new(curves),
            Box::new(density),
            Box::new(panels),
            Box::new(fan),
            Box::new(measures),
            Box::new(matrix),
        ]
    }

    #[test]
    fn references_and_boxes_are_the_figures_they_hold() {
        let svg = figure().to_svg().unwrap();
        let boxed: Box<dyn Figure> = Box::new(figure());
        assert_eq!(boxed.to_svg().unwrap(), svg);
        assert_eq!(Figure::to_svg(&&figure()).unwrap(), svg);
        let path = std::env::temp_dir().join(format!("loss-landscape-dyn-{}.svg", std::process::id()));
        boxed.save(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), svg);
        fs::remove_file(path).unwrap();
    }
}
