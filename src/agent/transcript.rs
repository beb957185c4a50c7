//! Where an agent keeps what was said: the file of one conversation is looked for by its id and nothing else.

use std::{
    fs, io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use super::{
    AgentError, Format, Place,
    entry::TranscriptsEntry,
    template::{Split, pieces},
};
use crate::session::{AgentName, ConversationId};

/// The most entries of folders that one search looks at.
const ENTRIES_MAX: usize = 100_000;
/// How many characters of a worktree's path Claude Code takes over into a folder's name.
const FOLDER_CHARS_MAX: usize = 200;
/// How many characters of an id Gemini CLI takes over into a file's name.
const SHORT_ID_CHARS: usize = 8;

/// What became of a search for a transcript.
#[derive(Debug)]
pub enum Search {
    /// Here it is.
    Found(PathBuf),
    /// Every place could be looked at, and it is in none of them.
    Gone,
    /// Some place could not be looked at, so it may be there.
    Unknown(AgentError),
    /// The agent keeps no files of conversations.
    NotKept,
}

/// Where an agent keeps its transcripts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Transcripts {
    home: Vec<Home>,
    files: Vec<Vec<Component>>,
    pub(super) format: Format,
}

/// A folder, given by a variable or by `~`; the text is what lies below.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Home {
    variable: String,
    below: String,
}

/// A component of a pattern.
type Component = Vec<Piece>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// Any number of any bytes.
    Any,
    Id,
    ShortId,
    Folder,
}

/// A name, or what a name has to look like.
#[derive(Debug)]
enum Sought {
    Name(String),
    /// A beginning, what follows in order, an end.
    Like(Vec<String>),
}

impl Transcripts {
    /// Reads where transcripts are.
    pub(super) fn of(agent: &AgentName, entry: &TranscriptsEntry) -> Result<Self, AgentError> {
        let wrong = |key, rule| AgentError::Entry { agent: agent.clone(), key, rule };
        let home: Option<Vec<Home>> = entry.home.iter().map(|text| Home::of(text)).collect();
        let home = home.filter(|home| !home.is_empty());
        let home = home.ok_or_else(|| {
            wrong("transcripts.home", "is a list of folders, each `$VARIABLE` or `~`, or below one")
        })?;
        if entry.files.is_empty() || !entry.files.iter().all(|file| super::is_path_below(file)) {
            return Err(wrong("transcripts.files", "is a list of paths below the home, without `..`"));
        }
        let files = entry.files.iter().map(|file| {
            let components: Option<Vec<Component>> = file.split('/').map(component).collect();
            components.ok_or_else(|| AgentError::Placeholder {
                agent: agent.clone(),
                key: "transcripts.files",
                text: file.clone(),
            })
        });
        let files: Vec<Vec<Component>> = files.collect::<Result<_, _>>()?;
        let is_of_one = |file: &Vec<Component>| {
            file.iter().flatten().any(|piece| matches!(piece, Piece::Id | Piece::ShortId))
        };
        if !files.iter().all(is_of_one) {
            return Err(wrong("transcripts.files", "has `{id}` or `{id8}` in each path: no file is guessed"));
        }
        Ok(Self { home, files, format: entry.format })
    }

    /// The first folder whose variable is set.
    pub(super) fn home(&self, place: &Place<'_>) -> Option<PathBuf> {
        self.home.iter().find_map(|home| home.path(place))
    }

    /// Looks for the file of one conversation.
    pub(super) fn find(&self, agent: &AgentName, place: &Place<'_>, id: &ConversationId) -> Search {
        let Some(home) = self.home(place) else {
            return Search::Unknown(AgentError::NoHome { agent: agent.clone() });
        };
        if let Err(err) = fs::symlink_metadata(&home)
            && err.kind() == io::ErrorKind::NotFound
        {
            return Search::Gone;
        }
        // A link to nowhere, or a file, in place of the home: somebody meant it to be elsewhere.
        if let Err(source) = fs::read_dir(&home) {
            return Search::Unknown(AgentError::Io { action: "list", path: home, source });
        }
        let folder = munged(place.worktree);
        let mut walk = Walk { looked_at: 0, failure: None };
        for file in &self.files {
            let sought: Vec<Sought> = file.iter().map(|part| sought(part, id, &folder)).collect();
            if let Some(found) = walk.find(&home, &sought) {
                return Search::Found(found);
            }
        }
        walk.failure.map_or(Search::Gone, Search::Unknown)
    }
}

impl Home {
    fn of(text: &str) -> Option<Self> {
        let (first, below) = text.split_once('/').unwrap_or((text, ""));
        let variable = if first == "~" { "HOME" } else { first.strip_prefix('$')? };
        let is_name =
            !variable.is_empty() && variable.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        (is_name && (below.is_empty() || super::is_path_below(below)))
            .then(|| Self { variable: variable.to_owned(), below: below.to_owned() })
    }

    /// A relative path in a variable begins where the agent works.
    fn path(&self, place: &Place<'_>) -> Option<PathBuf> {
        let value = (place.variable)(&self.variable).filter(|value| !value.is_empty())?;
        let folder = place.worktree.join(value);
        Some(if self.below.is_empty() { folder } else { folder.join(&self.below) })
    }
}

