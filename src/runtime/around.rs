//! What a process leaves of itself before and after each of its reloads, where `config_save_dir` says so.

use super::dump::Dump;
use crate::model::global::process::Process;
use std::path::PathBuf;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    Before,
    After,
}

/// The reloads of one process, in numbers.
#[derive(Debug, Default)]
pub(super) struct Reloads(u64);

impl Reloads {
    /// Where the state goes, if it is to be kept. A reload begins with the moment before it.
    pub(super) fn path(&mut self, moment: Moment, dump: Dump, process: &Process) -> Option<PathBuf> {
        let when = match moment {
            Moment::Before => {
                self.0 += 1;
                "pre"
            }
            Moment::After => "post",
        };
        let who = match dump {
            Dump::Vrrp => "vrrp",
            Dump::Checker => "check",
            Dump::Bfd => "bfd",
            Dump::Parent | Dump::Stats | Dump::Json => return None,
        };
        let folder = process.config_save_dir.as_deref()?;
        Some(folder.join(format!("keepalived_{who}.{}.{}.{when}", std::process::id(), self.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reloads_are_counted_whether_or_not_anything_is_kept_of_them() {
        let mut reloads = Reloads::default();
        let none = Process::default();
        let some = Process { config_save_dir: Some("/d".into()), ..Process::default() };
        assert_eq!(reloads.path(Moment::Before, Dump::Vrrp, &none), None);
        let name =
            |who: &str, number: u64, when: &str| Some(PathBuf::from(format!("/d/keepalived_{who}.{}.{number}.{when}", std::process::id())));
        assert_eq!(reloads.path(Moment::After, Dump::Vrrp, &some), name("vrrp", 1, "post"));
        assert_eq!(reloads.path(Moment::Before, Dump::Checker, &some), name("check", 2, "pre"));
        assert_eq!(reloads.path(Moment::After, Dump::Bfd, &some), name("bfd", 2, "post"));
        assert_eq!(reloads.path(Moment::After, Dump::Json, &some), None);
    }
}
