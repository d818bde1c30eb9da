//! Prices, entered costs, baselines, spend limits, signed weeks, and what each day came to.

mod figures;
mod read;

pub use figures::{DayState, FigureMark};
pub use read::{EntryFilter, NamedRelease};

use tuesday_domain::id::CostEntryId;
use tuesday_domain::record::{
    BaselineRow, CostBucket, CostEntry, ExitEstimate, GraderCalls, MoneyChange, PriceRow,
    SpendHold, SpendLimit, SwapDrill, WeeklyReview,
};

pub(crate) use figures::{MARK, PUT_DAY};

use crate::change::Verb;
use crate::table::{Table, Ty};
use crate::value::{Param, big, opt_id, opt_int, opt_text};

pub(crate) static PRICES: Table = Table::new(
    "prices",
    &[
        ("kind", Ty::Text),
        ("name", Ty::Text),
        ("version", Ty::Int),
        ("currency", Ty::Text),
        ("input_micros", Ty::Int),
        ("output_micros", Ty::Int),
        ("hour_micros", Ty::Int),
        ("starts_at", Ty::Int),
        ("reason", Ty::Text),
        ("set_by", Ty::Text),
        ("set_at", Ty::Int),
    ],
    3,
    3,
    false,
);

pub(crate) static ENTRIES: Table = Table::new(
    "cost_entries",
    &[
        ("id", Ty::Id),
        ("category", Ty::Text),
        ("workflow", Ty::Text),
        ("day_from", Ty::Text),
        ("day_to", Ty::Text),
        ("amount_micros", Ty::Int),
        ("currency", Ty::Text),
        ("minutes", Ty::Int),
        ("person", Ty::Text),
        ("vendor", Ty::Text),
        ("bucket", Ty::Text),
        ("words", Ty::Text),
        ("reference", Ty::Text),
        ("reverses", Ty::Id),
        ("entered_by", Ty::Text),
        ("entered_at", Ty::Int),
    ],
    1,
    1,
    false,
);

pub(crate) static BASELINES: Table = Table::new(
    "baselines",
    &[
        ("workflow", Ty::Text),
        ("version", Ty::Int),
        ("sample", Ty::Int),
        ("handling_ms", Ty::Int),
        ("errors", Ty::Int),
        ("turnaround_ms", Ty::Int),
        ("method", Ty::Text),
        ("sampled_from", Ty::Text),
        ("sampled_to", Ty::Text),
        ("after_launch", Ty::Int),
        ("captured_by", Ty::Text),
        ("captured_at", Ty::Int),
    ],
    2,
    2,
    false,
);

pub(crate) static LIMITS: Table = Table::new(
    "spend_limits",
    &[
        ("workflow", Ty::Text),
        ("period", Ty::Text),
        ("warn_micros", Ty::Int),
        ("stop_micros", Ty::Int),
        ("currency", Ty::Text),
        ("act", Ty::Text),
        ("set_by", Ty::Text),
        ("reason", Ty::Text),
        ("set_at", Ty::Int),
        ("version", Ty::Int),
    ],
    1,
    10,
    true,
);

pub(crate) static HOLDS: Table = Table::new(
    "spend_holds",
    &[
        ("run_id", Ty::Id),
        ("workflow", Ty::Text),
        ("period", Ty::Text),
        ("micros", Ty::Int),
    ],
    1,
    1,
    false,
);

pub(crate) static WEEKLIES: Table = Table::new(
    "weekly_reviews",
    &[
        ("workflow", Ty::Text),
        ("week", Ty::Text),
        ("figures", Ty::Text),
        ("note", Ty::Text),
        ("signed_by", Ty::Text),
        ("signed_at", Ty::Int),
    ],
    2,
    2,
    false,
);

pub(crate) const OPEN_SPEND: &str = "INSERT INTO spends (workflow, period, spent_micros, reserved_micros, assumed_micros) \
    VALUES ($1, $2, 0, 0, 0) ON CONFLICT (workflow, period) DO NOTHING";
/// Touches no row when the limit cannot hold it. The row's lock makes two of them at once count one
/// after the other.
pub(crate) const RESERVE: &str = "UPDATE spends SET reserved_micros = reserved_micros + $1 \
    WHERE workflow = $2 AND period = $3 AND spent_micros + assumed_micros + reserved_micros + $1 <= $4";
