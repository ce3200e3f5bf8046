//! The daemon as processes: how it starts and stops, what becomes of its parts when they die, what a reload may do. Each test
//! has network, mounts and processes of its own, which end with it; that takes the superuser's rights, without which it fails.

#![expect(clippy::disallowed_methods, reason = "processes are started here, and waited for")]

mod reload;
mod surface;

use crate::room::{self, PATIENCE, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

fn inside(name: &str, test: impl FnOnce()) {
    room::inside(&format!("process::{name}"), "", test);
}

const CONF: &str = "/run/w/k.conf";
const PARENT: &str = "/run/keepalived.pid";
const VRRP: &str = "/run/vrrp.pid";

fn instance(name: &str, interface: &str) -> String {
    format!(
        "vrrp_instance {name} {{\ninterface {interface}\nvirtual_router_id 51\npriority 150\nadvert_int 0.5\nversion 3\n\
         virtual_ipaddress {{\n10.9.0.51\n}}\n}}\n"
    )
}

fn configure(text: &str) {
    fs::write(CONF, text).expect("a configuration");
}

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_standfast"));
    command.current_dir("/run/w").env_remove("NOTIFY_SOCKET");
    command
}

/// A daemon in the foreground, with all that it says.
struct Daemon {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Daemon {
    fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the daemon");
        let mut log = child.stderr.take().expect("a pipe");
        let said = Arc::new(Mutex::new(String::new()));
        let shared = Arc::clone(&said);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = log.read(&mut buffer) {
                let mut said = shared.lock().expect("nobody panics with it");
                said.push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
        });
        Self { child, said }
    }

    fn start(extra: &[&str]) -> Self {
        Self::spawn(program().args(["-n", "-l", "-G", "-f", CONF]).args(extra))
    }

    /// The same, when it is up.
    fn up(extra: &[&str]) -> Self {
        let daemon = Self::start(extra);
        daemon.expect("Startup complete");
        daemon
    }

    fn said(&self) -> String {
        self.said.lock().expect("nobody panics with it").clone()
    }

    fn count(&self, text: &str) -> usize {
        self.said().matches(text).count()
    }

    fn expect(&self, text: &str) {
        self.expect_times(text, 1);
    }

    fn expect_times(&self, text: &str, times: usize) {
        let end = Instant::now() + PATIENCE;
        while self.count(text) < times {
            assert!(Instant::now() < end, "{text} was to be said {times} times:\n{}", self.said());
            thread::sleep(Duration::from_millis(5));
        }
    }

    fn signal(&self, signal: Signal) {
        kill(pid(self.child.id()), signal).expect("it is there");
    }

    fn end(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the end", || {
            status = self.child.try_wait().expect("a child of ours");
            status.is_some()
        });
        status.expect("it has ended")
    }

    fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        assert_eq!(self.end().code(), Some(0), "{}", self.said());
    }
}

fn pid(number: u32) -> Pid {
    Pid::from_raw(i32::try_from(number).expect("a pid"))
}

/// What a PID file says, when it says something.
fn pid_in(path: &str) -> Option<Pid> {
    fs::read_to_string(path).ok()?.trim().parse().ok().map(Pid::from_raw)
}

fn role() -> Pid {
    pid_in(VRRP).expect("there is a VRRP process")
}

fn lives(pid: Pid) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // After the name in brackets: Z has ended.
    !status.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z'))
}

/// Kills the VRRP process and waits for the next.
fn replace(signal: Signal) -> Pid {
    let old = role();
    kill(old, signal).expect("it is there");
    wait_until("another VRRP process", || pid_in(VRRP).is_some_and(|new| new != old));
    role()
}

