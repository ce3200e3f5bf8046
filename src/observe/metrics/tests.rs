use super::*;
use crate::config::host::Stated;
use crate::config::testing;
use crate::effect::ipvs::{DestTraffic, ServerId, Traffic};
use crate::effect::time::Instant;
use crate::lvs::view::{CheckerView, RealView, ServerView};
use crate::vrrp::Cause;
use crate::vrrp::stats::{AuthErrors, AuthExtensionErrors, Exchanged, PacketErrors};
use crate::vrrp::view::{GroupView, Standings};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const ALL: Names = Names { native: true, cafebazaar: true, gen2brain: true };
const NATIVE: Names = Names { native: true, cafebazaar: false, gen2brain: false };
const CLOCK: Clock = Clock { now: Instant::from_nanos(60_000_000_000), wall: Duration::from_secs(1060), east: |_| 0 };

/// Reads the text format, and is strict about it. Returns the samples by name and labels, as they are written.
fn parse(text: &str) -> BTreeMap<String, f64> {
    let name = |text: &str| {
        let mut bytes = text.bytes();
        let first = bytes.next().expect("a name");
        assert!(first.is_ascii_alphabetic() || first == b'_', "{text}");
        assert!(bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'), "{text}");
    };
    let (mut samples, mut families, mut family, mut helped) = (BTreeMap::new(), BTreeSet::new(), String::new(), String::new());
    assert!(text.is_empty() || text.ends_with('\n'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (of, help) = rest.split_once(' ').expect("a help");
            assert!(!help.is_empty() && families.insert(of.to_owned()), "{line}: told twice");
            helped = of.to_owned();
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (of, kind) = rest.split_once(' ').expect("a kind");
            name(of);
            assert!(matches!(kind, "gauge" | "counter") && of == helped, "{line}");
            family = of.to_owned();
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let of = series.split('{').next().unwrap_or_default();
        assert_eq!(of, family, "{line}: not with its family");
        let mut rest = &series[of.len()..];
        if !rest.is_empty() {
            rest = rest.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).expect("labels in braces");
        }
        while !rest.is_empty() {
            let (label, content) = rest.split_once("=\"").expect("a label");
            name(label);
            let mut escaped = false;
            let end = content.find(|c: char| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            rest = &content[end.expect("an end of the label") + 1..];
            rest = rest.strip_prefix(',').unwrap_or(rest);
        }
        let value: f64 = value.parse().expect("a number");
        assert!(samples.insert(series.to_owned(), value).is_none(), "{series}: twice");
    }
    samples
}

fn instance(name: &str, state: State, stats: Stats) -> InstanceView {
    InstanceView {
        name: name.into(),
        vrid: crate::model::vrrp::Vrid(51),
        family: crate::model::net::Family::V4,
        state,
        wanted: state,
        base_priority: 100,
        effective_priority: 80,
        master_priority: 90,
        master: None,
        master_interval: Duration::from_secs(1),
        source: None,
        last_transition: Instant::from_nanos(50_500_000_000),
        since: None,
        reason: None,
        faults: vec![Cause::NoSource],
        weights: -20,
        down_interval: Duration::ZERO,
        deadline: None,
        last_advert: None,
        device: None,
        own: None,
        holds_addresses: state == State::Master,
        stats,
    }
}

fn model(text: &str) -> Model {
    let (model, problems) = testing::load(text, &Stated::with(&["e0", "e1"]));
    assert!(problems.is_empty(), "{problems:?}");
    model
}

fn routers() -> (View, Model) {
    let counted = Stats {
        adverts: Exchanged { received: 1, sent: 2 },
        became_master: 3,
        released_master: 4,
        packet_errors: PacketErrors { length: 5, ttl: 6, invalid_type: 7, advert_interval: 8, address_list: 9 },
        auth_errors: AuthErrors { invalid_type: 10, type_mismatch: 11, failure: 12 },
        auth_extension_errors: AuthExtensionErrors { missing: 13, malformed: 14, unknown_key: 15, invalid_hmac: 16, stale: 17, replay: 18 },
        priority_zero: Exchanged { received: 19, sent: 20 },
    };
    let model = model(
        "vrrp_instance A {\ninterface e0\nvirtual_router_id 51\nvirtual_ipaddress {\n10.0.0.50/24\n10.0.0.51 dev e1\n}\n\
         virtual_ipaddress_excluded {\n10.0.0.52/24\n}\n}\n",
    );
    let odd = instance("B \"\\\n", State::Backup, Stats::default());
    let groups = vec![GroupView { name: "G".into(), state: State::Fault }];
    let standings = Standings { scripts: [("chk".into(), Standing::Up), ("bad".into(), Standing::Down)].into(), ..Standings::default() };
    (View { instances: vec![instance("A", State::Master, counted), odd], groups, standings, ..View::default() }, model)
}

#[test]
fn every_counter_is_there_under_each_of_its_names() {
    let (view, model) = routers();
    let samples = parse(&vrrp(&view, &model, ALL, CLOCK));
    for (counter, value) in COUNTERS.iter().zip(1_u32..) {
        let value = Some(f64::from(value));
        let reason = if counter.reason.is_empty() { String::new() } else { format!(",reason=\"{}\"", counter.reason) };
        let native = format!("{}{{instance=\"A\",interface=\"e0\",vrid=\"51\",family=\"ipv4\"{reason}}}", counter.native);
        assert_eq!(samples.get(&native).copied(), value, "{native}");
        if let Some(name) = counter.cafebazaar {
            assert_eq!(samples.get(&format!("{name}{{iname=\"A\",intf=\"e0\",vrid=\"51\"}}")).copied(), value, "{name}");
        }
        if let Some(name) = counter.gen2brain {
            let series = format!("{name}{{name=\"A\",intf=\"e0\",vrid=\"51\",state=\"MASTER\"}}");
            assert_eq!(samples.get(&series).copied(), value, "{name}");
        }
    }
    assert_eq!(COUNTERS.iter().filter(|counter| counter.cafebazaar.is_some()).count(), 14);
    assert_eq!(COUNTERS.iter().filter(|counter| counter.gen2brain.is_some()).count(), 14);
}

#[test]
fn states_priorities_and_addresses_are_told() {
    let (view, model) = routers();
    let samples = parse(&vrrp(&view, &model, ALL, CLOCK));
    let a = "instance=\"A\",interface=\"e0\",vrid=\"51\",family=\"ipv4\"";
    for (series, want) in [
        (format!("standfast_vrrp_state{{{a},state=\"MASTER\"}}"), 1.0),
        (format!("standfast_vrrp_state{{{a},state=\"BACKUP\"}}"), 0.0),
        (format!("standfast_vrrp_priority{{{a}}}"), 80.0),
        (format!("standfast_vrrp_configured_priority{{{a}}}"), 100.0),
        (format!("standfast_vrrp_master_priority{{{a}}}"), 90.0),
        (format!("standfast_vrrp_faults{{{a}}}"), 1.0),
        (format!("standfast_vrrp_holds_addresses{{{a}}}"), 1.0),
        (format!("standfast_vrrp_last_transition_timestamp_seconds{{{a}}}"), 1050.5),
        ("standfast_vrrp_sync_group_state{group=\"G\",state=\"FAULT\"}".to_owned(), 1.0),
        ("keepalived_vrrp_state{iname=\"A\",intf=\"e0\",vrid=\"51\",ip_address=\"10.0.0.50/24\"}".to_owned(), 2.0),
        ("keepalived_vrrp_state{iname=\"A\",intf=\"e1\",vrid=\"51\",ip_address=\"10.0.0.51\"}".to_owned(), 2.0),
        ("keepalived_vrrp_excluded_state{iname=\"A\",intf=\"e0\",vrid=\"51\",ip_address=\"10.0.0.52/24\"}".to_owned(), 2.0),
        ("keepalived_gratuitous_arp_delay_total{iname=\"A\",intf=\"e0\",vrid=\"51\"}".to_owned(), 5.0),
        ("standfast_track_script_up{script=\"chk\"}".to_owned(), 1.0),
        ("keepalived_script_status{name=\"bad\"}".to_owned(), 0.0),
        ("standfast_vrrp_priority{instance=\"B \\\"\\\\\\n\",interface=\"\",vrid=\"51\",family=\"ipv4\"}".to_owned(), 80.0),
    ] {
        assert_eq!(samples.get(&series).copied(), Some(want), "{series}\n{samples:#?}");
    }
    let only = |names| parse(&vrrp(&view, &model, names, CLOCK));
    assert!(only(NATIVE).keys().all(|series| series.starts_with("standfast_")));
    assert!(only(Names { native: false, cafebazaar: true, gen2brain: false }).keys().all(|series| series.starts_with("keepalived_")));
    assert_eq!(parse(&vrrp(&View::default(), &model, ALL, CLOCK)), BTreeMap::new());
}

#[test]
fn servers_of_one_name_have_series_of_their_own() {
    let real = |address: &str| format!("real_server {address} 80 {{\nweight 2\nTCP_CHECK {{\n}}\nTCP_CHECK {{\n}}\n}}\n");
    let head = "protocol tcp\nlb_algo rr\nlb_kind NAT\nquorum 2\n";
    let server = |address: &str| format!("virtual_server {address} 80 {{\n{head}{}{}}}\n", real("10.0.0.11"), real("10.0.0.12"));
    let model = model(&format!("{}{}", server("10.0.0.1"), server("10.0.0.1")));
    let checker = CheckerView { enabled: true, up: false, has_run: true, weight: 0, retries: 0, status: 0 };
    let seen = |alive| RealView { alive, set: alive.then_some(2), effective_weight: 2, failed: 1, checkers: vec![checker, checker] };
    let servers = model.lvs.virtual_servers.iter().map(|server| ServerView {
        id: ServerId(1),
        quorum: true,
        sorry: false,
        suspended: false,
        weight: 2,
        real_servers: (0..server.real_servers.len()).map(|at| seen(at == 0)).collect(),
    });
    let view = lvs::View { servers: servers.collect() };
    let traffic = |base| Traffic { connections: base, packets: [base + 1, base + 2], bytes: [base + 3, u64::MAX], ..Traffic::default() };
    let real = |base| DestTraffic { traffic: traffic(base), active: 7, inactive: 8, persistent: 9 };
    let serves = |base| Served { all: traffic(base), each: vec![real(base + 10), real(base + 20)], ..Served::default() };
    let served = [serves(100), serves(200)];
    let second = "virtual_server=\"[10.0.0.1]:tcp:80#2\",real_server=\"[10.0.0.12]:tcp:80\"";
    let samples = parse(&checkers(&view, &model, NATIVE, &served));
    for (series, want) in [
        ("standfast_virtual_server_up{virtual_server=\"[10.0.0.1]:tcp:80\"}", 1.0),
        ("standfast_virtual_server_quorum{virtual_server=\"[10.0.0.1]:tcp:80\"}", 2.0),
        ("standfast_real_server_up{virtual_server=\"[10.0.0.1]:tcp:80\",real_server=\"[10.0.0.11]:tcp:80\"}", 1.0),
        ("standfast_real_server_up{virtual_server=\"[10.0.0.1]:tcp:80#2\",real_server=\"[10.0.0.12]:tcp:80\"}", 0.0),
        ("standfast_real_server_weight{virtual_server=\"[10.0.0.1]:tcp:80#2\",real_server=\"[10.0.0.12]:tcp:80\"}", -1.0),
        ("standfast_checker_up{virtual_server=\"[10.0.0.1]:tcp:80#2\",real_server=\"[10.0.0.12]:tcp:80\",checker=\"TCP_CHECK#2\"}", 0.0),
        ("standfast_virtual_server_connections_total{virtual_server=\"[10.0.0.1]:tcp:80\"}", 100.0),
        ("standfast_virtual_server_packets_total{virtual_server=\"[10.0.0.1]:tcp:80#2\",direction=\"in\"}", 201.0),
        ("standfast_virtual_server_packets_total{virtual_server=\"[10.0.0.1]:tcp:80#2\",direction=\"out\"}", 202.0),
        ("standfast_virtual_server_bytes_total{virtual_server=\"[10.0.0.1]:tcp:80\",direction=\"in\"}", 103.0),
        (&format!("standfast_real_server_connections_total{{{second}}}"), 220.0),
        (&format!("standfast_real_server_packets_total{{{second},direction=\"out\"}}"), 222.0),
        (&format!("standfast_real_server_active_connections{{{second}}}"), 7.0),
        (&format!("standfast_real_server_inactive_connections{{{second}}}"), 8.0),
        (&format!("standfast_real_server_persistent_connections{{{second}}}"), 9.0),
    ] {
        assert_eq!(samples.get(series).copied(), Some(want), "{series}\n{samples:#?}");
    }
    let unasked = checkers(&view, &model, NATIVE, &[]);
    assert!(!unasked.contains("_connections") && unasked.contains("standfast_checker_up"), "{unasked}");
    assert_eq!(checkers(&view, &model, Names { native: false, ..ALL }, &served), "");
    assert_eq!(checkers(&lvs::View::default(), &model, ALL, &[]), "");
}

#[test]
fn the_daemon_is_up_for_exporters_only_as_a_whole() {
    let process = |answers| Process { name: "vrrp", up: true, answers, started: Some(1000.5), restarts: 2 };
    let whole = |answers, names| {
        let processes = vec![process(true), Process { name: "bfd", ..process(answers) }];
        parse(&daemon(&Daemon { version: "1.0", started: 990.0, processes, reload: Some((1001.0, false)) }, names))
    };
    let samples = whole(false, ALL);
    for (series, want) in [
        ("standfast_build_info{version=\"1.0\"}", 1.0),
        ("standfast_start_time_seconds", 990.0),
        ("standfast_process_up{process=\"vrrp\"}", 1.0),
        ("standfast_process_answers{process=\"bfd\"}", 0.0),
        ("standfast_process_restarts_total{process=\"vrrp\"}", 2.0),
        ("standfast_process_start_time_seconds{process=\"bfd\"}", 1000.5),
        ("standfast_last_reload_successful", 0.0),
        ("standfast_last_reload_timestamp_seconds", 1001.0),
        ("keepalived_up", 0.0),
    ] {
        assert_eq!(samples.get(series).copied(), Some(want), "{series}");
    }
    assert_eq!(whole(true, ALL).get("keepalived_up").copied(), Some(1.0));
    assert_eq!(whole(true, NATIVE).get("keepalived_up"), None);
}
