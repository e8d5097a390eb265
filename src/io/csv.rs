//! Results as CSV: a line a point, for spreadsheets and quick looks.

use std::{collections::HashSet, io::Write, path::Path};

use super::{
    document::Metadata,
    json,
    table::{Content, Table, check_kind, distinct, from_content, table, wrong},
};
use crate::{
    Error, GridDimension, Landscape, Result,
    replace::{self, Unfilled},
};

impl<D: GridDimension> Landscape<D> {
    /// Writes the landscape as CSV: a header, and a line for each point, row by row of the grid.
    ///
    /// The columns are `alpha`, `beta`, each channel under its name, and `computed` (1 or 0). Numbers are the
    /// shortest decimals that read back as the same f64, or `NaN`, `inf` and `-inf`; all NaN are read back as
    /// one. Before the header, a line `# {…}` holds `format`, `version`, `channels` and `report` as in
    /// [`write_json`](Self::write_json). Readers that skip comments read the file as it is:
    /// `pandas.read_csv(path, comment="#")`, and `numpy.genfromtxt(path, delimiter=",", names=True)` after the line of
    /// comments (`skip_header=1`). A `#`, comma, quotation mark or line break in a channel's name
    /// is a `_` in the header.
    ///
    /// Files without comments are read too: lines in any order, `alpha` first, then `beta` for a surface, every point
    /// of the grid exactly once. A file of that name is replaced as a whole, in the way of
    /// [`files::write`](crate::files::write).
    ///
    /// # Errors
    /// Those of [`files::write`](crate::files::write); [`Error::Channels`] if two columns would get one name.
    pub fn write_csv(&self, path: impl AsRef<Path>) -> Result<()> {
        replace::write_pieces(path, |out| write(&table(self), out))
    }

    /// The bytes of the file that [`write_csv`](Self::write_csv) writes.
    ///
    /// # Errors
    /// As that one, but for those of the file.
    pub fn to_csv_bytes(&self) -> Result<Vec<u8>> {
        encode(&table(self))
    }

    /// Reads the file that [`write_csv`](Self::write_csv) wrote.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File); [`Error::InFile`](crate::Error::InFile) with what
    /// [`from_csv_bytes`](Self::from_csv_bytes) finds wrong.
    pub fn read_csv(path: impl AsRef<Path>) -> Result<Self> {
        replace::read(path.as_ref(), Self::from_csv_bytes)
    }

    /// Reads the bytes of a file that [`write_csv`](Self::write_csv) wrote.
    ///
    /// They are not trusted: damage is an error, and at no moment does reading hold more than 64 bytes for each byte of
    /// the file, and 64 KiB.
    ///
    /// # Errors
    /// [`Error::Parse`](crate::Error::Parse) or [`Error::Format`](crate::Error::Format); for axes and channels as
    /// [`Surface::from_channels`](crate::Surface::from_channels).
    pub fn from_csv_bytes(bytes: &[u8]) -> Result<Self> {
        from_content(decode(bytes, D::AXES == 2)?, "CSV")
    }
}

fn encode(table: &Table<'_>) -> Result<Vec<u8>> {
    replace::in_memory(|out| write(table, out))
}

fn write(table: &Table<'_>, out: &mut dyn Write) -> std::result::Result<(), Unfilled> {
    let plain = |c: char| if c.is_control() || ",#\"".contains(c) { '_' } else { c };
    let names: Vec<String> = table.channels.iter().map(|name| name.chars().map(plain).collect()).collect();
    let trimmed = names.iter().map(|name| name.trim().to_owned());
    let columns = trimmed.chain(["alpha", "beta", "computed"].map(str::to_owned)).collect::<Vec<_>>();
    distinct(&columns).map_err(|_| Error::Channels { channels: table.channels.to_vec() })?;
    writeln!(out, "# {}", json::line(&Metadata::of(table), "CSV")?)?;
    write!(out, "{}", if table.beta.is_some() { "alpha,beta," } else { "alpha," })?;
    for name in &names {
        write!(out, "{name},")?;
    }
    writeln!(out, "computed")?;
    let columns = table.columns();
    for (point, values) in table.values.chunks_exact(table.channels.len()).enumerate() {
        write!(out, "{:?},", table.alpha[point / columns])?;
        if let Some(beta) = table.beta {
            write!(out, "{:?},", beta[point % columns])?;
        }
        for value in values {
            write!(out, "{value:?},")?;
        }
        writeln!(out, "{}", u8::from(table.computed[point]))?;
    }
    Ok(())
}

