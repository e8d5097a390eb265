//! What do skip connections do to the landscape? The paper's question, on residual networks small enough for
//! two cores and nine minutes (measured while they were busy with other work).
//!
//! Trains ResNet-20 and ResNet-56 with and without skips on handwritten digits and draws their losses over
//! planes of filter-normalised random directions, on one scale. Run it with
//!
//!     cargo run --release --example resnet_landscape
//!
//! It writes figures (SVG, PNG), numbers (npz) and the trained networks (safetensors) to the folder
//! `resnet_landscape`. Given safetensors files of such networks, with PyTorch's names, it draws their landscapes
//! instead of training; `--depth N` trains that depth alone, `--epochs N` trains longer or shorter, and
//! `--points N` draws finer or coarser.

use std::{error::Error, fs, ops::ControlFlow, path::Path, time::Instant};

use loss_landscape::{
    Model, ProgressBar, RandomDirections, Surface, Sweep, from_checkpoint_bytes, write_checkpoint,
};
use loss_landscape_nets::{
    Architecture, Chain, Criterion, EpochProgress, Network, Samples, Sgd, Skips, TrainingEnd, digits,
};
use loss_landscape_plot::{ContourFigure, Figure, Panels, Scale, SurfaceFigure};

const FOLDER: &str = "resnet_landscape";
const INPUT: [usize; 3] = [1, 8, 8];
/// Pixels of the PNG for each unit of the SVG.
const RESOLUTION: f64 = 2.0;

struct Arguments {
    epochs: usize,
    points: usize,
    depth: Option<usize>,
    checkpoints: Vec<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let arguments = arguments()?;
    fs::create_dir_all(FOLDER)?;
    let [train, test] = <[_; 2]>::from(digits::<f32>()?).map(|data| data.normalized(&[0.3053], &[0.3762]));
    let (train, test) = (train?, test?);

    let mut networks = Vec::new();
    for path in &arguments.checkpoints {
        networks.push(load(path)?);
    }
    if arguments.checkpoints.is_empty() {
        for depth in arguments.depth.map_or_else(|| vec![20, 56], |depth| vec![depth]) {
            for skips in [Skips::With, Skips::Without] {
                networks.push((name(depth, skips), trained(depth, skips, &train, arguments.epochs)?));
            }
        }
        // An architecture of one's own is a dozen lines.
        println!("{} parameters in a network of one's own", own()?.trained_parameters());
    }

    let title = "Training loss over filter-normalised random directions";
    let mut flat = Panels::new().title(title).columns(2);
    let mut shaded = Panels::new().title(title).columns(2);
    println!(
        "\n{:<24}{:>9}{:>11}{:>14}{:>14}",
        "network", "loss", "test acc.", "area < ln 10", "largest loss"
    );
    for (name, net) in &networks {
        let bar = ProgressBar::new(name);
        let surface = Sweep::plane(net, RandomDirections::new(7).pair(net)?)
            .data("train", &train)
            .data("test", &test)
            .alpha(-1.0..=1.0, arguments.points)
            .beta(-1.0..=1.0, arguments.points)
            .observer(&bar)
            .run()?;
        surface.write_npz(Path::new(FOLDER).join(format!("{}.npz", file_name(name))))?;
        summary(name, &surface)?;
        flat = flat.panel(
            ContourFigure::from_surface(&surface, "train loss")?
                .title(name.clone())
                .scale(Scale::Log)
                .marker(0.0, 0.0, ""),
        );
        shaded = shaded.panel(
            SurfaceFigure::from_surface(&surface, "train loss")?
                .title(name.clone())
                .value_label("cross-entropy loss (nats)")
                .scale(Scale::Log),
        );
    }
    flat.shared_scale().save(Path::new(FOLDER).join("landscapes.svg"))?;
    let surfaces = shaded.shared_scale().to_png(RESOLUTION)?;
    fs::write(Path::new(FOLDER).join("surfaces.png"), surfaces)?;
    println!("\nDone in {:.0} s; figures and numbers are in {FOLDER}.", started.elapsed().as_secs_f64());
    Ok(())
}

fn name(depth: usize, skips: Skips) -> String {
    match skips {
        Skips::With => format!("ResNet-{depth}"),
        Skips::Without => format!("ResNet-{depth} without skips"),
    }
}

fn file_name(name: &str) -> String {
    name.to_lowercase().replace(' ', "_")
}

