//! Sync groups.

use super::command::transitions;
use super::sheet::{Sheet, yes};
use super::tracked;
use crate::model::vrrp::SyncGroup;
use crate::vrrp::view::{State, View};
use std::collections::HashMap;

pub(super) fn write(sheet: &mut Sheet, groups: &[SyncGroup], view: &View) {
    if groups.is_empty() {
        return;
    }
    sheet.section("VRRP Sync groups");
    let states: HashMap<&str, State> = view.instances.iter().map(|instance| (&*instance.name, instance.state)).collect();
    let told: HashMap<&str, State> = view.groups.iter().map(|seen| (&*seen.name, seen.state)).collect();
    for group in groups {
        // One that was never told of anything is waiting.
        let state = told.get(&*group.name).copied().unwrap_or(State::Init);
        let members = group.members.iter().filter_map(|member| states.get(&**member));
        let (mut fault, mut init) = (0_u32, 0_u32);
        for member in members {
            fault += u32::from(*member == State::Fault);
            init += u32::from(*member == State::Init);
        }
        sheet.row((" VRRP Sync Group = ", &group.name, ", ", state.name()));
        sheet.row(("   Num member fault ", fault, ", num member init ", init));
        sheet.row("   VRRP member instances :");
        for member in &group.members {
            sheet.row(("     ", member));
        }
        if group.tracking_weight {
            sheet.row("   sync group tracking weight set");
        }
        sheet.row(("   Using smtp notification = ", yes(group.smtp_alert)));
        tracked::lists(sheet, &group.trackers);
        transitions(sheet, &group.notify, None);
    }
}
