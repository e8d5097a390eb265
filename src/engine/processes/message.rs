//! What processes of a sweep say to each other: a byte that says what it is, then numbers of eight bytes and texts with
//! their lengths before them.

use std::time::Duration;

use crate::{
    Error,
    engine::{journal::Reader, shared::StopReason},
};

/// From process 0 to another.
pub(super) enum ToOther<'b> {
    /// The sweep: a number of its own, the kind of machine, and the head of its journal.
    Greeting { sweep: usize, machine: &'b str, head: &'b [u8] },
    /// Get ready for a draw, and say so.
    Open { draw: usize },
    /// What is kept of a point for a data set.
    Kept { set: usize, point: usize, bytes: &'b [u8] },
    /// Compute these points of the draw.
    Run { stage: &'b [u8], points: Vec<usize> },
    /// Records of points of the result.
    Records(&'b [u8]),
    /// All points of the result are there.
    End(Option<StopReason>),
    /// The sweep ends without a result.
    Failed(&'b str),
}

/// From another process to process 0.
pub(super) enum ToProcess0<'b> {
    /// The sweep that is run here, by so many threads, in answer to the greeting with this number.
    Greeting { sweep: usize, machine: &'b str, head: &'b [u8], threads: usize },
    /// It is ready for the draw.
    Ready,
    /// Records of points that were asked for, consecutive ones of a run, and how long a thread took for them.
    Done { time: Duration, records: &'b [u8] },
    /// The oracle wants the sweep to end at this point of a data set.
    Interrupted { set: usize, point: usize },
    /// What the oracle broke, so that the sweep ends with this error.
    Broken(Error),
    /// This process has no part in the sweep any more.
    Failed(&'b str),
}

/// The first words of a greeting, which stay the same in all versions.
const PROTOCOL: &str = "loss-landscape processes 1";

impl ToOther<'_> {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Greeting { sweep, machine, head } => {
                Writer::new(0).text(PROTOCOL).number(*sweep).text(machine).rest(head)
            }
            Self::Open { draw } => Writer::new(1).number(*draw).0,
            Self::Kept { set, point, bytes } => Writer::new(2).number(*set).number(*point).rest(bytes),
            Self::Run { stage, points } => {
                let writer = Writer::new(3).bytes(stage);
                points.iter().fold(writer, |writer, &point| writer.number(point)).0
            }
            Self::Records(records) => Writer::new(4).rest(records),
            Self::End(reason) => Writer::new(5).rest(&[reason.map_or(0, StopReason::code)]),
            Self::Failed(reason) => Writer::new(6).text(reason).0,
        }
    }
}

impl<'b> ToOther<'b> {
    pub(super) fn read(bytes: &'b [u8]) -> Option<Self> {
        let (&kind, rest) = bytes.split_first()?;
        let mut reader = Reader(rest);
        Some(match kind {
            0 if text(&mut reader)? == PROTOCOL => {
                let (sweep, machine) = (number(&mut reader)?, text(&mut reader)?);
                Self::Greeting { sweep, machine, head: reader.0 }
            }
            1 => Self::Open { draw: number(&mut reader)? },
            2 => Self::Kept { set: number(&mut reader)?, point: number(&mut reader)?, bytes: reader.0 },
            3 => {
                let stage = sized(&mut reader)?;
                let mut points = Vec::with_capacity(reader.0.len() / 8);
                while !reader.0.is_empty() {
                    points.push(number(&mut reader)?);
                }
                Self::Run { stage, points }
            }
            4 => Self::Records(reader.0),
            5 => match reader.0 {
                [0] => Self::End(None),
                &[code] => Self::End(Some(StopReason::from_code(code)?)),
                _ => return None,
            },
            6 => Self::Failed(text(&mut reader)?),
            _ => return None,
        })
    }
}

impl ToProcess0<'_> {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Greeting { sweep, machine, head, threads } => {
                Writer::new(0).text(PROTOCOL).number(*sweep).text(machine).number(*threads).rest(head)
            }
            Self::Ready => Writer::new(1).0,
            Self::Done { time, records } => {
                // Half a thousand years fit.
                let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
                Writer::new(2).long(nanoseconds).rest(records)
            }
            Self::Interrupted { set, point } => Writer::new(3).number(*set).number(*point).0,
            Self::Broken(error) => Self::broken(error),
            Self::Failed(reason) => Writer::new(6).text(reason).0,
        }
    }

    /// The bytes of [`Broken`](Self::Broken); of an error that ends this process alone, those of a failure.
    pub(super) fn broken(error: &Error) -> Vec<u8> {
        match error {
            Error::Unmeasured { channels } => {
                channels.iter().fold(Writer::new(4), |writer, channel| writer.text(channel)).0
            }
            Error::SampleMeans { channel, data, samples, mean, own } => {
                let writer = Writer::new(5).text(channel).text(data).number(*samples);
                writer.rest(&[mean.to_le_bytes(), own.to_le_bytes()].concat())
            }
            other => Writer::new(6).text(&other.to_string()).0,
        }
    }
}

