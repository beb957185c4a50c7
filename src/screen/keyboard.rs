//! Which keys the program asked to get in the kitty protocol, for each of the two screens.

use alacritty_terminal::vte::ansi::{KeyboardModes, KeyboardModesApplyBehavior};

use super::ink::put;

/// More entries than any program pushes; the oldest is given up for the newest.
const DEPTH_MAX: usize = 32;

/// The flags of one screen: the base, and what was pushed on it. The last entry counts.
#[derive(Clone, Debug)]
struct Stack(Vec<u8>);

impl Default for Stack {
    fn default() -> Self {
        Self(vec![0])
    }
}

/// The keyboard modes of the primary and the alternate screen.
#[derive(Clone, Debug, Default)]
pub(super) struct Keyboard {
    primary: Stack,
    alternate: Stack,
    on_alternate: bool,
}

impl Keyboard {
    /// Says which screen the next requests are for.
    pub(super) fn turn_to(&mut self, is_alternate: bool) {
        self.on_alternate = is_alternate;
    }

    pub(super) fn flags(&self) -> u8 {
        let stack = if self.on_alternate { &self.alternate } else { &self.primary };
        stack.0.last().copied().unwrap_or(0)
    }

    pub(super) fn push(&mut self, flags: KeyboardModes) {
        let stack = &mut self.stack().0;
        if stack.len() > DEPTH_MAX {
            stack.remove(1);
        }
        stack.push(flags.bits());
    }

    /// Takes entries off; who takes more than were pushed gets plain keys again.
    pub(super) fn pop(&mut self, count: u16) {
        let stack = &mut self.stack().0;
        match stack.len().checked_sub(count.into()) {
            Some(left) if left > 0 => stack.truncate(left),
            _ => *stack = vec![0],
        }
    }

    pub(super) fn set(&mut self, flags: KeyboardModes, how: KeyboardModesApplyBehavior) {
        let Some(last) = self.stack().0.last_mut() else { return };
        *last = match how {
            KeyboardModesApplyBehavior::Replace => flags.bits(),
            KeyboardModesApplyBehavior::Union => *last | flags.bits(),
            KeyboardModesApplyBehavior::Difference => *last & !flags.bits(),
        };
    }

    /// Writes what brings a screen without any modes to the ones of this screen.
    pub(super) fn write(&self, is_alternate: bool, out: &mut Vec<u8>) {
        let stack = if is_alternate { &self.alternate } else { &self.primary };
        for (depth, flags) in stack.0.iter().enumerate() {
            match (depth, flags) {
                (0, 0) => (),
                (0, _) => put(out, format_args!("\x1b[={flags}u")),
                _ => put(out, format_args!("\x1b[>{flags}u")),
            }
        }
    }

    fn stack(&mut self) -> &mut Stack {
        if self.on_alternate { &mut self.alternate } else { &mut self.primary }
    }
}
