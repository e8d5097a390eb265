//! The pictures and the measured numbers of the guide (docs/guide).
//!
//! Each function below belongs to one claim of the guide: it computes what the claim rests on, draws it, and prints
//! the numbers that the text quotes. Everything is drawn from fixed seeds, so two runs on one machine write the
//! same bytes. Run it with
//!
//!     cargo run --release --example guide_figures
//!
//! It writes figures (SVG, and PNG for shaded surfaces) to the folder `guide`, and the numbers to
//! `guide/measured.txt`; the copies that the guide shows are in `docs/guide/src/images`.

use std::{error::Error, f64::consts::PI, fmt::Write as _, fs, path::Path, time::Instant};

use loss_landscape::{
    Adaptive, Buffers, Curve, Direction, Directions, EigenRatio, FnModel, Layout, Model, Norm, Normalization,
    RandomDirections, Role, Sampled, Surface, Sweep,
    curvature::{HessianOperator, Lanczos, SliceCurvature, SpectralDensity, TraceEstimator, eigen_extremes},
    ndarray::Array2,
    topology::Topology,
    trajectory::PrincipalPlane,
};
use loss_landscape_nets::{Activation, Criterion, Mlp, Samples, Sgd, digits};
use loss_landscape_plot::{
    ContourFigure, CurveFigure, DensityFigure, Figure, HeatFigure, MergeTreeFigure, Panels, RatioFigure,
    Scale, Series, SurfaceFigure, TrajectoryFigure,
};

type Net = Mlp<f64>;
type Data = Samples<f64>;
type Outcome<T = ()> = Result<T, Box<dyn Error>>;

const LOSS: &str = "cross-entropy loss (nats)";
/// Pixels of a PNG for each unit of the SVG.
const RESOLUTION: f64 = 1.5;

/// Where figures and numbers go.
struct Guide {
    folder: &'static Path,
    numbers: String,
}

impl Guide {
    fn svg(&self, name: &str, figure: &Panels) -> Outcome {
        Ok(fs::write(self.folder.join(format!("{name}.svg")), figure.to_svg()?)?)
    }

    fn png(&self, name: &str, figure: &Panels) -> Outcome {
        Ok(fs::write(self.folder.join(format!("{name}.png")), figure.to_png(RESOLUTION)?)?)
    }

    /// A line of `measured.txt`.
    fn number(&mut self, line: impl AsRef<str>) -> Outcome {
        println!("{}", line.as_ref());
        Ok(writeln!(self.numbers, "{}", line.as_ref())?)
    }

    fn heading(&mut self, text: &str) -> Outcome {
        self.number(format!("\n{text}"))
    }
}

fn main() -> Outcome {
    let started = Instant::now();
    let mut guide = Guide { folder: Path::new("guide"), numbers: String::new() };
    fs::create_dir_all(guide.folder)?;
    let (train, _) = digits::<f64>()?;
    let relu = trained(Activation::Relu, 3, 32, 40, &train)?;
    guide.number(format!(
        "A 64-16-10 network with {} parameters on {} handwritten digits.",
        relu.layout().len(),
        train.len()
    ))?;

    scale_invariance(&mut guide, &relu, &train)?;
    draws(&mut guide, &relu, &train)?;
    heights(&guide, &relu, &train)?;
    ranges(&guide, &relu, &train)?;
    orthogonality(&mut guide, &relu, &train)?;
    permutation(&mut guide, &relu, &train)?;
    norms(&mut guide, &relu, &train)?;
    adaptive(&mut guide, &relu, &train)?;
    sampled(&mut guide, &relu, &train)?;

    let tanh = trained(Activation::Tanh, 0, 32, 3, &train)?;
    hidden_curvature(&mut guide, &tanh, &train)?;
    ritz_values(&mut guide, &tanh, &train)?;
    ratio_map(&mut guide, &tanh, &train)?;
    spectrum(&mut guide, &tanh, &train)?;
    trajectory(&mut guide, &train)?;
    shape(&mut guide)?;

    fs::write(guide.folder.join("measured.txt"), guide.numbers.trim_start())?;
    println!(
        "\nDone in {:.0} s; figures and numbers are in {}.",
        started.elapsed().as_secs_f64(),
        guide.folder.display()
    );
    Ok(())
}

