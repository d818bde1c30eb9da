//! The record behind a Friday test: which run is picked, what is asked about it, and what is right.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tuesday_domain::action::ActionState;
use tuesday_domain::actor::Actor;
use tuesday_domain::charter::friday::{AskedFriday, FridayKey, FridayOption, FridayQuestion, NONE};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Action, FridayTest, PayloadKind, Review};
use tuesday_domain::review::ReviewKind;
use tuesday_domain::run::Outcome;
use tuesday_domain::snapshot::Snapshot;
use tuesday_store::{RunFilter, Work};

use crate::catalog::LiveRelease;
use crate::engine::{Engine, read_problem};
use crate::ids;
use crate::ops::cleared::Reader;
use crate::ops::task::damaged;

/// The newest ended runs that one is picked from.
const AMONG: usize = 200;
/// Runs that are opened until one can be told whole.
const TRIES: usize = 20;

/// What can be done about what was written.
const CONTAIN: [(&str, &str); 3] = [
    (
        "undo",
        "Undo it on the page of the run: the old values go back",
    ),
    (
        "by_hand",
        "It cannot be put back by itself: an incident, and a correction by hand",
    ),
    (
        "nothing",
        "Nothing of it stands outside: there is nothing to undo",
    ),
];

impl Engine {
    /// A finished run at random, whole and not decided by who is to tell it.
    pub(super) async fn pick_friday(&self, name: &str, by: &str) -> Result<Work, Problem> {
        let filter = RunFilter {
            workflow: Some(name.to_owned()),
            ..RunFilter::default()
        };
        let newest = self.0.reader.run_page(&filter, None, AMONG).await;
        // One that was taken back is nobody's complaint.
        let ended = |o: Option<Outcome>| o.is_some_and(|o| o != Outcome::Cancelled);
        let newest = newest.map_err(read_problem)?.into_iter();
        let mut all: Vec<_> = newest
            .filter(|r| ended(r.state.outcome))
            .map(|r| r.id)
            .collect();
        for _ in 0..TRIES.min(all.len()) {
            let drawn = usize::try_from(ids::draw()).unwrap_or(0) % all.len();
            let found = self.0.reader.work(all.swap_remove(drawn)).await;
            let Some(found) = found.map_err(read_problem)? else {
                continue;
            };
            let reviews = self.0.reader.reviews_of(found.run.id).await;
            let reviews = reviews.map_err(read_problem)?;
            let own = reviews.iter().any(|r| r.decided_by.as_deref() == Some(by));
            if !own && damaged(&found.payloads).is_none() {
                return Ok(found);
            }
        }
        let words = "no finished run can be told whole that somebody else decided";
        Err(Problem::new("not_found", words)
            .way_out("let runs end first; last-ten says what is lacking"))
    }

    async fn friday_run(&self, test: &FridayTest) -> Result<(Work, Arc<LiveRelease>), Problem> {
        let found = self.0.reader.work(test.run).await.map_err(read_problem)?;
        let found =
            found.ok_or_else(|| Problem::new("not_found", format!("{} is gone", test.run)))?;
        let release = self.loaded(found.run.release).await?;
        Ok((found, release))
    }

    /// What the record says now.
    pub(super) async fn friday_key(&self, test: &FridayTest) -> Result<FridayKey, Problem> {
        let (found, release) = self.friday_run(test).await?;
        if let Some(why) = damaged(&found.payloads) {
            return Err(Problem::new("record_damaged", why));
        }
        let reviews = self
            .0
            .reader
            .reviews_of(test.run)
            .await
            .map_err(read_problem)?;
        let owner = self.known_workflow(&test.workflow).await?.owner.clone();
        let one = |word: String| BTreeSet::from([word]);
        let written = written(&found);
        let records = self.friday_targets(test, &written, &release).await?;
        let decided = decided_by(&found, &reviews);
        let outcome = found.run.state.outcome.map_or(NONE, Outcome::word);
        let mut names: BTreeSet<String> = written.iter().map(|a| a.name.clone()).collect();
        if names.is_empty() {
            names.insert(NONE.to_owned());
        }
        Ok(BTreeMap::from([
            (FridayQuestion::Happened, one(outcome.to_owned())),
            (FridayQuestion::Inputs, inputs(&found)),
            (FridayQuestion::Decided, one(decided)),
            (FridayQuestion::Written, names),
            (FridayQuestion::Record, records),
            (FridayQuestion::Owner, one(owner)),
            (
                FridayQuestion::Contain,
                one(self.contains(&found, &written, &release).to_owned()),
            ),
        ]))
    }

