//! A progress bar in the terminal, as an observer (feature `progress`).

use std::ops::ControlFlow;

use indicatif::{ProgressBar as Bar, ProgressStyle};

use crate::{Observer, Progress};

/// A progress bar with points (of a training: steps), rate and time left, on standard error; it shows
/// nothing where that is no terminal.
///
/// It is the one part of the crate that writes to the terminal, and only if you make one.
///
/// ```
/// use loss_landscape::{FnModel, Layout, Line1d, ProgressBar, RandomDirections};
///
/// let model = FnModel::new(Layout::flat(2)?, vec![1.0, 2.0], |t: &[f64], _: &()| t[0] * t[1])?;
/// let bar = ProgressBar::new("a line");
/// let curve = Line1d::new(&model, RandomDirections::new(1).one(&model)?).data("", &()).observer(&bar).run()?;
/// # Ok::<(), loss_landscape::Error>(())
/// ```
#[derive(Debug)]
pub struct ProgressBar {
    pub(crate) bar: Bar,
}

impl ProgressBar {
    /// A bar with a message before it.
    pub fn new(message: impl Into<String>) -> Self {
        Self { bar: Bar::new(0).with_message(message.into()) }
    }

    /// Starts anew, with so many points or steps to come.
    pub(crate) fn start(&self, total: usize, unit: &str) {
        let style =
            format!("{{msg:<34}} {{bar:30}} {{pos:>6}}/{{len}} {unit}, {{per_sec}}, {{eta}} left{{prefix}}");
        // The template is fixed; if it were wrong, the plain bar would do.
        let style = ProgressStyle::with_template(&style).unwrap_or_else(|_| ProgressStyle::default_bar());
        self.bar.set_style(style);
        self.bar.set_prefix("");
        self.bar.reset();
        self.bar.set_length(total as u64);
    }
}

impl Observer for ProgressBar {
    fn started(&self, total: usize) {
        self.start(total, "points");
    }

    fn point(&self, _: &Progress<'_>) -> ControlFlow<()> {
        self.bar.inc(1);
        ControlFlow::Continue(())
    }

    fn finished(&self) {
        self.bar.abandon();
    }
}
