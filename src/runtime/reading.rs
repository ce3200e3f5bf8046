//! The configuration, read on this machine, and kept in a file in memory for other processes: what it means, part by part.

use super::files::FileSystem;
use super::host::System;
use super::log;
use crate::cli;
use crate::config::host::Host;
use crate::config::reader::Checks;
use crate::config::source::Files;
use crate::config::{self, Loaded, dump};
use crate::model::Model;
use crate::model::code::Code;
use crate::model::diff::{Plan, diff_beside};
use crate::model::global::process::Process;
use crate::model::lvs::Lvs;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

const DEFAULT_FILE: &str = "/etc/keepalived/keepalived.conf";

/// What reading depends on besides the files, on this machine and now.
pub fn question(options: &cli::Options) -> config::Options {
    config::Options {
        pattern: options.file.clone().unwrap_or_else(|| DEFAULT_FILE.into()),
        config_id: options.config_id.clone().unwrap_or_else(|| {
            let name = System::default().name();
            name.split('.').next().unwrap_or_default().to_owned()
        }),
        include_check: if options.all_config { Checks::ALL } else { Checks::default() },
        random_seed: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()),
        environment: std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect(),
        directory: std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/")),
        namespace: options.namespace.clone(),
        snmp: options.snmp,
        snmp_socket: options.snmp_socket.clone(),
    }
}

/// Reads the configuration that the options name.
pub fn read(options: &cli::Options) -> Loaded {
    read_with(&FileSystem, &question(options))
}

pub fn read_with(files: &dyn Files, question: &config::Options) -> Loaded {
    config::load(files, &System::default(), question)
}

/// A file without a name for [`keep`]: in memory, or in the folder where somebody wants to have it.
pub fn memory(folder: Option<&Path>) -> io::Result<File> {
    if let Some(folder) = folder {
        return OpenOptions::new().read(true).write(true).mode(0o600).custom_flags(libc::O_TMPFILE).open(folder);
    }
    Ok(File::from(memfd_create("configuration", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?))
}

/// Such a file where this configuration wants to have it.
pub fn memory_of(process: &Process) -> io::Result<File> {
    memory(process.tmp_config_directory.as_deref()).or_else(|error| {
        log::warning(&format!("tmp_config_directory cannot be used: {error}"));
        memory(None)
    })
}

/// The parts of what is kept, in their order.
const PARTS: usize = 5;
const SHARED: usize = 0;
const BFD: usize = 1;
const TRACKED: usize = 2;
const VRRP: usize = 3;
const LVS: usize = 4;
/// What is compared at a time.
const PIECE: usize = 16 << 10;
/// Before them are their lengths.
const HEAD: usize = PARTS * size_of::<u64>();

/// Writes what a configuration means into a file that [`memory`] has made.
pub fn keep(model: &Model, memory: &mut File) -> io::Result<()> {
    let Model { global, statics, tracked, vrrp, lvs, bfd } = model;
    let mut parts: [Vec<u8>; PARTS] = Default::default();
    global.put(&mut parts[SHARED]);
    bfd.put(&mut parts[BFD]);
    tracked.put(&mut parts[TRACKED]);
    statics.put(&mut parts[VRRP]);
    vrrp.put(&mut parts[VRRP]);
    lvs.put(&mut parts[LVS]);
    let head = parts.iter().flat_map(|part| u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
    memory.write_all(&head.collect::<Vec<u8>>())?;
    parts.iter().try_for_each(|part| memory.write_all(part))
}

/// Who wants to know what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    All,
    Vrrp,
    Checkers,
    Bfd,
}

impl Share {
    const fn parts(self) -> &'static [usize] {
        match self {
            Self::All => &[SHARED, BFD, TRACKED, VRRP, LVS],
            Self::Vrrp => &[SHARED, BFD, TRACKED, VRRP],
            Self::Checkers => &[SHARED, BFD, TRACKED, LVS],
            Self::Bfd => &[SHARED, BFD],
        }
    }
}

/// A configuration that is kept. Nobody changes it any more.
#[derive(Clone, Debug)]
pub struct Kept(Arc<File>);

impl Kept {
    /// Of a file that [`keep`] has filled.
    pub fn new(memory: File) -> io::Result<Self> {
        seal(&memory)?;
        Ok(Self(Arc::new(memory)))
    }

    /// From another process of ours.
    pub fn received(memory: OwnedFd) -> Self {
        Self(Arc::new(memory.into()))
    }

    /// For another process of ours.
    pub fn share(&self) -> io::Result<OwnedFd> {
        self.0.as_fd().try_clone_to_owned()
    }

    /// Whether that is the very same file.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// What it means; what is not asked for is left empty.
    pub fn model(&self, share: Share) -> io::Result<Model> {
        let wanted = share.parts();
        let mut model = Model::default();
        for &part in wanted {
            let bytes = self.part(part)?;
            decode_part(part, &bytes, &mut model).ok_or_else(unknown)?;
        }
        Ok(model)
    }

