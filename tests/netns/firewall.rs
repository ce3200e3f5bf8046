//! Addresses that are not accepted: who may talk to them, and what becomes of the rules whatever others do.

use crate::bench::lan::Side;
use crate::bench::{Client, Daemon, Host, Lan, Program, Snapshot, eventually, pause};
use std::time::Duration;

const VIP: &str = "10.0.0.50";
const VIP6: &str = "2001:db8::50";

struct Scene {
    _lan: Lan,
    router: Host,
    user: Host,
}

impl Scene {
    fn new() -> Self {
        let lan = Lan::new();
        let (router, user) = (Host::new("r1"), Host::new("u1"));
        lan.join(Side::Left, &router, "eth0", &["10.0.0.1/24", "2001:db8::1/64"]);
        lan.join(Side::Left, &user, "eth0", &["10.0.0.11/24", "2001:db8::11/64"]);
        Self { _lan: lan, router, user }
    }

    fn start(&self, configuration: &str) -> Daemon {
        let daemon = Daemon::start(&self.router, &Program::standfast(env!("CARGO_BIN_EXE_standfast")), configuration);
        self.wait_master();
        daemon
    }

    /// Another daemon on the same router.
    fn start_beside(&self, configuration: &str) -> Daemon {
        let files =
            ["-p", "-r", "-c", "-b"].map(|option| (option, self.router.folder().join(format!("other{option}.pid")).display().to_string()));
        let options: Vec<&str> = files.iter().flat_map(|(option, path)| [*option, path]).collect();
        Daemon::start_with(&self.router, &Program::standfast(env!("CARGO_BIN_EXE_standfast")), configuration, &options)
    }

    fn wait_master(&self) {
        eventually("the router has its addresses", || (self.router.has_address(VIP) && self.router.has_address(VIP6)).then_some(()));
    }

    fn pings(&self, address: &str) -> bool {
        self.user.attempt(&format!("ping -n -c 1 -W 1 {address}")).is_ok()
    }

    fn rules(&self) -> String {
        self.router.sh("nft list ruleset")
    }

    /// Until a question was asked whose answer would have come.
    fn ask_for_a_while(&self) {
        for _ in 0..3 {
            assert!(self.pings("10.0.0.1"), "the router itself answers");
        }
    }
}

fn instance(more: &str) -> String {
    format!(
        "vrrp_instance VI {{\ninterface eth0\nvirtual_router_id 51\npriority 150\nversion 3\nadvert_int 0.1\n{more}\n\
         virtual_ipaddress {{\n{VIP}/24\n}}\nvirtual_ipaddress_excluded {{\n{VIP6}/64\n}}\n}}\n"
    )
}

#[test]
fn an_address_that_is_not_accepted_never_answers_and_leaves_nothing_behind() {
    let scene = Scene::new();
    scene.router.nft("table inet theirs { chain keep { } ; }\n");
    let before = Snapshot::of(&scene.router);
    let user = Client::start(&scene.user, VIP);
    let mut daemon = scene.start(&instance("no_accept"));
    scene.ask_for_a_while();
    assert!(!scene.pings(VIP) && !scene.pings(VIP6));
    assert!(scene.pings("2001:db8::1"));
    assert!(scene.rules().contains("table ip keepalived") && scene.rules().contains("table ip6 keepalived"));
    daemon.stop();
    assert_eq!(user.answers(), 0, "not even while it came or went");
    before.assert_back(&scene.router);
}

#[test]
fn a_reload_shuts_an_address_and_opens_it_again() {
    let scene = Scene::new();
    let before = scene.rules();
    let daemon = scene.start(&instance("accept"));
    eventually("it answers", || (scene.pings(VIP) && scene.pings(VIP6)).then_some(()));
    assert_eq!(scene.rules(), before, "nobody needs rules");
    daemon.reload(&instance("no_accept"));
    eventually("the address is shut", || (!scene.pings(VIP) && !scene.pings(VIP6)).then_some(()));
    daemon.reload(&instance("accept"));
    eventually("the address is open", || (scene.pings(VIP) && scene.pings(VIP6)).then_some(()));
    eventually("the rules are gone", || (scene.rules() == before).then_some(()));
}

#[test]
fn rules_that_somebody_flushed_or_deleted_come_back() {
    let scene = Scene::new();
    let daemon = scene.start(&instance("no_accept"));
    let rules = scene.rules();
    for line in
        ["nft flush ruleset", "nft delete table ip keepalived", "nft flush table ip6 keepalived", "nft flush set ip keepalived vips"]
    {
        scene.router.sh(line);
        eventually(line, || (scene.rules() == rules).then_some(()));
        // As long as it takes no heed of what follows.
        pause(Duration::from_millis(200));
    }
    assert!(!scene.pings(VIP));
    assert!(daemon.said("somebody else changed our nftables rules") >= 3);
}