    /// Names of the records that were written. What is masked for who takes it is right as they see it.
    async fn friday_targets(
        &self,
        test: &FridayTest,
        written: &[Action],
        release: &LiveRelease,
    ) -> Result<BTreeSet<String>, Problem> {
        let who = Actor::Person(test.person.clone());
        let rights = self.rights(&test.person).await?;
        let reader = Reader {
            who: &who,
            rights: &rights,
        };
        let veil = reader.veil(&test.workflow, Some(Arc::clone(&release.ready)));
        let mut out = BTreeSet::new();
        for a in written {
            out.insert(veil.text(&a.target, veil.effect_class(&a.name, "")));
            out.insert(a.target.clone());
            out.extend(a.external_id.clone());
        }
        Ok(out)
    }

    /// What can be done about what stands outside.
    fn contains(&self, found: &Work, written: &[Action], release: &LiveRelease) -> &'static str {
        let mut stands = written
            .iter()
            .filter(|a| a.state != ActionState::Compensated)
            .peekable();
        if stands.peek().is_none() {
            return "nothing";
        }
        if stands.any(|a| self.undoable(found, a, release).is_ok()) {
            "undo"
        } else {
            "by_hand"
        }
    }

    /// The questions with what may be chosen; nothing in them says what is right.
    pub(super) async fn friday_questions(
        &self,
        test: &FridayTest,
    ) -> Result<Vec<AskedFriday>, Problem> {
        let (work, release) = self.friday_run(test).await?;
        let def = &release.ready.def;
        let people = self.friday_people(test).await?;
        let version = self.standing(&test.workflow).await?.rules_version;
        let reader = &self.0.reader;
        let rules = self.0.catalog.rules(reader, &test.workflow, version).await;
        let rules = rules.map_err(|e| Problem::new("record_damaged", e.to_string()))?;
        let outcomes = Outcome::ALL
            .iter()
            .map(|o| option(o.word(), &o.word().replace('_', " ")));
        let mut inputs = vec![option("input", "The event itself")];
        inputs.extend(
            def.source
                .iter()
                .map(|s| option(&s.name, &format!("{} ({})", s.name, s.system))),
        );
        let rows = rules.rows().iter().map(|r| r.id.clone());
        let rows: BTreeSet<String> = rows.chain(work.run.rules_row).collect();
        let mut decided: Vec<_> = people
            .iter()
            .map(|(h, name)| option(&format!("person:{h}"), name))
            .collect();
        decided.extend(
            rows.iter()
                .map(|r| option(&format!("rule:{r}"), &format!("rule {r} of the table"))),
        );
        decided.push(option(NONE, "Nobody: it ended before a decision"));
        let mut written: Vec<_> = def
            .action
            .iter()
            .map(|a| option(&a.name, &format!("{} at {}", a.name, a.system)))
            .collect();
        written.push(option(NONE, "Nothing"));
        let owners = people.iter().map(|(h, name)| option(h, name)).collect();
        let contain = CONTAIN.map(|(value, words)| option(value, words)).to_vec();
        Ok([
            (FridayQuestion::Happened, outcomes.collect()),
            (FridayQuestion::Inputs, inputs),
            (FridayQuestion::Decided, decided),
            (FridayQuestion::Written, written),
            (FridayQuestion::Record, Vec::new()),
            (FridayQuestion::Owner, owners),
            (FridayQuestion::Contain, contain),
        ]
        .map(|(question, options)| AskedFriday {
            question,
            text: question.text(),
            several: question.several(),
            options,
        })
        .to_vec())
    }

    /// Handle and name of everybody who holds a role here, owns it, or decided about the run.
    async fn friday_people(&self, test: &FridayTest) -> Result<Vec<(String, String)>, Problem> {
        let reader = &self.0.reader;
        let (people, grants, reviews) = tokio::try_join!(
            reader.people(),
            reader.grants_on(&test.workflow),
            reader.reviews_of(test.run)
        )
        .map_err(read_problem)?;
        let mut known: BTreeSet<String> = grants.into_iter().map(|g| g.person).collect();
        known.extend(reviews.into_iter().filter_map(|r| r.decided_by));
        known.insert(self.known_workflow(&test.workflow).await?.owner.clone());
        let name = |handle: &String| {
            let found = people.iter().find(|p| p.handle == *handle);
            found.map_or_else(|| handle.clone(), |p| p.name.clone())
        };
        Ok(known.iter().map(|h| (h.clone(), name(h))).collect())
    }

    /// Who else did something to the run since the test began.
    pub(super) async fn meanwhile(&self, test: &FridayTest) -> Result<Vec<String>, Problem> {
        let entries = self
            .0
            .reader
            .audit_of(test.run)
            .await
            .map_err(read_problem)?;
        let mut out = BTreeSet::new();
        for (_, leaf) in entries {
            let leaf: serde_json::Value = serde_json::from_slice(&leaf)
                .map_err(|e| Problem::new("record_damaged", format!("an entry of the log: {e}")))?;
            let at = leaf
                .get("at")
                .and_then(serde_json::Value::as_i64)
                .unwrap_or_default();
            let actor = leaf
                .get("actor")
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default();
            if let Some(person) = actor.strip_prefix("person:")
                && at >= test.from.micros()
                && person != test.person
            {
                out.insert(person.to_owned());
            }
        }
        Ok(out.into_iter().collect())
    }
}

