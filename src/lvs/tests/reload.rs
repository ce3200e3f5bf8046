//! Stories of configurations.

use super::bench::{Bench, TCP, rs, vs};
use crate::effect::probe::Outcome;
use crate::lvs::Event;

const HEAD: &str = "10.0.0.100 80";

#[test]
fn story_10_what_stays_keeps_its_health_and_what_is_new_begins() {
    let one = vs(HEAD, "", &[rs(11, "weight 1", TCP), rs(12, "weight 2\nuthreshold 10", TCP), rs(13, "weight 3", TCP)])
        + &vs("10.0.0.101 80", "", &[rs(11, "", TCP)]);
    let (mut bench, _) = Bench::start(&one);
    bench.down("10.0.0.12:80");
    bench.down("10.0.0.15:80");
    bench.pass(3000);
    let two = vs(
        HEAD,
        "persistence_timeout 60",
        &[rs(11, "weight 9", TCP), rs(12, "weight 2\nuthreshold 20", TCP), rs(14, "weight 4\nalpha", TCP), rs(15, "weight 4", TCP)],
    )
    .replace("lb_algo rr", "lb_algo wlc")
        + &vs("10.0.0.102 80", "", &[rs(11, "", TCP)]);
    let owner = *bench.held.keys().next().expect("the first");
    assert_eq!(
        bench.reload(&two),
        [
            "hold ",
            "RS [10.0.0.11]:tcp:80 [10.0.0.101]:tcp:80 DOWN",
            "VS [10.0.0.101]:tcp:80 DOWN",
            "hold 10.0.0.100:80 .11*9 .15*4",
            "RS [10.0.0.13]:tcp:80 [10.0.0.100]:tcp:80 DOWN",
            "hold 10.0.0.102:80 .11*1",
            "VS [10.0.0.102]:tcp:80 UP",
        ]
    );
    assert_eq!(bench.held.keys().next(), Some(&owner), "the same service, edited in place");
    let log = bench.log.join("\n");
    for line in [
        "service [10.0.0.13]:tcp:80 no longer exist",
        "Removing service [10.0.0.13]:tcp:80 from VS [10.0.0.100]:tcp:80",
        "Removing Virtual Server [10.0.0.101]:tcp:80",
        "Changing weight from 1 to 9 for active service [10.0.0.11]:tcp:80 of VS [10.0.0.100]:tcp:80",
    ] {
        assert!(log.contains(line), "{line}\n{log}");
    }
    bench.pass(3000);
    assert_eq!(bench.table(), ["10.0.0.100:80 .11*9 .14*4", "10.0.0.102:80 .11*1"]);
    bench.up("10.0.0.12:80");
    bench.pass(3000);
    assert_eq!(bench.table()[0], "10.0.0.100:80 .11*9 .12*2 .14*4");
    let three =
        vs(HEAD, "", &[rs(11, "weight 9", TCP), rs(12, "weight 2\nuthreshold 20", TCP), rs(15, "weight 4\ninhibit_on_failure", TCP)])
            .replace("lb_algo rr", "lb_algo wlc")
            .replace("lb_kind NAT", "lb_kind DR");
    bench.reload(&three);
    assert_eq!(bench.table(), ["10.0.0.100:80 .11d*9 .12d*2 .15d*0"], "keepalived puts the failed .15 back with its weight");
    let told = bench.reload(&three.replace("uthreshold 20", "uthreshold 30"));
    assert_eq!(told, ["hold 10.0.0.100:80 .11d*9 .12d*2 .15d*0"], "keepalived does not apply it");
}

#[test]
fn story_24_a_failed_server_stays_out_whatever_is_changed() {
    let text = vs(HEAD, "", &[rs(11, "", TCP), rs(12, "", TCP)]);
    let (mut bench, _) = Bench::start(&text);
    bench.down("10.0.0.12:80");
    bench.pass(3000);
    let dr = text.replace("lb_kind NAT", "lb_kind DR");
    let timeout = dr.replace("connect_timeout 1", "connect_timeout 2");
    for (text, want) in [
        (&dr, "10.0.0.100:80 .11d*1"),
        (&dr.replace("lb_kind DR", "lb_kind DR\ninhibit_on_failure"), "10.0.0.100:80 .11d*1 .12d*0"),
        (&dr, "10.0.0.100:80 .11d*1"),
        (&timeout, "10.0.0.100:80 .11d*1"),
        (&timeout.replace("TCP_CHECK", "PING_CHECK"), "10.0.0.100:80 .11d*1"),
    ] {
        bench.reload(text);
        assert_eq!(bench.table(), [want]);
        bench.pass(3000);
        assert_eq!(bench.table(), [want], "a while later");
    }
    bench.up("10.0.0.12:80");
    bench.pass(3000);
    assert_eq!(bench.table(), ["10.0.0.100:80 .11d*1 .12d*1"]);
}

