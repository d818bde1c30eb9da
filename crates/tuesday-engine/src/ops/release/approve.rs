//! A second person approves a release that passed the gate.

use tuesday_domain::access::Act;
use tuesday_domain::actor::Actor;
use tuesday_domain::id::ReleaseId;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, Decision, GateRow, Release, ReleaseState};
use tuesday_domain::release::ReleaseEvent;
use tuesday_domain::time::Timestamp;

use super::{GateRecord, entry, moved, reason_given};
use crate::engine::{Engine, read_problem};

/// What was judged longer ago says nothing about the model and the world of today.
const FRESH: std::time::Duration = std::time::Duration::from_secs(30 * 86_400);

impl Engine {
    /// `by` approves a release of somebody else.
    ///
    /// # Errors
    /// `gate_not_passed` unless the gate passed on exactly this text, `same_person_twice` for its
    /// author, `not_allowed`, `clearance_needed`, `reason_required`.
    pub async fn approve_release(
        &self,
        id: ReleaseId,
        by: &str,
        reason: &str,
    ) -> Result<Release, Problem> {
        let reason = reason_given(reason)?;
        let actor = Actor::Person(by.to_owned());
        let mut row = self.release_row(id).await?;
        if row.created_by == actor.to_string() {
            return Err(Problem::new(
                "same_person_twice",
                "nobody approves a release of their own: a second person is needed",
            ));
        }
        self.may_release(Act::ApproveRelease, &row.workflow, &actor)
            .await?;
        let mut gate = self.gate_passed(&row, ReleaseState::Passed).await?;
        let wider = self.widens(&row).await?;
        if !wider.is_empty() && gate.cleared_by.is_none() {
            return Err(Problem::new(
                "clearance_needed",
                format!(
                    "release {} reaches further than the live one, or gives up what guarded it: {}",
                    row.number,
                    wider.join("; ")
                ),
            )
            .with("widens", wider)
            .way_out("a security approver clears it: tuesday release clear ID --reason TEXT"));
        }
        let (change, to, words) = moved(&row, ReleaseEvent::Approve)?;
        row.state = to;
        let now = self.now();
        gate.decided_at = Some(now);
        gate.decided_by = Some(by.to_owned());
        gate.reason = Some(reason.clone());
        let mut entry = entry("release.approved", &row, &actor, now)
            .fact("reason", reason)
            .fact("made_by", row.created_by.clone());
        entry.moves.push(words);
        let changes = vec![change, Change::PutGate(Box::new(gate))];
        self.commit_release(Decision { changes, entry }).await?;
        Ok(row)
    }

    /// The gate of a release that passed on exactly this text and the table in force.
    pub(super) async fn gate_passed(
        &self,
        row: &Release,
        state: ReleaseState,
    ) -> Result<GateRow, Problem> {
        if row.state != state {
            return Err(not_passed(
                row,
                &format!("it is {}, not {state}", row.state),
            ));
        }
        match self.gate_standing(row).await? {
            Judged::Holds(gate, _) => Ok(*gate),
            Judged::Again(why) | Judged::No(why) => Err(not_passed(row, &why)),
        }
    }

    /// Whether what the gate said about a release still holds.
    pub(super) async fn gate_standing(&self, row: &Release) -> Result<Judged, Problem> {
        let gate = self.0.reader.gate(row.id).await.map_err(read_problem)?;
        let record = match GateRecord::of(gate.as_ref()) {
            Ok(record) => record,
            Err(why) => return Ok(Judged::No(why)),
        };
        let at = gate.as_ref().and_then(|g| g.finished_at);
        Ok(match self.holds(row, &record, at).await? {
            Some(Stale::Never(why)) => Judged::No(why),
            Some(Stale::Again(why)) => Judged::Again(why),
            None => match gate {
                Some(gate) => Judged::Holds(Box::new(gate), Box::new(record)),
                None => Judged::No("it was never evaluated".to_owned()),
            },
        })
    }

    /// Why a record says nothing about this release now; nothing when it does.
    pub(super) async fn holds(
        &self,
        row: &Release,
        record: &GateRecord,
        at: Option<Timestamp>,
    ) -> Result<Option<Stale>, Problem> {
        // The text itself, too: what was judged must be what would run.
        let loaded = self.loaded(row.id).await?;
        let rules = self.live_rules(&row.workflow).await?;
        if !record.verdict.passed || !record.verdict.reasons.is_empty() {
            return Ok(Some(Stale::Never("the gate stopped it".to_owned())));
        }
        if record.evidence.release_hash != crate::catalog::hex(&loaded.hash) {
            return Ok(Some(Stale::Never(
                "it was judged with another text".to_owned(),
            )));
        }
        if record.evidence.rules_hash != crate::catalog::hex(&rules.hash) {
            let why = "it was judged with another decision table than the one in force";
            return Ok(Some(Stale::Again(why.to_owned())));
        }
        if at.is_none_or(|at| self.now().since(at) > FRESH) {
            let days = FRESH.as_secs() / 86_400;
            let why = format!("it was judged more than {days} days ago");
            return Ok(Some(Stale::Again(why)));
        }
        // People leave and prices run out while a release waits.
        let missing = self.ungoverned(&loaded).await?;
        if !missing.is_empty() {
            let words = missing
                .iter()
                .map(|s| format!("{}: {}", s.reason, s.detail));
            return Ok(Some(Stale::Never(words.collect::<Vec<_>>().join("; "))));
        }
        Ok(None)
    }
}

/// What a stored judgement is worth now.
pub(super) enum Judged {
    /// It passed on this text and the table in force, not long ago.
    Holds(Box<GateRow>, Box<GateRecord>),
    /// It passed, and what it was judged beside is not there any more: it can be made again.
    Again(String),
    /// There is none that lets the release through.
    No(String),
}

/// Why a judgement does not hold.
pub(super) enum Stale {
    /// Making it again may help.
    Again(String),
    /// This one never does.
    Never(String),
}

/// The refusal of a release without a judgement that holds.
pub(super) fn not_passed(row: &Release, why: &str) -> Problem {
    Problem::new(
        "gate_not_passed",
        format!("release {} may not go on: {why}", row.number),
    )
    .with("state", row.state.word())
    .way_out(format!("tuesday release eval {}", row.id))
}

/// Why a release that was judged beside another one may not take the place of `live`.
pub(super) fn beside_another(record: &GateRecord, live: &Release) -> Option<String> {
    let hash = crate::catalog::hex(&live.hash);
    match &record.evidence.compared {
        Some(c) if c.baseline_hash == hash => None,
        Some(c) => Some(format!(
            "it was compared with {}, and release {} is live now",
            c.baseline, live.number
        )),
        None => Some(format!(
            "it was never compared with release {}",
            live.number
        )),
    }
}