/// What reached a destination; what undid it is not asked about.
fn written(found: &Work) -> Vec<Action> {
    let there = |s: ActionState| {
        matches!(
            s,
            ActionState::Confirmed | ActionState::Delivered | ActionState::Compensated
        )
    };
    let all = found.actions.iter();
    all.filter(|a| a.undoes().is_none() && there(a.state))
        .cloned()
        .collect()
}

/// Who decided about the output, else about the work, else the row of the table.
fn decided_by(found: &Work, reviews: &[Review]) -> String {
    let decided = reviews
        .iter()
        .filter(|r| r.decided_by.is_some() && r.kind != ReviewKind::SecondLook)
        .max_by_key(|r| (r.kind == ReviewKind::Output, r.decided_at));
    let row = found.run.rules_row.as_ref();
    match decided.and_then(|r| r.decided_by.as_ref()) {
        Some(person) => format!("person:{person}"),
        None => row.map_or_else(|| NONE.to_owned(), |r| format!("rule:{r}")),
    }
}

/// Names of what the frozen snapshot holds; the event alone where nothing was frozen.
fn inputs(found: &Work) -> BTreeSet<String> {
    let snapshot = found.run.snapshot_ref.and_then(|n| found.payload(n));
    let snapshot = snapshot.filter(|p| p.kind == PayloadKind::Snapshot);
    let snapshot = snapshot.and_then(|p| serde_json::from_slice::<Snapshot>(&p.bytes).ok());
    snapshot.map_or_else(
        || BTreeSet::from(["input".to_owned()]),
        |s| s.items.into_iter().map(|i| i.name).collect(),
    )
}

fn option(value: &str, words: &str) -> FridayOption {
    FridayOption {
        value: value.to_owned(),
        words: words.to_owned(),
    }
}
