//! Starting a program: `fork` and `exec` without waiting for either.
//!
//! `std::process::Command` waits until the program has been found and loaded, which a slow disk or a busy machine can make
//! long. Here the parent goes on at once, and a program that cannot be executed ends with 126 or 127, as in a shell.

#![expect(unsafe_code, reason = "fork, and what a child does before it is another program")]

use nix::libc::{self, c_char, c_int, c_ulong, gid_t, pid_t};
use nix::unistd::Pid;
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::null;
use std::sync::atomic::AtomicI32;
use std::sync::{Mutex, OnceLock, PoisonError};

/// The status of a program that was not found, and of one that could not be executed.
pub const NOT_FOUND: i32 = 127;
pub const NOT_EXECUTABLE: i32 = 126;

/// What a child does.
#[derive(Clone, Copy, Debug)]
pub enum Task<'a> {
    Execute {
        path: &'a CStr,
        argv: &'a [CString],
        environment: &'a [&'a CStr],
    },
    /// It succeeds if this can be opened.
    Open(&'a CStr),
}

/// With whose rights.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    pub uid: u32,
    pub gid: u32,
    pub groups: &'a [gid_t],
}

/// What a program may expect of its processor and its limits, before the daemon took more for itself.
#[derive(Clone, Debug)]
pub struct Ordinary {
    nice: c_int,
    policy: c_int,
    parameters: libc::sched_param,
    processors: libc::cpu_set_t,
    limits: Vec<(Resource, libc::rlimit)>,
    /// Whether this process may be looked into.
    dumpable: c_int,
}

#[cfg(target_env = "musl")]
type Resource = c_int;
#[cfg(not(target_env = "musl"))]
type Resource = libc::__rlimit_resource_t;

/// The limits that a daemon changes for itself.
const LIMITS: [Resource; 5] = [libc::RLIMIT_CORE, libc::RLIMIT_NOFILE, libc::RLIMIT_MEMLOCK, libc::RLIMIT_RTPRIO, libc::RLIMIT_RTTIME];

static ORDINARY: OnceLock<Ordinary> = OnceLock::new();

/// Notes what programs get. To be called before the process changes its own priority, processors or limits; later calls
/// change nothing, and the first program started is such a call.
pub fn remember_ordinary() -> &'static Ordinary {
    ORDINARY.get_or_init(Ordinary::now)
}

/// Makes this process as ordinary as what it starts: for a program that is to note the same.
pub fn be_ordinary() {
    remember_ordinary().apply();
}

impl Ordinary {
    fn now() -> Self {
        // SAFETY: a zeroed sched_param, cpu_set_t and rlimit are valid values, each call is given one of the right size, and
        // a call that fails leaves it as it is.
        unsafe {
            let mut parameters: libc::sched_param = std::mem::zeroed();
            let mut processors: libc::cpu_set_t = std::mem::zeroed();
            libc::sched_getparam(0, &raw mut parameters);
            libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut processors);
            let limit = |resource| {
                let mut limit: libc::rlimit = std::mem::zeroed();
                (libc::getrlimit(resource, &raw mut limit) == 0).then_some((resource, limit))
            };
            Self {
                nice: libc::getpriority(libc::PRIO_PROCESS, 0),
                policy: libc::sched_getscheduler(0),
                parameters,
                processors,
                limits: LIMITS.into_iter().filter_map(limit).collect(),
                dumpable: libc::prctl(libc::PR_GET_DUMPABLE),
            }
        }
    }

    /// What is refused stays as it is.
    fn apply(&self) {
        self.apply_to_thread();
        for (resource, limit) in &self.limits {
            // SAFETY: a system call on a value that outlives it.
            unsafe {
                libc::setrlimit(*resource, limit);
            }
        }
    }

    fn apply_to_thread(&self) {
        // SAFETY: system calls on values that outlive them.
        unsafe {
            libc::sched_setscheduler(0, self.policy, &raw const self.parameters);
            libc::setpriority(libc::PRIO_PROCESS, 0, self.nice);
            libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const self.processors);
        }
    }
}

/// The calling thread goes on with what programs get of the processor.
pub fn be_ordinary_thread() {
    remember_ordinary().apply_to_thread();
}

/// All that a child needs, made before there is one: a child must not allocate.
struct Plan<'a> {
    path: &'a CStr,
    /// Absent: the path is only opened.
    program: Option<Program>,
    identity: Identity<'a>,
    /// It has these rights already, so that what an unprivileged daemon may not change need not change.
    same: bool,
    ordinary: &'static Ordinary,
    null: c_int,
    parent: pid_t,
}

