//! Review tasks: what people are asked, and what they said.

mod read;

pub use read::{OverrideCount, ReviewCount};

use std::borrow::Cow;

use tuesday_domain::id::{ReviewId, RunId};
use tuesday_domain::record::Review;

use crate::error::ReadError;
use crate::table::{Table, Ty};
use crate::value::{Param, Row, opt_id, opt_num, opt_text, opt_time};

pub(crate) static REVIEWS: Table = Table::new(
    "reviews",
    &[
        ("id", Ty::Id),
        ("state", Ty::Text),
        ("subject", Ty::Text),
        ("reason", Ty::Text),
        ("reasons", Ty::Text),
        ("owner", Ty::Text),
        ("chain", Ty::Text),
        ("level", Ty::Int),
        ("claimed_by", Ty::Text),
        ("claim_until", Ty::Int),
        ("due_at", Ty::Int),
        ("decided_at", Ty::Int),
        ("decided_by", Ty::Text),
        ("decision", Ty::Text),
        ("decision_reason", Ty::Text),
        ("note", Ty::Text),
        ("output_ref", Ty::Int),
        ("bound_to", Ty::Text),
        ("approved_by", Ty::Text),
        ("approvals_needed", Ty::Int),
        ("edited_by", Ty::Text),
        ("recheck_ref", Ty::Int),
        ("override_kind", Ty::Text),
        ("override_ref", Ty::Int),
        ("request_keys", Ty::Text),
        ("exhausted_at", Ty::Int),
        ("revision", Ty::Int),
        ("run_id", Ty::Id),
        ("workflow", Ty::Text),
        ("kind", Ty::Text),
        ("tier", Ty::Text),
        ("created_at", Ty::Int),
        ("follows", Ty::Id),
    ],
    1,
    27,
    true,
);

/// A claim runs on as long as its holder is active; never shorter than it was promised.
pub(crate) const RENEW: &str = "UPDATE reviews SET claim_until = $1 WHERE id = $2 AND state = 'claimed' \
    AND claimed_by = $3";

/// The columns in the order [`review`] reads them.
pub(crate) const COLUMNS: &str = "id, state, subject, reason, reasons, owner, chain, level, claimed_by, claim_until, \
    due_at, decided_at, decided_by, decision, decision_reason, note, output_ref, bound_to, approved_by, \
    approvals_needed, edited_by, recheck_ref, override_kind, override_ref, request_keys, exhausted_at, revision, run_id, workflow, \
    kind, tier, created_at, follows";

/// The lists of a review as JSON texts, which must live as long as the bound parameters.
pub(crate) struct Lists {
    reasons: Cow<'static, str>,
    chain: Cow<'static, str>,
    approved_by: Cow<'static, str>,
    request_keys: Cow<'static, str>,
}

impl Lists {
    pub(crate) fn of(v: &Review) -> Self {
        Self {
            reasons: json(&v.reasons),
            chain: json(&v.chain),
            approved_by: json(&v.approved_by),
            request_keys: json(&v.request_keys),
        }
    }

    /// The slot for four texts of another row.
    pub(crate) fn texts([one, two, three, four]: [String; 4]) -> Self {
        Self {
            reasons: Cow::Owned(one),
            chain: Cow::Owned(two),
            approved_by: Cow::Owned(three),
            request_keys: Cow::Owned(four),
        }
    }

    /// The texts of [`Lists::texts`].
    pub(crate) fn four(&self) -> [&str; 4] {
        [
            &self.reasons,
            &self.chain,
            &self.approved_by,
            &self.request_keys,
        ]
    }
}

fn json(list: &[String]) -> Cow<'static, str> {
    if list.is_empty() {
        Cow::Borrowed("[]")
    } else {
        Cow::Owned(serde_json::json!(list).to_string())
    }
}

pub(crate) fn bind<'a>(v: &'a Review, lists: &'a Lists, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(v.id.uuid()),
        Param::Text(v.state.word()),
        Param::Text(&v.subject),
        Param::Text(v.reason.word()),
        Param::Text(&lists.reasons),
        Param::Text(&v.owner),
        Param::Text(&lists.chain),
        Param::Int(i64::from(v.level)),
        opt_text(v.claimed_by.as_deref()),
        opt_time(v.claim_until),
        Param::Int(v.due_at.micros()),
        opt_time(v.decided_at),
        opt_text(v.decided_by.as_deref()),
        opt_text(v.decision.map(|d| d.word())),
        opt_text(v.decision_reason.as_deref()),
        opt_text(v.note.as_deref()),
        opt_num(v.output_ref),
        Param::Text(&v.bound_to),
        Param::Text(&lists.approved_by),
        Param::Int(i64::from(v.approvals_needed)),
        opt_text(v.edited_by.as_deref()),
        opt_num(v.recheck_ref),
        opt_text(v.override_kind.map(|k| k.word())),
        opt_num(v.override_ref),
        Param::Text(&lists.request_keys),
        opt_time(v.exhausted_at),
        Param::Int(i64::from(v.revision)),
        Param::Id(v.run.uuid()),
        Param::Text(&v.workflow),
        Param::Text(v.kind.word()),
        Param::Text(&v.tier),
        Param::Int(v.created_at.micros()),
        opt_id(v.follows.map(|id| id.uuid())),
    ]);
}

pub(crate) fn review(r: Row<'_>) -> Result<Review, ReadError> {
    Ok(Review {
        id: ReviewId::new(r.id(0)?),
        state: r.word(1)?,
        subject: r.text(2)?,
        reason: r.word(3)?,
        reasons: r.list(4)?,
        owner: r.text(5)?,
        chain: r.list(6)?,
        level: r.num(7)?,
        claimed_by: r.opt_text(8)?,
        claim_until: r.opt_time(9)?,
        due_at: r.time(10)?,
        decided_at: r.opt_time(11)?,
        decided_by: r.opt_text(12)?,
        decision: r.opt_word(13)?,
        decision_reason: r.opt_text(14)?,
        note: r.opt_text(15)?,
        output_ref: r.opt_num(16)?,
        bound_to: r.text(17)?,
        approved_by: r.list(18)?,
        approvals_needed: r.num(19)?,
        edited_by: r.opt_text(20)?,
        recheck_ref: r.opt_num(21)?,
        override_kind: r.opt_word(22)?,
        override_ref: r.opt_num(23)?,
        request_keys: r.list(24)?,
        exhausted_at: r.opt_time(25)?,
        revision: r.num(26)?,
        run: RunId::new(r.id(27)?),
        workflow: r.text(28)?,
        kind: r.word(29)?,
        tier: r.text(30)?,
        created_at: r.time(31)?,
        follows: r.opt_id(32)?.map(ReviewId::new),
    })
}
