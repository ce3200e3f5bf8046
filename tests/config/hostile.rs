//! Configurations made to hurt, through the whole load: it ends, nothing that is said well is lost, and what is too much is
//! told. What they take is not asserted here; it is linear in their size.

use crate::common::{Memory, machine, options, read, said};
use standfast::config::diagnostic::Class;
use standfast::config::{Loaded, load};
use std::fmt::Write as _;
use std::path::PathBuf;

const LAST: &str = "\nvrrp_instance last {\ninterface eth0\nvirtual_router_id 255\nvirtual_ipaddress {\n192.0.2.255\n}\n}\n";

/// Enough to be slow if anything is quadratic, in a build that is not.
const MANY: usize = 100_000;

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut text, n| {
        writeln!(text, "{}", line(n)).expect("writing to memory");
        text
    })
}

/// Whether the instance behind all that was read.
fn has_last(loaded: &Loaded) -> bool {
    loaded.model.vrrp.instances.iter().any(|instance| &*instance.name == "last")
}

#[test]
fn a_line_of_200_kilobytes() {
    for line in [
        "x".repeat(200_000),
        "x ".repeat(100_000),
        "\"".repeat(200_000),
        "{ ".repeat(100_000),
        "} ".repeat(100_000),
        "\\".repeat(200_000),
        "$A".repeat(100_000),
    ] {
        let loaded = read(format!("{LAST}{line}\n"));
        assert!(has_last(&loaded) && loaded.problems.exit_status() == 5, "{:.20}: {:?}", line, loaded.problems.iter().next());
    }
    let mail = format!("global_defs {{\nnotification_email {{\n{}\n}}\n}}", "a@example.org ".repeat(4000));
    assert_eq!(read(mail).model.global.mail.recipients.len(), 4000);
}

#[test]
fn ten_thousand_nested_includes() {
    let mut files = Memory::default();
    let path = |n: usize| PathBuf::from(format!("/k/{n}.conf"));
    for n in 0..10_000 {
        files.0.insert(path(n), format!("include {}.conf\n", n + 1).into_bytes());
    }
    files.0.insert(path(10_000), LAST.as_bytes().to_vec());
    let loaded = load(&files, &machine(), &options(&path(0)));
    assert!(
        has_last(&loaded) != (loaded.problems.exit_status() != 0 || !loaded.problems.is_empty()),
        "{:?}",
        loaded.problems.iter().next()
    );
}

#[test]
fn a_thousand_nested_braces() {
    for opening in ["a {\n", "{\n", "vrrp_instance a {\n", "virtual_server 10.0.0.1 80 {\n", "global_defs {\nnotification_email {\n"] {
        let depth = 1000 * opening.matches('{').count();
        let loaded = read(format!("{}{}{LAST}", opening.repeat(1000), "}\n".repeat(depth)));
        assert!(has_last(&loaded) && loaded.problems.exit_status() == 5, "{opening}: {:?}", said(&loaded).last());
        let open = read(opening.repeat(1000));
        assert!(
            said(&open).iter().any(|text| text.contains("missing '}'s") || text.contains("Unexpected '{'")),
            "{opening}: {:?}",
            said(&open).last()
        );
    }
}

#[test]
fn a_sequence_of_a_billion() {
    let loaded = read(format!("{LAST}~SEQ(N, 1, 1000000000) x$N\n"));
    assert!(has_last(&loaded) && loaded.problems.exit_status() == 5, "{:?}", loaded.problems.iter().next());
}

#[test]
fn a_hundred_thousand_instances() {
    let of = |name: fn(usize) -> String| {
        lines(MANY, |n| {
            let interface = n % 4;
            format!(
                "vrrp_instance {} {{\ninterface eth{interface}\nlinkbeat_use_polling\nvirtual_router_id 1\nvirtual_ipaddress {{\n10.0.0.1\n}}\n}}",
                name(n)
            )
        })
    };
    let same = read(of(|_| "same".to_owned()));
    assert_eq!(same.model.vrrp.instances.len(), 1);
    let different = read(of(|n| format!("i{n}")));
    assert!(different.problems.exit_status() == 5 && said(&different).len() + different.problems.suppressed() >= MANY);
    let unlike = read(lines(1020, |n| {
        format!("vrrp_instance i{n} {{\ninterface eth{}\nvirtual_router_id {}\nvirtual_ipaddress {{\n10.0.0.1\n}}\n}}", n % 4, 1 + n / 4)
    }));
    assert_eq!(unlike.model.vrrp.instances.len(), 1020);
}

#[test]
fn a_group_of_a_hundred_thousand_instances() {
    let group = |name: &str| format!("{name} g {{\ngroup {{\n{}}}\n}}\n", lines(MANY, |n| format!("i{n}")));
    for name in ["vrrp_sync_group", "track_group"] {
        assert!(!read(group(name)).problems.is_empty());
    }
}

