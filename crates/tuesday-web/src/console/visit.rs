//! One signed-in person looking at one address, and the frame of the page they get.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::shell::{AwayLine, Sees, Shell, Who, WorkflowLink, initials};
use super::words::{count, local};
use crate::assets;
use crate::auth::{User, cookie};
use crate::refusal::PageError;
use crate::state::App;
use tuesday_domain::access::Act;
use tuesday_domain::record::Incident;
use tuesday_domain::workflow::Label;
use tuesday_engine::ops::Away;
use tuesday_store::QueueFilter;

/// Name of the cookie with the chosen look.
pub(crate) const LOOK: &str = "tuesday_look";

/// Who looks, where, and how they like it.
pub(crate) struct Visit {
    pub(crate) user: User,
    path: String,
    theme: Option<&'static str>,
    /// The script asks for the case alone; it has the list already.
    pub(crate) part: bool,
}

/// Whether only the case is drawn.
fn part(headers: &axum::http::HeaderMap) -> bool {
    headers.contains_key("x-part") || headers.contains_key("x-console")
}

/// The look a cookie asks for.
pub(crate) fn theme(headers: &axum::http::HeaderMap) -> Option<&'static str> {
    match cookie(headers, LOOK)? {
        "light" => Some("light"),
        "dark" => Some("dark"),
        _ => None,
    }
}

impl FromRequestParts<App> for Visit {
    type Rejection = PageError;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, PageError> {
        let user = User::from_request_parts(parts, app).await?;
        let path = parts
            .uri
            .path_and_query()
            .map_or_else(|| "/queue".to_owned(), ToString::to_string);
        Ok(Self {
            user,
            path,
            theme: theme(&parts.headers),
            part: part(&parts.headers),
        })
    }
}

impl Visit {
    /// A visit that a form led to: the page is drawn where the form was sent.
    pub(crate) fn after(user: User, path: String, headers: &axum::http::HeaderMap) -> Self {
        Self {
            user,
            path,
            theme: theme(headers),
            part: part(headers),
        }
    }

    /// What a part of a page needs of its frame: no counts, and nothing is told or used up.
    pub(crate) fn inner(&self, title: impl Into<String>) -> Shell {
        let session = &self.user.session;
        Shell {
            title: title.into(),
            path: self.path.clone(),
            who: Some(Who {
                handle: session.person.clone(),
                name: session.name.clone(),
                initials: initials(&session.name),
            }),
            csrf: session.csrf.clone(),
            ..Shell::default()
        }
    }

    /// The workflows this person may see.
    pub(crate) async fn reach(&self, app: &App) -> Result<Vec<WorkflowLink>, PageError> {
        let all = app.engine.reader().workflows().await?;
        let manages = self.user.may(Act::ManagePeople);
        let seen = all
            .into_iter()
            .filter(|w| manages || self.user.reads(&w.name));
        Ok(seen
            .map(|w| WorkflowLink {
                name: w.name,
                title: w.title,
                label: w.label.word(),
                label_tone: match w.label {
                    Label::Production => "ok",
                    Label::Pilot => "acc",
                    Label::Retired => "bad",
                    Label::Research => "esc",
                },
            })
            .collect())
    }

    /// The frame of a page.
    pub(crate) async fn shell(
        &self,
        app: &App,
        title: impl Into<String>,
        here: &'static str,
        workflow: Option<String>,
    ) -> Result<Shell, PageError> {
        let reader = app.engine.reader();
        let open = QueueFilter {
            workflow: self.user.session.workflow.clone(),
            among: self.user.readable(),
            ..QueueFilter::default()
        };
        let (workflows, counts, incidents) = tokio::try_join!(
            self.reach(app),
            async { Ok(reader.review_counts(&open).await?) },
            async { Ok(reader.open_incidents().await?) }
        )?;
        let waiting: u64 = counts.iter().map(|c| c.tasks).sum();
        let session = &self.user.session;
        Ok(Shell {
            title: title.into(),
            here,
            path: self.path.clone(),
            theme: self.theme,
            who: Some(Who {
                handle: session.person.clone(),
                name: session.name.clone(),
                initials: initials(&session.name),
            }),
            sees: Sees {
                work: self.user.may(Act::ReadWork),
                audit: self.user.may(Act::VerifyAudit),
                people: self.user.may(Act::ReviewAccess),
            },
            csrf: session.csrf.clone(),
            waiting: (waiting > 0).then(|| count(waiting)),
            workflows,
            workflow,
            assets: assets::all().links.clone(),
            demo: app.config.demo_people,
            flash: app.sessions.told(&self.user),
            away: away(app, &incidents, self.user.readable().as_deref()).await,
        })
    }
}

/// The systems that are away now. Everybody sees them: whose work waits wants to know why. What happens
/// meanwhile is told for the workflows that this person reads.
async fn away(app: &App, incidents: &[Incident], among: Option<&[String]>) -> Vec<AwayLine> {
    let found = app.engine.away(incidents, among).await;
    let line = |a: Away| AwayLine {
        incident: a.incident.to_string(),
        words: format!("{} since {}", a.title, local(a.since, None)),
        meanwhile: a
            .workflows
            .into_iter()
            .map(|m| format!("{} {}.", m.title, m.words))
            .collect(),
    };
    found.into_iter().map(line).collect()
}
