//! Which pids there are, with those of processes that are born while somebody looks at the others.

use std::{collections::HashSet, fs, io};

use super::proc_file;

/// How many times those that were born meanwhile are looked at, on a machine where processes never cease to be born.
const CHASES_MAX: usize = 64;

/// Calls `visit` with the pid of every process. A process that ends before its turn has been passed over, but whoever it
/// started before is not: pids are given in ascending order, so a child that the list does not have yet is among those that
/// were given since. Each pid is visited once; when the numbers begin anew meanwhile, those of before are visited again,
/// because somebody else may have them. Where the kernel does not tell which was given last, the list has to do.
pub(super) fn each(mut visit: impl FnMut(u32) -> io::Result<()>) -> io::Result<()> {
    let mut seen = HashSet::new();
    let mut given = last_given();
    let mut next = listed()?;
    for _ in 0..CHASES_MAX {
        for pid in next {
            if seen.insert(pid) {
                visit(pid)?;
            }
        }
        let last = last_given();
        next = match since(given, last) {
            Since::Nobody => break,
            Since::Pids(first, last) => born(first, last),
            Since::AllAnew => {
                seen.clear();
                listed()?
            }
        };
        given = last;
    }
    Ok(())
}

/// Who was born between two looks.
#[derive(Debug, PartialEq, Eq)]
enum Since {
    Nobody,
    /// From the first to the last of these.
    Pids(u32, u32),
    /// Behind the highest pid they begin again from the lowest.
    AllAnew,
}

fn since(given: Option<u32>, last: Option<u32>) -> Since {
    match (given, last) {
        (Some(given), Some(last)) if last > given => Since::Pids(given + 1, last),
        (Some(given), Some(last)) if last < given => Since::AllAnew,
        _ => Since::Nobody,
    }
}

fn listed() -> io::Result<Vec<u32>> {
    let mut pids = Vec::new();
    for entry in fs::read_dir("/proc")? {
        pids.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
    }
    Ok(pids)
}

/// The processes with pids from `first` to `last`; threads have numbers of the same row.
fn born(first: u32, last: u32) -> Vec<u32> {
    (first..=last).filter(|pid| is_process(*pid)).collect()
}

fn is_process(pid: u32) -> bool {
    let status = proc_file::read(&format!("{pid}/status")).unwrap_or_default();
    let mut lines = status.split(|byte| *byte == b'\n');
    let group = lines.find_map(|line| line.strip_prefix(b"Tgid:"));
    group.and_then(|group| std::str::from_utf8(group).ok()?.trim().parse().ok()) == Some(pid)
}

/// The pid that was given last, to a process or a thread: the last field of `/proc/loadavg`. Nothing where something in
/// its place tells only the load.
fn last_given() -> Option<u32> {
    let line = String::from_utf8(proc_file::read("loadavg").ok()?).ok()?;
    line.split_whitespace().nth(4)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a test needs a process")]
    fn sleeper() -> Child {
        Command::new("sleep").arg("60").stdin(Stdio::null()).spawn().unwrap()
    }

    #[test]
    fn who_is_born_while_somebody_looks_is_seen_and_everybody_once() {
        let mut born = Vec::new();
        let mut seen = Vec::new();
        each(|pid| {
            // Two generations, each born when the looking at the one before has begun.
            if born.is_empty() || (born.len() == 1 && born.last().map(Child::id) == Some(pid)) {
                born.push(sleeper());
            }
            seen.push(pid);
            Ok(())
        })
        .unwrap();
        let pids: Vec<u32> = born.iter().map(Child::id).collect();
        for child in &mut born {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert_eq!(pids.len(), 2);
        assert!(pids.iter().all(|pid| seen.contains(pid)), "{pids:?} of {seen:?}");
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all, "everybody is looked at once");
    }

    #[test]
    fn numbers_that_begin_anew_and_numbers_that_nobody_tells() {
        assert_eq!(since(Some(7), Some(7)), Since::Nobody);
        assert_eq!(since(Some(7), Some(9)), Since::Pids(8, 9));
        assert_eq!(since(Some(4_000_000), Some(300)), Since::AllAnew);
        for unknown in [(None, None), (Some(7), None), (None, Some(7))] {
            assert_eq!(since(unknown.0, unknown.1), Since::Nobody);
        }
        assert!(last_given().is_some());
    }

    #[test]
    fn a_thread_is_no_process() {
        let own = std::process::id();
        assert!(is_process(own));
        let thread = std::thread::spawn(|| rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs());
        let thread = thread.join().unwrap();
        assert_ne!(thread, own);
        assert!(!is_process(thread), "it has ended, or is a thread");
        let here = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
        assert_eq!(is_process(here), here == own);
    }

    #[test]
    fn an_error_of_who_looks_ends_the_looking() {
        let mut count = 0;
        let outcome = each(|_| {
            count += 1;
            Err(io::Error::other("no more"))
        });
        assert_eq!((outcome.unwrap_err().to_string().as_str(), count), ("no more", 1));
    }
}