#[test]
fn story_25_a_group_changes_under_its_servers() {
    let group = "virtual_server_group G1 {\n10.0.0.100 80\n10.0.0.101-102 80\nfwmark 7\n}\n".to_owned();
    let udp = vs("group G1", "", &["real_server 10.0.0.11 53 {\nTCP_CHECK {\nretry 0\nconnect_port 80\n}\n}\n".to_owned()]);
    let text = group + &vs("group G1", "", &[rs(11, "", TCP), rs(12, "", TCP)]) + &udp.replace("protocol TCP", "protocol UDP");
    let (mut bench, _) = Bench::start(&text);
    let lines = |ends: &[&str]| -> Vec<String> {
        let of = |dests: &str| ends.iter().map(|end| format!("{end}{dests}")).collect::<Vec<_>>();
        [of(" .11*1 .12*1"), of(" .11*1")].concat()
    };
    let table = |bench: &Bench| -> Vec<String> {
        bench.table().iter().map(|line| line.replace("10.0.0.", "").replace(":80", "").replace(":53", "")).collect()
    };
    assert_eq!(table(&bench), lines(&["100", "101", "102", "V4 FWM 7"]));
    assert_eq!(bench.log[..2], ["Gained quorum 1+0=1 <= 2 for VS [G1]:0", "Gained quorum 1+0=1 <= 1 for VS [G1]:1"]);
    let text = text.replace("101-102", "101-103");
    assert_eq!(bench.reload(&text).len(), 2, "held anew, and nobody is told");
    assert_eq!(table(&bench), lines(&["100", "101", "102", "103", "V4 FWM 7"]));
    bench.reload(&text.replace("fwmark 7", "10.0.0.110 80"));
    assert_eq!(table(&bench), lines(&["100", "101", "102", "103", "110"]));
}

#[test]
fn the_same_again_is_silent() {
    let misc = "MISC_CHECK {\nmisc_path \"/rc a\"\nmisc_dynamic\n}\n";
    let text = "global_defs {\nscript_user root\nrs_init_notifies\n}\nbfd_instance nb1 {\nneighbor_ip 10.0.0.2\n}\n".to_owned()
        + &vs(HEAD, "sorry_server 10.0.0.200 80\nquorum 3", &[rs(11, "weight 5", misc), rs(12, "", TCP)])
        + &vs("10.0.0.101 80", "alpha\nha_suspend", &[rs(12, "", TCP), rs(13, "", "BFD_CHECK {\nname nb1\n}\n")]);
    let (mut bench, _) = Bench::start(&text);
    bench.down("10.0.0.12:80");
    bench.exits("a", 3);
    for ms in [0, 500, 700, 3000, 100] {
        bench.pass(ms);
        let (said, begun, records) = (bench.log.len(), bench.begun.len(), bench.records.clone());
        let due = bench.engine.next_deadline();
        assert_eq!(bench.reload(&text), [""; 0]);
        assert_eq!((bench.log.len(), bench.begun.len()), (said, begun));
        assert_eq!((bench.engine.next_deadline(), &bench.records), (due, &records), "no timer starts anew");
    }
}

#[test]
fn an_attempt_under_way_goes_on_under_its_number_and_counts() {
    let text = vs(HEAD, "", &[rs(11, "", TCP), rs(12, "", TCP)]);
    let (mut bench, _) = Bench::start(&text);
    bench.silent = true;
    bench.pass(1000);
    let runs: Vec<_> = bench.pending.keys().copied().collect();
    // Before it come another virtual server and another real server.
    let more = vs("10.0.0.99 80", "", &[rs(9, "", TCP)]) + &vs(HEAD, "", &[rs(10, "", TCP), rs(12, "weight 3", TCP)]);
    bench.reload(&more);
    assert_eq!(bench.pending.keys().copied().collect::<Vec<_>>(), [runs[1]], "the other one is cancelled");
    let told = bench.end(runs[1], Outcome::Failed("refused".into()));
    assert_eq!(told[..2], ["hold 10.0.0.100:80 .10*1", "RS [10.0.0.12]:tcp:80 [10.0.0.100]:tcp:80 DOWN"]);
}

#[test]
fn a_checker_in_place_of_another_has_its_verdict_until_it_has_one_of_its_own() {
    let (mut bench, _) = Bench::start(&vs(HEAD, "", &[rs(11, "", "TCP_CHECK {\nretry 0\nconnect_port 81\n}\n")]));
    bench.down("10.0.0.11:81");
    bench.pass(2000);
    assert_eq!(bench.reload(&vs(HEAD, "", &[rs(11, "", TCP)])), [""; 0]);
    let want = ["hold 10.0.0.100:80 .11*1", "RS [10.0.0.11]:tcp:80 [10.0.0.100]:tcp:80 UP", "VS [10.0.0.100]:tcp:80 UP"];
    assert_eq!(bench.pass(3000), want);
}

#[test]
fn a_failure_goes_with_its_checker() {
    let both = "TCP_CHECK {\nretry 0\nconnect_port 81\n}\n".to_owned() + TCP;
    let (mut bench, _) = Bench::start(&vs(HEAD, "", &[rs(11, "", &both)]));
    bench.down("10.0.0.11:81");
    bench.pass(2000);
    assert_eq!(bench.reload(&vs(HEAD, "", &[rs(11, "", TCP)]))[0], "hold 10.0.0.100:80 .11*1");
    assert_eq!(bench.reload(&vs(HEAD, "", &[rs(11, "", &both.replace("retry 0", "retry 0\nalpha"))])), [""; 0], "a new one is trusted");
}

