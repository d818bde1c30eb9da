//! One signed-in person looking at one address, and the frame of the page they get.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::shell::{Sees, Shell, Who, WorkflowLink, initials};
use super::words::count;
use crate::assets;
use crate::auth::{User, cookie};
use crate::refusal::PageError;
use crate::state::App;
use tuesday_domain::access::Act;
use tuesday_store::QueueFilter;

/// Name of the cookie with the chosen look.
pub(crate) const LOOK: &str = "tuesday_look";

/// Who looks, where, and how they like it.
pub(crate) struct Visit {
    pub(crate) user: User,
    path: String,
    theme: Option<&'static str>,
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
        }
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
            ..QueueFilter::default()
        };
        let (workflows, counts) =
            tokio::try_join!(reader.workflows(), reader.review_counts(&open))?;
        let waiting: u64 = counts.iter().map(|c| c.tasks).sum();
        let session = &self.user.session;
        Ok(Shell {
            title: title.into(),
            here,
            path: self.path.clone(),
            theme: self.theme,
            who: Some(Who {
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
            workflows: workflows
                .into_iter()
                .filter(|w| self.user.reads(&w.name) || self.user.may(Act::ManagePeople))
                .map(|w| WorkflowLink {
                    name: w.name,
                    title: w.title,
                })
                .collect(),
            workflow,
            assets: assets::all().links.clone(),
            demo: app.config.demo_people,
            flash: app.sessions.told(&self.user),
        })
    }
}
