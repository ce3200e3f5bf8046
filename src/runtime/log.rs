//! The log: syslog, standard error, a file, in keepalived's forms. It never makes anybody wait: what a reader does not take is
//! kept within bounds, then the oldest is dropped, and how much was lost is told when there is room again. There is one log
//! per process; it is set up once, and again after each fork.

mod sink;

use crate::effect::say::{Level, Line};
use crate::sys::clock;
use nix::unistd::getpid;
use sink::{Sink, Way};
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// How much a line matters, in syslog's words and numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Alert,
    Error,
    Warning,
    Notice,
    Info,
    /// Shown with `-D` only.
    Detail,
}

impl Severity {
    fn number(self) -> u8 {
        match self {
            Self::Alert => 1,
            Self::Error => 3,
            Self::Warning => 4,
            Self::Notice => 5,
            // keepalived has no level of its own for what it says in detail.
            Self::Info | Self::Detail => 6,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Notice => "notice",
            Self::Info => "info",
            Self::Detail => "detail",
        }
    }
}

impl From<Level> for Severity {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::Error,
            Level::Warning => Self::Warning,
            Level::Notice => Self::Notice,
            Level::Info => Self::Info,
            Level::Detail => Self::Detail,
        }
    }
}

/// Where lines go, and which.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    pub syslog: bool,
    pub console: bool,
    pub file: Option<PathBuf>,
    /// syslog's number of a facility.
    pub facility: u8,
    pub detail: bool,
    /// A file with a line of JSON for each line.
    pub json: Option<PathBuf>,
    /// The journal takes the place of syslog.
    pub journal: bool,
}

struct Log {
    setup: Setup,
    ident: String,
    pid: i32,
    syslog: Option<Sink>,
    console: Option<Sink>,
    file: Option<Sink>,
    json: Option<Sink>,
    journal: Option<Sink>,
}

const SYSLOG: &str = "/dev/log";
const JOURNAL: &str = "/run/systemd/journal/socket";

static LOG: Mutex<Option<Log>> = Mutex::new(None);

/// A panic while a line is written leaves at worst a line out.
fn log() -> MutexGuard<'static, Option<Log>> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sets up the log of this process, and makes it that of every library.
pub fn open(setup: Setup, ident: &str) {
    *log() = Some(Log::new(setup, ident.to_owned(), None));
    // Only the first in a process is taken, and all of them are alike.
    drop(tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Bridge)));
}

/// Goes on as another process, after a fork: what the parent has not got rid of is the parent's. `part` is what is added to
/// the names of the log and of its file, as in `Keepalived_vrrp`.
pub fn become_part(part: &str) {
    let mut guard = log();
    if let Some(parent) = guard.take() {
        *guard = Some(Log::new(parent.setup, ident_of_part(&parent.ident, part), Some(part)));
    }
}

/// From here on this is the name in syslog.
pub fn rename(ident: &str) {
    if let Some(log) = &mut *log() {
        ident.clone_into(&mut log.ident);
    }
}

/// From here on lines also go there.
pub fn extend(json: Option<&Path>, journal: bool) {
    if let Some(log) = &mut *log() {
        log.setup.json = json.map(Path::to_owned);
        log.setup.journal = journal;
        log.open_others();
    }
}

/// Standard error is no longer anybody's.
pub fn close_console() {
    if let Some(log) = &mut *log() {
        log.console = None;
        log.setup.console = false;
        log.pid = getpid().as_raw();
    }
}

/// `Keepalived_left` and `vrrp` make `Keepalived_vrrp_left`.
fn ident_of_part(ident: &str, part: &str) -> String {
    match ident.split_once('_') {
        Some((name, rest)) => format!("{name}_{part}_{rest}"),
        None => format!("{ident}_{part}"),
    }
}

/// `a/b.log` and `vrrp` make `a/b_vrrp.log`.
fn file_of_part(file: &Path, part: &str) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let extension = file.extension().map(|extension| format!(".{}", extension.to_string_lossy())).unwrap_or_default();
    file.with_file_name(format!("{stem}_{part}{extension}"))
}

pub fn say(severity: Severity, text: &str) {
    if let Some(log) = &mut *log() {
        log.say(severity, text);
    }
}

/// What an engine wants said.
pub fn line(line: &Line) {
    say(line.level.into(), &line.text);
}

