//! How the daemon runs: its processes, their names and rights to the processor, its files.

use super::ReceiveBuffer;
use std::path::PathBuf;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The network namespace everything runs in.
    pub net_namespace: Option<Box<str>>,
    pub ipvs_namespace: IpvsNamespace,
    pub namespace_with_ipsets: bool,
    /// The suffix of PID files, logs and dumps.
    pub instance: Option<Box<str>>,
    pub use_pid_dir: bool,
    /// Link state by ioctl instead of netlink.
    pub linkbeat_use_polling: bool,
    /// How long the children are waited for at the end.
    pub child_wait_time: Duration,
    /// The children get names of their own.
    pub process_names: bool,
    pub process_name: Option<Box<str>>,
    pub vrrp: Child,
    pub checker: Child,
    pub bfd: Child,
    pub auto_priority: AutoPriority,
    /// Lateness that raises the priority.
    pub auto_priority_delay: Duration,
    pub umask: u16,
    pub process_monitor: ReceiveBuffer,
    pub reload: Reload,
    /// Include problems that are errors.
    pub include_check: IncludeCheck,
    /// Where the configuration and the state are saved around a reload.
    pub config_save_dir: Option<PathBuf>,
    pub tmp_config_directory: Option<PathBuf>,
    /// keepalived takes it and makes nothing of it.
    pub random_seed: Option<u32>,
    pub iproute_usr_dir: Option<PathBuf>,
    pub iproute_etc_dir: Option<PathBuf>,
    pub dumps: Dumps,
    pub log: Log,
}

impl Default for Process {
    fn default() -> Self {
        Self {
            net_namespace: None,
            ipvs_namespace: IpvsNamespace::default(),
            namespace_with_ipsets: false,
            instance: None,
            use_pid_dir: false,
            linkbeat_use_polling: false,
            child_wait_time: Duration::from_secs(5),
            process_names: false,
            process_name: None,
            vrrp: Child::default(),
            checker: Child::default(),
            bfd: Child::default(),
            auto_priority: AutoPriority::default(),
            auto_priority_delay: Duration::from_secs(1),
            umask: 0o177,
            process_monitor: ReceiveBuffer::default(),
            reload: Reload::default(),
            include_check: IncludeCheck::default(),
            config_save_dir: None,
            tmp_config_directory: None,
            random_seed: None,
            iproute_usr_dir: None,
            iproute_etc_dir: None,
            dumps: Dumps::default(),
            log: Log::default(),
        }
    }
}

/// Forms of the log that keepalived does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log {
    /// A file with a line of JSON for each line.
    pub json: Option<PathBuf>,
    /// To the journal with fields, in the place of syslog.
    pub journal: bool,
}

/// Where IPVS is managed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IpvsNamespace {
    /// In the namespace of the process.
    #[default]
    Same,
    /// In the one the daemon was started in.
    Initial,
    Named(Box<str>),
}

/// One child process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    pub name: Option<Box<str>>,
    pub nice: i8,
    /// Its memory is locked.
    pub no_swap: bool,
    pub realtime: Option<u8>,
    /// The processors it may use; none listed means all.
    pub cpus: Vec<u16>,
    /// How long it may run in real time without a pause, at most.
    pub realtime_limit: Duration,
}

impl Default for Child {
    fn default() -> Self {
        let realtime_limit = Duration::from_millis(10);
        Self { name: None, nice: 0, no_swap: false, realtime: None, cpus: Vec::new(), realtime_limit }
    }
}

/// Whether a late scheduler makes the daemon take a real-time priority by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoPriority {
    /// No, and the log suggests it.
    #[default]
    Off,
    /// No.
    Never,
    UpTo(u8),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reload {
    /// A reload goes ahead only when a config test passes; its output goes here.
    pub check: Option<PathBuf>,
    /// The file that says when to reload.
    pub time_file: Option<PathBuf>,
    /// The time file stays: a reload every day.
    pub repeat: bool,
    pub file: ReloadFile,
}

/// The file that exists while the configuration is being read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ReloadFile {
    #[default]
    Off,
    /// Beside the PID file.
    Usual,
    At(PathBuf),
}

/// What must hold for an `include`, beyond what its own spelling asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IncludeCheck {
    pub read: bool,
    pub matching: bool,
    pub wildcard: bool,
    pub brace: bool,
}

/// Where the signals dump to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dumps {
    pub state: Option<PathBuf>,
    pub stats: Option<PathBuf>,
    pub json: Option<PathBuf>,
    /// Namespace and instance become part of the state dump's name.
    pub name_instance: bool,
    pub json_version: u8,
}

impl Default for Dumps {
    fn default() -> Self {
        Self { state: None, stats: None, json: None, name_instance: false, json_version: 1 }
    }
}
