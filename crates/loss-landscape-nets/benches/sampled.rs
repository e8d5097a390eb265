//! What sampled sweeps cost on networks, by which rule, and how often their intervals hold.
//! `cargo bench -p loss-landscape-nets --bench sampled`, and with the perceptrons alone, which take a minute,
//! `cargo bench -p loss-landscape-nets --bench sampled -- --quick`; with a network of 50,000 samples on 51×51 points,
//! checked in full at 100 of them that are drawn at random,
//! `cargo bench -p loss-landscape-nets --bench sampled -- --large`
//!
//! The loss and the hit of every sample are computed once at every point of 41×41 on a plane. First, rules are compared:
//! for each, by the variance that its design has exactly, how many samples a point needs for a standard error of 1 % of
//! its loss; the lattice and points that need more than 70 % and are finished in full are counted. The rule of the
//! core was chosen by the first networks and is checked on the others, which are of other seeds and kinds. Then sampled
//! sweeps take their losses from the table, with many seeds: what they spent, how far off they were, and how many of their
//! 95 % intervals held. Last, the time of gathered samples beside that of consecutive ones.

use std::time::Instant;

use loss_landscape::{
    Direction, Directions, Layout, Loss, Model, OracleError, RandomDirections, SampleLosses, Sampled, Sweep,
    oracle::{Point, Slice},
};
use loss_landscape_nets::{Activation, Architecture, Criterion, Mlp, Network, Samples, Sgd, Skips, digits};
use ndarray::Array2;

const SIDE: usize = 41;
const TARGET: f64 = 0.01;
/// Points that rules are compared at.
const COMPARED: usize = 150;

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let (train, _) = digits::<f32>().unwrap();
    if std::env::args().any(|argument| argument == "--large") {
        return large(&noisy(&train, 50_000));
    }
    let many = noisy(&train, 20_000);
    let images = train.clone().normalized(&[0.3053], &[0.3762]).unwrap();
    let mut tables = vec![
        Table::of("MLP, seed 0", true, &mlp(&train, 0, 60), &train),
        Table::of("MLP, seed 1", false, &mlp(&train, 1, 60), &train),
        Table::of("MLP, 20,000 samples", false, &mlp(&many, 5, 10), &many),
    ];
    if !quick {
        let resnet = |skips| Architecture::resnet(20, [1, 8, 8], 10, skips).unwrap();
        for (name, chosen_by, architecture, seed) in [
            ("ResNet-20, seed 0", true, resnet(Skips::With), 0),
            ("without skips, seed 0", true, resnet(Skips::Without), 0),
            ("ResNet-20, seed 1", false, resnet(Skips::With), 1),
            ("without skips, seed 1", false, resnet(Skips::Without), 1),
            ("VGG-9, seed 0", false, Architecture::vgg9([1, 8, 8], 10).unwrap(), 0),
        ] {
            let mut net = Network::<f32>::new(&architecture, Criterion::CrossEntropy, seed).unwrap();
            let rate = if name.starts_with("VGG") { 0.02 } else { 0.1 };
            let sgd =
                Sgd::new(rate).momentum(0.9).nesterov(true).weight_decay(5e-4).batch_size(128).epochs(12);
            sgd.learning_rate_steps(&[(6, 0.1), (9, 0.1)]).train(&mut net, &images).unwrap();
            tables.push(Table::of(name, chosen_by, &net, &images));
        }
    }
    compare_rules(&tables);
    sweep_tables(&tables);
    time_gathering(&images);
}

/// The digits again and again, with noise.
fn noisy(train: &Samples<f32>, count: usize) -> Samples<f32> {
    let mut state = 0_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        0.25 * ((state >> 8) as f32 / (1 << 24) as f32 - 0.5)
    };
    let x = Array2::from_shape_fn((count, 64), |(i, j)| train.inputs()[i % train.len() * 64 + j] + noise());
    let labels = train.labels().unwrap();
    Samples::labelled(x, (0..count).map(|i| labels[i % train.len()]).collect()).unwrap()
}

fn mlp(train: &Samples<f32>, seed: u64, epochs: usize) -> Mlp<f32> {
    let mut net = Mlp::new(&[64, 32, 10], Activation::Relu, Criterion::CrossEntropy, seed).unwrap();
    let batch = if epochs > 20 { 32 } else { 128 };
    let sgd = Sgd::new(0.05).momentum(0.9).weight_decay(1e-3).batch_size(batch).epochs(epochs);
    sgd.train(&mut net, train).unwrap();
    net
}

