//! From bytes to values.

use super::Malformed;
use super::name::is_path;
use super::signature::{alignment, is_signature, single};
use super::value::Value;

/// An array may not be larger.
const LARGEST_ARRAY: usize = 64 << 20;
/// How deep variants, arrays and structures may be in one another.
const DEEPEST: u8 = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

/// Reads on from where it is. Alignment counts from the beginning of what it was given.
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    order: Order,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8], order: Order) -> Self {
        Self { bytes, at: 0, order }
    }

    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) const fn is_over(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// What is skipped has to be zero.
    pub(super) fn align(&mut self, to: usize) -> Result<(), Malformed> {
        let padding = self.take(self.at.next_multiple_of(to) - self.at)?;
        if padding.iter().all(|&byte| byte == 0) { Ok(()) } else { Err(Malformed) }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let end = self.at.checked_add(length).ok_or(Malformed)?;
        let taken = self.bytes.get(self.at..end).ok_or(Malformed)?;
        self.at = end;
        Ok(taken)
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.align(N)?;
        let mut bytes: [u8; N] = self.take(N)?.try_into().map_err(|_| Malformed)?;
        if self.order == Order::Big {
            bytes.reverse();
        }
        Ok(bytes)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Malformed> {
        self.take(1)?.first().copied().ok_or(Malformed)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        self.number().map(u32::from_le_bytes)
    }

    fn size(&mut self) -> Result<usize, Malformed> {
        usize::try_from(self.u32()?).map_err(|_| Malformed)
    }

    fn text(&mut self, length: usize) -> Result<&'a str, Malformed> {
        let text = self.take(length)?;
        if self.byte()? != 0 || text.contains(&0) {
            return Err(Malformed);
        }
        std::str::from_utf8(text).map_err(|_| Malformed)
    }

    pub(super) fn string(&mut self) -> Result<&'a str, Malformed> {
        let length = self.size()?;
        self.text(length)
    }

    pub(super) fn signature(&mut self) -> Result<&'a str, Malformed> {
        let length = usize::from(self.byte()?);
        self.text(length).and_then(|text| if is_signature(text.as_bytes()) { Ok(text) } else { Err(Malformed) })
    }

    /// All that the signature tells of.
    pub(super) fn values(&mut self, signature: &str) -> Result<Vec<Value>, Malformed> {
        self.run(signature.as_bytes(), 0)
    }

    fn run(&mut self, mut signature: &[u8], depth: u8) -> Result<Vec<Value>, Malformed> {
        let mut values = Vec::new();
        while !signature.is_empty() {
            let (first, rest) = single(signature).and_then(|length| signature.split_at_checked(length)).ok_or(Malformed)?;
            values.push(self.value(first, depth)?);
            signature = rest;
        }
        Ok(values)
    }

    /// One value, whose signature is one complete type.
    fn value(&mut self, signature: &[u8], depth: u8) -> Result<Value, Malformed> {
        if depth > DEEPEST {
            return Err(Malformed);
        }
        let (&code, inner) = signature.split_first().ok_or(Malformed)?;
        Ok(match code {
            b'y' => Value::Byte(self.byte()?),
            b'b' => match self.u32()? {
                0 => Value::Bool(false),
                1 => Value::Bool(true),
                _ => return Err(Malformed),
            },
            b'n' => Value::I16(i16::from_le_bytes(self.number()?)),
            b'q' => Value::U16(u16::from_le_bytes(self.number()?)),
            b'i' => Value::I32(i32::from_le_bytes(self.number()?)),
            b'u' => Value::U32(self.u32()?),
            b'x' => Value::I64(i64::from_le_bytes(self.number()?)),
            b't' => Value::U64(u64::from_le_bytes(self.number()?)),
            b'd' => Value::Double(u64::from_le_bytes(self.number()?)),
            b's' => Value::str(self.string()?),
            b'o' => match self.string()? {
                path if is_path(path) => Value::Path(path.into()),
                _ => return Err(Malformed),
            },
            b'g' => Value::Signature(self.signature()?.into()),
            b'v' => {
                let inner = self.signature()?.as_bytes();
                if single(inner) != Some(inner.len()) {
                    return Err(Malformed);
                }
                Value::variant(self.value(inner, depth + 1)?)
            }
            b'(' => {
                self.align(8)?;
                let fields = inner.split_last().ok_or(Malformed)?.1;
                Value::Struct(self.run(fields, depth + 1)?)
            }
            b'{' => {
                self.align(8)?;
                let fields = inner.split_last().ok_or(Malformed)?.1;
                let [key, value] = <[Value; 2]>::try_from(self.run(fields, depth + 1)?).map_err(|_| Malformed)?;
                Value::Entry(Box::new((key, value)))
            }
            b'a' => self.array(inner, depth)?,
            _ => return Err(Malformed),
        })
    }

    fn array(&mut self, of: &[u8], depth: u8) -> Result<Value, Malformed> {
        let length = self.size()?;
        self.align(alignment(*of.first().ok_or(Malformed)?))?;
        let end = self.at.checked_add(length).filter(|&end| length <= LARGEST_ARRAY && end <= self.bytes.len()).ok_or(Malformed)?;
        let mut items = Vec::new();
        while self.at < end {
            items.push(self.value(of, depth + 1)?);
        }
        let of = std::str::from_utf8(of).map_err(|_| Malformed)?.into();
        if self.at == end { Ok(Value::Array { of, items }) } else { Err(Malformed) }
    }
}
