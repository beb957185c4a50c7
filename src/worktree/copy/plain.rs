//! Whether a repository is so plain that a worktree can be written without git: no setting, hook or form of storage that
//! could make a difference. In any doubt it is not.

use std::{
    env, fs,
    io::{self, BufRead as _, BufReader},
    path::{Path, PathBuf},
};

use git2::{Config, Repository};

use super::attributes::are_harmless;
use crate::worktree::{
    GitWorktrees,
    handle::Handle,
    regular::{open_regular, read_regular},
    site::Site,
    surroundings::Surroundings,
};

/// The largest file of attributes that is read, in bytes.
const ATTRIBUTES_BYTES_MAX: u64 = 1 << 20;
/// Where most gits look for what holds for the whole machine; one of another home looks below that.
const SYSTEM: &str = "/etc";

/// What each of these settings may be, in small letters, without making a difference; an empty list: nothing.
const SETTINGS: [(&str, &[&str]); 18] = [
    ("attr.tree", &[]),
    ("core.attributesfile", &[]),
    ("core.autocrlf", OFF),
    ("core.bare", OFF),
    ("core.eol", &["lf", "native"]),
    ("core.filemode", ON),
    ("core.fsmonitor", OFF),
    ("core.ignorecase", OFF),
    ("core.prefersymlinkrefs", OFF),
    ("core.sharedrepository", &["umask", "false", "no", "off", "0"]),
    ("core.sparsecheckout", OFF),
    ("core.splitindex", OFF),
    ("core.symlinks", ON),
    ("core.usereplacerefs", ON),
    ("core.worktree", &[]),
    ("index.sparse", OFF),
    ("worktree.userelativepaths", OFF),
    ("extensions.preciousobjects", OFF),
];
const ON: &[&str] = &["true", "yes", "on", "1"];
const OFF: &[&str] = &["false", "no", "off", "0"];
/// Settings that always make a difference, or may in one worktree and not in another.
const BEGINNINGS: [&str; 2] = ["extensions.", "includeif."];
/// What a clone has that left objects at its remote.
const PARTIAL: [&str; 2] = [".promisor", ".partialclonefilter"];

/// A repository whose worktrees can be written as files.
pub(in crate::worktree) struct Plain {
    /// The repository, open.
    pub(in crate::worktree) repository: Repository,
    /// Whether git logs where branches and HEAD have been.
    pub(in crate::worktree) keeps_logs: bool,
}

impl GitWorktrees {
    /// The repository, if it is plain.
    pub(in crate::worktree) fn plain(&self, site: &Site) -> Option<Plain> {
        let handle = self.open(&site.root).ok()?;
        let logging = self.logging_if_plain(&self.look_around(site.opened(&handle)))?;
        Plain::of(handle, logging)
    }

    /// Whether git keeps logs in a repository that is plain by all that surrounds it; nothing when it is not.
    pub(in crate::worktree) fn logging_if_plain(&self, around: &Surroundings<'_>) -> Option<Logging> {
        let Handle::Library(repository) = around.of.handle else {
            return None;
        };
        let config = around.settings.as_ref()?;
        let is_watched = self.settings.trust_hooks && watches_refs(around.of.common, config);
        if repository.is_bare() || is_watched || !has_usual_settings(config)? {
            return None;
        }
        // Git reads another object where one is replaced, and another file of settings where it has a home of its own.
        if around.replaces? || around.own_settings.is_some() {
            return None;
        }
        if !around.attributes.as_ref()?.iter().all(|path| file_is_harmless(path)) {
            return None;
        }
        let is_off = match config.get_string("core.logallrefupdates") {
            Ok(text) => OFF.contains(&&*text.to_ascii_lowercase()),
            Err(_) => false,
        };
        Some(if is_off { Logging::Off } else { Logging::On })
    }
}

/// Whether git logs where branches and HEAD have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::worktree) enum Logging {
    /// It does.
    On,
    /// It does not.
    Off,
}

