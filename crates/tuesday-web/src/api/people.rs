//! People: who is here and what they may do. The same acts as on the console's pages, through the
//! same operations; each names a reason and leaves an audit entry.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tuesday_domain::access::Role;
use tuesday_domain::problem::Problem;
use tuesday_domain::record::{Grant, Person};
use tuesday_domain::time::Timestamp;
use tuesday_engine::ops::PersonCard;
use utoipa::ToSchema;

use crate::auth::{ApiAdmin, ApiReader};
use crate::query;
use crate::refusal::{ApiError, ProblemBody};
use crate::state::App;

/// A person.
#[derive(Serialize, ToSchema)]
pub(crate) struct PersonBody {
    handle: String,
    name: String,
    email: String,
    active: bool,
    /// What the person may do; each role once for each place.
    grants: Vec<GrantBody>,
}

/// A role at a place.
#[derive(Serialize, ToSchema)]
pub(crate) struct GrantBody {
    role: &'static str,
    /// Absent for the instance.
    workflow: Option<String>,
    /// The review tier of a specialist reviewer.
    tier: Option<String>,
    /// The highest sensitivity class it shows.
    clearance: &'static str,
    may_pause: bool,
    granted_by: String,
    granted_at: String,
    /// It ends then; absent means it holds until it is taken away.
    until: Option<String>,
}

/// Everybody.
#[derive(Serialize, ToSchema)]
pub(crate) struct PersonList {
    items: Vec<PersonBody>,
}

/// A person with what hangs on them. Nothing secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct CardBody {
    #[serde(flatten)]
    person: PersonBody,
    /// Ways to sign in: `password`, `totp`, `recovery`, `passkey`, `oidc`.
    sign_in: Vec<&'static str>,
    /// Sessions that are not over.
    sessions: usize,
    /// Tokens that are not withdrawn.
    tokens: usize,
    away_until: Option<String>,
}

/// A link that works once, for three days; it is not shown again.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinkBody {
    person: String,
    link: String,
}

impl From<Grant> for GrantBody {
    fn from(g: Grant) -> Self {
        Self {
            role: g.role.word(),
            workflow: g.workflow,
            tier: g.tier,
            clearance: g.clearance.word(),
            may_pause: g.may_pause,
            granted_by: g.granted_by,
            granted_at: g.granted_at.rfc3339(),
            until: g.until.map(Timestamp::rfc3339),
        }
    }
}

fn body(p: Person, grants: impl IntoIterator<Item = Grant>) -> PersonBody {
    PersonBody {
        grants: grants.into_iter().map(GrantBody::from).collect(),
        handle: p.handle,
        name: p.name,
        email: p.email,
        active: p.active,
    }
}

impl From<PersonCard> for CardBody {
    fn from(c: PersonCard) -> Self {
        let live = c.tokens.iter().filter(|t| t.revoked_at.is_none());
        Self {
            sign_in: c.credentials.iter().map(|k| k.kind.word()).collect(),
            sessions: c.sessions.len(),
            tokens: live.count(),
            away_until: c.away.map(|a| a.until).map(Timestamp::rfc3339),
            person: body(c.person, c.grants),
        }
    }
}

/// Why; kept in the audit log.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Why {
    #[serde(default)]
    reason: String,
}

/// A new person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPerson {
    /// 2 to 40 small letters, digits, dots, dashes or underscores; it stays for good.
    handle: String,
    name: String,
    email: String,
    #[serde(default)]
    reason: String,
}

/// A role to give or to take away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RoleChange {
    role: String,
    /// Left out for the instance.
    workflow: Option<String>,
    tier: Option<String>,
    /// The role's own when left out.
    clearance: Option<String>,
    #[serde(default)]
    may_pause: bool,
    /// It ends then by itself, RFC 3339; it holds until it is taken away when left out.
    until: Option<String>,
    #[serde(default)]
    reason: String,
}

impl RoleChange {
    fn of(&self, handle: &str) -> Result<Grant, Problem> {
        let none = || Problem::new("bad_request", "a role is needed").field("role");
        let role: Role = query::word("role", Some(&self.role))?.ok_or_else(none)?;
        let mut grant = Grant::new(handle, role, self.workflow.clone());
        grant.tier.clone_from(&self.tier);
        let class = query::word("clearance", self.clearance.as_deref())?;
        grant.clearance = class.unwrap_or(grant.clearance);
        grant.may_pause = self.may_pause;
        let until = self.until.as_deref().map(Timestamp::parse).transpose();
        grant.until =
            until.map_err(|e| Problem::new("bad_request", e.to_string()).field("until"))?;
        Ok(grant)
    }
}

