//! A study: its claims from the work to the report.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::{Claim, Folder, Job, Lab, Measurements, Meter, Report, Result, Setting, claims};

/// The seconds that a study has worked, over all its processes. No report holds them.
const HOURS: &str = "hours.json";

/// The claims to look at, in a folder.
#[derive(Debug)]
pub struct Study {
    claims: Vec<Claim>,
    lab: Lab,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Hours {
    /// Seconds of work that was finished.
    seconds: f64,
    /// Threads, and the kind of machine.
    threads: usize,
    machine: String,
}

impl Study {
    /// A study of these claims with this setting, in this folder, which is made if it is not there. It stops at the
    /// deadline, if there is one, with [`Error::TimeSpent`](crate::Error::TimeSpent).
    ///
    /// # Errors
    /// Those of [`Folder::open`].
    pub fn open(
        folder: impl Into<std::path::PathBuf>,
        setting: &Setting,
        claims: &[Claim],
        meter: Meter,
        deadline: Option<Instant>,
    ) -> Result<Self> {
        let folder = Folder::open(folder, setting)?;
        let lab = Lab::open(folder, setting, meter)?.until(deadline);
        Ok(Self { claims: claims.to_vec(), lab })
    }

    /// The work of all its claims.
    pub fn jobs(&self) -> Vec<Job> {
        let setting = self.lab.setting();
        let mut jobs: Vec<Job> = self.claims.iter().flat_map(|claim| claim.jobs(setting)).collect();
        if self.has_larger() {
            jobs.extend(claims::larger_jobs(setting));
        }
        jobs
    }

    /// Whether it asks for a claim that larger images speak to.
    fn has_larger(&self) -> bool {
        [Claim::C3, Claim::C7].iter().any(|claim| self.claims.contains(claim))
    }

    /// Does the work that is not done, makes the report and writes it.
    ///
    /// # Errors
    /// The first error of the work; what was finished is kept.
    pub fn run(&self) -> Result<Report> {
        let jobs = self.jobs();
        let worked = Instant::now();
        let outcome = self.lab.run(&jobs);
        self.add_hours(worked.elapsed().as_secs_f64())?;
        outcome?;
        let report = self.report(&jobs)?;
        report.write(self.lab.folder())?;
        Ok(report)
    }

    /// The report, of results that are all there.
    fn report(&self, jobs: &[Job]) -> Result<Report> {
        let measurements = Measurements::of(&self.lab, jobs)?;
        let mut sections = Vec::new();
        for claim in &self.claims {
            sections.push(claim.section(&self.lab, &measurements)?);
        }
        if self.has_larger() {
            for larger in &self.lab.setting().larger {
                sections.push(claims::larger(&self.lab, larger, &measurements)?);
            }
        }
        sections.extend(claims::flatness(&self.lab, &measurements)?);
        Ok(Report { setting: self.lab.setting().clone(), sections, measurements })
    }

    fn add_hours(&self, seconds: f64) -> Result<()> {
        let folder = self.lab.folder();
        let mut hours: Hours = if folder.has(HOURS) { folder.read_json(HOURS)? } else { Hours::default() };
        hours.seconds += seconds;
        hours.threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        hours.machine = format!("{}, {}", std::env::consts::ARCH, std::env::consts::OS);
        folder.write_json(HOURS, &hours)
    }
}
