//! The BFD process.

use crate::bfd::view::SessionView;
use crate::bfd::{Action, Engine, Event, Heard, SessionId};
use crate::effect::record::BfdRecord;
use crate::kernel::socket::bfd::{Hearing, Speaking};
use crate::kernel::timer::{Timer, now};
use crate::model::Model;
use crate::model::bfd::Session;
use crate::model::net::Family;
use crate::observe::bfd::{self as observe, Sockets};
use crate::runtime::around::{Moment, Reloads};
use crate::runtime::dump::{self, Dump};
use crate::runtime::dumper::{Dumper, clock};
use crate::runtime::follow::Leader;
use crate::runtime::handover::{Ask, Entry, Order, Report, RoleEnd};
use crate::runtime::notify::say;
use crate::runtime::poll::Poll;
use crate::runtime::reading::{Kept, Share};
use crate::runtime::rights;
use crate::runtime::role::{Wanted, orders, take_up, tell};
use crate::runtime::signals::{Signal, Signals};
use crate::wire::bfd::Packet;
use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// So many packets are taken in before the clock is looked at again.
const PIECE: usize = 64;
/// The supervisor has so long to take our last words.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How soon sockets are tried again that could not be opened.
const AGAIN: Duration = Duration::from_secs(5);

/// What the process is started with.
#[derive(Debug)]
pub struct Start {
    pub model: Arc<Model>,
    /// What a predecessor left that did not stop.
    pub records: Vec<BfdRecord>,
    /// For a [`RoleEnd`].
    pub control: OwnedFd,
    pub signals: Signals,
    /// The lines to the VRRP and to the checker process.
    pub followers: [OwnedFd; 2],
}

/// Runs until it is told to stop, and returns the exit status of the process.
pub fn run(start: Start) -> u8 {
    super::live("BFD", serve(start))
}

/// Keys of what is waited for.
const TIMER: u64 = 0;
const SIGNALS: u64 = 1;
const CONTROL: u64 = 2;
const VRRP: u64 = 3;
const CHECKERS: u64 = 4;
/// And of the sockets that hear, in the order of [`PORTS`].
const FIRST_PORT: u64 = 8;
const PORTS: [(Family, bool); 4] = [(Family::V4, false), (Family::V6, false), (Family::V4, true), (Family::V6, true)];

struct Driver {
    model: Arc<Model>,
    engine: Engine,
    actions: Vec<Action>,
    hearing: [Option<Hearing>; PORTS.len()],
    speaking: BTreeMap<SessionId, Speaking>,
    vrrp: Leader,
    checkers: Leader,
    control: RoleEnd,
    signals: Signals,
    timer: Timer,
    poll: Poll,
    dumper: Dumper,
    reloads: Reloads,
    chance: crate::effect::chance::Chance,
    buffer: [u8; 512],
}

enum Asked {
    Stop,
    Reload(Wanted),
    Tell(Ask),
    Dump,
}

async fn serve(start: Start) -> io::Result<()> {
    let mut driver = Driver::start(start)?;
    let mut reading: Option<JoinHandle<io::Result<Arc<Model>>>> = None;
    let mut next = None;
    'serving: loop {
        tokio::select! {
            biased;
            read = async { reading.as_mut().expect("guarded").await }, if reading.is_some() => {
                reading = None;
                match read.map_err(io::Error::other).flatten() {
                    Ok(model) => {
                        rights::take(&model.global.process.bfd, &model.global.process);
                        driver.reconfigure(model);
                    }
                    Err(error) => driver.control.report(Report::Refused(error.to_string().into())),
                }
            }
            () = tokio::time::sleep(AGAIN), if driver.lacks_ports() => driver.open_ports(),
            woken = driver.poll.wait() => woken?,
        }
        for asked in driver.turn()? {
            match asked {
                Asked::Stop => break 'serving,
                // Of several, only the last one matters.
                Asked::Reload(wanted) => next = Some(wanted),
                Asked::Tell(ask) => tell::bfd(&driver.control, ask, &driver.engine, &driver.model),
                Asked::Dump => driver.dump(dump::path(Dump::Bfd, &driver.model.global.process)),
            }
        }
        if reading.is_none()
            && let Some(wanted) = next.take()
        {
            reading = Some(take_up(wanted, &driver.model, Share::Bfd));
        }
    }
    driver.stop();
    Ok(())
}

