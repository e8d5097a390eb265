//! Every kind of figure, from one small network and its training.
//!
//! Trains a small network on handwritten digits and draws what the crate can draw of it. Run it with
//!
//!     cargo run --release --example gallery
//!
//! It writes each figure as SVG and as PNG to the folder `gallery`.

use std::{error::Error, fs, path::Path, time::Instant};

use loss_landscape::{
    Buffers, Directions, EigenRatio, Model, RandomDirections, Surface, Sweep,
    curvature::{HessianOperator, SpectralDensity},
    matching::WeightMatching,
    measure::{Level, Measure},
    ndarray::s,
    path::{Barriers, BentPath, PathTraining, StepRule},
    topology::Topology,
    trajectory::PrincipalPlane,
};
use loss_landscape_nets::{Activation, Criterion, Mlp, Samples, Sgd, digits};
use loss_landscape_plot::{
    ContourFigure, CurveFigure, DensityFigure, FanFigure, Figure, HeatFigure, HistogramFigure, MatrixFigure,
    MeasureFigure, MergeTreeFigure, Panels, PersistenceFigure, RatioFigure, Scale, Series, SurfaceFigure,
    TrajectoryFigure,
};

const FOLDER: &str = "gallery";

/// What was or was not drawn, and why.
type Drawn<T> = Result<T, loss_landscape_plot::Error>;

fn main() -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    fs::create_dir_all(FOLDER)?;
    let (train, test) = digits::<f64>()?;
    let mut net = Mlp::new(&[64, 24, 10], Activation::Relu, Criterion::CrossEntropy, 3)?;
    let sgd = Sgd::new(0.05).momentum(0.9).batch_size(64).epochs(40).snapshots(1);
    let report = sgd.train(&mut net, &train)?;
    let mut other = Mlp::new(&[64, 24, 10], Activation::Relu, Criterion::CrossEntropy, 4)?;
    Sgd::new(0.2).momentum(0.9).batch_size(train.len()).epochs(80).train(&mut other, &train)?;

    // Around the minimiser, along two filter-normalised random directions.
    let dirs = RandomDirections::new(7).pair(&net)?;
    let around = |net: &Mlp<f64>| -> Result<Surface, loss_landscape::Error> {
        let dirs = RandomDirections::new(7).pair(net)?;
        Sweep::plane(net, dirs).data("train", &train).data("test", &test).run()
    };
    let surface = around(&net)?;
    let other_surface = around(&other)?;

    save("surface", &shaded(&surface)?.title("Training loss, logarithmic height"))?;
    let cut = shaded(&surface)?.scale(Scale::Linear).height_range(0.0, 4.0).azimuth(-35.0);
    save("surface_cut", &cut.title("Linear height, cut off at 4 nats"))?;
    save(
        "surfaces_side_by_side",
        &Panels::new()
            .title("Training loss around two minimisers, one scale")
            .panel(shaded(&surface)?.title("batches of 64"))
            .panel(shaded(&other_surface)?.title("full batches"))
            .shared_scale(),
    )?;
    save("contours", &contours(&surface)?.marker(0.0, 0.0, "θ*").title("Training loss"))?;
    let heat = HeatFigure::from_surface(&surface, "test accuracy")?.color_range(0.0, 1.0);
    save("heat_map", &heat.title("Test accuracy"))?;

    cut_and_compared(&surface)?;

    // The path of the training in its principal plane, and what that plane does not show.
    let path: Vec<&[f64]> = report.snapshots.iter().map(|s| s.theta.as_slice()).collect();
    let trajectory = PrincipalPlane::new().run(net.layout(), &path)?;
    let [wide, high] = trajectory.report().ranges(0.2);
    let losses = trajectory.losses(&net, &path, &train)?;
    let plane = Sweep::plane(&net, trajectory.directions().clone()).data("train", &train);
    let plane = contours(&plane.alpha(wide, 61).beta(high, 61).run()?)?;
    let plane = plane.x_label("first component").y_label("second component");
    let epochs: Vec<f64> = report.snapshots.iter().map(|s| s.epoch as f64).collect();
    let over = TrajectoryFigure::from_report(plane.title("The principal plane"), trajectory.report())
        .losses(&losses.on_path, &losses.on_plane)
        .loss_label("cross-entropy loss (nats)")
        .steps("epoch", &epochs)
        .labels([0, 1, 2, 5, 40].map(|epoch| (epoch, format!("epoch {epoch}"))));
    save("trajectory", &over)?;

    save_shape(&net, &other, &train)?;

    let map = Sweep::plane(&net, dirs.clone()).data("", &train).eigen_ratio(&EigenRatio::new())?;
    let ratio = RatioFigure::from_map(&map).limit(0.2).title("|λₘᵢₙ / λₘₐₓ| of the Hessian");
    save("eigenvalue_ratio", &ratio)?;
    save("curves", &curves(&net, &train, &test)?)?;

    let mut hessian = HessianOperator::new(&net, net.parameters(), &train)?;
    let spectrum = SpectralDensity::new().probes(10).run(&mut hessian)?;
    let [lo, hi] = spectrum.range();
    let density = Series::from_density("10 probes", &spectrum, Some((hi - lo) / 200.0))?;
    save("density", &DensityFigure::new().series(density).title("The Hessian's spectrum"))?;

    let weights = |net: &Mlp<f64>| net.parameters().to_vec();
    let histogram = HistogramFigure::new()
        .group("batches of 64", &weights(&net))
        .group("full batches", &weights(&other))
        .range(-1.0, 1.0)
        .x_label("weight");
    save("histogram", &histogram.title("Weights of two networks"))?;

    draws(&train)?;
    save("matching", &segments(&net, &other, &train, &test)?)?;
    draw_paths(&train)?;

    println!("\nWritten to {FOLDER} in {:.1} s.", started.elapsed().as_secs_f64());
    Ok(())
}

