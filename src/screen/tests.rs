use super::*;

#[test]
fn text_is_what_was_printed() {
    let mut screen = Screen::new(Size::default(), 100);
    screen.feed(b"hello\r\n\x1b[31mworld\x1b[0m");
    assert_eq!(screen.text(), "hello\nworld");
    assert_eq!(screen.ansi(), "hello\n\x1b[0;31mworld\x1b[0m");
    let dump = screen.snapshot(100);
    let mut copy = Screen::new(Size::default(), 100);
    copy.feed(&dump);
    assert_eq!(copy.rows(), screen.rows());
    assert_eq!(copy.cursor(), screen.cursor());
}
