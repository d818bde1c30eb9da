//! Forms that change something: only from our own pages, only with the session's own token in them.

use axum::extract::{Form, FromRequest, FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use tuesday_domain::problem::Problem;

use super::{User, same_secret};
use crate::refusal::PageError;
use crate::state::App;

/// The fields of a form whose sender was checked, and who sent it.
pub(crate) struct PostForm {
    pub(crate) user: User,
    pub(crate) fields: Vec<(String, String)>,
}

impl PostForm {
    /// The first field of that name; empty counts as absent.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.fields
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.trim().to_owned())
            .filter(|v| !v.is_empty())
    }

    /// Every field of that name.
    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.fields
            .iter()
            .filter(|(n, _)| n == name)
            .map(|(_, v)| v.clone())
            .collect()
    }

    /// The revision the person saw.
    pub(crate) fn revision(&self) -> Result<Option<u32>, Problem> {
        let bad = || Problem::new("bad_request", "the revision is not a number").field("revision");
        self.text("revision")
            .map(|t| t.parse().map_err(|_| bad()))
            .transpose()
    }
}

/// Refuses what another site made the browser send. Browsers that send no Fetch Metadata send an
/// Origin with every POST; a request without either is no browser, and it has no cookie to abuse.
pub(crate) fn same_site(headers: &HeaderMap, public_url: &str) -> Result<(), Problem> {
    let refused = |why: &str| {
        Err(Problem::new(
            "cross_site",
            format!("the form came from another site ({why})"),
        ))
    };
    let text = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return if matches!(site, "same-origin" | "none") {
            Ok(())
        } else {
            refused(site)
        };
    }
    match text(ORIGIN.as_str()) {
        None => Ok(()),
        Some(origin) if origin == public_url => Ok(()),
        Some(origin) => {
            let host = text(HOST.as_str()).unwrap_or_default();
            let own = !host.is_empty() && origin.split_once("://").is_some_and(|(_, h)| h == host);
            if own { Ok(()) } else { refused(origin) }
        }
    }
}

impl FromRequest<App> for PostForm {
    type Rejection = PageError;
    async fn from_request(request: Request, app: &App) -> Result<Self, PageError> {
        same_site(request.headers(), &app.config.public_url)?;
        let (mut parts, body) = request.into_parts();
        let user = User::from_request_parts(&mut parts, app).await?;
        let Form(fields) =
            Form::<Vec<(String, String)>>::from_request(Request::from_parts(parts, body), app)
                .await
                .map_err(|e| Problem::new("bad_request", e.to_string()))?;
        let form = Self { user, fields };
        let token = form.text("csrf").unwrap_or_default();
        if !same_secret(&token, &form.user.session.csrf) {
            return Err(
                Problem::new("cross_site", "the form is not one of this session")
                    .way_out("open the page again")
                    .into(),
            );
        }
        Ok(form)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn check(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (n, v) in pairs {
            headers.insert(*n, HeaderValue::from_static(v));
        }
        same_site(&headers, "https://tuesday.example").is_ok()
    }

    #[test]
    fn only_our_own_pages_may_post() {
        assert!(check(&[("sec-fetch-site", "same-origin")]));
        assert!(!check(&[("sec-fetch-site", "cross-site")]));
        assert!(!check(&[
            ("sec-fetch-site", "same-site"),
            ("origin", "https://tuesday.example")
        ]));
        assert!(check(&[("origin", "https://tuesday.example")]));
        assert!(check(&[
            ("origin", "http://127.0.0.1:4321"),
            ("host", "127.0.0.1:4321")
        ]));
        assert!(!check(&[
            ("origin", "https://evil.example"),
            ("host", "tuesday.example")
        ]));
        assert!(!check(&[("origin", "null"), ("host", "tuesday.example")]));
    }
}
