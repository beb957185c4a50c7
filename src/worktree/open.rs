//! Which repositories a workspace has, and where each of them keeps its things.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

use super::{
    GitWorktrees, WorktreeError,
    files::{Content, Folder, POINTER_BYTES_MAX, Place, Pointer, is_hidden, names_in, same_place, settled},
    site::pointer_of,
};
use crate::session::RepositoryPath;

/// How many entries of one folder are looked at in search of repositories.
const ENTRIES_MAX: usize = 10_000;
/// How many folders below the workspace a repository may lie.
const DEPTH_MAX: usize = 2;

/// What a folder is to git.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// Nothing.
    Plain,
    /// The main worktree of a repository, whose git folder is this.
    Main(PathBuf),
    /// A git folder without a worktree.
    Bare,
    /// A linked worktree of the repository whose git folder is this.
    Linked(PathBuf),
    /// A submodule.
    Submodule,
    /// Its `.git` leads nowhere.
    Broken,
}

/// How a repository was come by; one whose git folder lies elsewhere is met twice and goes by where people work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    /// By its git folder.
    Stored,
    /// By its main worktree.
    Worked,
}

impl GitWorktrees {
    /// The repositories of the workspace: its root if that is one, else those one or two folders below it.
    pub(super) fn find_repositories(&self) -> Result<Vec<RepositoryPath>, WorktreeError> {
        let root = self.root()?;
        match kind_of(&root)? {
            Kind::Main(_) | Kind::Bare | Kind::Linked(_) => return Ok(vec![RepositoryPath::root()]),
            Kind::Plain | Kind::Submodule | Kind::Broken => {}
        }
        let mut found = BTreeMap::new();
        collect(&root, &root, DEPTH_MAX, &mut found)?;
        let found: BTreeSet<RepositoryPath> = found.into_values().map(|(_, repository)| repository).collect();
        Ok(found.into_iter().collect())
    }

    /// The repository a folder belongs to; a folder of a linked worktree gives its main repository.
    pub(super) fn find_repository_at(&self, folder: &Path) -> Result<RepositoryPath, WorktreeError> {
        let root = self.root()?;
        let folder =
            folder.canonicalize().map_err(|_| WorktreeError::NoRepository { path: folder.to_owned() })?;
        if !folder.starts_with(&root) {
            return Err(WorktreeError::Outside { path: folder });
        }
        let repository = enclosing(&root, &folder)?;
        self.prove_readable(&repository.below(&root))?;
        Ok(repository)
    }

    /// The folder of a repository, links resolved; it lies in the workspace.
    pub(super) fn repository_folder(&self, repository: &RepositoryPath) -> Result<PathBuf, WorktreeError> {
        let root = self.root()?;
        let path = repository.below(&root);
        if path == root {
            return Ok(root);
        }
        let folder = path.canonicalize().map_err(|err| {
            if matches!(err.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
                return WorktreeError::RepositoryGone { path: path.clone() };
            }
            WorktreeError::RepositoryBroken { path: path.clone() }
        })?;
        if folder.starts_with(&root) { Ok(folder) } else { Err(WorktreeError::Outside { path }) }
    }

    /// The git folder that all worktrees of a repository share.
    pub(super) fn common_dir(&self, repository: &RepositoryPath) -> Result<PathBuf, WorktreeError> {
        self.places(repository).map(|(_, common)| common)
    }

    /// The folder of a repository and its git folder, links resolved.
    pub(super) fn places(&self, repository: &RepositoryPath) -> Result<(PathBuf, PathBuf), WorktreeError> {
        let folder = self.repository_folder(repository)?;
        match kind_of(&folder)? {
            Kind::Main(common) | Kind::Linked(common) => Ok((folder, common)),
            Kind::Bare => Ok((folder.clone(), folder)),
            Kind::Submodule => Err(WorktreeError::UnsafePath { path: folder, because: SUBMODULE }),
            Kind::Plain if !has_traces(&folder) => Err(WorktreeError::RepositoryGone { path: folder }),
            Kind::Plain | Kind::Broken => Err(WorktreeError::RepositoryBroken { path: folder }),
        }
    }