pub(crate) const SETTLE: &str = "UPDATE spends SET reserved_micros = reserved_micros - $1, spent_micros = spent_micros + $2, \
    assumed_micros = assumed_micros + $3 WHERE workflow = $4 AND period = $5";
pub(crate) const DROP_HOLD: &str = "DELETE FROM spend_holds WHERE run_id = $1";
/// Once in a period for each version of the limit.
pub(crate) const WARNED: &str = "UPDATE spends SET warned_at = $1 WHERE workflow = $2 AND period = $3 \
    AND (warned_at IS NULL OR warned_at < $4)";
pub(crate) const STOPPED: &str = "UPDATE spends SET stopped_at = $1 WHERE workflow = $2 AND period = $3 \
    AND (stopped_at IS NULL OR stopped_at < $4)";
pub(crate) const STALE_DAY: &str =
    "UPDATE day_figures SET stale_at = $1 WHERE workflow = $2 AND day = $3";

fn bind_price<'a>(p: &'a PriceRow, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(p.kind.word()),
        Param::Text(&p.name),
        Param::Int(i64::from(p.version)),
        Param::Text(&p.currency),
        opt_int(p.input_micros),
        opt_int(p.output_micros),
        opt_int(p.hour_micros),
        Param::Int(p.starts_at.micros()),
        Param::Text(&p.reason),
        Param::Text(&p.set_by),
        Param::Int(p.set_at.micros()),
    ]);
}

fn bind_entry<'a>(e: &'a CostEntry, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(e.id.uuid()),
        Param::Text(e.category.word()),
        opt_text(e.workflow.as_deref()),
        Param::Text(&e.day_from),
        Param::Text(&e.day_to),
        opt_int(e.amount_micros),
        opt_text(e.currency.as_deref()),
        opt_int(e.minutes),
        opt_text(e.person.as_deref()),
        opt_text(e.vendor.as_deref()),
        opt_text(e.bucket.map(CostBucket::word)),
        Param::Text(&e.words),
        opt_text(e.reference.as_deref()),
        opt_id(e.reverses.map(CostEntryId::uuid)),
        Param::Text(&e.entered_by),
        Param::Int(e.entered_at.micros()),
    ]);
}

fn bind_baseline<'a>(b: &'a BaselineRow, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&b.workflow),
        Param::Int(i64::from(b.version)),
        Param::Int(big(b.sample)),
        Param::Int(big(b.handling_ms)),
        Param::Int(big(b.errors)),
        Param::Int(big(b.turnaround_ms)),
        Param::Text(&b.method),
        Param::Text(&b.sampled_from),
        Param::Text(&b.sampled_to),
        Param::Int(i64::from(b.after_launch)),
        Param::Text(&b.captured_by),
        Param::Int(b.captured_at.micros()),
    ]);
}

pub(crate) static DRILLS: Table = Table::new(
    "swap_drills",
    &[
        ("workflow", Ty::Text),
        ("seq", Ty::Int),
        ("release_id", Ty::Id),
        ("provider_live", Ty::Text),
        ("model_live", Ty::Text),
        ("provider", Ty::Text),
        ("model", Ty::Text),
        ("pack_hash", Ty::Text),
        ("cases", Ty::Int),
        ("passed_live", Ty::Int),
        ("passed", Ty::Int),
        ("standing", Ty::Text),
        ("cost_live_micros", Ty::Int),
        ("cost_micros", Ty::Int),
        ("currency", Ty::Text),
        ("run_by", Ty::Text),
        ("at", Ty::Int),
    ],
    2,
    2,
    false,
);

pub(crate) static GRADED: Table = Table::new(
    "grader_calls",
    &[
        ("id", Ty::Id),
        ("workflow", Ty::Text),
        ("release_id", Ty::Id),
        ("day", Ty::Text),
        ("about", Ty::Text),
        ("grader", Ty::Text),
        ("model", Ty::Text),
        ("vendor", Ty::Text),
        ("calls", Ty::Int),
        ("unreported", Ty::Int),
        ("input_tokens", Ty::Int),
        ("output_tokens", Ty::Int),
        ("cost_micros", Ty::Int),
        ("currency", Ty::Text),
        ("at", Ty::Int),
    ],
    1,
    1,
    false,
);

