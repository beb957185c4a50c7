//! What can be typed about the conversations of agents.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Keep and show what was said with the agent of a session
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  wharf conversation record auth --id 0d7f4a4b --prompt \"add a login page\"
  wharf conversation current auth         the id to go on with
  wharf conversation check auth           whether the agent's own transcript is whole
  wharf conversation export > all.json    and `import` takes it back")]
pub(in crate::cli) enum Conversation {
    Record(Record),
    /// Print the conversation that a session is in
    #[command(after_help = "Examples:\n  claude --resume \"$(wharf conversation current auth)\"")]
    Current(Named),
    /// Show every interaction of a session, oldest first
    #[command(
        after_help = "Examples:\n  wharf conversation chain auth\n  wharf conversation chain auth --json"
    )]
    Chain(Named),
    /// Show the chain of a session in short: its agent, its conversations, how much was said
    #[command(after_help = "Examples:\n  wharf conversation summary auth --json")]
    Summary(Named),
    /// Say whether a conversation is one of a session: exit code 0 or 1
    #[command(after_help = "Examples:\n  wharf conversation validate auth 0d7f4a4b")]
    Validate {
        /// Its name, its id, or the unique beginning of its id
        name: String,
        /// The id of the conversation
        id: String,
    },
    /// Forget the conversations of a session; its agent begins anew
    #[command(after_help = "Examples:\n  wharf conversation reset auth")]
    Reset(Named),
    /// Write the chains of all sessions into one file
    #[command(
        after_help = "Examples:\n  wharf conversation export > all.json\n  wharf conversation export auth search --out two.json"
    )]
    Export {
        /// Only these sessions
        names: Vec<String>,
        /// The file, replaced whole [default: standard output]
        #[arg(long, value_name = "PATH")]
        out: Option<PathBuf>,
    },
    /// Take in what was exported, or the chains of other tools
    #[command(after_help = "\
Examples:
  wharf conversation import all.json
  wharf conversation import ~/old/chains/          every .json file in a folder

A chain of another tool is an object with `agent_id` (the name or id of a session), `current_session_id`,
`interaction_count` and `sessions`. Nothing is written unless every file can be read; what is there already is not
taken in twice. Chains that belong to no session here are named, and the exit code is 1.")]
    Import {
        /// Files, or folders of them
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Drop entries that are old; those of a current conversation stay
    #[command(
        after_help = "Examples:\n  wharf conversation clean\n  wharf conversation clean --days 30 auth search"
    )]
    Clean {
        /// Only these sessions
        names: Vec<String>,
        /// How old an entry must be
        #[arg(long, value_name = "N", default_value_t = 7)]
        days: u32,
    },
    /// Count the interactions of each session, with the first and the last
    #[command(after_help = "Examples:\n  wharf conversation stats\n  wharf conversation stats auth --json")]
    Stats {
        /// Only these sessions
        names: Vec<String>,
    },
    /// Check that conversations can be kept: exit code 0 or 1
    #[command(after_help = "Examples:\n  wharf conversation health --json")]
    Health,
    /// Check the transcript that the agent of a session wrote: exit code 0 when it is whole or only cut short
    #[command(after_help = "\
Examples:
  wharf conversation check auth
  wharf conversation check auth --file ~/.claude/projects/-workspace/0d7f4a4b.jsonl

A transcript is missing, empty, intact, torn (only its last line was cut short) or corrupt (with the first bad line).")]
    Check {
        /// Its name, its id, or the unique beginning of its id
        name: String,
        /// Another transcript
        #[arg(long, value_name = "PATH")]
        file: Option<PathBuf>,
    },
}

/// Keep an interaction with the agent of a session
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf conversation record auth --id 0d7f4a4b --prompt \"add a login page\" --response Done.
  wharf conversation record auth --prompt \"now the tests\" --meta model=opus --meta turns:=3

Of prompt and response the first 200 characters are kept. A new id becomes the current conversation, also in the
record of the session when an agent works there.")]
pub(in crate::cli) struct Record {
    /// Its name, its id, or the unique beginning of its id
    pub(in crate::cli) name: String,
    /// The id of the conversation [default: the current one]
    #[arg(long)]
    pub(in crate::cli) id: Option<String>,
    /// What was asked
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(in crate::cli) prompt: Option<String>,
    /// What was answered
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(in crate::cli) response: Option<String>,
    /// Keep a value with it: KEY=TEXT, or KEY:=JSON
    #[arg(long, value_name = "KEY=TEXT")]
    pub(in crate::cli) meta: Vec<String>,
}

/// One session.
#[derive(Args, Debug)]
pub(in crate::cli) struct Named {
    /// Its name, its id, or the unique beginning of its id
    pub(in crate::cli) name: String,
}
