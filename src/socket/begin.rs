//! How a process of a session is started: a process of its own, detached from whoever starts it, that gets its order by
//! standard input and answers once by standard output.

use std::{
    env, fs,
    io::{self, BufRead as _, BufReader, Read, Write as _},
    mem::MaybeUninit,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
    ptr,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    process::Signal,
};

use super::{is_passed_on, open_files::limit_before, timespec};
use crate::session::HOLDER_VARIABLE;

/// The longest order, or answer.
const ORDER_BYTES_MAX: u64 = 1 << 20;

/// The signals that may have been ignored where it is started, and are not to be in what it starts.
const HEARD_ANEW: [Signal; 7] =
    [Signal::HUP, Signal::INT, Signal::QUIT, Signal::TERM, Signal::TSTP, Signal::TTIN, Signal::TTOU];

/// A process that was started.
#[derive(Debug)]
pub struct Begun {
    /// Itself; nobody waits for it yet.
    pub child: Child,
    /// The line that it answered; none when it ended, or said nothing in time.
    pub line: Option<String>,
}

/// Starts a program of ours as what this word makes of it, hands it its order, and waits so long for its one line.
#[expect(clippy::disallowed_methods, reason = "this is the door to the processes of sessions")]
pub fn begin(wharf: &Path, word: &str, order: &[u8], limit: Duration) -> io::Result<Begun> {
    let mut command = Command::new(wharf);
    command.arg(word).current_dir("/");
    command.env_clear().envs(env::vars_os().filter(|(key, _)| is_passed_on(key)));
    command.env(HOLDER_VARIABLE, word);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    // Programs that a server starts are allowed what they are elsewhere: old ones fail where they may have too many.
    let files = limit_before();
    let detach = move || {
        rustix::process::setsid()?;
        hear_anew();
        if let Some(limit) = files {
            rustix::process::setrlimit(rustix::process::Resource::Nofile, limit)?;
        }
        Ok(())
    };
    // SAFETY: only system calls are made between fork and exec; nothing is allocated, no lock is taken.
    #[expect(unsafe_code, reason = "a session of its own can only be begun between fork and exec")]
    unsafe {
        command.pre_exec(detach);
    }
    let mut child = command.spawn()?;
    let mut stdin = child.stdin.take().expect("it was asked for");
    // One that is gone already says so by its silence.
    drop(stdin.write_all(order));
    drop(stdin);
    let stdout = child.stdout.take().expect("it was asked for");
    let line = hear(BufReader::new(stdout), limit);
    Ok(Begun { child, line })
}

/// Undoes what was inherited of ignored and blocked signals: whoever starts something in the background of a script ignores
/// the keyboard, a daemon blocks what it waits for, and so would all that a session ever runs.
fn hear_anew() {
    let mut none = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the set is made empty before it is used; neither call allocates or takes a lock.
    #[expect(unsafe_code, reason = "only the C library sets the mask of a thread")]
    unsafe {
        libc::sigemptyset(none.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, none.as_ptr(), ptr::null_mut());
    }
    for signal in HEARD_ANEW {
        // SAFETY: no handler of this process is taken away that it has use for; the call allocates nothing.
        #[expect(unsafe_code, reason = "only the C library sets what a signal does")]
        unsafe {
            libc::signal(signal.as_raw(), libc::SIG_DFL);
        }
    }
}

impl Begun {
    /// Ends it, where its answer is not the right one. It ends by itself, or hangs; either way nobody waits for it any
    /// more.
    pub fn end(mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn hear(mut pipe: BufReader<ChildStdout>, limit: Duration) -> Option<String> {
    let deadline = Instant::now() + limit;
    loop {
        let left = timespec(deadline.saturating_duration_since(Instant::now()));
        match poll(&mut [PollFd::new(pipe.get_ref(), PollFlags::IN)], Some(&left)) {
            Ok(0) => return None,
            Ok(_) => break,
            // A child of whoever starts it may end meanwhile.
            Err(Errno::INTR) => (),
            Err(_) => return None,
        }
    }
    let mut line = String::new();
    pipe.by_ref().take(ORDER_BYTES_MAX).read_line(&mut line).ok()?;
    Some(line)
}

/// Reads an order; nothing when it is too long, or no text.
pub fn read_order(from: impl Read) -> Option<String> {
    let mut text = String::new();
    from.take(ORDER_BYTES_MAX).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Closes what this process inherited beside its standard streams: a holder lives long, and a pipe that somebody waits
/// on must not live as long. Has to come before anything is opened.
pub fn close_inherited() -> io::Result<()> {
    let listed: Vec<_> = fs::read_dir("/proc/self/fd")?.filter_map(Result::ok).map(|it| it.path()).collect();
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<i32>().ok().filter(|it| *it > 2);
    // The one that listed the others is closed by now.
    for number in listed.iter().filter(|path| path.is_symlink()).filter_map(|path| number(path)) {
        // SAFETY: nothing has been opened yet, so nothing in this process owns any of them.
        #[expect(unsafe_code, reason = "what was inherited has no owner in this process")]
        unsafe {
            rustix::io::close(number);
        }
    }
    Ok(())
}

/// Lets go of the standard streams: whoever waits for the end of a pipe does not wait for a session.
pub fn let_go_of_streams() -> io::Result<()> {
    let nowhere = fs::File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&nowhere)?;
    rustix::stdio::dup2_stdout(&nowhere)?;
    Ok(rustix::stdio::dup2_stderr(&nowhere)?)
}

/// Where this program lies. After an upgrade the running file has no name any more; then the one that took its place
/// is meant.
pub fn own_program() -> io::Result<PathBuf> {
    const REPLACED: &str = " (deleted)";
    let path = env::current_exe()?;
    let text = path.to_string_lossy();
    let settled = text.strip_suffix(REPLACED).map_or_else(|| path.clone(), PathBuf::from);
    fs::metadata(&settled).map(|_| settled)
}
