//! What a sweep through the adapter costs beside a loop over candle written by hand, and what threads gain.
//!
//!     cargo bench --bench overhead
//!
//! Rounds of each way alternate, and the least time counts. The threads' part runs this program again with candle on
//! one thread.

#[allow(dead_code, reason = "the tests train and check")]
#[path = "../tests/common/mod.rs"]
mod common;

use std::{env, error::Error, hint::black_box, process::Command, time::Instant};

use candle_core::{DType, Device, Tensor};
use candle_nn::VarMap;
use common::{Cnn, Data, digits, first, fresh};
use loss_landscape::{Directions, Model, RandomDirections, Sweep};
use loss_landscape_candle::{CandleModel, RebuiltModel};

const POINTS: usize = 7;
const ROUNDS: usize = 7;

fn main() -> Result<(), Box<dyn Error>> {
    let [train, _] = digits(DType::F32)?;
    if env::var_os("ALONE").is_some() {
        for samples in [100, 1_000] {
            let data = first(&train, samples)?;
            print_threads(samples, threads(&data)?);
        }
        return Ok(());
    }
    println!("a CNN of 1,000 parameters on digits, {POINTS}×{POINTS} points, ms a point");
    for samples in [100, 1_000] {
        let data = first(&train, samples)?;
        let [by_hand, here, on_device] = overhead(&data)?;
        println!(
            "  {samples:5} samples: {by_hand:.3} by hand, {here:.3} by a sweep ({:+.1} %), {on_device:.3} combined by \
             candle ({:+.1} %)",
            100.0 * (here / by_hand - 1.0),
            100.0 * (on_device / by_hand - 1.0),
        );
        print_threads(samples, threads(&data)?);
    }
    println!("the same with candle on one thread");
    let mut alone = Command::new(env::current_exe()?);
    alone.env("ALONE", "1").env("RAYON_NUM_THREADS", "1").env("CANDLE_NUM_THREADS", "1");
    if alone.status()?.success() { Ok(()) } else { Err("the second run failed".into()) }
}

fn print_threads(samples: usize, [here, rebuilt, two]: [f64; 3]) {
    println!(
        "  {samples:5} samples: {here:.3} here, {rebuilt:.3} here and rebuilt, {two:.3} rebuilt on two threads"
    );
}

/// Milliseconds a point.
fn time<T>(work: impl FnOnce() -> Result<T, Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    let start = Instant::now();
    black_box(work()?);
    Ok(start.elapsed().as_secs_f64() * 1e3 / (POINTS * POINTS) as f64)
}

fn overhead(data: &Data) -> Result<[f64; 3], Box<dyn Error>> {
    let (map, net) = fresh(DType::F32, false)?;
    let model = CandleModel::new(&map, |data: &Data| net.loss(data))?;
    let on_device = CandleModel::new(&map, |data: &Data| net.loss(data))?.combine_on_device(true);
    let plane = RandomDirections::new(1).pair(&model)?;
    let mut least = [f64::INFINITY; 3];
    for _ in 0..ROUNDS {
        let (other, by_hand) = fresh(DType::F32, false)?;
        let times = [
            time(|| loop_by_hand(&other, &by_hand, &model, &plane, data))?,
            time(|| {
                let sweep = Sweep::plane(&model, plane.clone()).data("", data);
                Ok(sweep.alpha(-1.0..=1.0, POINTS).beta(-1.0..=1.0, POINTS).here().run()?)
            })?,
            time(|| {
                let sweep = Sweep::plane(&on_device, plane.clone()).data("", data);
                Ok(sweep.alpha(-1.0..=1.0, POINTS).beta(-1.0..=1.0, POINTS).here().run()?)
            })?,
        ];
        least = std::array::from_fn(|way| least[way].min(times[way]));
    }
    Ok(least)
}

/// As one would write it without the crate: tensors of θ and both directions by name, added at every point.
fn loop_by_hand<M: Model<Scalar = f32>>(
    map: &VarMap,
    net: &Cnn,
    model: &M,
    plane: &Directions<f32>,
    data: &Data,
) -> Result<(), Box<dyn Error>> {
    let mut map = map.clone();
    let mut tensors = Vec::new();
    for block in model.layout().blocks() {
        let part = |vector: &[f32]| Tensor::from_slice(&vector[block.range()], block.shape(), &Device::Cpu);
        let three =
            [part(model.parameters())?, part(plane.first().values())?, part(plane.second().values())?];
        tensors.push((block.name().to_owned(), three));
    }
    let axis = |i: usize| 2.0 * i as f64 / (POINTS - 1) as f64 - 1.0;
    for point in 0..POINTS * POINTS {
        for (name, [theta, d, e]) in &tensors {
            map.set_one(name, ((theta + (d * axis(point / POINTS))?)? + (e * axis(point % POINTS))?)?)?;
        }
        black_box(net.loss(data)?.to_scalar::<f32>()?);
    }
    Ok(())
}

/// On the calling thread, with a network that is rebuilt there, and with that on two threads.
fn threads(data: &Data) -> Result<[f64; 3], Box<dyn Error>> {
    let (map, net) = fresh(DType::F32, false)?;
    let set = CandleModel::new(&map, |data: &Data| net.loss(data))?;
    let rebuilt = RebuiltModel::new(&map, |vb, data: &Data| Cnn::new(&vb, false)?.loss(data))?;
    let mut least = [f64::INFINITY; 3];
    for _ in 0..ROUNDS {
        let sweep = Sweep::plane(&set, RandomDirections::new(1)).data("", data);
        let here = sweep.alpha(-1.0..=1.0, POINTS).beta(-1.0..=1.0, POINTS).here();
        let sweep = || {
            let sweep = Sweep::plane(&rebuilt, RandomDirections::new(1)).data("", data);
            sweep.alpha(-1.0..=1.0, POINTS).beta(-1.0..=1.0, POINTS)
        };
        let times = [
            time(|| Ok(here.run()?))?,
            time(|| Ok(sweep().here().run()?))?,
            time(|| Ok(sweep().threads(2).run()?))?,
        ];
        least = std::array::from_fn(|way| least[way].min(times[way]));
    }
    Ok(least)
}
