//! The loss landscape of a network trained on real data, as sections 3 to 5 of the paper argue.
//!
//! Trains a small network on handwritten digits with small and with full batches, with and without
//! weight decay, and asks which minimiser is the sharper one: by interpolation between the two, by
//! filter-normalised lines and by surfaces. Run it with
//!
//!     cargo run --release --example quickstart
//!
//! It writes its figures (SVG) and numbers (npz) to the folder `landscape`.

use std::{error::Error, fs, path::Path, time::Instant};

use loss_landscape::{Curve, Loss, Model, ProgressBar, RandomDirections, Surface, Sweep};
use loss_landscape_nets::{Activation, Criterion, Mlp, Samples, Sgd, TrainingEnd, digits};
use loss_landscape_plot::{ContourFigure, CurveFigure, Figure, Panels, Scale, Series};

/// The pair of minimisers for one weight decay.
struct Pair {
    name: &'static str,
    file: &'static str,
    small: Mlp<f32>,
    full: Mlp<f32>,
}

/// What the figures of one pair show, in numbers.
struct Findings {
    /// The highest training loss on the way from one minimiser to the other.
    barrier: f64,
    /// The share of each surface with a training loss below 0.5 nats.
    area: Vec<f64>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let folder = Path::new("landscape");
    fs::create_dir_all(folder)?;
    let (train, test) = digits::<f32>()?;

    let pairs = [
        Pair::train("without weight decay", "no_decay", 0.0, &train)?,
        Pair::train("with weight decay 1e-3", "decay", 1e-3, &train)?,
    ];
    let mut written = Vec::new();
    let mut findings = Vec::new();
    for pair in &pairs {
        findings.push(pair.draw(folder, &train, &test, &mut written)?);
    }
    table(&pairs, &findings, &train, &test)?;
    println!("\nWritten to {}:", folder.display());
    for (file, what) in written {
        println!("  {file:<28} {what}");
    }
    println!("\nDone in {:.1} s.", started.elapsed().as_secs_f64());
    Ok(())
}

impl Pair {
    /// Two random starts, two batch sizes, the same decay.
    fn train(
        name: &'static str,
        file: &'static str,
        decay: f64,
        data: &Samples<f32>,
    ) -> Result<Self, Box<dyn Error>> {
        let sgd = |rate, batch, epochs| {
            Sgd::new(rate).momentum(0.9).weight_decay(decay).batch_size(batch).epochs(epochs)
        };
        let run = |seed, sgd: Sgd| -> Result<Mlp<f32>, Box<dyn Error>> {
            let mut net = Mlp::new(&[64, 32, 10], Activation::Relu, Criterion::CrossEntropy, seed)?;
            match sgd.train(&mut net, data)?.end {
                TrainingEnd::Complete => Ok(net),
                end => Err(format!("the training {name} did not end well: {end:?}").into()),
            }
        };
        let small = run(1, sgd(0.05, 32, 60))?;
        let full = run(2, sgd(0.3, data.len(), 100))?;
        Ok(Self { name, file, small, full })
    }

