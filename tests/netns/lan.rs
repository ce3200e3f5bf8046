//! Two network namespaces and a cable between them: `e0` (10.9.0.10, fe80::10) in the near one, where the thread is to
//! begin with, and `p0` (10.9.0.20, fe80::20) in the far one. They end with the test.

#![expect(clippy::disallowed_methods, reason = "it builds networks with ip")]

use crate::bench::eventually;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, setns, unshare};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};
use std::process::Command;

pub(crate) const E0: u32 = 10;
pub(crate) const P0: u32 = 20;

pub(crate) struct Lan {
    near: File,
    far: File,
}

impl Lan {
    pub(crate) fn new() -> Self {
        let lan = Self { near: namespace(), far: namespace() };
        lan.near();
        lan.cable("e0", E0, "p0", P0);
        lan.far();
        ip("addr add 10.9.0.20/24 dev p0");
        ip("addr add fe80::20/64 dev p0 nodad");
        lan.near();
        ip("addr add 10.9.0.10/24 dev e0");
        ip("addr add fe80::10/64 dev e0 nodad");
        lan
    }

    /// From a new interface here to a new one over there.
    pub(crate) fn cable(&self, here: &str, index: u32, there: &str, far_index: u32) {
        let far = format!("/proc/{}/fd/{}", std::process::id(), self.far.as_raw_fd());
        let mac = |number: u32| format!("02:00:00:00:00:{number:02x}");
        self.near();
        ip(&format!(
            "link add {here} index {index} address {} type veth peer name {there} index {far_index} address {} netns {far}",
            mac(index),
            mac(far_index)
        ));
        for name in [here, there] {
            ip(&format!("link set {name} addrgenmode none up"));
            self.far();
        }
        carries(there);
        self.near();
        carries(here);
    }

    /// From now on what the thread does happens here.
    pub(crate) fn near(&self) {
        setns(&self.near, CloneFlags::CLONE_NEWNET).expect("a namespace can be entered");
    }

    /// And now over there.
    pub(crate) fn far(&self) {
        setns(&self.far, CloneFlags::CLONE_NEWNET).expect("a namespace can be entered");
    }
}

/// It is the thread's until the next one. Without the privilege to make one the test fails.
fn namespace() -> File {
    unshare(CloneFlags::CLONE_NEWNET).expect("network namespaces need root");
    File::open("/proc/thread-self/ns/net").expect("a thread has a namespace")
}

pub(crate) fn ip(arguments: &str) {
    let output = Command::new("ip").args(arguments.split(' ')).output().expect("ip can be run");
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Waits until the kernel sends what is put on an interface: it drops that for a moment after the interface has come up.
pub(crate) fn carries(name: &str) {
    let is_up = || {
        let output = Command::new("ip").args(["-o", "link", "show", name]).output().expect("ip can be run");
        String::from_utf8_lossy(&output.stdout).contains("state UP")
    };
    eventually(&format!("{name} is up"), || is_up().then_some(()));
}

/// Whether something came in time; on a busy machine that may take a while.
pub(crate) fn comes(what: &impl AsFd) -> bool {
    poll(&mut [PollFd::new(what.as_fd(), PollFlags::POLLIN)], PollTimeout::from(10_000_u16)).expect("it can be waited for") == 1
}
