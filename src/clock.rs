//! What time it is: a moment as a value, and the source of the current one.

use std::{fmt, str::FromStr, time::SystemTime};

use thiserror::Error;
use time::{
    Duration, OffsetDateTime, UtcOffset,
    format_description::{BorrowedFormatItem, well_known::Rfc3339},
    macros::format_description,
};

const WIRE: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const COMPACT: &[BorrowedFormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second].[subsecond digits:3]Z");

/// A moment in UTC, to the millisecond, printed as `2025-11-24T10:30:00.000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(OffsetDateTime);

/// Why a text is not a moment.
#[derive(Debug, Error)]
#[error("`{}` is not an RFC 3339 time in the years 0 to 9999", text.escape_default())]
pub struct TimestampError {
    /// What was read.
    pub text: String,
    source: time::error::Parse,
}

impl Timestamp {
    /// The moment this many milliseconds after the Unix epoch; `None` outside the years 0 to 9999.
    pub fn from_unix_millis(millis: i64) -> Option<Self> {
        let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).ok()?;
        (0..=9999).contains(&moment.year()).then_some(Self(moment))
    }

    /// Milliseconds since the Unix epoch.
    pub fn unix_millis(self) -> i64 {
        i64::try_from(self.0.unix_timestamp_nanos() / 1_000_000)
            .expect("ten thousand years of milliseconds fit into 64 bits")
    }

    /// Seconds since `earlier`; zero when the clock went backwards.
    pub fn seconds_since(self, earlier: Self) -> u64 {
        u64::try_from((self.0 - earlier.0).whole_seconds()).unwrap_or(0)
    }

    /// This moment, some days later; the last representable moment when that is out of range.
    #[must_use]
    pub fn plus_days(self, days: u32) -> Self {
        self.0.checked_add(Duration::days(i64::from(days))).map_or(self, Self)
    }

    /// The UTC date, `2025-11-24`.
    pub fn date(self) -> String {
        self.0.format(DATE).expect("a date has all the parts the format names")
    }

    /// A form that is safe in a file name, `20251124T103000.000Z`.
    pub fn compact(self) -> String {
        self.0.format(COMPACT).expect("a moment has all the parts the format names")
    }
}

impl From<SystemTime> for Timestamp {
    fn from(moment: SystemTime) -> Self {
        let moment = OffsetDateTime::from(moment);
        Self(truncated(moment))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.format(WIRE).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Takes any RFC 3339 form and keeps whole milliseconds of it, in UTC.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let moment = OffsetDateTime::parse(text, &Rfc3339)
            .map_err(|source| TimestampError { text: text.to_owned(), source })?;
        Ok(Self(truncated(moment.to_offset(UtcOffset::UTC))))
    }
}

fn truncated(moment: OffsetDateTime) -> OffsetDateTime {
    moment.replace_millisecond(moment.millisecond()).expect("the millisecond of a moment is in range")
}

/// Where the current moment comes from.
pub trait Clock: Send + Sync {
    /// The current moment.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one reader of the real clock")]
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_seconds_keep_their_zeros() {
        let moment = Timestamp::from_unix_millis(1_763_980_200_000).unwrap();
        assert_eq!(moment.to_string(), "2025-11-24T10:30:00.000Z");
        assert_eq!(moment.date(), "2025-11-24");
        assert_eq!(moment.compact(), "20251124T103000.000Z");
    }

    #[test]
    fn other_forms_of_a_moment_become_ours() {
        for text in ["2025-11-24T12:30:00.0009+02:00", "2025-11-24T10:30:00Z", "2025-11-24T10:30:00.000Z"] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), "2025-11-24T10:30:00.000Z");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in ["", "yesterday", "2025-13-01T00:00:00Z", "99999-01-01T00:00:00.000Z", "2025-11-24"] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
        assert_eq!(Timestamp::from_unix_millis(i64::MAX), None);
    }

    #[test]
    fn a_clock_that_went_backwards_gives_no_age() {
        let early = Timestamp::from_unix_millis(0).unwrap();
        let late = early.plus_days(2);
        assert_eq!(late.seconds_since(early), 172_800);
        assert_eq!(early.seconds_since(late), 0);
    }

    #[test]
    fn the_system_clock_moves_on() {
        let first = SystemClock.now();
        assert!(first <= SystemClock.now());
        assert!(first.unix_millis() > 1_763_980_200_000);
    }
}
