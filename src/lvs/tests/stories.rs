//! Stories that were recorded of keepalived on a kernel with IPVS, without the kernel: the same events, the same tables.

use super::bench::{Bench, TCP, rs, vs};
use crate::effect::probe::Outcome;
use crate::lvs::Event;

/// Runs for long enough that every checker has come to a result.
const SETTLED: u64 = 4000;

fn table(bench: &mut Bench) -> Vec<String> {
    bench.pass(SETTLED);
    bench.table()
}

#[test]
fn story_01_a_server_is_in_before_it_is_probed_and_out_after_its_retries() {
    let text = vs(
        "10.0.0.100 80",
        "",
        &[
            rs(11, "weight 3", "TCP_CHECK {\nretry 1\ndelay_before_retry 1\n}\n"),
            rs(12, "", TCP),
            "real_server 10.0.0.13 8080 {\nweight 2\nTCP_CHECK {\nretry 0\nconnect_port 80\nconnect_ip 10.0.0.12\n}\n}\n".to_owned(),
        ],
    );
    let (mut bench, told) = Bench::start(&text);
    assert_eq!(told, ["hold 10.0.0.100:80 .11*3 .12*1 .13:8080*2", "VS [10.0.0.100]:tcp:80 UP"]);
    assert_eq!(bench.pass(SETTLED), [""; 0], "a success at first tells nobody anything");
    bench.down("10.0.0.12:80");
    assert_eq!(
        bench.pass(1000),
        [
            "hold 10.0.0.100:80 .11*3 .13:8080*2",
            "RS [10.0.0.12]:tcp:80 [10.0.0.100]:tcp:80 DOWN",
            "hold 10.0.0.100:80 .11*3",
            "RS [10.0.0.13]:tcp:8080 [10.0.0.100]:tcp:80 DOWN",
        ]
    );
    bench.down("10.0.0.11:80");
    assert_eq!(
        bench.pass(SETTLED),
        ["hold 10.0.0.100:80", "RS [10.0.0.11]:tcp:80 [10.0.0.100]:tcp:80 DOWN", "VS [10.0.0.100]:tcp:80 DOWN"],
        "the service stays, empty"
    );
    bench.up("10.0.0.11:80");
    bench.up("10.0.0.12:80");
    assert_eq!(table(&mut bench), ["10.0.0.100:80 .11*3 .12*1 .13:8080*2"]);
    assert_eq!(bench.stop(), [""; 0], "without omega nothing is said at the end");
}

#[test]
fn story_02_pages_are_asked_for_in_turn_and_all_of_them_before_a_server_is_back() {
    let http = "HTTP_GET {\nretry 0\nurl {\npath /a\n}\nurl {\npath /b\n}\n}\n";
    let (mut bench, _) = Bench::start(&vs("10.0.0.100 80", "", &[rs(11, "", http)]));
    bench.down("10.0.0.11:80/b");
    assert_eq!(bench.pass(2500).len(), 3, "the second page takes it out");
    bench.up("10.0.0.11:80/b");
    bench.begun.clear();
    assert_eq!(bench.pass(8500)[0], "hold 10.0.0.100:80 .11*1");
    let pages: Vec<(u64, &str)> = bench.begun.iter().map(|(at, target)| (*at, target.trim_start_matches("10.0.0.11:80"))).collect();
    assert_eq!(pages[..5], [(5000, "/b"), (6000, "/a"), (7000, "/b"), (8000, "/a"), (9000, "/b")], "3 s is the delay before a retry");
}

