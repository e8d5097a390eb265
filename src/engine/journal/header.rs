//! The head of a journal: what it is a journal of, as lines `key: value` of text.
//!
//! ```text
//! loss-landscape journal 2
//! crate: 0.1.0
//! sweep: plane
//! settings:
//! scalar: f64
//! parameters: 2
//! layout: 0123456789abcdef
//! theta: 0123456789abcdef
//! direction: 0123456789abcdef | random seed=42 stream=0 | norm=filter biases=still …
//! direction: 0123456789abcdef | random seed=42 stream=1 | norm=filter biases=still …
//! cosine: 0.125
//! data: - train
//! channel: loss
//! finite: 1
//! alpha: -1.0 0.0 1.0
//! beta: -1.0 0.0 1.0
//! 0123456789abcdef
//! ```
//!
//! Hashes have 16 hexadecimal digits or are `-` where they are not known; numbers are the shortest decimals that read
//! back as the same `f64`; in values `\\`, `\n` and `\r` stand for a backslash and the ends of lines. A direction is
//! its hash, its source and, where it has one, its normalisation, in their machine forms. A sweep over several draws
//! has their number as `draws: 20` after `finite`, the directions of all of them, and no cosine. The settings are those of
//! the sweep beyond this. The last line is the XXH3 hash of all before.

use std::io::{self, Read, Seek};

use crate::{
    DirectionSource, Normalization, Result,
    landscape::{DirectionRecord, Provenance},
    wire::VERSION,
};

/// The first line, with the version of the format.
fn title() -> String {
    format!("{TITLE}{VERSION}")
}

/// What the first line of a journal of any version begins with.
const TITLE: &str = "loss-landscape journal ";

/// What a head is told that has no end.
const CUT_SHORT: &str = "its head is cut short or no text";

/// How much of a file is read at first for its head, and how much at most: axes of millions of numbers.
const READ_AT_ONCE: u64 = 1 << 16;
const LONGEST: u64 = 1 << 30;

/// Everything that decides the values of a sweep. Two runs may share a journal if their heads are equal.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    /// `line`, `interpolation`, `curve` or `plane`.
    pub(crate) sweep: String,
    /// What else the values depend on: a word that says what is computed, and `key=value` fields. Empty for losses.
    pub(crate) settings: String,
    pub(crate) parameters: usize,
    pub(crate) layout_hash: u64,
    /// The number of slices; each has the same points.
    pub(crate) draws: usize,
    pub(crate) alpha: Vec<f64>,
    /// None on a line.
    pub(crate) beta: Option<Vec<f64>>,
    /// Channels of one data set, and how many of them, counted from the first, must be finite.
    pub(crate) channels: Vec<String>,
    pub(crate) finite: usize,
    /// How often a point may be computed: 1, or 2 where some are computed again and the second values count.
    pub(crate) passes: usize,
    pub(crate) provenance: Provenance,
}

impl Header {
    /// The number of points of the sweep, of all draws.
    pub(crate) fn points(&self) -> usize {
        self.sizes().0
    }

    /// The number of points of one draw.
    pub(crate) fn grid_points(&self) -> usize {
        self.points() / self.draws
    }

    /// The most records: point p of the second pass has the number of points + p.
    pub(crate) fn records(&self) -> usize {
        self.points() * self.passes
    }

    /// The number of values of a point: one for each data set and channel.
    pub(crate) fn stride(&self) -> usize {
        self.sizes().1
    }

