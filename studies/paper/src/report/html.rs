//! The report as one HTML page that loads nothing.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    METHODS, PREDICTION_HEAD, Picture, Report, STATISTIC_HEAD, Section, opening, prediction_rows,
    statistic_rows,
};
use crate::verdict::{RULE, Verdict};

const STYLE: &str = "
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.9rem } h2 { margin-top: 3rem; border-top: 1px solid #ccc; padding-top: 1.5rem }
table { border-collapse: collapse; margin: 1rem 0; font-size: .88rem; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #ddd }
th { border-bottom: 2px solid #888 } td.n { white-space: nowrap; font-variant-numeric: tabular-nums }
figure { margin: 1.5rem 0 } figure img { max-width: 100%; height: auto; display: block; margin: 0 auto }
figcaption { color: #555; font-size: .9rem; margin-top: .4rem }
.verdict { display: inline-block; padding: .05rem .5rem; border-radius: .3rem; font-weight: 600; white-space: nowrap }
.holds { background: #d7eed9 } .holds_weakly { background: #eef0cd } .not_seen { background: #e8e8e8 }
.opposite { background: #f6d6d2 }
pre { background: #f5f5f5; padding: .8rem; font-size: .85rem; overflow-x: auto }
@media print { h2 { break-before: page } figure, table { break-inside: avoid } }
";

pub(super) fn page(report: &Report) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>The paper, redone</title><style>{STYLE}</style></head><body>\n\
         <h1>The paper, redone</h1>\n<p>{}</p>\n",
        inline(&opening(&report.setting))
    );
    out.push_str("<table><tr><th></th><th>claim</th><th></th><th>verdict</th></tr>\n");
    for section in &report.sections {
        let _ = writeln!(
            out,
            "<tr><td><a href=\"#{name}\">{name}</a></td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escaped(&section.title),
            badge(section.verdict()),
            escaped(&section.sentence()),
            name = section.name
        );
    }
    let _ = writeln!(out, "</table>\n<p>{}</p>", inline(RULE));
    for section in &report.sections {
        write_section(&mut out, section);
    }
    out.push_str("<h2>How it was computed</h2>\n<ul>\n");
    for line in METHODS {
        let _ = writeln!(out, "<li>{}</li>", inline(line));
    }
    let setting = serde_json::to_string_pretty(&report.setting).unwrap_or_default();
    let _ = writeln!(
        out,
        "</ul>\n<p>The setting of the study:</p>\n<pre>{}</pre>\n</body></html>",
        escaped(&setting)
    );
    out
}

fn write_section(out: &mut String, section: &Section) {
    let _ = writeln!(out, "<h2 id=\"{0}\">{0}: {1}</h2>", section.name, escaped(&section.title));
    let _ = writeln!(
        out,
        "<p><em>In the paper: {}.</em> {}</p>\n<p><strong>Measured.</strong> {}</p>",
        escaped(&section.figures_of_paper),
        escaped(&section.question),
        escaped(&section.measured)
    );
    let _ = writeln!(out, "<p>{} {}</p>", badge(section.verdict()), escaped(&section.sentence()));
    table(out, PREDICTION_HEAD, &prediction_rows(section));
    for note in &section.notes {
        let _ = writeln!(out, "<p>{}</p>", escaped(note));
    }
    for picture in &section.pictures {
        let _ = writeln!(
            out,
            "<figure><img alt=\"{0}\" src=\"{1}\"><figcaption>{0}</figcaption></figure>",
            escaped(&picture.caption),
            address(picture)
        );
    }
    if !section.statistics.is_empty() {
        table(out, STATISTIC_HEAD, &statistic_rows(section));
    }
}

fn badge(verdict: Verdict) -> String {
    let class = match verdict {
        Verdict::Holds => "holds",
        Verdict::HoldsWeakly => "holds_weakly",
        Verdict::NotSeen => "not_seen",
        Verdict::Opposite => "opposite",
    };
    format!("<span class=\"verdict {class}\">{}</span>", verdict.words())
}

fn address(picture: &Picture) -> String {
    match &picture.png {
        Some(png) => format!("data:image/png;base64,{}", STANDARD.encode(png)),
        None => format!("data:image/svg+xml;base64,{}", STANDARD.encode(&picture.svg)),
    }
}

fn table<const N: usize>(out: &mut String, head: [&str; N], rows: &[[String; N]]) {
    out.push_str("<table><tr>");
    for cell in head {
        let _ = write!(out, "<th>{}</th>", escaped(cell));
    }
    out.push_str("</tr>\n");
    for row in rows {
        out.push_str("<tr>");
        for (column, cell) in row.iter().enumerate() {
            let class = if column == 0 { "" } else { " class=\"n\"" };
            let _ = write!(out, "<td{class}>{}</td>", escaped(cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table>\n");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Escaped, with the emphasis and the code of the program's own texts.
fn inline(text: &str) -> String {
    let text = escaped(text);
    let marked = |text: &str, mark: char, tag: &str| {
        let mut out = String::new();
        for (k, part) in text.split(mark).enumerate() {
            match k % 2 {
                0 => out.push_str(part),
                _ => {
                    let _ = write!(out, "<{tag}>{part}</{tag}>");
                }
            }
        }
        out
    };
    marked(&marked(&text, '*', "em"), '`', "code")
}
