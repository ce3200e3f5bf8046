//! Checkers: what they inherit, what is their own, and what is wrong with them.

use super::{host, load, probe, rs, seconds, with_check, with_rs};
use crate::model::checker::{Checker, HttpVersion, Octet, Probe, RecordType, Reply, Sni};
use crate::model::lvs::*;
use crate::model::track::Weight;
use std::num::NonZeroU16;

#[test]
fn checkers_inherit_from_the_real_server_then_the_virtual_server_then_their_kind() {
    let schedule = |vs_lines: &str, rs_lines: &str, kind: &str, own: &str| {
        let text = format!(
            "virtual_server 10.0.0.1 80 {{\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n{vs_lines}\nreal_server 10.0.0.2 80 {{\n{kind} {{\n{own}\n}}\n{rs_lines}\n}}\n}}"
        );
        match rs(&text).checkers[0].clone() {
            Checker::Probe { schedule, probe } => (schedule, probe),
            other => unreachable!("{other:?}"),
        }
    };
    // Defaults by kind: retries and the wait between them.
    for (kind, own, retry, wait) in [
        ("TCP_CHECK", "", 1, 1),
        ("PING_CHECK", "", 1, 1),
        ("UDP_CHECK", "", 1, 1),
        ("SMTP_CHECK", "", 1, 1),
        ("HTTP_GET", "url {\npath /\n}", 1, 3),
        ("SSL_GET", "url {\npath /\n}", 1, 3),
        ("DNS_CHECK", "", 3, 7),
        ("MISC_CHECK", "misc_path /bin/check", 0, 1),
    ] {
        let (s, _) = schedule("delay_loop 7", "", kind, own);
        assert_eq!((s.retry, s.delay_before_retry, s.delay_loop, s.warmup), (retry, seconds(wait), seconds(7), seconds(7)), "{kind}");
        assert!(!s.alpha && !s.log_all_failures);
    }
    let all = |n: u32| format!("delay_loop {n}\nretry {n}\ndelay_before_retry {n}\nwarmup {n}\nconnect_timeout {n}");
    for (vs_lines, rs_lines, own, want) in [
        (all(11), String::new(), String::new(), 11),
        (all(11), all(12), String::new(), 12),
        (all(11), all(12), all(13), 13),
        (String::new(), all(12), String::new(), 12),
    ] {
        for kind in ["TCP_CHECK", "SMTP_CHECK", "DNS_CHECK"] {
            let (s, probe) = schedule(&vs_lines, &rs_lines, kind, &own);
            let n = seconds(want);
            assert_eq!((s.delay_loop, s.delay_before_retry, s.warmup, s.retry), (n, n, n, want), "{kind}");
            let timeout = match probe {
                Probe::Tcp(connection) => connection.timeout,
                Probe::Smtp(smtp) => smtp.connection.timeout,
                Probe::Dns(dns) => dns.connection.timeout,
                other => unreachable!("{other:?}"),
            };
            assert_eq!(timeout.duration(), n.duration());
        }
    }
    for (vs_lines, rs_lines, own, want) in [
        ("alpha", "", "", true),
        ("alpha", "alpha off", "", false),
        ("alpha", "alpha off", "alpha", true),
        ("", "alpha", "alpha no", false),
    ] {
        assert_eq!(schedule(vs_lines, rs_lines, "TCP_CHECK", own).0.alpha, want, "{vs_lines}/{rs_lines}/{own}");
    }
    // A command's time is the virtual server's interval, whatever the real server's is.
    for (own, want) in [("", 11), ("misc_timeout 0", 11), ("misc_timeout 4", 4)] {
        let (_, probe) = schedule("delay_loop 11", "delay_loop 12", "MISC_CHECK", &format!("misc_path /bin/check\n{own}"));
        assert!(matches!(probe, Probe::Misc(misc) if misc.timeout == seconds(want)), "{own}");
    }
}

