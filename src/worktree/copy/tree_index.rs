//! Which index a tree is, before any of its files is there.

use git2::{Oid, Repository, Tree};

use super::index_file::{
    ENTRY_BYTES, FLAGS_AT, ID_AT, ID_BYTES, INDEX_BYTES_MAX, IndexFile, LENGTH, MODE_AT, TREE,
};

/// How deep folders may lie in each other; git sets an end to it as well.
const DEPTH_MAX: usize = 256;
/// How many folders are looked into: a few objects can name more than anybody has room for.
const TREES_MAX: usize = 200_000;
/// The form in which it is written, which every git reads.
const VERSION: u32 = 2;
const FOLDER: i32 = 0o040_000;
const LINK: i32 = 0o120_000;
const FILES: [i32; 3] = [0o100_644, 0o100_755, LINK];

/// The index of a tree, in which nothing is known of any file yet; nothing when git has to decide what something in the
/// tree is, or whether it may have its name.
pub(super) fn index_of(repository: &Repository, tree: &Tree<'_>) -> Option<IndexFile> {
    index_within(repository, tree, TREES_MAX)
}

fn index_within(repository: &Repository, tree: &Tree<'_>, trees_max: usize) -> Option<IndexFile> {
    let mut listing = Listing { repository, entries: Vec::new(), count: 0, trees_left: trees_max };
    let trees = listing.add(tree, b"", &mut Vec::new(), 0)?;
    let mut bytes = b"DIRC".to_vec();
    bytes.extend(VERSION.to_be_bytes());
    bytes.extend(listing.count.to_be_bytes());
    bytes.extend(listing.entries);
    bytes.extend(TREE);
    bytes.extend(u32::try_from(trees.len()).ok()?.to_be_bytes());
    bytes.extend(trees);
    // In the place of the checksum, which is written in the end: one that is not left out.
    bytes.extend([0xff; ID_BYTES]);
    IndexFile::parse(bytes, i64::MIN)
}

struct Listing<'a> {
    repository: &'a Repository,
    entries: Vec<u8>,
    count: u32,
    trees_left: usize,
}

impl Listing<'_> {
    /// Adds the files of a tree, which come in the order of an index; answers what the extension for trees says of it.
    fn add(&mut self, tree: &Tree<'_>, name: &[u8], path: &mut Vec<u8>, depth: usize) -> Option<Vec<u8>> {
        self.trees_left = self.trees_left.checked_sub(1)?;
        if depth > DEPTH_MAX {
            return None;
        }
        let (first, length) = (self.count, path.len());
        let mut below = Vec::new();
        for entry in tree {
            let (name, mode) = (entry.name_bytes(), entry.filemode_raw());
            if !may_be_named(name, mode) {
                return None;
            }
            path.extend_from_slice(name);
            if mode == FOLDER {
                path.push(b'/');
                let tree = self.repository.find_tree(entry.id()).ok()?;
                below.push((name.to_vec(), self.add(&tree, name, path, depth + 1)?));
            } else if FILES.contains(&mode) {
                self.put(path, mode, entry.id())?;
            } else {
                return None;
            }
            path.truncate(length);
        }
        // In the order of git: the shortest name first. What stands twice in a tree, git makes one of.
        below.sort_by(|(one, _), (other, _)| (one.len(), one).cmp(&(other.len(), other)));
        if below.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return None;
        }
        let numbers = format!("\0{} {}\n", self.count - first, below.len());
        let mut record = [name, numbers.as_bytes(), tree.id().as_bytes()].concat();
        record.extend(below.into_iter().flat_map(|(_, record)| record));
        Some(record)
    }

    fn put(&mut self, path: &[u8], mode: i32, id: Oid) -> Option<()> {
        let mut entry = [0; ENTRY_BYTES];
        entry[MODE_AT..MODE_AT + 4].copy_from_slice(&mode.to_be_bytes());
        entry[ID_AT..ID_AT + ID_BYTES].copy_from_slice(id.as_bytes());
        if (self.entries.len() + path.len()) as u64 > INDEX_BYTES_MAX {
            return None;
        }
        let length = u16::try_from(path.len()).map_or(LENGTH, |length| length.min(LENGTH));
        entry[FLAGS_AT..].copy_from_slice(&length.to_be_bytes());
        let begin = self.entries.len();
        self.entries.extend(entry);
        self.entries.extend_from_slice(path);
        // At least one byte that is none, up to the next eighth.
        let end = begin + (ENTRY_BYTES + path.len() + 8) / 8 * 8;
        self.entries.resize(end, 0);
        self.count = self.count.checked_add(1)?;
        Some(())
    }
}

