//! `agent list`, `show`, `install` and `uninstall`.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::{Context, Failure, args, table};
use crate::{
    agent::{Description, Place},
    manager::{HookChange, HookOutcome, ManagerError},
    session::{AgentName, Session},
    socket, text,
};

/// How wharf is called where it is on the `PATH`.
const OWN_NAME: &str = "wharf";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AgentView<'a> {
    name: &'a str,
    title: &'a str,
    program: &'a str,
    found: Option<PathBuf>,
    mints_id: bool,
    has_conversations: bool,
    transcripts: Option<PathBuf>,
    hooks: Option<&'a Path>,
}

#[derive(Serialize)]
struct ChangeView<'a> {
    session: &'a str,
    agent: &'a str,
    file: &'a Path,
    outcome: &'static str,
}

/// Does what is asked about agents.
pub(super) fn agent(context: Context, args: args::Agent) -> Result<(), Failure> {
    match args {
        args::Agent::List => list(&context),
        args::Agent::Show { agent } => show(&context, &agent),
        args::Agent::Install(args) => install(context, &args),
        args::Agent::Uninstall(args) => uninstall(context, &args),
    }
}

fn list(context: &Context) -> Result<(), Failure> {
    let agents = &context.manager.settings().agents;
    let place = Place { worktree: context.manager.workspace().root(), variable: &|name| env::var_os(name) };
    let described = agents.names().into_iter().filter_map(|name| agents.find(name));
    let views: Vec<AgentView<'_>> = described.map(|agent| view(agent, &place)).collect();
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let row = |it: &AgentView<'_>| {
        [
            it.name.to_owned(),
            it.title.to_owned(),
            it.found.as_ref().map_or_else(|| "not found".to_owned(), |path| path.display().to_string()),
            yes(it.mints_id),
            it.transcripts.as_ref().map_or_else(|| "-".to_owned(), |path| path.display().to_string()),
            it.hooks.map_or_else(|| "-".to_owned(), |path| path.display().to_string()),
        ]
    };
    let text = || table::agents(&views.iter().map(row).collect::<Vec<_>>());
    Ok(context.output.data(&views, text)?)
}

fn view<'a>(agent: &'a Description, place: &Place<'_>) -> AgentView<'a> {
    AgentView {
        name: agent.name().as_str(),
        title: agent.title(),
        program: agent.program(),
        found: found(agent.program()),
        mints_id: agent.mints_id(),
        has_conversations: agent.has_conversations(),
        transcripts: agent.home(place),
        hooks: agent.hook_file(),
    }
}

fn show(context: &Context, name: &str) -> Result<(), Failure> {
    let agent = named(name)?;
    let found = context.manager.settings().agents.find(&agent);
    let described = found.ok_or(ManagerError::UnknownAgent { agent })?;
    Ok(context.output.data(described, || text::lines(&described.to_toml()) + "\n")?)
}

fn install(mut context: Context, args: &args::Install) -> Result<(), Failure> {
    let agent = args.agent.as_deref().map(named).transpose()?;
    let agent = agent.as_ref();
    let program = own_program();
    let has_agent = |session: &Session| agent.is_some() || session.agent().is_some();
    each(&mut context, &args.sessions, has_agent, |context, who| {
        let manager = &mut context.manager;
        let change = if args.dry_run {
            manager.weigh_hooks(who, agent, &program)
        } else {
            manager.install_hooks(who, agent, &program)
        };
        change.map(|change| vec![change])
    })
}

fn uninstall(mut context: Context, args: &args::Uninstall) -> Result<(), Failure> {
    let program = own_program();
    each(
        &mut context,
        &args.sessions,
        |_| true,
        |context, who| {
            if args.dry_run {
                context.manager.weigh_unhooking(who, &program)
            } else {
                context.manager.uninstall_hooks(who, &program)
            }
        },
    )
}

/// Does it in each session that is meant, prints what was done, and fails with the first error; one that fails does not
/// keep the others from it.
fn each(
    context: &mut Context,
    meant: &args::Sessions,
    is_meant: impl Fn(&Session) -> bool,
    act: impl Fn(&mut Context, &str) -> Result<Vec<HookChange>, ManagerError>,
) -> Result<(), Failure> {
    let who = if let Some(name) = &meant.name {
        vec![name.clone()]
    } else {
        let sessions = context.manager.registry()?.all();
        sessions.iter().filter(|it| is_meant(it)).map(|it| it.id().to_string()).collect()
    };
    let mut changes = Vec::new();
    let mut first = None;
    for who in &who {
        match act(context, who) {
            Ok(done) => changes.extend(done),
            Err(err) if first.is_none() => first = Some(err),
            Err(err) => {
                tracing::warn!(session = %who, error = %err, "the hooks of a session were not changed");
            }
        }
    }
    let views: Vec<ChangeView<'_>> = changes.iter().map(change_view).collect();
    let line = |it: &HookChange| {
        let file = text::path(&it.file);
        let (name, agent) = (it.session.name(), &it.agent);
        match it.outcome {
            HookOutcome::Installed => format!("{name}: hooks of {agent} installed in {file}\n"),
            HookOutcome::Unchanged => format!("{name}: hooks of {agent} are in {file} already\n"),
            HookOutcome::Removed => format!("{name}: hooks of {agent} removed from {file}\n"),
        }
    };
    context.output.data(&views, || changes.iter().map(line).collect())?;
    first.map_or(Ok(()), |err| Err(err.into()))
}

fn change_view(change: &HookChange) -> ChangeView<'_> {
    ChangeView {
        session: change.session.name().as_str(),
        agent: change.agent.as_str(),
        file: &change.file,
        outcome: match change.outcome {
            HookOutcome::Installed => "installed",
            HookOutcome::Unchanged => "unchanged",
            HookOutcome::Removed => "removed",
        },
    }
}

fn named(text: &str) -> Result<AgentName, Failure> {
    text.parse().map_err(|_| Failure::Value { given: text.to_owned(), wanted: "the name of an agent" })
}

/// How hooks call wharf: by its name if that is this very program, else by its path.
fn own_program() -> String {
    let own = socket::own_program().ok().and_then(|path| fs::canonicalize(path).ok());
    let on_path = found(OWN_NAME).and_then(|path| fs::canonicalize(path).ok());
    match own {
        Some(own) if on_path.as_ref() != Some(&own) => own.display().to_string(),
        Some(_) | None => OWN_NAME.to_owned(),
    }
}

/// Where a program is, on the `PATH` if it is only named.
pub(super) fn found(program: &str) -> Option<PathBuf> {
    let is_program = |path: &PathBuf| {
        fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
    };
    if program.contains('/') {
        return Some(PathBuf::from(program)).filter(is_program);
    }
    let folders = env::var_os("PATH")?;
    let mut folders = env::split_paths(&folders).filter(|folder| folder.is_absolute());
    folders.find_map(|folder| Some(folder.join(program)).filter(is_program))
}
