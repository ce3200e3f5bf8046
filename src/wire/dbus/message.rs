//! Messages: a header that says who wants what of whom, and values.

use super::Malformed;
use super::name::is_path;
use super::reader::{Order, Reader};
use super::signature::single;
use super::value::Value;
use super::writer::{Writer, size};

const VERSION: u8 = 1;
/// Up to the length of the header's fields.
const FIXED: usize = 16;
/// No message may be larger.
const LARGEST: usize = 128 << 20;

/// A flag: whoever calls does not want to hear what came of it.
pub const NO_REPLY_EXPECTED: u8 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Call,
    Return,
    Error,
    Signal,
    /// Of a later version; such are not to be minded.
    Other,
}

impl Kind {
    const fn of(code: u8) -> Option<Self> {
        match code {
            0 => None,
            1 => Some(Self::Call),
            2 => Some(Self::Return),
            3 => Some(Self::Error),
            4 => Some(Self::Signal),
            _ => Some(Self::Other),
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::Call => 1,
            Self::Return => 2,
            Self::Error => 3,
            Self::Signal => 4,
            Self::Other => u8::MAX,
        }
    }
}

/// Who wants what of whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    pub path: Option<Box<str>>,
    pub interface: Option<Box<str>>,
    pub member: Option<Box<str>>,
    pub error: Option<Box<str>>,
    pub reply_to: Option<u32>,
    pub destination: Option<Box<str>>,
    pub sender: Option<Box<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub kind: Kind,
    pub flags: u8,
    /// Never zero.
    pub serial: u32,
    pub header: Header,
    pub body: Vec<Value>,
}

impl Message {
    pub fn encode(&self) -> Vec<u8> {
        let mut body = Writer::default();
        self.body.iter().for_each(|value| body.value(value));
        let Header { path, interface, member, error, reply_to, destination, sender } = &self.header;
        let text = |text: &Option<Box<str>>| text.clone().map(Value::Str);
        let signature = Some(Value::signature_of(&self.body)).filter(|signature| !signature.is_empty());
        let fields = [
            (1, path.clone().map(Value::Path)),
            (2, text(interface)),
            (3, text(member)),
            (4, text(error)),
            (5, reply_to.map(Value::U32)),
            (6, text(destination)),
            (7, text(sender)),
            (8, signature.map(|signature| Value::Signature(signature.into()))),
        ];
        let field = |(code, value): (u8, Option<Value>)| Some(Value::Struct(vec![Value::Byte(code), Value::variant(value?)]));
        let fields = Value::Array { of: "(yv)".into(), items: fields.into_iter().filter_map(field).collect() };
        let mut writer = Writer { bytes: vec![b'l', self.kind.code(), self.flags, VERSION] };
        writer.u32(size(body.bytes.len()));
        writer.u32(self.serial);
        writer.value(&fields);
        writer.align(8);
        writer.bytes.append(&mut body.bytes);
        writer.bytes
    }
}

fn order(first: u8) -> Result<Order, Malformed> {
    match first {
        b'l' => Ok(Order::Little),
        b'B' => Ok(Order::Big),
        _ => Err(Malformed),
    }
}

/// How long the message is that begins here, as soon as enough of it is there to tell.
pub fn length(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    let Some(&first) = bytes.first() else { return Ok(None) };
    let order = order(first)?;
    let Some(fixed) = bytes.get(..FIXED) else { return Ok(None) };
    let mut reader = Reader::new(fixed, order);
    let (_, _, _, version) = (reader.byte()?, reader.byte()?, reader.byte()?, reader.byte()?);
    let (body, _, fields) = (reader.u32()?, reader.u32()?, reader.u32()?);
    let usize = |number: u32| usize::try_from(number).map_err(|_| Malformed);
    let header = usize(fields)?.checked_add(FIXED).and_then(|header| header.checked_next_multiple_of(8));
    let whole = header.zip(Some(usize(body)?)).and_then(|(header, body)| header.checked_add(body));
    match whole.filter(|&whole| whole <= LARGEST && version == VERSION) {
        Some(whole) => Ok(Some(whole)),
        None => Err(Malformed),
    }
}

/// The message that these bytes are, from the first to the last of them.
pub fn decode(bytes: &[u8]) -> Result<Message, Malformed> {
    if length(bytes)? != Some(bytes.len()) {
        return Err(Malformed);
    }
    let order = order(*bytes.first().ok_or(Malformed)?)?;
    let mut reader = Reader::new(bytes, order);
    let (_, kind, flags, _) = (reader.byte()?, reader.byte()?, reader.byte()?, reader.byte()?);
    let kind = Kind::of(kind).ok_or(Malformed)?;
    let (_, serial) = (reader.u32()?, reader.u32()?);
    let (header, signature) = fields(&mut reader)?;
    reader.align(8)?;
    let mut body = Reader::new(bytes.get(reader.at()..).ok_or(Malformed)?, order);
    let message = Message { kind, flags, serial, header, body: body.values(&signature)? };
    let Header { path, interface, member, error, reply_to, .. } = &message.header;
    let complete = match kind {
        Kind::Call => path.is_some() && member.is_some(),
        Kind::Return => reply_to.is_some(),
        Kind::Error => reply_to.is_some() && error.is_some(),
        Kind::Signal => path.is_some() && interface.is_some() && member.is_some(),
        Kind::Other => true,
    };
    if complete && serial != 0 && body.is_over() { Ok(message) } else { Err(Malformed) }
}

/// The header's fields, and the signature of the values.
fn fields(reader: &mut Reader<'_>) -> Result<(Header, Box<str>), Malformed> {
    let length = usize::try_from(reader.u32()?).map_err(|_| Malformed)?;
    let end = reader.at().checked_add(length).ok_or(Malformed)?;
    let (mut header, mut signature) = (Header::default(), Box::default());
    while reader.at() < end {
        reader.align(8)?;
        let code = reader.byte()?;
        let of = reader.signature()?;
        if single(of.as_bytes()) != Some(of.len()) {
            return Err(Malformed);
        }
        let mut value = reader.values(of)?;
        let field = match code {
            1 => &mut header.path,
            2 => &mut header.interface,
            3 => &mut header.member,
            4 => &mut header.error,
            6 => &mut header.destination,
            7 => &mut header.sender,
            0 => return Err(Malformed),
            5 => match value.pop() {
                Some(Value::U32(serial)) if serial != 0 => {
                    header.reply_to = Some(serial);
                    continue;
                }
                _ => return Err(Malformed),
            },
            8 => match value.pop() {
                Some(Value::Signature(text)) => {
                    signature = text;
                    continue;
                }
                _ => return Err(Malformed),
            },
            // Of a later version.
            _ => continue,
        };
        *field = match (code, value.pop()) {
            (1, Some(Value::Path(path))) if is_path(&path) => Some(path),
            (2..=7, Some(Value::Str(text))) => Some(text),
            _ => return Err(Malformed),
        };
    }
    if reader.at() == end { Ok((header, signature)) } else { Err(Malformed) }
}
