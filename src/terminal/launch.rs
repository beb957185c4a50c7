//! How a holder is started and told what to run: a process of its own, detached from whoever starts it, that gets its
//! orders by standard input and answers once by standard output.

use std::{
    env, fs,
    io::{self, BufRead as _, BufReader, Read, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use serde::{Deserialize, Serialize};

use super::{
    Launch, Started, TerminalError,
    held::{Assigned, Identity},
    pty,
};
use crate::{limits::Limits, process::Offspring, screen::Size, text};

/// What a holder is called on the command line of this program.
pub const HOLD: &str = "hold";
/// The longest order, or answer.
const ORDER_BYTES_MAX: u64 = 1 << 20;
/// How long a holder may take to begin: it waits for the lock on the registry.
const BEGIN_LIMIT: Duration = Duration::from_secs(20);

/// A launch as it travels.
#[derive(Debug, Deserialize, Serialize)]
struct Order {
    id: String,
    name: String,
    workspace: PathBuf,
    worktree: PathBuf,
    command: Vec<String>,
    agent: Option<Assigned>,
    rows: u16,
    cols: u16,
    scrollback_rows_max: usize,
    log_bytes_max: u64,
    clients_max: usize,
    queue_bytes_max: usize,
    quiet_ms: Option<u64>,
    #[serde(default = "yes")]
    activity: bool,
    #[serde(default)]
    keep: Vec<String>,
}

/// What a holder answers when it has begun, or could not.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Started { process: Identity, holder: Identity },
    Running,
    Failed(String),
}

fn yes() -> bool {
    true
}

impl From<&Launch> for Order {
    fn from(launch: &Launch) -> Self {
        let Launch { id, name, workspace, worktree, command, agent, size, limits, keep } = launch;
        Self {
            id: id.to_string(),
            name: name.to_string(),
            workspace: workspace.clone(),
            worktree: worktree.clone(),
            command: command.clone(),
            agent: agent.as_ref().map(Assigned::from),
            rows: size.rows(),
            cols: size.cols(),
            scrollback_rows_max: limits.scrollback_rows_max,
            log_bytes_max: limits.log_bytes_max,
            clients_max: limits.clients_max,
            queue_bytes_max: limits.queue_bytes_max,
            quiet_ms: limits.quiet.map(|quiet| u64::try_from(quiet.as_millis()).unwrap_or(u64::MAX)),
            activity: limits.activity,
            keep: keep.clone(),
        }
    }
}

impl Order {
    fn into_launch(self) -> Option<Launch> {
        let agent = match self.agent {
            Some(assigned) => Some(assigned.into_agent()?),
            None => None,
        };
        Some(Launch {
            id: self.id.parse().ok()?,
            name: self.name.parse().ok()?,
            workspace: self.workspace,
            worktree: self.worktree,
            command: self.command,
            agent,
            size: Size::new(self.rows, self.cols)?,
            limits: Limits {
                scrollback_rows_max: self.scrollback_rows_max,
                log_bytes_max: self.log_bytes_max,
                clients_max: self.clients_max,
                queue_bytes_max: self.queue_bytes_max,
                quiet: self.quiet_ms.map(Duration::from_millis),
                activity: self.activity,
            },
            keep: self.keep,
        })
    }
}

/// Reads what a holder is to run; nothing when that is no order.
pub fn read_order(from: impl Read) -> Option<Launch> {
    let mut text = String::new();
    from.take(ORDER_BYTES_MAX).read_to_string(&mut text).ok()?;
    serde_json::from_str::<Order>(&text).ok()?.into_launch()
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

/// The line a holder answers with.
pub fn answer(outcome: Result<&Started, &TerminalError>) -> String {
    let word = match outcome {
        Ok(started) => Word::Started { process: (&started.process).into(), holder: (&started.holder).into() },
        Err(TerminalError::Running) => Word::Running,
        Err(TerminalError::Program { because, .. }) => Word::Failed(because.clone()),
        Err(err) => Word::Failed(text::because(err)),
    };
    let mut line = serde_json::to_string(&word).expect("plain values always have a JSON form");
    line.push('\n');
    line
}

/// Starts a holder and waits until it runs its program, or says why not. One that runs goes to the others, to be reaped.
#[expect(clippy::disallowed_methods, reason = "this is the door to holders")]
pub(super) fn start(wharf: &Path, launch: &Launch, holders: &Offspring) -> Result<Started, TerminalError> {
    let failed = |source| TerminalError::Io { action: "run", path: wharf.to_owned(), source };
    let mut command = Command::new(wharf);
    command.arg(HOLD).current_dir("/");
    command.env_clear().envs(env::vars_os().filter(|(key, _)| pty::is_passed_on(key)));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let detach = || {
        rustix::process::setsid()?;
        Ok(())
    };
    // SAFETY: a single system call is made between fork and exec.
    #[expect(unsafe_code, reason = "a session of its own can only be begun between fork and exec")]
    unsafe {
        command.pre_exec(detach);
    }
    let mut child = command.spawn().map_err(failed)?;
    let order = serde_json::to_vec(&Order::from(launch)).expect("plain values always have a JSON form");
    let mut stdin = child.stdin.take().expect("it was asked for");
    // A holder that is gone already says so by its silence.
    drop(stdin.write_all(&order));
    drop(stdin);
    let stdout = child.stdout.take().expect("it was asked for");
    let word = hear(BufReader::new(stdout), BEGIN_LIMIT);
    let program = || launch.command.first().cloned().unwrap_or_default();
    match word {
        Some(Word::Started { process, holder }) => {
            if let Err(err) = holders.adopt(&child) {
                tracing::warn!(pid = child.id(), error = %err, "a holder will not be reaped before this process ends");
            }
            Ok(Started { process: process.into(), holder: holder.into() })
        }
        refused => {
            // It ends by itself, or hangs; either way nobody waits for it any more.
            drop(child.kill());
            drop(child.wait());
            Err(match refused {
                Some(Word::Running) => TerminalError::Running,
                Some(Word::Failed(because)) => TerminalError::Program { program: program(), because },
                Some(Word::Started { .. }) | None => {
                    TerminalError::Silent { because: "it ended, or took too long, before the program ran" }
                }
            })
        }
    }
}

fn hear(mut pipe: BufReader<std::process::ChildStdout>, limit: Duration) -> Option<Word> {
    let deadline = Instant::now() + limit;
    loop {
        let left = Timespec::try_from(deadline.saturating_duration_since(Instant::now())).ok()?;
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
    serde_json::from_str(&line).ok()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Agent;

    fn launch() -> Launch {
        Launch {
            id: "2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11".parse().unwrap(),
            name: "auth".parse().unwrap(),
            workspace: "/workspace".into(),
            worktree: "/workspace/.worktrees/2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11".into(),
            command: vec!["sh".to_owned(), "-c".to_owned(), "echo \"ü\"\n".to_owned()],
            agent: Some(Agent {
                name: "claude".parse().unwrap(),
                arguments: vec!["--model".to_owned(), "ü".to_owned()],
                conversation: Some("ses_1".parse().unwrap()),
                reports: false,
            }),
            size: Size::new(50, 132).unwrap(),
            limits: Limits { activity: false, ..Limits::default() },
            keep: vec!["daemon".to_owned()],
        }
    }

    #[test]
    fn an_order_arrives_as_it_was_given() {
        let order = serde_json::to_vec(&Order::from(&launch())).unwrap();
        assert_eq!(read_order(&*order), Some(launch()));
    }

    #[test]
    fn what_is_no_order_is_not_run() {
        for text in ["", "{}", "null", "{\"id\":\"../..\"}"] {
            assert_eq!(read_order(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_failure_is_told_with_its_causes() {
        let source = io::Error::other("no space");
        let err = TerminalError::Io { action: "make", path: "/run/x".into(), source };
        assert_eq!(answer(Err(&err)), "{\"failed\":\"cannot make /run/x: no space\"}\n");
        assert_eq!(answer(Err(&TerminalError::Running)), "\"running\"\n");
    }
}
