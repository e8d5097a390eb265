//! Two ways down, as a page to turn and zoom: the loss around two networks, with the path of their training.
//!
//! Trains a small network on handwritten digits twice from one start, with small batches and with all samples at
//! once, and draws each on the plane that shows most of its path. Run it with
//!
//!     cargo run --release --example page
//!
//! and open `page/landscape.html` in a browser; it needs no network.

use std::{error::Error, fs, path::Path, time::Instant};

use loss_landscape::{Buffers, Direction, Directions, Model, ProgressBar, Sweep, topology::Topology};
use loss_landscape_nets::{Activation, Criterion, Mlp, Samples, Sgd, TrainingEnd, digits};
use loss_landscape_plot::page::{Page, PageLandscape};

/// Points of a surface along each axis.
const POINTS: usize = 121;

fn main() -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let (train, test) = digits::<f32>()?;
    let all = train.len();
    let runs = [
        (
            "small batches (32)",
            "40 epochs of SGD in batches of 32, rate 0.02, momentum 0.9",
            Sgd::new(0.02).momentum(0.9).batch_size(32).epochs(40),
        ),
        (
            "all samples at once",
            "200 epochs of gradient descent, rate 0.2, momentum 0.9",
            Sgd::new(0.2).momentum(0.9).batch_size(all).epochs(200),
        ),
    ];
    let mut page = Page::new("Two ways down").caption(format!(
        "A 64-32-10 network on {all} handwritten digits, trained from the same start with small and with full batches. \
         The planes go through start and end of each path and the point of it that is farthest from the line between; \
         both axes are in units of the distance from end to start."
    ));
    for (name, training, sgd) in runs {
        let landscape = landscape(name, &sgd, &train, &test)?;
        page = page.landscape(landscape.provenance([("training", training)]));
    }
    fs::create_dir_all("page")?;
    let path = Path::new("page").join("landscape.html");
    page.save(&path)?;
    let megabytes = fs::metadata(&path)?.len() as f64 / 1e6;
    println!(
        "{}: {megabytes:.1} MB, in {:.1} s. Open it in a browser.",
        path.display(),
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Trains a network, and draws the plane of its path.
fn landscape(
    name: &str,
    sgd: &Sgd,
    train: &Samples<f32>,
    test: &Samples<f32>,
) -> Result<PageLandscape, Box<dyn Error>> {
    let mut net = Mlp::new(&[64, 32, 10], Activation::Relu, Criterion::CrossEntropy, 1)?;
    let report = sgd.clone().snapshots(1).train(&mut net, train)?;
    if report.end != TrainingEnd::Complete {
        return Err(format!("the training with {name} did not end well: {:?}", report.end).into());
    }
    let path: Vec<&[f32]> = report.snapshots.iter().map(|snapshot| snapshot.theta.as_slice()).collect();
    let directions = plane(&net, &path)?;
    let (alpha, beta, residual) = project(&net, &path, &directions)?;

    // Twice as wide as the path is long, along both axes.
    let range = |values: &[f64]| {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let middle = f64::midpoint(low, high);
        middle - 1.0..=middle + 1.0
    };
    let bar = ProgressBar::new(name);
    let surface = Sweep::plane(&net, directions)
        .data("train", train)
        .data("test", test)
        .alpha(range(&alpha), POINTS)
        .beta(range(&beta), POINTS)
        .observer(&bar)
        .run()?;
    let shape = Topology::new().of(&surface)?;
    Ok(PageLandscape::from_surface(name, &surface)
        .topology(&shape)
        .x_label("α, towards the start")
        .y_label("β, across")
        .trajectory("the path of the training, a dot an epoch", &alpha, &beta)
        .provenance([("network", "64-32-10, ReLU, cross-entropy, seed 1")])
        .provenance([("path off the plane", format!("at most {:.0} % of the way", 100.0 * residual))]))
}

/// The plane through the end of a path (the network itself), its start, and what lies farthest from the line between
/// the two. Both directions are as long as that line.
fn plane(net: &Mlp<f32>, path: &[&[f32]]) -> Result<Directions<f32>, Box<dyn Error>> {
    let end = net.parameters();
    let between = |theta: &[f32]| {
        Direction::between(net.layout(), end, theta, Buffers::Still).map(|d| d.values().to_vec())
    };
    let along = between(path[0])?;
    let length = dot(&along, &along).sqrt();
    let mut across = vec![0.0; end.len()];
    let mut farthest = 0.0;
    for theta in path {
        let mut away = between(theta)?;
        let share = (dot(&away, &along) / (length * length)) as f32;
        for (away, along) in away.iter_mut().zip(&along) {
            *away -= share * along;
        }
        let distance = dot(&away, &away).sqrt();
        if distance > farthest {
            (across, farthest) = (away, distance);
        }
    }
    let longer = (length / farthest) as f32;
    for value in &mut across {
        *value *= longer;
    }
    let direction = |values| Direction::new(net.layout(), values);
    Ok(Directions::new(direction(along)?, direction(across)?)?)
}

/// The points of the plane nearest to those of the path, and the greatest distance from the plane in units of the
/// distance from end to start.
fn project(
    net: &Mlp<f32>,
    path: &[&[f32]],
    directions: &Directions<f32>,
) -> Result<(Vec<f64>, Vec<f64>, f64), loss_landscape::Error> {
    let (mut alpha, mut beta, mut residual) = (Vec::new(), Vec::new(), 0.0_f64);
    for theta in path {
        let found = directions.project(net.parameters(), theta)?;
        residual = residual.max(found.residual / directions.first().norm());
        alpha.push(found.coordinates[0]);
        beta.push(found.coordinates[1]);
    }
    Ok((alpha, beta, residual))
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}
