//! Addresses, routes and rules that are there from start to stop.

use super::address::{Home, address};
use super::route::route;
use super::rule::rule;
use super::sheet::Sheet;
use super::words::Shown;
use crate::model::net::{Static, Statics};

/// `is_there` tells of an address whether the machine has it.
pub(super) fn write(sheet: &mut Sheet, statics: &Statics, default: Option<&str>, is_there: impl Fn(std::net::IpAddr) -> bool) {
    let home = default.map(|name| Home { name, base: None });
    if !statics.addresses.is_empty() {
        sheet.section("Static Addresses");
        for Static { object, group } in &statics.addresses {
            let shown = address(object, home, group.as_deref(), is_there(object.prefix.address));
            sheet.row(("     ", shown));
        }
    }
    if !statics.routes.is_empty() {
        sheet.section("Static Routes");
        for Static { object, group } in &statics.routes {
            sheet.row(("     ", Shown(route(object, group.as_deref(), None))));
        }
    }
    if !statics.rules.is_empty() {
        sheet.section("Static Rules");
        for Static { object, group } in &statics.rules {
            sheet.row(("     ", Shown(rule(object, group.as_deref()))));
        }
    }
    if !statics.groups.is_empty() {
        sheet.section("Static Track groups");
        for group in &statics.groups {
            sheet.row((" Static Track Group = ", &group.name));
            sheet.row("   VRRP member instances :");
            for member in &group.members {
                sheet.row(("     ", member));
            }
        }
    }
}
