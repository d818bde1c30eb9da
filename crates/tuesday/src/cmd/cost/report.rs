//! What it came to: the cost report, the forecast, and the value report for the next budget decision.

use serde_json::json;
use tuesday_domain::ledger::exposure::{PricedVolume, VendorVolume, factor};
use tuesday_domain::ledger::paid_for::Delivers;
use tuesday_domain::ledger::report::{By, Costs};
use tuesday_domain::ledger::shown::{Shown, Standing, Unit};
use tuesday_domain::ledger::told;
use tuesday_domain::problem::Problem;
use tuesday_domain::workflow::Label;
use tuesday_engine::Engine;
use tuesday_engine::ops::{CategoryLine, Scorecard};

use super::{ReportOf, Span};
use crate::cli::Common;
use crate::{args, out, views};

/// Days a report covers unless said otherwise.
const USUAL: i64 = 28;

fn as_json<T: serde::Serialize>(value: &T) -> Result<(), Problem> {
    let value = serde_json::to_value(value);
    out::json_line(&value.map_err(|e| Problem::new("internal", e.to_string()))?);
    Ok(())
}

pub(super) async fn report(common: &Common, engine: &Engine, of: ReportOf) -> Result<(), Problem> {
    // Nobody may be serving: then nobody has counted since.
    engine.make_figures().await?;
    let workflow = of.workflow.as_deref();
    let (from, to) = (of.span.from.as_deref(), of.span.to.as_deref());
    let days = engine.asked_days(workflow, from, to, USUAL).await?;
    let by: By = match of.by.as_str() {
        // Every report has the six kinds: nothing else is divided then.
        "category" => By::Nothing,
        other => args::word(other, "by")?,
    };
    let report = engine.cost_report(workflow, None, days, by).await?;
    if common.json {
        return as_json(&report);
    }
    if of.csv {
        out::text(&report.csv());
        return Ok(());
    }
    let place = workflow.unwrap_or("all workflows");
    out::line(&format!("{place}, {} to {}", days.from, days.to));
    if by != By::Nothing {
        let mut table = out::table(&["", "Cost", "Resolved", "A task"]);
        for g in &report.groups {
            let each = g
                .costs
                .per_task
                .as_ref()
                .map_or_else(|| "-".to_owned(), told::sums);
            let resolved = g.costs.resolved.to_string();
            table.add_row([g.name.clone(), told::sums(&g.costs.total), resolved, each]);
        }
        out::line(&table.to_string());
    }
    report.categories.iter().for_each(tell_category);
    tell(&report.total);
    report
        .flags
        .iter()
        .for_each(|f| out::line(&format!("  LOOK: {f}")));
    for v in &report.vendors {
        let share = v.share_ppm / 1_000;
        let sum = views::money(v.micros, Some(&v.currency));
        let words = format!("  {:<16} {sum}, {}.{} %", v.vendor, share / 10, share % 10);
        out::line(&words);
    }
    report.volume.iter().for_each(tell_volume);
    report
        .lacks
        .iter()
        .for_each(|l| out::line(&format!("  missing: {l}")));
    Ok(())
}

fn tell_volume(v: &VendorVolume) {
    let share = v.share_ppm / 1_000;
    let alarm = match v.unpriced {
        0 => String::new(),
        n => format!("; NO PRICE for {n} of them"),
    };
    let (whole, tenth) = (share / 10, share % 10);
    out::line(&format!(
        "  {:<16} {} calls, {whole}.{tenth} % of them{alarm}",
        v.vendor, v.calls
    ));
}

/// One of the six kinds of cost: its sum, or why there is none.
fn tell_category(l: &CategoryLine) {
    let sum = if l.sums.is_empty() {
        l.standing.word().to_owned()
    } else if l.standing == Standing::Estimated {
        format!("{} or more", told::sums(&l.sums))
    } else {
        told::sums(&l.sums)
    };
    let words = if l.words.is_empty() {
        String::new()
    } else {
        format!(": {}", l.words)
    };
    out::line(&format!("  {:<16} {sum}{words}", l.category.word()));
}

fn tell(costs: &Costs) {
    if !costs.retries.is_empty() {
        out::line(&format!(
            "  {:<16} {}",
            "of it retries",
            told::sums(&costs.retries)
        ));
    }
    out::line(&format!("  {:<16} {}", "total", told::sums(&costs.total)));
    let each = match &costs.per_task {
        Some(each) => told::sums(each),
        None => "no resolved tasks".to_owned(),
    };
    out::line(&format!(
        "  {:<16} {each} ({} of {} runs resolved)",
        "a resolved task", costs.resolved, costs.runs
    ));
}

pub(super) async fn forecast(
    common: &Common,
    engine: &Engine,
    workflow: &str,
    (volume, prices): (&str, Option<&std::path::Path>),
    span: Span,
) -> Result<(), Problem> {
    let factor_milli =
        factor(volume).map_err(|why| Problem::new("bad_request", why).field("volume"))?;
    let tried = prices.map(super::keep::price_file).transpose()?;
    engine.make_figures().await?;
    let (from, to) = (span.from.as_deref(), span.to.as_deref());
    let days = engine.asked_days(Some(workflow), from, to, USUAL).await?;
    let f = engine
        .cost_forecast(workflow, days, factor_milli, tried.as_deref())
        .await?;
    if common.json {
        return as_json(&f);
    }
    out::line(&format!("{workflow} at {volume} of {}", f.rests_on));
    out::line(&format!("  by {}", f.table));
    f.models.iter().for_each(tell_model);
    out::line(&format!("  grows with volume  {}", told::sums(&f.grows)));
    out::line(&format!("  stays              {}", told::sums(&f.stays)));
    out::line(&format!("  total              {}", told::sums(&f.total)));
    let each = f
        .per_task
        .as_ref()
        .map_or_else(|| "-".to_owned(), told::sums);
    out::line(&format!("  a resolved task    {each}"));
    f.lacks
        .iter()
        .for_each(|l| out::line(&format!("  missing: {l}")));
    Ok(())
}

