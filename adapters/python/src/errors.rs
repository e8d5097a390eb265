//! Errors of the core as Python's exceptions, and Python's exceptions on their way through the core.

use std::sync::Mutex;

use loss_landscape::{Error, OracleError};
use pyo3::{
    exceptions::{PyKeyboardInterrupt, PyRuntimeError},
    prelude::*,
};

/// The first exception that ended a call, until the call has ended.
#[derive(Default)]
pub(crate) struct Raised(Mutex<Option<PyErr>>);

impl Raised {
    /// Keeps an exception, and gives the error with which the core ends a sweep without recording the point.
    pub(crate) fn keep(&self, error: PyErr) -> OracleError {
        let mut slot = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        slot.get_or_insert(error);
        Error::Interrupted.into()
    }

    /// Adds to the exception at which point it came.
    pub(crate) fn note(&self, index: [usize; 2], [alpha, beta]: [f64; 2], data: &str) {
        let slot = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(error) = slot.as_ref() else { return };
        let of = if data.is_empty() { String::new() } else { format!(" of data set {data:?}") };
        let text = format!("at point [{}, {}] of the sweep, α = {alpha}, β = {beta}{of}", index[0], index[1]);
        Python::attach(|py| {
            // Python 3.10 has no notes, and nothing is lost but the note.
            let _ = error.value(py).call_method1("add_note", (text,));
        });
    }

    /// Whether an exception ended the call, so that nothing more is to be asked.
    pub(crate) fn is_set(&self) -> bool {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).is_some()
    }

    pub(crate) fn take(&self) -> Option<PyErr> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
    }
}

/// Whether an exception wants the whole program to stop, and not this point to fail.
pub(crate) fn is_fatal(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PyKeyboardInterrupt>(py)
        || !error.is_instance_of::<pyo3::exceptions::PyException>(py)
}

/// An error of the core as an exception of `loss_landscape._errors`.
pub(crate) fn exception(error: &Error) -> PyErr {
    let class = match error {
        Error::File { .. } | Error::NotAFile { .. } | Error::FolderRefuses { .. } => "FileError",
        Error::InFile { .. }
        | Error::Parse { .. }
        | Error::Format { .. }
        | Error::Unwritable { .. }
        | Error::Safetensors { .. }
        | Error::PyTorchFile { .. }
        | Error::Checkpoint { .. } => "FormatError",
        Error::NotAJournal { .. }
        | Error::JournalMismatch { .. }
        | Error::JournalInUse { .. }
        | Error::JournalConflict { .. }
        | Error::JournalWrite { .. }
        | Error::NoJournals
        | Error::JournalKind { .. } => "JournalError",
        Error::UnknownChannel { .. } | Error::UnknownBlock { .. } => "UnknownNameError",
        Error::OutOfMemory { .. } | Error::GridTooLarge { .. } | Error::MemoryLimit { .. } => {
            "MemoryLimitError"
        }
        Error::Oracle { .. }
        | Error::OraclePanicked { .. }
        | Error::NonFiniteLoss { .. }
        | Error::NonFiniteProduct { .. }
        | Error::ZeroGradient { .. }
        | Error::ThreadPool { .. }
        | Error::Interrupted => "OracleFailure",
        _ => "ArgumentError",
    };
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    named(class, text)
}

/// An exception of `loss_landscape._errors`, by name.
pub(crate) fn named(class: &str, text: String) -> PyErr {
    Python::attach(|py| {
        let make = || -> PyResult<PyErr> {
            let class = py.import("loss_landscape._errors")?.getattr(class)?;
            Ok(PyErr::from_value(class.call1((text.clone(),))?))
        };
        make().unwrap_or_else(|_| PyRuntimeError::new_err(text))
    })
}

pub(crate) fn argument(text: impl Into<String>) -> PyErr {
    named("ArgumentError", text.into())
}

/// What the core answered, as Python sees it: an exception that passed through it comes first.
pub(crate) trait OrRaise<T> {
    fn or_raise(self) -> PyResult<T>;
}

impl<T> OrRaise<T> for loss_landscape::Result<T> {
    fn or_raise(self) -> PyResult<T> {
        self.map_err(|error| exception(&error))
    }
}

impl<T> OrRaise<T> for loss_landscape_plot::Result<T> {
    fn or_raise(self) -> PyResult<T> {
        self.map_err(|error| match error {
            loss_landscape_plot::Error::Core(error) => exception(&error),
            other @ loss_landscape_plot::Error::File { .. } => named("FileError", other.to_string()),
            other => named("FigureError", other.to_string()),
        })
    }
}
