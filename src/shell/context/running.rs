//! A command that runs: its pipes, and one turn of waiting for whatever comes first.

use std::{
    io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use super::{
    Controls, Sink,
    driver::{Driver, Way, path},
    mark_finder::MarkFinder,
    streams::{LateStreams, Read, read, waiting},
};
use crate::shell::Stream;

/// What a command that has no standard input reads from, and one whose output nobody wants writes to.
const NULL: &str = "/dev/null";

/// A command from the moment it is sent until its interpreter is done with it.
#[derive(Debug, Default)]
pub(super) struct Running {
    pub(super) stdout: Option<Way>,
    pub(super) stderr: Option<Way>,
    stdin: Option<Stdin>,
    /// The marks that were sent for it; only behind the last pair nothing is under way any more.
    marks: Vec<[String; 2]>,
    /// Its exit code, once it is done.
    pub(super) code: Option<i32>,
    /// Whether what the interpreter holds was saved since.
    pub(super) is_saved: bool,
    pub(super) is_gone: bool,
    /// The command that is over, when none runs.
    pub(super) late_of: Option<u64>,
    /// Finds its marks among its output, where they come there.
    pub(super) finder: Option<MarkFinder>,
}

#[derive(Debug)]
struct Stdin {
    /// Open until the end, so that its path leads somewhere.
    read: OwnedFd,
    write: Option<OwnedFd>,
    pending: Vec<u8>,
    sent: usize,
}

/// What is waited for besides the command: in `rest` there is none.
pub(super) struct Turn<'a> {
    pub(super) driver: &'a mut Driver,
    pub(super) late: &'a mut LateStreams,
    pub(super) controls: Option<&'a Controls>,
    pub(super) sink: &'a mut dyn Sink,
    pub(super) buffer: &'a mut [u8],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Control,
    Answer,
    Process,
    Controls,
    Stdin,
    Out(Stream),
    Late,
}

impl Running {
    /// Opens pipes for a command whose output is wanted.
    pub(super) fn with_pipes(has_stdin: bool) -> io::Result<Self> {
        let stdin = if has_stdin {
            let Way { read, write } = Way::open()?;
            Some(Stdin { read, write: Some(write), pending: Vec::new(), sent: 0 })
        } else {
            None
        };
        Ok(Self { stdout: Some(Way::open()?), stderr: Some(Way::open()?), stdin, ..Self::default() })
    }

    /// No command, after the one with this number.
    pub(super) fn nothing(number: u64) -> Self {
        Self { late_of: Some(number), ..Self::default() }
    }

    /// The paths of its standard input, output and error.
    pub(super) fn paths(&self) -> [String; 3] {
        let write =
            |way: &Option<Way>| way.as_ref().map_or_else(|| NULL.to_owned(), |way| path(way.write.as_fd()));
        let stdin = self.stdin.as_ref().map_or_else(|| NULL.to_owned(), |it| path(it.read.as_fd()));
        [stdin, write(&self.stdout), write(&self.stderr)]
    }

    /// Takes note of marks that are sent for it.
    pub(super) fn expect(&mut self, marks: [String; 2]) {
        if let Some(finder) = &mut self.finder {
            finder.expect(&marks);
        }
        self.marks.push(marks);
        self.is_saved = false;
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_gone || (self.code.is_some() && self.is_saved)
    }

    /// Takes an answer: of this command, or a late one of another.
    fn answered(&mut self, mark: &str, rest: &str) {
        let Some(at) = self.marks.iter().position(|pair| pair.iter().any(|it| it == mark)) else {
            return;
        };
        if mark == self.marks[at][0] {
            self.code.get_or_insert(rest.trim().parse().unwrap_or(0));
        } else if at + 1 == self.marks.len() {
            self.is_saved = true;
        }
    }

    /// Ends its standard input, also for whoever still reads it.
    pub(super) fn end_stdin(&mut self) {
        self.stdin = None;
    }

