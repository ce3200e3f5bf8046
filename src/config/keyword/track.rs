//! What can be tracked by name: `vrrp_script`, `track_file`, `vrrp_track_process`.

use super::{Shown, Vocabulary, flag, line, live};
use crate::config::args::Args;
use crate::config::command::{text_alone, user_text};
use crate::config::diagnostic::{Class, Phase};
use crate::config::draft::Draft;
use crate::config::draft::vrrp::{TrackFile, TrackProcess, TrackScript};
use crate::config::parser::Parser;
use crate::config::syntax::Statement;
use crate::config::text::word;
use crate::model::track::{InitialValue, ParameterMatch, Weight};
use std::time::Duration;

/// The name of a tracked object. Its absence ends keepalived at once.
fn tracked_name<'a>(parser: &mut Parser<'_>, statement: &Statement<'a>) -> Option<&'a str> {
    let mut words = statement.words();
    let keyword = words.next().unwrap_or_default();
    let name = words.next();
    if name.is_none() {
        let text = format!("*** Configuration line starting `{keyword}` is missing a parameter after keyword `{keyword}`");
        let diagnostic = parser.cx.problems.report(Class::MissingParameter, Phase::Reading, Some(statement.at), text);
        diagnostic.word(keyword).hint(format!("{keyword} NAME {{"));
        parser.skip();
    }
    name
}

pub(super) fn open_script(root: &mut Draft, parser: &mut Parser<'_>, statement: &Statement<'_>) {
    let Some(name) = tracked_name(parser, statement) else { return };
    let mut script = TrackScript::new(name, statement.at);
    script.end = parser.body(statement, &SCRIPT, &mut script);
    root.vrrp.scripts.push(script);
}

pub(super) fn open_file(root: &mut Draft, parser: &mut Parser<'_>, statement: &Statement<'_>) {
    let Some(name) = tracked_name(parser, statement) else { return };
    let mut file = TrackFile::new(name, statement.at);
    file.end = parser.body(statement, &FILE, &mut file);
    root.vrrp.files.push(file);
}

pub(super) fn open_process(root: &mut Draft, parser: &mut Parser<'_>, statement: &Statement<'_>) {
    let Some(name) = tracked_name(parser, statement) else { return };
    let mut process = TrackProcess::new(name, statement.at);
    process.end = parser.body(statement, &PROCESS, &mut process);
    root.vrrp.processes.push(process);
}

pub(super) fn show_scripts(root: &Draft, shown: &mut Shown<'_>) {
    for script in &root.vrrp.scripts {
        shown.block(&word(&script.name), &SCRIPT, script);
    }
}

pub(super) fn show_files(root: &Draft, shown: &mut Shown<'_>) {
    for file in &root.vrrp.files {
        shown.block(&word(&file.name), &FILE, file);
    }
}

pub(super) fn show_processes(root: &Draft, shown: &mut Shown<'_>) {
    for process in &root.vrrp.processes {
        shown.block(&word(&process.name), &PROCESS, process);
    }
}

pub static SCRIPT: Vocabulary<TrackScript> = Vocabulary::new(
    "vrrp_script",
    &[
        live(
            "script",
            line!("COMMAND", "", |t, a| t.command = a.command_alone().or(t.command.take()), |t, s| {
                if let Some(command) = &t.command {
                    s.text(&text_alone(command));
                }
            }),
            "required",
            "What to run: exit status 0 is success. \"</PATH\" tries to open the file instead.",
        ),
        live(
            "interval",
            line!("SECONDS[.FRACTION]", "0.001..4294", set_interval, |t, s| s.value(&t.interval)),
            "1",
            "Time between two runs.",
        ),
        live(
            "timeout",
            line!("SECONDS[.FRACTION]", "0.001..4294", set_timeout, |t, s| s.value(&t.timeout)),
            "the interval",
            "A run that takes longer has failed, and is killed.",
        ),
        live(
            "weight",
            line!("N [reverse]", "-253..253", set_script_weight, |t, s| s.text(&weight_text(t.weight))),
            "0",
            "Weight that track_script uses unless it gives its own; 0 makes a failure a fault.",
        ),
        live(
            "rise",
            line!("N", "1..2147483647", |t, a| set_count(&mut t.rise, a), |t, s| s.value(&t.rise)),
            "1",
            "Successes in a row that bring it up.",
        ),
        live(
            "fall",
            line!("N", "1..2147483647", |t, a| set_count(&mut t.fall, a), |t, s| s.value(&t.fall)),
            "1",
            "Failures in a row that bring it down.",
        ),
        live(
            "user",
            line!("USER [[:]GROUP]", "", |t, a| t.user = a.user().or(t.user.take()), |t, s| {
                if let Some(user) = &t.user {
                    s.text(&user_text(user));
                }
            }),
            "script_user",
            "Whom it runs as.",
        ),
        live("init_fail", flag!(init_fail), "off", "It counts as failed until it has reported."),
    ],
);

