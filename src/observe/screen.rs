//! The status document as people read it: a table, and for whoever has no terminal the changes, a line each.

use super::explain::age;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// A table in the making: what stands in one column is as wide as the widest.
#[derive(Debug, Default)]
struct Table {
    rows: Vec<Vec<String>>,
    /// Lines of their own after the row of this number.
    notes: Vec<(usize, String)>,
}

impl Table {
    fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|&word| word.to_owned()).collect()], notes: Vec::new() }
    }

    fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| if cell.is_empty() { "-".to_owned() } else { clean(&cell) }).collect());
    }

    fn note(&mut self, text: &str) {
        self.notes.push((self.rows.len(), format!("    {}", clean(text))));
    }

    /// Nothing, if there is no row but the head.
    fn lines(self) -> Vec<String> {
        if self.rows.len() < 2 {
            return Vec::new();
        }
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut out = vec![String::new()];
        for (at, row) in self.rows.iter().enumerate() {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
            out.push(cells.join("  ").trim_end().to_owned());
            out.extend(self.notes.iter().filter(|(after, _)| *after == at + 1).map(|(_, note)| note.clone()));
        }
        out
    }
}

/// A terminal obeys what a name may contain.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// What is there as text; a number as such, what is absent as nothing.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value[member].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// From then to now, by the daemon's clock.
fn since(now: &Value, then: &Value) -> String {
    let ago = now.as_f64().zip(then.as_f64()).map(|(now, then)| Duration::try_from_secs_f64(now - then).unwrap_or_default());
    ago.map(age).unwrap_or_default()
}

/// The whole status.
pub fn table(status: &Value) -> Vec<String> {
    let daemon = &status["daemon"];
    let now = &daemon["now"];
    let mut out = vec![
        clean(&format!(
            "standfast {}, pid {}, {} for {}",
            text(&daemon["version"]),
            text(&daemon["pid"]),
            text(&daemon["state"]),
            since(now, &daemon["since"])
        )),
        clean(&format!("Configuration {}", text(&daemon["configuration"]))),
    ];
    if daemon["reload"].is_object() {
        let reload = &daemon["reload"];
        let reason = if reload["reason"].is_null() { String::new() } else { format!(": {}", text(&reload["reason"])) };
        out.push(clean(&format!("Last reload {}, {} ago{reason}", text(&reload["result"]), since(now, &reload["at"]))));
    }
    out.extend(processes(status, now).lines());
    out.extend(instances(&status["vrrp"], now).lines());
    let mut groups = Table::new(&["SYNC GROUP", "STATE", "MEMBERS"]);
    for group in list(&status["vrrp"], "groups") {
        let members: Vec<String> = list(group, "members").iter().map(text).collect();
        groups.row([text(&group["name"]), text(&group["state"]), members.join(" ")]);
    }
    out.extend(groups.lines());
    out.extend(servers(&status["checkers"]).lines());
    let mut sessions = Table::new(&["BFD SESSION", "STATE", "NEIGHBOR"]);
    for session in list(&status["bfd"], "sessions") {
        sessions.row([text(&session["name"]), text(&session["state"]), text(&session["neighbor"])]);
    }
    out.extend(sessions.lines());
    out
}

fn processes(status: &Value, now: &Value) -> Table {
    let mut table = Table::new(&["PROCESS", "PID", "STATE", "FOR", "STARTS"]);
    for process in list(status, "processes") {
        let name = text(&process["name"]);
        table.row([name, text(&process["pid"]), text(&process["state"]), since(now, &process["since"]), text(&process["starts"])]);
        if let Some(problem) = problem(process) {
            table.note(&problem);
        }
    }
    table
}

/// What is wrong with a process.
fn problem(process: &Value) -> Option<String> {
    match (process["pid"].is_null(), process["answers"] == true) {
        (false, true) => None,
        (false, false) => Some("does not answer: what it does is not shown".to_owned()),
        (true, _) => Some(match process["starts_in"].as_f64() {
            Some(rest) if rest > 0.0 => format!("is started again in {rest:.1} s"),
            Some(_) | None => "is not there".to_owned(),
        }),
    }
}

