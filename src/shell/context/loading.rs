//! How an interpreter is started and set to what another one held, and how what it holds is asked for.

use std::{io::Read as _, os::fd::AsFd as _, time::Instant};

use super::{
    Changes, Context, Defined, Driver, Interpreter, LateStreams, READ_BYTES, Restoring, Running, SAVING_MAX,
    Setting, ShellError, Sink, State, Stream, Task, Tree, driver::path,
};

/// How many random bytes a context has of its own: nobody guesses its marks.
const UNIQUE_BYTES: usize = 16;
/// What the saved bytes may have besides what is kept of them: what an interpreter makes itself, and quotes.
const SAVED_BYTES_BESIDE: u64 = 4 << 20;
/// The most that an interpreter may say about what it could not set again, in bytes.
const LOST_BYTES_MAX: u64 = 1 << 20;
/// The longest text that an interpreter is set to in a line of its input; Bash reads that byte by byte, and takes minutes
/// for a million quotes in quotes. A longer one it reads from a path.
const LINE_TEXT_MAX: usize = 64 << 10;
/// How often an interpreter is started at most, each time without the piece that the last one did not survive.
const STARTS_MAX: usize = 4;
/// What the key of a command that is run again begins with.
const INPUT: &str = "input:";
/// What cannot be kept when nothing of a state can.
const ALL: &str = "state";

/// Takes nothing.
struct Nobody;

impl Sink for Nobody {
    fn output(&mut self, _: Stream, _: &[u8]) {}
    fn late(&mut self, _: u64, _: Stream, _: &[u8]) {}
}

impl Context {
    /// Starts an interpreter and sets it to what changed since a fresh start. Answers the keys of what could not be set
    /// again, too: a piece at which the interpreter ends, or does not come to an end, costs no other. The interpreter is
    /// killed when the thread that calls this ends.
    pub(in crate::shell) fn start(
        interpreter: &Interpreter,
        setting: &Setting,
        changes: &Changes,
    ) -> Result<(Self, Vec<String>), ShellError> {
        let mut left = changes.clone();
        let mut lost = Vec::new();
        loop {
            let mut context = Self::fresh(interpreter, setting)?;
            let mut at = ALL.to_owned();
            match context.restore(&left, &mut at) {
                Ok(also) => {
                    lost.extend(also);
                    return Ok((context, lost));
                }
                Err(err) if left.is_empty() => return Err(err),
                Err(err) => {
                    tracing::warn!(key = at, error = %err, "a context could not be set to a piece of its state");
                    let is_piece = left.set.remove(&at).is_some() | left.unset.remove(&at);
                    if !is_piece || lost.len() + 1 >= STARTS_MAX {
                        left = Changes::default();
                        ALL.clone_into(&mut at);
                    }
                    lost.push(at);
                }
            }
        }
    }

    /// Starts an interpreter that holds nothing.
    fn fresh(interpreter: &Interpreter, setting: &Setting) -> Result<Self, ShellError> {
        let broken =
            |because: String| ShellError::Interpreter { program: interpreter.program().to_owned(), because };
        let unique = unique().map_err(|err| broken(err.to_string()))?;
        let driver = Driver::start(interpreter, setting, &unique).map_err(|err| broken(err.to_string()))?;
        let tree =
            Tree { interpreter: driver.pid(), subreaper: setting.subreaper, unique, before: Vec::new() };
        let mut context = Self {
            interpreter: interpreter.clone(),
            driver,
            tree,
            late: LateStreams::default(),
            baseline: State::default(),
            current: State::default(),
            saved: Vec::new(),
            lost: Vec::new(),
            defined: Defined::default(),
            setting: setting.clone(),
            code: 0,
            is_gone: false,
            nonce: String::new(),
            marks: 0,
            number: 0,
            buffer: vec![0; READ_BYTES],
        };
        let begin = interpreter.begin_line();
        context.driver.tell(&begin);
        context.settle(b"")?;
        context.load_state(b"")?;
        context.baseline = context.current.clone();
        Ok(context)
    }

    /// Sets the interpreter to what changed, and answers the keys of what could not be set; `at` is the one it is at.
    fn restore(&mut self, changes: &Changes, at: &mut String) -> Result<Vec<String>, ShellError> {
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        self.defined.know(changes);
        let lost = match self.interpreter.restore(changes) {
            Restoring::Commands(commands) => self.restore_by_commands(commands, at)?,
            Restoring::File(bytes) => self.restore_from_file(&bytes)?,
        };
        if self.interpreter.entry().save.is_none() {
            let kept = changes.set.iter().filter(|(key, _)| !lost.contains(key));
            self.current = kept.map(|(key, text)| (key.clone(), text.clone())).collect();
        }
        self.load_state(b"")?;
        Ok(lost)
    }

    fn restore_by_commands(
        &mut self,
        commands: Vec<(String, Vec<u8>)>,
        at: &mut String,
    ) -> Result<Vec<String>, ShellError> {
        let mut lost = Vec::new();
        for (key, mut text) in commands {
            at.clone_from(&key);
            let path = self.driver.state_path();
            if text.len() > LINE_TEXT_MAX
                && let Some(line) = self.interpreter.restore_line(&path, "")
            {
                self.driver.lay_down(&text).map_err(|err| self.failed(&err))?;
                text = line;
            }
            if self.settle(&text)? != 0 {
                lost.push(key);
            }
        }
        ALL.clone_into(at);
        Ok(lost)
    }

