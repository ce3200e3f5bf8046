//! PID files, keepalived's way: who runs is decided by a lock that lasts as long as the process, not by the number in the file.

use super::part::Part;
use crate::cli::Options;
use crate::model::global::process::Process;
use crate::runtime::log;
use crate::sys::mount;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

const RUN: &str = "/run";
/// Where the files are of a daemon that is not the only one.
const OWN: &str = "/run/keepalived";

/// The folder of one network namespace, seen as the folder of all by the daemon that runs there.
#[derive(Debug)]
pub(super) struct Room(PathBuf);

/// Set where this process has one.
static INSIDE: AtomicBool = AtomicBool::new(false);

impl Room {
    /// Files of several daemons have the same names, each in its own folder. Where there is no such thing, PID files are in the
    /// folder all the same.
    pub(super) fn enter(namespace: &str) -> Option<Self> {
        let folder = Path::new(OWN).join(namespace);
        let entered = make(&folder).and_then(|()| mount::separate()).and_then(|()| mount::bind(&folder, Path::new(OWN)));
        match entered {
            Ok(()) => {
                INSIDE.store(true, Ordering::Relaxed);
                Some(Self(folder))
            }
            Err(error) => {
                log::warning(&format!("{} cannot be had in the place of {OWN}: {error}", folder.display()));
                None
            }
        }
    }

