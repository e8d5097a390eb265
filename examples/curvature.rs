//! Is a surface that looks convex convex? Section 6 of the paper, on a network trained to its minimiser.
//!
//! Trains a small network on handwritten digits, draws its loss and the eigenvalue ratio |λ_min / λ_max|
//! of its Hessian over the same plane, side by side, and the spectral density at the minimiser. Then it says
//! what the slice hides. Run it with
//!
//!     cargo run --release --example curvature
//!
//! It writes its figures (SVG) and numbers (npz) to the folder `curvature`.

use std::{error::Error, fs, path::Path, time::Instant};

use loss_landscape::{
    EigenRatio, Loss, Model, ProgressBar, RandomDirections, Sweep,
    curvature::{HessianOperator, Lanczos, SliceCurvature, SpectralDensity, TraceEstimator},
};
use loss_landscape_nets::{Activation, Criterion, Mlp, Sgd, TrainingEnd, digits};
use loss_landscape_plot::{ContourFigure, DensityFigure, Figure, Panels, RatioFigure, Scale, Series};

fn main() -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let folder = Path::new("curvature");
    fs::create_dir_all(folder)?;
    let (train, _) = digits::<f64>()?;

    // Small batches to get there, then full ones until it stands still.
    let mut net = Mlp::new(&[64, 16, 10], Activation::Tanh, Criterion::CrossEntropy, 0)?;
    for sgd in [
        Sgd::new(0.05).momentum(0.9).weight_decay(1e-4).batch_size(32).epochs(60),
        Sgd::new(0.2).momentum(0.9).weight_decay(1e-4).batch_size(train.len()).epochs(500),
    ] {
        match sgd.train(&mut net, &train)?.end {
            TrainingEnd::Complete => {}
            end => return Err(format!("the training did not end well: {end:?}").into()),
        }
    }
    let loss = net.loss(net.parameters(), &train)?;
    println!("A 64-16-10 network on {} handwritten digits, training loss {loss:.4}.\n", train.len());

    let dirs = RandomDirections::new(7).pair(&net)?;
    let bar = ProgressBar::new("loss");
    let surface = Sweep::plane(&net, dirs.clone()).data("", &train).observer(&bar).run()?;

    let bar = ProgressBar::new("eigenvalue ratio");
    let sweep = Sweep::plane(&net, dirs.clone()).data("", &train).observer(&bar);
    let cost = sweep.eigen_ratio_cost(&EigenRatio::new())?;
    println!(
        "The map: {} points, {} to {} Hessian-vector products to come, {:.1} to {:.1} s, {:.0} MB.",
        cost.points,
        cost.total_products[0],
        cost.total_products[1],
        cost.total_seconds[0],
        cost.total_seconds[1],
        cost.memory as f64 / 1e6,
    );
    let map = sweep.eigen_ratio(&EigenRatio::new())?;
    println!(
        "It took {} products, {:.1} a point ({} points started cold), and {:.1} s.\n",
        map.products(),
        map.products() as f64 / cost.points as f64,
        map.cold_points(),
        map.report().elapsed.as_secs_f64(),
    );
    surface.write_npz(folder.join("loss.npz"))?;
    map.write_npz(folder.join("ratio.npz"))?;

    let contours = ContourFigure::from_surface(&surface, "loss")?
        .title("training loss (nats)")
        .scale(Scale::Log)
        .marker(0.0, 0.0, "");
    let ratio = RatioFigure::from_map(&map).title("|λₘᵢₙ / λₘₐₓ| of the Hessian").marker(0.0, 0.0, "");
    let figure = Panels::new().title("Does it look convex, and is it?").panel(contours).panel(ratio);
    figure.save(folder.join("loss_and_ratio.svg"))?;

    // The minimiser itself, to more digits than the map.
    println!("At the minimiser:");
    let report = SliceCurvature::new().report(&net, &train, &dirs, [0.0, 0.0])?;
    println!("{report}\n");
    let mut hessian = HessianOperator::new(&net, net.parameters(), &train)?;
    let pairs = Lanczos::new().tolerance(1e-4).pairs(&mut hessian, 3, 9)?;
    let listed: Vec<String> = pairs.values.iter().map(|value| format!("{value:.4}")).collect();
    println!("The 3 lowest and 9 highest eigenvalues, {} products: {}", pairs.products, listed.join("  "));

    let trace = TraceEstimator::new().max_products(120).run(&mut hessian)?;
    println!("Trace {:.4} ± {:.4}, {} products", trace.value, trace.standard_error, trace.products);

    let spectrum = SpectralDensity::new().probes(10).run(&mut hessian)?;
    let [least, most] = spectrum.range();
    let density = Series::from_density("10 probes of 64 steps", &spectrum, Some((most - least) / 200.0))?;
    let figure = DensityFigure::new()
        .series(density)
        .extremes(report.extremes.lambda_min, report.extremes.lambda_max)
        .title("The Hessian's spectrum at the minimiser");
    figure.save(folder.join("density.svg"))?;

    println!(
        "\nDone in {:.1} s; figures and numbers are in {}.",
        started.elapsed().as_secs_f64(),
        folder.display()
    );
    Ok(())
}
