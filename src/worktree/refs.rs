//! Which refs there are and which commit one names, read from their files without opening the repository.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, BufRead as _, BufReader},
    path::Path,
};

use super::{
    files::{Folder, POINTER_BYTES_MAX, Place},
    near::Sought,
    regular::open_regular,
};
use crate::session::CommitId;

pub(super) const HEADS: &str = "refs/heads/";
pub(super) const REMOTES: &str = "refs/remotes/";
pub(super) const TAGS: &str = "refs/tags/";
/// The refs that keep commits, and that a new branch could collide with.
const SHARED: [&str; 3] = [HEADS, REMOTES, TAGS];

/// How many symbolic refs may lead to each other.
const HOPS_MAX: usize = 5;

/// How deep the folders of names are looked into.
const DEPTH_MAX: usize = 64;

/// What has a name among the refs that are files of their own.
enum Loose {
    /// No ref and no folder.
    Nothing,
    /// A ref, of this name or one above it.
    Ref,
    /// A folder, which may hold so many more of them in each other.
    Folder { depth: usize },
}

/// Whether a full name is a branch, a remote-tracking branch or a tag.
pub(super) fn is_shared(name: &str) -> bool {
    SHARED.iter().any(|prefix| name.starts_with(prefix))
}

/// A full name without what says its kind.
pub(super) fn short(name: &str) -> &str {
    SHARED.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

/// Whether refs are kept elsewhere than in files.
fn are_elsewhere(common: &Path) -> bool {
    fs::symlink_metadata(common.join("reftable")).is_ok()
}

/// Whether a path among the refs leads to a name in another case too.
pub(super) fn ignore_case(common: &Path) -> bool {
    fs::symlink_metadata(common.join("REFS")).is_ok()
}

/// The full names of all refs that keep commits, by the names of their files alone: a repository has thousands of them,
/// and to look into each takes longer than everything else that a create does. `None` where something is unusual, or refs
/// are kept elsewhere than in files.
pub(super) fn names(common: &Path) -> Option<BTreeSet<String>> {
    if are_elsewhere(common) {
        return None;
    }
    // Put in order at the end: names that come one by one, in any order, cost twice as much.
    let mut names = Vec::new();
    for prefix in SHARED {
        add_loose(common, prefix.trim_end_matches('/'), DEPTH_MAX, &|_| true, &mut names)?;
    }
    add_packed(common, &|_| true, &mut names)?;
    Some(names.into_iter().collect())
}

/// Those of them that are sought, and perhaps some more, without a look at the branches beside: each is asked for by its path.
/// `None` as above, where the unusual is on such a path.
pub(super) fn names_near(common: &Path, sought: &Sought) -> Option<BTreeSet<String>> {
    if are_elsewhere(common) {
        return None;
    }
    let concerns = |name: &str| sought.concerns(name);
    let mut names = Vec::new();
    for name in &sought.exactly {
        add_along(common, name, &mut names)?;
    }
    let branch = sought.branch.reference();
    if let Loose::Folder { depth } = add_along(common, &branch, &mut names)? {
        add_loose(common, &branch, depth, &concerns, &mut names)?;
    }
    add_loose(common, REMOTES.trim_end_matches('/'), DEPTH_MAX, &concerns, &mut names)?;
    // Behind the loose ones: a ref that is packed meanwhile is seen in one place at least.
    add_packed(common, &concerns, &mut names)?;
    Some(names.into_iter().collect())
}

/// Adds the names below a folder that are wanted.
fn add_loose(
    common: &Path,
    below: &str,
    depth: usize,
    is_wanted: &impl Fn(&str) -> bool,
    names: &mut Vec<String>,
) -> Option<()> {
    let entries = match fs::read_dir(common.join(below)) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Some(()),
        entries => entries.ok()?,
    };
    for entry in entries {
        let entry = entry.ok()?;
        let kind = entry.file_type().ok()?;
        let name = entry.file_name();
        // One that is no text is no branch of ours.
        let Some(name) = name.to_str().filter(|name| !is_lock(name)) else {
            continue;
        };
        let name = [below, "/", name].concat();
        if kind.is_dir() {
            add_loose(common, &name, depth.checked_sub(1)?, is_wanted, names)?;
        } else if !kind.is_file() {
            return None;
        } else if is_wanted(&name) {
            names.push(name);
        }
    }
    Some(())
}