#[test]
fn a_hundred_thousand_real_servers() {
    let of = |address: fn(usize) -> String| {
        let servers = lines(MANY, |n| format!("real_server {} 80 {{\nTCP_CHECK {{\n}}\n}}", address(n)));
        format!("virtual_server 192.0.2.1 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nsorry_server 192.0.2.7 80\n{servers}}}\n")
    };
    let different = read(of(|n| format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255)));
    assert_eq!(different.model.lvs.virtual_servers[0].real_servers.len(), MANY);
    assert!(different.problems.is_empty());
    let same = read(of(|_| "10.0.0.1".to_owned()));
    assert!(same.problems.exit_status() == 0 || same.problems.exit_status() == 5);
}

#[test]
fn a_hundred_thousand_virtual_servers_and_groups() {
    let servers = lines(MANY, |n| {
        let address = format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255);
        format!("virtual_server {address} 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 192.0.2.1 80 {{\n}}\n}}")
    });
    assert_eq!(read(servers).model.lvs.virtual_servers.len(), MANY);
    for name in [|n: usize| format!("g{n}"), |_: usize| "same".to_owned()] {
        let groups = lines(MANY, |n| format!("virtual_server_group {} {{\n10.0.0.1 80\n}}", name(n)));
        assert!(matches!(read(groups).model.lvs.groups.len(), 1 | MANY));
    }
    let members = format!("virtual_server_group g {{\n{}}}\n", lines(MANY, |n| format!("fwmark {}", n + 1)));
    assert_eq!(read(members).model.lvs.groups[0].members.len(), MANY);
}

#[test]
fn a_hundred_thousand_tracked_objects() {
    type Block = fn(&str, usize) -> String;
    let kinds: [Block; 5] = [
        |name, _| format!("vrrp_script {name} {{\nscript /usr/bin/check\n}}"),
        |name, _| format!("track_file {name} {{\nfile /run/{name}\n}}"),
        |name, _| format!("vrrp_track_process {name} {{\nprocess {name}\n}}"),
        |name, n| format!("bfd_instance {name} {{\nneighbor_ip 10.{}.{}.{}\n}}", n >> 16, n >> 8 & 255, n & 255),
        |name, _| format!("track_group {name} {{\ngroup {{\nlast\n}}\n}}"),
    ];
    for block in kinds {
        let settings = "global_defs {\nenable_script_security\nscript_user root\n}\n";
        let different = read(format!("{settings}{}{LAST}", lines(MANY, |n| block(&format!("n{n}"), n))));
        assert!(has_last(&different));
        assert_eq!(said(&different), Vec::<String>::new());
        let (tracked, sessions, groups) = (&different.model.tracked, &different.model.bfd, &different.model.statics.groups);
        assert_eq!(tracked.scripts.len() + tracked.files.len() + tracked.processes.len() + sessions.len() + groups.len(), MANY);
        assert!(has_last(&read(format!("{settings}{}{LAST}", lines(MANY, |n| block("same", n))))));
    }
}

#[test]
fn a_hundred_thousand_lines_of_addresses_routes_and_rules() {
    let address = |n: usize| format!("10.{}.{}.{}", n >> 16, n >> 8 & 255, n & 255);
    let groups = lines(1000, |n| format!("track_group g{n} {{\ngroup {{\nlast\n}}\n}}"));
    let texts = [
        format!("{groups}static_ipaddress {{\n{}}}\n{LAST}", lines(MANY, |n| format!("{} dev eth0 track_group g{}", address(n), n % 1000))),
        format!("{groups}static_routes {{\n{}}}\n{LAST}", lines(MANY, |n| format!("{} dev eth0 track_group g{}", address(n), n % 1000))),
        format!(
            "{groups}static_rules {{\n{}}}\n{LAST}",
            lines(MANY, |n| format!("from {} iif eth0 table 5 priority {n} track_group g999", address(n)))
        ),
    ];
    for text in texts {
        let loaded = read(text);
        let statics = &loaded.model.statics;
        assert_eq!(said(&loaded), Vec::<String>::new());
        assert_eq!(statics.addresses.len() + statics.routes.len() + statics.rules.len(), MANY);
    }
    for list in ["virtual_ipaddress", "virtual_ipaddress_excluded"] {
        for same in [true, false] {
            let entries = lines(MANY, |n| address(if same { 0 } else { n }));
            let text = format!(
                "vrrp_instance a {{\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress {{\n10.9.9.9\n}}\n{list} {{\n{entries}}}\n}}\n"
            );
            assert_eq!(read(text).model.vrrp.instances.len(), 1);
        }
    }
    let hops = format!("static_routes {{\ndefault {}\n}}\n", "nexthop via 192.0.2.1 ".repeat(2000));
    assert_eq!(read(hops).model.statics.routes.len(), 1);
}

