//! What a process may do of what only the superuser may.

#![expect(unsafe_code, reason = "no crate of ours offers these calls")]

use nix::libc;
use std::io;

/// By the kernel's numbers (`linux/capability.h`).
pub const CHOWN: u8 = 0;
pub const DAC_OVERRIDE: u8 = 1;
pub const DAC_READ_SEARCH: u8 = 2;
pub const FOWNER: u8 = 3;
pub const KILL: u8 = 5;
pub const SETGID: u8 = 6;
pub const SETUID: u8 = 7;
pub const NET_BIND_SERVICE: u8 = 10;
pub const NET_ADMIN: u8 = 12;
pub const NET_RAW: u8 = 13;
pub const IPC_LOCK: u8 = 14;
pub const SYS_PTRACE: u8 = 19;
pub const SYS_ADMIN: u8 = 21;
pub const SYS_NICE: u8 = 23;
pub const SYS_RESOURCE: u8 = 24;

#[repr(C)]
struct Header {
    version: u32,
    pid: libc::c_int,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Data {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Version 3: two words of 32 bits.
const VERSION: u32 = 0x2008_0522;

/// Gives up everything but this, for good, in this thread and in what it starts. A program that it executes as the superuser has
/// everything again: the bounding set stays.
pub fn keep(capabilities: &[u8]) -> io::Result<()> {
    let mask = capabilities.iter().filter(|&&number| number < 64).fold(0_u64, |mask, number| mask | 1 << number);
    let [low, high] = [mask & 0xffff_ffff, mask >> 32].map(|word| u32::try_from(word).unwrap_or_default());
    let mut header = Header { version: VERSION, pid: 0 };
    let mut data = [Data::default(); 2];
    // SAFETY: the header and the two words that its version asks for live through the calls.
    unsafe {
        if libc::syscall(libc::SYS_capget, &raw mut header, data.as_mut_ptr()) != 0 {
            return Err(io::Error::last_os_error());
        }
        for (word, mask) in data.iter_mut().zip([low, high]) {
            word.permitted &= mask;
            word.effective = word.permitted;
            word.inheritable &= mask;
        }
        if libc::syscall(libc::SYS_capset, &raw mut header, data.as_ptr()) != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}