/// Losses and hits of every sample at every point of a plane.
struct Table {
    name: &'static str,
    /// Whether the rule was chosen by it.
    chosen_by: bool,
    samples: usize,
    /// [point][sample][loss, hit]
    values: Vec<[f32; 2]>,
    layout: Layout,
}

impl Table {
    fn of<M>(name: &'static str, chosen_by: bool, net: &M, data: &Samples<f32>) -> Self
    where
        M: SampleLosses<Samples<f32>> + Model<Scalar = f32>,
    {
        let directions = RandomDirections::new(7).pair(net).unwrap();
        let [first, second] = [directions.first(), directions.second()].map(Direction::values);
        let slice = Slice::plane(net.layout(), net.parameters(), first, second).unwrap();
        let mut worker = net.sample_worker(&slice, data).unwrap();
        let numbers: Vec<usize> = (0..data.len()).collect();
        let mut out = vec![0.0; 2 * data.len()];
        let mut values = Vec::with_capacity(SIDE * SIDE * data.len());
        let started = Instant::now();
        for number in 0..SIDE * SIDE {
            let coordinates = [axis(number / SIDE), axis(number % SIDE)];
            worker.evaluate(Point { number, coordinates }, &numbers, &mut out).unwrap();
            values.extend(out.chunks_exact(2).map(|pair| [pair[0] as f32, pair[1] as f32]));
        }
        eprintln!("{name}: {:.1} ms a point", started.elapsed().as_secs_f64() * 1e3 / (SIDE * SIDE) as f64);
        Self { name, chosen_by, samples: data.len(), values, layout: Layout::flat(2).unwrap() }
    }

    fn losses(&self, point: usize) -> impl Iterator<Item = f64> + Clone {
        self.values[point * self.samples..(point + 1) * self.samples].iter().map(|pair| f64::from(pair[0]))
    }

    fn mean(&self, point: usize, channel: usize) -> f64 {
        let of = &self.values[point * self.samples..(point + 1) * self.samples];
        of.iter().map(|pair| f64::from(pair[channel])).sum::<f64>() / self.samples as f64
    }

    fn point(theta: &[f64]) -> usize {
        let [i, j] = [theta[0], theta[1]].map(|x| ((x + 1.0) * (SIDE - 1) as f64 / 2.0).round() as usize);
        i * SIDE + j
    }
}

fn axis(k: usize) -> f64 {
    2.0 * k as f64 / (SIDE - 1) as f64 - 1.0
}

impl Model for Table {
    type Scalar = f64;
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn parameters(&self) -> &[f64] {
        &[0.0; 2]
    }
}

impl Loss<()> for Table {
    fn loss(&self, theta: &[f64], (): &()) -> Result<f64, OracleError> {
        Ok(self.mean(Self::point(theta), 0))
    }
    fn channels(&self) -> Vec<String> {
        vec!["loss".into(), "accuracy".into()]
    }
    fn measure(&self, theta: &[f64], (): &(), out: &mut [f64]) -> Result<(), OracleError> {
        out.iter_mut().enumerate().for_each(|(channel, out)| *out = self.mean(Self::point(theta), channel));
        Ok(())
    }
}

impl SampleLosses<()> for Table {
    fn sample_count(&self, (): &()) -> usize {
        self.samples
    }
    fn sample_losses(
        &self,
        theta: &[f64],
        (): &(),
        samples: &[usize],
        out: &mut [f64],
    ) -> Result<(), OracleError> {
        let of = &self.values[Self::point(theta) * self.samples..][..self.samples];
        for (&sample, out) in samples.iter().zip(out.chunks_exact_mut(2)) {
            out.copy_from_slice(&of[sample].map(f64::from));
        }
        Ok(())
    }
}

/// On which scale losses are interpolated.
#[derive(Clone, Copy)]
enum Scale {
    Linear,
    Log,
    Root,
    Softplus,
    /// The core's.
    Bent,
}

impl Scale {
    fn forward(self, loss: f64) -> f64 {
        let softplus = |loss: f64| if loss > 36.0 { loss } else { loss + (-(-loss).exp_m1()).ln() };
        match self {
            Self::Linear => loss,
            Self::Log => loss.max(1e-8).ln(),
            Self::Root => loss.max(0.0).sqrt(),
            Self::Softplus => softplus(loss.max(1e-8)),
            Self::Bent => 10.0 * (softplus(loss.max(1e-8)) / 10.0).asinh(),
        }
    }

