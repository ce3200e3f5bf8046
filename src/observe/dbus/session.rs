//! One service on a bus: connects, says who it is, takes its name, answers, tells what happens, and comes back when the bus does.

use super::objects::Service;
use super::tree::{Answer, Ask, Call, INSTANCE, INVALID_ARGS, Object, PROPERTIES, Status, VRRP};
use crate::effect::say::{Level, Line};
use crate::effect::time::Instant;
use crate::wire::dbus::{Header, Kind, Message, NO_REPLY_EXPECTED, Value, decode, is_bus_name, length, sasl};
use std::collections::BTreeMap;
use std::time::Duration;

const BUS: &str = "org.freedesktop.DBus";
const BUS_PATH: &str = "/org/freedesktop/DBus";
const LIMITS_EXCEEDED: &str = "org.freedesktop.DBus.Error.LimitsExceeded";
/// How long a bus may take to let us in.
const PATIENCE: Duration = Duration::from_secs(10);
/// When a bus that is not there is looked for again; twice as long each time.
const SOON: Duration = Duration::from_secs(1);
const LATE: Duration = Duration::from_secs(30);
/// No call that makes sense is larger. What is, is passed over.
const LARGEST: usize = 64 * 1024;
/// So many calls may wait for what they have asked for.
const PENDING: usize = 16;

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Connect to the bus, and say whether that went well.
    Connect,
    Close,
    Write(Vec<u8>),
    /// Pass this on, and say when it is done.
    Ask(u64, Ask),
    Say(Line),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Without a bus, until then.
    Away(Instant),
    Connecting,
    /// The bus has until then to know who we are.
    Greeting(Instant),
    /// And until then to say what we are called, in answer to the message with this number.
    Naming(Instant, u32),
    Serving,
    Over,
}

/// Who waits for what he has asked for.
#[derive(Clone, Debug)]
struct Caller {
    name: Option<Box<str>>,
    serial: u32,
    wants_reply: bool,
}

#[derive(Debug)]
pub struct Session {
    service: Service,
    /// Of the user that connects.
    user: u32,
    /// Of the machine.
    machine: Option<Box<str>>,
    state: State,
    pause: Duration,
    /// That there is no bus has been said.
    complained: bool,
    started: bool,
    input: Vec<u8>,
    /// So much of what comes belongs to a message that is too large.
    skip: usize,
    serial: u32,
    /// The messages by which names were asked for.
    requests: BTreeMap<u32, Box<str>>,
    callers: BTreeMap<u64, Caller>,
    asked: u64,
    outputs: Vec<Output>,
}

impl Session {
    pub fn new(now: Instant, service: Service, user: u32, machine: Option<Box<str>>) -> Self {
        Self {
            service,
            user,
            machine,
            state: State::Away(now),
            pause: SOON,
            complained: false,
            started: false,
            input: Vec::new(),
            skip: 0,
            serial: 0,
            requests: BTreeMap::new(),
            callers: BTreeMap::new(),
            asked: 0,
            outputs: Vec::new(),
        }
    }

    /// What is to be done since this was asked for.
    pub fn outputs(&mut self) -> Vec<Output> {
        std::mem::take(&mut self.outputs)
    }

    pub const fn next_deadline(&self) -> Option<Instant> {
        match self.state {
            State::Away(at) | State::Greeting(at) | State::Naming(at, _) => Some(at),
            State::Connecting | State::Serving | State::Over => None,
        }
    }

    pub fn tick(&mut self, now: Instant) {
        match self.state {
            State::Away(at) if at <= now => {
                self.state = State::Connecting;
                self.outputs.push(Output::Connect);
            }
            State::Greeting(at) | State::Naming(at, _) if at <= now => self.lost(now, "it does not answer"),
            State::Away(_) | State::Connecting | State::Greeting(_) | State::Naming(..) | State::Serving | State::Over => {}
        }
    }

    pub fn connected(&mut self, now: Instant) {
        self.state = State::Greeting(now + PATIENCE);
        self.outputs.push(Output::Write(sasl::greeting(self.user)));
    }

    /// There is no connection, or none any more.
    pub fn lost(&mut self, now: Instant, why: &str) {
        if self.state == State::Over {
            return;
        }
        let served = self.state == State::Serving;
        if served || !self.complained {
            let text = if served { "The D-Bus connection is lost" } else { "D-Bus cannot be reached" };
            self.say(Level::Warning, format!("{text}: {why}. It is tried again"));
            self.complained = true;
        }
        self.outputs.push(Output::Close);
        self.input.clear();
        self.skip = 0;
        self.requests.clear();
        self.callers.clear();
        self.state = State::Away(now + self.pause);
        self.pause = (self.pause * 2).min(LATE);
    }

