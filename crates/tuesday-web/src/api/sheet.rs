//! Reports as CSV: one row for each figure, exact integers, for spreadsheets and scripts.

use tuesday_domain::charter::Sheet;
use tuesday_domain::csv::line;
use tuesday_domain::ledger::figures::Money;
use tuesday_domain::ledger::shown::Shown;
use tuesday_domain::record::CostEntry;
use tuesday_engine::ops::{CharterView, HubLine, PilotPack, Ranking, Scorecard, Weekly};

fn number(n: Option<i64>) -> String {
    n.map(|n| n.to_string()).unwrap_or_default()
}

fn shown(s: &Shown, before: Option<i64>) -> String {
    let currency = s.currency.clone().unwrap_or_default();
    let records = s.records.clone().unwrap_or_default();
    line(&[
        s.key,
        &s.title,
        s.unit.word(),
        &currency,
        &number(s.value),
        &number(s.low),
        &number(s.high),
        s.standing.word(),
        &number(before),
        &s.means,
        &records,
    ])
}

const FIGURE: [&str; 11] = [
    "key", "title", "unit", "currency", "value", "low", "high", "standing", "before", "means",
    "records",
];

fn sums(money: &Money) -> String {
    let each: Vec<String> = money.iter().map(|(c, n)| format!("{n} {c}")).collect();
    each.join("; ")
}

/// A scorecard: its figures, then its weeks.
pub(crate) fn scorecard(card: &Scorecard) -> String {
    let mut text = line(&FIGURE);
    card.figures
        .iter()
        .for_each(|s| text.push_str(&shown(s, None)));
    text.push_str("\r\n");
    let head = [
        "week",
        "runs",
        "resolved",
        "exceptions",
        "cost_micros",
        "cost_per_task_micros",
        "net_ms",
        "p50_ms",
        "p95_ms",
        "so_far",
    ];
    text.push_str(&line(&head));
    for w in &card.weeks {
        let ms = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
        text.push_str(&line(&[
            &w.week.to_string(),
            &w.runs.to_string(),
            &w.resolved.to_string(),
            &w.exceptions.to_string(),
            &sums(&w.total),
            &w.per_task.as_ref().map(sums).unwrap_or_default(),
            &number(w.net_ms),
            &ms(w.p50_ms),
            &ms(w.p95_ms),
            if w.so_far { "yes" } else { "" },
        ]));
    }
    text
}

/// A row of a week that is no figure: what it is, its words, where it stands, what more there is to say, and
/// its page.
fn said(key: &str, title: &str, standing: &str, means: &str, records: &str) -> String {
    line(&[key, title, "", "", "", "", "", standing, "", means, records])
}

/// A week: the metric with its target, its figures beside those of the week before, what there is to talk
/// about, and who has signed it.
pub(crate) fn weekly(week: &Weekly) -> String {
    let mut text = line(&FIGURE);
    if let Some(m) = &week.metric {
        text.push_str(&shown(&m.now, m.before));
        let kept = match m.kept {
            Some(true) => "kept",
            Some(false) => "missed",
            None => "unknown",
        };
        text.push_str(&said(
            "target",
            &m.stated,
            kept,
            "the target of the metric",
            "",
        ));
    }
    week.figures
        .iter()
        .for_each(|f| text.push_str(&shown(&f.now, f.before)));
    for (words, page) in &week.agenda {
        text.push_str(&said("agenda", words, "", "", page));
    }
    let t = &week.talk;
    for (key, all) in [
        ("report", &t.reports),
        ("incident", &t.incidents),
        ("decision", &t.decisions),
        ("override", &t.overrides),
    ] {
        for i in all {
            text.push_str(&said(key, &i.words, &i.state, &i.at, &i.path));
        }
    }
    match &week.signed {
        Some(s) => {
            let at = format!("{}: {}", s.signed_at, s.note);
            text.push_str(&said("signature", &s.signed_by, "signed", &at, ""));
        }
        None => text.push_str(&said(
            "signature",
            "",
            "unsigned",
            "nobody has signed this week",
            "",
        )),
    }
    text
}

