//! One instance.

use super::Vrrps;
use super::family::Agreed;
use crate::config::command::Command;
use crate::config::draft::net::{Address, Route, Rule};
use crate::config::draft::vrrp::{Instance as Draft, Notify as NotifyDraft};
use crate::config::resolve::script::{Process, Purpose};
use crate::model::net;
use crate::model::net::Family;
use crate::model::script::Script;
use crate::model::vrrp::{Auth, Deleted, Instance, Notify, Preempt, Priority, Role, Transport, Version, Vrid};
use std::collections::HashMap;
use std::time::Duration;

const NOTIFY: Purpose<'static> = Purpose::Notify(Process::Vrrp);

/// The state wanted, and what goes with it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) priority: Priority,
    pub(super) role: Role,
    pub(super) strict: bool,
    pub(super) version: Version,
}

impl Vrrps<'_, '_> {
    /// An instance, unless it lacks what nothing can take the place of. `inheritance` holds what members take from their
    /// groups.
    pub(super) fn instance(&mut self, mut draft: Draft, inheritance: &HashMap<Box<str>, Option<bool>>) -> Option<Instance> {
        let interface = self.interface(&draft);
        let vrf = self.vrf(&draft);
        let mut agreed = self.agree(&mut draft);
        let mut carrier = self.carrier(&mut draft, &agreed);
        let transport = self.transport(&draft, &mut agreed, &mut carrier);
        let trackers = self.trackers(&draft.name, std::mem::take(&mut draft.trackers));
        let (vips, excluded) =
            self.distinct(&draft.name, std::mem::take(&mut agreed.vips), std::mem::take(&mut draft.excluded), &interface);

        // Scripts count, whatever becomes of the instance.
        let notify = self.notify(&draft.notify);
        let notify_deleted = match draft.notify_deleted.take() {
            None => Deleted::AsFault,
            Some(command) => Deleted::AsDeleted(self.script(command.as_ref())),
        };
        let notify_master_rx_lower_pri = self.script(draft.notify_master_rx_lower_pri.as_ref());

        let name = draft.name.clone();
        let Some(vrid) = draft.vrid.map(Vrid) else {
            self.unusable(draft.end, format!("({name}) the virtual router id must be set")).hint("virtual_router_id N, from 1 to 255");
            return None;
        };
        let strict = draft.strict.unwrap_or(self.global.vrrp.strict);
        let version = self.settled_version(&draft, &agreed, strict);
        let standing = self.standing(&draft, strict, version);
        self.check_interface(&draft, interface.is_some(), &transport, agreed.source.is_some());
        self.check_vips(&draft, &vips, &transport, standing, agreed.family);
        let crippled = self.lacks_ipvlan_address(&draft, &carrier, &agreed);
        let promote_secondaries = self.fit_carrier(&draft, &carrier);
        let advert_interval = self.advert_interval(&draft, version);
        let auth = self.auth(&mut draft, &agreed, standing, advert_interval);
        let role = if matches!(auth, Auth::Ah(_)) { self.listening(&draft, standing) } else { standing.role };
        let standing = Standing { role, ..standing };
        let preempt = self.preempt(&draft, standing);
        let manners = self.manners(&draft, &mut carrier, standing);
        let garp = self.garp(&draft, strict);
        let trackers = self.own_trackers(&draft, interface.as_deref(), standing.priority, trackers);
        let (vips, excluded) = self.fit_packet(&draft, vips, excluded, interface.as_deref(), agreed.family, &auth, version);
        let (routes, rules) = (std::mem::take(&mut draft.routes), std::mem::take(&mut draft.rules));
        let priority_changes = draft.notify_priority_changes.or_else(|| inheritance.get(&name).copied().flatten());
        Some(Instance {
            vrid,
            family: agreed.family,
            version,
            vips: self.addresses(vips, interface.as_deref()),
            excluded: self.addresses(excluded, interface.as_deref()),
            routes: self.routes(routes),
            rules: self.rules(rules),
            interface,
            vrf,
            source: agreed.source.or(agreed.ipvlan.map(|(address, _)| address)),
            tracks_source: draft.tracks_source && (agreed.source.is_some() || agreed.ipvlan.is_some()),
            carrier,
            vmac_addresses: draft.vmac_addresses,
            transport,
            tracks_link: !draft.dont_track_primary,
            role,
            priority: standing.priority,
            preempt,
            strict,
            advert_interval,
            down_timer_adverts: manners.down_timer_adverts,
            without_vips: draft.without_vips && !strict,
            accept: manners.accept,
            auth,
            trackers,
            garp,
            skip_check_adv_addr: draft.skip_check_adv_addr.unwrap_or(self.global.vrrp.skip_check_adv_addr),
            lower_prio_no_advert: manners.lower_prio_no_advert,
            higher_prio_send_advert: manners.higher_prio_send_advert,
            owner_ignore_adverts: manners.owner_ignore_adverts,
            v3_checksum_as_v2: draft.v3_checksum_as_v2.unwrap_or(self.global.vrrp.v3_checksum_as_v2),
            timer_expired_backup: self.timer_expired(&draft, preempt),
            receive_buffer: draft.receive_buffer,
            promote_secondaries,
            notify,
            notify_deleted,
            notify_master_rx_lower_pri,
            smtp_alert: draft.smtp_alert.unwrap_or(self.smtp_alert()),
            notify_priority_changes: priority_changes.unwrap_or(self.global.scripts.notify_priority_changes),
            debug: draft.debug,
            crippled,
            name,
        })
    }

