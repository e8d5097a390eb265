//! Directions as safetensors files, with where they came from.

use std::{collections::HashMap, path::Path};

use super::{CheckpointReader, decode::dtype, parse::metadata, write::bytes};
use crate::{
    Block, Direction, Directions, Error, Layout, Result, Scalar, landscape::DirectionRecord,
    params::content_hash, replace,
};

/// Keys of the metadata, each after the direction's place where there are two.
const SOURCE: &str = "source";
const NORMALIZATION: &str = "normalization";
const HASH: &str = "hash";

/// What stands before names where a file has both directions of a plane.
const PLACES: [&str; 2] = ["first.", "second."];

impl<S: Scalar> Direction<S> {
    /// Writes the direction as a safetensors file: each block of the layout as a tensor of its name and shape,
    /// so that PyTorch finds what it would add to its parameters; in the file's metadata `source`,
    /// `normalization` (if it has one) and `hash`, 16 hexadecimal digits as in
    /// [`Provenance`](crate::Provenance). A file of that name is replaced only when the new one is whole.
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
        replace::write(path.as_ref(), &self.encode()?)
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
    /// As [`CheckpointReader::read`](crate::CheckpointReader::read); [`Error::Format`] for tensors of another
    /// type than `S`, a hash that is not that of the values, and metadata that say nothing known.
    pub fn from_safetensors_bytes(layout: &Layout, bytes: &[u8]) -> Result<Self> {
        let metadata = metadata(bytes)?;
        direction(layout, values(layout, bytes)?, &metadata, "")
    }

    fn encode(&self) -> Result<Vec<u8>> {
        bytes(self.layout(), self.values(), describe(self, ""))
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
        replace::write(path.as_ref(), &self.encode()?)
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
        let mut first = values(&both(layout)?, bytes)?;
        let second = first.split_off(layout.len());
        Self::new(
            direction(layout, first, &metadata, PLACES[0])?,
            direction(layout, second, &metadata, PLACES[1])?,
        )
    }

    fn encode(&self) -> Result<Vec<u8>> {
        let [first, second] = [self.first(), self.second()];
        let entries = describe(first, PLACES[0]).into_iter().chain(describe(second, PLACES[1]));
        bytes(&both(first.layout())?, &[first.values(), second.values()].concat(), entries.collect())
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

fn describe<S: Scalar>(direction: &Direction<S>, place: &str) -> Vec<(String, String)> {
    let DirectionRecord { source, normalization, hash } = DirectionRecord::of(direction);
    let mut entries = vec![
        (format!("{place}{SOURCE}"), source.to_string()),
        (format!("{place}{HASH}"), format!("{hash:016x}")),
    ];
    entries.extend(normalization.map(|rule| (format!("{place}{NORMALIZATION}"), rule.to_string())));
    entries
}

/// The values of all blocks, in the very type that they have in the file.
fn values<S: Scalar>(layout: &Layout, bytes: &[u8]) -> Result<Vec<S>> {
    let read = CheckpointReader::<S>::new(layout).read(bytes)?;
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
        (source, hash) => {
            (source.ok_or_else(|| missing(SOURCE))?.parse()?, hash.ok_or_else(|| missing(HASH))?)
        }
    };
    let found = format!("{:016x}", content_hash(&values));
    if *hash != found {
        let expected = format!("{found}, as the values have it,");
        return Err(wrong(&format!("`{place}{HASH}`"), &expected, hash.clone()));
    }
    let normalization = entry(NORMALIZATION).map(|rule| rule.parse()).transpose()?;
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
    use crate::{
        Buffers, DirectionSource, FnModel, Norm, Normalization, Policy, RandomDirections, checkpoint_bytes,
    };

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
            let bytes = direction.encode().unwrap();
            let read = Direction::<f64>::from_safetensors_bytes(&layout(), &bytes).unwrap();
            assert_eq!(read, direction);
            assert_eq!(content_hash(read.values()), content_hash(direction.values()));
        }
    }

    #[test]
    fn tensors_of_another_program_are_a_direction_given() {
        let bytes = checkpoint_bytes(&layout(), &[0.25_f32; 6]).unwrap();
        let read = Direction::<f32>::from_safetensors_bytes(&layout(), &bytes).unwrap();
        assert_eq!((read.source(), read.values()), (&DirectionSource::Given, [0.25; 6].as_slice()));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let plane = plane(1, Normalization::default());
        let bytes = plane.first().encode().unwrap();
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
        let both = plane.encode().unwrap();
        assert!(matches!(read(&layout(), &both), Err(Error::Checkpoint { .. })));
        let single = Directions::<f32>::from_safetensors_bytes(&layout(), &bytes);
        assert!(matches!(single, Err(Error::Checkpoint { .. })));
        let reserved = Layout::new([Block::bias(METADATA, [1])]).unwrap();
        let direction = Direction::new(&reserved, vec![1.0_f32]).unwrap();
        assert!(matches!(direction.encode(), Err(Error::CheckpointName { .. })));
    }

    proptest! {
        #[test]
        fn planes_come_back_to_the_bit(seed: u64, cut: usize, at: usize, bit in 0..8_u8) {
            let rule = Normalization::original(Policy::Copy).with_norm(Norm::Layer);
            let plane = plane(seed, rule);
            let bytes = plane.encode().unwrap();
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
