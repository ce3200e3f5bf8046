//! Facts in the real kernel: what is asked for is there, as it was asked for; what others do to it is noticed; what is left
//! by a predecessor is found; and in the end nothing is left.

use crate::bench::{Host, eventually, pause};
use standfast::config::diagnostic::Class;
use standfast::config::host::Stated;
use standfast::config::source::{Files, Refusal as Unreadable};
use standfast::config::{Options, load};
use standfast::effect::device::{NewDevice, Upper};
use standfast::effect::net::{Device, Fact, InstanceId, Links, Mac, Owner, Placed};
use standfast::kernel::holder::{Holder, Refusal, Ticket};
use standfast::kernel::rtnl::{Change, Monitor, Picture};
use std::path::Path;
use std::time::Duration;

const ONE: Owner = Owner::Instance(InstanceId(1));
const TWO: Owner = Owner::Instance(InstanceId(2));

struct Text(String);

impl Files for Text {
    fn read(&self, _: &Path) -> Result<Vec<u8>, Unreadable> {
        Ok(self.0.clone().into_bytes())
    }

    fn list(&self, _: &Path) -> Vec<String> {
        vec!["a".to_owned()]
    }

    fn exists(&self, _: &Path) -> bool {
        true
    }
}

/// A machine with two interfaces that are up, somebody who holds facts there, and what he hears.
struct Scene {
    holder: Holder,
    monitor: Monitor,
    changes: usize,
    stripped: Vec<(Owner, Fact)>,
    refused: Vec<Refusal>,
    overrun: bool,
    host: Host,
}

fn cable(host: &Host, near: &str, far: &str) {
    host.ip(&format!("link add {near} type veth peer name {far}"));
    for name in [near, far] {
        host.ip(&format!("link set {name} addrgenmode none up"));
    }
}

impl Scene {
    fn new() -> Self {
        Self::with_buffer(16 << 20)
    }

    fn with_buffer(bytes: usize) -> Self {
        let host = Host::new("kernel");
        for (near, far) in [("e0", "p0"), ("e1", "p1")] {
            cable(&host, near, far);
        }
        host.ip("addr add 10.9.0.10/24 dev e0");
        host.ip("addr add fd00:9::10/64 dev e0 nodad");
        let (monitor, holder) = host.run(move || (Monitor::with_buffer(bytes), Holder::start()));
        let (monitor, holder) = (monitor.expect("a monitor"), holder.expect("a holder"));
        Self { holder, monitor, changes: 0, stripped: Vec::new(), refused: Vec::new(), overrun: false, host }
    }

    fn picture(&self) -> Picture {
        self.host.run(Picture::take).expect("the kernel tells")
    }

    fn device(&self, name: &str) -> Device {
        self.picture().links.named(name).expect("an interface of the scene").device
    }

    /// What a configuration with these lines has an instance hold on `e0`, if a line says nothing else.
    fn facts(&self, addresses: &[&str], routes: &[&str], rules: &[&str]) -> Vec<Fact> {
        let block = |name: &str, lines: &[&str]| match lines {
            [] => String::new(),
            lines => format!("{name} {{\n{}\n}}\n", lines.join("\n")),
        };
        let text = format!(
            "vrrp_instance VI {{\ninterface e0\nvirtual_router_id 51\nvirtual_ipaddress {{\n10.9.0.200\n}}\n{}{}{}}}\n",
            block("virtual_ipaddress_excluded", addresses),
            block("virtual_routes", routes),
            block("virtual_rules", rules)
        );
        let options = Options { pattern: "a".into(), directory: "/k".into(), ..Options::default() };
        let loaded = load(&Text(text.clone()), &Stated::with(&["e0", "e1"]), &options);
        let wrong: Vec<&str> = loaded.problems.iter().filter(|d| d.class > Class::Notice).map(|d| d.text.as_str()).collect();
        assert!(wrong.is_empty(), "{wrong:#?}\n{text}");
        let instance = &loaded.model.vrrp.instances[0];
        let links = self.picture().links;
        let addresses = instance.excluded.iter().map(|address| {
            let device = links.named(address.device.as_deref().unwrap_or("e0")).expect("an interface of the scene").device;
            Fact::Address(Placed { device, address: address.clone(), lease: None })
        });
        let routes = instance.routes.iter().map(|route| Fact::Route(Box::new(route.clone())));
        let rules = instance.rules.iter().map(|rule| Fact::Rule(Box::new(rule.clone())));
        addresses.chain(routes).chain(rules).collect()
    }

    fn addresses(&self, lines: &[&str]) -> Vec<Fact> {
        self.facts(lines, &[], &[])
    }

