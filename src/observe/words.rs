//! What lines are made of. Numbers and addresses are put there by hand: a dump of a thousand instances has some forty thousand
//! lines, and the machinery behind `format_args!` takes several times longer over each.

use std::fmt::{self, Display, Write as _};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

pub(super) trait Put {
    fn put(&self, out: &mut String);
}

impl Put for str {
    #[inline]
    fn put(&self, out: &mut String) {
        out.push_str(self);
    }
}

impl<T: Put + ?Sized> Put for &T {
    #[inline]
    fn put(&self, out: &mut String) {
        T::put(self, out);
    }
}

impl<T: Put + ?Sized> Put for Box<T> {
    #[inline]
    fn put(&self, out: &mut String) {
        T::put(self, out);
    }
}

impl Put for bool {
    fn put(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }
}

/// Most of them are small.
fn number(out: &mut String, value: u64) {
    const SMALL: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    match usize::try_from(value).ok().and_then(|at| SMALL.get(at)) {
        Some(digit) => out.push_str(digit),
        None => digits(out, value, 1),
    }
}

/// With zeros before it, up to so many digits.
pub(super) fn digits(out: &mut String, value: u64, least: usize) {
    const MOST: usize = 20;
    let (mut text, mut at, mut rest) = ([b'0'; MOST], MOST, value);
    while rest > 0 || MOST - at < least.clamp(1, MOST) {
        at -= 1;
        text[at] |= (rest % 10).to_le_bytes()[0];
        rest /= 10;
    }
    out.push_str(str::from_utf8(&text[at..]).unwrap_or_default());
}

macro_rules! unsigned {
    ($($number:ty)*) => {
        $(impl Put for $number {
            #[inline]
            fn put(&self, out: &mut String) {
                number(out, u64::from(*self));
            }
        })*
    };
}

macro_rules! signed {
    ($($number:ty)*) => {
        $(impl Put for $number {
            fn put(&self, out: &mut String) {
                out.push_str(if *self < 0 { "-" } else { "" });
                digits(out, u64::from(self.unsigned_abs()), 1);
            }
        })*
    };
}

unsigned!(u8 u16 u32 u64);
signed!(i32 i64);

impl Put for usize {
    fn put(&self, out: &mut String) {
        digits(out, u64::try_from(*self).unwrap_or(u64::MAX), 1);
    }
}

/// Of durations: more of them than 64 bits hold have not passed since the beginning of the world.
impl Put for u128 {
    fn put(&self, out: &mut String) {
        match u64::try_from(*self) {
            Ok(value) => digits(out, value, 1),
            Err(_) => Shown(self).put(out),
        }
    }
}

impl Put for Ipv4Addr {
    fn put(&self, out: &mut String) {
        let [a, b, c, d] = self.octets();
        (a, ".", b, ".", c, ".", d).put(out);
    }
}

impl Put for IpAddr {
    fn put(&self, out: &mut String) {
        match self {
            Self::V4(address) => address.put(out),
            Self::V6(address) => Shown(address).put(out),
        }
    }
}

/// Whatever shows itself: it takes its time.
pub(super) struct Shown<T>(pub(super) T);

impl<T: Display> Put for Shown<T> {
    fn put(&self, out: &mut String) {
        write!(out, "{}", self.0).expect("memory takes any text");
    }
}

/// A name that there may not be.
pub(super) struct OrNone<T>(pub(super) Option<T>);

impl<T: Put> Put for OrNone<T> {
    fn put(&self, out: &mut String) {
        match &self.0 {
            Some(value) => value.put(out),
            None => out.push_str("(none)"),
        }
    }
}

/// `1.500000`
#[derive(Clone, Copy, Debug)]
pub(super) struct Seconds(pub(super) Duration);

impl Put for Seconds {
    fn put(&self, out: &mut String) {
        digits(out, self.0.as_secs(), 1);
        out.push('.');
        digits(out, self.0.subsec_micros().into(), 6);
    }
}

impl Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self, f)
    }
}

/// Seconds with no more digits than it takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shortest(pub(super) Duration);

impl Put for Shortest {
    fn put(&self, out: &mut String) {
        digits(out, self.0.as_secs(), 1);
        if self.0.subsec_micros() > 0 {
            out.push('.');
            digits(out, self.0.subsec_micros().into(), 6);
            out.truncate(out.trim_end_matches('0').len());
        }
    }
}

impl Display for Shortest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(self, f)
    }
}

/// For what is put where others show themselves.
pub(super) fn show(value: &impl Put, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = String::new();
    value.put(&mut text);
    f.write_str(&text)
}

macro_rules! one_after_the_other {
    ($($name:ident)*) => {
        impl<$($name: Put),*> Put for ($($name,)*) {
            #[inline]
            #[expect(non_snake_case, reason = "each value is called as its type is")]
            fn put(&self, out: &mut String) {
                let ($($name,)*) = self;
                $($name.put(out);)*
            }
        }
    };
}

one_after_the_other!(A B);
one_after_the_other!(A B C);
one_after_the_other!(A B C D);
one_after_the_other!(A B C D E);
one_after_the_other!(A B C D E F);
one_after_the_other!(A B C D E F G);

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: impl Put) -> String {
        let mut out = String::new();
        value.put(&mut out);
        out
    }

    #[test]
    fn numbers_are_put_as_they_are_shown() {
        for value in [0, 7, 10, 99, 100, 12_345, u64::MAX - 1, u64::MAX] {
            assert_eq!(text(value), value.to_string());
        }
        for value in [0, -1, 1, i64::MIN, i64::MAX] {
            assert_eq!(text(value), value.to_string());
        }
        for value in [0, u128::from(u64::MAX), u128::from(u64::MAX) + 1, u128::MAX] {
            assert_eq!(text(value), value.to_string());
        }
        assert_eq!((text(i32::MIN), text(u8::MAX), text(usize::MAX)), (i32::MIN.to_string(), "255".to_owned(), usize::MAX.to_string()));
    }

    #[test]
    fn addresses_are_put_as_they_are_shown() {
        for address in ["0.0.0.0", "10.0.100.255", "fe80::1", "2001:db8::1:0:0:1"] {
            let address: IpAddr = address.parse().expect("an address");
            assert_eq!(text(address), address.to_string());
        }
    }

    #[test]
    fn seconds_have_six_digits_after_the_point() {
        for (micros, want) in [(0, "0.000000"), (1, "0.000001"), (1_500_000, "1.500000"), (59_999_999, "59.999999")] {
            assert_eq!(text(Seconds(Duration::from_micros(micros))), want);
            assert_eq!(Seconds(Duration::from_micros(micros)).to_string(), want);
        }
    }

    #[test]
    fn words_stand_one_after_the_other() {
        assert_eq!(text(("a = ", 5_u8, ", ", OrNone(None::<u8>), " ", OrNone(Some("b")), true)), "a = 5, (none) btrue");
        let mut padded = String::new();
        digits(&mut padded, 7, 3);
        digits(&mut padded, 1234, 3);
        assert_eq!(padded, "0071234");
    }
}