#[test]
fn connections_default_to_the_real_server() {
    let connection = |lines| match probe("TCP_CHECK", lines).1 {
        Probe::Tcp(connection) => connection,
        other => unreachable!("{other:?}"),
    };
    let plain = connection("");
    assert_eq!((plain.address, plain.port, plain.mark, plain.bind), ([10, 0, 0, 2].into(), 8080, 0, None));
    let own = connection("connect_ip 2001:db8::5\nconnect_port 81\nbindto 2001:db8::6\nbind_port 99\nbind_if eth0\nfwmark 7");
    let bind = own.bind.expect("it is bound");
    assert_eq!((own.address.to_string(), own.port, own.mark), ("2001:db8::5".to_owned(), 81, 7));
    assert_eq!(
        (bind.address.is_some_and(|a| a.is_ipv6()), bind.port, bind.interface.as_deref()),
        (true, NonZeroU16::new(99), Some("eth0"))
    );
    // The port as written, although the kernel forwards to another.
    let text = "virtual_server fwmark 5 {\nlb_algo rr\nlb_kind DR\nreal_server 10.0.0.2 8080 {\nTCP_CHECK {\n}\n}\n}";
    let (lvs, _) = load(text);
    assert_eq!(
        load(&text.replace(" 8080", "")).1,
        ["6 notice checker of [10.0.0.2]:none:0 has no port to connect to"],
        "nothing to connect to"
    );
    let rs = &lvs.virtual_servers[0].real_servers[0];
    assert!(rs.port == 0 && matches!(&rs.checkers[0], Checker::Probe { probe: Probe::Tcp(c), .. } if c.port == 8080));
}

#[test]
fn each_checker_has_its_own_keywords() {
    assert!(matches!(probe("PING_CHECK", "").1, Probe::Ping(_)));
    match probe("SMTP_CHECK", "").1 {
        Probe::Smtp(smtp) => assert_eq!(&*smtp.helo_name, "smtpchecker.keepalived.org"),
        other => unreachable!("{other:?}"),
    }
    for (lines, record, name) in [
        ("", RecordType::Soa, ""),
        ("type aaaa\nname www.example.org.", RecordType::Aaaa, "www.example.org"),
        ("name .", RecordType::Soa, ""),
    ] {
        assert!(matches!(probe("DNS_CHECK", lines).1, Probe::Dns(dns) if dns.record == record && &*dns.name == name), "{lines}");
    }
    let (schedule, misc) = probe("MISC_CHECK", "misc_path \"/bin/check a 'b c'\"\nmisc_dynamic\nuser nobody nogroup\nretry 2");
    assert_eq!(schedule.retry, 2);
    match misc {
        Probe::Misc(misc) => {
            assert!(misc.dynamic && misc.script.argv.len() == 3 && (misc.script.uid, misc.script.gid) == (65534, 65534));
        }
        other => unreachable!("{other:?}"),
    }
    match probe("UDP_CHECK", "payload Ab12f 3 456\nrequire_reply 1x xf x\nmin_reply_length 1\nmax_reply_length 9").1 {
        Probe::Udp(udp) => {
            assert_eq!(udp.payload.as_deref(), Some(&[0xab, 0x12, 0x0f, 0x03, 0x45, 0x06][..]));
            let octet = |value, mask| Octet { value, mask };
            assert_eq!(udp.reply, Reply::Like([octet(0x10, 0xf0), octet(0x0f, 0x0f), octet(0, 0xf0)].into()));
            assert_eq!((udp.min_reply, udp.max_reply), (1, 9));
        }
        other => unreachable!("{other:?}"),
    }
    for (lines, want) in [("", Reply::NotNeeded), ("require_reply", Reply::Any)] {
        assert!(matches!(probe("UDP_CHECK", lines).1, Probe::Udp(udp) if udp.reply == want && udp.max_reply == 255));
    }
    for (lines, want) in [
        ("track_file TF", Weight { value: 3, reverse: true }),
        ("track_file TF\nweight -2", Weight { value: -2, reverse: false }),
        ("track_file TF\nweight 0 reverse", Weight { value: 0, reverse: true }),
    ] {
        let rs = rs(&with_check("FILE_CHECK", lines));
        assert!(matches!(&rs.checkers[0], Checker::File(file) if file.weight == want), "{lines}");
    }
}

