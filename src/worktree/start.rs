//! Which branch a create uses, and where a new one begins.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{
    GitWorktrees, Outset, Start, Wanted, WorktreeError,
    admin::{Admin, Head, Unfinished},
    files::{Folder, Place, names_in},
    handle::{Handle, Named},
    near::{Names, Sought},
    refs::{HEADS, REMOTES, TAGS, short},
    surroundings::Opened,
};
use crate::session::{Base, BranchName, RepositoryPath};

/// How many administrative folders are looked at.
pub(super) const ADMINS_MAX: usize = 10_000;
/// How many suggestions an error makes.
const CANDIDATES_MAX: usize = 5;

/// The repository a create works on, and the names in it that decide.
struct Ground<'a> {
    worktrees: &'a GitWorktrees,
    handle: Handle,
    folder: PathBuf,
    common: PathBuf,
    names: Names,
}

impl GitWorktrees {
    /// Decides which branch a create uses and where a new one begins. Writes nothing.
    pub(super) fn decide_start(
        &self,
        repository: &RepositoryPath,
        wanted: &Wanted,
    ) -> Result<Start, WorktreeError> {
        self.ground(repository, wanted)?.start(wanted)
    }

    /// The same, and which warm worktrees such a create could take, the nearest first.
    pub(super) fn set_out(
        &self,
        repository: &RepositoryPath,
        wanted: &Wanted,
    ) -> Result<Outset, WorktreeError> {
        let ground = self.ground(repository, wanted)?;
        let start = ground.start(wanted)?;
        let of = Opened { handle: &ground.handle, root: &ground.folder, common: &ground.common };
        let warm = self.warm_for(repository, of, &start);
        Ok(Outset { start, warm })
    }

    fn ground(&self, repository: &RepositoryPath, wanted: &Wanted) -> Result<Ground<'_>, WorktreeError> {
        let (folder, common) = self.places(repository)?;
        let handle = self.open(&folder)?;
        let full = written_out(&wanted.branch);
        let mut exactly = vec![format!("refs/{full}"), format!("{REMOTES}{full}")];
        exactly.extend(wanted.from.iter().flat_map(|from| meanings(from)));
        let names = self.names_near(&handle, Sought { branch: wanted.branch.clone(), exactly })?;
        Ok(Ground { worktrees: self, handle, folder, common, names })
    }
}

