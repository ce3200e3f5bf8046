//! Why something is as it is, in plain English and with the arithmetic.

use super::clock::Clock;
use super::status::{bfd_state, kind, seconds_of, server_value};
use crate::bfd::view::SessionView;
use crate::lvs::name;
use crate::lvs::view as lvs;
use crate::model::bfd::Session;
use crate::model::lvs::{RealServer, VirtualServer};
use crate::model::vrrp::{Instance, Priority, Version};
use crate::vrrp::account::{Account, TowardsLower, Waiting};
use crate::vrrp::history::{Entry, Happening, Kind, Says, Term, Wait};
use crate::vrrp::view::State;
use crate::wire::bfd::Reason;
use serde_json::{Value, json};
use std::net::IpAddr;
use std::time::Duration;

/// The answer to `explain` about an instance.
pub fn instance(account: &Account, configured: Option<&Instance>, clock: Clock) -> Value {
    let version = configured.map_or(Version::V3, |configured| configured.version);
    let history = account.history.iter().map(|entry| {
        json!({
            "at": seconds_of(clock, entry.last),
            "first": seconds_of(clock, entry.first),
            "times": entry.times,
            "text": happening(&entry.happening, version),
        })
    });
    json!({
        "kind": "vrrp_instance",
        "name": account.view.name,
        "state": account.view.state.name(),
        "lines": lines(account, configured, clock),
        "history": history.collect::<Vec<_>>(),
    })
}

/// Everything, a line each.
pub fn lines(account: &Account, configured: Option<&Instance>, clock: Clock) -> Vec<String> {
    let view = &account.view;
    let version = configured.map_or(Version::V3, |configured| configured.version);
    let name = &view.name;
    let mut out = vec![format!("{name} is {}, for {}.", view.state.name(), age(clock.now.since(view.last_transition)))];
    if let Some(why) = because(&account.history, view.state, version) {
        out.push(format!("  It came to that when {why}."));
    }
    out.push(String::new());
    out.push("Priority:".to_owned());
    out.push(format!("  {}", sum(account)));
    out.extend(account.terms.iter().map(|found| format!("  {}", term(found))));
    out.push(String::new());
    match view.state {
        State::Master => {
            out.push("Master:".to_owned());
            let interval = configured.map_or(view.master_interval, |configured| configured.advert_interval);
            out.push(format!("  It says {} every {}, and nobody who says more is heard.", view.effective_priority, seconds(interval)));
        }
        State::Backup => backup(account, version, &mut out),
        State::Fault => fault(account, &mut out),
        State::Init => out.push("It has not begun yet.".to_owned()),
    }
    if let Some(companions) = &account.group {
        out.push(String::new());
        out.push(format!("Sync group {}: its members change state together.", companions.group));
        for member in &companions.members {
            let wish = match (member.faulty, member.wants_master, member.state) {
                (true, ..) => ", because of a fault of its own",
                (false, true, State::Backup) => ", and would be MASTER if the others would",
                (false, ..) => "",
            };
            out.push(format!("  {} is {}{wish}.", member.name, member.state.name()));
        }
    }
    out.push(String::new());
    if account.history.is_empty() {
        out.push("Nothing has happened to it since this process was started.".to_owned());
    } else {
        out.push("What happened, the oldest first:".to_owned());
    }
    for entry in &account.history {
        let times = if entry.times > 1 { format!(" ({} times)", entry.times) } else { String::new() };
        let ago = format!("{} ago", age(clock.now.since(entry.last)));
        out.push(format!("  {ago:>16}  {}{times}", happening(&entry.happening, version)));
    }
    out
}

/// What led to the state: the last thing that was not the state itself.
fn because(history: &[Entry], state: State, version: Version) -> Option<String> {
    let entered = history.iter().rposition(|entry| entry.happening == Happening::Entered(state))?;
    let before = history[..entered].iter().next_back()?;
    match before.happening {
        // It went from one state to the other without a word.
        Happening::Entered(_) => None,
        _ => Some(happening(&before.happening, version)),
    }
}