    /// Has the interpreter read what it is set to, and write the keys of what it could not set.
    fn restore_from_file(&mut self, bytes: &[u8]) -> Result<Vec<String>, ShellError> {
        let failed = |err: std::io::Error| self.failed(&err);
        self.driver.lay_down(bytes).map_err(failed)?;
        let lost = std::fs::File::from(
            rustix::fs::memfd_create("lost", rustix::fs::MemfdFlags::CLOEXEC)
                .map_err(|err| failed(err.into()))?,
        );
        let line = self.interpreter.restore_line(&self.driver.state_path(), &path(lost.as_fd()));
        let mut running = Running::default();
        self.driver.tell(&line.unwrap_or_default());
        self.send_marks(&mut running);
        let code = self.follow(&mut running)?;
        let mut keys = String::new();
        std::io::BufReader::new(lost)
            .take(LOST_BYTES_MAX)
            .read_to_string(&mut keys)
            .map_err(|err| self.failed(&err))?;
        let mut keys: Vec<String> = keys.lines().map(str::to_owned).collect();
        if code != 0 && keys.is_empty() {
            keys.push(ALL.to_owned());
        }
        Ok(keys)
    }

    /// Runs a text whose output nobody wants, and answers its exit code.
    fn settle(&mut self, text: &[u8]) -> Result<i32, ShellError> {
        let mut running = Running::default();
        self.send(text, 0, &mut running).map_err(|err| self.failed(&err))?;
        self.follow(&mut running)
    }

    /// Waits for something that takes no time of its own, and answers its exit code.
    fn follow(&mut self, running: &mut Running) -> Result<i32, ShellError> {
        let deadline = Instant::now() + SAVING_MAX;
        while !running.is_over() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(self.broken("it does not answer"));
            }
            let outcome = running.turn(&mut self.turn(None, &mut Nobody), Some(left));
            outcome.map_err(|err| self.failed(&err))?;
        }
        running.code.filter(|_| !running.is_gone).ok_or_else(|| {
            self.is_gone = true;
            self.broken("it ended at once")
        })
    }

    /// Takes over what the interpreter saved last, and answers what a command changed.
    pub(super) fn take_state(&mut self, task: &Task<'_>) -> Result<Changes, ShellError> {
        if self.interpreter.entry().save.is_none() {
            return Ok(self.take_definition(task.text));
        }
        let before = self.current.clone();
        Ok(if self.load_state(task.text)? { self.current.since(&before) } else { Changes::default() })
    }

    /// Takes note of a command that only defines something, for an interpreter that cannot say what it holds.
    fn take_definition(&mut self, text: &[u8]) -> Changes {
        self.lost.clear();
        if !self.interpreter.is_definition(text) {
            return Changes::default();
        }
        let mut pieces: Vec<(String, Vec<u8>)> =
            self.current.iter().map(|(key, value)| (key.to_owned(), value.to_vec())).collect();
        let last = pieces.last().and_then(|(key, _)| key.strip_prefix(INPUT)?.parse::<u64>().ok());
        // Of so many digits that their order is that of the numbers.
        let key = format!("{INPUT}{:010}", last.map_or(1, |last| last + 1));
        let bytes: usize = pieces.iter().map(|(key, value)| key.len() + value.len()).sum();
        if bytes + key.len() + text.len() > self.setting.state_bytes_max {
            self.lost.push(key);
            return Changes::default();
        }
        pieces.push((key, text.to_vec()));
        let before = std::mem::replace(&mut self.current, pieces.into_iter().collect());
        self.current.since(&before)
    }

    /// Takes over what the interpreter saved last. Says whether it is anything else than before.
    fn load_state(&mut self, text: &[u8]) -> Result<bool, ShellError> {
        if self.interpreter.entry().save.is_none() {
            return Ok(false);
        }
        let limit =
            (self.setting.state_bytes_max as u64).saturating_mul(4).saturating_add(SAVED_BYTES_BESIDE);
        let saved = self.driver.saved(limit).map_err(|err| self.failed(&err))?;
        if saved.as_ref() == Some(&self.saved) && !self.defined.may_change() {
            return Ok(false);
        }
        let taken = saved.as_deref().and_then(|saved| self.interpreter.take_apart(saved));
        let (Some(saved), Some(mut taken)) = (saved, taken) else {
            self.lost = vec![ALL.to_owned()];
            return Ok(false);
        };
        let mut pieces: Vec<(String, Vec<u8>)> =
            taken.state.iter().map(|(key, value)| (key.to_owned(), value.to_vec())).collect();
        let unknown = self.defined.fill(&mut pieces, &self.interpreter, &self.setting, text);
        taken.lost.extend(unknown.map_err(|err| self.failed(&err))?);
        taken.lost.extend(fit(&mut pieces, self.setting.state_bytes_max));
        self.saved = saved;
        self.lost = taken.lost;
        self.current = pieces.into_iter().collect();
        Ok(true)
    }
}

/// Leaves out the largest pieces until the others are not more than may be kept. Answers the keys of those left out.
fn fit(pieces: &mut Vec<(String, Vec<u8>)>, limit: usize) -> Vec<String> {
    let size = |(key, value): &(String, Vec<u8>)| key.len() + value.len();
    let mut bytes: usize = pieces.iter().map(size).sum();
    if bytes <= limit {
        return Vec::new();
    }
    pieces.sort_by_key(size);
    let mut lost = Vec::new();
    while bytes > limit
        && let Some(largest) = pieces.pop()
    {
        bytes -= size(&largest);
        lost.push(largest.0);
    }
    lost
}

/// What nobody guesses.
pub(super) fn unique() -> std::io::Result<String> {
    let mut bytes = [0; UNIQUE_BYTES];
    let mut filled = 0;
    while filled < bytes.len() {
        filled += rustix::rand::getrandom(&mut bytes[filled..], rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}