    /// A round of what the daemon does in each of its turns.
    fn turn(&mut self) {
        let mut changes = Vec::new();
        let all = self.monitor.read(&mut changes).expect("it can be heard");
        self.changes += changes.len();
        for change in changes {
            self.overrun |= change == Change::Overrun;
            self.stripped.extend(self.holder.observe(&change));
        }
        if all {
            self.stripped.extend(self.holder.caught_up());
        }
        self.refused.extend(self.holder.settle());
    }

    /// Until all is done, and has been heard.
    #[track_caller]
    fn quiet(&mut self) {
        eventually("it becomes quiet", || {
            self.turn();
            let before = self.changes;
            self.turn();
            (self.holder.is_idle() && !self.holder.is_listening() && self.changes == before).then_some(())
        });
    }

    /// Holds exactly that, and nothing is lost or refused.
    #[track_caller]
    fn hold(&mut self, owner: Owner, facts: &[Fact]) -> Ticket {
        let ticket = self.holder.hold(owner, facts);
        self.quiet();
        assert!(self.refused.is_empty(), "{:#?}", self.refused);
        assert!(self.stripped.is_empty(), "{:#?}", self.stripped);
        ticket
    }

    #[track_caller]
    fn expect_stripped(&mut self, mut want: Vec<(Owner, Fact)>) {
        eventually("it is noticed", || {
            self.turn();
            (self.stripped.len() >= want.len()).then_some(())
        });
        self.quiet();
        let mut found = std::mem::take(&mut self.stripped);
        for list in [&mut found, &mut want] {
            list.sort_by_key(|(owner, fact)| format!("{owner:?} {fact:?}"));
        }
        assert_eq!(found, want);
    }

