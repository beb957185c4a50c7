//! What an entry that could not be taken says of itself.

use crate::store::Quarantined;

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
