//! What is watched: scripts, files, BFD sessions and processes.

use super::Scene;
use super::tree::{Place, Table};
use super::value::{command, count, either, integer, keepalived, micros, nth, signed, text};
use crate::model::track::ParameterMatch;
use crate::vrrp::Standing;
use crate::wire::agentx::{Oid, Value};

pub(super) fn tables(scene: &Scene) -> [Table<Scene>; 4] {
    let tracked = &scene.model.tracked;
    let vrrp = |table: u32| -> Oid { keepalived(&[2, table, 1]) };
    let rows = |many: usize| (0..many).map(|at| (Box::from([nth(at)]), [at, 0, 0]));
    [
        Table::new(&vrrp(9), &[2, 3, 4, 5, 6, 7, 8, 9], rows(tracked.scripts.len()), script),
        Table::new(&vrrp(13), &[2, 3, 4, 5, 6], rows(tracked.files.len()), file),
        Table::new(&vrrp(18), &[2, 3, 4, 5], rows(scene.model.bfd.len()), bfd),
        Table::new(&vrrp(21), &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14], rows(tracked.processes.len()), process),
    ]
}

fn script(scene: &Scene, [at, ..]: Place, column: u32) -> Option<Value> {
    let script = scene.model.tracked.scripts.get(at)?;
    let up = scene.tracking.scripts.iter().find(|seen| seen.name == script.name).and_then(|seen| seen.up.filter(|_| seen.judged));
    Some(match column {
        2 => text(&script.name),
        3 => command(&script.command),
        4 => signed(script.interval.as_secs()),
        5 => signed(script.weight.value),
        6 => integer(match up {
            Some(true) => 3,
            Some(false) => 2,
            None if script.init_fail => 5,
            None => 1,
        }),
        7 => count(script.rise),
        8 => count(script.fall),
        9 => either(script.weight.reverse),
        _ => return None,
    })
}

fn file(scene: &Scene, [at, ..]: Place, column: u32) -> Option<Value> {
    let file = scene.model.tracked.files.get(at)?;
    Some(match column {
        2 => text(&file.name),
        3 => text(&file.path.to_string_lossy()),
        4 => integer(scene.tracking.files.iter().find(|seen| seen.name == file.name).and_then(|seen| seen.value).unwrap_or_default()),
        5 => signed(file.weight.value),
        6 => either(file.weight.reverse),
        _ => return None,
    })
}

fn bfd(scene: &Scene, [at, ..]: Place, column: u32) -> Option<Value> {
    let session = scene.model.bfd.get(at)?;
    Some(match column {
        2 => text(&session.name),
        3 => integer((scene.vrrp.standings.bfd.get(&session.name) == Some(&Standing::Up)).into()),
        4 => signed(session.weight.value),
        5 => either(session.weight.reverse),
        _ => return None,
    })
}

fn process(scene: &Scene, [at, ..]: Place, column: u32) -> Option<Value> {
    let process = scene.model.tracked.processes.get(at)?;
    let seen = || scene.tracking.processes.iter().find(|seen| seen.name == process.name);
    Some(match column {
        2 => text(&process.name),
        3 => text(&process.process),
        4 if process.parameters.is_empty() => return None,
        4 => text(&process.parameters.join(" ")),
        5 => integer(match process.matching {
            None | Some(ParameterMatch::Command) => 0,
            Some(ParameterMatch::Exact) => 1,
            Some(ParameterMatch::Partial) => 2,
            Some(ParameterMatch::Initial) => 3,
        }),
        6 => signed(process.weight.value),
        7 => either(process.weight.reverse),
        8 => count(process.quorum),
        // Without one there may be any number.
        9 => process.quorum_max.map_or(integer(-1), signed),
        10 => micros(process.fork_delay),
        11 => micros(process.terminate_delay),
        12 => either(process.matching.is_some()),
        13 => signed(seen()?.count),
        14 => either(seen()?.up == Some(true)),
        _ => return None,
    })
}
