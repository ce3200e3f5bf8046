//! Whether a configuration can be run, and whether a running daemon goes over to it. Pure.

use crate::cli::Options;
use crate::config::Loaded;
use crate::config::diagnostic::Class;
use crate::model::Model;

pub(super) const CONFIG: u8 = 2;
const NO_CONFIG: u8 = 6;

/// Why the daemon does not start, and with which of keepalived's exit statuses it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unusable {
    pub(super) status: u8,
    pub(super) reason: String,
}

/// Whether there is something for a VRRP process to do.
pub(super) fn has_vrrp(model: &Model, options: &Options) -> bool {
    !options.no_vrrp && (options.all_parts || !model.vrrp.instances.is_empty() || model.statics != Default::default())
}

/// Whether there is something for a checker process to do.
pub(super) fn has_checkers(model: &Model, options: &Options) -> bool {
    !options.no_checkers && (options.all_parts || !model.lvs.virtual_servers.is_empty())
}

/// Whether there is something for a BFD process to do.
pub(super) fn has_bfd(model: &Model, options: &Options) -> bool {
    !options.no_bfd && (options.all_parts || !model.bfd.is_empty())
}

pub(super) fn unusable(loaded: &Loaded, options: &Options) -> Option<Unusable> {
    if loaded.sources.is_empty() {
        let text = loaded.problems.iter().next().map_or("no configuration file", |problem| &problem.text);
        return Some(Unusable { status: NO_CONFIG, reason: text.to_owned() });
    }
    // keepalived stops at the first of these in this order.
    let grave = [
        (Class::Include, NO_CONFIG),
        (Class::MissingParameter, CONFIG),
        (Class::Namespace, 0),
        // These are the VRRP process's to find out.
        (Class::Interface, CONFIG),
        (Class::Fatal, CONFIG),
    ];
    let grave = if options.no_vrrp { &grave[..3] } else { &grave[..] };
    grave.iter().find_map(|&(class, status)| {
        let problem = loaded.problems.iter().find(|problem| problem.class == class)?;
        Some(Unusable { status, reason: problem.text.clone() })
    })
}

/// Why a running daemon stays with what it has.
pub(super) fn refusal(old: &Model, new: &Loaded, options: &Options) -> Option<String> {
    if let Some(unusable) = unusable(new, options) {
        return Some(unusable.reason);
    }
    let (before, after) = (&old.global.process, &new.model.global.process);
    if before.net_namespace != after.net_namespace {
        return Some("net_namespace cannot be changed while running".to_owned());
    }
    if before.instance != after.instance {
        return Some("instance cannot be changed while running".to_owned());
    }
    if !old.vrrp.instances.is_empty() && new.model.vrrp.instances.is_empty() {
        return Some("it has no vrrp_instance left; to give up all of them, stop the daemon".to_owned());
    }
    if !options.no_checkers && !old.lvs.virtual_servers.is_empty() && new.model.lvs.virtual_servers.is_empty() {
        return Some("it has no virtual_server left; to give up all of them, stop the daemon".to_owned());
    }
    if let Some(log) = &after.reload.check
        && new.problems.exit_status() != 0
    {
        return Some(format!("New config failed validation, see {}", log.display()));
    }
    None
}

#[cfg(test)]
mod tests;
