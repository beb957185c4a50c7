//! `exec`.

use std::{
    env, fs,
    io::{self, IsTerminal as _, Read as _},
    os::{fd::AsFd as _, unix::ffi::OsStrExt as _},
    path::Path,
    process::ExitCode,
};

use super::{Context, Failure, args, interrupting::Interrupts, span};
use crate::{
    manager::{CommandText, ExecCommand},
    session::CONTEXT_VARIABLE,
    shell::{Caller, Done, Finish, Ground, Stream},
    view::{DoneView, Gathered, PieceView, Pieces},
};

/// The file that is standard input.
const STDIN: &str = "-";
/// The longest text of a command.
const COMMAND_BYTES_MAX: u64 = 16 << 20;
/// The exit code where the time of a command was over, as `timeout` has it, and where somebody interrupted it.
const TIMED_OUT: u8 = 124;
const INTERRUPTED: u8 = 130;

/// How the output of a command reaches whoever wants it.
enum Way {
    /// As it comes, byte by byte.
    Live,
    /// As it comes, in JSON lines.
    Lines(Pieces),
    /// At the end.
    Object(Box<Gathered>),
}

/// Runs a command in a session; its exit code is ours.
pub(super) fn exec(mut context: Context, args: &args::Exec) -> Result<ExitCode, Failure> {
    refuse_itself(&mut context, &args.name)?;
    let command = ExecCommand {
        command: command(&context, args)?,
        ground: if args.new { Ground::Fresh } else { Ground::Kept },
        interpreter: args.interpreter.clone(),
        time_limit: args.timeout.as_deref().map(span::span).transpose()?,
    };
    let mut way = match (context.output.is_json(), args.stream) {
        (false, _) => Way::Live,
        (true, true) => Way::Lines(Pieces::default()),
        (true, false) => Way::Object(Box::default()),
    };
    let failed = |source| Failure::Io { action: "hear", path: "ctrl-c".into(), source };
    let interrupts = Interrupts::hear().map_err(failed)?;
    let stdin = io::stdin();
    let reads = !args.no_stdin && args.file.as_ref().is_none_or(|it| it.as_os_str() != STDIN);
    let output = context.output;
    let (mut arrived, mut unwritten) = (0_u64, None);
    let mut take = |stream: Stream, bytes: &[u8]| {
        arrived += bytes.len() as u64;
        let written = match &mut way {
            Way::Live => show(output, stream, bytes),
            Way::Lines(pieces) => pieces.take(stream, bytes).iter().try_for_each(|it| output.json_line(it)),
            Way::Object(gathered) => {
                gathered.take(stream, bytes);
                Ok(())
            }
        };
        written.map_err(|err| {
            let kind = err.kind();
            unwritten = Some(err);
            io::Error::from(kind)
        })
    };
    let caller = Caller {
        stdin: (reads && !stdin.is_terminal()).then(|| stdin.as_fd()),
        cancel: Some(interrupts.as_fd()),
        output: &mut take,
    };
    let ran = context.manager.exec(&args.name, command, caller);
    if let Some(err) = unwritten {
        // The command was interrupted because of it, so what it came to says nothing.
        return Err(Failure::Output(err));
    }
    let (_, done) = ran?;
    tell(&done, arrived);
    match way {
        Way::Live => (),
        Way::Lines(mut pieces) => {
            pieces.rest().iter().try_for_each(|it: &PieceView| output.json_line(it))?;
            output.json_line(&DoneView::of(&done, None))?;
        }
        Way::Object(gathered) => output.data(&DoneView::of(&done, Some(&gathered)), String::new)?,
    }
    Ok(ExitCode::from(code(&done)))
}

/// A command that waits for the context that it runs in itself would wait until its time is over.
fn refuse_itself(context: &mut Context, who: &str) -> Result<(), Failure> {
    let Ok(own) = env::var(CONTEXT_VARIABLE) else {
        return Ok(());
    };
    let session = context.manager.session(who)?;
    if session.id().to_string() == own {
        return Err(Failure::Itself { name: session.name().clone() });
    }
    Ok(())
}

/// What is to be run: what one argument or a file says, or words as they are.
fn command(context: &Context, args: &args::Exec) -> Result<CommandText, Failure> {
    Ok(match (&args.file, &*args.command) {
        (Some(path), _) if path.as_os_str() == STDIN => CommandText::Text(context.output.read_input()?),
        (Some(path), _) => CommandText::Text(read(path)?),
        (None, [text]) => CommandText::Text(text.as_bytes().to_owned()),
        (None, words) => CommandText::Words(words.to_owned()),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |source| Failure::Io { action: "read", path: path.to_owned(), source };
    let mut text = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    file.take(COMMAND_BYTES_MAX + 1).read_to_end(&mut text).map_err(failed)?;
    if text.len() as u64 > COMMAND_BYTES_MAX {
        return Err(failed(io::ErrorKind::FileTooLarge.into()));
    }
    Ok(text)
}

fn show(output: super::Output, stream: Stream, bytes: &[u8]) -> io::Result<()> {
    match stream {
        Stream::Stdout => output.exactly(bytes),
        Stream::Stderr => output.talk_exactly(bytes),
    }
}

/// Says what is not to be seen in the output.
fn tell(done: &Done, arrived: u64) {
    let written = done.stdout_bytes.saturating_add(done.stderr_bytes);
    if arrived < written {
        tracing::warn!("{} bytes of its output did not arrive here", written - arrived);
    }
    if !done.lost.is_empty() {
        tracing::warn!("not all of the context could be kept: {}", crate::text::line(&done.lost.join(", ")));
    }
    match done.finish {
        Finish::TimedOut => tracing::warn!("its time was over; the context goes on"),
        Finish::Done if done.session_ended => {
            tracing::warn!("its interpreter ended; the next command starts from the state before");
        }
        Finish::Done | Finish::Cancelled => (),
    }
}

fn code(done: &Done) -> u8 {
    match done.finish {
        Finish::TimedOut => TIMED_OUT,
        Finish::Cancelled => INTERRUPTED,
        // A code beyond a byte is one that no process could have.
        Finish::Done => u8::try_from(done.code).unwrap_or(u8::MAX),
    }
}
