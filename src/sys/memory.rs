//! Memory that is not needed any more.

#![expect(unsafe_code, reason = "no crate of ours offers what the C library has for this")]

use nix::libc;

/// What is taken in larger pieces is given back as soon as it is free.
const LARGE: libc::c_int = 512 << 10;
/// So much is kept otherwise: what is given back and taken again costs a fault for each of its pages.
const RESERVE: libc::c_int = 64 << 20;

/// To be called before anything else. From here on memory is given back by [`trim`], and not as it happens.
pub fn prepare() {
    // SAFETY: takes numbers only; there is one thread.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        libc::mallopt(libc::M_TRIM_THRESHOLD, RESERVE);
    }
}

/// For a process in which one thread does nearly everything: what others have let go of is used again by all.
pub fn share() {
    // SAFETY: takes numbers only.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Gives free memory back to the system. It is kept otherwise, wherever something still in use lies above it.
pub fn trim() {
    // SAFETY: takes a number only; it is safe in any thread, and touches nothing that is in use.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}

/// The same, and lets go of the program's own pages as well: of the code that has run so far, most has read a configuration
/// and will not run again. What is still needed comes back from the system's file cache when it is used.
pub fn give_back() {
    trim();
    // SAFETY: the callback has the type that is asked for, and no use of the pointer that is handed to it.
    unsafe {
        libc::dl_iterate_phdr(Some(unload), std::ptr::null_mut());
    }
}

/// For one object of the program.
///
/// # Safety
///
/// To be called by `dl_iterate_phdr` only.
unsafe extern "C" fn unload(info: *mut libc::dl_phdr_info, _: libc::size_t, _: *mut libc::c_void) -> libc::c_int {
    // SAFETY: `dl_iterate_phdr` hands out a description that is valid during the call, with as many headers as it says.
    let (base, headers) = unsafe {
        let info = &*info;
        if info.dlpi_phdr.is_null() {
            return 0;
        }
        (info.dlpi_addr, std::slice::from_raw_parts(info.dlpi_phdr, info.dlpi_phnum.into()))
    };
    let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok().flatten().and_then(|size| u64::try_from(size).ok());
    let Some(page) = page else { return 0 };
    for header in headers {
        // Nothing was ever written to these, so that what they are in the file is what they are.
        if header.p_type != libc::PT_LOAD || header.p_flags & libc::PF_W != 0 {
            continue;
        }
        let start = base.wrapping_add(header.p_vaddr) / page * page;
        let end = base.wrapping_add(header.p_vaddr).wrapping_add(header.p_filesz).next_multiple_of(page);
        let (Ok(start), Ok(length)) = (usize::try_from(start), usize::try_from(end.saturating_sub(start))) else { continue };
        // SAFETY: these pages are mapped from a file and are not written to, so that they can be had from there again; no
        // page of another segment is among them, because the loader gives each its own.
        unsafe {
            libc::madvise(std::ptr::with_exposed_provenance_mut(start), length, libc::MADV_DONTNEED);
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_goes_on_without_what_it_has_given_back() {
        let kept: Vec<Box<[u8]>> = (0..1000_usize).map(|n| vec![u8::try_from(n % 251).unwrap_or_default(); n].into()).collect();
        for _ in 0..3 {
            give_back();
            assert!(kept.iter().enumerate().all(|(n, bytes)| bytes.len() == n && bytes.iter().all(|&byte| usize::from(byte) == n % 251)));
        }
    }
}
