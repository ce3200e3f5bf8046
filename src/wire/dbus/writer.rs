//! From values to bytes, always with the least significant byte first.

use super::signature::alignment;
use super::value::Value;

/// Alignment counts from the beginning.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
}

impl Writer {
    pub(super) fn align(&mut self, to: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(to), 0);
    }

    fn put(&mut self, bytes: &[u8]) {
        self.align(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    pub(super) fn u32(&mut self, number: u32) {
        self.put(&number.to_le_bytes());
    }

    fn string(&mut self, text: &str) {
        self.u32(size(text.len()));
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(0);
    }

    fn signature(&mut self, text: &str) {
        self.bytes.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(0);
    }

    pub(super) fn value(&mut self, value: &Value) {
        match value {
            Value::Byte(number) => self.bytes.push(*number),
            Value::Bool(yes) => self.u32(u32::from(*yes)),
            Value::I16(number) => self.put(&number.to_le_bytes()),
            Value::U16(number) => self.put(&number.to_le_bytes()),
            Value::I32(number) => self.put(&number.to_le_bytes()),
            Value::U32(number) => self.u32(*number),
            Value::I64(number) => self.put(&number.to_le_bytes()),
            Value::U64(number) | Value::Double(number) => self.put(&number.to_le_bytes()),
            Value::Str(text) | Value::Path(text) => self.string(text),
            Value::Signature(text) => self.signature(text),
            Value::Variant(value) => {
                self.signature(&value.signature());
                self.value(value);
            }
            Value::Struct(fields) => {
                self.align(8);
                fields.iter().for_each(|field| self.value(field));
            }
            Value::Entry(entry) => {
                self.align(8);
                self.value(&entry.0);
                self.value(&entry.1);
            }
            Value::Array { of, items } => self.array(of, items),
        }
    }

    /// Its length does not count what is between it and the first of them.
    fn array(&mut self, of: &str, items: &[Value]) {
        self.u32(0);
        let place = self.bytes.len();
        self.align(of.bytes().next().map_or(1, alignment));
        let start = self.bytes.len();
        items.iter().for_each(|item| self.value(item));
        let length = size(self.bytes.len() - start).to_le_bytes();
        let place = place - length.len();
        self.bytes[place..place + length.len()].copy_from_slice(&length);
    }
}

/// Nothing that is written comes near what the format can hold.
pub(super) fn size(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
