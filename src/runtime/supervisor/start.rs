//! From the command line to a daemon that serves: keepalived's steps in keepalived's order.

use super::brief::{Brief, Configuration};
use super::control::Control;
use super::parent::Parent;
use super::part::Part;
use super::pidfile::{self, Claim, PidFile, Room};
use super::role::Role;
use super::succession::heir::{self, Found, Heritage};
use super::succession::{Legacy, program};
use super::systemd::Manager;
use super::timetable::Timetable;
use super::{Awaited, Outcome, Supervisor, reader, verdict};
use crate::cli::Options;
use crate::config::diagnostic::Class;
use crate::config::render::Renderer;
use crate::config::{Loaded, dump};
use crate::model::global::process::{AutoPriority, IpvsNamespace, Process};
use crate::runtime::follow::Line;
use crate::runtime::reading::{self, Kept};
use crate::runtime::role::remember_namespace;
use crate::runtime::signals::Signals;
use crate::runtime::{KEEPALIVED, log};
use crate::sys::memory;
use crate::sys::process::{self, Fork};
use crate::sys::spawn::remember_ordinary;
use nix::fcntl::OFlag;
use nix::poll::{PollTimeout, poll};
use nix::sched::{CloneFlags, setns};
use nix::sys::prctl;
use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};
use nix::sys::stat::{Mode, umask};
use nix::sys::utsname::uname;
use nix::unistd::{dup2_stderr, dup2_stdin, dup2_stdout, getpid, pipe2, setsid};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

const IDENT: &str = "Keepalived";
/// syslog's number of its facility for daemons.
const DAEMON: u8 = 3;
/// So much of what is wrong with a configuration goes to the log.
const MOST: usize = 1000;
/// How long a VRRP process is waited for whose supervisor is gone.
const PREDECESSOR: Duration = Duration::from_secs(5);

/// Runs the daemon. Returns in the front process, in the supervisor and in every role.
pub(in crate::runtime) fn run(mut options: Options) -> u8 {
    let found = heir::find();
    log::open(
        log::Setup {
            syslog: !options.log.no_syslog,
            console: options.foreground && options.log.console,
            file: options.log.file.clone(),
            json: None,
            journal: false,
            facility: options.log.facility.unwrap_or(DAEMON),
            detail: options.log.detail > 0,
        },
        IDENT,
    );
    greet(&found);
    let program = program();
    if !options.foreground {
        // The working directory will be another one when it is read again.
        options.file = options.file.map(|file| std::path::absolute(&file).unwrap_or(file));
    }
    let mut heritage = match found {
        Found::Heritage(heritage) => Some(*heritage),
        Found::Nothing | Found::Remains => None,
    };
    let pattern = match &mut heritage {
        Some(heritage) => heritage.core_pattern().map(CorePattern),
        None => options.core_pattern.as_deref().and_then(CorePattern::set),
    };
    let prepared = prepare(options, heritage, program).map(|mut supervisor| {
        supervisor.leave_core_pattern(pattern.as_ref().map(|CorePattern(before)| &**before));
        supervisor
    });
    // Reading takes several times what is kept of it, and the roles begin with a copy.
    memory::trim();
    let outcome = match prepared {
        Ok(mut supervisor) => match supervisor.serve() {
            Outcome::Role(begun) => {
                // What the supervisor has open is not the role's.
                drop(supervisor);
                return begun.run();
            }
            Outcome::Ended(status) => {
                for file in supervisor.roles.into_iter().filter_map(Role::into_pid_file) {
                    file.remove();
                }
                supervisor.control.close();
                supervisor.pid_file.remove();
                if let Some(room) = supervisor.room {
                    room.leave();
                }
                status
            }
        },
        Err(Early::Status(status)) => {
            if status == 0 {
                log::warning("Nothing was started; the exit status is 0 all the same, as tools expect it of keepalived");
            }
            status
        }
        Err(Early::Front) => return 0,
    };
    if let Some(pattern) = pattern {
        pattern.restore();
    }
    log::info(&format!("Stopped {KEEPALIVED}"));
    log::flush();
    outcome
}

/// What the kernel named core dumps after before it was told otherwise.
struct CorePattern(Vec<u8>);

const CORE_PATTERN: &str = "/proc/sys/kernel/core_pattern";

