//! Turns a case as the engine tells it into what the review page shows.

use tuesday_domain::record::Review;
use tuesday_domain::review::{ReviewKind, ReviewState};
use tuesday_domain::rules::Compared;
use tuesday_domain::snapshot::Conflict;
use tuesday_domain::time::{Timestamp, Zone};
use tuesday_engine::ops::Case;

use super::case_parts::{actions, decided, decision_words, made, output, source, text, write};
use super::scale::scale;
use super::views::{CaseView, Choice, ComparedView, ConflictView, Settle};
use super::words::{clock, code, due, local, plural, reason, short};

/// The case for the person `me` at `now`.
pub(crate) fn view(case: &Case, me: &str, now: Timestamp) -> CaseView {
    let zone = Zone::named(&case.zone).ok();
    let zone = zone.as_ref();
    let mut view = head(case, me, now, zone);
    decision(&mut view, case, me);
    content(&mut view, case, zone);
    rail(&mut view, case, me, now, zone);
    view
}

/// What it is and how long it may take.
fn head(case: &Case, me: &str, now: Timestamp, zone: Option<&Zone>) -> CaseView {
    let r = &case.review;
    let left = due(r.due_at, now);
    let (state, state_tone) = state(case, me, zone);
    let clock = clock(r.due_at, zone);
    let rest = if r.due_at < now { "" } else { " left" };
    CaseView {
        id: r.id.to_string(),
        revision: r.revision,
        run: r.run.to_string(),
        run_short: short(&r.run.to_string()),
        workflow: r.workflow.clone(),
        workflow_title: case.workflow_title.clone(),
        subject: r.subject.clone(),
        asks: asks(r).to_owned(),
        arrived: local(case.run.received_at, zone),
        arrived_iso: case.run.received_at.rfc3339(),
        due_iso: r.due_at.rfc3339(),
        tier: r.tier.clone(),
        level: r.level,
        due: format!(
            "Due {}, {}{rest}",
            clock.get(..5).unwrap_or_default(),
            left.words
        ),
        due_tone: left.tone,
        state,
        state_tone,
        ..CaseView::default()
    }
}

/// What this person can do about it.
fn decision(v: &mut CaseView, case: &Case, me: &str) {
    let r = &case.review;
    let may = case.people.iter().any(|(h, _)| h == me);
    v.settle = match r.kind {
        ReviewKind::Output => Settle::None,
        ReviewKind::SecondLook => Settle::Verdict,
        ReviewKind::Input => Settle::Input,
        ReviewKind::Action => Settle::Action,
        ReviewKind::Manual => Settle::Manual,
    };
    v.settle_title = match v.settle {
        Settle::Input => "What is missing",
        Settle::Action => "Did it happen?",
        Settle::Verdict => "Was it right?",
        Settle::Manual | Settle::None => "Do it by hand",
    };
    v.is_output = v.settle == Settle::None;
    v.has_output = v.is_output && case.output.is_some();
    v.can_decide = may && !r.state.is_decided() && r.state != ReviewState::Suspended;
    v.recallable = may && r.state.is_decided() && case.recall_until.is_some();
    v.closed_words = closed(r, may);
    v.mine = r.claimed_by.as_deref() == Some(me);
    v.rewrite = case.tier.as_ref().is_some_and(|t| t.human_rewrite);
    v.approve_words = approve_words(case);
    v.reject_words = "Nothing is written and nothing is sent.".to_owned();
    let other = case.people.iter().filter(|(h, _)| *h != r.owner);
    v.others = other
        .map(|(code, words)| Choice {
            code: code.clone(),
            words: words.clone(),
        })
        .collect();
    v.guidance = case
        .tier
        .as_ref()
        .map(|t| t.guidance.clone())
        .unwrap_or_default();
    v.half = half(case);
    v.moved = moved(case, me);
    (v.escalate_to, v.escalate_words) = escalation(case);
    v.checklist = case
        .tier
        .as_ref()
        .map(|t| t.checklist.clone())
        .unwrap_or_default();
    v.reject_reasons = choices(&case.reasons_list);
    v.edit_reasons.clone_from(&v.reject_reasons);
}

