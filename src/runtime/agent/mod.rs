//! The way to SNMP: a thread that speaks AgentX with the master agent, since neither its connections nor what it asks for may
//! hold anybody up. It is there only where SNMP is configured, and asks for a snapshot when the agent wants to know something.

mod counters;
mod thread;

use crate::effect::notice::{Notice, Refusal, ServerNotice, Told};
use crate::model::Model;
use crate::model::global::observe::Snmp;
use crate::observe::snmp::{of_checkers, of_vrrp};
use crate::{lvs, track, vrrp};
use std::sync::Arc;
use std::time::Duration;
use thread::Thread;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

const STACK: usize = 512 * 1024;

/// Whose agent it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Vrrp,
    Checkers,
}

impl Part {
    fn is_wanted(self, snmp: &Snmp) -> bool {
        match self {
            Self::Vrrp => !of_vrrp(snmp).is_empty(),
            Self::Checkers => !of_checkers(snmp).is_empty(),
        }
    }
}

/// What the thread is told.
#[derive(Debug)]
enum Order {
    Configure(Arc<Model>),
    /// The answer to what it has asked for.
    Routers(Box<(vrrp::view::View, track::view::View)>),
    Servers(lvs::view::View),
    /// With the instance as it is, if there is more to tell than the state.
    Notice(Box<(Notice, Option<vrrp::view::InstanceView>)>),
    Refusal(Refusal),
    ServerNotices(Box<(Vec<ServerNotice>, lvs::view::View, bool)>),
    Stop,
}

/// The other end of the thread.
#[derive(Debug)]
pub(super) struct Agent {
    part: Part,
    snmp: Snmp,
    thread: Option<Ends>,
    /// The thread wants to be shown what there is.
    asked: bool,
}

#[derive(Debug)]
struct Ends {
    orders: UnboundedSender<Order>,
    asks: UnboundedReceiver<()>,
}

impl Agent {
    /// The thread speaks from the calling thread's network namespace.
    pub(super) fn start(part: Part, model: &Arc<Model>) -> Self {
        let mut agent = Self { part, snmp: Snmp::default(), thread: None, asked: false };
        agent.configure(model);
        agent
    }

    /// None, whatever is configured.
    pub(super) fn none(part: Part) -> Self {
        Self { part, snmp: Snmp::default(), thread: None, asked: false }
    }

    pub(super) fn configure(&mut self, model: &Arc<Model>) {
        self.snmp = model.global.snmp.clone();
        if !self.part.is_wanted(&self.snmp) {
            self.tell(Order::Stop);
            self.thread = None;
            self.asked = false;
            return;
        }
        if self.thread.is_some() {
            return self.tell(Order::Configure(Arc::clone(model)));
        }
        let (orders, queue) = unbounded_channel();
        let (ask, asks) = unbounded_channel();
        let (part, model) = (self.part, Arc::clone(model));
        let spawned =
            std::thread::Builder::new().name("snmp".to_owned()).stack_size(STACK).spawn(move || Thread::new(part, model, queue, ask).run());
        match spawned {
            Ok(_) => self.thread = Some(Ends { orders, asks }),
            Err(error) => tracing::error!("SNMP is not served: {error}"),
        }
    }

    fn tell(&self, order: Order) {
        if let Some(thread) = &self.thread {
            // It reads until we are gone.
            drop(thread.orders.send(order));
        }
    }

    /// Returns when the thread wants to be shown what there is. Nothing is lost when the future is dropped.
    pub(super) async fn asked(&mut self) {
        let asked = match &mut self.thread {
            Some(thread) => thread.asks.recv().await,
            None => None,
        };
        if asked.is_none() {
            // Nobody asks any more.
            std::future::pending::<()>().await;
        }
        self.asked = true;
    }

    /// Whether it has asked, once.
    pub(super) fn take_asked(&mut self) -> bool {
        std::mem::take(&mut self.asked)
    }

    pub(super) fn show_routers(&self, view: vrrp::view::View, tracking: track::view::View) {
        self.tell(Order::Routers(Box::new((view, tracking))));
    }

    pub(super) fn show_servers(&self, view: lvs::view::View) {
        self.tell(Order::Servers(view));
    }

    const fn sends_traps(&self) -> bool {
        self.snmp.traps && self.thread.is_some()
    }

    pub(super) fn notice(&self, notice: &Notice, engine: &vrrp::Engine) {
        if self.sends_traps() {
            let more = notice.told == Told::Master && (self.snmp.rfc2787 || self.snmp.rfc6527);
            let view = if more { engine.look(&notice.name) } else { None };
            self.tell(Order::Notice(Box::new((notice.clone(), view))));
        }
    }

    pub(super) fn refusal(&self, refusal: Refusal) {
        if self.sends_traps() {
            self.tell(Order::Refusal(refusal));
        }
    }

    pub(super) fn server_notices<'a>(&self, notices: impl Iterator<Item = &'a ServerNotice>, engine: &lvs::Engine, stopping: bool) {
        if self.sends_traps() {
            let notices: Vec<ServerNotice> = notices.cloned().collect();
            if !notices.is_empty() {
                self.tell(Order::ServerNotices(Box::new((notices, engine.snapshot(), stopping))));
            }
        }
    }

    /// Everything has been told. The agent has so long to take it.
    pub(super) async fn finish(self, patience: Duration) {
        self.tell(Order::Stop);
        if let Some(mut thread) = self.thread {
            // Its end is the end of what it says.
            let end = async { while thread.asks.recv().await.is_some() {} };
            drop(tokio::time::timeout(patience, end).await);
        }
    }
}
