//! How the command line asks a server for a link, or to log browsers out: one request over the loopback.

use std::{
    io::{self, Read as _, Write as _},
    net::{TcpStream, ToSocketAddrs as _},
    path::PathBuf,
    time::Duration,
};

use serde::{Deserialize, de::DeserializeOwned};

use super::{ServerError, browsers::Admits, files::Files};
use crate::workspace::Workspace;

/// How long a server may take.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(10);
/// The longest answer.
const ANSWER_BYTES_MAX: u64 = 1 << 20;

/// A link that lets one browser in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// The link.
    pub url: String,
    /// Until when it is good.
    pub expires_at: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    path: String,
    expires_at: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LoggedOut {
    logged_out: usize,
}

/// Asks the server of a workspace for a link; under another address where the browser reaches it by that.
pub fn open(
    workspace: &Workspace,
    token_file: Option<PathBuf>,
    shown: Option<&str>,
    admits: Admits,
) -> Result<Opened, ServerError> {
    let body = match admits {
        Admits::All => "{}",
        Admits::Looks => "{\"readOnly\":true}",
    };
    let (url, link): (String, Link) = ask(workspace, token_file, "POST /api/v1/open-codes", body)?;
    let base = shown.unwrap_or(&url).trim_end_matches('/');
    Ok(Opened { url: format!("{base}{}", link.path), expires_at: link.expires_at })
}

/// Has the server of a workspace log every browser out; answers how many there were.
pub fn log_out(workspace: &Workspace, token_file: Option<PathBuf>) -> Result<usize, ServerError> {
    let (_, LoggedOut { logged_out }) = ask(workspace, token_file, "DELETE /api/v1/browsers", "{}")?;
    Ok(logged_out)
}

/// Sends one request; answers where the server is, and what it says.
fn ask<T: DeserializeOwned>(
    workspace: &Workspace,
    token_file: Option<PathBuf>,
    what: &str,
    body: &str,
) -> Result<(String, T), ServerError> {
    let files = Files::of(workspace, token_file);
    // Nobody but our own server is shown the token.
    let note = files.note().filter(|_| files.is_taken()).ok_or(ServerError::Absent)?;
    let token = files.token()?;
    let at = note.url.strip_prefix("http://").unwrap_or(&note.url).to_owned();
    let silent = |because: String| ServerError::Silent { at: note.url.clone(), because };
    let request = format!(
        "{what} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        token.reveal(),
        body.len()
    );
    let answer = exchange(&at, &request).map_err(|err| silent(err.to_string()))?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| silent("it says no HTTP".to_owned()))?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    if !matches!(status, "200" | "201") {
        return Err(silent(format!("it answers with status {status}")));
    }
    let said = serde_json::from_str(body).map_err(|err| silent(err.to_string()))?;
    Ok((note.url, said))
}

fn exchange(at: &str, request: &str) -> io::Result<String> {
    let address = at.to_socket_addrs()?.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
    let mut stream = TcpStream::connect_timeout(&address, ANSWER_WAIT_MAX)?;
    stream.set_read_timeout(Some(ANSWER_WAIT_MAX))?;
    stream.set_write_timeout(Some(ANSWER_WAIT_MAX))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.take(ANSWER_BYTES_MAX).read_to_string(&mut answer)?;
    Ok(answer)
}
