//! What the daemon is to the machine: its rights, its scripts at both ends, its log, and the places it can live in.

use super::{CONF, Daemon, VRRP, configure, inside, instance, lives, pid, pid_in, program, role, wait_until};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

fn script(name: &str, text: &str) -> String {
    let path = format!("/run/w/{name}");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
    path
}

/// The fields of /proc/PID/stat from the third on.
fn stat(pid: Pid) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
    text.rsplit(") ").next().unwrap_or_default().split_whitespace().map(str::to_owned).collect()
}

fn field(pid: Pid, file: &str, name: &str) -> String {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).expect("it lives");
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("it has the field");
    line.trim_start_matches(':').trim().to_owned()
}

/// Nice value, real-time priority and policy.
fn place(pid: Pid) -> [String; 3] {
    let stat = stat(pid);
    [16, 37, 38].map(|index| stat[index].clone())
}

#[test]
fn a_process_has_the_place_that_the_configuration_gives_it_and_its_scripts_have_not() {
    inside("surface::a_process_has_the_place_that_the_configuration_gives_it_and_its_scripts_have_not", || {
        let notify = script("notify", "cut -d' ' -f19,41 /proc/$$/stat > /run/w/new; ulimit -c >> /run/w/new; mv /run/w/new /run/w/place");
        let told = instance("A", "e0").replace("priority", &format!("notify_master {notify} root\npriority"));
        let settings =
            "global_defs {\nvrrp_priority -7\nvrrp_rt_priority 12\nvrrp_rlimit_rttime 50000\nvrrp_cpu_affinity 0\nvrrp_no_swap\n}\n";
        configure(&format!("{settings}{told}"));
        let cores = Command::new("sh").args(["-c", "ulimit -c"]).output().expect("a shell").stdout;
        let mut daemon = Daemon::up(&["-m"]);
        let vrrp = role();
        // SCHED_RR
        assert_eq!(place(vrrp), ["-7", "12", "2"]);
        assert_eq!(field(vrrp, "status", "Cpus_allowed_list"), "0");
        assert_ne!(field(vrrp, "status", "VmLck"), "0 kB");
        assert!(field(vrrp, "limits", "Max realtime timeout").starts_with("50000 "));
        assert!(field(vrrp, "limits", "Max core file size").starts_with("unlimited "));
        wait_until("the script has run", || Path::new("/run/w/place").exists());
        let seen = fs::read_to_string("/run/w/place").expect("text");
        assert_eq!(seen, format!("0 0\n{}", String::from_utf8_lossy(&cores)));
        configure(&told);
        daemon.signal(Signal::SIGHUP);
        daemon.expect("Reload complete");
        wait_until("it has given all that back", || place(vrrp) == ["0", "0", "0"]);
        wait_until("the memory too", || field(vrrp, "status", "VmLck") == "0 kB");
        assert_eq!(field(vrrp, "status", "Cpus_allowed_list"), field(pid(daemon.child.id()), "status", "Cpus_allowed_list"));
        assert_eq!(daemon.count("cannot be had"), 0, "{}", daemon.said());
        daemon.stop();
    });
}

#[test]
fn processes_are_called_what_the_configuration_calls_them() {
    inside("surface::processes_are_called_what_the_configuration_calls_them", || {
        let names = |settings: &str| {
            configure(&format!("global_defs {{\n{settings}\n}}\n{}", instance("A", "e0")));
            let mut daemon = Daemon::up(&[]);
            daemon.expect("(A) Entering MASTER STATE");
            let names = [pid(daemon.child.id()), role()].map(|process| field(process, "status", "Name"));
            daemon.stop();
            names
        };
        let [parent, child] = names("");
        assert_eq!(parent, child);
        for (settings, want) in [
            ("process_names", ["keepalived", "keepalived_vrrp"]),
            ("process_name boss", ["boss", "boss"]),
            ("process_name boss\nprocess_names", ["boss", "keepalived_vrrp"]),
            ("vrrp_process_name speaker", [&*parent, "speaker"]),
        ] {
            assert_eq!(names(settings), want, "{settings}");
        }
    });
}

