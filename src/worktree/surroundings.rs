//! What decides how git writes the worktrees of a repository, read once for everybody who asks at one moment.

use std::path::{Path, PathBuf};

use git2::Config;

use super::{
    GitWorktrees,
    copy::{outer_attributes, own_etc, replaces_objects},
    handle::Handle,
};

/// A repository that is open, and where.
#[derive(Clone, Copy)]
pub(super) struct Opened<'a> {
    /// What asks it.
    pub(super) handle: &'a Handle,
    /// Where it was opened.
    pub(super) root: &'a Path,
    /// Its git folder.
    pub(super) common: &'a Path,
}

/// Settings and places as they were at one moment. They belong to one look and are not kept for the next: nobody would
/// notice that they changed.
pub(super) struct Surroundings<'a> {
    /// The repository.
    pub(super) of: Opened<'a>,
    /// All its settings, where libgit2 can read them.
    pub(super) settings: Option<Config>,
    /// Whether git reads other objects in the place of some; nothing when that cannot be seen in files.
    pub(super) replaces: Option<bool>,
    /// The files that give attributes besides those in a worktree; nothing when nobody can say where they are.
    pub(super) attributes: Option<Vec<PathBuf>>,
    /// The settings for the whole machine that a git with a home of its own has, and libgit2 does not look at.
    pub(super) own_settings: Option<PathBuf>,
}

impl GitWorktrees {
    /// Looks around an open repository.
    pub(super) fn look_around<'a>(&self, of: Opened<'a>) -> Surroundings<'a> {
        let settings = match of.handle {
            Handle::Library(repository) => repository.config().and_then(|mut config| config.snapshot()).ok(),
            Handle::Command(_) => None,
        };
        let etc = own_etc(&self.settings.program);
        Surroundings {
            of,
            settings,
            replaces: replaces_objects(of.common),
            attributes: outer_attributes(of.common, etc.as_deref()),
            own_settings: etc.map(|etc| etc.join("gitconfig")).filter(|file| file.exists()),
        }
    }
}
