//! How a file of `/proc` is read: its length is not told, so room for a page is given at once instead of felt for.

use std::{
    fs::File,
    io::{self, Read as _},
};

/// Most of these files are no longer than this, in bytes.
const USUAL_BYTES: usize = 4096;

/// All of a file of `/proc`, at the path below it.
pub(crate) fn read(path: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    // Through a bound, or the file is asked for the length that it does not tell.
    File::open(format!("/proc/{path}"))?.take(u64::MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_any_length_is_read_whole() {
        let long = std::fs::read("/proc/kallsyms").unwrap_or_default();
        assert_eq!(read("kallsyms").unwrap_or_default().len(), long.len());
        let line = read("self/stat").unwrap();
        assert!(line.ends_with(b"\n") && line.len() < USUAL_BYTES);
        assert_eq!(read("self/nothing").unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
