//! How a log is read line by line, whatever stands in it.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read, Seek as _, SeekFrom, Take},
};

/// The longest line that is read; a longer one is damaged. The longest that is written holds a state and two outputs.
pub(super) const LINE_BYTES_MAX: u64 = 64 << 20;
const BUFFER_BYTES: usize = 256 << 10;

/// The lines of a file from an offset on, up to where it ended when this began.
pub(super) struct Lines<'a> {
    reader: BufReader<Take<&'a File>>,
    offset: u64,
    text: Vec<u8>,
}

/// A line.
pub(super) struct Line<'a> {
    /// Where it begins.
    pub(super) offset: u64,
    /// Where the next one begins.
    pub(super) next: u64,
    /// Its bytes without the line feed; as many of them as may be read.
    pub(super) text: &'a [u8],
    /// Whether it has its line feed.
    pub(super) has_end: bool,
}

impl<'a> Lines<'a> {
    /// The lines between two offsets; the first is the beginning of one.
    pub(super) fn between(mut file: &'a File, offset: u64, end: u64) -> io::Result<Self> {
        file.seek(SeekFrom::Start(offset))?;
        let reader = BufReader::with_capacity(BUFFER_BYTES, file.take(end.saturating_sub(offset)));
        Ok(Self { reader, offset, text: Vec::new() })
    }

    /// The next line.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.text.clear();
        let mut length = (&mut self.reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut self.text)? as u64;
        let mut has_end = self.text.last() == Some(&b'\n');
        while length >= LINE_BYTES_MAX && !has_end {
            let buffer = self.reader.fill_buf()?;
            let Some(last) = buffer.len().checked_sub(1) else {
                break;
            };
            let end = memchr::memchr(b'\n', buffer);
            has_end = end.is_some();
            let skipped = end.unwrap_or(last) + 1;
            self.reader.consume(skipped);
            length += skipped as u64;
        }
        if length == 0 {
            return Ok(None);
        }
        let offset = self.offset;
        self.offset += length;
        let text = self.text.strip_suffix(b"\n").unwrap_or(&self.text);
        Ok(Some(Line { offset, next: self.offset, text, has_end }))
    }
}
