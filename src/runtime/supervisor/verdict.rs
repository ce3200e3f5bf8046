//! Whether a configuration can be run, and whether a running daemon goes over to it. Pure.

use super::brief::{Brief, Contents};
use crate::cli::Options;
use crate::config::Loaded;
use crate::config::diagnostic::Class;

pub(super) const CONFIG: u8 = 2;
const NO_CONFIG: u8 = 6;

/// Why the daemon does not start, and with which of keepalived's exit statuses it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unusable {
    pub(super) status: u8,
    pub(super) reason: String,
}

/// Whether there is something for a VRRP process to do.
pub(super) fn has_vrrp(contents: &Contents, options: &Options) -> bool {
    !options.no_vrrp && (options.all_parts || contents.instances > 0 || contents.statics)
}

/// Whether there is something for a checker process to do.
pub(super) fn has_checkers(contents: &Contents, options: &Options) -> bool {
    !options.no_checkers && (options.all_parts || contents.virtual_servers > 0)
}

/// Whether there is something for a BFD process to do.
pub(super) fn has_bfd(contents: &Contents, options: &Options) -> bool {
    !options.no_bfd && (options.all_parts || contents.sessions > 0)
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

/// Why a running daemon stays with what it has. `new` is what there is to know of the configuration that was `loaded`. Forced,
/// it goes over to one that leaves nothing of what there is.
pub(super) fn refusal(old: &Brief, new: &Brief, loaded: &Loaded, options: &Options, force: bool) -> Option<String> {
    if let Some(unusable) = unusable(loaded, options) {
        return Some(unusable.reason);
    }
    if let Some(block) = loaded.problems.cut_off() {
        return Some(format!("it ends within a block ({block}): it may have been cut off"));
    }
    if let Some(text) = new.unread.iter().find(|text| !old.unread.contains(text)) {
        return Some(text.to_string());
    }
    if let Some(setting) = fixed(old, new) {
        return Some(format!("{setting} cannot be changed while running"));
    }
    if !force && let Some(object) = nothing_left(&old.contents, &new.contents, options) {
        return Some(format!("it has no {object} left; to give up all of them, force it or stop the daemon"));
    }
    let check = old.process.reload.check.as_ref().or(new.process.reload.check.as_ref());
    if let Some(log) = check
        && loaded.problems.exit_status() != 0
    {
        return Some(format!("New config failed validation, see {}", log.display()));
    }
    None
}

/// What is decided once, by its keyword, and differs.
fn fixed(old: &Brief, new: &Brief) -> Option<&'static str> {
    let (before, after) = (&old.process, &new.process);
    let differing = [
        ("net_namespace", before.net_namespace != after.net_namespace),
        ("net_namespace_ipvs", before.ipvs_namespace != after.ipvs_namespace),
        ("instance", before.instance != after.instance),
        ("tmp_config_directory", before.tmp_config_directory != after.tmp_config_directory),
        ("nftables_ipvs", old.fixed.nftables_ipvs != new.fixed.nftables_ipvs),
        ("disable_local_igmp", old.fixed.disable_local_igmp != new.fixed.disable_local_igmp),
    ];
    differing.into_iter().find_map(|(keyword, differs)| differs.then_some(keyword))
}

fn nothing_left(old: &Contents, new: &Contents, options: &Options) -> Option<&'static str> {
    if !options.no_vrrp && old.instances > 0 && new.instances == 0 {
        return Some("vrrp_instance");
    }
    let services = !options.no_checkers && old.virtual_servers > 0 && new.virtual_servers == 0;
    services.then_some("virtual_server")
}

#[cfg(test)]
mod tests;
