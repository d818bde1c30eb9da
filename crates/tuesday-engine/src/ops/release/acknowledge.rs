//! A person who decides has read what a release changed; until then no decision in that workflow.

use std::sync::Arc;

use tuesday_domain::actor::Actor;
use tuesday_domain::definition::{Definition, Package};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Decision, Release, ReleaseAck};
use tuesday_domain::release::layers::Texts;
use tuesday_domain::release::news::{ReleaseNews, told_differently};

use super::super::task::Task;
use super::entry;
use crate::catalog::LiveRelease;
use crate::engine::{Engine, apply_problem, read_problem};

/// A release that people who decide must have read.
#[derive(Clone, Debug)]
pub struct ToRead {
    /// What it changed.
    pub news: ReleaseNews,
    /// Handles of those who have read it, or know it anyway.
    pub readers: Vec<String>,
}

impl ToRead {
    /// Whether this person may decide without reading it first.
    #[must_use]
    pub fn known_to(&self, person: &str) -> bool {
        self.readers.iter().any(|reader| reader == person)
    }
}

impl Engine {
    /// The release that must be read before deciding; nothing where none changed what people judge.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn release_news(&self, workflow: &str) -> Result<Option<ToRead>, Problem> {
        let reader = &self.0.reader;
        let row = self.0.catalog.workflow(reader, workflow).await;
        let row = row.map_err(read_problem)?;
        let Some(news) = row.and_then(|w| w.rollout.changes.news.last().cloned()) else {
            return Ok(None);
        };
        let acks = reader.release_acks(workflow).await.map_err(read_problem)?;
        let read = acks.into_iter().filter(|a| a.number >= news.number);
        let mut readers: Vec<String> = read.map(|a| a.person).collect();
        readers.extend(news.known_to.iter().cloned());
        Ok(Some(ToRead { news, readers }))
    }

    /// What this person has to read before the next decision.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn unread_release(
        &self,
        workflow: &str,
        person: &str,
    ) -> Result<Option<ReleaseNews>, Problem> {
        let news = self.release_news(workflow).await?;
        Ok(news.filter(|n| !n.known_to(person)).map(|n| n.news))
    }

    /// `by` has read what release `number` changed.
    ///
    /// # Errors
    /// `revision_moved` when that is not the release to be read, `unknown_workflow`.
    pub async fn acknowledge_release(
        &self,
        workflow: &str,
        by: &str,
        number: u32,
    ) -> Result<ReleaseAck, Problem> {
        let row = self.standing(workflow).await?;
        let news = row.rollout.changes.news.last();
        if news.is_none_or(|n| n.number != number) {
            let words = match news {
                Some(n) => format!("release {} is the one to be read", n.number),
                None => "no release is to be read".to_owned(),
            };
            return Err(Problem::new("revision_moved", words)
                .field("number")
                .way_out("look at what has to be read now"));
        }
        let live = self.release_row(row.live_release).await?;
        let now = self.now();
        let ack = ReleaseAck {
            workflow: workflow.to_owned(),
            person: by.to_owned(),
            number,
            at: now,
        };
        let entry = entry("release.read", &live, &Actor::Person(by.to_owned()), now);
        let changes = vec![Change::PutReleaseAck(ack.clone())];
        self.apply(Decision { changes, entry })
            .await
            .map_err(apply_problem)?;
        Ok(ack)
    }

    /// What people must read of a release that goes live in place of `old`.
    pub(super) async fn news_of(
        &self,
        row: &Release,
        loaded: &LiveRelease,
        old: &Release,
        reason: Option<&str>,
        known_to: [Option<&str>; 3],
    ) -> Result<Option<ReleaseNews>, Problem> {
        let before: Arc<LiveRelease> = self.loaded(old.id).await?;
        let words = told_differently(side(&before), side(loaded));
        if words.is_empty() {
            return Ok(None);
        }
        let person = |a: &str| a.strip_prefix("person:").unwrap_or(a).to_owned();
        Ok(Some(ReleaseNews {
            number: row.number,
            before: old.number,
            words: words.join(", "),
            reason: reason.unwrap_or_default().to_owned(),
            known_to: known_to.into_iter().flatten().map(person).collect(),
        }))
    }
}

/// A release as it is compared with another one.
pub(crate) fn side(release: &LiveRelease) -> (Texts<'_>, &tuesday_domain::ready::Ready) {
    let (package, def): (&Package, &Definition) = (&release.package, &release.ready.def);
    (Texts { package, def }, &release.ready)
}

/// Refuses a decision of somebody who has not read the release that changed what they judge.
pub(crate) fn release_read(task: &Task, by: &str) -> Result<(), Problem> {
    let Some(to_read) = task.release_news.as_ref().filter(|n| !n.known_to(by)) else {
        return Ok(());
    };
    let (workflow, news) = (&task.review.workflow, &to_read.news);
    Err(Problem::new(
        "acknowledge_first",
        format!(
            "release {} is live in place of release {} and you have not read what it changed: {}",
            news.number, news.before, news.words
        ),
    )
    .with("release", news.number)
    .with("before", news.before)
    .with("changed", news.words.clone())
    .with("reason", news.reason.clone())
    .way_out(format!(
        "read it and say so: /workflows/{workflow}/releases, or `tuesday release acknowledge {workflow} {}`",
        news.number
    )))
}
