//! Contexts in which commands run: how they are called, and what is left of them.

use std::process::{Child, Stdio};

use serde_json::Value;

use super::{Ran, Workspace};

/// What is done with contexts.
pub trait Executing {
    /// Runs a text in a session, with nothing to read.
    fn exec(&self, name: &str, text: &str) -> Ran;

    /// The same with `--json`: what it came to, whatever its exit code.
    fn exec_json(&self, name: &str, text: &str) -> Value;

    /// Begins words in a session, with pipes all around.
    fn spawn_exec(&self, name: &str, words: &[&str]) -> Child;

    /// The holder of the context of a session, then what it started.
    fn context_pids(&self, name: &str) -> Vec<u32>;
}

impl Executing for Workspace {
    fn exec(&self, name: &str, text: &str) -> Ran {
        self.run(["exec", name, text])
    }

    fn exec_json(&self, name: &str, text: &str) -> Value {
        self.run(["exec", "--json", name, text]).json()
    }

    fn spawn_exec(&self, name: &str, words: &[&str]) -> Child {
        let mut command = self.command();
        command.args(["exec", name]).args(words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    fn context_pids(&self, name: &str) -> Vec<u32> {
        let all = self.json(["ps", name])[0]["processes"].as_array().unwrap().clone();
        let pid = |it: &Value| u32::try_from(it["pid"].as_u64().unwrap()).unwrap();
        let (holders, others): (Vec<&Value>, Vec<&Value>) = all.iter().partition(|it| it["name"] == "wharf");
        holders.into_iter().chain(others).map(pid).collect()
    }
}
