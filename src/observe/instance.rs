//! One virtual router.

use super::address::{Home, address};
use super::clock::Clock;
use super::command::{deleted, transitions, with_user};
use super::route::route;
use super::rule::rule;
use super::sheet::{Sheet, enabled, seconds, yes};
use super::tracked;
use super::vrrp::Interfaces;
use super::words::{OrNone, Shortest, Shown as Word};
use crate::effect::interface::Interface;
use crate::model::net::Family;
use crate::model::vrrp::{Auth, Carrier, Deleted, Instance, OldChecksum, Preempt, Role, Transport, Version};
use crate::vrrp::Cause;
use crate::vrrp::view::{InstanceView, State};
use std::net::IpAddr;

/// What an instance is shown with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a> {
    pub(super) conf: &'a Instance,
    pub(super) view: &'a InstanceView,
    /// The sync group it is in.
    pub(super) group: Option<&'a str>,
    pub(super) interfaces: Interfaces<'a>,
    /// The interface that it has for itself.
    pub(super) own: Option<&'a Interface>,
    /// Its sockets.
    pub(super) descriptors: Option<(i32, i32)>,
    /// The IPVS connections' synchronisation follows it.
    pub(super) syncs: bool,
}

impl<'a> Shown<'a> {
    /// Where the instance lives.
    pub(super) fn home(&self) -> Home<'a> {
        Home::of(self.conf, self.view)
    }

    /// The state that keepalived says it wants: until something has happened, the configured one.
    pub(super) fn wanted(&self) -> State {
        let view = self.view;
        let untouched = view.stats.became_master == 0 && view.master.is_none();
        match view.state {
            State::Backup if untouched && self.conf.role == Role::Master => State::Master,
            State::Init | State::Backup | State::Master | State::Fault => view.wanted,
        }
    }

    /// Where a route goes that names no interface, once it is there: where its gateway is.
    pub(super) fn way(&self, gateway: Option<IpAddr>) -> Option<&'a str> {
        let gateway = gateway.filter(|_| self.view.holds_addresses)?;
        self.interfaces.all().iter().find(|interface| interface.reaches(gateway)).map(|found| &*found.name)
    }
}

pub(super) fn write(sheet: &mut Sheet, shown: &Shown<'_>, clock: &Clock) {
    let Shown { conf, view, .. } = *shown;
    sheet.row((" VRRP Instance = ", &conf.name));
    sheet.row(("   VRRP Version = ", conf.version.number()));
    if let Some(group) = shown.group {
        sheet.row(("   Sync group = ", group));
    }
    if conf.family == Family::V6 {
        sheet.row("   Using Native IPv6");
    }
    state(sheet, shown, clock);
    place(sheet, shown);
    announcements(sheet, conf);
    numbers(sheet, conf, view, clock);
    authentication(sheet, conf);
    held(sheet, shown);
    tracked::lists(sheet, &conf.trackers);
    sheet.row(("   Using smtp notification = ", yes(conf.smtp_alert)));
    sheet.row((
        "   Notify deleted = ",
        match conf.notify_deleted {
            Deleted::AsFault => "Fault",
            Deleted::AsDeleted(_) => "Deleted",
        },
    ));
    transitions(sheet, &conf.notify, deleted(conf));
    if let Some(script) = &conf.notify_master_rx_lower_pri {
        sheet.row(("   Master rx lower pri state transition script = ", with_user(script)));
    }
    sheet.row(("   Notify priority changes = ", conf.notify_priority_changes));
}

fn state(sheet: &mut Sheet, shown: &Shown<'_>, clock: &Clock) {
    let Shown { conf, view, .. } = *shown;
    sheet.row(("   State = ", view.state.name()));
    if view.state == State::Backup {
        sheet.row(("   Master router = ", OrNone(view.master)));
        sheet.row(("   Master priority = ", view.master_priority));
        if conf.version == Version::V3 {
            sheet.row(("   Master advert interval = ", view.master_interval.as_millis(), " milli-sec"));
        }
    }
    flags(sheet, shown);
    sheet.row(("   Wantstate = ", shown.wanted().name()));
    faults(sheet, shown);
    sheet.row(("   Last transition = ", clock.stamp(view.last_transition)));
    match view.deadline {
        Some(deadline) => sheet.row(("   Read timeout = ", clock.stamp(deadline))),
        None => sheet.row("   Read timeout = DISABLED"),
    }
    sheet.row(("   Master down timer = ", view.down_interval.as_micros(), " usecs"));
}

