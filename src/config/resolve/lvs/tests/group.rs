//! Groups of addresses, and whom they fit.

use super::load;
use crate::model::lvs::*;
use crate::model::net::Family;

#[test]
fn group_lines() {
    let group = |line: &str| {
        let (lvs, problems) = load(&format!("virtual_server_group g {{\n10.9.9.9 1\n{line}\n}}"));
        (lvs.groups[0].members.get(1).copied(), problems)
    };
    let addresses = |first: &str, last: &str, port| {
        Some(Member::Addresses { first: first.parse().expect("an address"), last: last.parse().expect("an address"), port })
    };
    for (line, want) in [
        ("10.0.0.1", addresses("10.0.0.1", "10.0.0.1", 0)),
        ("10.0.0.1 80 more", addresses("10.0.0.1", "10.0.0.1", 80)),
        ("10.0.0.1-5 80", addresses("10.0.0.1", "10.0.0.5", 80)),
        ("10.0.0.1-10.1.0.9", addresses("10.0.0.1", "10.1.0.9", 0)),
        ("10.0.0.0/24 80", addresses("10.0.0.0", "10.0.0.255", 80)),
        ("10.0.0.1/32 80", addresses("10.0.0.1", "10.0.0.1", 80)),
        ("2001:db8::3-ffff 80", addresses("2001:db8::3", "2001:db8::ffff", 80)),
        ("2001:db8::/120", addresses("2001:db8::", "2001:db8::ff", 0)),
        ("2001:db8::1/128", addresses("2001:db8::1", "2001:db8::1", 0)),
    ] {
        assert_eq!(group(line), (want, vec![]), "{line}");
    }
    for (line, want) in [("fwmark 5", None), ("fwmark 5 inet", Some(Family::V4)), ("fwmark 5 inet6", Some(Family::V6))] {
        assert!(matches!(group(line).0, Some(Member::Mark { mark, family }) if mark.get() == 5 && family == want), "{line}");
    }
    for (line, want) in [
        ("10.0.0.5-1", "error Address range end is not greater than address range start - 10.0.0.5-1 - skipping"),
        ("10.0.0.1-", "error Address range end is not greater than address range start - 10.0.0.1- - skipping"),
        ("10.0.0.1-256", "error Virtual server group range '10.0.0.1-256' end '256' too large"),
        ("2001:db8::1-10000", "error Virtual server group range '2001:db8::1-10000' end '10000' too large"),
        ("10.0.0.1-5x", "error Virtual server group range '10.0.0.1-5x' has extra characters at end 'x'"),
        ("10.0.0.1-2001:db8::1", "error Invalid range end 10.0.0.1-2001:db8::1 - skipping"),
        ("10.0.0.1/24", "error Address mask bits not empty - 10.0.0.1/24 - skipping"),
        ("10.0.0.0/33", "error Invalid netmask - 10.0.0.0/33 - skipping"),
        ("::/0", "error Invalid netmask - ::/0 - skipping"),
        ("10.0.0.1 x", "error Invalid virtual server group IP address 10.0.0.1 /port/x - skipping"),
        ("foo", "error Invalid virtual server group IP address foo  - skipping"),
        ("fwmark x", "error (g): fwmark 'x' must be in [0, 4294967295] - ignoring"),
        ("fwmark 5 inet4", "error (g): fwmark '5' family inet4 unknown - ignoring"),
        ("fwmark 0", "notice (g): fwmark 0 is no mark - ignoring"),
    ] {
        assert_eq!(group(line), (None, vec![format!("3 {want}")]), "{line}");
    }
}

#[test]
fn groups_that_cannot_be_used_are_told_at_their_end() {
    for (text, want) in [
        ("virtual_server_group g {\n}", "2 error virtual server group g has no entries - removing"),
        (
            "virtual_server_group g {\nfwmark 5 inet\nfwmark 6 inet6\nfwmark 7\n}",
            "5 error virtual server group g cannot have IPv4, IPv6 and fwmark without family - removing",
        ),
        ("virtual_server_group g x {\n10.0.0.1\n}", "1 error Block virtual_server_group has extra parameters x ..."),
    ] {
        assert_eq!(load(text).1, [want], "{text}");
    }
}