pub(crate) static ESTIMATES: Table = Table::new(
    "exit_estimates",
    &[
        ("workflow", Ty::Text),
        ("vendor", Ty::Text),
        ("version", Ty::Int),
        ("days_tenths", Ty::Int),
        ("reason", Ty::Text),
        ("set_by", Ty::Text),
        ("at", Ty::Int),
    ],
    3,
    3,
    false,
);

fn bind_graded<'a>(g: &'a GraderCalls, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(g.id.uuid()),
        Param::Text(&g.workflow),
        Param::Id(g.release.uuid()),
        Param::Text(&g.day),
        Param::Text(&g.about),
        Param::Text(&g.grader),
        Param::Text(&g.model),
        Param::Text(&g.vendor),
        Param::Int(big(g.calls)),
        Param::Int(big(g.unreported)),
        Param::Int(big(g.input_tokens)),
        Param::Int(big(g.output_tokens)),
        opt_int(g.cost_micros),
        opt_text(g.currency.as_deref()),
        Param::Int(g.at.micros()),
    ]);
}

fn bind_drill<'a>(d: &'a SwapDrill, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&d.workflow),
        Param::Int(i64::from(d.seq)),
        Param::Id(d.release.uuid()),
        Param::Text(&d.provider_live),
        Param::Text(&d.model_live),
        Param::Text(&d.provider),
        Param::Text(&d.model),
        Param::Text(&d.pack_hash),
        Param::Int(big(d.cases)),
        Param::Int(big(d.passed_live)),
        Param::Int(big(d.passed)),
        Param::Text(&d.standing),
        opt_int(d.cost_live_micros),
        opt_int(d.cost_micros),
        opt_text(d.currency.as_deref()),
        Param::Text(&d.by),
        Param::Int(d.at.micros()),
    ]);
}

fn bind_estimate<'a>(e: &'a ExitEstimate, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&e.workflow),
        Param::Text(&e.vendor),
        Param::Int(i64::from(e.version)),
        Param::Int(i64::from(e.days_tenths)),
        Param::Text(&e.reason),
        Param::Text(&e.by),
        Param::Int(e.at.micros()),
    ]);
}

fn bind_limit<'a>(l: &'a SpendLimit, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&l.workflow),
        Param::Text(l.period.word()),
        opt_int(l.warn_micros),
        Param::Int(l.stop_micros),
        Param::Text(&l.currency),
        Param::Text(l.act.word()),
        Param::Text(&l.set_by),
        Param::Text(&l.reason),
        Param::Int(l.set_at.micros()),
        Param::Int(i64::from(l.version)),
    ]);
}

fn bind_hold<'a>(h: &'a SpendHold, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Id(h.run.uuid()),
        Param::Text(&h.workflow),
        Param::Text(&h.period),
        Param::Int(h.micros),
    ]);
}

fn bind_weekly<'a>(w: &'a WeeklyReview, out: &mut Vec<Param<'a>>) {
    out.extend([
        Param::Text(&w.workflow),
        Param::Text(&w.week),
        Param::Text(&w.figures),
        Param::Text(&w.note),
        Param::Text(&w.signed_by),
        Param::Int(w.signed_at.micros()),
    ]);
}

/// Binds the values of a change and says what is done with them.
pub(crate) fn bind<'a>(change: &'a MoneyChange, out: &mut Vec<Param<'a>>) -> Verb {
    match change {
        MoneyChange::InsertPrice(p) => {
            bind_price(p, out);
            Verb::Insert(&PRICES)
        }
        MoneyChange::InsertEntry(e) => {
            bind_entry(e, out);
            Verb::Insert(&ENTRIES)
        }
        MoneyChange::InsertDrill(d) => {
            bind_drill(d, out);
            Verb::Insert(&DRILLS)
        }
        MoneyChange::InsertGraded(g) => {
            bind_graded(g, out);
            Verb::Insert(&GRADED)
        }
        MoneyChange::InsertEstimate(e) => {
            bind_estimate(e, out);
            Verb::Insert(&ESTIMATES)
        }
        MoneyChange::InsertBaseline(b) => {
            bind_baseline(b, out);
            Verb::Insert(&BASELINES)
        }
        MoneyChange::PutLimit(l) => {
            bind_limit(l, out);
            if l.version == 0 {
                Verb::Insert(&LIMITS)
            } else {
                Verb::Update(&LIMITS)
            }
        }
        MoneyChange::InsertWeekly(w) => {
            bind_weekly(w, out);
            Verb::Insert(&WEEKLIES)
        }
        MoneyChange::StaleDay { workflow, day, at } => {
            out.extend([
                Param::Int(at.micros()),
                Param::Text(workflow),
                Param::Text(day),
            ]);
            Verb::Any(STALE_DAY)
        }
        spend => bind_spend(spend, out),
    }
}

