//! Grants, credentials, one-time links, sessions, wrong guesses and absences.

mod ceremony;
mod read;

pub(crate) use ceremony::{
    BEGIN_CEREMONY, COUNT_GUESS, END_CEREMONY, FORGIVE_GUESS, TIDY_CEREMONIES,
};

use tuesday_domain::record::{Away, Credential, Grant, Guesses, Invite, RightUse, Session};
use tuesday_domain::time::Timestamp;

use crate::Store;
use crate::error::{ApplyError, ReadError};
use crate::table::{Table, Ty};
use crate::value::{Param, Row, Value, opt_text, opt_time};

pub(crate) static GRANTS: Table = Table::new(
    "grants",
    &[
        ("person", Ty::Text),
        ("role", Ty::Text),
        ("workflow", Ty::Text),
        ("tier", Ty::Text),
        ("clearance", Ty::Text),
        ("may_pause", Ty::Int),
        ("granted_by", Ty::Text),
        ("granted_at", Ty::Int),
        ("until_at", Ty::Int),
    ],
    4,
    9,
    false,
);

pub(crate) static CREDENTIALS: Table = Table::new(
    "credentials",
    &[
        ("person", Ty::Text),
        ("kind", Ty::Text),
        ("name", Ty::Text),
        ("label", Ty::Text),
        ("data", Ty::Text),
        ("created_at", Ty::Int),
        ("used_at", Ty::Int),
    ],
    3,
    7,
    false,
);

pub(crate) static INVITES: Table = Table::new(
    "invites",
    &[
        ("hash", Ty::Blob),
        ("person", Ty::Text),
        ("created_at", Ty::Int),
        ("expires_at", Ty::Int),
        ("used_at", Ty::Int),
    ],
    1,
    5,
    false,
);

pub(crate) static SESSIONS: Table = Table::new(
    "sessions",
    &[
        ("hash", Ty::Blob),
        ("person", Ty::Text),
        ("began", Ty::Text),
        ("workflow", Ty::Text),
        ("csrf", Ty::Text),
        ("agent", Ty::Text),
        ("started_at", Ty::Int),
        ("seen_at", Ty::Int),
        ("fresh_at", Ty::Int),
        ("ends_at", Ty::Int),
    ],
    1,
    10,
    false,
);

pub(crate) static GUESSES: Table = Table::new(
    "guesses",
    &[
        ("door", Ty::Text),
        ("failures", Ty::Int),
        ("last_at", Ty::Int),
    ],
    1,
    3,
    false,
);

pub(crate) static AWAY: Table = Table::new(
    "away",
    &[
        ("person", Ty::Text),
        ("away_until", Ty::Int),
        ("stand_in", Ty::Text),
    ],
    1,
    3,
    false,
);

pub(crate) const DROP_GRANT: &str = "DELETE FROM grants WHERE person = $1 AND role = $2 AND workflow = $3 AND tier = $4 AND granted_at = $5";
pub(crate) const DROP_CREDENTIAL: &str =
    "DELETE FROM credentials WHERE person = $1 AND kind = $2 AND name = $3";
/// Changes a credential that is still as it was read; anything else is a conflict.
pub(crate) const USE_CREDENTIAL: &str = "UPDATE credentials SET data = $1, used_at = $2 \
    WHERE person = $3 AND kind = $4 AND name = $5 AND data = $6";
/// Uses a link up once; a second time is a conflict.
pub(crate) const USE_INVITE: &str =
    "UPDATE invites SET used_at = $1 WHERE hash = $2 AND used_at IS NULL";
pub(crate) const DROP_SESSION: &str = "DELETE FROM sessions WHERE hash = $1";
pub(crate) const SEEN: &str = "UPDATE sessions SET seen_at = $1 WHERE hash = $2";
pub(crate) const USED: &str = "INSERT INTO right_uses (person, act, workflow, used_at) \
    VALUES ($1, $2, $3, $4) ON CONFLICT (person, act, workflow) DO UPDATE SET used_at = excluded.used_at";

pub(crate) const GRANT_COLUMNS: &str =
    "person, role, workflow, tier, clearance, may_pause, granted_by, granted_at, until_at";
pub(crate) const CREDENTIAL_COLUMNS: &str = "person, kind, name, label, data, created_at, used_at";
pub(crate) const SESSION_COLUMNS: &str =
    "hash, person, began, workflow, csrf, agent, started_at, seen_at, fresh_at, ends_at";

fn bind_grant_key<'a>(g: &'a Grant, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&g.person),
        Param::Text(g.role.word()),
        Param::Text(g.workflow.as_deref().unwrap_or("")),
        Param::Text(g.tier.as_deref().unwrap_or("")),
    ]);
}

/// The very grant that was read: one that was given anew since stays.
pub(crate) fn bind_grant_drop<'a>(g: &'a Grant, out: &mut Vec<Param<'a>>) {
    bind_grant_key(g, out);
    out.push(Param::Int(g.granted_at.micros()));
}

pub(crate) fn bind_grant<'a>(g: &'a Grant, out: &mut Vec<Param<'a>>) {
    bind_grant_key(g, out);
    out.extend([
        Param::Text(g.clearance.word()),
        Param::Int(i64::from(g.may_pause)),
        Param::Text(&g.granted_by),
        Param::Int(g.granted_at.micros()),
        opt_time(g.until),
    ]);
}

