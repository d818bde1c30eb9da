//! The Friday test: picks a finished run at random, gives somebody twenty minutes with its record, and
//! grades what they say. Whoever takes it reads the console as on any day; only the answers count.

use std::collections::BTreeSet;

use serde::Serialize;
use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::charter::Statement;
use tuesday_domain::charter::friday::{
    AskedFriday, FridayAnswers, FridayFacts, FridayReport, FridayState, LIMIT, grade,
};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, CharterChange, FridayTest, Subject};
use tuesday_domain::time::Timestamp;

use super::turnover::short;
use crate::engine::{Engine, apply_problem, read_problem};
use crate::maintenance::notice;

const SHOWN: usize = 20;
const KEEPER: Actor = Actor::System("friday");

/// The Friday tests of a workflow.
#[derive(Clone, Debug, Serialize)]
pub struct FridayView {
    /// Workflow name.
    pub workflow: String,
    /// Its title.
    pub title: String,
    /// The test that runs, with its questions for who takes it.
    pub open: Option<FridayOpen>,
    /// Those that ended, newest first.
    pub tests: Vec<FridayCard>,
}

/// A test that runs.
#[derive(Clone, Debug, Serialize)]
pub struct FridayOpen {
    /// Its number.
    pub seq: u32,
    /// Who takes it.
    pub person: String,
    /// The run to tell; only who takes it is told.
    pub run: Option<String>,
    /// When it began, RFC 3339.
    pub from: String,
    /// When its time is over, RFC 3339.
    pub until: String,
    /// Seconds that are left.
    pub seconds_left: u64,
    /// Why it will not count, where that is known.
    pub not_counted: Option<String>,
    /// The questions; only who takes it is asked.
    pub questions: Vec<AskedFriday>,
}

/// A test that ended.
#[derive(Clone, Debug, Serialize)]
pub struct FridayCard {
    /// Its number.
    pub seq: u32,
    /// How it ended.
    pub state: FridayState,
    /// Who took it.
    pub person: String,
    /// The run that was told.
    pub run: String,
    /// When it began, RFC 3339.
    pub from: String,
    /// The graded answers.
    pub report: FridayReport,
}

impl Engine {
    /// Starts a test for `by` with a run that is picked at random.
    ///
    /// # Errors
    /// `illegal_state` while one runs, `not_found` when no finished run can be told whole,
    /// `not_allowed` for who may not read the work, `workflow_retired`, `unknown_workflow`.
    pub async fn start_friday(&self, name: &str, by: &str) -> Result<FridayTest, Problem> {
        self.not_retired(name).await?;
        self.allowed(Act::ReadWork, name, by).await?;
        self.end_fridays().await?;
        let newest = self.0.reader.fridays(name, 1).await.map_err(read_problem)?;
        if let Some(open) = newest.first().filter(|t| t.state == FridayState::Running) {
            let words = format!(
                "the test of {} runs until {}",
                open.person,
                open.until.rfc3339()
            );
            return Err(
                Problem::new("illegal_state", words).way_out("answer it, or wait for its end")
            );
        }
        let (found, now) = (self.pick_friday(name, by).await?, self.now());
        let test = FridayTest {
            workflow: name.to_owned(),
            seq: newest.first().map_or(0, |t| t.seq) + 1,
            state: FridayState::Running,
            ended_at: None,
            report: None,
            version: 1,
            run: found.run.id,
            person: by.to_owned(),
            from: now,
            until: now.plus(LIMIT),
            engineers: Vec::from_iter(self.engineers(name).await?).join(" "),
        };
        let entry = entry(&test, now, Actor::Person(by.to_owned()), "friday.started")
            .fact("until", test.until.rfc3339());
        let changes = vec![change(CharterChange::InsertFriday(test.clone()))];
        self.commit(changes, entry).await?;
        Ok(test)
    }

    /// Grades the answers of the test that runs. `helped_by` is who helped, by the person's own account.
    ///
    /// # Errors
    /// `not_found` when none runs, `own_word` for somebody else's test, `bad_request` naming a question
    /// that there is not, `unavailable`.
    pub async fn answer_friday(
        &self,
        name: &str,
        answers: FridayAnswers,
        helped_by: Option<String>,
        by: &str,
    ) -> Result<(FridayTest, FridayReport), Problem> {
        self.known_workflow(name).await?;
        let newest = self.0.reader.fridays(name, 1).await.map_err(read_problem)?;
        let test = newest.into_iter().find(|t| t.state == FridayState::Running);
        let test = test.ok_or_else(|| {
            Problem::new("not_found", format!("no Friday test of {name} runs"))
                .way_out(format!("tuesday readiness friday {name}"))
        })?;
        if test.person != by {
            let words = format!("{} takes this test", test.person);
            return Err(Problem::new("own_word", words).way_out("take one of your own after it"));
        }
        let now = self.now();
        // Who builds it now counts as well: a role that was given since is no way around.
        let builders = self.friday_builders(&test).await?;
        let facts = FridayFacts {
            engineer: builders.contains(by),
            helper_builds: helped_by.as_ref().is_some_and(|h| builders.contains(h)),
            helped_by,
            others: self.meanwhile(&test).await?,
            from: Some(test.from),
            at: Some(now),
        };
        let key = self.friday_key(&test).await?;
        let (state, report) = grade(&key, &answers, &facts);
        let by = Actor::Person(by.to_owned());
        let test = self.end_friday(test, state, &report, now, by).await?;
        Ok((test, report))
    }

