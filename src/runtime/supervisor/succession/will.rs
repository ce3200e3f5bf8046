//! What one program leaves to the next in a memory file. Descriptors are named by their numbers, which stay what they are.
//!
//! The two may be of different versions. What comes before the version is the same in all of them: whoever cannot read the rest
//! knows from it at least what to end and what to close.

use super::super::reader::Purpose;
use crate::runtime::bytes::{Reader, Writer};
use crate::runtime::handover::Entry;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

const MAGIC: &[u8; 16] = b"standfast's will";
/// Of all that follows the preamble. Another number is another program's.
const VERSION: u64 = 1;

/// What every version understands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Preamble {
    pub(super) processes: Vec<i32>,
    pub(super) descriptors: Vec<i32>,
}

/// A file or a socket that has a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::runtime::supervisor) struct Named {
    pub(in crate::runtime::supervisor) path: PathBuf,
    pub(in crate::runtime::supervisor) number: i32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::runtime::supervisor) struct PartWill {
    pub(in crate::runtime::supervisor) name: String,
    pub(in crate::runtime::supervisor) pid_file: Option<Named>,
    /// The number of the process, and that of the line to it.
    pub(in crate::runtime::supervisor) process: Option<(i32, i32)>,
    pub(in crate::runtime::supervisor) held: bool,
    pub(in crate::runtime::supervisor) entries: Vec<Entry>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Will {
    /// Where the program is that takes over.
    pub(super) program: PathBuf,
    /// The configuration, wherever the working directory is.
    pub(super) file: Option<PathBuf>,
    /// What is decided once, by keyword.
    pub(super) decided: Vec<(String, String)>,
    /// The files that were missing when the configuration in force was read.
    pub(super) unread: Vec<String>,
    /// How long the daemon has been there.
    pub(super) running: Duration,
    pub(super) readings: u64,
    /// Asked for, and not done.
    pub(super) reload: Option<Purpose>,
    pub(super) core_pattern: Option<Vec<u8>>,
    pub(super) room: Option<PathBuf>,
    pub(super) pid_file: Named,
    pub(super) parts: Vec<PartWill>,
    /// Each with what says which one it is.
    pub(super) doors: Vec<(String, Named)>,
    /// Those who wait for the end of the upgrade.
    pub(super) waiting: Vec<i32>,
    /// The network namespace that the daemon was started in.
    pub(super) namespace: Option<i32>,
    /// As it has just been read by the new program.
    pub(super) configuration: Option<i32>,
}

impl Will {
    pub(super) fn preamble(&self) -> Preamble {
        let named = [&self.pid_file].into_iter().chain(self.parts.iter().filter_map(|part| part.pid_file.as_ref()));
        let named = named.chain(self.doors.iter().map(|(_, door)| door)).map(|named| named.number);
        let lines = self.parts.iter().filter_map(|part| part.process).map(|(_, line)| line);
        let others = self.waiting.iter().copied().chain(self.namespace).chain(self.configuration);
        Preamble {
            processes: self.parts.iter().filter_map(|part| part.process).map(|(process, _)| process).collect(),
            descriptors: named.chain(lines).chain(others).collect(),
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.raw(MAGIC);
        let Preamble { processes, descriptors } = self.preamble();
        put_list(&mut out, &processes, |out, process| number(out, *process));
        put_list(&mut out, &descriptors, |out, descriptor| number(out, *descriptor));
        out.number(VERSION);
        put_path(&mut out, &self.program);
        put_option(&mut out, self.file.as_deref(), put_path);
        put_list(&mut out, &self.decided, |out, (keyword, value)| {
            out.bytes(keyword.as_bytes());
            out.bytes(value.as_bytes());
        });
        put_list(&mut out, &self.unread, |out, text| out.bytes(text.as_bytes()));
        out.number(u64::try_from(self.running.as_nanos()).unwrap_or(u64::MAX));
        out.number(self.readings);
        put_option(&mut out, self.reload, |out, Purpose { apply, force }| {
            out.byte(apply.into());
            out.byte(force.into());
        });
        put_option(&mut out, self.core_pattern.as_deref(), Writer::bytes);
        put_option(&mut out, self.room.as_deref(), put_path);
        put_named(&mut out, &self.pid_file);
        put_list(&mut out, &self.parts, put_part);
        put_list(&mut out, &self.doors, |out, (key, door)| {
            out.bytes(key.as_bytes());
            put_named(out, door);
        });
        put_list(&mut out, &self.waiting, |out, waiting| number(out, *waiting));
        put_option(&mut out, self.namespace, number);
        put_option(&mut out, self.configuration, number);
        out.0
    }

    /// Nothing, if it is of another version.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut input = Reader(bytes);
        take_preamble(&mut input)?;
        if input.number()? != VERSION {
            return None;
        }
        let will = Self {
            program: path(&mut input)?,
            file: option(&mut input, path)?,
            decided: list(&mut input, |input| Some((input.text()?.to_owned(), input.text()?.to_owned())))?,
            unread: list(&mut input, |input| Some(input.text()?.to_owned()))?,
            running: Duration::from_nanos(input.number()?),
            readings: input.number()?,
            reload: option(&mut input, |input| Some(Purpose { apply: flag(input)?, force: flag(input)? }))?,
            core_pattern: option(&mut input, |input| Some(input.bytes()?.to_owned()))?,
            room: option(&mut input, path)?,
            pid_file: named(&mut input)?,
            parts: list(&mut input, part)?,
            doors: list(&mut input, |input| Some((input.text()?.to_owned(), named(input)?)))?,
            waiting: list(&mut input, small)?,
            namespace: option(&mut input, small)?,
            configuration: option(&mut input, small)?,
        };
        input.is_empty().then_some(will)
    }
}

/// Nothing, if it is no will at all.
pub(super) fn preamble(bytes: &[u8]) -> Option<Preamble> {
    take_preamble(&mut Reader(bytes))
}

fn take_preamble(input: &mut Reader<'_>) -> Option<Preamble> {
    if input.array::<16>()? != *MAGIC {
        return None;
    }
    Some(Preamble { processes: list(input, small)?, descriptors: list(input, small)? })
}

/// Processes and descriptors have no negative numbers.
fn number(out: &mut Writer, number: i32) {
    out.number(u64::try_from(number).unwrap_or(u64::MAX));
}

fn small(input: &mut Reader<'_>) -> Option<i32> {
    i32::try_from(input.number()?).ok()
}

fn flag(input: &mut Reader<'_>) -> Option<bool> {
    match input.byte()? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

fn put_path(out: &mut Writer, path: &Path) {
    out.bytes(path.as_os_str().as_bytes());
}

fn path(input: &mut Reader<'_>) -> Option<PathBuf> {
    Some(Path::new(OsStr::from_bytes(input.bytes()?)).to_owned())
}

fn put_named(out: &mut Writer, named: &Named) {
    put_path(out, &named.path);
    number(out, named.number);
}

fn named(input: &mut Reader<'_>) -> Option<Named> {
    Some(Named { path: path(input)?, number: small(input)? })
}

fn put_part(out: &mut Writer, part: &PartWill) {
    out.bytes(part.name.as_bytes());
    put_option(out, part.pid_file.as_ref(), put_named);
    put_option(out, part.process, |out, (process, line)| {
        number(out, process);
        number(out, line);
    });
    out.byte(part.held.into());
    put_list(out, &part.entries, |out, entry| out.bytes(&entry.encode()));
}

/// Entries have a version of their own: one that is not understood is one that is not there.
fn part(input: &mut Reader<'_>) -> Option<PartWill> {
    Some(PartWill {
        name: input.text()?.to_owned(),
        pid_file: option(input, named)?,
        process: option(input, |input| Some((small(input)?, small(input)?)))?,
        held: flag(input)?,
        entries: list(input, |input| Some(Entry::decode(input.bytes()?)))?.into_iter().flatten().collect(),
    })
}

fn put_option<T>(out: &mut Writer, option: Option<T>, put: impl Fn(&mut Writer, T)) {
    out.byte(option.is_some().into());
    if let Some(value) = option {
        put(out, value);
    }
}

fn option<T>(input: &mut Reader<'_>, take: impl Fn(&mut Reader<'_>) -> Option<T>) -> Option<Option<T>> {
    if flag(input)? { take(input).map(Some) } else { Some(None) }
}

fn put_list<T>(out: &mut Writer, list: &[T], put: impl Fn(&mut Writer, &T)) {
    out.number(u64::try_from(list.len()).unwrap_or(u64::MAX));
    for element in list {
        put(out, element);
    }
}

fn list<T>(input: &mut Reader<'_>, take: impl Fn(&mut Reader<'_>) -> Option<T>) -> Option<Vec<T>> {
    let mut list = Vec::new();
    for _ in 0..input.number()? {
        list.push(take(input)?);
    }
    Some(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::record::BfdRecord;

    fn full() -> Will {
        let named = |path: &str, number| Named { path: path.into(), number };
        let session = BfdRecord {
            key: "b".into(),
            ours: 1,
            yours: 2,
            up: true,
            multiplier: 3,
            min_tx: Duration::from_millis(10),
            min_rx: Duration::from_millis(20),
        };
        Will {
            program: "/usr/sbin/keepalived".into(),
            file: Some("/etc/k.conf".into()),
            decided: vec![("instance".to_owned(), "None".to_owned())],
            unread: vec!["more.conf".to_owned()],
            running: Duration::from_secs(86_400),
            readings: 7,
            reload: Some(Purpose { apply: true, force: false }),
            core_pattern: Some(b"core\n".to_vec()),
            room: Some("/run/keepalived/left".into()),
            pid_file: named("/run/keepalived.pid", 3),
            parts: vec![
                PartWill {
                    name: "VRRP".to_owned(),
                    pid_file: Some(named("/run/vrrp.pid", 4)),
                    process: Some((100, 5)),
                    held: true,
                    entries: vec![Entry::Session(session)],
                },
                PartWill { name: "BFD".to_owned(), ..PartWill::default() },
            ],
            doors: vec![("control".to_owned(), named("/run/keepalived.sock", 6))],
            waiting: vec![7, 8],
            namespace: Some(9),
            configuration: Some(10),
        }
    }

    #[test]
    fn a_will_is_read_as_it_was_written_and_not_if_anything_is_missing() {
        for will in [full(), Will::default()] {
            let bytes = will.encode();
            assert_eq!(Will::decode(&bytes), Some(will));
            assert!((0..bytes.len()).all(|length| Will::decode(&bytes[..length]).is_none()));
            assert_eq!(Will::decode(&[&bytes[..], b"x"].concat()), None);
        }
    }

    #[test]
    fn of_another_version_what_is_to_be_ended_and_closed_is_known() {
        let mut bytes = full().encode();
        let at = MAGIC.len() + 8 + 8 + 8 + 8 * 8;
        assert_eq!(bytes[at], 1, "the version");
        bytes[at] = 2;
        bytes.truncate(at + 20);
        assert_eq!(Will::decode(&bytes), None);
        let known = preamble(&bytes).expect("a preamble");
        assert_eq!(known, Preamble { processes: vec![100], descriptors: vec![3, 4, 6, 5, 7, 8, 9, 10] });
        assert_eq!(preamble(b"something else altogether"), None);
    }

    #[test]
    fn an_entry_that_is_not_understood_is_left_out() {
        let mut bytes = full().encode();
        let entry = full().parts[0].entries[0].encode();
        let at = bytes.windows(entry.len()).position(|window| window == entry).expect("it is in there");
        bytes[at] = 99;
        let mut want = full();
        want.parts[0].entries.clear();
        assert_eq!(Will::decode(&bytes), Some(want));
    }
}
