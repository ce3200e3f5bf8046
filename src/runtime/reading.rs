//! The configuration, read on this machine; and read again, by another process, from the very same bytes.

use super::bytes::{Reader, Writer};
use super::files::{Answers, FileSystem, Recorder, Replay};
use super::host::System;
use super::host::record::{Facts, Noted};
use crate::cli;
use crate::config::host::Host;
use crate::config::reader::Checks;
use crate::config::source::Files;
use crate::config::{self, Loaded, dump};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
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

/// A file without a name for [`record`]: in memory, or in the folder where somebody wants to have it.
pub fn memory(folder: Option<&Path>) -> io::Result<File> {
    if let Some(folder) = folder {
        return OpenOptions::new().read(true).write(true).mode(0o600).custom_flags(libc::O_TMPFILE).open(folder);
    }
    Ok(File::from(memfd_create("configuration", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?))
}

/// Reads, and leaves in the memory file all that [`replay`] needs: the files, and what the machine had to say. Whoever replays
/// it comes to the same as is returned.
pub fn record(question: &config::Options, memory: &mut File) -> io::Result<Loaded> {
    let (files, host) = (Recorder::new(FileSystem), Noted::new(System::default()));
    let loaded = config::load(&files, &host, question);
    memory.write_all(&encode(question, &files.into_answers(), &host.into_facts()))?;
    Ok(loaded)
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
pub fn seal(memory: &File) -> io::Result<()> {
    let seals = SealFlag::F_SEAL_SEAL | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_WRITE;
    match fcntl(memory, FcntlArg::F_ADD_SEALS(seals)) {
        // On a disk there is no such thing, and nobody but our processes has it open.
        Ok(_) | Err(Errno::EINVAL) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Reads a configuration again that another process has read, and asks nobody else about it. It takes a second for a million
/// lines: a process that sends adverts does it in a thread of its own.
pub fn replay(memory: impl Into<File>) -> io::Result<Loaded> {
    let file = memory.into();
    let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0)?;
    let (question, answers, facts) = decode(&bytes).ok_or_else(|| io::Error::other("this is no recorded configuration"))?;
    drop(bytes);
    Ok(config::load(&Replay(answers), &facts, &question))
}

fn encode(question: &config::Options, answers: &Answers, facts: &Facts) -> Vec<u8> {
    let config::Options { pattern, config_id, include_check, random_seed, environment, directory, namespace, snmp, snmp_socket } = question;
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
    for option in [namespace, snmp_socket] {
        out.byte(option.is_some().into());
        out.bytes(option.as_deref().unwrap_or_default().as_bytes());
    }
    out.byte((*snmp).into());
    answers.encode(&mut out);
    facts.encode(&mut out);
    out.0
}

fn decode(bytes: &[u8]) -> Option<(config::Options, Answers, Facts)> {
    let mut input = Reader(bytes);
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
    let option = |input: &mut Reader<'_>| {
        let named = input.byte()? != 0;
        let text = input.text()?.to_owned();
        Some(named.then_some(text))
    };
    let (namespace, snmp_socket) = (option(&mut input)?, option(&mut input)?);
    let snmp = input.byte()? != 0;
    let answers = Answers::decode(&mut input)?;
    let facts = Facts::decode(&mut input)?;
    let question = config::Options {
        pattern,
        config_id,
        include_check: Checks { read, matched, wildcard, braces },
        random_seed,
        environment,
        directory,
        namespace,
        snmp,
        snmp_socket,
    };
    input.is_empty().then_some((question, answers, facts))
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
            snmp: true,
            snmp_socket: Some("udp:localhost:705".to_owned()),
        };
        // The pattern is relative to the directory of the process.
        let question = config::Options { pattern: root.join("k.conf"), ..question };
        let loaded = read_with(&FileSystem, &question);
        let mut file = memory(None).expect("a memory file");
        record(&question, &mut file).expect("written");
        seal(&file).expect("sealed");
        assert!(file.write_all(b"more").is_err());
        let mut on_disk = memory(Some(&root)).expect("a file without a name");
        record(&question, &mut on_disk).expect("written");
        seal(&on_disk).expect("nothing to seal");
        fs::remove_dir_all(&root).expect("removed");
        assert_eq!(loaded.model.vrrp.instances.len(), 1, "{:?}", loaded.problems);
        let again = replay(file).expect("a configuration");
        let snmp = &again.model.global.snmp;
        assert_eq!((snmp.vrrp, snmp.checker, snmp.traps, snmp.socket.as_deref()), (true, true, false, Some("udp:localhost:705")));
        assert_eq!(again.model, loaded.model);
        assert_eq!(replay(on_disk).expect("a configuration").model, loaded.model);
        let told = |loaded: &Loaded| loaded.problems.iter().cloned().collect::<Vec<_>>();
        assert_eq!(told(&again), told(&loaded));
        let bytes = encode(&question, &Answers::default(), &Facts::default());
        assert!((0..bytes.len()).all(|length| decode(&bytes[..length]).is_none()));
        assert_eq!(decode(&bytes).map(|(question, ..)| format!("{question:?}")), Some(format!("{question:?}")));
    }
}
