//! What docs/DIFFERENCES.md says is what the program does: a row of [`rows`] for each section, by its title.

#![expect(clippy::disallowed_methods, reason = "it reads the document and runs the program")]

use standfast::config::host::{At, ScriptPath, Stated};
use standfast::config::render::Renderer;
use standfast::config::source::{Files, Refusal};
use standfast::config::{Loaded, Options, dump, load};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// How a section is held against the program.
enum Row {
    Cases(Vec<Case>),
    Run(fn()),
    /// By a test elsewhere, in this file and of this name; the section must say so.
    Shown(&'static str, &'static str),
    /// Not at all: the section must say why.
    Untested,
}

/// A configuration and what becomes of it.
#[derive(Default)]
struct Case {
    /// The main file is the first.
    files: Vec<(&'static str, String)>,
    /// Every message, as `LINE CLASS: TEXT`; the line is 0 where there is none.
    says: Option<Vec<&'static str>>,
    hint: Option<&'static str>,
    status: Option<u8>,
    /// Lines of the canonical dump, each among others.
    holds: Vec<&'static str>,
    lacks: Vec<&'static str>,
}

fn case(text: impl Into<String>) -> Case {
    Case { files: vec![("main.conf", text.into())], ..Case::default() }
}

impl Case {
    fn file(mut self, name: &'static str, text: &str) -> Self {
        self.files.push((name, text.to_owned()));
        self
    }

