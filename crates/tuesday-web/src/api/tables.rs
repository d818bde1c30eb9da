//! More pages as CSV: tests of people and postmortems, what leaving and another volume cost, the value report.
//! One row for each line that the page shows.

use tuesday_domain::csv::line;
use tuesday_domain::ledger::figures::Money;
use tuesday_domain::ledger::shown::{Shown, Unit};
use tuesday_engine::ops::{
    ExitCost, Forecast, FridayView, IdleVendor, PostmortemView, Scorecard, SpanIncidents,
    TurnoverView,
};

use super::sheet::scorecard;

const fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

fn known(text: Option<&String>) -> &str {
    text.map_or("", String::as_str)
}

fn number<T: ToString>(n: Option<T>) -> String {
    n.map(|n| n.to_string()).unwrap_or_default()
}

/// Turnover tests: one row for each thing that had to be shown.
pub(crate) fn turnover(view: &TurnoverView) -> String {
    let head = [
        "test",
        "state",
        "without",
        "from",
        "until",
        "ended_at",
        "signed_by",
        "criterion",
        "met",
        "words",
    ];
    let mut text = line(&head);
    for t in &view.tests {
        let seq = t.seq.to_string();
        let row = |criterion: &str, met: &str, words: &str| {
            line(&[
                &seq,
                t.state.word(),
                &t.without,
                &t.from,
                &t.until,
                known(t.ended_at.as_ref()),
                known(t.signed_by.as_ref()),
                criterion,
                met,
                words,
            ])
        };
        let criteria = t.report.iter().flat_map(|r| &r.criteria);
        let mut rows = criteria
            .map(|c| row(&c.name, yes(c.met), &c.words))
            .peekable();
        if rows.peek().is_none() {
            text.push_str(&row("", "", known(t.reason.as_ref())));
        }
        rows.for_each(|r| text.push_str(&r));
    }
    text
}

/// Friday tests that ended: one row for each question.
pub(crate) fn friday(view: &FridayView) -> String {
    let head = [
        "test", "state", "person", "run", "from", "seconds", "question", "right", "said", "record",
        "reasons",
    ];
    let mut text = line(&head);
    for t in &view.tests {
        let (seq, seconds) = (t.seq.to_string(), t.report.seconds.to_string());
        let reasons = t.report.reasons.join("; ");
        for g in &t.report.grades {
            text.push_str(&line(&[
                &seq,
                t.state.word(),
                &t.person,
                &t.run,
                &t.from,
                &seconds,
                g.question.word(),
                yes(g.right),
                &g.said.join("; "),
                &g.record.join("; "),
                &reasons,
            ]));
        }
    }
    text
}

/// A postmortem: its answers, what they come to, and what follows.
pub(crate) fn postmortem(view: &PostmortemView) -> String {
    let mut text = line(&["kind", "item", "state", "words", "by", "at", "records"]);
    for a in &view.answers {
        let said = a.yes.map_or("open", yes);
        let by = known(a.by.as_ref());
        text.push_str(&line(&[
            "answer",
            a.question.word(),
            said,
            &a.evidence,
            by,
            "",
            &a.path,
        ]));
    }
    let row = &view.row;
    text.push_str(&line(&[
        "verdict",
        row.root.map_or("", |r| r.word()),
        row.state.word(),
        &view.verdict.words(),
        known(row.closed_by.as_ref()),
        &row.closed_at.map(|at| at.rfc3339()).unwrap_or_default(),
        "",
    ]));
    for f in &view.follow_ups {
        text.push_str(&line(&[
            "follow_up",
            &f.id.to_string(),
            f.state.word(),
            &f.words,
            &f.owner,
            &f.due_at.rfc3339(),
            "/handoffs",
        ]));
    }
    text
}

/// What leaving takes: one row for each vendor, then the sum.
pub(crate) fn exit(cost: &ExitCost) -> String {
    let head = [
        "vendor",
        "bound",
        "alternative",
        "words",
        "days_low_tenths",
        "days_high_tenths",
        "estimate",
        "given",
    ];
    let mut text = line(&head);
    for v in &cost.vendors {
        let bound = v.bound.iter().map(|b| format!("{} {}", b.kind, b.name));
        let bound: Vec<String> = bound.collect();
        text.push_str(&line(&[
            &v.vendor,
            &bound.join("; "),
            v.alternative,
            &v.words,
            &v.days.low_tenths.to_string(),
            &v.days.high_tenths.to_string(),
            v.estimate,
            known(v.given.as_ref()),
        ]));
    }
    text.push_str(&line(&[
        "(all)",
        "",
        "",
        &format!("{} without a tested alternative", cost.untested),
        &cost.days.low_tenths.to_string(),
        &cost.days.high_tenths.to_string(),
        "",
        "",
    ]));
    text
}

/// Another volume: one row for each model, then the sums and what is lacking.
pub(crate) fn forecast(f: &Forecast) -> String {
    let head = [
        "kind",
        "name",
        "vendor",
        "calls",
        "input_tokens",
        "output_tokens",
        "price_version",
        "currency",
        "micros",
    ];
    let mut text = line(&head);
    for m in &f.models {
        text.push_str(&line(&[
            "model",
            &m.model,
            &m.vendor,
            &m.calls.to_string(),
            &m.input_tokens.to_string(),
            &m.output_tokens.to_string(),
            &number(m.price_version),
            known(m.currency.as_ref()),
            &number(m.micros),
        ]));
    }
    let mut sum = |kind: &str, money: &Money| {
        for (currency, micros) in money {
            let micros = micros.to_string();
            let cells = [kind, "", "", "", "", "", "", currency.as_str(), &micros];
            text.push_str(&line(&cells));
        }
    };
    sum("grows", &f.grows);
    sum("stays", &f.stays);
    sum("total", &f.total);
    if let Some(each) = &f.per_task {
        sum("per_task", each);
    }
    for lacks in &f.lacks {
        text.push_str(&line(&["lacks", lacks, "", "", "", "", "", "", ""]));
    }
    text
}

/// The value report: the figures of the quarter, what is paid without a result, incidents, what is lacking.
pub(crate) fn value(card: &Scorecard, idle: &[IdleVendor], incidents: SpanIncidents) -> String {
    let mut text = scorecard(card);
    text.push_str("\r\n");
    text.push_str(&line(&["list", "name", "currency", "micros", "words"]));
    for i in idle {
        for (currency, micros) in &i.paid {
            let micros = micros.to_string();
            text.push_str(&line(&["idle", &i.vendor, currency, &micros, &i.words]));
        }
    }
    let (opened, open) = (incidents.opened.to_string(), incidents.open.to_string());
    text.push_str(&line(&[
        "incidents",
        &opened,
        "",
        "",
        "opened in these days",
    ]));
    let at_end = "of them, open at the end";
    text.push_str(&line(&["incidents_open", &open, "", "", at_end]));
    for lacks in &card.lacks {
        text.push_str(&line(&["lacks", lacks, "", "", "not in the costs"]));
    }
    text
}

/// The figures that a report shows: research claims no saving.
pub(crate) fn claimed(mut card: Scorecard, claims: bool) -> Scorecard {
    if !claims {
        card.figures.retain(|f| f.key != "net_saved");
        let none = "a workflow in research claims no saving";
        card.saved.lines.clear();
        card.saved.net = Shown::missing("net_saved", "Time saved", Unit::Time, none);
        for week in &mut card.weeks {
            week.net_ms = None;
        }
    }
    card
}
