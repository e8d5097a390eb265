//! Eigenvalue-ratio maps of small networks, where warm starts have the hardest time: points off by more than the
//! tolerance that carry no mark, and products a point, against dense Hessians.
//!
//! 48 settings: spirals and clusters; hidden layers of 6, of 10, and of 8 and 8 units; tanh and ReLU; at a random
//! start and after training; ranges 1 and 3; grids of 9² to 25² points; 20 pairs of directions each.
//!
//! ```sh
//! cargo bench --bench small_maps                   # one pair of directions a setting
//! cargo bench --bench small_maps -- --seeds 20     # all, about half an hour on one core
//! cargo bench --bench small_maps -- --tuned        # what the guards were tuned on: two thirds, 8 seeds
//! cargo bench --bench small_maps -- --held-out     # all the rest
//! ```
//!
//! `--certified` computes every point cold, `--confidence P` asks for another one, `--repeats N` draws each map N
//! times, `--settings A..B` takes these settings alone, `--cache FOLDER` keeps the true ratios for another time,
//! `--list` prints each point that is off.

use std::{ops::Range, path::PathBuf};

use loss_landscape::{
    Directions, EigenRatio, Model, RandomDirections, Sweep,
    curvature::{HessianOperator, RatioState, SymmetricOperator},
    oracle::Slice,
};
use loss_landscape_nets::{Activation, Adam, Criterion, Mlp, Samples};
use nalgebra::DMatrix;
use ndarray::Array2;
use ndarray_rand::rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

const TOLERANCE: f64 = 0.005;
const SEEDS: u64 = 20;
const TUNED_SEEDS: u64 = 8;
const SIDES: [usize; 5] = [9, 13, 17, 21, 25];

#[derive(Clone, Copy, Debug)]
enum Data {
    Spirals,
    Clusters,
}

/// A network, its data, and the square of the plane that is mapped.
struct Setting {
    number: usize,
    data: Data,
    hidden: &'static [usize],
    activation: Activation,
    trained: bool,
    range: f64,
    side: usize,
}

/// What is asked for on the command line.
struct Asked {
    settings: Range<usize>,
    seeds: u64,
    /// Those that the guards were tuned on, the others, or all.
    tuned: Option<bool>,
    repeats: u64,
    certified: bool,
    confidence: f64,
    cache: Option<PathBuf>,
    list: bool,
}

/// Counts over maps.
#[derive(Clone, Debug, Default)]
struct Count {
    points: usize,
    marked: usize,
    /// Off by more than the tolerance, and not marked; those of them that are certified.
    off: usize,
    certified_off: usize,
    maps: usize,
    maps_with_off: usize,
    largest: f64,
    products: usize,
    cold: usize,
}

fn settings() -> Vec<Setting> {
    let mut all = Vec::new();
    for data in [Data::Spirals, Data::Clusters] {
        for hidden in [&[6][..], &[10], &[8, 8]] {
            for activation in [Activation::Tanh, Activation::Relu] {
                for trained in [false, true] {
                    for range in [1.0, 3.0] {
                        let number = all.len();
                        let side = SIDES[number % SIDES.len()];
                        all.push(Setting { number, data, hidden, activation, trained, range, side });
                    }
                }
            }
        }
    }
    all
}

/// 120 samples of two features: three spirals, or six clusters of three classes.
fn samples(data: Data) -> Samples<f64> {
    let mut generator = ChaCha8Rng::seed_from_u64(7);
    let mut normal = || -> f64 { StandardNormal.sample(&mut generator) };
    let labels: Vec<u32> = (0..120).map(|i| i % 3).collect();
    let inputs = Array2::from_shape_vec(
        (120, 2),
        (0..120)
            .flat_map(|i| {
                let (class, along) = (f64::from(i % 3), f64::from(i / 3) / 40.0);
                let [x, y] = match data {
                    Data::Spirals => {
                        let angle = 4.5 * along + class * std::f64::consts::TAU / 3.0;
                        [angle.cos(), angle.sin()].map(|u| (0.2 + 1.3 * along) * u)
                    }
                    Data::Clusters => {
                        let angle = f64::from(i % 6) * std::f64::consts::TAU / 6.0;
                        [angle.cos() * 1.5, angle.sin() * 1.5]
                    }
                };
                let noise = match data {
                    Data::Spirals => 0.05,
                    Data::Clusters => 0.4,
                };
                [x + noise * normal(), y + noise * normal()]
            })
            .collect(),
    );
    Samples::labelled(inputs.unwrap(), labels).unwrap()
}