#[test]
fn http_checks() {
    let http = |kind: &str, lines: &str| match probe(kind, lines).1 {
        Probe::Http(http) => *http,
        other => unreachable!("{other:?}"),
    };
    let plain = http("HTTP_GET", "url {\npath /\n}");
    assert!(!plain.tls && plain.version == HttpVersion::V1_0 && plain.sni == Sni::None && plain.urls[0].status.contains(204));
    let full = http(
        "SSL_GET",
        "http_protocol 1.1\nvirtualhost h\nenable_sni\nsni_name s\nfast_recovery\ntls_compliant\nurl {\npath \"/a b\"\ndigest 000102030405060708090a0b0c0d0e0F\nstatus_code 200 301-303\nstatus_code 404\nvirtualhost u\nregex \"a.b\"\nregex_no_match\nregex_options caseless utf\nregex_min_offset 2\nregex_max_offset 9\nregex_stack 10 20\ntls_compliant\n}",
    );
    assert!(full.tls && full.fast_recovery && full.tls_compliant && full.version == HttpVersion::V1_1);
    assert_eq!((full.sni, full.virtualhost.as_deref()), (Sni::Named("s".into()), Some("h")));
    let url = &full.urls[0];
    assert_eq!(
        (&*url.path, url.digest.map(|digest| digest[15]), url.status.ranges()),
        ("/a b", Some(15), &[(200, 200), (301, 303), (404, 404)][..])
    );
    let regex = url.regex.as_ref().expect("a pattern");
    assert_eq!(
        (&*regex.pattern, regex.no_match, regex.min_offset, regex.max_offset, regex.stack),
        ("a.b", true, 2, Some(9), Some((10, 20)))
    );
    assert_eq!(regex.options.names().collect::<Vec<_>>(), ["caseless", "utf"]);
    for (lines, want) in [("sni_name", Sni::Host), ("sni_name a\nenable_sni off", Sni::None), ("enable_sni", Sni::Host)] {
        assert_eq!(http("SSL_GET", &format!("{lines}\nurl {{\npath /\n}}")).sni, want, "{lines}");
    }
}