#[test]
fn it_starts_and_stops_in_the_foreground() {
    inside("it_starts_and_stops_in_the_foreground", || {
        configure(&instance("A", "e0"));
        let mut daemon = Daemon::up(&["-D"]);
        assert_eq!(pid_in(PARENT), Some(pid(daemon.child.id())));
        assert_ne!(role(), pid(daemon.child.id()));
        for path in [PARENT, VRRP] {
            assert_eq!(fs::metadata(path).expect("a file").permissions().mode() & 0o777, 0o644);
            assert!(fs::read_to_string(path).expect("text").ends_with('\n'));
        }
        let said = daemon.said();
        let first = said.lines().next().unwrap_or_default();
        assert!(first.get(24..).is_some_and(|rest| rest.starts_with(": Starting Keepalived v2.4.3 (")), "{first}");
        for line in ["Command line: '", "Configuration file /run/w/k.conf", &format!("Starting VRRP child process, pid={}", role())] {
            assert!(said.contains(line), "{line}\n{said}");
        }
        let vrrp = role();
        daemon.stop();
        assert!(!Path::new(PARENT).exists() && !Path::new(VRRP).exists() && !lives(vrrp));
        daemon.expect("Stopped Keepalived v2.4.3");
        assert_eq!(daemon.count("Stopping"), 1);
    });
}

#[test]
fn in_the_background_it_is_up_when_the_command_returns_and_speaks_to_syslog() {
    inside("in_the_background_it_is_up_when_the_command_returns_and_speaks_to_syslog", || {
        configure(&format!("instance x\n{}", instance("A", "e0")));
        let syslog = UnixDatagram::bind("/dev/log").expect("a socket");
        syslog.set_nonblocking(true).expect("a flag");
        let status = program().args(["-f", "k.conf", "-S", "3", "-p", "/run/p.pid"]).status().expect("the daemon");
        assert_eq!(status.code(), Some(0));
        let parent = pid_in("/run/p.pid").expect("it is up");
        assert_eq!(fs::read_link(format!("/proc/{parent}/cwd")).expect("a directory"), Path::new("/"));
        for descriptor in 0..3 {
            assert_eq!(fs::read_link(format!("/proc/{parent}/fd/{descriptor}")).expect("a file"), Path::new("/dev/null"));
        }
        let vrrp = pid_in("/run/keepalived/vrrp_x.pid").expect("it is up");
        let mut said = String::new();
        let mut hear = |text: &str| {
            wait_until(text, || {
                let mut buffer = [0; 8192];
                while let Ok(length) = syslog.recv(&mut buffer) {
                    said.push_str(&String::from_utf8_lossy(&buffer[..length]));
                    said.push('\n');
                }
                said.contains(text)
            });
        };
        hear("<158>");
        hear(": Starting Keepalived v2.4.3 (");
        hear(&format!(" Keepalived_x[{parent}]: Startup complete\n"));
        // The file was named relative to where it was started.
        kill(parent, Signal::SIGHUP).expect("it is there");
        hear(&format!(" Keepalived_x[{parent}]: Reload complete\n"));
        kill(parent, Signal::SIGTERM).expect("it is there");
        hear(&format!(" Keepalived_x[{parent}]: Stopped Keepalived v2.4.3"));
        wait_until("the end", || !lives(parent) && !lives(vrrp));
        assert!(!Path::new("/run/keepalived").exists() && !Path::new("/run/p.pid").exists());
    });
}

#[test]
fn a_second_daemon_is_refused_and_disturbs_nothing() {
    inside("a_second_daemon_is_refused_and_disturbs_nothing", || {
        configure(&instance("A", "e0"));
        let mut daemon = Daemon::up(&[]);
        let vrrp = role();
        let mut second = Daemon::start(&[]);
        assert_eq!(second.end().code(), Some(0));
        second.expect("daemon is already running");
        assert!(lives(vrrp) && role() == vrrp && pid_in(PARENT) == Some(pid(daemon.child.id())));
        daemon.stop();
    });
}