impl Ground<'_> {
    fn start(&self, wanted: &Wanted) -> Result<Start, WorktreeError> {
        let local = self.names.has(&wanted.branch.reference());
        match (wanted.explicit, local, &wanted.from) {
            (true, true, None) => self.existing(&wanted.branch),
            (true, true, Some(from)) => {
                Err(WorktreeError::BranchHasBase { branch: wanted.branch.clone(), from: from.clone() })
            }
            (true, false, _) => self.named_by_hand(wanted),
            (false, _, _) => self.named_by_default(wanted),
        }
    }

    fn existing(&self, branch: &BranchName) -> Result<Start, WorktreeError> {
        if let Some(path) = self.user_of(&branch.reference())? {
            return Err(WorktreeError::BranchInUse { branch: branch.clone(), path });
        }
        let tip = self.commit_of(&branch.reference(), branch.as_str())?;
        Ok(Start { base: Base { commit: tip.commit, reference: None }, branch_is_new: false })
    }

    fn named_by_hand(&self, wanted: &Wanted) -> Result<Start, WorktreeError> {
        let branch = &wanted.branch;
        let candidates = self.other_meanings(branch)?;
        if !candidates.is_empty() {
            return Err(WorktreeError::Ambiguous { text: branch.to_string(), candidates });
        }
        self.names.refuse_collision()?;
        let remotes = self.on_remotes()?;
        match (&wanted.from, remotes.as_slice()) {
            (None, [only]) => self.begin_at(only, only),
            (None, [_, _, ..]) => Err(WorktreeError::Ambiguous {
                text: branch.to_string(),
                candidates: remotes.iter().map(|name| format!("--from {}", short(name))).collect(),
            }),
            (from, _) => self.begin(from.as_deref()),
        }
    }

    fn named_by_default(&self, wanted: &Wanted) -> Result<Start, WorktreeError> {
        let branch = &wanted.branch;
        let local = self.names.has(&branch.reference());
        if local || !self.on_remotes()?.is_empty() {
            return Err(WorktreeError::BranchExists { branch: branch.clone() });
        }
        self.names.refuse_collision()?;
        self.begin(wanted.from.as_deref())
    }

    /// Where a new branch begins.
    fn begin(&self, from: Option<&str>) -> Result<Start, WorktreeError> {
        let Some(from) = from else {
            let head = self.worktrees.commit_of(&self.handle, "HEAD")?;
            return head.map(new).ok_or_else(|| self.headless());
        };
        if from.is_empty() || from.starts_with('-') || from.contains(char::is_control) {
            return Err(self.unknown(from));
        }
        let meanings: Vec<String> = meanings(from).into_iter().filter(|name| self.names.has(name)).collect();
        if meanings.len() > 1 {
            return Err(WorktreeError::Ambiguous {
                text: from.to_owned(),
                candidates: meanings.iter().map(|name| format!("--from {name}")).collect(),
            });
        }
        self.begin_at(from, from)
    }

    /// Why HEAD names no commit: its branch has none yet, or is damaged.
    fn headless(&self) -> WorktreeError {
        let damaged = match Folder::open(&self.common) {
            Ok(Place::Folder(common)) => match Head::in_folder(&common) {
                Head::Reference(name) => common.has(&name),
                Head::Garbage | Head::Emptied | Head::Detached(_) => true,
                Head::ElsewhereInGit => false,
            },
            Ok(Place::Missing | Place::Other) | Err(_) => true,
        };
        if damaged {
            return self.unknown("HEAD");
        }
        WorktreeError::Unborn { path: self.folder.clone() }
    }

    fn begin_at(&self, revision: &str, shown: &str) -> Result<Start, WorktreeError> {
        self.commit_of(revision, shown).map(new)
    }

    fn commit_of(&self, revision: &str, shown: &str) -> Result<Named, WorktreeError> {
        let named = self.worktrees.commit_of(&self.handle, revision)?;
        named.ok_or_else(|| self.unknown(shown))
    }

    fn unknown(&self, revision: &str) -> WorktreeError {
        let names = self.worktrees.references(&self.handle).unwrap_or_else(|err| {
            tracing::debug!(error = %err, "nobody can say what was meant");
            BTreeSet::new()
        });
        let tail = format!("/{revision}");
        let candidates = names
            .iter()
            .filter(|name| !revision.is_empty() && !name.ends_with("/HEAD"))
            .filter(|name| name.ends_with(&tail) || short(name).eq_ignore_ascii_case(revision))
            .map(|name| short(name).to_owned())
            .take(CANDIDATES_MAX)
            .collect();
        WorktreeError::UnknownRevision { revision: revision.to_owned(), candidates }
    }

    /// The remote-tracking branches of the wanted name, one for each remote that has it.
    fn on_remotes(&self) -> Result<Vec<String>, WorktreeError> {
        let mut found: Vec<(&str, &str)> = self.names.on_remotes().collect();
        // Settings are asked only where they decide.
        if found.iter().any(|(_, remote)| remote.contains('/')) {
            let remotes = self.worktrees.remotes(&self.handle)?;
            found.retain(|(_, remote)| remotes.iter().any(|it| it == remote) || !remote.contains('/'));
        }
        Ok(found.into_iter().map(|(name, _)| name.to_owned()).collect())
    }

    /// What else a person can mean by a name that is, written out, a branch, a tag or a remote-tracking branch.
    fn other_meanings(&self, branch: &BranchName) -> Result<Vec<String>, WorktreeError> {
        let text = branch.as_str();
        let full = written_out(branch);
        let is_known = |name: &str| self.names.has(&format!("refs/{name}"));
        let is_written_out = text.starts_with("refs/") || is_known(full);
        if let Some(head) = full.strip_prefix("heads/").filter(|_| is_written_out) {
            return Ok(vec![format!("--branch {head}")]);
        }
        if let Some(tag) = full.strip_prefix("tags/").filter(|_| is_written_out) {
            return Ok(vec![format!("--from {tag}")]);
        }
        let tracking = full.strip_prefix("remotes/").filter(|_| is_written_out).unwrap_or(full);
        let short = self.short_of_remote(tracking)?;
        Ok(short.map_or_else(Vec::new, |it| vec![format!("--branch {it}"), format!("--from {tracking}")]))
    }

    /// What follows the remote in a name that is a remote-tracking branch itself.
    fn short_of_remote(&self, text: &str) -> Result<Option<String>, WorktreeError> {
        if !self.names.has(&format!("{REMOTES}{text}")) {
            return Ok(None);
        }
        let remotes = self.worktrees.remotes(&self.handle)?;
        let configured = remotes
            .iter()
            .filter_map(|remote| text.strip_prefix(remote.as_str())?.strip_prefix('/'))
            .min_by_key(|rest| rest.len());
        let rest = configured.or_else(|| text.split_once('/').map(|(_, rest)| rest));
        Ok(rest.map(str::to_owned))
    }

    /// Where a branch is checked out, rebased or bisected; also a worktree whose folder is missing holds its branch.
    fn user_of(&self, reference: &str) -> Result<Option<PathBuf>, WorktreeError> {
        if let Handle::Command(folder) = &self.handle {
            let listed = self.worktrees.listed(folder)?;
            let user =
                listed.into_iter().find(|entry| !entry.is_bare && entry.branch.as_deref() == Some(reference));
            if let Some(user) = user {
                return Ok(Some(user.path));
            }
        }
        let main = Folder::open(&self.common)?;
        if let Place::Folder(main) = main
            && uses(&Head::in_folder(&main), &Unfinished::in_folder(&main), reference)
            && !self.worktrees.is_bare(&self.handle)?
        {
            return Ok(Some(self.folder.clone()));
        }
        linked_user_of(&self.common, reference, None)
    }
}