impl<'b> ToProcess0<'b> {
    pub(super) fn read(bytes: &'b [u8]) -> Option<Self> {
        let (&kind, rest) = bytes.split_first()?;
        let mut reader = Reader(rest);
        Some(match kind {
            0 if text(&mut reader)? == PROTOCOL => {
                let (sweep, machine) = (number(&mut reader)?, text(&mut reader)?);
                Self::Greeting { sweep, machine, threads: number(&mut reader)?, head: reader.0 }
            }
            1 => Self::Ready,
            2 => Self::Done { time: Duration::from_nanos(reader.long()?), records: reader.0 },
            3 => Self::Interrupted { set: number(&mut reader)?, point: number(&mut reader)? },
            4 => {
                let mut channels = Vec::new();
                while !reader.0.is_empty() {
                    channels.push(text(&mut reader)?.to_owned());
                }
                Self::Broken(Error::Unmeasured { channels })
            }
            5 => {
                let (channel, data) = (text(&mut reader)?.to_owned(), text(&mut reader)?.to_owned());
                let samples = number(&mut reader)?;
                let [mean, own] = [reader.array()?, reader.array()?].map(f64::from_le_bytes);
                Self::Broken(Error::SampleMeans { channel, data, samples, mean, own })
            }
            6 => Self::Failed(text(&mut reader)?),
            _ => return None,
        })
    }
}

/// A message that is being written.
struct Writer(Vec<u8>);

impl Writer {
    fn new(kind: u8) -> Self {
        Self(vec![kind])
    }

    fn number(self, number: usize) -> Self {
        self.long(number as u64)
    }

    fn long(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn bytes(self, bytes: &[u8]) -> Self {
        Self(self.number(bytes.len()).rest(bytes))
    }

    fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// What goes on to the end.
    fn rest(mut self, bytes: &[u8]) -> Vec<u8> {
        self.0.extend_from_slice(bytes);
        self.0
    }
}

fn number(reader: &mut Reader<'_>) -> Option<usize> {
    usize::try_from(reader.long()?).ok()
}

fn sized<'b>(reader: &mut Reader<'b>) -> Option<&'b [u8]> {
    let len = number(reader)?;
    reader.bytes(len)
}

fn text<'b>(reader: &mut Reader<'b>) -> Option<&'b str> {
    std::str::from_utf8(sized(reader)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_they_were_written() {
        let run = ToOther::Run { stage: &[7, 8], points: vec![3, 1 << 40] }.to_bytes();
        assert!(
            matches!(ToOther::read(&run), Some(ToOther::Run { stage: [7, 8], points }) if points == [3, 1 << 40])
        );
        let kept = ToOther::Kept { set: 1, point: 9, bytes: b"abc" }.to_bytes();
        assert!(matches!(ToOther::read(&kept), Some(ToOther::Kept { set: 1, point: 9, bytes: b"abc" })));
        let end = |reason| ToOther::read(&ToOther::End(reason).to_bytes()).map(|_| reason);
        assert_eq!(end(Some(StopReason::BadPoint)), Some(Some(StopReason::BadPoint)));
        let greeting =
            ToProcess0::Greeting { sweep: 9, machine: "a b", head: b"head", threads: 4 }.to_bytes();
        let read = ToProcess0::read(&greeting);
        assert!(matches!(
            read,
            Some(ToProcess0::Greeting { sweep: 9, machine: "a b", head: b"head", threads: 4 })
        ));
        let time = Duration::new(7, 250);
        let done = ToProcess0::Done { time, records: b"xyz" }.to_bytes();
        let read = ToProcess0::read(&done);
        assert!(matches!(read, Some(ToProcess0::Done { time: read, records: b"xyz" }) if read == time));
        let channels = vec!["loss".to_owned(), String::new()];
        let broken = ToProcess0::Broken(Error::Unmeasured { channels: channels.clone() }).to_bytes();
        let read = ToProcess0::read(&broken);
        assert!(
            matches!(read, Some(ToProcess0::Broken(Error::Unmeasured { channels: read })) if read == channels)
        );
        let (channel, data) = ("loss".to_owned(), "train".to_owned());
        let means = Error::SampleMeans { channel, data, samples: 5, mean: 0.1, own: f64::NAN };
        let (text, bytes) = (means.to_string(), ToProcess0::Broken(means).to_bytes());
        assert!(
            matches!(ToProcess0::read(&bytes), Some(ToProcess0::Broken(error)) if error.to_string() == text)
        );
    }

    #[test]
    fn messages_cut_short_are_none_or_shorter_ones() {
        let greeting = ToProcess0::Greeting { sweep: 1, machine: "a b", head: b"", threads: 4 }.to_bytes();
        assert!((0..greeting.len()).all(|len| ToProcess0::read(&greeting[..len]).is_none()));
        let huge = [&[3][..], &u64::MAX.to_le_bytes()].concat();
        assert!(ToOther::read(&huge).is_none());
        assert!(
            ToOther::read(&[5, 9]).is_none()
                && ToOther::read(&[99]).is_none()
                && ToOther::read(&[]).is_none()
        );
    }
}
