//! What a reader's clearance leaves of a case, and what is kept about it: opening what is restricted,
//! and having been shown a mask, are events of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use tuesday_domain::access::{Act, Rights};
use tuesday_domain::actor::{Actor, Class};
use tuesday_domain::id::{ReleaseId, ReviewId, RunId};
use tuesday_domain::problem::Problem;
use tuesday_domain::ready::Ready;
use tuesday_domain::recheck::FieldChange;
use tuesday_domain::record::{Intake, Payload, ProblemReport, Review, RightUse, Run, Subject};
use tuesday_domain::veil::Veil;
use tuesday_store::QueueRow;

use super::approve::Decided;
use super::batch::Batch;
use super::case::{Case, CaseWrite};
use super::incident::Blast;
use super::task::Task;
use crate::engine::Engine;

/// Who reads, and with which rights.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// The person or token.
    pub who: &'a Actor,
    /// What they hold now.
    pub rights: &'a Rights,
}

impl Reader<'_> {
    pub(crate) fn veil(&self, workflow: &str, ready: Option<Arc<Ready>>) -> Veil {
        Veil::new(self.rights.clearance(workflow), ready)
    }
}

impl Engine {
    /// The case behind a review task as this reader may see it.
    ///
    /// # Errors
    /// As [`Engine::case`]; also when the access cannot be kept.
    pub async fn case_for(&self, id: ReviewId, reader: &Reader<'_>) -> Result<Case, Problem> {
        let (mut case, release) = Box::pin(self.case_and_release(id)).await?;
        let ready = Some(Arc::clone(&release.ready));
        let veil = reader.veil(&case.review.workflow, ready);
        veil_case(&mut case, &veil);
        self.accessed(reader, &case.review.workflow, id.to_string(), &veil)
            .await?;
        Ok(case)
    }

    /// Keeps that somebody opened restricted content, or was shown a mask in its place: the latter once
    /// an hour for each object.
    pub(crate) async fn accessed(
        &self,
        reader: &Reader<'_>,
        workflow: &str,
        about: String,
        veil: &Veil,
    ) -> Result<(), Problem> {
        let strictest = veil.strictest();
        let kind = match (veil.shows(strictest), strictest) {
            (true, Class::Restricted) => "access.restricted_opened",
            (true, _) => return Ok(()),
            (false, _) => "access.masked",
        };
        let told = RightUse {
            person: reader.who.to_string(),
            act: kind.to_owned(),
            workflow: about.clone(),
            used_at: self.now(),
        };
        if kind == "access.masked" && !self.0.uses.due(&told) {
            return Ok(());
        }
        let facts = [("about", about), ("class", strictest.word().to_owned())];
        let subject = Subject::Workflow(workflow.to_owned());
        self.access_event(kind, reader.who, subject, &facts).await
    }

    /// The texts of the queue's rows as this reader may see them, each by the release of its own run.
    pub async fn veil_queue(&self, rights: &Rights, rows: &mut [QueueRow]) {
        let runs: Vec<RunId> = rows.iter().map(|r| r.review.run).collect();
        let releases = self.releases(&runs).await;
        let pairs = rows.iter().map(|r| {
            let release = releases.get(&r.review.run).copied();
            (r.review.workflow.as_str(), release)
        });
        let veils = self.text_veils(rights, pairs).await;
        for row in rows {
            let release = releases.get(&row.review.run).copied();
            if let Some(veil) = veils.get(&(row.review.workflow.clone(), release)) {
                veil.review(&mut row.review);
            }
        }
    }

    /// The texts of a task as this reader may see them.
    pub async fn veil_review(&self, rights: &Rights, review: &mut Review) {
        let release = self.releases(&[review.run]).await.remove(&review.run);
        let veil = self.text_veil(rights, &review.workflow, release).await;
        veil.review(review);
    }

    /// The texts of a list's runs as this reader may see them.
    pub async fn veil_runs(&self, rights: &Rights, runs: &mut [Run]) {
        let pairs = runs.iter().map(|r| (r.workflow.as_str(), Some(r.release)));
        let veils = self.text_veils(rights, pairs).await;
        for run in runs {
            if let Some(veil) = veils.get(&(run.workflow.clone(), Some(run.release))) {
                veil.run(run);
            }
        }
    }

