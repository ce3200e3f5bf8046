//! On a kernel that has IPVS: stories that are told inside a guest (see [`guest`]).

mod balancer;
mod carrier;
mod checks;
mod counted;
mod crash;
mod daemon;
mod guest;
mod load;
mod marks;
mod place;
mod reload;
mod routes;
mod snmp;
mod table;
mod upgrade;
mod wait;
mod writes;

use guest::Story;

/// All that a guest can be asked for.
const STORIES: &[&[Story]] = &[
    table::WITHOUT,
    table::STORIES,
    table::LARGE,
    balancer::STORIES,
    reload::STORIES,
    crash::STORIES,
    crash::WITHOUT,
    upgrade::STORIES,
    checks::STORIES,
    checks::ROOM,
    marks::STORIES,
    carrier::STORIES,
    routes::STORIES,
    snmp::STORIES,
    counted::STORIES,
];

#[test]
fn the_table_of_the_kernel_is_as_we_hold_it() {
    guest::tell(&[table::WITHOUT, crash::WITHOUT, table::STORIES].concat());
}

#[test]
fn a_large_table_comes_and_goes() {
    guest::tell(table::LARGE);
}

#[test]
fn clients_of_the_balancer_notice_nothing() {
    guest::tell_at_once(balancer::STORIES);
}

#[test]
fn the_daemon_keeps_the_table_in_order() {
    guest::tell_at_once(&[reload::STORIES, checks::STORIES].concat());
}

#[test]
fn netlink_sockets_of_the_balancer_have_as_much_room_as_configured() {
    guest::tell(checks::ROOM);
}

#[test]
fn the_table_outlives_a_crash() {
    guest::tell_at_once(&[crash::STORIES, upgrade::STORIES].concat());
}

#[test]
fn virtual_routers_live_on_what_there_is() {
    guest::tell(carrier::STORIES);
}

#[test]
fn groups_are_served_where_packets_cannot_be_marked() {
    guest::tell(marks::STORIES);
}

#[test]
fn routes_lead_where_this_kernel_cannot() {
    guest::tell(routes::STORIES);
}

#[test]
fn snmp_shows_what_keepalived_s_does() {
    guest::tell(snmp::STORIES);
}

#[test]
fn metrics_have_what_the_kernel_has_counted() {
    guest::tell(counted::STORIES);
}

#[test]
#[ignore = "it is run by guests, as their first process"]
fn inside() {
    guest::inside(&STORIES.concat());
}
