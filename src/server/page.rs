//! The page that a browser gets: its files, embedded in the program.

/// A file of the page.
pub(super) struct Asset {
    /// What it holds.
    pub(super) bytes: &'static [u8],
    /// What that is.
    pub(super) content_type: &'static str,
    /// What changes when it changes, in quotes.
    pub(super) etag: &'static str,
}

/// A page for those who have nothing but a browser.
const PLAIN: &str = "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>wharf</title>\n\
     <h1>wharf</h1><p>The server answers. Its API is below <code>/api/v1</code>.</p></html>\n";

/// The file at a path; the page itself at `/`.
pub(super) fn asset(path: &str) -> Option<Asset> {
    let plain =
        Asset { bytes: PLAIN.as_bytes(), content_type: "text/html; charset=utf-8", etag: "\"plain\"" };
    (path == "/").then_some(plain)
}
