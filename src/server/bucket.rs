//! How often something may happen: a number of times each second, and some more after a rest.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

/// Lets so much through each second.
#[derive(Debug)]
pub(super) struct Bucket {
    per_second: f64,
    full: f64,
    level: Mutex<(f64, Instant)>,
}

impl Bucket {
    /// So often each second; after a rest, so many at once.
    pub(super) fn of(per_second: u32, full: u32) -> Self {
        let full = f64::from(full);
        Self { per_second: per_second.into(), full, level: Mutex::new((full, Instant::now())) }
    }

    /// Takes one; else says how long to wait for it.
    pub(super) fn take(&self) -> Result<(), Duration> {
        self.take_at(Instant::now())
    }

    /// Whether the next one has to wait.
    pub(super) fn is_empty(&self) -> bool {
        let level = self.level.lock().expect("nobody panics while holding this");
        level.0 + level.1.elapsed().as_secs_f64() * self.per_second < 1.0
    }

    fn take_at(&self, now: Instant) -> Result<(), Duration> {
        let mut level = self.level.lock().expect("nobody panics while holding this");
        let since = now.saturating_duration_since(level.1).as_secs_f64();
        *level = ((level.0 + since * self.per_second).min(self.full), now);
        if level.0 < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - level.0) / self.per_second));
        }
        level.0 -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_comes_back_with_time() {
        let bucket = Bucket::of(10, 2);
        let now = Instant::now();
        assert!(bucket.take_at(now).is_ok() && bucket.take_at(now).is_ok());
        assert_eq!(bucket.take_at(now), Err(Duration::from_millis(100)));
        assert!(bucket.take_at(now + Duration::from_millis(101)).is_ok());
        assert!(bucket.take_at(now + Duration::from_millis(102)).is_err());
        let later = now + Duration::from_mins(1);
        assert!(
            bucket.take_at(later).is_ok() && bucket.take_at(later).is_ok() && bucket.take_at(later).is_err()
        );
    }
}