/// The ranking of candidates: one row for each, hours in hundredths and empty where nobody said them.
pub(crate) fn readiness(ranking: &Ranking) -> String {
    let mut text = line(&[
        "place",
        "name",
        "title",
        "group",
        "net_hours_hundredths",
        "hours_today_hundredths",
        "review_hours_hundredths",
        "standing",
        "answered",
        "of",
        "blockers",
        "in_the_way",
        "installed",
    ]);
    for c in &ranking.candidates {
        let ways = c.blockers.iter();
        let ways: Vec<String> = ways.map(|b| format!("{}: {}", b.area, b.words)).collect();
        text.push_str(&line(&[
            &c.place.to_string(),
            &c.name,
            &c.title,
            c.group.word(),
            &number(c.net),
            &number(c.today),
            &number(c.review),
            c.standing,
            &c.answered.to_string(),
            &c.of.to_string(),
            &c.blockers.len().to_string(),
            &ways.join("; "),
            if c.installed { "yes" } else { "no" },
        ]));
    }
    text
}

/// The hub: one row for each workflow.
pub(crate) fn hub(all: &[(CharterView, HubLine)]) -> String {
    let mut text = line(&[
        "workflow",
        "title",
        "label",
        "lapsing",
        "stage",
        "switch",
        "charter_clean",
        "charter_of",
        "checklist_clean",
        "checklist_of",
        "past_the_pilot",
        "health",
        "load",
        "value",
        "owners",
    ]);
    for (view, l) in all {
        let share = |which| view.sheet(which).map_or((0, 0), |s| (s.clean, s.of));
        let (charter, checklist) = (share(Sheet::Charter), share(Sheet::Checklist));
        let owners = l
            .owners
            .iter()
            .map(|(role, name)| format!("{role}: {name}"));
        let yes = |is: bool| if is { "yes" } else { "no" };
        text.push_str(&line(&[
            &view.workflow,
            &view.title,
            view.label.label,
            yes(view.label.lapsing_since.is_some()),
            view.stage,
            view.switch,
            &charter.0.to_string(),
            &charter.1.to_string(),
            &checklist.0.to_string(),
            &checklist.1.to_string(),
            yes(view.past_the_pilot),
            &l.health.words,
            &l.load.words,
            &l.value.words,
            &owners.collect::<Vec<_>>().join("; "),
        ]));
    }
    text
}

/// Every list over a workflow's evidence: one row for each item.
pub(crate) fn charter(view: &CharterView) -> String {
    let mut text = line(&[
        "list", "group", "item", "title", "state", "clean", "words", "at", "until", "by", "records",
    ]);
    let known = |t: &Option<String>| t.clone().unwrap_or_default();
    for sheet in &view.sheets {
        for i in &sheet.items {
            text.push_str(&line(&[
                sheet.sheet,
                i.group,
                i.item,
                i.title,
                i.state,
                if i.clean { "yes" } else { "no" },
                &i.words,
                &known(&i.at),
                &known(&i.until),
                &known(&i.by),
                &i.path,
            ]));
        }
    }
    text
}

/// Entered costs: one row for each.
pub(crate) fn entries(all: &[CostEntry]) -> String {
    let mut text = line(&[
        "id",
        "category",
        "workflow",
        "from",
        "to",
        "micros",
        "currency",
        "minutes",
        "person",
        "vendor",
        "words",
        "reference",
        "entered_by",
        "reverses",
    ]);
    let known = |t: &Option<String>| t.clone().unwrap_or_default();
    for e in all {
        text.push_str(&line(&[
            &e.id.to_string(),
            e.category.word(),
            &known(&e.workflow),
            &e.day_from,
            &e.day_to,
            &number(e.amount_micros),
            &known(&e.currency),
            &number(e.minutes),
            &known(&e.person),
            &known(&e.vendor),
            &e.words,
            &known(&e.reference),
            &e.entered_by,
            &e.reverses.map(|id| id.to_string()).unwrap_or_default(),
        ]));
    }
    text
}

