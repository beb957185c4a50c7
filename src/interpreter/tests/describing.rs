//! Whether our own descriptions are right, and wrong ones are refused.

use super::super::*;

#[test]
fn our_own_table_is_right() {
    let names: Vec<String> = Interpreters::builtin().iter().map(|it| it.name().to_owned()).collect();
    assert!(names.contains(&"bash".to_owned()), "{names:?}");
}
