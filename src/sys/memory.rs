//! Memory that is not needed any more.

#![expect(unsafe_code, reason = "no crate of ours offers what the C library has for this")]

/// Gives free memory back to the system. It is kept otherwise, wherever something still in use lies above it.
pub fn give_back() {
    // SAFETY: takes a number only; it is safe in any thread, and touches nothing that is in use.
    #[cfg(target_env = "gnu")]
    unsafe {
        nix::libc::malloc_trim(0);
    }
}
