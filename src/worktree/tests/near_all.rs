//! Whether the names that are near a branch decide what all names of a repository decide.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs::{self, File},
    io::Write as _,
    os::unix::fs::symlink,
    path::PathBuf,
};

use proptest::{collection, option, prelude::*, sample};

use super::support::{Space, remove, write};
use crate::{
    session::{BranchName, RepositoryPath},
    worktree::{Wanted, WorktreeError, handle::Handle, near::Sought},
};

/// How a name is kept.
#[derive(Clone, Copy, Debug)]
enum Kept {
    Loose,
    Packed,
    Both,
    /// As a folder without refs.
    Folder,
    /// As a file that git left behind.
    Lock,
    /// As a file that names no commit.
    Damaged,
}

fn part() -> impl Strategy<Value = &'static str> {
    sample::select(&["a", "b", "c", "A", "é"][..])
}

fn path() -> impl Strategy<Value = String> {
    collection::vec(part(), 1..4).prop_map(|parts| parts.join("/"))
}

fn full_name() -> impl Strategy<Value = String> {
    let kind = sample::select(&["refs/heads", "refs/heads", "refs/remotes", "refs/tags", "refs/other"][..]);
    (kind, path()).prop_map(|(kind, path)| format!("{kind}/{path}"))
}

/// Names; damaged ones only where that is asked for.
fn refs(kept: &'static [Kept]) -> impl Strategy<Value = Vec<(Kept, String)>> {
    collection::vec((sample::select(kept), full_name()), 0..16)
}

fn branch() -> impl Strategy<Value = BranchName> {
    let before =
        sample::select(&["", "", "", "heads/", "remotes/", "tags/", "refs/heads/", "refs/remotes/"][..]);
    (before, path()).prop_map(|(before, path)| format!("{before}{path}").parse().unwrap())
}

fn revision() -> impl Strategy<Value = String> {
    let odd =
        sample::select(&["../heads/a", "a//b", "./a", "a/", "a.lock", "refs/heads/a", "HEAD", "-a", ""][..]);
    let behind = sample::select(&["", "", "~0", "^{commit}", "@{0}"][..]);
    prop_oneof![
        4 => (path(), behind).prop_map(|(path, behind)| format!("{path}{behind}")),
        1 => odd.prop_map(str::to_owned)
    ]
}

/// A repository whose refs are other ones in every case.
struct Place {
    space: Space,
    commit: String,
}

impl Place {
    fn new(ignores_case: bool) -> Self {
        let space = Space::with_repository();
        let commit = space.git(&["rev-parse", "HEAD"]);
        space.git(&["checkout", "-q", "--detach"]);
        space.git(&["config", "core.ignorecase", if ignores_case { "true" } else { "false" }]);
        space.git(&["remote", "add", "a", "/nowhere"]);
        space.git(&["remote", "add", "b/c", "/nowhere"]);
        Self { space, commit }
    }

    fn dot_git(&self) -> PathBuf {
        self.space.root().join(".git")
    }

    fn fill(&self, refs: &[(Kept, String)]) {
        remove(&self.dot_git().join("refs"));
        fs::create_dir_all(self.dot_git().join("refs/heads")).unwrap();
        let mut packed = BTreeSet::new();
        for (kept, name) in refs {
            match kept {
                Kept::Loose => self.write(name, &self.commit),
                Kept::Packed => drop(packed.insert(name)),
                Kept::Both => {
                    self.write(name, &self.commit);
                    packed.insert(name);
                }
                Kept::Folder => self.folder(name),
                Kept::Lock => self.write(&format!("{name}.lock"), ""),
                Kept::Damaged => self.write(name, "garbage"),
            }
        }
        let mut text = "# pack-refs with: peeled fully-peeled sorted \n".to_owned();
        for name in packed {
            writeln!(text, "{} {name}\n^{}", self.commit, self.commit).unwrap();
        }
        write(&self.dot_git().join("packed-refs"), text.as_bytes());
    }

