//! How often something may happen: a number of times each second, and some more after a rest.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::Mutex,
    time::{Duration, Instant},
};

/// How many buckets are kept before those that are full again, which say nothing, are thrown away.
const KEPT_MAX: usize = 256;

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

    /// Whether all of it is there.
    fn is_full(&self) -> bool {
        let level = self.level.lock().expect("nobody panics while holding this");
        level.0 + level.1.elapsed().as_secs_f64() * self.per_second >= self.full
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

/// One bucket for each who takes.
#[derive(Debug)]
pub(super) struct Buckets<K> {
    each: (u32, u32),
    kept: Mutex<HashMap<K, Bucket>>,
}

impl<K: Eq + Hash> Buckets<K> {
    /// As [`Bucket::of`], for each.
    pub(super) fn of(per_second: u32, full: u32) -> Self {
        Self { each: (per_second, full), kept: Mutex::default() }
    }

    /// Takes one for somebody; else says how long to wait for it.
    pub(super) fn take(&self, who: K) -> Result<(), Duration> {
        let mut kept = self.kept.lock().expect("nobody panics while holding this");
        if kept.len() >= KEPT_MAX {
            kept.retain(|_, bucket| !bucket.is_full());
        }
        kept.entry(who).or_insert_with(|| Bucket::of(self.each.0, self.each.1)).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_from_the_bucket_of_another() {
        let buckets = Buckets::of(1, 2);
        assert!(buckets.take(1).is_ok() && buckets.take(1).is_ok() && buckets.take(1).is_err());
        for who in 2..1_000 {
            assert!(buckets.take(who).is_ok());
        }
        assert!(buckets.take(1).is_err(), "and it stays so while many others come");
    }

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
