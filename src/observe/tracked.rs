//! What instances and groups watch.

use super::command::command;
use super::sheet::Sheet;
use crate::model::Model;
use crate::model::track::{ParameterMatch, TrackProcess, TrackScript, Tracker, Trackers, Weight};
use crate::model::vrrp::{Instance, SyncGroup};
use crate::track::view::{FileView, ProcessView, ScriptView, Stage, View};
use crate::vrrp::Standing;
use crate::vrrp::view::Standings;
use std::collections::HashMap;
use std::fmt::{self, Display};
use std::time::Duration;

/// All that an instance or a group watches itself.
pub(super) fn lists(sheet: &mut Sheet, trackers: &Trackers) {
    let Trackers { interfaces, scripts, files, processes, bfd } = trackers;
    for (title, list, between) in
        [("interfaces", interfaces, ""), ("scripts", scripts, ""), ("files", files, ","), ("processes", processes, ","), ("BFDs", bfd, ":")]
    {
        if !list.is_empty() {
            sheet.line(format_args!("   Tracked {title} :"));
        }
        for tracker in list {
            sheet.line(format_args!("     {}{between} weight {}", tracker.name, weight(tracker.weight)));
        }
    }
}

pub(super) fn weight(weight: Weight) -> impl Display {
    fmt::from_fn(move |f| write!(f, "{}{}", weight.value, if weight.reverse { " reverse" } else { "" }))
}

/// Everything that can be tracked by name, with what it is now and who watches it.
pub(super) fn write(sheet: &mut Sheet, model: &Model, view: &View, standings: &Standings) {
    let watchers = Watchers::of(model);
    scripts(sheet, model, &view.scripts, &watchers);
    files(sheet, model, &view.files, &watchers);
    processes(sheet, model, &view.processes, &watchers);
    bfd(sheet, model, standings, &watchers);
}

/// Whose section it is, once there is something in it.
fn section(sheet: &mut Sheet, title: &str, begun: &mut bool) {
    if !std::mem::replace(begun, true) {
        sheet.section(title);
    }
}

fn scripts(sheet: &mut Sheet, model: &Model, views: &[ScriptView], watchers: &Watchers<'_>) {
    let mut begun = false;
    for script in &model.tracked.scripts {
        let Some(view) = views.iter().find(|view| view.name == script.name) else { continue };
        section(sheet, "VRRP Scripts", &mut begun);
        let TrackScript { name, command: run, interval, timeout, weight: weighs, rise, fall, init_fail } = script;
        sheet.line(format_args!(" VRRP Script = {name}"));
        sheet.line(format_args!("   Command = {}", command(run)));
        sheet.line(format_args!("   Interval = {}", time(*interval)));
        // Without one a run has until the next.
        sheet.line(format_args!("   Timeout = {}", time(if timeout == interval { Duration::ZERO } else { *timeout })));
        sheet.line(format_args!("   Weight = {}", weight(*weighs)));
        sheet.line(format_args!("   Rise = {rise}"));
        sheet.line(format_args!("   Fall = {fall}"));
        sheet.line(format_args!("   Result = {}", result(script, view)));
        sheet.line(format_args!("   Insecure = no"));
        sheet.line(format_args!(
            "   Init state = {}",
            match (view.judged, init_fail) {
                (true, _) => "unknown",
                (false, false) => "INIT",
                (false, true) => "INIT_FAILED",
            }
        ));
        sheet.line(format_args!("   Status = {}", if view.up == Some(true) { "GOOD" } else { "BAD" }));
        sheet.line(format_args!("   Script uid:gid = {}:{}", run.uid, run.gid));
        sheet.line(format_args!("   VRRP instances :"));
        watching(sheet, watchers.scripts.get(&**name));
        sheet.line(format_args!(
            "   State = {}",
            match view.stage {
                Stage::Idle => "idle",
                Stage::Running => "running",
                Stage::Ending => "requested termination",
                Stage::Stuck => "forcing termination",
            }
        ));
    }
}

/// The one number that keepalived counts with: from 0 up to one less than both thresholds together, good from `rise` on.
fn result(script: &TrackScript, view: &ScriptView) -> u32 {
    match view.up {
        Some(true) => (script.rise + script.fall).saturating_sub(1).saturating_sub(view.contrary),
        Some(false) => view.contrary,
        None => 0,
    }
}

fn time(duration: Duration) -> impl Display {
    fmt::from_fn(move |f| match duration.subsec_millis() {
        0 => write!(f, "{} sec", duration.as_secs()),
        millis => write!(f, "{}.{millis:03} sec", duration.as_secs()),
    })
}

fn files(sheet: &mut Sheet, model: &Model, views: &[FileView], watchers: &Watchers<'_>) {
    let mut begun = false;
    for file in &model.tracked.files {
        let Some(view) = views.iter().find(|view| view.name == file.name) else { continue };
        section(sheet, "VRRP Track files", &mut begun);
        sheet.line(format_args!(" Track file = {}", file.name));
        sheet.line(format_args!("   File = {}", file.path.display()));
        sheet.line(format_args!("   Status = {}", view.value.unwrap_or(0)));
        sheet.line(format_args!("   Weight = {}", weight(file.weight)));
        watching(sheet, watchers.files.get(&*file.name));
    }
}

