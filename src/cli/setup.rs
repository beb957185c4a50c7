//! `setup`, and what `create` and `destroy` tell of it.

use serde::Serialize;

use super::{Context, Failure, args, output::Output, table, view};
use crate::{
    json::Members,
    manager::{Heard, SetUp},
    text,
    worktree::Brought,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SetupView {
    session: Members,
    copied: usize,
    bytes: u64,
    left_out: usize,
    examples: Vec<LeftOutView>,
    lines: usize,
}

#[derive(Serialize)]
struct LeftOutView {
    path: String,
    because: &'static str,
}

/// Does a session's setup, for the first time or again.
pub(super) fn setup(mut context: Context, args: &args::Setup) -> Result<(), Failure> {
    let output = context.output;
    let done = context.manager.set_up(&args.name, &mut |heard| hear(output, heard))?;
    let SetUp { session, brought, lines } = &done;
    let examples = brought.named.iter();
    let view = SetupView {
        session: view::record(&context, session),
        copied: brought.copied,
        bytes: brought.bytes,
        left_out: brought.left_out,
        examples: examples
            .map(|it| LeftOutView { path: it.path.to_string_lossy().into_owned(), because: it.because })
            .collect(),
        lines: *lines,
    };
    let told =
        || format!("{} is set up: {}, {}\n{}", session.name(), files(brought), ran(*lines), left(brought));
    Ok(context.output.data(&view, told)?)
}

/// Shows what lines do where a person looks on; a script reads it in the file.
pub(super) fn hear(output: Output, heard: Heard<'_>) {
    if output.is_json() {
        return;
    }
    match heard {
        Heard::Line(line) => output.talk(&format!("$ {}\n", text::line(line))),
        // Who does not read any more misses something; the line goes on.
        Heard::Output(bytes) => drop(output.talk_exactly(bytes)),
    }
}

fn files(brought: &Brought) -> String {
    match brought.copied {
        1 => "1 file copied".to_owned(),
        count => format!("{count} files copied"),
    }
}

fn ran(lines: usize) -> String {
    if lines == 1 { "1 line run".to_owned() } else { format!("{lines} lines run") }
}

fn left(brought: &Brought) -> String {
    let named = brought.named.iter();
    let lines = named.map(|it| format!("  {} is left out: {}", text::path(&it.path), it.because));
    let more = brought.left_out - brought.named.len();
    table::lines(lines.chain((more > 0).then(|| format!("  and {more} more"))))
}
