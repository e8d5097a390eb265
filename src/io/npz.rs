//! Results as npz, numpy's archive of arrays.

use std::{fs, io::BufWriter, path::Path};

use ndarray::{Array1, ArrayView, Dimension};
use ndarray_npy::{NpzWriter, WriteNpzError};

use crate::replace::replace;
use crate::{Curve, Error, Result, Surface, SweepReport};

impl Surface {
    /// Writes the surface as npz, for `numpy.load`.
    ///
    /// It holds `alpha` (m values), `beta` (n values), each channel (m×n) under its name with `_` for spaces
    /// (`train_loss`), `computed` (m×n), and `provenance`, the bytes of a JSON text
    /// (`bytes(file["provenance"]).decode()`). A file of that name is replaced only when the new one
    /// is whole.
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Npz`]; [`Error::Channels`] if two arrays would get one name.
    pub fn write_npz(&self, path: impl AsRef<Path>) -> Result<()> {
        check_names(self.channels(), &["alpha", "beta", "computed", "provenance"])?;
        write(path.as_ref(), |npz| {
            npz.add_array("alpha", &ArrayView::from(self.alpha()))?;
            npz.add_array("beta", &ArrayView::from(self.beta()))?;
            for (name, values) in self.channels().iter().zip(self.values().axis_iter(ndarray::Axis(2))) {
                add(npz, name, &values)?;
            }
            npz.add_array("computed", self.computed())?;
            add_provenance(npz, self.report())
        })
    }
}

impl Curve {
    /// Writes the curve as npz, for `numpy.load`.
    ///
    /// It holds `alpha` (m values), each channel (m) under its name with `_` for spaces, `computed` (m),
    /// and `provenance`, the bytes of a JSON text.
    ///
    /// # Errors
    /// [`Error::File`] or [`Error::Npz`]; [`Error::Channels`] if two arrays would get one name.
    pub fn write_npz(&self, path: impl AsRef<Path>) -> Result<()> {
        check_names(self.channels(), &["alpha", "computed", "provenance"])?;
        write(path.as_ref(), |npz| {
            npz.add_array("alpha", &ArrayView::from(self.alpha()))?;
            for (name, values) in self.channels().iter().zip(self.values().axis_iter(ndarray::Axis(1))) {
                add(npz, name, &values)?;
            }
            npz.add_array("computed", self.computed())?;
            add_provenance(npz, self.report())
        })
    }
}

type Npz = NpzWriter<BufWriter<fs::File>>;

/// Writes an archive, whole or not at all.
fn write(path: &Path, fill: impl FnOnce(&mut Npz) -> Result<(), WriteNpzError>) -> Result<()> {
    let file_error = |source| Error::File { path: path.to_owned(), source };
    let npz_error = |source| Error::Npz { path: path.to_owned(), source };
    replace(path, |file| {
        let mut npz = NpzWriter::new(BufWriter::new(file));
        fill(&mut npz).map_err(npz_error)?;
        let buffer = npz.finish().map_err(npz_error)?;
        buffer.into_inner().map_err(|error| file_error(error.into_error()))
    })
}

/// Names in a file must differ, from each other and from those of the other arrays.
fn check_names(channels: &[String], others: &[&str]) -> Result<()> {
    let mut names: Vec<String> = channels.iter().map(|name| identifier(name)).collect();
    names.extend(others.iter().map(ToString::to_string));
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Error::Channels { channels: channels.to_vec() });
    }
    Ok(())
}

fn identifier(name: &str) -> String {
    name.replace(' ', "_")
}

/// A channel under a name that is a Python identifier.
fn add<D: Dimension>(npz: &mut Npz, name: &str, values: &ArrayView<'_, f64, D>) -> Result<(), WriteNpzError> {
    npz.add_array(identifier(name), values)
}

fn add_provenance(npz: &mut Npz, report: &SweepReport) -> Result<(), WriteNpzError> {
    npz.add_array("provenance", &Array1::from(report.provenance.to_string().into_bytes()))
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2};
    use ndarray_npy::NpzReader;

    use super::check_names;
    use crate::{Error, FnModel, Grid2d, Layout, RandomDirections, Result, Surface};

    fn surface() -> Result<Surface> {
        let model =
            FnModel::new(
                Layout::flat(3)?,
                vec![1.0_f64; 3],
                |t: &[f64], (): &()| {
                    if t[0] > 1.0 { f64::NAN } else { t[1] }
                },
            )?;
        Grid2d::new(&model, RandomDirections::new(3).pair(&model)?)
            .data("train", &())
            .alpha(-1.0..=1.0, 5)
            .beta(0.0..=1.0, 3)
            .run()
    }

    #[test]
    fn what_is_written_is_read_back_nan_included() {
        let surface = surface().unwrap();
        let path = std::env::temp_dir().join(format!("loss-landscape-{}.npz", std::process::id()));
        surface.write_npz(&path).unwrap();
        let mut npz = NpzReader::new(std::fs::File::open(&path).unwrap()).unwrap();
        let alpha: Array1<f64> = npz.by_name("alpha").unwrap();
        let loss: Array2<f64> = npz.by_name("train_loss").unwrap();
        let provenance: Array1<u8> = npz.by_name("provenance").unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(alpha.to_vec(), surface.alpha());
        let bits = |a: &Array2<f64>| a.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&loss), bits(&surface.channel("train loss").unwrap().to_owned()));
        assert!(loss.iter().any(|v| v.is_nan()) && loss.iter().any(|v| v.is_finite()));
        let text = String::from_utf8(provenance.to_vec()).unwrap();
        assert!(text.contains("\"seed 3") || text.contains("seed 3, stream 1"), "{text}");
    }

    #[test]
    fn channels_that_would_share_a_name_are_refused() {
        assert!(matches!(check_names(&["a b".into(), "a_b".into()], &[]), Err(Error::Channels { .. })));
        assert!(check_names(&["alpha".into()], &["alpha"]).is_err());
        assert!(check_names(&["train loss".into(), "loss".into()], &["alpha"]).is_ok());
    }

    #[test]
    fn a_path_that_cannot_be_written_is_named() {
        let missing = std::env::temp_dir().join("no such folder").join("x.npz");
        let error = surface().unwrap().write_npz(&missing).unwrap_err();
        assert!(matches!(&error, Error::File { path, .. } if *path == missing), "{error}");
    }
}
