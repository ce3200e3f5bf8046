//! What a LAN is to look like: virtual routers, the hosts that serve them, and the configuration of each host as a text.

use crate::chance::Chance;
use standfast::config::diagnostic::Class;
use standfast::config::host::Stated;
use standfast::config::source::{Files, Refusal};
use standfast::config::{Options, load};
use standfast::model::Model;
use standfast::model::net::{Family, Prefix};
use standfast::vrrp::{Standing, Tracked};
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// No virtual router has more addresses than this.
pub(crate) const MOST_VIPS: u8 = 3;
/// Until the second burst of announcements, of new masters and of those who heard a lower advert.
pub(crate) const SECOND_BURST: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) segments: u8,
    pub(crate) startup_delay: Duration,
    pub(crate) routers: Vec<Router>,
    pub(crate) hosts: Vec<HostPlan>,
}

/// What the hosts of a virtual router agree on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Router {
    pub(crate) segment: u8,
    pub(crate) vrid: u8,
    pub(crate) family: Family,
    pub(crate) version: u8,
    pub(crate) unicast: bool,
    pub(crate) auth: Auth,
    /// On a virtual MAC.
    pub(crate) vmac: bool,
}

/// How its adverts are authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Auth {
    None,
    Pass,
    Ah,
    Hmac,
}

impl Auth {
    /// What stands in the configuration.
    fn lines(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Pass => " authentication {\n auth_type PASS\n auth_pass secret12\n }\n",
            Self::Ah => " authentication {\n auth_type AH\n auth_pass secret12\n }\n",
            Self::Hmac => " auth_hmac {\n key 1 key-one-key-one-key-one-key-one-32\n active_key 1\n time_window 60\n }\n",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct HostPlan {
    /// For each virtual router whether and how this host takes part in it.
    pub(crate) members: Vec<Option<Member>>,
    /// All of them are in one sync group.
    pub(crate) grouped: bool,
    /// What its script found last, if it has one.
    pub(crate) script: Option<Standing>,
    /// What stands for a script here.
    pub(crate) tracks: Tracks,
    /// The group has the tracker in the place of its members.
    pub(crate) group_tracks: bool,
}

/// What hosts look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tracks {
    #[default]
    Script,
    Process,
    Bfd,
}

impl Tracks {
    pub(crate) const fn object(self) -> Tracked<'static> {
        match self {
            Self::Script => Tracked::Script(SCRIPT),
            Self::Process => Tracked::Process(SCRIPT),
            Self::Bfd => Tracked::Bfd(SCRIPT),
        }
    }

    fn definition(self) -> String {
        match self {
            Self::Script => format!("vrrp_script {SCRIPT} {{\n script {COMMAND}\n}}\n"),
            Self::Process => format!("vrrp_track_process {SCRIPT} {{\n process something\n}}\n"),
            Self::Bfd => format!("bfd_instance {SCRIPT} {{\n neighbor_ip 192.0.2.99\n}}\n"),
        }
    }

    const fn block(self) -> &'static str {
        match self {
            Self::Script => "track_script",
            Self::Process => "track_process",
            Self::Bfd => "track_bfd",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) priority: u8,
    pub(crate) interval: Duration,
    pub(crate) preempts: bool,
    pub(crate) preempt_delay: Duration,
    pub(crate) vips: u8,
    /// What the host's script is worth to it; zero makes its failure a fault.
    pub(crate) weight: Option<i16>,
    /// A reload may give it another name.
    pub(crate) generation: u32,
}

impl Member {
    pub(crate) const fn new(priority: u8, interval: Duration) -> Self {
        Self { priority, interval, preempts: true, preempt_delay: Duration::ZERO, vips: 1, weight: None, generation: 0 }
    }

    pub(crate) const fn is_owner(&self) -> bool {
        self.priority == 255
    }

    /// What it advertises while the host's script stands so, unless that is a fault.
    pub(crate) fn effective(&self, script: Option<Standing>) -> Option<u8> {
        let base = i16::from(self.priority);
        let weighed = match (self.weight, script) {
            (None, _) => base,
            (Some(0), Some(Standing::Up)) => base,
            (Some(0), _) => return None,
            (Some(weight), Some(Standing::Up)) => base + weight.max(0),
            (Some(weight), Some(_)) => base + weight.min(0),
            (Some(_), None) => base,
        };
        if self.is_owner() { Some(self.priority) } else { u8::try_from(weighed.clamp(1, 254)).ok() }
    }
}

