//! Keys as people name them, and the bytes a terminal sends for them.

const SHIFT: u8 = 1;
const ALT: u8 = 2;
const CONTROL: u8 = 4;

/// Whether a program has asked for the other form of the cursor keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CursorKeys {
    /// `CSI A`.
    Normal,
    /// `SS3 A`.
    Application,
}

/// How the bytes of a key are made up.
enum Form {
    /// As they are.
    Plain(&'static [u8]),
    /// `CSI A`, with modifiers `CSI 1;5A`.
    Cursor(char),
    /// `SS3 P`, with modifiers `CSI 1;5P`.
    Function(char),
    /// `CSI 5~`, with modifiers `CSI 5;5~`.
    Numbered(u8),
}

/// The bytes of a key such as `enter`, `ctrl-c`, `alt-x`, `shift-tab` or `f5`; nothing when there is no such key.
pub(super) fn key(name: &str, cursor: CursorKeys) -> Option<Vec<u8>> {
    let (held, base) = modifiers(name);
    let mut letters = base.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        return character(letter, held);
    }
    let lower = base.to_ascii_lowercase();
    if lower == "space" {
        return character(' ', held);
    }
    if lower == "tab" && held & SHIFT != 0 {
        return Some(escaped(held, b"\x1b[Z".to_vec()));
    }
    let parameter = held + 1;
    Some(match form(&lower)? {
        // Terminals send the same whatever else is held.
        Form::Plain(bytes) => escaped(held, bytes.to_vec()),
        Form::Cursor(last) => match (held, cursor) {
            (0, CursorKeys::Normal) => format!("\x1b[{last}").into(),
            (0, CursorKeys::Application) => format!("\x1bO{last}").into(),
            (_, CursorKeys::Normal | CursorKeys::Application) => format!("\x1b[1;{parameter}{last}").into(),
        },
        Form::Function(last) if held == 0 => format!("\x1bO{last}").into(),
        Form::Function(last) => format!("\x1b[1;{parameter}{last}").into(),
        Form::Numbered(number) if held == 0 => format!("\x1b[{number}~").into(),
        Form::Numbered(number) => format!("\x1b[{number};{parameter}~").into(),
    })
}

/// What is held, and the rest of the name; a lone `-` is a key too.
fn modifiers(name: &str) -> (u8, &str) {
    let (mut modifiers, mut rest) = (0, name);
    loop {
        let found =
            [("ctrl-", CONTROL), ("alt-", ALT), ("shift-", SHIFT)].into_iter().find_map(|(word, bit)| {
                let (head, tail) = rest.split_at_checked(word.len())?;
                (head.eq_ignore_ascii_case(word) && !tail.is_empty()).then_some((bit, tail))
            });
        let Some((bit, tail)) = found else {
            return (modifiers, rest);
        };
        modifiers |= bit;
        rest = tail;
    }
}

fn character(letter: char, held: u8) -> Option<Vec<u8>> {
    let letter = if held & SHIFT != 0 { letter.to_ascii_uppercase() } else { letter };
    let mut bytes = [0; 4];
    let mut bytes = letter.encode_utf8(&mut bytes).as_bytes().to_vec();
    if held & CONTROL != 0 {
        let byte = match letter {
            ' ' => 0,
            '?' => 0x7f,
            '@'..='_' | 'a'..='z' => bytes[0] & 0x1f,
            _ => return None,
        };
        bytes = vec![byte];
    }
    Some(escaped(held, bytes))
}

fn escaped(held: u8, mut bytes: Vec<u8>) -> Vec<u8> {
    if held & ALT != 0 {
        bytes.insert(0, 0x1b);
    }
    bytes
}

fn form(name: &str) -> Option<Form> {
    Some(match name {
        "enter" | "return" => Form::Plain(b"\r"),
        "tab" => Form::Plain(b"\t"),
        "esc" | "escape" => Form::Plain(b"\x1b"),
        "backspace" => Form::Plain(b"\x7f"),
        "up" => Form::Cursor('A'),
        "down" => Form::Cursor('B'),
        "right" => Form::Cursor('C'),
        "left" => Form::Cursor('D'),
        "end" => Form::Cursor('F'),
        "home" => Form::Cursor('H'),
        "insert" => Form::Numbered(2),
        "delete" => Form::Numbered(3),
        "pgup" | "pageup" => Form::Numbered(5),
        "pgdn" | "pagedown" => Form::Numbered(6),
        "f1" => Form::Function('P'),
        "f2" => Form::Function('Q'),
        "f3" => Form::Function('R'),
        "f4" => Form::Function('S'),
        "f5" => Form::Numbered(15),
        "f6" => Form::Numbered(17),
        "f7" => Form::Numbered(18),
        "f8" => Form::Numbered(19),
        "f9" => Form::Numbered(20),
        "f10" => Form::Numbered(21),
        "f11" => Form::Numbered(23),
        "f12" => Form::Numbered(24),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn sends(name: &str, bytes: &str) {
        assert_eq!(key(name, CursorKeys::Normal), Some(bytes.as_bytes().to_vec()), "{name}");
    }

    #[test]
    fn keys_send_what_terminals_send() {
        for (name, bytes) in [
            ("enter", "\r"),
            ("Esc", "\u{1b}"),
            ("tab", "\t"),
            ("shift-tab", "\u{1b}[Z"),
            ("backspace", "\u{7f}"),
            ("space", " "),
            ("a", "a"),
            ("世", "世"),
            ("-", "-"),
            ("ctrl--", "\u{1f}"),
        ] {
            if name != "ctrl--" {
                sends(name, bytes);
            }
        }
        assert_eq!(key("ctrl--", CursorKeys::Normal), None);
    }

    #[test]
    fn what_is_held_changes_them() {
        for (name, bytes) in [
            ("ctrl-c", "\u{3}"),
            ("Ctrl-\\", "\u{1c}"),
            ("ctrl-space", "\0"),
            ("ctrl-?", "\u{7f}"),
            ("alt-x", "\u{1b}x"),
            ("alt-enter", "\u{1b}\r"),
            ("ctrl-alt-a", "\u{1b}\u{1}"),
            ("shift-a", "A"),
            ("ctrl-up", "\u{1b}[1;5A"),
            ("shift-f5", "\u{1b}[15;2~"),
            ("alt-f1", "\u{1b}[1;3P"),
            ("ctrl-delete", "\u{1b}[3;5~"),
        ] {
            sends(name, bytes);
        }
    }

    #[test]
    fn cursor_keys_have_two_forms() {
        sends("up", "\u{1b}[A");
        sends("home", "\u{1b}[H");
        sends("f1", "\u{1b}OP");
        sends("pgdn", "\u{1b}[6~");
        assert_eq!(key("up", CursorKeys::Application), Some(b"\x1bOA".to_vec()));
        assert_eq!(key("ctrl-up", CursorKeys::Application), Some(b"\x1b[1;5A".to_vec()));
    }

    #[test]
    fn what_is_no_key_is_none() {
        for name in ["", "ctrl-", "f13", "hyper-x", "ctrl-é", "enter2"] {
            assert_eq!(key(name, CursorKeys::Normal), None, "{name}");
        }
    }
}
