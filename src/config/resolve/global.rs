//! `global_defs` and the process keywords.

use super::Resolver;
use super::script::{Process, Purpose};
use crate::config::command::{Command, UserSpec};
use crate::config::diagnostic::{Class, Origin};
use crate::config::draft::global as draft;
use crate::config::host::{At, Ids};
use crate::model::global::Global;
use crate::model::global::observe::{Control, Owner, Socket};
use crate::model::global::scripts::Fifo;
use crate::model::script::Script;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Statements whose order matters, as they take effect one after the other.
enum Step<'a> {
    User(&'a UserSpec),
    Secure,
    Life(usize, &'a Command),
    Pipe(usize, &'a draft::Pipe),
    Reader(usize, &'a Command),
}

const SUPERUSER: &str = "only the superuser may use it";

const LIFE: [&str; 2] = ["startup", "shutdown"];
const WRITERS: [&[Process]; 3] = [&[Process::Vrrp, Process::Checker], &[Process::Vrrp], &[Process::Checker]];
const PIPES: [&str; 3] = ["notify_fifo", "vrrp_notify_fifo", "lvs_notify_fifo"];

/// What the steps leave behind; three of each: for everything, for VRRP, for IPVS.
#[derive(Default)]
struct Outcome {
    life: [Option<Script>; 2],
    pipes: [Option<(Origin, PathBuf, Ids)>; 3],
    readers: [Option<Script>; 3],
}

impl Resolver<'_> {
    pub(super) fn global(&mut self, draft: draft::Global) -> Global {
        let mut global = draft.settings;
        self.save_dir(&mut global, draft.config_save_dir_at);
        self.processors(&mut global, draft.affinity_at);
        self.one_firewall(&mut global, draft.iptables_at);

        let host = self.host.name();
        let mail = &mut global.mail;
        mail.router_id = draft.router_id.unwrap_or_else(|| host.as_str().into());
        mail.helo_name = draft.helo_name.unwrap_or_else(|| host.as_str().into());
        mail.from = draft.from.unwrap_or_else(|| format!("{}@{host}", self.host.user_name(self.host.own_ids().uid)).into());
        mail.server = draft.smtp_server.and_then(|server| self.smtp_server(&server));

        self.scripts.symlinks = global.scripts.use_symlink_paths;
        self.scripts.supplementary = global.scripts.set_supplementary_groups;
        let Outcome { life: [startup, shutdown], pipes, readers } = self.steps(&draft.scripts);
        global.scripts.startup = startup;
        global.scripts.shutdown = shutdown;
        if let Some(control) = draft.control {
            global.control = self.control(&control);
        }
        [global.scripts.fifo, global.scripts.vrrp_fifo, global.scripts.lvs_fifo] = self.fifos(pipes, readers);
        global
    }

    fn save_dir(&mut self, global: &mut Global, at: Origin) {
        let blocked = |path: &mut PathBuf| matches!(self.host.at(path), At::File | At::Other);
        if let Some(path) = global.process.config_save_dir.take_if(blocked) {
            self.problems.error(at, format!("config_save_dir {} exists and is not a directory", path.display()));
        }
    }

    /// An owner that there is not leaves the socket to the superuser.
    fn control(&mut self, pipe: &draft::Pipe) -> Control {
        let owner = pipe.owner.as_ref().and_then(|owner| {
            let ids = self.ids(owner);
            if ids.is_none() {
                self.problems.error(owner.at, "The owner of the control socket does not exist").word(&owner.user).hint(SUPERUSER);
            }
            ids.map(|ids| Owner { uid: ids.uid, gid: owner.group.is_some().then_some(ids.gid) })
        });
        Control::At(Socket { path: pipe.path.clone(), owner })
    }

    fn one_firewall(&mut self, global: &mut Global, at: Origin) {
        if global.firewall.nftables.is_some() && global.firewall.iptables.take().is_some() {
            self.problems.resolving(Class::Notice, at, "Both iptables and nftables have been specified - ignoring iptables");
        }
    }

    fn processors(&mut self, global: &mut Global, at: draft::Affinity) {
        let online = self.host.processors();
        let process = &mut global.process;
        let children =
            [("vrrp", &mut process.vrrp, at.vrrp), ("checker", &mut process.checker, at.checker), ("bfd", &mut process.bfd, at.bfd)];
        for (name, child, at) in children {
            if let Some(&cpu) = child.cpus.iter().find(|&&cpu| usize::from(cpu) >= online) {
                let hint = format!("the processors are 0 to {}", online.saturating_sub(1));
                self.problems.error(at, format!("Invalid cpu_id:{cpu} specified for {name} process")).word(&cpu.to_string()).hint(hint);
                child.cpus.clear();
            }
        }
    }

    fn smtp_server(&mut self, server: &draft::SmtpServer) -> Option<SocketAddr> {
        let address = self.host.resolve(&server.host);
        if address.is_none() {
            let text = format!("Invalid smtp server {} {}", server.host, server.port);
            self.problems.error(server.at, text).word(&server.host).hint("the name has no address; no mail is sent");
        }
        address.map(|ip| SocketAddr::new(ip, server.port))
    }

    /// Scripts and pipes run as the `script_user` of the lines before them, and keepalived settles the default user when it
    /// first needs one: what works there must work here.
    fn steps(&mut self, scripts: &draft::Scripts) -> Outcome {
        let mut steps: Vec<(Origin, Step<'_>)> = scripts.users.iter().map(|user| (user.at, Step::User(user))).collect();
        steps.extend(scripts.secure_at.map(|at| (at, Step::Secure)));
        for (n, command) in [&scripts.startup, &scripts.shutdown].into_iter().enumerate() {
            steps.extend(command.as_ref().map(|command| (command.at, Step::Life(n, command))));
        }
        for (n, fifo) in [&scripts.fifo, &scripts.vrrp_fifo, &scripts.lvs_fifo].into_iter().enumerate() {
            steps.extend(fifo.pipe.as_ref().map(|pipe| (pipe.at, Step::Pipe(n, pipe))));
            steps.extend(fifo.script.as_ref().map(|command| (command.at, Step::Reader(n, command))));
        }
        steps.sort_by_key(|&(at, _)| at);

        let mut outcome = Outcome::default();
        for (at, step) in steps {
            match step {
                Step::User(user) => self.script_user(user),
                Step::Secure => self.scripts.secure = true,
                Step::Life(n, command) => outcome.life[n] = self.command(command, Purpose::Life(LIFE[n])),
                Step::Pipe(n, pipe) => {
                    let ids = match &pipe.owner {
                        Some(owner) => self.ids(owner),
                        None => self.default_ids(at),
                    };
                    outcome.pipes[n] = ids.map(|ids| (at, pipe.path.clone(), ids));
                }
                Step::Reader(n, command) => outcome.readers[n] = self.command(command, Purpose::Fifo(WRITERS[n])),
            }
        }
        outcome
    }

    /// Two processes must not read or own the same pipe.
    fn fifos(&mut self, mut pipes: [Option<(Origin, PathBuf, Ids)>; 3], mut readers: [Option<Script>; 3]) -> [Option<Fifo>; 3] {
        let path = |pipe: &Option<(Origin, PathBuf, Ids)>| pipe.as_ref().map(|(_, path, _)| path.clone());
        let common = path(&pipes[0]);
        for n in [1, 2] {
            if let Some((at, path, _)) = pipes[n].take_if(|(_, path, _)| Some(&*path) == common.as_ref()) {
                let text = format!("{} {} is notify_fifo already - ignoring {}", PIPES[n], path.display(), PIPES[n]);
                self.problems.resolving(Class::Notice, at, text);
            }
        }
        let shared = pipes[1].is_some() && path(&pipes[1]) == path(&pipes[2]) && readers[1].is_some();
        if let (Some((at, ..)), Some(_)) = (&pipes[2], readers[2].take_if(|_| shared)) {
            let text = "LVS and VRRP have the same notify fifo, and each a script - ignoring lvs_notify_fifo_script";
            self.problems.resolving(Class::Notice, *at, text);
        }
        let mut fifo = |n: usize| {
            let (_, path, ids) = pipes[n].take()?;
            Some(Fifo { path, uid: ids.uid, gid: ids.gid, script: readers[n].take() })
        };
        [fifo(0), fifo(1), fifo(2)]
    }
}
