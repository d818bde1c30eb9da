//! The turnover test: starts it, ends it when its days are over, calls it off, and grades it from the
//! log when somebody signs.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;
use tuesday_domain::access::{Act, Role};
use tuesday_domain::actor::Actor;
use tuesday_domain::charter::Statement;
use tuesday_domain::charter::turnover::{
    Deed, Deeds, Hero, MOST_DAYS, TurnoverEvent, TurnoverReport, TurnoverState, grade, hero,
};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, CharterChange, Decision, Subject, Turnover};
use tuesday_domain::time::Timestamp;

use super::leaves::Logged;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::maintenance::notice;
use crate::ops::standing::reasoned;

const DAY: Duration = Duration::from_secs(86_400);
const ORDINARY: Duration = Duration::from_secs(28 * 86_400);
const SHARES: Duration = Duration::from_secs(30 * 86_400);
const SHOWN: usize = 20;
const KEEPER: Actor = Actor::System("turnover");

/// Tests of a workflow, and who carries its work.
#[derive(Clone, Debug, Serialize)]
pub struct TurnoverView {
    /// Workflow name.
    pub workflow: String,
    /// Its title.
    pub title: String,
    /// Newest first.
    pub tests: Vec<TurnoverCard>,
    /// Decisions of each person in 30 days, or since the newest test that was passed began.
    pub shares: Vec<(String, u64)>,
    /// Who makes most of them, if one person does.
    pub hero: Option<Hero>,
    /// The day that the charter names for the next test.
    pub planned: Option<String>,
}

/// One test.
#[derive(Clone, Debug, Serialize)]
pub struct TurnoverCard {
    /// Its number.
    pub seq: u32,
    /// How it stands.
    pub state: TurnoverState,
    /// Handle of the person it runs without.
    pub without: String,
    /// When it began.
    pub from: String,
    /// When its days are over.
    pub until: String,
    /// Who started it.
    pub started_by: String,
    /// When it ended.
    pub ended_at: Option<String>,
    /// Who signed it or called it off.
    pub signed_by: Option<String>,
    /// Why it was called off.
    pub reason: Option<String>,
    /// The grades: kept ones once signed, else as the log stands now.
    pub report: Option<TurnoverReport>,
}

fn own_word(words: impl Into<String>) -> Problem {
    Problem::new("own_word", words).way_out("ask the operator owner, the backup or the sponsor")
}

impl Engine {
    /// Suspends the rights of `without` on the workflow for up to `days` days.
    ///
    /// # Errors
    /// `own_word` for oneself, `not_allowed` for who may not set its stage, `not_found` for who holds no
    /// right there, `bad_request` for the days, `illegal_state` while a test is open, `workflow_retired`, `unknown_workflow`.
    pub async fn start_turnover(
        &self,
        name: &str,
        without: &str,
        days: u32,
        by: &str,
    ) -> Result<Turnover, Problem> {
        self.not_retired(name).await?;
        if without == by {
            return Err(own_word("nobody starts the test of being done without"));
        }
        // Who takes rights away answers for the work: who builds it could send its owner away.
        self.allowed(Act::SetStage, name, by).await?;
        if !(1..=MOST_DAYS).contains(&days) {
            let words = format!("a test lasts 1 to {MOST_DAYS} days");
            return Err(Problem::new("bad_request", words).field("days"));
        }
        let (grants, tests) = tokio::try_join!(
            self.0.reader.grants_on(name),
            self.0.reader.turnovers(name, 1)
        )
        .map_err(read_problem)?;
        if !grants.iter().any(|g| g.person == without) {
            let words =
                format!("{without} holds no role on {name}: there is nothing to do without");
            return Err(Problem::new("not_found", words).field("without"));
        }
        if let Some(open) = tests.first().filter(|t| !t.state.is_over()) {
            return Err(open_already(open));
        }
        let now = self.now();
        let test = Turnover {
            workflow: name.to_owned(),
            seq: tests.first().map_or(0, |t| t.seq) + 1,
            state: TurnoverState::Running,
            ended_at: None,
            signed_by: None,
            report: None,
            version: 1,
            without: without.to_owned(),
            from: now,
            until: now.plus(DAY * days),
            log_from: self.0.reader.audit_size().await.map_err(read_problem)?,
            started_by: by.to_owned(),
            engineers: Vec::from_iter(self.engineers(name).await?).join(" "),
        };
        let mut changes = vec![change(CharterChange::InsertTurnover(test.clone()))];
        let told = format!("runs without {without} until {}", test.until.rfc3339());
        changes.extend(self.tell_turnover(&test, &told, true).await?);
        let entry = entry(&test, now, Actor::Person(by.to_owned()), "turnover.started")
            .fact("until", test.until.rfc3339());
        self.commit(changes, entry).await?;
        Ok(test)
    }

