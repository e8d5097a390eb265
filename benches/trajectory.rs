//! The principal plane of 300 snapshots of 1,000,000 `f32` parameters, from files: seconds, and the most memory that the
//! process held. It writes 1.2 GB to the folder for temporary files, and removes it.
//!
//! ```sh
//! cargo bench --bench trajectory
//! cargo bench --bench trajectory -- 50   # snapshots
//! ```

use std::{fs, time::Instant};

use loss_landscape::{Block, CheckpointReader, Layout, trajectory::PrincipalPlane, write_checkpoint};
use ndarray_rand::rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Kilobytes that Linux says were held at most; none elsewhere.
fn most_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let snapshots: usize = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(300);
    let blocks = (0..10).map(|i| Block::weight(format!("layer{i}.weight"), [250, 400], 0));
    let layout = Layout::new(blocks)?;
    let folder = std::env::temp_dir().join(format!("loss-landscape-bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    // A walk with a drift.
    let mut generator = ChaCha8Rng::seed_from_u64(1);
    let mut theta = vec![0.0_f32; layout.len()];
    let paths: Vec<_> = (0..snapshots).map(|i| folder.join(format!("{i}.safetensors"))).collect();
    for path in &paths {
        for (i, value) in theta.iter_mut().enumerate() {
            *value += 0.01 * (generator.random::<f32>() - 0.5) + 0.001 * (i % 3) as f32;
        }
        write_checkpoint(&layout, &theta, path)?;
    }
    let before = most_memory();
    let started = Instant::now();
    let files = CheckpointReader::<f32>::new(&layout).snapshots(&paths)?;
    let opened = started.elapsed().as_secs_f64();
    let trajectory = PrincipalPlane::new().run(&layout, &files);
    let seconds = started.elapsed().as_secs_f64();
    let after = most_memory();
    fs::remove_dir_all(&folder)?;
    let trajectory = trajectory?;
    println!("{}", trajectory.report());
    println!(
        "{snapshots} files of {} parameters with {} threads: {seconds:.2} s, {opened:.2} s of them for headers \
         (must: 10 s for 300)",
        layout.len(),
        rayon::current_num_threads(),
    );
    if let (Some(before), Some(after)) = (before, after) {
        println!("most memory held: {} MB, {} MB before (must: 200 MB)", after / 1000, before / 1000);
    }
    Ok(())
}
