//! A room of its own for a test: network, mounts and processes, which end with it. That takes the superuser's rights.

#![expect(clippy::disallowed_methods, reason = "it runs programs and waits")]

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Long enough for the slowest machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

const INSIDE: &str = "STANDFAST_TEST_INSIDE";

/// A router with e0, a tmpfs as /run, and nothing in /dev but what programs need.
const ROOM: &str = "set -e
mount --make-rprivate /
mount -t tmpfs none /run
mkdir /run/dev /run/netns /run/w
for node in null zero urandom; do touch /run/dev/$node; mount --bind /dev/$node /run/dev/$node; done
mount --rbind /run/dev /dev
ip link set lo up
ip link add e0 type veth peer name p0
ip addr add 10.9.0.10/24 dev e0
ip link set e0 up
ip link set p0 up
";

/// Runs a test there, as the first process; `name` is what this program calls it. More is done to the room beforehand by a
/// shell.
pub(crate) fn inside(name: &str, more: &str, test: impl FnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        let made = Command::new("sh").args(["-c", &format!("{ROOM}{more}")]).status().expect("a shell");
        assert!(made.success(), "the room could not be made");
        test();
        return;
    }
    let this = std::env::current_exe().expect("this program has a path");
    let output = Command::new("unshare")
        .args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--"])
        .arg(this)
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, "1")
        .stdin(Stdio::null())
        .output()
        .expect("unshare(1) is there");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("1 passed"), "this test needs the superuser's rights\n{out}\n{err}");
}

pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < end, "{what} has not come");
        thread::sleep(Duration::from_millis(10));
    }
}
