//! The file system, as a configuration sees it.

use super::bytes::{Reader, Writer};
use crate::config::source::{Files, Refusal};
use nix::libc;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// No configuration is larger, and a daemon should not try.
const LARGEST: u64 = 256 * 1024 * 1024;

/// The real one.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileSystem;

fn refused(error: &std::io::Error) -> Refusal {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Refusal::Missing,
        _ => Refusal::Unreadable,
    }
}

fn admit(metadata: &Metadata) -> Result<(), Refusal> {
    if metadata.is_dir() {
        Err(Refusal::Directory)
    } else if !metadata.is_file() {
        Err(Refusal::NotRegular)
    } else if metadata.permissions().mode() & 0o111 != 0 {
        Err(Refusal::Executable)
    } else if metadata.len() > LARGEST {
        Err(Refusal::TooLarge)
    } else {
        Ok(())
    }
}

impl Files for FileSystem {
    fn read(&self, path: &Path) -> Result<Vec<u8>, Refusal> {
        // Asked first because opening a device may do something, and again because it may be another file by then.
        admit(&std::fs::metadata(path).map_err(|error| refused(&error))?)?;
        let file: File =
            OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path).map_err(|error| refused(&error))?;
        let metadata = file.metadata().map_err(|error| refused(&error))?;
        admit(&metadata)?;
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
        // It may be growing.
        file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| refused(&error))?;
        if u64::try_from(bytes.len()).is_ok_and(|length| length <= LARGEST) { Ok(bytes) } else { Err(Refusal::TooLarge) }
    }

    fn list(&self, directory: &Path) -> Vec<String> {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
        // A name that is not UTF-8 cannot be written in a configuration either.
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
    }

    fn exists(&self, path: &Path) -> bool {
        std::fs::symlink_metadata(path).is_ok()
    }
}

/// Every answer that a reading of the configuration got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    read: BTreeMap<PathBuf, Result<Arc<Vec<u8>>, Refusal>>,
    listed: BTreeMap<PathBuf, Vec<String>>,
    exists: BTreeMap<PathBuf, bool>,
}

/// Notes what is answered, and answers the same when it is asked again.
#[derive(Debug)]
pub struct Recorder<F> {
    files: F,
    answers: RefCell<Answers>,
}

impl<F> Recorder<F> {
    pub fn new(files: F) -> Self {
        Self { files, answers: RefCell::default() }
    }

    pub fn into_answers(self) -> Answers {
        self.answers.into_inner()
    }
}

impl<F: Files> Files for Recorder<F> {
    fn read(&self, path: &Path) -> Result<Vec<u8>, Refusal> {
        self.shared(path).map(|bytes| bytes.to_vec())
    }

    fn shared(&self, path: &Path) -> Result<Arc<Vec<u8>>, Refusal> {
        let mut answers = self.answers.borrow_mut();
        answers.read.entry(path.to_owned()).or_insert_with(|| self.files.shared(path)).clone()
    }

    fn list(&self, directory: &Path) -> Vec<String> {
        self.answers.borrow_mut().listed.entry(directory.to_owned()).or_insert_with(|| self.files.list(directory)).clone()
    }

    fn exists(&self, path: &Path) -> bool {
        *self.answers.borrow_mut().exists.entry(path.to_owned()).or_insert_with(|| self.files.exists(path))
    }
}

/// Answers as they were noted; what was not asked then is not there.
#[derive(Debug)]
pub struct Replay(pub Answers);

impl Files for Replay {
    fn read(&self, path: &Path) -> Result<Vec<u8>, Refusal> {
        self.shared(path).map(|bytes| bytes.to_vec())
    }

    fn shared(&self, path: &Path) -> Result<Arc<Vec<u8>>, Refusal> {
        self.0.read.get(path).cloned().unwrap_or(Err(Refusal::Missing))
    }

    fn list(&self, directory: &Path) -> Vec<String> {
        self.0.listed.get(directory).cloned().unwrap_or_default()
    }

    fn exists(&self, path: &Path) -> bool {
        self.0.exists.get(path).copied().unwrap_or_default()
    }
}

const REFUSALS: [Refusal; 6] =
    [Refusal::Missing, Refusal::Directory, Refusal::NotRegular, Refusal::Executable, Refusal::Unreadable, Refusal::TooLarge];

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn path(input: &mut Reader<'_>) -> Option<PathBuf> {
    input.bytes().map(|bytes| Path::new(OsStr::from_bytes(bytes)).to_owned())
}