fn trained(activation: Activation, seed: u64, batch: usize, epochs: usize, data: &Data) -> Outcome<Net> {
    let mut net = Mlp::new(&[64, 16, 10], activation, Criterion::CrossEntropy, seed)?;
    Sgd::new(0.05).momentum(0.9).weight_decay(1e-4).batch_size(batch).epochs(epochs).train(&mut net, data)?;
    Ok(net)
}

fn unnormalised() -> Normalization {
    Normalization::default().with_norm(Norm::None)
}

fn line(net: &Net, data: &Data, direction: Direction<f64>, reach: f64) -> Outcome<Curve> {
    Ok(Sweep::line(net, direction).data("", data).alpha(-reach..=reach, 81).run()?)
}

fn surface(
    net: &Net,
    data: &Data,
    directions: &Directions<f64>,
    reach: f64,
    points: usize,
) -> Outcome<Surface> {
    let sweep = Sweep::plane(net, directions.clone()).data("", data);
    Ok(sweep.alpha(-reach..=reach, points).beta(-reach..=reach, points).run()?)
}

fn loss_of(curve: &Curve) -> Vec<f64> {
    curve.loss().to_vec()
}

fn contours(surface: &Surface, title: &str) -> ContourFigure {
    ContourFigure::from(surface).title(title).value_label(LOSS).scale(Scale::Log).marker(0.0, 0.0, "")
}

fn ends(values: impl IntoIterator<Item = f64>) -> [f64; 2] {
    values.into_iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[lo, hi], v| [lo.min(v), hi.max(v)])
}

/// The same function in other parameters: hidden unit i is multiplied by `factor(i)` on its way in and divided by
/// it on its way out, which a ReLU lets pass. With powers of two not a bit of the loss changes.
fn rescaled(net: &Net, factor: impl Fn(usize) -> f64) -> Outcome<Net> {
    let [inputs, hidden, outputs] = <[usize; 3]>::try_from(net.sizes())?;
    let mut theta = net.parameters().to_vec();
    let (into, rest) = theta.split_at_mut(hidden * inputs);
    let (bias, rest) = rest.split_at_mut(hidden);
    for (unit, (row, bias)) in into.chunks_mut(inputs).zip(bias).enumerate() {
        for w in row {
            *w *= factor(unit);
        }
        *bias *= factor(unit);
    }
    for row in rest[..outputs * hidden].chunks_mut(hidden) {
        row.iter_mut().enumerate().for_each(|(unit, w)| *w /= factor(unit));
    }
    Ok(net.clone().at(theta)?)
}

/// What filter normalisation mends, and what it does not.
fn scale_invariance(guide: &mut Guide, net: &Net, data: &Data) -> Outcome {
    guide.heading("One function in three sets of parameters (scale_invariance)")?;
    let mixed = |unit: usize| [0.125, 0.5, 1.0, 2.0, 8.0][unit % 5];
    let nets = [
        ("as trained", net.clone()),
        ("first layer ×8, second ÷8", rescaled(net, |_| 8.0)?),
        ("each hidden unit by its own factor", rescaled(net, mixed)?),
    ];
    let mut panels = Panels::new();
    for (title, rule, reach) in
        [("entries as drawn", unnormalised(), 0.3), ("filter-normalised", Normalization::default(), 1.0)]
    {
        let mut figure = CurveFigure::new().title(title).x_label("α").left_label(LOSS).left_scale(Scale::Log);
        let mut first: Option<Vec<f64>> = None;
        for (index, (name, net)) in nets.iter().enumerate() {
            let direction = RandomDirections::new(7).normalization(rule).one(net)?;
            let curve = line(net, data, direction, reach)?;
            let loss = loss_of(&curve);
            let drawn = Series::new(*name, curve.alpha(), &loss).color(index);
            figure = figure.series(if index == 1 { drawn.dashed() } else { drawn });
            let reference = first.get_or_insert_with(|| loss.clone());
            let differences = loss.iter().zip(reference).map(|(a, b)| (a / *b - 1.0).abs());
            let most = differences.fold(0.0, f64::max);
            guide.number(format!(
                "  {title}: {name}: losses differ from the first by up to {:.3} %",
                100.0 * most
            ))?;
        }
        panels = panels.panel(figure);
    }
    for (name, net) in &nets {
        let found = eigen_extremes(net, data)?;
        guide.number(format!(
            "  {name}: λ_max {:.3}, λ_min {:.4}, |λ_min/λ_max| {:.4}",
            found.lambda_max,
            found.lambda_min,
            found.ratio()
        ))?;
    }
    guide.svg("scale_invariance", &panels)
}

