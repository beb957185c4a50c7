//! How a mark is found in what an interpreter writes: as a whole line alone, with the line break before it.

/// The most bytes behind a mark in its line.
const REST_BYTES_MAX: usize = 64;

/// Looks for the marks of one command.
#[derive(Debug)]
pub(super) struct MarkFinder {
    /// A line break, and what all marks of this command begin with.
    head: Vec<u8>,
    marks: Vec<String>,
    /// What may be the beginning of a mark.
    held: Vec<u8>,
}

impl MarkFinder {
    pub(super) fn new(begin: &str) -> Self {
        Self { head: format!("\n{begin}").into_bytes(), marks: Vec::new(), held: Vec::new() }
    }

    pub(super) fn expect(&mut self, marks: &[String]) {
        self.marks.extend_from_slice(marks);
    }

    /// Takes what was written, passes on what is no mark, and answers the marks, each with what stands behind it.
    pub(super) fn take(&mut self, bytes: &[u8], output: &mut dyn FnMut(&[u8])) -> Vec<(String, String)> {
        self.held.extend_from_slice(bytes);
        let mut found = Vec::new();
        let mut passed = 0;
        let mut from = 0;
        while let Some(at) = memchr::memmem::find(&self.held[from..], &self.head).map(|at| from + at) {
            let line = &self.held[at + 1..];
            let Some(end) = line.iter().position(|byte| *byte == b'\n') else {
                if line.len() <= self.head.len() + REST_BYTES_MAX {
                    self.pass(passed, at, output);
                    return found;
                }
                from = at + 1;
                continue;
            };
            let text = String::from_utf8_lossy(&line[..end]).into_owned();
            let (mark, rest) = text.split_once(' ').unwrap_or((&text, ""));
            if self.marks.iter().any(|it| it == mark) {
                if at > passed {
                    output(&self.held[passed..at]);
                }
                found.push((mark.to_owned(), rest.to_owned()));
                passed = at + 1 + end + 1;
                from = passed;
            } else {
                from = at + 1;
            }
        }
        let most = self.head.len().min(self.held.len() - passed);
        let begun = (1..=most).rev().find(|count| {
            let tail = &self.held[self.held.len() - count..];
            self.head.starts_with(tail)
        });
        self.pass(passed, self.held.len() - begun.unwrap_or(0), output);
        found
    }

    /// Passes on what was no beginning of a mark after all.
    pub(super) fn end(&mut self, output: &mut dyn FnMut(&[u8])) {
        self.pass(0, self.held.len(), output);
    }

    /// Passes on what is held between two places, and keeps what is behind.
    fn pass(&mut self, from: usize, to: usize, output: &mut dyn FnMut(&[u8])) {
        if to > from {
            output(&self.held[from..to]);
        }
        self.held.drain(..to.max(from));
    }
}