/// What the comment of a file of ours begins with.
pub(super) const OURS: &str = "# {\"format\":\"loss-landscape ";

/// A line of a point.
struct Line {
    alpha: f64,
    beta: f64,
    /// Where its values begin.
    start: usize,
}

fn decode(bytes: &[u8], plane: bool) -> Result<Content> {
    let text = std::str::from_utf8(bytes).map_err(|error| wrong("CSV", "the text", "UTF-8", error))?;
    let mut lines = text.lines().enumerate().map(|(i, line)| (i + 1, line));
    let mut metadata = None;
    let header = loop {
        let (number, line) =
            lines.next().ok_or_else(|| wrong("CSV", "the file", "a header", "at its end"))?;
        // Comments of other programs are theirs.
        if line.starts_with(OURS) {
            metadata = Some(&line[2..]);
        } else if !line.starts_with('#') && !line.trim().is_empty() {
            break (number, line);
        }
    };
    let (found, mut names, computed) = columns(header.0, header.1)?;
    check_kind(found, plane, "CSV")?;
    let mut report = None;
    if let Some(text) = metadata {
        let (channels, read) = Metadata::parse(text.as_bytes(), plane, "CSV")?;
        if channels.len() != names.len() {
            let place = format!("line {}", header.0);
            return Err(wrong("CSV", place, format!("{} channels", channels.len()), names.len()));
        }
        (names, report) = (channels, Some(read));
    }
    let (points, values) = points(lines, plane, names.len() + usize::from(computed))?;
    grid(points, &values, plane, &names, computed).map(|content| Content { report, ..content })
}

/// Whether there is a `beta`, the names of the channels, and whether there is `computed`.
fn columns(number: usize, header: &str) -> Result<(bool, Vec<String>, bool)> {
    let mut seen = HashSet::new();
    let mut names = Vec::new();
    for name in header.split(',').map(|name| name.trim().trim_matches('"')) {
        // At once: a line of commas would make a name of every byte.
        if !seen.insert(name) {
            return Err(wrong("CSV", format!("line {number}"), "different names", format!("`{name}` twice")));
        }
        names.push(name);
    }
    if names[0] != "alpha" {
        return Err(wrong("CSV", format!("line {number}"), "a header that begins with `alpha`", names[0]));
    }
    let plane = names.get(1) == Some(&"beta");
    let computed = names.len() > 1 && names.pop_if(|name| *name == "computed").is_some();
    let names = names.into_iter().skip(1 + usize::from(plane)).map(str::to_owned).collect();
    Ok((plane, names, computed))
}

/// The lines of all points, and their values one after the other.
fn points<'t>(
    lines: impl Iterator<Item = (usize, &'t str)>,
    plane: bool,
    width: usize,
) -> Result<(Vec<Line>, Vec<f64>)> {
    let (mut points, mut values) = (Vec::new(), Vec::new());
    for (number, line) in lines.filter(|(_, line)| !line.starts_with('#') && !line.trim().is_empty()) {
        let start = values.len();
        let mut coordinates = [0.0; 2];
        let first = 1 + usize::from(plane);
        let mut found = 0;
        for field in line.split(',') {
            let value: f64 = field.trim().parse().map_err(|_| {
                let place = format!("field {} of line {number}", found + 1);
                wrong("CSV", place, "a number", format!("{:?}", field.chars().take(60).collect::<String>()))
            })?;
            if found < first {
                coordinates[found] = value;
            } else {
                values.push(value);
            }
            found += 1;
        }
        if found != first + width {
            return Err(wrong("CSV", format!("line {number}"), format!("{} fields", first + width), found));
        }
        points.push(Line { alpha: coordinates[0], beta: coordinates[1], start });
    }
    Ok((points, values))
}

