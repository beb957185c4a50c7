//! What is to be seen, as values that can be compared: at a person's terminal, and with the holder of a session.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use wharf::screen::{Attributes, Cell, Colour, RESET, Screen, Underline};

use super::{
    Workspace,
    pty::{PATIENCE, Terminal},
};

/// Waits until a person sees what the holder of a session has, cell by cell, and answers it.
#[track_caller]
pub fn agreed(terminal: &mut Terminal, space: &Workspace, name: &str) -> Value {
    let deadline = Instant::now() + PATIENCE;
    loop {
        terminal.look_on(Duration::from_millis(20));
        let held = space.json(["screen", name]);
        let seen = of(terminal.screen());
        if seen == held {
            return held;
        }
        let told = || format!("{}\nseen:\n{}", difference(&seen, &held), terminal.seen().text());
        assert!(Instant::now() < deadline, "{}", told());
    }
}

/// A screen in the words of `wharf screen --json`.
pub fn of(screen: &Screen) -> Value {
    let cursor = screen.cursor();
    let rows = screen.rows();
    let cells: Vec<Vec<Value>> = rows.iter().map(|row| row.iter().map(cell).collect()).collect();
    json!({
        "rows": screen.size().rows(),
        "cols": screen.size().cols(),
        "cursor": {"row": cursor.row, "column": cursor.column, "visible": cursor.visible},
        "title": screen.title(),
        "alternate": screen.is_alternate(),
        "cells": cells,
    })
}

/// The modes that are not those of an ordinary terminal, as the sequences that set them.
pub fn odd_modes(screen: &mut Screen) -> Vec<String> {
    let snapshot = screen.snapshot(0);
    let state = String::from_utf8_lossy(snapshot.strip_prefix(RESET).unwrap()).into_owned();
    let sequences = state.split('\x1b').skip(1).map(|it| {
        let end = it.char_indices().skip(1).find(|(_, letter)| letter.is_ascii_alphabetic());
        end.map_or(it, |(at, _)| &it[..=at]).to_owned()
    });
    let is_mode =
        |it: &String| it.starts_with("[?") || it.starts_with("[>") || it.starts_with("[=") || it == "=";
    sequences.filter(is_mode).collect()
}

/// All lines that are kept, the oldest first.
pub fn lines(screen: &mut Screen) -> Vec<String> {
    let snapshot = screen.snapshot(usize::MAX);
    let text = String::from_utf8_lossy(&snapshot).into_owned();
    let is_end = |letter: char| letter.is_ascii_alphabetic();
    let plain = |line: &str| -> String {
        let mut parts = line.split("\x1b[");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| text + part.split_once(is_end).map_or("", |(_, rest)| rest))
    };
    text.split("\r\n").map(|line| plain(line).trim_end().to_owned()).collect()
}

fn cell(cell: &Cell) -> Value {
    let mut value = Map::new();
    value.insert("text".to_owned(), cell.text.clone().into());
    if cell.width != 1 {
        value.insert("width".to_owned(), cell.width.into());
    }
    for (key, colour) in [("foreground", cell.foreground), ("background", cell.background)] {
        let text = match colour {
            Colour::Default => continue,
            Colour::Indexed(index) => index.to_string(),
            Colour::Rgb(red, green, blue) => format!("#{red:02x}{green:02x}{blue:02x}"),
        };
        value.insert(key.to_owned(), text.into());
    }
    let attributes = attributes(cell.attributes);
    if !attributes.is_empty() {
        value.insert("attributes".to_owned(), attributes.into());
    }
    if let Some(link) = &cell.link {
        value.insert("link".to_owned(), link.clone().into());
    }
    value.into()
}

fn attributes(has: Attributes) -> Vec<&'static str> {
    let mut words = Vec::new();
    let simple = [
        (has.is_bold(), "bold"),
        (has.is_dim(), "dim"),
        (has.is_italic(), "italic"),
        (has.is_inverse(), "inverse"),
        (has.is_hidden(), "hidden"),
        (has.is_struck(), "struck"),
    ];
    words.extend(simple.into_iter().filter_map(|(is_so, word)| is_so.then_some(word)));
    words.extend(has.underline().map(|line| match line {
        Underline::Single => "underline",
        Underline::Double => "double-underline",
        Underline::Curly => "curly-underline",
        Underline::Dotted => "dotted-underline",
        Underline::Dashed => "dashed-underline",
    }));
    words
}

fn difference(seen: &Value, held: &Value) -> String {
    for key in ["rows", "cols", "cursor", "title", "alternate"] {
        if seen[key] != held[key] {
            return format!("{key}: the person has {}, the holder {}", seen[key], held[key]);
        }
    }
    let rows = |value: &Value| value["cells"].as_array().unwrap().clone();
    let text = |row: &Value| -> String {
        row.as_array().unwrap().iter().map(|cell| cell["text"].as_str().unwrap()).collect()
    };
    for (at, (seen, held)) in rows(seen).iter().zip(&rows(held)).enumerate() {
        if seen != held {
            return format!("row {at}: the person has\n{}\nthe holder\n{}", text(seen), text(held));
        }
    }
    "they have different rows".to_owned()
}