    /// The open cases of a day as this reader may see them.
    pub async fn veil_batch(&self, rights: &Rights, batch: &mut Batch) {
        let workflow = batch.workflow.clone();
        let open = batch.open.iter();
        let pairs = open.map(|o| (workflow.as_str(), Some(o.release)));
        let veils = self.text_veils(rights, pairs).await;
        for open in &mut batch.open {
            if let Some(veil) = veils.get(&(workflow.clone(), Some(open.release))) {
                open.subject = veil.text(&open.subject, veil.subject_class());
            }
        }
    }

    /// The lines that name the cases of these runs, as this reader may see them.
    pub async fn veil_subjects(
        &self,
        rights: &Rights,
        workflow: &str,
        lines: &mut [(RunId, String)],
    ) {
        let runs: Vec<RunId> = lines.iter().map(|l| l.0).collect();
        let releases = self.releases(&runs).await;
        let pairs = runs.iter().map(|r| (workflow, releases.get(r).copied()));
        let veils = self.text_veils(rights, pairs).await;
        for (run, words) in lines {
            let release = releases.get(run).copied();
            if let Some(veil) = veils.get(&(workflow.to_owned(), release)) {
                *words = veil.text(words, veil.subject_class());
            }
        }
    }

    /// What a cause has touched, as this reader may see it: workflows that they do not read are left out,
    /// and counted no more.
    pub async fn veil_blast(&self, rights: &Rights, blast: &mut Blast) {
        blast
            .rows
            .retain(|r| rights.may(Act::ReadWork, &r.workflow));
        blast.count();
        let pairs = blast.rows.iter();
        let pairs = pairs.map(|r| (r.workflow.as_str(), Some(r.release)));
        let veils = self.text_veils(rights, pairs).await;
        for row in &mut blast.rows {
            let Some(veil) = veils.get(&(row.workflow.clone(), Some(row.release))) else {
                continue;
            };
            row.subject = veil.text(&row.subject, veil.subject_class());
            let class = veil.effect_class(row.name.as_deref().unwrap_or_default(), "");
            for text in [&mut row.target, &mut row.external_id] {
                *text = text.take().map(|t| veil.text(&t, class));
            }
        }
    }

    /// What was sent and did not become a run, field by field as this reader may see it; what is no JSON
    /// object counts as the strictest field of the schema. Answers whether something is masked.
    ///
    /// # Errors
    /// When the access cannot be kept.
    pub async fn veil_intake(
        &self,
        reader: &Reader<'_>,
        record: &mut Intake,
    ) -> Result<bool, Problem> {
        let veil = self.text_veil(reader.rights, &record.workflow, None).await;
        let about = record.id.to_string();
        self.accessed(reader, &record.workflow, about, &veil)
            .await?;
        let value = tuesday_domain::json::parse_strict(&record.body).ok();
        let seen = match value.filter(Value::is_object) {
            Some(value) => {
                let seen = veil.event(&value).0;
                if seen == value {
                    return Ok(false);
                }
                seen.to_string()
            }
            None if veil.shows(veil.strictest()) => return Ok(false),
            None => veil.text("", veil.strictest()),
        };
        record.body = seen.into_bytes();
        Ok(true)
    }

    /// The words of problem reports as this reader may see them: whoever reported one and whoever
    /// answers it see all of it.
    pub async fn veil_reports(&self, reader: &Reader<'_>, reports: &mut [ProblemReport]) {
        let runs: Vec<RunId> = reports.iter().filter_map(|r| r.run).collect();
        let releases = self.releases(&runs).await;
        let release = |r: &ProblemReport| r.run.and_then(|run| releases.get(&run).copied());
        let pairs = reports.iter().map(|r| {
            let workflow = r.workflow.as_deref().unwrap_or_default();
            (workflow, release(r))
        });
        let veils = self.text_veils(reader.rights, pairs).await;
        let me = reader.who.person();
        for r in reports {
            let own = me.is_some_and(|me| r.reported_by == me || r.owner == me);
            let place = (r.workflow.clone().unwrap_or_default(), release(r));
            let Some(veil) = veils.get(&place).filter(|_| !own) else {
                continue;
            };
            let class = veil.words_class().max(veil.subject_class());
            r.words = veil.text(&r.words, class);
            r.answer = r.answer.take().map(|a| veil.text(&a, class));
            r.asked_for = r.asked_for.take().map(|a| veil.text(&a, class));
            // An address names somebody outside; a handle is one of us.
            if r.reported_by.contains('@') {
                r.reported_by = veil.text(&r.reported_by, class);
            }
        }
    }

