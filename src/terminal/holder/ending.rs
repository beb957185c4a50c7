//! How a program and everything it started is ended: politely, firmly, and at last with force (RUNTIME 3).
//! `docs/cgroups.md` says why no cgroup helps with that.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::super::Stop;
use crate::process;

/// How long the leader may take after a HUP before everything else gets a TERM.
const HANGUP_GRACE: Duration = Duration::from_secs(1);
/// How long what a program leaves behind may take to end by itself, when nobody said otherwise.
const LEFTOVER_GRACE: Duration = Duration::from_millis(500);
/// How long to go on killing what does not end; only a process that the kernel holds is still there then.
const KILLING: Duration = Duration::from_secs(5);
/// How often to look while things end.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// The same while things are killed.
const KILL_EVERY: Duration = Duration::from_millis(2);
/// How many looks in succession must find nobody: one alone can miss a process that is born behind it by another that
/// ends before it.
const EMPTY_LOOKS: u32 = 2;

/// An end that was begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ending {
    /// Whether somebody asked for it.
    pub(super) asked: bool,
    /// Whether the container is about to stop.
    pub(super) shutdown: bool,
    term_at: Option<Instant>,
    kill_at: Instant,
    look_at: Instant,
    empty_looks: u32,
}

impl Ending {
    /// Somebody wants the session to end: the foreground hears of it at once.
    pub(super) fn asked(stop: Stop, foreground: Option<Pid>, leader: Option<Pid>, now: Instant) -> Self {
        let grace = Duration::from_millis(stop.grace_ms);
        let polite = stop.signal.and_then(Signal::from_named_raw);
        if !grace.is_zero() {
            for signal in [polite.unwrap_or(Signal::HUP), Signal::CONT] {
                let groups =
                    [leader, foreground.filter(|group| leader.is_some_and(|leader| leader != *group))];
                for group in groups.into_iter().flatten() {
                    say(kill_process_group(group, signal));
                }
            }
        }
        let term_at = polite.is_none().then(|| now + HANGUP_GRACE.min(grace / 2));
        Self {
            asked: true,
            shutdown: stop.shutdown,
            term_at,
            kill_at: now + grace,
            look_at: now,
            empty_looks: 0,
        }
    }

    /// The program ended by itself; what it left behind is to end too.
    pub(super) fn by_itself(now: Instant) -> Self {
        let kill_at = now + LEFTOVER_GRACE;
        Self { asked: false, shutdown: false, term_at: Some(now), kill_at, look_at: now, empty_looks: 0 }
    }

    /// Somebody wants it sooner, or for another reason, than it was begun.
    pub(super) fn hurry(self, other: Self) -> Self {
        Self {
            asked: self.asked || other.asked,
            shutdown: self.shutdown || other.shutdown,
            // One without a TERM, or whose TERM is over, keeps nobody from that of the other.
            term_at: self.term_at.into_iter().chain(other.term_at).min(),
            kill_at: self.kill_at.min(other.kill_at),
            look_at: other.look_at,
            empty_looks: 0,
        }
    }

    /// The leader is gone: what is left need not wait any longer for its TERM.
    pub(super) fn leader_ended(self, now: Instant) -> Self {
        Self { term_at: Some(now), look_at: now, ..self }
    }

    /// When to look again.
    pub(super) fn due(&self) -> Instant {
        self.look_at
    }

