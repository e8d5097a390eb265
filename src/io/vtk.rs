//! Surfaces for ParaView: VTK XML, a structured grid.

use std::{
    io::{self, Write},
    path::Path,
};

use ndarray::ArrayView2;

use crate::{
    Error, Result, Surface,
    replace::{self, Unfilled},
};

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
        replace::write_pieces(path, |out| height.write(self, out))
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
        replace::in_memory(|out| self.write(surface, out))
    }

    fn write(&self, surface: &Surface, out: &mut dyn Write) -> std::result::Result<(), Unfilled> {
        if surface.channels().iter().any(|name| OWN.contains(&name.as_str())) {
            return Err(Error::Channels { channels: surface.channels().to_vec() }.into());
        }
        let heights = self.heights(surface)?;
        let [rows, columns] = surface.shape();
        let (points, cells) = (rows * columns, (rows - 1) * (columns - 1));
        // In VTK the first axis runs fastest.
        let order = || (0..columns).flat_map(move |j| (0..rows).map(move |i| (i, j)));
        let hidden = |at: (usize, usize)| !heights.is_finite(at);
        let corners = |(i, j)| [(i, j), (i + 1, j), (i, j + 1), (i + 1, j + 1)].into_iter().any(hidden);
        let height = |at: (usize, usize)| heights.at(at);
        let point =
            move |at: (usize, usize)| [surface.alpha()[at.0], surface.beta()[at.1], height(at) * self.scale];

        let mut file = Appended::new(rows, columns);
        file.array("vtkGhostType", "UInt8", [1, points], move |put| {
            order().try_for_each(|at| put(&[if hidden(at) { 2 } else { 0 }]))
        });
        file.array("not_finite", "UInt8", [1, points], move |put| {
            order().try_for_each(|at| put(&[u8::from(hidden(at))]))
        });
        file.array("computed", "UInt8", [1, points], move |put| {
            order().try_for_each(|at| put(&[u8::from(surface.computed()[at])]))
        });
        file.array("height", "Float64", [8, points], move |put| {
            order().try_for_each(|at| put(&height(at).to_le_bytes()))
        });
        for (k, name) in surface.channels().iter().enumerate() {
            file.array(name, "Float64", [8, points], move |put| {
                order().try_for_each(|(i, j)| put(&surface.values()[[i, j, k]].to_le_bytes()))
            });
        }
        file.section("PointData", "CellData");
        file.array("vtkGhostType", "UInt8", [1, cells], move |put| {
            let mut cells = (0..columns - 1).flat_map(|j| (0..rows - 1).map(move |i| (i, j)));
            cells.try_for_each(|at| put(&[if corners(at) { 32 } else { 0 }]))
        });
        file.section("CellData", "Points");
        file.array("Points", "Float64", [24, points], move |put| {
            order().flat_map(point).try_for_each(|number| put(&number.to_le_bytes()))
        });
        Ok(file.write(out)?)
    }

    /// The heights of all points, and whether they can be drawn.
    fn heights<'s>(&'s self, surface: &'s Surface) -> Result<Heights<'s>> {
        let finite = |setting, value: f64, good: bool, needs| {
            if value.is_finite() && good { Ok(()) } else { Err(Error::Setting { setting, needs, value }) }
        };
        finite("scale", self.scale, true, "finite")?;
        let clip = self.clip.unwrap_or(1.0);
        finite("clip", clip, !self.log || clip > 0.0, "finite, and above 0 for a logarithm")?;
        let channel = surface.channel(&self.channel)?;
        let mut ends = [f64::INFINITY, f64::NEG_INFINITY];
        for height in channel.iter().map(|&value| self.height(value)).filter(|height| height.is_finite()) {
            ends = [ends[0].min(height), ends[1].max(height)];
        }
        if ends[0] > ends[1] {
            let reason = format!("no height of `{}` is finite", self.channel);
            return Err(Error::Unwritable { format: "VTK", reason });
        }
        Ok(Heights { own: self, channel, ends })
    }

    /// The height of a value, finite or not.
    fn height(&self, value: f64) -> f64 {
        let value = self.clip.map_or(value, |clip| if value.is_nan() { value } else { value.min(clip) });
        if self.log { value.log10() } else { value }
    }
}

/// Arrays beside the channels.
const OWN: [&str; 4] = ["vtkGhostType", "not_finite", "computed", "height"];

struct Heights<'s> {
    own: &'s VtkHeight,
    channel: ArrayView2<'s, f64>,
    /// The lowest and the highest that are finite.
    ends: [f64; 2],
}

impl Heights<'_> {
    fn is_finite(&self, at: (usize, usize)) -> bool {
        let value = self.channel[at];
        value.is_finite() && self.own.height(value).is_finite()
    }

    /// The height at a point; the lowest or the highest of all where there is none.
    fn at(&self, at: (usize, usize)) -> f64 {
        match self.own.height(self.channel[at]) {
            height if height.is_finite() => height,
            f64::INFINITY => self.ends[1],
            _ => self.ends[0],
        }
    }
}

/// Takes bytes.
type Put<'p> = dyn FnMut(&[u8]) -> io::Result<()> + 'p;
/// Gives the bytes of an array.
type Give<'g> = Box<dyn Fn(&mut Put<'_>) -> io::Result<()> + 'g>;

/// A file whose arrays come as raw bytes after its XML: eight bytes a number, where text takes about twenty.
struct Appended<'g> {
    xml: String,
    /// Bytes of all arrays so far, with the length before each.
    offset: usize,
    /// With their lengths.
    arrays: Vec<(usize, Give<'g>)>,
}

impl<'g> Appended<'g> {
    fn new(rows: usize, columns: usize) -> Self {
        let extent = format!("0 {} 0 {} 0 0", rows - 1, columns - 1);
        let xml = format!(
            "<?xml version=\"1.0\"?>\n\
             <VTKFile type=\"StructuredGrid\" version=\"1.0\" byte_order=\"LittleEndian\" header_type=\"UInt64\">\n\
             <StructuredGrid WholeExtent=\"{extent}\">\n<Piece Extent=\"{extent}\">\n<PointData Scalars=\"height\">\n"
        );
        Self { xml, offset: 0, arrays: Vec::new() }
    }

    /// Adds an array of so many elements of so many bytes, three numbers each if they are 24.
    fn array(
        &mut self,
        name: &str,
        dtype: &str,
        [bytes, elements]: [usize; 2],
        give: impl Fn(&mut Put<'_>) -> io::Result<()> + 'g,
    ) {
        let (name, offset, components) = (escaped(name), self.offset, if bytes == 24 { 3 } else { 1 });
        let array = format!(
            "<DataArray type=\"{dtype}\" Name=\"{name}\" NumberOfComponents=\"{components}\" \
             format=\"appended\" offset=\"{offset}\"/>\n"
        );
        self.xml.push_str(&array);
        self.offset += 8 + bytes * elements;
        self.arrays.push((bytes * elements, Box::new(give)));
    }

    /// Ends a section and begins the next.
    fn section(&mut self, ends: &str, begins: &str) {
        self.xml.extend(["</", ends, ">\n<", begins, ">\n"]);
    }

    fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.xml.as_bytes())?;
        out.write_all(b"</Points>\n</Piece>\n</StructuredGrid>\n<AppendedData encoding=\"raw\">\n_")?;
        for (length, give) in &self.arrays {
            out.write_all(&(*length as u64).to_le_bytes())?;
            give(&mut |bytes| out.write_all(bytes))?;
        }
        out.write_all(b"\n</AppendedData>\n</VTKFile>\n")
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
