//! Matrices of barriers for numpy and for spreadsheets.
//!
//! They are written and not read back: what reads all of a matrix, with its curves, is serde.

use std::path::Path;

use serde::Serialize;

use super::json;
use crate::{Result, path::BarrierMatrix, replace, wire::VERSION};

/// What a file says beside its arrays.
#[derive(Serialize)]
struct Metadata<'m> {
    format: &'static str,
    version: u64,
    channel: &'m str,
    names: &'m [String],
}

impl<'m> Metadata<'m> {
    fn of(matrix: &'m BarrierMatrix) -> Self {
        let (channel, names) = (matrix.channel(), matrix.names());
        Self { format: "loss-landscape barriers", version: VERSION, channel, names }
    }
}

#[cfg(feature = "csv")]
impl BarrierMatrix {
    /// Writes the matrix as CSV: a header, and a line for each pair of minimisers, the one with the lower number first.
    ///
    /// The columns are `first` and `second` (numbers from 0), `barrier`, `t` (where it is, counted from the first),
    /// `rise` and `rise_t`, `first_value` and `second_value` (those of the channel at both ends), `points`, `spacing`
    /// and `missing` (the number of points without a finite value). Numbers are the shortest decimals that read back as
    /// the same f64; what is not known is `NaN`. Before the header, a line `# {…}` holds `format`, `version`, `channel` and `names`
    /// as JSON. A file of that name is replaced as a whole, in the way of [`files::write`](crate::files::write).
    ///
    /// ```
    /// use loss_landscape::{FnModel, Layout, path::barrier_matrix};
    ///
    /// let model = FnModel::new(Layout::flat(1)?, vec![1.0], |t: &[f64], _: &()| (t[0] * t[0] - 1.0).powi(2))?;
    /// let matrix = barrier_matrix(&model, &(), &[&[-1.0], &[1.0]])?;
    /// let text = String::from_utf8(matrix.to_csv_bytes()?)?;
    /// let lines: Vec<&str> = text.lines().collect();
    /// assert!(lines[0].starts_with("# {\"format\":\"loss-landscape barriers\",\"version\":2,\"channel\":\"loss\""));
    /// assert!(lines[1].starts_with("first,second,barrier,t,"));
    /// assert!(lines[2].starts_with("0,1,1.0,0.5,1.0,0.5,0.0,0.0,31,"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`files::write`](crate::files::write).
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        replace::write(path, self.to_csv_bytes()?)
    }

    /// The bytes of the file that [`write_csv`](Self::write_csv) writes.
    ///
    /// # Errors
    /// [`Error::Unwritable`](crate::Error::Unwritable) if JSON cannot hold a name.
    pub fn to_csv_bytes(&self) -> Result<Vec<u8>> {
        use std::fmt::Write;

        let mut text = format!("# {}\n", json::line(&Metadata::of(self), "CSV")?);
        text.push_str("first,second,barrier,t,rise,rise_t,first_value,second_value,points,spacing,missing\n");
        let missing = self.missing();
        for ([i, j], _, barrier) in self.pairs() {
            let numbers = barrier.map_or([f64::NAN; 6], |barrier| {
                let [first, second] = barrier.ends;
                [barrier.height, barrier.at, barrier.rise, barrier.rise_at, first, second]
            });
            let numbers = numbers.map(|number| format!("{number:?}")).join(",");
            let (points, spacing) =
                barrier.map_or((0, f64::NAN), |barrier| (barrier.points, barrier.spacing));
            // Writing to a String does not fail.
            let _ = writeln!(text, "{i},{j},{numbers},{points},{spacing:?},{}", missing[[i, j]]);
        }
        Ok(text.into_bytes())
    }
}

#[cfg(feature = "npz")]
impl BarrierMatrix {
    /// Writes the matrix as an npz archive, which numpy opens (`numpy.load(path)`).
    ///
    /// For n minimisers and m values of t it holds `barrier` [n, n], symmetric, 0 on the diagonal and NaN where unknown;
    /// `at` [n, n], where it is, t counted from the minimiser of the row; `rise` [n, n]; `value` [n, n], the channel
    /// at the minimiser of the row, on the line to that of the column; `missing` [n, n], the numbers of points
    /// without a finite value; `t` of m values and `curves` [n, n, m], the channel along the line from the minimiser of the row
    /// to that of the column, NaN on the diagonal and where nothing was computed; and `metadata`, the bytes of a JSON
    /// text with `format`, `version`, `channel` and `names`. A file of that name is replaced as a whole, in the way
    /// of [`files::write`](crate::files::write).
    ///
    /// # Errors
    /// Those of [`files::write`](crate::files::write); [`Error::Unwritable`](crate::Error::Unwritable) above 4 GiB.
    pub fn write_npz(&self, path: impl AsRef<Path>) -> Result<()> {
        replace::write(path, self.to_npz_bytes()?)
    }

    /// The bytes of the file that [`write_npz`](Self::write_npz) writes.
    ///
    /// # Errors
    /// As that one, but for those of the file.
    pub fn to_npz_bytes(&self) -> Result<Vec<u8>> {
        let n = self.len();
        let t: &[f64] = self.pairs().find_map(|(_, curve, _)| Some(curve?.alpha())).unwrap_or(&[]);
        let m = t.len();
        let unknown = || vec![f64::NAN; n * n];
        let (mut at, mut rise, mut value) = (unknown(), unknown(), unknown());
        let mut curves = vec![f64::NAN; n * n * m];
        for ([i, j], curve, barrier) in self.pairs() {
            let (there, back) = (i * n + j, j * n + i);
            if let Some(barrier) = barrier {
                (at[there], at[back]) = (barrier.at, 1.0 - barrier.at);
                (rise[there], rise[back]) = (barrier.rise, barrier.rise);
                [value[there], value[back]] = barrier.ends;
            }
            for (k, &loss) in curve.iter().flat_map(|curve| curve.loss().into_iter().enumerate()) {
                if k < m {
                    (curves[there * m + k], curves[back * m + m - 1 - k]) = (loss, loss);
                }
            }
        }
        for i in 0..n {
            (at[i * n + i], rise[i * n + i]) = (0.0, 0.0);
        }
        let heights: Vec<f64> = self.heights().into_iter().collect();
        let missing: Vec<f64> = self.missing().into_iter().map(|count| count as f64).collect();
        let metadata = json::line(&Metadata::of(self), "npz")?;
        super::npz::archive(
            &[
                ("barrier", &[n, n], &heights),
                ("at", &[n, n], &at),
                ("rise", &[n, n], &rise),
                ("value", &[n, n], &value),
                ("missing", &[n, n], &missing),
                ("t", &[m], t),
                ("curves", &[n, n, m], &curves),
            ],
            &metadata,
        )
    }
}
