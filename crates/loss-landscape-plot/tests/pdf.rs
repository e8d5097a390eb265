//! Figures as files in all formats. `tests/python/pdf_like_png.py` at the top draws the PDF files with poppler and
//! compares them with the PNG files.

use std::{error::Error, fs, path::Path};

use loss_landscape_plot::{
    ContourFigure, CurveFigure, DensityFigure, Figure, HeatFigure, Panels, RatioFigure, Scale, Series,
    SurfaceFigure,
};
use ndarray::Array2;

/// Figures with areas, lines, hatching, markers and texts of all sizes.
fn figures() -> Vec<(&'static str, Box<dyn Figure>)> {
    let x: Vec<f64> = (0..31).map(|k| f64::from(k) / 15.0 - 1.0).collect();
    let mut loss = Array2::from_shape_fn((31, 31), |(i, j)| 0.02 + x[i].powi(2) + 4.0 * x[j].powi(2));
    loss.slice_mut(ndarray::s![24.., 24..]).fill(f64::NAN);
    let least = Array2::from_shape_fn((31, 31), |(i, j)| 0.3 - x[i].powi(2) - 0.5 * x[j].powi(2));
    let most = Array2::from_shape_fn((31, 31), |(i, _)| 0.8 - x[i]);
    let along: Vec<f64> = x.iter().map(|x| 0.1 + x * x).collect();
    let series = || Series::new("λₘᵢₙ, training", &x, &along);
    let contours = ContourFigure::new(&x, &x, loss.view()).title("θ*, 10⁻³").marker(0.0, 0.0, "θ*");
    let heat = HeatFigure::new(&x, &x, loss.view()).value_label("loss (nats)").trajectory(&x, &along);
    let surface = SurfaceFigure::new(&x, &x, loss.view()).scale(Scale::Log).height_range(0.05, 3.0);
    vec![
        ("contours", Box::new(contours.clone())),
        ("heat", Box::new(heat.clone())),
        ("surface", Box::new(surface)),
        ("ratio", Box::new(RatioFigure::new(&x, &x, least.view(), most.view()))),
        ("curves", Box::new(CurveFigure::new().series(series().dashed()).guide(0.3, "here"))),
        ("density", Box::new(DensityFigure::new().series(series().band(&along, &[2.0; 31])))),
        ("panels", Box::new(Panels::new().title("Both").panel(contours).panel(heat).shared_scale())),
    ]
}

#[test]
fn every_figure_is_saved_in_the_format_that_its_file_names() -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pdf");
    fs::create_dir_all(&folder)?;
    for (name, figure) in figures() {
        let path = |ending: &str| folder.join(format!("{name}.{ending}"));
        figure.save(path("pdf"))?;
        assert!(fs::read(path("pdf"))?.starts_with(b"%PDF-1.7"), "{name}");
        // As large as poppler draws the page at 192 dots per inch.
        fs::write(path("png"), figure.to_png(2.0)?)?;
        assert!(fs::read(path("png"))?.starts_with(b"\x89PNG"), "{name}");
    }
    Ok(())
}
