//! What the terminal and the context of a session may cost: what people set, and what their holders keep to.

use std::time::Duration;

/// The longest payload of a frame that any program of this kind takes; one that is longer ends the connection.
pub const FRAME_BYTES_MAX: usize = 1 << 20;

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
    /// Bytes of payload of one frame, in either direction (`frame`, 1 MiB); what is longer travels in parts, and a client that
    /// sends a longer one is let go.
    pub frame_bytes_max: usize,
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
            frame_bytes_max: FRAME_BYTES_MAX,
            quiet: Some(Duration::from_secs(10)),
            activity: true,
        }
    }
}

/// What the contexts in which commands run may cost. Each of these has a setting below `shell.`, whose name stands behind
/// it with its default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShellLimits {
    /// Interpreters that may live at once in a workspace (`max_cached_sessions`, 10).
    pub live_max: usize,
    /// How often what a context holds is written down as a whole (`save_interval_ms`, 10,000).
    pub save_interval: Duration,
    /// How long a command may take (`time_limit`, 600 seconds; 0: as long as it wants).
    pub time_limit: Option<Duration>,
    /// How long a context may be idle before it is unloaded (`idle`, 1,800 seconds; 0: for ever).
    pub idle_max: Option<Duration>,
    /// Bytes of each output of a command that are kept in the log (`output_kept`, 64 KiB).
    pub output_kept_max: usize,
    /// Bytes of the log of one session (`log_size`, 64 MiB).
    pub log_bytes_max: u64,
    /// Bytes of what a context holds that are kept (`state_size`, 16 MiB).
    pub state_bytes_max: usize,
    /// Callers that may wait for one context (`callers`, 64).
    pub callers_max: usize,
}

impl Default for ShellLimits {
    fn default() -> Self {
        Self {
            live_max: 10,
            save_interval: Duration::from_secs(10),
            time_limit: Some(Duration::from_mins(10)),
            idle_max: Some(Duration::from_mins(30)),
            output_kept_max: 64 << 10,
            log_bytes_max: 64 << 20,
            state_bytes_max: 16 << 20,
            callers_max: 64,
        }
    }
}
