//! The calendar.

#![expect(unsafe_code, reason = "the C library knows the time zone")]

use nix::libc;
use std::mem::MaybeUninit;

/// A second of the calendar, where this machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Local {
    pub year: i32,
    /// From 1.
    pub month: i32,
    pub day: i32,
    pub hour: i32,
    pub minute: i32,
    pub second: i32,
    /// From 0, which is Sunday.
    pub weekday: i32,
}

/// `seconds` are counted from 1970.
pub fn local(seconds: i64) -> Local {
    let tm = broken_down(seconds);
    Local {
        year: tm.tm_year.saturating_add(1900),
        month: tm.tm_mon.saturating_add(1),
        day: tm.tm_mday,
        hour: tm.tm_hour,
        minute: tm.tm_min,
        second: tm.tm_sec,
        weekday: tm.tm_wday,
    }
}

/// How far east of Greenwich the clocks of this machine are, in seconds.
pub fn east(seconds: i64) -> i64 {
    broken_down(seconds).tm_gmtoff
}

fn broken_down(seconds: i64) -> libc::tm {
    let mut tm = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both live through the call. Where it fails, as it does beyond the end of the calendar, some of what was zeroed
    // stays, and any numbers, with no name of a time zone, are a value.
    unsafe {
        libc::localtime_r(&raw const seconds, tm.as_mut_ptr());
        tm.assume_init()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_place_is_farther_from_greenwich_than_the_date_line() {
        assert!((-12 * 3600..=14 * 3600).contains(&east(1_795_262_400)));
    }

    #[test]
    fn a_day_in_the_middle_of_a_month_is_that_day_everywhere() {
        // 2026-11-21 12:00:00 UTC
        let noon = local(1_795_262_400);
        assert_eq!((noon.year, noon.month), (2026, 11));
        assert!((20..=22).contains(&noon.day) && noon.minute % 15 == 0 && noon.second == 0, "{noon:?}");
    }
}
