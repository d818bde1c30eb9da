//! What a decision may rest on: something that can be opened. A word for it is not evidence; an id, a page of this
//! instance or an address is.

use crate::id::{DecisionId, IncidentId, ProblemReportId, ReleaseId, ReviewId, RunId};

/// Most bytes of a link.
const MOST: usize = 500;
/// First parts of the pages that show records.
const PAGES: &[&str] = &[
    "workflows",
    "runs",
    "reviews",
    "incidents",
    "problem-reports",
    "duties",
    "batches",
    "blast-radius",
    "audit",
    "changes",
    "hub",
    "policies",
    "security",
    "runbooks",
];

/// Something that can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// A run.
    Run(RunId),
    /// A task.
    Review(ReviewId),
    /// An incident.
    Incident(IncidentId),
    /// A release.
    Release(ReleaseId),
    /// A report about an output.
    Report(ProblemReportId),
    /// An earlier decision.
    Decision(DecisionId),
    /// A page of this instance, below its address.
    Page(String),
    /// A page elsewhere.
    Web(String),
}

impl Link {
    /// Reads a link as a person writes it.
    ///
    /// # Errors
    /// In words, for what cannot be opened.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.len() > MOST {
            return Err(format!("a link holds at most {MOST} bytes"));
        }
        if text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(format!(
                "`{text}` is no link: it has blanks or says nothing"
            ));
        }
        let bad = |e: crate::id::IdError| e.to_string();
        match text.split_once('_').map(|(prefix, _)| prefix) {
            Some("run") => return text.parse().map(Self::Run).map_err(bad),
            Some("rev") => return text.parse().map(Self::Review).map_err(bad),
            Some("inc") => return text.parse().map(Self::Incident).map_err(bad),
            Some("rel") => return text.parse().map(Self::Release).map_err(bad),
            Some("prb") => return text.parse().map(Self::Report).map_err(bad),
            Some("dec") => return text.parse().map(Self::Decision).map_err(bad),
            _ => {}
        }
        if let Some(rest) = text.strip_prefix('/') {
            let first = rest.split(['/', '?', '#']).next().unwrap_or_default();
            if PAGES.contains(&first) && !text.contains("//") && !text.contains("..") {
                return page(text);
            }
            return Err(format!("`{text}` is no page of records here"));
        }
        match text.strip_prefix("https://") {
            Some(rest) if rest.split(['/', '?', '#']).next().is_some_and(is_host) => {
                Ok(Self::Web(text.to_owned()))
            }
            _ => Err(format!(
                "`{text}` is neither an id, nor a page here, nor an https:// address"
            )),
        }
    }

    /// Where it opens; nothing for what has no page of its own.
    #[must_use]
    pub fn address(&self) -> Option<String> {
        Some(match self {
            Self::Run(id) => format!("/runs/{id}"),
            Self::Review(id) => format!("/reviews/{id}"),
            Self::Incident(id) => format!("/incidents/{id}"),
            Self::Report(id) => format!("/problem-reports/{id}"),
            Self::Page(path) | Self::Web(path) => path.clone(),
            Self::Release(_) | Self::Decision(_) => return None,
        })
    }

    /// The workflow that a page belongs to.
    #[must_use]
    pub fn workflow(&self) -> Option<&str> {
        let Self::Page(path) = self else { return None };
        let rest = path.strip_prefix("/workflows/")?;
        let name = rest.split(['/', '?', '#']).next().unwrap_or_default();
        (!name.is_empty()).then_some(name)
    }
}

/// The page of a single record is the record: it has to be there.
fn page(text: &str) -> Result<Link, String> {
    let mut parts = text.split(['?', '#']).next().unwrap_or_default().split('/');
    let (kind, id) = (
        parts.nth(1).unwrap_or_default(),
        parts.next().unwrap_or_default(),
    );
    match kind {
        "runs" | "reviews" | "incidents" | "problem-reports" if !id.is_empty() => Link::parse(id),
        _ => Ok(Link::Page(text.to_owned())),
    }
}

fn is_host(host: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:".contains(c);
    host.contains('.') && host.chars().all(plain) && !host.starts_with('.') && !host.ends_with('.')
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests fail loudly")]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_opened_is_a_link() {
        let run = RunId::new(uuid::Uuid::from_u128(7));
        let parsed = Link::parse(&run.to_string()).unwrap();
        assert_eq!(parsed, Link::Run(run));
        assert_eq!(parsed.address(), Some(format!("/runs/{run}")));
        assert_eq!(
            Link::parse(&format!("/runs/{run}?x=1")).unwrap(),
            Link::Run(run)
        );
        let card = Link::parse(" /workflows/small/scorecard?from=2026-01-01 ").unwrap();
        assert_eq!(card.workflow(), Some("small"));
        let web = "https://example.com/report/7#part";
        assert_eq!(Link::parse(web).unwrap().address().as_deref(), Some(web));
    }

    #[test]
    fn what_cannot_be_opened_is_none() {
        for text in [
            "",
            "the figures of the week",
            "run_",
            "run_zzz",
            "/settings",
            "/workflows//evil.example",
            "/workflows/../runs",
            "/runs/nonsense",
            "//evil.example",
            "http://example.com",
            "https://",
            "https://localhost",
            "javascript:alert(1)",
            "data:text/html,x",
            "https://a b.example",
        ] {
            assert!(Link::parse(text).is_err(), "{text}");
        }
        assert!(Link::parse(&format!("https://example.com/{}", "a".repeat(600))).is_err());
    }
}