#[test]
fn story_04_exit_statuses_are_weights() {
    let misc = |name: &str| format!("MISC_CHECK {{\nmisc_path \"/rc {name}\"\nmisc_dynamic\nmisc_timeout 20\n}}\n");
    let text = vs(
        "10.0.0.100 80",
        "",
        &[
            rs(11, "weight 10", &misc("a")),
            rs(12, "weight 10", &format!("{}{}", misc("a"), misc("b"))),
            rs(13, "weight 10", "MISC_CHECK {\nmisc_path \"/rc a\"\nmisc_timeout 20\n}\n"),
            rs(14, "weight 10\ninhibit_on_failure", &misc("a")),
        ],
    );
    let (mut bench, _) = Bench::start(&format!("global_defs {{\nscript_user root\n}}\n{text}"));
    for (a, b, want) in [
        (0, 0, ".11*10 .12*10 .13*10 .14*10"),
        (52, 0, ".11*50 .12*50 .14*50"),
        (52, 12, ".11*50 .12*50 .14*50"),
        (52, 22, ".11*50 .12*60 .14*50"),
        (2, 22, ".11*0 .12*10 .14*0"),
        (255, 22, ".11*253 .12*263 .14*253"),
        (1, 22, ".14*0"),
        (12, 22, ".11*10 .12*20 .14*10"),
        (0, 22, ".11*10 .12*20 .13*10 .14*10"),
    ] {
        bench.exits("a", a);
        bench.exits("b", b);
        assert_eq!(table(&mut bench), [format!("10.0.0.100:80 {want}")], "a={a} b={b}");
    }
    assert!(
        bench
            .log
            .iter()
            .any(|line| line == "Changing weight from 10 to 50 for active service [10.0.0.11]:tcp:80 of VS [10.0.0.100]:tcp:80")
    );
}

fn files() -> String {
    let file = |name: &str, weight: &str| format!("track_file {name} {{\nfile /f/{name}\n{weight}\n}}\n");
    let check = |lines: &str| format!("FILE_CHECK {{\n{lines}\n}}\n");
    let reals = [
        rs(11, "weight 10", &check("track_file t0")),
        rs(12, "weight 10", &check("track_file t1")),
        rs(13, "weight 10", &check("track_file td")),
        rs(14, "weight 10", &check("track_file t2")),
        rs(15, "weight 10", &check("track_file t1\nweight -1")),
        rs(16, "weight 10", &check("track_file t1\nweight 1 reverse")),
        rs(17, "weight 10", &check("track_file t0\nweight 0 reverse")),
        rs(18, "weight 10", &format!("{}{}", check("track_file t1"), check("track_file t2"))),
    ];
    [file("t0", "weight 0"), file("t1", "weight 1"), file("td", ""), file("t2", "weight 2")].concat() + &vs("10.0.0.100 80", "", &reals)
}

#[test]
fn story_05_the_number_in_a_file_is_a_weight_or_a_verdict() {
    let (mut bench, _) = Bench::start(&files());
    for (value, want) in [
        // keepalived has .17 in, too: it forgets `reverse` until the file changes for the first time.
        (0, ".11*10 .12*10 .13*10 .14*10 .15*10 .16*10 .18*10"),
        (5, ".12*15 .13*15 .14*20 .15*5 .16*5 .17*10 .18*25"),
        (-4, ".12*6 .13*6 .14*2 .15*14 .16*14 .17*10 .18*0"),
        (-20, ".12*0 .13*0 .14*0 .15*30 .16*30 .17*10 .18*0"),
        (1000, ".12*1010 .13*1010 .14*2010 .15*0 .16*0 .17*10 .18*3010"),
        (-2_147_483_648, ".15*2147483647 .16*2147483647 .17*10"),
        (0, ".11*10 .12*10 .13*10 .14*10 .15*10 .16*10 .18*10"),
        (3, ".12*13 .13*13 .14*16 .15*7 .16*7 .17*10 .18*19"),
    ] {
        for name in ["t0", "t1", "td", "t2"] {
            bench.handle(Event::File { name, value });
        }
        assert_eq!(bench.table(), [format!("10.0.0.100:80 {want}")], "{value}");
    }
}

