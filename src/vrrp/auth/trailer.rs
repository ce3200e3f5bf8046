//! `auth_hmac`: who signs with which number, and which trailers are believed.
//!
//! Numbers are the time of day, and grow whatever becomes of the clock. With `anti_replay time` a number must be near our own
//! time of day, and greater than the last one of its sender. When a clock is set:
//!
//! - a sender whose clock goes back by no more than the window counts on from its last number, which others still believe;
//! - by more than the window: it begins anew at the clock, since nobody with the right time would believe the old ones;
//! - a receiver does not hold a last number against a sender that it could not believe now: what is older is stale anyway, and
//!   what is in the future came when its own clock, or both, were wrong.

use crate::effect::packet::Datagram;
use crate::model::vrrp::{AntiReplay, Hmac, HmacMode, Transport};
use crate::vrrp::admit::Remark;
use crate::vrrp::stats::AuthExtensionErrors;
use crate::wire::trailer::{LENGTH, Sequence, Trailer};
use std::net::IpAddr;
use std::time::Duration;

/// Senders that are remembered at least; nobody without a key is among them. keepalived remembers four.
const SENDERS: usize = 16;

#[derive(Debug, Default)]
pub(in crate::vrrp) struct Memory {
    /// Our own last number.
    sent: Option<Sequence>,
    /// The last number of each sender, the one heard last at the end.
    heard: Vec<(IpAddr, Sequence)>,
}

/// What a trailer is judged by, besides its instance.
#[derive(Clone, Copy, Debug)]
pub(in crate::vrrp) struct Circumstances<'a> {
    pub(in crate::vrrp) transport: &'a Transport,
    /// The time of day.
    pub(in crate::vrrp) utc: Duration,
    /// Our own address.
    pub(in crate::vrrp) own: Option<IpAddr>,
}

impl Memory {
    /// What goes behind an advert of ours.
    pub(in crate::vrrp) fn sign(&mut self, conf: &Hmac, utc: Duration, source: IpAddr, advert: &[u8]) -> Option<Trailer> {
        match conf.mode {
            HmacMode::ReceiveOnly => return None,
            HmacMode::Enforce | HmacMode::Permissive => {}
        }
        let key = conf.keys.iter().find(|key| key.id == conf.active)?;
        let sequence = self.next(conf, utc);
        self.sent = Some(sequence);
        Some(Trailer::sign(key.id, &key.secret.0, sequence, source, advert))
    }

    fn next(&self, conf: &Hmac, utc: Duration) -> Sequence {
        let clock = Sequence::at(utc);
        match self.sent {
            Some(last) if !clock.is_after(last) => match conf.replay {
                AntiReplay::Time if last.apart(clock) > conf.window => clock,
                AntiReplay::Time | AntiReplay::Monotonic => last.next(),
            },
            Some(_) | None => clock,
        }
    }

    /// What is wrong with a packet whose advert is so long; or what is to be said of one that counts.
    pub(in crate::vrrp) fn check(
        &mut self,
        conf: &Hmac,
        now: Circumstances<'_>,
        datagram: &Datagram<'_>,
        length: usize,
        errors: &mut AuthExtensionErrors,
    ) -> Result<Option<Remark>, Remark> {
        let (advert, behind) = datagram.payload.split_at_checked(length).unwrap_or((datagram.payload, &[]));
        let Some(bytes) = behind.first_chunk::<LENGTH>() else {
            return match conf.mode {
                HmacMode::Enforce => {
                    errors.missing += 1;
                    Err(Remark::Unsigned)
                }
                HmacMode::Permissive | HmacMode::ReceiveOnly => Ok(Some(Remark::TakenUnsigned)),
            };
        };
        let Some(trailer) = Trailer::read(bytes) else {
            errors.malformed += 1;
            return Err(Remark::Malformed);
        };
        let clock = Sequence::at(now.utc);
        let skew = trailer.sequence.apart(clock);
        let timed = match conf.replay {
            AntiReplay::Time => true,
            AntiReplay::Monotonic => false,
        };
        if timed && skew > conf.window {
            errors.stale += 1;
            return Err(Remark::Stale);
        }
        let Some(key) = conf.keys.iter().find(|key| key.id == trailer.key) else {
            errors.unknown_key += 1;
            return Err(Remark::UnknownKey);
        };
        if !trailer.vouches(&key.secret.0, datagram.source, advert) {
            errors.invalid_hmac += 1;
            return Err(Remark::Forged);
        }
        let room = match now.transport {
            Transport::Multicast { .. } => SENDERS,
            Transport::Unicast { peers, .. } if peers.iter().any(|peer| peer.address == datagram.source) => SENDERS.max(peers.len()),
            Transport::Unicast { .. } => return Err(Remark::NotAPeer),
        };
        // Our own adverts, thrown back at us, would have us give way to ourselves.
        let echo = now.own == Some(datagram.source) && self.sent.is_some_and(|sent| !trailer.sequence.is_after(sent));
        let held = |last: Sequence| !trailer.sequence.is_after(last) && (!timed || last.apart(clock) <= conf.window);
        let at = self.heard.iter().position(|(source, _)| *source == datagram.source);
        if echo || at.is_some_and(|at| held(self.heard[at].1)) {
            errors.replay += 1;
            return Err(Remark::Replayed);
        }
        if let Some(at) = at {
            self.heard.remove(at);
        } else if self.heard.len() >= room {
            self.heard.remove(0);
        }
        self.heard.push((datagram.source, trailer.sequence));
        Ok((timed && skew > conf.window / 2).then_some(Remark::Skewed))
    }
}
