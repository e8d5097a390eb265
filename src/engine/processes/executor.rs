//! The trait by which processes reach each other.

use std::time::Duration;

use super::machine::machine;
use crate::OracleError;

/// Connects processes that run one sweep together: it moves bytes between process 0 and the others, and knows no more.
///
/// Every process runs the same program and makes the same sweep, with an executor that says which of them it is
/// ([`Sweep::executor`](crate::Sweep::executor)). Process 0 deals out points, keeps the journal and calls the observer;
/// all processes compute, each with threads of its own, and all have the same result in the end: that of one process, to
/// the bit. So a program may go on to its next sweep in all of them; files are for one of them to write.
///
/// `loss-landscape-mpi` (in `adapters/mpi` of the repository) connects the processes of `mpirun`. The example `processes`
/// starts processes and speaks to them over pipes. Here processes are played by threads, and a message is a vector:
///
/// ```
/// use std::{sync::{Mutex, mpsc::{Receiver, RecvTimeoutError, Sender, channel}}, thread, time::Duration};
/// use loss_landscape::{Arrival, Executor, FnModel, Layout, OracleError, RandomDirections, Surface, Sweep};
///
/// struct Channels {
///     process: usize,
///     /// To each of all processes.
///     to: Vec<Sender<(usize, Vec<u8>)>>,
///     /// What comes, with its sender.
///     inbox: Mutex<Receiver<(usize, Vec<u8>)>>,
/// }
///
/// impl Channels {
///     fn connected(processes: usize) -> Vec<Self> {
///         let (to, inboxes): (Vec<_>, Vec<_>) = (0..processes).map(|_| channel()).unzip();
///         let one = |(process, inbox)| Self { process, to: to.clone(), inbox: Mutex::new(inbox) };
///         inboxes.into_iter().enumerate().map(one).collect()
///     }
/// }
///
/// impl Executor for Channels {
///     fn process(&self) -> usize {
///         self.process
///     }
///     fn processes(&self) -> usize {
///         self.to.len()
///     }
///     fn send(&self, to: usize, message: &[u8]) -> Result<(), OracleError> {
///         Ok(self.to[to].send((self.process, message.to_vec())).map_err(|_| "it has ended")?)
///     }
///     fn receive(&self, patience: Duration) -> Result<Option<Arrival>, OracleError> {
///         match self.inbox.lock().unwrap().recv_timeout(patience) {
///             Ok((from, bytes)) => Ok(Some(Arrival::Message { from, bytes })),
///             Err(RecvTimeoutError::Timeout) => Ok(None),
///             Err(RecvTimeoutError::Disconnected) => Err("all have ended".into()),
///         }
///     }
/// }
///
/// // What every process does.
/// fn program(executor: &dyn Executor) -> loss_landscape::Result<Surface> {
///     let model = FnModel::new(Layout::flat(2)?, vec![1.0; 2], |t: &[f64], _: &()| (t[0] * t[1]).sin())?;
///     Sweep::plane(&model, RandomDirections::new(1)).data("", &()).threads(1).executor(executor).run()
/// }
///
/// let run = |channels: Channels| thread::spawn(move || program(&channels));
/// let processes: Vec<_> = Channels::connected(3).into_iter().map(run).collect();
/// let surfaces = processes.into_iter().map(|process| process.join().unwrap()).collect::<Result<Vec<_>, _>>()?;
/// let alone = program(&Channels::connected(1)[0])?;
/// assert!(surfaces.iter().all(|surface| surface.values() == alone.values()));
/// # Ok::<(), loss_landscape::Error>(())
/// ```
///
/// **What it must keep to.** Messages from one process to another arrive whole and in the order in which they were sent,
/// or not at all from some message on. They have up to some megabytes; an eigenvector of a ratio map, or the losses of
/// all samples at a node of a sampled sweep, is one message. Messages are sent between process 0 and each of the others,
/// and not among the others. Threads of a process may call [`send`](Self::send) at the same time, and while another one
/// waits in [`receive`](Self::receive), which one at a time calls. Processes played by threads need
/// [`threads`](crate::Sweep::threads): in a pool that they shared, one would wait for the other.
pub trait Executor: Sync {
    /// The number of this process, below that of [`processes`](Self::processes). Process 0 deals out points.
    fn process(&self) -> usize;

    /// How many processes there are, this one included. One alone does all by itself.
    fn processes(&self) -> usize;

    /// Sends a message, and returns without waiting until the other process takes it: that one may be computing, or have
    /// stopped.
    ///
    /// # Errors
    /// If the other process is gone. Process 0 then gives its points to others; another process ends its sweep with
    /// [`Error::Executor`](crate::Error::Executor).
    fn send(&self, to: usize, message: &[u8]) -> Result<(), OracleError>;

    /// Sends the same message to several processes, and says which of them are gone: the result of a sweep goes to all.
    /// By default [`send`](Self::send) is called for each. An executor that holds messages until they are taken does
    /// better with one copy for all.
    fn send_to_all(&self, to: &[usize], message: &[u8]) -> Vec<(usize, OracleError)> {
        to.iter().filter_map(|&process| Some((process, self.send(process, message).err()?))).collect()
    }

    /// The next message, or that a process is gone; `None` if there is neither for as long as `patience`. It should come
    /// back as soon as there is one, since the other process may wait for its next points, and not use up a processor.
    /// That a process is gone comes after all that it sent.
    ///
    /// # Errors
    /// If no process can be heard any more. Process 0 then goes on alone.
    fn receive(&self, patience: Duration) -> Result<Option<Arrival>, OracleError>;

    /// Called in process 0 when it gives a process up that took too long for a point. An executor that can end it may do
    /// so; by default nothing happens. Whatever comes from it in this sweep is passed over.
    fn give_up(&self, process: usize) {
        let _ = process;
    }

    /// How long another process may take for a point, before it is given up and its points go to others; for ever by
    /// default. A point that took longer in two processes is a bad point. Process 0 has no limit for itself. Asked for
    /// in process 0, once a sweep.
    fn point_limit(&self) -> Option<Duration> {
        None
    }

    /// The kind of machine, in words; by default the processor's kind and the extensions for vectors that it has. A
    /// process on another kind is refused, since the last digits of its values may differ.
    fn machine(&self) -> String {
        machine()
    }

    /// Whether machines may be of several kinds; not by default. Results may then depend on which computed which point, and
    /// [`SweepReport::machines`](crate::report::SweepReport::machines) says which there were.
    fn allows_other_machines(&self) -> bool {
        false
    }
}

/// What an [`Executor`] receives; its example makes both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// What another process sent.
    Message {
        /// Its number.
        from: usize,
        /// The message.
        bytes: Vec<u8>,
    },
    /// A process that will send no more.
    Gone {
        /// Its number.
        process: usize,
        /// Why, in words.
        reason: String,
    },
}