impl Setting {
    fn network(&self, data: &Samples<f64>) -> Mlp<f64> {
        let sizes: Vec<usize> = [2].into_iter().chain(self.hidden.iter().copied()).chain([3]).collect();
        let mut net = Mlp::new(&sizes, self.activation, Criterion::CrossEntropy, self.number as u64).unwrap();
        if self.trained {
            Adam::new(0.02).epochs(60).batch_size(20).seed(1).train(&mut net, data).unwrap();
        }
        net
    }

    fn name(&self) -> String {
        let Self { number, data, hidden, activation, trained, range, side } = self;
        let phase = if *trained { "trained" } else { "start" };
        let (data, activation) = (format!("{data:?}"), format!("{activation:?}"));
        format!(
            "{number:>2} {data:<9}{:<7}{activation:<5}{phase:<8}±{range} {side:>2}²",
            format!("{hidden:?}")
        )
    }

    /// Whether the guards were tuned on this map.
    fn is_tuned(&self, seed: u64) -> bool {
        self.number % 3 != 2 && seed < TUNED_SEEDS
    }

    fn axis(&self) -> Vec<f64> {
        (0..self.side).map(|i| self.range * (2.0 * i as f64 / (self.side - 1) as f64 - 1.0)).collect()
    }

    /// The true ratios, by the eigenvalues of dense Hessians.
    fn truth(&self, net: &Mlp<f64>, data: &Samples<f64>, dirs: &Directions<f64>) -> Vec<f64> {
        let plane =
            Slice::plane(net.layout(), net.parameters(), dirs.first().values(), dirs.second().values())
                .unwrap();
        let mut theta = net.parameters().to_vec();
        let mut hessian = HessianOperator::new(net, &theta, data).unwrap();
        let n = hessian.dimension();
        let units: Vec<f64> = DMatrix::<f64>::identity(n, n).as_slice().to_vec();
        let mut columns = vec![0.0; n * n];
        let mut all = Vec::with_capacity(self.side * self.side);
        for &alpha in &self.axis() {
            for &beta in &self.axis() {
                plane.theta_into([alpha, beta], &mut theta);
                hessian.move_to(&theta).unwrap();
                hessian.apply_several(&units, &mut columns).unwrap();
                let dense = DMatrix::from_column_slice(n, n, &columns);
                let spectrum = (0.5 * (&dense + dense.transpose())).symmetric_eigenvalues();
                all.push((spectrum.min() / spectrum.max()).abs());
            }
        }
        all
    }

    fn kept_truth(
        &self,
        net: &Mlp<f64>,
        data: &Samples<f64>,
        dirs: &Directions<f64>,
        seed: u64,
        cache: Option<&PathBuf>,
    ) -> Vec<f64> {
        let path = cache.map(|folder| folder.join(format!("{}-{seed}.f64", self.number)));
        if let Some(bytes) = path.as_ref().and_then(|path| std::fs::read(path).ok()) {
            return bytes.as_chunks().0.iter().map(|&value| f64::from_le_bytes(value)).collect();
        }
        let truth = self.truth(net, data, dirs);
        if let Some(path) = path {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let bytes: Vec<u8> = truth.iter().flat_map(|value| value.to_le_bytes()).collect();
            std::fs::write(path, bytes).unwrap();
        }
        truth
    }

    fn count(&self, asked: &Asked) -> Count {
        let data = samples(self.data);
        let net = self.network(&data);
        let mut count = Count::default();
        for seed in 0..asked.seeds {
            if asked.tuned.is_some_and(|tuned| tuned != self.is_tuned(seed)) {
                continue;
            }
            let dirs = RandomDirections::new(seed).pair(&net).unwrap();
            let truth = self.kept_truth(&net, &data, &dirs, seed, asked.cache.as_ref());
            for repeat in 0..asked.repeats {
                self.add(&mut count, &net, &data, &dirs, &truth, seed + 1000 * repeat, asked);
            }
        }
        count
    }

