//! How a change of the state file is noticed: the kernel tells it before the change is seen, and where it tells nothing, a
//! look at the file does.

use std::{
    fs, io,
    os::{fd::OwnedFd, unix::fs::MetadataExt as _},
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use tokio::io::unix::AsyncFd;

/// What was heard of the state file.
pub(super) struct News {
    state_file: PathBuf,
    told: Option<AsyncFd<OwnedFd>>,
    /// Whether the kernel has stopped telling: the folder is gone, or another one has its name.
    is_deaf: AtomicBool,
    /// How often something was heard, and how much of that is in the newest snapshot.
    heard: AtomicU64,
    listening: Mutex<()>,
    shown: AtomicU64,
    stamp: Mutex<Option<(u64, u64, i64, i64)>>,
}

impl News {
    /// Of this file. Has to run where the server runs.
    pub(super) fn of(state_file: PathBuf) -> Self {
        let told = listen(&state_file).map_err(|err| {
            tracing::info!(error = %err, "changes of the state file are looked for, because the kernel does not tell them");
        });
        Self {
            state_file,
            told: told.ok(),
            is_deaf: AtomicBool::new(false),
            heard: AtomicU64::new(0),
            listening: Mutex::default(),
            shown: AtomicU64::new(0),
            stamp: Mutex::default(),
        }
    }

    /// Whether something was written that the newest snapshot may not have. Never waits.
    pub(super) fn is_stale(&self) -> bool {
        self.listen();
        self.heard.load(Ordering::SeqCst) > self.shown.load(Ordering::SeqCst)
    }

    /// Takes what there is to hear, and counts it before anybody else can find that there is nothing more.
    fn listen(&self) {
        let alone = self.listening.lock().expect("nobody panics while holding this");
        let is_news = match &self.told {
            Some(told) if !self.is_deaf.load(Ordering::SeqCst) => {
                let heard = hear(told.get_ref());
                self.is_deaf.fetch_or(heard == Heard::TheEnd, Ordering::SeqCst);
                heard != Heard::Nothing
            }
            Some(_) | None => self.has_moved(),
        };
        if is_news {
            self.note();
        }
        drop(alone);
    }

    /// Something happened.
    pub(super) fn note(&self) {
        self.heard.fetch_add(1, Ordering::SeqCst);
    }

    /// Waits until the kernel tells something.
    pub(super) async fn come(&self) {
        match &self.told {
            Some(told) if !self.is_deaf.load(Ordering::SeqCst) => match told.readable().await {
                Ok(mut ready) => {
                    self.listen();
                    ready.clear_ready();
                }
                Err(_) => std::future::pending().await,
            },
            Some(_) | None => std::future::pending().await,
        }
    }

    /// How much was heard before a look that begins now.
    pub(super) fn before(&self) -> u64 {
        self.listen();
        self.heard.load(Ordering::SeqCst)
    }

    /// So much of it is shown from now on, and not a moment sooner: whoever asks while somebody looks has to wait.
    pub(super) fn show(&self, before: u64) {
        self.shown.fetch_max(before, Ordering::SeqCst);
    }

    /// Whether the file is another one than the one that was remembered.
    pub(super) fn has_moved(&self) -> bool {
        let stamp = self.stamp.lock().expect("nobody panics while holding this");
        *stamp != self.look()
    }

    pub(super) fn remember(&self) {
        let now = self.look();
        *self.stamp.lock().expect("nobody panics while holding this") = now;
    }

    fn look(&self) -> Option<(u64, u64, i64, i64)> {
        let found = fs::metadata(&self.state_file).ok()?;
        Some((found.ino(), found.size(), found.mtime(), found.mtime_nsec()))
    }
}

/// Asks the kernel to tell what happens in the folder of the state file; in that of the file itself where there is a link.
fn listen(state_file: &Path) -> io::Result<AsyncFd<OwnedFd>> {
    let told = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    let flags = WatchFlags::MOVED_TO | WatchFlags::CLOSE_WRITE | WatchFlags::DELETE | WatchFlags::MOVED_FROM;
    let folder = |path: &Path| path.parent().map(Path::to_owned);
    let real = fs::canonicalize(state_file).ok();
    for folder in [folder(state_file), real.as_deref().and_then(folder)].into_iter().flatten() {
        inotify::add_watch(&told, &folder, flags)?;
    }
    #[expect(deprecated, reason = "what is wrapped owns the descriptor, so nobody else can close it")]
    AsyncFd::new(told)
}

/// What the kernel said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heard {
    Nothing,
    /// Something that may be about the state file.
    Something,
    /// It will not say anything more.
    TheEnd,
}

/// Takes what the kernel has told.
fn hear(told: &OwnedFd) -> Heard {
    let mut buffer = [std::mem::MaybeUninit::uninit(); 4_096];
    let mut reader = Reader::new(told, &mut buffer);
    let mut heard = Heard::Nothing;
    // It ends when nothing more is there, for the descriptor never waits.
    while let Ok(event) = reader.next() {
        let names_it = event.file_name().is_some_and(|name| {
            // Locks, temporary files and backups have longer names.
            name.to_bytes().ends_with(b".json")
        });
        if event.events().contains(ReadFlags::IGNORED) {
            heard = Heard::TheEnd;
        } else if heard == Heard::Nothing && (names_it || event.events().contains(ReadFlags::QUEUE_OVERFLOW))
        {
            heard = Heard::Something;
        }
    }
    heard
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::atomic::{Durability, replace};

    #[tokio::test]
    async fn changes_are_seen_also_after_the_folder_was_removed_and_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("own");
        let path = folder.join("state.json");
        let write = |text: &str| {
            fs::create_dir_all(&folder).unwrap();
            replace(&path, text.as_bytes(), Durability::Crash).unwrap();
        };
        write("1");
        let news = News::of(path.clone());
        let look = || {
            let before = news.before();
            news.remember();
            news.show(before);
        };
        look();
        assert!(!news.is_stale());
        fs::remove_file(&path).unwrap();
        fs::remove_dir(&folder).unwrap();
        assert!(news.is_stale());
        look();
        // The kernel tells nothing about the new folder.
        for text in ["12", "123"] {
            write(text);
            assert!(news.is_stale(), "{text}");
            look();
            assert!(!news.is_stale(), "{text}");
        }
    }
}
