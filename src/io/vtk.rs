//! Surfaces for ParaView: VTK XML, a structured grid.

use std::path::Path;

use crate::{Error, Result, Surface, replace};

/// What the height of a surface in ParaView is: see [`Surface::write_vtk`].
///
/// ```
/// use loss_landscape::{Surface, VtkHeight, ndarray::array};
///
/// let loss = array![[2.0, 1.0, 2.0], [1.0, 0.0, f64::NAN]];
/// let surface = Surface::from_channels(&[0.0, 1.0], &[-1.0, 0.0, 1.0], [("train loss".to_owned(), loss)])?;
/// let path = std::env::temp_dir().join(format!("surface-{}.vts", std::process::id()));
/// surface.write_vtk(&path, &VtkHeight::new("train loss").log(true).clip(10.0))?;
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct VtkHeight {
    channel: String,
    log: bool,
    clip: Option<f64>,
    scale: f64,
}

impl Surface {
    /// Writes the surface as a height field for ParaView (VTK XML StructuredGrid, `.vts`).
    ///
    /// The grid's points are (α, β, height) of one channel, and all channels are point data under their names, in
    /// f64 and untouched; `computed` (1 or 0) is there too. `height` holds what the points' third coordinate is
    /// before [`scale`](VtkHeight::scale).
    ///
    /// A height that is not finite, which no renderer draws, becomes the smallest finite one, or the largest (or
    /// [`clip`](VtkHeight::clip)) for +∞. Points that are not finite in the channel and the cells around them are
    /// marked as hidden in `vtkGhostType`, so that ParaView leaves holes there, and such points are 1 in the point
    /// data `not_finite`. The values themselves stay NaN or infinite in the channel's point data: colour by `height`
    /// to have none. A file of that name is replaced as a whole, in the way of
    /// [`files::write`](crate::files::write).
    ///
    /// # Errors
    /// [`Error::UnknownChannel`]; [`Error::Setting`] for a clip or scale that is not finite or, for a
    /// logarithm, a clip that is not positive; [`Error::Unwritable`] if no height is finite; [`Error::Channels`] for
    /// a channel with the name of one of the file's own arrays (`height`, `computed`, `not_finite`,
    /// `vtkGhostType`); those of [`files::write`](crate::files::write).
    pub fn write_vtk(&self, path: impl AsRef<Path>, height: &VtkHeight) -> Result<()> {
        replace::write(path, self.to_vtk_bytes(height)?)
    }

    /// The bytes of the file that [`write_vtk`](Self::write_vtk) writes.
    ///
    /// # Errors
    /// As that one, but for those of the file.
    pub fn to_vtk_bytes(&self, height: &VtkHeight) -> Result<Vec<u8>> {
        height.encode(self)
    }
}

impl VtkHeight {
    /// The height is this channel.
    pub fn new(channel: impl Into<String>) -> Self {
        Self { channel: channel.into(), log: false, clip: None, scale: 1.0 }
    }

    /// Whether the height is the decimal logarithm of the channel; not by default. Values of 0 and less then
    /// count as not finite.
    pub fn log(self, log: bool) -> Self {
        Self { log, ..self }
    }

    /// Values above this are drawn as this; the original repository's `zmax`.
    pub fn clip(self, clip: f64) -> Self {
        Self { clip: Some(clip), ..self }
    }

    /// By how much the height is multiplied in the picture; 1 by default.
    pub fn scale(self, scale: f64) -> Self {
        Self { scale, ..self }
    }

    fn encode(&self, surface: &Surface) -> Result<Vec<u8>> {
        if surface.channels().iter().any(|name| OWN.contains(&name.as_str())) {
            return Err(Error::Channels { channels: surface.channels().to_vec() });
        }
        let heights = self.heights(surface)?;
        let [rows, columns] = surface.shape();
        let mut file = Appended::new(rows, columns);
        // In VTK the first axis runs fastest.
        let order = || (0..columns).flat_map(move |j| (0..rows).map(move |i| (i, j)));

        let hidden = |at: (usize, usize)| !heights.found[at.0 * columns + at.1];
        file.array("vtkGhostType", "UInt8", 1, order().map(|at| [if hidden(at) { 2_u8 } else { 0 }]));
        file.array("not_finite", "UInt8", 1, order().map(|at| [u8::from(hidden(at))]));
        file.array("computed", "UInt8", 1, order().map(|at| [u8::from(surface.computed()[at])]));
        let height = |at: (usize, usize)| heights.values[at.0 * columns + at.1];
        file.array("height", "Float64", 1, order().map(|at| height(at).to_le_bytes()));
        for (k, name) in surface.channels().iter().enumerate() {
            let value = |(i, j): (usize, usize)| surface.values()[[i, j, k]];
            file.array(name, "Float64", 1, order().map(|at| value(at).to_le_bytes()));
        }
        file.section("PointData", "CellData");
        let corners = |(i, j)| [(i, j), (i + 1, j), (i, j + 1), (i + 1, j + 1)].into_iter().any(hidden);
        let cells = (0..columns - 1).flat_map(|j| (0..rows - 1).map(move |i| (i, j)));
        file.array("vtkGhostType", "UInt8", 1, cells.map(|at| [if corners(at) { 32_u8 } else { 0 }]));
        file.section("CellData", "Points");
        let point =
            |at: (usize, usize)| [surface.alpha()[at.0], surface.beta()[at.1], height(at) * self.scale];
        file.array("Points", "Float64", 3, order().flat_map(point).map(f64::to_le_bytes));
        Ok(file.finish())
    }

