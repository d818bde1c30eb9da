//! Gives a person a role and takes it away.

use tuesday_domain::access::Role;
use tuesday_domain::actor::Actor;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{AuditEntry, Change, Grant, Subject};

use super::people::reasoned;
use crate::engine::{Engine, read_problem};

fn words(g: Option<&Grant>) -> String {
    g.map_or_else(
        || "none".to_owned(),
        |g| {
            let pause = if g.may_pause { ", may pause" } else { "" };
            let until = g.until.map(|t| format!(", until {t}")).unwrap_or_default();
            format!(
                "{} on {}, clearance {}{pause}{until}",
                g.role,
                g.place(),
                g.clearance.word()
            )
        },
    )
}

fn same_place(a: &Grant, b: &Grant) -> bool {
    a.role == b.role && a.workflow == b.workflow && a.tier == b.tier
}

impl Engine {
    /// Grants a role, or changes its clearance; `grant.granted_by` and `granted_at` are set here.
    ///
    /// # Errors
    /// `reason_required`, `not_found`, `not_allowed` for oneself or for a machine role, `second_owner` for the
    /// owner's role without an end on a workflow that somebody else answers for.
    pub async fn grant(&self, grant: Grant, reason: &str, by: &Actor) -> Result<Grant, Problem> {
        let reason = reasoned(reason)?;
        if grant.role == Role::MachineIdentity {
            return Err(Problem::new(
                "not_allowed",
                "a person is no machine; machines have tokens",
            )
            .field("role"));
        }
        if grant.tier.is_some() && grant.role != Role::SpecialistReviewer {
            return Err(
                Problem::new("bad_request", "only a specialist reviewer has a tier").field("tier"),
            );
        }
        let now = self.now();
        if grant.until.is_some_and(|until| until <= now) {
            return Err(
                Problem::new("bad_request", "the end of a right lies ahead of now").field("until"),
            );
        }
        self.known_person(&grant.person).await?;
        if let Some(workflow) = &grant.workflow {
            self.known_workflow(workflow).await?;
            self.one_owner(workflow, &grant).await?;
        }
        let all = self.0.reader.grants().await.map_err(read_problem)?;
        // Nobody raises their own rights, except the very first administrator.
        let first = !all.iter().any(|g| g.role == Role::Administrator);
        if grant.role == Role::Administrator && grant.until.is_some() {
            let others = |g: &&Grant| g.role == Role::Administrator && g.until.is_none();
            if !all.iter().filter(others).any(|g| g.person != grant.person) {
                return Err(Problem::new(
                    "illegal_state",
                    "somebody must be administrator without an end",
                )
                .field("until"));
            }
        }
        if by.person() == Some(&grant.person) && !first {
            return Err(Problem::new(
                "same_person_twice",
                "somebody else has to grant you a role",
            ));
        }
        let before = all
            .iter()
            .find(|g| g.person == grant.person && same_place(g, &grant));
        let grant = Grant {
            granted_by: by.to_string(),
            granted_at: now,
            ..grant
        };
        let mut entry = AuditEntry::new(now, by.clone(), "right.granted", Subject::Instance)
            .fact("person", grant.person.clone())
            .fact("before", words(before))
            .fact("after", words(Some(&grant)))
            .fact("reason", reason);
        if let Some(until) = grant.until {
            entry = entry.fact("until", until.rfc3339());
        }
        self.commit(vec![Change::PutGrant(Box::new(grant.clone()))], entry)
            .await?;
        Ok(grant)
    }

    /// The package names the one who answers and the one who stands in. Somebody else holds the owner's role
    /// for a time at most, while one of them is there.
    async fn one_owner(&self, workflow: &str, grant: &Grant) -> Result<(), Problem> {
        if grant.role != Role::OperatorOwner || grant.until.is_some() {
            return Ok(());
        }
        let (_, live) = self.live(workflow).await?;
        let owners = &live.ready.def.owners;
        let named = [&owners.operator, &owners.backup];
        if named.iter().any(|p| p.handle == grant.person) {
            return Ok(());
        }
        let people = self.0.reader.people().await.map_err(read_problem)?;
        let is_active = |h: &str| people.iter().any(|p| p.active && p.handle == h);
        let Some(owner) = named.into_iter().find(|p| is_active(&p.handle)) else {
            return Ok(());
        };
        let words = format!("{} answers for {workflow}: it has one owner", owner.name);
        Err(Problem::new("second_owner", words).field("role").way_out(
            "name another owner in the package, or give the role until a day with --until",
        ))
    }

    /// Takes a role away; it stops working with the next request.
    ///
    /// # Errors
    /// `reason_required`, `not_found`, `illegal_state` for the last administrator.
    pub async fn revoke(&self, grant: &Grant, reason: &str, by: &Actor) -> Result<(), Problem> {
        let reason = reasoned(reason)?;
        let all = self
            .0
            .reader
            .grants_of(&grant.person)
            .await
            .map_err(read_problem)?;
        let held = all
            .into_iter()
            .find(|g| same_place(g, grant))
            .ok_or_else(|| {
                Problem::new(
                    "not_found",
                    format!(
                        "{} does not hold {} on {}",
                        grant.person,
                        grant.role,
                        grant.place()
                    ),
                )
            })?;
        if held.role == Role::Administrator {
            self.keeps_an_administrator(&held.person).await?;
        }
        let entry = AuditEntry::new(self.now(), by.clone(), "right.revoked", Subject::Instance)
            .fact("person", held.person.clone())
            .fact("before", words(Some(&held)))
            .fact("after", "none")
            .fact("reason", reason);
        self.commit(vec![Change::DropGrant(Box::new(held))], entry)
            .await
    }

    /// Takes away what has run out, with who had granted it. It has not held since its end; this is the entry.
    ///
    /// # Errors
    /// `unavailable`.
    pub(crate) async fn end_grants(&self) -> Result<(), Problem> {
        let now = self.now();
        let all = self.0.reader.grants().await.map_err(read_problem)?;
        for gone in all.into_iter().filter(|g| !g.holds(now)) {
            let by = Actor::System("rights");
            let until = gone.until.map(|t| t.rfc3339()).unwrap_or_default();
            let entry = AuditEntry::new(now, by, "right.expired", Subject::Instance)
                .fact("person", gone.person.clone())
                .fact("before", words(Some(&gone)))
                .fact("after", "none")
                .fact("until", until)
                .fact("granted_by", gone.granted_by.clone())
                .fact("granted_at", gone.granted_at.rfc3339());
            // Another node may have been first: then there is nothing left to take away.
            if let Err(e) = self
                .commit(vec![Change::DropGrant(Box::new(gone))], entry)
                .await
            {
                tracing::debug!(error = %e, "a right that ran out was not taken away");
            }
        }
        Ok(())
    }

    /// Somebody must be left who can let people in.
    pub(crate) async fn keeps_an_administrator(&self, without: &str) -> Result<(), Problem> {
        let reader = &self.0.reader;
        let (grants, people) =
            tokio::try_join!(reader.grants(), reader.people()).map_err(read_problem)?;
        let active = |h: &str| people.iter().any(|p| p.handle == h && p.active);
        // One that ends by itself leaves nobody.
        let is =
            |g: &&Grant| g.role == Role::Administrator && g.until.is_none() && active(&g.person);
        if grants.iter().filter(is).any(|g| g.person == without)
            && !grants.iter().filter(is).any(|g| g.person != without)
        {
            return Err(Problem::new(
                "illegal_state",
                format!("{without} is the last administrator"),
            )
            .way_out("make somebody else an administrator first"));
        }
        Ok(())
    }
}
