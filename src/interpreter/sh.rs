//! What a POSIX shell holds, taken apart, and the commands that set each piece again.

use std::collections::BTreeSet;

use super::{
    Changes, State,
    bash::{is_passing, last_word, parameters, rank},
    lexer::statements,
    quote::single,
};

/// How many parts `sh.sh` writes before the parameters.
const PARTS: usize = 9;
/// The most places at which the definition of a function may end that are tried.
const ENDS_MAX: usize = 200;

/// Takes apart what `sh.sh` wrote; nothing when that is not whole. A function is only a key: the shell cannot print it.
pub(super) fn take_apart(saved: &[u8]) -> Option<State> {
    let mut parts = saved.splitn(PARTS + 1, |byte| *byte == 0);
    let mut part = || parts.next();
    let (variables, exported, fixed) = (statements(part()?), statements(part()?), statements(part()?));
    let mut pieces = self::variables(&variables, &names(&exported), &names(&fixed));
    for statement in statements(part()?) {
        let words = statement.strip_prefix(b"alias ").unwrap_or(statement);
        let name = words.split(|byte| *byte == b'=').next().unwrap_or_default();
        pieces.push((format!("alias:{}", String::from_utf8_lossy(name)), words.to_vec()));
    }
    for statement in statements(part()?).into_iter().filter(|it| it.starts_with(b"set ")) {
        pieces.extend(last_word(statement).map(|name| (format!("option:{name}"), statement.to_vec())));
    }
    let mask = part()?.trim_ascii();
    pieces.push(("umask".to_owned(), [b"umask ", mask].concat()));
    for statement in statements(part()?).into_iter().filter(|it| it.starts_with(b"trap ")) {
        pieces.extend(last_word(statement).map(|name| (format!("trap:{name}"), statement.to_vec())));
    }
    let directory = part()?;
    if directory.starts_with(b"/") {
        pieces.push(("directory".to_owned(), directory.strip_suffix(b"\n").unwrap_or(directory).to_vec()));
    }
    for line in String::from_utf8_lossy(part()?).lines() {
        let function =
            line.split_once(' ').filter(|(_, kind)| kind.starts_with("is a") && kind.ends_with("function"));
        pieces.extend(function.map(|(name, _)| (format!("function:{name}"), Vec::new())));
    }
    pieces.push(("parameters".to_owned(), parameters(part()?)?));
    Some(pieces.into_iter().collect())
}

fn variables(
    variables: &[&[u8]],
    exported: &BTreeSet<&[u8]>,
    fixed: &BTreeSet<&[u8]>,
) -> Vec<(String, Vec<u8>)> {
    let mut pieces = Vec::new();
    let mut unset = exported.clone();
    for statement in variables {
        let Some(end) = statement.iter().position(|byte| *byte == b'=') else {
            continue;
        };
        let name = &statement[..end];
        unset.remove(name);
        let mut value = statement.to_vec();
        for (attribute, names) in [(&b"; export "[..], exported), (b"; readonly ", fixed)] {
            if names.contains(name) {
                value.extend_from_slice(attribute);
                value.extend_from_slice(name);
            }
        }
        pieces.push((name, value));
    }
    pieces.extend(unset.into_iter().map(|name| (name, [b"export ", name].concat())));
    let named = pieces.into_iter().filter_map(|(name, value)| {
        let name = std::str::from_utf8(name).ok().filter(|name| is_name(name) && !is_passing(name))?;
        Some((format!("variable:{name}"), value))
    });
    named.collect()
}

/// The names in what `export -p` and its like print.
fn names<'a>(statements: &[&'a [u8]]) -> BTreeSet<&'a [u8]> {
    let names = statements.iter().filter_map(|statement| {
        let words = statement.split(|byte| *byte == b'=').next()?;
        words.rsplit(|byte| *byte == b' ').next()
    });
    names.collect()
}

/// The commands that set the pieces of some changes, in the order in which they must run, each with its key.
pub(super) fn restore(changes: &Changes) -> Vec<(String, Vec<u8>)> {
    let unset = changes.unset.iter().filter_map(|key| Some((key, unset(key)?)));
    let set = changes.set.iter().map(|(key, value)| (key, set(key, value)));
    let mut texts: Vec<(String, Vec<u8>)> = unset.chain(set).map(|(key, text)| (key.clone(), text)).collect();
    texts.sort_by_key(|(key, _)| rank(key));
    texts
}

fn unset(key: &str) -> Option<Vec<u8>> {
    let (kind, name) = key.split_once(':')?;
    let command = match kind {
        "variable" => r"\unset -v ",
        "function" => r"\unset -f ",
        "alias" => r"\command unalias ",
        "trap" => r"\trap - ",
        _ => return None,
    };
    let mut text = command.as_bytes().to_vec();
    single(name.as_bytes(), &mut text);
    Some(text)
}

fn set(key: &str, value: &[u8]) -> Vec<u8> {
    let (kind, name) = key.split_once(':').unwrap_or((key, ""));
    let mut text = Vec::new();
    match kind {
        "variable" => text.extend_from_slice(format!("\\unset -v {name}; ").as_bytes()),
        "alias" => text.extend_from_slice(br"\command alias "),
        "directory" => {
            text.extend_from_slice(br"\command cd -- ");
            single(value, &mut text);
            text.extend_from_slice(br" && \unset -v OLDPWD");
            return text;
        }
        "parameters" => {
            text.extend_from_slice(br"\set --");
            for parameter in value.split_inclusive(|byte| *byte == 0) {
                text.push(b' ');
                single(&parameter[..parameter.len() - 1], &mut text);
            }
            return text;
        }
        _ => (),
    }
    text.extend_from_slice(value);
    text
}

/// The names of functions that a text may define.
pub(super) fn defined_names(text: &[u8]) -> BTreeSet<String> {
    heads(text).map(|(_, name)| name.to_owned()).collect()
}

/// What may be the definition of a function in a text, the last one first, and of each the shortest first: the one that is
/// one is the first that the shell itself can parse.
pub(super) fn definitions<'a>(text: &'a [u8], name: &str) -> Vec<&'a [u8]> {
    let starts: Vec<usize> = heads(text).filter(|(_, it)| *it == name).map(|(start, _)| start).collect();
    let mut found = Vec::new();
    for start in starts.into_iter().rev() {
        let rest = &text[start..];
        let body = rest.iter().position(|byte| *byte == b')').map_or(rest.len(), |at| at + 1);
        let is_end = |at: &usize| matches!(rest.get(*at), None | Some(b'\n' | b';' | b'&' | b'|'));
        let ends = (body..=rest.len()).filter(is_end).map(|end| &rest[..end]);
        found.extend(ends.filter(|it| !it[body..].trim_ascii().is_empty()).take(ENDS_MAX));
    }
    found
}

/// Where `NAME ()` stands.
fn heads(text: &[u8]) -> impl Iterator<Item = (usize, &str)> {
    memchr::memchr_iter(b'(', text).filter_map(|open| {
        text[open + 1..].trim_ascii_start().starts_with(b")").then_some(())?;
        let before = text[..open].trim_ascii_end();
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let start = before.iter().rposition(|byte| !is_part(byte)).map_or(0, |at| at + 1);
        let name = std::str::from_utf8(&before[start..]).ok()?;
        is_name(name).then_some((start, name))
    })
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