    fn sources<'a>(&'a self, turn: &'a Turn<'_>) -> Vec<(Source, BorrowedFd<'a>, PollFlags)> {
        let mut sources = vec![
            (Source::Answer, turn.driver.answer(), PollFlags::IN),
            (Source::Process, turn.driver.handle(), PollFlags::IN),
        ];
        if turn.driver.has_unsent() {
            sources.push((Source::Control, turn.driver.control(), PollFlags::OUT));
        }
        sources.extend(turn.controls.map(|it| (Source::Controls, it.as_fd(), PollFlags::IN)));
        let stdin = self.stdin.as_ref().filter(|it| it.sent < it.pending.len());
        if let Some(write) = stdin.and_then(|it| it.write.as_ref()) {
            sources.push((Source::Stdin, write.as_fd(), PollFlags::OUT));
        }
        for (stream, out) in self.outs(turn.driver.outputs.as_ref()) {
            sources.push((Source::Out(stream), out.as_fd(), PollFlags::IN));
        }
        sources.extend(turn.late.iter().map(|it| (Source::Late, it.as_fd(), PollFlags::IN)));
        sources
    }

    /// Where its outputs, or those of the interpreter itself, are read.
    fn outs<'a>(&'a self, own: Option<&'a [OwnedFd; 2]>) -> impl Iterator<Item = (Stream, &'a OwnedFd)> {
        let ways = [(Stream::Stdout, &self.stdout), (Stream::Stderr, &self.stderr)];
        let ways = ways.into_iter().filter_map(|(stream, way)| Some((stream, &way.as_ref()?.read)));
        let own = own.into_iter().flat_map(|[out, err]| [(Stream::Stdout, out), (Stream::Stderr, err)]);
        ways.chain(own)
    }

    /// Waits until something comes, at most this long, and takes it.
    pub(super) fn turn(&mut self, turn: &mut Turn<'_>, limit: Option<Duration>) -> io::Result<()> {
        self.feed(turn.controls)?;
        turn.driver.send()?;
        let (sources, ready) = self.wait(turn, limit)?;
        let mut ended = None;
        let mut late = Vec::new();
        let mut has_answer = false;
        for (source, ready) in sources.into_iter().zip(ready) {
            match source {
                Source::Late => late.push(ready),
                _ if !ready => (),
                Source::Control => turn.driver.send()?,
                Source::Answer => has_answer = true,
                Source::Process => self.is_gone = true,
                Source::Controls => turn.controls.iter().for_each(|it| it.hear()),
                Source::Stdin => self.feed(turn.controls)?,
                Source::Out(stream) if !self.take_output(stream, turn, usize::MAX)? => ended = Some(stream),
                Source::Out(_) => (),
            }
        }
        turn.late.read(&late, turn.buffer, turn.sink);
        if ended.is_some() {
            // Its own process closed them; that it ends is told by its handle.
            turn.driver.outputs = None;
        }
        if has_answer {
            for (mark, rest) in turn.driver.take_answers()? {
                self.answered(&mark, &rest);
            }
        }
        Ok(())
    }

    fn wait(&self, turn: &Turn<'_>, limit: Option<Duration>) -> io::Result<(Vec<Source>, Vec<bool>)> {
        let sources = self.sources(turn);
        let mut waiting: Vec<PollFd<'_>> =
            sources.iter().map(|(_, fd, flags)| PollFd::from_borrowed_fd(*fd, *flags)).collect();
        // A limit that no system can count to is none.
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        match poll(&mut waiting, limit.as_ref()) {
            Ok(_) | Err(Errno::INTR) => (),
            Err(err) => return Err(err.into()),
        }
        let ready = waiting.iter().map(|it| !it.revents().is_empty()).collect();
        Ok((sources.into_iter().map(|(source, ..)| source).collect(), ready))
    }

    /// Passes on what a command, or the interpreter itself, wrote, at most this much. Says whether there may be more one
    /// day.
    fn take_output(&mut self, stream: Stream, turn: &mut Turn<'_>, most: usize) -> io::Result<bool> {
        let most = most.min(turn.buffer.len());
        let Some((_, from)) = self.outs(turn.driver.outputs.as_ref()).find(|(it, _)| *it == stream) else {
            return Ok(true);
        };
        let count = match read(from, &mut turn.buffer[..most])? {
            Read::Bytes(count) => count,
            Read::Nothing => return Ok(true),
            Read::End => return Ok(false),
        };
        let bytes = &turn.buffer[..count];
        match &mut self.finder {
            Some(finder) if stream == Stream::Stdout => {
                let found = finder.take(bytes, &mut |bytes| turn.sink.output(stream, bytes));
                for (mark, rest) in found {
                    self.answered(&mark, &rest);
                }
            }
            Some(_) | None => match self.late_of {
                Some(number) => turn.sink.late(number, stream, bytes),
                None => turn.sink.output(stream, bytes),
            },
        }
        Ok(true)
    }

    /// Takes what was written before the command was done. No more: a background job could write for ever.
    pub(super) fn drain(&mut self, turn: &mut Turn<'_>) -> io::Result<()> {
        for stream in [Stream::Stdout, Stream::Stderr] {
            let out = self.outs(turn.driver.outputs.as_ref()).find(|(it, _)| *it == stream);
            let mut left = out.map_or(0, |(_, out)| waiting(out));
            while left > 0 {
                let before = left.min(turn.buffer.len());
                if !self.take_output(stream, turn, before)? {
                    break;
                }
                left -= before;
            }
        }
        if let Some(finder) = self.finder.as_mut().filter(|_| self.is_gone) {
            finder.end(&mut |bytes| turn.sink.output(Stream::Stdout, bytes));
        }
        Ok(())
    }

    /// Gives its pipes up: those that something still writes to go on as late ones.
    pub(super) fn give_up_pipes(&mut self, number: u64, late: &mut LateStreams) {
        for (stream, way) in [(Stream::Stdout, self.stdout.take()), (Stream::Stderr, self.stderr.take())] {
            let Some(Way { read, write }) = way else {
                continue;
            };
            drop(write);
            if is_open(&read) {
                late.keep(number, stream, read);
            }
        }
    }

    /// Moves standard input on, as far as goes without waiting.
    fn feed(&mut self, controls: Option<&Controls>) -> io::Result<()> {
        let (Some(stdin), Some(controls)) = (&mut self.stdin, controls) else {
            return Ok(());
        };
        while let Some(write) = &stdin.write {
            if stdin.sent == stdin.pending.len() {
                let (bytes, is_end) = controls.take_stdin();
                if is_end {
                    stdin.write = None;
                    break;
                }
                let Some(bytes) = bytes else {
                    return Ok(());
                };
                (stdin.pending, stdin.sent) = (bytes, 0);
            }
            match rustix::io::write(write, &stdin.pending[stdin.sent..]) {
                Ok(count) => stdin.sent += count,
                Err(Errno::INTR) => (),
                Err(Errno::AGAIN) => return Ok(()),
                Err(err) => return Err(err.into()),
            }
        }
        Ok(())
    }
}

/// Whether somebody else can still write to a pipe, or has written something that nobody has read.
fn is_open(read: &OwnedFd) -> bool {
    let mut waiting = [PollFd::new(read, PollFlags::IN)];
    match poll(&mut waiting, Some(&Timespec::default())) {
        Ok(_) => {
            !waiting[0].revents().contains(PollFlags::HUP) || waiting[0].revents().contains(PollFlags::IN)
        }
        Err(_) => false,
    }
}