impl Driver {
    fn start(start: Start) -> io::Result<Self> {
        let Start { model, records, control, signals, followers: [vrrp, checkers] } = start;
        let (vrrp, checkers) = (Leader::new(vrrp), Leader::new(checkers));
        let (control, timer, poll) = (RoleEnd::new(control), Timer::new()?, Poll::new()?);
        poll.add(&timer, TIMER)?;
        poll.add(&signals, SIGNALS)?;
        poll.add(&control, CONTROL)?;
        poll.add(&vrrp, VRRP)?;
        poll.add(&checkers, CHECKERS)?;
        let mut actions = Vec::new();
        let began = now();
        // Two processes that start in the same nanosecond are on different machines.
        let seed = began.as_nanos() ^ u64::from(std::process::id()) << 40;
        let engine = Engine::start(began, &model.bfd, seed, &records, &mut actions);
        let mut driver = Self {
            model,
            engine,
            actions,
            hearing: [const { None }; PORTS.len()],
            speaking: BTreeMap::new(),
            vrrp,
            checkers,
            control,
            signals,
            timer,
            poll,
            dumper: Dumper::default(),
            reloads: Reloads::default(),
            chance: crate::effect::chance::Chance::new(seed),
            buffer: [0; 512],
        };
        driver.open_ports();
        driver.carry_out();
        driver.control.report(Report::Ready);
        driver.timer.set(driver.engine.next_deadline())?;
        Ok(driver)
    }

    fn wants(&self, (family, multihop): (Family, bool)) -> bool {
        self.model.bfd.iter().any(|session| Family::of(session.neighbor) == family && session.multihop == multihop)
    }

    fn lacks_ports(&self) -> bool {
        PORTS.iter().zip(&self.hearing).any(|(&port, hearing)| hearing.is_none() && self.wants(port))
    }

    fn open_ports(&mut self) {
        for (index, port) in PORTS.into_iter().enumerate() {
            if !self.wants(port) {
                self.hearing[index] = None;
            } else if self.hearing[index].is_none() {
                let key = FIRST_PORT + u64::try_from(index).unwrap_or_default();
                let opened = Hearing::open(port.0, port.1).map_err(|error| error.to_string());
                let opened = opened.and_then(|hearing| self.poll.add(&hearing, key).map(|()| hearing).map_err(|error| error.to_string()));
                match opened {
                    Ok(hearing) => self.hearing[index] = Some(hearing),
                    Err(error) => {
                        let over = if port.1 { " over several hops" } else { "" };
                        tracing::error!("BFD hears nobody by {:?}{over}: {error}", port.0);
                    }
                }
            }
        }
    }

    fn turn(&mut self) -> io::Result<Vec<Asked>> {
        let mut asked = Vec::new();
        for key in self.poll.ready() {
            match key {
                TIMER => self.timer.clear()?,
                SIGNALS => {
                    for signal in self.signals.by_ref() {
                        match signal {
                            Signal::Stop | Signal::Interrupt => asked.push(Asked::Stop),
                            Signal::Reload => self.control.report(Report::ReloadAsked),
                            Signal::Data => asked.push(Asked::Dump),
                            Signal::Stats | Signal::StatsClear | Signal::Json | Signal::Child => {}
                        }
                    }
                }
                CONTROL => self.converse(&mut asked),
                VRRP => {
                    self.vrrp.listen();
                    self.vrrp.flush();
                }
                CHECKERS => {
                    self.checkers.listen();
                    self.checkers.flush();
                }
                port => self.hear(usize::try_from(port - FIRST_PORT).unwrap_or(usize::MAX)),
            }
        }
        self.engine.handle(now(), Event::Tick, &mut self.actions);
        self.carry_out();
        let room = self.control.has_unsent();
        // Without a supervisor there is nothing to wait for, and nothing to change.
        drop(self.poll.want_room(&self.control, CONTROL, room));
        self.poll.want_room(&self.vrrp, VRRP, self.vrrp.has_unsent())?;
        self.poll.want_room(&self.checkers, CHECKERS, self.checkers.has_unsent())?;
        self.timer.set(self.engine.next_deadline())?;
        Ok(asked)
    }