    /// This process has been there before it became this program.
    pub(super) fn again(folder: PathBuf) -> Self {
        INSIDE.store(true, Ordering::Relaxed);
        Self(folder)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// When all files of ours have been removed.
    pub(super) fn leave(self) {
        drop(mount::unbind(Path::new(OWN)));
        // Others may have something there.
        drop(std::fs::remove_dir(&self.0));
        drop(std::fs::remove_dir(OWN));
    }
}

fn make(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    // The umask is for files.
    std::fs::set_permissions(folder, Permissions::from_mode(0o755))
}

/// Where the supervisor's file is, or a part's.
pub(super) fn path(part: Option<Part>, options: &Options, process: &Process) -> PathBuf {
    let given = match part {
        None => &options.pid_file,
        Some(Part::Vrrp) => &options.vrrp_pid_file,
        Some(Part::Checkers) => &options.checkers_pid_file,
        Some(Part::Bfd) => &options.bfd_pid_file,
    };
    if let Some(path) = given {
        return path.clone();
    }
    let namespace = options.namespace.as_deref().or(process.net_namespace.as_deref());
    let folder = match namespace {
        Some(_) if INSIDE.load(Ordering::Relaxed) => OWN.into(),
        Some(namespace) => Path::new(OWN).join(namespace),
        None if process.use_pid_dir || process.instance.is_some() => OWN.into(),
        None => RUN.into(),
    };
    let suffix = process.instance.as_deref().map(|instance| format!("_{instance}")).unwrap_or_default();
    folder.join(format!("{}{suffix}.pid", part.map_or("keepalived", Part::pid_file)))
}

/// The file of a part that a reload has brought.
pub(super) fn claim_late(part: Part, options: &Options, process: &Process) -> Option<PidFile> {
    let path = path(Some(part), options, process);
    match PidFile::claim(&path) {
        Ok(Claim::Ours(file)) => return Some(file),
        Ok(Claim::Taken) => log::error(&format!("Another process has {}", path.display())),
        Err(error) => log::error(&format!("Cannot open {} pidfile: {error}", path.display())),
    }
    None
}

/// A file that is ours as long as this, or a copy in a child, is there.
#[derive(Debug)]
pub(super) struct PidFile {
    path: PathBuf,
    file: File,
}

#[derive(Debug)]
pub(super) enum Claim {
    Ours(PidFile),
    /// Another process has it.
    Taken,
}

impl PidFile {
    pub(super) fn claim(path: &Path) -> io::Result<Claim> {
        if let Some(folder) = path.parent().filter(|folder| folder.starts_with(OWN)) {
            make(folder)?;
        }
        loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o644)
                .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY)
                .open(path)?;
            if !lock(&file)? {
                return Ok(Claim::Taken);
            }
            // Whoever had it may have removed it between the two.
            let (ours, there) = (file.metadata()?, std::fs::metadata(path));
            if there.is_ok_and(|there| (there.dev(), there.ino()) == (ours.dev(), ours.ino())) {
                file.set_permissions(Permissions::from_mode(0o644))?;
                return Ok(Claim::Ours(Self { path: path.to_owned(), file }));
            }
        }
    }

    /// What this process has had since before it became this program.
    pub(super) fn again(path: &Path, file: File) -> Self {
        Self { path: path.to_owned(), file }
    }

    /// For a successor.
    pub(super) fn left(&self) -> (&Path, BorrowedFd<'_>) {
        (&self.path, self.file.as_fd())
    }

    /// Nobody ever reads an empty file.
    pub(super) fn write(&self, pid: i32) -> io::Result<()> {
        let text = format!("{pid}\n");
        self.file.write_all_at(text.as_bytes(), 0)?;
        self.file.set_len(u64::try_from(text.len()).unwrap_or_default())
    }

    /// Where it is.
    pub(super) fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(RUN))
    }

    /// For a child that is to hold the lock too.
    pub(super) fn share(&self) -> io::Result<Self> {
        Ok(Self { path: self.path.clone(), file: self.file.try_clone()? })
    }

    /// Removes the file, and its folder if that is ours and empty.
    pub(super) fn remove(self) {
        // There may be nothing left to remove, and nobody to tell.
        let _ = std::fs::remove_file(&self.path);
        if let Some(folder) = self.path.parent().filter(|folder| folder.starts_with(OWN)) {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// Returns whether nobody else has it. The lock belongs to the open file: children that have a copy keep it alive.
fn lock(file: &File) -> io::Result<bool> {
    let whole = libc::flock {
        l_type: i16::try_from(libc::F_WRLCK).unwrap_or_default(),
        l_whence: i16::try_from(libc::SEEK_SET).unwrap_or_default(),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    match fcntl(file, FcntlArg::F_OFD_SETLK(&whole)) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_where_keepalived_has_them() {
        let plain = Process::default();
        let own = Process { use_pid_dir: true, ..Process::default() };
        let instance = Process { instance: Some("x".into()), ..Process::default() };
        let namespace = Process { net_namespace: Some("left".into()), ..instance.clone() };
        let line = Options {
            namespace: Some("right".into()),
            pid_file: Some("/a".into()),
            checkers_pid_file: Some("/c".into()),
            ..Options::default()
        };
        for (options, process, parent, vrrp, checkers) in [
            (&Options::default(), &plain, "/run/keepalived.pid", "/run/vrrp.pid", "/run/checkers.pid"),
            (&Options::default(), &own, "/run/keepalived/keepalived.pid", "/run/keepalived/vrrp.pid", "/run/keepalived/checkers.pid"),
            (
                &Options::default(),
                &instance,
                "/run/keepalived/keepalived_x.pid",
                "/run/keepalived/vrrp_x.pid",
                "/run/keepalived/checkers_x.pid",
            ),
            (
                &Options::default(),
                &namespace,
                "/run/keepalived/left/keepalived_x.pid",
                "/run/keepalived/left/vrrp_x.pid",
                "/run/keepalived/left/checkers_x.pid",
            ),
            (&line, &namespace, "/a", "/run/keepalived/right/vrrp_x.pid", "/c"),
        ] {
            let found = [None, Some(Part::Vrrp), Some(Part::Checkers)].map(|part| path(part, options, process));
            assert_eq!(found, [parent, vrrp, checkers].map(PathBuf::from));
        }
    }

    #[test]
    fn the_lock_decides_and_not_the_content() {
        let path = std::env::temp_dir().join(format!("standfast-pid-{}", std::process::id()));
        std::fs::write(&path, "123456789\n").expect("a file");
        let Ok(Claim::Ours(file)) = PidFile::claim(&path) else { unreachable!("nobody has it") };
        assert!(matches!(PidFile::claim(&path), Ok(Claim::Taken)));
        file.write(77).expect("written");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "77\n");
        assert_eq!(path.metadata().expect("there").mode() & 0o777, 0o644);
        let copy = file.share().expect("a copy");
        drop(file);
        assert!(matches!(PidFile::claim(&path), Ok(Claim::Taken)), "the copy holds it");
        copy.remove();
        assert!(!path.exists());
        assert!(PidFile::claim(Path::new("/no such folder/x.pid")).is_err());
    }
}
