//! What can go wrong with a study.

use std::{io, path::PathBuf};

/// A result with a study's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What was wrong. Every variant carries the values that were.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A claim that the paper does not make.
    #[error("there is no claim `{name}`: the claims are C1 to C9")]
    UnknownClaim {
        /// The name that was given.
        name: String,
    },
    /// An option that the program does not have, or one without what it needs.
    #[error("{option}: {why} (--help lists all options)")]
    Option {
        /// The option.
        option: String,
        /// What is wrong with it.
        why: String,
    },
    /// A setting out of its range.
    #[error("{setting} is {value}, which must be {needs}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: usize,
        /// What it must be.
        needs: &'static str,
    },
    /// A folder with files that no study wrote.
    #[error("{} is not the folder of a study: it has no {file}, but holds `{found}`", .folder.display())]
    ForeignFolder {
        /// The folder.
        folder: PathBuf,
        /// The file that every study's folder has.
        file: &'static str,
        /// A file that is there.
        found: String,
    },
    /// A folder of a study with other settings.
    #[error(
        "{} holds another study: its {setting} is {theirs}, and {ours} is asked for; go on with its options, or name \
         another folder by --out", .folder.display()
    )]
    OtherStudy {
        /// The folder.
        folder: PathBuf,
        /// The first setting that differs.
        setting: String,
        /// Its value there.
        theirs: String,
        /// The value asked for.
        ours: String,
    },
    /// A folder in which another process works.
    #[error("another process works in {}", .folder.display())]
    FolderInUse {
        /// The folder.
        folder: PathBuf,
    },
    /// A checkpoint whose bytes are not those that its training wrote.
    #[error(
        "{} does not match its hash: it has {found}, and its training wrote {expected}; put the right file back, or \
         remove it to train again", .path.display()
    )]
    Checkpoint {
        /// The checkpoint.
        path: PathBuf,
        /// The hash of what is there.
        found: String,
        /// The hash that was recorded.
        expected: String,
    },
    /// A result that was measured around other parameters than those of its training.
    #[error("{} was measured around other parameters than those of {training}; remove it to measure again", .path.display())]
    OtherParameters {
        /// The file of the result.
        path: PathBuf,
        /// The training.
        training: String,
    },
    /// A file that cannot be understood.
    #[error("{} is damaged: {why}; remove it to compute it again", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// A file that cannot be read.
    #[error("{} cannot be read: {source}", .path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file that cannot be written.
    #[error("{} cannot be written: {source}; what was finished is kept, and the same command goes on", .path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The time that was allowed is over.
    #[error("the time is spent: what was finished is kept, and the same command goes on")]
    TimeSpent,
    /// What the library found wrong.
    #[error(transparent)]
    Core(#[from] loss_landscape::Error),
    /// What the networks found wrong.
    #[error(transparent)]
    Nets(#[from] loss_landscape_nets::Error),
    /// What the model found wrong at a point.
    #[error("{0}")]
    Oracle(loss_landscape::OracleError),
    /// What a figure found wrong.
    #[error(transparent)]
    Plot(#[from] loss_landscape_plot::Error),
}

impl From<loss_landscape::OracleError> for Error {
    fn from(error: loss_landscape::OracleError) -> Self {
        Self::Oracle(error)
    }
}
