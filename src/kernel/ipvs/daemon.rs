//! The kernel's daemons that tell another director of connections, and take in what it tells. There is at most one of each
//! kind in a network namespace.

use super::client::Client;
use super::message::Command;
use super::problem::{Problem, What};
use nix::errno::Errno;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It tells.
    Master,
    /// It takes in.
    Backup,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Master => "master",
            Self::Backup => "backup",
        })
    }
}

/// What is absent is the kernel's choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daemon {
    pub state: State,
    pub interface: Box<str>,
    pub id: u8,
    pub max_len: Option<u16>,
    pub port: Option<u16>,
    pub ttl: Option<u8>,
    pub group: Option<IpAddr>,
}

/// The daemons that we run.
#[derive(Debug)]
pub struct Daemons {
    client: Client,
    held: Vec<Daemon>,
}

impl Daemons {
    /// Of this network namespace, or of the thread's.
    pub fn open(namespace: Option<BorrowedFd<'_>>) -> io::Result<Self> {
        Ok(Self { client: Client::open(namespace)?, held: Vec::new() })
    }

    /// These run from here on and no others of ours. One that a predecessor left running is started anew, since the kernel
    /// edits none.
    pub fn hold(&mut self, wanted: &[Daemon]) -> Vec<Problem> {
        let mut problems = Vec::new();
        for daemon in self.held.extract_if(.., |held| !wanted.contains(held)) {
            problems.extend(stop(&mut self.client, daemon.state).err());
        }
        for daemon in wanted {
            if self.held.contains(daemon) {
                continue;
            }
            let mut started = start(&mut self.client, daemon);
            if started.as_ref().is_err_and(|error| error.raw_os_error() == Some(Errno::EEXIST as i32)) {
                problems.extend(stop(&mut self.client, daemon.state).err());
                started = start(&mut self.client, daemon);
            }
            match started {
                Ok(()) => self.held.push(daemon.clone()),
                Err(error) => problems.push(Problem::io(What::Start(daemon.state, daemon.interface.clone()), &error)),
            }
        }
        problems
    }

    pub fn release(&mut self) -> Vec<Problem> {
        self.hold(&[])
    }
}

fn start(client: &mut Client, daemon: &Daemon) -> io::Result<()> {
    client.carry_out(Command::start(daemon)?)
}

/// One that does not run has been stopped.
fn stop(client: &mut Client, state: State) -> Result<(), Problem> {
    match Command::stop(state).and_then(|command| client.carry_out(command)) {
        Err(error) if error.raw_os_error() != Some(Errno::ESRCH as i32) => Err(Problem::io(What::Stop(state), &error)),
        _ => Ok(()),
    }
}