    /// Two names cannot be kept at once where one is the folder of the other: who comes first is there.
    fn folder(&self, name: &str) {
        drop(fs::create_dir_all(self.dot_git().join(name)));
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.dot_git().join(name);
        self.folder(&name[..name.rfind('/').unwrap()]);
        if let Ok(mut file) = File::create(path) {
            writeln!(file, "{text}").unwrap();
        }
    }

    fn decide(&self, wanted: &Wanted) -> String {
        format!("{:?}", self.space.worktrees.decide_start(&RepositoryPath::root(), wanted))
    }
}

/// What is in the way, found among all names.
fn collision(all: &BTreeSet<String>, branch: &BranchName, ignores_case: bool) -> Result<(), WorktreeError> {
    let folded = |name: &str| if ignores_case { name.to_lowercase() } else { name.to_owned() };
    let wanted = folded(&branch.reference());
    let inside =
        |outer: &str, inner: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('/'));
    let in_the_way = all.iter().filter(|name| name.starts_with("refs/heads/")).find(|name| {
        let name = folded(name);
        name == wanted || inside(&name, &wanted) || inside(&wanted, &name)
    });
    let Some(name) = in_the_way else {
        return Ok(());
    };
    let other = name.strip_prefix("refs/heads/").unwrap();
    Err(if folded(name) == wanted {
        WorktreeError::BranchExists { branch: other.parse().unwrap() }
    } else {
        WorktreeError::BranchInTheWay { wanted: branch.clone(), other: other.to_owned() }
    })
}

/// The names on remotes, found among all.
fn on_remotes<'a>(all: &'a BTreeSet<String>, branch: &BranchName) -> Vec<(&'a str, &'a str)> {
    let tail = format!("/{branch}");
    let remote = |name: &'a str| name.strip_prefix("refs/remotes/")?.strip_suffix(&tail);
    all.iter().filter_map(|name| Some((name.as_str(), remote(name)?))).collect()
}

const WHOLE: &[Kept] = &[Kept::Loose, Kept::Packed, Kept::Both, Kept::Folder, Kept::Lock];
const ANY: &[Kept] = &[Kept::Loose, Kept::Packed, Kept::Both, Kept::Folder, Kept::Lock, Kept::Damaged];

fn configuration() -> ProptestConfig {
    ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() }
}

#[test]
fn names_near_a_branch_answer_as_all_names_do() {
    let places = [Place::new(false), Place::new(true)];
    let world = (any::<bool>(), refs(ANY), branch(), full_name());
    proptest!(configuration(), |((ignores_case, refs, branch, other) in world)| {
        let place = &places[usize::from(ignores_case)];
        place.fill(&refs);
        let handle = place.space.worktrees.open(&place.space.root()).unwrap();
        prop_assert!(matches!(handle, Handle::Library(_)));
        let all = place.space.worktrees.references(&handle).unwrap();
        let sought = Sought { branch: branch.clone(), exactly: vec![other.clone()] };
        let near = place.space.worktrees.names_near(&handle, sought).unwrap();
        for name in [&other, &branch.reference()] {
            prop_assert_eq!(near.has(name), all.contains(name), "{}", name);
        }
        prop_assert_eq!(near.on_remotes().collect::<Vec<_>>(), on_remotes(&all, &branch));
        prop_assert_eq!(
            format!("{:?}", near.refuse_collision()),
            format!("{:?}", collision(&all, &branch, ignores_case))
        );
    });
}

/// A link that nobody asks for makes libgit2 list all of them.
#[test]
fn names_near_a_branch_decide_as_all_names_do() {
    let places = [Place::new(false), Place::new(true)];
    let world = (any::<bool>(), refs(WHOLE), branch(), any::<bool>(), option::of(revision()));
    proptest!(configuration(), |((ignores_case, refs, branch, explicit, from) in world)| {
        let place = &places[usize::from(ignores_case)];
        place.fill(&refs);
        let wanted = Wanted { branch, explicit, from };
        let near = place.decide(&wanted);
        fs::create_dir_all(place.dot_git().join("refs/remotes")).unwrap();
        symlink("../../HEAD", place.dot_git().join("refs/remotes/zz")).unwrap();
        prop_assert_eq!(near, place.decide(&wanted));
    });
}