#[test]
fn faults_of_checkers_are_told_at_their_lines() {
    for (kind, lines, want) in [
        ("TCP_CHECK", "connect_ip foo", vec!["7 error Invalid connect_ip address foo - ignoring"]),
        ("TCP_CHECK", "connect_port 0", vec!["7 error number '0' outside range [1, 65535]"]),
        ("TCP_CHECK", "bindto foo", vec!["7 error Invalid bindto address foo - ignoring"]),
        (
            "TCP_CHECK",
            "bindto 2001:db8::1",
            vec!["7 error bindto address 2001:db8::1 does not match address family of connect_ip - skipping"],
        ),
        (
            "TCP_CHECK",
            "bindto 10.0.0.1\nconnect_ip 2001:db8::1",
            vec!["8 error connect_ip address 2001:db8::1 does not match address family of bindto - skipping"],
        ),
        ("TCP_CHECK", "bind_port 65536", vec!["7 error number '65536' outside range [1, 65535]"]),
        ("TCP_CHECK", "bind_if abcdefghijklmnop", vec!["7 error Interface name abcdefghijklmnop is too long - ignoring"]),
        ("TCP_CHECK", "connect_timeout 0", vec!["7 error number '0' outside range [0.000001, 4294.967295]"]),
        ("TCP_CHECK", "fwmark 5x", vec!["7 error invalid number '5x'"]),
        ("TCP_CHECK", "retry x", vec!["7 error invalid number 'x'"]),
        ("TCP_CHECK", "alpha x", vec!["7 error Invalid value 'x' for alpha"]),
        ("TCP_CHECK", "connect_ip fe80::1", vec!["8 error Checker link local address fe80::1 requires a bind_if"]),
        ("TCP_CHECK", "connect_ip fe80::1\nbind_if eth0", vec![]),
        ("DNS_CHECK", "connect_port 53", vec![]),
        ("TCP_CHECK", "url", vec!["7 error Unknown keyword 'url'"]),
        ("HTTP_GET", "", vec!["8 error HTTP/SSL_GET checker has no urls specified - ignoring"]),
        (
            "HTTP_GET",
            "url {\n}",
            vec![
                "8 error HTTP/SSL_GET checker url has no path - ignoring",
                "9 error HTTP/SSL_GET checker has no urls specified - ignoring",
            ],
        ),
        ("HTTP_GET", "nb_get_retry 3\nurl {\npath /\n}", vec!["7 error nb_get_retry is deprecated - please use 'retry'"]),
        ("HTTP_GET", "http_protocol 2\nurl {\npath /\n}", vec!["7 error Invalid http_protocol version 2"]),
        ("HTTP_GET", "http_protocol\nurl {\npath /\n}", vec!["7 error Missing http_protocol version"]),
        ("HTTP_GET", "tls_compliant\nurl {\npath /\n}", vec!["7 error Unknown keyword 'tls_compliant'"]),
        ("SSL_GET", "sni_name a\nsni_name\nurl {\npath /\n}", vec!["8 error sni_name without a name after a"]),
        ("SMTP_CHECK", "helo_name", vec!["7 error SMTP_CHECK helo name missing"]),
        ("SMTP_CHECK", "helo_name a\nhelo_name b", vec!["8 error SMTP_CHECK helo name already specified"]),
        ("DNS_CHECK", "type MB", vec!["7 error Unknown DNS check type MB - ignoring"]),
        ("DNS_CHECK", "name a..b", vec!["7 error DNS_CHECK name 'a..b' has empty label - ignoring"]),
        ("DNS_CHECK", "name a\nname b", vec!["8 error DNS_CHECK name already specified - ignoring"]),
        ("UDP_CHECK", "payload", vec!["7 error UDP_CHECK payload requires a payload"]),
        ("UDP_CHECK", "payload 0x", vec!["7 error Invalid hex string for UDP_CHECK payload"]),
        ("UDP_CHECK", "require_reply zz", vec!["7 error Invalid hex string for UDP_CHECK reply"]),
        ("UDP_CHECK", "min_reply_length 65536", vec!["7 error number '65536' outside range [0, 65535]"]),
        ("UDP_CHECK", "min_reply_length 500", vec!["8 error UDP_CHECK min_reply length 500 > max_reply_length 255 - will always fail"]),
        ("MISC_CHECK", "", vec!["8 error No script path has been specified for MISC_CHECKER - skipping"]),
        ("MISC_CHECK", "misc_timeout 4295\nmisc_path /bin/check", vec!["7 error number '4295' outside range [0, 4294]"]),
        (
            "MISC_CHECK",
            "misc_path /bin/check\nuser nosuch",
            vec![
                "8 error Failed to set uid/gid for misc checker script '/bin/check' - removing",
                "0 notice Script user 'nosuch' does not exist",
            ],
        ),
        ("FILE_CHECK", "", vec!["8 error FILE_CHECK has no track_file specified - ignoring"]),
        (
            "FILE_CHECK",
            "track_file no",
            vec!["7 error track_file no not found", "8 error FILE_CHECK has no track_file specified - ignoring"],
        ),
        ("FILE_CHECK", "track_file TF\nweight 5 up", vec!["8 error unknown track file weight option up - ignoring"]),
        ("BFD_CHECK", "", vec!["8 error ([10.0.0.2]:tcp:8080) No name has been specified for BFD_CHECKER - skipping"]),
        ("BFD_CHECK", "name a b", vec!["7 error ([10.0.0.2]:tcp:8080) BFD_CHECK - No or too many names specified - skipping checker"]),
        ("BFD_CHECK", "name no", vec!["7 error ([10.0.0.2]:tcp:8080) BFD_CHECK - BFD no not configured"]),
    ] {
        let told = load(&with_check(kind, lines)).1;
        assert_eq!(told, want, "{kind} {lines}");
    }
}

