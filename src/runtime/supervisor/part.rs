//! The parts of the daemon that have a process of their own, and what is different about each.

use super::brief::Brief;
use super::verdict;
use crate::cli::Options;
use crate::model::global::process::{Child, Process};
use crate::runtime::reading::Share;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Vrrp,
    Checkers,
    Bfd,
}

impl Part {
    /// In the order in which they are started.
    pub(super) const ALL: [Self; 3] = [Self::Vrrp, Self::Checkers, Self::Bfd];

    /// As log lines say it, which tools look for.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Vrrp => "VRRP",
            Self::Checkers => "Healthcheck",
            Self::Bfd => "BFD",
        }
    }

    /// The end of its name in the log.
    pub(super) const fn ident(self) -> &'static str {
        match self {
            Self::Vrrp => "vrrp",
            Self::Checkers => "healthcheckers",
            Self::Bfd => "bfd",
        }
    }

    pub(super) const fn pid_file(self) -> &'static str {
        match self {
            Self::Vrrp => "vrrp",
            Self::Checkers => "checkers",
            Self::Bfd => "bfd",
        }
    }

    /// What the configuration says of its process.
    pub(super) const fn settings(self, process: &Process) -> &Child {
        match self {
            Self::Vrrp => &process.vrrp,
            Self::Checkers => &process.checker,
            Self::Bfd => &process.bfd,
        }
    }

    /// What the process is called where processes have names.
    pub(super) const fn process_name(self) -> &'static str {
        match self {
            Self::Vrrp => "keepalived_vrrp",
            Self::Checkers => "keepalived_ipvs",
            Self::Bfd => "keepalived_bfd",
        }
    }

    /// Whether there is something for it to do.
    pub(super) fn is_wanted(self, brief: &Brief, options: &Options) -> bool {
        match self {
            Self::Vrrp => verdict::has_vrrp(&brief.contents, options),
            Self::Checkers => verdict::has_checkers(&brief.contents, options),
            Self::Bfd => verdict::has_bfd(&brief.contents, options),
        }
    }

    /// What of a configuration is its business.
    pub(super) const fn share(self) -> Share {
        match self {
            Self::Vrrp => Share::Vrrp,
            Self::Checkers => Share::Checkers,
            Self::Bfd => Share::Bfd,
        }
    }

    /// Whether a stop gives up what it holds.
    pub(super) const fn releases(self, options: &Options) -> bool {
        match self {
            Self::Vrrp => !options.keep_addresses,
            Self::Checkers => !options.keep_services,
            // It holds nothing.
            Self::Bfd => false,
        }
    }

    /// Whether a part that crashes again and again is better without what it holds: addresses that nobody defends belong to
    /// another router, services that nobody checks still serve.
    pub(super) const fn releases_when_hopeless(self) -> bool {
        match self {
            Self::Vrrp => true,
            Self::Checkers | Self::Bfd => false,
        }
    }

    /// Whether the others stop when a start of this part can never succeed. keepalived stops for either; but VRRP is no worse
    /// for a kernel without IPVS.
    pub(super) const fn is_vital(self) -> bool {
        match self {
            Self::Vrrp => true,
            Self::Checkers | Self::Bfd => false,
        }
    }
}