#[test]
fn what_cannot_be_run_ends_with_keepaliveds_exit_status() {
    inside("what_cannot_be_run_ends_with_keepaliveds_exit_status", || {
        for (text, extra, status, line) in [
            ("vrrp_instance A {\ninterface\n}\n", &[][..], 2, "is missing a parameter"),
            (&instance("A", "e9"), &[], 2, "e9"),
            (&instance("A", "e0"), &["-f", "/run/w/nothing.conf"], 6, "Config files missing"),
            (&instance("A", "e0"), &["-s", "nowhere"], 0, "nowhere"),
            (&instance("A", "e0"), &["-p", "/run/no/such/folder/x"], 0, "Cannot open /run/no/such/folder/x pidfile"),
            (&instance("A", "e0"), &["--nonsense"], 1, "nonsense"),
        ] {
            configure(text);
            let mut daemon = Daemon::start(extra);
            assert_eq!(daemon.end().code(), Some(status), "{line}\n{}", daemon.said());
            daemon.expect(line);
            assert_eq!(daemon.count("Nothing was started; the exit status is 0"), usize::from(status == 0), "{line}");
            assert_eq!(daemon.count("Starting VRRP child process"), 0, "{line}");
        }
    });
}

#[test]
fn with_nothing_to_run_it_stays_up_until_a_reload_brings_something() {
    inside("with_nothing_to_run_it_stays_up_until_a_reload_brings_something", || {
        configure("global_defs {\nrouter_id alone\n}\n");
        let mut daemon = Daemon::start(&[]);
        daemon.expect("Warning - keepalived has no configuration to run");
        assert!(!Path::new(VRRP).exists());
        configure(&instance("A", "e0"));
        daemon.signal(Signal::SIGHUP);
        daemon.expect("Reload complete");
        assert!(lives(role()));
        daemon.stop();
        assert!(!Path::new(VRRP).exists());
    });
}

const BALANCER: &str = "virtual_server 10.9.0.51 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.9.0.20 80 {\n}\n}\n";

/// The kernel of a room may have IPVS. In a namespace of users of its own it is nobody's to use.
#[test]
fn without_ipvs_vrrp_goes_on() {
    inside("without_ipvs_vrrp_goes_on", || {
        configure(&format!("net_namespace_ipvs nowhere\n{}{BALANCER}", instance("A", "e0")));
        let mut daemon = Daemon::start(&[]);
        daemon.expect("(A) Entering MASTER STATE");
        let vrrp = role();
        daemon.expect_times("Starting Healthcheck child process", 3);
        daemon.expect("Restart of Healthcheck process delayed");
        assert_eq!(role(), vrrp);
        daemon.stop();
    });
}

#[test]
fn a_role_that_crashes_is_replaced_at_once_and_later_with_delays() {
    inside("a_role_that_crashes_is_replaced_at_once_and_later_with_delays", || {
        configure(&instance("A", "e0"));
        let mut daemon = Daemon::up(&[]);
        let parent = pid_in(PARENT);
        for crash in 1..=4 {
            let dead = role();
            replace(if crash % 2 == 0 { Signal::SIGABRT } else { Signal::SIGKILL });
            daemon.expect(&format!("VRRP child process({dead}) died: Respawning"));
        }
        // Whether all of these were within ten seconds is up to the machine; without a pause there is a fifth that is.
        let mut crashes = 4;
        while daemon.count("Restart of VRRP process delayed") == 0 {
            assert!(crashes < 50, "{}", daemon.said());
            replace(Signal::SIGKILL);
            crashes += 1;
        }
        daemon.expect("Restart of VRRP process delayed 1 seconds to limit respawn rate");
        replace(Signal::SIGKILL);
        daemon.expect("Restart of VRRP process delayed 2 seconds to limit respawn rate");
        assert_eq!(pid_in(PARENT), parent);
        daemon.stop();
        assert!(!Path::new(PARENT).exists() && !Path::new(VRRP).exists());
    });
}

#[test]
fn a_role_that_somebody_stops_is_started_again() {
    inside("a_role_that_somebody_stops_is_started_again", || {
        configure(&instance("A", "e0"));
        let mut daemon = Daemon::up(&[]);
        for delay in [0, 1] {
            replace(Signal::SIGTERM);
            daemon.expect(&format!("Restart of VRRP process delayed {delay} seconds to limit respawn rate"));
        }
        daemon.stop();
    });
}

