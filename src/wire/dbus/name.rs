//! Names and paths of objects.

/// The longest name of a service, an interface or a member.
const LONGEST: usize = 255;

/// Whether it names an object.
pub fn is_path(path: &str) -> bool {
    path == "/" || path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_element))
}

fn is_element(element: &str) -> bool {
    !element.is_empty() && element.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Whether a service can be called so.
pub fn is_bus_name(name: &str) -> bool {
    let element = |element: &str| {
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        element.bytes().all(letters) && element.bytes().next().is_some_and(|first| !first.is_ascii_digit())
    };
    name.len() <= LONGEST && name.contains('.') && name.split('.').all(element)
}

/// As an element of a path: what may not stand there becomes `_`.
pub fn escaped(name: &str) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    if name.is_empty() { "_".to_owned() } else { name.chars().map(plain).collect() }
}