/// How much of a picture is the draw's.
fn draws(guide: &mut Guide, net: &Net, data: &Data) -> Outcome {
    const DRAWS: u64 = 20;
    guide.heading("Twenty draws along a line, two minimisers (draws)")?;
    let full = {
        let mut net = Mlp::new(&[64, 16, 10], Activation::Relu, Criterion::CrossEntropy, 3)?;
        let sgd = Sgd::new(0.2).momentum(0.9).weight_decay(1e-4).batch_size(data.len()).epochs(150);
        sgd.train(&mut net, data)?;
        net
    };
    let mut figure = CurveFigure::new()
        .title("20 filter-normalised lines each")
        .x_label("α")
        .left_label(LOSS)
        .left_scale(Scale::Log);
    for (index, (name, net)) in [("batches of 32", net), ("full batches", &full)].into_iter().enumerate() {
        let mut curves = Vec::new();
        let mut alpha = Vec::new();
        for seed in 0..DRAWS {
            let curve = line(net, data, RandomDirections::new(seed).one(net)?, 1.0)?;
            alpha = curve.alpha().to_vec();
            curves.push(loss_of(&curve));
        }
        let spread: Vec<[f64; 3]> = (0..alpha.len())
            .map(|point| {
                let mut at: Vec<f64> = curves.iter().map(|curve| curve[point]).collect();
                at.sort_by(f64::total_cmp);
                [at[0], f64::midpoint(at[9], at[10]), at[19]]
            })
            .collect();
        let column = |which: usize| -> Vec<f64> { spread.iter().map(|s| s[which]).collect() };
        let [least, middle, most] = [0, 1, 2].map(column);
        let quarter = alpha.iter().position(|&a| a >= 0.5).ok_or("no α of 0.5")?;
        guide.number(format!(
            "  {name}: loss at α = 0: {:.4}; at α = 0.5: least {:.3}, median {:.3}, largest {:.3}",
            middle[alpha.len() / 2],
            least[quarter],
            middle[quarter],
            most[quarter]
        ))?;
        figure = figure.series(Series::new(name, &alpha, &middle).band(&least, &most).color(index));
    }
    guide.svg("draws", &Panels::new().panel(figure))
}

/// Linear and logarithmic heights of one surface.
fn heights(guide: &Guide, net: &Net, data: &Data) -> Outcome {
    let surface = surface(net, data, &RandomDirections::new(7).pair(net)?, 1.0, 51)?;
    let shaded = |scale, title: &str| -> Outcome<SurfaceFigure> {
        let figure = SurfaceFigure::new(surface.alpha(), surface.beta(), surface.loss());
        Ok(figure.title(title).x_label("α").y_label("β").value_label(LOSS).scale(scale))
    };
    let panels = Panels::new()
        .panel(shaded(Scale::Linear, "linear heights")?)
        .panel(shaded(Scale::Log, "logarithmic heights")?);
    guide.png("heights", &panels)
}

