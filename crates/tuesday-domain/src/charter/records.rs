//! Proofs that rest on the package, the release, statements and what was counted.

use std::time::Duration;

use super::evidence::Evidence;
use super::map::Map;
use super::milestone::Target;
use super::pilot::{end_of, moment};
use super::prove::{Picture, STILL_PILOT};
use super::statement::Statement;
use super::topic::Topic;
use super::weekly::is_kept;
use crate::action::ActionClass;
use crate::definition::TriggerKind;
use crate::eval::Kind;
use crate::ledger::told::counted;
use crate::rules::{Decimal, Route};
use crate::workflow::{Label, Stage};

const fn days(n: u64) -> Duration {
    Duration::from_secs(n * 86_400)
}
/// How long each kind of evidence is good for.
const WRITE_BACK: Duration = days(30);
const OVERRIDE: Duration = days(30);
const WEEKLY: Duration = days(14);
const TURNOVER: Duration = days(180);
const FRIDAY: Duration = days(92);
const OLD_PATH: Duration = days(14);
/// A log that was not sealed for so long is not watched.
const SEALED: Duration = days(1);
/// Fewer decided outputs say nothing about whether results are acceptable.
pub(super) const ENOUGH: u64 = 20;

pub(super) fn prove(topic: Topic, p: &Picture<'_>) -> Evidence {
    match topic {
        Topic::FrictionHours => stated(Statement::FrictionHours, "hours a week", p),
        Topic::MaintenanceBudget => stated(Statement::MaintenanceBudget, "a month", p),
        Topic::BeforeAfterMap => map(p),
        Topic::Baseline => baseline(p),
        Topic::LastTen => last_ten(p),
        Topic::PilotQuestion => stated(Statement::PilotQuestion, "", p),
        Topic::PilotCriteria => stated(Statement::PilotCriteria, "", p),
        Topic::NinetyDayMetric => metric(p),
        Topic::TurnoverDate => turnover_date(p),
        Topic::PilotEnd => pilot_end(p),
        Topic::WriteBack => write_back(p),
        Topic::OverrideLogging => match p.figures.override_at {
            Some(at) => Evidence::shown(at, OVERRIDE, p.now, "people's changes are in the log"),
            None => Evidence::missing("nobody changed or rejected an output in 30 days"),
        },
        Topic::WeeklyReview => match p.facts.get(Statement::WeeklyReview) {
            Some(f) => Evidence {
                by: Some(f.by.clone()),
                ..Evidence::shown(f.at, WEEKLY, p.now, f.value.clone())
            },
            None => Evidence::missing("nobody has signed the metric of a week"),
        },
        Topic::TurnoverTest => turnover(p),
        Topic::FridayTest => friday(p),
        Topic::ManualPathRetired => old_path(p),
        Topic::GoalAcceptable
        | Topic::GoalReviewLoad
        | Topic::GoalIntegration
        | Topic::GoalAccountable
        | Topic::GoalErrors => goal(topic, p),
        Topic::CostPerTask => cost(p),
        Topic::AuditTrail => match p.figures.sealed_at {
            Some(at) => Evidence::shown(at, SEALED, p.now, "the log is sealed and signed"),
            None => Evidence::missing("no head of the log was ever signed"),
        },
        Topic::Gate => gate(p),
        Topic::DataCases => cases(
            p,
            &[
                Kind::Stale,
                Kind::Conflicting,
                Kind::Missing,
                Kind::Restricted,
            ],
        ),
        Topic::CaseKinds => cases(
            p,
            &[
                Kind::Happy,
                Kind::Edge,
                Kind::Refusal,
                Kind::Escalation,
                Kind::Uncertainty,
                Kind::Regression,
            ],
        ),
        other => declared(other, p),
    }
}

/// What a person stated; empty is missing.
fn stated(statement: Statement, unit: &str, p: &Picture<'_>) -> Evidence {
    match p.facts.get(statement) {
        Some(f) => Evidence::claimed(format!("{} {unit}", f.value).trim_end().to_owned())
            .stated(&f.by, f.at),
        None => Evidence::missing("blank"),
    }
}

