//! `tuesday cost exit`: what leaving each vendor would take, and somebody's better estimate of it.

use tuesday_domain::ledger::exit::DayRange;
use tuesday_domain::problem::Problem;
use tuesday_engine::Engine;
use tuesday_engine::ops::{ExitCost, VendorExit};

use super::ExitOf;
use crate::cli::Common;
use crate::{out, views, wiring};

pub(super) async fn exit(common: &Common, engine: &Engine, of: ExitOf) -> Result<(), Problem> {
    if let (Some(vendor), Some(days)) = (&of.vendor, &of.days) {
        let by = wiring::person(common)?;
        let reason = of.reason.as_deref().unwrap_or_default();
        let done = engine
            .estimate_exit(&of.workflow, vendor, days, reason, &by)
            .await?;
        out::line(&format!(
            "leaving {} is estimated at {} days, version {}",
            done.vendor,
            tenths(done.days_tenths),
            done.version
        ));
        return Ok(());
    }
    let found = Box::pin(engine.exit_cost(&of.workflow)).await?;
    if common.json {
        let value = serde_json::to_value(&found);
        out::json_line(&value.map_err(|e| Problem::new("internal", e.to_string()))?);
        return Ok(());
    }
    tell(&found);
    Ok(())
}

fn tenths(n: u32) -> String {
    format!("{}.{}", n / 10, n % 10)
}

fn days(d: DayRange) -> String {
    if d.low_tenths == d.high_tenths {
        tenths(d.low_tenths)
    } else {
        format!("{} to {}", tenths(d.low_tenths), tenths(d.high_tenths))
    }
}

fn points(ppm: i64) -> String {
    let sign = if ppm < 0 { "-" } else { "+" };
    let n = ppm.unsigned_abs();
    format!("{sign}{}.{} points", n / 10_000, n / 1_000 % 10)
}

fn tell(c: &ExitCost) {
    out::line(&format!("{}, release {}", c.workflow, c.release));
    if c.vendors.is_empty() {
        out::line("Nothing is bound to a vendor: what runs, runs here.");
    }
    c.vendors.iter().for_each(tell_vendor);
    out::line(&format!(
        "Together {} days; {} of {} vendors without a tested alternative",
        days(c.days),
        c.untested,
        c.vendors.len()
    ));
    for (currency, micros) in &c.entered {
        out::line(&format!(
            "Entered under exit: {}",
            views::money(*micros, Some(currency))
        ));
    }
    if c.entered_minutes != 0 {
        out::line(&format!("Entered under exit: {} min", c.entered_minutes));
    }
    out::say(
        "Days are an estimate: tenths of a day for each thing that is bound, unless somebody gave a better one (--vendor V --days N --reason …).",
    );
}

fn tell_vendor(v: &VendorExit) {
    out::line(&format!("{}: {}", v.vendor, v.alternative));
    let bound: Vec<String> = v
        .bound
        .iter()
        .map(|b| match b.fields {
            0 => format!("{} {}", b.kind, b.name),
            n => format!("{} {} ({n} fields)", b.kind, b.name),
        })
        .collect();
    out::line(&format!("  bound     {}", bound.join(", ")));
    let words = v.words.trim_start_matches("untested: ");
    out::line(&format!("  tried     {words}"));
    if let Some(t) = &v.tested {
        let quality = t.quality_ppm.map_or_else(|| "unknown".to_owned(), points);
        let range = t.quality_range_ppm.map_or_else(String::new, |(low, high)| {
            format!(" ({} to {})", points(low), points(high))
        });
        out::line(&format!(
            "  quality   {} of {} cases instead of {}: {quality}{range}, {}",
            t.passed,
            t.cases,
            t.passed_live,
            t.standing.replace('_', " ")
        ));
        out::line(&match t.cost_micros {
            Some(n) => format!(
                "  cost      {} a case more than now",
                views::money(n, t.currency.as_deref())
            ),
            None => "  cost      unknown".to_owned(),
        });
    }
    let how = match &v.given {
        Some(words) => format!("given by {words}"),
        None => "an estimate from what is bound".to_owned(),
    };
    out::line(&format!("  days      {}, {how}", days(v.days)));
}
