//! What the calling thread may take of the processor, and whether the memory of the process may be swapped out.

#![expect(unsafe_code, reason = "the scheduler is asked by system calls that no crate of ours offers")]

use nix::libc;
use nix::sys::mman::{MlockAllFlags, mlockall, munlockall};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn done(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

pub fn set_nice(nice: i8) -> io::Result<()> {
    // SAFETY: takes numbers only.
    done(unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice.into()) })
}

/// In real time with this priority, or like everybody else. Threads and processes that are started from here are like everybody
/// else: what reads a configuration, or a script, is in no hurry.
pub fn set_realtime(priority: Option<u8>) -> io::Result<()> {
    let policy = if priority.is_some() { libc::SCHED_RR | libc::SCHED_RESET_ON_FORK } else { libc::SCHED_OTHER };
    // SAFETY: a zeroed sched_param is a value, and it lives through the call.
    unsafe {
        let mut parameters: libc::sched_param = std::mem::zeroed();
        parameters.sched_priority = priority.unwrap_or_default().into();
        done(libc::sched_setscheduler(0, policy, &raw const parameters))
    }
}

static EXHAUSTED: AtomicBool = AtomicBool::new(false);

/// A thread that has been running in real time for so long without a pause goes on like everybody else, and
/// [`was_exhausted`] tells of it.
pub fn limit_realtime(limit: Duration) -> io::Result<()> {
    extern "C" fn step_back(_: libc::c_int) {
        EXHAUSTED.store(true, Ordering::Relaxed);
        // SAFETY: a zeroed sched_param is a value, and the call is one system call that touches nothing of ours.
        unsafe {
            let parameters: libc::sched_param = std::mem::zeroed();
            libc::sched_setscheduler(0, libc::SCHED_OTHER, &raw const parameters);
        }
    }
    let handler: extern "C" fn(libc::c_int) = step_back;
    // SAFETY: the handler stores to an atomic and makes a system call, which a handler may; what it changes of errno does not
    // matter to a thread that the kernel interrupted in its own code, and std's calls that are interrupted begin again. A zeroed
    // sigaction is a value.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as libc::sighandler_t;
        action.sa_flags = libc::SA_RESTART;
        libc::sigemptyset(&raw mut action.sa_mask);
        done(libc::sigaction(libc::SIGXCPU, &raw const action, std::ptr::null_mut()))?;
    }
    let (_, hard) = getrlimit(Resource::RLIMIT_RTTIME)?;
    let soft = u64::try_from(limit.as_micros()).unwrap_or(RLIM_INFINITY);
    Ok(setrlimit(Resource::RLIMIT_RTTIME, soft.min(hard), hard)?)
}

/// Whether the limit has been reached since this was asked last.
pub fn was_exhausted() -> bool {
    EXHAUSTED.swap(false, Ordering::Relaxed)
}

/// The processors that the thread may use; none listed means all that there are.
pub fn set_processors(processors: &[u16]) -> io::Result<()> {
    // SAFETY: a zeroed set is the empty one, and the numbers are within it.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        let most = size_of::<libc::cpu_set_t>() * 8;
        let all = (0..most).filter(|_| processors.is_empty());
        for processor in processors.iter().map(|&processor| processor.into()).chain(all).filter(|&processor| processor < most) {
            libc::CPU_SET(processor, &mut set);
        }
        done(libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set))
    }
}

/// Whether the memory of this process stays where it is, what it will have as well.
pub fn lock_memory(lock: bool) -> io::Result<()> {
    Ok(if lock { mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE) } else { munlockall() }?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_takes_too_much_of_real_time_goes_on_without_it() {
        std::thread::spawn(|| {
            limit_realtime(Duration::from_millis(20)).expect("a limit");
            set_realtime(Some(1)).expect("this test needs the superuser's rights");
            let mut spins = 0_u64;
            while !was_exhausted() {
                spins = std::hint::black_box(spins + 1);
            }
            // SAFETY: takes a number only.
            assert_eq!(unsafe { libc::sched_getscheduler(0) }, libc::SCHED_OTHER);
        })
        .join()
        .expect("no surprise");
    }

    #[test]
    fn all_processors_can_be_had_again() {
        std::thread::spawn(|| {
            set_processors(&[0]).expect("there is one");
            assert_eq!(std::thread::available_parallelism().map(usize::from).ok(), Some(1));
            set_processors(&[]).expect("whatever there are");
            assert!(set_processors(&[u16::MAX]).is_err(), "there is none of this number");
        })
        .join()
        .expect("no surprise");
    }
}
