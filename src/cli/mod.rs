//! What a person types and reads: arguments become types here, and types become text again.

mod agents;
mod args;
mod attaching;
mod begin;
mod behind;
mod binding;
mod context;
mod conversation;
mod debugging;
mod ending;
mod executing;
mod failure;
mod generate;
mod history;
mod holding;
mod hooking;
mod initing;
mod interpreters;
mod interrupting;
mod locate;
mod logs;
mod notes;
mod output;
mod pooling;
mod prompting;
mod recovering;
mod running;
mod sending;
mod serving;
mod setup;
mod showing;
mod span;
mod table;
mod usage;
mod view;
mod waiting;
mod watching;

use std::{
    ffi::OsString,
    process::ExitCode,
    str::FromStr,
    sync::{Arc, atomic::AtomicBool},
};

use serde_json::value::RawValue;

use self::{
    args::{Cli, Command},
    context::{Broken, Context},
    failure::Failure,
    output::Output,
};
use crate::{
    manager::MetadataChange,
    process, shell,
    terminal::{self, Exited},
    view::raw,
};

/// Runs one command line and answers its exit code.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    outlive_file_size_limit();
    let args: Vec<OsString> = args.into_iter().collect();
    if args.get(1).is_some_and(|arg| arg == terminal::HOLD) {
        return holding::hold(Output::new(true));
    }
    if args.get(1).is_some_and(|arg| arg == shell::HOLD_SHELL) {
        return holding::hold_shell(Output::new(true));
    }
    if args.get(1).is_some_and(|arg| arg == process::BEHIND) {
        return behind::behind(Output::new(false), &args);
    }
    let cli = match Cli::read(&args) {
        Ok(cli) => cli,
        Err(mut err) => {
            usage::hide(&mut err);
            return refuse(&err, &args);
        }
    };
    let output = Output::new(cli.global.json);
    match execute(cli) {
        Ok(code) => code,
        Err(failure) => {
            if !failure.is_silent() {
                output.talk(&if output.is_json() { failure.to_json() } else { failure.to_text() });
            }
            failure.exit_code()
        }
    }
}

/// A file that grows over the limit on file sizes is an error of that write, not the end of the process (RELIABILITY R10).
fn outlive_file_size_limit() {
    let flag = Arc::new(AtomicBool::new(false));
    // Where no handler can be had, the limit ends the process as it always did; the old table stays whole.
    drop(signal_hook::flag::register(rustix::process::Signal::XFSZ.as_raw(), flag));
}

/// Help and version are answers; everything else that the arguments do not allow is an error with exit code 2. To an
/// agent that would mean that it must not go on, so its hook says nothing.
fn refuse(err: &clap::Error, args: &[OsString]) -> ExitCode {
    let asked =
        matches!(err.kind(), clap::error::ErrorKind::DisplayHelp | clap::error::ErrorKind::DisplayVersion);
    if !asked && Cli::is_hook(args) {
        return ExitCode::SUCCESS;
    }
    let json = args.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--json");
    if json && !asked {
        Output::new(true).talk(&failure::usage_json(usage::message(err)));
    } else if err.print().is_err() {
        // Nobody reads; the exit code is all that is left to give.
    }
    ExitCode::from(if asked { 0 } else { 2 })
}

