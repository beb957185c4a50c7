//! How a process is signalled and waited for: through a pidfd, so that nobody who got its pid later is meant
//! (RELIABILITY P2).

use std::{
    fs, io,
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

use super::{identify, is_alive};
use crate::session::ProcessId;

/// The highest number of a signal.
const SIGNAL_MAX: i32 = 64;

/// A signal by its number or by its name, with or without `SIG`; nothing when there is no such signal.
pub fn signal_named(text: &str) -> Option<i32> {
    let upper = text.to_ascii_uppercase();
    let name = format!("SIG{}", upper.strip_prefix("SIG").unwrap_or(&upper));
    let number = text.parse().ok().filter(|number| (1..=SIGNAL_MAX).contains(number));
    let named = || (1..=SIGNAL_MAX).find(|it| signal_hook::low_level::signal_name(*it) == Some(&name));
    number.or_else(named)
}

/// Sends a signal to exactly this process. Says whether it was alive.
pub fn send(process: &ProcessId, signal: Signal) -> io::Result<bool> {
    let Some(handle) = open(process)? else {
        return Ok(false);
    };
    match pidfd_send_signal(&handle, signal) {
        Ok(()) => Ok(true),
        Err(Errno::SRCH) => Ok(false),
        Err(err) => Err(err.into()),
    }
}

/// Whether a signal would do to a process what it does to one that has made no arrangements: nothing of it is caught,
/// ignored or put off. Nothing, for a process that is gone, is so.
pub fn is_default(process: &ProcessId, signal: Signal) -> bool {
    let Ok(status) = fs::read_to_string(format!("/proc/{}/status", process.pid)) else {
        return false;
    };
    let bit = 1_u64 << (signal.as_raw() - 1);
    let is_set = |line: &str| {
        let (key, mask) = line.split_once(':').unwrap_or_default();
        matches!(key, "SigBlk" | "SigIgn" | "SigCgt")
            && u64::from_str_radix(mask.trim(), 16).map_or(true, |mask| mask & bit != 0)
    };
    // The look goes last: what was read is then told of the one that is meant.
    !status.lines().any(is_set) && is_alive(process)
}

/// Waits until exactly this process has ended, reaped or not, at most this long. Says whether it has.
pub fn wait_for_end(process: &ProcessId, limit: Duration) -> io::Result<bool> {
    let Some(handle) = open(process)? else {
        return Ok(true);
    };
    let begun = Instant::now();
    loop {
        let left = limit.saturating_sub(begun.elapsed());
        // A limit that no system can count to is none.
        let timeout = Timespec::try_from(left).ok();
        let mut waiting = [PollFd::new(&handle, PollFlags::IN)];
        match poll(&mut waiting, timeout.as_ref()) {
            Ok(0) | Err(Errno::INTR) if begun.elapsed() >= limit => return Ok(false),
            Ok(0) | Err(Errno::INTR) => (),
            Ok(_) => return Ok(true),
            Err(err) => return Err(err.into()),
        }
    }
}

/// A handle on exactly this process; nothing when it has ended. The handle comes first and the look second, so that
/// what is looked at is what the handle holds.
fn open(process: &ProcessId) -> io::Result<Option<OwnedFd>> {
    let Some(pid) = i32::try_from(process.pid).ok().and_then(Pid::from_raw) else {
        return Ok(None);
    };
    let handle = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(handle) => handle,
        Err(Errno::SRCH) => return Ok(None),
        Err(err) => return Err(err.into()),
    };
    Ok((identify(process.pid)?.as_ref() == Some(process)).then_some(handle))
}
