//! Links that are polled once a second, by a thread of its own: the kernel may hold up whoever asks.

use crate::model::vrrp::{Linkbeat, LinkbeatMethod};
use crate::sys::linkbeat::{ethtool, flags, mii};
use crate::sys::signal::leave_children;
use nix::sys::eventfd::{EfdFlags, EventFd};
use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

const BEAT: Duration = Duration::from_secs(1);
const STACK: usize = 128 * 1024;

/// It polls until it is dropped.
#[derive(Debug)]
pub struct Poller {
    answers: Receiver<(Box<str>, bool)>,
    ready: Arc<EventFd>,
    /// Dropped, it ends the thread.
    _end: Sender<()>,
}

impl Poller {
    /// Polls in the calling thread's network namespace.
    pub fn start(links: Vec<Linkbeat>) -> io::Result<Self> {
        let ready = Arc::new(EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)?);
        // Any socket will do to ask by.
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        let (tell, answers) = channel();
        let (_end, end) = channel::<()>();
        let told = Arc::clone(&ready);
        let beat = move || {
            leave_children();
            let mut known: HashMap<Box<str>, bool> = HashMap::new();
            loop {
                for Linkbeat { interface, method } in &links {
                    // An interface that is not there is none of ours to tell.
                    let Some(up) = ask(socket.as_fd(), interface, *method) else { continue };
                    if known.insert(interface.clone(), up) != Some(up) {
                        let _ = tell.send((interface.clone(), up));
                        // It can only fail by being readable already.
                        let _ = told.write(1);
                    }
                }
                if end.recv_timeout(BEAT) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
        };
        std::thread::Builder::new().name("linkbeat".to_owned()).stack_size(STACK).spawn(beat)?;
        Ok(Self { answers, ready, _end })
    }

    /// What has changed, or is known for the first time.
    pub fn answers(&self) -> Vec<(Box<str>, bool)> {
        // There may be nothing to read.
        let _ = self.ready.read();
        self.answers.try_iter().collect()
    }
}

/// Readable when there are answers.
impl AsFd for Poller {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ready.as_fd()
    }
}

/// By the method, or the first one that works.
fn ask(socket: BorrowedFd<'_>, interface: &str, method: LinkbeatMethod) -> Option<bool> {
    let first = match method {
        LinkbeatMethod::Any | LinkbeatMethod::Mii => mii(socket, interface),
        LinkbeatMethod::Ethtool => ethtool(socket, interface),
        LinkbeatMethod::Ioctl => flags(socket, interface),
    };
    first.or_else(|_| mii(socket, interface)).or_else(|_| ethtool(socket, interface)).or_else(|_| flags(socket, interface)).ok()
}
