//! What a holder answers when it is asked about its session.

use serde::Serialize;

use super::super::{Info, Question};
use crate::screen::{Attributes, Cell, Colour, Screen, Underline};

/// A screen, cell by cell.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cells {
    rows: u16,
    cols: u16,
    cursor: CursorView,
    title: Option<String>,
    alternate: bool,
    #[serde(rename = "cells")]
    lines: Vec<Vec<CellView>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CursorView {
    row: u16,
    column: u16,
    visible: bool,
}

/// One cell; what it does not have is left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CellView {
    text: String,
    #[serde(skip_serializing_if = "is_one")]
    width: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    foreground: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    background: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attributes: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "this is how serde asks")]
fn is_one(width: &u8) -> bool {
    *width == 1
}

/// The bytes of an answer.
pub(super) fn answer(question: Question, screen: &Screen, info: &Info) -> Vec<u8> {
    match question {
        Question::Info => serde_json::to_vec(info).expect("plain values always have a JSON form"),
        Question::Text => screen.text().into_bytes(),
        Question::Ansi => screen.ansi().into_bytes(),
        Question::Cells => serde_json::to_vec(&cells(screen)).expect("plain values always have a JSON form"),
    }
}

fn cells(screen: &Screen) -> Cells {
    let cursor = screen.cursor();
    Cells {
        rows: screen.size().rows(),
        cols: screen.size().cols(),
        cursor: CursorView { row: cursor.row, column: cursor.column, visible: cursor.visible },
        title: screen.title().map(ToOwned::to_owned),
        alternate: screen.is_alternate(),
        lines: screen.rows().iter().map(|row| row.iter().map(cell).collect()).collect(),
    }
}

fn cell(cell: &Cell) -> CellView {
    CellView {
        text: cell.text.clone(),
        width: cell.width,
        foreground: colour(cell.foreground),
        background: colour(cell.background),
        attributes: attributes(cell.attributes),
        link: cell.link.clone(),
    }
}

fn colour(colour: Colour) -> Option<String> {
    match colour {
        Colour::Default => None,
        Colour::Indexed(index) => Some(index.to_string()),
        Colour::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
    }
}

fn attributes(attributes: Attributes) -> Vec<&'static str> {
    let underline = match attributes.underline() {
        None => "",
        Some(Underline::Single) => "underline",
        Some(Underline::Double) => "double-underline",
        Some(Underline::Curly) => "curly-underline",
        Some(Underline::Dotted) => "dotted-underline",
        Some(Underline::Dashed) => "dashed-underline",
    };
    let words = [
        (attributes.is_bold(), "bold"),
        (attributes.is_dim(), "dim"),
        (attributes.is_italic(), "italic"),
        (attributes.is_inverse(), "inverse"),
        (attributes.is_hidden(), "hidden"),
        (attributes.is_struck(), "struck"),
        (!underline.is_empty(), underline),
    ];
    words.into_iter().filter_map(|(has, word)| has.then_some(word)).collect()
}
