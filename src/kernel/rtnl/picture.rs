//! All that is in the kernel at one time.

use super::decode::{self, Key, Placement, RTM_GETADDR, RTM_GETLINK, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWROUTE, RTM_NEWRULE};
use super::socket::{NLMSG_DONE, NLMSG_ERROR, Netlink, messages};
use crate::effect::net::{Device, Link, Links};
use crate::model::global::ReceiveBuffer;
use crate::model::net::OUR_PROTOCOL;
use nix::errno::Errno;
use std::io;
use std::time::Duration;

const RTM_GETROUTE: u16 = 26;
const RTM_GETRULE: u16 = 34;
/// NLM_F_REQUEST and NLM_F_DUMP.
const REQUEST_DUMP: u16 = 0x301;
const REQUEST: u16 = 1;
const IFLA_IFNAME: u16 = 3;
/// Something changed while the kernel was counting.
const INTERRUPTED: u16 = 0x10;
const AF_UNSPEC: u8 = 0;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// A dump that is disturbed is begun anew, but not for ever: on a busy machine the last one has to do.
const ATTEMPTS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(30);

/// Links and addresses, and all that could be a fact of ours.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    pub links: Links,
    /// All addresses, usable or not, all rules, and the routes that have our protocol number: of others there may be a million.
    pub(in crate::kernel) keys: Vec<Key>,
}

impl Picture {
    /// Asks the kernel, in the calling thread's network namespace. Open the [`super::Monitor`] first, so that nothing that
    /// happens meanwhile is missed.
    pub fn take() -> io::Result<Self> {
        Asker::open()?.picture()
    }

    /// With a receive buffer as it was configured.
    pub fn take_with(wanted: ReceiveBuffer) -> io::Result<Self> {
        Asker::open_with(wanted)?.picture()
    }
}

/// A socket to ask for what is there.
#[derive(Debug)]
pub struct Asker {
    netlink: Netlink,
    sequence: u32,
}

impl Asker {
    pub(in crate::kernel) fn open() -> io::Result<Self> {
        let netlink = Netlink::open_to_ask(PATIENCE)?;
        // Lets the kernel pick the routes; an old one sends all of them.
        let _ = netlink.socket().set_netlink_get_strict_chk(true);
        Ok(Self { netlink, sequence: 0 })
    }

    /// With a receive buffer as it was configured.
    pub fn open_with(wanted: ReceiveBuffer) -> io::Result<Self> {
        let asker = Self::open()?;
        asker.netlink.sized(wanted)?;
        Ok(asker)
    }

    pub(in crate::kernel) fn links(&mut self) -> io::Result<Links> {
        let mut links = Links::default();
        self.dump(RTM_GETLINK, &[AF_UNSPEC; 16], RTM_NEWLINK, |payload| {
            if let Some(link) = payload.and_then(decode::link) {
                links.put(link);
            } else if payload.is_none() {
                links = Links::default();
            }
        })?;
        Ok(links)
    }

    /// One of them, by its number.
    pub(in crate::kernel) fn numbered(&mut self, device: Device) -> io::Result<Option<Link>> {
        let mut header = [AF_UNSPEC; 16];
        header[4..8].copy_from_slice(&device.0.to_ne_bytes());
        self.link(&header)
    }

    /// One of them, by its name.
    pub(in crate::kernel) fn named(&mut self, name: &str) -> io::Result<Option<Link>> {
        let length = u16::try_from(4 + name.len() + 1).unwrap_or(u16::MAX);
        let mut request = vec![AF_UNSPEC; 16];
        request.extend(length.to_ne_bytes());
        request.extend(IFLA_IFNAME.to_ne_bytes());
        request.extend(name.as_bytes());
        request.push(0);
        request.resize(request.len().next_multiple_of(4), 0);
        self.link(&request)
    }

    fn link(&mut self, header: &[u8]) -> io::Result<Option<Link>> {
        let sequence = self.ask(RTM_GETLINK, REQUEST, header)?;
        loop {
            let packet = self.netlink.receive()?;
            for message in messages(packet).filter(|message| message.sequence == sequence) {
                match message.kind {
                    RTM_NEWLINK => return Ok(decode::link(message.payload)),
                    NLMSG_ERROR => {
                        return match error_of(message.payload) {
                            Errno::ENODEV => Ok(None),
                            errno => Err(errno.into()),
                        };
                    }
                    _ => {}
                }
            }
        }
    }

