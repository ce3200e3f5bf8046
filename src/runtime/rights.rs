//! What a process takes of the machine for itself: its place among others at the processor, its memory, and which of the
//! superuser's rights it keeps. What it starts has what anybody has ([`crate::sys::spawn::remember_ordinary`]).

use super::log;
use crate::model::global::process::{AutoPriority, Child, Process};
use crate::sys::capability::{self, keep};
use crate::sys::schedule;
use crate::sys::spawn::remember_ordinary;
use std::convert::Infallible;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// After a turn that took too long, real time is given up for as long as this.
const RECOVERY: Duration = Duration::from_secs(1);
/// Where there is nothing to look after.
const IDLE: Duration = Duration::from_secs(30);

#[derive(Debug, Default)]
struct State {
    taken: Child,
    ceiling: u8,
    delay: Duration,
    /// Taken beyond what is configured, because of lateness.
    raised: Option<u8>,
    /// When it may run in real time again.
    again: Option<Instant>,
}

impl State {
    fn realtime(&self) -> Option<u8> {
        self.taken.realtime.max(self.raised)
    }
}

static STATE: Mutex<Option<State>> = Mutex::new(None);

fn state() -> MutexGuard<'static, Option<State>> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn told(what: &str, result: io::Result<()>) {
    if let Err(error) = result {
        log::warning(&format!("{what} cannot be had: {error}"));
    }
}

/// Takes what the configuration gives this process; to be called in the thread that serves. What is as it was is not touched.
pub(super) fn take(settings: &Child, process: &Process) {
    remember_ordinary();
    let mut guard = state();
    let state = guard.get_or_insert_default();
    let before = std::mem::replace(&mut state.taken, settings.clone());
    (state.ceiling, state.delay) = (ceiling(process.auto_priority), process.auto_priority_delay);
    if state.ceiling == 0 {
        state.raised = None;
    }
    if before.nice != settings.nice {
        told(&format!("The nice value {}", settings.nice), schedule::set_nice(settings.nice));
    }
    if before.cpus != settings.cpus {
        told("The processors of the configuration", schedule::set_processors(&settings.cpus));
    }
    if before.no_swap != settings.no_swap {
        told("Memory that is not swapped out", schedule::lock_memory(settings.no_swap));
    }
    if state.realtime().is_some() {
        told("A limit to real time", schedule::limit_realtime(settings.realtime_limit));
    }
    if before.realtime != settings.realtime {
        state.again = None;
        told("The real-time priority", schedule::set_realtime(state.realtime()));
    }
}

const fn ceiling(auto: AutoPriority) -> u8 {
    match auto {
        AutoPriority::Off | AutoPriority::Never => 0,
        AutoPriority::UpTo(ceiling) => ceiling,
    }
}

/// The process woke up so much later than it asked for.
pub(super) fn late(by: Duration) {
    let mut guard = state();
    let Some(state) = guard.as_mut().filter(|state| state.ceiling > 0 && by >= state.delay) else { return };
    log::info(&format!("A thread timer expired {}.{:06} seconds ago", by.as_secs(), by.subsec_micros()));
    let Some(priority) = next(state.realtime(), state.ceiling) else { return };
    state.raised = Some(priority);
    told("A limit to real time", schedule::limit_realtime(state.taken.realtime_limit));
    match schedule::set_realtime(Some(priority)) {
        Ok(()) => log::info(&format!("Set realtime priority {priority}")),
        Err(error) => {
            log::warning(&format!("Real-time priority {priority} cannot be had: {error}"));
            // It will not be another time either.
            (state.ceiling, state.raised) = (0, None);
        }
    }
}

/// Half way up to the ceiling, each time.
fn next(now: Option<u8>, ceiling: u8) -> Option<u8> {
    let now = now.unwrap_or_default();
    (now < ceiling).then(|| now + (ceiling - now).div_ceil(2))
}

/// Looks after what this process has taken, for ever.
pub(super) async fn watch() -> Infallible {
    loop {
        let hurried = state().as_ref().is_some_and(|state| state.realtime().is_some());
        tokio::time::sleep(if hurried { RECOVERY } else { IDLE }).await;
        look_after();
    }
}

/// Whoever has lost real time by taking too much of it is told of, and gets it again.
fn look_after() {
    let mut guard = state();
    let Some(state) = guard.as_mut() else { return };
    let Some(priority) = state.realtime() else { return };
    if schedule::was_exhausted() {
        log::warning("CPU time limit of real time exceeded: going on without it for a second");
        state.again = Some(Instant::now() + RECOVERY);
    }
    if state.again.is_some_and(|at| at <= Instant::now()) {
        state.again = None;
        // The kernel has moved the limit on.
        told("A limit to real time", schedule::limit_realtime(state.taken.realtime_limit));
        told("The real-time priority", schedule::set_realtime(Some(priority)));
    }
}

/// What the processes need that speak with the network: to manage it, to run scripts of any user and to end them, to read what
/// they track, to take their place at the processor.
const NEEDED: [u8; 15] = [
    capability::CHOWN,
    capability::DAC_OVERRIDE,
    capability::DAC_READ_SEARCH,
    capability::FOWNER,
    capability::KILL,
    capability::SETGID,
    capability::SETUID,
    capability::NET_BIND_SERVICE,
    capability::NET_ADMIN,
    capability::NET_RAW,
    capability::IPC_LOCK,
    // Programs of others are recognised by their paths (track_process).
    capability::SYS_PTRACE,
    // IPVS of another namespace.
    capability::SYS_ADMIN,
    capability::SYS_NICE,
    capability::SYS_RESOURCE,
];

/// Gives up what of the superuser's rights is not needed.
pub(super) fn renounce() {
    if let Err(error) = keep(&NEEDED) {
        log::warning(&format!("Rights that are not needed cannot be given up: {error}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_is_reached_and_never_passed() {
        let mut now = None;
        let mut seen = Vec::new();
        while let Some(priority) = next(now, 99) {
            seen.push(priority);
            now = Some(priority);
        }
        assert_eq!(seen, [50, 75, 87, 93, 96, 98, 99]);
        assert_eq!((next(None, 1), next(Some(1), 1), next(None, 0), next(Some(60), 50)), (Some(1), None, None, None));
    }
}