    /// Takes the next step if it is time; says whether nothing of the session is left but who is to be kept. `leader`
    /// while it lives.
    pub(super) fn step(&mut self, leader: Option<Pid>, keep: &[String], now: Instant) -> bool {
        if now < self.look_at {
            return false;
        }
        let leader_pid = leader.map(|leader| leader.as_raw_nonzero().get().unsigned_abs());
        let is_out_of_time = now >= self.kill_at + KILLING;
        let looked = process::reap_adopted(leader_pid)
            .and_then(|reaped| Ok((!reaped.is_empty(), process::doomed(leader_pid, keep)?)));
        let (any_reaped, left) = match looked {
            Ok(looked) => looked,
            Err(err) => {
                // Nobody was seen, which does not mean that nobody is there.
                tracing::warn!(error = %err, "processes cannot be listed");
                self.empty_looks = 0;
                self.look_at = now + LOOK_EVERY;
                // The leader is known without a look.
                if now >= self.kill_at
                    && let Some(leader) = leader
                {
                    say(kill_process(leader, Signal::KILL));
                }
                return is_out_of_time && leader.is_none();
            }
        };
        if leader.is_none() && !any_reaped && left.iter().all(|process| process.is_zombie) {
            // The next look comes at once: it was due already.
            self.empty_looks += 1;
            return self.empty_looks == EMPTY_LOOKS;
        }
        self.empty_looks = 0;
        if is_out_of_time {
            tracing::error!(count = left.len(), "processes of a session cannot be killed");
            return true;
        }
        let is_killing = now >= self.kill_at;
        let is_terming = self.term_at.is_some_and(|at| now >= at);
        if is_killing || is_terming {
            let signal = if is_killing { Signal::KILL } else { Signal::TERM };
            for pid in left.iter().filter(|process| !process.is_zombie).filter_map(|process| pid(process.pid))
            {
                // All of them are below this process, which reaps them, so no number can mean somebody else.
                say(kill_process(pid, signal));
                if !is_killing {
                    say(kill_process(pid, Signal::CONT));
                }
            }
            self.term_at = None;
        }
        self.look_at = now + if is_killing { KILL_EVERY } else { LOOK_EVERY };
        false
    }
}

fn pid(number: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(number).ok()?)
}

/// Who ended meanwhile needs no signal.
fn say(outcome: rustix::io::Result<()>) {
    if let Err(err) = outcome {
        tracing::debug!(error = %err, "a signal found nobody");
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    use super::*;

    const INSIDE: &str = "WHARF_TEST_INSIDE";

    fn ending(term_at: Option<Instant>, kill_at: Instant) -> Ending {
        Ending { asked: true, shutdown: false, term_at, kill_at, look_at: kill_at, empty_looks: 0 }
    }

    #[test]
    fn of_two_ends_each_step_comes_when_the_first_of_them_wants_it() {
        let now = Instant::now();
        let second = |count: u64| now + Duration::from_secs(count);
        for (first, other, expected) in [
            (Some(second(1)), None, Some(second(1))),
            (None, Some(second(2)), Some(second(2))),
            (Some(second(2)), Some(second(1)), Some(second(1))),
            (None, None, None),
        ] {
            let both = ending(first, second(9)).hurry(ending(other, second(5)));
            assert_eq!((both.term_at, both.kill_at), (expected, second(5)));
        }
    }

    /// Whether the test with this name runs in a process of its own, for a look reaps for its whole process; else runs it
    /// there.
    #[expect(clippy::disallowed_methods, reason = "a test starts itself")]
    fn is_alone(name: &str) -> bool {
        if std::env::var_os(INSIDE).is_some() {
            return true;
        }
        let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
        alone.args([&format!("terminal::holder::ending::tests::{name}"), "--exact"]);
        let output = alone.env(INSIDE, "1").output().unwrap();
        assert!(output.status.success() && String::from_utf8_lossy(&output.stdout).contains("1 passed"));
        false
    }

    #[test]
    fn one_empty_look_is_not_believed() {
        if is_alone("one_empty_look_is_not_believed") {
            let now = Instant::now();
            let mut ending = Ending::by_itself(now);
            assert!(!ending.step(None, &[], now));
            assert!(ending.due() <= now, "the second look comes at once");
            assert!(ending.step(None, &[], now));
        }
    }

    #[test]
    fn who_cannot_look_does_not_say_that_nobody_is_there() {
        if is_alone("who_cannot_look_does_not_say_that_nobody_is_there") {
            let limit = getrlimit(Resource::Nofile);
            setrlimit(Resource::Nofile, Rlimit { current: Some(0), ..limit }).unwrap();
            let mut now = Instant::now();
            let mut ending = Ending::by_itself(now);
            for _ in 0..3 {
                assert!(!ending.step(None, &[], now));
                assert!(ending.due() > now, "it does not look without a pause");
                now = ending.due();
            }
            assert!(ending.step(None, &[], now + KILLING * 2), "it does not look for ever");
            setrlimit(Resource::Nofile, limit).unwrap();
        }
    }
}
