//! What is asked of the holder and told to it when somebody leaves.

use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};

use super::Attachment;
use crate::{
    socket::timespec,
    terminal::{FromClient, Info, Question},
};

/// How long a holder is waited for that has to be told good-bye.
const FAREWELL_WAIT_MAX: Duration = Duration::from_millis(200);

impl Attachment<'_> {
    /// The last row that has something in it, if the holder says so at once; of a full-screen program, what is left when
    /// it is gone is not known.
    pub(super) fn last_row(&mut self) -> Option<u16> {
        if !self.stage.is_terminal() {
            return None;
        }
        let deadline = Instant::now() + FAREWELL_WAIT_MAX;
        let info = self.connection.ask_until(Question::Info, deadline).ok()?;
        let info: Info = serde_json::from_slice(&info).ok()?;
        let text = self.connection.ask_until(Question::Text, deadline).ok().filter(|_| !info.alternate)?;
        let rows = String::from_utf8_lossy(&text).trim_end().lines().count().max(1);
        u16::try_from(rows).ok()
    }

    /// Says that it leaves, to a holder that listens.
    pub(super) fn say_good_bye(&mut self) {
        self.connection.queue(&FromClient::Detach);
        let deadline = Instant::now() + FAREWELL_WAIT_MAX;
        // A holder that does not listen notices when the connection closes.
        while self.connection.has_queued() && self.connection.flush().is_ok() && Instant::now() < deadline {
            let left = timespec(deadline.saturating_duration_since(Instant::now()));
            let mut polled = [PollFd::new(&self.connection, PollFlags::OUT)];
            if self.connection.has_queued() && rustix::event::poll(&mut polled, Some(&left)).is_err() {
                return;
            }
        }
    }
}
