//! What is entered: costs, prices, the baseline, limits.

use std::path::Path;

use serde_json::{Value, json};
use tuesday_domain::ledger::day::Day;
use tuesday_domain::ledger::entry::{self, Typed};
use tuesday_domain::ledger::price::{self, amount};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{BaselineRow, CostEntry, PriceRow};
use tuesday_engine::Engine;
use tuesday_engine::ops::{LimitState, NewBaseline, NewLimit};
use tuesday_store::EntryFilter;

use super::{Add, Baseline, Limit, Span};
use crate::cli::Common;
use crate::{args, out, views, wiring};

fn invalid(field: &'static str, why: impl Into<String>) -> Problem {
    Problem::new("cost_invalid", why).field(field)
}

fn text_of(file: &Path) -> Result<String, Problem> {
    String::from_utf8(args::input(file, "file")?)
        .map_err(|_| Problem::new("bad_request", "the file is not UTF-8").field("file"))
}

fn faulty(faults: &[String]) -> Problem {
    let first = faults.first().cloned().unwrap_or_default();
    invalid("file", first).with("faults", faults.to_vec())
}

pub(super) async fn add(common: &Common, engine: &Engine, a: Add) -> Result<(), Problem> {
    let text = |t: &Option<String>| t.clone().unwrap_or_default();
    let (workflow, to, sum, currency) = (
        text(&a.workflow),
        text(&a.to),
        text(&a.amount),
        text(&a.currency),
    );
    let (minutes, person, vendor) = (text(&a.minutes), text(&a.person), text(&a.vendor));
    let (bucket, reference) = (text(&a.bucket), text(&a.reference));
    let typed = Typed {
        category: &a.category,
        workflow: &workflow,
        from: &a.day,
        to: &to,
        amount: &sum,
        currency: &currency,
        minutes: &minutes,
        person: &person,
        vendor: &vendor,
        bucket: &bucket,
        words: &a.words,
        reference: &reference,
    };
    let new = typed.read().map_err(|(field, why)| invalid(field, why))?;
    let by = wiring::person(common)?;
    tell(common, &[engine.enter_cost(new, &by).await?]);
    Ok(())
}

pub(super) async fn import(common: &Common, engine: &Engine, file: &Path) -> Result<(), Problem> {
    let costs = entry::parse(&text_of(file)?).map_err(|f| faulty(&f))?;
    let all = costs.len();
    let by = wiring::person(common)?;
    let made = engine.enter_costs(costs, &by).await?;
    tell(common, &made);
    let known = all - made.len();
    out::say(&format!("{} entered, {known} known already", made.len()));
    Ok(())
}

pub(super) async fn list(
    common: &Common,
    engine: &Engine,
    workflow: Option<String>,
    span: Span,
) -> Result<(), Problem> {
    let filter = EntryFilter {
        workflow,
        shared: true,
        from: span.from.map(|d| args::day(&d, "from")).transpose()?,
        to: span.to.map(|d| args::day(&d, "to")).transpose()?,
        ..EntryFilter::default()
    };
    tell(common, &engine.all_costs(&filter).await?);
    Ok(())
}

pub(super) async fn reverse(
    common: &Common,
    engine: &Engine,
    id: &str,
    reason: &str,
) -> Result<(), Problem> {
    let (id, by) = (args::id(id, "id")?, wiring::person(common)?);
    tell(common, &[engine.reverse_cost(id, reason, &by).await?]);
    Ok(())
}

fn tell(common: &Common, entries: &[CostEntry]) {
    let mut table = out::table(&["Days", "Kind", "Of", "Sum", "What for", "Entry"]);
    for e in entries {
        if common.json {
            out::json_line(&view(e));
        }
        let days = if e.day_from == e.day_to {
            e.day_from.clone()
        } else {
            format!("{} to {}", e.day_from, e.day_to)
        };
        let sum = match (e.amount_micros, e.minutes) {
            (Some(amount), _) => views::money(amount, e.currency.as_deref()),
            (None, Some(minutes)) => format!("{minutes} min"),
            (None, None) => String::new(),
        };
        table.add_row([
            days,
            e.category.to_string(),
            e.workflow.clone().unwrap_or_else(|| "shared".to_owned()),
            sum,
            views::short(&Value::String(e.words.clone()), 50),
            e.id.to_string(),
        ]);
    }
    if !common.json {
        out::line(&if entries.is_empty() {
            "no entered costs".to_owned()
        } else {
            table.to_string()
        });
    }
}

