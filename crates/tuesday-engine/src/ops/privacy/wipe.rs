//! Takes payloads of a run away, in one decision with the entry that says so: bytes and salts, and with
//! the strictest class every text beside them that may quote the case.

use tuesday_domain::actor::{Actor, Class};
use tuesday_domain::id::ErasureId;
use tuesday_domain::privacy::{ERASED, Finder, Hold, holding};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Change, PayloadKind, PrivacyChange, Review, Run, TextsOf};
use tuesday_domain::review::ReviewEvent;

use crate::draft::Draft;
use crate::engine::{Engine, apply_problem, read_problem};

/// A payload that is still there.
pub(super) type Head = (u32, PayloadKind, Class);

/// What goes, and on whose word.
pub(super) struct Wipe<'a> {
    pub(super) classes: &'a [Class],
    pub(super) policy: &'a str,
    pub(super) by: Actor,
    /// The order it is part of; absent for retention.
    pub(super) order: Option<(ErasureId, &'a str)>,
    /// How often holds had changed when they were read.
    pub(super) seen: u64,
}

/// The holds in force, with the number that says whether they are still the ones.
pub(super) struct Holds {
    pub(super) seen: u64,
    pub(super) all: Vec<Hold>,
}

impl Engine {
    pub(super) async fn holds_now(&self) -> Result<Holds, Problem> {
        let (seen, all) = self.0.reader.holds_in_force().await.map_err(read_problem)?;
        Ok(Holds { seen, all })
    }

    /// The hold that keeps a run, if one does. Its payloads are read only where a record is held.
    pub(super) async fn held<'a>(
        &self,
        run: &Run,
        holds: &'a Holds,
    ) -> Result<Option<&'a Hold>, Problem> {
        let fits = |h: &&Hold| h.scope.fits(&run.workflow, run.received_at);
        let mut fitting = holds.all.iter().filter(fits).peekable();
        if fitting.peek().is_none() {
            return Ok(None);
        }
        if fitting.all(|h| h.scope.record.is_none()) {
            return Ok(holding(&holds.all, &run.workflow, run.received_at, |_| {
                true
            }));
        }
        let reader = &self.0.reader;
        let (payloads, actions) =
            tokio::try_join!(reader.payloads(run.id), reader.actions_of(run.id))
                .map_err(read_problem)?;
        let mentions = |f: &Finder| {
            actions.iter().any(|a| f.in_text(&a.target))
                || f.in_text(&run.subject)
                || f.in_text(&run.event_id)
                || payloads.iter().any(|p| f.in_bytes(&p.bytes))
        };
        Ok(holding(
            &holds.all,
            &run.workflow,
            run.received_at,
            mentions,
        ))
    }

    /// Takes the payloads of these classes away. `open` are tasks that nobody will decide any more.
    pub(super) async fn wipe(
        &self,
        run: &Run,
        heads: &[Head],
        open: Vec<Review>,
        wipe: &Wipe<'_>,
    ) -> Result<(), Problem> {
        let strictest = heads.iter().map(|h| h.2).max();
        let texts = wipe.order.is_some() || strictest.is_some_and(|s| wipe.classes.contains(&s));
        let names: Vec<String> = heads
            .iter()
            .filter(|(_, _, class)| wipe.classes.contains(class))
            .map(|(n, kind, _)| format!("{kind}/{n}"))
            .collect();
        let now = self.now();
        let mut draft = Draft::on(run, Class::Public, wipe.by.clone(), "run.erased", now);
        // What the run did and when it did it stays as it was: figures do not move.
        draft.run.updated_at = run.updated_at;
        draft.fact("policy", wipe.policy);
        draft.fact("erased", names);
        draft.fact("texts", texts);
        if let Some((order, reason)) = wipe.order {
            draft.fact("order", order.to_string());
            draft.fact("reason", reason);
        }
        for mut review in open {
            review.decided_at = Some(now);
            draft.review(&mut review, ReviewEvent::Supersede)?;
        }
        let mut change = |c: PrivacyChange| draft.change(Change::Privacy(Box::new(c)));
        change(PrivacyChange::CheckHolds { seen: wipe.seen });
        for class in wipe.classes {
            change(PrivacyChange::ErasePayloads {
                run: run.id,
                class: *class,
            });
        }
        if texts {
            for of in TextsOf::ALL {
                change(PrivacyChange::EraseTexts {
                    run: run.id,
                    of: *of,
                });
            }
            draft.run.subject = ERASED.to_owned();
        }
        let (decision, _) = draft.finish();
        let wiped = self.apply_at("wipe.before_commit", "wipe.after_commit", decision);
        wiped.await.map(drop).map_err(apply_problem)
    }
}
