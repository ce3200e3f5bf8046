//! What the machine answered to one reading of the configuration, so that others read the same and ask nobody: a name server
//! may take its time, and an interface may have gone meanwhile.

use crate::config::host::{At, Found, Host, Ids, Interface, KeyFile, Loose, NamePlaces, NameTable, ScriptPath};
use crate::runtime::bytes::{Reader, Writer};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

/// Answers by their questions, both as bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts(BTreeMap<Vec<u8>, Vec<u8>>);

impl Facts {
    pub(in crate::runtime) fn encode(&self, out: &mut Writer) {
        out.number(u64::try_from(self.0.len()).unwrap_or(u64::MAX));
        for (question, answer) in &self.0 {
            out.bytes(question);
            out.bytes(answer);
        }
    }

    pub(in crate::runtime) fn decode(input: &mut Reader<'_>) -> Option<Self> {
        let mut facts = BTreeMap::new();
        for _ in 0..input.number()? {
            facts.insert(input.bytes()?.to_vec(), input.bytes()?.to_vec());
        }
        Some(Self(facts))
    }

    fn answer<T: Fact>(&self, question: &Question) -> Option<T> {
        let mut input = Reader(self.0.get(&question.0)?);
        T::get(&mut input).filter(|_| input.is_empty())
    }
}

/// A question with what it is about.
struct Question(Vec<u8>);

fn ask(method: u8, about: &[&[u8]]) -> Question {
    let mut out = Writer::default();
    out.byte(method);
    for &word in about {
        out.bytes(word);
    }
    Question(out.0)
}

const NAME: u8 = 0;
const INTERFACES: u8 = 1;
const USER: u8 = 2;
const GROUP: u8 = 3;
const USER_NAME: u8 = 4;
const OWN_IDS: u8 = 5;
const SCRIPT: u8 = 6;
const AT: u8 = 7;
const KEY_FILE: u8 = 8;
const RESOLVE: u8 = 9;
const NUMBERED: u8 = 10;
const PROTOCOL: u8 = 11;
const PROCESSORS: u8 = 12;

fn interfaces(namespace: Option<&str>) -> Question {
    ask(INTERFACES, &[&[namespace.is_some().into()], namespace.unwrap_or_default().as_bytes()])
}

fn script(command: &str, ids: Ids) -> Question {
    ask(SCRIPT, &[command.as_bytes(), &ids.uid.to_le_bytes(), &ids.gid.to_le_bytes()])
}

fn numbered(places: &NamePlaces, table: NameTable, name: &str) -> Question {
    let table = match table {
        NameTable::RouteTables => 0,
        NameTable::RouteProtocols => 1,
        NameTable::RouteScopes => 2,
        NameTable::Realms => 3,
        NameTable::DsField => 4,
        NameTable::Groups => 5,
    };
    let place = |place: &Option<PathBuf>| place.as_ref().map(|path| path.as_os_str().as_bytes().to_vec()).unwrap_or_default();
    ask(NUMBERED, &[&[table], name.as_bytes(), &place(&places.usr), &place(&places.etc)])
}

/// Asks a host, and notes what it says. What has been asked before is not asked again.
#[derive(Debug)]
pub struct Noted<H> {
    host: H,
    facts: RefCell<Facts>,
}

impl<H: Host> Noted<H> {
    pub fn new(host: H) -> Self {
        Self { host, facts: RefCell::default() }
    }

    pub fn into_facts(self) -> Facts {
        self.facts.into_inner()
    }

    fn note<T: Fact>(&self, question: Question, answer: impl FnOnce(&H) -> T) -> T {
        let known = self.facts.borrow().answer(&question);
        known.unwrap_or_else(|| {
            let answer = answer(&self.host);
            let mut out = Writer::default();
            answer.put(&mut out);
            self.facts.borrow_mut().0.insert(question.0, out.0);
            answer
        })
    }
}

impl<H: Host> Host for Noted<H> {
    fn name(&self) -> String {
        self.note(ask(NAME, &[]), H::name)
    }

    fn interfaces(&self, namespace: Option<&str>) -> Option<HashMap<String, Interface>> {
        self.note(interfaces(namespace), |host| host.interfaces(namespace))
    }

    fn user(&self, name: &str) -> Option<Ids> {
        self.note(ask(USER, &[name.as_bytes()]), |host| host.user(name))
    }

