//! The socket: commands go out in batches, and what the kernel refuses comes back by its number.

#![expect(clippy::disallowed_methods, reason = "modprobe is a program, and namespaces are files")]

use super::decode::{Attributes, Content, SeenService, messages};
use super::message::{Answer, Command, number};
use crate::effect::ipvs::delta::Op;
use crate::effect::ipvs::{Dest, DestKey, DestTraffic, ServiceKey, Traffic};
use crate::sys::netlink::descriptor;
use neli::consts::socket::{Msg, NlFamily};
use neli::socket::NlSocket;
use neli::utils::Groups;
use nix::errno::Errno;
use nix::sched::{CloneFlags, setns};
use nix::sys::socket::{setsockopt, sockopt};
use nix::sys::time::TimeVal;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};

/// How many commands go out at once. The kernel carries them out within the call, and all that it refuses must fit into the
/// receive buffer.
pub(super) const BATCH: usize = 200;
/// What it spends on one refusal is less than 4 KiB.
const RECEIVE_BUFFER: usize = 4 << 20;
/// It makes no larger packets.
const PACKET: usize = 64 * 1024;
/// It answers at once. Whoever waited this long would wait for ever.
const PATIENCE_SECONDS: i64 = 10;

/// The timeouts of connections, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    pub tcp: u32,
    pub tcp_fin: u32,
    pub udp: u32,
}

/// What the table needs of the kernel.
pub(super) trait Kernel: std::fmt::Debug + Send {
    /// Carries out up to [`BATCH`] steps, and tells which it refused, in order, by their places in the list.
    fn apply(&mut self, ops: &[Op]) -> io::Result<Vec<(usize, Errno)>>;
    /// Tells of one after the other: there may be very many, and they are looked at all the time.
    fn services(&mut self, each: &mut dyn FnMut(SeenService)) -> io::Result<()>;
    fn service(&mut self, key: ServiceKey) -> io::Result<Option<SeenService>>;
    /// None where the service is not there either.
    fn dests(&mut self, key: ServiceKey) -> io::Result<Vec<Dest>>;
    fn flush(&mut self) -> io::Result<()>;
    fn timeouts(&mut self) -> io::Result<Timeouts>;
    fn set_timeouts(&mut self, timeouts: Timeouts) -> io::Result<()>;
}

pub(super) struct Client {
    socket: NlSocket,
    family: u16,
    sequence: u32,
    packet: Vec<u8>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("family", &self.family).field("sequence", &self.sequence).finish_non_exhaustive()
    }
}

impl Client {
    /// The socket is of the network namespace, or of this thread's.
    pub(super) fn open(namespace: Option<BorrowedFd<'_>>) -> io::Result<Self> {
        let socket = match namespace {
            None => NlSocket::connect(NlFamily::Generic, None, Groups::empty())?,
            Some(namespace) => within(namespace, || NlSocket::connect(NlFamily::Generic, None, Groups::empty()))?,
        };
        let lent = descriptor(&socket);
        // Without the privilege to go beyond the system's limit, up to that.
        let forced = setsockopt(&lent, sockopt::RcvBufForce, &RECEIVE_BUFFER);
        forced.or_else(|_| setsockopt(&lent, sockopt::RcvBuf, &RECEIVE_BUFFER))?;
        setsockopt(&lent, sockopt::ReceiveTimeout, &TimeVal::new(PATIENCE_SECONDS, 0))?;
        let mut client = Self { socket, family: number::CONTROL, sequence: 0, packet: vec![0; PACKET] };
        client.family = client.resolve()?;
        Ok(client)
    }

    fn resolve(&mut self) -> io::Result<u16> {
        let missing = match self.family_id() {
            Err(error) if error.raw_os_error() == Some(Errno::ENOENT as i32) => error,
            other => return other,
        };
        let loaded = load_module();
        match (self.family_id(), loaded) {
            (Ok(family), _) => Ok(family),
            (Err(_), Err(why)) => Err(io::Error::new(missing.kind(), format!("the kernel has no IPVS, and {why}"))),
            (Err(error), Ok(())) => Err(error),
        }
    }

    fn family_id(&mut self) -> io::Result<u16> {
        let mut family = None;
        self.ask(number::CONTROL, Command::family("IPVS")?, Answer::Always, |item| family = family.or(item.family_id()))?;
        family.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
    }

    fn next(&mut self) -> u32 {
        // 0 is what nobody asked for.
        self.sequence = self.sequence.checked_add(1).unwrap_or(1);
        self.sequence
    }

