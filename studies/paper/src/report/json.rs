//! The report as JSON.

use serde_json::{Value, json};

use super::{Report, Section};
use crate::verdict::RULE;

pub(super) fn value(report: &Report) -> Value {
    json!({
        "study": report.setting,
        "crate": {"name": "loss-landscape", "version": env!("CARGO_PKG_VERSION")},
        "rule": RULE,
        "sections": report.sections.iter().map(section).collect::<Vec<_>>(),
    })
}

fn section(section: &Section) -> Value {
    let predictions = section
        .predictions
        .iter()
        .map(|prediction| json!({"prediction": prediction, "outcome": prediction.outcome()}));
    json!({
        "name": section.name,
        "title": section.title,
        "verdict": section.verdict(),
        "sentence": section.sentence(),
        "predictions": predictions.collect::<Vec<_>>(),
        "statistics": section.statistics,
        "figures": section.pictures.iter().map(|picture| &picture.name).collect::<Vec<_>>(),
        "notes": section.notes,
    })
}