impl CorePattern {
    fn set(pattern: &OsStr) -> Option<Self> {
        let set = std::fs::read(CORE_PATTERN).and_then(|before| {
            std::fs::write(CORE_PATTERN, pattern.as_bytes())?;
            Ok(Self(before))
        });
        set.inspect_err(|error| log::warning(&format!("{CORE_PATTERN} cannot be written: {error}"))).ok()
    }

    fn restore(self) {
        if let Err(error) = std::fs::write(CORE_PATTERN, self.0) {
            log::warning(&format!("{CORE_PATTERN} cannot be written: {error}"));
        }
    }
}

/// An end before the beginning.
enum Early {
    Status(u8),
    /// The daemon is another process, and it is up.
    Front,
}

fn greet(found: &Found) {
    match found {
        Found::Nothing => log::info(&format!("Starting {KEEPALIVED}")),
        Found::Heritage(_) => log::info(&format!("Upgrading to {KEEPALIVED}")),
        Found::Remains => {
            log::info(&format!("Starting {KEEPALIVED}"));
            log::warning("What the program before has left is not to be understood: its processes have been ended");
        }
    }
    log::info(&format!("standfast {} takes keepalived's place", env!("CARGO_PKG_VERSION")));
    if let Ok(system) = uname() {
        let text = |part: &std::ffi::OsStr| part.to_string_lossy().into_owned();
        log::info(&format!("Running on {} {} {}", text(system.sysname()), text(system.release()), text(system.version())));
    }
    let words: Vec<String> = std::env::args_os().map(|word| format!("'{}'", word.to_string_lossy())).collect();
    log::info(&format!("Command line: {}", words.join(" ")));
}

/// What there is to say of what was read, all that is wrong with it, and what of it is not served.
pub(super) fn messages(loaded: &Loaded) -> Vec<(log::Severity, Box<str>)> {
    let mut messages = Vec::new();
    let mut say = |severity, text: String| messages.push((severity, text.into()));
    for index in 0..loaded.sources.len() {
        let source = u32::try_from(index).ok().and_then(|index| loaded.sources.get(index));
        if let Some(source) = source.filter(|source| source.included_at.is_none()) {
            say(log::Severity::Info, format!("Configuration file {}", source.path.display()));
        }
    }
    let renderer = Renderer::new(&loaded.sources);
    for problem in loaded.problems.iter().take(MOST) {
        let severity = match problem.class {
            Class::Notice => log::Severity::Info,
            Class::File | Class::Error | Class::Security => log::Severity::Warning,
            Class::Fatal | Class::Interface | Class::Namespace | Class::MissingParameter | Class::Include => log::Severity::Error,
        };
        say(severity, renderer.line(problem));
    }
    let more = loaded.problems.iter().count().saturating_sub(MOST) + loaded.problems.suppressed();
    if more > 0 {
        say(log::Severity::Warning, format!("{more} more messages are not shown: standfast check tells them all"));
    }
    let idle = loaded.problems.without_effect();
    if !idle.is_empty() {
        say(log::Severity::Warning, format!("These keywords have no effect yet: {}", idle.join(" ")));
    }
    messages
}

