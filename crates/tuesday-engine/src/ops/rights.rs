//! What a person may do, read fresh for every request, and the event that a refusal leaves.

use tuesday_domain::access::{Act, Rights};
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Decision, RightUse, Subject, Token};

use crate::engine::{Engine, read_problem};

impl Engine {
    /// The rights of an active person; nobody else has any. On a workflow whose turnover test runs
    /// without this person there are none.
    ///
    /// # Errors
    /// `unavailable` when the database does not answer.
    pub async fn rights(&self, person: &str) -> Result<Rights, Problem> {
        let reader = &self.0.reader;
        let (who, grants, suspended) = tokio::try_join!(
            reader.person(person),
            reader.grants_of(person),
            reader.suspended_on(person)
        )
        .map_err(read_problem)?;
        // Not what a service has taken away, but what holds at this moment: an end counts on every node at once.
        let now = self.now();
        let grants = grants.into_iter().filter(|g| g.holds(now)).collect();
        Ok(match who {
            Some(p) if p.active => Rights::new(grants).without(suspended),
            _ => Rights::default(),
        })
    }

    /// The rights of a token: those of its person inside its scope, or those of a machine.
    ///
    /// # Errors
    /// `unavailable` when the database does not answer.
    pub async fn token_rights(&self, token: &Token) -> Result<Rights, Problem> {
        let own = match &token.person {
            Some(person) => self.rights(person).await?,
            None => Rights::machine(token.workflow.clone()),
        };
        Ok(own.within(token.scope, token.workflow.clone()))
    }

    /// Notes that a right was used, for the access review. At most once an hour for each right: a
    /// review asks about days.
    pub async fn note_use(&self, person: &str, act: Act, workflow: &str) {
        let now = self.now();
        let used = RightUse {
            person: person.to_owned(),
            act: act.word().to_owned(),
            workflow: workflow.to_owned(),
            used_at: now,
        };
        if !self.0.uses.due(&used) {
            return;
        }
        if let Err(e) = self.0.store.right_used(&used).await {
            tracing::warn!(error = %e, "the use of a right was not noted");
        }
    }

    /// Keeps that somebody was refused, or opened what is watched.
    ///
    /// # Errors
    /// When the event cannot be kept; the caller then refuses as well.
    pub async fn access_event(
        &self,
        kind: &'static str,
        by: &Actor,
        subject: Subject,
        facts: &[(&str, String)],
    ) -> Result<(), Problem> {
        let mut entry = AuditEntry::new(self.now(), by.clone(), kind, subject);
        for (name, value) in facts {
            entry = entry.fact(name, value.clone());
        }
        self.commit(Vec::new(), entry).await
    }

    /// One decision of these changes.
    pub(crate) async fn commit(
        &self,
        changes: Vec<tuesday_domain::record::Change>,
        entry: AuditEntry,
    ) -> Result<(), Problem> {
        self.apply(Decision { changes, entry })
            .await
            .map(drop)
            .map_err(crate::engine::apply_problem)
    }
}

/// Which uses this node has noted lately.
#[derive(Default)]
pub(crate) struct Uses(std::sync::Mutex<std::collections::HashMap<String, i64>>);

impl Uses {
    const EVERY_US: i64 = 3_600_000_000;

    pub(crate) fn due(&self, used: &RightUse) -> bool {
        let key = format!("{}\n{}\n{}", used.person, used.act, used.workflow);
        let mut map = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if map.len() >= 10_000 {
            map.clear();
        }
        let now = used.used_at.micros();
        match map.get(&key) {
            Some(last) if now - last < Self::EVERY_US => false,
            _ => {
                map.insert(key, now);
                true
            }
        }
    }
}
