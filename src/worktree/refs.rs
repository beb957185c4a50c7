//! Which commit a ref names, read from its files without opening the repository.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
};

use super::{
    files::{Folder, POINTER_BYTES_MAX, Place},
    regular::open_regular,
};
use crate::session::CommitId;

/// How many symbolic refs may lead to each other.
const HOPS_MAX: usize = 5;

/// The commit of a ref (full name); `None` when it is not there, damaged, or kept elsewhere than in files.
pub(super) fn commit_of(common: &Path, reference: &str) -> Option<CommitId> {
    let Ok(Place::Folder(folder)) = Folder::open(common) else {
        return None;
    };
    let mut reference = reference.to_owned();
    for _ in 0..HOPS_MAX {
        let content = folder.read(&reference, POINTER_BYTES_MAX);
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
    packed(common, &reference)
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
