//! The VRRP process.

mod clock;
mod devices;
mod difference;
mod driver;
mod firewall;
mod held;
mod key;
mod later;
mod neighbours;
mod ports;
mod restate;
mod standing;
mod statics;
mod synchronise;

use crate::effect::interface::Interface;
use crate::effect::record::{Former, Record};
use crate::kernel::rtnl::interfaces;
use crate::model::Model;
use crate::observe::vrrp::{self, Interfaces, Scene};
use crate::observe::{json, stats};
use crate::runtime::around::{Moment, Reloads};
use crate::runtime::dump::{self, Dump};
use crate::runtime::dumper::{Dumper, clock};
use crate::runtime::notify::Teller;
use crate::runtime::reading::Share;
use crate::runtime::rights;
use crate::runtime::role::take_up;
use crate::runtime::signals::{Signal, Signals};
use crate::runtime::track::Trackers;
use crate::vrrp::Manner;
use driver::{Asked, Driver, Effectors};
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;
use tokio::task::JoinHandle;

/// How long scripts have to end after everything has been given up.
const PATIENCE: Duration = Duration::from_secs(1);

/// So many instances are put into words by two threads at a time.
const MANY: usize = 100;

/// What the process is started with.
#[derive(Debug)]
pub struct Start {
    pub model: Arc<Model>,
    /// What a predecessor left that did not stop.
    pub records: Vec<Record>,
    /// What settings of the kernel were before it changed them.
    pub former: Vec<Former>,
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
    /// Where BFD sessions are heard of.
    pub bfd: Option<OwnedFd>,
}

/// Runs until it is told to stop, and returns the exit status of the process.
pub fn run(start: Start) -> u8 {
    super::live("VRRP", serve(start))
}

async fn serve(start: Start) -> io::Result<()> {
    let Start { mut model, records, former, manner, release, control, signals, release_only, bfd } = start;
    let teller = Teller::new(&model)?;
    let effectors = Effectors::open(model.global.vrrp.netlink)?.remembering(&former);
    let mut driver = Driver::start(&model, &records, manner, effectors, teller, control, signals)?;
    if !release_only {
        driver.offer();
    }
    let mut trackers = Trackers::new(&model, bfd)?;
    let mut reading: Option<JoinHandle<io::Result<Arc<Model>>>> = None;
    // What was read, and waits for its interfaces.
    let mut coming: Option<Arc<Model>> = None;
    let (dumper, mut reloads) = (Dumper::default(), Reloads::default());
    let mut next = None;
    let mut stopping = release_only;
    while !stopping {
        tokio::select! {
            biased;
            finding = trackers.next() => driver.handle(finding.event()),
            read = async { reading.as_mut().expect("guarded").await }, if reading.is_some() => {
                reading = None;
                match read.map_err(io::Error::other).flatten() {
                    Ok(new) => {
                        driver.prepare(&new);
                        coming = Some(new);
                    }
                    Err(error) => driver.refuse(&error.to_string()),
                }
            }
            // The last one: there may always be something to do.
            woken = driver.wait() => woken?,
        }
        for asked in driver.turn()? {
            match asked {
                Asked::Stop => stopping = true,
                // Of several, only the last one matters.
                Asked::Reload(wanted) => next = Some(wanted),
                Asked::Tell(ask) => driver.tell(ask),
                Asked::Show => driver.show(trackers.view()),
                Asked::Dump(signal) => dump(signal, &mut driver, &trackers, &model, &dumper),
                Asked::Print(signal, done) => {
                    dump(signal, &mut driver, &trackers, &model, &dumper);
                    // It has its turn when the file is there.
                    dumper.then(|| done.tell());
                }
            }
        }
        if let Some(new) = coming.take_if(|_| driver.is_prepared()) {
            let path = reloads.path(Moment::Before, Dump::Vrrp, &model.global.process);
            path.into_iter().for_each(|path| keep(path, Dump::Vrrp, &driver, &trackers, &model, &dumper));
            let old = std::mem::replace(&mut model, new);
            driver.teller.reconfigure(&model);
            driver.reconfigure(&model)?;
            if model.global.scripts.fifo_states_on_reload {
                restate::states(&driver.snapshot()).into_iter().for_each(|notice| driver.teller.restate(&notice.into()));
            }
            trackers.reconfigure(&model);
            rights::take(&model.global.process.vrrp, &model.global.process);
            let path = reloads.path(Moment::After, Dump::Vrrp, &model.global.process);
            path.into_iter().for_each(|path| keep(path, Dump::Vrrp, &driver, &trackers, &model, &dumper));
            // Whoever is the last to let go of it takes as long as there is much in it.
            drop(tokio::task::spawn_blocking(move || drop(old)));
        }
        if reading.is_none()
            && coming.is_none()
            && let Some(wanted) = next.take()
        {
            reading = Some(take_up(wanted, &model, Share::Vrrp));
        }
        // Whoever else runs here gets a turn of his own, however much there is to do for us.
        tokio::task::yield_now().await;
    }
    trackers.stop();
    driver.stop(release);
    let (teller, agent, _control) = driver.finish();
    tokio::join!(agent.finish(PATIENCE), teller.finish(PATIENCE));
    Ok(())
}

