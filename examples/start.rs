//! The shortest start: a model of your own as a closure, its loss landscape, a picture.
//!
//!     cargo run --release --example start

use loss_landscape::{FnModel, Layout, RandomDirections, grid_2d};
use loss_landscape_plot::{Figure, SurfaceFigure};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Data: y = sin x at 50 places. A network of 8 tanh units; θ is one flat vector, a layout names its parts.
    let data: Vec<(f64, f64)> = (0..50).map(|i| f64::from(i) / 8.0 - 3.0).map(|x| (x, x.sin())).collect();
    let layout = Layout::flat(24)?;
    let loss = |theta: &[f64], data: &Vec<(f64, f64)>| -> f64 {
        let units = theta.chunks_exact(3);
        let net = |x: f64| units.clone().map(|unit| unit[2] * (unit[0] * x + unit[1]).tanh()).sum::<f64>();
        data.iter().map(|(x, y)| (net(*x) - y).powi(2)).sum::<f64>() / data.len() as f64
    };
    // "Training": a few thousand random steps that are kept where the loss falls. Bring your own trained θ instead.
    let mut theta: Vec<f64> = (0..24).map(|i| f64::from(i * 7 % 11) / 5.0 - 1.0).collect();
    for step in 0..6000_u32 {
        let mut moved = theta.clone();
        moved[step as usize * 5 % 24] +=
            f64::from(step.wrapping_mul(2_654_435_761) >> 8) / 167_772_160.0 - 0.05;
        if loss(&moved, &data) < loss(&theta, &data) {
            theta = moved;
        }
    }
    println!("loss {:.4}", loss(&theta, &data));
    let surface = grid_2d(&FnModel::new(layout, theta, loss)?, &data, RandomDirections::new(42))?;
    println!("{surface}");
    SurfaceFigure::from(&surface).title("My first landscape").save("start.svg")?;
    Ok(())
}