impl Plain {
    /// A repository that was found plain.
    pub(in crate::worktree) fn of(handle: Handle, logging: Logging) -> Option<Self> {
        match handle {
            Handle::Library(repository) => Some(Self { repository, keeps_logs: logging == Logging::On }),
            Handle::Command(_) => None,
        }
    }
}

fn has_usual_settings(config: &Config) -> Option<bool> {
    let mut entries = config.entries(None).ok()?;
    while let Some(entry) = entries.next() {
        let entry = entry.ok()?;
        let name = entry.name().ok()?;
        let known = SETTINGS.iter().find(|(setting, _)| *setting == name);
        let is_usual = match known {
            // A setting without a value is an empty text here, and switches on.
            Some((_, allowed)) => {
                entry.value().is_ok_and(|value| allowed.contains(&&*value.to_ascii_lowercase()))
            }
            None => {
                !BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
                    && !PARTIAL.iter().any(|ending| name.ends_with(ending))
            }
        };
        if !is_usual {
            tracing::debug!(setting = name, "git makes the worktrees of this repository");
            return Some(false);
        }
    }
    Some(true)
}

/// Whether a trusted hook wants to know of every change of a ref.
fn watches_refs(common: &Path, config: &Config) -> bool {
    config.get_string("core.hookspath").is_ok() || common.join("hooks/reference-transaction").exists()
}

/// The files that give attributes besides those in the worktree and a configured one; nothing when nobody can say where
/// they are.
pub(in crate::worktree) fn outer_attributes(common: &Path, own_etc: Option<&Path>) -> Option<Vec<PathBuf>> {
    let mut files = vec![common.join("info/attributes"), Path::new(SYSTEM).join("gitattributes")];
    files.extend(own_etc.map(|etc| etc.join("gitattributes")).filter(|file| file.exists()));
    // An empty variable counts for none, and one that is not absolute is read from wherever git is.
    let home = |name| env::var_os(name).map(PathBuf::from).filter(|path| !path.as_os_str().is_empty());
    let own = home("XDG_CONFIG_HOME").or_else(|| home("HOME").map(|home| home.join(".config")));
    if let Some(own) = own {
        if !own.is_absolute() {
            return None;
        }
        files.push(own.join("git/attributes"));
    }
    Some(files)
}

/// Where a git that is not installed for the machine has its files for the whole machine.
pub(in crate::worktree) fn own_etc(program: &str) -> Option<PathBuf> {
    let program = if program.contains('/') {
        PathBuf::from(program)
    } else {
        let path = env::var_os("PATH")?;
        env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file())?
    };
    let program = program.canonicalize().ok()?;
    let home = program.parent()?.parent()?;
    (home != Path::new("/usr")).then(|| home.join("etc"))
}

/// Whether git reads other objects in the place of some; nothing when that cannot be seen.
pub(in crate::worktree) fn replaces_objects(common: &Path) -> Option<bool> {
    match fs::read_dir(common.join("refs/replace")) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Some(true);
            }
        }
        Err(err) if err.kind() == io::ErrorKind::NotFound => (),
        Err(_) => return None,
    }
    let packed = match open_regular(&common.join("packed-refs")) {
        Ok(Some(packed)) => packed,
        Ok(None) => return Some(false),
        Err(_) => return None,
    };
    let mut reader = BufReader::with_capacity(1 << 16, packed);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).ok()? > 0 {
        if line.splitn(2, |&byte| byte == b' ').nth(1).is_some_and(|name| name.starts_with(b"refs/replace/"))
        {
            return Some(true);
        }
        line.clear();
    }
    Some(false)
}

/// Whether a file of attributes is not there, or none of them makes a difference.
fn file_is_harmless(path: &Path) -> bool {
    let found = read_regular(path, ATTRIBUTES_BYTES_MAX);
    found.is_ok_and(|bytes| bytes.is_none_or(|bytes| are_harmless(&bytes)))
}
