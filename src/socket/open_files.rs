//! How many files may be open: more for a server, but not for the programs that it starts.

use std::sync::OnceLock;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The limit before it was raised.
static BEFORE: OnceLock<Rlimit> = OnceLock::new();

/// Allows this process so many; where the limit cannot be raised so far, as many as that allows.
pub fn raise_open_files(wanted: u64) {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(wanted, |most| most.min(wanted));
    if limit.current.is_none_or(|now| now >= wanted) {
        return;
    }
    let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => drop(BEFORE.set(limit)),
        Err(err) => tracing::debug!(error = %err, "the limit of open files stays as it is"),
    }
}

/// The limit that whatever is started is to have; none where it was never raised.
pub(super) fn limit_before() -> Option<Rlimit> {
    BEFORE.get().copied()
}
