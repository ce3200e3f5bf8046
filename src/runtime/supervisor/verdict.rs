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

/// The files that a configuration names and that could not be read. keepalived goes on without them.
pub(super) fn unread(loaded: &Loaded) -> Vec<Box<str>> {
    let problems = loaded.problems.iter().filter(|problem| problem.class == Class::File);
    problems.map(|problem| problem.text.as_str().into()).collect()
}

/// Why a running daemon stays with what it has. `unread` is what was missing when that was read. Forced, it goes over to a
/// configuration that leaves nothing of what there is.
pub(super) fn refusal(old: &Model, unread: &[Box<str>], new: &Loaded, options: &Options, force: bool) -> Option<String> {
    if let Some(unusable) = unusable(new, options) {
        return Some(unusable.reason);
    }
    if let Some(block) = new.problems.cut_off() {
        return Some(format!("it ends within a block ({block}): it may have been cut off"));
    }
    if let Some(text) = self::unread(new).into_iter().find(|text| !unread.contains(text)) {
        return Some(text.into());
    }
    if let Some(setting) = fixed(old, &new.model) {
        return Some(format!("{setting} cannot be changed while running"));
    }
    if !force && let Some(object) = nothing_left(old, &new.model, options) {
        return Some(format!("it has no {object} left; to give up all of them, force it or stop the daemon"));
    }
    let check = old.global.process.reload.check.as_ref().or(new.model.global.process.reload.check.as_ref());
    if let Some(log) = check
        && new.problems.exit_status() != 0
    {
        return Some(format!("New config failed validation, see {}", log.display()));
    }
    None
}

/// What is decided once, by its keyword, and differs.
fn fixed(old: &Model, new: &Model) -> Option<&'static str> {
    let (before, after) = (&old.global, &new.global);
    let differing = [
        ("net_namespace", before.process.net_namespace != after.process.net_namespace),
        ("net_namespace_ipvs", before.process.ipvs_namespace != after.process.ipvs_namespace),
        ("instance", before.process.instance != after.process.instance),
        ("tmp_config_directory", before.process.tmp_config_directory != after.process.tmp_config_directory),
        ("nftables_ipvs", before.lvs.nftables != after.lvs.nftables),
        ("disable_local_igmp", before.vrrp.disable_local_igmp != after.vrrp.disable_local_igmp),
    ];
    differing.into_iter().find_map(|(keyword, differs)| differs.then_some(keyword))
}

fn nothing_left(old: &Model, new: &Model, options: &Options) -> Option<&'static str> {
    if !options.no_vrrp && !old.vrrp.instances.is_empty() && new.vrrp.instances.is_empty() {
        return Some("vrrp_instance");
    }
    let services = !options.no_checkers && !old.lvs.virtual_servers.is_empty() && new.lvs.virtual_servers.is_empty();
    services.then_some("virtual_server")
}

#[cfg(test)]
mod tests;
