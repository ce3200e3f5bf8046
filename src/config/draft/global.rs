//! Process-wide settings as written. Nearly all defaults are constants, so the draft is the model's own type, with what
//! only the resolver can settle beside it.

use crate::config::command::{Command, UserSpec};
use crate::config::diagnostic::Origin;
use crate::model::global as model;
use crate::model::global::observe::Control;
use crate::model::global::scripts as scripts_model;
use std::path::PathBuf;

#[derive(Debug, Default)]
pub struct Global {
    pub settings: model::Global,
    pub net_namespace_at: Origin,
    /// These default to what the machine is called.
    pub router_id: Option<Box<str>>,
    pub from: Option<Box<str>>,
    pub helo_name: Option<Box<str>>,
    pub smtp_server: Option<SmtpServer>,
    /// The statements that name processors, with the child's name in messages.
    pub affinity_at: Affinity,
    pub config_save_dir_at: Origin,
    pub iptables_at: Origin,
    pub scripts: Scripts,
    /// The control socket, where it is not the usual one.
    pub control: Option<Pipe>,
}

#[derive(Debug)]
pub struct SmtpServer {
    pub at: Origin,
    pub host: Box<str>,
    pub port: u16,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Affinity {
    pub vrrp: Origin,
    pub checker: Origin,
    pub bfd: Origin,
}

/// Scripts and what decides about their users: inside `global_defs` the order of these statements matters.
#[derive(Debug, Default)]
pub struct Scripts {
    pub users: Vec<UserSpec>,
    pub secure_at: Option<Origin>,
    pub startup: Option<Command>,
    pub shutdown: Option<Command>,
    pub fifo: Fifo,
    pub vrrp_fifo: Fifo,
    pub lvs_fifo: Fifo,
}

#[derive(Debug, Default)]
pub struct Fifo {
    pub pipe: Option<Pipe>,
    pub script: Option<Command>,
}

#[derive(Debug)]
pub struct Pipe {
    pub at: Origin,
    pub path: PathBuf,
    pub owner: Option<UserSpec>,
}

impl From<Option<&scripts_model::Fifo>> for Fifo {
    fn from(model: Option<&scripts_model::Fifo>) -> Self {
        let Some(model) = model else {
            return Self::default();
        };
        let (user, group) = (model.uid.to_string().into(), Some(model.gid.to_string().into()));
        let owner = UserSpec { at: Origin::default(), user, group, supplementary: false };
        let pipe = Pipe { at: Origin::default(), path: model.path.clone(), owner: Some(owner) };
        Self { pipe: Some(pipe), script: model.script.as_ref().map(Command::from) }
    }
}

fn control(model: &Control) -> Option<Pipe> {
    let Control::At(socket) = model else { return None };
    let owner = socket.owner.map(|owner| UserSpec {
        at: Origin::default(),
        user: owner.uid.to_string().into(),
        group: owner.gid.map(|gid| gid.to_string().into()),
        supplementary: false,
    });
    Some(Pipe { at: Origin::default(), path: socket.path.clone(), owner })
}

impl From<&model::Global> for Global {
    fn from(model: &model::Global) -> Self {
        let (mail, scripts) = (&model.mail, &model.scripts);
        let server =
            mail.server.map(|server| SmtpServer { at: Origin::default(), host: server.ip().to_string().into(), port: server.port() });
        Self {
            settings: model.clone(),
            net_namespace_at: Origin::default(),
            router_id: Some(mail.router_id.clone()),
            from: Some(mail.from.clone()),
            helo_name: Some(mail.helo_name.clone()),
            smtp_server: server,
            affinity_at: Affinity::default(),
            config_save_dir_at: Origin::default(),
            iptables_at: Origin::default(),
            scripts: Scripts {
                users: Vec::new(),
                secure_at: scripts.secure.then(Origin::default),
                startup: scripts.startup.as_ref().map(Command::from),
                shutdown: scripts.shutdown.as_ref().map(Command::from),
                fifo: scripts.fifo.as_ref().into(),
                vrrp_fifo: scripts.vrrp_fifo.as_ref().into(),
                lvs_fifo: scripts.lvs_fifo.as_ref().into(),
            },
            control: control(&model.control),
        }
    }
}
