//! `vrrp_instance` as written.

use super::{Given, Notify, Trackers};
use crate::config::command::Command;
use crate::config::diagnostic::Origin;
use crate::config::draft::net::{Address, Route, Rule};
use crate::model::global::Global;
use crate::model::global::vrrp::ExtraGarp;
use crate::model::net::Family;
use crate::model::vrrp::{
    self as model, AntiReplay, Auth, Carrier, Deleted, HmacMode, IpvlanMode, OldChecksum, Password, Preempt, Role, Transport, Version,
};
use std::net::IpAddr;
use std::time::Duration;

/// Statements that take part in the choice of the address family are kept with their places: the first of them decides.
#[derive(Debug)]
pub struct Instance {
    pub name: Box<str>,
    pub at: Origin,
    /// Its closing brace.
    pub end: Origin,
    pub vrid: Option<u8>,
    pub versions: Vec<Given<Version>>,
    pub native_ipv6: Option<Origin>,
    /// The last usable one counts.
    pub interfaces: Vec<Given<Box<str>>>,
    pub vrf: Option<Given<Box<str>>>,
    pub vmac: Option<Vmac>,
    pub vmac_addresses: bool,
    pub transmits_on_base: Option<Origin>,
    pub ipvlan: Option<Ipvlan>,
    pub peers: Vec<Peer>,
    /// The first keyword that makes sense only for unicast.
    pub unicast: Option<Origin>,
    pub fault_without_peers: bool,
    pub check_source: bool,
    pub old_checksum: Option<OldChecksum>,
    pub unicast_ttl: Option<Given<u8>>,
    /// Where adverts are sent from; the last usable one counts.
    pub sources: Vec<Given<IpAddr>>,
    /// Where adverts are sent to.
    pub groups: Vec<Given<IpAddr>>,
    pub tracks_source: bool,
    pub dont_track_primary: bool,
    pub state: Option<Given<Role>>,
    pub priority: Option<u8>,
    pub nopreempt: Option<Origin>,
    pub preempt_delay: Option<Given<Duration>>,
    pub strict: Option<bool>,
    pub advert_interval: Option<Given<Duration>>,
    pub down_timer_adverts: Option<u8>,
    pub vips: Vec<Address>,
    pub excluded: Vec<Address>,
    pub routes: Vec<Route>,
    pub rules: Vec<Rule>,
    pub without_vips: bool,
    pub accept: Option<Given<bool>>,
    pub authentication: Option<Authentication>,
    pub hmac: Option<Hmac>,
    pub trackers: Trackers,
    pub garp_delay: Option<Duration>,
    pub garp_repeat: Option<u32>,
    pub garp_refresh: Option<Duration>,
    pub garp_refresh_repeat: Option<u32>,
    pub garp_lower_prio_delay: Option<Duration>,
    pub garp_lower_prio_repeat: Option<u32>,
    /// Every zero seconds is never.
    pub garp_extra: Option<ExtraGarp>,
    pub skip_check_adv_addr: Option<bool>,
    pub lower_prio_no_advert: Option<bool>,
    pub higher_prio_send_advert: Option<bool>,
    pub owner_ignore_adverts: Option<Given<bool>>,
    pub v3_checksum_as_v2: Option<bool>,
    pub timer_expired_backup: Option<Given<u8>>,
    pub receive_buffer: Option<u32>,
    pub promote_secondaries: Option<Origin>,
    pub linkbeat: Option<Origin>,
    pub notify: Notify,
    pub notify_deleted: Option<Option<Command>>,
    pub notify_master_rx_lower_pri: Option<Command>,
    pub smtp_alert: Option<bool>,
    pub notify_priority_changes: Option<bool>,
    pub sync_daemon: Option<Given<Box<str>>>,
    pub debug: u8,
}

/// `use_vmac`.
#[derive(Debug, Default)]
pub struct Vmac {
    pub name: Option<Given<Box<str>>>,
    pub mac: Option<Mac>,
    /// By number or by name.
    pub group: Option<Given<Box<str>>>,
    pub notifies: bool,
}

/// The last octet of a short one is the VRID.
#[derive(Clone, Copy, Debug)]
pub struct Mac {
    pub octets: [u8; 6],
    pub short: bool,
}

/// `use_ipvlan`.
#[derive(Debug, Default)]
pub struct Ipvlan {
    pub at: Origin,
    pub name: Option<Box<str>>,
    pub address: Option<(IpAddr, u8)>,
    pub mode: Option<IpvlanMode>,
    /// By number or by name.
    pub group: Option<Given<Box<str>>>,
}

/// A line of `unicast_peer`.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    pub at: Origin,
    pub address: IpAddr,
    pub min_ttl: Option<u8>,
    pub max_ttl: Option<u8>,
}