fn set_interval(script: &mut TrackScript, args: &mut Args<'_>) {
    script.interval = period(&script.name, args).unwrap_or(script.interval);
}

fn set_timeout(script: &mut TrackScript, args: &mut Args<'_>) {
    script.timeout = period(&script.name, args).or(script.timeout);
}

/// Seconds to the millisecond; zero is an error and counts as one second.
fn period(name: &str, args: &mut Args<'_>) -> Option<Duration> {
    const SHORTEST: Duration = Duration::from_millis(1);
    let word = args.need()?;
    let given = args.micros_in(word, 1_000_000, 0, 4_294_000_000).map(Duration::from_micros)?;
    let keyword = args.keyword;
    if given.is_zero() {
        args.error(format!("({name}): vrrp script {keyword} must be greater than 0, setting to 1"));
        return Some(Duration::from_secs(1));
    }
    if given < SHORTEST {
        args.error(format!("number '{word}' outside range [0.001, 4294]")).hint(format!("{keyword} takes a value from 0.001 to 4294"));
        return None;
    }
    Some(given)
}

fn set_count(field: &mut u32, args: &mut Args<'_>) {
    *field = args.number(1, i64::from(i32::MAX)).unwrap_or(1);
}

fn set_script_weight(script: &mut TrackScript, args: &mut Args<'_>) {
    script.weight = weight(&format!("vrrp_script {}", script.name), 253, args).unwrap_or(script.weight);
}

/// `N [reverse]`.
fn weight(owner: &str, most: i64, args: &mut Args<'_>) -> Option<Weight> {
    let value = args.number::<i32>(-most, most)?;
    let reverse = match args.word() {
        None => false,
        Some("reverse") => true,
        Some(other) => {
            args.error(format!("{owner} unknown weight option {other}")).hint("only 'reverse' may follow a weight");
            false
        }
    };
    Some(Weight { value, reverse })
}

fn weight_text(weight: Weight) -> String {
    format!("{}{}", weight.value, if weight.reverse { " reverse" } else { "" })
}

pub static FILE: Vocabulary<TrackFile> = Vocabulary::new(
    "track_file",
    &[
        live::<TrackFile>(
            "file",
            line!("PATH", "", set_path, |t, s| s.value(&t.path)),
            "required",
            "The file that holds the number; missing or empty it counts as 0.",
        )
        .may_lack(),
        live::<TrackFile>(
            "weight",
            line!("N [reverse]", "-254..254", set_file_weight, |t, s| {
                if let Some(weight) = t.weight {
                    s.text(&weight_text(weight));
                }
            }),
            "1",
            "What the number is multiplied with unless track_file says otherwise; 0 makes a number that is not 0 a fault.",
        )
        .may_lack(),
        live(
            "init_file",
            line!("[N] [overwrite]", "", set_initial, show_initial),
            "not written",
            "Create the file at start with this number, or 0; overwrite replaces one that is there.",
        ),
    ],
);

fn set_path(file: &mut TrackFile, args: &mut Args<'_>) {
    let Some(path) = args.need() else { return };
    if file.path.is_some() {
        args.error(format!("File already set for track file {} - ignoring {path}", file.name));
    } else {
        file.path = Some(path.into());
    }
}

fn set_file_weight(file: &mut TrackFile, args: &mut Args<'_>) {
    let given = weight(&format!("track_file {}", file.name), 254, args);
    set_once(&mut file.weight, given, "track file", &file.name, args);
}

/// Only the first weight counts.
fn set_once(field: &mut Option<Weight>, given: Option<Weight>, what: &str, name: &str, args: &mut Args<'_>) {
    let Some(given) = given else { return };
    if field.is_some() {
        args.error(format!("Weight already set for {what} {name} - ignoring {}", given.value));
    } else {
        *field = Some(given);
    }
}

fn set_initial(file: &mut TrackFile, args: &mut Args<'_>) {
    let mut initial = InitialValue { value: 0, overwrite: false };
    while let Some(word) = args.word() {
        if word == "overwrite" {
            initial.overwrite = true;
        } else if word.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+') {
            let Some(value) = args.number_in::<i32>(word, i64::from(i32::MIN), i64::from(i32::MAX)) else { return };
            if !(-254..=254).contains(&value) {
                let text = format!("Track file {} init value {value} is outside sensible range [-254, 254]", file.name);
                args.error(text);
            }
            initial.value = value;
        } else {
            args.error(format!("Unknown track file init option {word}")).hint("init_file [N] [overwrite]");
        }
    }
    file.initial = Some(initial);
}

fn show_initial(file: &TrackFile, shown: &mut Shown<'_>) {
    if let Some(initial) = file.initial {
        shown.text(&format!("{}{}", initial.value, if initial.overwrite { " overwrite" } else { "" }));
    }
}

