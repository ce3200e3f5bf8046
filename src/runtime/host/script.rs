//! The walk along a script's path: whether it can run, and whether somebody could change what runs.

use crate::config::host::{Found, Ids, Loose, ScriptPath};
use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Who may own what a privileged script consists of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trusted {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

pub(super) const ROOT: Trusted = Trusted { uid: 0, gid: 0 };

const STICKY: u32 = 0o1000;
const SET_GID: u32 = 0o2000;
const SET_UID: u32 = 0o4000;

/// What becomes of `command`, run as `ids`.
pub(super) fn verdict(command: &str, ids: Ids, search: &OsStr, trusted: Trusted) -> ScriptPath {
    let Some(path) = locate(command, ids, search) else {
        return ScriptPath::Absent;
    };
    let (Ok(resolved), Ok(file)) = (path.canonicalize(), path.metadata()) else {
        return ScriptPath::Absent;
    };
    if !file.is_file() {
        return ScriptPath::Absent;
    }
    if let Some(component) = barrier(&resolved, ids) {
        return ScriptPath::Forbidden(component);
    }
    if !executable(&file, ids) {
        return ScriptPath::Forbidden(resolved);
    }
    let set_id = file.mode() & SET_UID != 0 && file.uid() == 0 || file.mode() & SET_GID != 0 && file.gid() == 0;
    let privileged = ids.uid == 0 || ids.gid == 0 || set_id;
    if privileged {
        if let Some(component) = wrong_type(&path) {
            return ScriptPath::WrongType { component, resolved };
        }
        // Where the last component is a link, what it leads to counts as well.
        if let Some((component, loose)) = insecure(&path, trusted).or_else(|| insecure(&resolved, trusted)) {
            return ScriptPath::Insecure { component, loose, found: Found { path, resolved } };
        }
    }
    ScriptPath::Runs(Found { path, resolved })
}

/// A command with a slash is a path. Any other is looked up in `search`, whose own links nobody wrote into the configuration:
/// they are resolved.
fn locate(command: &str, ids: Ids, search: &OsStr) -> Option<PathBuf> {
    if command.contains('/') {
        return std::path::absolute(command).ok();
    }
    std::env::split_paths(search)
        .filter(|directory| directory.is_absolute())
        .filter_map(|directory| directory.canonicalize().ok())
        .map(|directory| directory.join(command))
        .find(|path| path.metadata().is_ok_and(|file| executable(&file, ids)) && barrier(path, ids).is_none())
}

fn executable(file: &Metadata, ids: Ids) -> bool {
    let any = ids.uid == 0 && file.mode() & 0o111 != 0;
    file.is_file() && (any || may_execute(file, ids))
}

/// The first directory that does not let the user through.
fn barrier(path: &Path, ids: Ids) -> Option<PathBuf> {
    let mut directories: Vec<&Path> = path.ancestors().skip(1).collect();
    directories.reverse();
    let bars = |directory: &&Path| !directory.metadata().is_ok_and(|found| may_execute(&found, ids));
    if ids.uid == 0 { None } else { directories.into_iter().find(bars).map(Path::to_owned) }
}

fn may_execute(found: &Metadata, ids: Ids) -> bool {
    let bit = match (found.uid() == ids.uid, found.gid() == ids.gid) {
        (true, _) => 0o100,
        (false, true) => 0o010,
        (false, false) => 0o001,
    };
    found.mode() & bit != 0
}

/// The path from the root down, each component with what is there, links unresolved.
fn components(path: &Path) -> impl Iterator<Item = (PathBuf, Option<Metadata>)> {
    let mut components: Vec<&Path> = path.ancestors().collect();
    components.reverse();
    components.into_iter().map(|component| (component.to_owned(), component.symlink_metadata().ok())).collect::<Vec<_>>().into_iter()
}

fn wrong_type(path: &Path) -> Option<PathBuf> {
    let right = |component: &Path, found: &Metadata| {
        if component == path { found.is_file() || found.is_symlink() } else { found.is_dir() }
    };
    components(path).find(|(component, found)| !found.as_ref().is_some_and(|found| right(component, found))).map(|(component, _)| component)
}

/// The first component that others than the trusted could change.
fn insecure(path: &Path, trusted: Trusted) -> Option<(PathBuf, Loose)> {
    components(path).find_map(|(component, found)| {
        let loose = match found {
            // It was there a moment ago, so somebody meddles with it.
            None => Some(Loose::Owner),
            Some(found) => {
                let mode = if found.is_symlink() { 0 } else { found.mode() };
                open_to_others(mode, found.is_dir(), found.uid(), found.gid(), trusted)
            }
        };
        loose.map(|loose| (component, loose))
    })
}

fn open_to_others(mode: u32, directory: bool, uid: u32, gid: u32, trusted: Trusted) -> Option<Loose> {
    let sticky = directory && mode & STICKY != 0;
    if uid != 0 && uid != trusted.uid {
        Some(Loose::Owner)
    } else if mode & 0o002 != 0 && !sticky {
        Some(Loose::World)
    } else if mode & 0o020 != 0 && gid != 0 && gid != trusted.gid && !sticky {
        Some(Loose::Group)
    } else {
        None
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use nix::unistd::{getegid, geteuid};
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    /// A directory of its own for one test, gone afterwards.
    #[derive(Debug)]
    pub(in crate::runtime::host) struct Scratch(PathBuf);

    impl Scratch {
        pub(in crate::runtime::host) fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("standfast-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).expect("a temporary directory");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it is ours");
            Self(path.canonicalize().expect("it exists"))
        }

        pub(in crate::runtime::host) fn path(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }

        pub(in crate::runtime::host) fn file(&self, name: &str, mode: u32, text: &str) {
            let path = self.path(name);
            let directory = path.parent().expect("it is below ours");
            fs::create_dir_all(directory).expect("it can be made");
            fs::write(&path, text).expect("it can be written");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("it is ours");
        }

        fn mode(&self, name: &str, mode: u32) {
            fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).expect("it is ours");
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            // Left behind it would only be litter.
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const AS_ROOT: Ids = Ids { uid: 0, gid: 0 };
    const AS_OTHER: Ids = Ids { uid: 54_321, gid: 54_321 };

    fn ours() -> Trusted {
        Trusted { uid: geteuid().as_raw(), gid: getegid().as_raw() }
    }

    fn walk(scratch: &Scratch, name: &str, ids: Ids) -> ScriptPath {
        let path = scratch.path(name);
        verdict(path.to_str().expect("plain"), ids, OsStr::new(""), ours())
    }

    #[test]
    fn a_file_that_only_root_can_change_runs() {
        let scratch = Scratch::new("runs");
        scratch.file("a/script", 0o755, "");
        scratch.file("a/mine", 0o700, "");
        scratch.file("a/data", 0o644, "");
        let path = scratch.path("a/script");
        let runs = ScriptPath::Runs(Found { path: path.clone(), resolved: path });
        assert_eq!(walk(&scratch, "a/script", AS_ROOT), runs);
        assert_eq!(walk(&scratch, "a/script", AS_OTHER), runs);
        for name in ["a/none", "a", "a/data/x"] {
            assert_eq!(walk(&scratch, name, AS_ROOT), ScriptPath::Absent, "{name}");
        }
        for (name, ids) in [("a/data", AS_ROOT), ("a/data", AS_OTHER), ("a/mine", AS_OTHER)] {
            assert_eq!(walk(&scratch, name, ids), ScriptPath::Forbidden(scratch.path(name)), "{name}");
        }
        scratch.mode("a", 0o700);
        assert_eq!(walk(&scratch, "a/script", AS_OTHER), ScriptPath::Forbidden(scratch.path("a")));
    }

    #[test]
    fn what_others_can_write_is_insecure_for_root_alone() {
        let scratch = Scratch::new("insecure");
        scratch.file("a/script", 0o757, "");
        let insecure = |component: &str| {
            let path = scratch.path("a/script");
            let found = Found { path: path.clone(), resolved: path };
            ScriptPath::Insecure { component: scratch.path(component), loose: Loose::World, found }
        };
        assert_eq!(walk(&scratch, "a/script", AS_ROOT), insecure("a/script"));
        assert!(matches!(walk(&scratch, "a/script", AS_OTHER), ScriptPath::Runs(_)));
        scratch.mode("a/script", 0o755);
        scratch.mode("a", 0o757);
        assert_eq!(walk(&scratch, "a/script", AS_ROOT), insecure("a"));
        scratch.mode("a", 0o1777);
        assert!(matches!(walk(&scratch, "a/script", AS_ROOT), ScriptPath::Runs(_)));
    }

    #[test]
    fn a_link_may_be_last_but_not_on_the_way() {
        let scratch = Scratch::new("links");
        scratch.file("a/script", 0o755, "");
        symlink("a", scratch.path("b")).expect("a link");
        symlink("script", scratch.path("a/link")).expect("a link");
        assert_eq!(
            walk(&scratch, "b/script", AS_ROOT),
            ScriptPath::WrongType { component: scratch.path("b"), resolved: scratch.path("a/script") }
        );
        assert!(matches!(walk(&scratch, "b/script", AS_OTHER), ScriptPath::Runs(_)));
        let found = Found { path: scratch.path("a/link"), resolved: scratch.path("a/script") };
        assert_eq!(walk(&scratch, "a/link", AS_ROOT), ScriptPath::Runs(found));
        scratch.mode("a/script", 0o757);
        assert!(matches!(walk(&scratch, "a/link", AS_ROOT), ScriptPath::Insecure { .. }));
    }

    #[test]
    fn a_bare_name_is_searched_for() {
        let scratch = Scratch::new("search");
        scratch.file("one/tool", 0o644, "");
        scratch.file("two/tool", 0o755, "");
        symlink("two", scratch.path("link")).expect("a link");
        let search = std::env::join_paths([scratch.path("one"), PathBuf::from("relative"), scratch.path("link")]).expect("no colons");
        let path = scratch.path("two/tool");
        let runs = ScriptPath::Runs(Found { path: path.clone(), resolved: path });
        assert_eq!(verdict("tool", AS_ROOT, &search, ours()), runs);
        assert_eq!(verdict("other", AS_ROOT, &search, ours()), ScriptPath::Absent);
    }

    #[test]
    fn modes_and_owners_that_let_others_in() {
        for (mode, directory, uid, gid, want) in [
            (0o755, false, 0, 0, None),
            (0o755, false, 7, 0, Some(Loose::Owner)),
            (0o775, false, 0, 0, None),
            (0o775, false, 0, 7, Some(Loose::Group)),
            (0o757, false, 0, 0, Some(Loose::World)),
            (0o777, true, 0, 7, Some(Loose::World)),
            (0o1777, true, 0, 7, None),
            (0o1777, false, 0, 0, Some(Loose::World)),
        ] {
            assert_eq!(open_to_others(mode, directory, uid, gid, ROOT), want, "{mode:o} {uid} {gid}");
        }
    }
}
