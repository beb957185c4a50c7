//! How our hooks come into the settings of an agent and out of them again, with everything else there to the letter.

use std::{ops::Range, path::Path};

use serde_json::{Value, json};

use super::{
    AgentError, Description,
    json_text::{Container, replaced},
};
use crate::{json::Members, session::AgentName};

/// The key in an agent's settings below which hooks are.
const HOOKS: &str = "hooks";
/// What stands for the path of wharf in the text of a plugin.
const PROGRAM: &str = "@WHARF@";
/// How our program is called, wherever it lies.
const OWN_NAME: &str = "wharf";

/// A settings text with our hooks in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hooked {
    /// The text.
    pub text: String,
    /// The members that were made for them: `hooks`, and `hooks.EVENT` for each event.
    pub made: Vec<String>,
}

impl Description {
    /// The JSON of our hooks alone, for `{settings}`; nothing for an agent whose hooks are no JSON, or that has none.
    /// `program` is how wharf is called.
    pub fn settings_text(&self, program: &str) -> Option<String> {
        if self.hooks()?.text.is_some() {
            return None;
        }
        let hooked =
            self.with_hooks(program, "{}", Path::new("")).expect("an empty object takes every member");
        Some(hooked.text + "\n")
    }

    /// The text of the file that is ours as a whole, for an agent that has such a one.
    pub fn whole_text(&self, program: &str) -> Option<String> {
        let quoted = Value::from(program).to_string();
        Some(self.hooks()?.text.as_ref()?.replace(PROGRAM, &quoted))
    }

    /// Its settings with our hooks in them; those that are there already stay or are brought up to date.
    pub fn with_hooks(&self, program: &str, settings: &str, path: &Path) -> Result<Hooked, AgentError> {
        let hooks = self.hooks().ok_or_else(|| AgentError::NoHooks { agent: self.name().clone() })?;
        let mut hooked = Hooked { text: settings.to_owned(), made: Vec::new() };
        for event in hooks.events.keys() {
            let group = group(self.name(), program, event, hooks.timeout);
            add(&mut hooked, self.name(), event, &group).map_err(|flaw| flaw.at(path))?;
        }
        Ok(hooked)
    }
}

/// The settings without the hooks of this agent, and without those members of `made` that are empty then. What other
/// programs wrote stays, also where it is empty.
pub fn without_hooks(
    agent: &AgentName,
    settings: &str,
    made: &[String],
    path: &Path,
) -> Result<String, AgentError> {
    let mut text = settings.to_owned();
    while let Some(less) = without_one(agent, &text, made).map_err(|flaw| flaw.at(path))? {
        text = less;
    }
    Ok(text)
}

/// Whether nothing is in the settings.
pub fn is_empty(settings: &str) -> bool {
    serde_json::from_str::<Members>(settings).is_ok_and(|members| members.is_empty())
}