    /// Ends the open test without a result.
    ///
    /// # Errors
    /// `own_word` for the person it runs without, `reason_required`, `not_found` without an open test.
    pub async fn call_off_turnover(
        &self,
        name: &str,
        reason: &str,
        by: &str,
    ) -> Result<Turnover, Problem> {
        reasoned(reason)?;
        let (mut test, now) = (self.open_turnover(name).await?, self.now());
        if test.without == by {
            return Err(own_word("nobody calls off the test of being done without"));
        }
        self.allowed(Act::SetStage, name, by).await?;
        step(&mut test, TurnoverEvent::CallOff)?;
        test.ended_at = test.ended_at.or(Some(now));
        test.signed_by = Some(by.to_owned());
        test.report = Some(reason.trim().to_owned());
        let entry = entry(
            &test,
            now,
            Actor::Person(by.to_owned()),
            "turnover.called_off",
        )
        .fact("reason", reason.trim());
        let changes = vec![change(CharterChange::UpdateTurnover(test.clone()))];
        self.commit(changes, entry).await?;
        Ok(test)
    }

    /// Grades the open test from the log and signs the grades; this is the evidence of the checklist.
    ///
    /// # Errors
    /// `own_word` for the tested person and for engineers, `not_found` without an open test,
    /// `not_allowed` for who runs no workflow.
    pub async fn sign_turnover(
        &self,
        name: &str,
        by: &str,
    ) -> Result<(Turnover, TurnoverReport), Problem> {
        let mut test = self.open_turnover(name).await?;
        if test.without == by {
            return Err(own_word("nobody attests that they can be done without"));
        }
        // Operator owner and sponsor: who answers for the work, and not who builds it.
        self.allowed(Act::SetStage, name, by).await?;
        if self.builders(&test).await?.contains(by) {
            return Err(own_word(format!(
                "{by} builds {name}: somebody who runs it signs"
            )));
        }
        let now = self.now();
        let to = test.ended_at.unwrap_or(now);
        let report = self.graded(&test, to).await?;
        let passed = report.passed();
        step(&mut test, TurnoverEvent::Sign { passed })?;
        test.ended_at = Some(to);
        test.signed_by = Some(by.to_owned());
        let text = serde_json::to_string(&report);
        test.report = Some(text.map_err(|e| Problem::new("internal", e.to_string()))?);
        let words = format!(
            "{}: {}, without {}",
            test.state,
            report.words(),
            test.without
        );
        let fact = self
            .next_fact(name, Statement::TurnoverTest, "", short(words), by)
            .await?;
        let kind = if passed {
            "turnover.passed"
        } else {
            "turnover.failed"
        };
        let entry = entry(&test, now, Actor::Person(by.to_owned()), kind)
            .fact("grades", fact.value.clone());
        let changes = vec![
            change(CharterChange::UpdateTurnover(test.clone())),
            change(CharterChange::InsertFact(fact)),
        ];
        self.commit(changes, entry).await?;
        Ok((test, report))
    }

