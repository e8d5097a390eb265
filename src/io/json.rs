//! Results as JSON, with all that is known of them.

use std::{
    io::{self, Write},
    path::Path,
};

use serde::Deserialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

use super::{
    document::{self, Document},
    table::{Content, Table, from_content, table},
};
use crate::{
    Error, GridDimension, Landscape, Result,
    replace::{self, Unfilled},
};

impl<D: GridDimension> Landscape<D> {
    /// Writes the landscape as JSON, exactly and with its whole report.
    ///
    /// It is the document that serde makes of a surface (feature `serde`), an object of `format` (`"loss-landscape
    /// surface"`), `version` (2), `alpha` (m numbers), `beta` (n), `channels` (their names in order), `values` (for
    /// each channel m rows of n numbers), `computed` (m rows of n times true or false) and `report`, the fields of
    /// [`SweepReport`](crate::report::SweepReport) under their names. Numbers are the shortest that read back as the
    /// same `f64`; those that are not finite are the texts `"NaN"`, `"Infinity"` and `"-Infinity"`, and all NaN are
    /// read back as one. Hashes are 16 hexadecimal digits. A file without `channels` (then in the order of `values`),
    /// `computed` (then all) or `report` (then that of [`Surface::from_channels`](crate::Surface::from_channels)) is
    /// read too. A file of that name is replaced as a whole, in the way of
    /// [`files::write`](crate::files::write).
    ///
    /// # Errors
    /// Those of [`files::write`](crate::files::write).
    pub fn write_json(&self, path: impl AsRef<Path>) -> Result<()> {
        replace::write_pieces(path, |out| write(&table(self), out))
    }

    /// The bytes of the file that [`write_json`](Self::write_json) writes.
    ///
    /// # Errors
    /// As that one, but for those of the file.
    pub fn to_json_bytes(&self) -> Result<Vec<u8>> {
        encode(&table(self))
    }

    /// Reads the file that [`write_json`](Self::write_json) wrote.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File); [`Error::InFile`](crate::Error::InFile) with what
    /// [`from_json_bytes`](Self::from_json_bytes) finds wrong.
    pub fn read_json(path: impl AsRef<Path>) -> Result<Self> {
        replace::read(path.as_ref(), Self::from_json_bytes)
    }

    /// Reads the bytes of a file that [`write_json`](Self::write_json) wrote.
    ///
    /// They are not trusted: damage is an error, and at no moment does reading hold more than 64 bytes for each byte of
    /// the file, and 64 KiB.
    ///
    /// # Errors
    /// [`Error::Parse`](crate::Error::Parse) or [`Error::Format`](crate::Error::Format); for axes and channels as
    /// [`Surface::from_channels`](crate::Surface::from_channels)(crate::Surface::from_channels).
    pub fn from_json_bytes(bytes: &[u8]) -> Result<Self> {
        from_content(decode(bytes, D::AXES == 2)?, "JSON")
    }
}

/// Bytes of JSON as a value.
pub(super) fn parse<'t, T: Deserialize<'t>>(text: &'t [u8], format: &'static str) -> Result<T> {
    serde_json::from_slice(text).map_err(|error| {
        // It may quote any part of the file.
        let reason = error.to_string().chars().take(400).collect();
        Error::Parse { format, reason }
    })
}

/// A value as JSON on one line.
#[cfg(any(feature = "npz", feature = "csv"))]
pub(super) fn line(value: &impl serde::Serialize, format: &'static str) -> Result<String> {
    serde_json::to_string(value).map_err(|error| unwritable(format, &error))
}

fn encode(table: &Table<'_>) -> Result<Vec<u8>> {
    replace::in_memory(|out| write(table, out))
}

fn write(table: &Table<'_>, out: &mut dyn Write) -> std::result::Result<(), Unfilled> {
    let mut serializer = Serializer::with_formatter(&mut *out, Lines::default());
    if let Err(error) = document::serialize(table, &mut serializer) {
        return Err(match error.io_error_kind() {
            Some(_) => Unfilled::Write(error.into()),
            None => unwritable("JSON", &error).into(),
        });
    }
    Ok(writeln!(out)?)
}

fn decode(bytes: &[u8], plane: bool) -> Result<Content> {
    if plane {
        parse::<Document<true>>(bytes, "JSON")?.content("JSON")
    } else {
        parse::<Document<false>>(bytes, "JSON")?.content("JSON")
    }
}

fn unwritable(format: &'static str, error: &serde_json::Error) -> Error {
    Error::Unwritable { format, reason: error.to_string() }
}

/// A line for each field of the document and for each row of the grid.
#[derive(Default)]
pub(super) struct Lines {
    /// Whether each list or object around is a list.
    lists: Vec<bool>,
}

