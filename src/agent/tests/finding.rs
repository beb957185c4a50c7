use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
};

use super::*;

const ID: &str = "2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11";

/// A home folder, and a worktree at a path that need not exist.
struct Home {
    dir: tempfile::TempDir,
    worktree: PathBuf,
}

impl Home {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), worktree: "/workspace/.worktrees/x_é🚀".into() }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }

    fn put(&self, below: &str) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        crate::atomic::replace(&path, b"{}\n", crate::atomic::Durability::Crash).unwrap();
        path
    }

    fn find(&self, agent: &str) -> Search {
        self.find_with(agent, &[("HOME", self.dir.path().as_os_str())])
    }

    fn find_with(&self, agent: &str, variables: &[(&str, &std::ffi::OsStr)]) -> Search {
        let variable =
            |name: &str| variables.iter().find(|(it, _)| *it == name).map(|(_, value)| OsString::from(value));
        let place = Place { worktree: &self.worktree, variable: &variable };
        builtin(agent).find_transcript(&place, &ID.parse().unwrap())
    }

    #[track_caller]
    fn finds(&self, agent: &str, expected: &Path) {
        let search = self.find(agent);
        assert!(matches!(&search, Search::Found(path) if path == expected), "{search:?}");
    }

    #[track_caller]
    fn is_gone(&self, agent: &str) {
        let search = self.find(agent);
        assert!(matches!(search, Search::Gone), "{search:?}");
    }

    #[track_caller]
    fn is_unknown(&self, agent: &str) {
        let search = self.find(agent);
        assert!(matches!(search, Search::Unknown(AgentError::Io { .. })), "{search:?}");
    }
}

#[test]
fn each_agent_has_its_own_places() {
    let home = Home::new();
    for (agent, file) in [
        ("claude", format!(".claude/projects/-workspace--worktrees-x----/{ID}.jsonl")),
        ("codex", format!(".codex/sessions/2026/01/31/rollout-2026-01-31T10-00-00-{ID}.jsonl")),
        ("gemini", ".gemini/tmp/shop/chats/session-2026-01-31T10-00-2f1e8f0a.jsonl".to_owned()),
    ] {
        home.is_gone(agent);
        let file = home.put(&file);
        home.finds(agent, &file);
    }
    assert!(matches!(home.find("opencode"), Search::NotKept));
    assert!(matches!(home.find("shell"), Search::NotKept));
}

#[test]
fn a_conversation_is_found_in_the_folder_of_another_path() {
    let home = Home::new();
    let elsewhere = home.put(&format!(".claude/projects/-moved/{ID}.jsonl"));
    home.put(".claude/projects/-moved/newest.jsonl");
    home.finds("claude", &elsewhere);
    let own = home.put(&format!(".claude/projects/-workspace--worktrees-x----/{ID}.jsonl"));
    home.finds("claude", &own);
}

#[test]
fn a_folder_of_a_long_path_is_found_by_its_beginning() {
    let mut home = Home::new();
    for (chars, folder) in
        [(200, "-".to_owned() + &"a".repeat(199)), (201, "-".to_owned() + &"a".repeat(199) + "-1x2y")]
    {
        home.worktree = PathBuf::from("/".to_owned() + &"a".repeat(chars - 1));
        let place = Place { worktree: &home.worktree, variable: &|_| Some(home.dir.path().into()) };
        let only = described(
            "start = ['x']\nresume = ['x', '{id}']\n[transcripts]\nhome = ['~']\nfiles = ['{folder}/{id}']",
        );
        let file = home.put(&format!("{folder}/{ID}"));
        let search = only.unwrap().find_transcript(&place, &ID.parse().unwrap());
        assert!(matches!(&search, Search::Found(path) if *path == file), "{chars}: {search:?}");
        fs::remove_file(&file).unwrap();
        fs::remove_dir(file.parent().unwrap()).unwrap();
    }
}

#[test]
fn the_first_variable_that_is_set_says_where() {
    let home = Home::new();
    let file = home.put(&format!("elsewhere/projects/x/{ID}.jsonl"));
    let elsewhere = home.path("elsewhere");
    let found = home.find_with("claude", &[("CLAUDE_CONFIG_DIR", elsewhere.as_os_str())]);
    assert!(matches!(&found, Search::Found(path) if *path == file), "{found:?}");
    let empty = [("CLAUDE_CONFIG_DIR", std::ffi::OsStr::new("")), ("HOME", elsewhere.as_os_str())];
    assert!(matches!(home.find_with("claude", &empty), Search::Gone));
    let nowhere = home.find_with("claude", &[]);
    assert!(matches!(nowhere, Search::Unknown(AgentError::NoHome { .. })), "{nowhere:?}");
}

#[test]
fn a_home_that_is_elsewhere_is_not_gone() {
    let home = Home::new();
    symlink("/nonexistent/volume", home.path(".claude")).unwrap();
    home.is_unknown("claude");
    home.put(".codex");
    home.is_unknown("codex");
}

#[test]
fn a_link_to_nowhere_or_to_itself_is_not_gone() {
    for target in ["/nonexistent/volume", "loop"] {
        let home = Home::new();
        fs::create_dir_all(home.path(".claude/projects")).unwrap();
        home.is_gone("claude");
        symlink(target, home.path(".claude/projects/loop")).unwrap();
        home.is_unknown("claude");
        let file = home.put(&format!(".claude/projects/other/{ID}.jsonl"));
        home.finds("claude", &file);
    }
}

#[test]
fn links_are_followed_and_files_among_folders_do_not_matter() {
    let home = Home::new();
    let file = home.put(&format!("volume/{ID}.jsonl"));
    home.put(".claude/projects/a-file");
    symlink(home.path("volume"), home.path(".claude/projects/linked")).unwrap();
    symlink("..", home.path(".claude/projects/up")).unwrap();
    home.finds("claude", &home.path(&format!(".claude/projects/linked/{ID}.jsonl")));
    fs::remove_file(file).unwrap();
    fs::create_dir(home.path(&format!("volume/{ID}.jsonl"))).unwrap();
    home.is_gone("claude");
}

#[test]
fn a_folder_that_cannot_be_read_is_not_gone() {
    if rustix::process::geteuid().is_root() {
        return;
    }
    let home = Home::new();
    let closed = home.path(".claude/projects/closed");
    fs::create_dir_all(&closed).unwrap();
    for path in [&closed, &home.path(".claude/projects"), &home.path(".claude")] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
        home.is_unknown("claude");
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
    }
    home.is_gone("claude");
}

#[test]
fn a_star_is_any_part_of_one_name() {
    let home = Home::new();
    home.put(".codex/sessions/2026/01/31/deep/rollout-x-2f1e8f0a-6f0c-4a55-9d3c-0d7f4a4b8c11.jsonl");
    home.put(&format!(".codex/sessions/2026/01/31/rollout-{ID}.jsonl.bak"));
    home.put(&format!(".codex/sessions/2026/01/31/rollout-{ID}.jsonl"));
    home.is_gone("codex");
    let file = home.put(&format!(".codex/sessions/2026/01/31/rollout--{ID}.jsonl"));
    home.finds("codex", &file);
}
