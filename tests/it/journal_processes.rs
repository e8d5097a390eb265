//! Sweeps as processes of their own: killed at random moments, several on one plane, on a disk that fills up.
//!
//! This program starts itself: what a process does is in the test `child`, which does nothing without its
//! variable.

use std::{
    collections::HashMap,
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::Duration,
};

use loss_landscape::{
    Error, Journal, Layout, Loss, Model, OracleError, Plane, RandomDirections, Surface, Sweep,
    report::SweepEnd,
};

/// A loss that takes its time, and notes down every point that it begins.
struct Slow {
    layout: Layout,
    theta: Vec<f64>,
    pause: Duration,
    log: PathBuf,
}

impl Slow {
    fn new(pause: Duration, log: &Path) -> Self {
        Self { layout: Layout::flat(5).unwrap(), theta: vec![0.3; 5], pause, log: log.to_owned() }
    }

    fn sweep(&self) -> Sweep<'_, Self, (), Plane<f64>> {
        Sweep::plane(self, RandomDirections::new(2).pair(self).unwrap())
            .data("", &())
            .alpha(-1.0..=1.0, SIDE)
            .beta(-1.0..=1.0, SIDE)
            .threads(2)
    }
}

impl Model for Slow {
    type Scalar = f64;
    fn layout(&self) -> &Layout {
        &self.layout
    }
    fn parameters(&self) -> &[f64] {
        &self.theta
    }
}

impl Loss<()> for Slow {
    fn loss(&self, theta: &[f64], (): &()) -> Result<f64, OracleError> {
        if self.pause > Duration::ZERO {
            // One short write to a file opened for appending is not torn.
            let mut log = fs::File::options().append(true).create(true).open(&self.log)?;
            log.write_all(format!("{:?}\n", theta[0].to_bits()).as_bytes())?;
            sleep(self.pause);
        }
        Ok(theta.iter().map(|t| (3.0 * t).cos()).product())
    }
}

const SIDE: usize = 23;
const POINTS: usize = SIDE * SIDE;

/// What a process does: the sweep of the journal it is told, or a shard of it.
#[test]
fn child() {
    let Ok(journal) = env::var("LOSS_LANDSCAPE_TEST_JOURNAL") else { return };
    let log = PathBuf::from(&journal).with_extension("log");
    let micros = env::var("LOSS_LANDSCAPE_TEST_PAUSE").unwrap().parse().unwrap();
    let model = Slow::new(Duration::from_micros(micros), &log);
    let mut sweep = model.sweep().journal(&journal);
    if let Ok(shard) = env::var("LOSS_LANDSCAPE_TEST_SHARD") {
        sweep = sweep.shard(shard.parse().unwrap(), 4);
    }
    match sweep.run() {
        Ok(_) => {}
        Err(Error::JournalInUse { .. }) => std::process::exit(3),
        Err(Error::JournalWrite { points, .. }) => {
            println!("kept {points} points");
            std::process::exit(4);
        }
        Err(error) => panic!("{error}"),
    }
}

fn command(journal: &Path, pause: u64) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "journal_processes::child", "--nocapture", "--test-threads=1"]);
    command
        .env("LOSS_LANDSCAPE_TEST_JOURNAL", journal)
        .env("LOSS_LANDSCAPE_TEST_PAUSE", pause.to_string())
        .env_remove("LOSS_LANDSCAPE_TEST_SHARD");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn wait(mut child: Child) -> Option<i32> {
    child.wait().unwrap().code()
}

/// A folder of its own, gone in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("loss-landscape-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn undisturbed() -> Surface {
    Slow::new(Duration::ZERO, Path::new("")).sweep().run().unwrap()
}

fn assert_same(a: &Surface, b: &Surface) {
    let bits = |surface: &Surface| surface.values().iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(a), bits(b));
    assert_eq!(a.computed(), b.computed());
}