#[test]
fn a_table_that_somebody_else_has_under_the_name_is_left_alone() {
    let scene = Scene::new();
    scene.router.nft("table ip keepalived { chain theirs { } ; }\n");
    let before = scene.rules();
    let mut daemon = scene.start(&instance("no_accept"));
    assert!(!scene.pings(VIP) && !scene.pings(VIP6));
    assert_eq!(scene.router.sh("nft list table ip keepalived"), before);
    assert!(daemon.said("the nftables table keepalived is somebody else's: ours is keepalived_2") > 0);
    daemon.stop();
    assert_eq!(scene.rules(), before);
}

#[test]
fn a_crash_opens_nothing() {
    let scene = Scene::new();
    let daemon = scene.start(&instance("no_accept"));
    let rules = scene.rules();
    let user = Client::start(&scene.user, VIP);
    for _ in 0..2 {
        let old = daemon.kill_vrrp();
        eventually("there is a successor", || daemon.vrrp().filter(|&new| new != old));
        eventually("it has taken over", || (scene.rules() == rules).then_some(()));
        scene.ask_for_a_while();
    }
    assert!(scene.router.has_address(VIP));
    assert_eq!(user.answers(), 0);
}

#[test]
fn what_was_left_when_all_was_killed_goes_at_the_next_start() {
    let scene = Scene::new();
    let (before, rules) = (Snapshot::of(&scene.router), scene.rules());
    let daemon = scene.start(&instance("no_accept"));
    daemon.kill_all();
    drop(daemon);
    assert!(scene.rules().contains("table ip keepalived"), "the address is still shut");
    let mut daemon = scene.start(&instance("accept"));
    eventually("the address is open", || (scene.pings(VIP) && scene.pings(VIP6)).then_some(()));
    assert_eq!(scene.rules(), rules);
    daemon.stop();
    before.assert_back(&scene.router);
}

#[test]
fn what_a_process_leaves_that_is_still_dying_at_the_next_start_goes_after_all() {
    let scene = Scene::new();
    let rules = scene.rules();
    let dying = scene.start(&instance("no_accept"));
    dying.freeze();
    let next = scene.start_beside(&instance("accept"));
    next.wait_said("Entering MASTER STATE");
    assert!(scene.rules().contains("table ip keepalived"), "its maker may live");
    dying.kill_all();
    eventually("the address is open", || (scene.rules() == rules).then_some(()));
}

#[test]
fn two_daemons_do_not_touch_the_rules_of_each_other() {
    let scene = Scene::new();
    let before = Snapshot::of(&scene.router);
    let mut first = scene.start(&instance("no_accept"));
    let rules = scene.rules();
    let text = "vrrp_instance V2 {\ninterface eth0\nvirtual_router_id 52\npriority 150\nversion 3\nadvert_int 0.1\nno_accept\nvirtual_ipaddress {\n10.0.0.52/24\n}\n}\n";
    let mut second = scene.start_beside(text);
    eventually("the other one has its address", || scene.router.has_address("10.0.0.52").then_some(()));
    assert!(scene.rules().contains("table ip keepalived_2"));
    assert!(!scene.pings("10.0.0.52") && !scene.pings(VIP));
    second.stop();
    assert_eq!(scene.rules(), rules);
    first.stop();
    before.assert_back(&scene.router);
}

#[test]
fn what_is_asked_of_iptables_and_ipsets_nftables_does_and_leaves_nothing() {
    for (keywords, said) in [
        ("vrrp_iptables", "vrrp_iptables: nftables does the same, in its table keepalived"),
        ("vrrp_iptables IN OUT\nvrrp_ipsets one two three four", "vrrp_iptables: nftables does the same, in its table keepalived"),
        ("vrrp_ipsets one", "vrrp_ipsets: nftables does the same, in its table keepalived"),
    ] {
        let scene = Scene::new();
        // As iptables makes its chains, and an administrator those that keepalived is to use.
        scene.router.nft(
            "table ip filter { chain INPUT { type filter hook input priority filter; } ; chain IN { } ; chain OUT { } ; }\n\
             table ip6 filter { chain IN { } ; chain OUT { } ; }\n",
        );
        let before = Snapshot::of(&scene.router);
        let theirs = || ["ip", "ip6"].map(|family| scene.router.sh(&format!("nft list table {family} filter")));
        let empty = theirs();
        let user = Client::start(&scene.user, VIP);
        let mut daemon = scene.start(&format!("global_defs {{\n{keywords}\n}}\n{}", instance("no_accept")));
        daemon.wait_said(said);
        assert_eq!(daemon.said("nftables does the same"), 1, "{keywords}");
        scene.ask_for_a_while();
        assert!(!scene.pings(VIP) && !scene.pings(VIP6), "{keywords}");
        assert!(scene.pings("2001:db8::1"));
        assert!(scene.rules().contains("table ip keepalived") && scene.rules().contains("table ip6 keepalived"), "{keywords}");
        assert_eq!(theirs(), empty, "{keywords}");
        assert!(daemon.stop().success(), "{}", daemon.text());
        assert_eq!(user.answers(), 0, "{keywords}: not even while it came or went");
        before.assert_back(&scene.router);
    }
}