/// What `auth_type` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    Pass,
    Ah,
}

/// `authentication`.
#[derive(Debug)]
pub struct Authentication {
    /// Whose it is, for messages.
    pub instance: Box<str>,
    pub at: Origin,
    pub protection: Option<Protection>,
    pub password: Option<Password>,
}

/// `auth_hmac`.
#[derive(Debug)]
pub struct Hmac {
    pub instance: Box<str>,
    pub at: Origin,
    pub end: Origin,
    pub keys: Vec<HmacKey>,
    pub active: Option<u8>,
    pub window: Option<Duration>,
    pub replay: AntiReplay,
    pub mode: HmacMode,
}

#[derive(Debug)]
pub struct HmacKey {
    pub at: Origin,
    pub id: u8,
    pub text: KeyText,
}

/// What a key is made of.
pub enum KeyText {
    Bytes(Box<[u8]>),
    File(Box<str>),
}

impl std::fmt::Debug for KeyText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bytes(bytes) => write!(f, "Bytes({} of them)", bytes.len()),
            Self::File(path) => write!(f, "File({path:?})"),
        }
    }
}

impl Instance {
    pub fn new(name: &str, at: Origin) -> Self {
        Self {
            name: name.into(),
            at,
            end: at,
            vrid: None,
            versions: Vec::new(),
            native_ipv6: None,
            interfaces: Vec::new(),
            vrf: None,
            vmac: None,
            vmac_addresses: false,
            transmits_on_base: None,
            ipvlan: None,
            peers: Vec::new(),
            unicast: None,
            fault_without_peers: false,
            check_source: false,
            old_checksum: None,
            unicast_ttl: None,
            sources: Vec::new(),
            groups: Vec::new(),
            tracks_source: false,
            dont_track_primary: false,
            state: None,
            priority: None,
            nopreempt: None,
            preempt_delay: None,
            strict: None,
            advert_interval: None,
            down_timer_adverts: None,
            vips: Vec::new(),
            excluded: Vec::new(),
            routes: Vec::new(),
            rules: Vec::new(),
            without_vips: false,
            accept: None,
            authentication: None,
            hmac: None,
            trackers: Trackers::default(),
            garp_delay: None,
            garp_repeat: None,
            garp_refresh: None,
            garp_refresh_repeat: None,
            garp_lower_prio_delay: None,
            garp_lower_prio_repeat: None,
            garp_extra: None,
            skip_check_adv_addr: None,
            lower_prio_no_advert: None,
            higher_prio_send_advert: None,
            owner_ignore_adverts: None,
            v3_checksum_as_v2: None,
            timer_expired_backup: None,
            receive_buffer: None,
            promote_secondaries: None,
            linkbeat: None,
            notify: Notify::default(),
            notify_deleted: None,
            notify_master_rx_lower_pri: None,
            smtp_alert: None,
            notify_priority_changes: None,
            sync_daemon: None,
            debug: 0,
        }
    }

    /// A keyword about unicast was seen.
    pub fn is_about_unicast(&mut self, at: Origin) {
        self.unicast.get_or_insert(at);
    }

