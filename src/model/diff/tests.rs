use super::*;
use crate::model::bfd::{Hops, Session};
use crate::model::net::Family;
use crate::model::track::Weight;
use crate::model::vrrp::SyncGroup;
use proptest::collection::btree_map;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

fn group(name: &str, alert: bool) -> SyncGroup {
    SyncGroup {
        name: name.into(),
        members: Vec::new(),
        trackers: Default::default(),
        tracking_weight: false,
        notify: Default::default(),
        smtp_alert: alert,
    }
}

fn session(name: &str, neighbour: u8, multiplier: u8) -> Session {
    Session {
        name: name.into(),
        neighbor: [192, 0, 2, neighbour].into(),
        source: None,
        min_rx: Duration::from_millis(10),
        min_tx: Duration::from_millis(10),
        idle_tx: Duration::from_secs(1),
        multiplier,
        passive: false,
        ttl: 255,
        hops: Hops::AtMost(0),
        multihop: false,
        weight: Weight::default(),
        tells_vrrp: true,
        tells_checkers: false,
    }
}

/// Sync groups by name with one setting each, and sessions with one that they may change and one that they may not.
#[derive(Clone, Debug, PartialEq)]
struct Wanted {
    groups: BTreeMap<u8, bool>,
    sessions: BTreeMap<u8, (u8, u8)>,
    strict: bool,
}

impl Wanted {
    fn any() -> impl Strategy<Value = Self> {
        (btree_map(0_u8..12, any::<bool>(), 0..10), btree_map(0_u8..12, (0_u8..3, 0_u8..3), 0..10), any::<bool>())
            .prop_map(|(groups, sessions, strict)| Self { groups, sessions, strict })
    }

    /// In the order of a file, which may be any.
    fn model(&self, backwards: bool) -> Model {
        let mut model = Model::default();
        model.global.vrrp.strict = self.strict;
        model.vrrp.groups = self.groups.iter().map(|(name, &alert)| group(&name.to_string(), alert)).collect();
        model.bfd =
            self.sessions.iter().map(|(name, &(neighbour, multiplier))| session(&name.to_string(), neighbour, multiplier)).collect();
        if backwards {
            model.vrrp.groups.reverse();
            model.bfd.reverse();
        }
        model
    }

    /// What any sensible person would say differs.
    fn differences(&self, other: &Self) -> BTreeSet<(Kind, String, Verdict)> {
        let mut all = BTreeSet::new();
        if self.strict != other.strict {
            all.insert((Kind::Settings, "VRRP".to_owned(), Verdict::Update));
        }
        let mut judge = |kind, name: u8, verdict: Option<Verdict>| {
            all.extend(verdict.map(|verdict| (kind, name.to_string(), verdict)));
        };
        for name in 0..12 {
            judge(
                Kind::SyncGroup,
                name,
                match (self.groups.get(&name), other.groups.get(&name)) {
                    (None, Some(_)) => Some(Verdict::Add),
                    (Some(_), None) => Some(Verdict::Remove),
                    (before, after) => (before != after).then_some(Verdict::Update),
                },
            );
            judge(
                Kind::Bfd,
                name,
                match (self.sessions.get(&name), other.sessions.get(&name)) {
                    (None, Some(_)) => Some(Verdict::Add),
                    (Some(_), None) => Some(Verdict::Remove),
                    (Some((before, _)), Some((after, _))) if before != after => Some(Verdict::Restart),
                    (before, after) => (before != after).then_some(Verdict::Update),
                },
            );
        }
        all
    }
}

/// What becomes of a model when everything that the plan names is taken from the other, and nothing else is.
fn apply(plan: &Plan, old: &Model, new: &Model) -> Model {
    let mut made = old.clone();
    for change in &plan.changes {
        match change.kind {
            Kind::Settings => made.global.vrrp = new.global.vrrp.clone(),
            Kind::SyncGroup => {
                made.vrrp.groups.retain(|group| group.name != change.name);
                made.vrrp.groups.extend(new.vrrp.groups.iter().find(|group| group.name == change.name).cloned());
            }
            Kind::Bfd => {
                made.bfd.retain(|session| session.name != change.name);
                made.bfd.extend(new.bfd.iter().find(|session| session.name == change.name).cloned());
            }
            _ => unreachable!("there is nothing else"),
        }
    }
    sorted(made)
}

fn sorted(mut model: Model) -> Model {
    model.vrrp.groups.sort_by(|one, other| one.name.cmp(&other.name));
    model.bfd.sort_by(|one, other| one.name.cmp(&other.name));
    model
}

proptest! {
    #[test]
    fn between_a_model_and_itself_there_is_nothing(wanted in Wanted::any(), backwards: bool) {
        let plan = diff(&wanted.model(false), &wanted.model(backwards));
        prop_assert!(plan.is_empty(), "{}", plan);
    }

    #[test]
    fn what_is_named_is_exactly_what_differs(one in Wanted::any(), other in Wanted::any(), backwards: bool) {
        let plan = diff(&one.model(backwards), &other.model(false));
        let named: BTreeSet<_> = plan.changes.iter().map(|change| (change.kind, change.name.to_string(), change.verdict)).collect();
        prop_assert_eq!(named.len(), plan.changes.len());
        prop_assert_eq!(named, one.differences(&other));
    }

    #[test]
    fn the_changes_lead_from_one_to_the_other(one in Wanted::any(), other in Wanted::any(), backwards: bool) {
        let (old, new) = (one.model(false), other.model(backwards));
        prop_assert_eq!(apply(&diff(&old, &new), &old, &new), sorted(new));
    }
}

