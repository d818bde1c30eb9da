//! Erasing, legal holds, and up to where retention has been.
//!
//! An erased payload keeps its row, its class and its commitment; bytes and salt are overwritten. Texts
//! beside the payloads are replaced, so that no column quotes what is gone.

mod read;

use tuesday_domain::id::{ErasureId, HoldId, RunId};
use tuesday_domain::privacy::{ERASED, Hold, HoldScope};
use tuesday_domain::record::{ErasureOrder, PrivacyChange, TextsOf};

use crate::Store;
use crate::change::Verb;
use crate::error::{ApplyError, ReadError};
use crate::table::{Table, Ty};
use crate::value::{Param, Row, Value, big, opt_text, opt_time};

pub use read::{Due, RetentionMark, Scanned};

pub(crate) static HOLDS: Table = Table::new(
    "holds",
    &[
        ("id", Ty::Id),
        ("lifted_by", Ty::Text),
        ("lift_reason", Ty::Text),
        ("lifted_at", Ty::Int),
        ("version", Ty::Int),
        ("workflow", Ty::Text),
        ("record", Ty::Text),
        ("from_at", Ty::Int),
        ("to_at", Ty::Int),
        ("reason", Ty::Text),
        ("placed_by", Ty::Text),
        ("placed_at", Ty::Int),
    ],
    1,
    5,
    true,
);

pub(crate) static ERASURES: Table = Table::new(
    "erasures",
    &[
        ("id", Ty::Id),
        ("done_at", Ty::Int),
        ("version", Ty::Int),
        ("about", Ty::Text),
        ("policy", Ty::Text),
        ("reason", Ty::Text),
        ("objects", Ty::Text),
        ("ordered_by", Ty::Text),
        ("ordered_at", Ty::Int),
    ],
    1,
    3,
    true,
);

const HOLD: &str = "id, lifted_by, lift_reason, lifted_at, version, workflow, record, from_at, to_at, reason, \
    placed_by, placed_at";
const ERASURE: &str =
    "id, done_at, version, about, policy, reason, objects, ordered_by, ordered_at";

const NO_SALT: [u8; 16] = [0; 16];
const NO_HASH: [u8; 32] = [0; 32];

const PAYLOADS: &str = "UPDATE payloads SET bytes = $1, salt = $2 WHERE run_id = $3 AND class = $4";
const CHECK: &str = "UPDATE privacy_head SET holds = holds WHERE one = 1 AND holds = $1";
const MOVE: &str = "UPDATE privacy_head SET holds = holds + 1 WHERE one = 1";
const INTAKE: &str = "UPDATE intake SET body = $1, detail = $2 WHERE id = $3";
const REPORT: &str = "UPDATE problem_reports SET words = $1, asked_for = NULL, \
    reported_by = CASE WHEN reported_by LIKE '%@%' THEN $1 ELSE reported_by END, \
    answer = CASE WHEN answer IS NULL THEN NULL ELSE $1 END WHERE id = $2";
const MARK: &str = "INSERT INTO retention_marks (workflow, class, done_to, waiting) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (workflow, class) DO UPDATE SET done_to = excluded.done_to, waiting = excluded.waiting";

const HASH: &str = "UPDATE runs SET body_hash = $1 WHERE id = $2";
const TASKS: &str = "UPDATE reviews SET subject = $1, reasons = '[]', \
    note = CASE WHEN note IS NULL THEN NULL ELSE $1 END WHERE run_id = $2";
const ACTIONS: &str =
    "UPDATE actions SET target = $1, external_id = NULL, detail = NULL WHERE run_id = $2";
const TRIES: &str = "UPDATE attempts SET detail = NULL, request_hash = NULL WHERE run_id = $1";
const ROUTING: &str =
    "DELETE FROM routed WHERE run_id = $1 AND workflow = (SELECT workflow FROM runs WHERE id = $1)";
const GROUP: &str = "DELETE FROM run_groups WHERE run_id = $1";
const UNMAPPED: &str = "DELETE FROM unmapped WHERE run_id = $1";
const REPORTS: &str = "UPDATE problem_reports SET words = $1, asked_for = NULL, \
    reported_by = CASE WHEN reported_by LIKE '%@%' THEN $1 ELSE reported_by END, \
    answer = CASE WHEN answer IS NULL THEN NULL ELSE $1 END WHERE run_id = $2";
