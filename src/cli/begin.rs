//! `create`, and what is started with it.

use std::{fs, path::Path};

use super::{Context, Failure, args, attaching::entrance, locate, metadata, parsed, running, setup, showing};
use crate::{
    json::Members,
    manager::{CreateSession, Heard, MetadataChange, Opening},
    session::{Issue, IssueRef, RepositoryPath},
};

/// Creates a session and prints it, or starts a program in it and shows that.
pub(super) fn create(mut context: Context, args: args::Create) -> Result<(), Failure> {
    let view = entrance(&context, args.attach, &args.viewing)?;
    let is_started = args.attach || !args.command.is_empty() || args.asking.agent.is_some();
    let start =
        is_started.then(|| running::asked(&context, &args.asking, Opening::New, args.command)).transpose()?;
    let repository = args.repo.as_deref().map(|path| named_repository(&context, path)).transpose()?;
    let issue = match parsed::<IssueRef>(args.issue.as_ref())? {
        Some(reference) => {
            let label = parsed(args.label.as_ref())?;
            Some(Issue { reference, label, intervention: args.intervention })
        }
        None => None,
    };
    let mut kept = Members::new();
    for text in &args.meta {
        if let MetadataChange::Set(key, value) = metadata(text)? {
            kept.set(&key, value);
        }
    }
    let request = CreateSession {
        name: parsed(args.name.as_ref())?,
        branch: parsed(args.branch.as_ref())?,
        from: args.from,
        repository,
        standing: locate::standing(context.manager.workspace()),
        issue,
        phase: parsed(args.phase.as_ref())?,
        metadata: kept,
        skip_setup: args.no_setup,
    };
    let output = context.output;
    let mut hear = |heard: Heard<'_>| setup::hear(output, heard);
    let Some(start) = start else {
        let session = context.manager.bring_up(&request, &mut hear)?;
        return showing::record(&context, session);
    };
    let session = context.manager.bring_up_running(&request, &start, &mut hear)?;
    running::show(&mut context, session, view)
}

/// The repository that a person named from where they stand or, as the candidates of an error are written, from the
/// workspace. What names a repository itself goes before what only lies in one.
fn named_repository(context: &Context, path: &Path) -> Result<RepositoryPath, Failure> {
    let here = locate::absolute(path)?;
    let there = context.manager.workspace().root().join(path);
    if here == there {
        return Ok(context.manager.repository_at(&here)?);
    }
    let (near, far) = (context.manager.repository_at(&here), context.manager.repository_at(&there));
    let names_it = |repository: &RepositoryPath, place: &Path| {
        let folder = repository.below(context.manager.workspace().root());
        fs::canonicalize(folder).ok().is_some_and(|folder| fs::canonicalize(place).ok() == Some(folder))
    };
    match (near, far) {
        (Ok(repository), Ok(other)) => {
            let is_meant = names_it(&repository, &here) || !names_it(&other, &there);
            Ok(if is_meant { repository } else { other })
        }
        (Ok(repository), Err(_)) | (Err(_), Ok(repository)) => Ok(repository),
        (Err(err), Err(_)) if here.exists() => Err(err.into()),
        (Err(_), Err(err)) => Err(err.into()),
    }
}