/// Everybody, active or not, with their roles.
#[utoipa::path(get, path = "/api/v1/people", tag = "people", responses((status = 200, body = PersonList)))]
pub(crate) async fn list(
    State(app): State<App>,
    by: ApiReader,
) -> Result<Json<PersonList>, ApiError> {
    by.whole()?;
    let reader = app.engine.reader();
    let (people, grants) = tokio::try_join!(reader.people(), reader.grants())?;
    let items = people.into_iter().map(|p| {
        let own: Vec<Grant> = grants
            .iter()
            .filter(|g| g.person == p.handle)
            .cloned()
            .collect();
        body(p, own)
    });
    Ok(Json(PersonList {
        items: items.collect(),
    }))
}

/// One person.
#[utoipa::path(get, path = "/api/v1/people/{handle}", tag = "people", params(("handle" = String, Path)),
    responses((status = 200, body = CardBody), (status = 404, body = ProblemBody)))]
pub(crate) async fn show(
    State(app): State<App>,
    by: ApiReader,
    Path(handle): Path<String>,
) -> Result<Json<CardBody>, ApiError> {
    by.whole()?;
    Ok(Json(app.engine.person_card(&handle).await?.into()))
}

fn link(app: &App, person: String, code: &str) -> LinkBody {
    LinkBody {
        person,
        link: format!("{}/sign-in?code={code}", app.config.public_url),
    }
}

/// Adds a person; answers a set-up link.
#[utoipa::path(post, path = "/api/v1/people", tag = "people", request_body = NewPerson,
    responses((status = 201, body = LinkBody), (status = 400, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn invite(
    State(app): State<App>,
    by: ApiAdmin,
    raw: Bytes,
) -> Result<(StatusCode, Json<LinkBody>), ApiError> {
    by.whole()?;
    let b: NewPerson = query::body(&raw)?;
    let person = Person {
        handle: b.handle.clone(),
        name: b.name,
        email: b.email,
        active: true,
    };
    let code = app.engine.invite(person, &b.reason, &by.actor()).await?;
    Ok((StatusCode::CREATED, Json(link(&app, b.handle, &code))))
}

/// Takes all ways to sign in away, ends all sessions, answers a new link.
#[utoipa::path(post, path = "/api/v1/people/{handle}/link", tag = "people", params(("handle" = String, Path)), request_body = Why,
    responses((status = 200, body = LinkBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn reset(
    State(app): State<App>,
    by: ApiAdmin,
    Path(handle): Path<String>,
    raw: Bytes,
) -> Result<Json<LinkBody>, ApiError> {
    by.whole()?;
    let b: Why = query::body(&raw)?;
    let code = app
        .engine
        .reset_sign_in(&handle, &b.reason, &by.actor())
        .await?;
    Ok(Json(link(&app, handle, &code)))
}

/// Gives a role, or changes its clearance.
#[utoipa::path(post, path = "/api/v1/people/{handle}/grants", tag = "people", params(("handle" = String, Path)), request_body = RoleChange,
    responses((status = 200, body = GrantBody), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn grant(
    State(app): State<App>,
    by: ApiAdmin,
    Path(handle): Path<String>,
    raw: Bytes,
) -> Result<Json<GrantBody>, ApiError> {
    by.whole()?;
    let b: RoleChange = query::body(&raw)?;
    let given = app
        .engine
        .grant(b.of(&handle)?, &b.reason, &by.actor())
        .await?;
    Ok(Json(given.into()))
}

/// Takes a role away; it stops working with the next request.
#[utoipa::path(post, path = "/api/v1/people/{handle}/grants/withdrawal", tag = "people", params(("handle" = String, Path)), request_body = RoleChange,
    responses((status = 204), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn withdraw(
    State(app): State<App>,
    by: ApiAdmin,
    Path(handle): Path<String>,
    raw: Bytes,
) -> Result<StatusCode, ApiError> {
    by.whole()?;
    let b: RoleChange = query::body(&raw)?;
    app.engine
        .revoke(&b.of(&handle)?, &b.reason, &by.actor())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Switches a person off: sessions and tokens end, the name stays in history.
#[utoipa::path(post, path = "/api/v1/people/{handle}/deactivation", tag = "people", params(("handle" = String, Path)), request_body = Why,
    responses((status = 204), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn deactivate(
    State(app): State<App>,
    by: ApiAdmin,
    Path(handle): Path<String>,
    raw: Bytes,
) -> Result<StatusCode, ApiError> {
    switch(&app, &by, &handle, false, &raw).await
}

/// Switches a person on again.
#[utoipa::path(post, path = "/api/v1/people/{handle}/activation", tag = "people", params(("handle" = String, Path)), request_body = Why,
    responses((status = 204), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
pub(crate) async fn activate(
    State(app): State<App>,
    by: ApiAdmin,
    Path(handle): Path<String>,
    raw: Bytes,
) -> Result<StatusCode, ApiError> {
    switch(&app, &by, &handle, true, &raw).await
}

async fn switch(
    app: &App,
    by: &ApiAdmin,
    handle: &str,
    on: bool,
    raw: &Bytes,
) -> Result<StatusCode, ApiError> {
    by.whole()?;
    let b: Why = query::body(raw)?;
    app.engine
        .set_active(handle, on, &b.reason, &by.actor())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