    fn group(&self, name: &str) -> Option<u32> {
        self.note(ask(GROUP, &[name.as_bytes()]), |host| host.group(name))
    }

    fn user_name(&self, uid: u32) -> String {
        self.note(ask(USER_NAME, &[&uid.to_le_bytes()]), |host| host.user_name(uid))
    }

    fn own_ids(&self) -> Ids {
        self.note(ask(OWN_IDS, &[]), H::own_ids)
    }

    fn script(&self, command: &str, ids: Ids) -> ScriptPath {
        self.note(script(command, ids), |host| host.script(command, ids))
    }

    fn at(&self, path: &Path) -> At {
        self.note(ask(AT, &[path.as_os_str().as_bytes()]), |host| host.at(path))
    }

    fn key_file(&self, path: &Path) -> Option<KeyFile> {
        self.note(ask(KEY_FILE, &[path.as_os_str().as_bytes()]), |host| host.key_file(path))
    }

    fn resolve(&self, host: &str) -> Option<IpAddr> {
        self.note(ask(RESOLVE, &[host.as_bytes()]), |machine| machine.resolve(host))
    }

    fn numbered(&self, places: &NamePlaces, table: NameTable, name: &str) -> Option<u32> {
        self.note(numbered(places, table, name), |host| host.numbered(places, table, name))
    }

    fn protocol(&self, name: &str) -> Option<u8> {
        self.note(ask(PROTOCOL, &[name.as_bytes()]), |host| host.protocol(name))
    }

    fn processors(&self) -> usize {
        self.note(ask(PROCESSORS, &[]), H::processors)
    }
}

/// What was not asked then is not there.
impl Host for Facts {
    fn name(&self) -> String {
        self.answer(&ask(NAME, &[])).unwrap_or_default()
    }

    fn interfaces(&self, namespace: Option<&str>) -> Option<HashMap<String, Interface>> {
        self.answer(&interfaces(namespace)).flatten()
    }

    fn user(&self, name: &str) -> Option<Ids> {
        self.answer(&ask(USER, &[name.as_bytes()])).flatten()
    }

    fn group(&self, name: &str) -> Option<u32> {
        self.answer(&ask(GROUP, &[name.as_bytes()])).flatten()
    }

    fn user_name(&self, uid: u32) -> String {
        self.answer(&ask(USER_NAME, &[&uid.to_le_bytes()])).unwrap_or_else(|| uid.to_string())
    }

    fn own_ids(&self) -> Ids {
        self.answer(&ask(OWN_IDS, &[])).unwrap_or(Ids { uid: 0, gid: 0 })
    }

    fn script(&self, command: &str, ids: Ids) -> ScriptPath {
        self.answer(&script(command, ids)).unwrap_or(ScriptPath::Absent)
    }

    fn at(&self, path: &Path) -> At {
        self.answer(&ask(AT, &[path.as_os_str().as_bytes()])).unwrap_or(At::Nothing)
    }

    fn key_file(&self, path: &Path) -> Option<KeyFile> {
        self.answer(&ask(KEY_FILE, &[path.as_os_str().as_bytes()])).flatten()
    }

    fn resolve(&self, host: &str) -> Option<IpAddr> {
        self.answer(&ask(RESOLVE, &[host.as_bytes()])).flatten()
    }

    fn numbered(&self, places: &NamePlaces, table: NameTable, name: &str) -> Option<u32> {
        self.answer(&numbered(places, table, name)).flatten()
    }

    fn protocol(&self, name: &str) -> Option<u8> {
        self.answer(&ask(PROTOCOL, &[name.as_bytes()])).flatten()
    }

    fn processors(&self) -> usize {
        self.answer(&ask(PROCESSORS, &[])).unwrap_or(1)
    }
}

/// An answer as bytes and back.
trait Fact: Sized {
    fn put(&self, out: &mut Writer);
    fn get(input: &mut Reader<'_>) -> Option<Self>;
}

impl<T: Fact> Fact for Option<T> {
    fn put(&self, out: &mut Writer) {
        out.byte(self.is_some().into());
        if let Some(fact) = self {
            fact.put(out);
        }
    }

    fn get(input: &mut Reader<'_>) -> Option<Self> {
        match input.byte()? {
            0 => Some(None),
            _ => T::get(input).map(Some),
        }
    }
}

impl Fact for bool {
    fn put(&self, out: &mut Writer) {
        out.byte((*self).into());
    }