const SIGNALS: &str =
    "UPDATE signals SET record = CASE WHEN record IS NULL THEN NULL ELSE $1 END WHERE run_id = $2";
const LOOSE: &str = "UPDATE signals SET record = $1 WHERE run_id IS NULL AND lower(record) = $2";
const CORRECTIONS: &str = "UPDATE corrections SET place = $1, words = $1, \
    note = CASE WHEN note IS NULL THEN NULL ELSE $1 END, \
    receipt = CASE WHEN receipt IS NULL THEN NULL ELSE $1 END WHERE run_id = $2";
const LOOKS: &str = "UPDATE second_looks SET reason = CASE WHEN reason IS NULL THEN NULL ELSE $1 END WHERE run_id = $2";
const TAKEN_IN: &str = "UPDATE intake SET detail = $1, body = $2 WHERE run_id = $3";

/// Every statement of this folder that writes.
pub(crate) const ALL: [&str; 19] = [
    PAYLOADS,
    CHECK,
    MOVE,
    INTAKE,
    REPORT,
    MARK,
    HASH,
    TASKS,
    ACTIONS,
    TRIES,
    ROUTING,
    GROUP,
    UNMAPPED,
    REPORTS,
    SIGNALS,
    LOOSE,
    CORRECTIONS,
    LOOKS,
    TAKEN_IN,
];

/// Binds the values of a change and says what is done with them.
pub(crate) fn bind<'a>(change: &'a PrivacyChange, out: &mut Vec<Param<'a>>) -> Verb {
    match change {
        PrivacyChange::ErasePayloads { run, class } => {
            out.extend([
                Param::Blob(&[]),
                Param::Blob(&NO_SALT),
                Param::Id(run.uuid()),
                Param::Text(class.word()),
            ]);
            Verb::Any(PAYLOADS)
        }
        PrivacyChange::EraseTexts { run, of } => texts(*run, *of, out),
        PrivacyChange::EraseSignals { record } => {
            out.extend([Param::Text(ERASED), Param::Text(record)]);
            Verb::Any(LOOSE)
        }
        PrivacyChange::EraseIntake { id } => {
            out.extend([Param::Blob(&[]), Param::Text(ERASED), Param::Id(id.uuid())]);
            Verb::One(INTAKE)
        }
        PrivacyChange::EraseReport { id } => {
            out.extend([Param::Text(ERASED), Param::Id(id.uuid())]);
            Verb::One(REPORT)
        }
        PrivacyChange::CheckHolds { seen } => {
            out.push(Param::Int(big(*seen)));
            Verb::One(CHECK)
        }
        PrivacyChange::MoveHolds => Verb::One(MOVE),
        PrivacyChange::InsertHold(h) => {
            bind_hold(h, out);
            Verb::Insert(&HOLDS)
        }
        PrivacyChange::UpdateHold(h) => {
            bind_hold(h, out);
            Verb::Update(&HOLDS)
        }
        PrivacyChange::InsertErasure(e) => {
            bind_erasure(e, out);
            Verb::Insert(&ERASURES)
        }
        PrivacyChange::UpdateErasure(e) => {
            bind_erasure(e, out);
            Verb::Update(&ERASURES)
        }
    }
}

/// Each place has the statement that empties it.
fn texts<'a>(run: RunId, of: TextsOf, out: &mut Vec<Param<'a>>) -> Verb {
    let id = Param::Id(run.uuid());
    let word = Param::Text(ERASED);
    let (params, sql): (&[Param<'a>], _) = match of {
        TextsOf::Event => (&[Param::Blob(&NO_HASH), id], HASH),
        TextsOf::Tasks => (&[word, id], TASKS),
        TextsOf::Actions => (&[word, id], ACTIONS),
        TextsOf::Tries => (&[id], TRIES),
        TextsOf::Routing => (&[id], ROUTING),
        TextsOf::Group => (&[id], GROUP),
        TextsOf::Unmapped => (&[id], UNMAPPED),
        TextsOf::Reports => (&[word, id], REPORTS),
        TextsOf::Signals => (&[word, id], SIGNALS),
        TextsOf::Corrections => (&[word, id], CORRECTIONS),
        TextsOf::SecondLooks => (&[word, id], LOOKS),
        TextsOf::Intake => (&[word, Param::Blob(&[]), id], TAKEN_IN),
    };
    out.extend_from_slice(params);
    Verb::Any(sql)
}

fn bind_hold<'a>(h: &'a Hold, out: &mut Vec<Param<'a>>) {
    let lifted = h.lifted.as_ref();
    out.extend([
        Param::Id(h.id.uuid()),
        opt_text(lifted.map(|l| l.0.as_str())),
        opt_text(lifted.map(|l| l.1.as_str())),
        opt_time(lifted.map(|l| l.2)),
        Param::Int(i64::from(h.version)),
        opt_text(h.scope.workflow.as_deref()),
        opt_text(h.scope.record.as_deref()),
        opt_time(h.scope.from),
        opt_time(h.scope.to),
        Param::Text(&h.reason),
        Param::Text(&h.placed_by),
        Param::Int(h.placed_at.micros()),
    ]);
}

