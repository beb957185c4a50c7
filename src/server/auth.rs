//! Who may do what: the three kinds of tokens, and where a request carries one.

use std::path::Path;

use axum::http::{HeaderMap, StatusCode, header};

use super::{bucket::Bucket, problem::Problem, secret::Secret};
use crate::{session::SessionId, socket::Folder};

/// How the name of the cookie begins that lets a browser in; what follows tells the servers of one machine apart, for a cookie
/// knows no ports.
const COOKIE: &str = "wharf_browser_";
/// How many cookies of that name are looked at.
const COOKIES_MAX: usize = 2;
/// How many wrong tokens, and how many wrong codes, may be tried each second.
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
    failures: Bucket,
    wrong_codes: Bucket,
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
    /// These two.
    pub(super) fn of(full: Secret, read: Secret) -> Self {
        let [failures, wrong_codes] = [(); 2].map(|()| Bucket::of(FAILURES_PER_SECOND, FAILURES_AT_ONCE));
        Self { full, read, failures, wrong_codes }
    }

    /// What one of the two tokens of the server allows.
    pub(super) fn own(&self, word: &str) -> Option<Grant> {
        // Both are compared, so that the time says nothing about which one it is not.
        let (full, read) = (self.full.is(word), self.read.is(word));
        if full { Some(Grant::Full) } else { read.then_some(Grant::ReadOnly) }
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

    /// The same for a code that lets a browser in: any page can have a browser try one, so it counts apart.
    pub(super) fn failed_code(&self) -> Problem {
        match self.wrong_codes.take() {
            Err(wait) => Problem::too_often(wait),
            Ok(()) => Problem::of(StatusCode::GONE, "CODE_USED", "this link is not good, or not any more"),
        }
    }
}

/// The cookie of the server of one workspace.
pub(super) fn cookie_of(workspace: &Path) -> String {
    let folder = Folder::of(workspace);
    let name = folder.path().file_name().map(|name| name.to_string_lossy().into_owned());
    format!("{COOKIE}{}", name.unwrap_or_default())
}

/// The words that a request carries; that of its header alone if it has one, and none if it has two, of which somebody on
/// the way may have judged the other.
pub(super) fn carried<'a>(headers: &'a HeaderMap, cookie: &str) -> Vec<Carried<'a>> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    if let Some(value) = given.next() {
        if given.next().is_some() {
            return Vec::new();
        }
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
        let two = headers(&[("authorization", "Bearer abc"), ("authorization", "Bearer def")]);
        assert_eq!(carried(&two, "wharf_browser_1"), []);
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
