//! `keepalived_bfd.data`: the BFD process.

use super::clock::Clock;
use super::global::{Part, definitions};
use super::sheet::Sheet;
use crate::bfd::view::{SessionView, View};
use crate::effect::time::Instant;
use crate::model::Model;
use crate::model::bfd::{Hops, Session};
use crate::wire::bfd::{Reason, State};
use std::fmt::{self, Display};
use std::time::Duration;

/// What the process has open.
#[derive(Clone, Debug, Default)]
pub struct Sockets {
    /// Those that hear.
    pub hearing: Vec<i32>,
    /// That which a session speaks by, in the order of the view; `None` where there is none.
    pub speaking: Vec<Option<i32>>,
}

pub fn text(model: &Model, view: &View, sockets: &Sockets, clock: &Clock) -> String {
    let mut sheet = Sheet::for_objects(model.bfd.len());
    definitions(&mut sheet, &model.global, Part::Other);
    sheet.section("BFD Data");
    for descriptor in &sockets.hearing {
        sheet.line(format_args!(" fd_in = {descriptor}"));
    }
    sheet.line(format_args!(" thread_in = 0x(nil)"));
    sheet.section("BFD Topology");
    for conf in &model.bfd {
        let seen = view.sessions.iter().zip(sockets.speaking.iter().copied().chain(std::iter::repeat(None)));
        if let Some((seen, descriptor)) = seen.into_iter().find(|(seen, _)| seen.name == conf.name) {
            session(&mut sheet, conf, seen, descriptor, clock);
        }
    }
    sheet.done()
}

fn session(sheet: &mut Sheet, conf: &Session, view: &SessionView, descriptor: Option<i32>, clock: &Clock) {
    let event = |yes: bool| if yes { "Yes" } else { "No" };
    sheet.line(format_args!(" BFD Instance = {}", conf.name));
    sheet.line(format_args!("   Neighbor IP = {}", conf.neighbor));
    if let Some(source) = conf.source {
        sheet.line(format_args!("   Source IP = {source}"));
    }
    sheet.line(format_args!("   Required min RX interval = {} us", conf.min_rx.as_micros()));
    sheet.line(format_args!("   Desired min TX interval = {} us", conf.min_tx.as_micros()));
    sheet.line(format_args!("   Desired idle TX interval = {} us", conf.idle_tx.as_micros()));
    sheet.line(format_args!("   Detection multiplier = {}", conf.multiplier));
    sheet.line(format_args!("   TTL = {}", conf.ttl));
    let hops = match conf.hops {
        Hops::AtMost(hops) => hops,
        Hops::Any => u8::MAX,
    };
    sheet.line(format_args!("   max_hops = {hops}"));
    sheet.line(format_args!("   passive = {}", conf.passive));
    sheet.line(format_args!("   send event to VRRP process = {}", event(conf.tells_vrrp)));
    sheet.line(format_args!("   send event to checker process = {}", event(conf.tells_checkers)));
    sheet.line(format_args!("   fd_out {}", descriptor.unwrap_or(-1)));
    // What keepalived's sessions wait for; ours have no threads, and no time is ever put aside.
    sheet.line(format_args!("   thread_open_fd_out 0x(nil)"));
    sheet.line(format_args!("   thread_out 0x(nil)"));
    sheet.line(format_args!("   sands_out = [disabled]"));
    sheet.line(format_args!("   thread_exp 0x(nil)"));
    sheet.line(format_args!("   sands_exp = [disabled]"));
    sheet.line(format_args!("   thread_rst 0x(nil)"));
    sheet.line(format_args!("   sands_rst = [disabled]"));
    sheet.line(format_args!("   send error = {}", descriptor.is_none()));
    sheet.line(format_args!("   local state = {}", state(view.state)));
    sheet.line(format_args!("   remote state = {}", state(view.neighbour)));
    sheet.line(format_args!("   local discriminator = {:#x}", view.ours));
    sheet.line(format_args!("   remote discriminator = {:#x}", view.yours));
    sheet.line(format_args!("   local diag = {}", reason(view.reason)));
    sheet.line(format_args!("   remote diag = {}", reason(Reason::None)));
    sheet.line(format_args!("   remote min tx intv = {} us", view.min_tx.as_micros()));
    sheet.line(format_args!("   remote min rx intv = {} us", view.min_rx.as_micros()));
    sheet.line(format_args!("   local demand = 0"));
    sheet.line(format_args!("   remote demand = {}", u8::from(view.demand)));
    sheet.line(format_args!("   remote detect multiplier = {}", view.multiplier));
    sheet.line(format_args!("   {}poll, !final", if view.polling { "" } else { "!" }));
    rhythm(sheet, conf, view);
    sheet.line(format_args!("   last_seen = {}", last_seen(view.last_heard, clock)));
}

fn rhythm(sheet: &mut Sheet, conf: &Session, view: &SessionView) {
    let micros = |duration: Option<Duration>| duration.unwrap_or_default().as_micros();
    // As the neighbour sees it: what it may send is what it wants to and what we can take.
    let theirs = view.last_heard.map(|_| view.min_tx.max(conf.min_rx));
    let ours = view.interval.map(|interval| interval * conf.multiplier.into()).filter(|_| view.last_heard.is_some());
    sheet.line(format_args!("   local tx intv = {} us", micros(view.interval)));
    sheet.line(format_args!("   remote tx intv = {} us", micros(theirs)));
    sheet.line(format_args!("   local detection time = {} us", micros(view.detection)));
    sheet.line(format_args!("   remote detection time = {} us", micros(ours)));
}

fn last_seen(at: Option<Instant>, clock: &Clock) -> impl Display {
    fmt::from_fn(move |f| match at {
        Some(at) => write!(f, "{}", clock.stamp(at)),
        None => f.write_str("[never]"),
    })
}

const fn state(state: State) -> &'static str {
    match state {
        State::AdminDown => "AdminDown",
        State::Down => "Down",
        State::Init => "Init",
        State::Up => "Up",
    }
}

const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::None => "No Diagnostic",
        Reason::Expired => "Control Detection Time Expired",
        Reason::Neighbour => "Neighbor Signaled Session Down",
        Reason::Administrator => "Administratively Down",
    }
}
