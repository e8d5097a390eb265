//! The command line of the study; [`loss_landscape_paper`] says what it does.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use loss_landscape_paper::{Claim, Error, Meter, Result, Setting, Study};

const HELP: &str = "\
The claims of \"Visualizing the Loss Landscape of Neural Nets\" as numbers, on handwritten digits.

    loss-landscape-paper [--quick | --full | --tiny] [options]

    --quick            smaller networks, fewer trainings and draws: about 700 seconds of one core (the default)
    --full             the paper's depths and widths: hours
    --tiny             seconds; for tests, its numbers mean nothing
    --only C3          one claim, or several: --only C1,C2
    --out FOLDER       where everything goes; study_quick, study_full or study_tiny by default
    --hours H          stop after so many hours; the same command goes on
    --trainings N      trainings of most networks
    --epochs N         epochs of most trainings
    --draws N          planes and lines around most trainings
    --points N         points along each axis of a plane, odd
    --threads N        threads; all processors by default. Results do not depend on it
    --help             this text

Killed at any time and started again with the same options, it goes on and ends with the same report, which is
FOLDER/report/report.html (and report.md, report.json, measurements.csv, statistics.csv).
";

struct Arguments {
    setting: Setting,
    claims: Vec<Claim>,
    folder: PathBuf,
    hours: Option<f64>,
    threads: Option<usize>,
}

fn main() -> ExitCode {
    match arguments(std::env::args().skip(1)).and_then(|found| found.map_or(Ok(()), |found| run(&found))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&mut io::stderr(), &format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run(found: &Arguments) -> Result<()> {
    let deadline = found.hours.map(|hours| Instant::now() + Duration::from_secs_f64(3600.0 * hours));
    let meter = Meter::new(io::stderr(), Duration::from_secs(10));
    let study = Study::open(&found.folder, &found.setting, &found.claims, meter, deadline)?;
    let report = match found.threads {
        None => study.run()?,
        Some(threads) => {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let pool = pool.map_err(|error| option("--threads", &error.to_string()))?;
            pool.install(|| study.run())?
        }
    };
    let place = found.folder.join("report").join("report.html");
    say(&mut io::stdout(), &format!("{}\n\nThe report is {}.", report.summary(), place.display()));
    Ok(())
}

/// Writes a line. A reader that is gone is no error.
fn say(out: &mut impl Write, line: &str) {
    drop(writeln!(out, "{line}"));
}

fn option(name: &str, why: &str) -> Error {
    Error::Option { option: name.to_owned(), why: why.to_owned() }
}

/// What is asked for; nothing if it was the help.
fn arguments(words: impl Iterator<Item = String>) -> Result<Option<Arguments>> {
    let mut setting = Setting::quick();
    let mut claims = Claim::ALL.to_vec();
    let (mut folder, mut hours, mut threads) = (None, None, None);
    let mut changes: Vec<(String, usize)> = Vec::new();
    let mut words = words.peekable();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| option(&word, "a value is missing"));
        match word.as_str() {
            "--quick" => setting = Setting::quick(),
            "--full" => setting = Setting::full(),
            "--tiny" => setting = Setting::tiny(),
            "--only" => {
                claims = value()?.split(',').map(|name| Claim::named(name.trim())).collect::<Result<_>>()?;
            }
            "--out" => folder = Some(PathBuf::from(value()?)),
            "--hours" => hours = Some(positive(&word, &value()?)?),
            "--threads" => threads = Some(whole(&word, &value()?)?),
            "--trainings" | "--epochs" | "--draws" | "--points" => {
                let number = whole(&word, &value()?)?;
                changes.push((word, number));
            }
            "--help" | "-h" => {
                say(&mut io::stdout(), HELP.trim_end());
                return Ok(None);
            }
            _ => return Err(option(&word, "there is no such option")),
        }
    }
    for (word, number) in changes {
        match word.as_str() {
            "--trainings" => {
                setting.trainings = number;
                setting.large_trainings = setting.large_trainings.min(number);
                setting.map_trainings = setting.map_trainings.min(number);
            }
            "--epochs" => setting.epochs = number,
            "--draws" => (setting.plane_draws, setting.line_draws) = (number, number),
            _ => setting.plane_points = number,
        }
    }
    setting.check()?;
    let folder = folder.unwrap_or_else(|| PathBuf::from(format!("study_{}", setting.name)));
    Ok(Some(Arguments { setting, claims, folder, hours, threads }))
}

fn whole(option_name: &str, text: &str) -> Result<usize> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| option(option_name, &format!("needs a whole number above 0, not `{text}`")))
}

fn positive(option_name: &str, text: &str) -> Result<f64> {
    let number =
        text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0 && *number < 1e6);
    number.ok_or_else(|| option(option_name, &format!("needs a number above 0, not `{text}`")))
}
