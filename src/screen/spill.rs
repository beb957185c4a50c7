//! The oldest rows: no longer cells but the bytes that draw them, compressed.

use std::{
    collections::VecDeque,
    io::{Read as _, Write as _},
    mem,
};

use alacritty_terminal::{grid::Row, term::cell::Cell};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};

use super::ink::{self, Ink};

/// So many bytes are compressed together.
pub(super) const OPEN_BYTES: usize = 64 * 1024;

/// The most bytes of compressed rows; beyond, the oldest are given up, however few they are.
pub(super) const SEALED_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The most bytes of rows that wait to be compressed. As many rows as most sessions keep fit in, so that those of a long
/// flood go again without having been compressed at all.
pub(super) const LOOSE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Ends a row. Neither byte can be part of one.
const END: u8 = b'\n';
const FLOWS_ON: u8 = 0x0b;

/// Rows that are compressed together.
#[derive(Debug)]
struct Block {
    bytes: Box<[u8]>,
    rows: usize,
}

/// The rows that left the hot ones, oldest first, up to a limit: compressed ones, then those that wait for it, then those
/// that are no whole block yet.
#[derive(Debug, Default)]
pub(super) struct Spill {
    rows_max: usize,
    sealed: VecDeque<Block>,
    loose: VecDeque<Block>,
    /// How many rows are in blocks.
    block_rows: usize,
    sealed_bytes: usize,
    loose_bytes: usize,
    open: Vec<u8>,
    open_rows: usize,
    /// Whether the newest row goes on in the oldest one that is still a cell.
    flows_on: bool,
}

impl Spill {
    pub(super) fn new(rows_max: usize) -> Self {
        Self { rows_max, ..Self::default() }
    }

    /// Whether it keeps anything at all.
    pub(super) fn is_wanted(&self) -> bool {
        self.rows_max > 0
    }

    pub(super) fn rows(&self) -> usize {
        (self.block_rows + self.open_rows).min(self.rows_max)
    }