fn view(e: &CostEntry) -> Value {
    json!({
        "id": e.id.to_string(), "category": e.category.word(), "workflow": e.workflow, "from": e.day_from, "to": e.day_to,
        "amount_micros": e.amount_micros, "currency": e.currency, "minutes": e.minutes, "person": e.person,
        "vendor": e.vendor, "bucket": e.bucket.map(|b| b.word()), "words": e.words, "reference": e.reference,
        "reverses": e.reverses.map(|id| id.to_string()), "entered_by": e.entered_by, "entered_at": e.entered_at.rfc3339(),
    })
}

pub(super) async fn prices(common: &Common, engine: &Engine) -> Result<(), Problem> {
    let table = engine.prices().await?;
    let sum = |n: Option<i64>| n.map_or_else(String::new, |n| views::money(n, None));
    let mut rows = out::table(&[
        "Version", "Of", "Name", "Input/M", "Output/M", "Hour", "Currency", "From", "Set by",
    ]);
    for p in table.rows() {
        if common.json {
            out::json_line(&price_view(p));
        }
        rows.add_row([
            p.version.to_string(),
            p.kind.to_string(),
            p.name.clone(),
            sum(p.input_micros),
            sum(p.output_micros),
            sum(p.hour_micros),
            p.currency.clone(),
            p.starts_at.rfc3339(),
            p.set_by.clone(),
        ]);
    }
    if !common.json {
        out::line(&if table.rows().is_empty() {
            "no prices; packages bring their own for tokens".to_owned()
        } else {
            rows.to_string()
        });
    }
    Ok(())
}

fn price_view(p: &PriceRow) -> Value {
    json!({
        "version": p.version, "kind": p.kind.word(), "name": p.name, "currency": p.currency,
        "input_micros_per_million": p.input_micros, "output_micros_per_million": p.output_micros,
        "micros_per_hour": p.hour_micros, "from": p.starts_at.rfc3339(), "reason": p.reason, "set_by": p.set_by,
        "set_at": p.set_at.rfc3339(),
    })
}

/// The prices of a file.
pub(super) fn price_file(file: &Path) -> Result<Vec<price::NewPrice>, Problem> {
    price::parse(&text_of(file)?).map_err(|f| faulty(&f))
}

pub(super) async fn set_prices(
    common: &Common,
    engine: &Engine,
    file: &Path,
    reason: &str,
) -> Result<(), Problem> {
    let prices = price_file(file)?;
    let by = wiring::person(common)?;
    let version = engine.set_prices(&prices, reason, &by).await?;
    if common.json {
        out::json_line(&json!({"version": version, "prices": prices.len()}));
    } else {
        out::line(&format!("version {version}: {} prices", prices.len()));
    }
    Ok(())
}