#[test]
fn the_place_of_the_bfd_process_is_its_own() {
    inside("surface::the_place_of_the_bfd_process_is_its_own", || {
        let session = "bfd_instance b {\nneighbor_ip 10.9.0.20\nsource_ip 10.9.0.10\n}\n";
        let settings = "global_defs {\nbfd_priority -5\nbfd_rt_priority 9\nbfd_rlimit_rttime 40000\nbfd_cpu_affinity 0\nbfd_no_swap\n\
                        bfd_process_name watcher\n}\n";
        configure(&format!("{settings}{session}{}", instance("A", "e0")));
        let mut daemon = Daemon::up(&[]);
        let (vrrp, own) = (role(), pid(daemon.child.id()));
        let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children")).expect("it lives");
        let children: Vec<Pid> = children.split_whitespace().map(|number| Pid::from_raw(number.parse().expect("a pid"))).collect();
        let bfd = children.iter().copied().find(|&child| child != vrrp).expect("the BFD process");
        wait_until("it has its place", || place(bfd) == ["-5", "9", "2"]);
        wait_until("it is not swapped", || field(bfd, "status", "VmLck") != "0 kB");
        assert_eq!(field(bfd, "status", "Name"), "watcher");
        assert_eq!(field(bfd, "status", "Cpus_allowed_list"), "0");
        assert!(field(bfd, "limits", "Max realtime timeout").starts_with("40000 "));
        assert_eq!(place(vrrp), ["0", "0", "0"]);
        daemon.stop();
    });
}

#[test]
fn whoever_is_late_takes_a_higher_priority_if_that_is_allowed() {
    inside("surface::whoever_is_late_takes_a_higher_priority_if_that_is_allowed", || {
        let allowed = "global_defs {\nmax_auto_priority 20\nmin_auto_priority_delay 900000\n}\n";
        configure(&format!("{allowed}{}", instance("A", "e0")));
        let mut daemon = Daemon::up(&[]);
        daemon.expect("(A) Entering MASTER STATE");
        assert_eq!(place(role())[1], "0");
        kill(role(), Signal::SIGSTOP).expect("it is there");
        std::thread::sleep(std::time::Duration::from_secs(3));
        kill(role(), Signal::SIGCONT).expect("it is there");
        daemon.expect("A thread timer expired ");
        daemon.expect("Set realtime priority 10");
        wait_until("it has it", || place(role()) == ["0", "10", "2"]);
        assert_eq!(daemon.count("NOTICE: setting config option max_auto_priority"), 0);
        daemon.stop();
        // Ten seconds are more than it is late.
        configure(&format!("{}{}", allowed.replace("900000", "10000000"), instance("A", "e0")));
        let mut daemon = Daemon::up(&[]);
        daemon.expect("(A) Entering MASTER STATE");
        kill(role(), Signal::SIGSTOP).expect("it is there");
        std::thread::sleep(std::time::Duration::from_secs(3));
        kill(role(), Signal::SIGCONT).expect("it is there");
        std::thread::sleep(std::time::Duration::from_secs(1));
        assert_eq!(place(role())[1], "0");
        daemon.stop();
        assert_eq!(daemon.count("A thread timer expired "), 0, "{}", daemon.said());
        configure(&instance("A", "e0"));
        let mut daemon = Daemon::up(&[]);
        daemon.expect("NOTICE: setting config option max_auto_priority");
        daemon.stop();
    });
}

fn has(capabilities: &str, number: u32) -> bool {
    u64::from_str_radix(capabilities, 16).expect("a mask") >> number & 1 == 1
}

#[test]
fn rights_that_are_not_needed_are_given_up_and_scripts_of_root_have_them_all() {
    inside("surface::rights_that_are_not_needed_are_given_up_and_scripts_of_root_have_them_all", || {
        let notify = script("notify", "sed -n 's/^CapEff:.//p' /proc/$$/status > /run/w/new && mv /run/w/new /run/w/rights");
        configure(&instance("A", "e0").replace("priority", &format!("notify_master {notify} root\npriority")));
        let mut daemon = Daemon::up(&[]);
        let mine = field(pid(daemon.child.id()), "status", "CapEff");
        for kind in ["CapEff", "CapPrm"] {
            let its = field(role(), "status", kind);
            // SYS_MODULE, SYS_RAWIO, SYS_BOOT, SYS_TIME; NET_ADMIN, NET_RAW, SETUID.
            assert!([16, 17, 22, 25].iter().all(|&number| !has(&its, number)), "{its}");
            assert!([12, 13, 7].iter().all(|&number| has(&its, number) == has(&mine, number)), "{its}");
        }
        wait_until("the script has run", || Path::new("/run/w/rights").exists());
        assert_eq!(fs::read_to_string("/run/w/rights").expect("text").trim(), mine);
        daemon.stop();
    });
}

