//! Whether people really look: what they had open, seeded faults, second looks.

mod figures;
mod read;

pub use figures::{ApprovingFigure, LookFigure, ReadFigure, SeedFigure, VisitFigure};

use tuesday_domain::id::{ReviewId, RunId};
use tuesday_domain::record::{ReviewRead, RunVisit, SecondLook, Seed, StampNotice};

use crate::error::ReadError;
use crate::table::{Table, Ty};
use crate::value::{Param, Row, big, opt_id, opt_text, opt_time};

pub(crate) static READS: Table = Table::new(
    "review_reads",
    &[
        ("review_id", Ty::Id),
        ("person", Ty::Text),
        ("revision", Ty::Int),
        ("visible_ms", Ty::Int),
        ("dropped", Ty::Int),
        ("last_at", Ty::Int),
        ("run_id", Ty::Id),
        ("opened_at", Ty::Int),
    ],
    3,
    6,
    false,
);

pub(crate) static VISITS: Table = Table::new(
    "run_visits",
    &[
        ("run_id", Ty::Id),
        ("person", Ty::Text),
        ("last_at", Ty::Int),
        ("first_at", Ty::Int),
    ],
    2,
    3,
    false,
);

pub(crate) static LOOKS: Table = Table::new(
    "second_looks",
    &[
        ("run_id", Ty::Id),
        ("review_id", Ty::Id),
        ("result", Ty::Text),
        ("reason", Ty::Text),
        ("looked_by", Ty::Text),
        ("looked_at", Ty::Int),
        ("version", Ty::Int),
        ("workflow", Ty::Text),
        ("tier", Ty::Text),
        ("basis", Ty::Text),
        ("approved_by", Ty::Text),
        ("share_ppm", Ty::Int),
        ("draw", Ty::Int),
        ("drawn_at", Ty::Int),
    ],
    1,
    7,
    true,
);

pub(crate) static SEEDS: Table = Table::new(
    "seeds",
    &[
        ("run_id", Ty::Id),
        ("result", Ty::Text),
        ("decided_by", Ty::Text),
        ("decided_at", Ty::Int),
        ("version", Ty::Int),
        ("workflow", Ty::Text),
        ("tier", Ty::Text),
        ("fault", Ty::Text),
        ("placed_by", Ty::Text),
        ("placed_at", Ty::Int),
        ("field", Ty::Text),
        ("made_from", Ty::Id),
    ],
    1,
    5,
    true,
);

pub(crate) static STAMPS: Table = Table::new(
    "stamp_notices",
    &[
        ("workflow", Ty::Text),
        ("person", Ty::Text),
        ("day", Ty::Text),
        ("at", Ty::Int),
        ("told", Ty::Text),
        ("words", Ty::Text),
    ],
    3,
    3,
    false,
);

pub(crate) fn bind_stamp<'a>(s: &'a StampNotice, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&s.workflow),
        Param::Text(&s.person),
        Param::Text(&s.day),
        Param::Int(s.at.micros()),
        Param::Text(&s.told),
        Param::Text(&s.words),
    ]);
}

pub(crate) fn bind_read<'a>(r: &'a ReviewRead, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(r.review.uuid()),
        Param::Text(&r.person),
        Param::Int(i64::from(r.revision)),
        Param::Int(big(r.visible_ms)),
        Param::Int(i64::from(r.dropped)),
        Param::Int(r.last_at.micros()),
        Param::Id(r.run.uuid()),
        Param::Int(r.opened_at.micros()),
    ]);
}

pub(crate) fn bind_visit<'a>(v: &'a RunVisit, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(v.run.uuid()),
        Param::Text(&v.person),
        Param::Int(v.last_at.micros()),
        Param::Int(v.first_at.micros()),
    ]);
}

pub(crate) fn bind_look<'a>(l: &'a SecondLook, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(l.run.uuid()),
        opt_id(l.review.map(ReviewId::uuid)),
        opt_text(l.result.map(|r| r.word())),
        opt_text(l.reason.as_deref()),
        opt_text(l.looked_by.as_deref()),
        opt_time(l.looked_at),
        Param::Int(i64::from(l.version)),
        Param::Text(&l.workflow),
        Param::Text(&l.tier),
        Param::Text(l.basis.word()),
        Param::Text(&l.approved_by),
        Param::Int(i64::from(l.share_ppm)),
        Param::Int(i64::from(l.draw)),
        Param::Int(l.drawn_at.micros()),
    ]);
}

pub(crate) fn bind_seed<'a>(s: &'a Seed, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(s.run.uuid()),
        opt_text(s.result.map(|r| r.word())),
        opt_text(s.decided_by.as_deref()),
        opt_time(s.decided_at),
        Param::Int(i64::from(s.version)),
        Param::Text(&s.workflow),
        Param::Text(&s.tier),
        Param::Text(&s.fault),
        Param::Text(&s.placed_by),
        Param::Int(s.placed_at.micros()),
        Param::Text(&s.field),
        opt_id(s.made_from.map(RunId::uuid)),
    ]);
}

const READ_COLUMNS: &str =
    "review_id, person, revision, visible_ms, last_at, run_id, opened_at, dropped";
const LOOK_COLUMNS: &str = "run_id, review_id, result, reason, looked_by, looked_at, version, workflow, tier, basis, \
    approved_by, share_ppm, draw, drawn_at";
const SEED_COLUMNS: &str = "run_id, result, decided_by, decided_at, version, workflow, tier, fault, placed_by, \
    placed_at, field, made_from";

fn read_row(r: Row<'_>) -> Result<ReviewRead, ReadError> {
    Ok(ReviewRead {
        review: ReviewId::new(r.id(0)?),
        person: r.text(1)?,
        revision: r.num(2)?,
        visible_ms: r.num(3)?,
        last_at: r.time(4)?,
        run: RunId::new(r.id(5)?),
        opened_at: r.time(6)?,
        dropped: r.num(7)?,
    })
}

fn look(r: Row<'_>) -> Result<SecondLook, ReadError> {
    Ok(SecondLook {
        run: RunId::new(r.id(0)?),
        review: r.opt_id(1)?.map(ReviewId::new),
        result: r.opt_word(2)?,
        reason: r.opt_text(3)?,
        looked_by: r.opt_text(4)?,
        looked_at: r.opt_time(5)?,
        version: r.num(6)?,
        workflow: r.text(7)?,
        tier: r.text(8)?,
        basis: r.word(9)?,
        approved_by: r.text(10)?,
        share_ppm: r.num(11)?,
        draw: r.num(12)?,
        drawn_at: r.time(13)?,
    })
}

fn seed(r: Row<'_>) -> Result<Seed, ReadError> {
    Ok(Seed {
        run: RunId::new(r.id(0)?),
        result: r.opt_word(1)?,
        decided_by: r.opt_text(2)?,
        decided_at: r.opt_time(3)?,
        version: r.num(4)?,
        workflow: r.text(5)?,
        tier: r.text(6)?,
        fault: r.text(7)?,
        placed_by: r.text(8)?,
        placed_at: r.time(9)?,
        field: r.text(10)?,
        made_from: r.opt_id(11)?.map(RunId::new),
    })
}
