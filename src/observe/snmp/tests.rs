use super::*;
use crate::config::host::Stated;
use crate::config::testing;
use crate::effect::ipvs::{DestKey, DestTraffic, ServerId, ServiceKey, Traffic};
use crate::lvs::view::{RealView, ServerView};
use crate::model::lvs::Protocol;
use crate::observe::traffic::served;
use crate::vrrp::stats::Stats;
use crate::vrrp::view::{GroupView, State};
use crate::wire::agentx::Value;
use std::time::Duration;

pub(super) fn instance(name: &str, state: State) -> InstanceView {
    InstanceView {
        name: name.into(),
        vrid: crate::model::vrrp::Vrid(51),
        family: crate::model::net::Family::V4,
        state,
        wanted: state,
        base_priority: 100,
        effective_priority: 80,
        weights: -20,
        master_priority: 0,
        master: None,
        master_interval: Duration::ZERO,
        down_interval: Duration::ZERO,
        deadline: None,
        last_advert: None,
        device: None,
        own: None,
        source: None,
        last_transition: Instant::default(),
        since: None,
        reason: None,
        faults: Vec::new(),
        holds_addresses: state == State::Master,
        stats: Stats { became_master: 3, ..Stats::default() },
    }
}

fn model(text: &str) -> Arc<Model> {
    let (model, mut problems) = testing::load(text, &Stated::with(&["e0", "e1"]));
    // The keywords of these MIBs are complained about, and obeyed.
    problems.retain(|problem| !problem.contains("enable_snmp_rfc"));
    assert!(problems.is_empty(), "{problems:?}");
    Arc::new(model)
}

/// What is below that name, by what follows on it.
fn below(tree: &Tree<Scene>, name: &[u32]) -> Vec<(String, Value)> {
    let base = value::keepalived(name);
    tree.walk().filter_map(|(name, value)| Some((Oid::new(name.below(base.parts())?).to_string(), value))).collect()
}

fn at(tree: &Tree<Scene>, name: &[u32]) -> Value {
    tree.get(&value::keepalived(name))
}

fn text(text: &str) -> Value {
    value::text(text)
}

const ROUTERS: &str = "global_defs {\nrouter_id R\nenable_snmp_vrrp\nenable_snmp_rfc\nnotification_email {\na@b\n}\n}\n\
    static_ipaddress {\n10.9.0.1/24 dev e0\n}\n\
    vrrp_sync_group G {\ngroup {\nA\nB\n}\n}\n\
    vrrp_instance A {\ninterface e0\nvirtual_router_id 51\nvirtual_ipaddress {\n10.0.0.50/24\n}\nvirtual_ipaddress_excluded {\n10.0.0.52/24\n}\n\
    virtual_routes {\n10.5.0.0/16 nexthop via 10.0.0.2 weight 3 nexthop via 10.0.0.3\n}\n}\n\
    vrrp_instance B {\ninterface e0\nvirtual_router_id 52\nversion 3\nadvert_int 0.5\nvirtual_ipaddress {\nfe80::1/64\n}\n}\n";

fn routers() -> Tree<Scene> {
    let seen = vec![instance("B", State::Backup), instance("A", State::Master), instance("gone", State::Master)];
    let groups = vec![GroupView { name: "G".into(), state: State::Fault }];
    vrrp(Scene {
        version: "V",
        model: model(ROUTERS),
        vrrp: vrrp::view::View { instances: seen, groups, ..vrrp::view::View::default() },
        ..Scene::default()
    })
}

#[test]
fn no_table_stands_within_another_one() {
    let names: Vec<Oid> = routers().walk().map(|(name, _)| name).collect();
    assert!(names.len() > 80 && names.is_sorted_by(|one, other| one < other), "{names:?}");
    for (name, value) in routers().walk() {
        assert_eq!(routers().get(&name), value, "{name}");
    }
}

