//! When somebody types the key that leaves, and when the same bytes only pass by.

use std::time::{Duration, Instant};

use super::Role;
use crate::key::DetachKey;

const ESCAPE: u8 = 0x1b;
/// How long the beginning of what may be the key is kept back.
const KEY_WAIT: Duration = Duration::from_millis(50);
/// Ctrl-c, with which whoever only looks on can leave too.
const INTERRUPT: u8 = 3;
/// The longest sequence that a terminal sends for a key.
const SEQUENCE_BYTES_MAX: usize = 64;
/// A paste of which nothing comes for this time has ended, so that nobody is locked in. The key by itself is nothing of it.
const PASTE_QUIET_MAX: Duration = Duration::from_secs(2);
/// More keys than this that wait to be read were not typed.
const TYPED_BYTES_MAX: usize = 64;
const PASTE_BEGIN: &[u8] = b"\x1b[200~";
const PASTE_END: &[u8] = b"\x1b[201~";
const CONTROL: u32 = 4;
/// Caps lock and num lock, which are reported as if they were held.
const LOCKS: u32 = 64 | 128;
const RELEASED: u32 = 3;

/// Whether an escape sequence stands for the key: `CSI 92;5u` (kitty keyboard), `CSI 27;5;92~` (modifyOtherKeys).
fn stands_for(sequence: &[u8], key: DetachKey) -> bool {
    let Some((last, parameters)) = sequence.strip_prefix(b"\x1b[").and_then(<[u8]>::split_last) else {
        return false;
    };
    let Ok(text) = std::str::from_utf8(parameters) else {
        return false;
    };
    let mut parts = text.split(';').map(|part| part.split(':').map(|number| number.parse::<u32>().ok()));
    let code = u32::from(key.letter());
    match last {
        b'u' => {
            // The key, the key with shift, and the key at this place of a Latin keyboard.
            let is_key = parts.next().is_some_and(|mut codes| codes.any(|it| it == Some(code)));
            let mut held = parts.next().into_iter().flatten();
            is_key && is_control(held.next().flatten()) && held.next().flatten() != Some(RELEASED)
        }
        b'~' => {
            let mut first = || parts.next().and_then(|mut part| part.next()).flatten();
            first() == Some(27) && is_control(first()) && first() == Some(code)
        }
        _ => false,
    }
}

/// Whether keys end a paste that they do not begin, or are more than anybody types before they are read.
fn is_rest_of_paste(keys: &[u8]) -> bool {
    let begins = memchr::memmem::find(keys, PASTE_BEGIN);
    match memchr::memmem::find(keys, PASTE_END) {
        Some(end) => begins.is_none_or(|begin| end < begin),
        None => keys.len() > TYPED_BYTES_MAX && begins.is_none(),
    }
}

fn is_control(modifiers: Option<u32>) -> bool {
    modifiers.and_then(|it| it.checked_sub(1)).is_some_and(|held| held & !LOCKS == CONTROL)
}

/// Looks at what is typed on its way to the program.
#[derive(Debug)]
pub(super) struct Watch {
    key: DetachKey,
    /// An escape sequence that has begun.
    sequence: Vec<u8>,
    /// How much of it went on already.
    passed: usize,
    /// When what is kept back is let go.
    release_at: Option<Instant>,
    pasting: Option<Instant>,
    /// Whether nobody knows what was read before.
    is_in_doubt: bool,
}

/// What was half typed or half pasted when somebody else began to read the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// Whether a paste has begun.
    pub is_pasting: bool,
    /// The beginning of a sequence, which has gone to the program.
    pub begun: Vec<u8>,
}

/// What is to be done with what was typed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Typed {
    /// What goes to the program.
    pub(super) bytes: Vec<u8>,
    /// Whether the key was typed behind it; what came after is gone.
    pub(super) leaves: bool,
}

impl Typed {
    /// Whether whoever typed this in such a role wants to leave.
    pub(super) fn is_farewell(&self, role: Role) -> bool {
        self.leaves || (role == Role::Observe && self.bytes.contains(&INTERRUPT))
    }
}

impl Watch {
    /// Waits for this key.
    pub(super) fn of(key: DetachKey) -> Self {
        Self { key, sequence: Vec::new(), passed: 0, release_at: None, pasting: None, is_in_doubt: false }
    }

    /// The key.
    pub(super) fn key(&self) -> DetachKey {
        self.key
    }

    /// Whether nothing is half typed or half pasted.
    pub(super) fn is_at_rest(&self) -> bool {
        self.sequence.is_empty() && self.pasting.is_none()
    }

    /// When the beginning of what may be the key, which is kept back, is to be let go by [`Self::release`].
    pub(super) fn release_at(&self) -> Option<Instant> {
        self.release_at
    }

    /// Lets go what was kept back, for nothing followed it.
    pub(super) fn release(&mut self) -> Vec<u8> {
        self.release_at = None;
        let bytes = self.sequence[self.passed..].to_vec();
        self.passed = self.sequence.len();
        bytes
    }