    /// What there is to change on the way to another configuration.
    pub fn plan(&self, new: &Model) -> io::Result<Plan> {
        let (mut old, mut same) = (Model::default(), Box::default());
        for &part in Share::All.parts() {
            let bytes = self.part(part)?;
            if part == LVS {
                let input = &mut &*bytes;
                (old.lvs, same) = Lvs::get_beside(&new.lvs, input).filter(|_| input.is_empty()).ok_or_else(unknown)?;
            } else {
                decode_part(part, &bytes, &mut old).ok_or_else(unknown)?;
            }
        }
        Ok(diff_beside(&old, new, &same))
    }

    /// To whom of these both mean the same.
    pub fn means_as<const N: usize>(&self, other: &Self, shares: [Share; N]) -> io::Result<[bool; N]> {
        let mut same = [false; PARTS];
        for (part, same) in same.iter_mut().enumerate() {
            let ((mine, length), (theirs, other_length)) = (self.place(part)?, other.place(part)?);
            *same = length == other_length && self.is_as(mine, other, theirs, length)?;
        }
        Ok(shares.map(|share| share.parts().iter().all(|&part| same.get(part) == Some(&true))))
    }

    /// Whether so many bytes are the same in both.
    fn is_as(&self, mut at: u64, other: &Self, mut there: u64, mut length: usize) -> io::Result<bool> {
        let (mut mine, mut theirs) = ([0; PIECE], [0; PIECE]);
        while length > 0 {
            let piece = length.min(PIECE);
            let (Some(mine), Some(theirs)) = (mine.get_mut(..piece), theirs.get_mut(..piece)) else { return Err(unknown()) };
            self.0.read_exact_at(mine, at)?;
            other.0.read_exact_at(theirs, there)?;
            if mine != theirs {
                return Ok(false);
            }
            let step = u64::try_from(piece).map_err(io::Error::other)?;
            (at, there, length) = (at + step, there + step, length - piece);
        }
        Ok(true)
    }

    /// Where a part begins, and its length.
    fn place(&self, part: usize) -> io::Result<(u64, usize)> {
        let mut head = [0; HEAD];
        self.0.read_exact_at(&mut head, 0)?;
        let mut at = u64::try_from(HEAD).map_err(io::Error::other)?;
        let (lengths, _) = head.as_chunks::<8>();
        for length in lengths.iter().take(part) {
            at = at.checked_add(u64::from_le_bytes(*length)).ok_or_else(unknown)?;
        }
        let length = lengths.get(part).map(|length| u64::from_le_bytes(*length)).ok_or_else(unknown)?;
        if at.checked_add(length).is_none_or(|end| self.0.metadata().map_or(true, |found| end > found.len())) {
            return Err(unknown());
        }
        Ok((at, usize::try_from(length).map_err(io::Error::other)?))
    }

    fn part(&self, part: usize) -> io::Result<Vec<u8>> {
        let (at, length) = self.place(part)?;
        let mut bytes = vec![0; length];
        self.0.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }
}

fn unknown() -> io::Error {
    io::Error::other("this is no configuration that was kept")
}

/// Nothing, if something is left.
fn decode_part(part: usize, mut bytes: &[u8], model: &mut Model) -> Option<()> {
    let input = &mut bytes;
    match part {
        SHARED => model.global = Code::get(input)?,
        BFD => model.bfd = Code::get(input)?,
        TRACKED => model.tracked = Code::get(input)?,
        VRRP => (model.statics, model.vrrp) = (Code::get(input)?, Code::get(input)?),
        _ => model.lvs = Code::get(input)?,
    }
    input.is_empty().then_some(())
}

/// Keeps the configuration as it was understood, where somebody wants to look it up later.
pub fn save(loaded: &Loaded, path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(path)?;
    file.write_all(dump::dump(&loaded.model).as_bytes())
}