    fn dump(&self, path: PathBuf) {
        let (model, view, clock) = (Arc::clone(&self.model), self.engine.snapshot(), clock());
        let number = |socket: BorrowedFd<'_>| socket.as_raw_fd();
        let speaking = |session: &SessionView| self.speaking.get(&session.id).map(|speaking| number(speaking.as_fd()));
        let sockets = Sockets {
            hearing: self.hearing.iter().flatten().map(|hearing| number(hearing.as_fd())).collect(),
            speaking: view.sessions.iter().map(speaking).collect(),
        };
        self.dumper.put(path, move |write| write(&[&observe::text(&model, &view, &sockets, &clock)]));
    }

    fn hear(&mut self, index: usize) {
        let Some(&(_, multihop)) = PORTS.get(index) else { return };
        for _ in 0..PIECE {
            let Some(hearing) = self.hearing.get_mut(index).and_then(Option::as_mut) else { return };
            match hearing.receive(&mut self.buffer) {
                Ok(Some(datagram)) => {
                    let Some(packet) = Packet::decode(datagram.payload) else { continue };
                    let heard = Heard { from: datagram.source, to: datagram.destination, ttl: datagram.ttl, multihop, packet };
                    self.engine.handle(now(), Event::Heard(heard), &mut self.actions);
                }
                Ok(None) => {}
                // Nothing more, or an error that was the socket's and is taken by this.
                Err(_) => return,
            }
        }
    }

    fn converse(&mut self, asked: &mut Vec<Asked>) {
        let (orders, ended) = orders(&mut self.control, &self.poll);
        asked.extend(orders.into_iter().map(|order| match order {
            Order::Reload(file) => Asked::Reload(Wanted::Kept(Kept::received(file))),
            Order::Again => Asked::Reload(Wanted::Same),
            Order::Tell(ask) => Asked::Tell(ask),
        }));
        asked.extend(ended.then_some(Asked::Stop));
    }

    fn keep(&mut self, moment: Moment) {
        if let Some(path) = self.reloads.path(moment, Dump::Bfd, &self.model.global.process) {
            self.dump(path);
        }
    }

    fn reconfigure(&mut self, model: Arc<Model>) {
        self.keep(Moment::Before);
        self.model = model;
        self.open_ports();
        let sessions = Arc::clone(&self.model);
        self.engine.reconfigure(now(), &sessions.bfd, &mut self.actions);
        self.carry_out();
        self.keep(Moment::After);
        self.control.report(Report::Ready);
    }

    fn session(&self, name: &str) -> Option<&Session> {
        self.model.bfd.iter().find(|session| &*session.name == name)
    }

    fn carry_out(&mut self) {
        for action in std::mem::take(&mut self.actions) {
            match action {
                Action::Open { session, name } => {
                    let chance = self.chance.next();
                    let Some(conf) = self.session(&name) else { continue };
                    match Speaking::open(conf.neighbor, conf.source, conf.multihop, conf.ttl, chance) {
                        Ok(speaking) => drop(self.speaking.insert(session, speaking)),
                        Err(error) => tracing::error!("BFD_Instance({name}) {error}"),
                    }
                }
                Action::Close(session) => drop(self.speaking.remove(&session)),
                Action::Transmit { session, bytes } => {
                    if let Some(speaking) = self.speaking.get(&session) {
                        // The neighbour notices what does not get there; that is what all this is for.
                        drop(speaking.send(&bytes));
                    }
                }
                Action::Report { name, up } => {
                    let (vrrp, checkers) = self.session(&name).map_or((false, false), |conf| (conf.tells_vrrp, conf.tells_checkers));
                    for (leader, follows) in [(&mut self.vrrp, vrrp), (&mut self.checkers, checkers)] {
                        if follows {
                            leader.tell(&name, up);
                        } else {
                            leader.forget(&name);
                        }
                    }
                }
                Action::Record(record) => self.control.report(Report::Record(Entry::Session(record))),
                Action::Forget(name) => {
                    self.vrrp.forget(&name);
                    self.checkers.forget(&name);
                    self.control.report(Report::Forget(name));
                }
                Action::Say(line) => say(&line),
            }
        }
    }

    /// Neighbours are told; those who follow are not, for a session that ends says nothing about the way.
    fn stop(mut self) {
        self.engine.stop(&mut self.actions);
        self.carry_out();
        self.control.report(Report::Stopped);
        self.control.finish(LAST_WORDS);
    }
}
