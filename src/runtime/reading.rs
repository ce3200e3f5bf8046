//! The configuration, read on this machine; and read again, by another process, from the very same bytes.

use super::bytes::{Reader, Writer};
use super::files::{Answers, FileSystem, Recorder, Replay};
use super::host::System;
use crate::cli;
use crate::config::host::Host;
use crate::config::reader::Checks;
use crate::config::source::Files;
use crate::config::{self, Loaded};
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::FileExt as _;
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
    }
}

/// Reads the configuration that the options name.
pub fn read(options: &cli::Options) -> Loaded {
    read_with(&FileSystem, &question(options))
}

pub fn read_with(files: &dyn Files, question: &config::Options) -> Loaded {
    config::load(files, &System::default(), question)
}

/// Reads, and returns with the configuration all that [`replay`] needs, in a memory file that nobody can change.
pub fn record(question: &config::Options) -> (Loaded, io::Result<OwnedFd>) {
    let recorder = Recorder::new(FileSystem);
    let loaded = read_with(&recorder, question);
    (loaded, memory(&encode(question, &recorder.into_answers())))
}

fn memory(bytes: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(memfd_create("configuration", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING)?);
    file.write_all(bytes)?;
    let seals = SealFlag::F_SEAL_SEAL | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_WRITE;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals))?;
    Ok(file.into())
}

/// Reads a configuration again that another process has read. It takes as long as reading does, a second for a million lines,
/// and resolves the names of mail servers: a process that sends adverts does it in a thread of its own.
pub fn replay(memory: OwnedFd) -> io::Result<Loaded> {
    let file = File::from(memory);
    let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0)?;
    let (question, answers) = decode(&bytes).ok_or_else(|| io::Error::other("this is no recorded configuration"))?;
    drop(bytes);
    Ok(read_with(&Replay(answers), &question))
}

fn encode(question: &config::Options, answers: &Answers) -> Vec<u8> {
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
    out.0
}

fn decode(bytes: &[u8]) -> Option<(config::Options, Answers)> {
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
    let named = input.byte()? != 0;
    let namespace = input.text()?.to_owned();
    let answers = Answers::decode(&mut input)?;
    let question = config::Options {
        pattern,
        config_id,
        include_check: Checks { read, matched, wildcard, braces },
        random_seed,
        environment,
        directory,
        namespace: named.then_some(namespace),
    };
    input.is_empty().then_some((question, answers))
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
        let (loaded, memory) = record(&question);
        fs::remove_dir_all(&root).expect("removed");
        assert_eq!(loaded.model.vrrp.instances.len(), 1, "{:?}", loaded.problems);
        let again = replay(memory.expect("a memory file")).expect("a configuration");
        assert_eq!(again.model, loaded.model);
        let told = |loaded: &Loaded| loaded.problems.iter().cloned().collect::<Vec<_>>();
        assert_eq!(told(&again), told(&loaded));
        let bytes = encode(&question, &Answers::default());
        assert!((0..bytes.len()).all(|length| decode(&bytes[..length]).is_none()));
        assert_eq!(decode(&bytes).map(|(question, _)| format!("{question:?}")), Some(format!("{question:?}")));
    }
}
