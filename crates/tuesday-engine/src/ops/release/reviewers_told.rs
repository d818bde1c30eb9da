//! Those who decide hear of a release before its first output reaches them. Each of them is told through the
//! channels of the installation before the release goes live; whom no channel reached keeps it from going.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::definition::Definition;
use tuesday_domain::port::Message;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Decision, Notice, NoticeState, Release};

use super::{entry, told};
use crate::engine::{Engine, read_problem};

/// Messages under way at once.
const AT_ONCE: usize = 8;

/// Handle of who was told, with the channel that took it.
pub(super) type Heard = BTreeMap<String, String>;

impl Engine {
    /// Tells everybody who may decide tasks of the workflow. When nobody may, or somebody cannot be reached, the
    /// owners are told so and the release stays where it is.
    ///
    /// # Errors
    /// `reviewers_not_told` with those who were not; `unavailable`.
    pub(super) async fn tell_reviewers(
        &self,
        row: &Release,
        def: &Definition,
        title: &str,
        by: &Actor,
    ) -> Result<Heard, Problem> {
        let deciding = self.who_may(Act::DecideReview, &row.workflow).await?;
        if deciding.is_empty() {
            let why = "nobody may decide its tasks, so there is nobody to tell".to_owned();
            return Err(self.not_told(row, def, by, why, Vec::new()).await?);
        }
        let people = self.0.reader.people().await.map_err(read_problem)?;
        let email = |handle: &str| {
            let known = people.iter().find(|p| p.handle == handle);
            known.map(|p| p.email.clone()).unwrap_or_default()
        };
        let link = format!("{}/workflows/{}", self.0.config.public_url, row.workflow);
        let tries = deciding.into_iter().map(|(handle, name)| {
            let message = Message {
                email: email(&handle),
                name,
                title: title.to_owned(),
                link: link.clone(),
                due_at: None,
                alert: None,
            };
            async move { (handle, self.0.ports.notifier.notify(&message).await) }
        });
        let answers = futures::stream::iter(tries).buffered(AT_ONCE);
        let (mut heard, mut deaf) = (Heard::new(), Vec::new());
        let mut answers = std::pin::pin!(answers);
        while let Some((handle, answer)) = answers.next().await {
            match answer {
                Ok(channel) => {
                    heard.insert(handle, channel);
                }
                Err(why) => deaf.push(format!("{handle}: {why}")),
            }
        }
        if deaf.is_empty() {
            return Ok(heard);
        }
        let why = format!("these could not be told: {}", deaf.join("; "));
        Err(self.not_told(row, def, by, why, deaf).await?)
    }

    /// Keeps that it did not go live, and tells its owners.
    async fn not_told(
        &self,
        row: &Release,
        def: &Definition,
        by: &Actor,
        why: String,
        people: Vec<String>,
    ) -> Result<Problem, Problem> {
        let now = self.now();
        let title = format!(
            "{}: release {} waits at approved, {why}",
            row.workflow, row.number
        );
        let o = &def.owners;
        let mut owners = vec![o.operator.handle.clone(), o.technical.handle.clone()];
        owners.extend(
            by.person()
                .map(str::to_owned)
                .filter(|p| p != "administrator"),
        );
        owners.sort();
        owners.dedup();
        let notices = owners.iter();
        let notices = notices.map(|p| told(row, p, "release_not_told", title.clone(), now));
        let changes = notices.collect();
        let entry = entry("release.not_told", row, by, now).fact("why", why.clone());
        self.commit_release(Decision { changes, entry }).await?;
        let words = format!("release {} stays approved: {why}", row.number);
        Ok(Problem::new("reviewers_not_told", words)
            .with("people", people)
            .way_out(
                "put the channel, the address or the roles right, then promote it again; tuesday alerts test tries a \
                 channel",
            ))
    }
}

/// The notice that a release is live: to those who heard of it before as it was sent, to the others still to be.
pub(super) fn live_notices(
    row: &Release,
    def: &Definition,
    heard: &Heard,
    title: &str,
    now: tuesday_domain::time::Timestamp,
) -> Vec<Change> {
    let owners = def.owners.people().into_iter().map(|p| p.handle.clone());
    let mut all: Vec<String> = owners.chain(heard.keys().cloned()).collect();
    all.sort();
    all.dedup();
    let notice = |person: &String| {
        let change = told(row, person, "release_live", title.to_owned(), now);
        match (change, heard.get(person)) {
            (Change::InsertNotice(waiting), Some(channel)) => {
                Change::InsertNotice(Box::new(Notice {
                    state: NoticeState::Sent,
                    attempts: 1,
                    detail: Some(channel.clone()),
                    ..*waiting
                }))
            }
            (change, _) => change,
        }
    };
    all.iter().map(notice).collect()
}