    /// The git folder of the repository in whose worktree the workspace lies, also far above it.
    pub(super) fn common_around(&self) -> Result<Option<PathBuf>, WorktreeError> {
        let root = self.root()?;
        for at in root.ancestors() {
            match kind_of(at) {
                Ok(Kind::Plain) => (),
                Ok(Kind::Main(common) | Kind::Linked(common)) => return Ok(Some(common)),
                Ok(Kind::Submodule) => return Ok(pointer_of(at)),
                // Git stops at these as well.
                Ok(Kind::Bare | Kind::Broken) | Err(_) => break,
            }
        }
        Ok(None)
    }

    /// The repository of the workspace that has this git folder, if one has.
    pub(super) fn repository_of_common(&self, common: &Path) -> Option<RepositoryPath> {
        let root = self.root().ok()?;
        let main = main_folder(&settled(common)).canonicalize().ok()?;
        if !matches!(kind_of(&main), Ok(Kind::Main(_) | Kind::Bare)) {
            return None;
        }
        below(&root, &main).ok()
    }

    /// The workspace, links resolved.
    pub(super) fn root(&self) -> Result<PathBuf, WorktreeError> {
        let root = self.workspace.root();
        root.canonicalize().map_err(|source| WorktreeError::Io {
            action: "open",
            path: root.to_owned(),
            source,
        })
    }
}

const SUBMODULE: &str = "is a submodule; sessions are made in the repository around it";

fn collect(
    root: &Path,
    folder: &Path,
    depth: usize,
    found: &mut BTreeMap<PathBuf, (Standing, RepositoryPath)>,
) -> Result<(), WorktreeError> {
    for name in names_in(folder, ENTRIES_MAX)? {
        let path = folder.join(&name);
        if is_hidden(&name) || !matches!(Folder::open(&path), Ok(Place::Folder(_))) {
            continue;
        }
        let (common, standing, repository) = match kind_of(&path) {
            Ok(Kind::Main(common)) => (common, Standing::Worked, below(root, &path)),
            Ok(Kind::Bare) => {
                let repository = below(root, &path);
                (path, Standing::Stored, repository)
            }
            Ok(Kind::Linked(common)) => {
                let repository = below(root, &main_folder(&common));
                (common, Standing::Stored, repository)
            }
            Ok(Kind::Plain) if depth > 1 => {
                if let Err(err) = collect(root, &path, depth - 1, found) {
                    tracing::warn!(folder = %path.display(), error = %err, "a folder could not be searched");
                }
                continue;
            }
            Ok(Kind::Plain | Kind::Submodule | Kind::Broken) | Err(_) => continue,
        };
        match repository {
            Ok(repository) => {
                let known = found.get(&common).map(|(standing, _)| *standing);
                if known.is_none_or(|known| known < standing) {
                    found.insert(common, (standing, repository));
                }
            }
            Err(err) => {
                tracing::debug!(folder = %common.display(), error = %err, "a repository was passed over");
            }
        }
    }
    Ok(())
}

/// The repository around a folder, both with links resolved.
fn enclosing(root: &Path, folder: &Path) -> Result<RepositoryPath, WorktreeError> {
    let unsafe_path = |path: &Path, because| WorktreeError::UnsafePath { path: path.to_owned(), because };
    for at in folder.ancestors().take_while(|at| at.starts_with(root)) {
        match kind_of(at)? {
            Kind::Plain => {}
            Kind::Main(_) => return below(root, at),
            Kind::Bare => return below(root, &main_folder(at)),
            Kind::Linked(common) => {
                let main = main_folder(&common);
                return if at == root && !main.starts_with(root) {
                    Ok(RepositoryPath::root())
                } else {
                    below(root, &main)
                };
            }
            Kind::Submodule => return Err(unsafe_path(at, SUBMODULE)),
            Kind::Broken => return Err(unsafe_path(at, "has a `.git` that leads nowhere")),
        }
    }
    Err(WorktreeError::NoRepository { path: folder.to_owned() })
}

