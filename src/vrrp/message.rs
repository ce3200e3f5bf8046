//! Everything the engine says in the log, in one place: tools look for these words.

use super::admit::Remark;
use super::fault::Faults;
use crate::effect::say::{Level, Line};
use crate::model::vrrp::Instance;
use std::net::IpAddr;
use std::time::Duration;

fn line(level: Level, text: String) -> Line {
    Line { level, text }
}

pub(super) fn backup(name: &str, initial: bool) -> Line {
    line(Level::Info, format!("({name}) Entering BACKUP STATE{}", if initial { " (init)" } else { "" }))
}

/// In keepalived's words for `-a`.
pub(super) fn address(address: IpAddr, interface: &str, come: bool) -> Line {
    let what = if come { "added to" } else { "removed from" };
    line(Level::Info, format!("Netlink reflector reports IP {address} {what} {interface}"))
}

pub(super) fn master(name: &str) -> Line {
    line(Level::Info, format!("({name}) Entering MASTER STATE"))
}

/// The state of a successor of a process that died.
pub(super) fn resumed(name: &str) -> Line {
    line(Level::Notice, format!("({name}) carries on as MASTER; its addresses were never given up"))
}

pub(super) fn fault(name: &str, initial: bool) -> Line {
    let text = if initial { "entering FAULT state (init)" } else { "Entering FAULT STATE" };
    line(Level::Info, format!("({name}) {text}"))
}

/// Why; keepalived says it of some causes only, each in its own words.
pub(super) fn because(name: &str, faults: &Faults) -> Line {
    line(Level::Info, format!("({name}) FAULT: {faults}"))
}

pub(super) fn pending(name: &str, faults: &Faults) -> Line {
    line(Level::Detail, format!("({name}) waits: {faults}"))
}

pub(super) fn syncing(group: &str, state: &str) -> Line {
    line(Level::Info, format!("VRRP_Group({group}) Syncing instances to {state} state"))
}

pub(super) fn timeout(name: &str) -> Line {
    line(Level::Detail, format!("({name}) Receive advertisement timeout"))
}

pub(super) fn lower_in_backup(name: &str, from: IpAddr, priority: u8) -> Line {
    line(Level::Detail, format!("({name}) received lower priority ({priority}) advert from {from} - discarding"))
}

pub(super) fn lower_in_master(conf: &Instance, from: IpAddr, theirs: u8, ours: u8) -> Line {
    let name = &conf.name;
    let end = if conf.lower_prio_no_advert { "" } else { ", forcing new election" };
    line(Level::Info, format!("({name}) Received advert from {from} with lower priority {theirs}, ours {ours}{end}"))
}

pub(super) fn higher(name: &str, from: IpAddr, theirs: u8, ours: u8) -> Line {
    line(Level::Info, format!("({name}) Master received advert from {from} with higher priority {theirs}, ours {ours}"))
}

pub(super) fn same_address(name: &str, from: IpAddr) -> Line {
    line(
        Level::Warning,
        format!("({name}) WARNING - equal priority advert received from remote host with our IP address {from}; it is ignored"),
    )
}

pub(super) fn two_owners(name: &str, from: IpAddr) -> Line {
    line(Level::Error, format!("({name}) CONFIGURATION ERROR: {from} also has priority 255: only one router can own the addresses"))
}

pub(super) fn stripped(name: &str, what: &str) -> Line {
    line(Level::Warning, format!("({name}) {what} was removed by another program; it is put back"))
}

pub(super) fn stripped_more(name: &str, more: usize) -> Line {
    line(Level::Warning, format!("({name}) {more} more were removed by another program; they are put back"))
}

pub(super) fn stripped_again(name: &str, times: usize, within: Duration) -> Line {
    line(
        Level::Error,
        format!("({name}) another program removed our addresses {times} times within {within:?}: giving the virtual router up for now"),
    )
}

pub(super) fn altered(interface: &str) -> Line {
    line(Level::Warning, format!("{interface} was changed by another program; it is made as it was"))
}

pub(super) fn altered_again(interface: &str, within: Duration) -> Line {
    line(
        Level::Error,
        format!(
            "another program has changed {interface} again and again within {within:?}: it is left so for now, and who lives on it is in FAULT"
        ),
    )
}

pub(super) fn unknown(vrid: u8, from: IpAddr, silent: u64) -> Line {
    let before = if silent == 0 { String::new() } else { format!(", and {silent} since that was last said") };
    line(Level::Info, format!("advert for unknown VRID {vrid} from {from}{before}"))
}

