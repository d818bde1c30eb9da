//! What a failing step says about its cause: which dependency, which kind of trouble, and whether one
//! such failure is already a cause. One failure that will be tried again is not.

use tuesday_domain::definition::SourceSpec;
use tuesday_domain::port::{FaultKind, ModelFault, SourceFault, SourceRecord};
use tuesday_domain::run::Reason;
use tuesday_domain::trouble::{Category, Trouble};

use crate::worker::drive::Work;

/// The provider of the model, in the words people use.
pub(crate) fn provider(spec: &tuesday_domain::definition::ModelSpec) -> String {
    spec.provider
        .clone()
        .or_else(|| spec.url.as_deref().map(host))
        .unwrap_or_else(|| spec.kind.word().to_owned())
}

/// The host of an address; an address may carry more than people should see in a title.
fn host(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |u| u.1);
    let host = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    host.rsplit('@').next().unwrap_or(host).to_owned()
}

/// Codes of refused credentials and spent money.
fn is_credential(code: &str) -> bool {
    matches!(code, "unauthorized" | "forbidden" | "spend_limit")
}

/// A failed model call; `last` when no further try is allowed.
pub(crate) fn model(work: &Work, fault: &ModelFault, last: bool) -> Trouble {
    let provider = provider(&work.release.ready.model);
    let words = format!("the model call failed ({}): {}", fault.code, fault.detail);
    let (category, subject) = match fault.kind {
        FaultKind::Transient(_) | FaultKind::TimedOut => (Category::ProviderOutage, provider),
        FaultKind::Permanent if is_credential(fault.code) => {
            (Category::CredentialRefused, format!("model {provider}"))
        }
        FaultKind::Permanent => (
            Category::ConnectorFailing,
            format!("model {provider} ({})", fault.code),
        ),
    };
    of(
        work,
        category,
        subject,
        words,
        last || fault.kind == FaultKind::Permanent,
    )
}

/// A source that could not be read; `None` when its answer was no failure of the source.
pub(crate) fn source<'a>(
    work: &Work,
    reads: impl Iterator<Item = (&'a SourceSpec, &'a Result<SourceRecord, SourceFault>)>,
    last: bool,
) -> Option<Trouble> {
    reads.into_iter().find_map(|(spec, read)| {
        let (category, subject, code, detail, hard) = match read {
            Err(SourceFault::Transient { code, detail, .. }) => (
                Category::SourceOutage,
                spec.system.clone(),
                code,
                detail,
                last,
            ),
            Err(SourceFault::Permanent { code, detail }) => {
                let category = if is_credential(code) {
                    Category::CredentialRefused
                } else {
                    Category::ConnectorFailing
                };
                (
                    category,
                    format!("source {}", spec.system),
                    code,
                    detail,
                    true,
                )
            }
            Err(SourceFault::NotFound { .. } | SourceFault::Ambiguous { .. }) | Ok(_) => {
                return None;
            }
        };
        let words = format!("{} could not be read ({code}): {detail}", spec.name);
        Some(of(work, category, subject, words, hard))
    })
}

/// A destination that did not take a write, for now.
pub(crate) fn destination(
    work: &Work,
    system: &str,
    code: &str,
    detail: &str,
    last: bool,
) -> Trouble {
    let words = format!("a write-back did not go through ({code}): {detail}");
    of(
        work,
        Category::DestinationOutage,
        system.to_owned(),
        words,
        last,
    )
}

/// A destination that refused a write for good.
pub(crate) fn refused(work: &Work, system: &str, code: &str, detail: &str) -> Trouble {
    let category = if is_credential(code) {
        Category::CredentialRefused
    } else {
        Category::ConnectorFailing
    };
    let words = format!("a write-back was refused for good ({code}): {detail}");
    of(work, category, format!("destination {system}"), words, true)
}

/// A task that a failing connector caused, for the reasons that name no cause of their own.
pub(crate) const fn is_connector(reason: Reason) -> bool {
    matches!(reason, Reason::SourceUnavailable)
}

fn of(work: &Work, category: Category, subject: String, words: String, hard: bool) -> Trouble {
    Trouble {
        category,
        subject,
        workflow: Some(work.run.workflow.clone()),
        run: Some(work.run.id),
        words,
        hard,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_names_the_host_and_nothing_that_stands_around_it() {
        assert_eq!(
            host("https://key@api.example.com:8443/v1?k=1"),
            "api.example.com:8443"
        );
        assert_eq!(host("api.example.com"), "api.example.com");
    }
}
