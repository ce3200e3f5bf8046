//! A balancer without a machine: a configuration, targets that are up or down, and what the engine does in short lines. Every
//! action is checked for what must always hold.

use crate::config::host::{At, Stated};
use crate::config::testing;
use crate::effect::ipvs::{Dest, ServerId, Service, ServiceKey};
use crate::effect::notice::ServerNotice;
use crate::effect::probe::{CheckerId, Outcome, RunId};
use crate::effect::record::Health;
use crate::effect::time::Instant;
use crate::lvs::{Action, Engine, Event, name};
use crate::model::Model;
use crate::model::checker::{Checker, Probe};
use crate::model::lvs::Forwarding;
use crate::model::net::Family;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub(super) const START: Instant = Instant::from_nanos(1_000_000_000_000);
pub(super) const TCP: &str = "TCP_CHECK {\nconnect_timeout 1\nretry 0\n}\n";

/// Who was told of: a virtual server, its family where the name does not tell it, a real server.
type Told = (Box<str>, Option<Family>, Option<Box<str>>);

pub(super) struct Bench {
    pub(super) engine: Engine,
    pub(super) model: Arc<Model>,
    pub(super) now: Instant,
    /// Targets that do not answer: `10.0.0.12:80`, `10.0.0.1:80/path`, or the argument of a script.
    pub(super) down: BTreeSet<String>,
    /// How scripts exit, by argument, or how any target answers, by name.
    pub(super) answers: BTreeMap<String, Outcome>,
    /// Attempts are left unanswered.
    pub(super) silent: bool,
    pub(super) pending: BTreeMap<RunId, CheckerId>,
    pub(super) held: BTreeMap<ServerId, Box<[Service]>>,
    pub(super) records: BTreeMap<Box<str>, Health>,
    pub(super) log: Vec<String>,
    pub(super) mails: Vec<String>,
    /// When each attempt began, in milliseconds from the start, and of what.
    pub(super) begun: Vec<(u64, String)>,
    /// What each object has been told to be last.
    told: HashMap<Told, bool>,
    /// Attempts that are under way.
    live: BTreeSet<RunId>,
    targets: HashMap<RunId, String>,
    last_run: RunId,
}

pub(super) fn model(text: &str) -> Arc<Model> {
    let mut host = Stated::with(&["e0"]).script("/n").script("/rc");
    host.paths.insert("/f".into(), At::Directory);
    let (model, problems) = testing::load(text, &host);
    // Weights and quorums may be corrected; nothing else is to be wrong.
    let wrong = |problem: &&String| !["quorum", "hysteresis", "SECURITY", "bfd"].iter().any(|word| problem.contains(word));
    assert!(!problems.iter().any(|problem| wrong(&problem)), "{problems:?}\n{text}");
    Arc::new(model)
}

/// `head` is `10.0.0.100 80`, `fwmark 5` or `group G`.
pub(super) fn vs(head: &str, lines: &str, reals: &[String]) -> String {
    let protocol = if head.starts_with("fwmark") { "" } else { "protocol TCP\n" };
    format!("virtual_server {head} {{\ndelay_loop 1\nwarmup 0\nlb_algo rr\n{protocol}lb_kind NAT\n{lines}\n{}}}\n", reals.concat())
}

pub(super) fn rs(n: u8, lines: &str, checkers: &str) -> String {
    format!("real_server 10.0.0.{n} 80 {{\n{lines}\n{checkers}}}\n")
}

impl Bench {
    pub(super) fn start(text: &str) -> (Self, Vec<String>) {
        Self::resume(START, model(text), &[])
    }

    pub(super) fn resume(now: Instant, model: Arc<Model>, records: &[Health]) -> (Self, Vec<String>) {
        let mut actions = Vec::new();
        let engine = Engine::start(now, Arc::clone(&model), 7, records, &mut actions);
        let mut bench = Self {
            engine,
            model,
            now,
            down: BTreeSet::new(),
            answers: BTreeMap::new(),
            silent: false,
            pending: BTreeMap::new(),
            held: BTreeMap::new(),
            records: records.iter().map(|record| (record.key.clone(), record.clone())).collect(),
            log: Vec::new(),
            mails: Vec::new(),
            begun: Vec::new(),
            told: HashMap::new(),
            live: BTreeSet::new(),
            targets: HashMap::new(),
            last_run: RunId(0),
        };
        let told = bench.take(actions);
        (bench, told)
    }