/// The map as it was stated, with what is counted on both sides.
fn map(p: &Picture<'_>) -> Evidence {
    let mut evidence = stated(Statement::BeforeAfterMap, "", p);
    let text = p.facts.value(Statement::BeforeAfterMap);
    let counted = text.and_then(Map::read).map(Map::words);
    if let Some(words) = counted.filter(|w| !w.is_empty()) {
        evidence.words = format!("{}; {words}", evidence.words);
    }
    evidence
}

/// One of the figures that the system keeps is a live object; another name is a claim.
fn metric(p: &Picture<'_>) -> Evidence {
    let Some(f) = p.facts.get(Statement::NinetyDayMetric) else {
        return Evidence::missing("blank");
    };
    let evidence = match Target::of(&f.value) {
        Some(target) if target.metric.is_some_and(is_kept) => {
            let over = moment(p.zone(), &target.day).is_none_or(|end| p.now >= end);
            match &p.before.verdict {
                _ if !over => Evidence::verified(f.value.clone()),
                Some(verdict) => Evidence::verified(format!("{}: {verdict}", f.value)),
                None => Evidence::lapsed(format!(
                    "{} is over without a verdict: {}",
                    target.day, f.value
                )),
            }
        }
        // What no record can tell gives no verdict on its day.
        _ => {
            let name = f.value.split_whitespace().next().unwrap_or_default();
            Evidence::missing(format!(
                "{name} is not computed from records by the week, so the field counts as blank"
            ))
        }
    };
    evidence.stated(&f.by, f.at)
}

/// How the work was by hand. One that was captured after the first runs is one, and says so.
fn baseline(p: &Picture<'_>) -> Evidence {
    let Some(b) = &p.before.baseline else {
        return Evidence::missing("no baseline: nobody has measured the work by hand");
    };
    let seconds = b.handling_ms / b.sample.max(1) / 1_000;
    let late = if b.after_launch {
        ", captured after the first run had ended"
    } else {
        ""
    };
    Evidence::verified(format!(
        "{} tasks by hand, {} min {} s each, {} wrong: {}{late}",
        b.sample,
        seconds / 60,
        seconds % 60,
        b.errors,
        b.method
    ))
    .stated(&b.captured_by, b.captured_at)
}

/// Speaks up only where runs were opened and one could not be told.
fn last_ten(p: &Picture<'_>) -> Evidence {
    match p.facts.get(Statement::LastTen) {
        Some(f) if f.value.starts_with(STILL_PILOT) => {
            Evidence::lapsed(f.value.clone()).since(f.at)
        }
        Some(f) => Evidence::verified(f.value.clone()).since(f.at),
        None => Evidence::verified("no run was found that cannot be told"),
    }
}

/// A day that is to come, or on which the test was passed.
fn turnover_date(p: &Picture<'_>) -> Evidence {
    let Some(f) = p.facts.get(Statement::TurnoverDate) else {
        return Evidence::missing("blank");
    };
    let over = moment(p.zone(), &f.value).is_none_or(|end| p.now >= end);
    let tested = p.facts.get(Statement::TurnoverTest);
    let tested =
        tested.is_some_and(|t| t.value.starts_with("passed") && p.zone().day(t.at) >= f.value);
    let evidence = if !over || tested {
        Evidence::verified(f.value.clone())
    } else {
        Evidence::lapsed(format!("{} is over and no test was passed", f.value))
    };
    evidence.stated(&f.by, f.at)
}

fn pilot_end(p: &Picture<'_>) -> Evidence {
    let Some(end) = end_of(p.facts, p.before.came_down, p.zone()) else {
        return Evidence::missing("blank");
    };
    let evidence = match moment(p.zone(), &end.day) {
        Some(last) if p.now < last => match &end.by {
            Some(_) => Evidence::verified(end.day),
            None => Evidence::verified(format!(
                "{}: 90 days after its label came down, unless somebody decides",
                end.day
            )),
        },
        _ => Evidence::lapsed(format!("{} is over", end.day)),
    };
    match end.by {
        Some(by) => evidence.stated(&by, end.since),
        None => evidence.since(end.since),
    }
}