pub static PROCESS: Vocabulary<TrackProcess> = Vocabulary::new(
    "vrrp_track_process",
    &[
        live(
            "process",
            line!("NAME|PATH [PARAMETER...]", "", set_process, show_process),
            "required",
            "The process to count; with parameters the command line is compared.",
        ),
        live(
            "param_match",
            line!("[initial|partial]", "", set_matching, show_matching),
            "exact, where parameters are given",
            "How parameters are compared: all, the first ones, or the first ones with a beginning of the last.",
        ),
        live(
            "weight",
            line!("N [reverse]", "-254..254", set_process_weight, |t, s| {
                if let Some(weight) = t.weight {
                    s.text(&weight_text(weight));
                }
            }),
            "0",
            "Weight that track_process uses unless it gives its own; 0 makes too few a fault.",
        ),
        live("quorum", line!("N", "1..65535", set_quorum, |t, s| s.value(&t.quorum)), "1, or 0 with quorum_max 0", "How many must run."),
        live(
            "quorum_max",
            line!("N", "0..65535", set_quorum_max, |t, s| s.value(&t.quorum_max)),
            "none",
            "How many may run; 0 for none at all.",
        ),
        live("delay", line!("SECONDS[.FRACTION]", "0.000001..3600", set_delay, |_, _| {}), "0", "Both terminate_delay and fork_delay."),
        live(
            "terminate_delay",
            line!("SECONDS[.FRACTION]", "0.000001..3600", |t, a| t.terminate_delay = delay(a).unwrap_or(t.terminate_delay), |t, s| {
                s.value(&Some(t.terminate_delay).filter(|delay| !delay.is_zero()));
            }),
            "0",
            "How long there may be too few before it counts.",
        ),
        live(
            "fork_delay",
            line!("SECONDS[.FRACTION]", "0.000001..3600", |t, a| t.fork_delay = delay(a).unwrap_or(t.fork_delay), |t, s| {
                s.value(&Some(t.fork_delay).filter(|delay| !delay.is_zero()));
            }),
            "0",
            "How long there must be enough before it counts.",
        ),
        live("full_command", flag!(full_command), "off", "Compare the first word of the command line, not the short name."),
    ],
);

fn set_process(process: &mut TrackProcess, args: &mut Args<'_>) {
    let Some(name) = args.need() else { return };
    if process.process.is_some() {
        args.error(format!("Process already set for track process {} - ignoring {name}", process.name));
        return;
    }
    process.process = Some(name.into());
    process.parameters = std::iter::from_fn(|| args.word()).map(Into::into).collect();
}

fn show_process(process: &TrackProcess, shown: &mut Shown<'_>) {
    if let Some(name) = &process.process {
        let words: Vec<String> = std::iter::once(name).chain(&process.parameters).map(|text| word(text)).collect();
        shown.text(&words.join(" "));
    }
}

fn set_matching(process: &mut TrackProcess, args: &mut Args<'_>) {
    process.matching = match args.word() {
        None => Some(ParameterMatch::Exact),
        Some("initial") => Some(ParameterMatch::Initial),
        Some("partial") => Some(ParameterMatch::Partial),
        Some(other) => {
            args.error(format!("Invalid param_match type {other} - ignoring")).hint("param_match [initial|partial]");
            return;
        }
    };
}

fn show_matching(process: &TrackProcess, shown: &mut Shown<'_>) {
    match process.matching {
        None | Some(ParameterMatch::Command) => {}
        Some(ParameterMatch::Exact) => shown.text(""),
        Some(ParameterMatch::Initial) => shown.text("initial"),
        Some(ParameterMatch::Partial) => shown.text("partial"),
    }
}

fn set_process_weight(process: &mut TrackProcess, args: &mut Args<'_>) {
    let given = weight(&format!("vrrp_track_process {}", process.name), 254, args);
    set_once(&mut process.weight, given, "track process", &process.name, args);
}

fn set_quorum(process: &mut TrackProcess, args: &mut Args<'_>) {
    let Some(quorum) = args.number::<u16>(1, 65535) else { return };
    if process.quorum_max.is_some_and(|max| quorum > max) {
        args.error("Quorum is greater than quorum_max - ignoring");
    } else {
        process.quorum = Some(quorum);
    }
}

fn set_quorum_max(process: &mut TrackProcess, args: &mut Args<'_>) {
    let Some(max) = args.number::<u16>(0, 65535) else { return };
    if max == 0 {
        // None may run: what was said of how many must is void.
        process.quorum = None;
    } else if max < process.quorum.unwrap_or(1) {
        args.error("quorum_max is less than quorum - ignoring");
        return;
    }
    process.quorum_max = Some(max);
}

fn set_delay(process: &mut TrackProcess, args: &mut Args<'_>) {
    if let Some(delay) = delay(args) {
        process.terminate_delay = delay;
        process.fork_delay = delay;
    }
}

fn delay(args: &mut Args<'_>) -> Option<Duration> {
    args.seconds(1, 3_600_000_000)
}

#[cfg(test)]
mod tests;
