//! Routes and rules that need what this machine's kernel may not have: MPLS, ILA and VRF. `ip` is the witness.

use crate::daemon::Daemon;
use crate::guest::{Story, run};
use crate::wait::eventually;
use std::path::Path;

pub(crate) const STORIES: &[Story] = &[("routes_into_tunnels_and_a_vrf", routes_into_tunnels_and_a_vrf)];

/// A line of the configuration, and what `ip` is told to have the same.
/// The identifier that ILA finds in an address must be one of a kind that it maps.
const ROUTES: [(&str, &str); 6] = [
    ("10.77.1.0/24 via 10.9.0.20 encap mpls 100/200", "10.77.1.0/24 encap mpls 100/200 via 10.9.0.20"),
    (
        "10.77.2.0/24 nexthop via 10.9.0.20 encap mpls 300 nexthop via 10.9.0.21 encap ip id 7 dst 192.0.2.1",
        "10.77.2.0/24 nexthop encap mpls 300 via 10.9.0.20 nexthop encap ip id 7 dst 192.0.2.1 via 10.9.0.21",
    ),
    ("fd00:77:1::/64 via fd00:9::20 encap mpls 400", "fd00:77:1::/64 encap mpls 400 via fd00:9::20"),
    ("fd00:77:2:0:2000::1/128 via fd00:9::20 encap ila 2001:db8:0:1", "fd00:77:2:0:2000::1/128 encap ila 2001:db8:0:1 via fd00:9::20"),
    ("10.77.3.0/24 dev e1 vrf red", "10.77.3.0/24 dev e1 table 1000 scope global"),
    ("fd00:77:3::/64 dev e1 vrf red", "fd00:77:3::/64 dev e1 table 1000"),
];

const RULES: [(&str, &str); 2] = [
    ("iif e1 l3mdev priority 900", "iif e1 l3mdev priority 900"),
    ("from fd00:1::/64 l3mdev priority 901", "-6 from fd00:1::/64 l3mdev priority 901"),
];

fn state() -> Vec<String> {
    let mut lines = Vec::new();
    for family in ["-4", "-6"] {
        let text = run(&format!("ip -d -N {family} route show table all proto 18")) + &run(&format!("ip -d -N {family} rule show"));
        lines.extend(text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")));
    }
    lines
}

fn routes_into_tunnels_and_a_vrf() {
    for module in ["mpls_router", "mpls_iptunnel", "ila", "vrf"] {
        run(&format!("modprobe -d /run/modules {module}"));
    }
    for (near, far) in [("e0", "p0"), ("e1", "p1")] {
        run(&format!("ip link add {near} type veth peer name {far}"));
        run(&format!("ip link set {near} up"));
        run(&format!("ip link set {far} up"));
    }
    run("ip link add red type vrf table 1000");
    run("ip link set red up");
    run("ip link set e1 master red");
    run("ip addr add 10.9.0.10/24 dev e0");
    run("ip addr add fd00:9::10/64 dev e0 nodad");
    let before = state();
    for (_, line) in ROUTES {
        let family = if line.starts_with("fd00") { "-6" } else { "-4" };
        let (head, tail) = line.find(" nexthop ").map_or((line, ""), |at| line.split_at(at));
        run(&format!("ip {family} route prepend {head} protocol 18 {tail}"));
    }
    for (_, line) in RULES {
        let (family, line) = line.strip_prefix("-6 ").map_or(("-4", line), |line| ("-6", line));
        run(&format!("ip {family} rule add {line} protocol 18"));
    }
    let want = state();
    assert_eq!(want.len(), before.len() + ROUTES.len() + 2 + RULES.len(), "{want:#?}");
    for family in ["-4", "-6"] {
        run(&format!("ip {family} route flush table all proto 18"));
    }
    run("ip rule del priority 900");
    run("ip -6 rule del priority 901");
    assert_eq!(state(), before);

    let folder = Path::new("/run/routes");
    std::fs::create_dir_all(folder).expect("it is the guest's own");
    let lines = |lines: &[(&str, &str)]| lines.iter().map(|(line, _)| *line).collect::<Vec<_>>().join("\n ");
    let configuration = format!(
        "vrrp_instance VI {{\ninterface e0\nvirtual_router_id 51\nversion 3\npriority 255\nstate MASTER\nadvert_int 1\n\
         virtual_ipaddress {{\n 10.9.0.200\n}}\nvirtual_routes {{\n {}\n}}\nvirtual_rules {{\n {}\n}}\n}}\n",
        lines(&ROUTES),
        lines(&RULES)
    );
    let daemon = Daemon::start(folder, &configuration);
    daemon.says("Entering MASTER STATE");
    let holds = |what: &str| eventually(what, || (state() == want).then_some(()));
    holds("all is there as ip put it there");
    // They are known again when somebody takes them away.
    for family in ["-4", "-6"] {
        run(&format!("ip {family} route flush table all proto 18"));
    }
    holds("all is back");
    daemon.stop();
    assert_eq!(state(), before);
}
