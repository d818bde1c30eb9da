//! Turns review tasks and exact counts into the queue as people see it.

use tuesday_domain::record::{PriorityClass, Review, SavedView};
use tuesday_domain::review::{ReviewKind, ReviewState};
use tuesday_domain::time::Timestamp;
use tuesday_store::{DueGroup, QueueCounts, QueuePage, QueueRow as Found, ReviewCount};

use super::queue::{Column, QueueQuery};
use super::shell::{WorkflowLink, initials};
use super::views::{
    Choice, Claim, FilterChip, Overview, OverviewRow, QueueGroup, QueueRow, QueueView, Tab,
};
use super::words::{code, count, due, plural, reason, span};

/// What the list is looked at with.
pub(super) struct Place<'a> {
    pub(super) q: &'a QueueQuery,
    pub(super) me: &'a str,
    pub(super) here: Option<&'a str>,
    pub(super) now: Timestamp,
    pub(super) csrf: &'a str,
    pub(super) names: &'a [(String, String)],
    pub(super) workflows: &'a [WorkflowLink],
}

type Names = [(String, String)];

fn name(names: &Names, handle: &str) -> String {
    names
        .iter()
        .find(|(h, _)| h == handle)
        .map_or_else(|| handle.to_owned(), |(_, n)| n.clone())
}

/// The left column.
pub(super) fn view(place: &Place<'_>, page: &QueuePage, saved: &[SavedView]) -> QueueView {
    let (q, counts) = (place.q, &page.counts);
    let late = page
        .rows
        .iter()
        .filter(|r| r.group == DueGroup::Overdue && concerns(&r.review, place.me))
        .count();
    let shown = page.rows.len() as u64;
    let choice = |w: &WorkflowLink| Choice {
        code: w.name.clone(),
        words: w.title.clone(),
    };
    QueueView {
        tabs: tabs(q, counts),
        who: q.who.clone(),
        workflow: Some(q.workflow.clone()).filter(|w| !w.is_empty()),
        find: q.q.clone(),
        tier: q.tier.clone(),
        owner: q.owner.clone(),
        due: q.due.clone(),
        tiers: choices(counts.tiers.keys(), &q.tier, code),
        owners: choices(counts.owners.keys(), &q.owner, |h| name(place.names, h)),
        dues: DUE
            .iter()
            .map(|(w, t)| choice_of(w, (*t).to_owned()))
            .collect(),
        workflows: place.workflows.iter().map(choice).collect(),
        chips: chips(place),
        saved: saved.iter().map(|v| view_link(v, q)).collect(),
        csrf: place.csrf.to_owned(),
        narrows: q.narrows(),
        late,
        foot: if shown == counts.total {
            plural(shown, "case")
        } else {
            format!("{} of {}", count(shown), plural(counts.total, "case"))
        },
        groups: groups(place, page),
        suffix: q.address(&q.after),
        next: page
            .next
            .map(|after| format!("/queue{}", q.address(&after.to_string()))),
        first: (!q.after.is_empty()).then(|| format!("/queue{}", q.address(""))),
        stamp: format!("{}-{}-{}", counts.all, counts.unclaimed, counts.mine),
        total: counts.all,
    }
}

/// How soon, in the words of addresses and of pages.
const DUE: &[(&str, &str)] = &[
    ("overdue", "Overdue"),
    ("hour", "Within the hour"),
    ("today", "Later today"),
    ("later", "After today"),
];

fn choice_of(code: &str, words: String) -> Choice {
    Choice {
        code: code.to_owned(),
        words,
    }
}

/// The values there are, and the one in force even when it finds nothing.
fn choices<'a>(
    values: impl Iterator<Item = &'a String>,
    own: &'a str,
    words: impl Fn(&str) -> String,
) -> Vec<Choice> {
    let mut all: Vec<&str> = values.map(String::as_str).chain([own]).collect();
    all.sort_unstable();
    all.dedup();
    all.retain(|v| !v.is_empty());
    all.into_iter().map(|v| choice_of(v, words(v))).collect()
}

fn view_link(v: &SavedView, q: &QueueQuery) -> Tab {
    Tab {
        href: format!("/queue?{}", v.query),
        words: v.name.clone(),
        count: String::new(),
        on: q.address("").trim_start_matches('?') == v.query,
    }
}

