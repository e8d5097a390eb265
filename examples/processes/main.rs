//! A map of eigenvalue ratios computed by several processes of one machine, with the bits of one process.
//!
//! `pipes.rs` beside this file connects them, in some 180 lines. To run on something else, such as a queue of jobs, copy it
//! and change how processes are started and how messages travel; `adapters/mpi` does so for `mpirun`.
//!
//!     cargo run --release --example processes -- 3
//!
//! for three processes; a second number is that of points along each axis.
//!
//! Kill one of them: its points go to the others. Kill the first, and start it again: its journal, in the folder
//! `processes`, has all that was finished.

mod pipes;

use std::{env, error::Error, fs, process::Command, time::Duration};

use loss_landscape::{EigenRatio, Executor, RandomDirections, Sweep};
use loss_landscape_nets::{Activation, Criterion, Mlp, Sgd, digits};
use pipes::Pipes;

fn main() -> Result<(), Box<dyn Error>> {
    let number = |place: usize, default: usize| {
        env::args().nth(place).map_or(Ok(default), |argument| argument.parse())
    };
    let (processes, points) = (number(1, 3)?, number(2, 17)?);
    let program = env::current_exe()?;
    let command = || {
        let mut command = Command::new(&program);
        command.args(env::args().skip(1));
        command
    };
    // A process that takes ten minutes for a point hangs.
    let pipes = Pipes::connect(processes, command)?.point_limit(Duration::from_secs(600));

    // From here on all processes do the same. A process of your own would read a checkpoint.
    let (train, _) = digits::<f32>()?;
    let mut net = Mlp::new(&[64, 16, 10], Activation::Tanh, Criterion::CrossEntropy, 0)?;
    Sgd::new(0.1).momentum(0.9).epochs(10).train(&mut net, &train)?;
    fs::create_dir_all("processes")?;
    let map = Sweep::plane(&net, RandomDirections::new(42))
        .data("train", &train)
        .alpha(-0.5..=0.5, points)
        .beta(-0.5..=0.5, points)
        .threads(1)
        .journal("processes/map.journal")
        .executor(&pipes)
        .eigen_ratio(&EigenRatio::new())?;

    // All have the map; one draws it.
    if pipes.process() == 0 {
        println!("{}", map.report());
        map.write_npz("processes/map.npz")?;
    }
    Ok(())
}
