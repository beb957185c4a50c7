//! What a Bash holds, taken apart, and the commands that set each piece again.

use super::{Changes, State, lexer::statements, quote::ansi_c};

/// How many parts `bash.sh` writes before the parameters.
const PARTS: usize = 4;
/// Variables that say how the shell runs just now, or that it makes itself; PWD comes with the directory.
const PASSING: &[&str] = &[
    "BASH",
    "BASHOPTS",
    "BASHPID",
    "BASH_ALIASES",
    "BASH_ARGC",
    "BASH_ARGV",
    "BASH_ARGV0",
    "BASH_CMDS",
    "BASH_COMMAND",
    "BASH_EXECUTION_STRING",
    "BASH_LINENO",
    "BASH_MONOSECONDS",
    "BASH_REMATCH",
    "BASH_SOURCE",
    "BASH_SUBSHELL",
    "BASH_TRAPSIG",
    "BASH_VERSINFO",
    "BASH_VERSION",
    "COLUMNS",
    "COPROC",
    "DIRSTACK",
    "EPOCHREALTIME",
    "EPOCHSECONDS",
    "EUID",
    "FUNCNAME",
    "GROUPS",
    "HISTCMD",
    "LINENO",
    "LINES",
    "PIPESTATUS",
    "PPID",
    "PWD",
    "RANDOM",
    "READLINE_ARGUMENT",
    "READLINE_LINE",
    "READLINE_MARK",
    "READLINE_POINT",
    "SECONDS",
    "SHELLOPTS",
    "SHLVL",
    "SRANDOM",
    "UID",
    "_",
];
/// Beginnings of such names: of completion, and ours.
const PASSING_BEGINNINGS: &[&str] = &["COMP_", "WHARF_"];

/// Whether a variable is none that a state has.
pub(super) fn is_passing(name: &str) -> bool {
    PASSING.binary_search(&name).is_ok() || PASSING_BEGINNINGS.iter().any(|it| name.starts_with(it))
}

/// Takes apart what `bash.sh` wrote; nothing when that is not whole.
pub(super) fn take_apart(saved: &[u8]) -> Option<State> {
    let mut parts = saved.splitn(PARTS + 1, |byte| *byte == 0);
    let mut part = || parts.next();
    let mut pieces = Vec::new();
    for statement in statements(part()?) {
        piece(statement, &mut pieces);
    }
    let (texts, attributes) = (part()?, part()?);
    functions(texts, attributes, &mut pieces);
    let directory = part()?;
    if directory.starts_with(b"/") {
        pieces.push(("directory".to_owned(), directory.strip_suffix(b"\n").unwrap_or(directory).to_vec()));
    }
    let given = [part()?, b"\0"].concat();
    pieces.push(("parameters".to_owned(), parameters(&given)?));
    Some(pieces.into_iter().collect())
}

/// What a printed statement sets. One that is none of ours was printed by a trap or a trace.
fn piece(statement: &[u8], pieces: &mut Vec<(String, Vec<u8>)>) {
    let list = |name: &str| {
        // It may have become an exported one.
        let (_, value) = std::str::from_utf8(statement.strip_prefix(b"declare -")?).ok()?.split_once(' ')?;
        value.strip_prefix(name)?.strip_prefix("=\"")?.strip_suffix('"')
    };
    for (kind, name, set) in [("shopt", "BASHOPTS", "shopt -s"), ("option", "SHELLOPTS", "set -o")] {
        let set = |option| (format!("{kind}:{option}"), format!("{set} {option}").into_bytes());
        pieces.extend(
            list(name)
                .into_iter()
                .flat_map(|options| options.split(':'))
                .filter(|it| !it.is_empty())
                .map(set),
        );
    }
    let key = match statement.split(|byte| *byte == b' ').next() {
        Some(b"declare") => variable(statement).map(|name| format!("variable:{name}")),
        Some(b"alias") => alias(statement).map(|name| format!("alias:{name}")),
        Some(b"trap") => last_word(statement).map(|name| format!("trap:{name}")),
        Some(b"umask") => Some("umask".to_owned()),
        Some(_) | None => None,
    };
    pieces.extend(key.map(|key| (key, statement.to_vec())));
}

/// The parameters, each with a NUL behind it, from the same with their number before them.
pub(super) fn parameters(part: &[u8]) -> Option<Vec<u8>> {
    let (count, rest) = part.split_at(part.iter().position(|byte| *byte == 0)? + 1);
    let count: usize = std::str::from_utf8(&count[..count.len() - 1]).ok()?.parse().ok()?;
    let given = if count == 0 { &[][..] } else { rest };
    (memchr::memchr_iter(0, given).count() == count).then(|| given.to_vec())
}

/// The name in a declaration, when it is one of those that a state has.
fn variable(statement: &[u8]) -> Option<&str> {
    let words = statement.strip_prefix(b"declare -")?;
    let end = words.iter().position(|byte| *byte == b'=').unwrap_or(words.len());
    let name = std::str::from_utf8(&words[..end]).ok()?.split_once(' ')?.1;
    (!is_passing(name)).then_some(name)
}

fn alias(statement: &[u8]) -> Option<String> {
    let words = statement.strip_prefix(b"alias ")?;
    let words = words.strip_prefix(b"-- ").unwrap_or(words);
    let end = words.iter().position(|byte| *byte == b'=')?;
    Some(String::from_utf8_lossy(&words[..end]).into_owned())
}