#[test]
fn story_06_the_sorry_server_stands_in_for_the_last() {
    let text = vs("10.0.0.100 80", "sorry_server 10.0.0.200 80", &[rs(11, "weight 2", TCP), rs(12, "", TCP)]);
    let (mut bench, _) = Bench::start(&text);
    assert_eq!(table(&mut bench), ["10.0.0.100:80 .11*2 .12*1"]);
    bench.down("10.0.0.11:80");
    assert_eq!(table(&mut bench), ["10.0.0.100:80 .12*1"]);
    bench.down("10.0.0.12:80");
    let told = bench.pass(SETTLED);
    let want = ["hold 10.0.0.100:80 .200*1", "RS [10.0.0.12]:tcp:80 [10.0.0.100]:tcp:80 DOWN", "VS [10.0.0.100]:tcp:80 DOWN"];
    assert_eq!(told, want, "the pool is never empty");
    bench.up("10.0.0.11:80");
    let told = bench.pass(SETTLED);
    assert_eq!(told, ["hold 10.0.0.100:80 .11*2", "RS [10.0.0.11]:tcp:80 [10.0.0.100]:tcp:80 UP", "VS [10.0.0.100]:tcp:80 UP"]);
    let log: Vec<&str> = bench.log.iter().map(String::as_str).collect();
    for want in [
        "Lost quorum 1-0=1 > 0 for VS [10.0.0.100]:tcp:80",
        "Adding sorry server [10.0.0.200]:tcp:80 to VS [10.0.0.100]:tcp:80",
        "Removing alive servers from the pool for VS [10.0.0.100]:tcp:80",
        "Gained quorum 1+0=1 <= 2 for VS [10.0.0.100]:tcp:80",
        "Removing sorry server [10.0.0.200]:tcp:80 from VS [10.0.0.100]:tcp:80",
        "Adding alive servers to the pool for VS [10.0.0.100]:tcp:80",
        "TCP_CHECK on service [10.0.0.12]:tcp:80 failed. (no answer)",
        "TCP connection to [10.0.0.11]:tcp:80 success.",
    ] {
        assert!(log.contains(&want), "{want}: {log:#?}");
    }
}

#[test]
fn story_07_quorum_and_hysteresis() {
    let reals: Vec<String> = (11..=15).map(|n| rs(n, "", TCP)).collect();
    let quorum = "quorum 3\nhysteresis 1\nquorum_up \"/n QUP\"\nquorum_down \"/n QDOWN\"";
    let text = [
        "global_defs {\nscript_user root\n}\n".to_owned(),
        vs("10.0.0.100 80", &format!("{quorum}\nsorry_server 10.0.0.200 80"), &reals),
        vs("10.0.0.101 80", "quorum 3\nhysteresis 1", &reals),
    ]
    .concat();
    let (mut bench, told) = Bench::start(&text);
    assert_eq!(told[1], "VS [10.0.0.100]:tcp:80 UP +QUP");
    let all = ".11*1 .12*1 .13*1 .14*1 .15*1";
    let both = |one: &str, other: &str| [format!("10.0.0.100:80 {one}"), format!("10.0.0.101:80 {other}")];
    assert_eq!(table(&mut bench), both(all, all));
    for (target, up, one, other) in [
        ("10.0.0.11:80", false, ".12*1 .13*1 .14*1 .15*1", ".12*1 .13*1 .14*1 .15*1"),
        ("10.0.0.12:80", false, ".13*1 .14*1 .15*1", ".13*1 .14*1 .15*1"),
        ("10.0.0.13:80", false, ".14*1 .15*1", ".14*1 .15*1"),
        ("10.0.0.14:80", false, ".200*1", ".15*1"),
        ("10.0.0.11:80", true, ".200*1", ".11*1 .15*1"),
        ("10.0.0.12:80", true, ".200*1", ".11*1 .12*1 .15*1"),
        ("10.0.0.13:80", true, ".11*1 .12*1 .13*1 .15*1", ".11*1 .12*1 .13*1 .15*1"),
    ] {
        if up {
            bench.up(target);
        } else {
            bench.down(target);
        }
        assert_eq!(table(&mut bench), both(one, other), "{target} {up}");
    }
}

