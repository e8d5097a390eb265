//! The report as Markdown, with its figures beside it.

use std::fmt::Write as _;

use super::{METHODS, PREDICTION_HEAD, Report, STATISTIC_HEAD, opening, prediction_rows, statistic_rows};
use crate::verdict::RULE;

pub(super) fn text(report: &Report) -> String {
    let mut out = format!("# The paper, redone\n\n{}\n\n", opening(&report.setting));
    let verdicts: Vec<[String; 3]> = report
        .sections
        .iter()
        .map(|section| [section.name.clone(), section.title.clone(), section.sentence()])
        .collect();
    table(&mut out, ["", "claim", "verdict"], &verdicts);
    let _ = writeln!(out, "{RULE}\n");
    for section in &report.sections {
        let _ = writeln!(out, "## {}: {}\n", section.name, section.title);
        let _ = writeln!(out, "*In the paper: {}.* {}\n", section.figures_of_paper, section.question);
        let _ = writeln!(out, "**Measured.** {}\n", section.measured);
        let _ = writeln!(out, "**Verdict: {}.**\n", section.sentence());
        table(&mut out, PREDICTION_HEAD, &prediction_rows(section));
        for note in &section.notes {
            let _ = writeln!(out, "{note}\n");
        }
        for picture in &section.pictures {
            let ending = if picture.png.is_some() { "png" } else { "svg" };
            let _ = writeln!(out, "![{}](figures/{}.{ending})\n", picture.caption, picture.name);
            let _ = writeln!(out, "*{}*\n", picture.caption);
        }
        if !section.statistics.is_empty() {
            table(&mut out, STATISTIC_HEAD, &statistic_rows(section));
        }
    }
    out.push_str("## How it was computed\n\n");
    for line in METHODS {
        let _ = writeln!(out, "- {line}");
    }
    let setting = serde_json::to_string_pretty(&report.setting).unwrap_or_default();
    let _ = writeln!(out, "\nThe setting of the study:\n\n```json\n{setting}\n```");
    out
}

fn table<const N: usize>(out: &mut String, head: [&str; N], rows: &[[String; N]]) {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    out.push_str(&line(&head.map(str::to_owned)));
    out.push_str(&line(&head.map(|_| "---".to_owned())));
    for row in rows {
        out.push_str(&line(&row.clone().map(|cell| cell.replace('|', "\\|"))));
    }
    out.push('\n');
}
