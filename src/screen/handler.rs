//! How each thing a program asks for reaches the emulator, and what is remembered on the way.

use alacritty_terminal::vte::ansi::{
    Attr, CharsetIndex, ClearMode, CursorShape, CursorStyle, Handler, Hyperlink, KeyboardModes,
    KeyboardModesApplyBehavior, LineClearMode, Mode, ModifyOtherKeys, NamedPrivateMode, PrivateMode, Rgb,
    StandardCharset, TabulationClearMode,
};
use unicode_width::UnicodeWidthChar as _;

use super::emulator::Emulator;

const URI_BYTES_MAX: usize = 2048;
/// The only character before the combining marks that takes no column.
const SOFT_HYPHEN: char = '\u{ad}';

macro_rules! pass_on {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {
        $(#[inline]
        fn $name(&mut self, $($argument: $type),*) {
            Handler::$name(&mut self.term, $($argument),*);
        })*
    };
}

impl Handler for Emulator {
    pass_on! {
        goto(line: i32, col: usize);
        goto_line(line: i32);
        insert_blank(count: usize);
        move_forward(cols: usize);
        move_backward(cols: usize);
        backspace();
        carriage_return();
        scroll_down(rows: usize);
        insert_blank_lines(rows: usize);
        erase_chars(count: usize);
        delete_chars(count: usize);
        move_forward_tabs(count: u16);
        clear_line(mode: LineClearMode);
        reverse_index();
        terminal_attribute(attribute: Attr);
        set_mode(mode: Mode);
        unset_mode(mode: Mode);
        set_keypad_application_mode();
        unset_keypad_application_mode();
        configure_charset(index: CharsetIndex, charset: StandardCharset);
        set_color(index: usize, color: Rgb);
        reset_color(index: usize);
        decaln();
    }

    #[inline]
    fn input(&mut self, c: char) {
        if (c >= '\u{300}' || c == SOFT_HYPHEN) && c.width() == Some(0) {
            return self.mark(c);
        }
        self.make_room(1);
        self.term.input(c);
    }

    #[inline]
    fn linefeed(&mut self) {
        self.make_room(1);
        self.term.linefeed();
    }

    fn newline(&mut self) {
        self.make_room(1);
        self.term.newline();
    }

    fn put_tab(&mut self, count: u16) {
        self.make_room(1);
        self.term.put_tab(count);
    }

    fn goto_col(&mut self, col: usize) {
        self.move_to(0, col);
    }

    fn move_up(&mut self, rows: usize) {
        self.move_to(-signed(rows), self.term.grid().cursor.point.column.0);
    }

    fn move_down(&mut self, rows: usize) {
        self.move_to(signed(rows), self.term.grid().cursor.point.column.0);
    }

    fn move_up_and_cr(&mut self, rows: usize) {
        self.move_to(-signed(rows), 0);
    }

    fn move_down_and_cr(&mut self, rows: usize) {
        self.move_to(signed(rows), 0);
    }

    fn move_backward_tabs(&mut self, count: u16) {
        self.term.move_backward_tabs(count);
        // It waits behind nothing any longer, which the emulator forgets.
        self.term.grid_mut().cursor.input_needs_wrap = false;
    }

    fn save_cursor_position(&mut self) {
        self.save_cursor();
    }

    fn restore_cursor_position(&mut self) {
        self.restore_cursor();
    }

    fn scroll_up(&mut self, rows: usize) {
        self.make_room(rows);
        Handler::scroll_up(&mut self.term, rows);
    }

    fn delete_lines(&mut self, rows: usize) {
        self.make_room(rows);
        self.term.delete_lines(rows);
    }

    fn clear_screen(&mut self, mode: ClearMode) {
        match mode {
            ClearMode::All => self.make_room(usize::MAX),
            ClearMode::Saved => self.spill.clear(),
            ClearMode::Above | ClearMode::Below => (),
        }
        self.term.clear_screen(mode);
    }

    fn reset_state(&mut self) {
        self.reset();
    }

    fn set_horizontal_tabstop(&mut self) {
        let column = self.term.grid().cursor.point.column.0;
        self.recall.tabs[column] = true;
        self.term.set_horizontal_tabstop();
    }

    fn clear_tabs(&mut self, mode: TabulationClearMode) {
        match mode {
            TabulationClearMode::Current => {
                let column = self.term.grid().cursor.point.column.0;
                self.recall.tabs[column] = false;
            }
            TabulationClearMode::All => self.recall.tabs.fill(false),
        }
        self.term.clear_tabs(mode);
    }

    fn set_tabs(&mut self, _interval: u16) {
        self.recall.set_usual_tabs();
        self.place_tabs();
    }

    /// Margins that are no region of this screen are ignored, as terminals do.
    fn set_scrolling_region(&mut self, top: usize, bottom: Option<usize>) {
        let rows = usize::from(self.size.rows());
        let bottom = bottom.unwrap_or(rows).min(rows);
        if top >= bottom {
            return;
        }
        self.recall.margins = (top > 1 || bottom < rows).then_some(top - 1..bottom);
        self.term.set_scrolling_region(top, Some(bottom));
    }