    /// What it holds in memory, in bytes.
    pub(super) fn bytes(&self) -> usize {
        let blocks = self.sealed.capacity() + self.loose.capacity();
        self.sealed_bytes + self.loose_bytes + self.open.capacity() + blocks * size_of::<Block>()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.rows_max);
    }

    /// Takes the row that is the oldest hot one, with the next one after it.
    pub(super) fn push(&mut self, row: &Row<Cell>, next: &Row<Cell>) {
        let flows = ink::flows(row, next);
        let mut ink = Ink::new(&mut self.open);
        if self.flows_on {
            ink.wrap(row);
        }
        ink.row(row, flows);
        self.end_row(if flows { FLOWS_ON } else { END });
    }

    /// Takes a row as it was printed, which begins and ends plain: one that flows on with all its columns, another with or
    /// without its CR LF.
    pub(super) fn push_printed(&mut self, text: &[u8], flows: bool) {
        self.open.extend_from_slice(if flows { text } else { text.trim_ascii_end() });
        self.end_row(if flows { FLOWS_ON } else { END });
    }

    /// Ends the newest row where it flows on, because what it flowed into changes. That end counts as a row.
    pub(super) fn break_off(&mut self) {
        if self.flows_on {
            self.end_row(END);
        }
    }

    fn end_row(&mut self, end: u8) {
        self.flows_on = end == FLOWS_ON;
        self.open.push(end);
        self.open_rows += 1;
        if self.open.len() >= OPEN_BYTES {
            self.seal();
        }
    }

    /// Whether its newest row goes on in the oldest hot one.
    pub(super) fn flows_on(&self) -> bool {
        self.flows_on
    }

    /// Writes the newest rows, at most so many, each with its end.
    pub(super) fn write_last(&self, rows_max: usize, out: &mut Vec<u8>) {
        let rows = rows_max.min(self.rows());
        let mut passed = self.block_rows + self.open_rows - rows;
        for block in &self.sealed {
            if block.rows <= passed {
                passed -= block.rows;
            } else if let Some(bytes) = unpack(&block.bytes) {
                write_rows(&bytes, mem::take(&mut passed), out);
            }
        }
        for block in &self.loose {
            if block.rows <= passed {
                passed -= block.rows;
            } else {
                write_rows(&block.bytes, mem::take(&mut passed), out);
            }
        }
        write_rows(&self.open, passed, out);
    }

    /// Compresses the oldest rows that wait for it; answers whether more do.
    pub(super) fn compress(&mut self) -> bool {
        if let Some(Block { bytes, rows }) = self.loose.pop_front() {
            self.loose_bytes -= bytes.len();
            let bytes = pack(&bytes);
            self.sealed_bytes += bytes.len();
            self.sealed.push_back(Block { bytes, rows });
            self.evict();
        }
        !self.is_compressed()
    }

    /// Whether no rows wait to be compressed.
    pub(super) fn is_compressed(&self) -> bool {
        self.loose.is_empty()
    }

    /// Makes a block of the newest rows, unless they alone are enough and older ones can simply go.
    fn seal(&mut self) {
        if self.open_rows >= self.rows_max {
            let old = start_of(&self.open, self.open_rows - self.rows_max);
            self.open.drain(..old);
            self.open_rows = self.rows_max;
            self.sealed.clear();
            self.loose.clear();
            (self.block_rows, self.sealed_bytes, self.loose_bytes) = (0, 0, 0);
            if self.open.len() < OPEN_BYTES / 2 {
                return;
            }
        }
        let bytes = mem::take(&mut self.open).into_boxed_slice();
        self.loose_bytes += bytes.len();
        self.block_rows += self.open_rows;
        self.loose.push_back(Block { bytes, rows: mem::take(&mut self.open_rows) });
        self.evict();
        while self.loose_bytes > LOOSE_BYTES_MAX {
            self.compress();
        }
    }

    /// Gives up the oldest rows that nobody needs, or that there is no room for.
    fn evict(&mut self) {
        while let Some(oldest) = self.sealed.front().or(self.loose.front()) {
            let is_needless = self.block_rows - oldest.rows >= self.rows_max;
            if !is_needless && self.sealed_bytes <= SEALED_BYTES_MAX {
                return;
            }
            self.block_rows -= oldest.rows;
            if let Some(oldest) = self.sealed.pop_front() {
                self.sealed_bytes -= oldest.bytes.len();
            } else if let Some(oldest) = self.loose.pop_front() {
                self.loose_bytes -= oldest.bytes.len();
            }
        }
    }
}

fn pack(bytes: &[u8]) -> Box<[u8]> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).expect("memory takes every byte").into()
}

fn unpack(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut unpacked = Vec::with_capacity(OPEN_BYTES);
    DeflateDecoder::new(bytes).read_to_end(&mut unpacked).ok().map(|_| unpacked)
}

/// Where the rows begin that come after so many others.
fn start_of(bytes: &[u8], rows: usize) -> usize {
    match rows.checked_sub(1) {
        None => 0,
        Some(last) => {
            let mut ends = (0..bytes.len()).filter(|&at| matches!(bytes[at], END | FLOWS_ON));
            ends.nth(last).map_or(bytes.len(), |at| at + 1)
        }
    }
}

/// Writes all rows but the first ones; where a row flows on, the terminal wraps by itself.
fn write_rows(bytes: &[u8], passed: usize, out: &mut Vec<u8>) {
    for row in bytes[start_of(bytes, passed)..].split_inclusive(|byte| matches!(*byte, END | FLOWS_ON)) {
        match row.split_last() {
            Some((&FLOWS_ON, text)) => out.extend_from_slice(text),
            Some((&END, text)) => {
                out.extend_from_slice(text);
                out.extend_from_slice(b"\r\n");
            }
            Some(_) | None => (),
        }
    }
}