fn trained(
    depth: usize,
    skips: Skips,
    train: &Samples<f32>,
    epochs: usize,
) -> Result<Network<f32>, Box<dyn Error>> {
    let name = name(depth, skips);
    let architecture = Architecture::resnet(depth, INPUT, 10, skips)?;
    let mut net = Network::new(&architecture, Criterion::CrossEntropy, 0)?;
    let started = Instant::now();
    let mut tell = |progress: &EpochProgress<'_, f32>| {
        if progress.done.is_multiple_of(10) || progress.done == progress.total {
            let accuracy = 100.0 * progress.epoch.accuracy.unwrap_or(0.0);
            let seconds = started.elapsed().as_secs_f64();
            println!(
                "{name}, epoch {} of {}: loss {:.4}, accuracy {accuracy:.1} %, {seconds:.0} s",
                progress.done, progress.total, progress.epoch.loss
            );
        }
        ControlFlow::Continue(())
    };
    // The paper's settings, with the rate lowered at half, three quarters and eleven twelfths of the way.
    let report = Sgd::new(0.1)
        .momentum(0.9)
        .nesterov(true)
        .weight_decay(5e-4)
        .batch_size(128)
        .epochs(epochs)
        .learning_rate_steps(&[epochs / 2, epochs * 3 / 4, epochs * 11 / 12].map(|done| (done.max(1), 0.1)))
        .train_observed(&mut net, train, &mut tell)?;
    if let TrainingEnd::Diverged { epoch, step, loss } = report.end {
        println!(
            "{name} diverged in epoch {epoch}, step {step}, at loss {loss}; its last finite state is drawn"
        );
    }
    let path = Path::new(FOLDER).join(format!("{}.safetensors", file_name(&name)));
    write_checkpoint(net.layout(), net.parameters(), path)?;
    Ok(net)
}

/// The network that a file of parameters belongs to.
fn load(path: &str) -> Result<(String, Network<f32>), Box<dyn Error>> {
    let bytes = fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    let mut refusals = Vec::new();
    for depth in [20, 56, 110] {
        for skips in [Skips::With, Skips::Without] {
            let architecture = Architecture::resnet(depth, INPUT, 10, skips)?;
            match from_checkpoint_bytes::<f32>(architecture.layout(), &bytes) {
                Ok(checkpoint) => {
                    let net = Network::new(&architecture, Criterion::CrossEntropy, 0)?;
                    return Ok((name(depth, skips), net.at(checkpoint.theta)?));
                }
                Err(error) => refusals.push(format!("as {}: {error}", name(depth, skips))),
            }
        }
    }
    Err(format!("{path} is none of the networks that this example knows\n{}", refusals.join("\n")).into())
}

/// Loss and test accuracy at the centre, the share of points in the basin, and the largest loss.
fn summary(name: &str, surface: &Surface) -> Result<(), Box<dyn Error>> {
    let loss = surface.channel("train loss")?;
    let (n, m) = loss.dim();
    let basin = loss.iter().filter(|&&loss| loss < 10.0_f64.ln()).count() as f64 / loss.len() as f64;
    let largest = loss.iter().copied().filter(|loss| loss.is_finite()).fold(0.0, f64::max);
    let accuracy = surface.channel("test accuracy")?[[n / 2, m / 2]];
    println!(
        "{name:<24}{:>9.4}{:>10.1}%{:>13.1}%{largest:>14.3e}",
        loss[[n / 2, m / 2]],
        100.0 * accuracy,
        100.0 * basin
    );
    Ok(())
}

fn own() -> Result<Architecture, loss_landscape_nets::Error> {
    let block = Chain::new()
        .conv3x3("conv1", 16, 1)
        .batch_norm("bn1")
        .tanh()
        .conv3x3("conv2", 16, 1)
        .batch_norm("bn2");
    let chain = Chain::new()
        .conv3x3("stem", 16, 1)
        .scope("block1", Chain::new().skip(block.clone(), Chain::new()).relu())
        .scope("block2", Chain::new().skip(block, Chain::new()).relu())
        .global_average_pool()
        .linear("head", 10);
    Architecture::new(INPUT, chain)
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut found = Arguments { epochs: 60, points: 21, depth: None, checkpoints: Vec::new() };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut number = || -> Result<usize, Box<dyn Error>> {
            let text = words.next().ok_or_else(|| format!("{word} needs a number"))?;
            let number = text.parse().map_err(|_| format!("{word} needs a number, not {text}"))?;
            if number == 0 { Err(format!("{word} needs at least 1").into()) } else { Ok(number) }
        };
        match word.as_str() {
            "--epochs" => found.epochs = number()?,
            "--points" => found.points = number()?,
            "--depth" => found.depth = Some(number()?),
            _ if word.starts_with('-') => return Err(format!("there is no option {word}").into()),
            _ => found.checkpoints.push(word),
        }
    }
    Ok(found)
}