#[test]
fn without_respawn_a_death_is_the_end() {
    inside("without_respawn_a_death_is_the_end", || {
        configure(&instance("A", "e0"));
        let mut daemon = Daemon::up(&["-R"]);
        let vrrp = role();
        kill(vrrp, Signal::SIGKILL).expect("it is there");
        assert_eq!(daemon.end().code(), Some(0));
        daemon.expect(&format!("VRRP child process({vrrp}) died: Exiting"));
        assert!(!Path::new(PARENT).exists() && !Path::new(VRRP).exists());
    });
}

#[test]
fn a_role_whose_parent_is_killed_stops_and_a_new_daemon_starts_over_the_old_files() {
    inside("a_role_whose_parent_is_killed_stops_and_a_new_daemon_starts_over_the_old_files", || {
        configure(&instance("A", "e0"));
        let mut daemon = Daemon::up(&[]);
        let vrrp = role();
        daemon.signal(Signal::SIGKILL);
        assert_eq!(daemon.end().code(), None);
        // At once: it waits for the old role by itself.
        let mut next = Daemon::up(&[]);
        assert!(!lives(vrrp));
        assert!(pid_in(PARENT) == Some(pid(next.child.id())) && lives(role()));
        next.stop();
    });
}

#[test]
fn a_role_that_does_not_stop_is_killed() {
    inside("a_role_that_does_not_stop_is_killed", || {
        configure(&format!("child_wait_time 1\n{}", instance("A", "e0")));
        let mut daemon = Daemon::up(&[]);
        let vrrp = role();
        kill(vrrp, Signal::SIGSTOP).expect("it is there");
        daemon.stop();
        daemon.expect(&format!("VRRP child process({vrrp}) does not stop: killing it"));
        assert!(!lives(vrrp) && !Path::new(VRRP).exists());
    });
}

#[test]
fn a_reload_that_is_refused_leaves_everything_as_it_is() {
    inside("a_reload_that_is_refused_leaves_everything_as_it_is", || {
        configure(&instance("A", "e0"));
        let mut daemon = Daemon::up(&[]);
        let vrrp = role();
        let mut reloads = 0;
        let mut refused = |daemon: &Daemon, reason: &str| {
            reloads += 1;
            daemon.signal(Signal::SIGHUP);
            daemon.expect_times("Reload refused", reloads);
            let said = daemon.said();
            let line = said.lines().rfind(|line| line.contains("Reload refused")).unwrap_or_default();
            assert!(line.contains(reason), "{reason}\n{said}");
            assert!(lives(vrrp) && role() == vrrp);
        };
        configure("vrrp_instance A {\ninterface\n}\n");
        refused(&daemon, "is missing a parameter");
        configure("");
        refused(&daemon, "no vrrp_instance left");
        configure("\0\u{1}ELF\u{2}\u{3}");
        refused(&daemon, "no vrrp_instance left");
        configure(&instance("A", "e9"));
        refused(&daemon, "interface");
        configure(&format!("instance y\n{}", instance("A", "e0")));
        refused(&daemon, "instance cannot be changed");
        fs::remove_file(CONF).expect("removed");
        refused(&daemon, "Config files missing");
        assert_eq!(daemon.count("Reload complete"), 0);
        configure(&instance("B", "e0"));
        daemon.signal(Signal::SIGHUP);
        daemon.expect("Reload complete");
        assert!(lives(vrrp) && role() == vrrp);
        daemon.stop();
    });
}

