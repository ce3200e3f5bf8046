use super::*;
use crate::config::host::Stated;
use crate::config::source::{Files, Refusal};
use crate::config::{self, load};
use crate::model::Model;
use std::path::Path;

fn brief(loaded: &Loaded) -> Brief {
    Brief::of(&loaded.model, unread(loaded))
}

/// `missing` is what was missing when the old one was read.
fn refused_unless(old: &Model, missing: &[Box<str>], new: &Loaded, options: &Options, force: bool) -> Option<String> {
    refusal(&Brief::of(old, missing.into()), &brief(new), new, options, force)
}

fn refused(old: &Model, new: &Loaded, options: &Options) -> Option<String> {
    refused_unless(old, &[], new, options, false)
}

struct One(Option<&'static str>);

impl Files for One {
    fn read(&self, path: &Path) -> Result<Vec<u8>, Refusal> {
        self.0.filter(|_| path == Path::new("/k")).map(|text| text.as_bytes().to_vec()).ok_or(Refusal::Missing)
    }

    fn list(&self, _: &Path) -> Vec<String> {
        Vec::new()
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.is_some() && path == Path::new("/k")
    }
}

fn read(text: Option<&'static str>) -> Loaded {
    load(&One(text), &Stated::with(&["e0"]), &config::Options { pattern: "/k".into(), ..config::Options::default() })
}

const GOOD: &str = "vrrp_instance A {\ninterface e0\nvirtual_router_id 1\nvirtual_ipaddress {\n10.0.0.1\n}\n}\n";
const ELSEWHERE: &str = "vrrp_instance A {\ninterface e9\nvirtual_router_id 1\nvirtual_ipaddress {\n10.0.0.1\n}\n}\n";

#[test]
fn the_exit_status_is_keepaliveds() {
    for (text, want) in [
        (None, Some(6)),
        (Some(GOOD), None),
        (Some(""), None),
        (Some("nonsense 1\n"), None),
        (Some(ELSEWHERE), Some(2)),
        (Some("vrrp_instance A {\ninterface\n}\n"), Some(2)),
        (Some("global_defs {\ninclude_check +read +match\n}\ninclude nothing\n"), Some(6)),
        (Some("net_namespace nowhere\n"), Some(0)),
    ] {
        let loaded = read(text);
        assert_eq!(unusable(&loaded, &Options::default()).map(|unusable| unusable.status), want, "{text:?}: {:?}", loaded.problems);
    }
}

#[test]
fn without_vrrp_its_faults_do_not_count() {
    let none = Options { no_vrrp: true, ..Options::default() };
    assert_eq!(unusable(&read(Some(ELSEWHERE)), &none), None);
    assert!(unusable(&read(None), &none).is_some());
}

#[test]
fn a_reload_that_would_hurt_is_refused() {
    let old = read(Some(GOOD)).model;
    for text in [
        None,
        Some(""),
        Some("\0\x01\x02"),
        Some(ELSEWHERE),
        Some("vrrp_instance A {\ninterface\n}\n"),
        Some("instance x\nvrrp_instance A {\ninterface e0\nvirtual_router_id 1\nvirtual_ipaddress {\n10.0.0.1\n}\n}\n"),
    ] {
        assert!(refused(&old, &read(text), &Options::default()).is_some(), "{text:?}");
    }
    let careless = "nonsense 1\nvrrp_instance B {\ninterface e0\nvirtual_router_id 1\nvirtual_ipaddress {\n10.0.0.1\n}\n}\n";
    assert_eq!(refused(&old, &read(Some(careless)), &Options::default()), None);
    assert_eq!(refused(&Model::default(), &read(Some("")), &Options::default()), None);
}

#[test]
fn with_reload_check_config_a_warning_is_enough() {
    let old = read(Some(GOOD)).model;
    let careless = "global_defs {\nreload_check_config /tmp/log\n}\nnonsense 1\nvrrp_instance B {\ninterface e0\nvirtual_router_id 1\n\
                    virtual_ipaddress {\n10.0.0.1\n}\n}\n";
    assert_eq!(refused(&old, &read(Some(careless)), &Options::default()).as_deref(), Some("New config failed validation, see /tmp/log"));
}

const BALANCER: &str = "virtual_server 10.0.0.1 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.0.0.2 80 {\n}\n}\n";

#[test]
fn a_part_runs_if_there_is_something_for_it_to_do() {
    let (none, all) = (Options::default(), Options { all_parts: true, ..Options::default() });
    let (router, balancer) = (brief(&read(Some(GOOD))).contents, brief(&read(Some(BALANCER))).contents);
    assert!(has_vrrp(&router, &none) && !has_checkers(&router, &none));
    assert!(!has_vrrp(&balancer, &none) && has_checkers(&balancer, &none));
    assert!(has_vrrp(&balancer, &all) && has_checkers(&router, &all));
    assert!(!has_vrrp(&router, &Options { no_vrrp: true, ..Options::default() }));
    assert!(!has_checkers(&balancer, &Options { no_checkers: true, ..Options::default() }));
}

#[test]
fn a_reload_that_would_leave_no_virtual_server_is_refused() {
    let old = read(Some(BALANCER)).model;
    assert!(refused(&old, &read(Some(GOOD)), &Options::default()).is_some());
    assert_eq!(refused(&old, &read(Some(GOOD)), &Options { no_checkers: true, ..Options::default() }), None);
}

#[test]
fn a_forced_reload_may_take_all_away_and_no_other_may() {
    let (router, balancer) = (read(Some(GOOD)).model, read(Some(BALANCER)).model);
    for old in [&router, &balancer] {
        assert!(refused_unless(old, &[], &read(Some("")), &Options::default(), false).is_some());
        assert_eq!(refused_unless(old, &[], &read(Some("")), &Options::default(), true), None);
    }
    assert!(refused_unless(&router, &[], &read(None), &Options::default(), true).is_some(), "there is still no file");
}

#[test]
fn a_file_that_was_cut_off_is_refused_wherever_it_was_cut() {
    let old = read(Some(GOOD)).model;
    let two = format!("{GOOD}{}", GOOD.replace("vrrp_instance A", "vrrp_instance B").replace("_id 1", "_id 2"));
    let mut taken = Vec::new();
    for length in 0..two.len() {
        let text: &'static str = String::leak(two[..length].to_owned());
        if refused_unless(&old, &[], &read(Some(text)), &Options::default(), true).is_none() {
            taken.push(text);
        }
    }
    // What ends between two blocks or in the first word of one is whole as far as anybody can tell.
    assert!(taken.iter().all(|text| text.matches('{').count() == text.matches('}').count()), "{taken:#?}");
}

#[test]
fn an_include_that_has_gone_missing_is_refused_and_one_that_was_missing_is_not() {
    let old = read(Some(GOOD)).model;
    let text = "include /no/such/file\nvrrp_instance A {\ninterface e0\nvirtual_router_id 1\nvirtual_ipaddress {\n10.0.0.1\n}\n}\n";
    let new = read(Some(text));
    assert_eq!(refused_unless(&old, &[], &new, &Options::default(), false).as_deref(), Some("Config files missing '/no/such/file'."));
    assert_eq!(refused_unless(&old, &unread(&new), &new, &Options::default(), false), None);
}

#[test]
fn what_is_decided_once_stays() {
    let old = read(Some(GOOD)).model;
    for (keyword, line) in [
        ("instance", "instance x"),
        ("net_namespace_ipvs", "net_namespace_ipvs x"),
        ("tmp_config_directory", "global_defs {\ntmp_config_directory /tmp\n}"),
    ] {
        let text: &'static str = String::leak(format!("{line}\n{GOOD}"));
        let reason = refused(&old, &read(Some(text)), &Options::default());
        assert_eq!(reason, Some(format!("{keyword} cannot be changed while running")));
    }
}

#[test]
fn a_config_test_for_reloads_does_not_hinder_a_start() {
    let careless: &'static str = String::leak(format!("global_defs {{\nreload_check_config\n}}\nnonsense 1\n{GOOD}"));
    let loaded = read(Some(careless));
    assert_eq!(loaded.problems.exit_status(), 5);
    assert_eq!(unusable(&loaded, &Options::default()), None);
}
