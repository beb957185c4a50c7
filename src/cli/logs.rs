//! Where events go: JSON lines in a file a day for machines (SPEC CS-7), warnings on standard error for people.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, OnceLock},
};

use tracing::{Level, Metadata, level_filters::LevelFilter};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::{
    Layer as _, filter, fmt,
    fmt::{MakeWriter, format::Writer, time::FormatTime},
    layer::SubscriberExt as _,
};

use super::output::Shown;
use crate::clock::{Clock as _, SystemClock};

/// What people want to hear.
#[derive(Clone, Copy, Debug)]
pub(super) struct Talk {
    /// No warnings.
    pub(super) quiet: bool,
    /// 1 what happens, 2 everything.
    pub(super) verbose: u8,
    /// A script reads standard error, so only errors in JSON go there.
    pub(super) json: bool,
}

/// Sends events to the log folder of a workspace (if there is one) and to people.
pub(super) fn begin(folder: Option<PathBuf>, days: usize, talk: Talk) {
    let file = folder.map(|folder| {
        fmt::layer()
            .json()
            .flatten_event(true)
            .with_timer(Moment)
            .with_target(false)
            .with_writer(LazyFile { folder, days, file: OnceLock::new() })
            .with_filter(LevelFilter::INFO)
    });
    let people = fmt::layer()
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .with_level(talk.verbose > 0)
        .with_writer(Shown::talk)
        .with_filter(filter::filter_fn(move |event| is_for_people(event, talk)));
    let subscriber = tracing_subscriber::registry().with(file).with(people);
    // A second call in one process keeps the first subscriber.
    drop(tracing::subscriber::set_global_default(subscriber));
}

/// Errors reach people as the command's answer, so an event of that level would say them twice.
fn is_for_people(event: &Metadata<'_>, talk: Talk) -> bool {
    if talk.json || talk.quiet {
        return false;
    }
    match talk.verbose {
        0 => *event.level() == Level::WARN,
        1 => *event.level() <= Level::INFO,
        _ => true,
    }
}

struct Moment;

impl FormatTime for Moment {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        write!(writer, "{}", SystemClock.now())
    }
}

/// The log of the day, opened when the first event comes: a command with nothing to say leaves no file behind.
struct LazyFile {
    folder: PathBuf,
    days: usize,
    file: OnceLock<Option<Mutex<RollingFileAppender>>>,
}

impl LazyFile {
    /// On a read-only file system there is no log, and the command goes on.
    fn open(folder: &Path, days: usize) -> Option<Mutex<RollingFileAppender>> {
        // The appender looks for old files first, and complains on standard error when the folder is missing.
        fs::create_dir_all(folder).ok()?;
        // A repository can bring along what stands there; nothing is written through a link.
        if fs::read_dir(folder)
            .ok()?
            .filter_map(Result::ok)
            .any(|entry| entry.file_type().is_ok_and(|it| it.is_symlink()))
        {
            return None;
        }
        RollingFileAppender::builder()
            .rotation(Rotation::DAILY)
            .filename_prefix("wharf")
            .filename_suffix("log")
            .max_log_files(days)
            .build(folder)
            .ok()
            .map(Mutex::new)
    }
}

impl<'a> MakeWriter<'a> for LazyFile {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Self::Writer {
        Line(self.file.get_or_init(|| Self::open(&self.folder, self.days)).as_ref())
    }
}

/// Writes whole lines into the log, if there is one.
struct Line<'a>(Option<&'a Mutex<RollingFileAppender>>);

impl io::Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(file) = self.0 else {
            return Ok(bytes.len());
        };
        file.lock()
            .map_err(|_| io::Error::other("another thread failed while it wrote the log"))?
            .write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
