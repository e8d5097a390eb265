//! The report as data, and what it is written as: Markdown with figures, one HTML page, JSON and CSV.

mod csv;
mod html;
mod json;
mod markdown;

use crate::{
    Folder, Measurements, Result, Setting, Statistic,
    statistics::Kind,
    verdict::{Prediction, Verdict, sentence},
};

/// The report of a study: everything in it follows from the numbers and the setting, and nothing from when or on what
/// it was computed.
#[derive(Clone, Debug)]
pub struct Report {
    /// The setting of the study.
    pub setting: Setting,
    /// The sections of the claims, and what follows them.
    pub sections: Vec<Section>,
    /// All numbers.
    pub measurements: Measurements,
}

/// What is said of one claim.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// `C1` to `C9`, or a word.
    pub name: String,
    /// The claim.
    pub title: String,
    /// Where the paper makes it.
    pub figures_of_paper: String,
    /// What is asked.
    pub question: String,
    /// What was measured, and how.
    pub measured: String,
    /// What the claim predicts, with what was found.
    pub predictions: Vec<Prediction>,
    /// Other numbers that belong to it.
    pub statistics: Vec<Statistic>,
    /// Figures.
    pub pictures: Vec<Picture>,
    /// What a reader must know beside.
    pub notes: Vec<String>,
}

/// A figure as it is written.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The stem of its files.
    pub name: String,
    /// What it shows.
    pub caption: String,
    /// As vectors.
    pub svg: String,
    /// As pixels, where that is smaller.
    pub png: Option<Vec<u8>>,
    /// As PDF, with the feature `pdf`.
    pub pdf: Option<Vec<u8>>,
}

impl Section {
    /// The verdict, by the rule.
    pub fn verdict(&self) -> Verdict {
        let outcomes: Vec<_> = self.predictions.iter().map(Prediction::outcome).collect();
        Verdict::of(&outcomes)
    }

    /// The verdict in a sentence.
    pub fn sentence(&self) -> String {
        sentence(&self.predictions)
    }
}

impl Report {
    /// Writes all files into the folder's `report`: `report.md`, `report.html`, `report.json`, `measurements.csv`,
    /// `statistics.csv` and `figures`.
    ///
    /// # Errors
    /// [`Error::Write`](crate::Error::Write).
    pub fn write(&self, folder: &Folder) -> Result<()> {
        for picture in self.sections.iter().flat_map(|section| &section.pictures) {
            let file = |ending: &str| format!("report/figures/{}.{ending}", picture.name);
            match &picture.png {
                Some(png) => folder.write(file("png"), png)?,
                None => folder.write(file("svg"), &picture.svg)?,
            }
            if let Some(pdf) = &picture.pdf {
                folder.write(file("pdf"), pdf)?;
            }
        }
        folder.write("report/measurements.csv", csv::measurements(&self.measurements))?;
        folder.write("report/statistics.csv", csv::statistics(&self.sections))?;
        folder.write_json("report/report.json", &json::value(self))?;
        folder.write("report/report.md", markdown::text(self))?;
        folder.write("report/report.html", html::page(self))
    }

    /// A line for each section: its name, its title and its verdict.
    pub fn summary(&self) -> String {
        let line =
            |section: &Section| format!("{:<9} {:<70} {}", section.name, section.title, section.sentence());
        self.sections.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// What the report begins with.
fn opening(setting: &Setting) -> String {
    format!(
        "The claims of *Visualizing the Loss Landscape of Neural Nets* (Li, Xu, Taylor, Studer, Goldstein, NeurIPS \
         2018), each asked of several trainings and several random directions instead of one, on 1,437 handwritten \
         digits of 8×8 pixels (360 more to test). This is the study `{}`: {} trainings of most networks. Nothing below \
         was typed in: numbers, verdicts and figures are made by the program `loss-landscape-paper` from its results, \
         and the same settings give the same bytes.",
        setting.name, setting.trainings
    )
}

/// A number with as many digits as it needs.
pub(crate) fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return value.to_string();
    }
    let size = value.abs();
    let text = if size >= 100.0 {
        format!("{value:.0}")
    } else if size >= 10.0 {
        format!("{value:.1}")
    } else if size >= 1.0 {
        format!("{value:.2}")
    } else if size >= 1e-3 {
        format!("{value:.*}", (2 - size.log10().floor() as i32).max(0) as usize)
    } else {
        return format!("{value:.2e}").replace('-', "−");
    };
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    text.replace('-', "−")
}