#[test]
fn story_08_an_inhibited_server_weighs_nothing_and_stays() {
    let text = [
        vs("10.0.0.100 80", "inhibit_on_failure", &[rs(11, "weight 5", TCP), rs(12, "inhibit_on_failure no", TCP)]),
        vs(
            "10.0.0.101 80",
            "sorry_server 10.0.0.200 80\nsorry_server_inhibit",
            &[rs(11, "weight 5\ninhibit_on_failure", TCP), rs(12, "", TCP)],
        ),
    ]
    .concat();
    let (mut bench, _) = Bench::start(&text);
    assert_eq!(table(&mut bench), ["10.0.0.100:80 .11*5 .12*1", "10.0.0.101:80 .11*5 .12*1 .200*0"]);
    bench.down("10.0.0.11:80");
    assert_eq!(table(&mut bench), ["10.0.0.100:80 .11*0 .12*1", "10.0.0.101:80 .11*0 .12*1 .200*0"]);
    bench.down("10.0.0.12:80");
    assert_eq!(table(&mut bench), ["10.0.0.100:80 .11*0", "10.0.0.101:80 .11*0 .200*1"]);
    bench.up("10.0.0.11:80");
    bench.up("10.0.0.12:80");
    assert_eq!(table(&mut bench), ["10.0.0.100:80 .11*5 .12*1", "10.0.0.101:80 .11*5 .12*1 .200*0"]);
    assert!(bench.log.contains(&"Disabling service [10.0.0.11]:tcp:80 of VS [10.0.0.100]:tcp:80".to_owned()));
    assert!(bench.log.contains(&"Enabling sorry server [10.0.0.200]:tcp:80 to VS [10.0.0.101]:tcp:80".to_owned()));
}

#[test]
fn story_09_groups_and_marks() {
    let check = "TCP_CHECK {\nretry 0\nconnect_port 80\n}\n";
    let dr = |head: &str, n: u8, more: &str| {
        vs(head, "lb_kind DR", &[format!("real_server 10.0.0.{n} {{\n{more}\n{check}}}\n")]).replace("lb_kind NAT\n", "")
    };
    let text = [
        "virtual_server_group G1 {\n10.0.0.100 80\n10.0.0.110-112 81\n10.0.0.120/31 82\n10.0.0.130-10.0.0.131 83\nfwmark 7\n}\n".to_owned(),
        dr("group G1", 11, ""),
        dr("fwmark 5", 11, "weight 4"),
        vs("fwmark 6", "", &["real_server 10.0.0.12 8080 {\nweight 4\nTCP_CHECK {\nconnect_port 80\n}\n}\n".to_owned()]),
        "virtual_server fwmark 8 {\nip_family inet6\nlb_algo rr\nlb_kind TUN\nreal_server fd00::11 {\nTCP_CHECK {\nconnect_port 80\n}\n}\n}\n"
            .to_owned(),
    ]
    .concat();
    let (mut bench, told) = Bench::start(&text);
    let group = |dests: &str| {
        let addresses = ["100:80", "110:81", "111:81", "112:81", "120:82", "121:82", "130:83", "131:83"];
        let mut lines: Vec<String> = addresses.iter().map(|end| format!("10.0.0.{end}{dests}")).collect();
        lines.push(format!("V4 FWM 7{dests}"));
        lines
    };
    assert_eq!(told[1], "VS [G1]:0 UP");
    assert_eq!(
        bench.table(),
        [group(" .11d*1"), vec!["V4 FWM 5 .11d*4".into(), "V4 FWM 6 .12:8080*4".into(), "V6 FWM 8 fd00::11t*1".into()]].concat()
    );
    bench.down("10.0.0.11:80");
    let told = bench.pass(SETTLED);
    assert_eq!(told[1..3], ["RS [10.0.0.11]:tcp:0 [G1]:0 DOWN", "VS [G1]:0 DOWN"]);
    assert!(told.contains(&"RS [10.0.0.11]:none:0 FWM 5 DOWN".to_owned()), "{told:?}");
    assert_eq!(bench.table()[..10], [group(""), vec!["V4 FWM 5".into()]].concat());
}