    /// What whoever reads the keys next has to know, when all that was kept back is let go.
    pub(super) fn unfinished(&self) -> Unfinished {
        Unfinished { is_pasting: self.pasting.is_some(), begun: self.sequence.clone() }
    }

    /// Goes on where somebody else left off.
    pub(super) fn go_on(&mut self, from: Unfinished, now: Instant) {
        self.sequence = from.begun;
        self.sequence.truncate(SEQUENCE_BYTES_MAX);
        self.passed = self.sequence.len();
        self.pasting = from.is_pasting.then_some(now);
    }

    /// Goes on where somebody else left off who does not say where that is: the keys that come first may be the rest of a
    /// paste.
    pub(super) fn doubt(&mut self) {
        self.go_on(Unfinished::default(), Instant::now());
        self.is_in_doubt = true;
    }

    /// Takes what was typed.
    pub(super) fn take(&mut self, bytes: &[u8], now: Instant) -> Typed {
        if std::mem::take(&mut self.is_in_doubt) && is_rest_of_paste(bytes) {
            self.pasting = Some(now);
        }
        let is_over = |begun: Instant| now.saturating_duration_since(begun) > PASTE_QUIET_MAX;
        if self.pasting.is_some_and(is_over) {
            self.pasting = None;
        }
        let mut typed = Typed::default();
        for &byte in bytes {
            if self.step(byte, now, &mut typed.bytes) {
                typed.leaves = true;
                self.release_at = None;
                return typed;
            }
        }
        // Escape by itself is a key, and whoever types it does not want to wait.
        if self.sequence.len() == 1 {
            typed.bytes.extend(self.release());
        }
        self.release_at = (self.passed < self.sequence.len()).then(|| now + KEY_WAIT);
        // Whoever presses the key again and again must not prolong what keeps them.
        if self.pasting.is_some() && !self.is_only_key(bytes) {
            self.pasting = Some(now);
        }
        typed
    }

    /// Whether nothing but the key was read, however often.
    fn is_only_key(&self, bytes: &[u8]) -> bool {
        let mut spelled = bytes.split_inclusive(|byte| matches!(byte, b'u' | b'~'));
        bytes.iter().all(|byte| *byte == self.key.byte()) || spelled.all(|it| stands_for(it, self.key))
    }

    /// One byte more; answers whether it was the last of the key.
    fn step(&mut self, byte: u8, now: Instant, out: &mut Vec<u8>) -> bool {
        if byte == self.key.byte() && self.pasting.is_none() {
            self.pass(out);
            return true;
        }
        if byte == ESCAPE {
            self.pass(out);
            self.sequence.push(byte);
            return false;
        }
        if self.sequence.is_empty() {
            out.push(byte);
            return false;
        }
        self.sequence.push(byte);
        let is_open = match self.sequence.len() {
            2 => byte == b'[',
            length => matches!(byte, 0x20..=0x3f) && length < SEQUENCE_BYTES_MAX,
        };
        if is_open {
            return false;
        }
        match &*self.sequence {
            PASTE_BEGIN => self.pasting = Some(now),
            PASTE_END => self.pasting = None,
            sequence if self.pasting.is_none() && stands_for(sequence, self.key) => {
                self.sequence.clear();
                self.passed = 0;
                return true;
            }
            _ => (),
        }
        self.pass(out);
        false
    }

    /// The sequence is over and goes on.
    fn pass(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.sequence[self.passed..]);
        self.sequence.clear();
        self.passed = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch() -> Watch {
        Watch::of(DetachKey::default())
    }

    fn typed(bytes: &[u8]) -> Typed {
        watch().take(bytes, Instant::now())
    }

    #[test]
    fn the_key_leaves_in_every_way_a_terminal_spells_it() {
        let spelled: &[&[u8]] = &[
            b"\x1c",
            b"\x1b[92;5u",
            b"\x1b[92;5:1u",
            b"\x1b[92:124;5u",
            b"\x1b[1092::92;5;28u",
            b"\x1b[92;69u",
            b"\x1b[92;133u",
            b"\x1b[27;5;92~",
        ];
        for key in spelled {
            let mut stream = b"ls\r".to_vec();
            stream.extend_from_slice(key);
            stream.extend_from_slice(b"rest");
            let text = String::from_utf8_lossy(key);
            assert_eq!(typed(&stream), Typed { bytes: b"ls\r".to_vec(), leaves: true }, "{text:?}");
        }
    }

    #[test]
    fn other_keys_pass_to_the_byte() {
        let others: &[&[u8]] = &[
            b"plain text\r\n",
            b"\x1b",
            b"\x1b\x1b[A",
            b"\x1bOP\x1b[15;5~",
            b"\x1b[92u",
            b"\x1b[92;2u",
            b"\x1b[92;7u",
            b"\x1b[92;5:3u",
            b"\x1b[93;5u",
            b"\x1b[27;5;93~",
            b"\x1b[<35;92;5M",
            b"\x1b]11;rgb:0000/0000/0000\x1b\\",
            "世界 \u{1f680}".as_bytes(),
        ];
        for bytes in others {
            let text = String::from_utf8_lossy(bytes);
            assert_eq!(typed(bytes), Typed { bytes: bytes.to_vec(), leaves: false }, "{text:?}");
        }
    }