struct Program {
    argv: Vec<*const c_char>,
    /// For a file that is no program and names none: a shell reads it.
    shell: Vec<*const c_char>,
    environment: Vec<*const c_char>,
}

const SHELL: &CStr = c"/bin/sh";

impl<'a> Plan<'a> {
    fn new(task: Task<'a>, identity: Identity<'a>, null: BorrowedFd<'_>) -> Self {
        let (path, program) = match task {
            Task::Open(path) => (path, None),
            Task::Execute { path, argv, environment } => {
                let rest = argv.iter().skip(1);
                let program = Program {
                    argv: pointers(argv.iter().map(CString::as_c_str)),
                    shell: pointers([SHELL, path].into_iter().chain(rest.map(CString::as_c_str))),
                    environment: pointers(environment.iter().copied()),
                };
                (path, Some(program))
            }
        };
        // SAFETY: they only ask.
        let (same, parent) = unsafe { ((libc::geteuid(), libc::getegid()) == (identity.uid, identity.gid), libc::getpid()) };
        Self { path, program, identity, same, ordinary: remember_ordinary(), null: null.as_raw_fd(), parent }
    }
}

/// Makes a child by `make` while no signal reaches this thread: a handler of ours must not run in the child, so all signals are
/// blocked until it has none.
fn without_signals(make: impl FnOnce() -> pid_t) -> io::Result<Pid> {
    // SAFETY: the signal sets are made by the calls that fill them.
    unsafe {
        let (mut all, mut before): (libc::sigset_t, libc::sigset_t) = (std::mem::zeroed(), std::mem::zeroed());
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        let pid = make();
        let error = io::Error::last_os_error();
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, std::ptr::null_mut());
        if pid < 0 { Err(error) } else { Ok(Pid::from_raw(pid)) }
    }
}

/// Starts a child in a process group of its own. `null` stands in for its input and outputs.
pub fn spawn(task: Task<'_>, identity: Identity<'_>, null: BorrowedFd<'_>) -> io::Result<Pid> {
    let plan = Plan::new(task, identity, null);
    let pid = without_signals(|| {
        // SAFETY: the child calls `become_it`, which does nothing but system calls and never returns.
        unsafe {
            let pid = libc::fork();
            if pid == 0 {
                become_it(&plan);
            }
            pid
        }
    })?;
    // Before anybody can signal its group: whoever of the two comes first. It may be another program by now, which has done it then.
    // SAFETY: takes two numbers and no memory.
    unsafe {
        libc::setpgid(pid.as_raw(), pid.as_raw());
    }
    Ok(pid)
}

/// Where children run that use the memory of this process until they are another program. One thread has it, and waits for that:
/// for as long as the program takes to be found and loaded.
#[derive(Debug)]
pub struct Lent {
    stack: Box<[u128]>,
}

/// How many children use the memory of this process now.
static LENT: Mutex<u32> = Mutex::new(0);

impl Lent {
    pub fn new() -> Self {
        const ROOM: usize = 64 << 10;
        Self { stack: vec![0; ROOM / size_of::<u128>()].into() }
    }

    /// As [`spawn`]. The number of the child is in `pid` before it begins, so that another thread can wait for it, and end it
    /// should the program never come: it may be gone, and its number another's, when this returns. The child ends with this thread.
    pub fn spawn(&mut self, task: Task<'_>, identity: Identity<'_>, null: BorrowedFd<'_>, pid: &AtomicI32) -> io::Result<Pid> {
        let plan = Plan::new(task, identity, null);
        *LENT.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        let spawned = without_signals(|| {
            let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PARENT_SETTID | libc::SIGCHLD;
            // SAFETY: the child has a stack of its own, which grows down from its end (and is as aligned as its elements are),
            // and nobody else uses it: this thread goes on when the child has ended or is another program. Until then the plan
            // is not touched. `begin` never returns, and only does system calls that do not concern the other threads of this
            // process: what they change belongs to the child, since it shares nothing but memory.
            unsafe {
                let top = self.stack.as_mut_ptr_range().end.cast();
                libc::clone(begin, top, flags, (&raw const plan).cast_mut().cast(), pid.as_ptr())
            }
        });
        let mut lent = LENT.lock().unwrap_or_else(PoisonError::into_inner);
        *lent -= 1;
        if *lent == 0 {
            restore_dumpable();
        }
        spawned
    }
}

impl Default for Lent {
    fn default() -> Self {
        Self::new()
    }
}

