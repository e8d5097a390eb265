//! The numbers as CSV.

use std::fmt::Write as _;

use super::Section;
use crate::{Measurements, Statistic};

/// A row for each number.
pub(super) fn measurements(all: &Measurements) -> String {
    let mut text = "network,training,draw,measure,value,at_least\n".to_owned();
    for row in all.rows() {
        let draw = row.draw.map_or_else(String::new, |draw| draw.to_string());
        // `{}` of a f64 is the shortest text that reads back as the same number.
        let line = format!(
            "{},{},{draw},{},{},{}\n",
            quoted(&row.network),
            row.training,
            quoted(row.measure),
            row.value,
            u8::from(row.at_least)
        );
        text.push_str(&line);
    }
    text
}

/// A row for each statistic; lists are joined by `|`.
pub(super) fn statistics(sections: &[Section]) -> String {
    let mut text = "section,kind,measures,networks,null,estimate,low,high,n\n".to_owned();
    for section in sections {
        let predicted = section.predictions.iter().flat_map(|p| p.statistic.iter().chain(p.effect.iter()));
        for found in predicted.chain(&section.statistics) {
            let Statistic { kind, measures, networks, null, estimate, low, high, values } = found;
            let kind = serde_json::to_string(kind).unwrap_or_default();
            let _ = writeln!(
                text,
                "{},{},{},{},{null},{estimate},{low},{high},{values}",
                section.name,
                kind.trim_matches('"'),
                quoted(&measures.join("|")),
                quoted(&networks.join("|"))
            );
        }
    }
    text
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
