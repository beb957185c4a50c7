//! `serve` and `open`.

use std::{mem::ManuallyDrop, path::PathBuf, sync::Arc};

use serde::Serialize;

use super::{Context, Failure, args, context, locate};
use crate::{
    config::{ServerSettings, is_host},
    server::{self, Admits, Ready, Serving},
    text,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ReadyView<'a> {
    url: &'a str,
    unix: Option<String>,
    token_file: String,
    restored: usize,
    pid: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OpenedView<'a> {
    url: &'a str,
    expires_at: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LoggedOutView {
    logged_out: usize,
}

/// Serves the workspace until it is told to end.
pub(super) fn serve(context: Context, args: args::Serve) -> Result<(), Failure> {
    let Context { manager, output } = context;
    let mut settings = manager.settings().server.clone();
    if let Some(listen) = args.listen {
        settings.listen = listen;
    }
    // A variable that is set to nothing names nobody.
    let hosts: Vec<String> = args.allow_host.into_iter().filter(|host| !host.is_empty()).collect();
    if let Some(wrong) = hosts.iter().find(|host| !is_host(host)) {
        return Err(Failure::Value {
            given: wrong.clone(),
            wanted: "the name of a host, such as wharf.example",
        });
    }
    settings.hosts.extend(hosts);
    settings.token_file = token_file(args.token_file, &settings)?;
    let unix = args.unix.as_deref().map(locate::absolute).transpose()?;
    let make = context::managers(manager.workspace().clone(), manager.settings().clone());
    drop(ManuallyDrop::into_inner(manager));
    let tell = |ready: &Ready| {
        let view = ReadyView {
            url: &ready.url,
            unix: ready.unix.as_ref().map(|path| path.to_string_lossy().into_owned()),
            token_file: ready.token_file.to_string_lossy().into_owned(),
            restored: ready.restored,
            pid: std::process::id(),
        };
        let words = || {
            let first = format!("wharf serves {} at {}\n", text::count(ready.restored, "session"), ready.url);
            // A log keeps what a person would have used at once.
            let link = if output.is_terminal() { ready.link.as_str() } else { "`wharf open` prints one" };
            format!("{first}link for a browser, good once and for a minute: {link}\n")
        };
        // It serves also where nobody reads this.
        drop(output.data(&view, words));
    };
    Ok(server::serve(Arc::new(make), &Serving { settings, unix }, tell)?)
}

/// Prints a link that lets one browser in, or logs all of them out.
pub(super) fn open(context: &Context, args: args::Open) -> Result<(), Failure> {
    let settings = &context.manager.settings().server;
    let token_file = token_file(args.token_file, settings)?;
    if args.revoke {
        let logged_out = server::log_out(context.manager.workspace(), token_file)?;
        let words = match logged_out {
            1 => "1 browser was logged out\n".to_owned(),
            count => format!("{count} browsers were logged out\n"),
        };
        return Ok(context.output.data(&LoggedOutView { logged_out }, || words)?);
    }
    let admits = if args.read_only { Admits::Looks } else { Admits::All };
    let opened = server::open(context.manager.workspace(), token_file, args.url.as_deref(), admits)?;
    let view = OpenedView { url: &opened.url, expires_at: &opened.expires_at };
    Ok(context.output.data(&view, || format!("{}\n", opened.url))?)
}

fn token_file(given: Option<PathBuf>, settings: &ServerSettings) -> Result<Option<PathBuf>, Failure> {
    match given {
        Some(path) => Ok(Some(locate::absolute(&path)?)),
        None => Ok(settings.token_file.clone()),
    }
}
