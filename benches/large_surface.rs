//! A large surface written to files of every format: seconds, bytes, and the most memory that the process had by then.
//! `cargo bench --bench large_surface [-- points along an axis]`
//!
//! 10,000 along an axis are a hundred million points. Each format is written by a process of its own; the memory of the
//! surface, which is made first, is in what it took.

use std::{env, error::Error, fs, process::Command, time::Instant};

use loss_landscape::{Surface, VtkHeight, ndarray::Array2};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).filter(|word| word != "--bench").collect();
    let side = arguments.first().map_or(Ok(1000), |word| word.parse())?;
    if let Some(format) = arguments.get(1) {
        return run(format, side);
    }
    println!("{side}×{side} points");
    for format in ["surface", "npz", "npz bytes", "csv", "json", "vtk"] {
        if !Command::new(env::current_exe()?).args([&side.to_string(), format]).status()?.success() {
            return Err(format!("{format} failed").into());
        }
    }
    Ok(())
}

fn run(format: &str, side: usize) -> Result<(), Box<dyn Error>> {
    let axis: Vec<f64> = (0..side).map(|i| i as f64 / side as f64).collect();
    let loss = Array2::from_shape_fn((side, side), |(i, j)| (axis[i] - 0.3).powi(2) + axis[j]);
    let surface = Surface::from_channels(&axis, &axis, [("loss".to_owned(), loss)])?;
    let made = memory();
    let path = env::temp_dir().join(format!("large-surface-{side}.{format}"));
    let started = Instant::now();
    match format {
        "npz" => surface.write_npz(&path)?,
        "npz bytes" => fs::write(&path, surface.to_npz_bytes()?)?,
        "csv" => surface.write_csv(&path)?,
        "json" => surface.write_json(&path)?,
        "vtk" => surface.write_vtk(&path, &VtkHeight::new("loss"))?,
        _ => fs::write(&path, "")?,
    }
    let seconds = started.elapsed().as_secs_f64();
    let megabytes = fs::metadata(&path)?.len() as f64 / 1e6;
    fs::remove_file(&path)?;
    println!(
        "{format:<10}{seconds:>7.2} s, {megabytes:>6.0} MB, memory {:>6.0} MB, before {made:.0} MB",
        memory()
    );
    Ok(())
}

/// The most megabytes that this process had at any time.
fn memory() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().map_or(f64::NAN, |kilobytes: f64| kilobytes * 1.024e-3)
}