/// Late work that this person answers for.
fn concerns(t: &Review, me: &str) -> bool {
    t.claimed_by.as_deref().map_or(t.owner == me, |by| by == me)
}

/// The ways to look at the queue, with the rest of the filter kept.
fn tabs(q: &QueueQuery, counts: &QueueCounts) -> Vec<Tab> {
    let tab = |who: &str, words: &str, n: u64, on| Tab {
        href: format!("/queue{}", q.with("who", who)),
        words: words.to_owned(),
        count: count(n),
        on,
    };
    let all = q.who.is_empty() || q.who == "all";
    vec![
        tab("", "All", counts.all, all),
        tab("mine", "Mine", counts.mine, q.who == "mine"),
        tab("free", "Free", counts.unclaimed, q.who == "free"),
    ]
}

/// What narrows the list, each with a link that takes it away.
fn chips(place: &Place<'_>) -> Vec<FilterChip> {
    let q = place.q;
    let title = place
        .workflows
        .iter()
        .find(|w| w.name == q.workflow)
        .map_or(q.workflow.as_str(), |w| w.title.as_str());
    let due = DUE
        .iter()
        .find(|(w, _)| *w == q.due)
        .map_or("", |(_, words)| *words);
    let owner = format!("owned by {}", name(place.names, &q.owner));
    let all = [
        ("workflow", title.to_owned(), &q.workflow),
        (
            "tier",
            format!("tier {}", code(&q.tier).to_lowercase()),
            &q.tier,
        ),
        ("owner", owner, &q.owner),
        ("due", due.to_owned(), &q.due),
        ("q", format!("“{}”", q.q), &q.q),
    ];
    all.into_iter()
        .filter(|(_, _, value)| !value.is_empty())
        .map(|(field, words, _)| FilterChip {
            words,
            href: format!("/queue{}", q.with(field, "")),
        })
        .collect()
}

fn row(found: &Found, place: &Place<'_>) -> QueueRow {
    let (t, names) = (&found.review, place.names);
    let left = due(t.due_at, place.now);
    let id = t.id.to_string();
    let why = t.reasons.first();
    let more = t.reasons.len().saturating_sub(1);
    QueueRow {
        subject: t.subject.clone(),
        reason: why.map_or_else(|| code(t.reason.word()), |r| reason(r).to_owned()),
        more: (more > 0).then(|| format!("+{more}")),
        left: left.words,
        tone: left.tone,
        due: t.due_at.rfc3339(),
        about: about(found),
        claim: t.claimed_by.as_deref().map(|h| person(names, h, place.me)),
        owner: person(names, &t.owner, place.me),
        half: !t.approved_by.is_empty(),
        level: t.level,
        paused: t.state == ReviewState::Suspended,
        revision: t.revision,
        here: place.here == Some(id.as_str()),
        id,
    }
}

/// Priority where it is not the usual one, tier, what is asked, and how long ago it came.
fn about(found: &Found) -> String {
    let t = &found.review;
    let kind = match t.kind {
        ReviewKind::Output => None,
        ReviewKind::Input => Some("input"),
        ReviewKind::Action => Some("unclear write"),
        ReviewKind::Manual => Some("by hand"),
        ReviewKind::SecondLook => Some("second look"),
    };
    let class = (found.class != PriorityClass::Normal).then(|| code(found.class.word()));
    let tier = Some(code(&t.tier)).filter(|t| !t.is_empty());
    let age = format!("{} old", span(found.age));
    class
        .into_iter()
        .chain(tier)
        .chain(kind.map(str::to_owned))
        .chain([age])
        .collect::<Vec<_>>()
        .join(" · ")
}

fn person(names: &Names, handle: &str, me: &str) -> Claim {
    let name = name(names, handle);
    Claim {
        initials: initials(&name),
        name,
        me: handle == me,
    }
}

