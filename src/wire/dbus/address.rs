//! Where a bus is: `unix:path=/run/dbus/system_bus_socket;unix:abstract=name,guid=...`.

/// One of the places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Path(Vec<u8>),
    Abstract(Vec<u8>),
}

/// All of them that can be reached by a socket of this machine, in the order in which they are to be tried.
pub fn addresses(text: &str) -> Vec<Address> {
    text.split(';').filter_map(address).collect()
}

fn address(text: &str) -> Option<Address> {
    let pairs = text.strip_prefix("unix:")?.split(',').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find_map(|(key, value)| match key {
        "path" => Some(Address::Path(unescaped(value)?)),
        "abstract" => Some(Address::Abstract(unescaped(value)?)),
        _ => None,
    })
}

/// Bytes may be written as `%` and two digits.
fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    Some(bytes)
}