#[test]
fn instances_are_counted_as_they_are_configured() {
    let tree = routers();
    assert_eq!(below(&tree, &[2, 3, 1, 2]), [("1".to_owned(), text("A")), ("2".to_owned(), text("B"))]);
    let states: Vec<Value> = below(&tree, &[2, 3, 1, 4]).into_iter().map(|(_, value)| value).collect();
    assert_eq!(states, [Value::Integer(2), Value::Integer(1)]);
    let intervals: Vec<Value> = below(&tree, &[2, 3, 1, 12]).into_iter().map(|(_, value)| value).collect();
    assert_eq!(intervals, [Value::Gauge32(1), Value::Gauge32(50)], "seconds and hundredths of them");
    assert_eq!(at(&tree, &[2, 1, 1, 3, 1]), Value::Integer(3));
    assert_eq!(below(&tree, &[2, 2, 1]), [("2.1.1".to_owned(), text("A")), ("2.1.2".to_owned(), text("B"))]);
    assert_eq!(at(&tree, &[1, 3, 5, 1, 2, 1]), text("a@b"));
    assert_eq!(at(&tree, &[1, 3, 1, 0]), Value::NoSuchInstance, "there is no server");
}

#[test]
fn addresses_of_nobody_belong_to_instance_0() {
    let tree = routers();
    let addresses = below(&tree, &[2, 6, 1, 3]);
    assert_eq!(addresses.iter().map(|(index, _)| index.as_str()).collect::<Vec<_>>(), ["0.1", "1.1", "1.2", "2.1"]);
    let advertised: Vec<Value> = below(&tree, &[2, 6, 1, 11]).into_iter().map(|(_, value)| value).collect();
    assert_eq!(advertised, [2, 1, 2, 1].map(Value::Integer));
    assert_eq!(below(&tree, &[2, 11, 1, 6]), [("1.1.1".to_owned(), Value::Gauge32(3)), ("1.1.2".to_owned(), Value::Gauge32(1))]);
    assert_eq!(at(&tree, &[2, 7, 1, 10, 1, 1]), Value::Integer(2), "it has several ways");
}

#[test]
fn a_process_serves_what_is_turned_on() {
    let snmp = |keywords: &str| model(&format!("global_defs {{\n{keywords}\n}}\n")).global.snmp.clone();
    let shown = |subtrees: Vec<(Oid, u8)>| subtrees.into_iter().map(|(name, priority)| format!("{name} {priority}")).collect::<Vec<_>>();
    let keepalived = "1.3.6.1.4.1.9586.100.5";
    assert_eq!(shown(of_vrrp(&snmp(""))), [""; 0]);
    assert_eq!(shown(of_vrrp(&snmp("enable_snmp_keepalived"))), [format!("{keepalived}.1 128"), format!("{keepalived}.2 127")]);
    assert_eq!(shown(of_vrrp(&snmp("enable_snmp_rfcv2"))), ["1.3.6.1.2.1.68 127"]);
    assert_eq!(shown(of_vrrp(&snmp("enable_snmp_rfc"))), ["1.3.6.1.2.1.68 127", "1.3.6.1.2.1.207 127"]);
    assert_eq!(shown(of_checkers(&snmp("enable_snmp_checker"))), [format!("{keepalived}.1 127"), format!("{keepalived}.3 127")]);
    assert_eq!(shown(of_checkers(&snmp("enable_snmp_vrrp\nenable_traps"))), [""; 0]);
}

const SERVERS: &str = "global_defs {\nenable_snmp_checker\n}\n\
    virtual_server_group GR {\n10.0.0.8-9 81\n10.0.0.7 80\nfwmark 9\n}\n\
    virtual_server 10.0.0.5 80 {\nprotocol TCP\nlvs_sched wrr\nlvs_method NAT\nsnmp_name V\nretry 3\nsorry_server 127.0.0.1 8080\n\
    real_server 10.0.1.1 81 {\nweight 3\nsnmp_name S\nuthreshold 100\nretry 5\n}\nreal_server 10.0.1.2 81 {\n}\n}\n\
    virtual_server group GR {\nprotocol UDP\nlvs_sched rr\nlvs_method DR\nreal_server 10.0.1.3 0 {\n}\n}\n";

