//! A landscape of a network that only another program can evaluate, through files.
//!
//! This program writes θ and two filter-normalised directions; any other evaluates the loss over their plane
//! (`through_files.py` does it in plain Python, for a network of its own); this one reads the numbers and draws them.
//!
//!     cargo run --release --example through_files -- write
//!     python examples/through_files.py through_files
//!     cargo run --release --example through_files -- draw
//!
//! All files are in the folder `through_files`.

use std::{error::Error, fs, path::Path};

use loss_landscape::{
    Direction, Directions, FnModel, Layout, Model, RandomDirections, Surface, Sweep, pytorch_roles,
    read_checkpoint, write_checkpoint,
};
use loss_landscape_nets::{Activation, Criterion, Mlp, Samples, Sgd, digits};
use loss_landscape_plot::{
    ContourFigure, Figure,
    page::{Page, PageLandscape},
};

const FOLDER: &str = "through_files";

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1).as_deref() {
        Some("write") => write(Path::new(FOLDER)),
        Some("draw") => draw(Path::new(FOLDER)),
        _ => Err("say `write` or `draw`".into()),
    }
}

/// θ, the directions and the data as files. The checkpoint might be yours; here it is of a network of this crate.
fn write(folder: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let (train, _) = digits::<f64>()?;
    let mut net = Mlp::new(&[64, 16, 10], Activation::Tanh, Criterion::CrossEntropy, 1)?;
    Sgd::new(0.1).momentum(0.9).batch_size(64).epochs(10).train(&mut net, &train)?;
    let checkpoint = folder.join("theta.safetensors");
    write_checkpoint(net.layout(), net.parameters(), &checkpoint)?;
    write_data(&train, folder)?;

    // From here on nothing is known but the file: names and shapes are in it, roles and filters in PyTorch's rule.
    let layout = Layout::from_checkpoint(&checkpoint, pytorch_roles)?;
    let theta = read_checkpoint::<f64>(&layout, &checkpoint)?.theta;
    let unknown = FnModel::new(layout, theta, |_: &[f64], (): &()| f64::NAN)?;
    let directions = RandomDirections::new(42).pair(&unknown)?;
    directions.write_safetensors(folder.join("directions.safetensors"))?;
    println!("written to {}; now: python examples/through_files.py {0}", folder.display());
    Ok(())
}

/// The losses that the other program computed, as a figure and a page.
fn draw(folder: &Path) -> Result<(), Box<dyn Error>> {
    let surface = Surface::read_npz(folder.join("surface.npz"))?;
    println!("{surface}");
    ContourFigure::from(&surface).title("Evaluated elsewhere").save(folder.join("surface.svg"))?;
    let landscape = PageLandscape::from_surface("train loss", &surface);
    Page::new("Evaluated elsewhere").landscape(landscape).save(folder.join("surface.html"))?;
    check(&surface, folder)
}

/// The same plane by this crate, for a network that it happens to know.
fn check(surface: &Surface, folder: &Path) -> Result<(), Box<dyn Error>> {
    let (train, _) = digits::<f64>()?;
    let net = Mlp::new(&[64, 16, 10], Activation::Tanh, Criterion::CrossEntropy, 1)?;
    let theta = read_checkpoint::<f64>(net.layout(), folder.join("theta.safetensors"))?.theta;
    let net = net.at(theta)?;
    // Tensors come in another order in the file than in this network's layout.
    let in_file = Layout::from_checkpoint(folder.join("theta.safetensors"), pytorch_roles)?;
    let both =
        Directions::<f64>::read_safetensors(&in_file, folder.join("directions.safetensors"))?.into_both();
    let [first, second] = both.map(|direction| -> loss_landscape::Result<Direction<f64>> {
        let values = net.layout().gather(|block| in_file.block(block.name())?.slice(direction.values()))?;
        Direction::new(net.layout(), values)
    });
    let plane = Sweep::plane(&net, Directions::new(first?, second?)?).data("", &train);
    let own = plane.alpha_at(surface.alpha()).beta_at(surface.beta()).run()?;
    let gaps = own.loss().iter().zip(surface.loss()).map(|(a, b)| (a - b).abs()).collect::<Vec<_>>();
    let largest = gaps.iter().copied().fold(0.0, f64::max);
    println!("largest difference from this crate's own evaluation: {largest:.1e}");
    if largest < 1e-12 { Ok(()) } else { Err("the two evaluations differ".into()) }
}

/// Inputs and labels as raw numbers.
fn write_data(data: &Samples<f64>, folder: &Path) -> Result<(), Box<dyn Error>> {
    let inputs: Vec<u8> = data.inputs().iter().flat_map(|value| value.to_le_bytes()).collect();
    fs::write(folder.join("inputs.f64"), inputs)?;
    let labels = data.labels().ok_or("digits have labels")?;
    fs::write(folder.join("labels.u8"), labels.iter().map(|&label| label as u8).collect::<Vec<_>>())?;
    Ok(())
}