/// One minimiser, one plane, three ranges.
fn ranges(guide: &Guide, net: &Net, data: &Data) -> Outcome {
    let directions = RandomDirections::new(7).pair(net)?;
    let mut panels = Panels::new();
    for reach in [0.05, 1.0, 10.0] {
        let found = surface(net, data, &directions, reach, 41)?;
        panels = panels.panel(contours(&found, &format!("α, β from −{reach} to {reach}")));
    }
    guide.svg("ranges", &panels)
}

/// Random directions are nearly orthogonal to each other and to whatever matters.
fn orthogonality(guide: &mut Guide, net: &Net, data: &Data) -> Outcome {
    guide.heading("Cosines between random directions (orthogonality)")?;
    for (n, pairs) in [(10_usize, 1000_u64), (1000, 1000), (100_000, 100), (1_000_000, 20)] {
        let model = FnModel::new(Layout::flat(n)?, vec![1.0; n], |theta: &[f64], (): &()| theta[0])?;
        let mut sum = 0.0;
        for seed in 0..pairs {
            let drawn = RandomDirections::new(seed).normalization(unnormalised());
            sum += drawn.pair(&model)?.cosine().abs();
        }
        let theory = (2.0 / (PI * n as f64)).sqrt();
        guide.number(format!(
            "  n = {n}: mean |cos| of {pairs} pairs {:.5}; √(2/πn) = {theory:.5}",
            sum / pairs as f64
        ))?;
    }
    // How much of a training is to be seen in a random plane.
    let start = Mlp::<f64>::new(&[64, 16, 10], Activation::Relu, Criterion::CrossEntropy, 3)?;
    let way = Direction::between(net.layout(), start.parameters(), net.parameters(), Buffers::Still)?;
    let mut shares = Vec::new();
    for seed in 0..100 {
        let plane = RandomDirections::new(seed).pair(net)?;
        // Two nearly orthogonal directions: the squared length of a projection is the sum of two squared cosines.
        shares.push(way.cosine(plane.first())?.powi(2) + way.cosine(plane.second())?.powi(2));
    }
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    guide.number(format!(
        "  a training of {} steps in 100 random planes: the plane holds {:.2} % of its squared length on average, {:.2} % at most",
        40 * data.len().div_ceil(32),
        100.0 * mean,
        100.0 * ends(shares)[1]
    ))
}

/// A barrier between two parameter vectors of one function, and one between two trainings.
fn permutation(guide: &mut Guide, net: &Net, data: &Data) -> Outcome {
    guide.heading("Between a minimiser and its mirror image (permutation)")?;
    let [inputs, hidden, outputs] = <[usize; 3]>::try_from(net.sizes())?;
    let theta = net.parameters();
    let (into, rest) = theta.split_at(hidden * inputs);
    let (bias, rest) = rest.split_at(hidden);
    // The hidden units in reverse order.
    let mut turned: Vec<f64> = into.chunks(inputs).rev().flatten().copied().collect();
    turned.extend(bias.iter().rev());
    turned.extend(rest[..outputs * hidden].chunks(hidden).flat_map(|row| row.iter().rev()));
    turned.extend(&rest[outputs * hidden..]);
    let other = trained(Activation::Relu, 4, 32, 40, data)?;

    let mut figure = CurveFigure::new()
        .title("Training loss on the segment")
        .x_label("α, from one minimiser (0) to the other (1)")
        .left_label(LOSS)
        .left_scale(Scale::Log)
        .guide(0.0, "")
        .guide(1.0, "");
    let ways = [("hidden units in reverse order", &turned[..]), ("another training", other.parameters())];
    for (index, (name, end)) in ways.into_iter().enumerate() {
        let curve = Sweep::segment(net, theta, end).data("", data).alpha(-0.25..=1.25, 121).run()?;
        let loss = loss_of(&curve);
        let between = curve.alpha().iter().zip(&loss).filter(|(a, _)| (0.0..=1.0).contains(*a));
        let top = between.map(|(_, loss)| *loss).fold(0.0, f64::max);
        let at = |target: f64| curve.alpha().iter().position(|a| (a - target).abs() < 1e-9).map(|k| loss[k]);
        guide.number(format!(
            "  {name}: loss {:.4?} and {:.4?} at the ends, up to {top:.3} between",
            at(0.0),
            at(1.0)
        ))?;
        figure = figure.series(Series::new(name, curve.alpha(), &loss).color(index));
    }
    guide.svg("permutation", &Panels::new().panel(figure))
}