fn execute(cli: Cli) -> Result<ExitCode, Failure> {
    let Cli { global, command } = cli;
    let open = || Context::open(&global, Broken::Stop);
    let open_anyway = || Context::open(&global, Broken::GoOn);
    let done = match command {
        Command::Hook(args) => {
            hooking::hook(&global, &args);
            Ok(())
        }
        Command::Init(args) => return initing::init(Output::new(global.json), open_anyway(), args),
        Command::Debug(args) => return debugging::debug(open()?, &args),
        Command::Exec(args) => return executing::exec(open()?, &args),
        Command::Conversation(args) => return conversation::run(open()?, args),
        Command::Create(args) => begin::create(open()?, args),
        Command::List(args) => showing::list(open()?, &args),
        Command::Show(args) => showing::show(open()?, &args),
        Command::Path(args) => showing::path(open()?, &args),
        Command::Find(args) => showing::find(&global, &args),
        Command::History(args) => history::history(open()?, &args),
        Command::Attach(args) => attaching::attach(open()?, &args),
        Command::Start(args) => running::start(open()?, args),
        Command::Stop(args) => running::stop(open()?, &args),
        Command::Restart(args) => running::restart(open()?, args),
        Command::Kill(args) => running::kill(open()?, &args),
        Command::Resume(args) => running::resume(open()?, &args),
        Command::Ps(args) => running::ps(open()?, &args),
        Command::Logs(args) => watching::logs(open()?, &args),
        Command::Screen(args) => watching::screen(open()?, &args),
        Command::Send(args) => sending::send(open()?, &args),
        Command::Wait(args) => waiting::wait(open()?, &args),
        Command::Prompt(args) => prompting::prompt(open()?, &args),
        Command::Status(args) => notes::status(open()?, &args),
        Command::Phase(args) => notes::phase(open()?, &args),
        Command::Meta(args) => notes::meta(open()?, args),
        Command::Touch(args) => notes::touch(open()?, &args),
        Command::Rename(args) => notes::rename(open()?, &args),
        Command::Bind(args) => binding::bind(&global, &args),
        Command::Unbind(args) => binding::unbind(open()?, &args),
        Command::Editor(args) => binding::editor(&global, args),
        Command::Remove(args) => binding::remove(&global, &args),
        Command::Destroy(args) => ending::destroy(open()?, &args),
        Command::Setup(args) => setup::setup(open()?, &args),
        Command::Undo(args) => ending::undo(open()?, &args),
        Command::Trash(args) => ending::trash(open()?, args),
        Command::Pool(args) => pooling::pool(&open()?, &args),
        Command::Agent(args) => agents::agent(open()?, args),
        Command::Interpreter(args) => interpreters::interpreter(&open()?, &args),
        Command::Restore(_) => recovering::restore(open_anyway()?),
        Command::Recover(args) => recovering::recover(open_anyway()?, &args),
        Command::Serve(args) => serving::serve(open_anyway()?, args),
        Command::Open(args) => serving::open(&open()?, args),
        Command::Doctor(args) => recovering::doctor(open_anyway()?, &args),
        Command::Completions(args) => generate::completions(Output::new(global.json), args.shell),
        Command::Man(args) => generate::man(Output::new(global.json), &args),
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// How a program ended, in words.
fn ending_text(exited: Exited) -> String {
    match (exited.code, exited.signal) {
        (Some(code), _) => format!("exited with {code}"),
        (None, Some(signal)) => {
            let name = signal_hook::low_level::signal_name(signal).unwrap_or("unknown");
            format!("ended by signal {signal} ({name})")
        }
        (None, None) => "ended".to_owned(),
    }
}

/// A text that becomes a type, if it was given.
fn parsed<T: FromStr>(text: Option<&String>) -> Result<Option<T>, T::Err> {
    text.map(|text| text.parse()).transpose()
}

/// `KEY=TEXT`, or `KEY:=JSON`.
fn metadata(text: &str) -> Result<MetadataChange, Failure> {
    let wrong = |wanted| Failure::Value { given: text.to_owned(), wanted };
    let (key, value) = text.split_once('=').ok_or_else(|| wrong("KEY=TEXT or KEY:=JSON"))?;
    let (key, value) = match key.strip_suffix(':') {
        Some(key) => (
            key,
            RawValue::from_string(value.trim().to_owned()).map_err(|_| wrong("KEY:= with JSON behind it"))?,
        ),
        None => (key, raw(&value)),
    };
    if key.is_empty() {
        return Err(wrong("KEY=TEXT with a key"));
    }
    Ok(MetadataChange::Set(key.to_owned(), value))
}
