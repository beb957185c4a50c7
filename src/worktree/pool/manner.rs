//! In which manner git would write a checkout now: one number for all settings, attributes and surroundings that decide it.
//!
//! A warm worktree keeps the manner it was written in. Where that is not today's, or where nobody can say what today's is,
//! it is not taken. What is known to decide nothing is left out, so that a pushed branch or a new alias makes no
//! difference; everything else counts, also what nobody has heard of yet.

use std::{
    env,
    ffi::OsStr,
    fmt::Write as _,
    fs,
    io::{self, ErrorKind},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use git2::Config;
use rustix::{
    fs::{Mode, OFlags},
    process::{getegid, geteuid},
};
use sha1::{Digest as _, Sha1};

use crate::{
    atomic, process,
    worktree::{GitWorktrees, command::GitCall, handle::Handle, surroundings::Surroundings},
};

/// Sections of settings that decide nothing of what a checkout writes.
const HARMLESS: [&str; 46] = [
    "advice",
    "alias",
    "am",
    "blame",
    "branch",
    "browser",
    "clean",
    "color",
    "column",
    "commit",
    "credential",
    "diff",
    "difftool",
    "fetch",
    "format",
    "gc",
    "gpg",
    "grep",
    "gui",
    "guitool",
    "help",
    "http",
    "i18n",
    "init",
    "instaweb",
    "interactive",
    "log",
    "mailinfo",
    "mailmap",
    "maintenance",
    "man",
    "merge",
    "mergetool",
    "notes",
    "pager",
    "pretty",
    "pull",
    "push",
    "rebase",
    "remote",
    "rerere",
    "sendemail",
    "stash",
    "tag",
    "url",
    "user",
];
/// A setting that each of our git commands may bring along, and that says nothing of files.
const HOOKS: &str = "core.hookspath";
/// Conditions on other files of settings; libgit2 does not know all of them.
const CONDITIONS: &str = "includeif.";
/// One that holds for a branch and not for the next.
const ON_BRANCH: &str = "includeif.onbranch:";
/// The largest file that is read for this, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Collects what decides how a checkout is written.
struct Sum(Sha1);

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes.len().to_le_bytes());
        self.0.update(bytes);
    }

    /// A file with all its bytes, or that there is none.
    fn add_file(&mut self, path: &Path) -> io::Result<()> {
        // A setting can name a pipe, and nobody waits for that.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match rustix::fs::open(path, flags, Mode::empty()).map_err(io::Error::from) {
            Ok(file) => {
                let file = fs::File::from(file);
                let about = file.metadata()?;
                if !about.is_file() {
                    return Err(ErrorKind::InvalidInput.into());
                }
                let bytes = atomic::read_up_to(&file, about.len(), FILE_BYTES_MAX + 1)?;
                if bytes.len() as u64 > FILE_BYTES_MAX {
                    return Err(ErrorKind::InvalidInput.into());
                }
                self.add(b"file");
                self.add(&bytes);
            }
            Err(err) if matches!(err.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                self.add(b"none");
            }
            Err(err) => return Err(err),
        }
        Ok(())
    }
}

/// A setting; one without a value switches on.
type Setting = (String, Option<Vec<u8>>);

