//! What a terminal shows.

/// How large a terminal is, in character cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    rows: u16,
    cols: u16,
}

impl Size {
    /// A size that can be emulated: 1 to 1000 rows, 2 to 1000 columns.
    pub fn new(rows: u16, cols: u16) -> Option<Self> {
        ((1..=1000).contains(&rows) && (2..=1000).contains(&cols)).then_some(Self { rows, cols })
    }

    /// Its rows.
    pub fn rows(self) -> u16 {
        self.rows
    }

    /// Its columns.
    pub fn cols(self) -> u16 {
        self.cols
    }
}

impl Default for Size {
    fn default() -> Self {
        Self { rows: 24, cols: 80 }
    }
}
/// stub
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Notice {
    Bell,
    Notification(String),
    Prompt(PromptMark),
    Title,
    Rebuilt,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PromptMark {
    Prompt,
    Input,
    Output,
    Done { exit_code: Option<i32> },
}
#[allow(missing_docs)]
pub struct Fed {
    pub replies: Vec<u8>,
    pub notices: Vec<Notice>,
}
#[allow(missing_docs)]
pub struct Screen {
    size: Size,
    seen: Vec<u8>,
}
#[allow(missing_docs)]
impl Screen {
    pub fn new(size: Size, _m: usize) -> Self {
        Self { size, seen: vec![] }
    }
    pub fn feed(&mut self, b: &[u8]) -> Fed {
        self.seen.extend(b);
        if self.seen.len() > 100_000 {
            self.seen.drain(..50_000);
        }
        Fed { replies: vec![], notices: vec![] }
    }
    pub fn resize(&mut self, size: Size) {
        self.size = size;
    }
    pub fn size(&self) -> Size {
        self.size
    }
    pub fn snapshot(&mut self, _m: usize) -> Vec<u8> {
        self.seen.clone()
    }
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }
    pub fn ansi(&self) -> String {
        self.text()
    }
    pub fn title(&self) -> Option<&str> {
        None
    }
    pub fn is_alternate(&self) -> bool {
        false
    }
    pub fn takes_bracketed_paste(&self) -> bool {
        false
    }
}
/// stub
pub const RESET: &[u8] = b"\x1b[?2026l\x1b[?1049l\x1b[0m";
