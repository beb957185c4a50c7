//! Whether a process still has the terminal it sits at: one that was stopped, or put into the background, has not.

use std::{fs::File, os::fd::AsFd};

use rustix::{
    fs::{Stat, fstat, major, minor},
    process::Pid,
};

use super::stat;

/// Longer than what is looked at: the name has at most 64 bytes, and six numbers follow.
const STAT_BYTES: usize = 512;
/// Where the fields stand, counted behind the closing bracket of the name.
const STATE: usize = 0;
const GROUP: usize = 2;
const TERMINAL: usize = 4;
const FOREGROUND: usize = 5;
const FIELDS: usize = 6;

/// A process and the terminal that is looked at. Of a process that cannot be seen nothing is known.
#[derive(Debug)]
pub struct Job {
    told: Option<File>,
    /// The terminal, as the kernel numbers it there.
    device: i64,
}

impl Job {
    /// The process with this pid, which lives, at this terminal.
    pub fn of(pid: Option<Pid>, terminal: impl AsFd) -> Self {
        // What is open stays that process, whoever has its number later.
        let told = pid.and_then(|pid| File::open(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok());
        Self { told, device: fstat(terminal).map_or(0, |meta| number(&meta)) }
    }

    /// Whether it is seen to have stopped, or to be in the background of the terminal.
    pub fn is_away(&self) -> bool {
        let mut bytes = [0; STAT_BYTES];
        let count = self.told.as_ref().and_then(|told| rustix::io::pread(told, &mut bytes, 0).ok());
        count.is_some_and(|count| is_away(&String::from_utf8_lossy(&bytes[..count]), self.device))
    }
}

/// The number of a terminal in `/proc/<pid>/stat`.
fn number(meta: &Stat) -> i64 {
    let (major, minor) = (major(meta.st_rdev), minor(meta.st_rdev));
    i64::from((minor & 0xff) | (major << 8) | ((minor & !0xff) << 12))
}

fn is_away(line: &str, device: i64) -> bool {
    let Some((_, tail)) = stat::split(line) else {
        return false;
    };
    let mut fields = [""; FIELDS];
    fields.iter_mut().zip(tail.split_ascii_whitespace()).for_each(|(field, text)| *field = text);
    let number = |at: usize| fields[at].parse::<i64>().ok();
    // In another container the group has no number here, and none is told.
    let is_behind = number(FOREGROUND).is_some_and(|foreground| foreground > 0)
        && number(TERMINAL) == Some(device)
        && number(FOREGROUND) != number(GROUP);
    fields[STATE] == "T" || is_behind
}

#[cfg(test)]
mod tests {
    #[test]
    fn who_is_stopped_or_in_the_background_of_the_terminal_is_away() {
        let device = (136 << 8) | 3;
        let lines = [
            ("1 (wharf) S 1 10 10 34819 10 4194304", false),
            ("1 (wharf) R 1 10 10 34819 10 4194304", false),
            ("1 (a) T (b) S 1 10 10 34819 10 4194304", false),
            // Traced, which stops for a moment only.
            ("1 (wharf) t 1 10 10 34819 10 4194304", false),
            // Another terminal, and none.
            ("1 (wharf) S 1 10 10 34820 11 4194304", false),
            ("1 (wharf) S 1 10 10 0 -1 4194304", false),
            ("", false),
            ("1 (wharf) T 1 10 10 34819 10 4194304", true),
            ("1 (wharf) S 1 10 10 34819 11 4194304", true),
        ];
        for (line, is_away) in lines {
            assert_eq!(super::is_away(line, device), is_away, "{line}");
        }
    }

    #[test]
    fn a_terminal_has_the_number_that_the_kernel_tells() {
        let line = std::fs::read_to_string("/proc/self/stat").unwrap();
        let fields: Vec<&str> = super::stat::split(&line).unwrap().1.split_ascii_whitespace().collect();
        let Ok(terminal) = std::fs::File::open("/dev/tty") else {
            // Nobody sits here.
            assert_eq!(fields[super::TERMINAL], "0");
            return;
        };
        // `/dev/tty` itself has another one.
        let path = rustix::termios::ttyname(&terminal, Vec::new()).unwrap();
        let meta = rustix::fs::stat(&*path).unwrap();
        assert_eq!(fields[super::TERMINAL], super::number(&meta).to_string());
    }
}