    /// What a decision led to, as its author may see it.
    pub async fn veil_decided(&self, rights: &Rights, decided: &mut Decided) {
        let release = Some(decided.run.release);
        let veil = self.text_veil(rights, &decided.run.workflow, release);
        let veil = veil.await;
        veil.review(&mut decided.review);
        veil.run(&mut decided.run);
        decided.changes.iter_mut().for_each(|c| veil.change(c));
    }

    /// Stored bytes as this reader may see them; what is masked is not the committed bytes any more.
    pub async fn veil_payloads(&self, rights: &Rights, run: &Run, payloads: &mut [Payload]) {
        let ready = self.loaded(run.release).await.ok();
        let clearance = rights.clearance(&run.workflow);
        let veil = Veil::new(clearance, ready.map(|r| Arc::clone(&r.ready)));
        if veil.shows(veil.strictest()) {
            return;
        }
        for p in payloads.iter_mut().filter(|p| !p.bytes.is_empty()) {
            let value = serde_json::from_slice(&p.bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&p.bytes).into_owned()));
            p.bytes = veil
                .payload(p.kind, p.class, &value)
                .to_string()
                .into_bytes();
        }
    }

    /// The releases of these runs. Where the database does not answer they are left out, and what is
    /// without a release counts as the live one says.
    pub(crate) async fn releases(&self, runs: &[RunId]) -> BTreeMap<RunId, ReleaseId> {
        let found = self.0.reader.releases_of(runs).await;
        found.unwrap_or_default().into_iter().collect()
    }

    /// One for each workflow and release that is named.
    async fn text_veils<'a>(
        &self,
        rights: &Rights,
        places: impl Iterator<Item = (&'a str, Option<ReleaseId>)>,
    ) -> BTreeMap<(String, Option<ReleaseId>), Veil> {
        let places: BTreeSet<(String, Option<ReleaseId>)> =
            places.map(|(w, r)| (w.to_owned(), r)).collect();
        let mut veils = BTreeMap::new();
        for (workflow, release) in places {
            let veil = self.text_veil(rights, &workflow, release).await;
            veils.insert((workflow, release), veil);
        }
        veils
    }

    /// By a run's own release, which the catalog keeps; by the live one for what belongs to no run.
    async fn text_veil(&self, rights: &Rights, workflow: &str, release: Option<ReleaseId>) -> Veil {
        let ready = match release {
            Some(id) => self.loaded(id).await.ok(),
            None => self.live(workflow).await.ok().map(|(_, live)| live),
        };
        let ready = ready.map(|r| Arc::clone(&r.ready));
        Veil::new(rights.clearance(workflow), ready)
    }

    /// A search over subjects and notes tells what they hold: only who may read them searches them.
    ///
    /// # Errors
    /// `not_cleared` with the workflow whose subjects are masked for the reader.
    pub async fn may_search(&self, rights: &Rights, workflow: Option<&str>) -> Result<(), Problem> {
        self.searchable(rights, workflow, "subjects", Veil::subject_class)
            .await
    }

    /// As [`Engine::may_search`], for the words of problem reports.
    ///
    /// # Errors
    /// As there.
    pub async fn may_search_words(
        &self,
        rights: &Rights,
        workflow: Option<&str>,
    ) -> Result<(), Problem> {
        let class = |v: &Veil| v.words_class().max(v.subject_class());
        self.searchable(rights, workflow, "reports", class).await
    }

    async fn searchable(
        &self,
        rights: &Rights,
        workflow: Option<&str>,
        what: &str,
        class: impl Fn(&Veil) -> Class,
    ) -> Result<(), Problem> {
        let names = match workflow {
            Some(one) => vec![one.to_owned()],
            None => {
                let all = self.0.reader.workflows().await;
                let all = all.map_err(crate::engine::read_problem)?;
                all.into_iter().map(|w| w.name).collect()
            }
        };
        for name in names {
            let reads = rights.may(tuesday_domain::access::Act::ReadWork, &name);
            let veil = self.text_veil(rights, &name, None).await;
            let class = class(&veil);
            if reads && !veil.shows(class) {
                return Err(Problem::new(
                    "not_cleared",
                    format!("the {what} of {name} are masked for you, so they cannot be searched"),
                )
                .field("q")
                .with("class", class.word())
                .way_out("search by the id of a run or task, or choose another workflow"));
            }
        }
        Ok(())
    }
}