fn instances(vrrp: &Value, now: &Value) -> Table {
    let mut table = Table::new(&["INSTANCE", "STATE", "FOR", "PRIORITY", "MASTER", "INTERFACE", "VRID", "ADDRESSES"]);
    for instance in list(vrrp, "instances") {
        let priority = &instance["priority"];
        let both = if priority["configured"] == priority["effective"] {
            text(&priority["effective"])
        } else {
            format!("{} (of {})", text(&priority["effective"]), text(&priority["configured"]))
        };
        let master = match text(&instance["master"]) {
            master if master.is_empty() => master,
            master => format!("{master} ({})", text(&priority["master"])),
        };
        let addresses = list(instance, "addresses");
        let more = match addresses.len().saturating_add(list(instance, "excluded").len()) {
            0 | 1 => String::new(),
            several => format!(" and {} more", several - 1),
        };
        let first = addresses.first().or_else(|| list(instance, "excluded").first()).map(text).unwrap_or_default();
        table.row([
            text(&instance["name"]),
            text(&instance["state"]),
            since(now, &instance["since"]),
            both,
            master,
            text(&instance["interface"]),
            text(&instance["vrid"]),
            format!("{first}{more}"),
        ]);
        for fault in list(instance, "faults") {
            table.note(&text(fault));
        }
    }
    table
}

fn living(server: &Value) -> (usize, usize) {
    let reals = list(server, "real_servers");
    (reals.iter().filter(|real| real["up"] == true).count(), reals.len())
}

fn state_of(server: &Value) -> &'static str {
    match (server["up"] == true, server["sorry"] == true, server["suspended"] == true) {
        (_, _, true) => "suspended",
        (true, ..) => "up",
        (false, true, _) => "sorry server",
        (false, false, _) => "down",
    }
}

fn servers(checkers: &Value) -> Table {
    let mut table = Table::new(&["VIRTUAL SERVER", "STATE", "REAL SERVERS", "WEIGHT", "QUORUM"]);
    for server in list(checkers, "virtual_servers") {
        let (up, all) = living(server);
        let weights = [&server["weight"], &server["quorum"]].map(text);
        table.row([text(&server["name"]), state_of(server).to_owned(), format!("{up} of {all} up")].into_iter().chain(weights));
        for real in list(server, "real_servers").iter().filter(|real| real["up"] != true) {
            let failed = list(real, "checkers").iter().filter(|checker| checker["up"] != true).map(|checker| text(&checker["kind"]));
            table.note(&format!("{} is down: {}", text(&real["name"]), failed.collect::<Vec<_>>().join(", ")));
        }
    }
    table
}

/// What is worth a line when it changes, by what it is about.
pub fn facts(status: &Value) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    let mut put = |kind: &str, name: &Value, fact: String| drop(facts.insert(clean(&format!("{kind} {}", text(name))), clean(&fact)));
    let daemon = &status["daemon"];
    let reload = &daemon["reload"];
    if reload.is_object() {
        let reason = if reload["reason"].is_null() { String::new() } else { format!(": {}", text(&reload["reason"])) };
        put(
            "last",
            &"reload".into(),
            format!("{} at {}{reason}", text(&reload["result"]), reload["at"].as_f64().map(stamp).unwrap_or_default()),
        );
    }
    for process in list(status, "processes") {
        let fact = problem(process).map(|problem| format!("{} {problem}", text(&process["state"])));
        // When it is started again is told when it is.
        let fact = if process["pid"].is_null() { Some(text(&process["state"])) } else { fact };
        put("process", &process["name"], fact.unwrap_or_else(|| format!("{}, pid {}", text(&process["state"]), text(&process["pid"]))));
    }
    for instance in list(&status["vrrp"], "instances") {
        let faults: Vec<String> = list(instance, "faults").iter().map(text).collect();
        let because = if faults.is_empty() { String::new() } else { format!(": {}", faults.join(", ")) };
        let master = match text(&instance["master"]) {
            master if master.is_empty() || instance["state"] != "BACKUP" => String::new(),
            master => format!(", master {master}"),
        };
        let fact = format!("{}, priority {}{master}{because}", text(&instance["state"]), text(&instance["priority"]["effective"]));
        put("instance", &instance["name"], fact);
    }
    for group in list(&status["vrrp"], "groups") {
        put("sync group", &group["name"], text(&group["state"]));
    }
    for server in list(&status["checkers"], "virtual_servers") {
        let (up, all) = living(server);
        put("virtual server", &server["name"], format!("{}, {up} of {all} real servers up", state_of(server)));
    }
    for session in list(&status["bfd"], "sessions") {
        put("BFD session", &session["name"], text(&session["state"]));
    }
    facts
}

/// What has changed, a line each.
pub fn changes(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let gone = before.keys().filter(|about| !after.contains_key(*about)).map(|about| format!("{about}: gone"));
    let new = after.iter().filter(|(about, fact)| before.get(*about) != Some(fact)).map(|(about, fact)| format!("{about}: {fact}"));
    gone.chain(new).collect()
}

