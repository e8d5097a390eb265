//! An executor of processes on one machine, which it starts itself and speaks to over their standard input and output:
//! all that a sweep asks of whoever connects processes.

use std::{
    env,
    io::{self, BufReader, Read, Write},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use loss_landscape::{Arrival, Executor, OracleError};

/// Process 0 and those that it started, seen from one of them.
pub(crate) struct Pipes {
    process: usize,
    processes: usize,
    /// From process 0 to each of the others; from another one to process 0.
    to: Vec<Sender<Vec<u8>>>,
    writers: Vec<JoinHandle<()>>,
    inbox: Mutex<Receiver<Arrival>>,
    children: Mutex<Vec<Child>>,
    limit: Option<Duration>,
}

/// What tells a process that it was started by process 0: its number, and how many there are.
const VARIABLE: &str = "LOSS_LANDSCAPE_PROCESS";

/// What a message begins with. Whatever else a process prints is passed over.
const MARK: [u8; 4] = *b"\x93ll\n";

impl Pipes {
    /// Connects `processes` processes. The first one starts the others, each with the command that it is given, which
    /// should run this program; there this function finds out which process it is.
    pub(crate) fn connect(processes: usize, command: impl Fn() -> Command) -> io::Result<Self> {
        let place = env::var(VARIABLE).ok().and_then(|place| {
            let (process, processes) = place.split_once('/')?;
            Some((process.parse().ok()?, processes.parse().ok()?))
        });
        let (sender, inbox) = channel();
        let (mut to, mut writers, mut children) = (Vec::new(), Vec::new(), Vec::new());
        let mut write_to = |pipe: Box<dyn Write + Send>| {
            let (sender, messages) = channel();
            to.push(sender);
            writers.push(thread::spawn(move || write(&messages, pipe)));
        };
        let (process, processes) = place.unwrap_or((0, processes));
        if process > 0 {
            write_to(Box::new(io::stdout()));
            thread::spawn(move || forward(0, io::stdin(), &sender));
        } else {
            for other in 1..processes {
                let mut command = command();
                command.env(VARIABLE, format!("{other}/{processes}"));
                let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
                if let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) {
                    write_to(Box::new(stdin));
                    let sender = sender.clone();
                    thread::spawn(move || forward(other, stdout, &sender));
                }
                children.push(child);
            }
        }
        Ok(Self {
            process,
            processes,
            to,
            writers,
            inbox: Mutex::new(inbox),
            children: Mutex::new(children),
            limit: None,
        })
    }

    /// How long another process may take for a point.
    pub(crate) fn point_limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }
}

impl Executor for Pipes {
    fn process(&self) -> usize {
        self.process
    }

    fn processes(&self) -> usize {
        self.processes
    }

    fn send(&self, to: usize, message: &[u8]) -> Result<(), OracleError> {
        // A thread writes it: a process that has stopped reads nothing, and is not to be waited for. Process 0 has no
        // pipe to itself, and the others have one alone.
        let frame = [&MARK[..], &(message.len() as u64).to_le_bytes(), message].concat();
        Ok(self.to[to.saturating_sub(1)].send(frame).map_err(|_| "its pipe is closed")?)
    }

    fn receive(&self, patience: Duration) -> Result<Option<Arrival>, OracleError> {
        match lock(&self.inbox).recv_timeout(patience) {
            Ok(arrival) => Ok(Some(arrival)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err("all other processes have ended".into()),
        }
    }

    fn give_up(&self, process: usize) {
        let _ = lock(&self.children)[process - 1].kill();
    }

    fn point_limit(&self) -> Option<Duration> {
        self.limit
    }
}

impl Drop for Pipes {
    fn drop(&mut self) {
        // What was sent is written; then whoever still reads learns that there is no more to come.
        self.to.clear();
        for writer in self.writers.drain(..) {
            let _ = writer.join();
        }
        for child in lock(&self.children).iter_mut() {
            let _ = child.wait();
        }
    }
}

/// Writes messages as they come, each at once, so that nothing else that this process prints is in the middle of one.
fn write(messages: &Receiver<Vec<u8>>, mut pipe: impl Write) {
    while let Ok(message) = messages.recv() {
        if pipe.write_all(&message).and_then(|()| pipe.flush()).is_err() {
            return;
        }
    }
}

/// Hands on the messages of a process, until it has ended.
fn forward(from: usize, pipe: impl Read, to: &Sender<Arrival>) {
    let mut pipe = BufReader::new(pipe);
    let reason = loop {
        match read(&mut pipe) {
            Ok(bytes) => {
                if to.send(Arrival::Message { from, bytes }).is_err() {
                    return;
                }
            }
            Err(error) => break error.to_string(),
        }
    };
    let _ = to.send(Arrival::Gone { process: from, reason: format!("its pipe has ended: {reason}") });
}

/// The next message.
fn read(pipe: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut last = [0; 4];
    while last != MARK {
        let mut byte = [0];
        pipe.read_exact(&mut byte)?;
        last = [last[1], last[2], last[3], byte[0]];
    }
    let mut len = [0; 8];
    pipe.read_exact(&mut len)?;
    let mut message = Vec::new();
    // No memory is taken for what does not come.
    pipe.take(u64::from_le_bytes(len)).read_to_end(&mut message)?;
    if message.len() as u64 == u64::from_le_bytes(len) {
        Ok(message)
    } else {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
