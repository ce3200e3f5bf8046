//! All of the balancer's keywords, through a dump and back.

use super::host;
use crate::config::dump::dump;
use crate::model::Model;

const EVERYTHING: &str = "bfd_instance B {
neighbor_ip 10.0.0.2
}
SSL {
password p
ca /etc/ca.pem
certificate /etc/cert.pem
key \"/etc/the key\"
}
virtual_server_group g {
10.1.0.1-9 80
10.1.1.0/24 81
2001:db8::1-ff 80
fwmark 7 inet6
}
virtual_server 10.0.0.1 80 {
lb_algo mh
mh-port
mh-fallback
flag-3
lb_kind NAT
persistence_timeout 50
persistence_engine sip
persistence_granularity 255.255.255.0
protocol SCTP
delay_loop 7.5
retry 2
delay_before_retry 0.5
warmup 0
connect_timeout 3.25
inhibit_on_failure
ha_suspend
smtp_alert
virtualhost v
snmp_name s
alpha
omega
quorum 3
hysteresis 1
quorum_up \"/bin/up a\"
quorum_down /bin/down nobody nogroup
weight 4
sorry_server 10.0.0.9 80
sorry_server_inhibit
sorry_server_lvs_method TUN type gue port 6080 csum
real_server 10.0.0.2 80 {
weight 0
lvs_method TUN type gre csum
uthreshold 9
lthreshold 3
inhibit_on_failure off
notify_up /bin/up
notify_down \"/bin/down 'a b'\"
alpha off
retry 1
delay_before_retry 2
warmup 3
connect_timeout 4
delay_loop 5
smtp_alert off
virtualhost r
snmp_name t
TCP_CHECK {
connect_ip 2001:db8::9
connect_port 99
bindto 2001:db8::8
bind_port 98
bind_if eth0
connect_timeout 1.5
fwmark 12
retry 0
delay_before_retry 0
warmup 0.000001
delay_loop 100
alpha
log_all_failures
}
SSL_GET {
virtualhost h
http_protocol 1.0C
sni_name n
fast_recovery
tls_compliant
url {
path /
digest 9b3a0c85a887a256d6939da88aabd8cd
status_code 200-204 404
virtualhost u
regex \"a b\"
regex_no_match
regex_options caseless dotall
regex_min_offset 3
regex_max_offset 30
regex_stack 1000 2000
tls_compliant
}
url {
path \"/a b\"
}
}
HTTP_GET {
enable_sni
url {
path /
}
}
SMTP_CHECK {
helo_name me
}
DNS_CHECK {
type A
name www.example.org
}
DNS_CHECK {
}
MISC_CHECK {
misc_path \"/bin/check a\"
misc_dynamic
user nobody nogroup
}
MISC_CHECK {
misc_path /bin/check
misc_timeout 9
}
UDP_CHECK {
payload 0102ff
require_reply 01 x2 3x xx
min_reply_length 2
max_reply_length 20
}
UDP_CHECK {
require_reply
}
PING_CHECK {
}
BFD_CHECK {
name B
}
}
real_server 10.0.0.3 {
}
}
virtual_server fwmark 5 {
ip_family inet6
lb_algo rr
lb_kind DR
ops
real_server 2001:db8::5 {
PING_CHECK {
}
}
}
virtual_server group g {
lb_algo sed
lb_kind TUN
protocol UDP
ops
real_server 10.0.0.4 {
}
real_server 2001:db8::4 {
lvs_method TUN type ipip
}
}
";

/// A model from a text without faults, but for scripts without script security, which is not these tests' business.
fn faultless(text: &str) -> Model {
    let (model, mut problems) = crate::config::testing::load(text, &host());
    problems.retain(|text| !text.contains("script_security not enabled"));
    assert!(problems.is_empty(), "{problems:?}\n{text}");
    model
}

#[test]
fn a_dump_reads_back_to_an_equal_model() {
    let model = faultless(EVERYTHING);
    assert_eq!(model.lvs.virtual_servers.len(), 3);
    assert_eq!(model.lvs.virtual_servers[0].real_servers[0].checkers.len(), 12);
    let text = dump(&model);
    assert_eq!(faultless(&text), model, "{text}");
}

#[test]
fn every_keyword_of_the_balancer_is_in_the_dump_of_the_example() {
    use crate::config::keyword::Described;
    use crate::config::keyword::Entry;
    use crate::config::keyword::root::ROOT;
    /// Without effect, deprecated, or a name for what the dump calls something else; FILE_CHECK needs a tracked file.
    const OUT: [&str; 10] =
        ["hashed", "nb_get_retry", "host", "sh-port", "sh-fallback", "mh-port", "mh-fallback", "ADDRESS", "FILE_CHECK", "track_file"];
    fn missing(entry: &Entry, text: &str, list: &mut Vec<&'static str>) {
        let has = text.lines().any(|line| line.split_whitespace().next() == Some(entry.name));
        if !has && !OUT.contains(&entry.name) {
            list.push(entry.name);
        }
        for inner in entry.inside.iter().flat_map(|inside| inside().entries()) {
            missing(&inner, text, list);
        }
    }
    let text = dump(&faultless(EVERYTHING));
    let mut list = Vec::new();
    for entry in ROOT.entries().iter().filter(|entry| ["SSL", "virtual_server", "virtual_server_group"].contains(&entry.name)) {
        missing(entry, &text, &mut list);
    }
    assert!(list.is_empty(), "{list:?}\n{text}");
}
