//! What instances and groups watch.

use super::command::command;
use super::sheet::{Sheet, seconds};
use super::words::{Put, Shown, show};
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
            sheet.row(("   Tracked ", title, " :"));
        }
        for tracker in list {
            sheet.row(("     ", &tracker.name, between, " weight ", weight(tracker.weight)));
        }
    }
}

pub(super) const fn weight(weight: Weight) -> Weighed {
    Weighed(weight)
}

pub(super) struct Weighed(Weight);

impl Put for Weighed {
    fn put(&self, out: &mut String) {
        (self.0.value, if self.0.reverse { " reverse" } else { "" }).put(out);
    }
}

impl Display for Weighed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self, f)
    }
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
        sheet.row((" VRRP Script = ", name));
        sheet.row(("   Command = ", command(run)));
        sheet.row(("   Interval = ", Shown(time(*interval))));
        // Without one a run has until the next.
        sheet.row(("   Timeout = ", Shown(time(if timeout == interval { Duration::ZERO } else { *timeout }))));
        sheet.row(("   Weight = ", weight(*weighs)));
        sheet.row(("   Rise = ", rise));
        sheet.row(("   Fall = ", fall));
        sheet.row(("   Result = ", result(script, view)));
        sheet.row("   Insecure = no");
        sheet.row((
            "   Init state = ",
            match (view.judged, init_fail) {
                (true, _) => "unknown",
                (false, false) => "INIT",
                (false, true) => "INIT_FAILED",
            },
        ));
        sheet.row(("   Status = ", if view.up == Some(true) { "GOOD" } else { "BAD" }));
        sheet.row(("   Script uid:gid = ", run.uid, ":", run.gid));
        sheet.row("   VRRP instances :");
        watching(sheet, watchers.scripts.get(&**name));
        sheet.row((
            "   State = ",
            match view.stage {
                Stage::Idle => "idle",
                Stage::Running => "running",
                Stage::Ending => "requested termination",
                Stage::Stuck => "forcing termination",
            },
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
        sheet.row((" Track file = ", &file.name));
        sheet.row(("   File = ", Shown(file.path.display())));
        sheet.row(("   Status = ", view.value.unwrap_or(0)));
        sheet.row(("   Weight = ", weight(file.weight)));
        watching(sheet, watchers.files.get(&*file.name));
    }
}

fn processes(sheet: &mut Sheet, model: &Model, views: &[ProcessView], watchers: &Watchers<'_>) {
    let mut begun = false;
    for process in &model.tracked.processes {
        let Some(view) = views.iter().find(|view| view.name == process.name) else { continue };
        section(sheet, "VRRP Track processes", &mut begun);
        sheet.row((" VRRP Track process = ", &process.name));
        sheet.row(("   Process = ", &process.process));
        if !process.parameters.is_empty() {
            sheet.row(("   Parameters = ", &*process.parameters.join(" ")));
        }
        if let Some(matching) = process.matching.filter(|matching| *matching != ParameterMatch::Command) {
            let how = match matching {
                ParameterMatch::Exact | ParameterMatch::Command => "",
                ParameterMatch::Initial => " initial",
                ParameterMatch::Partial => " partial",
            };
            sheet.row(("   Param match", how));
        }
        sheet.row(("   Min processes = ", process.quorum));
        if let Some(most) = process.quorum_max {
            sheet.row(("   Max processes = ", most));
        }
        sheet.row(("   Current processes = ", view.count));
        sheet.row(("   Have quorum = ", view.up == Some(true)));
        sheet.row(("   Weight = ", weight(process.weight)));
        delays(sheet, process, view);
        sheet.row(("   Full command = ", process.matching.is_some()));
        watching(sheet, watchers.processes.get(&*process.name));
    }
}

fn delays(sheet: &mut Sheet, process: &TrackProcess, view: &ProcessView) {
    let running = |which: bool| if view.turns.is_some() && which { "running" } else { "not running" };
    let enough = view.up == Some(true);
    sheet.row(("   Terminate delay = ", seconds(process.terminate_delay), "s"));
    sheet.row(("   Fork delay = ", seconds(process.fork_delay), "s"));
    sheet.row(("   Fork delay timer ", running(!enough)));
    sheet.row(("   Terminate delay timer ", running(enough)));
}

fn bfd(sheet: &mut Sheet, model: &Model, standings: &Standings, watchers: &Watchers<'_>) {
    let mut begun = false;
    for session in model.bfd.iter().filter(|session| session.tells_vrrp) {
        section(sheet, "VRRP Track BFDs", &mut begun);
        let up = standings.bfd.get(&session.name) == Some(&Standing::Up);
        sheet.row((" VRRP Track BFD = ", &session.name));
        sheet.row(("   Weight = ", weight(session.weight)));
        sheet.row(("   Bfd is ", if up { "up" } else { "down" }));
        sheet.row("   Tracking VRRP instances :");
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
    sheet.row("   Tracking instances :");
    for (name, weighs) in who.into_iter().flatten() {
        sheet.row(("     ", name, ", weight ", weight(*weighs)));
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
