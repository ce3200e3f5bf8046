//! What the kernel has counted, as Prometheus gets it.

use crate::daemon::Daemon;
use crate::guest::{Story, run};
use crate::wait::eventually;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

pub(crate) const STORIES: &[Story] = &[("metrics_have_the_counters_of_the_kernel", metrics_have_the_counters_of_the_kernel)];

const CONFIGURATION: &str = "standfast {
    metrics 127.0.0.1:9650
}
global_defs {
    script_user root
}
virtual_server 10.0.0.5 80 {
    delay_loop 1
    lvs_sched rr
    lvs_method NAT
    protocol TCP
    real_server 127.0.0.1 81 {
        weight 1
        MISC_CHECK {
            misc_path /usr/bin/true
        }
    }
}
virtual_server 10.0.0.5 81 {
    lvs_sched rr
    lvs_method NAT
    protocol TCP
    real_server 127.0.0.1 82 {
        weight 1
    }
}
";

fn scrape() -> String {
    let mut text = String::new();
    let mut ask = || {
        let mut stream = TcpStream::connect("127.0.0.1:9650")?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
        stream.read_to_string(&mut text)
    };
    // Who is not there yet has said nothing.
    drop(ask());
    text
}

fn value(series: &str) -> Option<f64> {
    scrape().lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

/// Through a virtual server to nobody: what counts is that it was tried.
fn connect() {
    drop(TcpStream::connect_timeout(&([10, 0, 0, 5], 80).into(), Duration::from_millis(200)));
}

fn metrics_have_the_counters_of_the_kernel() {
    const SERVER: &str = "virtual_server=\"[10.0.0.5]:tcp:80\"";
    const REAL: &str = "virtual_server=\"[10.0.0.5]:tcp:80\",real_server=\"[127.0.0.1]:tcp:81\"";
    run("ip link add eth0 type dummy");
    run("ip link set eth0 up");
    for address in ["10.0.0.1/24", "10.0.0.5/32"] {
        run(&format!("ip addr add {address} dev eth0"));
    }
    let folder = Path::new("/run/counted");
    std::fs::create_dir_all(folder).expect("/run is the guest's");
    let daemon = Daemon::start(folder, CONFIGURATION);
    let connections =
        [format!("standfast_virtual_server_connections_total{{{SERVER}}}"), format!("standfast_real_server_connections_total{{{REAL}}}")];
    for series in &connections {
        eventually(series, || (value(series)? == 0.0).then_some(()));
    }
    for tried in [1.0, 2.0, 3.0] {
        connect();
        for series in &connections {
            eventually("a connection is counted", || (value(series)? >= tried).then_some(()));
        }
    }
    for series in [
        format!("standfast_virtual_server_packets_total{{{SERVER},direction=\"in\"}}"),
        format!("standfast_virtual_server_bytes_total{{{SERVER},direction=\"in\"}}"),
        format!("standfast_real_server_packets_total{{{REAL},direction=\"in\"}}"),
        format!("standfast_real_server_bytes_total{{{REAL},direction=\"in\"}}"),
    ] {
        assert!(value(&series).is_some_and(|count| count >= 3.0), "{series}\n{}", scrape());
    }
    let other = "standfast_virtual_server_connections_total{virtual_server=\"[10.0.0.5]:tcp:81\"}";
    assert_eq!(value(other), Some(0.0), "nobody has tried that one");
    daemon.stop();
}
