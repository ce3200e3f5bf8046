//! The schedule of one checker: when its next attempt is due, and when a result counts. It knows no protocol.

use crate::effect::probe::RunId;
use crate::effect::time::Instant;
use crate::model::checker::{Checker as Configured, Probe, Schedule};
use std::time::Duration;

/// The first attempt is due this long after the start, and the warmup's part by chance.
pub(super) const FIRST: Duration = Duration::from_secs(1);
/// What an attempt may take beyond its own limits before it is taken for lost.
const SLACK: Duration = Duration::from_secs(5);
/// A script that does not end gets SIGTERM, 2 s later SIGKILL, and has 10 s to die.
const SCRIPT_SLACK: Duration = Duration::from_secs(12);
/// Time limits that one attempt over a stream may run into one after the other. A target may send its page piece by piece,
/// each of them in time.
const PIECES: u32 = 16;

/// How checkers of a kind go about failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Failing, it is tried again so many times; failed, only once in each round.
    Usual,
    /// In each round it is tried again, failed or not, from the very first one on.
    Burst,
    /// One page a round. Failed, the page that failed is asked for until it is there, and then all of them in turn.
    Pages { count: u16, hurry: bool },
    /// As usual, but rounds are counted from the start of an attempt.
    Script,
}

impl Manner {
    pub(super) fn of(probe: &Probe) -> Self {
        match probe {
            Probe::Tcp(_) | Probe::Ping(_) | Probe::Dns(_) | Probe::Udp(_) => Self::Usual,
            Probe::Smtp(_) => Self::Burst,
            Probe::Http(http) => Self::Pages { count: u16::try_from(http.urls.len()).unwrap_or(u16::MAX), hurry: http.fast_recovery },
            Probe::Misc(_) => Self::Script,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Good,
    Bad,
    /// It says nothing of the target.
    Untried,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Up,
    Down,
    /// Down, and page after page is found to be there again.
    Recovering,
}

/// When the next attempt is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    Loop,
    Retry,
    /// The longer of the two.
    Slower,
    Now,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Others tell what becomes of it.
    Idle,
    Waiting {
        at: Instant,
    },
    Running {
        run: RunId,
        began: Instant,
        /// When it is taken for lost.
        lost: Instant,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Checker {
    pub(super) phase: Phase,
    /// What it adds to the weight of its real server.
    pub(super) added: i64,
    /// The real server, by its position among all.
    pub(super) real: u32,
    /// Failures in this round.
    pub(super) failures: u32,
    /// The last exit status of a script.
    pub(super) status: i32,
    pub(super) page: u16,
    pub(super) standing: Standing,
    /// It has come to a result.
    pub(super) has_run: bool,
}

const _: () = assert!(size_of::<Checker>() <= 64);

impl Checker {
    /// As at a fresh start. A checker that counts as up without having been asked is not believed for long: its first failure
    /// is final.
    pub(super) fn fresh(configured: &Configured, real: u32) -> Self {
        let alpha = alpha(configured);
        let (standing, failures) = match configured {
            Configured::Probe { schedule, probe } => match Manner::of(probe) {
                Manner::Pages { .. } if alpha => (Standing::Recovering, 0),
                Manner::Burst => (if alpha { Standing::Down } else { Standing::Up }, 0),
                Manner::Usual | Manner::Script | Manner::Pages { .. } => {
                    (if alpha { Standing::Down } else { Standing::Up }, schedule.retry)
                }
            },
            Configured::File(_) | Configured::Bfd(_) => (if alpha { Standing::Down } else { Standing::Up }, 0),
        };
        Self { phase: Phase::Idle, added: 0, real, failures, status: 0, page: 0, standing, has_run: false }
    }

    pub(super) const fn up(&self) -> bool {
        matches!(self.standing, Standing::Up)
    }

    /// Takes in how an attempt ended, and tells when the next one is due.
    pub(super) fn judge(&mut self, manner: Manner, retry: u32, verdict: Verdict) -> After {
        match verdict {
            Verdict::Good => {
                self.has_run = true;
                self.good(manner)
            }
            Verdict::Bad => {
                self.has_run = true;
                self.bad(manner, retry)
            }
            Verdict::Untried => After::Loop,
        }
    }

    fn good(&mut self, manner: Manner) -> After {
        self.failures = 0;
        match (manner, self.standing) {
            (Manner::Usual | Manner::Burst | Manner::Script, Standing::Up | Standing::Down | Standing::Recovering) => {
                self.standing = Standing::Up;
                After::Loop
            }
            (Manner::Pages { count, .. }, Standing::Up) => {
                self.page = if self.page + 1 < count { self.page + 1 } else { 0 };
                After::Loop
            }
            (Manner::Pages { hurry, .. }, Standing::Down) => {
                self.standing = Standing::Recovering;
                self.page = 0;
                soon(hurry)
            }
            (Manner::Pages { count, hurry }, Standing::Recovering) => {
                if self.page + 1 < count {
                    self.page += 1;
                    soon(hurry)
                } else {
                    self.standing = Standing::Up;
                    self.page = 0;
                    After::Loop
                }
            }
        }
    }

    fn bad(&mut self, manner: Manner, retry: u32) -> After {
        let again = match (manner, self.standing) {
            (Manner::Burst, Standing::Up | Standing::Down | Standing::Recovering)
            | (Manner::Usual | Manner::Script | Manner::Pages { .. }, Standing::Up) => self.failures < retry,
            (Manner::Usual | Manner::Script | Manner::Pages { .. }, Standing::Down | Standing::Recovering) => false,
        };
        if again {
            self.failures += 1;
            return After::Retry;
        }
        self.failures = 0;
        self.standing = Standing::Down;
        match manner {
            Manner::Usual | Manner::Burst | Manner::Script => After::Loop,
            Manner::Pages { .. } => After::Slower,
        }
    }
}

const fn soon(hurry: bool) -> After {
    if hurry { After::Now } else { After::Loop }
}

/// It counts as down until it is known to be up. Files are known from the start.
pub(super) fn alpha(configured: &Configured) -> bool {
    match configured {
        Configured::Probe { schedule, .. } => schedule.alpha,
        Configured::File(_) => false,
        Configured::Bfd(bfd) => bfd.alpha,
    }
}

/// When the next attempt is due. A script's time is counted from when it began, but it never begins before it has ended.
pub(super) fn due(manner: Manner, schedule: &Schedule, after: After, began: Instant, now: Instant) -> Instant {
    let wait = match after {
        After::Loop => schedule.delay_loop.duration(),
        After::Retry => schedule.delay_before_retry.duration(),
        After::Slower => schedule.delay_loop.duration().max(schedule.delay_before_retry.duration()),
        After::Now => Duration::ZERO,
    };
    match manner {
        Manner::Usual | Manner::Burst | Manner::Pages { .. } => now + wait,
        Manner::Script => (began + wait).max(now),
    }
}

/// How long an attempt may stay silent before nobody believes that it will end.
pub(super) fn patience(probe: &Probe) -> Duration {
    let pieces = |timeout: Duration, count: u32| timeout.saturating_mul(count) + SLACK;
    match probe {
        Probe::Tcp(connection) | Probe::Ping(connection) => pieces(connection.timeout.duration(), 2),
        Probe::Dns(dns) => pieces(dns.connection.timeout.duration(), 2),
        Probe::Udp(udp) => pieces(udp.connection.timeout.duration(), 2),
        Probe::Smtp(smtp) => pieces(smtp.connection.timeout.duration(), PIECES),
        Probe::Http(http) => pieces(http.connection.timeout.duration(), PIECES),
        Probe::Misc(misc) => misc.timeout.duration().saturating_add(SCRIPT_SLACK),
    }
}
