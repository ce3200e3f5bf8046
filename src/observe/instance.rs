//! One virtual router.

use super::address::{Home, address};
use super::clock::Clock;
use super::command::{deleted, transitions, with_user};
use super::route::route;
use super::rule::rule;
use super::sheet::{Sheet, enabled, or_none, yes};
use super::tracked;
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
    pub(super) interfaces: &'a [Interface],
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

    pub(super) fn named(&self, name: &str) -> Option<&'a Interface> {
        self.interfaces.iter().find(|interface| *interface.name == *name)
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
        self.interfaces.iter().find(|interface| interface.reaches(gateway)).map(|found| &*found.name)
    }
}

pub(super) fn write(sheet: &mut Sheet, shown: &Shown<'_>, clock: &Clock) {
    let Shown { conf, view, .. } = *shown;
    sheet.line(format_args!(" VRRP Instance = {}", conf.name));
    sheet.line(format_args!("   VRRP Version = {}", conf.version.number()));
    if let Some(group) = shown.group {
        sheet.line(format_args!("   Sync group = {group}"));
    }
    if conf.family == Family::V6 {
        sheet.line(format_args!("   Using Native IPv6"));
    }
    state(sheet, shown, clock);
    place(sheet, shown);
    announcements(sheet, conf);
    numbers(sheet, conf, view, clock);
    authentication(sheet, conf);
    held(sheet, shown);
    tracked::lists(sheet, &conf.trackers);
    sheet.line(format_args!("   Using smtp notification = {}", yes(conf.smtp_alert)));
    sheet.line(format_args!(
        "   Notify deleted = {}",
        match conf.notify_deleted {
            Deleted::AsFault => "Fault",
            Deleted::AsDeleted(_) => "Deleted",
        }
    ));
    transitions(sheet, &conf.notify, deleted(conf));
    if let Some(script) = &conf.notify_master_rx_lower_pri {
        sheet.line(format_args!("   Master rx lower pri state transition script = {}", with_user(script)));
    }
    sheet.line(format_args!("   Notify priority changes = {}", conf.notify_priority_changes));
}

fn state(sheet: &mut Sheet, shown: &Shown<'_>, clock: &Clock) {
    let Shown { conf, view, .. } = *shown;
    sheet.line(format_args!("   State = {}", view.state.name()));
    if view.state == State::Backup {
        sheet.line(format_args!("   Master router = {}", or_none(view.master)));
        sheet.line(format_args!("   Master priority = {}", view.master_priority));
        if conf.version == Version::V3 {
            sheet.line(format_args!("   Master advert interval = {} milli-sec", view.master_interval.as_millis()));
        }
    }
    flags(sheet, shown);
    sheet.line(format_args!("   Wantstate = {}", shown.wanted().name()));
    faults(sheet, shown);
    sheet.line(format_args!("   Last transition = {}", clock.stamp(view.last_transition)));
    match view.deadline {
        Some(deadline) => sheet.line(format_args!("   Read timeout = {}", clock.stamp(deadline))),
        None => sheet.line(format_args!("   Read timeout = DISABLED")),
    }
    sheet.line(format_args!("   Master down timer = {} usecs", view.down_interval.as_micros()));
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
    sheet.line(format_args!("   Flags:{}", if any { "" } else { " none" }));
    if unicast {
        sheet.line(format_args!("     Using unicast"));
    }
}

fn faults(sheet: &mut Sheet, shown: &Shown<'_>) {
    let Shown { conf, view, .. } = *shown;
    let (mut config, mut trackers, mut waiting) = (0, 0, 0);
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
    sheet.line(format_args!("   Number of config faults = {config}"));
    sheet.line(format_args!("   Number of tracker faults = {trackers}"));
    let flags = [(down, "i/f down"), (base_down, "base i/f down"), (no_source, "no source IP address"), (trackers > 0, "unspecified")];
    if flags.iter().any(|(present, _)| *present) {
        sheet.line(format_args!("   Flags of interface faults:"));
        for (_, flag) in flags.iter().filter(|(present, _)| *present) {
            sheet.line(format_args!("     {flag}"));
        }
    } else {
        sheet.line(format_args!("   Flags of interface faults - (none)"));
    }
    sheet.line(format_args!("   Number of track scripts init = {waiting}"));
}