/// A surface with parts that are missing or cut off, and the difference of two.
fn cut_and_compared(surface: &Surface) -> Result<(), Box<dyn Error>> {
    // As a sweep leaves them that was cut short: NaN where no point was computed.
    let mut loss = surface.channel("train loss")?.to_owned();
    loss.slice_mut(s![36.., 40..]).fill(f64::NAN);
    let cut_short =
        Surface::from_channels(surface.alpha(), surface.beta(), [("train loss".to_owned(), loss)])?;
    let label = "cross-entropy loss (nats)";
    let contour = ContourFigure::from(&cut_short).color_range(0.1, 5.0).value_label(label);
    let solid = SurfaceFigure::from(&cut_short).height_range(0.1, 5.0).value_label(label);
    save(
        "missing_and_cut",
        &Panels::new()
            .panel(contour.title("A sweep cut short, 0.1 to 5 nats"))
            .panel(solid.title("The same as a surface"))
            .shared_scale(),
    )?;

    let [a, b] = [surface.alpha(), surface.beta()];
    let losses = [surface.channel("test loss")?, surface.channel("train loss")?];
    let label = "test − train loss (nats)";
    let flat = ContourFigure::difference(a, b, losses[0], losses[1])?.value_label(label);
    let cells = HeatFigure::difference(a, b, losses[0], losses[1])?.value_label(label);
    save(
        "differences",
        &Panels::new()
            .panel(flat.x_label("α").y_label("β").title("Generalisation gap, contours"))
            .panel(cells.x_label("α").y_label("β").title("Generalisation gap, cells")),
    )?;
    Ok(())
}

/// What the choice of random directions changes: many draws around networks trained in two ways, from five seeds each.
fn draws(train: &Samples<f64>) -> Result<(), Box<dyn Error>> {
    let (small, full) =
        (Sgd::new(0.05).batch_size(64).epochs(40), Sgd::new(0.2).batch_size(train.len()).epochs(80));
    let level = Measure::Radius(Level::AboveCentre(0.5));
    let mut radii = MeasureFigure::new().title("How far it is to half a nat more");
    let mut fans = FanFigure::new().scale(Scale::Log).y_label("cross-entropy loss (nats)");
    for (color, (way, sgd)) in [("batches of 64", small), ("full batches", full)].into_iter().enumerate() {
        radii = radii.color(color);
        for seed in 0..5 {
            let mut net = Mlp::<f64>::new(&[64, 24, 10], Activation::Relu, Criterion::CrossEntropy, seed)?;
            sgd.clone().momentum(0.9).seed(seed).train(&mut net, train)?;
            let line = Sweep::line(&net, RandomDirections::new(7)).data("train", train).alpha(-1.5..=1.5, 61);
            let lines = line.draws(25)?;
            radii = radii.group(format!("{way}, seed {seed}"), &lines.measure("train loss", &level)?);
            if seed == 0 {
                fans = fans.draws(way, &lines, "train loss")?;
                if way == "full batches" {
                    let plane = Sweep::plane(&net, RandomDirections::new(7)).data("train", train);
                    let planes = plane.alpha(-1.0..=1.0, 31).beta(-1.0..=1.0, 31).draws(6)?;
                    let panels = Panels::from_draws(&planes, "train loss")?;
                    save("planes", &panels.title("Six random planes through one minimiser"))?;
                }
            }
        }
    }
    save("fan", &fans.title("25 random directions through two minimisers"))?;
    save("measures", &radii.x_label("distance from θ to its loss + 0.5 nats"))
}