    /// The lines of `ip -o addr` with this in them.
    fn shown(&self, what: &str) -> Vec<String> {
        let text = self.host.ip("-o addr show");
        text.lines().filter(|line| line.contains(what)).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    /// A picture shows nothing that is missing, and saying all of it again writes nothing.
    #[track_caller]
    fn restate(&mut self, owner: Owner, facts: &[Fact], last: Ticket) {
        let picture = self.picture();
        assert_eq!(self.holder.resync(&picture), []);
        assert_eq!(self.hold(owner, facts), last, "something was written");
    }

    /// Has the kernel looked at, and waits for it as the daemon does: by going on.
    fn look(&mut self) -> Links {
        self.holder.look();
        self.looked()
    }

    fn looked(&mut self) -> Links {
        eventually("it has been looked at", || {
            self.turn();
            self.holder.has_looked().then_some(())
        });
        eventually("all is heard that happened before", || {
            let mut changes = Vec::new();
            let all = self.monitor.read(&mut changes).expect("it can be heard");
            for change in changes {
                self.stripped.extend(self.holder.observe(&change));
            }
            all.then_some(())
        });
        self.holder.take_look().expect("the kernel tells")
    }

    /// What is missing by what was looked at.
    fn compare(&mut self, there: Links) -> Vec<(Owner, Fact)> {
        let (mut comparison, mut missing) = self.holder.compare(there);
        while !comparison.is_over() {
            missing.extend(self.holder.compare_some(&mut comparison, 2));
        }
        self.holder.forget();
        missing
    }

    fn adopt(&mut self, owner: Owner, facts: &[Fact]) {
        self.look();
        self.holder.adopt(owner, facts);
        self.holder.forget();
    }

    /// Somebody else comes, finds all of it, and need not write a word.
    #[track_caller]
    fn succeed(&mut self, owner: Owner, facts: &[Fact]) {
        self.holder = self.host.run(Holder::start).expect("a holder");
        let nothing = self.holder.hold(TWO, &[]);
        self.adopt(owner, facts);
        let held: Vec<Fact> = self.holder.held().map(|(_, fact)| fact.clone()).collect();
        assert_eq!(held, facts);
        assert_eq!(self.hold(owner, facts), nothing, "something was written");
    }
}

/// Addresses and a word that `ip` shows of each.
const ADDRESSES: [(&str, &str); 15] = [
    ("10.9.0.51/24", "inet 10.9.0.51/24 scope global secondary e0"),
    ("10.9.1.52/24 scope link", "inet 10.9.1.52/24 scope link e0"),
    ("10.9.2.53/24 label e0:7", "inet 10.9.2.53/24 scope global e0:7"),
    ("10.9.3.54/24 brd 10.9.3.255", "inet 10.9.3.54/24 brd 10.9.3.255 scope global e0"),
    ("10.9.4.55 peer 10.9.4.99", "inet 10.9.4.55 peer 10.9.4.99/32 scope global e0"),
    ("10.9.5.56/24 noprefixroute", "inet 10.9.5.56/24 scope global noprefixroute e0"),
    ("239.9.9.9/32 autojoin", "inet 239.9.9.9/32 scope global autojoin e0"),
    ("10.9.6.57/24 dev e1", "inet 10.9.6.57/24 scope global e1"),
    ("fd00:9::1/64", "inet6 fd00:9::1/64 scope global nodad"),
    ("fd00:9::2/64 -nodad", "inet6 fd00:9::2/64 scope global"),
    ("fd00:9::3/64 preferred_lft 0", "inet6 fd00:9::3/64 scope global deprecated nodad"),
    ("fd00:9::4/128 home", "inet6 fd00:9::4/128 scope global home nodad"),
    ("fd00:9::5/64 mngtmpaddr", "inet6 fd00:9::5/64 scope global nodad mngtmpaddr"),
    ("fd00:9::6/64 noprefixroute", "inet6 fd00:9::6/64 scope global nodad noprefixroute"),
    ("fd00:9::7 peer fd00:9::99", "inet6 fd00:9::7 peer fd00:9::99/128 scope global nodad"),
];

#[test]
fn every_address_is_there_as_it_is_wanted() {
    let mut scene = Scene::new();
    let facts = scene.addresses(&ADDRESSES.map(|(line, _)| line));
    let last = scene.hold(ONE, &facts);
    let shown = scene.shown("");
    for (line, want) in ADDRESSES {
        let words: Vec<&str> = want.split(' ').collect();
        // The flags come in an order of their own.
        let found = shown.iter().any(|shown| words.iter().all(|word| shown.split([' ', '\\']).any(|other| other == *word)));
        assert!(found, "{line}: {want}\n{shown:#?}");
    }
    assert!(!shown.iter().any(|line| line.contains("fd00:9::2/64") && line.contains("nodad")), "{shown:#?}");
    scene.restate(ONE, &facts, last);
    scene.succeed(ONE, &facts);
    for fact in &facts {
        let Fact::Address(placed) = fact else { unreachable!() };
        assert!(scene.holder.holds(placed.device, placed.address.prefix.address));
    }
    scene.hold(ONE, &[]);
    assert_eq!(scene.shown(" inet").len(), 4, "{:#?}", scene.shown(""));
}

/// The tables of the kernel without what it makes itself.
fn routing(host: &Host) -> String {
    let mut text = String::new();
    for family in ["-4", "-6"] {
        text += &host.ip(&format!("{family} route show table all proto 18"));
        text += &host.ip(&format!("{family} rule show"));
    }
    text
}

#[test]
fn routes_and_rules_of_all_kinds_come_and_go() {
    let routes = [
        ("10.77.0.0/24 via 10.9.0.20", "10.77.0.0/24 via 10.9.0.20 dev e0"),
        ("10.78.0.0/24 dev e1 scope link metric 5", "10.78.0.0/24 dev e1"),
        ("10.79.0.0/24 via 10.9.0.20 src 10.9.0.51 table 100", "table 100"),
        ("10.80.0.0/24 nexthop via 10.9.0.20 dev e0 weight 1 nexthop via 10.9.0.21 dev e0 weight 3", "via 10.9.0.21 dev e0 weight 3"),
        ("blackhole 10.81.0.0/16", "blackhole 10.81.0.0/16"),
        ("unreachable 10.82.0.0/16 metric 9", "unreachable 10.82.0.0/16"),
        ("prohibit 10.83.0.0/16", "prohibit 10.83.0.0/16"),
        ("throw 10.84.0.0/16 table 101", "throw 10.84.0.0/16"),
        ("10.85.0.0/24 via 192.0.2.1 dev e0 onlink", "onlink"),
        ("default via 10.9.0.20 metric 77 mtu 1400", "mtu 1400"),
        ("fd00:77::/64 via fd00:9::20 dev e0", "fd00:77::/64 via fd00:9::20 dev e0"),
        ("fd00:78::/64 dev e1 metric 7", "fd00:78::/64 dev e1"),
        ("fd00:79::/64 nexthop via fd00:9::20 dev e0 weight 1 nexthop via fd00:9::21 dev e0 weight 2", "via fd00:9::21 dev e0 weight 2"),
        ("blackhole fd00:80::/64", "blackhole fd00:80::/64"),
        ("fd00:81::/64 via fd00:9::20 dev e0 src fd00:9::51 table 102", "table 102"),
    ];
    let rules = [
        ("from 10.77.0.0/24 table 100 priority 1000", "from 10.77.0.0/24 lookup 100"),
        ("to 10.78.0.0/24 lookup 101 priority 1001", "from all to 10.78.0.0/24 lookup 101"),
        ("fwmark 5 table 102 priority 1002", "fwmark 0x5 lookup 102"),
        ("iif e1 blackhole priority 1003", "from all iif e1 blackhole"),
        ("from fd00:77::/64 table 100 priority 1004", "from fd00:77::/64 lookup 100"),
    ];
    let mut scene = Scene::new();
    let before = routing(&scene.host);
    let facts = scene.facts(&["10.9.0.51/24", "fd00:9::51/64"], &routes.map(|(line, _)| line), &rules.map(|(line, _)| line));
    assert_eq!(facts.len(), 2 + routes.len() + rules.len());
    let last = scene.hold(ONE, &facts);
    let held = routing(&scene.host);
    for (line, want) in routes.into_iter().chain(rules) {
        assert!(held.contains(want), "{line}: {want}\n{held}");
    }
    scene.restate(ONE, &facts, last);
    scene.succeed(ONE, &facts);

    // Each is missed when somebody takes it away, and comes back.
    for line in [
        "route del 10.77.0.0/24",
        "route del 10.78.0.0/24",
        "route del 10.79.0.0/24 table 100",
        "route del 10.80.0.0/24",
        "route del blackhole 10.81.0.0/16",
        "route del 10.85.0.0/24",
        "route del default metric 77",
        "-6 route del fd00:77::/64",
        "-6 route del fd00:79::/64",
        "-6 route del blackhole fd00:80::/64",
        "rule del priority 1000",
        "rule del priority 1002",
        "rule del priority 1003",
        "-6 rule del priority 1004",
    ] {
        scene.host.ip(line);
        eventually(line, || {
            scene.turn();
            (!scene.stripped.is_empty()).then_some(())
        });
        scene.quiet();
        assert_eq!(std::mem::take(&mut scene.stripped).len(), 1, "{line}");
        scene.hold(ONE, &facts);
        assert_eq!(routing(&scene.host).lines().count(), held.lines().count(), "{line}\n{}", routing(&scene.host));
    }
    scene.hold(ONE, &[]);
    assert_eq!(routing(&scene.host), before);
}

#[test]
fn a_route_of_several_ways_that_is_taken_apart_is_put_together_again() {
    let mut scene = Scene::new();
    let line = "fd00:79::/64 nexthop via fd00:9::20 dev e0 weight 1 nexthop via fd00:9::21 dev e0 weight 2";
    let facts = scene.facts(&[], &[line], &[]);
    scene.hold(ONE, &facts);
    scene.host.ip("-6 route del fd00:79::/64 via fd00:9::20 dev e0");
    scene.expect_stripped(vec![(ONE, facts[0].clone())]);
    scene.hold(ONE, &facts);
    let shown = scene.host.ip("-6 route show fd00:79::/64");
    assert!(shown.contains("via fd00:9::20") && shown.contains("via fd00:9::21"), "{shown}");
    // Gone and back at once: nothing of it is taken for somebody else's doing.
    for _ in 0..20 {
        scene.holder.hold(ONE, &[]);
        scene.holder.hold(ONE, &facts);
    }
    scene.hold(ONE, &facts);
    scene.hold(ONE, &[]);
    assert_eq!(scene.host.ip("-6 route show fd00:79::/64"), "");
}

/// What a predecessor may have left in the place of an address, and what is wanted there.
const LEFTOVERS: [(&str, &str, &str); 8] = [
    ("10.9.1.1/24 dev e0 label e0:old", "10.9.1.1/24", "10.9.1.1/24 scope global e0\\"),
    ("10.9.2.1/24 dev e0", "10.9.2.1/24 label e0:new", "10.9.2.1/24 scope global e0:new\\"),
    ("10.9.3.1/24 dev e0 scope link", "10.9.3.1/24", "10.9.3.1/24 scope global e0\\"),
    ("10.9.4.1/24 dev e0 valid_lft 500 preferred_lft 500", "10.9.4.1/24", "10.9.4.1/24 scope global e0\\ valid_lft forever"),
    ("10.9.5.1/24 dev e0 brd 10.9.5.255", "10.9.5.1/24 noprefixroute", "10.9.5.1/24 scope global noprefixroute e0\\"),
    ("fd00:9::1/128 dev e0 nodad", "fd00:9::1/64", "fd00:9::1/64 scope global nodad"),
    ("fd00:9::2/64 dev e0 nodad preferred_lft 0", "fd00:9::2/64 noprefixroute", "fd00:9::2/64 scope global nodad noprefixroute"),
    ("fd00:9::3/64 dev e0 nodad valid_lft 500 preferred_lft 500", "fd00:9::3/64", "fd00:9::3/64 scope global nodad \\ valid_lft forever"),
];

fn leave(scene: &Scene) -> Vec<Fact> {
    scene.host.ip_batch(&LEFTOVERS.map(|(left, ..)| format!("addr add {left}")));
    scene.addresses(&LEFTOVERS.map(|(_, wanted, _)| wanted))
}

#[track_caller]
fn are_as_wanted(scene: &Scene) {
    let shown = scene.shown("");
    for (left, _, want) in LEFTOVERS {
        assert!(shown.iter().any(|line| line.contains(want)), "{left}: {want}\n{shown:#?}");
    }
}

#[test]
fn leftovers_become_what_is_wanted_in_their_place() {
    for adopted in [true, false] {
        let mut scene = Scene::new();
        let facts = leave(&scene);
        scene.quiet();
        if adopted {
            scene.adopt(ONE, &facts);
            assert_eq!(scene.holder.held().count(), facts.len());
        }
        let last = scene.hold(ONE, &facts);
        are_as_wanted(&scene);
        if adopted {
            scene.restate(ONE, &facts, last);
        }
        scene.succeed(ONE, &facts);
        scene.hold(ONE, &[]);
        assert_eq!(scene.shown(" inet").len(), 4, "{:#?}", scene.shown(""));
    }
}

#[test]
fn leftovers_that_are_not_wanted_go_whatever_they_look_like() {
    let mut scene = Scene::new();
    let facts = leave(&scene);
    scene.quiet();
    scene.adopt(ONE, &facts);
    scene.hold(ONE, &[]);
    assert_eq!(scene.shown(" inet").len(), 4, "{:#?}", scene.shown(""));
}

#[test]
fn an_address_that_somebody_takes_away_is_missed_and_comes_back() {
    let mut scene = Scene::new();
    let facts = scene.addresses(&["10.9.1.1/24", "10.9.1.2/24", "10.9.1.3/24 label e0:3", "fd00:9::1/64"]);
    scene.hold(ONE, &facts);
    scene.hold(TWO, &facts[..1]);
    for (which, line) in [(1, "10.9.1.2/24"), (2, "10.9.1.3/24"), (3, "fd00:9::1/64")] {
        for _ in 0..3 {
            scene.host.ip(&format!("addr del {line} dev e0"));
            scene.expect_stripped(vec![(ONE, facts[which].clone())]);
            scene.hold(ONE, &facts);
            assert_eq!(scene.shown(line).len(), 1);
        }
    }
    // The first one of its network takes the others along; two owners miss it.
    scene.host.write("/proc/sys/net/ipv4/conf/all/promote_secondaries", "0");
    scene.host.write("/proc/sys/net/ipv4/conf/e0/promote_secondaries", "0");
    scene.host.ip("addr del 10.9.1.1/24 dev e0");
    let mut want: Vec<(Owner, Fact)> = facts[..3].iter().map(|fact| (ONE, fact.clone())).collect();
    want.push((TWO, facts[0].clone()));
    scene.expect_stripped(want);
    scene.hold(ONE, &facts);
    assert_eq!(scene.shown("10.9.1.").len(), 3);

    // We take away the first one ourselves: the others are nobody's loss. Theirs who came second stays.
    scene.hold(TWO, &[]);
    let first = scene.shown("10.9.1.").iter().position(|line| !line.contains("secondary")).expect("a first one");
    assert!(first < 3);
    scene.hold(ONE, &facts[1..]);
    eventually("they are back", || {
        scene.turn();
        (scene.shown("10.9.1.").len() == 2).then_some(())
    });
    assert!(scene.stripped.is_empty(), "{:?}", scene.stripped);
    scene.hold(ONE, &[]);
    assert_eq!(scene.shown(" inet").len(), 4);
}

#[test]
fn a_removal_that_came_too_late_does_not_hide_the_next_one() {
    let mut scene = Scene::new();
    let facts = scene.addresses(&["10.9.1.1/24"]);
    for _ in 0..20 {
        scene.hold(ONE, &facts);
        // Before he hears of it he wants it gone himself, and then there again.
        scene.host.ip("addr del 10.9.1.1/24 dev e0");
        scene.holder.hold(ONE, &[]);
        scene.hold(ONE, &facts);
        scene.host.ip("addr del 10.9.1.1/24 dev e0");
        scene.expect_stripped(vec![(ONE, facts[0].clone())]);
    }
}

#[test]
fn what_was_missed_is_found_by_looking_again() {
    let mut scene = Scene::with_buffer(4096);
    let facts = scene.addresses(&["10.9.1.1/24", "10.9.2.1/24", "fd00:9::1/64"]);
    scene.hold(ONE, &facts);
    scene.overrun = false;
    let many: Vec<String> = (0..=255).map(|n| format!("10.99.0.{n}/32 dev e1")).collect();
    let mut batch: Vec<String> = many.iter().map(|line| format!("addr add {line}")).collect();
    batch.extend(["addr del 10.9.2.1/24 dev e0".to_owned(), "link set p1 down".to_owned()]);
    batch.extend(many.iter().map(|line| format!("addr del {line}")));
    scene.host.ip_batch(&batch);
    // Meanwhile something else is wanted.
    let more = scene.addresses(&["10.9.1.1/24", "10.9.2.1/24", "fd00:9::1/64", "10.9.3.1/24"]);
    scene.holder.hold(ONE, &more);
    eventually("it is known that something was missed", || {
        scene.turn();
        (scene.overrun && scene.holder.is_idle()).then_some(())
    });
    eventually("all of it is thrown away", || scene.monitor.skip().expect("it can be heard").then_some(()));
    let links = scene.look();
    let up = |name: &str| links.named(name).is_some_and(|link| link.up);
    assert!(up("e0") && !up("e1"));
    assert_eq!(scene.compare(links), [(ONE, facts[1].clone())]);
    scene.hold(ONE, &more);
    assert_eq!(scene.shown("10.9.2.1/24").len(), 1);
    // It hears again.
    scene.host.ip("addr del 10.9.1.1/24 dev e0");
    scene.expect_stripped(vec![(ONE, facts[0].clone())]);
    scene.hold(ONE, &[]);
    assert_eq!(scene.shown(" inet").len(), 4);
}

#[test]
fn what_happens_while_it_is_looked_at_is_noticed_once() {
    let mut scene = Scene::new();
    let facts = scene.addresses(&["10.9.1.1/24", "10.9.2.1/24", "10.9.3.1/24", "fd00:9::1/64"]);
    scene.hold(ONE, &facts);
    // Before it is looked at and not heard of yet; something is wanted, and something not any more.
    scene.host.ip("addr del 10.9.1.1/24 dev e0");
    scene.holder.look();
    let wanted: Vec<Fact> = facts.iter().skip(1).cloned().chain(scene.addresses(&["10.9.4.1/24"])).collect();
    scene.holder.hold(ONE, &[&facts[..1], &wanted[1..]].concat());
    scene.host.ip("addr del fd00:9::1/64 dev e0");
    scene.host.ip("addr add 10.9.8.1/24 dev e1");
    let links = scene.looked();
    let device = links.named("e1").expect("it is there").device;
    assert_eq!(links.addresses(device).len(), 1, "whether it was seen or heard of");
    let told = std::mem::take(&mut scene.stripped);
    assert!(told.contains(&(ONE, facts[0].clone())) && told.contains(&(ONE, facts[3].clone())), "{told:#?}");
    assert_eq!(scene.compare(links), [], "nobody is told twice");
    // All of it is put back, and what was let go of has gone.
    let left = [&facts[..1], &wanted[1..]].concat();
    scene.hold(ONE, &left);
    let shown = ["10.9.1.1/24", "10.9.2.1/24", "10.9.3.1/24", "fd00:9::1/64", "10.9.4.1/24"].map(|line| scene.shown(line).len());
    assert_eq!(shown, [1, 0, 1, 1, 1]);
    scene.hold(ONE, &[]);
    scene.host.ip("addr del 10.9.8.1/24 dev e1");
    assert_eq!(scene.shown(" inet").len(), 4);
}

#[test]
fn somebody_who_waits_for_a_look_at_the_kernel_can_do_something_else_meanwhile() {
    let mut scene = Scene::new();
    // Thousands of addresses, and no turn that waits for them to be counted.
    let many: Vec<String> = (0..4000).map(|n| format!("addr add 10.99.{}.{}/32 dev e1", n / 250, n % 250)).collect();
    scene.host.ip_batch(&many);
    scene.quiet();
    scene.holder.look();
    assert!(!scene.holder.has_looked() && scene.holder.is_looking(), "nothing is asked in this thread");
    let facts = scene.addresses(&["10.9.1.1/24"]);
    scene.holder.hold(ONE, &facts);
    let links = scene.looked();
    let device = links.named("e1").expect("it is there").device;
    assert_eq!(links.addresses(device).iter().filter(|prefix| prefix.length == 32).count(), many.len());
    assert_eq!(scene.compare(links), [], "what was asked for after it is not missing");
    scene.hold(ONE, &[]);
}

#[test]
fn a_lease_is_renewed_by_any_of_its_owners() {
    const LEASE: u64 = 1000;
    let mut scene = Scene::new();
    let mut facts = scene.addresses(&["10.9.1.1/24", "fd00:9::1/64"]);
    for fact in &mut facts {
        let Fact::Address(placed) = fact else { unreachable!() };
        placed.lease = Some(Duration::from_secs(LEASE));
    }
    let left = |scene: &Scene, what: &str| -> u64 {
        let shown = scene.shown(what);
        let seconds = shown.first().and_then(|line| line.split("valid_lft ").nth(1)?.split("sec").next()?.parse().ok());
        seconds.expect("it is there, for a time")
    };
    scene.hold(ONE, &facts);
    scene.hold(TWO, &facts);
    for owner in [ONE, TWO] {
        for line in ["10.9.1.1/24", "fd00:9::1/64"] {
            scene.host.ip(&format!("addr change {line} dev e0 valid_lft 5000 preferred_lft 5000"));
            assert!(left(&scene, line) > LEASE);
        }
        scene.holder.renew(owner);
        scene.quiet();
        for line in ["10.9.1.1/24", "fd00:9::1/64"] {
            let left = left(&scene, line);
            assert!(left <= LEASE && left > LEASE / 2, "{left}");
        }
        scene.hold(ONE, &[]);
    }
    scene.hold(TWO, &[]);
    assert_eq!(scene.shown(" inet").len(), 4);
}

#[test]
fn thousands_of_addresses_are_there_one_after_the_other_and_go_again() {
    const COUNT: usize = 3000;
    let mut scene = Scene::new();
    let lines: Vec<String> = (0..COUNT).map(|n| format!("10.20.{}.{}/32", n / 250, n % 250 + 1)).collect();
    let facts = scene.addresses(&lines.iter().map(String::as_str).collect::<Vec<_>>());
    let last = scene.holder.hold(ONE, &facts);
    // They come in their order, and each has its ticket.
    let tickets: Vec<Ticket> = facts.iter().map(|fact| scene.holder.ticket(fact)).collect();
    assert!(tickets.is_sorted() && tickets.last() == Some(&last));
    let mut done = 0;
    eventually("some are there", || {
        scene.holder.settle();
        done = tickets.partition_point(|&ticket| ticket <= scene.holder.done());
        (done > 0).then_some(())
    });
    let shown = scene.host.ip("-o addr show dev e0");
    for line in &lines[..done] {
        assert!(shown.contains(line.as_str()), "{line}");
    }
    assert!(scene.holder.wait(last, Duration::from_secs(30)));
    // What has come is read a part at a time.
    let mut changes = Vec::new();
    assert!(!scene.monitor.read(&mut changes).expect("it can be heard"));
    for change in &changes {
        assert_eq!(scene.holder.observe(change), []);
    }
    assert!(changes.len() < COUNT);
    scene.quiet();
    assert_eq!(scene.host.ip("-o addr show dev e0").matches(" 10.20.").count(), COUNT);
    scene.restate(ONE, &facts, last);
    scene.hold(ONE, &[]);
    assert_eq!(scene.shown(" inet").len(), 4);
}

#[test]
fn what_the_kernel_refuses_is_told_once_each_time_it_is_wanted() {
    let mut scene = Scene::new();
    let good = scene.addresses(&["10.9.1.1/24"]);
    let Fact::Address(placed) = &good[0] else { unreachable!() };
    let nowhere = Fact::Address(Placed { device: Device(9999), ..placed.clone() });
    let mut facts = vec![nowhere, good[0].clone()];
    facts.extend(scene.facts(&[], &["10.77.0.0/24 via 192.0.2.1 dev e0"], &[]));
    for _ in 0..2 {
        scene.holder.hold(ONE, &facts);
        scene.quiet();
        pause(Duration::from_millis(50));
        scene.quiet();
        let refused: Vec<Fact> = std::mem::take(&mut scene.refused).into_iter().map(|refusal| refusal.fact).collect();
        assert_eq!(refused, [facts[0].clone(), facts[2].clone()]);
        assert_eq!(scene.holder.held().count(), 1);
    }
    scene.hold(ONE, &[]);
    assert_eq!(scene.shown(" inet").len(), 4);
}

#[test]
fn an_interface_that_comes_back_gets_its_addresses_again() {
    let mut scene = Scene::new();
    let all = |scene: &Scene| scene.facts(&["10.9.0.51/24", "10.9.6.1/24 dev e1", "fd00:6::1/64 dev e1"], &["10.78.0.0/24 dev e1"], &[]);
    let facts = all(&scene);
    scene.hold(ONE, &facts);
    let old = scene.device("e1");
    scene.host.ip("link del e1");
    eventually("it is heard", || {
        scene.turn();
        (!scene.holder.holds(old, [10, 9, 6, 1].into())).then_some(())
    });
    // What went with its interface is nobody's doing.
    scene.quiet();
    assert_eq!(scene.stripped, []);
    scene.hold(ONE, &facts[..1]);
    cable(&scene.host, "e1", "p1");
    scene.quiet();
    let facts = all(&scene);
    scene.hold(ONE, &facts);
    assert_eq!((scene.shown("10.9.6.1/24").len(), scene.shown("fd00:6::1/64").len()), (1, 1));
    assert!(scene.host.ip("route show 10.78.0.0/24").contains("dev e1"));
    // It goes down: its routes go with it, and come back when they are wanted again.
    scene.host.ip("link set e1 down");
    eventually("it is down", || {
        scene.turn();
        scene.host.ip("route show 10.78.0.0/24").is_empty().then_some(())
    });
    scene.quiet();
    assert_eq!(scene.stripped, []);
    scene.host.ip("link set e1 up");
    scene.quiet();
    scene.hold(ONE, &facts);
    assert!(scene.host.ip("route show 10.78.0.0/24").contains("dev e1"));
    scene.hold(ONE, &[]);
    assert_eq!(scene.shown(" inet").len(), 4);
}

/// So many macvlans on `e0`.
fn macvlans(scene: &Scene, count: u8) -> Vec<Fact> {
    let parent = scene.device("e0");
    let new = |number: u8| NewDevice {
        name: format!("v{number}").into(),
        parent,
        upper: Upper::Macvlan(Mac([0, 0, 0x5e, 0, 1, number])),
        group: None,
        vrf: None,
        settings: Box::default(),
        shows_parent: false,
    };
    (1..=count).map(|number| Fact::Device(Box::new(new(number)))).collect()
}

#[test]
fn interfaces_of_ours_go_together_and_take_nobody_elses_along() {
    let mut scene = Scene::new();
    // Somebody else has one in the group that is tried first.
    for line in
        ["link add theirs link e0 type macvlan mode private", "link set theirs group 1937008228 up", "link add v9 type veth peer name w9"]
    {
        scene.host.ip(line);
    }
    let before = scene.host.ip("-o link show").lines().count();
    let facts = macvlans(&scene, 8);
    scene.hold(Owner::Devices, &facts);
    let count = |scene: &Scene| scene.host.ip("-o link show").lines().count();
    assert_eq!(count(&scene), before + 8);
    scene.hold(Owner::Devices, &facts[..6]);
    assert_eq!(count(&scene), before + 6);
    // What somebody has made something else of goes as well, and what has gone is not missed.
    scene.host.ip("link set v1 address 02:00:00:00:00:99");
    scene.host.ip("link set v2 type macvlan mode bridge");
    scene.host.ip("link del v3");
    scene.holder.hold(Owner::Devices, &[]);
    scene.quiet();
    assert!(scene.refused.is_empty(), "{:#?}", scene.refused);
    let left = scene.host.ip("-o link show");
    assert_eq!(left.lines().count(), before, "{left}");
    assert!(left.contains(" theirs@e0:") && left.contains(" v9@"), "{left}");
}

#[test]
fn one_that_was_changed_before_we_came_is_made_as_it_was_and_nobody_elses_is() {
    let mut scene = Scene::new();
    let facts = macvlans(&scene, 3);
    for line in [
        "link add v1 link e0 address 02:00:00:00:00:99 type macvlan mode bridge",
        "link add v2 link e0 address 02:00:00:00:00:98 type macvlan mode private",
        "link add v3 link e1 address 02:00:00:00:00:97 type macvlan mode private",
    ] {
        scene.host.ip(line);
    }
    scene.succeed(Owner::Devices, &[]);
    scene.holder.adopt_altered(Owner::Devices, &[facts[0].clone(), facts[2].clone()]);
    scene.holder.hold(Owner::Devices, &facts);
    scene.quiet();
    let mut refused: Vec<&Fact> = scene.refused.iter().map(|refusal| &refusal.fact).collect();
    refused.sort_by_key(|fact| format!("{fact:?}"));
    assert_eq!(refused, [&facts[1], &facts[2]], "nobody said that these were ours");
    let shown = scene.host.ip("-d -o link show dev v1");
    assert!(shown.contains("00:00:5e:00:01:01") && shown.contains("macvlan mode private") && shown.contains(",UP"), "{shown}");
    scene.holder.hold(Owner::Devices, &[]);
    scene.quiet();
    assert!(scene.host.attempt("ip link show dev v1").is_err());
    for name in ["v2", "v3"] {
        scene.host.ip(&format!("link show dev {name}"));
    }
}
