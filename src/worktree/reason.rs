//! What our lock on a worktree says: whose it is, so that the registry can be rebuilt from git alone.

use super::site::{Site, read_small};
use crate::session::{SessionId, SessionName};

/// The lock reason of a session.
pub(super) fn reason_of(id: SessionId, name: &SessionName) -> String {
    serde_json::json!({"wharf": "1.0", "id": id.to_string(), "name": name.as_str()}).to_string()
}

/// The lock of a worktree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// None.
    Free,
    /// By a session, with this name.
    Ours(Option<SessionName>),
    /// By somebody else.
    Foreign(String),
}

/// Who holds the lock of this worktree.
pub(super) fn held(site: &Site) -> Held {
    let path = site.admin.join("locked");
    let Some(text) = read_small(&path) else {
        return Held::Free;
    };
    let ours = serde_json::from_str::<serde_json::Value>(text.trim())
        .ok()
        .filter(|reason| {
            reason.get("wharf").is_some()
                && reason.get("id").and_then(|id| id.as_str()) == Some(&site.id.to_string())
        });
    match ours {
        Some(reason) => Held::Ours(reason.get("name").and_then(|name| name.as_str()?.parse().ok())),
        None => Held::Foreign(text.trim().to_owned()),
    }
}
