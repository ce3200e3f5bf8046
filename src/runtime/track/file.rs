//! Follows files: their folders are watched, so that a file may be rewritten, replaced, removed and made again.

use crate::model::track::{InitialValue, TrackFile};
use crate::runtime::notify::say;
use crate::runtime::poll::Poll;
use crate::track::file::{Action, Files, LONGEST};
use crate::track::view::FileView;
use nix::libc;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often a file is looked at whose folder cannot be watched, because it is not there.
const LOOK: Duration = Duration::from_secs(1);

/// The tracked files of a process. It lives in a runtime.
#[derive(Debug)]
pub struct Watcher {
    engine: Files,
    inotify: Inotify,
    poll: Poll,
    folders: HashMap<WatchDescriptor, PathBuf>,
    /// Some folder is not watched.
    looks: bool,
    values: VecDeque<(Box<str>, i32)>,
}

impl Watcher {
    pub fn new<'a>(files: impl IntoIterator<Item = &'a TrackFile>) -> io::Result<Self> {
        let (inotify, poll) = (Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?, Poll::new()?);
        poll.add(&inotify, 0)?;
        let (engine, folders, values) = (Files::default(), HashMap::new(), VecDeque::new());
        let mut watcher = Self { engine, inotify, poll, folders, looks: false, values };
        watcher.reconfigure(files);
        Ok(watcher)
    }

    /// Goes over to these files. What is known of those that stay is found again by [`Watcher::next`].
    pub fn reconfigure<'a>(&mut self, files: impl IntoIterator<Item = &'a TrackFile>) {
        let mut actions = Vec::new();
        self.engine.reconfigure(files, &mut actions);
        self.carry_out(actions);
        self.watch();
        self.read(|_| true);
    }

    /// The next name of a file and the number in it. Nothing is lost when the future is dropped.
    pub async fn next(&mut self) -> (Box<str>, i32) {
        loop {
            if let Some(found) = self.take() {
                return found;
            }
            tokio::select! {
                woken = self.poll.wait() => {
                    if woken.is_err() {
                        // The runtime is going down.
                        return std::future::pending().await;
                    }
                    self.happened(&self.inotify.read_events().unwrap_or_default());
                }
                () = tokio::time::sleep(LOOK), if self.looks => {
                    self.watch();
                    // One that came into being before its folder was watched is noticed here, once more.
                    self.read(|_| true);
                }
            }
        }
    }

    pub fn view(&self) -> Vec<FileView> {
        self.engine.view()
    }

    /// One that is known already.
    pub fn take(&mut self) -> Option<(Box<str>, i32)> {
        self.values.pop_front()
    }

    fn happened(&mut self, events: &[InotifyEvent]) {
        let mut changed = BTreeSet::new();
        let (mut all, mut lost) = (false, false);
        for event in events {
            all |= event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW);
            if event.mask.intersects(AddWatchFlags::IN_IGNORED | AddWatchFlags::IN_MOVE_SELF) {
                lost = true;
                if let Some(folder) = self.folders.remove(&event.wd) {
                    let _ = self.inotify.rm_watch(event.wd);
                    tracing::warn!("{} is gone, and with it the track files in it", folder.display());
                }
            }
            if let (Some(folder), Some(name)) = (self.folders.get(&event.wd), &event.name) {
                changed.insert(folder.join(name));
            }
        }
        if lost {
            self.watch();
        }
        // A link may lead through anything that has changed beside it, as in folders that are replaced as a whole.
        let touched: BTreeSet<&Path> = changed.iter().filter_map(|path| path.parent()).collect();
        let linked = |path: &Path| touched.contains(folder(path)) && path.is_symlink();
        self.read(|path| all || lost || changed.contains(path) || linked(path));
    }

    /// Watches the folders of all files, and no other.
    fn watch(&mut self) {
        let flags = AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_MOVE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_MOVE_SELF
            | AddWatchFlags::IN_ONLYDIR;
        let wanted: BTreeSet<PathBuf> = self.engine.iter().map(|(_, path)| folder(path).to_owned()).collect();
        let inotify = &self.inotify;
        self.folders.retain(|&watch, folder| {
            let stays = wanted.contains(folder);
            if !stays {
                let _ = inotify.rm_watch(watch);
            }
            stays
        });
        let mut missing = false;
        for folder in wanted {
            // A folder that is watched already keeps its number.
            match inotify.add_watch(&folder, flags) {
                Ok(watch) => drop(self.folders.insert(watch, folder)),
                Err(error) => {
                    if !self.looks {
                        tracing::warn!("Track files in {} are looked at every second: {error}", folder.display());
                    }
                    missing = true;
                }
            }
        }
        self.looks = missing;
    }

    fn read(&mut self, which: impl Fn(&Path) -> bool) {
        let names: Vec<(String, PathBuf)> =
            self.engine.iter().filter(|(_, path)| which(path)).map(|(name, path)| (name.to_owned(), path.clone())).collect();
        let mut actions = Vec::new();
        for (name, path) in names {
            self.engine.read(&name, beginning(&path).as_deref(), &mut actions);
        }
        self.carry_out(actions);
    }

    fn carry_out(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Report { name, value } => self.values.push_back((name, value)),
                Action::Say(line) => say(&line),
                Action::Write { path, initial } => {
                    if let Err(error) = initialise(&path, initial) {
                        tracing::warn!("Unable to initialise track file {}: {error}", path.display());
                    }
                }
            }
        }
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A pipe or a device does not hold us up.
fn beginning(path: &Path) -> Option<Vec<u8>> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path).ok()?;
    let mut bytes = Vec::with_capacity(LONGEST);
    file.take(u64::try_from(LONGEST).unwrap_or(u64::MAX)).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn initialise(path: &Path, initial: InitialValue) -> io::Result<()> {
    let there = match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => return Err(io::Error::other("it is not a regular file")),
        Ok(_) => true,
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    if there && !initial.overwrite {
        return Ok(());
    }
    let mut options = OpenOptions::new();
    options.write(true).truncate(true).create_new(!there).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    options.open(path)?.write_all(format!("{}\n", initial.value).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_track_file_begins_as_configured_unless_it_is_there_already() {
        let folder = std::env::temp_dir().join(format!("standfast-init-file-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("file");
        for (before, value, overwrite, after) in [
            (None, -5, false, "-5\n"),
            (None, 7, true, "7\n"),
            (Some("123\nmore\n"), 7, false, "123\nmore\n"),
            (Some("123\nmore\n"), 7, true, "7\n"),
        ] {
            let _ = fs::remove_file(&path);
            if let Some(before) = before {
                fs::write(&path, before).expect("written");
            }
            initialise(&path, InitialValue { value, overwrite }).expect("it can be written");
            assert_eq!(fs::read_to_string(&path).expect("it is there"), after, "{before:?} {value} {overwrite}");
        }
        let initial = InitialValue { value: 1, overwrite: true };
        assert!(initialise(&folder, initial).is_err(), "a folder is no file");
        assert!(initialise(&folder.join("none/file"), initial).is_err(), "folders are not made");
        fs::remove_dir_all(&folder).expect("removed");
    }
}
