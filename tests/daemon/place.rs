//! Scripts and files of one test, and a runtime for it.

#![expect(clippy::disallowed_methods, reason = "files are real here")]

use standfast::model::script::{Action, Script};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

/// Long enough for anything to happen on a busy machine.
pub(crate) const EVENTUALLY: Duration = Duration::from_secs(20);

/// A folder of one test.
pub(crate) struct Place(pub(crate) PathBuf);

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("standfast-notify-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).expect("a folder");
        // Scripts of other users write here.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("a mode");
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Runs a shell text in this folder; more words are its arguments.
    pub(crate) fn script(&self, text: &str) -> Script {
        let text = format!("cd {} || exit 99; {text}", self.0.display());
        let argv = ["sh", "-c", &text, "script"].map(Box::from).into();
        Script { argv, action: Action::Execute("/bin/sh".into()), uid: uid(), gid: gid(), groups: None }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

pub(crate) fn uid() -> u32 {
    nix::unistd::Uid::effective().as_raw()
}

pub(crate) fn gid() -> u32 {
    nix::unistd::Gid::effective().as_raw()
}

pub(crate) fn run<T>(story: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(EVENTUALLY * 2, story).await.expect("it does not hang") })
}