/// The norm of every filter, of the hidden layer's first.
fn filter_norms(net: &Net, vector: &[f64]) -> Outcome<Vec<f64>> {
    let mut norms = Vec::new();
    for block in net.layout().blocks().iter().filter(|block| block.role() == Role::Weight) {
        for index in 0..block.filters() {
            norms.push(block.filter(vector, index)?.iter().map(|v| v * v).sum::<f64>().sqrt());
        }
    }
    Ok(norms)
}

/// The six norms: what they make of the filters of one draw, and the loss over the plane.
fn norms(guide: &mut Guide, net: &Net, data: &Data) -> Outcome {
    guide.heading("One seed under the six norms (norms)")?;
    let all = [
        ("none", Norm::None),
        ("filter", Norm::Filter),
        ("layer", Norm::Layer),
        ("weight", Norm::Weight),
        ("unit_filter", Norm::UnitFilter),
        ("unit_layer", Norm::UnitLayer),
    ];
    let of_theta = filter_norms(net, net.parameters())?;
    let filters: Vec<f64> = (0..of_theta.len()).map(|k| k as f64).collect();
    guide
        .number(format!("  ‖θ‖ of the weights {:.2}", of_theta.iter().map(|n| n * n).sum::<f64>().sqrt()))?;
    for (name, norm) in all {
        let rule = Normalization::default().with_norm(norm);
        let directions = RandomDirections::new(7).normalization(rule).pair(net)?;
        let of_direction = filter_norms(net, directions.first().values())?;
        let figure = CurveFigure::new()
            .title("the length of each filter")
            .x_label("filter: 0 to 15 hidden, 16 to 25 output")
            .left_label("norm")
            .left_scale(Scale::Log)
            .left_range(0.2, 20.0)
            .guide(15.5, "")
            .series(Series::new("in the direction", &filters, &of_direction).color(0))
            .series(Series::new("in θ", &filters, &of_theta).dashed().color(1));
        let found = surface(net, data, &directions, 1.0, 31)?;
        let [_, top] = ends(found.loss().iter().copied());
        let [least, most] = ends(of_direction.iter().zip(&of_theta).map(|(d, theta)| d / theta));
        guide.number(format!(
            "  {name}: ‖d‖ {:.2}, ‖d_f‖/‖θ_f‖ from {least:.2} to {most:.2}, largest loss on [−1, 1]² {top:.3}",
            directions.first().norm()
        ))?;
        let panels = Panels::new().panel(figure).panel(contours(&found, "training loss"));
        guide.svg(&format!("norm_{name}"), &panels)?;
    }
    Ok(())
}

/// Which points an adaptive sweep computes.
fn adaptive(guide: &mut Guide, net: &Net, data: &Data) -> Outcome {
    guide.heading("An adaptive sweep (adaptive)")?;
    let directions = RandomDirections::new(7).pair(net)?;
    let whole = surface(net, data, &directions, 1.0, 51)?;
    let found = Sweep::plane(net, directions).data("", data).adaptive(&Adaptive::new().tolerance(0.01))?;
    let differences =
        found.loss().iter().zip(whole.loss()).map(|(a, b)| (a / b - 1.0).abs()).collect::<Vec<_>>();
    let off = differences.iter().filter(|d| **d > 0.01).count();
    guide.number(format!(
        "  {} of {} points computed; {off} of the others off by more than 1 %, the worst by {:.2} %",
        found.evaluations(),
        differences.len(),
        100.0 * ends(differences.iter().copied())[1]
    ))?;
    let computed = found.computed().mapv(|computed| f64::from(u8::from(computed)));
    let points = HeatFigure::new(found.alpha(), found.beta(), computed.view())
        .color_range(0.0, 1.0)
        .title("which points were computed")
        .value_label("1: computed, 0: interpolated")
        .x_label("α")
        .y_label("β");
    guide.svg("adaptive", &Panels::new().panel(points).panel(contours(&found, "the surface")))
}

