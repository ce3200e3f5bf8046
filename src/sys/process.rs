//! Processes.

#![expect(unsafe_code, reason = "fork is sound only while nothing else runs, which the kernel does not know")]

use nix::libc;
use nix::unistd::{ForkResult, Pid};
use std::ffi::{CString, OsString};
use std::io;

/// Which of the two processes this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fork {
    Parent { child: Pid },
    Child,
}

/// Without /proc nobody can tell, and whoever calls what depends on this has started no threads.
#[expect(clippy::disallowed_methods, reason = "the kernel tells the number of threads in a folder")]
fn has_other_threads() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() > 1)
}

/// Takes a variable out of the environment; a process with several threads only reads it.
#[expect(clippy::disallowed_methods, reason = "the environment of this process is what is changed")]
pub fn take_variable(name: &str) -> Option<OsString> {
    let value = std::env::var_os(name)?;
    if !has_other_threads() {
        // SAFETY: there is one thread only, so that nobody reads the environment meanwhile.
        unsafe { std::env::remove_var(name) };
    }
    Some(value)
}

/// Makes a second process that goes on from here. A process with more threads than this one is refused: what they were in the
/// middle of would stay half done in the child for ever.
pub fn fork() -> io::Result<Fork> {
    if has_other_threads() {
        return Err(io::Error::other("a process with several threads must not be forked"));
    }
    // SAFETY: there is one thread only, so that no lock is held and no invariant broken by anybody who is not copied.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(Fork::Parent { child }),
        ForkResult::Child => Ok(Fork::Child),
    }
}

/// Ends this process without running what was left for the end: a forked child must not do the parent's.
pub fn exit_now(status: u8) -> ! {
    // SAFETY: takes a number, and does not return.
    unsafe { libc::_exit(status.into()) }
}

/// Gives this thread a name, as `ps` shows it.
pub fn set_name(name: &str) -> io::Result<()> {
    let name = CString::new(name)?;
    Ok(nix::sys::prctl::set_name(&name)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_threads_are_refused() {
        let (send, wait) = std::sync::mpsc::channel::<()>();
        let other = std::thread::spawn(move || wait.recv());
        assert!(fork().is_err());
        drop(send);
        assert!(other.join().expect("it ended").is_err());
    }
}
