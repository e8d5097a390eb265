//! Results as HDF5, in the original repository's layout and losslessly beside it.

mod guarded;
mod original;
mod source;

use hdf5_pure::FileBuilder;

use super::{
    json::{
        Json,
        report::{metadata, read_metadata},
    },
    table::{Content, Table, Tabled, distinct, format_methods, identifier, wrong},
};
use crate::{Error, Result};
use guarded::{Guarded, required};

format_methods!(
    "HDF5", encode, decode, write_hdf5, read_hdf5, from_hdf5_bytes,
    /// Writes the surface as HDF5, in the layout of the original repository and losslessly beside it.
    ///
    /// **For the original's scripts** (`plot_2D.py`, `plot_1D.py`, `h52vtp.py`), at the root: `xcoordinates`
    /// (α, m values), `ycoordinates` (β, n values), and of these what there is, each n×m:
    ///
    /// | dataset | channel | |
    /// | --- | --- | --- |
    /// | `train_loss`, `test_loss` | `train loss`, `test loss` | |
    /// | `train_acc`, `test_acc` | `train accuracy`, `test accuracy` | times 100: in percent |
    /// | `min_eig`, `max_eig` | `train lambda_min`, `train lambda_max` | |
    ///
    /// Channels of the one data set without a name (`loss`, `accuracy`, `lambda_min`, `lambda_max`) count as
    /// those of `train`. Points not computed hold what the original means by "not done yet": −1, in `min_eig`
    /// 1. A curve has no `ycoordinates`, arrays of m, and NaN for an accuracy missing beside a loss, without
    /// which `plot_1D.py` stops.
    ///
    /// **The order of the points.** The original's scripts read element number j·m + i, row-major, as the point
    /// (x_i, y_j), and plot arrays of n rows of m; so does this file. Its own files count points the same way
    /// but declare m×n, which is the same where m = n and scrambled where not; both are read, by the order of
    /// the elements.
    ///
    /// **Lossless**, in the group `loss_landscape`: `channels`, with every channel (m×n, `[i, j]` is (α_i, β_j))
    /// under its name with `_` for spaces, slashes and control characters, `computed` (m×n, 1 or 0), and
    /// `metadata`, the bytes of a JSON text with the channels' names and the report. Where the group is there,
    /// reading takes values from it alone.
    ///
    /// **Files of the original** are read too: percentages are divided by 100, values of the sentinel become NaN,
    /// and a point with one of them is not computed. Datasets in chunks, as compressed ones are, are refused. A
    /// file of that name is replaced only when the new one is whole.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::Channels`] if two channels would get one name; [`Error::Unwritable`].
);

const METADATA: &str = "loss_landscape/metadata";
const COMPUTED: &str = "loss_landscape/computed";

fn encode(table: &Table<'_>) -> Result<Vec<u8>> {
    let names: Vec<String> = table.channels.iter().map(|name| plain(name)).collect();
    distinct(&names).map_err(|_| Error::Channels { channels: table.channels.to_vec() })?;
    let mut file = FileBuilder::new();
    original::write(table, &mut file);
    let shape: Vec<u64> = table.shape().iter().map(|&n| n as u64).collect();
    let mut group = file.create_group("loss_landscape");
    group.create_dataset("metadata").with_u8_data(metadata(table).to_string().as_bytes());
    let computed: Vec<u8> = table.computed.iter().map(|&done| u8::from(done)).collect();
    group.create_dataset("computed").with_u8_data(&computed).with_shape(&shape);
    let mut channels = group.create_group("channels");
    for (k, name) in names.iter().enumerate() {
        let values: Vec<f64> = table.channel(k).collect();
        channels.create_dataset(name).with_f64_data(&values).with_shape(&shape);
    }
    group.add_group(channels.finish());
    file.add_group(group.finish());
    file.finish().map_err(|error| Error::Unwritable { format: "HDF5", reason: error.to_string() })
}