    #[allow(clippy::too_many_arguments, reason = "a map, its truth and what to print of it")]
    fn add(
        &self,
        count: &mut Count,
        net: &Mlp<f64>,
        data: &Samples<f64>,
        dirs: &Directions<f64>,
        truth: &[f64],
        seed: u64,
        asked: &Asked,
    ) {
        let axis = self.axis();
        let map = Sweep::plane(net, dirs.clone())
            .data("", data)
            .alpha_at(&axis)
            .beta_at(&axis)
            .eigen_ratio(
                &EigenRatio::new()
                    .tolerance(TOLERANCE)
                    .confidence(asked.confidence)
                    .certified(asked.certified)
                    .seed(seed),
            )
            .unwrap();
        let before = count.off;
        let products = map.channel("products").unwrap();
        for ((((i, j), &found), &exact), &marked) in
            map.ratio().indexed_iter().zip(truth).zip(&map.uncertain())
        {
            let error = (found - exact).abs() / exact.max(1.0);
            count.points += 1;
            count.marked += usize::from(marked);
            if !marked {
                count.largest = count.largest.max(error);
                count.off += usize::from(error > TOLERANCE);
                let certified = map.states()[[i * self.side + j, 0]] == Some(RatioState::Certified);
                count.certified_off += usize::from(error > TOLERANCE && certified);
            }
            if asked.list && error > TOLERANCE {
                println!(
                    "   {} seed {seed} [{i}, {j}]: {found:.4}, truly {exact:.4}, {} products, {:?}, marked {marked}",
                    self.number,
                    products[[i, j]],
                    map.ends()[[i * self.side + j, 0]],
                );
            }
        }
        count.maps += 1;
        count.maps_with_off += usize::from(count.off > before);
        count.products += map.products();
        count.cold += map.cold_points();
    }
}

impl Count {
    fn add(&mut self, other: &Self) {
        self.points += other.points;
        self.marked += other.marked;
        self.off += other.off;
        self.certified_off += other.certified_off;
        self.maps += other.maps;
        self.maps_with_off += other.maps_with_off;
        self.largest = self.largest.max(other.largest);
        self.products += other.products;
        self.cold += other.cold;
    }

    fn print(&self, name: &str) {
        let Self { points, marked, off, certified_off, maps, maps_with_off, largest, products, cold } = self;
        let share = |count: usize| count as f64 / *points as f64;
        println!(
            "{name:<42}{off:>6} ({certified_off:>3}) /{points:>7}{maps_with_off:>6} /{maps:>4}{largest:>9.4}{marked:>8}\
             {:>10.2}{:>8.3}",
            share(*products),
            share(*cold)
        );
    }
}

impl Asked {
    fn parse() -> Self {
        let arguments: Vec<String> = std::env::args().collect();
        let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
        let value = |flag: &str| {
            let at = arguments.iter().position(|argument| argument == flag)?;
            Some(arguments.get(at + 1).unwrap_or_else(|| panic!("{flag} needs a value")).as_str())
        };
        let number = |text: &str| text.parse::<u64>().unwrap_or_else(|_| panic!("{text} is no number"));
        let tuned = if has("--tuned") { Some(true) } else { has("--held-out").then_some(false) };
        let settings = value("--settings").map_or(0..48, |range| {
            let (first, end) = range.split_once("..").unwrap_or_else(|| panic!("{range} is no range"));
            number(first) as usize..(number(end) as usize).min(48)
        });
        Self {
            settings,
            seeds: value("--seeds").map_or(if tuned.is_some() { SEEDS } else { 1 }, number).min(SEEDS),
            tuned,
            repeats: value("--repeats").map_or(1, number),
            certified: has("--certified"),
            confidence: value("--confidence").map_or(0.999, |text| text.parse().unwrap()),
            cache: value("--cache").map(PathBuf::from),
            list: has("--list"),
        }
    }
}

fn main() {
    let asked = Asked::parse();
    println!(
        "{:<42}{:>21}{:>12}{:>9}{:>8}{:>10}{:>8}",
        "setting", "off (certified)", "in maps", "largest", "marked", "products", "cold"
    );
    let (mut total, mut means) = (Count::default(), Vec::new());
    for setting in &settings()[asked.settings.clone()] {
        let count = setting.count(&asked);
        if count.maps > 0 {
            count.print(&setting.name());
            means.push(count.products as f64 / count.points as f64);
        }
        total.add(&count);
    }
    total.print("all");
    let (mean, most) =
        (means.iter().sum::<f64>() / means.len() as f64, means.iter().copied().fold(0.0, f64::max));
    println!("products a point: {mean:.2} the mean of the settings, {most:.2} the most of one");
}