    fn says(mut self, messages: &[&'static str]) -> Self {
        self.says = Some(messages.to_vec());
        self
    }

    /// The hint of the first message.
    fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    fn status(mut self, status: u8) -> Self {
        self.status = Some(status);
        self
    }

    fn holds(mut self, lines: &[&'static str]) -> Self {
        self.holds = lines.to_vec();
        self
    }

    fn lacks(mut self, lines: &[&'static str]) -> Self {
        self.lacks = lines.to_vec();
        self
    }

    /// What is not as stated.
    fn faults(&self) -> Vec<String> {
        let loaded = read(&self.files);
        let said = messages(&loaded);
        let mut faults = Vec::new();
        if let Some(says) = &self.says
            && &said != says
        {
            faults.push(format!("it says {said:#?}"));
        }
        let hint = loaded.problems.iter().next().and_then(|d| d.hint.as_deref());
        if self.hint.is_some() && hint != self.hint {
            faults.push(format!("the hint is {hint:?}"));
        }
        let status = loaded.problems.exit_status();
        if self.status.is_some_and(|want| want != status) {
            faults.push(format!("the exit status is {status}"));
        }
        let dump = dump::dump(&loaded.model);
        let lines: Vec<&str> = dump.lines().map(str::trim).collect();
        faults.extend(self.holds.iter().filter(|line| !lines.contains(line)).map(|line| format!("no {line:?} in\n{dump}")));
        faults.extend(self.lacks.iter().filter(|line| lines.contains(line)).map(|line| format!("{line:?} in\n{dump}")));
        faults
    }
}

fn messages(loaded: &Loaded) -> Vec<String> {
    loaded.problems.iter().map(|d| format!("{} {}: {}", d.at.map_or(0, |at| at.line), d.class.name(), d.text)).collect()
}

/// Files that are only stated, in the folder `/k`.
struct Memory(HashMap<PathBuf, Vec<u8>>);

impl Files for Memory {
    fn read(&self, path: &Path) -> Result<Vec<u8>, Refusal> {
        self.0.get(path).cloned().ok_or(Refusal::Missing)
    }

    fn list(&self, directory: &Path) -> Vec<String> {
        let names = self.0.keys().filter(|path| path.parent() == Some(directory)).filter_map(|path| path.file_name());
        names.map(|name| name.to_string_lossy().into_owned()).collect()
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.contains_key(path)
    }
}

fn read<T: AsRef<[u8]>>(files: &[(&str, T)]) -> Loaded {
    let memory = Memory(files.iter().map(|(name, text)| (Path::new("/k").join(name), text.as_ref().to_vec())).collect());
    let mut host = Stated::with(&["eth0"]).script("/p").script("/q");
    host.paths.insert("/run".into(), At::Directory);
    host.scripts.insert("/none".into(), ScriptPath::Absent);
    let options = Options { pattern: files[0].0.into(), directory: "/k".into(), config_id: "lb1".to_owned(), ..Options::default() };
    load(&memory, &host, &options)
}

fn global(lines: &str) -> String {
    format!("global_defs {{\n{lines}\n}}")
}

/// An instance whose own lines begin at line 7.
fn instance(lines: &str) -> String {
    named("A", 1, lines)
}

fn named(name: &str, vrid: u8, lines: &str) -> String {
    format!("vrrp_instance {name} {{\ninterface eth0\nvirtual_router_id {vrid}\nvirtual_ipaddress {{\n192.0.2.{vrid}\n}}\n{lines}\n}}\n")
}

/// A virtual server whose own lines begin at line 5.
fn service(kind: &str, lines: &str) -> String {
    format!("virtual_server 10.0.0.1 80 {{\nlb_algo rr\nlb_kind {kind}\nprotocol TCP\n{lines}\n}}")
}

/// A check of the one real server, whose own lines begin at line 7.
fn check(kind: &str, lines: &str) -> String {
    service("NAT", &format!("real_server 10.0.0.2 80 {{\n{kind} {{\n{lines}\n}}\n}}"))
}

fn routes(lines: &str) -> String {
    format!("static_routes {{\n{lines}\n}}")
}

fn rules(lines: &str) -> String {
    format!("static_rules {{\n{lines}\n}}")
}

const SCRIPT: &str = "vrrp_script s {\nscript /p\n}\n";
const TRACKED: &str = "track_script {\ns\n}";

#[rustfmt::skip] // A table.
fn rows() -> Vec<(&'static str, Row)> {
    vec![
        // The reader: the language
        ("A block with an unknown name is passed over whole", Row::Cases(vec![
            case("vrrp_instnace X {\ninterface {\nrouter_id\n}\n}\nglobal_defs {\nfrob {\nx 1\n}\nrouter_id a\n}")
                .says(&["1 error: Unknown keyword 'vrrp_instnace'", "7 error: Unknown keyword 'frob'"])
                .hint("did you mean 'vrrp_instance'?").holds(&["router_id a"]),
        ])),
        ("Lines may be 64 KiB long", Row::Run(long_lines)),
        ("A definition that uses itself is an error", Row::Cases(vec![
            case("$A=$A\nrouter_id $A\nglobal_defs {\nrouter_id b\n}").says(&["2 error: a definition uses itself - ignoring the line"])
                .hint("$A -> $A").holds(&["router_id b"]),
            case("$A=x $B\n$B=y $A\nrouter_id $A").says(&["3 error: a definition uses itself - ignoring the line"]).hint("$A -> $B -> $A"),
            case("$A=${B}xyz\n$B=${A}xyz\nrouter_id ${A}").says(&["3 error: a definition uses itself - ignoring the line"]).hint("$A -> $B -> $A"),
        ])),
        ("A file that includes itself is an error", Row::Cases(vec![
            case("include b.conf\nglobal_defs {\nrouter_id b\n}").file("b.conf", "\ninclude main.conf\n")
                .says(&["2 error: 'main.conf' includes itself - ignoring"])
                .hint("/k/main.conf includes /k/b.conf includes /k/main.conf").holds(&["router_id b"]),
        ])),
        ("What a configuration may amount to is limited", Row::Run(limits)),
        ("What a definition brings to the front of a line is acted on", Row::Cases(vec![
            case("$S=~SEQ(N, 2) router_id r$N\nglobal_defs {\n$S\n}").says(&[]).holds(&["router_id r2"]),
            case("$S=@lb1 router_id a\n$T=@lb2 router_id b\nglobal_defs {\n$S\n$T\n}").says(&[]).holds(&["router_id a"]),
            case("$S=$T=a\n$S\nglobal_defs {\nrouter_id $T\n}").says(&[]).holds(&["router_id a"]),
        ])),
        ("An include from a definition or behind a condition is read once", Row::Cases(vec![
            case("$I=include b.conf\n$I").file("b.conf", &instance("")).says(&[]).holds(&["vrrp_instance A {"]),
            case("@lb1 include b.conf").file("b.conf", &instance("")).says(&[]).holds(&["vrrp_instance A {"]),
        ])),
        ("An undefined `${NAME}` is one error", Row::Cases(vec![
            case(global("router_id a${U}\nvrrp_version 3")).says(&["2 error: Undefined definition '${U}'"])
                .holds(&["router_id \"a$U\"", "vrrp_version 3"]),
            case(global("router_id \"a${U}\"")).says(&[]).holds(&["router_id \"a${U}\""]),
        ])),
        ("An escaped `#` or `!` stays a character", Row::Cases(vec![
            case(named("VI_\\#1", 1, "")).says(&[]).holds(&["vrrp_instance \"VI_#1\" {"]),
            case(named("VI_\\!1", 1, "")).says(&[]).holds(&["vrrp_instance \"VI_!1\" {"]),
        ])),
        ("A comment does not end a definition of several lines", Row::Cases(vec![
            case("$V= \\\nrouter_id a \\\n# gone \\\nvrrp_version 3\nglobal_defs {\n$V\n}").holds(&["router_id a", "vrrp_version 3"])
                .says(&["3 error: Comment line within a definition of several lines"]),
        ])),
        ("`@standfast` is always true", Row::Cases(vec![
            case(global("@standfast router_id a\n@^standfast router_id b")).says(&[]).holds(&["router_id a"]),
        ])),

        // The reader: the meaning
        ("`script_user` counts for the whole file", Row::Cases(vec![
            case(format!("{SCRIPT}global_defs {{\nenable_script_security\nscript_user nobody\n}}\n{}", instance(TRACKED))).says(&[])
                .holds(&["user 65534 65534"]),
        ])),
        ("Users and groups may be numbers", Row::Cases(vec![
            case(format!("global_defs {{\nenable_script_security\nscript_user 7 8\n}}\n{SCRIPT}{}", instance(TRACKED))).says(&[])
                .holds(&["user 7 8"]),
        ])),
        ("The file that a script's link leads to must be safe",
            Row::Shown("src/runtime/host/script.rs", "a_link_may_be_last_but_not_on_the_way")),
        ("`enable_script_security off` is told of", Row::Cases(vec![
            case(global("enable_script_security off")).status(0).holds(&["enable_script_security"])
                .says(&["2 notice: enable_script_security is a flag: 'off' does not turn it off"]),
        ])),
        ("Commands must be text", Row::Cases(vec![
            case(instance("notify_master \"/p \\000\"\nnotify_backup \"/p \\377\"")).lacks(&["notify_master", "notify_backup"])
                .says(&["7 error: String '/p \\000': an argument cannot hold a NUL", "8 error: String '/p \\377': escapes that make no UTF-8 text"]),
        ])),
        ("`stats_dump_file` and `json_dump_file` are kept", Row::Cases(vec![
            case(global("stats_dump_file /run/a\njson_dump_file /run/b")).says(&[]).holds(&["stats_dump_file /run/a", "json_dump_file /run/b"]),
        ])),
        ("A bad number costs its line and nothing else", Row::Cases(vec![
            case(global("vrrp_priority -5\nvrrp_priority 50\nchecker_rlimit_rttime 7\nchecker_rlimit_rttime 0\nvrrp_garp_master_refresh 9\nvrrp_garp_master_refresh x"))
                .says(&["3 error: number '50' outside range [-20, 19]", "5 error: number '0' outside range [1, 4294967295]", "7 error: invalid number 'x'"])
                .holds(&["vrrp_priority -5", "checker_rlimit_rttime 7", "vrrp_garp_master_refresh 9"]),
        ])),
        ("`default`, `any` and `all` belong to any family", Row::Cases(vec![
            case(routes("via 2001:db8::1 to default\nvia 192.0.2.1 any")).says(&[])
                .holds(&["to ::/0 via 2001:db8::1 table 254 protocol 18 prepend", "to 0.0.0.0/0 via 192.0.2.1 table 254 protocol 18 prepend"]),
            case(rules("from 10.0.0.0/8 to all table 9 priority 7")).says(&[]).holds(&["from 10.0.0.0/8 priority 7 table 9 protocol 18"]),
        ])),
        ("`inet` and `inet6` do not swallow a word", Row::Cases(vec![
            case(routes("inet6 default via 2001:db8::1")).says(&[]).holds(&["to ::/0 via 2001:db8::1 table 254 protocol 18 prepend"]),
            case(rules("inet6 from 2001:db8::/32 table 9 priority 7")).says(&[]).holds(&["from 2001:db8::/32 priority 7 table 9 protocol 18"]),
        ])),
        ("One port will do in a rule", Row::Cases(vec![
            case(rules("sport 80 dport 81 table 9 priority 7")).says(&[]).holds(&["priority 7 sport 80-80 dport 81-81 table 9 protocol 18"]),
        ])),
        ("Ranges of ports must run upwards", Row::Cases(vec![
            case(rules("dport 90-80 table 9 priority 7\nsport 80-70000 table 9 priority 8"))
                .says(&["2 error: invalid dport range 90-80", "3 error: invalid sport range 80-70000"])
                .holds(&["priority 7 table 9 protocol 18", "priority 8 table 9 protocol 18"]),
        ])),
        ("`ipproto` goes up to 255", Row::Cases(vec![
            case(rules("ipproto 255 table 9 priority 7")).says(&[]).holds(&["priority 7 ipproto 255 table 9 protocol 18"]),
            case(rules("ipproto 256 table 9 priority 7")).says(&["2 error: Invalid ipproto 256"]),
        ])),
        ("Masks and ranges in rules are checked", Row::Cases(vec![
            case(rules("uidrange 9-1 table 9 priority 7\nfwmark 1/ table 9 priority 8")).lacks(&["static_rules {"])
                .says(&["2 error: Invalid uidrange 9-1 specified", "3 error: Invalid rule fwmark 1/ specified"]),
        ])),
        ("A prefix length must be there", Row::Cases(vec![
            case("static_ipaddress {\n198.51.100.1/ dev eth0\n}").holds(&["198.51.100.1/32 dev eth0 scope 0"])
                .says(&["2 error: Invalid address prefix len  for address 198.51.100.1/ - using 32"]),
        ])),
        ("A next hop must lead somewhere", Row::Cases(vec![
            case(routes("10.1.0.0/16 nexthop weight 2 nexthop via 192.0.2.1")).says(&["2 error: nexthop leads nowhere - ignoring"])
                .holds(&["to 10.1.0.0/16 table 254 protocol 18 prepend nexthop via 192.0.2.1 weight 1"]),
        ])),
        ("A route may push more than two MPLS labels", Row::Cases(vec![
            case(routes("10.1.0.0/16 via 192.0.2.1 encap mpls 16/17/18/19")).says(&[])
                .holds(&["to 10.1.0.0/16 via 192.0.2.1 table 254 protocol 18 prepend encap mpls 16/17/18/19"]),
        ])),
        ("A malformed `encap` costs one message", Row::Cases(vec![
            case(routes("10.1.0.0/16 encap ip id x dst 192.0.2.1 dev eth0")).says(&["2 error: invalid number 'x'"]),
        ])),
        ("`ttl-propagate` with another word stays unset", Row::Cases(vec![
            case(routes("10.1.0.0/16 via 192.0.2.1 ttl-propagate perhaps")).says(&["2 error: ttl-propagate value perhaps not recognised"])
                .holds(&["to 10.1.0.0/16 via 192.0.2.1 table 254 protocol 18 prepend"]),
        ])),
        ("A round-trip time is cut to two minutes aloud", Row::Cases(vec![
            case(routes("10.1.0.0/16 via 192.0.2.1 rtt 130s")).says(&["2 error: rtt value 130s above maximum 120000ms, resetting"])
                .holds(&["to 10.1.0.0/16 via 192.0.2.1 table 254 protocol 18 rtt 120000ms prepend"]),
        ])),
        ("`preferred_lft` on an IPv4 address is told of", Row::Cases(vec![
            case("static_ipaddress {\n10.0.0.1/24 dev eth0 preferred_lft 60\n}").holds(&["10.0.0.1/24 dev eth0 scope 0"])
                .says(&["2 notice: preferred_lft is for IPv6 addresses only (10.0.0.1/24) - ignoring"]),
        ])),
        ("Without any weight the quorum stays 1", Row::Cases(vec![
            case(service("NAT", "quorum 3\nreal_server 10.0.0.2 80 {\nweight 0\n}")).holds(&["quorum 1", "hysteresis 0"])
                .says(&["1 error: Warning - quorum 3 for [10.0.0.1]:tcp:80 exceeds total weight of real servers 0, reducing quorum to 0"]),
        ])),
        ("Each `host` of an SMTP_CHECK is a checker", Row::Cases(vec![
            case(check("SMTP_CHECK", "host {\nconnect_ip 10.0.0.3\n}\nhost {\nconnect_ip 10.0.0.4\nconnect_port 25\n}"))
                .holds(&["connect_ip 10.0.0.3", "connect_port 80", "connect_ip 10.0.0.4", "connect_port 25"]).lacks(&["connect_ip 10.0.0.2"])
                .says(&["7 notice: The SMTP_CHECK host block is deprecated. Please define additional checkers.",
                    "10 notice: The SMTP_CHECK host block is deprecated. Please define additional checkers."]),
        ])),
        ("A sorry server without a port takes that of its service", Row::Cases(vec![
            case(service("NAT", "sorry_server 10.0.0.9\nreal_server 10.0.0.2 8080 {\n}")).says(&[]).holds(&["sorry_server 10.0.0.9 80"]),
        ])),
        ("Real servers that become equal are duplicates", Row::Cases(vec![
            case(service("DR", "real_server 10.0.0.2 80 {\n}\nreal_server 10.0.0.2 81 {\nweight 7\n}")).lacks(&["weight 7"])
                .says(&["7 error: WARNING - virtual server [10.0.0.1]:tcp:80 and real server [10.0.0.2]:tcp:81 ports don't match - resetting",
                    "7 error: VS [10.0.0.1]:tcp:80: real server [10.0.0.2]:tcp:80 is duplicated - removing second rs"]),
        ])),
        ("A check goes to the port as written", Row::Cases(vec![
            case(service("DR", "real_server 10.0.0.2 8080 {\nTCP_CHECK {\n}\n}")).holds(&["real_server 10.0.0.2 80 {", "connect_port 8080"]),
        ])),
        ("The ports of a group are told once per server", Row::Cases(vec![
            case("virtual_server_group G {\n10.0.0.1 80\n10.0.0.2 81\n}\nvirtual_server group G {\nlb_algo rr\nlb_kind DR\nprotocol TCP\nreal_server 10.0.0.3 8080 {\n}\n}")
                .says(&["9 error: virtual server [G]:0:[10.0.0.1,80] and real server [10.0.0.3]:tcp:8080 ports don't match"]),
        ])),
        ("Firewall mark 0 is no mark", Row::Cases(vec![
            case("virtual_server fwmark 0 {\nlb_algo rr\nlb_kind DR\nreal_server 10.0.0.2 {\n}\n}")
                .says(&["1 error: virtual server fwmark 0 is no mark - ignoring"]).lacks(&["virtual_server fwmark 0 {"]),
        ])),
        ("`virtual_server fwmark {` is reported", Row::Cases(vec![
            case("virtual_server fwmark {\nlb_algo rr\n}").status(2)
                .says(&["1 missing-parameter: *** Configuration line starting `virtual_server` is missing a parameter after keyword `fwmark`"]),
        ])),
        ("Messages name what they are about", Row::Cases(vec![
            case(format!("global_defs {{\nenable_script_security\nscript_user root\n}}\n{}",
                service("NAT", "quorum_up /p\nquorum_up /q\nreal_server 10.0.0.2 80 {\nnotify_up /p\nnotify_up /q\n}")))
                .says(&["10 error: ([10.0.0.1]:tcp:80) quorum_up script already specified - ignoring /q",
                    "13 error: ([10.0.0.2]:none:80) notify_up script already specified - ignoring /q"]),
        ])),
        ("A DNS name must fit its limits", Row::Cases(vec![
            case(check("DNS_CHECK", "name aaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaa.example"))
                .says(&["7 notice: DNS_CHECK name 'aaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaa.example' is too long - ignoring"]),
        ])),
        ("A regular expression is taken as written", Row::Cases(vec![
            case(check("HTTP_GET", "url {\npath /\nregex \"a(\"\n}")).says(&[]).holds(&["regex a("]),
        ])),
        ("`unicast_ttl` without peers is dropped", Row::Cases(vec![
            case(instance("unicast_ttl 5")).says(&["8 error: (A): Cannot use unicast_ttl without unicast peers - resetting"])
                .lacks(&["unicast_ttl 0", "unicast_ttl 5"]),
        ])),
        ("A weight out of range is not taken", Row::Cases(vec![
            case(format!("global_defs {{\nenable_script_security\nscript_user root\n}}\nvrrp_script s {{\nscript /p\nweight 9\nweight 999\n}}\n{}", instance(TRACKED)))
                .says(&["8 error: number '999' outside range [-253, 253]"]).holds(&["weight 9"]),
        ])),
        ("A second script, file or process of a name is told of", Row::Cases(vec![
            case(format!("global_defs {{\nenable_script_security\nscript_user root\n}}\n{SCRIPT}{SCRIPT}{}", instance(TRACKED)))
                .says(&["8 notice: vrrp_script s is already defined - ignoring the later one"]),
            case("track_file f {\nfile /run/a\n}\ntrack_file f {\nfile /run/b\n}")
                .says(&["4 notice: track_file f is already defined - ignoring the later one"]),
            case("vrrp_track_process p {\nprocess a\n}\nvrrp_track_process p {\nprocess b\n}")
                .says(&["4 notice: vrrp_track_process p is already defined - ignoring the later one"]),
        ])),
        ("`use_ipvlan` takes the place of `use_vmac`", Row::Cases(vec![
            case(instance("use_vmac\nuse_ipvlan 192.0.2.9/24")).says(&["1 notice: (A) use_ipvlan takes the place of use_vmac"]).status(0),
        ])),
        ("`skip_check_adv_addr off` is off", Row::Cases(vec![
            case(format!("{}\n{}", global("vrrp_skip_check_adv_addr"), instance("skip_check_adv_addr off"))).says(&[])
                .holds(&["skip_check_adv_addr false"]),
        ])),
        ("`owner_ignore_adverts off` is off", Row::Cases(vec![
            case(instance("priority 255\nowner_ignore_adverts off")).says(&[]).holds(&["owner_ignore_adverts false"]),
        ])),
        ("Nothing waits for a faulty BFD session", Row::Cases(vec![
            case(format!("bfd_instance b {{\nmin_rx 20\n}}\n{}", instance("track_bfd {\nb\n}"))).lacks(&["track_bfd"])
                .says(&["3 error: Configuration error: BFD instance b has no neighbor address set, disabling instance"]),
        ])),

        // The reader: the configuration test
        ("A missing parameter does not end the run", Row::Cases(vec![
            case(format!("{}\nfrob", global("vrrp_version\nvrrp_version 7"))).status(2)
                .says(&["2 missing-parameter: *** Configuration line starting `vrrp_version` is missing a parameter after keyword `vrrp_version`",
                    "3 error: number '7' outside range [2, 3]", "5 error: Unknown keyword 'frob'"]),
        ])),
        ("An instance that cannot run does not end the checks", Row::Cases(vec![
            case("vrrp_instance A {\ninterface eth0\n}\nvrrp_instance B {\ninterface eth0\nvirtual_router_id 2\n}").status(5)
                .says(&["3 error: (A) the virtual router id must be set", "3 fatal: VRRP cannot run with this configuration",
                    "7 error: (B) No VIP specified; at least one is sensible"]),
        ])),
        ("Each message is printed once", Row::Cases(vec![
            case("frob\nvirtual_server 10.0.0.1 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.0.0.2 80 {\nweight x\n}\n}")
                .says(&["1 error: Unknown keyword 'frob'", "7 error: invalid number 'x'"]),
        ])),
        ("Every message has a place", Row::Run(places)),
        ("The test leaves the machine alone", Row::Untested),
        // The daemon: elections
        ("Packets that do not count do not delay adverts", Row::Shown("src/vrrp/tests/mod.rs", "invalid_packets_neither_stop_nor_delay_the_adverts")),
        ("Lower adverts are answered at a bounded rate", Row::Shown("tests/netns/resilience.rs", "adverts_of_lower_priority_are_answered_at_a_bounded_rate")),
        ("Priority 0 is answered at a bounded rate", Row::Shown("src/vrrp/tests/mod.rs", "priority_zero_is_answered_by_a_master_at_a_bounded_rate")),
        ("Adverts keep the beat", Row::Shown("src/vrrp/tests/mod.rs", "adverts_keep_the_beat_however_late_the_process_is")),
        ("A new master forgets the interval that it had learnt", Row::Shown("src/vrrp/tests/mod.rs", "a_new_master_expects_its_own_interval_of_its_successor")),
        ("Version 3 over IPv4 may leave out the pseudo header", Row::Shown("src/vrrp/tests/mod.rs", "version_3_over_ipv4_may_leave_the_pseudo_header_out_of_its_checksum")),
        (
            "A peer gets the old checksum as long as it sends it",
            Row::Shown("src/vrrp/tests/mod.rs", "a_peer_gets_the_old_checksum_as_long_as_it_sends_it"),
        ),
        (
            "With `v3_checksum_as_v2` a checksum must still fit",
            Row::Shown("src/vrrp/tests/mod.rs", "v3_checksum_as_v2_is_no_leave_for_wrong_checksums"),
        ),
        ("`auth_hmac` remembers over a reload", Row::Shown("src/vrrp/tests/mod.rs", "a_reload_does_not_forget_what_was_heard")),
        (
            "The row of authentication headers goes on after a crash",
            Row::Shown("tests/sim/scenarios.rs", "a_crash_of_a_master_with_a_secret_is_not_noticed"),
        ),
        (
            "Keys and passwords are left out of dumps",
            Row::Shown("src/config/keyword/vrrp/tests.rs", "secrets_are_left_out_of_what_anybody_may_see"),
        ),
        ("A wrong checksum over IPv6 is told of", Row::Shown("src/vrrp/tests/mod.rs", "a_wrong_checksum_over_ipv6_is_told_of_and_not_counted")),
        ("Each cause of a FAULT ends by itself", Row::Shown("src/vrrp/tests/mod.rs", "two_faults_need_two_recoveries")),
        ("FAULT is logged with its causes", Row::Shown("src/vrrp/tests/mod.rs", "a_fault_is_logged_with_all_its_causes")),
        ("A time-out that is our own stall is not the script's failure", Row::Shown("src/track/script/tests.rs", "a_time_out_that_is_our_own_stall_is_not_the_scripts_failure")),
        ("A child counts when it stays what its parent is", Row::Shown("src/track/census.rs", "a_child_that_becomes_another_program_never_counts_as_its_parent")),
        ("Where the kernel does not tell of processes they are looked for", Row::Shown("src/runtime/track/clerk.rs", "in_a_network_namespace_of_its_own_processes_are_counted_by_looking")),
        ("`init_fail` works", Row::Shown("src/track/script/tests.rs", "results_add_up")),
        // The daemon: addresses
        ("A stripped address is put back without an election", Row::Shown("tests/netns/resilience.rs", "a_stripped_address_comes_back_without_an_election")),
        ("An address that is there already becomes what is wanted", Row::Shown("tests/netns/kernel.rs", "leftovers_become_what_is_wanted_in_their_place")),
        ("What went with an interface comes back with it", Row::Shown("tests/netns/routes.rs", "what_went_with_an_interface_comes_back_with_it_and_nobody_has_to_name_it")),
        ("A route that was left in another way is replaced", Row::Shown("tests/netns/routes.rs", "a_route_that_a_predecessor_left_in_another_way_is_replaced")),
        ("Whoever is stripped again and again goes to FAULT", Row::Shown("tests/netns/resilience.rs", "whoever_is_stripped_again_and_again_goes_to_fault_and_says_why")),
        ("A foreign claim to our address is answered", Row::Shown("tests/netns/resilience.rs", "a_foreign_claim_to_the_address_is_answered_at_a_bounded_rate")),
        ("A router that yields asks for its former addresses", Row::Shown("tests/netns/resilience.rs", "users_find_the_winner_that_does_not_know_of_the_other_master")),
        ("With `vmac_xmit_base` the virtual MAC is announced again", Row::Shown("src/vrrp/tests/vmac.rs", "what_no_advert_keeps_known_is_announced_again")),
        ("Refreshes of announcements do not add up", Row::Shown("src/vrrp/tests/mod.rs", "refreshes_do_not_add_up_when_a_router_is_master_again_and_again")),
        ("A virtual address with a peer is removed", Row::Shown("src/kernel/rtnl/message/mod.rs", "an_address_is_removed_with_its_peer_whatever_its_label")),
        ("Settings of the kernel are given back", Row::Shown("tests/netns/vmac.rs", "after_the_stop_the_machine_is_as_it_was")),
        ("A router that asks does not say that its virtual address is elsewhere", Row::Shown("tests/netns/care.rs", "a_neighbour_learns_of_nothing_but_the_virtual_mac_also_when_the_router_speaks_first")),
        ("A virtual MAC that somebody changes is made as it was", Row::Shown("tests/netns/care.rs", "a_virtual_mac_that_another_program_changes_is_made_as_it_was")),
        ("A virtual MAC that was changed while nobody ran is found", Row::Shown("tests/netns/care.rs", "a_virtual_mac_that_was_changed_while_nobody_ran_is_made_as_it_was_by_the_next_start")),
        ("Unknown virtual routers are told of once a minute", Row::Shown("src/vrrp/strangers.rs", "a_flood_of_unknown_adverts_is_told_of_once_a_minute")),
        ("A failed duplicate address detection is told", Row::Shown("tests/netns/care.rs", "who_has_one_of_our_ipv6_addresses_already_is_told_of")),
        ("A virtual MAC that is found has all its settings", Row::Shown("tests/netns/vmac.rs", "what_is_found_gets_the_settings_of_our_own")),
        ("A virtual MAC that was let go leaves its name", Row::Shown("src/vrrp/device/tests.rs", "names_stay_and_those_that_are_let_go_are_free")),
        ("Addresses may be leased", Row::Shown("src/vrrp/tests/mod.rs", "a_lease_is_renewed_three_times_as_often_as_it_ends_and_only_by_a_master")),
        // The daemon: processes
        ("A table of somebody else is left alone", Row::Shown("tests/netns/firewall.rs", "a_table_that_somebody_else_has_under_the_name_is_left_alone")),
        ("Rules that somebody flushes come back", Row::Shown("tests/netns/firewall.rs", "rules_that_somebody_flushed_or_deleted_come_back")),
        ("A crash opens no address", Row::Shown("tests/netns/firewall.rs", "a_crash_opens_nothing")),
        ("nftables stands for iptables and ipsets", Row::Shown("src/vrrp/firewall/tests.rs", "it_is_said_when_nftables_stands_for_something_else")),
        ("Virtual MACs are fenced before they are made", Row::Shown("src/vrrp/firewall/tests.rs", "a_virtual_mac_is_fenced_before_it_is_there")),
        ("A group keeps its mark over a reload", Row::Shown("src/lvs/marks.rs", "a_reload_keeps_the_marks_of_what_stays")),
        ("A VRRP process that crashes is carried on", Row::Shown("tests/netns/resilience.rs", "a_crash_of_the_master_goes_unnoticed")),
        ("An upgrade keeps what is held", Row::Shown("tests/netns/upgrade.rs", "an_upgrade_of_a_master_goes_unnoticed")),
        ("Whoever crashes again and again gives everything up", Row::Shown("tests/netns/resilience.rs", "whoever_crashes_again_and_again_gives_the_address_up")),
        ("A reload that cannot be used changes nothing", Row::Shown("tests/netns/reload.rs", "a_master_goes_on_whatever_is_broken")),
        ("A reload says what it changes", Row::Shown("tests/daemon/process/reload.rs", "the_plan_is_told_and_a_config_test_can_be_asked_for")),
        (
            "A reload is read beside the daemon",
            Row::Shown("tests/daemon/process/reload.rs", "while_the_configuration_is_read_crashes_and_signals_have_their_turn"),
        ),
        (
            "`reload_check_config` is about reloads alone",
            Row::Shown("src/runtime/supervisor/verdict/tests.rs", "a_config_test_for_reloads_does_not_hinder_a_start"),
        ),
        (
            "`config_save_dir` holds what was understood",
            Row::Shown("tests/daemon/process/reload.rs", "what_is_read_is_kept_as_it_was_understood"),
        ),
        (
            "Real time is not paid for with the process",
            Row::Shown("src/sys/schedule.rs", "whoever_takes_too_much_of_real_time_goes_on_without_it"),
        ),
        (
            "Rights that are not needed are given up",
            Row::Shown("tests/daemon/process/surface.rs", "rights_that_are_not_needed_are_given_up_and_scripts_of_root_have_them_all"),
        ),
        ("The log has other forms as well", Row::Shown("tests/daemon/process/surface.rs", "the_log_can_be_had_as_json_and_with_fields")),
        (
            "A failure that ends with status 0 says so",
            Row::Shown("tests/daemon/process.rs", "what_cannot_be_run_ends_with_keepaliveds_exit_status"),
        ),
        ("A stop does not pause", Row::Untested),
        ("A new daemon waits for an orphaned VRRP process", Row::Shown("tests/daemon/process.rs", "a_role_whose_parent_is_killed_stops_and_a_new_daemon_starts_over_the_old_files")),
        ("The service manager can tell when a reload began", Row::Shown("tests/daemon/process.rs", "the_service_manager_is_told")),
        // The daemon: health checks
        ("A response that says where it ends is not waited for", Row::Shown("src/probe/http/tests.rs", "a_response_that_says_where_it_ends_is_not_waited_for")),
        ("A digest may be that of the content or of all that was sent", Row::Shown("src/probe/http/tests.rs", "status_digest_and_pattern_all_count")),
        ("A regular expression is searched for in the whole response", Row::Shown("tests/daemon/patterns.rs", "patterns_are_found_in_the_whole_response")),
        ("Heads of responses are read as HTTP has them", Row::Shown("src/probe/http/response/tests.rs", "content_ends_where_it_says")),
        ("The name in a TLS handshake has no port", Row::Shown("src/probe/http/tests.rs", "the_name_in_the_handshake_is_never_the_real_servers_nor_an_address")),
        ("Old servers can be checked under TLS", Row::Shown("src/sys/tls/tests.rs", "old_servers_are_spoken_to")),
        ("OpenSSL and PCRE2 are loaded where they are needed", Row::Shown("src/sys/library.rs", "what_is_missing_is_named")),
        ("SMTP servers may greet in several lines", Row::Shown("src/probe/smtp.rs", "a_server_is_greeted_and_left")),
        ("An echo that comes late is not taken for an answer", Row::Shown("src/probe/ping.rs", "only_its_own_echo_counts")),
        ("genhash ends after a minute", Row::Untested),
        // The daemon: the balancer
        ("The sorry server comes before the last real server goes", Row::Shown("src/effect/ipvs/delta/tests.rs", "the_sorry_server_is_in_before_the_last_real_server_is_out")),
        ("What was in the table before is brought to what is configured", Row::Shown("src/kernel/ipvs/table/tests.rs", "what_a_predecessor_left_is_adopted_without_a_gap")),
        ("What others do to our services is undone", Row::Shown("src/kernel/ipvs/table/tests.rs", "what_others_do_is_undone_and_what_others_have_is_left_alone")),
        ("A checker process that crashes is carried on", Row::Shown("src/lvs/tests/resume.rs", "the_table_is_the_same_and_nobody_is_told")),
        ("A reload leaves checks in their rhythm", Row::Shown("src/lvs/tests/reload.rs", "an_attempt_under_way_goes_on_under_its_number_and_counts")),
        ("A failed real server stays out of the pool, whatever a reload changes", Row::Shown("src/lvs/tests/reload.rs", "story_24_a_failed_server_stays_out_whatever_is_changed")),
        ("Thresholds can be changed by a reload", Row::Shown("src/lvs/tests/reload.rs", "story_10_what_stays_keeps_its_health_and_what_is_new_begins")),
        ("A script that hangs does not shift weights", Row::Shown("src/lvs/tests/stories.rs", "story_23_a_script_that_hangs_has_failed_and_its_weight_is_forgotten")),
        ("`FILE_CHECK` with `0 reverse` counts from the start", Row::Shown("src/lvs/tests/stories.rs", "story_05_the_number_in_a_file_is_a_weight_or_a_verdict")),
        ("A quorum can be won though no weight is configured", Row::Shown("src/lvs/tests/stories.rs", "story_22_servers_without_weight_have_a_quorum_once_a_checker_gives_them_some")),
        ("`ha_suspend` knows the addresses of groups", Row::Shown("src/lvs/tests/schedule.rs", "a_suspended_checker_is_cancelled_and_keeps_its_verdict")),
        ("A check that never ends is begun again", Row::Shown("src/lvs/tests/faults.rs", "an_attempt_that_never_ends_is_given_up_and_begun_again")),
        ("Mail is about health alone", Row::Shown("src/lvs/tests/stories.rs", "story_19_mail_says_why")),
        ("`PING_CHECK` changes no sysctl", Row::Shown("tests/daemon/checks.rs", "who_answers_echoes_is_there")),
        ("VRRP goes on without IPVS", Row::Shown("tests/daemon/process.rs", "without_ipvs_vrrp_goes_on")),
        ("A reload that takes all virtual servers away is refused", Row::Shown("src/runtime/supervisor/verdict/tests.rs", "a_reload_that_would_leave_no_virtual_server_is_refused")),
        // The daemon: BFD
        ("A neighbour is told of the end", Row::Shown("src/bfd/tests.rs", "an_end_is_announced")),
        ("Packets over IPv6 have a hop limit of 255", Row::Shown("src/bfd/tests.rs", "a_neighbour_may_send_with_less_but_not_after_it_has_sent_with_more")),
        ("A BFD process that crashes is carried on", Row::Shown("src/bfd/tests.rs", "a_successor_goes_on_and_the_neighbour_does_not_notice")),
        // The daemon: telling
        ("Scripts of one object run one at a time", Row::Shown("tests/daemon/notify.rs", "scripts_of_an_instance_never_overlap_and_the_last_state_is_the_last_one_told")),
        ("A script that does not end is waited for half a minute", Row::Shown("src/notify/tests.rs", "patience_with_a_script_that_does_not_end_is_bounded")),
        ("A FIFO's script that fails is started again", Row::Shown("tests/daemon/notify.rs", "a_fifo_s_script_that_fails_is_started_again")),
        ("One process has the common FIFO read", Row::Shown("tests/daemon/notify.rs", "of_two_processes_that_write_to_a_pipe_one_has_it_read")),
        ("Scripts may be told in JSON", Row::Shown("tests/daemon/notify.rs", "a_script_is_told_in_json_where_that_is_configured")),
        ("All states are told again after a reload", Row::Shown("tests/netns/traces.rs", "pipes_are_told_all_states_again_after_a_reload_where_that_is_asked_for")),
        ("A disabled script is told of with its remedy", Row::Shown("tests/daemon/dumps.rs", "a_script_that_is_disabled_shows_wherever_somebody_looks")),
        ("A mail that fails is tried again", Row::Shown("tests/daemon/notify.rs", "a_server_that_stalls_or_closes_early_holds_nothing_up_and_is_asked_again")),
        ("A refused recipient costs the others nothing", Row::Shown("tests/daemon/notify.rs", "one_recipient_that_is_refused_does_not_keep_the_mail_from_the_other")),
        ("A mail is sent whole", Row::Shown("src/notify/mail/tests.rs", "a_dialogue_is_keepalived_s")),
        ("The log holds nothing up", Row::Shown("tests/daemon/process.rs", "a_console_that_nobody_reads_holds_nothing_up")),
        ("On D-Bus, states are properties that change", Row::Shown("src/observe/dbus/tests.rs", "a_service_comes_up_and_goes")),
        ("A bus that goes is gone back to", Row::Shown("tests/netns/dbus.rs", "a_bus_that_is_started_again_is_served_again")),
        ("The name on D-Bus can be changed by a reload", Row::Shown("tests/netns/dbus.rs", "it_comes_and_goes_with_the_configuration")),
        ("Daemons with any name have objects on D-Bus", Row::Shown("tests/netns/dbus.rs", "daemons_with_names_of_their_own_share_the_bus")),
        ("Dumps go where they are told to go", Row::Shown("tests/daemon/dumps.rs", "files_go_where_the_configuration_says")),
        ("A dump is there as a whole, and whoever waits for it is told", Row::Shown("tests/daemon/dumps.rs", "who_waits_for_a_file_by_its_name_is_told_when_it_is_complete")),
        ("Dumps say what is so", Row::Shown("src/observe/tests.rs", "what_keepalived_gets_wrong_is_right")),
        ("SNMP disturbs nothing", Row::Shown("tests/netns/snmp.rs", "an_agent_that_goes_disturbs_nothing_and_is_found_again")),
        ("SNMP shows what is so", Row::Shown("tests/netns/snmp.rs", "all_objects_are_as_keepalived_shows_them")),
        ("Nothing can be set by SNMP", Row::Shown("tests/netns/snmp.rs", "nothing_can_be_set")),
        ("Traps follow what scripts are told", Row::Shown("src/observe/snmp/trap/tests.rs", "a_refused_packet_is_told_by_its_kind")),
    ]
}

fn said<T: AsRef<[u8]>>(files: &[(&str, T)]) -> Vec<String> {
    messages(&read(files))
}

fn long_lines() {
    let line = |length: usize| global(&format!("router_id a{}b", " ".repeat(length - "router_id ab".len())));
    assert_eq!(said(&[("main.conf", line(64 * 1024))]), Vec::<String>::new());
    assert_eq!(said(&[("main.conf", line(64 * 1024 + 1))]), ["2 error: line too long - ignoring"]);
}

/// The limits that can be met in a moment; those on bytes and on files are met in `src/config/reader/tests.rs`.
fn limits() {
    let one = |text: String, message: &str| {
        let said = said(&[("main.conf", &text)]);
        let start: String = text.chars().take(300).collect();
        match said.as_slice() {
            [] => assert_eq!(message, "", "{start}"),
            [only] => assert!(!message.is_empty() && only.contains(message), "{only}\n{start}"),
            more => assert!(more.len() == 1, "{more:#?}\n{start}"),
        }
    };
    let chain = |links: usize| {
        let links: String = (1..links).map(|n| format!("$A{n}=${{A{}}}x\n", n + 1)).collect::<String>() + &format!("$A{links}=a\n");
        format!("{links}{}", global("router_id ${A1}"))
    };
    one(chain(256), "");
    one(chain(257), "more than 256 deep");

    let wide = |times: usize| format!("$A={}\n{}", "a".repeat(1 << 15), global(&format!("router_id \"{}\"", "${A}".repeat(times))));
    one(wide(31), "");
    one(wide(33), "longer than 1048576 bytes");

    // Each definition uses the one before sixteen times: 16 + 256 + ... of them in all.
    let often = |first: &str| {
        let uses: String = (1..4).map(|n| format!("$A{n}={}\n", format!("${{A{}}}", n - 1).repeat(16))).collect();
        format!("$A0=\n{uses}{}", global(&format!("router_id \"a{first}\"")))
    };
    one(often(&"${A3}".repeat(15)), "");
    one(often(&"${A3}".repeat(16)), "use each other too often");

    one("~SEQ(A, 1000) ~SEQ(B, 999) @no x".to_owned(), "");
    one("~SEQ(A, 1000001) @no x".to_owned(), "~SEQ goes too far");

    let nested = |depth: usize| format!("{}@no x", "~SEQ(A, 1) ".repeat(depth));
    one(nested(500), "");
    one(nested(520), "nested");

    let names: Vec<String> = (0..70).map(|n| format!("f{n}")).collect();
    let includes = |count: usize| {
        let text = |n: usize| if n + 1 < count { format!("include f{}", n + 1) } else { String::new() };
        names.iter().take(count).enumerate().map(|(n, name)| (name.as_str(), text(n))).collect::<Vec<_>>()
    };
    assert_eq!(said(&includes(64)), Vec::<String>::new());
    assert_eq!(said(&includes(65)), ["1 error: includes are nested more than 64 deep - ignoring 'f64'"]);
}

fn places() {
    let shown = |files: &[(&str, &str)]| {
        let loaded = read(files);
        let renderer = Renderer::new(&loaded.sources);
        loaded.problems.iter().map(|d| renderer.line(d)).collect::<Vec<_>>()
    };
    let text = "frob\nvrrp_instance B {\ninterface eth0\nvirtual_router_id 2\n}";
    let later = "(B) No VIP specified; at least one is sensible [main.conf:5]";
    assert_eq!(shown(&[("main.conf", text)]), ["(Line 1) Unknown keyword 'frob'", later]);
    let two = format!("{text}\ninclude b.conf");
    assert_eq!(
        shown(&[("main.conf", &two), ("b.conf", "\nfrab")]),
        ["(main.conf: Line 1) Unknown keyword 'frob'", "(b.conf: Line 2) Unknown keyword 'frab'", later]
    );
    assert_eq!(shown(&[("main.conf", "")]), Vec::<String>::new());
}

/// Whether a function of this name is a test.
fn has_test(text: &str, name: &str) -> bool {
    let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
    lines.windows(2).any(|pair| pair[0] == "#[test]" && pair[1].starts_with(&format!("fn {name}(")))
}

/// The sections of the document, by title.
fn sections() -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/DIFFERENCES.md");
    let text = std::fs::read_to_string(path).expect("docs/DIFFERENCES.md is there");
    let mut sections = BTreeMap::new();
    let mut title = None;
    for line in text.lines() {
        if line.starts_with("## ") || line.starts_with("# ") {
            title = None;
        } else if let Some(name) = line.strip_prefix("### ") {
            assert!(sections.insert(name.to_owned(), String::new()).is_none(), "two sections are called {name:?}");
            title = Some(name.to_owned());
        } else if let Some(body) = title.as_ref().and_then(|title| sections.get_mut(title)) {
            body.push_str(line);
            body.push('\n');
        }
    }
    sections
}

#[test]
fn every_section_is_as_the_program_is() {
    let mut faults = Vec::new();
    for (title, row) in rows() {
        match row {
            Row::Cases(cases) => {
                assert!(!cases.is_empty(), "{title}: no case");
                for case in cases {
                    faults.extend(case.faults().iter().map(|fault| format!("{title}\n\n{}\n\n{fault}\n", case.files[0].1)));
                }
            }
            Row::Run(check) => check(),
            Row::Shown(file, name) => {
                let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("the file is there");
                assert!(has_test(&text, name), "{title}: {file} has no test {name}");
            }
            Row::Untested => {}
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn sections_and_rows_have_the_same_titles() {
    let sections = sections();
    let rows = rows();
    let mut titles: Vec<&str> = rows.iter().map(|(title, _)| *title).collect();
    titles.sort_unstable();
    assert_eq!(sections.keys().map(String::as_str).collect::<Vec<_>>(), titles);
    for (title, row) in &rows {
        let body = &sections[*title];
        let untested = body.contains("\n(No test: ") && body.trim_end().ends_with(".)");
        assert_eq!(untested, matches!(row, Row::Untested), "{title}: a section without a test says why");
        let elsewhere = match row {
            Row::Shown(file, name) => Some(format!("\n(Tested in `{file}`: `{name}`.)\n")),
            Row::Cases(_) | Row::Run(_) | Row::Untested => None,
        };
        let named = elsewhere.as_ref().is_some_and(|named| body.contains(named));
        assert_eq!(named, body.contains("\n(Tested in "), "{title}: a section tested elsewhere says where");
        assert_eq!(named, elsewhere.is_some(), "{title}: {elsewhere:?}");
    }
}