    #[test]
    fn a_key_that_comes_in_pieces_is_the_key() {
        let mut watch = watch();
        let now = Instant::now();
        assert_eq!(watch.take(b"a\x1b[9", now), Typed { bytes: b"a".to_vec(), leaves: false });
        assert_eq!(watch.release_at(), Some(now + KEY_WAIT));
        assert_eq!(watch.take(b"2;5", now), Typed::default());
        assert_eq!(watch.take(b"u", now), Typed { bytes: Vec::new(), leaves: true });
    }

    #[test]
    fn what_is_kept_back_is_let_go_once() {
        let mut watch = watch();
        let now = Instant::now();
        assert_eq!(watch.take(b"\x1b[1", now).bytes, b"");
        assert_eq!(watch.release(), b"\x1b[1");
        assert_eq!(watch.release_at(), None);
        assert_eq!(watch.take(b"5~x", now).bytes, b"5~x");
    }

    #[test]
    fn escape_by_itself_does_not_wait() {
        let mut watch = watch();
        assert_eq!(watch.take(b"\x1b", Instant::now()).bytes, b"\x1b");
        assert_eq!(watch.release_at(), None);
        assert_eq!(watch.take(b"[A", Instant::now()).bytes, b"[A");
    }

    #[test]
    fn a_paste_with_the_byte_in_it_does_not_leave() {
        let mut watch = watch();
        let now = Instant::now();
        let parts =
            [&b"\x1b"[..], b"[200~one \x1c two \x1b[92;5u", b" three \x1c", b" four \x1c\x1b[20", b"1~"];
        // It may come slowly.
        for (second, part) in (0..).zip(parts) {
            assert!(!watch.take(part, now + Duration::from_secs(second)).leaves);
        }
        assert!(watch.take(b"\x1c", now + Duration::from_secs(4)).leaves);
    }

    #[test]
    fn a_paste_without_an_end_does_not_lock_anybody_in() {
        let mut watch = watch();
        let now = Instant::now();
        assert!(!watch.take(b"\x1b[200~text", now).leaves);
        assert!(!watch.take(b"\x1c", now + Duration::from_secs(1)).leaves);
        assert!(watch.take(b"\x1c", now + Duration::from_secs(4)).leaves);
    }

    #[test]
    fn whoever_presses_the_key_again_and_again_leaves_when_a_paste_is_quiet() {
        let now = Instant::now();
        for key in [&b"\x1c"[..], b"\x1c\x1c", b"\x1b[92;5u", b"\x1b[92;5u\x1b[92;5u"] {
            let mut watch = watch();
            assert!(!watch.take(b"\x1b[200~text", now).leaves);
            let mut at = |millis| watch.take(key, now + Duration::from_millis(millis)).leaves;
            let left = (1..=30).find(|tenth| at(tenth * 100));
            assert_eq!(left, Some(21), "{}", key.escape_ascii());
        }
    }

    #[test]
    fn who_reads_on_knows_of_a_paste_and_of_half_a_key() {
        let now = Instant::now();
        for first in [&b"\x1b[200~one"[..], b"\x1b[20", b"\x1b"] {
            let rest = &b"\x1b[200~one \x1c two"[first.len()..];
            let (mut before, mut after) = (watch(), watch());
            let mut bytes = before.take(first, now).bytes;
            bytes.extend(before.release());
            after.go_on(before.unfinished(), now);
            assert!(!after.is_at_rest());
            let typed = after.take(rest, now);
            bytes.extend(typed.bytes);
            assert_eq!(String::from_utf8(bytes).unwrap(), "\x1b[200~one \x1c two");
            assert!(!typed.leaves && !after.is_at_rest());
            assert!(after.take(b"\x1b[201~\x1c", now).leaves);
        }
    }

    #[test]
    fn the_rest_of_a_paste_of_which_nobody_tells_does_not_leave() {
        let now = Instant::now();
        let long = [&[b'x'; 80][..], b"\x1c the rest"].concat();
        for (rest, leaves) in [
            (&b"\x1c"[..], true),
            (b"ls\r\x1c", true),
            (b"rm \x1c -rf\x1b[201~", false),
            (b"\x1b[200~one\x1b[201~\x1c", true),
            (&long, false),
        ] {
            let mut watch = watch();
            watch.doubt();
            assert_eq!(watch.take(rest, now).leaves, leaves, "{}", rest.escape_ascii());
            assert!(leaves || !watch.take(b"\x1b[201~", now).leaves);
            assert!(watch.take(b"\x1c", now).leaves, "the next key is a key");
        }
    }

    #[test]
    fn who_looks_on_leaves_with_an_interrupt_too() {
        for (bytes, role, leaves) in [
            (&b"\x03"[..], Role::Observe, true),
            (b"\x03", Role::Control, false),
            (b"x", Role::Observe, false),
            (b"\x1c", Role::Take, true),
        ] {
            assert_eq!(typed(bytes).is_farewell(role), leaves, "{bytes:?} {role:?}");
        }
    }
}
