//! `create`.

use super::{Context, Failure, args, locate, metadata, parsed, showing};
use crate::{
    json::Members,
    manager::{CreateSession, MetadataChange},
    session::{Issue, IssueRef},
};

/// Creates a session and prints it.
pub(super) fn create(mut context: Context, args: args::Create) -> Result<(), Failure> {
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
    };
    let session = context.manager.create(&request)?;
    showing::record(&context, session)
}
