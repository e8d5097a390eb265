//! The thread that speaks MPI: it sends what it is given without waiting, and hands on what comes.

use std::{
    mem::ManuallyDrop,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::Duration,
};

use loss_landscape::Arrival;
use mpi::{
    Tag, Threading,
    environment::Universe,
    request::{Request, StaticScope},
    topology::SimpleCommunicator,
    traits::{Communicator, Destination, MatchedReceiveVec, Source},
};

/// What the thread is told to do.
pub(crate) enum Command {
    Message {
        to: usize,
        bytes: Arc<[u8]>,
    },
    Shared {
        to: usize,
        bytes: Arc<[u8]>,
    },
    /// Send what there is, and end.
    End {
        abort: bool,
    },
}

/// MPI, initialised on this thread.
pub(crate) struct MpiThread {
    // Dropped last, which finalises MPI.
    world: SimpleCommunicator,
    sending: Vec<Sending>,
    /// The processes of which nothing more comes.
    over: Vec<bool>,
    _universe: Universe,
}

/// A message on its way.
struct Sending {
    request: Request<'static, [u8], StaticScope>,
    /// Never freed if it is still on its way when all ends.
    bytes: ManuallyDrop<Arc<[u8]>>,
}

/// What messages are marked with: those of sweeps, values outside of them, and the last one of a process.
const MESSAGE: Tag = 1;
const SHARED: Tag = 2;
const LAST: Tag = 3;

/// How long the thread sleeps where nothing comes: at first, and at most.
const SHORT: Duration = Duration::from_micros(30);
const LONG: Duration = Duration::from_millis(1);

impl MpiThread {
    /// Initialises MPI; none if it was before.
    pub(crate) fn open() -> Option<Self> {
        // This thread alone calls MPI, and is the one that initialises it.
        let (universe, _) = mpi::initialize_with_threading(Threading::Funneled)?;
        let world = universe.world();
        let over = vec![false; usize::try_from(world.size()).ok()?];
        Some(Self { world, sending: Vec::new(), over, _universe: universe })
    }

    /// The number of this process, and how many there are.
    pub(crate) fn place(&self) -> [usize; 2] {
        [self.world.rank(), self.world.size()].map(|number| number.cast_unsigned() as usize)
    }

    /// Sends and hands on until it is told to end, then says so to the others and hears it from them.
    pub(crate) fn serve(
        &mut self,
        commands: &Receiver<Command>,
        arrived: &Sender<Arrival>,
        shared: Sender<Vec<u8>>,
    ) {
        let mut shared = Some(shared);
        let mut pause = SHORT;
        loop {
            let busy = self.hand_on(arrived, &mut shared);
            self.forget_sent();
            pause = if busy { SHORT } else { (pause * 2).min(LONG) };
            // A command ends the pause at once.
            match commands.recv_timeout(if busy { Duration::ZERO } else { pause }) {
                Ok(Command::Message { to, bytes }) => self.send(to, MESSAGE, bytes),
                Ok(Command::Shared { to, bytes }) => self.send(to, SHARED, bytes),
                Ok(Command::End { abort: true }) => self.world.abort(1),
                Ok(Command::End { abort: false }) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => continue,
            }
            pause = SHORT;
        }
        // MPI may keep a message with its sender until it is taken. So whatever comes is taken until the other side has
        // said that nothing more does, however early this program ended.
        let [process, processes] = self.place();
        let partners = if process == 0 { 1..processes } else { 0..1 };
        for to in partners.clone() {
            self.send(to, LAST, Arc::default());
        }
        pause = SHORT;
        while !self.sending.is_empty() || !partners.clone().all(|partner| self.over[partner]) {
            let busy = self.hand_on(arrived, &mut shared);
            self.forget_sent();
            pause = if busy { SHORT } else { (pause * 2).min(LONG) };
            thread::sleep(pause);
        }
    }

    /// Receives what is there; false if that was nothing.
    fn hand_on(&mut self, arrived: &Sender<Arrival>, shared: &mut Option<Sender<Vec<u8>>>) -> bool {
        let mut any = false;
        while let Some(message) = self.world.any_process().immediate_matched_probe() {
            any = true;
            let (bytes, status) = message.matched_receive_vec::<u8>();
            let from = status.source_rank().cast_unsigned() as usize;
            // Where nobody listens any more, nothing is missed.
            let _ = match status.tag() {
                SHARED => shared.as_ref().map_or(Ok(()), |shared| shared.send(bytes)).map_err(drop),
                LAST => {
                    self.over[from] = true;
                    if from == 0 {
                        // Whoever waits for a value of process 0 waits in vain.
                        *shared = None;
                    }
                    let reason = "its program has ended".to_owned();
                    arrived.send(Arrival::Gone { process: from, reason }).map_err(drop)
                }
                _ => arrived.send(Arrival::Message { from, bytes }).map_err(drop),
            };
        }
        any
    }

    /// Begins to send a message.
    fn send(&mut self, to: usize, tag: Tag, bytes: Arc<[u8]>) {
        let Ok(rank) = i32::try_from(to) else { return };
        let bytes = ManuallyDrop::new(bytes);
        #[allow(
            unsafe_code,
            reason = "the memory is there until the request is done, and nobody writes to what is shared"
        )]
        let memory: &'static [u8] = unsafe { &*Arc::as_ptr(&bytes) };
        let request = self.world.process_at_rank(rank).immediate_send_with_tag(StaticScope, memory, tag);
        self.sending.push(Sending { request, bytes });
    }

    /// Takes back the memory of messages that are sent.
    fn forget_sent(&mut self) {
        for Sending { request, bytes } in std::mem::take(&mut self.sending) {
            match request.test() {
                Ok(_) => drop(ManuallyDrop::into_inner(bytes)),
                Err(request) => self.sending.push(Sending { request, bytes }),
            }
        }
    }
}
