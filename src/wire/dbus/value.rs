//! One value of D-Bus.

use super::signature::single;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Byte(u8),
    Bool(bool),
    I16(i16),
    U16(u16),
    I32(i32),
    U32(u32),
    I64(i64),
    U64(u64),
    /// Its bits, so that values can be compared.
    Double(u64),
    Str(Box<str>),
    Path(Box<str>),
    Signature(Box<str>),
    Variant(Box<Self>),
    Struct(Vec<Self>),
    /// One of a dictionary, which is an array of these.
    Entry(Box<(Self, Self)>),
    Array {
        /// What each of them is, which matters where there is none.
        of: Box<str>,
        items: Vec<Self>,
    },
}

impl Value {
    pub fn str(text: impl Into<Box<str>>) -> Self {
        Self::Str(text.into())
    }

    pub fn variant(value: Self) -> Self {
        Self::Variant(Box::new(value))
    }

    /// Properties, as they are told: `a{sv}`.
    pub fn properties(of: impl IntoIterator<Item = (&'static str, Self)>) -> Self {
        let items = of.into_iter().map(|(name, value)| Self::Entry(Box::new((Self::str(name), Self::variant(value)))));
        Self::Array { of: "{sv}".into(), items: items.collect() }
    }

    pub fn signature(&self) -> String {
        let mut text = String::new();
        self.sign(&mut text);
        text
    }

    fn sign(&self, text: &mut String) {
        match self {
            Self::Byte(_) => text.push('y'),
            Self::Bool(_) => text.push('b'),
            Self::I16(_) => text.push('n'),
            Self::U16(_) => text.push('q'),
            Self::I32(_) => text.push('i'),
            Self::U32(_) => text.push('u'),
            Self::I64(_) => text.push('x'),
            Self::U64(_) => text.push('t'),
            Self::Double(_) => text.push('d'),
            Self::Str(_) => text.push('s'),
            Self::Path(_) => text.push('o'),
            Self::Signature(_) => text.push('g'),
            Self::Variant(_) => text.push('v'),
            Self::Struct(fields) => {
                text.push('(');
                fields.iter().for_each(|field| field.sign(text));
                text.push(')');
            }
            Self::Entry(entry) => {
                text.push('{');
                entry.0.sign(text);
                entry.1.sign(text);
                text.push('}');
            }
            Self::Array { of, .. } => {
                text.push('a');
                text.push_str(of);
            }
        }
    }

    /// What all of them together are.
    pub fn signature_of(values: &[Self]) -> String {
        let mut text = String::new();
        values.iter().for_each(|value| value.sign(&mut text));
        text
    }

    /// Whether it can stand on the wire: arrays have what they say, dictionaries are such, nothing is nested too deeply.
    pub fn is_sound(&self) -> bool {
        let signature = self.signature();
        single(signature.as_bytes()) == Some(signature.len()) && self.is_what_it_says()
    }

    fn is_what_it_says(&self) -> bool {
        match self {
            Self::Variant(value) => value.is_sound(),
            Self::Struct(fields) => fields.iter().all(Self::is_what_it_says),
            Self::Entry(entry) => entry.0.is_what_it_says() && entry.1.is_what_it_says(),
            Self::Array { of, items } => items.iter().all(|item| *item.signature() == **of && item.is_what_it_says()),
            Self::Byte(_)
            | Self::Bool(_)
            | Self::I16(_)
            | Self::U16(_)
            | Self::I32(_)
            | Self::U32(_)
            | Self::I64(_)
            | Self::U64(_)
            | Self::Double(_)
            | Self::Str(_)
            | Self::Path(_)
            | Self::Signature(_) => true,
        }
    }
}