    /// The tests of a workflow and who carries its work. An open test is graded as the log stands.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`.
    pub async fn turnover(&self, name: &str) -> Result<TurnoverView, Problem> {
        let row = self.standing(name).await?;
        let live = self.loaded(row.live_release).await?;
        let (now, reader) = (self.now(), &self.0.reader);
        let (tests, facts) =
            tokio::try_join!(reader.turnovers(name, SHOWN), reader.charter_facts(name))
                .map_err(read_problem)?;
        let passed = tests.iter().find(|t| t.state == TurnoverState::Passed);
        let since = now.minus(SHARES);
        let since = passed.map_or(since, |t| t.from.max(since));
        let shares = reader.decision_shares(name, since).await;
        let shares = shares.map_err(read_problem)?;
        let mut cards = Vec::with_capacity(tests.len());
        for test in tests {
            cards.push(self.turnover_card(test, now).await?);
        }
        let planned = facts
            .into_iter()
            .find(|f| f.statement == Statement::TurnoverDate);
        Ok(TurnoverView {
            workflow: name.to_owned(),
            title: live.ready.def.workflow.title.clone(),
            tests: cards,
            hero: hero(&shares),
            shares,
            planned: planned.map(|f| f.value).filter(|v| !v.is_empty()),
        })
    }

    async fn turnover_card(&self, t: Turnover, now: Timestamp) -> Result<TurnoverCard, Problem> {
        let called_off = t.state == TurnoverState::CalledOff;
        let report = match &t.report {
            _ if called_off => None,
            Some(kept) => Some(serde_json::from_str(kept).map_err(|e| {
                Problem::new("record_damaged", format!("turnover test {}: {e}", t.seq))
            })?),
            None => Some(self.graded(&t, t.ended_at.unwrap_or(now)).await?),
        };
        Ok(TurnoverCard {
            seq: t.seq,
            state: t.state,
            without: t.without,
            from: t.from.rfc3339(),
            until: t.until.rfc3339(),
            started_by: t.started_by,
            ended_at: t.ended_at.map(|at| at.rfc3339()),
            signed_by: t.signed_by,
            reason: t.report.filter(|_| called_off),
            report,
        })
    }

    /// Gives rights back when the days of a test are over, and asks for a signature.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn end_turnovers(&self) -> Result<(), Problem> {
        let now = self.now();
        let running = self.0.reader.turnovers_running().await;
        for mut test in running.map_err(read_problem)? {
            if now < test.until {
                continue;
            }
            step(&mut test, TurnoverEvent::TimeUp)?;
            test.ended_at = Some(test.until);
            let told = format!("the days without {} are over: sign the test", test.without);
            let mut changes = vec![change(CharterChange::UpdateTurnover(test.clone()))];
            changes.extend(self.tell_turnover(&test, &told, false).await?);
            let entry = entry(&test, now, KEEPER, "turnover.ended");
            match self.apply(Decision { changes, entry }).await {
                // Another node did it, or somebody signed at this moment.
                Ok(_) | Err(tuesday_store::ApplyError::Conflict { .. }) => {}
                Err(e) => return Err(apply_problem(e)),
            }
        }
        Ok(())
    }

    async fn open_turnover(&self, name: &str) -> Result<Turnover, Problem> {
        self.known_workflow(name).await?;
        let newest = self
            .0
            .reader
            .turnovers(name, 1)
            .await
            .map_err(read_problem)?;
        let open = newest.into_iter().find(|t| !t.state.is_over());
        open.ok_or_else(|| {
            Problem::new("not_found", format!("{name} has no open turnover test"))
                .way_out(format!("tuesday turnover start {name} --without PERSON"))
        })
    }

    /// Who built it when the test began or builds it now: a role that is taken away meanwhile does not
    /// make an engineer's act anybody's.
    async fn builders(&self, test: &Turnover) -> Result<BTreeSet<String>, Problem> {
        let mut out = self.engineers(&test.workflow).await?;
        out.extend(test.engineers.split_whitespace().map(str::to_owned));
        Ok(out)
    }

    /// Who builds the workflow: those with the role, and the machine's own account.
    pub(super) async fn engineers(&self, name: &str) -> Result<BTreeSet<String>, Problem> {
        let grants = self.0.reader.grants().await.map_err(read_problem)?;
        let here = |w: &Option<String>| w.as_deref().is_none_or(|w| w == name);
        let build = grants
            .into_iter()
            .filter(|g| g.role == Role::TechnicalOwner && here(&g.workflow));
        let mut out: BTreeSet<String> = build.map(|g| g.person).collect();
        out.insert("administrator".to_owned());
        Ok(out)
    }

    async fn graded(&self, test: &Turnover, to: Timestamp) -> Result<TurnoverReport, Problem> {
        let live = self
            .loaded(self.standing(&test.workflow).await?.live_release)
            .await?;
        let zone = &live.ready.zone;
        let days = [test.from, to, test.from.minus(ORDINARY)].map(|at| zone.day(at));
        let figures = self
            .0
            .reader
            .turnover_figures(&test.workflow, (test.from, to), days);
        let mut figures = figures.await.map_err(read_problem)?;
        let mut engineers = self.builders(test).await?;
        engineers.insert(test.without.clone());
        let mut tally = Tally {
            deeds: Deeds::default(),
            failures: 0,
            window: (test.from, to),
            engineers,
        };
        self.each_leaf(&test.workflow, test.log_from, |_, leaf| tally.leaf(leaf))
            .await?;
        figures.failures = tally.failures;
        let hours = to.since(test.from).as_secs() / 3_600;
        Ok(grade(figures, tally.deeds, hours))
    }

    /// Operator owner, backup and sponsor; at the beginning the tested person as well.
    async fn tell_turnover(
        &self,
        test: &Turnover,
        words: &str,
        tested: bool,
    ) -> Result<Vec<Change>, Problem> {
        let row = self.standing(&test.workflow).await?;
        let live = self.loaded(row.live_release).await?;
        let owners = &live.ready.def.owners;
        let named = [&owners.operator, &owners.backup];
        let mut people: BTreeSet<String> = named
            .into_iter()
            .chain(owners.sponsor.as_ref())
            .map(|p| p.handle.clone())
            .collect();
        people.remove(&test.without);
        if tested {
            people.insert(test.without.clone());
        }
        let now = self.now();
        let title = format!("{}: {words}", test.workflow);
        let path = format!("/workflows/{}/turnover", test.workflow);
        let told = people.into_iter().map(|person| {
            let one = notice(
                person,
                test.workflow.clone(),
                "turnover",
                title.clone(),
                path.clone(),
                now,
            );
            Change::InsertNotice(Box::new(one))
        });
        Ok(told.collect())
    }
}

