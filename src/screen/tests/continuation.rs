use super::{streams::stream, *};

/// Of the cuts that are tried, so many must lead to the same screen after what the program prints next.
const SAME_MIN: usize = 396;

#[test]
fn after_a_snapshot_the_programs_next_output_gives_the_same_screen() {
    let mut total = 0;
    let mut failed = Vec::new();
    for seed in 1..=200 {
        let stream = stream(seed, 40, 120).into_bytes();
        let cuts: Vec<usize> = (1..stream.len()).filter(|&at| stream[at] == 0x1b).collect();
        for part in [1, 2] {
            let cut = cuts[cuts.len() * part / 3];
            let mut screen = fed(size(40, 120), &stream[..cut]);
            let mut copy = copy(&mut screen);
            screen.feed(&stream[cut..]);
            copy.feed(&stream[cut..]);
            total += 1;
            if copy.text() != screen.text()
                || copy.cursor() != screen.cursor()
                || copy.rows() != screen.rows()
            {
                failed.push(format!("{seed} at {cut}"));
            }
        }
    }
    assert_eq!(total, 400);
    assert!(total - failed.len() >= SAME_MIN, "{} of {total}: {failed:?}", total - failed.len());
}
