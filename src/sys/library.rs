//! Libraries that are loaded when something needs them: linked, they would cost every process memory and time at its start.

#![expect(unsafe_code, reason = "the dynamic linker knows no types")]

use nix::libc;
use std::ffi::{CStr, c_void};
use std::io;
use std::ptr::NonNull;

/// A loaded library. It stays loaded for as long as the process lives, so that what was found in it is always there.
#[derive(Debug)]
pub struct Library {
    handle: NonNull<c_void>,
    /// As it was asked for.
    name: &'static CStr,
}

impl Library {
    /// Loads the first of these that there is. Whoever lacks them all is told the package that brings them.
    pub fn open(names: &[&'static CStr], package: &str) -> io::Result<Self> {
        for &name in names {
            // SAFETY: the name is a string with its end. Initialisers of the library run here: those named in this program are
            // of libraries that are made to be loaded so.
            let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
            if let Some(handle) = NonNull::new(handle) {
                return Ok(Self { handle, name });
            }
        }
        let names: Vec<_> = names.iter().map(|name| name.to_string_lossy()).collect();
        let text = format!("{} could not be loaded: please install the package {package}", names.join(" or "));
        Err(io::Error::new(io::ErrorKind::NotFound, text))
    }

    /// Where a symbol lies.
    pub fn symbol(&self, name: &CStr) -> io::Result<NonNull<c_void>> {
        // SAFETY: the handle is of a library that is never unloaded, the name is a string with its end.
        let symbol = unsafe { libc::dlsym(self.handle.as_ptr(), name.as_ptr()) };
        NonNull::new(symbol).ok_or_else(|| {
            let text = format!("{} has no {}", self.name.to_string_lossy(), name.to_string_lossy());
            io::Error::new(io::ErrorKind::Unsupported, text)
        })
    }
}

/// Declares a struct of the functions of a library, and how to find them in it.
macro_rules! functions {
    ($(#[$meta:meta])* struct $name:ident { $($(#[$field_meta:meta])* $field:ident: $symbol:literal => fn($($arg:ty),* $(,)?) $(-> $ret:ty)?;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug)]
        struct $name {
            $($(#[$field_meta])* $field: unsafe extern "C" fn($($arg),*) $(-> $ret)?,)*
        }

        impl $name {
            fn find(library: &$crate::sys::library::Library) -> std::io::Result<Self> {
                Ok(Self {
                    $($field: {
                        let symbol = library.symbol($symbol)?;
                        // SAFETY: the symbol is a function of this type in the library's header, which its soname promises to
                        // keep, and the library is never unloaded.
                        unsafe {
                            std::mem::transmute::<*mut std::ffi::c_void, unsafe extern "C" fn($($arg),*) $(-> $ret)?>(symbol.as_ptr())
                        }
                    },)*
                })
            }
        }
    };
}
pub(super) use functions;

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::c_int;

    functions! {
        struct Maths {
            abs: c"abs" => fn(c_int) -> c_int;
        }
    }

    #[test]
    fn what_is_found_can_be_called() {
        let library = Library::open(&[c"libnowhere.so.7", c"libc.so.6"], "libc6").expect("the C library is there");
        let maths = Maths::find(&library).expect("and has this");
        // SAFETY: it takes a number and returns one.
        assert_eq!(unsafe { (maths.abs)(-5) }, 5);
    }

    #[test]
    fn what_is_missing_is_named() {
        let missing = Library::open(&[c"libnowhere.so.7"], "libnowhere7").expect_err("there is no such thing");
        assert_eq!(missing.to_string(), "libnowhere.so.7 could not be loaded: please install the package libnowhere7");
        let library = Library::open(&[c"libc.so.6"], "libc6").expect("the C library is there");
        let missing = library.symbol(c"standfast").expect_err("nobody has heard of it");
        assert_eq!(missing.to_string(), "libc.so.6 has no standfast");
    }
}
