//! The study as a whole: it survives being killed, refuses what is not its own, and its report follows from its files.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};

use loss_landscape_paper::{Claim, Error, Folder, Job, Meter, Setting, Study, checkpoint};

/// A folder of a test's own, removed in the end.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("paper-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn study(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// Two small networks with and without skips, seconds of work.
fn setting() -> Setting {
    Setting { samples: 16, larger: Vec::new(), ..Setting::tiny() }
}

fn study(folder: &Path, claims: &[Claim]) -> Result<Study, Error> {
    Study::open(folder, &setting(), claims, Meter::silent(), None)
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loss-landscape-paper"));
    command.args(["--tiny", "--only", "C4,C5"]);
    command
}

fn output(command: &mut Command, folder: &Path) -> Output {
    command.arg("--out").arg(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Every file of a folder with its bytes, by its name.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(&at).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.push((name, fs::read(&path).unwrap_or_default()));
            }
        }
    }
    found.sort();
    found
}

/// The results of a study that are there.
fn results(folder: &Path) -> usize {
    files(folder).iter().filter(|(name, _)| name.contains('/')).count()
}

fn wait_for(child: &mut Child, folder: &Path, count: usize) {
    while results(folder) < count {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it had {count} results");
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_study_killed_again_and_again_ends_with_the_same_report() {
    let place = Place::new("killed");
    let (whole, killed) = (place.study("whole"), place.study("killed"));
    let done = output(&mut program(), &whole);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(text(&done.stderr).contains("results are to be computed: about"), "{}", text(&done.stderr));
    let said = text(&done.stdout);
    assert!(said.contains("C4 ") && said.contains("C5 ") && said.contains("report.html"), "{said}");

    // While it trains, while it sweeps, and while it writes journals.
    for count in [1, 4, 9, 14, 22] {
        let mut command = program();
        command.arg("--out").arg(&killed).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        wait_for(&mut child, &killed, count);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!killed.join("report").exists());
    }
    // One thread, where the first had all.
    let resumed = output(program().args(["--threads", "1"]), &killed);
    assert!(resumed.status.success(), "{}", text(&resumed.stderr));
    let [one, two] = [&whole, &killed].map(|folder| files(&folder.join("report")));
    assert_eq!(one.iter().map(|f| &f.0).collect::<Vec<_>>(), two.iter().map(|f| &f.0).collect::<Vec<_>>());
    for ((name, one), (_, two)) in one.iter().zip(&two) {
        assert!(one == two, "{name} differs");
    }
    // No journal is left, and nothing is computed a third time.
    assert!(files(&killed.join("journals")).is_empty());
    let again = output(&mut program(), &killed);
    assert!(text(&again.stderr).contains("results are there"), "{}", text(&again.stderr));
}

#[test]
fn folders_of_others_are_refused_and_left_as_they_are() {
    let place = Place::new("foreign");
    let foreign = place.study("foreign");
    fs::create_dir_all(&foreign).unwrap();
    fs::write(foreign.join("thesis.tex"), "years of work").unwrap();
    let error = study(&foreign, &[Claim::C5]).unwrap_err();
    assert!(matches!(&error, Error::ForeignFolder { found, .. } if found == "thesis.tex"), "{error}");
    assert_eq!(files(&foreign), [("thesis.tex".to_owned(), b"years of work".to_vec())]);

    let other = place.study("other");
    drop(study(&other, &[Claim::C5]).unwrap());
    let asked = Setting { epochs: 3, ..setting() };
    let error = Study::open(&other, &asked, &[Claim::C5], Meter::silent(), None).unwrap_err();
    assert!(error.to_string().contains("its epochs is 2, and 3 is asked for"), "{error}");

    let held = study(&other, &[Claim::C5]).unwrap();
    let error = study(&other, &[Claim::C5]).unwrap_err();
    assert!(matches!(error, Error::FolderInUse { .. }), "{error}");
    drop(held);
    fs::write(other.join("study.json"), "{").unwrap();
    assert!(matches!(study(&other, &[Claim::C5]), Err(Error::Damaged { .. })));
}

#[test]
fn results_that_are_not_those_of_their_training_are_named() {
    let place = Place::new("results");
    let folder = place.study("study");
    let first = study(&folder, &[Claim::C3]).unwrap();
    let jobs = first.jobs();
    first.run().unwrap();
    drop(first);
    let Some(Job::Planes(cell, ..)) = jobs.iter().find(|job| matches!(job, Job::Planes(..))) else {
        panic!("C3 has planes")
    };

    // A bit of a checkpoint turns: whoever needs it says so.
    let path = folder.join(checkpoint(cell, 0));
    let good = fs::read(&path).unwrap();
    let mut bad = good.clone();
    let last = bad.len() - 1;
    bad[last] ^= 1;
    fs::write(&path, &bad).unwrap();
    fs::remove_file(folder.join(Job::Planes(*cell, 0, 2).file())).unwrap();
    let error = study(&folder, &[Claim::C3]).unwrap().run().unwrap_err();
    assert!(matches!(&error, Error::Checkpoint { path: named, .. } if *named == path), "{error}");
    assert!(error.to_string().contains("does not match its hash"), "{error}");

    // The planes of another training in this one's place.
    fs::write(&path, good).unwrap();
    study(&folder, &[Claim::C3]).unwrap().run().unwrap();
    let [one, two] = [0, 1].map(|training| folder.join(Job::Planes(*cell, training, 2).file()));
    let kept = fs::read(&one).unwrap();
    fs::copy(&two, &one).unwrap();
    let error = study(&folder, &[Claim::C3]).unwrap().run().unwrap_err();
    assert!(matches!(error, Error::OtherParameters { .. }), "{error}");
    fs::write(&one, &kept[..kept.len() / 2]).unwrap();
    let error = study(&folder, &[Claim::C3]).unwrap().run().unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
}

/// A limit on the size of files stands for a full disk: writing fails in the middle of a file.
#[cfg(unix)]
#[test]
fn a_disk_that_is_full_is_said_and_what_was_finished_is_kept() {
    let place = Place::new("full");
    let folder = place.study("study");
    let program = env!("CARGO_BIN_EXE_loss-landscape-paper");
    // 100 blocks of 1,024 bytes: less than a checkpoint. The signal would end the process before it could say why.
    let script = format!(
        "trap '' XFSZ; ulimit -f 100; exec '{program}' --tiny --only C5 --out '{}'",
        folder.display()
    );
    let ended = Command::new("bash").args(["-c", &script]).output().unwrap();
    let said = text(&ended.stderr);
    assert!(!ended.status.success());
    assert!(said.contains("cannot be written") && said.contains(".safetensors"), "{said}");
    let before = files(&folder);
    assert!(before.iter().any(|(name, _)| name.starts_with("starts/")), "{said}");
    let ended =
        Command::new(program).args(["--tiny", "--only", "C5", "--out"]).arg(&folder).output().unwrap();
    assert!(ended.status.success(), "{}", text(&ended.stderr));
    let after = files(&folder);
    for file in before.iter().filter(|(name, _)| name.starts_with("starts/")) {
        assert!(after.contains(file), "{} was computed again", file.0);
    }
}

#[test]
fn options_that_make_no_sense_are_named() {
    for (arguments, expected) in [
        (&["--only", "C10"][..], "there is no claim `C10`: the claims are C1 to C9"),
        (&["--only"], "--only: a value is missing"),
        (&["--fast"], "--fast: there is no such option"),
        (&["--trainings", "many"], "needs a whole number above 0, not `many`"),
        (&["--trainings", "1"], "the number of trainings is 1, which must be 2 or more"),
        (&["--hours", "-1"], "needs a number above 0, not `-1`"),
        (&["--points", "10"], "the points of a plane is 10, which must be odd"),
    ] {
        let ended =
            Command::new(env!("CARGO_BIN_EXE_loss-landscape-paper")).args(arguments).output().unwrap();
        let said = text(&ended.stderr);
        assert!(!ended.status.success() && said.contains(expected), "{arguments:?}: {said}");
    }
    let help = Command::new(env!("CARGO_BIN_EXE_loss-landscape-paper")).arg("--help").output().unwrap();
    assert!(help.status.success() && text(&help.stdout).contains("--full"));
}

/// Time that is spent before the first job leaves a folder that the next process goes on with.
#[test]
fn a_study_out_of_time_says_so() {
    let place = Place::new("time");
    let folder = place.study("study");
    let over = Some(std::time::Instant::now());
    let late = Study::open(&folder, &setting(), &[Claim::C5], Meter::silent(), over).unwrap();
    assert!(matches!(late.run(), Err(Error::TimeSpent)));
    drop(late);
    assert!(Folder::open(&folder, &setting()).is_ok());
}

#[test]
fn every_claim_has_work_and_no_two_jobs_share_a_file() {
    for setting in [Setting::quick(), Setting::full(), Setting::tiny()] {
        let mut seen: Vec<(String, Job)> = Vec::new();
        for claim in Claim::ALL {
            assert!(!claim.jobs(&setting).is_empty(), "{claim:?}");
        }
        let place = Place::new(&format!("jobs-{}", setting.name));
        let study = Study::open(place.study("study"), &setting, &Claim::ALL, Meter::silent(), None).unwrap();
        for job in study.jobs() {
            match seen.iter().find(|(file, _)| *file == job.file()) {
                Some((file, other)) => assert_eq!(*other, job, "{file}"),
                None => seen.push((job.file(), job)),
            }
        }
    }
}

/// The guide tells what the report in the repository found, not what an earlier one did.
#[test]
fn the_guide_has_the_verdicts_of_the_report() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let report = fs::read_to_string(docs.join("paper/report.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    let guide = fs::read_to_string(docs.join("guide/src/paper.md")).unwrap();
    let sections = report["sections"].as_array().unwrap();
    assert_eq!(sections.len(), 12);
    for section in sections {
        let [name, sentence] = ["name", "sentence"].map(|key| section[key].as_str().unwrap());
        let row = guide.lines().find(|line| line.starts_with(&format!("| {name} |"))).unwrap();
        assert!(row.ends_with(&format!("| {sentence} |")), "{row}\n{sentence}");
    }
    for version in [&report["crate"]["version"], &report["study"]["version"]] {
        assert!(version.as_str().is_none_or(|version| version == env!("CARGO_PKG_VERSION")), "{version}");
    }
}