fn flags(sheet: &mut Sheet, shown: &Shown<'_>) {
    let conf = shown.conf;
    let unicast = matches!(conf.transport, Transport::Unicast { .. });
    let any = unicast
        || conf.carrier != Carrier::Interface
        || !conf.tracks_link
        || conf.source.is_some()
        || conf.preempt == Preempt::Never
        || shown.syncs;
    sheet.row(("   Flags:", if any { "" } else { " none" }));
    if unicast {
        sheet.row("     Using unicast");
    }
}

fn faults(sheet: &mut Sheet, shown: &Shown<'_>) {
    let Shown { conf, view, .. } = *shown;
    let (mut config, mut trackers, mut waiting) = (0_u32, 0_u32, 0_u32);
    let (mut down, mut base_down, mut no_source) = (false, false, view.source.is_none());
    for cause in &view.faults {
        match cause {
            Cause::Unusable(_) => config += 1,
            Cause::NoInterface(_) => {
                down = true;
                base_down = view.own.is_some();
            }
            Cause::InterfaceDown(name) if Some(name) == conf.interface.as_ref() => {
                down = true;
                base_down = view.own.is_some();
            }
            Cause::InterfaceDown(_)
            | Cause::Script(_)
            | Cause::File(_)
            | Cause::Process(_)
            | Cause::Bfd(_)
            | Cause::Stripped
            | Cause::Altered
            | Cause::NoSocket => trackers += 1,
            Cause::NoSource => no_source = true,
            Cause::Pending(_) => waiting += 1,
        }
    }
    no_source &= !view.faults.is_empty();
    sheet.row(("   Number of config faults = ", config));
    sheet.row(("   Number of tracker faults = ", trackers));
    let flags = [(down, "i/f down"), (base_down, "base i/f down"), (no_source, "no source IP address"), (trackers > 0, "unspecified")];
    if flags.iter().any(|(present, _)| *present) {
        sheet.row("   Flags of interface faults:");
        for (_, flag) in flags.iter().filter(|(present, _)| *present) {
            sheet.row(("     ", flag));
        }
    } else {
        sheet.row("   Flags of interface faults - (none)");
    }
    sheet.row(("   Number of track scripts init = ", waiting));
}

/// Where it lives, and whom it talks to.
fn place(sheet: &mut Sheet, shown: &Shown<'_>) {
    let Shown { conf, view, .. } = *shown;
    let home = shown.home();
    let transmits_on_base = matches!(&conf.carrier, Carrier::Vmac(vmac) if vmac.transmits_on_base);
    let is_up = || shown.own.is_some_and(|interface| interface.traits.up && interface.traits.running);
    match conf.carrier {
        Carrier::Interface => {}
        Carrier::Vmac(_) => {
            sheet.row(("   Use VMAC, i/f name ", home.name, ", is_up = ", is_up(), ", xmit_base = ", transmits_on_base));
        }
        Carrier::Ipvlan(_) => sheet.row(("   Use IPVLAN, i/f name ", home.name, ", is_up = ", is_up())),
    }
    let kind = if matches!(conf.carrier, Carrier::Ipvlan(_)) { "ipvlan" } else { "vmac" };
    let by_base = if transmits_on_base { ", xmit base i/f" } else { "" };
    match (home.base, conf.interface.is_some()) {
        (Some(base), _) => sheet.row(("   Interface = ", home.name, ", ", kind, " on ", base, by_base)),
        (None, true) => sheet.row(("   Interface = ", home.name)),
        (None, false) => sheet.row("   Interface = (none)"),
    }
    if !conf.tracks_link {
        sheet.row("   VRRP interface tracking disabled");
    }
    if conf.skip_check_adv_addr {
        sheet.row("   Skip checking advert IP addresses");
    }
    if conf.strict {
        sheet.row("   Enforcing strict VRRP compliance");
    }
    let configured = if conf.source.is_some() { " (from configuration)" } else { "" };
    sheet.row(("   Using src_ip = ", OrNone(view.source.or(conf.source)), configured));
    if let Transport::Multicast { group } = conf.transport {
        match conf.family {
            Family::V4 => sheet.row(("   Multicast address ", group)),
            Family::V6 => sheet.row(("   Multicast address ", group, ", ifindex ", view.device.map_or(0, |device| device.0))),
        }
    }
}

fn announcements(sheet: &mut Sheet, conf: &Instance) {
    let garp = &conf.garp;
    sheet.row(("   Gratuitous ARP delay = ", garp.delay.as_secs()));
    sheet.row(("   Gratuitous ARP repeat = ", garp.repeat));
    sheet.row(("   Gratuitous ARP refresh = ", garp.refresh.as_secs()));
    sheet.row(("   Gratuitous ARP refresh repeat = ", garp.refresh_repeat));
    sheet.row(("   Gratuitous ARP lower priority delay = ", garp.lower_prio_delay.as_secs()));
    sheet.row(("   Gratuitous ARP lower priority repeat = ", garp.lower_prio_repeat));
    sheet.row(("   Down timer adverts = ", conf.down_timer_adverts));
    sheet.row(("   Send advert after receive lower priority advert = ", !conf.lower_prio_no_advert));
    sheet.row(("   Send advert after receive higher priority advert = ", conf.higher_prio_send_advert));
}