/// Seconds since 1970 as a date and time, in UTC.
pub fn stamp(seconds: f64) -> String {
    let whole = Duration::try_from_secs_f64(seconds).unwrap_or_default().as_secs();
    let (days, rest) = (whole / 86_400, whole % 86_400);
    // Eras of 400 years from the 1st of March of the year 0 (Howard Hinnant's algorithm).
    let day = days + 719_468;
    let (era, of_era) = (day / 146_097, day % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let date = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{date:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest % 3600 / 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn status(state: &str, up: bool) -> Value {
        json!({
            "daemon": { "version": "1.0", "pid": 7, "since": 1000.0, "now": 1123.5, "state": "running", "configuration": "/k.conf",
                "reload": { "at": 1060.0, "result": "refused", "reason": "no\u{1b}[2J file" } },
            "processes": [
                { "name": "vrrp", "pid": 8, "state": "running", "since": 1000.0, "starts": 1, "answers": true },
                { "name": "checkers", "pid": 9, "state": "running", "since": 1120.0, "starts": 3, "answers": false },
                { "name": "bfd", "pid": null, "state": "restarting", "since": null, "starts": 2, "starts_in": 3.25, "answers": false },
            ],
            "vrrp": {
                "instances": [{ "name": "VI_1", "state": state, "since": 1122.5, "vrid": 51, "interface": "e0", "master": "10.0.0.2",
                    "priority": { "configured": 100, "effective": 80, "master": 90 }, "faults": ["script chk fails"],
                    "addresses": ["10.0.0.50/24", "10.0.0.51/24"], "excluded": ["10.0.0.52/32"] }],
                "groups": [{ "name": "G", "state": state, "members": ["VI_1", "VI_2"] }],
            },
            "checkers": { "virtual_servers": [{ "name": "[10.0.0.1]:tcp:80", "up": true, "sorry": false, "suspended": false, "weight": 1,
                "quorum": 1, "real_servers": [{ "name": "[10.0.0.11]:tcp:80", "up": true, "checkers": [] },
                { "name": "[10.0.0.12]:tcp:80", "up": up, "checkers": [{ "kind": "TCP_CHECK", "up": up }] }] }] },
            "bfd": null,
        })
    }

    #[test]
    fn the_table_tells_all_that_matters_and_obeys_no_name() {
        let lines = table(&status("FAULT", false));
        let want = "standfast 1.0, pid 7, running for 2 min 3 s
Configuration /k.conf
Last reload refused, 1 min 3 s ago: no?[2J file

PROCESS   PID  STATE       FOR        STARTS
vrrp      8    running     2 min 3 s  1
checkers  9    running     3.5 s      3
    does not answer: what it does is not shown
bfd       -    restarting  -          2
    is started again in 3.2 s

INSTANCE  STATE  FOR    PRIORITY     MASTER         INTERFACE  VRID  ADDRESSES
VI_1      FAULT  1.0 s  80 (of 100)  10.0.0.2 (90)  e0         51    10.0.0.50/24 and 2 more
    script chk fails

SYNC GROUP  STATE  MEMBERS
G           FAULT  VI_1 VI_2

VIRTUAL SERVER     STATE  REAL SERVERS  WEIGHT  QUORUM
[10.0.0.1]:tcp:80  up     1 of 2 up     1       1
    [10.0.0.12]:tcp:80 is down: TCP_CHECK";
        assert_eq!(lines.join("\n"), want);
        // Whatever is missing, there is something to show.
        assert!(!table(&Value::Null).is_empty());
    }

    #[test]
    fn changes_are_told_once_and_what_has_not_changed_is_not() {
        let (before, after) = (facts(&status("BACKUP", false)), facts(&status("MASTER", true)));
        let want = [
            "instance VI_1: MASTER, priority 80: script chk fails",
            "sync group G: MASTER",
            "virtual server [10.0.0.1]:tcp:80: up, 2 of 2 real servers up",
        ];
        assert_eq!(changes(&before, &after), want);
        assert_eq!(changes(&after, &after), Vec::<String>::new());
        assert_eq!(changes(&BTreeMap::from([("x".to_owned(), "y".to_owned())]), &BTreeMap::new()), ["x: gone"]);
        assert_eq!(before["instance VI_1"], "BACKUP, priority 80, master 10.0.0.2: script chk fails");
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, want) in [
            (0.0, "1970-01-01T00:00:00Z"),
            (951_782_399.9, "2000-02-28T23:59:59Z"),
            (951_782_400.0, "2000-02-29T00:00:00Z"),
            (1_709_251_199.0, "2024-02-29T23:59:59Z"),
            (1_798_761_599.0, "2026-12-31T23:59:59Z"),
            (4_107_542_400.0, "2100-03-01T00:00:00Z"),
            (-1.0, "1970-01-01T00:00:00Z"),
        ] {
            assert_eq!(stamp(seconds), want, "{seconds}");
        }
    }
}