    /// All of them, usable or not.
    pub(in crate::kernel) fn addresses(&mut self) -> io::Result<Vec<Placement>> {
        let mut placements = Vec::new();
        self.dump(RTM_GETADDR, &[AF_UNSPEC; 8], RTM_NEWADDR, |payload| match payload {
            Some(payload) => placements.extend(decode::address(payload)),
            None => placements.clear(),
        })?;
        Ok(placements)
    }

    pub fn picture(&mut self) -> io::Result<Picture> {
        let mut picture = Picture { links: self.links()?, keys: Vec::new() };
        for placement in self.addresses()? {
            if placement.usable {
                picture.links.put_address(placement.local);
            }
            picture.keys.push(Key::Address(placement));
        }
        for family in [AF_INET, AF_INET6] {
            let mut rules = Vec::new();
            let header = [family, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            self.dump(RTM_GETRULE, &header, RTM_NEWRULE, |payload| match payload {
                Some(payload) => rules.extend(decode::rule(payload)),
                None => rules.clear(),
            })?;
            picture.keys.extend(rules.into_iter().map(|rule| Key::Rule(Box::new(rule))));
            let mut routes = Vec::new();
            let header = [family, 0, 0, 0, 0, OUR_PROTOCOL, 0, 0, 0, 0, 0, 0];
            self.dump(RTM_GETROUTE, &header, RTM_NEWROUTE, |payload| match payload {
                Some(payload) => routes.extend(decode::route(payload).filter(|route| route.protocol() == OUR_PROTOCOL)),
                None => routes.clear(),
            })?;
            picture.keys.extend(routes.into_iter().map(|route| Key::Route(Box::new(route))));
        }
        Ok(picture)
    }

    /// Hands out the messages of a dump; `None` when it begins anew.
    pub(super) fn dump(&mut self, kind: u16, header: &[u8], wanted: u16, mut take: impl FnMut(Option<&[u8]>)) -> io::Result<()> {
        for _ in 0..ATTEMPTS {
            take(None);
            if self.attempt(kind, header, wanted, &mut take)? {
                break;
            }
        }
        Ok(())
    }

    /// Returns whether nothing disturbed it.
    fn attempt(&mut self, kind: u16, header: &[u8], wanted: u16, take: &mut impl FnMut(Option<&[u8]>)) -> io::Result<bool> {
        let sequence = self.ask(kind, REQUEST_DUMP, header)?;
        let mut undisturbed = true;
        loop {
            let packet = self.netlink.receive()?;
            for message in messages(packet).filter(|message| message.sequence == sequence) {
                undisturbed &= message.flags & INTERRUPTED == 0;
                match message.kind {
                    NLMSG_DONE => return Ok(undisturbed),
                    NLMSG_ERROR => {
                        return match error_of(message.payload) {
                            // A kernel without policy routing or IPv6 has nothing to tell.
                            Errno::EOPNOTSUPP | Errno::EAFNOSUPPORT => Ok(true),
                            errno => Err(errno.into()),
                        };
                    }
                    other if other == wanted => take(Some(message.payload)),
                    _ => {}
                }
            }
        }
    }

    /// Returns the number by which the answer is known.
    fn ask(&mut self, kind: u16, flags: u16, body: &[u8]) -> io::Result<u32> {
        self.sequence = self.sequence.wrapping_add(1);
        let length = u32::try_from(16 + body.len()).unwrap_or(u32::MAX);
        let mut request = length.to_ne_bytes().to_vec();
        request.extend(kind.to_ne_bytes());
        request.extend(flags.to_ne_bytes());
        request.extend(self.sequence.to_ne_bytes());
        request.extend([0; 4]);
        request.extend(body);
        self.netlink.send(&request)?;
        Ok(self.sequence)
    }
}

fn error_of(payload: &[u8]) -> Errno {
    let code = payload.first_chunk().map_or(0, |code| i32::from_ne_bytes(*code));
    Errno::from_raw(code.saturating_neg())
}