fn with_group(members: &str, lines: &str, servers: &str) -> String {
    format!("virtual_server_group g {{\n{members}\n}}\nvirtual_server group g {{\nlb_algo rr\n{lines}\n{servers}\n}}")
}

#[test]
fn a_group_must_fit_the_servers_of_its_users() {
    const SERVER: &str = "real_server 10.0.0.2 {\n}";
    for (members, lines, want) in [
        ("10.0.0.1 80", "lb_kind NAT\nprotocol TCP", Some(Families::One(Family::V4))),
        ("10.0.0.1 80\n2001:db8::1 80", "lb_kind TUN\nprotocol TCP", Some(Families::Both)),
        ("fwmark 5", "lb_kind TUN", Some(Families::One(Family::V4))),
        ("2001:db8::1 80", "lb_kind TUN\nprotocol TCP", Some(Families::One(Family::V6))),
        ("2001:db8::1 80", "lb_kind NAT\nprotocol TCP", None),
        ("10.0.0.1 80\n2001:db8::1 80", "lb_kind NAT\nprotocol TCP", None),
        ("fwmark 5 inet6", "lb_kind NAT", None),
    ] {
        let (lvs, problems) = load(&with_group(members, lines, SERVER));
        let families = lvs.virtual_servers.first().map(|vs| vs.family);
        assert_eq!(families, want, "{members} {problems:?}");
        // keepalived only logs what it leaves out.
        assert!(problems.iter().all(|p| p.contains(" notice ")) && problems.is_empty() == want.is_some(), "{problems:?}");
    }
    let unknown = "virtual_server group nope {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.0.0.2 80 {\n}\n}";
    assert_eq!(load(unknown).1, ["1 notice Virtual server group nope specified but not configured - ignoring virtual server [nope]:0"]);
}

#[test]
fn users_of_a_group_are_counted_and_it_may_come_later() {
    let user = "virtual_server group g {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.0.0.2 80 {\n}\n}\n";
    let (lvs, problems) = load(&format!("{user}{user}virtual_server_group g {{\n10.0.0.1 80\n}}"));
    assert!(problems.is_empty(), "{problems:?}");
    let index = |vs: &VirtualServer| matches!(&vs.service, Service::Group { index, .. } if *index == 1);
    assert!(!index(&lvs.virtual_servers[0]) && index(&lvs.virtual_servers[1]));
}

#[test]
fn ports_in_a_group_are_compared_with_each_server_once() {
    let servers = "sorry_server 10.0.0.9 80\nreal_server 10.0.0.2 80 {\n}";
    let method = "lb_kind DR\nprotocol TCP";
    for (members, want) in [
        ("10.0.0.1 80", vec![]),
        (
            "10.0.0.1 79\n10.0.0.3-9 78",
            vec![
                "0 error WARNING - virtual server [g]:0, sorry server has port specified - port will be ignored",
                "0 error virtual server [g]:0:[10.0.0.1,79] and real server [10.0.0.2]:tcp:80 ports don't match",
            ],
        ),
        (
            "10.0.0.3-9 78",
            vec![
                "0 error WARNING - virtual server [g]:0, sorry server has port specified - port will be ignored",
                "0 error virtual server [g]:0:[10.0.0.3-10.0.0.9,78] and real server [10.0.0.2]:tcp:80 ports don't match",
            ],
        ),
        (
            "10.0.0.1 80\nfwmark 3",
            vec![
                "0 error WARNING - fwmark virtual server [g]:0, sorry server has port specified - port will be ignored",
                "0 error WARNING - fwmark virtual server [g]:0, real server [10.0.0.2]:tcp:80 has port specified - port will be ignored",
            ],
        ),
    ] {
        assert_eq!(load(&with_group(members, method, servers)).1, want, "{members}");
        assert!(load(&with_group(members, "lb_kind NAT\nprotocol TCP", servers)).1.is_empty());
    }
}
