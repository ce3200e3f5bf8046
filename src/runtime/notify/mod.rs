//! Tells the world of transitions: runs scripts in their order, writes to pipes and sends mail.

mod fifo;
mod mail;
mod pipe;
pub mod spawn;
mod starter;

use crate::effect::say::{Level, Line};
use crate::effect::time::Instant;
use crate::kernel::timer::now;
use crate::model::Model;
use crate::model::global::mail::Mail;
use crate::model::global::scripts::Fifo as Configured;
use crate::model::script::Script;
use crate::notify::mail::{Written, date};
use crate::notify::{News, Order, Queue, Turn};
use crate::sys::clock;
use mail::Post;
use nix::sys::signal::Signal;
use pipe::{Pipe, Reader};
use spawn::{Children, Status};
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Who passes notices on.
pub trait Tell<N> {
    /// Never waits.
    fn notice(&mut self, notice: N);
}

/// Whose script a process is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owner {
    Object(Turn),
    /// The reader of a pipe.
    Reader(Reader),
}

/// Whose notices are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Domain {
    Vrrp,
    Servers,
}

/// The teller of one process. It lives in a runtime.
#[derive(Debug)]
pub struct Teller {
    domain: Domain,
    pipes: Vec<Pipe>,
    queue: Queue,
    children: Children<Owner>,
    /// Scripts find the transition in their environment.
    json: bool,
    mail: Mail,
    written: Written,
    post: Post,
}

impl<N: Into<News>> Tell<N> for Teller {
    fn notice(&mut self, notice: N) {
        self.tell(notice.into());
    }
}

/// How long what was killed may take to be gone.
const GRACE: Duration = Duration::from_millis(500);

impl Teller {
    /// Of the VRRP process. Opens the pipes and starts their readers; a pipe that cannot be opened is done without.
    pub fn new(model: &Model) -> io::Result<Self> {
        Self::of(Domain::Vrrp, model)
    }

    /// Of the checker process.
    pub fn for_servers(model: &Model) -> io::Result<Self> {
        Self::of(Domain::Servers, model)
    }

    fn of(domain: Domain, model: &Model) -> io::Result<Self> {
        let mut teller = Self {
            domain,
            pipes: Vec::new(),
            queue: Queue::default(),
            children: Children::new()?,
            json: false,
            mail: Mail::default(),
            written: Written::default(),
            post: Post::default(),
        };
        teller.reconfigure(model);
        Ok(teller)
    }

    /// Goes over to a new configuration. Pipes that stay as they are keep their readers; scripts that are running go on, and
    /// so does mail that waits.
    pub fn reconfigure(&mut self, model: &Model) {
        self.json = model.global.scripts.notify_json;
        self.mail = model.global.mail.clone();
        self.post.reconfigure(&self.mail);
        let mut before = std::mem::take(&mut self.pipes);
        let wanted = wanted(self.domain, model);
        before.retain(|pipe| {
            let stays = wanted.contains(&pipe.configured()) && pipe.is_in_place();
            if !stays {
                self.children.signal(&Owner::Reader(pipe.reader()), Signal::SIGTERM);
            }
            stays
        });
        for configured in wanted {
            let pipe = match before.iter().position(|pipe| pipe.configured() == configured) {
                Some(index) => before.swap_remove(index),
                None => match Pipe::open(configured) {
                    Ok(mut pipe) => {
                        pipe.start_reader(&mut self.children);
                        pipe
                    }
                    Err(error) => {
                        tracing::error!("Unable to open notify FIFO {}: {error}", configured.path.display());
                        continue;
                    }
                },
            };
            self.pipes.push(pipe);
        }
    }

    /// Waits for what its scripts do, and does what comes next. Nothing is lost when the future is dropped; it is to be called
    /// again when it returns.
    pub async fn drive(&mut self) {
        let readers = self.pipes.iter().filter_map(Pipe::next_start);
        let deadline = self.queue.next_deadline().into_iter().chain(readers).min();
        tokio::select! {
            (owner, status) = self.children.next() => self.ended(&owner, &status),
            () = sleep_until(deadline), if deadline.is_some() => self.tick(),
        }
    }

