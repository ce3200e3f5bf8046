//! The thread that is on the bus: a socket, and whoever tells it what to say.

use super::Line;
use crate::kernel::timer::now;
use crate::observe::dbus::{Ask, Output, Service, Session, Status};
use crate::runtime::log;
use crate::sys::signal::leave_children;
use crate::wire::dbus::{Address, addresses};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::EventFd;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use nix::unistd::geteuid;
use std::env;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError};
use std::time::{Duration, Instant};

const VARIABLE: &str = "DBUS_SYSTEM_BUS_ADDRESS";
const USUAL: &str = "unix:path=/run/dbus/system_bus_socket;unix:path=/var/run/dbus/system_bus_socket";
const MACHINE: [&str; 2] = ["/etc/machine-id", "/var/lib/dbus/machine-id"];
const PIECE: usize = 16 * 1024;
/// With so much unsaid, nothing more is listened to.
const ENOUGH: usize = 256 * 1024;
/// And a bus that lets so much gather is none.
const TOO_MUCH: usize = 4 << 20;
/// For what is to be said at the end.
const LAST_WORDS: Duration = Duration::from_millis(300);

#[derive(Debug)]
pub(super) enum News {
    /// The instance with this key is in this state.
    Turned(Box<str>, Status),
    Reconfigured(Service),
    /// What was asked for is done.
    Done(u64),
    Stop,
}

pub(super) struct Thread {
    session: Session,
    news: Receiver<News>,
    line: Line,
    tell: Sender<(u64, Ask, Line)>,
    ready: Arc<EventFd>,
    socket: Option<UnixStream>,
    unsent: Vec<u8>,
}

impl Thread {
    pub(super) fn new(service: Service, news: Receiver<News>, line: Line, tell: Sender<(u64, Ask, Line)>, ready: Arc<EventFd>) -> Self {
        let machine = MACHINE.iter().find_map(|path| fs::read_to_string(path).ok()).map(|text| text.trim().into());
        let session = Session::new(now(), service, geteuid().as_raw(), machine);
        Self { session, news, line, tell, ready, socket: None, unsent: Vec::new() }
    }

    pub(super) fn run(mut self) {
        leave_children();
        while self.turn() {
            self.wait();
        }
        self.session.stop();
        self.carry_out();
        let end = Instant::now() + LAST_WORDS;
        while let (Some(socket), false) = (&self.socket, self.unsent.is_empty()) {
            let rest = end.saturating_duration_since(Instant::now());
            let room = poll(&mut [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)], timeout(rest));
            if rest.is_zero() || room != Ok(1) {
                return;
            }
            self.write();
        }
    }

    /// Returns whether somebody wants it to go on.
    fn turn(&mut self) -> bool {
        // It may not have been written to.
        let _ = self.line.wake.read();
        loop {
            match self.news.try_recv() {
                Ok(News::Turned(key, status)) => self.session.turned(&key, status),
                Ok(News::Reconfigured(service)) => self.session.reconfigure(service),
                Ok(News::Done(number)) => self.session.done(number),
                Ok(News::Stop) | Err(TryRecvError::Disconnected) => return false,
                Err(TryRecvError::Empty) => break,
            }
        }
        self.read();
        self.session.tick(now());
        self.carry_out();
        true
    }

    /// Whatever comes of carrying out something is carried out as well.
    fn carry_out(&mut self) {
        loop {
            let outputs = self.session.outputs();
            if outputs.is_empty() {
                break;
            }
            for output in outputs {
                self.carry_out_one(output);
            }
        }
        self.write();
    }

    fn carry_out_one(&mut self, output: Output) {
        match output {
            Output::Connect => match find_bus() {
                Ok(socket) => {
                    self.socket = Some(socket);
                    self.session.connected(now());
                }
                Err(error) => self.session.lost(now(), &error.to_string()),
            },
            Output::Close => {
                self.socket = None;
                self.unsent = Vec::new();
            }
            Output::Write(bytes) if self.socket.is_some() => {
                self.unsent.extend_from_slice(&bytes);
                if self.unsent.len() > TOO_MUCH {
                    self.lost("it does not take what is said");
                }
            }
            Output::Write(_) => {}
            Output::Ask(number, ask) => {
                // The driver is there as long as the process is.
                let _ = self.tell.send((number, ask, self.line.clone()));
                let _ = self.ready.write(1);
            }
            Output::Say(line) => log::line(&line),
        }
    }

    /// Once only for one connection: the session may say much to one that is gone.
    fn lost(&mut self, why: &str) {
        if self.socket.take().is_some() {
            self.unsent = Vec::new();
            self.session.lost(now(), why);
        }
    }

    /// A piece of what there is, as long as it can be answered.
    fn read(&mut self) {
        let Some(socket) = self.socket.as_mut().filter(|_| self.unsent.len() < ENOUGH) else { return };
        let mut piece = [0; PIECE];
        match socket.read(&mut piece) {
            Ok(0) => self.lost("it has closed the connection"),
            Ok(length) => self.session.received(now(), piece.get(..length).unwrap_or_default()),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(error) => self.lost(&error.to_string()),
        }
    }

    fn write(&mut self) {
        let Some(socket) = self.socket.as_mut().filter(|_| !self.unsent.is_empty()) else { return };
        match socket.write(&self.unsent) {
            Ok(length) => drop(self.unsent.drain(..length)),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(error) => self.lost(&error.to_string()),
        }
        if self.unsent.is_empty() {
            self.unsent = Vec::new();
        }
    }

    fn wait(&self) {
        let rest = self.session.next_deadline().map(|at| at.since(now()));
        let mut wait = vec![PollFd::new(self.line.wake.as_fd(), PollFlags::POLLIN)];
        if let Some(socket) = &self.socket {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::POLLIN, self.unsent.len() < ENOUGH);
            flags.set(PollFlags::POLLOUT, !self.unsent.is_empty());
            wait.push(PollFd::new(socket.as_fd(), flags));
        }
        // Interrupted or not: what there is to do is looked for in any case.
        let _ = poll(&mut wait, rest.map_or(PollTimeout::NONE, timeout));
    }
}

/// Rounded up: to wake before the time would be to spin until it.
fn timeout(rest: Duration) -> PollTimeout {
    PollTimeout::try_from(rest + Duration::from_micros(999)).unwrap_or(PollTimeout::MAX)
}

fn find_bus() -> io::Result<UnixStream> {
    let given = env::var(VARIABLE).ok();
    let text = given.as_deref().filter(|text| !text.is_empty()).unwrap_or(USUAL);
    let mut failed = io::Error::new(io::ErrorKind::InvalidInput, format!("there is no address of a socket in {text:?}"));
    for address in addresses(text) {
        match open(&address) {
            Ok(socket) => return Ok(socket),
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// It does not wait: a bus that cannot take one more is none.
fn open(address: &Address) -> io::Result<UnixStream> {
    let address = match address {
        Address::Path(path) => UnixAddr::new(Path::new(std::ffi::OsStr::from_bytes(path)))?,
        Address::Abstract(name) => UnixAddr::new_abstract(name)?,
    };
    let socket = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC, None)?;
    connect(socket.as_raw_fd(), &address)?;
    Ok(UnixStream::from(socket))
}
