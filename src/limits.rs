//! What the terminal of a session may cost, and what it tells: what people set, and what its holder keeps to.

use std::time::Duration;

/// Each of these has a setting below `terminal.`, whose name stands behind it with its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows of scrollback (`scrollback`, 10,000).
    pub scrollback_rows_max: usize,
    /// Bytes of raw output kept on the disk (`log_size`, 8 MiB).
    pub log_bytes_max: u64,
    /// Clients that may be attached to one session at once (`clients`, 16).
    pub clients_max: usize,
    /// Bytes that may wait for one client (`queue`, 1 MiB); over it, it gets the screen anew when it reads again.
    pub queue_bytes_max: usize,
    /// How long a program must be silent before its session waits (`quiet`, 10 seconds; 0: silence says nothing, a bell, a
    /// notification or a prompt still does).
    pub quiet: Option<Duration>,
    /// Whether what a program does moves its session between active and waiting at all (`activity`, true).
    pub activity: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            scrollback_rows_max: 10_000,
            log_bytes_max: 8 << 20,
            clients_max: 16,
            queue_bytes_max: 1 << 20,
            quiet: Some(Duration::from_secs(10)),
            activity: true,
        }
    }
}