    fn tick(&mut self) {
        let mut orders = Vec::new();
        self.queue.tick(now(), &mut orders);
        self.carry_out(orders);
        for pipe in self.pipes.iter_mut().filter(|pipe| pipe.next_start().is_some_and(|at| at <= now())) {
            pipe.start_reader(&mut self.children);
        }
    }

    /// Says to the pipes alone what has been told before.
    pub fn restate(&mut self, news: &News) {
        if let Some(line) = &news.line {
            for pipe in &mut self.pipes {
                pipe.write(line);
            }
        }
    }

    fn tell(&mut self, news: News) {
        self.restate(&news);
        if news.alert.is_some()
            && let Some(letter) = self.written.letter(&news, &self.mail, &today())
        {
            self.post.send(letter);
        }
        let mut orders = Vec::new();
        self.queue.tell(now(), news, &mut orders);
        self.carry_out(orders);
    }

    /// All notices have been told. Scripts and mail have until `deadline` from now. Scripts that keep another from being told
    /// have a quarter of that to end by themselves; then they are asked to, and then killed.
    pub async fn finish(mut self, deadline: Duration) {
        let post = std::mem::take(&mut self.post);
        tokio::join!(post.finish(tokio::time::Instant::now() + deadline), self.finish_scripts(deadline));
    }

    async fn finish_scripts(mut self, deadline: Duration) {
        for pipe in std::mem::take(&mut self.pipes) {
            self.children.signal(&Owner::Reader(pipe.reader()), Signal::SIGTERM);
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
                        for turn in self.queue.late() {
                            self.children.signal(&Owner::Object(turn), signal);
                        }
                    }
                    patience += quarter;
                }
                () = tokio::time::sleep_until(deadline) => break,
            }
        }
        let left: Vec<Owner> = self.children.owners().cloned().collect();
        for owner in left {
            if let Owner::Object(turn) = &owner {
                tracing::info!("{} notify scripts have not ended in time and are killed", turn.object);
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

    fn carry_out(&mut self, orders: Vec<Order>) {
        let mut left = std::collections::VecDeque::from(orders);
        while let Some(order) = left.pop_front() {
            match order {
                Order::Say(line) => say(&line),
                Order::Run { turn, script, json } => {
                    let told = [(VARIABLE, json.as_str())];
                    let told = if self.json { &told[..] } else { &[] };
                    if let Err(error) = self.children.start_told(Owner::Object(turn.clone()), &script, told) {
                        tracing::error!("{} unable to run {}: {error}", turn.object, name(&script));
                        let mut more = Vec::new();
                        self.queue.ended(now(), &turn, &mut more);
                        left.extend(more);
                    }
                }
            }
        }
    }

    fn ended(&mut self, owner: &Owner, status: &Status) {
        match owner {
            Owner::Reader(reader) => {
                if let Some(pipe) = self.pipes.iter_mut().find(|pipe| pipe.reader() == *reader) {
                    pipe.reader_ended(status);
                }
            }
            Owner::Object(turn) => {
                if let Some(reason) = status.unexecuted() {
                    tracing::error!("{} a notify script {reason}", turn.object);
                }
                let mut orders = Vec::new();
                self.queue.ended(now(), turn, &mut orders);
                self.carry_out(orders);
            }
        }
    }
}

/// What scripts find the transition in, where they are to.
const VARIABLE: &str = "STANDFAST_NOTIFY";

/// The pipes of a process; one that is configured twice is opened once.
fn wanted(domain: Domain, model: &Model) -> Vec<&Configured> {
    let scripts = &model.global.scripts;
    let own = match domain {
        Domain::Vrrp => &scripts.vrrp_fifo,
        Domain::Servers => &scripts.lvs_fifo,
    };
    let mut wanted: Vec<&Configured> = Vec::new();
    for fifo in [&scripts.fifo, own].into_iter().flatten() {
        if !wanted.iter().any(|other| other.path == fifo.path) {
            wanted.push(fifo);
        }
    }
    wanted
}

async fn sleep_until(deadline: Option<Instant>) {
    if let Some(deadline) = deadline {
        tokio::time::sleep(deadline.since(now())).await;
    }
}

/// The date of a mail.
fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let seconds = i64::try_from(seconds).unwrap_or_default();
    date(seconds, clock::east(seconds))
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