#[test]
fn a_sweep_killed_twenty_times_ends_in_the_same_bits() {
    let folder = Folder::new("kill");
    let journal = folder.0.join("run.journal");
    let computed = || Journal::read([&journal]).map_or(0, |journal| journal.computed());
    // Every fourth process is killed as soon as it is there, the others when 1 to 8 new points are in the journal: by
    // what they did, so that no machine is too slow for it. A point takes 60 ms, and a process has two threads, so that
    // this one may wait ten seconds for a busy processor and still kills in time.
    let (mut moments, mut known) = (0x2545_f491_4f6c_dd1d_u64, 0);
    for kill in 0..20 {
        let mut child = command(&journal, 60_000).spawn().unwrap();
        moments ^= moments << 13;
        moments ^= moments >> 7;
        moments ^= moments << 17;
        let wanted = if kill % 4 == 0 { 0 } else { 1 + moments as usize % 8 };
        while computed() < known + wanted {
            assert!(child.try_wait().unwrap().is_none(), "over before it was killed for the {kill}th time");
            sleep(Duration::from_millis(1 + moments % 5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let now = computed();
        assert!(now >= known + wanted, "{now} points after {known}");
        known = now;
    }
    assert!(known < POINTS, "something is left for the last process");
    assert_eq!(wait(command(&journal, 1).spawn().unwrap()), Some(0));
    let merged = Journal::read([&journal]).unwrap();
    assert!(merged.gaps().is_empty());
    assert_same(&Surface::from_journal(&merged).unwrap(), &undisturbed());
    // No point twice, but for those that two threads had in hand when they were killed.
    let log = fs::read_to_string(journal.with_extension("log")).unwrap();
    let mut counts = HashMap::new();
    log.lines().for_each(|line| *counts.entry(line.to_owned()).or_insert(0) += 1);
    assert_eq!(counts.len(), POINTS);
    let again = log.lines().count() - POINTS;
    assert!(again <= 2 * 20, "{again} evaluations too many after 20 kills");
}

#[test]
fn four_processes_make_one_surface() {
    let folder = Folder::new("shards");
    let journals: Vec<PathBuf> = (0..4).map(|k| folder.0.join(format!("{k}.journal"))).collect();
    let children: Vec<Child> = (0..4)
        .map(|k| command(&journals[k], 200).env("LOSS_LANDSCAPE_TEST_SHARD", k.to_string()).spawn().unwrap())
        .collect();
    for child in children {
        assert_eq!(wait(child), Some(0));
    }
    let merged = Journal::read(journals.iter().rev()).unwrap();
    assert!(merged.gaps().is_empty());
    let surface = Surface::from_journal(&merged).unwrap();
    assert_same(&surface, &undisturbed());
    assert_eq!(surface.report().end, SweepEnd::Complete);
}

#[test]
fn the_second_process_on_a_journal_is_refused() {
    let folder = Folder::new("second");
    let journal = folder.0.join("run.journal");
    // Its 529 points would take a minute, by when the second process has long been refused.
    let mut first = command(&journal, 200_000).spawn().unwrap();
    while Journal::read([&journal]).map_or(0, |journal| journal.computed()) == 0 {
        assert!(first.try_wait().unwrap().is_none());
        sleep(Duration::from_millis(5));
    }
    assert_eq!(wait(command(&journal, 0).spawn().unwrap()), Some(3));
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(wait(command(&journal, 0).spawn().unwrap()), Some(0), "a killed process leaves no lock");
}

/// A limit on the size of files stands for a full disk: the system refuses to write on, half a record at times.
#[test]
#[cfg(unix)]
fn a_full_disk_keeps_what_was_computed() {
    let folder = Folder::new("full");
    let journal = folder.0.join("run.journal");
    let run = |blocks: u32| {
        let program = env::current_exe().unwrap();
        // Blocks of 512 bytes. Ignored, the signal becomes an error of the write.
        let script = format!(
            "trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" --exact journal_processes::child --nocapture"
        );
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &script])
            .arg(program)
            .env("LOSS_LANDSCAPE_TEST_JOURNAL", &journal)
            .env("LOSS_LANDSCAPE_TEST_PAUSE", "0");
        let output = shell.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let mut kept = 0;
    for blocks in [10, 16, 25] {
        let (code, text) = run(blocks);
        assert_eq!(code, Some(4), "{text}");
        let read = Journal::read([&journal]).unwrap();
        assert!(read.computed() > kept && read.computed() < POINTS, "{read}");
        assert!(text.contains(&format!("kept {} points", read.computed())), "{text}");
        assert!(read.damage().is_empty(), "half a record is taken back: {:?}", read.damage());
        kept = read.computed();
    }
    assert_eq!(run(1000).0, Some(0));
    let read = Journal::read([&journal]).unwrap();
    assert_same(&Surface::from_journal(&read).unwrap(), &undisturbed());
}
