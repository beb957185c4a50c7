//! Spans of time as people type them.

use std::time::Duration;

use super::Failure;
use crate::clock::{Timestamp, TimestampError};

const WANTED: &str = "a span such as 500ms, 90s, 10m, 2h or 1d";

/// `90`, `90s`, `500ms`, `10m`, `2h`, `1d`; without a unit, seconds.
pub(super) fn span(text: &str) -> Result<Duration, Failure> {
    let wrong = || Failure::Value { given: text.to_owned(), wanted: WANTED };
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let millis = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(millis).map(Duration::from_millis).ok_or_else(wrong)
}

/// A time, or the one that lies a span back.
pub(super) fn moment(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let parsed: Result<Timestamp, TimestampError> = text.parse();
    if let Ok(moment) = parsed {
        return Ok(moment);
    }
    let wrong = || Failure::Value {
        given: text.to_owned(),
        wanted: "a span such as 10m, or a time such as 2025-11-24T10:30:00Z",
    };
    let back = span(text).map_err(|_| wrong())?;
    let back = i64::try_from(back.as_millis()).map_err(|_| wrong())?;
    now.unix_millis().checked_sub(back).and_then(Timestamp::from_unix_millis).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_number_and_a_unit() {
        let seconds = |text| span(text).map(|span| span.as_secs_f64()).ok();
        assert_eq!(
            ["0", "90", "90s", "500ms", "10m", "2h", "1d"].map(seconds),
            [0.0, 90.0, 90.0, 0.5, 600.0, 7_200.0, 86_400.0].map(Some)
        );
        for text in ["", "s", "-1", "1.5s", "1w", "1 s", "99999999999999999999", "9999999999999999d"] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn a_moment_is_a_time_or_lies_back() {
        let now: Timestamp = "2025-11-24T10:30:00Z".parse().unwrap();
        let text = |given| moment(given, now).map(|moment| moment.to_string()).ok();
        assert_eq!(text("90s").unwrap(), "2025-11-24T10:28:30.000Z");
        assert_eq!(text("2025-11-24T09:00:00+01:00").unwrap(), "2025-11-24T08:00:00.000Z");
        assert_eq!([text("soon"), text("99999999d")], [None, None]);
    }
}
