//! Makes files that signals ask for, beside everything else: to put a large one into words, and a disk, may take their time.

use super::dump;
use crate::kernel::timer::now;
use crate::observe::clock::Clock;
use crate::sys::clock::east;
use crate::sys::memory;
use std::collections::VecDeque;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// One file after the other, in the order in which they were asked for: the last one is the newest. It lives in a runtime.
#[derive(Clone, Default)]
pub struct Dumper {
    queue: Arc<Mutex<Queue>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Job>,
    /// Somebody is at it.
    busy: bool,
}

/// Has a text written, in parts.
type Write<'a> = dyn Fn(&[&str]) + 'a;

struct Job {
    path: PathBuf,
    words: Box<dyn FnOnce(&Write<'_>) + Send>,
}

impl Dumper {
    /// Does this when everything that was asked for before is there.
    pub fn then(&self, what: impl FnOnce() + Send + 'static) {
        self.put(PathBuf::new(), move |_| what());
    }

    /// `words` makes the text and has it written, in parts, if there is anything to be written.
    pub fn put(&self, path: PathBuf, words: impl FnOnce(&Write<'_>) + Send + 'static) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.waiting.push_back(Job { path, words: Box::new(words) });
        if !std::mem::replace(&mut queue.busy, true) {
            let queue = Arc::clone(&self.queue);
            tokio::task::spawn_blocking(move || {
                while let Some(job) = next(&queue) {
                    write(job);
                }
                memory::trim();
            });
        }
    }
}

fn next(queue: &Mutex<Queue>) -> Option<Job> {
    let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
    let job = queue.waiting.pop_front();
    queue.busy = job.is_some();
    job
}

fn write(Job { path, words }: Job) {
    words(&|parts| {
        if let Err(error) = dump::write_parts(&path, parts) {
            tracing::error!("{} cannot be written: {error}", path.display());
        }
    });
}

impl fmt::Debug for Dumper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dumper")
    }
}

/// Now, in both reckonings.
pub fn clock() -> Clock {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Clock { now: now(), wall, east }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs};

    #[test]
    fn the_last_one_asked_for_is_what_stays() {
        let folder = env::temp_dir().join(format!("standfast-dumper-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("keepalived.data");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let dumper = Dumper::default();
            for number in 0..50 {
                dumper.put(path.clone(), move |write| write(&[&number.to_string()]));
            }
            dumper.put(path.clone(), |_| ());
        });
        // It waits for those who are at it.
        drop(runtime);
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "49");
        fs::remove_dir_all(&folder).expect("removed");
    }
}