    /// Finite heights of all points, row by row.
    fn heights(&self, surface: &Surface) -> Result<Heights> {
        let finite = |setting, value: f64, good: bool, needs| {
            if value.is_finite() && good { Ok(()) } else { Err(Error::Setting { setting, needs, value }) }
        };
        finite("scale", self.scale, true, "finite")?;
        let clip = self.clip.unwrap_or(1.0);
        finite("clip", clip, !self.log || clip > 0.0, "finite, and above 0 for a logarithm")?;
        let height = |&value: &f64| {
            let value = self.clip.map_or(value, |clip| if value.is_nan() { value } else { value.min(clip) });
            if self.log { value.log10() } else { value }
        };
        let values: Vec<f64> = surface.channel(&self.channel)?.iter().map(height).collect();
        let found: Vec<bool> = surface
            .channel(&self.channel)?
            .iter()
            .zip(&values)
            .map(|(value, height)| value.is_finite() && height.is_finite())
            .collect();
        let finite = || values.iter().copied().filter(|value| value.is_finite());
        let (lowest, highest) =
            (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
        if lowest > highest {
            let reason = format!("no height of `{}` is finite", self.channel);
            return Err(Error::Unwritable { format: "VTK", reason });
        }
        let fill = |value: f64| match value {
            value if value.is_finite() => value,
            f64::INFINITY => highest,
            _ => lowest,
        };
        Ok(Heights { values: values.into_iter().map(fill).collect(), found })
    }
}

/// Arrays beside the channels.
const OWN: [&str; 4] = ["vtkGhostType", "not_finite", "computed", "height"];

struct Heights {
    values: Vec<f64>,
    /// Whether the channel is finite there.
    found: Vec<bool>,
}

/// A file whose arrays come as raw bytes after its XML: eight bytes a number, where text takes about twenty.
struct Appended {
    xml: String,
    data: Vec<u8>,
}

impl Appended {
    fn new(rows: usize, columns: usize) -> Self {
        let extent = format!("0 {} 0 {} 0 0", rows - 1, columns - 1);
        let xml = format!(
            "<?xml version=\"1.0\"?>\n\
             <VTKFile type=\"StructuredGrid\" version=\"1.0\" byte_order=\"LittleEndian\" header_type=\"UInt64\">\n\
             <StructuredGrid WholeExtent=\"{extent}\">\n<Piece Extent=\"{extent}\">\n<PointData Scalars=\"height\">\n"
        );
        Self { xml, data: Vec::new() }
    }

    /// Adds an array out of the bytes of its numbers.
    fn array<const N: usize>(
        &mut self,
        name: &str,
        dtype: &str,
        components: usize,
        numbers: impl Iterator<Item = [u8; N]>,
    ) {
        let offset = self.data.len();
        let name = escaped(name);
        let array = format!(
            "<DataArray type=\"{dtype}\" Name=\"{name}\" NumberOfComponents=\"{components}\" \
             format=\"appended\" offset=\"{offset}\"/>\n"
        );
        self.xml.push_str(&array);
        self.data.extend([0; 8]);
        numbers.for_each(|number| self.data.extend(number));
        let length = (self.data.len() - offset - 8) as u64;
        self.data[offset..offset + 8].copy_from_slice(&length.to_le_bytes());
    }

    /// Ends a section and begins the next.
    fn section(&mut self, ends: &str, begins: &str) {
        self.xml.extend(["</", ends, ">\n<", begins, ">\n"]);
    }

