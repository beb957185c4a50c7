//! Times as other programs write them: RFC 3339, also with a space for the `T` and without an offset (then UTC).

use crate::clock::Timestamp;

/// The moment a text means, if it is one.
pub(super) fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(moment) = text.parse() {
        return Some(moment);
    }
    let (date, time) = (text.get(..10)?, text.get(11..)?);
    let between = text.as_bytes()[10];
    if !matches!(between, b'T' | b't' | b' ' | b'_') {
        return None;
    }
    let mut time = time.replace([',', ' '], ".");
    time.make_ascii_uppercase();
    let has_offset = time.ends_with('Z') || time.rfind(['+', '-']).is_some();
    let time = if has_offset { with_colon(&time.replace(".+", "+").replace(".-", "-")) } else { time + "Z" };
    format!("{date}T{time}").parse().ok()
}

/// An offset of four digits, `+0200`, gets its colon.
fn with_colon(time: &str) -> String {
    match time.rfind(['+', '-']) {
        Some(at) if time.len() - at == 5 && time[at + 1..].bytes().all(|it| it.is_ascii_digit()) => {
            format!("{}:{}", &time[..at + 3], &time[at + 3..])
        }
        Some(_) | None => time.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_understood_however_it_is_written() {
        for text in [
            "2025-11-24T10:30:00.123Z",
            "2025-11-24T10:30:00.123456Z",
            "2025-11-24T10:30:00.123456",
            "2025-11-24 10:30:00.123",
            "2025-11-24t10:30:00.123z",
            " 2025-11-24T12:30:00.123+02:00\n",
            "2025-11-24 12:30:00.123 +0200",
            "2025-11-24T05:00:00,123-0530",
        ] {
            assert_eq!(moment(text).unwrap().to_string(), "2025-11-24T10:30:00.123Z", "{text}");
        }
        for text in
            ["", "2025-11-24", "2025-13-24T10:30:00", "yesterday at noon", "ääääääääääää", "1763980200"]
        {
            assert_eq!(moment(text), None, "{text}");
        }
    }
}