#[test]
fn a_weight_from_a_script_follows_the_configured_one() {
    let misc = "MISC_CHECK {\nmisc_path \"/rc a\"\nmisc_dynamic\n}\n";
    let text = "global_defs {\nscript_user root\n}\n".to_owned() + &vs(HEAD, "", &[rs(11, "weight 10", misc)]);
    let (mut bench, _) = Bench::start(&text);
    bench.exits("a", 32);
    bench.pass(2000);
    assert_eq!(bench.reload(&text.replace("weight 10", "weight 20")), [""; 0], "the script says 30, before and after");
    assert_eq!(bench.table(), ["10.0.0.100:80 .11*30"]);
}

#[test]
fn a_shorter_interval_is_kept_at_once_and_others_keep_their_rhythm() {
    let text = vs(HEAD, "", &[rs(11, "", TCP), rs(12, "", &TCP.replace("retry 0", "retry 0\ndelay_loop 600"))]);
    let (mut bench, _) = Bench::start(&text.replace("delay_loop 1\n", "delay_loop 7\n"));
    bench.pass(5000);
    bench.begun.clear();
    bench.reload(&text.replace("delay_loop 600", "delay_loop 10").replace("delay_loop 1\n", "delay_loop 7\n"));
    bench.pass(11_000);
    assert_eq!(bench.begun, [(8000, "10.0.0.11:80".to_owned()), (15_000, "10.0.0.11:80".into()), (15_000, "10.0.0.12:80".into())]);
}

#[test]
fn the_sorry_server_comes_and_goes_with_the_configuration() {
    let text = vs(HEAD, "quorum 3", &[rs(11, "weight 2", TCP), rs(12, "", TCP)]);
    let (mut bench, _) = Bench::start(&text);
    bench.down("10.0.0.12:80");
    bench.pass(2000);
    assert_eq!(bench.table(), ["10.0.0.100:80 .11*2"]);
    let sorry = text.replace("quorum 3", "quorum 3\nsorry_server 10.0.0.200 80");
    assert_eq!(bench.reload(&sorry), ["hold 10.0.0.100:80 .200*1"]);
    let told = bench.reload(&sorry.replace("quorum 3", "quorum 2"));
    assert_eq!(told, ["hold 10.0.0.100:80 .11*2", "VS [10.0.0.100]:tcp:80 UP"]);
    assert_eq!(bench.reload(&sorry), ["hold 10.0.0.100:80 .200*1", "VS [10.0.0.100]:tcp:80 DOWN"]);
}

#[test]
fn what_is_known_of_files_holds_for_servers_that_come_later() {
    let file = "track_file f {\nfile /f/f\nweight 1\n}\n";
    let check = "FILE_CHECK {\ntrack_file f\n}\n";
    let text = file.to_owned() + &vs(HEAD, "", &[rs(11, "weight 2", check)]);
    let (mut bench, _) = Bench::start(&text);
    bench.handle(Event::File { name: "f", value: 5 });
    assert_eq!(bench.table(), ["10.0.0.100:80 .11*7"]);
    let more = file.to_owned() + &vs(HEAD, "", &[rs(11, "weight 3", check), rs(12, "", &check.replace("f\n}", "f\nweight -1\n}"))]);
    assert_eq!(bench.reload(&more), ["hold 10.0.0.100:80 .11*8 .12*0"]);
}

#[test]
fn there_and_back_again() {
    let text = vs(HEAD, "sorry_server 10.0.0.200 80\nquorum 2", &[rs(11, "weight 2", TCP), rs(12, "inhibit_on_failure", TCP)])
        + &vs("10.0.0.101 80", "alpha", &[rs(12, "", TCP), rs(13, "", TCP)]);
    for other in [
        text.replace("lb_kind NAT", "lb_kind DR"),
        text.replace("weight 2", "weight 7"),
        text.replace("quorum 2", "quorum 3"),
        text.replace("inhibit_on_failure", ""),
        text.replace("connect_timeout 1", "connect_timeout 2"),
        text.replace("delay_loop 1", "delay_loop 5").replace("alpha", ""),
        text.replace("sorry_server 10.0.0.200 80", ""),
        vs("10.0.0.7 80", "", &[rs(7, "", TCP)]) + &text,
    ] {
        for down in ["10.0.0.11:80", "10.0.0.12:80"] {
            let (mut bench, _) = Bench::start(&text);
            bench.down(down);
            bench.pass(3000);
            let (table, view) = (bench.table(), bench.engine.snapshot());
            let verdicts = |view: &crate::lvs::view::View| -> Vec<bool> {
                view.servers.iter().flat_map(|server| &server.real_servers).map(|real| real.alive).collect()
            };
            bench.reload(&other);
            bench.reload(&text);
            assert_eq!(bench.table(), table, "{down}\n{other}");
            assert_eq!(verdicts(&bench.engine.snapshot()), verdicts(&view), "{down}\n{other}");
        }
    }
}