/// Load against hours: one row for each day to come and each week behind.
pub(crate) fn capacity(c: &tuesday_engine::ops::Capacity) -> String {
    let mut text = line(&[
        "kind",
        "from",
        "arrivals",
        "tasks",
        "load_ms",
        "load_ms_low",
        "load_ms_high",
        "capacity_ms",
        "forecast_ms",
    ]);
    for w in &c.weeks {
        text.push_str(&line(&[
            "week",
            &w.week.to_string(),
            &w.arrivals.to_string(),
            &w.tasks.to_string(),
            &number(w.came_ms),
            "",
            "",
            &w.capacity_ms.to_string(),
            &number(w.said_ms),
        ]));
    }
    for d in c
        .forecast
        .iter()
        .flat_map(|f| std::iter::once(&f.today).chain(&f.days))
    {
        text.push_str(&line(&[
            "day",
            &d.day.to_string(),
            &number(d.arrivals.point),
            "",
            &number(d.load_ms.point),
            &d.load_ms.low.to_string(),
            &d.load_ms.high.to_string(),
            &d.capacity_ms.to_string(),
            &number(d.load_ms.point),
        ]));
    }
    text
}

/// Shifts and whole days against the baseline: one row for each share of each of them.
pub(crate) fn drift(d: &tuesday_engine::ops::Drift) -> String {
    let mut text = line(&[
        "dimension",
        "day",
        "shift",
        "runs",
        "verdict",
        "evidence",
        "key",
        "baseline_ppm",
        "share_ppm",
        "low_ppm",
        "high_ppm",
        "series",
    ]);
    for one in &d.dimensions {
        let shifts = one.judged.shifts.iter().map(|s| ("shift", s));
        let days = one.days.shifts.iter().map(|s| ("day", s));
        for (series, s) in shifts.chain(days) {
            let evidence = format!("{:.4}", s.evidence);
            for m in &s.moved {
                text.push_str(&line(&[
                    one.dimension,
                    &s.day.to_string(),
                    &s.shift,
                    &s.runs.to_string(),
                    s.verdict.word(),
                    &evidence,
                    &m.key,
                    &m.baseline_ppm.to_string(),
                    &m.share_ppm.to_string(),
                    &m.low_ppm.to_string(),
                    &m.high_ppm.to_string(),
                    series,
                ]));
            }
        }
    }
    // How second readers agreed, in all and tier by tier.
    text.push_str("\r\n");
    text.push_str(&line(&FIGURE));
    text.push_str(&shown(&d.agreement, None));
    for t in &d.tiers {
        text.push_str(&shown(&t.agreement, None));
        text.push_str(&shown(&t.kappa, None));
    }
    text
}

/// The evidence of a pilot: one row for each line, question and step.
pub(crate) fn pilot(pack: &PilotPack) -> String {
    let mut text = line(&["list", "item", "title", "known", "words", "by", "records"]);
    let none = String::new();
    for part in &pack.parts {
        let (word, known) = (part.part.word(), part.known.words());
        if part.lines.is_empty() {
            text.push_str(&line(&["part", word, part.title, known, "", "", ""]));
        }
        for l in &part.lines {
            let (by, records) = (
                l.by.as_ref().unwrap_or(&none),
                l.records.as_ref().unwrap_or(&none),
            );
            text.push_str(&line(&[
                "part",
                word,
                part.title,
                l.known.words(),
                &l.words,
                by,
                records,
            ]));
        }
    }
    for (list, all) in [("question", &pack.questions), ("go_live", &pack.go_live)] {
        for a in all {
            let (by, records) = (
                a.by.as_ref().unwrap_or(&none),
                a.records.as_ref().unwrap_or(&none),
            );
            text.push_str(&line(&[
                list,
                a.asks,
                a.title,
                a.known.words(),
                &a.words,
                by,
                records,
            ]));
        }
    }
    for s in &pack.steps {
        let known = match (s.done, &s.excused) {
            (true, _) => "done",
            (false, Some(_)) => "jumped over",
            (false, None) => "open",
        };
        let words = s
            .excused
            .as_deref()
            .unwrap_or(if s.done { "" } else { s.closes });
        text.push_str(&line(&[
            "step",
            s.step.word(),
            s.title,
            known,
            words,
            "",
            "",
        ]));
    }
    text
}
