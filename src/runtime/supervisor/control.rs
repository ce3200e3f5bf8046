//! Questions from outside: by the control socket, and for metrics. They are answered in the supervisor's loop, which waits for
//! nobody: what the processes know they are asked for, and whoever does not answer in time is left out. No process is asked the
//! same again within a moment, however many ask here, so that nobody outside can keep one busy.

mod client;
pub(in crate::runtime) mod door;
mod http;
pub(super) mod words;

use super::Supervisor;
use super::brief::Brief;
use super::reader::Purpose;
use super::role::Role;
use crate::cli::Options;
use crate::model::global::observe::Names;
use crate::runtime::control::protocol::{Fault, Request, good};
use crate::runtime::handover::{Ask, Memory, Topic};
use crate::runtime::log;
use client::{Client, Pending, Said, Speaks};
use door::{Door, Place, places};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::unistd::geteuid;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::{Duration, Instant};

/// So many are listened to at a time.
const MOST: usize = 64;
/// So many come in by one door in one turn.
const WAVE: usize = 16;
/// What a process has said is good for so long.
const FRESH: Duration = Duration::from_millis(100);
/// A process that has not answered by then does not.
const PATIENCE: Duration = Duration::from_secs(1);
/// So many different questions wait for a process's answer.
const QUESTIONS: usize = 8;
/// How long somebody who asked for a reload is kept waiting for its end.
const RELOAD: Duration = Duration::from_secs(60);
/// How soon a door is tried again that could not be opened, or by which nobody could be let in.
const AGAIN: Duration = Duration::from_secs(5);

/// Numbers of doors are below, those of clients from here on.
const FIRST_CLIENT: u64 = 1 << 32;

/// A question to a process.
#[derive(Debug)]
struct Question {
    part: usize,
    topic: Topic,
    id: u64,
    /// Which of the part's processes was asked.
    starts: u64,
    asked: Instant,
    answer: Option<(Instant, Memory)>,
}

/// How a reload ended.
#[derive(Clone, Debug, PartialEq)]
struct Reloaded {
    at: f64,
    refused: Option<String>,
}

#[derive(Debug)]
pub(super) struct Control {
    epoll: Epoll,
    doors: Vec<(u64, Door)>,
    /// What could not be opened, why, and when it is tried again.
    closed: Vec<(Place, String, Instant)>,
    /// Doors by which nobody is let in until then, because there was no room for one more descriptor.
    resting: Option<Instant>,
    clients: Vec<Client>,
    questions: Vec<Question>,
    /// What was asked up to this number is about another configuration.
    stale: u64,
    given: u64,
    names: Names,
    began: Instant,
    /// The number of the reload that is under way or was the last.
    reload: u64,
    reloading: bool,
    reloaded: Option<Reloaded>,
    /// How many readings have ended, and what the last one has come to.
    readings: u64,
    plan: Result<Memory, String>,
}

/// What only the supervisor can do: to have the configuration read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wish {
    client: u64,
    purpose: Purpose,
}

impl Control {
    pub(super) fn new(brief: &Brief, options: &Options) -> io::Result<Self> {
        let mut control = Self {
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            doors: Vec::new(),
            closed: Vec::new(),
            resting: None,
            clients: Vec::new(),
            questions: Vec::new(),
            stale: 0,
            given: 0,
            names: Names::default(),
            began: Instant::now(),
            reload: 0,
            reloading: false,
            reloaded: None,
            readings: 0,
            plan: Err("nothing was read".to_owned()),
        };
        control.configure(brief, options);
        Ok(control)
    }

    /// Opens what the configuration wants, and closes what it does not. What it wants still stays open.
    pub(super) fn configure(&mut self, brief: &Brief, options: &Options) {
        let wanted = places(brief, options);
        self.names = brief.metrics.names;
        let (kept, gone): (Vec<_>, Vec<_>) = self.doors.drain(..).partition(|(_, door)| wanted.contains(&door.place));
        self.doors = kept;
        for (_, door) in gone {
            let _ = self.epoll.delete(door.as_fd());
            door.close();
        }
        self.closed.clear();
        let missing = wanted.into_iter().filter(|place| self.doors.iter().all(|(_, door)| door.place != *place));
        for place in missing.collect::<Vec<_>>() {
            self.open(place, "");
        }
    }

