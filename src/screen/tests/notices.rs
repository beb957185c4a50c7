use super::*;

fn notices(bytes: &str) -> Vec<Notice> {
    small(b"").feed(bytes.as_bytes()).notices
}

fn notification(text: &str) -> Vec<Notice> {
    vec![Notice::Notification(text.into())]
}

#[test]
fn the_three_kinds_of_notification_are_told() {
    assert_eq!(notices("\x1b]9;build done\x07"), notification("build done"));
    assert_eq!(notices("\x1b]777;notify;Title;body; more\x1b\\"), notification("Title: body; more"));
    assert_eq!(notices("\x1b]777;notify;Title\x07"), notification("Title"));
    assert_eq!(notices("\x1b]99;i=1:d=0;hello\x1b\\"), notification("hello"));
}

#[test]
fn progress_and_empty_notifications_say_nothing() {
    for silent in [
        "9;4;1;50",
        "9;4",
        "9;9;/somewhere",
        "9;",
        "777;precmd",
        "99;p=icon;data",
        "99;e=1;aGk=",
        "8;;",
        "1337;x",
    ] {
        assert_eq!(notices(&format!("\x1b]{silent}\x07")), [], "{silent}");
    }
}

#[test]
fn a_notification_cannot_steer_the_terminal_it_is_printed_on() {
    assert_eq!(notices("\x1b]9;a\u{202e}b\u{9b}31m\x07"), notification("a\\u{202e}b\\u{9b}31m"));
}

#[test]
fn prompt_marks_are_told() {
    let marks = notices(
        "\x1b]133;A\x07$ \x1b]133;B;x=1\x07ls\r\n\x1b]133;C\x07\x1b]133;D;2\x1b\\\x1b]133;D\x07\x1b]133;Z\x07",
    );
    let done = |exit_code| Notice::Prompt(PromptMark::Done { exit_code });
    let begin = [PromptMark::Prompt, PromptMark::Input, PromptMark::Output].map(Notice::Prompt);
    assert_eq!(marks, [&begin[..], &[done(Some(2)), done(None)]].concat());
}

#[test]
fn a_notification_may_come_in_pieces() {
    let mut screen = small(b"");
    let mut notices = Vec::new();
    for byte in b"x\x1b]9;in pieces\x1b\\y" {
        notices.extend(screen.feed(&[*byte]).notices);
    }
    assert_eq!(notices, notification("in pieces"));
    assert_eq!(screen.text(), "xy");
}

#[test]
fn bells_and_titles_are_told_once() {
    assert_eq!(notices("\x07\x07\x1b]0;one\x07\x1b]2;two\x07"), [Notice::Bell, Notice::Title]);
    let mut screen = small(b"\x1b]2;same\x07");
    assert_eq!(screen.feed(b"\x1b]2;same\x07").notices, []);
    assert_eq!(screen.title(), Some("same"));
}

#[test]
fn a_flood_of_notifications_is_cut() {
    assert_eq!(notices(&"\x1b]9;more\x07".repeat(1000)).len(), 64);
}