pub(super) fn last_word(statement: &[u8]) -> Option<&str> {
    std::str::from_utf8(statement.rsplit(|byte| *byte == b' ').next()?).ok()
}

/// The functions, each with its attributes behind it; all of them as one piece where a text in one of them looks like the
/// beginning of the next.
fn functions(texts: &[u8], attributes: &[u8], pieces: &mut Vec<(String, Vec<u8>)>) {
    let lines: Vec<&[u8]> = attributes.split(|byte| *byte == b'\n').collect();
    let named = lines.iter().filter_map(|line| {
        let (flags, name) = std::str::from_utf8(line.strip_prefix(b"declare -f")?).ok()?.split_once(' ')?;
        Some((name, !flags.is_empty(), *line))
    });
    let named: Vec<(&str, bool, &[u8])> = named.collect();
    let Some(begins) = beginnings(texts, named.iter().map(|(name, ..)| *name)) else {
        let mut whole = texts.to_vec();
        for (_, _, line) in named.iter().filter(|(_, has_attributes, _)| *has_attributes) {
            whole.extend_from_slice(line);
            whole.push(b'\n');
        }
        pieces.extend((!whole.is_empty()).then(|| ("functions".to_owned(), whole)));
        return;
    };
    let ends = begins.iter().skip(1).copied().chain([texts.len()]);
    for ((begin, end), (name, has_attributes, line)) in begins.iter().copied().zip(ends).zip(named) {
        let mut text = texts[begin..end].to_vec();
        if has_attributes {
            text.extend_from_slice(line);
        }
        pieces.push((format!("function:{name}"), text));
    }
}

/// Where each function begins; nothing when that cannot be told for sure.
fn beginnings<'a>(texts: &[u8], names: impl Iterator<Item = &'a str>) -> Option<Vec<usize>> {
    let mut begins = Vec::new();
    for name in names {
        let head = format!("{name} () \n{{ \n");
        let is_begin = |at: &usize| *at == 0 || texts[..*at].ends_with(b"\n}\n");
        let mut places = memchr::memmem::find_iter(texts, &head).filter(is_begin);
        let begin = places.next()?;
        if places.next().is_some() || begins.last().is_some_and(|last| *last >= begin) {
            return None;
        }
        begins.push(begin);
    }
    // What stands before the first one would be lost.
    (begins.first().copied().unwrap_or(texts.len()) == 0).then_some(begins)
}

/// The commands that set the pieces of some changes, in the order in which they must run, each with its key. Options come
/// last: with `-e` and `-u` set, the others could end the shell.
pub(super) fn restore(changes: &Changes) -> Vec<(String, Vec<u8>)> {
    let unset = changes.unset.iter().filter_map(|key| Some((key, unset(key)?)));
    let set = changes.set.iter().map(|(key, value)| (key, set(key, value)));
    let mut texts: Vec<(String, Vec<u8>)> = unset.chain(set).map(|(key, text)| (key.clone(), text)).collect();
    texts.sort_by_key(|(key, _)| rank(key));
    texts
}

pub(super) fn rank(key: &str) -> usize {
    const KINDS: [&str; 9] =
        ["shopt", "function", "directory", "variable", "alias", "umask", "parameters", "trap", "option"];
    let kind = key.split(':').next().unwrap_or(key);
    KINDS.iter().position(|it| *it == kind.trim_end_matches('s') || *it == kind).unwrap_or(0)
}

fn unset(key: &str) -> Option<Vec<u8>> {
    let (kind, name) = key.split_once(':')?;
    let command = match kind {
        "variable" => r"\builtin unset -v -- ",
        "function" => r"\builtin unset -f -- ",
        "alias" => r"\builtin unalias -- ",
        "trap" => r"\builtin trap -- - ",
        "shopt" => r"\builtin shopt -u ",
        "option" => r"\builtin set +o ",
        _ => return None,
    };
    let mut text = command.as_bytes().to_vec();
    ansi_c(name.as_bytes(), &mut text);
    Some(text)
}

fn set(key: &str, value: &[u8]) -> Vec<u8> {
    let mut text = br"\builtin ".to_vec();
    match key.split_once(':').map_or(key, |(kind, _)| kind) {
        "variable" => {
            let name = key.split_once(':').map_or("", |(_, name)| name);
            text = format!("\\builtin unset -v -- {name}; \\builtin ").into_bytes();
            declaration(value, &mut text);
        }
        "function" | "functions" => text = value.to_vec(),
        "directory" => {
            // OLDPWD is a piece of its own.
            text.extend_from_slice(b"cd -- ");
            ansi_c(value, &mut text);
            text.extend_from_slice(br" && \builtin unset -v OLDPWD");
        }
        "parameters" => {
            text.extend_from_slice(b"set --");
            for parameter in value.split_inclusive(|byte| *byte == 0) {
                text.push(b' ');
                ansi_c(&parameter[..parameter.len() - 1], &mut text);
            }
        }
        _ => text.extend_from_slice(value),
    }
    text
}

/// A declaration for `\builtin`, behind which the parser takes no list in brackets: as a quoted word it is one.
fn declaration(value: &[u8], text: &mut Vec<u8>) {
    let list = value.iter().position(|byte| *byte == b'=').filter(|at| value.get(at + 1) == Some(&b'('));
    let word = list.and_then(|at| value[..at].iter().rposition(|byte| *byte == b' '));
    match word {
        Some(word) => {
            text.extend_from_slice(&value[..=word]);
            ansi_c(&value[word + 1..], text);
        }
        None => text.extend_from_slice(value),
    }
}
