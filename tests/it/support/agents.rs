//! A workspace in whose sessions a coding agent works: a program of the tests, described in the user's settings.

use std::{
    fs,
    ops::Deref,
    path::{Path, PathBuf},
    time::Instant,
};

use serde_json::Value;

use super::{Workspace, processes, pty::PATIENCE};

/// A workspace with an agent called `fake`.
pub struct Agents {
    space: Workspace,
}

impl Deref for Agents {
    type Target = Workspace;

    fn deref(&self) -> &Workspace {
        &self.space
    }
}

impl Agents {
    /// One with sessions `s1`, `s2`, …, in which nothing runs yet.
    pub fn new(sessions: usize) -> Self {
        let agents = Self { space: Workspace::with_sessions(sessions) };
        agents.settings("");
        agents
    }

    /// Writes the user's settings: the agent, and what is given.
    pub fn settings(&self, more: &str) {
        let text = fs::read_to_string(own("config/wharf/config.toml")).unwrap();
        let text = text.replace("/agent/agent.sh", own("agent.sh").to_str().unwrap());
        let folder = self.home().join(".config/wharf");
        fs::create_dir_all(&folder).unwrap();
        let text = format!("{more}\n{text}");
        fs::write(folder.join("config.toml"), text).unwrap();
    }

    /// The agent's own folder.
    pub fn agent_home(&self) -> PathBuf {
        self.home().join(".agent")
    }

    /// With which arguments the agent was started, one line each time.
    pub fn argv(&self) -> Vec<String> {
        let text = fs::read_to_string(self.agent_home().join("argv")).unwrap_or_default();
        text.lines().map(ToOwned::to_owned).collect()
    }

    /// The conversation that a session is in, as its record says.
    pub fn conversation(&self, name: &str) -> String {
        self.json(["show", name])["agent"]["conversation"].as_str().unwrap_or_default().to_owned()
    }

    /// The chain of a session.
    pub fn chain(&self, name: &str) -> Value {
        let path = self.session_folder(name).join("conversation.json");
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    /// What wharf keeps for a session.
    pub fn session_folder(&self, name: &str) -> PathBuf {
        let id = self.json(["show", name])["id"].as_str().unwrap().to_owned();
        self.path(".wharf/sessions").join(id)
    }

    /// Asks the agent something and waits until the answer is on its screen.
    pub fn ask(&self, name: &str, prompt: &str, answer: &str) {
        self.run(["prompt", name, prompt]).succeeds();
        self.until(name, answer);
    }

    /// Waits until a text is on the screen of a session.
    pub fn until(&self, name: &str, text: &str) {
        let goal = format!("text:{text}");
        self.run(["wait", name, "--for", &goal, "--timeout", "30s"]).succeeds();
    }

    /// Waits until the agent of a session waits for somebody.
    pub fn until_waiting(&self, name: &str) {
        self.until_status(name, "waiting");
    }

    /// Waits until a session has a status: an agent is not held up until its hooks are written down.
    pub fn until_status(&self, name: &str, status: &str) {
        let goal = format!("status:{status}");
        self.run(["wait", name, "--for", &goal, "--timeout", "30s"]).succeeds();
    }

    /// Ends everything that runs in the sessions as the end of a container does, without a word to anybody, and begins
    /// anew as a container does.
    pub fn crash(&self) {
        let sessions = self.sessions();
        let holders = sessions.iter().filter_map(|it| it["holder"]["pid"].as_u64());
        for holder in holders {
            processes::kill_if_there(u32::try_from(holder).unwrap());
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ids = sessions.iter().map(|it| it["id"].as_str().unwrap());
            let left: Vec<u32> = ids.flat_map(processes::marked).collect();
            if left.is_empty() {
                break;
            }
            assert!(Instant::now() < deadline, "{left:?} do not end");
            left.into_iter().for_each(processes::kill_if_there);
        }
        self.run(["restore"]).succeeds();
    }

    /// Takes the agent's folder away, as the end of a container does when it lies in none of its volumes.
    pub fn lose_agent_home(&self) {
        fs::remove_dir_all(self.agent_home()).unwrap();
    }
}

/// A file of the agent of the tests.
fn own(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/agent").join(name)
}
