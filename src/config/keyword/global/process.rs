//! Processes, their rights to the processor, and files.

use super::{need, set_once};
use crate::config::args::{Args, Malformed, decimal};
use crate::config::draft::Draft;
use crate::config::draft::global::Global;
use crate::config::keyword::{Keyword, Shown, flag, line, live};
use crate::model::global::process::{AutoPriority, Child, IncludeCheck, IpvsNamespace, ReloadFile};
use std::collections::HashSet;
use std::path::PathBuf;
use std::time::Duration;

/// The kernel keeps so much of a process's name.
const LONGEST_NAME: usize = 15;

/// The name of a process, by its place below the process settings.
macro_rules! name {
    ($($path:ident).+) => {
        line!("NAME", "at most 15 bytes", |t, a| process::set_name(&mut t.settings.process.$($path).+, a), |t, s| {
            s.value(&t.settings.process.$($path).+)
        })
    };
}

/// The processors of a child.
macro_rules! affinity {
    ($child:ident) => {
        line!(
            "CPU ...",
            "processors online",
            |t, a| {
                t.affinity_at.$child = a.at;
                process::set_affinity(&mut t.settings.process.$child, stringify!($child), a);
            },
            |t, s| process::show_affinity(&t.settings.process.$child, s)
        )
    };
}

/// Exactly one path.
macro_rules! one_path {
    ($($path:ident).+, $fault:literal) => {
        line!("PATH", "", |t, a| process::set_one_path(&mut t.settings.process.$($path).+, a, $fault), |t, s| {
            s.value(&t.settings.process.$($path).+)
        })
    };
}

pub(super) use {affinity, name, one_path};

pub(in crate::config::keyword) const LINKBEAT_USE_POLLING: Keyword<Draft> = live(
    "linkbeat_use_polling",
    flag!(global.settings.process.linkbeat_use_polling),
    "off",
    "Ask for the state of links instead of being told.",
);
pub(in crate::config::keyword) const NET_NAMESPACE: Keyword<Draft> = live(
    "net_namespace",
    line!(
        "NAME",
        "below /run/netns",
        |t, a| {
            if let Some(name) = need(a, "net_namespace name missing - ignoring") {
                let again = format!("Duplicate net_namespace definition {name} - ignoring");
                t.global.net_namespace_at = a.at;
                set_once(&mut t.global.settings.process.net_namespace, name.into(), a, &again);
            }
        },
        |t, s| s.value(&t.global.settings.process.net_namespace)
    ),
    "the current one",
    "Network namespace to run in.",
);
pub(in crate::config::keyword) const NET_NAMESPACE_IPVS: Keyword<Draft> = live(
    "net_namespace_ipvs",
    line!("[NAME]", "", set_ipvs_namespace, show_ipvs_namespace),
    "that of the process",
    "Network namespace in which IPVS is managed; without a name, the one we were started in.",
);
pub(in crate::config::keyword) const NAMESPACE_WITH_IPSETS: Keyword<Draft> = live(
    "namespace_with_ipsets",
    flag!(global.settings.process.namespace_with_ipsets),
    "off",
    "Use ipsets in a network namespace on kernels before 3.13 as well; we use nftables, which needs no leave.",
);
pub(in crate::config::keyword) const USE_PID_DIR: Keyword<Draft> =
    live("use_pid_dir", flag!(global.settings.process.use_pid_dir), "off", "Put PID files into /run/keepalived.");
pub(in crate::config::keyword) const INSTANCE: Keyword<Draft> = live(
    "instance",
    line!(
        "NAME",
        "",
        |t, a| {
            if let Some(name) = need(a, "instance name missing - ignoring") {
                let again = format!("Duplicate instance definition {name} - ignoring");
                set_once(&mut t.global.settings.process.instance, name.into(), a, &again);
            }
        },
        |t, s| s.value(&t.global.settings.process.instance)
    ),
    "none",
    "What tells several daemons in one namespace apart, in the names of their files.",
);
pub(in crate::config::keyword) const CHILD_WAIT_TIME: Keyword<Draft> = live(
    "child_wait_time",
    crate::config::keyword::whole_seconds!(global.settings.process.child_wait_time, 0, 4294967295),
    "5",
    "How long the child processes may take to end.",
);