/// The kernel notes with the memory that somebody has changed his user who uses it, and leaves no core dump of it from then on.
/// As long as that is so, none of the new user's other processes may look into it. With the last of them gone it is ours alone.
fn restore_dumpable() {
    let Ordinary { dumpable, .. } = remember_ordinary();
    // SAFETY: takes numbers only.
    unsafe {
        if libc::prctl(libc::PR_GET_DUMPABLE) != *dumpable {
            libc::prctl(libc::PR_SET_DUMPABLE, *dumpable);
        }
    }
}

extern "C" fn begin(plan: *mut libc::c_void) -> c_int {
    // SAFETY: it is the plan of `Lent::spawn`, which waits. This is a new process with all signals blocked.
    unsafe { become_it(&*plan.cast_const().cast::<Plan<'_>>()) }
}

fn pointers<'a>(texts: impl Iterator<Item = &'a CStr>) -> Vec<*const c_char> {
    texts.map(CStr::as_ptr).chain([null()]).collect()
}

/// The child's side.
///
/// # Safety
///
/// To be called in a process that has just been forked, with all signals blocked and a plan whose pointers are valid.
unsafe fn become_it(plan: &Plan<'_>) -> ! {
    // SAFETY: only async-signal-safe functions are called, and nothing is allocated: another thread of the parent may have
    // held the allocator's lock. The pointers live in the plan, which is this process's own copy or nobody else's for now.
    unsafe {
        libc::setpgid(0, 0);
        for standard in 0..=2 {
            if libc::dup2(plan.null, standard) < 0 {
                libc::_exit(NOT_EXECUTABLE);
            }
        }
        // Ours are closed by themselves; those of whoever started us may not be.
        #[cfg(target_os = "linux")]
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, CLOSE_RANGE_CLOEXEC);
        plan.ordinary.apply();
        if !identify(plan) {
            libc::_exit(NOT_EXECUTABLE);
        }
        // After the change of the user, which would undo it.
        libc::prctl(libc::PR_SET_PDEATHSIG, SIGTERM);
        if libc::getppid() != plan.parent {
            libc::_exit(NOT_EXECUTABLE);
        }
        default_signals();
        let Some(program) = &plan.program else {
            let opened = libc::open(plan.path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC | libc::O_NOCTTY);
            libc::_exit(c_int::from(opened < 0));
        };
        libc::execve(plan.path.as_ptr(), program.argv.as_ptr(), program.environment.as_ptr());
        let mut error = *libc::__errno_location();
        if error == libc::ENOEXEC {
            libc::execve(SHELL.as_ptr(), program.shell.as_ptr(), program.environment.as_ptr());
            error = *libc::__errno_location();
        }
        libc::_exit(if matches!(error, libc::ENOENT | libc::ENOTDIR) { NOT_FOUND } else { NOT_EXECUTABLE });
    }
}

const CLOSE_RANGE_CLOEXEC: libc::c_uint = 4;
/// As wide as the kernel reads it.
const SIGTERM: c_ulong = libc::SIGTERM as c_ulong;

/// The calls that take numbers of 32 bits.
#[cfg(not(any(target_arch = "x86", target_arch = "arm")))]
use libc::{SYS_setgid as SETGID, SYS_setgroups as SETGROUPS, SYS_setuid as SETUID};
#[cfg(any(target_arch = "x86", target_arch = "arm"))]
use libc::{SYS_setgid32 as SETGID, SYS_setgroups32 as SETGROUPS, SYS_setuid32 as SETUID};

/// # Safety
///
/// As for [`become_it`].
unsafe fn identify(plan: &Plan<'_>) -> bool {
    let Identity { uid, gid, groups } = plan.identity;
    // SAFETY: the list of groups lives in the plan. The C library's own functions would have the other threads of this process
    // change their user as well, if the child runs in our memory.
    unsafe {
        let changed = libc::syscall(SETGID, gid) == 0
            && libc::syscall(SETGROUPS, groups.len(), groups.as_ptr()) == 0
            && libc::syscall(SETUID, uid) == 0;
        if !plan.same {
            // The user's other processes have no business in our memory, not even where the system lets them look into it.
            libc::prctl(libc::PR_SET_DUMPABLE, 0);
        }
        changed || plan.same
    }
}

/// # Safety
///
/// As for [`become_it`].
unsafe fn default_signals() {
    // SAFETY: a zeroed sigaction is the default one, and a zeroed set is made empty before it is used.
    unsafe {
        let mut default: libc::sigaction = std::mem::zeroed();
        default.sa_sigaction = libc::SIG_DFL;
        for signal in 1..=libc::SIGRTMAX() {
            libc::sigaction(signal, &raw const default, std::ptr::null_mut());
        }
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
    }
}
