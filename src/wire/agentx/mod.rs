//! AgentX (RFC 2741): what an SNMP agent and its subagents say to each other.
//!
//! ```text
//!  0          1     2      3         4           8               12         16               20
//!  version 1  type  flags  reserved  session ID  transaction ID  packet ID  payload length   payload
//! ```
//!
//! Either side may write numbers in either order of bytes, and a flag says which.

mod decode;
mod encode;
mod oid;

pub use decode::{Frame, frame};
pub use oid::Oid;

/// Whose payload is longer is not understood: there is no end to wait for.
pub const LONGEST: usize = 1 << 20;
const HEADER: usize = 20;
const VERSION: u8 = 1;

const INSTANCE: u8 = 0x01;
const CONTEXT: u8 = 0x08;
const NETWORK: u8 = 0x10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Little,
    Big,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pdu {
    pub header: Header,
    pub body: Body,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub order: Order,
    pub session: u32,
    pub transaction: u32,
    pub packet: u32,
    /// Without one it is the default one.
    pub context: Option<Box<[u8]>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// The timeout is in seconds, and zero is whatever the agent likes.
    Open {
        timeout: u8,
        id: Oid,
        description: Box<[u8]>,
    },
    Close(Reason),
    Register(Region),
    Unregister(Region),
    Get(Vec<Range>),
    GetNext(Vec<Range>),
    GetBulk {
        non_repeaters: u16,
        max_repetitions: u16,
        ranges: Vec<Range>,
    },
    TestSet(Vec<VarBind>),
    CommitSet,
    UndoSet,
    CleanupSet,
    Notify(Vec<VarBind>),
    Ping,
    Response(Response),
    /// Indices and capabilities, which we neither ask for nor are asked for.
    Other(u8),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// Of the agent, in hundredths of a second.
    pub uptime: u32,
    pub error: u16,
    /// Which of the variables the error is about, counted from 1.
    pub index: u16,
    pub binds: Vec<VarBind>,
}

/// What a subagent answers for. The lower a number of a priority, the better it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    pub timeout: u8,
    pub priority: u8,
    pub subtree: Oid,
    /// A row of subtrees: which part of the name it is that counts on, from 1, and how far.
    pub range: Option<(u8, u32)>,
    /// It is one object's instance.
    pub instance: bool,
}

/// From here, and this one only if it is included, to before the end; a null end is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    pub start: Oid,
    pub include: bool,
    pub end: Oid,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VarBind {
    pub name: Oid,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Integer(i32),
    Octets(Box<[u8]>),
    Null,
    Oid(Oid),
    IpAddress([u8; 4]),
    Counter32(u32),
    /// Unsigned32 is the same.
    Gauge32(u32),
    TimeTicks(u32),
    Opaque(Box<[u8]>),
    Counter64(u64),
    NoSuchObject,
    NoSuchInstance,
    EndOfMibView,
}

/// Why a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    Other,
    ParseError,
    ProtocolError,
    Timeouts,
    Shutdown,
    ByManager,
    Unknown(u8),
}

impl Reason {
    const fn number(self) -> u8 {
        match self {
            Self::Other => 1,
            Self::ParseError => 2,
            Self::ProtocolError => 3,
            Self::Timeouts => 4,
            Self::Shutdown => 5,
            Self::ByManager => 6,
            Self::Unknown(number) => number,
        }
    }

    const fn of(number: u8) -> Self {
        match number {
            1 => Self::Other,
            2 => Self::ParseError,
            3 => Self::ProtocolError,
            4 => Self::Timeouts,
            5 => Self::Shutdown,
            6 => Self::ByManager,
            number => Self::Unknown(number),
        }
    }
}

/// Errors of responses, as far as we say them or care.
pub mod error {
    pub const NONE: u16 = 0;
    pub const COMMIT_FAILED: u16 = 14;
    pub const NOT_WRITABLE: u16 = 17;
    pub const NOT_OPEN: u16 = 257;
    pub const UNSUPPORTED_CONTEXT: u16 = 262;
    pub const DUPLICATE_REGISTRATION: u16 = 263;
    pub const DENIED: u16 = 267;
}

/// The numbers of the types.
mod kind {
    pub(super) const OPEN: u8 = 1;
    pub(super) const CLOSE: u8 = 2;
    pub(super) const REGISTER: u8 = 3;
    pub(super) const UNREGISTER: u8 = 4;
    pub(super) const GET: u8 = 5;
    pub(super) const GET_NEXT: u8 = 6;
    pub(super) const GET_BULK: u8 = 7;
    pub(super) const TEST_SET: u8 = 8;
    pub(super) const COMMIT_SET: u8 = 9;
    pub(super) const UNDO_SET: u8 = 10;
    pub(super) const CLEANUP_SET: u8 = 11;
    pub(super) const NOTIFY: u8 = 12;
    pub(super) const PING: u8 = 13;
    pub(super) const RESPONSE: u8 = 18;
}

/// The numbers of the values' types.
mod tag {
    pub(super) const INTEGER: u16 = 2;
    pub(super) const OCTETS: u16 = 4;
    pub(super) const NULL: u16 = 5;
    pub(super) const OID: u16 = 6;
    pub(super) const IP_ADDRESS: u16 = 64;
    pub(super) const COUNTER_32: u16 = 65;
    pub(super) const GAUGE_32: u16 = 66;
    pub(super) const TIME_TICKS: u16 = 67;
    pub(super) const OPAQUE: u16 = 68;
    pub(super) const COUNTER_64: u16 = 70;
    pub(super) const NO_SUCH_OBJECT: u16 = 128;
    pub(super) const NO_SUCH_INSTANCE: u16 = 129;
    pub(super) const END_OF_MIB_VIEW: u16 = 130;
}

#[cfg(test)]
mod tests;