    pub(super) fn handle(&mut self, event: Event<'_>) -> Vec<String> {
        let mut actions = Vec::new();
        self.engine.handle(self.now, event, &mut actions);
        self.take(actions)
    }

    /// Lets time pass, and targets answer at once.
    pub(super) fn pass(&mut self, ms: u64) -> Vec<String> {
        let end = self.now + Duration::from_millis(ms);
        let mut told = self.answer();
        while let Some(at) = self.engine.next_deadline().filter(|at| *at <= end) {
            assert!(at >= self.now, "deadlines lie ahead");
            self.now = at;
            told.extend(self.handle(Event::Tick));
            told.extend(self.answer());
        }
        self.now = end;
        told
    }

    fn answer(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        while !self.silent
            && let Some((&run, &checker)) = self.pending.first_key_value()
        {
            let outcome = self.outcome(run, checker);
            told.extend(self.end(run, outcome));
        }
        told
    }

    pub(super) fn end(&mut self, run: RunId, outcome: Outcome) -> Vec<String> {
        self.pending.remove(&run);
        self.live.remove(&run);
        self.handle(Event::Ended { run, outcome })
    }

    fn outcome(&self, run: RunId, _: CheckerId) -> Outcome {
        let target = self.targets[&run].clone();
        if let Some(outcome) = self.answers.get(&target) {
            return outcome.clone();
        }
        if self.down.contains(&target) { Outcome::Failed("no answer".into()) } else { Outcome::Good }
    }

    pub(super) fn reload(&mut self, text: &str) -> Vec<String> {
        self.reload_to(model(text))
    }

    pub(super) fn reload_to(&mut self, model: Arc<Model>) -> Vec<String> {
        let mut actions = Vec::new();
        self.model = Arc::clone(&model);
        self.engine.reconfigure(self.now, model, &mut actions);
        let told = self.take(actions);
        self.forget_the_removed();
        told
    }

    /// One that comes back is another one.
    fn forget_the_removed(&mut self) {
        let servers = &self.model.lvs.virtual_servers;
        let there = |(server, _, real): &Told| {
            let server = servers.iter().find(|one| *name::virtual_server(one).to_string() == **server);
            server.is_some_and(|server| {
                let mut reals = server.real_servers.iter().map(|one| name::real_server(server, one).to_string());
                real.as_ref().is_none_or(|real| reals.any(|one| *one == **real))
            })
        };
        self.told.retain(|object, _| there(object));
    }

    pub(super) fn stop(&mut self) -> Vec<String> {
        let mut actions = Vec::new();
        self.engine.stop(self.now, &mut actions);
        self.take(actions)
    }

    pub(super) fn down(&mut self, target: &str) {
        self.down.insert(target.to_owned());
    }

    pub(super) fn up(&mut self, target: &str) {
        self.down.remove(target);
    }

    pub(super) fn exits(&mut self, script: &str, status: i32) {
        self.answers.insert(script.to_owned(), Outcome::Status(status));
    }

    pub(super) fn ours(&mut self, address: &str, ours: bool) -> Vec<String> {
        let address: IpAddr = address.parse().expect("an address");
        assert!(self.engine.asks_for(address));
        self.handle(Event::Ours { address, ours })
    }

    /// The table, one service a line.
    pub(super) fn table(&self) -> Vec<String> {
        self.held.values().flat_map(|services| services.iter().map(service)).collect()
    }

    fn take(&mut self, actions: Vec<Action>) -> Vec<String> {
        let told = actions.into_iter().filter_map(|action| self.one(action)).collect();
        // A checker has one phase, so none has two attempts; and what is under way is what somebody waits for.
        let running: BTreeSet<RunId> = self.engine.running().collect();
        assert_eq!(running, self.live);
        told
    }

