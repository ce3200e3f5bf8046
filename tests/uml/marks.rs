//! A group of addresses that is one service: nftables marks the packets, and IPVS goes by the mark.

use crate::balancer::{TCP_CHECK, has};
use crate::daemon::Daemon;
use crate::guest::{Story, run, table};
use crate::load::Load;
use crate::place::{Lan, Nginx, folder};
use crate::wait::eventually;

pub(crate) const STORIES: &[Story] = &[("marks", marks)];

fn marks() {
    let lan = Lan::nat("marks", 2);
    run("ip addr add 10.1.0.101/32 dev c0");
    let servers = ["marks1", "marks2"];
    let _first = Nginx::start(&lan.reals[0], servers[0]);
    let _second = Nginx::start(&lan.reals[1], servers[1]);
    let real = |at: &str| format!("    real_server {at} 80 {{\n        weight 1\n        {TCP_CHECK}\n    }}\n");
    let configuration = |addresses: &str| {
        format!(
            "global_defs {{\n    nftables_ipvs\n}}\nvirtual_server_group G {{\n    {addresses} 80\n}}\nvirtual_server group G {{\n    delay_loop 1\n    \
             warmup 0\n    lb_algo rr\n    lb_kind NAT\n    protocol TCP\n{}{}}}\n",
            real("10.2.0.11"),
            real("10.2.0.12")
        )
    };
    let daemon = Daemon::start(&folder("marks"), &configuration("10.1.0.100-101"));
    let both = [("10.2.0.11:80", 1), ("10.2.0.12:80", 1)];
    has("1000", &both);
    assert_eq!(table().iter().filter(|line| line.starts_with("-A")).count(), 1, "one service for both addresses");
    let loads = ["10.1.0.100:80", "10.1.0.101:80"].map(|to| Load::start(&lan.client, to));
    for load in &loads {
        load.after(50).is_of(&servers);
    }
    // The service stays as it is when the group grows.
    daemon.reload(&configuration("10.1.0.100-102"));
    has("1000", &both);
    for load in loads {
        load.finish().is_never_refused();
    }

    let rules = || run("nft list ruleset");
    assert!(rules().contains("10.1.0.102 . 80 : 0x000003e8"), "{}", rules());
    run("nft flush ruleset");
    eventually("the rules are back", || rules().contains("10.1.0.102 . 80 : 0x000003e8").then_some(()));
    let load = Load::start(&lan.client, "10.1.0.101:80");
    load.after(50).is_of(&servers);
    load.finish().is_never_refused();
    daemon.stop();
    assert_eq!(table(), [""; 0]);
    assert_eq!(rules(), "");
}
