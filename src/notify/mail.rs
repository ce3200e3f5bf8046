//! Mails about transitions, in keepalived's words.

mod dialogue;
mod outbox;

pub use dialogue::{Dialogue, Failure, Outcome, Refusal};
pub use outbox::{Next, Outbox, Parcel};

use super::{News, Object};
use crate::effect::notice::{Notice, ServerNotice, Subject, Told};
use crate::model::global::mail::Mail;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What a mail says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// The subject without the router's name before it.
    pub subject: String,
    pub body: String,
    /// The state, where a mail about the same state again says nothing new.
    state: Option<Told>,
}

/// Mail about an instance or a group, if it wants any.
pub(super) fn of_vrrp(notice: &Notice) -> Option<Alert> {
    let Notice { subject, name, told, .. } = notice;
    let what = match subject {
        Subject::Instance => "Instance",
        Subject::Group => "Group",
    };
    let event = match told {
        Told::Master => "Entering MASTER state",
        Told::Backup => "Entering BACKUP state",
        Told::Fault => "Entering FAULT state",
        Told::Stop => "Stopping",
        Told::Deleted => "Deleted",
        Told::MasterRxLowerPri | Told::MasterPriority | Told::BackupPriority => return None,
    };
    let body = match (subject, told) {
        (_, Told::Stop) => "VRRP Stopping".to_owned(),
        (_, Told::Deleted) => "VRRP Deleted at reload".to_owned(),
        (Subject::Instance, Told::Master) => "VRRP Instance is now owning VRRP VIPs".to_owned(),
        (Subject::Instance, _) => "VRRP Instance is no longer owning VRRP VIPs".to_owned(),
        (Subject::Group, _) => format!("All VRRP group instances are now in {told} state"),
    };
    notice.mail.then(|| Alert { subject: format!("VRRP {what} {name} - {event}"), body, state: Some(*told) })
}

/// Mail about a virtual or a real server, if there is a reason for one.
pub(super) fn of_server(notice: &ServerNotice) -> Option<Alert> {
    let body = notice.mail.as_ref()?.to_string();
    let state = if notice.up { "UP" } else { "DOWN" };
    let of = &notice.virtual_server;
    let subject = match &notice.real_server {
        Some(real) => format!("Realserver {real} of virtual server {of} - {state}"),
        None => format!("Virtualserver {of} - {state}"),
    };
    Some(Alert { subject, body, state: None })
}

/// What instances and groups were last written about: the same state again is no news.
#[derive(Debug, Default)]
pub struct Written {
    last: BTreeMap<Object, Told>,
}

impl Written {
    /// The mail to be sent of it, if any.
    pub fn letter(&mut self, news: &News, conf: &Mail, date: &str) -> Option<Letter> {
        let alert = news.alert.as_ref()?;
        if conf.server.is_none() || conf.recipients.is_empty() {
            return None;
        }
        if let Some(state) = alert.state {
            if (state == Told::Fault && conf.no_faults) || self.last.get(&news.object) == Some(&state) {
                return None;
            }
            match state {
                Told::Stop | Told::Deleted => self.last.remove(&news.object),
                Told::Master | Told::Backup | Told::Fault | Told::MasterRxLowerPri | Told::MasterPriority | Told::BackupPriority => {
                    self.last.insert(news.object.clone(), state)
                }
            };
        }
        Some(Letter::new(conf, alert, date))
    }
}

/// A mail, ready to be handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub helo: String,
    pub from: String,
    /// Addresses without names.
    pub to: Vec<String>,
    /// For the log.
    pub subject: String,
    /// What follows `DATA`, up to the dot that ends it.
    text: String,
}

/// What a header or a line of the body may take; servers need not take lines beyond 998 bytes.
const LONGEST: usize = 900;

impl Letter {
    fn new(conf: &Mail, alert: &Alert, date: &str) -> Self {
        let subject = clean(&format!("[{}] {}", conf.router_id, alert.subject));
        let from = clean(&conf.from);
        let mut text = format!("Date: {date}\r\nFrom: {from}\r\nSubject: {subject}\r\nX-Mailer: Keepalived\r\nTo: ");
        for (index, recipient) in conf.recipients.iter().enumerate() {
            let separator = if index == 0 { "" } else { ",\r\n " };
            let _ = write!(text, "{separator}{}", clean(recipient));
        }
        let _ = write!(text, "\r\n\r\n=> {} <=\r\n\r\n", clean(&alert.body));
        let to = conf.recipients.iter().map(|recipient| bare(recipient)).collect();
        Self { helo: clean(&conf.helo_name), from: bare(&conf.from), to, subject, text }
    }

    /// A line that begins with a dot gets another one, so that it does not end the mail.
    fn stuffed(&self) -> String {
        self.text.split_inclusive("\r\n").map(|line| if line.starts_with('.') { format!(".{line}") } else { line.to_owned() }).collect()
    }
}

/// The address in `NAME <ADDRESS>`, or all of it.
fn bare(recipient: &str) -> String {
    let inside = recipient.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(address, _)| address);
    clean(inside.unwrap_or(recipient).trim())
}

/// One line, of a length that every server takes.
fn clean(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let end = (0..=LONGEST.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or_default();
    text[..end].to_owned()
}

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY: i64 = 24 * 60 * 60;

/// A date as mails have it, of a time in seconds since 1970 at a place that many seconds east of Greenwich.
pub fn date(seconds: i64, east: i64) -> String {
    let local = seconds.saturating_add(east);
    let (days, second) = (local.div_euclid(DAY), local.rem_euclid(DAY));
    let weekday = name(&DAYS, (days + 4).rem_euclid(7));
    // Years that begin in March, in eras of 400: leap days come last in each.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = (month + 2) % 12;
    let year = year_of_era + era * 400 + i64::from(month < 2);
    let (sign, zone) = if east < 0 { ('-', -east) } else { ('+', east) };
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let (month, zone) = (name(&MONTHS, month), (zone / 3_600, zone / 60 % 60));
    format!("{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} {sign}{:02}{:02}", zone.0, zone.1)
}

fn name<'a>(names: &[&'a str], index: i64) -> &'a str {
    usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests;