/// Rows in the order of the queue, cut where the class or the time changes. Where one class is in
/// use the counts are exact for the whole filter; else each says what stands on this page.
fn groups(place: &Place<'_>, page: &QueuePage) -> Vec<QueueGroup> {
    let one_class = page.rows.iter().all(|r| r.class == PriorityClass::Normal);
    let mut out: Vec<QueueGroup> = Vec::new();
    let mut last = None;
    for found in &page.rows {
        if last != Some((found.class, found.group)) {
            last = Some((found.class, found.group));
            let title = match found.group {
                DueGroup::Overdue => "Overdue",
                DueGroup::Hour => "Due within the hour",
                DueGroup::Today => "Later today",
                DueGroup::Later => "After today",
            };
            let class = match found.class {
                PriorityClass::Normal => String::new(),
                class => format!("{}: ", code(class.word())),
            };
            out.push(QueueGroup {
                title: format!("{class}{title}"),
                count: String::new(),
                due: found.group,
                rows: Vec::new(),
            });
        }
        if let Some(group) = out.last_mut() {
            group.rows.push(row(found, place));
        }
    }
    for group in &mut out {
        let exact = DueGroup::ALL.iter().position(|g| *g == group.due);
        let exact = exact.and_then(|at| page.counts.groups.get(at));
        group.count = match exact {
            Some(n) if one_class => count(*n),
            _ => format!("{} here", group.rows.len()),
        };
    }
    out
}

/// The words beside the queue while no case is open.
pub(super) fn overview(
    q: &QueueQuery,
    column: &Column,
    counts: &[ReviewCount],
    workflows: &[WorkflowLink],
) -> Overview {
    let view = &column.view;
    let first = column.tasks.first();
    if let Some(first) = first {
        let told = format!(
            "First due first. The first one is {}.",
            first.subject.trim_end_matches('.')
        );
        let headline = match (q.who.as_str(), view.narrows) {
            ("" | "all", false) => format!("{} waiting", plural(view.total, "case")),
            _ => view.foot.clone(),
        };
        return Overview {
            headline,
            told,
            first: Some(format!("/reviews/{}{}", first.id, view.suffix)),
            rows: shares(counts, &column.names, workflows),
            clear: None,
            worth: Vec::new(),
        };
    }
    let (headline, told) = if view.narrows {
        (
            "Nothing matches".to_owned(),
            match view.total {
                0 => "Take a filter away to see the rest.".to_owned(),
                n => format!("{} under All.", plural(n, "case")),
            },
        )
    } else {
        (
            "Nothing is waiting".to_owned(),
            "Every case is decided. New ones come here when a rule, a check or a missing value asks for a person."
                .to_owned(),
        )
    };
    Overview {
        headline,
        told,
        first: None,
        rows: Vec::new(),
        clear: view.narrows.then(|| "/queue".to_owned()),
        worth: Vec::new(),
    }
}

/// Who has how much, by workflow and owner: exact, whatever the page shows.
fn shares(counts: &[ReviewCount], names: &Names, workflows: &[WorkflowLink]) -> Vec<OverviewRow> {
    let mut rows: Vec<OverviewRow> = Vec::new();
    for c in counts {
        let title = workflows
            .iter()
            .find(|w| w.name == c.workflow)
            .map_or(c.workflow.as_str(), |w| w.title.as_str());
        let owner = name(names, &c.owner);
        let free = if c.state == ReviewState::Open {
            c.tasks
        } else {
            0
        };
        match rows
            .iter_mut()
            .find(|r| r.workflow == title && r.owner == owner)
        {
            Some(row) => {
                row.tasks += c.tasks;
                row.free += free;
                row.due = row.due.min(c.first_due);
            }
            None => rows.push(OverviewRow {
                href: format!(
                    "/queue?workflow={}&owner={}",
                    crate::query::encode(&c.workflow),
                    crate::query::encode(&c.owner)
                ),
                workflow: title.to_owned(),
                initials: initials(&owner),
                owner,
                tasks: c.tasks,
                free,
                due: c.first_due,
                first_due: String::new(),
                tone: "",
            }),
        }
    }
    rows.sort_by_key(|r| r.due);
    rows
}

/// Fills in how long the first case of each row has.
pub(super) fn tell_due(over: &mut Overview, now: Timestamp) {
    for row in &mut over.rows {
        let left = due(row.due, now);
        (row.first_due, row.tone) = (left.words, left.tone);
    }
}