    fn get(input: &mut Reader<'_>) -> Option<Self> {
        input.byte().map(|byte| byte != 0)
    }
}

impl Fact for u8 {
    fn put(&self, out: &mut Writer) {
        out.byte(*self);
    }

    fn get(input: &mut Reader<'_>) -> Option<Self> {
        input.byte()
    }
}

impl Fact for u32 {
    fn put(&self, out: &mut Writer) {
        out.number((*self).into());
    }

    fn get(input: &mut Reader<'_>) -> Option<Self> {
        input.number()?.try_into().ok()
    }
}

impl Fact for usize {
    fn put(&self, out: &mut Writer) {
        out.number(u64::try_from(*self).unwrap_or(u64::MAX));
    }

    fn get(input: &mut Reader<'_>) -> Option<Self> {
        input.number()?.try_into().ok()
    }
}

impl Fact for String {
    fn put(&self, out: &mut Writer) {
        out.bytes(self.as_bytes());
    }

    fn get(input: &mut Reader<'_>) -> Option<Self> {
        input.text().map(str::to_owned)
    }
}

impl Fact for PathBuf {
    fn put(&self, out: &mut Writer) {
        out.bytes(self.as_os_str().as_bytes());
    }

    fn get(input: &mut Reader<'_>) -> Option<Self> {
        input.bytes().map(|bytes| OsStr::from_bytes(bytes).into())
    }
}

impl Fact for Ids {
    fn put(&self, out: &mut Writer) {
        self.uid.put(out);
        self.gid.put(out);
    }

    fn get(input: &mut Reader<'_>) -> Option<Self> {
        Some(Self { uid: Fact::get(input)?, gid: Fact::get(input)? })
    }
}

impl Fact for IpAddr {
    fn put(&self, out: &mut Writer) {
        self.to_string().put(out);
    }

    fn get(input: &mut Reader<'_>) -> Option<Self> {
        input.text()?.parse().ok()
    }
}

impl Fact for At {
    fn put(&self, out: &mut Writer) {
        out.byte(match self {
            Self::Nothing => 0,
            Self::Directory => 1,
            Self::File => 2,
            Self::Other => 3,
        });
    }

    fn get(input: &mut Reader<'_>) -> Option<Self> {
        Some(match input.byte()? {
            0 => Self::Nothing,
            1 => Self::Directory,
            2 => Self::File,
            _ => Self::Other,
        })
    }
}

impl Fact for KeyFile {
    fn put(&self, out: &mut Writer) {
        out.bytes(&self.bytes);
        self.exposed.put(out);
    }

    fn get(input: &mut Reader<'_>) -> Option<Self> {
        Some(Self { bytes: input.bytes()?.to_vec(), exposed: Fact::get(input)? })
    }
}

impl Fact for Found {
    fn put(&self, out: &mut Writer) {
        self.path.put(out);
        self.resolved.put(out);
    }

    fn get(input: &mut Reader<'_>) -> Option<Self> {
        Some(Self { path: Fact::get(input)?, resolved: Fact::get(input)? })
    }
}

impl Fact for ScriptPath {
    fn put(&self, out: &mut Writer) {
        match self {
            Self::Absent => out.byte(0),
            Self::Runs(found) => {
                out.byte(1);
                found.put(out);
            }
            Self::WrongType { component, resolved } => {
                out.byte(2);
                component.put(out);
                resolved.put(out);
            }
            Self::Insecure { component, loose, found } => {
                out.byte(3);
                component.put(out);
                loose.put(out);
                found.put(out);
            }
            Self::Forbidden(component) => {
                out.byte(4);
                component.put(out);
            }
        }
    }

    fn get(input: &mut Reader<'_>) -> Option<Self> {
        Some(match input.byte()? {
            0 => Self::Absent,
            1 => Self::Runs(Fact::get(input)?),
            2 => Self::WrongType { component: Fact::get(input)?, resolved: Fact::get(input)? },
            3 => Self::Insecure { component: Fact::get(input)?, loose: Fact::get(input)?, found: Fact::get(input)? },
            _ => Self::Forbidden(Fact::get(input)?),
        })
    }
}

impl Fact for Loose {
    fn put(&self, out: &mut Writer) {
        out.byte(match self {
            Self::Owner => 0,
            Self::Group => 1,
            Self::World => 2,
        });
    }

