//! A machine: a thread in a network namespace of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

type Job = Box<dyn FnOnce() + Send>;

/// The namespace is there as long as the thread and what was started by it.
#[derive(Debug)]
pub(crate) struct Host {
    name: String,
    folder: PathBuf,
    /// How other processes call the namespace.
    namespace: String,
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

static HOSTS: AtomicU32 = AtomicU32::new(0);

/// `ip link` takes the name of a bridge port from it, so it is to be short.
const LONGEST_NAME: usize = 10;

impl Host {
    #[track_caller]
    pub(crate) fn new(name: &str) -> Self {
        assert!(nix::unistd::geteuid().is_root(), "these tests make network namespaces: run them as root");
        assert!(name.len() <= LONGEST_NAME, "the name of a host is at most {LONGEST_NAME} bytes long");
        let number = HOSTS.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("standfast-{}-{number}-{name}", std::process::id()));
        std::fs::create_dir_all(folder.join("tmp")).expect("a folder for a host can be made");
        let (jobs, queue) = channel::<Job>();
        let (tell, told) = channel();
        let thread = std::thread::Builder::new()
            .name(format!("host {name}"))
            .spawn(move || {
                let entered = nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET);
                if tell.send(entered.map(|()| nix::unistd::gettid())).is_ok() && entered.is_ok() {
                    for job in queue {
                        job();
                    }
                }
            })
            .expect("a thread can be started");
        let id = told.recv().expect("the thread answers first of all").expect("a network namespace can be made");
        let namespace = format!("/proc/{}/task/{id}/ns/net", std::process::id());
        let host = Self { name: name.to_owned(), folder, namespace, jobs: Some(jobs), thread: Some(thread) };
        host.ip("link set lo up");
        // Addresses are there at once instead of a second later, and nobody asks for routers.
        for (setting, value) in [("accept_dad", "0"), ("router_solicitations", "0")] {
            host.write(&format!("/proc/sys/net/ipv6/conf/default/{setting}"), value);
            host.write(&format!("/proc/sys/net/ipv6/conf/all/{setting}"), value);
        }
        host
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// For files; it goes when the host goes.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Runs it in the namespace. A socket made there stays there, whoever uses it.
    pub(crate) fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        let (tell, told) = channel();
        let job: Job = Box::new(move || drop(tell.send(job())));
        self.jobs.as_ref().expect("the queue is there until the host is dropped").send(job).expect("the host is alive");
        told.recv().expect("a job of a host must not panic")
    }

    /// Starts a program; it is killed when the host goes, if not before.
    pub(crate) fn spawn(&self, command: &Command) -> Child {
        let mut dying = Command::new("setpriv");
        dying.args(["--pdeathsig", "KILL", "--"]).arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => dying.env(key, value),
                None => dying.env_remove(key),
            };
        }
        dying.current_dir(&self.folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.run(move || dying.spawn()).expect("setpriv (util-linux) is installed")
    }

    /// Runs a command with its words separated by blanks, which must succeed, and returns what it printed.
    #[track_caller]
    pub(crate) fn sh(&self, line: &str) -> String {
        match self.attempt(line) {
            Ok(output) => output,
            Err(message) => {
                assert!(message.is_empty(), "{}: `{line}`: {message}", self.name);
                String::new()
            }
        }
    }

    /// The error is what it said, and never empty.
    pub(crate) fn attempt(&self, line: &str) -> Result<String, String> {
        let mut words = line.split_whitespace();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).stdin(Stdio::null());
        let output = self.run(move || command.output()).map_err(|error| format!("it cannot be run: {error}"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)))
    }

    #[track_caller]
    pub(crate) fn ip(&self, line: &str) -> String {
        self.sh(&format!("ip {line}"))
    }

    /// Many `ip` commands in one go.
    #[track_caller]
    pub(crate) fn ip_batch(&self, lines: &[String]) {
        let file = self.folder.join("batch");
        std::fs::write(&file, lines.join("\n")).expect("a host's folder is writable");
        self.ip(&format!("-batch {}", file.display()));
    }

    /// Rules of nftables, as in a file of them.
    #[track_caller]
    pub(crate) fn nft(&self, rules: &str) {
        let file = self.folder.join("rules");
        std::fs::write(&file, rules).expect("a host's folder is writable");
        self.sh(&format!("nft -f {}", file.display()));
    }

    /// Below /proc/sys/net a write is the namespace's own.
    #[track_caller]
    pub(crate) fn write(&self, path: &str, text: &str) {
        let (path, text) = (PathBuf::from(path), text.to_owned());
        let shown = path.display().to_string();
        let written = self.run(move || std::fs::write(path, text));
        assert!(written.is_ok(), "{}: {shown}: {written:?}", self.name);
    }

    /// Whether an address is on one of its interfaces.
    pub(crate) fn has_address(&self, address: &str) -> bool {
        let want = format!("{address}/");
        self.ip("-o addr show").split_whitespace().any(|word| word.starts_with(&want))
    }

    pub(crate) fn mac(&self, interface: &str) -> super::packet::Mac {
        let shown = self.ip(&format!("-o link show dev {interface}"));
        let word = shown.split_whitespace().skip_while(|word| *word != "link/ether").nth(1);
        word.and_then(super::packet::Mac::parse).expect("an Ethernet interface has an address")
    }

    /// From here on this host hears nothing that comes in by an interface and matches; it still speaks.
    #[track_caller]
    pub(crate) fn deafen(&self, interface: &str, what: &str) {
        self.nft(&format!(
            "table netdev deaf {{ chain ingress {{ type filter hook ingress device \"{interface}\" priority 0; {what} drop; }}; }}\n"
        ));
    }

    /// Takes [`Self::deafen`] back.
    #[track_caller]
    pub(crate) fn listen(&self) {
        self.sh("nft delete table netdev deaf");
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A job that panicked has failed the test already.
            drop(thread.join());
        }
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

#[cfg(test)]
mod tests {
    use super::super::cost::alive;
    use super::super::wait::eventually;
    use super::*;

    #[test]
    fn a_host_takes_its_files_and_processes_along() {
        let host = Host::new("brief");
        let mut sleep = Command::new("sleep");
        sleep.arg("600");
        let mut child = host.spawn(&sleep);
        let folder = host.folder().to_owned();
        assert!(folder.exists() && alive(child.id()));
        // Until it is what it is to be, it does not know yet whom to die with.
        let comm = format!("/proc/{}/comm", child.id());
        eventually("it sleeps", || std::fs::read_to_string(&comm).ok().filter(|name| name == "sleep\n"));
        assert_eq!(host.ip("-o link show").lines().count(), 1, "a namespace of its own has the loopback only");
        drop(host);
        eventually("its process is dead", || child.try_wait().ok().flatten());
        assert!(!folder.exists());
    }

    #[test]
    fn a_command_that_fails_says_why() {
        let host = Host::new("brief");
        let message = host.attempt("ip link set nowhere up").expect_err("there is no such interface");
        assert!(message.contains("nowhere"), "{message}");
    }
}
