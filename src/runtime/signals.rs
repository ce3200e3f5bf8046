//! The signals that the daemon's processes are told by. They are blocked and read one by one, so that none interrupts
//! anything, kills by accident, or is lost while a process is getting ready.

use crate::sys::signal::{self, Queue};
use nix::libc;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// TERM
    Stop,
    /// INT
    Interrupt,
    Reload,
    Data,
    Stats,
    StatsClear,
    Json,
    /// A child has changed its state.
    Child,
}

impl Signal {
    const ALL: [Self; 8] = [Self::Stop, Self::Interrupt, Self::Reload, Self::Data, Self::Stats, Self::StatsClear, Self::Json, Self::Child];

    /// Other C libraries begin their real-time signals elsewhere, but exporters send these very numbers.
    pub fn number(self) -> i32 {
        match self {
            Self::Stop => libc::SIGTERM,
            Self::Interrupt => libc::SIGINT,
            Self::Reload => libc::SIGHUP,
            Self::Data => libc::SIGUSR1,
            Self::Stats => libc::SIGUSR2,
            Self::StatsClear => libc::SIGRTMAX() - 1,
            Self::Json => 36,
            Self::Child => libc::SIGCHLD,
        }
    }
}

/// Waiting signals. Becomes readable when there is one.
#[derive(Debug)]
pub struct Signals {
    queue: Queue,
}

impl Signals {
    /// All of them, or all but [`Signal::Child`], which then does what it did.
    pub fn new(children: bool) -> io::Result<Self> {
        let numbers: Vec<i32> = Signal::ALL.into_iter().filter(|&signal| children || signal != Signal::Child).map(Signal::number).collect();
        // Somebody who reads no longer is an error of the write.
        signal::ignore(libc::SIGPIPE)?;
        Ok(Self { queue: Queue::new(&numbers)? })
    }
}

/// Those that wait. After the last of them there may be another, later.
impl Iterator for Signals {
    type Item = Signal;

    fn next(&mut self) -> Option<Signal> {
        let number = self.queue.take().ok().flatten()?;
        Signal::ALL.into_iter().find(|signal| signal.number() == number)
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.queue.as_fd()
    }
}

impl AsRawFd for Signals {
    fn as_raw_fd(&self) -> RawFd {
        self.queue.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_signals_share_a_number() {
        for (n, one) in Signal::ALL.into_iter().enumerate() {
            assert!(Signal::ALL[..n].iter().all(|other| other.number() != one.number()), "{one:?}");
        }
    }
}
