//! Which refs there are and which commit one names, read from their files without opening the repository.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, BufRead as _, BufReader},
    path::Path,
};

use super::{
    files::{Folder, POINTER_BYTES_MAX, Place},
    regular::open_regular,
};
use crate::session::CommitId;

/// How many symbolic refs may lead to each other.
const HOPS_MAX: usize = 5;

/// How deep the folders of names are looked into.
const DEPTH_MAX: usize = 64;

/// The full names below these folders (`refs/heads/`), by the names of their files alone: a repository has thousands of them,
/// and to look into each takes longer than everything else that a create does. `None` where something is unusual, or refs
/// are kept elsewhere than in files.
pub(super) fn names(common: &Path, prefixes: &[&str]) -> Option<BTreeSet<String>> {
    if fs::symlink_metadata(common.join("reftable")).is_ok() {
        return None;
    }
    // Put in order at the end: names that come one by one, in any order, cost twice as much.
    let mut names = Vec::new();
    for prefix in prefixes {
        add_loose(common, prefix.trim_end_matches('/'), DEPTH_MAX, &mut names)?;
    }
    let Some(packed) = open_regular(&common.join("packed-refs")).ok()? else {
        return Some(names.into_iter().collect());
    };
    for line in BufReader::with_capacity(1 << 16, packed).split(b'\n') {
        // Comments and what a tag leads to have no name behind a blank that begins so.
        let line = line.ok()?;
        let name = line.splitn(2, |&byte| byte == b' ').nth(1).and_then(|name| str::from_utf8(name).ok());
        let name = name.map(str::trim_end);
        names.extend(
            name.filter(|it| prefixes.iter().any(|prefix| it.starts_with(prefix))).map(str::to_owned),
        );
    }
    Some(names.into_iter().collect())
}

fn add_loose(common: &Path, below: &str, depth: usize, names: &mut Vec<String>) -> Option<()> {
    let entries = match fs::read_dir(common.join(below)) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Some(()),
        entries => entries.ok()?,
    };
    for entry in entries {
        let entry = entry.ok()?;
        let kind = entry.file_type().ok()?;
        let name = entry.file_name();
        // One that is no text is no branch of ours.
        let Some(name) = name.to_str().filter(|name| !name.as_bytes().ends_with(b".lock")) else {
            continue;
        };
        let name = [below, "/", name].concat();
        if kind.is_dir() {
            add_loose(common, &name, depth.checked_sub(1)?, names)?;
        } else if kind.is_file() {
            names.push(name);
        } else {
            return None;
        }
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
