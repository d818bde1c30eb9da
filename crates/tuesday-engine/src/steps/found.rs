//! What a failing step says about its cause: which dependency, which kind of trouble, and whether one
//! such failure is already a cause. One failure that will be tried again is not.

use tuesday_domain::definition::SourceSpec;
use tuesday_domain::port::{FaultKind, ModelFault, SourceFault, SourceRecord};
use tuesday_domain::run::Reason;
use tuesday_domain::trouble::{Category, Trouble};

use crate::engine::Engine;
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
pub(crate) fn model(
    engine: &Engine,
    work: &Work,
    fault: &ModelFault,
    last: bool,
) -> Option<Trouble> {
    let provider = provider(&work.release.ready.model);
    let words = format!("the model call failed ({}): {}", fault.code, fault.detail);
    match fault.kind {
        FaultKind::Transient(_) | FaultKind::TimedOut => for_now(
            engine,
            work,
            (Category::ProviderOutage, "model", &provider),
            words,
            last,
        ),
        FaultKind::Permanent => Some(for_good(work, ("model", &provider), fault.code, words)),
    }
}

/// The first source that could not be read; `None` when all that failed is no failure of a source.
pub(crate) fn source<'a>(
    engine: &Engine,
    work: &Work,
    reads: impl Iterator<Item = (&'a SourceSpec, &'a Result<SourceRecord, SourceFault>)>,
    last: bool,
) -> Option<Trouble> {
    let mut first = None;
    for (spec, read) in reads {
        let found = match read {
            Err(SourceFault::Transient { code, detail, .. }) => {
                let words = format!("{} could not be read ({code}): {detail}", spec.name);
                let system = (Category::SourceOutage, "source", spec.system.as_str());
                for_now(engine, work, system, words, last)
            }
            Err(SourceFault::Permanent { code, detail }) => {
                let words = format!("{} could not be read ({code}): {detail}", spec.name);
                Some(for_good(work, ("source", &spec.system), code, words))
            }
            Err(SourceFault::NotFound { .. } | SourceFault::Ambiguous { .. }) | Ok(_) => {
                let now = engine.now();
                let dependencies = &engine.0.dependencies;
                dependencies.worked(Category::SourceOutage, &spec.system, now);
                None
            }
        };
        first = first.or(found);
    }
    first
}

/// A destination that did not take a write, for now.
pub(crate) fn destination(
    engine: &Engine,
    work: &Work,
    system: &str,
    (code, detail): (&str, &str),
    last: bool,
) -> Option<Trouble> {
    let words = format!("a write-back did not go through ({code}): {detail}");
    let system = (Category::DestinationOutage, "destination", system);
    for_now(engine, work, system, words, last)
}

/// Several failures in a row, of more than one run, are an outage. A single case that is given up is not one: others may do
/// well at the same system.
fn for_now(
    engine: &Engine,
    work: &Work,
    (outage, kind, name): (Category, &str, &str),
    words: String,
    last: bool,
) -> Option<Trouble> {
    if engine.0.dependencies.failed(outage, name, work.run.id) {
        return Some(of(work, outage, name.to_owned(), words));
    }
    let subject = format!("{kind} {name}");
    last.then(|| of(work, Category::ConnectorFailing, subject, words))
}

fn for_good(work: &Work, (kind, name): (&str, &str), code: &str, words: String) -> Trouble {
    if is_credential(code) {
        return of(
            work,
            Category::CredentialRefused,
            format!("{kind} {name}"),
            words,
        );
    }
    let subject = format!("{kind} {name} ({code})");
    of(work, Category::ConnectorFailing, subject, words)
}

/// A destination that refused a write for good.
pub(crate) fn refused(work: &Work, system: &str, code: &str, detail: &str) -> Trouble {
    let words = format!("a write-back was refused for good ({code}): {detail}");
    for_good(work, ("destination", system), code, words)
}

/// Another model than the pinned one answered; one incident for each workflow and provider.
pub(crate) fn mismatched(work: &Work, words: String) -> Trouble {
    let provider = provider(&work.release.ready.model);
    let subject = format!("{} {provider}", work.run.workflow);
    of(work, Category::ModelMismatch, subject, words)
}

/// A task that a failing connector caused, for the reasons that name no cause of their own.
pub(crate) const fn is_connector(reason: Reason) -> bool {
    matches!(reason, Reason::SourceUnavailable)
}

fn of(work: &Work, category: Category, subject: String, words: String) -> Trouble {
    Trouble::new(category, subject, Some(&work.run.workflow), words).of_run(work.run.id)
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
