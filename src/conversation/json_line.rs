//! One line of a transcript: whether it is JSON, and the two of its fields that count. Everything else is passed over
//! without being kept.

use std::str;

use crate::clock::Timestamp;

use super::lenient;

/// How deep a line may nest.
pub(super) const DEPTH_MAX: usize = 1_024;

/// How many bytes of a string are looked at in one step.
const STEP: usize = 32;

/// What a line that parses says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Whether somebody spoke: its `type` is `user` or `assistant`.
    pub(super) is_message: bool,
    /// Its `timestamp`.
    pub(super) at: Option<Timestamp>,
}

/// Reads one line, without its end. `Ok(None)` is a line of nothing but white space; an error is the place, in bytes, at
/// which it stops being JSON.
pub(super) fn read(bytes: &[u8]) -> Result<Option<Line>, usize> {
    let mut scanner = Scanner { bytes, at: 0 };
    scanner.skip_space();
    if scanner.at == bytes.len() {
        return Ok(None);
    }
    let mut line = Line::default();
    let read = if scanner.peek() == Some(b'{') { scanner.outer(&mut line) } else { scanner.value() };
    let whole = read.and_then(|()| {
        scanner.skip_space();
        if scanner.at == bytes.len() { Ok(()) } else { Err(Stop) }
    });
    whole.map(|()| Some(line)).map_err(|Stop| scanner.at)
}

/// Here it is no JSON any more.
#[derive(Debug)]
struct Stop;

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// The open brackets, one bit each: whether it is that of an object.
struct Brackets {
    bits: [u64; DEPTH_MAX / 64],
    depth: usize,
}

impl Brackets {
    fn open(&mut self, is_object: bool) -> Result<(), Stop> {
        if self.depth == DEPTH_MAX {
            return Err(Stop);
        }
        let (word, bit) = (self.depth / 64, 1 << (self.depth % 64));
        if is_object {
            self.bits[word] |= bit;
        } else {
            self.bits[word] &= !bit;
        }
        self.depth += 1;
        Ok(())
    }

    fn is_in_object(&self) -> bool {
        let at = self.depth - 1;
        self.bits[at / 64] & (1 << (at % 64)) != 0
    }
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Stop> {
        if self.peek() != Some(byte) {
            return Err(Stop);
        }
        self.at += 1;
        Ok(())
    }

    /// The object that a line is, member by member.
    fn outer(&mut self, line: &mut Line) -> Result<(), Stop> {
        self.expect(b'{')?;
        self.skip_space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            let key = self.member_key()?;
            match (key, self.peek()) {
                (b"type", Some(b'"')) => {
                    line.is_message = matches!(self.string()?, b"user" | b"assistant");
                }
                (b"timestamp", Some(b'"')) => {
                    let text = str::from_utf8(self.string()?).unwrap_or_default();
                    line.at = lenient::moment(text);
                }
                _ => self.value()?,
            }
            self.skip_space();
            if self.peek() != Some(b',') {
                return self.expect(b'}');
            }
            self.at += 1;
            self.skip_space();
        }
    }

    /// A key with its colon and the space around that.
    fn member_key(&mut self) -> Result<&'a [u8], Stop> {
        let key = self.string()?;
        self.skip_space();
        self.expect(b':')?;
        self.skip_space();
        Ok(key)
    }

    /// A value with everything in it.
    fn value(&mut self) -> Result<(), Stop> {
        let mut brackets = Brackets { bits: [0; DEPTH_MAX / 64], depth: 0 };
        loop {
            let opened = match self.peek() {
                Some(b'"') => self.string().map(|_| false),
                Some(b'{') => brackets.open(true).map(|()| true),
                Some(b'[') => brackets.open(false).map(|()| true),
                Some(b't') => self.word(b"true").map(|()| false),
                Some(b'f') => self.word(b"false").map(|()| false),
                Some(b'n') => self.word(b"null").map(|()| false),
                Some(b'-' | b'0'..=b'9') => self.number().map(|()| false),
                Some(_) | None => Err(Stop),
            }?;
            if opened {
                self.at += 1;
                self.skip_space();
                let end = if brackets.is_in_object() { b'}' } else { b']' };
                if self.peek() != Some(end) {
                    if end == b'}' {
                        self.member_key()?;
                    }
                    continue;
                }
                self.at += 1;
                brackets.depth -= 1;
            }
            if !self.next_value(&mut brackets)? {
                return Ok(());
            }
        }
    }

    /// Behind a value: closes what ends there, and goes to the next one; false when there is none.
    fn next_value(&mut self, brackets: &mut Brackets) -> Result<bool, Stop> {
        while brackets.depth > 0 {
            self.skip_space();
            let is_object = brackets.is_in_object();
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    self.skip_space();
                    if is_object {
                        self.member_key()?;
                    }
                    return Ok(true);
                }
                Some(b'}') if is_object => self.at += 1,
                Some(b']') if !is_object => self.at += 1,
                Some(_) | None => return Err(Stop),
            }
            brackets.depth -= 1;
        }
        Ok(false)
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Stop> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(Stop);
        }
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<(), Stop> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Stop> {
        let count = self.bytes[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(Stop) } else { Ok(()) }
    }

    /// A string; answers what stands between its quotes, as it is written.
    fn string(&mut self) -> Result<&'a [u8], Stop> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            self.skip_plain();
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(&self.bytes[start..self.at - 1]);
                }
                Some(b'\\') => self.escape()?,
                Some(_) | None => return Err(Stop),
            }
        }
    }

    /// Goes to the next quote, backslash or control character.
    fn skip_plain(&mut self) {
        while let Some(step) = self.bytes.get(self.at..self.at + STEP) {
            if step.iter().fold(false, |found, byte| found | is_special(*byte)) {
                break;
            }
            self.at += STEP;
        }
        let rest = &self.bytes[self.at..];
        self.at += rest.iter().position(|byte| is_special(*byte)).unwrap_or(rest.len());
    }

    fn escape(&mut self) -> Result<(), Stop> {
        match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let digits = self.bytes.get(self.at + 2..self.at + 6).ok_or(Stop)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(Stop);
                }
                self.at += 6;
            }
            Some(_) | None => return Err(Stop),
        }
        Ok(())
    }
}

fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::*;

    #[test]
    fn only_the_outermost_type_and_timestamp_count() {
        let line = |text: &str| read(text.as_bytes()).unwrap().unwrap();
        let said = line(
            r#" {"message":{"type":"x","timestamp":1},"type":"user","timestamp":"2025-11-24T10:30:00Z"} "#,
        );
        assert_eq!((said.is_message, said.at.unwrap().unix_millis()), (true, 1_763_980_200_000));
        assert!(line(r#"{"type" : "assistant"}"#).is_message);
        for other in [r#"{"type":"summary"}"#, r#"{"a":{"type":"user"}}"#, r#"{"type":["user"]}"#, "[]", "1"]
        {
            assert_eq!(line(other), Line::default(), "{other}");
        }
        assert_eq!(line(r#"{"timestamp":"soon"}"#).at, None);
        assert_eq!(read(b" \t\r").unwrap(), None);
    }

    #[test]
    fn the_place_of_the_first_wrong_byte_is_told() {
        for (text, at) in [
            ("{\"a\":x}", 5),
            ("nul", 0),
            ("[1,]", 3),
            ("{} {}", 3),
            ("\"a\tb\"", 2),
            ("[1", 2),
            ("\0\0", 0),
            ("01", 1),
        ] {
            assert_eq!(read(text.as_bytes()).unwrap_err(), at, "{text}");
        }
    }

    #[test]
    fn depth_has_a_bound() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        read(nested(DEPTH_MAX).as_bytes()).unwrap();
        assert_eq!(read(nested(DEPTH_MAX + 1).as_bytes()).unwrap_err(), DEPTH_MAX);
        let objects = "{\"a\":".repeat(200) + "1" + &"}".repeat(200);
        read(objects.as_bytes()).unwrap();
    }

    /// What is not deeply nested is taken exactly when another reader of JSON takes it.
    fn agrees(text: &str) {
        let other = serde_json::from_str::<IgnoredAny>(text).is_ok();
        let is_blank = text.trim_matches([' ', '\t', '\r', '\n']).is_empty();
        assert_eq!(matches!(read(text.as_bytes()), Ok(Some(_))), other, "{text:?}");
        assert_eq!(matches!(read(text.as_bytes()), Ok(None)), is_blank, "{text:?}");
    }

    proptest! {
        #[test]
        fn any_text_is_judged_as_another_reader_judges_it(text in r#"[\[\]{}",:\\ntrue0-9.eE+\-u a\x00é]{0,24}"#) {
            agrees(&text);
        }

        #[test]
        fn a_line_with_one_wrong_byte_is_judged_so_too(at in 0_usize..400, byte in 0_u8..128) {
            let line = concat!(r#"{"type":"user","message":{"role":"user","content":[{"type":"text","text":"a longer "#,
                r#"text, so that whole steps of it are passed over: \"quoted\", \u00e9, \\ and more of it"}],"n":[-1.5e+3,0,"#,
                r#"true,null,{}]},"timestamp":"2025-11-24T10:30:00Z","x":{"a":[[],{"b":"c"}]}}"#);
            let mut bytes = line.as_bytes().to_owned();
            let at = at % bytes.len();
            bytes[at] = byte;
            agrees(str::from_utf8(&bytes).unwrap());
        }
    }
}
