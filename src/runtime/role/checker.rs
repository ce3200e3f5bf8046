//! The checker process.

mod driver;
mod kernel;
mod key;
mod marks;
mod presence;

use crate::effect::record::Health;
use crate::model::Model;
use crate::observe::lvs;
use crate::runtime::around::{Moment, Reloads};
use crate::runtime::dump::{self, Dump};
use crate::runtime::dumper::Dumper;
use crate::runtime::reading::Share;
use crate::runtime::rights;
use crate::runtime::role::take_up;
use crate::runtime::signals::Signals;
use crate::sys::memory;
use crate::sys::spawn::remember_ordinary;
use driver::{Asked, Driver};
use marks::{Lent, Marker, Marking};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinError, JoinHandle};

/// After everything has been given up: scripts and mail have time to end.
const PAUSE: Duration = Duration::from_secs(1);
/// At the end, what marks packets is waited for if it is at work.
const PATIENCE: Duration = Duration::from_secs(5);
/// Descriptors that are not for attempts: pipes, scripts, the log, netlink.
const OTHERS: u64 = 128;

/// What the process is started with.
#[derive(Debug)]
pub struct Start {
    pub model: Arc<Model>,
    /// What a predecessor left that did not stop.
    pub records: Vec<Health>,
    /// Whether a stop takes out of the kernel what was put in; not with `-I`.
    pub release: bool,
    /// For a [`RoleEnd`](crate::runtime::handover::RoleEnd).
    pub control: OwnedFd,
    pub signals: Signals,
    /// Take out what others left, and end.
    pub release_only: bool,
    /// Where BFD sessions are heard of.
    pub bfd: Option<OwnedFd>,
}

/// Runs until it is told to stop, and returns the exit status of the process.
pub fn run(start: Start) -> u8 {
    super::live("checker", serve(start))
}

async fn serve(start: Start) -> io::Result<()> {
    memory::share();
    let (release, release_only) = (start.release, start.release_only);
    let (dumper, mut reloads) = (Dumper::default(), Reloads::default());
    let mut marker = Marker::default();
    let mut model = marker.give(Arc::clone(&start.model));
    let mut driver = Driver::start(Start { model: Arc::clone(&model), ..start }, sockets())?;
    let mut reading: Option<JoinHandle<Coming>> = None;
    let mut next = None;
    let mut stopping = release_only;
    while !stopping {
        tokio::select! {
            biased;
            read = async { reading.as_mut().expect("guarded").await }, if reading.is_some() => {
                reading = None;
                let Coming { marker: back, marking, model: read } = read.unwrap_or_else(Coming::lost);
                marker = back;
                match read {
                    Ok(new) => {
                        rights::take(&new.global.process.checker, &new.global.process);
                        if let Some(path) = reloads.path(Moment::Before, Dump::Checker, &model.global.process) {
                            dump(path, &driver, &model, &dumper);
                        }
                        model = new;
                        driver.reconfigure(&model, marking)?;
                        if let Some(path) = reloads.path(Moment::After, Dump::Checker, &model.global.process) {
                            dump(path, &driver, &model, &dumper);
                        }
                    }
                    Err(error) => {
                        driver.take_back(marking);
                        driver.refuse(&error.to_string());
                    }
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
                Asked::Show => driver.show(),
                Asked::Dump => dump(dump::path(Dump::Checker, &model.global.process), &driver, &model, &dumper),
            }
        }
        if reading.is_none()
            && let Some(wanted) = next.take()
        {
            let read = take_up(wanted, &model, Share::Checkers);
            reading = Some(tokio::spawn(Coming::prepare(read, std::mem::take(&mut marker), driver.lend_marking())));
        }
        // Whoever else runs here gets a turn of his own, however much there is to do for us.
        tokio::task::yield_now().await;
    }
    // Whoever marks packets gives that up as well.
    if let Some(reading) = reading
        && let Ok(Ok(coming)) = tokio::time::timeout(PATIENCE, reading).await
    {
        driver.take_back(coming.marking);
    }
    driver.stop(release);
    let (teller, agent, _control) = driver.finish();
    tokio::join!(agent.finish(PAUSE), teller.finish(PAUSE));
    Ok(())
}

/// A configuration that has been read, with the marks that it needs.
#[derive(Debug)]
struct Coming {
    marker: Marker,
    marking: Marking,
    model: io::Result<Arc<Model>>,
}

impl Coming {
    /// The kernel may take its time for marks: it is waited for beside everything else.
    async fn prepare(read: JoinHandle<io::Result<Arc<Model>>>, mut marker: Marker, mut lent: Lent) -> Self {
        let model = match read.await.map_err(io::Error::other).flatten() {
            Ok(model) => model,
            Err(error) => return Self { marker, marking: lent.marking, model: Err(error) },
        };
        let work = move || {
            let model = marker.give(model);
            lent.put(&model);
            Self { marker, marking: lent.marking, model: Ok(model) }
        };
        tokio::task::spawn_blocking(work).await.unwrap_or_else(Self::lost)
    }

    /// Whoever was at it has panicked.
    fn lost(error: JoinError) -> Self {
        Self { marker: Marker::default(), marking: Marking::default(), model: Err(io::Error::other(error)) }
    }
}

fn dump(path: PathBuf, driver: &Driver, model: &Arc<Model>, dumper: &Dumper) {
    let (model, view, files) = (Arc::clone(model), driver.snapshot(), driver.files());
    dumper.put(path, move || {
        let value = |name: &str| files.iter().find(|file| &*file.name == name).and_then(|file| file.value);
        Some(lvs::text(&model, &view, value))
    });
}

/// How many sockets attempts may have at a time. The process takes as many descriptors as it is allowed to; its scripts do not.
fn sockets() -> usize {
    remember_ordinary();
    let allowed = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, hard)| match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(_) => soft,
    });
    usize::try_from(allowed.saturating_sub(OTHERS)).unwrap_or(usize::MAX)
}
