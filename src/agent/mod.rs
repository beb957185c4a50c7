//! What kinds of agents there are: how each is called, where it keeps its transcripts, and what its hooks tell.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use serde::{Deserialize, Serialize, Serializer};

mod entry;
mod error;
mod hook_file;
mod hook_record;
mod hooks;
mod input;
mod json_text;
mod template;
mod transcript;

#[cfg(test)]
mod tests;

use self::{
    entry::HooksEntry,
    template::{Flaw, Gap, Template},
    transcript::Transcripts,
};
pub use self::{
    entry::{Entry, Fields},
    error::AgentError,
    hook_file::HookFile,
    hook_record::{HookRecord, Made},
    hooks::{Hooked, is_empty, without_hooks},
    input::HookInput,
    template::Invocation,
    transcript::Search,
};
use crate::session::{AgentName, Command, ConversationId};

/// The longest text of a plugin, in bytes.
const TEXT_BYTES_MAX: usize = 64 << 10;
/// The most agents a user may describe.
const OWN_AGENTS_MAX: usize = 100;

static BUILTIN: LazyLock<BTreeMap<AgentName, Description>> = LazyLock::new(|| {
    let entries: BTreeMap<String, Entry> =
        toml::from_str(include_str!("builtin.toml")).expect("our own table is TOML, a test reads it");
    let described = entries.into_iter().map(|(name, entry)| {
        let description =
            Description::of(&name, entry).expect("our own entries are right, a test reads them");
        (description.name.clone(), description)
    });
    described.collect()
});

/// The kinds of agents there are: ours, and over them those that the user describes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Descriptions {
    own: BTreeMap<AgentName, Description>,
}

/// One kind of agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    name: AgentName,
    title: String,
    start: Template,
    resume: Option<Template>,
    transcripts: Option<Transcripts>,
    /// As it was written, for whoever wants to see it or to change it.
    entry: Entry,
}

/// What a hook tells of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Report {
    /// A conversation begins or is come back to.
    Begin,
    /// A person asked something.
    Prompt,
    /// It works.
    Active,
    /// It waits for a person.
    Waiting,
    /// It answered, and waits for the next prompt.
    Answer,
    /// The conversation ends.
    End,
}

/// What a transcript consists of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Lines, each of them JSON.
    Jsonl,
    /// Something only the agent can read.
    #[default]
    Opaque,
}

/// Where an agent works: its folder, and its environment.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The worktree.
    pub worktree: &'a Path,
    /// The value of a variable, `HOME` too.
    pub variable: &'a dyn Fn(&str) -> Option<OsString>,
}

impl fmt::Debug for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("worktree", &self.worktree).finish_non_exhaustive()
    }
}

impl Descriptions {
    /// Those that wharf knows by itself.
    pub fn builtin() -> Self {
        Self::default()
    }

    /// Adds an agent of the user, in place of any other of this name.
    pub fn define(&mut self, name: &str, entry: Entry) -> Result<(), AgentError> {
        let description = Description::of(name, entry)?;
        if self.own.len() >= OWN_AGENTS_MAX && !self.own.contains_key(&description.name) {
            return Err(description.wrong("title", "is of one agent too many: at most 100 are described"));
        }
        self.own.insert(description.name.clone(), description);
        Ok(())
    }

    /// The agent of this name.
    pub fn find(&self, name: &AgentName) -> Option<&Description> {
        self.own.get(name).or_else(|| BUILTIN.get(name))
    }

    /// The names of all, in their order.
    pub fn names(&self) -> Vec<&AgentName> {
        let mut names: Vec<&AgentName> = self.own.keys().chain(BUILTIN.keys()).collect();
        names.sort();
        names.dedup();
        names
    }
}

impl Description {
    /// Reads one entry.
    fn of(name: &str, entry: Entry) -> Result<Self, AgentError> {
        let name: AgentName = name.parse()?;
        let template = |key, parts: &[_]| Template::of(parts).map_err(|flaw| broken(&name, key, flaw));
        let start = template("start", &entry.start)?;
        let resume = entry.resume.as_deref().map(|parts| template("resume", parts)).transpose()?;
        let transcripts = entry.transcripts.as_ref().map(|it| Transcripts::of(&name, it)).transpose()?;
        let title = entry.title.clone().unwrap_or_else(|| name.to_string());
        let description = Self { name, title, start, resume, transcripts, entry };
        description.check()?;
        Ok(description)
    }