fn set_ipvs_namespace(root: &mut Draft, args: &mut Args<'_>) {
    let namespace = &mut root.global.settings.process.ipvs_namespace;
    let name = args.word();
    if *namespace == IpvsNamespace::Same {
        *namespace = name.map_or(IpvsNamespace::Initial, |name| IpvsNamespace::Named(name.into()));
    } else {
        let name = name.unwrap_or("(default)");
        args.error(format!("Duplicate net_namespace_ipvs definition {name} - ignoring")).hint("the first one counts");
    }
}

fn show_ipvs_namespace(root: &Draft, shown: &mut Shown<'_>) {
    match &root.global.settings.process.ipvs_namespace {
        IpvsNamespace::Same => {}
        IpvsNamespace::Initial => shown.text(""),
        IpvsNamespace::Named(name) => shown.value(name),
    }
}

pub(super) fn set_name(slot: &mut Option<Box<str>>, args: &mut Args<'_>) {
    let Some(name) = args.need() else { return };
    let end = name.floor_char_boundary(LONGEST_NAME);
    if end < name.len() {
        args.error(format!("Process name {name} more than {LONGEST_NAME} characters, truncating"));
    }
    *slot = Some(name[..end].into());
}

pub(super) fn set_auto_priority(global: &mut Global, args: &mut Args<'_>) {
    let Some(word) = args.word() else {
        global.settings.process.auto_priority = AutoPriority::UpTo(99);
        return;
    };
    if let Some(priority) = args.number_in::<i8>(word, -1, 99) {
        global.settings.process.auto_priority = match u8::try_from(priority) {
            Err(_) => AutoPriority::Never,
            Ok(0) => AutoPriority::Off,
            Ok(priority) => AutoPriority::UpTo(priority),
        };
    }
}

pub(super) fn show_auto_priority(global: &Global, shown: &mut Shown<'_>) {
    match global.settings.process.auto_priority {
        AutoPriority::Off => shown.text("0"),
        AutoPriority::Never => shown.text("-1"),
        AutoPriority::UpTo(priority) => shown.value(&priority),
    }
}

pub(super) fn set_auto_delay(global: &mut Global, args: &mut Args<'_>) {
    let Some(word) = need(args, "min_auto_priority_delay requires delay time") else { return };
    if let Some(micros) = args.number_in(word, 1, 10_000_000) {
        global.settings.process.auto_priority_delay = Duration::from_micros(micros);
    }
}

pub(super) fn show_auto_delay(global: &Global, shown: &mut Shown<'_>) {
    shown.text(&global.settings.process.auto_priority_delay.as_micros().to_string());
}

pub(super) fn set_nice(child: &mut Child, name: &str, args: &mut Args<'_>) {
    let missing = format!("No {name} process priority specified");
    let Some(word) = need(args, &missing) else { return };
    if let Some(nice) = args.number_in(word, -20, 19) {
        child.nice = nice;
    }
}

pub(super) fn show_nice(child: &Child, shown: &mut Shown<'_>) {
    shown.value(&child.nice);
}

/// A number outside the range is moved into it; what is no number is refused.
pub(super) fn set_realtime(child: &mut Child, name: &str, args: &mut Args<'_>) {
    let missing = format!("No {name} process real-time priority specified");
    let Some(word) = need(args, &missing) else { return };
    let priority = match decimal(word) {
        Ok(priority) => priority,
        Err(Malformed::TooLarge) => i64::MAX,
        Err(Malformed::Negative | Malformed::NotANumber | Malformed::Junk(_)) => {
            args.error(format!("{name} process real-time priority '{word}' invalid")).hint("a number from 1 to 99");
            return;
        }
    };
    if priority < 1 {
        args.error(format!("{name} process real-time priority {word} less than minimum 1 - setting to minimum"));
    } else if priority > 99 {
        args.error(format!("{name} process real-time priority {word} greater than maximum 99 - setting to maximum"));
    }
    child.realtime = u8::try_from(priority.clamp(1, 99)).ok();
}

