//! What one instance says: adverts on the wire, announcements to neighbours, notices to the world, records to the supervisor.

use super::auth::seal;
use super::instance::{Cx, Instance, State};
use super::place;
use crate::effect::Action;
use crate::effect::net::Owner;
use crate::effect::notice::{Notice, Subject, Told};
use crate::effect::packet::{Announce, Transmit};
use crate::effect::record::{Counters, Record, Standing};
use crate::model::vrrp::{Auth, Deleted, OldChecksum, Transport, Version};
use crate::wire::trailer::Trailer;
use crate::wire::vrrp::{Advert, Body, Sum};
use std::net::IpAddr;
use std::time::Duration;

/// Long enough for the kernel to take an address, too short for anybody to miss an advert.
const SOON: Duration = Duration::from_millis(10);

impl Instance {
    pub(super) fn notice(&self, told: Told) -> Notice {
        let scripts = &self.conf.notify;
        let specific = match told {
            Told::Master => scripts.master.as_deref().cloned(),
            Told::Backup => scripts.backup.as_deref().cloned(),
            Told::Fault => scripts.fault.as_deref().cloned(),
            Told::Stop => scripts.stop.as_deref().cloned(),
            Told::Deleted => match &self.conf.notify_deleted {
                Deleted::AsFault => None,
                Deleted::AsDeleted(script) => script.as_deref().cloned(),
            },
            Told::MasterRxLowerPri => self.conf.notify_master_rx_lower_pri.as_deref().cloned(),
            Told::MasterPriority | Told::BackupPriority => None,
        };
        let state = !matches!(told, Told::MasterRxLowerPri | Told::MasterPriority | Told::BackupPriority);
        Notice {
            subject: Subject::Instance,
            name: self.conf.name.clone(),
            key: self.key.clone(),
            told,
            priority: self.priority(),
            specific,
            any: scripts.any.as_deref().cloned().filter(|_| state),
            fifo: true,
            mail: state && self.conf.smtp_alert,
        }
    }

    pub(super) fn tell(&self, told: Told, cx: &mut Cx<'_>) {
        cx.actions.push(Action::Notify(self.notice(told)));
    }

    pub(super) fn record(&mut self, cx: &mut Cx<'_>) {
        let standing = match self.state {
            State::Master { since, .. } => Standing::Master { since },
            State::Init | State::Backup { .. } => Standing::Backup,
            State::Fault => Standing::Fault,
        };
        let counters = Counters { became_master: self.stats.became_master, released_master: self.stats.released_master };
        let ah_sequence = self.auth.ah.reserved();
        let record = Record { key: self.key.clone(), standing, learnt: self.learnt, master: self.master, counters, ah_sequence };
        if self.recorded.as_ref() != Some(&record) {
            cx.actions.push(Action::Record(record.clone()));
            self.recorded = Some(record);
        }
    }

    pub(super) fn hold(&self, cx: &mut Cx<'_>) {
        let facts = match self.state {
            State::Master { .. } => place::facts(&self.conf, self.site, cx.plan, cx.links, self.conf.vip_lease()),
            State::Init | State::Backup { .. } | State::Fault => Box::default(),
        };
        cx.actions.push(Action::Hold { owner: Owner::Instance(self.id), facts });
    }

    pub(super) fn announce(&self, repeat: u32, cx: &mut Cx<'_>) {
        let targets = place::targets(&self.conf, self.site, cx.plan, cx.links);
        if repeat > 0 && !targets.is_empty() && self.is_master() {
            cx.actions.push(Action::Announce(Announce { instance: self.id, targets, repeat }));
        }
    }

    /// Once on each interface whose MAC address no advert comes from (`garp_extra_if`).
    pub(super) fn announce_further(&self, all: bool, cx: &mut Cx<'_>) {
        let targets = place::further_targets(&self.conf, self.site, cx.plan, cx.links, all);
        if !targets.is_empty() && self.is_master() {
            cx.actions.push(Action::Announce(Announce { instance: self.id, targets, repeat: 1 }));
        }
    }