/// The points in the order of their grid, which they must fill.
fn grid(
    mut points: Vec<Line>,
    values: &[f64],
    plane: bool,
    names: &[String],
    computed: bool,
) -> Result<Content> {
    points.sort_by(|a, b| a.alpha.total_cmp(&b.alpha).then(a.beta.total_cmp(&b.beta)));
    let mut alpha: Vec<f64> = points.iter().map(|point| point.alpha).collect();
    alpha.dedup();
    let columns = points.iter().take_while(|point| point.alpha == points[0].alpha).count();
    let beta: Vec<f64> = points[..columns].iter().map(|point| point.beta).collect();
    let fits = |(i, point): (usize, &Line)| {
        alpha.get(i / columns) == Some(&point.alpha) && beta[i % columns] == point.beta
    };
    if points.len() != alpha.len() * columns || !points.iter().enumerate().all(fits) {
        let found = format!("{} lines", points.len());
        return Err(wrong("CSV", "the file", "every point of its grid once", found));
    }
    let column = |k: usize| points.iter().map(move |point| values[point.start + k]);
    let channels = names.iter().enumerate().map(|(k, name)| (name.clone(), column(k).collect())).collect();
    let computed = computed.then(|| {
        let bool = |value: f64| match value {
            0.0 => Ok(false),
            1.0 => Ok(true),
            value => Err(wrong("CSV", "`computed`", "0 or 1", value)),
        };
        column(names.len()).map(bool).collect::<Result<Vec<_>>>()
    });
    let beta = plane.then_some(beta);
    Ok(Content { alpha, beta, channels, computed: computed.transpose()?, report: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::{Curve, Surface};

    crate::io::testing::format_properties!(true, super::super::encode, super::super::decode, "CSV");

    #[test]
    fn a_line_is_a_point() {
        let values = ndarray::array![[1.0, f64::NAN, 1e-300], [f64::INFINITY, -0.0, 0.1]];
        let surface =
            Surface::from_channels(&[-1.0, 0.5], &[0.0, 1.0, 2.0], [("a, b".to_owned(), values)]).unwrap();
        let text = String::from_utf8(surface.to_csv_bytes().unwrap()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let metadata =
            "# {\"format\":\"loss-landscape surface\",\"version\":2,\"channels\":[\"a, b\"],\"report\":{";
        assert!(lines[0].starts_with(metadata) && lines[0].starts_with(OURS));
        assert_eq!(
            lines[1..],
            [
                "alpha,beta,a_ b,computed",
                "-1.0,0.0,1.0,1",
                "-1.0,1.0,NaN,1",
                "-1.0,2.0,1e-300,1",
                "0.5,0.0,inf,1",
                "0.5,1.0,-0.0,1",
                "0.5,2.0,0.1,1",
            ]
        );
    }

    #[test]
    fn lines_of_another_program_may_come_in_any_order() {
        let text = "alpha, beta, loss\r\n1, 0, 3\r\n0,1,2\r\n\r\n0,0,1\r\n1,1,nan\r\n";
        let surface = Surface::from_csv_bytes(text.as_bytes()).unwrap();
        assert_eq!(surface.channel("loss").unwrap().row(0).to_vec(), [1.0, 2.0]);
        assert_eq!(surface.channel("loss").unwrap()[[1, 0]], 3.0);
        assert_eq!(surface.report().bad_points.len(), 1);
        let curve = Curve::from_csv_bytes(b"alpha,loss,computed\n0,1,1\n-1,2,0\n").unwrap();
        assert_eq!((curve.alpha(), curve.computed().to_vec()), ([-1.0, 0.0].as_slice(), vec![false, true]));
        assert_eq!(curve.report().computed, 1);
    }

    #[test]
    fn what_is_no_grid_is_refused() {
        let error = |text: &str| Surface::from_csv_bytes(text.as_bytes()).unwrap_err().to_string();
        let once = "not a valid CSV file: the file should be every point of its grid once";
        assert!(error("alpha,beta,loss\n0,0,1\n1,1,1\n").contains(once));
        assert!(error("alpha,beta,loss\n0,0,1\n0,1,1\n1,0,1\n").contains(once));
        assert!(error("alpha,beta,loss\n0,0,1\n0,0,1\n").contains("β must be finite and run upwards"));
        assert!(error("alpha,beta,loss\nNaN,0,1\n").contains(once));
        assert!(error("alpha,beta,loss\n").contains("0 points"));
        assert!(error("alpha,beta\n0,0\n").contains("channels []"));
        assert!(
            error("alpha,beta,a,a\n0,0,1,2\n").contains("line 1 should be different names, not `a` twice")
        );
        assert!(error("").contains("a header"));
        assert!(error("x,y\n").contains("line 1 should be a header that begins with `alpha`, not x"));
        assert!(error("alpha,beta,loss\n0,0\n").contains("line 2 should be 3 fields, not 2"));
        assert!(
            error("alpha,beta,loss\n0,0,x\n").contains("field 3 of line 2 should be a number, not \"x\"")
        );
        assert!(error("alpha,beta,loss,computed\n0,0,1,2\n").contains("0 or 1"));
        assert!(matches!(Surface::from_csv_bytes(b"\xff"), Err(Error::Format { .. })));
    }
}