pub(super) fn show_realtime(child: &Child, shown: &mut Shown<'_>) {
    shown.value(&child.realtime);
}

pub(super) fn set_realtime_limit(child: &mut Child, _: &str, args: &mut Args<'_>) {
    if let Some(micros) = args.number(1, u32::MAX.into()) {
        // Half of it is the soft limit.
        child.realtime_limit = Duration::from_micros(std::cmp::max(micros, 2));
    }
}

pub(super) fn show_realtime_limit(child: &Child, shown: &mut Shown<'_>) {
    shown.text(&child.realtime_limit.as_micros().to_string());
}

/// Whether there are so many processors is asked later.
pub(super) fn set_affinity(child: &mut Child, name: &str, args: &mut Args<'_>) {
    child.cpus.clear();
    let mut known = HashSet::new();
    let missing = format!("No {name} cpu_id set specified");
    let Some(mut next) = need(args, &missing).map(Some) else { return };
    while let Some(word) = next {
        match decimal(word).ok().and_then(|cpu| u16::try_from(cpu).ok()) {
            Some(cpu) if known.insert(cpu) => child.cpus.push(cpu),
            Some(_) => {}
            None => {
                args.error(format!("Invalid cpu_id:{word} specified for {name} process"));
                child.cpus.clear();
                return;
            }
        }
        next = args.word();
    }
}

pub(super) fn show_affinity(child: &Child, shown: &mut Shown<'_>) {
    if !child.cpus.is_empty() {
        let cpus: Vec<String> = child.cpus.iter().map(u16::to_string).collect();
        shown.text(&cpus.join(" "));
    }
}

pub(super) fn set_snmp_socket(global: &mut Global, args: &mut Args<'_>) {
    let Some(address) = need(args, "SNMP error : snmp socket name missing") else { return };
    if args.peek().is_some() {
        args.error("Too many parameters specified for snmp_socket - ignoring");
        return;
    }
    let known = global.settings.snmp.socket.as_deref().unwrap_or_default();
    let again = format!("SNMP socket already set to {known} - ignoring");
    set_once(&mut global.settings.snmp.socket, address.into(), args, &again);
}

pub(super) fn set_one_path(slot: &mut Option<PathBuf>, args: &mut Args<'_>, fault: &str) {
    let path = args.word().filter(|path| !path.is_empty());
    match (path, args.word()) {
        (Some(path), None) => *slot = Some(path.into()),
        _ => {
            args.error(fault).hint("one path");
        }
    }
}

pub(super) fn set_reload_check(global: &mut Global, args: &mut Args<'_>) {
    global.settings.process.reload.check = Some(args.word().unwrap_or("/dev/null").into());
}

pub(super) fn set_reload_file(global: &mut Global, args: &mut Args<'_>) {
    global.settings.process.reload.file = args.word().map_or(ReloadFile::Usual, |path| ReloadFile::At(path.into()));
}

pub(super) fn show_reload_file(global: &Global, shown: &mut Shown<'_>) {
    match &global.settings.process.reload.file {
        ReloadFile::Off => {}
        ReloadFile::Usual => shown.text(""),
        ReloadFile::At(path) => shown.value(path),
    }
}

pub(super) fn set_tmp_directory(global: &mut Global, args: &mut Args<'_>) {
    let Some(path) = need(args, "tmp_config_directory missing directory name") else { return };
    set_once(&mut global.settings.process.tmp_config_directory, path.into(), args, "tmp_config_directory already specified - ignoring");
}