    fn get(input: &mut Reader<'_>) -> Option<Self> {
        Some(match input.byte()? {
            0 => Self::Owner,
            1 => Self::Group,
            _ => Self::World,
        })
    }
}

impl Fact for HashMap<String, Interface> {
    fn put(&self, out: &mut Writer) {
        self.len().put(out);
        for (name, interface) in self {
            let Interface { loopback, mtu, stacked, vrf_table } = interface;
            name.put(out);
            loopback.put(out);
            mtu.put(out);
            stacked.put(out);
            vrf_table.put(out);
        }
    }

    fn get(input: &mut Reader<'_>) -> Option<Self> {
        let mut interfaces = Self::new();
        for _ in 0..usize::get(input)? {
            let name = Fact::get(input)?;
            let (loopback, mtu) = (Fact::get(input)?, Fact::get(input)?);
            let (stacked, vrf_table) = (Fact::get(input)?, Fact::get(input)?);
            interfaces.insert(name, Interface { loopback, mtu, stacked, vrf_table });
        }
        Some(interfaces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::host::Stated;

    fn machine() -> Stated {
        let mut machine = Stated::with(&["e0"]).script("/bin/a");
        machine.interfaces.insert("blue".into(), Interface { loopback: true, mtu: 9000, stacked: true, vrf_table: Some(7) });
        machine.namespaces.insert("left".into(), HashMap::new());
        let found = Found { path: "/b".into(), resolved: "/c".into() };
        machine.scripts.insert("/b".into(), ScriptPath::Insecure { component: "/".into(), loose: Loose::Group, found });
        machine.scripts.insert("/d".into(), ScriptPath::WrongType { component: "/d".into(), resolved: "/e".into() });
        machine.scripts.insert("/f".into(), ScriptPath::Forbidden("/g".into()));
        machine.paths.insert("/run".into(), At::Directory);
        machine.key_files.insert("/key".into(), KeyFile { bytes: vec![0, 255], exposed: true });
        machine.hosts.insert("mail".into(), "2001:db8::1".parse().expect("an address"));
        machine.numbers.insert((NameTable::Groups, "wan".into()), 9);
        machine.protocols.insert("tcp".into(), 6);
        machine
    }

    /// Everything that a host can be asked, with answers of every shape.
    fn all(host: &dyn Host) -> String {
        let ids = Ids { uid: 1, gid: 2 };
        let sorted =
            |namespace: Option<&str>| host.interfaces(namespace).map(|interfaces| interfaces.into_iter().collect::<BTreeMap<_, _>>());
        let scripts = ["/bin/a", "/b", "/d", "/none"].map(|command| host.script(command, ids));
        let one = format!("{:?} {:?} {:?} {:?}", host.name(), sorted(None), sorted(Some("left")), sorted(Some("right")));
        let two = format!("{:?} {:?} {:?} {:?}", host.user("root"), host.user("none"), host.group("nogroup"), host.user_name(65534));
        let three = format!("{:?} {scripts:?} {:?} {:?}", host.own_ids(), host.at(Path::new("/run")), host.at(Path::new("/none")));
        let four = format!("{:?} {:?} {:?}", host.key_file(Path::new("/key")), host.key_file(Path::new("/none")), host.resolve("mail"));
        let five = [NameTable::Groups, NameTable::Realms].map(|table| host.numbered(&NamePlaces::default(), table, "wan"));
        format!("{one} {two} {three} {four} {five:?} {:?} {}", host.protocol("tcp"), host.processors())
    }

    #[test]
    fn what_was_answered_is_answered_again() {
        let noted = Noted::new(machine());
        let want = all(&machine());
        assert_eq!((all(&noted), all(&noted)), (want.clone(), want.clone()));
        let facts = noted.into_facts();
        let mut out = Writer::default();
        facts.encode(&mut out);
        let decoded = Facts::decode(&mut Reader(&out.0)).expect("it is whole");
        assert_eq!(all(&decoded), want);
        assert!((0..out.0.len()).all(|length| Facts::decode(&mut Reader(&out.0[..length])).is_none()));
    }

    #[test]
    fn what_was_not_asked_is_not_there() {
        let nothing = Facts::default();
        assert_eq!((nothing.user("root"), nothing.interfaces(None), nothing.at(Path::new("/"))), (None, None, At::Nothing));
        assert_eq!((nothing.processors(), nothing.user_name(5)), (1, "5".to_owned()));
    }
}
