//! `debug`: what looks into wharf itself.

use std::process::ExitCode;

use serde::Serialize;

use super::{Context, Failure, args};
use crate::text;

#[derive(Serialize)]
struct VerifiedView<'a> {
    session: &'a str,
    equal: bool,
    differences: &'a [String],
}

/// Does what is asked; the exit code says whether all is as it should be.
pub(super) fn debug(mut context: Context, args: &args::Debug) -> Result<ExitCode, Failure> {
    let args::Debug::VerifyCheckout { name } = args;
    let (session, differences) = context.manager.verify_checkout(name)?;
    let equal = differences.is_empty();
    let view = VerifiedView { session: session.name().as_str(), equal, differences: &differences };
    context.output.data(&view, || {
        if equal {
            return format!("{} is what git checks out\n", session.name());
        }
        differences.iter().map(|it| text::lines(it) + "\n").collect()
    })?;
    Ok(if equal { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