#[test]
fn a_hundred_thousand_entries_of_the_other_lists() {
    let lists = [
        ("linkbeat_interfaces {\n", "eth0", "}\n"),
        ("interface_up_down_delays {\n", "eth0 1", "}\n"),
        ("garp_group {\ngarp_interval 1\ninterfaces {\n", "eth0", "}\n}\n"),
        ("garp_group {\ngarp_interval 1\n", "interface eth9", "}\n"),
        ("global_defs {\nnotification_email {\n", "a@example.org", "}\n}\n"),
        ("global_defs {\n", "vrrp_cpu_affinity 1 2 3", "}\n"),
        ("vrrp_instance a {\n", "interface eth0", "}\n"),
        ("vrrp_instance a {\ninterface eth0\nvirtual_router_id 1\nunicast_peer {\n", "192.0.2.9", "}\n}\n"),
        ("vrrp_instance a {\ninterface eth0\nvirtual_router_id 1\ntrack_interface {\n", "eth1", "}\n}\n"),
        ("vrrp_instance a {\ninterface eth0\nvirtual_router_id 1\ntrack_script {\n", "s", "}\n}\n"),
        ("vrrp_instance a {\ninterface eth0\nvirtual_router_id 1\nauth_hmac {\n", "key 1 0123456789abcdef0123456789abcdef", "}\n}\n"),
        ("vrrp_sync_group a {\ntrack_interface {\n", "eth1", "}\n}\n"),
        ("vrrp_sync_group a {\ngroup {\n", "last", "}\n}\n"),
        ("virtual_server 10.0.0.1 80 {\nreal_server 10.0.0.2 80 {\n", "BFD_CHECK {\nname a\n}", "}\n}\n"),
        ("virtual_server 10.0.0.1 80 {\nreal_server 10.0.0.2 80 {\nHTTP_GET {\nurl {\npath /\n", "status_code 200 300-400", "}\n}\n}\n}\n"),
        ("virtual_server 10.0.0.1 80 {\nreal_server 10.0.0.2 80 {\nHTTP_GET {\n", "url {\npath /\n}", "}\n}\n}\n"),
        ("vrrp_track_process a {\nprocess a ", "a \\", "\n}\n"),
    ];
    for (open, entry, close) in lists {
        let loaded = read(format!("{open}{}{close}{LAST}", lines(MANY, |_| entry.to_owned())));
        assert!(has_last(&loaded), "{open}: {:?}", said(&loaded).last());
    }
}

#[test]
fn a_hundred_thousand_faults_hide_no_graver_one() {
    let unknown = lines(MANY, |n| format!("unknown{n} {n}"));
    let loaded = read(format!("{unknown}{LAST}vrrp_script s {{\ninterval\n}}\n{unknown}"));
    assert!(has_last(&loaded));
    assert_eq!(loaded.problems.exit_status(), 2);
    assert_eq!(loaded.problems.worst(), Some(Class::MissingParameter));
    assert!(loaded.problems.suppressed() > 0);
    assert!(loaded.problems.iter().count() + loaded.problems.suppressed() > 2 * MANY);
    let blocks = lines(MANY, |n| format!("unknown{n} {{\nfoo {{\n}}\n}}"));
    assert!(has_last(&read(format!("{blocks}{LAST}"))));
}

#[test]
fn a_hundred_thousand_blocks_that_are_not_closed() {
    for opening in ["global_defs {", "unknown {", "vrrp_instance a {", "{", "vrrp_instance a {\nvirtual_ipaddress {"] {
        let loaded = read(format!("{LAST}{}", lines(MANY, |_| opening.to_owned())));
        assert!(has_last(&loaded) && loaded.problems.exit_status() == 5, "{opening}");
    }
    let closing = read(format!("{}{LAST}", lines(MANY, |_| "}".to_owned())));
    assert!(has_last(&closing) && closing.problems.exit_status() == 5);
}

#[test]
fn a_million_lines() {
    let comments = lines(400_000, |n| format!("# {n}"));
    let definitions = lines(100_000, |n| format!("$D{n}=v{n}"));
    let uses = lines(100_000, |n| format!("    router_id $D{n}"));
    let blank = "\n".repeat(400_000);
    let loaded = read(format!("{comments}{definitions}global_defs {{\n{uses}}}\n{blank}{LAST}"));
    assert!(has_last(&loaded));
    assert_eq!(said(&loaded), Vec::<String>::new());
    assert_eq!(&*loaded.model.global.mail.router_id, "v99999");
    assert_eq!(loaded.model.vrrp.instances.len(), 1);
}

#[test]
fn the_dump_of_much_is_read_as_well() {
    let servers = lines(20_000, |n| format!("real_server 10.0.{}.{} 80 {{\nHTTP_GET {{\nurl {{\npath /\n}}\n}}\n}}", n >> 8, n & 255));
    let text = format!("virtual_server 192.0.2.1 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n{servers}}}\n");
    let first = read(text);
    let again = read(standfast::config::dump::dump(&first.model));
    assert!(first.model == again.model);
    assert_eq!(said(&again), Vec::<String>::new());
}
