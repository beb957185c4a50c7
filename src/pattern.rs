//! How a regular expression that a person wrote is read.
//!
//! The tables that say which letters of all scripts are words, digits or each other's capitals cost every process of this
//! program two hundred kilobytes and a third of a millisecond at its start, whether it seeks something or not. So they are
//! left out: `\w`, `\d`, `\s`, `\b` and `(?i)` know ASCII. Every other character still stands for itself, also in classes.

use regex::bytes::{Regex, RegexBuilder};

/// The most memory that one takes.
const REGEX_BYTES_MAX: usize = 4 << 20;

/// Reads one in which `^` and `$` are the ends of lines; nothing when it is none, or too large.
pub fn of_lines(text: &str) -> Option<Regex> {
    read(text, true)
}

/// Reads one in which `^` and `$` are the ends of the whole text; nothing when it is none, or too large.
pub fn of_text(text: &str) -> Option<Regex> {
    read(text, false)
}

fn read(text: &str, in_lines: bool) -> Option<Regex> {
    let build = |is_unicode| {
        let mut builder = RegexBuilder::new(text);
        builder.multi_line(in_lines).unicode(is_unicode);
        builder.size_limit(REGEX_BYTES_MAX).dfa_size_limit(REGEX_BYTES_MAX).build()
    };
    // What needs the tables is an error with them left out, and then bytes will do.
    build(true).or_else(|_| build(false)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        of_lines(pattern).unwrap_or_else(|| panic!("{pattern}")).is_match(text.as_bytes())
    }

    // A build with tests has the tables all the same, because other crates ask for them, so what is left out does not show.
    #[test]
    fn classes_and_case_know_ascii() {
        assert!(matches(r"^\w+\s\d+\b", "abc 12 x"));
        assert!(matches("(?i)error", "An ERROR came"));
    }

    #[test]
    fn every_character_stands_for_itself() {
        assert!(matches("^gr.ße$", "größe"), "one character, not one byte");
        assert!(matches("^[äöü]+$", "äü"));
        assert!(matches(r"\d größe", "1 größe"));
    }

    #[test]
    fn the_ends_are_those_of_lines_or_of_the_text() {
        assert!(matches("^two$", "one\ntwo"));
        assert!(!of_text("^two$").unwrap().is_match(b"one\ntwo"));
    }

    #[test]
    fn what_is_none_or_too_large_is_refused() {
        for text in ["(", "[a", "a{100000}{100000}"] {
            assert!(of_lines(text).is_none(), "{text}");
        }
    }
}