/// The segment between two networks, before and after the hidden units of the second are listed as those of the first.
fn segments(
    net: &Mlp<f64>,
    other: &Mlp<f64>,
    train: &Samples<f64>,
    test: &Samples<f64>,
) -> Result<CurveFigure, Box<dyn Error>> {
    let matched = WeightMatching::new().run(&net.permutation_spec(), net.parameters(), other.parameters())?;
    let mut figure = CurveFigure::new()
        .title("Between two trainings")
        .x_label("α, from batches of 64 (0) to full batches (1)")
        .left_label("cross-entropy loss (nats)");
    for (color, (units, end)) in
        [("as trained", other.parameters()), ("matched", matched.theta())].into_iter().enumerate()
    {
        let segment = Sweep::segment(net, net.parameters(), end).data("train", train).data("test", test);
        let curve = segment.alpha(0.0..=1.0, 51).run()?;
        for data in ["train", "test"] {
            let losses = curve.channel(&format!("{data} loss"))?.to_vec();
            let series = Series::new(format!("{data}, {units}"), curve.alpha(), &losses).color(color);
            figure = figure.series(if data == "test" { series.dashed() } else { series });
        }
    }
    Ok(figure)
}

/// Writes the figure as SVG and as PNG.
fn save(name: &str, figure: &impl Figure) -> Result<(), Box<dyn Error>> {
    let mut kilobytes = Vec::new();
    for ending in ["svg", "png"] {
        let path = Path::new(FOLDER).join(name).with_extension(ending);
        figure.save(&path)?;
        kilobytes.push(fs::metadata(&path)?.len() / 1000);
    }
    println!("{name:<24} SVG {:>5} kB, PNG {:>5} kB", kilobytes[0], kilobytes[1]);
    Ok(())
}

fn shaded(surface: &Surface) -> Drawn<SurfaceFigure> {
    let figure = SurfaceFigure::from_surface(surface, "train loss")?;
    Ok(figure.value_label("cross-entropy loss (nats)").scale(Scale::Log))
}

fn contours(surface: &Surface) -> Drawn<ContourFigure> {
    let figure = ContourFigure::from_surface(surface, "train loss")?;
    Ok(figure.value_label("cross-entropy loss (nats)").scale(Scale::Log))
}

/// The plane through three minimisers, its minima and saddles, and how they merge.
fn save_shape(net: &Mlp<f64>, other: &Mlp<f64>, train: &Samples<f64>) -> Result<(), Box<dyn Error>> {
    let mut third = Mlp::new(&[64, 24, 10], Activation::Relu, Criterion::CrossEntropy, 5)?;
    Sgd::new(0.05).momentum(0.9).batch_size(64).epochs(40).train(&mut third, train)?;
    let ends = [net, other, &third].map(Model::parameters);
    let (plane, at) = Directions::through(net.layout(), ends, Buffers::Still)?;
    let [wide, high] = [0, 1].map(|k| {
        let (lo, hi) = at.iter().fold((0.0_f64, 0.0_f64), |(l, h), p| (l.min(p[k]), h.max(p[k])));
        let margin = 0.25 * (hi - lo);
        lo - margin..=hi + margin
    });
    let plane = Sweep::plane(net, plane).data("train", train).alpha(wide, 81).beta(high, 81).run()?;
    let topology = Topology::new().of(&plane)?;
    println!("{topology}");
    let marked = contours(&plane)?.critical_points(&topology);
    let tree = MergeTreeFigure::from(&topology).y_label("cross-entropy loss (nats)").scale(Scale::Log);
    let pairs = PersistenceFigure::from(&topology).value_label("nats").scale(Scale::Log);
    save(
        "minima_and_saddles",
        &Panels::new()
            .panel(marked.title("The plane through three minimisers"))
            .panel(tree.title("Its merge tree"))
            .panel(pairs.title("Its persistence diagram")),
    )
}

