//! What passes an interface, with the kernel's time.

use super::host::Host;
use super::packet::{Advert, Arp, Mac, Packet, read};
use super::sender::link_address;
use nix::sys::socket::{
    AddressFamily, ControlMessageOwned, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, bind, recvmsg, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeSpec, TimeVal, TimeValLike};
use std::io::IoSliceMut;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) at: SystemTime,
    /// Sent by the host whose interface it is.
    pub(crate) outgoing: bool,
    pub(crate) source: Mac,
    pub(crate) destination: Mac,
    pub(crate) packet: Packet,
    pub(crate) bytes: Vec<u8>,
}

impl Frame {
    pub(crate) fn advert(&self) -> Option<&Advert> {
        match &self.packet {
            Packet::Vrrp(advert) => Some(advert),
            Packet::Arp(_) | Packet::Neighbour { .. } | Packet::Other => None,
        }
    }

    pub(crate) fn arp(&self) -> Option<&Arp> {
        match &self.packet {
            Packet::Arp(arp) => Some(arp),
            Packet::Vrrp(_) | Packet::Neighbour { .. } | Packet::Other => None,
        }
    }
}

/// A thread that keeps VRRP, ARP and neighbour advertisements. It is in place when [`Capture::new`] returns.
#[derive(Debug)]
pub(crate) struct Capture {
    frames: Arc<Mutex<Vec<Frame>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Of the socket: a benchmark's bursts must not be lost.
const BUFFER: usize = 64 << 20;
/// `PACKET_OUTGOING` of linux/if_packet.h.
const OUTGOING: u8 = 4;

impl Capture {
    #[track_caller]
    pub(crate) fn new(host: &Host, interface: &str) -> Self {
        let name = interface.to_owned();
        let opened = host.run(move || open(&name)).expect("root may open packet sockets");
        let frames = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (kept, stopped) = (Arc::clone(&frames), Arc::clone(&stop));
        let thread = std::thread::Builder::new().name("capture".to_owned()).spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                // Nothing arrives in time, or the interface is down for a while.
                let Some(frame) = receive(&opened) else { continue };
                if frame.packet != Packet::Other {
                    lock(&kept).push(frame);
                }
            }
        });
        Self { frames, stop, thread: Some(thread.expect("a thread can be started")) }
    }

    /// What was seen so far and is accepted.
    pub(crate) fn select<T>(&self, accept: impl FnMut(&Frame) -> Option<T>) -> Vec<T> {
        lock(&self.frames).iter().filter_map(accept).collect()
    }

    /// The adverts of a sender.
    pub(crate) fn adverts(&self, from: Mac) -> Vec<(SystemTime, Advert)> {
        self.select(|frame| (frame.source == from).then_some((frame.at, frame.advert()?.clone())))
    }

    pub(crate) fn clear(&self) {
        lock(&self.frames).clear();
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// A thread that panicked has failed the test already.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn open(interface: &str) -> nix::Result<OwnedFd> {
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::EthAll)?;
    bind(socket.as_raw_fd(), &link_address(interface).ok_or(nix::Error::ENODEV)?)?;
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
    setsockopt(&socket, sockopt::RcvBufForce, &BUFFER)?;
    setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::milliseconds(50))?;
    Ok(socket)
}

fn receive(socket: &OwnedFd) -> Option<Frame> {
    let mut buffer = [0_u8; 2048];
    let mut control = nix::cmsg_space!(TimeSpec);
    let mut slices = [IoSliceMut::new(&mut buffer)];
    let got = recvmsg::<LinkAddr>(socket.as_raw_fd(), &mut slices, Some(&mut control), MsgFlags::empty()).ok()?;
    let at = got.cmsgs().ok()?.find_map(|message| match message {
        ControlMessageOwned::ScmTimestampns(time) => Some(SystemTime::UNIX_EPOCH + Duration::from(time)),
        _ => None,
    })?;
    let outgoing = got.address?.pkttype() == OUTGOING;
    let length = got.bytes.min(2048);
    let bytes = buffer[..length].to_vec();
    let (destination, source, packet) = read(&bytes)?;
    Some(Frame { at, outgoing, source, destination, packet, bytes })
}
