//! Whether git ignores a name beyond doubt: by the plain rules that most files of rules consist of. One that is not
//! plain ignores something or not, and is passed over; an exception puts everything in doubt that its file is asked for.

use std::{
    fs::File,
    io,
    os::fd::{AsFd, OwnedFd},
};

use rustix::fs::{FileType, Mode, OFlags, openat};

use crate::atomic;

/// The largest file of rules that is read, in bytes.
const RULES_BYTES_MAX: u64 = 1 << 20;
/// The file of rules in a folder.
const IN_FOLDER: &str = ".gitignore";
/// What makes a rule more than a name.
const SPECIAL: &[u8] = b"\\[]?*\0\r\t";
/// What some editors begin a text with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The rules of one file.
#[derive(Debug, Default)]
pub(super) struct Rules {
    plain: Vec<Rule>,
    has_exceptions: bool,
}

/// A rule that can be told by the name alone.
#[derive(Debug, PartialEq, Eq)]
struct Rule {
    name: Name,
    /// Whether it holds in the folder of its file alone, and not in those below.
    is_here: bool,
    only_folders: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Name {
    Whole(Vec<u8>),
    End(Vec<u8>),
}

/// What rules say of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is ignored.
    Ignored,
    /// They do not ignore it, as far as they can be told; what holds above is to be asked.
    Open,
    /// Git has to be asked.
    Doubt,
}

impl Rules {
    /// Reads those in a folder; an error when git might read something else.
    pub(super) fn in_folder(folder: &OwnedFd) -> io::Result<Self> {
        Self::in_file(folder, IN_FOLDER)
    }

    /// Reads a file of rules, following no link at its end.
    pub(super) fn in_file(folder: impl AsFd, name: &str) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(folder, name, flags, Mode::empty()).map_err(io::Error::from) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            opened => File::from(opened?),
        };
        let about = file.metadata()?;
        if !about.is_file() || about.len() > RULES_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Self::parse(&atomic::read_up_to(&file, about.len(), RULES_BYTES_MAX)?))
    }

    pub(super) fn parse(text: &[u8]) -> Self {
        let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let lines = || text.split(|&byte| byte == b'\n');
        Self {
            plain: lines().filter_map(Rule::parse).collect(),
            has_exceptions: lines().any(|line| line.starts_with(b"!")),
        }
    }

    /// What they say of something in the folder of their file, or in one below.
    pub(super) fn judge(&self, name: &[u8], kind: FileType, is_here: bool) -> Verdict {
        if self.has_exceptions || kind == FileType::Unknown {
            return Verdict::Doubt;
        }
        let is_ignored = self.plain.iter().any(|rule| rule.ignores(name, kind, is_here));
        if is_ignored { Verdict::Ignored } else { Verdict::Open }
    }
}

impl Rule {
    /// The rule of a line; nothing when it is none, or not plain.
    fn parse(line: &[u8]) -> Option<Self> {
        if line.starts_with(b"#") || line.starts_with(b"!") || line.ends_with(b" ") {
            return None;
        }
        let (line, only_folders) = match line.strip_suffix(b"/") {
            Some(line) => (line, true),
            None => (line, false),
        };
        let (line, is_here) = match line.strip_prefix(b"/") {
            Some(line) => (line, true),
            None => (line, false),
        };
        let (line, is_end) = match line.strip_prefix(b"*") {
            Some(line) => (line, true),
            None => (line, false),
        };
        if line.is_empty() || line.iter().any(|byte| *byte == b'/' || SPECIAL.contains(byte)) {
            return None;
        }
        let name = if is_end { Name::End(line.to_owned()) } else { Name::Whole(line.to_owned()) };
        Some(Self { name, is_here, only_folders })
    }

    fn ignores(&self, name: &[u8], kind: FileType, is_here: bool) -> bool {
        let is_named = match &self.name {
            Name::Whole(whole) => name == whole,
            Name::End(end) => name.ends_with(end),
        };
        is_named && (is_here || !self.is_here) && (kind == FileType::Directory || !self.only_folders)
    }
}
