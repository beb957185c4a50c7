//! What a holder answers when it is asked about its session.

use super::super::{Info, Question};
use crate::screen::Screen;

/// The bytes of an answer.
pub(super) fn answer(question: Question, screen: &Screen, info: &Info) -> Vec<u8> {
    match question {
        Question::Info => serde_json::to_vec(info).expect("plain values always have a JSON form"),
        Question::Text => screen.text().into_bytes(),
        Question::Ansi => screen.ansi().into_bytes(),
        Question::Cells => Vec::new(),
    }
}