fn directed() -> Tree<Scene> {
    let model = model(SERVERS);
    let real = |alive| RealView { alive, set: None, effective_weight: 3, failed: 2, checkers: Vec::new() };
    let server =
        |id, real_servers| ServerView { id: ServerId(id), quorum: id == 0, sorry: false, suspended: false, weight: 1, real_servers };
    let servers = lvs::view::View { servers: vec![server(0, vec![real(true), real(false)]), server(1, vec![real(true)])] };
    let traffic = |connections| Traffic { connections, packets: [u64::from(u32::MAX) + 2, 0], ..Traffic::default() };
    let address = |protocol, last, port| ServiceKey::Address { protocol, address: [10, 0, 0, last].into(), port };
    let (first, ours) = (address(Protocol::Tcp, 5, 80), [address(Protocol::Udp, 8, 81), address(Protocol::Udp, 9, 81)]);
    let services = [(first, traffic(7)), (ours[0], traffic(1)), (ours[1], traffic(2)), (address(Protocol::Tcp, 99, 1), traffic(50))].into();
    let to = |last, port, active| (DestKey { address: [10, 0, 1, last].into(), port }, DestTraffic { active, ..DestTraffic::default() });
    let destinations =
        [(first, [to(1, 81, 4), to(2, 81, 5)].into()), (ours[0], [to(3, 81, 6)].into()), (ours[1], [to(3, 81, 7)].into())].into();
    let served = served(&model, &services, &destinations);
    checkers(Scene { model, servers, served, ..Scene::default() })
}

#[test]
fn groups_and_servers_come_in_keepalived_s_order() {
    let tree = directed();
    let kinds: Vec<Value> = below(&tree, &[3, 2, 1, 2]).into_iter().map(|(_, value)| value).collect();
    assert_eq!(kinds, [1, 2, 3].map(Value::Integer), "marks, addresses, ranges");
    assert_eq!(at(&tree, &[3, 2, 1, 7, 1, 3]), Value::Octets([10, 0, 0, 9].into()));
    let kinds = below(&tree, &[3, 4, 1, 2]);
    let want = [("1.1", 2), ("1.2", 1), ("1.3", 1), ("2.1", 1)].map(|(index, kind)| (index.to_owned(), Value::Integer(kind)));
    assert_eq!(kinds, want, "the sorry server is the first");
    assert_eq!(at(&tree, &[3, 4, 1, 6, 1, 1]), Value::NoSuchInstance, "and is not checked");
    assert_eq!(below(&tree, &[3, 3, 1, 71]), [("1".to_owned(), text("V"))]);
    assert_eq!(below(&tree, &[3, 4, 1, 55]), [("1.2".to_owned(), text("S"))]);
    assert_eq!(below(&tree, &[3, 4, 1, 8]), [("1.2".to_owned(), Value::Gauge32(100))], "no limit is none");
    let retries: Vec<Value> = below(&tree, &[3, 4, 1, 43]).into_iter().map(|(_, value)| value).collect();
    assert_eq!(retries[..3], [0, 5, 3].map(Value::Gauge32), "its own, or the virtual server's");
    assert_eq!(below(&tree, &[3, 3, 1, 21]), [("1".to_owned(), Value::Gauge32(1)), ("2".to_owned(), Value::Gauge32(1))]);
    assert_eq!(below(&tree, &[3, 3, 1, 23]), [("1".to_owned(), Value::Integer(1)), ("2".to_owned(), Value::Integer(2))]);
}

#[test]
fn a_group_has_what_all_of_its_services_have_counted() {
    let tree = directed();
    assert_eq!(below(&tree, &[3, 3, 1, 27]), [("1".to_owned(), Value::Gauge32(7)), ("2".to_owned(), Value::Gauge32(3))]);
    assert_eq!(at(&tree, &[3, 3, 1, 28, 1]), Value::Counter32(1), "it has begun again at zero");
    assert_eq!(at(&tree, &[3, 3, 1, 39, 1]), Value::Counter64(u64::from(u32::MAX) + 2));
    let active: Vec<Value> = below(&tree, &[3, 4, 1, 15]).into_iter().map(|(_, value)| value).collect();
    assert_eq!(active, [0, 4, 5, 13].map(Value::Gauge32));
}

#[test]
fn long_numbers_are_halved() {
    assert_eq!(value::halves(0x1_0000_0002), [2, 1]);
    assert_eq!(value::ticks(Duration::from_millis(12_345)), 1234);
    assert_eq!(value::ticks(Duration::from_millis(10 * (1 << 32) + 20)), 2, "it begins anew");
}
