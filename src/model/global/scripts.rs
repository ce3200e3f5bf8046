//! What holds for all scripts, and the ones that belong to no instance.

use crate::model::script::{LeftOut, Script};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scripts {
    /// Scripts that others than root could change are not run.
    pub secure: bool,
    /// Paths are run as written, symbolic links and all.
    pub use_symlink_paths: bool,
    /// Scripts get the supplementary groups of their users; each script knows for itself.
    pub set_supplementary_groups: bool,
    pub startup: Option<Script>,
    pub startup_timeout: Duration,
    pub shutdown: Option<Script>,
    pub shutdown_timeout: Duration,
    /// Told of everything.
    pub fifo: Option<Fifo>,
    pub vrrp_fifo: Option<Fifo>,
    pub lvs_fifo: Option<Fifo>,
    pub notify_priority_changes: bool,
    /// All states are told again after a reload.
    pub fifo_states_on_reload: bool,
    /// Notify scripts find the transition in their environment.
    pub notify_json: bool,
    pub disabled: LeftOut,
}

impl Default for Scripts {
    fn default() -> Self {
        let timeout = Duration::from_secs(10);
        Self {
            secure: false,
            use_symlink_paths: false,
            set_supplementary_groups: false,
            startup: None,
            startup_timeout: timeout,
            shutdown: None,
            shutdown_timeout: timeout,
            fifo: None,
            vrrp_fifo: None,
            lvs_fifo: None,
            notify_priority_changes: false,
            fifo_states_on_reload: false,
            notify_json: false,
            disabled: LeftOut::default(),
        }
    }
}

/// A named pipe that state changes are written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fifo {
    pub path: PathBuf,
    pub uid: u32,
    pub gid: u32,
    /// Its reader, which runs as long as the pipe is there.
    pub script: Option<Script>,
}
