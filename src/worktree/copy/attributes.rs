//! Which attributes make no difference to what git writes into a worktree.

use git2::{ObjectType, Oid, Repository};

use super::index_file::IndexFile;

/// The name of a file of attributes, in any folder.
pub(super) const ATTRIBUTES: &[u8] = b".gitattributes";
/// Attributes that say how a file is shown, compared or packed; with any value.
const SHOWN: [&[u8]; 9] = [
    b"conflict-marker-size",
    b"delta",
    b"diff",
    b"encoding",
    b"export-ignore",
    b"export-subst",
    b"merge",
    b"binary",
    b"whitespace",
];
const SHOWN_BEGINNINGS: [&[u8]; 2] = [b"linguist-", b"gitlab-"];
/// Where lines end in LF, as they do without `core.eol` and `core.autocrlf` here, none of these changes a byte that is
/// written.
const UNCHANGING: [&[u8]; 6] = [b"text", b"text=auto", b"text=true", b"-text", b"!text", b"eol=lf"];

/// Whether all attributes that an index brings along make no difference.
pub(super) fn has_harmless_attributes(repository: &Repository, index: &IndexFile) -> Option<bool> {
    let odb = repository.odb().ok()?;
    for entry in &index.entries {
        let path = index.path(entry);
        if path.strip_suffix(ATTRIBUTES).is_some_and(|folder| folder.is_empty() || folder.ends_with(b"/")) {
            let object = odb.read(Oid::from_bytes(index.content(entry)).ok()?).ok()?;
            if object.kind() != ObjectType::Blob || !are_harmless(object.data()) {
                return Some(false);
            }
        }
    }
    Some(true)
}

/// Whether nothing in a file of attributes makes a difference to what is written.
pub(super) fn are_harmless(bytes: &[u8]) -> bool {
    bytes.split(|&byte| byte == b'\n').all(line_is_harmless)
}

fn line_is_harmless(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    if line.is_empty() || line.starts_with(b"#") {
        return true;
    }
    // A pattern in quotes may have spaces, and a macro gives names to attributes; both are rare.
    if line.starts_with(b"\"") || line.starts_with(b"[") {
        return false;
    }
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.next();
    words.all(|word| UNCHANGING.contains(&word) || is_shown(word))
}

fn is_shown(word: &[u8]) -> bool {
    let word = word.strip_prefix(b"-").or_else(|| word.strip_prefix(b"!")).unwrap_or(word);
    let name = word.split(|&byte| byte == b'=').next().unwrap_or(word);
    SHOWN.contains(&name) || SHOWN_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_shows_or_keeps_lines_is_harmless() {
        for text in [
            "",
            "# *.bin filter=lfs",
            "* text=auto",
            "*.png binary\n*.rs diff=rust text eol=lf\r\n/docs linguist-documentation=true export-ignore",
            "*.md -text whitespace=tab-in-indent !merge",
        ] {
            assert!(are_harmless(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn what_changes_what_is_written_is_not() {
        for text in [
            "*.bin filter=lfs diff=lfs merge=lfs -text",
            "*.txt eol=crlf",
            "*.txt crlf",
            "*.txt crlf=input",
            "*.c ident",
            "*.utf16 working-tree-encoding=UTF-16",
            "[attr]mine filter=x",
            "\"a b\" text",
            "*.x mine",
            "*.png binary\n*.txt text eol=crlf",
        ] {
            assert!(!are_harmless(text.as_bytes()), "{text}");
        }
    }
}
