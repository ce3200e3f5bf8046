//! What a reading has come to: the verdict on the configuration, and what going over to it means. It is found by the process
//! that has read it, and told to the supervisor in bytes.

use super::brief::Brief;
use super::control::words;
use super::part::Part;
use super::reader::{Ground, Purpose};
use super::{start, verdict};
use crate::config::Loaded;
use crate::model::code::{Code, choice, record};
use crate::runtime::check;
use crate::runtime::handover::Memory;
use crate::runtime::log::Severity;
use crate::runtime::reading::Kept;
use std::fs::File;
use std::io;

/// What there is to say, and whether the daemon goes over to the configuration, or why not.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) messages: Vec<(Severity, Box<str>)>,
    pub(super) verdict: Result<Accepted, String>,
}

#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) kept: Kept,
    pub(super) brief: Brief,
    /// To which parts it means the same as the one in force.
    pub(super) same: [bool; Part::ALL.len()],
    /// The plan in one line.
    pub(super) summary: Box<str>,
    /// An answer for whoever asks for the plan.
    pub(super) plan: Memory,
}

/// As it is told.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    messages: Vec<(Severity, Box<str>)>,
    verdict: Verdict,
}

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Refused(Box<str>),
    Accepted(Box<Terms>),
}

#[derive(Debug, PartialEq, Eq)]
struct Terms {
    brief: Brief,
    same: Vec<bool>,
    summary: Box<str>,
}

record! {
    Told { messages, verdict }
    Terms { brief, same, summary }
}

choice! {
    Verdict { 0 => Refused(reason), 1 => Accepted(terms) }
    Severity { 0 => Alert, 1 => Error, 2 => Warning, 3 => Notice, 4 => Info, 5 => Detail }
}

/// For the supervisor, and the answer for whoever asks for the plan.
pub(super) fn judge(loaded: &Loaded, kept: &Kept, ground: &Ground<'_>, purpose: Purpose) -> io::Result<(Vec<u8>, String)> {
    let old = ground.brief;
    let brief = Brief::of(&loaded.model, verdict::unread(loaded));
    let check = old.process.reload.check.as_ref().or(brief.process.reload.check.as_ref());
    if let Some(path) = check.filter(|_| purpose.apply) {
        check::validation_log(loaded, path);
    }
    let (verdict, plan) = match verdict::refusal(old, &brief, loaded, ground.options, purpose.force) {
        Some(reason) => (Verdict::Refused(reason.into()), String::new()),
        None => {
            let plan = ground.kept.plan(&loaded.model)?;
            let same = kept.means_as(ground.kept, Part::ALL.map(Part::share))?.into();
            (Verdict::Accepted(Box::new(Terms { brief, same, summary: plan.summary().into() })), words::planned(&plan))
        }
    };
    let mut bytes = Vec::new();
    Told { messages: start::messages(loaded), verdict }.put(&mut bytes);
    Ok((bytes, plan))
}

/// From what [`judge`] has told, and the files that were filled.
pub(super) fn decode(mut bytes: &[u8], kept: File, plan: File) -> io::Result<Judged> {
    let strange = || io::Error::other("it was read to no end");
    let Told { messages, verdict } = Code::get(&mut bytes).ok_or_else(strange)?;
    let verdict = match verdict {
        Verdict::Refused(reason) => Err(reason.into()),
        Verdict::Accepted(terms) => {
            let Terms { brief, same, summary } = *terms;
            let same = same.try_into().map_err(|_| strange())?;
            let plan = Memory::received(plan.into()).ok_or_else(strange)?;
            Ok(Accepted { kept: Kept::new(kept)?, brief, same, summary, plan })
        }
    };
    Ok(Judged { messages, verdict })
}