/// Where it lives, and whom it talks to.
fn place(sheet: &mut Sheet, shown: &Shown<'_>) {
    let Shown { conf, view, .. } = *shown;
    let home = shown.home();
    let transmits_on_base = matches!(&conf.carrier, Carrier::Vmac(vmac) if vmac.transmits_on_base);
    let is_up = || shown.named(home.name).is_some_and(|interface| interface.traits.up && interface.traits.running);
    match conf.carrier {
        Carrier::Interface => {}
        Carrier::Vmac(_) => {
            sheet.line(format_args!("   Use VMAC, i/f name {}, is_up = {}, xmit_base = {transmits_on_base}", home.name, is_up()));
        }
        Carrier::Ipvlan(_) => sheet.line(format_args!("   Use IPVLAN, i/f name {}, is_up = {}", home.name, is_up())),
    }
    let kind = if matches!(conf.carrier, Carrier::Ipvlan(_)) { "ipvlan" } else { "vmac" };
    let by_base = if transmits_on_base { ", xmit base i/f" } else { "" };
    match (home.base, conf.interface.is_some()) {
        (Some(base), _) => sheet.line(format_args!("   Interface = {}, {kind} on {base}{by_base}", home.name)),
        (None, true) => sheet.line(format_args!("   Interface = {}", home.name)),
        (None, false) => sheet.line(format_args!("   Interface = (none)")),
    }
    if !conf.tracks_link {
        sheet.line(format_args!("   VRRP interface tracking disabled"));
    }
    if conf.skip_check_adv_addr {
        sheet.line(format_args!("   Skip checking advert IP addresses"));
    }
    if conf.strict {
        sheet.line(format_args!("   Enforcing strict VRRP compliance"));
    }
    let configured = if conf.source.is_some() { " (from configuration)" } else { "" };
    sheet.line(format_args!("   Using src_ip = {}{configured}", or_none(view.source.or(conf.source))));
    if let Transport::Multicast { group } = conf.transport {
        match conf.family {
            Family::V4 => sheet.line(format_args!("   Multicast address {group}")),
            Family::V6 => sheet.line(format_args!("   Multicast address {group}, ifindex {}", view.device.map_or(0, |device| device.0))),
        }
    }
}

fn announcements(sheet: &mut Sheet, conf: &Instance) {
    let garp = &conf.garp;
    sheet.line(format_args!("   Gratuitous ARP delay = {}", garp.delay.as_secs()));
    sheet.line(format_args!("   Gratuitous ARP repeat = {}", garp.repeat));
    sheet.line(format_args!("   Gratuitous ARP refresh = {}", garp.refresh.as_secs()));
    sheet.line(format_args!("   Gratuitous ARP refresh repeat = {}", garp.refresh_repeat));
    sheet.line(format_args!("   Gratuitous ARP lower priority delay = {}", garp.lower_prio_delay.as_secs()));
    sheet.line(format_args!("   Gratuitous ARP lower priority repeat = {}", garp.lower_prio_repeat));
    sheet.line(format_args!("   Down timer adverts = {}", conf.down_timer_adverts));
    sheet.line(format_args!("   Send advert after receive lower priority advert = {}", !conf.lower_prio_no_advert));
    sheet.line(format_args!("   Send advert after receive higher priority advert = {}", conf.higher_prio_send_advert));
}

