//! Results as npz, numpy's archive of arrays: a zip archive of npy files, all of it written and read here, since
//! a reader must not believe what such a file says of its sizes.

mod npy;
mod zip;

use std::{collections::HashMap, path::Path};

use super::{
    document::Metadata,
    json,
    table::{Content, Table, distinct, from_content, identifier, table, wrong},
};
use crate::{Error, GridDimension, Landscape, Result, replace};
use npy::Npy;
use zip::Zip;

impl<D: GridDimension> Landscape<D> {
    /// Writes the landscape as npz, for `numpy.load`: to the bit, with its whole report.
    ///
    /// It holds `alpha` (m values), `beta` (n values), each channel (m×n) under its name with `_` for spaces
    /// (`train_loss`), `computed` (m×n), and `metadata`, the bytes of a JSON text
    /// (`json.loads(bytes(file["metadata"]))`) with `format`, `version`, `channels` and `report` as in
    /// [`write_json`](Self::write_json). A file of that name is replaced as a whole, in the way of
    /// [`files::write`](crate::files::write).
    /// `scripts/original_hdf5.py` in the repository makes of it the HDF5 file that the original repository's scripts
    /// read, and the other way round.
    ///
    /// A file by `numpy.savez` is read too: without `metadata`, all arrays of the grid's shape in `f8`, `f4`,
    /// `i8` or `i4` are channels, and without `computed` all points are computed. One by
    /// `numpy.savez_compressed` is refused, since a few bytes of it can stand for gigabytes.
    ///
    /// # Errors
    /// Those of [`files::write`](crate::files::write); [`Error::Channels`] if two arrays would get one name;
    /// [`Error::Unwritable`] from 4 GiB on.
    pub fn write_npz(&self, path: impl AsRef<Path>) -> Result<()> {
        replace::write(path, self.to_npz_bytes()?)
    }

    /// The bytes of the file that [`write_npz`](Self::write_npz) writes.
    ///
    /// # Errors
    /// As that one, but for those of the file.
    pub fn to_npz_bytes(&self) -> Result<Vec<u8>> {
        encode(&table(self))
    }

    /// Reads the file that [`write_npz`](Self::write_npz) wrote.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File); [`Error::InFile`](crate::Error::InFile) with what
    /// [`from_npz_bytes`](Self::from_npz_bytes) finds wrong.
    pub fn read_npz(path: impl AsRef<Path>) -> Result<Self> {
        replace::read(path.as_ref(), Self::from_npz_bytes)
    }

    /// Reads the bytes of a file that [`write_npz`](Self::write_npz) wrote.
    ///
    /// They are not trusted: damage is an error, and at no moment does reading hold more than 64 bytes for each byte of
    /// the file, and 64 KiB.
    ///
    /// # Errors
    /// [`Error::Parse`](crate::Error::Parse) or [`Error::Format`](crate::Error::Format); for axes and channels as
    /// [`Surface::from_channels`](crate::Surface::from_channels).
    pub fn from_npz_bytes(bytes: &[u8]) -> Result<Self> {
        from_content(decode(bytes, D::AXES == 2)?, "npz")
    }
}

/// Names of arrays that are no channels.
const OTHERS: [&str; 4] = ["alpha", "beta", "computed", "metadata"];

fn encode(table: &Table<'_>) -> Result<Vec<u8>> {
    check_names(table.channels)?;
    let mut zip = Zip::default();
    let numbers = |shape: &[usize], values: &mut dyn Iterator<Item = f64>| {
        npy::encode("<f8", shape, values.map(f64::to_le_bytes))
    };
    zip.add("alpha.npy", &numbers(&[table.alpha.len()], &mut table.alpha.iter().copied()))?;
    if let Some(beta) = table.beta {
        zip.add("beta.npy", &numbers(&[beta.len()], &mut beta.iter().copied()))?;
    }
    for (k, name) in table.channels.iter().enumerate() {
        zip.add(&format!("{}.npy", identifier(name)), &numbers(&table.shape(), &mut table.channel(k)))?;
    }
    let computed = table.computed.iter().map(|&done| [u8::from(done)]);
    zip.add("computed.npy", &npy::encode("|b1", &table.shape(), computed))?;
    let metadata = json::line(&Metadata::of(table), "npz")?;
    zip.add("metadata.npy", &npy::encode("|u1", &[metadata.len()], metadata.bytes().map(|byte| [byte])))?;
    zip.finish()
}

/// Names in a file must differ, from each other and from those of the other arrays.
fn check_names(channels: &[String]) -> Result<()> {
    let names = channels.iter().map(|name| identifier(name)).chain(OTHERS.map(str::to_owned));
    distinct(&names.collect::<Vec<_>>()).map_err(|_| Error::Channels { channels: channels.to_vec() })
}

