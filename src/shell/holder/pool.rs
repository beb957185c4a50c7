//! How many contexts live at once: whoever wants to be one more has the one unloaded that was not used for the longest time.

use std::{
    io, thread,
    time::{Duration, Instant},
};

use super::super::{Place, ShellError, Unload, client::Connection};
use crate::{
    lock::{Lock, LockError},
    session::SessionId,
    socket::{Folder, Post},
};

/// How long to wait for a context that is not at work, and for another one that waits for that.
const ROOM_WAIT_MAX: Duration = Duration::from_secs(10);
/// How often those that are at work are asked again.
const AGAIN: Duration = Duration::from_millis(50);
/// How long one that is asked may take to answer; who does not is at work.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(3);
/// The file whose lock is held while they are counted.
const LOCK: &str = "shell.pool.lock";

/// Waits until there is room for the context of one more session. As long as the lock lives, nobody else can take it.
pub(super) fn enter(folder: &Folder, place: &Place) -> Result<Lock, ShellError> {
    let limit = place.limits.live_max.max(1);
    let lock = Lock::take(&folder.path().join(LOCK), ROOM_WAIT_MAX).map_err(|err| match err {
        LockError::Held { .. } => ShellError::Full { limit },
        LockError::Io { action, path, source } => ShellError::Io { action, path, source },
        LockError::NotAFile { path } => {
            let source = io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file");
            ShellError::Io { action: "use", path, source }
        }
    })?;
    let deadline = Instant::now() + ROOM_WAIT_MAX;
    loop {
        let others: Vec<SessionId> =
            folder.taken(Post::Shell)?.into_iter().filter(|id| *id != place.id).collect();
        if others.len() < limit {
            return Ok(lock);
        }
        if !unload_one(folder, &others) {
            if Instant::now() >= deadline {
                return Err(ShellError::Full { limit });
            }
            thread::sleep(AGAIN);
        }
    }
}

/// Has one of them unloaded that is not at work, the one that was idle for the longest time; says whether one was.
fn unload_one(folder: &Folder, others: &[SessionId]) -> bool {
    let open = |id: SessionId| Connection::open(&folder.socket(id, Post::Shell), id, ANSWER_WAIT_MAX).ok();
    let mut idle: Vec<(Option<Instant>, SessionId)> = Vec::new();
    for id in others {
        match open(*id).map(|mut connection| connection.info(ANSWER_WAIT_MAX)) {
            Some(Ok(info)) if !info.is_busy => {
                // From now, for each answer takes some time.
                idle.push((Instant::now().checked_sub(Duration::from_micros(info.idle_us)), *id));
            }
            // It is at work, or begins or ends just now; whoever ends makes room.
            Some(Ok(_) | Err(_)) | None => (),
        }
    }
    idle.sort();
    // Between the question and this somebody may have used it; then it refuses, and the next one is asked.
    idle.into_iter()
        .any(|(_, id)| open(id).is_some_and(|mut connection| connection.unload(Unload::WhenIdle).is_ok()))
}
