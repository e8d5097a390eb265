//! What a figure of 1,001×1,001 points costs: seconds, bytes and the most memory held, as SVG and as PNG, of
//! smooth values and of noise. `cargo bench --bench figures`

use std::{fs, hint::black_box, time::Instant};

use loss_landscape::ndarray::Array2;
use loss_landscape_plot::{ContourFigure, Error, Figure, HeatFigure, RatioFigure, SurfaceFigure};

const SIDE: usize = 1001;
/// Pixels for each unit of the SVG: about 1,050 across, a printed column at 300 dpi.
const RESOLUTION: f64 = 2.5;

fn axis() -> Vec<f64> {
    (0..SIDE).map(|k| -1.0 + 2.0 * k as f64 / (SIDE - 1) as f64).collect()
}

/// A bowl with waves on its slopes, over three decades.
fn smooth() -> Array2<f64> {
    let x = axis();
    Array2::from_shape_fn((SIDE, SIDE), |(i, j)| {
        let (a, b) = (x[i], x[j]);
        (0.02 + a * a + 3.0 * b * b)
            * (1.5 + (9.0 * a + 2.0 * b).sin() * (7.0 * b).cos())
            * 10f64.powf(a.hypot(b))
    })
}

fn noise() -> Array2<f64> {
    let mut state = 1_u64;
    Array2::from_shape_fn((SIDE, SIDE), |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        1e-3 + (state >> 11) as f64 / (1_u64 << 53) as f64
    })
}

/// The most memory this process has held since the last call, in MB; nothing where the system does not tell.
fn peak() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    let kilobytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    fs::write("/proc/self/clear_refs", "5").ok()?;
    Some(kilobytes / 1e3)
}

fn report(name: &str, what: &str, limits: &str, draw: &dyn Fn() -> Result<usize, Error>) {
    let _ = peak();
    let started = Instant::now();
    let bytes = black_box(draw()).unwrap();
    let seconds = started.elapsed().as_secs_f64();
    let memory = peak().map_or("unknown".to_owned(), |mb| format!("{mb:.0} MB"));
    println!("{name:<25}{what}  {seconds:>6.2} s  {:>7.2} MB  peak {memory} {limits}", bytes as f64 / 1e6);
}

/// Noise at every point is the worst that can be drawn, and has no limits.
fn measure(name: &str, figure: &dyn Figure) {
    let limits = |text| if name.ends_with("smooth") { text } else { "" };
    report(name, "SVG", limits("(must: 5 s, 5 MB)"), &|| Ok(figure.to_svg()?.len()));
    report(name, "PNG", limits("(must: 2 s)"), &|| Ok(figure.to_png(RESOLUTION)?.len()));
}

fn main() {
    let x = axis();
    println!(
        "{SIDE}×{SIDE} points; the peak includes the {:.0} MB of each array of values",
        8e-6 * (SIDE * SIDE) as f64
    );
    for (kind, values) in [("smooth", smooth()), ("noise", noise())] {
        let view = values.view();
        measure(&format!("contours, {kind}"), &ContourFigure::new(&x, &x, view));
        measure(&format!("heat map, {kind}"), &HeatFigure::new(&x, &x, view));
        measure(&format!("surface, {kind}"), &SurfaceFigure::new(&x, &x, view));
        let least = values.mapv(|v| 0.3 - v);
        let most = values.mapv(|v| 1.0 + v);
        measure(&format!("eigenvalue ratio, {kind}"), &RatioFigure::new(&x, &x, least.view(), most.view()));
    }
}
