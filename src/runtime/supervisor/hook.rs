//! The scripts that are run once: before the daemon begins its work, and after it has ended it. They are waited for without
//! waiting: signals have their turn meanwhile.

use super::child::End;
use crate::model::global::scripts::Scripts;
use crate::model::script::Script;
use crate::runtime::log;
use crate::runtime::notify::spawn::start_alone;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::time::{Duration, Instant};

/// Between the request to end and the end.
const GRACE: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    Startup,
    Shutdown,
}

impl Moment {
    const fn name(self) -> &'static str {
        match self {
            Self::Startup => "Startup",
            Self::Shutdown => "Shutdown",
        }
    }

    fn script(self, scripts: &Scripts) -> Option<(&Script, Duration)> {
        let (script, timeout) = match self {
            Self::Startup => (&scripts.startup, scripts.startup_timeout),
            Self::Shutdown => (&scripts.shutdown, scripts.shutdown_timeout),
        };
        script.as_ref().map(|script| (script, timeout))
    }
}

#[derive(Debug)]
pub(super) struct Hook {
    moment: Moment,
    pid: Pid,
    until: Instant,
    asked: bool,
}

impl Hook {
    /// Nothing, if there is no such script, or if it cannot be started: the daemon goes on without it.
    pub(super) fn start(moment: Moment, scripts: &Scripts) -> Option<Self> {
        let (script, timeout) = moment.script(scripts)?;
        let name = moment.name();
        log::info(&format!("Running {} script {}", name.to_lowercase(), script.argv.join(" ")));
        match start_alone(script) {
            Ok(pid) => Some(Self { moment, pid, until: Instant::now() + timeout, asked: false }),
            Err(error) => {
                log::error(&format!("{name} script cannot be run: {error}"));
                None
            }
        }
    }

    pub(super) fn is(&self, pid: Pid) -> bool {
        self.pid == pid
    }

    pub(super) fn due(&self) -> Instant {
        self.until
    }

    /// Its time is up: it is asked to end, and then made to.
    pub(super) fn act(&mut self, now: Instant) {
        if self.until > now {
            return;
        }
        let signal = if self.asked { Signal::SIGKILL } else { Signal::SIGTERM };
        if !self.asked {
            log::warning(&format!("{} script timed out", self.moment.name()));
        }
        self.signal(signal);
        (self.asked, self.until) = (true, now + GRACE);
    }

    /// The daemon is to end: what prepares its work is of no use.
    pub(super) fn end(&mut self, now: Instant) {
        if self.moment == Moment::Startup && !self.asked {
            self.signal(Signal::SIGTERM);
            (self.asked, self.until) = (true, now + GRACE);
        }
    }

    fn signal(&self, signal: Signal) {
        // It may have ended, and is reaped then.
        let _ = killpg(self.pid, signal);
    }

    pub(super) fn ended(self, end: End) -> Moment {
        let name = self.moment.name();
        match end {
            End::Exited(0) => {}
            End::Exited(status) => log::warning(&format!("{name} script failed, status {status}")),
            End::Killed(signal) => log::warning(&format!("{name} script was ended by {signal}")),
        }
        self.moment
    }
}
