use super::*;
use crate::config::host::Stated;
use crate::config::testing;
use crate::effect::interface::{Arp, Interface, Traits};
use crate::effect::ipvs::ServerId;
use crate::effect::net::Device;
use crate::lvs::view::{RealView, ServerView};
use crate::observe::snmp::tests::instance;
use crate::vrrp::view::{self, Reason};
use std::sync::Arc;

fn model(text: &str) -> Arc<Model> {
    let (model, mut problems) = testing::load(text, &Stated::with(&["e0", "e1"]));
    // The keywords of these MIBs are complained about, and obeyed.
    problems.retain(|problem| !problem.contains("enable_snmp_rfc"));
    assert!(problems.is_empty(), "{problems:?}");
    Arc::new(model)
}

fn scene(keywords: &str) -> Scene {
    let text = format!(
        "global_defs {{\nrouter_id R\n{keywords}\n}}\nvrrp_instance A {{\ninterface e0\nstate MASTER\nvirtual_router_id 51\n\
         virtual_ipaddress {{\n10.0.0.50/24\n}}\n}}\n"
    );
    let interface = Interface {
        device: Device(3),
        name: "e0".into(),
        hardware: 1,
        traits: Traits::default(),
        mac: None,
        broadcast: None,
        group: 0,
        mtu: 1500,
        parent: None,
        kind: None,
        arp: Arp::default(),
        addresses: Vec::new(),
    };
    let source = Some(IpAddr::from([10, 0, 0, 1]));
    let seen = view::InstanceView { source, reason: Some(Reason::NoResponse), ..instance("A", view::State::Master) };
    Scene {
        model: model(&text),
        vrrp: view::View { instances: vec![seen], ..view::View::default() },
        interfaces: vec![interface],
        ..Scene::default()
    }
}

fn notice(subject: Subject, name: &str, told: Told) -> Notice {
    Notice { subject, name: name.into(), key: name.into(), told, priority: 0, specific: None, any: None, fifo: true, mail: false }
}

/// The names of the variables, with their values, and the trap's own.
fn shown(trap: &[VarBind]) -> Vec<String> {
    let value = |value: &Value| match value {
        Value::Octets(octets) => String::from_utf8(octets.to_vec()).unwrap_or_else(|_| format!("{octets:?}")),
        Value::Oid(oid) => oid.to_string(),
        other => format!("{other:?}"),
    };
    let short = |text: String| text.replace("1.3.6.1.4.1.9586.100.5", "K").replace("1.3.6.1.2.1.", "M.");
    trap.iter().map(|bind| short(format!("{} {}", bind.name, value(&bind.value)))).skip(1).collect()
}

fn name(trap: &[VarBind]) -> String {
    match trap.first() {
        Some(VarBind { name, value: Value::Oid(oid) }) => {
            assert_eq!(name.to_string(), "1.3.6.1.6.3.1.1.4.1.0");
            oid.to_string()
        }
        other => unreachable!("{other:?}"),
    }
}

#[test]
fn each_mib_has_its_own_traps_of_a_new_master() {
    let traps = |keywords: &str| vrrp(&scene(keywords), &notice(Subject::Instance, "A", Told::Master));
    let all = traps("enable_snmp_vrrp\nenable_snmp_rfc");
    assert_eq!(
        all.iter().map(|trap| name(trap)).collect::<Vec<_>>(),
        ["1.3.6.1.4.1.9586.100.5.2.10.0.2", "1.3.6.1.2.1.68.0.1", "1.3.6.1.2.1.207.0.1"]
    );
    assert_eq!(shown(&all[0]), ["K.2.3.1.2 A", "K.2.3.1.4 Integer(2)", "K.2.3.1.5 Integer(2)", "K.1.2.0 R"]);
    assert_eq!(shown(&all[1]), ["M.68.1.3.1.7.3.51 IpAddress([10, 0, 0, 1])"]);
    assert_eq!(all[2][1].value, Value::Octets([10, 0, 0, 1].into()));
    assert_eq!(shown(&all[2])[1], "M.207.1.2.5.1.2.3.51.1 Integer(3)");
    assert_eq!(traps("enable_snmp_rfcv3").iter().map(|trap| name(trap)).collect::<Vec<_>>(), ["1.3.6.1.2.1.207.0.1"]);
    assert_eq!(traps("").len(), 0);
}

#[test]
fn states_are_told_and_what_happens_within_them_is_not() {
    let scene = scene("enable_snmp_vrrp");
    for (told, want) in [
        (Told::Backup, Some("Integer(1)")),
        (Told::Fault, Some("Integer(3)")),
        (Told::Stop, Some("Integer(5)")),
        (Told::Deleted, Some("Integer(6)")),
        (Told::MasterRxLowerPri, None),
        (Told::MasterPriority, None),
        (Told::BackupPriority, None),
    ] {
        let traps = vrrp(&scene, &notice(Subject::Group, "G", told));
        let state = traps.first().map(|trap| shown(trap)[1].replace("K.2.1.1.3 ", ""));
        assert_eq!(state.as_deref(), want, "{told}");
    }
    let gone = vrrp(&scene, &notice(Subject::Instance, "gone", Told::Deleted));
    assert_eq!(shown(&gone[0]), ["K.2.3.1.2 gone", "K.2.3.1.4 Integer(6)", "K.2.3.1.5 Integer(1)", "K.1.2.0 R"]);
}

