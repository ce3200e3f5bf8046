//! Groups of addresses that were to be services by mark, where the kernel cannot mark packets.

use crate::balancer::{TCP_CHECK, has};
use crate::daemon::Daemon;
use crate::guest::{Story, run, table};
use crate::load::Load;
use crate::place::{Lan, Nginx, folder};

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
    // This kernel has no nftables for IP, so that no packet can be marked.
    let both = [("10.2.0.11:80", 1), ("10.2.0.12:80", 1)];
    has("10.1.0.100:80", &both);
    has("10.1.0.101:80", &both);
    daemon.says("The addresses of groups are services of their own");
    let loads = ["10.1.0.100:80", "10.1.0.101:80"].map(|to| Load::start(&lan.client, to));
    for load in &loads {
        load.after(50).is_of(&servers);
    }
    daemon.reload(&configuration("10.1.0.100-102"));
    has("10.1.0.102:80", &both);
    for load in loads {
        load.finish().is_never_refused();
    }
    daemon.stop();
    assert_eq!(table(), [""; 0]);
}
