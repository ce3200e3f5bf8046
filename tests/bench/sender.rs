//! Frames that no decent program would send.

use super::host::Host;
use nix::sys::socket::{AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, sendto, socket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Puts frames on the wire of one interface.
#[derive(Debug)]
pub(crate) struct Sender {
    socket: OwnedFd,
    interface: LinkAddr,
}

/// The address of an interface, as sockets for frames want it; in the namespace of the caller.
pub(crate) fn link_address(interface: &str) -> Option<LinkAddr> {
    let mut all = nix::ifaddrs::getifaddrs().ok()?;
    all.find_map(|entry| (entry.interface_name == interface).then_some(entry.address?.as_link_addr().copied())?)
}

impl Sender {
    #[track_caller]
    pub(crate) fn new(host: &Host, interface: &str) -> Self {
        let name = interface.to_owned();
        let (socket, interface) = host
            .run(move || (socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None::<SockProtocol>), link_address(&name)));
        Self { socket: socket.expect("root may open packet sockets"), interface: interface.expect("the interface is there") }
    }

    /// Whether it went out.
    pub(crate) fn send(&self, frame: &[u8]) -> bool {
        sendto(self.socket.as_raw_fd(), frame, &self.interface, MsgFlags::empty()).is_ok()
    }
}

/// Frames at a steady rate, until it is dropped.
#[derive(Debug)]
pub(crate) struct Stream {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Stream {
    /// The first one at once. `frame` is given the number of the frame it is to make.
    #[track_caller]
    pub(crate) fn start(sender: Sender, interval: Duration, mut frame: impl FnMut(u64) -> Vec<u8> + Send + 'static) -> Self {
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, count) = (Arc::clone(&stop), Arc::clone(&sent));
        let thread = std::thread::Builder::new().name("stream".to_owned()).spawn(move || {
            let mut due = Instant::now();
            while !stopped.load(Ordering::Relaxed) {
                let number = count.load(Ordering::Relaxed);
                sender.send(&frame(number));
                count.store(number + 1, Ordering::Relaxed);
                // What a busy machine has missed is not made up for in a burst.
                due = (due + interval).max(Instant::now());
                while Instant::now() < due && !stopped.load(Ordering::Relaxed) {
                    std::thread::sleep((due - Instant::now()).min(Duration::from_millis(20)));
                }
            }
        });
        Self { stop, sent, thread: Some(thread.expect("a thread can be started")) }
    }

    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