/// What follows is that nobody is answered from it.
pub(super) fn duplicate(name: &str, address: IpAddr, interface: &str) -> Line {
    let text = format!(
        "({name}) another host has {address} on {interface} (duplicate address detection): the kernel does not use it here until it is put there anew"
    );
    line(Level::Error, text)
}

pub(super) fn duplicate_source(name: &str, address: IpAddr, interface: &str) -> Line {
    let text = format!("({name}) another host has {address} of {interface} (duplicate address detection): nothing can be sent from it");
    line(Level::Error, text)
}

pub(super) fn refused(name: &str, what: &str, reason: &str) -> Line {
    line(Level::Error, format!("({name}) the kernel refuses {what}: {reason}"))
}

pub(super) fn socket(name: &str, reason: &str) -> Line {
    line(Level::Error, format!("({name}) cannot open its socket: {reason}; trying again"))
}

pub(super) fn stalled(name: &str, gap: Duration) -> Line {
    line(Level::Warning, format!("({name}) this process did not run for {:.3} s, longer than a master may be silent", gap.as_secs_f64()))
}

pub(super) fn stalled_back(name: &str) -> Line {
    line(Level::Warning, format!("({name}) steps back (timer_expired_backup): another router has taken over meanwhile"))
}

pub(super) fn claimed(name: &str, address: IpAddr, by: &str) -> Line {
    line(Level::Warning, format!("({name}) {by} claims our address {address}; announcing ourselves"))
}

pub(super) fn old_checksum(name: &str) -> Line {
    line(Level::Info, format!("({name}) Setting unicast VRRPv3 checksum to old version"))
}

pub(super) fn priority(name: &str, from: u8, to: u8) -> Line {
    line(Level::Info, format!("({name}) Changing effective priority from {from} to {to}"))
}

pub(super) fn nftables_instead(keyword: &str, table: &str) -> Line {
    line(Level::Notice, format!("{keyword}: nftables does the same, in its table {table}"))
}

/// What is wrong with an advert, or odd about it.
pub(super) fn remark(conf: &Instance, remark: Remark, from: IpAddr) -> Line {
    let name = &conf.name;
    let (level, what) = match remark {
        Remark::Length => (Level::Info, "its length is wrong".to_owned()),
        Remark::Ttl => (Level::Info, "its TTL/HL is not 255".to_owned()),
        Remark::Version => (Level::Info, format!("it is not of version {}", conf.version.number())),
        Remark::AuthType => (Level::Info, "its authentication type is not ours".to_owned()),
        Remark::Password => (Level::Info, "its password is wrong".to_owned()),
        Remark::Interval => (Level::Info, format!("its interval is not ours ({:?})", conf.advert_interval)),
        Remark::Kind => (Level::Info, "it is not an advertisement".to_owned()),
        Remark::Checksum => (Level::Info, "its checksum is wrong".to_owned()),
        Remark::Destination => (Level::Info, "it was not sent to us".to_owned()),
        Remark::NotAPeer => (Level::Info, "the sender is no unicast peer".to_owned()),
        Remark::PeerTtl => (Level::Info, "its TTL/HL is outside the peer's limits".to_owned()),
        Remark::Next => (Level::Info, "its authentication header is of another protocol".to_owned()),
        Remark::Seal => (Level::Info, "its authentication header does not fit it: another password?".to_owned()),
        Remark::Repeated => (Level::Info, "the number in its authentication header is not new".to_owned()),
        Remark::Unsigned => (Level::Info, "it has no HMAC".to_owned()),
        Remark::Malformed => (Level::Info, "its HMAC is of an unknown type".to_owned()),
        Remark::Stale => (Level::Info, "its time is not ours: is a clock wrong?".to_owned()),
        Remark::UnknownKey => (Level::Info, "we have no key of its number".to_owned()),
        Remark::Forged => (Level::Info, "its HMAC is wrong: another key?".to_owned()),
        Remark::Replayed => (Level::Info, "it was heard before, or a later one was".to_owned()),
        Remark::TakenUnsigned => return line(Level::Info, format!("({name}) advert from {from} has no HMAC; it counts all the same")),
        Remark::Skewed => {
            let text =
                format!("({name}) the clock of {from} and ours are more than half of the time window apart; its adverts still count");
            return line(Level::Warning, text);
        }
        Remark::OwnerIgnores => (Level::Detail, "an owner does not listen".to_owned()),
        Remark::OtherInterval => {
            return line(Level::Info, format!("({name}) advert from {from} has another interval than ours ({:?})", conf.advert_interval));
        }
        Remark::OtherAddresses => {
            return line(Level::Warning, format!("({name}) advert from {from} has other addresses than ours; it counts all the same"));
        }
    };
    line(level, format!("({name}) ignoring received advertisement from {from}: {what}"))
}