/// A channel's name as one of HDF5, where slashes part groups and dots may mean the group itself.
fn plain(name: &str) -> String {
    let name = identifier(name).replace(|c: char| c == '/' || c.is_control(), "_");
    if name.chars().all(|c| c == '.') { format!("_{name}") } else { name }
}

fn decode(bytes: &[u8]) -> Result<Content> {
    let mut file = Guarded::open(bytes)?;
    let Some(metadata) = file.bytes(METADATA)? else { return original::read(&mut file) };
    let json = Json::parse(&metadata.values, "HDF5")?;
    let alpha = required(file.numbers("xcoordinates")?, "xcoordinates")?.values;
    let beta = file.numbers("ycoordinates")?.map(|beta| beta.values);
    let (names, report) = read_metadata(&json.root("HDF5"), beta.is_some())?;
    let plains: Vec<String> = names.iter().map(|name| plain(name)).collect();
    distinct(&plains)?;
    let shape: Vec<usize> = [alpha.len()].into_iter().chain(beta.as_ref().map(Vec::len)).collect();
    let check = |path: &str, found: &[usize]| {
        if found == shape {
            return Ok(());
        }
        Err(wrong("HDF5", format!("`{path}`"), format!("of the shape {shape:?}"), format!("{found:?}")))
    };
    let mut channels = Vec::new();
    for (name, plain) in names.into_iter().zip(plains) {
        let path = format!("loss_landscape/channels/{plain}");
        let array = required(file.numbers(&path)?, &path)?;
        check(&path, &array.shape)?;
        channels.push((name, array.values));
    }
    let computed = required(file.bytes(COMPUTED)?, COMPUTED)?;
    check(COMPUTED, &computed.shape)?;
    let computed = computed.values.into_iter().map(|byte| match byte {
        0 => Ok(false),
        1 => Ok(true),
        byte => Err(wrong("HDF5", format!("`{COMPUTED}`"), "0 or 1", byte)),
    });
    let computed = Some(computed.collect::<Result<_>>()?);
    Ok(Content { alpha, beta, channels, computed, report: Some(report) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Curve, Surface};

    crate::io::testing::format_properties!(false, super::super::encode, super::super::decode, "HDF5");

    fn named(name: &str, values: &[f64]) -> (String, Vec<f64>) {
        (name.to_owned(), values.to_vec())
    }

    fn surface(content: Content) -> Surface {
        Surface::from_content(content, "HDF5").unwrap()
    }

    /// Points (α_i, β_j) of 3×2 with the value 10·i + j.
    fn grid() -> Content {
        let values = [0.0, 1.0, 10.0, 11.0, 20.0, 21.0];
        let fractions: Vec<f64> = values.iter().map(|value| value / 64.0).collect();
        Content {
            alpha: vec![-1.0, 0.0, 1.0],
            beta: Some(vec![0.5, 0.75]),
            channels: vec![
                named("train loss", &values),
                named("train accuracy", &fractions),
                named("sign", &values),
            ],
            computed: Some(vec![true, true, true, false, true, true]),
            report: None,
        }
    }

    #[test]
    fn the_originals_scripts_find_x_running_fastest_and_percent() {
        let bytes = encode(&surface(grid()).table()).unwrap();
        let file = hdf5_pure::File::from_bytes(bytes).unwrap();
        let dataset = |name: &str| file.dataset(name).unwrap();
        assert_eq!(dataset("xcoordinates").read_f64().unwrap(), [-1.0, 0.0, 1.0]);
        assert_eq!(dataset("train_loss").shape().unwrap(), [2, 3]);
        assert_eq!(dataset("train_loss").read_f64().unwrap(), [0.0, 10.0, 20.0, 1.0, -1.0, 21.0]);
        assert_eq!(dataset("train_acc").read_f64().unwrap()[2], 20.0 / 64.0 * 100.0);
        assert!(file.dataset("sign").is_err() && file.dataset("test_loss").is_err());
        assert_eq!(dataset("loss_landscape/channels/sign").shape().unwrap(), [3, 2]);
    }

    #[test]
    fn files_of_the_original_are_read_in_both_shapes() {
        for shape in [[3, 2], [2, 3]] {
            let mut file = FileBuilder::new();
            file.create_dataset("xcoordinates").with_f64_data(&[-1.0, 0.0, 1.0]);
            file.create_dataset("ycoordinates").with_f64_data(&[0.5, 0.75]);
            let loss = [0.0, 10.0, 20.0, 1.0, -1.0, 21.0];
            file.create_dataset("train_loss").with_f64_data(&loss).with_shape(&shape);
            file.create_dataset("train_acc").with_f32_data(&[50.0; 6]).with_shape(&shape);
            let max = [1.0, 2.0, -1.0, 3.0, 4.0, 5.0];
            file.create_dataset("max_eig").with_f64_data(&max).with_shape(&shape);
            file.create_dataset("min_eig").with_f64_data(&[1.0; 6]).with_shape(&shape);
            let read = Surface::from_hdf5_bytes(&file.finish().unwrap()).unwrap();
            let names = ["train loss", "train accuracy", "train lambda_max", "train lambda_min"];
            assert_eq!(read.channels(), names);
            let loss = read.channel("train loss").unwrap();
            assert_eq!((loss[[0, 1]], loss[[2, 0]], loss[[2, 1]]), (1.0, 20.0, 21.0));
            assert!(loss[[1, 1]].is_nan() && read.channel("train accuracy").unwrap()[[1, 1]] == 0.5);
            let min = read.channel("train lambda_min").unwrap();
            assert!(min[[2, 0]].is_nan() && min[[0, 0]] == 1.0, "1 is an eigenvalue where max_eig is there");
            let undone: Vec<_> =
                read.computed().indexed_iter().filter(|(_, done)| !**done).map(|(at, _)| at).collect();
            assert_eq!(undone, [(1, 1), (2, 0)]);
            assert_eq!(read.report().end, crate::report::SweepEnd::Cancelled);
        }
    }

    #[test]
    fn curves_have_an_accuracy_beside_each_loss() {
        let content = Content {
            alpha: vec![0.0, 1.0],
            channels: vec![named("loss", &[1.0, 2.0]), named("test loss", &[3.0, 4.0])],
            ..Content::default()
        };
        let curve = Curve::from_content(content, "HDF5").unwrap();
        let file = hdf5_pure::File::from_bytes(encode(&curve.table()).unwrap()).unwrap();
        assert_eq!(file.dataset("train_loss").unwrap().read_f64().unwrap(), [1.0, 2.0]);
        for name in ["train_acc", "test_acc"] {
            assert!(file.dataset(name).unwrap().read_f64().unwrap().iter().all(|value| value.is_nan()));
        }
        assert!(file.dataset("ycoordinates").is_err());
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let error = |edit: &dyn Fn(&mut FileBuilder)| {
            let mut file = FileBuilder::new();
            edit(&mut file);
            Surface::from_hdf5_bytes(&file.finish().unwrap()).unwrap_err().to_string()
        };
        assert_eq!(
            error(&|file| {
                file.create_dataset("x").with_f64_data(&[0.0]);
            }),
            "not a valid HDF5 file: `xcoordinates` should be a dataset, not missing"
        );
        let odd = error(&|file| {
            file.create_dataset("xcoordinates").with_f64_data(&[0.0, 1.0]);
            file.create_dataset("ycoordinates").with_f64_data(&[0.0]);
            file.create_dataset("train_loss").with_f64_data(&[0.0; 3]);
        });
        assert!(odd.contains("`train_loss` should be of the shape [1, 2], not [3]"), "{odd}");
        let typed = error(&|file| {
            file.create_dataset("xcoordinates").with_i32_data(&[0, 1]);
        });
        assert!(typed.contains("of i32, not floating point"), "{typed}");
        let chunked = error(&|file| {
            file.create_dataset("xcoordinates").with_f64_data(&[0.0, 1.0]).with_chunks(&[1]);
        });
        assert!(chunked.contains("should be readable, not in chunks"), "{chunked}");
    }
}
