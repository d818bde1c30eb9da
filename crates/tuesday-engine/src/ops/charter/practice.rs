//! Practice: ten cases of the live release's pack, answered in one go and graded by the pack. Who
//! passed may decide tasks; the result is kept and can be repeated with other cases.

use serde::Serialize;
use tuesday_domain::actor::Actor;
use tuesday_domain::charter::practice::{Exercise, exercises, passed};
use tuesday_domain::charter::{Facts, Statement, curriculum};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, CharterChange, CharterFact, Subject};

use crate::engine::{Engine, read_problem};

/// What somebody is to answer.
#[derive(Clone, Debug, Serialize)]
pub struct Practice {
    /// Workflow name.
    pub workflow: String,
    /// Its title.
    pub title: String,
    /// Number of this try, from 1.
    pub attempt: u32,
    /// The training of the tiers in force was passed.
    pub current: bool,
    /// It was passed for tiers that have changed since.
    pub old: bool,
    /// The newest result, in words.
    pub last: Option<String>,
    /// What is looked for, by tier.
    pub guidance: Vec<(String, String)>,
    /// The cases.
    pub cases: Vec<Exercise>,
}

/// How one case was answered.
#[derive(Clone, Debug, Serialize)]
pub struct Graded {
    /// The case.
    pub case: Exercise,
    /// What was answered.
    pub approved: bool,
    /// What is right.
    pub approve: bool,
    /// Why.
    pub why: String,
}

/// A practice that was graded.
#[derive(Clone, Debug, Serialize)]
pub struct PracticeResult {
    /// Number of the try.
    pub attempt: u32,
    /// Nine of ten, or better.
    pub passed: bool,
    /// Right answers.
    pub right: usize,
    /// Every case.
    pub cases: Vec<Graded>,
}

impl Engine {
    /// The cases of the next try of `person`.
    ///
    /// # Errors
    /// `not_found` for who may not decide here, `practice_unavailable` when the pack has too few cases
    /// with an answer, `unknown_workflow`.
    pub async fn practice(&self, name: &str, person: &str) -> Result<Practice, Problem> {
        let row = self.not_retired(name).await?;
        let grants = self.0.reader.grants_on(name).await.map_err(read_problem)?;
        let now = self.now();
        let own = grants.into_iter();
        let own = own.filter(|g| g.person == person && g.holds(now)).collect();
        let rights = tuesday_domain::access::Rights::new(own);
        if !rights.may(tuesday_domain::access::Act::DecideReview, name) {
            let words = format!("{person} may not decide tasks of {name}");
            return Err(Problem::new("not_allowed", words)
                .way_out("ask for a role that decides; practice comes after it"));
        }
        let live = self.loaded(row.live_release).await?;
        let facts = self.0.reader.charter_facts(name).await;
        let facts = Facts::new(facts.map_err(read_problem)?);
        let wanted = curriculum(&live.ready.def.review);
        let last = facts.about(Statement::Practice, person);
        let attempt = 1 + last.map_or(0, |f| tries(&f.value));
        let seed = seed(name, person, &wanted, attempt);
        let cases = exercises(&live.package.cases(), &seed).ok_or_else(|| {
            let words = format!("the pack of {name} has too few cases with an answer to practise on");
            Problem::new("practice_unavailable", words).way_out(
                "add cases with an expected output to evals/, or let somebody else record the training",
            )
        })?;
        let trained = facts.about(Statement::Training, person).map(|f| &f.value);
        let tiers = live.ready.def.review.tier.iter();
        Ok(Practice {
            workflow: name.to_owned(),
            title: live.ready.def.workflow.title.clone(),
            attempt,
            current: trained == Some(&wanted),
            old: trained.is_some_and(|v| *v != wanted),
            last: last.map(|f| f.value.clone()),
            guidance: tiers
                .map(|t| (t.name.clone(), t.guidance.clone()))
                .collect(),
            cases,
        })
    }

    /// Grades the answers of a try: for each case by its number, whether it should be approved.
    ///
    /// # Errors
    /// `revision_moved` when the try was answered already, `bad_request` naming a case without an
    /// answer, and those of [`Engine::practice`].
    pub async fn answer_practice(
        &self,
        name: &str,
        attempt: u32,
        answers: &[(u32, bool)],
        person: &str,
    ) -> Result<PracticeResult, Problem> {
        let practice = self.practice(name, person).await?;
        if practice.attempt != attempt {
            let words = format!(
                "try {attempt} was answered; the next one is {}",
                practice.attempt
            );
            return Err(Problem::new("revision_moved", words).way_out("answer the cases shown now"));
        }
        let mut cases = Vec::with_capacity(practice.cases.len());
        for case in practice.cases {
            let given = answers.iter().find(|(n, _)| *n == case.number);
            let (_, approved) = given.ok_or_else(|| {
                Problem::new("bad_request", format!("case {} has no answer", case.number))
                    .field(format!("case.{}", case.number))
                    .way_out("answer every case")
            })?;
            cases.push(Graded {
                approved: *approved,
                approve: case.approve,
                why: case.why.clone(),
                case,
            });
        }
        let right = cases.iter().filter(|c| c.approved == c.approve).count();
        let result = PracticeResult {
            attempt,
            passed: passed(right, cases.len()),
            right,
            cases,
        };
        self.keep_practice(name, person, &result).await?;
        Ok(result)
    }

    async fn keep_practice(
        &self,
        name: &str,
        person: &str,
        result: &PracticeResult,
    ) -> Result<(), Problem> {
        let row = self.standing(name).await?;
        let live = self.loaded(row.live_release).await?;
        let of = result.cases.len();
        let word = if result.passed {
            "passed"
        } else {
            "not passed"
        };
        let value = format!("try {}: {} of {of}, {word}", result.attempt, result.right);
        let tried = self
            .next_fact(name, Statement::Practice, person, value.clone(), person)
            .await?;
        let entry = AuditEntry::new(
            tried.at,
            Actor::Person(person.to_owned()),
            "training.practised",
            Subject::Workflow(name.to_owned()),
        )
        .fact("result", value);
        let insert = |fact: CharterFact| Change::Charter(Box::new(CharterChange::InsertFact(fact)));
        let mut changes = Vec::new();
        if result.passed {
            // In the person's own name: nobody else's word is needed for what was graded.
            changes.push(insert(CharterFact {
                seq: tried.seq + 1,
                statement: Statement::Training,
                value: curriculum(&live.ready.def.review),
                ..tried.clone()
            }));
        }
        changes.insert(0, insert(tried));
        self.commit(changes, entry).await
    }
}

/// What the cases of a try are drawn with.
pub(super) fn seed(name: &str, person: &str, wanted: &str, attempt: u32) -> String {
    format!("{name} {person} {wanted} {attempt}")
}

/// The number of a try in the words of its result.
pub(super) fn tries(value: &str) -> u32 {
    let number = value.strip_prefix("try ").and_then(|v| v.split(':').next());
    number.and_then(|n| n.parse().ok()).unwrap_or(0)
}