impl Answers {
    /// What files hold is not among it.
    pub(super) fn encode(&self, out: &mut Writer) {
        out.number(count(self.read.len()));
        for (path, answer) in &self.read {
            out.bytes(path.as_os_str().as_bytes());
            match answer {
                Ok(bytes) => {
                    out.byte(0);
                    out.number(count(bytes.len()));
                }
                Err(refusal) => {
                    let position = REFUSALS.iter().position(|known| known == refusal).unwrap_or_default();
                    out.byte(u8::try_from(position + 1).unwrap_or(u8::MAX));
                }
            }
        }
        out.number(count(self.listed.len()));
        for (path, names) in &self.listed {
            out.bytes(path.as_os_str().as_bytes());
            out.number(count(names.len()));
            for name in names {
                out.bytes(name.as_bytes());
            }
        }
        out.number(count(self.exists.len()));
        for (path, exists) in &self.exists {
            out.bytes(path.as_os_str().as_bytes());
            out.byte((*exists).into());
        }
    }

    /// What files hold, in the order of [`Answers::encode`].
    pub(super) fn contents(&self) -> impl Iterator<Item = &[u8]> {
        self.read.values().flatten().map(|bytes| bytes.as_slice())
    }

    pub(super) fn decode(input: &mut Reader<'_>, contents: &mut Reader<'_>) -> Option<Self> {
        let mut answers = Self::default();
        for _ in 0..input.number()? {
            let path = path(input)?;
            let answer = match input.byte()? {
                0 => Ok(Arc::new(contents.raw(usize::try_from(input.number()?).ok()?)?.to_vec())),
                refusal => Err(*REFUSALS.get(usize::from(refusal) - 1)?),
            };
            answers.read.insert(path, answer);
        }
        for _ in 0..input.number()? {
            let path = path(input)?;
            let mut names = Vec::new();
            for _ in 0..input.number()? {
                names.push(input.text()?.to_owned());
            }
            answers.listed.insert(path, names);
        }
        for _ in 0..input.number()? {
            answers.exists.insert(path(input)?, input.byte()? != 0);
        }
        Some(answers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::net::UnixListener;

    #[test]
    fn only_regular_files_without_execute_bits_are_read() {
        let root = std::env::temp_dir().join(format!("standfast-files-{}", std::process::id()));
        fs::create_dir_all(root.join("d")).expect("a directory");
        fs::write(root.join("a.conf"), "text").expect("a file");
        fs::write(root.join("x.conf"), "text").expect("a file");
        fs::set_permissions(root.join("x.conf"), fs::Permissions::from_mode(0o654)).expect("a mode");
        let _socket = UnixListener::bind(root.join("s")).expect("a socket");
        let huge = File::create(root.join("huge")).expect("a file");
        huge.set_len(LARGEST + 1).expect("a sparse file");
        for (name, want) in [
            ("a.conf", Ok(b"text".to_vec())),
            ("x.conf", Err(Refusal::Executable)),
            ("d", Err(Refusal::Directory)),
            ("s", Err(Refusal::NotRegular)),
            ("huge", Err(Refusal::TooLarge)),
            ("nothing", Err(Refusal::Missing)),
            ("a.conf/b", Err(Refusal::Missing)),
        ] {
            assert_eq!(FileSystem.read(&root.join(name)), want, "{name}");
        }
        let mut names = FileSystem.list(&root);
        names.sort();
        assert_eq!(names, ["a.conf", "d", "huge", "s", "x.conf"]);
        assert!(FileSystem.exists(&root.join("s")) && !FileSystem.exists(&root.join("t")));
        fs::remove_dir_all(&root).expect("removed");
    }

    #[test]
    fn a_replay_answers_as_the_files_did() {
        let root = std::env::temp_dir().join(format!("standfast-replay-{}", std::process::id()));
        fs::create_dir_all(&root).expect("a directory");
        let (a, b) = (root.join("a"), root.join("b"));
        fs::write(&a, b"one\0\xff").expect("a file");
        let recorder = Recorder::new(FileSystem);
        let first = (recorder.read(&a), recorder.read(&b), recorder.read(&root), recorder.list(&root), recorder.exists(&b));
        fs::write(&a, b"two").expect("a file");
        fs::write(&b, b"two").expect("a file");
        assert_eq!((recorder.read(&a), recorder.read(&b)), (first.0.clone(), Err(Refusal::Missing)), "one picture");
        let answers = recorder.into_answers();
        let mut out = Writer::default();
        answers.encode(&mut out);
        let contents = answers.contents().collect::<Vec<_>>().concat();
        let decode = |bytes| Answers::decode(&mut Reader(bytes), &mut Reader(&contents));
        assert_eq!(decode(&out.0).as_ref(), Some(&answers));
        for length in 0..out.0.len() {
            assert_eq!(decode(&out.0[..length]), None);
        }
        assert_eq!(Answers::decode(&mut Reader(&out.0), &mut Reader(&contents[1..])), None);
        let replay = Replay(answers);
        assert_eq!((replay.read(&a), replay.read(&b), replay.read(&root), replay.list(&root), replay.exists(&b)), first);
        assert_eq!((replay.read(Path::new("/etc/passwd")), replay.exists(&a)), (Err(Refusal::Missing), false));
        fs::remove_dir_all(&root).expect("removed");
    }
}
