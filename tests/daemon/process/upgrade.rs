//! Upgrades, as whoever started the daemon sees them. What is seen in the network is in `netns/upgrade`.

use super::{CONF, Daemon, PARENT, VRRP, configure, inside, instance, lives, pid, pid_in, program, role, wait_until};
use crate::room::PATIENCE;
use nix::sys::signal::{Signal, kill};
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

fn upgrade() {
    let output = program().args(["upgrade", "--socket", "/run/keepalived.sock"]).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, b"Upgrade complete\n");
}

#[test]
fn the_service_manager_goes_on_with_the_same_process() {
    inside("upgrade::the_service_manager_goes_on_with_the_same_process", || {
        let startup = "startup_script \"/usr/bin/touch /run/w/started\"\n";
        configure(&format!("global_defs {{\nscript_user root\n{startup}}}\n{}", instance("A", "e0")));
        let manager = UnixDatagram::bind("/run/w/notify").expect("a socket");
        manager.set_read_timeout(Some(PATIENCE)).expect("a limit");
        let hear = || {
            let mut buffer = [0; 1024];
            let length = manager.recv(&mut buffer).expect("a message");
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        };
        let mut command = program();
        let mut daemon = Daemon::spawn(command.args(["-n", "-l", "-G", "-f", CONF]).env("NOTIFY_SOCKET", "/run/w/notify"));
        let ready = format!("READY=1\nMAINPID={}\nSTATUS=Serving", daemon.child.id());
        assert_eq!(hear(), ready);
        fs::remove_file("/run/w/started").expect("the startup script has run");
        for _ in 0..2 {
            let before = role();
            upgrade();
            assert!(hear().starts_with("RELOADING=1\nMONOTONIC_USEC="));
            assert_eq!(hear(), ready);
            assert!(role() != before && !lives(before), "{}", daemon.said());
        }
        assert!(!Path::new("/run/w/started").exists(), "it is no start");
        // The locks are held as ever.
        let mut second = Daemon::start(&[]);
        assert_eq!(second.end().code(), Some(0));
        second.expect("daemon is already running");
        assert_eq!((pid_in(PARENT), pid_in(VRRP)), (Some(pid(daemon.child.id())), Some(role())));
        // A process that crashes is succeeded by one of the new program.
        let crashed = role();
        kill(crashed, Signal::SIGKILL).expect("it is there");
        wait_until("another process", || pid_in(VRRP).is_some_and(|next| next != crashed && lives(next)));
        daemon.signal(Signal::SIGTERM);
        assert_eq!(hear(), "STOPPING=1");
        assert_eq!(daemon.end().code(), Some(0));
        assert!(!Path::new("/run/keepalived.sock").exists() && !Path::new(PARENT).exists() && !Path::new(VRRP).exists());
    });
}

#[test]
fn a_daemon_in_the_background_finds_its_configuration_again() {
    inside("upgrade::a_daemon_in_the_background_finds_its_configuration_again", || {
        configure(&instance("A", "e0"));
        let status = program().args(["-f", "k.conf"]).status().expect("the daemon");
        assert_eq!(status.code(), Some(0));
        let (parent, before) = (pid_in(PARENT).expect("it is up"), role());
        upgrade();
        upgrade();
        assert!(pid_in(PARENT) == Some(parent) && lives(parent) && role() != before && !lives(before));
        kill(parent, Signal::SIGTERM).expect("it is there");
        wait_until("the end", || !lives(parent) && !Path::new(PARENT).exists());
    });
}