fn component(text: &str) -> Option<Component> {
    let mut component = Vec::new();
    for piece in pieces(text)? {
        match piece {
            Split::Text(text) => {
                for (at, plain) in text.split('*').enumerate() {
                    if at > 0 {
                        component.push(Piece::Any);
                    }
                    component.push(Piece::Text(plain.to_owned()));
                }
            }
            Split::Name("id") => component.push(Piece::Id),
            Split::Name("id8") => component.push(Piece::ShortId),
            Split::Name("folder") => component.push(Piece::Folder),
            Split::Name(_) => return None,
        }
    }
    Some(component)
}

/// What a component looks for.
fn sought(component: &Component, id: &ConversationId, folder: &Munged) -> Sought {
    let mut texts = vec![String::new()];
    for piece in component {
        let last = texts.last_mut().expect("there is one from the beginning");
        match piece {
            Piece::Text(text) => last.push_str(text),
            Piece::Id => last.push_str(id.as_str()),
            Piece::ShortId => last.extend(id.as_str().chars().take(SHORT_ID_CHARS)),
            Piece::Folder => {
                last.push_str(&folder.text);
                if folder.is_cut {
                    last.push('-');
                    texts.push(String::new());
                }
            }
            Piece::Any => texts.push(String::new()),
        }
    }
    if texts.len() > 1 { Sought::Like(texts) } else { Sought::Name(texts.swap_remove(0)) }
}

/// What Claude Code calls the folder for a working directory.
struct Munged {
    text: String,
    /// A hash that we cannot know follows.
    is_cut: bool,
}

/// Every UTF-16 unit that is no ASCII letter or digit becomes `-`; what is too long is cut.
fn munged(worktree: &Path) -> Munged {
    let path = worktree.to_string_lossy();
    let plain = |unit: u16| {
        let byte = u8::try_from(unit).ok().filter(u8::is_ascii_alphanumeric);
        char::from(byte.unwrap_or(b'-'))
    };
    let text: String = path.encode_utf16().map(plain).collect();
    if text.len() > FOLDER_CHARS_MAX {
        Munged { text: text[..FOLDER_CHARS_MAX].to_owned(), is_cut: true }
    } else {
        Munged { text, is_cut: false }
    }
}

/// One search: how much it looked at, and the first thing that it could not look at.
struct Walk {
    looked_at: usize,
    failure: Option<AgentError>,
}

impl Walk {
    /// The first file, by the order of names, that is sought here. Links are followed, as the agent does; how deep it
    /// goes is given by the pattern, so a loop cannot hold it.
    fn find(&mut self, folder: &Path, sought: &[Sought]) -> Option<PathBuf> {
        let (first, rest) = sought.split_first()?;
        let paths = match first {
            Sought::Name(name) => vec![folder.join(name)],
            Sought::Like(texts) => {
                let mut paths = self.paths_in(folder);
                paths.retain(|path| path.file_name().is_some_and(|name| is_like(name.as_bytes(), texts)));
                paths.sort();
                paths
            }
        };
        paths.into_iter().find_map(|path| {
            let found = self.look_at(&path)?;
            match rest {
                [] => found.is_file().then_some(path),
                _ if found.is_dir() => self.find(&path, rest),
                _ => None,
            }
        })
    }

    /// What is there; a link to nowhere may stand for something that is elsewhere right now.
    fn look_at(&mut self, path: &Path) -> Option<fs::Metadata> {
        match fs::metadata(path) {
            Ok(found) => Some(found),
            Err(err) if is_absence(&err) && fs::symlink_metadata(path).is_err() => None,
            Err(err) => {
                self.note("look at", path, err);
                None
            }
        }
    }

    fn paths_in(&mut self, folder: &Path) -> Vec<PathBuf> {
        let mut paths = Vec::new();
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(err) if is_absence(&err) => return paths,
            Err(err) => {
                self.note("list", folder, err);
                return paths;
            }
        };
        for entry in entries {
            self.looked_at += 1;
            if self.looked_at > ENTRIES_MAX {
                self.failure.get_or_insert(AgentError::TooMany { path: folder.to_owned() });
                return paths;
            }
            match entry {
                Ok(entry) => paths.push(entry.path()),
                Err(err) => self.note("list", folder, err),
            }
        }
        paths
    }

    fn note(&mut self, action: &'static str, path: &Path, source: io::Error) {
        self.failure.get_or_insert(AgentError::Io { action, path: path.to_owned(), source });
    }
}

fn is_absence(err: &io::Error) -> bool {
    matches!(err.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Whether a name begins with the first text, ends with the last one, and has the others in order between them.
fn is_like(name: &[u8], texts: &[String]) -> bool {
    let [first, between @ .., last] = texts else {
        return false;
    };
    let Some(mut rest) = name.strip_prefix(first.as_bytes()) else {
        return false;
    };
    for text in between {
        let Some(at) = position(rest, text.as_bytes()) else {
            return false;
        };
        rest = &rest[at + text.len()..];
    }
    rest.ends_with(last.as_bytes())
}

fn position(bytes: &[u8], text: &[u8]) -> Option<usize> {
    if text.is_empty() {
        return Some(0);
    }
    bytes.windows(text.len()).position(|window| window == text)
}
