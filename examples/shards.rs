//! A surface computed by several processes, each of which may be killed and started again.
//!
//! Every process takes every n-th point and writes a journal. Started again it goes on where it was; in the
//! end the journals make the whole. On one machine, with three processes:
//!
//!     cargo build --release --example shards
//!     for k in 0 1 2; do target/release/examples/shards run "$k" 3 & done; wait
//!     target/release/examples/shards merge
//!
//! and on a cluster with `examples/shards.slurm`. Without arguments it does all of that in one process. It
//! writes to the folder `shards`.

use std::{error::Error, fs, path::PathBuf};

use loss_landscape::{Journal, ProgressBar, RandomDirections, Surface, Sweep};
use loss_landscape_nets::{Activation, Criterion, Mlp, Samples, Sgd, digits};
use loss_landscape_plot::{ContourFigure, Figure};

const FOLDER: &str = "shards";

fn main() -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(FOLDER)?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            for k in 0..3 {
                run(k, 3)?;
            }
            merge()
        }
        ["run", k, n] => run(k.parse()?, n.parse()?),
        ["merge"] => merge(),
        _ => Err("the arguments are `run K N` or `merge`".into()),
    }
}

/// The same network in every process: training is reproducible to the bit. A process of your own would read a
/// checkpoint instead.
fn trained(train: &Samples<f32>) -> Result<Mlp<f32>, Box<dyn Error>> {
    let mut net = Mlp::new(&[64, 16, 10], Activation::Relu, Criterion::CrossEntropy, 0)?;
    Sgd::new(0.1).momentum(0.9).epochs(20).train(&mut net, train)?;
    Ok(net)
}

fn run(k: usize, n: usize) -> Result<(), Box<dyn Error>> {
    let (train, test) = digits::<f32>()?;
    let net = trained(&train)?;
    let bar = ProgressBar::new(format!("shard {k} of {n}"));
    let sweep = Sweep::plane(&net, RandomDirections::new(42).pair(&net)?)
        .data("train", &train)
        .data("test", &test)
        .alpha(-1.0..=1.0, 101)
        .beta(-1.0..=1.0, 101)
        .shard(k, n)
        .journal(format!("{FOLDER}/{k}-of-{n}.journal"))
        .observer(&bar);
    let cost = sweep.cost()?;
    println!(
        "shard {k} of {n}: {} points to come, {:.2} ms each, about {:.0} s",
        cost.points,
        1e3 * cost.seconds_per_point,
        cost.total_seconds
    );
    let surface = sweep.run()?;
    if let Some(found) = &surface.report().resumed {
        println!("shard {k} of {n}: {} points were there", found.points);
    }
    Ok(())
}

fn merge() -> Result<(), Box<dyn Error>> {
    let entries = fs::read_dir(FOLDER)?.map(|entry| Ok(entry?.path()));
    let paths: Vec<PathBuf> = entries.collect::<Result<_, std::io::Error>>()?;
    let journals =
        paths.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "journal"));
    let journal = Journal::read(journals)?;
    println!("{journal}");
    for damage in journal.damage() {
        println!("{damage}");
    }
    let gaps = journal.gaps();
    if let Some(first) = gaps.first() {
        println!("{} gaps, the first one at point {}: start those shards again", gaps.len(), first.start);
    }
    let surface = Surface::from_journal(&journal)?;
    let (table, figure) = (format!("{FOLDER}/surface.csv"), format!("{FOLDER}/surface.svg"));
    surface.write_csv(&table)?;
    ContourFigure::from_surface(&surface, "train loss")?.title("Training loss").save(&figure)?;
    println!("written: {table}, {figure}");
    Ok(())
}
