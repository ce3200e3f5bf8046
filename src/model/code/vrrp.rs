//! Virtual routers, and what they hold in the kernel.

use super::{Code, choice, record};
use crate::model::net::address::Lifetime;
use crate::model::net::route::{Congestion, Encap, Kind, Metric, Metrics, NextHop, Placing, Preference, Setting, Tunnel};
use crate::model::net::rule::{Action, Mark};
use crate::model::net::{Address, Family, Prefix, Realms, Route, Rule, Scope, Static, Statics, TrackGroup};
use crate::model::vrrp::{
    AntiReplay, Auth, Carrier, Deleted, Garp, GarpGroup, Hmac, HmacKey, HmacMode, Instance, Ipvlan, IpvlanMode, LinkDelay, Linkbeat,
    LinkbeatMethod, Notify, OldChecksum, Password, Peer, Preempt, Priority, Role, Secret, SyncGroup, Transport, Version, Vmac, Vrid, Vrrp,
};
use std::net::{Ipv4Addr, Ipv6Addr};

record! {
    Vrrp { instances, groups, garp_groups, linkbeat, delays }
    Instance {
        name, vrid, family, version, interface, vrf, carrier, vmac_addresses, transport, source, tracks_source, tracks_link, role,
        priority, preempt, strict, advert_interval, down_timer_adverts, vips, excluded, routes, rules, without_vips, accept, auth,
        trackers, garp, skip_check_adv_addr, lower_prio_no_advert, higher_prio_send_advert, owner_ignore_adverts,
        v3_checksum_as_v2, timer_expired_backup, receive_buffer, promote_secondaries, notify, notify_deleted,
        notify_master_rx_lower_pri, smtp_alert, notify_priority_changes, debug, crippled
    }
    Vmac { name, mac, group, notifies, transmits_on_base }
    Ipvlan { name, address, mode, group }
    Peer { address, min_ttl, max_ttl }
    Garp { delay, repeat, refresh, refresh_repeat, lower_prio_delay, lower_prio_repeat, extra }
    Hmac { keys, active, window, replay, mode }
    HmacKey { id, secret }
    SyncGroup { name, members, trackers, tracking_weight, notify, smtp_alert }
    Notify { master, backup, fault, stop, any }
    GarpGroup { interfaces, garp_interval, gna_interval }
    Linkbeat { interface, method }
    LinkDelay { interface, down, up }
    Statics { groups, addresses, routes, rules }
    TrackGroup { name, members }
    Prefix { address, length }
    Realms { source, destination }
    Address {
        prefix, peer, device, scope, broadcast, label, preferred, home, detect_duplicates, manage_temporary, no_prefix_route,
        autojoin, use_vmac, tracked
    }
    Route {
        kind, destination, from, preferred_source, gateway, device, onlink, tos, table, protocol, scope, priority, expires,
        metrics, realms, preference, ttl_propagate, encap, placing, hops, tracked
    }
    NextHop { gateway, device, weight, onlink, encap, realms }
    Metrics { values, congestion }
    Setting { value, locked }
    Congestion { algorithm, locked }
    Rule {
        family, inverted, from, to, priority, tos, mark, input, output, uids, ip_protocol, source_ports, destination_ports,
        tunnel, action, realms, suppress_length, suppress_group, protocol, tracked
    }
    Mark { value, mask }
    Static<Address> { object, group }
    Static<Route> { object, group }
    Static<Rule> { object, group }
    Tunnel<Ipv4Addr> { id, destination, source, class, ttl, flags }
    Tunnel<Ipv6Addr> { id, destination, source, class, ttl, flags }
}

choice! {
    Encap { 0 => Ip(value), 1 => Ip6(value), 2 => Mpls(value), 3 => Ila(value) }
    Action { 0 => Table(value), 1 => L3mdev, 2 => Goto(value), 3 => Nop, 4 => Blackhole, 5 => Unreachable, 6 => Prohibit }
    Version { 0 => V2, 1 => V3 }
    Role { 0 => Master, 1 => Backup }
    Deleted { 0 => AsFault, 1 => AsDeleted(value) }
    Carrier { 0 => Interface, 1 => Vmac(value), 2 => Ipvlan(value) }
    IpvlanMode { 0 => Bridge, 1 => Private, 2 => Vepa }
    Transport { 0 => Multicast { group }, 1 => Unicast { peers, ttl, check_source, old_checksum } }
    OldChecksum { 0 => Follow, 1 => Always, 2 => Never }
    Preempt { 0 => Never, 1 => After(value) }
    Auth { 0 => None, 1 => Pass(value), 2 => Ah(value), 3 => Hmac(value) }
    AntiReplay { 0 => Time, 1 => Monotonic }
    HmacMode { 0 => Enforce, 1 => Permissive, 2 => ReceiveOnly }
    LinkbeatMethod { 0 => Any, 1 => Mii, 2 => Ethtool, 3 => Ioctl }
    Family { 0 => V4, 1 => V6 }
    Lifetime { 0 => Forever, 1 => Seconds(value) }
    Kind {
        0 => Unicast, 1 => Local, 2 => Broadcast, 3 => Anycast, 4 => Multicast, 5 => Blackhole, 6 => Unreachable, 7 => Prohibit,
        8 => Throw, 9 => Nat, 10 => External
    }
    Placing { 0 => Only, 1 => First, 2 => Last }
    Preference { 0 => Low, 1 => Medium, 2 => High, 3 => Other(value) }
    Metric {
        0 => Mtu, 1 => Window, 2 => Rtt, 3 => RttVar, 4 => SsThresh, 5 => Cwnd, 6 => AdvMss, 7 => Reordering, 8 => HopLimit,
        9 => InitCwnd, 10 => Features, 11 => RtoMin, 12 => InitRwnd, 13 => QuickAck, 14 => FastOpenNoCookie
    }
}

/// What is a value by another name.
macro_rules! named {
    ($($name:ident)*) => {$(
        impl Code for $name {
            fn put(&self, out: &mut Vec<u8>) {
                self.0.put(out);
            }

            fn get(input: &mut &[u8]) -> Option<Self> {
                Code::get(input).map(Self)
            }
        }
    )*};
}
named!(Password Priority Scope Secret Vrid);