fn filled(text: String) -> Option<String> {
    Some(text).filter(|t| !t.is_empty())
}

pub(crate) fn grant(r: Row<'_>) -> Result<Grant, ReadError> {
    Ok(Grant {
        person: r.text(0)?,
        role: r.word(1)?,
        workflow: filled(r.text(2)?),
        tier: filled(r.text(3)?),
        clearance: r.word(4)?,
        may_pause: r.flag(5)?,
        granted_by: r.text(6)?,
        granted_at: r.time(7)?,
        until: r.opt_time(8)?,
    })
}

pub(crate) fn bind_credential_key<'a>(c: &'a Credential, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&c.person),
        Param::Text(c.kind.word()),
        Param::Text(&c.name),
    ]);
}

pub(crate) fn bind_credential<'a>(c: &'a Credential, out: &mut Vec<Param<'a>>) {
    bind_credential_key(c, out);
    out.extend([
        Param::Text(&c.label),
        Param::Text(&c.data),
        Param::Int(c.created_at.micros()),
        opt_time(c.used_at),
    ]);
}

pub(crate) fn bind_use<'a>(
    was: &'a Credential,
    data: &'a str,
    used_at: Option<Timestamp>,
    out: &mut Vec<Param<'a>>,
) {
    out.extend([Param::Text(data), opt_time(used_at)]);
    bind_credential_key(was, out);
    out.push(Param::Text(&was.data));
}

pub(crate) fn credential(r: Row<'_>) -> Result<Credential, ReadError> {
    Ok(Credential {
        person: r.text(0)?,
        kind: r.word(1)?,
        name: r.text(2)?,
        label: r.text(3)?,
        data: r.text(4)?,
        created_at: r.time(5)?,
        used_at: r.opt_time(6)?,
    })
}

pub(crate) fn bind_invite<'a>(i: &'a Invite, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Blob(&i.hash),
        Param::Text(&i.person),
        Param::Int(i.created_at.micros()),
        Param::Int(i.expires_at.micros()),
        opt_time(i.used_at),
    ]);
}

pub(crate) fn invite(r: Row<'_>) -> Result<Invite, ReadError> {
    Ok(Invite {
        hash: r.fixed(0)?,
        person: r.text(1)?,
        created_at: r.time(2)?,
        expires_at: r.time(3)?,
        used_at: r.opt_time(4)?,
    })
}

pub(crate) fn bind_session<'a>(s: &'a Session, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Blob(&s.hash),
        Param::Text(&s.person),
        Param::Text(s.by.word()),
        opt_text(s.workflow.as_deref()),
        Param::Text(&s.csrf),
        Param::Text(&s.agent),
        Param::Int(s.started_at.micros()),
        Param::Int(s.seen_at.micros()),
        Param::Int(s.fresh_at.micros()),
        Param::Int(s.ends_at.micros()),
    ]);
}

pub(crate) fn session(r: Row<'_>) -> Result<Session, ReadError> {
    Ok(Session {
        hash: r.fixed(0)?,
        person: r.text(1)?,
        by: r.word(2)?,
        workflow: r.opt_text(3)?,
        csrf: r.text(4)?,
        agent: r.text(5)?,
        started_at: r.time(6)?,
        seen_at: r.time(7)?,
        fresh_at: r.time(8)?,
        ends_at: r.time(9)?,
    })
}

pub(crate) fn bind_guesses<'a>(g: &'a Guesses, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&g.door),
        Param::Int(i64::from(g.failures)),
        Param::Int(g.last_at.micros()),
    ]);
}

pub(crate) fn guesses(r: Row<'_>) -> Result<Guesses, ReadError> {
    Ok(Guesses {
        door: r.text(0)?,
        failures: r.num(1)?,
        last_at: r.time(2)?,
    })
}

pub(crate) fn bind_away<'a>(a: &'a Away, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&a.person),
        Param::Int(a.until.micros()),
        opt_text(a.to.as_deref()),
    ]);
}

pub(crate) fn away(r: Row<'_>) -> Result<Away, ReadError> {
    Ok(Away {
        person: r.text(0)?,
        until: r.time(1)?,
        to: r.opt_text(2)?,
    })
}

pub(crate) fn right_use(r: Row<'_>) -> Result<RightUse, ReadError> {
    Ok(RightUse {
        person: r.text(0)?,
        act: r.text(1)?,
        workflow: r.text(2)?,
        used_at: r.time(3)?,
    })
}

impl Store {
    /// Notes that a session is in use. Like a heartbeat: no decision, so no audit entry.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn session_seen(&self, hash: &[u8; 32], at: Timestamp) -> Result<(), ApplyError> {
        let params = vec![Value::Int(at.micros()), Value::Blob(hash.to_vec())];
        self.execute(SEEN, params).await.map(drop)
    }

    /// Notes that a right was used, for the access review. No decision, so no audit entry.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn right_used(&self, used: &RightUse) -> Result<(), ApplyError> {
        let params = vec![
            Value::Text(used.person.clone()),
            Value::Text(used.act.clone()),
            Value::Text(used.workflow.clone()),
            Value::Int(used.used_at.micros()),
        ];
        self.execute(USED, params).await.map(drop)
    }
}