/// What a sampled sweep costs and how sure it is, and isolines from so few samples that their errors show.
fn sampled(guide: &mut Guide, net: &Net, data: &Data) -> Outcome {
    guide.heading("Sampled sweeps (sampled)")?;
    let directions = RandomDirections::new(7).pair(net)?;
    let whole = surface(net, data, &directions, 1.0, 51)?;
    for (name, settings) in [
        ("to 1 %", Sampled::new()),
        ("to 15 %, every 25th point in full", Sampled::new().relative_error(0.15).spacing(25)),
    ] {
        let found = Sweep::plane(net, directions.clone()).data("", data).sampled(&settings)?;
        let (loss, error) = (found.loss(), found.error());
        let points = loss.iter().zip(error).zip(whole.loss()).filter(|((_, error), _)| **error > 0.0);
        let held = points.clone().filter(|((loss, error), truth)| (**loss - **truth).abs() <= 1.96 * **error);
        guide.number(format!(
            "  {name}: {}; {} of {} intervals held",
            found.sampling(),
            held.count(),
            points.clone().count()
        ))?;
        if settings != Sampled::new() {
            let figure = ContourFigure::from(&found).title("the surface").value_label(LOSS).scale(Scale::Log);
            let errors =
                HeatFigure::from_surface(&found, "loss standard error")?.title("its standard errors");
            guide.svg("sampled", &Panels::new().panel(figure.marker(0.0, 0.0, "")).panel(errors))?;
        }
    }
    Ok(())
}

/// One point, a random plane through it, and lines along the extreme eigenvectors.
fn hidden_curvature(guide: &mut Guide, net: &Net, data: &Data) -> Outcome {
    guide.heading("What a random plane hides, a tanh network after 3 epochs (hidden_curvature)")?;
    let random = RandomDirections::new(7).pair(net)?;
    let report = SliceCurvature::new().report(net, data, &random, [0.0, 0.0])?;
    guide.number(format!("  {}", report.to_string().replace('\n', "\n  ")))?;
    let mut hessian = HessianOperator::new(net, net.parameters(), data)?;
    let pairs = Lanczos::new().tolerance(1e-6).pairs(&mut hessian, 1, 1)?;
    guide.number(format!("  λ_min {:.4}, λ_max {:.4}", pairs.values[0], pairs.values[1]))?;
    // All of length 1, so that α is a distance.
    let length = random.first().norm();
    let unit = random.first().values().iter().map(|v| v / length).collect();
    let lines = [
        ("a random direction", Direction::new(net.layout(), unit)?),
        ("the eigenvector of λₘᵢₙ", pairs.direction(&hessian, 0)?),
        ("the eigenvector of λₘₐₓ", pairs.direction(&hessian, 1)?),
    ];
    let mut figure = CurveFigure::new().title("along single directions").x_label("distance").left_label(LOSS);
    let mut lowest = f64::INFINITY;
    for (index, (name, direction)) in lines.into_iter().enumerate() {
        let curve = line(net, data, direction, 1.5)?;
        let loss = loss_of(&curve);
        let [least, most] = ends(loss.iter().copied());
        guide
            .number(format!("  along {name}: from {least:.4} to {most:.4}, {:.4} in the middle", loss[40]))?;
        lowest = lowest.min(least);
        figure = figure.series(Series::new(name, curve.alpha(), &loss).color(index));
    }
    let plane = surface(net, data, &random, 0.25, 41)?;
    let centre = plane.loss()[[20, 20]];
    let panels = Panels::new()
        .panel(contours(&plane, "over two random directions"))
        .panel(figure.left_range(lowest - 0.1 * (centre - lowest), centre + 2.0 * (centre - lowest)));
    guide.svg("hidden_curvature", &panels)
}

