//! What an agent said: the chain of its conversations, session by session, and the transcript that it keeps itself.

mod chain;
mod checkpoint;
mod conversations;
mod entry;
mod error;
mod exchange;
mod file;
mod json_line;
mod lenient;
mod transcript;

#[cfg(test)]
mod tests;

pub use self::{
    chain::{Chain, ENTRIES_MAX, Stats, Summary},
    checkpoint::{Kept, copies, keep, put_back},
    conversations::{CHAIN_FILE, Conversations, FILE_BYTES_MAX, LOCK_WAIT_MAX},
    entry::{CONFIRM_SECONDS_MAX, EXCERPT_CHARS_MAX, Entry, Excerpt, Interaction, METADATA_BYTES_MAX},
    error::{ConversationError, FormatError},
    exchange::{Exported, Incoming, TRANSFER_BYTES_MAX, encode_entry, encode_export, read_incoming},
    transcript::{Flaw, LINE_BYTES_MAX, Transcript, TranscriptState, check},
};