fn bind_erasure<'a>(e: &'a ErasureOrder, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(e.id.uuid()),
        opt_time(e.done_at),
        Param::Int(i64::from(e.version)),
        Param::Text(&e.about),
        Param::Text(&e.policy),
        Param::Text(&e.reason),
        Param::Text(&e.objects),
        Param::Text(&e.ordered_by),
        Param::Int(e.ordered_at.micros()),
    ]);
}

fn hold(r: Row<'_>) -> Result<Hold, ReadError> {
    let lifted = match (r.opt_text(1)?, r.opt_text(2)?, r.opt_time(3)?) {
        (Some(by), Some(why), Some(at)) => Some((by, why, at)),
        _ => None,
    };
    Ok(Hold {
        id: HoldId::new(r.id(0)?),
        lifted,
        version: r.num(4)?,
        scope: HoldScope {
            workflow: r.opt_text(5)?,
            record: r.opt_text(6)?,
            from: r.opt_time(7)?,
            to: r.opt_time(8)?,
        },
        reason: r.text(9)?,
        placed_by: r.text(10)?,
        placed_at: r.time(11)?,
    })
}

fn erasure(r: Row<'_>) -> Result<ErasureOrder, ReadError> {
    Ok(ErasureOrder {
        id: ErasureId::new(r.id(0)?),
        done_at: r.opt_time(1)?,
        version: r.num(2)?,
        about: r.text(3)?,
        policy: r.text(4)?,
        reason: r.text(5)?,
        objects: r.text(6)?,
        ordered_by: r.text(7)?,
        ordered_at: r.time(8)?,
    })
}

/// The row of a change in words.
pub(crate) fn describe(change: &PrivacyChange) -> String {
    match change {
        PrivacyChange::ErasePayloads { run, class } => {
            format!("{} payloads of {run}", class.word())
        }
        PrivacyChange::EraseTexts { run, of } => format!("the texts ({of}) of {run}"),
        PrivacyChange::EraseSignals { .. } => "signals of a record".to_owned(),
        PrivacyChange::EraseIntake { id } => id.to_string(),
        PrivacyChange::EraseReport { id } => id.to_string(),
        PrivacyChange::CheckHolds { .. } | PrivacyChange::MoveHolds => "the legal holds".to_owned(),
        PrivacyChange::InsertHold(h) | PrivacyChange::UpdateHold(h) => h.id.to_string(),
        PrivacyChange::InsertErasure(e) | PrivacyChange::UpdateErasure(e) => e.id.to_string(),
    }
}

impl Store {
    /// Remembers up to which day retention has been through a class.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn put_retention_mark(&self, mark: &RetentionMark) -> Result<(), ApplyError> {
        let text = |t: &str| Value::Text(t.to_owned());
        let params = vec![
            text(&mark.workflow),
            text(mark.class.word()),
            text(&mark.done_to),
            Value::Text(mark.waiting.join(" ")),
        ];
        self.execute(MARK, params).await.map(drop)
    }

    /// Takes what was overwritten out of the files too, as far as the database lets go of it: the
    /// write-ahead log of SQLite is emptied, PostgreSQL frees the old rows.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn scrub(&self) -> Result<(), ApplyError> {
        match &self.back {
            crate::Back::Sqlite(s) => s.empty_log().await,
            crate::Back::Postgres(p) => {
                for sql in [
                    "VACUUM payloads",
                    "VACUUM reviews",
                    "VACUUM actions",
                    "VACUUM intake",
                ] {
                    p.execute(sql, &[]).await?;
                }
                Ok(())
            }
        }
    }
}