    /// One command, and what comes of it.
    fn ask(&mut self, family: u16, command: Command, answer: Answer, mut each: impl FnMut(Attributes<'_>)) -> io::Result<()> {
        let sequence = self.next();
        let mut bytes = Vec::new();
        command.write(family, sequence, answer, &mut bytes)?;
        self.send(&bytes)?;
        loop {
            for message in messages(self.receive()?).filter(|message| message.sequence == sequence) {
                match message.content {
                    Content::Item(attributes) => each(attributes),
                    Content::End => return Ok(()),
                    Content::Refused(errno) => return Err(errno.into()),
                }
            }
        }
    }

    pub(super) fn service_traffic(&mut self) -> io::Result<Vec<(ServiceKey, Traffic)>> {
        let mut seen = Vec::new();
        self.ask(self.family, Command::services(), Answer::Dump, |item| seen.extend(item.service_traffic()))?;
        Ok(seen)
    }

    /// None where the service is not there.
    pub(super) fn dest_traffic(&mut self, key: ServiceKey) -> io::Result<Vec<(DestKey, DestTraffic)>> {
        let mut seen = Vec::new();
        self.ask(self.family, Command::dests(key)?, Answer::Dump, |item| seen.extend(item.dest_traffic(key.family())))?;
        Ok(seen)
    }

    pub(super) fn carry_out(&mut self, command: Command) -> io::Result<()> {
        self.ask(self.family, command, Answer::Always, |_| ())
    }

    fn send(&self, bytes: &[u8]) -> io::Result<()> {
        loop {
            match self.socket.send(bytes, Msg::empty()) {
                Ok(_) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn receive(&mut self) -> io::Result<&[u8]> {
        let length = loop {
            match self.socket.recv(&mut self.packet[..], Msg::empty()) {
                Ok((length, _)) => break length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        };
        Ok(self.packet.get(..length).unwrap_or_default())
    }
}

impl Kernel for Client {
    fn apply(&mut self, ops: &[Op]) -> io::Result<Vec<(usize, Errno)>> {
        let Some(last) = ops.len().checked_sub(1) else { return Ok(Vec::new()) };
        let mut places = Vec::with_capacity(ops.len());
        let mut bytes = Vec::with_capacity(ops.len() * 160);
        for (place, op) in ops.iter().enumerate() {
            let sequence = self.next();
            // A refusal is told in any case, and the last answer is the end.
            let answer = if place == last { Answer::Always } else { Answer::OnFailure };
            Command::of(op)?.write(self.family, sequence, answer, &mut bytes)?;
            places.push(sequence);
        }
        self.send(&bytes)?;
        let mut refused = Vec::new();
        loop {
            for message in messages(self.receive()?) {
                let Some(place) = places.iter().position(|&sequence| sequence == message.sequence) else { continue };
                if let Content::Refused(errno) = message.content {
                    refused.push((place, errno));
                }
                if place == last {
                    refused.sort_by_key(|&(place, _)| place);
                    return Ok(refused);
                }
            }
        }
    }

    fn services(&mut self, each: &mut dyn FnMut(SeenService)) -> io::Result<()> {
        self.ask(self.family, Command::services(), Answer::Dump, |item| item.service().into_iter().for_each(&mut *each))
    }

    fn service(&mut self, key: ServiceKey) -> io::Result<Option<SeenService>> {
        let mut seen = None;
        match self.ask(self.family, Command::service(key)?, Answer::Always, |item| seen = seen.take().or(item.service())) {
            Err(error) if error.raw_os_error() == Some(Errno::ESRCH as i32) => Ok(None),
            other => other.map(|()| seen),
        }
    }

    fn dests(&mut self, key: ServiceKey) -> io::Result<Vec<Dest>> {
        let mut seen = Vec::new();
        self.ask(self.family, Command::dests(key)?, Answer::Dump, |item| seen.extend(item.dest(key.family())))?;
        Ok(seen)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.carry_out(Command::flush())
    }

    fn timeouts(&mut self) -> io::Result<Timeouts> {
        let mut seen = None;
        self.ask(self.family, Command::timeouts(), Answer::Always, |item| seen = seen.take().or(item.timeouts()))?;
        seen.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
    }

    fn set_timeouts(&mut self, timeouts: Timeouts) -> io::Result<()> {
        self.carry_out(Command::set_timeouts(timeouts)?)
    }
}

/// Does something in another network namespace. A thread that cannot come back would do everything else there too, so that is
/// an error even where the thing was done.
fn within<T>(namespace: BorrowedFd<'_>, what: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let home = File::open("/proc/thread-self/ns/net")?;
    setns(namespace, CloneFlags::CLONE_NEWNET)?;
    let done = what();
    setns(home.as_fd(), CloneFlags::CLONE_NEWNET)?;
    done
}

fn load_module() -> Result<(), String> {
    const MODPROBE: &str = "/sbin/modprobe";
    match std::process::Command::new(MODPROBE).args(["-q", "ip_vs"]).status() {
        Err(error) => Err(format!("{MODPROBE} cannot be run: {error}")),
        Ok(status) if !status.success() => Err(format!("{MODPROBE} ip_vs failed ({status})")),
        Ok(_) => Ok(()),
    }
}
