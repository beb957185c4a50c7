//! What can be typed to run a program in a session and to sit in front of it.

use std::ffi::OsString;

use clap::Args;

/// Show a session's terminal here and type into it; leave with ctrl-\ and it goes on
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf attach auth
  wharf attach auth --take                    whoever controls it looks on from then on
  wharf attach auth --observe                 look on; ctrl-c leaves too
  wharf attach auth --detach-key ctrl-a
  wharf attach auth --observe > session.vt    without a terminal, what it prints streams out

One client controls: it types, and the terminal has its size. Everybody else looks on.")]
pub(in crate::cli) struct Attach {
    /// Its name, its id, or the unique beginning of its id
    pub(in crate::cli) name: String,
    /// Look on: type nothing and change no size
    #[arg(long, conflicts_with = "take")]
    pub(in crate::cli) observe: bool,
    /// Take control from whoever has it
    #[arg(long)]
    pub(in crate::cli) take: bool,
    #[command(flatten)]
    pub(in crate::cli) viewing: Viewing,
}

/// How a session is shown.
#[derive(Args, Debug)]
pub(in crate::cli) struct Viewing {
    /// The key that leaves [default: `terminal.detach_key` in the settings, else ctrl-\]
    #[arg(long, value_name = "KEY", env = "WHARF_DETACH_KEY")]
    pub(in crate::cli) detach_key: Option<String>,
    /// How many rows that scrolled away are shown first [default: all that are kept]
    #[arg(long, value_name = "ROWS")]
    pub(in crate::cli) scrollback: Option<usize>,
}

/// Which agent is started, and with what.
#[derive(Args, Debug)]
pub(in crate::cli) struct Asking {
    /// The agent to start, such as claude; what stands behind `--` goes to it [see: wharf agent list]
    #[arg(long, value_name = "AGENT")]
    pub(in crate::cli) agent: Option<String>,
    /// What it is asked at once; `-` reads it from standard input
    #[arg(long, value_name = "TEXT", requires = "agent")]
    pub(in crate::cli) prompt: Option<String>,
}

/// Start a program in a session, in a terminal that outlives everybody who looks at it
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf start auth                            what ran in it before, else your shell
  wharf start auth -- npm run dev
  wharf start auth --agent claude --prompt 'add a login page'
  wharf start auth --agent claude --attach -- --model opus
  wharf start auth --agent claude --continue

Without a command, an agent that ran in it before goes on with its conversation, as with `wharf resume`.")]
pub(in crate::cli) struct Start {
    /// Its name, its id, or the unique beginning of its id
    pub(in crate::cli) name: String,
    /// Show it here at once
    #[arg(long)]
    pub(in crate::cli) attach: bool,
    #[command(flatten)]
    pub(in crate::cli) viewing: Viewing,
    #[command(flatten)]
    pub(in crate::cli) asking: Asking,
    /// The agent goes on with the session's last conversation
    #[arg(long = "continue", requires = "agent", conflicts_with = "conversation")]
    pub(in crate::cli) goes_on: bool,
    /// The agent goes on with this conversation
    #[arg(long, value_name = "ID", requires = "agent")]
    pub(in crate::cli) conversation: Option<String>,
    /// The program and its arguments [default: what ran in it before, else your shell]
    #[arg(last = true, value_name = "CMD")]
    pub(in crate::cli) command: Vec<String>,
}

/// End what runs in a session, and everything it started; the session stays
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf stop auth                             HUP, then TERM, then KILL
  wharf stop auth --signal INT --timeout 30s")]
pub(in crate::cli) struct Stop {
    /// Its name, its id, or the unique beginning of its id
    pub(in crate::cli) name: String,
    /// The signal to begin with: a name such as INT, or a number
    #[arg(long, value_name = "SIGNAL")]
    pub(in crate::cli) signal: Option<String>,
    /// How long each step may take before the next, harder one [default: `terminal.stop_timeout` in the settings]
    #[arg(long, value_name = "SPAN")]
    pub(in crate::cli) timeout: Option<String>,
}

/// End what runs in a session and start it again
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf restart auth
  wharf restart auth -- npm run build         from now on this
  wharf restart auth --attach")]
pub(in crate::cli) struct Restart {
    /// Its name, its id, or the unique beginning of its id
    pub(in crate::cli) name: String,
    /// Show it here at once
    #[arg(long)]
    pub(in crate::cli) attach: bool,
    #[command(flatten)]
    pub(in crate::cli) viewing: Viewing,
    /// The program and its arguments [default: what ran in it before]
    #[arg(last = true, value_name = "CMD")]
    pub(in crate::cli) command: Vec<String>,
}

/// End what runs in a session at once, with no time to clean up
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  wharf kill auth")]
pub(in crate::cli) struct Kill {
    /// Its name, its id, or the unique beginning of its id
    pub(in crate::cli) name: String,
}

/// Start again what a restart ended; agents go on with their conversations
#[derive(Args, Debug)]
#[command(
    after_help = "\
Examples:
  wharf resume --all                          what an entrypoint runs behind `wharf restore`
  wharf resume auth

Only where the transcript of a conversation is really gone a new one begins, and a warning says so.",
    override_usage = "wharf resume <NAME>\n       wharf resume --all"
)]
pub(in crate::cli) struct Resume {
    /// Its name, its id, or the unique beginning of its id
    #[arg(required_unless_present = "all")]
    pub(in crate::cli) name: Option<String>,
    /// Every session that ran when it was interrupted
    #[arg(long, conflicts_with = "name")]
    pub(in crate::cli) all: bool,
}

/// Show what runs: processes, terminals, and who looks at them
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  wharf ps\n  wharf ps auth --json")]
pub(in crate::cli) struct Ps {
    /// Only this one: its name, its id, or the unique beginning of its id
    pub(in crate::cli) name: Option<String>,
}

/// Take in what an agent's hook tells; agents run this, with JSON on standard input
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf hook claude Stop < input.json

It never fails the agent: the exit code is 0 and nothing is printed; what goes wrong is in the log.")]
pub(in crate::cli) struct Hook {
    /// The agent, and the event as the agent calls it
    #[arg(value_name = "AGENT EVENT", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(in crate::cli) words: Vec<OsString>,
}
