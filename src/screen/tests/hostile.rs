use proptest::{collection::vec, prelude::*};

use super::{streams::stream, *};

/// Bytes of which many begin or end something.
fn nasty() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        2 => any::<u8>(),
        2 => proptest::sample::select(b"\x1b\x1b\x1b[[]?;:0123456789hlmrHJKLMPST@XbcnpquABCDGd\n\r\t\x08\x07\\ ".to_vec()),
    ];
    vec(byte, 0..2000)
}

fn any_size() -> impl Strategy<Value = Size> {
    (1_u16..60, 2_u16..150).prop_map(|(rows, cols)| size(rows, cols))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_and_no_sizes_break_it(
        begin in any_size(), steps in vec((nasty(), any_size()), 1..6), seed in 0_u64..1000, rows in 0_usize..3000,
    ) {
        let mut screen = Screen::new(begin, rows);
        for (bytes, size) in steps {
            let fed = screen.feed(&bytes);
            prop_assert!(!fed.notices.contains(&Notice::Rebuilt));
            screen.feed(stream(seed, 24, 80).as_bytes());
            screen.resize(size);
            prop_assert_eq!(screen.size(), size);
            prop_assert!(screen.scrollback_rows() <= rows);
            prop_assert_eq!(screen.rows().len(), usize::from(size.rows()));
            for row in screen.rows() {
                prop_assert_eq!(row.iter().map(|cell| u16::from(cell.width)).sum::<u16>(), size.cols());
            }
            let mut copy = Screen::new(size, rows);
            copy.feed(&screen.snapshot(rows));
            prop_assert_eq!(copy.text(), screen.text());
            prop_assert!(!screen.feed(b"").notices.contains(&Notice::Rebuilt));
        }
    }
}

#[test]
fn four_thousand_keyboard_modes_are_survived() {
    let mut screen = small(&b"\x1b[>1u".repeat(5000));
    assert_eq!(screen.feed(b"\x1b[?u").replies, b"\x1b[?1u");
    screen.feed(b"\x1b[<5000u");
    assert_eq!(screen.feed(b"\x1b[?u").replies, b"\x1b[?0u");
}

#[test]
fn a_failed_emulator_is_built_anew_and_says_so() {
    let mut screen = small(b"\x1b]2;title\x07lost");
    fail(&mut screen);
    let fed = screen.feed(b"drawn again");
    assert_eq!(fed.notices, [Notice::Rebuilt]);
    assert_eq!(
        (screen.text().as_str(), screen.size(), screen.title()),
        ("drawn again", size(5, 20), Some("title"))
    );
}

#[test]
fn what_is_drawn_after_a_failure_does_not_join_what_was_spilled() {
    let mut screen = fed(size(2, 20), &b"0123456789".repeat(4001));
    fail(&mut screen);
    screen.feed(b"\r\ndrawn again");
    assert!(screen.scrollback_rows() > 0);
    assert_eq!(copy(&mut screen).text(), "\ndrawn again");
}

fn fail(screen: &mut Screen) {
    let quiet = panic::take_hook();
    panic::set_hook(Box::new(|_| ()));
    let done = screen.guarded(|_, _| panic!("as a test"));
    panic::set_hook(quiet);
    assert_eq!(done, None::<()>);
}
