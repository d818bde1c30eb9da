//! Persons, tokens and notices.

use crate::id::{NoticeId, TokenId};
use crate::time::Timestamp;
use crate::words::words;

/// A person the system may name. Persons are never deleted: their names stay in history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Short unique handle.
    pub handle: String,
    /// Name for people.
    pub name: String,
    /// Where notices go.
    pub email: String,
    /// False once deactivated.
    pub active: bool,
}

words! {
    /// What a token may do.
    Scope {
        /// Post events.
        Trigger = "trigger",
        /// Decide reviews, in the name of its person.
        Review = "review",
        /// Read.
        Read = "read",
        /// Everything, in the name of its person.
        Admin = "admin",
    }
}

/// A scoped, expiring API token. Only its hash is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// SHA-256 of the token text.
    pub hash: [u8; 32],
    /// What it may do.
    pub scope: Scope,
    /// The workflow it is for; absent means all.
    pub workflow: Option<String>,
    /// The person in whose name it decides; needed for `review` and `admin`.
    pub person: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// When it was withdrawn.
    pub revoked_at: Option<Timestamp>,
}

words! {
    /// Where a notice stands.
    NoticeState {
        /// Waits to be sent.
        Waiting = "waiting",
        /// Accepted by a channel.
        Sent = "sent",
        /// Every channel refused it; shown in the console.
        Failed = "failed",
    }
}

/// A notice to a person: title, owner, due time and a link, never content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its id.
    pub id: NoticeId,
    /// Handle of the person.
    pub person: String,
    /// Workflow it concerns.
    pub workflow: String,
    /// What it is about: `review_opened`, `review_due`, `intake_refused`, …
    pub kind: String,
    /// One line without payload content.
    pub title: String,
    /// Path on the console, such as `/reviews/rev_…`.
    pub path: String,
    /// Where it stands.
    pub state: NoticeState,
    /// Tries so far.
    pub attempts: u32,
    /// When the next try is due.
    pub due_at: Timestamp,
    /// Which channels were tried and what they said; no secret.
    pub detail: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Grows by one with every change.
    pub version: u32,
}
