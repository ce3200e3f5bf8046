//! `reload_time_file`: a file that says when to reload, so that several routers do so at the same moment.

use crate::model::global::process::Reload;
use crate::runtime::log;
use crate::sys::clock;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A clock that is set is noticed within so long.
const LONGEST_NAP: Duration = Duration::from_secs(60);
const DAY: i64 = 86_400;

#[derive(Debug)]
pub(super) struct Timetable {
    path: PathBuf,
    repeat: bool,
    /// News of the folder: a file is often replaced, and not written to.
    news: Inotify,
    planned: Option<Planned>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Planned {
    /// In seconds since 1970.
    at: i64,
    daily: bool,
}

impl Timetable {
    /// Nothing, if the configuration names no file, or one whose folder cannot be watched.
    pub(super) fn new(reload: &Reload) -> Option<Self> {
        let path = reload.time_file.clone()?;
        let folder = path.parent().filter(|_| path.is_absolute());
        let watched = folder.ok_or(nix::errno::Errno::EINVAL).and_then(|folder| {
            let news = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
            let changes = AddWatchFlags::IN_CLOSE_WRITE | AddWatchFlags::IN_MOVE | AddWatchFlags::IN_DELETE;
            news.add_watch(folder, changes)?;
            Ok(news)
        });
        match watched {
            Ok(news) => {
                let mut table = Self { path, repeat: reload.repeat, news, planned: None };
                table.read(now());
                Some(table)
            }
            Err(error) => {
                log::error(&format!("reload_time_file {} cannot be watched: {error}", path.display()));
                None
            }
        }
    }

    /// Whether the configuration names another file.
    pub(super) fn is_of(&self, reload: &Reload) -> bool {
        reload.time_file.as_ref() == Some(&self.path) && reload.repeat == self.repeat
    }

    pub(super) fn watch(&self) -> BorrowedFd<'_> {
        self.news.as_fd()
    }

    /// How long nothing has to be done, at most.
    pub(super) fn rest(&self) -> Option<Duration> {
        let seconds = u64::try_from(self.planned?.at - now()).unwrap_or_default();
        Some(Duration::from_secs(seconds).min(LONGEST_NAP))
    }

    /// Whether it is time.
    pub(super) fn is_time(&mut self) -> bool {
        let mut changed = false;
        while let Ok(events) = self.news.read_events() {
            changed |= events.iter().any(|event| event.name.as_deref().is_none_or(|name| Some(name) == self.path.file_name()));
        }
        let now = now();
        if changed {
            self.read(now);
        }
        let Some(planned) = self.planned.filter(|planned| planned.at <= now) else { return false };
        if planned.daily && self.repeat {
            self.read(now);
        } else {
            self.planned = None;
            if let Err(error) = std::fs::remove_file(&self.path) {
                log::warning(&format!("{} cannot be removed: {error}", self.path.display()));
            }
        }
        true
    }

    fn read(&mut self, now: i64) {
        let Some(line) = first_line(&self.path) else {
            if self.planned.take().is_some() {
                log::info("Reload time cancelled");
            }
            return;
        };
        self.planned = planned(&line, now, clock::east);
        match self.planned {
            Some(planned) => {
                let clock::Local { year, month, day, hour, minute, second, .. } = clock::local(planned.at);
                log::info(&format!("Reload scheduled for {year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"));
            }
            None => log::warning(&format!("{}: '{line}' is no time to come", self.path.display())),
        }
    }
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or_default()
}

/// A small regular file's.
fn first_line(path: &Path) -> Option<String> {
    path.metadata().ok().filter(|found| found.is_file() && found.len() <= 4096)?;
    let text = std::fs::read(path).ok()?;
    Some(String::from_utf8_lossy(&text).lines().next().unwrap_or_default().trim().to_owned())
}

