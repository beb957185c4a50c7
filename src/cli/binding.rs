//! `bind`, `unbind`, `editor` and `remove`.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{
    Context, Failure,
    args::{self, Global},
    context::{self, Broken},
    locate,
    output::Output,
    parsed, showing,
};
use crate::{
    json::Members,
    manager::{BindIssue, EditorChange, FolderManager},
    store::{BoundFolder, encode_folder},
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

/// What is bound: a session, or a folder outside any workspace.
enum Place {
    Session(Box<Context>, String),
    Folder(FolderManager, PathBuf),
}

/// Binds a session or a folder to an issue.
pub(super) fn bind(global: &Global, args: &args::Bind) -> Result<(), Failure> {
    let bind = BindIssue {
        issue: args.issue.parse()?,
        label: parsed(args.label.as_ref())?,
        intervention: args.intervention,
    };
    match place(global, args.name.as_deref(), args.folder.as_deref())? {
        Place::Session(mut context, who) => {
            let session = context.manager.bind(&who, bind)?;
            showing::record(&context, session)
        }
        Place::Folder(folders, folder) => bound(Output::new(global.json), &folders.bind(&folder, bind)?),
    }
}

/// Frees a session from its issue.
pub(super) fn unbind(mut context: Context, args: &args::Unbind) -> Result<(), Failure> {
    let (session, found) = context.manager.unbind(&args.name)?;
    let text = || {
        let name = session.name();
        if found { format!("{name} is free\n") } else { format!("{name} was bound to no issue\n") }
    };
    Ok(context.output.data(&FoundView { found }, text)?)
}

/// Notes which editor shows a session or a folder, or counts those that run.
pub(super) fn editor(global: &Global, args: args::Editor) -> Result<(), Failure> {
    let (name, folder, change) = match args {
        args::Editor::Set { name, folder, pid, editor } => {
            (name, folder, EditorChange::Runs { pid, name: parsed(editor.as_ref())? })
        }
        args::Editor::Clear { name, folder } => (name, folder, EditorChange::Closed),
        args::Editor::Count => return count(global),
    };
    match place(global, name.as_deref(), folder.as_deref())? {
        Place::Session(mut context, who) => {
            let session = context.manager.set_editor(&who, change)?;
            showing::record(&context, session)
        }
        Place::Folder(folders, folder) => {
            bound(Output::new(global.json), &folders.set_editor(&folder, change)?)
        }
    }
}

/// Frees a folder from issue and editor.
pub(super) fn remove(global: &Global, args: &args::Remove) -> Result<(), Failure> {
    let found = match place(global, None, Some(&args.folder))? {
        Place::Session(mut context, who) => context.manager.unbind_all(&who)?,
        Place::Folder(folders, folder) => folders.remove(&folder)?,
    };
    let folder = text::path(&args.folder);
    let text = || {
        if found { format!("{folder} is free\n") } else { format!("nothing was bound to {folder}\n") }
    };
    Ok(Output::new(global.json).data(&FoundView { found }, text)?)
}

/// Prints a folder of the user's registry.
pub(super) fn bound(output: Output, bound: &BoundFolder) -> Result<(), Failure> {
    let view: Members = serde_json::from_str(&encode_folder(bound)).expect("an entry is a JSON object");
    let text = || {
        let issue = bound.binding.issue.as_ref().map(|it| format!("issue     {}\n", it.reference));
        let editor =
            bound.binding.editor.as_ref().map(|it| format!("editor    {}\n", text::line(it.name.as_str())));
        let folder = format!("folder    {}\n", text::path(&bound.folder));
        [Some(folder), issue, editor].into_iter().flatten().collect()
    };
    Ok(output.data(&view, text)?)
}

/// The sessions of the workspace, if there is one, and the folders of the user.
fn count(global: &Global) -> Result<(), Failure> {
    let sessions = match Context::open(global, Broken::Stop) {
        Ok(mut context) => context.manager.with_running_editor()?.len(),
        Err(Failure::NoWorkspace { .. }) => 0,
        Err(failure) => return Err(failure),
    };
    let folders = match context::folders(global) {
        Ok(folders) => folders.running_editors()?,
        Err(Failure::NoHome) => 0,
        Err(failure) => return Err(failure),
    };
    let running = sessions + folders;
    Ok(Output::new(global.json).data(&CountView { running }, || format!("{running}\n"))?)
}

/// A folder that is a session's worktree means that session; any other is one of the user's registry.
fn place(global: &Global, name: Option<&str>, folder: Option<&Path>) -> Result<Place, Failure> {
    if let Some(name) = name {
        return Ok(Place::Session(Box::new(Context::open(global, Broken::Stop)?), name.to_owned()));
    }
    let folder = locate::settled(folder.unwrap_or(Path::new(".")))?;
    match Context::open(global, Broken::Stop) {
        Ok(mut context) => {
            if let Some(session) = context.manager.session_in(&folder)? {
                return Ok(Place::Session(Box::new(context), session.id().to_string()));
            }
        }
        Err(Failure::NoWorkspace { .. }) => (),
        Err(failure) => return Err(failure),
    }
    Ok(Place::Folder(context::folders(global)?, folder))
}