impl Formatter for Lines {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.lists.last() == Some(&true) {
            writer.write_all(b"\n")?;
        }
        self.lists.push(true);
        CompactFormatter.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.lists.pop();
        CompactFormatter.end_array(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.lists.push(false);
        CompactFormatter.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.lists.pop();
        CompactFormatter.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        CompactFormatter.begin_object_key(writer, first)?;
        if self.lists.len() == 1 { writer.write_all(b"\n") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Curve, Surface};

    crate::io::testing::format_properties!(true, super::super::encode, super::super::decode, "JSON");

    #[test]
    fn the_document_is_this_text() {
        let loss = ndarray::array![[1.0, -0.0, 0.25], [f64::NAN, f64::NEG_INFINITY, 0.1]];
        let channels = [("a \"loss\"".to_owned(), loss)];
        let surface = Surface::from_channels(&[0.0, 1.0], &[-1.0, 0.5, 2.0], channels).unwrap();
        let text = String::from_utf8(surface.to_json_bytes().unwrap()).unwrap();
        let bad = |i: u8, j: u8, alpha: &str, beta: &str, value: &str| {
            format!(r#"{{"index":[{i},{j}],"coordinates":[{alpha},{beta}],"data":"","failure":"#)
                + &format!(r#"{{"non_finite":{{"channel":"a \"loss\"","value":"{value}"}}}}}}"#)
        };
        let bad = [bad(1, 0, "1.0", "-1.0", "NaN"), bad(1, 1, "1.0", "0.5", "-Infinity")].join(",");
        let expected = format!(
            r#"{{
"format":"loss-landscape surface",
"version":2,
"alpha":[0.0,1.0],
"beta":[-1.0,0.5,2.0],
"channels":["a \"loss\""],
"values":{{"a \"loss\"":[
[1.0,-0.0,0.25],
["NaN","-Infinity",0.1]]}},
"computed":[
[true,true,true],
[true,true,true]],
"report":{{"end":"complete","total":6,"computed":6,"bad_points":[{bad}],"elapsed_seconds":0.0,"threads":0,"resumed":null,"provenance":{{"version":"","scalar":"","theta_hash":null,"directions":[],"cosine":null,"data":[],"data_hashes":[]}}}}}}
"#
        );
        assert_eq!(text, expected);
        // The same document in serde's own hands.
        let value = serde_json::to_value(&surface).unwrap();
        assert_eq!(value, serde_json::from_str::<serde_json::Value>(&text).unwrap());
        let read: Surface = serde_json::from_value(value).unwrap();
        assert_eq!(read.to_json_bytes().unwrap(), text.as_bytes());
    }

    #[test]
    fn what_another_program_would_write_is_read() {
        let text = r#"{"format": "loss-landscape surface", "version": 2, "alpha": [0, 1], "beta": [0, 1, 2.5],
            "values": {"test loss": [[1, 2, 3], [4, "NaN", 6]], "loss": [[0, 0, 0], [0, 0, 0]]}, "more": [{}]}"#;
        let surface = Surface::from_json_bytes(text.as_bytes()).unwrap();
        assert_eq!(surface.channels(), ["test loss", "loss"]);
        assert_eq!(surface.channel("test loss").unwrap()[[0, 2]], 3.0);
        assert_eq!(surface.report().bad_points[0].index, [1, 1]);
        let order = text.replace("\"values\"", "\"channels\": [\"loss\", \"test loss\"], \"values\"");
        assert_eq!(Surface::from_json_bytes(order.as_bytes()).unwrap().channels(), ["loss", "test loss"]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let text = r#"{"format": "loss-landscape surface", "version": 2, "alpha": [0, 1], "beta": [0, 1],
            "values": {"loss": [[1, 2], [4, 5]]}}"#;
        let error = |from: &str, to: &str| {
            assert!(text.contains(from));
            Surface::from_json_bytes(text.replacen(from, to, 1).as_bytes()).unwrap_err().to_string()
        };
        assert_eq!(
            error("[4, 5]", "[4, 5, 6]"),
            "not a valid JSON file: row 0 has 2 entries and row 1 has 3 at line 2 column 50"
        );
        assert!(
            error("[1, 2], [4, 5]", "[1], [4]")
                .contains("channel `loss` has 2×1 values where the axes have 2×2")
        );
        assert!(error(", [4, 5]", "").contains("channel `loss` has 1×2 values where the axes have 2×2"));
        assert!(
            error("surface", "curve")
                .contains("should be \"loss-landscape surface\", not \"loss-landscape curve\"")
        );
        assert!(
            error("\"version\": 2", "\"version\": 1")
                .contains("the version of the format should be 2, not 1")
        );
        assert!(error("[0, 1]", "[1, 1]").contains("α must be finite and run upwards"));
        assert!(error("\"alpha\": [0, 1]", "\"alpha\": []").contains("the axes have 0×2"));
        assert!(error("{\"loss\": [[1, 2], [4, 5]]}", "{}").contains("channels [] must be"));
        assert!(error("\"alpha\"", "\"omega\"").contains("missing field `alpha`"));
        assert!(error("5", "\"five\"").contains("expected a number, \"NaN\", \"Infinity\" or \"-Infinity\""));
        assert!(error("\"values\"", "\"channels\": [\"x\"], \"values\"").contains("`x`"));
        let error = Curve::from_json_bytes(text.as_bytes()).unwrap_err().to_string();
        let kind = "the format should be \"loss-landscape curve\", not \"loss-landscape surface\"";
        assert!(error.contains(kind), "{error}");
    }

    #[test]
    fn depth_is_limited() {
        let deep = "[".repeat(1_000_000);
        for text in [deep.clone(), format!("{{\"more\": {deep}"), format!("{{\"values\": {{\"x\": {deep}")] {
            assert!(matches!(Surface::from_json_bytes(text.as_bytes()), Err(Error::Parse { .. })));
        }
    }
}