pub fn alert(text: &str) {
    say(Severity::Alert, text);
}

pub fn error(text: &str) {
    say(Severity::Error, text);
}

pub fn warning(text: &str) {
    say(Severity::Warning, text);
}

pub fn info(text: &str) {
    say(Severity::Info, text);
}

/// Tries again to get rid of what was not taken. Returns whether some is left that room may be found for: then this wants to
/// be called again soon.
pub fn flush() -> bool {
    log().as_mut().is_some_and(Log::flush)
}

impl Log {
    fn new(setup: Setup, ident: String, part: Option<&str>) -> Self {
        let file = setup.file.as_deref().map(|file| part.map_or_else(|| file.to_owned(), |part| file_of_part(file, part)));
        let mut log = Self {
            syslog: None,
            console: setup.console.then(|| Sink::new(Way::standard_error())),
            file: file.map(|file| Sink::new(Way::file(&file))),
            json: None,
            journal: None,
            setup,
            ident,
            pid: getpid().as_raw(),
        };
        log.open_others();
        log
    }

    fn open_others(&mut self) {
        let Setup { syslog, journal, json, .. } = &self.setup;
        self.syslog = (*syslog && !journal).then(|| Sink::new(Way::datagrams(SYSLOG)));
        self.journal = journal.then(|| Sink::new(Way::datagrams(JOURNAL)));
        self.json = json.as_deref().map(|path| Sink::new(Way::file(path)));
    }

    fn say(&mut self, severity: Severity, text: &str) {
        if severity == Severity::Detail && !self.setup.detail {
            return;
        }
        let now = now();
        for text in text.lines() {
            let text = printable(text);
            if let Some(syslog) = &mut self.syslog {
                let priority = self.setup.facility * 8 + severity.number();
                syslog.put(|| syslog_form(priority, now, &self.ident, self.pid, &text));
            }
            for plain in [&mut self.console, &mut self.file].into_iter().flatten() {
                plain.put(|| format!("{}: {text}\n", calendar(now)));
            }
            if let Some(json) = &mut self.json {
                json.put(|| json_form(severity, now, &self.ident, self.pid, &text));
            }
            if let Some(journal) = &mut self.journal {
                journal.put(|| journal_form(severity, self.setup.facility, &self.ident, self.pid, &text));
            }
        }
    }

    fn flush(&mut self) -> bool {
        let now = now();
        let mut left = false;
        if let Some(syslog) = &mut self.syslog {
            let priority = self.setup.facility * 8 + Severity::Warning.number();
            left |= syslog.flush(|lost| syslog_form(priority, now, &self.ident, self.pid, &lost_lines(lost)));
        }
        for plain in [&mut self.console, &mut self.file].into_iter().flatten() {
            left |= plain.flush(|lost| format!("{}: {}\n", calendar(now), lost_lines(lost)));
        }
        if let Some(json) = &mut self.json {
            left |= json.flush(|lost| json_form(Severity::Warning, now, &self.ident, self.pid, &lost_lines(lost)));
        }
        if let Some(journal) = &mut self.journal {
            left |= journal.flush(|lost| journal_form(Severity::Warning, self.setup.facility, &self.ident, self.pid, &lost_lines(lost)));
        }
        left
    }
}

fn lost_lines(lost: u64) -> String {
    format!("{lost} log lines lost")
}

fn now() -> clock::Local {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    clock::local(i64::try_from(seconds).unwrap_or(i64::MAX))
}

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn name_of<'a>(names: &[&'a str], index: i32) -> &'a str {
    usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or("???")
}

/// As C's `%c` has it.
fn calendar(at: clock::Local) -> String {
    let clock::Local { year, day, hour, minute, second, .. } = at;
    let (weekday, month) = (name_of(&DAYS, at.weekday), name_of(&MONTHS, at.month - 1));
    format!("{weekday} {month} {day:2} {hour:02}:{minute:02}:{second:02} {year}")
}

/// As the C library's `syslog` has it.
fn syslog_form(priority: u8, at: clock::Local, ident: &str, pid: i32, text: &str) -> String {
    let clock::Local { day, hour, minute, second, .. } = at;
    let month = name_of(&MONTHS, at.month - 1);
    format!("<{priority}>{month} {day:2} {hour:02}:{minute:02}:{second:02} {ident}[{pid}]: {text}")
}