#[test]
fn faults_of_urls_are_told_at_their_lines() {
    for (line, want) in [
        ("path /b", "9 error Duplicate path - overwriting / with /b"),
        ("digest 12", "9 error digest '12' character length should be 32 rather than 2"),
        ("digest zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "9 error Unable to interpret hex digit in 'zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz'"),
        ("status_code 200 99", "9 error Invalid HTTP_GET status code '99'"),
        ("status_code 300-200", "9 error Invalid HTTP_GET status code '300-200'"),
        ("status_code 200-", "9 error Invalid HTTP_GET status code '200-'"),
        ("status_code +200", "9 error Invalid HTTP_GET status code '+200'"),
        ("virtualhost", "9 error url virtualhost missing"),
        ("regex", "9 notice regex missing or too many fields"),
        ("regex_options nope", "9 notice unknown regex option nope - ignoring"),
        ("regex_min_offset x", "9 notice Invalid regex_min_offset x specified"),
        ("regex_stack 5", "9 notice regex_stack requires start and max values"),
        ("regex_stack 5 3", "9 notice regex stack start cannot exceed max value"),
        ("regex_stack x 3", "9 notice regex_stack invalid start value"),
        ("regex_no_match", "10 notice regex parameters specified without regex"),
    ] {
        assert_eq!(load(&with_check("HTTP_GET", &format!("url {{\npath /\n{line}\n}}"))).1, [want], "{line}");
    }
    let twice = |lines: &str| load(&with_check("HTTP_GET", &format!("url {{\npath /\n{lines}\n}}"))).1;
    let digest = "digest 9b3a0c85a887a256d6939da88aabd8cd";
    assert_eq!(twice(&format!("{digest}\n{digest}")), ["10 error Digest '9b3a0c85a887a256d6939da88aabd8cd' is a duplicate"]);
    assert_eq!(twice("regex a\nregex b"), ["10 error Duplicate regex specified - replacing a with b"]);
    assert_eq!(twice("virtualhost a\nvirtualhost b"), ["10 error Duplicate url virtualhost - overwriting a with b"]);
    assert_eq!(twice("regex a\nregex_min_offset 5\nregex_max_offset 4"), ["12 notice regex min offset 5 > regex_max_offset 4 - ignoring"]);
}

#[test]
fn host_blocks_are_checkers_of_their_own() {
    let text =
        with_check("SMTP_CHECK", "helo_name me\nretry 4\nconnect_port 25\nhost {\nconnect_ip 10.0.0.7\n}\nhost {\nconnect_port 26\n}");
    let (lvs, problems) = load(&text);
    assert!(problems.iter().all(|p| p.ends_with("notice The SMTP_CHECK host block is deprecated. Please define additional checkers.")));
    let seen: Vec<String> = lvs.virtual_servers[0].real_servers[0]
        .checkers
        .iter()
        .map(|checker| match checker {
            Checker::Probe { schedule, probe: Probe::Smtp(smtp) } => {
                format!("{} {} {} {}", smtp.connection.address, smtp.connection.port, smtp.helo_name, schedule.retry)
            }
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(seen, ["10.0.0.7 25 me 4", "10.0.0.2 26 me 4"]);
}

#[test]
fn a_bfd_session_must_stand_above_and_counts_once() {
    const SESSION: &str = "bfd_instance B {\nneighbor_ip 10.0.0.2\n}\n";
    let check = with_check("BFD_CHECK", "name B\nalpha");
    let (lvs, problems) = load(&format!("{SESSION}{check}"));
    assert!(problems.is_empty(), "{problems:?}");
    assert!(matches!(&lvs.virtual_servers[0].real_servers[0].checkers[0], Checker::Bfd(bfd) if bfd.alpha && &*bfd.session == "B"));
    assert_eq!(load(&format!("{check}\n{SESSION}")).1, ["7 error ([10.0.0.2]:tcp:8080) BFD_CHECK - BFD B not configured"]);
    // A session that cannot be used is told of once, where it stands.
    let broken = crate::config::testing::load(&format!("bfd_instance B {{\n}}\n{check}"), &host()).1;
    assert_eq!(broken, ["2: Configuration error: BFD instance B has no neighbor address set, disabling instance"]);
    let twice = with_rs("BFD_CHECK {\nname B\n}\nBFD_CHECK {\nname B\n}");
    assert_eq!(load(&format!("{SESSION}{twice}")).1, ["13 error ([10.0.0.2]:tcp:8080) BFD_CHECK - RS already monitoring B"]);
    let other = with_check("BFD_CHECK", "name B\nname C");
    assert_eq!(load(&format!("{SESSION}{other}")).1, ["11 error ([10.0.0.2]:tcp:8080) BFD_CHECK - BFD C already specified as B"]);
}

#[test]
fn tls_material() {
    let (lvs, problems) = load("SSL {\npassword p\nca c\ncertificate e\nkey k\n}");
    assert!(problems.is_empty(), "{problems:?}");
    let tls = lvs.tls.expect("a block");
    assert_eq!(
        [tls.password, tls.ca, tls.certificate, tls.key].map(|t| t.map(String::from)),
        ["p", "c", "e", "k"].map(|t| Some(t.to_owned()))
    );
    assert_eq!(load("SSL {\npassword\n}").1, ["2 error SSL password missing"]);
    let (lvs, problems) = load("SSL {\npassword a\npassword b\n}\nSSL {\nkey k\n}");
    assert_eq!(problems, ["3 error Duplicate SSL password - overwriting a with b", "5 error SSL context already specified - replacing"]);
    assert_eq!(lvs.tls, Some(ClientTls { key: Some("k".into()), ..ClientTls::default() }));
}