    /// What no single part can tell.
    fn check(&self) -> Result<(), AgentError> {
        if self.title.is_empty() || self.title.chars().any(crate::text::is_unsafe) {
            return Err(self.wrong("title", "is a line of text"));
        }
        match &self.resume {
            Some(resume) if !resume.has(Gap::Id) => return Err(self.wrong("resume", "has `{id}` in it")),
            None if self.start.has(Gap::Id) => {
                return Err(self.wrong("resume", "is needed where `start` has `{id}` in it"));
            }
            None if self.transcripts.is_some() => {
                return Err(self.wrong("resume", "is needed where there are `transcripts`"));
            }
            Some(_) | None => (),
        }
        let Some(hooks) = &self.entry.hooks else {
            return Ok(());
        };
        if !is_path_below(&hooks.file) {
            return Err(
                self.wrong("hooks.file", "is a path below the worktree, without `..`, and not in `.git`")
            );
        }
        let is_event = |event: &String| {
            !event.is_empty() && event.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it))
        };
        if hooks.events.is_empty() || !hooks.events.keys().all(is_event) {
            return Err(self.wrong("hooks.events", "has events, each of letters, digits, `-`, `_` and `.`"));
        }
        if hooks.text.as_ref().is_some_and(|text| text.len() > TEXT_BYTES_MAX) {
            return Err(self.wrong("hooks.text", "has at most 65536 bytes"));
        }
        Ok(())
    }

    fn wrong(&self, key: &'static str, rule: &'static str) -> AgentError {
        AgentError::Entry { agent: self.name.clone(), key, rule }
    }

    /// What it is called here.
    pub fn name(&self) -> &AgentName {
        &self.name
    }

    /// What it is called by its makers.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The program it is.
    pub fn program(&self) -> &str {
        match self.entry.start.first() {
            Some(entry::Part::Word(program)) => program,
            Some(entry::Part::Group(_)) | None => "",
        }
    }

    /// Whether the id of a conversation is given to it when it begins; then it is a random UUID.
    pub fn mints_id(&self) -> bool {
        self.start.has(Gap::Id)
    }

    /// Whether it can come back to what was said.
    pub fn has_conversations(&self) -> bool {
        self.resume.is_some()
    }

    /// Whether a first prompt can be given on its command line.
    pub fn reads_prompt(&self) -> bool {
        self.start.has(Gap::Prompt)
    }

    /// Whether a file with our hooks can be given on its command line.
    pub fn reads_settings(&self) -> bool {
        self.start.has(Gap::Settings)
    }

    /// The command that begins a conversation.
    pub fn start(&self, invocation: &Invocation<'_>) -> Result<Command, AgentError> {
        self.start.fill(&self.name, invocation)
    }

    /// The command that comes back to a conversation.
    pub fn resume(&self, invocation: &Invocation<'_>) -> Result<Command, AgentError> {
        let resume = self.resume.as_ref();
        let resume = resume.ok_or_else(|| AgentError::NoConversations { agent: self.name.clone() })?;
        resume.fill(&self.name, invocation)
    }

    /// What one of its hooks tells.
    pub fn report(&self, event: &str) -> Option<Report> {
        self.entry.hooks.as_ref()?.events.get(event).copied()
    }

    /// What the fields of its hooks' input are called.
    pub fn fields(&self) -> &Fields {
        static NONE: Fields =
            Fields { id: None, transcript: None, prompt: None, response: None, cwd: None, source: None };
        self.entry.hooks.as_ref().map_or(&NONE, |hooks| &hooks.fields)
    }

    /// The file below the worktree in which its hooks are written down.
    pub fn hook_file(&self) -> Option<&Path> {
        self.hooks().map(|hooks| Path::new(&hooks.file))
    }

    fn hooks(&self) -> Option<&HooksEntry> {
        self.entry.hooks.as_ref()
    }

    /// What its transcripts consist of; nothing when they are not in files.
    pub fn transcript_format(&self) -> Option<Format> {
        self.transcripts.as_ref().map(|transcripts| transcripts.format)
    }

    /// The folder in which it keeps its transcripts, there or not.
    pub fn home(&self, place: &Place<'_>) -> Option<PathBuf> {
        self.transcripts.as_ref()?.home(place)
    }

    /// Looks for the transcript of a conversation, by its id alone: the newest file is never guessed.
    pub fn find_transcript(&self, place: &Place<'_>, id: &ConversationId) -> Search {
        match &self.transcripts {
            Some(transcripts) => transcripts.find(&self.name, place, id),
            None => Search::NotKept,
        }
    }

    /// As it could be written into a settings file.
    pub fn to_toml(&self) -> String {
        let agents = BTreeMap::from([("agents", BTreeMap::from([(self.name.as_str(), &self.entry)]))]);
        toml::to_string(&agents).expect("texts, lists and tables always have a TOML form")
    }
}

impl Serialize for Description {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.entry.serialize(serializer)
    }
}

fn broken(agent: &AgentName, key: &'static str, flaw: Flaw) -> AgentError {
    match flaw {
        Flaw::Rule(rule) => AgentError::Entry { agent: agent.clone(), key, rule },
        Flaw::Placeholder(text) => AgentError::Placeholder { agent: agent.clone(), key, text },
    }
}

/// Whether a path stays below the worktree and out of git's own files.
fn is_path_below(path: &str) -> bool {
    path.split('/').all(|part| {
        !matches!(part, "" | "." | "..") && !part.eq_ignore_ascii_case(".git") && !part.contains('\0')
    })
}
