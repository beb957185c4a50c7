//! The page on faults names only files and tests that are there.

use std::{fs, path::PathBuf};

#[test]
fn what_the_page_on_faults_names_is_there() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/faults.md")).unwrap();
    let mut tests = 0;
    // Every second part stands between backticks.
    for named in page.split('`').skip(1).step_by(2) {
        if !["src/", "tests/", "scripts/"].iter().any(|it| named.starts_with(it)) {
            continue;
        }
        let (file, name) = named.split_once("::").unwrap_or((named, ""));
        let text = fs::read_to_string(root.join(file)).unwrap_or_else(|err| panic!("{file}: {err}"));
        if name.is_empty() {
            continue;
        }
        tests += 1;
        let (function, fact) = (format!("fn {name}("), format!("\n{name}() {{"));
        let is_marked = |part: &str| part.contains("#[test]") || part.contains("#[tokio::test");
        let is_test = |part: &str| is_marked(part) && part.contains(&function);
        let is_there =
            text.split("\n\n").any(is_test) || (file.starts_with("scripts/") && text.contains(&fact));
        assert!(is_there, "{file} has no test `{name}`");
    }
    assert!(tests > 100, "the page names only {tests} tests");
}