    pub(super) fn smtp_alert(&self) -> bool {
        self.global.mail.alert_vrrp.or(self.global.mail.alert).unwrap_or(false)
    }

    /// IPv6 without a word about the version is version 3, whatever the process's default.
    fn settled_version(&mut self, draft: &Draft, agreed: &Agreed, strict: bool) -> Version {
        match (agreed.family, agreed.version) {
            (Family::V4, given) => given.or(self.global.vrrp.version.and_then(Version::of)).unwrap_or(Version::V2),
            (Family::V6, Some(Version::V2)) if strict => {
                self.fault(draft.at, format!("({}) cannot use IPv6 with VRRP version 2; setting version 3", draft.name));
                Version::V3
            }
            // Whoever says so before an address does means version 3 with it.
            (Family::V6, _) if draft.native_ipv6.is_some() => Version::V3,
            (Family::V6, given) => given.unwrap_or(Version::V3),
        }
    }

    fn standing(&mut self, draft: &Draft, strict: bool, version: Version) -> Standing {
        let given = draft.state.as_ref().map(|state| state.value);
        let priority = draft.priority.map_or(if given == Some(Role::Master) { Priority::OWNER } else { Priority::DEFAULT }, Priority);
        let fitting = if priority.is_owner() { Role::Master } else { Role::Backup };
        let role = given.unwrap_or(fitting);
        if strict && role != fitting {
            let at = draft.state.as_ref().map_or(draft.at, |state| state.at);
            self.fault(at, format!("({}) State MASTER must match being address owner", draft.name))
                .hint("with strict_mode, state MASTER and priority 255 go together");
            return Standing { priority, role: fitting, strict, version };
        }
        Standing { priority, role, strict, version }
    }

    /// An instance with AH must hear the others' sequence number before it may send.
    fn listening(&mut self, draft: &Draft, standing: Standing) -> Role {
        if standing.role == Role::Master && !standing.priority.is_owner() {
            self.fault(draft.at, format!("({}) Initial state master is incompatible with AH authentication - clearing", draft.name));
            return Role::Backup;
        }
        standing.role
    }

    fn check_interface(&mut self, draft: &Draft, has_interface: bool, transport: &Transport, has_source: bool) {
        let name = &draft.name;
        if has_interface || draft.interfaces.iter().any(|i| self.resolver.interface(&i.value).is_none()) {
            return;
        }
        let unicast = matches!(transport, Transport::Unicast { .. });
        if draft.unicast.is_some() && !has_source {
            self.unusable(draft.end, format!("({name}): Unicast instances must have unicast_src_ip or interface")).hint("interface NAME");
        } else if !unicast || draft.vmac.is_some() {
            self.unusable(draft.end, format!("({name}) Unknown interface!")).hint("interface NAME");
        }
    }