    fn one(&mut self, action: Action) -> Option<String> {
        match action {
            Action::Hold { owner, services } => {
                // A sorry server may be the real server that it stands in for.
                let sorry = self.model.lvs.virtual_servers.iter().any(|server| server.sorry_server.is_some());
                assert!(sorry || self.held.get(&owner) != Some(&services), "nothing is said twice");
                let line = format!("hold {}", services.iter().map(service).collect::<Vec<_>>().join(", "));
                if services.is_empty() {
                    self.held.remove(&owner);
                } else {
                    self.held.insert(owner, services);
                }
                Some(line)
            }
            Action::Begin { run, checker, url } => {
                assert!(run > self.last_run, "a number of its own");
                self.last_run = run;
                let target = self.target(checker, url);
                let ms = u64::try_from(self.now.since(START).as_millis()).expect("a test is short");
                self.begun.push((ms, target.clone()));
                self.targets.insert(run, target);
                self.pending.insert(run, checker);
                assert!(self.live.insert(run));
                None
            }
            Action::Cancel(run) => {
                assert!(self.live.remove(&run), "only what runs is cancelled");
                self.pending.remove(&run);
                None
            }
            Action::Notify(notice) => self.notice(*notice),
            Action::Record(health) => {
                self.records.insert(health.key.clone(), health);
                None
            }
            Action::Forget(key) => {
                assert!(self.records.remove(&key).is_some(), "{key} was not recorded");
                None
            }
            Action::Say(line) => {
                self.log.push(line.text);
                None
            }
        }
    }

    fn notice(&mut self, notice: ServerNotice) -> Option<String> {
        let ServerNotice { virtual_server, family, real_server, up, script, fifo, mail } = notice;
        let what = match &real_server {
            Some(real) => format!("RS {real} {virtual_server} {}", if up { "UP" } else { "DOWN" }),
            None => format!("VS {virtual_server} {}", if up { "UP" } else { "DOWN" }),
        };
        self.mails.extend(mail.map(|mail| format!("{what}: {mail}")));
        if !fifo {
            assert_eq!(script, None, "what pipes are not told, scripts are not");
            return None;
        }
        let before = self.told.insert((virtual_server, family, real_server), up);
        assert_ne!(before, Some(up), "{what} again");
        let script = script.map(|script| script.argv[1..].join(" "));
        Some(script.map_or(what.clone(), |script| format!("{what} +{script}")))
    }

    fn target(&self, id: CheckerId, url: u16) -> String {
        let at = |n: u32| usize::try_from(n).expect("small");
        let real = &self.model.lvs.virtual_servers[at(id.server)].real_servers[at(id.real)];
        let Checker::Probe { probe, .. } = &real.checkers[at(id.checker)] else { unreachable!("only probes are begun") };
        let (connection, more) = match probe {
            Probe::Tcp(connection) | Probe::Ping(connection) => (connection, ""),
            Probe::Http(http) => (&http.connection, &*http.urls[usize::from(url)].path),
            Probe::Smtp(smtp) => (&smtp.connection, ""),
            Probe::Dns(dns) => (&dns.connection, ""),
            Probe::Udp(udp) => (&udp.connection, ""),
            Probe::Misc(misc) => return misc.script.argv[1..].join(" "),
        };
        format!("{}:{}{more}", connection.address, connection.port)
    }
}

fn service(service: &Service) -> String {
    let (name, port) = match service.key {
        ServiceKey::Address { address, port, .. } => (format!("{address}:{port}"), port),
        ServiceKey::Mark { family, mark } => (format!("{family:?} FWM {mark}"), 0),
    };
    let dests = service.dests.iter().map(|dest| format!(" {}", dest_text(dest, port)));
    format!("{name}{}", dests.collect::<String>())
}

fn dest_text(dest: &Dest, service_port: u16) -> String {
    let address = dest.key.address.to_string();
    let short = address.strip_prefix("10.0.0").unwrap_or(&address);
    let port = if dest.key.port == service_port { String::new() } else { format!(":{}", dest.key.port) };
    let way = match dest.forwarding {
        Forwarding::Nat => "",
        Forwarding::DirectRoute => "d",
        Forwarding::Tunnel(_) => "t",
    };
    format!("{short}{port}{way}*{}", dest.weight)
}
