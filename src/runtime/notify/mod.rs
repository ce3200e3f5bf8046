//! Tells the world of transitions: runs scripts in their order and writes to pipes.

mod fifo;
pub mod spawn;

use crate::effect::notice::Notice;
use crate::effect::say::{Level, Line};
use crate::model::Model;
use crate::model::global::scripts::Fifo as Configured;
use crate::model::script::Script;
use crate::notify::{Object, Order, Queue, fifo_line, with_arguments};
use fifo::Fifo;
use nix::sys::signal::Signal;
use spawn::{Children, Status};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Who passes notices on.
pub trait Tell {
    /// Never waits.
    fn notice(&mut self, notice: Notice);
}

/// Whose script a process is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owner {
    Object(Object),
    /// The reader of the pipe at this path.
    Fifo(PathBuf),
}

/// The teller of the VRRP process. Mail is not its business.
#[derive(Debug)]
pub struct Teller {
    fifos: Vec<Fifo>,
    queue: Queue,
    children: Children<Owner>,
}

impl Tell for Teller {
    fn notice(&mut self, notice: Notice) {
        if notice.fifo {
            let line = fifo_line(&notice);
            for fifo in &mut self.fifos {
                if let Err(error) = fifo.write(&line) {
                    tracing::warn!("FIFO {}: {} is lost: {error}", fifo.path().display(), line.trim_end());
                }
            }
        }
        let mut orders = Vec::new();
        self.queue.tell(notice, &mut orders);
        self.carry_out(orders);
    }
}

/// How long what was killed may take to be gone.
const GRACE: Duration = Duration::from_millis(500);

impl Teller {
    /// Opens the pipes and starts their readers. A pipe that cannot be opened is done without.
    pub fn new(model: &Model) -> io::Result<Self> {
        let mut teller = Self { fifos: Vec::new(), queue: Queue::default(), children: Children::new()? };
        teller.reconfigure(model);
        Ok(teller)
    }

    /// Goes over to a new configuration. Pipes that stay as they are keep their readers; scripts that are running go on.
    pub fn reconfigure(&mut self, model: &Model) {
        self.children.know(spawn::scripts(model));
        let mut before = std::mem::take(&mut self.fifos);
        let wanted = wanted(model);
        before.retain(|fifo| {
            let stays = wanted.contains(&&fifo.configured) && fifo.is_in_place();
            if !stays {
                self.children.signal(&Owner::Fifo(fifo.configured.path.clone()), Signal::SIGTERM);
            }
            stays
        });
        for configured in wanted {
            match before.iter().position(|fifo| fifo.configured == *configured) {
                Some(index) => self.fifos.push(before.swap_remove(index)),
                None => self.open(configured),
            }
        }
    }

    /// Waits for what its scripts do, and does what comes next. Nothing is lost when the future is dropped; it is to be called
    /// again when it returns.
    pub async fn drive(&mut self) {
        let (owner, status) = self.children.next().await;
        self.ended(&owner, status);
    }

    /// All notices have been told. Scripts have until `deadline` from now. Those that keep a `STOP` from being told have a
    /// quarter of that to end by themselves; then they are asked to, and then killed.
    pub async fn finish(mut self, deadline: Duration) {
        for fifo in std::mem::take(&mut self.fifos) {
            self.children.signal(&Owner::Fifo(fifo.configured.path.clone()), Signal::SIGTERM);
        }
        let now = tokio::time::Instant::now();
        let (quarter, deadline) = (deadline / 4, now + deadline);
        let mut hastened = [Signal::SIGTERM, Signal::SIGKILL].into_iter();
        let mut patience = now + quarter;
        while !(self.queue.is_idle() && self.children.is_empty()) {
            tokio::select! {
                () = self.drive() => {}
                () = tokio::time::sleep_until(patience), if hastened.len() > 0 => {
                    if let Some(signal) = hastened.next() {
                        for object in self.queue.late().cloned().collect::<Vec<_>>() {
                            self.children.signal(&Owner::Object(object), signal);
                        }
                    }
                    patience += quarter;
                }
                () = tokio::time::sleep_until(deadline) => break,
            }
        }
        let left: Vec<Owner> = self.children.owners().cloned().collect();
        for owner in left {
            if let Owner::Object(object) = &owner {
                tracing::info!("{object} notify scripts have not ended in time and are killed");
            }
            self.children.signal(&owner, Signal::SIGKILL);
        }
        // What has been killed is gone soon, unless it hangs in the kernel.
        drop(
            tokio::time::timeout(GRACE, async {
                while !self.children.is_empty() {
                    self.children.next().await;
                }
            })
            .await,
        );
    }

    fn open(&mut self, configured: &Configured) {
        let path = configured.path.display();
        match Fifo::open(configured) {
            Ok(fifo) => self.fifos.push(fifo),
            Err(error) => {
                tracing::error!("Unable to open notify FIFO {path}: {error}");
                return;
            }
        }
        let Some(script) = &configured.script else { return };
        let script = with_arguments(script, [path.to_string().into()]);
        if let Err(error) = self.children.start(Owner::Fifo(configured.path.clone()), &script) {
            tracing::error!("Unable to run the script of notify FIFO {path}: {error}");
        }
    }

    fn carry_out(&mut self, orders: Vec<Order>) {
        let mut left = std::collections::VecDeque::from(orders);
        while let Some(order) = left.pop_front() {
            match order {
                Order::Say(line) => say(&line),
                Order::Run { object, script } => {
                    if let Err(error) = self.children.start(Owner::Object(object.clone()), &script) {
                        tracing::error!("{object} unable to run {}: {error}", name(&script));
                        let mut more = Vec::new();
                        self.queue.ended(&object, &mut more);
                        left.extend(more);
                    }
                }
            }
        }
    }

    fn ended(&mut self, owner: &Owner, status: Status) {
        match owner {
            Owner::Fifo(path) => {
                if self.fifos.iter().any(|fifo| fifo.path() == path) {
                    tracing::warn!("The script of notify FIFO {} has ended ({status})", path.display());
                }
            }
            Owner::Object(object) => {
                if let Some(reason) = status.unexecuted() {
                    tracing::error!("{object} a notify script {reason}");
                }
                let mut orders = Vec::new();
                self.queue.ended(object, &mut orders);
                self.carry_out(orders);
            }
        }
    }
}

/// The pipes of the VRRP process; one that is configured twice is opened once.
fn wanted(model: &Model) -> Vec<&Configured> {
    let scripts = &model.global.scripts;
    let mut wanted: Vec<&Configured> = Vec::new();
    for fifo in [&scripts.fifo, &scripts.vrrp_fifo].into_iter().flatten() {
        if !wanted.iter().any(|other| other.path == fifo.path) {
            wanted.push(fifo);
        }
    }
    wanted
}

fn name(script: &Script) -> &str {
    script.argv.first().map_or("", |word| word)
}

pub(in crate::runtime) fn say(line: &Line) {
    match line.level {
        Level::Error => tracing::error!("{}", line.text),
        Level::Warning => tracing::warn!("{}", line.text),
        Level::Notice | Level::Info => tracing::info!("{}", line.text),
        Level::Detail => tracing::debug!("{}", line.text),
    }
}
