//! A command runs in the context of a session.

use std::{
    ffi::OsString,
    fs::File,
    io::{Seek as _, Write as _},
    os::{fd::AsFd as _, unix::net::UnixStream},
    time::Duration,
};

use axum::{Extension, extract::State, http::StatusCode, response::Response};
use rustix::fs::{MemfdFlags, memfd_create};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    app::App,
    auth::Grant,
    problem::Problem,
    wire::{Body, Part, ProblemDoc, json_held},
};
use crate::{
    manager::{CommandText, ExecCommand},
    shell::{Caller, Ground, Stream},
    view::{DoneView, Gathered},
};

/// The longest time limit: a day.
const TIMEOUT_MS_MAX: u64 = 86_400_000;

/// What to run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Exec {
    /// A text in the language of the interpreter, or a program and its arguments.
    command: Command,
    /// By which interpreter; the one that the context has if none is given.
    interpreter: Option<String>,
    /// How long it may take; 0: as long as it wants.
    #[schema(minimum = 0, maximum = 86_400_000)]
    timeout_ms: Option<u64>,
    /// In a new context.
    #[serde(default)]
    new: bool,
    /// What it reads.
    stdin: Option<String>,
}

/// What is run.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
enum Command {
    Text(String),
    Words(Vec<String>),
}

/// Runs a command in the context of a session, and answers when it has ended. It is interrupted when the connection goes.
#[utoipa::path(post, path = "/sessions/{who}/exec", tag = "running", request_body = Exec, params(
    ("who" = String, Path, description = "A name, an id, or the beginning of an id"),
), responses(
    (status = 200, description = "What became of it: code, both outputs, duration", body = DoneView<'static>),
    (status = "4XX", description = "No such session, or its context is busy", body = ProblemDoc, content_type = "application/problem+json"),
    (status = 503, description = "Too many commands run, or their answers are still on their way", body = ProblemDoc, content_type = "application/problem+json"),
))]
pub(super) async fn exec(
    State(app): State<App>,
    Extension(grant): Extension<Grant>,
    Part(who): Part,
    Body(exec): Body<Exec>,
) -> Result<Response, Problem> {
    let id = app.find(grant, &who).await?;
    if exec.timeout_ms.is_some_and(|limit| limit > TIMEOUT_MS_MAX) {
        return Err(Problem::invalid(format!("`timeoutMs` is at most {TIMEOUT_MS_MAX}")));
    }
    let text = match exec.command {
        Command::Text(text) => CommandText::Text(text.into_bytes()),
        Command::Words(words) if words.is_empty() => return Err(Problem::invalid("`command` is empty")),
        Command::Words(words) => CommandText::Words(words.into_iter().map(OsString::from).collect()),
    };
    let command = ExecCommand {
        command: text,
        ground: if exec.new { Ground::Fresh } else { Ground::Kept },
        interpreter: exec.interpreter,
        time_limit: exec.timeout_ms.map(Duration::from_millis),
    };
    let failed =
        |err: std::io::Error| Problem::internal(format!("the command cannot be given its input: {err}"));
    let stdin = exec.stdin.as_deref().map(input).transpose().map_err(failed)?;
    // When this end goes, because nobody waits any more, the other end says so.
    let (waits, cancel) = UnixStream::pair().map_err(failed)?;
    app.heard(id);
    let who = id.to_string();
    let ran = app.commands.run_at_once(grant, move |manager| {
        let mut gathered = Gathered::default();
        let mut take = |stream: Stream, bytes: &[u8]| {
            gathered.take(stream, bytes);
            Ok(())
        };
        let caller = Caller {
            stdin: stdin.as_ref().map(|file| file.as_fd()),
            cancel: Some(cancel.as_fd()),
            output: &mut take,
        };
        let (_, done) = manager.exec(&who, command, caller)?;
        Ok::<_, crate::manager::ManagerError>(serde_json::to_string(&DoneView::of(&done, Some(&gathered))))
    });
    let (done, place) = ran.await?;
    let done = done?.map_err(|_| Problem::internal("the answer has no JSON form"))?;
    drop(waits);
    app.heard(id);
    Ok(json_held(StatusCode::OK, done, place))
}

/// A text as a file that can be read.
fn input(text: &str) -> std::io::Result<File> {
    let mut file = File::from(memfd_create("stdin", MemfdFlags::CLOEXEC)?);
    file.write_all(text.as_bytes())?;
    file.rewind()?;
    Ok(file)
}