/// `HH:MM:SS`, which is today or tomorrow, or `[YY]YY-MM-DD HH:MM:SS`, with a `Z` for UTC. `east` tells how far east of
/// Greenwich the clocks are at a time.
fn planned(line: &str, now: i64, east: impl Fn(i64) -> i64) -> Option<Planned> {
    let (line, utc) = match line.strip_suffix(['Z', 'z']) {
        Some(line) => (line.trim_end(), true),
        None => (line, false),
    };
    let east = |at: i64| if utc { 0 } else { east(at) };
    let (date, time) = match line.split_once(' ') {
        Some((date, time)) => (Some(numbers(date, '-')?), time.trim_start()),
        None => (None, line),
    };
    let [hour, minute, second] = numbers(time, ':')?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = hour * 3600 + minute * 60 + second;
    // The clocks may have another distance from Greenwich then than they would have in Greenwich's own time.
    let at = |days: i64| {
        let there = days * DAY + seconds;
        let guess = there - east(there);
        there - east(guess)
    };
    match date {
        Some([year, month, day]) => {
            let year = if year < 100 { year + 2000 } else { year };
            let at = at(days(year, month, day)?);
            (at > now).then_some(Planned { at, daily: false })
        }
        None => {
            let today = (now + east(now)).div_euclid(DAY);
            let at = Some(at(today)).filter(|&at| at > now).unwrap_or_else(|| at(today + 1));
            Some(Planned { at, daily: true })
        }
    }
}

fn numbers(text: &str, between: char) -> Option<[i64; 3]> {
    let mut parts = text.split(between).map(|part| {
        let digits = !part.is_empty() && part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse().ok()).flatten()
    });
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

/// From 1970-01-01, in the calendar that everybody has.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let february = if leap { 29 } else { 28 };
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let index = usize::try_from(month - 1).ok()?;
    if year < 1970 || day < 1 || day > *lengths.get(index)? {
        return None;
    }
    let before = year - 1;
    let leaps = before / 4 - before / 100 + before / 400 - (1969 / 4 - 1969 / 100 + 1969 / 400);
    let months: i64 = lengths.iter().take(index).sum();
    Some((year - 1970) * 365 + leaps + months + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21 12:00:00 UTC
    const NOON: i64 = 1_795_262_400;

    #[test]
    fn a_time_is_today_or_tomorrow_and_a_date_is_to_come() {
        for (line, want) in [
            ("12:00:01", Some((1, true))),
            ("12:00:00", Some((DAY, true))),
            ("11:59:59", Some((DAY - 1, true))),
            ("23:59:59Z", Some((12 * 3600 - 1, true))),
            ("2026-11-21 12:00:05", Some((5, false))),
            ("26-11-22 12:00:00 Z", Some((DAY, false))),
            ("2028-02-29 12:00:00", Some((465 * DAY, false))),
            ("2026-11-21 12:00:00", None),
            ("2027-02-29 12:00:00", None),
            ("2026-13-01 12:00:00", None),
            ("24:00:00", None),
            ("12:60:00", None),
            ("12:00", None),
            ("12:00:00:00", None),
            ("+1:00:00", None),
            ("tomorrow", None),
            ("Z", None),
        ] {
            let found = planned(line, NOON, |_| 0).map(|planned| (planned.at - NOON, planned.daily));
            assert_eq!(found, want, "{line}");
        }
    }

    #[test]
    fn clocks_are_where_the_machine_is_unless_the_line_says_otherwise() {
        let east = |_: i64| 2 * 3600;
        let after = |line: &str| planned(line, NOON, east).map(|planned| planned.at - NOON);
        assert_eq!((after("14:00:01"), after("14:00:00"), after("14:00:00Z")), (Some(1), Some(DAY), Some(2 * 3600)));
        // The clocks go forward at two in the morning.
        let summer = |at: i64| if at >= NOON + 14 * 3600 { 3600 } else { 0 };
        assert_eq!(planned("26-11-22 05:00:00", NOON, summer).map(|planned| planned.at - NOON), Some(16 * 3600));
    }
}
