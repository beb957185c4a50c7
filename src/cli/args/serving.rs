//! What can be typed to serve a workspace, and to open its page.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

/// Serve the sessions over HTTP: a page for browsers, an API for tools
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf serve                                  at http://127.0.0.1:7777; prints a link for your browser
  wharf serve --listen 127.0.0.1:0             at a port that is free
  wharf serve --listen 0.0.0.0:7777            in a container with a published port
  wharf serve --allow-host wharf.example       behind a proxy that browsers know by this name
  wharf serve --unix /run/wharf.sock           also at a socket

Everybody needs the token, which is in a file that only you can read. `wharf open` prints a link that lets a browser in.
Sessions do not depend on the server: it can be ended, killed and upgraded at any time.")]
pub(in crate::cli) struct Serve {
    /// The address to listen at [default: `server.listen` in the settings, else 127.0.0.1:7777]
    #[arg(long, value_name = "ADDRESS", env = "WHARF_LISTEN")]
    pub(in crate::cli) listen: Option<SocketAddr>,
    /// Listen at this socket too; only you can connect to it
    #[arg(long, value_name = "PATH")]
    pub(in crate::cli) unix: Option<PathBuf>,
    /// A name by which browsers may reach it beside those of this machine; a name without a port stands for every port
    #[arg(long, value_name = "HOST", env = "WHARF_ALLOW_HOST", value_delimiter = ',')]
    pub(in crate::cli) allow_host: Vec<String>,
    /// The file with the token; it is made when it is not there [default: in the private folder of sockets]
    #[arg(long, value_name = "PATH", env = "WHARF_SERVER_TOKEN_FILE")]
    pub(in crate::cli) token_file: Option<PathBuf>,
}

/// Print a link that lets one browser in; it is good once, for a minute
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  wharf open
  wharf open --url http://localhost:8080       where a container's port is published
  wharf open --read-only                       for a browser that shows everything and changes nothing
  wharf open --revoke                          logs every browser out, also those that show a terminal")]
pub(in crate::cli) struct Open {
    /// Where the browser reaches the server [default: where it listens]
    #[arg(long, value_name = "URL", env = "WHARF_URL")]
    pub(in crate::cli) url: Option<String>,
    /// Let it look only: it sees the sessions and their terminals, and can neither change nor type anything
    #[arg(long, conflicts_with = "revoke")]
    pub(in crate::cli) read_only: bool,
    /// Log every browser out instead, and forget the links that nobody opened yet
    #[arg(long)]
    pub(in crate::cli) revoke: bool,
    /// The file with the token [default: where the server keeps it]
    #[arg(long, value_name = "PATH", env = "WHARF_SERVER_TOKEN_FILE")]
    pub(in crate::cli) token_file: Option<PathBuf>,
}
