//! What is mounted at or below a folder.

use std::{
    ffi::OsString,
    fs,
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
};

use super::WorktreeError;

const MOUNTINFO: &str = "/proc/self/mountinfo";
/// The mount point is the fifth field of a line.
const MOUNT_POINT: usize = 4;

/// The mount points at or below a folder (absolute, links resolved), in their order, each once.
pub(super) fn at_or_below(folder: &Path) -> Result<Vec<PathBuf>, WorktreeError> {
    let table = fs::read(MOUNTINFO).map_err(|source| WorktreeError::Io {
        action: "read",
        path: PathBuf::from(MOUNTINFO),
        source,
    })?;
    let mut found: Vec<PathBuf> = mount_points(&table).filter(|point| point.starts_with(folder)).collect();
    found.sort();
    found.dedup();
    Ok(found)
}

/// The mount points of a mount table, as the kernel writes it.
pub(super) fn mount_points(table: &[u8]) -> impl Iterator<Item = PathBuf> {
    table
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.split(|byte| *byte == b' ').nth(MOUNT_POINT))
        .map(|field| PathBuf::from(OsString::from_vec(decoded(field))))
}

/// The kernel writes space, tab, line feed and backslash as a backslash and three octal digits.
fn decoded(field: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, tail @ ..] = rest {
        if let [b'\\', high @ b'0'..=b'3', middle @ b'0'..=b'7', low @ b'0'..=b'7', after @ ..] = rest {
            decoded.push((high - b'0') << 6 | (middle - b'0') << 3 | (low - b'0'));
            rest = after;
        } else {
            decoded.push(*first);
            rest = tail;
        }
    }
    decoded
}
