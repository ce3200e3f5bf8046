//! What `ip monitor` tells of a host.

use super::capture::lock;
use super::host::Host;
use super::wait::eventually;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

/// Lines and when they came.
pub(crate) type Lines = Arc<Mutex<Vec<(SystemTime, String)>>>;

/// Collects what is printed, until its end.
pub(crate) fn collect(output: impl Read + Send + 'static, lines: &Lines) {
    let lines = Arc::clone(lines);
    let thread = std::thread::Builder::new().name("lines".to_owned()).spawn(move || {
        let mut reader = BufReader::new(output);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            lock(&lines).push((SystemTime::now(), text));
            line.clear();
        }
    });
    drop(thread.expect("a thread can be started"));
}

#[derive(Debug)]
pub(crate) struct Monitor {
    child: Child,
    lines: Lines,
}

impl Monitor {
    /// Changes of addresses. It is at work when this returns.
    #[track_caller]
    pub(crate) fn addresses(host: &Host) -> Self {
        let mut command = Command::new("ip");
        command.args(["-o", "monitor", "address"]);
        let mut child = host.spawn(&command);
        let lines = Lines::default();
        collect(child.stdout.take().expect("it was asked for"), &lines);
        let monitor = Self { child, lines };
        // It says nothing before the first change, so there is one.
        eventually("ip monitor tells", || {
            host.ip("addr add 127.9.9.9/32 dev lo");
            host.ip("addr del 127.9.9.9/32 dev lo");
            (!lock(&monitor.lines).is_empty()).then_some(())
        });
        super::wait::pause(std::time::Duration::from_millis(50));
        lock(&monitor.lines).clear();
        monitor
    }

    /// The changes of one address, `true` for its removal.
    pub(crate) fn of(&self, address: &str) -> Vec<(SystemTime, bool)> {
        let want = format!("{address}/");
        let told = lock(&self.lines);
        let about = told.iter().filter(|(_, line)| line.split_whitespace().any(|word| word.starts_with(&want)));
        about.map(|(at, line)| (*at, line.starts_with("Deleted"))).collect()
    }

    /// How often an address was removed.
    pub(crate) fn removals(&self, address: &str) -> usize {
        self.of(address).iter().filter(|(_, removed)| *removed).count()
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
