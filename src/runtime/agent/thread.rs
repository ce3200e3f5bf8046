//! The thread: a session with the agent, and what it is told of by the process.

use super::counters::Counters;
use super::{Order, Part};
use crate::effect::interface::Interface;
use crate::effect::time::Instant;
use crate::kernel::rtnl::interfaces;
use crate::kernel::timer::now;
use crate::model::Model;
use crate::observe::snmp::master::{Master, USUAL};
use crate::observe::snmp::session::{Action, Event, Request, Session, Settings};
use crate::observe::snmp::{Scene, Tree, checkers, identity, of_checkers, of_vrrp, trap, vrrp};
use crate::runtime::KEEPALIVED;
use crate::runtime::notify::say;
use crate::sys::signal::leave_children;
use crate::sys::spawn::be_ordinary_thread;
use crate::vrrp::view::{InstanceView, View};
use crate::wire::agentx::VarBind;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::timeout;

/// What is shown is no older than that, and is forgotten when nobody has asked for so long.
const FRESH: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_secs(5);
/// How long a connection is tried, and how long the agent may take to read what it is sent.
const PATIENCE: Duration = Duration::from_secs(5);
/// An agent that never reads is not waited for at the end.
const FAREWELL: Duration = Duration::from_millis(500);
const ROOM: usize = 4096;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

type Connecting = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send>>;

pub(super) struct Thread {
    part: Part,
    model: Arc<Model>,
    orders: UnboundedReceiver<Order>,
    asks: UnboundedSender<()>,
    session: Session,
    settings: Settings,
    master: Option<Master>,
    stream: Option<Box<dyn Stream>>,
    connecting: Option<Connecting>,
    tree: Option<(Instant, Tree<Scene>)>,
    waiting: Vec<Request>,
    counters: Counters,
    interfaces: Option<(Instant, Vec<Interface>)>,
    over: bool,
}

/// What has happened.
enum Happened {
    Order(Option<Order>),
    Connected(io::Result<Box<dyn Stream>>),
    Read(io::Result<usize>),
    Due,
}

impl Thread {
    pub(super) fn new(part: Part, model: Arc<Model>, orders: UnboundedReceiver<Order>, asks: UnboundedSender<()>) -> Self {
        let (settings, master) = settings(part, &model);
        Self {
            part,
            orders,
            asks,
            session: Session::new(now(), settings.clone()),
            settings,
            master,
            stream: None,
            connecting: None,
            tree: None,
            waiting: Vec::new(),
            counters: Counters::default(),
            interfaces: None,
            over: false,
            model,
        }
    }

