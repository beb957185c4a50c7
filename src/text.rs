//! How foreign text may reach a terminal: one escaper for names, paths, errors and titles.

use std::{fmt, fmt::Write as _, path::Path};

/// Shows a text with every character escaped that could steer a terminal or mislead a reader:
/// C0, C1, DEL, bidirectional controls, zero-width and other invisible format characters.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if is_unsafe(c) {
                write!(f, "{}", c.escape_default())?;
            } else {
                f.write_char(c)?;
            }
        }
        Ok(())
    }
}

/// The escaped form of a path; bytes that are no UTF-8 are shown as `U+FFFD`.
pub fn path(path: &Path) -> String {
    line(&path.to_string_lossy())
}

/// A path as a word of a command for the shell to copy: in quotes where the shell would read it otherwise.
pub fn word(path: &Path) -> String {
    let text = self::path(path);
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:@%,".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The escaped form of a text that must stay on one line.
pub fn line(text: &str) -> String {
    Escaped(text).to_string()
}

/// The escaped form of a text that may have several lines; line feeds stay.
pub fn lines(text: &str) -> String {
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Whether a character must not reach a terminal as it is.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// So many of something: `1 session`, `2 sessions`.
pub fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// An error with its causes, each said once.
pub fn because(err: &dyn std::error::Error) -> String {
    let mut text = err.to_string();
    let mut source = err.source();
    while let Some(err) = source {
        let cause = err.to_string();
        if !text.ends_with(&cause) && !text.starts_with(&format!("{cause}; ")) {
            text = format!("{text}: {}", cause.trim_end());
        }
        source = err.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped() {
        assert_eq!(line("a\u{1b}[31mb\r\n\u{7f}\u{9b}"), "a\\u{1b}[31mb\\r\\n\\u{7f}\\u{9b}");
        assert_eq!(line("x\u{202e}y\u{200b}z\u{feff}"), "x\\u{202e}y\\u{200b}z\\u{feff}");
    }

    #[derive(Debug)]
    struct Told(&'static str, Option<Box<Self>>);

    impl fmt::Display for Told {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl std::error::Error for Told {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            self.1.as_ref().map(|source| &**source as _)
        }
    }

    #[test]
    fn an_error_says_each_cause_once() {
        let chain = |texts: &[&'static str]| {
            let told = texts.iter().rev().fold(None, |source, text| Some(Box::new(Told(text, source))));
            because(&*told.unwrap())
        };
        assert_eq!(chain(&["it failed"]), "it failed");
        assert_eq!(chain(&["it failed", "no space\n", "disk"]), "it failed: no space: disk");
        assert_eq!(chain(&["it failed: no space", "no space", "disk"]), "it failed: no space: disk");
    }

    #[test]
    fn a_path_is_one_word_of_a_command() {
        for (path, expected) in [
            ("/ws/a-b_c.d", "/ws/a-b_c.d"),
            ("/wörk", "/wörk"),
            ("/my work", "'/my work'"),
            ("/it's", r"'/it'\''s'"),
            ("/$HOME", "'/$HOME'"),
            ("/a~*", "'/a~*'"),
            ("", "''"),
        ] {
            assert_eq!(word(Path::new(path)), expected);
        }
    }

    #[test]
    fn plain_text_of_any_script_stays() {
        assert_eq!(line("héllo 世界 🚀 ~^"), "héllo 世界 🚀 ~^");
        assert_eq!(lines("one\ntw\u{7}o"), "one\ntw\\u{7}o");
    }

    #[test]
    fn a_number_has_its_noun() {
        assert_eq!(
            [count(0, "session"), count(1, "session"), count(2, "session")],
            ["0 sessions", "1 session", "2 sessions"]
        );
    }

    #[test]
    fn a_path_of_odd_bytes_is_shown() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
        assert_eq!(path(Path::new(OsStr::from_bytes(b"/a\xff\n"))), "/a\u{fffd}\\n");
    }
}
