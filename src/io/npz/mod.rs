//! Results as npz, numpy's archive of arrays: a zip archive of npy files, all of it written and read here, since
//! a reader must not believe what such a file says of its sizes.

pub(super) mod npy;
pub(super) mod zip;

use std::{collections::HashMap, io::Write, path::Path};

use super::{
    document::Metadata,
    json,
    table::{Content, Table, distinct, from_content, identifier, table, wrong},
};
use crate::{
    Error, GridDimension, Landscape, Result,
    replace::{self, Unfilled},
};
use npy::Npy;
use zip::{Feed, Zip};

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
    /// A file by `numpy.savez` is read too: without `metadata`, all arrays of numbers of the grid's shape are channels
    /// (floating point of 16 bits or more, whole numbers that `f64` has, true as 1 and false as 0), and without
    /// `computed` all points are computed. Other arrays, such as texts, are left out. One by
    /// `numpy.savez_compressed` is refused, since a few bytes of it can stand for gigabytes.
    ///
    /// # Errors
    /// Those of [`files::write`](crate::files::write); [`Error::Channels`] if two arrays would get one name;
    /// [`Error::Unwritable`] from 4 GiB on.
    pub fn write_npz(&self, path: impl AsRef<Path>) -> Result<()> {
        replace::write_pieces(path, |out| write(&table(self), out))
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
    replace::in_memory(|out| write(table, out))
}

fn write(table: &Table<'_>, out: &mut dyn Write) -> std::result::Result<(), Unfilled> {
    check_names(table.channels)?;
    let mut zip = Zip::new(out);
    add_floats(&mut zip, "alpha", &[table.alpha.len()], || table.alpha.iter().copied())?;
    if let Some(beta) = table.beta {
        add_floats(&mut zip, "beta", &[beta.len()], || beta.iter().copied())?;
    }
    for (k, name) in table.channels.iter().enumerate() {
        add_floats(&mut zip, &identifier(name), &table.shape(), || table.channel(k))?;
    }
    let computed = || table.computed.iter().map(|&done| [u8::from(done)]);
    zip.add_pieces("computed.npy", &|sink| npy::feed("|b1", &table.shape(), computed(), sink))?;
    let metadata = json::line(&Metadata::of(table), "npz")?;
    zip.add("metadata.npy", &npy::encode("|u1", &[metadata.len()], metadata.bytes().map(|byte| [byte])))?;
    zip.finish()
}

/// Adds an array of numbers, without a copy of them.
fn add_floats<W: Write, I: Iterator<Item = f64>>(
    zip: &mut Zip<W>,
    name: &str,
    shape: &[usize],
    numbers: impl Fn() -> I,
) -> std::result::Result<(), Unfilled> {
    let feed: &Feed<'_> = &|sink| npy::feed("<f8", shape, numbers().map(f64::to_le_bytes), sink);
    zip.add_pieces(&format!("{name}.npy"), feed)
}

/// An archive of arrays of numbers, each with its name and shape, and of a text beside them.
pub(super) fn archive(arrays: &[(&str, &[usize], &[f64])], metadata: &str) -> Result<Vec<u8>> {
    replace::in_memory(|out| {
        let mut zip = Zip::new(out);
        for (name, shape, values) in arrays {
            add_floats(&mut zip, name, shape, || values.iter().copied())?;
        }
        zip.add("metadata.npy", &npy::encode("|u1", &[metadata.len()], metadata.bytes().map(|byte| [byte])))?;
        zip.finish()
    })
}

/// Names in a file must differ, from each other and from those of the other arrays.
fn check_names(channels: &[String]) -> Result<()> {
    let names = channels.iter().map(|name| identifier(name)).chain(OTHERS.map(str::to_owned));
    distinct(&names.collect::<Vec<_>>()).map_err(|_| Error::Channels { channels: channels.to_vec() })
}

