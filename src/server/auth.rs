//! Who may do what: the three kinds of tokens, and where a request carries one.

use std::path::Path;

use axum::http::{HeaderMap, StatusCode, header};

use super::{bucket::Bucket, problem::Problem, secret::Secret};
use crate::{
    session::{Session, SessionId},
    socket::Folder,
    terminal::Runtime,
};

/// How the name of the cookie begins that lets a browser in; what follows tells the servers of one machine apart, for a cookie
/// knows no ports.
const COOKIE: &str = "wharf_browser_";
/// How many cookies of that name are looked at.
const COOKIES_MAX: usize = 2;
/// How long the token of a session is.
const SCOPED_CHARS: usize = 64;
/// How many wrong tokens may be tried each second.
const FAILURES_PER_SECOND: u32 = 20;
const FAILURES_AT_ONCE: u32 = 100;

/// What whoever asks may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grant {
    /// Everything.
    Full,
    /// Look.
    ReadOnly,
    /// Everything that concerns one session, and nothing else.
    Session(SessionId),
}

impl Grant {
    /// Whether it may know of a session.
    pub(super) fn may_see(self, id: SessionId) -> bool {
        match self {
            Self::Full | Self::ReadOnly => true,
            Self::Session(own) => own == id,
        }
    }

    /// Whether it may change or control something.
    pub(super) fn may_change(self) -> bool {
        match self {
            Self::Full | Self::Session(_) => true,
            Self::ReadOnly => false,
        }
    }

    /// Refuses whoever knows only one session.
    pub(super) fn whole(self) -> Result<(), Problem> {
        match self {
            Self::Full | Self::ReadOnly => Ok(()),
            Self::Session(_) => Err(elsewhere()),
        }
    }

    /// Refuses whoever may not do everything.
    pub(super) fn full(self) -> Result<(), Problem> {
        match self {
            Self::Full => Ok(()),
            Self::ReadOnly => Err(Problem::forbidden("this token only reads")),
            Self::Session(_) => Err(elsewhere()),
        }
    }
}

/// The refusal of who asks for more than the session its token belongs to.
pub(super) fn elsewhere() -> Problem {
    Problem::forbidden("this token is good for its own session only")
}

/// The tokens that are good.
#[derive(Debug)]
pub(super) struct Tokens {
    full: Secret,
    read: Secret,
    runtime: Runtime,
    failures: Bucket,
}

/// A token, or the word of a browser, as a request carried it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Carried<'a> {
    /// The word.
    pub(super) word: &'a str,
    /// Whether the browser added it by itself.
    pub(super) by_cookie: bool,
}

impl Tokens {
    /// These two, and those that holders leave for their sessions.
    pub(super) fn of(full: Secret, read: Secret, runtime: Runtime) -> Self {
        let failures = Bucket::of(FAILURES_PER_SECOND, FAILURES_AT_ONCE);
        Self { full, read, runtime, failures }
    }

    /// What one of the two tokens of the server allows.
    pub(super) fn own(&self, word: &str) -> Option<Grant> {
        // Both are compared, so that the time says nothing about which one it is not.
        let (full, read) = (self.full.is(word), self.read.is(word));
        if full { Some(Grant::Full) } else { read.then_some(Grant::ReadOnly) }
    }

    /// What the token of one of these sessions allows. Reads files.
    pub(super) fn scoped<'a>(
        &self,
        word: &str,
        mut sessions: impl Iterator<Item = &'a Session>,
    ) -> Option<Grant> {
        sessions.find_map(|session| {
            let text = self.runtime.token_of(session.id())?;
            Secret::of_text(&text)?.is(word).then_some(Grant::Session(session.id()))
        })
    }

    /// Whether a word can be the token of a session, and so few wrong ones came lately that it is worth a look.
    pub(super) fn is_worth_a_look(&self, word: &str) -> bool {
        word.len() == SCOPED_CHARS
            && word.bytes().all(|byte| byte.is_ascii_hexdigit())
            && !self.failures.is_empty()
    }

    /// Counts a wrong token; refuses those who try too many.
    pub(super) fn failed(&self) -> Problem {
        if let Err(wait) = self.failures.take() {
            return Problem::too_often(wait);
        }
        let problem = Problem::of(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "no token, or a wrong one");
        problem
            .with_hint("`wharf open` prints a link for a browser; tools send `Authorization: Bearer <token>`")
    }
}

/// The cookie of the server of one workspace.
pub(super) fn cookie_of(workspace: &Path) -> String {
    let folder = Folder::of(workspace);
    let name = folder.path().file_name().map(|name| name.to_string_lossy().into_owned());
    format!("{COOKIE}{}", name.unwrap_or_default())
}

/// The words that a request carries; that of its header alone if it has one.
pub(super) fn carried<'a>(headers: &'a HeaderMap, cookie: &str) -> Vec<Carried<'a>> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let word = value.to_str().ok().and_then(|text| text.split_once(' '));
        let word =
            word.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, word)| word.trim());
        return word.map(|word| Carried { word, by_cookie: false }).into_iter().collect();
    }
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs
        .filter(|(name, _)| *name == cookie)
        .map(|(_, word)| Carried { word, by_cookie: true })
        .take(COOKIES_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn a_header_goes_before_a_cookie() {
        let both = headers(&[("authorization", "bearer  abc"), ("cookie", "wharf_browser_1=def")]);
        assert_eq!(carried(&both, "wharf_browser_1"), [Carried { word: "abc", by_cookie: false }]);
        let wrong = headers(&[("authorization", "Basic abc"), ("cookie", "wharf_browser_1=def")]);
        assert_eq!(carried(&wrong, "wharf_browser_1"), []);
    }

    #[test]
    fn what_can_be_no_token_or_comes_after_too_many_wrong_ones_is_not_looked_for() {
        let (full, read) = (Secret::random().unwrap(), Secret::random().unwrap());
        let dir = tempfile::tempdir().unwrap();
        let tokens = Tokens::of(full, read, Runtime::of(dir.path()));
        let word = Secret::random().unwrap();
        assert!(tokens.is_worth_a_look(word.reveal()));
        for nonsense in ["", "x", &word.reveal()[1..], &"x".repeat(SCOPED_CHARS)] {
            assert!(!tokens.is_worth_a_look(nonsense), "{nonsense}");
        }
        while tokens.failed().status() == StatusCode::UNAUTHORIZED {}
        assert!(!tokens.is_worth_a_look(word.reveal()));
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let many = headers(&[
            ("cookie", "a=b; wharf_browser_1=one;c=d"),
            ("cookie", "wharf_browser_1=two; wharf_browser_2=no; wharf_browser_1=three"),
        ]);
        let found: Vec<&str> = carried(&many, "wharf_browser_1").iter().map(|it| it.word).collect();
        assert_eq!(found, ["one", "two"]);
        assert!(carried(&many, "wharf_browser_1").iter().all(|it| it.by_cookie));
        assert_eq!(carried(&headers(&[]), "wharf_browser_1"), []);
    }
}
