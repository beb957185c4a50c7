//! What can be typed to look at a session, to type into it and to wait for it, from a script.

use clap::Args;

/// Print what a session printed, as far as it is kept
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf logs auth
  wharf logs auth --since 10m
  wharf logs auth --since 2025-11-24T10:30:00Z
  wharf logs auth -f                          goes on until the program ends

It is printed as the program wrote it, escape sequences and all; `wharf screen` shows what is to be seen now.")]
pub(in crate::cli) struct Logs {
    /// Its name, its id, or the unique beginning of its id
    pub(in crate::cli) name: String,
    /// Go on with what comes, until the program ends
    #[arg(long, short)]
    pub(in crate::cli) follow: bool,
    /// Only from then on: a span such as 90s, 10m, 2h, or a time
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) since: Option<String>,
}

/// Print what is to be seen in a session's terminal now
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf screen auth
  wharf screen auth --ansi                    with colours
  wharf screen auth --json                    cell by cell")]
pub(in crate::cli) struct Screen {
    /// Its name, its id, or the unique beginning of its id
    pub(in crate::cli) name: String,
    /// With colours
    #[arg(long)]
    pub(in crate::cli) ansi: bool,
}

/// Type into a session
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf send auth 'npm test' --enter
  wharf send auth --key ctrl-c
  wharf send auth --key up --key enter
  wharf send auth --paste --enter - < prompt.txt

Keys: enter tab esc space backspace delete insert up down left right home end pgup pgdn f1 to f12, and any
character; each with ctrl-, alt- or shift- before it. The text comes first, then the keys, then enter.")]
pub(in crate::cli) struct Send {
    /// Its name, its id, or the unique beginning of its id
    pub(in crate::cli) name: String,
    /// The text; `-` reads it from standard input
    #[arg(required_unless_present_any = ["key", "enter"])]
    pub(in crate::cli) text: Option<String>,
    /// A key
    #[arg(long, value_name = "KEY")]
    pub(in crate::cli) key: Vec<String>,
    /// Press enter at the end
    #[arg(long)]
    pub(in crate::cli) enter: bool,
    /// As a paste, so that line ends in it do not submit, where the program knows pastes
    #[arg(long, requires = "text")]
    pub(in crate::cli) paste: bool,
}

/// Wait until something is so in a session
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf wait auth --for exit
  wharf wait auth --for idle --silent-for 30s
  wharf wait auth --for 'text:listening on port \\d+' --timeout 1m
  wharf wait auth --for waiting --timeout 30m
  wharf wait auth --for status:error

exit: the program ended. idle: it has printed nothing for some time. waiting: it wants somebody. text: a regular
expression is found on its screen. status: its record says so. Exit code 124 when the time is over, 1 when it can not come any more.")]
pub(in crate::cli) struct Wait {
    /// Its name, its id, or the unique beginning of its id
    pub(in crate::cli) name: String,
    /// exit, idle, waiting, text:REGEX or status:STATUS
    #[arg(long = "for", value_name = "WHAT")]
    pub(in crate::cli) goal: String,
    /// How long to wait at most
    #[arg(long, value_name = "SPAN")]
    pub(in crate::cli) timeout: Option<String>,
    /// How long it has to be silent to be idle [default: `terminal.quiet` in the settings, else 10s]
    #[arg(long, value_name = "SPAN")]
    pub(in crate::cli) silent_for: Option<String>,
}

/// Hand a prompt to the agent that runs in a session: pasted, then enter, and recorded
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf prompt auth 'add a test for the empty file'
  wharf prompt auth --when-waiting --timeout 30m - < task.md
  wharf prompt auth 'go on' && wharf wait auth --for waiting")]
pub(in crate::cli) struct Prompt {
    /// Its name, its id, or the unique beginning of its id
    pub(in crate::cli) name: String,
    /// The prompt; `-` reads it from standard input
    pub(in crate::cli) text: String,
    /// Only once it waits for somebody
    #[arg(long)]
    pub(in crate::cli) when_waiting: bool,
    /// How long to wait for that at most
    #[arg(long, value_name = "SPAN", requires = "when_waiting")]
    pub(in crate::cli) timeout: Option<String>,
}