impl GitWorktrees {
    /// In which manner a checkout of a repository would be written now; nothing when that cannot be said.
    pub(super) fn manner(&self, around: &Surroundings<'_>) -> Option<String> {
        let (settings, own_git) = self.effective_settings(around)?;
        let mut sum = Sum(Sha1::new());
        for (name, value) in &settings {
            if is_of_its_own_mind(name, value.as_deref()) {
                tracing::debug!(setting = name, "nobody can say what git will write into a worktree");
                return None;
            }
            if counts(name) {
                sum.add(name.as_bytes());
                sum.add(value.as_deref().unwrap_or(b"\0"));
            }
        }
        let mut files = around.attributes.clone()?;
        for (_, value) in settings.iter().filter(|(name, _)| name == "core.attributesfile") {
            files.push(expanded(value.as_deref()?)?);
        }
        files.extend(around.own_settings.clone());
        // A new worktree gets a copy of these.
        files.extend(["config.worktree", "info/sparse-checkout"].map(|name| own_git.join(name)));
        for file in files {
            if let Err(err) = sum.add_file(&file) {
                tracing::debug!(file = %file.display(), error = %err, "nobody can say what git will write into a worktree");
                return None;
            }
        }
        let mut variables: Vec<_> =
            env::vars_os().filter(|(key, _)| key.as_bytes().starts_with(b"GIT_LFS_")).collect();
        variables.sort();
        for (key, value) in variables {
            sum.add(key.as_bytes());
            sum.add(value.as_bytes());
        }
        sum.add(&geteuid().as_raw().to_le_bytes());
        sum.add(&getegid().as_raw().to_le_bytes());
        sum.add(&umask());
        let number: [u8; 20] = sum.0.finalize().into();
        let text = number.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a text takes every number");
            text
        });
        Some(text)
    }

    /// All settings of a repository, always in the same order, and git's folder for its own worktree. Nothing where objects are replaced: what a commit holds is for git alone to say then.
    fn effective_settings(&self, around: &Surroundings<'_>) -> Option<(Vec<Setting>, PathBuf)> {
        let root = around.of.root;
        if let Handle::Library(repository) = around.of.handle {
            let settings = all_of(around.settings.as_ref()?)?;
            if around.replaces? {
                return None;
            }
            let own = repository.path().to_owned();
            if !settings.iter().any(|(name, _)| name.starts_with(CONDITIONS)) {
                return Some((settings, own));
            }
            return Some((self.settings_by_git(root)?, own));
        }
        let replaced = ["for-each-ref", "--count=1", "--format=%(refname)", "refs/replace/"];
        if !self.git(root, &replaced).ok()?.is_empty() {
            return None;
        }
        let own = self.line(root, &["rev-parse", "--absolute-git-dir"]).ok()??;
        Some((self.settings_by_git(root)?, own.into()))
    }

    fn settings_by_git(&self, root: &Path) -> Option<Vec<Setting>> {
        let answer = self.run(&GitCall::ask(root, &["config", "--list", "-z", "--includes"])).ok()?.stdout;
        let lines = answer.split(|&byte| byte == 0).filter(|line| !line.is_empty());
        lines
            .map(|line| {
                let mut parts = line.splitn(2, |&byte| byte == b'\n');
                let name = str::from_utf8(parts.next()?).ok()?.to_owned();
                Some((name, parts.next().map(<[u8]>::to_vec)))
            })
            .collect()
    }
}

fn all_of(config: &Config) -> Option<Vec<Setting>> {
    let mut entries = config.entries(None).ok()?;
    let mut settings = Vec::new();
    while let Some(entry) = entries.next() {
        let entry = entry.ok()?;
        let value = entry.has_value().then(|| entry.value_bytes().to_vec());
        settings.push((entry.name().ok()?.to_owned(), value));
    }
    Some(settings)
}

fn counts(name: &str) -> bool {
    let section = name.split('.').next().unwrap_or(name);
    name != HOOKS && !HARMLESS.contains(&section)
}

/// Whether a setting leaves the content of files to something that can change its mind: a filter other than that of LFS,
/// or settings that are those of one branch.
fn is_of_its_own_mind(name: &str, value: Option<&[u8]>) -> bool {
    let filter = name.strip_prefix("filter.").filter(|rest| !rest.starts_with("lfs."));
    let writes = filter.is_some_and(|rest| rest.ends_with(".smudge") || rest.ends_with(".process"));
    (writes && !matches!(value, Some(b"" | b"cat"))) || name.starts_with(ON_BRANCH)
}

/// The path in a setting, as git reads it; nothing for one that depends on where git is.
fn expanded(value: &[u8]) -> Option<PathBuf> {
    let path = Path::new(OsStr::from_bytes(value));
    match path.strip_prefix("~") {
        Ok(below) => Some(PathBuf::from(env::var_os("HOME")?).join(below)),
        Err(_) => path.is_absolute().then(|| path.to_owned()),
    }
}

/// Which rights files are made without, as text; empty where the kernel does not tell.
fn umask() -> Vec<u8> {
    let status = process::read_proc("self/status").unwrap_or_default();
    let status = String::from_utf8_lossy(&status);
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    line.unwrap_or_default().trim().as_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_to_be_harmless_counts() {
        for name in
            ["core.autocrlf", "core.eol", "filter.lfs.smudge", "lfs.fetchexclude", "extensions.x", "new.one"]
        {
            assert!(counts(name), "{name}");
        }
        for name in ["branch.main.remote", "user.name", "remote.origin.url", "core.hookspath", "alias.eol"] {
            assert!(!counts(name), "{name}");
        }
    }

    #[test]
    fn a_filter_can_change_its_mind_unless_it_is_known() {
        for (name, value) in [("filter.x.smudge", Some(b"date".as_slice())), ("filter.x.process", None)] {
            assert!(is_of_its_own_mind(name, value), "{name}");
        }
        assert!(is_of_its_own_mind("includeif.onbranch:main.path", Some(b"x")));
        for (name, value) in [
            ("filter.lfs.smudge", b"git-lfs smudge -- %f".as_slice()),
            ("filter.x.smudge", b"cat"),
            ("filter.x.clean", b"sed"),
            ("includeif.gitdir:~/work/.path", b"x"),
        ] {
            assert!(!is_of_its_own_mind(name, Some(value)), "{name}");
        }
    }
}