fn dump(signal: Signal, driver: &mut Driver, trackers: &Trackers, model: &Arc<Model>, dumper: &Dumper) {
    let process = &model.global.process;
    let shows = match signal {
        Signal::Stats | Signal::StatsClear => {
            let view = driver.snapshot();
            if signal == Signal::StatsClear {
                driver.clear_stats();
            }
            return dumper.put(dump::path(Dump::Stats, process), move |write| write(&[&stats::text(&view)]));
        }
        Signal::Data => Dump::Vrrp,
        Signal::Json => Dump::Json,
        // Nothing else asks for a file.
        Signal::Stop | Signal::Interrupt | Signal::Reload | Signal::Child => return,
    };
    keep(dump::path(shows, process), shows, driver, trackers, model, dumper);
}

/// As things are now. The kernel is asked while the snapshot is taken.
fn keep(path: PathBuf, shows: Dump, driver: &Driver, trackers: &Trackers, model: &Arc<Model>, dumper: &Dumper) {
    let (snapshot, taken) = channel();
    let (model, clock) = (Arc::clone(model), clock());
    dumper.put(path, move |write| {
        let kernel = OnceLock::new();
        let interfaces = || -> &[Interface] {
            kernel.get_or_init(|| {
                interfaces().unwrap_or_else(|error| {
                    tracing::warn!("interfaces are missing in what is dumped: {error}");
                    Vec::new()
                })
            })
        };
        if shows != Dump::Json {
            interfaces();
        }
        // Whoever has asked for it sends it.
        let Ok((view, tracking)) = taken.recv() else { return };
        let scene = Scene { model: &model, view: &view, tracking: &tracking, interfaces: Interfaces(&interfaces), clock };
        match shows {
            Dump::Json => {
                if let Some(text) = json::text(&scene, model.global.process.dumps.json_version) {
                    write(&[&text]);
                }
            }
            Dump::Vrrp | Dump::Parent | Dump::Checker | Dump::Bfd | Dump::Stats => {
                let at_once = model.vrrp.instances.len() >= MANY;
                let [one, other] = both(at_once, || vrrp::beginning(&scene), || vrrp::end(&scene));
                write(&[&one, &other]);
            }
        }
    });
    // If it is not wanted any more, it is the end.
    drop(snapshot.send((driver.snapshot(), trackers.view())));
}

/// What two make, in the order in which they are named; at the same time if that is worth it and possible.
fn both(at_once: bool, one: impl FnOnce() -> String, other: impl Fn() -> String + Sync) -> [String; 2] {
    thread::scope(|scope| {
        let helper = at_once.then(|| thread::Builder::new().spawn_scoped(scope, &other).ok()).flatten();
        let one = one();
        let other = helper.and_then(|helper| helper.join().ok()).unwrap_or_else(&other);
        [one, other]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_parts_are_in_order_whoever_is_faster() {
        for at_once in [false, true] {
            assert_eq!(both(at_once, || "one".to_owned(), || "other".to_owned()), ["one", "other"]);
        }
    }
}
