//! Actions: one row for each intended effect; its key never changes and is unique for ever.

mod read;
mod turn;

pub use turn::Turn;

use tuesday_domain::id::{ActionId, RunId};
use tuesday_domain::record::Action;

use crate::error::ReadError;
use crate::table::{Table, Ty};
use crate::value::{Param, Row, opt_num, opt_text, opt_time};

pub(crate) static ACTIONS: Table = Table::new(
    "actions",
    &[
        ("run_id", Ty::Id),
        ("id", Ty::Id),
        ("state", Ty::Text),
        ("request_ref", Ty::Int),
        ("authorised_by", Ty::Text),
        ("attempts", Ty::Int),
        ("first_sent_at", Ty::Int),
        ("receipt_ref", Ty::Int),
        ("external_id", Ty::Text),
        ("detail", Ty::Text),
        ("updated_at", Ty::Int),
        ("version", Ty::Int),
        ("ordinal", Ty::Int),
        ("revision", Ty::Int),
        ("name", Ty::Text),
        ("class", Ty::Text),
        ("ability", Ty::Text),
        ("target", Ty::Text),
        ("key", Ty::Text),
        ("not_before", Ty::Int),
    ],
    2,
    12,
    true,
);

/// The columns in the order [`action`] reads them.
pub(crate) const COLUMNS: &str = "run_id, id, state, request_ref, authorised_by, attempts, first_sent_at, receipt_ref, \
    external_id, detail, updated_at, version, ordinal, revision, name, class, ability, target, key, not_before";

pub(crate) fn bind<'a>(a: &'a Action, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(a.run.uuid()),
        Param::Id(a.id.uuid()),
        Param::Text(a.state.word()),
        Param::Int(i64::from(a.request_ref)),
        opt_text(a.authorised_by.as_deref()),
        Param::Int(i64::from(a.attempts)),
        opt_time(a.first_sent_at),
        opt_num(a.receipt_ref),
        opt_text(a.external_id.as_deref()),
        opt_text(a.detail.as_deref()),
        Param::Int(a.updated_at.micros()),
        Param::Int(i64::from(a.version)),
        Param::Int(i64::from(a.ordinal)),
        Param::Int(i64::from(a.revision)),
        Param::Text(&a.name),
        Param::Text(a.class.word()),
        Param::Text(a.ability.word()),
        Param::Text(&a.target),
        Param::Text(&a.key),
        opt_time(a.not_before),
    ]);
}

pub(crate) fn action(r: Row<'_>) -> Result<Action, ReadError> {
    Ok(Action {
        run: RunId::new(r.id(0)?),
        id: ActionId::new(r.id(1)?),
        state: r.word(2)?,
        request_ref: r.num(3)?,
        authorised_by: r.opt_text(4)?,
        attempts: r.num(5)?,
        first_sent_at: r.opt_time(6)?,
        receipt_ref: r.opt_num(7)?,
        external_id: r.opt_text(8)?,
        detail: r.opt_text(9)?,
        updated_at: r.time(10)?,
        version: r.num(11)?,
        ordinal: r.num(12)?,
        revision: r.num(13)?,
        name: r.text(14)?,
        class: r.word(15)?,
        ability: r.word(16)?,
        target: r.text(17)?,
        key: r.text(18)?,
        not_before: r.opt_time(19)?,
    })
}
