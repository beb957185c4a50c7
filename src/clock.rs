//! What time it is: a moment as a value, and the source of the current one.

use std::{fmt, str::FromStr, time::SystemTime};

use thiserror::Error;
use time::{
    Date, Duration, Month, OffsetDateTime, Time, UtcDateTime,
    format_description::{BorrowedFormatItem, well_known::Rfc3339},
    macros::format_description,
};

/// What a printed moment looks like; each zero stands for a digit.
const WIRE: [u8; 24] = *b"0000-00-00T00:00:00.000Z";
/// Where its numbers begin and how many digits they have: year, month, day, hour, minute, second, millisecond.
const NUMBERS: [(usize, usize); 7] = [(0, 4), (5, 2), (8, 2), (11, 2), (14, 2), (17, 2), (20, 3)];
/// Where the other characters are.
const MARKS: [usize; 7] = [4, 7, 10, 13, 16, 19, 23];
/// `9999-12-31T23:59:59.999Z`, the last moment that can be printed.
const LAST_MILLIS: i64 = 253_402_300_799_999;
const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const COMPACT: &[BorrowedFormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second].[subsecond digits:3]Z");

/// A moment in UTC, to the millisecond, printed as `2025-11-24T10:30:00.000Z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(UtcDateTime);

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
        let moment = UtcDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000).ok()?;
        (0..=9999).contains(&moment.year()).then_some(Self(moment))
    }

    /// The moment in a text that is printed like that; nothing for one in another form.
    #[inline]
    pub fn from_printed(text: &str) -> Option<Self> {
        printed(text).map(Self)
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
        let later = self.0.checked_add(Duration::days(i64::from(days))).map(Self);
        let last = Self::from_unix_millis(LAST_MILLIS).expect("the year 9999 is in range");
        later.map_or(last, |later| later.min(last))
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
        Self(truncated(OffsetDateTime::from(moment)))
    }
}

impl fmt::Display for Timestamp {
    // A table has two or more of these for each session, and the general formatter takes forty times as long.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (date, time) = (self.0.date(), self.0.time());
        let numbers = [
            date.year().unsigned_abs(),
            u32::from(u8::from(date.month())),
            u32::from(date.day()),
            u32::from(time.hour()),
            u32::from(time.minute()),
            u32::from(time.second()),
            u32::from(time.millisecond()),
        ];
        let mut text = WIRE;
        for (mut number, (start, digits)) in numbers.into_iter().zip(NUMBERS) {
            for digit in text[start..start + digits].iter_mut().rev() {
                *digit = b'0' + u8::try_from(number % 10).map_err(|_| fmt::Error)?;
                number /= 10;
            }
        }
        f.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// Takes any RFC 3339 form and keeps whole milliseconds of it, in UTC.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(moment) = printed(text) {
            return Ok(Self(moment));
        }
        let moment = OffsetDateTime::parse(text, &Rfc3339)
            .map_err(|source| TimestampError { text: text.to_owned(), source })?;
        Ok(Self(truncated(moment)))
    }
}

/// The moment in a text that has the very form in which we print; nothing for every other text.
fn printed(text: &str) -> Option<UtcDateTime> {
    let bytes: &[u8; WIRE.len()] = text.as_bytes().try_into().ok()?;
    let is_mark = |at: usize| bytes[at] == WIRE[at];
    if !MARKS.into_iter().all(is_mark) {
        return None;
    }
    let digit = |at: usize| Some(bytes[at].wrapping_sub(b'0')).filter(|digit| *digit < 10);
    let small = |at: usize| Some(digit(at)? * 10 + digit(at + 1)?);
    let year = u16::from(small(0)?) * 100 + u16::from(small(2)?);
    let date = Date::from_calendar_date(year.into(), Month::try_from(small(5)?).ok()?, small(8)?).ok()?;
    let millisecond = u16::from(small(20)?) * 10 + u16::from(digit(22)?);
    let time = Time::from_hms_milli(small(11)?, small(14)?, small(17)?, millisecond).ok()?;
    Some(UtcDateTime::new(date, time))
}

fn truncated(moment: OffsetDateTime) -> UtcDateTime {
    let moment = moment.to_utc();
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
    fn a_day_that_cannot_be_printed_is_the_last_one() {
        let start = Timestamp::from_unix_millis(0).unwrap();
        assert_eq!(start.plus_days(1).to_string(), "1970-01-02T00:00:00.000Z");
        for days in [3_000_000, u32::MAX] {
            assert_eq!(start.plus_days(days).to_string(), "9999-12-31T23:59:59.999Z");
        }
    }

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
        let leap = "2016-12-31T23:59:60.000Z".parse::<Timestamp>().map(|it| it.to_string());
        assert_eq!(leap.ok().as_deref(), Some("2016-12-31T23:59:59.999Z"));
    }

    #[test]
    fn what_is_printed_is_read_as_the_general_reader_reads_it() {
        let mut millis: i64 = -62_167_219_200_000;
        while let Some(moment) = Timestamp::from_unix_millis(millis) {
            let text = moment.to_string();
            let general = UtcDateTime::parse(&text, &Rfc3339).unwrap();
            assert_eq!((printed(&text), text.parse().ok()), (Some(general), Some(moment)), "{text}");
            millis += 86_400_000 * 37 + 3_723_457;
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "yesterday",
            "2025-13-01T00:00:00Z",
            "99999-01-01T00:00:00.000Z",
            "2025-11-24",
            "2025-02-29T00:00:00.000Z",
            "2025-11-24T24:00:00.000Z",
            "2025-11-24T10:30:00.000X",
        ] {
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
