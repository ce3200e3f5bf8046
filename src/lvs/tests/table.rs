//! What the kernel is to hold of a virtual server.

use super::bench::{Bench, TCP, rs, vs};

fn table(text: &str) -> Vec<String> {
    let (mut bench, _) = Bench::start(text);
    bench.pass(3000);
    bench.table()
}

#[test]
fn only_nat_changes_ports() {
    let reals: String =
        ["NAT", "DR", "TUN"].iter().zip(11..).map(|(kind, n)| format!("real_server 10.0.0.{n} {{\nlvs_method {kind}\n}}\n")).collect();
    let reals = [reals];
    let group = "virtual_server_group G {\n10.0.0.1-2 81\n10.0.0.3 82\nfwmark 9\n}\n";
    assert_eq!(table(&vs("10.0.0.100 80", "", &reals)), ["10.0.0.100:80 .11*1 .12d*1 .13t*1"]);
    assert_eq!(table(&vs("fwmark 5", "", &reals)), ["V4 FWM 5 .11*1 .12d*1 .13t*1"]);
    assert_eq!(
        table(&format!("{group}{}", vs("group G", "", &reals))),
        [
            "10.0.0.1:81 .11:0*1 .12d*1 .13t*1",
            "10.0.0.2:81 .11:0*1 .12d*1 .13t*1",
            "10.0.0.3:82 .11:0*1 .12d*1 .13t*1",
            "V4 FWM 9 .11*1 .12d*1 .13t*1"
        ]
    );
}

#[test]
fn servers_that_differ_in_a_port_nobody_uses_are_one() {
    let group = "virtual_server_group G {\n10.0.0.1 81\n10.0.0.1 81\n}\n";
    let reals = [rs(11, "weight 2", ""), rs(11, "weight 3", "").replace("11 80", "11 82")];
    let text = format!("{group}{}", vs("group G", "", &reals));
    assert_eq!(table(&text), ["10.0.0.1:81 .11:80*2 .11:82*3"], "and an address named twice is one service");
}

#[test]
fn a_group_of_both_families_has_its_servers_through_tunnels() {
    let group = "virtual_server_group G {\n10.0.0.1 80\nfd00::1 80\nfwmark 7 inet6\n}\n";
    let reals = "real_server 10.0.0.11 {\nlvs_method TUN\n}\nreal_server fd00::12 {\nlvs_method TUN\n}\n";
    let text = format!("{group}{}", vs("group G", "", &[reals.to_owned()]));
    assert_eq!(table(&text), ["10.0.0.1:80 .11t*1 fd00::12t*1", "fd00::1:80 .11t*1 fd00::12t*1", "V6 FWM 7 .11t*1 fd00::12t*1"]);
}

#[test]
fn a_sorry_server_that_is_a_real_server_is_in_once() {
    for (inhibit, both, one, none) in [
        ("", " .11*4 .12*1", " .12*1", " .11*1"),
        ("inhibit_on_failure\nsorry_server_inhibit", " .11*4 .12*1", " .11*0 .12*1", " .11*1 .12*0"),
    ] {
        let text = vs("10.0.0.100 80", &format!("sorry_server 10.0.0.11 80\n{inhibit}"), &[rs(11, "weight 4", TCP), rs(12, "", TCP)]);
        let (mut bench, _) = Bench::start(&text);
        assert_eq!(bench.table(), [format!("10.0.0.100:80{both}")]);
        bench.down("10.0.0.11:80");
        bench.pass(2000);
        assert_eq!(bench.table(), [format!("10.0.0.100:80{one}")]);
        bench.down("10.0.0.12:80");
        bench.pass(2000);
        assert_eq!(bench.table(), [format!("10.0.0.100:80{none}")]);
    }
}

#[test]
fn what_a_prefix_has_more_than_anybody_can_use_is_left_out() {
    let group = "virtual_server_group G {\n10.0.0.0/24 80\n}\n";
    assert_eq!(table(&format!("{group}{}", vs("group G", "", &[rs(11, "", "")]))).len(), 256);
}