    fn set_active_charset(&mut self, index: CharsetIndex) {
        self.recall.charset = index;
        self.term.set_active_charset(index);
    }

    fn set_private_mode(&mut self, mode: PrivateMode) {
        self.turn_mode(mode, true);
    }

    fn unset_private_mode(&mut self, mode: PrivateMode) {
        self.turn_mode(mode, false);
    }

    fn set_cursor_style(&mut self, style: Option<CursorStyle>) {
        self.recall.cursor_style = style;
    }

    fn set_cursor_shape(&mut self, shape: CursorShape) {
        self.recall.cursor_style_mut().shape = shape;
    }

    fn set_hyperlink(&mut self, link: Option<Hyperlink>) {
        // What stands behind a link that cannot be kept is no link, rather than a piece of the one before.
        self.term.set_hyperlink(link.filter(|link| link.uri.len() <= URI_BYTES_MAX));
    }

    fn set_title(&mut self, title: Option<String>) {
        self.said.title |= self.recall.set_title(title);
    }

    fn push_title(&mut self) {
        self.recall.push_title();
    }

    fn pop_title(&mut self) {
        self.said.title |= self.recall.pop_title();
    }

    fn bell(&mut self) {
        self.said.bell = true;
    }

    fn push_keyboard_mode(&mut self, mode: KeyboardModes) {
        self.recall.keyboard.push(mode);
    }

    fn pop_keyboard_modes(&mut self, count: u16) {
        self.recall.keyboard.pop(count);
    }

    fn set_keyboard_mode(&mut self, mode: KeyboardModes, how: KeyboardModesApplyBehavior) {
        self.recall.keyboard.set(mode, how);
    }

    fn set_modify_other_keys(&mut self, mode: ModifyOtherKeys) {
        self.recall.modify_other_keys = match mode {
            ModifyOtherKeys::Reset => 0,
            ModifyOtherKeys::EnableExceptWellDefined => 1,
            ModifyOtherKeys::EnableAll => 2,
        };
    }

    fn identify_terminal(&mut self, intermediate: Option<char>) {
        self.answer_identity(intermediate);
    }

    fn device_status(&mut self, question: usize) {
        self.answer_status(question);
    }

    fn report_mode(&mut self, mode: Mode) {
        self.answer_mode(mode);
    }

    fn report_private_mode(&mut self, mode: PrivateMode) {
        self.answer_private_mode(mode);
    }

    fn report_keyboard_mode(&mut self) {
        let flags = self.recall.keyboard.flags();
        self.answer(format_args!("\x1b[?{flags}u"));
    }

    fn report_modify_other_keys(&mut self) {
        let level = self.recall.modify_other_keys;
        self.answer(format_args!("\x1b[>4;{level}m"));
    }

    fn text_area_size_chars(&mut self) {
        let (rows, cols) = (self.size.rows(), self.size.cols());
        self.answer(format_args!("\x1b[8;{rows};{cols}t"));
    }

    fn dynamic_color_sequence(&mut self, prefix: String, index: usize, end: &str) {
        self.answer_colour(&prefix, index, end);
    }
}

/// So many rows, as far as they can be counted.
fn signed(rows: usize) -> i32 {
    i32::try_from(rows).unwrap_or(i32::MAX)
}

impl Emulator {
    fn turn_mode(&mut self, mode: PrivateMode, on: bool) {
        match mode {
            // The older ways to the alternate screen keep the cursor where it is; nearly all programs that use them
            // place it at once.
            PrivateMode::Named(NamedPrivateMode::SwapScreenAndSetRestoreCursor)
            | PrivateMode::Unknown(47 | 1047) => self.turn_screen(on),
            PrivateMode::Unknown(1048) if on => self.save_cursor(),
            PrivateMode::Unknown(1048) => self.restore_cursor(),
            PrivateMode::Unknown(66) if on => self.term.set_keypad_application_mode(),
            PrivateMode::Unknown(66) => self.term.unset_keypad_application_mode(),
            PrivateMode::Unknown(mode) => self.recall.set_foreign_mode(mode, on),
            PrivateMode::Named(NamedPrivateMode::SyncUpdate) => self.recall.is_updating = on,
            PrivateMode::Named(NamedPrivateMode::BlinkingCursor) => {
                self.recall.cursor_style_mut().blinking = on;
            }
            // Terminals change between 80 and 132 columns only if a person allowed it; the emulator would clear.
            PrivateMode::Named(NamedPrivateMode::ColumnMode) => (),
            PrivateMode::Named(named) => {
                self.recall.chose_wheel |= named == NamedPrivateMode::AlternateScroll;
                if on { self.term.set_private_mode(mode) } else { self.term.unset_private_mode(mode) }
            }
        }
    }
}
