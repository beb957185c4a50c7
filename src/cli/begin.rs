//! `create`, and what is started with it.

use super::{Context, Failure, args, attaching::entrance, locate, metadata, parsed, running, setup, showing};
use crate::{
    json::Members,
    manager::{CreateSession, MetadataChange, Opening},
    session::{Issue, IssueRef},
};

/// Creates a session and prints it, or starts a program in it and shows that.
pub(super) fn create(mut context: Context, args: args::Create) -> Result<(), Failure> {
    let view = entrance(&context, args.attach, &args.viewing)?;
    let is_started = args.attach || !args.command.is_empty() || args.asking.agent.is_some();
    let start =
        is_started.then(|| running::asked(&context, &args.asking, Opening::New, args.command)).transpose()?;
    let repository = match &args.repo {
        Some(path) => Some(context.manager.repository_at(&locate::absolute(path)?)?),
        None => None,
    };
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
        issue,
        phase: parsed(args.phase.as_ref())?,
        metadata: kept,
        skip_setup: args.no_setup,
    };
    let output = context.output;
    let session = context.manager.bring_up(&request, &mut |heard| setup::hear(output, heard))?;
    let Some(start) = start else {
        return showing::record(&context, session);
    };
    let session = context.manager.start(&session.id().to_string(), &start)?;
    running::show(&context, session, view)
}