/// `base 100, script chk -20 = 80`
fn sum(account: &Account) -> String {
    let view = &account.view;
    if Priority(view.base_priority).is_owner() {
        return format!("{}: it owns the addresses, so nothing that it tracks changes its priority", view.base_priority);
    }
    let added: i32 = account.terms.iter().map(|term| term.adds).fold(0, i32::saturating_add);
    let parts =
        account.terms.iter().filter(|term| term.adds != 0).map(|term| format!(", {} {} {:+}", what(term.kind), term.name, term.adds));
    let parts: String = parts.collect();
    let total = i32::from(view.base_priority).saturating_add(added);
    let kept = if total == i32::from(view.effective_priority) {
        String::new()
    } else {
        format!(", kept between 1 and 254: {}", view.effective_priority)
    };
    if parts.is_empty() {
        return format!("base {}, and nothing is added to it", view.base_priority);
    }
    format!("base {}{parts} = {total}{kept}", view.base_priority)
}

const fn what(kind: Kind) -> &'static str {
    match kind {
        Kind::Interface => "interface",
        Kind::Script => "script",
        Kind::File => "file",
        Kind::Process => "process",
        Kind::Bfd => "BFD session",
    }
}

/// `script chk is down (weight -20): -20`
fn term(term: &Term) -> String {
    let says = match term.says {
        Says::Nothing => "has not reported yet".to_owned(),
        Says::Up => "is up".to_owned(),
        Says::Down => "is down".to_owned(),
        Says::Number(number) => format!("says {number}"),
    };
    let reverse = if term.weight.reverse { " reverse" } else { "" };
    let effect = match (term.fails, term.adds) {
        (true, _) => "a reason for FAULT".to_owned(),
        (false, 0) => "nothing".to_owned(),
        (false, adds) => format!("{adds:+}"),
    };
    format!("{} {} {says} (weight {}{reverse}): {effect}", what(term.kind), term.name, term.weight.value)
}

fn backup(account: &Account, version: Version, out: &mut Vec<String>) {
    let view = &account.view;
    out.push("Master:".to_owned());
    match view.master {
        Some(master) if view.master_priority > 0 => {
            out.push(format!("  {}, so {} is BACKUP.", compared(master, view.master_priority, view.effective_priority), view.name));
        }
        Some(master) => out.push(format!("  It was {master}; this process has not heard it yet.")),
        None => out.push("  None has been heard.".to_owned()),
    }
    let Some(Waiting { wait, left, towards_lower }) = account.waiting else { return };
    if view.master.is_some() && view.master_priority < view.effective_priority {
        out.push(match towards_lower {
            TowardsLower::TakesOver => "  It is not accepted any more: its adverts do not count.".to_owned(),
            TowardsLower::Accepts => "  It is accepted all the same, because of nopreempt.".to_owned(),
            TowardsLower::AcceptsFor(delay) => format!("  It is accepted for preempt_delay, {}.", seconds(delay)),
            TowardsLower::AcceptsStill(rest) => format!("  It is accepted for {} more, because of preempt_delay.", seconds(rest)),
        });
    }
    out.push(format!("  It may be silent for {}.", patience(&wait, version)));
    out.push(format!("  Without another advert {} becomes MASTER in {}.", view.name, seconds(left)));
}

/// `10.0.0.2 says 90, and 90 > 80`
fn compared(who: IpAddr, theirs: u8, ours: u8) -> String {
    let sign = match theirs.cmp(&ours) {
        std::cmp::Ordering::Less => '<',
        std::cmp::Ordering::Equal => '=',
        std::cmp::Ordering::Greater => '>',
    };
    format!("{who} says {theirs}, and {theirs} {sign} {ours}")
}

/// `3 x 1 s + skew 0.6875 s = 3.6875 s (skew: (256 - 80) / 256 of 1 s)`
fn patience(wait: &Wait, version: Version) -> String {
    let unit = match version {
        Version::V2 => Duration::from_secs(1),
        Version::V3 => wait.interval,
    };
    format!(
        "{} x {} + skew {} = {} (skew: (256 - {}) / 256 of {})",
        wait.adverts,
        seconds(wait.interval),
        seconds(wait.skew),
        seconds(wait.total),
        wait.priority,
        seconds(unit)
    )
}