/// What hosts look at, each at itself.
pub(crate) const SCRIPT: &str = "look";
const COMMAND: &str = "/usr/bin/look";

/// The interface of every host to a segment.
pub(crate) fn interface(segment: u8) -> String {
    format!("eth{segment}")
}

/// A host's own address on a segment.
pub(crate) fn own(host: usize, segment: u8, family: Family) -> Prefix {
    let host = u8::try_from(host + 1).expect("few hosts");
    match family {
        Family::V4 => Prefix { address: Ipv4Addr::new(10, segment, 0, host).into(), length: 24 },
        Family::V6 => Prefix { address: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, segment.into(), host.into()).into(), length: 64 },
    }
}

impl Router {
    /// All the addresses that it ever has; the first ones are those that a [`Member`] holds.
    pub(crate) fn vips(&self) -> impl Iterator<Item = Prefix> {
        let (segment, vrid, family) = (self.segment, self.vrid, self.family);
        (0..MOST_VIPS).map(move |n| match (family, n) {
            (Family::V4, _) => Prefix { address: Ipv4Addr::new(10, segment, vrid, n + 1).into(), length: 32 },
            (Family::V6, 0) => Prefix { address: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 1, vrid.into(), 1).into(), length: 64 },
            (Family::V6, _) => {
                Prefix { address: Ipv6Addr::new(0x2001, 0xdb8, segment.into(), 0, 0, 0, vrid.into(), n.into()).into(), length: 64 }
            }
        })
    }
}

struct OneFile(String);

impl Files for OneFile {
    fn read(&self, _: &Path) -> Result<Vec<u8>, Refusal> {
        Ok(self.0.clone().into_bytes())
    }

    fn list(&self, _: &Path) -> Vec<String> {
        vec!["a".to_owned()]
    }

    fn exists(&self, _: &Path) -> bool {
        true
    }
}

impl Plan {
    /// One segment, one virtual router of version 3, and a host for each member.
    pub(crate) fn simple(members: &[Member]) -> Self {
        let router = Router { segment: 0, vrid: 51, family: Family::V4, version: 3, unicast: false, auth: Auth::None, vmac: false };
        let hosts = members
            .iter()
            .map(|&member| HostPlan {
                members: vec![Some(member)],
                grouped: false,
                script: None,
                tracks: Tracks::Script,
                group_tracks: false,
            })
            .collect();
        Self { segments: 1, startup_delay: Duration::ZERO, routers: vec![router], hosts }
    }

    /// Two segments with a virtual router each, and hosts that keep them together.
    pub(crate) fn grouped(members: &[Member]) -> Self {
        let mut plan = Self::simple(members);
        plan.segments = 2;
        plan.routers.push(Router { segment: 1, vrid: 52, ..plan.routers[0] });
        for host in &mut plan.hosts {
            host.members.push(host.members[0]);
            host.grouped = true;
        }
        plan
    }

