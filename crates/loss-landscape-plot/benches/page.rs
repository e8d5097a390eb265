//! Pages: how large they are and how long they take to write. `cargo bench --bench page`

#[path = "../../../benches/common/mod.rs"]
mod common;

use std::hint::black_box;

use common::{in_turns, median};
use loss_landscape_plot::page::{Page, PageLandscape};
use ndarray::Array2;

fn page(side: usize, channels: usize) -> Page {
    let axis: Vec<f64> = (0..side).map(|k| 2.0 * k as f64 / (side - 1) as f64 - 1.0).collect();
    let mut landscape = PageLandscape::new("a", &axis, &axis);
    for channel in 0..channels {
        let steepness = 9.0 + channel as f64;
        let loss = Array2::from_shape_fn((side, side), |(i, j)| {
            0.02 + axis[i].powi(2) + steepness * axis[j].powi(2)
        });
        landscape = landscape.channel(format!("loss {channel}"), loss.view());
    }
    Page::new("a page").landscape(landscape)
}

fn main() {
    for (side, channels, limit) in [(251, 4, 10), (1001, 1, 30)] {
        let page = page(side, channels);
        let bytes = page.to_html().unwrap().len();
        let seconds = in_turns(
            7,
            &mut [&mut || {
                black_box(page.to_html().unwrap());
            }],
        );
        println!(
            "{side}×{side} points, {channels} channels: {:.2} MB (must: {limit} MB), {:.1} ms",
            bytes as f64 / 1e6,
            1e3 * median(&seconds[0]),
        );
    }
}
