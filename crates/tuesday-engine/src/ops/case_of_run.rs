//! Makes an eval case of a run: its frozen inputs with personal data taken out, and what a person
//! decided about it as the expectation.

use serde_json::{Map, Value};
use tuesday_domain::access::Rights;
use tuesday_domain::actor::Class;
use tuesday_domain::eval::{Case, Expect, Frozen, Kind, RouteWord, case_of, closed_fields};
use tuesday_domain::id::RunId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Payload, Run};
use tuesday_domain::run::ReviewStatus;
use tuesday_domain::snapshot::Snapshot;

use super::task::not_found;
use crate::engine::{Engine, read_problem};

impl Engine {
    /// A case of this run. Without `expect` it is what people approved.
    ///
    /// # Errors
    /// `not_found`; `erased`; `illegal_state` when nothing was frozen, or nobody has decided and nothing is
    /// expected.
    pub async fn case_of_run(
        &self,
        id: RunId,
        kind: Kind,
        expect: Option<Expect>,
    ) -> Result<Case, Problem> {
        let reader = &self.0.reader;
        let run = reader.run(id).await.map_err(read_problem)?;
        let run = run.ok_or_else(|| not_found(&id.to_string()))?;
        let release = self.loaded(run.release).await?;
        let payloads = reader.payloads(id).await.map_err(read_problem)?;
        self.not_erased(id, &payloads).await?;
        let gone = || {
            Problem::new(
                "illegal_state",
                "the run has frozen no inputs that can be read",
            )
            .way_out("make a case of a run that got as far as its inputs")
        };
        let json = |n: u32| parsed(&payloads, n);
        let snapshot = run.snapshot_ref.and_then(json).ok_or_else(gone)?;
        let snapshot: Snapshot = serde_json::from_value(snapshot).map_err(|_| gone())?;
        let input = json(run.body_ref).ok_or_else(gone)?;
        let mut records = Map::new();
        for item in snapshot.items.iter().skip(1) {
            records.insert(item.name.clone(), json(item.payload).ok_or_else(gone)?);
        }
        let expect = match expect {
            Some(expect) => expect,
            None => {
                let output = run.output_ref.and_then(json);
                let fields = output.map(|o| closed_fields(&release.ready, &o));
                decided(&run, fields)?
            }
        };
        let frozen = Frozen {
            ready: &release.ready,
            input: &input,
            snapshot: &snapshot,
            records: &records,
        };
        let name = format!("from-{}", run.event_id);
        let mut case = case_of(name, kind, &frozen, expect);
        case.about = Some(format!("Made of {id}"));
        Ok(case)
    }

    /// The regression case that a person takes from a page: what people approved is right; where they
    /// did not approve, a person must be asked. Restricted fields and what looks like personal data
    /// are out of it; the rest needs the clearance of its class.
    ///
    /// # Errors
    /// As [`Engine::case_of_run`]; `not_cleared`.
    pub async fn test_case(&self, id: RunId, rights: &Rights) -> Result<Case, Problem> {
        let run = self.0.reader.run(id).await.map_err(read_problem)?;
        let run = run.ok_or_else(|| not_found(&id.to_string()))?;
        let class = self.loaded(run.release).await?.ready.strictest();
        if class.min(Class::Confidential) > rights.clearance(&run.workflow) {
            return Err(Problem::new(
                "not_cleared",
                format!("a case of this run holds {} fields", class.word()),
            )
            .way_out("ask somebody with that clearance for the case"));
        }
        match self.case_of_run(id, Kind::Regression, None).await {
            Err(p) if p.field.as_deref() == Some("expect") => {
                let asked = Expect {
                    route: vec![RouteWord::Review],
                    ..Expect::default()
                };
                self.case_of_run(id, Kind::Regression, Some(asked)).await
            }
            other => other,
        }
    }
}

fn parsed(payloads: &[Payload], n: u32) -> Option<Value> {
    let payload = payloads.iter().find(|p| p.n == n)?;
    serde_json::from_slice(&payload.bytes).ok()
}

/// What people agreed to. Where nobody did, the record says nothing about what is right.
fn decided(run: &Run, output: Option<Map<String, Value>>) -> Result<Expect, Problem> {
    let agreed = matches!(
        run.state.review,
        ReviewStatus::Approved | ReviewStatus::ApprovedWithEdits
    );
    match output {
        Some(output) if agreed && !output.is_empty() => Ok(Expect {
            output,
            ..Expect::default()
        }),
        _ => Err(Problem::new(
            "illegal_state",
            "nobody has approved this run's output: the record does not say what is right",
        )
        .field("expect")
        .way_out("say it with --expect '{\"route\": \"review\"}'")),
    }
}
