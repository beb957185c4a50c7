//! The page that a browser gets: its files, which `build.rs` puts into the program.

include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// A file of the page.
pub(super) struct Asset {
    /// What it holds.
    pub(super) bytes: &'static [u8],
    /// What that is.
    pub(super) content_type: &'static str,
    /// What changes when it changes, in quotes.
    pub(super) etag: &'static str,
    /// Whether its name changes when it changes, so that it may be kept for good.
    pub(super) is_lasting: bool,
}

/// The file at a path; the page itself at `/`.
pub(super) fn asset(path: &str) -> Option<&'static Asset> {
    let name = match path {
        "/" => "index.html",
        _ => path.strip_prefix('/')?,
    };
    ASSETS.iter().find(|(known, _)| *known == name).map(|(_, asset)| asset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_and_what_it_asks_for_are_there() {
        let page = asset("/").expect("there always is a page");
        assert!(page.content_type.starts_with("text/html"));
        let text = std::str::from_utf8(page.bytes).unwrap();
        let asked: Vec<&str> = text.split('"').filter(|part| part.starts_with("/assets/")).collect();
        assert!(!asked.is_empty());
        assert!(asked.iter().all(|path| asset(path).is_some()), "{asked:?}");
        assert!(asset("/../Cargo.toml").is_none() && asset("").is_none());
    }
}