fn write_back(p: &Picture<'_>) -> Evidence {
    let live = p
        .ready
        .def
        .action
        .iter()
        .find(|a| a.is_live(p.test_instance));
    match (live, p.figures.written_back_at) {
        (None, _) if p.test_instance => Evidence::missing(
            "no action that writes says `stands_for = \"live\"`, which a stub of a test instance needs",
        ),
        (None, _) => Evidence::missing("every destination is a stand-in or takes drafts only"),
        (Some(a), None) => {
            Evidence::missing(format!("nothing was confirmed at {} in 30 days", a.system))
        }
        (Some(a), Some(at)) => {
            Evidence::shown(at, WRITE_BACK, p.now, format!("confirmed at {}", a.system))
        }
    }
}

fn turnover(p: &Picture<'_>) -> Evidence {
    match p.facts.get(Statement::TurnoverTest) {
        None => Evidence::missing("it has not been run without its builder"),
        Some(f) if f.value.starts_with("passed") => Evidence {
            by: Some(f.by.clone()),
            ..Evidence::shown(f.at, TURNOVER, p.now, f.value.clone())
        },
        // A test that was not passed shows that it cannot.
        Some(f) => Evidence::missing(f.value.clone()).stated(&f.by, f.at),
    }
}

fn friday(p: &Picture<'_>) -> Evidence {
    match p.facts.get(Statement::FridayTest) {
        None => Evidence::missing("nobody who builds nothing has told a run from its record"),
        Some(f) if f.value.starts_with("passed") => Evidence {
            by: Some(f.by.clone()),
            ..Evidence::shown(f.at, FRIDAY, p.now, f.value.clone())
        },
        Some(f) => Evidence::missing(f.value.clone()).stated(&f.by, f.at),
    }
}

fn old_path(p: &Picture<'_>) -> Evidence {
    let Some(f) = p.facts.get(Statement::OldPathSignal) else {
        return Evidence::missing("no signal of the old way is declared: nobody could see its use");
    };
    // What is retired must still be possible by hand, and written down.
    if !p.release.runbook || super::is_blank(&p.ready.def.manual.instructions) {
        return Evidence::claimed("there is no runbook and no instructions to fall back to");
    }
    let quiet_since = p.figures.old_path_at.map_or(f.at, |used| used.max(f.at));
    if p.now >= quiet_since.plus(OLD_PATH) {
        let words = match super::fallback::declared(p.facts).as_slice() {
            [] => format!("no `{}` for 14 days", f.value),
            _ => format!("no `{}` for 14 days outside declared fallback", f.value),
        };
        return Evidence::verified(words).since(quiet_since);
    }
    let words = format!("watching `{}`: 14 days of silence are needed", f.value);
    match p.figures.old_path_at {
        // It was silent long enough once, and is used again.
        Some(used) if used >= f.at.plus(OLD_PATH) => {
            let words = format!(
                "the old way was used outside declared fallback: `{}`",
                f.value
            );
            Evidence::lapsed(words).since(used)
        }
        _ => Evidence::claimed(words).stated(&f.by, f.at),
    }
}

fn percent(part: u64, whole: u64) -> u64 {
    (part * 1_000).checked_div(whole).unwrap_or(0)
}

/// A target with its figure; without enough cases nobody knows.
fn goal(topic: Topic, p: &Picture<'_>) -> Evidence {
    let Some(f) = topic.statement().and_then(|s| p.facts.get(s)) else {
        return Evidence::missing("no target is set");
    };
    let Ok(target) = Decimal::parse(&f.value) else {
        return Evidence::missing("the target cannot be read");
    };
    if let (Topic::GoalReviewLoad, Some(over)) = (topic, &p.overload) {
        return Evidence::claimed(over.clone()).stated(&f.by, f.at);
    }
    let n = &p.figures;
    // Figures in thousandths of the whole, or a count.
    let (figure, scale, at_least, words) = match topic {
        Topic::GoalAcceptable if n.decided >= ENOUGH => {
            let words = format!(
                "{} of {} decided outputs stood as they were",
                n.stood, n.decided
            );
            (percent(n.stood, n.decided), 10, true, words)
        }
        Topic::GoalIntegration if n.finished >= ENOUGH => {
            let good = n.finished.saturating_sub(n.failed);
            let words = format!("{good} of {} runs ended without a failure", n.finished);
            (percent(good, n.finished), 10, true, words)
        }
        // An empty queue is kept up with where people decide; where nobody was ever asked, nobody knows.
        Topic::GoalReviewLoad if n.open + n.decided == 0 => {
            return Evidence::claimed("no data: nobody was asked anything in 30 days")
                .stated(&f.by, f.at);
        }
        Topic::GoalReviewLoad => {
            let words = format!("{} of {} open tasks are overdue", n.overdue, n.open);
            (percent(n.overdue, n.open), 10, false, words)
        }
        Topic::GoalAccountable => {
            let signed = p.before.weeks_signed;
            let words = format!("{signed} of the last four weeks are signed by who answers for it");
            (signed, 1, true, words)
        }
        Topic::GoalErrors => {
            let words = counted(n.uncorrected, "correction is open", "corrections are open");
            (n.uncorrected, 1, false, words)
        }
        _ => {
            return Evidence::claimed(format!("fewer than {ENOUGH} in 30 days"))
                .stated(&f.by, f.at);
        }
    };
    let (limit, figure) = (target.micros() * scale, i128::from(figure) * 1_000_000);
    let met = if at_least {
        figure >= limit
    } else {
        figure <= limit
    };
    let side = if at_least { "at least" } else { "at most" };
    let words = format!("{words}; target {side} {}", f.value);
    if met {
        Evidence::verified(words)
    } else {
        Evidence::claimed(words)
    }
    .stated(&f.by, f.at)
}

