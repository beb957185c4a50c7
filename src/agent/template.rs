//! A command line with gaps: words, groups of words, and what fills the placeholders in them.

use std::path::Path;

use super::{AgentError, entry::Part};
use crate::session::{AgentName, Command, ConversationId};

/// What an agent is called with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Invocation<'a> {
    /// The conversation to begin, or to come back to.
    pub id: Option<&'a ConversationId>,
    /// What its user adds.
    pub arguments: &'a [String],
    /// What it is asked first.
    pub prompt: Option<&'a str>,
    /// The file with our hooks.
    pub settings: Option<&'a Path>,
}

/// A command line with gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Item>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Word(Word),
    /// All of these, or none when one lacks a value.
    Group(Vec<Word>),
    /// Any number of words.
    Arguments,
}

type Word = Vec<Piece>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Gap(Gap),
}

/// What a placeholder of a command line stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    Id,
    Prompt,
    Settings,
}

impl Gap {
    fn named(name: &str) -> Option<Self> {
        match name {
            "id" => Some(Self::Id),
            "prompt" => Some(Self::Prompt),
            "settings" => Some(Self::Settings),
            _ => None,
        }
    }

    /// What it is, for people.
    fn words(self) -> &'static str {
        match self {
            Self::Id => "conversation",
            Self::Prompt => "prompt",
            Self::Settings => "settings file",
        }
    }

    fn value(self, invocation: &Invocation<'_>) -> Option<String> {
        match self {
            Self::Id => invocation.id.map(ToString::to_string),
            Self::Prompt => invocation.prompt.map(ToOwned::to_owned),
            // A path that is no UTF-8 cannot be a word of a command that is kept as text.
            Self::Settings => invocation.settings.and_then(Path::to_str).map(ToOwned::to_owned),
        }
    }
}

/// Why parts are no command line: what they have to be, or the word with an unknown placeholder.
pub(super) enum Flaw {
    Rule(&'static str),
    Placeholder(String),
}

impl Template {
    /// Reads a command line.
    pub(super) fn of(parts: &[Part]) -> Result<Self, Flaw> {
        match parts.first() {
            Some(Part::Word(program)) if is_plain(program) => (),
            Some(_) | None => return Err(Flaw::Rule("begins with a program, without placeholders")),
        }
        let items = parts.iter().map(|part| match part {
            Part::Word(text) if text == "{arguments}" => Ok(Item::Arguments),
            Part::Word(text) => word(text).map(Item::Word),
            Part::Group(texts) => {
                Ok(Item::Group(texts.iter().map(|text| word(text)).collect::<Result<_, _>>()?))
            }
        });
        Ok(Self(items.collect::<Result<_, _>>()?))
    }

    /// Whether something stands for this.
    pub(super) fn has(&self, gap: Gap) -> bool {
        let has = |word: &Word| word.contains(&Piece::Gap(gap));
        self.0.iter().any(|item| match item {
            Item::Word(word) => has(word),
            Item::Group(words) => words.iter().any(has),
            Item::Arguments => false,
        })
    }

    /// The command with everything in its place.
    pub(super) fn fill(&self, agent: &AgentName, invocation: &Invocation<'_>) -> Result<Command, AgentError> {
        let mut words = Vec::new();
        for item in &self.0 {
            match item {
                Item::Arguments => words.extend_from_slice(invocation.arguments),
                Item::Word(word) => words.push(
                    filled(word, invocation)
                        .map_err(|gap| AgentError::NoValue { agent: agent.clone(), what: gap.words() })?,
                ),
                Item::Group(group) => {
                    let group: Result<Vec<String>, Gap> =
                        group.iter().map(|word| filled(word, invocation)).collect();
                    words.extend(group.into_iter().flatten());
                }
            }
        }
        Ok(Command::of(words)?)
    }
}

/// The word with its gaps filled, or the one for which there is nothing.
fn filled(word: &Word, invocation: &Invocation<'_>) -> Result<String, Gap> {
    word.iter()
        .map(|piece| match piece {
            Piece::Text(text) => Ok(text.clone()),
            Piece::Gap(gap) => gap.value(invocation).ok_or(*gap),
        })
        .collect()
}

fn word(text: &str) -> Result<Word, Flaw> {
    let pieces = pieces(text).ok_or_else(|| Flaw::Placeholder(text.to_owned()))?;
    let pieces = pieces.into_iter().map(|piece| match piece {
        Split::Text(text) => Some(Piece::Text(text)),
        Split::Name(name) => Gap::named(name).map(Piece::Gap),
    });
    pieces.collect::<Option<_>>().ok_or_else(|| Flaw::Placeholder(text.to_owned()))
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && pieces(text).is_some_and(|pieces| matches!(pieces[..], [Split::Text(_)]))
}

/// A part of a text with placeholders.
pub(super) enum Split<'a> {
    Text(String),
    Name(&'a str),
}

/// Splits a text at its placeholders, `{name}`; `{{` and `}}` are braces. Nothing for a brace that stands alone.
pub(super) fn pieces(text: &str) -> Option<Vec<Split<'_>>> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        plain.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(behind) = rest.strip_prefix(brace) {
            plain.push_str(brace);
            rest = behind;
            continue;
        }
        let (name, behind) = rest.split_once('}').filter(|_| brace == "{")?;
        if !plain.is_empty() {
            pieces.push(Split::Text(std::mem::take(&mut plain)));
        }
        pieces.push(Split::Name(name));
        rest = behind;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Split::Text(plain));
    }
    Some(pieces)
}