/// What the reader of files acts on; here it is only kept, and what is wrong with it is told.
pub(super) fn set_include_check(global: &mut Global, args: &mut Args<'_>) {
    let level = &mut global.settings.process.include_check;
    if args.peek().is_none() {
        *level = IncludeCheck { read: true, matching: true, wildcard: true, brace: true };
        return;
    }
    let mut bare = false;
    while let Some(word) = args.word() {
        let (sign, check) = match word.strip_prefix(['+', '-']) {
            Some(check) => (word.chars().next(), check),
            None => (None, word),
        };
        if !matches!(check, "read" | "match" | "wildcard_match" | "brace_match") {
            args.error(format!("Unknown include_check type '{word}' - ignoring")).hint("read, match, wildcard_match or brace_match");
            continue;
        }
        if sign.is_none() {
            if bare {
                args.error(format!("Duplicate include_check '{word}' specified - ignoring")).hint("+ adds a check, - takes one away");
                continue;
            }
            bare = true;
            *level = IncludeCheck { read: true, ..IncludeCheck::default() };
        }
        let on = sign != Some('-');
        match check {
            "read" => level.read = on,
            "match" => level.matching = on,
            "wildcard_match" => level.wildcard = on,
            _ => level.brace = on,
        }
    }
}

pub(super) fn show_include_check(global: &Global, shown: &mut Shown<'_>) {
    let level = global.settings.process.include_check;
    let checks = [("read", level.read), ("match", level.matching), ("wildcard_match", level.wildcard), ("brace_match", level.brace)];
    let words: Vec<String> = checks.iter().filter(|(_, on)| *on).map(|(name, _)| format!("+{name}")).collect();
    if !words.is_empty() {
        shown.text(&words.join(" "));
    }
}

/// A number as C writes it, or names of bits with `|` between them, blanks or not.
pub(super) fn set_umask(global: &mut Global, args: &mut Args<'_>) {
    let Some(first) = args.need() else { return };
    if first.starts_with(|c: char| c.is_ascii_digit()) {
        match c_number(first).filter(|&bits| bits <= 0o777) {
            Some(bits) => global.settings.process.umask = bits,
            None => {
                args.error(format!("invalid umask value {first}")).hint("0 to 0777");
            }
        }
        return;
    }
    let mut text = first.to_owned();
    while let Some(word) = args.word() {
        text.push(' ');
        text.push_str(word);
    }
    let mut bits = 0;
    for name in text.split('|').map(str::trim) {
        match bit(name) {
            Some(bit) => bits |= bit,
            None => {
                let fault = match name.split_once(' ') {
                    Some((_, extra)) => format!("Invalid umask syntax {extra}"),
                    None if name.is_empty() => "umask missing bit value".to_owned(),
                    None => format!("Unknown umask bit {name}"),
                };
                args.error(fault).hint("I{R,W,X}{USR,GRP,OTH} or IRWX{U,G,O}, with | between them");
                return;
            }
        }
    }
    global.settings.process.umask = bits;
}

pub(super) fn show_umask(global: &Global, shown: &mut Shown<'_>) {
    shown.text(&format!("0{:o}", global.settings.process.umask));
}

fn c_number(text: &str) -> Option<u16> {
    let (digits, radix) = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if text.starts_with('0') && text.len() > 1 => (&text[1..], 8),
        None => (text, 10),
    };
    // `from_str_radix` would take a sign.
    u16::from_str_radix(digits, radix).ok().filter(|_| digits.starts_with(|c: char| c.is_ascii_hexdigit()))
}

fn bit(name: &str) -> Option<u16> {
    let name = name.strip_prefix("S_").unwrap_or(name);
    let whole = match name {
        "IRWXU" => Some(0o700),
        "IRWXG" => Some(0o070),
        "IRWXO" => Some(0o007),
        _ => None,
    };
    whole.or_else(|| {
        let (right, whose) = name.split_at_checked(2)?;
        let right = match right {
            "IR" => 4,
            "IW" => 2,
            "IX" => 1,
            _ => return None,
        };
        match whose {
            "USR" => Some(right << 6),
            "GRP" => Some(right << 3),
            "OTH" => Some(right),
            _ => None,
        }
    })
}