fn decode(bytes: &[u8], plane: bool) -> Result<Content> {
    let arrays = Arrays::read(bytes)?;
    let axis = |name: &str| {
        let axis = |array: &Npy<'_>| {
            let numbers = if array.shape.len() == 1 { array.numbers() } else { None };
            numbers.ok_or_else(|| unfit(name, "one row of numbers", array))
        };
        arrays.get(name)?.map(axis).transpose()
    };
    let (alpha, beta) = (axis("alpha")?.ok_or_else(|| arrays.missing("alpha"))?, axis("beta")?);
    let shape: Vec<usize> = [alpha.len()].into_iter().chain(beta.as_ref().map(Vec::len)).collect();
    let computed = arrays.get("computed")?.map(|array| {
        let bools = if array.shape == shape { array.bools() } else { None };
        bools.ok_or_else(|| unfit("computed", &format!("true and false of the shape {shape:?}"), array))
    });
    let computed = computed.transpose()?;
    let Some(array) = arrays.get("metadata")? else {
        let channels = arrays.channels_by_shape(&shape)?;
        if channels.is_empty() {
            return Err(if plane && beta.is_none() {
                arrays.missing("beta")
            } else {
                arrays.no_channels(&shape)
            });
        }
        return Ok(Content { alpha, beta, channels, computed, report: None });
    };
    let text = array.bytes().ok_or_else(|| unfit("metadata", "the bytes of a text", array))?;
    let (names, report) = Metadata::parse(text, plane, "npz")?;
    check_names(&names)?;
    let channels = names.into_iter().map(|name| {
        let key = identifier(&name);
        let array = arrays.get(&key)?.ok_or_else(|| arrays.missing(&key))?;
        let numbers = if array.shape == shape { array.numbers() } else { None };
        let numbers =
            numbers.ok_or_else(|| unfit(&key, &format!("numbers of the shape {shape:?}"), array))?;
        ensure_few_not_finite(&name, array, &numbers)?;
        Ok((name, numbers))
    });
    Ok(Content { alpha, beta, channels: channels.collect::<Result<_>>()?, computed, report: Some(report) })
}

/// The arrays of a file. What is none that can be read (texts, objects) is in nobody's way until it is needed.
pub(super) struct Arrays<'a> {
    by_name: HashMap<&'a str, Option<Npy<'a>>>,
    order: Vec<&'a str>,
}

impl<'a> Arrays<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut arrays = Self { by_name: HashMap::new(), order: Vec::new() };
        for (name, data) in zip::files(bytes)? {
            let name = name.strip_suffix(".npy").unwrap_or(name);
            if arrays.by_name.insert(name, npy::decode(data)).is_some() {
                return Err(wrong("npz", format!("`{name}`"), "there once", "there twice"));
            }
            arrays.order.push(name);
        }
        Ok(arrays)
    }

    /// The array of a name that is needed, if it is there.
    pub(super) fn get(&self, name: &str) -> Result<Option<&Npy<'a>>> {
        let unreadable = || {
            wrong(
                "npz",
                format!("`{name}`"),
                "an array of numbers, as large as its shape says",
                "something else",
            )
        };
        self.by_name.get(name).map(|array| array.as_ref().ok_or_else(unreadable)).transpose()
    }

    /// All arrays of numbers of this shape, in the order of the file: what a file by another program has as channels.
    fn channels_by_shape(&self, shape: &[usize]) -> Result<Vec<(String, Vec<f64>)>> {
        let names = self.order.iter().filter(|name| !OTHERS.contains(name));
        let channels = names.filter_map(|&name| {
            let array = self.by_name[name].as_ref().filter(|array| array.shape == shape)?;
            let numbers = array.numbers()?;
            Some(ensure_few_not_finite(name, array, &numbers).map(|()| (name.to_owned(), numbers)))
        });
        channels.collect()
    }

    pub(super) fn missing(&self, name: &str) -> Error {
        let others = self.described(&[]);
        let found = if others.is_empty() { "missing".to_owned() } else { format!("missing among {others}") };
        wrong("npz", format!("`{name}`"), "there", found)
    }

    fn no_channels(&self, shape: &[usize]) -> Error {
        let axes = if shape.len() == 2 { "`alpha` and `beta`" } else { "`alpha`" };
        let expected = format!("an array of numbers of the shape {shape:?}, that of {axes}");
        let others = self.described(shape);
        let found = if others.is_empty() { "none at all".to_owned() } else { others };
        wrong("npz", "one array besides the axes", expected, found)
    }

    /// The first arrays that are no axes, with their types and shapes.
    fn described(&self, wanted: &[usize]) -> String {
        const MOST: usize = 8;
        let others: Vec<_> = self.order.iter().filter(|name| !OTHERS.contains(name)).collect();
        let described = others.iter().take(MOST).map(|&&name| match &self.by_name[name] {
            None => format!("`{name}` (no array of numbers)"),
            Some(array)
                if wanted.len() == 2 && array.shape.iter().rev().eq(wanted) && array.shape != wanted =>
            {
                format!("`{name}` ({array}, which is transposed)")
            }
            Some(array) => format!("`{name}` ({array})"),
        });
        let text = described.collect::<Vec<_>>().join(", ");
        match others.len().checked_sub(MOST) {
            None | Some(0) => text,
            Some(more) => format!("{text} and {more} more"),
        }
    }
}

/// Refuses values of two bytes that are not finite under a name that would take more memory with each of them than the
/// file allows.
fn ensure_few_not_finite(name: &str, array: &Npy<'_>, numbers: &[f64]) -> Result<()> {
    let count = numbers.iter().filter(|number| !number.is_finite()).count();
    if array.is_half() && count.saturating_mul(name.len()) > 8 * numbers.len().max(512) {
        let found = format!("of {} bytes", name.len());
        let expected = format!("shorter, since {count} values that are not finite refer to it");
        return Err(wrong(
            "npz",
            format!("the name `{}...`", name.chars().take(60).collect::<String>()),
            expected,
            found,
        ));
    }
    Ok(())
}

