//! How a process that lives long and does little keeps no memory that it does not use.

/// Has all threads of this process allocate from one place. To be called before the second thread begins: what one thread
/// frees is then there for the others. Only where the allocator is glibc's; others need no such word.
pub fn share_memory() {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: it sets a number of the allocator; a value that it does not know is refused.
        #[expect(unsafe_code, reason = "only the C library can set this")]
        unsafe {
            libc::mallopt(libc::M_ARENA_MAX, 1);
        }
    }
}

/// Gives back to the system what was freed: reading a large registry once must not be paid for as long as a session
/// lives. Takes some ten microseconds for each megabyte.
pub fn give_back_memory() {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: the allocator does this under its own lock, and only with what nobody has.
        #[expect(unsafe_code, reason = "only the C library knows what was freed")]
        unsafe {
            libc::malloc_trim(0);
        }
    }
}
