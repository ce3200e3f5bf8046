//! The meaning of a configuration as bytes and back, for processes that are the same program: to read these is many times
//! quicker than to read the text again, and takes no more memory than what comes of it. Other versions of the program have
//! other bytes.

mod global;
mod lvs;
mod vrrp;

use super::Model;
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::{NonZeroU16, NonZeroU32};
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::Duration;

/// A value as bytes. What the bytes say has an end, so that one follows the other.
pub trait Code: Sized {
    fn put(&self, out: &mut Vec<u8>);
    /// Takes one from the front. Nothing, if they are no bytes of such a value.
    fn get(input: &mut &[u8]) -> Option<Self>;
}

/// A struct by its fields: all of them, or it does not compile.
macro_rules! record {
    ($($name:ty { $($field:ident),* })*) => {$(
        impl $crate::model::code::Code for $name {
            fn put(&self, out: &mut Vec<u8>) {
                let Self { $($field),* } = self;
                $($crate::model::code::Code::put($field, out);)*
            }

            fn get(input: &mut &[u8]) -> Option<Self> {
                Some(Self { $($field: $crate::model::code::Code::get(input)?),* })
            }
        }
    )*};
}
pub(crate) use record;

/// An enum by its variants, each with its number.
macro_rules! choice {
    ($($name:ty { $($tag:literal => $variant:ident $(($($value:ident),*))? $({ $($field:ident),* })?),* })*) => {$(
        impl $crate::model::code::Code for $name {
            fn put(&self, out: &mut Vec<u8>) {
                match self {$(
                    Self::$variant $(($($value),*))? $({ $($field),* })? => {
                        out.push($tag);
                        $($($crate::model::code::Code::put($value, out);)*)?
                        $($($crate::model::code::Code::put($field, out);)*)?
                    }
                )*}
            }

            fn get(input: &mut &[u8]) -> Option<Self> {
                Some(match <u8 as $crate::model::code::Code>::get(input)? {
                    $($tag => {
                        $($(let $value = $crate::model::code::Code::get(input)?;)*)?
                        $($(let $field = $crate::model::code::Code::get(input)?;)*)?
                        Self::$variant $(($($value),*))? $({ $($field),* })?
                    })*
                    _ => return None,
                })
            }
        }
    )*};
}
pub(crate) use choice;

/// Small numbers, which nearly all are, take a byte.
impl Code for u64 {
    fn put(&self, out: &mut Vec<u8>) {
        let mut rest = *self;
        while rest >= 0x80 {
            out.push(rest.to_le_bytes()[0] | 0x80);
            rest >>= 7;
        }
        out.push(rest.to_le_bytes()[0]);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        let mut number = 0;
        for shift in (0..Self::BITS).step_by(7) {
            let byte = u8::get(input)?;
            number |= Self::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}

impl Code for u8 {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        let (&byte, rest) = input.split_first()?;
        *input = rest;
        Some(byte)
    }
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Code for $number {
            fn put(&self, out: &mut Vec<u8>) {
                u64::try_from(*self).unwrap_or(u64::MAX).put(out);
            }

            fn get(input: &mut &[u8]) -> Option<Self> {
                u64::get(input)?.try_into().ok()
            }
        }
    )*};
}
numbers!(u16 u32 usize);

impl Code for i32 {
    fn put(&self, out: &mut Vec<u8>) {
        self.cast_unsigned().put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        u32::get(input).map(u32::cast_signed)
    }
}

impl Code for i8 {
    fn put(&self, out: &mut Vec<u8>) {
        self.cast_unsigned().put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        u8::get(input).map(u8::cast_signed)
    }
}

impl Code for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push((*self).into());
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        match u8::get(input)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Code for NonZeroU16 {
    fn put(&self, out: &mut Vec<u8>) {
        self.get().put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Self::new(u16::get(input)?)
    }
}