    fn check_vips(&mut self, draft: &Draft, vips: &[Address], transport: &Transport, standing: Standing, family: Family) {
        let name = &draft.name;
        if standing.strict && matches!(transport, Transport::Unicast { .. }) {
            self.unusable(draft.unicast.unwrap_or(draft.at), format!("({name}) Unicast peers are not supported in strict mode"));
        }
        match vips.first() {
            Some(first) => {
                let link_local = |address: std::net::IpAddr| match address {
                    std::net::IpAddr::V4(_) => true,
                    std::net::IpAddr::V6(address) => address.is_unicast_link_local(),
                };
                if family == Family::V6 && !link_local(first.address) {
                    let text = format!("({name}) the first IPv6 VIP address must be link local");
                    if standing.strict {
                        self.fault(first.at, text).hint("put an address of fe80::/10 first");
                    } else {
                        self.log(first.at, text);
                    }
                }
            }
            None if draft.without_vips && !standing.strict => {}
            None if standing.strict || standing.version == Version::V3 => {
                self.unusable(draft.end, format!("({name}) No VIP specified; at least one is required"))
                    .hint("virtual_ipaddress { ADDRESS }");
            }
            None => {
                self.fault(draft.end, format!("({name}) No VIP specified; at least one is sensible")).hint("virtual_ipaddress { ADDRESS }");
            }
        }
    }

    /// The interval as the version can send it.
    fn advert_interval(&mut self, draft: &Draft, version: Version) -> Duration {
        const SECOND: u64 = 1_000_000;
        const CENTI: u64 = 10_000;
        const LONGEST_V3: u64 = 4095 * CENTI;
        let Some(given) = &draft.advert_interval else { return Duration::from_secs(1) };
        let (name, at) = (&draft.name, given.at);
        let micros = u64::try_from(given.value.as_micros()).unwrap_or(u64::MAX);
        let seconds = given.value.as_secs_f64();
        let round = |unit: u64| micros.saturating_add(unit / 2) / unit * unit;
        let fitting = match version {
            Version::V2 => {
                let rounded = round(SECOND).clamp(SECOND, 255 * SECOND);
                if rounded != micros {
                    self.fault(at, format!("({name}) VRRPv2 advertisement interval {seconds:.6}s must be an integer. rounding"))
                        .hint(format!("it becomes {}", rounded / SECOND));
                }
                rounded
            }
            Version::V3 if micros > LONGEST_V3 => {
                let text = format!(
                    "({name}) VRRPv3 advertisement interval {seconds:.2}s is out of range. Must be less than 40.96s. Setting to 40.95s"
                );
                self.fault(at, text);
                LONGEST_V3
            }
            Version::V3 => {
                let rounded = round(CENTI);
                if rounded != micros {
                    self.fault(at, format!("({name}) VRRPv3 advertisement interval {seconds:.6}s must be in units of 10ms - rounding"));
                }
                rounded
            }
        };
        Duration::from_micros(fitting)
    }

    fn preempt(&mut self, draft: &Draft, standing: Standing) -> Preempt {
        let name = &draft.name;
        let mut never = false;
        if let Some(at) = draft.nopreempt {
            if standing.priority.is_owner() {
                self.fault(at, format!("({name}) nopreempt is incompatible with priority 255. resetting nopreempt"));
            } else if standing.role == Role::Master {
                self.fault(at, format!("({name}) Warning - nopreempt will not work with initial state MASTER - clearing"))
                    .hint("set 'state BACKUP'; the first to start becomes master anyway");
            } else {
                never = true;
            }
        }
        if let Some(delay) = draft.preempt_delay.as_ref().filter(|delay| !delay.value.is_zero()) {
            let fault = if standing.strict {
                "preempt_delay is incompatible with strict mode - resetting"
            } else if standing.role == Role::Master {
                "Warning - preempt delay will not work with initial state MASTER - clearing"
            } else if never {
                "preempt_delay is incompatible with nopreempt mode - resetting"
            } else {
                return Preempt::After(delay.value);
            };
            self.fault(delay.at, format!("({name}) {fault}"));
        }
        if never { Preempt::Never } else { Preempt::After(Duration::ZERO) }
    }