/// Why settings cannot be changed.
enum Flaw {
    Json(serde_json::Error),
    Shape(String, &'static str),
}

impl Flaw {
    fn at(self, path: &Path) -> AgentError {
        match self {
            Self::Json(source) => AgentError::Settings { path: path.to_owned(), source },
            Self::Shape(key, rule) => AgentError::Shape { path: path.to_owned(), key, rule },
        }
    }
}

/// The settings, and in them the hooks.
fn read(text: &str) -> Result<(Container, Option<Container>), Flaw> {
    // Looked at as a whole first, so that an error tells its line and column in the file.
    let root = Container::object(text, 0..text.len()).map_err(Flaw::Json)?;
    let hooks = root.get(HOOKS).map(|at| Container::object(text, at)).transpose();
    Ok((root, hooks.map_err(|_| Flaw::Shape(HOOKS.to_owned(), "is not an object"))?))
}

fn list(text: &str, event: &str, at: Range<usize>) -> Result<Container, Flaw> {
    Container::list(text, at).map_err(|_| Flaw::Shape(format!("{HOOKS}.{event}"), "is not a list"))
}

fn add(hooked: &mut Hooked, agent: &AgentName, event: &str, group: &Value) -> Result<(), Flaw> {
    let text = &hooked.text;
    let pretty = |value: &Value| serde_json::to_string_pretty(value).expect("a value always has a text");
    let member = |key: &str, value: &Value| format!("{}: {}", Value::from(key), pretty(value));
    let (root, hooks) = read(text)?;
    let Some(hooks) = hooks else {
        hooked.made.extend([HOOKS.to_owned(), format!("{HOOKS}.{event}")]);
        hooked.text = root.with(text, &member(HOOKS, &json!({ event: [group] })));
        return Ok(());
    };
    let Some(at) = hooks.get(event) else {
        hooked.made.push(format!("{HOOKS}.{event}"));
        hooked.text = hooks.with(text, &member(event, &json!([group])));
        return Ok(());
    };
    let groups = list(text, event, at)?;
    match groups.values.iter().find(|at| is_ours(agent, event, &text[(*at).clone()])) {
        Some(at) if serde_json::from_str::<Value>(&text[at.clone()]).is_ok_and(|old| old == *group) => (),
        // One of an older wharf, or of one that lay elsewhere.
        Some(at) => hooked.text = replaced(text, at.clone(), &group.to_string()),
        None => hooked.text = groups.with(text, &pretty(group)),
    }
    Ok(())
}

fn without_one(agent: &AgentName, text: &str, made: &[String]) -> Result<Option<String>, Flaw> {
    let (root, hooks) = read(text)?;
    let Some(hooks) = hooks else {
        return Ok(None);
    };
    let is_made = |key: &str| made.iter().any(|it| it == key);
    if hooks.values.is_empty() && is_made(HOOKS) {
        return Ok(Some(root.without_key(text, HOOKS)));
    }
    for (index, (event, at)) in hooks.members().enumerate() {
        // What is no list there is not ours.
        let Ok(groups) = list(text, event, at) else {
            continue;
        };
        if groups.values.is_empty() && is_made(&format!("{HOOKS}.{event}")) {
            return Ok(Some(hooks.without(text, index)));
        }
        if let Some(ours) = groups.values.iter().position(|at| is_ours(agent, event, &text[at.clone()])) {
            return Ok(Some(groups.without(text, ours)));
        }
    }
    Ok(None)
}

/// What is written into a list of hooks.
fn group(agent: &AgentName, program: &str, event: &str, timeout: Option<u32>) -> Value {
    let mut handler = json!({ "type": "command", "command": command(agent, program, event) });
    if let Some(timeout) = timeout {
        handler["timeout"] = timeout.into();
    }
    json!({ HOOKS: [handler] })
}

/// The line that an agent gives to a shell.
fn command(agent: &AgentName, program: &str, event: &str) -> String {
    let is_plain = program.bytes().all(|it| it.is_ascii_alphanumeric() || b"/._-+".contains(&it));
    let word = if is_plain { program.to_owned() } else { format!("'{}'", program.replace('\'', r"'\''")) };
    format!("{word} hook {agent} {event}")
}

/// Whether a group is one that we wrote: our one command and nothing else in it.
fn is_ours(agent: &AgentName, event: &str, group: &str) -> bool {
    let parsed: Option<Value> = serde_json::from_str(group).ok();
    let handler = parsed.as_ref().and_then(|group| match group.as_object()?.len() {
        1 => match &**group.get(HOOKS)?.as_array()? {
            [handler] => handler.as_object(),
            _ => None,
        },
        _ => None,
    });
    let Some(handler) =
        handler.filter(|it| it.keys().all(|key| ["type", "command", "timeout"].contains(&&**key)))
    else {
        return false;
    };
    let command = handler.get("command").and_then(Value::as_str);
    let word = command.and_then(|it| it.strip_suffix(&format!(" hook {agent} {event}")));
    let program = word.map(|word| word.trim_matches('\'').replace(r"'\''", "'"));
    handler.get("type").and_then(Value::as_str) == Some("command")
        && program.is_some_and(|it| Path::new(&it).file_name().is_some_and(|name| name == OWN_NAME))
}
