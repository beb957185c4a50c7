use super::*;

const CUTS: usize = 20;

/// What another emulator, with a parser and a grid of its own, shows: rows, column and row of the cursor.
fn shown_elsewhere(bytes: &[u8]) -> (Vec<String>, usize, usize) {
    let (rows, cols) = (recorded().rows().into(), recorded().cols().into());
    let mut other = avt::Terminal::new(cols, rows).unwrap();
    other.feed(&*String::from_utf8_lossy(bytes));
    let text = other.screen().visible_lines().map(|line| {
        let chars = line.cells().iter().filter(|cell| cell.width() > 0).map(avt::Cell::char);
        chars.collect::<String>().trim_end().to_owned()
    });
    let cursor = other.cursor();
    (text.collect(), cursor.row, cursor.col.min(cols - 1))
}

fn shown_here(screen: &Screen) -> (Vec<String>, usize, usize) {
    let rows = screen.rows().into_iter().map(|row| {
        let text: String = row.into_iter().map(|cell| cell.text).collect();
        text.trim_end().to_owned()
    });
    let cursor = screen.cursor();
    (rows.collect(), cursor.row.into(), cursor.column.into())
}

/// The beginnings of the recordings, cut between characters and without marks: to the other one a mark is a letter.
fn beginnings() -> impl Iterator<Item = (String, Vec<u8>)> {
    RECORDINGS.into_iter().flat_map(|(name, bytes)| {
        let all = std::str::from_utf8(bytes).unwrap();
        (1..=CUTS).map(move |part| {
            let cut = all.ceil_char_boundary(all.len() * part / CUTS);
            let text: String = all[..cut].chars().filter(|c| !('\u{300}'..'\u{370}').contains(c)).collect();
            (format!("{name} at {cut}"), text.into_bytes())
        })
    })
}

#[test]
fn another_emulator_shows_the_same() {
    for (what, bytes) in beginnings() {
        assert_eq!(shown_here(&fed(recorded(), &bytes)), shown_elsewhere(&bytes), "{what}");
    }
}

#[test]
fn another_emulator_shows_a_snapshot_as_it_is_meant() {
    for (what, bytes) in beginnings() {
        let mut screen = fed(recorded(), &bytes);
        assert_eq!(shown_here(&screen), shown_elsewhere(&screen.snapshot(SCROLLBACK_ROWS)), "{what}");
    }
}
