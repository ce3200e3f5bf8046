//! Mounts of our own, which nobody else sees.

#![expect(unsafe_code, reason = "no crate of ours offers these calls")]

use nix::libc;
use nix::sched::{CloneFlags, unshare};
use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr::null;

fn done(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn c_string(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

/// From here on nobody else sees what this process mounts. It goes on seeing what others mount.
pub fn separate() -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    // SAFETY: the path lives through the call, and the others are not used for this.
    done(unsafe { libc::mount(null(), c"/".as_ptr(), null(), libc::MS_SLAVE | libc::MS_REC, null()) })
}

/// One folder in the place of another.
pub fn bind(folder: &Path, place: &Path) -> io::Result<()> {
    let (folder, place) = (c_string(folder)?, c_string(place)?);
    // SAFETY: both paths live through the call, and the others are not used for this.
    done(unsafe { libc::mount(folder.as_ptr(), place.as_ptr(), null(), libc::MS_BIND, null()) })
}

/// What is in its place is there again.
pub fn unbind(place: &Path) -> io::Result<()> {
    let place = c_string(place)?;
    // SAFETY: the path lives through the call.
    done(unsafe { libc::umount2(place.as_ptr(), libc::MNT_DETACH) })
}
