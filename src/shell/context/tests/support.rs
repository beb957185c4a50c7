//! A context for a test: its folder, what its commands wrote, and what it is told.

use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::interpreter::Interpreters;

pub(super) struct Live {
    pub(super) folder: TempDir,
    pub(super) setting: Setting,
    pub(super) context: Context,
    pub(super) lost: Vec<String>,
    pub(super) controls: Controls,
    pub(super) number: u64,
}

#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    pub(super) late: Vec<(u64, Stream, Vec<u8>)>,
}

impl Sink for Heard {
    fn output(&mut self, stream: Stream, bytes: &[u8]) {
        match stream {
            Stream::Stdout => self.stdout.extend_from_slice(bytes),
            Stream::Stderr => self.stderr.extend_from_slice(bytes),
        }
    }

    fn late(&mut self, number: u64, stream: Stream, bytes: &[u8]) {
        self.late.push((number, stream, bytes.to_vec()));
    }
}

/// What a command said: its code, and what it wrote.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) ran: Ran,
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) late: Vec<(u64, Stream, Vec<u8>)>,
}

pub(super) fn setting(directory: &Path) -> Setting {
    let kept = ["PATH", "HOME", "LANG"];
    let variables = std::env::vars_os().filter(|(key, _)| kept.iter().any(|it| key == it)).collect();
    let directory = directory.canonicalize().unwrap();
    Setting { directory, variables, state_bytes_max: 1 << 20, subreaper: None }
}

impl Live {
    pub(super) fn start(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let setting = setting(folder.path());
        Self::load(name, folder, setting, &Changes::default())
    }

    pub(super) fn load(name: &str, folder: TempDir, setting: Setting, changes: &Changes) -> Self {
        let interpreters = Interpreters::builtin();
        let (context, lost) = Context::start(interpreters.find(name).unwrap(), &setting, changes).unwrap();
        Self { folder, setting, context, lost, controls: Controls::new().unwrap(), number: 0 }
    }

    /// Ends it, and starts another one from what it held.
    pub(super) fn again(self) -> Self {
        let name = self.context.interpreter.name().to_owned();
        let changes = self.context.changes();
        self.context.end(Jobs::End);
        let mut again = Self::load(&name, self.folder, self.setting, &changes);
        again.number = self.number;
        again
    }

    pub(super) fn run(&mut self, text: &str) -> Told {
        self.run_task(text.as_bytes(), Stdin::Nothing, Some(Duration::from_mins(1)))
    }

    pub(super) fn run_task(&mut self, text: &[u8], stdin: Stdin, time_limit: Option<Duration>) -> Told {
        self.number += 1;
        let mut heard = Heard::default();
        let task = Task { number: self.number, text, stdin, time_limit };
        let ran = self.context.run(&task, &self.controls, &mut heard).unwrap();
        Told {
            ran,
            stdout: String::from_utf8_lossy(&heard.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&heard.stderr).into_owned(),
            late: heard.late,
        }
    }

    /// Runs a command that must go well, and answers what it wrote.
    #[track_caller]
    pub(super) fn says(&mut self, text: &str) -> String {
        let told = self.run(text);
        assert!(told.ran.code == 0 && told.stderr.is_empty(), "{text}: {told:?}");
        told.stdout
    }
}
