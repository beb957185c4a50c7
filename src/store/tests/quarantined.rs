//! What an entry that could not be taken says of itself, and when it is taken after all.

use super::support::{Place, entry as session, sessions};
use crate::store::{Quarantined, Reading};

const ID: &str = "00000000-0000-4000-8000-000000000001";

fn entry(text: &str) -> Quarantined {
    Quarantined { entry: text.to_owned(), because: "its status is unknown".to_owned() }
}

#[test]
fn it_goes_by_the_name_in_any_case_and_by_the_id() {
    let both = entry(&format!(r#"{{"id":"{ID}","name":"Auth"}}"#));
    assert!(both.goes_by("Auth") && both.goes_by("aUTH") && both.goes_by(ID));
    assert!(!both.goes_by("other") && !both.goes_by("") && !both.goes_by(&ID[1..]));
    assert_eq!(both.id(), ID.parse().ok());
    let by_name = entry(r#"{"id":7,"name":"auth"}"#);
    assert!(by_name.goes_by("auth") && !by_name.goes_by("7"));
    assert_eq!(by_name.id(), None);
}

#[test]
fn what_is_no_object_goes_by_nothing() {
    for text in ["7", "null", "[]", "{}", r#""auth""#] {
        assert!(!entry(text).goes_by("auth") && !entry(text).goes_by(""), "{text}");
        assert_eq!(entry(text).id(), None, "{text}");
    }
}

#[test]
fn its_summary_is_one_line_of_sixty_characters_at_most() {
    assert_eq!(entry("{\n  \"name\":\t\"a\"\n}").summary(), r#"{ "name": "a" }"#);
    let exact = "ä".repeat(60);
    assert_eq!(entry(&exact).summary(), exact);
    assert_eq!(entry(&format!("{exact}b")).summary(), format!("{exact}…"));
}

/// A table of the first session, with this entry in quarantine for this reason.
fn beside_the_first(entry: &str, because: &str) -> Reading {
    let (first, because) = (session(1, ""), serde_json::to_string(because).unwrap());
    let kept = format!(r#"[{{"because":{because},"entry":{entry}}}]"#);
    Place::holding(format!(r#"{{"version":"1.0","sessions":[{first}],"quarantine":{kept}}}"#)).read()
}

#[test]
fn one_that_was_corrected_is_taken() {
    let reading = beside_the_first(&session(2, ""), "its status is unknown");
    assert_eq!((reading.sessions, reading.quarantined), (sessions(2), Vec::new()));
}

#[test]
fn one_that_cannot_be_read_yet_stays_as_it_is() {
    let reading = beside_the_first("7", "it is no object");
    assert_eq!(reading.sessions, sessions(1));
    assert_eq!(
        reading.quarantined,
        [Quarantined { entry: "7".to_owned(), because: "it is no object".to_owned() }]
    );
}

#[test]
fn one_that_is_or_was_in_the_way_stays() {
    let was = "an earlier session has the name `s2`";
    for (entry, because, says) in [
        (session(2, ""), was, was),
        (session(1, ""), "its status is unknown", "an earlier session has the same id"),
        (
            session(2, "").replace("\"s2\"", "\"s1\""),
            "its status is unknown",
            "it can be read, but an earlier session has the name `s1`",
        ),
    ] {
        let reading = beside_the_first(&entry, because);
        assert_eq!(reading.sessions, sessions(1), "{says}");
        assert_eq!(reading.quarantined, [Quarantined { entry, because: says.to_owned() }]);
    }
}