    pub fn received(&mut self, now: Instant, bytes: &[u8]) {
        let skipped = self.skip.min(bytes.len());
        self.skip -= skipped;
        self.input.extend_from_slice(bytes.get(skipped..).unwrap_or_default());
        if let State::Greeting(until) = self.state {
            match sasl::answer(&self.input) {
                sasl::Step::More => return,
                sasl::Step::Refused(why) => return self.lost(now, &format!("it does not let us in ({why})")),
                sasl::Step::Known(used) => {
                    self.input.drain(..used);
                    self.outputs.push(Output::Write(sasl::BEGIN.to_vec()));
                    let serial = self.call_bus("Hello", Vec::new());
                    self.state = State::Naming(until, serial);
                }
            }
        }
        while matches!(self.state, State::Naming(..) | State::Serving) {
            match length(&self.input) {
                Ok(Some(size)) if size > LARGEST => {
                    let here = size.min(self.input.len());
                    self.input.drain(..here);
                    self.skip = size - here;
                }
                Ok(Some(size)) if size <= self.input.len() => {
                    // One that cannot be read is nobody's; where the next one begins is known.
                    let message = self.input.get(..size).and_then(|bytes| decode(bytes).ok());
                    self.input.drain(..size);
                    if let Some(message) = message {
                        self.heard(now, message);
                    }
                }
                Ok(_) => break,
                Err(malformed) => self.lost(now, &malformed.to_string()),
            }
        }
    }

    fn heard(&mut self, now: Instant, message: Message) {
        let Message { kind, flags, serial, header, body } = message;
        match (kind, self.state) {
            (Kind::Return, State::Naming(_, hello)) if header.reply_to == Some(hello) => self.serve(),
            (Kind::Error, State::Naming(_, hello)) if header.reply_to == Some(hello) => self.lost(now, &reason(&header, &body)),
            (Kind::Return | Kind::Error, State::Serving) => {
                if let Some(name) = header.reply_to.and_then(|serial| self.requests.remove(&serial)) {
                    self.name_answered(&name, kind, &header, &body);
                }
            }
            (Kind::Signal, State::Serving) if header.sender.as_deref() == Some(BUS) => self.name_told(&header, &body),
            (Kind::Call, State::Serving) => self.called(flags, serial, header, &body),
            _ => {}
        }
    }

    /// The bus has let us in.
    fn serve(&mut self) {
        self.state = State::Serving;
        self.pause = SOON;
        self.complained = false;
        // First, so that those who listen to the name hear what comes next.
        self.request_name();
        if !std::mem::replace(&mut self.started, true) {
            self.signal_process("VrrpStarted");
        }
        for object in self.service.tree.objects().to_vec() {
            self.signal_status(&object.path, object.status);
        }
    }

    fn request_name(&mut self) {
        let name = self.service.name.clone();
        if !is_bus_name(&name) {
            return self.say(Level::Error, format!("D-Bus: {name} cannot be the name of a service"));
        }
        let serial = self.call_bus("RequestName", vec![Value::Str(name.clone()), Value::U32(0)]);
        self.requests.insert(serial, name);
    }

    /// That it is ours, the bus tells by a signal.
    fn name_answered(&mut self, name: &str, kind: Kind, header: &Header, body: &[Value]) {
        if kind == Kind::Error {
            self.say(Level::Error, format!("D-Bus: the name {name} cannot be had: {}", reason(header, body)));
        } else if body == [Value::U32(2)] {
            self.say(Level::Info, format!("D-Bus: the name {name} is taken. It is waited for"));
        }
    }

    fn name_told(&mut self, header: &Header, body: &[Value]) {
        let [Value::Str(name)] = body else { return };
        if *name != self.service.name {
            return;
        }
        match header.member.as_deref() {
            Some("NameAcquired") => self.say(Level::Info, format!("Acquired the name {name} on D-Bus")),
            Some("NameLost") => self.say(Level::Info, format!("Lost the name {name} on D-Bus")),
            _ => {}
        }
    }

    fn called(&mut self, flags: u8, serial: u32, header: Header, body: &[Value]) {
        let (Some(path), Some(member)) = (header.path, header.member) else { return };
        let call = Call { path: &path, interface: header.interface.as_deref(), member: &member, body };
        let answer = self.service.tree.call(call, self.machine.as_deref());
        let caller = Caller { name: header.sender, serial, wants_reply: flags & NO_REPLY_EXPECTED == 0 };
        match answer {
            Answer::Values(values) => self.reply(&caller, Ok(values)),
            Answer::Error(error, text) => self.reply(&caller, Err((error, text))),
            Answer::After(_) if self.callers.len() >= PENDING => {
                self.reply(&caller, Err((LIMITS_EXCEEDED, "Too much is being asked for already".to_owned())));
            }
            Answer::After(ask) => {
                if let Some(line) = line(&ask, call, self.service.tree.at(&path)) {
                    self.say(Level::Info, line);
                }
                self.asked += 1;
                self.callers.insert(self.asked, caller);
                self.outputs.push(Output::Ask(self.asked, ask));
            }
        }
    }

    /// What was asked for is done.
    pub fn done(&mut self, asked: u64) {
        if let Some(caller) = self.callers.remove(&asked) {
            self.reply(&caller, Ok(Vec::new()));
        }
    }