    pub(crate) fn random(chance: &mut Chance) -> Self {
        let grouped = chance.percent(25);
        let segments = if grouped || chance.percent(20) { 2 } else { 1 };
        let scale = chance.pick(&[10, 10, 20, 50, 100, 250, 500, 1000]);
        let count: u8 = if segments == 2 { 2 } else { chance.pick(&[1, 1, 2, 3]) };
        let hosts = chance.pick(&[2, 2, 2, 3, 3, 4]);
        let startup_delay =
            if chance.percent(10) { chance.duration(Duration::from_millis(1), Duration::from_secs(2)) } else { Duration::ZERO };
        let mut plan = Self { segments, startup_delay, routers: Vec::new(), hosts: Vec::new() };
        for _ in 0..hosts {
            let script = chance.percent(30).then(|| if chance.percent(80) { Standing::Up } else { Standing::Down });
            let tracks = chance.pick(&[Tracks::Script, Tracks::Script, Tracks::Process, Tracks::Bfd]);
            let group_tracks = grouped && chance.percent(50);
            plan.hosts.push(HostPlan { members: Vec::new(), grouped, script, tracks, group_tracks });
        }
        // A group stands or falls as one, so its members must agree on who is better.
        let shared: Vec<Member> = (0..hosts).map(|_| Self::member(chance)).collect();
        for n in 0..count {
            let version = if scale >= 500 && chance.percent(50) { 2 } else { 3 };
            let family = if version == 3 && chance.percent(30) { Family::V6 } else { Family::V4 };
            let unicast = family == Family::V4 && chance.percent(15);
            let auth = match (chance.percent(40), version) {
                (false, _) => Auth::None,
                // A member of a group that times out alone never speaks, so that a master that starts its numbers anew never hears
                // how far they had come.
                (true, 2) if grouped => chance.pick(&[Auth::Pass, Auth::Hmac]),
                (true, 2) => chance.pick(&[Auth::Pass, Auth::Ah, Auth::Ah, Auth::Hmac]),
                (true, _) => Auth::Hmac,
            };
            let common = if version == 2 { chance.pick(&[1000, 2000]) } else { scale * chance.pick(&[1, 1, 1, 2]) };
            let vmac = chance.percent(30);
            plan.routers.push(Router { segment: n % segments, vrid: 51 + n, family, version, unicast, auth, vmac });
            let vips = u8::try_from(chance.below(MOST_VIPS.into()) + 1).unwrap_or(1);
            for (host, shared) in plan.hosts.iter_mut().zip(&shared) {
                let mut member = if grouped { *shared } else { Self::member(chance) };
                let factor = if version == 3 && chance.percent(15) { chance.pick(&[2, 3]) } else { 1 };
                member.interval = Duration::from_millis((common * factor).min(2000));
                member.preempt_delay = member.preempt_delay.min(member.interval * 10);
                member.vips = vips;
                // Weights are for those who stand alone, and whose priority may change.
                let weight = if grouped || member.is_owner() { 0 } else { chance.pick(&[0, 10, 60, -10, -60, -253]) };
                // What the group tracks is all of its members' business.
                member.weight = host.script.filter(|_| host.group_tracks || chance.percent(70)).map(|_| weight);
                let takes_part = grouped || unicast || chance.percent(90);
                host.members.push(takes_part.then_some(member));
            }
        }
        plan
    }

    fn member(chance: &mut Chance) -> Member {
        let priority = chance.pick(&[1, 50, 100, 100, 100, 101, 150, 200, 254, 255]);
        let preempts = priority == 255 || chance.percent(80);
        let delayed = priority != 255 && preempts && chance.percent(15);
        let preempt_delay = if delayed { chance.duration(Duration::from_millis(10), Duration::from_secs(5)) } else { Duration::ZERO };
        Member { preempts, preempt_delay, ..Member::new(priority, Duration::ZERO) }
    }

    /// The name of a virtual router's instance on a host.
    pub(crate) fn name(&self, host: usize, router: usize) -> Option<String> {
        let member = self.hosts[host].members[router].as_ref()?;
        Some(format!("R{router}_{}", member.generation))
    }

    /// The virtual router that an instance of any host serves.
    pub(crate) fn router_of(name: &str) -> Option<usize> {
        name.strip_prefix('R')?.split('_').next()?.parse().ok()
    }

    /// What the host's administrator wrote.
    pub(crate) fn text(&self, host: usize) -> String {
        let plan = &self.hosts[host];
        let mut text = String::from("global_defs {\n router_id sim\n enable_script_security\n script_user root\n");
        if !self.startup_delay.is_zero() {
            writeln!(text, " vrrp_startup_delay {:.3}", self.startup_delay.as_secs_f64()).expect("writing to memory");
        }
        text.push_str("}\n");
        if plan.script.is_some() {
            text.push_str(&plan.tracks.definition());
        }
        self.write(host, &mut text).expect("writing to memory");
        if plan.grouped {
            let names: Vec<String> = (0..self.routers.len()).filter_map(|router| self.name(host, router)).collect();
            let names = names.join("\n");
            let tracker = plan.script.filter(|_| plan.group_tracks).map(|_| format!(" {} {{\n {SCRIPT}\n }}\n", plan.tracks.block()));
            let tracker = tracker.unwrap_or_default();
            write!(text, "vrrp_sync_group G {{\n group {{\n{names}\n }}\n{tracker}}}\n").expect("writing to memory");
        }
        text
    }

