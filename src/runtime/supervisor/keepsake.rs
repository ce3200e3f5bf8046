//! What settings of the kernel were before us, in a file beside the PID file: for the case that all processes of the daemon die
//! at once, and with them all that they know.

use crate::effect::device::{Knob, Scope};
use crate::effect::net::Device;
use crate::effect::record::Former;
use crate::runtime::log;
use nix::libc;
use nix::unistd::geteuid;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// More than this nobody has written.
const LONGEST: u64 = 16 << 20;
const WRITABLE_BY_OTHERS: u32 = 0o022;

#[derive(Debug, Default)]
pub(super) struct Keepsake {
    path: PathBuf,
    /// What it says of the settings; nothing where there is no file.
    written: String,
    /// It could not be written, and that was said.
    failed: bool,
}

impl Keepsake {
    /// Beside the PID file of the part.
    pub(super) fn beside(pid_file: &Path) -> Self {
        Self { path: path(pid_file), ..Self::default() }
    }

    /// What predecessors left that had no time to give it back. That of another boot or another network namespace is nobody's.
    pub(super) fn recall(&mut self) -> Vec<Former> {
        let Ok(text) = read(&self.path) else { return Vec::new() };
        let Some(settings) = here().ok().and_then(|here| text.strip_prefix(&here).map(str::to_owned)) else {
            remove(&self.path);
            return Vec::new();
        };
        self.written = settings;
        self.written.lines().filter_map(setting).collect()
    }

    /// This is what is not as it was.
    pub(super) fn keep<'a>(&mut self, settings: impl Iterator<Item = &'a Former>) {
        let text = settings.fold(String::new(), |mut text, former| {
            line(former, &mut text);
            text
        });
        if text == self.written {
            return;
        }
        let done = if text.is_empty() {
            remove(&self.path);
            Ok(())
        } else {
            here().and_then(|here| write(&self.path, &format!("{here}{text}")))
        };
        match done {
            Ok(()) => (self.written, self.failed) = (text, false),
            Err(error) if !self.failed => {
                log::warning(&format!("{}: what settings were is not kept: {error}", self.path.display()));
                self.failed = true;
            }
            Err(_) => {}
        }
    }
}

pub(super) fn path(pid_file: &Path) -> PathBuf {
    pid_file.with_extension("settings")
}

pub(super) fn remove(path: &Path) {
    // There may be none.
    let _ = std::fs::remove_file(path);
}

/// The first line: where the numbers of interfaces mean what they mean.
fn here() -> io::Result<String> {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let namespace = Path::new("/proc/self/ns/net").metadata()?;
    Ok(format!("{} {}:{}\n", boot.trim(), namespace.dev(), namespace.ino()))
}

fn read(path: &Path) -> io::Result<String> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
    let found = file.metadata()?;
    if !found.is_file() || found.uid() != geteuid().as_raw() || found.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

/// As a whole or not at all.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("settings.new");
    remove(&new);
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    std::fs::rename(&new, path)
}

fn line(former: &Former, text: &mut String) {
    let (knob, value) = (former.knob.name(), former.value);
    // Writing to memory does not fail.
    let _ = match former.scope {
        Scope::All => writeln!(text, "all {knob} {value}"),
        Scope::Default => writeln!(text, "default {knob} {value}"),
        Scope::Device(Device(number)) => writeln!(text, "{number} {knob} {value}"),
    };
}

fn setting(line: &str) -> Option<Former> {
    let mut words = line.split(' ');
    let (scope, knob, value) = (words.next()?, words.next()?, words.next()?);
    let scope = match scope {
        "all" => Scope::All,
        "default" => Scope::Default,
        number => Scope::Device(Device(number.parse().ok()?)),
    };
    words.next().is_none().then_some(Former::new(scope, Knob::named(knob)?, value.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn settings() -> [Former; 3] {
        [
            Former::new(Scope::All, Knob::ReversePath, 1),
            Former::new(Scope::Default, Knob::ReversePath, 0),
            Former::new(Scope::Device(Device(4_000_000_000)), Knob::ArpAnnounce, 2),
        ]
    }

    #[test]
    fn a_successor_recalls_what_was_kept_until_it_is_given_back() {
        let folder = std::env::temp_dir().join(format!("standfast-keepsake-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let pid_file = folder.join("vrrp.pid");
        let mut keepsake = Keepsake::beside(&pid_file);
        assert_eq!(keepsake.recall(), []);
        keepsake.keep(settings().iter());
        let mut next = Keepsake::beside(&pid_file);
        assert_eq!(next.recall(), settings());
        next.keep(settings()[1..].iter());
        assert_eq!(Keepsake::beside(&pid_file).recall(), settings()[1..]);
        let file = path(&pid_file);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).expect("ours");
        assert_eq!(Keepsake::beside(&pid_file).recall(), [], "anybody may have written it");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("ours");
        next.keep([].iter());
        assert!(!file.exists());
        std::fs::write(&file, "another-boot 1:2\nall rp_filter 1\n").expect("written");
        assert_eq!(Keepsake::beside(&pid_file).recall(), [], "of another boot");
        std::fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn what_is_no_setting_is_none() {
        for text in ["", "all", "all rp_filter", "all rp_filter x", "all nothing 1", "-1 rp_filter 1", "all rp_filter 1 2"] {
            assert_eq!(setting(text), None, "{text}");
        }
    }
}
