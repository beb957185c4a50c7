//! What people set about the server, below `[server]`.

use std::{net::SocketAddr, ops::RangeInclusive, path::PathBuf, time::Duration};

use serde::Deserialize;

use super::Origin;

const CLIENTS: RangeInclusive<usize> = 1..=10_000;
const CONNECTIONS: RangeInclusive<usize> = 8..=100_000;
const BODY_BYTES: RangeInclusive<usize> = 1_024..=(64 << 20);
const CHANGES: RangeInclusive<u32> = 1..=100_000;
const HOSTS_MAX: usize = 100;
const TIMEOUT_SECONDS: RangeInclusive<u64> = 1..=(366 * 24 * 60 * 60);
const STALL_SECONDS: RangeInclusive<u64> = 1..=3_600;
const NAME_BYTES_MAX: usize = 255;

/// Which session a client gets (SPEC CL-1).
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum ClientPolicy {
    /// All get the one that is started with the server.
    Shared,
    /// Each gets one of its own.
    #[default]
    Isolated,
}

/// The settings of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// Where it listens (`server.listen`, `127.0.0.1:7777`); only the user's own file can say so.
    pub listen: SocketAddr,
    /// The names under which browsers may reach it beside those of this machine (`server.hosts`, none); only the user's own
    /// file can say so.
    pub hosts: Vec<String>,
    /// Where its token is kept (`server.token_file`, in the folder of sockets); only the user's own file can say so.
    pub token_file: Option<PathBuf>,
    /// Which session a client gets (`server.clients`, `isolated`).
    pub policy: ClientPolicy,
    /// How many clients may have a ticket (`server.clients_max`, 1000).
    pub clients_max: usize,
    /// After how long without a sign of life a client's ticket is given up (`server.client_timeout`, a day).
    pub client_timeout: Duration,
    /// Whether a stop of the server ends what runs for its clients (`server.end_clients`, false).
    pub end_clients: bool,
    /// How many connections may be open (`server.connections`, 4096).
    pub connections_max: usize,
    /// How long the head of a request may take to come, and so its body, and how long an answer, an event or a terminal may not
    /// be taken (`server.stall_timeout`, 30 seconds).
    pub stall_timeout: Duration,
    /// How many terminals may be shown (`server.terminals`, 512).
    pub terminals_max: usize,
    /// How many may wait for events (`server.events`, 512).
    pub events_max: usize,
    /// The longest body of a request (`server.body_size`, 1 MiB).
    pub body_bytes_max: usize,
    /// How many changes may be asked for each second (`server.changes_per_second`, 200).
    pub changes_per_second: u32,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 7777)),
            hosts: Vec::new(),
            token_file: None,
            policy: ClientPolicy::default(),
            clients_max: 1_000,
            client_timeout: Duration::from_hours(24),
            end_clients: false,
            connections_max: 4_096,
            stall_timeout: Duration::from_secs(30),
            terminals_max: 512,
            events_max: 512,
            body_bytes_max: 1 << 20,
            changes_per_second: 200,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_field_names, reason = "the words of the settings")]
pub(super) struct File {
    listen: Option<SocketAddr>,
    hosts: Option<Vec<String>>,
    token_file: Option<PathBuf>,
    clients: Option<ClientPolicy>,
    clients_max: Option<usize>,
    client_timeout: Option<u64>,
    end_clients: Option<bool>,
    connections: Option<usize>,
    stall_timeout: Option<u64>,
    terminals: Option<usize>,
    events: Option<usize>,
    body_size: Option<usize>,
    changes_per_second: Option<u32>,
}

/// A value that cannot be taken: the setting, and what it has to be.
type Wrong = (&'static str, &'static str);

impl ServerSettings {
    /// Takes what a file says over.
    pub(super) fn apply(&mut self, file: &File, origin: Origin) -> Result<(), Wrong> {
        self.apply_guards(file, origin)?;
        if let Some(policy) = file.clients {
            self.policy = policy;
        }
        if let Some(seconds) = file.client_timeout {
            if !TIMEOUT_SECONDS.contains(&seconds) {
                return Err(("server.client_timeout", "is 1 second to 366 days"));
            }
            self.client_timeout = Duration::from_secs(seconds);
        }
        if let Some(seconds) = file.stall_timeout {
            if !STALL_SECONDS.contains(&seconds) {
                return Err(("server.stall_timeout", "is 1 second to an hour"));
            }
            self.stall_timeout = Duration::from_secs(seconds);
        }
        if let Some(end) = file.end_clients {
            self.end_clients = end;
        }
        within(&mut self.clients_max, file.clients_max, &CLIENTS, ("server.clients_max", "is 1 to 10000"))?;
        let rule = "is 8 to 100000";
        within(&mut self.connections_max, file.connections, &CONNECTIONS, ("server.connections", rule))?;
        within(&mut self.terminals_max, file.terminals, &CLIENTS, ("server.terminals", "is 1 to 10000"))?;
        within(&mut self.events_max, file.events, &CLIENTS, ("server.events", "is 1 to 10000"))?;
        let rule = "is 1024 to 67108864 (64 MiB) bytes";
        within(&mut self.body_bytes_max, file.body_size, &BODY_BYTES, ("server.body_size", rule))?;
        let key = ("server.changes_per_second", "is 1 to 100000");
        within(&mut self.changes_per_second, file.changes_per_second, &CHANGES, key)
    }

    /// What decides who gets in: a repository can bring the workspace's file along, so that one has no say.
    fn apply_guards(&mut self, file: &File, origin: Origin) -> Result<(), Wrong> {
        let given = [
            ("server.listen", file.listen.is_some()),
            ("server.hosts", file.hosts.is_some()),
            ("server.token_file", file.token_file.is_some()),
        ];
        if let Some((key, _)) = given.iter().find(|(_, is_given)| *is_given && origin == Origin::Workspace) {
            return Err((key, "can only be set in the user's own file"));
        }
        if let Some(listen) = file.listen {
            self.listen = listen;
        }
        if let Some(hosts) = &file.hosts {
            if hosts.len() > HOSTS_MAX || !hosts.iter().all(|host| is_host(host)) {
                return Err((
                    "server.hosts",
                    "is a list of at most 100 names, such as wharf.example or 10.0.0.5",
                ));
            }
            self.hosts.clone_from(hosts);
        }
        if let Some(path) = &file.token_file {
            if !path.is_absolute() {
                return Err(("server.token_file", "is an absolute path"));
            }
            self.token_file = Some(path.clone());
        }
        Ok(())
    }
}

/// Whether a text can be the name of a host, with or without a port.
pub fn is_host(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    !text.is_empty() && text.len() <= NAME_BYTES_MAX && text.chars().all(is_plain)
}

/// Takes a value over that lies in a range.
fn within<T: PartialOrd + Copy>(
    place: &mut T,
    given: Option<T>,
    range: &RangeInclusive<T>,
    (key, rule): Wrong,
) -> Result<(), Wrong> {
    match given {
        Some(value) if !range.contains(&value) => return Err((key, rule)),
        Some(value) => *place = value,
        None => (),
    }
    Ok(())
}