/// Adds the ref of this name, or the one that is a file where the name needs a folder.
fn add_along(common: &Path, name: &str, names: &mut Vec<String>) -> Option<Loose> {
    let Some(prefix) = SHARED.iter().find(|prefix| name.starts_with(*prefix)) else {
        return Some(Loose::Nothing);
    };
    let parts = name[prefix.len()..].split('/');
    // No ref has such a name, and a path would lead somewhere else.
    if parts.clone().any(|part| matches!(part, "" | "." | "..") || is_lock(part)) {
        return Some(Loose::Nothing);
    }
    let (mut end, mut depth) = (prefix.len() - 1, DEPTH_MAX);
    for part in parts {
        end += 1 + part.len();
        let kind = match fs::symlink_metadata(common.join(&name[..end])) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Some(Loose::Nothing),
            about => about.ok()?.file_type(),
        };
        if kind.is_file() {
            names.push(name[..end].to_owned());
            return Some(Loose::Ref);
        }
        depth = depth.checked_sub(1).filter(|_| kind.is_dir())?;
    }
    Some(Loose::Folder { depth })
}

fn is_lock(name: &str) -> bool {
    name.as_bytes().ends_with(b".lock")
}

/// Adds the packed names that are wanted.
fn add_packed(common: &Path, is_wanted: &impl Fn(&str) -> bool, names: &mut Vec<String>) -> Option<()> {
    let Some(packed) = open_regular(&common.join("packed-refs")).ok()? else {
        return Some(());
    };
    let mut reader = BufReader::with_capacity(1 << 16, packed);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).ok()? > 0 {
        // Comments and what a tag leads to have no name behind a blank that begins so.
        let name = line.splitn(2, |&byte| byte == b' ').nth(1).and_then(|name| str::from_utf8(name).ok());
        let name = name.map(str::trim_end).filter(|name| is_shared(name) && is_wanted(name));
        names.extend(name.map(str::to_owned));
        line.clear();
    }
    Some(())
}

/// The commit of a ref (full name); `None` when it is not there, damaged, or kept elsewhere than in files.
pub(super) fn commit_of(common: &Path, reference: &str) -> Option<CommitId> {
    match Folder::open(common) {
        Ok(Place::Folder(common)) => commit_in(&common, reference),
        Ok(Place::Missing | Place::Other) | Err(_) => None,
    }
}

/// The same in a git folder that is open.
pub(super) fn commit_in(common: &Folder, reference: &str) -> Option<CommitId> {
    let mut reference = reference.to_owned();
    for _ in 0..HOPS_MAX {
        let content = common.read(&reference, POINTER_BYTES_MAX);
        let Some(text) = content.text() else {
            break;
        };
        match text.strip_prefix("ref:").map(str::trim) {
            Some(next) if next.starts_with("refs/") && !next.contains("..") => {
                next.clone_into(&mut reference);
            }
            Some(_) => return None,
            None => return text.parse().ok(),
        }
    }
    packed(common.path(), &reference)
}

fn packed(common: &Path, reference: &str) -> Option<CommitId> {
    let file = open_regular(&common.join("packed-refs")).ok()??;
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).ok()? > 0 {
        let text = line.trim_ascii_end();
        if let Some(id) = text.strip_suffix(reference.as_bytes()).and_then(|rest| rest.strip_suffix(b" ")) {
            return str::from_utf8(id).ok()?.parse().ok();
        }
        line.clear();
    }
    None
}