pub(super) async fn baseline(common: &Common, engine: &Engine, b: Baseline) -> Result<(), Problem> {
    let Some(sample) = b.sample else {
        let kept = engine.baseline(&b.workflow).await?;
        match kept {
            Some(row) => tell_baseline(common, &row),
            None if common.json => out::json_line(&Value::Null),
            None => out::line("no baseline"),
        }
        return Ok(());
    };
    let day = |field, text: &Option<String>| {
        let text = text.as_deref().unwrap_or_default();
        Day::parse(text).map_err(|e| Problem::new("bad_request", e.to_string()).field(field))
    };
    let from = day("from", &b.from)?;
    let minutes = b.minutes.as_deref().unwrap_or_default();
    // Millionths of a minute, so that 212.5 is exact.
    let micros = amount(minutes).map_err(|e| invalid("minutes", e))?;
    let turnaround = b.turnaround.as_deref().unwrap_or_default();
    let span: tuesday_domain::time::Span = turnaround
        .parse()
        .map_err(|e: tuesday_domain::time::TimeError| invalid("turnaround", e.to_string()))?;
    let new = NewBaseline {
        sample,
        handling_ms: u64::try_from(micros).unwrap_or(0) * 60 / 1_000,
        errors: b.errors.unwrap_or(0),
        turnaround_ms: u64::try_from(span.0.as_millis()).unwrap_or(u64::MAX),
        method: b.method.unwrap_or_default(),
        from,
        to: b.to.as_ref().map_or(Ok(from), |_| day("to", &b.to))?,
    };
    let by = wiring::person(common)?;
    tell_baseline(
        common,
        &engine.capture_baseline(&b.workflow, new, &by).await?,
    );
    Ok(())
}

fn tell_baseline(common: &Common, b: &BaselineRow) {
    if common.json {
        return out::json_line(&json!({
            "workflow": b.workflow, "version": b.version, "sample": b.sample, "handling_ms": b.handling_ms,
            "errors": b.errors, "turnaround_ms": b.turnaround_ms, "method": b.method, "from": b.sampled_from,
            "to": b.sampled_to, "after_launch": b.after_launch, "captured_by": b.captured_by,
            "captured_at": b.captured_at.rfc3339(),
        }));
    }
    let each = b.handling_ms / b.sample.max(1);
    out::line(&format!(
        "{}, baseline {}: {} tasks by hand from {} to {}",
        b.workflow, b.version, b.sample, b.sampled_from, b.sampled_to
    ));
    out::line(&format!("  a task     {} s", each / 1_000));
    out::line(&format!("  wrong      {} of {}", b.errors, b.sample));
    out::line(&format!(
        "  turnaround {} min (median)",
        b.turnaround_ms / 60_000
    ));
    out::line(&format!("  method     {}, by {}", b.method, b.captured_by));
    if b.after_launch {
        out::line("  captured after the first run had ended");
    }
}

pub(super) async fn limit(common: &Common, engine: &Engine, l: Limit) -> Result<(), Problem> {
    if let Some(stop) = &l.stop {
        let sum = |field, text: &str| amount(text).map_err(|e| invalid(field, e));
        let currency = l.currency.as_deref().unwrap_or_default();
        let new = NewLimit {
            period: args::word(&l.per, "per")?,
            warn_micros: l.warn.as_deref().map(|t| sum("warn", t)).transpose()?,
            stop_micros: sum("stop", stop)?,
            currency: price::currency(currency).map_err(|e| invalid("currency", e))?,
            act: args::word(&l.then, "then")?,
        };
        let by = wiring::person(common)?;
        let reason = l.reason.as_deref().unwrap_or_default();
        engine
            .set_spend_limit(&l.workflow, new, reason, &by)
            .await?;
    }
    match engine.spend_state(&l.workflow).await? {
        Some(state) => tell_limit(common, &state),
        None if common.json => out::json_line(&Value::Null),
        None => out::line("no spend limit"),
    }
    Ok(())
}

fn tell_limit(common: &Common, s: &LimitState) {
    if common.json {
        return out::json_line(&serde_json::to_value(s).unwrap_or_default());
    }
    let sum = |micros| views::money(micros, Some(&s.currency));
    out::line(&format!(
        "{}, {}: {} of {} spent, {} in flight, {} assumed",
        s.workflow,
        s.now,
        sum(s.spent_micros),
        sum(s.stop_micros),
        sum(s.reserved_micros),
        sum(s.assumed_micros)
    ));
    if s.stopped {
        out::line("  reached: runs wait for the next period or a higher limit");
    }
    out::line(&format!(
        "  at the limit: {}; set by {}: {}",
        s.act, s.set_by, s.reason
    ));
}
