//! Whether a table is kept up to the last byte of its size, and no further.

use super::support::{Place, sessions};
use crate::store::{FILE_BYTES_MAX, Origin, StoreError};

/// A table with a member of somebody else that has so many spaces in it, which are kept to the letter.
fn padded(spaces: usize) -> Place {
    let spaces = " ".repeat(spaces);
    Place::holding(format!(r#"{{"version":"1.0","sessions":[],"more":[{spaces}]}}"#))
}

#[test]
fn the_largest_table_is_written_and_read_again() {
    let small = padded(0);
    small.save(&sessions(1));
    let spaces = usize::try_from(FILE_BYTES_MAX).unwrap() - small.bytes().len();
    let largest = padded(spaces);
    largest.save(&sessions(1));
    assert_eq!(largest.bytes().len() as u64, FILE_BYTES_MAX);
    let reading = largest.read();
    assert_eq!((reading.origin, reading.sessions), (Origin::File, sessions(1)));
    let larger = padded(spaces + 1);
    assert!(matches!(larger.try_save(&sessions(1)), Err(StoreError::TooLarge { .. })));
    assert_eq!(larger.names(), [".claude-container-sessions.json"]);
}