    /// The three figures of one pair, with their numbers beside them.
    fn draw(
        &self,
        folder: &Path,
        train: &Samples<f32>,
        test: &Samples<f32>,
        written: &mut Vec<(String, String)>,
    ) -> Result<Findings, Box<dyn Error>> {
        let Self { name, file, small, full } = self;
        let mut save = |stem: &str, figure: Box<dyn Figure>, what: &str| -> Result<(), Box<dyn Error>> {
            let path = format!("{stem}_{file}.svg");
            figure.save(folder.join(&path))?;
            written.push((path, format!("{what}, {name}")));
            Ok(())
        };

        // Section 3: the line from the small-batch minimiser to the full-batch one.
        let bar = ProgressBar::new("interpolation");
        let curve = Sweep::segment(small, small.parameters(), full.parameters())
            .data("train", train)
            .data("test", test)
            .alpha(-0.5..=1.5, 201)
            .observer(&bar)
            .run()?;
        curve.write_npz(folder.join(format!("interpolation_{file}.npz")))?;
        let figure = curve_figure(&curve)?
            .title(format!("Small to full batch, {name}"))
            .x_label("α, from small batch (0) to full batch (1)")
            .left_scale(Scale::Log)
            .guide(0.0, "small batch")
            .guide(1.0, "full batch");
        save("interpolation", Box::new(figure), "loss and accuracy between the minimisers")?;

        let between = curve.alpha().iter().zip(curve.channel("train loss")?);
        let barrier = between.filter(|(a, _)| (0.0..=1.0).contains(*a)).map(|(_, l)| *l).fold(0.0, f64::max);

        // Section 4: each along filter-normalised directions of its own length, on equal axes.
        let mut lines = Panels::new().title(format!("Filter-normalised lines, {name}"));
        let mut area = Vec::new();
        let mut surfaces = Panels::new().title(format!("Filter-normalised surfaces, {name}")).shared_scale();
        for (net, batch) in [(small, "small batch"), (full, "full batch")] {
            let directions = RandomDirections::new(7);
            let bar = ProgressBar::new(format!("line, {batch}"));
            let curve = Sweep::line(net, directions.one(net)?)
                .data("train", train)
                .data("test", test)
                .alpha(-1.0..=1.0, 201)
                .observer(&bar)
                .run()?;
            let stem = format!("line_{}_{file}", batch.replace(' ', "_"));
            curve.write_npz(folder.join(format!("{stem}.npz")))?;
            lines = lines.panel(
                curve_figure(&curve)?
                    .title(batch)
                    .x_label("α")
                    .left_scale(Scale::Log)
                    .left_range(0.003, 30.0),
            );

            // Sections 4 and 5: the plane of two such directions.
            let bar = ProgressBar::new(format!("surface, {batch}"));
            let surface = Sweep::plane(net, directions.pair(net)?)
                .data("train", train)
                .data("test", test)
                .observer(&bar)
                .run()?;
            let loss = surface.channel("train loss")?;
            area.push(loss.iter().filter(|loss| **loss < 0.5).count() as f64 / loss.len() as f64);
            let stem = format!("surface_{}_{file}", batch.replace(' ', "_"));
            surface.write_npz(folder.join(format!("{stem}.npz")))?;
            surfaces = surfaces.panel(contour_figure(&surface)?.title(batch).marker(0.0, 0.0, ""));
        }
        save("lines", Box::new(lines), "loss and accuracy along a random direction")?;
        save("surfaces", Box::new(surfaces), "training loss over a random plane")?;
        Ok(Findings { barrier, area })
    }
}

/// Loss on the left axis, accuracy on the right; train solid, test dashed.
fn curve_figure(curve: &Curve) -> Result<CurveFigure, loss_landscape_plot::Error> {
    let series = |channel: &str| Series::from_curve(curve, channel);
    Ok(CurveFigure::from_curve(curve, "train loss")?
        .series(series("test loss")?.dashed())
        .series(series("train accuracy")?.right_axis())
        .series(series("test accuracy")?.right_axis().dashed())
        .left_label("cross-entropy loss (nats)")
        .right_label("accuracy")
        .right_range(0.0, 1.0))
}

fn contour_figure(surface: &Surface) -> Result<ContourFigure, loss_landscape_plot::Error> {
    let figure = ContourFigure::from_surface(surface, "train loss")?;
    Ok(figure.value_label("cross-entropy loss (nats)").scale(Scale::Log))
}

/// What the four minimisers are, and how wide they look at equal scale.
fn table(
    pairs: &[Pair],
    findings: &[Findings],
    train: &Samples<f32>,
    test: &Samples<f32>,
) -> Result<(), Box<dyn Error>> {
    println!("A 64-32-10 network on {} handwritten digits, tested on {}:\n", train.len(), test.len());
    println!("                                         loss (nats)         error (%)     surface with");
    println!("                        batch    ‖θ‖    train    test     train    test    loss < 0.5");
    for (pair, findings) in pairs.iter().zip(findings) {
        for ((net, batch), area) in [(&pair.small, "32"), (&pair.full, "all")].into_iter().zip(&findings.area)
        {
            let mut figures = [[0.0; 2]; 2];
            for (data, figures) in [train, test].into_iter().zip(&mut figures) {
                net.measure(net.parameters(), data, figures)?;
            }
            let [[train_loss, train_accuracy], [test_loss, test_accuracy]] = figures;
            let norm = net.parameters().iter().map(|t| t * t).sum::<f32>().sqrt();
            println!(
                "{:<24}{batch:>5} {norm:>6.1} {train_loss:>8.4}{test_loss:>8.4}  {:>8.2}{:>8.2}    {:>6.0} %",
                pair.name,
                100.0 * (1.0 - train_accuracy),
                100.0 * (1.0 - test_accuracy),
                100.0 * area,
            );
        }
        println!("{:<24}highest training loss between the two: {:.2}", "", findings.barrier);
    }
    Ok(())
}