#[test]
fn the_service_manager_is_told() {
    inside("the_service_manager_is_told", || {
        configure(&instance("A", "e0"));
        let manager = UnixDatagram::bind("/run/w/notify").expect("a socket");
        manager.set_read_timeout(Some(PATIENCE)).expect("a limit");
        let hear = || {
            let mut buffer = [0; 1024];
            let length = manager.recv(&mut buffer).expect("a message");
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        };
        let mut command = program();
        let mut daemon = Daemon::spawn(command.args(["-n", "-G", "-f", CONF]).env("NOTIFY_SOCKET", "/run/w/notify"));
        let ready = format!("READY=1\nMAINPID={}\nSTATUS=Serving", daemon.child.id());
        assert_eq!(hear(), ready);
        daemon.signal(Signal::SIGHUP);
        assert!(hear().starts_with("RELOADING=1\nMONOTONIC_USEC="));
        assert_eq!(hear(), ready);
        configure("vrrp_instance A {\ninterface\n}\n");
        daemon.signal(Signal::SIGHUP);
        assert!(hear().starts_with("RELOADING=1\n"));
        let refused = hear();
        assert!(refused.starts_with(&format!("READY=1\nMAINPID={}\nSTATUS=Reload refused: ", daemon.child.id())), "{refused}");
        assert!(refused.contains("is missing a parameter") && refused.ends_with("\nERRNO=22"), "{refused}");
        daemon.signal(Signal::SIGTERM);
        assert_eq!(hear(), "STOPPING=1");
        assert_eq!(daemon.end().code(), Some(0));
    });
}

#[test]
fn signals_are_forwarded_and_an_interrupt_can_be_ignored() {
    inside("signals_are_forwarded_and_an_interrupt_can_be_ignored", || {
        configure(&instance("A", "e0"));
        let mut daemon = Daemon::up(&["--ignore-sigint"]);
        let vrrp = role();
        for signal in [Signal::SIGINT, Signal::SIGUSR1, Signal::SIGUSR2] {
            daemon.signal(signal);
        }
        for number in ["36", "63"] {
            let sent = Command::new("kill").args([&format!("-{number}"), &daemon.child.id().to_string()]).status().expect("kill(1)");
            assert!(sent.success());
        }
        daemon.signal(Signal::SIGHUP);
        daemon.expect("Reload complete");
        assert!(role() == vrrp && lives(vrrp) && daemon.count("Stopping") == 0, "{}", daemon.said());
        daemon.stop();
        let mut daemon = Daemon::up(&[]);
        daemon.signal(Signal::SIGINT);
        assert_eq!(daemon.end().code(), Some(0));
    });
}

#[test]
fn a_console_that_nobody_reads_holds_nothing_up() {
    inside("a_console_that_nobody_reads_holds_nothing_up", || {
        configure(&format!("{}{}", instance("A", "e0"), "nonsense 1\n".repeat(900)));
        let mut command = program();
        command.args(["-n", "-l", "-G", "-f", CONF, "-g/run/w/k.log"]).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the daemon");
        let logged = || fs::read_to_string("/run/w/k.log").unwrap_or_default();
        let times = |text: &str| logged().matches(text).count();
        wait_until("the start", || times("Startup complete") == 1);
        for reload in 1..=4 {
            kill(pid(child.id()), Signal::SIGHUP).expect("it is there");
            wait_until("a reload", || times("Reload complete") == reload);
        }
        replace(Signal::SIGKILL);
        kill(pid(child.id()), Signal::SIGTERM).expect("it is there");
        wait_until("the end", || child.try_wait().expect("a child of ours").is_some());
        assert_eq!(times("Stopped Keepalived"), 1);
        let mut read = String::new();
        child.stderr.take().expect("a pipe").read_to_string(&mut read).expect("text");
        assert!(read.starts_with(|c: char| c.is_ascii_uppercase()) && read.len() >= 4096);
    });
}

#[test]
fn a_stream_of_records_is_no_hindrance_to_a_stop() {
    inside("a_stream_of_records_is_no_hindrance_to_a_stop", || {
        let many: String = (1..=200)
            .map(|id| instance(&format!("I{id}"), "e0").replace("router_id 51", &format!("router_id {id}")))
            .map(|text| text.replace("10.9.0.51", "10.9.0.51/24"))
            .collect();
        configure(&many);
        let mut daemon = Daemon::up(&[]);
        std::io::stdout().flush().expect("written");
        daemon.stop();
        assert!(!Path::new(VRRP).exists());
    });
}
