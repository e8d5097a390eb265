//! What several processes cost: a sweep of points of a known length, and messages alone. It is a program and no bench of
//! cargo's, since `mpirun` starts it; `costs.sh` does, and compares.
//!
//!     costs sweep POINTS_ALONG_AN_AXIS MICROSECONDS THREADS
//!     mpirun -n 2 costs messages COUNT

use std::{env, error::Error, hint::black_box, time::Duration, time::Instant};

use loss_landscape::{Executor, FnModel, Layout, RandomDirections, Sweep};
use loss_landscape_mpi::Mpi;

fn main() -> Result<(), Box<dyn Error>> {
    let mpi = Mpi::connect()?;
    let words: Vec<String> = env::args().skip(1).collect();
    let numbers = words.iter().skip(1).map(|word| word.parse()).collect::<Result<Vec<usize>, _>>()?;
    match (words.first().map(String::as_str), &numbers[..]) {
        (Some("sweep"), &[side, microseconds, threads]) => sweep(&mpi, side, microseconds, threads),
        (Some("messages"), &[count]) => messages(&mpi, count),
        _ => Err("see the beginning of benches/costs.rs".into()),
    }
}

/// Arithmetic that nothing can be saved of.
fn work(rounds: usize) -> f64 {
    (0..rounds).fold(1.0, |x, _| black_box(x) * 1.000_000_1 + 1e-9)
}

/// Seconds of a sweep in which a point is so much arithmetic.
fn sweep(mpi: &Mpi, side: usize, microseconds: usize, threads: usize) -> Result<(), Box<dyn Error>> {
    const ROUNDS: usize = 2_000_000;
    let timed = |_| {
        let started = Instant::now();
        black_box(work(ROUNDS));
        started.elapsed().as_secs_f64()
    };
    let fastest = (0..7).map(timed).fold(f64::INFINITY, f64::min);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some millions")]
    let rounds = (microseconds as f64 * 1e-6 / fastest * ROUNDS as f64) as usize;
    // A point is as much work in all of them.
    let mut bytes = rounds.to_le_bytes().to_vec();
    mpi.broadcast(&mut bytes)?;
    let rounds = usize::from_le_bytes(bytes.as_slice().try_into()?);
    let loss = |theta: &[f64], (): &()| theta[0] + 0.0 * work(rounds);
    let model = FnModel::new(Layout::flat(2)?, vec![1.0; 2], loss)?;
    let sweep = || {
        let sweep = Sweep::plane(&model, RandomDirections::new(1)).data("", &()).threads(threads);
        sweep.alpha(-1.0..=1.0, side).beta(-1.0..=1.0, side).executor(mpi).run()
    };
    // The first sweep makes threads, and waits for processes that begin later.
    sweep()?;
    let started = Instant::now();
    sweep()?;
    if mpi.process() == 0 {
        println!("{}", started.elapsed().as_secs_f64());
    }
    Ok(())
}

/// Microseconds for a message of a point's size: sent and received by process 0, one after the other, and there and back.
fn messages(mpi: &Mpi, count: usize) -> Result<(), Box<dyn Error>> {
    let bytes = [7; 64];
    let patience = Duration::from_secs(1);
    let receive = || while mpi.receive(patience).is_ok_and(|arrival| arrival.is_none()) {};
    let each = |started: Instant| started.elapsed().as_secs_f64() * 1e6 / count as f64;
    if mpi.process() == 1 {
        receive();
        (0..count).try_for_each(|_| mpi.send(0, &bytes))?;
        (0..count).for_each(|_| receive());
        mpi.send(0, &bytes)?;
        return (0..count)
            .try_for_each(|_| {
                receive();
                mpi.send(0, &bytes)
            })
            .map_err(Into::into);
    }
    mpi.send(1, &bytes)?;
    let started = Instant::now();
    (0..count).for_each(|_| receive());
    let received = each(started);
    let started = Instant::now();
    (0..count).try_for_each(|_| mpi.send(1, &bytes))?;
    receive();
    let sent = each(started);
    let started = Instant::now();
    for _ in 0..count {
        mpi.send(1, &bytes)?;
        receive();
    }
    println!("{received:.2} received, {sent:.2} sent, {:.1} there and back", each(started));
    Ok(())
}