/// Why a person looks, what would be written, what was answered.
fn content(v: &mut CaseView, case: &Case, zone: Option<&Zone>) {
    let version = case.rules_version.unwrap_or_default();
    v.rule = case
        .rules_row
        .as_ref()
        .map(|row| format!("Rule {row}, version {version}"));
    (v.reasons, v.flags) = reasons(case);
    let (plain, telling): (Vec<&Compared>, Vec<&Compared>) =
        case.compared.iter().partition(|c| says_little(c));
    v.compared = telling.into_iter().map(compared).collect();
    v.also = also(&plain);
    v.effects = plural(case.writes.len() as u64, "effect");
    v.writes = case.writes.iter().map(|w| write(w, &case.items)).collect();
    v.answer_title = if case.review.kind == ReviewKind::Manual {
        "What the model had answered"
    } else {
        "What the model answered"
    };
    (v.output, v.drafts) = output(case);
    v.decided = decided(case, zone);
    v.actions = actions(case);
}

/// The reasons that the comparisons below them do not already say; what nearly decided is a remark.
fn reasons(case: &Case) -> (Vec<String>, Vec<String>) {
    let said = |words: &str| case.compared.iter().any(|c| c.words == words);
    let (near, plain): (Vec<&str>, Vec<&str>) = case
        .reasons
        .iter()
        .map(|r| reason(r))
        .filter(|r| !said(r) || case.compared.iter().all(says_little))
        .partition(|r| r.starts_with("not route "));
    let remarks = near
        .into_iter()
        .map(|r| format!("Nearest other rule: {r}"))
        .chain(case.flags.iter().cloned());
    (
        plain.into_iter().map(str::to_owned).collect(),
        remarks.collect(),
    )
}

/// A comparison such as `threat is no`: true of nearly every case, so it gets no line of its own.
fn says_little(c: &Compared) -> bool {
    matches!(c.value.as_deref(), Some("no" | "false")) || c.cell == "any"
}

fn also(plain: &[&Compared]) -> String {
    let words: Vec<String> = plain.iter().map(|c| c.words.replace('_', " ")).collect();
    if words.is_empty() {
        String::new()
    } else {
        format!("Also compared: {}.", words.join(", "))
    }
}

fn compared(c: &Compared) -> ComparedView {
    let name = c.column.replace('_', " ");
    let words = c.words.replacen(&c.column, "", 1);
    ComparedView {
        column: code(&c.column),
        words: words.replacen(&name, "", 1).trim().to_owned(),
        scale: scale(c.value.as_deref(), &c.cell, &c.words),
    }
}

/// Who gets the task when it is passed on, and what happens then.
fn escalation(case: &Case) -> (Option<String>, String) {
    match &case.next_up {
        Some(next) => {
            let next = name(case, next);
            let words = format!("The due time starts again for {next}. You can still read it.");
            (Some(next), words)
        }
        None => (
            None,
            format!(
                "{} is the last named person for this case. Decide it, or say under More that it is done \
                 by hand.",
                case.owner_name
            ),
        ),
    }
}

/// Who approved already, where two people are needed.
fn half(case: &Case) -> Option<String> {
    let r = &case.review;
    if r.state.is_decided() {
        return None;
    }
    let first = r.approved_by.last()?;
    Some(format!(
        "{} has approved this. One more person is needed, and it must be somebody else.",
        name(case, first)
    ))
}

/// What somebody who has the case open hears when it is not what they see any more.
fn moved(case: &Case, me: &str) -> String {
    let r = &case.review;
    match (r.decision, r.decided_by.as_deref(), r.claimed_by.as_deref()) {
        (Some(d), Some(by), _) if by == me => {
            format!(
                "You decided this in another place: {}.",
                decision_words(d).to_lowercase()
            )
        }
        (Some(d), Some(by), _) => {
            format!(
                "{} decided this: {}.",
                name(case, by),
                decision_words(d).to_lowercase()
            )
        }
        (_, _, Some(by)) if by != me => format!("{} is on it now.", name(case, by)),
        _ => String::new(),
    }
}