#[test]
fn of_several_with_one_name_each_counts() {
    let rule = |priority, table| crate::model::net::Static {
        object: crate::model::net::Rule::new(Family::V4, priority, crate::model::net::rule::Action::Table(table)),
        group: None,
    };
    let with = |rules: Vec<_>| Model { statics: crate::model::net::Statics { rules, ..Default::default() }, ..Model::default() };
    let plan = diff(&with(vec![rule(5, 1), rule(5, 2)]), &with(vec![rule(5, 1), rule(5, 3), rule(6, 1)]));
    let text = plan.to_string();
    assert!(text.starts_with("~ static_rules inet priority 5 (number 2)\n+ static_rules inet priority 6\n"), "{text}");
    assert!(plan.summary().starts_with("1 added, 1 updated, "), "{}", plan.summary());
}

/// A configuration as text; `;` ends a line.
fn read(text: &str) -> Model {
    let text = text.replace(';', "\n").replace('{', "{\n").replace('}', "\n}\n");
    let (model, problems) = crate::config::testing::load(&text, &crate::config::host::Stated::with(&["e0", "e1"]));
    assert!(problems.is_empty(), "{problems:?}");
    model
}

fn router(name: &str, vrid: u8, more: &str) -> String {
    format!("vrrp_instance {name} {{interface e0;virtual_router_id {vrid};{more};virtual_ipaddress {{10.0.0.{vrid}}}}}")
}

fn balancer(port: u16, more: &str, weights: &[u8]) -> String {
    let real = |(n, weight): (usize, &u8)| format!("real_server 10.0.0.{n} 80 {{weight {weight}}}");
    let servers: String = weights.iter().enumerate().map(real).collect();
    format!("virtual_server 10.0.0.100 {port} {{protocol TCP;lb_kind NAT;{more};{servers}}}")
}

#[test]
fn each_object_has_its_line() {
    let (a, b) = (router("A", 1, "priority 100"), router("B", 2, "priority 100"));
    let pool = balancer(80, "lb_algo rr", &[1, 2]);
    let old = format!("{a}{b}{pool}");
    for (new, want) in [
        (format!("{b}{a}{pool}"), ""),
        (format!("{a}{pool}"), "- vrrp_instance B\n"),
        (format!("{old}{}", router("C", 3, "")), "+ vrrp_instance C\n"),
        (format!("{}{b}{pool}", router("A", 1, "priority 90;advert_int 2")), "~ vrrp_instance A: priority, advert_interval\n"),
        (format!("{}{b}{pool}", router("A", 9, "priority 100")), "! vrrp_instance A: vrid, vips (it begins anew)\n"),
        // It goes on under another name.
        (format!("{}{b}{pool}", router("Z", 1, "priority 100")), "~ vrrp_instance Z: name\n"),
        (format!("{a}{b}{}", balancer(80, "lb_algo rr", &[1, 5])), "~ real_server [10.0.0.1]:80 of [10.0.0.100]:tcp:80: weight\n"),
        (format!("{a}{b}{}", balancer(80, "lb_algo rr", &[1])), "- real_server [10.0.0.1]:80 of [10.0.0.100]:tcp:80\n"),
        (format!("{a}{b}{}", balancer(80, "lb_algo wrr", &[1, 2])), "~ virtual_server [10.0.0.100]:tcp:80: scheduler\n"),
        (
            format!("{a}{b}{}", balancer(81, "lb_algo rr", &[1, 2])),
            "+ virtual_server [10.0.0.100]:tcp:81\n- virtual_server [10.0.0.100]:tcp:80\n",
        ),
        (format!("child_wait_time 9;{old}"), "~ settings of the processes: child_wait_time\n"),
    ] {
        let text = diff(&read(&old), &read(&new)).to_string();
        let (_, lines) = text.trim_end().rsplit_once('\n').map_or(("", ""), |(lines, last)| (last, lines));
        assert_eq!(format!("{lines}\n").trim_start(), want.trim_start(), "{new}");
    }
}

#[test]
fn the_summary_is_one_line_however_much_there_is() {
    let many: String = (1..=20).map(|id| router(&format!("I{id}"), id, "")).collect();
    let plan = diff(&read(""), &read(&many));
    let summary = plan.summary();
    assert!(summary.starts_with("20 added, 11 kept (+ vrrp_instance I1; "), "{summary}");
    assert!(summary.ends_with("; + vrrp_instance I8; and 12 more)") && !summary.contains('\n'), "{summary}");
    assert_eq!(diff(&read(&many), &read(&many)).summary(), "nothing changes, 31 kept");
}