    fn sizes(&self) -> (usize, usize) {
        #[expect(
            clippy::expect_used,
            reason = "a sweep checks its grid before it has a head, `decode` what it reads"
        )]
        self.checked_sizes().expect("the number of points and values was checked")
    }

    /// The numbers of points and of values of a point; None if there are none of these, or more than can be counted.
    fn checked_sizes(&self) -> Option<(usize, usize)> {
        let points = self.alpha.len().checked_mul(self.columns())?.checked_mul(self.draws)?;
        let stride = self.provenance.data.len().checked_mul(self.channels.len())?;
        let records = points.checked_mul(self.passes)?;
        (records > 0 && stride > 0).then_some((points, stride))
    }

    /// Points along the second axis, which a line has not.
    fn columns(&self) -> usize {
        self.beta.as_ref().map_or(1, Vec::len)
    }

    /// The names of all channels, each with the name of its data set before it.
    pub(crate) fn full_channels(&self) -> Vec<String> {
        full_channels(&self.provenance.data, &self.channels)
    }

    /// The indices and coordinates of a point, of any pass.
    pub(crate) fn place(&self, point: usize) -> ([usize; 2], [f64; 2]) {
        let point = point % self.grid_points();
        let index = [point / self.columns(), point % self.columns()];
        (index, [self.alpha[index[0]], self.beta.as_ref().map_or(0.0, |beta| beta[index[1]])])
    }

    /// The text with which a journal begins. Its last line is the hash of the lines before.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let lines = self.lines().into_iter().map(|(key, value)| format!("{key}: {}\n", escape(&value)));
        let text = [title() + "\n"].into_iter().chain(lines).collect::<String>();
        let check = hash(text.as_bytes());
        format!("{text}{check:016x}\n").into_bytes()
    }

    /// The head of a journal and its length in bytes, or the reason why these bytes are not a head.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Self, usize), &'static str> {
        let mut fields = Fields::default();
        let mut at = 0;
        for number in 0.. {
            let line = bytes[at..].split_inclusive(|&b| b == b'\n').next().unwrap_or_default();
            let text = std::str::from_utf8(line).ok().and_then(|line| line.strip_suffix('\n'));
            let text = text.ok_or(CUT_SHORT)?;
            if number == 0 {
                if text != title() {
                    let other = "it is of another version of the format, and this crate reads version 2";
                    let none = "it does not begin as a journal";
                    return Err(if text.starts_with(TITLE) { other } else { none });
                }
            } else if let Some((key, value)) = text.split_once(": ") {
                fields.take(key, &unescape(value))?;
            } else {
                if text != format!("{:016x}", hash(&bytes[..at])) {
                    return Err("the checksum of its head is wrong");
                }
                let (header, len) = (fields.finish()?, at + line.len());
                // The checksums of the records depend on the bytes of the head as it is written.
                if header.encode() != bytes[..len] {
                    return Err("its head is not written as a head is");
                }
                return Ok((header, len));
            }
            at += line.len();
        }
        Err("its head has no end")
    }

    fn lines(&self) -> Vec<(String, String)> {
        let Provenance { version, scalar, theta_hash, directions, cosine, data, data_hashes, .. } =
            &self.provenance;
        let mut lines: Vec<(String, String)> = vec![
            ("crate".into(), version.clone()),
            ("sweep".into(), self.sweep.clone()),
            ("settings".into(), self.settings.clone()),
            ("scalar".into(), scalar.clone()),
            ("parameters".into(), self.parameters.to_string()),
            ("layout".into(), format!("{:016x}", self.layout_hash)),
            ("theta".into(), optional_hash(*theta_hash)),
        ];
        for direction in directions {
            let rule = direction.normalization.map_or_else(String::new, Normalization::to_line);
            let source = direction.source.to_line();
            lines.push(("direction".into(), format!("{:016x} | {source} | {rule}", direction.hash)));
        }
        lines.push(("cosine".into(), cosine.map_or_else(String::new, number)));
        for (name, &hash) in data.iter().zip(data_hashes) {
            lines.push(("data".into(), format!("{} {name}", optional_hash(hash))));
        }
        lines.extend(self.channels.iter().map(|name| ("channel".to_owned(), name.clone())));
        lines.push(("finite".into(), self.finite.to_string()));
        if self.draws > 1 {
            lines.push(("draws".into(), self.draws.to_string()));
        }
        if self.passes > 1 {
            lines.push(("passes".into(), self.passes.to_string()));
        }
        let axis = |values: &[f64]| values.iter().copied().map(number).collect::<Vec<_>>().join(" ");
        lines.push(("alpha".into(), axis(&self.alpha)));
        if let Some(beta) = &self.beta {
            lines.push(("beta".into(), axis(beta)));
        }
        lines
    }

    /// The head at the beginning of a file, and its length, or why there is none. Of a file that is no journal little is
    /// read.
    pub(crate) fn read(source: &mut (impl Read + Seek)) -> io::Result<Result<(Self, usize), &'static str>> {
        source.rewind()?;
        let mut bytes = Vec::new();
        let mut step = READ_AT_ONCE;
        loop {
            let read = source.by_ref().take(step).read_to_end(&mut bytes)?;
            let found = Self::decode(&bytes);
            let begins = bytes.starts_with(TITLE.as_bytes());
            if read == 0 || !begins || bytes.len() as u64 > LONGEST || !matches!(found, Err(CUT_SHORT)) {
                return Ok(found);
            }
            step = bytes.len() as u64;
        }
    }

    /// The differences of the head of a journal, as text for an error; empty if the two belong to one sweep.
    pub(crate) fn differences(&self, found: &Self) -> Vec<String> {
        self.differences_from(found, "in the journal", "now")
    }

    /// The differences of another head, which is there, from this one, which is here.
    pub(crate) fn differences_from(&self, found: &Self, there: &str, here: &str) -> Vec<String> {
        let (ours, theirs) = (self.lines(), found.lines());
        let mut keys: Vec<&str> = Vec::new();
        for (key, _) in ours.iter().chain(&theirs) {
            if !keys.contains(&key.as_str()) {
                keys.push(key);
            }
        }
        let of = |lines: &[(String, String)], key: &str| -> Vec<String> {
            lines.iter().filter(|(other, _)| other == key).map(|(_, value)| value.clone()).collect()
        };
        keys.into_iter()
            .filter_map(|key| {
                let (ours, theirs) = (of(&ours, key), of(&theirs, key));
                // If there are several values, only those that differ are shown.
                let show = |values: &[String], others: &[String]| {
                    let values = values.iter().filter(|value| !others.contains(value));
                    let values: Vec<String> = values.map(|value| brief(key, value)).collect();
                    if values.is_empty() { "none".to_owned() } else { values.join(" and ") }
                };
                (ours != theirs).then(|| {
                    let (found, now) = (show(&theirs, &ours), show(&ours, &theirs));
                    format!("{key}: {found} {there}, {now} {here}")
                })
            })
            .collect()
    }
}

