//! Where things lie on disk: every path of a workspace is derived here, from the root and an id.

use std::path::{Path, PathBuf};

use crate::session::SessionId;

/// A folder that holds one repository, or several, and the sessions on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace at an absolute path.
    pub fn at(root: &Path) -> Self {
        assert!(root.is_absolute(), "a workspace is given by its absolute path");
        Self { root: root.to_owned() }
    }

    /// Its own folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The registry, SPEC CS-2; its lock, backups and kept broken copies lie beside it.
    pub fn state_file(&self) -> PathBuf {
        self.root.join(".claude-container-sessions.json")
    }

    /// The folder of all worktrees.
    pub fn worktrees(&self) -> PathBuf {
        self.root.join(".worktrees")
    }

    /// The worktree of one session.
    pub fn worktree(&self, id: SessionId) -> PathBuf {
        self.worktrees().join(id.to_string())
    }

    /// Destroyed sessions, until they expire.
    pub fn trash(&self) -> PathBuf {
        self.worktrees().join(".trash")
    }

    /// Worktrees that a power cut damaged, kept beside the new checkout.
    pub fn damaged(&self) -> PathBuf {
        self.worktrees().join(".damaged")
    }

    /// What wharf keeps for itself.
    pub fn own_folder(&self) -> PathBuf {
        self.root.join(".wharf")
    }

    /// It and the folders in it.
    pub fn own_folders(&self) -> [PathBuf; 4] {
        let own = self.own_folder();
        [own.clone(), own.join("sessions"), self.logs(), self.server_folder()]
    }

    /// What the server remembers of its clients.
    pub fn server_folder(&self) -> PathBuf {
        self.own_folder().join("server")
    }

    /// What a session leaves behind: what its programs printed.
    pub fn session_folder(&self, id: SessionId) -> PathBuf {
        self.own_folder().join("sessions").join(id.to_string())
    }

    /// Optional settings.
    pub fn settings(&self) -> PathBuf {
        self.own_folder().join("config.toml")
    }

    /// The logs, one file a day.
    pub fn logs(&self) -> PathBuf {
        self.own_folder().join("log")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_is_derived_from_root_and_id() {
        let space = Workspace::at(Path::new("/workspace"));
        let id = "2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11".parse().unwrap();
        let below = |path: PathBuf| path.strip_prefix(space.root()).unwrap().to_str().unwrap().to_owned();
        assert_eq!(below(space.state_file()), ".claude-container-sessions.json");
        assert_eq!(below(space.worktrees()), ".worktrees");
        assert_eq!(below(space.worktree(id)), ".worktrees/2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11");
        assert_eq!(below(space.trash()), ".worktrees/.trash");
        assert_eq!(below(space.damaged()), ".worktrees/.damaged");
        assert_eq!(below(space.own_folder()), ".wharf");
        assert_eq!(below(space.session_folder(id)), ".wharf/sessions/2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11");
        assert_eq!(below(space.settings()), ".wharf/config.toml");
        assert_eq!(below(space.logs()), ".wharf/log");
        let own = [".wharf", ".wharf/sessions", ".wharf/log", ".wharf/server"];
        assert_eq!(space.own_folders().map(below), own.map(str::to_owned));
    }

    #[test]
    #[should_panic(expected = "absolute path")]
    fn a_relative_path_is_no_workspace() {
        drop(Workspace::at(Path::new("workspace")));
    }
}