/// Ritz values and their bounds, product by product.
fn ritz_values(guide: &mut Guide, net: &Net, data: &Data) -> Outcome {
    guide.heading("The ratio, product by product (ritz_values)")?;
    let mut hessian = HessianOperator::new(net, net.parameters(), data)?;
    let truth = Lanczos::new().tolerance(1e-9).run(&mut hessian)?;
    let mut table: Vec<[f64; 4]> = Vec::new();
    for products in 4..=30 {
        let lanczos = Lanczos::new().tolerance(1e-9).max_products(products);
        let found = lanczos.run(&mut hessian)?;
        let [low, high] = found.ratio_interval();
        table.push([products as f64, found.ratio(), low, high]);
    }
    let column = |which: usize| -> Vec<f64> { table.iter().map(|row| row[which]).collect() };
    let [products, ratio, low, high] = [0, 1, 2, 3].map(column);
    let first = table.iter().find(|row| row[3] - row[2] <= 0.01);
    guide.number(format!(
        "  true ratio {:.5}, λ_min {:.5}, λ_max {:.4}; interval at 0.999 narrower than 0.01 after {:?} products",
        truth.ratio(),
        truth.lambda_min,
        truth.lambda_max,
        first.map(|row| row[0])
    ))?;
    let all_hold = table.iter().all(|row| row[2] <= truth.ratio() && truth.ratio() <= row[3]);
    guide.number(format!("  every interval holds the true ratio: {all_hold}"))?;
    let figure = CurveFigure::new()
        .title("|λₘᵢₙ / λₘₐₓ| from one Lanczos run")
        .x_label("Hessian-vector products")
        .left_label("ratio")
        .left_range(0.0, 0.15)
        .series(Series::new("Ritz values, interval at 0.999", &products, &ratio).band(&low, &high).color(0))
        .series(Series::new("true ratio", &products, &vec![truth.ratio(); products.len()]).dashed().color(1));
    guide.svg("ritz_values", &Panels::new().panel(figure))
}

/// The ratio over a plane, beside the loss.
fn ratio_map(guide: &mut Guide, net: &Net, data: &Data) -> Outcome {
    guide.heading("The ratio over a plane (ratio_map)")?;
    let directions = RandomDirections::new(7).pair(net)?;
    let found = surface(net, data, &directions, 1.0, 51)?;
    let map = Sweep::plane(net, directions)
        .data("", data)
        .alpha(-1.0..=1.0, 25)
        .beta(-1.0..=1.0, 25)
        .eigen_ratio(&EigenRatio::new().certified(true))?;
    let ratio = map.ratio();
    guide.number(format!(
        "  every point certified: {:.1} products a point; ratio at the centre {:.3}, from {:.3} to {:.3}",
        map.products() as f64 / ratio.len() as f64,
        ratio[[12, 12]],
        ends(ratio.iter().copied())[0],
        ends(ratio.iter().copied())[1]
    ))?;
    let figure = RatioFigure::from_map(&map).title("|λₘᵢₙ / λₘₐₓ|").marker(0.0, 0.0, "");
    guide.svg("ratio_map", &Panels::new().panel(contours(&found, "training loss")).panel(figure))
}

/// The whole spectrum, and its sum.
fn spectrum(guide: &mut Guide, net: &Net, data: &Data) -> Outcome {
    guide.heading("The spectrum and the trace (spectrum)")?;
    let mut hessian = HessianOperator::new(net, net.parameters(), data)?;
    let trace = TraceEstimator::new().max_products(120).run(&mut hessian)?;
    guide.number(format!(
        "  trace {:.3} ± {:.3} from {} products",
        trace.value, trace.standard_error, trace.products
    ))?;
    let found = SpectralDensity::new().probes(10).run(&mut hessian)?;
    let [least, most] = found.range();
    let margin = 0.05 * (most - least);
    let at: Vec<f64> =
        (0..=1000).map(|i| least - margin + (most - least + 2.0 * margin) * f64::from(i) / 1000.0).collect();
    let density = found.density(&at, Some((most - least) / 200.0))?;
    let extremes = Lanczos::new().run(&mut hessian)?;
    let curve = Series::new("10 probes", &at, &density.values).band(&density.lower, &density.upper);
    let figure = DensityFigure::new()
        .series(curve)
        .extremes(extremes.lambda_min, extremes.lambda_max)
        .title("Spectral density of the Hessian");
    guide.svg("spectrum", &Panels::new().panel(figure))
}