    /// One advert, to the group or to every peer.
    pub(super) fn send(&mut self, priority: u8, cx: &mut Cx<'_>) {
        let (Some(port), Some(source)) = (self.port, self.source) else { return };
        self.packet_id = self.packet_id.checked_add(1).unwrap_or(1);
        self.stats.adverts.sent += 1;
        self.last_advert = Some(cx.now);
        let conf = &self.conf;
        let body = match conf.version {
            Version::V2 => {
                let interval = u8::try_from(conf.advert_interval.as_secs()).unwrap_or(u8::MAX);
                match &conf.auth {
                    Auth::Pass(password) => Body::V2 { interval, auth_type: 1, auth: password.wire() },
                    Auth::Ah(_) => Body::V2 { interval, auth_type: 2, auth: [0; 8] },
                    Auth::None | Auth::Hmac(_) => Body::V2 { interval, auth_type: 0, auth: [0; 8] },
                }
            }
            Version::V3 => Body::V3 { interval: u16::try_from(conf.advert_interval.as_millis() / 10).unwrap_or(u16::MAX) },
        };
        let addresses = conf.vips.iter().map(|vip| vip.prefix.address).collect();
        let advert = Advert { vrid: conf.vrid.0, priority, body, addresses };
        let v4 = source.is_ipv4();
        let trailer = match &conf.auth {
            Auth::Hmac(hmac) => self.auth.trailer.sign(hmac, cx.utc, source, &advert.unsummed(!v4)),
            Auth::None | Auth::Pass(_) | Auth::Ah(_) => None,
        };
        let trailer = trailer.as_ref().map(Trailer::write);
        let trailer: &[u8] = trailer.as_ref().map_or(&[], |trailer| trailer);
        let password = match &conf.auth {
            Auth::Ah(password) => Some((password, self.auth.ah.next())),
            Auth::None | Auth::Pass(_) | Auth::Hmac(_) => None,
        };
        let id = self.packet_id;
        let old = |peer| match &conf.transport {
            Transport::Unicast { old_checksum: OldChecksum::Always, .. } => true,
            Transport::Unicast { old_checksum: OldChecksum::Follow, .. } => self.old_checksum.contains(&peer),
            Transport::Unicast { old_checksum: OldChecksum::Never, .. } | Transport::Multicast { .. } => false,
        };
        let mut transmit = |destination: IpAddr, ttl| {
            let sum = match conf.version {
                Version::V2 if v4 => Sum::Plain,
                Version::V3 if v4 && conf.v3_checksum_as_v2 => Sum::Plain,
                Version::V3 if v4 && old(destination) => Sum::Pseudo { source, destination: conf.group() },
                Version::V2 | Version::V3 => Sum::Pseudo { source, destination },
            };
            let payload: Box<[u8]> = advert.encode_with(sum, trailer).into();
            let ah = password.and_then(|(password, sequence)| seal(password, (source, destination), ttl, id, sequence, &payload));
            cx.actions.push(Action::Transmit(Transmit { port, source, destination, ttl, id, ah, payload }));
        };
        match &conf.transport {
            Transport::Multicast { group } => transmit(*group, u8::MAX),
            Transport::Unicast { peers, ttl, .. } => {
                for peer in peers {
                    transmit(peer.address, ttl.unwrap_or(u8::MAX));
                }
            }
        }
        // A successor must not use a number again.
        if self.is_master() && self.recorded.as_ref().is_none_or(|record| record.ah_sequence < self.auth.ah.reserved()) {
            self.record(cx);
        }
    }

    /// An advert as it is due; the next one follows an interval later.
    pub(super) fn advertise(&mut self, cx: &mut Cx<'_>) {
        self.send(self.priority(), cx);
        if let State::Master { next_advert, .. } = &mut self.state {
            *next_advert = cx.now + self.conf.advert_interval;
        }
    }

    /// After a reload: what is new has a moment to be announced first.
    pub(super) fn advertise_soon(&mut self, cx: &Cx<'_>) {
        let soon = cx.now + SOON;
        if let State::Master { next_advert, .. } = &mut self.state {
            *next_advert = soon.min(*next_advert);
        }
    }

    pub(super) fn say_goodbye(&mut self, times: u8, cx: &mut Cx<'_>) {
        if times > 0 && self.port.is_some() {
            self.stats.priority_zero.sent += 1;
        }
        for _ in 0..times {
            self.send(0, cx);
        }
    }
}
