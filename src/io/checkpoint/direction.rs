//! Directions as safetensors files, with where they came from.

use std::{collections::HashMap, path::Path};

use super::{CheckpointReader, decode::dtype, parse::metadata, write::bytes};
use crate::{
    Block, Direction, DirectionSource, Directions, Error, Layout, Normalization, Result, Scalar,
    landscape::DirectionRecord, params::content_hash, replace, wire::VERSION,
};

/// The key of the metadata that says what the file holds, and in which version of the forms.
const KIND: &str = "loss_landscape";
/// Keys of the metadata, each after the direction's place where there are two.
const SOURCE: &str = "source";
const NORMALIZATION: &str = "normalization";
const HASH: &str = "hash";

/// What stands before names where a file has both directions of a plane.
const PLACES: [&str; 2] = ["first.", "second."];

impl<S: Scalar> Direction<S> {
    /// Writes the direction as a safetensors file: each block of the layout as a tensor of its name and shape,
    /// so that PyTorch finds what it would add to its parameters; in the file's metadata `loss_landscape`
    /// (`direction 2`, the number being the version of these forms), `source` and `normalization` (if it has one) in
    /// the forms that [`DirectionSource`](crate::DirectionSource) and [`Normalization`](crate::Normalization) state,
    /// and `hash`, 16 hexadecimal digits as in [`Provenance`](crate::report::Provenance). A file of that name is
    /// replaced as a whole, in the way of [`files::write`](crate::files::write).
    ///
    /// ```
    /// use loss_landscape::{Direction, FnModel, Layout, RandomDirections};
    ///
    /// let model = FnModel::new(Layout::flat(3)?, vec![1.0, 2.0, 3.0], |t: &[f64], _: &()| t[0])?;
    /// let direction = RandomDirections::new(42).one(&model)?;
    /// let path = std::env::temp_dir().join(format!("direction-{}.safetensors", std::process::id()));
    /// direction.write_safetensors(&path)?;
    /// let read = Direction::read_safetensors(direction.layout(), &path)?;
    /// # std::fs::remove_file(&path).unwrap();
    /// assert_eq!(read, direction); // with its source and its normalisation
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`write_checkpoint`](crate::write_checkpoint).
    pub fn write_safetensors(&self, path: impl AsRef<Path>) -> Result<()> {
        replace::write(path, self.to_safetensors_bytes()?)
    }

    /// The bytes of the file that [`write_safetensors`](Self::write_safetensors) writes.
    ///
    /// # Errors
    /// As [`to_checkpoint_bytes`](crate::to_checkpoint_bytes).
    pub fn to_safetensors_bytes(&self) -> Result<Vec<u8>> {
        let mut entries = describe(self, "");
        entries.push((KIND.to_owned(), kind("direction")));
        bytes(self.layout(), self.values(), entries)
    }

    /// Reads what [`write_safetensors`](Self::write_safetensors) wrote.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::InFile`] with what [`from_safetensors_bytes`](Self::from_safetensors_bytes)
    /// finds wrong.
    pub fn read_safetensors(layout: &Layout, path: impl AsRef<Path>) -> Result<Self> {
        replace::read(path.as_ref(), |bytes| Self::from_safetensors_bytes(layout, bytes))
    }

    /// Reads the bytes of such a file. One without our metadata, by another program, is a direction
    /// [given](crate::DirectionSource::Given) by the caller.
    ///
    /// # Errors
    /// As [`CheckpointReader::read_bytes`]; [`Error::Format`] for tensors of another
    /// type than `S`, a hash that is not that of the values, and metadata that say nothing known.
    pub fn from_safetensors_bytes(layout: &Layout, bytes: &[u8]) -> Result<Self> {
        let metadata = metadata(bytes)?;
        check_kind(&metadata, "direction")?;
        direction(layout, values(layout, bytes)?, &metadata, "")
    }
}

