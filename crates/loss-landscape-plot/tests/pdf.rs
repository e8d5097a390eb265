//! Figures as PDF, and as files in all formats. `tests/python/pdf_like_png.py` at the top draws the PDF files with
//! poppler and compares them with the PNG files, and reads their text.

use std::{error::Error, fs, path::Path};

use loss_landscape::{
    Curve, Draws,
    measure::{Measured, Reading},
};
use loss_landscape_plot::{
    Branch, ContourFigure, CriticalPoints, CurveFigure, DensityFigure, FanFigure, Figure, HeatFigure,
    HistogramFigure, MatrixFigure, MeasureFigure, MergeTreeFigure, Panels, PersistenceFigure, RatioFigure,
    Scale, Series, SurfaceFigure, TrajectoryFigure,
};
use ndarray::Array2;

/// A figure of every kind, with areas, lines, hatching, markers and texts of all sizes.
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
    let marks = CriticalPoints::new([[0.3, 0.4], [-0.5, 0.1]]).saddle(0.0, 0.2, 1);
    let branches = [
        Branch::new(0.1).share(0.6),
        Branch::new(0.3).ends(0.9, 0).share(0.3).uncertain(),
        Branch::new(0.5).ends(0.6, 1).share(0.1),
    ];
    let path = TrajectoryFigure::new(contours.clone(), &x, &along, &along);
    let curve = |k: usize| {
        let values = x.iter().map(|x| 0.1 + (1.0 + k as f64) * x * x).collect();
        Curve::from_channels(&x, [("loss".to_owned(), values)]).unwrap()
    };
    let draws = Draws::new((0..9).map(curve).collect()).unwrap();
    let measured = |low: f64| {
        let readings = (0..12).map(|k| Reading::Value(low + 0.1 * f64::from(k % 5)));
        Measured::new("radius", readings.chain([Reading::AtLeast(2.0)]))
    };
    let measures = MeasureFigure::new().group("small", &measured(0.4)).group("large", &measured(0.9));
    let barriers = ndarray::array![[0.0, 0.8, f64::NAN], [0.8, 0.0, 0.3], [f64::NAN, 0.3, 0.0]];
    let pairs = PersistenceFigure::new().minimum(0.1, f64::INFINITY).minimum(0.3, 0.9).floor(0.2);
    vec![
        ("contours", Box::new(contours.clone())),
        ("heat", Box::new(heat.clone())),
        ("surface", Box::new(surface.clone())),
        ("surface_minima", Box::new(surface.critical_points(marks.clone()))),
        ("ratio", Box::new(RatioFigure::new(&x, &x, least.view(), most.view()))),
        ("curves", Box::new(CurveFigure::new().series(series().dashed()).guide(0.3, "here"))),
        ("density", Box::new(DensityFigure::new().series(series().band(&along, &[2.0; 31])))),
        ("minima", Box::new(contours.clone().critical_points(marks))),
        ("histogram", Box::new(HistogramFigure::new().group("a", &along).group("b", &x).bins(12))),
        ("fan", Box::new(FanFigure::from_draws(&draws, "loss").unwrap().lines().title("Nine draws"))),
        ("measures", Box::new(measures)),
        ("matrix", Box::new(MatrixFigure::new(["a", "b", "c"], barriers.view()).value_label("barrier"))),
        ("persistence", Box::new(pairs)),
        ("merge_tree", Box::new(MergeTreeFigure::new(branches).floor(0.2))),
        ("trajectory", Box::new(path.losses(&along, &along).variance(0.9, 0.8, 0.7))),
        ("panels", Box::new(Panels::new().title("Both").panel(contours).panel(heat).shared_scale())),
    ]
}

/// The longest text of an SVG document.
fn longest_text(svg: &str) -> String {
    let document = roxmltree::Document::parse(svg).unwrap();
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    let read =
        texts.map(|node| node.descendants().filter_map(|n| n.text().filter(|_| n.is_text())).collect());
    read.max_by_key(String::len).unwrap()
}

/// The structure of a PDF document; its streams are compressed, and show as noise.
fn structure(figure: &dyn Figure) -> String {
    String::from_utf8_lossy(&figure.to_pdf().unwrap()).into_owned()
}

#[test]
fn every_figure_is_one_page_as_large_as_its_document() {
    for (name, figure) in figures() {
        let (svg, pdf) = (figure.to_svg().unwrap(), structure(&figure));
        let svg = roxmltree::Document::parse(&svg).unwrap();
        let side = |name| svg.root_element().attribute(name).unwrap().parse::<f64>().unwrap();
        assert!(pdf.contains("/Count 1\n"), "{name}");
        let bounds: Vec<&str> =
            pdf.split("/MediaBox [").skip(1).map(|s| s.split(']').next().unwrap()).collect();
        assert_eq!(bounds.len(), 1, "{name}");
        let bounds: Vec<f64> = bounds[0].split_whitespace().map(|v| v.parse().unwrap()).collect();
        let expected = [0.0, 0.0, 0.75 * side("width"), 0.75 * side("height")];
        assert!(bounds.iter().zip(expected).all(|(v, e)| (v - e).abs() < 1e-3), "{name}: {bounds:?}");
    }
}

#[test]
fn fonts_are_embedded_and_nothing_is_an_image() {
    for (name, figure) in figures() {
        let pdf = structure(&figure);
        let fonts = pdf.matches("/Type /FontDescriptor").count();
        assert!(fonts > 0, "{name}");
        assert_eq!(pdf.matches("/FontFile2 ").count() + pdf.matches("/FontFile3 ").count(), fonts, "{name}");
        assert!(!pdf.contains("/Subtype /Image"), "{name}");
    }
}

#[test]
fn the_same_figure_is_the_same_bytes() {
    for (name, figure) in figures() {
        assert!(figure.to_pdf().unwrap() == figure.to_pdf().unwrap(), "{name}");
    }
    assert!(matches!(CurveFigure::new().to_pdf(), Err(loss_landscape_plot::Error::Empty { .. })));
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
        fs::write(path("txt"), longest_text(&figure.to_svg()?))?;
    }
    Ok(())
}
