//! What processes take.

use std::path::Path;
use std::time::Duration;

/// A process and all that descend from it.
pub(crate) fn family(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            Some((pid, stat(pid, 1)?.try_into().ok()?))
        })
        .collect();
    let mut all = vec![root];
    let mut next = 0;
    while let Some(parent) = all.get(next).copied() {
        all.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    all
}

/// A number of /proc/PID/stat, counted from the state, which follows the name.
fn stat(pid: u32, field: usize) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    text.rsplit_once(')')?.1.split_whitespace().nth(field)?.parse().ok()
}

/// User and system time of these, to the tick.
pub(crate) fn cpu(pids: &[u32]) -> Duration {
    let per_second = nix::unistd::sysconf(nix::unistd::SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100);
    let ticks: u64 = pids.iter().filter_map(|pid| Some(stat(*pid, 11)? + stat(*pid, 12)?)).sum();
    Duration::from_micros(ticks * 1_000_000 / u64::try_from(per_second).unwrap_or(100))
}

/// KiB of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// What is shared counts by its share.
    pub(crate) proportional: u64,
    pub(crate) resident: u64,
}

pub(crate) fn memory(pids: &[u32]) -> Memory {
    let mut sum = Memory::default();
    for pid in pids {
        let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let of = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key));
            line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0)
        };
        sum.proportional += of("Pss:");
        sum.resident += of("Rss:");
    }
    sum
}

pub(crate) fn descriptors(pids: &[u32]) -> usize {
    pids.iter().map(|pid| std::fs::read_dir(Path::new("/proc").join(pid.to_string()).join("fd")).map_or(0, Iterator::count)).sum()
}

/// Whether a process is there, and is not only waiting to be buried.
pub(crate) fn alive(pid: u32) -> bool {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    text.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}
