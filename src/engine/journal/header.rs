//! The head of a journal: what it is a journal of, as lines of text.

use crate::{
    Error, Result,
    landscape::{DirectionRecord, Provenance},
};

/// The first line; the number is the version of the format.
const TITLE: &str = "loss-landscape journal 1";

/// All that decides the values of a sweep. Two runs may share a journal if these are equal.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    /// `line`, `interpolation`, `plane`, or one of these with what is computed there.
    pub(crate) sweep: String,
    /// What else the values depend on, in words.
    pub(crate) settings: String,
    pub(crate) parameters: usize,
    pub(crate) layout_hash: u64,
    pub(crate) alpha: Vec<f64>,
    /// None on a line.
    pub(crate) beta: Option<Vec<f64>>,
    /// Channels of one data set, and how many of them, the first ones, must be finite.
    pub(crate) channels: Vec<String>,
    pub(crate) finite: usize,
    pub(crate) provenance: Provenance,
}

impl Header {
    /// Points of the sweep.
    pub(crate) fn points(&self) -> usize {
        self.sizes().0
    }

    /// Values of a point: one for each data set and channel.
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

    /// Points, and values of a point; None where there are none of these, or more than can be counted.
    fn checked_sizes(&self) -> Option<(usize, usize)> {
        let points = self.alpha.len().checked_mul(self.columns())?;
        let stride = self.provenance.data.len().checked_mul(self.channels.len())?;
        (points > 0 && stride > 0).then_some((points, stride))
    }

    /// Points along the second axis, which a line has not.
    fn columns(&self) -> usize {
        self.beta.as_ref().map_or(1, Vec::len)
    }

    /// The names of all channels, those of each data set with its name before them.
    pub(crate) fn full_channels(&self) -> Vec<String> {
        full_channels(&self.provenance.data, &self.channels)
    }

    /// The indices and coordinates of a point.
    pub(crate) fn place(&self, point: usize) -> ([usize; 2], [f64; 2]) {
        let index = [point / self.columns(), point % self.columns()];
        (index, [self.alpha[index[0]], self.beta.as_ref().map_or(0.0, |beta| beta[index[1]])])
    }

    /// The text that a journal begins with. Its last line is the hash of those before.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let lines = self.lines().into_iter().map(|(key, value)| format!("{key}: {}\n", escape(&value)));
        let text = [format!("{TITLE}\n")].into_iter().chain(lines).collect::<String>();
        let check = hash(text.as_bytes());
        format!("{text}{check:016x}\n").into_bytes()
    }

    /// The head of a journal and its length in bytes; the reason if it is none.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Self, usize), &'static str> {
        let mut fields = Fields::default();
        let mut at = 0;
        for number in 0.. {
            let line = bytes[at..].split_inclusive(|&b| b == b'\n').next().unwrap_or_default();
            let text = std::str::from_utf8(line).ok().and_then(|line| line.strip_suffix('\n'));
            let text = text.ok_or("its head is cut short or no text")?;
            if number == 0 {
                if text != TITLE {
                    return Err("it does not begin as a journal of this format");
                }
            } else if let Some((key, value)) = text.split_once(": ") {
                fields.take(key, &unescape(value))?;
            } else {
                if text != format!("{:016x}", hash(&bytes[..at])) {
                    return Err("the checksum of its head is wrong");
                }
                let (header, len) = (fields.finish()?, at + line.len());
                // Records are checked with the head as it would be written.
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
            let rule = direction.normalization.map_or_else(String::new, |rule| rule.to_string());
            lines.push((
                "direction".into(),
                format!("{:016x} | {} | {rule}", direction.hash, direction.source),
            ));
        }
        lines.push(("cosine".into(), cosine.map_or_else(String::new, |cosine| cosine.to_string())));
        for (name, &hash) in data.iter().zip(data_hashes) {
            lines.push(("data".into(), format!("{} {name}", optional_hash(hash))));
        }
        lines.extend(self.channels.iter().map(|name| ("channel".to_owned(), name.clone())));
        lines.push(("finite".into(), self.finite.to_string()));
        let axis = |values: &[f64]| values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        lines.push(("alpha".into(), axis(&self.alpha)));
        if let Some(beta) = &self.beta {
            lines.push(("beta".into(), axis(beta)));
        }
        lines
    }

    /// In what another head differs, in words; nothing if the two are of one sweep.
    pub(crate) fn differences(&self, found: &Self) -> Vec<String> {
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
                // Of several values those alone that differ.
                let show = |values: &[String], others: &[String]| {
                    let values = values.iter().filter(|value| !others.contains(value));
                    let values: Vec<String> = values.map(|value| brief(key, value)).collect();
                    if values.is_empty() { "none".to_owned() } else { values.join(" and ") }
                };
                (ours != theirs).then(|| {
                    let (found, now) = (show(&theirs, &ours), show(&ours, &theirs));
                    format!("{key}: {found} in the journal, {now} now")
                })
            })
            .collect()
    }
}

/// What was found in a head so far.
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
                    source: source.parse().map_err(|_: Error| broken)?,
                    normalization: match rule {
                        "" => None,
                        rule => Some(rule.parse().map_err(|_: Error| broken)?),
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
            alpha: axis(&single("alpha")?)?,
            beta: single("beta").ok().map(|text| axis(&text)).transpose()?,
            channels: self.channels,
            finite: number(single("finite")?)?,
            provenance,
        };
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

fn optional_hash(hash: Option<u64>) -> String {
    hash.map_or_else(|| "-".to_owned(), |hash| format!("{hash:016x}"))
}

fn parse_hash(text: &str) -> Result<Option<u64>, &'static str> {
    match text {
        "-" => Ok(None),
        text => u64::from_str_radix(text, 16).map(Some).map_err(|_| "a hash in its head is no hash"),
    }
}

/// On one line.
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

/// A value as an error shows it.
fn brief(key: &str, value: &str) -> String {
    match key {
        "alpha" | "beta" => {
            let values: Vec<&str> = value.split(' ').collect();
            let (first, last) = (values[0], values[values.len() - 1]);
            format!("{} from {first} to {last} (hash {:04x})", values.len(), hash(value.as_bytes()) >> 48)
        }
        _ if value.is_empty() => "none".to_owned(),
        _ => value.to_owned(),
    }
}