/// Whether something may have a name beyond doubt: git refuses what another system would take for `.git`, and some of its own
/// files as links.
fn may_be_named(name: &[u8], mode: i32) -> bool {
    // Signs that some systems pass over.
    let plain: Vec<u8> = name.iter().filter(|byte| byte.is_ascii()).map(u8::to_ascii_lowercase).collect();
    let begins_so = plain.starts_with(b".git");
    let is_odd = plain.starts_with(b"git~")
        || plain.iter().any(|byte| matches!(byte, b'\\' | b'/'))
        || (begins_so && matches!(plain.get(4), None | Some(b'.' | b' ' | b':')));
    // The short names of such files on some systems have that sign.
    let is_odd_link = mode == LINK && (begins_so || plain.contains(&b'~'));
    !is_odd && !is_odd_link
}

#[cfg(test)]
mod tests {
    use git2::ObjectType;

    use super::*;

    fn tree_of(repository: &Repository, entries: &[(&str, Oid, i32)]) -> Oid {
        let mut raw = Vec::new();
        for (name, id, mode) in entries {
            raw.extend(format!("{mode:o} {name}\0").into_bytes());
            raw.extend(id.as_bytes());
        }
        repository.odb().unwrap().write(ObjectType::Tree, &raw).unwrap()
    }

    #[test]
    fn a_tree_that_names_more_folders_than_anybody_has_is_left_to_git() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        let file = repository.blob(b"text").unwrap();
        let mut tree = tree_of(&repository, &[("file", file, FILES[0])]);
        for _ in 0..40 {
            tree = tree_of(&repository, &[("a", tree, FOLDER), ("b", tree, FOLDER)]);
        }
        assert!(index_within(&repository, &repository.find_tree(tree).unwrap(), 1_000).is_none());
        let few = tree_of(&repository, &[("a", tree_of(&repository, &[("f", file, FILES[0])]), FOLDER)]);
        let few = repository.find_tree(few).unwrap();
        assert_eq!(index_within(&repository, &few, 2).map(|index| index.entries.len()), Some(1));
        assert!(index_within(&repository, &few, 1).is_none());
    }

    #[test]
    fn a_tree_in_which_a_folder_stands_twice_is_left_to_git() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        let file = repository.blob(b"text").unwrap();
        let [one, other] = ["a", "b"].map(|name| tree_of(&repository, &[(name, file, FILES[0])]));
        let twice = tree_of(&repository, &[("d", one, FOLDER), ("d", other, FOLDER)]);
        assert!(index_of(&repository, &repository.find_tree(twice).unwrap()).is_none());
        let both = tree_of(&repository, &[("d", one, FOLDER), ("e", other, FOLDER)]);
        assert!(index_of(&repository, &repository.find_tree(both).unwrap()).is_some());
    }

    #[test]
    fn a_name_that_some_system_takes_for_git_itself_is_for_git_to_judge() {
        for name in
            [".git", ".GIT", ".git ", ".git. .", ".git::$INDEX", "git~1", "GIT~12", ".g\u{200c}it", "a\\b"]
        {
            assert!(!may_be_named(name.as_bytes(), FILES[0]), "{name}");
            assert!(!may_be_named(name.as_bytes(), FOLDER), "{name}");
        }
        for name in [".gitmodules", "GITMOD~1", "gi7eba~1"] {
            assert!(!may_be_named(name.as_bytes(), LINK), "{name}");
        }
        assert!(!may_be_named(b"a/b", FILES[0]));
        for name in [".gitignore", ".github", ".gitattributes", "git", "a.git", "digit~1", "ü", ".gi"] {
            assert!(may_be_named(name.as_bytes(), FILES[0]), "{name}");
        }
    }
}