/// What the log says while it is read.
struct Tally {
    deeds: Deeds,
    failures: u64,
    window: (Timestamp, Timestamp),
    engineers: BTreeSet<String>,
}

impl Tally {
    /// Counts one entry.
    fn leaf(&mut self, leaf: &[u8]) -> Result<(), Problem> {
        let entry = Logged::read(leaf)?;
        if entry.at < self.window.0 || entry.at >= self.window.1 {
            return Ok(());
        }
        if entry.kind.ends_with("_failed") {
            self.failures += 1;
        }
        // A refusal is no act, and the test itself is none either.
        let passive = entry.kind.starts_with("access.") || entry.kind.starts_with("turnover.");
        let Some(person) = entry.actor.strip_prefix("person:").filter(|_| !passive) else {
            return Ok(());
        };
        let forbidden = self.engineers.contains(person);
        let deed = Deed {
            at: entry.at,
            person: person.to_owned(),
            run: entry.run,
            kind: entry.kind,
        };
        self.deeds.add(deed, forbidden);
        Ok(())
    }
}

fn change(change: CharterChange) -> Change {
    Change::Charter(Box::new(change))
}

fn step(test: &mut Turnover, event: TurnoverEvent) -> Result<(), Problem> {
    test.state = test
        .state
        .next(event)
        .map_err(|e| Problem::new("illegal_state", e.to_string()))?;
    test.version += 1;
    Ok(())
}

fn entry(test: &Turnover, now: Timestamp, by: Actor, kind: &'static str) -> AuditEntry {
    let subject = Subject::Workflow(test.workflow.clone());
    AuditEntry::new(now, by, kind, subject)
        .fact("test", test.seq)
        .fact("state", test.state.word())
        .fact("without", test.without.clone())
}

fn open_already(open: &Turnover) -> Problem {
    let words = format!("a test without {} is {}", open.without, open.state);
    Problem::new("illegal_state", words).way_out("sign it or call it off first")
}

/// A statement has room for 2000 bytes.
pub(super) fn short(mut words: String) -> String {
    let mut end = words.len().min(1_500);
    while !words.is_char_boundary(end) {
        end -= 1;
    }
    words.truncate(end);
    words
}