#[test]
fn story_15_alpha_starts_from_below_and_omega_ends_aloud() {
    let real = |n: u8| rs(n, &format!("notify_up \"/n UP{n}\"\nnotify_down \"/n DOWN{n}\""), TCP);
    let text = [
        "global_defs {\nscript_user root\n}\n".to_owned(),
        vs(
            "10.0.0.100 80",
            "alpha\nomega\nquorum_up \"/n QUP\"\nquorum_down \"/n QDOWN\"\nsorry_server 10.0.0.200 80",
            &[real(11), real(12)],
        ),
        vs("10.0.0.101 80", "quorum_up \"/n QUP101\"", &[real(11), real(12)]),
    ]
    .concat();
    let (mut bench, told) = Bench::start(&text);
    assert_eq!(
        told,
        [
            "hold 10.0.0.100:80 .200*1",
            "VS [10.0.0.100]:tcp:80 DOWN +QDOWN",
            "hold 10.0.0.101:80 .11*1 .12*1",
            "VS [10.0.0.101]:tcp:80 UP +QUP101"
        ]
    );
    assert_eq!(bench.log[0], "Starting with quorum down 1-0=1 > 0 for VS [10.0.0.100]:tcp:80");
    bench.down("10.0.0.12:80");
    assert_eq!(
        bench.pass(SETTLED),
        [
            "hold 10.0.0.100:80 .11*1",
            "RS [10.0.0.11]:tcp:80 [10.0.0.100]:tcp:80 UP +UP11",
            "VS [10.0.0.100]:tcp:80 UP +QUP",
            "RS [10.0.0.12]:tcp:80 [10.0.0.100]:tcp:80 DOWN +DOWN12",
            "hold 10.0.0.101:80 .11*1",
            "RS [10.0.0.12]:tcp:80 [10.0.0.101]:tcp:80 DOWN +DOWN12",
        ],
        "one that never was up is said to be down, once"
    );
    assert_eq!(
        bench.stop(),
        ["RS [10.0.0.11]:tcp:80 [10.0.0.100]:tcp:80 DOWN +DOWN11", "VS [10.0.0.100]:tcp:80 DOWN +QDOWN"],
        "only the one with omega"
    );
    assert_eq!(bench.engine.next_deadline(), None);
}

#[test]
fn story_18_without_its_address_a_server_is_not_checked() {
    let text = [
        vs("10.0.0.100 80", "ha_suspend", &[rs(11, "", TCP), rs(12, "", TCP)]),
        vs("10.0.0.101 80", "ha_suspend\nalpha", &[rs(11, "", TCP)]),
    ]
    .concat();
    let (mut bench, _) = Bench::start(&text);
    bench.down("10.0.0.12:80");
    assert_eq!(table(&mut bench), ["10.0.0.100:80 .11*1 .12*1", "10.0.0.101:80"]);
    assert_eq!(bench.begun, []);
    bench.ours("10.0.0.100", true);
    bench.ours("10.0.0.101", true);
    assert_eq!(table(&mut bench), ["10.0.0.100:80 .11*1", "10.0.0.101:80 .11*1"]);
    bench.ours("10.0.0.100", false);
    bench.down("10.0.0.11:80");
    assert_eq!(table(&mut bench), ["10.0.0.100:80 .11*1", "10.0.0.101:80"]);
    assert!(bench.log.contains(&"Suspending healthchecker for service [10.0.0.12]:tcp:80 for VS [10.0.0.100]:tcp:80".to_owned()));
    let group = "virtual_server_group G {\n10.0.0.110-119 80\n}\n".to_owned() + &vs("group G", "ha_suspend", &[rs(11, "", TCP)]);
    let (mut bench, _) = Bench::start(&group);
    bench.pass(SETTLED);
    assert_eq!(bench.begun, []);
    bench.ours("10.0.0.112", true);
    bench.pass(1000);
    assert_eq!(bench.begun.len(), 1, "keepalived never checks a group");
}

#[test]
fn story_19_mail_says_why() {
    let text = vs("10.0.0.100 80", "smtp_alert", &[rs(11, "", TCP), rs(12, "smtp_alert no", TCP)]);
    let (mut bench, _) = Bench::start(&text);
    bench.pass(SETTLED);
    bench.down("10.0.0.12:80");
    bench.pass(2000);
    bench.down("10.0.0.11:80");
    bench.pass(2000);
    bench.up("10.0.0.11:80");
    bench.pass(2000);
    bench.stop();
    assert_eq!(
        bench.mails,
        [
            "VS [10.0.0.100]:tcp:80 UP: Starting with quorum up 1+0=1 <= 2",
            "RS [10.0.0.11]:tcp:80 [10.0.0.100]:tcp:80 DOWN: TCP CHECK failed on service",
            "VS [10.0.0.100]:tcp:80 DOWN: Lost quorum 1+0=1 <= 0",
            "RS [10.0.0.11]:tcp:80 [10.0.0.100]:tcp:80 UP: TCP CHECK succeed on service",
            "VS [10.0.0.100]:tcp:80 UP: Gained quorum 1+0=1 <= 1",
        ]
    );
}