    fn backward(self, value: f64) -> f64 {
        let softplus = |value: f64| value.max(0.0) + (-value.abs()).exp().ln_1p();
        match self {
            Self::Linear => value.max(0.0),
            Self::Log => value.exp(),
            Self::Root => value.max(0.0).powi(2),
            Self::Softplus => softplus(value),
            Self::Bent => softplus(10.0 * (value / 10.0).clamp(-80.0, 80.0).sinh()),
        }
    }
}

/// By what samples are drawn.
#[derive(Clone, Copy, PartialEq)]
enum Chance {
    Equal,
    /// Four strata by the range at the corners, with the best allocation to them (Neyman's).
    Strata,
    /// In proportion to the range at the corners.
    Range,
    /// The same, and the distance between linear and cubic interpolation: the core's.
    Both,
}

struct Rule {
    name: &'static str,
    spacing: usize,
    scale: Scale,
    nodes: usize,
    chance: Chance,
    /// Whether the mean is corrected by the best line through residual and prediction, as nobody knows it beforehand.
    regression: bool,
    /// Whether anything is predicted.
    control: bool,
}

fn rules() -> Vec<Rule> {
    let rule = |name, spacing, scale, nodes, chance| Rule {
        name,
        spacing,
        scale,
        nodes,
        chance,
        regression: false,
        control: true,
    };
    vec![
        Rule { control: false, ..rule("plain random samples", 100, Scale::Linear, 2, Chance::Equal) },
        rule("linear, equal", 4, Scale::Linear, 2, Chance::Equal),
        rule("linear, strata", 4, Scale::Linear, 2, Chance::Strata),
        rule("linear, by range", 4, Scale::Linear, 2, Chance::Range),
        rule("log, by range", 4, Scale::Log, 2, Chance::Range),
        rule("softplus, by range", 4, Scale::Softplus, 2, Chance::Range),
        rule("linear, cubic, by range", 4, Scale::Linear, 4, Chance::Range),
        rule("log, cubic, by range", 4, Scale::Log, 4, Chance::Range),
        rule("root, cubic, by range", 4, Scale::Root, 4, Chance::Range),
        rule("softplus, cubic, by range", 4, Scale::Softplus, 4, Chance::Range),
        rule("bent softplus, cubic, equal", 4, Scale::Bent, 4, Chance::Equal),
        rule("bent softplus, cubic, strata", 4, Scale::Bent, 4, Chance::Strata),
        rule("bent softplus, cubic, by range", 4, Scale::Bent, 4, Chance::Range),
        rule("THE CORE'S: bent, cubic, both", 4, Scale::Bent, 4, Chance::Both),
        Rule { regression: true, ..rule("the same with a regression", 4, Scale::Bent, 4, Chance::Both) },
        rule("the same, every 3rd", 3, Scale::Bent, 4, Chance::Both),
        rule("the same, every 5th", 5, Scale::Bent, 4, Chance::Both),
        rule("the same, every 8th", 8, Scale::Bent, 4, Chance::Both),
    ]
}

fn compare_rules(tables: &[Table]) {
    println!(
        "Samples for a standard error of 1 %, in % of a full sweep; in brackets for 50,000 samples like these"
    );
    let row = |name: &str, cell: &dyn Fn(&Table) -> String| {
        print!("{name:<34}");
        for table in tables {
            print!("{:>24}", cell(table));
        }
        println!();
    };
    row("", &|t| t.name.to_owned());
    row("", &|t| if t.chosen_by { "chosen by" } else { "checked on" }.to_owned());
    for rule in rules() {
        row(rule.name, &|table| {
            let [own, many] = rule.share(table);
            format!("{:>15.1} ({:>5.2})", 100.0 * own, 100.0 * many)
        });
    }
}

impl Rule {
    /// The share of all evaluations, for the samples of the table and for 50,000 like them.
    fn share(&self, table: &Table) -> [f64; 2] {
        let nodes: Vec<usize> = (0..SIDE).step_by(self.spacing).collect();
        let full = nodes.len().pow(2) as f64 / (SIDE * SIDE) as f64;
        let full = if self.control { full } else { 0.0 };
        let (mut needs, mut points, mut state) = ([0.0; 2], 0, 1_u64);
        while points < COMPARED {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let point = (state >> 33) as usize % (SIDE * SIDE);
            if self.control && [point / SIDE, point % SIDE].iter().all(|k| nodes.contains(k)) {
                continue;
            }
            points += 1;
            let [own, many] = self.needed(table, &nodes, point);
            needs[0] += own;
            needs[1] += many;
        }
        needs.map(|need| full + (1.0 - full) * need / COMPARED as f64)
    }

