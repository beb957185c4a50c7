//! When a session works and when it waits for somebody, told from what its terminal does.

use std::time::{Duration, Instant};

use super::super::Mood;
use crate::{
    limits::Limits,
    screen::{Notice, PromptMark},
};

/// How often the same mood is told again while something happens.
const AGAIN: Duration = Duration::from_secs(1);

/// What the terminal did last.
#[derive(Debug)]
pub(super) struct Activity {
    /// How long a silence has to be to count as waiting; without it none does.
    quiet: Option<Duration>,
    mood: Mood,
    happened: Instant,
    told: Option<Instant>,
    is_news: bool,
}

impl Activity {
    /// A program that was just started works; where moods are not told apart, nobody ever knows.
    pub(super) fn begin(limits: &Limits, now: Instant) -> Self {
        let mood = if limits.activity { Mood::Active } else { Mood::Unknown };
        Self { quiet: limits.quiet, mood, happened: now, told: None, is_news: true }
    }

    /// The program printed, or somebody typed.
    pub(super) fn happened(&mut self, now: Instant) {
        self.happened = now;
        self.is_news = true;
        self.turn(Mood::Active);
    }

    /// The program said something about itself, not later than then. What happened since came behind it, and counts.
    pub(super) fn noticed(&mut self, notice: &Notice, said: Instant) {
        if said < self.happened {
            return;
        }
        match notice {
            Notice::Bell
            | Notice::Notification(_)
            | Notice::Prompt(PromptMark::Prompt | PromptMark::Input) => {
                self.turn(Mood::Waiting);
            }
            Notice::Prompt(PromptMark::Output) => self.turn(Mood::Active),
            Notice::Prompt(PromptMark::Done { .. }) | Notice::Title | Notice::Rebuilt => (),
        }
    }

    /// What the program does, as far as is known.
    pub(super) fn mood(&self) -> Mood {
        self.mood
    }

    /// When the program printed, or somebody typed, last.
    pub(super) fn happened_at(&self) -> Instant {
        self.happened
    }

    /// How long the program has been silent.
    pub(super) fn silence(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.happened)
    }

    /// When there will be something to tell although nothing happens.
    pub(super) fn due(&self) -> Option<Instant> {
        if self.is_news {
            return Some(self.told.map_or(self.happened, |told| told + AGAIN));
        }
        match self.mood {
            Mood::Active => self.quiet.map(|quiet| self.happened + quiet),
            Mood::Waiting | Mood::Unknown => None,
        }
    }

    /// What is to be told now.
    pub(super) fn news(&mut self, now: Instant) -> Option<Mood> {
        if self.quiet.is_some_and(|quiet| self.silence(now) >= quiet) {
            self.turn(Mood::Waiting);
        }
        let is_early = self.told.is_some_and(|told| now < told + AGAIN);
        if !self.is_news || is_early {
            return None;
        }
        self.is_news = false;
        self.told = Some(now);
        Some(self.mood)
    }

    fn turn(&mut self, mood: Mood) {
        if self.mood == Mood::Unknown || self.mood == mood {
            return;
        }
        self.mood = mood;
        self.is_news = true;
        // Another mood is told at once; whoever writes it down has a limit of its own.
        self.told = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Duration = Duration::from_secs(10);

    fn begun(limits: Limits, first: Mood) -> (Activity, Instant) {
        let now = Instant::now();
        let mut activity = Activity::begin(&limits, now);
        assert_eq!(activity.news(now), Some(first));
        (activity, now)
    }

    fn usual() -> (Activity, Instant) {
        begun(Limits { quiet: Some(QUIET), ..Limits::default() }, Mood::Active)
    }

    #[test]
    fn silence_becomes_waiting_and_output_ends_it() {
        let (mut activity, start) = usual();
        assert_eq!(activity.due(), Some(start + QUIET));
        assert_eq!(activity.news(start + QUIET.mul_f64(0.99)), None);
        assert_eq!(activity.news(start + QUIET), Some(Mood::Waiting));
        assert_eq!(activity.due(), None);
        let later = start + QUIET * 2;
        activity.happened(later);
        assert_eq!(activity.news(later), Some(Mood::Active));
    }

    #[test]
    fn a_stream_of_output_is_told_once_in_a_while() {
        let (mut activity, start) = usual();
        let told = (1..=100)
            .filter(|tenth| {
                let now = start + Duration::from_millis(tenth * 50);
                activity.happened(now);
                activity.news(now).is_some()
            })
            .count();
        assert_eq!(told, 5);
    }

    #[test]
    fn bell_notification_and_prompt_are_a_wait_and_a_command_is_not() {
        for quiet in [Some(QUIET), None] {
            heeds_notices(begun(Limits { quiet, ..Limits::default() }, Mood::Active));
        }
    }

    fn heeds_notices((mut activity, now): (Activity, Instant)) {
        for notice in
            [Notice::Bell, Notice::Notification("done".to_owned()), Notice::Prompt(PromptMark::Prompt)]
        {
            activity.noticed(&notice, now);
            assert_eq!(activity.news(now), Some(Mood::Waiting), "{notice:?}");
            activity.noticed(&Notice::Prompt(PromptMark::Output), now);
            assert_eq!(activity.news(now), Some(Mood::Active), "{notice:?}");
        }
    }

    #[test]
    fn a_bell_that_is_heard_late_is_no_wait_when_the_program_has_gone_on() {
        let (mut activity, rung) = usual();
        let later = rung + Duration::from_millis(1);
        activity.happened(later);
        activity.noticed(&Notice::Bell, rung);
        assert_eq!(activity.mood(), Mood::Active);
        activity.noticed(&Notice::Bell, later);
        assert_eq!(activity.mood(), Mood::Waiting);
    }

    #[test]
    fn without_a_silence_nobody_waits_for_being_silent() {
        let (mut activity, now) = begun(Limits { quiet: None, ..Limits::default() }, Mood::Active);
        assert_eq!((activity.due(), activity.news(now + QUIET * 100)), (None, None));
    }

    #[test]
    fn where_moods_are_not_told_apart_nothing_makes_one() {
        let (mut activity, now) = begun(Limits { activity: false, ..Limits::default() }, Mood::Unknown);
        activity.noticed(&Notice::Bell, now);
        assert_eq!(activity.news(now + QUIET), None);
        assert_eq!(activity.due(), None);
        activity.happened(now + QUIET);
        assert_eq!(activity.news(now + QUIET), Some(Mood::Unknown));
    }
}