fn numbers(sheet: &mut Sheet, conf: &Instance, view: &InstanceView, clock: &Clock) {
    sheet.line(format_args!("   Virtual Router ID = {}", conf.vrid.0));
    sheet.line(format_args!("   Priority = {}", view.base_priority));
    sheet.line(format_args!("   Effective priority = {}", view.effective_priority));
    sheet.line(format_args!("   Total priority = {}", i64::from(view.base_priority) + i64::from(view.weights)));
    if conf.preempt == Preempt::Never {
        sheet.line(format_args!("   Highest other priority = {}", view.master_priority));
    }
    match conf.version {
        Version::V2 => sheet.line(format_args!("   Advert interval = {} sec", conf.advert_interval.as_secs())),
        Version::V3 => sheet.line(format_args!("   Advert interval = {} milli-sec", conf.advert_interval.as_millis())),
    }
    match view.last_advert {
        Some(at) => sheet.line(format_args!("   Last advert sent = {}", super::sheet::seconds(clock.wall(at)))),
        None => sheet.line(format_args!("   Last advert sent = 0.000000")),
    }
    sheet.line(format_args!("   Accept = {}", enabled(conf.accept)));
    match conf.preempt {
        Preempt::Never => sheet.line(format_args!("   Preempt = disabled")),
        Preempt::After(delay) => {
            sheet.line(format_args!("   Preempt = enabled"));
            if !delay.is_zero() {
                sheet.line(format_args!("   Preempt delay = {} secs", super::json::shortest(delay)));
            }
        }
    }
    sheet.line(format_args!("   Promote_secondaries = {}", enabled(conf.promote_secondaries)));
}

fn authentication(sheet: &mut Sheet, conf: &Instance) {
    let (kind, secret) = match conf.auth {
        Auth::None => ("none", false),
        Auth::Pass(_) => ("SIMPLE_PASSWORD", true),
        Auth::Ah(_) => ("IPSEC_AH", true),
        Auth::Hmac(_) => ("HMAC", true),
    };
    if conf.version == Version::V2 || secret {
        sheet.line(format_args!("   Authentication type = {kind}"));
    }
    if secret {
        sheet.line(format_args!("   Password = {}", super::json::HIDDEN));
    }
    if conf.version == Version::V3 && conf.family == Family::V4 {
        sheet.line(format_args!("   VRRPv3 uses VRRPv2 checksum = {}", enabled(conf.v3_checksum_as_v2)));
    }
    if let Some(size) = conf.receive_buffer {
        sheet.line(format_args!("   Kernel rx buffer size = {size}"));
    }
    if conf.debug > 0 {
        sheet.line(format_args!("   Debug level = {}", conf.debug));
    }
}

/// What a master holds, and how it is reached.
fn held(sheet: &mut Sheet, shown: &Shown<'_>) {
    let Shown { conf, view, .. } = *shown;
    let home = shown.home();
    if !conf.vips.is_empty() {
        sheet.line(format_args!("   Virtual IP ({}):", conf.vips.len()));
    }
    for vip in &conf.vips {
        sheet.line(format_args!("     {}", address(vip, Some(home), None, view.holds_addresses)));
    }
    if !conf.excluded.is_empty() {
        sheet.line(format_args!("   Virtual IP Excluded :"));
    }
    for vip in &conf.excluded {
        sheet.line(format_args!("     {}", address(vip, Some(home), None, view.holds_addresses)));
    }
    if let Transport::Unicast { peers, ttl, check_source, old_checksum } = &conf.transport {
        sheet.line(format_args!("   Unicast TTL = {}", ttl.unwrap_or(u8::MAX)));
        sheet.line(format_args!("   Check unicast src : {}", yes(*check_source)));
        sheet.line(format_args!("   Unicast Peer :"));
        for peer in peers {
            sheet.line(format_args!("     {} min_ttl {} max_ttl {}", peer.address, peer.min_ttl, peer.max_ttl));
        }
        let compatible = match old_checksum {
            OldChecksum::Follow => "no",
            OldChecksum::Always => "yes",
            OldChecksum::Never => "never",
        };
        sheet.line(format_args!("   Unicast checksum compatibility = {compatible}"));
    }
    let (hears, speaks) = shown.descriptors.unwrap_or((-1, -1));
    sheet.line(format_args!("   fd_in {hears}, fd_out {speaks}"));
    if !conf.routes.is_empty() {
        sheet.line(format_args!("   Virtual Routes :"));
    }
    for each in &conf.routes {
        let way = shown.way(each.gateway.filter(|_| each.device.is_none()));
        sheet.line(format_args!("     {}", route(each, None, way)));
    }
    if !conf.rules.is_empty() {
        sheet.line(format_args!("   Virtual Rules :"));
    }
    for each in &conf.rules {
        sheet.line(format_args!("     {}", rule(each, None)));
    }
}
