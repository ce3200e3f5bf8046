//! Signatures: what the values of a message are.

/// The longest that the specification allows, and how deep arrays and structures may be in one another.
pub(super) const LONGEST: usize = 255;
const DEEPEST: u8 = 32;

/// How long the complete type at the beginning is, if there is one.
pub(super) fn single(signature: &[u8]) -> Option<usize> {
    complete(signature, 0, 0)
}

/// Whether it is a run of complete types.
pub(super) fn is_signature(signature: &[u8]) -> bool {
    let mut rest = signature;
    while !rest.is_empty() {
        let Some(after) = single(rest).and_then(|length| rest.get(length..)) else { return false };
        rest = after;
    }
    signature.len() <= LONGEST
}

fn complete(signature: &[u8], arrays: u8, structs: u8) -> Option<usize> {
    if arrays > DEEPEST || structs > DEEPEST {
        return None;
    }
    match signature.first()? {
        code if is_basic(*code) || *code == b'v' => Some(1),
        b'a' if signature.get(1) == Some(&b'{') => {
            let key = *signature.get(2)?;
            let length = complete(signature.get(3..)?, arrays + 1, structs + 1)?;
            (is_basic(key) && signature.get(length + 3) == Some(&b'}')).then_some(length + 4)
        }
        b'a' => Some(complete(signature.get(1..)?, arrays + 1, structs)? + 1),
        b'(' => {
            let mut at = 1;
            while *signature.get(at)? != b')' {
                at += complete(signature.get(at..)?, arrays, structs + 1)?;
            }
            // There is no empty structure.
            (at > 1).then_some(at + 1)
        }
        _ => None,
    }
}

pub(super) const fn is_basic(code: u8) -> bool {
    matches!(code, b'y' | b'b' | b'n' | b'q' | b'i' | b'u' | b'x' | b't' | b'd' | b's' | b'o' | b'g')
}

/// To what a value of this type is aligned.
pub(super) const fn alignment(code: u8) -> usize {
    match code {
        b'n' | b'q' => 2,
        b'b' | b'i' | b'u' | b's' | b'o' | b'a' => 4,
        b'x' | b't' | b'd' | b'(' | b'{' => 8,
        _ => 1,
    }
}