impl<S: Scalar> Directions<S> {
    /// Writes both directions as one safetensors file: as [`Direction::write_safetensors`], with `first.` and
    /// `second.` before the names of tensors and metadata.
    ///
    /// ```
    /// use loss_landscape::{Directions, FnModel, Layout, RandomDirections};
    ///
    /// let model = FnModel::new(Layout::flat(3)?, vec![1.0, 2.0, 3.0], |t: &[f64], _: &()| t[0])?;
    /// let plane = RandomDirections::new(42).pair(&model)?;
    /// let path = std::env::temp_dir().join(format!("plane-{}.safetensors", std::process::id()));
    /// plane.write_safetensors(&path)?;
    /// assert_eq!(Directions::read_safetensors(plane.first().layout(), &path)?, plane);
    /// # std::fs::remove_file(&path).unwrap();
    /// # Ok::<(), loss_landscape::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`write_checkpoint`](crate::write_checkpoint).
    pub fn write_safetensors(&self, path: impl AsRef<Path>) -> Result<()> {
        replace::write(path, self.to_safetensors_bytes()?)
    }

    /// The bytes of the file that [`write_safetensors`](Self::write_safetensors) writes.
    ///
    /// # Errors
    /// As [`to_checkpoint_bytes`](crate::to_checkpoint_bytes).
    pub fn to_safetensors_bytes(&self) -> Result<Vec<u8>> {
        let [first, second] = [self.first(), self.second()];
        let mut entries = describe(first, PLACES[0]);
        entries.extend(describe(second, PLACES[1]));
        entries.push((KIND.to_owned(), kind("directions")));
        bytes(&both(first.layout())?, &[first.values(), second.values()].concat(), entries)
    }

    /// Reads what [`write_safetensors`](Self::write_safetensors) wrote.
    ///
    /// # Errors
    /// As [`Direction::read_safetensors`]; [`Error::ZeroDirection`].
    pub fn read_safetensors(layout: &Layout, path: impl AsRef<Path>) -> Result<Self> {
        replace::read(path.as_ref(), |bytes| Self::from_safetensors_bytes(layout, bytes))
    }

    /// Reads the bytes of such a file.
    ///
    /// # Errors
    /// As [`Direction::from_safetensors_bytes`]; [`Error::ZeroDirection`].
    pub fn from_safetensors_bytes(layout: &Layout, bytes: &[u8]) -> Result<Self> {
        let metadata = metadata(bytes)?;
        check_kind(&metadata, "directions")?;
        let mut first = values(&both(layout)?, bytes)?;
        let second = first.split_off(layout.len());
        Self::new(
            direction(layout, first, &metadata, PLACES[0])?,
            direction(layout, second, &metadata, PLACES[1])?,
        )
    }
}

/// The layout of two vectors of a layout, one after the other.
fn both(layout: &Layout) -> Result<Layout> {
    Layout::new(PLACES.into_iter().flat_map(|place| {
        let rename = move |block: &Block| {
            Block::new(format!("{place}{}", block.name()), block.shape(), block.role(), block.filter_axis())
        };
        layout.blocks().iter().map(rename)
    }))
}

/// What a file of this kind says that it holds.
fn kind(what: &str) -> String {
    format!("{what} {VERSION}")
}

/// Refuses files of ours that hold something else, or in another version. One by another program says nothing.
fn check_kind(metadata: &HashMap<String, String>, what: &str) -> Result<()> {
    let ours = metadata.keys().any(|key| [SOURCE, HASH].iter().any(|end| key.ends_with(end)));
    match metadata.get(KIND) {
        Some(found) if *found == kind(what) => Ok(()),
        None if !ours => Ok(()),
        found => {
            let found = found.map_or_else(|| "missing".to_owned(), |found| format!("`{found}`"));
            Err(wrong(&format!("`{KIND}`"), &format!("`{}`", kind(what)), found))
        }
    }
}

fn describe<S: Scalar>(direction: &Direction<S>, place: &str) -> Vec<(String, String)> {
    let DirectionRecord { source, normalization, hash } = DirectionRecord::of(direction);
    let mut entries = vec![
        (format!("{place}{SOURCE}"), source.to_line()),
        (format!("{place}{HASH}"), format!("{hash:016x}")),
    ];
    entries.extend(normalization.map(|rule| (format!("{place}{NORMALIZATION}"), rule.to_line())));
    entries
}

/// The values of all blocks, in the very type that they have in the file.
fn values<S: Scalar>(layout: &Layout, bytes: &[u8]) -> Result<Vec<S>> {
    let read = CheckpointReader::<S>::new(layout).read_bytes(bytes)?;
    match read.converted.into_iter().next() {
        Some((block, found)) => Err(wrong(&format!("`{block}`"), &dtype::<S>().to_string(), found)),
        None => Ok(read.theta),
    }
}

