//! Tells people that something waits for them: one message per person with a count and a link,
//! never content. A channel that is down is tried again; what every channel refused is shown.

use std::collections::BTreeMap;
use std::time::Duration;

use tuesday_domain::actor::Actor;
use tuesday_domain::port::Message;
use tuesday_domain::record::{
    AuditEntry, Change, Cursor, Decision, Notice, NoticeState, Review, Subject,
};
use tuesday_domain::time::Timestamp;

use crate::engine::Engine;
use crate::ids;

const BATCH: usize = 500;
const MOST_TRIES: u32 = 8;

pub(super) async fn run(engine: Engine) -> Result<(), String> {
    collect(&engine).await?;
    send(&engine).await
}

/// How long a row may take to become visible after its id was made.
const SETTLED: Duration = Duration::from_secs(2);

/// Turns tasks and refused events that are newer than the last look into notices.
async fn collect(engine: &Engine) -> Result<(), String> {
    let reader = &engine.0.reader;
    let now = engine.now();
    let until =
        Timestamp::from_micros(now.micros() - i64::try_from(SETTLED.as_micros()).unwrap_or(0));
    let seen_review = position(engine, "notices.reviews").await?;
    let seen_intake = position(engine, "notices.intake").await?;
    let opened = reader
        .reviews_after(seen_review.and_then(|s| s.parse().ok()), until, BATCH)
        .await
        .map_err(|e| e.to_string())?;
    let refused = reader
        .intake_after(seen_intake.and_then(|s| s.parse().ok()), until, BATCH)
        .await
        .map_err(|e| e.to_string())?;
    let mut changes = Vec::new();
    if let Some(last) = opened.last() {
        changes.push(moved("notices.reviews", last.id.to_string()));
    }
    if let Some(last) = refused.last() {
        changes.push(moved("notices.intake", last.id.to_string()));
    }
    if changes.is_empty() {
        return Ok(());
    }
    let positions = changes.len();
    let mut by_person: BTreeMap<(String, String, &str), u32> = BTreeMap::new();
    for r in opened.into_iter().filter(|r| !r.state.is_decided()) {
        *by_person
            .entry((r.owner, r.workflow, "review_opened"))
            .or_default() += 1;
    }
    for i in refused {
        *by_person
            .entry((i.owner, i.workflow, "intake_refused"))
            .or_default() += 1;
    }
    changes.extend(by_person.into_iter().map(|((person, workflow, kind), n)| {
        Change::InsertNotice(Box::new(notice(person, workflow, kind, n, now)))
    }));
    let count = changes.len() - positions;
    let entry = AuditEntry::new(
        now,
        Actor::System("notices"),
        "notices.collected",
        Subject::Instance,
    )
    .fact("count", count);
    engine
        .apply(Decision { changes, entry })
        .await
        .map(drop)
        .map_err(|e| e.to_string())
}

async fn position(engine: &Engine, name: &str) -> Result<Option<String>, String> {
    let cursor = engine
        .0
        .reader
        .cursor("", name)
        .await
        .map_err(|e| e.to_string())?;
    Ok(cursor.map(|c| c.value))
}

fn moved(name: &str, value: String) -> Change {
    Change::PutCursor(Cursor {
        workflow: String::new(),
        trigger: name.to_owned(),
        value,
    })
}

fn notice(person: String, workflow: String, kind: &str, n: u32, now: Timestamp) -> Notice {
    let (title, path) = if kind == "review_opened" {
        let tasks = if n == 1 {
            "1 case waits".to_owned()
        } else {
            format!("{n} cases wait")
        };
        (
            format!("{workflow}: {tasks} for you"),
            format!("/queue?workflow={workflow}&view=mine"),
        )
    } else {
        let events = if n == 1 {
            "1 event was".to_owned()
        } else {
            format!("{n} events were")
        };
        (
            format!("{workflow}: {events} refused at intake"),
            format!("/intake?workflow={workflow}"),
        )
    };
    plain(person, workflow, kind, title, path, now)
}

/// A notice about one task: the link opens it, the message says when it is due.
pub(crate) fn about(review: &Review, kind: &str, title: String, now: Timestamp) -> Notice {
    plain(
        review.owner.clone(),
        review.workflow.clone(),
        kind,
        title,
        format!("{OF_A_TASK}{}", review.id),
        now,
    )
}

/// The beginning of the path of a notice about one task.
const OF_A_TASK: &str = "/reviews/";

/// A notice that waits to be sent. The title holds no content of any case.
pub(crate) fn plain(
    person: String,
    workflow: String,
    kind: &str,
    title: String,
    path: String,
    now: Timestamp,
) -> Notice {
    Notice {
        id: ids::notice(),
        person,
        workflow,
        kind: kind.to_owned(),
        title,
        path,
        state: NoticeState::Waiting,
        attempts: 0,
        due_at: now,
        detail: None,
        created_at: now,
        version: 1,
    }
}

/// The title with what the workflow may be called: whoever reads it knows what it is worth.
fn labelled(engine: &Engine, notice: &Notice) -> String {
    match engine.0.catalog.cached_workflow(&notice.workflow) {
        Some(row) => format!("[{}] {}", row.label, notice.title),
        None => notice.title.clone(),
    }
}

/// When the task that a notice is about is due, as it is now.
async fn due(engine: &Engine, notice: &Notice) -> Option<Timestamp> {
    let id = notice.path.strip_prefix(OF_A_TASK)?.parse().ok()?;
    let review = engine.0.reader.review(id).await.ok()??;
    (!review.state.is_decided()).then_some(review.due_at)
}

async fn send(engine: &Engine) -> Result<(), String> {
    let reader = &engine.0.reader;
    let now = engine.now();
    let waiting = reader
        .waiting_notices(now, BATCH)
        .await
        .map_err(|e| e.to_string())?;
    if waiting.is_empty() {
        return Ok(());
    }
    let people = reader.people().await.map_err(|e| e.to_string())?;
    for mut notice in waiting {
        let person = people.iter().find(|p| p.handle == notice.person);
        let message = Message {
            name: person.map_or_else(|| notice.person.clone(), |p| p.name.clone()),
            email: person.map(|p| p.email.clone()).unwrap_or_default(),
            title: labelled(engine, &notice),
            link: format!("{}{}", engine.0.config.public_url, notice.path),
            due_at: due(engine, &notice).await,
            alert: None,
        };
        let answer = engine.0.ports.notifier.notify(&message).await;
        notice.attempts += 1;
        notice.version += 1;
        let before = notice.state;
        match answer {
            Ok(channel) => {
                notice.state = NoticeState::Sent;
                notice.detail = Some(channel);
            }
            Err(why) => {
                notice.detail = Some(why);
                if notice.attempts >= MOST_TRIES {
                    notice.state = NoticeState::Failed;
                } else {
                    notice.due_at = now.plus(Duration::from_secs(5 << notice.attempts.min(10)));
                }
            }
        }
        let mut entry = AuditEntry::new(
            now,
            Actor::System("notices"),
            "notice.tried",
            Subject::Workflow(notice.workflow.clone()),
        )
        .fact("notice", notice.id.to_string())
        .fact("person", notice.person.clone());
        entry
            .moves
            .push(format!("notice {before} {}", notice.state));
        let decision = Decision {
            changes: vec![Change::UpdateNotice(Box::new(notice))],
            entry,
        };
        engine.apply(decision).await.map_err(|e| e.to_string())?;
    }
    Ok(())
}
