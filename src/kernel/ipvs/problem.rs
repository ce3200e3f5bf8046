//! What the kernel refused, in keepalived's words.

use super::daemon::State;
use crate::effect::ipvs::delta::Op;
use crate::effect::ipvs::{DestKey, ServiceKey};
use crate::model::net::Family;
use nix::errno::Errno;
use std::fmt;
use std::io;
use std::net::IpAddr;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub what: What,
    /// The kernel's number of the error.
    pub error: i32,
}

/// What was to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Step(Op),
    Look,
    Flush,
    Timeouts,
    Start(State, Box<str>),
    Stop(State),
}

impl Problem {
    pub(super) const fn new(what: What, errno: Errno) -> Self {
        Self { what, error: errno as i32 }
    }

    pub(super) fn io(what: What, error: &io::Error) -> Self {
        Self { what, error: error.raw_os_error().unwrap_or(Errno::EBADMSG as i32) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errno = Errno::from_raw(self.error);
        // keepalived counts commands as the older interface does, from 1152 on.
        let (name, number) = match &self.what {
            What::Step(Op::AddService(..)) => ("SET_ADD", 1154),
            What::Step(Op::EditService(..)) => ("SET_EDIT", 1155),
            What::Step(Op::RemoveService(_)) => ("SET_DEL", 1156),
            What::Flush => ("SET_FLUSH", 1157),
            What::Step(Op::AddDest(..)) => ("SET_ADDDEST", 1159),
            What::Step(Op::RemoveDest(..)) => ("SET_DELDEST", 1160),
            What::Step(Op::EditDest(..)) => ("SET_EDITDEST", 1161),
            What::Timeouts => ("SET_TIMEOUT", 1162),
            What::Start(..) => ("SET_STARTDAEMON", 1163),
            What::Stop(_) => ("SET_STOPDAEMON", 1164),
            What::Look => ("GET_SERVICES", 1154),
        };
        write!(f, "IPVS cmd IP_VS_SO_{name}({number}) error: {}({})", reason(&self.what, errno), self.error)?;
        match &self.what {
            What::Step(op) => write!(f, " ({})", Subject::of(op)),
            What::Start(state, interface) => write!(f, " ({state} on {interface})"),
            What::Stop(state) => write!(f, " ({state})"),
            What::Look | What::Flush | What::Timeouts => Ok(()),
        }
    }
}

fn reason(what: &What, errno: Errno) -> &'static str {
    match (what, errno) {
        (What::Step(Op::AddService(..)), Errno::EEXIST) => "Service already exists",
        (What::Step(Op::AddService(..) | Op::EditService(..)), Errno::ENOENT) => "Scheduler or persistence engine not found",
        (What::Step(Op::EditService(..) | Op::RemoveService(_)), Errno::ESRCH) => "No such service",
        (What::Step(Op::AddDest(..)), Errno::EEXIST) => "Destination already exists",
        (What::Step(Op::AddDest(..) | Op::EditDest(..) | Op::RemoveDest(..)), Errno::ESRCH) => "Service not defined",
        (What::Step(Op::EditDest(..) | Op::RemoveDest(..)), Errno::ENOENT) => "No such destination",
        (What::Start(..), Errno::EEXIST) => "Daemon has already run",
        (What::Stop(_), Errno::ESRCH) => "No daemon is running",
        (_, Errno::EPERM) => "Permission denied (you must be root)",
        (_, Errno::ENOMEM) => "Memory allocation problem",
        (What::Step(_) | What::Look | What::Flush | What::Timeouts | What::Start(..) | What::Stop(_), other) => other.desc(),
    }
}

/// What was found otherwise than we hold it, and has been put right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended(pub Op);

impl fmt::Display for Mended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, done) = match self.0 {
            Op::AddService(..) => ("service", "was missing and has been put back"),
            Op::EditService(..) => ("service", "had other settings and has been set right"),
            Op::RemoveService(_) => ("service", "was left over and has been removed"),
            Op::AddDest(..) => ("destination", "was missing and has been put back"),
            Op::EditDest(..) => ("destination", "had other settings and has been set right"),
            Op::RemoveDest(..) => ("destination", "was left over and has been removed"),
        };
        write!(f, "IPVS {what} {} {done}", Subject::of(&self.0))
    }
}

/// The service, and the destination if it is about one.
struct Subject {
    service: ServiceKey,
    dest: Option<DestKey>,
}

impl Subject {
    const fn of(op: &Op) -> Self {
        Self { service: op.service(), dest: op.dest() }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.service {
            ServiceKey::Mark { family: Family::V4, mark } => write!(f, "FWM {mark}")?,
            ServiceKey::Mark { family: Family::V6, mark } => write!(f, "FWM {mark} IPv6")?,
            ServiceKey::Address { protocol, address, port } => write!(f, "{}:{}:{port}", Host(address), protocol.name())?,
        }
        match self.dest {
            Some(DestKey { address, port }) => write!(f, " -> {}:{port}", Host(address)),
            None => Ok(()),
        }
    }
}

struct Host(IpAddr);

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => write!(f, "{address}"),
            IpAddr::V6(address) => write!(f, "[{address}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::lvs::Protocol;
    use std::num::NonZeroU32;

    #[test]
    fn problems_read_as_keepalived_says_them() {
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        let service = ServiceKey::Address { protocol: Protocol::Tcp, address: address("10.0.0.100"), port: 113 };
        let six = ServiceKey::Address { protocol: Protocol::Udp, address: address("2001:db8::1"), port: 53 };
        let mark = ServiceKey::Mark { family: Family::V6, mark: NonZeroU32::MIN };
        let dest = DestKey { address: address("10.0.0.11"), port: 80 };
        for (op, errno, text) in [
            (
                Op::RemoveDest(service, dest),
                Errno::ENOENT,
                "IPVS cmd IP_VS_SO_SET_DELDEST(1160) error: No such destination(2) (10.0.0.100:tcp:113 -> 10.0.0.11:80)",
            ),
            (Op::RemoveService(six), Errno::ESRCH, "IPVS cmd IP_VS_SO_SET_DEL(1156) error: No such service(3) ([2001:db8::1]:udp:53)"),
            (Op::RemoveService(mark), Errno::EINVAL, "IPVS cmd IP_VS_SO_SET_DEL(1156) error: Invalid argument(22) (FWM 1 IPv6)"),
        ] {
            assert_eq!(Problem::new(What::Step(op), errno).to_string(), text);
        }
    }
}