/// A direction of finite values, with what the metadata say of it.
fn direction<S: Scalar>(
    layout: &Layout,
    values: Vec<S>,
    metadata: &HashMap<String, String>,
    place: &str,
) -> Result<Direction<S>> {
    let entry = |key: &str| metadata.get(&format!("{place}{key}"));
    let missing = |key: &str| wrong(&format!("`{place}{key}`"), "there", "missing".to_owned());
    let (source, hash) = match (entry(SOURCE), entry(HASH)) {
        (None, None) => return Direction::new(layout, values),
        (source, hash) => (source.ok_or_else(|| missing(SOURCE))?, hash.ok_or_else(|| missing(HASH))?),
    };
    let unknown = |key: &str, line: &str| {
        let expected = "in a form that its type states";
        wrong(
            &format!("`{place}{key}`"),
            expected,
            format!("`{}`", line.chars().take(200).collect::<String>()),
        )
    };
    let source = DirectionSource::from_line(source).ok_or_else(|| unknown(SOURCE, source))?;
    let rule = |line: &String| Normalization::from_line(line).ok_or_else(|| unknown(NORMALIZATION, line));
    let normalization = entry(NORMALIZATION).map(rule).transpose()?;
    let found = format!("{:016x}", content_hash(&values));
    if *hash != found {
        let expected = format!("{found}, as the values have it,");
        return Err(wrong(&format!("`{place}{HASH}`"), &expected, hash.clone()));
    }
    Ok(Direction::read(layout, values, source, normalization))
}