fn prepare(options: Options, mut heritage: Option<Heritage>, program: PathBuf) -> Result<Supervisor, Early> {
    let failed = |what: &str, error: &dyn std::fmt::Display, status: u8| {
        log::error(&format!("{what}: {error}"));
        Early::Status(status)
    };
    // From here on a signal waits until there is somebody to take it.
    let signals = Signals::new(true).map_err(|error| failed("Signals cannot be taken", &error, 1))?;
    let manager = Manager::find();
    // Scripts have what there was before anything of it is changed.
    remember_ordinary();
    if options.core_dump
        && let Err(error) = setrlimit(Resource::RLIMIT_CORE, RLIM_INFINITY, RLIM_INFINITY)
    {
        log::warning(&format!("Core dumps cannot be allowed: {error}"));
    }
    let (options, program) = match &heritage {
        // The working directory may be another one than it was.
        Some(heritage) => (Options { file: heritage.file(), ..options }, heritage.program()),
        None => (options, program),
    };
    let question = reading::question(&options);
    let mut loaded = reading::read_with(&super::super::files::FileSystem, &question);
    let readings = heritage.as_ref().map_or(0, |heritage| heritage.readings() + 1);
    messages(&loaded).iter().for_each(|(severity, text)| log::say(*severity, text));
    if let Some(unusable) = verdict::unusable(&loaded, &options) {
        // The reason has been told with its place, among others.
        log::error(&format!("The configuration cannot be run: {}", unusable.reason));
        // It could be a moment ago, and what could be run is there still.
        let rehearsed = heritage.as_mut().and_then(Heritage::configuration);
        loaded.model = rehearsed.ok_or(Early::Status(unusable.status))?;
    }
    if options.dump_conf {
        for line in dump::masked(&loaded.model).lines() {
            log::info(line);
        }
    }
    if let Some(path) = reader::saved(&loaded.model.global.process, readings)
        && let Err(error) = reading::save(&loaded, &path)
    {
        log::warning(&format!("{} cannot be written: {error}", path.display()));
    }
    let brief = Brief::of(&loaded.model, verdict::unread(&loaded));
    let process = &brief.process;
    let kept = reading::memory_of(process).and_then(|mut memory| {
        reading::keep(&loaded.model, &mut memory)?;
        Kept::new(memory)
    });
    let kept = kept.map_err(|error| failed("The configuration cannot be kept", &error, 1))?;
    let configuration = Configuration::new(kept.clone(), Some(Arc::new(loaded.model)));
    log::extend(process.log.json.as_deref(), process.log.journal);
    if process.auto_priority == AutoPriority::Off {
        log::info("NOTICE: setting config option max_auto_priority should result in better keepalived performance");
    }
    umask(Mode::from_bits_truncate(options.umask.unwrap_or(process.umask).into()));
    rename(&options, process);
    let mut room = heritage.as_mut().and_then(Heritage::room);
    if heritage.is_none()
        && let Some(namespace) = options.namespace.as_deref().or(process.net_namespace.as_deref())
    {
        if process.ipvs_namespace == IpvsNamespace::Initial {
            remember_namespace().map_err(|error| failed("The network namespace cannot be kept", &error, 1))?;
        }
        enter(namespace).map_err(|error| failed(&format!("Unable to set network namespace {namespace} - exiting"), &error, 0))?;
        room = Room::enter(namespace);
    }
    let taken = match &mut heritage {
        Some(heritage) => take_over(heritage, &configuration),
        None => take_up(&options, &brief, &configuration),
    };
    let (pid_file, roles) = match taken {
        Ok(taken) => taken,
        Err(early) => {
            if let Some(room) = room {
                room.leave();
            }
            return Err(early);
        }
    };
    if let Some(left) = reader::marker(process, pid_file.folder()) {
        drop(std::fs::remove_file(left));
    }
    let lines = Line::new().and_then(|vrrp| Ok([vrrp, Line::new()?]));
    let lines = lines.map_err(|error| failed("The processes cannot be connected", &error, 1))?;
    let mut front = None;
    let mut signals = signals;
    if !options.foreground && heritage.is_none() {
        match to_background().map_err(|error| failed("Fork into the background failed", &error, 1))? {
            Background::Front => return Err(Early::Front),
            Background::Daemon(open) => front = Some(open),
        }
        signals = Signals::new(true).map_err(|error| failed("Signals cannot be taken", &error, 1))?;
    }
    let timetable = Timetable::new(&process.reload);
    // Orphans of the roles come to us. Without it, they go to init as ever.
    let _ = prctl::set_child_subreaper(true);
    if process.process_names || process.process_name.is_some() {
        drop(process::set_name(process.process_name.as_deref().unwrap_or("keepalived")));
    }
    pid_file.write(getpid().as_raw()).map_err(|error| failed("The pid file cannot be written", &error, 0))?;
    let control = Control::new(&brief, &options, heritage.as_mut()).map_err(|error| failed("Nobody can be let in", &error, 1))?;
    let legacy = Legacy::new(program, &brief);
    Ok(Supervisor {
        options,
        question,
        kept,
        brief,
        reading: None,
        parent: Parent::default(),
        readings,
        next_reading: heritage.as_ref().and_then(Heritage::reload),
        succession: None,
        legacy,
        hook: None,
        ended: false,
        timetable,
        awaited: if heritage.is_some() { Awaited::Upgrade } else { Awaited::Startup },
        roles,
        lines,
        ending: None,
        signals,
        manager,
        pid_file,
        room,
        front,
        control,
        unload: None,
    })
}