impl Code for NonZeroU32 {
    fn put(&self, out: &mut Vec<u8>) {
        self.get().put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Self::new(u32::get(input)?)
    }
}

impl Code for Duration {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_secs().put(out);
        self.subsec_nanos().put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        let (seconds, nanos) = (u64::get(input)?, u32::get(input)?);
        (nanos < 1_000_000_000).then(|| Self::new(seconds, nanos))
    }
}

fn take<'a>(input: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::get(input)?;
    let (bytes, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some(bytes)
}

fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    bytes.len().put(out);
    out.extend_from_slice(bytes);
}

impl Code for Box<str> {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self.as_bytes(), out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some(std::str::from_utf8(take(input)?).ok()?.into())
    }
}

impl Code for PathBuf {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self.as_os_str().as_bytes(), out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some(OsStr::from_bytes(take(input)?).into())
    }
}

impl<const N: usize> Code for [u8; N] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        let (bytes, rest) = input.split_first_chunk()?;
        *input = rest;
        Some(*bytes)
    }
}

impl Code for Ipv4Addr {
    fn put(&self, out: &mut Vec<u8>) {
        self.octets().put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        <[u8; 4]>::get(input).map(Self::from)
    }
}

impl Code for Ipv6Addr {
    fn put(&self, out: &mut Vec<u8>) {
        self.octets().put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        <[u8; 16]>::get(input).map(Self::from)
    }
}

choice! {
    IpAddr { 4 => V4(address), 6 => V6(address) }
}

/// One with a scope, or with a flow, is nothing that a configuration can name.
impl Code for SocketAddr {
    fn put(&self, out: &mut Vec<u8>) {
        self.ip().put(out);
        self.port().put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some(Self::new(IpAddr::get(input)?, u16::get(input)?))
    }
}

impl<T: Code> Code for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        if bool::get(input)? { T::get(input).map(Some) } else { Some(None) }
    }
}

impl<T: Code> Code for Box<T> {
    fn put(&self, out: &mut Vec<u8>) {
        T::put(self, out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        T::get(input).map(Self::new)
    }
}

impl<T: Code> Code for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.len().put(out);
        self.iter().for_each(|value| value.put(out));
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        let length = usize::get(input)?;
        // Each takes a byte at least.
        let mut list = Self::with_capacity(length.min(input.len()));
        for _ in 0..length {
            list.push(T::get(input)?);
        }
        Some(list)
    }
}

impl<T: Code> Code for Box<[T]> {
    fn put(&self, out: &mut Vec<u8>) {
        self.len().put(out);
        self.iter().for_each(|value| value.put(out));
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Vec::get(input).map(Into::into)
    }
}

/// So many texts, one for each of what they are for.
impl<const N: usize> Code for [Box<str>; N] {
    fn put(&self, out: &mut Vec<u8>) {
        self.iter().for_each(|text| text.put(out));
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        let mut texts = Vec::with_capacity(N);
        for _ in 0..N {
            texts.push(Code::get(input)?);
        }
        texts.try_into().ok()
    }
}

impl<A: Code, B: Code> Code for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some((A::get(input)?, B::get(input)?))
    }
}

impl<T: Code> Code for RangeInclusive<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.start().put(out);
        self.end().put(out);
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        Some(T::get(input)?..=T::get(input)?)
    }
}

impl<K: Code + Ord, V: Code> Code for BTreeMap<K, V> {
    fn put(&self, out: &mut Vec<u8>) {
        self.len().put(out);
        for (key, value) in self {
            key.put(out);
            value.put(out);
        }
    }

    fn get(input: &mut &[u8]) -> Option<Self> {
        let mut map = Self::new();
        for _ in 0..usize::get(input)? {
            map.insert(K::get(input)?, V::get(input)?);
        }
        Some(map)
    }
}

record! {
    Model { global, statics, tracked, vrrp, lvs, bfd }
}

#[cfg(test)]
mod tests;