fn wrong(place: &str, expected: &str, found: String) -> Error {
    let (place, expected) = (place.to_owned(), expected.to_owned());
    Error::Format { format: "safetensors", place, expected, found }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::write::METADATA, *};
    use crate::{Buffers, FnModel, Norm, Policy, RandomDirections, to_checkpoint_bytes};

    fn layout() -> Layout {
        Layout::new([Block::weight("fc.weight", [2, 2], 0), Block::bias("fc.bias", [2])]).unwrap()
    }

    fn plane(seed: u64, rule: Normalization) -> Directions<f32> {
        let theta = vec![1.0_f32, -2.0, 3.0, 0.5, 4.0, -1.0];
        let model = FnModel::new(layout(), theta, |t: &[f32], (): &()| f64::from(t[0])).unwrap();
        RandomDirections::new(seed).normalization(rule).pair(&model).unwrap()
    }

    #[test]
    fn every_source_comes_back() {
        let given = Direction::new(&layout(), vec![0.5; 6]).unwrap();
        let between =
            Direction::between(&layout(), &[0.0; 6], &[1.0, 0.0, 0.1, 3.0, -4.0, 1e-300], Buffers::Still);
        let eigenvector = Direction::eigenvector(&layout(), vec![-0.0, 1.0, 2.0, 3.0, 4.0, 5.0], -0.1);
        for direction in [given, between.unwrap(), eigenvector] {
            let bytes = direction.to_safetensors_bytes().unwrap();
            let read = Direction::<f64>::from_safetensors_bytes(&layout(), &bytes).unwrap();
            assert_eq!(read, direction);
            assert_eq!(content_hash(read.values()), content_hash(direction.values()));
        }
    }

    #[test]
    fn tensors_of_another_program_are_a_direction_given() {
        let bytes = to_checkpoint_bytes(&layout(), &[0.25_f32; 6]).unwrap();
        let read = Direction::<f32>::from_safetensors_bytes(&layout(), &bytes).unwrap();
        assert_eq!((read.source(), read.values()), (&DirectionSource::Given, [0.25; 6].as_slice()));
    }

    #[test]
    fn the_metadata_are_these() {
        let rule = Normalization::original(Policy::Copy);
        let bytes = plane(7, rule).to_safetensors_bytes().unwrap();
        let mut entries: Vec<(String, String)> = metadata(&bytes).unwrap().into_iter().collect();
        entries.sort();
        let line = "norm=filter biases=copy norm_parameters=still buffers=still conformance=original";
        for (place, source) in [("first.", "random seed=7 stream=0"), ("second.", "random seed=7 stream=1")] {
            let at =
                |key: &str| &entries.iter().find(|(found, _)| *found == format!("{place}{key}")).unwrap().1;
            assert_eq!((at("source").as_str(), at("normalization").as_str()), (source, line));
            assert_eq!(at("hash").len(), 16);
        }
        assert_eq!(entries.len(), 8);
        let rest = [("format", "pt"), ("loss_landscape", "directions 2")];
        assert!(rest.iter().all(|(key, value)| entries.contains(&((*key).to_owned(), (*value).to_owned()))));
    }

    #[test]
    fn other_versions_and_other_forms_are_refused() {
        let good = plane(7, Normalization::default()).first().to_safetensors_bytes().unwrap();
        let error = |from: &str, to: &str| {
            let at = good.windows(from.len()).position(|bytes| bytes == from.as_bytes()).unwrap();
            let mut bad = good.clone();
            bad[at..at + to.len()].copy_from_slice(to.as_bytes());
            Direction::<f32>::from_safetensors_bytes(&layout(), &bad).unwrap_err().to_string()
        };
        let version =
            "not a valid safetensors file: `loss_landscape` should be `direction 2`, not `direction 1`";
        assert_eq!(error("direction 2", "direction 1"), version);
        assert!(error("\"loss_landscape", "\"loss.landscape").contains("`direction 2`, not missing"));
        assert!(
            error("random seed=7", "random,seed 7")
                .contains("`source` should be in a form that its type states")
        );
        assert!(error("norm=filter", "norm:filter").contains("`normalization` should be in a form"));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let plane = plane(1, Normalization::default());
        let bytes = plane.first().to_safetensors_bytes().unwrap();
        let read = |layout: &Layout, bytes: &[u8]| Direction::<f32>::from_safetensors_bytes(layout, bytes);
        let error = read(&Layout::flat(6).unwrap(), &bytes).unwrap_err();
        assert!(matches!(error, Error::Checkpoint { .. }), "{error}");
        let error = Direction::<f64>::from_safetensors_bytes(&layout(), &bytes).unwrap_err().to_string();
        assert_eq!(error, "not a valid safetensors file: `fc.weight` should be F64, not F32");
        let mut changed = bytes.clone();
        *changed.last_mut().unwrap() ^= 1;
        let error = read(&layout(), &changed).unwrap_err().to_string();
        assert!(error.contains("`hash` should be"), "{error}");
        // A plane is no direction, nor the other way round.
        let both = plane.to_safetensors_bytes().unwrap();
        let error = read(&layout(), &both).unwrap_err().to_string();
        assert!(error.contains("should be `direction 2`, not `directions 2`"), "{error}");
        let error = Directions::<f32>::from_safetensors_bytes(&layout(), &bytes).unwrap_err().to_string();
        assert!(error.contains("should be `directions 2`, not `direction 2`"), "{error}");
        let other = to_checkpoint_bytes(&layout(), &[0.25_f32; 6]).unwrap();
        let single = Directions::<f32>::from_safetensors_bytes(&layout(), &other);
        assert!(matches!(single, Err(Error::Checkpoint { .. })));
        let reserved = Layout::new([Block::bias(METADATA, [1])]).unwrap();
        let direction = Direction::new(&reserved, vec![1.0_f32]).unwrap();
        assert!(matches!(direction.to_safetensors_bytes(), Err(Error::CheckpointName { .. })));
    }

    proptest! {
        #[test]
        fn planes_come_back_to_the_bit(seed: u64, cut: usize, at: usize, bit in 0..8_u8) {
            let rule = Normalization::original(Policy::Copy).with_norm(Norm::Layer);
            let plane = plane(seed, rule);
            let bytes = plane.to_safetensors_bytes().unwrap();
            let read = |bytes: &[u8]| Directions::<f32>::from_safetensors_bytes(&layout(), bytes);
            prop_assert_eq!(&read(&bytes).unwrap(), &plane);
            prop_assert!(read(&bytes[..cut % bytes.len()]).is_err());
            let mut flipped = bytes.clone();
            let at = at % bytes.len();
            flipped[at] ^= 1 << bit;
            if let Ok(read) = read(&flipped) {
                // In the header white space may change, and a key that is then none of ours.
                prop_assert_eq!(read.first().values(), plane.first().values());
                prop_assert_eq!(read.second().values(), plane.second().values());
            }
        }
    }
}
