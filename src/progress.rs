//! A progress bar in the terminal, or lines in a log, as an observer (feature `progress`).

use std::{
    fmt,
    io::{IsTerminal, Write},
    ops::ControlFlow,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{HumanDuration, ProgressBar as Bar, ProgressDrawTarget, ProgressStyle};

use crate::{Observer, Progress};

/// A progress bar on standard error, with the points done (in a training: the steps), the rate and the time left. Where
/// standard error is not a terminal, as in the log of a cluster's job, it writes a line every ten seconds instead.
///
/// A sweep that goes on with a journal starts at the points that are in it, and the rate counts only points that are
/// computed now. The bar is the one part of the crate that writes to the terminal, and only if you make one.
///
/// ```
/// use loss_landscape::{FnModel, Layout, ProgressBar, RandomDirections, Sweep};
///
/// let model = FnModel::new(Layout::flat(2)?, vec![1.0, 2.0], |t: &[f64], _: &()| t[0] * t[1])?;
/// let bar = ProgressBar::new("a line");
/// let curve = Sweep::line(&model, RandomDirections::new(1)).data("", &()).observer(&bar).run()?;
/// assert_eq!(bar.position().0, 51);
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Debug)]
pub struct ProgressBar {
    bar: Bar,
    log: Option<Mutex<Log>>,
}

/// The writer that gets lines instead of a bar, and when it got the last one.
struct Log {
    out: Box<dyn Write + Send>,
    every: Duration,
    unit: &'static str,
    started: Instant,
    last: Instant,
    /// Points that were in the journal at the start.
    before: u64,
}

impl ProgressBar {
    /// A bar with a message in front of it.
    pub fn new(message: impl Into<String>) -> Self {
        if std::io::stderr().is_terminal() {
            return Self { bar: Bar::new(0).with_message(message.into()), log: None };
        }
        Self::lines(message, std::io::stderr(), Duration::from_secs(10))
    }