pub(super) fn unfit(name: &str, expected: &str, array: &Npy<'_>) -> Error {
    wrong("npz", format!("`{name}`"), expected, array)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Curve, Surface};

    crate::io::testing::format_properties!(false, super::super::encode, super::super::decode, "npz");

    fn archive(arrays: &[(&str, &[usize])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut zip = Zip::new(&mut bytes);
        for (name, shape) in arrays {
            let count: usize = shape.iter().product();
            let values = (0..count).map(|i| (i as f64).to_le_bytes());
            zip.add(&format!("{name}.npy"), &npy::encode("<f8", shape, values)).unwrap();
        }
        zip.finish().unwrap();
        bytes
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
        assert_eq!(
            error(&[("x", &[3]), ("y", &[2]), ("z", &[3, 2])]),
            "not a valid npz file: `alpha` should be there, not missing among `x` (<f8 of the shape [3]), \
             `y` (<f8 of the shape [2]), `z` (<f8 of the shape [3, 2])"
        );
        assert_eq!(
            error(&[("alpha", &[2]), ("beta", &[3]), ("loss", &[3, 2]), ("seed", &[])]),
            "not a valid npz file: one array besides the axes should be an array of numbers of the shape [2, 3], \
             that of `alpha` and `beta`, not `loss` (<f8 of the shape [3, 2], which is transposed), \
             `seed` (<f8 of the shape [])"
        );
        assert!(error(&[("alpha", &[2]), ("beta", &[2])]).ends_with("not none at all"));
        assert!(
            error(&[("alpha", &[2]), ("loss", &[3])]).contains("`beta` should be there, not missing among")
        );
        let names: Vec<String> = (0..20).map(|k| format!("a{k}")).collect();
        let many = [("alpha", &[1][..]), ("beta", &[1])].into_iter();
        let many: Vec<(&str, &[usize])> =
            many.chain(names.iter().map(|name| (name.as_str(), &[5][..]))).collect();
        assert!(error(&many).ends_with("`a7` (<f8 of the shape [5]) and 12 more"), "{}", error(&many));
        assert!(error(&[("alpha", &[2]), ("alpha", &[2])]).contains("there twice"));
        assert_eq!(
            error(&[("alpha", &[2]), ("beta", &[1, 2])]),
            "not a valid npz file: `beta` should be one row of numbers, not <f8 of the shape [1, 2]"
        );
        let twice = error(&[("alpha", &[2]), ("beta", &[1]), ("loss", &[2, 1]), ("computed", &[2, 1])]);
        assert!(twice.contains("`computed` should be true and false"), "{twice}");
    }

    /// An archive with a grid of 2×1 and one more array.
    fn with(name: &str, array: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut zip = Zip::new(&mut bytes);
        let axis = |len: usize| npy::encode("<f8", &[len], (0..len).map(|i| (i as f64).to_le_bytes()));
        for (name, array) in [
            ("alpha", &axis(2)[..]),
            ("beta", &axis(1)),
            ("loss", &npy::encode("<f4", &[2, 1], [[0; 4]; 2].iter())),
        ] {
            zip.add(&format!("{name}.npy"), array).unwrap();
        }
        zip.add(&format!("{name}.npy"), array).unwrap();
        zip.finish().unwrap();
        bytes
    }

    #[test]
    fn arrays_that_cannot_be_read_are_in_the_way_only_where_they_are_needed() {
        let text = npy::encode("<U3", &[2, 1], [[0; 12]; 2].iter());
        let objects = npy::encode("|O", &[2, 1], [[0; 8]; 2].iter());
        for array in [&text[..], &objects, b"no array at all"] {
            let surface = Surface::from_npz_bytes(&with("names", array)).unwrap();
            assert_eq!(surface.channels(), ["loss"]);
            let error = Surface::from_npz_bytes(&with("computed", array)).unwrap_err().to_string();
            assert!(error.starts_with("not a valid npz file: `computed` should be"), "{error}");
        }
        let done = npy::encode("|b1", &[2, 1], [[1], [0]].iter());
        let surface = Surface::from_npz_bytes(&with("converged", &done)).unwrap();
        assert_eq!(surface.channels(), ["loss", "converged"]);
        assert_eq!(surface.channel("converged").unwrap().iter().copied().collect::<Vec<_>>(), [1.0, 0.0]);
        let half = npy::encode("<f2", &[2, 1], [0x3c00_u16, 0x7c00].iter().map(|bits| bits.to_le_bytes()));
        let surface = Surface::from_npz_bytes(&with("half", &half)).unwrap();
        assert_eq!(surface.channel("half").unwrap()[[0, 0]], 1.0);
        assert_eq!(surface.report().bad_points[0].to_string(), "point [1, 0] at (1, 0): `half` is inf");
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