fn below(root: &Path, folder: &Path) -> Result<RepositoryPath, WorktreeError> {
    let Ok(relative) = folder.strip_prefix(root) else {
        return Err(WorktreeError::Outside { path: folder.to_owned() });
    };
    if relative.as_os_str().is_empty() {
        return Ok(RepositoryPath::root());
    }
    relative.to_str().and_then(|text| text.parse().ok()).ok_or_else(|| WorktreeError::UnsafePath {
        path: folder.to_owned(),
        because: "has a name that is not UTF-8",
    })
}

/// The folder people work in, given the git folder of a repository.
fn main_folder(common: &Path) -> PathBuf {
    let Some(parent) = common.parent() else {
        return common.to_owned();
    };
    let is_here = common.file_name().is_some_and(|name| name == ".git")
        || matches!(kind_of(parent), Ok(Kind::Main(of_parent)) if same_place(&of_parent, common));
    if is_here { parent.to_owned() } else { common.to_owned() }
}

/// What a folder, its links resolved, is to git.
fn kind_of(path: &Path) -> Result<Kind, WorktreeError> {
    let Place::Folder(folder) = Folder::open(path)? else {
        return Ok(Kind::Plain);
    };
    let content = folder.read(".git", POINTER_BYTES_MAX);
    if content == Content::Missing {
        let kind = if is_git_folder(path) { Kind::Bare } else { Kind::Plain };
        return Ok(kind);
    }
    let dot_git = path.join(".git");
    let is_folder = content == Content::Folder;
    if is_folder || (content == Content::Odd && dot_git.is_dir()) {
        // A link to a git folder is a way to share one; git follows it. A folder that was opened as itself is none.
        let common = if is_folder { dot_git } else { dot_git.canonicalize().unwrap_or(dot_git) };
        let kind = if is_git_folder(&common) { Kind::Main(common) } else { Kind::Plain };
        return Ok(kind);
    }
    let Pointer::To(git_dir) = Pointer::read(content, b"gitdir: ", path) else {
        return Ok(Kind::Broken);
    };
    let git_dir = git_dir.canonicalize().unwrap_or(git_dir);
    if let Some(common) = common_named_in(&git_dir) {
        let kind = if is_git_folder(&common) { Kind::Linked(common) } else { Kind::Broken };
        return Ok(kind);
    }
    if !is_git_folder(&git_dir) {
        return Ok(Kind::Broken);
    }
    Ok(if is_of_submodule(&git_dir) { Kind::Submodule } else { Kind::Main(git_dir) })
}

/// The git folder of the repository that a `.git` file leads to, whether by an administrative folder that is there
/// or by the place where one has been.
pub(super) fn common_behind(git_dir: &Path) -> Option<PathBuf> {
    if let Some(common) = common_named_in(git_dir).filter(|common| is_git_folder(common)) {
        return Some(common);
    }
    let parent = git_dir.parent()?;
    let has_been = parent.file_name().is_some_and(|name| name == "worktrees");
    let common = if has_been { parent.parent()? } else { git_dir };
    is_git_folder(common).then(|| settled(common))
}

fn common_named_in(git_dir: &Path) -> Option<PathBuf> {
    let Ok(Place::Folder(folder)) = Folder::open(git_dir) else {
        return None;
    };
    let content = folder.read("commondir", POINTER_BYTES_MAX);
    let common = Pointer::read(content, b"", git_dir).path()?.to_owned();
    Some(common.canonicalize().unwrap_or(common))
}

fn is_git_folder(path: &Path) -> bool {
    path.join("HEAD").symlink_metadata().is_ok()
        && path.join("objects").is_dir()
        && path.join("refs").is_dir()
}

/// Whether anything of a repository is left where one was.
fn has_traces(path: &Path) -> bool {
    [".git", "HEAD", "objects", "refs"].iter().any(|name| path.join(name).symlink_metadata().is_ok())
}

/// Git keeps a submodule's repository in `modules` of the one around it.
fn is_of_submodule(git_dir: &Path) -> bool {
    git_dir.ancestors().skip(1).any(|at| {
        at.file_name().is_some_and(|name| name == "modules")
            && at.parent().is_some_and(|around| around.join("HEAD").symlink_metadata().is_ok())
    })
}
