//! Who gets in: the checks that every request passes, in this order: host, origin, token (RELIABILITY H2).

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, Uri, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    app::App,
    auth::{Carried, Grant, carried},
    browsers::Stay,
    problem::Problem,
};
use crate::clock::{Clock as _, SystemClock};

/// What the page may do: nothing but run its own code, and talk to where it came from. The terminal puts styles into the
/// page itself.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";
/// What goes along with every answer.
const HEADERS: [(&str, &str); 7] = [
    ("content-security-policy", CONTENT_POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];

/// Lets a request through, or says why not; and says to the browser what it may do with the answer.
pub(super) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    app.metrics.asked();
    let (mut parts, body) = request.into_parts();
    let mut response = match admit(&app, &parts).await {
        Ok(admitted) => {
            if let Some(admitted) = admitted {
                parts.extensions.insert(admitted.0);
                // For those that go on and on.
                parts.extensions.insert(admitted);
            }
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => problem.into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, header::HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(header::HeaderValue::from_static("no-store"));
    app.metrics.answered(response.status());
    response
}

/// What the request may do, and how long it may go on; nothing where anybody may ask.
async fn admit(app: &App, request: &Parts) -> Result<Option<(Grant, Stay)>, Problem> {
    let (headers, uri) = (&request.headers, &request.uri);
    let host = host_of(headers, uri).filter(|host| app.hosts.allow(host));
    let Some(host) = host else {
        let problem = Problem::of(
            StatusCode::MISDIRECTED_REQUEST,
            "WRONG_HOST",
            "this server does not go by that name",
        );
        return Err(
            problem.with_hint("`--allow-host` or `server.hosts` in the user's settings allow one more")
        );
    };
    let has_origin = ensure_origin(headers, host)?;
    if is_open(uri.path()) {
        return Ok(None);
    }
    ensure_own_site(headers)?;
    let carried = carried(headers, &app.cookie);
    let mut granted = None;
    for one in carried {
        if let Some(admitted) = grant_of(app, &one).await {
            granted = Some((admitted, one));
            break;
        }
    }
    let Some(((grant, stay), Carried { by_cookie, .. })) = granted else {
        return Err(app.tokens.failed());
    };
    let changes = !matches!(request.method, Method::GET | Method::HEAD);
    if by_cookie && !has_origin && (changes || headers.contains_key(header::UPGRADE)) {
        return Err(Problem::forbidden("a browser that changes something has to say where it comes from"));
    }
    if changes && !grant.may_change() {
        return Err(Problem::forbidden("this token only reads"));
    }
    if changes {
        app.admit_change(grant)?;
    }
    Ok(Some((grant, stay)))
}

/// Whether a path is for everybody: the page itself, which knows nothing yet, the way in, and whether the server is there.
fn is_open(path: &str) -> bool {
    matches!(path, "/" | "/healthz" | "/readyz" | "/favicon.ico")
        || path.starts_with("/assets/")
        || path.starts_with("/api/v1/open/")
}

async fn grant_of(app: &App, carried: &Carried<'_>) -> Option<(Grant, Stay)> {
    let word = carried.word;
    // A browser never has a token, so none is good in a cookie.
    if carried.by_cookie {
        return app.browsers.know(word, SystemClock.now());
    }
    if let Some(grant) = app.tokens.own(word) {
        return Some((grant, Stay::free()));
    }
    let snapshot = app.roll.fresh().await.unwrap_or_else(|_| app.roll.last());
    Some((app.scoped.grant(word, snapshot).await?, Stay::free()))
}

/// The one host that a request names.
fn host_of<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let mut named = headers.get_all(header::HOST).iter();
    let named = match (named.next(), named.next()) {
        (Some(one), None) => one.to_str().ok(),
        _ => None,
    };
    // Who names two has something in mind.
    match uri.authority() {
        Some(authority) => named.filter(|host| *host == authority.as_str()),
        None => named,
    }
}

/// Refuses a page from elsewhere; says whether the request has an origin.
fn ensure_origin(headers: &HeaderMap, host: &str) -> Result<bool, Problem> {
    let mut has_origin = false;
    for origin in headers.get_all(header::ORIGIN) {
        has_origin = true;
        let own = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        let is_own = own.is_some_and(|(scheme, at)| {
            matches!(scheme, "http" | "https")
                && without_default_port(at, scheme) == without_default_port(host, scheme)
        });
        if !is_own {
            return Err(Problem::forbidden("a page from elsewhere may not ask this server"));
        }
    }
    Ok(has_origin)
}

/// Refuses what a browser does for a page of another site or another port, whether or not that page could read the answer.
fn ensure_own_site(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get("sec-fetch-site").map(header::HeaderValue::as_bytes) {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(Problem::forbidden("a page from elsewhere may not ask this server")),
    }
}

fn without_default_port(host: &str, scheme: &str) -> String {
    let port = if scheme == "https" { ":443" } else { ":80" };
    host.strip_suffix(port).unwrap_or(host).to_ascii_lowercase()
}

/// The names under which this server may be reached.
#[derive(Debug)]
pub(super) struct Hosts(Vec<String>);

impl Hosts {
    /// Those of this machine itself, and these.
    pub(super) fn of(more: &[String]) -> Self {
        let own = ["localhost", "127.0.0.1", "[::1]"].map(ToOwned::to_owned);
        Self(own.into_iter().chain(more.iter().map(|host| host.to_ascii_lowercase())).collect())
    }

    /// Whether this is one of them; a name without a port stands for every port.
    fn allow(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.parse::<u16>().is_ok() => name,
            Some(_) | None => &host,
        };
        self.0.iter().any(|known| *known == host || known == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_known_by_its_name_with_every_port_or_with_its_own() {
        let hosts = Hosts::of(&["Wharf.example".to_owned(), "10.0.0.5:8080".to_owned()]);
        for host in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1:7777",
            "[::1]",
            "[::1]:7777",
            "wharf.EXAMPLE:443",
            "10.0.0.5:8080",
        ] {
            assert!(hosts.allow(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "localhost.evil.example",
            "10.0.0.5",
            "10.0.0.5:80",
            "127.0.0.1.",
            "::1",
            "localhost:x",
            "localhost:99999",
        ] {
            assert!(!hosts.allow(host), "{host}");
        }
    }

    #[test]
    fn an_origin_is_that_of_the_host_that_was_asked() {
        let check = |origin: &str, host: &str| {
            let mut headers = HeaderMap::new();
            headers.append(header::ORIGIN, origin.parse().unwrap());
            ensure_origin(&headers, host)
        };
        assert!(check("http://localhost:7777", "localhost:7777").unwrap());
        assert!(check("https://wharf.example", "wharf.example:443").unwrap());
        assert!(check("http://LOCALHOST", "localhost:80").unwrap());
        for (origin, host) in [
            ("null", "localhost:7777"),
            ("http://localhost:3000", "localhost:7777"),
            ("http://evil.example", "localhost:7777"),
            ("file://localhost:7777", "localhost:7777"),
            ("http://localhost:7777.evil.example", "localhost:7777"),
            ("http://127.0.0.1:7777", "localhost:7777"),
        ] {
            assert!(check(origin, host).is_err(), "{origin}");
        }
        assert!(!ensure_origin(&HeaderMap::new(), "localhost").unwrap());
    }
}