#[test]
fn story_19_a_checker_beside_a_failed_one_is_mailed_unless_that_is_not_wanted() {
    let other = "TCP_CHECK {\nconnect_port 81\nretry 0\n}\n";
    for (global, want) in [("no_checker_emails", 1), ("", 2)] {
        let text = format!("global_defs {{\n{global}\n}}\n{}", vs("10.0.0.100 80", "", &[rs(11, "", &format!("{TCP}{other}"))]));
        let (mut bench, _) = Bench::start(&text);
        bench.pass(SETTLED);
        bench.down("10.0.0.11:80");
        bench.pass(2000);
        bench.down("10.0.0.11:81");
        assert_eq!(bench.pass(2000), [""; 0]);
        assert_eq!(bench.mails.len(), want, "{:?}", bench.mails);
    }
}

#[test]
fn story_20_a_session_is_followed_at_once() {
    let bfd = "bfd_instance nb1 {\nneighbor_ip 10.0.0.2\n}\n";
    let check = "BFD_CHECK {\nname nb1\n}\n";
    let text = bfd.to_owned() + &vs("10.0.0.100 80", "", &[rs(11, "", check), rs(12, "", check)]);
    let (mut bench, _) = Bench::start(&text);
    for (up, want) in [(false, "10.0.0.100:80"), (true, "10.0.0.100:80 .11*1 .12*1"), (false, "10.0.0.100:80")] {
        bench.handle(Event::Bfd { session: "nb1", up });
        assert_eq!(bench.table(), [want]);
        assert_eq!(bench.handle(Event::Bfd { session: "nb1", up }), [""; 0]);
    }
    assert_eq!(bench.engine.next_deadline(), None);
}

#[test]
fn story_22_odd_weights() {
    let text = [
        vs("10.0.0.100 80", "sorry_server 10.0.0.200 80", &[rs(11, "weight 0", TCP), rs(12, "weight 0", TCP)]),
        vs("10.0.0.101 80", "quorum 10\nhysteresis 4", &[rs(11, "weight 2", TCP), rs(12, "", TCP)]),
        vs(
            "10.0.0.102 80",
            "weight 6",
            &[rs(11, "", &format!("{TCP}TCP_CHECK {{\nretry 0\nconnect_ip 10.0.0.12\n}}\n")), rs(12, "weight 1", TCP)],
        ),
        vs("10.0.0.103 80", "sorry_server 10.0.0.12 80", &[rs(11, "", TCP), rs(12, "", TCP)]),
    ]
    .concat();
    let (mut bench, _) = Bench::start(&text);
    let all = ["10.0.0.100:80 .200*1", "10.0.0.101:80 .11*2 .12*1", "10.0.0.102:80 .11*6 .12*1", "10.0.0.103:80 .11*1 .12*1"];
    assert_eq!(table(&mut bench), all);
    bench.down("10.0.0.12:80");
    assert_eq!(table(&mut bench), ["10.0.0.100:80 .200*1", "10.0.0.101:80 .11*2", "10.0.0.102:80", "10.0.0.103:80 .11*1"]);
    bench.down("10.0.0.11:80");
    assert_eq!(table(&mut bench), ["10.0.0.100:80 .200*1", "10.0.0.101:80", "10.0.0.102:80", "10.0.0.103:80 .12*1"]);
    bench.up("10.0.0.11:80");
    bench.up("10.0.0.12:80");
    assert_eq!(table(&mut bench), all);
}

#[test]
fn story_22_servers_without_weight_have_a_quorum_once_a_checker_gives_them_some() {
    let misc = "MISC_CHECK {\nmisc_path \"/rc a\"\nmisc_dynamic\n}\n";
    let text =
        "global_defs {\nscript_user root\n}\n".to_owned() + &vs("10.0.0.100 80", "sorry_server 10.0.0.200 80", &[rs(11, "weight 0", misc)]);
    let (mut bench, _) = Bench::start(&text);
    assert_eq!(table(&mut bench), ["10.0.0.100:80 .200*1"]);
    bench.exits("a", 7);
    assert_eq!(table(&mut bench), ["10.0.0.100:80 .11*5"]);
    bench.exits("a", 0);
    assert_eq!(table(&mut bench), ["10.0.0.100:80 .200*1"]);
}

