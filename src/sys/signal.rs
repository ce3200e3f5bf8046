//! Signals by number, the real-time ones too, which nix's closed list of names leaves out.

#![expect(unsafe_code, reason = "signal sets and signalfd take raw numbers and structures")]

use nix::libc;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

/// Takes part of the signals out of their usual way, so that they wait to be read.
#[derive(Debug)]
pub struct Queue {
    descriptor: OwnedFd,
}

fn set_of(numbers: &[i32]) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset makes the whole set, and sigaddset changes a set that has been made; a number that is no signal is
    // refused without a change.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for &number in numbers {
            libc::sigaddset(set.as_mut_ptr(), number);
        }
        set.assume_init()
    }
}

fn mask(how: i32, numbers: &[i32]) -> io::Result<()> {
    let set = set_of(numbers);
    // SAFETY: the set lives through the call, and the old one is not asked for.
    match unsafe { libc::pthread_sigmask(how, &raw const set, std::ptr::null_mut()) } {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

/// From here on these signals wait, in this thread and in what it starts.
pub fn block(numbers: &[i32]) -> io::Result<()> {
    mask(libc::SIG_BLOCK, numbers)
}

/// From here on these signals are delivered, those too that waited.
pub fn unblock(numbers: &[i32]) -> io::Result<()> {
    mask(libc::SIG_UNBLOCK, numbers)
}

/// That children have ended is not told to this thread from here on. The kernel tells one thread that does not refuse, any of
/// them where the first one has not taken in the last news yet; and what another one is woken for, the first one does.
pub fn leave_children() {
    // A signal that exists is not refused.
    let _ = block(&[libc::SIGCHLD]);
}

/// From here on this signal is dropped.
pub fn ignore(number: i32) -> io::Result<()> {
    dispose(number, libc::SIG_IGN)
}

/// From here on this signal does what it does by nature.
pub fn restore(number: i32) -> io::Result<()> {
    dispose(number, libc::SIG_DFL)
}

fn dispose(number: i32, how: libc::sighandler_t) -> io::Result<()> {
    // SAFETY: neither of the two dispositions runs code of this program.
    if unsafe { libc::signal(number, how) } == libc::SIG_ERR { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sends a signal to one process.
pub fn send(process: i32, number: i32) -> io::Result<()> {
    // SAFETY: takes two numbers and no memory.
    if unsafe { libc::kill(process, number) } == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

impl Queue {
    /// Blocks the signals and reads them from here on.
    pub fn new(numbers: &[i32]) -> io::Result<Self> {
        block(numbers)?;
        let set = set_of(numbers);
        // SAFETY: the set lives through the call; -1 asks for a new descriptor.
        let descriptor = unsafe { libc::signalfd(-1, &raw const set, libc::SFD_NONBLOCK | libc::SFD_CLOEXEC) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just made it, and nothing else knows its number.
        Ok(Self { descriptor: unsafe { OwnedFd::from_raw_fd(descriptor) } })
    }

    /// The number of the next signal, if one waits.
    pub fn take(&mut self) -> io::Result<Option<i32>> {
        let mut info = MaybeUninit::<libc::signalfd_siginfo>::zeroed();
        let size = size_of::<libc::signalfd_siginfo>();
        loop {
            // SAFETY: the buffer is as large as is said.
            let read = unsafe { libc::read(self.descriptor.as_raw_fd(), info.as_mut_ptr().cast(), size) };
            if usize::try_from(read) == Ok(size) {
                // SAFETY: it was zeroed, which is a value of it, and the kernel has filled it.
                let number = unsafe { info.assume_init_ref() }.ssi_signo;
                return Ok(i32::try_from(number).ok());
            }
            let error = io::Error::last_os_error();
            match error.kind() {
                io::ErrorKind::Interrupted => {}
                io::ErrorKind::WouldBlock => return Ok(None),
                _ => return Err(error),
            }
        }
    }
}

impl AsFd for Queue {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl AsRawFd for Queue {
    fn as_raw_fd(&self) -> RawFd {
        self.descriptor.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocked_signal_waits_to_be_read() {
        let number = libc::SIGRTMIN() + 9;
        let mut queue = Queue::new(&[number]).expect("a queue");
        assert_eq!(queue.take().expect("read"), None);
        // To this thread alone: others of the test do not block it.
        // SAFETY: takes two numbers and no memory.
        assert_eq!(unsafe { libc::raise(number) }, 0);
        assert_eq!(queue.take().expect("read"), Some(number));
        assert_eq!(queue.take().expect("read"), None);
    }

    #[test]
    fn a_number_that_is_no_signal_is_refused() {
        assert!(ignore(0).is_err() && send(i32::MAX, 0).is_err());
    }
}