    fn finish(self) -> Vec<u8> {
        let head = "</Points>\n</Piece>\n</StructuredGrid>\n<AppendedData encoding=\"raw\">\n_";
        [self.xml.as_bytes(), head.as_bytes(), &self.data, b"\n</AppendedData>\n</VTKFile>\n"].concat()
    }
}

/// A name as an attribute of XML.
fn escaped(name: &str) -> String {
    let escape = |c: char| match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '"' => "&quot;".to_owned(),
        // XML has none of these, not even escaped.
        c if c.is_control() => "_".to_owned(),
        c => c.to_string(),
    };
    name.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    fn surface(values: Array2<f64>) -> Surface {
        let axis = |n: usize| (0..n).map(|i| i as f64).collect::<Vec<_>>();
        let (rows, columns) = values.dim();
        Surface::from_channels(&axis(rows), &axis(columns), [("a <b> & \"c\"".to_owned(), values)]).unwrap()
    }

    fn writer() -> VtkHeight {
        VtkHeight::new("a <b> & \"c\"")
    }

    /// The XML before the bytes, and the numbers of the array at this place.
    fn parts(file: &[u8], array: usize) -> (String, Vec<u8>) {
        let start = file.windows(2).position(|pair| pair == b"\n_").unwrap() + 2;
        let xml = String::from_utf8(file[..start].to_vec()).unwrap();
        let offset: usize =
            xml.split("offset=\"").nth(array + 1).unwrap().split_once('"').unwrap().0.parse().unwrap();
        let data = &file[start + offset..];
        let length = u64::from_le_bytes(data[..8].try_into().unwrap()) as usize;
        (xml, data[8..8 + length].to_vec())
    }

    fn doubles(bytes: &[u8]) -> Vec<f64> {
        bytes.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect()
    }

    #[test]
    fn points_run_along_alpha_first_and_what_is_not_finite_is_hidden() {
        let surface = surface(array![[1.0, f64::NAN, 3.0], [4.0, f64::INFINITY, 60.0]]);
        let file = writer().clip(10.0).scale(0.5).encode(&surface).unwrap();
        let (xml, hidden) = parts(&file, 0);
        assert!(xml.contains("WholeExtent=\"0 1 0 2 0 0\"") && xml.contains("a &lt;b> &amp; &quot;c&quot;"));
        assert_eq!(hidden, [0, 0, 2, 2, 0, 0]);
        assert_eq!(parts(&file, 1).1, [0, 0, 1, 1, 0, 0]);
        assert_eq!(parts(&file, 2).1, [1; 6]);
        assert_eq!(doubles(&parts(&file, 3).1), [1.0, 4.0, 1.0, 10.0, 3.0, 10.0]);
        let channel = doubles(&parts(&file, 4).1);
        assert!(channel[2].is_nan() && channel[3] == f64::INFINITY && channel[5] == 60.0);
        assert_eq!(parts(&file, 5).1, [32, 32]);
        let points = doubles(&parts(&file, 6).1);
        assert_eq!(points[..6], [0.0, 0.0, 0.5, 1.0, 0.0, 2.0]);
        assert_eq!(points[15..], [1.0, 2.0, 5.0]);
        let head = &xml[..xml.find("<AppendedData").unwrap()];
        assert!(roxmltree::Document::parse(&format!("{head}</VTKFile>")).is_ok());
    }

    #[test]
    fn logarithms_have_no_height_for_what_is_not_positive() {
        let surface = surface(array![[100.0, 0.0], [-1.0, 0.1]]);
        let file = writer().log(true).encode(&surface).unwrap();
        assert_eq!(parts(&file, 0).1, [0, 2, 2, 0]);
        assert_eq!(doubles(&parts(&file, 3).1), [2.0, -1.0, -1.0, -1.0]);
    }

    #[test]
    fn what_has_no_picture_is_refused() {
        let nothing = surface(array![[f64::NAN]]);
        assert!(matches!(writer().encode(&nothing), Err(Error::Unwritable { .. })));
        let one = surface(array![[1.0]]);
        assert!(writer().encode(&one).is_ok());
        assert!(matches!(VtkHeight::new("x").encode(&one), Err(Error::UnknownChannel { .. })));
        assert!(matches!(writer().clip(f64::NAN).encode(&one), Err(Error::Setting { .. })));
        assert!(matches!(writer().log(true).clip(0.0).encode(&one), Err(Error::Setting { .. })));
        assert!(matches!(writer().scale(f64::INFINITY).encode(&one), Err(Error::Setting { .. })));
    }
}