#[test]
fn a_refused_packet_is_told_by_its_kind() {
    let scene = scene("enable_snmp_rfc");
    let source = IpAddr::from([10, 0, 0, 7]);
    for (why, trap_of, want) in [
        (Why::AuthType, "1.3.6.1.2.1.68.0.2", vec!["M.68.1.5.0 IpAddress([10, 0, 0, 7])", "M.68.1.6.0 Integer(1)"]),
        (Why::AuthMismatch, "1.3.6.1.2.1.68.0.2", vec!["M.68.1.5.0 IpAddress([10, 0, 0, 7])", "M.68.1.6.0 Integer(2)"]),
        (Why::AuthFailure, "1.3.6.1.2.1.68.0.2", vec!["M.68.1.5.0 IpAddress([10, 0, 0, 7])", "M.68.1.6.0 Integer(3)"]),
        (Why::Ttl, "1.3.6.1.2.1.207.0.2", vec!["M.207.1.2.5.1.6.3.51.1 Integer(1)"]),
        (Why::Version, "1.3.6.1.2.1.207.0.2", vec!["M.207.1.2.5.1.6.3.51.1 Integer(2)"]),
        (Why::Checksum, "1.3.6.1.2.1.207.0.2", vec!["M.207.1.2.5.1.6.3.51.1 Integer(3)"]),
    ] {
        let traps = refused(&scene, &Refusal { instance: "A".into(), source, why });
        let [trap] = &traps[..] else { unreachable!("{traps:?}") };
        assert_eq!((name(trap).as_str(), shown(trap)), (trap_of, want.into_iter().map(str::to_owned).collect()), "{why:?}");
    }
    let foreign = Refusal { instance: "B".into(), source, why: Why::Ttl };
    assert_eq!(refused(&scene, &foreign).len(), 0, "nobody knows it");
}

#[test]
fn servers_are_told_with_what_is_left_of_them() {
    let model = model(
        "global_defs {\nrouter_id R\n}\nvirtual_server 10.0.0.5 80 {\nprotocol TCP\nlvs_sched rr\nlvs_method NAT\nquorum 2\nreal_server 10.0.0.6 80 {\n}\n\
         real_server 10.0.0.7 80 {\n}\n}\nvirtual_server fwmark 5 {\nlvs_sched rr\nlvs_method NAT\nreal_server 10.0.0.8 0 {\n}\n}\n",
    );
    let real = |alive| RealView { alive, set: None, effective_weight: 1, failed: 0, checkers: Vec::new() };
    let server = |id, real_servers| ServerView { id: ServerId(id), quorum: true, sorry: false, suspended: false, weight: 1, real_servers };
    let view = View { servers: vec![server(0, vec![real(true), real(false)]), server(1, vec![real(true)])] };
    let notice = |server: &str, real: Option<&str>, up, fifo| ServerNotice {
        virtual_server: server.into(),
        family: None,
        real_server: real.map(Into::into),
        up,
        script: None,
        fifo,
        mail: None,
    };
    let told = |stopping, notice: &ServerNotice| super::server(&model, &view, stopping, notice).map(|trap| (name(&trap), shown(&trap)));
    let (of_real, real_said) = told(false, &notice("[10.0.0.5]:tcp:80", Some("[10.0.0.7]:tcp:80"), false, true)).expect("a trap");
    assert_eq!(of_real, "1.3.6.1.4.1.9586.100.5.3.5.0.1");
    let names: Vec<&str> = real_said.iter().filter_map(|said| said.split(' ').next()).collect();
    let identity = ["K.3.4.1.3", "K.3.4.1.4", "K.3.4.1.5", "K.3.4.1.6", "K.3.3.1.2", "K.3.3.1.5", "K.3.3.1.6", "K.3.3.1.7", "K.3.3.1.8"];
    assert_eq!(names, [&identity[..], &["K.3.3.1.21", "K.3.3.1.20", "K.1.2.0"]].concat());
    assert_eq!(real_said[3], "K.3.4.1.6 Integer(2)");
    let (of_server, said) = told(true, &notice("FWM 5", None, false, true)).expect("a trap");
    assert_eq!(of_server, "1.3.6.1.4.1.9586.100.5.3.5.0.2");
    assert_eq!(
        said,
        [
            "K.3.3.1.2 Integer(1)",
            "K.3.3.1.4 Gauge32(5)",
            "K.3.3.1.8 Integer(4)",
            "K.3.3.1.23 Integer(3)",
            "K.3.3.1.22 Gauge32(1)",
            "K.3.3.1.21 Gauge32(1)",
            "K.3.3.1.20 Gauge32(1)",
            "K.1.2.0 R"
        ]
    );
    assert_eq!(told(false, &notice("FWM 5", None, false, false)), None, "that was for mail");
    assert_eq!(told(false, &notice("FWM 6", None, false, true)), None, "there is none");
}