fn decode(bytes: &[u8], plane: bool) -> Result<Content> {
    let files = zip::files(bytes)?;
    let mut arrays = HashMap::new();
    let mut order = Vec::new();
    for (name, data) in files {
        let name = name.strip_suffix(".npy").unwrap_or(name);
        let array = npy::decode(data).ok_or_else(|| {
            wrong("npz", format!("`{name}`"), "an array as large as its shape says", "otherwise")
        })?;
        if arrays.insert(name, array).is_some() {
            return Err(wrong("npz", format!("`{name}`"), "there once", "there twice"));
        }
        order.push(name);
    }
    let axis = |name: &str| {
        let axis = |array: &Npy<'_>| {
            let numbers = if array.shape.len() == 1 { array.numbers() } else { None };
            numbers.ok_or_else(|| unfit(name, "one row of numbers", array))
        };
        arrays.get(name).map(axis).transpose()
    };
    let missing = |name: &str| wrong("npz", format!("`{name}`"), "there", "missing");
    let (alpha, beta) = (axis("alpha")?.ok_or_else(|| missing("alpha"))?, axis("beta")?);
    let shape: Vec<usize> = [alpha.len()].into_iter().chain(beta.as_ref().map(Vec::len)).collect();

    // Channels: under which name in the file, and under which in the result.
    let mut names: Vec<(String, String)> = Vec::new();
    let mut report = None;
    if let Some(array) = arrays.get("metadata") {
        let text = array.bytes().ok_or_else(|| unfit("metadata", "the bytes of a text", array))?;
        let (channels, read) = Metadata::parse(text, plane, "npz")?;
        check_names(&channels)?;
        names.extend(channels.into_iter().map(|name| (identifier(&name), name)));
        report = Some(read);
    } else {
        let channel = |name: &&str| !OTHERS.contains(name) && arrays[name].shape == shape;
        names.extend(order.into_iter().filter(channel).map(|name| (name.to_owned(), name.to_owned())));
    }
    let channels = names.into_iter().map(|(key, name)| {
        let array = arrays.get(key.as_str()).ok_or_else(|| missing(&key))?;
        let numbers = if array.shape == shape { array.numbers() } else { None };
        Ok((name, numbers.ok_or_else(|| unfit(&key, &format!("numbers of the shape {shape:?}"), array))?))
    });
    let channels = channels.collect::<Result<_>>()?;
    let computed = arrays.get("computed").map(|array| {
        let bools = if array.shape == shape { array.bools() } else { None };
        bools.ok_or_else(|| unfit("computed", &format!("true and false of the shape {shape:?}"), array))
    });
    Ok(Content { alpha, beta, channels, computed: computed.transpose()?, report })
}

fn unfit(name: &str, expected: &str, array: &Npy<'_>) -> Error {
    wrong("npz", format!("`{name}`"), expected, array)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Curve, Surface};

    crate::io::testing::format_properties!(false, super::super::encode, super::super::decode, "npz");

    fn archive(arrays: &[(&str, &[usize])]) -> Vec<u8> {
        let mut zip = Zip::default();
        for (name, shape) in arrays {
            let count: usize = shape.iter().product();
            let values = (0..count).map(|i| (i as f64).to_le_bytes());
            zip.add(&format!("{name}.npy"), &npy::encode("<f8", shape, values)).unwrap();
        }
        zip.finish().unwrap()
    }

    #[test]
    fn what_numpy_would_write_is_read() {
        let file = archive(&[
            ("beta", &[3]),
            ("loss", &[2, 3]),
            ("seed", &[]),
            ("alpha", &[2]),
            ("test acc", &[2, 3]),
        ]);
        let surface = Surface::from_npz_bytes(&file).unwrap();
        assert_eq!(surface.channels(), ["loss", "test acc"]);
        assert_eq!(surface.channel("test acc").unwrap()[[1, 2]], 5.0);
        assert!(Curve::from_npz_bytes(&file).is_err());
        let error =
            |arrays: &[(&str, &[usize])]| Surface::from_npz_bytes(&archive(arrays)).unwrap_err().to_string();
        assert_eq!(error(&[("beta", &[3])]), "not a valid npz file: `alpha` should be there, not missing");
        assert!(error(&[("alpha", &[2]), ("beta", &[2]), ("loss", &[4])]).contains("channels []"));
        assert!(error(&[("alpha", &[2]), ("alpha", &[2])]).contains("there twice"));
        assert_eq!(
            error(&[("alpha", &[2]), ("beta", &[1, 2])]),
            "not a valid npz file: `beta` should be one row of numbers, not <f8 of the shape [1, 2]"
        );
        let twice = error(&[("alpha", &[2]), ("beta", &[1]), ("loss", &[2, 1]), ("computed", &[2, 1])]);
        assert!(twice.contains("`computed` should be true and false"), "{twice}");
    }

    #[test]
    fn channels_that_would_share_a_name_are_refused() {
        assert!(matches!(check_names(&["a b".into(), "a_b".into()]), Err(Error::Channels { .. })));
        assert!(check_names(&["alpha".into()]).is_err());
        assert!(check_names(&["train loss".into(), "loss".into()]).is_ok());
    }

    #[test]
    fn files_that_cannot_be_written_or_read_are_named() {
        let missing = std::env::temp_dir().join("no such folder").join("x.npz");
        let surface =
            Surface::from_npz_bytes(&archive(&[("alpha", &[1]), ("beta", &[1]), ("loss", &[1, 1])])).unwrap();
        let error = surface.write_npz(&missing).unwrap_err();
        assert!(matches!(&error, Error::File { path, .. } if *path == missing), "{error}");
        let error = Surface::read_npz(&missing).unwrap_err();
        assert!(matches!(&error, Error::File { path, .. } if *path == missing), "{error}");
        let path = std::env::temp_dir().join(format!("loss-landscape-{}.npz", std::process::id()));
        surface.write_npz(&path).unwrap();
        assert_eq!(Surface::read_npz(&path).unwrap().values(), surface.values());
        let error = Curve::read_npz(&path).unwrap_err().to_string();
        std::fs::remove_file(&path).unwrap();
        assert!(error.starts_with(&path.display().to_string()), "{error}");
    }
}
