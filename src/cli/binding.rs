//! `bind`, `unbind`, `editor` and `remove`.

use std::path::Path;

use serde::Serialize;

use super::{Context, Failure, args, locate, parsed, showing};
use crate::{
    manager::{BindIssue, EditorChange},
    text,
};

#[derive(Serialize)]
struct CountView {
    running: usize,
}

#[derive(Serialize)]
struct FoundView {
    found: bool,
}

/// Binds a session to an issue.
pub(super) fn bind(mut context: Context, args: &args::Bind) -> Result<(), Failure> {
    let bind = BindIssue {
        issue: args.issue.parse()?,
        label: parsed(args.label.as_ref())?,
        intervention: args.intervention,
    };
    let name = args.name.as_deref().unwrap_or_default();
    let session = context.manager.bind(name, bind)?;
    showing::record(&context, session)
}

/// Frees a session from its issue.
pub(super) fn unbind(mut context: Context, args: &args::Unbind) -> Result<(), Failure> {
    let (session, found) = context.manager.unbind(&args.name)?;
    let text = || {
        let name = session.name();
        if found {
            format!("{name} is free\n")
        } else {
            format!("{name} was bound to no issue\n")
        }
    };
    Ok(context.output.data(&FoundView { found }, text)?)
}

/// Notes which editor shows a session.
pub(super) fn editor(mut context: Context, args: args::Editor) -> Result<(), Failure> {
    let (name, change) = match args {
        args::Editor::Set {
            name, pid, editor, ..
        } => (
            name,
            EditorChange::Runs {
                pid,
                name: parsed(editor.as_ref())?,
            },
        ),
        args::Editor::Clear { name, .. } => (name, EditorChange::Closed),
        args::Editor::Count => {
            let running = context.manager.with_running_editor()?.len();
            return Ok(context
                .output
                .data(&CountView { running }, || format!("{running}\n"))?);
        }
    };
    let session = context.manager.set_editor(&name.unwrap_or_default(), change)?;
    showing::record(&context, session)
}

/// Frees a folder from issue and editor.
pub(super) fn remove(mut context: Context, args: &args::Remove) -> Result<(), Failure> {
    let folder = locate::absolute(&args.folder)?;
    // A folder that is gone can still be freed, under the path it was bound by.
    let folder = std::fs::canonicalize(&folder).unwrap_or(folder);
    let found = context.manager.unbind_folder(&folder)?.is_some();
    Ok(context
        .output
        .data(&FoundView { found }, || removed(&folder, found))?)
}

fn removed(folder: &Path, found: bool) -> String {
    let folder = text::path(folder);
    if found {
        format!("{folder} is free\n")
    } else {
        format!("nothing was bound to {folder}\n")
    }
}