fn processes(sheet: &mut Sheet, model: &Model, views: &[ProcessView], watchers: &Watchers<'_>) {
    let mut begun = false;
    for process in &model.tracked.processes {
        let Some(view) = views.iter().find(|view| view.name == process.name) else { continue };
        section(sheet, "VRRP Track processes", &mut begun);
        sheet.line(format_args!(" VRRP Track process = {}", process.name));
        sheet.line(format_args!("   Process = {}", process.process));
        if !process.parameters.is_empty() {
            sheet.line(format_args!("   Parameters = {}", process.parameters.join(" ")));
        }
        if let Some(matching) = process.matching.filter(|matching| *matching != ParameterMatch::Command) {
            let how = match matching {
                ParameterMatch::Exact | ParameterMatch::Command => "",
                ParameterMatch::Initial => " initial",
                ParameterMatch::Partial => " partial",
            };
            sheet.line(format_args!("   Param match{how}"));
        }
        sheet.line(format_args!("   Min processes = {}", process.quorum));
        if let Some(most) = process.quorum_max {
            sheet.line(format_args!("   Max processes = {most}"));
        }
        sheet.line(format_args!("   Current processes = {}", view.count));
        sheet.line(format_args!("   Have quorum = {}", view.up == Some(true)));
        sheet.line(format_args!("   Weight = {}", weight(process.weight)));
        delays(sheet, process, view);
        sheet.line(format_args!("   Full command = {}", process.matching.is_some()));
        watching(sheet, watchers.processes.get(&*process.name));
    }
}

fn delays(sheet: &mut Sheet, process: &TrackProcess, view: &ProcessView) {
    let running = |which: bool| if view.turns.is_some() && which { "running" } else { "not running" };
    let enough = view.up == Some(true);
    sheet.line(format_args!("   Terminate delay = {}s", super::sheet::seconds(process.terminate_delay)));
    sheet.line(format_args!("   Fork delay = {}s", super::sheet::seconds(process.fork_delay)));
    sheet.line(format_args!("   Fork delay timer {}", running(!enough)));
    sheet.line(format_args!("   Terminate delay timer {}", running(enough)));
}

fn bfd(sheet: &mut Sheet, model: &Model, standings: &Standings, watchers: &Watchers<'_>) {
    let mut begun = false;
    for session in model.bfd.iter().filter(|session| session.tells_vrrp) {
        section(sheet, "VRRP Track BFDs", &mut begun);
        let up = standings.bfd.get(&session.name) == Some(&Standing::Up);
        sheet.line(format_args!(" VRRP Track BFD = {}", session.name));
        sheet.line(format_args!("   Weight = {}", weight(session.weight)));
        sheet.line(format_args!("   Bfd is {}", if up { "up" } else { "down" }));
        sheet.line(format_args!("   Tracking VRRP instances :"));
        watching(sheet, watchers.bfd.get(&*session.name));
    }
}

/// Who watches what, by the name of what is watched: an instance with a weight each.
#[derive(Debug, Default)]
struct Watchers<'a> {
    scripts: Watching<'a>,
    files: Watching<'a>,
    processes: Watching<'a>,
    bfd: Watching<'a>,
}

type Watching<'a> = HashMap<&'a str, Vec<(&'a str, Weight)>>;

impl<'a> Watchers<'a> {
    fn of(model: &'a Model) -> Self {
        let mut watchers = Self::default();
        let groups = groups(model);
        for instance in &model.vrrp.instances {
            let group = groups.get(&*instance.name).copied();
            let mut note = |list: fn(&Trackers) -> &Vec<Tracker>, pick: fn(&mut Self) -> &mut Watching<'a>| {
                for tracker in joined(instance, group, list) {
                    pick(&mut watchers).entry(&tracker.name).or_default().push((&instance.name, tracker.weight));
                }
            };
            note(|trackers| &trackers.scripts, |watchers| &mut watchers.scripts);
            note(|trackers| &trackers.files, |watchers| &mut watchers.files);
            note(|trackers| &trackers.processes, |watchers| &mut watchers.processes);
            note(|trackers| &trackers.bfd, |watchers| &mut watchers.bfd);
        }
        watchers
    }
}

fn watching(sheet: &mut Sheet, who: Option<&Vec<(&str, Weight)>>) {
    sheet.line(format_args!("   Tracking instances :"));
    for (name, weighs) in who.into_iter().flatten() {
        sheet.line(format_args!("     {name}, weight {}", weight(*weighs)));
    }
}

/// The group of each member.
pub(super) fn groups(model: &Model) -> HashMap<&str, &SyncGroup> {
    model.vrrp.groups.iter().flat_map(|group| group.members.iter().map(move |member| (&**member, group))).collect()
}

/// The trackers of one kind, those of the group after the instance's own.
pub(super) fn joined<'a>(
    instance: &'a Instance,
    group: Option<&'a SyncGroup>,
    list: fn(&Trackers) -> &Vec<Tracker>,
) -> impl Iterator<Item = &'a Tracker> {
    let own = list(&instance.trackers);
    let of_group = group.into_iter().flat_map(move |group| list(&group.trackers));
    own.iter().chain(of_group.filter(|tracker| own.iter().all(|mine| mine.name != tracker.name)))
}
