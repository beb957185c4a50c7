//! What a program tells the people around it, beside what it draws.

use crate::text;

/// Longer texts of notices are cut.
const TEXT_CHARS_MAX: usize = 512;

/// Something a program said that is no picture.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// It rang the bell; told once for each `feed`.
    Bell,
    /// It asked for a notification (OSC 9, 99 or 777), with the text made safe to print.
    Notification(String),
    /// A shell said where it is (OSC 133).
    Prompt(PromptMark),
    /// The title changed; told once for each `feed`.
    Title,
    /// The emulator failed and started anew with an empty screen: the program should draw again.
    Rebuilt,
}

/// Where a shell is between two prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PromptMark {
    /// The prompt begins (A).
    Prompt,
    /// The prompt ends and what the person types begins (B).
    Input,
    /// The command was sent and its output begins (C).
    Output,
    /// The command ended (D), with its exit code if the shell says so.
    Done {
        /// The exit code.
        exit_code: Option<i32>,
    },
}

impl Notice {
    /// Reads the text between `ESC ]` and its end.
    pub(super) fn from_osc(body: &[u8]) -> Option<Self> {
        let body = String::from_utf8_lossy(body);
        let (number, rest) = body.split_once(';')?;
        match number {
            "9" if !is_progress(rest) => notification(rest),
            "99" => notification(kitty_payload(rest)?),
            "777" => {
                let (title, text) = rest.strip_prefix("notify;")?.split_once(';').unwrap_or((&rest[7..], ""));
                if text.is_empty() { notification(title) } else { notification(&format!("{title}: {text}")) }
            }
            "133" => prompt(rest).map(Self::Prompt),
            _ => None,
        }
    }
}

/// `ConEmu` uses OSC 9 for other things, each with a number of its own: 4 is a progress bar, 9 the folder.
fn is_progress(text: &str) -> bool {
    let number = text.split(';').next().unwrap_or_default();
    number.parse::<u8>().is_ok_and(|number| (1..=12).contains(&number))
}

fn notification(text: &str) -> Option<Notice> {
    let text: String = text.trim().chars().take(TEXT_CHARS_MAX).collect();
    (!text.is_empty()).then(|| Notice::Notification(text::line(&text)))
}

/// The text of a kitty notification; its other parts (icon, buttons, questions) and encoded ones say nothing.
fn kitty_payload(text: &str) -> Option<&str> {
    let (fields, payload) = text.split_once(';')?;
    let is_text = fields.split(':').all(|field| match field.split_once('=') {
        Some(("p", kind)) => matches!(kind, "title" | "body"),
        Some(("e", encoded)) => encoded == "0",
        _ => true,
    });
    is_text.then_some(payload)
}

fn prompt(text: &str) -> Option<PromptMark> {
    let mut fields = text.split(';');
    match fields.next()? {
        "A" => Some(PromptMark::Prompt),
        "B" => Some(PromptMark::Input),
        "C" => Some(PromptMark::Output),
        "D" => Some(PromptMark::Done { exit_code: fields.next().and_then(|code| code.parse().ok()) }),
        _ => None,
    }
}