    fn reply(&mut self, caller: &Caller, answer: Result<Vec<Value>, (&str, String)>) {
        if !caller.wants_reply {
            return;
        }
        let header = Header { reply_to: Some(caller.serial), destination: caller.name.clone(), ..Header::default() };
        match answer {
            Ok(values) => self.send(Kind::Return, header, values),
            Err((error, text)) => self.send(Kind::Error, Header { error: Some(error.into()), ..header }, vec![Value::str(text)]),
        };
    }

    /// An instance has come into a state.
    pub fn turned(&mut self, key: &str, status: Status) {
        if let Some(path) = self.service.tree.turn(key, status).map(|object| object.path.clone()) {
            self.signal_status(&path, status);
        }
    }

    /// Another configuration is in force.
    pub fn reconfigure(&mut self, service: Service) {
        let before = std::mem::replace(&mut self.service, service);
        for object in before.tree.objects() {
            if self.service.tree.at(&object.path).is_none() && object.status != object.farewell {
                self.signal_status(&object.path, object.farewell);
            }
        }
        self.signal_process("VrrpReloaded");
        for object in self.service.tree.objects().to_vec() {
            let known = before.tree.at(&object.path);
            if let Some(known) = known
                && known.name != object.name
            {
                self.signal_changed(&object.path, "Name", object.name_property());
            }
            if known.is_none_or(|known| known.status != object.status) {
                self.signal_status(&object.path, object.status);
            }
        }
        if before.name != self.service.name && self.state == State::Serving {
            self.request_name();
            self.call_bus("ReleaseName", vec![Value::Str(before.name)]);
        }
    }

    /// The end. What is to be written is to be written before the connection is closed.
    pub fn stop(&mut self) {
        self.signal_process("VrrpStopped");
        if self.state == State::Serving {
            let name = self.service.name.clone();
            self.call_bus("ReleaseName", vec![Value::Str(name)]);
            self.say(Level::Info, "Released D-Bus".to_owned());
        }
        self.state = State::Over;
    }

    fn signal_process(&mut self, member: &str) {
        let path = self.service.tree.process().to_owned();
        self.signal(&path, VRRP, member, Vec::new());
    }

    fn signal_status(&mut self, path: &str, status: Status) {
        self.signal(path, INSTANCE, "VrrpStatusChange", vec![Value::U32(status.number())]);
        self.signal_changed(path, "State", status.property());
    }

    fn signal_changed(&mut self, path: &str, name: &'static str, value: Value) {
        let none = Value::Array { of: "s".into(), items: Vec::new() };
        self.signal(path, PROPERTIES, "PropertiesChanged", vec![Value::str(INSTANCE), Value::properties([(name, value)]), none]);
    }

    /// Nobody hears what is said without a bus.
    fn signal(&mut self, path: &str, interface: &str, member: &str, body: Vec<Value>) {
        if self.state == State::Serving {
            let (path, interface, member) = (Some(path.into()), Some(interface.into()), Some(member.into()));
            self.send(Kind::Signal, Header { path, interface, member, ..Header::default() }, body);
        }
    }

    fn call_bus(&mut self, member: &str, body: Vec<Value>) -> u32 {
        let bus: Option<Box<str>> = Some(BUS.into());
        let header = Header {
            path: Some(BUS_PATH.into()),
            interface: bus.clone(),
            member: Some(member.into()),
            destination: bus,
            ..Header::default()
        };
        self.send(Kind::Call, header, body)
    }

    fn send(&mut self, kind: Kind, header: Header, body: Vec<Value>) -> u32 {
        self.serial = self.serial.checked_add(1).unwrap_or(1);
        let flags = if kind == Kind::Call { 0 } else { NO_REPLY_EXPECTED };
        self.outputs.push(Output::Write(Message { kind, flags, serial: self.serial, header, body }.encode()));
        self.serial
    }

    fn say(&mut self, level: Level, text: String) {
        self.outputs.push(Output::Say(Line { level, text }));
    }
}

/// As the log tells who has asked for what.
fn line(ask: &Ask, call: Call<'_>, object: Option<&Object>) -> Option<String> {
    match ask {
        Ask::PrintData => Some("Printing VRRP data on D-Bus request".to_owned()),
        Ask::PrintStats => Some("Printing VRRP stats on D-Bus request".to_owned()),
        Ask::PrintStatsClear => Some("Printing and clearing VRRP stats on D-Bus request".to_owned()),
        Ask::Reload => None,
        Ask::SendGarp(_) => Some(format!("Sending garps on {} on D-Bus request", object.map_or(call.path, |object| &object.name))),
    }
}

fn reason(header: &Header, body: &[Value]) -> String {
    match (body.first(), &header.error) {
        (Some(Value::Str(text)), _) => text.escape_debug().to_string(),
        (_, Some(error)) => error.to_string(),
        (_, None) => INVALID_ARGS.to_owned(),
    }
}