    /// What a model says, every option spelled out.
    pub fn stated(model: &model::Instance, global: &Global) -> Self {
        let here = Origin::default();
        let mut draft = Self {
            vrid: Some(model.vrid.0),
            versions: vec![Given::stated(model.version)],
            native_ipv6: (model.family == Family::V6 && model.version == Version::V3).then_some(here),
            interfaces: model.interface.iter().cloned().map(Given::stated).collect(),
            vrf: model.vrf.clone().map(Given::stated),
            vmac_addresses: model.vmac_addresses,
            sources: model.source.into_iter().map(Given::stated).collect(),
            tracks_source: model.tracks_source,
            dont_track_primary: !model.tracks_link,
            state: Some(Given::stated(model.role)),
            priority: Some(model.priority.0),
            strict: Some(model.strict),
            advert_interval: Some(Given::stated(model.advert_interval)),
            down_timer_adverts: Some(model.down_timer_adverts),
            vips: model.vips.iter().map(Address::from).collect(),
            excluded: model.excluded.iter().map(Address::from).collect(),
            routes: model.routes.iter().map(Route::from).collect(),
            rules: model.rules.iter().map(Rule::from).collect(),
            without_vips: model.without_vips,
            accept: Some(Given::stated(model.accept)),
            trackers: Trackers::from(&model.trackers),
            garp_delay: Some(model.garp.delay),
            garp_repeat: Some(model.garp.repeat),
            garp_refresh: Some(model.garp.refresh),
            // 0 comes from vrrp_min_garp, and from nowhere else.
            garp_refresh_repeat: Some(model.garp.refresh_repeat).filter(|&repeat| repeat > 0),
            garp_lower_prio_delay: Some(model.garp.lower_prio_delay),
            garp_lower_prio_repeat: Some(model.garp.lower_prio_repeat),
            garp_extra: Some(model.garp.extra.unwrap_or(ExtraGarp { interval: Duration::ZERO, all: false })),
            skip_check_adv_addr: Some(model.skip_check_adv_addr),
            lower_prio_no_advert: Some(model.lower_prio_no_advert),
            higher_prio_send_advert: Some(model.higher_prio_send_advert),
            owner_ignore_adverts: Some(Given::stated(model.owner_ignore_adverts)),
            v3_checksum_as_v2: Some(model.v3_checksum_as_v2),
            timer_expired_backup: model.timer_expired_backup.map(|p| Given::stated(p.0)),
            receive_buffer: model.receive_buffer,
            promote_secondaries: model.promote_secondaries.then_some(here),
            notify: Notify::from(&model.notify),
            notify_deleted: match &model.notify_deleted {
                Deleted::AsFault => None,
                Deleted::AsDeleted(script) => Some(script.as_deref().map(Command::from)),
            },
            notify_master_rx_lower_pri: model.notify_master_rx_lower_pri.as_deref().map(Command::from),
            smtp_alert: Some(model.smtp_alert),
            notify_priority_changes: Some(model.notify_priority_changes),
            debug: model.debug,
            ..Self::new(&model.name, here)
        };
        match model.preempt {
            Preempt::Never => draft.nopreempt = Some(here),
            Preempt::After(delay) => draft.preempt_delay = Some(Given::stated(delay)),
        }
        draft.state_carrier(model);
        draft.state_transport(model, global);
        draft.state_auth(model);
        draft
    }

    fn state_carrier(&mut self, model: &model::Instance) {
        match &model.carrier {
            Carrier::Interface => {}
            Carrier::Vmac(vmac) => {
                self.vmac = Some(Vmac {
                    name: vmac.name.clone().map(Given::stated),
                    mac: vmac.mac.map(|octets| Mac { octets, short: false }),
                    group: vmac.group.map(|group| Given::stated(group.to_string().into())),
                    notifies: vmac.notifies,
                });
                self.transmits_on_base = vmac.transmits_on_base.then(Origin::default);
            }
            Carrier::Ipvlan(ipvlan) => {
                self.ipvlan = Some(Ipvlan {
                    at: Origin::default(),
                    name: ipvlan.name.clone(),
                    address: ipvlan.address.map(|p| (p.address, p.length)),
                    mode: ipvlan.mode,
                    group: ipvlan.group.map(|group| Given::stated(group.to_string().into())),
                });
            }
        }
    }

    fn state_transport(&mut self, model: &model::Instance, global: &Global) {
        match &model.transport {
            // The group of the process may be one that an instance cannot name itself.
            &Transport::Multicast { group } => {
                if group != global.vrrp.mcast_group(model.family) {
                    self.groups = vec![Given::stated(group)];
                }
            }
            Transport::Unicast { peers, ttl, check_source, old_checksum } => {
                self.unicast = Some(Origin::default());
                self.fault_without_peers = peers.is_empty();
                self.peers = peers
                    .iter()
                    .map(|p| Peer {
                        at: Origin::default(),
                        address: p.address,
                        min_ttl: (p.min_ttl > 0).then_some(p.min_ttl),
                        max_ttl: (p.max_ttl < u8::MAX).then_some(p.max_ttl),
                    })
                    .collect();
                self.unicast_ttl = ttl.map(Given::stated);
                self.check_source = *check_source;
                self.old_checksum = (*old_checksum != OldChecksum::Follow).then_some(*old_checksum);
            }
        }
    }

    fn state_auth(&mut self, model: &model::Instance) {
        let simple = |protection, password: &Password| {
            Some(Authentication {
                instance: model.name.clone(),
                at: Origin::default(),
                protection: Some(protection),
                password: Some(password.clone()),
            })
        };
        match &model.auth {
            Auth::None => {}
            Auth::Pass(password) => self.authentication = simple(Protection::Pass, password),
            Auth::Ah(password) => self.authentication = simple(Protection::Ah, password),
            Auth::Hmac(hmac) => {
                let key = |key: &model::HmacKey| HmacKey { at: Origin::default(), id: key.id, text: KeyText::Bytes(key.secret.0.clone()) };
                self.hmac = Some(Hmac {
                    instance: model.name.clone(),
                    at: Origin::default(),
                    end: Origin::default(),
                    keys: hmac.keys.iter().map(key).collect(),
                    active: Some(hmac.active),
                    window: Some(hmac.window),
                    replay: hmac.replay,
                    mode: hmac.mode,
                });
            }
        }
    }
}
