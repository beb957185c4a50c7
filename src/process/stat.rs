//! What the kernel tells about one process in `/proc/<pid>/stat`.

use std::io;

use rustix::io::Errno;

use super::proc_file;

/// Where the fields stand, counted behind the closing bracket of the name.
const STATE: usize = 0;
const PARENT: usize = 1;
const FLAGS: usize = 6;
const USER_TICKS: usize = 11;
const SYSTEM_TICKS: usize = 12;
const STARTED: usize = 19;
const RESIDENT_PAGES: usize = 21;
const ENVIRONMENT_END: usize = 48;
/// The flag of a thread of the kernel.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// What is used of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) name: String,
    pub(super) parent: u32,
    pub(super) is_zombie: bool,
    /// Whether it waits for something that can be interrupted.
    pub(super) is_asleep: bool,
    pub(super) cpu_ticks: u64,
    pub(super) started: u64,
    pub(super) resident_pages: u64,
    /// Whether it has just taken another program on, and its environment is not in its place yet.
    pub(super) is_becoming: bool,
}

/// The process that has this pid now; nothing when there is none.
pub(super) fn load(pid: u32) -> io::Result<Option<Stat>> {
    match proc_file::read(&format!("{pid}/stat")) {
        Ok(bytes) => Ok(parse(&String::from_utf8_lossy(&bytes))),
        // The second is a process that ended between opening and reading.
        Err(err) if err.kind() == io::ErrorKind::NotFound || is_gone(&err) => Ok(None),
        Err(err) => Err(err),
    }
}

/// Whether an error says that there is no such process any more.
pub(super) fn is_gone(err: &io::Error) -> bool {
    Errno::from_io_error(err) == Some(Errno::SRCH)
}

/// What stands before the closing bracket of the name, and the fields behind it. The name may hold spaces and brackets, so
/// only what follows its last bracket can be counted.
pub(super) fn split(line: &str) -> Option<(&str, &str)> {
    line.rsplit_once(") ")
}

fn parse(line: &str) -> Option<Stat> {
    let (head, tail) = split(line)?;
    let (_, name) = head.split_once(" (")?;
    let fields: Vec<&str> = tail.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Stat {
        name: name.to_owned(),
        parent: u32::try_from(number(PARENT)?).ok()?,
        is_asleep: *fields.get(STATE)? == "S",
        is_zombie: matches!(*fields.get(STATE)?, "Z" | "X" | "x"),
        cpu_ticks: number(USER_TICKS)?.saturating_add(number(SYSTEM_TICKS)?),
        started: number(STARTED)?,
        resident_pages: number(RESIDENT_PAGES)?,
        is_becoming: number(ENVIRONMENT_END) == Some(0) && number(FLAGS)? & KERNEL_THREAD == 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_brackets_and_spaces() {
        let line =
            "7 (a) b (c) S 3 7 7 0 -1 4194304 1 0 0 0 5 6 0 0 20 0 1 0 99 4096 12 18446744073709551615 1\n";
        let stat = parse(line).unwrap();
        assert_eq!((stat.name.as_str(), stat.parent, stat.is_zombie), ("a) b (c", 3, false));
        assert_eq!((stat.cpu_ticks, stat.started, stat.resident_pages), (11, 99, 12));
        assert!(parse(&line.replace(") S", ") Z")).unwrap().is_zombie);
    }

    #[test]
    fn a_process_without_an_environment_yet_is_told_from_a_thread_of_the_kernel() {
        let with = |flags: &str, end: &str| {
            let between = "1 ".repeat(ENVIRONMENT_END - FLAGS - 1);
            parse(&format!("7 (sh) S 3 7 7 0 -1 {flags} {between}{end} 0")).unwrap().is_becoming
        };
        assert!(with("4194304", "0"));
        assert!(!with("4194304", "140736"));
        assert!(!with("2129984", "0"), "a thread of the kernel never has one");
    }

    #[test]
    fn half_a_line_is_no_process() {
        for line in ["", "7", "7 (sh", "7 (sh) S", "7 (sh) S 3 7 7"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
