//! How the configuration is read again, and when.

use super::{CONF, Daemon, PARENT, configure, inside, instance, lives, pid_in, role, wait_until};
use nix::sys::signal::{Signal, kill};
use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;

fn sh(line: &str) -> String {
    let output = Command::new("sh").args(["-c", line]).output().expect("a shell");
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// A name server that never answers: whoever asks it waits for a long time.
fn silence() -> UdpSocket {
    fs::write("/run/w/resolv.conf", "nameserver 10.9.0.10\noptions timeout:30 attempts:5\n").expect("a file");
    sh("mount --bind /run/w/resolv.conf /etc/resolv.conf");
    UdpSocket::bind("10.9.0.10:53").expect("a port")
}

const SLOW: &str = "global_defs {\nsmtp_server mail.example.org\n}\n";

#[test]
fn while_the_configuration_is_read_crashes_and_signals_have_their_turn() {
    inside("reload::while_the_configuration_is_read_crashes_and_signals_have_their_turn", || {
        let server = silence();
        fs::create_dir("/run/w/tmp").expect("a folder");
        let own = "global_defs {\nreload_file /run/w/reading\ntmp_config_directory /run/w/tmp\n}\n";
        fs::write("/run/w/reading", "left by somebody").expect("a file");
        configure(&format!("{own}{}", instance("A", "e0")));
        let mut daemon = Daemon::up(&[]);
        assert!(!Path::new("/run/w/reading").exists(), "what was left is removed");
        daemon.expect("(A) Entering MASTER STATE");
        configure(&format!("{own}{SLOW}{}", instance("A", "e0")));
        daemon.signal(Signal::SIGHUP);
        server.recv(&mut [0; 512]).expect("somebody asks");
        assert!(Path::new("/run/w/reading").exists());
        let open = sh(&format!("ls -l /proc/{}/fd", daemon.child.id()));
        assert!(open.contains("/run/w/tmp/#"), "what is read is kept there\n{open}");
        let dead = super::replace(Signal::SIGKILL);
        assert!(lives(dead) && daemon.count("Reload complete") == 0, "{}", daemon.said());
        // Another request waits for the end of the first.
        daemon.signal(Signal::SIGHUP);
        daemon.stop();
        assert_eq!((daemon.count("Reloading ..."), daemon.count("Reload complete")), (1, 0), "{}", daemon.said());
        assert!(!Path::new("/run/w/reading").exists());
    });
}

#[test]
fn a_reader_that_dies_harms_nobody_and_the_next_one_reads() {
    inside("reload::a_reader_that_dies_harms_nobody_and_the_next_one_reads", || {
        let server = silence();
        configure(&instance("A", "e0"));
        let mut daemon = Daemon::up(&[]);
        let vrrp = role();
        configure(&format!("{SLOW}{}", instance("A", "e0")));
        daemon.signal(Signal::SIGHUP);
        server.recv(&mut [0; 512]).expect("somebody asks");
        daemon.signal(Signal::SIGHUP);
        configure(&instance("A", "e0"));
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", daemon.child.id())).expect("there are some");
        let reader = children.split_whitespace().find(|&pid| pid != vrrp.to_string()).expect("a reader");
        kill(nix::unistd::Pid::from_raw(reader.parse().expect("a pid")), Signal::SIGKILL).expect("it is there");
        daemon.expect("Reload refused: the process that read it ended with SIGKILL");
        // The request that came meanwhile.
        daemon.expect("Reload complete");
        assert!(role() == vrrp && lives(vrrp));
        daemon.stop();
    });
}

#[test]
fn a_file_says_when_to_reload() {
    inside("reload::a_file_says_when_to_reload", || {
        configure(&format!("global_defs {{\nreload_time_file /run/w/when\n}}\n{}", instance("A", "e0")));
        let mut daemon = Daemon::up(&[]);
        fs::write("/run/w/when", "in a while\n").expect("a file");
        daemon.expect("'in a while' is no time to come");
        sh("date -d '+2 seconds' '+%F %T' > /run/w/new && mv /run/w/new /run/w/when");
        daemon.expect("Reload scheduled for ");
        daemon.expect("Reload complete");
        wait_until("the file is removed", || !Path::new("/run/w/when").exists());
        // Withdrawn in time.
        sh("date -u -d '+1 hour' '+%F %T Z' > /run/w/when");
        daemon.expect_times("Reload scheduled for ", 2);
        fs::remove_file("/run/w/when").expect("removed");
        daemon.expect("Reload time cancelled");
        assert_eq!(daemon.count("Reload complete"), 1);
        // Every day.
        configure(&format!("global_defs {{\nreload_time_file /run/w/when\nreload_repeat\n}}\n{}", instance("A", "e0")));
        daemon.signal(Signal::SIGHUP);
        daemon.expect_times("Reload complete", 2);
        sh("date -d '+2 seconds' '+%T' > /run/w/when");
        daemon.expect_times("Reload complete", 3);
        daemon.expect_times("Reload scheduled for ", 4);
        assert!(Path::new("/run/w/when").exists());
        daemon.stop();
    });
}

#[test]
fn what_is_read_is_kept_as_it_was_understood() {
    inside("reload::what_is_read_is_kept_as_it_was_understood", || {
        configure(&format!("global_defs {{\nconfig_save_dir /run/w/saved\n}}\n{}", instance("A", "e0")));
        let mut daemon = Daemon::up(&[]);
        configure(&format!("global_defs {{\nconfig_save_dir /run/w/saved\n}}\n{}", instance("B", "e0")));
        daemon.signal(Signal::SIGHUP);
        daemon.expect("Reload complete");
        for (number, name) in [(0, "A"), (1, "B")] {
            let path = format!("/run/w/saved/keepalived.conf.{}.{number}", daemon.child.id());
            let text = fs::read_to_string(&path).expect("it was kept");
            assert!(text.contains(&format!("vrrp_instance {name} {{")), "{text}");
        }
        // And what the process was and became, in its own words.
        for (when, name) in [("pre", "A"), ("post", "B")] {
            let path = format!("/run/w/saved/keepalived_vrrp.{}.1.{when}", role());
            wait_until(&path, || Path::new(&path).exists());
            let text = fs::read_to_string(&path).expect("it was kept");
            assert!(text.contains("VRRP Topology") && text.contains(&format!(" VRRP Instance = {name}\n")), "{text}");
        }
        daemon.stop();
    });
}

#[test]
fn the_plan_is_told_and_a_config_test_can_be_asked_for() {
    inside("reload::the_plan_is_told_and_a_config_test_can_be_asked_for", || {
        let check = "global_defs {\nreload_check_config /run/w/check\n}\n";
        configure(&format!("{check}{}", instance("A", "e0")));
        let mut daemon = Daemon::up(&[]);
        daemon.signal(Signal::SIGHUP);
        daemon.expect("Reload plan: nothing changes, ");
        daemon.expect("Reload complete");
        assert_eq!(fs::read_to_string("/run/w/check").expect("a log"), "");
        configure(&format!("{check}{}", instance("A", "e0").replace("priority 150", "priority 140")));
        daemon.signal(Signal::SIGHUP);
        daemon.expect("1 updated, ");
        daemon.expect("(~ vrrp_instance A: priority)");
        // The configuration in force asks for the test, whatever the new one does.
        configure(&format!("nonsense 1\n{}", instance("A", "e0")));
        daemon.signal(Signal::SIGHUP);
        daemon.expect("Reload refused: New config failed validation, see /run/w/check");
        assert!(fs::read_to_string("/run/w/check").expect("a log").contains("Unknown keyword 'nonsense'"));
        assert_eq!(pid_in(PARENT).map(nix::unistd::Pid::as_raw), i32::try_from(daemon.child.id()).ok());
        assert!(Path::new(CONF).exists());
        daemon.stop();
    });
}

/// What the VRRP process says of itself.
fn dumped(daemon: &Daemon) -> String {
    let _ = fs::remove_file("/run/w/state");
    daemon.signal(Signal::SIGUSR1);
    let text = || fs::read_to_string("/run/w/state").unwrap_or_default();
    wait_until("a dump", || text().contains("VRRP Topology"));
    text()
}

const DUMPS: &str = "global_defs {\nstate_dump_file /run/w/state\n}\n";

#[test]
fn whoever_succeeds_has_what_is_in_force_and_not_what_the_file_says() {
    inside("reload::whoever_succeeds_has_what_is_in_force_and_not_what_the_file_says", || {
        configure(&format!("{DUMPS}{}", instance("A", "e0")));
        let mut daemon = Daemon::up(&[]);
        daemon.expect("(A) Entering MASTER STATE");
        let has = |daemon: &Daemon, name: &str| {
            wait_until(name, || dumped(daemon).contains(&format!("VRRP Instance = {name}\n")));
            assert_eq!(dumped(daemon).matches("VRRP Instance = ").count(), 1);
        };
        // Not asked for yet, and then refused.
        configure(&format!("{DUMPS}{}", instance("B", "e0")));
        super::replace(Signal::SIGKILL);
        has(&daemon, "A");
        configure("nonsense {\n");
        daemon.signal(Signal::SIGHUP);
        daemon.expect("Reload refused");
        super::replace(Signal::SIGKILL);
        has(&daemon, "A");
        // Taken over, and the file is another one by now, or none.
        configure(&format!("{DUMPS}{}", instance("B", "e0").replace(".51\n}", ".52\n}")));
        daemon.signal(Signal::SIGHUP);
        daemon.expect("Reload complete");
        wait_until("B is master", || sh("ip -o addr show dev e0").contains("10.9.0.52"));
        for text in [format!("{DUMPS}{}", instance("C", "e0")), "nonsense".to_owned()] {
            configure(&text);
            super::replace(Signal::SIGKILL);
            has(&daemon, "B");
            let held = sh("ip -o addr show dev e0");
            assert!(held.contains("10.9.0.52") && !held.contains("10.9.0.51"), "{held}");
        }
        fs::remove_file(CONF).expect("removed");
        // One that is given up is given up as well.
        for _ in 0..50 {
            if daemon.count("Restart of VRRP process delayed") > 0 {
                break;
            }
            super::replace(Signal::SIGKILL);
        }
        wait_until("the address is given up", || !sh("ip -o addr show dev e0").contains("10.9.0.52"));
        daemon.stop();
    });
}

#[test]
fn whoever_succeeds_while_the_configuration_is_read_has_the_one_in_force() {
    inside("reload::whoever_succeeds_while_the_configuration_is_read_has_the_one_in_force", || {
        let server = silence();
        configure(&format!("{DUMPS}{}", instance("A", "e0")));
        let mut daemon = Daemon::up(&[]);
        daemon.expect("(A) Entering MASTER STATE");
        configure(&format!("{DUMPS}{SLOW}{}", instance("B", "e0")));
        daemon.signal(Signal::SIGHUP);
        server.recv(&mut [0; 512]).expect("somebody asks");
        let successor = super::replace(Signal::SIGKILL);
        wait_until("A goes on", || dumped(&daemon).contains("VRRP Instance = A\n"));
        assert!(sh("ip -o addr show dev e0").contains("10.9.0.51"));
        let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", daemon.child.id())).expect("there are some");
        let reader = children.split_whitespace().find(|&pid| pid != successor.to_string()).expect("a reader");
        configure(&format!("{DUMPS}{}", instance("B", "e0")));
        kill(nix::unistd::Pid::from_raw(reader.parse().expect("a pid")), Signal::SIGKILL).expect("it is there");
        daemon.expect("Reload refused: the process that read it ended with SIGKILL");
        assert!(dumped(&daemon).contains("VRRP Instance = A\n"));
        daemon.signal(Signal::SIGHUP);
        daemon.expect("Reload complete");
        assert!(dumped(&daemon).contains("VRRP Instance = B\n") && role() == successor);
        daemon.stop();
    });
}
