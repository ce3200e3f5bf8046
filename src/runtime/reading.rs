//! The configuration, read on this machine, and kept in a file in memory for other processes: what it means, part by part,
//! and what it was read from, for a program that has other bytes for the same meaning.

use super::bytes::{Reader, Writer};
use super::files::{Answers, FileSystem, Recorder, Replay};
use super::host::System;
use super::host::record::{Facts, Noted};
use super::log;
use crate::cli;
use crate::config::host::Host;
use crate::config::reader::Checks;
use crate::config::source::Files;
use crate::config::{self, Loaded, dump};
use crate::model::Model;
use crate::model::code::Code;
use crate::model::global::process::Process;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
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
    }
}

/// Reads the configuration that the options name.
pub fn read(options: &cli::Options) -> Loaded {
    read_with(&FileSystem, &question(options))
}

pub fn read_with(files: &dyn Files, question: &config::Options) -> Loaded {
    config::load(files, &System::default(), question)
}

/// A file without a name for [`Recorded::write`]: in memory, or in the folder where somebody wants to have it.
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

/// A configuration with everything that it came of: the files, and what the machine had to say.
#[derive(Debug)]
pub struct Recorded {
    pub loaded: Loaded,
    question: config::Options,
    answers: Answers,
    facts: Facts,
}

pub fn record(question: &config::Options) -> Recorded {
    let (files, host) = (Recorder::new(FileSystem), Noted::new(System::default()));
    let loaded = config::load(&files, &host, question);
    Recorded { loaded, question: question.clone(), answers: files.into_answers(), facts: host.into_facts() }
}

/// The parts of what is kept, in their order.
const PARTS: usize = 7;
const SHARED: usize = 0;
const BFD: usize = 1;
const TRACKED: usize = 2;
const VRRP: usize = 3;
const LVS: usize = 4;
const RECORD: usize = 5;
/// What the files held.
const CONTENTS: usize = 6;
/// Before them are their lengths.
const HEAD: usize = PARTS * size_of::<u64>();

impl Recorded {
    /// Writes all of it into a file that [`memory`] has made.
    pub fn write(&self, memory: &mut File) -> io::Result<()> {
        let Model { global, statics, tracked, vrrp, lvs, bfd } = &self.loaded.model;
        let mut parts: [Vec<u8>; PARTS] = Default::default();
        global.put(&mut parts[SHARED]);
        bfd.put(&mut parts[BFD]);
        tracked.put(&mut parts[TRACKED]);
        statics.put(&mut parts[VRRP]);
        vrrp.put(&mut parts[VRRP]);
        lvs.put(&mut parts[LVS]);
        parts[RECORD] = encode(&self.question, &self.answers, &self.facts);
        let mut lengths = parts.each_ref().map(Vec::len);
        lengths[CONTENTS] = self.answers.contents().map(<[u8]>::len).sum();
        let head = lengths.iter().flat_map(|length| u64::try_from(*length).unwrap_or(u64::MAX).to_le_bytes());
        memory.write_all(&head.collect::<Vec<u8>>())?;
        parts.iter().map(Vec::as_slice).chain(self.answers.contents()).try_for_each(|part| memory.write_all(part))
    }
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
    /// Of a file that [`Recorded::write`] has filled.
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

