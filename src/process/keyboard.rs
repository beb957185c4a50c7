//! How the keyboard of the own terminal is given to a process group, also by a process that does not have it itself.

use std::{io, mem::MaybeUninit, ptr};

use rustix::{
    fs::{Mode, OFlags},
    io::Errno,
    process::Pid,
};

/// Whether it is ours to give: nobody else shares the terminal, or whom we gave it to has it, or we have. In the background
/// of a person's shell it is that shell's.
pub(super) fn is_ours(given_to: Option<Pid>) -> bool {
    #[expect(
        unsafe_code,
        reason = "what another container has is number 0, which is no pid that rustix could name"
    )]
    // SAFETY: these answer a number and nothing else.
    let (session, has) = unsafe { (libc::getsid(0), libc::tcgetpgrp(libc::STDIN_FILENO)) };
    let leads = u32::try_from(session) == Ok(std::process::id());
    leads || given_to.is_some_and(|given| given.as_raw_pid() == has) || is_in_foreground()
}

/// Whether our group has it: who has not may not read, be it nothing. Its number would not tell, for it may be that of a
/// group outside this container.
fn is_in_foreground() -> bool {
    // Without waiting, should somebody else read just now.
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let Ok(terminal) = rustix::fs::open("/dev/tty", flags, Mode::empty()) else {
        return false;
    };
    without(libc::SIGTTIN, || rustix::io::read(&terminal, &mut [0; 0])) != Err(Errno::IO)
}

/// Gives it to this group. A process in the background would be stopped for that, or refused where nobody could continue
/// it, unless it does not hear the signal that says so.
pub(super) fn give(to: Pid) -> io::Result<()> {
    Ok(without(libc::SIGTTOU, || rustix::termios::tcsetpgrp(rustix::stdio::stdin(), to))?)
}

/// Does something while this thread does not hear a signal.
fn without<T>(signal: i32, work: impl FnOnce() -> T) -> T {
    let mut signals = MaybeUninit::<libc::sigset_t>::uninit();
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the set is made empty before it is used, and only this thread's mask is changed.
    #[expect(unsafe_code, reason = "only the C library sets the mask of a thread")]
    unsafe {
        libc::sigemptyset(signals.as_mut_ptr());
        libc::sigaddset(signals.as_mut_ptr(), signal);
        libc::pthread_sigmask(libc::SIG_BLOCK, signals.as_ptr(), before.as_mut_ptr());
    }
    let done = work();
    // SAFETY: the call above has filled the mask, which is that of this thread.
    #[expect(unsafe_code, reason = "only the C library sets the mask of a thread")]
    unsafe {
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), ptr::null_mut());
    }
    done
}