/// Sources, people and how it was made.
fn rail(v: &mut CaseView, case: &Case, me: &str, now: Timestamp, zone: Option<&Zone>) {
    let r = &case.review;
    v.sources = case.items.iter().map(|i| source(i, now, zone)).collect();
    v.absent.clone_from(&case.absent);
    let conflict = |c: &Conflict| ConflictView {
        field: c.field.clone(),
        won: c.won.clone(),
        value: text(&c.value),
        lost: c.lost.clone(),
        other: text(&c.other),
    };
    v.conflicts = case.conflicts.iter().map(conflict).collect();
    v.owner.clone_from(&case.owner_name);
    v.claimed = r.claimed_by.as_deref().map(|h| {
        if h == me {
            "you".to_owned()
        } else {
            name(case, h)
        }
    });
    v.approved_by = r
        .approved_by
        .iter()
        .map(|h| name(case, h))
        .collect::<Vec<_>>()
        .join(", ");
    v.needed = if r.kind == ReviewKind::SecondLook {
        "1 answer".to_owned()
    } else {
        plural(u64::from(r.approvals_needed), "approval")
    };
    v.people = case
        .people
        .iter()
        .map(|(_, n)| n.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    v.note = r.note.clone().filter(|_| r.decision.is_none());
    v.made = made(case);
}

fn asks(r: &Review) -> &'static str {
    match r.kind {
        ReviewKind::Output if r.output_ref.is_none() => {
            "There is no answer to use. Say what becomes of the case, or let it be made again."
        }
        ReviewKind::Output => "Decide whether this answer is used.",
        ReviewKind::Input => {
            "Something the workflow needs is missing or unusable. Supply it, or do the work by hand."
        }
        ReviewKind::Action => {
            "It is not clear whether this was written. Look at the destination and say what you see."
        }
        ReviewKind::Manual => "This one is done by hand.",
        ReviewKind::SecondLook => {
            "This output was approved and used. Say whether it was right; nothing waits for the answer."
        }
    }
}

/// The person's name, where the case knows it.
pub(crate) fn name(case: &Case, handle: &str) -> String {
    case.people
        .iter()
        .find(|(h, _)| h == handle)
        .map_or_else(|| handle.to_owned(), |(_, n)| n.clone())
}

fn state(case: &Case, me: &str, zone: Option<&Zone>) -> (String, &'static str) {
    let r = &case.review;
    match (r.state, r.claimed_by.as_deref()) {
        (ReviewState::Claimed, Some(h)) => {
            let until = r.claim_until.map(|t| clock(t, zone)).unwrap_or_default();
            let until = until.get(..5).unwrap_or_default();
            if h == me {
                (format!("Yours until {until}"), "acc lock")
            } else {
                (format!("{} until {until}", name(case, h)), "lock")
            }
        }
        (ReviewState::Open, _) => ("Free".to_owned(), "plain"),
        (ReviewState::Suspended, _) => ("Workflow is paused".to_owned(), "warn"),
        (s, _) => (
            code(s.word()),
            if s == ReviewState::Rejected {
                "bad"
            } else {
                "ok"
            },
        ),
    }
}

fn closed(r: &Review, may: bool) -> String {
    match r.state {
        ReviewState::Suspended => "The workflow is paused: read, but decide later.".to_owned(),
        s if s.is_decided() => format!("Decided: {}.", code(s.word()).to_lowercase()),
        _ if !may => "You may read this case. Others decide it.".to_owned(),
        _ => String::new(),
    }
}

fn approve_words(case: &Case) -> String {
    let class = |c: &str| case.writes.iter().any(|w| w.class == c);
    let more = case.review.approvals_needed
        > u32::try_from(case.review.approved_by.len())
            .unwrap_or(u32::MAX)
            .saturating_add(1);
    if more {
        return "Approve as first person".to_owned();
    }
    match (
        class("write") || class("pay") || class("irreversible"),
        class("send"),
        class("draft"),
    ) {
        (true, true, _) => "Approve, write and send",
        (true, false, _) => "Approve and write",
        (false, true, _) => "Approve and send",
        (false, false, true) => "Approve and place draft",
        _ => "Approve",
    }
    .to_owned()
}

fn choices(codes: &[String]) -> Vec<Choice> {
    codes
        .iter()
        .map(|c| Choice {
            code: c.clone(),
            words: code(c),
        })
        .collect()
}
