//! Sweeps of `loss-landscape` over the processes of `mpirun`.
//!
//! A program for one machine becomes one for many by three lines: it connects to the others, gives the sweep the
//! executor, and lets one process write files.
//!
//! ```no_run
//! use loss_landscape::{Executor, FnModel, Layout, RandomDirections, Sweep};
//! use loss_landscape_mpi::Mpi;
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let mpi = Mpi::connect()?; // 1
//!     let model = FnModel::new(Layout::flat(2)?, vec![1.0; 2], |t: &[f64], _: &()| t[0] * t[1])?;
//!     let sweep = Sweep::plane(&model, RandomDirections::new(1)).data("", &()).threads(1);
//!     let surface = sweep.journal("run.journal").executor(&mpi).run()?; // 2
//!     if mpi.process() == 0 { // 3
//!         println!("{}", surface.report());
//!     }
//!     Ok(())
//! }
//! ```
//!
//! `mpirun -n 8 program` then runs it in eight processes, each with one thread. All of them read their model and data,
//! process 0 deals out points, and all have the same surface in the end, to the bit that of one process. Started without
//! `mpirun`, it is one process.
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

mod mpi_thread;

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use loss_landscape::{Arrival, Executor, OracleError};
use mpi_thread::{Command, MpiThread};

/// The processes of `mpirun`, as the executor of a sweep. It is connected once a program, and lasts until its end.
///
/// All that MPI does happens on one thread of its own, so that a sweep's threads never wait for a message, and a process
/// that computes is heard and hears.
pub struct Mpi {
    process: usize,
    processes: usize,
    outgoing: Mutex<Sender<Command>>,
    incoming: Mutex<Receiver<Arrival>>,
    /// Values that process 0 gives all others outside of sweeps.
    shared: Mutex<Receiver<Vec<u8>>>,
    limit: Option<Duration>,
    mixed: bool,
    /// A process was given up, and will not answer in the end.
    given_up: AtomicBool,
    thread: Option<JoinHandle<()>>,
}

impl Mpi {
    /// Initialises MPI, and learns which process this is.
    ///
    /// # Errors
    /// If MPI was initialised before, or no thread can be made.
    pub fn connect() -> Result<Self, OracleError> {
        let (outgoing, commands) = channel();
        let (arrived, incoming) = channel();
        let (sharing, shared) = channel();
        let (say_place, place) = channel();
        let body = move || match MpiThread::open() {
            Some(mut mpi) => {
                let _ = say_place.send(Some(mpi.place()));
                mpi.serve(&commands, &arrived, sharing);
            }
            None => drop(say_place.send(None)),
        };
        let thread = thread::Builder::new().name("mpi".to_owned()).spawn(body)?;
        let [process, processes] = place.recv()?.ok_or("MPI was initialised before")?;
        Ok(Self {
            process,
            processes,
            outgoing: Mutex::new(outgoing),
            incoming: Mutex::new(incoming),
            shared: Mutex::new(shared),
            limit: None,
            mixed: false,
            given_up: AtomicBool::new(false),
            thread: Some(thread),
        })
    }

    /// How long another process may take for a point, before its points go to others. A process that was given up cannot
    /// end with the others, so that the job is aborted when the program of process 0 drops this value: after all files
    /// are written, and with an exit code that is not 0.
    #[must_use]
    pub fn with_point_limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Allows processors of several kinds, on which last digits may differ. The report of the result says which there were.
    #[must_use]
    pub fn with_other_machines(mut self) -> Self {
        self.mixed = true;
        self
    }

    /// Gives all processes the bytes of process 0, such as those of a checkpoint that it alone can read. All processes
    /// call it, in the same order and outside of sweeps.
    ///
    /// # Errors
    /// If they are 2 GiB or more, or process 0 has ended.
    pub fn broadcast(&self, bytes: &mut Vec<u8>) -> Result<(), OracleError> {
        if self.process == 0 {
            check_length(bytes)?;
            let (outgoing, bytes) = (lock(&self.outgoing), Arc::<[u8]>::from(&bytes[..]));
            for to in 1..self.processes {
                outgoing.send(Command::Shared { to, bytes: Arc::clone(&bytes) })?;
            }
        } else {
            *bytes = lock(&self.shared).recv()?;
        }
        Ok(())
    }
}

impl Executor for Mpi {
    fn process(&self) -> usize {
        self.process
    }

    fn processes(&self) -> usize {
        self.processes
    }

    fn send(&self, to: usize, message: &[u8]) -> Result<(), OracleError> {
        check_length(message)?;
        Ok(lock(&self.outgoing).send(Command::Message { to, bytes: message.into() })?)
    }

    fn send_to_all(&self, to: &[usize], message: &[u8]) -> Vec<(usize, OracleError)> {
        let (outgoing, message) = (lock(&self.outgoing), Arc::<[u8]>::from(message));
        let send = |to: usize| {
            check_length(&message)?;
            Ok(outgoing.send(Command::Message { to, bytes: Arc::clone(&message) })?)
        };
        to.iter().filter_map(|&process| Some((process, send(process).err()?))).collect()
    }

    fn receive(&self, patience: Duration) -> Result<Option<Arrival>, OracleError> {
        match lock(&self.incoming).recv_timeout(patience) {
            Ok(arrival) => Ok(Some(arrival)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err("the thread that speaks MPI has ended".into()),
        }
    }

    fn give_up(&self, _: usize) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    fn point_limit(&self) -> Option<Duration> {
        self.limit
    }

    fn allows_other_machines(&self) -> bool {
        self.mixed
    }
}

impl fmt::Debug for Mpi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mpi")
            .field("process", &self.process)
            .field("processes", &self.processes)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl Drop for Mpi {
    fn drop(&mut self) {
        let abort = self.given_up.load(Ordering::Relaxed);
        let _ = lock(&self.outgoing).send(Command::End { abort });
        if let Some(thread) = self.thread.take() {
            // Its panic was printed when it happened.
            let _ = thread.join();
        }
    }
}

/// MPI counts bytes as `i32`.
fn check_length(message: &[u8]) -> Result<(), OracleError> {
    i32::try_from(message.len())
        .map_err(|_| format!("a message of {} bytes, 2 GiB or more", message.len()))?;
    Ok(())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
