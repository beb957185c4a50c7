use super::*;

fn replies(bytes: &str) -> String {
    String::from_utf8(small(b"").feed(bytes.as_bytes()).replies).unwrap()
}

#[test]
fn questions_about_the_terminal_are_answered() {
    assert_eq!(replies("\x1b[5n"), "\x1b[0n");
    assert_eq!(replies("ab\r\nc\x1b[6n"), "\x1b[2;2R");
    assert_eq!(replies("\x1b[c"), "\x1b[?62;22c");
    assert_eq!(replies("\x1b[>c"), "\x1b[>0;276;0c");
    assert_eq!(replies("\x1b[18t"), "\x1b[8;5;20t");
    assert_eq!(replies("\x1b[>0q"), format!("\x1bP>|wharf {}\x1b\\", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_cursor_between_margins_is_told_from_their_top() {
    assert_eq!(replies("\x1b[2;4r\x1b[?6h\x1b[2;3H\x1b[6n"), "\x1b[2;3R");
}

#[test]
fn the_keys_a_program_asked_for_are_told() {
    assert_eq!(replies("\x1b[?u"), "\x1b[?0u");
    assert_eq!(replies("\x1b[>5u\x1b[=2;2u\x1b[?u"), "\x1b[?7u");
    assert_eq!(replies("\x1b[>5u\x1b[?1049h\x1b[?u\x1b[?1049l\x1b[?u"), "\x1b[?0u\x1b[?5u");
    assert_eq!(replies("\x1b[>4;2m\x1b[?4m"), "\x1b[>4;2m");
}

#[test]
fn modes_are_told() {
    assert_eq!(replies("\x1b[?2004$p\x1b[?2004h\x1b[?2004$p"), "\x1b[?2004;2$y\x1b[?2004;1$y");
    assert_eq!(replies("\x1b[?2026$p\x1b[?2026h\x1b[?2026$p"), "\x1b[?2026;2$y\x1b[?2026;1$y");
    assert_eq!(replies("\x1b[?9999$p\x1b[4$p"), "\x1b[?9999;0$y\x1b[4;2$y");
}

#[test]
fn colours_are_told_as_they_are() {
    assert_eq!(replies("\x1b]11;?\x1b\\"), "\x1b]11;rgb:1212/1212/1212\x1b\\");
    assert_eq!(replies("\x1b]10;#010203\x07\x1b]10;?\x07"), "\x1b]10;rgb:0101/0202/0303\x07");
    assert_eq!(
        replies("\x1b]4;1;?\x07\x1b]4;231;?\x07"),
        "\x1b]4;1;rgb:cdcd/0000/0000\x07\x1b]4;231;rgb:ffff/ffff/ffff\x07"
    );
    assert_eq!(replies("\x1b]4;232;?\x07"), "\x1b]4;232;rgb:0808/0808/0808\x07");
}

#[test]
fn the_clipboard_is_never_told() {
    assert_eq!(replies("\x1b]52;c;?\x07\x1b]52;c;aGk=\x07"), "");
}

#[test]
fn who_asks_without_end_gets_bounded_answers() {
    assert!(replies(&"\x1b[c".repeat(100_000)).len() < 70_000);
}

#[test]
fn a_soft_reset_leaves_the_picture() {
    let screen = small(b"text\x1b[4h\x1b[?6h\x1b[2;3r\x1b[?25l\x1b[31m\x1b[3;3H\x1b[!pX");
    assert_eq!(screen.text(), "text\n\n  X");
    assert!(screen.cursor().visible);
    assert!(screen.emulator.recall.margins.is_none());
}