    pub(super) fn run(mut self) {
        // What others may ask for as often as they like is not done at the priority of adverts.
        be_ordinary_thread();
        leave_children();
        match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                runtime.block_on(self.serve());
                // A name that is still being looked up is of no interest any more.
                runtime.shutdown_background();
            }
            Err(error) => tracing::error!("SNMP is not served: {error}"),
        }
    }

    async fn serve(&mut self) {
        let mut buffer = vec![0; ROOM];
        let mut end = None;
        while !self.over {
            let idle = self.tree.as_ref().map(|(made, _)| *made + IDLE);
            let due = [self.session.next_deadline().filter(|_| self.master.is_some()), idle, end].into_iter().flatten().min();
            let happened = tokio::select! {
                biased;
                order = self.orders.recv(), if end.is_none() => Happened::Order(order),
                stream = async { self.connecting.as_mut().expect("guarded").await }, if self.connecting.is_some() => {
                    Happened::Connected(stream)
                }
                read = async { self.stream.as_mut().expect("guarded").read(&mut buffer).await }, if self.stream.is_some() => {
                    Happened::Read(read)
                }
                () = tokio::time::sleep(due.unwrap_or_default().since(now())), if due.is_some() => Happened::Due,
            };
            match happened {
                Happened::Order(Some(Order::Stop) | None) => {
                    end = Some(now() + FAREWELL);
                    self.handle(Event::Stop).await;
                }
                Happened::Order(Some(order)) => self.obey(order).await,
                Happened::Connected(Ok(stream)) => {
                    self.connecting = None;
                    self.stream = Some(stream);
                    self.handle(Event::Connected).await;
                }
                Happened::Connected(Err(error)) => {
                    self.connecting = None;
                    self.handle(Event::Lost(&error.to_string())).await;
                }
                Happened::Read(Ok(0)) => self.lose("it has ended the connection").await,
                Happened::Read(Ok(length)) => self.handle(Event::Received(buffer.get(..length).unwrap_or_default())).await,
                Happened::Read(Err(error)) => self.lose(&error.to_string()).await,
                Happened::Due => {
                    if self.tree.as_ref().is_some_and(|(made, _)| *made + IDLE <= now()) {
                        self.tree = None;
                    }
                    if end.is_some_and(|end| end <= now()) {
                        return;
                    }
                    if self.session.next_deadline().is_some_and(|due| due <= now()) && self.master.is_some() {
                        self.handle(Event::Tick).await;
                    }
                }
            }
        }
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Configure(model) => self.reconfigure(model).await,
            Order::Routers(shown) => {
                let (view, tracking) = *shown;
                let scene = Scene { vrrp: view, tracking, interfaces: self.interfaces(), ..self.scene() };
                self.shown(vrrp(scene)).await;
            }
            Order::Servers(view) => {
                let served = self.counters.read(&self.model);
                let scene = Scene { servers: view, served, ..self.scene() };
                self.shown(checkers(scene)).await;
            }
            Order::Notice(told) => {
                let (notice, view) = *told;
                let more = view.is_some();
                let scene = self.around(view, more);
                self.trap(trap::vrrp(&scene, &notice)).await;
            }
            Order::Refusal(refusal) => {
                let scene = self.around(None, true);
                self.trap(trap::refused(&scene, &refusal)).await;
            }
            Order::ServerNotices(told) => {
                let (notices, view, stopping) = *told;
                let traps = notices.iter().filter_map(|notice| trap::server(&self.model, &view, stopping, notice));
                let traps = traps.collect();
                self.trap(traps).await;
            }
            Order::Stop => {}
        }
    }

    fn scene(&self) -> Scene {
        Scene { version: KEEPALIVED, model: Arc::clone(&self.model), now: now(), uptime: self.session.uptime(), ..Scene::default() }
    }

    /// What is known of one instance.
    fn around(&mut self, view: Option<InstanceView>, interfaces: bool) -> Scene {
        let interfaces = if interfaces { self.interfaces() } else { Vec::new() };
        Scene { vrrp: View { instances: view.into_iter().collect(), ..View::default() }, interfaces, ..self.scene() }
    }

    fn interfaces(&mut self) -> Vec<Interface> {
        if let Some((_, known)) = self.interfaces.as_ref().filter(|(at, _)| *at + FRESH > now()) {
            return known.clone();
        }
        let found = interfaces().unwrap_or_else(|error| {
            tracing::warn!("interfaces are missing in what SNMP shows: {error}");
            Vec::new()
        });
        self.interfaces = Some((now(), found.clone()));
        found
    }

    async fn reconfigure(&mut self, model: Arc<Model>) {
        let (settings, master) = settings(self.part, &model);
        self.model = model;
        self.tree = None;
        self.counters.forget();
        if settings != self.settings {
            self.handle(Event::Stop).await;
            (self.stream, self.connecting, self.over) = (None, None, false);
            self.waiting.clear();
            self.session = Session::new(now(), settings.clone());
            (self.settings, self.master) = (settings, master);
        }
    }

    async fn shown(&mut self, tree: Tree<Scene>) {
        for request in std::mem::take(&mut self.waiting) {
            self.answer(&request, &tree).await;
        }
        self.tree = Some((now(), tree));
    }

    async fn answer(&mut self, request: &Request, tree: &Tree<Scene>) {
        if let Some(bytes) = self.session.answer(request, request.query.answer(tree)) {
            self.send(&bytes).await;
        }
    }

    async fn trap(&mut self, traps: Vec<Vec<VarBind>>) {
        for binds in traps {
            self.handle(Event::Trap(&binds)).await;
        }
    }

    async fn lose(&mut self, reason: &str) {
        self.stream = None;
        self.handle(Event::Lost(reason)).await;
    }

    async fn handle(&mut self, event: Event<'_>) {
        let mut actions = Vec::new();
        self.session.handle(now(), event, &mut actions);
        for action in actions {
            match action {
                Action::Connect => {
                    self.waiting.clear();
                    self.connecting = self.master.clone().map(connect);
                }
                Action::Disconnect => (self.stream, self.connecting) = (None, None),
                Action::Send(bytes) => self.send(&bytes).await,
                Action::Ask(request) => self.ask(request).await,
                Action::Say(line) => say(&line),
                Action::End => self.over = true,
            }
        }
    }

    async fn ask(&mut self, request: Request) {
        match self.tree.take() {
            Some((made, tree)) if made + FRESH > now() => {
                self.answer(&request, &tree).await;
                self.tree = Some((made, tree));
            }
            Some(_) | None => {
                if self.waiting.is_empty() {
                    // Who is asked is there as long as we are.
                    let _ = self.asks.send(());
                }
                self.waiting.push(request);
            }
        }
    }

    /// What does not go out is noticed when it is read.
    async fn send(&mut self, bytes: &[u8]) {
        let Some(stream) = &mut self.stream else { return };
        match timeout(PATIENCE, stream.write_all(bytes)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => {
                let mut actions = Vec::new();
                self.stream = None;
                self.session.handle(now(), Event::Lost("it takes nothing"), &mut actions);
                for action in actions {
                    match action {
                        Action::Say(line) => say(&line),
                        Action::End => self.over = true,
                        Action::Connect | Action::Disconnect | Action::Send(_) | Action::Ask(_) => {}
                    }
                }
            }
        }
    }
}

/// What is served, and where; nowhere, if the address makes no sense.
fn settings(part: Part, model: &Model) -> (Settings, Option<Master>) {
    let snmp = &model.global.snmp;
    let address = snmp.socket.as_deref().unwrap_or(USUAL);
    let (name, subtrees) = match part {
        Part::Vrrp => ("Keepalived VRRP", of_vrrp(snmp)),
        Part::Checkers => ("Keepalived checkers", of_checkers(snmp)),
    };
    let settings = Settings { address: address.into(), id: identity(), description: name.into(), subtrees };
    let master = Master::read(address).map_err(|wrong| tracing::error!("SNMP agent {address}: {wrong}")).ok();
    (settings, master)
}

fn connect(master: Master) -> Connecting {
    Box::pin(async move {
        let stream = async {
            Ok::<Box<dyn Stream>, io::Error>(match &master {
                Master::Unix(path) => Box::new(UnixStream::connect(path).await?),
                Master::Tcp(host, port) => Box::new(TcpStream::connect((&**host, *port)).await?),
            })
        };
        timeout(PATIENCE, stream).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    })
}