#[test]
fn a_script_comes_before_everything_and_another_after_it() {
    inside("surface::a_script_comes_before_everything_and_another_after_it", || {
        let first = script("first", "while [ ! -e /run/w/go ]; do sleep 0.05; done; echo first >> /run/w/order");
        let last = script("last", "echo last $(ip -o address show dev e0 | grep -c 10.9.0.51) $(cat /run/keepalived.pid) >> /run/w/order");
        let scripts = format!(
            "global_defs {{\nstartup_script {first} root\nshutdown_script {last} root\nshutdown_script_timeout 60\nstartup_script_timeout 60\n}}\n"
        );
        configure(&format!("{scripts}{}", instance("A", "e0")));
        let mut daemon = Daemon::start(&[]);
        daemon.expect("Running startup script ");
        // A request that comes too early is kept, and is part of the start.
        daemon.signal(Signal::SIGHUP);
        assert_eq!(daemon.count("Starting VRRP child process"), 0);
        fs::write("/run/w/go", "").expect("a file");
        daemon.expect("(A) Entering MASTER STATE");
        daemon.expect("Reload plan: nothing changes");
        assert_eq!(fs::read_to_string("/run/w/order").expect("text"), "first\n");
        let number = daemon.child.id();
        daemon.stop();
        assert_eq!(fs::read_to_string("/run/w/order").expect("text"), format!("first\nlast 0 {number}\n"));
    });
}

#[test]
fn scripts_that_fail_or_hang_hold_nothing_up_for_long() {
    inside("surface::scripts_that_fail_or_hang_hold_nothing_up_for_long", || {
        let deaf = script("deaf", "trap '' TERM; while :; do sleep 0.1; done");
        let bad = script("bad", "exit 3");
        let scripts = format!("global_defs {{\nstartup_script {deaf} root\nstartup_script_timeout 1\nshutdown_script {bad} root\n}}\n");
        configure(&format!("{scripts}{}", instance("A", "e0")));
        let mut daemon = Daemon::up(&[]);
        daemon.expect("Startup script timed out");
        daemon.expect("Startup script was ended by SIGKILL");
        daemon.stop();
        daemon.expect("Shutdown script failed, status 3");
        // A stop does not wait for the beginning.
        let slow = script("slow", "exec sleep 1000");
        configure(&format!("global_defs {{\nstartup_script {slow} root\nstartup_script_timeout 900\n}}\n{}", instance("A", "e0")));
        let mut daemon = Daemon::start(&[]);
        daemon.expect("Running startup script ");
        daemon.stop();
        assert_eq!(daemon.count("Starting VRRP child process"), 0);
    });
}

#[test]
fn core_dumps_have_the_name_that_is_asked_for_as_long_as_the_daemon_runs() {
    inside("surface::core_dumps_have_the_name_that_is_asked_for_as_long_as_the_daemon_runs", || {
        fs::write("/run/w/pattern", "as it was\n").expect("a file");
        let pattern = "/proc/sys/kernel/core_pattern";
        let covered = Command::new("mount").args(["--bind", "/run/w/pattern", pattern]).status().expect("mount(8)");
        assert!(covered.success());
        configure(&instance("A", "e0"));
        let mut daemon = Daemon::up(&["-M/cores/%p"]);
        assert_eq!(fs::read_to_string(pattern).expect("text"), "/cores/%p");
        assert!(field(role(), "limits", "Max core file size").starts_with("unlimited "));
        daemon.stop();
        assert_eq!(fs::read_to_string(pattern).expect("text"), "as it was\n");
    });
}

