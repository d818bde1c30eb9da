//! Payloads: the bytes of a run, apart from the audit log so that they can be erased.

mod read;

use tuesday_domain::audit::Commitment;
use tuesday_domain::id::RunId;
use tuesday_domain::record::Payload;

use crate::error::ReadError;
use crate::table::{Table, Ty};
use crate::value::{Param, Row};

pub(crate) static PAYLOADS: Table = Table::new(
    "payloads",
    &[
        ("run_id", Ty::Id),
        ("n", Ty::Int),
        ("kind", Ty::Text),
        ("class", Ty::Text),
        ("salt", Ty::Blob),
        ("commitment", Ty::Blob),
        ("bytes", Ty::Blob),
    ],
    2,
    7,
    false,
);

/// The columns in the order [`payload`] reads them; `p` is the table.
pub(crate) const COLUMNS: &str = "p.run_id, p.n, p.kind, p.class, p.salt, p.commitment, p.bytes";

pub(crate) fn bind<'a>(p: &'a Payload, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(p.run.uuid()),
        Param::Int(i64::from(p.n)),
        Param::Text(p.kind.word()),
        Param::Text(p.class.word()),
        Param::Blob(&p.salt),
        Param::Blob(&p.commitment.0),
        Param::Blob(&p.bytes),
    ]);
}

pub(crate) fn payload(r: Row<'_>) -> Result<Payload, ReadError> {
    Ok(Payload {
        run: RunId::new(r.id(0)?),
        n: r.num(1)?,
        kind: r.word(2)?,
        class: r.word(3)?,
        salt: r.fixed(4)?,
        commitment: Commitment(r.fixed(5)?),
        bytes: r.blob(6)?,
    })
}
