//! The one way into an incident for everything that finds trouble: a change that is added to the
//! decision which found it. A pass of the machine takes it to its incident about a second later.

use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, Decision, Finding, Subject, TroubleChange};
use tuesday_domain::trouble::Trouble;

use crate::engine::{Engine, apply_problem, read_problem};
use crate::ids;

/// Most bytes of words that are kept.
const MOST: usize = 500;

impl Engine {
    /// The finding as a change: add it to the decision that found it, and both are stored or neither.
    /// It opens an incident or joins the one of its cause. It waits for no common row, so that five
    /// hundred failures of one cause at once do not stand in each other's way.
    #[must_use]
    pub fn report_trouble(&self, trouble: Trouble) -> Change {
        let mut words = trouble.words.clone();
        if let Some((cut, _)) = words.char_indices().nth(MOST) {
            words.truncate(cut);
        }
        Change::Trouble(Box::new(TroubleChange::InsertFinding(Finding {
            id: ids::finding(),
            incident: None,
            key: trouble.key(),
            category: trouble.category,
            workflow: trouble.workflow,
            run: trouble.run,
            words,
            hard: trouble.hard,
            at: self.now(),
        })))
    }

    /// Reports trouble by itself, where no other decision finds it.
    ///
    /// # Errors
    /// When it cannot be stored.
    pub async fn raise(&self, trouble: Trouble, actor: Actor) -> Result<(), Problem> {
        let subject = trouble
            .workflow
            .clone()
            .map_or(Subject::Instance, Subject::Workflow);
        let entry = AuditEntry::new(self.now(), actor, "trouble.found", subject)
            .fact("category", trouble.category.word())
            .fact("cause", trouble.key());
        let changes = vec![self.report_trouble(trouble)];
        self.apply(Decision { changes, entry })
            .await
            .map(drop)
            .map_err(apply_problem)
    }

    /// As [`Engine::raise`], unless an incident of this cause is open already and knows the run: for
    /// what is found again at every look.
    ///
    /// # Errors
    /// When it cannot be looked up or stored.
    pub(crate) async fn raise_new(&self, trouble: Trouble, actor: Actor) -> Result<(), Problem> {
        let reader = &self.0.reader;
        let known = reader.incident_of_cause(&trouble.key()).await;
        let known = known.map_err(read_problem)?.filter(|i| i.state.is_open());
        let again = match (known, trouble.run) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(known), Some(run)) => {
                let of_run = reader.incidents_of_run(run).await.map_err(read_problem)?;
                of_run.iter().any(|i| i.id == known.id)
            }
        };
        if again {
            return Ok(());
        }
        self.raise(trouble, actor).await
    }
}