    fn timer_expired(&mut self, draft: &Draft, preempt: Preempt) -> Option<Priority> {
        let given = draft.timer_expired_backup.as_ref()?;
        if preempt != Preempt::Never {
            self.fault(given.at, format!("({}) timer_expired_backup requires nopreempt - clearing", draft.name));
            return None;
        }
        Some(Priority(given.value))
    }

    /// Leaves out addresses that stand twice on the same interface.
    fn distinct(
        &mut self,
        name: &str,
        vips: Vec<Address>,
        excluded: Vec<Address>,
        interface: &Option<Box<str>>,
    ) -> (Vec<Address>, Vec<Address>) {
        let mut seen = HashMap::new();
        let mut keep = |list: Vec<Address>, kind: &'static str| {
            let mut kept = Vec::with_capacity(list.len());
            for address in list {
                let device = address.device.clone().or_else(|| interface.clone());
                if let Some(first) = seen.get(&(address.address, device.clone())) {
                    let text = format!("({name}): {kind} duplicates a {first} {} - ignoring", address.address);
                    self.error(address.at, text);
                } else {
                    seen.insert((address.address, device), kind);
                    kept.push(address);
                }
            }
            kept
        };
        let vips = keep(vips, "VIP");
        let excluded = keep(excluded, "eVIP");
        (vips, excluded)
    }

    /// Moves to the excluded addresses what an advert has no room for.
    #[expect(clippy::too_many_arguments, reason = "the room in a packet depends on all of these")]
    fn fit_packet(
        &mut self,
        draft: &Draft,
        mut vips: Vec<Address>,
        mut excluded: Vec<Address>,
        interface: Option<&str>,
        family: Family,
        auth: &Auth,
        version: Version,
    ) -> (Vec<Address>, Vec<Address>) {
        // keepalived leaves room for an AH header, used or not.
        const AH: u32 = 24;
        const HEADER: u32 = 8;
        let mtu = interface.and_then(|name| self.resolver.interface(name)).map_or(1500, |interface| interface.mtu);
        let (ip, each) = match family {
            Family::V4 => (20, 4),
            Family::V6 => (40, 16),
        };
        let password = match version {
            Version::V2 => 8,
            Version::V3 => 0,
        };
        let trailer = password + if matches!(auth, Auth::Hmac(_)) { 28 } else { 0 };
        let room = mtu.saturating_sub(ip + AH + HEADER + trailer) / each;
        let most = usize::try_from(room).unwrap_or(usize::MAX).min(255);
        if vips.len() > most {
            let text = format!(
                "({}) Number of VIPs ({}) exceeds maximum/space available in packet (max {most} addresses) - excess moved to eVIPs",
                draft.name,
                vips.len()
            );
            self.fault(vips[most].at, text).hint("the advert says only so many; the rest is held, but not announced");
            excluded.splice(0..0, vips.split_off(most));
        }
        (vips, excluded)
    }

    /// Naming the interface of the instance says nothing: with a VMAC the address goes there all the same (2.4.3).
    fn addresses(&mut self, mut drafts: Vec<Address>, interface: Option<&str>) -> Vec<net::Address> {
        for draft in &mut drafts {
            draft.device.take_if(|device| Some(&**device) == interface);
        }
        drafts.into_iter().filter_map(|draft| self.resolver.address(draft, None)).collect()
    }

    fn routes(&mut self, drafts: Vec<Route>) -> Vec<net::Route> {
        drafts.into_iter().filter_map(|draft| self.resolver.route(draft)).collect()
    }

    fn rules(&mut self, drafts: Vec<Rule>) -> Vec<net::Rule> {
        drafts.into_iter().filter_map(|draft| self.resolver.rule(draft)).collect()
    }

    pub(super) fn notify(&mut self, draft: &NotifyDraft) -> Notify {
        Notify {
            master: self.script(draft.master.as_ref()),
            backup: self.script(draft.backup.as_ref()),
            fault: self.script(draft.fault.as_ref()),
            stop: self.script(draft.stop.as_ref()),
            any: self.script(draft.any.as_ref()),
        }
    }

    fn script(&mut self, command: Option<&Command>) -> Option<Box<Script>> {
        self.resolver.command(command?, NOTIFY).map(Box::new)
    }
}