    /// The share of the samples that a point needs.
    fn needed(&self, table: &Table, nodes: &[usize], point: usize) -> [f64; 2] {
        let losses: Vec<f64> = table.losses(point).collect();
        let (predicted, doubt) = if self.control {
            self.predict(table, nodes, point)
        } else {
            (vec![0.0; losses.len()], vec![1.0; losses.len()])
        };
        let count = losses.len() as f64;
        let mean = losses.iter().sum::<f64>() / count;
        let mut gaps: Vec<f64> = losses.iter().zip(&predicted).map(|(l, x)| l - x).collect();
        if self.regression {
            without_line(&mut gaps, &predicted);
        }
        let allowed = TARGET * mean;
        // The same samples again and again stand for more of them.
        [1.0, 50_000.0 / count].map(|copies| {
            let all = count * copies;
            let needed = match self.chance {
                Chance::Strata => neyman(&gaps, &doubt, copies, allowed),
                _ => by_size(&gaps, &sizes(&doubt, self.chance), copies, allowed),
            };
            let needed = needed.max(64.0) / all;
            if needed > 0.7 { 1.0 } else { needed }
        })
    }

    fn predict(&self, table: &Table, nodes: &[usize], point: usize) -> (Vec<f64>, Vec<f64>) {
        let combine = |most: usize| {
            let [rows, columns] = [point / SIDE, point % SIDE].map(|k| weights(nodes, k, most));
            let mut values = vec![0.0; table.samples];
            let mut range = vec![(f64::INFINITY, f64::NEG_INFINITY); table.samples];
            for (i, row) in &rows {
                for (j, column) in &columns {
                    for ((value, range), loss) in
                        values.iter_mut().zip(&mut range).zip(table.losses(i * SIDE + j))
                    {
                        *value += row * column * self.scale.forward(loss);
                        *range = (range.0.min(loss), range.1.max(loss));
                    }
                }
            }
            for value in &mut values {
                *value = self.scale.backward(*value);
            }
            (values, range)
        };
        let (linear, range) = combine(2);
        let predicted = if self.nodes > 2 { combine(self.nodes).0 } else { linear.clone() };
        let bend =
            |k: usize| if self.chance == Chance::Both { (predicted[k] - linear[k]).abs() } else { 0.0 };
        let doubt = range.iter().enumerate().map(|(k, (low, high))| 0.1 * (high - low) + bend(k)).collect();
        (predicted, doubt)
    }
}

/// Nodes around a position, with the weights of Lagrange's polynomial through them.
fn weights(nodes: &[usize], position: usize, most: usize) -> Vec<(usize, f64)> {
    let count = most.min(nodes.len());
    let after = nodes.partition_point(|node| *node <= position);
    let first = after.saturating_sub(count / 2).min(nodes.len() - count);
    let of = &nodes[first..first + count];
    let weight = |k: usize| -> f64 {
        let others = of.iter().enumerate().filter(|(other, _)| *other != k);
        others.map(|(_, node)| (position as f64 - *node as f64) / (of[k] as f64 - *node as f64)).product()
    };
    (0..count).map(|k| (of[k], weight(k))).collect()
}

/// Takes the best line through the predictions out of the gaps.
fn without_line(gaps: &mut [f64], predicted: &[f64]) {
    let count = gaps.len() as f64;
    let [gap, x] = [gaps.iter().sum::<f64>() / count, predicted.iter().sum::<f64>() / count];
    let both: f64 = gaps.iter().zip(predicted).map(|(g, p)| (g - gap) * (p - x)).sum();
    let slope = both / predicted.iter().map(|p| (p - x).powi(2)).sum::<f64>();
    gaps.iter_mut().zip(predicted).for_each(|(g, p)| *g -= gap + slope * (p - x));
}

fn sizes(doubt: &[f64], chance: Chance) -> Vec<f64> {
    if chance == Chance::Equal {
        return vec![1.0; doubt.len()];
    }
    let typical = (doubt.iter().map(|d| d.sqrt()).sum::<f64>() / doubt.len() as f64).powi(2);
    doubt.iter().map(|d| d + 0.1 * typical).collect()
}

/// Samples drawn with probabilities min(1, λ·size), for an error of the mean: λ by bisection.
fn by_size(gaps: &[f64], sizes: &[f64], copies: f64, allowed: f64) -> f64 {
    let all = gaps.len() as f64 * copies;
    let sums = |rate: f64| {
        let (mut number, mut weight, mut total) = (0.0, 0.0, 0.0);
        for (gap, size) in gaps.iter().zip(sizes) {
            let p = (rate * size).min(1.0);
            number += copies * p;
            weight += copies * p * (1.0 - p);
            total += copies * (1.0 - p) * gap;
        }
        let typical = if weight > 0.0 { total / weight } else { 0.0 };
        let variance: f64 = (gaps.iter().zip(sizes))
            .map(|(gap, size)| {
                let p = (rate * size).min(1.0);
                copies * p * (1.0 - p) * (gap / p - typical).powi(2)
            })
            .sum();
        (number, variance.sqrt() / all)
    };
    let mean = sizes.iter().sum::<f64>() / sizes.len() as f64;
    let (mut low, mut high) = (1e-9 / mean, 1e6 / mean);
    for _ in 0..80 {
        let middle = (low * high).sqrt();
        if sums(middle).1 > allowed { low = middle } else { high = middle }
    }
    sums(high).0
}

/// Samples of four strata of equal number by doubt, with the best allocation to them.
fn neyman(gaps: &[f64], doubt: &[f64], copies: f64, allowed: f64) -> f64 {
    let mut order: Vec<usize> = (0..gaps.len()).collect();
    order.sort_by(|a, b| doubt[*a].total_cmp(&doubt[*b]));
    let all = gaps.len() as f64 * copies;
    let (mut spread, mut squares) = (0.0, 0.0);
    for stratum in order.chunks(gaps.len().div_ceil(4)) {
        let count = stratum.len() as f64;
        let mean = stratum.iter().map(|k| gaps[*k]).sum::<f64>() / count;
        let variance = stratum.iter().map(|k| (gaps[*k] - mean).powi(2)).sum::<f64>() / (count - 1.0);
        spread += copies * count * variance.sqrt();
        squares += copies * count * variance;
    }
    spread * spread / (all * all * allowed * allowed + squares)
}

fn sweep_tables(tables: &[Table]) {
    println!(
        "\nSampled sweeps of these tables, many seeds: intervals of points that were not finished in full"
    );
    println!(
        "{:<24}{:>8}{:>9}{:>11}{:>10}{:>10}{:>10}{:>12}{:>12}{:>10}",
        "", "target", "spent", "in full", "error 50%", "95%", "worst", "loss held", "acc. held", "intervals"
    );
    for table in tables {
        for (target, seeds) in [(0.05, 3), (0.02, 3), (0.01, 3), (0.005, 3)] {
            let (mut spent, mut full) = (0.0, 0);
            let (mut errors, mut held, mut intervals) = (Vec::new(), [0_u32; 2], [0_u32; 2]);
            for seed in 0..seeds {
                let flat = |x: f64, y: f64| Direction::new(&table.layout, vec![x, y]).unwrap();
                let directions = Directions::new(flat(1.0, 0.0), flat(0.0, 1.0)).unwrap();
                let sweep = Sweep::plane(table, directions).data("", &());
                let sweep = sweep.alpha(-1.0..=1.0, SIDE).beta(-1.0..=1.0, SIDE);
                let found = sweep.sampled(&Sampled::new().relative_error(target).seed(seed)).unwrap();
                spent += found.share() / seeds as f64;
                full += found.sampling().sets[0].in_full - found.sampling().nodes;
                for (channel, name) in ["loss", "accuracy"].into_iter().enumerate() {
                    let error = found.standard_error(name).unwrap();
                    for (point, (value, error)) in found.channel(name).unwrap().iter().zip(error).enumerate()
                    {
                        let gap = (value - table.mean(point, channel)).abs();
                        if channel == 0 {
                            errors.push(gap / table.mean(point, 0));
                        }
                        if *error > 0.0 {
                            intervals[channel] += 1;
                            held[channel] += u32::from(gap <= 1.96 * error);
                        }
                    }
                }
            }
            errors.sort_by(f64::total_cmp);
            let quantile = |q: f64| 100.0 * errors[((errors.len() - 1) as f64 * q) as usize];
            let share =
                |channel: usize| 100.0 * f64::from(held[channel]) / f64::from(intervals[channel].max(1));
            println!(
                "{:<24}{:>7.1}%{:>8.1}%{:>11}{:>9.2}%{:>9.2}%{:>9.2}%{:>11.1}%{:>11.1}%{:>10}",
                table.name,
                100.0 * target,
                100.0 * spent,
                full,
                quantile(0.5),
                quantile(0.95),
                quantile(1.0),
                share(0),
                share(1),
                intervals[0]
            );
        }
    }
}

/// ResNet-20 on 50,000 images of 8×8, 51×51 points, to 1 %.
fn large(samples: &Samples<f32>) {
    let images = samples.clone().normalized(&[0.3053], &[0.3762]).unwrap();
    let architecture = Architecture::resnet(20, [1, 8, 8], 10, Skips::With).unwrap();
    let mut net = Network::<f32>::new(&architecture, Criterion::CrossEntropy, 0).unwrap();
    let sgd = Sgd::new(0.1).momentum(0.9).nesterov(true).weight_decay(5e-4).batch_size(128).epochs(3);
    sgd.learning_rate_steps(&[(2, 0.1)]).train(&mut net, &images).unwrap();
    let directions = RandomDirections::new(7).pair(&net).unwrap();
    let sweep = || Sweep::plane(&net, directions.clone()).data("", &images);
    let started = Instant::now();
    let found = sweep().sampled(&Sampled::new()).unwrap();
    let seconds = started.elapsed().as_secs_f64();
    println!("ResNet-20, 50,000 samples, 51×51 points, in {seconds:.0} s: {}", found.sampling());
    let slice = {
        let [first, second] = [directions.first(), directions.second()].map(Direction::values);
        Slice::plane(net.layout(), net.parameters(), first, second).unwrap()
    };
    let (loss, error, mut theta) = (found.loss(), found.error(), vec![0.0; slice.len()]);
    let (mut held, mut errors, mut state, mut full_seconds) = (0, Vec::new(), 11_u64, 0.0);
    while errors.len() < 100 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let [i, j] = [(state >> 33) as usize % 51, (state >> 45) as usize % 51];
        if error[[i, j]] == 0.0 {
            continue;
        }
        slice.theta_into([found.alpha()[i], found.beta()[j]], &mut theta);
        let started = Instant::now();
        let truth = net.loss(&theta, &images).unwrap();
        full_seconds += started.elapsed().as_secs_f64();
        held += usize::from((loss[[i, j]] - truth).abs() <= 1.96 * error[[i, j]]);
        errors.push(100.0 * (loss[[i, j]] / truth - 1.0));
    }
    println!(
        "{held} of 100 points inside of their 95 % intervals; a point in full takes {:.2} s",
        full_seconds / 100.0
    );
    println!("relative errors, in %:");
    for row in errors.chunks(10) {
        for error in row {
            print!("{error:>8.3}");
        }
        println!();
    }
}