    /// `told` is what was said of it when it was tried before.
    fn open(&mut self, place: Place, told: &str) {
        self.given += 1;
        let number = self.given;
        let opened = Door::open(&place).and_then(|door| {
            self.epoll.add(door.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, number))?;
            Ok(door)
        });
        match opened {
            Ok(door) => self.doors.push((number, door)),
            Err(error) => {
                let reason = error.to_string();
                if reason != told {
                    log::error(&format!("The {place} cannot be opened: {reason}"));
                }
                self.closed.push((place, reason, Instant::now() + AGAIN));
            }
        }
    }

    /// The end, in the process that opened it all.
    pub(super) fn close(self) {
        self.doors.into_iter().for_each(|(_, door)| door.close());
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.0.as_fd()
    }

    /// When there is something to do that nobody tells of.
    pub(super) fn due(&self) -> Option<Instant> {
        let clients = self.clients.iter().filter_map(Client::due);
        let pending = self.clients.iter().filter_map(|client| self.patience(client.pending.as_ref()?));
        let doors = self.closed.iter().map(|&(_, _, at)| at).chain(self.resting);
        clients.chain(pending).chain(doors).min()
    }

    /// How long an answer may take.
    fn patience(&self, pending: &Pending) -> Option<Instant> {
        match pending {
            Pending::Parts { asked, .. } => {
                let questions = self.questions.iter().filter(|question| asked.contains(&Some(question.id)) && question.answer.is_none());
                questions.map(|question| question.asked + PATIENCE).min()
            }
            Pending::Reload { until, .. } | Pending::Plan { until, .. } => Some(*until),
        }
    }

    pub(super) fn reload_began(&mut self) {
        self.reload += 1;
        self.reloading = true;
    }

    /// If one is under way.
    pub(super) fn reload_ended(&mut self, refused: Option<&str>) {
        if std::mem::take(&mut self.reloading) {
            self.stale = self.given;
            self.reloaded = Some(Reloaded { at: words::wall(), refused: refused.map(str::to_owned) });
        }
    }

    /// What a reading has come to.
    pub(super) fn planned(&mut self, plan: Result<Memory, String>) {
        self.readings += 1;
        self.plan = plan;
    }

    /// Lets in, listens, asks, answers, and sends away.
    fn turn(&mut self, now: Instant, daemon: &words::Daemon<'_>, roles: &mut [Role]) -> Vec<Wish> {
        self.look_after_doors(now);
        let mut events = [EpollEvent::empty(); 2 * WAVE];
        let found = self.epoll.wait(&mut events, EpollTimeout::ZERO).unwrap_or(0);
        for event in &events[..found] {
            let (number, flags) = (event.data(), event.events());
            if number < FIRST_CLIENT {
                self.welcome(now, number);
            } else if let Some(client) = self.clients.iter_mut().find(|client| client.id == number) {
                if flags.intersects(EpollFlags::EPOLLERR | EpollFlags::EPOLLHUP) && !flags.contains(EpollFlags::EPOLLIN) {
                    client.break_off();
                }
                client.write(now);
                client.read(now);
            }
        }
        self.hear(now, roles);
        let mut wishes = Vec::new();
        for at in 0..self.clients.len() {
            self.settle(now, at, daemon, roles);
            // What is answered at once makes room for the next.
            while let Some(said) = self.clients[at].take() {
                wishes.extend(self.grant(now, at, said, roles));
                self.settle(now, at, daemon, roles);
            }
        }
        self.part(now);
        wishes
    }

    fn look_after_doors(&mut self, now: Instant) {
        for (place, told, at) in std::mem::take(&mut self.closed) {
            if at <= now {
                self.open(place, &told);
            } else {
                self.closed.push((place, told, at));
            }
        }
        if self.resting.take_if(|at| *at <= now).is_some() {
            for (number, door) in &self.doors {
                let _ = self.epoll.modify(door.as_fd(), &mut EpollEvent::new(EpollFlags::EPOLLIN, *number));
            }
        }
    }

    /// Those who wait at a door. Where there are too many, who has waited longest without a question makes room.
    fn welcome(&mut self, now: Instant, number: u64) {
        let Some((_, door)) = self.doors.iter().find(|(of, _)| *of == number) else { return };
        let (is_control, owner) = (door.is_control(), door.owner());
        let mut come = Vec::new();
        for _ in 0..WAVE {
            match door.accept() {
                Ok(stream) => come.push(stream),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => {}
                Err(error) => {
                    log::error(&format!("Nobody is let in by the {}: {error}", door.place));
                    let _ = self.epoll.modify(door.as_fd(), &mut EpollEvent::new(EpollFlags::empty(), number));
                    self.resting = Some(now + AGAIN);
                    break;
                }
            }
        }
        for stream in come {
            if self.clients.len() >= MOST {
                let idle = self.clients.iter().enumerate().filter(|(_, client)| client.is_idle());
                let Some(longest) = idle.min_by_key(|(_, client)| client.moved).map(|(at, _)| at) else { continue };
                let client = self.clients.remove(longest);
                let _ = self.epoll.delete(client.stream());
                client.stream().shut();
            }
            let trusted = |user| user == 0 || user == geteuid().as_raw() || Some(user) == owner;
            let speaks = if is_control { Speaks::Control { trusted: stream.user().is_some_and(trusted) } } else { Speaks::Http };
            self.given += 1;
            let mut client = Client::new(FIRST_CLIENT + self.given, speaks, stream, now);
            // Most have said it all by now.
            client.read(now);
            self.clients.push(client);
        }
    }

    /// Takes in what processes have answered, and forgets what is stale.
    fn hear(&mut self, now: Instant, roles: &mut [Role]) {
        for role in roles.iter_mut() {
            for (id, memory) in role.take_told() {
                if let Some(question) = self.questions.iter_mut().find(|question| question.id == id) {
                    question.answer = Some((now, memory));
                }
            }
        }
        let waited_for = |id: u64| {
            self.clients.iter().any(|client| matches!(&client.pending, Some(Pending::Parts { asked, .. }) if asked.contains(&Some(id))))
        };
        self.questions.retain(|question| {
            let facts = roles[question.part].facts();
            match question.answer {
                Some((at, _)) => now.saturating_duration_since(at) < FRESH || waited_for(question.id),
                // A process that is gone will not answer, nor will the next one.
                None => facts.process.is_some() && facts.starts == question.starts,
            }
        });
    }

    /// A request: what it waits for, or its answer.
    fn grant(&mut self, now: Instant, at: usize, said: Said, roles: &mut [Role]) -> Option<Wish> {
        let client = &mut self.clients[at];
        let request = match (said, client.speaks) {
            (Said::Http(http::Asked::Metrics { head_only }), _) => {
                let topic = Topic::Metrics(self.names);
                let asked = self.ask(now, &topic, roles);
                self.clients[at].pending = Some(Pending::Parts { topic, asked, head_only });
                return None;
            }
            (Said::Http(http::Asked::Refused(status)), _) => {
                client.answer(now, [http::refusal(status).into()]);
                return None;
            }
            (Said::Http(http::Asked::NotYet), _) => return None,
            (Said::TooMuch, _) => Err(Fault::new("malformed", "a request is a line that is not that long")),
            (Said::Line(line), _) => Request::decode(&line),
        };
        let trusted = matches!(client.speaks, Speaks::Control { trusted: true });
        match request {
            Err(fault) => client.answer(now, [fault.encode().into()]),
            Ok(Request::Reload { .. } | Request::Plan { .. }) if !trusted => {
                client.answer(now, [Fault::new("forbidden", "only the superuser and the owner of the socket may do that").encode().into()]);
            }
            Ok(Request::Status) => self.inquire(now, at, Topic::Status, roles),
            Ok(Request::Explain(name)) => self.inquire(now, at, Topic::Explain(name), roles),
            Ok(Request::Reload { force }) => {
                client.pending = Some(Pending::Reload { number: self.reload + 1, until: now + RELOAD });
                return Some(Wish { client: client.id, purpose: Purpose { apply: true, force } });
            }
            Ok(Request::Plan { force }) => {
                // Whose number it is is found out when it is asked for.
                client.pending = Some(Pending::Plan { number: u64::MAX, until: now + RELOAD });
                return Some(Wish { client: client.id, purpose: Purpose { apply: false, force } });
            }
        }
        None
    }

    fn inquire(&mut self, now: Instant, at: usize, topic: Topic, roles: &mut [Role]) {
        let asked = self.ask(now, &topic, roles);
        self.clients[at].pending = Some(Pending::Parts { topic, asked, head_only: false });
    }

    /// Asks every process, unless it has been asked just now. Returns the numbers of the questions; there is none where there is
    /// no process.
    fn ask(&mut self, now: Instant, topic: &Topic, roles: &mut [Role]) -> Vec<Option<u64>> {
        let mut asked = Vec::new();
        for (part, role) in roles.iter_mut().enumerate() {
            let stale = self.stale;
            let of_part = || self.questions.iter().filter(|question| question.part == part);
            let fresh = |question: &&Question| {
                question.id > stale
                    && question.topic == *topic
                    && question.answer.as_ref().is_none_or(|(at, _)| now.saturating_duration_since(*at) < FRESH)
            };
            let known = of_part().find(fresh).map(|question| question.id);
            let busy = of_part().filter(|question| question.answer.is_none()).count() >= QUESTIONS;
            asked.push(known.or_else(|| {
                self.given += 1;
                let id = self.given;
                let question = Question { part, topic: topic.clone(), id, starts: role.facts().starts, asked: now, answer: None };
                (!busy && role.ask(Ask { id, topic: topic.clone() })).then(|| self.questions.push(question)).map(|()| id)
            }));
        }
        asked
    }

    /// Answers, if what was waited for is there, or will not be.
    fn settle(&mut self, now: Instant, at: usize, daemon: &words::Daemon<'_>, roles: &[Role]) {
        match self.clients[at].pending.clone() {
            None => {}
            Some(Pending::Parts { topic, asked, head_only }) => {
                let find = |id: u64| self.questions.iter().find(|question| question.id == id);
                let open = asked.iter().flatten().filter_map(|id| find(*id)).filter(|question| question.answer.is_none());
                if { open }.any(|question| now < question.asked + PATIENCE) {
                    return;
                }
                let answers: Vec<Option<Memory>> =
                    asked.iter().map(|id| find((*id)?)?.answer.as_ref().map(|(_, memory)| memory.clone())).collect();
                let state =
                    words::State { daemon, roles, answers, began: self.began, reloaded: self.reloaded.as_ref(), reloading: self.reloading };
                let pieces = match &topic {
                    Topic::Status => state.status(now),
                    Topic::Explain(_) => state.explain(),
                    Topic::Metrics(names) => state.metrics(now, *names, head_only),
                };
                self.clients[at].answer(now, pieces);
            }
            Some(Pending::Reload { number, until }) => {
                let ended = self.reload >= number && !(self.reload == number && self.reloading);
                let text = match &self.reloaded {
                    Some(Reloaded { refused: None, .. }) if ended => {
                        format!("{},\"reload\":{{\"result\":\"complete\"}}}}\n", good("reload"))
                    }
                    Some(Reloaded { refused: Some(reason), .. }) if ended => Fault::new("refused", reason).encode(),
                    Some(_) | None if now >= until => Fault::new("late", "the reload is still under way").encode(),
                    Some(_) | None => return,
                };
                self.clients[at].answer(now, [text.into()]);
            }
            Some(Pending::Plan { number, until }) => {
                let piece = if self.readings >= number {
                    words::plan(&self.plan)
                } else if now >= until {
                    Fault::new("late", "the configuration is still being read").encode().into()
                } else {
                    return;
                };
                self.clients[at].answer(now, [piece]);
            }
        }
    }

    fn pending_of(&mut self, client: u64) -> Option<&mut Pending> {
        self.clients.iter_mut().find(|other| other.id == client)?.pending.as_mut()
    }

    fn refuse(&mut self, client: u64, reason: &str) {
        if let Some(client) = self.clients.iter_mut().find(|other| other.id == client) {
            client.answer(Instant::now(), [Fault::new("refused", reason).encode().into()]);
        }
    }

    /// Sends away who is done or takes too long, and says of the others what is waited for.
    fn part(&mut self, now: Instant) {
        let (over, stay): (Vec<_>, Vec<_>) = self.clients.drain(..).partition(|client| client.is_over(now));
        for client in over {
            let _ = self.epoll.delete(client.stream());
            client.stream().shut();
        }
        self.clients = stay;
        for client in &mut self.clients {
            let interest = client.interest();
            if client.watched == Some(interest) {
                continue;
            }
            let mut event = EpollEvent::new(interest, client.id);
            let told = match client.watched {
                None => self.epoll.add(client.stream(), event),
                Some(_) => self.epoll.modify(client.stream(), &mut event),
            };
            match told {
                Ok(()) => client.watched = Some(interest),
                Err(_) => client.break_off(),
            }
        }
    }
}

impl Supervisor {
    /// Looks after those who ask.
    pub(super) fn attend(&mut self) {
        loop {
            let (configuration, ending) = (&*self.question.pattern, self.ending.is_some());
            let daemon = words::Daemon { configuration, ending, brief: &self.brief, options: &self.options };
            let wishes = self.control.turn(Instant::now(), &daemon, &mut self.roles);
            if wishes.is_empty() {
                break;
            }
            // Some of it has its answer already, which the next turn sends.
            for wish in wishes {
                self.fulfil(wish);
            }
        }
    }

    fn fulfil(&mut self, wish: Wish) {
        let Wish { client, purpose } = wish;
        if self.ending.is_some() {
            self.control.refuse(client, "the daemon is stopping");
            return;
        }
        // One that has begun may not have seen what the file says now.
        let number = self.control.readings + 1 + u64::from(self.reading.is_some());
        if let Some(Pending::Plan { number: unknown, .. }) = self.control.pending_of(client) {
            *unknown = number;
        }
        if purpose.apply {
            log::info("A reload is asked for at the control socket");
        }
        self.ask(purpose);
    }
}