fn cost(p: &Picture<'_>) -> Evidence {
    let n = &p.figures;
    if n.finished == 0 {
        return Evidence::missing("no run ended in 30 days");
    }
    if n.cost_unknown > 0 {
        return Evidence::claimed(format!(
            "nobody knows the usage of {} of {} runs",
            n.cost_unknown, n.finished
        ));
    }
    if p.ready.def.model.price.is_none() && !p.ready.def.model.kind.is_built_in() {
        return Evidence::missing("the model has no price");
    }
    let each = i128::from(n.cost_micros) / i128::from(n.finished.max(1));
    let words = format!(
        "model {}.{:06} for each of {} runs",
        each / 1_000_000,
        each % 1_000_000,
        n.finished
    );
    Evidence::verified(words)
}

fn gate(p: &Picture<'_>) -> Evidence {
    let number = p.release.number;
    match p.release.gate {
        None => Evidence::missing(format!("release {number} has not been before the gate")),
        Some(g) if g.passed => Evidence::verified(format!("release {number} passed")).since(g.at),
        Some(g) => Evidence::lapsed(format!("release {number} did not pass")).since(g.at),
    }
}

fn cases(p: &Picture<'_>, kinds: &[Kind]) -> Evidence {
    let count = |k: &Kind| p.release.cases.get(k).copied().unwrap_or(0);
    let none: Vec<&str> = kinds
        .iter()
        .filter(|k| count(k) == 0)
        .map(|k| k.word())
        .collect();
    let all: u64 = kinds.iter().map(count).sum();
    if all == 0 {
        Evidence::missing("the pack has no such case")
    } else if none.is_empty() {
        Evidence::verified(format!("{all} cases of {} kinds", kinds.len())).since(p.release.made_at)
    } else {
        Evidence::claimed(format!("no case is {}", none.join(", ")))
    }
}

