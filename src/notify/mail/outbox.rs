//! Mails that wait to be handed over, one after the other.

use super::{Failure, Letter, Outcome};
use crate::effect::say::{Level, Line};
use crate::effect::time::Instant;
use std::collections::VecDeque;
use std::time::Duration;

/// More is no help to anybody who has to read them.
const MOST: usize = 1_000;
/// Before each of the tries after the first.
const PAUSES: [Duration; 4] = [Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(120), Duration::from_secs(300)];

/// One that waits, or is being handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    pub letter: Letter,
    /// How often it has failed.
    failures: usize,
    not_before: Instant,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Hand it over, and say [`Outbox::ended`] or [`Outbox::unreachable`].
    Send(Box<Parcel>),
    /// Ask again then.
    At(Instant),
    Nothing,
}

/// A server that does not take a mail now may take another one; one that cannot be reached holds up all.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: VecDeque<Parcel>,
    reachable_from: Instant,
    /// There is no time for pauses any more.
    hurried: bool,
}

impl Outbox {
    pub fn post(&mut self, now: Instant, letter: Letter, lines: &mut Vec<Line>) {
        self.waiting.push_back(Parcel { letter, failures: 0, not_before: now });
        if self.waiting.len() > MOST
            && let Some(oldest) = self.waiting.pop_front()
        {
            say(lines, Level::Error, format!("Mail '{}' is not sent: {MOST} newer ones wait", oldest.letter.subject));
        }
    }

    pub fn next(&mut self, now: Instant) -> Next {
        if self.hurried {
            return self.waiting.pop_front().map_or(Next::Nothing, |parcel| Next::Send(parcel.into()));
        }
        let at = |parcel: &Parcel| parcel.not_before.max(self.reachable_from);
        match self.waiting.iter().position(|parcel| at(parcel) <= now) {
            Some(index) => self.waiting.remove(index).map_or(Next::Nothing, |parcel| Next::Send(parcel.into())),
            None => self.waiting.iter().map(at).min().map_or(Next::Nothing, Next::At),
        }
    }

    /// The server was reached.
    pub fn ended(&mut self, now: Instant, mut parcel: Parcel, result: Result<Outcome, Failure>, lines: &mut Vec<Line>) {
        match result {
            Ok(Outcome { refused }) => {
                let mut later = Vec::new();
                for no in refused {
                    if no.lasting {
                        let text = format!("Mail '{}' is not sent to <{}>: '{}'", parcel.letter.subject, no.recipient, no.reason);
                        say(lines, Level::Error, text);
                    } else {
                        later.push((no.recipient, no.reason));
                    }
                }
                if later.is_empty() {
                    say(lines, Level::Detail, format!("Mail '{}' has been sent", parcel.letter.subject));
                    return;
                }
                let reasons: Vec<String> = later.iter().map(|(to, reason)| format!("'{reason}' to <{to}>")).collect();
                parcel.letter.to = later.into_iter().map(|(to, _)| to).collect();
                self.failed(now, parcel, &reasons.join(", "), false, lines);
            }
            Err(Failure { reason, lasting }) => self.failed(now, parcel, &reason, lasting, lines),
        }
    }

    /// The server was not reached.
    pub fn unreachable(&mut self, now: Instant, parcel: Parcel, reason: &str, lines: &mut Vec<Line>) {
        let waiting = self.waiting.len();
        self.failed(now, parcel, reason, false, lines);
        if self.waiting.len() > waiting
            && let Some(parcel) = self.waiting.pop_back()
        {
            self.reachable_from = parcel.not_before;
            self.waiting.push_front(parcel);
        }
    }

    /// Mails go to another server from now on.
    pub fn redirect(&mut self) {
        self.reachable_from = Instant::default();
        for parcel in &mut self.waiting {
            parcel.not_before = Instant::default();
        }
    }

    /// What is left is tried once, at once.
    pub fn hurry(&mut self) {
        self.hurried = true;
    }

    /// Nothing of it is sent any more.
    pub fn clear(&mut self, why: &str, lines: &mut Vec<Line>) {
        for parcel in self.waiting.drain(..) {
            say(lines, Level::Error, format!("Mail '{}' is not sent: {why}", parcel.letter.subject));
        }
    }

    fn failed(&mut self, now: Instant, mut parcel: Parcel, reason: &str, lasting: bool, lines: &mut Vec<Line>) {
        let subject = &parcel.letter.subject;
        parcel.failures += 1;
        match PAUSES.get(parcel.failures - 1) {
            Some(&pause) if !lasting && !self.hurried => {
                let text = format!("Mail '{subject}' could not be sent: {reason}; it is tried again in {} s", pause.as_secs());
                say(lines, Level::Warning, text);
                parcel.not_before = now + pause;
                self.waiting.push_back(parcel);
            }
            _ => say(lines, Level::Error, format!("Mail '{subject}' is not sent: {reason}; tried {} times", parcel.failures)),
        }
    }
}

fn say(lines: &mut Vec<Line>, level: Level, text: String) {
    lines.push(Line { level, text });
}
