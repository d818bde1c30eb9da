//! Attempts: one row for each try of each step, never changed.

mod read;
mod sent;

pub use sent::Sent;

use tuesday_domain::id::RunId;
use tuesday_domain::record::{Attempt, Usage};

use crate::error::ReadError;
use crate::table::{Table, Ty};
use crate::value::{Param, Row, big, opt_int, opt_num, opt_text, opt_time};

pub(crate) static ATTEMPTS: Table = Table::new(
    "attempts",
    &[
        ("run_id", Ty::Id),
        ("seq", Ty::Int),
        ("step", Ty::Text),
        ("number", Ty::Int),
        ("started_at", Ty::Int),
        ("duration_us", Ty::Int),
        ("result", Ty::Text),
        ("code", Ty::Text),
        ("detail", Ty::Text),
        ("model", Ty::Text),
        ("model_reported", Ty::Text),
        ("request_hash", Ty::Blob),
        ("answer_ref", Ty::Int),
        ("input_tokens", Ty::Int),
        ("output_tokens", Ty::Int),
        ("cost_micros", Ty::Int),
        ("bytes_received", Ty::Int),
        ("retry_at", Ty::Int),
        ("currency", Ty::Text),
        ("price_version", Ty::Int),
    ],
    3,
    20,
    false,
);

/// The columns in the order [`attempt`] reads them.
pub(crate) const COLUMNS: &str = "run_id, seq, step, number, started_at, duration_us, result, code, detail, model, \
    model_reported, request_hash, answer_ref, input_tokens, output_tokens, cost_micros, bytes_received, retry_at, \
    currency, price_version";

pub(crate) fn bind<'a>(a: &'a Attempt, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(a.run.uuid()),
        Param::Int(i64::from(a.seq)),
        Param::Text(a.step.word()),
        Param::Int(i64::from(a.number)),
        Param::Int(a.started_at.micros()),
        Param::Int(a.duration_us),
        Param::Text(a.result.word()),
        opt_text(a.code.as_deref()),
        opt_text(a.detail.as_deref()),
        opt_text(a.model.as_deref()),
        opt_text(a.model_reported.as_deref()),
        a.request_hash
            .as_ref()
            .map_or(Param::Null, |h| Param::Blob(h)),
        opt_num(a.answer_ref),
        opt_int(a.usage.map(|u| big(u.input_tokens))),
        opt_int(a.usage.map(|u| big(u.output_tokens))),
        opt_int(a.cost_micros),
        Param::Int(big(a.bytes_received)),
        opt_time(a.retry_at),
        opt_text(a.currency.as_deref()),
        opt_num(a.price_version),
    ]);
}

pub(crate) fn attempt(r: Row<'_>) -> Result<Attempt, ReadError> {
    let usage = match (r.opt_num(13)?, r.opt_num(14)?) {
        (Some(input_tokens), Some(output_tokens)) => Some(Usage {
            input_tokens,
            output_tokens,
        }),
        _ => None,
    };
    Ok(Attempt {
        run: RunId::new(r.id(0)?),
        seq: r.num(1)?,
        step: r.word(2)?,
        number: r.num(3)?,
        started_at: r.time(4)?,
        duration_us: r.int(5)?,
        result: r.word(6)?,
        code: r.opt_text(7)?,
        detail: r.opt_text(8)?,
        model: r.opt_text(9)?,
        model_reported: r.opt_text(10)?,
        request_hash: if r.opt_blob(11)?.is_some() {
            Some(r.fixed(11)?)
        } else {
            None
        },
        answer_ref: r.opt_num(12)?,
        usage,
        cost_micros: r.opt_int(15)?,
        bytes_received: r.num(16)?,
        retry_at: r.opt_time(17)?,
        currency: r.opt_text(18)?,
        price_version: r.opt_num(19)?,
    })
}
