//! Persons and tokens.

mod read;

use tuesday_domain::id::TokenId;
use tuesday_domain::record::{Person, Token};

use crate::error::ReadError;
use crate::table::{Table, Ty};
use crate::value::{Param, Row, opt_text, opt_time};

pub(crate) static PEOPLE: Table = Table::new(
    "people",
    &[
        ("handle", Ty::Text),
        ("name", Ty::Text),
        ("email", Ty::Text),
        ("active", Ty::Int),
    ],
    1,
    4,
    false,
);

pub(crate) static TOKENS: Table = Table::new(
    "tokens",
    &[
        ("id", Ty::Id),
        ("hash", Ty::Blob),
        ("scope", Ty::Text),
        ("workflow", Ty::Text),
        ("person", Ty::Text),
        ("created_at", Ty::Int),
        ("expires_at", Ty::Int),
        ("revoked_at", Ty::Int),
    ],
    1,
    8,
    false,
);

/// Withdraws a token once; a second time is a conflict.
pub(crate) const REVOKE: &str =
    "UPDATE tokens SET revoked_at = $1 WHERE id = $2 AND revoked_at IS NULL";

pub(crate) const PERSON_COLUMNS: &str = "handle, name, email, active";
pub(crate) const TOKEN_COLUMNS: &str =
    "id, hash, scope, workflow, person, created_at, expires_at, revoked_at";

pub(crate) fn bind_person<'a>(p: &'a Person, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&p.handle),
        Param::Text(&p.name),
        Param::Text(&p.email),
        Param::Int(i64::from(p.active)),
    ]);
}

pub(crate) fn person(r: Row<'_>) -> Result<Person, ReadError> {
    Ok(Person {
        handle: r.text(0)?,
        name: r.text(1)?,
        email: r.text(2)?,
        active: r.flag(3)?,
    })
}

pub(crate) fn bind_token<'a>(t: &'a Token, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(t.id.uuid()),
        Param::Blob(&t.hash),
        Param::Text(t.scope.word()),
        opt_text(t.workflow.as_deref()),
        opt_text(t.person.as_deref()),
        Param::Int(t.created_at.micros()),
        Param::Int(t.expires_at.micros()),
        opt_time(t.revoked_at),
    ]);
}

pub(crate) fn token(r: Row<'_>) -> Result<Token, ReadError> {
    Ok(Token {
        id: TokenId::new(r.id(0)?),
        hash: r.fixed(1)?,
        scope: r.word(2)?,
        workflow: r.opt_text(3)?,
        person: r.opt_text(4)?,
        created_at: r.time(5)?,
        expires_at: r.time(6)?,
        revoked_at: r.opt_time(7)?,
    })
}
