//! Reports as JSON.

use serde_json::ser::Serializer;

use super::{Document, Misfit, Report};
use crate::{Error, Result, io::json};

pub(super) fn encode<R: Report>(report: &R) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, json::Lines::default());
    serde::Serialize::serialize(&Document::<&R>::new::<R>(report), &mut serializer)
        .map_err(|error| Error::Unwritable { format: "JSON", reason: error.to_string() })?;
    bytes.push(b'\n');
    Ok(bytes)
}

pub(super) fn decode<R: Report>(bytes: &[u8]) -> Result<R> {
    let report = json::parse::<Document<R>>(bytes, "JSON")?.check::<R>("JSON")?;
    report.check().map_err(|misfit: Misfit| misfit.into_error("JSON"))?;
    Ok(report)
}
