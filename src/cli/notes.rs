//! `status`, `phase`, `meta`, `touch` and `rename`.

use super::{Context, Failure, args, metadata, parsed, showing};
use crate::manager::MetadataChange;

/// Says how a session is doing.
pub(super) fn status(mut context: Context, args: &args::Status) -> Result<(), Failure> {
    let status = args.status.parse()?;
    let session = context.manager.set_status(&args.name, status)?;
    showing::record(&context, session)
}

/// Says what a session is about to do.
pub(super) fn phase(mut context: Context, args: &args::Phase) -> Result<(), Failure> {
    let phase = parsed(args.text.as_ref())?;
    let session = context.manager.set_phase(&args.name, phase)?;
    showing::record(&context, session)
}

/// Changes what is kept with a session, or prints it.
pub(super) fn meta(mut context: Context, args: args::Meta) -> Result<(), Failure> {
    let mut changes = args.set.iter().map(|text| metadata(text)).collect::<Result<Vec<_>, _>>()?;
    changes.extend(args.unset.into_iter().map(MetadataChange::Unset));
    let session = if changes.is_empty() {
        context.manager.session(&args.name)?
    } else {
        context.manager.change_metadata(&args.name, changes)?
    };
    let kept = session.metadata();
    let text = || {
        let mut text = serde_json::to_string_pretty(kept).unwrap_or_default();
        text.push('\n');
        text
    };
    Ok(context.output.data(kept, text)?)
}

/// Notes that somebody works in a session.
pub(super) fn touch(mut context: Context, args: &args::Touch) -> Result<(), Failure> {
    let session = context.manager.touch(&args.name)?;
    showing::record(&context, session)
}

/// Gives a session another name.
pub(super) fn rename(mut context: Context, args: &args::Rename) -> Result<(), Failure> {
    let name = args.new_name.parse()?;
    let branch = parsed(args.branch.as_ref())?;
    let session = context.manager.rename(&args.name, &name, branch.as_ref())?;
    showing::record(&context, session)
}