#[test]
fn story_23_a_script_that_hangs_has_failed_and_its_weight_is_forgotten() {
    let misc = "MISC_CHECK {\nmisc_path \"/rc a\"\nmisc_dynamic\nmisc_timeout 1\n}\n";
    let slow = "MISC_CHECK {\nmisc_path \"/rc c\"\nmisc_timeout 20\nretry 2\ndelay_before_retry 1\n}\n";
    let text = "global_defs {\nscript_user root\n}\n".to_owned()
        + &vs("10.0.0.100 80", "", &[rs(11, "weight 10", misc), rs(12, "weight 10", slow), rs(13, "weight 10\ninhibit_on_failure", misc)]);
    let (mut bench, _) = Bench::start(&text);
    bench.exits("c", 0);
    bench.exits("a", 32);
    assert_eq!(table(&mut bench), ["10.0.0.100:80 .11*30 .12*10 .13*30"]);
    bench.answers.insert("a".to_owned(), Outcome::Failed("timed out".into()));
    assert_eq!(table(&mut bench), ["10.0.0.100:80 .12*10 .13*0"]);
    bench.exits("a", 32);
    assert_eq!(table(&mut bench), ["10.0.0.100:80 .11*30 .12*10 .13*30"]);
    bench.exits("a", 52);
    assert_eq!(table(&mut bench), ["10.0.0.100:80 .11*50 .12*10 .13*50"], "keepalived has 70 here: the weight drifts");
    bench.exits("c", 1);
    assert_eq!(bench.pass(1500), [""; 0], "tried again");
    assert_eq!(table(&mut bench), ["10.0.0.100:80 .11*50 .13*50"]);
    let line = "Misc check for [[10.0.0.12]:tcp:80 VS [10.0.0.100]:tcp:80] by [/rc] failed after 2 retries (exited with status 1).";
    assert!(bench.log.contains(&line.to_owned()), "{:#?}", bench.log);
}

#[test]
fn story_27_the_rhythm_of_each_kind() {
    let port = |n: u8, check: &str| format!("real_server 10.0.0.{n} 80{n} {{\n{check}}}\n");
    let pages = "url {\npath /ok\n}\nurl {\npath /two\n}\n";
    let text = vs(
        "10.0.0.100 80",
        "",
        &[
            port(11, "TCP_CHECK {\nretry 2\ndelay_before_retry 1\n}\n"),
            port(12, "TCP_CHECK {\nconnect_timeout 1\n}\n"),
            port(13, "HTTP_GET {\nurl {\npath /ok\n}\n}\n"),
            port(14, "SMTP_CHECK {\n}\n"),
            port(15, &format!("HTTP_GET {{\nretry 1\ndelay_before_retry 1\n{pages}}}\n")),
        ],
    )
    .replace("delay_loop 1", "delay_loop 4");
    let (mut bench, _) = Bench::start(&text);
    bench.pass(10_000);
    for n in 11..=15 {
        for page in ["", "/ok", "/two"] {
            bench.down(&format!("10.0.0.{n}:80{n}{page}"));
        }
    }
    bench.pass(20_000);
    let of = |n: u8| -> Vec<u64> {
        let begun = bench.begun.iter().filter(|(at, target)| *at > 10_000 && target.starts_with(&format!("10.0.0.{n}:")));
        begun.map(|(at, _)| (at - 13_000) / 1000).collect()
    };
    assert_eq!(bench.begun[..10].iter().map(|(at, _)| *at).collect::<Vec<_>>(), [[1000; 5], [5000; 5]].concat());
    assert_eq!(of(11), [0, 1, 2, 6, 10, 14], "retries, down, and then every interval");
    assert_eq!(of(12), [0, 1, 5, 9, 13, 17]);
    assert_eq!(of(13), [0, 3, 7, 11, 15], "the longer of interval and delay");
    assert_eq!(of(14), [0, 1, 5, 6, 10, 11, 15, 16], "bursts, though it is down");
    assert_eq!(of(15), [0, 1, 5, 9, 13, 17]);
}