    /// Writes lines to a file or any other writer: at most one in the time `every`, and one at the end.
    ///
    /// ```
    /// use std::{fs::{self, File}, time::Duration};
    /// use loss_landscape::{FnModel, Layout, ProgressBar, RandomDirections, Sweep};
    ///
    /// let path = std::env::temp_dir().join(format!("sweep-{}.log", std::process::id()));
    /// let bar = ProgressBar::lines("a line", File::create(&path)?, Duration::from_secs(60));
    /// let model = FnModel::new(Layout::flat(2)?, vec![1.0, 2.0], |t: &[f64], _: &()| t[0] * t[1])?;
    /// Sweep::line(&model, RandomDirections::new(1)).data("", &()).observer(&bar).run()?;
    /// assert!(fs::read_to_string(&path)?.starts_with("a line: 51/51 points (100.0 %)"));
    /// # fs::remove_file(&path)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lines(message: impl Into<String>, out: impl Write + Send + 'static, every: Duration) -> Self {
        let now = Instant::now();
        let out = Box::new(out);
        let log = Log { out, every, unit: "", started: now, last: now, before: 0 };
        let bar = Bar::with_draw_target(Some(0), ProgressDrawTarget::hidden()).with_message(message.into());
        Self { bar, log: Some(Mutex::new(log)) }
    }

    /// Starts again at 0 of `total` points, steps or whatever `unit` names, in the plural.
    ///
    /// A sweep calls this, [`advance`](Self::advance) and [`end`](Self::end) through [`Observer`]. Call them yourself
    /// for work of your own, such as a training:
    ///
    /// ```
    /// use std::{io, time::Duration};
    /// use loss_landscape::ProgressBar;
    ///
    /// let bar = ProgressBar::lines("training", io::sink(), Duration::from_secs(10));
    /// bar.start(3, "epochs");
    /// for epoch in 0..3 {
    ///     bar.note(format!(", loss {:.1}", 1.0 / f64::from(epoch + 1)));
    ///     bar.advance();
    /// }
    /// assert_eq!(bar.position(), (3, ", loss 0.3".to_owned()));
    /// bar.end();
    /// ```
    pub fn start(&self, total: usize, unit: &'static str) {
        let style =
            format!("{{msg:<34}} {{bar:30}} {{pos:>6}}/{{len}} {unit}, {{per_sec}}, {{eta}} left{{prefix}}");
        // A unit with braces in it is no template; then the plain bar does.
        let style = ProgressStyle::with_template(&style).unwrap_or_else(|_| ProgressStyle::default_bar());
        self.bar.set_style(style);
        self.bar.set_prefix("");
        self.bar.reset();
        self.bar.set_length(total as u64);
        if let Some(mut log) = self.log() {
            let now = Instant::now();
            (log.unit, log.started, log.last, log.before) = (unit, now, now, 0);
        }
    }

    /// Counts one more as done.
    pub fn advance(&self) {
        self.bar.inc(1);
        if let Some(mut log) = self.log()
            && log.last.elapsed() >= log.every
        {
            self.write(&mut log, false);
        }
    }

    /// Stops counting and leaves the bar on the screen as it is; in a log, writes a last line.
    pub fn end(&self) {
        self.bar.abandon();
        if let Some(mut log) = self.log() {
            self.write(&mut log, true);
        }
    }

    /// Shows a short text after the bar, such as the loss of the last epoch, until it is replaced.
    pub fn note(&self, text: impl Into<String>) {
        self.bar.set_prefix(text.into());
    }

    /// How many are done, and the text of the last [`note`](Self::note).
    pub fn position(&self) -> (u64, String) {
        (self.bar.position(), self.bar.prefix())
    }

    /// Writes how far the work is, on one line. A line that cannot be written is left out, since a log is no reason to
    /// end a sweep.
    fn write(&self, log: &mut Log, ended: bool) {
        #[expect(clippy::expect_used, reason = "every bar is made with a length, and nothing unsets it")]
        let (done, total) = (self.bar.position(), self.bar.length().expect("a bar with a length"));
        let percent = 100.0 * done as f64 / total.max(1) as f64;
        let elapsed = log.started.elapsed();
        let rate = done.saturating_sub(log.before) as f64 / elapsed.as_secs_f64().max(1e-9);
        let rest = if ended {
            format!("ended after {}", HumanDuration(elapsed))
        } else if rate > 0.0 {
            // A caller may count more than were announced, or so slowly that no duration holds the rest.
            let left = total.saturating_sub(done) as f64 / rate;
            let left = Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX);
            format!("{} left", HumanDuration(left))
        } else {
            "none yet".to_owned()
        };
        let (message, unit, prefix) = (self.bar.message(), log.unit, self.bar.prefix());
        let line =
            format!("{message}: {done}/{total} {unit} ({percent:.1} %), {rate:.3}/s, {rest}{prefix}\n");
        let _ = log.out.write_all(line.as_bytes()).and_then(|()| log.out.flush());
        log.last = Instant::now();
    }

    fn log(&self) -> Option<MutexGuard<'_, Log>> {
        Some(self.log.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Observer for ProgressBar {
    fn started(&self, total: usize) {
        self.start(total, "points");
    }

    fn resumed(&self, done: usize) {
        let there = (done as u64).saturating_sub(self.bar.position());
        self.bar.set_position(done as u64);
        // Otherwise the points of the journal would count as computed in no time.
        self.bar.reset_eta();
        if let Some(mut log) = self.log() {
            log.before += there;
        }
    }

    fn point(&self, progress: &Progress<'_>) -> ControlFlow<()> {
        if !progress.again {
            self.advance();
        }
        ControlFlow::Continue(())
    }

    fn finished(&self) {
        self.end();
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("every", &self.every).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// A writer whose text is looked at later.
    #[derive(Clone, Default)]
    struct Text(Arc<Mutex<Vec<u8>>>);

    impl Write for Text {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Text {
        fn lines(&self) -> Vec<String> {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap().lines().map(str::to_owned).collect()
        }
    }

    fn step(bar: &ProgressBar) {
        bar.advance();
    }

    #[test]
    fn lines_say_how_far_it_is() {
        let text = Text::default();
        let bar = ProgressBar::lines("a map", text.clone(), Duration::ZERO);
        bar.started(4);
        (0..4).for_each(|_| step(&bar));
        bar.finished();
        let lines = text.lines();
        assert_eq!(lines.len(), 5, "{lines:?}");
        assert!(
            lines[0].starts_with("a map: 1/4 points (25.0 %), ") && lines[0].ends_with(" left"),
            "{lines:?}"
        );
        assert!(
            lines[4].starts_with("a map: 4/4 points (100.0 %), ") && lines[4].contains("ended after "),
            "{lines:?}"
        );
        let quiet = Text::default();
        let bar = ProgressBar::lines("a map", quiet.clone(), Duration::from_secs(3600));
        bar.started(4);
        (0..4).for_each(|_| step(&bar));
        assert!(quiet.lines().is_empty());
        bar.finished();
        assert_eq!(quiet.lines().len(), 1);
    }

    #[test]
    fn counting_beyond_the_end_and_units_with_braces_do_not_panic() {
        let text = Text::default();
        let bar = ProgressBar::lines("", text.clone(), Duration::ZERO);
        bar.start(1, "{of} what");
        (0..3).for_each(|_| step(&bar));
        let lines = text.lines();
        assert!(lines[2].starts_with(": 3/1 {of} what (300.0 %), "), "{lines:?}");
    }

    #[test]
    fn points_computed_again_do_not_count() {
        let bar = ProgressBar::lines("", Text::default(), Duration::ZERO);
        bar.started(2);
        let point = |again| Progress {
            done: 1,
            total: 2,
            again,
            draw: 0,
            index: [0, 0],
            coordinates: [0.0, 0.0],
            values: &[],
        };
        let _ = (bar.point(&point(false)), bar.point(&point(true)));
        assert_eq!(bar.position().0, 1);
    }

    #[test]
    fn what_was_there_does_not_count_for_the_rate() {
        let text = Text::default();
        let bar = ProgressBar::lines("", text.clone(), Duration::ZERO);
        bar.started(1_000_000);
        bar.resumed(999_990);
        std::thread::sleep(Duration::from_millis(20));
        step(&bar);
        assert_eq!(bar.bar.position(), 999_991);
        let line = &text.lines()[0];
        assert!(line.contains("999991/1000000 points (100.0 %)"), "{line}");
        let rate: f64 = line.split(", ").nth(1).unwrap().trim_end_matches("/s").parse().unwrap();
        assert!(rate < 51.0, "one point in 20 ms or more is {rate} a second");
    }
}