/// A name without the word that all full names begin with.
fn written_out(branch: &BranchName) -> &str {
    branch.as_str().strip_prefix("refs/").unwrap_or(branch.as_str())
}

/// The full names that the name at the beginning of a revision can stand for.
fn meanings(revision: &str) -> [String; 3] {
    let stem = revision.split(['~', '^', '@', ':']).next().unwrap_or(revision);
    [HEADS, TAGS, REMOTES].map(|prefix| format!("{prefix}{stem}"))
}

fn new(at: Named) -> Start {
    Start { base: Base { commit: at.commit, reference: at.reference }, branch_is_new: true }
}

pub(super) fn uses(head: &Head, unfinished: &Unfinished, reference: &str) -> bool {
    head.branch() == Some(reference)
        || unfinished.returns_to.as_deref() == Some(reference)
        || unfinished.moves.iter().any(|moved| moved == reference)
}

/// The linked worktree that has a branch, by HEAD or by an operation that will come back to it; one is passed over.
pub(super) fn linked_user_of(
    common: &Path,
    reference: &str,
    except: Option<&Path>,
) -> Result<Option<PathBuf>, WorktreeError> {
    let admins = common.join("worktrees");
    for name in names_in(&admins, ADMINS_MAX)? {
        let path = admins.join(name);
        if Some(&*path) == except {
            continue;
        }
        if let Some(admin) = Admin::read(&path)?
            && uses(&admin.head, &admin.unfinished, reference)
        {
            return Ok(Some(admin.worktree().map_or(path, Path::to_owned)));
        }
    }
    Ok(None)
}
