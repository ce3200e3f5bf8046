//! A thread that keeps tables, for those who have no other to do it.

use super::keeper::{Keeper, Maker};
use super::monitor::{Watched, watch};
use crate::effect::firewall::{Frame, Order};
use crate::effect::say::{Level, Line};
use crate::sys::signal::leave_children;
use nix::sched::{CloneFlags, setns};
use std::fs::File;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

const STACK: usize = 256 << 10;

#[derive(Debug)]
enum Job {
    Order(Order),
    Heal,
}

#[derive(Debug)]
pub struct Guard {
    jobs: Sender<Job>,
    done: Receiver<()>,
    waiting: usize,
}

impl Guard {
    /// In a network namespace, or in that of the calling thread; `say` is told what there is to say.
    pub fn start(maker: Maker, namespace: Option<File>, say: impl Fn(Line) + Send + 'static) -> io::Result<Self> {
        let (jobs, queue) = channel();
        let (tell, done) = channel();
        let heal = jobs.clone();
        let work = move || {
            leave_children();
            if let Some(namespace) = namespace
                && let Err(error) = setns(namespace, CloneFlags::CLONE_NEWNET)
            {
                return say(Line { level: Level::Error, text: format!("nftables rules cannot be made: {error}") });
            }
            let mut keeper = Keeper::new(maker);
            let changed = move || if heal.send(Job::Heal).is_ok() { Watched::On } else { Watched::Over };
            if let Err(error) = watch(&keeper, changed) {
                say(Line { level: Level::Warning, text: format!("nftables rules are not watched: {error}") });
            }
            loop {
                let job = match keeper.next_look() {
                    Some(time) => queue.recv_timeout(time),
                    None => queue.recv().map_err(RecvTimeoutError::from),
                };
                match job {
                    Ok(Job::Order(order)) => {
                        keeper.obey(order).into_iter().for_each(&say);
                        // Nobody may wait.
                        let _ = tell.send(());
                    }
                    Ok(Job::Heal) => keeper.heal().into_iter().for_each(&say),
                    Err(RecvTimeoutError::Timeout) => keeper.look().into_iter().for_each(&say),
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        };
        std::thread::Builder::new().name("marks".to_owned()).stack_size(STACK).spawn(work)?;
        Ok(Self { jobs, done, waiting: 0 })
    }

    /// Has the kernel take a table, and returns what it says against it. What it took is taken over by who starts next.
    pub fn attempt(maker: Maker, namespace: Option<File>, frame: Frame) -> io::Result<Vec<Line>> {
        let work = move || -> io::Result<Vec<Line>> {
            if let Some(namespace) = namespace {
                setns(namespace, CloneFlags::CLONE_NEWNET)?;
            }
            Ok(Keeper::new(maker).obey(Order::Frame(Some(frame))))
        };
        let thread = std::thread::Builder::new().name("marks".to_owned()).stack_size(STACK).spawn(work)?;
        thread.join().unwrap_or_else(|_| Err(io::Error::other("it has panicked")))
    }

    pub fn order(&mut self, order: Order) {
        if self.jobs.send(Job::Order(order)).is_ok() {
            self.waiting += 1;
        }
    }

    /// Waits until all orders are obeyed; returns whether they are.
    pub fn wait(&mut self, at_most: Duration) -> bool {
        while self.waiting > 0 {
            if self.done.recv_timeout(at_most).is_err() {
                return false;
            }
            self.waiting -= 1;
        }
        true
    }
}
