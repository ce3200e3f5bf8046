//! The commands that ask a running daemon, and what they speak.

mod connection;
pub(super) mod protocol;
mod watch;

use crate::cli::{About, Inquiry};
use crate::observe::screen;
use connection::{Connection, Failed};
use protocol::Request;
use serde_json::Value;
use std::io::{ErrorKind, Write as _};

/// Exit statuses, as docs/CONTROL.md has them.
const GOOD: u8 = 0;
/// It was not done, or there is no such thing.
const REFUSED: u8 = 1;
/// A process of the daemon does not answer or is not there.
const IN_PART: u8 = 2;
/// As `systemctl status` says it.
const NOT_RUNNING: u8 = 3;
const FORBIDDEN: u8 = 4;
/// This daemon cannot do that.
const UNABLE: u8 = 5;

/// Asks, prints, and returns the exit status.
pub(super) fn run(inquiry: &Inquiry) -> u8 {
    let asked = match &inquiry.about {
        About::Status => status(inquiry),
        About::Watch => watch::run(&inquiry.whom),
        About::Explain(name) => explain(inquiry, name),
        About::Reload { force } => reload(inquiry, *force),
        About::Plan { force } => plan(inquiry, *force),
        About::Upgrade => upgrade(inquiry),
    };
    asked.unwrap_or_else(|failed| {
        eprintln!("standfast: {failed}");
        match failed {
            Failed::NotRunning(_) => NOT_RUNNING,
            Failed::Forbidden(_) => FORBIDDEN,
            Failed::Refused { code: "forbidden", .. } => FORBIDDEN,
            Failed::Refused { code: "unknown" | "stranger", .. } => UNABLE,
            Failed::Refused { .. } | Failed::Broken(_) | Failed::Several(_) => REFUSED,
        }
    })
}

/// A reader that closes its end early (`| head`) is no failure.
fn say(text: &str) -> Result<(), Failed> {
    match std::io::stdout().write_all(text.as_bytes()).and_then(|()| std::io::stdout().flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failed::Broken(error.to_string())),
    }
}

fn status(inquiry: &Inquiry) -> Result<u8, Failed> {
    let answer = Connection::open(&inquiry.whom)?.ask(&Request::Status)?;
    let status = &answer.value["status"];
    if inquiry.json {
        say(&answer.text)?;
    } else {
        say(&(screen::table(status).join("\n") + "\n"))?;
    }
    let whole = status["processes"].as_array().is_some_and(|processes| processes.iter().all(|process| process["answers"] == true));
    Ok(if whole { GOOD } else { IN_PART })
}

fn explain(inquiry: &Inquiry, name: &str) -> Result<u8, Failed> {
    let answer = Connection::open(&inquiry.whom)?.ask(&Request::Explain(name.into()))?;
    let parts = ["vrrp", "checkers", "bfd"].map(|part| &answer.value[part]);
    let found: Vec<&Value> = parts.into_iter().filter(|part| part.is_object()).collect();
    if inquiry.json {
        say(&answer.text)?;
    } else {
        let texts = found.iter().map(|part| {
            let lines = part["lines"].as_array().into_iter().flatten().filter_map(Value::as_str);
            lines.map(|line| format!("{line}\n")).collect::<String>()
        });
        say(&texts.collect::<Vec<_>>().join("\n"))?;
    }
    if !found.is_empty() {
        return Ok(GOOD);
    }
    let silent: Vec<&str> = answer.value["unanswered"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if silent.is_empty() {
        eprintln!("standfast: there is no instance, virtual server or BFD session {name}");
        return Ok(REFUSED);
    }
    eprintln!("standfast: of {name} nothing is known while these processes do not answer: {}", silent.join(", "));
    Ok(IN_PART)
}

fn reload(inquiry: &Inquiry, force: bool) -> Result<u8, Failed> {
    Connection::open(&inquiry.whom)?.ask(&Request::Reload { force })?;
    say("Reload complete\n")?;
    Ok(GOOD)
}

fn upgrade(inquiry: &Inquiry) -> Result<u8, Failed> {
    Connection::open(&inquiry.whom)?.ask(&Request::Upgrade)?;
    say("Upgrade complete\n")?;
    Ok(GOOD)
}

fn plan(inquiry: &Inquiry, force: bool) -> Result<u8, Failed> {
    let answer = Connection::open(&inquiry.whom)?.ask(&Request::Plan { force })?;
    if inquiry.json {
        say(&answer.text)?;
    } else {
        let lines = answer.value["plan"]["lines"].as_array().into_iter().flatten().filter_map(Value::as_str);
        say(&lines.map(|line| format!("{line}\n")).collect::<String>())?;
    }
    Ok(if answer.value["plan"]["refused"].is_null() { GOOD } else { REFUSED })
}
