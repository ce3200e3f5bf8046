//! The VRRP process.

use crate::effect::record::Record;
use crate::model::Model;
use crate::runtime::handover::{Heard, Order, Report, RoleEnd};
use crate::runtime::reading;
use crate::runtime::signals::{Signal, Signals};
use crate::vrrp::Manner;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

/// What the process is started with.
#[derive(Debug)]
pub struct Start {
    pub model: Arc<Model>,
    /// What a predecessor left that did not stop.
    pub records: Vec<Record>,
    pub manner: Manner,
    /// Whether a stop gives up addresses and says priority 0; not with `-V`.
    pub release: bool,
    /// For a [`RoleEnd`](crate::runtime::handover::RoleEnd).
    pub control: OwnedFd,
    /// TERM, INT, HUP, USR1, USR2 and the two real-time signals, which are blocked and have been since before the process was
    /// made, so that none is lost and none kills. CHLD is as it is by nature.
    pub signals: Signals,
    /// Start with the records, stop at once, and end: what others were left in charge of is given up.
    pub release_only: bool,
}

/// Runs until it is told to stop, and returns the exit status of the process.
pub fn run(start: Start) -> u8 {
    let mut signals = start.signals;
    let mut end = RoleEnd::new(start.control);
    let mut model = start.model;
    end.report(Report::Ready);
    let mut serves = !start.release_only;
    while serves {
        let mut wait = [PollFd::new(signals.as_fd(), PollFlags::POLLIN), PollFd::new(end.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut wait, PollTimeout::NONE);
        while let Ok(Heard::Message(Order::Reload(memory))) = end.receive() {
            match reading::replay(memory) {
                Ok(loaded) => {
                    model = Arc::new(loaded.model);
                    end.report(Report::Ready);
                }
                Err(error) => end.report(Report::Refused(error.to_string().into())),
            }
        }
        match signals.next() {
            Some(Signal::Stop | Signal::Interrupt) => serves = false,
            Some(Signal::Reload) => end.report(Report::ReloadAsked),
            Some(Signal::Data | Signal::Stats | Signal::StatsClear | Signal::Json | Signal::Child) | None => {}
        }
    }
    drop(model);
    end.report(Report::Stopped);
    end.finish(Duration::from_millis(100));
    0
}