    /// The tests of a workflow; what is asked only for who takes the one that runs.
    ///
    /// # Errors
    /// `unknown_workflow`, `unavailable`.
    pub async fn friday(&self, name: &str, person: &str) -> Result<FridayView, Problem> {
        let row = self.standing(name).await?;
        let now = self.now();
        let found = self.0.reader.fridays(name, SHOWN).await;
        let (mut open, mut tests) = (None, Vec::new());
        for test in found.map_err(read_problem)? {
            if test.state == FridayState::Running {
                open = Some(self.friday_open(&test, person, now).await?);
                continue;
            }
            let kept = test.report.as_deref().unwrap_or_default();
            let report = serde_json::from_str(kept).map_err(|e| {
                Problem::new("record_damaged", format!("Friday test {}: {e}", test.seq))
            })?;
            tests.push(FridayCard {
                seq: test.seq,
                state: test.state,
                person: test.person,
                run: test.run.to_string(),
                from: test.from.rfc3339(),
                report,
            });
        }
        Ok(FridayView {
            workflow: name.to_owned(),
            title: row.title,
            open,
            tests,
        })
    }

    /// Ends tests whose time is over without an answer: they are failed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn end_fridays(&self) -> Result<(), Problem> {
        let now = self.now();
        let over = self.0.reader.fridays_over(now).await;
        for test in over.map_err(read_problem)? {
            let facts = FridayFacts {
                engineer: self.friday_builders(&test).await?.contains(&test.person),
                from: Some(test.from),
                ..FridayFacts::default()
            };
            let key = self.friday_key(&test).await.unwrap_or_default();
            let (state, report) = grade(&key, &FridayAnswers::new(), &facts);
            match self.end_friday(test, state, &report, now, KEEPER).await {
                // It was answered at this moment, or another node ended it.
                Err(e) if e.code != "revision_moved" => return Err(e),
                _ => {}
            }
        }
        Ok(())
    }

    async fn friday_open(
        &self,
        test: &FridayTest,
        person: &str,
        now: Timestamp,
    ) -> Result<FridayOpen, Problem> {
        let own = test.person == person;
        let engineer = self.friday_builders(test).await?.contains(&test.person);
        let questions = if own {
            self.friday_questions(test).await?
        } else {
            Vec::new()
        };
        Ok(FridayOpen {
            seq: test.seq,
            person: test.person.clone(),
            run: own.then(|| test.run.to_string()),
            from: test.from.rfc3339(),
            until: test.until.rfc3339(),
            seconds_left: if now < test.until {
                test.until.since(now).as_secs()
            } else {
                0
            },
            not_counted: engineer.then(|| format!("{} builds this workflow", test.person)),
            questions,
        })
    }

    async fn end_friday(
        &self,
        mut test: FridayTest,
        state: FridayState,
        report: &FridayReport,
        now: Timestamp,
        by: Actor,
    ) -> Result<FridayTest, Problem> {
        test.state = state;
        test.version += 1;
        test.ended_at = Some(now);
        let text = serde_json::to_string(report);
        test.report = Some(text.map_err(|e| Problem::new("internal", e.to_string()))?);
        let words = format!("{state}: {}", report.words());
        let (kind, counts) = match state {
            FridayState::Passed => ("friday.passed", true),
            FridayState::NotCounted => ("friday.not_counted", false),
            FridayState::Running | FridayState::Failed => ("friday.failed", true),
        };
        let mut changes = vec![change(CharterChange::UpdateFriday(test.clone()))];
        if counts {
            let value = short(words.clone());
            let fact = self.next_fact(
                &test.workflow,
                Statement::FridayTest,
                "",
                value,
                &test.person,
            );
            changes.push(change(CharterChange::InsertFact(fact.await?)));
        }
        if state == FridayState::Failed {
            changes.push(self.tell_friday(&test, now).await?);
        }
        let entry = entry(&test, now, by, kind).fact("result", short(words));
        let done = self
            .apply(tuesday_domain::record::Decision { changes, entry })
            .await;
        done.map_err(apply_problem)?;
        Ok(test)
    }

    /// A failed drill is the owner's to hear of: what one person could not tell, nobody may be able to.
    async fn tell_friday(&self, test: &FridayTest, now: Timestamp) -> Result<Change, Problem> {
        let owner = self.known_workflow(&test.workflow).await?.owner.clone();
        let told = notice(
            owner,
            test.workflow.clone(),
            "friday",
            format!("{}: a run could not be told in 20 minutes", test.workflow),
            format!("/workflows/{}/friday", test.workflow),
            now,
        );
        Ok(Change::InsertNotice(Box::new(told)))
    }

    async fn friday_builders(&self, test: &FridayTest) -> Result<BTreeSet<String>, Problem> {
        let mut out = self.engineers(&test.workflow).await?;
        out.extend(test.engineers.split_whitespace().map(str::to_owned));
        Ok(out)
    }
}

fn change(change: CharterChange) -> Change {
    Change::Charter(Box::new(change))
}

fn entry(test: &FridayTest, now: Timestamp, by: Actor, kind: &'static str) -> AuditEntry {
    let subject = Subject::Workflow(test.workflow.clone());
    AuditEntry::new(now, by, kind, subject)
        .fact("test", test.seq)
        .fact("state", test.state.word())
        .fact("person", test.person.clone())
        .fact("about", test.run.to_string())
}