/// From here on nobody changes it any more.
fn seal(memory: &File) -> io::Result<()> {
    let seals = SealFlag::F_SEAL_SEAL | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_WRITE;
    match fcntl(memory, FcntlArg::F_ADD_SEALS(seals)) {
        // In a folder there is no such thing, and nobody but our processes has it open.
        Ok(_) | Err(Errno::EINVAL | Errno::EPERM) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::diff::diff;
    use std::fs;

    fn model(text: &str) -> Model {
        let (model, problems) = crate::config::testing::load(text, &crate::config::host::Stated::with(&["e0"]));
        assert!(problems.is_empty(), "{problems:?}");
        model
    }

    fn kept(text: &str, folder: Option<&Path>) -> Kept {
        let mut file = memory(folder).expect("a file without a name");
        keep(&model(text), &mut file).expect("written");
        Kept::new(file).expect("sealed, where there is something to seal")
    }

    const ROUTER: &str = "vrrp_instance A {\ninterface e0\nvirtual_router_id 1\nvirtual_ipaddress {\n10.0.0.1\n}\n}\n";
    const SERVER: &str = "virtual_server 10.0.0.1 80 {\nprotocol TCP\nlvs_sched rr\nlvs_method NAT\nreal_server 10.0.0.2 80 {\n}\n}\n";

    #[test]
    fn everybody_reads_his_share_and_knows_whether_it_has_changed() {
        let both = kept(&format!("{ROUTER}{SERVER}"), None);
        let share_of = |share| both.model(share).expect("a configuration");
        let count = |model: Model| (model.vrrp.instances.len(), model.lvs.virtual_servers.len());
        assert_eq!(
            [Share::All, Share::Vrrp, Share::Checkers, Share::Bfd].map(|share| count(share_of(share))),
            [(1, 1), (1, 0), (0, 1), (0, 0)]
        );
        let weight = kept(&format!("{ROUTER}{}", SERVER.replace("80 {\n}", "80 {\nweight 3\n}")), None);
        let shares = [Share::All, Share::Vrrp, Share::Checkers, Share::Bfd];
        assert_eq!(both.means_as(&weight, shares).expect("both are read"), [false, true, false, true]);
    }

    #[test]
    fn the_plan_does_not_depend_on_what_is_read_for_it() {
        let server = |last: u8, weight: u8| {
            SERVER.replace("10.0.0.1", &format!("10.0.0.{last}")).replace("80 {\n}", &format!("80 {{\nweight {weight}\n}}"))
        };
        let text = |servers: &[(u8, u8)]| servers.iter().map(|&(last, weight)| server(last, weight)).collect::<String>() + ROUTER;
        let old = text(&[(1, 1), (2, 1), (3, 1)]);
        for new in [
            &[(1, 1), (2, 1), (3, 1)][..],
            &[(1, 1), (2, 5), (3, 1)],
            &[(1, 1), (3, 1)],
            &[(9, 1), (1, 1), (2, 1), (3, 1)],
            &[(1, 1), (2, 1), (3, 1), (9, 1)],
            &[(3, 1), (2, 1), (1, 1)],
            &[],
        ] {
            let new = model(&text(new));
            assert_eq!(kept(&old, None).plan(&new).expect("both are read"), diff(&model(&old), &new));
        }
    }

    #[test]
    fn what_is_longer_than_a_piece_is_compared_to_its_end() {
        let with = |last: u8| {
            let server = |n: u8, host: u8| {
                let text = SERVER.replace("10.0.0.1", &format!("10.0.1.{n}"));
                text.replace("lvs_sched", &format!("virtualhost {}{host}\nlvs_sched", "h".repeat(100)))
            };
            kept(&(0..250).map(|n| server(n, if n == 249 { last } else { 0 })).collect::<String>(), None)
        };
        let (one, same, other) = (with(1), with(1), with(2));
        assert!(one.part(LVS).expect("it is there").len() > 2 * PIECE);
        assert_eq!(one.means_as(&same, [Share::Checkers, Share::Vrrp]).expect("both are read"), [true, true]);
        assert_eq!(one.means_as(&other, [Share::Checkers, Share::Vrrp]).expect("both are read"), [false, true]);
    }

    #[test]
    fn nobody_changes_it_in_memory_and_on_a_disk_it_is_the_same() {
        let text = format!("{ROUTER}{SERVER}");
        let (here, there) = (kept(&text, None), kept(&text, Some(&std::env::temp_dir())));
        assert!((&*here.0).write_all(b"more").is_err());
        assert_eq!(here.model(Share::All).expect("a configuration"), model(&text));
        assert_eq!(here.means_as(&there, [Share::All]).expect("both are read"), [true]);
    }

    #[test]
    fn what_is_cut_off_is_no_configuration() {
        let whole = kept(ROUTER, None);
        let length = usize::try_from(whole.0.metadata().expect("a file").len()).expect("not so long");
        let mut bytes = vec![0; length];
        whole.0.read_exact_at(&mut bytes, 0).expect("read");
        for end in [0, 1, HEAD - 1, HEAD, HEAD + 1, length - 1] {
            let mut file = memory(None).expect("a memory file");
            file.write_all(&bytes[..end]).expect("written");
            let cut = Kept::new(file).expect("sealed");
            assert!(cut.model(Share::All).is_err(), "{end} of {length}");
        }
    }
    #[test]
    fn the_command_line_turns_snmp_on() {
        let path = std::env::temp_dir().join(format!("standfast-reading-{}", std::process::id()));
        fs::write(&path, "global_defs {\nsnmp_socket unix:/elsewhere\n}\n").expect("a file");
        let plain = cli::Options { file: Some(path.clone()), ..cli::Options::default() };
        let all = cli::Options { snmp: true, snmp_socket: Some("udp:localhost:705".to_owned()), ..plain.clone() };
        for (options, want) in
            [(plain, (false, false, false, Some("unix:/elsewhere"))), (all, (true, true, false, Some("udp:localhost:705")))]
        {
            let snmp = read(&options).model.global.snmp;
            assert_eq!((snmp.vrrp, snmp.checker, snmp.traps, snmp.socket.as_deref()), want);
        }
        fs::remove_file(&path).expect("removed");
    }
}