impl Task {
    /// What `person` may see of this task.
    pub(crate) fn veil(&self, person: &str) -> Veil {
        let clearance = self.rights(person).clearance(&self.review.workflow);
        Veil::new(clearance, Some(Arc::clone(&self.release.ready)))
    }
}

/// Nobody approves what they may not see.
pub(crate) fn cleared(task: &Task, by: &str) -> Result<(), Problem> {
    let Some((field, class)) = task.veil(by).unseen() else {
        return Ok(());
    };
    let people: Vec<String> = super::task::people(task)
        .into_iter()
        .filter(|p| task.veil(p).unseen().is_none())
        .collect();
    Err(Problem::new(
        "not_cleared",
        format!(
            "this rests on {field}, which is {} and masked for {by}",
            class.word()
        ),
    )
    .field(field)
    .with("class", class.word())
    .with("people", people)
    .way_out("escalate it, or ask one of the persons who are cleared"))
}

/// The changes of a refusal, as `by` may see them.
pub(crate) fn seen_changes(task: &Task, by: &str, changes: &[FieldChange]) -> Vec<FieldChange> {
    let veil = task.veil(by);
    let mut seen = changes.to_vec();
    seen.iter_mut().for_each(|c| veil.change(c));
    seen
}

pub(super) fn veil_writes(writes: &mut [CaseWrite], veil: &Veil) {
    for write in writes {
        write.target = veil.text(&write.target, veil.effect_class(&write.action, ""));
        for (field, value) in &mut write.fields {
            *value = veil.whole(value, veil.effect_class(&write.action, field));
        }
    }
}

fn veil_case(case: &mut Case, veil: &Veil) {
    if veil.shows(veil.strictest()) {
        return;
    }
    for item in &mut case.items {
        item.content = if item.name == "input" {
            veil.event(&item.content).0
        } else {
            veil.whole(&item.content, veil.source_class(&item.name))
        };
    }
    for c in &mut case.compared {
        let class = veil.fact_class(&c.column);
        if !veil.shows(class) {
            c.value = None;
            c.words = veil.text("", class);
        }
    }
    for c in &mut case.conflicts {
        c.value = veil.whole(&c.value, veil.source_class(&c.won));
        c.other = veil.whole(&c.other, veil.source_class(&c.lost));
    }
    case.output = case.output.take().map(|o| veil.output(&o).0);
    veil_writes(&mut case.writes, veil);
    if let Some(extra) = &mut case.made.extra {
        *extra = veil.whole(extra, veil.strictest());
    }
    for a in &mut case.actions {
        a.target = veil.text(&a.target, veil.effect_class(&a.name, ""));
        a.detail = a.detail.take().map(|d| veil.text(&d, veil.strictest()));
        a.receipt = a.receipt.take().map(|r| veil.whole(&r, veil.strictest()));
    }
    if let Some(found) = &mut case.recheck {
        found.changes.iter_mut().for_each(|c| veil.change(c));
        for words in &mut found.problems {
            *words = veil.text(words, veil.strictest());
        }
    }
    case.flags = case
        .flags
        .iter()
        .map(|f| veil.text(f, veil.strictest()))
        .collect();
    veil.review(&mut case.review);
    veil.run(&mut case.run);
    case.reasons.clone_from(&case.review.reasons);
    if let Some((field, class)) = veil.unseen() {
        case.flags.push(format!(
            "You are not cleared for {field} ({}): it is masked, and you cannot approve this. Escalate it, or reject it.",
            class.word()
        ));
        case.not_cleared = Some((field, class.word()));
    }
}