fn fault(account: &Account, out: &mut Vec<String>) {
    out.push("Fault:".to_owned());
    out.extend(account.causes.iter().map(|cause| format!("  {cause}")));
    if account.causes.is_empty() {
        let faulty = account.group.iter().flat_map(|group| &group.members).filter(|member| member.faulty);
        let names: Vec<&str> = faulty.map(|member| &*member.name).collect();
        if names.is_empty() {
            out.push("  Every reason for it has gone; it leaves FAULT with the next event.".to_owned());
        } else {
            out.push(format!("  Nothing is wrong with it, but with {} in its sync group.", names.join(", ")));
        }
    }
}

fn happening(happening: &Happening, version: Version) -> String {
    match happening {
        Happening::Resumed => "the process had died, and this one carried on".to_owned(),
        Happening::Reloaded => "the configuration was read again".to_owned(),
        Happening::Entered(state) => format!("it entered {}", state.name()),
        Happening::Silent(wait) => format!("no advert had come for {}", patience(wait, version)),
        Happening::Resigned { master, wait } => {
            format!("{master} gave up with priority 0, so that it was waited for the skew alone, {}", seconds(*wait))
        }
        Happening::Lower { from, theirs, ours } => format!("{}: not accepted as master", compared(*from, *theirs, *ours)),
        Happening::Follows { master, theirs, ours } => format!("{}: it is the master", compared(*master, *theirs, *ours)),
        Happening::Outranked { by, theirs, ours, source } => match source {
            Some(source) if theirs == ours => {
                format!("{}, and of equals the higher address wins: {by} > {source}", compared(*by, *theirs, *ours))
            }
            Some(_) | None => format!("{}: a better master", compared(*by, *theirs, *ours)),
        },
        Happening::Answered { from, theirs, ours } => format!("{}: told it who is master", compared(*from, *theirs, *ours)),
        Happening::YieldsOwnership { to } => format!("{to} says that it owns the addresses too: gave in to it"),
        Happening::Reported(found) => term(found),
        Happening::Priority { before, after } => format!("its priority went from {before} to {after}"),
        Happening::Failed(causes) => {
            let causes: Vec<String> = causes.iter().map(ToString::to_string).collect();
            format!("there was a reason for FAULT: {}", causes.join(", "))
        }
        Happening::WithGroup { group, member, to } => format!("{member} went to {}, and sync group {group} with it", to.name()),
        Happening::HeldBack => "its sync group did not let it become MASTER".to_owned(),
        Happening::Stalled(gap) => format!("the process had not run for {}", seconds(*gap)),
    }
}

/// To the tenth of a millisecond.
fn seconds(duration: Duration) -> String {
    let text = format!("{:.4}", duration.as_secs_f64());
    format!("{} s", text.trim_end_matches('0').trim_end_matches('.'))
}

/// As people count.
pub(super) fn age(duration: Duration) -> String {
    let (whole, tenths) = (duration.as_secs(), duration.subsec_millis() / 100);
    match whole {
        0..10 => format!("{whole}.{tenths} s"),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        3600..86_400 => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{} d {} h", whole / 86_400, whole % 86_400 / 3600),
    }
}

/// The answer to `explain` about a virtual server.
pub fn virtual_server(configured: &VirtualServer, view: &lvs::ServerView) -> Value {
    let name = name::virtual_server(configured).to_string();
    let mut value = json!({ "kind": "virtual_server", "name": name, "lines": server_lines(configured, view) });
    value["status"] = server_value(configured, view);
    value
}