    fn write(&self, host: usize, text: &mut String) -> std::fmt::Result {
        for (n, router) in self.routers.iter().enumerate() {
            let (Some(member), Some(name)) = (self.hosts[host].members[n], self.name(host, n)) else { continue };
            let Router { segment, vrid, family, version, unicast, auth, vmac } = *router;
            let role = if member.is_owner() { "MASTER" } else { "BACKUP" };
            writeln!(text, "vrrp_instance {name} {{\n state {role}\n interface {}", interface(segment))?;
            writeln!(text, " virtual_router_id {vrid}\n priority {}\n version {version}", member.priority)?;
            writeln!(text, " advert_int {}", member.interval.as_secs_f64())?;
            let burst = SECOND_BURST.as_secs();
            writeln!(text, " garp_master_delay {burst}\n garp_lower_prio_delay {burst}")?;
            if !member.preempts {
                writeln!(text, " nopreempt")?;
            }
            if !member.preempt_delay.is_zero() {
                writeln!(text, " preempt_delay {:.3}", member.preempt_delay.as_secs_f64())?;
            }
            if vmac {
                writeln!(text, " use_vmac{}", if unicast { "\n vmac_xmit_base" } else { "" })?;
            }
            let tracks = &self.hosts[host];
            if let Some(weight) = member.weight.filter(|_| !tracks.group_tracks) {
                let weight = if weight == 0 { String::new() } else { format!("weight {weight}") };
                writeln!(text, " {} {{\n {SCRIPT} {weight}\n }}", tracks.tracks.block())?;
            }
            text.push_str(auth.lines());
            if unicast {
                // Without the address it would be deaf, and not notice.
                writeln!(text, " track_src_ip\n unicast_src_ip {}\n unicast_peer {{", own(host, segment, family).address)?;
                for peer in (0..self.hosts.len()).filter(|&peer| peer != host) {
                    writeln!(text, "  {}", own(peer, segment, family).address)?;
                }
                writeln!(text, " }}")?;
            }
            writeln!(text, " virtual_ipaddress {{")?;
            for vip in router.vips().take(member.vips.into()) {
                writeln!(text, "  {vip}")?;
            }
            writeln!(text, " }}\n}}")?;
        }
        Ok(())
    }

    pub(crate) fn model(&self, host: usize) -> Arc<Model> {
        let text = self.text(host);
        let names: Vec<String> = (0..self.segments).map(interface).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let options = Options { pattern: "a".into(), directory: "/k".into(), ..Options::default() };
        let loaded = load(&OneFile(text.clone()), &Stated::with(&names).script(COMMAND), &options);
        let wrong: Vec<&str> = loaded.problems.iter().filter(|d| d.class > Class::Notice).map(|d| d.text.as_str()).collect();
        assert!(wrong.is_empty(), "{wrong:#?}\n{text}");
        let taken = self.hosts[host].members.iter().flatten().count();
        assert_eq!(loaded.model.vrrp.instances.len(), taken, "{text}");
        Arc::new(loaded.model)
    }

    /// The longest that anybody waits for a master who is silent.
    pub(crate) fn master_down(&self, router: usize) -> Duration {
        let members = self.hosts.iter().filter_map(|host| host.members[router]);
        // Three adverts and a skew, which is less than one.
        members.map(|member| member.interval * 4).max().unwrap_or_default()
    }

    pub(crate) fn longest_master_down(&self) -> Duration {
        (0..self.routers.len()).map(|router| self.master_down(router)).max().unwrap_or_default()
    }

    pub(crate) fn longest_preempt_delay(&self) -> Duration {
        self.hosts.iter().flat_map(|host| host.members.iter().flatten()).map(|member| member.preempt_delay).max().unwrap_or_default()
    }

    /// Whose address this is on the segment.
    pub(crate) fn host_at(&self, segment: u8, address: IpAddr) -> Option<usize> {
        (0..self.hosts.len()).find(|&host| own(host, segment, Family::of(address)).address == address)
    }
}