fn numbers(sheet: &mut Sheet, conf: &Instance, view: &InstanceView, clock: &Clock) {
    sheet.row(("   Virtual Router ID = ", conf.vrid.0));
    sheet.row(("   Priority = ", view.base_priority));
    sheet.row(("   Effective priority = ", view.effective_priority));
    sheet.row(("   Total priority = ", i64::from(view.base_priority) + i64::from(view.weights)));
    if conf.preempt == Preempt::Never {
        sheet.row(("   Highest other priority = ", view.master_priority));
    }
    match conf.version {
        Version::V2 => sheet.row(("   Advert interval = ", conf.advert_interval.as_secs(), " sec")),
        Version::V3 => sheet.row(("   Advert interval = ", conf.advert_interval.as_millis(), " milli-sec")),
    }
    match view.last_advert {
        Some(at) => sheet.row(("   Last advert sent = ", seconds(clock.wall(at)))),
        None => sheet.row("   Last advert sent = 0.000000"),
    }
    sheet.row(("   Accept = ", enabled(conf.accept)));
    match conf.preempt {
        Preempt::Never => sheet.row("   Preempt = disabled"),
        Preempt::After(delay) => {
            sheet.row("   Preempt = enabled");
            if !delay.is_zero() {
                sheet.row(("   Preempt delay = ", Shortest(delay), " secs"));
            }
        }
    }
    sheet.row(("   Promote_secondaries = ", enabled(conf.promote_secondaries)));
}

fn authentication(sheet: &mut Sheet, conf: &Instance) {
    let (kind, secret) = match conf.auth {
        Auth::None => ("none", false),
        Auth::Pass(_) => ("SIMPLE_PASSWORD", true),
        Auth::Ah(_) => ("IPSEC_AH", true),
        Auth::Hmac(_) => ("HMAC", true),
    };
    if conf.version == Version::V2 || secret {
        sheet.row(("   Authentication type = ", kind));
    }
    if secret {
        sheet.row(("   Password = ", super::json::HIDDEN));
    }
    if conf.version == Version::V3 && conf.family == Family::V4 {
        sheet.row(("   VRRPv3 uses VRRPv2 checksum = ", enabled(conf.v3_checksum_as_v2)));
    }
    if let Some(size) = conf.receive_buffer {
        sheet.row(("   Kernel rx buffer size = ", size));
    }
    if conf.debug > 0 {
        sheet.row(("   Debug level = ", conf.debug));
    }
}

/// What a master holds, and how it is reached.
fn held(sheet: &mut Sheet, shown: &Shown<'_>) {
    let Shown { conf, view, .. } = *shown;
    let home = shown.home();
    if !conf.vips.is_empty() {
        sheet.row(("   Virtual IP (", conf.vips.len(), "):"));
    }
    for vip in &conf.vips {
        sheet.row(("     ", address(vip, Some(home), None, view.holds_addresses)));
    }
    if !conf.excluded.is_empty() {
        sheet.row("   Virtual IP Excluded :");
    }
    for vip in &conf.excluded {
        sheet.row(("     ", address(vip, Some(home), None, view.holds_addresses)));
    }
    if let Transport::Unicast { peers, ttl, check_source, old_checksum } = &conf.transport {
        sheet.row(("   Unicast TTL = ", ttl.unwrap_or(u8::MAX)));
        sheet.row(("   Check unicast src : ", yes(*check_source)));
        sheet.row("   Unicast Peer :");
        for peer in peers {
            sheet.row(("     ", peer.address, " min_ttl ", peer.min_ttl, " max_ttl ", peer.max_ttl));
        }
        let compatible = match old_checksum {
            OldChecksum::Follow => "no",
            OldChecksum::Always => "yes",
            OldChecksum::Never => "never",
        };
        sheet.row(("   Unicast checksum compatibility = ", compatible));
    }
    let (hears, speaks) = shown.descriptors.unwrap_or((-1, -1));
    sheet.row(("   fd_in ", hears, ", fd_out ", speaks));
    if !conf.routes.is_empty() {
        sheet.row("   Virtual Routes :");
    }
    for each in &conf.routes {
        let way = shown.way(each.gateway.filter(|_| each.device.is_none()));
        sheet.row(("     ", Word(route(each, None, way))));
    }
    if !conf.rules.is_empty() {
        sheet.row("   Virtual Rules :");
    }
    for each in &conf.rules {
        sheet.row(("     ", Word(rule(each, None))));
    }
}