fn tell_model(m: &PricedVolume) {
    let sum = match (m.micros, &m.currency) {
        (Some(micros), Some(currency)) => views::money(micros, Some(currency)),
        _ if m.built_in => "built in".to_owned(),
        _ => "NO PRICE".to_owned(),
    };
    out::line(&format!(
        "  {}, {}: {} calls, {} tokens in, {} out, {sum}",
        m.vendor, m.model, m.calls, m.input_tokens, m.output_tokens
    ));
}

/// `tuesday report misjudged`: false positives and false negatives in production.
pub(crate) async fn misjudged(
    common: &Common,
    engine: &Engine,
    workflow: &str,
    span: (Option<&str>, Option<&str>),
) -> Result<(), Problem> {
    engine.make_figures().await?;
    let days = engine
        .asked_days(Some(workflow), span.0, span.1, USUAL)
        .await?;
    let report = engine.judged_report(workflow, days).await?;
    if common.json {
        return as_json(&report);
    }
    out::line(&format!("{workflow}, {} to {}", days.from, days.to));
    for r in std::iter::once(&report.all).chain(&report.releases) {
        out::line("");
        out::line(&r.name);
        tell_shown(&r.acted);
        tell_shown(&r.held);
    }
    Ok(())
}

/// `tuesday report value`: one page for the next budget decision.
pub(crate) async fn value(
    common: &Common,
    engine: &Engine,
    workflow: &str,
    quarter: Option<&str>,
) -> Result<(), Problem> {
    engine.make_figures().await?;
    let asked = engine.asked_days(Some(workflow), None, quarter, 1).await?;
    let days = tuesday_domain::ledger::day::Days {
        from: asked.to.quarter(),
        to: asked.to,
    };
    let card = Box::pin(engine.scorecard(workflow, days)).await?;
    let incidents = engine.span_incidents(workflow, days).await?;
    let charter = Box::pin(engine.charter(workflow)).await?;
    let idle = engine.idle_vendors(workflow, days.to).await?;
    if common.json {
        let mut value =
            serde_json::to_value(&card).map_err(|e| Problem::new("internal", e.to_string()))?;
        value["incidents_opened"] = json!(incidents.opened);
        value["open_incidents"] = json!(incidents.open);
        value["quarter"] = json!(charter.label.quarter);
        value["idle_vendors"] = json!(idle);
        value["savings_claimed"] = json!(card.label != Label::Research);
        out::json_line(&value);
        return Ok(());
    }
    out::line(&format!("{}, {} to {}", card.title, days.from, days.to));
    // Research is paid for to learn something: no saving is claimed for it.
    let claims = card.label != Label::Research;
    let more = if claims {
        ""
    } else {
        ": funded exploration, no saving is claimed"
    };
    out::line(&format!("Label: {}{more}", card.label));
    out::line("");
    if let Some(m) = &card.metric {
        out::line(&format!("The one metric: {}; {}", m.stated, m.words()));
        m.now.iter().for_each(tell_shown);
        out::line("");
    }
    let shown = card.figures.iter();
    shown
        .filter(|s| claims || s.key != "net_saved")
        .for_each(tell_shown);
    out::line("");
    if claims {
        tell_saved(&card);
        out::line("");
    }
    out::line("What it cost");
    let lines = engine.cost_lines(Some(workflow), &card.costs).await?;
    lines.iter().for_each(tell_category);
    tell(&card.costs);
    card.lacks
        .iter()
        .for_each(|l| out::line(&format!("  missing: {l}")));
    for i in &idle {
        let what = match i.delivers {
            Delivers::Nothing => "paid, no confirmed result in 30 days",
            Delivers::CannotBeTold => "paid, and whether it delivers cannot be told",
        };
        let paid = told::sums(&i.paid);
        out::line(&format!("  {what}: {} {paid}; {}", i.vendor, i.words));
    }
    out::line("");
    out::line(&format!(
        "Incidents opened in it: {}, open at its end: {}",
        incidents.opened, incidents.open
    ));
    match &charter.label.quarter {
        Some(q) => out::line(&format!("Decided {} by {}: {}", q.at, q.by, q.words)),
        None => out::line("Decision asked: expand, keep, narrow, pause or retire"),
    }
    Ok(())
}

fn tell_saved(card: &Scorecard) {
    out::line("Time saved, line by line");
    for l in &card.saved.lines {
        out::line(&format!(
            "  {:<44} {:>10}",
            l.title,
            told::text(l.ms, Unit::Time, None)
        ));
    }
    if let Some(b) = &card.baseline {
        out::line(&format!("  rests on {b}"));
    }
}

fn tell_shown(s: &Shown) {
    let currency = s.currency.as_deref();
    let text = |n| told::text(n, s.unit, currency);
    let value = match s.standing {
        Standing::Missing => "missing".to_owned(),
        Standing::Measured => format!("{} measured", s.value.map(text).unwrap_or_default()),
        Standing::Estimated => {
            let end = |n: Option<i64>| n.map_or_else(|| "?".to_owned(), text);
            let value = s.value.map(text).unwrap_or_default();
            format!("{value} estimated, {} to {}", end(s.low), end(s.high))
        }
    };
    out::line(&format!("{:<34} {value}", s.title));
    out::line(&format!("{:<34}   {}", "", s.means));
}