    /// Whether both mean the same to somebody.
    pub fn means_as(&self, other: &Self, share: Share) -> io::Result<bool> {
        for &part in share.parts() {
            if self.place(part)?.1 != other.place(part)?.1 || self.part(part)? != other.part(part)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads it again from what it was read from, and asks nobody else about it.
    pub fn replay(&self) -> io::Result<Loaded> {
        let (question, answers, facts) = decode(&self.part(RECORD)?, &self.part(CONTENTS)?).ok_or_else(unknown)?;
        Ok(config::load(&Replay(answers), &facts, &question))
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
        // On a disk there is no such thing, and nobody but our processes has it open.
        Ok(_) | Err(Errno::EINVAL) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn encode(question: &config::Options, answers: &Answers, facts: &Facts) -> Vec<u8> {
    let config::Options { pattern, config_id, include_check, random_seed, environment, directory, namespace } = question;
    let mut out = Writer::default();
    out.bytes(pattern.as_os_str().as_bytes());
    out.bytes(config_id.as_bytes());
    let Checks { read, matched, wildcard, braces } = *include_check;
    for check in [read, matched, wildcard, braces] {
        out.byte(check.into());
    }
    out.number(*random_seed);
    out.number(u64::try_from(environment.len()).unwrap_or(u64::MAX));
    for (name, value) in environment {
        out.bytes(name.as_bytes());
        out.bytes(value.as_bytes());
    }
    out.bytes(directory.as_os_str().as_bytes());
    out.byte(namespace.is_some().into());
    out.bytes(namespace.as_deref().unwrap_or_default().as_bytes());
    answers.encode(&mut out);
    facts.encode(&mut out);
    out.0
}

fn decode(bytes: &[u8], contents: &[u8]) -> Option<(config::Options, Answers, Facts)> {
    let (mut input, mut contents) = (Reader(bytes), Reader(contents));
    let path = |bytes: &[u8]| Path::new(OsStr::from_bytes(bytes)).to_owned();
    let pattern = path(input.bytes()?);
    let config_id = input.text()?.to_owned();
    let [read, matched, wildcard, braces] = input.array::<4>()?.map(|byte| byte != 0);
    let random_seed = input.number()?;
    let mut environment = HashMap::new();
    for _ in 0..input.number()? {
        environment.insert(input.text()?.to_owned(), input.text()?.to_owned());
    }
    let directory = path(input.bytes()?);
    let named = input.byte()? != 0;
    let namespace = input.text()?.to_owned();
    let answers = Answers::decode(&mut input, &mut contents)?;
    let facts = Facts::decode(&mut input)?;
    let question = config::Options {
        pattern,
        config_id,
        include_check: Checks { read, matched, wildcard, braces },
        random_seed,
        environment,
        directory,
        namespace: named.then_some(namespace),
    };
    (input.is_empty() && contents.is_empty()).then_some((question, answers, facts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn another_process_reads_the_same_whatever_has_become_of_the_files() {
        let root = std::env::temp_dir().join(format!("standfast-reading-{}", std::process::id()));
        fs::create_dir_all(&root).expect("a directory");
        let text = "vrrp_instance A {\ninterface lo\nvirtual_router_id ${_ENV ID}\nvirtual_ipaddress {\n10.0.0.1\n}\ninclude more*\n}\n";
        fs::write(root.join("k.conf"), text).expect("a file");
        fs::write(root.join("more1"), "priority ~SEQ\npriority 77\n").expect("a file");
        let question = config::Options {
            pattern: "k.conf".into(),
            config_id: "x".into(),
            include_check: Checks { matched: true, ..Checks::default() },
            random_seed: 9,
            environment: HashMap::from([("ID".to_owned(), "51".to_owned())]),
            directory: root.clone(),
            namespace: None,
        };
        // The pattern is relative to the directory of the process.
        let question = config::Options { pattern: root.join("k.conf"), ..question };
        let loaded = read_with(&FileSystem, &question);
        let keep = |folder| {
            let mut file = memory(folder).expect("a file without a name");
            record(&question).write(&mut file).expect("written");
            Kept::new(file).expect("sealed")
        };
        let (kept, on_disk) = (keep(None), keep(Some(&root)));
        assert!((&*kept.0).write_all(b"more").is_err());
        fs::remove_dir_all(&root).expect("removed");
        assert_eq!(loaded.model.vrrp.instances.len(), 1, "{:?}", loaded.problems);
        let again = kept.replay().expect("a configuration");
        assert_eq!(again.model, loaded.model);
        assert_eq!(on_disk.replay().expect("a configuration").model, loaded.model);
        let told = |loaded: &Loaded| loaded.problems.iter().cloned().collect::<Vec<_>>();
        assert_eq!(told(&again), told(&loaded));
        assert_eq!(kept.model(Share::All).expect("a configuration"), loaded.model);
        assert!(kept.means_as(&on_disk, Share::All).expect("both are read"));
        let bytes = encode(&question, &Answers::default(), &Facts::default());
        assert!((0..bytes.len()).all(|length| decode(&bytes[..length], &[]).is_none()));
        assert_eq!(decode(&bytes, &[]).map(|(question, ..)| format!("{question:?}")), Some(format!("{question:?}")));
    }

    fn kept(text: &str) -> Kept {
        struct One<'a>(&'a str);
        impl Files for One<'_> {
            fn read(&self, _: &Path) -> Result<Vec<u8>, crate::config::source::Refusal> {
                Ok(self.0.as_bytes().to_vec())
            }
            fn list(&self, _: &Path) -> Vec<String> {
                Vec::new()
            }
            fn exists(&self, _: &Path) -> bool {
                true
            }
        }
        let question = config::Options { pattern: "/k".into(), ..config::Options::default() };
        let loaded = config::load(&One(text), &crate::config::host::Stated::with(&["e0"]), &question);
        let (answers, facts) = (Answers::default(), Facts::default());
        let mut file = memory(None).expect("a memory file");
        Recorded { loaded, question, answers, facts }.write(&mut file).expect("written");
        Kept::new(file).expect("sealed")
    }

    const ROUTER: &str = "vrrp_instance A {\ninterface e0\nvirtual_router_id 1\nvirtual_ipaddress {\n10.0.0.1\n}\n}\n";
    const SERVER: &str = "virtual_server 10.0.0.1 80 {\nreal_server 10.0.0.2 80 {\n}\n}\n";

    #[test]
    fn everybody_reads_his_share_and_knows_whether_it_has_changed() {
        let both = kept(&format!("{ROUTER}{SERVER}"));
        let model = |share| both.model(share).expect("a configuration");
        let count = |model: Model| (model.vrrp.instances.len(), model.lvs.virtual_servers.len());
        assert_eq!(
            [Share::All, Share::Vrrp, Share::Checkers, Share::Bfd].map(|share| count(model(share))),
            [(1, 1), (1, 0), (0, 1), (0, 0)]
        );
        let weight = kept(&format!("{ROUTER}{}", SERVER.replace("80 {\n}", "80 {\nweight 3\n}")));
        let same = |share| both.means_as(&weight, share).expect("both are read");
        assert_eq!([Share::All, Share::Vrrp, Share::Checkers, Share::Bfd].map(same), [false, true, false, true]);
    }

    #[test]
    fn what_is_cut_off_is_no_configuration() {
        let whole = kept(ROUTER);
        let length = usize::try_from(whole.0.metadata().expect("a file").len()).expect("not so long");
        let mut bytes = vec![0; length];
        whole.0.read_exact_at(&mut bytes, 0).expect("read");
        for end in [0, 1, HEAD - 1, HEAD, HEAD + 1, length - 1] {
            let mut file = memory(None).expect("a memory file");
            file.write_all(&bytes[..end]).expect("written");
            let cut = Kept::new(file).expect("sealed");
            assert!(cut.model(Share::All).is_err() || cut.replay().is_err(), "{end} of {length}");
        }
    }
}
