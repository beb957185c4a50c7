//! What a terminal is sent to make it ordinary again.

/// What a client writes when it detaches, so that the person's shell finds an ordinary terminal: it leaves the alternate
/// screen, every mode a program may have set, margins, character sets, colours, links and the cursor's shape.
///
/// Text and place of the cursor stay. The cursor is saved before each step that moves it in some terminal: leaving an
/// alternate screen that was not entered, and setting margins or origin. With full margins the origin means nothing.
pub const RESET: &[u8] = b"\x1b[?2026l\x1b]8;;\x1b\\\
\x1b[<99u\x1b[=0u\x1b7\x1b[?1049l\x1b[<99u\x1b[=0u\x1b[>4;0m\
\x1b[0m\x1b(B\x1b)B\x1b*B\x1b+B\x0f\
\x1b7\x1b[?6l\x1b[r\x1b8\
\x1b[4l\x1b[20l\x1b[?7h\x1b[?1l\x1b>\
\x1b[?9l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1005l\x1b[?1006l\x1b[?1015l\x1b[?1016l\
\x1b[?1004l\x1b[?2004l\x1b[?5l\x1b[?2027l\x1b[?2031l\x1b[?2048l\
\x1b[?25h\x1b[0 q";