/// The lines of a head that have been read.
#[derive(Default)]
struct Fields {
    single: std::collections::HashMap<String, String>,
    directions: Vec<DirectionRecord>,
    data: Vec<String>,
    data_hashes: Vec<Option<u64>>,
    channels: Vec<String>,
}

impl Fields {
    fn take(&mut self, key: &str, value: &str) -> Result<(), &'static str> {
        match key {
            "direction" => {
                let mut parts = value.splitn(3, " | ");
                let (Some(hash), Some(source), Some(rule)) = (parts.next(), parts.next(), parts.next())
                else {
                    return Err("a direction in its head is no direction");
                };
                let broken = "a direction in its head is no direction";
                self.directions.push(DirectionRecord {
                    hash: u64::from_str_radix(hash, 16).map_err(|_| broken)?,
                    source: DirectionSource::from_line(source).ok_or(broken)?,
                    normalization: match rule {
                        "" => None,
                        rule => Some(Normalization::from_line(rule).ok_or(broken)?),
                    },
                });
            }
            "data" => {
                let (hash, name) = value.split_once(' ').ok_or("a data set in its head has no hash")?;
                self.data_hashes.push(parse_hash(hash)?);
                self.data.push(name.to_owned());
            }
            "channel" => self.channels.push(value.to_owned()),
            _ => {
                if self.single.insert(key.to_owned(), value.to_owned()).is_some() {
                    return Err("a line of its head comes twice");
                }
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Header, &'static str> {
        let mut single = |key: &str| self.single.remove(key).ok_or("a line of its head is missing");
        let number = |text: String| text.parse().map_err(|_| "a number in its head is no number");
        let axis = |text: &str| -> Result<Vec<f64>, &'static str> {
            let values: Result<Vec<f64>, _> = text.split(' ').map(str::parse).collect();
            let values = values.map_err(|_| "an axis in its head is no axis")?;
            let upwards = values.windows(2).all(|pair| pair[0] < pair[1]);
            if upwards && values.iter().all(|value| value.is_finite()) {
                Ok(values)
            } else {
                Err("an axis in its head does not run upwards")
            }
        };
        let provenance = Provenance {
            version: single("crate")?,
            scalar: single("scalar")?,
            theta_hash: parse_hash(&single("theta")?)?,
            directions: self.directions,
            cosine: match single("cosine")?.as_str() {
                "" => None,
                text => Some(text.parse().map_err(|_| "the cosine in its head is no number")?),
            },
            data: self.data,
            data_hashes: self.data_hashes,
        };
        let header = Header {
            sweep: single("sweep")?,
            settings: single("settings")?,
            parameters: number(single("parameters")?)?,
            layout_hash: parse_hash(&single("layout")?)?.ok_or("its layout has no hash")?,
            draws: match single("draws").ok().map(|text| text.parse()) {
                None => 1,
                Some(Ok(draws @ 2..)) => draws,
                Some(_) => return Err("the draws in its head are not 2 or more"),
            },
            alpha: axis(&single("alpha")?)?,
            beta: single("beta").ok().map(|text| axis(&text)).transpose()?,
            channels: self.channels,
            finite: number(single("finite")?)?,
            passes: match single("passes").ok().as_deref() {
                None => 1,
                Some("2") => 2,
                Some(_) => return Err("the passes in its head are not 2"),
            },
            provenance,
        };
        if !header.provenance.directions.len().is_multiple_of(header.draws) {
            return Err("its draws have different numbers of directions");
        }
        if header.checked_sizes().is_none() {
            return Err("its head names no data or no channels, or more points than can be counted");
        }
        Ok(header)
    }
}

/// The names of the channels of all data sets, each with the name of its set before it.
pub(crate) fn full_channels(data: &[String], channels: &[String]) -> Vec<String> {
    let named = |name: &String, channel: &String| {
        if name.is_empty() { channel.clone() } else { format!("{name} {channel}") }
    };
    data.iter().flat_map(|name| channels.iter().map(move |channel| named(name, channel))).collect()
}

