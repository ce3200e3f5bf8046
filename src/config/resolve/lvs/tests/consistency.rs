//! What is only seen when all of a virtual server has been read.

use super::{load, rs, vs, with_vs};
use crate::model::lvs::*;
use crate::model::net::Family;

#[test]
fn what_is_found_after_reading_has_no_line_but_counts() {
    for (text, want) in [
        (
            "virtual_server 10.0.0.1 80 {\nreal_server 10.0.0.2 80 {\n}\n}",
            vec![
                "0 error Virtual server [10.0.0.1]:none:80: no protocol set - defaulting to UDP",
                "0 error Virtual server [10.0.0.1]:udp:80: no scheduler set, setting default 'wlc'",
                "0 error Virtual server [10.0.0.1]:udp:80: no forwarding method set, setting default NAT",
            ],
        ),
        (
            "virtual_server fwmark 5 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.0.0.2 80 {\n}\n}",
            vec!["0 error Warning: Virtual server FWM 5: protocol specified for fwmark - protocol will be ignored"],
        ),
        (
            "virtual_server fwmark 0 {\nlb_algo rr\nlb_kind NAT\nreal_server 10.0.0.2 80 {\n}\n}",
            vec!["0 error virtual server fwmark 0 is no mark - ignoring"],
        ),
        (
            "virtual_server fwmark 5 {\nlb_algo rr\nlb_kind DR\nha_suspend\nops\nsorry_server 10.0.0.7 80\nreal_server 10.0.0.2 80 {\n}\n}",
            vec![
                "0 error Virtual server FWM 5: cannot use ha_suspend with fwmarks - clearing ha_suspend",
                "0 error WARNING - virtual server FWM 5, sorry server has port specified - clearing",
                "0 error WARNING - fwmark virtual server FWM 5, real server [10.0.0.2]:none:80 has port specified - clearing",
            ],
        ),
        (
            "virtual_server 10.0.0.1 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nops\nreal_server 10.0.0.2 80 {\n}\n}",
            vec![
                "0 error Virtual server [10.0.0.1]:tcp:0: one packet scheduling requires UDP - resetting",
                "0 error Virtual server [10.0.0.1]:tcp:0: zero port only valid for persistent services - setting",
            ],
        ),
        (
            "virtual_server 10.0.0.1 80 {\nlb_algo rr\nlb_kind DR\nprotocol TCP\nsorry_server 10.0.0.3 81\nreal_server 10.0.0.2 81 {\n}\n}",
            vec![
                "0 error WARNING - virtual server [10.0.0.1]:tcp:80 and sorry server ports don't match - resetting",
                "0 error WARNING - virtual server [10.0.0.1]:tcp:80 and real server [10.0.0.2]:tcp:81 ports don't match - resetting",
            ],
        ),
        (
            "virtual_server 10.0.0.1 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.0.0.2 80 {\n}\nreal_server 10.0.0.2 {\n}\n}",
            vec!["0 error VS [10.0.0.1]:tcp:80: real server [10.0.0.2]:tcp:80 is duplicated - removing second rs"],
        ),
    ] {
        assert_eq!(load(text).1, want, "{text}");
    }
}

#[test]
fn a_method_is_only_missed_where_a_server_has_none() {
    let own = "virtual_server 10.0.0.1 80 {\nlb_algo rr\nprotocol TCP\nreal_server 10.0.0.2 80 {\nlvs_method DR\n}\n}";
    assert!(load(own).1.is_empty());
    let later = "virtual_server 10.0.0.1 80 {\nlb_algo rr\nprotocol TCP\nreal_server 10.0.0.2 {\n}\nlb_kind DR\n}";
    assert_eq!(rs(later).forwarding, Forwarding::DirectRoute);
    let before = "virtual_server 10.0.0.1 80 {\nlb_algo rr\nprotocol TCP\nlb_kind NAT\nreal_server 10.0.0.2 {\n}\nlb_kind DR\n}";
    assert_eq!(rs(before).forwarding, Forwarding::Nat);
}

