//! Journals of many points: written by a sweep, read, merged, and taken up again by the sweep; seconds, bytes a second and
//! the most memory that the process had by then. `cargo bench --bench journals [-- points along an axis]`
//!
//! 3,163 along an axis are ten million points. The memory of a surface of so many points is in it; each part runs in a
//! process of its own.

use std::{env, error::Error, fs, path::Path, process::Command, time::Instant};

use loss_landscape::{FnModel, Journal, Layout, RandomDirections, Surface, Sweep};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).filter(|word| word != "--bench").collect();
    let side = arguments.first().map_or(Ok(1001), |word| word.parse())?;
    let folder = env::temp_dir().join("journals-bench");
    if let Some(part) = arguments.get(1) {
        return run(part, side, &folder);
    }
    fs::create_dir_all(&folder)?;
    println!("{} points; each of two shards has half of them", side * side);
    for part in ["first shard", "second shard", "read", "merge", "surface", "resume"] {
        let mut this = Command::new(env::current_exe()?);
        if !this.args([&side.to_string(), part]).status()?.success() {
            return Err(format!("{part} failed").into());
        }
    }
    fs::remove_dir_all(&folder)?;
    Ok(())
}

fn run(part: &str, side: usize, folder: &Path) -> Result<(), Box<dyn Error>> {
    let path = |name: &str| folder.join(name);
    let shards = [path("0.journal"), path("1.journal")];
    let model = FnModel::new(Layout::flat(2)?, vec![1.0, 2.0], |t: &[f64], (): &()| t[0] * t[1])?;
    let sweep = || {
        let sweep = Sweep::plane(&model, RandomDirections::new(1)).data("", &());
        sweep.alpha(-1.0..=1.0, side).beta(-1.0..=1.0, side)
    };
    let started = Instant::now();
    let bytes = match part {
        "first shard" | "second shard" => {
            let k = usize::from(part == "second shard");
            sweep().shard(k, 2).journal(&shards[k]).run()?;
            fs::metadata(&shards[k])?.len()
        }
        "read" => {
            let journal = Journal::read(&shards)?;
            assert!(journal.gaps().is_empty() && journal.computed() == side * side);
            shards.iter().map(|path| fs::metadata(path).map_or(0, |found| found.len())).sum()
        }
        "merge" => {
            Journal::read(&shards)?.write(path("merged.journal"))?;
            2 * fs::metadata(path("merged.journal"))?.len()
        }
        "surface" => {
            let surface = Surface::from_journal(&Journal::read([path("merged.journal")])?)?;
            assert_eq!(surface.report().computed, side * side);
            fs::metadata(path("merged.journal"))?.len()
        }
        _ => {
            let surface = sweep().journal(path("merged.journal")).run()?;
            assert_eq!(surface.report().resumed.as_ref().map(|resumed| resumed.points), Some(side * side));
            fs::metadata(path("merged.journal"))?.len()
        }
    };
    let seconds = started.elapsed().as_secs_f64();
    let megabytes = bytes as f64 / 1e6;
    let most = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let most = most.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or(" unknown").trim();
    println!(
        "{part:<13}{seconds:>7.2} s, {megabytes:>6.0} MB, {:>6.0} MB/s, memory {most}",
        megabytes / seconds
    );
    Ok(())
}
