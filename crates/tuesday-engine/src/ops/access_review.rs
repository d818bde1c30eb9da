//! Who may do what, when it was last used, and which rights nobody has used for a quarter.

use std::time::Duration;

use serde::Serialize;
use tuesday_domain::access::{Act, Role, may};
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Grant, RightUse};
use tuesday_domain::time::Timestamp;

use crate::engine::{Engine, read_problem};

/// A right that nobody has used for this long is a finding.
pub(crate) const UNUSED: Duration = Duration::from_secs(90 * 86_400);

/// One grant and its use.
#[derive(Clone, Debug, Serialize)]
pub struct AccessRow {
    /// Handle of the person.
    pub person: String,
    /// Name of the person.
    pub name: String,
    /// False once deactivated.
    pub active: bool,
    /// The role.
    pub role: Role,
    /// The workflow; absent means the instance.
    pub workflow: Option<String>,
    /// Review tier of a specialist.
    pub tier: Option<String>,
    /// Highest class shown.
    pub clearance: &'static str,
    /// Who granted it.
    pub granted_by: String,
    /// When, RFC 3339.
    pub granted_at: String,
    /// Up to when it holds, RFC 3339.
    pub until: Option<String>,
    /// When one of its rights was last used, RFC 3339.
    pub last_used: Option<String>,
    /// Why somebody should look, when somebody should.
    pub finding: Option<String>,
}

/// Acts that everybody with any role has say nothing about the role.
const fn telling(act: Act) -> bool {
    !matches!(act, Act::OwnAccount)
}

fn last_used(grant: &Grant, uses: &[RightUse]) -> Option<Timestamp> {
    uses.iter()
        .filter(|u| u.person == grant.person)
        .filter(|u| {
            grant
                .workflow
                .as_deref()
                .is_none_or(|w| w == u.workflow || u.workflow.is_empty())
        })
        .filter(|u| {
            u.act.parse().is_ok_and(|act: Act| {
                telling(act)
                    && may(grant.role, act)
                    && (act != Act::ReadWork || reads_only(grant.role))
            })
        })
        .map(|u| u.used_at)
        .max()
}

/// Reading counts as use only for roles that have little else.
const fn reads_only(role: Role) -> bool {
    matches!(role, Role::Auditor | Role::ExecutiveSponsor)
}

fn finding(grant: &Grant, active: bool, used: Option<Timestamp>, now: Timestamp) -> Option<String> {
    if !active {
        return Some("the person is deactivated and still holds the role".to_owned());
    }
    let since = used.unwrap_or(grant.granted_at);
    (now.since(since) >= UNUSED).then(|| {
        let days = now.since(since).as_secs() / 86_400;
        format!("not used for {days} days")
    })
}

impl Engine {
    /// Every grant with its last use; findings where somebody should look.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn access_review(&self) -> Result<Vec<AccessRow>, Problem> {
        let reader = &self.0.reader;
        let (people, grants, uses) =
            tokio::try_join!(reader.people(), reader.grants(), reader.right_uses())
                .map_err(read_problem)?;
        let now = self.now();
        let row = |g: Grant| {
            let person = people.iter().find(|p| p.handle == g.person);
            let active = person.is_some_and(|p| p.active);
            let used = last_used(&g, &uses);
            AccessRow {
                name: person.map_or_else(|| g.person.clone(), |p| p.name.clone()),
                active,
                role: g.role,
                clearance: g.clearance.word(),
                granted_at: g.granted_at.rfc3339(),
                until: g.until.map(Timestamp::rfc3339),
                last_used: used.map(Timestamp::rfc3339),
                finding: finding(&g, active, used, now),
                person: g.person,
                workflow: g.workflow,
                tier: g.tier,
                granted_by: g.granted_by,
            }
        };
        Ok(grants.into_iter().map(row).collect())
    }
}
