//! The BFD daemon of FRR on a host, with the zebra that tells it of interfaces.

use super::host::Host;
use super::monitor::{Lines, collect};
use super::wait::{eventually, within};
use nix::sys::signal::Signal;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

/// Where Debian puts them.
const FOLDER: &str = "/usr/lib/frr";

#[derive(Debug)]
pub(crate) struct Frr {
    folder: PathBuf,
    /// zebra, then bfdd.
    children: [Child; 2],
    lines: Lines,
}

impl Frr {
    /// `configuration` is what stands within `bfd`.
    #[track_caller]
    pub(crate) fn start(host: &Host, configuration: &str) -> Self {
        assert!(Path::new(FOLDER).join("bfdd").exists(), "{FOLDER}/bfdd is missing: install the package frr");
        let folder = host.folder().join("frr");
        std::fs::create_dir_all(folder.join("vty")).expect("a host's folder is writable");
        std::fs::write(folder.join("conf"), format!("bfd\n{configuration}!\n")).expect("a host's folder is writable");
        // They give up being root.
        host.sh(&format!("chown -R frr:frr {}", folder.display()));
        let lines = Lines::default();
        let start = |program: &str, conf: &Path, more: &[&str]| {
            let mut command = Command::new(Path::new(FOLDER).join(program));
            command.arg("-i").arg(folder.join(format!("{program}.pid"))).arg("-z").arg(folder.join("zserv.api"));
            command.arg("--vty_socket").arg(folder.join("vty")).arg("-f").arg(conf).args(["-P", "0", "--log", "stdout"]).args(more);
            let mut child = host.spawn(&command);
            collect(child.stdout.take().expect("it was asked for"), &lines);
            collect(child.stderr.take().expect("it was asked for"), &lines);
            child
        };
        let zebra = start("zebra", Path::new("/dev/null"), &[]);
        eventually("zebra listens", || folder.join("zserv.api").exists().then_some(()));
        let control = folder.join("bfdd.sock").display().to_string();
        let bfdd = start("bfdd", &folder.join("conf"), &["--bfdctl", &control]);
        Self { folder, children: [zebra, bfdd], lines }
    }

    pub(crate) fn bfdd(&self) -> u32 {
        self.children[1].id()
    }

    /// How many sessions it takes for up, and how many there are.
    pub(crate) fn up(&self, host: &Host) -> (usize, usize) {
        let mut command = Command::new("vtysh");
        command.arg("--vty_socket").arg(self.folder.join("vty")).args(["-c", "show bfd peers json"]).stdin(std::process::Stdio::null());
        let output = host.run(move || command.output());
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let peers: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let peers = peers.as_array().map(Vec::as_slice).unwrap_or_default();
        (peers.iter().filter(|peer| peer["status"] == "up").count(), peers.len())
    }
}

impl Drop for Frr {
    fn drop(&mut self) {
        for child in self.children.iter_mut().rev() {
            super::daemon::send(child.id(), Signal::SIGCONT);
            super::daemon::send(child.id(), Signal::SIGTERM);
            if within(Duration::from_secs(5), || child.try_wait().ok().flatten()).is_none() {
                drop(child.kill());
                drop(child.wait());
            }
        }
        if std::thread::panicking() {
            let log: Vec<String> = super::capture::lock(&self.lines).iter().map(|(_, line)| line.clone()).collect();
            eprintln!("the log of FRR:\n{}", log.join("\n"));
        }
    }
}
