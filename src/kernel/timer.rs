//! The monotonic clock, and one alarm on it. A wake-up by a poll's timeout comes a millisecond late, which decides
//! elections among masters of hundredths of a second.

use crate::effect::time::{Instant, TimeOfDay};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

const NANOS: u64 = 1_000_000_000;

pub fn now() -> Instant {
    let clock = nix::time::ClockId::CLOCK_MONOTONIC;
    let time = clock.now().expect("every kernel has a monotonic clock");
    let seconds = u64::try_from(time.tv_sec()).unwrap_or_default();
    let nanos = u64::try_from(time.tv_nsec()).unwrap_or_default();
    Instant::from_nanos(seconds.saturating_mul(NANOS).saturating_add(nanos))
}

/// When it was this time of day, if nobody has set the clock since.
pub fn moment(time_of_day: Duration) -> Instant {
    let (now, today) = (now(), nix::time::ClockId::CLOCK_REALTIME.now().map(Duration::from).unwrap_or_default());
    let ago = u64::try_from(today.saturating_sub(time_of_day).as_nanos()).unwrap_or(u64::MAX);
    Instant::from_nanos(now.as_nanos().saturating_sub(ago))
}

/// What somebody has set the clock to.
pub fn time_of_day() -> TimeOfDay {
    let time = nix::time::ClockId::CLOCK_REALTIME.now().map(Duration::from).unwrap_or_default();
    TimeOfDay::read(now(), time)
}

/// Readable from its moment on until it is set anew.
#[derive(Debug)]
pub struct Timer {
    fd: TimerFd,
    set: Option<Instant>,
}

impl Timer {
    pub fn new() -> io::Result<Self> {
        let fd = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC)?;
        Ok(Self { fd, set: None })
    }

    /// A moment that has passed is one that is now. Without one it stays silent.
    pub fn set(&mut self, at: Option<Instant>) -> io::Result<()> {
        if self.set == at {
            return Ok(());
        }
        match at {
            // Zero would mean never.
            Some(at) => {
                let nanos = at.as_nanos().max(1);
                let time = TimeSpec::new(whole(nanos / NANOS), whole(nanos % NANOS));
                self.fd.set(Expiration::OneShot(time), TimerSetTimeFlags::TFD_TIMER_ABSTIME)?;
            }
            None => self.fd.unset()?,
        }
        self.set = at;
        Ok(())
    }

    /// Takes note that it has gone off. Without this the descriptor stays readable.
    pub fn clear(&mut self) -> io::Result<()> {
        self.set = None;
        Ok(self.fd.unset()?)
    }
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_fd().as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::time::Duration;

    fn rings(timer: &Timer, wait: PollTimeout) -> bool {
        poll(&mut [PollFd::new(timer.as_fd(), PollFlags::POLLIN)], wait).expect("it can be waited for") == 1
    }

    #[test]
    fn it_goes_off_not_before_its_moment_and_no_more_once_cleared() {
        let mut timer = Timer::new().expect("there are timers");
        let at = now() + Duration::from_millis(20);
        timer.set(Some(at)).expect("it can be set");
        assert!(rings(&timer, PollTimeout::NONE));
        assert!(now() >= at);
        timer.clear().expect("it can be cleared");
        assert!(!rings(&timer, PollTimeout::ZERO));
    }

    #[test]
    fn a_moment_that_has_passed_is_now() {
        let mut timer = Timer::new().expect("there are timers");
        timer.set(Some(Instant::default())).expect("it can be set");
        assert!(rings(&timer, PollTimeout::NONE));
        timer.set(Some(Instant::from_nanos(u64::MAX))).expect("the end of the clock can be waited for");
        assert!(!rings(&timer, PollTimeout::ZERO));
        timer.set(None).expect("it can be unset");
        assert!(!rings(&timer, PollTimeout::ZERO));
    }
}