#[test]
fn the_log_can_be_had_as_json_and_with_fields() {
    inside("surface::the_log_can_be_had_as_json_and_with_fields", || {
        fs::create_dir_all("/run/systemd/journal").expect("a folder");
        let journal = UnixDatagram::bind("/run/systemd/journal/socket").expect("a socket");
        journal.set_read_timeout(Some(super::PATIENCE)).expect("a limit");
        configure(&format!("standfast {{\nlog_json /run/w/log.json\nlog_journal\n}}\n{}", instance("A", "e0")));
        let mut command = program();
        let mut daemon = Daemon::spawn(command.args(["-n", "-l", "-f", CONF]));
        daemon.expect("(A) Entering MASTER STATE");
        let mut buffer = [0; 8192];
        let entry = std::iter::repeat_with(|| {
            let length = journal.recv(&mut buffer).expect("an entry");
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        })
        .find(|entry| entry.contains("MESSAGE=(A) Entering MASTER STATE\n"))
        .expect("there is no end of them");
        for line in ["PRIORITY=6", "SYSLOG_IDENTIFIER=Keepalived_vrrp", &format!("SYSLOG_PID={}", role()), "STANDFAST_INSTANCE=A"] {
            assert!(entry.lines().any(|found| found == line), "{line}\n{entry}");
        }
        daemon.stop();
        let text = fs::read_to_string("/run/w/log.json").expect("a file");
        let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert!(lines.iter().any(|line| line["ident"] == "Keepalived" && line["text"] == "Startup complete"), "{text}");
        assert!(lines.iter().any(|line| line["ident"] == "Keepalived_vrrp" && line["instance"] == "A"), "{text}");
    });
}

#[test]
fn in_a_network_namespace_it_has_a_folder_of_its_own() {
    inside("surface::in_a_network_namespace_it_has_a_folder_of_its_own", || {
        for line in [
            "netns add left",
            "-n left link add e0 type veth peer name p0",
            "-n left addr add 10.9.0.10/24 dev e0",
            "-n left link set p0 up",
            "-n left link set e0 up",
        ] {
            assert!(Command::new("ip").args(line.split(' ')).status().expect("ip(8)").success(), "{line}");
        }
        configure(&format!("net_namespace left\nnet_namespace_ipvs\n{}", instance("A", "e0")));
        let mut daemon = Daemon::up(&[]);
        let number = daemon.child.id();
        let outside = "/run/keepalived/left/keepalived.pid";
        assert_eq!(pid_in(outside), Some(pid(number)));
        // What it sees itself.
        assert_eq!(pid_in(&format!("/proc/{number}/root/run/keepalived/keepalived.pid")), Some(pid(number)));
        let vrrp = pid_in("/run/keepalived/left/vrrp.pid").expect("it is up");
        let namespace = |path: String| fs::read_link(path).expect("a namespace");
        assert_ne!(namespace(format!("/proc/{vrrp}/ns/net")), namespace("/proc/self/ns/net".to_owned()));
        // A second one is told so.
        let mut second = Daemon::start(&[]);
        assert_eq!(second.end().code(), Some(0));
        second.expect("daemon is already running");
        assert_eq!(pid_in(outside), Some(pid(number)));
        daemon.stop();
        assert!(!Path::new("/run/keepalived").exists());
    });
}

#[test]
fn it_lives_as_process_1_where_nothing_but_run_can_be_written() {
    inside("surface::it_lives_as_process_1_where_nothing_but_run_can_be_written", || {
        let notify = script("notify", "(sleep 0.2; echo done > /run/w/orphan) &\nexit 0");
        configure(&instance("A", "e0").replace("priority", &format!("notify_master {notify} root\npriority")));
        let line = format!("mount -o remount,ro,bind / && ! touch /file && exec {} -n -l -G -D -f {CONF}", env!("CARGO_BIN_EXE_standfast"));
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", &line]).current_dir("/run/w");
        let mut daemon = Daemon::spawn(&mut command);
        daemon.expect("(A) Entering MASTER STATE");
        assert_eq!(pid_in(super::PARENT), Some(Pid::from_raw(1)));
        let outside = daemon.child.id();
        let first = fs::read_to_string(format!("/proc/{outside}/task/{outside}/children")).expect("it has one");
        let first = Pid::from_raw(first.trim().parse().expect("a pid"));
        wait_until("what a script has left behind ends", || Path::new("/run/w/orphan").exists());
        let dead = || {
            let all = fs::read_dir("/proc").expect("it is there").flatten();
            let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
            pids.map(Pid::from_raw).filter(|&pid| {
                let Ok(text) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
                text.rsplit(") ").next().is_some_and(|rest| rest.starts_with(&format!("Z {first} ")))
            })
        };
        wait_until("and is buried", || dead().count() == 0);
        configure(&instance("B", "e0"));
        kill(first, Signal::SIGHUP).expect("it is there");
        daemon.expect("Reload complete");
        kill(first, Signal::SIGTERM).expect("it is there");
        assert_eq!(daemon.end().code(), Some(0), "{}", daemon.said());
        assert!(!Path::new(VRRP).exists() && !lives(first));
    });
}
