//! The layout of the original repository, and which of our channels is which of its datasets.

use hdf5_pure::FileBuilder;

use super::guarded::{Array, Guarded, required};
use crate::{
    Result,
    io::table::{Content, Table, wrong},
};

/// A dataset of theirs.
struct Known {
    dataset: &'static str,
    /// Our name with their data set named, and without.
    channels: [&'static str; 2],
    /// Theirs in terms of ours.
    factor: f64,
    /// What stands for "not done yet".
    todo: f64,
}

const fn known(dataset: &'static str, named: &'static str, unnamed: &'static str) -> Known {
    Known { dataset, channels: [named, unnamed], factor: 1.0, todo: -1.0 }
}

/// All of them. Accuracies are in percent there. The original's own two sweeps are of the training data.
const KNOWN: [Known; 6] = [
    known("train_loss", "train loss", "loss"),
    Known { factor: 100.0, ..known("train_acc", "train accuracy", "accuracy") },
    known("test_loss", "test loss", "test loss"),
    Known { factor: 100.0, ..known("test_acc", "test accuracy", "test accuracy") },
    Known { todo: 1.0, ..known("min_eig", "train lambda_min", "lambda_min") },
    known("max_eig", "train lambda_max", "lambda_max"),
];

/// Adds what the original's scripts read.
pub(super) fn write(table: &Table<'_>, file: &mut FileBuilder) {
    file.create_dataset("xcoordinates").with_f64_data(table.alpha);
    if let Some(beta) = table.beta {
        file.create_dataset("ycoordinates").with_f64_data(beta);
    }
    let (rows, columns) = (table.alpha.len(), table.columns());
    let shape: Vec<u64> = match table.beta {
        Some(_) => vec![columns as u64, rows as u64],
        None => vec![rows as u64],
    };
    let position = |known: &Known| {
        known.channels.iter().find_map(|&name| table.channels.iter().position(|channel| channel == name))
    };
    for (k, known) in KNOWN.iter().enumerate() {
        let values: Vec<f64> = if let Some(position) = position(known) {
            let values: Vec<f64> = table.channel(position).collect();
            let at =
                |point: usize| if table.computed[point] { values[point] * known.factor } else { known.todo };
            // x runs fastest: see `Surface::write_hdf5`.
            (0..columns).flat_map(|j| (0..rows).map(move |i| i * columns + j)).map(at).collect()
        } else if table.beta.is_none() && known.factor != 1.0 && position(&KNOWN[k - 1]).is_some() {
            // `plot_1D.py` reads an accuracy wherever it reads a loss.
            vec![f64::NAN; rows]
        } else {
            continue;
        };
        file.create_dataset(known.dataset).with_f64_data(&values).with_shape(&shape);
    }
}

/// Reads what the original wrote.
pub(super) fn read(file: &mut Guarded) -> Result<Content> {
    let axis = |array: Array<f64>, path: &str| match array.shape.len() {
        1 => Ok(array.values),
        axes => Err(wrong("HDF5", format!("`{path}`"), "one row of numbers", format!("of {axes} axes"))),
    };
    let alpha = axis(required(file.numbers("xcoordinates")?, "xcoordinates")?, "xcoordinates")?;
    let beta = file.numbers("ycoordinates")?.map(|beta| axis(beta, "ycoordinates")).transpose()?;
    let (rows, columns) = (alpha.len(), beta.as_ref().map_or(1, Vec::len));
    let shapes =
        if beta.is_some() { vec![vec![columns, rows], vec![rows, columns]] } else { vec![vec![rows]] };

    let mut channels = Vec::new();
    let mut computed: Option<Vec<bool>> = None;
    let mut undone_eigenvalues = Vec::new();
    // max_eig before min_eig, whose own sentinel is a likely eigenvalue.
    for known in KNOWN[..4].iter().chain(KNOWN[4..].iter().rev()) {
        let Some(array) = file.numbers(known.dataset)? else { continue };
        if !shapes.contains(&array.shape) {
            let (expected, found) = (format!("of the shape {:?}", shapes[0]), format!("{:?}", array.shape));
            return Err(wrong("HDF5", format!("`{}`", known.dataset), expected, found));
        }
        let computed = computed.get_or_insert_with(|| vec![true; rows * columns]);
        // x runs fastest, whatever the shape.
        let order = (0..rows).flat_map(|i| (0..columns).map(move |j| j * rows + i));
        let mut values: Vec<f64> = order.map(|point| array.values[point]).collect();
        let undone: Vec<bool> = match known.dataset {
            "min_eig" if !undone_eigenvalues.is_empty() => undone_eigenvalues.clone(),
            _ => values.iter().map(|&value| value == known.todo).collect(),
        };
        for ((value, done), &undone) in values.iter_mut().zip(computed).zip(&undone) {
            *value = if undone { f64::NAN } else { *value / known.factor };
            *done &= !undone;
        }
        if known.dataset == "max_eig" {
            undone_eigenvalues = undone;
        }
        channels.push((known.channels[0].to_owned(), values));
    }
    Ok(Content { alpha, beta, channels, computed, report: None })
}