/// Daemons of one machine have different names in the log.
fn rename(options: &Options, process: &Process) {
    let namespace = options.namespace.as_deref().or(process.net_namespace.as_deref());
    let parts: Vec<&str> = [Some(IDENT), namespace, process.instance.as_deref()].into_iter().flatten().collect();
    if parts.len() > 1 {
        let ident = parts.join("_");
        log::info(&format!("Changing syslog ident to {ident}"));
        log::rename(&ident);
    }
}

fn enter(namespace: &str) -> io::Result<()> {
    let file = File::open(Path::new("/run/netns").join(namespace))?;
    Ok(setns(file, CloneFlags::CLONE_NEWNET)?)
}

type Roles = [Role; Part::ALL.len()];

/// What a first program begins with.
fn take_up(options: &Options, brief: &Brief, configuration: &Configuration) -> Result<(PidFile, Roles), Early> {
    let (pid_file, files) = claim(options, &brief.process)?;
    let roles = files.map(|(part, file)| {
        if part.is_wanted(brief, options) {
            return Role::new(part, configuration, Some(file));
        }
        file.remove();
        Role::new(part, configuration, None)
    });
    Ok((pid_file, roles))
}

/// What another one begins with in the same process.
fn take_over(heritage: &mut Heritage, configuration: &Configuration) -> Result<(PidFile, Roles), Early> {
    let Some(pid_file) = heritage.pid_file() else {
        log::error("The pid file that was there is not to be had");
        return Err(Early::Status(1));
    };
    Ok((pid_file, Part::ALL.map(|part| heritage.role(part, configuration))))
}

type PartFiles = [(Part, PidFile); Part::ALL.len()];

/// Takes all PID files. A part that has lost its supervisor is stopping, and is waited for.
fn claim(options: &Options, process: &Process) -> Result<(PidFile, PartFiles), Early> {
    let claim = |path: &Path| {
        PidFile::claim(path).map_err(|error| {
            log::error(&format!("Cannot open {} pidfile: {error}", path.display()));
            Early::Status(0)
        })
    };
    let running = || {
        log::info("daemon is already running");
        Early::Status(0)
    };
    let Claim::Ours(parent) = claim(&pidfile::path(None, options, process))? else { return Err(running()) };
    let patience = Instant::now() + PREDECESSOR;
    let mut files: Vec<(Part, PidFile)> = Vec::new();
    let refused = loop {
        let left = Part::ALL.get(files.len()).copied();
        let Some(part) = left else { break None };
        match claim(&pidfile::path(Some(part), options, process)) {
            Ok(Claim::Ours(file)) => files.push((part, file)),
            Ok(Claim::Taken) if Instant::now() < patience => drop(poll(&mut [], PollTimeout::from(50_u8))),
            Ok(Claim::Taken) => break Some(running()),
            Err(early) => break Some(early),
        }
    };
    match (refused, PartFiles::try_from(files)) {
        (None, Ok(files)) => Ok((parent, files)),
        (refused, files) => {
            files.err().into_iter().flatten().for_each(|(_, file)| file.remove());
            parent.remove();
            Err(refused.unwrap_or_else(running))
        }
    }
}

enum Background {
    /// The process that was started, when the daemon has come up or ended.
    Front,
    /// Dropping this lets the front process end.
    Daemon(OwnedFd),
}

fn to_background() -> io::Result<Background> {
    let (wait, open) = pipe2(OFlag::O_CLOEXEC)?;
    match process::fork()? {
        Fork::Parent { .. } => {
            drop(open);
            // Whatever becomes of the daemon, the front has done its part.
            let _ = File::from(wait).read(&mut [0]);
            Ok(Background::Front)
        }
        Fork::Child => {
            drop(wait);
            setsid()?;
            std::env::set_current_dir("/")?;
            let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
            dup2_stdin(&null)?;
            dup2_stdout(&null)?;
            dup2_stderr(&null)?;
            log::close_console();
            Ok(Background::Daemon(open))
        }
    }
}
