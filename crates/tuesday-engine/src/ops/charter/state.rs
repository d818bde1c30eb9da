//! A person states a field of the charter, in the one form it has; a blank takes it back.

use tuesday_domain::actor::Actor;
use tuesday_domain::charter::map::Map;
use tuesday_domain::charter::{Fault, Statement, Topic};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, CharterChange, CharterFact, Decision, Subject};
use tuesday_domain::workflow::Label;

use crate::engine::{Engine, apply_problem, read_problem};
use crate::maintenance::notice;

impl Engine {
    /// Keeps a statement about a workflow under a person's name.
    ///
    /// # Errors
    /// `unknown_field` for what is no statement, `bound_field` for what a live object says,
    /// `charter_refused` for a text that is not of its form, and for an end of a pilot that nobody decided,
    /// `workflow_retired`, `unknown_workflow`.
    pub async fn state_charter(
        &self,
        name: &str,
        field: &str,
        text: &str,
        by: &str,
    ) -> Result<CharterFact, Problem> {
        let statement = statement(field)?;
        let row = self.not_retired(name).await?;
        let live = self.loaded(row.live_release).await?;
        let now = self.now();
        let refused = |f: Fault| {
            Problem::new("charter_refused", format!("{statement}: {}", f.words))
                .field(statement.word())
                .way_out(f.way_out)
        };
        let value = statement
            .read(text, now, &live.ready.zone)
            .map_err(refused)?;
        if statement == Statement::PilotEnd && row.label == Label::Pilot {
            let gathered = Box::pin(self.gather(name)).await?;
            gathered.may_end(&value).map_err(refused)?;
        }
        let mut told = Vec::new();
        if statement == Statement::BeforeAfterMap
            && let Some(map) = Map::read(&value).filter(|m| m.has_more_steps())
        {
            let owner = live.ready.def.owners.operator.handle.clone();
            let title = format!("{name}: the new way has more steps ({})", map.words());
            let path = format!("/workflows/{name}/charter");
            let told_of = notice(owner, name.to_owned(), "more_steps", title, path, now);
            told.push(Change::InsertNotice(Box::new(told_of)));
        }
        self.put_fact_telling((name, statement, ""), value, by, told)
            .await
    }

    /// A statement as it comes behind the newest one; not kept yet.
    pub(in crate::ops) async fn next_fact(
        &self,
        name: &str,
        statement: Statement,
        about: &str,
        value: String,
        by: &str,
    ) -> Result<CharterFact, Problem> {
        let newest = self.0.reader.charter_history(name, 0, 1).await;
        let newest = newest.map_err(read_problem)?;
        Ok(CharterFact {
            workflow: name.to_owned(),
            seq: newest.first().map_or(0, |f| f.seq) + 1,
            statement,
            about: about.to_owned(),
            value,
            by: by.to_owned(),
            at: self.now(),
        })
    }

    /// Adds a statement behind the newest one.
    pub(in crate::ops) async fn put_fact(
        &self,
        name: &str,
        statement: Statement,
        about: &str,
        value: String,
        by: &str,
    ) -> Result<CharterFact, Problem> {
        self.put_fact_telling((name, statement, about), value, by, Vec::new())
            .await
    }

    /// As [`Engine::put_fact`], and `told` with it.
    async fn put_fact_telling(
        &self,
        (name, statement, about): (&str, Statement, &str),
        value: String,
        by: &str,
        told: Vec<Change>,
    ) -> Result<CharterFact, Problem> {
        let fact = self.next_fact(name, statement, about, value, by).await?;
        let by = Actor::Person(by.to_owned());
        let mut entry = AuditEntry::new(
            fact.at,
            by,
            "charter.stated",
            Subject::Workflow(name.to_owned()),
        )
        .fact("statement", statement.word())
        .fact("value", fact.value.clone());
        if !about.is_empty() {
            entry = entry.fact("about", about);
        }
        let insert = CharterChange::InsertFact(fact.clone());
        let mut changes = vec![Change::Charter(Box::new(insert))];
        changes.extend(told);
        self.apply(Decision { changes, entry })
            .await
            .map_err(apply_problem)?;
        Ok(fact)
    }
}

/// Stated about the workflow itself, by its field.
const fn stated_here(s: Statement) -> bool {
    !s.by_engine() && !s.of_the_pilot()
}

/// The statement of a field's name. A field that is a live object is changed where it lives.
fn statement(field: &str) -> Result<Statement, Problem> {
    let found = field.parse::<Statement>().ok().filter(|s| stated_here(*s));
    if let Some(statement) = found {
        return Ok(statement);
    }
    if let Ok(topic) = field.parse::<Topic>() {
        let words = format!("{topic} is not a text: it is what the live object says");
        return Err(Problem::new("bound_field", words)
            .field("field")
            .way_out(topic.way_out()));
    }
    let all: Vec<&str> = Statement::ALL
        .iter()
        .filter(|s| stated_here(**s))
        .map(|s| s.word())
        .collect();
    Err(
        Problem::new("unknown_field", format!("there is no field `{field}`"))
            .field("field")
            .way_out(format!("one of {}", all.join(", "))),
    )
}
