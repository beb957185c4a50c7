//! How the keyboard of the own terminal is given to a process group, also by a process that does not have it itself.

use std::{io, mem::MaybeUninit, ptr};

use rustix::process::Pid;

/// Gives it to this group. A process in the background would be stopped for that, or refused where nobody could continue
/// it, unless it does not hear the signal that says so.
pub(super) fn give(to: Pid) -> io::Result<()> {
    let mut signals = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the set is made empty before it is used, and only this thread's mask is changed.
    #[expect(unsafe_code, reason = "only the C library sets the mask of a thread")]
    unsafe {
        libc::sigemptyset(signals.as_mut_ptr());
        libc::sigaddset(signals.as_mut_ptr(), libc::SIGTTOU);
        libc::pthread_sigmask(libc::SIG_BLOCK, signals.as_ptr(), before.as_mut_ptr());
    }
    let given = rustix::termios::tcsetpgrp(rustix::stdio::stdin(), to);
    // SAFETY: the call above has filled the mask, which is that of this thread.
    #[expect(unsafe_code, reason = "only the C library sets the mask of a thread")]
    unsafe {
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut());
    }
    Ok(given?)
}