/// What counts against a limit.
fn bind_spend<'a>(change: &'a MoneyChange, out: &mut Vec<Param<'a>>) -> Verb {
    match change {
        MoneyChange::OpenSpend { workflow, period } => {
            out.extend([Param::Text(workflow), Param::Text(period)]);
            Verb::Any(OPEN_SPEND)
        }
        MoneyChange::Reserve { hold, stop_micros } => {
            out.extend([
                Param::Int(hold.micros),
                Param::Text(&hold.workflow),
                Param::Text(&hold.period),
                Param::Int(*stop_micros),
            ]);
            Verb::One(RESERVE)
        }
        MoneyChange::InsertHold(h) => {
            bind_hold(h, out);
            Verb::Insert(&HOLDS)
        }
        MoneyChange::Settle { hold, cost_micros } => {
            out.extend([
                Param::Int(hold.micros),
                Param::Int(cost_micros.unwrap_or(0)),
                Param::Int(cost_micros.map_or(hold.micros, |_| 0)),
                Param::Text(&hold.workflow),
                Param::Text(&hold.period),
            ]);
            Verb::One(SETTLE)
        }
        MoneyChange::DropHold { run } => {
            out.push(Param::Id(run.uuid()));
            Verb::One(DROP_HOLD)
        }
        MoneyChange::Warned {
            workflow,
            period,
            at,
            limit_at,
        } => {
            out.extend([
                Param::Int(at.micros()),
                Param::Text(workflow),
                Param::Text(period),
                Param::Int(limit_at.micros()),
            ]);
            Verb::One(WARNED)
        }
        MoneyChange::Stopped {
            workflow,
            period,
            at,
            limit_at,
        } => {
            out.extend([
                Param::Int(at.micros()),
                Param::Text(workflow),
                Param::Text(period),
                Param::Int(limit_at.micros()),
            ]);
            Verb::One(STOPPED)
        }
        // `bind` has taken every other change; a list without a default keeps the two in step.
        MoneyChange::InsertPrice(_)
        | MoneyChange::InsertEntry(_)
        | MoneyChange::InsertDrill(_)
        | MoneyChange::InsertEstimate(_)
        | MoneyChange::InsertGraded(_)
        | MoneyChange::InsertBaseline(_)
        | MoneyChange::PutLimit(_)
        | MoneyChange::InsertWeekly(_)
        | MoneyChange::StaleDay { .. } => Verb::One("SELECT 1 WHERE 1 = 0"),
    }
}

/// The row in words, for the message of a conflict.
pub(crate) fn describe(change: &MoneyChange) -> String {
    match change {
        MoneyChange::InsertPrice(p) => format!("version {} of the price of {}", p.version, p.name),
        MoneyChange::InsertEntry(e) => e.id.to_string(),
        MoneyChange::InsertDrill(d) => format!("drill {} of {}", d.seq, d.workflow),
        MoneyChange::InsertGraded(g) => format!("what {} asked {}", g.grader, g.model),
        MoneyChange::InsertEstimate(e) => format!("the estimate for leaving {}", e.vendor),
        MoneyChange::InsertBaseline(b) => format!("baseline {} of {}", b.version, b.workflow),
        MoneyChange::PutLimit(l) => format!("the spend limit of {}", l.workflow),
        MoneyChange::OpenSpend { workflow, period }
        | MoneyChange::Warned {
            workflow, period, ..
        }
        | MoneyChange::Stopped {
            workflow, period, ..
        } => format!("what {workflow} spends in {period}"),
        MoneyChange::Reserve { hold, .. } | MoneyChange::Settle { hold, .. } => {
            format!("what {} spends in {}", hold.workflow, hold.period)
        }
        MoneyChange::InsertHold(h) => format!("what {} holds", h.run),
        MoneyChange::DropHold { run } => format!("what {run} holds"),
        MoneyChange::InsertWeekly(w) => format!("the week {} of {}", w.week, w.workflow),
        MoneyChange::StaleDay { workflow, day, .. } => {
            format!("the figures of {day} of {workflow}")
        }
    }
}