/// An estimate with its interval.
fn with_interval(found: &Statistic) -> String {
    format!("{} [{}, {}]", number(found.estimate), number(found.low), number(found.high))
}

/// What a statistic is, in words.
fn words(found: &Statistic) -> String {
    let measures = found.measures.join(" and ");
    let networks = match &found.networks[..] {
        [a, b] if found.kind == Kind::Difference => format!("{a} less {b}"),
        [one] => one.clone(),
        many => format!("{} networks", many.len()),
    };
    let kind = match found.kind {
        Kind::Mean => "mean",
        Kind::Difference => "difference",
        Kind::Effect => "effect size g",
        Kind::Correlation => "rank correlation over trainings",
        Kind::CellCorrelation => "rank correlation over networks",
        Kind::Share => "share of variance between trainings",
        Kind::Proportion => "share of trainings",
    };
    format!("{measures}: {kind}, {networks}")
}

/// The rows of the table of predictions: what is predicted, what was found, effect size, numbers, outcome.
fn prediction_rows(section: &Section) -> Vec<[String; 5]> {
    let row = |prediction: &Prediction| {
        let Prediction { text, statistic, effect, side, null } = prediction;
        let sign = match side {
            crate::verdict::Side::Above => ">",
            crate::verdict::Side::Below => "<",
        };
        [
            text.clone(),
            statistic.as_ref().map_or_else(|| "–".to_owned(), with_interval)
                + &format!(" ({sign} {})", number(*null)),
            effect.as_ref().map_or_else(|| "–".to_owned(), with_interval),
            statistic.as_ref().map_or_else(|| "0".to_owned(), |found| found.values.to_string()),
            prediction.outcome().words().to_owned(),
        ]
    };
    section.predictions.iter().map(row).collect()
}

const PREDICTION_HEAD: [&str; 5] =
    ["predicted", "found, 95 % interval (expected side)", "effect size g", "n", "outcome"];

fn statistic_rows(section: &Section) -> Vec<[String; 3]> {
    let row = |found: &Statistic| [words(found), with_interval(found), found.values.to_string()];
    section.statistics.iter().map(row).collect()
}

const STATISTIC_HEAD: [&str; 3] = ["also", "found, 95 % interval", "n"];

/// How intervals are made, for the end of the report.
const METHODS: [&str; 5] = [
    "A mean is that over trainings, each of which counts once by its own mean over draws; its interval is Student's \
     over trainings, since a thousand directions say nothing of another training. Differences have Welch's interval.",
    "Effect sizes are Hedges' g, in pooled standard deviations of trainings, with the usual large-sample interval \
     g ± 1.96·s.e.; for a handful of trainings that is rough.",
    "Correlations are Spearman's, with the interval of Bonett and Wright (2000). Shares of trainings have Clopper and \
     Pearson's interval, shares of variance Fisher's.",
    "A training and its shuffling have the seed 0, 1, 2, …; directions those of lines 1000, of planes 2000, of maps \
     3000, of starts 4000, of paths 5000 and of pictures 6000, plus the number of the training.",
    "`measurements.csv` has every number, `statistics.csv` every statistic; `check_statistics.py` computes the second \
     from the first again by scipy.",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        let written = [0.0, 1.0, 0.25, -0.012_34, 12.34, 1234.0, 2e-5, 100.0].map(number);
        assert_eq!(written, ["0", "1", "0.25", "−0.0123", "12.3", "1234", "2.00e−5", "100"]);
    }
}
