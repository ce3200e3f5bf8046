//! Hands mails over to a server, beside everything else: one after the other, each through a connection of its own.

use super::say;
use crate::kernel::timer::now;
use crate::model::global::mail::Mail;
use crate::notify::mail::{Dialogue, Failure, Letter, Next, Outbox, Outcome, Parcel};
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

/// How long a server that has taken a mail is heard any longer.
const FAREWELL: Duration = Duration::from_secs(2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Server {
    address: SocketAddr,
    timeout: Duration,
}

#[derive(Debug)]
enum Order {
    Post(Letter),
    /// Whom mails go to from now on, those that wait as well.
    Server(Option<Server>),
    /// Nothing comes any more.
    Finish(Instant),
}

/// The way to the task that sends. It ends with this value.
#[derive(Debug, Default)]
pub(super) struct Post {
    server: Option<Server>,
    orders: Option<UnboundedSender<Order>>,
    task: JoinSet<()>,
}

impl Post {
    pub(super) fn reconfigure(&mut self, conf: &Mail) {
        self.server = conf.server.map(|address| Server { address, timeout: conf.timeout });
        if let Some(orders) = &self.orders {
            drop(orders.send(Order::Server(self.server)));
        }
    }

    pub(super) fn send(&mut self, letter: Letter) {
        let orders = self.orders.get_or_insert_with(|| {
            let (sender, receiver) = unbounded_channel();
            self.task.spawn(work(self.server, receiver));
            sender
        });
        drop(orders.send(Order::Post(letter)));
    }

    /// What waits has until then.
    pub(super) async fn finish(mut self, deadline: Instant) {
        if let Some(orders) = self.orders.take() {
            drop(orders.send(Order::Finish(deadline)));
            self.task.join_next().await;
        }
    }
}

type Sending = Pin<Box<dyn Future<Output = (Parcel, Handed)> + Send>>;

/// What has become of an attempt.
enum Handed {
    Ended(Result<Outcome, Failure>),
    Unreachable(String),
}

async fn work(mut server: Option<Server>, mut orders: UnboundedReceiver<Order>) {
    let mut outbox = Outbox::default();
    let mut sending: Option<Sending> = None;
    let mut subject = String::new();
    let mut end = None;
    loop {
        let mut lines = Vec::new();
        let mut pause = None;
        if sending.is_none() {
            match server {
                Some(server) => match outbox.next(now()) {
                    Next::Send(parcel) => {
                        subject.clone_from(&parcel.letter.subject);
                        sending = Some(Box::pin(hand_over(server, *parcel)));
                    }
                    Next::At(at) => pause = Some(at.since(now())),
                    Next::Nothing if end.is_some() => return,
                    Next::Nothing => {}
                },
                None => outbox.clear("no server is configured any more", &mut lines),
            }
        }
        tokio::select! {
            order = orders.recv(), if end.is_none() => match order {
                Some(Order::Post(letter)) => outbox.post(now(), letter, &mut lines),
                Some(Order::Server(other)) => {
                    if other != server {
                        outbox.redirect();
                    }
                    server = other;
                }
                Some(Order::Finish(at)) => {
                    outbox.hurry();
                    end = Some(at);
                }
                None => return,
            },
            (parcel, handed) = async { sending.as_mut().expect("guarded").await }, if sending.is_some() => {
                sending = None;
                match handed {
                    Handed::Ended(result) => outbox.ended(now(), parcel, result, &mut lines),
                    Handed::Unreachable(reason) => outbox.unreachable(now(), parcel, &reason, &mut lines),
                }
            }
            () = sleep(pause.unwrap_or_default()), if pause.is_some() => {}
            () = sleep_until(end.unwrap_or_else(Instant::now)), if end.is_some() => {
                if sending.is_some() {
                    tracing::error!("Mail '{subject}' is not sent: there is no time left");
                }
                outbox.clear("there is no time left", &mut lines);
                lines.iter().for_each(say);
                return;
            }
        }
        lines.iter().for_each(say);
    }
}

async fn hand_over(server: Server, parcel: Parcel) -> (Parcel, Handed) {
    let Server { address, timeout } = server;
    let (until, seconds) = (Instant::now() + timeout, timeout.as_secs());
    let connected = timeout_at(until, TcpStream::connect(address)).await;
    let stream = match connected {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return (parcel, Handed::Unreachable(format!("the server {address} is not reached: {error}"))),
        Err(_) => return (parcel, Handed::Unreachable(format!("the server {address} is not reached in {seconds} s"))),
    };
    let mut dialogue = Dialogue::new(parcel.letter.clone());
    let trouble = match converse(stream, &mut dialogue, timeout).await {
        Ok(()) => "it was not heard to the end".to_owned(),
        Err(trouble) => trouble,
    };
    let result = dialogue.result().cloned().unwrap_or(Err(Failure { reason: trouble, lasting: false }));
    let of_server = |failure: Failure| Failure { reason: format!("the server {address}: {}", failure.reason), ..failure };
    (parcel, Handed::Ended(result.map_err(of_server)))
}

/// Until there is nothing more to say, or no hope.
async fn converse(mut stream: TcpStream, dialogue: &mut Dialogue, timeout: Duration) -> Result<(), String> {
    let mut until = Instant::now() + timeout;
    let (mut buffer, mut say) = (vec![0; 1024], Vec::new());
    while !dialogue.is_over() {
        let late = |dialogue: &Dialogue| format!("it does not answer to {} in {} s", dialogue.asked_for(), timeout.as_secs());
        let answers = dialogue.answers();
        match timeout_at(until, stream.read(&mut buffer)).await {
            Err(_) => return Err(late(dialogue)),
            Ok(Err(error)) => return Err(format!("{error} instead of an answer to {}", dialogue.asked_for())),
            Ok(Ok(0)) => dialogue.closed(),
            Ok(Ok(length)) => dialogue.hear(&buffer[..length], &mut say),
        }
        if dialogue.answers() > answers {
            until = Instant::now() + if dialogue.result().is_some() { timeout.min(FAREWELL) } else { timeout };
        }
        match timeout_at(until, stream.write_all(&say)).await {
            Err(_) => return Err(late(dialogue)),
            // What it has said before may still be read.
            Ok(_) => say.clear(),
        }
    }
    Ok(())
}
