//! Results as JSON, with all that is known of them.

pub(super) mod report;
mod tree;

use std::{
    collections::HashMap,
    fmt::{self, Display, Write},
};

use report::{VERSION, check_kind};
pub(super) use tree::{Json, Node, Number, Quoted};

use super::table::{Content, Table, Tabled, distinct, format_methods, kind};
use crate::Result;

format_methods!(
    "JSON", encode, decode, write_json, read_json, from_json_bytes,
    /// Writes the surface as JSON, exactly and with its whole report.
    ///
    /// The object holds `format` (`"loss-landscape surface"`), `version`, `alpha` (m numbers), `beta` (n),
    /// `channels` (their names in order), `values` (for each channel m rows of n numbers), `computed` (m rows
    /// of n times true or false) and `report`, as [`SweepReport::to_json`](crate::SweepReport::to_json) writes
    /// it. Numbers that are not finite are the texts `"NaN"`, `"Infinity"` and `"-Infinity"`; all NaN are read
    /// back as one. A file without `channels` (then in the order of `values`), `computed` (then all) or
    /// `report` (then that of [`Surface::from_channels`]) is read too. A file of that name is replaced only
    /// when the new one is whole.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File).
);

#[allow(clippy::unnecessary_wraps, reason = "other formats cannot hold every result")]
fn encode(table: &Table<'_>) -> Result<Vec<u8>> {
    Ok(Document(table).to_string().into_bytes())
}

/// A result as a JSON text, a line for each row of the grid.
struct Document<'a>(&'a Table<'a>);

impl Display for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(table) = self;
        writeln!(f, "{{\n\"format\": \"loss-landscape {}\",\n\"version\": {VERSION},", table.kind())?;
        writeln!(f, "\"alpha\": {},", Json::Numbers(table.alpha.to_vec()))?;
        if let Some(beta) = table.beta {
            writeln!(f, "\"beta\": {},", Json::Numbers(beta.to_vec()))?;
        }
        writeln!(f, "\"channels\": {},\n\"values\": {{", Json::texts(table.channels))?;
        for (k, name) in table.channels.iter().enumerate() {
            writeln!(f, "{}{}:", if k > 0 { ", " } else { "" }, Quoted(name))?;
            rows(f, table, table.channel(k).map(Number))?;
        }
        writeln!(f, "}},\n\"computed\":")?;
        rows(f, table, table.computed.iter())?;
        writeln!(f, ",\n\"report\": {}\n}}", report::write(table.report))
    }
}

/// Entries of all points: one list for a curve, a list of lists for a surface.
fn rows<T: Display>(
    f: &mut fmt::Formatter<'_>,
    table: &Table<'_>,
    entries: impl Iterator<Item = T>,
) -> fmt::Result {
    let (columns, nested) = (table.columns(), table.beta.is_some());
    f.write_str("[")?;
    for (point, entry) in entries.enumerate() {
        match (nested, point, point % columns) {
            (_, 0, _) => {}
            (true, _, 0) => f.write_str("],\n")?,
            _ => f.write_char(',')?,
        }
        if nested && point % columns == 0 {
            f.write_char('[')?;
        }
        write!(f, "{entry}")?;
    }
    f.write_str(if nested { "]]" } else { "]" })
}

fn decode(bytes: &[u8]) -> Result<Content> {
    let json = Json::parse(bytes, "JSON")?;
    let root = json.root("JSON");
    let beta = root.find("beta")?.map(|beta| beta.numbers().map(<[f64]>::to_vec)).transpose()?;
    let plane = beta.is_some();
    check_kind(&root, kind(plane))?;
    let values = root.get("values")?;
    let names = match root.find("channels")? {
        Some(channels) => channels.texts()?,
        None => values.fields()?.map(|(name, _)| name.to_owned()).collect(),
    };
    let columns = beta.as_ref().map_or(1, Vec::len);
    distinct(&names)?;
    let fields: HashMap<&str, Node<'_>> = values.fields()?.collect();
    let channels = names.into_iter().map(|name| {
        let node =
            fields.get(name.as_str()).ok_or_else(|| values.wrong(format!("an object with `{name}`")))?;
        Ok((name, nested(node, plane, columns, |row| Ok(row.numbers()?.to_vec()))?))
    });
    let channels = channels.collect::<Result<_>>()?;
    let computed = match root.find("computed")? {
        Some(node) => Some(nested(&node, plane, columns, |row: &Node<'_>| row.bools())?),
        None => None,
    };
    let report = root.find("report")?.map(|node| report::read(&node)).transpose()?;
    Ok(Content { alpha: root.get("alpha")?.numbers()?.to_vec(), beta, channels, computed, report })
}

/// The entries of all rows, each of them as long as it should be.
fn nested<T>(
    node: &Node<'_>,
    plane: bool,
    columns: usize,
    read: impl Fn(&Node<'_>) -> Result<Vec<T>>,
) -> Result<Vec<T>> {
    if !plane {
        return read(node);
    }
    let mut all = Vec::new();
    for row in node.list()? {
        let entries = read(&row)?;
        if entries.len() != columns {
            return Err(row.wrong(format!("a list of {columns}, as `beta`")));
        }
        all.extend(entries);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use crate::{Curve, Surface};

    crate::io::testing::format_properties!(true, super::super::encode, super::super::decode, "JSON");

    #[test]
    fn what_another_program_would_write_is_read() {
        let text = r#"{"format": "loss-landscape surface", "version": 1, "alpha": [0, 1], "beta": [0, 1, 2.5],
            "values": {"test loss": [[1, 2, 3], [4, "NaN", 6]], "loss": [[0, 0, 0], [0, 0, 0]]}}"#;
        let surface = Surface::from_json_bytes(text.as_bytes()).unwrap();
        assert_eq!(surface.channels(), ["test loss", "loss"]);
        assert_eq!(surface.channel("test loss").unwrap()[[0, 2]], 3.0);
        assert_eq!(surface.report().bad_points[0].index, [1, 1]);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let text = r#"{"format": "loss-landscape surface", "version": 1, "alpha": [0, 1], "beta": [0, 1],
            "values": {"loss": [[1, 2], [4, 5]]}}"#;
        let error = |from: &str, to: &str| {
            assert!(text.contains(from));
            Surface::from_json_bytes(text.replacen(from, to, 1).as_bytes()).unwrap_err().to_string()
        };
        assert_eq!(
            error("[4, 5]", "[4, 5, 6]"),
            "not a valid JSON file: values.loss.1 should be a list of 2, as `beta`, not a list of 3 numbers"
        );
        assert!(error(", [4, 5]", "").contains("channel `loss` has 2 values where the axes have 2×2"));
        assert!(error("surface", "curve").contains("not \"loss-landscape curve\""));
        assert!(error("\"version\": 1", "\"version\": 2").contains("version should be 1, not 2"));
        assert!(error("[0, 1]", "[1, 1]").contains("α must be finite and run upwards"));
        assert!(error("\"alpha\": [0, 1]", "\"alpha\": []").contains("the axes have 0×2"));
        assert!(error("{\"loss\": [[1, 2], [4, 5]]}", "{}").contains("channels [] must be"));
        assert!(error("\"alpha\"", "\"omega\"").contains("an object with `alpha`"));
        let error = Curve::from_json_bytes(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(error, "not a valid JSON file: the result should be a curve, not a surface");
    }
}