/// Whom a line is about: `(NAME) ...`.
fn instance_of(text: &str) -> Option<&str> {
    text.strip_prefix('(')?.split_once(") ").map(|(name, _)| name)
}

fn json_form(severity: Severity, at: clock::Local, ident: &str, pid: i32, text: &str) -> String {
    let clock::Local { year, month, day, hour, minute, second, .. } = at;
    let time = format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    let mut line = serde_json::json!({ "time": time, "ident": ident, "pid": pid, "severity": severity.name(), "text": text });
    if let Some(instance) = instance_of(text) {
        line["instance"] = instance.into();
    }
    format!("{line}\n")
}

/// systemd's native form: a field in each line.
fn journal_form(severity: Severity, facility: u8, ident: &str, pid: i32, text: &str) -> String {
    let instance = instance_of(text).map(|name| format!("STANDFAST_INSTANCE={name}\n")).unwrap_or_default();
    let priority = severity.number();
    format!("PRIORITY={priority}\nSYSLOG_FACILITY={facility}\nSYSLOG_IDENTIFIER={ident}\nSYSLOG_PID={pid}\n{instance}MESSAGE={text}\n")
}

/// What came from a file or from the network drives no terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c == '\t' || !c.is_control() { c } else { '\u{fffd}' }).collect()
}

/// Takes what libraries say.
struct Bridge;

impl<S: tracing::Subscriber> Layer<S> for Bridge {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let level = *event.metadata().level();
        let severity = if level == tracing::Level::ERROR {
            Severity::Error
        } else if level == tracing::Level::WARN {
            Severity::Warning
        } else if level == tracing::Level::INFO {
            Severity::Info
        } else if level == tracing::Level::DEBUG {
            Severity::Detail
        } else {
            return;
        };
        let mut text = Text(String::new());
        event.record(&mut text);
        say(severity, &text.0);
    }
}

/// The message, and then the fields.
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = if field.name() == "message" { format!("{value:?}") } else { format!(" {}={value:?}", field.name()) };
        let _ = self.0.write_str(if self.0.is_empty() { text.trim_start() } else { &text });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: clock::Local = clock::Local { year: 2026, month: 11, day: 1, hour: 3, minute: 6, second: 56, weekday: 0 };

    #[test]
    fn lines_have_the_forms_that_tools_know() {
        assert_eq!(calendar(AT), "Sun Nov  1 03:06:56 2026");
        assert_eq!(syslog_form(30, AT, "Keepalived_vrrp", 7, "x"), "<30>Nov  1 03:06:56 Keepalived_vrrp[7]: x");
        assert_eq!(calendar(clock::Local { month: 0, weekday: 9, ..AT }), "??? ???  1 03:06:56 2026");
        assert_eq!(printable("a\tb\x1b[2J\u{fc}"), "a\tb\u{fffd}[2J\u{fc}");
    }

    #[test]
    fn other_forms_know_whom_a_line_is_about() {
        let line = json_form(Severity::Info, AT, "Keepalived_vrrp", 7, "(V \"1\") Entering MASTER STATE");
        let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(line.matches('\n').count(), 1);
        assert_eq!((&value["instance"], &value["severity"], &value["pid"]), (&"V \"1\"".into(), &"info".into(), &7.into()));
        assert_eq!(value["time"], "2026-11-01T03:06:56");
        assert_eq!(
            journal_form(Severity::Error, 3, "Keepalived_vrrp", 7, "(A) x"),
            "PRIORITY=3\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=Keepalived_vrrp\nSYSLOG_PID=7\nSTANDFAST_INSTANCE=A\nMESSAGE=(A) x\n"
        );
        assert_eq!((instance_of("a (b) c"), instance_of("(b"), instance_of("(b) c")), (None, None, Some("b")));
    }

    #[test]
    fn parts_have_names_of_their_own() {
        assert_eq!(ident_of_part("Keepalived", "vrrp"), "Keepalived_vrrp");
        assert_eq!(ident_of_part("Keepalived_left_x", "vrrp"), "Keepalived_vrrp_left_x");
        for (file, want) in [("/a/b.log", "/a/b_vrrp.log"), ("b", "b_vrrp"), ("/a.d/b.c.log", "/a.d/b.c_vrrp.log")] {
            assert_eq!(file_of_part(Path::new(file), "vrrp"), Path::new(want));
        }
    }
}