/// XXH3 of 64 bits.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}

/// The shortest decimal that reads back as the same value.
fn number(value: f64) -> String {
    format!("{value:?}")
}

fn optional_hash(hash: Option<u64>) -> String {
    hash.map_or_else(|| "-".to_owned(), |hash| format!("{hash:016x}"))
}

fn parse_hash(text: &str) -> Result<Option<u64>, &'static str> {
    match text {
        "-" => Ok(None),
        text => u64::from_str_radix(text, 16).map(Some).map_err(|_| "a hash in its head is no hash"),
    }
}

/// The text on a single line.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r")
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(match chars.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some(other) => other,
                None => '\\',
            }),
            c => out.push(c),
        }
    }
    out
}

/// A value in the form in which an error shows it.
fn brief(key: &str, value: &str) -> String {
    match key {
        "alpha" | "beta" => {
            let values: Vec<&str> = value.split(' ').collect();
            let [first, last] =
                [values[0], values[values.len() - 1]].map(|value| value.strip_suffix(".0").unwrap_or(value));
            format!("{} from {first} to {last} (hash {:04x})", values.len(), hash(value.as_bytes()) >> 48)
        }
        _ if value.is_empty() => "none".to_owned(),
        _ => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Norm, Policy};

    fn header() -> Header {
        let rule = Normalization::original(Policy::Copy).with_norm(Norm::Layer);
        let direction = |source, normalization, hash| DirectionRecord { source, normalization, hash };
        Header {
            sweep: "plane".into(),
            settings: "eigen_ratio tolerance=0.005".into(),
            parameters: 12,
            layout_hash: 0xabc,
            alpha: vec![-1.0, -0.0, 1e300],
            beta: Some(vec![0.1]),
            channels: vec!["loss".into(), "a \\ b\r\nc: d".into()],
            finite: 1,
            passes: 1,
            draws: 1,
            provenance: Provenance {
                version: "1.2.3".into(),
                scalar: "f32".into(),
                theta_hash: None,
                directions: vec![
                    direction(DirectionSource::Random { seed: 42, stream: 1 }, Some(rule), 1),
                    direction(DirectionSource::Eigenvector { eigenvalue: -0.5 }, None, u64::MAX),
                ],
                cosine: Some(-1e-17),
                data: vec!["train".into(), String::new()],
                data_hashes: vec![Some(7), None],
            },
        }
    }

    const TEXT: &str = "\
loss-landscape journal 2
crate: 1.2.3
sweep: plane
settings: eigen_ratio tolerance=0.005
scalar: f32
parameters: 12
layout: 0000000000000abc
theta: -
direction: 0000000000000001 | random seed=42 stream=1 | norm=layer biases=copy norm_parameters=still \
buffers=still conformance=original
direction: ffffffffffffffff | eigenvector eigenvalue=-0.5 | \n\
cosine: -1e-17
data: 0000000000000007 train
data: - \n\
channel: loss
channel: a \\\\ b\\r\\nc: d
finite: 1
alpha: -1.0 -0.0 1e300
beta: 0.1
";

    #[test]
    fn a_head_is_this_text_and_is_read_back() {
        let bytes = header().encode();
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert_eq!(text, format!("{TEXT}{:016x}\n", hash(TEXT.as_bytes())));
        let (read, len) = Header::decode(&[&bytes, &b"more"[..]].concat()).unwrap();
        assert_eq!((read.encode(), len), (bytes, text.len()));
        assert!(header().differences(&read).is_empty());
    }

    #[test]
    fn other_versions_and_other_texts_are_refused_with_their_reason() {
        let of = |from: &str, to: &str| {
            let text = TEXT.replacen(from, to, 1);
            let text = format!("{text}{:016x}\n", hash(text.as_bytes()));
            Header::decode(text.as_bytes()).err()
        };
        assert_eq!(of("", ""), None);
        let version = "it is of another version of the format, and this crate reads version 2";
        assert_eq!(of("journal 2", "journal 1"), Some(version));
        assert_eq!(of("loss-landscape", "x"), Some("it does not begin as a journal"));
        let direction = "a direction in its head is no direction";
        assert_eq!(of("random seed=42 stream=1", "random, seed 42, stream 1"), Some(direction));
        assert_eq!(of("conformance=original", "conformance=none"), Some(direction));
        assert_eq!(of("finite: 1\n", ""), Some("a line of its head is missing"));
        assert_eq!(of("finite: 1\n", "finite: 1\nfinite: 1\n"), Some("a line of its head comes twice"));
        assert_eq!(of("0.1", "0.10"), Some("its head is not written as a head is"));
        assert_eq!(of("-1.0 -0.0", "0.0 -0.0"), Some("an axis in its head does not run upwards"));
    }
}