/// Loss on the left axis, accuracy on the right; train solid, test dashed.
fn curves(net: &Mlp<f64>, train: &Samples<f64>, test: &Samples<f64>) -> Drawn<CurveFigure> {
    let direction = RandomDirections::new(7).one(net)?;
    let line =
        Sweep::line(net, direction).data("train", train).data("test", test).alpha(-1.0..=1.0, 101).run()?;
    let series = |channel: &str| Series::from_curve(&line, channel);
    Ok(CurveFigure::from_curve(&line, "train loss")?
        .series(series("test loss")?.dashed())
        .series(series("train accuracy")?.right_axis())
        .series(series("test accuracy")?.right_axis().dashed())
        .title("Along one filter-normalised direction")
        .left_label("cross-entropy loss (nats)")
        .left_scale(Scale::Log)
        .right_label("accuracy")
        .right_range(0.0, 1.0))
}

/// Barriers between networks of several seeds, and a curve around one of them.
fn draw_paths(train: &Samples<f64>) -> Result<(), Box<dyn Error>> {
    let trained = |seed: u64| -> Result<Mlp<f64>, loss_landscape_nets::Error> {
        let mut net = Mlp::new(&[64, 24, 10], Activation::Relu, Criterion::CrossEntropy, seed)?;
        Sgd::new(0.05).momentum(0.9).batch_size(32).epochs(30).seed(seed).train(&mut net, train)?;
        Ok(net)
    };
    let nets = (1..=5).map(trained).collect::<Result<Vec<_>, _>>()?;
    let thetas: Vec<&[f64]> = nets.iter().map(Model::parameters).collect();
    let barriers = Barriers::new(&nets[0], &thetas).names((1..=5).map(|seed| format!("seed {seed}")));
    let matrix = barriers.data("train", train).run()?;
    save("barriers", &MatrixFigure::from_barriers(&matrix).title("Barriers between five trainings"))?;

    let (net, [a, b]) = (&nets[0], [thetas[0], thetas[1]]);
    let start = BentPath::bezier(net.layout(), a, b, 1)?;
    let indices: Vec<usize> = (0..train.len()).collect();
    let batches = indices.chunks_exact(64).map(|batch| train.select(batch)).collect::<Result<Vec<_>, _>>()?;
    let training = PathTraining::new(0.03).rule(StepRule::adam()).steps(2000).seed(1);
    let path = training.run_batches(net, &batches, &start)?.path;
    let line = Sweep::along(net, &start).data("train", train).run()?;
    let bent = Sweep::along(net, &path).data("train", train).run()?;
    let plane = path.plane()?;
    let [xs, ys] = plane.coordinates(bent.alpha());
    let [wide, high] = [&xs, &ys].map(|along| {
        let end = along.iter().copied().fold(0.0, f64::max);
        -0.25 * end..=1.25 * end
    });
    let sweep = Sweep::plane(net, plane.directions).data("train", train);
    let surface = sweep.alpha(wide, 61).beta(high, 61).run()?;
    let beside = CurveFigure::new()
        .series(Series::from_curve(&line, "train loss")?.label("straight line"))
        .series(Series::from_curve(&bent, "train loss")?.label("Bezier curve"))
        .title("Loss between two minimisers")
        .x_label("t")
        .left_label("cross-entropy loss (nats)")
        .left_scale(Scale::Log);
    let last = xs.len() - 1;
    let over = contours(&surface)?
        .labelled_trajectory(&xs, &ys, [(0, "seed 1"), (last, "seed 2")])
        .x_label("from seed 1 to seed 2")
        .y_label("towards the bend")
        .title("The plane of the curve");
    save("paths", &Panels::new().panel(beside).panel(over))
}
