//! Scripts: whom they run as, whether they can run, and whether they may.
//!
//! keepalived settles `global_defs` before it reads anything else, so a `script_user` or `enable_script_security` at the
//! end of the file counts for all scripts outside `global_defs`; inside, it counts from its line on.

use super::Resolver;
use crate::config::command::{Command, UserSpec};
use crate::config::diagnostic::{Class, Origin};
use crate::config::host::{Found, Ids, ScriptPath};
use crate::model::script::{Action, Disabled, LeftOut, Runner, Script};
use std::path::PathBuf;

/// The user that scripts run as when nothing else is said.
const DEFAULT_USER: &str = "keepalived_script";

/// What a command is for: keepalived tells its faults differently, and counts only some of them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose<'a> {
    /// The script of the `vrrp_script` of this name, which ends at `end`.
    Track { name: &'a str, end: Origin },
    /// The `misc_path` of a MISC_CHECK that ends at `end`.
    Misc { end: Origin },
    /// It is told of what happened in this process.
    Notify(Process),
    /// It reads a FIFO that these processes write to.
    Fifo(&'static [Process]),
    /// `startup` or `shutdown`.
    Life(&'static str),
}

impl Purpose<'_> {
    /// What messages call the command.
    fn name(self, command: &Command) -> String {
        let quoted = command.quoted();
        match self {
            Self::Track { name, .. } => format!("track script {name}"),
            Self::Misc { .. } => format!("misc script {quoted}"),
            Self::Notify(_) | Self::Fifo(_) => format!("notify script {quoted}"),
            Self::Life(name) => format!("{name} script {quoted}"),
        }
    }

    fn runners(self) -> Box<[Runner]> {
        let runner = |process: &Process| match process {
            Process::Vrrp => Runner::Vrrp,
            Process::Checker => Runner::Checker,
        };
        match self {
            Self::Track { .. } => Box::from([Runner::Vrrp]),
            Self::Misc { .. } => Box::from([Runner::Checker]),
            Self::Notify(process) => Box::from([runner(&process)]),
            Self::Fifo(processes) => processes.iter().map(runner).collect(),
            Self::Life(_) => Box::from([Runner::Supervisor]),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Process {
    Vrrp,
    Checker,
}

/// What `global_defs` says of all scripts, and what was found out on the way.
#[derive(Debug, Default)]
pub(super) struct Scripts {
    pub(super) secure: bool,
    /// Paths are left as written, not resolved.
    pub(super) symlinks: bool,
    /// Every script gets the supplementary groups of its user.
    pub(super) supplementary: bool,
    default: DefaultUser,
    /// The lack of a default user is one fault, however many scripts suffer from it.
    told_no_default: bool,
    in_use: InUse,
    disabled: Vec<Disabled>,
}

/// The user of scripts without one of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum DefaultUser {
    #[default]
    NotAsked,
    Is(Ids),
    /// The user that was asked for does not exist.
    Unusable,
}

/// The first script that was found to be runnable, by who runs it.
#[derive(Debug, Default)]
struct InUse {
    life: Option<Origin>,
    vrrp: Option<Origin>,
    checker: Option<Origin>,
    vrrp_fifo: Option<Origin>,
    checker_fifo: Option<Origin>,
}

impl Scripts {
    /// The VRRP process ends before it would run anything.
    pub(super) fn vrrp_never_runs(&mut self) {
        self.in_use.vrrp = None;
        self.in_use.vrrp_fifo = None;
    }
}

impl Resolver<'_> {
    /// A command that can be run, or nothing: what is wrong with it is reported in keepalived's way for its purpose.
    pub(super) fn command(&mut self, command: &Command, purpose: Purpose<'_>) -> Option<Script> {
        let (ids, supplementary) = self.runs_as(command, purpose)?;
        let mut argv = command.argv.clone();
        let action = self.action(command, purpose, ids, &mut argv)?;
        let groups = (supplementary || self.scripts.supplementary).then(|| self.host.all_groups(ids));
        Some(Script { argv, action, uid: ids.uid, gid: ids.gid, groups })
    }

    /// Whom a command runs as, and whether with the user's other groups.
    pub(super) fn runs_as(&mut self, command: &Command, purpose: Purpose<'_>) -> Option<(Ids, bool)> {
        match &command.user {
            Some(user) => self.given_user(user, command, purpose).map(|ids| (ids, user.supplementary)),
            None => self.default_user(command, purpose).map(|ids| (ids, false)),
        }
    }

    /// A user with a group, if both exist; otherwise only logged.
    pub(super) fn ids(&mut self, spec: &UserSpec) -> Option<Ids> {
        let Some(mut ids) = self.host.user(&spec.user) else {
            self.log(spec.at, format!("Script user '{}' does not exist", spec.user));
            return None;
        };
        if let Some(group) = &spec.group {
            let Some(gid) = self.host.group(group) else {
                self.log(spec.at, format!("Script group '{group}' does not exist"));
                return None;
            };
            ids.gid = gid;
        }
        Some(ids)
    }

    /// Settles the default user by a `script_user`.
    pub(super) fn script_user(&mut self, spec: &UserSpec) {
        self.scripts.default = match self.ids(spec) {
            Some(ids) => DefaultUser::Is(ids),
            None => {
                self.problems.error(spec.at, "Error setting global script uid/gid").word(&spec.user).hint("no such user or group");
                DefaultUser::Unusable
            }
        };
    }

    /// The default user, settled when it is first needed. Its lack is reported at `at`, once.
    pub(super) fn default_ids(&mut self, at: Origin) -> Option<Ids> {
        if self.scripts.default == DefaultUser::NotAsked {
            let fallback = if self.scripts.secure { None } else { Some(self.host.own_ids()) };
            self.scripts.default = self.host.user(DEFAULT_USER).or(fallback).map_or(DefaultUser::Unusable, DefaultUser::Is);
            if self.scripts.default == DefaultUser::Unusable && !self.scripts.told_no_default {
                self.scripts.told_no_default = true;
                let text = format!("Unable to set default user {DEFAULT_USER} for script");
                self.problems.error(at, text).hint(NO_DEFAULT_USER);
            }
        }
        match self.scripts.default {
            DefaultUser::Is(ids) => Some(ids),
            DefaultUser::Unusable | DefaultUser::NotAsked => None,
        }
    }

    fn default_user(&mut self, command: &Command, purpose: Purpose<'_>) -> Option<Ids> {
        let (at, told) = match purpose {
            Purpose::Track { name, end } => (end, Some(format!("Unable to set default user for vrrp script {name} - removing"))),
            Purpose::Misc { end } => (end, Some(format!("Unable to set default user for misc script {} - removing", command.quoted()))),
            Purpose::Life(name) => (command.at, Some(format!("Invalid {name} script"))),
            Purpose::Notify(_) | Purpose::Fifo(_) => (command.at, None),
        };
        // keepalived says two things about the first script; the one that names it is enough.
        self.scripts.told_no_default |= told.is_some();
        let ids = self.default_ids(at);
        if ids.is_none() {
            self.leave_out(command, purpose, NO_DEFAULT_USER.to_owned());
            match told {
                Some(text) => {
                    self.problems.error(at, text).hint(NO_DEFAULT_USER);
                }
                None => self.log(command.at, format!("No user to run script {} as - ignoring", command.program())),
            }
        }
        ids
    }

    fn given_user(&mut self, user: &UserSpec, command: &Command, purpose: Purpose<'_>) -> Option<Ids> {
        let ids = self.ids(user);
        if ids.is_none() {
            self.leave_out(command, purpose, "its user or group does not exist".to_owned());
            let text = match purpose {
                Purpose::Track { .. } => format!("Unable to set uid/gid for script {}", command.quoted()),
                Purpose::Misc { .. } => format!("Failed to set uid/gid for misc checker script {} - removing", command.quoted()),
                Purpose::Life(name) => format!("Invalid {name} script"),
                Purpose::Notify(_) | Purpose::Fifo(_) => {
                    let text = format!("Invalid user/group for notify script {} - ignoring", command.program());
                    self.log(command.at, text);
                    return None;
                }
            };
            self.problems.error(user.at, text).word(&user.user).hint("no such user or group");
        }
        ids
    }

    /// What running the command means: the file it names must be there, and nobody may have meddled with it.
    fn action(&mut self, command: &Command, purpose: Purpose<'_>, ids: Ids, argv: &mut [Box<str>]) -> Option<Action> {
        if let (Purpose::Track { .. }, Some(path)) = (purpose, opened(&command.argv)) {
            return Some(Action::Open(path));
        }
        let program = command.program();
        let verdict = self.host.script(program, ids);
        if verdict != ScriptPath::Absent {
            self.in_use(purpose, command.at);
        }
        match verdict {
            ScriptPath::Runs(found) => Some(self.execute(found, program, command.at, argv)),
            ScriptPath::Absent => {
                self.disabled(command, purpose, "since not found/accessible", &format!("{program} is not there"), None);
                None
            }
            ScriptPath::Forbidden(component) => {
                let component = component.display();
                let why = format!("its user may not execute {component}");
                self.disabled(command, purpose, "since not found/accessible", &why, Some(format!("chmod a+x {component}")));
                None
            }
            ScriptPath::WrongType { component, resolved } => {
                let why = format!("{} is not a plain directory or file", component.display());
                self.disabled(command, purpose, "due to insecure", &why, Some(format!("write {} instead", resolved.display())));
                None
            }
            ScriptPath::Insecure { component, loose, .. } if self.scripts.secure => {
                let component = component.display();
                let why = format!("others than root may change {component}");
                self.disabled(command, purpose, "due to insecure", &why, Some(format!("{} {component}", loose.remedy())));
                None
            }
            ScriptPath::Insecure { component, loose, found } => {
                let component = component.display();
                let why = format!("others than root may change {component}: {} {component}", loose.remedy());
                self.log(command.at, format!("Unsafe permissions found for script '{program}': {why}"));
                Some(self.execute(found, program, command.at, argv))
            }
        }
    }

    /// A name that was searched for becomes the path that was found, for the command too: its own name is `/usr/bin/killall`
    /// when the script is `killall -0 nginx` (2.2.7: its command line; 2.4.3: the state dump).
    fn execute(&mut self, found: Found, program: &str, at: Origin, argv: &mut [Box<str>]) -> Action {
        if !program.contains('/') {
            let path = found.path.display();
            self.log(at, format!("WARNING - script `{program}` resolved by path search to `{path}`. Please specify full path."));
            if let Some(own_name) = argv.first_mut() {
                *own_name = path.to_string().into();
            }
        }
        Action::Execute(if self.scripts.symlinks { found.path } else { found.resolved })
    }

    /// A script that cannot run. keepalived's config test counts this for tracked scripts only. It says less: which part of the
    /// path it is, and what is to be done, is in the text, so that it is in the log as well.
    fn disabled(&mut self, command: &Command, purpose: Purpose<'_>, what_for: &str, why: &str, remedy: Option<String>) {
        let class = if matches!(purpose, Purpose::Track { .. }) { Class::Error } else { Class::Notice };
        let (what, program) = (purpose.name(command), command.program());
        let why = remedy.map_or_else(|| why.to_owned(), |remedy| format!("{why}: {remedy}"));
        self.problems.resolving(class, command.at, format!("Disabling {what} {what_for} - {why}")).word(program);
        self.leave_out(command, purpose, why);
    }

    /// Notes that it is not run, for whoever asks what the daemon does.
    fn leave_out(&mut self, command: &Command, purpose: Purpose<'_>, why: String) {
        let what = purpose.name(command).into();
        self.scripts.disabled.push(Disabled { runners: purpose.runners(), what, why: why.into() });
    }

    pub(super) fn disabled_scripts(&mut self) -> LeftOut {
        LeftOut { scripts: std::mem::take(&mut self.scripts.disabled).into() }
    }

    fn in_use(&mut self, purpose: Purpose<'_>, at: Origin) {
        let used = &mut self.scripts.in_use;
        let first = |slot: &mut Option<Origin>| {
            slot.get_or_insert(at);
        };
        match purpose {
            Purpose::Track { .. } | Purpose::Notify(Process::Vrrp) => first(&mut used.vrrp),
            Purpose::Misc { .. } | Purpose::Notify(Process::Checker) => first(&mut used.checker),
            Purpose::Life(_) => first(&mut used.life),
            Purpose::Fifo(processes) => {
                for process in processes {
                    match process {
                        Process::Vrrp => first(&mut used.vrrp_fifo),
                        Process::Checker => first(&mut used.checker_fifo),
                    }
                }
            }
        }
    }

    /// Reports that scripts are used without security, once for each process that runs any. The reader of a FIFO counts
    /// only where its process has anything to do.
    pub(super) fn report_insecurity(&mut self, vrrp_runs: bool, checkers_run: bool) {
        if self.scripts.secure {
            return;
        }
        let used = &self.scripts.in_use;
        let fifo = |at: Option<Origin>, runs: bool| at.filter(|_| runs);
        let kinds = [
            ("start/shutdown scripts", used.life),
            ("check scripts", used.checker.or(fifo(used.checker_fifo, checkers_run))),
            ("scripts", used.vrrp.or(fifo(used.vrrp_fifo, vrrp_runs))),
        ];
        for (kind, at) in kinds {
            if let Some(at) = at {
                let text = format!("SECURITY VIOLATION - {kind} are being executed but script_security not enabled.");
                self.problems.resolving(Class::Security, at, text).hint("put 'enable_script_security' into global_defs");
            }
        }
    }

    /// What keepalived only logs about scripts.
    fn log(&mut self, at: Origin, text: String) {
        self.problems.resolving(Class::Notice, at, text);
    }
}

const NO_DEFAULT_USER: &str = "script security wants a user: create keepalived_script, or name one with script_user in global_defs";

/// The file in `</path` and `< /path`, with which a `vrrp_script` runs nothing.
fn opened(argv: &[Box<str>]) -> Option<PathBuf> {
    let path = argv.first()?.strip_prefix('<')?;
    if path.is_empty() { argv.get(1).map(|path| PathBuf::from(&**path)) } else { Some(PathBuf::from(path)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::diagnostic::Diagnostics;
    use crate::config::host::{Loose, Stated};
    use crate::config::testing::load;

    fn at(line: u32) -> Origin {
        Origin { order: line, file: 0, line }
    }

    fn command(line: u32, words: &[&str]) -> Command {
        Command { at: at(line), argv: words.iter().map(|w| Box::from(*w)).collect(), user: None }
    }

    fn user(line: u32, name: &str) -> UserSpec {
        UserSpec { at: at(line), user: name.into(), group: None, supplementary: false }
    }

    fn track(end: u32) -> Purpose<'static> {
        Purpose::Track { name: "chk", end: at(end) }
    }

    const NOTIFY: Purpose<'static> = Purpose::Notify(Process::Vrrp);

    /// Runs `f` on a resolver and returns what was reported: class, phase and line before the text.
    fn told(host: &Stated, secure: bool, f: impl FnOnce(&mut Resolver<'_>)) -> Vec<String> {
        let mut problems = Diagnostics::default();
        let mut resolver = Resolver { scripts: Scripts { secure, ..Scripts::default() }, ..Resolver::new(host, &mut problems) };
        f(&mut resolver);
        resolver.report_insecurity(true, true);
        problems.iter().map(|d| format!("{} {:?} {}: {}", d.class.name(), d.phase, d.at.map_or(0, |at| at.line), d.text)).collect()
    }

    const VIOLATION: &str = "SECURITY VIOLATION - scripts are being executed but script_security not enabled.";

    #[test]
    fn a_command_found_by_search_knows_itself_by_its_path() {
        let mut host = Stated::with(&[]);
        let found = Found { path: "/usr/bin/killall".into(), resolved: "/usr/lib/killall".into() };
        host.scripts.insert("killall".to_owned(), ScriptPath::Runs(found.clone()));
        host.scripts.insert("/usr/bin/killall".to_owned(), ScriptPath::Runs(found));
        let mut problems = Diagnostics::default();
        let mut resolver = Resolver::new(&host, &mut problems);
        for program in ["killall", "/usr/bin/killall"] {
            let script = resolver.command(&command(1, &[program, "-0", "nginx"]), NOTIFY).expect("it can be run");
            assert_eq!(script.argv.join(" "), "/usr/bin/killall -0 nginx");
            assert_eq!(script.action, Action::Execute("/usr/lib/killall".into()));
        }
    }

    #[test]
    fn a_script_runs_as_the_default_user_or_its_own() {
        let mut host = Stated::with(&[]).script("/p");
        let nothing: [String; 0] = [];
        let seen = told(&host, true, |r| {
            r.script_user(&user(1, "nobody"));
            let script = r.command(&command(2, &["/p", "x"]), NOTIFY).expect("it runs");
            assert_eq!((script.uid, script.action), (65534, Action::Execute("/p".into())));
            let own = Command { user: Some(UserSpec { group: Some("nogroup".into()), ..user(3, "root") }), ..command(3, &["/p"]) };
            let script = r.command(&own, NOTIFY).expect("it runs");
            assert_eq!((script.uid, script.gid), (0, 65534));
        });
        assert_eq!(seen, nothing);
        host.users.insert("keepalived_script".to_owned(), Ids { uid: 7, gid: 8 });
        let seen = told(&host, true, |r| assert_eq!(r.command(&command(1, &["/p"]), NOTIFY).map(|s| s.uid), Some(7)));
        assert_eq!(seen, nothing);
    }

    #[test]
    fn without_security_scripts_run_as_the_daemon_and_are_a_violation_once_per_process() {
        let host = Stated::with(&[]).script("/p");
        let seen = told(&host, false, |r| {
            for purpose in [NOTIFY, track(9), Purpose::Misc { end: at(8) }, Purpose::Life("startup")] {
                assert_eq!(r.command(&command(3, &["/p"]), purpose).map(|s| s.uid), Some(0));
            }
        });
        assert_eq!(
            seen,
            [
                "security Resolving 3: SECURITY VIOLATION - start/shutdown scripts are being executed but script_security not enabled.",
                "security Resolving 3: SECURITY VIOLATION - check scripts are being executed but script_security not enabled.",
                &format!("security Resolving 3: {VIOLATION}"),
            ]
        );
    }

    #[test]
    fn the_missing_default_user_is_told_at_the_first_script_and_by_name_for_checks() {
        let host = Stated::with(&[]).script("/p");
        let seen = told(&host, true, |r| {
            for line in [3, 4] {
                assert!(r.command(&command(line, &["/p"]), NOTIFY).is_none());
            }
            assert!(r.command(&command(5, &["/p"]), track(7)).is_none());
            assert!(r.command(&command(8, &["/p", "a b"]), Purpose::Misc { end: at(9) }).is_none());
        });
        assert_eq!(
            seen,
            [
                "error Reading 3: Unable to set default user keepalived_script for script",
                "notice Resolving 3: No user to run script /p as - ignoring",
                "notice Resolving 4: No user to run script /p as - ignoring",
                "error Reading 7: Unable to set default user for vrrp script chk - removing",
                "error Reading 9: Unable to set default user for misc script '/p' 'a b' - removing",
            ]
        );
        let seen = told(&host, true, |r| {
            assert!(r.command(&command(5, &["/p"]), track(7)).is_none());
            assert!(r.command(&command(8, &["/p"]), NOTIFY).is_none());
        });
        assert_eq!(seen[0], "error Reading 7: Unable to set default user for vrrp script chk - removing");
        assert_eq!(seen.iter().filter(|m| m.starts_with("error")).count(), 1);
    }

    #[test]
    fn an_unknown_user_costs_the_scripts_that_need_it() {
        let host = Stated::with(&[]).script("/p");
        let seen = told(&host, false, |r| {
            r.script_user(&user(1, "nosuch"));
            assert!(r.command(&command(2, &["/p"]), track(4)).is_none());
            let own = |line| Command { user: Some(user(line, "nosuch")), ..command(line, &["/p"]) };
            assert!(r.command(&own(5), track(6)).is_none());
            assert!(r.command(&own(7), Purpose::Misc { end: at(8) }).is_none());
            assert!(r.command(&own(9), Purpose::Life("shutdown")).is_none());
            assert!(r.command(&own(10), NOTIFY).is_none());
        });
        let counted: Vec<_> = seen.iter().filter(|m| !m.starts_with("notice")).collect();
        assert_eq!(
            counted,
            [
                "error Reading 1: Error setting global script uid/gid",
                "error Reading 4: Unable to set default user for vrrp script chk - removing",
                "error Reading 5: Unable to set uid/gid for script '/p'",
                "error Reading 7: Failed to set uid/gid for misc checker script '/p' - removing",
                "error Reading 9: Invalid shutdown script",
            ]
        );
        assert_eq!(seen.last().map(String::as_str), Some("notice Resolving 10: Invalid user/group for notify script /p - ignoring"));
    }

    #[test]
    fn the_path_decides_whether_a_script_may_run() {
        let mut host = Stated::with(&[]).script("/p");
        let found = Found { path: "/tmp/s".into(), resolved: "/private/s".into() };
        host.scripts.insert("/tmp/s".to_owned(), ScriptPath::Insecure { component: "/tmp".into(), loose: Loose::World, found });
        let resolved = "/usr/bin/true".into();
        host.scripts.insert("/bin/true".to_owned(), ScriptPath::WrongType { component: "/bin".into(), resolved });
        host.scripts.insert("/tmp/no".to_owned(), ScriptPath::Forbidden("/tmp/no".into()));
        const INSECURE: &str = "error Resolving 2: Disabling track script chk due to insecure";
        const ABSENT: &str = "error Resolving 2: Disabling track script chk since not found/accessible";
        let links = format!("{INSECURE} - /bin is not a plain directory or file: write /usr/bin/true instead");
        let open = format!("{INSECURE} - others than root may change /tmp: chmod o-w /tmp");
        let absent = format!("{ABSENT} - /none is not there");
        let forbidden = format!("{ABSENT} - its user may not execute /tmp/no: chmod a+x /tmp/no");
        for (path, purpose, secure, runs, counted) in [
            ("/none", track(9), true, false, vec![&*absent]),
            ("/tmp/no", track(9), true, false, vec![&forbidden]),
            ("/none", NOTIFY, false, false, vec![]),
            ("/none", Purpose::Misc { end: at(9) }, false, false, vec![]),
            ("/bin/true", track(9), true, false, vec![&links]),
            ("/bin/true", track(9), false, false, vec![&links, "security Resolving 2: V"]),
            ("/bin/true", NOTIFY, true, false, vec![]),
            ("/tmp/s", track(9), true, false, vec![&open]),
            ("/tmp/s", NOTIFY, false, true, vec!["security Resolving 2: V"]),
            ("/p", NOTIFY, true, true, vec![]),
        ] {
            let seen = told(&host, secure, |r| {
                r.script_user(&user(1, "root"));
                assert_eq!(r.command(&command(2, &[path]), purpose).is_some(), runs, "{path} {purpose:?}");
            });
            let seen: Vec<_> = seen.iter().filter(|m| !m.starts_with("notice")).map(|m| m.replace(VIOLATION, "V")).collect();
            assert_eq!(seen, counted, "{path} {purpose:?} secure {secure}");
        }
    }

    #[test]
    fn links_are_kept_where_that_is_asked_for() {
        let mut host = Stated::with(&[]);
        let found = Found { path: "/opt/s".into(), resolved: "/opt/s-1.2".into() };
        host.scripts.insert("/opt/s".to_owned(), ScriptPath::Runs(found));
        for (symlinks, want) in [(false, "/opt/s-1.2"), (true, "/opt/s")] {
            told(&host, false, |r| {
                r.scripts.symlinks = symlinks;
                let script = r.command(&command(1, &["/opt/s"]), NOTIFY).expect("it runs");
                assert_eq!(script.action, Action::Execute(want.into()));
            });
        }
    }

    #[test]
    fn what_all_scripts_are_to_have_is_asked_for_once() {
        let mut host = Stated::with(&[]);
        let found = Found { path: "/opt/s".into(), resolved: "/opt/s-1.2".into() };
        host.scripts.insert("/opt/s".to_owned(), ScriptPath::Runs(found));
        for (global, path, groups) in
            [("", "/opt/s-1.2", false), ("use_symlink_paths", "/opt/s", false), ("set_supplementary_groups", "/opt/s-1.2", true)]
        {
            let text = format!("global_defs {{\n script_user root\n {global}\n startup_script /opt/s\n}}");
            let script = load(&text, &host).0.global.scripts.startup.expect("it runs");
            assert_eq!((script.action, script.groups.is_some()), (Action::Execute(path.into()), groups), "{global}");
        }
    }

    #[test]
    fn a_tracked_file_is_opened_and_nothing_is_executed() {
        let host = Stated::with(&[]);
        for words in [&["</dev/tcp/127.0.0.1/80"][..], &["<", "/dev/tcp/127.0.0.1/80"]] {
            let seen = told(&host, false, |r| {
                let script = r.command(&command(1, words), track(2)).expect("it needs no file now");
                assert_eq!(script.action, Action::Open("/dev/tcp/127.0.0.1/80".into()));
            });
            assert!(seen.is_empty(), "{seen:?}");
        }
    }

    #[test]
    fn the_reader_of_a_fifo_counts_only_with_its_process() {
        let host = Stated::with(&[]).script("/p");
        for (vrrp, checkers, want) in [(false, false, 0), (true, false, 1), (true, true, 2)] {
            let mut problems = Diagnostics::default();
            let mut resolver = Resolver::new(&host, &mut problems);
            resolver.command(&command(1, &["/p"]), Purpose::Fifo(&[Process::Vrrp, Process::Checker]));
            resolver.report_insecurity(vrrp, checkers);
            assert_eq!(problems.iter().count(), want);
        }
    }
}
