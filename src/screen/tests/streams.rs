//! Random output that looks like a program's, from a seed.

use std::fmt::Write as _;

pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below the limit.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn pick<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    fn seldom<'a>(&mut self, one_in: usize, all: &[&'a str]) -> &'a str {
        if self.below(one_in) == 0 { self.pick(all) } else { "" }
    }
}

/// Some hundred things a program may print on a screen of this size.
pub(super) fn stream(seed: u64, rows: usize, cols: usize) -> String {
    let mut random = Random::new(seed);
    let mut out = String::new();
    for _ in 0..400 {
        thing(&mut random, rows, cols, &mut out).unwrap();
    }
    out
}

pub(super) fn thing(random: &mut Random, rows: usize, cols: usize, out: &mut String) -> std::fmt::Result {
    match random.below(26) {
        0 => write!(out, "\x1b[{};{}H", random.below(rows + 1) + 1, random.below(cols + 1) + 1)?,
        1 => write!(out, "\x1b[{}{}", random.below(5), random.pick(&['A', 'B', 'C', 'D', 'G', 'd']))?,
        2 => write!(out, "\x1b[{}J", random.below(3))?,
        3 => write!(out, "\x1b[{}K", random.below(3))?,
        4 => write!(
            out,
            "\x1b[{}{}",
            random.below(4) + 1,
            random.pick(&['L', 'M', 'P', '@', 'X', 'S', 'T', 'I', 'Z'])
        )?,
        5 => write!(out, "\x1b[{}m", random.pick(&[0, 1, 2, 3, 4, 7, 9, 31, 42, 91, 104, 39, 49]))?,
        6 => write!(out, "\x1b[38;5;{}m\x1b[48;2;{};3;4m", random.below(256), random.below(256))?,
        7 => out.push_str("你好漢"),
        8 => out.push_str("e\u{301}é😀"),
        9 => out.push_str("\r\n"),
        10 => out.push('\n'),
        11 => out.push('\t'),
        12 => out.push_str("\x1b7"),
        13 => out.push_str("\x1b8"),
        14 if random.below(3) == 0 => {
            let top = random.below(rows / 2) + 1;
            write!(out, "\x1b[{top};{}r", top + 1 + random.below(rows / 2))?;
        }
        15 => out.push_str(random.seldom(2, &["\x1b[r"])),
        16 => out.push_str(random.seldom(4, &["\x1b[?1049h", "\x1b[?1049l"])),
        17 => out.push_str("\x1bM"),
        18 => out.push_str(random.seldom(6, &["\x1b(0qqx\x1b(B", "\x1b(B", "\x1b)0\x0eqx\x0f"])),
        19 => out.push_str(random.seldom(6, &["\x1b[?7l", "\x1b[?7h", "\x1b[4h", "\x1b[4l"])),
        20 => out.push_str(random.seldom(8, &["\x1bH", "\x1b[g", "\x1b[3g"])),
        21 => out.push_str(random.seldom(8, &["\x1b[?6h", "\x1b[?6l", "\x1b[!p"])),
        _ => {
            for _ in 0..random.below(60) {
                out.push(char::from(33 + u8::try_from(random.below(90)).unwrap()));
            }
        }
    }
    Ok(())
}