#[test]
fn families_join_only_over_tunnels() {
    const HEAD: &str = "lb_algo rr\nprotocol TCP\n";
    for (text, want) in [
        (
            format!("virtual_server 10.0.0.1 80 {{\n{HEAD}lb_kind NAT\nreal_server 2001:db8::1 80 {{\n}}\n}}"),
            vec![
                "6 error Address family of virtual server and real server 2001:db8::1 don't match - skipping real server.",
                "7 error Virtual server [10.0.0.1]:tcp:80 has no real servers - ignoring",
            ],
        ),
        // The method at the end of the real server decides, not a later one.
        (
            format!("virtual_server 10.0.0.1 80 {{\n{HEAD}real_server 2001:db8::1 80 {{\n}}\nlb_kind TUN\nreal_server 10.0.0.2 {{\n}}\n}}"),
            vec!["5 error Address family of virtual server and real server 2001:db8::1 don't match - skipping real server."],
        ),
        (format!("virtual_server 10.0.0.1 80 {{\n{HEAD}lb_kind NAT\nreal_server 2001:db8::1 80 {{\nlvs_method TUN\n}}\n}}"), vec![]),
        (
            format!("virtual_server 10.0.0.1 80 {{\n{HEAD}lb_kind NAT\nsorry_server 2001:db8::1 80\nreal_server 10.0.0.2 {{\n}}\n}}"),
            vec!["8 error Address family of virtual server and sorry server 2001:db8::1 don't match - skipping sorry server."],
        ),
        // The first server that is not behind a tunnel tells the family of a mark.
        (
            "virtual_server fwmark 5 {\nlb_algo rr\nlb_kind NAT\nreal_server 10.0.0.2 80 {\n}\nreal_server 2001:db8::1 80 {\n}\n}".to_owned(),
            vec!["7 error Address family of virtual server and real server 2001:db8::1 don't match - skipping real server."],
        ),
        (
            "virtual_server fwmark 5 {\nlb_algo rr\nlb_kind NAT\npersistence_granularity 64\nip_family inet\nreal_server 2001:db8::1 80 {\n}\n}"
                .to_owned(),
            vec!["5 error Virtual server specified family inet conflicts with server family"],
        ),
    ] {
        assert_eq!(load(&text).1, want, "{text}");
    }
    let tunnels = |first: &str, second: &str| {
        let text =
            format!("virtual_server fwmark 5 {{\nlb_algo rr\nlb_kind TUN\nreal_server {first} {{\n}}\nreal_server {second} {{\n}}\n}}");
        vs(&text).family
    };
    assert_eq!(tunnels("2001:db8::1", "2001:db8::2"), Families::One(Family::V6));
    assert_eq!(tunnels("2001:db8::1", "10.0.0.2"), Families::One(Family::V4));
}

#[test]
fn quorum_and_hysteresis_stay_within_what_the_weights_allow() {
    for (lines, weights, want, told) in [
        ("quorum 3\nhysteresis 2", [2, 2], (3, 2), vec![]),
        (
            "quorum 5",
            [2, 2],
            (4, 0),
            vec!["0 error Warning - quorum 5 for [10.0.0.1]:tcp:80 exceeds total weight of real servers 4, reducing quorum to 4"],
        ),
        (
            "quorum 3\nhysteresis 5",
            [2, 2],
            (3, 2),
            vec!["0 error Virtual server [10.0.0.1]:tcp:80: hysteresis 5 >= quorum 3; setting hysteresis to 2"],
        ),
        // All weights 0: the quorum cannot be reached, and nothing wraps around.
        (
            "",
            [0, 0],
            (1, 0),
            vec!["0 error Warning - quorum 1 for [10.0.0.1]:tcp:80 exceeds total weight of real servers 0, reducing quorum to 0"],
        ),
    ] {
        let [a, b] = weights;
        let text = format!(
            "virtual_server 10.0.0.1 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n{lines}\nreal_server 10.0.0.2 {{\nweight {a}\n}}\nreal_server 10.0.0.3 {{\nweight {b}\n}}\n}}"
        );
        let (lvs, problems) = load(&text);
        assert_eq!(problems, told, "{lines}");
        assert_eq!((lvs.virtual_servers[0].quorum, lvs.virtual_servers[0].hysteresis), want, "{lines}");
    }
}

#[test]
fn a_sorry_server_that_is_a_real_server_inhibits_as_that_does() {
    for (sorry, rs, verb, want) in [("", "inhibit_on_failure", "setting", true), ("sorry_server_inhibit", "", "clearing", false)] {
        let text = format!(
            "virtual_server 10.0.0.1 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nsorry_server 10.0.0.2 80\n{sorry}\nreal_server 10.0.0.2 80 {{\n{rs}\n}}\n}}"
        );
        let (lvs, problems) = load(&text);
        let told = format!(
            "0 error Virtual server [10.0.0.1]:tcp:80: real server [10.0.0.2]:tcp:80 matches sorry server, but inhibit setting differs, {verb} on sorry server"
        );
        assert_eq!(problems, [told]);
        assert_eq!(lvs.virtual_servers[0].sorry_server.as_ref().map(|s| s.inhibit), Some(want));
    }
}

#[test]
fn what_real_servers_lack_is_told_even_where_they_cannot_be_used() {
    let server = "real_server 2001:db8::1 80 {\nHTTP_GET {\n}\n}";
    let (lvs, problems) = load(&with_vs(server));
    assert_eq!(lvs.virtual_servers[0].real_servers.len(), 1);
    let want = [
        "4 error HTTP/SSL_GET checker has no urls specified - ignoring",
        "5 error Address family of virtual server and real server 2001:db8::1 don't match - skipping real server.",
    ];
    assert_eq!(problems, want);
    let (_, problems) = load(&format!("virtual_server group none {{\n{server}\n}}"));
    assert!(problems.contains(&"4 error HTTP/SSL_GET checker has no urls specified - ignoring".to_owned()), "{problems:?}");
}