/// What the package and its release declare.
fn declared(topic: Topic, p: &Picture<'_>) -> Evidence {
    let def = &p.ready.def;
    let made = p.release.made_at;
    let evidence = match topic {
        Topic::OneWorkflow => {
            Evidence::verified(format!("{} ({})", def.workflow.title, def.workflow.name))
        }
        Topic::Trigger => {
            let own = |k| !matches!(k, TriggerKind::Cli);
            let names: Vec<&str> = def
                .trigger
                .iter()
                .filter(|t| own(t.kind))
                .map(|t| t.name.as_str())
                .collect();
            if names.is_empty() {
                return Evidence::claimed("only somebody's hand starts it");
            }
            Evidence::verified(names.join(", "))
        }
        Topic::InputSchema | Topic::Sensitivity => match p.ready.input.unclassified() {
            [] => Evidence::verified(format!(
                "{}, release {}",
                def.input.schema, p.release.number
            )),
            [first, ..] => return Evidence::claimed(format!("field {first} has no class")),
        },
        Topic::Provenance => {
            Evidence::verified(format!("the event and {} sources", def.source.len()))
        }
        Topic::Sources => match def.source.as_slice() {
            [] => Evidence::verified("the event alone; nothing else is read"),
            all => {
                let names: Vec<&str> = all.iter().map(|s| s.system.as_str()).collect();
                Evidence::verified(format!("{}: rank and freshness declared", names.join(", ")))
            }
        },
        Topic::PromptVersions => prompt_versions(p),
        Topic::OutputFormat => Evidence::verified(def.output.schema.clone()),
        Topic::AutoApproved => {
            let auto = p
                .rules
                .rows()
                .iter()
                .filter(|r| r.route == Route::Auto)
                .count();
            Evidence::verified(format!(
                "{auto} of {} rules act without a person",
                p.rules.rows().len()
            ))
        }
        Topic::Destination => match def.action.as_slice() {
            [] => return Evidence::missing("the result goes nowhere"),
            all => {
                let names: Vec<&str> = all.iter().map(|a| a.system.as_str()).collect();
                Evidence::verified(names.join(", "))
            }
        },
        Topic::WhenWrong | Topic::ManualFallback => {
            if super::is_blank(&def.manual.instructions) || !p.release.runbook {
                return Evidence::missing("nothing says what people do then");
            }
            Evidence::verified(format!("{}; runbook", def.manual.instructions))
        }
        other => return kept(other, p),
    };
    evidence.since(made)
}

fn kept(topic: Topic, p: &Picture<'_>) -> Evidence {
    let def = &p.ready.def;
    match topic {
        Topic::KillCondition => match &def.kill {
            Some(kill) if !super::is_blank(&kill.condition) => {
                Evidence::verified(kill.condition.clone()).since(p.release.made_at)
            }
            _ => Evidence::missing("nothing ends it for good"),
        },
        Topic::ProductionPath => {
            let later = def
                .rollout
                .entry
                .iter()
                .any(|e| e.stage >= Stage::ApprovalFirst)
                || def.rollout.label == Label::Production;
            let writes = def.action.iter().any(|a| a.class > ActionClass::Draft);
            if !later {
                return Evidence::missing(
                    "no later stage is planned: without a path it is not a pilot",
                );
            }
            if !writes {
                return Evidence::missing("nothing is ever written to a system that people use");
            }
            Evidence::verified("later stages and their conditions are declared")
        }
        Topic::Runbook if p.release.runbook => {
            Evidence::verified("runbook.md").since(p.release.made_at)
        }
        Topic::Runbook => Evidence::missing("runbook.md says nothing"),
        Topic::DegradedMode => {
            let d = &def.degraded;
            match (d.model, d.source, d.destination) {
                (Some(_), Some(_), Some(_)) => Evidence::verified("model, source and destination"),
                (None, None, None) => Evidence::missing("nothing is declared"),
                _ => Evidence::claimed("declared for some dependencies only"),
            }
        }
        Topic::Secrets if p.release.lost_secrets.is_empty() => {
            Evidence::verified("references only, and each leads to a value")
        }
        Topic::Secrets => Evidence::missing(format!(
            "on this node no value is behind {}",
            p.release.lost_secrets.join(", ")
        )),
        Topic::Approvals => {
            let mut careful = def.action.iter().filter(|a| !a.class.rule_may_authorise());
            match careful.next() {
                Some(a) => Evidence::verified(format!("{} always needs a person", a.name)),
                None => Evidence::verified("nothing pays and everything can be undone"),
            }
        }
        Topic::ChangeLog => Evidence::verified(format!(
            "release {}, rules version {}",
            p.release.number, p.rules_version
        ))
        .since(p.release.made_at),
        Topic::Rollback if p.release.before > 0 => {
            Evidence::verified(format!("{} releases before this one", p.release.before))
        }
        Topic::Rollback => Evidence::claimed("there is no release before this one"),
        // Every other topic has its proof above; one that is forgotten proves nothing.
        _ => Evidence::missing("nothing shows it"),
    }
}

/// The text itself is part of the release: another word is another version, which passes the gate again.
fn prompt_versions(p: &Picture<'_>) -> Evidence {
    let (model, number) = (&p.ready.def.model, p.release.number);
    let what = if model.kind.is_built_in() {
        "built-in model".to_owned()
    } else {
        model.prompt.clone()
    };
    Evidence::verified(format!("{what}, release {number}"))
}
