//! How a process goes behind everything else: for what nobody waits for.

use std::{fs::File, io::Write as _};

/// The lowest priority there is.
const NICE: i32 = 19;
/// Of whom `ioprio_set` speaks, and the class that only gets the disk when nobody else wants it.
const WHO_PROCESS: libc::c_int = 1;
const CLASS_IDLE: libc::c_int = 3 << 13;

/// Puts this process into a session of its own, and that behind all others, for the processors and for the disk. What it
/// starts is behind too. Where the system does not allow a part of that, it goes on without.
pub fn step_back() {
    // Only with a session of its own has it a group of its own, by which processors are shared out.
    let alone = rustix::process::setsid();
    let nice = rustix::process::setpriority_process(None, NICE);
    let group = File::options().write(true).open("/proc/self/autogroup");
    let group = group.and_then(|mut file| file.write_all(NICE.to_string().as_bytes()));
    // SAFETY: it takes three numbers and changes the priority of this process alone.
    #[expect(unsafe_code, reason = "the C library has no name for this call")]
    let disk = unsafe { libc::syscall(libc::SYS_ioprio_set, WHO_PROCESS, 0, CLASS_IDLE) };
    tracing::debug!(?alone, ?nice, ?group, disk, "this process steps back");
}