/// 512 scattered samples, and 32 scattered sixteens of neighbours, beside 512 consecutive ones: medians of 21 ratios.
fn time_gathering(images: &Samples<f32>) {
    println!("\nTime of 512 samples of ResNet-20, consecutive ones = 1");
    let architecture = Architecture::resnet(20, [1, 8, 8], 10, Skips::With).unwrap();
    let net = Network::<f32>::new(&architecture, Criterion::CrossEntropy, 0).unwrap();
    let direction = RandomDirections::new(1).one(&net).unwrap();
    let slice = Slice::line(net.layout(), net.parameters(), direction.values()).unwrap();
    let mut worker = net.sample_worker(&slice, images).unwrap();
    let mut out = vec![0.0; 1024];
    let consecutive: Vec<usize> = (0..512).collect();
    let scattered: Vec<usize> = (0..512).map(|k| k * 14 / 5).collect();
    let sixteens: Vec<usize> = (0..512).map(|k| k / 16 * 44 + k % 16).collect();
    let mut seconds = |samples: &[usize]| {
        let started = Instant::now();
        worker.evaluate(Point { number: 0, coordinates: [0.1, 0.0] }, samples, &mut out).unwrap();
        started.elapsed().as_secs_f64()
    };
    seconds(&consecutive);
    for (name, samples) in [("scattered", &scattered), ("sixteens", &sixteens)] {
        let mut ratios: Vec<f64> = (0..21).map(|_| seconds(samples) / seconds(&consecutive)).collect();
        ratios.sort_by(f64::total_cmp);
        println!("{name:<24}{:>8.3}", ratios[10]);
    }
}