fn server_lines(configured: &VirtualServer, view: &lvs::ServerView) -> Vec<String> {
    let name = name::virtual_server(configured);
    let mut out = vec![format!("{name} is {}.", if view.quorum { "up" } else { "down" })];
    out.push(String::new());
    out.push("Quorum:".to_owned());
    let pairs = || configured.real_servers.iter().zip(&view.real_servers);
    let living: Vec<String> = pairs()
        .filter(|(_, real)| real.alive)
        .map(|(real, view)| format!("{} {}", name::real_server(configured, real), view.effective_weight.max(0)))
        .collect();
    out.push(format!(
        "  The weights of its living real servers: {} = {}",
        if living.is_empty() { "none".to_owned() } else { living.join(" + ") },
        view.weight
    ));
    let (quorum, hysteresis) = (u64::from(configured.quorum), u64::from(configured.hysteresis));
    out.push(if view.quorum {
        format!("  It goes down below quorum {quorum} - hysteresis {hysteresis} = {}, or at 0.", quorum.saturating_sub(hysteresis))
    } else {
        format!("  It comes up at quorum {quorum} + hysteresis {hysteresis} = {}, and not at 0.", quorum + hysteresis)
    });
    if let Some(sorry) = &configured.sorry_server {
        let stands = if view.sorry { "stands in" } else { "does not stand in" };
        out.push(format!("  The sorry server {} {stands}.", name::sorry_server(configured, sorry)));
    }
    if view.suspended {
        out.push("  It is not checked, because none of its addresses is here (ha_suspend).".to_owned());
    }
    out.push(String::new());
    out.push("Real servers:".to_owned());
    for (real, view) in pairs() {
        out.extend(real_lines(configured, real, view));
    }
    out
}

fn real_lines(server: &VirtualServer, real: &RealServer, view: &lvs::RealView) -> Vec<String> {
    let set = match view.set {
        Some(weight) => format!("in the table with weight {weight}"),
        None => "not in the table".to_owned(),
    };
    let added = view.effective_weight - i64::from(real.weight);
    let weight =
        if added == 0 { real.weight.to_string() } else { format!("{} {added:+} by checkers = {}", real.weight, view.effective_weight) };
    let up = if view.alive { "up" } else { "down" };
    let mut out = vec![format!("  {} is {up}, weight {weight}, {set}", name::real_server(server, real))];
    if real.checkers.is_empty() {
        out.push("    no checker: always up".to_owned());
    }
    for (configured, checker) in real.checkers.iter().zip(&view.checkers) {
        let verdict = match (checker.has_run, checker.up) {
            (false, true) => "has no result yet, and counts as up",
            (false, false) => "has no result yet, and counts as down",
            (true, true) => "is up",
            (true, false) => "is down",
        };
        let retries =
            if checker.retries > 0 { format!(", {} failures in a row that do not count yet", checker.retries) } else { String::new() };
        let weight = if checker.weight == 0 { String::new() } else { format!(", adds {:+}", checker.weight) };
        let status = if checker.status == 0 { String::new() } else { format!(", exit status {}", checker.status) };
        out.push(format!("    {} {verdict}{status}{weight}{retries}", kind(configured)));
    }
    out
}

/// The answer to `explain` about a BFD session.
pub fn bfd(session: &Session, view: &SessionView, clock: Clock) -> Value {
    let state = bfd_state(view.state);
    json!({ "kind": "bfd_instance", "name": session.name, "state": state, "lines": session_lines(session, view, clock) })
}

fn session_lines(session: &Session, view: &SessionView, clock: Clock) -> Vec<String> {
    let mut out = vec![format!("{} with {} is {}.", session.name, session.neighbor, bfd_state(view.state))];
    out.push(match view.last_heard {
        Some(at) => {
            format!("  The neighbour was heard {} ago, and says that it is {}.", age(clock.now.since(at)), bfd_state(view.neighbour))
        }
        None => "  The neighbour has not been heard.".to_owned(),
    });
    out.push(match view.reason {
        Reason::None => String::new(),
        Reason::Expired => "  It went down because nothing had come for too long.".to_owned(),
        Reason::Neighbour => "  It went down because the neighbour said so.".to_owned(),
        Reason::Administrator => "  It was ended here.".to_owned(),
    });
    out.retain(|line| !line.is_empty());
    if let Some(interval) = view.interval {
        out.push(format!("  A packet goes out every {} at the latest.", seconds(interval)));
    }
    if let Some(detection) = view.detection {
        let (rx, tx) = (seconds(session.min_rx), seconds(view.min_tx));
        let total = seconds(detection);
        out.push(format!("  The neighbour may be silent for {} x the longer of {rx} (ours) and {tx} (its) = {total}.", view.multiplier));
    }
    out
}

#[cfg(test)]
mod tests;