/// The path of a training in its principal plane, and what that plane does not show.
fn trajectory(guide: &mut Guide, data: &Data) -> Outcome {
    guide.heading("A training in its principal plane (trajectory)")?;
    let mut net = Mlp::new(&[64, 16, 10], Activation::Relu, Criterion::CrossEntropy, 3)?;
    let sgd = Sgd::new(0.05).momentum(0.9).weight_decay(1e-4).batch_size(32).epochs(40).snapshots(1);
    let training = sgd.train(&mut net, data)?;
    let path: Vec<&[f64]> = training.snapshots.iter().map(|snapshot| snapshot.theta.as_slice()).collect();
    let found = PrincipalPlane::new().run(net.layout(), &path)?;
    guide.number(format!("  {}", found.report()))?;
    let losses = found.losses(&net, &path, data)?;
    let ratio = |t: usize| (losses.on_path[t] / losses.on_plane[t]).ln().abs();
    let farthest = (0..path.len()).max_by(|&a, &b| ratio(a).total_cmp(&ratio(b))).unwrap_or(0);
    let (on_path, on_plane) = (losses.on_path[farthest], losses.on_plane[farthest]);
    guide.number(format!(
        "  after epoch {farthest}: loss on the path {on_path:.4}, on the plane {on_plane:.4}"
    ))?;
    let [alpha, beta] = found.report().ranges(0.15);
    let sweep = Sweep::plane(&net, found.directions().clone()).data("", data);
    let surface = sweep.alpha(alpha, 61).beta(beta, 61).run()?;
    let plane =
        ContourFigure::from(&surface).value_label(LOSS).scale(Scale::Log).title("The principal plane");
    let plane = plane.x_label("first component").y_label("second component");
    let epochs: Vec<f64> = training.snapshots.iter().map(|snapshot| snapshot.epoch as f64).collect();
    let figure = TrajectoryFigure::from_report(plane, found.report())
        .losses(&losses.on_path, &losses.on_plane)
        .loss_label(LOSS)
        .steps("epoch", &epochs)
        .labels([0, 5, 40].map(|epoch| (epoch, format!("epoch {epoch}"))));
    guide.svg("trajectory", &Panels::new().panel(figure))
}

/// Two wells with a ripple: what is above the noise.
fn shape(guide: &mut Guide) -> Outcome {
    guide.heading("Two wells with a ripple (shape)")?;
    let at: Vec<f64> = (-40..=40).map(|i| f64::from(i) / 20.0).collect();
    let loss = |x: f64, y: f64| (x * x - 1.0).powi(2) + y * y + 0.02 * (x * 30.0).sin() * (y * 30.0).sin();
    let values = Array2::from_shape_fn((81, 81), |(i, j)| loss(at[i], at[j]));
    let surface = Surface::from_channels(&at, &at, [("loss".to_owned(), values)])?;
    let all = Topology::new().of(&surface)?;
    let real = Topology::new().standard_error(0.02).of(&surface)?;
    let floor = 2.0 * 0.02 * real.noise_factor.unwrap_or(0.0);
    guide.number(format!("  all: {all}"))?;
    guide.number(format!("  with a standard error of 0.02, above {floor:.3}: {real}"))?;
    let marked = ContourFigure::from(&surface).scale(Scale::Log).critical_points(&all);
    let tree = MergeTreeFigure::from(&all).floor(floor).title("How its minima merge");
    guide.svg("shape", &Panels::new().panel(marked.title("Two wells with a ripple")).panel(tree))
}
